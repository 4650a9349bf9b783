//! Verdicts in words.

use std::fmt::Write as _;

use crate::{ActVerdict, Outcome, RuleHit};

/// The reasoning of a verdict as a plain-text tree that a lawyer can follow: outcome, deciding rules with their citations,
/// what is open and what each value would give, obligations, what it rests on, context, and where the verdict was made in
/// full ([`crate::judge_in_full`]) the rules that did not speak.
#[must_use]
pub fn explain(verdict: &ActVerdict) -> String {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    let lead = match verdict.outcome {
        Outcome::Allow => "nothing stands against it",
        Outcome::NeedsReview => "a person must look",
        Outcome::LicenseRequired => "an authorisation is missing",
        Outcome::Prohibited => "not to be done",
    };
    let mut outcome = format!("{}: {lead}", verdict.outcome);
    if let Some(review) = verdict.review {
        let _infallible = write!(
            outcome,
            "; a request would meet a {}",
            review.word().replace('_', " ")
        );
    }
    sections.push((outcome, Vec::new()));
    if !verdict.deciding.is_empty() {
        sections.push((
            "decided by".to_owned(),
            verdict.deciding.iter().flat_map(rule).collect(),
        ));
    }
    for open in &verdict.open_facts {
        let head = if open.why.is_empty() {
            format!("open: {}", open.fact)
        } else {
            format!("open: {} ({})", open.fact, open.why)
        };
        sections.push((
            head,
            open.gives
                .iter()
                .map(|(value, outcome)| format!("{value}: {outcome}"))
                .collect(),
        ));
    }
    if !verdict.obligations.is_empty() {
        sections.push(("obligations".to_owned(), verdict.obligations.clone()));
    }
    if !verdict.authorisations_used.is_empty() {
        sections.push((
            "rests on authorisations on file".to_owned(),
            verdict.authorisations_used.clone(),
        ));
    }
    if !verdict.from_memory.is_empty() {
        sections.push((
            "known in part from memory, no source seen: have it checked".to_owned(),
            verdict.from_memory.clone(),
        ));
    }
    if !verdict.context.is_empty() {
        sections.push((
            "beside it".to_owned(),
            verdict.context.iter().flat_map(rule).collect(),
        ));
    }
    if !verdict.passed.is_empty() {
        sections.push((
            "rules that did not speak".to_owned(),
            verdict
                .passed
                .iter()
                .flat_map(|passed| {
                    [
                        format!("{}: {}", passed.id, passed.title),
                        format!("    {}", passed.why),
                    ]
                })
                .collect(),
        ));
    }
    sections.push((
        format!(
            "judged for {} by packs {}",
            verdict.as_of,
            verdict.packs.short()
        ),
        Vec::new(),
    ));
    let mut text = format!("{}\n", verdict.about);
    let last = sections.len().saturating_sub(1);
    for (index, (head, lines)) in sections.iter().enumerate() {
        let (branch, trunk) = if index == last {
            ("└─", "  ")
        } else {
            ("├─", "│ ")
        };
        let _infallible = writeln!(text, "{branch} {head}");
        for line in lines {
            let _infallible = writeln!(text, "{trunk}   {line}");
        }
    }
    text
}

fn rule(hit: &RuleHit) -> Vec<String> {
    let certain = if hit.certain {
        ""
    } else {
        " (turns on an open fact)"
    };
    let mut lines = vec![format!(
        "{}: {}, {}{certain}",
        hit.id,
        hit.title,
        hit.outcome.word()
    )];
    if !hit.says.is_empty() {
        lines.push(format!("    {}", hit.says));
    }
    if !hit.citation.is_empty() {
        lines.push(format!("    {}", hit.citation.join("; ")));
    }
    lines.push(format!("    verified: {}", hit.verified));
    lines
}
