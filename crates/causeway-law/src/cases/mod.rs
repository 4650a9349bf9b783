//! Files of cases: tests that a lawyer can read. The defaults of the case format live here and nowhere else.
//!
//! A word that the format doesn't know is no error: the law has to answer `needs_review`, and a case can test that it does.

mod facts;
mod items;
mod parties;
mod read;

use std::sync::Arc;

use causeway_domain::SourceFile;
use causeway_domain::yaml::{Content, Dialect};
use serde::Serialize;

use crate::{Act, ActVerdict, LawError, OpenFact, Outcome, Packs, Review, Settings, judge};

/// A case: facts and the outcome that is expected.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// The act, with the defaults of case files filled in; none where the case names an act that nobody knows.
    pub act: Option<Act>,
    /// Posture, packs, confirmations.
    pub settings: Settings,
    /// The expected outcome; none in a case that only asks.
    pub expect: Option<Outcome>,
    /// The expected review policy.
    pub review: Option<Review>,
    /// Obligations that must be listed.
    pub obligations: Vec<String>,
    /// The first must be among the deciding rules, for any outcome but allow.
    pub rules: Vec<String>,
    /// Rules that must be named, deciding or beside.
    pub context: Vec<String>,
    /// Why.
    pub why: String,
    /// Confidence of whoever wrote it.
    pub sure: Option<String>,
    /// What the case says that the format doesn't know: it can't be allowed.
    pub unknown: Vec<String>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// The case.
    pub id: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The rules, in order of weight: deciding first.
    pub rules: Vec<String>,
    /// How the authority looks at a request.
    pub review: Option<Review>,
    /// What an allow obliges to.
    pub obligations: Vec<String>,
    /// Facts on which the answer turns.
    pub open_facts: Vec<OpenFact>,
    /// Authorisations on file without which the outcome would be stricter.
    pub authorisations_used: Vec<String>,
    /// Rules that the answer leans on and that are known in part from memory.
    pub from_memory: Vec<String>,
    /// Whether it is what was expected; true where nothing was.
    pub passed: bool,
    /// What was expected.
    pub expected: Option<Outcome>,
    /// What differs; empty where it passed.
    pub why: String,
}

/// Judges a case.
#[must_use]
pub fn verdict(packs: &Packs, case: &Case) -> Option<ActVerdict> {
    let mut verdict = judge(packs, &case.settings, case.act.as_ref()?);
    if !case.unknown.is_empty() && verdict.outcome < Outcome::NeedsReview {
        verdict.outcome = Outcome::NeedsReview;
        verdict.obligations.clear();
    }
    verdict
        .open_facts
        .extend(case.unknown.iter().map(|what| unknown_word(what)));
    Some(verdict)
}

fn unknown_word(what: &str) -> OpenFact {
    OpenFact {
        fact: what.to_owned(),
        why: "the case format does not know it".to_owned(),
        gives: Vec::new(),
    }
}

/// Judges a case and compares.
#[must_use]
pub fn run(packs: &Packs, case: &Case) -> CaseResult {
    let mut result = CaseResult {
        id: case.id.clone(),
        outcome: Outcome::NeedsReview,
        rules: Vec::new(),
        review: None,
        obligations: Vec::new(),
        open_facts: case.unknown.iter().map(|what| unknown_word(what)).collect(),
        authorisations_used: Vec::new(),
        from_memory: Vec::new(),
        passed: true,
        expected: case.expect,
        why: String::new(),
    };
    let mut deciding: Vec<String> = Vec::new();
    if let Some(verdict) = verdict(packs, case) {
        deciding = verdict.deciding.iter().map(|hit| hit.id.clone()).collect();
        result.outcome = verdict.outcome;
        result.rules = verdict
            .deciding
            .into_iter()
            .chain(verdict.context)
            .map(|hit| hit.id)
            .collect();
        result.review = verdict.review;
        result.obligations = verdict.obligations;
        result.open_facts = verdict.open_facts;
        result.authorisations_used = verdict.authorisations_used;
        result.from_memory = verdict.from_memory;
    }
    let mut differs = Vec::new();
    if let Some(expected) = case.expect {
        if expected != result.outcome {
            differs.push(format!("expected {expected}, got {}", result.outcome));
        } else if let Some(first) = case.rules.first()
            && expected != Outcome::Allow
            && !deciding.contains(first)
        {
            differs.push(format!(
                "`{first}` is not among the deciding rules ({})",
                deciding.join(", ")
            ));
        }
    }
    if let Some(review) = case.review.filter(|review| Some(*review) != result.review) {
        let got = result.review.map_or("none", Review::word);
        differs.push(format!("expected the review to be {review}, got {got}"));
    }
    for id in case.context.iter().filter(|id| !result.rules.contains(id)) {
        differs.push(format!("the rule `{id}` is not named"));
    }
    for obligation in case
        .obligations
        .iter()
        .filter(|name| !result.obligations.contains(name))
    {
        differs.push(format!("the obligation `{obligation}` is not listed"));
    }
    result.passed = differs.is_empty();
    result.why = differs.join("; ");
    result
}

/// Reads a file of cases: a mapping with `cases`, or a list of cases.
///
/// # Errors
/// [`LawError::File`] at the place of what can't be read: text that is not YAML, a case without id, date or act.
pub fn parse(text: &str) -> Result<Vec<Case>, LawError> {
    let file = Arc::new(SourceFile::new("cases", text));
    let documents = causeway_domain::yaml::read(&file, Dialect::Core)?;
    let Some(root) = documents.first() else {
        return Ok(Vec::new());
    };
    let list = match (&root.content, root.get("cases").map(|node| &node.content)) {
        (Content::List(list), _) | (_, Some(Content::List(list))) => list,
        _ => {
            return Err(LawError::at(
                &file,
                root.place,
                "a file of cases has a list `cases`",
            ));
        }
    };
    list.iter()
        .map(|node| {
            read::Reader {
                file: &file,
                unknown: Vec::new(),
            }
            .case(node)
        })
        .collect()
}
