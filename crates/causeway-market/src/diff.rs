//! What changed between two readings of price lists.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use causeway_domain::UsdPerHour;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Offer, OfferSource, PriceKind};

/// Places that a line for people names; the rest are counted.
const MOST_PLACES: usize = 3;

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is no longer listed.
    Gone,
    /// It costs something else.
    Price {
        /// Paid in which way.
        kind: PriceKind,
        /// Before.
        was: UsdPerHour,
        /// After.
        now: UsdPerHour,
    },
    /// It is listed, and no longer sold that way.
    NotSold {
        /// The way.
        kind: PriceKind,
        /// What it cost.
        was: UsdPerHour,
    },
    /// It is sold that way now, too.
    Sold {
        /// The way.
        kind: PriceKind,
        /// What it costs.
        now: UsdPerHour,
    },
    /// It was not listed before.
    New,
}

impl What {
    /// By how many percent the price moved; `None` where it did not, or where it was nothing before.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        let Self::Price { was, now, .. } = self else {
            return None;
        };
        now.get()
            .checked_sub(was.get())?
            .checked_div(was.get())?
            .checked_mul(Decimal::ONE_HUNDRED)
            .map(|percent| percent.round_dp(1))
    }
}

/// One change of one kind of machine, in every place where it is the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change<'a> {
    /// What became of it.
    pub what: What,
    /// The offers that it is about: as they are now, or, of those that are gone, as they were. Never empty.
    pub offers: Vec<&'a Offer>,
}

/// What tells an offer from the others of its list: not its price.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
struct Identity<'a> {
    provider: &'a str,
    source: &'a OfferSource,
    instance: Option<&'a str>,
    accelerator: Option<(&'a str, u32)>,
    region: Option<&'a str>,
    zone: Option<&'a str>,
}

fn identity(offer: &Offer) -> Identity<'_> {
    Identity {
        provider: &offer.provider,
        source: &offer.source,
        instance: offer.instance_type.as_deref(),
        accelerator: offer
            .accelerator
            .as_ref()
            .map(|(name, count)| (&**name, *count)),
        region: offer.region.as_deref(),
        zone: offer.zone.as_deref(),
    }
}

/// Compares two readings. Machines with accelerators come first; of those, what is gone, then prices, the largest move
/// first, then what is sold in another way, then what is new.
///
/// Offers are the same by provider, kind of source, machine, accelerator and place. Where a list has several of them, they
/// are held against each other in the order of the lists.
#[must_use]
pub fn diff<'a>(before: &'a [Offer], after: &'a [Offer]) -> Vec<Change<'a>> {
    let mut old: BTreeMap<Identity<'_>, VecDeque<&Offer>> = BTreeMap::new();
    for offer in before {
        old.entry(identity(offer)).or_default().push_back(offer);
    }
    // The same change of a machine in many places is one.
    let mut changes: BTreeMap<(Identity<'_>, What), Vec<&Offer>> = BTreeMap::new();
    let mut note = |what: What, offer: &'a Offer| {
        let machine = Identity {
            region: None,
            zone: None,
            ..identity(offer)
        };
        changes.entry((machine, what)).or_default().push(offer);
    };
    for offer in after {
        let Some(was) = old.get_mut(&identity(offer)).and_then(VecDeque::pop_front) else {
            note(What::New, offer);
            continue;
        };
        let prices = [
            (PriceKind::OnDemand, was.on_demand, offer.on_demand),
            (PriceKind::Spot, was.spot, offer.spot),
        ];
        for (kind, was, now) in prices {
            match (was, now) {
                (Some(was), Some(now)) if was != now => {
                    note(What::Price { kind, was, now }, offer);
                }
                (Some(was), None) => note(What::NotSold { kind, was }, offer),
                (None, Some(now)) => note(What::Sold { kind, now }, offer),
                _ => {}
            }
        }
    }
    for offer in old.into_values().flatten() {
        note(What::Gone, offer);
    }
    let mut changes: Vec<Change<'_>> = changes
        .into_iter()
        .map(|((_, what), offers)| Change { what, offers })
        .collect();
    changes.sort_by_cached_key(|change| {
        let bare = change
            .offers
            .first()
            .is_some_and(|offer| offer.accelerator.is_none());
        let order = match change.what {
            What::Gone => 0,
            What::Price { .. } => 1,
            What::NotSold { .. } => 2,
            What::Sold { .. } => 3,
            What::New => 4,
        };
        let moved = change.what.percent().map_or(Decimal::ZERO, |p| p.abs());
        (bare, order, std::cmp::Reverse(moved))
    });
    changes
}

impl std::fmt::Display for Change<'_> {
    /// `nebius m (H100:8): $20.00/h -> $25.00/h on demand, +25 %, in eu-north1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(first) = self.offers.first() else {
            return Ok(());
        };
        f.write_str(&first.provider)?;
        if let Some(instance) = &first.instance_type {
            write!(f, " {instance}")?;
        }
        if let Some((name, count)) = &first.accelerator {
            write!(f, " ({name}:{count})")?;
        }
        match self.what {
            What::Gone => f.write_str(": gone")?,
            What::New => {
                f.write_str(": new")?;
                let cheapest = self.offers.iter().filter_map(|offer| offer.on_demand).min();
                if let Some(price) = cheapest {
                    write!(f, ", from {price}")?;
                }
            }
            What::Price { kind, was, now } => {
                write!(f, ": {was} -> {now} {kind}")?;
                if let Some(percent) = self.what.percent() {
                    let sign = if percent.is_sign_positive() { "+" } else { "" };
                    write!(f, ", {sign}{} %", percent.normalize())?;
                }
            }
            What::NotSold { kind, was } => write!(f, ": no longer sold {kind}, was {was}")?,
            What::Sold { kind, now } => write!(f, ": now sold {kind} too, {now}")?,
        }
        let places: BTreeSet<String> = self
            .offers
            .iter()
            .filter_map(|offer| match (&offer.region, &offer.zone) {
                (Some(region), Some(zone)) if !zone.starts_with(&**region) => {
                    Some(format!("{region}/{zone}"))
                }
                (_, Some(zone)) => Some(zone.to_string()),
                (Some(region), None) => Some(region.to_string()),
                (None, None) => None,
            })
            .collect();
        let named: Vec<&str> = places
            .iter()
            .take(MOST_PLACES)
            .map(String::as_str)
            .collect();
        if !named.is_empty() {
            write!(f, ", in {}", named.join(", "))?;
        }
        if places.len() > MOST_PLACES {
            write!(f, " and {} more places", places.len() - MOST_PLACES)?;
        }
        Ok(())
    }
}
