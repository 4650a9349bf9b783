//! `causeway parties import` and `causeway parties lists`: list files in, one stored list out.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Env, Timestamp};
use causeway_parties::lists::{
    Format, Freshness, ListError, ListVersion, Part, ReadAs, detect, known_list, read, stored,
};
use causeway_run::{RunError, State};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cli::{ImportArgs, ListFormat};
use crate::output::{Exit, Output};
use crate::verbs::Context;

/// As much of a file is looked at to say what it is.
const HEAD: usize = 1 << 16;

/// As many rows in doubt are printed; `--json` names more.
const PRINTED: usize = 20;

pub(crate) fn import(context: &Context, args: &ImportArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let now = context.env.now();
    let format = family(args.format);
    let name = list_name(format, args)?;
    let date = args
        .date
        .as_deref()
        .map(|text| instant(text, now))
        .transpose()?;
    let state = State::open(&context.state, context.env.now.is_some())?;
    let folder = state.lists();
    fs_err::create_dir_all(&folder).map_err(|error| written(&folder, error))?;
    let body = Temporary::new(folder.join(format!(".{name}.{}.body", std::process::id())));
    let version = rows_to(&body.0, format, &name, date, now, &args.files)?;
    let target = stored_in(&folder, &name);
    let whole = Temporary::new(folder.join(format!(".{name}.{}.tmp", std::process::id())));
    put_together(&whole.0, &version, &body.0).map_err(|error| written(&whole.0, error))?;
    {
        let _lock = state.short_lock()?;
        fs_err::rename(&whole.0, &target)
            .and_then(|()| fs_err::File::open(&folder)?.sync_all())
            .map_err(|error| written(&target, error))?;
    }
    report(output, &version, &target, now);
    Ok(Exit::Done)
}

/// A file that is removed when nobody renamed it.
struct Temporary(Utf8PathBuf);

impl Temporary {
    fn new(path: Utf8PathBuf) -> Self {
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs_err::remove_file(&self.0);
    }
}

/// Reads the files, writing each item as a line.
fn rows_to(
    body: &Utf8Path,
    format: Format,
    name: &str,
    date: Option<Timestamp>,
    now: Timestamp,
    files: &[Utf8PathBuf],
) -> Result<ListVersion, RunError> {
    let file = fs_err::File::create(body).map_err(|error| written(body, error))?;
    let mut lines = BufWriter::new(file);
    let mut reports = Vec::new();
    for (number, path) in (0..).zip(files) {
        let unreadable = |error| RunError::Read {
            path: path.clone(),
            error,
            help: "name the files of one list".to_owned(),
        };
        let file = fs_err::File::open(path).map_err(unreadable)?;
        let mut input = BufReader::with_capacity(HEAD, file);
        let part = part(format, path, input.fill_buf().map_err(unreadable)?)?;
        let as_ = ReadAs {
            part,
            file: path.file_name().unwrap_or(path.as_str()),
            number,
            list: known_list(name).map(|list| list.word.as_str()),
        };
        let mut failed = None;
        let done = read(as_, input, &mut |item| match writeln!(
            lines,
            "{}",
            stored::item_line(&item)
        ) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        match (done, failed) {
            (_, Some(error)) => return Err(written(body, error)),
            (done, None) => reports.push(done?),
        }
    }
    lines.flush().map_err(|error| written(body, error))?;
    Ok(ListVersion::of(name, format, date, now, reports))
}

/// The first line, then the rows: on disk before it gets its name.
fn put_together(path: &Utf8Path, version: &ListVersion, body: &Utf8Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(fs_err::File::create(path)?);
    writeln!(file, "{}", stored::first_line(version))?;
    std::io::copy(&mut fs_err::File::open(body)?, &mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}

fn family(format: ListFormat) -> Format {
    match format {
        ListFormat::Ftm => Format::Ftm,
        ListFormat::Csl => Format::Csl,
        ListFormat::Ofac => Format::Ofac,
        ListFormat::Gleif => Format::Gleif,
        ListFormat::Bods => Format::Bods,
    }
}

/// What a file is, which must be of the family that was named.
fn part(format: Format, path: &Utf8Path, head: &[u8]) -> Result<Part, RunError> {
    let found = detect(head);
    if let Some(part) = found
        && part.format() == format
    {
        return Ok(part);
    }
    // What can't be told, by the one sure sign: how it begins. Its reader says what is wrong with it.
    let json = head.iter().find(|byte| !byte.is_ascii_whitespace());
    match (found, format, json) {
        (None, Format::Ftm, Some(b'{')) => Ok(Part::FtmLines),
        (None, Format::Csl, Some(b'{' | b'[')) => Ok(Part::CslJson),
        (None, Format::Csl, Some(_)) => {
            let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
            Ok(if first.contains(&b'\t') {
                Part::CslTsv
            } else {
                Part::CslCsv
            })
        }
        (None, Format::Bods, Some(b'[')) => Ok(Part::BodsArray),
        (None, Format::Bods, Some(b'{')) => Ok(Part::BodsLines),
        (found, ..) => {
            let why = match found {
                Some(part) => format!("it looks like `{}`", part.format().word()),
                None => "nothing in its beginning says so".to_owned(),
            };
            Err(ListError::AnotherFormat {
                file: path.to_string(),
                format: format.word(),
                why,
            }
            .into())
        }
    }
}

fn list_name(format: Format, args: &ImportArgs) -> Result<String, RunError> {
    let name = match (&args.list, format) {
        (Some(name), _) => name.clone(),
        (None, Format::Csl) => "csl".to_owned(),
        (None, Format::Ofac) => "sdn".to_owned(),
        (None, Format::Gleif) => "gleif".to_owned(),
        (None, Format::Ftm | Format::Bods) => args
            .files
            .first()
            .and_then(|path| path.file_stem())
            .unwrap_or(format.word())
            .to_lowercase(),
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(RunError::Value {
            what: format!(
                "`{name}` can't name a list: letters, digits, `_` and `-`, at most 64; `--list NAME` gives another"
            ),
        });
    }
    Ok(name)
}

/// A day or an instant, not in the future.
fn instant(text: &str, now: Timestamp) -> Result<Timestamp, RunError> {
    let day = || {
        let day = text.parse::<causeway_domain::Date>().ok()?;
        TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
    };
    let found = text
        .parse::<Timestamp>()
        .ok()
        .or_else(day)
        .ok_or_else(|| RunError::Value {
            what: format!("`{text}` is no day (2026-11-24) and no instant (2026-11-24T06:00:00Z)"),
        })?;
    if found > now {
        return Err(RunError::Value {
            what: format!("the list can't be of {found}: it is {now} now"),
        });
    }
    Ok(found)
}

fn stored_in(folder: &Utf8Path, name: &str) -> Utf8PathBuf {
    folder.join(format!("{name}.jsonl"))
}

fn written(path: &Utf8Path, error: std::io::Error) -> RunError {
    RunError::State {
        path: path.to_owned(),
        error,
    }
}

fn report(output: Output, version: &ListVersion, target: &Utf8Path, now: Timestamp) {
    if output.json {
        output.document(&json!({"list": document(version, now), "stored": target}));
        return;
    }
    let counts = &version.counts;
    let listings: u64 = counts.listings.values().sum();
    let by_word: Vec<String> = counts
        .listings
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let line = |what: &str, value: String| output.line(format_args!("{what:<15} {value}"));
    line(
        "list",
        format!("{} ({})", version.list, version.format.word()),
    );
    line("rows in", counts.rows.to_string());
    line("parties out", counts.parties.to_string());
    line("edges", counts.edges.to_string());
    line("listings", bracketed(listings, &by_word));
    line("additions", counts.additions.to_string());
    if !counts.aside.is_empty() {
        let kinds: Vec<String> = counts
            .aside
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        line("no party", bracketed(counts.aside.values().sum(), &kinds));
    }
    let doubts: Vec<String> = counts
        .doubts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    line("in doubt", bracketed(counts.in_doubt, &doubts));
    line("date", dated(version));
    line("age", aged(version, now));
    for file in &version.files {
        line("sha256", format!("{}  {}", file.sha256, file.name));
    }
    line("stored", target.to_string());
    for row in counts.shown.iter().take(PRINTED) {
        let file = usize::try_from(row.file)
            .ok()
            .and_then(|number| version.files.get(number))
            .map_or("", |file| file.name.as_str());
        let why: Vec<&str> = row.why.iter().map(|doubt| doubt.why.as_str()).collect();
        output.warn(format_args!("{file}:{}: {}", row.line, why.join("; ")));
    }
    let more = counts
        .in_doubt
        .saturating_sub(counts.shown.len().min(PRINTED) as u64);
    if more > 0 {
        output.hint(format_args!(
            "{more} more rows are in doubt; `--json` names the first 1000"
        ));
    }
    if version.date.is_none() {
        output.hint("nobody says how old the list is, so it clears nobody: give `--date`");
    }
}

fn bracketed(sum: u64, parts: &[String]) -> String {
    if parts.is_empty() {
        sum.to_string()
    } else {
        format!("{sum} ({})", parts.join(", "))
    }
}

fn document(version: &ListVersion, now: Timestamp) -> Value {
    let mut value = serde_json::to_value(version).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        let freshness = version.freshness(now, ListVersion::USUAL_AGE);
        let (state, age) = match freshness {
            Freshness::Fresh { age } => ("fresh", Some(age)),
            Freshness::Old { age } => ("old", Some(age)),
            Freshness::Unknown => ("unknown", None),
        };
        fields.insert("hash".to_owned(), json!(version.hash()));
        fields.insert("freshness".to_owned(), json!(state));
        fields.insert(
            "age_seconds".to_owned(),
            json!(age.map(|age| age.as_secs())),
        );
    }
    value
}

fn dated(version: &ListVersion) -> String {
    version.date.map_or_else(
        || "unknown".to_owned(),
        |date| format!("{date} ({})", version.dated_by),
    )
}

fn aged(version: &ListVersion, now: Timestamp) -> String {
    match version.freshness(now, ListVersion::USUAL_AGE) {
        Freshness::Fresh { age } => in_words(age),
        Freshness::Old { age } => format!("{}, old", in_words(age)),
        Freshness::Unknown => "unknown".to_owned(),
    }
}

pub(super) fn in_words(age: SignedDuration) -> String {
    match age.as_hours() {
        0 => format!("{} min", age.as_mins()),
        hours @ 1..48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

/// The imported lists.
pub(crate) fn lists(context: &Context) -> Result<Exit, RunError> {
    let output = context.output;
    let now = context.env.now();
    let versions = if State::exists(&context.state) {
        let state = State::open(&context.state, context.env.now.is_some())?;
        imported(&state.lists())?
    } else {
        Vec::new()
    };
    if output.json {
        let all: Vec<Value> = versions
            .iter()
            .map(|version| document(version, now))
            .collect();
        output.document(&json!({"lists": all}));
        return Ok(Exit::Done);
    }
    if versions.is_empty() {
        output.hint("no list is imported here; `causeway parties import` imports one");
        return Ok(Exit::Done);
    }
    let header = [
        "list", "format", "date", "age", "parties", "edges", "in doubt", "hash", "listings",
    ];
    let mut table = output.table(&header, 8);
    for version in &versions {
        let counts = &version.counts;
        let words: Vec<String> = counts
            .listings
            .iter()
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        table.add_row(vec![
            version.list.clone(),
            version.format.word().to_owned(),
            version
                .date
                .map_or_else(|| "unknown".to_owned(), |date| date.to_string()),
            aged(version, now),
            counts.parties.to_string(),
            counts.edges.to_string(),
            counts.in_doubt.to_string(),
            version.hash().short(),
            words.join(", "),
        ]);
    }
    output.line(table);
    output.line(format_args!(
        "{} lists; one older than {} hours clears nobody for a launch",
        versions.len(),
        ListVersion::USUAL_AGE.as_hours()
    ));
    Ok(Exit::Done)
}

/// The first lines of the stored lists, sorted by name.
fn imported(folder: &Utf8Path) -> Result<Vec<ListVersion>, RunError> {
    let found = match fs_err::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(written(folder, error)),
    };
    let mut names = Vec::new();
    for entry in found {
        let entry = entry.map_err(|error| written(folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".jsonl") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut versions = Vec::new();
    for name in names {
        let path = folder.join(&name);
        let file = fs_err::File::open(&path).map_err(|error| written(&path, error))?;
        versions.push(stored::read_version(path.as_str(), BufReader::new(file))?);
    }
    Ok(versions)
}
