//! Classes of items and of parties: definitions, read.

use std::cell::Cell;

use causeway_domain::Fact;
use causeway_parties::{Certainty, Party, PartyKind, cascade, flagged_holders};
use rust_decimal::Decimal;

use super::{Scene, Slot};
use crate::bits::Asked;
use crate::definitions::Field;
use crate::law::{Test, Wanted};
use crate::reader::{Reader, all, any, not};

impl Scene<'_> {
    pub(crate) fn item_class<R: Reader>(&self, class: u16, reader: &mut R) -> Certainty {
        let known = self.item_classes.get(usize::from(class));
        remembered(known, reader, |reader| self.items_of(class, reader))
    }

    fn items_of<R: Reader>(&self, class: u16, reader: &mut R) -> Certainty {
        any(
            reader,
            self.epoch.items(self.law, class),
            |reader, definition| self.item(&definition.test, reader),
        )
    }

    pub(crate) fn item<R: Reader>(&self, test: &Test, reader: &mut R) -> Certainty {
        match test {
            Test::All(list) => all(reader, list, |reader, inner| self.item(inner, reader)),
            Test::Any(list) => any(reader, list, |reader, inner| self.item(inner, reader)),
            Test::Not(inner) => not(self.item(inner, reader)),
            Test::Class(class) => self.item_class(*class, reader),
            Test::Measure {
                measure,
                comparison,
                value,
            } => self.measure(*measure, *comparison, *value, reader),
            Test::Flag { flag, is } => {
                let answer = self.flag(*flag, reader);
                if *is { answer } else { not(answer) }
            }
            Test::Chip(ids) => self.chip(Asked::Any(ids), reader),
            Test::Lines(lines) => self.lines(lines, reader),
            Test::Fact(fact) => self.fact(*fact, Wanted::Yes, reader),
            // Conditions on parties: an item is none.
            Test::Country { .. }
            | Test::Listed(_)
            | Test::Ciio
            | Test::Role(_)
            | Test::OwnedBy { .. }
            | Test::Holder { .. }
            | Test::Never => Certainty::No,
        }
    }

    pub(crate) fn party_class<R: Reader>(
        &self,
        index: usize,
        class: u16,
        reader: &mut R,
    ) -> Certainty {
        let known = self
            .classes
            .get(index * self.law.party_classes.len() + usize::from(class));
        remembered(known, reader, |reader| {
            any(
                reader,
                self.epoch.parties(self.law, class),
                |reader, definition| self.party(index, &definition.test, reader),
            )
        })
    }

    pub(crate) fn party<R: Reader>(&self, index: usize, test: &Test, reader: &mut R) -> Certainty {
        let Some(party) = self.taking(index) else {
            return Certainty::No;
        };
        match test {
            Test::All(list) => all(reader, list, |reader, inner| {
                self.party(index, inner, reader)
            }),
            Test::Any(list) => any(reader, list, |reader, inner| {
                self.party(index, inner, reader)
            }),
            Test::Not(inner) => not(self.party(index, inner, reader)),
            Test::Class(class) => self.party_class(index, *class, reader),
            Test::Country { field, tokens } => {
                self.at(self.seat(index, *field), Asked::Any(tokens), reader)
            }
            Test::Listed(lists) => self.listed(index, Asked::Any(lists), reader),
            Test::Role(roles) => roles.meets(party.role).into(),
            Test::Ciio => match &party.stated.ciio {
                Fact::Known(known, _) => (*known).into(),
                Fact::Unknown(_) => reader.flag(Slot::Ciio(index)),
            },
            Test::Fact(fact) => self.fact(*fact, Wanted::Yes, reader),
            Test::OwnedBy {
                by,
                at_least,
                number,
            } => match self.owned(&party.stated.id, by, *at_least, *number) {
                Certainty::Open => reader.flag(Slot::Owned(index, *number)),
                certain => certain,
            },
            Test::Holder { by, from, number } => {
                if self.nobody_owns(&party.stated.id, by, *number) {
                    return Certainty::No;
                }
                let flags = flagged_holders(&self.act.register, &party.stated.id, *from, |party| {
                    self.sure(party, by)
                });
                match flags.any() {
                    Certainty::Open => reader.flag(Slot::Holder(index, *number)),
                    certain => certain,
                }
            }
            Test::Measure { .. }
            | Test::Flag { .. }
            | Test::Chip(_)
            | Test::Lines(_)
            | Test::Never => Certainty::No,
        }
    }

    /// Whether a party is owned to a share in sum by parties that pass a test.
    fn owned(&self, key: &str, by: &Test, at_least: Decimal, number: u16) -> Certainty {
        if at_least > Decimal::ZERO && self.nobody_owns(key, by, number) {
            return Certainty::No;
        }
        self.cascades
            .borrow_mut()
            .entry(number)
            .or_insert_with(|| cascade(&self.act.register, at_least, |party| self.sure(party, by)))
            .of(key)
    }

    /// Whether it is plain that no owner of a party passes a test: nobody in the register does, every company's owners are
    /// all named, and all of them are in the register. Then there is nothing to walk.
    fn nobody_owns(&self, key: &str, by: &Test, number: u16) -> bool {
        let register = &self.act.register;
        let whole = *self.whole.get_or_init(|| {
            register.parties.values().all(|party| {
                party.kind != PartyKind::Company
                    || (party.owners_complete
                        && party
                            .owners
                            .iter()
                            .all(|holding| register.get(&holding.holder).is_some()))
            })
        });
        if !whole || register.get(key).is_none() {
            return false;
        }
        let look = || {
            register
                .parties
                .values()
                .all(|party| self.sure(party, by) == Certainty::No)
        };
        match self.nobody.get(usize::from(number)) {
            Some(cell) => cell.get().unwrap_or_else(|| {
                let nobody = look();
                cell.set(Some(nobody));
                nobody
            }),
            None => look(),
        }
    }

    /// Whether a test holds of a party of the register, in three values: what is unknown or under review is open.
    pub(super) fn sure(&self, party: &Party, test: &Test) -> Certainty {
        match test {
            Test::All(list) => list
                .iter()
                .map(|inner| self.sure(party, inner))
                .min()
                .unwrap_or(Certainty::Yes),
            Test::Any(list) => list
                .iter()
                .map(|inner| self.sure(party, inner))
                .max()
                .unwrap_or(Certainty::No),
            Test::Not(inner) => not(self.sure(party, inner)),
            Test::Listed(lists) => self.stands_on(party, Asked::Any(lists)),
            Test::Country { field, tokens } => {
                let country = match (field, &party.incorporated) {
                    (Field::Home, Some(incorporated)) => incorporated,
                    _ => &party.headquarters,
                };
                match country {
                    _ if party.kind == PartyKind::Dispersed => Certainty::No,
                    Fact::Unknown(_) => Certainty::Open,
                    Fact::Known(country, _) => {
                        let row = self.row(*country);
                        if row.held.meets(tokens) {
                            Certainty::Yes
                        } else if row.review.meets(tokens) {
                            Certainty::Open
                        } else {
                            Certainty::No
                        }
                    }
                }
            }
            // Nothing that a register knows: open, so that it never clears anybody.
            _ => Certainty::Open,
        }
    }
}

/// An answer that was found before, else found now. What is certain is so in every world; what is open is so only as long as
/// no world is asked.
fn remembered<R: Reader>(
    known: Option<&Cell<Option<Certainty>>>,
    reader: &mut R,
    find: impl FnOnce(&mut R) -> Certainty,
) -> Certainty {
    match known.and_then(Cell::get) {
        Some(Certainty::Open) if !R::CERTAIN => {}
        Some(answer) => return answer,
        None => {}
    }
    let answer = find(reader);
    if let (true, Some(cell)) = (R::CERTAIN, known) {
        cell.set(Some(answer));
    }
    answer
}
