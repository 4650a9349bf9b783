//! QUIC (s2n-quic, TLS 1.3 by s2n-tls and aws-lc) with our own congestion control.
//!
//! Chosen by measurement: of the QUIC libraries tried it is the one that completed every BBR run over long lossy links, with
//! few bytes sent twice. This module and [`control`](super::control) are the only ones that know it.
//!
//! The agent makes a key and a certificate each time it starts; the caller trusts that certificate and no other, not even
//! those of the system. The caller's token crosses inside the encrypted channel.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use s2n_quic::client::Connect;
use s2n_quic::connection::Handle;
use s2n_quic::provider::connection_id;
use s2n_quic::provider::event;
use s2n_quic::provider::limits::Limits;
use s2n_quic::provider::tls::default as tls;

use super::control::Control;
use super::endpoint::{EndpointThread, REST_AGENT, REST_CALLER};
use super::race::first_that_answers;
use super::{BoxFuture, Carrier, CarrierKind, Lane, socket};
use crate::error::TransferError;
use crate::protocol::message::Token;
use crate::signature::SignerKey;
use crate::ticket::Ticket;

/// What may be under way on a connection, in bytes: two bandwidth-delay products of 1 Gbit/s at 250 ms.
const WINDOW: u64 = 64 << 20;
/// What the sender of one lane holds until it is acknowledged, in bytes.
const SEND_BUFFER: u32 = 16 << 20;
/// Bytes of a connection's identifier, which every packet carries: unpredictable, and seldom the same twice.
const IDENTIFIER: usize = 8;
/// Lanes of one connection.
const LANES: usize = 8;
/// Lanes that an agent lets one caller open.
const MAX_LANES: u64 = 8;
/// A connection on which nothing comes is dead after this.
const IDLE: Duration = Duration::from_secs(10);
/// So long a silent connection waits before it asks whether the other side is there.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
pub(super) const PROTOCOL: &[u8] = b"causeway/1";
/// The name in the certificate; it is pinned, so any name does.
pub(super) const NAME: &str = "causeway-agent";

/// `window`: what may be under way, where it is less than usual.
fn limits(window: Option<u64>) -> Result<Limits, TransferError> {
    let window = window.map_or(WINDOW, |window| window.min(WINDOW));
    let set = || {
        Limits::new()
            .with_data_window(window)?
            .with_bidirectional_local_data_window(window)?
            .with_bidirectional_remote_data_window(WINDOW)?
            .with_max_send_buffer_size(SEND_BUFFER)?
            .with_max_open_local_bidirectional_streams(MAX_LANES)?
            .with_max_open_remote_bidirectional_streams(MAX_LANES)?
            .with_max_open_remote_unidirectional_streams(0)?
            .with_max_idle_timeout(IDLE)?
            .with_max_keep_alive_period(KEEP_ALIVE)
    };
    set().map_err(|error| setup("setting limits")(&error))
}

/// Failures before the first packet: a bug or a broken host, so their text is enough.
fn setup<E: std::fmt::Display + ?Sized>(doing: &'static str) -> impl Fn(&E) -> TransferError {
    move |error| TransferError::Io {
        doing: format!("starting QUIC: {doing}"),
        source: io::Error::other(error.to_string()),
    }
}

type Sockets = s2n_quic::provider::io::tokio::Provider;

/// Sockets at an address, and what the user should know of them.
fn sockets(
    address: SocketAddr,
    rest: Duration,
) -> Result<(Sockets, EndpointThread, Option<String>), TransferError> {
    let open = || {
        let (socket, warning) = socket::open(address)?;
        let thread = EndpointThread::start(rest)?;
        let sockets = s2n_quic::provider::io::tokio::Builder::default()
            .with_handle(thread.handle().clone())
            .with_rx_socket(socket)?
            .build()?;
        Ok((sockets, thread, warning))
    };
    open().map_err(|source| TransferError::Io {
        doing: format!("opening a UDP socket at {address}"),
        source,
    })
}

fn identifiers() -> Result<connection_id::default::Format, TransferError> {
    let format = connection_id::default::Format::builder()
        .with_len(IDENTIFIER)
        .map_err(|error| setup("connection identifiers")(&error))?
        .build();
    format.map_err(|error| setup("connection identifiers")(&error))
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, letter) in text.chars().enumerate() {
        pem.push(letter);
        if index % 64 == 63 {
            pem.push('\n');
        }
    }
    pem + &format!("\n-----END {label}-----\n")
}

/// A key of its own for one run of an agent.
pub(crate) struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    /// From the system's randomness, never from a seed.
    pub(crate) fn make() -> Result<Self, TransferError> {
        let make = || -> Result<Self, rcgen::Error> {
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            let certificate =
                rcgen::CertificateParams::new(vec![NAME.to_owned()])?.self_signed(&key)?;
            Ok(Self {
                certificate: certificate.der().to_vec(),
                key: key.serialize_der(),
            })
        };
        make().map_err(|error| setup("making a certificate")(&error))
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// PKCS #8, DER.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }
}

/// Counts what a connection sends, retransmissions included, what of it is lost, and what comes.
struct Sent;

/// Bytes of packets.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) sent: Arc<AtomicU64>,
    /// Taken for lost (RFC 9002); some of it may have come late.
    pub(crate) lost: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
}

impl event::Subscriber for Sent {
    type ConnectionContext = Counts;

    fn create_connection_context(
        &mut self,
        _: &event::ConnectionMeta,
        _: &event::ConnectionInfo,
    ) -> Self::ConnectionContext {
        Counts::default()
    }

    fn on_packet_sent(
        &mut self,
        sent: &mut Self::ConnectionContext,
        _: &event::ConnectionMeta,
        packet: &event::events::PacketSent,
    ) {
        sent.sent
            .fetch_add(packet.packet_len as u64, Ordering::Relaxed);
    }

    fn on_datagram_received(
        &mut self,
        sent: &mut Self::ConnectionContext,
        _: &event::ConnectionMeta,
        datagram: &event::events::DatagramReceived,
    ) {
        sent.received
            .fetch_add(datagram.len.into(), Ordering::Relaxed);
    }

    fn on_packet_lost(
        &mut self,
        sent: &mut Self::ConnectionContext,
        _: &event::ConnectionMeta,
        packet: &event::events::PacketLost,
    ) {
        sent.lost
            .fetch_add(packet.bytes_lost.into(), Ordering::Relaxed);
    }
}

/// The agent's socket.
pub(crate) struct Listener {
    server: s2n_quic::Server,
    _thread: EndpointThread,
}

/// A caller that shook hands; who it is it shows on its first lane.
pub(crate) struct Caller {
    handle: Handle,
    acceptor: s2n_quic::connection::StreamAcceptor,
    counts: Counts,
}

impl Listener {
    pub(crate) fn bind(address: SocketAddr, identity: &Identity) -> Result<Self, TransferError> {
        let tls = tls::Server::builder()
            .with_certificate(
                pem("CERTIFICATE", &identity.certificate),
                pem("PRIVATE KEY", &identity.key),
            )
            .and_then(|tls| tls.with_application_protocols([PROTOCOL]))
            .and_then(|tls| tls.build())
            .map_err(|error| setup("TLS")(&error))?;
        let (sockets, thread, _) = sockets(address, REST_AGENT)?;
        let server = s2n_quic::Server::builder()
            .with_tls(tls)
            .and_then(|server| server.with_congestion_controller(Control::default()))
            .and_then(|server| server.with_event(Sent))
            .map_err(|error| setup("the endpoint")(&error))?
            .with_connection_id(identifiers()?)
            .map_err(|error| setup("the endpoint")(&error))?
            .with_limits(limits(None)?)
            .map_err(|error| setup("the endpoint")(&error))?
            .with_io(sockets)
            .map_err(|error| setup("the endpoint")(&error))?
            .start()
            .map_err(|error| TransferError::Io {
                doing: format!("listening at {address}"),
                source: io::Error::other(error.to_string()),
            })?;
        Ok(Self {
            server,
            _thread: thread,
        })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, TransferError> {
        self.server
            .local_addr()
            .map_err(TransferError::io("asking for the address"))
    }

    /// The next caller; `None` when the endpoint died.
    pub(crate) async fn accept(&mut self) -> Option<Caller> {
        let connection = self.server.accept().await?;
        let counts = connection
            .query_event_context(Counts::clone)
            .unwrap_or_default();
        let (handle, acceptor) = connection.split();
        Some(Caller {
            handle,
            acceptor,
            counts,
        })
    }
}

impl Caller {
    /// The next lane that it opens; `None` when the connection is over.
    pub(crate) async fn lane(&mut self) -> Option<Lane> {
        let stream = self.acceptor.accept_bidirectional_stream().await.ok()??;
        let (reader, writer) = stream.split();
        Some(Lane {
            reader: Box::new(reader),
            writer: Box::new(writer),
            keep: None,
        })
    }

    /// Everything that was sent to it, in bytes of QUIC packets, and what of it was lost.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.clone()
    }

    pub(crate) fn close(&self) {
        self.handle.close(0u32.into());
    }
}

/// An open connection to an agent.
pub(crate) struct QuicCarrier {
    handle: Handle,
    token: Token,
    signer: SignerKey,
    counts: Counts,
    /// What slows it down on this host, for the user.
    warning: Option<String>,
    /// The socket lives as long as this.
    _client: s2n_quic::Client,
    thread: EndpointThread,
}

impl QuicCarrier {
    /// Connects to the first address of the ticket that answers. Gives the carrier and that address. `window`: bytes that the
    /// agent may have under way, where it is less than usual.
    pub(crate) async fn connect(
        ticket: &Ticket,
        limit: Duration,
        window: Option<u64>,
    ) -> Result<(Self, SocketAddr), TransferError> {
        let connect = |address| Self::connect_to(ticket.clone(), address, window);
        first_that_answers(ticket.addresses(), limit, connect).await
    }

    async fn connect_to(
        ticket: Ticket,
        address: SocketAddr,
        window: Option<u64>,
    ) -> Result<(Self, SocketAddr), TransferError> {
        let tls = tls::Client::builder()
            .with_empty_trust_store()
            .and_then(|tls| tls.with_certificate(pem("CERTIFICATE", ticket.certificate())))
            .and_then(|tls| tls.with_application_protocols([PROTOCOL]))
            .and_then(|tls| tls.build())
            .map_err(|error| TransferError::BadTicket {
                file: "the ticket".to_owned(),
                why: format!("its certificate: {error}"),
            })?;
        let any = match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let (sockets, thread, warning) = sockets(SocketAddr::new(any, 0), REST_CALLER)?;
        let client = s2n_quic::Client::builder()
            .with_tls(tls)
            .and_then(|client| client.with_congestion_controller(Control::default()))
            .and_then(|client| client.with_event(Sent))
            .map_err(|error| setup("the endpoint")(&error))?
            .with_connection_id(identifiers()?)
            .map_err(|error| setup("the endpoint")(&error))?
            .with_limits(limits(window)?)
            .map_err(|error| setup("the endpoint")(&error))?
            .with_io(sockets)
            .map_err(|error| setup("the endpoint")(&error))?
            .start()
            .map_err(|error| TransferError::Io {
                doing: "opening a UDP socket".to_owned(),
                source: io::Error::other(error.to_string()),
            })?;
        let mut connection = client
            .connect(Connect::new(address).with_server_name(NAME))
            .await
            .map_err(|error| classify(address, &error))?;
        connection.keep_alive(true).map_err(TransferError::cut)?;
        let counts = connection
            .query_event_context(Counts::clone)
            .unwrap_or_default();
        let handle = connection.handle();
        // Nothing but the caller opens lanes; the acceptor goes with the connection, the handle keeps it open.
        drop(connection);
        Ok((
            Self {
                handle,
                token: ticket.token(),
                signer: ticket.signer(),
                counts,
                warning,
                _client: client,
                thread,
            },
            address,
        ))
    }
}

fn classify(address: SocketAddr, error: &s2n_quic::connection::Error) -> TransferError {
    match error {
        // 0x100 to 0x1ff: TLS alerts (RFC 9001, section 4.8).
        s2n_quic::connection::Error::Transport { code, .. }
            if (0x100..=0x1ff).contains(&code.as_u64()) =>
        {
            TransferError::Untrusted {
                address: address.to_string(),
                why: error.to_string(),
            }
        }
        _ => TransferError::cut(error),
    }
}

impl Carrier for QuicCarrier {
    fn kind(&self) -> CarrierKind {
        CarrierKind::Quic
    }

    fn lanes(&self) -> usize {
        LANES
    }

    fn note(&self, _: usize) -> Option<String> {
        self.warning.clone()
    }

    fn thread(&self) -> Option<&tokio::runtime::Handle> {
        Some(self.thread.handle())
    }

    fn signer(&self) -> Option<SignerKey> {
        Some(self.signer)
    }

    fn token(&self) -> Option<Token> {
        Some(self.token)
    }

    fn sent(&self) -> Option<u64> {
        Some(self.counts.sent.load(Ordering::Relaxed))
    }

    fn lost(&self) -> Option<u64> {
        Some(self.counts.lost.load(Ordering::Relaxed))
    }

    fn received(&self) -> Option<u64> {
        Some(self.counts.received.load(Ordering::Relaxed))
    }

    fn open(&self) -> BoxFuture<'_, io::Result<Lane>> {
        let mut handle = self.handle.clone();
        Box::pin(async move {
            let stream = handle.open_bidirectional_stream().await?;
            let (reader, writer) = stream.split();
            Ok(Lane {
                reader: Box::new(reader),
                writer: Box::new(writer),
                keep: None,
            })
        })
    }
}

impl Drop for QuicCarrier {
    fn drop(&mut self) {
        self.handle.close(0u32.into());
    }
}
