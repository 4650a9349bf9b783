//! The shape of a portfolio file. Doc comments here are the descriptions in the JSON Schema and in error messages.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::organisation::DateText;
use crate::{Country, Date, SiteId, Usd};

/// Several tasks that share one budget.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "portfolio.yaml")]
pub struct File {
    /// The format: `causeway/portfolio/1`
    pub format: Format,
    /// The tasks
    pub tasks: Vec<Task>,
    /// US dollars for all of them
    pub budget: Option<Usd>,
    /// What there is only so much of
    #[serde(default)]
    pub limits: Vec<Limit>,
}

/// The format of a portfolio file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Format {
    /// The first.
    #[serde(rename = "causeway/portfolio/1")]
    One,
}

/// One task.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The task file, relative to this file
    pub task: String,
    /// The last day on which it may end: the run must be through by then in nine of ten cases
    #[schemars(with = "Option<DateText>")]
    pub deadline: Option<Date>,
    /// What having it is worth, US dollars. Without it the task must be done; with it it is left out where it costs more
    pub worth: Option<Usd>,
    /// Countries in which its data may be; anywhere that the law allows where left out
    pub stays_in: Option<BTreeSet<Country>>,
}

/// What there is only so much of: at the places that the first three fields name (all, where none does), one of the others.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// A site of causeway.yaml
    pub site: Option<SiteId>,
    /// A country
    pub country: Option<Country>,
    /// An accelerator, as SkyPilot names it
    pub accelerator: Option<String>,
    /// Accelerators times hours
    #[schemars(range(min = 0.0))]
    pub accelerator_hours: Option<f64>,
    /// Nodes, were all tasks to run at once
    pub nodes: Option<u32>,
    /// US dollars
    pub spend: Option<Usd>,
}
