//! Evidence packs: one file that a stranger verifies offline with the verifier key alone.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use causeway_domain::{Digest, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::canonical;
use crate::entry::{EntryKey, Record};
use crate::error::LedgerError;
use crate::log::Log;
use crate::merkle::{Hash, included};
use crate::note::{Checkpoint, Verifier};
use crate::report::{EvidenceReport, Finding, ProvedAttachment, ProvedEntry};
use crate::statement::{Envelope, Statement, Subject, sha256};

/// First member of a pack's version: what it is.
const FORMAT: &str = "causeway-evidence";
const VERSION: u32 = 1;
/// Bytes of a pack's text. Packs hold statements, task files and rule packs; weights never travel in them.
const EVIDENCE_LIMIT: usize = 64 * 1024 * 1024;
/// Kind of the statement that says what a pack holds.
const CONTENTS_TYPE: &str = "https://github.com/causeway-project/causeway/evidence-contents/v1";

/// A file that goes with the evidence: the task, a rule pack, a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A relative path without `.` and `..`: `task.yaml`, `rules/us/ear.cedar`.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// An evidence pack (`docs/formats/evidence.md`).
///
/// It holds the verifier key, a checkpoint, entries with their envelopes and proofs of inclusion, attachments, and a statement
/// by the log's key of what the pack holds, so that nothing can be taken out of it or put in unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    wire: EvidenceWire,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceWire {
    attachments: Vec<AttachmentWire>,
    checkpoint: String,
    contents: String,
    entries: Vec<EntryWire>,
    format: String,
    v: u32,
    vkey: Verifier,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachmentWire {
    bytes: String,
    name: String,
    sha256: Digest,
}

/// Record and envelope are texts inside the text: their digests are over exactly these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryWire {
    envelope: String,
    index: u64,
    proof: Vec<String>,
    record: String,
}

/// Makes the evidence of a run: all entries of its stages that `log` has seen, those of the `also` keys (a promotion, a
/// determination), and the attachments.
///
/// An attachment that a statement names by SHA-256 (as a subject, or as a text anywhere in the predicate) is proved by the
/// log; another one only by the log's key at the time of packing, and the report says so.
///
/// # Errors
/// [`LedgerError::NoEntry`] when the log has nothing of the run or lacks a key of `also`, [`LedgerError::BadAttachment`] for
/// a name that is no relative path or stands there twice, [`LedgerError::BadEvidence`] for more than 64 MiB.
pub fn export_evidence(
    log: &Log,
    run: &RunId,
    also: &[EntryKey],
    attachments: &[Attachment],
) -> Result<Evidence, LedgerError> {
    let no_entry = |what: String| LedgerError::NoEntry { what };
    let mut indexes: BTreeSet<u64> = log
        .keys_of_run(run)
        .filter_map(|key| log.index_of(key))
        .collect();
    if indexes.is_empty() {
        return Err(no_entry(run.to_string()));
    }
    for key in also {
        let index = log.index_of(key).ok_or_else(|| no_entry(key.to_string()))?;
        indexes.insert(index);
    }

    let mut entries = Vec::new();
    for index in &indexes {
        let (record, envelope) = log.entry_text(*index)?;
        let proof = log
            .tree()
            .inclusion(*index, log.len())
            .ok_or_else(|| no_entry(index.to_string()))?;
        entries.push(EntryWire {
            envelope,
            index: *index,
            proof: proof.iter().map(|hash| BASE64.encode(hash)).collect(),
            record: record.to_text(),
        });
    }

    let mut files: Vec<AttachmentWire> = Vec::new();
    for Attachment { name, bytes } in attachments {
        let bad = |why| LedgerError::BadAttachment {
            name: name.clone(),
            why,
        };
        if !is_attachment_name(name) {
            return Err(bad("its name is no plain relative path"));
        }
        if files.iter().any(|other| other.name == *name) {
            return Err(bad("another one has this name"));
        }
        files.push(AttachmentWire {
            bytes: BASE64.encode(bytes),
            name: name.clone(),
            sha256: sha256(bytes),
        });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));

    let contents = contents(log.checkpoint_text(), &entries, &files);
    let evidence = Evidence {
        wire: EvidenceWire {
            attachments: files,
            checkpoint: log.checkpoint_text().to_owned(),
            contents: Envelope::sign(&contents, log.key())?.to_json(),
            entries,
            format: FORMAT.to_owned(),
            v: VERSION,
            vkey: log.verifier().clone(),
        },
    };
    if evidence.to_json().len() > EVIDENCE_LIMIT {
        return Err(bad("it would be larger than 64 MiB"));
    }
    Ok(evidence)
}

/// What the log's key says that a pack holds: which checkpoint, which entries, which attachments.
fn contents(checkpoint: &str, entries: &[EntryWire], files: &[AttachmentWire]) -> Statement {
    let attached = files
        .iter()
        .map(|file| Subject::sha256(format!("attachments/{}", file.name), file.sha256));
    let indexes: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
    Statement {
        subject: std::iter::once(Subject::sha256("checkpoint", sha256(checkpoint.as_bytes())))
            .chain(attached)
            .collect(),
        predicate_type: CONTENTS_TYPE.to_owned(),
        predicate: json!({ "entries": indexes }),
    }
}

fn is_attachment_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.contains('\\')
        && !name.chars().any(char::is_control)
        && name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

fn bad(why: impl Into<String>) -> LedgerError {
    LedgerError::BadEvidence { why: why.into() }
}

impl Evidence {
    /// The pack as canonical JSON: the same log and attachments give the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let wire = &self.wire;
        let attachments: Vec<Value> = wire
            .attachments
            .iter()
            .map(|file| {
                json!({"bytes": file.bytes, "name": file.name, "sha256": file.sha256.to_string()})
            })
            .collect();
        let entries: Vec<Value> = wire
            .entries
            .iter()
            .map(|entry| {
                json!({
                    "envelope": entry.envelope,
                    "index": entry.index,
                    "proof": entry.proof,
                    "record": entry.record,
                })
            })
            .collect();
        canonical::text(&json!({
            "attachments": attachments,
            "checkpoint": wire.checkpoint,
            "contents": wire.contents,
            "entries": entries,
            "format": wire.format,
            "v": wire.v,
            "vkey": wire.vkey.to_string(),
        }))
    }

    /// Reads what [`Evidence::to_json`] wrote, and nothing that differs from it in a byte. Proves nothing by itself.
    ///
    /// # Errors
    /// [`LedgerError::BadEvidence`] for anything else, another version, and more than 64 MiB.
    pub fn from_json(json: &str) -> Result<Self, LedgerError> {
        if json.len() > EVIDENCE_LIMIT {
            return Err(bad("it is larger than 64 MiB"));
        }
        let wire: EvidenceWire = canonical::read(json).map_err(bad)?;
        if wire.format != FORMAT || wire.v != VERSION {
            return Err(bad(format!(
                "it is `{}` version {}, and only `{FORMAT}` version {VERSION} is known",
                wire.format, wire.v
            )));
        }
        Ok(Self { wire })
    }

    /// The verifier key that the pack says it was signed with. It must be compared with one that came another way: this is what
    /// [`Evidence::verify`] does.
    #[must_use]
    pub fn claimed_verifier(&self) -> &Verifier {
        &self.wire.vkey
    }

    /// An attachment's bytes, as they stand in the pack; `None` when there is none of that name.
    #[must_use]
    pub fn attachment(&self, name: &str) -> Option<Vec<u8>> {
        let file = self
            .wire
            .attachments
            .iter()
            .find(|file| file.name == name)?;
        BASE64.decode(&file.bytes).ok()
    }

    /// Verifies everything in the pack against a verifier key that came another way. Does not stop at the first problem: what
    /// is proved is in the report beside what is wrong.
    ///
    /// # Errors
    /// [`LedgerError::OtherKey`] when the pack was made with another key: then nothing in it can be verified. Whatever else is
    /// wrong is in the report.
    pub fn verify(&self, verifier: &Verifier) -> Result<EvidenceReport, LedgerError> {
        let wire = &self.wire;
        if wire.vkey != *verifier {
            return Err(LedgerError::OtherKey {
                claimed: wire.vkey.to_string(),
                given: verifier.to_string(),
            });
        }
        let mut problems = Vec::new();
        let checkpoint = match Checkpoint::verify(&wire.checkpoint, verifier) {
            Ok(checkpoint) => Some(checkpoint),
            Err(error) => {
                problems.push(Finding::new("checkpoint", None, error.to_string()));
                None
            }
        };
        self.verify_contents(verifier, &mut problems);
        let entries = self.proved_entries(verifier, checkpoint.as_ref(), &mut problems);
        let attachments = self.proved_attachments(&entries, &mut problems);
        problems.sort();
        Ok(EvidenceReport {
            origin: verifier.name().to_owned(),
            size: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size),
            root: checkpoint.map(|checkpoint| checkpoint.root),
            entries,
            attachments,
            problems,
        })
    }

    fn verify_contents(&self, verifier: &Verifier, problems: &mut Vec<Finding>) {
        let wire = &self.wire;
        let held = contents(&wire.checkpoint, &wire.entries, &wire.attachments);
        let signed =
            Envelope::from_json(&wire.contents).and_then(|envelope| envelope.verify(verifier));
        let what = match signed {
            Err(error) => error.to_string(),
            Ok(signed) => match signed.first_difference(&held) {
                None => return,
                Some(place) => {
                    format!("the pack does not hold what was signed: they differ at `{place}`")
                }
            },
        };
        problems.push(Finding::new("contents", None, what));
    }

    fn proved_entries(
        &self,
        verifier: &Verifier,
        checkpoint: Option<&Checkpoint>,
        problems: &mut Vec<Finding>,
    ) -> Vec<ProvedEntry> {
        let mut proved = Vec::new();
        let mut keys: BTreeMap<String, u64> = BTreeMap::new();
        let mut last: Option<(u64, Timestamp)> = None;
        for entry in &self.wire.entries {
            let index = entry.index;
            let mut wrong = |part: &str, what: String| {
                problems.push(Finding::new(format!("entries/{index}/{part}"), index, what));
            };
            let record = match Record::read(entry.record.as_bytes()) {
                Ok(record) => record,
                Err(why) => {
                    wrong("record", why);
                    continue;
                }
            };
            if let Some(other) = keys.insert(record.key.to_string(), index) {
                wrong("record", format!("its key is that of entry {other} too"));
            }
            if last.is_some_and(|(before, at)| index <= before || record.at < at) {
                wrong("record", "it stands out of order".to_owned());
            }
            last = Some((index, record.at));

            let is_included = checkpoint.is_some_and(|checkpoint| {
                let proof: Option<Vec<Hash>> = entry
                    .proof
                    .iter()
                    .map(|hash| BASE64.decode(hash).ok()?.try_into().ok())
                    .collect();
                let root = checkpoint.root.bytes();
                proof.is_some_and(|proof| {
                    included(record.leaf(), index, checkpoint.size, &proof, root)
                })
            });
            if !is_included {
                let what = "it does not prove that the log holds this entry here";
                wrong("proof", what.to_owned());
                continue;
            }
            if sha256(entry.envelope.as_bytes()) != record.envelope {
                wrong(
                    "envelope",
                    "it is not the one that the entry names".to_owned(),
                );
                continue;
            }
            let verified =
                Envelope::from_json(&entry.envelope).and_then(|envelope| envelope.verify(verifier));
            match verified {
                Ok(statement) => proved.push(ProvedEntry {
                    index,
                    key: record.key.to_string(),
                    at: record.at,
                    statement,
                }),
                Err(error) => wrong("envelope", error.to_string()),
            }
        }
        proved
    }

    fn proved_attachments(
        &self,
        entries: &[ProvedEntry],
        problems: &mut Vec<Finding>,
    ) -> Vec<ProvedAttachment> {
        let mut proved = Vec::new();
        let mut names = BTreeSet::new();
        for file in &self.wire.attachments {
            let mut wrong = |what: &str| {
                let part = format!("attachments/{}", file.name);
                problems.push(Finding::new(part, None, what));
            };
            if !is_attachment_name(&file.name) {
                wrong("its name is no plain relative path");
            }
            if !names.insert(&file.name) {
                wrong("another one has this name");
            }
            match BASE64.decode(&file.bytes) {
                Ok(bytes) if sha256(&bytes) == file.sha256 => proved.push(ProvedAttachment {
                    name: file.name.clone(),
                    sha256: file.sha256,
                    size: bytes.len() as u64,
                    logged_by: entries
                        .iter()
                        .filter(|entry| entry.statement.names(&file.sha256))
                        .map(|entry| entry.index)
                        .collect(),
                }),
                _ => wrong("its bytes are not those of its digest"),
            }
        }
        proved
    }
}
