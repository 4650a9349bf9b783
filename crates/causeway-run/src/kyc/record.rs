//! The form and the answers of the check, for a run's evidence: a signed entry of the log and two attachments.

use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::SourceFile;
use causeway_law::Packs;
use causeway_ledger::{Attachment, EntryKey, Statement, Subject, sha256};
use causeway_market::Market;
use causeway_parties::kyc::{Checked, Questionnaire, customer};
use serde_json::{Value, json};

use super::papers::Papers;
use super::{Sources, examine};
use crate::state::read_text;
use crate::{RunError, RunRow, Workspace, launch, predicate_type, signable};

/// The stage word of these entries; no stage of the path has it.
const STAGE: &str = "kyc";

/// What a run's evidence carries of the form.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The answers.
    pub checked: Checked,
    /// The form and the questionnaire, both named by SHA-256 in the entry.
    pub attachments: Vec<Attachment>,
    /// Whether an entry was appended now; else the answers are those of the newest one.
    pub new: bool,
}

/// Checks the form that `kyc.form` of the run's causeway.yaml names against the run's own records, and puts the answers into
/// the log as `run/<RUN>/kyc/<N>`. The same answers are put there once. `None` where no form is named.
///
/// # Errors
/// When the form can't be read, or the log refuses.
pub fn record(
    workspace: &mut Workspace,
    row: &RunRow,
    packs: &Packs,
    market: &Market,
) -> Result<Option<Recorded>, RunError> {
    let own = launch::copies(workspace, row)?;
    let kyc = own.organisation.file.kyc.clone();
    let Some(name) = &kyc.form else {
        return Ok(None);
    };
    let path = causeway_plan::normal(&own.organisation_folder, name);
    let text = read(&path)?;
    let form = customer(&Arc::new(SourceFile::new(path.as_str(), text.clone())))
        .map_err(|problems| RunError::Files { problems })?;
    let papers = Papers::of_run(workspace, row)?;
    let at = workspace.now()?;
    let lists = super::lists(Some(workspace.shelf()), Some(&papers), None, Some(&form))?;
    let sources = Sources {
        papers: Some(&papers),
        form: Some(&form),
        provider: None,
        observed: None,
        packs,
        market,
        lists: &lists,
        kyc: &kyc,
        at,
    };
    let checked = examine(&form, &sources, kyc.signer.as_deref())?;
    let attachments = vec![
        Attachment {
            name: "kyc/customer.yaml".to_owned(),
            bytes: text.into_bytes(),
        },
        Attachment {
            name: "kyc/questionnaire.yaml".to_owned(),
            bytes: Questionnaire::builtin_text().as_bytes().to_vec(),
        },
    ];
    let subject: Vec<Subject> = attachments
        .iter()
        .map(|file| Subject::sha256(file.name.clone(), sha256(&file.bytes)))
        .collect();
    let answers = signable(
        serde_json::to_value(&checked).map_err(|error| RunError::Journal {
            what: error.to_string(),
        })?,
    );
    let mut attempt = 0;
    let mut before = None;
    while let Some(found) = workspace.statement(&EntryKey::stage(&row.id, STAGE, attempt + 1))? {
        attempt += 1;
        before = Some(found);
    }
    let same = before.is_some_and(|before: Statement| {
        before.subject == subject
            && before.predicate.get("checked").map(undated) == Some(undated(&answers))
    });
    if !same {
        let statement = Statement {
            subject,
            predicate_type: predicate_type(STAGE),
            predicate: signable(json!({
                "run": row.id,
                "at": at,
                "clock": workspace.state.clock(),
                "organisation": own.organisation.file.organisation,
                "ground": checked.retention.ground,
                "checked": answers,
            })),
        };
        workspace.append(&EntryKey::stage(&row.id, STAGE, attempt + 1), &statement)?;
    }
    Ok(Some(Recorded {
        checked,
        attachments,
        new: !same,
    }))
}

fn read(path: &Utf8Path) -> Result<String, RunError> {
    read_text(path, 4 << 20).map_err(|error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "`kyc.form` of causeway.yaml names the customer's form: put it there, or take the line out".to_owned(),
    })
}

/// The answers without the day of the check: a day alone is no news.
fn undated(answers: &Value) -> Value {
    let mut answers = answers.clone();
    if let Value::Object(map) = &mut answers {
        map.shift_remove("day");
    }
    answers
}
