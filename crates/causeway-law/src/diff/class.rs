//! Classes of items and parties as functions of single tests, so that two of them can be compared exactly.
//!
//! A class asks for measures against thresholds and for things that hold or don't. Between two neighbouring thresholds
//! nothing changes, so trying every region of every measure with every answer of the rest is a proof. What belongs together
//! in the world (a density follows from TPP and area) is taken as independent: that can only lose a proof, never make one.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::Side;
use crate::definitions::{Comparison, Condition, Definition, Field};

/// Most regions that are tried for one comparison of classes.
const REGIONS: usize = 1 << 16;

/// A class, its definitions written out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Not(Box<Formula>),
    Measure(String, Comparison, Decimal),
    Test(String),
}

/// How a word of a side is marked where it means something else on the other.
pub(super) type Marks<'m> = &'m dyn Fn(Mark<'_>) -> String;

/// What may mean something else on the other side.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark<'a> {
    /// A group of countries, or a country.
    Token(&'a str),
    /// A measure: figures of chips stand in a table.
    Measure(&'a str),
}

/// The definitions of a class that hold on a side's day.
pub(super) fn in_force<'s>(
    side: &'s Side,
    classes: &'s BTreeMap<String, Vec<Definition>>,
    class: &str,
) -> impl Iterator<Item = &'s Definition> {
    classes
        .get(class)
        .into_iter()
        .flatten()
        .filter(|definition| {
            definition.from.is_none_or(|from| from <= side.day)
                && definition.to.is_none_or(|to| side.day <= to)
        })
}

/// A class on a side's day.
pub(super) fn formula(
    side: &Side,
    classes: &BTreeMap<String, Vec<Definition>>,
    class: &str,
    marks: Marks<'_>,
) -> Formula {
    let mut list: Vec<Formula> = in_force(side, classes, class)
        .map(|definition| expand(side, classes, &definition.condition, marks))
        .collect();
    list.sort();
    Formula::Any(list)
}

fn expand(
    side: &Side,
    classes: &BTreeMap<String, Vec<Definition>>,
    condition: &Condition,
    marks: Marks<'_>,
) -> Formula {
    let list = |conditions: &[Condition]| {
        let mut list: Vec<Formula> = conditions
            .iter()
            .map(|inner| expand(side, classes, inner, marks))
            .collect();
        list.sort();
        list
    };
    match condition {
        Condition::All(conditions) => Formula::All(list(conditions)),
        Condition::Any(conditions) => Formula::Any(list(conditions)),
        Condition::Not(inner) => Formula::Not(Box::new(expand(side, classes, inner, marks))),
        Condition::Class(class) => formula(side, classes, class, marks),
        Condition::Measure {
            name,
            comparison,
            value,
        } => Formula::Measure(marks(Mark::Measure(name)), *comparison, value.normalize()),
        Condition::Flag { name, is } => {
            let test = Formula::Test(name.clone());
            if *is {
                test
            } else {
                Formula::Not(Box::new(test))
            }
        }
        // One token at a time, so that a country that moves between two groups of a list is seen.
        Condition::Country { field, tokens } => Formula::Any(
            tokens
                .iter()
                .map(|token| {
                    Formula::Test(format!(
                        "{} {}",
                        field_word(*field),
                        marks(Mark::Token(token))
                    ))
                })
                .collect(),
        ),
        Condition::Listed(lists) => Formula::Any(
            lists
                .iter()
                .map(|list| Formula::Test(format!("listed {list}")))
                .collect(),
        ),
        Condition::Role(roles) => Formula::Any(
            roles
                .iter()
                .map(|role| Formula::Test(format!("role {role}")))
                .collect(),
        ),
        Condition::OwnedBy { by, at_least, .. } => Formula::Test(format!(
            "owned {} by {:?}",
            at_least.normalize(),
            expand(side, classes, by, marks)
        )),
        Condition::Holder { by, from, .. } => Formula::Test(format!(
            "held {} by {:?}",
            from.normalize(),
            expand(side, classes, by, marks)
        )),
        other => Formula::Test(in_words(other)),
    }
}

pub(super) const fn field_word(field: Field) -> &'static str {
    match field {
        Field::Located => "in",
        Field::Headquarters => "hq",
        Field::Parent => "parent",
        Field::Home => "incorporated",
    }
}

impl Formula {
    fn look(
        &self,
        measures: &mut BTreeMap<String, BTreeSet<Decimal>>,
        tests: &mut BTreeSet<String>,
    ) {
        match self {
            Self::All(list) | Self::Any(list) => {
                for inner in list {
                    inner.look(measures, tests);
                }
            }
            Self::Not(inner) => inner.look(measures, tests),
            Self::Measure(name, _, value) => {
                measures.entry(name.clone()).or_default().insert(*value);
            }
            Self::Test(test) => {
                tests.insert(test.clone());
            }
        }
    }

    fn holds(&self, world: &World<'_>) -> bool {
        match self {
            Self::All(list) => list.iter().all(|inner| inner.holds(world)),
            Self::Any(list) => list.iter().any(|inner| inner.holds(world)),
            Self::Not(inner) => !inner.holds(world),
            Self::Test(test) => world.tests.get(test.as_str()).copied().unwrap_or(false),
            Self::Measure(name, comparison, value) => world
                .measures
                .get(name.as_str())
                .is_some_and(|(thresholds, region)| {
                    let below = thresholds.range(..*value).count();
                    region.is_some_and(|region| stands(region, 2 * below + 1, *comparison))
                }),
        }
    }
}

/// Regions of a measure are numbered: 0 below the first threshold, 1 on it, 2 between it and the second, and so on.
const fn stands(region: usize, threshold: usize, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Ge => region >= threshold,
        Comparison::Gt => region > threshold,
        Comparison::Le => region <= threshold,
        Comparison::Lt => region < threshold,
    }
}

struct World<'w> {
    tests: BTreeMap<&'w str, bool>,
    /// Thresholds, and in which region the measure lies; none where the item has no such measure.
    measures: BTreeMap<&'w str, (&'w BTreeSet<Decimal>, Option<usize>)>,
}

/// Whether there is a world in which `wanted` holds of both answers; `None` past the limit.
pub(super) fn possible(
    one: &Formula,
    other: &Formula,
    wanted: impl Fn(bool, bool) -> bool,
) -> Option<bool> {
    let (mut measures, mut tests) = (BTreeMap::new(), BTreeSet::new());
    for formula in [one, other] {
        formula.look(&mut measures, &mut tests);
    }
    let widths: Vec<usize> = measures
        .values()
        // Below, on and after each threshold, and not there at all.
        .map(|thresholds| 2 * thresholds.len() + 2)
        .chain(tests.iter().map(|_| 2))
        .collect();
    widths.iter().try_fold(1usize, |all, width| {
        all.checked_mul(*width).filter(|all| *all <= REGIONS)
    })?;
    let total: usize = widths.iter().product();
    Some((0..total).any(|number| {
        let mut rest = number;
        let mut digits = widths.iter().map(|width| {
            let digit = rest % width;
            rest /= width;
            digit
        });
        let world = World {
            measures: measures
                .iter()
                .map(|(name, thresholds)| {
                    let digit = digits.next().unwrap_or(0);
                    (name.as_str(), (thresholds, digit.checked_sub(1)))
                })
                .collect(),
            tests: tests
                .iter()
                .map(|test| (test.as_str(), digits.next() == Some(1)))
                .collect(),
        };
        wanted(one.holds(&world), other.holds(&world))
    }))
}

/// Whether whatever is in `one` is in `other`: certain, or not shown.
pub(super) fn implies(one: &Formula, other: &Formula) -> bool {
    one == other || possible(one, other, |one, other| one && !other) == Some(false)
}

/// Whether nothing can be in both: certain, or not shown.
pub(super) fn excludes(one: &Formula, other: &Formula) -> bool {
    possible(one, other, |one, other| one && other) == Some(false)
}

// In words.

fn list<'w>(words: impl IntoIterator<Item = &'w String>) -> String {
    words
        .into_iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A condition in plain words.
pub(super) fn in_words(condition: &Condition) -> String {
    words(condition, false)
}

fn words(condition: &Condition, inside: bool) -> String {
    let joined = |conditions: &[Condition], word: &str| {
        let text = conditions
            .iter()
            .map(|inner| words(inner, conditions.len() > 1))
            .collect::<Vec<_>>()
            .join(word);
        if inside && conditions.len() > 1 {
            format!("({text})")
        } else {
            text
        }
    };
    match condition {
        Condition::All(conditions) => joined(conditions, " and "),
        Condition::Any(conditions) => joined(conditions, " or "),
        Condition::Not(inner) => format!("not {}", words(inner, true)),
        Condition::Class(class) => format!("`{class}`"),
        Condition::Measure {
            name,
            comparison,
            value,
        } => {
            let sign = match comparison {
                Comparison::Ge => ">=",
                Comparison::Gt => ">",
                Comparison::Le => "<=",
                Comparison::Lt => "<",
            };
            format!("{name} {sign} {}", value.normalize())
        }
        Condition::Flag { name, is: true } => name.clone(),
        Condition::Flag { name, is: false } => format!("not {name}"),
        Condition::Chip(ids) => format!("chip is one of {}", list(ids)),
        Condition::Lines { lines, of } => {
            let lines: Vec<String> = lines
                .iter()
                .map(|(class, line)| format!("{} {class}", line.normalize()))
                .collect();
            format!(
                "more persons of {} than the lowest line that counts: {}",
                list(of),
                lines.join(", ")
            )
        }
        Condition::Country { field, tokens } => {
            format!("{} is in {}", field_word(*field), list(tokens))
        }
        Condition::Listed(lists) => format!("listed: {}", list(lists)),
        Condition::Ciio => "runs critical information infrastructure".to_owned(),
        Condition::Role(roles) => format!("role is one of {}", list(roles)),
        Condition::Fact(name) => format!("fact {name}"),
        Condition::OwnedBy { by, at_least, .. } => format!(
            "owned {} % or more by those with {}",
            at_least.normalize(),
            words(by, true)
        ),
        Condition::Holder { by, from, .. } => format!(
            "held from {} % up by one with {}",
            from.normalize(),
            words(by, true)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(items: &str) -> Side {
        let text = format!("items:\n{items}");
        let file = crate::PackFile {
            path: "xx/definitions.yaml".to_owned(),
            text,
        };
        let packs = crate::Packs::from_files(vec![file]).unwrap();
        Side::new("test", packs, "2026-11-24".parse().unwrap())
    }

    fn class(side: &Side, name: &str) -> Formula {
        formula(
            side,
            &side.packs.definitions.items,
            name,
            &|mark| match mark {
                Mark::Token(word) | Mark::Measure(word) => word.to_owned(),
            },
        )
    }

    #[test]
    fn regions_decide_what_follows_from_what() {
        let side = side(
            "- {class: low, is: {measure: tpp, ge: 2400}}\n\
             - {class: high, is: {all: [{measure: tpp, gt: 2400}, {flag: datacenter}]}}\n\
             - {class: under, is: {measure: tpp, lt: 2400}}\n\
             - {class: not low, is: {not: {class: low}}}\n",
        );
        let [low, high, under, not_low] =
            ["low", "high", "under", "not low"].map(|name| class(&side, name));
        assert!(implies(&high, &low) && !implies(&low, &high));
        assert!(excludes(&low, &under) && !excludes(&low, &high));
        assert!(implies(&under, &not_low));
        // An item without figures is neither under the line nor over it.
        assert!(!implies(&not_low, &under));
    }

    #[test]
    fn the_lower_tier_excludes_the_upper_and_is_an_exception_item() {
        let packs = crate::Packs::builtin().unwrap();
        let side = Side::new("builtin", packs, "2026-11-24".parse().unwrap());
        let [upper, lower, exception] =
            ["3A090.a", "3A090.b", "NAC and ACA item"].map(|name| class(&side, name));
        assert!(excludes(&upper, &lower));
        assert!(implies(&lower, &exception) && !implies(&upper, &exception));
    }
}
