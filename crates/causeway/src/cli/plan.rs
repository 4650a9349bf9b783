//! Words of the planner: plans, scenarios, estimates.

use camino::Utf8PathBuf;
use causeway_domain::{Date, Percent, SiteId};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The task file
    #[arg(required_unless_present = "portfolio")]
    pub(crate) task: Option<Utf8PathBuf>,
    /// Several tasks that share a budget: which place each of them gets
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task", "scenarios", "all", "html", "budget"])]
    pub(crate) portfolio: Option<Utf8PathBuf>,
    /// Consider this site alone
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<SiteId>,
    /// A folder of rule packs that replaces or adds to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<Utf8PathBuf>,
    /// Judge by the law of this day; asks and never launches
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<Date>,
    /// Look at and show every offer, not the best of each kind and the first twelve of those
    #[arg(long)]
    pub(crate) all: bool,
    /// Write the comparison as one page with pictures, for any browser; nothing in it loads from anywhere
    #[arg(long, value_name = "FILE", conflicts_with_all = ["portfolio", "explain", "budget"])]
    pub(crate) html: Option<Utf8PathBuf>,
    /// Show where a field comes from, with its sources: score, hardware, cost, risk, talent, data, price, total, storage, egress, people, time, throughput, memory, energy, carbon, chips, country, verdict; with `--scenarios` finishes, spent, ends, lost; with `--budget` parameters
    #[arg(long, value_name = "FIELD")]
    pub(crate) explain: Option<String>,
    /// Show the largest model that so much money trains lawfully (compute-optimal: 20 tokens a parameter), and what more would buy: `50k`, `2M`
    #[arg(long, value_name = "USD", conflicts_with_all = ["portfolio", "scenarios", "html"], value_parser = dollars)]
    pub(crate) budget: Option<causeway_domain::Usd>,
    #[command(flatten)]
    pub(crate) scenarios: ScenarioArgs,
}

/// `50k`, `1.5M`, `2000`.
fn dollars(text: &str) -> Result<causeway_domain::Usd, String> {
    let wrong = || format!("`{text}` is no amount of money, such as 50k, 1.5M or 2000");
    let trimmed = text.trim().trim_start_matches('$');
    let (number, zeros) = match trimmed.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000_u32),
        None => match trimmed.strip_suffix(['m', 'M']) {
            Some(number) => (number, 1_000_000),
            None => (trimmed, 1),
        },
    };
    let number: rust_decimal::Decimal = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(zeros.into())
        .filter(|amount| amount.is_sign_positive())
        .map(causeway_domain::Usd::new)
        .ok_or_else(wrong)
}

#[derive(Debug, Args)]
pub(crate) struct EstimateArgs {
    /// A table of runs (CSV with a header) in place of one run
    #[arg(long, value_name = "FILE")]
    pub(crate) runs: Option<Utf8PathBuf>,
    /// Where the answers of `--runs` go; standard output where left out
    #[arg(short, long, value_name = "FILE", requires = "runs")]
    pub(crate) out: Option<Utf8PathBuf>,
    /// The model: a config.json of Hugging Face
    #[arg(long, value_name = "FILE", conflicts_with = "runs")]
    pub(crate) config: Option<Utf8PathBuf>,
    /// The model: its number of parameters, such as 70e9
    #[arg(long, value_name = "N", required_unless_present_any = ["runs", "config"], conflicts_with_all = ["runs", "config"])]
    pub(crate) parameters: Option<f64>,
    /// Parameters that a token passes through, of a mixture of experts
    #[arg(long, value_name = "N", requires = "parameters")]
    pub(crate) active: Option<f64>,
    /// Tokens to train on, such as 1.4e12
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "runs",
        conflicts_with = "runs"
    )]
    pub(crate) tokens: Option<f64>,
    /// Tokens of a sequence
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub(crate) sequence: u32,
    /// Sequences of a step, over all chips; a usual number where left out
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<u32>,
    /// Number format of the products
    #[arg(long, value_enum, default_value_t = PrecisionWord::Bf16)]
    pub(crate) precision: PrecisionWord,
    /// What is done with the model
    #[arg(long, value_enum, default_value_t = KindWord::PreTrain)]
    pub(crate) kind: KindWord,
    /// Rank of adapters
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) rank: u32,
    /// Reinforcement learning: share of the time in which the model writes, such as `60 %`
    #[arg(long, value_name = "SHARE", required_if_eq("kind", "reinforcement"))]
    pub(crate) rollout: Option<Percent>,
    /// The accelerator
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "runs",
        conflicts_with = "runs"
    )]
    pub(crate) accelerator: Option<String>,
    /// Accelerators of a node
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) per_node: u32,
    /// Nodes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) nodes: u32,
    /// US dollars for a node and hour
    #[arg(long, value_name = "USD")]
    pub(crate) price: Option<causeway_domain::Usd>,
    /// US dollars for a GB kept for a month
    #[arg(long, value_name = "USD")]
    pub(crate) storage: Option<causeway_domain::Usd>,
    /// US dollars for a GB that leaves the site
    #[arg(long, value_name = "USD")]
    pub(crate) egress: Option<causeway_domain::Usd>,
    /// US dollars an hour for all people who watch the run
    #[arg(long, value_name = "USD")]
    pub(crate) people: Option<causeway_domain::Usd>,
    /// Rate between nodes, such as 3200Gbit/s; the usual one of the accelerator where left out
    #[arg(long, value_name = "RATE")]
    pub(crate) scale_out: Option<causeway_domain::BitsPerSecond>,
    /// Country of the grid, for carbon
    #[arg(long, value_name = "CODE")]
    pub(crate) country: Option<causeway_domain::Country>,
}

/// Number formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionWord {
    /// bfloat16.
    Bf16,
    /// Half.
    Fp16,
    /// 8 bits.
    Fp8,
    /// Single.
    Fp32,
}

/// What is done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindWord {
    /// All weights from the start.
    PreTrain,
    /// All weights of a trained model.
    FineTune,
    /// Adapters beside frozen weights.
    Lora,
    /// Adapters beside frozen weights in 4 bits.
    Qlora,
    /// All weights, on what the model itself writes.
    Reinforcement,
    /// Forward passes alone.
    Throughput,
}

/// What may happen while a plan is carried out.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// Draw futures from this file of dated events and show what becomes of the plans; `base`: the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) scenarios: Option<Utf8PathBuf>,
    /// Futures to draw
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "scenarios", value_parser = draws)]
    pub(crate) draws: usize,
    /// Where chance begins: the same seed gives the same answer
    #[arg(long, value_name = "N", default_value_t = 1, requires = "scenarios")]
    pub(crate) seed: u64,
    /// Hours of work between two checkpoints that come home
    #[arg(long, value_name = "HOURS", default_value_t = 24.0, requires = "scenarios", value_parser = hours)]
    pub(crate) home_every: f64,
}

fn draws(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(draws @ 100..=10_000_000) => Ok(draws),
        _ => Err("100 to 10000000 futures can be drawn".to_owned()),
    }
}

fn hours(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('h').parse::<f64>() {
        Ok(hours) if hours > 0.0 && hours.is_finite() => Ok(hours),
        _ => Err("a number of hours above 0, such as 6 or 0.5".to_owned()),
    }
}
