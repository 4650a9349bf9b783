//! Ownership cases: a structure, a day, and the verdicts that somebody who knows the law expects.
//!
//! The format is `causeway-ownership-cases/1` (`docs/formats/ownership-cases.md`): JSON, read as YAML so that every remark
//! points at its line.

mod read;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use causeway_domain::Date;
use serde::Serialize;

pub use read::read;

use super::look_through::look_through;
use super::{Assessment, Graph, Interest, LookThrough, Ratio, Regime, Verdict, assess};

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The parties and what ties them.
    pub graph: Graph,
    /// The day.
    pub as_of: Date,
    /// The share from which a holder that counts is looked at.
    pub floor: Ratio,
    /// Verdicts by test and party.
    pub expect: BTreeMap<String, BTreeMap<String, Verdict>>,
    /// Look-through shares by `owner>owned`, as decimals rounded to six places; `None` inside: undefined.
    pub effective: Option<Option<BTreeMap<String, String>>>,
    /// Whose requirements a company inherits under `bis`.
    pub inherits: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Why it is so.
    pub why: String,
}

/// A file of cases.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// The cases.
    pub cases: Vec<Case>,
}

/// What a case gave.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The assessments of every test, in the order of the tests.
    pub assessments: Vec<Assessment>,
    /// The share table.
    pub look_through: LookThrough,
    /// What is otherwise than expected, in words, with the arithmetic.
    pub failures: Vec<String>,
    effective: bool,
    inherits: bool,
}

/// What the scorer of a case file reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Verdicts by test and party.
    pub verdicts: BTreeMap<String, BTreeMap<String, Verdict>>,
    /// Look-through shares, where the case asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<serde_json::Value>,
    /// Whose requirements are inherited, where the case asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bis_inherits: Option<BTreeMap<String, BTreeSet<String>>>,
}

/// Runs a case under the tests.
#[must_use]
pub fn run(case: &Case, regimes: &[Regime]) -> CaseResult {
    let assessments: Vec<Assessment> = regimes
        .iter()
        .map(|regime| assess(&case.graph, regime, case.as_of, &case.floor))
        .collect();
    let mut result = CaseResult {
        id: case.id.clone(),
        title: case.title.clone(),
        assessments,
        look_through: look_through(&case.graph, case.as_of),
        failures: Vec::new(),
        effective: case.effective.is_some(),
        inherits: case.inherits.is_some(),
    };
    result.failures = result.compare(case, regimes);
    result
}

impl CaseResult {
    /// Whether everything is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The result in the scorer's words.
    #[must_use]
    pub fn score(&self) -> Score {
        Score {
            verdicts: self
                .assessments
                .iter()
                .map(|assessment| {
                    let verdicts = assessment
                        .findings
                        .iter()
                        .map(|(key, finding)| (key.clone(), finding.verdict))
                        .collect();
                    (assessment.regime.clone(), verdicts)
                })
                .collect(),
            effective: self.effective.then(|| match self.shares() {
                None => serde_json::json!("undefined"),
                Some(shares) => shares
                    .into_iter()
                    .map(|(pair, share)| {
                        // Rounded to six places before: a float is enough to print it.
                        let number: f64 = share.parse().unwrap_or_default();
                        (pair, serde_json::json!(number))
                    })
                    .collect::<serde_json::Map<_, _>>()
                    .into(),
            }),
            bis_inherits: self.inherits.then(|| self.inherited()),
        }
    }

    /// Least look-through shares by `owner>owned`, six places. `None`: undefined.
    fn shares(&self) -> Option<BTreeMap<String, String>> {
        let Interest::Table(table) = &self.look_through.least else {
            return None;
        };
        let pairs = table.iter().flat_map(|(owner, row)| {
            row.iter()
                .map(move |(owned, share)| (format!("{owner}>{owned}"), share.rounded(6)))
        });
        Some(pairs.collect())
    }

    fn inherited(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.assessments
            .iter()
            .find(|assessment| assessment.regime == "bis")
            .map(|assessment| assessment.inherits.clone())
            .unwrap_or_default()
    }

    fn compare(&self, case: &Case, regimes: &[Regime]) -> Vec<String> {
        let mut failures = Vec::new();
        for (word, expected) in &case.expect {
            let found = regimes
                .iter()
                .zip(&self.assessments)
                .find(|(regime, _)| regime.id == *word);
            let Some((regime, assessment)) = found else {
                failures.push(format!("{word}: there is no such test"));
                continue;
            };
            for (party, want) in expected {
                let got = assessment.verdict(party);
                if got != *want {
                    failures.push(format!(
                        "{word} {party}: expected {want}, got {got}: {}",
                        assessment.explain(regime, party)
                    ));
                }
            }
        }
        if let Some(want) = &case.effective {
            let got = self.shares();
            match (want, &got) {
                (None, None) => {}
                (Some(want), Some(got)) => {
                    for (pair, share) in want {
                        let found = got.get(pair).map_or("0", String::as_str);
                        if found != share {
                            failures.push(format!(
                                "look-through {pair}: expected {share}, got {found}"
                            ));
                        }
                    }
                }
                (None, Some(_)) => {
                    failures.push("look-through: expected undefined, got a table".to_owned());
                }
                (Some(_), None) => {
                    failures.push("look-through: expected a table, got undefined".to_owned());
                }
            }
        }
        if let Some(want) = &case.inherits {
            let got = self.inherited();
            if got != *want {
                failures.push(format!("bis inherits: expected {want:?}, got {got:?}"));
            }
        }
        failures
    }
}
