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
use crate::manifest::Manifest;
use crate::protocol::client::{ClientLane, Event, Welcome};
use crate::protocol::message::{ClientMessage, Entry, Outcome, Request, ServerMessage};
use crate::scan::{Rule, Skipped};

/// Frames that wait to be written.
const QUEUE: usize = 4;
const READ_BUFFER: usize = 256 << 10;

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
    lost: Option<String>,
}

struct LaneHandle {
    shared: Arc<Mutex<Shared>>,
    out: mpsc::Sender<Vec<u8>>,
}

/// An open connection.
pub(crate) struct Session {
    lanes: Vec<LaneHandle>,
    welcome: Welcome,
    carrier: Arc<dyn Carrier>,
    /// Why this carrier.
    why: String,
    received: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Opens all lanes of a carrier and waits until the agent lets each in.
    pub(crate) async fn open(
        carrier: Arc<dyn Carrier>,
        silence: Duration,
        why: String,
    ) -> Result<Self, TransferError> {
        let (received, sent) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let mut greetings = JoinSet::new();
        for _ in 0..carrier.lanes() {
            let carrier = Arc::clone(&carrier);
            // All at once: a round trip over a long link is paid once.
            greetings.spawn(async move { timeout(silence, greet(&*carrier)).await });
        }
        let (mut tasks, mut lanes, mut welcome) = (JoinSet::new(), Vec::new(), None);
        while let Some(greeted) = greetings.join_next().await {
            let greeted = greeted
                .map_err(TransferError::cut)?
                .map_err(|_| TransferError::cut("the agent does not greet"))?;
            let (lane, machine, answer) = greeted?;
            welcome.get_or_insert(answer);
            let index = lanes.len();
            let (out, queue) = mpsc::channel(QUEUE);
            let shared = Arc::new(Mutex::new(Shared {
                machine,
                routes: HashMap::new(),
                quiet_since: Instant::now(),
                lost: None,
            }));
            let Lane {
                reader,
                writer,
                keep,
            } = lane;
            let (of_reader, count) = (Arc::clone(&shared), Arc::clone(&received));
            tasks.spawn(async move {
                let error = read_lane(index, reader, &of_reader, silence, &count).await;
                lose(index, &of_reader, &error);
                drop(keep);
            });
            let (of_writer, count) = (Arc::clone(&shared), Arc::clone(&sent));
            tasks.spawn(async move {
                if let Err(error) = write_lane(writer, queue, &count).await {
                    lose(index, &of_writer, &TransferError::cut(error));
                }
            });
            lanes.push(LaneHandle { shared, out });
        }
        let welcome = welcome.ok_or_else(|| TransferError::cut("the carrier has no lane"))?;
        Ok(Self {
            lanes,
            welcome,
            carrier,
            why,
            received,
            sent,
            _tasks: tasks,
        })
    }

    pub(crate) fn kind(&self) -> CarrierKind {
        self.carrier.kind()
    }

    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    pub(crate) const fn welcome(&self) -> Welcome {
        self.welcome
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Bytes that came on its lanes.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes that this side put on the carrier.
    pub(crate) fn sent_here(&self) -> u64 {
        self.carrier
            .sent()
            .unwrap_or_else(|| self.sent.load(Ordering::Relaxed))
    }

    /// Asks on a lane; answers go to `answers`. Gives the question's number.
    pub(crate) async fn ask(
        &self,
        lane: usize,
        request: Request,
        answers: Answers,
    ) -> Result<u32, TransferError> {
        let Some(handle) = self.lanes.get(lane) else {
            return Err(TransferError::cut("the lane is not open"));
        };
        let (id, bytes) = {
            let mut shared = lock(&handle.shared);
            if let Some(why) = &shared.lost {
                return Err(TransferError::cut(why));
            }
            if !shared.machine.is_waiting() {
                shared.quiet_since = Instant::now();
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
        let Some(handle) = self.lanes.get(lane) else {
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

    /// Everything that the agent put on this carrier so far, in its own count.
    pub(crate) async fn sent_there(&self) -> Result<u64, TransferError> {
        self.converse(Request::Stat, |message| {
            Ok(match message {
                ServerMessage::Done(Outcome::Stat { sent }) => Some(sent),
                ServerMessage::Failed(failure) => return Err(failure.into_error()),
                _ => None,
            })
        })
        .await
    }
}

/// Opens a lane and waits to be let in.
async fn greet(carrier: &dyn Carrier) -> Result<(Lane, ClientLane, Welcome), TransferError> {
    let mut lane = carrier.open().await.map_err(TransferError::cut)?;
    let (mut machine, hello) = ClientLane::new(carrier.token());
    let (reader, writer) = (&mut lane.reader, &mut lane.writer);
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
            Some(Event::Welcome(welcome)) => return Ok((lane, machine, welcome)),
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
    silence: Duration,
    count: &AtomicU64,
) -> TransferError {
    let mut buffer = vec![0; READ_BUFFER];
    let mut events = Vec::new();
    loop {
        let quiet = {
            let shared = lock(shared);
            if shared.machine.is_waiting() {
                shared.quiet_since.elapsed()
            } else {
                Duration::ZERO
            }
        };
        let Some(left) = silence.checked_sub(quiet).filter(|left| !left.is_zero()) else {
            return TransferError::cut(format!("nothing came for {:.1} s", silence.as_secs_f32()));
        };
        let read = match timeout(left, reader.read(&mut buffer)).await {
            Err(_) => continue,
            Ok(Ok(0)) => return TransferError::cut("the agent hung up"),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return TransferError::cut(error),
        };
        count.fetch_add(read as u64, Ordering::Relaxed);
        let mut shared = lock(shared);
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
