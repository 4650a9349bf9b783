//! An open connection to an agent: lanes, requests, answers.
//!
//! Each lane has two tasks, one that reads and one that writes, around a [`ClientLane`]. Answers go to whoever asked. A lane
//! that dies, or owes an answer and stays silent, takes the session with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::carrier::{Carrier, CarrierKind, Lane};
use crate::error::TransferError;
use crate::limit::{Paced, Throttle};
use crate::manifest::Manifest;
use crate::progress::Line;
use crate::protocol::client::{ClientLane, Event, Welcome};
use crate::protocol::message::{ClientMessage, Entry, Outcome, Request, ServerMessage};
use crate::scan::{Rule, Skipped};

/// Five heartbeats of an agent.
const LEAST_SILENCE: Duration = Duration::from_millis(2500);
/// Frames that wait to be written.
const QUEUE: usize = 4;
const READ_BUFFER: usize = 256 << 10;
/// So long what may have come is waited for when this side comes late.
const A_LOOK: Duration = Duration::from_millis(10);

/// An answer, and which question it belongs to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) lane: usize,
    pub(crate) id: u32,
    pub(crate) message: Result<ServerMessage, TransferError>,
    /// Nothing more comes for this question.
    pub(crate) last: bool,
}

pub(crate) type Answers = mpsc::UnboundedSender<Answer>;

struct Shared {
    machine: ClientLane,
    routes: HashMap<u32, Answers>,
    /// Since when nothing came although something was owed.
    quiet_since: Instant,
    /// Nothing came since the only open question was asked.
    is_first: bool,
    lost: Option<String>,
}

struct LaneHandle {
    shared: Arc<Mutex<Shared>>,
    out: mpsc::Sender<Vec<u8>>,
}

/// What all lanes of a session tell.
struct Pulse {
    received: AtomicU64,
    sent: AtomicU64,
    /// When anything came on any lane, and the smoothed round trip.
    heard: Mutex<(Instant, Duration)>,
    /// So long one lane may be silent while others are not.
    longest: Duration,
    /// What holds the lanes back on this side.
    throttle: Option<Arc<Throttle>>,
}

/// How long a connection that owes an answer may be silent: three round trips and a second, which is a packet lost twice, and
/// never less than five heartbeats of a busy agent; at most what the caller allows.
fn silence(rtt: Duration, longest: Duration) -> Duration {
    (rtt * 3 + Duration::from_secs(1))
        .max(LEAST_SILENCE)
        .min(longest)
}

impl Pulse {
    fn heard(&self) -> MutexGuard<'_, (Instant, Duration)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came; `sample` is a round trip, if it tells one.
    fn beat(&self, sample: Option<Duration>) {
        let mut heard = self.heard();
        heard.0 = Instant::now();
        if let Some(sample) = sample.filter(|sample| !self.held_within(*sample)) {
            // RFC 6298, section 2.3: an eighth of each new one.
            heard.1 = (heard.1 * 7 + sample) / 8;
        }
    }

    /// How long it is silent that was last heard then: while this side holds a lane back, it does not listen.
    fn silent_since(&self, heard: Instant) -> Duration {
        let held = self.throttle.as_ref().map(|throttle| throttle.held_until());
        held.map_or(heard, |held| held.max(heard)).elapsed()
    }

    /// Whether a lane was held back in this last time.
    fn held_within(&self, time: Duration) -> bool {
        self.throttle
            .as_ref()
            .is_some_and(|throttle| throttle.held_until().elapsed() < time)
    }
}

/// An open connection.
pub(crate) struct Session {
    lanes: Mutex<Vec<Arc<LaneHandle>>>,
    welcome: Welcome,
    carrier: Arc<dyn Carrier>,
    /// Why this carrier.
    why: String,
    pulse: Arc<Pulse>,
    tasks: Mutex<JoinSet<()>>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

type Greeted = (Lane, ClientLane, Welcome, Duration);

/// Opens lanes, all at once: a round trip over a long link is paid once.
fn greet_all(
    carrier: &Arc<dyn Carrier>,
    count: usize,
    limit: Duration,
) -> JoinSet<Result<Greeted, TransferError>> {
    let mut greetings = JoinSet::new();
    for _ in 0..count {
        let carrier = Arc::clone(carrier);
        greetings.spawn(async move {
            timeout(limit, greet(&*carrier))
                .await
                .map_err(|_| TransferError::cut("the agent does not greet"))?
        });
    }
    greetings
}

impl Session {
    /// Opens the first lanes of a carrier and waits until the agent lets each in, at most `greeting`. A lane may later be
    /// silent for at most `longest`. What its lanes move they take from the throttle's budget.
    pub(crate) async fn open(
        carrier: Arc<dyn Carrier>,
        greeting: Duration,
        longest: Duration,
        throttle: Option<Arc<Throttle>>,
    ) -> Result<Self, TransferError> {
        let mut greetings = greet_all(&carrier, carrier.lanes(), greeting);
        let mut greeted = Vec::new();
        while let Some(lane) = greetings.join_next().await {
            greeted.push(lane.map_err(TransferError::cut)??);
        }
        let (welcome, rtt) = greeted
            .iter()
            .map(|(_, _, welcome, rtt)| (*welcome, *rtt))
            .min_by_key(|(_, rtt)| *rtt)
            .ok_or_else(|| TransferError::cut("the carrier has no lane"))?;
        let session = Self {
            lanes: Mutex::default(),
            welcome,
            carrier,
            why: String::new(),
            pulse: Arc::new(Pulse {
                received: AtomicU64::new(0),
                sent: AtomicU64::new(0),
                heard: Mutex::new((Instant::now(), rtt)),
                longest,
                throttle,
            }),
            tasks: Mutex::default(),
        };
        for lane in greeted {
            session.add(lane);
        }
        Ok(session)
    }

    /// With the reason why it is over this carrier.
    pub(crate) fn because(mut self, why: String) -> Self {
        self.why = why;
        self
    }

    /// Opens that many lanes more. Those that were let in count, whatever became of the others.
    ///
    /// # Errors
    /// What became of them.
    pub(crate) async fn grow(&self, count: usize) -> Result<(), TransferError> {
        let mut greetings = greet_all(&self.carrier, count, self.pulse.longest);
        let mut result = Ok(());
        while let Some(greeted) = greetings.join_next().await {
            match greeted.map_err(TransferError::cut).flatten() {
                Ok(lane) => self.add(lane),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    fn add(&self, (lane, machine, _, _): Greeted) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let index = lanes.len();
        let (out, queue) = mpsc::channel(QUEUE);
        let shared = Arc::new(Mutex::new(Shared {
            machine,
            routes: HashMap::new(),
            quiet_since: Instant::now(),
            is_first: false,
            lost: None,
        }));
        let Lane {
            reader,
            writer,
            keep,
        } = lane;
        let reader = Paced::new(reader, self.pulse.throttle.clone());
        let writer = Paced::new(writer, self.pulse.throttle.clone());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_reader, pulse) = (Arc::clone(&shared), Arc::clone(&self.pulse));
        let reading = async move {
            let error = read_lane(index, reader, &of_reader, &pulse).await;
            lose(index, &of_reader, &error);
            drop(keep);
        };
        let (of_writer, pulse) = (Arc::clone(&shared), Arc::clone(&self.pulse));
        let writing = async move {
            if let Err(error) = write_lane(writer, queue, &pulse.sent).await {
                lose(index, &of_writer, &TransferError::cut(error));
            }
        };
        if let Some(thread) = self.carrier.thread() {
            tasks.spawn_on(reading, thread);
            tasks.spawn_on(writing, thread);
        } else {
            tasks.spawn(reading);
            tasks.spawn(writing);
        }
        lanes.push(Arc::new(LaneHandle { shared, out }));
    }

    pub(crate) fn kind(&self) -> CarrierKind {
        self.carrier.kind()
    }

    /// Why this carrier, and how it sends.
    pub(crate) fn why(&self) -> String {
        match self.carrier.note(self.lanes()) {
            Some(note) => format!("{}; {note}", self.why),
            None => self.why.clone(),
        }
    }

    pub(crate) const fn welcome(&self) -> Welcome {
        self.welcome
    }

    /// How many lanes are open; more may come, none goes.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    pub(crate) fn max_lanes(&self) -> usize {
        self.carrier.max_lanes()
    }

    fn lane(&self, index: usize) -> Option<Arc<LaneHandle>> {
        self.lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(index)
            .cloned()
    }

    /// The smoothed round trip: that of the greeting, and of questions on a lane that had no other open.
    pub(crate) fn rtt(&self) -> Duration {
        self.pulse.heard().1
    }

    /// Whether an answer is owed, and nothing came on any lane for too long.
    pub(crate) fn is_silent(&self) -> bool {
        let (heard, rtt) = *self.pulse.heard();
        let limit = silence(rtt, self.pulse.longest);
        if self.pulse.silent_since(heard) < limit {
            return false;
        }
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().any(|lane| {
            let shared = lock(&lane.shared);
            shared.machine.is_waiting() && shared.quiet_since.elapsed() >= limit
        })
    }

    /// What holds its lanes back.
    pub(crate) fn throttle(&self) -> Option<&Throttle> {
        self.pulse.throttle.as_deref()
    }

    /// What it tells of its path, with the loss that is known.
    pub(crate) fn line(&self, loss: Option<f64>) -> Line {
        Line {
            carrier: self.kind(),
            rtt_seconds: self.rtt().as_secs_f64(),
            loss,
        }
    }

    /// The part of what this side sent that was lost, where the carrier tells.
    pub(crate) fn loss_here(&self) -> Option<f64> {
        part(self.carrier.lost()?, self.sent_here())
    }

    /// Whether its limit says that nothing more is to be asked for.
    pub(crate) fn is_paused(&self) -> bool {
        self.throttle().is_some_and(Throttle::is_paused)
    }

    /// Ends it: whoever waits for an answer is told why.
    pub(crate) fn end(&self, why: &TransferError) {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, lane) in lanes.iter().enumerate() {
            lose(index, &lane.shared, why);
        }
        // Who waits to send is told, too: the writer may be stuck in a dead connection.
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.abort_all();
    }

    /// Bytes that came on its lanes.
    pub(crate) fn received(&self) -> u64 {
        self.pulse.received.load(Ordering::Relaxed)
    }

    /// Bytes that this side put on the carrier.
    pub(crate) fn sent_here(&self) -> u64 {
        self.carrier
            .sent()
            .unwrap_or_else(|| self.pulse.sent.load(Ordering::Relaxed))
    }

    /// Asks on a lane; answers go to `answers`. Gives the question's number.
    pub(crate) async fn ask(
        &self,
        lane: usize,
        request: Request,
        answers: Answers,
    ) -> Result<u32, TransferError> {
        let Some(handle) = self.lane(lane) else {
            return Err(TransferError::cut("the lane is not open"));
        };
        let (id, bytes) = {
            let mut shared = lock(&handle.shared);
            if let Some(why) = &shared.lost {
                return Err(TransferError::cut(why));
            }
            if !shared.machine.is_waiting() {
                shared.quiet_since = Instant::now();
                shared.is_first = true;
            }
            let (id, bytes) = shared.machine.ask(request);
            shared.routes.insert(id, answers);
            (id, bytes)
        };
        handle
            .out
            .send(bytes)
            .await
            .map_err(|_| TransferError::cut("the lane is closed"))?;
        Ok(id)
    }

    /// Sends what belongs to an open question.
    pub(crate) async fn send(
        &self,
        lane: usize,
        id: u32,
        message: &ClientMessage,
    ) -> Result<(), TransferError> {
        let Some(handle) = self.lane(lane) else {
            return Err(TransferError::cut("the lane is not open"));
        };
        handle
            .out
            .send(message.encode(id))
            .await
            .map_err(|_| TransferError::cut("the lane is closed"))
    }

    /// Asks on the first lane and takes answers one by one until `take` has what it wants.
    async fn converse<T>(
        &self,
        request: Request,
        mut take: impl FnMut(ServerMessage) -> Result<Option<T>, TransferError>,
    ) -> Result<T, TransferError> {
        let (answers, mut receiver) = mpsc::unbounded_channel();
        self.ask(0, request, answers).await?;
        while let Some(answer) = receiver.recv().await {
            if let Some(done) = take(answer.message?)? {
                return Ok(done);
            }
        }
        Err(TransferError::cut("the answer did not end"))
    }

    /// The entries of a directory at the site.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Entry>, TransferError> {
        let mut entries = Vec::new();
        self.converse(
            Request::List {
                path: path.to_owned(),
            },
            |message| {
                Ok(match message {
                    ServerMessage::Entries(more) => {
                        entries.extend(more);
                        None
                    }
                    ServerMessage::Done(_) => Some(()),
                    ServerMessage::Failed(failure) => return Err(failure.into_error()),
                    _ => None,
                })
            },
        )
        .await?;
        Ok(entries)
    }

    /// The manifest of a path at the site. `working` is told bytes hashed and bytes in all.
    pub(crate) async fn manifest(
        &self,
        path: &str,
        rule: Rule,
        fresh: bool,
        mut working: impl FnMut(u64, u64),
    ) -> Result<(Manifest, Vec<Skipped>), TransferError> {
        let mut bytes = Vec::new();
        let request = Request::Manifest {
            path: path.to_owned(),
            rule,
            fresh,
        };
        let (promised, skipped) = self
            .converse(request, |message| {
                Ok(match message {
                    ServerMessage::Part(part) => {
                        bytes.extend(part);
                        None
                    }
                    ServerMessage::Working { done, total } => {
                        working(done, total);
                        None
                    }
                    ServerMessage::Done(Outcome::Manifest { digest, skipped }) => {
                        Some((digest, skipped))
                    }
                    ServerMessage::Failed(failure) => return Err(failure.into_error()),
                    _ => None,
                })
            })
            .await?;
        let manifest = Manifest::decode(&bytes)?;
        if manifest.digest() != promised {
            return Err(TransferError::protocol(
                "a manifest is not the one of its digest",
            ));
        }
        Ok((manifest, skipped))
    }

    /// Everything that the agent put on this carrier so far, in its own count, and what part of it was lost, if it can tell.
    pub(crate) async fn sent_there(&self) -> Result<(u64, Option<f64>), TransferError> {
        let lanes = if self.carrier.is_counted_by_lane() {
            self.lanes()
        } else {
            1
        };
        let (answers, mut receiver) = mpsc::unbounded_channel();
        for lane in 0..lanes {
            self.ask(lane, Request::Stat, answers.clone()).await?;
        }
        drop(answers);
        let (mut sum, mut answered, mut loss) = (0u64, 0, None);
        while let Some(answer) = receiver.recv().await {
            match answer.message? {
                ServerMessage::Done(Outcome::Stat { sent, lost }) => {
                    loss = lost.and_then(|lost| part(lost, sent));
                    sum = sum.saturating_add(sent);
                    answered += 1;
                }
                ServerMessage::Failed(failure) => return Err(failure.into_error()),
                _ => {}
            }
        }
        if answered == lanes {
            Ok((sum, loss))
        } else {
            Err(TransferError::cut("the answer did not end"))
        }
    }
}

/// What part of the whole that is; nothing is no part of anything.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
pub(crate) fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| (some as f64 / all as f64).min(1.0))
}

/// Opens a lane and waits to be let in.
async fn greet(carrier: &dyn Carrier) -> Result<Greeted, TransferError> {
    let mut lane = carrier.open().await.map_err(TransferError::cut)?;
    let (mut machine, hello) = ClientLane::new(carrier.token());
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
        match events.pop() {
            Some(Event::Welcome(welcome)) => return Ok((lane, machine, welcome, asked.elapsed())),
            Some(Event::Refused(why)) => return Err(TransferError::Refused { why }),
            Some(Event::Answer { .. }) => {
                return Err(TransferError::protocol("it answers what was not asked"));
            }
            None => {}
        }
    }
}

/// Reads until the lane ends; gives how it ended.
async fn read_lane(
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
        for event in events.drain(..) {
            if let Event::Answer { id, message, last } = event {
                let route = if last {
                    shared.routes.remove(&id)
                } else {
                    shared.routes.get(&id).cloned()
                };
                // Who asked may have gone.
                if let Some(route) = route {
                    route
                        .send(Answer {
                            lane,
                            id,
                            message: Ok(message),
                            last,
                        })
                        .ok();
                }
            }
        }
    }
}

async fn write_lane(
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
fn lose(lane: usize, shared: &Mutex<Shared>, error: &TransferError) {
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

#[cfg(test)]
pub(crate) mod tests;
