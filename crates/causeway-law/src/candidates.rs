//! The values at which an unknown is tried: one for each class of values that the rules tell apart.

use std::collections::BTreeMap;

use causeway_domain::Country;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::bits::Bits;
use crate::scene::{Needs, Scene, Slot, Value, WordOf};
use crate::vocabulary::FactKind;

/// A value, and the words for it in messages (for a country: every country of its class).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) value: Value,
    pub(crate) label: Label,
}

/// The words for a value, put together only where somebody reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    Word(&'static str),
    Text(String),
    Countries(Vec<Country>),
    Below(Decimal),
    At(Decimal),
    Between(Decimal, Decimal),
    Above(Decimal),
    /// A day, and where from it.
    Day(&'static str, i64),
    Lists(Bits),
}

fn plain(value: Value, label: &'static str) -> Candidate {
    Candidate {
        value,
        label: Label::Word(label),
    }
}

/// Every value of an unknown that the rules can tell apart, given what they compare it with. Never empty.
pub(crate) fn candidates(scene: &Scene<'_>, slot: Slot, needs: &Needs) -> Vec<Candidate> {
    match slot {
        Slot::To | Slot::Country(..) | Slot::StoredIn => countries(scene, slot, needs),
        Slot::Listed(_) => lists(needs),
        Slot::Owned(..) => flags("below the line", "at or over the line"),
        Slot::Holder(..) => flags("no listed holder of weight", "a listed holder of weight"),
        Slot::Member(..) => flags("out", "in"),
        Slot::Ciio(_) | Slot::Flag(_) => flags("false", "true"),
        Slot::Measure(_) | Slot::Persons(_) => numbers(needs),
        Slot::Word(of) => words(scene, of, needs),
        Slot::Fact(id) => fact(scene, id, needs),
    }
}

fn flags(no: &'static str, yes: &'static str) -> Vec<Candidate> {
    vec![plain(Value::Flag(false), no), plain(Value::Flag(true), yes)]
}

fn countries(scene: &Scene<'_>, slot: Slot, needs: &Needs) -> Vec<Candidate> {
    let mut classes: BTreeMap<Bits, Vec<Country>> = BTreeMap::new();
    let mut place = |country: Country| {
        let row = scene.row(country);
        // A country whose membership is under review stands on both sides.
        let mut sides = vec![row.held.and(&needs.words)];
        for word in row.review.and(&needs.words).iter() {
            let with: Vec<Bits> = sides
                .iter()
                .map(|side| {
                    let mut side = side.clone();
                    side.insert(word);
                    side
                })
                .collect();
            sides.extend(with);
        }
        for side in sides {
            classes.entry(side).or_default().push(country);
        }
    };
    match scene.countries(slot) {
        Some(some) => some.into_iter().for_each(&mut place),
        None => Country::all().for_each(&mut place),
    }
    classes
        .into_iter()
        .map(|(held, countries)| Candidate {
            value: Value::Words(held),
            label: Label::Countries(countries),
        })
        .collect()
}

/// On none, on each alone, on all.
fn lists(needs: &Needs) -> Vec<Candidate> {
    let mut all = vec![plain(Value::Words(Bits::EMPTY), "none")];
    all.extend(needs.words.iter().map(|list| {
        let alone: Bits = [list].into_iter().collect();
        Candidate {
            value: Value::Words(alone.clone()),
            label: Label::Lists(alone),
        }
    }));
    if needs.words.count() > 1 {
        all.push(plain(Value::Words(needs.words.clone()), "all of these"));
    }
    all
}

/// Below, at and above each threshold.
fn numbers(needs: &Needs) -> Vec<Candidate> {
    let small = Decimal::new(1, 6);
    let mut values: Vec<(Decimal, Label)> = Vec::new();
    let thresholds: Vec<Decimal> = needs.numbers.iter().copied().collect();
    if let Some(first) = thresholds.first() {
        let below = (*first - step(*first)).max(Decimal::ZERO);
        if below < *first {
            values.push((below, Label::Below(*first)));
        }
    }
    for (index, threshold) in thresholds.iter().enumerate() {
        values.push((*threshold, Label::At(*threshold)));
        let next = thresholds.get(index + 1);
        let above = next.map_or_else(
            || threshold.saturating_add(step(*threshold)),
            |next| threshold.saturating_add(small.min((*next - *threshold) / Decimal::TWO)),
        );
        if next.is_none_or(|next| above < *next) && above > *threshold {
            let label = next.map_or(Label::Above(*threshold), |next| {
                Label::Between(*threshold, *next)
            });
            values.push((above, label));
        }
    }
    if values.is_empty() {
        // Nothing compares it: any value will do.
        values.push((Decimal::ZERO, Label::Word("any")));
    }
    values
        .into_iter()
        .map(|(value, label)| Candidate {
            value: Value::Number(value),
            label,
        })
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

fn words(scene: &Scene<'_>, of: WordOf, needs: &Needs) -> Vec<Candidate> {
    let mut all = needs.words.clone();
    if of == WordOf::RequestedBy {
        all.add(
            &scene
                .packs
                .vocabulary
                .requesters
                .iter()
                .filter_map(|word| scene.law.words.id(word).map(usize::from))
                .collect(),
        );
    }
    let mut list: Vec<Candidate> = all
        .iter()
        .map(|word| Candidate {
            value: Value::Word(Some(word)),
            label: Label::Text(
                u16::try_from(word)
                    .map(|word| scene.law.words.name(word).to_owned())
                    .unwrap_or_default(),
            ),
        })
        .collect();
    list.push(plain(Value::Word(None), "another"));
    list
}

fn fact(scene: &Scene<'_>, id: u16, needs: &Needs) -> Vec<Candidate> {
    let Some(entry) = scene.law.facts.get(usize::from(id)) else {
        return vec![plain(Value::Flag(false), "any")];
    };
    match entry.kind {
        FactKind::Word => entry
            .values
            .iter()
            .enumerate()
            .map(|(value, word)| Candidate {
                value: Value::Word(Some(value)),
                label: Label::Text(word.clone()),
            })
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
                for (value, word) in [(day - 1, "before "), (day, ""), (day + 1, "after ")] {
                    list.push(Candidate {
                        value: Value::Number(Decimal::from(value)),
                        label: Label::Day(word, day),
                    });
                }
            }
            if list.is_empty() {
                list.push(plain(Value::Number(Decimal::ZERO), "any"));
            }
            list
        }
    }
}

/// What of a value a policy sees: two values with the same sight are one to it.
pub(crate) fn sight(value: &Value, needs: &Needs) -> Value {
    match value {
        Value::Words(held) => Value::Words(held.and(&needs.words)),
        Value::Word(word) => Value::Word(word.filter(|word| needs.words.has(*word))),
        // How many thresholds lie below, and whether it stands on one.
        Value::Number(number) => {
            let below = needs.numbers.range(..*number).count();
            let on = usize::from(needs.numbers.contains(number));
            Value::Word(Some(2 * below + on))
        }
        Value::Flag(flag) => Value::Flag(*flag),
    }
}

/// The words for a group of values, in short: `AF, BY, CD and 19 more`.
pub(crate) fn label(scene: &Scene<'_>, group: &[&Candidate]) -> String {
    let words: Vec<String> = group
        .iter()
        .flat_map(|candidate| match &candidate.label {
            Label::Word(word) => vec![(*word).to_owned()],
            Label::Text(text) => vec![text.clone()],
            Label::Countries(countries) => countries
                .iter()
                .map(|country| country.code().to_owned())
                .collect(),
            Label::Below(line) => vec![format!("below {}", line.normalize())],
            Label::At(line) => vec![line.normalize().to_string()],
            Label::Between(low, high) => {
                vec![format!(
                    "between {} and {}",
                    low.normalize(),
                    high.normalize()
                )]
            }
            Label::Above(line) => vec![format!("above {}", line.normalize())],
            Label::Day(word, day) => vec![format!("{word}{}", day_text(*day))],
            Label::Lists(lists) => lists
                .iter()
                .filter_map(|list| u16::try_from(list).ok())
                .map(|list| scene.law.lists.name(list).to_owned())
                .collect(),
        })
        .collect();
    short(&words)
}

/// A day of the form 20231117, in words.
pub(crate) fn day_text(day: i64) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        day / 10_000,
        day / 100 % 100,
        day % 100
    )
}

/// A list in short.
pub(crate) fn short(labels: &[String]) -> String {
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
    use std::collections::BTreeSet;

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
        let (low, high) = (Decimal::from(1600), Decimal::from(4800));
        let list = numbers(&needs(&[1600, 4800]));
        let labels: Vec<&Label> = list.iter().map(|candidate| &candidate.label).collect();
        assert_eq!(
            labels,
            [
                &Label::Below(low),
                &Label::At(low),
                &Label::Between(low, high),
                &Label::At(high),
                &Label::Above(high)
            ]
        );
        let sights = |needs: &Needs| -> BTreeSet<Value> {
            list.iter()
                .map(|candidate| sight(&candidate.value, needs))
                .collect()
        };
        assert_eq!(sights(&needs(&[1600, 4800])).len(), 5);
        assert_eq!(
            sights(&needs(&[4800])).len(),
            3,
            "a policy with one threshold sees three values"
        );
        let huge = numbers(&Needs {
            numbers: BTreeSet::from([Decimal::from_scientific("1e26").unwrap()]),
            ..Needs::default()
        });
        assert_eq!(huge.len(), 3);
    }

    #[test]
    fn persons_at_zero_have_nothing_below() {
        let labels: Vec<Label> = numbers(&needs(&[0, 100]))
            .into_iter()
            .map(|candidate| candidate.label)
            .collect();
        let (zero, line) = (Decimal::ZERO, Decimal::from(100));
        assert_eq!(
            labels,
            [
                Label::At(zero),
                Label::Between(zero, line),
                Label::At(line),
                Label::Above(line)
            ]
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let words = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(short(&words(4)), "0, 1, 2, 3");
        assert_eq!(short(&words(22)), "0, 1, 2 and 19 more");
    }
}
