//! Price lists and own offers on disk: what was imported, and the cache of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Date, Digest, Problem, SourceFile, Timestamp};
use causeway_market::{
    Import, LONGEST_RECORD, Market, Offer, PriceList, cache, import_csv, offers_file,
};

use crate::RunError;
use crate::files;
use crate::state::{State, publish};

/// Largest price list that is read.
const LIMIT: u64 = 256 << 20;
/// The cache's name beside the lists.
const CACHE: &str = "offers.cache";

/// A price list or an offers file that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A price list and its cloud.
    List {
        /// The cloud, as SkyPilot names it.
        cloud: String,
        /// The file.
        path: Utf8PathBuf,
    },
    /// An offers file of the organisation.
    Own {
        /// The file.
        path: Utf8PathBuf,
    },
}

impl Found {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        match self {
            Self::List { path, .. } | Self::Own { path } => path,
        }
    }

    /// What it is kept as in a state directory.
    #[must_use]
    pub fn kept_as(&self) -> String {
        match self {
            Self::List { cloud, .. } => format!("{cloud}.csv"),
            Self::Own { path } => path.file_name().unwrap_or("offers.yaml").to_owned(),
        }
    }
}

/// Price lists and offers files of a folder (`<cloud>/vms.csv`, `<cloud>.csv`, `*.yaml`), or the one that is named.
///
/// # Errors
/// When it can't be read, or is neither.
pub fn catalogs(path: &Utf8Path) -> Result<Vec<Found>, RunError> {
    let one = |path: &Utf8Path| -> Option<Found> {
        match path.extension() {
            Some("csv") => {
                // SkyPilot's own layout names the folder after the cloud.
                let stem = path.file_stem().unwrap_or_default();
                let folder = path.parent().and_then(Utf8Path::file_name);
                let cloud = if stem == "vms" {
                    folder.unwrap_or(stem)
                } else {
                    stem
                };
                Some(Found::List {
                    cloud: cloud.to_lowercase(),
                    path: path.to_owned(),
                })
            }
            Some("yaml" | "yml") => Some(Found::Own {
                path: path.to_owned(),
            }),
            _ => None,
        }
    };
    if path.is_file() {
        return one(path)
            .map(|found| vec![found])
            .ok_or_else(|| RunError::Value {
                what: format!(
                    "{path} is neither a price list (`.csv`) nor an offers file (`.yaml`)"
                ),
            });
    }
    let read = |error: std::io::Error| {
        RunError::Read {
        path: path.to_owned(),
        error,
        help: "name a folder with <cloud>/vms.csv, <cloud>.csv or an offers file in YAML, or one such file"
            .to_owned(),
    }
    };
    let mut found = Vec::new();
    for entry in path.read_dir_utf8().map_err(read)? {
        let entry = entry.map_err(read)?;
        let path = entry.path();
        if path.is_dir() {
            if path.join("vms.csv").is_file() {
                found.extend(one(&path.join("vms.csv")));
            }
        } else {
            found.extend(one(path));
        }
    }
    found.sort();
    Ok(found)
}

/// The bytes of a price list. Of a line that is longer than any record may be only so much is kept that it still is: the
/// importer names it as a bad row, and a line of a gigabyte takes no memory.
///
/// # Errors
/// [`RunError::Read`] when it is not there, or too large without such lines.
pub fn list_bytes(path: &Utf8Path) -> Result<Vec<u8>, RunError> {
    let read = || bounded_lines(BufReader::new(fs_err::File::open(path)?));
    read().map_err(|error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "it must be a price list of SkyPilot".to_owned(),
    })
}

fn bounded_lines(mut from: impl BufRead) -> Result<Vec<u8>, std::io::Error> {
    // A record that ends where the bound is would not be too long.
    const KEPT: usize = LONGEST_RECORD + 1;
    let mut bytes = Vec::new();
    // Bytes of the line that is being read.
    let mut kept = 0;
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok(bytes);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = buffer
            .get(..end.map_or(buffer.len(), |at| at + 1))
            .unwrap_or_default();
        let (text, newline) = piece.split_at(piece.len() - usize::from(end.is_some()));
        let taken = text.len().min(KEPT - kept);
        bytes.extend_from_slice(text.get(..taken).unwrap_or_default());
        bytes.extend_from_slice(newline);
        kept = if end.is_some() { 0 } else { kept + taken };
        let read = piece.len();
        from.consume(read);
        if bytes.len() as u64 > LIMIT {
            let why = format!("it is larger than {LIMIT} bytes");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
        }
    }
}

/// Reads a price list; bad rows are in the answer.
///
/// # Errors
/// When it is no price list.
pub fn read_list(
    market: &Market,
    cloud: &str,
    path: &Utf8Path,
    bytes: &[u8],
    date: Option<Date>,
) -> Result<Import, RunError> {
    let list = PriceList {
        cloud,
        file: path.as_str(),
        bytes,
        date,
    };
    Ok(import_csv(&list, &market.regions, &market.dialects)?)
}

/// Reads an offers file, with what it warns of.
///
/// # Errors
/// [`RunError::Files`] with every problem.
pub fn read_own(market: &Market, path: &Utf8Path) -> Result<(Vec<Offer>, Vec<Problem>), RunError> {
    let source: Arc<SourceFile> = files::text(path, "name an offers file (`causeway/offers/1`)")?;
    let file = offers_file::parse(&source, &market.accelerators)
        .map_err(|problems| RunError::Files { problems })?;
    Ok((file.offers, file.warnings))
}

/// The built-in market, with what was imported into a state directory: a price list in the place of the built-in one of its
/// cloud, own offers beside them. Rows that can't be read were told at the import and are passed over.
///
/// Lists are read from a cache when nothing changed since it was written. It is written again when something did; that it
/// can't be is no error, since it only saves time.
///
/// # Errors
/// When what was imported can't be read any more.
pub fn market(state: Option<&State>) -> Result<Market, RunError> {
    let mut market = Market::builtin()?;
    let Some(state) = state else {
        return Ok(market);
    };
    let folder = state.offers();
    let mut lists = Vec::new();
    let mut own = Vec::new();
    for found in catalogs(&folder)? {
        match found {
            Found::List { cloud, path } => {
                let bytes = list_bytes(&path)?;
                let date = modified(&path);
                lists.push((cloud, path, bytes, date));
            }
            Found::Own { path } => own.extend(read_own(&market, &path)?.0),
        }
    }
    if !lists.is_empty() {
        let made_from = digest(&market, &lists);
        let cache = folder.join(CACHE);
        let mut by_cloud: BTreeMap<String, Vec<Offer>> = lists
            .iter()
            .map(|(cloud, ..)| (cloud.clone(), Vec::new()))
            .collect();
        let offers = match cached(&cache, &made_from) {
            Some(offers) => offers,
            None => {
                let mut offers = Vec::new();
                for (cloud, path, bytes, date) in &lists {
                    offers.extend(read_list(&market, cloud, path, bytes, *date)?.offers);
                }
                let _ = publish(&cache, &cache::write(&offers, &made_from));
                offers
            }
        };
        for offer in offers {
            if let Some(of_cloud) = by_cloud.get_mut(&*offer.provider) {
                of_cloud.push(offer);
            }
        }
        for (cloud, offers) in by_cloud {
            market = market.with_list(&cloud, offers);
        }
    }
    Ok(market.with_offers(own))
}

/// The offers of a cache, if it was made from this.
fn cached(path: &Utf8Path, made_from: &Digest) -> Option<Vec<Offer>> {
    let bytes = fs_err::read(path).ok()?;
    if cache::made_from(&bytes).ok()? != *made_from {
        return None;
    }
    cache::read(&bytes).ok().map(|cached| cached.offers)
}

/// What a cache is made from: the lists with their names and days, and the tables that they are read with.
fn digest(market: &Market, lists: &[(String, Utf8PathBuf, Vec<u8>, Option<Date>)]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(market.tables_digest().bytes());
    for (cloud, path, bytes, date) in lists {
        add(cloud.as_bytes());
        add(path.as_str().as_bytes());
        add(date
            .map_or_else(String::new, |date| date.to_string())
            .as_bytes());
        add(bytes);
    }
    Digest::new(*hasher.finalize().as_bytes())
}

fn modified(path: &Utf8Path) -> Option<Date> {
    let time = fs_err::metadata(path).ok()?.modified().ok()?;
    let time = Timestamp::try_from(time).ok()?;
    Some(jiff::tz::TimeZone::UTC.to_datetime(time).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_cut_and_the_rest_is_read() {
        let long = std::iter::repeat_n(b'x', 3 * LONGEST_RECORD);
        let text: Vec<u8> = b"one\r\n"
            .iter()
            .copied()
            .chain(long.clone())
            .chain(*b"\nlast")
            .collect();
        // Pieces of every kind of size: a buffer ends anywhere in a line.
        for buffer in [7, 4096, 1 << 22] {
            let bytes = bounded_lines(BufReader::with_capacity(buffer, &text[..])).unwrap();
            let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            assert_eq!(lines[0], b"one\r");
            assert_eq!(lines[1].len(), LONGEST_RECORD + 1);
            assert_eq!(lines[2], b"last");
        }
        let short = b"a,b\n\nc";
        assert_eq!(bounded_lines(&short[..]).unwrap(), short);
    }

    #[test]
    fn a_file_that_is_too_large_in_lines_that_are_not_is_refused() {
        let line = std::iter::repeat_n(b'x', 1 << 19).chain([b'\n']);
        let text: Vec<u8> = line.collect();
        struct Endless(Vec<u8>, usize);
        impl std::io::Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                let from = &self.0[self.1..];
                let count = from.len().min(into.len());
                into[..count].copy_from_slice(&from[..count]);
                self.1 = (self.1 + count) % self.0.len();
                Ok(count)
            }
        }
        let endless = BufReader::with_capacity(1 << 20, Endless(text, 0));
        assert!(bounded_lines(endless).is_err());
    }
}
