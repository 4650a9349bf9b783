//! The five factors of a place, each 0 to 100, with the facts and the arithmetic it comes from.
//!
//! A first reading, meant to be followed by hand; what is unknown widens the interval and never lowers the score.

use std::collections::BTreeSet;

use causeway_domain::organisation::Weights;
use causeway_domain::{Hours, Usd};
use causeway_estimate::Interval;
use causeway_law::Outcome;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

/// One factor of a place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factor {
    /// 0 (worst) to 100 (best).
    pub score: f64,
    /// Lowest value that unknown facts and errors of estimates leave possible.
    pub low: f64,
    /// Highest value that they leave possible.
    pub high: f64,
    /// The facts and the arithmetic, a line each.
    pub because: Vec<String>,
}

impl Factor {
    fn known(score: f64, because: String) -> Self {
        let score = score.clamp(0.0, 100.0);
        Self {
            score,
            low: score,
            high: score,
            because: vec![because],
        }
    }

    pub(crate) fn open(because: String) -> Self {
        Self {
            score: 50.0,
            low: 0.0,
            high: 100.0,
            because: vec![because],
        }
    }

    /// How much of the scale the interval takes, 0 to 1.
    #[must_use]
    pub fn doubt(&self) -> f64 {
        (self.high - self.low) / 100.0
    }

    /// Whether a reader should be told that the score is not the whole truth: the interval takes a tenth of the scale.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.doubt() > 0.1
    }
}

/// The factors of mission.md, in its order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factors {
    /// Can the run be done there in reasonable time?
    pub hardware: Factor,
    /// What does it cost?
    pub cost: Factor,
    /// What happens when the rules move?
    pub risk: Factor,
    /// Are the people there?
    pub talent: Factor,
    /// Is the data safe and may it be there?
    pub data: Factor,
}

impl Factors {
    /// The factors with their names, in order.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &Factor); 5] {
        [
            ("hardware", &self.hardware),
            ("cost", &self.cost),
            ("risk", &self.risk),
            ("talent", &self.talent),
            ("data", &self.data),
        ]
    }

    /// The weighted mean, 0 to 100; equal weights when all are zero.
    #[must_use]
    pub fn total(&self, weights: &Weights) -> f64 {
        let weights = [
            weights.hardware,
            weights.cost,
            weights.risk,
            weights.talent,
            weights.data,
        ];
        let sum: f64 = weights.iter().sum();
        let share = |weight: f64| if sum > 0.0 { weight / sum } else { 0.2 };
        self.named()
            .iter()
            .zip(weights)
            .map(|((_, factor), weight)| factor.score * share(weight))
            .sum()
    }
}

/// The best amount over the one here, times 100, each four times in five within its interval. Estimates for one part err
/// alike, so their ratio is exact; others err each for itself: the widths of their logarithms add as squares.
fn share(best: Interval<f64>, here: Interval<f64>, alike: bool, arithmetic: String) -> Factor {
    let mut factor = Factor::known(100.0 * best.mid / here.mid, arithmetic);
    if alike {
        factor
            .because
            .push("estimates for one part err alike: the share is exact".to_owned());
        return factor;
    }
    let wide = |up: f64, down: f64| {
        let width = |ratio: f64| if ratio > 0.0 { ratio.ln() } else { 0.0 };
        width(up).hypot(width(down)).exp()
    };
    let middle = 100.0 * best.mid / here.mid;
    let below = wide(best.mid / best.low, here.high / here.mid);
    let above = wide(best.high / best.mid, here.mid / here.low);
    let within = |score: f64| {
        if score.is_nan() {
            0.0
        } else {
            score.clamp(0.0, 100.0)
        }
    };
    factor.low = within(middle / below);
    factor.high = within(middle * above);
    if below > 1.0 || above > 1.0 {
        factor.because.push(format!(
            "four times in five {:.0} to {:.0}: the two estimates err each for itself",
            factor.low, factor.high
        ));
    }
    factor
}

/// Hardware access: the fastest feasible place has 100, another the same share of its speed. `alike`: on the same part.
#[must_use]
pub(crate) fn hardware(
    hours: Option<Interval<Hours>>,
    best: Option<Interval<Hours>>,
    alike: bool,
    why_unknown: &str,
) -> Factor {
    match (hours, best) {
        (Some(hours), Some(best)) if hours.mid.get() > 0.0 => share(
            best.map(Hours::get),
            hours.map(Hours::get),
            alike,
            format!(
                "{} at the fastest place / {} here x 100",
                best.mid, hours.mid
            ),
        ),
        _ => Factor::open(format!("time unknown: {why_unknown}")),
    }
}

/// Operating cost: the cheapest feasible place has 100, another the same share of its price. `alike`: on the same part, and
/// both paid by the hour.
#[must_use]
pub(crate) fn cost(
    cost: Option<Interval<Usd>>,
    best: Option<Interval<Usd>>,
    alike: bool,
    why_unknown: &str,
) -> Factor {
    let amounts = |cost: Interval<Usd>| cost.map(|cost| cost.get().to_f64().unwrap_or(f64::MAX));
    match (cost, best) {
        (Some(cost), _) if cost.mid.get().is_zero() => {
            Factor::known(100.0, "costs nothing".to_owned())
        }
        (Some(cost), Some(best)) => share(
            amounts(best),
            amounts(cost),
            alike,
            format!(
                "{} at the cheapest place / {} here x 100",
                best.mid, cost.mid
            ),
        ),
        _ => Factor::open(format!("cost unknown: {why_unknown}")),
    }
}

/// Geopolitical risk, from three judgements of the same plan: today, with every rule that stands in the books applied,
/// and with every pending bill passed.
#[must_use]
pub(crate) fn risk(today: Outcome, books: Outcome, bills: Outcome) -> Factor {
    let base = |outcome: Outcome| match outcome {
        Outcome::Allow => 100.0,
        Outcome::NeedsReview => 60.0,
        Outcome::LicenseRequired => 30.0,
        Outcome::Prohibited => 0.0,
    };
    let (now, on_books, after) = (base(today), base(books), base(bills));
    let mut factor = Factor::known(
        0.5 * now + 0.25 * on_books + 0.25 * after,
        format!(
            "0.5 x {now} today + 0.25 x {on_books} as the books read + 0.25 x {after} if every pending bill passed"
        ),
    );
    if today == Outcome::NeedsReview {
        factor.low = 0.25 * on_books.min(after);
        factor.high = 100.0;
        factor
            .because
            .push("facts are open: the interval is what their values would give".to_owned());
    }
    factor
}

/// What the data factor looks at.
#[derive(Debug, Clone, Default)]
pub(crate) struct DataFacts {
    /// Datasets that would leave the country where they are, by name.
    pub(crate) moved: Vec<String>,
    /// Those of them that hold personal or otherwise ruled data, or of which nobody says.
    pub(crate) sensitive: Vec<String>,
    /// What the law asks of sending them: outcome and deciding rules, a transfer each, where that is not an allow.
    pub(crate) mechanisms: Vec<(Outcome, String)>,
    /// What an allowed transfer obliges to.
    pub(crate) obligations: BTreeSet<String>,
    /// Whether the site's disks are encrypted.
    pub(crate) encrypted: Option<bool>,
    /// Whether the operator is headquartered in another country than the site: a third law reaches the data.
    pub(crate) third_law: Option<bool>,
}

/// Security and data: what must cross a border, what kind it is, who can reach it there.
#[must_use]
pub(crate) fn data(facts: &DataFacts) -> Factor {
    let mut score: f64 = 100.0;
    let mut doubt: f64 = 0.0;
    let mut because = vec!["100 to begin with".to_owned()];
    if !facts.moved.is_empty() {
        score -= 10.0;
        because.push(format!(
            "- 10: {} must cross a border",
            facts.moved.join(", ")
        ));
    }
    if !facts.sensitive.is_empty() {
        score -= 30.0;
        because.push(format!(
            "- 30: {} holds data that rules speak of, or nobody says",
            facts.sensitive.join(", ")
        ));
    }
    // The strictest transfer counts once: one mechanism is worked out for all that is sent.
    if let Some((outcome, rules)) = facts.mechanisms.iter().max_by_key(|(outcome, _)| *outcome) {
        match outcome {
            Outcome::Prohibited => {
                score -= 40.0;
                because.push(format!("- 40: sending it is prohibited by {rules}"));
            }
            Outcome::LicenseRequired => {
                score -= 20.0;
                because.push(format!(
                    "- 20: sending it needs an authorisation, a filing or an assessment: {rules}"
                ));
            }
            Outcome::NeedsReview => {
                doubt += 20.0;
                because.push(format!(
                    "up to - 20: what sending it needs is not settled: {rules}"
                ));
            }
            Outcome::Allow => {}
        }
    }
    if !facts.obligations.is_empty() {
        let all: Vec<&str> = facts.obligations.iter().map(String::as_str).collect();
        because.push(format!("sending it obliges to {}", all.join(", ")));
    }
    for (fact, when, points, words) in [
        (facts.encrypted, false, 20.0, "disks are not encrypted"),
        (
            facts.third_law,
            true,
            15.0,
            "the operator answers to the law of another country",
        ),
    ] {
        match fact {
            Some(value) if value == when => {
                score -= points;
                because.push(format!("- {points}: {words}"));
            }
            Some(_) => {}
            None => {
                doubt += points;
                because.push(format!("not known whether {words}: up to - {points}"));
            }
        }
    }
    Factor {
        score: (score - doubt / 2.0).clamp(0.0, 100.0),
        low: (score - doubt).clamp(0.0, 100.0),
        high: score.clamp(0.0, 100.0),
        because,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknowns_widen_and_do_not_sink() {
        let open = hardware(None, None, false, "no throughput");
        assert_eq!((open.low, open.high), (0.0, 100.0));
        let facts = DataFacts {
            encrypted: None,
            third_law: Some(false),
            ..DataFacts::default()
        };
        let factor = data(&facts);
        assert_eq!((factor.low, factor.high), (80.0, 100.0));
        assert!(factor.doubt() > 0.19);
    }

    #[test]
    fn estimates_of_one_part_err_alike_and_others_each_for_itself() {
        let hours =
            |low: f64, mid: f64, high: f64| Some(Interval { low, mid, high }.map(Hours::new));
        let (fast, slow) = (hours(8.0, 10.0, 12.5), hours(16.0, 20.0, 25.0));
        let same = hardware(slow, fast, true, "");
        assert_eq!((same.low, same.score, same.high), (50.0, 50.0, 50.0));
        let other = hardware(slow, fast, false, "");
        // A factor of 1.25 each: exp(sqrt(2) ln 1.25) = 1.371.
        assert!((other.low - 50.0 / 1.371).abs() < 0.1, "{other:?}");
        assert!((other.high - 50.0 * 1.371).abs() < 0.1, "{other:?}");
        assert!(other.is_open() && !same.is_open());
        let near = hardware(hours(8.0, 10.0, 12.5), fast, false, "");
        assert_eq!((near.score, near.high), (100.0, 100.0));
        let free = cost(
            Some(Interval::exact(Usd::new(2))),
            Some(Interval {
                low: Usd::default(),
                mid: Usd::new(1),
                high: Usd::new(2),
            }),
            false,
            "",
        );
        assert_eq!((free.low, free.score, free.high), (0.0, 50.0, 100.0));
    }

    #[test]
    fn what_the_law_asks_of_data_counts_by_its_strictest() {
        let with = |outcomes: &[Outcome]| {
            data(&DataFacts {
                mechanisms: outcomes
                    .iter()
                    .map(|outcome| (*outcome, "cn-cbdt-assess".to_owned()))
                    .collect(),
                encrypted: Some(true),
                third_law: Some(false),
                ..DataFacts::default()
            })
        };
        let review = with(&[Outcome::NeedsReview]);
        assert_eq!((review.low, review.score, review.high), (80.0, 90.0, 100.0));
        let licence = with(&[Outcome::NeedsReview, Outcome::LicenseRequired]);
        assert_eq!((licence.low, licence.high), (80.0, 80.0));
        assert!(
            licence
                .because
                .iter()
                .any(|line| line.contains("cn-cbdt-assess"))
        );
        assert!((with(&[Outcome::Prohibited]).score - 60.0).abs() < 1e-9);
        assert!((with(&[]).score - 100.0).abs() < 1e-9);
    }

    #[test]
    fn weights_count_by_proportion() {
        let factors = Factors {
            hardware: Factor::known(100.0, String::new()),
            cost: Factor::known(0.0, String::new()),
            risk: Factor::known(0.0, String::new()),
            talent: Factor::known(0.0, String::new()),
            data: Factor::known(0.0, String::new()),
        };
        let only = Weights {
            hardware: 2.0,
            cost: 2.0,
            risk: 0.0,
            talent: 0.0,
            data: 0.0,
        };
        assert!((factors.total(&only) - 50.0).abs() < 1e-9);
        let none = Weights {
            hardware: 0.0,
            cost: 0.0,
            risk: 0.0,
            talent: 0.0,
            data: 0.0,
        };
        assert!((factors.total(&none) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn the_same_place_is_riskier_when_a_bill_would_forbid_it() {
        let safe = risk(Outcome::Allow, Outcome::Allow, Outcome::Allow);
        let threatened = risk(Outcome::Allow, Outcome::Allow, Outcome::LicenseRequired);
        assert!(threatened.score < safe.score);
        assert!((safe.score - 100.0).abs() < 1e-9);
    }
}
