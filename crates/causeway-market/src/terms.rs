//! On what terms a machine can be had, and what an owner's hour is added up from.

use std::sync::Arc;

use causeway_domain::{Hours, Source, Usd, UsdPerHour, UsdPerKilowattHour, Watts};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::PriceKind;

/// Hours of a month: 24 x 365 / 12.
pub(crate) const HOURS_A_MONTH: u32 = 730;

/// A way to have a machine. Prices are per machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// By the hour, kept until given back.
    OnDemand(UsdPerHour),
    /// By the hour, may be taken away at any time.
    Spot(UsdPerHour),
    /// Held for a fixed time and paid for all of it, used or not.
    Reserved {
        /// For how long.
        months: u32,
        /// Paid once, at the start.
        upfront: Usd,
        /// Paid for each hour of those months, used or not.
        hourly: UsdPerHour,
    },
    /// By the hour at a lower price, for a promise to use a least amount.
    Committed {
        /// For how long.
        months: u32,
        /// Paid for each hour used.
        hourly: UsdPerHour,
        /// What is paid in any case.
        least: Least,
    },
}

/// The least that a commitment is billed for, over all its months.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Least {
    /// At least this much money.
    Spend(Usd),
    /// At least this many hours of a machine.
    Hours(Hours),
}

impl Term {
    /// What a machine costs in all when it is used for so many hours on end.
    ///
    /// On demand and spot: price x hours. Reserved: upfront + price x 730 h x months, whatever is used. Committed: price x
    /// hours, and never less than the promise. A use that is longer than the term takes as many terms as it needs.
    #[must_use]
    pub fn cost(&self, used: Hours) -> Usd {
        match *self {
            Self::OnDemand(hourly) | Self::Spot(hourly) => hourly * used,
            Self::Reserved {
                months,
                upfront,
                hourly,
            } => {
                let one = upfront
                    .get()
                    .saturating_add(hourly.get().saturating_mul(hours_of(months)));
                Usd::new(one.saturating_mul(terms_for(used, months)))
            }
            Self::Committed {
                months,
                hourly,
                least,
            } => {
                let by_use = hourly * used;
                let floor = match least {
                    Least::Spend(money) => money,
                    Least::Hours(hours) => hourly * hours,
                };
                let floor = floor.get().saturating_mul(terms_for(used, months));
                by_use.max(Usd::new(floor))
            }
        }
    }

    /// How a machine is paid on these terms.
    #[must_use]
    pub const fn kind(&self) -> PriceKind {
        match *self {
            Self::OnDemand(_) => PriceKind::OnDemand,
            Self::Spot(_) => PriceKind::Spot,
            Self::Reserved { months, .. } => PriceKind::Reserved { months },
            Self::Committed { months, .. } => PriceKind::Committed { months },
        }
    }

    /// Price of an hour when every hour of the term is used: the lowest that the term can come to.
    #[must_use]
    pub fn hourly_at_full_use(&self) -> UsdPerHour {
        match *self {
            Self::OnDemand(hourly) | Self::Spot(hourly) => hourly,
            Self::Reserved {
                months,
                upfront,
                hourly,
            } => UsdPerHour::new(
                upfront
                    .get()
                    .checked_div(hours_of(months))
                    .and_then(|share| share.checked_add(hourly.get()))
                    .unwrap_or(Decimal::MAX)
                    .round_dp(6),
            ),
            Self::Committed {
                months,
                hourly,
                least: Least::Spend(money),
            } => {
                let floor = money
                    .get()
                    .checked_div(hours_of(months))
                    .unwrap_or(Decimal::MAX)
                    .round_dp(6);
                UsdPerHour::new(floor.max(hourly.get()))
            }
            Self::Committed { hourly, .. } => hourly,
        }
    }
}

fn hours_of(months: u32) -> Decimal {
    Decimal::from(u64::from(months) * u64::from(HOURS_A_MONTH))
}

/// `1 month`, `12 months`.
pub(crate) fn in_months(months: u32) -> String {
    format!("{months} month{}", if months == 1 { "" } else { "s" })
}

/// How many terms a use takes: one at least.
fn terms_for(used: Hours, months: u32) -> Decimal {
    Decimal::from_f64_retain(used.get())
        .and_then(|used| used.checked_div(hours_of(months)))
        .unwrap_or(Decimal::ONE)
        .ceil()
        .max(Decimal::ONE)
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnDemand(hourly) => write!(f, "{hourly} on demand"),
            Self::Spot(hourly) => write!(f, "{hourly} spot"),
            Self::Reserved {
                months,
                upfront,
                hourly,
            } => {
                write!(f, "reserved for {}: ", in_months(*months))?;
                if upfront.get().is_zero() {
                    write!(f, "{hourly}")
                } else {
                    write!(f, "{upfront} upfront and {hourly}")
                }
            }
            Self::Committed {
                months,
                hourly,
                least: Least::Spend(money),
            } => write!(
                f,
                "{hourly} for a promise to spend {money} in {}",
                in_months(*months)
            ),
            Self::Committed {
                months,
                hourly,
                least: Least::Hours(hours),
            } => write!(
                f,
                "{hourly} for a promise to pay {} h in {}",
                hours.get(),
                in_months(*months)
            ),
        }
    }
}

/// Whether a price is a rent, or what an owner's hour costs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// Somebody else's machine at a price.
    #[default]
    Rented,
    /// A machine of one's own: what it is added up from.
    Owned(Arc<OwnedCost>),
}

/// A figure with who says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The figure.
    pub value: T,
    /// Who says it, on what evidence, when.
    pub source: Source,
}

/// The parts of an owner's hour, per machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnedCost {
    /// What the machine cost, with its share of switches, racks and cables.
    pub hardware: Sourced<Usd>,
    /// Over how many months it is written off.
    pub months_of_use: Sourced<u32>,
    /// What it draws at the plug under load.
    pub power: Sourced<Watts>,
    /// What power costs there.
    pub price_of_power: Sourced<UsdPerKilowattHour>,
    /// Power of the whole site over power of its machines; 1 or more.
    pub pue: Sourced<Decimal>,
    /// People, space and repairs, per machine.
    pub staff: Sourced<UsdPerHour>,
}

impl OwnedCost {
    /// Hardware, spread over every hour of its use: price / (months x 730 h).
    #[must_use]
    pub fn hardware_hour(&self) -> UsdPerHour {
        let hours = hours_of(self.months_of_use.value);
        UsdPerHour::new(
            self.hardware
                .value
                .get()
                .checked_div(hours)
                .unwrap_or(Decimal::MAX)
                .round_dp(6),
        )
    }

    /// Power: kW x price x PUE.
    #[must_use]
    pub fn power_hour(&self) -> UsdPerHour {
        let kilowatts = Decimal::from_f64_retain(self.power.value.get() / 1000.0);
        let cost = kilowatts
            .and_then(|kw| kw.checked_mul(self.price_of_power.value.get()))
            .and_then(|cost| cost.checked_mul(self.pue.value));
        UsdPerHour::new(cost.unwrap_or(Decimal::MAX).round_dp(6))
    }

    /// What an hour of the machine costs its owner, used or not.
    #[must_use]
    pub fn hourly(&self) -> UsdPerHour {
        let sum = self
            .hardware_hour()
            .get()
            .saturating_add(self.power_hour().get())
            .saturating_add(self.staff.value.get());
        UsdPerHour::new(sum.normalize())
    }

    /// The arithmetic, a line a part, each with its source, and the sum.
    #[must_use]
    pub fn arithmetic(&self) -> Vec<String> {
        let exact = |price: UsdPerHour| format!("${}/h", price.get().round_dp(4).normalize());
        vec![
            format!(
                "hardware {} / ({} months x {HOURS_A_MONTH} h) = {} ({}; {})",
                self.hardware.value,
                self.months_of_use.value,
                exact(self.hardware_hour()),
                self.hardware.source,
                self.months_of_use.source
            ),
            format!(
                "power {} x ${}/kWh x PUE {} = {} ({}; {}; {})",
                self.power.value,
                self.price_of_power.value.get().normalize(),
                self.pue.value.normalize(),
                exact(self.power_hour()),
                self.power.source,
                self.price_of_power.source,
                self.pue.source
            ),
            format!("staff {} ({})", exact(self.staff.value), self.staff.source),
            format!("together {}", exact(self.hourly())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn hour(text: &str) -> UsdPerHour {
        text.parse().unwrap()
    }

    #[test]
    fn a_reservation_is_paid_used_or_not_and_a_promise_has_a_floor() {
        let reserved = Term::Reserved {
            months: 12,
            upfront: usd("8760"),
            hourly: hour("1"),
        };
        assert_eq!(reserved.cost(Hours::new(1.0)), usd("17520"));
        assert_eq!(
            reserved.cost(Hours::new(8760.5)),
            usd("35040"),
            "a second year"
        );
        assert_eq!(reserved.hourly_at_full_use(), hour("2"));
        assert_eq!(
            reserved.to_string(),
            "reserved for 12 months: $8760.00 upfront and $1.00/h"
        );
        let promise = Term::Committed {
            months: 1,
            hourly: hour("2"),
            least: Least::Hours(Hours::new(100.0)),
        };
        assert_eq!(promise.cost(Hours::new(10.0)), usd("200"));
        assert_eq!(promise.cost(Hours::new(150.0)), usd("300"));
        let money = Term::Committed {
            months: 1,
            hourly: hour("2"),
            least: Least::Spend(usd("7300")),
        };
        assert_eq!(money.hourly_at_full_use(), hour("10"));
        assert_eq!(
            Term::Reserved {
                months: 0,
                upfront: usd("1"),
                hourly: hour("1")
            }
            .hourly_at_full_use()
            .get(),
            Decimal::MAX,
            "no division by nothing"
        );
    }

    #[test]
    fn an_owners_hour_is_added_up_in_the_open() {
        fn by<T>(value: T, by: &str) -> Sourced<T> {
            Sourced {
                value,
                source: Source::named(by),
            }
        }
        let cost = OwnedCost {
            hardware: by(usd("292000"), "invoice 7"),
            months_of_use: by(40, "board minutes"),
            power: by(Watts::new(10_000.0), "meter"),
            price_of_power: by("0.12".parse().unwrap(), "contract"),
            pue: by(Decimal::new(125, 2), "meter"),
            staff: by(hour("0.5"), "payroll"),
        };
        assert_eq!(cost.hourly(), hour("12"));
        insta::assert_snapshot!(cost.arithmetic().join("\n"), @r"
        hardware $292000.00 / (40 months x 730 h) = $10/h (invoice 7; board minutes)
        power 10 kW x $0.12/kWh x PUE 1.25 = $1.5/h (meter; contract; meter)
        staff $0.5/h (payroll)
        together $12/h
        ");
    }
}
