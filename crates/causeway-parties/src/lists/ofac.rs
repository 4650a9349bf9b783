//! OFAC's SDN files: sdn.csv, alt.csv, add.csv, sdn_comments.csv. No header; `-0- ` is null; several programmes are written
//! `A] [B`; weak aliases and numbers stand in the remarks.

use std::io::BufRead;

use super::csl::prefix_country;
use super::identifier::{self, Scheme};
use super::input::{Layout, Raw, each_row};
use super::reading::{Part, Reading};
use super::text::{clean, country, country_or_doubt, decode};
use super::{
    Address, Doubt, DoubtKind, Identifier, Item, Kind, ListError, ListedName, Listing, More,
    NameKind, Record, known_list,
};

/// Remarks of this many characters were cut off: the rest stands in sdn_comments.csv.
const LONGEST_REMARKS: usize = 1000;

/// OFAC ends every row, the last one too: where that end is missing, more is.
const LAYOUT: Layout = Layout {
    delimiter: b',',
    must_end: true,
};

/// Which of the files this is, by its first row.
pub(super) fn detect(head: &[u8]) -> Option<Part> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(head);
    let mut row = csv::ByteRecord::new();
    reader
        .read_byte_record(&mut row)
        .ok()
        .filter(|read| *read)?;
    let alias = row
        .get(2)
        .is_some_and(|kind| matches!(kind, b"aka" | b"fka" | b"nka"));
    match row.len() {
        12 => Some(Part::OfacNames),
        5 if alias => Some(Part::OfacAliases),
        6 => Some(Part::OfacAddresses),
        2 => Some(Part::OfacComments),
        _ => None,
    }
}

pub(super) fn read(input: &mut dyn BufRead, reading: &mut Reading<'_>) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    let part = reading.as_.part;
    let width = match part {
        Part::OfacNames => 12,
        Part::OfacAliases => 5,
        Part::OfacComments => 2,
        _ => 6,
    };
    let written = reading.as_.list.unwrap_or("sdn").to_owned();
    let mut first = true;
    each_row(&file, input, LAYOUT, |raw, fields| {
        // The files end with the end-of-file mark of old.
        if raw.bytes == b"\x1a" {
            return Ok(());
        }
        let mut doubts = Vec::new();
        let mut get = |index: usize| {
            let text = clean(&decode(fields.get(index)?), &mut doubts)?;
            (text != "-0-").then_some(text)
        };
        let number = get(0).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        if std::mem::take(&mut first) && fields.len() != width {
            return Err(ListError::AnotherFormat {
                file: file.clone(),
                format: "that file of OFAC's",
                why: format!(
                    "its first row has {} columns in place of {width}",
                    fields.len()
                ),
            });
        }
        let Some(number) = number else {
            return reading.unread(raw, "its first column is no entity number");
        };
        let origin = reading.origin(raw);
        let mut more = More::about(&number, origin);
        match part {
            Part::OfacNames => {
                let columns: Vec<Option<String>> = (0..12).map(&mut get).collect();
                widths(fields.len(), width, &mut doubts);
                let mut record = party(number, columns, &written, &mut doubts, origin);
                record.doubts = doubts;
                return reading.row(raw.line, [Item::Party(Box::new(record))]);
            }
            Part::OfacAliases => {
                let (kind, name, remarks) = (get(2), get(3), get(4));
                more.notes.extend(remarks);
                let kind = alias_kind(kind.as_deref(), &mut doubts);
                match name {
                    Some(name) => more.names.push(ListedName::new(name, kind)),
                    None => doubts.push(Doubt::new(DoubtKind::Missing, "it has no name")),
                }
            }
            Part::OfacComments => more.notes.extend(get(1)),
            _ => {
                let (street, city, place, remarks) = (get(2), get(3), get(4), get(5));
                more.notes.extend(remarks);
                let country = place.and_then(|name| country_or_doubt(&name, &mut doubts));
                let text = [street, city].into_iter().flatten().collect::<Vec<_>>();
                let address = Address {
                    text: text.join(", "),
                    country,
                };
                if address != Address::default() {
                    more.addresses.push(address);
                }
            }
        }
        widths(fields.len(), width, &mut doubts);
        more.doubts = doubts;
        give(reading, raw, more)
    })
}

fn give(reading: &mut Reading<'_>, raw: Raw<'_>, more: More) -> Result<(), ListError> {
    reading.row(raw.line, [Item::More(Box::new(more))])
}

fn widths(found: usize, width: usize, doubts: &mut Vec<Doubt>) {
    if found != width {
        doubts.push(Doubt::new(
            DoubtKind::Missing,
            format!("it has {found} columns in place of {width}"),
        ));
    }
}

fn alias_kind(word: Option<&str>, doubts: &mut Vec<Doubt>) -> NameKind {
    match word {
        Some("aka" | "nka") => NameKind::Alias,
        Some("fka") => NameKind::Former,
        other => {
            doubts.push(Doubt::new(
                DoubtKind::UnknownValue,
                format!(
                    "no kind of alias is known as `{}`",
                    other.unwrap_or_default()
                ),
            ));
            NameKind::Alias
        }
    }
}

fn party(
    number: String,
    columns: Vec<Option<String>>,
    list: &str,
    doubts: &mut Vec<Doubt>,
    origin: super::Origin,
) -> Record {
    let mut columns = columns.into_iter().skip(1);
    let mut next = || columns.next().flatten();
    let (name, kind, programmes, title) = (next(), next(), next(), next());
    let (call_sign, vessel_type, tonnage, gross, flag, owner, remarks) =
        (next(), next(), next(), next(), next(), next(), next());
    let known_kind = match kind.as_deref() {
        None => Kind::Entity,
        Some("individual") => Kind::Person,
        Some("vessel") => Kind::Vessel,
        Some("aircraft") => Kind::Other,
        Some(word) => {
            doubts.push(Doubt::new(
                DoubtKind::UnknownKind,
                format!("no type of party is known as `{word}`"),
            ));
            Kind::Other
        }
    };
    let mut record = Record::new(number, known_kind, origin);
    record.kind_as_written = kind;
    match name {
        Some(name) => record.name(ListedName::new(name, NameKind::Primary)),
        None => doubts.push(Doubt::new(DoubtKind::Missing, "it has no name")),
    }
    let mut listing = Listing::on(list, known_list(list), doubts);
    listing.programmes = programmes
        .as_deref()
        .unwrap_or_default()
        .split(['[', ']'])
        .map(str::trim)
        .filter(|programme| !programme.is_empty())
        .map(str::to_owned)
        .collect();
    record.listings.push(listing);
    for (word, value) in [
        ("title", title),
        ("call sign", call_sign),
        ("vessel type", vessel_type),
        ("tonnage", tonnage),
        ("gross registered tonnage", gross),
        ("vessel flag", flag),
        ("vessel owner", owner),
    ] {
        record
            .notes
            .extend(value.map(|value| format!("{word}: {value}")));
    }
    if let Some(text) = remarks {
        if text.chars().count() >= LONGEST_REMARKS {
            doubts.push(Doubt::new(
                DoubtKind::Cut,
                "its remarks fill their column: the rest stands in sdn_comments.csv",
            ));
        }
        for remark in text.split("; ") {
            self::remark(&mut record, remark.trim(), doubts);
        }
    }
    record
}

/// One part of the remarks: a weak alias, a number, a day, or prose.
fn remark(record: &mut Record, text: &str, doubts: &mut Vec<Doubt>) {
    let text = text.trim_end_matches('.');
    let plain = text.strip_prefix("alt. ").unwrap_or(text);
    for (mark, kind) in [
        ("a.k.a. ", NameKind::Weak),
        ("f.k.a. ", NameKind::Former),
        ("n.k.a. ", NameKind::Weak),
    ] {
        if let Some(name) = plain.strip_prefix(mark) {
            let name = name.trim().trim_matches(['\'', '"', '‘', '’', '“', '”']);
            record.name(ListedName::new(name, kind));
            return;
        }
    }
    for mark in ["DOB ", "Organization Established Date "] {
        if let Some(day) = plain.strip_prefix(mark) {
            record.born_or_founded.push(day.to_owned());
            return;
        }
    }
    for mark in ["nationality ", "citizen "] {
        if let Some(place) = plain.strip_prefix(mark) {
            record.countries.extend(country_or_doubt(place, doubts));
            return;
        }
    }
    match number(plain, doubts) {
        Some(found) => record.identifiers.push(found),
        None if !text.is_empty() => record.notes.push(text.to_owned()),
        None => {}
    }
}

/// Words before a number, longest first.
const NUMBERS: [&str; 12] = [
    "Vessel Registration Identification IMO ",
    "Identification Number IMO ",
    "Business Registration Number ",
    "Public Registration Number ",
    "Commercial Registry Number ",
    "Registration Number ",
    "Registration ID ",
    "UK Company Number ",
    "Company Number ",
    "National ID No. ",
    "V.A.T. Number ",
    "Tax ID No. ",
];

fn number(text: &str, doubts: &mut Vec<Doubt>) -> Option<Identifier> {
    let (word, rest) = NUMBERS
        .iter()
        .find_map(|word| text.strip_prefix(word).map(|rest| (word.trim(), rest)))
        .or_else(|| {
            [
                "SWIFT/BIC ",
                "MMSI ",
                "Unified Social Credit Code (USCC) ",
                "Legal Entity Number ",
            ]
            .iter()
            .find_map(|word| text.strip_prefix(word).map(|rest| (word.trim(), rest)))
        })?;
    // The last bracket is the country's; one before it may be a state's.
    let (value, brackets) = rest.split_once(" (").unwrap_or((rest, ""));
    let place = brackets
        .split(['(', ')'])
        .map(str::trim)
        .rfind(|part| !part.is_empty());
    let scheme = if word.ends_with("IMO") {
        Scheme::Imo
    } else {
        identifier::scheme(word).unwrap_or(Scheme::Other)
    };
    let country = place.and_then(country).or_else(|| prefix_country(word));
    Some(Identifier::new(scheme, word, value.trim(), country, doubts))
}
