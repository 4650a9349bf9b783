//! What carries lanes: QUIC, TLS over TCP, HTTPS, any stream of bytes; or requests for objects of a bucket.

pub(crate) mod congestion;
mod control;
mod endpoint;
pub(crate) mod growth;
pub(crate) mod https;
pub(crate) mod objects;
pub(crate) mod quic;
mod race;
mod socket;
mod stream;
pub(crate) mod tcp;

use std::any::Any;
use std::future::Future;
use std::io;
use std::pin::Pin;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};

pub use stream::ByteStream;
pub(crate) use stream::StreamCarrier;

use crate::protocol::message::Token;
use crate::signature::SignerKey;

/// A future on the heap, so that carriers and stream factories can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which carrier a transfer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierKind {
    /// QUIC, straight to the agent.
    Quic,
    /// TLS over TCP, straight to the agent, on several connections.
    Tcp,
    /// HTTPS, straight to the agent or to a static server, on several connections; it only brings home.
    Https,
    /// Requests for objects of a bucket that speaks S3.
    S3,
    /// A stream of bytes that the caller opened: `ssh`, a child process, a pipe.
    Stream,
}

impl std::fmt::Display for CarrierKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
            Self::Https => "https",
            Self::S3 => "s3",
            Self::Stream => "stream",
        })
    }
}

/// A connection to one agent that can open lanes.
pub(crate) trait Carrier: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> CarrierKind;

    /// How many lanes to begin with.
    fn lanes(&self) -> usize;

    /// How many lanes may be worth having, when more of them bring more.
    fn max_lanes(&self) -> usize {
        self.lanes()
    }

    /// Whether each lane is a connection of its own, on which the agent counts apart.
    fn is_counted_by_lane(&self) -> bool {
        false
    }

    /// What belongs to the reason why this carrier was chosen, with that many lanes open.
    fn note(&self, _lanes: usize) -> Option<String> {
        None
    }

    /// The thread that moves its bytes, where lanes are best served: a wake-up of another thread for every few packets is most
    /// of what receiving costs.
    fn thread(&self) -> Option<&tokio::runtime::Handle> {
        None
    }

    /// The key that has to have signed the manifests that come, where one is known beforehand.
    fn signer(&self) -> Option<SignerKey> {
        None
    }

    /// Whether an agent of ours answers, and not a bucket or a static server.
    fn is_agent(&self) -> bool {
        true
    }

    /// What each lane shows to be let in.
    fn token(&self) -> Option<Token>;

    /// All that this side put on the carrier, in bytes; `None` when that is what it wrote on its lanes.
    fn sent(&self) -> Option<u64>;

    /// What was lost of that, in bytes; `None` where the carrier does not tell.
    fn lost(&self) -> Option<u64> {
        None
    }

    /// All that came on the carrier, its own overhead included; `None` where it does not tell.
    fn received(&self) -> Option<u64> {
        None
    }

    /// Opens a lane.
    fn open(&self) -> BoxFuture<'_, io::Result<Lane>>;
}

/// The two directions of a lane.
pub(crate) struct Lane {
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// Dropped with the lane: a child process, a connection.
    pub(crate) keep: Option<Box<dyn Any + Send>>,
}
