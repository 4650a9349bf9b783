//! A stream of bytes as a carrier of one lane.

use std::any::Any;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{BoxFuture, Carrier, CarrierKind, Lane};
use crate::protocol::message::Token;

/// An open stream to an agent that runs with `--stdio`: the two ends of its standard input and output. Who opened it knows
/// who is at the other end, so no token is asked for.
pub struct ByteStream {
    lane: Lane,
}

impl ByteStream {
    /// From what is read from the agent, and what is written to it.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            lane: Lane {
                reader: Box::new(reader),
                writer: Box::new(writer),
                keep: None,
            },
        }
    }

    /// From something that is both, like one end of a socket pair.
    pub fn both(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self::new(reader, writer)
    }

    /// To a process that was started with both ends piped: `ssh HOST causeway agent --stdio ...`. It lives as long as the
    /// stream is used when it was started with `kill_on_drop`.
    ///
    /// # Errors
    /// When standard input or output was not piped.
    pub fn child(mut child: tokio::process::Child) -> io::Result<Self> {
        match (child.stdout.take(), child.stdin.take()) {
            (Some(output), Some(input)) => Ok(Self::new(output, input).holding(child)),
            _ => Err(io::Error::other(
                "standard input and output of the agent's process are not piped",
            )),
        }
    }

    /// Keeps something alive as long as the stream is used: a child process with `kill_on_drop`, an `ssh` session.
    #[must_use]
    pub fn holding(mut self, what: impl Any + Send) -> Self {
        self.lane.keep = Some(Box::new(what));
        self
    }

    pub(crate) fn into_lane(self) -> Lane {
        self.lane
    }
}

impl std::fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}

/// The carrier: its one lane is given once.
pub(crate) struct StreamCarrier(Mutex<Option<Lane>>);

impl StreamCarrier {
    pub(crate) fn new(stream: ByteStream) -> Self {
        Self(Mutex::new(Some(stream.into_lane())))
    }
}

impl Carrier for StreamCarrier {
    fn kind(&self) -> CarrierKind {
        CarrierKind::Stream
    }

    fn lanes(&self) -> usize {
        1
    }

    fn token(&self) -> Option<Token> {
        None
    }

    fn sent(&self) -> Option<u64> {
        None
    }

    fn open(&self) -> BoxFuture<'_, io::Result<Lane>> {
        let lane = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async {
            lane.ok_or_else(|| io::Error::other("the stream carries one lane, and it is taken"))
        })
    }
}
