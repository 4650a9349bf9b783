//! Answers other than the one asked for, in the words that Hugging Face clients look for.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use causeway_domain::ModelName;

use crate::error::RegistryError;

/// Why a request is not answered as asked. Clients choose their exception by `X-Error-Code`.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No client sends this.
    BadRequest(&'static str),
    /// The request names a host that is not this machine, and there is no token: see [`super::ServeOptions::token`].
    ForeignHost,
    /// No token or a wrong one. The same for every repository, there or not.
    Unauthorized {
        /// The path is that of a repository: told apart by the client, not by us.
        repo: bool,
    },
    /// No such model.
    RepoNotFound,
    /// The model is there, the revision is not.
    RevisionNotFound {
        /// For people.
        message: String,
    },
    /// The revision is there, the file or folder is not. The client caches this miss under the commit.
    EntryNotFound {
        /// Which revision was looked into.
        commit: String,
    },
    /// Nothing is served at this path.
    NotFound,
    /// A method that changes things, or none that this path knows.
    Method {
        /// For the `Allow` header.
        allow: &'static str,
    },
    /// A range that starts behind the end.
    Range {
        /// Length of the file in bytes.
        size: u64,
        /// Which revision was looked into.
        commit: String,
    },
    /// The registry can't read its own files. The reason is in the log, not in the answer.
    Internal,
}

impl Refusal {
    /// Logs what the caller is not told.
    pub(super) fn internal(err: &dyn std::error::Error) -> Self {
        let source = err.source().map(ToString::to_string).unwrap_or_default();
        tracing::error!(error = %err, source, "a request could not be answered");
        Self::Internal
    }

    /// A revision of this model that is not there.
    pub(super) fn revision(model: &ModelName, revision: &str) -> Self {
        Self::RevisionNotFound {
            message: format!("model {model} has no revision {revision}"),
        }
    }

    fn parts(&self) -> (StatusCode, Option<&'static str>, &str) {
        match self {
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, None, why),
            Self::ForeignHost => (
                StatusCode::MISDIRECTED_REQUEST,
                None,
                "this registry has no token and answers requests to localhost only: use http://127.0.0.1:PORT",
            ),
            Self::Unauthorized { repo } => (
                StatusCode::UNAUTHORIZED,
                repo.then_some("RepoNotFound"),
                "not found, or a token is needed: set HF_TOKEN to the token of this registry",
            ),
            Self::RepoNotFound => (
                StatusCode::NOT_FOUND,
                Some("RepoNotFound"),
                "Repository not found",
            ),
            Self::RevisionNotFound { message } => {
                (StatusCode::NOT_FOUND, Some("RevisionNotFound"), message)
            }
            Self::EntryNotFound { .. } => (
                StatusCode::NOT_FOUND,
                Some("EntryNotFound"),
                "Entry not found",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, None, "nothing is served here"),
            Self::Method { .. } => (
                StatusCode::METHOD_NOT_ALLOWED,
                None,
                "this registry is read-only: models come in by `causeway run`",
            ),
            Self::Range { .. } => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                None,
                "the range starts behind the end of the file",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                None,
                "the registry could not read its files: see the server's log",
            ),
        }
    }
}

impl From<RegistryError> for Refusal {
    fn from(err: RegistryError) -> Self {
        match &err {
            RegistryError::ModelNotFound { .. } => Self::RepoNotFound,
            RegistryError::RevisionNotFound {
                model, revision, ..
            } => Self::revision(model, revision),
            RegistryError::AmbiguousRevision { .. } => Self::RevisionNotFound {
                message: err.to_string(),
            },
            _ => Self::internal(&err),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let body = serde_json::json!({ "error": message }).to_string();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(code) = code {
            headers.insert("x-error-code", HeaderValue::from_static(code));
        }
        headers.insert("x-error-message", visible(message));
        match &self {
            Self::EntryNotFound { commit } => {
                headers.insert("x-repo-commit", visible(commit));
            }
            Self::Range { size, commit } => {
                headers.insert("x-repo-commit", visible(commit));
                headers.insert(header::CONTENT_RANGE, visible(&format!("bytes */{size}")));
            }
            Self::Method { allow } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            }
            Self::Unauthorized { .. } => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"causeway\""),
                );
            }
            _ => {}
        }
        response
    }
}

/// Text as a header: anything but visible ASCII becomes `?`, so that a name from outside can't end the header.
pub(super) fn visible(text: &str) -> HeaderValue {
    let text: String = text
        .chars()
        .take(1000)
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect();
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_missing_and_a_forbidden_repository_have_the_same_code() {
        let (_, missing, _) = Refusal::RepoNotFound.parts();
        let (_, forbidden, _) = Refusal::Unauthorized { repo: true }.parts();
        assert_eq!(missing, forbidden);
    }

    proptest! {
        #[test]
        fn no_text_ends_a_header(text in "\\PC{0,40}[\r\n\0é]{0,3}\\PC{0,5}") {
            let value = visible(&text);
            prop_assert!(value.to_str().unwrap().bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }
}
