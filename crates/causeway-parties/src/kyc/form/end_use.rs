//! C9 to C14 and C16: for whom the work is done, what is trained on what, who has access, where it goes.

use causeway_domain::Country;
use causeway_domain::organisation::DataClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Amount;

/// As what the customer signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractingAs {
    /// Uses the model itself.
    EndUser,
    /// Belongs to the group of the end user.
    Affiliate,
    /// Forwards.
    Forwarder,
    /// Sells on.
    Reseller,
    /// Brings parties together.
    Broker,
}

/// The part of somebody for whom the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalRole {
    /// Ordered it.
    Principal,
    /// Uses it.
    EndUser,
    /// Belongs to the customer's group.
    Affiliate,
    /// The customer's customer.
    CustomersCustomer,
    /// Another part.
    Other,
}

/// Somebody for whom the work is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Name
    pub name: Option<String>,
    /// Part
    pub role: Option<PrincipalRole>,
    /// Country
    pub country: Option<Country>,
}

/// For whom the work is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principals {
    /// As what the customer signs
    pub contracting_as: Option<ContractingAs>,
    /// For whom
    pub work_for: Option<Vec<Principal>>,
}

/// Field of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Text.
    Language,
    /// Program code.
    Code,
    /// Pictures and films.
    Vision,
    /// Speech and sound.
    Speech,
    /// Several of these.
    Multimodal,
    /// Natural science.
    Science,
    /// Medicine.
    Medicine,
    /// Machines that move.
    Robotics,
    /// Forecasts and recommendations.
    Forecasting,
    /// Another field: a question.
    Other,
}

/// What the model is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// In words
    pub text: Option<String>,
    /// Field
    pub domain: Option<Domain>,
    /// Intended users
    pub users: Option<String>,
    /// Countries where it is deployed
    pub deployed_in: Option<Vec<Country>>,
}

/// How large the model and its training are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Parameters
    pub parameters: Option<Amount>,
    /// Tokens
    pub tokens: Option<Amount>,
    /// Planned floating-point operations
    pub flop: Option<Amount>,
    /// Name of the chip; nothing for machines without accelerators
    pub chip: Option<String>,
    /// Chips; 0 for machines without accelerators
    pub chips: Option<u64>,
    /// Hours
    pub hours: Option<Amount>,
}

/// What becomes of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightsAfter {
    /// Published.
    Open,
    /// Kept.
    Closed,
}

/// What training starts from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaseModel {
    /// Whether there is no base model
    pub from_scratch: Option<bool>,
    /// Its name
    pub name: Option<String>,
    /// Who made it, where
    pub origin: Option<String>,
    /// Its licence
    pub licence: Option<String>,
    /// SHA-256 of its weights or of their manifest
    pub sha256: Option<String>,
    /// What becomes of the trained weights
    pub weights_after: Option<WeightsAfter>,
}

/// A set of training data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name, as causeway.yaml has it
    pub name: Option<String>,
    /// Classes; `[none]` for no personal data
    pub classes: Option<Vec<DataClass>>,
    /// Records
    pub records: Option<u64>,
    /// Countries of the persons; `[]` for none
    pub persons_countries: Option<Vec<Country>>,
    /// Whether it is related to a government
    pub government_related: Option<bool>,
    /// Where it comes from
    pub origin: Option<String>,
    /// Its licence
    pub licence: Option<String>,
}

/// Somebody who has access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name, or the account that the roster resolves
    pub name: Option<String>,
    /// Country of residence
    pub residence: Option<Country>,
    /// Employer
    pub employer: Option<String>,
    /// How: `ssh`, `console`
    pub method: Option<String>,
}

/// Who has access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// People
    pub people: Option<Vec<Person>>,
    /// Fixed ranges of addresses, in CIDR; `[]` says that there are none
    pub networks: Option<Vec<String>>,
}

/// What goes somewhere.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Goods {
    /// Trained weights.
    Weights,
    /// Checkpoints on the way.
    Checkpoints,
    /// What the job prints, and metrics.
    Logs,
}

impl Goods {
    /// The form's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Checkpoints => "checkpoints",
            Self::Logs => "logs",
        }
    }
}

/// Where something goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// What
    pub what: Option<Goods>,
    /// Place: a site, a host, `home`
    pub place: Option<String>,
    /// Its country
    pub country: Option<Country>,
    /// Who receives it
    pub receiver: Option<String>,
}
