//! The five factors of a place, each 0 to 100, with the facts and the arithmetic it comes from.
//!
//! A first reading, meant to be followed by hand; what is unknown widens the interval and never lowers the score.

use std::collections::BTreeMap;

use causeway_domain::organisation::Weights;
use causeway_domain::{Country, Fact, Hours, Usd};
use causeway_law::Outcome;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

/// One factor of a place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factor {
    /// 0 (worst) to 100 (best); the middle of the interval.
    pub score: f64,
    /// Lowest value that the unknown facts leave possible.
    pub low: f64,
    /// Highest value that the unknown facts leave possible.
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

    fn open(because: String) -> Self {
        Self {
            score: 50.0,
            low: 0.0,
            high: 100.0,
            because: vec![because],
        }
    }

    /// How much of the scale the unknown facts leave open, 0 to 1.
    #[must_use]
    pub fn doubt(&self) -> f64 {
        (self.high - self.low) / 100.0
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

/// Hardware access: the fastest feasible place has 100, another the same share of its speed.
#[must_use]
pub(crate) fn hardware(hours: Option<Hours>, best: Option<Hours>, why_unknown: &str) -> Factor {
    match (hours, best) {
        (Some(hours), Some(best)) if hours.get() > 0.0 => Factor::known(
            100.0 * best.get() / hours.get(),
            format!("{best} at the fastest place / {hours} here x 100"),
        ),
        _ => Factor::open(format!("time unknown: {why_unknown}")),
    }
}

/// Operating cost: the cheapest feasible place has 100, another the same share of its price.
#[must_use]
pub(crate) fn cost(cost: Option<Usd>, best: Option<Usd>, why_unknown: &str) -> Factor {
    match (cost, best) {
        (Some(cost), _) if cost.get().is_zero() => Factor::known(100.0, "costs nothing".to_owned()),
        (Some(cost), Some(best)) => {
            let ratio = (best.get() / cost.get()).to_f64().unwrap_or(0.0);
            Factor::known(
                100.0 * ratio,
                format!("{best} at the cheapest place / {cost} here x 100"),
            )
        }
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

/// Talent: half for a shell that the team reaches from anywhere, half for the share of the team in that country.
#[must_use]
pub(crate) fn talent(team: &BTreeMap<Country, u32>, place: &Fact<Country>) -> Factor {
    let all: u32 = team.values().sum();
    if all == 0 {
        return Factor::open("no team in causeway.yaml".to_owned());
    }
    match place {
        Fact::Known(country, _) => {
            let there = team.get(country).copied().unwrap_or(0);
            Factor::known(
                50.0 + 50.0 * f64::from(there) / f64::from(all),
                format!("50 for remote work + 50 x {there} of {all} people in {country}"),
            )
        }
        Fact::Unknown(why) => Factor {
            low: 50.0,
            high: 100.0,
            score: 75.0,
            because: vec![format!("country {why}")],
        },
    }
}

/// What the data factor looks at.
#[derive(Debug, Clone, Default)]
pub(crate) struct DataFacts {
    /// Datasets that would leave the country where they are, by name.
    pub(crate) moved: Vec<String>,
    /// Those of them that hold personal or otherwise ruled data, or of which nobody says.
    pub(crate) sensitive: Vec<String>,
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
        let open = hardware(None, None, "no throughput");
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

    #[test]
    fn talent_counts_people_where_they_are() {
        let sg: Country = "SG".parse().unwrap();
        let my: Country = "MY".parse().unwrap();
        let team = BTreeMap::from([(sg, 3), (my, 1)]);
        assert!((talent(&team, &Fact::stated(sg, "t")).score - 87.5).abs() < 1e-9);
        assert!(
            (talent(&team, &Fact::stated("DE".parse().unwrap(), "t")).score - 50.0).abs() < 1e-9
        );
    }
}
