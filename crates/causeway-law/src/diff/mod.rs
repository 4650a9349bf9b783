//! Two readings of the law, compared: what changed, and whether one is at least as strict as the other.
//!
//! A [`Side`] is a set of packs on a day. [`compare`] lists what differs between two, in words with citations, and answers two
//! questions about strictness: does B hold up whatever A holds up, and the other way round. Each answer is one of
//! - a proof: every policy of the one stands on the other ([`By::Identity`]), or a solver shows that what differs follows
//!   from what is there ([`By::Solver`], asked through [`Prover`]);
//! - an [`Example`]: an act that only one of them lets through, judged on both sides and given as a file of cases;
//! - [`Finding::Open`]: neither, with what was tried.
//!
//! Strictness is about outcomes of acts whose facts are known; where a fact is unknown, the outcomes of its possible values
//! decide, and they keep their order. Words that only one side knows are a review on the other and are not compared.
//! How an authority looks at a request, and what an allow obliges to, is shown apart.
//!
//! ```
//! use causeway_law::Packs;
//! use causeway_law::diff::{Budget, Finding, Side, compare};
//!
//! let packs = Packs::builtin()?;
//! let day = "2026-11-24".parse().unwrap();
//! let today = Side::new("builtin", packs.clone(), day);
//! let what_if = Side::new("with the bill", packs, day).with_pack("hyp-remote-access".parse().unwrap())?;
//! let comparison = compare(&today, &what_if, None, Budget::default());
//! assert_eq!(comparison.rules[0].id, "hyp-remote-access");
//! // Nothing is taken away, so the proof needs no solver; and an act is found that only the law of today lets through.
//! assert!(matches!(comparison.b_at_least_a, Finding::Proved { .. }));
//! assert!(matches!(comparison.a_at_least_b, Finding::Refuted { .. }));
//! # Ok::<(), causeway_law::LawError>(())
//! ```

mod boundary;
mod changes;
mod class;
mod data;
mod example;
mod expression;
mod meaning;
mod question;
mod side;

use std::collections::BTreeSet;

pub use boundary::{Budget, Coverage};
pub use changes::{Change, Line, RuleChange, Whose};
pub use data::DataChange;
pub use example::{Example, Parting, Said};
pub use question::Question;
use serde::Serialize;
pub use side::Side;

use crate::Effect;
use meaning::{Meanings, Which};
use question::{Worded, worded};

use crate::packs::Rule;

/// Something that can prove claims: a solver.
pub trait Prover {
    /// Whether the claim holds for every context.
    fn ask(&mut self, question: &Question) -> Answer;
}

/// What a prover says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The claim holds.
    Holds,
    /// It does not: a context of which it fails, as JSON. No act need have such a context.
    Fails {
        /// The context.
        context: String,
    },
    /// Time was up, or something broke: neither proved nor refuted.
    Unknown {
        /// Why.
        why: String,
    },
}

/// By what a claim is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Every policy that could decide stands on both sides, word for word and with the same meaning.
    Identity,
    /// A solver.
    Solver,
}

/// Whether one side is at least as strict as the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// It is, for every act.
    Proved {
        /// By what.
        by: By,
        /// Claims that the solver proved.
        claims: usize,
    },
    /// It is not: an act that it lets through and the other holds up.
    Refuted {
        /// The act.
        example: Box<Example>,
    },
    /// Nobody could say.
    Open {
        /// What stands in the way, in words.
        why: Vec<String>,
    },
}

/// Two sides, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// A, for people.
    pub a: String,
    /// B, for people.
    pub b: String,
    /// Rules that differ.
    pub rules: Vec<RuleChange>,
    /// Data that differ.
    pub data: Vec<DataChange>,
    /// Whether B holds up whatever A holds up.
    pub b_at_least_a: Finding,
    /// Whether A holds up whatever B holds up.
    pub a_at_least_b: Finding,
    /// Acts with one outcome and another review policy or other obligations.
    pub finer: Vec<Example>,
    /// Policies in force that stand on both sides with the same meaning.
    pub identical: usize,
    /// Words that only one side knows: acts that use them are not compared.
    pub not_compared: Vec<String>,
    /// What was tried at the boundary values.
    pub coverage: Coverage,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.data.is_empty()
    }
}

/// Compares two sides.
#[must_use]
pub fn compare(
    a: &Side,
    b: &Side,
    mut prover: Option<&mut dyn Prover>,
    budget: Budget,
) -> Comparison {
    let meanings = Meanings::new(a, b);
    let (on_a, on_b) = (
        worded(a, Which::A, &meanings),
        worded(b, Which::B, &meanings),
    );
    let first = prover
        .as_mut()
        .map(|prover| &mut **prover as &mut dyn Prover);
    let (b_than_a, identical) = prove((b, &on_b), (a, &on_a), first);
    let (a_than_b, _) = prove((a, &on_a), (b, &on_b), prover);
    let open = |finding: &Finding| matches!(finding, Finding::Open { .. });
    let open = [open(&a_than_b), open(&b_than_a)];
    let search = boundary::Search {
        a,
        b,
        meanings: &meanings,
        policies: parting(&on_a, &on_b, open),
        budget,
    };
    let (mut found, coverage) = search.run();
    let mut settle = |finding: Finding, way: Parting| match (finding, found.remove(&way)) {
        // An act that was judged outweighs any proof.
        (_, Some(example)) => Finding::Refuted {
            example: Box::new(example),
        },
        (Finding::Open { mut why }, None) => {
            why.push(format!(
                "no act was found among {} at the boundary values that it lets through and the other holds up; that is not a proof",
                coverage.acts
            ));
            Finding::Open { why }
        }
        (proved, _) => proved,
    };
    let b_at_least_a = settle(b_than_a, Parting::MilderB);
    let a_at_least_b = settle(a_than_b, Parting::MilderA);
    Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        rules: changes::rules(a, b),
        data: data::data(a, b),
        b_at_least_a,
        a_at_least_b,
        finer: found
            .into_values()
            .filter(|example| matches!(example.parting, Parting::Review | Parting::Obligations))
            .collect(),
        identical,
        not_compared: data::known_to_one(a, b),
        coverage,
    }
}

/// The policies that stand on one side alone, and so can part the sides, with the way in which each can: the strictest first.
/// `open` says whether it is open that A holds up what B does, and that B does what A does.
fn parting<'w>(
    on_a: &'w [Worded<'_>],
    on_b: &'w [Worded<'_>],
    open: [bool; 2],
) -> Vec<(&'w Rule, Parting)> {
    let same = |one: &Worded<'_>, other: &Worded<'_>| {
        one.key == other.key
            && one.permit == other.permit
            && one.effect == other.effect
            && one.rule.kinds == other.rule.kinds
            && one.rule.review == other.rule.review
            && one.rule.obligations == other.rule.obligations
            && one.rule.reviews == other.rule.reviews
    };
    let [a_is_open, b_is_open] = open;
    let mut all: Vec<(&Worded<'_>, Parting)> = Vec::new();
    for (mine, others, on_b) in [(on_a, on_b, false), (on_b, on_a, true)] {
        for one in mine {
            if others.iter().any(|other| same(one, other)) {
                continue;
            }
            let decides = one.effect.outcome() > crate::Outcome::Allow;
            // A forbid of B alone holds up what A lets through; a permit the other way round.
            if (decides || one.permit) && on_b != one.permit && a_is_open {
                all.push((one, Parting::MilderA));
            }
            if (decides || one.permit) && on_b == one.permit && b_is_open {
                all.push((one, Parting::MilderB));
            }
            let twin = |other: &&Worded<'_>| other.key == one.key && other.effect == one.effect;
            match one.effect {
                Effect::Obligation => all.push((one, Parting::Obligations)),
                Effect::ReviewPolicy => all.push((one, Parting::Review)),
                Effect::LicenseRequired
                    if others
                        .iter()
                        .find(twin)
                        .is_some_and(|twin| twin.rule.review != one.rule.review) =>
                {
                    all.push((one, Parting::Review));
                }
                _ => {}
            }
        }
    }
    all.sort_by_key(|(one, _)| std::cmp::Reverse(one.effect));
    all.into_iter().map(|(one, way)| (one.rule, way)).collect()
}

fn prove(
    strict: (&Side, &[Worded<'_>]),
    mild: (&Side, &[Worded<'_>]),
    prover: Option<&mut dyn Prover>,
) -> (Finding, usize) {
    let (questions, identical) = match question::questions(strict, mild) {
        Ok(asked) => asked,
        Err(why) => return (Finding::Open { why: vec![why] }, 0),
    };
    if questions.is_empty() {
        let by = By::Identity;
        return (Finding::Proved { by, claims: 0 }, identical);
    }
    let Some(prover) = prover else {
        let rules: BTreeSet<&String> = questions
            .iter()
            .flat_map(|question| &question.rules)
            .collect();
        let rules: Vec<&str> = rules.into_iter().map(String::as_str).collect();
        let why = format!(
            "no solver was asked about what differs: {}",
            rules.join(", ")
        );
        return (Finding::Open { why: vec![why] }, identical);
    };
    let mut why = Vec::new();
    for question in &questions {
        let about = format!(
            "{} for {} by {}",
            question.outcome,
            question.kind,
            question.rules.join(", ")
        );
        match prover.ask(question) {
            Answer::Holds => {}
            Answer::Fails { .. } => why.push(format!(
                "the solver finds answers to the questions of the rules that part the sides ({about}); no act need give them"
            )),
            Answer::Unknown { why: reason } => {
                why.push(format!("the solver could not say ({about}): {reason}"));
            }
        }
    }
    let finding = if why.is_empty() {
        Finding::Proved {
            by: By::Solver,
            claims: questions.len(),
        }
    } else {
        Finding::Open { why }
    };
    (finding, identical)
}
