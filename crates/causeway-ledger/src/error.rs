//! What can go wrong, to which file or entry, and what to do next.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Crash, Timestamp};
use miette::Diagnostic;

/// Why the log, a key, a statement or an evidence pack could not be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum LedgerError {
    /// The operating system refused.
    #[error("{doing} `{path}`")]
    #[diagnostic(code(causeway::ledger::io))]
    Io {
        /// What was being done: `reading`, `writing`.
        doing: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is larger than this format allows.
    #[error("`{path}` is larger than {limit} bytes")]
    #[diagnostic(
        code(causeway::ledger::too_large),
        help("it was not written by causeway; run `causeway ledger verify`")
    )]
    FileTooLarge {
        /// The file.
        path: Utf8PathBuf,
        /// Bytes.
        limit: u64,
    },
    /// The filesystem gives the same exclusive lock to two holders, or none.
    #[error("the filesystem of `{dir}` has no working file locks")]
    #[diagnostic(
        code(causeway::ledger::no_locks),
        help("keep the state directory on a local disk: `causeway --state DIR`")
    )]
    NoLocks {
        /// The log's folder.
        dir: Utf8PathBuf,
    },
    /// The operating system gave no randomness for a key.
    #[error("the operating system gave no randomness for a new key")]
    #[diagnostic(code(causeway::ledger::no_randomness))]
    NoRandomness,
    /// No key is there, and none may be made here.
    #[error("there is no key at `{path}`")]
    #[diagnostic(
        code(causeway::ledger::no_key),
        help(
            "a log can only be continued with the key that it was begun with; restore it from a backup"
        )
    )]
    NoKey {
        /// Where the key was looked for.
        path: Utf8PathBuf,
    },
    /// Others than its owner can read a private key.
    #[error("the private key `{path}` can be read by others: its mode is {mode:04o}")]
    #[diagnostic(
        code(causeway::ledger::key_exposed),
        help(
            "`chmod 600 {path}`, and ask whether somebody has read it: who has the key can sign as this log"
        )
    )]
    KeyExposed {
        /// The key.
        path: Utf8PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file that is not a PKCS#8 PEM of an Ed25519 key.
    #[error("`{path}` is not an Ed25519 private key in PKCS#8 PEM")]
    #[diagnostic(
        code(causeway::ledger::bad_key),
        help(
            "restore the key from a backup; `openssl pkey -in {path} -noout -text` shows what it is"
        )
    )]
    BadKey {
        /// The key.
        path: Utf8PathBuf,
    },
    /// A person's public key that can't be read.
    #[error("this is no Ed25519 key of ssh: {why}")]
    #[diagnostic(
        code(causeway::ledger::ssh_key),
        help("write the line of the `.pub` file: `ssh-ed25519 AAAA...`")
    )]
    BadSshKey {
        /// Why.
        why: String,
    },
    /// A person's signature that can't be read.
    #[error("this is no signature of ssh: {why}")]
    #[diagnostic(
        code(causeway::ledger::ssh_signature),
        help("`ssh-keygen -Y sign -n causeway-approval -f KEY FILE` makes one in FILE.sig")
    )]
    BadSshSignature {
        /// Why.
        why: String,
    },
    /// A log's name that a signed note cannot carry.
    #[error("`{origin}` cannot name a log")]
    #[diagnostic(
        code(causeway::ledger::origin),
        help(
            "use 1 to 200 characters without blanks and `+`, for example `acme.example/causeway`"
        )
    )]
    BadOrigin {
        /// The name.
        origin: String,
    },
    /// Text that is not a verifier key.
    #[error("`{text}` is not a verifier key: {why}")]
    #[diagnostic(
        code(causeway::ledger::vkey),
        help(
            "a verifier key looks like `acme.example/causeway+1a2b3c4d+AbC...=`; `causeway ledger key` prints it"
        )
    )]
    BadVkey {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A checkpoint that cannot be trusted.
    #[error("the checkpoint of `{origin}` is not valid: {why}")]
    #[diagnostic(
        code(causeway::ledger::checkpoint),
        help(
            "run `causeway ledger verify`; if only the checkpoint is damaged, restore that file from a backup"
        )
    )]
    BadCheckpoint {
        /// The log whose checkpoint it should be.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// The folder holds entries, but nothing says which of them count.
    #[error("`{dir}` holds entries but no checkpoint")]
    #[diagnostic(
        code(causeway::ledger::checkpoint_missing),
        help(
            "restore the file `checkpoint` from a backup; without it nothing says which entries count"
        )
    )]
    CheckpointMissing {
        /// The log's folder.
        dir: Utf8PathBuf,
    },
    /// No log at all.
    #[error("there is no log in `{dir}`")]
    #[diagnostic(
        code(causeway::ledger::not_a_log),
        help("name the folder that holds the file `checkpoint`")
    )]
    NotALog {
        /// The folder.
        dir: Utf8PathBuf,
    },
    /// A file of the log does not hold what the signed checkpoint covers.
    #[error("the log is damaged: {file}: {what}")]
    #[diagnostic(
        code(causeway::ledger::damaged),
        help("nothing was written; `causeway ledger verify` names every damaged file and entry")
    )]
    Damaged {
        /// The file, relative to the log's folder.
        file: Utf8PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The checkpoint on disk is not a continuation of the one seen before.
    #[error("the log went back: it had {had} entries and now has {has}, or others")]
    #[diagnostic(
        code(causeway::ledger::rolled_back),
        help("somebody replaced the log's files; find out who before anything is appended")
    )]
    RolledBack {
        /// Entries seen before.
        had: u64,
        /// Entries on disk.
        has: u64,
    },
    /// The key already has an entry that says something else.
    #[error(
        "entry {index} of the log already holds `{key}` and says something else \
         (sha256 {logged}, offered {offered}): they differ at `{differ}`"
    )]
    #[diagnostic(
        code(causeway::ledger::conflict),
        help("an entry is never changed; a new attempt is a new key")
    )]
    Conflict {
        /// The key.
        key: String,
        /// Where it stands.
        index: u64,
        /// SHA-256 of the logged statement.
        logged: String,
        /// SHA-256 of the statement that was refused.
        offered: String,
        /// JSON pointer of the first difference.
        differ: String,
    },
    /// The clock shows an instant before the last entry's.
    #[error("the clock shows {now}, before the last entry of the log at {last}")]
    #[diagnostic(
        code(causeway::ledger::clock_behind),
        help("set the clock right; while it is behind, nothing can be cleared or logged")
    )]
    ClockBehind {
        /// The instant offered.
        now: Timestamp,
        /// The last entry's instant.
        last: Timestamp,
    },
    /// A key that the log does not take.
    #[error("`{key}` cannot be the key of an entry")]
    #[diagnostic(
        code(causeway::ledger::entry_key),
        help(
            "use 1 to 512 bytes without blanks; `run/` at the start is kept for the stages of runs"
        )
    )]
    BadEntryKey {
        /// The key.
        key: String,
    },
    /// An entry that does not fit into an entry bundle.
    #[error("the entry `{key}` takes {bytes} bytes, and an entry holds at most 65,535")]
    #[diagnostic(
        code(causeway::ledger::entry_too_large),
        help("shorten the key; what a statement says is stored beside the entry")
    )]
    EntryTooLarge {
        /// The key.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// A statement that cannot be signed.
    #[error("the statement cannot be signed: {why} at `{at}`")]
    #[diagnostic(
        code(causeway::ledger::statement),
        help(
            "signed statements hold integers and text, no floating-point numbers, and name at least one subject with a digest"
        )
    )]
    BadStatement {
        /// JSON pointer into the statement.
        at: String,
        /// What is wrong there.
        why: &'static str,
    },
    /// An envelope that does not prove anything.
    #[error("the signed statement is not valid: {why}")]
    #[diagnostic(code(causeway::ledger::envelope))]
    BadEnvelope {
        /// What is wrong with it.
        why: String,
    },
    /// An evidence pack that cannot be read.
    #[error("this is not an evidence pack: {why}")]
    #[diagnostic(
        code(causeway::ledger::evidence),
        help(
            "`causeway evidence RUN -o FILE` writes one; a pack that went through an editor is not the same bytes any more"
        )
    )]
    BadEvidence {
        /// What is wrong with it.
        why: String,
    },
    /// An evidence pack of another log.
    #[error("the evidence was made with the key `{claimed}`, not with `{given}`")]
    #[diagnostic(
        code(causeway::ledger::other_key),
        help("ask the log's operator, not whoever sent the evidence, for the log's verifier key")
    )]
    OtherKey {
        /// The verifier key in the pack.
        claimed: String,
        /// The verifier key that it was to be verified with.
        given: String,
    },
    /// Nothing to prove.
    #[error("the log has no entry of `{what}`")]
    #[diagnostic(
        code(causeway::ledger::no_entry),
        help("`causeway status` lists the runs")
    )]
    NoEntry {
        /// The run or key.
        what: String,
    },
    /// An attachment that cannot be packed.
    #[error("`{name}` cannot be attached: {why}")]
    #[diagnostic(code(causeway::ledger::attachment))]
    BadAttachment {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A verification found something.
    #[error("{count} {} found, the first: {first}", if *.count == 1 { "problem" } else { "problems" })]
    #[diagnostic(code(causeway::ledger::problems))]
    Problems {
        /// How many.
        count: usize,
        /// The first, in one line.
        first: String,
    },
    /// A test crashed this call.
    #[error(transparent)]
    Crashed(#[from] Crash),
}

impl LedgerError {
    /// For `map_err`: what was being done to which file.
    pub(crate) fn io(doing: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
