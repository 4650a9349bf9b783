//! The questions, as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_domain::yaml::{Dialect, Node, read};
use causeway_domain::{Date, Problem, SourceFile};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::form::EvidenceKind;

/// The built-in questionnaire. Source: the questionnaire of the provider's side, 2026-11-24; the sources of the terms of
/// keeping stand in its `keep`.
const BUILTIN: &str = include_str!("../../data/kyc/questionnaire.yaml");

/// Who fills a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The renter.
    Customer,
    /// The owner or operator of the machines.
    Provider,
}

impl Role {
    /// The word, and the stem of the form's file name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Provider => "provider",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What a missing answer does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum IfMissing {
    /// `needs_review`, with the question to ask.
    #[default]
    Review,
    /// The form is refused as incomplete, before any verdict.
    Deny,
}

/// One row of the questionnaire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// `C1` to `C20`, `P1` to `P8`.
    pub id: String,
    /// The field of the form.
    pub field: String,
    /// What is asked, in words.
    pub title: String,
    /// What kind of answer it is, in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// The evidence that is accepted, in words. The source asks a provider for none.
    #[serde(default)]
    pub evidence: String,
    /// The same in the form's words; one of them is enough. Empty: none is asked for.
    #[serde(default)]
    pub accepts: Vec<EvidenceKind>,
    /// Oldest that a registry extract may be on the day of the check. Unit: days.
    pub max_age_days: Option<u16>,
    /// Why it is asked.
    #[serde(default)]
    pub why: String,
    /// What a missing answer does.
    #[serde(default)]
    pub if_missing: IfMissing,
    /// Years to keep it, where another term than the questionnaire's holds.
    pub keep_years: Option<u16>,
    /// Whether it speaks of natural persons: then a ground for keeping it is asked for.
    #[serde(default)]
    pub personal: bool,
    /// Parts of the answer that must be there, as paths with `/`.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Parts that must be there when a part is true.
    #[serde(default)]
    pub needs_when: BTreeMap<String, Vec<String>>,
    /// Parts that must be there unless a part is true.
    #[serde(default)]
    pub needs_unless: BTreeMap<String, Vec<String>>,
    /// Parts that every item of a list must have; the empty name is the answer itself.
    #[serde(default)]
    pub each: BTreeMap<String, Vec<String>>,
    /// Whether an empty list is no answer.
    #[serde(default)]
    pub some: bool,
    /// Lists within the answer that may not be empty.
    #[serde(default)]
    pub some_of: Vec<String>,
    /// An example of an answer.
    pub like: Value,
}

/// How long answers are kept, and on which ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// Years after the last of: transfer of weights, end of contract, known diversion.
    pub years: u16,
    /// What that covers.
    pub ground: String,
    /// Where it is written.
    pub source: String,
    /// What a government request does, with its source.
    pub freeze: String,
}

/// The questions of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questionnaire {
    /// Counts changes.
    pub version: u32,
    /// The day of its sources.
    pub dated: Date,
    /// How long answers are kept.
    pub keep: Keep,
    /// Asked of the renter.
    pub customer: Vec<Question>,
    /// Asked of the owner or operator of the machines.
    pub provider: Vec<Question>,
}

impl Questionnaire {
    /// The one that is built in.
    ///
    /// # Errors
    /// Never for a build whose tests passed.
    pub fn builtin() -> Result<Self, Problem> {
        Self::parse(&Arc::new(SourceFile::new("questionnaire.yaml", BUILTIN)))
    }

    /// The text of the built-in one: what its digest is over.
    #[must_use]
    pub const fn builtin_text() -> &'static str {
        BUILTIN
    }

    /// Reads a questionnaire of the same fields.
    ///
    /// # Errors
    /// The first place that is not a questionnaire's.
    pub fn parse(source: &Arc<SourceFile>) -> Result<Self, Problem> {
        let documents = read(source, Dialect::Core)?;
        let root = documents.first().map(Node::to_json).unwrap_or_default();
        serde_json::from_value(root).map_err(|error| {
            Problem::error(
                source,
                causeway_domain::Place::default(),
                format!("this is no questionnaire: {error}"),
            )
        })
    }

    /// The questions of one side, in order.
    #[must_use]
    pub fn of(&self, role: Role) -> &[Question] {
        match role {
            Role::Customer => &self.customer,
            Role::Provider => &self.provider,
        }
    }

    /// Years for which an answer is kept.
    #[must_use]
    pub fn years(&self, question: &Question) -> u16 {
        question.keep_years.unwrap_or(self.keep.years)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_questions_are_those_of_the_table() {
        let all = Questionnaire::builtin().unwrap();
        let ids = |list: &[Question]| {
            list.iter()
                .map(|question| question.id.clone())
                .collect::<Vec<_>>()
        };
        let numbered = |letter: &str, last: u32| {
            (1..=last)
                .map(|number| format!("{letter}{number}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&all.customer), numbered("C", 20));
        assert_eq!(ids(&all.provider), numbered("P", 8));
        let denied: Vec<&str> = all
            .customer
            .iter()
            .filter(|question| question.if_missing == IfMissing::Deny)
            .map(|question| question.id.as_str())
            .collect();
        assert_eq!(denied, ["C1", "C9", "C16", "C20"]);
        for question in &all.customer {
            assert_eq!(all.years(question), 10, "{}", question.id);
            assert!(!question.why.is_empty(), "{}", question.id);
            assert!(!question.evidence.is_empty(), "{}", question.id);
            // A registry extract grows old wherever it is accepted.
            assert_eq!(
                question.accepts.contains(&EvidenceKind::RegistryExtract),
                question.max_age_days == Some(90),
                "{}",
                question.id
            );
        }
    }
}
