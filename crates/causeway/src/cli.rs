//! The words of the command line. No logic: completions and the reference are generated from here.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use causeway_domain::{Date, ModelName, RunId, SiteId, Timestamp};
use clap::{Args, Parser, Subcommand, ValueEnum};

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
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) choice: PlanChoice,
    /// Judge by the law of this day; asks and never launches
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<Date>,
    /// Show every candidate, not the first twelve
    #[arg(long)]
    pub(crate) all: bool,
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
    /// Import SkyPilot catalog CSVs: `DIR/<cloud>/vms.csv` or `DIR/<cloud>.csv`
    Import {
        /// The folder
        directory: Utf8PathBuf,
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

#[derive(Debug, Subcommand)]
pub(crate) enum RulesVerb {
    /// List the rules in force on a day
    List {
        /// The day; today where left out
        #[arg(long, value_name = "DATE")]
        as_of: Option<Date>,
        /// Rules of this jurisdiction only: the folder of its pack (`us`, `eu`)
        #[arg(long, value_name = "XX")]
        jurisdiction: Option<String>,
        /// A folder of rule packs that replaces or adds to the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<Utf8PathBuf>,
    },
    /// Show what changed between two packs, days or what-ifs, and whether one is at least as strict as the other
    Diff(DiffArgs),
    /// Show a rule: what it controls, citation, thresholds, timeline
    Show {
        /// Its id
        id: String,
        /// How it stands on this day; today where left out
        #[arg(long, value_name = "DATE")]
        as_of: Option<Date>,
        /// A folder of rule packs that replaces or adds to the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<Utf8PathBuf>,
    },
    /// Check a folder of rule packs, laid over the built-in ones; exits 2 when something is wrong
    Check {
        /// The folder
        directory: Utf8PathBuf,
    },
    /// Run cases from a file; exits 1 when one fails
    Test {
        /// The case files
        #[arg(required = true)]
        files: Vec<Utf8PathBuf>,
        /// A folder of rule packs that replaces or adds to the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<Utf8PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
#[command(after_help = "An approval on its way:
  causeway approvals draft task.yaml --fact red_flags=resolved -o flags.yaml
  causeway approvals sign flags.yaml --key ~/.ssh/id_ed25519      each reviewer, anywhere
  causeway approvals file flags.yaml
  causeway approvals list

An entry of a list whose name is like a party's:
  causeway approvals draft task.yaml --entry strait=csl:12345 --another -o strait.yaml")]
pub(crate) enum ApprovalsVerb {
    /// Write an approval for what a plan lacks: its scope, and the facts that it would rest on
    Draft {
        #[command(flatten)]
        choice: PlanChoice,
        /// A fact that a reviewer determines: `red_flags=resolved`
        #[arg(long, value_name = "NAME=VALUE", required_unless_present_any = ["rule", "authorisation", "entry"], conflicts_with_all = ["rule", "authorisation", "entry"])]
        fact: Option<String>,
        /// A rule that wants a person to look
        #[arg(long, value_name = "ID", conflicts_with_all = ["authorisation", "entry"])]
        rule: Option<String>,
        /// An authorisation of the rule packs that is on file: `BIS_LICENCE`
        #[arg(long, value_name = "NAME", conflicts_with = "entry")]
        authorisation: Option<String>,
        /// An entry of a list that may be a party of causeway.yaml: `strait=csl:12345`; `parties screen` names it
        #[arg(long, value_name = "PARTY=LIST:ID", requires = "is")]
        entry: Option<String>,
        /// The entry is the party
        #[arg(long, requires = "entry", group = "is")]
        same: bool,
        /// The entry is another person or organisation
        #[arg(long, requires = "entry", group = "is")]
        another: bool,
        /// Where to write it; printed where left out
        #[arg(short, long, value_name = "FILE")]
        output: Option<Utf8PathBuf>,
    },
    /// Sign an approval with a reviewer's ssh key: `FILE.KEY.sig` beside it
    Sign {
        /// The approval
        file: Utf8PathBuf,
        /// The key: a private key outside the state directory, or the public half of one that an ssh agent holds
        #[arg(long, value_name = "KEY")]
        key: Utf8PathBuf,
    },
    /// Check the signatures of an approval and put it into the log
    File {
        /// The approval
        file: Utf8PathBuf,
        /// Signatures; every FILE*.sig where left out
        #[arg(long, value_name = "FILE")]
        signature: Vec<Utf8PathBuf>,
    },
    /// List what is on file, whether it counts, and what is left of it
    List,
    /// Take an approval back; whoever may, since it only makes answers stricter
    Withdraw {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "A side is one of these, or several joined with +:
  builtin                  the built-in packs, today
  DIR                      a folder of packs laid over the built-in ones
  2026-01-15, DIR@2026-01-15   on that day
  what-if:PACK, PACK       with a hypothetical pack switched on
  posture:books            with the rules that stand in the books and are not enforced

Examples:
  causeway rules diff 2026-01-14 2026-01-15          a day before a rule, and on it
  causeway rules diff builtin builtin+hyp-remote-access   what a bill would change
  causeway rules diff builtin my-rules               your own folder against the built-in packs")]
pub(crate) struct DiffArgs {
    /// One side
    pub(crate) a: String,
    /// The other side
    pub(crate) b: String,
    /// A cvc5 that proves strictness; `cvc5` of the path where left out
    #[arg(long, value_name = "FILE", env = "CVC5")]
    pub(crate) solver: Option<Utf8PathBuf>,
    /// Compare by boundary values alone
    #[arg(long, conflicts_with = "solver")]
    pub(crate) no_solver: bool,
    /// Time for one claim, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(crate) time: u64,
    /// Most acts that are judged at boundary values
    #[arg(long, value_name = "N", default_value_t = 8_000)]
    pub(crate) acts: usize,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Judges by the law of today where no date is given. Nothing is launched and nothing is written.
Exit codes: 0 nothing gets an answer other than allow, 3, 4 or 5 by the strictest new answer that changed"
)]
pub(crate) struct ImpactArgs {
    /// Judge by the law of this day
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<Date>,
    /// A folder of rule packs that replaces or adds to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<Utf8PathBuf>,
    /// Switch a hypothetical pack on
    #[arg(long = "pack", value_name = "PACK")]
    pub(crate) packs: Vec<causeway_domain::PackId>,
    /// Read rules that stand in the books and are not enforced in this way
    #[arg(long, value_enum)]
    pub(crate) posture: Option<PostureChoice>,
    /// Show runs of which nothing changes, too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PostureChoice {
    /// As the authority says that it enforces.
    Enforced,
    /// As written.
    Books,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PartiesVerb {
    /// Show who owns a party up to the top, and what each ownership test says
    Owners(OwnersArgs),
    /// Screen parties, or pairs of names
    Screen(ScreenArgs),
    /// Import a screening list or a register of owners
    Import(ImportArgs),
    /// Show the imported lists, with dates, ages and hashes
    Lists,
}

#[derive(Debug, Args)]
#[command(
    after_help = "PAIRS is CSV with a header: left, right, schema (Person, Company, Organization, LegalEntity, Vessel, ...).
The output has its rows in their order: left, right, schema, score (0 to 1), band (hit, review or clear).
Examples:
  causeway parties screen                                    the parties of causeway.yaml against its lists
  causeway parties screen \"Huawei Technologies\"             a name against every imported list
  causeway parties screen --pairs pairs.csv -o bands.csv     names against names
  causeway parties screen --pairs pairs.csv --explain        why, word by word, in place of the table"
)]
pub(crate) struct ScreenArgs {
    /// Names to screen against every imported list; the parties of causeway.yaml where left out
    pub(crate) names: Vec<String>,
    /// Pairs of names to compare
    #[arg(long, value_name = "PAIRS", conflicts_with = "names")]
    pub(crate) pairs: Option<Utf8PathBuf>,
    /// File to write the pairs to; standard output where left out
    #[arg(short, long, value_name = "FILE", requires = "pairs")]
    pub(crate) output: Option<Utf8PathBuf>,
    /// With --pairs: print the reasons, word by word. Parties and names always have them
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 0 when every test says clear, with 4 when one says review or caught.
Examples:
  causeway parties owners acme --svg acme.svg            a picture beside the tree
  causeway parties owners acme --json > acme.json        everything that the answer was made from
  causeway parties owners --recheck acme.json            redo it from that alone
  causeway parties owners --cases ownership-cases.json   run cases; exits with 1 when one fails"
)]
pub(crate) struct OwnersArgs {
    /// A party of causeway.yaml; the organisation itself where left out
    #[arg(conflicts_with_all = ["cases", "recheck"])]
    pub(crate) party: Option<String>,
    /// Judge holdings, lists and rules as they stand on this day; today where left out
    #[arg(long, value_name = "DATE", conflicts_with_all = ["cases", "recheck"])]
    pub(crate) as_of: Option<Date>,
    /// Draw the owners into this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cases", "recheck"])]
    pub(crate) svg: Option<Utf8PathBuf>,
    /// Run a file of ownership cases
    #[arg(long, value_name = "FILE", conflicts_with = "recheck")]
    pub(crate) cases: Option<Utf8PathBuf>,
    /// Redo a record that --json printed, from the record alone
    #[arg(long, value_name = "FILE")]
    pub(crate) recheck: Option<Utf8PathBuf>,
}

/// A family of list files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// FollowTheMoney JSON lines (OpenSanctions and others).
    Ftm,
    /// US Consolidated Screening List: CSV, TSV or JSON.
    Csl,
    /// OFAC's sdn.csv, alt.csv, add.csv, sdn_comments.csv.
    Ofac,
    /// GLEIF level 1, level 2 and exceptions, CSV.
    Gleif,
    /// BODS 0.4: a JSON array, or JSON lines.
    Bods,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  causeway parties import csl consolidated.csv --date 2026-11-24T06:00:00Z
  causeway parties import ofac sdn.csv alt.csv add.csv --date 2026-11-24
  causeway parties import gleif lei2.csv rr.csv repex.csv")]
pub(crate) struct ImportArgs {
    /// What the files are
    pub(crate) format: ListFormat,
    /// The files of one list
    #[arg(required = true)]
    pub(crate) files: Vec<Utf8PathBuf>,
    /// Name to keep it under; an earlier list of that name is replaced
    #[arg(long, value_name = "NAME")]
    pub(crate) list: Option<String>,
    /// When the publisher made it: a day (its start, UTC) or an instant; else the day of the newest record that has one
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CarrierChoice {
    /// QUIC where UDP passes, else the stream of ssh.
    Auto,
    /// QUIC only.
    Quic,
    /// The stream of ssh only.
    Ssh,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  causeway pull johor:checkpoints/step-400 ./step-400      a site of causeway.yaml
  causeway pull user@host:runs/llama ./llama               any destination that ssh knows
  causeway pull --ticket-file t.json runs/llama ./llama    an agent that was started by hand")]
pub(crate) struct PullArgs {
    /// SITE:PATH, or PATH with --ticket-file
    pub(crate) source: String,
    /// Where it goes: a file to this path, a directory into it
    pub(crate) destination: Utf8PathBuf,
    /// Ticket of an agent that was started by hand
    #[arg(long, value_name = "FILE")]
    pub(crate) ticket_file: Option<Utf8PathBuf>,
    /// Address of the agent, in place of the ticket's
    #[arg(long, value_name = "HOST:PORT", requires = "ticket_file")]
    pub(crate) at: Option<String>,
    /// How the bytes travel
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) carrier: CarrierChoice,
    /// Another configuration file for ssh
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_config: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// Directories to serve; nothing outside them is reachable
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) root: Vec<Utf8PathBuf>,
    /// Address to listen on with QUIC
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

#[derive(Debug, Subcommand)]
pub(crate) enum KycVerb {
    /// Write a form to fill, with what causeway.yaml and a plan say already
    Questionnaire(KycQuestionnaireArgs),
    /// Sign a form: the seal is written at its end
    Sign(KycSignArgs),
    /// Check a form: what it lacks, its evidence, its seal, the red flags of a run's own records
    Check(KycCheckArgs),
    /// Print the notice of a large model, with its compute computed two ways
    Report(KycReportArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KycRole {
    /// The renter: customer.yaml.
    Customer,
    /// The owner or operator of the machines: provider.yaml.
    Provider,
}

#[derive(Debug, Args)]
pub(crate) struct KycQuestionnaireArgs {
    /// Whose form
    #[arg(long, value_enum, default_value = "customer")]
    pub(crate) role: KycRole,
    /// Start from the best plan of this task
    #[arg(long, value_name = "FILE")]
    pub(crate) task: Option<Utf8PathBuf>,
    /// Consider this site alone
    #[arg(long, value_name = "SITE", requires = "task")]
    pub(crate) site: Option<SiteId>,
    /// A folder of rule packs that replaces or adds to the built-in ones, for the plan
    #[arg(long, value_name = "DIR", requires = "task")]
    pub(crate) rules: Option<Utf8PathBuf>,
    /// File to write, which must not be there; standard output where left out
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KycSignArgs {
    /// The form
    pub(crate) form: Utf8PathBuf,
    /// The signatory's Ed25519 key (PKCS#8 PEM, mode 0600), outside of the state directory; made at first need
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Utf8PathBuf,
}

/// Where a run's records come from.
#[derive(Debug, Args)]
pub(crate) struct KycRecords {
    /// An evidence pack of the run
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) evidence: Option<Utf8PathBuf>,
    /// The public key of the evidence pack's log, as it came another way
    #[arg(long, value_name = "KEY", requires = "evidence")]
    pub(crate) key: Option<String>,
    /// What was observed beside the run's records: access, egress, telemetry, requests to keep
    #[arg(long, value_name = "FILE")]
    pub(crate) observed: Option<Utf8PathBuf>,
    /// A folder of rule packs that replaces or adds to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 complete, 2 refused as incomplete or unreadable, 4 needs review"
)]
pub(crate) struct KycCheckArgs {
    /// The form, a customer's or a provider's; the customer's in the evidence pack where left out
    #[arg(required_unless_present = "evidence")]
    pub(crate) form: Option<Utf8PathBuf>,
    /// A run of this state directory
    #[arg(long, value_name = "RUN", conflicts_with = "evidence")]
    pub(crate) run: Option<RunId>,
    #[command(flatten)]
    pub(crate) records: KycRecords,
    /// The provider's form, for whether its power carries its chips
    #[arg(long, value_name = "FILE")]
    pub(crate) provider: Option<Utf8PathBuf>,
    /// The public key that must have signed the form, as it came another way
    #[arg(long, value_name = "KEY")]
    pub(crate) signer: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KycReportArgs {
    /// A run of this state directory
    #[arg(required_unless_present = "evidence", conflicts_with = "evidence")]
    pub(crate) run: Option<RunId>,
    #[command(flatten)]
    pub(crate) records: KycRecords,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
