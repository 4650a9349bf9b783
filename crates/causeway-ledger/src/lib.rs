//! What was done and decided, so that nobody has to take our word for it.
//!
//! This room keeps the transparency log: an append-only Merkle log of signed statements, in files that the tools of the
//! field read (C2SP tiles, checkpoints and verifier keys; in-toto statements in DSSE envelopes). It appends ([`Log`]),
//! verifies a log down to the changed byte ([`verify`]) and packs what a stranger needs to verify a run offline
//! ([`export_evidence`], [`Evidence`]). Formats: `docs/formats/log.md`, `docs/formats/evidence.md`.
//!
//! It refuses to know what statements mean, what a run is made of, the network and the clock: instants are arguments, and
//! randomness is asked of the operating system for one thing only, a new key.
//!
//! Read first: [`Log`], [`Statement`], [`Report`].
//!
//! ```
//! use causeway_ledger::{EntryKey, Log, LogKey, Statement, Subject, sha256, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let state = camino::Utf8Path::from_path(folder.path()).ok_or("the folder's name is not UTF-8")?;
//! let key = LogKey::open_or_create(&state.join("keys/log.pem"), "acme.example/causeway")?;
//! let verifier = key.verifier();
//! let mut log = Log::open(&state.join("log"), key)?;
//!
//! let plan = Statement {
//!     subject: vec![Subject::sha256("task.yaml", sha256(b"run: python train.py"))],
//!     predicate_type: "https://acme.example/plan/v1".to_owned(),
//!     predicate: serde_json::json!({"site": "johor-1", "cost_cents": 1250}),
//! };
//! let run = "20261124T131500Z-7k3m9q".parse()?;
//! let now = "2026-11-24T13:15:00Z".parse()?;
//! let appended = log.append(&EntryKey::stage(&run, "plan", 1), &plan, now)?;
//! assert_eq!(appended.index(), 0);
//!
//! let report = verify(&state.join("log"), &verifier)?;
//! assert!(report.is_clean() && report.entries == 1);
//! # Ok(())
//! # }
//! ```

mod canonical;
mod durable;
mod entry;
mod error;
mod evidence;
mod key;
mod log;
mod merkle;
mod note;
mod report;
mod ssh_signature;
mod statement;
mod tile;
mod verify;

pub use entry::{Entry, EntryKey};
pub use error::LedgerError;
pub use evidence::{Attachment, Evidence, export_evidence};
pub use key::LogKey;
pub use log::{Appended, Log};
pub use note::{Checkpoint, Verifier};
pub use report::{EvidenceReport, Finding, ProvedAttachment, ProvedEntry, Report};
pub use ssh_signature::{NAMESPACE, SshKey, SshSignature};
pub use statement::{Envelope, Statement, Subject, canonical_text, sha256};
pub use verify::{verify, verify_since};
