//! Money: exact decimals, rounded once.

use causeway_domain::{Bytes, Fact, Hours, Source, Usd};
use causeway_market::Term;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Interval, Rates};

/// What a run costs, part by part. A part without a price is unknown, never nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// Nodes, on their terms.
    pub nodes: Fact<Interval<Usd>>,
    /// Two checkpoints, kept while the run lasts: the newest, and the one that is being written.
    pub storage: Fact<Interval<Usd>>,
    /// The last checkpoint's way home.
    pub egress: Fact<Usd>,
    /// People who watch the run.
    pub people: Fact<Interval<Usd>>,
}

/// Hours of the month by which storage is billed.
const MONTH: f64 = 730.0;
/// Bytes of a decimal gigabyte.
const GIGABYTE: u64 = 1_000_000_000;

impl Bill {
    /// Of `nodes` nodes on a term over a time, with checkpoints of a size.
    pub(crate) fn of(
        nodes: u32,
        term: Option<&Term>,
        rates: &Rates,
        hours: &Fact<Interval<Hours>>,
        checkpoint: Bytes,
    ) -> Self {
        let over = |amount: &dyn Fn(Interval<Hours>) -> Interval<Usd>| hours.clone().map(amount);
        let storage = |hours: Hours, price: Usd| {
            let months = Decimal::from_f64_retain(hours.get() / MONTH);
            product(per_gigabyte(price, checkpoint, 2), months)
        };
        Self {
            nodes: match term {
                Some(term) => over(&|hours| hours.map(|hours| of_nodes(term, nodes, hours))),
                None => Fact::unknown("the offer states no price"),
            },
            storage: match rates.storage_gb_month {
                Some(price) => over(&|hours| hours.map(|hours| storage(hours, price))),
                None => Fact::unknown("no price of storage is stated"),
            },
            egress: match rates.egress_gb {
                Some(price) => Fact::Known(
                    per_gigabyte(price, checkpoint, 1),
                    Source {
                        by: "the price of egress".to_owned(),
                        evidence: Some(format!("{price} a GB x {checkpoint}")),
                        on: None,
                    },
                ),
                None => Fact::unknown("no price of egress is stated"),
            },
            people: match rates.people {
                Some(pay) => over(&|hours| Interval {
                    low: pay.low * hours.low,
                    mid: pay.mid * hours.mid,
                    high: pay.high * hours.high,
                }),
                None => Fact::unknown("nobody is said to watch it, or their pay is not known"),
            },
        }
    }

    /// The nodes, and what is known of the rest; unknown where the nodes are.
    #[must_use]
    pub fn sum(&self) -> Fact<Interval<Usd>> {
        let storage = self.storage.known().copied();
        let people = self.people.known().copied();
        let egress = self.egress.known().copied().map(Interval::exact);
        self.nodes.clone().map(|nodes| {
            let beside = [storage, egress, people];
            beside
                .into_iter()
                .flatten()
                .fold(nodes, |sum, part| Interval {
                    low: sum.low + part.low,
                    mid: sum.mid + part.mid,
                    high: sum.high + part.high,
                })
        })
    }

    /// The parts with what is expected of each, where that is known.
    fn parts(&self) -> [(&'static str, Option<Usd>); 4] {
        let mid = |part: &Fact<Interval<Usd>>| part.known().map(|part| part.mid);
        [
            ("machines", mid(&self.nodes)),
            ("storage", mid(&self.storage)),
            ("egress", self.egress.known().copied()),
            ("people", mid(&self.people)),
        ]
    }

    /// Names of the parts that are unknown.
    #[must_use]
    pub fn unknown(&self) -> Vec<&'static str> {
        let unknown =
            |(name, amount): (&'static str, Option<Usd>)| amount.is_none().then_some(name);
        self.parts().into_iter().filter_map(unknown).collect()
    }
}

impl std::fmt::Display for Bill {
    /// `machines $10.00, egress $1.00; not counted: storage, people`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = |(name, amount): (&str, Option<Usd>)| Some(format!("{name} {}", amount?));
        let known: Vec<String> = self.parts().into_iter().filter_map(known).collect();
        let unknown = self.unknown();
        f.write_str(&known.join(", "))?;
        if unknown.is_empty() {
            return Ok(());
        }
        let and = if known.is_empty() { "" } else { "; " };
        write!(f, "{and}not counted: {}", unknown.join(", "))
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

/// What nodes cost over a time, each on the same terms. Stops at the largest amount.
fn of_nodes(term: &Term, nodes: u32, hours: Hours) -> Usd {
    product(term.cost(hours), Some(Decimal::from(nodes)))
}

#[cfg(test)]
mod tests {
    use causeway_domain::UsdPerHour;
    use proptest::prelude::*;

    use super::*;

    fn cost(price: UsdPerHour, nodes: u32, hours: Hours) -> Usd {
        of_nodes(&Term::OnDemand(price), nodes, hours)
    }

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

    #[test]
    fn an_amount_beyond_all_bounds_stops_there() {
        let hours = Fact::stated(Interval::exact(Hours::new(1e30)), "test");
        let rates = Rates {
            egress_gb: Some(Usd::new(Decimal::MAX)),
            ..Rates::default()
        };
        let term = Term::OnDemand(UsdPerHour::new(Decimal::MAX));
        let bill = Bill::of(2, Some(&term), &rates, &hours, Bytes::new(u64::MAX));
        assert_eq!(bill.sum().known().unwrap().mid.get(), Decimal::MAX);
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
