//! The values at which the acts of a search differ: what a policy asks, each side of every line that either side draws.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;
use serde_json::{Map, Value, json};

use super::draft::{Edit, is_sent, roles};
use super::{items, parties};
use crate::definitions::Condition;
use crate::diff::Side;
use crate::diff::class::in_force;
use crate::diff::expression::{Asked, asked};
use crate::diff::meaning::{Meanings, Which};
use crate::packs::Rule;
use crate::vocabulary::FactKind;
use crate::{ActKind, Role};

/// Most values of one axis.
const VALUES: usize = 48;

/// What speaks for a value that the sides see in two ways: it comes before all that they see in one.
pub(super) const PARTED: i64 = 100;

/// Everything that the search for one policy looks at.
pub(super) struct Frame<'f> {
    pub(super) sides: [(Which, &'f Side); 2],
    pub(super) meanings: &'f Meanings<'f>,
    pub(super) kind: ActKind,
    /// Countries of the base: where from, where to.
    pub(super) base: (&'f str, &'f str),
}

/// One thing that is varied.
#[derive(Debug)]
pub(super) struct Axis {
    /// For people: `to`, `chip`, `end_user`.
    pub(super) what: String,
    /// The likeliest to make the policy speak first.
    pub(super) values: Vec<Edit>,
    /// Values that were left out.
    pub(super) cut: usize,
}

impl Axis {
    /// Values by how much speaks for each.
    pub(super) fn ranked(what: impl Into<String>, mut values: Vec<(i64, Edit)>) -> Option<Self> {
        values.sort_by_key(|(score, _)| -score);
        let mut list: Vec<Edit> = Vec::new();
        for (_, edit) in values {
            if !list.contains(&edit) {
                list.push(edit);
            }
        }
        let cut = list.len().saturating_sub(VALUES);
        list.truncate(VALUES);
        (list.len() > 1).then(|| Self {
            what: what.into(),
            values: list,
            cut,
        })
    }
}

/// How much speaks for a value: wanted words that it has, less unwanted ones.
pub(super) fn score(asked: &Asked, has: impl Fn(&str) -> bool) -> i64 {
    let count = |words: &BTreeSet<String>| {
        i64::try_from(words.iter().filter(|word| has(word)).count()).unwrap_or(0)
    };
    count(&asked.wanted) - 2 * count(&asked.unwanted)
}

impl Frame<'_> {
    /// Countries, one or two for each way in which both sides' groups see them, those in the fewest groups first.
    pub(super) fn countries(&self, words: &BTreeSet<String>) -> Vec<String> {
        let mut classes: BTreeMap<Vec<(bool, bool)>, Vec<(usize, &'static str)>> = BTreeMap::new();
        for country in Country::all() {
            let mut seen = Vec::new();
            let mut groups = 0;
            for (which, side) in self.sides {
                groups += side.packs.groups.of(country, |_| side.day).len();
                for word in words {
                    let members = self.meanings.members(which, word);
                    seen.push((
                        members.certain.contains(&country),
                        members.possible.contains(&country),
                    ));
                }
            }
            let base = [self.base.0, self.base.1].contains(&country.code());
            classes
                .entry(seen)
                .or_default()
                .push((if base { 0 } else { groups + 1 }, country.code()));
        }
        classes
            .into_values()
            .flat_map(|mut list| {
                list.sort();
                list.into_iter().take(2).map(|(_, code)| code.to_owned())
            })
            .collect()
    }

    pub(super) fn has_country(&self, code: &str, token: &str) -> bool {
        code.parse().is_ok_and(|country| {
            self.sides.iter().any(|(which, _)| {
                self.meanings
                    .members(*which, token)
                    .possible
                    .contains(&country)
            })
        })
    }

    /// Whether the sides see a country in two ways.
    fn parts(&self, code: &str, words: &BTreeSet<String>) -> bool {
        let Ok(country) = code.parse() else {
            return false;
        };
        let seen = |which: Which, word: &String| {
            let members = self.meanings.members(which, word);
            (
                members.certain.contains(&country),
                members.possible.contains(&country),
            )
        };
        words
            .iter()
            .any(|word| seen(Which::A, word) != seen(Which::B, word))
    }

    /// Every condition behind classes of items or parties, on both sides.
    pub(super) fn conditions(
        &self,
        of_items: bool,
        classes: &BTreeSet<String>,
        see: &mut impl FnMut(&Condition),
    ) {
        for (_, side) in self.sides {
            let all = &side.packs.definitions;
            let all = if of_items { &all.items } else { &all.parties };
            let mut waiting: Vec<String> = classes.iter().cloned().collect();
            let mut done = BTreeSet::new();
            while let Some(class) = waiting.pop() {
                if !done.insert(class.clone()) {
                    continue;
                }
                for definition in in_force(side, all, &class) {
                    let mut inside = vec![&definition.condition];
                    while let Some(condition) = inside.pop() {
                        condition.visit(&mut |part| {
                            see(part);
                            if let Condition::Class(other) = part {
                                waiting.push(other.clone());
                            }
                        });
                        condition.visit(&mut |part| {
                            if let Condition::OwnedBy { by, .. } | Condition::Holder { by, .. } =
                                part
                            {
                                inside.push(by);
                            }
                        });
                    }
                }
            }
        }
    }
}

/// The axes of a policy for a kind of act.
pub(super) fn axes(frame: &Frame<'_>, rule: &Rule) -> Vec<Axis> {
    let asked = asked(&rule.conditions);
    let nothing = Asked::default();
    let of = |path: &str| asked.get(path).unwrap_or(&nothing);
    let mut all: Vec<Axis> = Vec::new();
    let places = |path: &str, make: fn(String) -> Edit| {
        let asked = asked.get(path)?;
        let values = frame
            .countries(&asked.words())
            .into_iter()
            .map(|code| {
                let parted = if frame.parts(&code, &asked.words()) {
                    PARTED
                } else {
                    0
                };
                let score = score(asked, |word| frame.has_country(&code, word));
                (parted + score, make(code))
            })
            .collect();
        Axis::ranked(path, values)
    };
    all.extend(places("to", Edit::To));
    let from_path = if frame.kind == ActKind::TransferDataset && asked.contains_key("data_from") {
        "data_from"
    } else {
        "from"
    };
    if is_sent(frame.kind) {
        all.extend(places(from_path, Edit::From));
    }
    // Items.
    all.extend(items::axes(frame, &asked));
    // Parties.
    let mut named = false;
    for (role, _) in roles(frame.kind) {
        let mut own: BTreeMap<String, Asked> = BTreeMap::new();
        for (path, asked) in &asked {
            if let Some((group, field)) = path.split_once('.')
                && parties::in_group(*role, group)
            {
                own.entry(field.to_owned()).or_default().merge(asked);
            }
        }
        if frame.kind == ActKind::RentAndDataset || frame.kind == ActKind::ExportAndDataset {
            if let Some(asked) = asked.get("data_from").filter(|_| *role == Role::Controller) {
                own.entry("located".to_owned()).or_default().merge(asked);
            }
        }
        if !own.is_empty() {
            named = true;
            all.extend(parties::axis(frame, *role, &own));
        }
    }
    if !named && asked.contains_key("to") {
        let elsewhere = Edit::ReceivedElsewhere(frame.base.1.to_owned());
        all.extend(Axis::ranked(
            "receives",
            vec![(1, elsewhere), (0, Edit::Nothing)],
        ));
    }
    if asked.contains_key("roles") {
        let without = roles(frame.kind)
            .iter()
            .map(|(role, _)| (1, Edit::Without(*role)));
        all.extend(Axis::ranked(
            "roles",
            without.chain([(0, Edit::Nothing)]).collect(),
        ));
    }
    // Authorisations: none, each alone.
    let held = of("authorisations");
    let mut papers: Vec<(i64, Edit)> = vec![(0, Edit::Nothing)];
    papers.extend(held.words().into_iter().map(|word| {
        let score = score(held, |other| other == word);
        (score, Edit::Authorisations(vec![word]))
    }));
    all.extend(Axis::ranked("authorisations", papers));
    all.extend(facts(frame, &asked));
    all
}

/// An axis for each fact that the policy, or a class that it asks for, looks at.
fn facts(frame: &Frame<'_>, asked: &BTreeMap<String, Asked>) -> Vec<Axis> {
    let mut names: BTreeMap<String, Asked> = BTreeMap::new();
    let mut thresholds: BTreeMap<String, BTreeSet<rust_decimal::Decimal>> = BTreeMap::new();
    for (path, asked) in asked {
        if let Some(name) = path.strip_prefix("facts.") {
            names.entry(name.to_owned()).or_default().merge(asked);
        }
        if let Some((record, "class")) = path.rsplit_once('.') {
            frame.conditions(
                record == "item",
                &asked.words(),
                &mut |condition| match condition {
                    Condition::Fact(name) => {
                        names.entry(name.clone()).or_default().flag = Some(true);
                    }
                    Condition::Measure { name, value, .. }
                        if frame
                            .sides
                            .iter()
                            .any(|(_, side)| side.packs.vocabulary.facts.contains_key(name)) =>
                    {
                        names.entry(name.clone()).or_default();
                        thresholds.entry(name.clone()).or_default().insert(*value);
                    }
                    _ => {}
                },
            );
        }
    }
    let unknown = asked.get("unknown").map(Asked::words).unwrap_or_default();
    for name in &unknown {
        names.entry(name.clone()).or_default();
    }
    let mut all = Vec::new();
    for (name, asked) in names {
        // Both sides must know a fact, else stating it is a slip on one.
        let specs: Vec<_> = frame
            .sides
            .iter()
            .filter_map(|(_, side)| side.packs.vocabulary.facts.get(&name))
            .collect();
        let [spec, other] = specs.as_slice() else {
            continue;
        };
        let fact = |value: Value| Edit::Fact(name.clone(), value);
        let mut values: Vec<(i64, Edit)> = match spec.kind {
            FactKind::Word => spec
                .values
                .iter()
                .filter(|word| other.values.contains(word))
                .map(|word| (score(&asked, |known| known == word), fact(json!(word))))
                .collect(),
            FactKind::Flag => [true, false]
                .into_iter()
                .map(|flag| (i64::from(asked.flag == Some(flag)), fact(json!(flag))))
                .collect(),
            FactKind::Day => asked
                .numbers
                .iter()
                .filter_map(|number| day(*number))
                .flat_map(|day| [day.yesterday().ok(), Some(day)])
                .flatten()
                .map(|day| (0, fact(json!(day.to_string()))))
                .collect(),
            FactKind::Number => thresholds
                .get(&name)
                .map(|lines| items::points(lines))
                .unwrap_or_default()
                .into_iter()
                .map(|point| (1, fact(items::number(point))))
                .collect(),
            FactKind::Persons => continue,
        };
        if unknown.contains(&name) {
            values.push((1, fact(json!("unknown"))));
        }
        all.extend(Axis::ranked(name.clone(), values));
    }
    all
}

fn day(number: i64) -> Option<causeway_domain::Date> {
    format!(
        "{:04}-{:02}-{:02}",
        number / 10_000,
        number / 100 % 100,
        number % 100
    )
    .parse()
    .ok()
}

/// A map of one key.
pub(super) fn one(key: &str, value: Value) -> Map<String, Value> {
    [(key.to_owned(), value)].into_iter().collect()
}
