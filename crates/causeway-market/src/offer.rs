//! Offers: one kind of machine at one place, and its price.

use causeway_domain::{Bytes, Country, Date, Fact, SiteId, UsdPerHour};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Where an offer was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferSource {
    /// A price list.
    Catalog {
        /// The file.
        file: String,
        /// The day of its prices, when known.
        date: Option<Date>,
    },
    /// A site's own entry in `causeway.yaml`.
    Site(SiteId),
}

impl std::fmt::Display for OfferSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Catalog {
                file,
                date: Some(date),
            } => write!(f, "{file}, {date}"),
            Self::Catalog { file, date: None } => write!(f, "{file}, undated"),
            Self::Site(site) => write!(f, "site {site}"),
        }
    }
}

/// One kind of machine (SkyPilot: instance) at one place. Prices are per machine, not per accelerator.
///
/// A row of a price list is not stock: it says what a machine costs, not that one can be had today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The cloud's name in SkyPilot's files, or the id of the party that operates the site.
    pub provider: String,
    /// Where the offer was read.
    pub source: OfferSource,
    /// The provider's name of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// The accelerator as the source names it, and how many a machine has; `None` for a machine without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<(String, u32)>,
    /// Memory of one accelerator, when the source prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_memory: Option<Bytes>,
    /// Virtual CPUs of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<Decimal>,
    /// Main memory of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Price on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<UsdPerHour>,
    /// Price of a machine that may be taken away at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<UsdPerHour>,
    /// The provider's name of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The provider's name of the zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Where the machines stand.
    pub country: Fact<Country>,
}

impl Offer {
    /// How the offer is called in tables and messages: `nebius/eu-north1 gpu-h100-sxm_8gpu`, `johor-1`.
    #[must_use]
    pub fn label(&self) -> String {
        let place = match (&self.source, &self.region) {
            (OfferSource::Site(site), _) => site.to_string(),
            (OfferSource::Catalog { .. }, Some(region)) => format!("{}/{region}", self.provider),
            (OfferSource::Catalog { .. }, None) => self.provider.clone(),
        };
        match &self.instance_type {
            Some(instance) => format!("{place} {instance}"),
            None => place,
        }
    }
}
