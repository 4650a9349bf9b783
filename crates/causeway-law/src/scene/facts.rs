//! Single facts: flags, words, days, lists.

use std::collections::BTreeSet;

use causeway_domain::Fact;
use causeway_parties::PartyKind;
use rust_decimal::Decimal;

use super::{Scene, Slot, Value, World};
use crate::FactValue;
use crate::cedar::{Attribute, Mention};
use crate::vocabulary::{FactKind, day_number};

impl Scene<'_> {
    pub(super) fn open_flag(
        &self,
        slot: &Slot,
        why: impl FnOnce() -> String,
        world: &World,
    ) -> bool {
        self.note(slot, why, [], []);
        world.get(slot) == Some(&Value::Flag(true))
    }

    pub(super) fn listed(&self, index: usize, lists: &BTreeSet<String>, world: &World) -> bool {
        let slot = Slot::Listed(index);
        let why = match self.registered(index) {
            Some(party) => match (party.kind, &party.listed) {
                (PartyKind::Dispersed, _) => return false,
                (_, Fact::Known(on, _)) => return !on.is_disjoint(lists),
                (_, Fact::Unknown(why)) => why.clone(),
            },
            None => "not in the register".to_owned(),
        };
        self.note(&slot, || why, lists.iter().cloned(), []);
        matches!(world.get(&slot), Some(Value::Lists(on)) if !on.is_disjoint(lists))
    }

    pub(super) fn flag(&self, name: &str, world: &World) -> bool {
        let item = &self.act.item;
        let figures = item.chip.as_ref().and_then(|chip| chip.figures.as_ref());
        let fact = match name {
            "datacenter" => match (figures, &item.chip) {
                (Some(figures), _) => Some(figures.datacenter.clone()),
                (None, Some(chip)) => {
                    let row = chip
                        .id
                        .as_ref()
                        .and_then(|id| self.packs.chips.get(id))
                        .and_then(|row| row.datacenter);
                    Some(row.map_or_else(
                        || Fact::unknown("the chip table does not say"),
                        |known| Fact::stated(known, "chip table"),
                    ))
                }
                (None, None) => None,
            },
            "closed" => item.weights.as_ref().map(|weights| weights.closed.clone()),
            "published" => item
                .weights
                .as_ref()
                .map(|weights| weights.published.clone()),
            "public" => item.service.as_ref().map(|service| service.public.clone()),
            "gpai" => item.model.as_ref().map(|model| model.gpai.clone()),
            "important" => item.dataset.as_ref().map(|dataset| {
                dataset
                    .important
                    .clone()
                    .unwrap_or_else(|| Fact::unknown("not stated"))
            }),
            _ => None,
        };
        match fact {
            None => false,
            Some(Fact::Known(known, _)) => known,
            Some(Fact::Unknown(why)) => self.open_flag(&Slot::Flag(name.to_owned()), || why, world),
        }
    }

    pub(super) fn word(
        &self,
        name: &str,
        fact: Option<&Fact<String>>,
        mention: &Mention,
        world: &World,
    ) -> Attribute {
        Attribute::Word(match fact {
            None => String::new(),
            Some(Fact::Known(word, _)) => word.clone(),
            Some(Fact::Unknown(why)) => {
                let slot = Slot::Word(name.to_owned());
                self.note(&slot, || why.clone(), mention.words.iter().cloned(), []);
                match world.get(&slot) {
                    Some(Value::Word(word)) => word.clone(),
                    _ => String::new(),
                }
            }
        })
    }

    pub(super) fn chip_id(&self, mention: &Mention, world: &World) -> String {
        match self
            .act
            .item
            .chip
            .as_ref()
            .map(|chip| (&chip.id, &chip.figures))
        {
            Some((Some(id), _)) => id.clone(),
            Some((None, None)) => match self.word(
                "chip",
                Some(&Fact::unknown("nobody says which chip it is")),
                mention,
                world,
            ) {
                Attribute::Word(word) => word,
                _ => String::new(),
            },
            _ => String::new(),
        }
    }

    pub(super) fn fact(&self, name: &str, mention: &Mention, world: &World) -> Attribute {
        let Some(spec) = self.packs.vocabulary.facts.get(name) else {
            return Attribute::Flag(false);
        };
        let why = match self.act.facts.get(name) {
            Some(Fact::Known(value, _)) if spec.takes(value) => match value {
                FactValue::Word(word) => return Attribute::Word(word.clone()),
                FactValue::Flag(flag) => return Attribute::Flag(*flag),
                FactValue::Day(day) => return Attribute::Long(day_number(*day)),
                FactValue::Number(_) | FactValue::Persons(_) => return Attribute::Flag(false),
            },
            Some(Fact::Known(value, _)) => format!("`{value}` is not a value of it"),
            Some(Fact::Unknown(why)) => why.clone(),
            None => "not stated".to_owned(),
        };
        let slot = Slot::Fact(name.to_owned());
        self.note(
            &slot,
            || why,
            mention.words.iter().cloned(),
            mention.numbers.iter().map(|number| Decimal::from(*number)),
        );
        match (spec.kind, world.get(&slot)) {
            (FactKind::Word, Some(Value::Word(word))) => Attribute::Word(word.clone()),
            (FactKind::Word, _) => Attribute::Word(String::new()),
            (FactKind::Day, Some(Value::Long(day))) => Attribute::Long(*day),
            (FactKind::Day, _) => Attribute::Long(0),
            (_, Some(Value::Flag(flag))) => Attribute::Flag(*flag),
            (_, _) => Attribute::Flag(false),
        }
    }
}
