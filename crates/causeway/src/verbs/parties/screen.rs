//! `causeway parties screen`: parties of causeway.yaml, or names, against the lists that were imported.

use camino::Utf8Path;
use causeway_domain::Fact;
use causeway_parties::lists::{Finding, Screening, thousandths};
use causeway_run::{RunError, State, approvals, files, screening};
use comfy_table::Cell;
use serde_json::{Value, json};

use crate::cli::ScreenArgs;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(context: &Context, args: &ScreenArgs) -> Result<Exit, RunError> {
    match &args.pairs {
        Some(pairs) => super::pairs::run(context, args, pairs),
        None if args.names.is_empty() => parties(context, args),
        None => names(context, args),
    }
}

/// The parties of the organisation, as a plan would screen them.
fn parties(context: &Context, args: &ScreenArgs) -> Result<Exit, RunError> {
    let path =
        files::find_organisation(context.organisation.as_deref(), Utf8Path::new("task.yaml"))?;
    let organisation = causeway_domain::organisation::parse(&files::source(&path)?)
        .map_err(|problems| RunError::Files { problems })?;
    let workspace = context.existing()?;
    let shelf = workspace.shelf();
    let on_file = approvals::records(shelf, &organisation, None)?;
    let Some(found) = screening::screen(shelf.state, shelf.now, &organisation, &on_file.approvals)?
    else {
        return Err(RunError::Value {
            what: format!(
                "{path} names no lists to screen against: write `screening: {{lists: [NAME]}}`, with the names that `causeway parties lists` shows"
            ),
        });
    };
    let rows: Vec<(String, &Screening)> = found
        .parties
        .iter()
        .map(|(id, screening)| (id.clone(), screening))
        .collect();
    show(context, args, &rows);
    Ok(exit(rows.iter().map(|(_, screening)| *screening)))
}

/// Names that somebody asks about, against everything that was imported.
fn names(context: &Context, args: &ScreenArgs) -> Result<Exit, RunError> {
    if !State::exists(&context.state) {
        return Err(RunError::Value {
            what: "no list was imported yet: `causeway parties import` takes one in".to_owned(),
        });
    }
    let state = State::open(&context.state, false)?;
    let found = screening::names(
        &state,
        causeway_domain::Env::now(context.env.as_ref()),
        &args.names,
    )?;
    let rows: Vec<(String, &Screening)> = args.names.iter().cloned().zip(found.iter()).collect();
    show(context, args, &rows);
    Ok(exit(found.iter()))
}

/// A person must look while something is open; nothing is judged by a name.
fn exit<'s>(screenings: impl Iterator<Item = &'s Screening>) -> Exit {
    let mut screenings = screenings;
    let clear = |screening: &Screening| {
        !screening.listed.is_open()
            && screening.listed.certain().is_empty()
            && screening.findings.iter().all(|found| found.same.is_some())
    };
    if screenings.all(clear) {
        Exit::Done
    } else {
        causeway_law::Outcome::NeedsReview.into()
    }
}

fn show(context: &Context, args: &ScreenArgs, rows: &[(String, &Screening)]) {
    let output = context.output;
    if output.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(name, screening)| {
                json!({"party": name, "listed": screening.listed, "findings": screening.findings})
            })
            .collect();
        output.document(&json!({ "screened": rows }));
        return;
    }
    let mut table = output.table(
        &["party", "says", "entry", "name there", "score", "stands on"],
        5,
    );
    for (name, screening) in rows {
        let says = says(screening);
        if screening.findings.is_empty() {
            table.add_row([name.as_str(), says.as_str(), "", "", "", ""].map(Cell::new));
        }
        for finding in &screening.findings {
            table.add_row(
                [
                    name.clone(),
                    in_words(finding),
                    finding.entry.to_string(),
                    finding.name.clone(),
                    thousandths(finding.score),
                    finding.lists.join("; "),
                ]
                .map(Cell::new),
            );
        }
    }
    output.line(table);
    if args.explain {
        for (name, screening) in rows {
            for finding in &screening.findings {
                output.line(format_args!("\n{name} and {}:", finding.entry));
                for line in &finding.why {
                    output.line(format_args!("    {line}"));
                }
            }
        }
    }
    output.hint(
        "a name is no judgement: a reviewer determines whether an entry is the party (`decides: {entry: ...}` of an approval)",
    );
}

fn says(screening: &Screening) -> String {
    match screening.listed.whole() {
        Fact::Known(lists, _) if lists.is_empty() => "clear".to_owned(),
        Fact::Known(lists, _) => {
            let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
            format!("on {}", lists.join(", "))
        }
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

fn in_words(finding: &Finding) -> String {
    match finding.same {
        Some(true) => "determined: the same".to_owned(),
        Some(false) => "determined: another".to_owned(),
        None => finding.band.word().to_owned(),
    }
}
