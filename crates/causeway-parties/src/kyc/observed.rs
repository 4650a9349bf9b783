//! What a provider saw beside the run's own records: `observed.yaml`. Every part may be left out; what is left out is
//! unknown.

use causeway_domain::{Country, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use super::form::{Amount, Day};

/// The word of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ObservedFormat {
    /// Version 1.
    #[serde(rename = "causeway-kyc/observed/1")]
    V1,
}

/// An instant in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String")]
pub struct Instant(pub Timestamp);

/// One use of access, reduced to what the check needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessSeen {
    /// When
    pub at: Option<Instant>,
    /// Who, as the roster of C14 names the person
    pub person: Option<String>,
    /// From which country
    pub country: Option<Country>,
    /// Whether by way of an anonymiser
    pub anonymiser: Option<bool>,
}

/// One endpoint to which the site sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressSeen {
    /// Host or address
    pub to: String,
    /// Its country
    pub country: Option<Country>,
    /// First seen
    pub since: Option<Instant>,
}

/// What the machines counted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Chips times hours
    pub chip_hours: Option<Amount>,
    /// Share of the dense peak that was used, percent
    pub utilisation_percent: Option<Amount>,
    /// Floating-point operations, where counters give them
    pub flop: Option<Amount>,
}

/// A contact of a listed or refused party.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// The party, and the list or refusal
    pub party: String,
    /// Addresses
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Telephone numbers
    #[serde(default)]
    pub phones: Vec<String>,
    /// Directors
    #[serde(default)]
    pub directors: Vec<String>,
    /// Internet domains
    #[serde(default)]
    pub domains: Vec<String>,
    /// Payers
    #[serde(default)]
    pub payers: Vec<String>,
}

/// A diversion that became known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diversion {
    /// The day on which it became known
    pub on: Day,
    /// What
    pub what: String,
}

/// A government's request to keep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The authority
    pub authority: String,
    /// Its reference
    pub reference: String,
    /// The day of the request
    pub on: Day,
    /// The day on which the authority released it
    pub released: Option<Day>,
}

/// What was seen, as references and counts: no full log of persons belongs here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "observed.yaml")]
pub struct Observed {
    /// The format: `causeway-kyc/observed/1`
    pub form: ObservedFormat,
    /// Who states this, from which system
    pub source: String,
    /// Uses of access; `[]` says that there were none
    pub access: Option<Vec<AccessSeen>>,
    /// Every endpoint to which the site sent; `[]` says that there were none
    pub egress: Option<Vec<EgressSeen>>,
    /// What the machines counted
    pub telemetry: Option<Telemetry>,
    /// Contacts of listed and refused parties; `[]` says that the register has none
    pub watched: Option<Vec<Watched>>,
    /// Other parties of the provider's register at the customer's address
    pub parties_at_address: Option<u32>,
    /// Diversions that became known
    #[serde(default)]
    pub diversions: Vec<Diversion>,
    /// Requests of governments to keep
    #[serde(default)]
    pub holds: Vec<Hold>,
}
