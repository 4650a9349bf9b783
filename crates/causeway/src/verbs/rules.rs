//! `causeway rules`: the packs, and the cases that test them.

use camino::Utf8Path;
use causeway_domain::Date;
use causeway_law::{LawError, PackVersion, Packs, RuleDetail, Standing, Threshold, cases};
use causeway_run::RunError;
use serde_json::{Value, json};

use crate::cli::RulesVerb;
use crate::output::{Exit, Output, problem_json};
use crate::verbs::plan::as_of;
use crate::verbs::{Context, packs};

pub(crate) fn run(context: &Context, verb: &RulesVerb) -> Result<Exit, RunError> {
    match verb {
        RulesVerb::List {
            as_of,
            jurisdiction,
            rules,
        } => list(context, *as_of, jurisdiction.as_deref(), rules.as_deref()),
        RulesVerb::Show { id, as_of, rules } => show(context, id, *as_of, rules.as_deref()),
        RulesVerb::Check { directory } => check(context, directory),
        RulesVerb::Diff(args) => crate::verbs::rules_diff::run(context, args),
        RulesVerb::Test { files, rules } => test(context, files, rules.as_deref()),
    }
}

/// The day that was asked for; today in UTC where none was.
fn day(context: &Context, asked: Option<Date>) -> Result<Date, RunError> {
    Ok(jiff::tz::TimeZone::UTC
        .to_datetime(as_of(context, asked)?)
        .date())
}

fn date(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

/// `there is no X; did you mean Y?`
fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str>) -> RunError {
    let near = causeway_domain::near(word, known)
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    RunError::Value {
        what: format!("there is no {what} `{word}`{near}"),
    }
}

fn list(
    context: &Context,
    asked: Option<Date>,
    jurisdiction: Option<&str>,
    rules: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let packs = packs(rules)?;
    let day = day(context, asked)?;
    let jurisdiction = jurisdiction.map(str::to_lowercase);
    let here = |folder: &str| {
        jurisdiction
            .as_deref()
            .is_none_or(|wanted| wanted == folder)
    };
    let versions: Vec<&PackVersion> = packs
        .versions()
        .filter(|pack| here(&pack.jurisdiction))
        .collect();
    if versions.is_empty() {
        return Err(unknown(
            "jurisdiction",
            jurisdiction.as_deref().unwrap_or_default(),
            packs.versions().map(|pack| pack.jurisdiction.as_str()),
        ));
    }
    let rules: Vec<(RuleDetail, Standing)> = packs
        .rules()
        .filter(|rule| here(&rule.jurisdiction))
        .filter_map(|rule| packs.detail(&rule.id))
        .map(|rule| {
            let standing = rule.standing(day);
            (rule, standing)
        })
        .filter(|(_, standing)| matches!(standing, Standing::Waiting | Standing::Applies))
        .collect();
    if output.json {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(rule, standing)| with(&rule.info, &[("standing", json!(standing))]))
            .collect();
        let versions: Vec<Value> = versions
            .iter()
            .map(|pack| with(pack, &[("age_days", json!(pack.age(day)))]))
            .collect();
        output.document(&json!({
            "as_of": day, "packs": packs.digest(), "horizon": packs.horizon(), "versions": versions, "rules": rules,
        }));
        return Ok(Exit::Done);
    }
    let mut table = output.table(
        &["rule", "pack", "status", "from", "to", "verified", "title"],
        6,
    );
    for (rule, _) in &rules {
        let rule = &rule.info;
        table.add_row(vec![
            rule.id.clone(),
            rule.pack.to_string(),
            rule.status.to_string(),
            date(rule.from),
            date(rule.to),
            rule.verified.to_string(),
            rule.title.clone(),
        ]);
    }
    output.line(table);
    output.line("");
    let mut table = output.table(&["pack of", "version", "hash", "checked up to", "name"], 4);
    for pack in versions {
        let checked = match (pack.horizon, pack.age(day)) {
            (None, _) => "does not age".to_owned(),
            (Some(horizon), None) => horizon.to_string(),
            (Some(horizon), Some(days)) => format!("{horizon}, {days} days before"),
        };
        table.add_row(vec![
            pack.jurisdiction.clone(),
            pack.version.clone(),
            pack.digest.short(),
            checked,
            pack.name.clone(),
        ]);
    }
    output.line(table);
    output.line("");
    output.line(format_args!(
        "{} rules dated for {day}; all packs {}, checked against sources up to {}",
        rules.len(),
        packs.digest().short(),
        packs.horizon()
    ));
    Ok(Exit::Done)
}

/// A value as JSON with more fields.
fn with(value: &impl serde::Serialize, more: &[(&str, Value)]) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.extend(
            more.iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone())),
        );
    }
    value
}

fn show(
    context: &Context,
    id: &str,
    asked: Option<Date>,
    rules: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let packs = packs(rules)?;
    let day = day(context, asked)?;
    let Some(rule) = packs.detail(id) else {
        return Err(unknown(
            "rule",
            id,
            packs.rules().map(|rule| rule.id.as_str()),
        ));
    };
    let pack = packs
        .versions()
        .find(|pack| pack.jurisdiction == rule.info.jurisdiction);
    if output.json {
        let timeline = rule.timeline();
        output.document(&with(
            &rule,
            &[
                ("as_of", json!(day)),
                ("standing", json!(rule.standing(day))),
                ("timeline", json!(timeline)),
                ("version", json!(pack)),
            ],
        ));
        return Ok(Exit::Done);
    }
    for (name, lines) in sections(&rule, day, pack) {
        for (index, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
            let name = if index == 0 { name } else { "" };
            output.line(format_args!("{name:<13} {line}"));
        }
    }
    Ok(Exit::Done)
}

fn span(from: Option<Date>, to: Option<Date>) -> String {
    let open = |day: Option<Date>| day.map_or_else(|| "open".to_owned(), |day| day.to_string());
    match (from, to) {
        (None, None) => "no dates: on any day while its pack is on".to_owned(),
        (from, to) => format!("{} to {}", open(from), open(to)),
    }
}

/// A rule in words: the name of each section, and its lines.
fn sections(
    rule: &RuleDetail,
    day: Date,
    pack: Option<&PackVersion>,
) -> Vec<(&'static str, Vec<String>)> {
    let info = &rule.info;
    let version = pack.map_or_else(String::new, |pack| {
        format!(", {} {} ({})", pack.name, pack.version, pack.digest.short())
    });
    let threshold = |one: &Threshold| {
        let class = if one.class.is_empty() {
            String::new()
        } else {
            format!("`{}`, ", one.class)
        };
        let days = match (one.from, one.to) {
            (None, None) => String::new(),
            (from, to) => format!(", {}", span(from, to)),
        };
        let compared = match one.comparison {
            "day" => format!("{} is compared with {}", one.measure, one.value),
            sign => format!("{} {sign} {}", one.measure, one.value.normalize()),
        };
        format!("{compared}  ({class}{}:{}{days})", one.file, one.line)
    };
    let policies = rule.parts.iter().map(|part| {
        let acts: Vec<&str> = part.acts.iter().map(|act| act.word()).collect();
        let acts = if acts.len() == causeway_law::ActKind::ALL.len() {
            "any act".to_owned()
        } else {
            acts.join(", ")
        };
        let mut line = format!(
            "{}:{}  {} on {acts}; {}: {}",
            part.file,
            part.line,
            part.outcome.word(),
            span(part.from, part.to),
            part.standing(day).word(),
        );
        if let Some(from) = part.compliance_from {
            line += &format!("; asks from {from}");
        }
        if let Some(posture) = part.posture {
            line += &format!("; posture {} only", posture.word());
        }
        if let Some(review) = part.review {
            line += &format!("; {}", review.word().replace('_', " "));
        }
        line
    });
    let timeline = rule.timeline().into_iter().map(|event| {
        let mark = if event.day <= day { " " } else { ">" };
        format!("{mark} {}  {}", event.day, event.what)
    });
    let satisfied = rule
        .authorisations
        .iter()
        .map(|held| match (held.from, held.to) {
            (None, None) => held.name.clone(),
            (from, to) => format!("{}  ({})", held.name, span(from, to)),
        });
    vec![
        ("rule", vec![info.id.clone()]),
        ("title", vec![info.title.clone()]),
        (
            "status",
            vec![format!(
                "{}; on {day}: {}",
                info.status,
                rule.standing(day).word()
            )],
        ),
        ("dates", vec![span(info.from, info.to)]),
        ("asks from", vec![date(info.compliance_from)]),
        ("pack", vec![format!("{}{version}", info.pack)]),
        ("looks at", vec![info.kind.clone()]),
        ("citation", info.citation.clone()),
        ("controls", vec![info.controls.clone()]),
        ("must", vec![info.must.clone()]),
        (
            "thresholds",
            rule.thresholds.iter().map(threshold).collect(),
        ),
        ("figures", info.figures.clone()),
        ("exceptions", info.exceptions.clone()),
        (
            "is itself",
            vec![
                info.authorisation
                    .as_ref()
                    .map_or_else(String::new, |name| format!("the authorisation {name}")),
            ],
        ),
        ("looks for", satisfied.collect()),
        ("obligations", rule.obligations.clone()),
        ("policies", policies.collect()),
        ("timeline", timeline.collect()),
        ("verified", vec![info.verified.to_string()]),
        ("note", vec![info.note.clone()]),
    ]
}

/// Everything that is wrong, at once.
fn check(context: &Context, directory: &Utf8Path) -> Result<Exit, RunError> {
    let output = context.output;
    let problems = causeway_run::check_packs(directory)?;
    if output.json {
        let problems: Vec<Value> = problems
            .iter()
            .map(|problem| {
                with(
                    &problem_json(problem),
                    &[("file", json!(problem.file.name))],
                )
            })
            .collect();
        output.document(&json!({"directory": directory, "problems": problems}));
    } else {
        say_problems(output, &problems);
    }
    if problems.is_empty() {
        if !output.json {
            output.line(format_args!("{directory}: nothing is wrong"));
        }
        return Ok(Exit::Done);
    }
    Ok(Exit::Usage)
}

fn say_problems(output: Output, problems: &[causeway_domain::Problem]) {
    for problem in problems {
        output.problem(problem);
    }
    if !problems.is_empty() {
        output.say(format_args!("{} problem(s)", problems.len()));
    }
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
