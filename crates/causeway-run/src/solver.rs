//! A solver for claims about rule packs: cvc5, as a process, asked through Cedar's symbolic compiler.
//!
//! The compiler turns policies into SMT-LIB, and its translation is itself proved right (in Lean, by its makers). A time limit
//! means "not proved", never "holds".

use std::str::FromStr;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_law::diff::{Answer, Prover, Question};
use cedar_policy::{Policy, PolicyId, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicySet};
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::RunError;

/// Stack of the thread that compiles a claim, bytes. Only what is touched is used.
const STACK: usize = 512 << 20;

/// A cvc5 process. A new one is started when one has died or ran out of time.
#[derive(Debug)]
pub struct Solver {
    binary: Utf8PathBuf,
    version: String,
    limit: Duration,
    runtime: Runtime,
    running: Option<CedarSymCompiler<LocalSolver>>,
}

impl Solver {
    /// Starts the solver once and asks for its version. `limit` is the time for one claim.
    ///
    /// # Errors
    /// [`RunError::Solver`] when it can't be started or is no cvc5.
    pub fn start(binary: &Utf8Path, limit: Duration) -> Result<Self, RunError> {
        let failed = |why: String| RunError::Solver {
            binary: binary.to_owned(),
            why,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let output = runtime
            .block_on(async {
                let asked = Command::new(binary)
                    .arg("--version")
                    .stdin(std::process::Stdio::null())
                    .kill_on_drop(true)
                    .output();
                tokio::time::timeout(limit, asked).await
            })
            .map_err(|_| failed("it does not say its version".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text
            .split_once("cvc5 version ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .ok_or_else(|| failed("`--version` names no version of cvc5".to_owned()))?;
        Ok(Self {
            binary: binary.to_owned(),
            version: version.trim_end_matches(']').to_owned(),
            limit,
            runtime,
            running: None,
        })
    }

    /// The solver's version, as it says it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    fn decide(&mut self, question: &Question) -> Result<Answer, String> {
        let schema = Schema::from_str(&question.schema).map_err(|error| error.to_string())?;
        let name = question.kind.word();
        let environment = schema
            .request_envs()
            .find(|environment| environment.action().id().unescaped() == name)
            .ok_or_else(|| format!("the schema has no act `{name}`"))?;
        let strict = compile(&question.strict, &environment, &schema)?;
        let mild = compile(&question.mild, &environment, &schema)?;
        let mut compiler = match self.running.take() {
            Some(running) => running,
            None => self.runtime.block_on(async {
                let limit = format!("--tlimit-per={}", self.limit.as_millis());
                let mut command = Command::new(&self.binary);
                command.args(["--lang", "smt", &limit]).kill_on_drop(true);
                let solver =
                    LocalSolver::from_command(&mut command).map_err(|error| error.to_string())?;
                CedarSymCompiler::new(solver).map_err(|error| error.to_string())
            })?,
        };
        // The solver's own limit comes first; this one is for a solver that does not keep it.
        let asked = compiler.check_implies_with_counterexample_opt(&strict, &mild);
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(self.limit * 2, asked).await });
        let answer = match answer {
            Ok(Ok(None)) => Answer::Holds,
            Ok(Ok(Some(environment))) => Answer::Fails {
                context: environment
                    .request
                    .context()
                    .and_then(|context| context.to_json_value().ok())
                    .unwrap_or_default()
                    .to_string(),
            },
            Ok(Err(Error::SolverUnknown)) => {
                return Ok(Answer::Unknown {
                    why: format!("not within {} s", self.limit.as_secs()),
                });
            }
            // A solver that broke is not asked again; the next claim starts another.
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => {
                return Ok(Answer::Unknown {
                    why: format!("not within {} s", (self.limit * 2).as_secs()),
                });
            }
        };
        self.running = Some(compiler);
        Ok(answer)
    }
}

impl Prover for Solver {
    /// Asks on a thread of its own: the compiler descends as deep as a claim has policies.
    fn ask(&mut self, question: &Question) -> Answer {
        let answer = std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("solver".to_owned())
                .stack_size(STACK)
                .spawn_scoped(scope, || self.decide(question))
                .map_err(|error| error.to_string())?
                .join()
                .map_err(|_| "the symbolic compiler panicked".to_owned())?
        });
        answer.unwrap_or_else(|why| Answer::Unknown { why })
    }
}

fn compile(
    policies: &[serde_json::Value],
    environment: &RequestEnv,
    schema: &Schema,
) -> Result<CompiledPolicySet, String> {
    let mut set = PolicySet::new();
    for (index, json) in policies.iter().enumerate() {
        let id = Some(PolicyId::new(index.to_string()));
        let policy = Policy::from_json(id, json.clone()).map_err(|error| error.to_string())?;
        set.add(policy).map_err(|error| error.to_string())?;
    }
    CompiledPolicySet::compile(&set, environment, schema).map_err(|error| match error {
        Error::PolicyNotWellTyped { errs } => {
            let why: Vec<String> = errs.iter().map(ToString::to_string).collect();
            format!("a policy does not fit the schema: {}", why.join("; "))
        }
        other => other.to_string(),
    })
}
