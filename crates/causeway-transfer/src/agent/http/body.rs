//! The body of an answer: bytes that are there, or parts that are read as fast as the caller takes them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

use super::Caller;
use crate::error::TransferError;

/// Parts that wait to be written, beside the one that is.
const WAITING: usize = 1;

/// What is sent. Its length is known from the start; a body that ends early ends its connection.
pub(super) struct Body {
    parts: Parts,
    left: u64,
    /// What the request holds until it is answered.
    _turn: Option<OwnedSemaphorePermit>,
}

enum Parts {
    Whole(Option<Bytes>),
    Coming {
        receiver: mpsc::Receiver<Result<Bytes, TransferError>>,
        _reading: JoinSet<()>,
    },
}

/// Where the parts of a body go.
pub(super) type Sink = mpsc::Sender<Result<Bytes, TransferError>>;

impl Body {
    pub(super) const fn empty() -> Self {
        Self {
            parts: Parts::Whole(None),
            left: 0,
            _turn: None,
        }
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        Self {
            left: bytes.len() as u64,
            parts: Parts::Whole(Some(bytes)),
            _turn: None,
        }
    }

    /// That many bytes, which `read` sends part by part.
    pub(super) fn coming<F>(left: u64, read: impl FnOnce(Sink) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut reading = JoinSet::new();
        reading.spawn(read(sender));
        Self {
            parts: Parts::Coming {
                receiver,
                _reading: reading,
            },
            left,
            _turn: None,
        }
    }

    /// Keeps a permit until all of it is sent.
    pub(super) fn holding(self, turn: OwnedSemaphorePermit) -> Self {
        Self {
            _turn: Some(turn),
            ..self
        }
    }

    pub(super) const fn left(&self) -> u64 {
        self.left
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = TransferError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransferError>>> {
        let this = self.get_mut();
        let next = match &mut this.parts {
            Parts::Whole(bytes) => bytes.take().map(Ok),
            Parts::Coming { receiver, .. } => ready!(receiver.poll_recv(context)),
        };
        if let Some(Ok(bytes)) = &next {
            this.left = this.left.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(next.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Bytes of a file, and what they take of the caller's budget until they are written.
pub(super) struct Held {
    bytes: Bytes,
    caller: Arc<Caller>,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    pub(super) fn share(bytes: Bytes, caller: Arc<Caller>, permit: OwnedSemaphorePermit) -> Bytes {
        Bytes::from_owner(Self {
            bytes,
            caller,
            _permit: permit,
        })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    /// It was written, or the caller is gone.
    fn drop(&mut self) {
        self.caller.wrote(self.bytes.len() as u64);
    }
}
