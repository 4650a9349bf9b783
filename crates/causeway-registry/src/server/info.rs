//! What is known about a model: its card, its pointers, its revisions.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use causeway_domain::{ModelName, Timestamp};
use causeway_weights::Header;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::json_of;
use super::refusal::Refusal;
use super::served::Served;
use super::tree::{is_true, pointer_size, title};
use crate::error::RegistryError;
use crate::registry::Registry;
use crate::revision::{FileRecord, Revision};

/// Largest `config.json` that is read for the card.
const MAX_CONFIG: u64 = 1 << 20;

/// `GET /api/models/{repo}[/revision/{revision}]?blobs`.
pub(super) async fn model(
    served: &Arc<Served>,
    parts: &Parts,
    model: ModelName,
    revision: Option<String>,
) -> Result<Response, Refusal> {
    let blobs = query(parts).any(|(name, value)| name == "blobs" && is_true(&value));
    let (commit, card) = served
        .blocking(move |served| {
            let revision = served.read(&model, revision.as_deref().unwrap_or("main"))?;
            Ok((
                revision.commit.clone(),
                card(&served.registry, &revision, Some(blobs))?,
            ))
        })
        .await?;
    Ok(json_of(&commit, &card))
}

/// `GET /api/models?author&search&limit`: newest first.
pub(super) async fn list(served: &Arc<Served>, parts: &Parts) -> Result<Response, Refusal> {
    let (mut author, mut search, mut limit) = (None, None, usize::MAX);
    for (name, value) in query(parts) {
        match name.as_ref() {
            "author" => author = Some(value.into_owned()),
            "search" => search = Some(value.to_lowercase()),
            "limit" => limit = value.parse().unwrap_or(usize::MAX),
            _ => {}
        }
    }
    let mut cards = served
        .blocking(move |served| {
            let mut cards = Vec::new();
            for model in served.registry.models()? {
                let name = model.name.as_str();
                let by_author = author.as_deref().is_none_or(|author| {
                    name.split_once('/').is_some_and(|(org, _)| org == author)
                });
                let by_search = search
                    .as_deref()
                    .is_none_or(|search| name.to_lowercase().contains(search));
                if let (true, true, Some(main)) = (by_author, by_search, model.main) {
                    let revision = served.read(&model.name, &main)?;
                    cards.push((revision.created, card(&served.registry, &revision, None)?));
                }
            }
            Ok(cards)
        })
        .await?;
    cards.sort_by(|(a, _), (b, _)| b.cmp(a));
    let cards: Vec<Value> = cards
        .into_iter()
        .map(|(_, card)| card)
        .take(limit)
        .collect();
    Ok(axum::Json(cards).into_response())
}

/// `GET /api/models/{repo}/refs`: the pointers, as branches.
pub(super) async fn refs(served: &Arc<Served>, model: ModelName) -> Result<Response, Refusal> {
    let pointers = served
        .blocking(move |served| served.registry.pointers(&model))
        .await?;
    let branches: Vec<Value> = [("main", pointers.main), ("production", pointers.production)]
        .into_iter()
        .filter_map(|(name, commit)| {
            Some(
                json!({"name": name, "ref": format!("refs/heads/{name}"), "targetCommit": commit?}),
            )
        })
        .collect();
    Ok(
        axum::Json(json!({"branches": branches, "tags": [], "converts": [], "pullRequests": []}))
            .into_response(),
    )
}

/// `GET /api/models/{repo}/commits/{revision}`: that revision and those admitted before it, newest first.
pub(super) async fn commits(
    served: &Arc<Served>,
    model: ModelName,
    revision: String,
) -> Result<Response, Refusal> {
    let commits = served
        .blocking(move |served| {
            let newest = served.read(&model, &revision)?.number;
            let revisions = served.registry.revisions(&model)?;
            Ok(revisions
                .into_iter()
                .rev()
                .filter(|revision| revision.number <= newest)
                .collect::<Vec<_>>())
        })
        .await?;
    let commits: Vec<Value> = commits
        .iter()
        .map(|revision| {
            let authors = json!([{"user": "causeway"}]);
            json!({"id": revision.commit, "title": title(revision), "message": "", "date": date(revision.created), "authors": authors})
        })
        .collect();
    Ok(axum::Json(commits).into_response())
}

/// The parts of `config.json` that a card shows.
#[derive(Debug, Default, Deserialize)]
struct Config {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
}

/// What `model_info` reads. `blobs`: none leaves out what a list of models does not show, `true` adds
/// sizes and digests to the files.
fn card(
    registry: &Registry,
    revision: &Revision,
    blobs: Option<bool>,
) -> Result<Value, RegistryError> {
    let first = registry
        .pointers_or_none(&revision.model)?
        .history
        .first()
        .map_or(revision.created, |first| first.at);
    let config = config(registry, revision);
    let mut card = Map::from_iter(
        [
            ("_id", json!(revision.commit.get(..24))),
            ("id", json!(revision.model)),
            ("modelId", json!(revision.model)),
            ("sha", json!(revision.commit)),
            ("private", json!(false)),
            ("gated", json!(false)),
            ("disabled", json!(false)),
            ("downloads", json!(0)),
            ("likes", json!(0)),
            ("createdAt", json!(date(first))),
            ("lastModified", json!(date(revision.created))),
            ("usedStorage", json!(revision.size())),
            ("tags", json!(tags(revision, config.as_ref()))),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if let Some((org, _)) = revision.model.as_str().split_once('/') {
        card.insert("author".to_owned(), json!(org));
    }
    if let Some(config) = &config {
        card.insert("library_name".to_owned(), json!("transformers"));
        card.insert(
            "config".to_owned(),
            json!({"architectures": config.architectures, "model_type": config.model_type}),
        );
        if config
            .architectures
            .iter()
            .flatten()
            .any(|name| name.ends_with("ForCausalLM"))
        {
            card.insert("pipeline_tag".to_owned(), json!("text-generation"));
        }
    }
    if let Some(blobs) = blobs {
        if let Some(parameters) = parameters(registry, revision) {
            let total = parameters
                .values()
                .fold(0u64, |sum, count| sum.saturating_add(*count));
            card.insert(
                "safetensors".to_owned(),
                json!({"parameters": parameters, "total": total}),
            );
        }
        card.insert(
            "siblings".to_owned(),
            revision
                .files
                .iter()
                .map(|file| sibling(file, blobs))
                .collect(),
        );
    }
    Ok(Value::Object(card))
}

/// Elements of the model's tensors by type, from the headers of its weights, named as `save_pretrained` names them: a
/// checkpoint in a folder beside them would count twice. None when there are none, or one can't be read.
fn parameters(registry: &Registry, revision: &Revision) -> Option<BTreeMap<String, u64>> {
    let is_weights = |path: &str| {
        (path.starts_with("model") || path.starts_with("adapter_model"))
            && path.ends_with(".safetensors")
            && !path.contains('/')
    };
    let mut sum: Option<BTreeMap<String, u64>> = None;
    for file in revision.files.iter().filter(|file| is_weights(&file.path)) {
        let header = Header::open(&registry.stored(&file.blake3)).ok()?;
        let sum = sum.get_or_insert_default();
        for (dtype, count) in header.inspection().dtypes {
            let of_type = sum.entry(dtype).or_default();
            *of_type = of_type.saturating_add(count);
        }
    }
    sum
}

fn sibling(file: &FileRecord, blobs: bool) -> Value {
    if !blobs {
        return json!({"rfilename": file.path});
    }
    let mut sibling = json!({"rfilename": file.path, "size": file.size, "blobId": file.git_oid});
    if let (true, Some(object)) = (file.lfs, sibling.as_object_mut()) {
        object.insert(
            "lfs".to_owned(),
            json!({"sha256": file.sha256, "size": file.size, "pointerSize": pointer_size(file)}),
        );
    }
    sibling
}

fn tags(revision: &Revision, config: Option<&Config>) -> Vec<String> {
    let transformers = config.map(|_| "transformers".to_owned());
    let safetensors = revision
        .files
        .iter()
        .any(|file| file.path.ends_with(".safetensors"))
        .then(|| "safetensors".to_owned());
    let model_type = config.and_then(|config| config.model_type.clone());
    transformers
        .into_iter()
        .chain(safetensors)
        .chain(model_type)
        .chain(["causeway".to_owned()])
        .collect()
}

/// The model's `config.json`, if it has one that says which kind of model this is. A broken one is the model's own matter:
/// the card then says less.
fn config(registry: &Registry, revision: &Revision) -> Option<Config> {
    let record = revision
        .file("config.json")
        .filter(|record| record.size <= MAX_CONFIG)?;
    let mut bytes = Vec::new();
    fs_err::File::open(registry.stored(&record.blake3))
        .ok()?
        .take(MAX_CONFIG)
        .read_to_end(&mut bytes)
        .ok()?;
    let config: Config = serde_json::from_slice(&bytes).ok()?;
    (config.model_type.is_some() || config.architectures.is_some()).then_some(config)
}

/// An instant as clients parse it: always with milliseconds.
pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn query(
    parts: &Parts,
) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_always_have_milliseconds() {
        for (text, shown) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
            ("2026-11-24T13:15:00.123456789Z", "2026-11-24T13:15:00.123Z"),
            ("2026-11-24T14:15:00.5+01:00", "2026-11-24T13:15:00.500Z"),
        ] {
            assert_eq!(date(text.parse().unwrap()), shown);
        }
    }
}
