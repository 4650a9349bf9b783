//! Approvals on file: signed by reviewers, kept in the log, counted down by the runs that use them.
//!
//! An approval is a file (`causeway_domain::approval`) that a reviewer signs with an own ssh key, and an entry of the log
//! once its signatures fit. The log holds text and signatures, so that a stranger checks both with `ssh-keygen -Y verify`.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_domain::approval::{self, Approval};
use causeway_domain::organisation::Organisation;
use causeway_domain::{Env, RunId, SourceFile, Timestamp};
use causeway_law::{Approvals, Outcome as LawOutcome, Signed, Used};
use causeway_ledger::{EntryKey, Log, NAMESPACE, SshKey, SshSignature, Statement, Subject, sha256};
use causeway_plan::{Move, Records};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::path::ClearRecord;
use crate::screening;
use crate::state::State;
use crate::workspace::{Workspace, predicate_type};
use crate::{RunError, StageName};

/// A signature of a reviewer, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The reviewer's name.
    pub by: String,
    /// The reviewer's public key, as ssh writes it.
    pub key: String,
    /// What `ssh-keygen -Y sign` made.
    pub signature: String,
}

/// What the log keeps of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Filed {
    text: String,
    signatures: Vec<Signature>,
}

/// An approval of the log, with what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct OnRecord {
    /// The approval and who signed it, as the reviewers stand today.
    pub signed: Signed,
    /// When it was filed.
    pub filed: Timestamp,
    /// Why it does not count any more, or not yet; none where it does.
    pub void: Option<String>,
    /// What runs used of it.
    pub used: Used,
}

/// Whose signatures over a text fit, each reviewer once.
///
/// # Errors
/// [`RunError::Approval`] when a signature is nobody's who may sign here, or fewer sign than the organisation asks for.
pub fn check_signatures(
    organisation: &Organisation,
    approval: &str,
    text: &str,
    signatures: &[String],
) -> Result<Vec<Signature>, RunError> {
    let refuse = |why: String, help: &str| RunError::Approval {
        approval: approval.to_owned(),
        why,
        help: help.to_owned(),
    };
    let mut by: BTreeMap<&str, Signature> = BTreeMap::new();
    for armoured in signatures {
        let signature = SshSignature::parse(armoured)?;
        let mut signer = None;
        for reviewer in &organisation.file.reviewers {
            let key = SshKey::parse(&reviewer.public_key)?;
            if key.signed(NAMESPACE, text.as_bytes(), &signature) {
                signer = Some(reviewer);
            }
        }
        let Some(reviewer) = signer else {
            return Err(refuse(
                format!(
                    "a signature of key {} is no reviewer's over this text",
                    signature.names()
                ),
                "the key stands under `reviewers`, and the file was not changed after it was signed",
            ));
        };
        by.insert(
            &reviewer.name,
            Signature {
                by: reviewer.name.clone(),
                key: reviewer.public_key.clone(),
                signature: armoured.clone(),
            },
        );
    }
    let wanted = if organisation.file.approvals.four_eyes {
        2
    } else {
        1
    };
    if by.len() < wanted {
        return Err(refuse(
            format!("{} of {wanted} reviewers signed it", by.len()),
            "`causeway approvals sign FILE --key KEY` signs it; with `four_eyes` two people do",
        ));
    }
    Ok(by.into_values().collect())
}

/// Files an approval in the log.
///
/// # Errors
/// When a signature does not fit, the id is taken, or the log refuses.
pub fn file(
    workspace: &mut Workspace,
    organisation: &Organisation,
    source: &Arc<SourceFile>,
    signatures: &[String],
) -> Result<(Approval, Vec<Signature>), RunError> {
    let approval = approval::parse(source).map_err(|problems| RunError::Files { problems })?;
    let id = approval.approval.clone();
    let refuse = |why: String, help: &str| RunError::Approval {
        approval: id.clone(),
        why,
        help: help.to_owned(),
    };
    let signatures = check_signatures(organisation, &id, &source.text, signatures)?;
    let entry = EntryKey::named(format!("approval/{id}"))?;
    let filed = Filed {
        text: source.text.clone(),
        signatures: signatures.clone(),
    };
    if let Some(known) = workspace.statement(&entry)? {
        let known: Option<Filed> = known
            .predicate
            .get("output")
            .cloned()
            .and_then(|output| serde_json::from_value(output).ok());
        return if known.as_ref().is_some_and(|known| known.text == filed.text) {
            Ok((approval, signatures))
        } else {
            Err(refuse(
                "another approval has this id".to_owned(),
                "give it another id: what is in the log stays",
            ))
        };
    }
    note_reviewers(workspace, organisation)?;
    let statement = Statement {
        subject: vec![Subject::sha256(
            format!("approval {id}"),
            sha256(source.text.as_bytes()),
        )],
        predicate_type: predicate_type("approval"),
        predicate: json!({
            "at": workspace.now()?,
            "clock": workspace.state.clock(),
            "organisation": organisation.file.organisation,
            "says": {"approval": approval, "namespace": NAMESPACE},
            "output": filed,
        }),
    };
    workspace.append(&entry, &statement)?;
    Ok((approval, signatures))
}

/// Takes an approval back. Anybody may: it only makes the answer stricter.
///
/// # Errors
/// When there is no such approval, or the log refuses.
pub fn withdraw(workspace: &mut Workspace, id: &str, reason: &str) -> Result<(), RunError> {
    let entry = EntryKey::named(format!("approval/{id}"))?;
    let Some(known) = workspace.statement(&entry)? else {
        return Err(RunError::Approval {
            approval: id.to_owned(),
            why: "there is no such approval on file".to_owned(),
            help: "`causeway approvals list` shows all of them".to_owned(),
        });
    };
    let statement = Statement {
        subject: known.subject,
        predicate_type: predicate_type("approval-withdrawn"),
        predicate: json!({
            "at": workspace.now()?,
            "clock": workspace.state.clock(),
            "says": {"approval": id, "reason": reason},
        }),
    };
    workspace.append(
        &EntryKey::named(format!("approval-withdrawn/{id}"))?,
        &statement,
    )?;
    Ok(())
}

/// Writes the list of reviewers into the log where it is another than the last one there.
///
/// # Errors
/// When the log refuses.
pub fn note_reviewers(
    workspace: &mut Workspace,
    organisation: &Organisation,
) -> Result<(), RunError> {
    let list: Vec<Value> = organisation
        .file
        .reviewers
        .iter()
        .map(|reviewer| json!({"name": reviewer.name, "key": reviewer.public_key}))
        .collect();
    let says = json!({
        "organisation": organisation.file.organisation,
        "reviewers": list,
        "four_eyes": organisation.file.approvals.four_eyes,
    });
    workspace.log.refresh()?;
    let mut number = 1_u64;
    loop {
        let entry = EntryKey::named(format!(
            "reviewers/{}/{number}",
            organisation.file.organisation
        ))?;
        if workspace.log.index_of(&entry).is_none() {
            break;
        }
        number += 1;
    }
    let before = match number {
        1 => None,
        _ => workspace
            .statement(&EntryKey::named(format!(
                "reviewers/{}/{}",
                organisation.file.organisation,
                number - 1
            ))?)?
            .and_then(|statement| statement.predicate.get("says").cloned()),
    };
    if before.as_ref() == Some(&says) || (before.is_none() && list.is_empty()) {
        return Ok(());
    }
    let statement = Statement {
        subject: vec![Subject::sha256(
            "reviewers",
            sha256(says.to_string().as_bytes()),
        )],
        predicate_type: predicate_type("reviewers"),
        predicate: json!({
            "at": workspace.now()?,
            "clock": workspace.state.clock(),
            "says": says,
        }),
    };
    workspace.append(
        &EntryKey::named(format!(
            "reviewers/{}/{number}",
            organisation.file.organisation
        ))?,
        &statement,
    )?;
    Ok(())
}

/// Where approvals and lists are kept, to be read: a state directory, its log, and the present instant.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    /// The state directory.
    pub state: &'a State,
    /// Its log.
    pub log: &'a Log,
    /// Now.
    pub now: Timestamp,
}

impl Workspace {
    /// What is kept here, to be read.
    #[must_use]
    pub fn shelf(&self) -> Shelf<'_> {
        Shelf {
            state: &self.state,
            log: &self.log,
            now: self.env.now(),
        }
    }
}

impl Shelf<'_> {
    fn statement(&self, key: &EntryKey) -> Result<Option<Statement>, RunError> {
        match self.log.find(key)? {
            Some((_, entry)) => Ok(Some(entry.envelope.statement()?)),
            None => Ok(None),
        }
    }
}

/// Every approval of the log, in order, with what runs used of it.
///
/// # Errors
/// When an entry can't be read.
pub fn on_record(
    shelf: Shelf<'_>,
    organisation: &Organisation,
    run: Option<&RunId>,
) -> Result<Vec<OnRecord>, RunError> {
    let (used, _) = past(shelf, run)?;
    let mut all = Vec::new();
    for (_, entry, filed) in shelf.log.keys() {
        let Some(id) = entry.as_str().strip_prefix("approval/") else {
            continue;
        };
        let Some(statement) = shelf.statement(entry)? else {
            continue;
        };
        let damaged = |what: String| RunError::Journal {
            what: format!("the log's approval `{id}`: {what}"),
        };
        let output = statement.predicate.get("output").cloned();
        let kept: Filed = serde_json::from_value(output.unwrap_or_default())
            .map_err(|error| damaged(error.to_string()))?;
        let source = Arc::new(SourceFile::new(format!("approval {id}"), kept.text.clone()));
        let approval = approval::parse(&source).map_err(|_| damaged("it can't be read".into()))?;
        let armoured: Vec<String> = kept
            .signatures
            .iter()
            .map(|signature| signature.signature.clone())
            .collect();
        // Reviewers may have changed since: who is none any more, has not signed.
        let (by, mut void) = match check_signatures(organisation, id, &kept.text, &armoured) {
            Ok(signatures) => (signatures.into_iter().map(|one| one.by).collect(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let withdrawn = EntryKey::named(format!("approval-withdrawn/{id}"))?;
        if let Some(statement) = shelf.statement(&withdrawn)? {
            let reason = statement
                .predicate
                .pointer("/says/reason")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            void = Some(format!("withdrawn: {reason}"));
        }
        all.push(OnRecord {
            used: used.get(&approval.approval).copied().unwrap_or_default(),
            signed: Signed { approval, by },
            filed,
            void,
        });
    }
    Ok(all)
}

/// What is on file for a plan: the approvals that stand, with what other runs used, and what other runs moved.
///
/// # Errors
/// When an entry can't be read.
pub fn records(
    shelf: Shelf<'_>,
    organisation: &Organisation,
    run: Option<&RunId>,
) -> Result<Arc<Records>, RunError> {
    let (used, moves) = past(shelf, run)?;
    let signed = on_record(shelf, organisation, run)?
        .into_iter()
        .filter(|one| one.void.is_none())
        .map(|one| one.signed)
        .collect();
    let approvals = Approvals { signed, used };
    let screened = screening::screen(shelf.state, shelf.now, organisation, &approvals)?;
    Ok(Arc::new(Records {
        screened: screened.map(|found| found.listed()).unwrap_or_default(),
        approvals,
        moves,
    }))
}

/// What other runs used and moved. Of two runs that were cleared at once the one whose entry came first into the log has
/// what is left: a run that is cleared sees those alone whose newest clear entry stands before its own.
fn past(
    shelf: Shelf<'_>,
    own: Option<&RunId>,
) -> Result<(BTreeMap<String, Used>, Vec<Move>), RunError> {
    let mut cleared: BTreeMap<RunId, (u64, ClearRecord)> = BTreeMap::new();
    for (index, entry, _) in shelf.log.keys() {
        let Some(run) = entry.run() else { continue };
        let prefix = format!("run/{run}/{}/", StageName::Clear);
        if !entry.as_str().starts_with(&prefix) {
            continue;
        }
        let output = shelf
            .statement(entry)?
            .and_then(|statement| statement.predicate.get("output").cloned());
        let record: ClearRecord =
            serde_json::from_value(output.unwrap_or_default()).map_err(|error| {
                RunError::Journal {
                    what: format!("the log's entry {entry}: {error}"),
                }
            })?;
        cleared.insert(run, (index, record));
    }
    cleared.retain(|_, (_, record)| record.outcome == LawOutcome::Allow);
    let mine = own
        .and_then(|own| cleared.get(own))
        .map(|(index, _)| *index);
    let mut used: BTreeMap<String, Used> = BTreeMap::new();
    let mut moves = Vec::new();
    for (run, (index, record)) in cleared {
        if Some(&run) == own || mine.is_some_and(|mine| index > mine) {
            continue;
        }
        for (approval, use_of_it) in &record.uses {
            used.entry(approval.clone()).or_default().add(*use_of_it);
        }
        moves.extend(record.moves);
    }
    Ok((used, moves))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../causeway-ledger/tests/data/reviewer.pub");
    const TEXT: &str = include_str!("../../causeway-ledger/tests/data/approval.yaml");
    const SIGNATURE: &str = include_str!("../../causeway-ledger/tests/data/approval.yaml.sig");
    const OTHER: &str = include_str!("../../causeway-ledger/tests/data/other.pub");

    fn organisation(reviewers: &[(&str, &str)], four_eyes: bool) -> Organisation {
        let people: Vec<String> = reviewers
            .iter()
            .map(|(name, key)| format!("  - {{name: {name}, public_key: {}}}", key.trim()))
            .collect();
        let text = format!(
            "organisation: acme\nparties: {{acme: {{name: Acme}}}}\nhome: {{country: SG}}\nreviewers:\n{}\napprovals: {{four_eyes: {four_eyes}}}\n",
            people.join("\n")
        );
        causeway_domain::organisation::parse(&Arc::new(SourceFile::new("causeway.yaml", text)))
            .unwrap()
    }

    fn refused(organisation: &Organisation, text: &str, signatures: &[String]) -> String {
        check_signatures(organisation, "example", text, signatures)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_reviewer_s_signature_counts_once_and_nobody_else_s() {
        let alice = organisation(&[("Alice", KEY)], false);
        let signature = SIGNATURE.to_owned();
        let by = check_signatures(&alice, "example", TEXT, std::slice::from_ref(&signature));
        assert_eq!(by.unwrap()[0].by, "Alice");
        assert!(
            refused(&alice, "another text", std::slice::from_ref(&signature))
                .contains("no reviewer's")
        );
        let bob = organisation(&[("Bob", OTHER)], false);
        assert!(refused(&bob, TEXT, std::slice::from_ref(&signature)).contains("no reviewer's"));
        let both = organisation(&[("Alice", KEY), ("Bob", OTHER)], true);
        assert!(
            refused(&both, TEXT, &[signature.clone(), signature]).contains("1 of 2"),
            "one person's signature twice is one pair of eyes"
        );
        assert!(refused(&alice, TEXT, &[]).contains("0 of 1"));
    }
}
