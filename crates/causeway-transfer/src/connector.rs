//! The ways to an agent, and choosing one.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_domain::RateLimit;
use tokio::task::JoinHandle;

use crate::carrier::https::HttpsCarrier;
use crate::carrier::objects::Objects;
use crate::carrier::quic::QuicCarrier;
use crate::carrier::tcp::TcpCarrier;
use crate::carrier::{BoxFuture, ByteStream, Carrier, CarrierKind, StreamCarrier};
use crate::error::TransferError;
use crate::limit::{Limited, Throttle};
use crate::protocol::message::Request;
use crate::session::Session;
use crate::ticket::Ticket;

/// Opens a stream to an agent: `ssh HOST causeway agent --stdio --root DIR`, a child process, a pipe.
pub type StreamFactory = Box<dyn Fn() -> BoxFuture<'static, io::Result<ByteStream>> + Send + Sync>;
/// Fetches an agent's present ticket.
pub type TicketFetch =
    Box<dyn Fn() -> BoxFuture<'static, Result<Ticket, TransferError>> + Send + Sync>;

/// How long a `ssh` may take to log in.
const STREAM_LIMIT: Duration = Duration::from_secs(60);
/// How long QUIC is alone before TCP is tried beside it.
const HEAD_START: Duration = Duration::from_secs(1);
/// TCP and TLS take twice the round trips of QUIC, and may take twice the time.
const TCP_SHARE: u32 = 2;
/// Least time for a try to connect anew. A handshake whose first packet fell into a cut is not waited for: its next one comes
/// seconds later, that of a new try now.
const LEAST_AGAIN: Duration = Duration::from_secs(1);

/// Where the ticket comes from. An agent that starts again has a new one, so all but `Fixed` survive that.
pub enum TicketSource {
    /// This one.
    Fixed(Ticket),
    /// A file here, read at each try.
    File(Utf8PathBuf),
    /// The same, with other addresses than it says.
    FileAt(Utf8PathBuf, Vec<SocketAddr>),
    /// Asked for at each try, over the backend's own channel.
    Fetch(TicketFetch),
}

impl TicketSource {
    async fn ticket(&self) -> Result<Ticket, TransferError> {
        match self {
            Self::Fixed(ticket) => Ok(ticket.clone()),
            Self::File(path) => Ticket::read(path),
            Self::FileAt(path, addresses) => Ok(Ticket::read(path)?.at(addresses.clone())),
            Self::Fetch(fetch) => fetch().await,
        }
    }
}

impl std::fmt::Debug for TicketSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(ticket) => f.debug_tuple("Fixed").field(ticket).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::FileAt(path, addresses) => f
                .debug_tuple("FileAt")
                .field(path)
                .field(addresses)
                .finish(),
            Self::Fetch(_) => f.write_str("Fetch"),
        }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For QUIC to connect the first time, before another carrier is taken.
    pub quic: Duration,
    /// For any byte on a lane that owes an answer, before it counts as cut. A connection on which no lane moves is replaced
    /// earlier, after three round trips and a second, at least 2.5 s.
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

/// What is known when a connection is made again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again {
    /// Round trip of the last one.
    pub(crate) rtt: Duration,
    /// Its carrier, which is preferred.
    pub(crate) last: CarrierKind,
    /// How often it was tried in vain.
    pub(crate) tries: u32,
    /// The ticket was refused.
    pub(crate) is_refused: bool,
}

impl Again {
    fn limit(self) -> Duration {
        (self.rtt * 3).max(LEAST_AGAIN)
    }

    /// Whether this try also asks for a ticket: after one, two, four, eight in vain and so on.
    const fn may_fetch(self) -> bool {
        self.tries.is_power_of_two()
    }

    /// Whether this try may also log in somewhere: as rarely, and not before a new ticket was tried.
    const fn may_stream(self) -> bool {
        self.tries > 1 && self.may_fetch()
    }
}

/// The ways to one agent. QUIC is tried first, TCP beside it after a second; when QUIC does not connect in time, TCP is used,
/// and when that does not connect either HTTPS, where TCP opens and only our protocol does not come through, or the stream. The
/// summary says so.
pub struct Connector {
    ticket: Option<TicketSource>,
    /// Those of `Quic`, `Tcp` and `Https` that may be used.
    direct: Vec<CarrierKind>,
    stream: Option<StreamFactory>,
    /// A bucket or a static server in place of an agent.
    objects: Option<Arc<Objects>>,
    patience: Patience,
    limit: Option<Limited>,
    /// The last ticket that was fetched, and a fetch that is under way.
    fetched: Mutex<Fetched>,
}

#[derive(Default)]
struct Fetched {
    ticket: Option<Ticket>,
    under_way: Option<JoinHandle<Result<Ticket, TransferError>>>,
}

impl Connector {
    /// Straight to the agent: over QUIC, or TCP where UDP does not pass.
    #[must_use]
    pub fn direct(ticket: TicketSource) -> Self {
        Self {
            ticket: Some(ticket),
            direct: vec![CarrierKind::Quic, CarrierKind::Tcp, CarrierKind::Https],
            stream: None,
            objects: None,
            patience: Patience::default(),
            limit: None,
            fetched: Mutex::default(),
        }
    }

    /// Over QUIC alone.
    #[must_use]
    pub fn quic(ticket: TicketSource) -> Self {
        Self::direct(ticket).only(&[CarrierKind::Quic])
    }

    /// Over TCP alone.
    #[must_use]
    pub fn tcp(ticket: TicketSource) -> Self {
        Self::direct(ticket).only(&[CarrierKind::Tcp])
    }

    /// Over HTTPS alone: it brings home, and takes nothing to a site.
    #[must_use]
    pub fn https(ticket: TicketSource) -> Self {
        Self::direct(ticket).only(&[CarrierKind::Https])
    }

    /// With no carriers but these.
    #[must_use]
    pub fn only(mut self, carriers: &[CarrierKind]) -> Self {
        self.direct.retain(|kind| carriers.contains(kind));
        if !carriers.contains(&CarrierKind::Stream) {
            self.stream = None;
        }
        self
    }

    /// Over a stream alone.
    pub fn stream<F, O>(open: F) -> Self
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<ByteStream>> + Send + 'static,
    {
        Self {
            ticket: None,
            direct: Vec::new(),
            stream: None,
            objects: None,
            patience: Patience::default(),
            limit: None,
            fetched: Mutex::default(),
        }
        .or_stream(open)
    }

    /// To a bucket or a static server, with no agent at all.
    #[must_use]
    pub fn objects(objects: Arc<Objects>) -> Self {
        Self {
            ticket: None,
            direct: Vec::new(),
            stream: None,
            objects: Some(objects),
            patience: Patience::default(),
            limit: None,
            fetched: Mutex::default(),
        }
    }

    /// With a stream for when nothing else connects.
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

    /// Taking no more of the line than this, all transfers over it together; times of day are those of [`Env::zone`]. What
    /// counts are bytes of the protocol, to which a carrier adds a few percent. While it says that nothing may move, no
    /// connection is held.
    ///
    /// [`Env::zone`]: causeway_domain::Env::zone
    #[must_use]
    pub fn with_limit(mut self, limit: RateLimit) -> Self {
        self.limit = Some(Limited::new(limit));
        self
    }

    pub(crate) const fn limit(&self) -> Option<&Limited> {
        self.limit.as_ref()
    }

    fn throttle(&self) -> Option<Arc<Throttle>> {
        self.limit.as_ref().map(|limit| Arc::clone(&limit.throttle))
    }

    pub(crate) const fn patience(&self) -> Patience {
        self.patience
    }

    /// Whether a refused ticket may be replaced by a newer one.
    pub(crate) const fn may_change(&self) -> bool {
        matches!(
            self.ticket,
            Some(TicketSource::File(_) | TicketSource::FileAt(..) | TicketSource::Fetch(_))
        )
    }

    /// Whether there is something to put beside QUIC when that brings little. What a limit holds back is not little.
    pub(crate) fn has_rival(&self) -> bool {
        self.is_direct() && self.direct.contains(&CarrierKind::Tcp) && self.limit.is_none()
    }

    /// Connects over TCP beside a session over QUIC.
    pub(crate) async fn rival(&self, again: Again) -> Result<(Session, SocketAddr), TransferError> {
        let source = self.ticket.as_ref();
        let source = source.ok_or_else(|| TransferError::cut("no ticket was given"))?;
        let ticket = self.ticket(source, Some(again)).await?;
        let (limit, opened) = (self.patience.quic * TCP_SHARE, AtomicBool::new(false));
        let (carrier, address) = TcpCarrier::connect(&ticket, limit, None, &opened).await?;
        let session = self.greeted(Arc::new(carrier), Some(again), None).await?;
        Ok((session, address))
    }

    /// Whether it may go straight to the agent.
    pub(crate) const fn is_direct(&self) -> bool {
        self.ticket.is_some() && !self.direct.is_empty()
    }

    /// Connects; `again` when that is not the first time, `puts` when something is to go there. `first` is asked with the greeting.
    pub(crate) async fn connect(
        &self,
        again: Option<Again>,
        puts: bool,
        first: Option<Request>,
    ) -> Result<Session, TransferError> {
        if let Some(objects) = &self.objects {
            let carrier = Arc::new(objects.connect().await?);
            let silence = self.patience.silence;
            let session = Session::open(carrier, silence, silence, self.throttle(), first).await?;
            return Ok(session.because(format!("{objects} answered")));
        }
        let mut why = "no ticket was given".to_owned();
        if let Some(source) = self.ticket.as_ref().filter(|_| self.is_direct()) {
            // Logging in costs the other side something, so not each short try does.
            let may_stream = self.stream.is_some() && again.is_none_or(Again::may_stream);
            match self.straight(source, again, puts, first.clone()).await {
                Ok(session) => return Ok(session),
                Err(error) if may_stream => why = reason(&error),
                Err(error) if self.stream.is_some() => {
                    return Err(TransferError::Unreachable {
                        why: reason(&error),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        let Some(open) = &self.stream else {
            return Err(TransferError::Unreachable { why });
        };
        let unreachable = |failure: String| TransferError::Unreachable {
            why: format!("{why}; the stream did not open: {failure}"),
        };
        let stream = tokio::time::timeout(STREAM_LIMIT, open())
            .await
            .map_err(|_| unreachable(format!("nothing within {} s", STREAM_LIMIT.as_secs())))?
            .map_err(|error| unreachable(error.to_string()))?;
        let silence = self.patience.silence;
        let carrier = Arc::new(StreamCarrier::new(stream));
        let session = Session::open(carrier, silence, silence, self.throttle(), first);
        Ok(session.await?.because(why))
    }

    async fn straight(
        &self,
        source: &TicketSource,
        again: Option<Again>,
        puts: bool,
        first: Option<Request>,
    ) -> Result<Session, TransferError> {
        let ticket = self
            .ticket(source, again)
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
        self.race(&ticket, again, puts, first).await
    }

    /// The present ticket. One that has to be fetched is fetched beside the tries to connect with the last: what fetches it may
    /// hang in the same cut.
    async fn ticket(
        &self,
        source: &TicketSource,
        again: Option<Again>,
    ) -> Result<Ticket, TransferError> {
        let TicketSource::Fetch(fetch) = source else {
            return source.ticket().await;
        };
        let known = self.fetched().ticket.clone();
        if let (Some(known), Some(again)) = (known, again.filter(|again| !again.is_refused)) {
            let done = self
                .fetched()
                .under_way
                .take_if(|fetch| fetch.is_finished());
            if let Some(done) = done {
                // What failed is fetched again in its time.
                if let Ok(Ok(ticket)) = done.await {
                    self.fetched().ticket = Some(ticket.clone());
                    return Ok(ticket);
                }
            }
            if again.may_fetch() {
                let mut fetched = self.fetched();
                fetched
                    .under_way
                    .get_or_insert_with(|| tokio::spawn(fetch()));
            }
            return Ok(known);
        }
        let ticket = source.ticket().await?;
        self.fetched().ticket = Some(ticket.clone());
        Ok(ticket)
    }

    fn fetched(&self) -> std::sync::MutexGuard<'_, Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries the carriers, each up to the agent's greeting: QUIC and TCP side by side, HTTPS where they fail.
    async fn race(
        &self,
        ticket: &Ticket,
        again: Option<Again>,
        puts: bool,
        first: Option<Request>,
    ) -> Result<Session, TransferError> {
        let allows = |kind| self.direct.contains(&kind);
        let others = allows(CarrierKind::Quic) || allows(CarrierKind::Tcp);
        if puts && !others {
            return Err(TransferError::Denied {
                path: String::new(),
                why: "over HTTPS an agent takes nothing in: go over QUIC, TCP or ssh".to_owned(),
            });
        }
        if puts || !allows(CarrierKind::Https) {
            return self
                .side_by_side(ticket, again, first, &AtomicBool::new(false))
                .await;
        }
        // What the others do is known: they failed where HTTPS passed. A network may have changed since.
        let was_https =
            again.is_some_and(|again| again.last == CarrierKind::Https && again.tries % 4 != 3);
        if !others || was_https {
            return self.over_https(ticket, again, first, String::new()).await;
        }
        let tcp_opened = AtomicBool::new(false);
        let failure = match self
            .side_by_side(ticket, again, first.clone(), &tcp_opened)
            .await
        {
            // After a cut, what carried before is waited for.
            Err(error) if again.is_none() && tcp_opened.load(Ordering::Relaxed) => error,
            result => return result,
        };
        if !failure.is_cut() && !matches!(failure, TransferError::Untrusted { .. }) {
            return Err(failure);
        }
        let why = format!("{}; ", reason(&failure));
        self.over_https(ticket, again, first, why)
            .await
            .map_err(|_| failure)
    }

    async fn over_https(
        &self,
        ticket: &Ticket,
        again: Option<Again>,
        first: Option<Request>,
        why: String,
    ) -> Result<Session, TransferError> {
        let limit = again.map_or(self.patience.quic * TCP_SHARE, Again::limit);
        let window = self.limit.as_ref().and_then(Limited::window);
        let (carrier, address) = HttpsCarrier::connect(ticket, limit, window).await?;
        let session = self.greeted(Arc::new(carrier), again, first).await?;
        Ok(session.because(format!("{why}HTTPS answered at {address}")))
    }

    /// QUIC and TCP, those that may be used. Tells whether a TCP connection opened, whatever became of it.
    async fn side_by_side(
        &self,
        ticket: &Ticket,
        again: Option<Again>,
        first: Option<Request>,
        tcp_opened: &AtomicBool,
    ) -> Result<Session, TransferError> {
        let limit = again.map_or(self.patience.quic, Again::limit);
        let (tcp_limit, head_start) = match again {
            Some(_) => (limit, Duration::ZERO),
            None => (limit * TCP_SHARE, HEAD_START.min(limit)),
        };
        let window = self.limit.as_ref().and_then(Limited::window);
        let over_quic = async {
            let (carrier, address) = QuicCarrier::connect(ticket, limit, window).await?;
            let first = first.clone();
            Ok((
                self.greeted(Arc::new(carrier), again, first).await?,
                address,
            ))
        };
        let over_tcp = async {
            let (carrier, address) =
                TcpCarrier::connect(ticket, tcp_limit, window, tcp_opened).await?;
            let first = first.clone();
            Ok((
                self.greeted(Arc::new(carrier), again, first).await?,
                address,
            ))
        };
        let allows = |kind| self.direct.contains(&kind);
        let ((session, address), why) = match (allows(CarrierKind::Quic), allows(CarrierKind::Tcp))
        {
            (true, false) => (over_quic.await?, None),
            (false, _) => (over_tcp.await?, None),
            // What UDP does is known.
            (true, true) if again.is_some_and(|again| again.last == CarrierKind::Tcp) => {
                prefer(over_tcp, over_quic, Duration::ZERO)
                    .await
                    .map(|(won, lost)| (won, lost.map(|lost| ("TCP", lost))))
                    .map_err(|(tcp, quic)| neither(quic, tcp))?
            }
            (true, true) => prefer(over_quic, over_tcp, head_start)
                .await
                .map(|(won, lost)| (won, lost.map(|lost| ("UDP", lost))))
                .map_err(|(quic, tcp)| neither(quic, tcp))?,
        };
        let name = match session.kind() {
            CarrierKind::Quic => "QUIC",
            CarrierKind::Tcp => "TCP",
            CarrierKind::Https => "HTTPS",
            CarrierKind::S3 => "the bucket",
            CarrierKind::Stream => "the stream",
        };
        let answered = format!("{name} answered at {address}");
        Ok(session.because(match why {
            Some((other, error)) => format!("{other}: {}; {answered}", reason(&error)),
            None => answered,
        }))
    }

    async fn greeted(
        &self,
        carrier: Arc<dyn Carrier>,
        again: Option<Again>,
        first: Option<Request>,
    ) -> Result<Session, TransferError> {
        let silence = self.patience.silence;
        // As long as it may take on a link that lost a packet twice, when the link is known.
        let greeting = again.map_or(silence, |again| again.limit() * 3);
        let greeting = greeting.min(silence);
        Session::open(carrier, greeting, silence, self.throttle(), first).await
    }
}

/// Runs both, the second after a head start or when the first failed. The first wins when it connects at all; with the second
/// comes why it is not the first. When neither connects, both failures.
async fn prefer<T>(
    first: impl Future<Output = Result<T, TransferError>>,
    second: impl Future<Output = Result<T, TransferError>>,
    head_start: Duration,
) -> Result<(T, Option<TransferError>), (TransferError, TransferError)> {
    tokio::pin!(first, second);
    let early = tokio::time::timeout(head_start, &mut first).await;
    let (first, second) = match early {
        Ok(Ok(connected)) => return Ok((connected, None)),
        Ok(Err(failure)) => (Err(failure), second.await),
        Err(_) => {
            tokio::select! {
                biased;
                result = &mut first => match result {
                    Ok(connected) => return Ok((connected, None)),
                    Err(failure) => (Err::<T, _>(failure), second.await),
                },
                result = &mut second => (first.await, result),
            }
        }
    };
    match (first, second) {
        (Ok(connected), _) => Ok((connected, None)),
        (Err(failure), Ok(connected)) => Ok((connected, Some(failure))),
        (Err(first), Err(second)) => Err((first, second)),
    }
}

/// Why neither carrier connects. That somebody else answers, or the ticket is none, weighs more than that nobody does.
fn neither(quic: TransferError, tcp: TransferError) -> TransferError {
    match (quic.is_cut(), tcp.is_cut()) {
        (false, _) => quic,
        (true, false) => tcp,
        (true, true) => TransferError::Unreachable {
            why: format!("UDP: {}; TCP: {}", reason(&quic), reason(&tcp)),
        },
    }
}

/// What failed, without the words that every such failure begins with.
fn reason(error: &TransferError) -> String {
    match error {
        TransferError::Unreachable { why } => why.clone(),
        error => error.to_string(),
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("ticket", &self.ticket)
            .field("direct", &self.direct)
            .field("stream", &self.stream.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
