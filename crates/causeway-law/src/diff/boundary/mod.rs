//! Acts at the values that the rules of two sides tell apart, judged on both.
//!
//! A policy that stands on one side alone is the only thing that can part them, so for each such policy and each kind of act
//! that it speaks of, acts are made that differ in what the policy asks, from a base on which nothing turns: each side of
//! every line of either side, countries of each kind, each fact, each authorisation. The likeliest come first; past a budget
//! the rest is cut, and said to be.

mod axes;
mod draft;
mod holds;
mod items;
mod parties;

use std::collections::{BTreeMap, BTreeSet};

use axes::{Axis, Frame, axes};
use draft::{Draft, Edit, is_sent};
use serde::Serialize;

use super::Side;
use super::example::{Example, Parting};
use super::meaning::{Meanings, Which};
use crate::packs::Rule;
use crate::{Act, ActKind, Outcome, cases};

/// Most combinations that are put in order for one policy and kind of act.
const ORDERED: usize = 100_000;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Acts for one policy and one kind of act.
    pub acts_a_policy: usize,
    /// Acts in all.
    pub acts: usize,
}

impl Default for Budget {
    /// 800 acts a policy and kind, 8,000 in all.
    fn default() -> Self {
        Self {
            acts_a_policy: 800,
            acts: 8_000,
        }
    }
}

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// Different acts that were judged on both sides.
    pub acts: usize,
    /// Policies and kinds of act of which every combination was tried.
    pub whole: usize,
    /// What was cut, in words.
    pub cut: Vec<String>,
}

/// What is searched for.
pub(super) struct Search<'s> {
    pub(super) a: &'s Side,
    pub(super) b: &'s Side,
    pub(super) meanings: &'s Meanings<'s>,
    /// The policies that stand on one side alone, with the way in which each can part the sides.
    pub(super) policies: Vec<(&'s Rule, Parting)>,
    pub(super) budget: Budget,
}

impl Search<'_> {
    /// Judges acts around each policy until its way to part has an example, or the budget is used up.
    pub(super) fn run(&self) -> (BTreeMap<Parting, Example>, Coverage) {
        let mut found: BTreeMap<Parting, Example> = BTreeMap::new();
        let mut coverage = Coverage::default();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut bases: BTreeMap<ActKind, (String, String)> = BTreeMap::new();
        let mut done: BTreeSet<(ActKind, String)> = BTreeSet::new();
        for (rule, way) in &self.policies {
            for kind in &rule.kinds {
                if found.contains_key(way) {
                    break;
                }
                let key = format!("{} {}", rule.effect.is_none(), rule.conditions);
                if !done.insert((*kind, key)) {
                    continue;
                }
                let base = bases.entry(*kind).or_insert_with(|| self.base(*kind));
                self.around(
                    (rule, *way),
                    *kind,
                    base,
                    &mut seen,
                    &mut found,
                    &mut coverage,
                );
            }
        }
        (found, coverage)
    }

    /// Two countries between which an act of the kind is allowed on both sides, if there are such.
    fn base(&self, kind: ActKind) -> (String, String) {
        let calm = ["NO", "CH", "NZ", "IS", "UY", "CR"];
        for from in calm {
            for to in calm {
                if (from == to) == is_sent(kind) {
                    continue;
                }
                let draft = Draft::new(kind, self.a.day, (from, to), &[]);
                let allowed = act_of(&draft).is_some_and(|act| {
                    [self.a, self.b]
                        .iter()
                        .all(|side| side.judge(&act).outcome == Outcome::Allow)
                });
                if allowed {
                    return (from.to_owned(), to.to_owned());
                }
            }
        }
        ("NO".to_owned(), "CH".to_owned())
    }

    fn around(
        &self,
        (rule, wanted): (&Rule, Parting),
        kind: ActKind,
        base: &(String, String),
        seen: &mut BTreeSet<String>,
        found: &mut BTreeMap<Parting, Example>,
        coverage: &mut Coverage,
    ) {
        let base = (base.0.as_str(), base.1.as_str());
        let frame = Frame {
            sides: [(Which::A, self.a), (Which::B, self.b)],
            meanings: self.meanings,
            kind,
            base,
        };
        let mut axes = axes(&frame, rule);
        let mut cut: usize = axes.iter().map(|axis| axis.cut).sum();
        // The widest axis gives way until the combinations can be put in order.
        while total(&axes).is_none() {
            let Some(widest) = axes.iter_mut().max_by_key(|axis| axis.values.len()) else {
                break;
            };
            widest.values.pop();
            cut += 1;
        }
        let all = total(&axes).unwrap_or(0);
        let mut order: Vec<(usize, usize)> = (0..all)
            .map(|number| (digits(&axes, number).map(|(_, digit)| digit).sum(), number))
            .collect();
        order.sort_unstable();
        let mut tried = 0;
        for (_, number) in order {
            if tried >= self.budget.acts_a_policy || coverage.acts >= self.budget.acts {
                break;
            }
            tried += 1;
            let edits: Vec<&Edit> = digits(&axes, number)
                .filter_map(|(axis, digit)| axis.values.get(digit))
                .collect();
            let draft = Draft::new(kind, self.a.day, base, &edits);
            let text = draft.text();
            if !seen.insert(text) {
                continue;
            }
            let Some(act) = act_of(&draft) else { continue };
            coverage.acts += 1;
            let (a, b) = (self.a.judge(&act), self.b.judge(&act));
            if let Some(way) = Parting::between(&a, &b)
                && !found.contains_key(&way)
                && let Some(example) = Example::new((self.a, &a), (self.b, &b), way, draft.fields())
            {
                found.insert(way, example);
            }
            if found.contains_key(&wanted) {
                return;
            }
        }
        if tried < all || cut > 0 {
            let names: Vec<&str> = axes.iter().map(|axis| axis.what.as_str()).collect();
            let values = if cut > 0 {
                format!(", and {cut} values left out")
            } else {
                String::new()
            };
            coverage.cut.push(format!(
                "{} for {kind}: {tried} of {all} combinations of {}{values}",
                rule.info.id,
                names.join(", ")
            ));
        } else {
            coverage.whole += 1;
        }
    }
}

fn total(axes: &[Axis]) -> Option<usize> {
    axes.iter().try_fold(1usize, |all, axis| {
        all.checked_mul(axis.values.len())
            .filter(|all| *all <= ORDERED)
    })
}

/// Which value of each axis a combination has.
fn digits(axes: &[Axis], number: usize) -> impl Iterator<Item = (&Axis, usize)> {
    let mut rest = number;
    axes.iter().map(move |axis| {
        let width = axis.values.len().max(1);
        let digit = rest % width;
        rest /= width;
        (axis, digit)
    })
}

/// The act of a draft, read as any case is.
fn act_of(draft: &Draft) -> Option<Act> {
    let case = cases::parse(&draft.text()).ok()?.pop()?;
    case.act.filter(|_| case.unknown.is_empty())
}
