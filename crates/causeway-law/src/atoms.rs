//! Atoms: the single questions that policies ask of an act (`context.to.contains("CN")`, `context.facts.end_use`).
//!
//! An atom is a small table over the unknowns that it looks at. A policy is a function of its atoms: Cedar is asked once
//! for each combination of their values, and the rest is looked up. So the work grows with the questions, not with the facts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::candidates::{Candidate, candidates};
use crate::cedar::{Attribute, Kind, Mention, Satisfied};
use crate::scene::{Needs, Scene, Slot, World};
use crate::table::{Table, combinations};

/// Most combinations of atoms' values for which a policy is asked at once, to see whether it turns on any.
const AT_ONCE: usize = 512;

/// One question.
struct Atom {
    /// Its values. For a word of a set: no, yes.
    values: Vec<Attribute>,
    state: State,
}

enum State {
    /// Every fact that it looks at is known.
    Known,
    Open(Table),
    /// More unknowns than can be tried.
    TooMany(BTreeSet<Slot>),
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

/// A question before it is a table: attribute, word of a set, what it is compared with, the unknowns that it looks at.
type Look<'m> = (&'m str, Option<String>, Mention, BTreeMap<Slot, Needs>);

/// Every question of a slice.
pub(crate) struct Atoms<'s, 'a> {
    scene: &'s Scene<'a>,
    all: BTreeMap<(String, Option<String>), Atom>,
    /// The values at which each unknown is tried.
    pub(crate) candidates: BTreeMap<Slot, Vec<Candidate>>,
    base: World,
}

impl<'s, 'a> Atoms<'s, 'a> {
    pub(crate) fn new(scene: &'s Scene<'a>, mentions: &BTreeMap<&str, Mention>) -> Self {
        let mut looks: Vec<Look<'_>> = Vec::new();
        let mut needs: BTreeMap<Slot, Needs> = BTreeMap::new();
        for (path, mention) in mentions {
            // Most attributes look at known facts only: one look tells.
            if scene.looks_at(path, mention).is_empty() {
                continue;
            }
            for (word, part) in parts(scene, path, mention) {
                let looks_at = scene.looks_at(path, &part);
                for (slot, need) in &looks_at {
                    needs.entry(slot.clone()).or_default().merge(need);
                }
                looks.push((path, word, part, looks_at));
            }
        }
        let candidates: BTreeMap<Slot, Vec<Candidate>> = needs
            .iter()
            .map(|(slot, need)| (slot.clone(), candidates(scene, slot, need)))
            .collect();
        let base: World = candidates
            .iter()
            .filter_map(|(slot, list)| {
                list.first()
                    .map(|first| (slot.clone(), first.value.clone()))
            })
            .collect();
        let mut all = BTreeMap::new();
        for (path, word, part, looks_at) in looks {
            let values = RefCell::new(if word.is_some() {
                vec![Attribute::Flag(false), Attribute::Flag(true)]
            } else {
                Vec::new()
            });
            let number = |world: &World| {
                let value = match (scene.attribute(path, &part, world), &word) {
                    (Attribute::Set(held), Some(_)) => Attribute::Flag(!held.is_empty()),
                    // Words that no policy compares with are one to all.
                    (Attribute::Word(word), _) if !part.words.contains(&word) => {
                        Attribute::Word(String::new())
                    }
                    (value, _) => value,
                };
                let mut values = values.borrow_mut();
                values
                    .iter()
                    .position(|known| *known == value)
                    .unwrap_or_else(|| {
                        values.push(value);
                        values.len() - 1
                    })
            };
            let state = if looks_at.is_empty() {
                State::Known
            } else {
                match Table::fill(&looks_at, &candidates, &base, number) {
                    Some(table) => State::Open(table),
                    None => State::TooMany(looks_at.into_keys().collect()),
                }
            };
            all.insert(
                (path.to_owned(), word.clone()),
                Atom {
                    values: values.into_inner(),
                    state,
                },
            );
        }
        Self {
            scene,
            all,
            candidates,
            base,
        }
    }

    /// Every attribute in the first world. Right for policies that ask nothing open.
    pub(crate) fn at_base<'m>(
        &self,
        mentions: &BTreeMap<&'m str, Mention>,
    ) -> BTreeMap<&'m str, Attribute> {
        mentions
            .iter()
            .map(|(path, mention)| (*path, self.scene.attribute(path, mention, &self.base)))
            .collect()
    }

    /// Whether a policy is satisfied, for every value of the unknowns.
    ///
    /// # Errors
    /// An error of Cedar, in words.
    pub(crate) fn solve(
        &self,
        policy: usize,
        mentions: &BTreeMap<String, Mention>,
        known: &Satisfied,
    ) -> Result<Solved, String> {
        let mut open: Vec<(&str, Option<String>, &Atom)> = Vec::new();
        for (path, mention) in mentions {
            for (word, _) in parts(self.scene, path, mention) {
                if let Some(atom) = self.all.get(&(path.clone(), word.clone()))
                    && !matches!(atom.state, State::Known)
                {
                    open.push((path, word, atom));
                }
            }
        }
        if open.is_empty() {
            return match known.errors.get(&policy) {
                Some(error) => Err(error.clone()),
                None => Ok(Solved::Fixed(known.policies.contains(&policy))),
            };
        }
        let fixed: BTreeMap<&str, Attribute> = mentions
            .iter()
            .map(|(path, mention)| {
                (
                    path.as_str(),
                    self.scene.attribute(path, mention, &self.base),
                )
            })
            .collect();
        let mut remembered: BTreeMap<Vec<usize>, bool> = BTreeMap::new();
        let mut ask = |values: &[usize]| -> Result<bool, String> {
            if let Some(answer) = remembered.get(values) {
                return Ok(*answer);
            }
            let mut given = fixed.clone();
            for ((path, word, atom), value) in open.iter().zip(values) {
                let Some(value) = atom.values.get(*value) else {
                    return Err("an atom without a value".to_owned());
                };
                match (given.get_mut(path), word, value) {
                    (Some(Attribute::Set(held)), Some(word), Attribute::Flag(true)) => {
                        held.insert(word.clone());
                    }
                    (Some(Attribute::Set(held)), Some(word), _) => {
                        held.remove(word);
                    }
                    (_, _, value) => {
                        given.insert(path, value.clone());
                    }
                }
            }
            let request = self
                .scene
                .packs
                .compiled
                .request_of(self.scene.kind, &given)?;
            let answer = self.scene.packs.compiled.one(policy, &request)?;
            remembered.insert(values.to_vec(), answer);
            Ok(answer)
        };
        // At every combination of answers, possible or not: most policies are decided by what is known.
        let widths: Vec<usize> = open.iter().map(|(_, _, atom)| atom.values.len()).collect();
        if widths
            .iter()
            .try_fold(1usize, |all, width| {
                all.checked_mul(*width).filter(|all| *all <= AT_ONCE)
            })
            .is_some()
        {
            let answers = combinations(&widths)
                .map(|values| ask(&values))
                .collect::<Result<BTreeSet<bool>, String>>()?;
            if let (1, Some(only)) = (answers.len(), answers.first()) {
                return Ok(Solved::Fixed(*only));
            }
        }
        let slots = || {
            open.iter()
                .flat_map(|(_, _, atom)| match &atom.state {
                    State::Known => Vec::new(),
                    State::Open(table) => table.turns_on().cloned().collect(),
                    State::TooMany(slots) => slots.iter().cloned().collect(),
                })
                .collect()
        };
        let tables: Option<Vec<&Table>> = open
            .iter()
            .map(|(_, _, atom)| match &atom.state {
                State::Open(table) => Some(table),
                State::Known | State::TooMany(_) => None,
            })
            .collect();
        let Some(tables) = tables else {
            return Ok(Solved::TooMany(slots()));
        };
        Ok(
            match Table::join(&tables, |values| ask(values).map(usize::from))? {
                Some(table) => Solved::Table(table),
                None => Solved::TooMany(slots()),
            },
        )
    }
}

/// The questions about an attribute: a set is asked word by word, so that a policy that asks for one class does not look at
/// what another asks. Anything else is one question.
fn parts(scene: &Scene<'_>, path: &str, mention: &Mention) -> Vec<(Option<String>, Mention)> {
    if scene.packs.compiled.kind_of(path) == Some(Kind::Set) {
        mention
            .words
            .iter()
            .map(|word| {
                (
                    Some(word.clone()),
                    Mention {
                        words: BTreeSet::from([word.clone()]),
                        numbers: BTreeSet::new(),
                    },
                )
            })
            .collect()
    } else {
        vec![(None, mention.clone())]
    }
}
