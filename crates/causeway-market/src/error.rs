//! What can be wrong with a table of the market.

use crate::BadRow;

/// Bad rows that one error lists.
const MOST_LISTED: usize = 5;

/// A table that cannot be read, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum MarketError {
    /// A price list without columns that it cannot do without.
    #[error(
        "{file}:{line}:1: the header has no column {}; it has {}",
        quoted(missing),
        quoted(found)
    )]
    #[diagnostic(
        code(causeway::market::missing_column),
        help(
            "a SkyPilot price list names its columns in the first line, separated by commas; it needs at least `InstanceType`, `AcceleratorName`, `AcceleratorCount`, `Price` and `Region`"
        )
    )]
    MissingColumns {
        /// The file, as the caller named it.
        file: String,
        /// The header's line.
        line: u64,
        /// The columns that are missing.
        missing: Vec<&'static str>,
        /// The columns that are there; of a very wide header the first ones.
        found: Vec<String>,
    },
    /// Rows of a price list that can't be read.
    #[error("{}", rows_of(file, rows, *more))]
    #[diagnostic(
        code(causeway::market::bad_rows),
        help("correct the rows, or leave them out with `--skip-bad`")
    )]
    BadRows {
        /// The file, as the caller named it.
        file: String,
        /// The first of them.
        rows: Vec<BadRow>,
        /// How many more there are.
        more: usize,
    },
    /// A price list without a readable header line.
    #[error("{file}:1: not a header: {why}")]
    #[diagnostic(
        code(causeway::market::header),
        help("the file must be comma-separated text in UTF-8 whose first line names the columns")
    )]
    Header {
        /// The file, as the caller named it.
        file: String,
        /// What the reader says.
        why: String,
    },
    /// An accelerator that no offer has and no table lists.
    #[error("no offer and no table knows the accelerator `{name}`")]
    #[diagnostic(code(causeway::market::unknown_accelerator))]
    UnknownAccelerator {
        /// The name, as written.
        name: String,
        /// The known name nearest to it.
        #[help]
        near: Option<String>,
    },
    /// A cache of offers that is none, or is damaged.
    #[error("the cache of offers can't be read: {why}")]
    #[diagnostic(
        code(causeway::market::cache),
        help("it is made again from the price lists; delete it when this comes back")
    )]
    Cache {
        /// What is wrong with it.
        why: String,
    },
    /// A table in JSON that is not what its format says.
    #[error("{file}: {why}")]
    #[diagnostic(
        code(causeway::market::table),
        help("docs/formats/catalog.md describes the tables of the catalog")
    )]
    Table {
        /// The file, as the caller named it.
        file: String,
        /// What the reader says, with line and column.
        why: String,
    },
    /// A table of another format or a newer version.
    #[error("{file}: format is `{found}`, expected `{expected}`")]
    #[diagnostic(
        code(causeway::market::format),
        help(
            "write the `format` line as shown, or use a version of Causeway that knows `{found}`"
        )
    )]
    Format {
        /// The file, as the caller named it.
        file: String,
        /// What the file says.
        found: String,
        /// What this program reads.
        expected: &'static str,
    },
    /// Two accelerators that share a name.
    #[error("{file}: the name `{name}` is claimed by both `{first}` and `{second}`")]
    #[diagnostic(
        code(causeway::market::duplicate),
        help("an alias names one accelerator; drop it from one of the two")
    )]
    Duplicate {
        /// The file, as the caller named it.
        file: String,
        /// The name, as written the second time.
        name: String,
        /// The accelerator that has it.
        first: String,
        /// The accelerator that wants it too.
        second: String,
    },
}

impl MarketError {
    /// The error for bad rows of a file, when there are any.
    pub(crate) fn bad_rows(file: &str, rows: &[BadRow], count: usize) -> Option<Self> {
        (count > 0).then(|| Self::BadRows {
            file: file.to_owned(),
            rows: rows.iter().take(MOST_LISTED).cloned().collect(),
            more: count.saturating_sub(rows.len().min(MOST_LISTED)),
        })
    }
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

fn rows_of(file: &str, rows: &[BadRow], more: usize) -> String {
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| format!("{file}:{}:{}: {}", row.line, row.column, row.why))
        .collect();
    if more > 0 {
        lines.push(format!("{file}: {more} more such rows"));
    }
    lines.join("\n")
}
