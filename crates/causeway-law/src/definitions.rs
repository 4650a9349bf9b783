//! Classes of items and of parties, defined by dated data: where the numbers of the law are compared, exactly.
//!
//! A policy asks `context.item.class.contains("3A090.a")`; what makes an item a 3A090.a on a day stands in a definition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::{Date, Place, Problem, SourceFile};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::text::Data;

/// A comparison with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Comparison {
    /// At or above.
    Ge,
    /// Above.
    Gt,
    /// At or below.
    Le,
    /// Below.
    Lt,
}

impl Comparison {
    /// Whether `left` (as a quotient `numerator / denominator`, denominator positive) stands so to `right`. The division
    /// is never made: the quotient is compared unrounded. `None` where the product leaves the range of decimals.
    pub(crate) fn holds(
        self,
        numerator: Decimal,
        denominator: Decimal,
        right: Decimal,
    ) -> Option<bool> {
        let right = right.checked_mul(denominator)?;
        Some(match self {
            Self::Ge => numerator >= right,
            Self::Gt => numerator > right,
            Self::Le => numerator <= right,
            Self::Lt => numerator < right,
        })
    }
}

/// A field of a party that holds a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// Where it acts.
    Located,
    /// Headquarters.
    Headquarters,
    /// Headquarters of the ultimate parent.
    Parent,
    /// Place of incorporation, else headquarters.
    Home,
}

/// A condition on an item or on a party.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// Another class of the same kind.
    Class(String),
    /// Item: a measure against a threshold.
    Measure {
        name: String,
        comparison: Comparison,
        value: Decimal,
    },
    /// Item: a flag.
    Flag {
        name: String,
        is: bool,
    },
    /// Item: a chip of the table.
    Chip(BTreeSet<String>),
    /// Item: persons over lines by class; where several classes are present the lowest line counts for all.
    Lines {
        lines: BTreeMap<String, Decimal>,
        of: BTreeSet<String>,
    },
    /// Party: a country in a group or with a code.
    Country {
        field: Field,
        tokens: BTreeSet<String>,
    },
    /// Party: stands on a list.
    Listed(BTreeSet<String>),
    /// Party: runs critical information infrastructure.
    Ciio,
    /// Party: plays a role.
    Role(BTreeSet<String>),
    /// A fact of the act that is a flag.
    Fact(String),
    /// Party: owned `at_least` percent in sum by parties of which `by` holds, and by those so owned.
    OwnedBy {
        by: Box<Condition>,
        at_least: Decimal,
        number: usize,
    },
    /// Party: a holder of which `by` holds, directly or behind a holder, from a floor up.
    Holder {
        by: Box<Condition>,
        from: Decimal,
        number: usize,
    },
}

/// A definition that holds on some days.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Definition {
    pub(crate) jurisdiction: String,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) condition: Condition,
    /// Where it is written.
    pub(crate) file: Arc<SourceFile>,
    pub(crate) place: Place,
}

/// Definitions by class; a class with several holds when one of them does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Definitions {
    pub(crate) items: BTreeMap<String, Vec<Definition>>,
    pub(crate) parties: BTreeMap<String, Vec<Definition>>,
    ownership_tests: usize,
}

impl Definitions {
    /// Reads a file of definitions, and says what is wrong with each that can't be read.
    pub(crate) fn add(&mut self, jurisdiction: &str, data: &Data) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut say = |pointer: &str, message: String| {
            let place = data.place_named(pointer, &message);
            problems.push(Problem::error(&data.file, place, message));
        };
        let Some(map) = data.value.as_object() else {
            say(
                "",
                "a file of definitions is a mapping with `items` and `parties`".to_owned(),
            );
            return problems;
        };
        for (key, list) in map {
            let target = match key.as_str() {
                "items" => &mut self.items,
                "parties" => &mut self.parties,
                "source" | "note" => continue,
                other => {
                    let what = format!("`{other}` is not `items`, `parties`, `source` or `note`");
                    problems.push(Problem::error(
                        &data.file,
                        data.place_named("", &format!("`{other}`")),
                        what,
                    ));
                    continue;
                }
            };
            let Some(entries) = list.as_array() else {
                let place = data.place(&format!("/{key}"));
                problems.push(Problem::error(
                    &data.file,
                    place,
                    format!("`{key}` is a list"),
                ));
                continue;
            };
            for (index, entry) in entries.iter().enumerate() {
                let pointer = format!("/{key}/{index}");
                match definition(jurisdiction, entry) {
                    Ok((class, read)) => {
                        let mut definition = read.at(&data.file, data.place(&pointer));
                        definition.condition.count(&mut self.ownership_tests);
                        target.entry(class).or_default().push(definition);
                    }
                    Err(message) => problems.push(Problem::error(
                        &data.file,
                        data.place_named(&pointer, &message),
                        message,
                    )),
                }
            }
        }
        problems
    }

    /// Checks that every class that a condition names exists, and that none is defined by itself.
    pub(crate) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (what, classes) in [("item", &self.items), ("party", &self.parties)] {
            for (class, definitions) in classes {
                if let Err(message) = Self::descend(what, classes, class, &mut Vec::new())
                    && let Some(first) = definitions.first()
                {
                    problems.push(Problem::error(&first.file, first.place, message));
                }
            }
        }
        problems
    }

    fn descend<'a>(
        what: &str,
        classes: &'a BTreeMap<String, Vec<Definition>>,
        class: &'a str,
        path: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        if path.contains(&class) {
            return Err(format!("the {what} class `{class}` is defined by itself"));
        }
        let definitions = classes
            .get(class)
            .ok_or_else(|| format!("there is no {what} class `{class}`"))?;
        path.push(class);
        for other in definitions
            .iter()
            .flat_map(|definition| definition.condition.classes())
        {
            Self::descend(what, classes, other, path)?;
        }
        path.pop();
        Ok(())
    }
}

impl Condition {
    /// Gives each ownership test a number of its own, by which its result is remembered.
    fn count(&mut self, tests: &mut usize) {
        match self {
            Self::All(list) | Self::Any(list) => {
                for inner in list {
                    inner.count(tests);
                }
            }
            Self::Not(inner) => inner.count(tests),
            Self::OwnedBy { number, .. } | Self::Holder { number, .. } => {
                *number = *tests;
                *tests += 1;
            }
            _ => {}
        }
    }

    /// The classes that it names, those of its tests of owners included.
    pub(crate) fn classes(&self) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        self.visit_all(&mut |condition| {
            if let Self::Class(other) = condition {
                all.insert(other.as_str());
            }
        });
        all
    }

    /// Visits this condition, those inside it, and those that holders are tested for.
    pub(crate) fn visit_all<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        let mut tests = Vec::new();
        self.visit(&mut |condition| {
            visit(condition);
            if let Self::OwnedBy { by, .. } | Self::Holder { by, .. } = condition {
                tests.push(by.as_ref());
            }
        });
        while let Some(test) = tests.pop() {
            test.visit(&mut |condition| {
                visit(condition);
                if let Self::OwnedBy { by, .. } | Self::Holder { by, .. } = condition {
                    tests.push(by.as_ref());
                }
            });
        }
    }

    /// Visits this condition and those inside it.
    pub(crate) fn visit<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::All(list) | Self::Any(list) => {
                for inner in list {
                    inner.visit(visit);
                }
            }
            Self::Not(inner) => inner.visit(visit),
            _ => {}
        }
    }
}

/// Decimals of a JSON number or text, exact. Beyond the range of decimals (7.9e28) the greatest: every threshold is below.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().replace('_', ""),
        _ => return None,
    };
    let exact = text
        .parse::<Decimal>()
        .ok()
        .or_else(|| Decimal::from_scientific(&text.to_ascii_lowercase().replace("e+", "e")).ok());
    exact.or_else(|| {
        let far = text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())?;
        if far > 7.9e28 {
            Some(Decimal::MAX)
        } else {
            // Too small to write with 28 digits: as good as nothing.
            (far.abs() < 1e-20).then_some(Decimal::ZERO)
        }
    })
}

/// A definition as read, before anybody says where.
struct Unplaced {
    jurisdiction: String,
    from: Option<Date>,
    to: Option<Date>,
    condition: Condition,
}

impl Unplaced {
    fn at(self, file: &Arc<SourceFile>, place: Place) -> Definition {
        Definition {
            jurisdiction: self.jurisdiction,
            from: self.from,
            to: self.to,
            condition: self.condition,
            file: Arc::clone(file),
            place,
        }
    }
}

fn definition(jurisdiction: &str, entry: &Value) -> Result<(String, Unplaced), String> {
    let map = entry
        .as_object()
        .ok_or("a definition is a mapping with `class` and `is`")?;
    let class = map
        .get("class")
        .and_then(Value::as_str)
        .ok_or("a definition needs `class`")?
        .to_owned();
    let inside = |message: String| format!("class `{class}`: {message}");
    for key in map.keys() {
        if !["class", "from", "to", "is", "source", "note"].contains(&key.as_str()) {
            return Err(inside(format!("`{key}` is not a key of a definition")));
        }
    }
    let day = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text
            .parse::<Date>()
            .map(Some)
            .map_err(|_| inside(format!("`{key}` is not a day"))),
        Some(_) => Err(inside(format!("`{key}` is not a day"))),
    };
    let condition = condition(
        map.get("is")
            .ok_or_else(|| inside("needs `is`".to_owned()))?,
    )
    .map_err(inside)?;
    let (from, to) = (day("from")?, day("to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(inside("it ends before it begins".to_owned()));
    }
    Ok((
        class.clone(),
        Unplaced {
            jurisdiction: jurisdiction.to_owned(),
            from,
            to,
            condition,
        },
    ))
}

fn words(value: &Value) -> Result<BTreeSet<String>, String> {
    value
        .as_array()
        .and_then(|list| {
            list.iter()
                .map(|word| word.as_str().map(str::to_owned))
                .collect()
        })
        .ok_or_else(|| format!("`{value}` is not a list of words"))
}

fn list(value: &Value) -> Result<Vec<Condition>, String> {
    value
        .as_array()
        .ok_or("`all` and `any` have a list")?
        .iter()
        .map(condition)
        .collect()
}

fn number(value: Option<&Value>, key: &str) -> Result<Decimal, String> {
    value
        .and_then(decimal)
        .ok_or_else(|| format!("`{key}` needs a number"))
}

fn condition(value: &Value) -> Result<Condition, String> {
    let map = value
        .as_object()
        .ok_or_else(|| format!("`{value}` is not a condition"))?;
    let keys: Vec<&str> = map.keys().map(String::as_str).collect();
    let one = |key: &str| map.get(key).ok_or_else(|| format!("needs `{key}`"));
    let country = |field, key| {
        Ok(Condition::Country {
            field,
            tokens: words(one(key)?)?,
        })
    };
    match keys.as_slice() {
        ["all"] => list(one("all")?).map(Condition::All),
        ["any"] => list(one("any")?).map(Condition::Any),
        ["not"] => condition(one("not")?).map(|inner| Condition::Not(Box::new(inner))),
        ["class"] => one("class")?
            .as_str()
            .map(|class| Condition::Class(class.to_owned()))
            .ok_or_else(|| "`class` is a word".to_owned()),
        ["chip"] => words(one("chip")?).map(Condition::Chip),
        ["located"] => country(Field::Located, "located"),
        ["hq"] => country(Field::Headquarters, "hq"),
        ["parent"] => country(Field::Parent, "parent"),
        ["home"] => country(Field::Home, "home"),
        ["listed"] => words(one("listed")?).map(Condition::Listed),
        ["role"] => words(one("role")?).map(Condition::Role),
        ["ciio"] => Ok(Condition::Ciio),
        ["fact"] => one("fact")?
            .as_str()
            .map(|name| Condition::Fact(name.to_owned()))
            .ok_or_else(|| "`fact` is a word".to_owned()),
        ["flag"] | ["flag", "is"] => Ok(Condition::Flag {
            name: one("flag")?.as_str().ok_or("`flag` is a word")?.to_owned(),
            is: map.get("is").is_none_or(|is| is == &Value::Bool(true)),
        }),
        ["lines"] | ["lines", "of"] => {
            let lines = one("lines")?.as_object().ok_or("`lines` is a mapping")?;
            let lines = lines
                .iter()
                .map(|(class, line)| Ok((class.clone(), number(Some(line), class)?)))
                .collect::<Result<BTreeMap<_, _>, String>>()?;
            let of = map
                .get("of")
                .map_or_else(|| Ok(lines.keys().cloned().collect()), words)?;
            Ok(Condition::Lines { lines, of })
        }
        ["measure", comparison] => {
            let value = number(map.get(*comparison), comparison)?;
            let comparison = match *comparison {
                "ge" => Comparison::Ge,
                "gt" => Comparison::Gt,
                "le" => Comparison::Le,
                "lt" => Comparison::Lt,
                other => return Err(format!("`{other}` is not ge, gt, le or lt")),
            };
            Ok(Condition::Measure {
                name: one("measure")?
                    .as_str()
                    .ok_or("`measure` is a word")?
                    .to_owned(),
                comparison,
                value,
            })
        }
        ["owned_by", "at_least"] => Ok(Condition::OwnedBy {
            by: Box::new(condition(one("owned_by")?)?),
            at_least: number(map.get("at_least"), "at_least")?,
            number: 0,
        }),
        ["holder", "share_from"] => Ok(Condition::Holder {
            by: Box::new(condition(one("holder")?)?),
            from: number(map.get("share_from"), "share_from")?,
            number: 0,
        }),
        _ => Err(format!("`{}` is not a condition", keys.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn quotients_are_compared_unrounded() {
        // 1912 / 609 prints as 3.14 and 2644 / 826 as 3.20.
        assert_eq!(
            Comparison::Ge.holds(dec("1912"), dec("609"), dec("3.2")),
            Some(false)
        );
        assert_eq!(
            Comparison::Ge.holds(dec("2644"), dec("826"), dec("3.2")),
            Some(true)
        );
        assert_eq!(
            Comparison::Lt.holds(dec("5.92"), dec("1"), dec("5.92")),
            Some(false)
        );
        assert_eq!(Comparison::Ge.holds(dec("1"), Decimal::MAX, dec("2")), None);
    }

    #[test]
    fn numbers_are_exact_up_to_the_range_and_saturate_beyond() {
        assert_eq!(decimal(&serde_json::json!(49.9)), Some(dec("49.9")));
        assert_eq!(
            decimal(&serde_json::json!(3.0e+24)),
            Some(dec("3000000000000000000000000"))
        );
        assert_eq!(
            decimal(&serde_json::json!("1e26")),
            Some(dec("100000000000000000000000000"))
        );
        assert_eq!(decimal(&serde_json::json!(1e40)), Some(Decimal::MAX));
        assert_eq!(decimal(&serde_json::json!("many")), None);
    }

    #[test]
    fn slips_are_named_each_at_its_line() {
        let mut definitions = Definitions::default();
        let mut add = |text: &str| {
            let file = Arc::new(SourceFile::new("us/definitions.yaml", text));
            let said = definitions.add("us", &Data::read(&file).unwrap());
            said.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            add(
                "items:\n- {class: x, is: {measure: tpp, above: 3}}\n- class: y\n  is: {chips: [a]}\nthings: []\n"
            ),
            [
                "us/definitions.yaml:2:33: error: class `x`: `above` is not ge, gt, le or lt",
                "us/definitions.yaml:4:8: error: class `y`: `chips` is not a condition",
                "us/definitions.yaml:5:1: error: `things` is not `items`, `parties`, `source` or `note`",
            ]
        );
        assert!(add("items:\n- {class: a, is: {class: b}}\n- {class: b, is: {any: [{class: a}]}}\nparties:\n- {class: c, is: {owned_by: {class: d}, at_least: 50}}\n").is_empty());
        let said: Vec<String> = definitions
            .check()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "us/definitions.yaml:2:3: error: the item class `a` is defined by itself",
                "us/definitions.yaml:3:3: error: the item class `b` is defined by itself",
                "us/definitions.yaml:5:3: error: there is no party class `d`",
            ]
        );
    }
}
