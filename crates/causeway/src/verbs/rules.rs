//! `causeway rules`: the packs, and the cases that test them.

use camino::Utf8Path;
use causeway_law::{LawError, Packs, RuleInfo, cases};
use causeway_run::RunError;
use serde_json::{Value, json};

use crate::cli::RulesVerb;
use crate::output::Exit;
use crate::verbs::plan::as_of;
use crate::verbs::{Context, packs};

pub(crate) fn run(context: &Context, verb: &RulesVerb) -> Result<Exit, RunError> {
    match verb {
        RulesVerb::List { as_of, rules } => list(context, *as_of, rules.as_deref()),
        RulesVerb::Show { id, rules } => show(context, id, rules.as_deref()),
        RulesVerb::Test { files, rules } => test(context, files, rules.as_deref()),
    }
}

fn list(
    context: &Context,
    day: Option<causeway_domain::Date>,
    rules: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let packs = packs(rules)?;
    let day = jiff::tz::TimeZone::UTC
        .to_datetime(as_of(context, day)?)
        .date();
    let dated = |rule: &&RuleInfo| {
        rule.from.is_none_or(|from| from <= day) && rule.to.is_none_or(|to| day <= to)
    };
    let rules: Vec<&RuleInfo> = packs.rules().filter(dated).collect();
    if output.json {
        output.document(&json!({"as_of": day, "packs": packs.digest(), "horizon": packs.horizon(), "rules": rules}));
        return Ok(Exit::Done);
    }
    let mut table = output.table(&["rule", "pack", "status", "from", "to", "title"], 5);
    for rule in &rules {
        let status = serde_json::to_value(rule.status)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default();
        let date = |date: Option<causeway_domain::Date>| {
            date.map_or_else(String::new, |date| date.to_string())
        };
        table.add_row(vec![
            rule.id.clone(),
            rule.pack.to_string(),
            status,
            date(rule.from),
            date(rule.to),
            rule.title.clone(),
        ]);
    }
    output.line(table);
    output.line(format_args!(
        "{} rules dated for {day}; packs {}, checked against sources up to {}",
        rules.len(),
        packs.digest().short(),
        packs.horizon()
    ));
    Ok(Exit::Done)
}

fn show(context: &Context, id: &str, rules: Option<&Utf8Path>) -> Result<Exit, RunError> {
    let output = context.output;
    let packs = packs(rules)?;
    let Some(rule) = packs.rules().find(|rule| rule.id == id) else {
        let near = causeway_domain::near(id, packs.rules().map(|rule| rule.id.as_str()))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(RunError::Value {
            what: format!("there is no rule `{id}`{near}"),
        });
    };
    let value = serde_json::to_value(rule).unwrap_or_default();
    if output.json {
        output.document(&value);
        return Ok(Exit::Done);
    }
    if let Value::Object(fields) = value {
        for (name, field) in fields {
            let text = match field {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Array(items) => items
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join("\n              "),
                other => other.to_string(),
            };
            output.line(format_args!("{name:<13} {text}"));
        }
    }
    Ok(Exit::Done)
}

fn test(
    context: &Context,
    files: &[camino::Utf8PathBuf],
    rules: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let packs: Packs = packs(rules)?;
    let (mut passed, mut failed) = (0, 0);
    let mut rows = Vec::new();
    for path in files {
        let source = causeway_run::files::source(path)?;
        let parsed = match cases::parse(&source.text) {
            Ok(parsed) => parsed,
            Err(LawError::File { problem }) => {
                let problem = causeway_domain::Problem {
                    file: source,
                    ..*problem
                };
                return Err(RunError::Files {
                    problems: vec![problem],
                });
            }
            Err(error) => return Err(error.into()),
        };
        for case in &parsed {
            let result = cases::run(&packs, case);
            if result.passed {
                passed += 1;
            } else {
                failed += 1;
                if !output.json {
                    output.line(format_args!(
                        "{} {}: {}",
                        output.paint("failed", "31"),
                        result.id,
                        result.why
                    ));
                    output.line(format_args!(
                        "       got {} by {}",
                        result.outcome,
                        result.rules.join(", ")
                    ));
                }
            }
            if output.json {
                // Why the other rules did not speak is for whoever reads the document.
                let passed_over = case
                    .act
                    .as_ref()
                    .map(|act| causeway_law::judge_in_full(&packs, &case.settings, act).passed);
                rows.push(json!({
                    "id": result.id, "outcome": result.outcome, "rules": result.rules, "review": result.review,
                    "obligations": result.obligations, "open_facts": result.open_facts, "passed": result.passed,
                    "authorisations_used": result.authorisations_used, "from_memory": result.from_memory,
                    "passed_over": passed_over.unwrap_or_default(),
                }));
            }
        }
    }
    let summary = format!("{passed} passed, {failed} failed");
    if output.json {
        output.document(&json!({ "cases": rows }));
        output.say(summary);
    } else {
        output.line(summary);
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::Failed
    })
}
