//! Verdicts in words: the reasoning as a tree that a lawyer can follow.

mod facts;
mod parties;
mod tree;

use std::fmt::Write as _;

use crate::{Act, ActVerdict, OpenFact, Outcome, Packs, RuleHit};

pub(crate) use facts::looks_at;
pub use parties::parties;
pub use tree::Tree;

/// The reasoning of a verdict as a plain-text tree, each text on one line: [`verdict_tree`], printed.
#[must_use]
pub fn explain(verdict: &ActVerdict) -> String {
    verdict_tree(verdict).to_string()
}

/// The reasoning of a verdict: outcome, deciding rules in order of weight with their citations, what is open and what each
/// value would give, obligations, context.
#[must_use]
pub fn verdict_tree(verdict: &ActVerdict) -> Tree {
    reasoning(verdict, Vec::new())
}

/// The reasoning of a verdict with the facts that it rests on, and who says each of them.
///
/// Who owns whom is in [`parties`], once for all acts of a plan.
#[must_use]
pub fn act_tree(packs: &Packs, act: &Act, verdict: &ActVerdict) -> Tree {
    reasoning(verdict, facts::facts(packs, act, verdict))
}

fn reasoning(verdict: &ActVerdict, facts: Vec<Tree>) -> Tree {
    let mut tree = Tree::new(verdict.about.as_str());
    tree.push(outcome(verdict));
    section(
        &mut tree,
        "decided by",
        verdict.deciding.iter().map(rule).collect::<Vec<_>>(),
    );
    section(&mut tree, "facts, and who says them", facts);
    for open in &verdict.open_facts {
        tree.push(open_fact(open));
    }
    section(
        &mut tree,
        "obligations",
        verdict
            .obligations
            .iter()
            .map(|name| Tree::new(name.as_str()))
            .collect(),
    );
    let named = |ids: &[String]| ids.iter().map(|id| Tree::new(id.as_str())).collect();
    section(
        &mut tree,
        "rests on authorisations on file",
        named(&verdict.authorisations_used),
    );
    section(
        &mut tree,
        "known in part from memory, no source seen: have it checked",
        named(&verdict.from_memory),
    );
    section(
        &mut tree,
        "beside it",
        verdict.context.iter().map(rule).collect::<Vec<_>>(),
    );
    section(
        &mut tree,
        "rules that did not speak",
        verdict
            .passed
            .iter()
            .map(|passed| {
                Tree::new(format!("{}: {}", passed.id, passed.title)).with([passed.why.as_str()])
            })
            .collect(),
    );
    tree.push(format!(
        "judged for {} by packs {}",
        verdict.as_of,
        verdict.packs.short()
    ));
    tree
}

fn section(tree: &mut Tree, head: &str, children: Vec<Tree>) {
    if !children.is_empty() {
        tree.push(Tree::new(head).with(children));
    }
}

fn outcome(verdict: &ActVerdict) -> Tree {
    let lead = match verdict.outcome {
        Outcome::Allow => "nothing stands against it",
        Outcome::NeedsReview => "a person must look",
        Outcome::LicenseRequired => "an authorisation is missing",
        Outcome::Prohibited => "not to be done",
    };
    let mut text = format!("{}: {lead}", verdict.outcome);
    if let Some(review) = verdict.review {
        let _infallible = write!(
            text,
            "; a request would meet a {}",
            review.word().replace('_', " ")
        );
    }
    Tree::new(text)
}

fn rule(hit: &RuleHit) -> Tree {
    let certain = if hit.certain {
        ""
    } else {
        " (turns on an open fact)"
    };
    let mut tree = Tree::new(format!(
        "{}: {}, {}{certain}",
        hit.id,
        hit.title,
        hit.outcome.word()
    ));
    if !hit.says.is_empty() {
        tree.push(format!("asks: {}", hit.says));
    }
    if !hit.citation.is_empty() {
        tree.push(format!("written in: {}", hit.citation.join("; ")));
    }
    if let Some(review) = hit.review {
        tree.push(format!(
            "a request under it would meet: {}",
            review.word().replace('_', " ")
        ));
    }
    tree.push(if from_memory(&hit.verified) {
        format!(
            "verified: {}. WARNING: part of this rule was not seen in a source; read the source before you rely on it",
            hit.verified
        )
    } else {
        format!("verified: {}", hit.verified)
    });
    tree
}

/// Whether a rule's mark says that somebody wrote it, or a part of it, without a source.
pub(crate) fn from_memory(verified: &str) -> bool {
    verified.contains("memory") || verified.contains("unverified")
}

fn open_fact(open: &OpenFact) -> Tree {
    let head = if open.why.is_empty() {
        format!("open: {}", open.fact)
    } else {
        format!("open: {} ({})", open.fact, open.why)
    };
    Tree::new(head).with(open.gives.iter().map(ToString::to_string))
}
