//! What can go wrong on the path, and what to do next.

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Crash, Problem, RunId};

/// Errors of the path.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum RunError {
    /// A file of the state directory can't be used.
    #[error("{path}: {error}")]
    #[diagnostic(help(
        "the state directory must be on a local disk that this user can write; `--state DIR` names another"
    ))]
    State {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The state was written by another version.
    #[error("{dir} holds `{found}`, which this version of causeway does not read")]
    #[diagnostic(help(
        "nothing was changed; use the version that wrote it, or another directory with `--state DIR`"
    ))]
    Format {
        /// The directory or file.
        dir: Utf8PathBuf,
        /// What it says.
        found: String,
    },
    /// Locks do not work here.
    #[error("locks do not work in {dir}: {why}")]
    #[diagnostic(help(
        "several processes could then write at once; put the state directory on a local disk"
    ))]
    Locks {
        /// The directory.
        dir: Utf8PathBuf,
        /// What was seen.
        why: String,
    },
    /// A user's file is wrong. The problems are reported one by one.
    #[error("{} problem(s) in the files", problems.len())]
    Files {
        /// The problems.
        problems: Vec<Problem>,
    },
    /// No organisation was named, and none is near the task.
    #[error("there is no causeway.yaml in {folder} or above it")]
    NoOrganisation {
        /// The task's folder.
        folder: Utf8PathBuf,
        /// What to do.
        #[help]
        help: String,
    },
    /// A file that must be there can't be read.
    #[error("reading {path}: {error}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        error: std::io::Error,
        /// What to do.
        #[help]
        help: String,
    },
    /// A file of the user's can't be written.
    #[error("writing {path}: {error}")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        error: std::io::Error,
        /// What to do.
        #[help]
        help: String,
    },
    /// The journal can't be used.
    #[error("the journal: {0}")]
    #[diagnostic(help(
        "the journal may be lost: what the log says stands; move journal.sqlite away to start a new one"
    ))]
    Database(#[from] rusqlite::Error),
    /// The journal holds something that can't be read.
    #[error("the journal holds something unreadable: {what}")]
    #[diagnostic(help(
        "the journal may be lost: what the log says stands; move journal.sqlite away to start a new one"
    ))]
    Journal {
        /// What.
        what: String,
    },
    /// No such run.
    #[error("there is no run `{run}` here")]
    #[diagnostic(help(
        "`causeway status` lists the runs of this state directory; `--state DIR` names another"
    ))]
    UnknownRun {
        /// As asked.
        run: String,
    },
    /// Another process drives the run.
    #[error("run {run} is driven by {by}")]
    #[diagnostic(help(
        "`causeway logs -f {run}` follows it; it can be resumed once that process has ended"
    ))]
    Driven {
        /// The run.
        run: RunId,
        /// Who.
        by: String,
    },
    /// The task asks for what Causeway does not run.
    #[error("this task asks for what causeway does not run yet")]
    NotRun {
        /// What, where.
        problems: Vec<Problem>,
    },
    /// No candidate can be launched.
    #[error("no place can run this task now: {why}")]
    NoPlace {
        /// Why.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// The clock runs behind the log.
    #[error("the clock says {now}, and the log's last entry was made at {last}")]
    #[diagnostic(help(
        "nothing is cleared while the clock is behind the log: set the clock right"
    ))]
    ClockBehind {
        /// The clock.
        now: causeway_domain::Timestamp,
        /// The log.
        last: causeway_domain::Timestamp,
    },
    /// The plan is not allowed.
    #[error("run {run} is not launched: {why}")]
    #[diagnostic(help(
        "`causeway explain {run}` shows the reasoning, rule by rule, and what each missing fact would give"
    ))]
    NotCleared {
        /// The run.
        run: RunId,
        /// Rules and missing facts.
        why: String,
        /// The outcome.
        outcome: causeway_law::Outcome,
    },
    /// An approval that is not filed.
    #[error("approval `{approval}`: {why}")]
    Approval {
        /// The approval.
        approval: String,
        /// Why.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A clearance no longer holds just before an act.
    #[error("the clearance of run {run} does not hold any more: {why}")]
    #[diagnostic(help("`causeway explain {run}` shows the judgement of today"))]
    ClearanceLost {
        /// The run.
        run: RunId,
        /// What changed.
        why: String,
        /// The outcome of today.
        outcome: causeway_law::Outcome,
    },
    /// The machine is not where the clearance says.
    #[error("site `{site}` says that it is in {found}, and the plan was cleared for {cleared}")]
    #[diagnostic(help("nothing was sent there; correct `sites.{site}.country` and plan again"))]
    WrongRegion {
        /// The site.
        site: String,
        /// Where the machine says it is.
        found: String,
        /// Where it was cleared for.
        cleared: String,
    },
    /// A dataset's bytes are not there.
    #[error("dataset `{dataset}`: {path} {why}")]
    Dataset {
        /// The dataset.
        dataset: String,
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A value that the task needs was not given.
    #[error("the task needs a value for {kind} `{name}`")]
    #[diagnostic(help(
        "give it with `--{kind} {name}=VALUE`, or set {name} in the environment and write `--{kind} {name}`"
    ))]
    MissingValue {
        /// `env` or `secret`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The job ended with an error.
    #[error("the job of run {run} ended with exit code {code}")]
    #[diagnostic(help(
        "`causeway logs {run}` shows what it printed; `causeway resume {run}` runs it again from its last checkpoint"
    ))]
    JobFailed {
        /// The run.
        run: RunId,
        /// The exit code.
        code: i32,
    },
    /// The job was stopped.
    #[error("run {run} was stopped")]
    #[diagnostic(help("`causeway resume {run}` goes on from its last checkpoint"))]
    Stopped {
        /// The run.
        run: RunId,
    },
    /// The job left no checkpoint.
    #[error("the job of run {run} ended well and left no finished checkpoint in `{directory}`")]
    #[diagnostic(help(
        "write each checkpoint as a folder of `$CAUSEWAY_CHECKPOINTS`, under a name that ends in `.tmp` until it is whole"
    ))]
    NoCheckpoint {
        /// The run.
        run: RunId,
        /// Where they were expected.
        directory: String,
    },
    /// The last checkpoint is not a model.
    #[error("checkpoint `{checkpoint}` can't be admitted: {why}")]
    NotAModel {
        /// The checkpoint.
        checkpoint: String,
        /// Why.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A crash that a test asked for.
    #[error(transparent)]
    Crash(#[from] Crash),
    /// Domain text that can't be read.
    #[error("{what}")]
    Value {
        /// What.
        what: String,
    },
    /// The solver that proves claims about rule packs.
    #[error("the solver `{binary}`: {why}")]
    #[diagnostic(help(
        "`apt-get install cvc5` installs one, `--solver FILE` names one; `--no-solver` compares by boundary values alone"
    ))]
    Solver {
        /// Its program.
        binary: Utf8PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The market.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Market(#[from] causeway_market::MarketError),
    /// The planner.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] causeway_plan::PlanError),
    /// The rule packs.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Law(#[from] causeway_law::LawError),
    /// A screening list or a register of owners.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lists(#[from] causeway_parties::lists::ListError),
    /// The site's engine.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Backend(#[from] causeway_backends::BackendError),
    /// The transfer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Transfer(#[from] causeway_transfer::TransferError),
    /// The log.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Ledger(#[from] causeway_ledger::LedgerError),
    /// The registry.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] causeway_registry::RegistryError),
}

impl RunError {
    pub(crate) fn state(path: &Utf8Path, error: std::io::Error) -> Self {
        Self::State {
            path: path.to_owned(),
            error,
        }
    }
}
