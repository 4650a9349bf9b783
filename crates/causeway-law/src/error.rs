//! What can be wrong with packs and cases.

use std::sync::Arc;

use causeway_domain::Problem;

/// An error of a pack or of a file of cases.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum LawError {
    /// A file that is not what its place asks for.
    #[error("{problem}")]
    #[diagnostic(code(causeway::law::file), help("{}", problem.help.as_deref().unwrap_or("see docs/formats/rules.md")))]
    File {
        /// What, and where in which file.
        problem: Box<Problem>,
    },
    /// A policy that Cedar does not take.
    #[error("rule pack `{path}`: {message}")]
    #[diagnostic(
        code(causeway::law::policy),
        help("the attributes that a policy can ask for are in docs/formats/rules.md")
    )]
    Policy {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The packs don't fit together.
    #[error("rule packs: {message}")]
    #[diagnostic(code(causeway::law::packs), help("{help}"))]
    Packs {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
}

impl From<Problem> for LawError {
    fn from(problem: Problem) -> Self {
        Self::File {
            problem: Box::new(problem),
        }
    }
}

impl LawError {
    pub(crate) fn at(
        file: &Arc<causeway_domain::SourceFile>,
        place: causeway_domain::Place,
        message: impl Into<String>,
    ) -> Self {
        Problem::error(file, place, message).into()
    }

    pub(crate) fn policy(path: &str, message: impl Into<String>) -> Self {
        Self::Policy {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn packs(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Packs {
            message: message.into(),
            help: help.into(),
        }
    }
}
