//! What the log keeps of an ownership answer, so that a checker can redo it from the log alone.

use std::collections::BTreeMap;

use causeway_domain::Date;
use serde::{Deserialize, Serialize};

use super::look_through::{LookThrough, direct_shares, look_through, solves};
use super::verdict::{Assessment, Verdict, assess};
use super::{Graph, Interest, Ratio, Regime};

/// The format that this version writes and reads.
const FORMAT: &str = "causeway-ownership/1";

/// An ownership answer with everything that it was made from: the edges with their sources and days, the tests as they were
/// read, the sets with their rounds, the share table, the verdicts. Exact numbers are fractions, so it has one form only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnershipRecord {
    /// `causeway-ownership/1`.
    pub format: String,
    /// The party that was asked about.
    pub party: String,
    /// The day of the verdicts.
    pub as_of: Date,
    /// What the facts were read from, by name, with its digest: files and versions of lists.
    pub inputs: BTreeMap<String, String>,
    /// The share from which a holder that counts is looked at.
    pub floor: Ratio,
    /// The tests.
    pub regimes: Vec<Regime>,
    /// The party and everybody above it.
    pub graph: Graph,
    /// The share table.
    pub look_through: LookThrough,
    /// What each test says.
    pub assessments: Vec<Assessment>,
}

/// Where a record does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum RecordError {
    /// A format of another version.
    #[error("the record's format is `{found}`")]
    #[diagnostic(
        code(causeway::parties::record_format),
        help("this version of causeway reads `{FORMAT}`")
    )]
    Format {
        /// The format that it names.
        found: String,
    },
    /// A part that does not follow from the rest.
    #[error("the record does not hold: {what}")]
    #[diagnostic(
        code(causeway::parties::record),
        help(
            "somebody changed it, or it was made by a version that computes otherwise: ask the party again"
        )
    )]
    Differs {
        /// Which part.
        what: String,
    },
}

impl OwnershipRecord {
    /// Judges a party by every test on a day. `inputs`: what the facts were read from, with digests.
    #[must_use]
    pub fn new(
        graph: &Graph,
        party: &str,
        as_of: Date,
        regimes: Vec<Regime>,
        floor: Ratio,
        inputs: BTreeMap<String, String>,
    ) -> Self {
        let graph = graph.above(party, as_of);
        Self {
            format: FORMAT.to_owned(),
            party: party.to_owned(),
            as_of,
            inputs,
            look_through: look_through(&graph, as_of),
            assessments: regimes
                .iter()
                .map(|regime| assess(&graph, regime, as_of, &floor))
                .collect(),
            floor,
            regimes,
            graph,
        }
    }

    /// The worst verdict of all tests on the party.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        self.assessments
            .iter()
            .map(|assessment| assessment.verdict(&self.party))
            .max()
            .unwrap_or(Verdict::Review)
    }
}

/// Redoes a record from itself: the sets round by round, the verdicts, and the share table, which must solve its equation.
///
/// # Errors
/// [`RecordError`] that names the first part that does not hold.
pub fn recheck(record: &OwnershipRecord) -> Result<(), RecordError> {
    if record.format != FORMAT {
        return Err(RecordError::Format {
            found: record.format.clone(),
        });
    }
    let differs = |what: String| Err(RecordError::Differs { what });
    if record.graph.above(&record.party, record.as_of) != record.graph {
        return differs(format!(
            "its edges are not those above `{}` on {}",
            record.party, record.as_of
        ));
    }
    for (name, most, interest) in [
        ("least", false, &record.look_through.least),
        ("most", true, &record.look_through.most),
    ] {
        if let Interest::Table(table) = interest
            && !solves(&direct_shares(&record.graph, record.as_of, most), table)
        {
            return differs(format!(
                "its share table ({name}) does not solve S = A + A S"
            ));
        }
    }
    if look_through(&record.graph, record.as_of) != record.look_through {
        return differs("its share table is not the one of its edges".to_owned());
    }
    if record.assessments.len() != record.regimes.len() {
        return differs("it does not have one assessment a test".to_owned());
    }
    for (regime, kept) in record.regimes.iter().zip(&record.assessments) {
        let again = assess(&record.graph, regime, record.as_of, &record.floor);
        if again.readings != kept.readings {
            return differs(format!("the sets of `{}` grow otherwise", regime.id));
        }
        let changed = again
            .findings
            .iter()
            .find(|(key, finding)| kept.findings.get(*key) != Some(finding));
        if let Some((key, finding)) = changed {
            return differs(format!(
                "`{}` says `{}` of `{key}`",
                regime.id, finding.verdict
            ));
        }
        if again != *kept {
            return differs(format!("`{}` is assessed otherwise", regime.id));
        }
    }
    Ok(())
}
