//! C15 and C17 to C20: who pays, on which authorisations the customer relies, what was before, what it agrees to, who signs.

use causeway_domain::Country;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Day;

/// How is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// From a bank account.
    BankTransfer,
    /// By card. Its number is not asked for.
    Card,
    /// In a virtual currency.
    Crypto,
    /// Set off, prepaid, in kind.
    Other,
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// Name
    pub name: Option<String>,
    /// Whether the payer is the customer
    pub is_customer: Option<bool>,
    /// Country of the bank
    pub bank_country: Option<Country>,
    /// How
    pub means: Option<Means>,
}

/// A licence, exception or other authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorisation {
    /// Name
    pub name: Option<String>,
    /// Number
    pub number: Option<String>,
    /// Conditions
    pub conditions: Option<String>,
    /// First day
    pub from: Option<Day>,
    /// Last day
    pub until: Option<Day>,
    /// SHA-256 of the document
    pub sha256: Option<String>,
}

/// What was before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Refused by a provider or an authority
    pub refusals: Option<bool>,
    /// Disclosed a violation
    pub disclosures: Option<bool>,
    /// Was punished
    pub penalties: Option<bool>,
    /// Which
    pub text: Option<String>,
}

/// What the customer agrees to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consents {
    /// Audit
    pub audit: Option<bool>,
    /// Checks of the end user
    pub end_user_checks: Option<bool>,
    /// Stop of work on a hit
    pub stop_work: Option<bool>,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signatory {
    /// Name
    pub name: Option<String>,
    /// Role
    pub role: Option<String>,
    /// Day
    pub date: Option<Day>,
    /// Days within which a change is reported
    pub report_changes_within_days: Option<u32>,
}
