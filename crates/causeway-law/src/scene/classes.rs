//! Classes of items and of parties: definitions, read in a world.

use std::collections::BTreeMap;

use causeway_domain::Fact;
use causeway_parties::{Certainty, Party, PartyKind, cascade, flagged_holders};

use super::{Scene, Slot, World};
use crate::cedar::{Attribute, Mention};
use crate::definitions::{Condition, Definition, Field};
use crate::groups::Member;

impl Scene<'_> {
    pub(super) fn class(
        &self,
        classes: &BTreeMap<String, Vec<Definition>>,
        class: &str,
        holds: &dyn Fn(&Condition) -> bool,
    ) -> bool {
        let answers: Vec<bool> = classes
            .get(class)
            .into_iter()
            .flatten()
            .filter(|definition| {
                let day = self.day(&definition.jurisdiction);
                definition.from.is_none_or(|from| from <= day)
                    && definition.to.is_none_or(|to| day <= to)
            })
            .map(|definition| holds(&definition.condition))
            .collect();
        answers.into_iter().any(|answer| answer)
    }

    pub(super) fn item(&self, condition: &Condition, world: &World) -> bool {
        match condition {
            Condition::All(list) => {
                eager(list, |inner| self.item(inner, world)).all(|answer| answer)
            }
            Condition::Any(list) => {
                eager(list, |inner| self.item(inner, world)).any(|answer| answer)
            }
            Condition::Not(inner) => !self.item(inner, world),
            Condition::Class(class) => self.class(&self.packs.definitions.items, class, &|inner| {
                self.item(inner, world)
            }),
            Condition::Measure {
                name,
                comparison,
                value,
            } => self.measure(name, *comparison, *value, world),
            Condition::Flag { name, is } => self.flag(name, world) == *is,
            Condition::Chip(ids) => ids.contains(&self.chip_id(
                &Mention {
                    words: ids.clone(),
                    ..Mention::default()
                },
                world,
            )),
            Condition::Lines { lines, of } => self.lines(lines, of, world),
            Condition::Fact(name) => {
                self.fact(name, &Mention::default(), world) == Attribute::Flag(true)
            }
            // Conditions on parties: an item is none.
            Condition::Country { .. }
            | Condition::Listed(_)
            | Condition::Ciio
            | Condition::Role(_)
            | Condition::OwnedBy { .. }
            | Condition::Holder { .. } => false,
        }
    }

    pub(super) fn party(&self, index: usize, condition: &Condition, world: &World) -> bool {
        match condition {
            Condition::All(list) => {
                eager(list, |inner| self.party(index, inner, world)).all(|answer| answer)
            }
            Condition::Any(list) => {
                eager(list, |inner| self.party(index, inner, world)).any(|answer| answer)
            }
            Condition::Not(inner) => !self.party(index, inner, world),
            Condition::Class(class) => {
                self.class(&self.packs.definitions.parties, class, &|inner| {
                    self.party(index, inner, world)
                })
            }
            Condition::Country { field, tokens } => {
                self.at(&self.seat(index, *field), tokens, world)
            }
            Condition::Listed(lists) => self.listed(index, lists, world),
            Condition::Role(roles) => self
                .act
                .parties
                .get(index)
                .is_some_and(|party| roles.contains(party.role.word())),
            Condition::Ciio => match self.act.parties.get(index).map(|party| &party.ciio) {
                Some(Fact::Known(known, _)) => *known,
                Some(Fact::Unknown(why)) => {
                    self.open_flag(&Slot::Ciio(index), || why.clone(), world)
                }
                None => false,
            },
            Condition::Fact(name) => {
                self.fact(name, &Mention::default(), world) == Attribute::Flag(true)
            }
            Condition::OwnedBy {
                by,
                at_least,
                number,
            } => {
                let Some(key) = self.act.parties.get(index).map(|party| party.id.as_str()) else {
                    return false;
                };
                let found = self
                    .cascades
                    .borrow_mut()
                    .entry(*number)
                    .or_insert_with(|| {
                        cascade(&self.act.register, *at_least, |party| self.sure(party, by))
                    })
                    .of(key);
                match found {
                    Certainty::Yes => true,
                    Certainty::No => false,
                    Certainty::Open => {
                        let why = || {
                            format!(
                                "the owners of `{}` and their shares are not all known",
                                self.name(index)
                            )
                        };
                        self.open_flag(&Slot::Owned(index, *number), why, world)
                    }
                }
            }
            Condition::Holder { by, from, number } => {
                let Some(key) = self.act.parties.get(index).map(|party| party.id.as_str()) else {
                    return false;
                };
                let flags =
                    flagged_holders(&self.act.register, key, *from, |party| self.sure(party, by));
                match flags.any() {
                    Certainty::Yes => true,
                    Certainty::No => false,
                    Certainty::Open => self.open_flag(
                        &Slot::Holder(index, *number),
                        || {
                            flags
                                .possible
                                .iter()
                                .cloned()
                                .collect::<Vec<_>>()
                                .join("; ")
                        },
                        world,
                    ),
                }
            }
            Condition::Measure { .. }
            | Condition::Flag { .. }
            | Condition::Chip(_)
            | Condition::Lines { .. } => false,
        }
    }

    /// Whether a condition holds of a party of the register, in three values: what is unknown or under review is open.
    pub(super) fn sure(&self, party: &Party, condition: &Condition) -> Certainty {
        match condition {
            Condition::All(list) => list
                .iter()
                .map(|inner| self.sure(party, inner))
                .min()
                .unwrap_or(Certainty::Yes),
            Condition::Any(list) => list
                .iter()
                .map(|inner| self.sure(party, inner))
                .max()
                .unwrap_or(Certainty::No),
            Condition::Not(inner) => match self.sure(party, inner) {
                Certainty::Yes => Certainty::No,
                Certainty::No => Certainty::Yes,
                Certainty::Open => Certainty::Open,
            },
            Condition::Listed(lists) => {
                party.on_any(&lists.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Condition::Country { field, tokens } => {
                let country = match (field, &party.incorporated) {
                    (Field::Home, Some(incorporated)) => incorporated,
                    _ => &party.headquarters,
                };
                match country {
                    _ if party.kind == PartyKind::Dispersed => Certainty::No,
                    Fact::Unknown(_) => Certainty::Open,
                    Fact::Known(country, _) => {
                        let groups = self.groups_of(*country);
                        let state = |token: &String| match groups.get(token.as_str()) {
                            _ if token == country.code() => Certainty::Yes,
                            Some(Member::In) => Certainty::Yes,
                            Some(Member::Review) => Certainty::Open,
                            Some(Member::Out) | None => Certainty::No,
                        };
                        tokens.iter().map(state).max().unwrap_or(Certainty::No)
                    }
                }
            }
            // Nothing that a register knows: open, so that it never clears anybody.
            _ => Certainty::Open,
        }
    }
}

/// Every answer before any is combined: no short circuit, so that the notebook sees every fact.
fn eager<'c>(
    list: &'c [Condition],
    answer: impl FnMut(&'c Condition) -> bool,
) -> std::vec::IntoIter<bool> {
    list.iter().map(answer).collect::<Vec<_>>().into_iter()
}
