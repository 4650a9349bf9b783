//! `causeway parties screen`: parties of causeway.yaml, or names, against the lists that were imported.

use std::collections::BTreeMap;

use camino::Utf8Path;
use causeway_domain::Timestamp;
use causeway_domain::organisation::Organisation;
use causeway_law::{Outcome, Tree};
use causeway_parties::lists::{
    Finding, FoundBy, Freshness, ListVersion, Listing, NameKind, Record, Screening, known_list,
    thousandths,
};
use causeway_run::{RunError, State, approvals, files, screening};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::import::in_words;
use crate::cli::ScreenArgs;
use crate::output::Exit;
use crate::verbs::Context;
use crate::verbs::approvals::plain;

/// The entries of one party that are printed; the others are counted.
const SHOWN: usize = 20;

pub(crate) fn run(context: &Context, args: &ScreenArgs) -> Result<Exit, RunError> {
    match &args.pairs {
        Some(pairs) => super::pairs::run(context, args, pairs),
        None if args.names.is_empty() => parties(context),
        None => names(context, &args.names),
    }
}

/// What was screened, for printing.
struct Report<'a> {
    /// Each with what to call it, its id in causeway.yaml, and what was found.
    rows: Vec<Row<'a>>,
    lists: &'a [ListVersion],
    oldest: SignedDuration,
    now: Timestamp,
}

struct Row<'a> {
    title: String,
    party: Option<&'a str>,
    identity: Option<&'a str>,
    screening: &'a Screening,
}

/// The parties of the organisation, as a plan would screen them.
fn parties(context: &Context) -> Result<Exit, RunError> {
    let path =
        files::find_organisation(context.organisation.as_deref(), Utf8Path::new("task.yaml"))?;
    let organisation = causeway_domain::organisation::parse(&files::source(&path)?)
        .map_err(|problems| RunError::Files { problems })?;
    some_list(context)?;
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
    let names = names_of(&organisation);
    let rows = found
        .parties
        .iter()
        .map(|(id, screening)| Row {
            title: match names.get(id.as_str()) {
                Some(name) => format!("{id}, {name}"),
                None => id.clone(),
            },
            party: Some(id),
            identity: found.identities.get(id).map(String::as_str),
            screening,
        })
        .collect();
    Ok(show(
        context,
        &Report {
            rows,
            lists: &found.versions,
            oldest: found.oldest,
            now: shelf.now,
        },
    ))
}

fn names_of(organisation: &Organisation) -> BTreeMap<&str, &str> {
    organisation
        .file
        .parties
        .iter()
        .map(|(id, party)| (id.as_str(), party.name.as_str()))
        .collect()
}

/// An error where there is no state directory: lists are kept there.
fn some_list(context: &Context) -> Result<(), RunError> {
    if State::exists(&context.state) {
        return Ok(());
    }
    Err(RunError::Value {
        what: "no list was imported yet: `causeway parties import` takes one in".to_owned(),
    })
}

/// Names that somebody asks about, against everything that was imported.
fn names(context: &Context, names: &[String]) -> Result<Exit, RunError> {
    some_list(context)?;
    let state = State::open(&context.state, false)?;
    let now = causeway_domain::Env::now(context.env.as_ref());
    let (found, lists) = screening::names(&state, now, names)?;
    let rows = names
        .iter()
        .zip(&found)
        .map(|(name, screening)| Row {
            title: format!("`{name}`"),
            party: None,
            identity: None,
            screening,
        })
        .collect();
    Ok(show(
        context,
        &Report {
            rows,
            lists: &lists,
            oldest: ListVersion::USUAL_AGE,
            now,
        },
    ))
}

fn show(context: &Context, report: &Report<'_>) -> Exit {
    let output = context.output;
    if output.json {
        let rows: Vec<Value> = report
            .rows
            .iter()
            .map(|row| {
                let name = row.party.unwrap_or(row.title.trim_matches('`'));
                json!({
                    "party": name,
                    "identity": row.identity,
                    "listed": row.screening.listed,
                    "faults": row.screening.faults,
                    "findings": row.screening.findings,
                })
            })
            .collect();
        let lists: Vec<Value> = report
            .lists
            .iter()
            .map(|list| json!({"list": list.list, "date": list.date, "sha256": list.hash()}))
            .collect();
        output.document(&json!({ "screened": rows, "lists": lists }));
    } else {
        for list in report.lists {
            output.line(against(list, report));
        }
        for row in &report.rows {
            output.line("");
            output.tree(&tree(row));
            // Whole lines, to be copied.
            for command in commands(row) {
                output.line(format_args!("  {command}"));
            }
        }
        if report
            .rows
            .iter()
            .any(|row| !row.screening.findings.is_empty())
        {
            output.hint(
                "a name or an address is no judgement: a reviewer looks at the entry beside the party, and signs which of the two it is",
            );
        }
    }
    exit(report.rows.iter().map(|row| row.screening))
}

/// A person must look while something is open; nothing is judged by a name.
fn exit<'s>(mut screenings: impl Iterator<Item = &'s Screening>) -> Exit {
    let clear = |screening: &Screening| {
        !screening.listed.is_open()
            && screening.listed.certain().is_empty()
            && waiting(screening) == 0
    };
    if screenings.all(clear) {
        Exit::Done
    } else {
        Outcome::NeedsReview.into()
    }
}

/// `against csl of 2026-11-24T06:00:00Z, 6 h old`.
fn against(list: &ListVersion, report: &Report<'_>) -> String {
    let age = match list.freshness(report.now, report.oldest) {
        Freshness::Fresh { age } => format!("{} old", in_words(age)),
        Freshness::Old { age } => format!(
            "{} old, {} are allowed: it clears nobody",
            in_words(age),
            in_words(report.oldest)
        ),
        Freshness::Unknown => "nobody says how old: it clears nobody".to_owned(),
    };
    let date = list
        .date
        .map_or_else(String::new, |date| format!(" of {date}"));
    format!(
        "against {}{date}, {age}, {} parties, sha256 {}",
        list.list,
        list.counts.parties,
        list.hash().short()
    )
}

fn tree(row: &Row<'_>) -> Tree {
    let screening = row.screening;
    let mut tree = Tree::new(format!("{}: {}", row.title, says(screening)));
    for fault in &screening.faults {
        tree.push(format!("not cleared: {fault}"));
    }
    for finding in screening.findings.iter().take(SHOWN) {
        tree.push(beside(row.party, finding));
    }
    let more = screening.findings.len().saturating_sub(SHOWN);
    if more > 0 {
        tree.push(format!("{more} more entries: `--json` has them all"));
    }
    tree
}

/// The entries that a reviewer has not looked at.
fn waiting(screening: &Screening) -> usize {
    let open = |finding: &&Finding| finding.same.is_none();
    screening.findings.iter().filter(open).count()
}

/// The answer for one party, in a line.
fn says(screening: &Screening) -> String {
    let on: Vec<&str> = screening
        .listed
        .certain()
        .iter()
        .map(String::as_str)
        .collect();
    let open = match (waiting(screening), screening.listed.why_open()) {
        (1, _) => Some("open, an entry waits for a reviewer".to_owned()),
        (count @ 2.., _) => Some(format!("open, {count} entries wait for a reviewer")),
        (0, Some(_)) if !screening.faults.is_empty() => Some("open".to_owned()),
        (0, Some(why)) => Some(format!("open, {why}")),
        (0, None) => None,
    };
    match (on.is_empty(), open) {
        (false, None) => format!("on {}", on.join(", ")),
        (false, Some(open)) => format!("on {}; {open}", on.join(", ")),
        (true, Some(open)) => open,
        (true, None) => match screening.findings.len() {
            0 => "clear, nothing is like it".to_owned(),
            1 => "clear, the one entry that is like it was looked at".to_owned(),
            count => format!("clear, the {count} entries that are like it were looked at"),
        },
    }
}

/// An entry beside the party: what is alike, what the list says of it, why it was found, and what a reviewer does next.
fn beside(party: Option<&str>, finding: &Finding) -> Tree {
    let by = match finding.by {
        FoundBy::Name => "name",
        FoundBy::Number => "number",
        FoundBy::Address => "address",
    };
    let word = match (finding.same, &finding.settled_by) {
        (Some(true), Some(_)) => "the same",
        (Some(true), None) => "determined the same",
        (Some(false), _) => "determined another",
        (None, _) => finding.band.word(),
    };
    let score = match finding.by {
        FoundBy::Number => String::new(),
        FoundBy::Name | FoundBy::Address => format!(", {}", thousandths(finding.score)),
    };
    let mut tree = Tree::new(format!("{word}: {}, by {by}{score}", finding.entry));
    tree.push(format!("party: {}", finding.sought));
    let named = finding.name == finding.record.label;
    if named {
        tree.push(format!("entry: {}", finding.record.label));
    } else {
        tree.push(format!(
            "entry: {}, of {}",
            finding.name, finding.record.label
        ));
    }
    for line in about(&finding.record, &finding.name) {
        tree.push(line);
    }
    for listing in &finding.record.listings {
        tree.push(listed(listing));
    }
    for doubt in &finding.record.doubts {
        tree.push(format!("in doubt: {}", doubt.why));
    }
    if !finding.why.is_empty() {
        tree.push(Tree::new("why").with(finding.why.iter().map(String::as_str)));
    }
    tree.push(next(party, finding));
    tree
}

/// What else the list says of who it is.
fn about(record: &Record, shown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let names: Vec<String> = record
        .names
        .iter()
        .filter(|name| name.text != shown && name.text != record.label)
        .map(|name| match name.kind {
            NameKind::Weak => format!("{} (weak)", name.text),
            NameKind::Former => format!("{} (former)", name.text),
            NameKind::Primary | NameKind::Alias => name.text.clone(),
        })
        .collect();
    if !names.is_empty() {
        lines.push(format!("also known as {}", names.join("; ")));
    }
    let places: Vec<String> = record
        .addresses
        .iter()
        .filter(|address| address.text != shown)
        .map(|address| match address.country {
            Some(country) if address.text.is_empty() => country.name().to_owned(),
            Some(country) => format!("{}, {country}", address.text),
            None => address.text.clone(),
        })
        .collect();
    if !places.is_empty() {
        lines.push(format!("addresses: {}", places.join("; ")));
    }
    let numbers: Vec<String> = record
        .identifiers
        .iter()
        .map(|number| match number.country {
            Some(country) => format!("{} {} ({country})", number.as_written, number.value),
            None => format!("{} {}", number.as_written, number.value),
        })
        .collect();
    if !numbers.is_empty() {
        lines.push(format!("numbers: {}", numbers.join("; ")));
    }
    if !record.born_or_founded.is_empty() {
        lines.push(format!(
            "born or founded {}",
            record.born_or_founded.join("; ")
        ));
    }
    lines
}

/// A listing: which list, what it means for a run, what it asks for, where and when it was published.
fn listed(listing: &Listing) -> Tree {
    let means = known_list(&listing.list).map_or_else(
        || "a list that nobody here knows: a person must look".to_owned(),
        |known| known.means.clone(),
    );
    let mut tree = Tree::new(format!("{}: {means}", listing.as_written));
    if !listing.programmes.is_empty() {
        tree.push(format!("programmes: {}", listing.programmes.join(", ")));
    }
    if let Some(requirement) = &listing.requirement {
        tree.push(format!("licence requirement: {requirement}"));
    }
    if let Some(policy) = &listing.policy {
        tree.push(format!("licence policy: {policy}"));
    }
    let mut published = Vec::new();
    if !listing.citations.is_empty() {
        published.push(format!("published in {}", listing.citations.join("; ")));
    }
    if let Some(day) = &listing.listed_on {
        published.push(format!("in force since {day}"));
    }
    if let Some(day) = &listing.ends_on {
        published.push(format!("until {day}"));
    }
    if published.is_empty() {
        published.push("the list states no citation and no day".to_owned());
    }
    tree.push(published.join(", "));
    tree
}

/// What somebody does about it.
fn next(party: Option<&str>, finding: &Finding) -> Tree {
    if party.is_none() {
        return "next: declare the party in causeway.yaml with its numbers; a determination is about a party".into();
    }
    match (finding.same, &finding.settled_by) {
        (Some(true), Some(by)) => Tree::new(format!(
            "settled by {by}: no reviewer is asked; `causeway explain task.yaml` says what follows"
        )),
        (Some(true), None) => {
            "next: `causeway explain task.yaml` says what follows; `causeway approvals list` who determined it, and until when"
                .into()
        }
        (Some(false), _) => {
            "`causeway approvals list` says who determined it, and until when".into()
        }
        (None, _) => "next: a reviewer compares the two; the draft below says `--another`, or `--same` where it is the party".into(),
    }
}

/// What drafts the determinations that are missing.
fn commands(row: &Row<'_>) -> Vec<String> {
    let Some(party) = row.party else {
        return Vec::new();
    };
    row.screening
        .findings
        .iter()
        .take(SHOWN)
        .filter(|finding| finding.same.is_none())
        .map(|finding| {
            format!(
                "causeway approvals draft task.yaml --entry {} --another -o {party}-{}.yaml",
                quoted(&format!("{party}={}", finding.entry)),
                plain(&finding.entry.id)
            )
        })
        .collect()
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "=:-_./+@%".contains(sign);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
