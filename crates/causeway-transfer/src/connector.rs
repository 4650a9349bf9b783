//! The ways to an agent, and choosing one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;

use crate::carrier::quic::QuicCarrier;
use crate::carrier::{BoxFuture, ByteStream, StreamCarrier};
use crate::error::TransferError;
use crate::session::Session;
use crate::ticket::Ticket;

/// Opens a stream to an agent: `ssh HOST causeway agent --stdio --root DIR`, a child process, a pipe.
pub type StreamFactory = Box<dyn Fn() -> BoxFuture<'static, io::Result<ByteStream>> + Send + Sync>;
/// Fetches an agent's present ticket.
pub type TicketFetch =
    Box<dyn Fn() -> BoxFuture<'static, Result<Ticket, TransferError>> + Send + Sync>;

/// How long a `ssh` may take to log in.
const STREAM_LIMIT: Duration = Duration::from_secs(60);

/// Where the ticket comes from. An agent that starts again has a new one, so all but `Fixed` survive that.
pub enum TicketSource {
    /// This one.
    Fixed(Ticket),
    /// A file here, read at each try.
    File(Utf8PathBuf),
    /// Asked for at each try, over the backend's own channel.
    Fetch(TicketFetch),
}

impl TicketSource {
    async fn ticket(&self) -> Result<Ticket, TransferError> {
        match self {
            Self::Fixed(ticket) => Ok(ticket.clone()),
            Self::File(path) => Ticket::read(path),
            Self::Fetch(fetch) => fetch().await,
        }
    }
}

impl std::fmt::Debug for TicketSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(ticket) => f.debug_tuple("Fixed").field(ticket).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Fetch(_) => f.write_str("Fetch"),
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For QUIC to connect, before the stream is taken.
    pub quic: Duration,
    /// For any byte on a connection that owes an answer, before it counts as cut.
    pub silence: Duration,
    /// For a connection on which something moves, before the transfer gives up. It never ends one that moves.
    pub give_up: Duration,
}

impl Default for Patience {
    /// 2.5 s, 15 s, 10 min.
    fn default() -> Self {
        Self {
            quic: Duration::from_millis(2500),
            silence: Duration::from_secs(15),
            give_up: Duration::from_secs(600),
        }
    }
}

/// The ways to one agent. QUIC is tried first; when it does not connect in time, the stream is used, and the summary says so.
pub struct Connector {
    quic: Option<TicketSource>,
    stream: Option<StreamFactory>,
    patience: Patience,
}

impl Connector {
    /// Over QUIC alone.
    #[must_use]
    pub fn quic(ticket: TicketSource) -> Self {
        Self {
            quic: Some(ticket),
            stream: None,
            patience: Patience::default(),
        }
    }

    /// Over a stream alone.
    pub fn stream<F, O>(open: F) -> Self
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<ByteStream>> + Send + 'static,
    {
        Self {
            quic: None,
            stream: None,
            patience: Patience::default(),
        }
        .or_stream(open)
    }

    /// With a stream for when QUIC does not connect.
    #[must_use]
    pub fn or_stream<F, O>(mut self, open: F) -> Self
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<ByteStream>> + Send + 'static,
    {
        self.stream = Some(Box::new(move || Box::pin(open())));
        self
    }

    /// With other times.
    #[must_use]
    pub const fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    pub(crate) const fn patience(&self) -> Patience {
        self.patience
    }

    /// Whether a refused ticket may be replaced by a newer one.
    pub(crate) const fn may_change(&self) -> bool {
        matches!(
            self.quic,
            Some(TicketSource::File(_) | TicketSource::Fetch(_))
        )
    }

    /// Connects: the session, and why this carrier.
    pub(crate) async fn connect(&self) -> Result<Session, TransferError> {
        let mut not_quic = "no ticket for QUIC was given".to_owned();
        if let Some(source) = &self.quic {
            match self.over_quic(source).await {
                Ok(session) => return Ok(session),
                Err(error) if self.stream.is_some() => {
                    not_quic = format!("QUIC did not connect: {error}")
                }
                Err(error) => return Err(error),
            }
        }
        let Some(open) = &self.stream else {
            return Err(TransferError::Unreachable { why: not_quic });
        };
        let unreachable = |why: String| TransferError::Unreachable {
            why: format!("{not_quic}; the stream did not open: {why}"),
        };
        let stream = tokio::time::timeout(STREAM_LIMIT, open())
            .await
            .map_err(|_| unreachable(format!("nothing within {} s", STREAM_LIMIT.as_secs())))?
            .map_err(|error| unreachable(error.to_string()))?;
        Session::open(
            Arc::new(StreamCarrier::new(stream)),
            self.patience.silence,
            not_quic.clone(),
        )
        .await
    }

    async fn over_quic(&self, source: &TicketSource) -> Result<Session, TransferError> {
        let ticket = source
            .ticket()
            .await
            .map_err(|error| match (source, error) {
                (TicketSource::Fixed(_), error) => error,
                // It may be there in a moment: the agent is starting.
                (_, error @ (TransferError::Io { .. } | TransferError::BadTicket { .. })) => {
                    let cause = std::error::Error::source(&error)
                        .map_or_else(String::new, |cause| format!(": {cause}"));
                    TransferError::Unreachable {
                        why: format!("{error}{cause}"),
                    }
                }
                (_, error) => error,
            })?;
        let (carrier, address) = QuicCarrier::connect(&ticket, self.patience.quic).await?;
        let mut why = format!("QUIC answered at {address}");
        if let Some(warning) = carrier.warning() {
            why.push_str("; ");
            why.push_str(warning);
        }
        Session::open(Arc::new(carrier), self.patience.silence, why).await
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("quic", &self.quic)
            .field("stream", &self.stream.is_some())
            .finish_non_exhaustive()
    }
}
