//! Words of parties: owners, lists, screening; the customer of a provider.

use camino::Utf8PathBuf;
use causeway_domain::{Date, RunId, SiteId};
use clap::{Args, Subcommand, ValueEnum};

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
