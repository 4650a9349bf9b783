//! What can go wrong, and what to do next.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use causeway_domain::{Bytes, Crash, Digest, ModelName};

/// Why the registry refused or failed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum RegistryError {
    /// A call of the operating system failed; the source names the file.
    #[error("{doing}")]
    #[diagnostic(code(causeway::registry::io))]
    Io {
        /// What was being done.
        doing: String,
        /// The failure.
        #[source]
        source: std::io::Error,
    },
    /// No revision of this model was ever admitted.
    #[error("no model `{model}` in this registry")]
    #[diagnostic(
        code(causeway::registry::model_not_found),
        help("`causeway models` lists what is here")
    )]
    ModelNotFound {
        /// The name asked for.
        model: ModelName,
    },
    /// The model exists, the revision does not.
    #[error("model `{model}` has no revision `{revision}`")]
    #[diagnostic(code(causeway::registry::revision_not_found), help("{help}"))]
    RevisionNotFound {
        /// The model.
        model: ModelName,
        /// The revision asked for.
        revision: String,
        /// What to do next.
        help: &'static str,
    },
    /// A prefix that several commits share.
    #[error("`{prefix}` is the start of several revisions of `{model}`: {}", matches.join(", "))]
    #[diagnostic(
        code(causeway::registry::ambiguous_revision),
        help("write more of the commit")
    )]
    AmbiguousRevision {
        /// The model.
        model: ModelName,
        /// The prefix.
        prefix: String,
        /// The commits that start with it.
        matches: Vec<String>,
    },
    /// A name that Hugging Face clients use for something else.
    #[error("`{model}` can't be served: clients use `{first}/...` for something else")]
    #[diagnostic(
        code(causeway::registry::reserved_name),
        help("choose another organisation or model name")
    )]
    ReservedName {
        /// The model.
        model: ModelName,
        /// The reserved first part.
        first: String,
    },
    /// A revision without files.
    #[error("nothing to admit for `{model}`: the list of files is empty")]
    #[diagnostic(
        code(causeway::registry::no_files),
        help("check that the task wrote its model to the directory that is brought home")
    )]
    NoFiles {
        /// The model.
        model: ModelName,
    },
    /// A path that a client could not fetch, or that could leave its directory on the client's side.
    #[error("`{path}` can't be the path of a file in a model: {why}")]
    #[diagnostic(
        code(causeway::registry::bad_path),
        help("use a relative path with `/` between its parts, like `tokenizer/vocab.json`")
    )]
    BadPath {
        /// The path.
        path: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// Two entries that can't both exist in one directory tree.
    #[error("`{path}` is there twice, or both as a file and as a folder")]
    #[diagnostic(
        code(causeway::registry::path_conflict),
        help("rename one of the files")
    )]
    PathConflict {
        /// The path.
        path: String,
    },
    /// The store does not have the bytes.
    #[error("the bytes of `{path}` are not in the store: no file `{stored}`")]
    #[diagnostic(
        code(causeway::registry::missing_bytes),
        help("bring the file home first: `causeway resume RUN`")
    )]
    MissingBytes {
        /// The path in the model.
        path: String,
        /// Where they should be.
        stored: Utf8PathBuf,
    },
    /// The store's bytes are not those of their digest.
    #[error("the bytes of `{path}` changed in the store: expected {expected}, found {found}")]
    #[diagnostic(
        code(causeway::registry::changed_bytes),
        help("delete `{stored}` and bring the file home again: `causeway resume RUN`")
    )]
    ChangedBytes {
        /// The path in the model.
        path: String,
        /// Where they are.
        stored: Utf8PathBuf,
        /// BLAKE3 as recorded.
        expected: Digest,
        /// BLAKE3 of the bytes.
        found: Digest,
    },
    /// A file that Hugging Face clients refuse to download over HTTP.
    #[error(
        "`{path}` has {size}, and Hugging Face clients refuse files above {limit} over plain HTTP"
    )]
    #[diagnostic(
        code(causeway::registry::too_large),
        help("save the weights in shards: `save_pretrained(DIR, max_shard_size=\"10GB\")`")
    )]
    TooLarge {
        /// The path in the model.
        path: String,
        /// Its size.
        size: Bytes,
        /// The clients' limit.
        limit: Bytes,
    },
    /// Roll back with nothing to go back to.
    #[error("`{model}` can't be rolled back: {why}")]
    #[diagnostic(
        code(causeway::registry::nothing_before),
        help("`causeway promote {model} REVISION` points production at any revision")
    )]
    NothingBefore {
        /// The model.
        model: ModelName,
        /// Never promoted, or promoted once.
        why: &'static str,
    },
    /// A file of the registry that is not what was written.
    #[error("`{file}` is damaged: {why}")]
    #[diagnostic(
        code(causeway::registry::corrupt),
        help("restore the file from a backup, or delete it and admit the revision again")
    )]
    Corrupt {
        /// The file.
        file: Utf8PathBuf,
        /// What does not fit.
        why: String,
    },
    /// A file written by another version.
    #[error("`{file}` has format `{found}`; this version reads `{known}`")]
    #[diagnostic(
        code(causeway::registry::unknown_format),
        help("use the version of Causeway that wrote it")
    )]
    UnknownFormat {
        /// The file.
        file: Utf8PathBuf,
        /// The format it names.
        found: String,
        /// The format known here.
        known: &'static str,
    },
    /// A filesystem on which two processes could move one pointer at once.
    #[error("the filesystem of `{file}` has no working file locks")]
    #[diagnostic(
        code(causeway::registry::no_locks),
        help("put the state directory on a local filesystem: `causeway --state DIR`")
    )]
    NoLocks {
        /// The lock file.
        file: Utf8PathBuf,
        /// The failure.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the lock for too long.
    #[error("another process has held `{file}` for {seconds} s")]
    #[diagnostic(
        code(causeway::registry::busy),
        help("find it with `fuser {file}`; a stopped process keeps its locks")
    )]
    Busy {
        /// The lock file.
        file: Utf8PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// Models offered to a network without a token.
    #[error("`{addr}` can be reached from other machines, so callers must show a token")]
    #[diagnostic(
        code(causeway::registry::token_needed),
        help(
            "give a token of 16 or more characters, which clients send as `HF_TOKEN`, or listen on 127.0.0.1"
        )
    )]
    TokenNeeded {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// A token that a client can't send, or that can be guessed.
    #[error("the token can't be used: {why}")]
    #[diagnostic(
        code(causeway::registry::weak_token),
        help("make one with `openssl rand -hex 32`")
    )]
    WeakToken {
        /// The rule it breaks.
        why: &'static str,
    },
    /// A crash that a test asked for.
    #[error(transparent)]
    #[diagnostic(code(causeway::registry::crash))]
    Crash(#[from] Crash),
}

impl RegistryError {
    /// For `map_err`: names what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
