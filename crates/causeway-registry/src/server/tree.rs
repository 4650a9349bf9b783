//! Files and folders of a revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use causeway_domain::ModelName;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::info::date;
use super::json_of;
use super::refusal::Refusal;
use super::served::Served;
use crate::git;
use crate::revision::{FileRecord, Revision};

/// `GET /api/models/{repo}/tree/{revision}[/{folder}]?recursive&expand&limit&cursor`.
pub(super) async fn listing(
    served: &Arc<Served>,
    parts: &Parts,
    model: ModelName,
    revision: String,
    folder: String,
) -> Result<Response, Refusal> {
    let query = Query::read(parts.uri.query());
    let revision = served.revision(model, revision).await?;
    if !revision.has_folder(&folder) {
        return Err(Refusal::EntryNotFound {
            commit: revision.commit.clone(),
        });
    }
    let entries = entries(&revision, &folder, query.recursive);
    let size = query
        .limit
        .map_or(served.options.page_size, |limit| {
            limit.min(served.options.page_size)
        })
        .max(1);
    let page: Vec<Value> = entries
        .iter()
        .skip(query.cursor)
        .take(size)
        .map(|entry| entry.json(&revision, query.expand))
        .collect();
    let next = query.cursor.saturating_add(page.len());

    let mut response = json_of(&revision.commit, &Value::Array(page));
    if next < entries.len() {
        // By commit, not by the name asked for: a pointer that moves between two pages would mix two revisions.
        let folder: String = folder
            .split('/')
            .filter(|part| !part.is_empty())
            .flat_map(|part| ["/".to_owned(), encode(part)])
            .collect();
        let link = format!(
            "<{base}/api/models/{model}/tree/{commit}{folder}?recursive={recursive}&expand={expand}&limit={size}&cursor={next}>; rel=\"next\"",
            base = served.base(&parts.headers),
            model = revision.model,
            commit = revision.commit,
            recursive = query.recursive,
            expand = query.expand,
        );
        // Without the link a client would take the first page for all there is.
        let link = link
            .parse()
            .map_err(|err| Refusal::internal(&err as &axum::http::header::InvalidHeaderValue))?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// `POST /api/models/{repo}/paths-info/{revision}` with `paths=a&paths=b&expand=false` or the same as JSON. Paths that are
/// not there are left out of the answer.
pub(super) async fn paths_info(
    served: &Arc<Served>,
    parts: &Parts,
    model: ModelName,
    revision: String,
    body: &[u8],
) -> Result<Response, Refusal> {
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let asked = if is_json {
        serde_json::from_slice(body)
            .map_err(|_| Refusal::BadRequest("the body is not JSON with `paths` and `expand`"))?
    } else {
        PathsInfo::from_form(body)
    };
    let revision = served.revision(model, revision).await?;
    let trees = git::trees(&revision.files);
    let mut found = Vec::new();
    for path in &asked.paths {
        let path = path.trim_matches('/');
        let entry = match (revision.file(path), trees.get_key_value(path)) {
            (Some(file), _) => Entry::File(file),
            (None, Some((path, oid))) if !path.is_empty() => Entry::Folder {
                path,
                oid: oid.clone(),
            },
            _ => continue,
        };
        found.push(entry.json(&revision, asked.expand));
    }
    Ok(json_of(&revision.commit, &Value::Array(found)))
}

/// Something that has a path.
enum Entry<'a> {
    File(&'a FileRecord),
    Folder { path: &'a str, oid: String },
}

impl Entry<'_> {
    fn json(&self, revision: &Revision, expand: bool) -> Value {
        let mut object = match self {
            Self::File(file) => file_json(file),
            Self::Folder { path, oid } => Map::from_iter([
                ("type".to_owned(), json!("directory")),
                ("path".to_owned(), json!(path)),
                ("oid".to_owned(), json!(oid)),
                ("size".to_owned(), json!(0)),
            ]),
        };
        if expand {
            // Every revision is a whole of its own, so that it is the last commit of all that it holds.
            let last = json!({"id": revision.commit, "title": title(revision), "date": date(revision.created)});
            object.insert("lastCommit".to_owned(), last);
        }
        Value::Object(object)
    }
}

fn file_json(file: &FileRecord) -> Map<String, Value> {
    let mut object = Map::from_iter([
        ("type".to_owned(), json!("file")),
        ("path".to_owned(), json!(file.path)),
        ("size".to_owned(), json!(file.size)),
        ("oid".to_owned(), json!(file.git_oid)),
    ]);
    if file.lfs {
        object.insert(
            "lfs".to_owned(),
            json!({"oid": file.sha256, "size": file.size, "pointerSize": pointer_size(file)}),
        );
    }
    object
}

pub(super) fn pointer_size(file: &FileRecord) -> usize {
    git::pointer(&file.sha256, file.size).len()
}

/// A revision's name for people.
pub(super) fn title(revision: &Revision) -> String {
    match &revision.run {
        Some(run) => format!("revision {} from run {run}", revision.number),
        None => format!("revision {}", revision.number),
    }
}

/// Entries below a folder, sorted by path; only its own when not `recursive`.
fn entries<'a>(revision: &'a Revision, folder: &'a str, recursive: bool) -> Vec<Entry<'a>> {
    let inside = |path: &str| {
        let rest = if folder.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
        };
        rest.is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
    };
    let folders = git::trees(&revision.files)
        .into_iter()
        .filter(|(path, _)| inside(path))
        .map(|(path, oid)| (path, Entry::Folder { path, oid }));
    let files = revision
        .files
        .iter()
        .filter(|file| inside(&file.path))
        .map(|file| (file.path.as_str(), Entry::File(file)));
    folders
        .chain(files)
        .collect::<BTreeMap<_, _>>()
        .into_values()
        .collect()
}

/// `recursive`, `expand`, `limit`, `cursor` of a query; anything else is ignored.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    recursive: bool,
    expand: bool,
    limit: Option<usize>,
    cursor: usize,
}

impl Query {
    fn read(query: Option<&str>) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "recursive" => read.recursive = is_true(&value),
                "expand" => read.expand = is_true(&value),
                "limit" => read.limit = value.parse().ok(),
                "cursor" => read.cursor = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        read
    }
}

/// The body of a `paths-info` request.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct PathsInfo {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    expand: bool,
}

impl PathsInfo {
    fn from_form(body: &[u8]) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "paths" => read.paths.push(value.into_owned()),
                "expand" => read.expand = is_true(&value),
                _ => {}
            }
        }
        read
    }
}

/// Python clients write `true` or `True`, depending on the library that encodes.
pub(super) fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value == "1"
}

fn encode(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::tests::revision;

    fn names(folder: &str, recursive: bool) -> Vec<String> {
        let revision = revision(&["a.txt", "a/b/c", "a/d", "ab/e", "z"]);
        entries(&revision, folder, recursive)
            .iter()
            .map(|entry| match entry {
                Entry::File(file) => file.path.clone(),
                Entry::Folder { path, oid } => {
                    assert_eq!(oid.len(), 40);
                    format!("{path}/")
                }
            })
            .collect()
    }

    #[test]
    fn folders_stand_beside_files_and_only_below_the_one_asked_for() {
        assert_eq!(names("", false), ["a/", "a.txt", "ab/", "z"]);
        assert_eq!(
            names("", true),
            ["a/", "a.txt", "a/b/", "a/b/c", "a/d", "ab/", "ab/e", "z"]
        );
        assert_eq!(names("a", false), ["a/b/", "a/d"]);
        assert_eq!(names("a", true), ["a/b/", "a/b/c", "a/d"]);
        assert_eq!(names("a/b", false), ["a/b/c"]);
    }

    #[test]
    fn queries_and_forms_are_read_as_clients_write_them() {
        let query = Query::read(Some("recursive=True&expand=false&limit=x&cursor=7&other=1"));
        assert_eq!(
            query,
            Query {
                recursive: true,
                expand: false,
                limit: None,
                cursor: 7
            }
        );
        assert_eq!(Query::read(None), Query::default());
        let form = PathsInfo::from_form(b"paths=a%2Fb&paths=c+d&expand=true");
        assert_eq!(
            form,
            PathsInfo {
                paths: vec!["a/b".to_owned(), "c d".to_owned()],
                expand: true
            }
        );
    }
}
