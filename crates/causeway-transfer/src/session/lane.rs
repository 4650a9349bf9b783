//! One lane of a session: the greeting, and the two tasks that read and write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{Answer, Answers};
use crate::carrier::{Carrier, Lane};
use crate::error::TransferError;
use crate::limit::Throttle;
use crate::protocol::client::{ClientLane, Event, Welcome};
use crate::protocol::message::Request;

/// Five heartbeats of an agent.
const LEAST_SILENCE: Duration = Duration::from_millis(2500);
const READ_BUFFER: usize = 256 << 10;
/// So long what may have come is waited for when this side comes late.
const A_LOOK: Duration = Duration::from_millis(10);

pub(super) struct Shared {
    pub(super) machine: ClientLane,
    pub(super) routes: HashMap<u32, Answers>,
    /// Since when nothing came although something was owed.
    pub(super) quiet_since: Instant,
    /// Nothing came since the only open question was asked.
    pub(super) is_first: bool,
    pub(super) lost: Option<String>,
}

pub(super) struct LaneHandle {
    pub(super) shared: Arc<Mutex<Shared>>,
    pub(super) out: mpsc::Sender<Vec<u8>>,
}

/// What all lanes of a session tell.
pub(super) struct Pulse {
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    /// When anything came on any lane, and the smoothed round trip.
    pub(super) heard: Mutex<(Instant, Duration)>,
    /// So long one lane may be silent while others are not.
    pub(super) longest: Duration,
    /// What holds the lanes back on this side.
    pub(super) throttle: Option<Arc<Throttle>>,
}

/// How long a connection that owes an answer may be silent: three round trips and a second, which is a packet lost twice, and
/// never less than five heartbeats of a busy agent; at most what the caller allows.
pub(super) fn silence(rtt: Duration, longest: Duration) -> Duration {
    (rtt * 3 + Duration::from_secs(1))
        .max(LEAST_SILENCE)
        .min(longest)
}

impl Pulse {
    pub(super) fn heard(&self) -> MutexGuard<'_, (Instant, Duration)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came; `sample` is a round trip, if it tells one.
    pub(super) fn beat(&self, sample: Option<Duration>) {
        let mut heard = self.heard();
        heard.0 = Instant::now();
        if let Some(sample) = sample.filter(|sample| !self.held_within(*sample)) {
            // RFC 6298, section 2.3: an eighth of each new one.
            heard.1 = (heard.1 * 7 + sample) / 8;
        }
    }

    /// How long it is silent that was last heard then: while this side holds a lane back, it does not listen.
    pub(super) fn silent_since(&self, heard: Instant) -> Duration {
        let held = self.throttle.as_ref().map(|throttle| throttle.held_until());
        held.map_or(heard, |held| held.max(heard)).elapsed()
    }

    /// Whether a lane was held back in this last time.
    pub(super) fn held_within(&self, time: Duration) -> bool {
        self.throttle
            .as_ref()
            .is_some_and(|throttle| throttle.held_until().elapsed() < time)
    }
}

pub(super) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A question that goes out with the greeting, a round trip earlier than any other, and where its answers go.
pub(super) type Early = (Request, Answers);

/// A lane that was let in.
pub(super) struct Greeted {
    pub(super) lane: Lane,
    pub(super) machine: ClientLane,
    pub(super) welcome: Welcome,
    pub(super) rtt: Duration,
    /// The question that was asked along.
    pub(super) early: Option<(u32, Answers)>,
    /// What came behind the welcome.
    pub(super) events: Vec<Event>,
}

/// Opens lanes, all at once: a round trip over a long link is paid once.
pub(super) fn greet_all(
    carrier: &Arc<dyn Carrier>,
    count: usize,
    limit: Duration,
    early: Option<Early>,
) -> JoinSet<Result<Greeted, TransferError>> {
    let (mut greetings, mut early) = (JoinSet::new(), early);
    for _ in 0..count {
        let (carrier, early) = (Arc::clone(carrier), early.take());
        greetings.spawn(async move {
            timeout(limit, greet(&*carrier, early))
                .await
                .map_err(|_| TransferError::cut("the agent does not greet"))?
        });
    }
    greetings
}

/// Opens a lane and waits to be let in.
pub(super) async fn greet(
    carrier: &dyn Carrier,
    early: Option<Early>,
) -> Result<Greeted, TransferError> {
    let mut lane = carrier.open().await.map_err(TransferError::cut)?;
    let (mut machine, mut hello) = ClientLane::new(carrier.token());
    let early = early.map(|(request, answers)| {
        let (id, bytes) = machine.ask(request);
        hello.extend(bytes);
        (id, answers)
    });
    let (reader, writer) = (&mut lane.reader, &mut lane.writer);
    let asked = Instant::now();
    writer.write_all(&hello).await.map_err(TransferError::cut)?;
    writer.flush().await.map_err(TransferError::cut)?;
    let (mut buffer, mut events) = ([0; 1024], Vec::new());
    loop {
        let read = reader.read(&mut buffer).await.map_err(TransferError::cut)?;
        if read == 0 {
            return Err(TransferError::cut("the agent hung up before it greeted"));
        }
        let broken = |error: crate::protocol::Broken| TransferError::protocol(error.0);
        machine
            .on_bytes(buffer.get(..read).unwrap_or_default(), &mut events)
            .map_err(broken)?;
        let mut events = events.drain(..);
        match events.next() {
            Some(Event::Welcome(welcome)) => {
                let events = events.collect();
                return Ok(Greeted {
                    lane,
                    machine,
                    welcome,
                    rtt: asked.elapsed(),
                    early,
                    events,
                });
            }
            Some(Event::Refused(why)) => return Err(TransferError::Refused { why }),
            Some(Event::Answer { .. }) => {
                return Err(TransferError::protocol("it answers before it greets"));
            }
            None => {}
        }
    }
}

/// Reads until the lane ends; gives how it ended.
pub(super) async fn read_lane(
    lane: usize,
    mut reader: impl AsyncRead + Unpin,
    shared: &Mutex<Shared>,
    pulse: &Pulse,
) -> TransferError {
    let mut buffer = vec![0; READ_BUFFER];
    let mut events = Vec::new();
    loop {
        let quiet = {
            let shared = lock(shared);
            if shared.machine.is_waiting() {
                pulse.silent_since(shared.quiet_since)
            } else {
                Duration::ZERO
            }
        };
        let longest = pulse.longest;
        // What lies there to be read is read before a lane is called silent: this side may have been held up, not the other.
        let left = longest.saturating_sub(quiet).max(A_LOOK);
        let read = match timeout(left, reader.read(&mut buffer)).await {
            Err(_) if quiet + left >= longest && quiet > Duration::ZERO => {
                return TransferError::cut(format!(
                    "nothing came for {:.1} s",
                    longest.as_secs_f32()
                ));
            }
            Err(_) => continue,
            Ok(Ok(0)) => return TransferError::cut("the agent hung up"),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return TransferError::cut(error),
        };
        pulse.received.fetch_add(read as u64, Ordering::Relaxed);
        let mut shared = lock(shared);
        let is_first = std::mem::take(&mut shared.is_first);
        pulse.beat(is_first.then(|| shared.quiet_since.elapsed()));
        shared.quiet_since = Instant::now();
        if let Err(broken) = shared
            .machine
            .on_bytes(buffer.get(..read).unwrap_or_default(), &mut events)
        {
            return TransferError::protocol(broken.0);
        }
        deliver(lane, &mut shared.routes, events.drain(..));
    }
}

/// Gives answers to those who asked.
pub(super) fn deliver(
    lane: usize,
    routes: &mut HashMap<u32, Answers>,
    events: impl IntoIterator<Item = Event>,
) {
    for event in events {
        let Event::Answer { id, message, last } = event else {
            continue;
        };
        let route = if last {
            routes.remove(&id)
        } else {
            routes.get(&id).cloned()
        };
        // Who asked may have gone.
        if let Some(route) = route {
            let message = Ok(message);
            route
                .send(Answer {
                    lane,
                    id,
                    message,
                    last,
                })
                .ok();
        }
    }
}

pub(super) async fn write_lane(
    mut writer: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Vec<u8>>,
    count: &AtomicU64,
) -> std::io::Result<()> {
    while let Some(bytes) = queue.recv().await {
        writer.write_all(&bytes).await?;
        count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if queue.is_empty() {
            writer.flush().await?;
        }
    }
    Ok(())
}

/// Tells everybody who waits.
pub(super) fn lose(lane: usize, shared: &Mutex<Shared>, error: &TransferError) {
    let mut shared = lock(shared);
    for (id, route) in std::mem::take(&mut shared.routes) {
        let error = match error {
            TransferError::Protocol { why } => TransferError::Protocol { why: why.clone() },
            other => match other {
                TransferError::Cut { why } => TransferError::Cut { why: why.clone() },
                other => TransferError::cut(other),
            },
        };
        route
            .send(Answer {
                lane,
                id,
                message: Err(error),
                last: true,
            })
            .ok();
    }
    shared.lost.get_or_insert_with(|| error.to_string());
}
