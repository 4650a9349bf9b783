//! The one straight path, top to bottom as the product does it. Each line is one stage with one input type and one output
//! type; no stage reaches past its neighbour. Journal and log are kept by [`Driver::begin`] and [`Driver::finish`].

use std::collections::BTreeMap;

use causeway_law::{
    Cleared, Described, Outcome as LawOutcome, Used, Verdict, clear as judge_acts, needed,
};
use causeway_ledger::Subject;
use causeway_plan::{Candidate, Move, Planned};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::RunError;
use crate::admit::{self, Admitted};
use crate::approvals;
use crate::driver::{Driver, Outcome};
use crate::events::{Event, StageName};
use crate::home::{self, Home};
use crate::launch::compare;
use crate::screening;
use crate::stage::{self, Staged};
use crate::train::{self, Trained};

pub use crate::admit::Deployed;

/// From the files to a deployed model.
///
/// # Errors
/// Where it stops, and why.
pub async fn drive(driver: &mut Driver<'_>) -> Result<Deployed, RunError> {
    let planned = plan(driver)?;
    let cleared = clear(driver, planned)?;
    let staged: Staged = stage::stage(driver, cleared).await?;
    let trained: Trained = train::train(driver, staged).await?;
    let home: Home = home::bring_home(driver, trained).await?;
    let admitted: Admitted = admit::admit(driver, home).await?;
    admit::deploy(driver, admitted).await
}

/// What the plan stage leaves in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanRecord {
    /// The task's name.
    pub task: String,
    /// BLAKE3 of the task file.
    pub task_digest: String,
    /// BLAKE3 of the organisation file.
    pub organisation_digest: String,
    /// Where the task file was.
    pub task_path: String,
    /// Where the organisation file was.
    pub organisation_path: String,
    /// The chosen candidate's label.
    pub place: String,
    /// Its site.
    pub site: String,
}

/// Compares the places and takes the best. Computed anew after a restart: it depends on nothing but its inputs. The site
/// that the log names is kept, so that a run never moves to another place by being resumed.
fn plan(driver: &mut Driver<'_>) -> Result<Planned, RunError> {
    let before: Option<(u32, PlanRecord)> = driver.done(StageName::Plan)?;
    let site = match &before {
        Some((_, record)) => Some(record.site.parse().map_err(
            |error: causeway_domain::InvalidId| RunError::Value {
                what: error.to_string(),
            },
        )?),
        None => driver.site.clone(),
    };
    if before.is_none() {
        driver.begin(StageName::Plan, 1)?;
    }
    let comparison = compare(
        &driver.files,
        &driver.packs,
        &driver.market,
        driver.now()?,
        site.as_ref(),
        &driver.records()?,
        false,
    )?;
    let planned = comparison.choose().map_err(|why| RunError::NoPlace {
        why,
        help: "`causeway plan` shows every place and what it lacks".to_owned(),
    })?;
    if let Some((_, record)) = before {
        driver.report(&Event::StageDone {
            stage: StageName::Plan,
            summary: format!("train at {}", record.place),
            before: true,
        });
        return Ok(planned);
    }
    let candidate = planned.candidate();
    let site = candidate
        .site
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    driver.workspace.journal.set_site(&driver.run.id, &site)?;
    let (task, organisation) = (
        driver.files.task_digest(),
        driver.files.organisation_digest(),
    );
    let record = PlanRecord {
        task: driver.run.name.clone(),
        task_digest: task.to_string(),
        organisation_digest: organisation.to_string(),
        task_path: driver.run.task_path.clone(),
        organisation_path: driver.run.organisation_path.clone(),
        place: candidate.label.clone(),
        site,
    };
    let files = [&driver.files.task.source, &driver.files.organisation.source];
    let names = ["task.yaml", "causeway.yaml"];
    let subjects = names
        .iter()
        .zip(files)
        .zip([task, organisation])
        .map(|((name, file), blake3)| {
            Subject::sha256(*name, causeway_ledger::sha256(file.text.as_bytes()))
                .and("blake3", blake3)
        })
        .collect();
    let outcome = Outcome {
        summary: format!("train at {}", candidate.label),
        output: record,
        subjects,
        says: json!({
            "candidates": comparison.candidates.iter().map(candidate_in_short).collect::<Vec<_>>(),
            "stands_in_for": candidate.stands_in_for,
        }),
    };
    driver.finish(StageName::Plan, 1, &outcome)?;
    Ok(planned)
}

fn candidate_in_short(candidate: &Candidate) -> Value {
    json!({
        "place": candidate.label,
        "operator": candidate.operator,
        "country": candidate.place.country.known(),
        "outcome": candidate.outcome,
        "score": format!("{:.1}", candidate.score),
        "cost": candidate.cost().map(|cost| cost.to_string()),
        "hours": candidate.hours().map(|hours| format!("{:.4}", hours.get())),
        "chip": candidate.accelerator.as_ref().map(|(name, _)| name),
        "chips": candidate.accelerator.as_ref().map_or(0, |(_, count)| u64::from(*count) * u64::from(candidate.nodes)),
        "operations": candidate.estimate.as_ref().ok().map(|estimate| format!("{:e}", estimate.flops.get())),
        "price_per_hour": candidate.price_per_hour.map(|price| price.to_string()),
        "price_source": candidate.offer_source,
        "infeasible": candidate.infeasible,
        "unreachable": candidate.unreachable,
    })
}

/// What the clear stage leaves in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearRecord {
    /// The outcome.
    pub outcome: LawOutcome,
    /// Digest of the packs.
    pub packs: String,
    /// The day for which the law was asked.
    pub day: String,
    /// Ids of the deciding rules, act by act.
    pub deciding: Vec<Vec<String>>,
    /// What the allow obliges to.
    pub obligations: Vec<String>,
    /// What it uses of each authorisation on file.
    #[serde(default)]
    pub uses: BTreeMap<String, Used>,
    /// Data that it moves: other runs add them to theirs.
    #[serde(default)]
    pub moves: Vec<Move>,
}

/// Judges every act of the plan, now. After a restart it is computed anew and compared with the log, never read back; when
/// the answer changed (a pack, a day, a fact), the new one is another entry.
fn clear(driver: &mut Driver<'_>, planned: Planned) -> Result<Cleared<Planned>, RunError> {
    let before: Option<(u32, ClearRecord)> = driver.done(StageName::Clear)?;
    let at = driver.now()?;
    approvals::note_reviewers(driver.workspace, &driver.organisation)?;
    let planned = planned.with_records(driver.records()?);
    let acts = planned.described(at);
    let moves = planned.moves(at);
    let verdict = judge_acts(planned, &driver.packs, &driver.settings, at);
    let clearance = verdict.clearance();
    let record = ClearRecord {
        outcome: clearance.outcome(),
        packs: clearance.packs.to_string(),
        day: jiff::tz::TimeZone::UTC.to_datetime(at).date().to_string(),
        deciding: clearance
            .verdicts
            .iter()
            .map(|verdict| verdict.deciding.iter().map(|hit| hit.id.clone()).collect())
            .collect(),
        obligations: clearance.obligations(),
        uses: uses(&acts, clearance),
        moves,
    };
    let attempt = before.as_ref().map_or(
        1,
        |(attempt, known)| if same(known, &record) { 0 } else { attempt + 1 },
    );
    if attempt == 0 {
        driver.report(&Event::StageDone {
            stage: StageName::Clear,
            summary: in_words(&record),
            before: true,
        });
    } else {
        driver.begin(StageName::Clear, attempt)?;
        let approvals = &driver.records()?.approvals;
        let shelf = driver.workspace.shelf();
        let lists = screening::screen(shelf.state, shelf.now, &driver.organisation, approvals)?
            .map(|found| found.used());
        let outcome = Outcome {
            summary: in_words(&record),
            output: record,
            subjects: vec![
                Subject::blake3("facts", clearance.facts),
                Subject::blake3("packs", clearance.packs),
            ],
            says: json!({
                "clearance": clearance,
                "settings": driver.settings,
                "lists": lists,
                "facts": driver.organisation.file.facts.keys().collect::<Vec<_>>(),
            }),
        };
        driver.finish(StageName::Clear, attempt, &outcome)?;
    }
    let cleared = require_launchable(driver, verdict)?;
    // Another run may have been cleared at the same time: what is left of an authorisation is whose entry came first.
    driver.workspace.log.refresh()?;
    still_cleared(driver, &cleared)?;
    Ok(cleared)
}

/// What the acts use of each authorisation on file: the same chips once, persons of each dataset.
fn uses(acts: &[Described], clearance: &causeway_law::Clearance) -> BTreeMap<String, Used> {
    let mut by_approval: BTreeMap<&str, Vec<&Described>> = BTreeMap::new();
    for (described, verdict) in acts.iter().zip(&clearance.verdicts) {
        for known in &described.act.on_file {
            if verdict.authorisations_used.contains(&known.gives) {
                by_approval
                    .entry(&known.approval)
                    .or_default()
                    .push(described);
            }
        }
    }
    by_approval
        .into_iter()
        .map(|(approval, acts)| (approval.to_owned(), needed(acts.into_iter())))
        .collect()
}

/// The day itself may move on without changing the answer.
fn same(a: &ClearRecord, b: &ClearRecord) -> bool {
    let moved = |record: &ClearRecord| -> Vec<(String, BTreeMap<String, u64>)> {
        let moves = record.moves.iter();
        moves
            .map(|one| (one.dataset.clone(), one.persons.clone()))
            .collect()
    };
    (a.outcome, &a.packs, &a.deciding, &a.obligations, &a.uses)
        == (b.outcome, &b.packs, &b.deciding, &b.obligations, &b.uses)
        && moved(a) == moved(b)
}

fn in_words(record: &ClearRecord) -> String {
    let rules: Vec<&str> = record
        .deciding
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    match record.outcome {
        LawOutcome::Allow if record.obligations.is_empty() => format!("allowed on {}", record.day),
        LawOutcome::Allow => format!(
            "allowed on {}; obliges to: {}",
            record.day,
            record.obligations.join(", ")
        ),
        other => format!("{other}: {}", rules.join(", ")),
    }
}

fn require_launchable(
    driver: &Driver<'_>,
    verdict: Verdict<Planned>,
) -> Result<Cleared<Planned>, RunError> {
    match verdict {
        Verdict::Launchable(cleared) => Ok(cleared),
        Verdict::NeedsReview(_, clearance)
        | Verdict::LicenseRequired(_, clearance)
        | Verdict::Prohibited(_, clearance) => Err(RunError::NotCleared {
            run: driver.run.id.clone(),
            why: why_not(&clearance),
            outcome: clearance.outcome(),
        }),
    }
}

/// The rules and open facts that keep a plan from being launched, in a line.
#[must_use]
pub fn why_not(clearance: &causeway_law::Clearance) -> String {
    let strictest = clearance.outcome();
    let mut parts = Vec::new();
    for verdict in clearance
        .verdicts
        .iter()
        .filter(|verdict| verdict.outcome == strictest)
    {
        let rules: Vec<&str> = verdict.deciding.iter().map(|hit| hit.id.as_str()).collect();
        let facts: Vec<String> = verdict
            .open_facts
            .iter()
            .map(|fact| format!("{} ({})", fact.fact, fact.why))
            .collect();
        let mut text = format!("{} is {}", verdict.kind, verdict.outcome);
        if !rules.is_empty() {
            text += &format!(" by {}", rules.join(", "));
        }
        if !facts.is_empty() {
            text += &format!("; unknown: {}", facts.join("; "));
        }
        parts.push(text);
    }
    parts.join(". ")
}

/// Judges again just before the first effect of an act.
///
/// # Errors
/// [`RunError::ClearanceLost`] when the law of this moment does not allow it any more.
pub fn still_cleared(driver: &Driver<'_>, cleared: &Cleared<Planned>) -> Result<(), RunError> {
    let planned = cleared.get().clone().with_records(driver.records()?);
    let now = driver.now()?;
    match judge_acts(planned, &driver.packs, &driver.settings, now) {
        Verdict::Launchable(_) => Ok(()),
        Verdict::NeedsReview(_, now)
        | Verdict::LicenseRequired(_, now)
        | Verdict::Prohibited(_, now) => Err(RunError::ClearanceLost {
            run: driver.run.id.clone(),
            why: why_not(&now),
            outcome: now.outcome(),
        }),
    }
}
