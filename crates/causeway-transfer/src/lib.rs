//! Moving bytes: from a site to home while training goes on, and from home to a site.
//!
//! A directory is a [`Manifest`]: files, cut into blocks of 1 to 4 MiB, each named by its BLAKE3. Home keeps files in a
//! [`Store`] under their digests. [`pull`] asks an [agent](agent::serve) at the site for the blocks that home has nowhere,
//! verifies each as it comes, notes in a journal that it is on disk, and makes a file visible only whole; blocks cross
//! encoded where that is sooner ([`Codec`]), as differences where both sides have an earlier checkpoint; [`push`] is its
//! mirror and [`follow`] takes each finished checkpoint of a running job. Killed at any instant, on either side, the next
//! call goes on where it was. Lanes of the protocol run over QUIC, over TLS on TCP when UDP is blocked, over HTTPS when only that
//! passes, or over any stream of bytes (`ssh`): a [`Connector`] knows the ways and chooses. Where nothing of ours runs, files lie
//! as [`Objects`] in a bucket, and [`push_objects`] brings them there.
//!
//! It refuses to know what a job is, how an agent is started, and what the law says about a transfer: whoever calls [`push`]
//! or [`pull`] was cleared before.
//!
//! Read first: [`Manifest`], [`Store`], [`Connector`].
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use camino::{Utf8Path, Utf8PathBuf};
//! use causeway_domain::{Env, Timestamp};
//! use causeway_transfer::agent::{AgentOptions, serve_stream};
//! use causeway_transfer::{ByteStream, Codec, Connector, Dest, Placement, Store, pull};
//!
//! # struct Still;
//! # impl Env for Still {
//! #     fn now(&self) -> Timestamp { Timestamp::UNIX_EPOCH }
//! #     fn random(&self) -> u64 { 0 }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = Utf8Path::from_path(dir.path()).ok_or("not UTF-8")?.to_owned();
//! # fs_err::create_dir_all(dir.join("site/step-400"))?;
//! # fs_err::write(dir.join("site/step-400/config.json"), "{}")?;
//! // An agent that serves `site`, at the other end of a pipe. For a real one: a ticket, or `ssh`.
//! let root: Utf8PathBuf = dir.join("site");
//! let connector = Connector::stream(move || {
//!     let (here, there) = tokio::io::duplex(1 << 20);
//!     let idle_timeout = Duration::from_secs(60);
//!     let options = AgentOptions { roots: vec![root.clone()], listen: None, ticket_file: None, stdio: true, writable: false, idle_timeout };
//!     let agent = tokio::spawn(serve_stream(options, ByteStream::both(there), Arc::new(Still)));
//!     async move { Ok(ByteStream::both(here).holding(agent)) }
//! });
//! let store = Store::open(&dir.join("store"))?;
//! let dest = Dest { store: &store, directory: Some((dir.join("home"), Placement::Link)), base: Vec::new() };
//! let runtime = tokio::runtime::Runtime::new()?;
//! let summary = runtime.block_on(pull(&connector, "step-400", dest, Codec::Auto, &Still, |_| {}))?;
//! assert_eq!(summary.raw_bytes, 2);
//! assert_eq!(fs_err::read_to_string(dir.join("home/config.json"))?, "{}");
//! # Ok(())
//! # }
//! ```

pub mod agent;
mod backoff;
mod bench;
mod beneath;
mod carrier;
mod chunks;
mod codec;
mod coming;
mod connector;
mod durable;
mod error;
mod follow;
#[doc(hidden)]
pub mod fuzzing;
mod holes;
mod limit;
mod link;
mod manifest;
mod path;
mod progress;
mod protocol;
mod pull;
mod push;
mod scan;
mod selection;
mod session;
mod signature;
mod store;
mod ticket;
mod wire;

pub use bench::{LineReport, advice, bench};
pub use carrier::objects::{Objects, push_objects};
pub use carrier::{BoxFuture, ByteStream, CarrierKind};
pub use codec::Codec;
pub use connector::{Connector, Patience, StreamFactory, TicketFetch, TicketSource};
pub use error::TransferError;
pub use follow::{CheckpointArrived, FollowOptions, follow};
pub use manifest::{Block, FileEntry, LinkEntry, MANIFEST_VERSION, MAX_MANIFEST, Manifest, Shape};
pub use path::unfinished;
pub use progress::{Crossed, FilePart, Line, Progress, Stage, Summary};
pub use protocol::PROTOCOL_VERSION;
pub use pull::{Dest, pull, pull_selected};
pub use push::push;
pub use scan::{Scan, Skipped, scan};
pub use selection::{Links, Selection};
pub use signature::{ManifestSignature, ManifestSigner, SignerKey};
pub use store::{Damage, Hashes, OwnStore, Placement, Store};
pub use ticket::{TICKET_VERSION, Ticket};

/// Every point at which a test may crash a transfer: `transfer.*` on the side that calls, `agent.*` at the site.
pub const FAULT_POINTS: [&str; 14] = [
    "transfer.manifest",
    "transfer.block",
    "transfer.file",
    "transfer.sealed",
    "transfer.placing",
    "transfer.placed",
    "transfer.published",
    "transfer.checkpoint",
    "agent.manifest",
    "agent.block",
    "agent.stored",
    "agent.placing",
    "agent.placed",
    "agent.published",
];
