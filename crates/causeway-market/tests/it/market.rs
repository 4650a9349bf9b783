//! What holds for every market and every request.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use causeway_market::{Market, Match, Offer, OfferSource};
use proptest::prelude::*;

use crate::arbitrary::{offer, request};

static EMPTY: LazyLock<Market> = LazyLock::new(|| Market::empty().unwrap());

fn with(offers: &[Offer]) -> Market {
    EMPTY.clone().with_offers(offers.iter().cloned())
}

/// A match without its place in memory, to be compared across markets.
fn words(found: &Match<'_>) -> String {
    format!("{:?} {:?}", found, found.accelerator.map(|part| &part.name))
}

fn sorted(matches: &[Match<'_>]) -> Vec<String> {
    let mut all: Vec<String> = matches.iter().map(words).collect();
    all.sort();
    all
}

proptest! {
    /// Nothing is decided for a kind of machine that is not true of each offer: held against markets of one offer.
    #[test]
    fn an_offer_is_judged_among_others_as_alone(
        offers in prop::collection::vec(offer(), 0..24),
        request in request(),
    ) {
        let market = with(&offers);
        let together = sorted(&market.matching(&request));
        let mut alone = Vec::new();
        for offer in &offers {
            alone.extend(with(std::slice::from_ref(offer)).matching(&request).iter().map(words));
        }
        alone.sort();
        prop_assert_eq!(together, alone);
    }

    /// Answers come first, then preference and price; and shelves are no matter.
    #[test]
    fn the_order_is_by_shortfalls_preference_and_price(
        offers in prop::collection::vec(offer(), 0..24),
        cut in 0usize..24,
        request in request(),
    ) {
        let market = with(&offers);
        let matches = market.matching(&request);
        for pair in matches.windows(2) {
            let key = |found: &Match<'_>| (found.shortfalls.len(), found.preference);
            prop_assert!(key(&pair[0]) <= key(&pair[1]));
            if key(&pair[0]) == key(&pair[1]) {
                match (pair[0].price, pair[1].price) {
                    (Some(a), Some(b)) => prop_assert!(a <= b),
                    (None, Some(_)) => prop_assert!(false, "an unknown price before a known one"),
                    _ => {}
                }
            }
        }
        let cut = cut.min(offers.len());
        let shelves = with(&offers[..cut]).with_offers(offers[cut..].iter().cloned());
        let again: Vec<String> = shelves.matching(&request).iter().map(words).collect();
        let matches: Vec<String> = matches.iter().map(words).collect();
        prop_assert_eq!(again, matches);
    }

    #[test]
    fn groups_hold_exactly_what_matches(
        offers in prop::collection::vec(offer(), 0..30),
        cut in 0usize..30,
        request in request(),
    ) {
        let cut = cut.min(offers.len());
        let market = with(&offers[..cut]).with_offers(offers[cut..].iter().cloned());
        let groups = market.grouped(&request);
        let flat: Vec<Match<'_>> = groups.iter().flat_map(|group| group.matches.clone()).collect();
        prop_assert_eq!(sorted(&flat), sorted(&market.matching(&request)));
        // What a group's members have in common, spelt out here a second time.
        let key = |found: &Match<'_>| {
            let offer = found.offer;
            let part = found.accelerator.map_or_else(
                || offer.accelerator.as_ref().map(|(name, _)| name.to_lowercase()),
                |part| Some(part.name.clone()),
            );
            let shortfalls: Vec<String> = found.shortfalls.iter().map(|short| {
                let text = format!("{short:?}");
                if text.starts_with("Price") { "Price".to_owned() } else { text }
            }).collect();
            format!("{:?}", (
                (&offer.provider, &offer.source, offer.country.known(), part, offer.accelerator.as_ref().map(|(_, n)| *n)),
                (offer.memory, offer.quota, offer.scale_out, found.kind, found.preference, &offer.terms),
                offer.region.as_deref().map(str::to_lowercase),
                (shortfalls, &found.doubts),
            ))
        };
        let mut by_key: BTreeMap<String, usize> = BTreeMap::new();
        for (at, group) in groups.iter().enumerate() {
            prop_assert!(!group.matches.is_empty());
            let first = key(group.cheapest().unwrap());
            prop_assert!(group.matches.iter().all(|found| key(found) == first));
            prop_assert_eq!(by_key.insert(first, at), None, "two groups alike");
            for pair in group.matches.windows(2) {
                prop_assert!(pair[1].price.is_none() || pair[0].price <= pair[1].price);
            }
        }
    }
}

#[test]
fn a_list_replaces_its_cloud_and_nothing_else() {
    let builtin = Market::builtin().unwrap();
    let nebius = || {
        builtin
            .offers()
            .filter(|offer| &*offer.provider == "nebius")
    };
    let one: Offer = nebius().next().unwrap().clone();
    let own = Offer {
        source: OfferSource::File,
        ..one.clone()
    };
    let market = builtin
        .clone()
        .with_offers([own])
        .with_list("Nebius", [one]);
    assert_eq!(market.len(), builtin.len() - nebius().count() + 2);
    let mixed = EMPTY.clone().with_offers(builtin.offers().cloned());
    assert_eq!(mixed.with_list("nebius", []).len(), 25 + 33);
}

#[test]
fn a_copy_shares_what_it_holds() {
    let market = Market::builtin().unwrap();
    let own: OnceLock<Market> = OnceLock::new();
    let first = market.offers().next().unwrap().clone();
    let more = own.get_or_init(|| market.clone().with_offers([first]));
    assert!(std::ptr::eq(
        market.offers().next().unwrap(),
        more.offers().next().unwrap()
    ));
    assert_eq!(more.len(), market.len() + 1);
}
