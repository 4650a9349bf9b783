//! What changed between two sides, in words.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Side;
use super::expression::clauses;
use crate::packs::Rule;
use crate::{Effect, RuleInfo};

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only B has it.
    Added,
    /// Only A has it.
    Removed,
    /// Both have it, in another form.
    Changed,
}

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Only on A.
    A,
    /// Only on B.
    B,
    /// On both: said for orientation.
    Both,
}

/// A line of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Whose it is.
    pub whose: Whose,
    /// In words.
    pub text: String,
}

impl Line {
    pub(super) fn new(whose: Whose, text: impl Into<String>) -> Self {
        Self {
            whose,
            text: text.into(),
        }
    }
}

/// A rule that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it is written.
    pub citation: Vec<String>,
    /// What became of it.
    pub change: Change,
    /// Whether what changed is in force on a side's day; if not, it is only written otherwise.
    pub in_force: bool,
    /// What changed.
    pub lines: Vec<Line>,
}

/// A policy, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spoken {
    head: String,
    clauses: Vec<String>,
}

fn spoken(rule: &Rule, effect: Effect) -> Spoken {
    let kinds: Vec<&str> = rule.kinds.iter().map(|kind| kind.word()).collect();
    let kinds = if kinds.len() == crate::ActKind::ALL.len() {
        "every act".to_owned()
    } else {
        kinds.join(", ")
    };
    let mut head = if rule.effect.is_none() {
        format!("permits {kinds}")
    } else {
        format!("{} for {kinds}", effect.word())
    };
    for (word, more) in [
        ("review", rule.review.map(|review| review.word().to_owned())),
        ("of", Some(rule.reviews.join(", "))),
        ("obliges to", Some(rule.obligations.join(", "))),
    ] {
        if let Some(more) = more.filter(|more| !more.is_empty()) {
            head += &format!("; {word} {more}");
        }
    }
    Spoken {
        head,
        clauses: clauses(&rule.conditions),
    }
}

/// What people are told of a rule, by name.
fn told(info: &RuleInfo) -> Vec<(&'static str, String)> {
    let day =
        |day: Option<causeway_domain::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let status = serde_json::to_value(info.status)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default();
    vec![
        ("title", info.title.clone()),
        ("status", status),
        ("from", day(info.from)),
        ("to", day(info.to)),
        ("citation", info.citation.join("; ")),
        ("says", info.says.clone()),
        ("pack", info.pack.to_string()),
        ("verified", info.verified.to_string()),
    ]
}

/// The policies of a rule with their effects: those in force, or all as written.
fn policies<'s>(side: &'s Side, id: &str, as_written: bool) -> Vec<(&'s Rule, Effect)> {
    side.packs
        .rules
        .iter()
        .filter(|rule| rule.info.id == id)
        .filter_map(|rule| {
            let effect = if as_written {
                Some(rule.effect.unwrap_or(Effect::Context))
            } else {
                side.effect(rule)
            };
            Some((rule, effect?))
        })
        .collect()
}

/// Every rule that differs, sorted by id; those that differ in force first.
pub(super) fn rules(a: &Side, b: &Side) -> Vec<RuleChange> {
    let ids: BTreeSet<&String> = a
        .packs
        .rules
        .iter()
        .chain(&b.packs.rules)
        .map(|rule| &rule.info.id)
        .collect();
    let mut all: Vec<RuleChange> = ids.into_iter().filter_map(|id| rule(a, b, id)).collect();
    all.sort_by_key(|change| !change.in_force);
    all
}

fn rule(a: &Side, b: &Side, id: &str) -> Option<RuleChange> {
    let written = [a, b].map(|side| policies(side, id, true));
    let force = [a, b].map(|side| policies(side, id, false));
    let read = |list: &[(&Rule, Effect)]| -> Vec<Spoken> {
        list.iter()
            .map(|(rule, effect)| spoken(rule, *effect))
            .collect()
    };
    let [force_a, force_b] = &force;
    let [written_a, written_b] = &written;
    let first = written_b.first().or_else(|| written_a.first())?.0;
    let in_force = read(force_a) != read(force_b);
    let mut lines = Vec::new();
    let facts = |list: &[(&Rule, Effect)]| {
        list.first()
            .map(|(rule, _)| told(&rule.info))
            .unwrap_or_default()
    };
    if !written_a.is_empty() && !written_b.is_empty() {
        for ((name, one), (_, other)) in facts(written_a).into_iter().zip(facts(written_b)) {
            if one != other {
                for (whose, text) in [(Whose::A, one), (Whose::B, other)] {
                    if !text.is_empty() {
                        lines.push(Line::new(whose, format!("{name}: {text}")));
                    }
                }
            }
        }
    }
    let (change, listed) = if in_force {
        let change = match (force_a.is_empty(), force_b.is_empty()) {
            (true, _) => Change::Added,
            (_, true) => Change::Removed,
            _ => Change::Changed,
        };
        (change, [read(force_a), read(force_b)])
    } else {
        let change = match (written_a.is_empty(), written_b.is_empty()) {
            (true, _) => Change::Added,
            (_, true) => Change::Removed,
            _ => Change::Changed,
        };
        (change, [dated(written_a), dated(written_b)])
    };
    let [one, other] = listed;
    lines.extend(compare(one, other));
    (!lines.is_empty()).then(|| RuleChange {
        id: id.to_owned(),
        title: first.info.title.clone(),
        citation: first.info.citation.clone(),
        change,
        in_force,
        lines,
    })
}

/// Policies as written: with the days of each.
fn dated(list: &[(&Rule, Effect)]) -> Vec<Spoken> {
    list.iter()
        .map(|(rule, effect)| {
            let mut one = spoken(rule, *effect);
            if let Some(from) = rule.info.from {
                one.head += &format!("; from {from}");
            }
            if let Some(to) = rule.info.to {
                one.head += &format!("; to {to}");
            }
            if let Some(day) = rule.compliance_from {
                one.head += &format!("; compliance from {day}");
            }
            if let Some(posture) = rule.posture {
                one.head += &format!("; posture {}", posture.word());
            }
            one
        })
        .collect()
}

/// Policies that only one side has, those that are alike beside each other.
fn compare(mut one: Vec<Spoken>, mut other: Vec<Spoken>) -> Vec<Line> {
    let both: Vec<Spoken> = one
        .iter()
        .filter(|spoken| other.contains(spoken))
        .cloned()
        .collect();
    one.retain(|spoken| !both.contains(spoken));
    other.retain(|spoken| !both.contains(spoken));
    let mut lines = Vec::new();
    for old in one {
        let alike = |new: &Spoken| {
            let clauses = new
                .clauses
                .iter()
                .filter(|clause| old.clauses.contains(clause))
                .count();
            2 * clauses + usize::from(new.head == old.head)
        };
        let nearest = other
            .iter()
            .enumerate()
            .map(|(index, new)| (alike(new), std::cmp::Reverse(index)))
            .max()
            .filter(|(score, _)| *score > 0);
        match nearest {
            Some((_, std::cmp::Reverse(index))) => {
                let new = other.remove(index);
                if old.head == new.head {
                    lines.push(Line::new(Whose::Both, old.head.clone()));
                } else {
                    lines.push(Line::new(Whose::A, old.head.clone()));
                    lines.push(Line::new(Whose::B, new.head.clone()));
                }
                for clause in &old.clauses {
                    let whose = if new.clauses.contains(clause) {
                        Whose::Both
                    } else {
                        Whose::A
                    };
                    lines.push(Line::new(whose, format!("  {clause}")));
                }
                for clause in new
                    .clauses
                    .iter()
                    .filter(|clause| !old.clauses.contains(clause))
                {
                    lines.push(Line::new(Whose::B, format!("  {clause}")));
                }
            }
            None => lines.extend(whole(Whose::A, &old)),
        }
    }
    for new in other {
        lines.extend(whole(Whose::B, &new));
    }
    lines
}

fn whole(whose: Whose, spoken: &Spoken) -> Vec<Line> {
    let mut lines = vec![Line::new(whose, spoken.head.clone())];
    lines.extend(
        spoken
            .clauses
            .iter()
            .map(|clause| Line::new(whose, format!("  {clause}"))),
    );
    lines
}

/// What a map of both sides has under each key where they differ.
pub(super) fn pairs<K: Ord + Clone, V: PartialEq + Clone>(
    a: &BTreeMap<K, V>,
    b: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>, Option<V>)> {
    let keys: BTreeSet<&K> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .filter(|key| a.get(key) != b.get(key))
        .map(|key| (key.clone(), a.get(key).cloned(), b.get(key).cloned()))
        .collect()
}
