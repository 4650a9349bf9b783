//! What the checks take from the rule packs' data: thresholds of training compute, and the countries of group D:5.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::yaml::{Dialect, Node, read};
use causeway_domain::{Country, Date, Fact, SourceFile};
use causeway_parties::kyc::form::Amount;
use causeway_parties::kyc::records::Trigger;
use serde_json::Value;

use crate::RunError;
use crate::state::read_text;

/// Definitions of the built-in packs by jurisdiction: the files that the law's own engine reads.
const DEFINITIONS: [(&str, &str); 3] = [
    ("cn", include_str!("../../../../rules/cn/definitions.yaml")),
    ("eu", include_str!("../../../../rules/eu/definitions.yaml")),
    ("us", include_str!("../../../../rules/us/definitions.yaml")),
];
const GROUPS: &str = include_str!("../../../../rules/us/country_groups.json");

/// Thresholds of training compute in the rule packs, those of a folder of the user's own laid over the built-in ones. None
/// is written in this program.
///
/// # Errors
/// When a file of the folder can't be read.
pub fn triggers(rules: Option<&Utf8Path>) -> Result<Vec<Trigger>, RunError> {
    let mut all = Vec::new();
    for (jurisdiction, builtin) in DEFINITIONS {
        let own = rules.map(|folder| folder.join(jurisdiction).join("definitions.yaml"));
        let text = match own.filter(|path| path.is_file()) {
            Some(path) => read_text(&path, 4 << 20).map_err(|error| RunError::Read {
                path,
                error,
                help: "`--rules` names a folder of rule packs".to_owned(),
            })?,
            None => builtin.to_owned(),
        };
        let source = Arc::new(SourceFile::new(
            format!("{jurisdiction}/definitions.yaml"),
            text,
        ));
        let documents = read(&source, Dialect::Core).map_err(|problem| RunError::Files {
            problems: vec![problem],
        })?;
        let root = documents.first().map(Node::to_json).unwrap_or_default();
        all.extend(thresholds(jurisdiction, &root));
    }
    Ok(all)
}

/// The comparisons of `train_ops` in the classes of items.
fn thresholds(jurisdiction: &str, root: &Value) -> Vec<Trigger> {
    let mut found = Vec::new();
    let items = root.get("items").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        let class = item
            .get("class")
            .and_then(Value::as_str)
            .unwrap_or("a class");
        let day = |name: &str| -> Option<Date> { item.get(name)?.as_str()?.parse().ok() };
        let mut conditions = vec![item.get("is").cloned().unwrap_or_default()];
        while let Some(condition) = conditions.pop() {
            for part in ["all", "any"] {
                conditions.extend(
                    condition
                        .get(part)
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                        .cloned(),
                );
            }
            if condition.get("measure").and_then(Value::as_str) != Some("train_ops") {
                continue;
            }
            for (word, inclusive) in [("ge", true), ("gt", false)] {
                let number = condition.get(word).and_then(|value| {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    Amount::parse(&text)
                });
                if let Some(number) = number {
                    found.push(Trigger {
                        rule: format!("{jurisdiction}: {class}"),
                        operations: number.0,
                        inclusive,
                        from: day("from"),
                        to: day("to"),
                    });
                }
            }
        }
    }
    found
}

/// Countries of group D:5 on a day, and Macau. A country of which the table says `review` counts as one: it gives a question.
pub(super) fn embargoed(day: Date) -> Fact<BTreeSet<Country>> {
    let Ok(table) = serde_json::from_str::<Value>(GROUPS) else {
        return Fact::unknown("rules/us/country_groups.json can't be read");
    };
    let country = |value: &Value| -> Option<Country> { value.as_str()?.parse().ok() };
    let mut group: BTreeSet<Country> = table
        .pointer("/groups/D:5")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(country)
        .collect();
    for row in table
        .get("dated")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|row| row.get("group").and_then(Value::as_str) == Some("D:5"))
    {
        let date = |name: &str| -> Option<Date> { row.get(name)?.as_str()?.parse().ok() };
        let holds =
            date("from").is_none_or(|from| from <= day) && date("to").is_none_or(|to| day <= to);
        if let Some(one) = row.get("country").and_then(country).filter(|_| holds) {
            if row.get("state").and_then(Value::as_str) == Some("out") {
                group.remove(&one);
            } else {
                group.insert(one);
            }
        }
    }
    // An alias is read as the other country: Hong Kong as China.
    for (code, alias) in table
        .get("aliases")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let since: Option<Date> = alias
            .get("from")
            .and_then(|from| from.as_str()?.parse().ok());
        let member = alias
            .get("as")
            .and_then(country)
            .is_some_and(|other| group.contains(&other));
        if member
            && since.is_none_or(|since| since <= day)
            && let Ok(code) = code.parse()
        {
            group.insert(code);
        }
    }
    group.extend("MO".parse::<Country>());
    if group.len() < 2 {
        return Fact::unknown("rules/us/country_groups.json has no group D:5");
    }
    Fact::stated(group, "rules/us/country_groups.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_packs() {
        let found = triggers(None).unwrap();
        let said: Vec<String> = found
            .iter()
            .map(|one| {
                format!(
                    "{} {} {}",
                    one.rule,
                    causeway_parties::kyc::scientific(one.operations),
                    one.inclusive
                )
            })
            .collect();
        assert!(
            said.iter()
                .any(|one| one.starts_with("eu: ") && one.ends_with("1e25 false")),
            "{said:?}"
        );
        assert!(
            said.iter()
                .any(|one| one.starts_with("us: ") && one.ends_with("1e26 true")),
            "{said:?}"
        );
    }

    #[test]
    fn a_folder_of_ones_own_moves_a_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(path.join("eu")).unwrap();
        fs_err::write(
            path.join("eu/definitions.yaml"),
            "items: [{class: own, from: 2026-01-01, is: {measure: train_ops, ge: 5e24}}]\n",
        )
        .unwrap();
        let found = triggers(Some(path)).unwrap();
        let own: Vec<&Trigger> = found
            .iter()
            .filter(|one| one.rule.starts_with("eu"))
            .collect();
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].rule, "eu: own");
        assert_eq!(own[0].from, Some("2026-01-01".parse().unwrap()));
    }

    #[test]
    fn the_group_is_that_of_the_day() {
        let on = |day: &str| embargoed(day.parse().unwrap()).known().cloned().unwrap();
        let has = |day: &str, code: &str| on(day).contains(&code.parse().unwrap());
        assert!(has("2026-11-24", "CN") && has("2026-11-24", "MO") && has("2026-11-24", "HK"));
        assert!(!has("2026-11-24", "SG"));
        assert!(!has("2020-12-22", "HK"));
        // Dropped by the State Department on 2025-11-07, in the table of the export rules on 2026-02-03.
        assert!(has("2025-06-01", "KH"));
        assert!(!has("2026-11-24", "KH"));
    }
}
