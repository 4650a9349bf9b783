//! The words of an offers file.

use causeway_domain::{
    BitsPerSecond, Bytes, Country, Date, Source, Stated, Usd, UsdPerHour, UsdPerKilowattHour, Watts,
};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// An organisation's own offers: quotes, contracts, its own clusters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "offers.yaml")]
pub(super) struct File {
    /// Format and version of this file
    #[expect(dead_code, reason = "checked by the schema")]
    pub(super) format: Format,
    /// Who says what stands in this file; an offer's own `source` wins
    pub(super) source: Option<Dated>,
    /// The offers
    #[serde(default)]
    pub(super) offers: Vec<Entry>,
    /// Round-trip times that somebody measured
    #[serde(default)]
    pub(super) rtt: Vec<Measured>,
}

/// A round-trip time between two places, in either direction.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Measured {
    /// One end: a site, or `provider/region`
    pub(super) from: String,
    /// The other end
    pub(super) to: String,
    /// Milliseconds there and back
    #[schemars(range(min = 0))]
    pub(super) milliseconds: f64,
    /// Who measured it, and how
    pub(super) by: String,
    /// The record
    pub(super) evidence: Option<String>,
    /// The day
    #[schemars(with = "DateText")]
    pub(super) on: Date,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) enum Format {
    /// Version 1.
    #[serde(rename = "causeway/offers/1")]
    One,
}

/// Who says it, on what evidence, and on which day.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dated {
    /// Who says it: a provider's quote, a contract, an invoice
    pub(super) by: String,
    /// The document
    pub(super) evidence: Option<String>,
    /// The day of its prices
    #[schemars(with = "DateText")]
    pub(super) on: Date,
}

/// One kind of machine at one place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The cloud's name, or the id of the party that operates the machines
    #[schemars(extend("format" = "id"))]
    pub(super) provider: String,
    /// Name of the kind of machine
    pub(super) instance: Option<String>,
    /// Name of the region
    pub(super) region: Option<String>,
    /// Name of the zone
    pub(super) zone: Option<String>,
    /// Where the machines stand
    pub(super) country: Option<Stated<Country>>,
    /// The accelerator, by a name of the table of accelerators; none for a machine without
    pub(super) accelerator: Option<String>,
    /// Accelerators in a machine
    #[schemars(range(min = 1))]
    pub(super) accelerators_per_node: Option<u32>,
    /// Virtual CPUs of a machine
    pub(super) cpus: Option<Exact>,
    /// Main memory of a machine
    #[schemars(with = "Option<SizeText>")]
    #[serde(default, deserialize_with = "parsed")]
    pub(super) memory: Option<Bytes>,
    /// Rate from a machine to the others of a job
    #[schemars(with = "Option<RateText>")]
    #[serde(default, deserialize_with = "parsed")]
    pub(super) scale_out: Option<BitsPerSecond>,
    /// The most machines that can be had at once
    #[schemars(range(min = 1))]
    pub(super) quota: Option<u32>,
    /// Price per machine and hour in US dollars, kept until given back
    pub(super) on_demand: Option<UsdPerHour>,
    /// Price per machine and hour in US dollars, for one that may be taken away
    pub(super) spot: Option<UsdPerHour>,
    /// Terms that are paid for all of their months, used or not
    #[serde(default)]
    pub(super) reserved: Vec<Reserved>,
    /// Terms with a promise to use a least amount
    #[serde(default)]
    pub(super) committed: Vec<Committed>,
    /// A machine of one's own: what its hour is added up from
    pub(super) owned: Option<Owned>,
    /// Who says what stands here, and when
    pub(super) source: Option<Dated>,
}

/// Held for some months and paid for all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reserved {
    /// For how many months
    #[schemars(range(min = 1))]
    pub(super) months: u32,
    /// What is paid at the start, per machine, in US dollars
    pub(super) upfront: Option<Usd>,
    /// Price per machine for each hour of those months, in US dollars
    pub(super) per_hour: UsdPerHour,
}

/// A lower price for a promise: `least_spend` or `least_hours`, per machine and over all the months.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Committed {
    /// For how many months
    #[schemars(range(min = 1))]
    pub(super) months: u32,
    /// Price per machine for each hour used, in US dollars
    pub(super) per_hour: UsdPerHour,
    /// Money that is paid in any case, in US dollars
    pub(super) least_spend: Option<Usd>,
    /// Hours that are paid in any case
    #[schemars(range(min = 0))]
    pub(super) least_hours: Option<f64>,
}

/// The parts of an owner's hour, each with who says it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Owned {
    /// What the machine cost in US dollars, with its share of switches, racks and cables
    pub(super) hardware: Said<Usd>,
    /// Over how many months it is written off
    pub(super) months_of_use: Said<Months>,
    /// What it draws at the plug under load: `10.2 kW`
    pub(super) power: Said<Power>,
    /// What a kilowatt-hour costs in US dollars
    pub(super) price_of_power: Said<UsdPerKilowattHour>,
    /// Power of the whole site over power of its machines
    pub(super) pue: Said<Exact>,
    /// What people, space and repairs cost per machine and hour, in US dollars
    pub(super) staff: Said<UsdPerHour>,
}

/// A figure and who says it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Said<T> {
    /// The figure
    pub(super) value: T,
    /// Who says it: an invoice, a meter, a contract
    pub(super) by: String,
    /// The document
    pub(super) evidence: Option<String>,
    /// The day
    #[schemars(with = "Option<DateText>")]
    pub(super) on: Option<Date>,
}

impl<T> Said<T> {
    pub(super) fn source(&self) -> Source {
        Source {
            by: self.by.clone(),
            evidence: self.evidence.clone(),
            on: self.on,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Months(#[schemars(range(min = 1))] pub(super) u32);

/// A plain number, exact.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(with = "String", extend("type" = ["string", "number"], "format" = "amount"))]
pub(super) struct Exact(pub(super) Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse()
            .or_else(|_| Decimal::from_scientific(&text))
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(with = "WattsText")]
pub(super) struct Power(pub(super) Watts);

impl<'de> Deserialize<'de> for Power {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

macro_rules! texts {
    ($($name:ident = $format:literal;)*) => {$(
        #[derive(JsonSchema)]
        #[schemars(extend("format" = $format))]
        #[expect(dead_code, reason = "only its schema is used")]
        struct $name(String);
    )*};
}

texts! {
    DateText = "date";
    SizeText = "size";
    RateText = "rate";
    WattsText = "watts";
}

fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    T::Err: std::fmt::Display,
{
    Option::<String>::deserialize(deserializer)?
        .map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}
