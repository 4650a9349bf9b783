//! What another day, another pack or another posture would mean for every run: planned, running and past.
//!
//! The acts of a run are made anew from its own copies of both files, for the place that it was planned at, and judged. What
//! was said when it was cleared stands in the log. Nothing is launched and nothing is written: not to the log, not to the
//! journal, not even what waits in the outbox.

use std::collections::BTreeMap;

use camino::Utf8Path;
use causeway_domain::{PackId, RunId, Timestamp};
use causeway_law::{ActVerdict, Outcome, Packs, Posture, Review, RuleHit, Settings, clear};
use causeway_ledger::{EntryKey, Log, LogKey, Statement};
use causeway_market::Market;
use serde::Serialize;
use serde_json::Value;

use crate::RunError;
use crate::approvals::{self, Shelf};
use crate::events::StageName;
use crate::journal::{Journal, RunRow};
use crate::launch::{compare, copies_in, remembered};
use crate::state::State;
use crate::workspace::ORIGIN;

/// By what law runs are judged again.
#[derive(Debug, Clone)]
pub struct Law {
    /// The packs.
    pub packs: Packs,
    /// Packs that are switched on beside those of each organisation.
    pub what_ifs: Vec<PackId>,
    /// A posture in place of each organisation's own.
    pub posture: Option<Posture>,
    /// The instant.
    pub at: Timestamp,
}

/// What becomes of one run.
#[derive(Debug, Clone, Serialize)]
pub struct RunImpact {
    /// The run.
    pub run: RunId,
    /// The task's name.
    pub task: String,
    /// Where it was planned.
    pub place: String,
    /// The last stage that is done.
    pub stage: Option<StageName>,
    /// The day for which it was cleared last; none where it never was.
    pub cleared_on: Option<String>,
    /// The strictest outcome that was recorded.
    pub old: Option<Outcome>,
    /// The strictest outcome now; none where it can't be judged.
    pub new: Option<Outcome>,
    /// Acts of which the answer changes.
    pub acts: Vec<ActImpact>,
    /// Why it can't be judged again.
    pub unknown: Option<String>,
}

/// What becomes of one act.
#[derive(Debug, Clone, Serialize)]
pub struct ActImpact {
    /// The act in a line.
    pub about: String,
    /// The outcome that was recorded; none where none was.
    pub old: Option<Outcome>,
    /// The outcome now.
    pub new: Outcome,
    /// How the authority looked at a request.
    pub old_review: Option<Review>,
    /// How it looks at one now.
    pub review: Option<Review>,
    /// What an allow obliged to.
    pub old_obligations: Vec<String>,
    /// What an allow obliges to now.
    pub obligations: Vec<String>,
    /// Ids of the rules that decided.
    pub old_rules: Vec<String>,
    /// The rules that decide now.
    pub deciding: Vec<RuleHit>,
    /// Facts on which the answer turns now: name, and why it is unknown.
    pub open_facts: Vec<(String, String)>,
}

impl RunImpact {
    /// Whether anything changes, or nobody can say.
    #[must_use]
    pub fn changes(&self) -> bool {
        !self.acts.is_empty() || self.unknown.is_some()
    }
}

/// The state directory, opened for reading.
struct Past {
    state: State,
    journal: Journal,
    log: Log,
    /// Statements that a crash left in the outbox.
    waiting: BTreeMap<EntryKey, Statement>,
}

impl Past {
    fn open(dir: &Utf8Path) -> Result<Self, RunError> {
        let state = State::open(dir, false)?;
        let journal = Journal::open(&state.journal())?;
        let log = Log::open(
            &state.log(),
            LogKey::open_or_create(&state.log_key(), ORIGIN)?,
        )?;
        let mut waiting = BTreeMap::new();
        for one in journal.outbox()? {
            let key = EntryKey::stage(&one.run, &one.stage, one.attempt);
            waiting.insert(key, Statement::parse(&one.statement)?);
        }
        Ok(Self {
            state,
            journal,
            log,
            waiting,
        })
    }

    /// What a stage's newest attempt left.
    fn said(&self, run: &RunId, stage: StageName) -> Result<Option<Value>, RunError> {
        let mut newest = None;
        for attempt in 1.. {
            let key = EntryKey::stage(run, stage.word(), attempt);
            let statement = match self.log.find(&key)? {
                Some((_, entry)) => entry.envelope.statement()?,
                None => match self.waiting.get(&key) {
                    Some(statement) => statement.clone(),
                    None => break,
                },
            };
            newest = Some(statement.predicate);
        }
        Ok(newest)
    }

    /// Every run, newest first: those of the journal, and those that only the log remembers.
    fn runs(&self, now: Timestamp) -> Result<Vec<RunRow>, RunError> {
        let mut rows: BTreeMap<RunId, RunRow> = self
            .journal
            .runs()?
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
        for (_, key, _) in self.log.keys() {
            let Some(run) = key.run().filter(|run| !rows.contains_key(run)) else {
                continue;
            };
            if let Some(plan) = self.said(&run, StageName::Plan)? {
                let deployed = self.said(&run, StageName::Deploy)?.is_some();
                let row = remembered(&run, &plan, deployed, now)?;
                rows.insert(run, row);
            }
        }
        Ok(rows.into_values().rev().collect())
    }
}

/// Judges every run of a state directory again, newest first.
///
/// # Errors
/// When the state directory can't be read. A run that can't be judged says so in its own answer.
pub fn impact(dir: &Utf8Path, law: &Law, market: &Market) -> Result<Vec<RunImpact>, RunError> {
    let past = Past::open(dir)?;
    past.runs(law.at)?
        .iter()
        .map(|row| of_run(&past, row, law, market))
        .collect()
}

fn of_run(past: &Past, row: &RunRow, law: &Law, market: &Market) -> Result<RunImpact, RunError> {
    let mut stage = None;
    for name in StageName::ALL {
        if past.said(&row.id, name)?.is_some() {
            stage = Some(name);
        }
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let plan = past.said(&row.id, StageName::Plan)?;
    let place = text(plan.as_ref().and_then(|plan| plan.pointer("/output/place")));
    let cleared = past.said(&row.id, StageName::Clear)?;
    let recorded: Vec<ActVerdict> = cleared
        .as_ref()
        .and_then(|cleared| cleared.pointer("/says/clearance/verdicts"))
        .map(|verdicts| serde_json::from_value(verdicts.clone()))
        .transpose()
        .map_err(|error| RunError::Journal {
            what: format!("the log's entry of stage clear of run {}: {error}", row.id),
        })?
        .unwrap_or_default();
    let mut answer = RunImpact {
        run: row.id.clone(),
        task: row.name.clone(),
        place: place.clone().unwrap_or_default(),
        stage,
        cleared_on: text(
            cleared
                .as_ref()
                .and_then(|cleared| cleared.pointer("/output/day")),
        ),
        old: recorded.iter().map(|verdict| verdict.outcome).max(),
        new: None,
        acts: Vec::new(),
        unknown: None,
    };
    match judge_again(past, row, place.as_deref(), law, market) {
        Ok(verdicts) => {
            answer.new = verdicts.iter().map(|verdict| verdict.outcome).max();
            if cleared.is_some() && recorded.len() != verdicts.len() {
                answer.unknown = Some(format!(
                    "the plan had {} acts when it was cleared and has {} now: what it sends was declared otherwise",
                    recorded.len(),
                    verdicts.len()
                ));
            }
            let mut old = recorded.iter();
            answer.acts = verdicts
                .iter()
                .filter_map(|new| of_act(old.next().filter(|old| old.kind == new.kind), new))
                .collect();
        }
        Err(why) => answer.unknown = Some(why.to_string()),
    }
    Ok(answer)
}

/// The acts of a run under another law, from its own copies of both files.
fn judge_again(
    past: &Past,
    row: &RunRow,
    place: Option<&str>,
    law: &Law,
    market: &Market,
) -> Result<Vec<ActVerdict>, RunError> {
    let files = copies_in(&past.state, row)?;
    let site = row.site.as_ref().and_then(|site| site.parse().ok());
    let shelf = Shelf {
        state: &past.state,
        log: &past.log,
        now: law.at,
    };
    let records = approvals::records(shelf, &files.organisation, Some(&row.id))?;
    let comparison = compare(
        &files,
        &law.packs,
        market,
        law.at,
        site.as_ref(),
        &records,
        false,
    )?;
    // Before the plan stage nothing is chosen: the place that would be taken now.
    let label = match place {
        Some(place) => Ok(place.to_owned()),
        None => comparison
            .choose()
            .map(|planned| planned.candidate().label.clone()),
    };
    let undertaking = label.and_then(|label| {
        comparison
            .undertaking(&label)
            .ok_or_else(|| format!("`{label}` is no place of the plan any more"))
    });
    let undertaking = undertaking.map_err(|why| RunError::NoPlace {
        why,
        help: "`causeway plan` shows every place and what it lacks".to_owned(),
    })?;
    let mut settings: Settings = causeway_plan::settings(&files.organisation);
    settings.packs.extend(law.what_ifs.iter().cloned());
    if let Some(posture) = law.posture {
        settings.posture = posture;
    }
    Ok(clear(undertaking, &law.packs, &settings, law.at)
        .clearance()
        .verdicts
        .clone())
}

/// None where the answer is the same.
fn of_act(old: Option<&ActVerdict>, new: &ActVerdict) -> Option<ActImpact> {
    let same = old.is_some_and(|old| {
        (old.outcome, old.review, &old.obligations) == (new.outcome, new.review, &new.obligations)
    });
    (!same).then(|| ActImpact {
        about: new.about.clone(),
        old: old.map(|old| old.outcome),
        new: new.outcome,
        old_review: old.and_then(|old| old.review),
        review: new.review,
        old_obligations: old.map(|old| old.obligations.clone()).unwrap_or_default(),
        obligations: new.obligations.clone(),
        old_rules: old
            .map(|old| old.deciding.iter().map(|hit| hit.id.clone()).collect())
            .unwrap_or_default(),
        deciding: new.deciding.clone(),
        open_facts: new
            .open_facts
            .iter()
            .map(|fact| (fact.fact.clone(), fact.why.clone()))
            .collect(),
    })
}
