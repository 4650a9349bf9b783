//! Unknowns in words.

use causeway_domain::Fact;
use causeway_parties::{Parent, flagged_holders};

use super::{Scene, Slot, Stated, WordOf};
use crate::Role;
use crate::definitions::Field;
use crate::law::{Dated, Figure, Test};

impl Scene<'_> {
    /// The name of a party, for messages.
    pub(crate) fn name(&self, index: usize) -> &str {
        match self.taking(index) {
            Some(party) => party
                .registered
                .map_or(party.stated.id.as_str(), |party| party.name.as_str()),
            None => "",
        }
    }

    /// A party by its role; by its name too where several play it.
    pub(crate) fn role_of(&self, index: usize) -> String {
        let role = self.role(index);
        let several = self
            .act
            .parties
            .iter()
            .filter(|party| Some(party.role) == role)
            .count()
            > 1;
        let word = role.map_or("party", Role::word);
        if several {
            format!("{word} `{}`", self.name(index))
        } else {
            word.to_owned()
        }
    }

    /// The name of an unknown and why it is unknown.
    pub(crate) fn describe(&self, slot: Slot) -> (String, String) {
        let role = |index| self.role_of(index);
        let name = match slot {
            Slot::To => "to".to_owned(),
            Slot::Country(index, Field::Located) => format!("{}.in", role(index)),
            Slot::Country(index, Field::Headquarters) => format!("{}.hq", role(index)),
            Slot::Country(index, Field::Parent) => format!("{}.parent", role(index)),
            Slot::Country(index, Field::Home) => format!("{}.incorporated", role(index)),
            Slot::Listed(index) => format!("{}.listed", role(index)),
            Slot::Ciio(index) => format!("{}.ciio", role(index)),
            Slot::Owned(index, _) | Slot::Holder(index, _) => format!("{}.owners", role(index)),
            Slot::Member(country, group) => format!("{country} in {}", self.law.tokens.name(group)),
            Slot::Measure(figure @ Figure::TrainOps) if self.act.item.weights.is_some() => {
                format!("weights.{}", figure.word())
            }
            Slot::Measure(figure @ Figure::TrainOps) => format!("model.{}", figure.word()),
            Slot::Measure(figure) => format!("chip.{}", figure.word()),
            Slot::Flag(flag) => match flag.word() {
                name @ "datacenter" => format!("chip.{name}"),
                name @ "important" => format!("dataset.{name}"),
                name @ "public" => format!("service.{name}"),
                name @ "gpai" => format!("model.{name}"),
                name => format!("weights.{name}"),
            },
            Slot::Persons(class) => format!("dataset.{}", self.law.data_classes.name(class)),
            Slot::Word(WordOf::Chip) => "chip".to_owned(),
            Slot::Word(WordOf::RequestedBy) => "evidence.requested_by".to_owned(),
            Slot::Word(WordOf::Entry) => "technology.entry".to_owned(),
            Slot::StoredIn => "evidence.stored_in".to_owned(),
            Slot::Fact(id) => self
                .law
                .facts
                .get(usize::from(id))
                .map_or_else(String::new, |entry| entry.name.clone()),
        };
        (name, self.why(slot))
    }

    fn why(&self, slot: Slot) -> String {
        fn unknown<T>(fact: Option<&Fact<T>>) -> Option<String> {
            match fact? {
                Fact::Unknown(why) => Some(why.clone()),
                Fact::Known(..) => None,
            }
        }
        let item = &self.act.item;
        let missing = |index| {
            let id = self
                .taking(index)
                .map_or("", |party| party.stated.id.as_str());
            format!("`{id}` is not in the register")
        };
        let figures = item.chip.as_ref().and_then(|chip| chip.figures.as_ref());
        let why = match slot {
            Slot::To => unknown(Some(self.reading.to)),
            Slot::Country(index, field) => {
                self.taking(index)
                    .and_then(|party| match (field, party.registered) {
                        (Field::Located, _) => unknown(Some(&party.stated.located)),
                        (Field::Parent, _) => match self.parent(index) {
                            Some(Parent::Unclear { why, .. }) => Some(why.clone()),
                            _ => None,
                        },
                        (_, None) => Some(missing(index)),
                        (Field::Home, Some(party)) => unknown(party.incorporated.as_ref()),
                        (Field::Headquarters, Some(party)) => unknown(Some(&party.headquarters)),
                    })
            }
            Slot::Listed(index) => self.taking(index).and_then(|party| match party.registered {
                None => Some("not in the register".to_owned()),
                Some(party) => party.listed.why_open(),
            }),
            Slot::Ciio(index) => self
                .taking(index)
                .and_then(|party| unknown(Some(&party.stated.ciio))),
            Slot::Owned(index, _) => Some(format!(
                "the owners of `{}` and their shares are not all known",
                self.name(index)
            )),
            Slot::Holder(index, number) => self.holders_unknown(index, number),
            Slot::Member(country, group) => Some(format!(
                "sources differ on whether {} is in {} on this day",
                country.name(),
                self.law.tokens.name(group)
            )),
            Slot::Measure(Figure::TrainOps) => match (&item.weights, &item.model) {
                (Some(weights), _) => unknown(Some(&weights.train_ops)),
                (None, model) => unknown(model.as_ref().map(|model| &model.train_ops)),
            },
            Slot::Measure(figure) => match figures {
                None => Some("the chip table does not say".to_owned()),
                Some(figures) => unknown(Some(match figure {
                    Figure::Tpp => &figures.tpp,
                    Figure::PerformanceDensity => &figures.performance_density,
                    Figure::IoTotal => &figures.io_total,
                    Figure::DramBandwidth | Figure::TrainOps => &figures.dram_bandwidth,
                })),
            },
            Slot::Flag(flag) => match self.flag_fact(flag) {
                Some(Err(why)) => Some(why.to_owned()),
                _ => None,
            },
            Slot::Persons(class) => item.dataset.as_ref().and_then(|dataset| {
                let name = self.law.data_classes.name(class);
                unknown(dataset.persons.get(name)).or_else(|| match &dataset.classified {
                    Some(Fact::Known(false, _)) => Some("nobody says what the data are".to_owned()),
                    fact => unknown(fact.as_ref()),
                })
            }),
            Slot::Word(WordOf::Chip) => Some("nobody says which chip it is".to_owned()),
            Slot::Word(WordOf::RequestedBy) => {
                unknown(item.evidence.as_ref().map(|part| &part.requested_by))
            }
            Slot::Word(WordOf::Entry) => unknown(item.technology.as_ref().map(|part| &part.entry)),
            Slot::StoredIn => unknown(item.evidence.as_ref().map(|part| &part.stored_in)),
            Slot::Fact(id) => Some(match self.stated(id) {
                Stated::Absent => "not stated".to_owned(),
                Stated::Unknown(why) => why.to_owned(),
                Stated::Misfit(value) if Some(id) == self.law.prior => {
                    format!("`{value}` is not persons by class")
                }
                Stated::Misfit(value) => format!("`{value}` is not a value of it"),
                _ => String::new(),
            }),
        };
        why.unwrap_or_default()
    }

    /// Why there may be a holder of weight.
    fn holders_unknown(&self, index: usize, number: u16) -> Option<String> {
        let party = self.taking(index)?;
        let (by, from) = self
            .law
            .parties
            .iter()
            .flatten()
            .find_map(|Dated { test, .. }| holder(test, number))?;
        let flags = flagged_holders(&self.act.register, &party.stated.id, from, |party| {
            self.sure(party, by)
        });
        Some(flags.possible.into_iter().collect::<Vec<_>>().join("; "))
    }
}

/// The holder test of this number.
fn holder(test: &Test, number: u16) -> Option<(&Test, rust_decimal::Decimal)> {
    match test {
        Test::Holder {
            by,
            from,
            number: own,
        } if *own == number => Some((by, *from)),
        Test::All(list) | Test::Any(list) => list.iter().find_map(|inner| holder(inner, number)),
        Test::Not(inner) => holder(inner, number),
        _ => None,
    }
}
