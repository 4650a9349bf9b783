//! What changed in the data beside the rules: definitions, groups of countries, authorisations, chips, words.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;
use serde::Serialize;

use super::Side;
use super::changes::{Line, Whose, pairs};
use super::class::{in_force, in_words};
use crate::definitions::Definition;
use crate::groups::Member;

/// Data that are not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataChange {
    /// What: `item class 3A090.a`, `group D:5`, `authorisation TGL`, `chip h20`.
    pub what: String,
    /// Whether it differs on the sides' days; if not, it is only written otherwise.
    pub in_force: bool,
    /// What changed.
    pub lines: Vec<Line>,
}

fn both<V: std::fmt::Display>(a: Option<V>, b: Option<V>) -> Vec<Line> {
    let line = |whose, value: Option<V>| value.map(|value| Line::new(whose, value.to_string()));
    [line(Whose::A, a), line(Whose::B, b)]
        .into_iter()
        .flatten()
        .collect()
}

/// Every change of data; those in force first.
pub(super) fn data(a: &Side, b: &Side) -> Vec<DataChange> {
    let mut all = Vec::new();
    classes(a, b, &mut all);
    groups(a, b, &mut all);
    authorisations(a, b, &mut all);
    chips(a, b, &mut all);
    words(a, b, &mut all);
    all.sort_by_key(|change| !change.in_force);
    all
}

fn classes(a: &Side, b: &Side, all: &mut Vec<DataChange>) {
    for (what, of_items) in [("item class", true), ("party class", false)] {
        let table = |side: &'_ Side| {
            let definitions = &side.packs.definitions;
            if of_items {
                definitions.items.clone()
            } else {
                definitions.parties.clone()
            }
        };
        let read = |side: &Side, as_written: bool| -> BTreeMap<String, Vec<String>> {
            let table = table(side);
            let mut read: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for class in table.keys() {
                let list: Vec<String> = if as_written {
                    table.get(class).into_iter().flatten().map(dated).collect()
                } else {
                    in_force(side, &table, class)
                        .map(|definition| in_words(&definition.condition))
                        .collect()
                };
                if !list.is_empty() {
                    read.insert(class.clone(), list);
                }
            }
            read
        };
        let mut told = BTreeSet::new();
        for (as_written, force) in [(false, true), (true, false)] {
            for (class, one, other) in pairs(&read(a, as_written), &read(b, as_written)) {
                if !told.insert(class.clone()) {
                    continue;
                }
                let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
                let mut lines = Vec::new();
                for text in one.iter().filter(|text| !other.contains(text)) {
                    lines.push(Line::new(Whose::A, text.clone()));
                }
                for text in other.iter().filter(|text| !one.contains(text)) {
                    lines.push(Line::new(Whose::B, text.clone()));
                }
                all.push(DataChange {
                    what: format!("{what} `{class}`"),
                    in_force: force,
                    lines,
                });
            }
        }
    }
}

fn dated(definition: &Definition) -> String {
    let mut text = in_words(&definition.condition);
    if let Some(from) = definition.from {
        text += &format!("; from {from}");
    }
    if let Some(to) = definition.to {
        text += &format!("; to {to}");
    }
    text
}

fn groups(a: &Side, b: &Side, all: &mut Vec<DataChange>) {
    let read = |side: &Side| -> BTreeMap<String, BTreeMap<Country, Member>> {
        let mut read: BTreeMap<String, BTreeMap<Country, Member>> = BTreeMap::new();
        for country in Country::all() {
            for (group, state) in side.packs.groups.of(country, |_| side.day) {
                read.entry(group.to_owned())
                    .or_default()
                    .insert(country, state);
            }
        }
        read
    };
    for (group, one, other) in pairs(&read(a), &read(b)) {
        let lines = pairs(&one.unwrap_or_default(), &other.unwrap_or_default())
            .into_iter()
            .flat_map(|(country, one, other)| {
                let said = |state: Option<Member>| {
                    state.map(|state| {
                        let doubt = if state == Member::Review {
                            ", sources differ"
                        } else {
                            ""
                        };
                        format!("{country} ({}){doubt}", country.name())
                    })
                };
                both(said(one), said(other))
            })
            .collect();
        all.push(DataChange {
            what: format!("group {group}"),
            in_force: true,
            lines,
        });
    }
}

fn authorisations(a: &Side, b: &Side, all: &mut Vec<DataChange>) {
    let read = |side: &Side| -> BTreeMap<String, &'static str> {
        side.packs
            .vocabulary
            .authorisations
            .iter()
            .map(|(name, spec)| {
                let exists = spec.exists(side.day);
                (
                    name.clone(),
                    if exists { "exists" } else { "does not exist" },
                )
            })
            .collect()
    };
    for (name, one, other) in pairs(&read(a), &read(b)) {
        all.push(DataChange {
            what: format!("authorisation {name}"),
            in_force: true,
            lines: both(one, other),
        });
    }
}

fn chips(a: &Side, b: &Side, all: &mut Vec<DataChange>) {
    let read = |side: &Side| -> BTreeMap<String, String> {
        side.packs
            .chips
            .iter()
            .map(|(id, row)| {
                let figure = |name: &str, figure: Option<rust_decimal::Decimal>| {
                    figure.map(|figure| format!("{name} {}", figure.normalize()))
                };
                let mut parts: Vec<String> = [
                    figure("tpp", row.tpp),
                    figure("die area mm2", row.die_area),
                    figure("io_total", row.io_total),
                    figure("dram_bandwidth", row.dram_bandwidth),
                ]
                .into_iter()
                .flatten()
                .collect();
                parts.extend(row.datacenter.map(|yes| {
                    if yes {
                        "for data centres"
                    } else {
                        "not for data centres"
                    }
                    .to_owned()
                }));
                (id.clone(), parts.join(", "))
            })
            .collect()
    };
    for (id, one, other) in pairs(&read(a), &read(b)) {
        all.push(DataChange {
            what: format!("chip {id}"),
            in_force: true,
            lines: both(one, other),
        });
    }
}

fn vocabulary(side: &Side) -> BTreeMap<String, String> {
    let words = &side.packs.vocabulary;
    let mut read: BTreeMap<String, String> = words
        .facts
        .iter()
        .map(|(name, spec)| {
            let kind = format!("{:?}", spec.kind).to_lowercase();
            let values = if spec.values.is_empty() {
                String::new()
            } else {
                format!(": {}", spec.values.join(", "))
            };
            (format!("fact {name}"), format!("{kind}{values}"))
        })
        .collect();
    for (what, list) in [
        ("list", &words.lists),
        ("class of data", &words.data_classes),
        ("requester", &words.requesters),
    ] {
        read.extend(
            list.iter()
                .map(|word| (format!("{what} {word}"), "known".to_owned())),
        );
    }
    read
}

fn words(a: &Side, b: &Side, all: &mut Vec<DataChange>) {
    for (what, one, other) in pairs(&vocabulary(a), &vocabulary(b)) {
        all.push(DataChange {
            what,
            in_force: true,
            lines: both(one, other),
        });
    }
}

/// Words that only one side knows: an act that uses one is a review on the other, and is not compared.
pub(super) fn known_to_one(a: &Side, b: &Side) -> Vec<String> {
    let mut all: Vec<String> = pairs(&vocabulary(a), &vocabulary(b))
        .into_iter()
        .map(|(what, ..)| what)
        .collect();
    let chips = |side: &Side| -> BTreeSet<String> { side.packs.chips.keys().cloned().collect() };
    all.extend(
        chips(a)
            .symmetric_difference(&chips(b))
            .map(|id| format!("chip {id}")),
    );
    all
}
