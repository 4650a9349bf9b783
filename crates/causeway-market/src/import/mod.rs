//! SkyPilot's price lists: CSV read by header name, because the order of columns differs by cloud.

mod cells;
mod header;
mod records;
mod rows;
#[cfg(test)]
mod tests;

use causeway_domain::Date;

use crate::{Dialects, MarketError, Offer, Regions};
use header::Header;
pub use records::LONGEST_RECORD;
use records::Records;
use rows::Rows;

/// Bad rows of which the reason is kept; those beyond are counted.
pub const MOST_BAD_ROWS: usize = 10_000;

/// A price list, as the caller found it.
#[derive(Debug, Clone, Copy)]
pub struct PriceList<'a> {
    /// The cloud's name (SkyPilot: the folder of the file).
    pub cloud: &'a str,
    /// What messages and sources call the file.
    pub file: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
    /// The day of its prices, when known.
    pub date: Option<Date>,
}

/// A row that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BadRow {
    /// Line of the file, from 1; the header is line 1.
    pub line: u64,
    /// Column of the line, from 1, in characters: where the cell begins.
    pub column: u64,
    /// What is wrong, in words.
    pub why: String,
}

/// What an import gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Import {
    /// The offers, in the order of the file.
    pub offers: Vec<Offer>,
    /// Rows that can't be read, the first [`MOST_BAD_ROWS`] of them.
    pub bad: Vec<BadRow>,
    /// How many such rows there are.
    pub bad_rows: usize,
    /// Rows left out because they are of a share of a card (`0.5`): no offer for training.
    pub shares_of_a_card: usize,
    /// Rows of accelerators left out because no machine of the list holds them (GCP: cards for any machine).
    pub parts_without_a_machine: usize,
    /// Rows of machines left out because the row of the accelerators that they always have is missing (GCP).
    pub machines_without_their_part: usize,
}

impl Import {
    /// The import, when every row of it could be read. `file` is what messages call the file.
    ///
    /// # Errors
    /// [`MarketError::BadRows`] with the first bad rows, each with file, line and column.
    pub fn whole(self, file: &str) -> Result<Self, MarketError> {
        match MarketError::bad_rows(file, &self.bad, self.bad_rows) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// What a reader should know of the import beside its offers, a line each: what was left out and why, and what is not
    /// known of what was kept.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let count = |wanted: fn(&Offer) -> bool| self.offers.iter().filter(|o| wanted(o)).count();
        let unplaced = count(|offer| !offer.country.is_known());
        let unpriced = count(|offer| offer.on_demand.is_none() && offer.spot.is_none());
        let all = [
            (self.bad_rows, "rows can't be read"),
            (self.shares_of_a_card, "rows left out: a share of a card"),
            (
                self.parts_without_a_machine,
                "rows left out: an accelerator without its machine",
            ),
            (
                self.machines_without_their_part,
                "rows left out: a machine whose accelerators are not in the list",
            ),
            (unplaced, "offers in regions whose country is not known"),
            (unpriced, "offers without a price"),
        ];
        all.into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect()
    }

    fn bad(&mut self, row: BadRow) {
        self.bad_rows += 1;
        if self.bad.len() < MOST_BAD_ROWS {
            self.bad.push(row);
        }
    }
}

/// Reads one price list of SkyPilot (`vms.csv`).
///
/// A row that can't be read is left out and reported; whether that is an error is the caller's choice
/// ([`Import::whole`]). A row without any price is kept, because it still says what exists. A price of 0 is none: the
/// lists write 0 where they know no price.
///
/// # Errors
/// [`MarketError::Header`] or [`MarketError::MissingColumns`] when the first line is not the header of a price list.
pub fn import_csv(
    list: &PriceList<'_>,
    regions: &Regions,
    dialects: &Dialects,
) -> Result<Import, MarketError> {
    let broken = |why: String| MarketError::Header {
        file: list.file.to_owned(),
        why,
    };
    if list.bytes.starts_with(b"\xff\xfe") || list.bytes.starts_with(b"\xfe\xff") {
        return Err(broken("the text is UTF-16, not UTF-8".to_owned()));
    }
    let mut records = Records::new(list.bytes);
    let mut cells = Vec::new();
    let header = match records.next(&mut cells) {
        Some(Ok(record)) => Header::of(&record, &cells, dialects, list.file)?,
        Some(Err(row)) => return Err(broken(format!("column {}: {}", row.column, row.why))),
        None => return Err(broken("the file is empty".to_owned())),
    };
    let mut import = Import::default();
    let mut rows = Rows::new(list, header, regions, dialects.cloud(list.cloud));
    while let Some(found) = records.next(&mut cells) {
        let added = found.and_then(|record| rows.add(&record, &cells));
        if let Err(row) = added {
            import.bad(row);
        }
    }
    rows.finish(&mut import);
    Ok(import)
}
