//! A file's bytes.

use std::io::{self, SeekFrom};
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use causeway_domain::ModelName;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::fs::File;
use tokio::io::AsyncSeekExt;

use super::body::{CHUNK, Check, FileBody};
use super::range::{self, Part};
use super::refusal::{Refusal, visible};
use super::served::Served;
use crate::revision::FileRecord;

/// `HEAD|GET /{repo}/resolve/{revision}/{path}`: always answered directly, never by a redirect.
pub(super) async fn file(
    served: &Arc<Served>,
    parts: &Parts,
    model: ModelName,
    revision: String,
    path: String,
) -> Result<Response, Refusal> {
    let revision = served.revision(model, revision).await?;
    let commit = revision.commit.as_str();
    let record = revision.file(&path).ok_or_else(|| Refusal::EntryNotFound {
        commit: commit.to_owned(),
    })?;
    let etag = record.etag();
    if range::unchanged(&parts.headers, &etag) {
        return response(StatusCode::NOT_MODIFIED, record, commit, Body::empty());
    }

    let head = parts.method == Method::HEAD;
    // The RFC defines ranges for GET alone, and a client takes the length of the whole file from the HEAD.
    let part = if head {
        Part::Whole
    } else {
        range::asked(&parts.headers, record.size, &etag)
    };
    let (status, first, length) = match part {
        Part::Whole => (StatusCode::OK, 0, record.size),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Unsatisfiable => {
            return Err(Refusal::Range {
                size: record.size,
                commit: commit.to_owned(),
            });
        }
    };

    // Opened for HEAD too: a file that can't be sent is not announced.
    let (file, changed) = open(served, record, first).await?;
    let body = if head {
        Body::empty()
    } else {
        // A part can't be checked against the digest of the whole; `causeway models verify` checks all.
        let whole = length == record.size && length > 0;
        let check = whole.then(|| Check::new(record.blake3, changed, served.damaged.clone()));
        let body = FileBody::new(file, length, check);
        if length <= CHUNK as u64 {
            // Read before anything is answered, so that trouble with a small file is a clear 500 and not a cut connection.
            let bytes = axum::body::to_bytes(Body::new(body), CHUNK).await;
            Body::from(bytes.map_err(|err| Refusal::internal(&err))?)
        } else {
            Body::new(body)
        }
    };
    let mut response = response(status, record, commit, body)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Part::Bytes { first, last } = part {
        headers.insert(
            header::CONTENT_RANGE,
            visible(&format!("bytes {first}-{last}/{}", record.size)),
        );
    }
    Ok(response)
}

/// The file, standing at `first`, and when it was last changed.
async fn open(
    served: &Served,
    record: &FileRecord,
    first: u64,
) -> Result<(File, SystemTime), Refusal> {
    let stored = served.registry.stored(&record.blake3);
    let opened = async {
        let mut file = File::open(&stored).await?;
        let metadata = file.metadata().await?;
        if metadata.len() != record.size {
            return Err(io::Error::other(format!(
                "it has {} bytes in place of {}",
                metadata.len(),
                record.size
            )));
        }
        let changed = metadata.modified()?;
        if served.damaged.has(&record.blake3, changed) {
            return Err(io::Error::other("its bytes changed since it was admitted"));
        }
        file.seek(SeekFrom::Start(first)).await?;
        Ok((file, changed))
    };
    opened.await.map_err(|err| {
        tracing::error!(file = %stored, path = record.path, "the bytes of a model can't be read: `causeway models verify` names all such files");
        Refusal::internal(&err)
    })
}

/// Status and the headers that clients read. A file is never shown by a browser: it could be a page with a script.
fn response(
    status: StatusCode,
    record: &FileRecord,
    commit: &str,
    body: Body,
) -> Result<Response, Refusal> {
    let name = record.path.rsplit('/').next().unwrap_or(&record.path);
    let headers = [
        (header::ETAG, visible(&format!("\"{}\"", record.etag()))),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(name)),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::CONTENT_DISPOSITION,
            visible(&format!(
                "attachment; filename*=UTF-8''{}",
                utf8_percent_encode(name, NON_ALPHANUMERIC)
            )),
        ),
        (HeaderName::from_static("x-repo-commit"), visible(commit)),
    ];
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(|err| Refusal::internal(&err))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => "application/json",
        Some("txt" | "md" | "jinja" | "yaml" | "yml" | "py") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
