//! Whether a class holds of a thing with known figures. Only chooses which values are tried and in which order; what an act
//! comes to is decided by [`crate::judge`] alone.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::definitions::{Comparison, Condition, Definition, Field};
use crate::diff::Side;
use crate::diff::class::in_force;
use crate::diff::meaning::{Meanings, Which};

/// Figures of an item.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) measures: BTreeMap<String, Decimal>,
    pub(super) flags: BTreeSet<String>,
    pub(super) chip: Option<String>,
}

/// A party with at most one owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) located: Option<String>,
    pub(super) headquarters: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) incorporated: Option<String>,
    pub(super) listed: Option<String>,
    pub(super) ciio: bool,
    pub(super) owner: Option<(Box<Person>, Decimal)>,
}

fn class<'s>(
    side: &'s Side,
    classes: &'s BTreeMap<String, Vec<Definition>>,
    name: &str,
    holds: impl Fn(&'s Condition) -> bool,
) -> bool {
    in_force(side, classes, name).any(|definition| holds(&definition.condition))
}

/// Whether a class of items holds. What is a fact of the act and no figure is taken as it suits.
pub(super) fn item(side: &Side, name: &str, figures: &Figures) -> bool {
    class(side, &side.packs.definitions.items, name, |condition| {
        of_item(side, condition, figures)
    })
}

fn of_item(side: &Side, condition: &Condition, figures: &Figures) -> bool {
    match condition {
        Condition::All(list) => list.iter().all(|inner| of_item(side, inner, figures)),
        Condition::Any(list) => list.iter().any(|inner| of_item(side, inner, figures)),
        Condition::Not(inner) => !of_item(side, inner, figures),
        Condition::Class(name) => item(side, name, figures),
        Condition::Measure {
            name,
            comparison,
            value,
        } => match figures.measures.get(name) {
            Some(figure) => match comparison {
                Comparison::Ge => figure >= value,
                Comparison::Gt => figure > value,
                Comparison::Le => figure <= value,
                Comparison::Lt => figure < value,
            },
            None => side.packs.vocabulary.facts.contains_key(name),
        },
        Condition::Flag { name, is } => figures.flags.contains(name) == *is,
        Condition::Chip(ids) => figures.chip.as_ref().is_some_and(|id| ids.contains(id)),
        Condition::Lines { lines, of } => {
            let present = |class: &String| {
                figures
                    .measures
                    .get(class)
                    .filter(|persons| **persons > Decimal::ZERO)
            };
            let lowest = lines
                .iter()
                .filter(|(class, _)| present(class).is_some())
                .map(|(_, line)| *line)
                .min();
            of.iter().any(|class| {
                present(class)
                    .zip(lowest)
                    .is_some_and(|(persons, line)| *persons > line)
            })
        }
        _ => true,
    }
}

/// Whether a class of parties holds.
pub(super) fn party(
    meanings: &Meanings<'_>,
    (which, side): (Which, &Side),
    name: &str,
    person: &Person,
) -> bool {
    class(side, &side.packs.definitions.parties, name, |condition| {
        of_party(meanings, (which, side), condition, person)
    })
}

/// Whether a field of a party holds a country of a group, or one of which sources differ about it.
pub(super) fn field(
    meanings: &Meanings<'_>,
    which: Which,
    field: Field,
    token: &str,
    person: &Person,
) -> bool {
    let country = match field {
        Field::Located => &person.located,
        Field::Headquarters => &person.headquarters,
        // Without a parent of its own a party is its own; a majority owner is one.
        Field::Parent => match (&person.parent, &person.owner) {
            (Some(_), _) => &person.parent,
            (None, Some((owner, share))) if *share > Decimal::from(50) => &owner.headquarters,
            (None, _) => &person.headquarters,
        },
        Field::Home if person.incorporated.is_some() => &person.incorporated,
        Field::Home => &person.headquarters,
    };
    let members = meanings.members(which, token);
    country
        .as_ref()
        .and_then(|code| code.parse().ok())
        .is_some_and(|country| members.possible.contains(&country))
}

fn of_party(
    meanings: &Meanings<'_>,
    (which, side): (Which, &Side),
    condition: &Condition,
    person: &Person,
) -> bool {
    let inner = |condition: &Condition, person: &Person| {
        of_party(meanings, (which, side), condition, person)
    };
    match condition {
        Condition::All(list) => list.iter().all(|part| inner(part, person)),
        Condition::Any(list) => list.iter().any(|part| inner(part, person)),
        Condition::Not(part) => !inner(part, person),
        Condition::Class(name) => party(meanings, (which, side), name, person),
        Condition::Country { field: of, tokens } => tokens
            .iter()
            .any(|token| field(meanings, which, *of, token, person)),
        Condition::Listed(lists) => person
            .listed
            .as_ref()
            .is_some_and(|list| lists.contains(list)),
        Condition::Ciio => person.ciio,
        Condition::OwnedBy { by, at_least, .. } => person
            .owner
            .as_ref()
            .is_some_and(|(owner, share)| share >= at_least && inner(by, owner)),
        Condition::Holder { by, from, .. } => person
            .owner
            .as_ref()
            .is_some_and(|(owner, share)| share >= from && inner(by, owner)),
        _ => false,
    }
}
