//! `causeway parties owners`: who owns a party up to the top, and what each ownership test says, with the arithmetic.

use std::collections::BTreeMap;

use camino::Utf8Path;
use causeway_domain::organisation::{self, Organisation};
use causeway_parties::ownership::{
    OwnershipRecord, Verdict, cases, default_floor, recheck, regimes, svg, tree,
};
use causeway_parties::{Parent, ultimate_parent};
use causeway_run::{RunError, State, approvals, files};
use comfy_table::{Cell, Color};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::cli::OwnersArgs;
use crate::output::{Exit, Output};
use crate::verbs::Context;
use crate::verbs::plan::as_of;

pub(crate) fn run(context: &Context, args: &OwnersArgs) -> Result<Exit, RunError> {
    match (&args.cases, &args.recheck) {
        (Some(path), _) => run_cases(context.output, path),
        (None, Some(path)) => redo(context.output, path),
        (None, None) => show(context, args),
    }
}

/// Runs a file of cases. With `--json`, what its scorer reads and nothing beside.
fn run_cases(output: Output, path: &Utf8Path) -> Result<Exit, RunError> {
    let source = files::source(path)?;
    let file = cases::read(&source).map_err(|problems| RunError::Files { problems })?;
    let regimes = regimes();
    let results: Vec<cases::CaseResult> = file
        .cases
        .iter()
        .map(|case| cases::run(case, &regimes))
        .collect();
    let failed = results.iter().filter(|result| !result.passed()).count();
    if output.json {
        let scores: BTreeMap<&str, cases::Score> = results
            .iter()
            .map(|result| (result.id.as_str(), result.score()))
            .collect();
        output.event(&json!(scores));
    } else {
        for result in &results {
            let word = if result.passed() {
                output.paint("pass", "32")
            } else {
                output.paint("fail", "31")
            };
            output.line(format_args!("{word} {} {}", result.id, result.title));
            for failure in &result.failures {
                output.line(format_args!("     {failure}"));
            }
        }
    }
    let summary = format!("{} passed, {failed} failed", results.len() - failed);
    if output.json {
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

/// Redoes a record that `--json` printed, from the record alone.
fn redo(output: Output, path: &Utf8Path) -> Result<Exit, RunError> {
    let source = files::source(path)?;
    let wrong = |error: serde_json::Error| RunError::Value {
        what: format!("{path} holds no record of ownership: {error}"),
    };
    let mut document: Value = serde_json::from_str(&source.text).map_err(wrong)?;
    let record = match document.get_mut("record") {
        Some(record) => record.take(),
        None => document,
    };
    let record: OwnershipRecord = serde_json::from_value(record).map_err(wrong)?;
    let result = recheck(&record);
    if output.json {
        let error = result.as_ref().err().map(ToString::to_string);
        output.document(&json!({"party": record.party, "as_of": record.as_of, "holds": error.is_none(), "error": error}));
    }
    match result {
        Ok(()) => {
            if !output.json {
                output.line(format_args!(
                    "the record of `{}` on {} holds: sets, shares and verdicts follow from its edges",
                    record.party, record.as_of
                ));
            }
            Ok(Exit::Done)
        }
        Err(error) => {
            if !output.json {
                output.say(format!("{:?}", miette::Report::new(error)).trim_end());
            }
            Ok(Exit::Failed)
        }
    }
}

fn show(context: &Context, args: &OwnersArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let path = files::find_organisation(context.organisation.as_deref(), "causeway.yaml".into())?;
    let source = files::source(&path)?;
    let organisation =
        organisation::parse(&source).map_err(|problems| RunError::Files { problems })?;
    let party = match &args.party {
        Some(party) => party.as_str(),
        None => organisation.file.organisation.as_str(),
    };
    let known = || organisation.file.parties.keys().map(|id| id.as_str());
    if !known().any(|id| id == party) {
        let near = causeway_domain::near(party, known())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(RunError::Value {
            what: format!("{path} has no party `{party}`{near}"),
        });
    }
    let day = jiff::tz::TimeZone::UTC
        .to_datetime(as_of(context, args.as_of)?)
        .date();
    let inputs = BTreeMap::from([(
        path.file_name().unwrap_or("causeway.yaml").to_owned(),
        format!("blake3:{}", files::digest(&source.text)),
    )]);
    let screened = screened(context, &organisation)?;
    let record = OwnershipRecord::new(
        &causeway_plan::graph(&organisation, &screened),
        party,
        day,
        regimes(),
        default_floor(),
        inputs,
    );
    let register = causeway_plan::register(&organisation, &screened, day);
    let parent = ultimate_parent(&register, party, Decimal::TEN);
    if let Some(file) = &args.svg {
        fs_err::write(file, svg(&record)).map_err(|error| RunError::Value {
            what: format!("the picture can't be written: {error}"),
        })?;
    }
    if output.json {
        output.document(&json!({
            "party": party, "as_of": day, "verdict": record.worst(), "ultimate_parent": parent,
            "tests": tests_json(&record), "owners": tree(&record.graph, party, day), "record": record,
        }));
    } else {
        print(output, &record, &parent);
        if let Some(file) = &args.svg {
            output.say(format_args!("picture: {file}"));
        }
    }
    Ok(match record.worst() {
        Verdict::Clear => Exit::Done,
        Verdict::Review | Verdict::Caught => Exit::NeedsReview,
    })
}

/// What screening found, where the organisation screens and has a state directory.
fn screened(
    context: &Context,
    organisation: &Organisation,
) -> Result<causeway_plan::Screened, RunError> {
    if organisation.file.screening.is_none() || !State::exists(&context.state) {
        return Ok(causeway_plan::Screened::default());
    }
    let workspace = context.existing()?;
    Ok(approvals::records(workspace.shelf(), organisation, None)?
        .screened
        .clone())
}

fn tests_json(record: &OwnershipRecord) -> Vec<Value> {
    let tests = record.regimes.iter().zip(&record.assessments);
    tests
        .map(|(regime, assessment)| {
            json!({
                "test": regime.id, "title": regime.title, "verdict": assessment.verdict(&record.party),
                "because": assessment.explain(regime, &record.party), "reads": assessment.phase.says,
                "citations": regime.citations, "unverified": regime.unverified,
            })
        })
        .collect()
}

fn print(output: Output, record: &OwnershipRecord, parent: &Parent) {
    let party = record.party.as_str();
    output.line(format_args!(
        "Owners of {} on {}",
        record.graph.name(party),
        record.as_of
    ));
    owners(output, record);
    output.line(match parent {
        Parent::Known { country, chain } => format!(
            "ultimate parent: {}, headquartered in {} ({country})",
            chain.join(" < "),
            country.name()
        ),
        Parent::Unclear { why, .. } => format!("ultimate parent: not clear, {why}"),
    });
    output.line("\nOwnership tests");
    let mut table = output.table(&["test", "verdict", "why", "source"], 2);
    for (regime, assessment) in record.regimes.iter().zip(&record.assessments) {
        let verdict = assessment.verdict(party);
        let colour = match verdict {
            Verdict::Caught => Color::Red,
            Verdict::Review => Color::Yellow,
            Verdict::Clear => Color::Green,
        };
        table.add_row(vec![
            Cell::new(&regime.title),
            Cell::new(verdict.word()).fg(colour),
            Cell::new(assessment.explain(regime, party)),
            Cell::new(regime.citations.join("\n")),
        ]);
    }
    output.line(table);
    for (regime, assessment) in record.regimes.iter().zip(&record.assessments) {
        output.line(format_args!("{}: {}", regime.id, assessment.phase.says));
        for remark in &regime.unverified {
            output.line(format_args!("{}: not checked: {remark}", regime.id));
        }
    }
    output.line("These are verdicts about ownership alone; `causeway explain` says what follows from them for a task.");
}

fn owners(output: Output, record: &OwnershipRecord) {
    let mut table = output.table(
        &["party", "holds", "who", "lists", "look-through", "says"],
        2,
    );
    for branch in tree(&record.graph, &record.party, record.as_of) {
        let node = record.graph.parties.get(&branch.key);
        let who = node.map_or_else(
            || "nobody says who it is".to_owned(),
            |node| format!("{}; {}", node.name, node.place_in_words()),
        );
        let seen = match branch.seen {
            Some(tree_seen) => format!(" ({})", tree_seen.words()),
            None => String::new(),
        };
        table.add_row(vec![
            format!("{}{}{seen}", branch.rail, branch.key),
            branch.holds.join(" + "),
            who,
            node.map_or_else(
                || "not screened".to_owned(),
                |node| node.lists_in_words(record.as_of),
            ),
            if branch.key == record.party {
                String::new()
            } else {
                record.look_through.in_words(&branch.key, &record.party)
            },
            branch.sources.join("; "),
        ]);
    }
    output.line(table);
}
