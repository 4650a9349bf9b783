//! Reading a list's file: formats, the report, and the door through which every item passes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use causeway_domain::{Date, Digest};
use serde::{Deserialize, Serialize};

use super::input::{Hashing, Raw};
use super::{Doubt, DoubtKind, Item, ListError, Origin, Unread, bods, csl, ftm, gleif, ofac};

/// A family of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// FollowTheMoney JSON lines: OpenSanctions and others.
    Ftm,
    /// The US Consolidated Screening List.
    Csl,
    /// OFAC's SDN files.
    Ofac,
    /// GLEIF's golden copies: names, relationships, exceptions.
    Gleif,
    /// Beneficial Ownership Data Standard 0.4.
    Bods,
}

impl Format {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ftm => "ftm",
            Self::Csl => "csl",
            Self::Ofac => "ofac",
            Self::Gleif => "gleif",
            Self::Bods => "bods",
        }
    }
}

/// What a single file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// FollowTheMoney entities, one a line.
    FtmLines,
    /// Consolidated Screening List, JSON.
    CslJson,
    /// Consolidated Screening List, CSV.
    CslCsv,
    /// Consolidated Screening List, tab-separated.
    CslTsv,
    /// OFAC sdn.csv: 12 columns, no header.
    OfacNames,
    /// OFAC alt.csv: 5 columns, the third is the kind of alias.
    OfacAliases,
    /// OFAC add.csv: 6 columns.
    OfacAddresses,
    /// OFAC sdn_comments.csv: what did not fit into the remarks.
    OfacComments,
    /// GLEIF level 1 (LEI-CDF).
    GleifEntities,
    /// GLEIF level 2 (RR).
    GleifRelationships,
    /// GLEIF reporting exceptions.
    GleifExceptions,
    /// BODS statements, one JSON array.
    BodsArray,
    /// BODS statements, one a line.
    BodsLines,
}

impl Part {
    /// The family it belongs to.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::FtmLines => Format::Ftm,
            Self::CslJson | Self::CslCsv | Self::CslTsv => Format::Csl,
            Self::OfacNames | Self::OfacAliases | Self::OfacAddresses | Self::OfacComments => {
                Format::Ofac
            }
            Self::GleifEntities | Self::GleifRelationships | Self::GleifExceptions => Format::Gleif,
            Self::BodsArray | Self::BodsLines => Format::Bods,
        }
    }
}

/// What a file is, by its first bytes (64 KiB are plenty); `None` when it can't be told.
#[must_use]
pub fn detect(head: &[u8]) -> Option<Part> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start();
    let first_line = text.lines().next().unwrap_or_default();
    let has = |word: &str| text.contains(word);
    match text.chars().next()? {
        '{' if has("\"recordType\"") || has("\"statementId\"") => Some(Part::BodsLines),
        '{' if first_line.contains("\"schema\"") && first_line.contains("\"properties\"") => {
            Some(Part::FtmLines)
        }
        '{' if has("\"results\"") => Some(Part::CslJson),
        '[' if has("\"recordType\"") || has("\"statementId\"") => Some(Part::BodsArray),
        '[' if has("\"source_list_url\"") || has("\"federal_register_notice\"") => {
            Some(Part::CslJson)
        }
        '{' | '[' => None,
        _ if first_line.contains("source_list_url") && first_line.contains('\t') => {
            Some(Part::CslTsv)
        }
        _ if first_line.contains("source_list_url") => Some(Part::CslCsv),
        _ if first_line.contains("Relationship.StartNode.NodeID") => Some(Part::GleifRelationships),
        _ if first_line.contains("Exception.Category") => Some(Part::GleifExceptions),
        _ if first_line.contains("Entity.LegalName") => Some(Part::GleifEntities),
        first if first.is_ascii_digit() => ofac::detect(head),
        _ => None,
    }
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAs<'a> {
    /// What it is.
    pub part: Part,
    /// Its name, for messages.
    pub file: &'a str,
    /// Number of the file within the import, from 0: records say from which one they come.
    pub number: u32,
    /// The list whose entries a file holds that does not say so itself (OFAC's): `sdn` where left out.
    pub list: Option<&'a str>,
}

/// What one file gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// What it was read as.
    pub part: Part,
    /// SHA-256 of all its bytes, as `sha256sum` prints it.
    pub sha256: Digest,
    /// Its size, bytes.
    pub bytes: u64,
    /// What came out.
    pub counts: Counts,
    /// The newest day that a record of it names as the day of its own last change or sighting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Date>,
}

/// What came out of a file or a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rows in: records of the file, a CSV header left out.
    pub rows: u64,
    /// Parties out: records of parties, before later statements take the place of earlier ones.
    pub parties: u64,
    /// Edges out, in the same way.
    pub edges: u64,
    /// Entries on lists out, by the list's word.
    pub listings: BTreeMap<String, u64>,
    /// Rows that say more about a party of another row: aliases, addresses, entries, exceptions.
    pub additions: u64,
    /// Records of kinds that hold neither a party nor an edge nor a listing, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aside: BTreeMap<String, u64>,
    /// Rows in doubt. Each is kept.
    pub in_doubt: u64,
    /// Doubts by class; a row can have several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub doubts: BTreeMap<String, u64>,
    /// Of those in doubt, rows of which nothing could be read.
    pub unread: u64,
    /// The first rows in doubt, at most [`SHOWN`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<InDoubt>,
}

/// As many rows in doubt are named in a report; every one is marked in the imported list.
pub const SHOWN: usize = 1000;

/// A row in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InDoubt {
    /// Number of the file within the import, from 0.
    #[serde(default)]
    pub file: u32,
    /// Its line, from 1.
    pub line: u64,
    /// Why.
    pub why: Vec<Doubt>,
}

impl Counts {
    /// Adds what another file gave.
    pub fn add(&mut self, other: Self) {
        let sum = |into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        };
        self.rows += other.rows;
        self.parties += other.parties;
        self.edges += other.edges;
        self.additions += other.additions;
        self.in_doubt += other.in_doubt;
        self.unread += other.unread;
        sum(&mut self.listings, other.listings);
        sum(&mut self.aside, other.aside);
        sum(&mut self.doubts, other.doubts);
        let room = SHOWN.saturating_sub(self.shown.len());
        self.shown.extend(other.shown.into_iter().take(room));
    }

    fn count(&mut self, item: &Item) {
        match item {
            Item::Party(record) => {
                self.parties += 1;
                for listing in &record.listings {
                    *self.listings.entry(listing.list.clone()).or_default() += 1;
                }
            }
            Item::More(more) => {
                self.additions += 1;
                for listing in &more.listings {
                    *self.listings.entry(listing.list.clone()).or_default() += 1;
                }
            }
            Item::Relationship(relationship) => self.edges += relationship.edges.len() as u64,
            Item::Closed(_) => {}
            Item::Unread(_) => self.unread += 1,
        }
    }
}

/// The door through which every item of a file passes.
pub(super) struct Reading<'a> {
    pub(super) as_: ReadAs<'a>,
    pub(super) counts: Counts,
    newest: Option<Date>,
    take: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
}

impl Reading<'_> {
    /// Where a record stands.
    pub(super) fn origin(&self, raw: Raw<'_>) -> Origin {
        Origin {
            file: self.as_.number,
            line: raw.line,
            hash: (*blake3::hash(raw.bytes).as_bytes()).into(),
        }
    }

    /// Remembers the newest day of a change.
    pub(super) fn seen_on(&mut self, day: Option<Date>) {
        self.newest = self.newest.max(day);
    }

    /// Hands out the items of one row.
    pub(super) fn row(
        &mut self,
        line: u64,
        items: impl IntoIterator<Item = Item>,
    ) -> Result<(), ListError> {
        self.counts.rows += 1;
        let mut why = Vec::new();
        for item in items {
            self.counts.count(&item);
            why.extend(item.doubts().iter().cloned());
            if let Item::Unread(unread) = &item {
                why.push(Doubt::new(DoubtKind::Unread, unread.why.clone()));
            }
            if (self.take)(item).is_break() {
                return Err(ListError::Stopped);
            }
        }
        if !why.is_empty() {
            self.counts.in_doubt += 1;
            for doubt in &why {
                *self
                    .counts
                    .doubts
                    .entry(doubt.kind.word().to_owned())
                    .or_default() += 1;
            }
            if self.counts.shown.len() < SHOWN {
                self.counts.shown.push(InDoubt {
                    file: self.as_.number,
                    line,
                    why,
                });
            }
        }
        Ok(())
    }

    /// A row that holds nothing for us, of a kind that is known.
    pub(super) fn aside(&mut self, kind: &str) {
        self.counts.rows += 1;
        *self.counts.aside.entry(kind.to_owned()).or_default() += 1;
    }

    /// A row that can't be read.
    pub(super) fn unread(&mut self, raw: Raw<'_>, why: impl Into<String>) -> Result<(), ListError> {
        let item = Item::Unread(Unread {
            why: why.into(),
            origin: self.origin(raw),
        });
        self.row(raw.line, [item])
    }
}

/// Reads a file, handing out its items one by one. Memory does not grow with the file.
///
/// A row in doubt is handed out and marked; a row of which nothing can be read is handed out as [`Item::Unread`]. A
/// caller that keeps what it got must drop it again when this fails: half a list clears nobody.
///
/// # Errors
/// When the file can't be read, ends in the middle of a record, is of another format, or `take` breaks off.
pub fn read(
    as_: ReadAs<'_>,
    mut input: impl BufRead,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<FileReport, ListError> {
    let mut hashing = Hashing::new(&mut input);
    let mut buffered = BufReader::with_capacity(1 << 16, &mut hashing);
    let failed = |line| {
        move |error| ListError::Read {
            file: as_.file.to_owned(),
            line,
            error,
        }
    };
    let head = buffered.fill_buf().map_err(failed(1))?;
    let encoded = |what| ListError::Encoding {
        file: as_.file.to_owned(),
        what,
    };
    match head {
        [0xef, 0xbb, 0xbf, ..] => buffered.consume(3),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(encoded("UTF-16")),
        [0x1f, 0x8b, ..] => return Err(encoded("gzip")),
        [b'P', b'K', 3, 4, ..] => return Err(encoded("a ZIP archive")),
        _ => {}
    }
    let mut reading = Reading {
        as_,
        counts: Counts::default(),
        newest: None,
        take,
    };
    match as_.part {
        Part::FtmLines => ftm::read(&mut buffered, &mut reading),
        Part::CslJson => csl::read_json(&mut buffered, &mut reading),
        Part::CslCsv => csl::read_rows(&mut buffered, b',', &mut reading),
        Part::CslTsv => csl::read_rows(&mut buffered, b'\t', &mut reading),
        Part::OfacNames | Part::OfacAliases | Part::OfacAddresses | Part::OfacComments => {
            ofac::read(&mut buffered, &mut reading)
        }
        Part::GleifEntities | Part::GleifRelationships | Part::GleifExceptions => {
            gleif::read(&mut buffered, &mut reading)
        }
        Part::BodsArray => bods::read_array(&mut buffered, &mut reading),
        Part::BodsLines => bods::read_lines(&mut buffered, &mut reading),
    }?;
    let (counts, newest) = (reading.counts, reading.newest);
    std::io::copy(&mut buffered, &mut std::io::sink()).map_err(failed(counts.rows))?;
    drop(buffered);
    // What a reader left in the underlying input belongs to the file as well.
    std::io::copy(&mut hashing.by_ref(), &mut std::io::sink()).map_err(failed(counts.rows))?;
    let (sha256, bytes) = hashing.finish();
    Ok(FileReport {
        file: as_.file.to_owned(),
        part: as_.part,
        sha256,
        bytes,
        counts,
        newest,
    })
}
