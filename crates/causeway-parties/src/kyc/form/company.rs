//! C1 to C8: what the company is, who owns, controls and directs it.

use causeway_domain::{Country, Percent};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Day;

/// Names of a company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Full legal name
    pub legal: Option<String>,
    /// Former names; `[]` says that there are none
    pub former: Option<Vec<String>>,
    /// Names in the scripts of the place; `[]` says that there are none
    pub local_script: Option<Vec<String>>,
}

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The register
    pub registry: Option<String>,
    /// The number in it
    pub number: Option<String>,
    /// Legal entity identifier
    pub lei: Option<String>,
}

/// What stands at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Premises {
    /// Rooms of the company.
    Office,
    /// Works, a data centre.
    Industrial,
    /// Somebody's home.
    Residential,
    /// A service that takes mail for many.
    Virtual,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// As it is written
    pub text: Option<String>,
    /// Its country
    pub country: Option<Country>,
    /// What stands there
    pub kind: Option<Premises>,
}

/// Where a company is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Registered address
    pub registered: Option<Address>,
    /// Place of business
    pub business: Option<Address>,
    /// Country of the headquarters
    pub headquarters: Option<Country>,
    /// Telephone numbers
    pub phones: Option<Vec<String>>,
    /// Internet domains
    pub domains: Option<Vec<String>>,
}

/// What a holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A company.
    Company,
    /// A natural person.
    Person,
    /// A state or a body of one.
    State,
    /// Many small holders.
    Dispersed,
}

/// A share in a company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shareholding {
    /// Who holds
    pub owner: Option<String>,
    /// In which company
    pub of: Option<String>,
    /// Share of the capital
    pub share: Option<Percent>,
    /// Share of the votes
    pub votes: Option<Percent>,
    /// What the holder is
    pub kind: Option<HolderKind>,
    /// The holder's headquarters or residence
    pub country: Option<Country>,
    /// Since
    pub from: Option<Day>,
    /// Until
    pub to: Option<Day>,
}

/// The party at the top.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopParent {
    /// Its name
    pub name: Option<String>,
    /// Country of its headquarters
    pub headquarters: Option<Country>,
}

/// Owners up to the top.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// Every share of the chain
    pub holdings: Option<Vec<Shareholding>>,
    /// Whether they name every holder
    pub complete: Option<bool>,
    /// The party at the top of the chain
    pub ultimate_parent: Option<TopParent>,
}

/// Control without shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlMeans {
    /// Rights to name directors.
    BoardRights,
    /// A variable interest entity.
    Vie,
    /// A nominee.
    Nominee,
    /// A trust.
    Trust,
    /// Covenants of a loan.
    LoanCovenant,
    /// Another means.
    Other,
}

/// Somebody who controls without shares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// Who
    pub name: Option<String>,
    /// Over which company
    pub over: Option<String>,
    /// How
    pub means: Option<ControlMeans>,
}

/// A director or signatory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Name
    pub name: Option<String>,
    /// `director`, `signatory`
    pub role: Option<String>,
    /// Country of residence
    pub residence: Option<Country>,
    /// Reference of the check of the identity document; not the document
    pub id_check: Option<String>,
}

/// Ties to states and armed forces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Military {
    /// Whether there are ties to a state or to armed forces
    pub ties: Option<bool>,
    /// Whether it supplies military or intelligence end users
    pub supplies: Option<bool>,
    /// Which
    pub text: Option<String>,
}
