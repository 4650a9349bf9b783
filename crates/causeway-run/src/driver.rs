//! A run and what drives it. One wrapper around every stage keeps journal and log; the stages know neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8PathBuf;
use causeway_domain::organisation::Organisation;
use causeway_domain::{Env, RunId, Secret, Timestamp};
use causeway_law::{Packs, Settings};
use causeway_ledger::{Statement, Subject};
use causeway_market::Market;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::RunError;
use crate::events::{Event, Reporter, StageName};
use crate::files::Files;
use crate::journal::RunRow;
use crate::workspace::{Workspace, predicate_type, signable};

/// Fault points around each stage: begun (intent written), worked (done, nothing written), journaled (outcome and statement
/// in one transaction), logged (appended).
pub const STAGE_FAULTS: [[&str; 4]; 7] = [
    ["plan.begun", "plan.worked", "plan.journaled", "plan.logged"],
    [
        "clear.begun",
        "clear.worked",
        "clear.journaled",
        "clear.logged",
    ],
    [
        "stage.begun",
        "stage.worked",
        "stage.journaled",
        "stage.logged",
    ],
    [
        "train.begun",
        "train.worked",
        "train.journaled",
        "train.logged",
    ],
    ["home.begun", "home.worked", "home.journaled", "home.logged"],
    [
        "admit.begun",
        "admit.worked",
        "admit.journaled",
        "admit.logged",
    ],
    [
        "deploy.begun",
        "deploy.worked",
        "deploy.journaled",
        "deploy.logged",
    ],
];

/// What a run is driven with.
pub struct Driver<'a> {
    /// Everything at home.
    pub workspace: &'a mut Workspace,
    /// Both files.
    pub files: Files,
    /// The organisation, shared with plans.
    pub organisation: Arc<Organisation>,
    /// The run.
    pub run: RunRow,
    /// Rule packs.
    pub packs: Packs,
    /// How the organisation reads the law.
    pub settings: Settings,
    /// Price lists.
    pub market: Market,
    /// Variables of the task, complete.
    pub envs: BTreeMap<String, String>,
    /// Secrets of the task that were given; asked for again on resume.
    pub secrets: BTreeMap<String, Secret>,
    /// The program that becomes the agent at a site: usually the one that runs now.
    pub binary: Utf8PathBuf,
    /// Consider this site alone.
    pub site: Option<causeway_domain::SiteId>,
    /// Who is told.
    pub reporter: Arc<dyn Reporter>,
}

/// What a stage gives to the wrapper.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What later stages need; goes into the log.
    pub output: T,
    /// What it speaks of.
    pub subjects: Vec<Subject>,
    /// What else is said.
    pub says: Value,
    /// In a line, for people.
    pub summary: String,
}

impl Driver<'_> {
    /// The run's id.
    #[must_use]
    pub const fn id(&self) -> &RunId {
        &self.run.id
    }

    /// The present instant; never before the log's last entry.
    ///
    /// # Errors
    /// [`RunError::ClockBehind`].
    pub fn now(&self) -> Result<Timestamp, RunError> {
        self.workspace.now()
    }

    /// Approvals on file, and what other runs used and moved.
    ///
    /// # Errors
    /// When an entry of the log can't be read.
    pub fn records(&self) -> Result<Arc<causeway_plan::Records>, RunError> {
        crate::approvals::records(
            self.workspace.shelf(),
            &self.organisation,
            Some(&self.run.id),
        )
    }

    /// Tells a consumer.
    pub fn report(&self, event: &Event) {
        self.reporter.report(event);
    }

    /// Tells something that a person should know.
    pub fn note(&self, text: impl Into<String>) {
        self.report(&Event::Note { text: text.into() });
    }

    /// Tells something that a person may have to act on.
    pub fn warn(&self, text: impl Into<String>) {
        self.report(&Event::Warning { text: text.into() });
    }

    /// A fault point of a stage.
    fn fault(&self, stage: StageName, moment: usize) -> Result<(), RunError> {
        let index = StageName::ALL
            .iter()
            .position(|known| *known == stage)
            .unwrap_or(0);
        if let Some(point) = STAGE_FAULTS
            .get(index)
            .and_then(|points| points.get(moment))
        {
            self.workspace.env.fault(point)?;
        }
        Ok(())
    }

    /// What a stage gave before, as the log says.
    ///
    /// # Errors
    /// When the entry can't be read.
    pub fn done<T: DeserializeOwned>(
        &self,
        stage: StageName,
    ) -> Result<Option<(u32, T)>, RunError> {
        let Some((attempt, predicate)) = self.workspace.logged(&self.run.id, stage)? else {
            return Ok(None);
        };
        let output = predicate.get("output").cloned().unwrap_or(Value::Null);
        let output = serde_json::from_value(output).map_err(|error| RunError::Journal {
            what: format!("the log's entry of stage {stage}: {error}"),
        })?;
        Ok(Some((attempt, output)))
    }

    /// Writes the intent of a stage.
    ///
    /// # Errors
    /// When the journal refuses.
    pub fn begin(&mut self, stage: StageName, attempt: u32) -> Result<(), RunError> {
        self.report(&Event::StageBegan { stage });
        // Entries of other processes count, too, when the clock is compared with the log.
        self.workspace.log.refresh()?;
        self.workspace
            .journal
            .begin(&self.run.id, stage.word(), attempt, self.now()?)?;
        self.fault(stage, 0)
    }

    /// Writes the outcome of a stage into the journal and the log.
    ///
    /// # Errors
    /// When journal or log refuse.
    pub fn finish<T: Serialize>(
        &mut self,
        stage: StageName,
        attempt: u32,
        outcome: &Outcome<T>,
    ) -> Result<(), RunError> {
        self.fault(stage, 1)?;
        let at = self.now()?;
        let encode = |value: &T| {
            serde_json::to_value(value).map_err(|error| RunError::Journal {
                what: error.to_string(),
            })
        };
        let output = signable(encode(&outcome.output)?);
        let statement = Statement {
            subject: outcome.subjects.clone(),
            predicate_type: predicate_type(stage.word()),
            predicate: signable(json!({
                "run": self.run.id,
                "stage": stage,
                "attempt": attempt,
                "at": at,
                "clock": self.workspace.state.clock(),
                "organisation": self.files.organisation.file.organisation,
                "says": outcome.says,
                "output": output,
            })),
        };
        let text = statement.to_text()?;
        self.workspace
            .journal
            .finish(&self.run.id, stage.word(), attempt, &output, &text, at)?;
        self.fault(stage, 2)?;
        self.workspace.drain()?;
        self.fault(stage, 3)?;
        self.report(&Event::StageDone {
            stage,
            summary: outcome.summary.clone(),
            before: false,
        });
        Ok(())
    }
}
