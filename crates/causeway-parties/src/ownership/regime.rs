//! The ownership tests of the law, as data: threshold, whose shares add up, what control does, and when it applies.

use std::collections::BTreeSet;

use causeway_domain::{Country, Date};
use serde::{Deserialize, Serialize};

use super::Ratio;

/// Whose shares count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Those of all parties that count.
    All,
    /// Those of one party and what it has a majority of; of several only with a joint arrangement.
    One,
}

/// What control by other means does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// No part of the test; a reason to look.
    Caution,
    /// A test of its own: what is controlled may be caught, and so may what that owns.
    Test,
}

/// What the text does on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It applies.
    InForce,
    /// It does not apply; what it would catch is a red flag.
    Flag,
}

/// A stretch of days on which the test reads the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
    /// Whether it applies.
    pub standing: Standing,
    /// Whether the share must be more than the threshold, not the threshold itself.
    pub more_than: bool,
    /// What it is, and by which text.
    pub says: String,
}

/// A kind of party that the test does not reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exempt {
    /// At home here: incorporated, else headquartered.
    pub home: Country,
    /// Whether listed owners are then no reason to look either.
    pub clear: bool,
    /// Why.
    pub says: String,
}

/// One ownership test. Built by [`regimes`]; a record carries the ones that it was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regime {
    /// Its word: `ofac`.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Lists whose parties count.
    pub lists: BTreeSet<String>,
    /// Countries whose parties count: headquartered, organised or resident there.
    pub countries: BTreeSet<Country>,
    /// The share that catches.
    pub threshold: Ratio,
    /// Whose shares add up.
    pub aggregation: Aggregation,
    /// What control does.
    pub control: Control,
    /// Whom it does not reach. Shares held through such a party count all the same.
    pub exempt: Option<Exempt>,
    /// The days, in order. A day outside all of them is [`Standing::Flag`].
    pub phases: Vec<Phase>,
    /// Where it is written.
    pub citations: Vec<String>,
    /// What in it nobody checked against the source.
    pub unverified: Vec<String>,
}

impl Regime {
    /// How it reads on a day.
    #[must_use]
    pub fn phase(&self, day: Date) -> Phase {
        self.phases
            .iter()
            .find(|phase| {
                phase.from.is_none_or(|from| from <= day) && phase.to.is_none_or(|to| day <= to)
            })
            .cloned()
            .unwrap_or_else(|| Phase {
                from: None,
                to: None,
                standing: Standing::Flag,
                more_than: false,
                says: "no text known for this day".to_owned(),
            })
    }

    /// The threshold in words.
    #[must_use]
    pub fn line(&self, more_than: bool) -> String {
        if more_than {
            format!("more than {}", self.threshold)
        } else {
            format!("{} or more", self.threshold)
        }
    }
}

/// Share of one holder or several from which a holder that counts is looked at although the test does not catch: 10 %.
///
/// The rules give no number for a "significant minority" (15 CFR part 744 supp. 8). The floor is Causeway's own choice.
#[must_use]
pub fn default_floor() -> Ratio {
    Ratio::percent(10)
}

const fn day(year: i16, month: i8, day: i8) -> Option<Date> {
    Some(jiff::civil::date(year, month, day))
}

fn phase(
    from: Option<Date>,
    to: Option<Date>,
    standing: Standing,
    more_than: bool,
    says: &str,
) -> Phase {
    Phase {
        from,
        to,
        standing,
        more_than,
        says: says.to_owned(),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn countries(codes: &[&str]) -> BTreeSet<Country> {
    codes.iter().filter_map(|code| code.parse().ok()).collect()
}

/// The five tests that Causeway knows: `ofac`, `bis`, `doj`, `eu`, `uk`.
#[must_use]
pub fn regimes() -> Vec<Regime> {
    vec![ofac(), bis(), doj(), eu(), uk()]
}

fn ofac() -> Regime {
    Regime {
        id: "ofac".to_owned(),
        title: "OFAC 50 Percent Rule".to_owned(),
        lists: words(&["sdn", "sdn_7448"]).into_iter().collect(),
        countries: BTreeSet::new(),
        threshold: Ratio::percent(50),
        aggregation: Aggregation::All,
        control: Control::Caution,
        exempt: None,
        phases: vec![phase(
            day(2014, 8, 13),
            None,
            Standing::InForce,
            false,
            "guidance of 2014-08-13: the shares of all blocked persons add up, over programmes",
        )],
        citations: words(&["OFAC FAQ 398 to 401", "31 CFR 587.406"]),
        unverified: Vec::new(),
    }
}

fn bis() -> Regime {
    Regime {
        id: "bis".to_owned(),
        title: "BIS Affiliates rule".to_owned(),
        lists: words(&["entity_list", "meu", "sdn_7448"])
            .into_iter()
            .collect(),
        countries: BTreeSet::new(),
        threshold: Ratio::percent(50),
        aggregation: Aggregation::All,
        control: Control::Caution,
        exempt: "US".parse().ok().map(|home| Exempt {
            home,
            clear: false,
            says: "the rule is about foreign affiliates".to_owned(),
        }),
        phases: vec![
            phase(
                None,
                day(2025, 9, 28),
                Standing::Flag,
                false,
                "before the rule: ownership by a listed party is a red flag",
            ),
            phase(
                day(2025, 9, 29),
                day(2025, 11, 9),
                Standing::InForce,
                false,
                "in force (90 FR 47201)",
            ),
            phase(
                day(2025, 11, 10),
                day(2026, 11, 9),
                Standing::Flag,
                false,
                "suspended (90 FR 50857): ownership by a listed party is a red flag",
            ),
            // No later extension was found. The strict reading holds until one is cited here.
            phase(
                day(2026, 11, 10),
                None,
                Standing::InForce,
                false,
                "back by its own terms since 2026-11-10, absent a further extension (90 FR 50857)",
            ),
        ],
        citations: words(&["90 FR 47201", "15 CFR part 744 supp. 8"]),
        unverified: words(&[
            "the page 90 FR 50857 is cited from memory",
            "no text after July 2026 confirms or extends the return of 2026-11-10",
        ]),
    }
}

fn doj() -> Regime {
    Regime {
        id: "doj".to_owned(),
        title: "DOJ data rule, covered person".to_owned(),
        lists: words(&["doj_designated"]).into_iter().collect(),
        // China includes Hong Kong and Macau: 28 CFR 202.208.
        countries: countries(&["CN", "HK", "MO", "CU", "IR", "KP", "RU", "VE"]),
        threshold: Ratio::percent(50),
        aggregation: Aggregation::All,
        control: Control::Caution,
        exempt: "US".parse().ok().map(|home| Exempt {
            home,
            clear: true,
            says: "a US person is never a covered person by ownership".to_owned(),
        }),
        phases: vec![phase(
            day(2025, 4, 8),
            None,
            Standing::InForce,
            false,
            "in force since 2025-04-08",
        )],
        citations: words(&["28 CFR 202.211"]),
        unverified: Vec::new(),
    }
}

fn eu() -> Regime {
    Regime {
        id: "eu".to_owned(),
        title: "EU asset freeze".to_owned(),
        lists: words(&["eu"]).into_iter().collect(),
        countries: BTreeSet::new(),
        threshold: Ratio::percent(50),
        aggregation: Aggregation::All,
        control: Control::Test,
        exempt: None,
        phases: vec![
            phase(
                None,
                day(2024, 7, 2),
                Standing::InForce,
                true,
                "until 2024-07-02: more than 50 %",
            ),
            phase(
                day(2024, 7, 3),
                None,
                Standing::InForce,
                false,
                "since 2024-07-03: 50 % or more; guidance, the Court decides",
            ),
        ],
        citations: words(&[
            "Council Best Practices of 2024-07-03",
            "Regulation (EU) 2024/1745, recital 28",
        ]),
        unverified: Vec::new(),
    }
}

fn uk() -> Regime {
    Regime {
        id: "uk".to_owned(),
        title: "UK asset freeze".to_owned(),
        lists: words(&["uk"]).into_iter().collect(),
        countries: BTreeSet::new(),
        threshold: Ratio::percent(50),
        aggregation: Aggregation::One,
        control: Control::Test,
        exempt: None,
        phases: vec![phase(
            None,
            None,
            Standing::InForce,
            true,
            "more than 50 % of shares or votes by one person, or several with a joint arrangement",
        )],
        citations: words(&[
            "OFSI general guidance, part 4",
            "gov.uk, Ownership and Control, 2024-08-20",
        ]),
        unverified: words(&[
            "that each link of a chain needs a majority is from memory (Schedule 1 of the regulations)",
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(regime: &Regime, day: &str) -> (Standing, bool) {
        let phase = regime.phase(day.parse().unwrap());
        (phase.standing, phase.more_than)
    }

    #[test]
    fn every_date_of_every_timeline_the_day_before_and_on() {
        use Standing::{Flag, InForce};
        let all = regimes();
        let regime = |id: &str| all.iter().find(|regime| regime.id == id).unwrap();
        for (id, day, expected) in [
            ("ofac", "2014-08-12", (Flag, false)),
            ("ofac", "2014-08-13", (InForce, false)),
            ("bis", "2025-09-28", (Flag, false)),
            ("bis", "2025-09-29", (InForce, false)),
            ("bis", "2025-11-09", (InForce, false)),
            ("bis", "2025-11-10", (Flag, false)),
            ("bis", "2026-11-09", (Flag, false)),
            ("bis", "2026-11-10", (InForce, false)),
            ("doj", "2025-04-07", (Flag, false)),
            ("doj", "2025-04-08", (InForce, false)),
            ("eu", "2024-07-02", (InForce, true)),
            ("eu", "2024-07-03", (InForce, false)),
            ("uk", "1990-01-01", (InForce, true)),
        ] {
            assert_eq!(at(regime(id), day), expected, "{id} {day}");
        }
    }

    #[test]
    fn every_country_and_home_of_the_data_exists() {
        assert_eq!(doj().countries.len(), 8);
        assert!(bis().exempt.is_some() && doj().exempt.is_some());
        assert!(regimes().iter().all(|regime| !regime.citations.is_empty()));
    }
}
