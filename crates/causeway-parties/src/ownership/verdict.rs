//! Verdicts: caught, review or clear, with the arithmetic that gave them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use causeway_domain::Date;
use serde::{Deserialize, Serialize};

use super::reading::{Reading, read};
use super::{Graph, Measure, Phase, Ratio, Regime, Treasury};

/// What an ownership test says of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not caught, whatever the unknown facts are, and nothing to look at.
    Clear,
    /// A person must look: it can be caught, or something stands beside the test that the law wants looked at.
    Review,
    /// Treated as a party that counts itself.
    Caught,
}

impl Verdict {
    /// The word of files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Review => "review",
            Self::Caught => "caught",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for Verdict {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Clear, Self::Review, Self::Caught]
            .into_iter()
            .find(|verdict| verdict.word() == word)
            .ok_or(())
    }
}

/// Why a holder's share counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standpoint {
    /// It stands on a list of the test, or in a country of the test.
    Counts,
    /// It is caught by ownership itself, so it passes its whole stake on.
    Owned,
    /// It can be one or the other: a fact is unknown.
    Possible,
}

/// A holder whose share was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The holder.
    pub holder: String,
    /// Why it counts.
    pub because: Standpoint,
    /// Its least share.
    pub low: Ratio,
    /// Its most; none where nobody knows.
    pub high: Option<Ratio>,
}

/// A sum that was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arithmetic {
    /// Capital or votes: the one that gives more.
    pub measure: Measure,
    /// The shares that were added.
    pub parts: Vec<Part>,
    /// What those that count for certain hold at least.
    pub low: Ratio,
    /// What those that can count hold at most: with what nobody disclosed where that can be theirs.
    pub high: Ratio,
    /// What nobody disclosed.
    pub undisclosed: Ratio,
}

/// One reason of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It stands on lists of the test.
    Listed(Vec<String>),
    /// It is headquartered, organised or resident in a country of the test.
    Seated(Vec<String>),
    /// Nobody knows whether it counts itself.
    Unscreened(String),
    /// It is owned, in this round.
    Owned {
        /// The round of the fixpoint, from 1.
        round: usize,
    },
    /// It would be caught, and the test does not apply on this day.
    NotInForce,
    /// The test does not reach it.
    Exempt(String),
    /// Holders that count, or can, may have as much as the threshold.
    CanReach,
    /// As much as the threshold, where more is asked or the shares of several are not added.
    AtTheLine,
    /// Holders that count, or can, have a share from the floor up.
    Minority {
        /// Their share.
        share: Ratio,
        /// The floor.
        floor: Ratio,
    },
    /// A holder that counts, or can, has an unknown share.
    UnknownShare {
        /// The holder.
        holder: String,
        /// Why it counts.
        because: Standpoint,
    },
    /// A party that counts, or can, controls it.
    Controlled {
        /// By whom.
        by: String,
        /// Why it counts.
        because: Standpoint,
        /// How, in words.
        how: String,
    },
    /// It belongs to a closed loop of holdings that nobody outside owns.
    ClosedLoop,
    /// More than the whole is disclosed.
    Contradiction(Ratio),
    /// With its own shares counted and left out the answers differ.
    TreasuryDiffers {
        /// Own shares counted.
        counted: Verdict,
        /// Own shares left out.
        left_out: Verdict,
    },
}

/// A party's verdict under one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// The sum that was compared; none for persons and states, which nobody owns.
    pub arithmetic: Option<Arithmetic>,
}

/// What one test says of every party of a graph on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The test's word.
    pub regime: String,
    /// How it reads on the day.
    pub phase: Phase,
    /// The sets, with own shares counted and, where a party has any, left out.
    pub readings: Vec<Sets>,
    /// The verdict of every party.
    pub findings: BTreeMap<String, Finding>,
    /// Whose requirements a company inherits that is owned as the test asks: the parties that count, behind its owners.
    pub inherits: BTreeMap<String, BTreeSet<String>>,
}

/// The lower and upper set of a reading, and how they grew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sets {
    /// How own shares were read.
    pub treasury: Treasury,
    /// What is owned for certain: one growth, or one for each person or joint arrangement where shares are not added.
    pub low: Vec<Waves>,
    /// What can be owned, with every unknown at its worst.
    pub high: Waves,
}

/// How a set grew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waves {
    /// Where it started.
    pub start: BTreeSet<String>,
    /// What each round added.
    pub rounds: Vec<BTreeSet<String>>,
}

/// Judges every party of a graph by one test on one day. `floor`: the share from which a holder that counts is looked at.
#[must_use]
pub fn assess(graph: &Graph, regime: &Regime, day: Date, floor: &Ratio) -> Assessment {
    let counted = read(graph, regime, day, floor, Treasury::Counted);
    let mut readings = vec![counted];
    if readings.iter().any(|reading| reading.treasury) {
        readings.push(read(graph, regime, day, floor, Treasury::LeftOut));
    }
    let mut readings = readings.into_iter();
    let Some(Reading {
        sets,
        mut findings,
        inherits,
        ..
    }) = readings.next()
    else {
        return Assessment {
            regime: regime.id.clone(),
            phase: regime.phase(day),
            readings: Vec::new(),
            findings: BTreeMap::new(),
            inherits: BTreeMap::new(),
        };
    };
    let mut all = vec![sets];
    for other in readings {
        all.push(other.sets);
        for (key, left_out) in other.findings {
            let Some(finding) = findings.get_mut(&key) else {
                continue;
            };
            if finding.verdict == left_out.verdict {
                continue;
            }
            let differs = Reason::TreasuryDiffers {
                counted: finding.verdict,
                left_out: left_out.verdict,
            };
            if left_out.verdict > finding.verdict {
                *finding = left_out;
            }
            finding.verdict = Verdict::Review;
            finding.reasons.insert(0, differs);
        }
    }
    Assessment {
        regime: regime.id.clone(),
        phase: regime.phase(day),
        readings: all,
        findings,
        inherits,
    }
}

impl Assessment {
    /// A party's verdict. A party that the graph lacks is a review: nobody knows anything about it.
    #[must_use]
    pub fn verdict(&self, key: &str) -> Verdict {
        self.findings
            .get(key)
            .map_or(Verdict::Review, |finding| finding.verdict)
    }
}
