//! Where: countries that are known, and those that are not.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Fact};
use causeway_parties::{Parent, Party};

use super::{Place, Scene, Slot, Value, World};
use crate::ActKind;
use crate::definitions::Field;
use crate::groups::Member;

impl<'a> Scene<'a> {
    pub(super) fn place(&self, fact: &Fact<Country>, slot: Slot) -> Place {
        match fact {
            Fact::Known(country, _) => Place::Known(*country),
            Fact::Unknown(why) => {
                self.note(&slot, || why.clone(), [], []);
                Place::Open(slot)
            }
        }
    }

    pub(super) fn destination(&self) -> Place {
        self.place(&self.to, Slot::To)
    }

    pub(super) fn registered(&self, index: usize) -> Option<&Party> {
        self.act
            .parties
            .get(index)
            .and_then(|party| self.act.register.get(&party.id))
    }

    pub(super) fn seat(&self, index: usize, field: Field) -> Place {
        let Some(taking_part) = self.act.parties.get(index) else {
            return Place::Nowhere;
        };
        let slot = Slot::Country(index, field);
        if field == Field::Located {
            return self.place(&taking_part.located, slot);
        }
        if field == Field::Parent {
            let Some(parent) = self.parents.get(index) else {
                return Place::Nowhere;
            };
            return match (parent.country(), parent) {
                (Some(country), _) => Place::Known(country),
                (None, Parent::Unclear { why, .. }) => {
                    self.note(&slot, || why.clone(), [], []);
                    Place::Open(slot)
                }
                (None, Parent::Known { country, .. }) => Place::Known(*country),
            };
        }
        let Some(party) = self.registered(index) else {
            self.note(
                &slot,
                || format!("`{}` is not in the register", taking_part.id),
                [],
                [],
            );
            return Place::Open(slot);
        };
        match (field, &party.incorporated) {
            (Field::Home, Some(incorporated)) => self.place(incorporated, slot),
            // Where nobody says otherwise a party is incorporated where it has its headquarters: one unknown, not two.
            _ => self.place(
                &party.headquarters,
                Slot::Country(index, Field::Headquarters),
            ),
        }
    }

    pub(crate) fn groups_of(&self, country: Country) -> BTreeMap<&'a str, Member> {
        if let Some(known) = self.groups.borrow().get(&country) {
            return known.clone();
        }
        let groups = self
            .packs
            .groups
            .of(country, |jurisdiction| self.day(jurisdiction));
        self.groups.borrow_mut().insert(country, groups.clone());
        groups
    }

    /// Whether a place has one of these codes or is in one of these groups.
    pub(super) fn at(&self, place: &Place, tokens: &BTreeSet<String>, world: &World) -> bool {
        match place {
            Place::Nowhere => false,
            Place::Known(country) => {
                let groups = self.groups_of(*country);
                let mut found = false;
                for token in tokens {
                    found |= token == country.code();
                    match groups.get(token.as_str()) {
                        Some(Member::In) => found = true,
                        Some(Member::Review) => {
                            let slot = Slot::Member(*country, token.clone());
                            let why = || {
                                format!(
                                    "sources differ on whether {} is in {token} on this day",
                                    country.name()
                                )
                            };
                            self.note(&slot, why, [], []);
                            found |= world.get(&slot) == Some(&Value::Flag(true));
                        }
                        Some(Member::Out) | None => {}
                    }
                }
                found
            }
            Place::Open(slot) => {
                self.note(slot, String::new, tokens.iter().cloned(), []);
                matches!(world.get(slot), Some(Value::Tokens(known)) if !known.is_disjoint(tokens))
            }
        }
    }

    /// The countries that an unknown can be; `None`: any.
    pub(crate) fn countries(&self, slot: &Slot) -> Option<BTreeSet<Country>> {
        match slot {
            Slot::Country(index, Field::Parent) => match self.parents.get(*index) {
                Some(Parent::Unclear { candidates, .. }) => candidates.clone(),
                _ => None,
            },
            Slot::To => self
                .not_to
                .map(|not| Country::all().filter(|country| *country != not).collect()),
            _ => None,
        }
    }

    /// Data start where a shipment of data starts; in a compound act where the sender is.
    pub(super) fn data_from(&self, tokens: &BTreeSet<String>, world: &World) -> bool {
        match (self.kind, self.act.from) {
            (ActKind::TransferDataset, Some(from)) => self.at(&Place::Known(from), tokens, world),
            _ => {
                let answers: Vec<bool> = self
                    .group("sender")
                    .into_iter()
                    .map(|index| self.at(&self.seat(index, Field::Located), tokens, world))
                    .collect();
                answers.into_iter().any(|answer| answer)
            }
        }
    }
}
