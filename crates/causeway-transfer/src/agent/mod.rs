//! The agent at a site: serves what lies below its roots to whoever holds its ticket, or to who started it.

mod bases;
mod callers;
mod http;
mod lane;
mod put;
mod site;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_domain::Env;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::carrier::quic::{Identity, Listener};
use crate::carrier::{ByteStream, Lane, tcp};
use crate::codec::{Encoders, Rates, threads};
use crate::error::TransferError;
use crate::protocol::message::Token;
use crate::protocol::outcome::Counted;
use crate::signature::ManifestSigner;
use crate::ticket::Ticket;

use put::Puts;
use site::Site;

/// What one caller may make the agent hold, in KiB: blocks that are read and not sent, or came and are not on disk.
const BUDGET_KIB: usize = 64 << 10;
/// Listings and manifests that one caller may have made at once.
const HEAVY: usize = 2;
/// Requests that one caller may have open at once, on all its lanes: the next is read when one is answered.
const MAX_OPEN: usize = 256;
/// Callers at once, over QUIC and over TCP each.
const MAX_CALLERS: usize = 16;
/// How often a free port is looked for that both UDP and TCP have.
const MAX_PORTS: usize = 16;

/// How an agent runs.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// The directories that it serves. A relative path in a request is below the first; an absolute one has to lie in one of
    /// them.
    pub roots: Vec<Utf8PathBuf>,
    /// Where it listens, with UDP for QUIC and with TCP at the same port; port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// Where it writes its ticket, anew and mode 0600, once it listens. Removed when the agent ends by itself.
    pub ticket_file: Option<Utf8PathBuf>,
    /// Serve standard input and output; end when the input does.
    pub stdio: bool,
    /// Take files in ([`push`](crate::push)).
    pub writable: bool,
    /// End by itself when so long no caller said anything, so that no orphan stays.
    pub idle_timeout: Duration,
}

/// Why an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its standard input was closed.
    InputClosed,
    /// No caller said anything for the idle time.
    Idle,
}

/// When anything was read from or written to a caller last.
#[derive(Debug)]
struct Activity(Mutex<Instant>);

impl Activity {
    fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all lanes share.
struct Agent {
    site: Arc<Site>,
    activity: Activity,
    writable: bool,
    encoders: Encoders,
    signer: ManifestSigner,
    puts: Puts,
    started: Instant,
    env: Arc<dyn Env>,
}

/// What the lanes of one caller share.
#[derive(Clone)]
struct Peer {
    bytes: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    /// What its link and the encoders for it can do.
    rates: Arc<Mutex<Rates>>,
    requests: Arc<Semaphore>,
    /// Scans that it left over HTTPS and comes back for.
    scans: Arc<http::Scans>,
    /// What was put on its carrier.
    sent: Arc<AtomicU64>,
    /// What of it was lost, where the carrier tells.
    lost: Option<Arc<AtomicU64>>,
    /// Whether a lane counts what it writes, since the carrier does not.
    counts: bool,
}

impl Peer {
    fn new(sent: Option<Arc<AtomicU64>>) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(BUDGET_KIB)),
            heavy: Arc::new(Semaphore::new(HEAVY)),
            rates: Arc::new(Mutex::new(Rates::new(threads()))),
            requests: Arc::new(Semaphore::new(MAX_OPEN)),
            scans: Arc::default(),
            counts: sent.is_none(),
            sent: sent.unwrap_or_default(),
            lost: None,
        }
    }

    /// Over a carrier that tells what it lost.
    fn losing(mut self, lost: Arc<AtomicU64>) -> Self {
        self.lost = Some(lost);
        self
    }

    fn counted(&self) -> Counted {
        Counted {
            sent: self.sent.load(Ordering::Relaxed),
            lost: self.lost.as_ref().map(|lost| lost.load(Ordering::Relaxed)),
        }
    }

    /// The same caller on a carrier that counts apart.
    fn with_count(&self, sent: Arc<AtomicU64>) -> Self {
        Self {
            sent,
            counts: false,
            ..self.clone()
        }
    }
}

/// Runs an agent until it ends by itself. `started` is told its ticket, if it listens, once it does; drop the future to stop it.
///
/// Only for a process of its own when `stdio` is set: it takes standard input and output. End that process without waiting for
/// the runtime's reader of standard input (`Runtime::shutdown_background`).
///
/// # Errors
/// [`TransferError::Io`] when a root is no directory or the address can't be listened at.
pub async fn serve(
    options: AgentOptions,
    env: Arc<dyn Env>,
    started: impl FnOnce(Option<&Ticket>),
) -> Result<Ended, TransferError> {
    let stdio = options
        .stdio
        .then(|| ByteStream::new(tokio::io::stdin(), tokio::io::stdout()));
    run(options, stdio, env, started).await
}

/// Serves one stream, as [`serve`] does standard input and output: for an agent inside this process.
///
/// # Errors
/// As [`serve`].
pub async fn serve_stream(
    options: AgentOptions,
    stream: ByteStream,
    env: Arc<dyn Env>,
) -> Result<Ended, TransferError> {
    run(options, Some(stream), env, |_| {}).await
}

async fn run(
    options: AgentOptions,
    stream: Option<ByteStream>,
    env: Arc<dyn Env>,
    started: impl FnOnce(Option<&Ticket>),
) -> Result<Ended, TransferError> {
    let site = Arc::new(Site::open(&options.roots, Arc::clone(&env))?);
    let agent = Arc::new(Agent {
        site,
        activity: Activity(Mutex::new(Instant::now())),
        writable: options.writable,
        encoders: Encoders::new(),
        signer: ManifestSigner::make()?,
        puts: Puts::default(),
        started: Instant::now(),
        env,
    });
    let mut tasks = JoinSet::new();
    let mut written = None;
    if let Some(address) = options.listen {
        let identity = Identity::make()?;
        let (listener, over_tcp) = bind(address, &identity)?;
        let mut token = [0; 32];
        getrandom::fill(&mut token).map_err(|error| TransferError::Io {
            doing: "making a token".to_owned(),
            source: error.into(),
        })?;
        let ticket = Ticket::new(
            identity.certificate().to_vec(),
            token,
            agent.signer.key(),
            reachable(listener.address()?),
        );
        if let Some(file) = &options.ticket_file {
            ticket.write(file)?;
            written = Some((file.clone(), ticket.clone()));
        }
        started(Some(&ticket));
        tasks.spawn(listen(Arc::clone(&agent), listener, token));
        tasks.spawn(callers::listen(Arc::clone(&agent), over_tcp, token));
    } else {
        started(None);
    }
    let (closed, input_closed) = oneshot::channel::<()>();
    let has_stream = stream.is_some();
    if let Some(stream) = stream {
        let agent = Arc::clone(&agent);
        tasks.spawn(async move {
            lane::serve(agent, stream.into_lane(), None, Peer::new(None)).await;
            closed.send(()).ok();
        });
    }
    let ended = tokio::select! {
        _ = input_closed, if has_stream => Ended::InputClosed,
        () = idle(&agent.activity, options.idle_timeout) => Ended::Idle,
    };
    tasks.shutdown().await;
    if let Some((file, ticket)) = written {
        // An agent that started since has written its own.
        if Ticket::read(&file).is_ok_and(|now| now == ticket) {
            std::fs::remove_file(file).ok();
        }
    }
    Ok(ended)
}

/// The sockets of both carriers, at one port.
fn bind(
    address: SocketAddr,
    identity: &Identity,
) -> Result<(Listener, tcp::Listener), TransferError> {
    let mut tries = 1;
    loop {
        let over_udp = Listener::bind(address, identity)?;
        match tcp::Listener::bind(over_udp.address()?, identity) {
            Ok(over_tcp) => return Ok((over_udp, over_tcp)),
            // Somebody has the port that UDP had free; the next one is another.
            Err(TransferError::Io { source, .. })
                if address.port() == 0
                    && tries < MAX_PORTS
                    && source.kind() == std::io::ErrorKind::AddrInUse =>
            {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn idle(activity: &Activity, limit: Duration) {
    loop {
        let ends = activity.last() + limit;
        if ends <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(ends).await;
    }
}

async fn listen(agent: Arc<Agent>, mut listener: Listener, token: Token) {
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            caller = listener.accept() => {
                let Some(mut caller) = caller else { return };
                if callers.len() >= MAX_CALLERS {
                    caller.close();
                    continue;
                }
                let agent = Arc::clone(&agent);
                callers.spawn(async move {
                    let peer = {
                        let counts = caller.counts();
                        Peer::new(Some(counts.sent)).losing(counts.lost)
                    };
                    let mut lanes = JoinSet::new();
                    loop {
                        tokio::select! {
                            lane = caller.lane() => match lane {
                                Some(lane) => { lanes.spawn(serve_lane(Arc::clone(&agent), lane, token, peer.clone())); }
                                None => break,
                            },
                            Some(ended) = lanes.join_next() => {
                                // A caller that was turned away, or broke a rule, has no other lane either.
                                if !matches!(ended, Ok(true)) {
                                    break;
                                }
                            }
                        }
                    }
                    // What was said last still goes out.
                    while lanes.join_next().await.is_some() {}
                    caller.close();
                });
            }
            Some(_) = callers.join_next() => {}
        }
    }
}

async fn serve_lane(agent: Arc<Agent>, lane: Lane, token: Token, peer: Peer) -> bool {
    lane::serve(agent, lane, Some(token), peer).await
}

/// The addresses that a caller may try: for an unspecified one, those of all interfaces, loopback last.
fn reachable(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return vec![bound];
    }
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .iter()
        .map(if_addrs::Interface::ip)
        .collect();
    addresses.retain(|address| match address {
        IpAddr::V4(_) => true,
        // A link-local one means nothing elsewhere; an IPv4 socket hears no IPv6.
        IpAddr::V6(address) => bound.is_ipv6() && !address.is_unicast_link_local(),
    });
    addresses.sort_by_key(|address| (address.is_loopback(), address.is_ipv6()));
    addresses.dedup();
    if addresses.is_empty() {
        addresses.push(if bound.is_ipv6() {
            std::net::Ipv6Addr::LOCALHOST.into()
        } else {
            std::net::Ipv4Addr::LOCALHOST.into()
        });
    }
    addresses
        .into_iter()
        .map(|address| SocketAddr::new(address, bound.port()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_becomes_those_of_the_interfaces() {
        let all = reachable("0.0.0.0:4433".parse().unwrap());
        assert!(
            !all.is_empty()
                && all
                    .iter()
                    .all(|address| address.port() == 4433 && address.is_ipv4())
        );
        assert!(all.iter().all(|address| !address.ip().is_unspecified()));
        assert_eq!(
            reachable("127.0.0.1:9".parse().unwrap()),
            ["127.0.0.1:9".parse().unwrap()]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_is_idle_only_when_nobody_spoke_for_the_whole_time() {
        let activity = Activity(Mutex::new(Instant::now()));
        let start = Instant::now();
        let later = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            activity.touch();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = later => {}
            () = idle(&activity, Duration::from_secs(30)) => {}
        }
        assert_eq!(start.elapsed(), Duration::from_secs(50));
    }
}
