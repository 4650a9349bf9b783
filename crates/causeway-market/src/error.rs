//! What can be wrong with a table of the market.

/// A table that cannot be read, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum MarketError {
    /// A price list without a column that it cannot do without.
    #[error("{file}: the header has no column `{column}`")]
    #[diagnostic(
        code(causeway::market::missing_column),
        help(
            "a SkyPilot price list names its columns in the first line; expected at least `InstanceType`, `AcceleratorName`, `AcceleratorCount`, `Price` and `Region`"
        )
    )]
    MissingColumn {
        /// The file, as the caller named it.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// A price list without a readable header line.
    #[error("{file}: line 1 is not a header: {why}")]
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
