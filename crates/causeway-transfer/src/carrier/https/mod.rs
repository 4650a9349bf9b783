//! HTTPS to an agent: for where only that passes. The agent's TCP port answers ALPN `http/1.1`, too.
//!
//! A lane is a connection, and both of its ends are here: what the transfer asks is put in HTTP/1.1, one request behind the
//! other without waiting for answers, and what is answered is passed on as the protocol's frames while it comes. So a lane
//! brings as much as one over TCP; only who counts, grows and verifies is the same code. It does not put.

pub(crate) mod incoming;
mod lane;

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::quic::NAME;
use super::tcp::{BBR, Dialer, HTTP, LANES, LANES_BBR, Stream, congestion_of};
use super::{BoxFuture, Carrier, CarrierKind, Lane};
use crate::error::TransferError;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::http::{Greeting, Target, failure};
use crate::protocol::message::Token;
use crate::signature::SignerKey;
use crate::ticket::Ticket;

use incoming::Incoming;

/// Most connections of one session. Half of what TCP has: an agent that waits for a caller's budget can't say so in HTTP, and
/// with more of them a lane could wait for longer than its caller is patient.
const MAX_LANES: usize = 32;
/// The longest greeting, or failure, in bytes.
const MAX_WORDS: u64 = 64 << 10;

/// Connections to an agent.
pub(crate) struct HttpsCarrier {
    dialer: Dialer,
    asking: Asking,
    signer: SignerKey,
    /// What the agent's host sends with, and this one.
    there: String,
    here: String,
    /// The connection that answered first.
    first: Mutex<Option<Stream>>,
}

/// What every request says beside its target.
#[derive(Clone)]
struct Asking(Arc<str>);

impl Asking {
    fn new(token: &Token) -> Self {
        let token = STANDARD.encode(token);
        Self(format!("Host: {NAME}\r\nAuthorization: Bearer {token}\r\n").into())
    }

    /// Adds a request, with these headers more (each with its end of line).
    fn get(&self, out: &mut String, target: &Target, more: std::fmt::Arguments<'_>) {
        // Writing to a `String` does not fail.
        let _ = write!(out, "GET {target} HTTP/1.1\r\n{}{more}\r\n", self.0);
    }
}

impl HttpsCarrier {
    /// Connects to the first address of the ticket that answers. Gives the carrier and that address. `window`: bytes that the
    /// agent may have under way, where it is less than usual.
    pub(crate) async fn connect(
        ticket: &Ticket,
        limit: Duration,
        window: Option<u64>,
    ) -> Result<(Self, SocketAddr), TransferError> {
        let (dialer, mut stream) =
            Dialer::first(ticket, limit, window, &[HTTP], &Arc::default()).await?;
        let asking = Asking::new(&ticket.token());
        let greeting = timeout(limit, greet(&mut stream, &asking))
            .await
            .map_err(|_| TransferError::cut("the agent does not greet"))??;
        let (here, address) = (congestion_of(&stream), dialer.address);
        let carrier = Self {
            dialer,
            asking,
            signer: ticket.signer(),
            there: greeting.congestion,
            here,
            first: Mutex::new(Some(stream)),
        };
        Ok((carrier, address))
    }

    fn bbr_there(&self) -> bool {
        self.there.as_bytes() == BBR
    }
}

/// Asks who answers.
async fn greet(stream: &mut Stream, asking: &Asking) -> Result<Greeting, TransferError> {
    let mut request = String::new();
    asking.get(&mut request, &Target::Agent, format_args!(""));
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(TransferError::cut)?;
    stream.flush().await.map_err(TransferError::cut)?;
    let mut incoming = Incoming::new(stream);
    let head = incoming.head().await.map_err(TransferError::cut)?;
    let body = incoming
        .body(&head, MAX_WORDS)
        .await
        .map_err(TransferError::cut)?;
    match head.status {
        200 => {}
        401 => {
            return Err(TransferError::Refused {
                why: failure(401, &body, "").why,
            });
        }
        status => return Err(failure(status, &body, "").into_error()),
    }
    let greeting: Greeting = serde_json::from_slice(&body)
        .map_err(|_| TransferError::protocol("who answers over HTTPS is no agent"))?;
    if greeting.causeway != PROTOCOL_VERSION {
        return Err(TransferError::protocol(
            "it speaks another version of the protocol",
        ));
    }
    Ok(greeting)
}

impl Carrier for HttpsCarrier {
    fn kind(&self) -> CarrierKind {
        CarrierKind::Https
    }

    fn lanes(&self) -> usize {
        if self.bbr_there() { LANES_BBR } else { LANES }
    }

    fn max_lanes(&self) -> usize {
        MAX_LANES
    }

    fn is_counted_by_lane(&self) -> bool {
        true
    }

    fn note(&self, lanes: usize) -> Option<String> {
        let there = if self.bbr_there() { "bbr" } else { "no bbr" };
        Some(format!(
            "https: {there} at the agent, {} here, {lanes} connections",
            self.here
        ))
    }

    fn signer(&self) -> Option<SignerKey> {
        Some(self.signer)
    }

    /// It is shown in each request.
    fn token(&self) -> Option<Token> {
        None
    }

    /// Bytes of TLS records; what the kernel sends twice is not in it.
    fn sent(&self) -> Option<u64> {
        Some(self.dialer.sent.load(Ordering::Relaxed))
    }

    fn open(&self) -> BoxFuture<'_, io::Result<Lane>> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Box::pin(async move {
            let stream = match first {
                Some(first) => first,
                None => self.dialer.dial().await.map_err(io::Error::other)?,
            };
            Ok(lane::open(stream, self.asking.clone()))
        })
    }
}
