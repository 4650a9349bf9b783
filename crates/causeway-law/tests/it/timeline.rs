//! Every date of the packs, a day before, on, and after: what is in play changes on that day and on no other.
//!
//! The conditions of policies and definitions are taken away and the dates kept, so that a judgement shows which of them are
//! in play. `rules/cases/timeline-*.yaml` has what the dates mean.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::yaml::{Dialect, Node, read};
use causeway_domain::{Date, Fact, SourceFile};
use causeway_law::{
    Act, ActKind, ActVerdict, FactValue, PackFile, Packs, Posture, Settings, judge,
};
use serde_json::{Value, json};

fn known<T>(value: T) -> Fact<T> {
    Fact::stated(value, "test")
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Every data and policy file of `rules/`, by path.
fn texts() -> BTreeMap<String, String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut all = BTreeMap::new();
    for jurisdiction in std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if !jurisdiction.is_dir()
            || jurisdiction.ends_with("cases")
            || jurisdiction.ends_with("facts")
        {
            continue;
        }
        for path in std::fs::read_dir(&jurisdiction)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let name = path
                .strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            all.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    all
}

/// The built-in data with other policies: those of the base pack and these.
fn probing(files: impl IntoIterator<Item = (String, String)>) -> Packs {
    let mut all: BTreeMap<String, String> = texts()
        .into_keys()
        .filter(|path| path.ends_with(".cedar") && !path.starts_with("base/"))
        .map(|path| (path, String::new()))
        .collect();
    all.extend(files);
    Packs::from_files(
        all.into_iter()
            .map(|(path, text)| PackFile { path, text })
            .collect(),
    )
    .unwrap()
}

fn probe(id: &str, when: &str) -> String {
    format!(
        "@id(\"{id}\") @title(\"probe\") @status(\"in_force\") @verified(\"ours\") @outcome(\"needs_review\")\nforbid (principal, action == Action::\"export\", resource) when {{ {when} }};\n"
    )
}

fn act(kind: ActKind, day: Date) -> Act {
    Act::new(kind, day, known("SG".parse().unwrap()))
        .fact("export_planned", known(FactValue::Flag(false)))
}

/// The rules that a verdict names, and whether each is certain.
fn named(verdict: &ActVerdict) -> BTreeMap<&str, bool> {
    verdict
        .deciding
        .iter()
        .chain(&verdict.context)
        .map(|hit| (hit.id.as_str(), hit.certain))
        .collect()
}

/// A day before, on and after.
fn around(day: Date) -> [Date; 3] {
    [day.yesterday().unwrap(), day, day.tomorrow().unwrap()]
}

/// Country, group, first day, last day, state.
type Row = (String, String, Option<Date>, Option<Date>, String);

fn within(from: Option<Date>, to: Option<Date>, day: Date) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

#[test]
fn policies_are_in_play_on_their_days_and_on_no_others() {
    let builtin = Packs::builtin().unwrap();
    let mut parts = Vec::new();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for rule in builtin.rules() {
        for part in builtin.detail(&rule.id).unwrap().parts {
            let day = |key: &str, day: Option<Date>| {
                day.map_or_else(String::new, |day| format!("@{key}(\"{day}\") "))
            };
            let id = format!("p{}", parts.len());
            let posture = part.posture.map_or_else(String::new, |posture| {
                format!("@posture(\"{}\") ", posture.word())
            });
            let text = format!(
                "@id(\"{id}\") @title(\"probe\") @status(\"{}\") @pack(\"{}\") @verified(\"ours\") @outcome(\"{}\") {posture}{}{}{}\nforbid (principal, action == Action::\"{}\", resource);\n",
                part.status,
                part.pack,
                part.outcome.word(),
                day("from", part.from),
                day("to", part.to),
                day("compliance_from", part.compliance_from),
                part.acts[0],
            );
            files
                .entry(format!("{}/probe.cedar", rule.jurisdiction))
                .or_default()
                .push_str(&text);
            parts.push((id, part));
        }
    }
    let packs = probing(files);
    let days: BTreeSet<Date> = parts
        .iter()
        .flat_map(|(_, part)| [part.from, part.to, part.compliance_from])
        .flatten()
        .flat_map(around)
        .collect();
    assert!(days.len() > 90, "{}", days.len());
    let kinds: BTreeSet<ActKind> = parts.iter().map(|(_, part)| part.acts[0]).collect();
    let mut changes = 0;
    for posture in [Posture::Enforced, Posture::Books] {
        let settings = Settings {
            posture,
            packs: parts.iter().map(|(_, part)| part.pack.clone()).collect(),
            ..Settings::default()
        };
        let mut before: BTreeSet<&str> = BTreeSet::new();
        for (kind, day) in kinds
            .iter()
            .flat_map(|kind| days.iter().map(move |day| (*kind, *day)))
        {
            let verdict = judge(&packs, &settings, &act(kind, day));
            let named = named(&verdict);
            for (id, part) in parts.iter().filter(|(_, part)| part.acts[0] == kind) {
                let expected = within(part.from, part.to, day)
                    && part.compliance_from.is_none_or(|from| from <= day)
                    && part.posture.is_none_or(|own| own == posture);
                assert_eq!(
                    named.contains_key(id.as_str()),
                    expected,
                    "{}:{} on {day}",
                    part.file,
                    part.line
                );
                changes += usize::from(before.contains(id.as_str()) != expected);
                if expected {
                    before.insert(id);
                } else {
                    before.remove(id.as_str());
                }
            }
        }
    }
    assert!(changes > 150, "{changes}");
}

#[test]
fn definitions_hold_on_their_days_and_on_no_others() {
    let mut files = Vec::new();
    let mut all: Vec<(bool, String, Option<Date>, Option<Date>)> = Vec::new();
    for (path, text) in texts()
        .into_iter()
        .filter(|(path, _)| path.contains("/definitions"))
    {
        let file = std::sync::Arc::new(SourceFile::new(&path, text));
        let mut value = read(&file, Dialect::Core)
            .unwrap()
            .first()
            .map(Node::to_json)
            .unwrap();
        for (key, items) in [("items", true), ("parties", false)] {
            for entry in value
                .get_mut(key)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                entry["is"] = json!({"all": []});
                let day = |key: &str| entry.get(key).and_then(Value::as_str).map(date);
                all.push((
                    items,
                    entry["class"].as_str().unwrap().to_owned(),
                    day("from"),
                    day("to"),
                ));
            }
        }
        files.push((path, value.to_string()));
    }
    let mut policies = String::new();
    let classes: BTreeSet<(bool, String)> = all
        .iter()
        .map(|(items, class, _, _)| (*items, class.clone()))
        .collect();
    for (index, (items, class)) in classes.iter().enumerate() {
        let path = if *items { "item" } else { "any" };
        policies += &probe(
            &format!("d{index}"),
            &format!("context.{path}.class.contains(\"{class}\")"),
        );
    }
    files.push(("us/probe.cedar".to_owned(), policies));
    let packs = probing(files);
    let days: BTreeSet<Date> = all
        .iter()
        .flat_map(|(_, _, from, to)| [*from, *to])
        .flatten()
        .flat_map(around)
        .collect();
    assert!(days.len() > 20, "{}", days.len());
    for day in days {
        let mut act = act(ActKind::Export, day);
        act = act.with(causeway_law::ActParty::new(
            causeway_law::Role::EndUser,
            "p",
            known("SG".parse().unwrap()),
        ));
        let verdict = judge(&packs, &Settings::default(), &act);
        let named = named(&verdict);
        for (index, (items, class)) in classes.iter().enumerate() {
            let expected = all
                .iter()
                .any(|(i, c, from, to)| (i, c) == (items, class) && within(*from, *to, day));
            assert_eq!(
                named.contains_key(format!("d{index}").as_str()),
                expected,
                "`{class}` on {day}"
            );
        }
    }
}

#[test]
fn countries_join_and_leave_groups_on_their_days() {
    let mut rows: Vec<Row> = Vec::new();
    let mut lists: BTreeSet<(String, String)> = BTreeSet::new();
    let mut aliases: Vec<(String, String, Date)> = Vec::new();
    for text in texts()
        .into_iter()
        .filter(|(path, _)| path.contains("/country_groups"))
        .map(|(_, text)| text)
    {
        let value: Value = serde_json::from_str(&text).unwrap();
        let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        for row in value["dated"].as_array().unwrap() {
            let day = |key: &str| row[key].as_str().map(date);
            rows.push((
                word(row, "country"),
                word(row, "group"),
                day("from"),
                day("to"),
                word(row, "state"),
            ));
        }
        for (group, members) in value["groups"].as_object().unwrap() {
            lists.extend(
                members
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|code| (code.as_str().unwrap().to_owned(), group.clone())),
            );
        }
        for (code, alias) in value["aliases"].as_object().into_iter().flatten() {
            aliases.push((
                code.clone(),
                word(alias, "as"),
                date(alias["from"].as_str().unwrap()),
            ));
        }
    }
    assert!(rows.len() >= 15 && !aliases.is_empty());
    let groups: BTreeSet<&String> = rows
        .iter()
        .map(|row| &row.1)
        .chain(lists.iter().map(|(_, group)| group))
        .collect();
    let groups: Vec<&String> = groups.into_iter().collect();
    let policies: String = groups
        .iter()
        .enumerate()
        .map(|(index, group)| {
            probe(
                &format!("g{index}"),
                &format!("context.to.contains(\"{group}\")"),
            )
        })
        .collect();
    let packs = probing([("us/probe.cedar".to_owned(), policies)]);
    let state = |country: &str, day: Date| {
        let mut act = act(ActKind::Export, day);
        act.to = known(country.parse().unwrap());
        let verdict = judge(&packs, &Settings::default(), &act);
        let named = named(&verdict);
        (0..groups.len())
            .map(|index| match named.get(format!("g{index}").as_str()) {
                Some(true) => "in",
                Some(false) => "review",
                None => "out",
            })
            .collect::<Vec<_>>()
    };
    let mut tried = 0;
    for (country, _, from, to, _) in &rows {
        for day in [*from, *to].into_iter().flatten().flat_map(around) {
            for (group, found) in groups.iter().zip(state(country, day)) {
                let dated = rows
                    .iter()
                    .find(|row| row.0 == *country && row.1 == **group && within(row.2, row.3, day));
                let listed = lists.contains(&(country.clone(), (*group).clone()));
                let expected =
                    dated.map_or(if listed { "in" } else { "out" }, |row| row.4.as_str());
                assert_eq!(found, expected, "{country} in {group} on {day}");
                tried += 1;
            }
        }
    }
    for (code, other, from) in aliases {
        let [before, on, after] = around(from);
        assert_ne!(
            state(&code, before),
            state(&other, before),
            "{code} before {from}"
        );
        assert_eq!(state(&code, on), state(&other, on), "{code} on {from}");
        assert_eq!(
            state(&code, after),
            state(&other, after),
            "{code} after {from}"
        );
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn authorisations_count_on_the_days_on_which_they_exist() {
    let vocabulary = std::sync::Arc::new(SourceFile::new(
        "v",
        texts()["base/vocabulary.yaml"].clone(),
    ));
    let value = read(&vocabulary, Dialect::Core).unwrap()[0].to_json();
    let all = value["authorisations"].as_object().unwrap();
    let policies: String = all
        .keys()
        .map(|name| {
            probe(
                name,
                &format!("context.authorisations.contains(\"{name}\")"),
            )
        })
        .collect();
    let packs = probing([("us/probe.cedar".to_owned(), policies)]);
    let mut tried = 0;
    for (name, spec) in all {
        let day = |key: &str| spec.get(key).and_then(Value::as_str).map(date);
        let (from, to) = (day("from"), day("to"));
        for day in [from, to].into_iter().flatten().flat_map(around) {
            let mut act = act(ActKind::Export, day);
            act.authorisations.insert(name.clone());
            let verdict = judge(&packs, &Settings::default(), &act);
            assert_eq!(
                named(&verdict).contains_key(name.as_str()),
                within(from, to, day),
                "{name} on {day}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried}");
}
