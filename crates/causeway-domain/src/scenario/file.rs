//! The shape of a scenario file. Doc comments here are the descriptions in the JSON Schema and in error messages.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::organisation::DateText;
use crate::{Country, Date, PackId, SiteId};

/// What may happen while a model is trained, and how likely it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "scenarios.yaml")]
pub struct File {
    /// The format: `causeway/scenarios/1`
    pub format: Format,
    /// What may happen, by a short name
    pub events: BTreeMap<String, Event>,
    /// Readings of the future, by name: which events are certain and which are ruled out. Every other event keeps its chance
    #[serde(default)]
    pub scenarios: BTreeMap<String, Scenario>,
    /// What comes of asking, where a plan needs a review or a licence. Without it a plan that needs one waits for good
    #[serde(default)]
    pub answers: Answers,
}

/// The format of a scenario file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Format {
    /// The first.
    #[serde(rename = "causeway/scenarios/1")]
    One,
}

/// One thing that may happen: exactly one of `pack`, `lost`, `price` and `released`, and when.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What happens, for people
    pub title: String,
    /// A rule pack enters into force: a bill, a proposal
    pub pack: Option<PackId>,
    /// A place can't be used any more
    pub lost: Option<Place>,
    /// A price moves
    pub price: Option<PriceMove>,
    /// An accelerator can be had from then on and not before, as SkyPilot names it
    pub released: Option<String>,
    /// When, and how likely
    pub when: Chance,
    /// Where the chance is written
    pub source: Option<String>,
    /// Says that the chance is nobody's but the file's author's
    #[serde(default)]
    pub assumption: bool,
}

/// A site, or every site of a country.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A site of causeway.yaml
    Site(SiteId),
    /// A country
    Country(Country),
}

/// A price moves by a factor.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceMove {
    /// Of machines with this accelerator; of all where left out
    pub accelerator: Option<String>,
    /// Least, likeliest and greatest factor: `1.2` is a fifth dearer
    pub factor: Spread,
}

/// A number that is not known exactly: least, likeliest, greatest. Drawn from the triangle over them.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Least
    #[schemars(range(min = 0.0))]
    pub low: f64,
    /// Likeliest
    #[schemars(range(min = 0.0))]
    pub mid: f64,
    /// Greatest
    #[schemars(range(min = 0.0))]
    pub high: f64,
}

/// When something happens: on a day, on some day of a span, or at a rate.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// On this day, if at all
    #[schemars(with = "Option<DateText>")]
    pub on: Option<Date>,
    /// On a day from this one on; today where left out
    #[schemars(with = "Option<DateText>")]
    pub from: Option<Date>,
    /// On a day up to this one, each as likely
    #[schemars(with = "Option<DateText>")]
    pub to: Option<Date>,
    /// How likely it is to happen at all, 0 to 1; 1 where left out
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// Expected number in a year, where it may happen at any time
    #[schemars(range(min = 0.0))]
    pub per_year: Option<f64>,
}

impl std::fmt::Display for Chance {
    /// `on some day from 2027-01-01 to 2027-12-31, with probability 0.2`, `0.05 times a year`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(rate) = self.per_year {
            return write!(f, "{rate} times a year");
        }
        match (self.on, self.from, self.to) {
            (Some(day), _, _) => write!(f, "on {day}")?,
            (None, Some(from), Some(to)) => write!(f, "on some day from {from} to {to}")?,
            (None, None, Some(to)) => write!(f, "on some day up to {to}")?,
            (None, Some(from), None) => write!(f, "on some day from {from} on")?,
            (None, None, None) => f.write_str("today")?,
        }
        match self.probability {
            Some(probability) => write!(f, ", with probability {probability}"),
            None => Ok(()),
        }
    }
}

/// A reading of the future.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What it is, for people
    pub title: Option<String>,
    /// Events that happen for sure
    pub certain: BTreeSet<String>,
    /// Events that do not happen
    pub never: BTreeSet<String>,
}

/// What comes of asking.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// Of a review
    pub review: Option<Answer>,
    /// Of a request for a licence
    pub licence: Option<Answer>,
}

/// How long an answer takes, and how likely it is a yes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Days until it comes
    pub days: Spread,
    /// How likely it is a yes
    #[schemars(range(min = 0.0, max = 1.0))]
    pub granted: f64,
    /// Where this is written
    pub source: Option<String>,
    /// Says that the numbers are nobody's but the file's author's
    #[serde(default)]
    pub assumption: bool,
}
