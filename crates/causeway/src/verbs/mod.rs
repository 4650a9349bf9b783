//! One file a verb. A verb reads its words, calls a room, prints the answer.

mod approvals;
mod bench;
mod check;
mod completions;
mod estimate;
mod evidence;
mod explain;
mod impact;
mod init;
mod kyc;
mod ledger;
mod logs;
mod models;
mod offers;
mod parties;
mod plan;
mod portfolio;
mod pull;
mod push;
mod rules;
mod rules_diff;
mod run;
mod scenarios;
mod serve;
mod status;
mod transfer;

use std::future::Future;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_run::{RunError, System, Workspace};
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, TransferVerb, Verb};
use crate::output::{Exit, Output};

/// What every verb has.
pub(crate) struct Context {
    pub(crate) state: Utf8PathBuf,
    pub(crate) organisation: Option<Utf8PathBuf>,
    pub(crate) output: Output,
    pub(crate) env: Arc<System>,
}

impl Context {
    /// Opens what is at home, making it where there is none.
    pub(crate) fn workspace(&self) -> Result<Workspace, RunError> {
        Workspace::open(&self.state, Arc::clone(&self.env))
    }

    /// Opens what is at home, which must be there.
    pub(crate) fn existing(&self) -> Result<Workspace, RunError> {
        self.must_exist()?;
        self.workspace()
    }

    /// Refuses a state directory that is not there, and touches nothing.
    pub(crate) fn must_exist(&self) -> Result<(), RunError> {
        if causeway_run::State::exists(&self.state) {
            return Ok(());
        }
        Err(RunError::Read {
            path: self.state.clone(),
            error: std::io::Error::new(std::io::ErrorKind::NotFound, "it is not there"),
            help: "there is no state directory here yet; `causeway run` makes one, `--state DIR` names another".to_owned(),
        })
    }
}

/// Runs a verb.
pub(crate) fn run(cli: Cli) -> Exit {
    log_to_stderr(cli.verbose);
    let output = Output::new(cli.json);
    let context = Context {
        state: cli.state,
        organisation: cli.organisation,
        output,
        env: Arc::new(System::new(cli.timestamp, cli.fault.as_deref())),
    };
    let done = match cli.verb {
        Verb::Init(args) => init::run(&context, &args),
        Verb::Check(args) => check::run(&context, &args),
        Verb::Plan(args) => plan::run(&context, &args),
        Verb::Estimate(args) => estimate::run(&context, &args),
        Verb::Run(args) => run::run(&context, args),
        Verb::Resume(args) => run::resume(&context, args),
        Verb::Status(args) => status::run(&context, &args),
        Verb::Logs(args) => logs::run(&context, &args),
        Verb::Stop(args) => status::stop(&context, &args),
        Verb::Explain(args) => explain::run(&context, &args),
        Verb::Impact(args) => impact::run(&context, &args),
        Verb::Offers(verb) => offers::run(&context, &verb),
        Verb::Rules(verb) => rules::run(&context, &verb),
        Verb::Approvals(verb) => approvals::run(&context, &verb),
        Verb::Parties(verb) => parties::run(&context, &verb),
        Verb::Pull(args) => pull::run(&context, &args),
        Verb::Push(args) => push::run(&context, &args),
        Verb::Transfer(TransferVerb::Bench(args)) => bench::run(&context, &args),
        Verb::Agent(args) => pull::agent(&context, args),
        Verb::Models => models::list(&context),
        Verb::Promote(args) => models::promote(&context, &args),
        Verb::Rollback(args) => models::rollback(&context, &args),
        Verb::Serve(args) => serve::run(&context, &args),
        Verb::Ledger(verb) => ledger::run(&context, &verb),
        Verb::Evidence(args) => evidence::run(&context, &args),
        Verb::Kyc(verb) => kyc::run(&context, &verb),
        Verb::Completions(args) => completions::run(&context, &args),
    };
    done.unwrap_or_else(|error| output.error(error))
}

/// Runs async work to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, RunError>>) -> Result<T, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .map_err(|error| RunError::Value {
            what: format!("the async runtime can't start: {error}"),
        })?
        .block_on(work)
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    // The QUIC library warns of what is normal on a lossy link.
    let filter = EnvFilter::new(format!("{level},s2n_quic=error"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}

/// This program's own file: what becomes the agent at a site.
pub(crate) fn own_binary() -> Result<Utf8PathBuf, RunError> {
    let path = std::env::current_exe().map_err(|error| RunError::Value {
        what: format!("this program's own file is not known: {error}"),
    })?;
    Utf8PathBuf::from_path_buf(path).map_err(|path| RunError::Value {
        what: format!("the path `{}` is not UTF-8", path.display()),
    })
}

/// Rule packs as `--rules` names them.
pub(crate) fn packs(folder: Option<&Utf8Path>) -> Result<causeway_law::Packs, RunError> {
    causeway_run::packs(folder)
}

/// Waits until somebody interrupts or ends this program.
pub(crate) async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
