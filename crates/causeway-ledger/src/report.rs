//! What a verification found.

use std::fmt;

use camino::Utf8PathBuf;
use causeway_domain::{Digest, Timestamp};
use serde::Serialize;

use crate::error::LedgerError;
use crate::statement::Statement;

/// Something that is not as it was signed, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, relative to the log's folder; in an evidence pack the part: `checkpoint`, `attachments/task.yaml`.
    pub file: Utf8PathBuf,
    /// The entry, from 0, when one is meant. For a hash over several entries the first of them.
    pub entry: Option<u64>,
    /// What is wrong: lower case, no full stop.
    pub what: String,
}

impl Finding {
    pub(crate) fn new(
        file: impl Into<Utf8PathBuf>,
        entry: impl Into<Option<u64>>,
        what: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            entry: entry.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    /// One line: `tile/entries/000.p/7, entry 3: it was changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "{}, entry {entry}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

fn require_clean(problems: &[Finding]) -> Result<(), LedgerError> {
    match problems.first() {
        None => Ok(()),
        Some(first) => Err(LedgerError::Problems {
            count: problems.len(),
            first: first.to_string(),
        }),
    }
}

/// What [`verify`](crate::verify) found in a log's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use = "a report may hold problems"]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Number of entries that the checkpoint covers; where it is not valid, those found.
    pub size: u64,
    /// The signed root; `None` when the checkpoint is not valid.
    pub root: Option<Digest>,
    /// Entries that are whole: covered by the checkpoint, with their envelope and its signature.
    pub entries: u64,
    /// Everything that is wrong, by file and entry.
    pub problems: Vec<Finding>,
    /// Files that the checkpoint does not cover, such as what a crash left behind. They count as not there.
    pub uncovered: Vec<Utf8PathBuf>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// # Errors
    /// [`LedgerError::Problems`] unless nothing is wrong.
    pub fn require_clean(&self) -> Result<(), LedgerError> {
        require_clean(&self.problems)
    }
}

/// What [`Evidence::verify`](crate::Evidence::verify) found in a pack.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a report may hold problems"]
pub struct EvidenceReport {
    /// The log's name.
    pub origin: String,
    /// Number of entries in the log when the pack was made; 0 when its checkpoint is not valid.
    pub size: u64,
    /// The signed root; `None` when the checkpoint is not valid.
    pub root: Option<Digest>,
    /// The entries that are proved, in the log's order.
    pub entries: Vec<ProvedEntry>,
    /// The attachments whose bytes are as signed.
    pub attachments: Vec<ProvedAttachment>,
    /// Everything that is wrong.
    pub problems: Vec<Finding>,
}

impl EvidenceReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// # Errors
    /// [`LedgerError::Problems`] unless nothing is wrong.
    pub fn require_clean(&self) -> Result<(), LedgerError> {
        require_clean(&self.problems)
    }
}

/// An entry whose signature and place in the log are proved.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvedEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// Its key.
    pub key: String,
    /// When it was appended.
    pub at: Timestamp,
    /// What it says.
    pub statement: Statement,
}

/// An attachment whose bytes are as signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvedAttachment {
    /// Its name in the pack.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Number of bytes.
    pub size: u64,
    /// The entries of the pack whose statements name this digest. Empty: the log's key vouched for it when the pack was
    /// made, the log itself says nothing of it.
    pub logged_by: Vec<u64>,
}
