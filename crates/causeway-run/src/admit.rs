//! Admit and deploy: a signed revision in the registry, and the pointer that clients follow.

use causeway_domain::{Digest, ModelName};
use causeway_ledger::Subject;
use causeway_registry::Revision;
use causeway_transfer::Manifest;
use causeway_weights::{Completeness, complete};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::RunError;
use crate::driver::{Driver, Outcome};
use crate::events::{Event, StageName};
use crate::home::Home;
use crate::train::TrainRecord;

/// A revision in the registry.
#[derive(Debug)]
pub(crate) struct Admitted {
    home: Home,
    record: AdmitRecord,
}

/// What the admit stage leaves in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdmitRecord {
    /// The model.
    pub model: ModelName,
    /// The revision's commit.
    pub commit: String,
    /// Counts the model's revisions from 1.
    pub number: u32,
    /// Files of the revision.
    pub files: Vec<AdmittedFile>,
}

/// A file of a revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdmittedFile {
    /// Its path.
    pub path: String,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its BLAKE3.
    pub blake3: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A deployed model: the end of the path.
#[derive(Debug, Clone, Serialize)]
pub struct Deployed {
    /// The run.
    pub run: causeway_domain::RunId,
    /// The model.
    pub model: ModelName,
    /// The revision that `production` points at.
    pub commit: String,
    /// What became of the job.
    pub train: TrainRecord,
    /// Where it trained, in words.
    pub place: String,
    /// What that place stands in for, where it does.
    pub stands_in_for: Option<String>,
    /// Why that was lawful: act, outcome, rules that were looked at.
    pub lawful: Vec<String>,
    /// What the allow obliges to.
    pub obligations: Vec<String>,
    /// Bytes of the model.
    pub bytes: u64,
}

/// What the deploy stage leaves in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeployRecord {
    /// The model.
    pub model: ModelName,
    /// The revision that `production` points at.
    pub production: String,
    /// The revision before.
    pub before: Option<String>,
}

/// Admits the last checkpoint as a revision. What only training needs stays in the store.
///
/// # Errors
/// When the checkpoint is no model, or the registry refuses.
pub(crate) async fn admit(driver: &mut Driver<'_>, home: Home) -> Result<Admitted, RunError> {
    if let Some((_, record)) = driver.done::<AdmitRecord>(StageName::Admit)? {
        driver.report(&Event::StageDone {
            stage: StageName::Admit,
            summary: in_words(&record),
            before: true,
        });
        return Ok(Admitted { home, record });
    }
    driver.begin(StageName::Admit, 1)?;
    let model = model_name(driver)?;
    let files = model_files(driver, &home)?;
    let provenance = json!({"run": driver.run.id, "checkpoint": home.record.checkpoint, "manifest": home.record.manifest});
    let (registry, env, run, now) = (
        driver.workspace.registry.clone(),
        driver.workspace.env.clone(),
        driver.run.id.clone(),
        driver.now()?,
    );
    let admitting = tokio::task::spawn_blocking(move || {
        registry.admit(&model, files, Some(&run), provenance, now, env.as_ref())
    });
    let revision: Revision = admitting.await.map_err(|error| RunError::Value {
        what: error.to_string(),
    })??;
    let record = AdmitRecord {
        model: revision.model.clone(),
        commit: revision.commit.clone(),
        number: revision.number,
        files: revision
            .files
            .iter()
            .map(|file| AdmittedFile {
                path: file.path.clone(),
                sha256: file.sha256,
                blake3: file.blake3,
                size: file.size,
            })
            .collect(),
    };
    let subjects = record
        .files
        .iter()
        .map(|file| {
            Subject::sha256(format!("{}/{}", record.model, file.path), file.sha256)
                .and("blake3", file.blake3)
        })
        .collect();
    let says = json!({"checkpoint": home.record.checkpoint, "manifest": home.record.manifest});
    driver.finish(
        StageName::Admit,
        1,
        &Outcome {
            summary: in_words(&record),
            output: record.clone(),
            subjects,
            says,
        },
    )?;
    Ok(Admitted { home, record })
}

fn in_words(record: &AdmitRecord) -> String {
    let short: String = record.commit.chars().take(12).collect();
    format!(
        "{} revision {} ({short}), {} file(s)",
        record.model,
        record.number,
        record.files.len()
    )
}

/// The model's name: of the workload, else of the organisation and the task.
fn model_name(driver: &Driver<'_>) -> Result<ModelName, RunError> {
    match driver.organisation.workload(Some(&driver.files.task.name)) {
        Some((_, workload)) => Ok(workload.model.clone()),
        None => {
            let name = format!(
                "{}/{}",
                driver.organisation.file.organisation, driver.files.task.name
            );
            name.parse()
                .map_err(|error: causeway_domain::InvalidId| RunError::Value {
                    what: error.to_string(),
                })
        }
    }
}

/// The files of the checkpoint that make the model, each looked at.
fn model_files(driver: &Driver<'_>, home: &Home) -> Result<Vec<(String, Digest)>, RunError> {
    let patterns = &driver.organisation.file.home.training_state;
    let manifest: Manifest = driver.workspace.store.manifest(home.manifest)?;
    let kept = |path: &str| {
        !patterns
            .iter()
            .any(|pattern| matches(pattern, path.rsplit('/').next().unwrap_or(path)))
    };
    let files: Vec<(String, Digest)> = manifest
        .files()
        .iter()
        .filter(|file| kept(&file.path))
        .map(|file| (file.path.clone(), file.blake3))
        .collect();
    let not_a_model = |why: String, help: &str| RunError::NotAModel {
        checkpoint: home.record.checkpoint.clone(),
        why,
        help: help.to_owned(),
    };
    if files.is_empty() {
        return Err(not_a_model(
            "no file is left when training state is taken out".to_owned(),
            "see `home.training_state` in causeway.yaml",
        ));
    }
    for (path, digest) in files
        .iter()
        .filter(|(path, _)| path.ends_with(".safetensors"))
    {
        match complete(&driver.workspace.store.path_of(*digest)) {
            Ok(Completeness::Complete) => {}
            Ok(other) => {
                return Err(not_a_model(
                    format!("`{path}` is not whole: {other:?}"),
                    "the task must write a checkpoint under a name that ends in `.tmp` and rename it when it is whole",
                ));
            }
            Err(error) => {
                return Err(not_a_model(
                    format!("`{path}`: {error}"),
                    "it must be a safetensors file",
                ));
            }
        }
    }
    if !files.iter().any(|(path, _)| path == "config.json") {
        driver.warn(
            "the model has no config.json at its top: `from_pretrained` will not read it"
                .to_owned(),
        );
    }
    Ok(files)
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut open_end = false;
    for part in parts {
        open_end = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.is_empty()
        || open_end
        || (pattern.contains('*')
            && pattern
                .rsplit('*')
                .next()
                .is_some_and(|last| name.ends_with(last)))
}

/// Points `production` at the admitted revision.
///
/// # Errors
/// When the registry refuses.
pub(crate) async fn deploy(
    driver: &mut Driver<'_>,
    admitted: Admitted,
) -> Result<Deployed, RunError> {
    let Admitted { home, record } = admitted;
    if let Some((_, deployed)) = driver.done::<DeployRecord>(StageName::Deploy)? {
        driver.report(&Event::StageDone {
            stage: StageName::Deploy,
            summary: format!(
                "production of {} is {}",
                deployed.model, deployed.production
            ),
            before: true,
        });
    } else {
        driver.begin(StageName::Deploy, 1)?;
        let moved = driver.workspace.registry.promote(
            &record.model,
            Some(&record.commit),
            driver.now()?,
            driver.workspace.env.as_ref(),
        )?;
        let deployed = DeployRecord {
            model: record.model.clone(),
            production: moved.to.clone(),
            before: moved.from.clone(),
        };
        let subjects = record
            .files
            .iter()
            .map(|file| Subject::sha256(format!("{}/{}", record.model, file.path), file.sha256))
            .collect();
        let short: String = deployed.production.chars().take(12).collect();
        let outcome = Outcome {
            summary: format!("production of {} is {short}", record.model),
            output: deployed,
            subjects,
            says: json!({"pointer": "production"}),
        };
        driver.finish(StageName::Deploy, 1, &outcome)?;
    }
    let candidate = home.cleared.get().candidate();
    let lawful = home
        .cleared
        .clearance()
        .verdicts
        .iter()
        .map(|verdict| format!("{}: {}", verdict.about, verdict.outcome))
        .collect();
    let country = causeway_plan::place_in_words(&candidate.place.country);
    Ok(Deployed {
        run: driver.run.id.clone(),
        model: record.model,
        commit: record.commit,
        train: home.train,
        place: format!("{} of {}, {country}", candidate.label, candidate.operator),
        stands_in_for: candidate.stands_in_for.clone(),
        lawful,
        obligations: home.cleared.obligations(),
        bytes: record.files.iter().map(|file| file.size).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_stand_for_any_text() {
        for (pattern, name, fits) in [
            ("optimizer*", "optimizer.safetensors", true),
            ("optimizer*", "model.safetensors", false),
            ("*.pt", "rng.pt", true),
            ("*.pt", "rng.pth", false),
            ("rng_state", "rng_state", true),
            ("rng_state", "rng_state_0", false),
            ("a*b*c", "a-b-b-c", true),
            ("*", "anything", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
