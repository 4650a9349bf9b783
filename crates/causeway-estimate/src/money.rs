//! Money: exact decimals, rounded once.

use causeway_domain::{Hours, Usd, UsdPerHour};
use rust_decimal::Decimal;

/// What nodes cost over a time: price of a node, times nodes, times hours, rounded to a millionth of a dollar.
///
/// Excludes storage, egress and people. Stops at the largest amount.
#[must_use]
pub fn cost(price_per_node_hour: UsdPerHour, nodes: u32, hours: Hours) -> Usd {
    let hours = Decimal::from_f64_retain(hours.get()).unwrap_or(Decimal::MAX);
    let amount = price_per_node_hour
        .get()
        .checked_mul(Decimal::from(nodes))
        .and_then(|rate| rate.checked_mul(hours));
    Usd::new(amount.unwrap_or(Decimal::MAX).round_dp(6))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cents_do_not_drift() {
        let price: UsdPerHour = "2.29".parse().unwrap();
        assert_eq!(cost(price, 3, Hours::new(10.0)).get(), Decimal::new(687, 1));
        assert_eq!(cost(price, 0, Hours::new(10.0)), Usd::default());
        // A tenth of an hour has no exact binary form; the bill is exact all the same.
        assert_eq!(
            cost("0.10".parse().unwrap(), 1, Hours::new(0.1)).get(),
            Decimal::new(1, 2)
        );
        assert_eq!(
            cost(UsdPerHour::new(Decimal::MAX), 2, Hours::new(1e30)).get(),
            Decimal::MAX
        );
    }

    proptest! {
        #[test]
        fn whole_hours_are_exact(micros in 0u64..1_000_000_000, nodes in 0u32..10_000, hours in 0u32..100_000) {
            let price = Decimal::new(i64::try_from(micros).unwrap(), 6);
            let exact = price * Decimal::from(nodes) * Decimal::from(hours);
            prop_assert_eq!(cost(UsdPerHour::new(price), nodes, Hours::new(f64::from(hours))).get(), exact);
        }
    }
}
