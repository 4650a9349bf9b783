//! Money: exact decimals, rounded once.

use causeway_domain::{Bytes, Fact, Hours, Usd, UsdPerHour};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Fleet, Interval};

/// What a run costs, part by part. A part without a price is unknown, and so is the sum then.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// Nodes.
    pub nodes: Fact<Interval<Usd>>,
    /// Two checkpoints, kept while the run lasts: the newest, and the one that is being written.
    pub storage: Fact<Interval<Usd>>,
    /// The weights' way home.
    pub egress: Fact<Usd>,
    /// People who watch the run.
    pub people: Fact<Interval<Usd>>,
}

/// Hours of the month by which storage is billed.
const MONTH: f64 = 730.0;
/// Bytes of a decimal gigabyte.
const GIGABYTE: u64 = 1_000_000_000;

impl Bill {
    pub(crate) fn of(
        fleet: &Fleet<'_>,
        hours: &Fact<Interval<Hours>>,
        checkpoint: Bytes,
        weights: Bytes,
    ) -> Self {
        let over =
            |price: Option<Usd>, silent: &str, amount: &dyn Fn(Usd, Hours) -> Usd| match price {
                Some(price) => hours
                    .clone()
                    .map(|hours| hours.map(|hours| amount(price, hours))),
                None => Fact::unknown(silent),
            };
        let hourly = |price: UsdPerHour, nodes: u32, silent: &str| {
            over(Some(Usd::new(price.get())), silent, &|_, hours| {
                cost(price, nodes, hours)
            })
        };
        Self {
            nodes: fleet.price_per_node_hour.map_or_else(
                || Fact::unknown("the offer states no price"),
                |price| hourly(price, fleet.nodes, ""),
            ),
            storage: over(
                fleet.rates.storage_gb_month,
                "no price of storage is stated",
                &|price, hours| {
                    let months = Decimal::from_f64_retain(hours.get() / MONTH);
                    product(per_gigabyte(price, checkpoint, 2), months)
                },
            ),
            egress: fleet.rates.egress_gb.map_or_else(
                || Fact::unknown("no price of egress is stated"),
                |price| {
                    Fact::stated(
                        per_gigabyte(price, weights, 1),
                        "weights times the price of egress",
                    )
                },
            ),
            people: fleet.rates.people.map_or_else(
                || Fact::unknown("no wage is stated"),
                |wage| hourly(wage, 1, ""),
            ),
        }
    }

    /// Names of the parts that are unknown.
    #[must_use]
    pub fn unknown(&self) -> Vec<&'static str> {
        [
            ("nodes", self.nodes.is_known()),
            ("storage", self.storage.is_known()),
            ("egress", self.egress.is_known()),
            ("people", self.people.is_known()),
        ]
        .into_iter()
        .filter(|(_, known)| !known)
        .map(|(name, _)| name)
        .collect()
    }
}

fn per_gigabyte(price: Usd, bytes: Bytes, copies: u32) -> Usd {
    let gigabytes = Decimal::from(bytes.get()) / Decimal::from(GIGABYTE);
    product(price, gigabytes.checked_mul(Decimal::from(copies)))
}

/// Rounded to a millionth of a dollar; stops at the largest amount.
fn product(price: Usd, factor: Option<Decimal>) -> Usd {
    let amount = factor.and_then(|factor| price.get().checked_mul(factor));
    Usd::new(amount.unwrap_or(Decimal::MAX).round_dp(6))
}

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
