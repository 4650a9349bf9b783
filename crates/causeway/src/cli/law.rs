//! Words of the law: rules, approvals, impact.

use camino::Utf8PathBuf;
use causeway_domain::Date;
use clap::{Args, Subcommand, ValueEnum};

use super::PlanChoice;

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
