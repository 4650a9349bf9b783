//! A run's papers: what the log and the run's own files say, from a state directory or out of an evidence pack.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::organisation::{self, Kyc, Organisation};
use causeway_domain::{Date, Digest, Fact, PartyId, RunId, SourceFile, Stated, Timestamp};
use causeway_ledger::{Evidence, Verifier};
use causeway_parties::kyc::form::Item;
use causeway_parties::kyc::records::Order;
use causeway_parties::{Parent, ultimate_parent};
use serde_json::Value;

use crate::approvals::on_record;
use crate::launch::copies;
use crate::state::read_text;
use crate::{RunError, RunRow, Workspace, files, output_path};

/// Largest output of a job that is looked at: its first 32 MiB.
const OUTPUT_LIMIT: u64 = 32 << 20;

/// Where papers of a state directory come from.
const LOG: &str = "the log";

/// An entry of the log about a stage of the run.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    pub(super) stage: String,
    pub(super) at: Timestamp,
    pub(super) predicate: Value,
}

/// Entries of one run, in order.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    /// Where they come from, for sources: `the log`, `the evidence pack`.
    from: &'static str,
    all: Vec<Paper>,
}

/// What the log and the run's own files say.
#[derive(Debug, Clone)]
pub struct Papers {
    /// The run.
    pub run: RunId,
    pub(super) entries: Entries,
    pub(super) task: Fact<Arc<SourceFile>>,
    pub(super) organisation: Fact<Arc<Organisation>>,
    /// The organisation's file as it stands now.
    pub(super) now: Fact<Arc<SourceFile>>,
    pub(super) output: Fact<String>,
    pub(super) manifest: Fact<BTreeMap<String, Digest>>,
    pub(super) orders: Fact<Vec<Order>>,
    /// Approvals in the log, by id.
    pub(super) approvals: Fact<BTreeMap<String, OnFile>>,
}

/// An approval in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OnFile {
    /// The authorisation, or what it determines.
    pub(super) name: String,
    /// The authority's number.
    pub(super) number: Option<String>,
    /// Its last day.
    pub(super) to: Date,
}

impl Papers {
    /// The papers of a run of this state directory.
    ///
    /// # Errors
    /// When the log or the run's own copies of its files can't be read.
    pub fn of_run(workspace: &Workspace, row: &RunRow) -> Result<Self, RunError> {
        let entries = entries(workspace, &row.id)?;
        let own = copies(workspace, row)?;
        let (task, organisation) = (own.task.source, own.organisation);
        let approvals = on_record(workspace.shelf(), &organisation, Some(&row.id))?
            .into_iter()
            .map(|found| {
                let approval = found.signed.approval;
                let name = approval
                    .authorisation
                    .unwrap_or_else(|| approval.kind.to_string());
                let on_file = OnFile {
                    name,
                    number: approval.number,
                    to: approval.scope.to,
                };
                (approval.approval, on_file)
            })
            .collect();
        let now = match files::source(Utf8Path::new(&row.organisation_path)) {
            Ok(source) => Fact::stated(source, row.organisation_path.clone()),
            Err(_) => Fact::unknown(format!("{} is not there any more", row.organisation_path)),
        };
        Ok(Self {
            run: row.id.clone(),
            manifest: manifest(workspace, &entries),
            output: output(workspace, &row.id),
            orders: orders(workspace, row)?,
            approvals: Fact::stated(approvals, "approvals in the log"),
            entries,
            task: Fact::stated(task, "the run's own copy of task.yaml"),
            organisation: Fact::stated(
                Arc::new(organisation),
                "the run's own copy of causeway.yaml",
            ),
            now,
        })
    }

    /// The papers in an evidence pack, of which every byte must be as it was signed.
    ///
    /// # Errors
    /// When the pack was made with another key or anything in it is not as signed; when it speaks of no run or of several.
    pub fn of_evidence(evidence: &Evidence, verifier: &Verifier) -> Result<Self, RunError> {
        let report = evidence.verify(verifier)?;
        report.require_clean()?;
        let mut runs = BTreeSet::new();
        let mut found = Vec::new();
        for entry in report.entries {
            let Some((run, stage)) = run_and_stage(&entry.key) else {
                continue;
            };
            runs.insert(run);
            found.push(Paper {
                stage,
                at: entry.at,
                predicate: entry.statement.predicate,
            });
        }
        let mut runs = runs.into_iter();
        let (Some(run), None) = (runs.next(), runs.next()) else {
            return Err(RunError::Value {
                what: "the evidence is not of one run".to_owned(),
            });
        };
        let run: RunId =
            run.parse()
                .map_err(|error: causeway_domain::InvalidId| RunError::Value {
                    what: error.to_string(),
                })?;
        let text = |name: &str| {
            let bytes = evidence.attachment(name)?;
            let text = String::from_utf8(bytes).ok()?;
            Some(Arc::new(SourceFile::new(name, text)))
        };
        let absent = |what: &str| format!("the evidence pack holds no {what}");
        let organisation = match text("causeway.yaml") {
            Some(source) => organisation::parse(&source).map_or_else(
                |_| Fact::unknown("the causeway.yaml of the evidence pack can't be read"),
                |organisation| Fact::stated(Arc::new(organisation), "the evidence pack"),
            ),
            None => Fact::unknown(absent("causeway.yaml")),
        };
        Ok(Self {
            run,
            entries: Entries {
                from: "the evidence pack",
                all: found,
            },
            task: text("task.yaml").map_or_else(
                || Fact::unknown(absent("task.yaml")),
                |source| Fact::stated(source, "the evidence pack"),
            ),
            organisation,
            now: Fact::unknown(
                "the evidence pack holds the organisation's file of the launch alone: ask for the file of today",
            ),
            output: Fact::unknown(absent("output of the job")),
            manifest: Fact::unknown(absent("list of the files of the manifest")),
            approvals: Fact::unknown(absent("text of the approvals that the run rests on")),
            orders: Fact::unknown(
                "the evidence pack is of one run: the register of the provider's other runs is needed",
            ),
        })
    }

    /// Where the papers come from, for sources: `the log`, `the evidence pack`.
    #[must_use]
    pub const fn from(&self) -> &'static str {
        self.entries.from
    }

    /// The lines of the checks in the organisation's own file: of this machine's runs only. Whoever is sent an evidence pack
    /// sets lines of their own.
    #[must_use]
    pub fn own_lines(&self) -> Option<Kyc> {
        let organisation = self.organisation.known()?;
        (self.entries.from == LOG).then(|| organisation.file.kyc.clone())
    }

    /// The party that rents: the one whose presence opens the site, else the organisation.
    pub(super) fn customer(&self) -> Fact<PartyId> {
        let Fact::Known(organisation, source) = &self.organisation else {
            return Fact::unknown("the organisation's file is not there");
        };
        let site = self.entries.said("plan", "/output/site");
        Fact::Known(
            customer(organisation, site.known().and_then(|site| site.as_str())),
            source.clone(),
        )
    }
}

impl Entries {
    /// Every entry.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Paper> {
        self.all.iter()
    }

    /// The newest entry of a stage.
    pub(super) fn newest(&self, stage: &str) -> Option<&Paper> {
        self.all.iter().rev().find(|entry| entry.stage == stage)
    }

    /// What a stage gave, by JSON pointer into its statement.
    pub(super) fn said(&self, stage: &str, pointer: &str) -> Fact<&Value> {
        match self
            .newest(stage)
            .map(|paper| paper.predicate.pointer(pointer))
        {
            Some(Some(value)) if !value.is_null() => {
                Fact::stated(value, format!("{}, entry of stage {stage}", self.from))
            }
            Some(_) => Fact::unknown(format!(
                "{} says nothing of it in the entry of stage {stage}",
                self.from
            )),
            None => Fact::unknown(format!("{} has no entry of stage {stage}", self.from)),
        }
    }

    /// What the plan says of the place that was chosen.
    pub(super) fn planned(&self, field: &str) -> Fact<Value> {
        let place = self
            .said("plan", "/output/place")
            .known()
            .map(|place| (*place).clone());
        let field = match self.said("plan", "/says/candidates") {
            Fact::Known(candidates, source) => candidates
                .as_array()
                .into_iter()
                .flatten()
                .find(|candidate| candidate.get("place") == place.as_ref())
                .and_then(|candidate| candidate.get(field))
                .filter(|value| !value.is_null())
                .map(|value| Fact::Known(value.clone(), source)),
            Fact::Unknown(why) => return Fact::Unknown(why),
        };
        field.unwrap_or_else(|| Fact::unknown("the plan does not say"))
    }
}

/// `run/<RUN>/<STAGE>/<ATTEMPT>` taken apart.
fn run_and_stage(key: &str) -> Option<(String, String)> {
    let mut parts = key.strip_prefix("run/")?.split('/');
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

fn entries(workspace: &Workspace, run: &RunId) -> Result<Entries, RunError> {
    let mut found = Vec::new();
    for key in workspace.log.keys_of_run(run) {
        let (Some((_, entry)), Some((_, stage))) =
            (workspace.log.find(key)?, run_and_stage(key.as_str()))
        else {
            continue;
        };
        found.push(Paper {
            stage,
            at: entry.at,
            predicate: entry.envelope.statement()?.predicate,
        });
    }
    Ok(Entries {
        from: LOG,
        all: found,
    })
}

fn output(workspace: &Workspace, run: &RunId) -> Fact<String> {
    let mut all = String::new();
    for attempt in 1.. {
        let path = output_path(&workspace.state, run, attempt);
        let Ok(bytes) = fs_err::File::open(&path).and_then(|file| {
            use std::io::Read;
            let mut bytes = Vec::new();
            file.take(OUTPUT_LIMIT).read_to_end(&mut bytes)?;
            Ok(bytes)
        }) else {
            break;
        };
        all.push_str(&String::from_utf8_lossy(&bytes));
        all.push('\n');
    }
    if all.is_empty() {
        Fact::unknown("the job's output is not at home")
    } else {
        Fact::stated(all, "the job's output at home")
    }
}

fn manifest(workspace: &Workspace, entries: &Entries) -> Fact<BTreeMap<String, Digest>> {
    let digest: Option<Digest> = entries
        .newest("home")
        .and_then(|entry| entry.predicate.pointer("/output/manifest"))
        .and_then(|text| serde_json::from_value(text.clone()).ok());
    let Some(digest) = digest else {
        return Fact::unknown("the log has no manifest of what came home");
    };
    match workspace.store.manifest(digest) {
        Ok(manifest) => Fact::stated(
            manifest
                .files()
                .iter()
                .map(|file| (file.path.clone(), file.blake3))
                .collect(),
            format!("the log and the store, manifest {}", digest.short()),
        ),
        Err(error) => Fact::unknown(error.to_string()),
    }
}

fn customer(organisation: &Organisation, site: Option<&str>) -> PartyId {
    let entity = organisation
        .file
        .presences
        .iter()
        .find(|presence| presence.site.as_ref().map(|id| id.as_str()) == site && site.is_some())
        .map(|presence| presence.entity.clone());
    entity.unwrap_or_else(|| organisation.file.organisation.clone())
}

/// What two orders can have in common: the party at the top, the payer, the address.
fn common(
    organisation: &Organisation,
    party: &PartyId,
    folder: &Utf8Path,
    ordered: causeway_domain::Timestamp,
) -> BTreeSet<String> {
    let register = causeway_plan::register(
        organisation,
        &causeway_plan::Screened::default(),
        jiff::tz::TimeZone::UTC.to_datetime(ordered).date(),
    );
    let floor = organisation.file.kyc.stake.get();
    let top = match ultimate_parent(&register, party.as_str(), floor) {
        Parent::Known { chain, .. } => chain.last().cloned(),
        Parent::Unclear { .. } => None,
    };
    let name = |key: &str| {
        register
            .get(key)
            .map_or_else(|| key.to_owned(), |party| party.name.clone())
    };
    let mut common = BTreeSet::from([match top {
        Some(top) => format!("ultimate parent {}", name(&top)),
        None => format!("customer {}", name(party.as_str())),
    }]);
    // A form that can't be read says nothing here; the check of its own run says what is wrong with it.
    let form = organisation.file.kyc.form.as_ref().and_then(|path| {
        let path = causeway_plan::normal(folder, path);
        let text = read_text(&path, 4 << 20).ok()?;
        causeway_parties::kyc::customer(&Arc::new(SourceFile::new(path.as_str(), text))).ok()
    });
    if let Some(form) = form {
        let payer = Item::of(form.file.payer.as_ref()).and_then(|payer| payer.name.clone());
        let address = Item::of(form.file.places.as_ref())
            .and_then(|places| places.registered.as_ref()?.text.clone());
        common.extend(payer.map(|payer| format!("payer {payer}")));
        common.extend(address.map(|address| format!("address {address}")));
    }
    common
}

/// Every order of this state directory that has something in common with the run's, by what that is.
fn orders(workspace: &Workspace, row: &RunRow) -> Result<Fact<Vec<Order>>, RunError> {
    let shared = |row: &RunRow| -> Result<(BTreeSet<String>, String), RunError> {
        let own = copies(workspace, row)?;
        let site = row.site.as_deref();
        let party = customer(&own.organisation, site);
        let account = own
            .organisation
            .file
            .presences
            .iter()
            .find(|presence| site.is_some() && presence.site.as_ref().map(|id| id.as_str()) == site)
            .map_or_else(
                || format!("{party} at {}", site.unwrap_or("no site")),
                |presence| format!("{} at {}", presence.account, presence.provider),
            );
        Ok((
            common(
                &own.organisation,
                &party,
                &own.organisation_folder,
                row.created,
            ),
            account,
        ))
    };
    let (own, _) = shared(row)?;
    let mut orders = Vec::new();
    for other in workspace.journal.runs()? {
        // A run whose copies are gone, or that never had a place, ordered nothing that can be added up.
        let Ok((theirs, account)) = shared(&other) else {
            return Ok(Fact::unknown(format!(
                "the files of run {} can't be read",
                other.id
            )));
        };
        let entries = entries(workspace, &other.id)?;
        if entries.newest("plan").is_none() {
            continue;
        }
        for common in own.intersection(&theirs) {
            orders.push(Order {
                run: other.id.to_string(),
                account: account.clone(),
                common: common.clone(),
                chips: super::records::whole(entries.planned("chips")),
                flop: super::records::exact(entries.planned("operations")),
            });
        }
    }
    Ok(Fact::stated(orders, "all runs of the state directory"))
}

/// A fact of a file of a user, as text for people.
pub(super) fn stated<T: Clone>(
    organisation: &Organisation,
    stated: Option<&Stated<T>>,
    field: &str,
) -> Fact<T> {
    Stated::fact(stated, &organisation.source.name, field)
}
