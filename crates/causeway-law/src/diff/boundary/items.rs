//! Items on each side of what classes of items ask for.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::axes::{Axis, Frame, PARTED, one, score};
use super::draft::{Edit, plain_item};
use super::holds::{self, Figures};
use crate::ActKind;
use crate::definitions::Condition;
use crate::diff::expression::Asked;

/// The figures of a chip that no rule looks at.
const PLAIN_CHIP: [(&str, i64); 4] = [
    ("tpp", 100),
    ("performance_density", 1),
    ("io_total", 100),
    ("dram_bandwidth", 100),
];

/// Most chips that a grid of figures is made of.
const GRID: usize = 4096;

/// Just below the first line, on each, and between each and the next; above the last.
pub(super) fn points(lines: &BTreeSet<Decimal>) -> Vec<Decimal> {
    let mut all = BTreeSet::new();
    for line in lines {
        let step = if *line >= Decimal::ONE_HUNDRED {
            Decimal::ONE
        } else {
            Decimal::new(1, 2)
        };
        // Beyond 10^12 one more is lost in writing.
        let step = if *line > Decimal::from(1_000_000_000_000_i64) {
            *line / Decimal::TEN
        } else {
            step
        };
        all.extend([
            (*line - step).max(Decimal::ZERO),
            *line,
            line.saturating_add(step),
        ]);
    }
    all.into_iter().collect()
}

/// A decimal as JSON writes it.
pub(super) fn number(value: Decimal) -> Value {
    serde_json::from_str(&value.normalize().to_string())
        .unwrap_or_else(|_| json!(value.to_string()))
}

/// What classes ask of items.
#[derive(Default)]
struct Needs {
    measures: BTreeMap<String, BTreeSet<Decimal>>,
    flags: BTreeSet<String>,
    chips: BTreeSet<String>,
}

/// An axis for each part of the item that a policy looks at.
pub(super) fn axes(frame: &Frame<'_>, asked: &BTreeMap<String, Asked>) -> Vec<Axis> {
    let nothing = Asked::default();
    let of = |path: &str| asked.get(path).unwrap_or(&nothing);
    let classes = of("item.class");
    let mut needs = Needs::default();
    frame.conditions(true, &classes.words(), &mut |condition| match condition {
        Condition::Measure { name, value, .. } => {
            needs
                .measures
                .entry(name.clone())
                .or_default()
                .insert(*value);
        }
        Condition::Lines { lines, .. } => {
            for (class, line) in lines {
                needs
                    .measures
                    .entry(class.clone())
                    .or_default()
                    .insert(*line);
            }
        }
        Condition::Flag { name, .. } => {
            needs.flags.insert(name.clone());
        }
        Condition::Chip(ids) => needs.chips.extend(ids.iter().cloned()),
        _ => {}
    });
    for flag in ["closed", "published", "public", "important", "gpai"] {
        if asked.contains_key(&format!("item.{flag}")) {
            needs.flags.insert(flag.to_owned());
        }
    }
    needs.chips.extend(of("item.chip").words());
    let value = |figures: &Figures| {
        score(classes, |class| {
            frame
                .sides
                .iter()
                .any(|(_, side)| holds::item(side, class, figures))
        }) + score(of("item.chip"), |id| figures.chip.as_deref() == Some(id))
    };
    let mut all = Vec::new();
    let mut add = |what: &str, candidates: Vec<(Figures, Map<String, Value>)>| {
        // One thing, or two, for each set of classes that hold on each side.
        let mut seen: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        let mut values = vec![(0, Edit::Nothing)];
        for (figures, parts) in candidates {
            let [on_a, on_b] = frame.sides.map(|(_, side)| -> Vec<bool> {
                let words = classes.words();
                words
                    .iter()
                    .map(|class| holds::item(side, class, &figures))
                    .collect()
            });
            let parted = if on_a == on_b { 0 } else { PARTED };
            let mut signature = [on_a, on_b].concat();
            signature.extend(
                needs
                    .chips
                    .iter()
                    .map(|id| figures.chip.as_ref() == Some(id)),
            );
            signature.extend(needs.flags.iter().map(|flag| figures.flags.contains(flag)));
            let count = seen.entry(signature).or_default();
            *count += 1;
            if *count <= 2 {
                values.push((parted + value(&figures), Edit::Item(parts)));
            }
        }
        all.extend(Axis::ranked(what, values));
    };
    let plain = plain_item(frame.kind);
    let has = |part: &str| plain.get(part).is_some();
    if has("other") {
        add("chip", chips(frame, &needs));
    }
    if has("dataset") {
        add("dataset", datasets(frame, &needs));
    }
    if has("weights") || has("model") {
        add("model", models(frame.kind, &needs));
    }
    for (part, key, path) in [
        ("technology", "entry", "item.entry"),
        ("evidence", "requested_by", "item.requested_by"),
    ] {
        if let Some(asked) = asked.get(path).filter(|_| has(part)) {
            let mut words = asked.words();
            words.insert(
                if part == "evidence" {
                    "own_auditor"
                } else {
                    "free"
                }
                .to_owned(),
            );
            let values = words.into_iter().map(|word| {
                let mut fields = plain.get(part).cloned().unwrap_or_default();
                if let Some(fields) = fields.as_object_mut() {
                    fields.insert(key.to_owned(), json!(word));
                }
                (
                    score(asked, |known| known == word),
                    Edit::Item(one(part, fields)),
                )
            });
            all.extend(Axis::ranked(path, values.collect()));
        }
    }
    if let Some(asked) = asked.get("item.stored_in").filter(|_| has("evidence")) {
        let values = frame.countries(&asked.words()).into_iter().map(|code| {
            let by = "foreign_court";
            let part = json!({"stored_in": code, "requested_by": by, "text": "records"});
            (
                score(asked, |word| frame.has_country(&code, word)),
                Edit::Item(one("evidence", part)),
            )
        });
        all.extend(Axis::ranked("item.stored_in", values.collect()));
    }
    if asked.contains_key("item.public") && has("service") {
        let values = [true, false].map(|public| {
            let part = json!({"public": public, "text": "a service"});
            (i64::from(public), Edit::Item(one("service", part)))
        });
        all.extend(Axis::ranked("item.public", values.to_vec()));
    }
    all
}

/// Chips of the table, then chips with figures on each side of each line.
fn chips(frame: &Frame<'_>, needs: &Needs) -> Vec<(Figures, Map<String, Value>)> {
    let looked_at = PLAIN_CHIP
        .iter()
        .any(|(name, _)| needs.measures.contains_key(*name))
        || needs.flags.contains("datacenter");
    let mut all = Vec::new();
    let [(_, first), (_, second)] = frame.sides;
    for (id, row) in &first.packs.chips {
        if !second.packs.chips.contains_key(id) || !looked_at && !needs.chips.contains(id) {
            continue;
        }
        // A chip with an unknown figure is a review of its own.
        let (Some(tpp), Some(area), Some(io), Some(bandwidth), Some(datacenter)) = (
            row.tpp,
            row.die_area,
            row.io_total,
            row.dram_bandwidth,
            row.datacenter,
        ) else {
            continue;
        };
        let mut figures = Figures {
            chip: Some(id.clone()),
            ..Figures::default()
        };
        let density = tpp.checked_div(area).unwrap_or_default();
        for ((name, _), figure) in PLAIN_CHIP.iter().zip([tpp, density, io, bandwidth]) {
            figures.measures.insert((*name).to_owned(), figure);
        }
        if datacenter {
            figures.flags.insert("datacenter".to_owned());
        }
        let mut parts = one("chip", json!(id));
        parts.insert("count".to_owned(), json!(8));
        all.push((figures, parts));
    }
    if !looked_at {
        return all;
    }
    let values: Vec<Vec<Decimal>> = PLAIN_CHIP
        .iter()
        .map(|(name, plain)| match needs.measures.get(*name) {
            Some(lines) => points(lines),
            None => vec![Decimal::from(*plain)],
        })
        .collect();
    let total = values.iter().map(Vec::len).product::<usize>().min(GRID);
    for index in 0..total {
        for datacenter in [true, false] {
            let mut rest = index;
            let mut figures = Figures::default();
            let mut custom = Map::new();
            for ((name, _), list) in PLAIN_CHIP.iter().zip(&values) {
                let figure = list
                    .get(rest % list.len().max(1))
                    .copied()
                    .unwrap_or_default();
                rest /= list.len().max(1);
                figures.measures.insert((*name).to_owned(), figure);
                custom.insert((*name).to_owned(), number(figure));
            }
            if datacenter {
                figures.flags.insert("datacenter".to_owned());
            }
            custom.insert("datacenter".to_owned(), json!(datacenter));
            let mut parts = one("custom_chip", Value::Object(custom));
            parts.insert("count".to_owned(), json!(8));
            all.push((figures, parts));
        }
    }
    all
}

/// One class of data on each side of its line, and two together at the lower line.
fn datasets(frame: &Frame<'_>, needs: &Needs) -> Vec<(Figures, Map<String, Value>)> {
    let classes: Vec<(&String, &BTreeSet<Decimal>)> = needs
        .measures
        .iter()
        .filter(|(name, _)| {
            frame
                .sides
                .iter()
                .all(|(_, side)| side.packs.vocabulary.data_classes.contains(name))
        })
        .collect();
    let mut sets: Vec<Vec<(&String, Decimal)>> = Vec::new();
    for (class, lines) in &classes {
        for persons in points(lines) {
            sets.push(vec![(class, persons.trunc())]);
        }
    }
    for (index, (class, lines)) in classes.iter().enumerate() {
        for (other, more) in classes.iter().skip(index + 1) {
            if let Some(line) = lines.first().min(more.first()) {
                let over = line.trunc() + Decimal::ONE;
                sets.push(vec![(class, over), (other, Decimal::ONE)]);
                sets.push(vec![(class, Decimal::ONE), (other, over)]);
            }
        }
    }
    let important: &[bool] = if needs.flags.contains("important") {
        &[false, true]
    } else {
        &[false]
    };
    if needs.flags.contains("important") {
        sets.push(Vec::new());
    }
    let mut all = Vec::new();
    for set in sets {
        for important in important {
            let mut figures = Figures::default();
            let mut data = Map::new();
            for (class, persons) in &set {
                figures.measures.insert((*class).clone(), *persons);
                data.insert((*class).clone(), number(*persons));
            }
            if *important {
                figures.flags.insert("important".to_owned());
                data.insert("important".to_owned(), json!(true));
            }
            all.push((figures, one("dataset", Value::Object(data))));
        }
    }
    all
}

/// Weights or a model as a product, on each side of each number of operations.
fn models(kind: ActKind, needs: &Needs) -> Vec<(Figures, Map<String, Value>)> {
    let mut all = Vec::new();
    let operations = needs
        .measures
        .get("train_ops")
        .map_or_else(|| vec![Decimal::ONE], points);
    for ops in operations {
        for flag in [true, false] {
            let mut figures = Figures::default();
            figures.measures.insert("train_ops".to_owned(), ops);
            let part = if kind == ActKind::PlaceOnMarket {
                if flag {
                    figures.flags.insert("gpai".to_owned());
                }
                one("model", json!({"gpai": flag, "train_ops": number(ops)}))
            } else {
                figures
                    .flags
                    .insert(if flag { "closed" } else { "published" }.to_owned());
                one(
                    "weights",
                    json!({"closed": flag, "published": !flag, "train_ops": number(ops)}),
                )
            };
            all.push((figures, part));
        }
    }
    all
}
