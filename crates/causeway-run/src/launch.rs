//! How a run begins: found again or made, then driven by one process.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Env, RunId, Secret, SiteId, SourceFile};
use causeway_law::Packs;
use causeway_market::Market;
use causeway_plan::{Comparison, Inputs, Records};

use crate::RunError;
use crate::driver::Driver;
use crate::events::{Event, Reporter};
use crate::files::{self, Files};
use crate::journal::{RunRow, Status};
use crate::path::{self, Deployed};
use crate::state::{State, publish, read_text};
use crate::workspace::Workspace;

/// What a launch is given besides the files.
pub struct Launch {
    /// Values of `--env`, over those of the file.
    pub envs: BTreeMap<String, String>,
    /// Values of `--secret`, and those that the environment has.
    pub secrets: BTreeMap<String, Secret>,
    /// The program that becomes the agent at a site.
    pub binary: Utf8PathBuf,
    /// Consider this site alone.
    pub site: Option<SiteId>,
    /// Rule packs.
    pub packs: Packs,
    /// Price lists.
    pub market: Market,
    /// Who is told.
    pub reporter: Arc<dyn Reporter>,
}

/// Compares the places for a task. Reads the workload's config.json; otherwise pure. `every_offer`: as in [`Inputs`].
///
/// # Errors
/// When config.json can't be read, or the planner refuses.
pub fn compare(
    files: &Files,
    packs: &Packs,
    market: &Market,
    at: causeway_domain::Timestamp,
    site: Option<&SiteId>,
    records: &Arc<Records>,
    every_offer: bool,
) -> Result<Comparison, RunError> {
    let organisation = Arc::new(files.organisation.clone());
    let workload = organisation
        .workload(Some(&files.task.name))
        .map(|(name, workload)| (name.to_owned(), workload.clone()));
    let config = match workload
        .as_ref()
        .and_then(|(name, workload)| workload.config.as_ref().map(|path| (name, path)))
    {
        Some((name, path)) => {
            let file = causeway_plan::normal(&files.organisation_folder, path);
            let text = read_text(&file, 4 << 20).map_err(|error| RunError::Read {
                path: file,
                error,
                help: format!("`workloads.{name}.config` names a config.json of Hugging Face"),
            })?;
            Some(text)
        }
        None => None,
    };
    if let Some(site) = site
        && !organisation.file.sites.contains_key(site)
    {
        let known: Vec<&str> = organisation.file.sites.keys().map(SiteId::as_str).collect();
        return Err(RunError::Value {
            what: format!(
                "there is no site `{site}`; causeway.yaml has: {}",
                known.join(", ")
            ),
        });
    }
    let inputs = Inputs {
        task: &files.task,
        task_folder: &files.task_folder,
        organisation: &organisation,
        organisation_folder: &files.organisation_folder,
        market,
        config: config.as_deref(),
        packs,
        at,
        site,
        records,
        every_offer,
    };
    match causeway_plan::plan(&inputs) {
        Ok(comparison) => Ok(comparison),
        Err(causeway_plan::PlanError::Paths { problems }) => Err(RunError::Files { problems }),
        Err(error) => Err(error.into()),
    }
}

/// Refuses what a valid file asks for and Causeway does not run; completes the variables.
///
/// # Errors
/// [`RunError::NotRun`], [`RunError::MissingValue`].
pub fn runnable(
    files: &Files,
    given: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, String>, RunError> {
    let task = &files.task;
    if !task.not_run.is_empty() {
        return Err(RunError::NotRun {
            problems: task.not_run.clone(),
        });
    }
    let mut envs = given.clone();
    for (name, value) in &task.envs {
        match (envs.contains_key(name), value) {
            (true, _) => {}
            (false, Some(value)) => {
                envs.insert(name.clone(), value.clone());
            }
            // SkyPilot's old way: a secret stands under envs without a value, and is given as one.
            (false, None) if secrets.contains_key(name) => {}
            (false, None) => {
                return Err(RunError::MissingValue {
                    kind: "env",
                    name: name.clone(),
                });
            }
        }
    }
    for (name, value) in &task.secrets {
        if value.is_none() && !secrets.contains_key(name) {
            return Err(RunError::MissingValue {
                kind: "secret",
                name: name.clone(),
            });
        }
    }
    Ok(envs)
}

/// The unfinished run of the same two files, if there is one.
///
/// # Errors
/// When the journal refuses.
pub fn unfinished(workspace: &Workspace, files: &Files) -> Result<Option<RunRow>, RunError> {
    workspace
        .journal
        .unfinished(&files.task_digest(), &files.organisation_digest())
}

/// Makes a run of two files and writes its copies of them. Says what became of unfinished runs of earlier versions.
///
/// # Errors
/// When the journal or the state directory refuse.
pub fn make(
    workspace: &Workspace,
    files: &Files,
    reporter: &dyn Reporter,
) -> Result<RunRow, RunError> {
    let _lock = workspace.state.short_lock()?;
    let now = workspace.now()?;
    let row = RunRow {
        id: RunId::new(now, workspace.env.random()),
        task: files.task_digest(),
        organisation: files.organisation_digest(),
        task_path: files.task_path.to_string(),
        organisation_path: files.organisation_path.to_string(),
        name: files.task.name.clone(),
        site: None,
        created: now,
        status: Status::Unfinished,
        detail: String::new(),
    };
    for old in workspace
        .journal
        .left_behind(&row.task_path, &row.task, &row.organisation)?
    {
        reporter.report(&Event::Warning { text: format!("the files changed since run {}: it stays unfinished; `causeway resume {}` goes on with its own copies", old.id, old.id) });
    }
    let folder = workspace.state.run(&row.id);
    fs_err::create_dir_all(&folder).map_err(|error| RunError::state(&folder, error))?;
    publish(
        &folder.join("task.yaml"),
        files.task.text_without_secrets().as_bytes(),
    )?;
    publish(
        &folder.join("causeway.yaml"),
        files.organisation.source.text.as_bytes(),
    )?;
    workspace.journal.insert(&row)?;
    Ok(row)
}

/// Both files of a run, from its own copies: what the user changed since does not count.
///
/// # Errors
/// When the copies can't be read.
pub fn copies(workspace: &Workspace, row: &RunRow) -> Result<Files, RunError> {
    copies_in(&workspace.state, row)
}

pub(crate) fn copies_in(state: &State, row: &RunRow) -> Result<Files, RunError> {
    let folder = state.run(&row.id);
    let source = |name: &str, shown: &str| {
        let path = folder.join(name);
        read_text(&path, 8 << 20)
            .map(|text| Arc::new(SourceFile::new(shown, text)))
            .map_err(|error| RunError::state(&path, error))
    };
    let (task, organisation) = (
        source("task.yaml", &row.task_path)?,
        source("causeway.yaml", &row.organisation_path)?,
    );
    let mut files = files::parse(
        &task,
        &organisation,
        Utf8Path::new(&row.task_path),
        Utf8Path::new(&row.organisation_path),
    )?;
    files.task.name.clone_from(&row.name);
    Ok(files)
}

/// Drives a run to its end.
///
/// # Errors
/// Where it stops; the journal says so, too.
pub async fn drive(
    workspace: &mut Workspace,
    row: RunRow,
    launch: Launch,
    resumed: bool,
) -> Result<Deployed, RunError> {
    let id = row.id.clone();
    let Some(_lock) = workspace.state.drive(&id)? else {
        let by = workspace
            .state
            .driver(&id)
            .unwrap_or_else(|| "another process".to_owned());
        return Err(RunError::Driven { run: id, by });
    };
    let files = copies(workspace, &row)?;
    let envs = runnable(&files, &launch.envs, &launch.secrets)?;
    launch.reporter.report(&Event::Run {
        run: id.clone(),
        resumed,
        name: row.name.clone(),
    });
    workspace.journal.set_status(&id, Status::Unfinished, "")?;
    let organisation = Arc::new(files.organisation.clone());
    let settings = causeway_plan::settings(&organisation);
    let mut driver = Driver {
        workspace,
        organisation,
        run: row,
        packs: launch.packs,
        settings,
        market: launch.market,
        envs,
        secrets: launch.secrets,
        binary: launch.binary,
        site: launch.site,
        reporter: launch.reporter,
        files,
    };
    let ended = path::drive(&mut driver).await;
    let (status, detail) = match &ended {
        Ok(_) => (Status::Done, String::new()),
        Err(RunError::Crash(_)) => return ended,
        Err(RunError::Stopped { .. }) => (Status::Stopped, "stopped".to_owned()),
        Err(
            error @ (RunError::JobFailed { .. }
            | RunError::NotAModel { .. }
            | RunError::NoCheckpoint { .. }
            | RunError::ClearanceLost { .. }
            | RunError::NotCleared { .. }
            | RunError::WrongRegion { .. }),
        ) => (Status::Failed, error.to_string()),
        Err(error) => (Status::Unfinished, error.to_string()),
    };
    driver.workspace.journal.set_status(&id, status, &detail)?;
    ended
}

/// Finds a run again: by its id, or the newest that is not done. A run that only the log remembers is written into the
/// journal anew.
///
/// # Errors
/// [`RunError::UnknownRun`].
pub fn find(workspace: &Workspace, run: Option<&RunId>) -> Result<RunRow, RunError> {
    match run {
        Some(id) => match workspace.journal.run(id)? {
            Some(row) => Ok(row),
            None => recover(workspace, id)?.ok_or_else(|| RunError::UnknownRun {
                run: id.to_string(),
            }),
        },
        None => {
            let rows = workspace.journal.runs()?;
            rows.into_iter()
                .find(|row| row.status != Status::Done)
                .ok_or_else(|| RunError::UnknownRun {
                    run: "unfinished".to_owned(),
                })
        }
    }
}

/// Rebuilds a run's row from the log's plan entry and the run's own copies of the files.
fn recover(workspace: &Workspace, id: &RunId) -> Result<Option<RunRow>, RunError> {
    let Some((_, predicate)) = workspace.logged(id, crate::events::StageName::Plan)? else {
        return Ok(None);
    };
    let deployed = workspace
        .logged(id, crate::events::StageName::Deploy)?
        .is_some();
    let row = remembered(id, &predicate, deployed, workspace.env.now())?;
    workspace.journal.insert(&row)?;
    Ok(Some(row))
}

/// A run's row from the log's plan entry.
pub(crate) fn remembered(
    id: &RunId,
    plan: &serde_json::Value,
    deployed: bool,
    now: causeway_domain::Timestamp,
) -> Result<RunRow, RunError> {
    let output = plan.get("output").cloned().unwrap_or_default();
    let text = |name: &str| {
        output
            .get(name)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let digest = |name: &str| {
        text(name)
            .parse()
            .map_err(|error: causeway_domain::InvalidDigest| RunError::Journal {
                what: error.to_string(),
            })
    };
    Ok(RunRow {
        id: id.clone(),
        task: digest("task_digest")?,
        organisation: digest("organisation_digest")?,
        task_path: text("task_path"),
        organisation_path: text("organisation_path"),
        name: text("task"),
        site: Some(text("site")).filter(|site| !site.is_empty()),
        created: now,
        status: if deployed {
            Status::Done
        } else {
            Status::Unfinished
        },
        detail: String::new(),
    })
}
