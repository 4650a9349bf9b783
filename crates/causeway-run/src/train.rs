//! Train: one job at the site's engine, its output live, its checkpoints streaming home while it runs.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_backends::{Backend, JobHandle, JobSpec, JobState};
use causeway_domain::{Env, Hours, RunId, Timestamp, Usd};
use causeway_law::Cleared;
use causeway_ledger::Subject;
use causeway_plan::Planned;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::RunError;
use crate::driver::{Driver, Outcome};
use crate::events::{Event, Reporter, StageName};
use crate::home::Stream;
use crate::path::still_cleared;
use crate::site::Way;
use crate::stage::Staged;
use crate::state::State;

/// How often a job that its machine lost is started again from its last checkpoint.
const RECOVERIES: usize = 5;
/// Exit codes of a job that somebody else ended: KILL (a lost machine, no memory left) and TERM (a preemption).
const KILLED: [i32; 2] = [137, 143];
/// How long a job may take to end after it was told to. Seconds.
const GRACE: u32 = 30;

/// A job that ended well.
#[derive(Debug)]
pub(crate) struct Trained {
    /// The plan.
    pub cleared: Cleared<Planned>,
    /// The way to the site.
    pub way: Way,
    /// What became of the job.
    pub record: TrainRecord,
    /// The checkpoints on their way home.
    pub stream: Option<Stream>,
}

/// What the stage leaves in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainRecord {
    /// The job, as the site knows it.
    pub job: JobHandle,
    /// When its first attempt started, by the site's clock.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Every attempt and how it ended.
    pub attempts: Vec<Attempt>,
    /// What the machines cost: price times time, where the price is known.
    pub cost: Option<Usd>,
}

/// One attempt at the job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// How it ended, in words.
    pub ended: String,
}

/// Runs the job to its end.
///
/// # Errors
/// When the clearance was lost, the job failed or was stopped, or the site can't be reached.
pub(crate) async fn train(driver: &mut Driver<'_>, staged: Staged) -> Result<Trained, RunError> {
    let Staged { cleared, way } = staged;
    if let Some((_, record)) = driver.done::<TrainRecord>(StageName::Train)? {
        copy_output(driver, &way, &record.job).await?;
        driver.report(&Event::StageDone {
            stage: StageName::Train,
            summary: in_words(&record),
            before: true,
        });
        return Ok(Trained {
            cleared,
            way,
            record,
            stream: None,
        });
    }
    driver.begin(StageName::Train, 1)?;
    let connector = way.connect(driver.id()).await?;
    let stream = Stream::start(driver, &way, connector);
    let mut attempts: Vec<Attempt> = driver
        .workspace
        .journal
        .note(driver.id(), "attempts")?
        .unwrap_or_default();
    let mut started = None;
    let (job, ended) = loop {
        let attempt = u32::try_from(attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let handle = launch(driver, &cleared, &way, attempt).await?;
        let state = watch(driver, &way, &handle).await?;
        let report = way.engine.report(&handle).await?;
        started = started.or(report.started);
        match state {
            JobState::Exited { code: 0, .. } => {
                attempts.push(Attempt {
                    attempt,
                    ended: "exit code 0".to_owned(),
                });
                break (handle, report.ended);
            }
            JobState::Exited { code, .. } if KILLED.contains(&code) => {
                recover(
                    driver,
                    &mut attempts,
                    attempt,
                    &format!("ended by signal {}", code - 128),
                )?;
            }
            JobState::Exited { code, .. } => {
                remember(driver, &mut attempts, attempt, format!("exit code {code}"))?;
                return Err(RunError::JobFailed {
                    run: driver.run.id.clone(),
                    code,
                });
            }
            JobState::Stopped => {
                remember(driver, &mut attempts, attempt, "stopped".to_owned())?;
                return Err(RunError::Stopped {
                    run: driver.run.id.clone(),
                });
            }
            JobState::Lost { why } => recover(driver, &mut attempts, attempt, &why)?,
            JobState::NotStarted | JobState::Running => {
                return Err(RunError::Value {
                    what: format!(
                        "site `{}` says that the job neither runs nor ended; `causeway resume {}` asks again",
                        way.site, driver.run.id
                    ),
                });
            }
        }
    };
    let cost = cost(&cleared, started, ended);
    let record = TrainRecord {
        job,
        started,
        ended,
        attempts,
        cost,
    };
    let subjects = vec![Subject::blake3(
        "job",
        causeway_domain::Digest::new(
            *blake3::hash(format!("{}/{}", record.job.run, record.job.attempt).as_bytes())
                .as_bytes(),
        ),
    )];
    let candidate = cleared.get().candidate();
    let says = json!({
        "country": candidate.place.country,
        "operator": candidate.operator,
        "price_per_hour": candidate.price_per_hour.map(|price| price.to_string()),
        "price_source": candidate.offer_source,
        "stands_in_for": candidate.stands_in_for,
        "obligations": cleared.obligations(),
    });
    driver.finish(
        StageName::Train,
        1,
        &Outcome {
            summary: in_words(&record),
            output: record.clone(),
            subjects,
            says,
        },
    )?;
    Ok(Trained {
        cleared,
        way,
        record,
        stream: Some(stream),
    })
}

/// A job that was lost is started again; one that is lost again and again is not.
fn recover(
    driver: &Driver<'_>,
    attempts: &mut Vec<Attempt>,
    attempt: u32,
    why: &str,
) -> Result<(), RunError> {
    remember(driver, attempts, attempt, format!("lost: {why}"))?;
    let lost = attempts
        .iter()
        .filter(|one| one.ended.starts_with("lost"))
        .count();
    if lost > RECOVERIES {
        return Err(RunError::Value {
            what: format!(
                "the job was lost {lost} times ({why}): look at the site before `causeway resume {}`",
                driver.run.id
            ),
        });
    }
    driver.warn(format!(
        "the job was lost ({why}): starting it again from its last checkpoint"
    ));
    Ok(())
}

fn remember(
    driver: &Driver<'_>,
    attempts: &mut Vec<Attempt>,
    attempt: u32,
    ended: String,
) -> Result<(), RunError> {
    attempts.push(Attempt { attempt, ended });
    driver
        .workspace
        .journal
        .set_note(driver.id(), "attempts", attempts)
}

/// The launcher: takes nothing but a cleared plan, and judges it once more before the job's first instruction.
async fn launch(
    driver: &Driver<'_>,
    cleared: &Cleared<Planned>,
    way: &Way,
    attempt: u32,
) -> Result<JobHandle, RunError> {
    still_cleared(driver, cleared)?;
    let task = &driver.files.task;
    let mut envs = driver.envs.clone();
    envs.insert("CAUSEWAY_RUN".to_owned(), driver.run.id.to_string());
    envs.insert(
        "CAUSEWAY_CHECKPOINTS".to_owned(),
        way.checkpoints.to_string(),
    );
    let gpus = cleared
        .get()
        .candidate()
        .accelerator
        .as_ref()
        .map_or(0, |(_, count)| *count);
    let spec = JobSpec {
        run: driver.run.id.clone(),
        attempt,
        name: task.name.clone(),
        user: None,
        directory: way.directory.clone(),
        workdir: way.workdir.clone(),
        setup: task.setup.clone(),
        run_script: task.run.clone().unwrap_or_default(),
        envs,
        secrets: driver.secrets.clone(),
        nodes: task.num_nodes,
        gpus_per_node: gpus,
        grace_seconds: GRACE,
    };
    let handle = way.engine.launch(&spec).await?;
    driver
        .workspace
        .journal
        .set_note(driver.id(), "job", &handle)?;
    driver.workspace.env.fault("train.launched")?;
    if task.num_nodes > 1 {
        driver.note(format!(
            "{} nodes are {} processes of one machine at site `{}`",
            task.num_nodes, task.num_nodes, way.site
        ));
    }
    Ok(handle)
}

/// Follows the job's output until the job is over.
async fn watch(driver: &Driver<'_>, way: &Way, handle: &JobHandle) -> Result<JobState, RunError> {
    let mut output = OutputFile::open(&driver.workspace.state, &driver.run.id, handle.attempt)?;
    let reporter = driver.reporter.clone();
    let from = output.length;
    way.engine
        .logs(handle, from, true, |bytes| {
            output.take(bytes, reporter.as_ref())
        })
        .await?;
    output.check()?;
    Ok(way.engine.wait(handle).await?)
}

/// Takes the rest of a finished job's output home.
async fn copy_output(driver: &Driver<'_>, way: &Way, handle: &JobHandle) -> Result<(), RunError> {
    let mut output = OutputFile::open(&driver.workspace.state, &driver.run.id, handle.attempt)?;
    let from = output.length;
    way.engine
        .logs(handle, from, false, |bytes| {
            output.take(bytes, &crate::events::Silent)
        })
        .await?;
    output.check()
}

/// The job's output at home: readable afterwards, whatever becomes of the site.
struct OutputFile {
    path: Utf8PathBuf,
    file: std::fs::File,
    length: u64,
    failed: Option<std::io::Error>,
}

impl OutputFile {
    fn open(state: &State, run: &RunId, attempt: u32) -> Result<Self, RunError> {
        let path = output_path(state, run, attempt);
        let error = |error| RunError::state(&path, error);
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(error)?;
        let length = file.metadata().map_err(error)?.len();
        Ok(Self {
            path,
            file,
            length,
            failed: None,
        })
    }

    fn take(&mut self, bytes: &[u8], reporter: &dyn Reporter) {
        if let Err(error) = self.file.write_all(bytes) {
            self.failed.get_or_insert(error);
        }
        reporter.report(&Event::Output {
            text: String::from_utf8_lossy(bytes).into_owned(),
        });
    }

    fn check(self) -> Result<(), RunError> {
        match self.failed {
            Some(error) => Err(RunError::state(&self.path, error)),
            None => Ok(()),
        }
    }
}

/// Where the output of an attempt is at home.
#[must_use]
pub fn output_path(state: &State, run: &RunId, attempt: u32) -> Utf8PathBuf {
    state.run(run).join(format!("job-{attempt}.log"))
}

fn in_words(record: &TrainRecord) -> String {
    let time = match (record.started, record.ended) {
        (Some(started), Some(ended)) => causeway_plan::span(Hours::new(
            ended.duration_since(started).as_secs_f64() / 3600.0,
        )),
        _ => "a time that the site does not tell".to_owned(),
    };
    let attempts = if record.attempts.len() > 1 {
        format!(", {} attempts", record.attempts.len())
    } else {
        String::new()
    };
    format!("the job ended well after {time}{attempts}")
}

fn cost(
    cleared: &Cleared<Planned>,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
) -> Option<Usd> {
    let price = cleared.get().candidate().price_per_hour?;
    let seconds = ended?.duration_since(started?).as_secs();
    let hours = Decimal::from(seconds) / Decimal::from(3600);
    Some(Usd::new((price.get() * hours).round_dp(6)))
}

/// Stops the job of a run: TERM to all of it, then KILL.
///
/// # Errors
/// When the run has no job, or the site can't be reached.
pub async fn stop(workspace: &crate::Workspace, row: &crate::RunRow) -> Result<JobState, RunError> {
    let files = crate::launch::copies(workspace, row)?;
    let Some(handle) = workspace.journal.note::<JobHandle>(&row.id, "job")? else {
        return Err(RunError::Value {
            what: format!("run {} has no job", row.id),
        });
    };
    let Some(site) = files.organisation.file.sites.get(&handle.site) else {
        return Err(RunError::Value {
            what: format!(
                "causeway.yaml of run {} has no site `{}`",
                row.id, handle.site
            ),
        });
    };
    let env: Arc<dyn Env> = workspace.env.clone();
    let (engine, _) = crate::site::engine(&handle.site, site, &files.organisation_folder, env)?;
    Ok(engine
        .stop(&handle, Duration::from_secs(u64::from(GRACE)))
        .await?)
}
