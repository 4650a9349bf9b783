//! The facts that a verdict rests on, and who says each of them.

use std::collections::BTreeSet;
use std::fmt::Display;

use causeway_domain::Fact;

use super::Tree;
use crate::definitions::Condition;
use crate::packs::Rule;
use crate::{Act, ActVerdict, Chip, Item, Packs};

/// A fact in words: its value and who says so, or why nobody knows.
pub(super) fn said<T>(fact: &Fact<T>, value: impl FnOnce(&T) -> String) -> String {
    match fact {
        Fact::Known(known, source) => format!("{} (says {source})", value(known)),
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

fn line<T: Display>(name: &str, fact: &Fact<T>) -> Tree {
    Tree::new(format!("{name}: {}", said(fact, ToString::to_string)))
}

/// The facts of an act that the rules which spoke look at. Places and items always; parties have a tree of their own.
pub(super) fn facts(packs: &Packs, act: &Act, verdict: &ActVerdict) -> Vec<Tree> {
    let mut lines = Vec::new();
    if let Some(from) = act.from {
        lines.push(Tree::new(format!("from: {} ({from})", from.name())));
    }
    lines.push(Tree::new(format!(
        "to: {}",
        said(&act.to, |country| format!("{} ({country})", country.name()))
    )));
    item(packs, &act.item, &mut lines);
    let spoke: BTreeSet<&str> = verdict
        .deciding
        .iter()
        .chain(&verdict.context)
        .map(|hit| hit.id.as_str())
        .collect();
    let names: BTreeSet<&str> = packs
        .rules
        .iter()
        .filter(|rule| spoke.contains(rule.info.id.as_str()) && rule.kinds.contains(&act.kind))
        .flat_map(|rule| looks_at(packs, rule))
        .collect();
    for name in names {
        match act.facts.get(name) {
            Some(fact) => lines.push(line(name, fact)),
            // Measures of the item stand above; of facts only those that nobody stated are left.
            None if packs.vocabulary.facts.contains_key(name) => {
                lines.push(Tree::new(format!("{name}: unknown: not stated")));
            }
            None => {}
        }
    }
    if !act.authorisations.is_empty() {
        let held: Vec<&str> = act.authorisations.iter().map(String::as_str).collect();
        lines.push(Tree::new(format!(
            "authorisations on file: {}",
            held.join(", ")
        )));
    }
    lines
}

fn item(packs: &Packs, item: &Item, lines: &mut Vec<Tree>) {
    if let Some(chip) = &item.chip {
        lines.push(chips(packs, chip));
    }
    if let Some(other) = &item.other {
        lines.push(Tree::new(format!("goods: {other}")));
    }
    if let Some(dataset) = &item.dataset {
        let mut tree = Tree::new("data");
        for (class, persons) in &dataset.persons {
            tree.push(line(&format!("persons, {class}"), persons));
        }
        if let Some(important) = &dataset.important {
            tree.push(line("important (China)", important));
        }
        if let Some(Fact::Unknown(why)) = &dataset.classified {
            tree.push(format!("class: unknown: {why}"));
        }
        if tree.children.is_empty() {
            tree.push("no personal data");
        }
        lines.push(tree);
    }
    if let Some(weights) = &item.weights {
        lines.push(Tree::new("weights").with([
            line("closed", &weights.closed),
            line("published", &weights.published),
            line("operations of the training", &weights.train_ops),
        ]));
    }
    if let Some(model) = &item.model {
        lines.push(Tree::new("model").with([
            line("general-purpose", &model.gpai),
            line("operations of the training", &model.train_ops),
        ]));
    }
    if let Some(technology) = &item.technology {
        lines.push(line(
            &format!("{}, entry of the catalogue", technology.text),
            &technology.entry,
        ));
    }
    if let Some(service) = &item.service {
        lines.push(line(
            &format!("{}, offered to the public", service.text),
            &service.public,
        ));
    }
    if let Some(evidence) = &item.evidence {
        lines.push(Tree::new(evidence.text.as_str()).with([
            line("stored in", &evidence.stored_in),
            line("asked for by", &evidence.requested_by),
        ]));
    }
}

fn chips(packs: &Packs, chip: &Chip) -> Tree {
    let row = chip.id.as_ref().and_then(|id| packs.chips.get(id));
    let name = match (&chip.id, row) {
        (_, Some(row)) => row.name.as_str(),
        (Some(id), None) => id,
        (None, None) => "a chip without a name",
    };
    let mut tree = Tree::new(format!("chips: {} x {name}", chip.count));
    if let Some(figures) = &chip.figures {
        tree.push(line("TPP", &figures.tpp));
        tree.push(line("performance density", &figures.performance_density));
        tree.push(line("marketed for data centres", &figures.datacenter));
    } else if let Some(row) = row {
        let figure = |value: Option<rust_decimal::Decimal>| {
            value.map_or_else(
                || "unknown".to_owned(),
                |known| known.normalize().to_string(),
            )
        };
        let density = row
            .tpp
            .zip(row.die_area)
            .map(|(tpp, area)| (tpp / area).round_dp(2));
        tree.push(format!(
            "TPP {}, performance density {} (says the chip table of the packs)",
            figure(row.tpp),
            figure(density)
        ));
    }
    tree
}

/// The names of the facts that a policy looks at, by itself or through the classes that it asks for.
pub(crate) fn looks_at<'a>(packs: &'a Packs, rule: &'a Rule) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    let mut classes: Vec<(bool, &str)> = Vec::new();
    for (path, mention) in &rule.mentions {
        if let Some(name) = path.strip_prefix("facts.") {
            names.insert(name);
        } else if path == "item.class" {
            classes.extend(mention.words.iter().map(|word| (true, word.as_str())));
        } else if path.ends_with(".class") {
            classes.extend(mention.words.iter().map(|word| (false, word.as_str())));
        }
    }
    let mut seen = BTreeSet::new();
    while let Some((of_items, class)) = classes.pop() {
        if !seen.insert((of_items, class)) {
            continue;
        }
        let table = if of_items {
            &packs.definitions.items
        } else {
            &packs.definitions.parties
        };
        for definition in table.get(class).into_iter().flatten() {
            definition
                .condition
                .visit(&mut |condition| match condition {
                    Condition::Class(other) => classes.push((of_items, other)),
                    Condition::Fact(name) | Condition::Measure { name, .. } => {
                        names.insert(name);
                    }
                    Condition::Lines { .. } => {
                        names.insert("prior_12_months");
                    }
                    _ => {}
                });
        }
    }
    names
}
