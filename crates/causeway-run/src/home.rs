//! Bring home: checkpoints stream while training goes on; the last one is complete before the stage ends.

use std::sync::Arc;
use std::time::Duration;

use causeway_backends::Backend;
use causeway_domain::organisation::Left;
use causeway_domain::{Bytes, Digest, Env};
use causeway_law::Cleared;
use causeway_ledger::Subject;
use causeway_plan::Planned;
use causeway_transfer::{
    CheckpointArrived, Codec, Connector, FollowOptions, ManifestSignature, Progress, Selection,
    SignerKey, Skipped, TransferError, follow,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::RunError;
use crate::driver::{Driver, Outcome};
use crate::events::{Event, LongWaits, StageName};
use crate::path::still_cleared;
use crate::site::Way;
use crate::train::{TrainRecord, Trained};

/// Bounds of how often a directory of checkpoints is looked at.
const POLL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Verified files at home.
#[derive(Debug)]
pub(crate) struct Home {
    /// The plan.
    pub cleared: Cleared<Planned>,
    /// What became of the job.
    pub train: TrainRecord,
    /// The last checkpoint's manifest in the store.
    pub manifest: Digest,
    /// What came home.
    pub record: HomeRecord,
}

/// What the stage leaves in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HomeRecord {
    /// The last checkpoint's name.
    pub checkpoint: String,
    /// Digest of its manifest: paths, sizes and hashes of every file.
    pub manifest: Digest,
    /// The signature of the site's agent over that manifest.
    pub signed: Option<ManifestSignature>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Every checkpoint that came home, in order.
    pub checkpoints: Vec<String>,
    /// What of the last one stayed at the site, and why.
    pub left: Vec<Skipped>,
    /// How it travelled.
    pub carrier: String,
}

impl HomeRecord {
    /// The record in the statement of an entry of the log, if it is one of this stage, with the key whose signature over the
    /// manifest was checked.
    ///
    /// # Errors
    /// When the signature is not that of the manifest.
    pub fn of_entry(
        key: &str,
        predicate: &serde_json::Value,
    ) -> Result<Option<(Self, Option<SignerKey>)>, RunError> {
        let stage = key
            .strip_prefix("run/")
            .and_then(|rest| rest.split('/').nth(1));
        if stage != Some(StageName::Home.word()) {
            return Ok(None);
        }
        let output = predicate.get("output").cloned().unwrap_or_default();
        let record: Self = serde_json::from_value(output).map_err(|error| RunError::Value {
            what: format!("`{key}` says not what came home: {error}"),
        })?;
        let signer = match &record.signed {
            Some(signed) => {
                signed.verify(&record.manifest)?;
                Some(signed.key())
            }
            None => None,
        };
        Ok(Some((record, signer)))
    }
}

/// Checkpoints on their way home.
#[derive(Debug)]
pub(crate) struct Stream {
    job_ended: watch::Sender<bool>,
    task: JoinHandle<Result<Vec<CheckpointArrived>, TransferError>>,
}

impl Stream {
    /// Starts to follow the run's checkpoints.
    pub(crate) fn start(driver: &Driver<'_>, way: &Way, connector: Connector) -> Self {
        let (job_ended, stop) = watch::channel(false);
        let reporter = driver.reporter.clone();
        let arrivals = driver.reporter.clone();
        let progress = Arc::clone(&reporter);
        let watched = way.relative(&way.checkpoints);
        let settle = Duration::from_secs_f64(driver.organisation.file.home.settle_seconds);
        let options = FollowOptions {
            settle,
            poll: settle.clamp(POLL.0, POLL.1),
            codec: Codec::Auto,
            selection: Selection {
                leave_optimizer: driver
                    .organisation
                    .file
                    .transfer
                    .leave
                    .contains(&Left::Optimizer),
                ..Selection::default()
            },
        };
        let store = driver.workspace.store.clone();
        let env: Arc<dyn Env> = driver.workspace.env.clone();
        let task = tokio::spawn(async move {
            let arrived = move |arrived: &CheckpointArrived| {
                arrivals.report(&Event::Checkpoint {
                    name: arrived.name.clone(),
                    bytes: Bytes::new(arrived.summary.raw_bytes),
                    wire: Bytes::new(arrived.summary.wire_bytes),
                    difference: Bytes::new(arrived.summary.difference_saved_bytes),
                });
            };
            let waits = LongWaits::default();
            let moved = move |now: Progress| {
                if let Some(note) = waits.note(&now) {
                    progress.report(&note);
                }
                if now.total > 0 {
                    progress.report(&Event::moved("checkpoint", &now));
                }
            };
            follow(
                &connector,
                &watched,
                &store,
                options,
                stop,
                env.as_ref(),
                moved,
                arrived,
            )
            .await
        });
        Self { job_ended, task }
    }

    /// The job has ended: takes its last checkpoint, then ends.
    async fn last(self) -> Result<Vec<CheckpointArrived>, RunError> {
        self.job_ended.send_replace(true);
        Ok(self.task.await.map_err(|error| RunError::Value {
            what: format!("the transfer was ended: {error}"),
        })??)
    }
}

/// Completes the last checkpoint and verifies it against its manifest.
///
/// # Errors
/// When the site can't be reached, the job left no checkpoint, or a byte is not what the manifest says.
pub(crate) async fn bring_home(
    driver: &mut Driver<'_>,
    trained: Trained,
) -> Result<Home, RunError> {
    let Trained {
        cleared,
        way,
        record: train,
        stream,
    } = trained;
    if let Some((_, record)) = driver.done::<HomeRecord>(StageName::Home)? {
        driver.report(&Event::StageDone {
            stage: StageName::Home,
            summary: in_words(&record),
            before: true,
        });
        return Ok(Home {
            cleared,
            train,
            manifest: record.manifest,
            record,
        });
    }
    driver.begin(StageName::Home, 1)?;
    still_cleared(driver, &cleared)?;
    let stream = match stream {
        Some(stream) => stream,
        None => Stream::start(driver, &way, way.connect(driver.id()).await?),
    };
    let arrived = stream.last().await?;
    let Some(last) = arrived.last() else {
        return Err(RunError::NoCheckpoint {
            run: driver.run.id.clone(),
            directory: way.checkpoints.to_string(),
        });
    };
    let store = driver.workspace.store.clone();
    let digest = last.manifest;
    let damage = tokio::task::spawn_blocking(move || {
        store
            .manifest(digest)
            .and_then(|manifest| store.audit(&manifest))
    });
    let damage = damage.await.map_err(|error| RunError::Value {
        what: error.to_string(),
    })??;
    if let Some(first) = damage.first() {
        return Err(RunError::NotAModel {
            checkpoint: last.name.clone(),
            why: format!("`{}` changed in the store", first.path),
            help: format!("`causeway resume {}` fetches it again", driver.run.id),
        });
    }
    let record = HomeRecord {
        checkpoint: last.name.clone(),
        manifest: digest,
        signed: last.summary.signed.clone(),
        bytes: last.summary.raw_bytes,
        checkpoints: arrived.iter().map(|one| one.name.clone()).collect(),
        left: last.summary.skipped.clone(),
        carrier: format!("{}: {}", last.summary.carrier, last.summary.why),
    };
    let subjects = vec![Subject::blake3(record.checkpoint.clone(), digest)];
    let says = json!({"from": cleared.get().candidate().place.country, "to": causeway_domain::Stated::fact(Some(&driver.organisation.file.home.country), &driver.organisation.source.name, "home.country"), "wire_bytes": last.summary.wire_bytes, "reused_bytes": last.summary.reused_bytes, "difference_saved_bytes": last.summary.difference_saved_bytes});
    driver.finish(
        StageName::Home,
        1,
        &Outcome {
            summary: in_words(&record),
            output: record.clone(),
            subjects,
            says,
        },
    )?;
    // Nothing moves any more: the agent need not wait for its idle time. A site that is gone by now loses nothing.
    if let Err(error) = way.engine.stop_agent(driver.id().as_str()).await {
        driver.warn(format!(
            "the agent at site `{}` ends by itself: {error}",
            way.site
        ));
    }
    Ok(Home {
        cleared,
        train,
        manifest: digest,
        record,
    })
}

fn in_words(record: &HomeRecord) -> String {
    format!(
        "{} checkpoint(s) home, the last is {} ({}) over {}",
        record.checkpoints.len(),
        record.checkpoint,
        Bytes::new(record.bytes),
        record.carrier
    )
}

#[cfg(test)]
mod tests {
    use causeway_transfer::ManifestSigner;

    use super::*;

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----\n";

    #[test]
    fn the_agents_signature_in_an_entry_is_checked() {
        let signer = ManifestSigner::from_pem(PEM, "t").unwrap();
        let (manifest, other) = (Digest::new([1; 32]), Digest::new([2; 32]));
        let of = |signed: Digest| {
            let record = HomeRecord {
                checkpoint: "step-1".to_owned(),
                manifest,
                signed: Some(signer.sign(&signed, "checkpoints/step-1")),
                bytes: 1,
                checkpoints: vec!["step-1".to_owned()],
                left: Vec::new(),
                carrier: "quic".to_owned(),
            };
            json!({"output": record})
        };
        let key = "run/20261129T180100Z-t1hdhk/home/1";
        let (_, agent) = HomeRecord::of_entry(key, &of(manifest)).unwrap().unwrap();
        assert_eq!(agent, Some(signer.key()));
        let error = HomeRecord::of_entry(key, &of(other)).unwrap_err();
        assert!(error.to_string().contains("does not fit"), "{error}");
        let elsewhere = HomeRecord::of_entry("run/x/train/1", &of(other)).unwrap();
        assert!(elsewhere.is_none(), "another stage says something else");
        assert!(HomeRecord::of_entry(key, &json!({})).is_err());
    }
}
