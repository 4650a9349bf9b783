//! Offers: one kind of machine at one place, and its price.

use std::cmp::Ordering;
use std::sync::Arc;

use causeway_domain::{BitsPerSecond, Bytes, Country, Date, Fact, SiteId, UsdPerHour};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Age, CostBasis, Term};

/// What kind of source an offer has. Which file and day: [`Offer::read`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferSource {
    /// A cloud's price list.
    Catalog,
    /// An offers file of the organisation: quotes, contracts, its own clusters.
    File,
    /// A site's own entry in `causeway.yaml`.
    Site(SiteId),
}

/// The file in which an offer stands, and the day of what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Read {
    /// The file, as the caller named it.
    pub file: Arc<str>,
    /// The day of its prices, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

/// One kind of machine (SkyPilot: instance) at one place. Prices are per machine, not per accelerator.
///
/// A row of a price list is not stock: it says what a machine costs, not that one can be had today. What many rows say
/// alike is shared between them, so that a copy costs no text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The cloud's name in SkyPilot's files, or the id of the party that operates the site.
    pub provider: Arc<str>,
    /// What kind of source it has.
    pub source: OfferSource,
    /// The file and the day.
    pub read: Arc<Read>,
    /// The provider's name of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<Arc<str>>,
    /// The accelerator as the source names it, and how many a machine has; `None` for a machine without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<(Arc<str>, u32)>,
    /// Memory of one accelerator, when the source prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_memory: Option<Bytes>,
    /// Virtual CPUs of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<Decimal>,
    /// Main memory of a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Rate from a machine to the others of a job, when the source states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out: Option<BitsPerSecond>,
    /// Price on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<UsdPerHour>,
    /// Price of a machine that may be taken away at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<UsdPerHour>,
    /// Terms beside those two: [`Term::Reserved`] and [`Term::Committed`].
    #[serde(default, skip_serializing_if = "no_terms")]
    pub terms: Arc<[Term]>,
    /// The most machines that can be had at once, when stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<u32>,
    /// Whether the price is a rent or what an owner's hour costs.
    #[serde(default)]
    pub cost_basis: CostBasis,
    /// The provider's name of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Arc<str>>,
    /// The provider's name of the zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Arc<str>>,
    /// Where the machines stand.
    pub country: Arc<Fact<Country>>,
}

fn no_terms(terms: &Arc<[Term]>) -> bool {
    terms.is_empty()
}

impl Offer {
    /// An offer of which nothing is known but who makes it, where it was read and where the machines stand.
    #[must_use]
    pub fn bare(
        provider: impl Into<Arc<str>>,
        source: OfferSource,
        read: Arc<Read>,
        country: Arc<Fact<Country>>,
    ) -> Self {
        Self {
            provider: provider.into(),
            source,
            read,
            instance_type: None,
            accelerator: None,
            accelerator_memory: None,
            vcpus: None,
            memory: None,
            scale_out: None,
            on_demand: None,
            spot: None,
            terms: Arc::default(),
            quota: None,
            cost_basis: CostBasis::Rented,
            region: None,
            zone: None,
            country,
        }
    }

    /// How the offer is called in tables and messages: `nebius/eu-north1 gpu-h100-sxm_8gpu`, `johor-1`.
    #[must_use]
    pub fn label(&self) -> String {
        self.label_parts().concat()
    }

    /// Order of [`Offer::label`], without making the texts.
    pub(crate) fn cmp_label(&self, other: &Self) -> Ordering {
        let (mine, theirs) = (self.label_parts(), other.label_parts());
        mine.iter()
            .flat_map(|part| part.bytes())
            .cmp(theirs.iter().flat_map(|part| part.bytes()))
    }

    fn label_parts(&self) -> [&str; 5] {
        let (place, slash, region) = match (&self.source, &self.region) {
            (OfferSource::Site(site), _) => (site.as_str(), "", ""),
            (OfferSource::Catalog | OfferSource::File, Some(region)) => {
                (&*self.provider, "/", &**region)
            }
            (OfferSource::Catalog | OfferSource::File, None) => (&*self.provider, "", ""),
        };
        match &self.instance_type {
            Some(instance) => [place, slash, region, " ", instance],
            None => [place, slash, region, "", ""],
        }
    }

    /// Where the offer was read, in words: `catalog/skypilot/nebius/vms.csv, 2026-11-24`, `site johor-1`.
    #[must_use]
    pub fn origin(&self) -> String {
        match (&self.source, self.read.date) {
            (OfferSource::Site(site), _) => format!("site {site}"),
            (OfferSource::Catalog | OfferSource::File, Some(date)) => {
                format!("{}, {date}", self.read.file)
            }
            (OfferSource::Catalog | OfferSource::File, None) => {
                format!("{}, undated", self.read.file)
            }
        }
    }

    /// How old the offer's prices are on a day.
    #[must_use]
    pub fn age(&self, today: Date) -> Age {
        Age::of(self.read.date, today)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(provider: &str, region: Option<&str>, instance: Option<&str>) -> Offer {
        let read = Read {
            file: "t.csv".into(),
            date: None,
        };
        Offer {
            region: region.map(Arc::from),
            instance_type: instance.map(Arc::from),
            ..Offer::bare(
                provider,
                OfferSource::Catalog,
                Arc::new(read),
                Arc::new(Fact::unknown("not stated")),
            )
        }
    }

    #[test]
    fn a_row_costs_less_than_three_hundred_bytes() {
        assert!(
            size_of::<Offer>() <= 288,
            "{} bytes: 60,000 of them are copied",
            size_of::<Offer>()
        );
    }

    proptest! {
        #[test]
        fn labels_are_ordered_as_their_texts(
            a in ("[a-c/ ]{0,3}", proptest::option::of("[a-c/ ]{0,3}"), proptest::option::of("[a-c/ ]{0,3}")),
            b in ("[a-c/ ]{0,3}", proptest::option::of("[a-c/ ]{0,3}"), proptest::option::of("[a-c/ ]{0,3}")),
        ) {
            let a = named(&a.0, a.1.as_deref(), a.2.as_deref());
            let b = named(&b.0, b.1.as_deref(), b.2.as_deref());
            prop_assert_eq!(a.cmp_label(&b), a.label().cmp(&b.label()));
        }
    }
}
