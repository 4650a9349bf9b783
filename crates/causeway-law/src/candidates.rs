//! The values at which an unknown is tried: one for each class of values that the rules tell apart.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::groups::Member;
use crate::scene::{Needs, Scene, Slot, Value};
use crate::vocabulary::FactKind;

/// A value, and the words for it in messages (for a country: every country of its class).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) value: Value,
    pub(crate) labels: Vec<String>,
}

fn plain(value: Value, label: impl Into<String>) -> Candidate {
    Candidate {
        value,
        labels: vec![label.into()],
    }
}

/// Every value of an unknown that the rules can tell apart, given what they compare it with. Never empty.
pub(crate) fn candidates(scene: &Scene<'_>, slot: &Slot, needs: &Needs) -> Vec<Candidate> {
    match slot {
        Slot::To | Slot::Country(..) | Slot::StoredIn => countries(scene, slot, needs),
        Slot::Listed(_) => lists(needs),
        Slot::Owned(..) => flags("below the line", "at or over the line"),
        Slot::Holder(..) => flags("no listed holder of weight", "a listed holder of weight"),
        Slot::Member(..) => flags("out", "in"),
        Slot::Ciio(_) | Slot::Flag(_) => flags("false", "true"),
        Slot::Measure(_) => numbers(needs),
        Slot::Persons(_) => numbers(needs),
        Slot::Word(name) => words(scene, name, needs),
        Slot::Fact(name) => fact(scene, name, needs),
    }
}

fn flags(no: &str, yes: &str) -> Vec<Candidate> {
    vec![plain(Value::Flag(false), no), plain(Value::Flag(true), yes)]
}

fn countries(scene: &Scene<'_>, slot: &Slot, needs: &Needs) -> Vec<Candidate> {
    let possible: Vec<Country> = scene.countries(slot).map_or_else(
        || Country::all().collect(),
        |some| some.into_iter().collect(),
    );
    let mut classes: BTreeMap<BTreeSet<String>, Vec<String>> = BTreeMap::new();
    for country in possible {
        let groups = scene.groups_of(country);
        let mut certain = BTreeSet::new();
        let mut open = Vec::new();
        for word in &needs.words {
            match groups.get(word.as_str()) {
                _ if word == country.code() => {
                    certain.insert(word.clone());
                }
                Some(Member::In) => {
                    certain.insert(word.clone());
                }
                Some(Member::Review) => open.push(word.clone()),
                Some(Member::Out) | None => {}
            }
        }
        // A country whose membership is under review stands on both sides.
        let mut sides = vec![certain];
        for word in open {
            let with: Vec<BTreeSet<String>> = sides
                .iter()
                .map(|side| side.iter().cloned().chain([word.clone()]).collect())
                .collect();
            sides.extend(with);
        }
        for side in sides {
            classes
                .entry(side)
                .or_default()
                .push(country.code().to_owned());
        }
    }
    classes
        .into_iter()
        .map(|(tokens, labels)| Candidate {
            value: Value::Tokens(tokens),
            labels,
        })
        .collect()
}

/// On none, on each alone, on all.
fn lists(needs: &Needs) -> Vec<Candidate> {
    let mut all = vec![plain(Value::Lists(BTreeSet::new()), "none")];
    all.extend(
        needs
            .words
            .iter()
            .map(|word| plain(Value::Lists(BTreeSet::from([word.clone()])), word.clone())),
    );
    if needs.words.len() > 1 {
        all.push(plain(Value::Lists(needs.words.clone()), "all of these"));
    }
    all
}

/// Below, at and above each threshold.
fn numbers(needs: &Needs) -> Vec<Candidate> {
    let small = Decimal::new(1, 6);
    let mut values: Vec<(Decimal, String)> = Vec::new();
    let thresholds: Vec<Decimal> = needs.numbers.iter().copied().collect();
    if let Some(first) = thresholds.first() {
        let below = (*first - step(*first)).max(Decimal::ZERO);
        if below < *first {
            values.push((below, format!("below {}", first.normalize())));
        }
    }
    for (index, threshold) in thresholds.iter().enumerate() {
        values.push((*threshold, threshold.normalize().to_string()));
        let next = thresholds.get(index + 1);
        let above = next.map_or_else(
            || threshold.saturating_add(step(*threshold)),
            |next| threshold.saturating_add(small.min((*next - *threshold) / Decimal::TWO)),
        );
        if next.is_none_or(|next| above < *next) && above > *threshold {
            let label = next.map_or_else(
                || format!("above {}", threshold.normalize()),
                |next| format!("between {} and {}", threshold.normalize(), next.normalize()),
            );
            values.push((above, label));
        }
    }
    if values.is_empty() {
        // Nothing compares it: any value will do.
        values.push((Decimal::ZERO, "any".to_owned()));
    }
    values
        .into_iter()
        .map(|(value, label)| plain(Value::Number(value), label))
        .collect()
}

/// A step that still changes a decimal of this size.
fn step(threshold: Decimal) -> Decimal {
    if threshold > Decimal::from(1_000_000_000_000_i64) {
        threshold / Decimal::TEN
    } else {
        Decimal::ONE
    }
}

fn words(scene: &Scene<'_>, name: &str, needs: &Needs) -> Vec<Candidate> {
    let mut all: BTreeSet<String> = needs.words.clone();
    if name == "evidence.requested_by" {
        all.extend(scene.packs.vocabulary.requesters.iter().cloned());
    }
    let mut list: Vec<Candidate> = all
        .into_iter()
        .map(|word| plain(Value::Word(word.clone()), word))
        .collect();
    list.push(plain(Value::Word("another".to_owned()), "another"));
    list
}

fn fact(scene: &Scene<'_>, name: &str, needs: &Needs) -> Vec<Candidate> {
    let Some(spec) = scene.packs.vocabulary.facts.get(name) else {
        return vec![plain(Value::Flag(false), "any")];
    };
    match spec.kind {
        FactKind::Word => spec
            .values
            .iter()
            .map(|word| plain(Value::Word(word.clone()), word.clone()))
            .collect(),
        FactKind::Flag => flags("false", "true"),
        FactKind::Number => numbers(needs),
        // Nothing before, or enough of each class to be over every line.
        FactKind::Persons => vec![
            plain(Value::Number(Decimal::ZERO), "none"),
            plain(Value::Number(Decimal::from(1_000_000_000_000_i64)), "many"),
        ],
        FactKind::Day => {
            let mut list = Vec::new();
            for day in needs.numbers.iter().filter_map(ToPrimitive::to_i64) {
                let text = format!(
                    "{:04}-{:02}-{:02}",
                    day / 10_000,
                    day / 100 % 100,
                    day % 100
                );
                list.push(plain(Value::Long(day - 1), format!("before {text}")));
                list.push(plain(Value::Long(day), text.clone()));
                list.push(plain(Value::Long(day + 1), format!("after {text}")));
            }
            if list.is_empty() {
                list.push(plain(Value::Long(0), "any"));
            }
            list
        }
    }
}

/// What of a value a policy sees: two values with the same sight are one to it.
pub(crate) fn sight(value: &Value, needs: &Needs) -> Value {
    match value {
        Value::Tokens(tokens) => {
            Value::Tokens(tokens.intersection(&needs.words).cloned().collect())
        }
        Value::Lists(lists) => Value::Lists(lists.intersection(&needs.words).cloned().collect()),
        Value::Word(word) => Value::Word(if needs.words.contains(word) {
            word.clone()
        } else {
            String::new()
        }),
        // How many thresholds lie below, and whether it stands on one.
        Value::Number(number) => {
            let below = needs.numbers.range(..*number).count();
            Value::Word(format!("{below} {}", needs.numbers.contains(number)))
        }
        Value::Long(number) => {
            let number = Decimal::from(*number);
            Value::Word(format!(
                "{} {}",
                needs.numbers.range(..number).count(),
                needs.numbers.contains(&number)
            ))
        }
        Value::Flag(flag) => Value::Flag(*flag),
    }
}

/// Labels in short: `AF, BY, CD and 19 more`.
pub(crate) fn label(labels: &[String]) -> String {
    match labels {
        [] => "any".to_owned(),
        few if few.len() <= 4 => few.join(", "),
        [first, second, third, rest @ ..] => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        more => more.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(numbers: &[i64]) -> Needs {
        Needs {
            numbers: numbers
                .iter()
                .map(|number| Decimal::from(*number))
                .collect(),
            ..Needs::default()
        }
    }

    #[test]
    fn numbers_stand_on_each_side_of_each_threshold() {
        let list = numbers(&needs(&[1600, 4800]));
        let labels: Vec<&str> = list
            .iter()
            .map(|candidate| candidate.labels[0].as_str())
            .collect();
        assert_eq!(
            labels,
            [
                "below 1600",
                "1600",
                "between 1600 and 4800",
                "4800",
                "above 4800"
            ]
        );
        let sights: BTreeSet<Value> = list
            .iter()
            .map(|candidate| sight(&candidate.value, &needs(&[1600, 4800])))
            .collect();
        assert_eq!(sights.len(), 5);
        let sights: BTreeSet<Value> = list
            .iter()
            .map(|candidate| sight(&candidate.value, &needs(&[4800])))
            .collect();
        assert_eq!(
            sights.len(),
            3,
            "a policy with one threshold sees three values"
        );
        let huge = numbers(&Needs {
            numbers: BTreeSet::from(["1e26"
                .to_owned()
                .parse::<Decimal>()
                .unwrap_or_else(|_| Decimal::from_scientific("1e26").unwrap())]),
            ..Needs::default()
        });
        assert_eq!(huge.len(), 3);
    }

    #[test]
    fn persons_at_zero_have_nothing_below() {
        let labels: Vec<String> = numbers(&needs(&[0, 100]))
            .into_iter()
            .map(|candidate| candidate.labels[0].clone())
            .collect();
        assert_eq!(labels, ["0", "between 0 and 100", "100", "above 100"]);
    }
}
