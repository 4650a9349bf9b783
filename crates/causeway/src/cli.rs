//! The words of the command line. No logic: completions and the reference are generated from here.

mod law;
mod parties;
mod plan;

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use causeway_domain::{Date, ModelName, RunId, SiteId, Timestamp};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::law::{ApprovalsVerb, DiffArgs, ImpactArgs, PostureChoice, RulesVerb};
pub(crate) use self::parties::{
    ImportArgs, KycCheckArgs, KycQuestionnaireArgs, KycRecords, KycReportArgs, KycRole,
    KycSignArgs, KycVerb, ListFormat, OwnersArgs, PartiesVerb, ScreenArgs,
};
pub(crate) use self::plan::{EstimateArgs, KindWord, PlanArgs, PrecisionWord, ScenarioArgs};

/// Plan, clear, train elsewhere, bring the weights home, and prove it.
///
/// Causeway takes one training task (a SkyPilot file) and an organisation (causeway.yaml), compares the places where the
/// model could be trained, shows which are lawful and why, trains there, streams the weights home and serves them to
/// Hugging Face clients. Every step leaves a signed entry in a log that a stranger can verify.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, propagate_version = true, max_term_width = 110, after_help = EXIT_CODES, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    /// State directory: journal, log, store, registry
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".causeway",
        env = "CAUSEWAY_STATE",
        global = true
    )]
    pub(crate) state: Utf8PathBuf,

    /// Organisation file; else the nearest causeway.yaml in the task's folder or above it
    #[arg(
        long,
        value_name = "FILE",
        env = "CAUSEWAY_ORGANISATION",
        global = true
    )]
    pub(crate) organisation: Option<Utf8PathBuf>,

    /// Print JSON, one document or one line an event
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say more: -v what is done, -vv how
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    /// Set the clock, for tests: marks the state directory as simulated for good
    #[arg(long, env = "CAUSEWAY_TIMESTAMP", hide = true, global = true)]
    pub(crate) timestamp: Option<Timestamp>,

    /// Crash at a fault point, for tests
    #[arg(long, env = "CAUSEWAY_FAULT", hide = true, global = true)]
    pub(crate) fault: Option<String>,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 prohibited, 4 needs review, 5 licence required,
6 interrupted and resumable";

const EXAMPLES: &str = "\
Examples:
  causeway init                                a commented task.yaml and causeway.yaml to start from
  causeway check task.yaml                     validate both files
  causeway plan task.yaml                      compare the places: five factors, price, time, verdict
  causeway run task.yaml --yes                 plan, clear, stage, train, bring home, admit, deploy
  causeway resume 20261124T131500Z-7k3m9q      go on after a crash
  causeway pull user@host:runs/step-400 ./out  bring any directory home over ssh or QUIC
  causeway serve                               serve the models at home to Hugging Face clients
  causeway ledger verify                       check every entry, and every byte of every model

Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 prohibited, 4 needs review, 5 licence required,
6 interrupted and resumable";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Write a commented task.yaml and causeway.yaml to start from
    Init(InitArgs),
    /// Validate task and organisation files
    Check(CheckArgs),
    /// Compare the places where a task could run, with reasons
    Plan(PlanArgs),
    /// Estimate memory, time, energy and money of a run on a fleet, or of a table of runs
    Estimate(EstimateArgs),
    /// Run a task from plan to deployed model
    Run(RunArgs),
    /// Go on with a run that was interrupted
    Resume(ResumeArgs),
    /// Show runs and where they stand
    Status(StatusArgs),
    /// Show what a run's job printed
    Logs(LogsArgs),
    /// Stop a run's job
    Stop(StopArgs),
    /// Explain why a plan is lawful or not, rule by rule
    Explain(ExplainArgs),
    /// Judge every run again, by the law of another day, pack or posture
    Impact(ImpactArgs),
    /// Price lists
    #[command(subcommand)]
    Offers(OffersVerb),
    /// Rule packs
    #[command(subcommand)]
    Rules(RulesVerb),
    /// Parties: who owns them, on which lists they stand, whose names are like theirs
    #[command(subcommand)]
    Parties(PartiesVerb),
    /// Determinations and authorisations on file: drafted, signed by reviewers, counted down
    #[command(subcommand)]
    Approvals(ApprovalsVerb),
    /// Bring a directory or file home
    Pull(PullArgs),
    /// Bring a directory or file to a site
    Push(PushArgs),
    /// What a link can give
    #[command(subcommand)]
    Transfer(TransferVerb),
    /// Serve a directory to a home; started at a site
    Agent(AgentArgs),
    /// List the models at home
    Models,
    /// Point `production` at a revision
    Promote(PromoteArgs),
    /// Point `production` back at the revision before
    Rollback(RollbackArgs),
    /// Serve the models at home to Hugging Face clients
    Serve(ServeArgs),
    /// The tamper-evident log
    #[command(subcommand)]
    Ledger(LedgerVerb),
    /// Export what a stranger needs to verify a run, or verify such an export
    Evidence(EvidenceArgs),
    /// Who the customer is: the form, its check against a run's records, the notice of a large model
    #[command(subcommand)]
    Kyc(KycVerb),
    /// Print shell completions
    Completions(CompletionsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder to write into
    #[arg(default_value = ".")]
    pub(crate) directory: Utf8PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Task files
    #[arg(required = true)]
    pub(crate) files: Vec<Utf8PathBuf>,
    /// Check the task alone, without an organisation
    #[arg(long)]
    pub(crate) task_only: bool,
}

/// What a plan is made from.
#[derive(Debug, Args, Clone)]
pub(crate) struct PlanChoice {
    /// The task file
    pub(crate) task: Utf8PathBuf,
    /// Consider this site alone
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<SiteId>,
    /// A folder of rule packs that replaces or adds to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) choice: PlanChoice,
    /// Answer the launch question with yes; answers no other
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Start a new run although an unfinished one of the same files exists
    #[arg(long)]
    pub(crate) new: bool,
    /// Value of a variable of the task: NAME=VALUE, or NAME to take it from the environment
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) envs: Vec<String>,
    /// Secret of the task: NAME to take it from the environment, or NAME=VALUE
    #[arg(long = "secret", value_name = "NAME[=VALUE]")]
    pub(crate) secrets: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run; the newest unfinished one where left out
    pub(crate) run: Option<RunId>,
    /// Secret of the task: NAME to take it from the environment, or NAME=VALUE
    #[arg(long = "secret", value_name = "NAME[=VALUE]")]
    pub(crate) secrets: Vec<String>,
    /// A folder of rule packs that replaces or adds to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// One run in full; all runs where left out
    pub(crate) run: Option<RunId>,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The run; the newest where left out
    pub(crate) run: Option<RunId>,
    /// Go on printing until the job ends
    #[arg(short, long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// The run
    pub(crate) run: RunId,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A task file, or a run
    pub(crate) subject: String,
    /// Consider this site; the best one where left out
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<SiteId>,
    /// Judge by the law of this day
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<Date>,
    /// List the smallest changes of plan that would give `allow`; never another party, owner or headquarters
    #[arg(long)]
    pub(crate) counterfactual: bool,
    /// Name also the rules that did not speak, each with the condition that failed
    #[arg(long)]
    pub(crate) full: bool,
    /// A folder of rule packs that replaces or adds to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<Utf8PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OffersVerb {
    /// Import price lists of SkyPilot (`<cloud>/vms.csv`, `<cloud>.csv`) and offers files of your own (`*.yaml`)
    Import {
        /// A folder of them, or one of them
        path: Utf8PathBuf,
        /// Leave out rows that can't be read, and files of which nothing can be; without it they are an error and nothing is imported
        #[arg(long)]
        skip_bad: bool,
    },
    /// What changed: these lists beside what is imported or built in
    Diff {
        /// A folder of price lists and offers files, or one of them
        path: Utf8PathBuf,
    },
    /// List what can be rented
    List {
        /// Accelerators of this name only
        #[arg(long, value_name = "NAME")]
        accelerator: Option<String>,
        /// Offers in this country only
        #[arg(long, value_name = "CODE")]
        country: Option<causeway_domain::Country>,
    },
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CarrierChoice {
    /// QUIC where UDP passes, else TLS over TCP, else HTTPS where only that comes through (not for a push), else the stream of ssh.
    Auto,
    /// QUIC only.
    Quic,
    /// TLS over TCP only.
    Tcp,
    /// HTTPS only.
    Https,
    /// Requests to a bucket: what `s3://` means.
    S3,
    /// The stream of ssh only.
    Ssh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecChoice {
    /// Whatever is soonest, by measured rates: on a fast link bytes cross as they are.
    Auto,
    /// As they are.
    Raw,
    /// Made smaller quickly.
    Fast,
    /// As small as can be, however fast the link is.
    Small,
}

impl From<CodecChoice> for causeway_transfer::Codec {
    fn from(choice: CodecChoice) -> Self {
        match choice {
            CodecChoice::Auto => Self::Auto,
            CodecChoice::Raw => Self::Raw,
            CodecChoice::Fast => Self::Fast,
            CodecChoice::Small => Self::Small,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinksChoice {
    /// A link to a file comes as that file; others are left, and named.
    Follow,
    /// Each is left, and named.
    Refuse,
    /// A link that stays within the directory comes as a link; others are left, and named.
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeaveChoice {
    /// States of optimizer, schedule, gradient scaler and random numbers, known by the names that trainers give them.
    Optimizer,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  causeway pull johor:checkpoints/step-400 ./step-400      a site of causeway.yaml
  causeway pull user@host:runs/llama ./llama               any destination that ssh knows
  causeway pull --ticket-file t.json runs/llama ./llama    an agent that was started by hand
  causeway pull johor:checkpoints/step-410 ./step-410 --base ./step-400
                                                           the difference to an earlier one alone crosses")]
pub(crate) struct PullArgs {
    /// SITE:PATH, s3://BUCKET/PREFIX, https://HOST/PREFIX, or PATH with --ticket-file
    pub(crate) source: String,
    /// Where it goes: a file to this path, a directory into it
    pub(crate) destination: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) how: MoveArgs,
    /// An earlier checkpoint here: what the site has of it, too, crosses as a difference. Without it, what came into the state directory before is looked through
    #[arg(long, value_name = "DIR")]
    pub(crate) base: Vec<Utf8PathBuf>,
    /// Whose signature the manifest of a bucket or static server has to have: the key that `push --sign-key` printed
    #[arg(long, value_name = "KEY")]
    pub(crate) signer: Option<String>,
    /// What is not brought
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) leave: Vec<LeaveChoice>,
    /// What becomes of symbolic links
    #[arg(long, value_enum, default_value = "follow")]
    pub(crate) symlinks: LinksChoice,
}

impl PullArgs {
    pub(crate) fn selection(&self) -> causeway_transfer::Selection {
        causeway_transfer::Selection {
            links: match self.symlinks {
                LinksChoice::Follow => causeway_transfer::Links::Follow,
                LinksChoice::Refuse => causeway_transfer::Links::Refuse,
                LinksChoice::Keep => causeway_transfer::Links::Keep,
            },
            leave_optimizer: self.leave.contains(&LeaveChoice::Optimizer),
        }
    }
}

/// How to reach an agent.
#[derive(Debug, Args)]
pub(crate) struct WayArgs {
    /// Ticket of an agent that was started by hand
    #[arg(long, value_name = "FILE")]
    pub(crate) ticket_file: Option<Utf8PathBuf>,
    /// Address of the agent, in place of the ticket's
    #[arg(long, value_name = "HOST:PORT", requires = "ticket_file")]
    pub(crate) at: Option<String>,
    /// Another configuration file for ssh
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_config: Option<Utf8PathBuf>,
}

/// How bytes move.
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    pub(crate) way: WayArgs,
    /// How the bytes travel
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) carrier: CarrierChoice,
    /// How the bytes are encoded on their way
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) codec: CodecChoice,
    /// Most to take of the line: 50Mbit/s, or by the time of day 08:00-18:00=20Mbit/s,100Mbit/s; 0 pauses, off is no limit. For a site of causeway.yaml, else what that says
    #[arg(long, value_name = "RATE")]
    pub(crate) limit: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  causeway push ./corpus johor:data/corpus                 a site of causeway.yaml
  causeway push ./step-400 user@host:runs/step-400         any destination that ssh knows
  causeway push --ticket-file t.json ./corpus corpus       an agent that was started by hand, with --writable
  causeway push ./llama s3://models/llama                  a bucket, with AWS_ACCESS_KEY_ID and the like")]
pub(crate) struct PushArgs {
    /// The file or directory
    pub(crate) source: Utf8PathBuf,
    /// SITE:PATH, s3://BUCKET/PREFIX, or PATH with --ticket-file: a file becomes it, a directory's files go into it
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) how: MoveArgs,
    /// Private key that signs what a bucket gets, PEM; made at first need
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<Utf8PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TransferVerb {
    /// Measure each carrier to a site in both directions, with bytes that are made for it
    Bench(BenchArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  causeway transfer bench johor                a site of causeway.yaml
  causeway transfer bench user@host            any destination that ssh knows
  causeway transfer bench --ticket-file t.json an agent that was started by hand")]
pub(crate) struct BenchArgs {
    /// The site, or a destination of ssh
    #[arg(
        required_unless_present = "ticket_file",
        conflicts_with = "ticket_file"
    )]
    pub(crate) site: Option<String>,
    #[command(flatten)]
    pub(crate) way: WayArgs,
    /// So long in each direction
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=10))]
    pub(crate) seconds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// Directories to serve; nothing outside them is reachable
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) root: Vec<Utf8PathBuf>,
    /// Address to listen on, with UDP for QUIC and with TCP
    #[arg(long, value_name = "ADDR:PORT", required_unless_present = "stdio")]
    pub(crate) listen: Option<SocketAddr>,
    /// File that gets the agent's key, address and token; mode 0600
    #[arg(
        long,
        value_name = "FILE",
        requires = "listen",
        required_unless_present = "stdio"
    )]
    pub(crate) ticket_file: Option<Utf8PathBuf>,
    /// Serve one peer over standard input and output
    #[arg(long, conflicts_with = "listen")]
    pub(crate) stdio: bool,
    /// Take files, too: only for a site's staging
    #[arg(long)]
    pub(crate) writable: bool,
    /// End after so many seconds without a peer
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) idle: u64,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// The model
    pub(crate) model: ModelName,
    /// The revision; `main` where left out
    pub(crate) revision: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The model
    pub(crate) model: ModelName,
}

#[derive(Debug, Args)]
#[command(after_help = "Load a model from here:
  HF_ENDPOINT=http://127.0.0.1:8077 hf download ORG/MODEL")]
pub(crate) struct ServeArgs {
    /// Address; any other than loopback needs a token
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8077")]
    pub(crate) listen: SocketAddr,
    /// File that holds the token which clients must send
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<Utf8PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerVerb {
    /// Check the whole log, and every model against what was admitted
    Verify,
    /// List the entries
    List {
        /// Entries of this run only
        #[arg(long)]
        run: Option<RunId>,
    },
    /// Print the public key that verifies the log
    Key,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// The run to export; with --verify, the file to verify
    pub(crate) subject: String,
    /// File to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "verify")]
    pub(crate) output: Option<Utf8PathBuf>,
    /// Verify an exported file in place of writing one
    #[arg(long, requires = "key")]
    pub(crate) verify: bool,
    /// The log's public key, as `causeway ledger key` prints it
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// A folder of rule packs that replaces or adds to the built-in ones, for the check of the customer's form
    #[arg(long, value_name = "DIR", conflicts_with = "verify")]
    pub(crate) rules: Option<Utf8PathBuf>,
}
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
