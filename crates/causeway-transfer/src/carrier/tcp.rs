//! TLS 1.3 over TCP (s2n-tls, which QUIC brings, over aws-lc): for where UDP is blocked or throttled.
//!
//! A lane is a connection. The agent listens at the port number of its UDP socket, with the same certificate, which the caller
//! trusts and no other; the token crosses inside the channel, on each lane. This module is the only one that knows s2n-tls.
//!
//! The kernel's BBR sends where the host has it. Without, the loss of a long link holds one connection down, and several
//! together fill it; [`growth`](super::growth) decides how many.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use s2n_tls::config::{self, Config};
use s2n_tls::connection::{Builder, Connection};
use s2n_tls::enums::{Mode, Version};
use s2n_tls::error::{Error as TlsError, ErrorType};
use s2n_tls::security::Policy;
use s2n_tls_tokio::{TlsAcceptor, TlsConnector, TlsStream};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::quic::{Identity, NAME, PROTOCOL, pem};
use super::race::first_that_answers;
use super::{BoxFuture, Carrier, CarrierKind, Lane};
use crate::error::TransferError;
use crate::protocol::message::Token;
use crate::signature::SignerKey;
use crate::ticket::Ticket;

/// Connections to begin with where the agent's host sends with BBR.
pub(super) const LANES_BBR: usize = 4;
/// And where it does not.
pub(super) const LANES: usize = 16;
/// Most connections of one session.
const MAX_LANES: usize = 64;
/// The congestion control that is asked for.
pub(super) const BBR: &[u8] = b"bbr";
/// What an agent chooses whose host has BBR, so that the caller knows how many connections to begin with.
const PROTOCOL_BBR: &[u8] = b"causeway/1+bbr";
/// TLS 1.3 alone, by s2n-tls's name for it (its own default allows 1.2).
const POLICY: &str = "AWS-CRT-SDK-TLSv1.3-2023";
/// Records that are written at once, in bytes.
const SEND_BUFFER: u32 = 64 << 10;
/// So long a TLS handshake may take at the agent.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes that nobody acknowledged for so long end a connection: longer than a cut that is waited out.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// When a silent connection is asked whether the other side is there, how often, and how often in vain.
const KEEP_ALIVE: (Duration, Duration, u32) = (Duration::from_secs(10), Duration::from_secs(5), 4);
const BACKLOG: i32 = 256;
/// A receive buffer that would be larger than this is the kernel's to size: it grows with what is read.
const MOST_FIXED: usize = 256 << 10;
const LEAST_FIXED: usize = 64 << 10;
/// The other protocol of the agent's port ([`https`](super::https)).
pub(super) const HTTP: &[u8] = b"http/1.1";

pub(super) type Stream = TlsStream<Counted>;

/// A socket that counts what is written to it, which is TLS records whole. What the kernel sends twice is not in it:
/// `TCP_INFO`, which would say, can't be asked for without `unsafe`.
pub(crate) struct Counted {
    socket: TcpStream,
    sent: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.sent.fetch_add(*count as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// Makes the TLS side of a connection: large records, and few calls of the kernel.
#[derive(Clone)]
struct Tls(Config);

impl Builder for Tls {
    type Output = Connection;

    fn build_connection(&self, mode: Mode) -> Result<Connection, TlsError> {
        let mut connection = self.0.build_connection(mode)?;
        connection.prefer_throughput()?;
        connection.set_receive_buffering(true)?;
        Ok(connection)
    }
}

fn policy() -> Result<config::Builder, TlsError> {
    let mut tls = Config::builder();
    tls.set_security_policy(&Policy::from_version(POLICY)?)?;
    tls.set_send_buffer_size(SEND_BUFFER)?;
    // Delays before an error hide the timing of CBC padding, which TLS 1.3 does not have.
    tls.set_max_blinding_delay(0)?;
    Ok(tls)
}

fn setup(error: &TlsError) -> TransferError {
    TransferError::Io {
        doing: "starting TLS".to_owned(),
        source: io::Error::other(error.to_string()),
    }
}

/// Asks for the best congestion control, and to be told of a dead peer. A host that refuses one of them is left as it is.
fn tune(socket: &SockRef<'_>) -> io::Result<()> {
    let (time, interval, retries) = KEEP_ALIVE;
    let keep_alive = TcpKeepalive::new()
        .with_time(time)
        .with_interval(interval)
        .with_retries(retries);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&keep_alive)?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    socket.set_tcp_congestion(BBR).ok();
    Ok(())
}

/// The congestion control that is in force.
fn congestion(socket: &SockRef<'_>) -> String {
    let name = socket.tcp_congestion().unwrap_or_default();
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

fn lane(stream: Stream) -> Lane {
    let (reader, writer) = tokio::io::split(stream);
    Lane {
        reader: Box::new(reader),
        writer: Box::new(writer),
        keep: None,
    }
}

/// What this host sends with on a connection.
pub(super) fn congestion_of(stream: &Stream) -> String {
    congestion(&SockRef::from(&stream.get_ref().socket))
}

/// What a caller wants to speak.
pub(crate) enum Speaks {
    Lane(Lane),
    Http(Box<HttpStream>),
}

/// A connection that speaks HTTP/1.1.
pub(crate) struct HttpStream {
    pub(crate) stream: Stream,
    /// What this host sends with.
    pub(crate) congestion: String,
}

/// The agent's socket.
pub(crate) struct Listener {
    socket: tokio::net::TcpListener,
    tls: TlsAcceptor<Tls>,
}

/// Shakes hands with callers, each in its own task.
#[derive(Clone)]
pub(crate) struct Greeter(TlsAcceptor<Tls>);

impl Listener {
    pub(crate) fn bind(address: SocketAddr, identity: &Identity) -> Result<Self, TransferError> {
        let socket = Self::socket(address).map_err(TransferError::io(format!(
            "listening at {address} with TCP"
        )))?;
        // Connections inherit it from the socket that they come in at.
        let has_bbr = congestion(&SockRef::from(&socket)).as_bytes() == BBR;
        let tls = || -> Result<Config, TlsError> {
            let mut tls = policy()?;
            if has_bbr {
                tls.append_application_protocol_preference(PROTOCOL_BBR)?;
            }
            tls.append_application_protocol_preference(PROTOCOL)?;
            tls.append_application_protocol_preference(HTTP)?;
            tls.load_pem(
                pem("CERTIFICATE", identity.certificate()).as_bytes(),
                pem("PRIVATE KEY", identity.key()).as_bytes(),
            )?;
            tls.build()
        };
        Ok(Self {
            socket,
            tls: TlsAcceptor::new(Tls(tls().map_err(|error| setup(&error))?)),
        })
    }

    fn socket(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // An agent that starts again does not wait for the connections of the one before.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        tune(&SockRef::from(&socket))?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        tokio::net::TcpListener::from_std(socket.into())
    }

    /// The next connection, before anything was said on it.
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept().await
    }

    pub(crate) fn greeter(&self) -> Greeter {
        Greeter(self.tls.clone())
    }
}

impl Greeter {
    /// What a connection speaks, and the count of what is sent on it; `None` when it is nothing known within 10 s.
    pub(crate) async fn shake(&self, socket: TcpStream) -> Option<(Speaks, Arc<AtomicU64>)> {
        tune(&SockRef::from(&socket)).ok()?;
        let sent = Arc::<AtomicU64>::default();
        let counted = Counted {
            socket,
            sent: Arc::clone(&sent),
        };
        let stream = timeout(HANDSHAKE, self.0.accept(counted))
            .await
            .ok()?
            .ok()?;
        let speaks = match protocol_of(&stream)? {
            // Who says nothing of it speaks what everybody does.
            [] | HTTP => Speaks::Http(Box::new(HttpStream {
                congestion: congestion_of(&stream),
                stream,
            })),
            _ => Speaks::Lane(lane(stream)),
        };
        Some((speaks, sent))
    }
}

/// The protocol that both sides mean; empty when none was said.
fn protocol_of(stream: &Stream) -> Option<&[u8]> {
    let connection: &Connection = stream.as_ref();
    let is_new = matches!(connection.actual_protocol_version(), Ok(Version::TLS13));
    is_new.then(|| connection.application_protocol().unwrap_or_default())
}

/// Connections to an agent.
pub(crate) struct TcpCarrier {
    dialer: Dialer,
    token: Token,
    signer: SignerKey,
    /// Whether the agent's host sends with BBR.
    bbr_there: bool,
    /// What this host sends with.
    here: String,
    /// The connection that answered first.
    first: Mutex<Option<Lane>>,
}

/// What it takes to open one more connection.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) address: SocketAddr,
    /// What the kernel takes ahead of what is read, where that is fixed.
    buffer: Option<usize>,
    tls: TlsConnector<Tls>,
    /// What the agent may choose.
    protocols: &'static [&'static [u8]],
    /// Told when a connection was let in, before TLS.
    opened: Arc<AtomicBool>,
    /// Bytes that this side sent on all connections.
    pub(super) sent: Arc<AtomicU64>,
}

impl TcpCarrier {
    /// Connects to the first address of the ticket that answers. Gives the carrier and that address; `opened` is told when any
    /// of them let a connection in, whatever became of it. `window`: bytes that the agent may have under way, where it is less
    /// than usual.
    pub(crate) async fn connect(
        ticket: &Ticket,
        limit: Duration,
        window: Option<u64>,
        opened: &AtomicBool,
    ) -> Result<(Self, SocketAddr), TransferError> {
        let has_opened = Arc::<AtomicBool>::default();
        let protocols = &[PROTOCOL_BBR, PROTOCOL];
        let first = Dialer::first(ticket, limit, window, protocols, &has_opened).await;
        opened.fetch_or(has_opened.load(Ordering::Relaxed), Ordering::Relaxed);
        let (dialer, stream) = first?;
        let (bbr_there, address) = (protocol_of(&stream) == Some(PROTOCOL_BBR), dialer.address);
        let carrier = Self {
            dialer,
            token: ticket.token(),
            signer: ticket.signer(),
            bbr_there,
            here: congestion_of(&stream),
            first: Mutex::new(Some(lane(stream))),
        };
        Ok((carrier, address))
    }
}

impl Dialer {
    /// For the first address of a ticket that answers, and the connection to it.
    pub(super) async fn first(
        ticket: &Ticket,
        limit: Duration,
        window: Option<u64>,
        protocols: &'static [&'static [u8]],
        opened: &Arc<AtomicBool>,
    ) -> Result<(Self, Stream), TransferError> {
        let bad = |error: TlsError| TransferError::BadTicket {
            file: "the ticket".to_owned(),
            why: format!("its certificate: {error}"),
        };
        let tls = || -> Result<Config, TlsError> {
            let mut tls = policy()?;
            tls.with_system_certs(false)?;
            tls.wipe_trust_store()?;
            tls.trust_pem(pem("CERTIFICATE", ticket.certificate()).as_bytes())?;
            tls.set_application_protocol_preference(protocols)?;
            tls.build()
        };
        let tls = TlsConnector::new(Tls(tls().map_err(bad)?));
        // A window that stays shut for half a minute ends a connection, so slow ones have small windows.
        let buffer = window
            .and_then(|window| usize::try_from(window).ok())
            .map(|window| (window / LANES_BBR).max(LEAST_FIXED))
            .filter(|buffer| *buffer < MOST_FIXED);
        let dial = |address| {
            let dialer = Self {
                address,
                buffer,
                tls: tls.clone(),
                protocols,
                opened: Arc::clone(opened),
                sent: Arc::default(),
            };
            async move { dialer.dial().await.map(|stream| (dialer, stream)) }
        };
        first_that_answers(ticket.addresses(), limit, dial).await
    }

    pub(super) async fn dial(&self) -> Result<Stream, TransferError> {
        let connect = async {
            let socket = match self.address {
                SocketAddr::V4(_) => TcpSocket::new_v4(),
                SocketAddr::V6(_) => TcpSocket::new_v6(),
            }?;
            tune(&SockRef::from(&socket))?;
            if let Some(buffer) = self.buffer {
                SockRef::from(&socket).set_recv_buffer_size(buffer)?;
            }
            socket.connect(self.address).await
        };
        let counted = Counted {
            socket: connect.await.map_err(TransferError::cut)?,
            sent: Arc::clone(&self.sent),
        };
        self.opened.store(true, Ordering::Relaxed);
        let untrusted = |why: String| TransferError::Untrusted {
            address: self.address.to_string(),
            why,
        };
        let stream = self
            .tls
            .connect(NAME, counted)
            .await
            .map_err(|error| match error.kind() {
                ErrorType::ProtocolError | ErrorType::Alert => untrusted(error.to_string()),
                _ => TransferError::cut(error),
            })?;
        match protocol_of(&stream) {
            Some(protocol) if self.protocols.contains(&protocol) => Ok(stream),
            _ => Err(untrusted("it speaks another protocol".to_owned())),
        }
    }
}

impl Carrier for TcpCarrier {
    fn kind(&self) -> CarrierKind {
        CarrierKind::Tcp
    }

    fn lanes(&self) -> usize {
        if self.bbr_there { LANES_BBR } else { LANES }
    }

    fn max_lanes(&self) -> usize {
        MAX_LANES
    }

    fn is_counted_by_lane(&self) -> bool {
        true
    }

    fn note(&self, lanes: usize) -> Option<String> {
        let there = if self.bbr_there { "bbr" } else { "no bbr" };
        Some(format!(
            "tcp: {there} at the agent, {} here, {lanes} connections",
            self.here
        ))
    }

    fn signer(&self) -> Option<SignerKey> {
        Some(self.signer)
    }

    fn token(&self) -> Option<Token> {
        Some(self.token)
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
            if let Some(first) = first {
                return Ok(first);
            }
            self.dialer.dial().await.map(lane).map_err(io::Error::other)
        })
    }
}
