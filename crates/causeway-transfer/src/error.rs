//! What can go wrong on the way, and what to do next.

use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_domain::{Crash, Digest};

/// Why bytes did not come home (or did not get to the site).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum TransferError {
    /// A call of the operating system failed; the source names the file.
    #[error("{doing}")]
    #[diagnostic(code(causeway::transfer::io))]
    Io {
        /// What was being done.
        doing: String,
        /// The failure.
        #[source]
        source: std::io::Error,
    },
    /// No room on this side's disk.
    #[error("the disk is full: {doing}")]
    #[diagnostic(
        code(causeway::transfer::disk_full),
        help("make room and run the same command again: what was verified is not sent again")
    )]
    DiskFull {
        /// What was being done.
        doing: String,
    },
    /// A path that could lead out of its directory, or that the other side could not write.
    #[error("`{path}` can't be moved: {why}")]
    #[diagnostic(
        code(causeway::transfer::bad_path),
        help("use a relative path with `/` between its parts, like `runs/step-400`")
    )]
    BadPath {
        /// The path.
        path: String,
        /// The rule it breaks.
        why: String,
    },
    /// A list of files that is not canonical, contradicts itself, or is larger than any real one.
    #[error("this is not a manifest: {why}")]
    #[diagnostic(
        code(causeway::transfer::bad_manifest),
        help("check that both sides run the same version of Causeway")
    )]
    BadManifest {
        /// What is wrong.
        why: String,
    },
    /// A file changed while it was read: its bytes at two instants would be mixed.
    #[error("`{path}` changes while it is read")]
    #[diagnostic(
        code(causeway::transfer::changing),
        help("wait until its writer is done, then run the same command again")
    )]
    Changing {
        /// The file.
        path: String,
    },
    /// Nothing to move.
    #[error("there is no `{path}` at the site")]
    #[diagnostic(
        code(causeway::transfer::not_found),
        help("paths are relative to the directory that the agent serves (`--root`)")
    )]
    NotFound {
        /// The path.
        path: String,
    },
    /// What differences should be taken from is not there.
    #[error("there is no `{path}` to take differences from")]
    #[diagnostic(
        code(causeway::transfer::no_base),
        help("name the directory or file of an earlier checkpoint, or leave `--base` out")
    )]
    NoBase {
        /// The path.
        path: Utf8PathBuf,
    },
    /// The agent serves neither this path nor this kind of request.
    #[error("the agent does not serve `{path}`: {why}")]
    #[diagnostic(
        code(causeway::transfer::denied),
        help(
            "the agent serves only what lies below its `--root`; links that lead out of it are not followed"
        )
    )]
    Denied {
        /// The path.
        path: String,
        /// Why.
        why: String,
    },
    /// Something failed at the site.
    #[error("the agent could not serve `{path}`: {why}")]
    #[diagnostic(code(causeway::transfer::site))]
    Site {
        /// The path.
        path: String,
        /// The failure, in the agent's words.
        why: String,
    },
    /// The agent turned the caller away.
    #[error("the agent refused the connection: {why}")]
    #[diagnostic(
        code(causeway::transfer::refused),
        help("fetch the agent's present ticket: an agent that starts again writes a new one")
    )]
    Refused {
        /// The agent's words.
        why: String,
    },
    /// Who answered does not hold the key of the ticket.
    #[error("who answers at {address} does not hold the key of the ticket: {why}")]
    #[diagnostic(
        code(causeway::transfer::untrusted),
        help(
            "fetch the agent's present ticket; when that does not help, something between you and the site answers in its place"
        )
    )]
    Untrusted {
        /// The address.
        address: String,
        /// What the handshake said.
        why: String,
    },
    /// A manifest without the signature that it has to have, or with one that does not fit; a key that is none.
    #[error("the manifest is not signed as it has to be: {why}")]
    #[diagnostic(
        code(causeway::transfer::unsigned),
        help(
            "ask who runs the source for the public key by a way that you trust; when it is the right one, do not trust what came"
        )
    )]
    Unsigned {
        /// What is wrong.
        why: String,
    },
    /// A bucket, or a static server, that can't be used.
    #[error("`{place}` can't be used: {why}")]
    #[diagnostic(
        code(causeway::transfer::bucket),
        help(
            "check the address, and for a bucket AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL"
        )
    )]
    Bucket {
        /// Its address.
        place: String,
        /// Why.
        why: String,
    },
    /// A bucket, or a static server, without our list of what belongs together.
    #[error("`{place}` holds no `.causeway/manifest`")]
    #[diagnostic(
        code(causeway::transfer::no_manifest),
        help(
            "bring the files there with `causeway push DIR s3://BUCKET/PREFIX`, which writes it last: a push that was broken off goes on when it is given again"
        )
    )]
    NoManifest {
        /// Its address.
        place: String,
    },
    /// The peer says what the protocol does not allow.
    #[error("the other side broke the protocol: {why}")]
    #[diagnostic(
        code(causeway::transfer::protocol),
        help("check that both sides run the same version of Causeway")
    )]
    Protocol {
        /// What it did.
        why: String,
    },
    /// The connection ended early. A caller that can connect again does.
    #[error("the connection was cut: {why}")]
    #[diagnostic(
        code(causeway::transfer::cut),
        help("run the same command again: what was verified is not sent again")
    )]
    Cut {
        /// How it ended.
        why: String,
    },
    /// No carrier connects.
    #[error("no way to the agent: {why}")]
    #[diagnostic(
        code(causeway::transfer::unreachable),
        help(
            "check that the agent runs, and that its address is reachable from here (`--at HOST:PORT` overrides it)"
        )
    )]
    Unreachable {
        /// Each way that was tried, and how it failed.
        why: String,
    },
    /// Cut off for longer than the caller allows.
    #[error("gave up after {} s without a connection: {last}", after.as_secs())]
    #[diagnostic(
        code(causeway::transfer::gave_up),
        help(
            "run the same command again once the site is reachable: what was verified is not sent again"
        )
    )]
    GaveUp {
        /// How long nothing moved.
        after: Duration,
        /// The last failure.
        last: String,
    },
    /// A block is not the one that the manifest names.
    #[error("bytes of `{path}` at {offset} are not those that were promised")]
    #[diagnostic(
        code(causeway::transfer::mismatch),
        help(
            "the file changed at its source, or a disk or link damages data: run the same command again"
        )
    )]
    Mismatch {
        /// The file.
        path: String,
        /// Where in it.
        offset: u64,
    },
    /// All blocks are those of the manifest, and yet the whole is not the file that it names.
    #[error("`{path}` is not the file that its manifest names: expected {expected}, found {found}")]
    #[diagnostic(
        code(causeway::transfer::inconsistent),
        help("the manifest contradicts itself: do not trust its source")
    )]
    Inconsistent {
        /// The file.
        path: String,
        /// BLAKE3 in the manifest.
        expected: Digest,
        /// BLAKE3 of the bytes.
        found: Digest,
    },
    /// A stored file is not what it was.
    #[error("`{stored}` changed in the store: expected {expected}, found {found}")]
    #[diagnostic(
        code(causeway::transfer::changed_in_store),
        help("delete it and bring it home again with the same command")
    )]
    ChangedInStore {
        /// Where it lies.
        stored: Utf8PathBuf,
        /// BLAKE3, which is its name.
        expected: Digest,
        /// BLAKE3 of the bytes.
        found: Digest,
    },
    /// The store does not have this file or manifest.
    #[error("{digest} is not in the store `{store}`")]
    #[diagnostic(code(causeway::transfer::not_in_store), help("bring it home first"))]
    NotInStore {
        /// What was asked for.
        digest: Digest,
        /// The store.
        store: Utf8PathBuf,
    },
    /// A store of another version.
    #[error("`{dir}` holds a store of another format: `{found}`")]
    #[diagnostic(
        code(causeway::transfer::store_format),
        help("use the version of Causeway that made it; nothing was changed")
    )]
    StoreFormat {
        /// The store.
        dir: Utf8PathBuf,
        /// What its `format` file says.
        found: String,
    },
    /// A ticket's file that is not there.
    #[error("there is no ticket `{file}`")]
    #[diagnostic(
        code(causeway::transfer::no_ticket),
        help(
            "the agent writes it once it listens (`--ticket-file`); copy it here, and look at the path"
        )
    )]
    NoTicket {
        /// The file.
        file: Utf8PathBuf,
    },
    /// Not a ticket.
    #[error("`{file}` is not a ticket: {why}")]
    #[diagnostic(
        code(causeway::transfer::bad_ticket),
        help(
            "an agent writes it: `causeway agent --listen ADDR:PORT --root DIR --ticket-file FILE`"
        )
    )]
    BadTicket {
        /// The file, or where it came from.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The place for the result is taken.
    #[error("`{dest}` is in the way: {why}")]
    #[diagnostic(
        code(causeway::transfer::occupied),
        help("choose another destination, or move it away")
    )]
    Occupied {
        /// The place.
        dest: String,
        /// What is there.
        why: String,
    },
    /// An injected crash.
    #[error(transparent)]
    #[diagnostic(code(causeway::transfer::crash))]
    Crash(#[from] Crash),
}

impl TransferError {
    /// Wraps a failure of the operating system: `.map_err(TransferError::io("reading the store"))`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull {
                doing: format!("{doing}: {source}"),
            },
            _ => Self::Io { doing, source },
        }
    }

    pub(crate) fn cut(why: impl std::fmt::Display) -> Self {
        Self::Cut {
            why: why.to_string(),
        }
    }

    pub(crate) fn protocol(why: impl Into<String>) -> Self {
        Self::Protocol { why: why.into() }
    }

    /// Whether connecting again may help.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        matches!(
            self,
            Self::Cut { .. } | Self::Unreachable { .. } | Self::NoTicket { .. }
        )
    }

    /// Whether room on a disk may help.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// Whether the source has to be listed again, since it is not what it was.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        matches!(self, Self::Changing { .. } | Self::Mismatch { .. })
    }
}
