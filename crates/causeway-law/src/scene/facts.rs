//! Single facts: flags, words, days, lists.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use causeway_domain::Fact;
use causeway_parties::{Certainty, Party, PartyKind};
use rust_decimal::Decimal;

use super::{Scene, Slot, WordOf};
use crate::bits::{Asked, Bits};
use crate::law::{FactEntry, Flag, Law, Wanted};
use crate::reader::Reader;
use crate::vocabulary::{FactKind, day_number};
use crate::{Act, FactValue};

/// A fact of the vocabulary, as the act states it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stated<'a> {
    Absent,
    Unknown(&'a str),
    /// A value that the fact does not take.
    Misfit(&'a FactValue),
    /// A word, by its number among the values.
    Word(u16),
    Flag(bool),
    Day(i64),
    Number(Decimal),
    /// Persons by class.
    Persons(&'a BTreeMap<String, u64>),
    /// No persons.
    Nobody,
}

impl Stated<'_> {
    /// Whether somebody stated something, right or wrong.
    pub(crate) const fn is_known(self) -> bool {
        !matches!(self, Self::Absent | Self::Unknown(_))
    }
}

fn of<'a>(entry: &FactEntry, fact: &'a Fact<FactValue>) -> Stated<'a> {
    let value = match fact {
        Fact::Unknown(why) => return Stated::Unknown(why),
        Fact::Known(value, _) => value,
    };
    match (entry.kind, value) {
        (FactKind::Word, FactValue::Word(word)) => entry
            .values
            .iter()
            .position(|known| known == word)
            .and_then(|index| u16::try_from(index).ok())
            .map_or(Stated::Misfit(value), Stated::Word),
        (FactKind::Flag, FactValue::Flag(flag)) => Stated::Flag(*flag),
        (FactKind::Day, FactValue::Day(day)) => Stated::Day(day_number(*day)),
        (FactKind::Number, FactValue::Number(number)) => Stated::Number(*number),
        (FactKind::Persons, FactValue::Persons(counts)) => Stated::Persons(counts),
        (FactKind::Persons, FactValue::Word(word)) if word == "none" => Stated::Nobody,
        _ => Stated::Misfit(value),
    }
}

/// Every fact of the vocabulary, and whether the act states no others, each with a value that it takes. Both sides are
/// sorted by name: one walk.
pub(super) fn stated<'a>(law: &Law, act: &'a Act) -> (Vec<Stated<'a>>, bool) {
    let mut given = act.facts.iter().peekable();
    let mut fit = true;
    let stated = law
        .facts
        .iter()
        .map(|entry| {
            while let Some((name, fact)) = given.peek() {
                match name.as_str().cmp(&entry.name) {
                    // No fact of the vocabulary.
                    Ordering::Less => fit = false,
                    Ordering::Equal => {
                        let stated = of(entry, fact);
                        fit &= match stated {
                            Stated::Misfit(_) => false,
                            Stated::Persons(counts) => counts
                                .keys()
                                .all(|class| law.data_classes.id(class).is_some()),
                            _ => true,
                        };
                        given.next();
                        return stated;
                    }
                    Ordering::Greater => break,
                }
                given.next();
            }
            Stated::Absent
        })
        .collect();
    (stated, fit && given.next().is_none())
}

impl<'a> Scene<'a> {
    /// Whether the packs know every fact that is stated, and its value.
    pub(crate) const fn facts_fit(&self) -> bool {
        self.facts_fit
    }

    /// A fact of the vocabulary, by its number.
    pub(crate) fn stated(&self, id: u16) -> Stated<'a> {
        self.facts
            .get(usize::from(id))
            .copied()
            .unwrap_or(Stated::Absent)
    }

    pub(super) fn fact<R: Reader>(&self, id: u16, wanted: Wanted, reader: &mut R) -> Certainty {
        let slot = Slot::Fact(id);
        match (wanted, self.stated(id)) {
            (Wanted::Is(value), Stated::Word(word)) => (word == value).into(),
            (Wanted::Yes, Stated::Flag(flag)) => flag.into(),
            (Wanted::Day(comparison, day), Stated::Day(known)) => {
                comparison.holds(known, day).into()
            }
            (Wanted::Is(value), _) => reader.any_of(slot, Asked::One(value)),
            (Wanted::Yes, _) => reader.flag(slot),
            (Wanted::Day(comparison, day), _) => {
                let day = Decimal::from(day);
                match reader.number(slot, [day]) {
                    Some(value) => comparison.holds(value, day).into(),
                    None => Certainty::Open,
                }
            }
        }
    }

    pub(super) fn listed<R: Reader>(
        &self,
        index: usize,
        asked: Asked<'_>,
        reader: &mut R,
    ) -> Certainty {
        let slot = Slot::Listed(index);
        let Some(party) = self.taking(index) else {
            return Certainty::No;
        };
        let Some(party) = party.registered else {
            return reader.any_of(slot, asked);
        };
        match self.stands_on(party, asked) {
            Certainty::Open => {
                // What is known of a list is no question; the world speaks of the others.
                let lists = &self.law.lists;
                let open = asked
                    .members()
                    .filter(|list| party.listed.stands_on(lists.name(*list)) == Certainty::Open);
                let open: Bits = open.map(usize::from).collect();
                reader.any_of(slot, Asked::Any(&open))
            }
            certain => certain,
        }
    }

    /// Whether a party stands on any of these lists, by what the register knows.
    pub(super) fn stands_on(&self, party: &Party, asked: Asked<'_>) -> Certainty {
        if party.kind == PartyKind::Dispersed {
            return Certainty::No;
        }
        let listed = &party.listed;
        if !listed.is_open() {
            // The lists that a party stands on are few, mostly none.
            return listed
                .certain()
                .iter()
                .filter_map(|list| self.law.lists.id(list))
                .any(|list| asked.includes(usize::from(list)))
                .into();
        }
        asked
            .members()
            .map(|list| listed.stands_on(self.law.lists.name(list)))
            .max()
            .unwrap_or(Certainty::No)
    }

    pub(crate) fn flag<R: Reader>(&self, flag: Flag, reader: &mut R) -> Certainty {
        match self.flag_fact(flag) {
            None => Certainty::No,
            Some(Ok(known)) => known.into(),
            Some(Err(_)) => reader.flag(Slot::Flag(flag)),
        }
    }

    /// A flag of the item: none where it has no such part, else its value or why nobody knows it.
    pub(super) fn flag_fact(&self, flag: Flag) -> Option<Result<bool, &'a str>> {
        fn read(fact: &Fact<bool>) -> Result<bool, &str> {
            match fact {
                Fact::Known(known, _) => Ok(*known),
                Fact::Unknown(why) => Err(why),
            }
        }
        let item = &self.act.item;
        match flag {
            Flag::Datacenter => {
                let chip = item.chip.as_ref()?;
                if let Some(figures) = &chip.figures {
                    return Some(read(&figures.datacenter));
                }
                Some(
                    self.chip
                        .and_then(|row| row.datacenter)
                        .ok_or("the chip table does not say"),
                )
            }
            Flag::Closed => item.weights.as_ref().map(|part| read(&part.closed)),
            Flag::Published => item.weights.as_ref().map(|part| read(&part.published)),
            Flag::Public => item.service.as_ref().map(|part| read(&part.public)),
            Flag::Gpai => item.model.as_ref().map(|part| read(&part.gpai)),
            Flag::Important => item
                .dataset
                .as_ref()
                .map(|part| part.important.as_ref().map_or(Err("not stated"), read)),
        }
    }

    pub(super) fn word<R: Reader>(
        &self,
        of: WordOf,
        fact: Option<&Fact<String>>,
        asked: Asked<'_>,
        reader: &mut R,
    ) -> Certainty {
        match fact {
            None => Certainty::No,
            Some(Fact::Known(word, _)) => self
                .law
                .words
                .id(word)
                .is_some_and(|word| asked.includes(usize::from(word)))
                .into(),
            Some(Fact::Unknown(_)) => reader.any_of(Slot::Word(of), asked),
        }
    }

    pub(super) fn chip<R: Reader>(&self, asked: Asked<'_>, reader: &mut R) -> Certainty {
        match &self.act.item.chip {
            None => Certainty::No,
            Some(chip) => match (&chip.id, &chip.figures) {
                (Some(id), _) => self
                    .law
                    .words
                    .id(id)
                    .is_some_and(|word| asked.includes(usize::from(word)))
                    .into(),
                (None, None) => reader.any_of(Slot::Word(WordOf::Chip), asked),
                (None, Some(_)) => Certainty::No,
            },
        }
    }
}
