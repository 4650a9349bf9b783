//! Conditions of definitions that failed, in words.

use causeway_parties::Certainty;
use rust_decimal::Decimal;

use super::Telling;
use super::questions::{field_word, in_none, known, or};
use crate::bits::Bits;
use crate::definitions::Comparison;
use crate::law::{Figure, Measure, Test, Words};
use crate::reader::Sure;
use crate::scene::Quantity;

/// Whom a condition is about: the item, or a party by its index.
#[derive(Clone, Copy)]
enum Whose {
    Item,
    Party(usize),
}

fn named(words: &Words, bits: &Bits) -> Vec<String> {
    bits.iter()
        .filter_map(|number| u16::try_from(number).ok())
        .map(|number| words.name(number).to_owned())
        .collect()
}

impl Telling<'_, '_> {
    /// Why the item is not of a class: `3A090.a: TPP 2368 is below 4800`.
    pub(super) fn not_of_class(&self, class: u16) -> String {
        let name = self.scene.law.item_classes.name(class);
        let why: Vec<String> = self
            .scene
            .epoch
            .items(self.scene.law, class)
            .filter_map(|definition| self.fails(Whose::Item, &definition.test))
            .collect();
        if why.is_empty() {
            format!("{name}: not defined on this day")
        } else {
            format!("{name}: {}", why.join(", and "))
        }
    }

    /// Why a party is not of a class; `None` where that is not certain.
    pub(super) fn party_not_of_class(&self, index: usize, class: u16) -> Option<String> {
        if self.scene.party_class(index, class, &mut Sure) != Certainty::No {
            return None;
        }
        let why: Vec<String> = self
            .scene
            .epoch
            .parties(self.scene.law, class)
            .filter_map(|definition| self.fails(Whose::Party(index), &definition.test))
            .collect();
        Some(if why.is_empty() {
            "not defined on this day".to_owned()
        } else {
            why.join(", and ")
        })
    }

    fn certain(&self, whose: Whose, test: &Test) -> Certainty {
        match whose {
            Whose::Item => self.scene.item(test, &mut Sure),
            Whose::Party(index) => self.scene.party(index, test, &mut Sure),
        }
    }

    /// Why a condition fails; `None` where that is not certain.
    fn fails(&self, whose: Whose, test: &Test) -> Option<String> {
        if self.certain(whose, test) != Certainty::No {
            return None;
        }
        Some(match test {
            Test::All(list) => list.iter().find_map(|inner| self.fails(whose, inner))?,
            Test::Any(list) => {
                let mut why: Vec<String> = Vec::new();
                for reason in list.iter().filter_map(|inner| self.fails(whose, inner)) {
                    if !why.contains(&reason) {
                        why.push(reason);
                    }
                }
                why.join(", and ")
            }
            Test::Not(inner) => self.passes(whose, inner)?,
            Test::Class(class) => match whose {
                Whose::Item => self.not_of_class(*class),
                Whose::Party(index) => {
                    let name = self.scene.law.party_classes.name(*class);
                    format!(
                        "not \"{name}\": {}",
                        self.party_not_of_class(index, *class)?
                    )
                }
            },
            Test::Measure {
                measure,
                comparison,
                value,
            } => {
                let stands = match comparison {
                    Comparison::Ge => "below",
                    Comparison::Gt => "not above",
                    Comparison::Le => "above",
                    Comparison::Lt => "not below",
                };
                self.measured(*measure, stands, *value)
            }
            Test::Flag { flag, is } => format!("`{}` is {}", flag.word(), !is),
            Test::Chip(ids) => {
                let chip = self.scene.act.item.chip.as_ref();
                let id = chip.and_then(|chip| chip.id.as_deref()).unwrap_or("none");
                format!(
                    "the chip is {id}, not {}",
                    or(&named(&self.scene.law.words, ids))
                )
            }
            Test::Lines(_) => "no class of data is over its line".to_owned(),
            Test::Fact(fact) => format!("`{}` is false", self.fact_name(*fact)),
            Test::Country { field, tokens } => {
                let words = in_none(&named(&self.scene.law.tokens, tokens));
                let country = match whose {
                    Whose::Party(index) => known(self.scene.seat(index, *field)),
                    Whose::Item => None,
                };
                match country {
                    Some(country) => format!("`{}` {country} is {words}", field_word(*field)),
                    None => format!("`{}` is {words}", field_word(*field)),
                }
            }
            Test::Listed(lists) => {
                format!(
                    "on none of {}",
                    named(&self.scene.law.lists, lists).join(", ")
                )
            }
            Test::Role(roles) => format!("not {}", roles.words().join(" or ")),
            Test::Ciio => "`ciio` is false".to_owned(),
            Test::OwnedBy { at_least, .. } => {
                format!(
                    "not owned {} % or more by such parties",
                    at_least.normalize()
                )
            }
            Test::Holder { from, .. } => {
                format!("no such holder of {} % or more", from.normalize())
            }
            Test::Never => "nothing can meet it".to_owned(),
        })
    }

    /// Why a condition holds; `None` where that is not certain.
    fn passes(&self, whose: Whose, test: &Test) -> Option<String> {
        if self.certain(whose, test) != Certainty::Yes {
            return None;
        }
        Some(match test {
            Test::All(list) => {
                let why: Vec<String> = list
                    .iter()
                    .filter_map(|inner| self.passes(whose, inner))
                    .collect();
                why.join(" and ")
            }
            Test::Any(list) => list.iter().find_map(|inner| self.passes(whose, inner))?,
            Test::Not(inner) => self.fails(whose, inner)?,
            Test::Class(class) => match whose {
                Whose::Item => format!("it is \"{}\"", self.scene.law.item_classes.name(*class)),
                Whose::Party(_) => {
                    format!("it is \"{}\"", self.scene.law.party_classes.name(*class))
                }
            },
            Test::Measure {
                measure,
                comparison,
                value,
            } => {
                let stands = match comparison {
                    Comparison::Ge => "at or above",
                    Comparison::Gt => "above",
                    Comparison::Le => "at or below",
                    Comparison::Lt => "below",
                };
                self.measured(*measure, stands, *value)
            }
            Test::Flag { flag, is } => format!("`{}` is {is}", flag.word()),
            Test::Chip(_) => "the chip is one of these".to_owned(),
            Test::Lines(_) => "a class of data is over its line".to_owned(),
            Test::Fact(fact) => format!("`{}` is true", self.fact_name(*fact)),
            Test::Country { field, tokens } => {
                let words = or(&named(&self.scene.law.tokens, tokens));
                format!("`{}` is in {words}", field_word(*field))
            }
            Test::Listed(lists) => {
                format!("on {}", or(&named(&self.scene.law.lists, lists)))
            }
            Test::Role(roles) => format!("it takes part as {}", roles.words().join(" or ")),
            Test::Ciio => "`ciio` is true".to_owned(),
            Test::OwnedBy { at_least, .. } => {
                format!("owned {} % or more by such parties", at_least.normalize())
            }
            Test::Holder { from, .. } => {
                format!("such a holder of {} % or more", from.normalize())
            }
            Test::Never => return None,
        })
    }

    /// A quantity beside a line: `TPP 2368 is below 4800`. A quotient is written as one: it was compared unrounded.
    fn measured(&self, measure: Measure, stands: &str, line: Decimal) -> String {
        let name = match measure {
            Measure::Figure(Figure::Tpp) => "TPP".to_owned(),
            Measure::Figure(figure) => figure.word().replace('_', " "),
            Measure::Persons(class) => self.scene.law.data_classes.name(class).to_owned(),
            Measure::Fact(fact) => format!("`{}`", self.fact_name(fact)),
        };
        let line = line.normalize();
        match self.scene.quantity(measure) {
            Quantity::Known(value, by) if by == Decimal::ONE => {
                format!("{name} {} is {stands} {line}", value.normalize())
            }
            Quantity::Known(value, by) => format!(
                "{name} {}/{} is {stands} {line}",
                value.normalize(),
                by.normalize()
            ),
            Quantity::Absent => format!("the item has no {name}"),
            Quantity::Open(_) => format!("{name} is {stands} {line}"),
        }
    }

    fn fact_name(&self, fact: u16) -> &str {
        self.scene
            .law
            .facts
            .get(usize::from(fact))
            .map_or("", |entry| entry.name.as_str())
    }
}
