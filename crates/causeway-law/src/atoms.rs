//! What policies turn on when not every fact is known.
//!
//! An atom is a question that is open: a small table over the unknowns that it looks at. A policy is a formula over
//! questions: for each combination of the answers of its atoms it is worked out once, and the rest is looked up. So the work
//! grows with the questions, not with the facts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use causeway_parties::Certainty;

use crate::candidates::{Candidate, candidates};
use crate::formula::Formula;
use crate::reader::{InWorld, Sure, not};
use crate::scene::{Needs, Scene, Slot};
use crate::table::{Digits, Table};

/// Most combinations of atoms' answers for which a policy is worked out at once, to see whether it turns on any.
const AT_ONCE: usize = 512;

/// Certain answers, each found once.
pub(crate) struct Answers<'s, 'a> {
    scene: &'s Scene<'a>,
    known: Vec<Cell<Option<Certainty>>>,
}

impl<'s, 'a> Answers<'s, 'a> {
    pub(crate) fn new(scene: &'s Scene<'a>) -> Self {
        Self {
            scene,
            known: vec![Cell::new(None); scene.law.questions.len()],
        }
    }

    /// The answer to a question: open where it may turn on an unknown.
    pub(crate) fn of(&self, question: u16) -> Certainty {
        let ask = || {
            self.scene
                .answer(self.scene.law.question(question), &mut Sure)
        };
        match self.known.get(usize::from(question)) {
            Some(cell) => cell.get().unwrap_or_else(|| {
                let answer = ask();
                cell.set(Some(answer));
                answer
            }),
            None => ask(),
        }
    }

    /// A formula, as far as what is certain tells.
    pub(crate) fn holds(&self, formula: &Formula<u16>) -> Certainty {
        work_out(formula, &mut |question| self.of(question))
    }

    /// The open questions on which an open formula can still turn.
    fn residue(&self, formula: &Formula<u16>, open: &mut BTreeSet<u16>) {
        if self.holds(formula) != Certainty::Open {
            return;
        }
        match formula {
            Formula::Constant(_) => {}
            Formula::Ask(question) => {
                open.insert(*question);
            }
            Formula::Not(inner) => self.residue(inner, open),
            Formula::All(parts) | Formula::Any(parts) => {
                for part in parts {
                    self.residue(part, open);
                }
            }
        }
    }
}

/// A formula in three values.
pub(crate) fn work_out(
    formula: &Formula<u16>,
    answer: &mut impl FnMut(u16) -> Certainty,
) -> Certainty {
    match formula {
        Formula::Constant(value) => (*value).into(),
        Formula::Ask(question) => answer(*question),
        Formula::Not(inner) => not(work_out(inner, answer)),
        Formula::All(parts) => {
            let mut least = Certainty::Yes;
            for part in parts {
                least = least.min(work_out(part, answer));
                if least == Certainty::No {
                    break;
                }
            }
            least
        }
        Formula::Any(parts) => {
            let mut greatest = Certainty::No;
            for part in parts {
                greatest = greatest.max(work_out(part, answer));
                if greatest == Certainty::Yes {
                    break;
                }
            }
            greatest
        }
    }
}

/// What became of a policy.
pub(crate) enum Solved {
    /// Satisfied or not, whatever the unknowns are.
    Fixed(bool),
    /// It turns on unknowns.
    Table(Table),
    /// It may turn on these, which are too many to try.
    TooMany(BTreeSet<Slot>),
}

enum Atom {
    Table(Table),
    /// More unknowns than can be tried.
    TooMany(BTreeSet<Slot>),
}

/// The open questions of open policies.
pub(crate) struct Atoms<'s, 'a> {
    answers: &'s Answers<'s, 'a>,
    all: BTreeMap<u16, Atom>,
    /// The values at which each unknown is tried.
    pub(crate) candidates: BTreeMap<Slot, Vec<Candidate>>,
}

impl<'s, 'a> Atoms<'s, 'a> {
    /// `open`: the formulas that are open.
    pub(crate) fn new<'f>(
        answers: &'s Answers<'s, 'a>,
        open: impl Iterator<Item = &'f Formula<u16>>,
    ) -> Self {
        let scene = answers.scene;
        let mut questions = BTreeSet::new();
        for formula in open {
            answers.residue(formula, &mut questions);
        }
        let looks: Vec<(u16, Vec<(Slot, Needs)>)> = questions
            .into_iter()
            .map(|question| (question, scene.looks_at(scene.law.question(question))))
            .collect();
        let mut needs: BTreeMap<Slot, Needs> = BTreeMap::new();
        for (slot, need) in looks.iter().flat_map(|(_, looks_at)| looks_at) {
            needs.entry(*slot).or_default().merge(need);
        }
        let candidates: BTreeMap<Slot, Vec<Candidate>> = needs
            .iter()
            .map(|(slot, need)| (*slot, candidates(scene, *slot, need)))
            .collect();
        let all = looks
            .into_iter()
            .map(|(id, looks_at)| {
                let question = scene.law.question(id);
                let table = Table::fill(&looks_at, &candidates, |world| {
                    match scene.answer(question, &mut InWorld(world)) {
                        Certainty::Yes => Some(true),
                        Certainty::No => Some(false),
                        // A world gives every unknown a value; if not, nothing is known of the question.
                        Certainty::Open => None,
                    }
                });
                let slots = || looks_at.iter().map(|(slot, _)| *slot).collect();
                (
                    id,
                    table.map_or_else(|| Atom::TooMany(slots()), Atom::Table),
                )
            })
            .collect();
        Self {
            answers,
            all,
            candidates,
        }
    }

    /// Whether an open formula is satisfied, for every value of the unknowns.
    pub(crate) fn solve(&self, formula: &Formula<u16>) -> Solved {
        let mut questions = BTreeSet::new();
        self.answers.residue(formula, &mut questions);
        let open: Vec<(u16, &Atom)> = questions
            .iter()
            .filter_map(|question| Some((*question, self.all.get(question)?)))
            .collect();
        let holds = |values: &[bool]| {
            let answer = work_out(formula, &mut |question| {
                let at = open.binary_search_by_key(&question, |(open, _)| *open);
                match at.ok().and_then(|at| values.get(at)) {
                    Some(value) => (*value).into(),
                    None => self.answers.of(question),
                }
            });
            answer == Certainty::Yes
        };
        // At every combination of answers, possible or not: where none of them matters, nothing turns on an unknown.
        let widths = vec![2; open.len()];
        if 1usize
            .checked_shl(u32::try_from(open.len()).unwrap_or(u32::MAX))
            .is_some_and(|all| all <= AT_ONCE)
        {
            let mut digits = Digits::new(&widths);
            let (mut yes, mut no) = (false, false);
            let mut values = vec![false; open.len()];
            while let Some(digits) = digits.next() {
                for (value, digit) in values.iter_mut().zip(digits) {
                    *value = *digit == 1;
                }
                if holds(&values) {
                    yes = true;
                } else {
                    no = true;
                }
                if yes && no {
                    break;
                }
            }
            if yes != no {
                return Solved::Fixed(yes);
            }
        }
        let slots = || {
            let of = |atom: &Atom| -> Vec<Slot> {
                match atom {
                    Atom::Table(table) => table.turns_on().collect(),
                    Atom::TooMany(slots) => slots.iter().copied().collect(),
                }
            };
            open.iter().flat_map(|(_, atom)| of(atom)).collect()
        };
        let tables: Option<Vec<&Table>> = open
            .iter()
            .map(|(_, atom)| match atom {
                Atom::Table(table) => Some(table),
                Atom::TooMany(_) => None,
            })
            .collect();
        match tables.and_then(|tables| Table::join(&tables, holds)) {
            Some(table) => Solved::Table(table),
            None => Solved::TooMany(slots()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn formulas() -> impl Strategy<Value = Formula<u16>> {
        let leaf = prop_oneof![
            (0u16..5).prop_map(Formula::Ask),
            any::<bool>().prop_map(Formula::Constant)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|part| Formula::Not(Box::new(part))),
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Formula::All),
                proptest::collection::vec(inner, 0..4).prop_map(Formula::Any),
            ]
        })
    }

    proptest! {
        /// What three values call certain is so whatever the open answers are.
        #[test]
        fn certain_is_certain(formula in formulas(), known in proptest::array::uniform5(proptest::option::of(any::<bool>()))) {
            let three = work_out(&formula, &mut |question| {
                known[usize::from(question)].map_or(Certainty::Open, Certainty::from)
            });
            for world in 0u32..32 {
                let two = work_out(&formula, &mut |question| {
                    known[usize::from(question)].unwrap_or(world >> question & 1 == 1).into()
                });
                prop_assert_ne!(two, Certainty::Open);
                prop_assert!(three == Certainty::Open || three == two);
            }
        }
    }
}
