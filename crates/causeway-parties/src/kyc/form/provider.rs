//! P1 to P8: the provider's form.

use causeway_domain::Country;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Address, Amount, Contract, Day, Item, Seal, Shareholding};

/// The word of the provider's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ProviderFormat {
    /// Version 1.
    #[serde(rename = "causeway-kyc/provider/1")]
    V1,
}

/// Who a provider is, in law.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Full legal name
    pub legal: Option<String>,
    /// Jurisdiction
    pub jurisdiction: Option<Country>,
    /// Every share of the chain
    pub holdings: Option<Vec<Shareholding>>,
    /// Whether they name every holder
    pub complete: Option<bool>,
}

/// A provider's site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteAnswer {
    /// Address
    pub address: Option<Address>,
    /// Who operates it
    pub operator: Option<String>,
    /// Who owns the chips
    pub chip_owner: Option<String>,
}

/// Chips of one model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chips {
    /// Model
    pub model: Option<String>,
    /// Count
    pub count: Option<u64>,
    /// ECCN as the seller states it
    pub eccn: Option<String>,
    /// Licence or exception under which they were received
    pub received_under: Option<String>,
    /// When
    pub received_on: Option<Day>,
}

/// Power of a site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Power for machines, MW
    pub site_mw: Option<Amount>,
    /// Cooling, MW
    pub cooling_mw: Option<Amount>,
}

/// Somebody who takes part on the provider's side.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subcontractor {
    /// Name
    pub name: Option<String>,
    /// `subcontractor`, `reseller`
    pub role: Option<String>,
    /// Country
    pub country: Option<Country>,
}

/// How long logs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogRetention {
    /// Days
    pub days: Option<u32>,
    /// Which logs
    pub what: Option<String>,
}

/// Somebody with administrative access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    /// Name
    pub name: Option<String>,
    /// Employer
    pub employer: Option<String>,
    /// Country from which
    pub country: Option<Country>,
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentContact {
    /// Name
    pub name: Option<String>,
    /// How
    pub reach: Option<String>,
}

/// Who the provider is, filled and signed by the owner or operator of the machines.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "provider.yaml")]
pub struct Provider {
    /// The format: `causeway-kyc/provider/1`
    pub form: ProviderFormat,
    /// SHA-256 of the questionnaire that was answered
    pub questionnaire: Option<String>,
    /// The contract
    pub contract: Option<Contract>,
    /// P1: legal name, owners, jurisdiction
    pub identity: Option<Item<Identity>>,
    /// P2: site
    pub site: Option<Item<SiteAnswer>>,
    /// P3: chips
    pub chips: Option<Item<Vec<Chips>>>,
    /// P4: power and cooling
    pub power: Option<Item<Power>>,
    /// P5: subcontractors and resellers
    pub subcontractors: Option<Item<Vec<Subcontractor>>>,
    /// P6: how long logs are kept
    pub log_retention: Option<Item<LogRetention>>,
    /// P7: who has administrative access
    pub administrators: Option<Item<Vec<Administrator>>>,
    /// P8: contact for incidents
    pub incident_contact: Option<Item<IncidentContact>>,
    /// The signature; `causeway kyc sign` writes it
    pub seal: Option<Seal>,
}
