//! What changed between two readings.

use causeway_domain::UsdPerHour;
use causeway_market::{Market, Offer, PriceKind, What, diff};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::arbitrary::offer;

fn lines(before: &[Offer], after: &[Offer]) -> String {
    let lines: Vec<String> = diff(before, after)
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.join("\n")
}

#[test]
fn a_reading_is_told_in_lines() {
    let market = Market::builtin().unwrap();
    let before: Vec<Offer> = market.offers().cloned().collect();
    assert_eq!(lines(&before, &before), "");
    let mut after = before.clone();
    for offer in &mut after {
        match offer.instance_type.as_deref() {
            Some("gpu-h200-sxm_8gpu-128vcpu-1600gb") => {
                offer.on_demand = Some(UsdPerHour::new(Decimal::new(315, 1)));
            }
            Some("gpu-h100-sxm_8gpu-128vcpu-1600gb") => {
                offer.spot = None;
                offer.on_demand = offer
                    .on_demand
                    .map(|price| UsdPerHour::new(price.get() / Decimal::TWO));
            }
            Some("cpu-d3_4vcpu-16gb") => offer.on_demand = Some(UsdPerHour::new(1)),
            Some("2B300.60V") => offer.on_demand = Some(UsdPerHour::new(14)),
            _ => {}
        }
    }
    after.retain(|offer| {
        &*offer.provider != "hyperstack" || offer.region.as_deref() != Some("US-1")
    });
    let mut new = before[0].clone();
    new.region = Some("NORWAY-2".into());
    after.push(new);
    insta::assert_snapshot!(lines(&before, &after), @r"
    hyperstack n3-H100-SXM5x8 (H100-80G-SXM5:8): gone, in US-1
    nebius gpu-h100-sxm_8gpu-128vcpu-1600gb (H100:8): $23.60/h -> $11.80/h on demand, -50 %, in eu-north1
    nebius gpu-h200-sxm_8gpu-128vcpu-1600gb (H200:8): $28.00/h -> $31.50/h on demand, +12.5 %, in eu-north1, eu-west1, us-central1
    nebius gpu-h100-sxm_8gpu-128vcpu-1600gb (H100:8): no longer sold spot, was $10.00/h, in eu-north1
    verda 2B300.60V (B300:2): now sold on demand too, $14.00/h, in FIN-03
    hyperstack n3-A100x1 (A100-80G-PCIe:1): new, from $1.35/h, in NORWAY-2
    nebius cpu-d3_4vcpu-16gb: $0.10/h -> $1.00/h on demand, +908.1 %, in eu-north1, eu-west1, us-central1
    ");
}

#[test]
fn a_price_that_was_nothing_has_no_percent() {
    let price = |usd: i64| UsdPerHour::new(usd);
    let what = |was, now| What::Price {
        kind: PriceKind::Spot,
        was,
        now,
    };
    assert_eq!(what(price(0), price(1)).percent(), None);
    assert_eq!(
        what(price(3), price(2)).percent(),
        Some(Decimal::new(-333, 1))
    );
}

proptest! {
    /// Every offer is accounted for: what is not gone is there before and after.
    #[test]
    fn gone_and_new_add_up(
        before in prop::collection::vec(offer(), 0..20),
        after in prop::collection::vec(offer(), 0..20),
    ) {
        let count = |wanted: What| -> usize {
            diff(&before, &after)
                .iter()
                .filter(|change| change.what == wanted)
                .map(|change| change.offers.len())
                .sum()
        };
        prop_assert_eq!(before.len() + count(What::New), after.len() + count(What::Gone));
        prop_assert_eq!(diff(&after, &after), []);
        let back: usize = diff(&after, &before)
            .iter()
            .filter(|change| change.what == What::New)
            .map(|change| change.offers.len())
            .sum();
        prop_assert_eq!(back, count(What::Gone));
    }
}
