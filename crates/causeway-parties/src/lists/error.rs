//! What can go wrong with a list's file as a whole. A single bad row is not an error: it is kept and marked.

use miette::Diagnostic;
use thiserror::Error;

/// A list that can't be read.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum ListError {
    /// The bytes can't be had.
    #[error("reading {file}, near line {line}")]
    #[diagnostic(code(causeway::lists::read))]
    Read {
        /// The file.
        file: String,
        /// Where, from 1.
        line: u64,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// Not text in UTF-8.
    #[error("{file} is {what}, not text in UTF-8")]
    #[diagnostic(
        code(causeway::lists::encoding),
        help(
            "unpack it (gunzip, unzip) or convert it (`iconv -t UTF-8`); the hash on record is then that of the converted file"
        )
    )]
    Encoding {
        /// The file.
        file: String,
        /// What it starts like.
        what: &'static str,
    },
    /// The structure is broken, so that what follows can't be told apart.
    #[error("{file}, line {line}: {why}")]
    #[diagnostic(
        code(causeway::lists::syntax),
        help("nothing of this file was imported; fetch it again and compare its size")
    )]
    Syntax {
        /// The file.
        file: String,
        /// Where, from 1.
        line: u64,
        /// What the parser says.
        why: String,
    },
    /// The file ends in the middle of a record.
    #[error("{file} is cut off at line {line}: {why}")]
    #[diagnostic(
        code(causeway::lists::truncated),
        help("a list without its end can't clear anybody; fetch it again")
    )]
    Truncated {
        /// The file.
        file: String,
        /// Its last line.
        line: u64,
        /// What is missing.
        why: String,
    },
    /// A record that no list has: more bytes than [`super::LONGEST_RECORD`].
    #[error("{file}: the record near line {line} is longer than {limit} bytes")]
    #[diagnostic(
        code(causeway::lists::too_long),
        help("a quotation mark that is never closed makes one record of the rest of a CSV file")
    )]
    TooLong {
        /// The file.
        file: String,
        /// Where, from 1.
        line: u64,
        /// The limit, bytes.
        limit: u64,
    },
    /// Another format than the one asked for.
    #[error("{file} is not {format}: {why}")]
    #[diagnostic(
        code(causeway::lists::another_format),
        help(
            "formats: ftm (FollowTheMoney JSON lines), csl (CSV, TSV, JSON), ofac (sdn, alt, add, sdn_comments CSV), gleif (LEI-CDF, RR, exceptions CSV), bods (0.4 JSON, array or lines)"
        )
    )]
    AnotherFormat {
        /// The file.
        file: String,
        /// The format.
        format: &'static str,
        /// What is missing.
        why: String,
    },
    /// A stored list that this program did not write, or that was changed since.
    #[error("the stored list {file}, line {line}: {why}")]
    #[diagnostic(
        code(causeway::lists::stored),
        help("import the list again: `causeway parties import`")
    )]
    Stored {
        /// The file.
        file: String,
        /// Where, from 1.
        line: u64,
        /// Why.
        why: String,
    },
    /// The one who takes the records wants no more.
    #[error("stopped")]
    #[diagnostic(code(causeway::lists::stopped))]
    Stopped,
}
