//! What is wrong with a user's file, where, and what to write instead.

use std::sync::Arc;

use serde::Serialize;

use crate::{Place, SourceFile};

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file can't be used.
    Error,
    /// The file is valid; something in it will not do what its author may expect.
    Warning,
}

/// One remark on a file: several are collected before anything is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// The file.
    pub file: Arc<SourceFile>,
    /// Where in the file.
    pub place: Place,
    /// What the place is: the words beneath the underline.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// An error at a place.
    #[must_use]
    pub fn error(file: &Arc<SourceFile>, place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            file: Arc::clone(file),
            place,
            label: "here".to_owned(),
            help: None,
        }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(file: &Arc<SourceFile>, place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(file, place, message)
        }
    }

    /// With other words beneath the underline.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column, both from 1.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        self.file.line_column(self.place.offset)
    }
}

impl std::fmt::Display for Problem {
    /// One line: `task.yaml:3:5: error: unknown field ...`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.line_column();
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(
            f,
            "{}:{line}:{column}: {severity}: {}",
            self.file.name, self.message
        )
    }
}

impl std::error::Error for Problem {}

/// The source is attached by whoever renders, under the file's name.
impl miette::Diagnostic for Problem {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let span = miette::SourceSpan::from((self.place.offset, self.place.length));
        Some(Box::new(std::iter::once(
            miette::LabeledSpan::new_with_span(Some(self.label.clone()), span),
        )))
    }
}

/// The candidate nearest to `word`, when it is near enough to be a slip of the pen.
#[must_use]
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.chars().count().max(word.chars().count()) / 4
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_finds_slips_and_nothing_else() {
        assert_eq!(
            near("acclerators", ["accelerators", "cpus"]),
            Some("accelerators")
        );
        assert_eq!(near("zebra", ["accelerators", "cpus"]), None);
    }
}
