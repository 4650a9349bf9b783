//! `causeway parties screen --pairs`: names compared pair by pair.

use std::io::{self, BufReader, BufWriter, Write};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_parties::names::{Band, HIT, Kind, Match, Name, REVIEW, Weights, compare};
use causeway_run::RunError;
use serde_json::{Value, json};

use crate::cli::ScreenArgs;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(
    context: &Context,
    args: &ScreenArgs,
    pairs: &Utf8Path,
) -> Result<Exit, RunError> {
    let output = context.output;
    let weights = Weights::builtin();
    let mut pairs = Pairs::open(pairs)?;
    let mut table = Table::open(
        args.output.as_deref(),
        args.output.is_some() || !(output.json || args.explain),
    )?;
    let mut counts = [0_u64; 3];
    while let Some(pair) = pairs.next()? {
        let kind = kind(&pair.schema);
        let (left, right) = (Name::new(&pair.left, kind), Name::new(&pair.right, kind));
        let found = compare(&weights, &left, &right);
        let [clear, review, hit] = &mut counts;
        *match found.band {
            Band::Clear => clear,
            Band::Review => review,
            Band::Hit => hit,
        } += 1;
        table.row(&pair, &found)?;
        if args.explain && output.json {
            output.event(&explained(&pair, &found, found.explain(&left, &right)));
        } else if args.explain {
            output.line(format_args!(
                "{} {} {} | {}",
                thousandths(found.score),
                found.band.word(),
                pair.left,
                pair.right
            ));
            for line in found.explain(&left, &right) {
                output.line(format_args!("      {line}"));
            }
        }
    }
    table.close()?;
    let [clear, review, hit] = counts;
    let summary = json!({
        "event": "screened", "pairs": clear + review + hit, "hit": hit, "review": review, "clear": clear,
        "thresholds": {"hit": thousandths(HIT), "review": thousandths(REVIEW)},
    });
    if output.json && args.explain {
        output.event(&summary);
    } else if output.json {
        output.document(&summary);
    } else {
        output.say(format_args!(
            "{} pairs: {hit} hit (from {}), {review} review (from {}), {clear} clear; hits and reviews are for a person to judge",
            clear + review + hit,
            thousandths(HIT),
            thousandths(REVIEW)
        ));
    }
    Ok(Exit::Done)
}

fn explained(pair: &Pair, found: &Match, reasons: Vec<String>) -> Value {
    json!({
        "event": "pair", "left": pair.left, "right": pair.right, "schema": pair.schema,
        "score": thousandths(found.score), "band": found.band, "reasons": reasons,
    })
}

/// A score as decimal text, from integers: 1000 is 1.000.
fn thousandths(score: u16) -> String {
    format!("{}.{:03}", score / 1000, score % 1000)
}

/// Kinds by FollowTheMoney's schema names; what is not known is compared both ways.
fn kind(schema: &str) -> Kind {
    match schema {
        "Person" => Kind::Person,
        "Company" | "Organization" | "LegalEntity" | "PublicBody" | "Vessel" | "Airplane"
        | "Vehicle" | "Asset" | "Security" => Kind::Entity,
        _ => Kind::Either,
    }
}

struct Pair {
    left: String,
    right: String,
    schema: String,
}

/// A file of pairs, read row by row.
struct Pairs<'a> {
    path: &'a Utf8Path,
    reader: csv::Reader<BufReader<fs_err::File>>,
    row: csv::StringRecord,
    columns: [usize; 3],
}

const COLUMNS: [&str; 3] = ["left", "right", "schema"];

impl<'a> Pairs<'a> {
    fn open(path: &'a Utf8Path) -> Result<Self, RunError> {
        let file = fs_err::File::open(path).map_err(|error| RunError::Read {
            path: path.to_owned(),
            error,
            help: "it must be a CSV file with the columns left, right and schema".to_owned(),
        })?;
        let mut reader = csv::Reader::from_reader(BufReader::new(file));
        let header = reader.headers().map_err(|error| bad(path, &error))?.clone();
        let mut columns = [0; 3];
        for (place, name) in columns.iter_mut().zip(COLUMNS) {
            // A byte order mark is no part of the first column's name.
            let found = header
                .iter()
                .position(|column| column.trim_start_matches('\u{feff}').trim() == name);
            *place = found.ok_or_else(|| RunError::Value {
                what: format!("{path}:1: there is no column `{name}`; a file of pairs has left, right and schema, and any others"),
            })?;
        }
        Ok(Self {
            path,
            reader,
            row: csv::StringRecord::new(),
            columns,
        })
    }

    fn next(&mut self) -> Result<Option<Pair>, RunError> {
        if !self
            .reader
            .read_record(&mut self.row)
            .map_err(|error| bad(self.path, &error))?
        {
            return Ok(None);
        }
        let [left, right, schema] = self
            .columns
            .map(|column| self.row.get(column).unwrap_or_default().to_owned());
        Ok(Some(Pair {
            left,
            right,
            schema,
        }))
    }
}

fn bad(path: &Utf8Path, error: &csv::Error) -> RunError {
    let line = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!(
                "this row has {len} fields, the header {expected_len}; put fields with commas in quotation marks"
            )
        }
        csv::ErrorKind::Utf8 { .. } => "this row is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    RunError::Value {
        what: format!("{path}:{line}: {what}"),
    }
}

/// The table of results, to a file or to standard output.
struct Table {
    path: Utf8PathBuf,
    writer: Option<csv::Writer<Box<dyn Write>>>,
}

impl Table {
    fn open(path: Option<&Utf8Path>, wanted: bool) -> Result<Self, RunError> {
        let named = path.unwrap_or(Utf8Path::new("standard output")).to_owned();
        let mut table = Self {
            path: named,
            writer: None,
        };
        if !wanted {
            return Ok(table);
        }
        let out: Box<dyn Write> = match path {
            Some(path) => {
                let file = fs_err::File::create(path).map_err(|error| table.failed(error))?;
                Box::new(BufWriter::new(file))
            }
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let mut writer = csv::Writer::from_writer(out);
        writer
            .write_record(["left", "right", "schema", "score", "band"])
            .map_err(|error| table.failed(error.into()))?;
        table.writer = Some(writer);
        Ok(table)
    }

    fn row(&mut self, pair: &Pair, found: &Match) -> Result<(), RunError> {
        let score = thousandths(found.score);
        let row = [
            &pair.left,
            &pair.right,
            &pair.schema,
            score.as_str(),
            found.band.word(),
        ];
        let done = self
            .writer
            .as_mut()
            .map_or(Ok(()), |writer| writer.write_record(row));
        done.map_err(|error| self.failed(error.into()))
    }

    fn close(mut self) -> Result<(), RunError> {
        let done = self.writer.as_mut().map_or(Ok(()), csv::Writer::flush);
        done.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> RunError {
        RunError::Read {
            path: self.path.clone(),
            error,
            help: "the output must be writable".to_owned(),
        }
    }
}
