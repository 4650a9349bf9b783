//! An act as the policies see it: every question answered from facts, with the unknown ones read as a [`Reader`] says.

mod classes;
mod describe;
mod facts;
mod numbers;
mod places;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Fact};
use causeway_parties::{Cascade, Certainty, Parent, Party, PartyKind, ultimate_parent};
use rust_decimal::Decimal;

use crate::bits::{Asked, Bits};
use crate::definitions::Field;
use crate::law::{Epoch, Figure, Flag, ItemKind, Law, Question, Roles, Unstated};
use crate::packs::ChipRow;
use crate::reader::{Notes, Reader, any};
use crate::{Act, ActKind, ActParty, Packs, Posture, Role, Settings};

pub(crate) use facts::Stated;

/// The stake from which a minority over a free float may control a party. The law gives no number; 10 % is the strict side
/// of what practice uses.
const CONTROL_FLOOR: Decimal = Decimal::TEN;

/// A thing that can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    To,
    Country(usize, Field),
    Listed(usize),
    Ciio(usize),
    Owned(usize, u16),
    Holder(usize, u16),
    /// Whether a country is in a group, where sources differ.
    Member(Country, u16),
    Measure(Figure),
    Flag(Flag),
    Persons(u16),
    Word(WordOf),
    StoredIn,
    Fact(u16),
}

/// A word of the item that can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WordOf {
    Chip,
    RequestedBy,
    Entry,
}

/// A value that a world gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// The code and the groups of a country; the lists that a party stands on.
    Words(Bits),
    /// A word that somebody asks for, or another.
    Word(Option<usize>),
    Flag(bool),
    Number(Decimal),
}

/// What the rules compare an unknown with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) words: Bits,
    pub(crate) numbers: BTreeSet<Decimal>,
}

impl Needs {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.words.add(&other.words);
        self.numbers.extend(other.numbers.iter().copied());
    }
}

/// A quantity: a quotient that is known, one that is not, or none because the item has no such thing.
pub(crate) enum Quantity {
    Absent,
    Known(Decimal, Decimal),
    Open(Slot),
}

/// A country that is known or not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Known(Country),
    Open(Slot),
    Nowhere,
}

/// A party of the act with what the register says of it.
struct Taking<'a> {
    stated: &'a ActParty,
    role: Roles,
    registered: Option<&'a Party>,
    parent: OnceCell<Parent>,
}

/// What of a country or a destination differs from the act's own: a sale judged as the export that is planned.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) kind: ActKind,
    /// The destination.
    pub(crate) to: &'a Fact<Country>,
    /// Where the destination is not.
    pub(crate) not_to: Option<Country>,
}

pub(crate) struct Scene<'a> {
    pub(crate) packs: &'a Packs,
    pub(crate) law: &'a Law,
    pub(crate) epoch: &'a Epoch,
    books: bool,
    pub(crate) act: &'a Act,
    reading: Reading<'a>,
    parties: Vec<Taking<'a>>,
    facts: Vec<Stated<'a>>,
    facts_fit: bool,
    /// The chip's row of the table.
    chip: Option<&'a ChipRow>,
    /// By class of data: how many persons.
    persons: Vec<Option<&'a Fact<u64>>>,
    kinds: u16,
    /// Whether every company's owners are named, all of them parties of the register.
    whole: OnceCell<bool>,
    /// By ownership test: whether nobody in the register can be such an owner.
    nobody: Vec<Cell<Option<bool>>>,
    cascades: RefCell<BTreeMap<u16, Cascade>>,
    /// Certain answers about the item and its classes.
    item_classes: Vec<Cell<Option<Certainty>>>,
    /// Certain answers about parties and their classes, row by party.
    classes: Vec<Cell<Option<Certainty>>>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        packs: &'a Packs,
        epoch: &'a Epoch,
        settings: &'a Settings,
        act: &'a Act,
        reading: Reading<'a>,
    ) -> Self {
        let law = &packs.law;
        let parties: Vec<Taking<'_>> = act
            .parties
            .iter()
            .map(|party| Taking {
                stated: party,
                role: Roles::of(&[party.role]),
                registered: act.register.get(&party.id),
                parent: OnceCell::new(),
            })
            .collect();
        let item = &act.item;
        let parts = [
            item.chip.is_some(),
            item.other.is_some(),
            item.dataset.is_some(),
            item.weights.is_some(),
            item.model.is_some(),
            item.technology.is_some(),
            item.service.is_some(),
            item.evidence.is_some(),
            !item.unknown.is_empty(),
        ];
        let kinds = parts
            .into_iter()
            .zip(ItemKind::ALL)
            .filter(|(there, _)| *there)
            .fold(0, |all, (_, kind)| all | 1 << *kind as u16);
        let (facts, facts_fit) = facts::stated(law, act);
        Self {
            packs,
            law,
            epoch,
            books: settings.posture == Posture::Books,
            act,
            reading,
            facts,
            facts_fit,
            chip: item
                .chip
                .as_ref()
                .and_then(|chip| packs.chips.get(chip.id.as_ref()?)),
            persons: item.dataset.as_ref().map_or_else(Vec::new, |dataset| {
                let of = |class| dataset.persons.get(class);
                law.data_classes.iter().map(of).collect()
            }),
            kinds,
            whole: OnceCell::new(),
            nobody: vec![Cell::new(None); law.ownership_tests],
            cascades: RefCell::default(),
            item_classes: vec![Cell::new(None); law.item_classes.len()],
            classes: vec![Cell::new(None); parties.len() * law.party_classes.len()],
            parties,
        }
    }

    /// The unknowns that a question looks at.
    pub(crate) fn looks_at(&self, question: Question) -> Vec<(Slot, Needs)> {
        let mut notes = Notes::default();
        let _open = self.answer(question, &mut notes);
        notes.0.sort_by_key(|(slot, _)| *slot);
        notes.0
    }

    /// The answer to a question.
    pub(crate) fn answer<R: Reader>(&self, question: Question, reader: &mut R) -> Certainty {
        match question {
            Question::To(token) => self.at(self.destination(), Asked::One(token), reader),
            Question::From(token) => match self.act.from {
                Some(from) => self.at(Place::Known(from), Asked::One(token), reader),
                None => Certainty::No,
            },
            Question::DataFrom(token) => self.data_from(Asked::One(token), reader),
            Question::StoredIn(token) => {
                let place = self
                    .act
                    .item
                    .evidence
                    .as_ref()
                    .map_or(Place::Nowhere, |evidence| {
                        place(&evidence.stored_in, Slot::StoredIn)
                    });
                self.at(place, Asked::One(token), reader)
            }
            Question::Kind(kind) => (self.kinds >> kind as u16 & 1 == 1).into(),
            Question::Role(role) => self
                .parties
                .iter()
                .any(|party| party.role.meets(role))
                .into(),
            Question::Authorisation(id) => self.holds(id).into(),
            Question::Unstated(what) => self.is_unstated(what).into(),
            Question::Books(books) => (self.books == books).into(),
            Question::ItemClass(class) => self.item_class(class, reader),
            Question::Chip(word) => self.chip(Asked::One(word), reader),
            Question::Entry(word) => {
                let entry = self.act.item.technology.as_ref().map(|part| &part.entry);
                self.word(WordOf::Entry, entry, Asked::One(word), reader)
            }
            Question::RequestedBy(word) => {
                let by = self
                    .act
                    .item
                    .evidence
                    .as_ref()
                    .map(|part| &part.requested_by);
                self.word(WordOf::RequestedBy, by, Asked::One(word), reader)
            }
            Question::Flag(flag) => self.flag(flag, reader),
            Question::Seat {
                group,
                field,
                token,
            } => any(reader, self.members(group), |reader, index| {
                self.at(self.seat(index, field), Asked::One(token), reader)
            }),
            Question::Listed { group, list } => {
                any(reader, self.members(group), |reader, index| {
                    self.listed(index, Asked::One(list), reader)
                })
            }
            Question::PartyClass { group, class } => {
                any(reader, self.members(group), |reader, index| {
                    self.party_class(index, class, reader)
                })
            }
            Question::Fact { fact, wanted } => self.fact(fact, wanted, reader),
            Question::Never => Certainty::No,
        }
    }

    /// The parties that play one of these roles, by index.
    pub(crate) fn members(&self, roles: Roles) -> impl Iterator<Item = usize> {
        self.parties
            .iter()
            .enumerate()
            .filter(move |(_, party)| party.role.meets(roles))
            .map(|(index, _)| index)
    }

    fn taking(&self, index: usize) -> Option<&Taking<'a>> {
        self.parties.get(index)
    }

    fn parent(&self, index: usize) -> Option<&Parent> {
        self.taking(index).map(|party| {
            party.parent.get_or_init(|| {
                ultimate_parent(&self.act.register, &party.stated.id, CONTROL_FLOOR)
            })
        })
    }

    /// The country of a party's ultimate parent. A party that nobody owns, and one whose parent is stated, need no walk.
    fn parent_country(&self, index: usize) -> Option<Option<Country>> {
        let plain = self
            .taking(index)
            .and_then(|party| plainly_on_top(party.registered?));
        match plain {
            Some(country) => Some(Some(country)),
            None => self.parent(index).map(Parent::country),
        }
    }

    /// Whether an authorisation is on file and exists on this day.
    pub(crate) fn holds(&self, id: u16) -> bool {
        if self.act.authorisations.is_empty() {
            return false;
        }
        let name = self.law.authorisations.name(id);
        // The strict day of the two that one instant can be is not worth a zone of its own: all have their dates in UTC.
        self.act.authorisations.contains(name)
            && self
                .packs
                .vocabulary
                .authorisations
                .get(name)
                .is_some_and(|spec| spec.exists(self.packs.day("base", self.act.date)))
    }

    fn is_unstated(&self, what: Unstated) -> bool {
        match what {
            Unstated::Important => self
                .act
                .item
                .dataset
                .as_ref()
                .is_some_and(|dataset| !dataset.important.as_ref().is_some_and(Fact::is_known)),
            Unstated::Fact(id) => !self.stated(id).is_known(),
            Unstated::Always => true,
        }
    }

    /// The roles of the act, for messages.
    fn role(&self, index: usize) -> Option<Role> {
        self.taking(index).map(|party| party.stated.role)
    }
}

/// A country, or the unknown that stands for it.
fn place(fact: &Fact<Country>, slot: Slot) -> Place {
    match fact {
        Fact::Known(country, _) => Place::Known(*country),
        Fact::Unknown(_) => Place::Open(slot),
    }
}

/// Where the ultimate parent of a party sits, where the register says so at once: the parent is stated, or the party has no
/// owners.
pub(crate) fn plainly_on_top(party: &Party) -> Option<Country> {
    match &party.parent {
        Some(stated) => stated.known().copied(),
        None if party.owners.is_empty()
            && party.owners_complete
            && party.kind == PartyKind::Company =>
        {
            party.headquarters.known().copied()
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use causeway_domain::{Date, Percent};
    use causeway_parties::{Holding, Register};
    use proptest::prelude::*;

    use super::*;
    use crate::slips::slips;
    use crate::{FactValue, When};

    proptest! {
        /// The short way up gives what the walk gives.
        #[test]
        fn a_party_on_top_is_its_own_parent(hq in proptest::option::of(0usize..200), stated in proptest::option::of(0usize..200), complete: bool, owned: bool, kind in 0usize..4) {
            let country = |index: usize| Country::all().nth(index).unwrap();
            let mut party = Party {
                kind: [PartyKind::Company, PartyKind::Person, PartyKind::State, PartyKind::Dispersed][kind],
                ..Party::company("A")
            };
            if let Some(hq) = hq {
                party = party.based(country(hq));
            }
            if owned {
                party.owners.push(Holding::new("B", Fact::stated(Percent::new(Decimal::from(60)), "test")));
            }
            party.owners_complete = complete;
            party.parent = stated.map(|index| Fact::stated(country(index), "test"));
            let mut register = Register::default();
            register.insert("A", party.clone());
            register.insert("B", Party::company("B").based(country(7)).owned([]));
            if let Some(plain) = plainly_on_top(&party) {
                prop_assert_eq!(ultimate_parent(&register, "A", CONTROL_FLOOR).country(), Some(plain));
            }
        }
    }

    #[test]
    fn facts_fit_where_no_word_of_them_slips() {
        let packs = Packs::builtin().unwrap();
        let settings = Settings::default();
        let day: Date = "2026-11-24".parse().unwrap();
        let era = packs.law.era(&packs, When::Day(day));
        let act = || Act::new(ActKind::Export, day, Fact::unknown("test"));
        let fit = |act: &Act| {
            let reading = Reading {
                kind: act.kind,
                to: &act.to,
                not_to: None,
            };
            let fit = Scene::new(&packs, &era, &settings, act, reading).facts_fit();
            assert_eq!(fit, slips(&packs, &settings, act, false).is_empty());
            fit
        };
        assert!(fit(&act()));
        for (name, value, good) in [
            ("end_use", "civil", true),
            ("end_use", "civilian", false),
            ("end_use", "true", false),
            ("designated", "true", true),
            ("chips_received", "2025-01-01", true),
            ("china_share_of_us_shipments", "0.4", true),
            ("prior_12_months", "none", true),
            ("prior_12_months", "some", false),
            ("aaa", "civil", false),
            ("zzz", "civil", false),
        ] {
            let stated = act().fact(name, Fact::stated(FactValue::from(value), "test"));
            assert_eq!(fit(&stated), good, "{name} {value}");
        }
        for (class, good) in [("cn_ordinary", true), ("cn_secret", false)] {
            let counts = FactValue::Persons([(class.to_owned(), 3)].into());
            assert_eq!(
                fit(&act().fact("prior_12_months", Fact::stated(counts, "test"))),
                good
            );
        }
        let open = act().fact("end_use", Fact::unknown("test"));
        assert!(fit(&open), "unknown is no slip");
    }
}
