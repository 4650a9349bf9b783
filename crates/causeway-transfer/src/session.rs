//! An open connection to an agent: lanes, requests, answers.
//!
//! Each lane has two tasks, one that reads and one that writes, around a
//! [`ClientLane`](crate::protocol::client::ClientLane). Answers go to whoever asked. A lane that dies, or owes an answer and
//! stays silent, takes the session with it.

mod lane;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_domain::Digest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::lane::{
    Greeted, LaneHandle, Pulse, Shared, deliver, greet_all, lock, lose, read_lane, silence,
    write_lane,
};
use crate::carrier::{Carrier, CarrierKind, Lane};
use crate::coming::Told;
use crate::error::TransferError;
use crate::limit::{Paced, Throttle};
use crate::manifest::{Decoder, Manifest};
use crate::progress::Line;
use crate::protocol::client::Welcome;
use crate::protocol::message::{ClientMessage, Entry, Request, ServerMessage};
use crate::protocol::outcome::{Counted, Outcome};
use crate::scan::Rule;
use crate::signature::ManifestSignature;

/// Frames that wait to be written.
const QUEUE: usize = 4;

/// An answer, and which question it belongs to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) lane: usize,
    pub(crate) id: u32,
    pub(crate) message: Result<ServerMessage, TransferError>,
    /// Nothing more comes for this question.
    pub(crate) last: bool,
}

/// A manifest from the site, verified.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) manifest: Manifest,
    pub(crate) told: Told,
}

pub(crate) type Answers = mpsc::UnboundedSender<Answer>;

/// An open connection.
pub(crate) struct Session {
    lanes: Mutex<Vec<Arc<LaneHandle>>>,
    welcome: Welcome,
    carrier: Arc<dyn Carrier>,
    /// Why this carrier.
    why: String,
    pulse: Arc<Pulse>,
    tasks: Mutex<JoinSet<()>>,
    /// What was asked with the greeting, until somebody wants to know it.
    first: Mutex<Option<(Request, mpsc::UnboundedReceiver<Answer>)>>,
    /// Bytes that are still to come over it, as far as is known.
    left: AtomicU64,
    /// Bytes that the agent has on its disk.
    stored: AtomicU64,
}

impl Session {
    /// Opens the first lanes of a carrier and waits until the agent lets each in, at most `greeting`. A lane may later be
    /// silent for at most `longest`. What its lanes move they take from the throttle's budget. `first` is asked with the
    /// greeting.
    pub(crate) async fn open(
        carrier: Arc<dyn Carrier>,
        greeting: Duration,
        longest: Duration,
        throttle: Option<Arc<Throttle>>,
        first: Option<Request>,
    ) -> Result<Self, TransferError> {
        let (first, early) = first
            .map(|request| {
                let (answers, receiver) = mpsc::unbounded_channel();
                ((request.clone(), receiver), (request, answers))
            })
            .unzip();
        let mut greetings = greet_all(&carrier, carrier.lanes(), greeting, early);
        let mut greeted = Vec::new();
        while let Some(lane) = greetings.join_next().await {
            greeted.push(lane.map_err(TransferError::cut)??);
        }
        let (welcome, rtt) = greeted
            .iter()
            .map(|greeted| (greeted.welcome, greeted.rtt))
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
            first: Mutex::new(first),
            left: AtomicU64::new(0),
            stored: AtomicU64::new(0),
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
        let mut greetings = greet_all(&self.carrier, count, self.pulse.longest, None);
        let mut result = Ok(());
        while let Some(greeted) = greetings.join_next().await {
            match greeted.map_err(TransferError::cut).flatten() {
                Ok(lane) => self.add(lane),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    fn add(&self, greeted: Greeted) {
        let Greeted {
            lane,
            machine,
            early,
            events,
            ..
        } = greeted;
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let index = lanes.len();
        let (out, queue) = mpsc::channel(QUEUE);
        let shared = Arc::new(Mutex::new(Shared {
            machine,
            routes: early.into_iter().collect(),
            quiet_since: Instant::now(),
            is_first: false,
            lost: None,
        }));
        deliver(index, &mut lock(&shared).routes, events);
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

    /// Bytes that are still to come over it, encoding not counted; 0 while that is not known.
    pub(crate) fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// So many are.
    pub(crate) fn set_left(&self, bytes: u64) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that came on its lanes.
    pub(crate) fn received(&self) -> u64 {
        self.pulse.received.load(Ordering::Relaxed)
    }

    /// The agent has so many bytes more on its disk.
    pub(crate) fn add_stored(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What its lanes bring, in either direction.
    pub(crate) fn brought(&self) -> u64 {
        self.received() + self.stored.load(Ordering::Relaxed)
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
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut receiver = match first {
            Some((asked, receiver)) if asked == request => receiver,
            _ => {
                let (answers, receiver) = mpsc::unbounded_channel();
                self.ask(0, request, answers).await?;
                receiver
            }
        };
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

    /// The manifest of a path at the site, signed as the carrier wants it. `working` is told bytes hashed and bytes in all.
    pub(crate) async fn manifest(
        &self,
        path: &str,
        rule: Rule,
        fresh: bool,
        mut working: impl FnMut(u64, u64),
    ) -> Result<Announced, TransferError> {
        let mut decoder = Decoder::default();
        let request = Request::Manifest {
            path: path.to_owned(),
            rule,
            fresh,
        };
        let (promised, signature, skipped) = self
            .converse(request, |message| {
                Ok(match message {
                    ServerMessage::Part(part) => {
                        decoder.part(&part)?;
                        None
                    }
                    ServerMessage::Working { done, total } => {
                        working(done, total);
                        None
                    }
                    ServerMessage::Done(Outcome::Manifest {
                        digest,
                        signature,
                        skipped,
                    }) => Some((digest, signature, skipped)),
                    ServerMessage::Failed(failure) => return Err(failure.into_error()),
                    _ => None,
                })
            })
            .await?;
        let (manifest, digest) = decoder.end()?;
        if digest != promised {
            return Err(TransferError::protocol(
                "a manifest is not the one of its digest",
            ));
        }
        self.check_signature(signature.as_ref(), &promised, path)?;
        Ok(Announced {
            manifest,
            told: Told { signature, skipped },
        })
    }

    fn check_signature(
        &self,
        signature: Option<&ManifestSignature>,
        manifest: &Digest,
        path: &str,
    ) -> Result<(), TransferError> {
        let wrong = |why: String| Err(TransferError::Unsigned { why });
        let pinned = self.carrier.signer();
        let Some(signed) = signature else {
            return if let Some(key) = pinned {
                wrong(format!("there is none by `{key}`"))
            } else if self.carrier.is_agent() {
                wrong("agents sign theirs".to_owned())
            } else {
                Ok(())
            };
        };
        signed.verify(manifest)?;
        if self.carrier.is_agent() && signed.path != path {
            return wrong(format!("it is of `{}`, not of `{path}`", signed.path));
        }
        match pinned {
            Some(key) if key != signed.key => {
                wrong(format!("it is signed by `{}`, not by `{key}`", signed.key))
            }
            _ => Ok(()),
        }
    }

    /// Everything that the agent put on this carrier so far, in its own count, and what part of it was lost, if it can tell.
    pub(crate) async fn sent_there(&self) -> Result<(u64, Option<f64>), TransferError> {
        self.ask_sent().await?.answer().await
    }

    /// The same as far as it shows here: all that came, and what was lost by that count. `None` where the carrier does not tell.
    pub(crate) fn seen(&self, count: Counted) -> Option<(u64, Option<f64>)> {
        let sent = self.carrier.received()?.saturating_add(count.lost?);
        Some((sent.max(count.sent), loss_of(count)))
    }

    /// Asks for that; what else is done until the answer comes, costs nothing.
    pub(crate) async fn ask_sent(&self) -> Result<Counting, TransferError> {
        let lanes = if self.carrier.is_counted_by_lane() {
            self.lanes()
        } else {
            1
        };
        let (answers, receiver) = mpsc::unbounded_channel();
        for lane in 0..lanes {
            self.ask(lane, Request::Stat, answers.clone()).await?;
        }
        Ok(Counting { receiver, lanes })
    }
}

/// A count that was asked for.
#[derive(Debug)]
pub(crate) struct Counting {
    receiver: mpsc::UnboundedReceiver<Answer>,
    /// So many answer.
    lanes: usize,
}

impl Counting {
    /// As [`Session::sent_there`].
    pub(crate) async fn answer(mut self) -> Result<(u64, Option<f64>), TransferError> {
        let (mut sum, mut answered, mut loss) = (0u64, 0, None);
        while let Some(answer) = self.receiver.recv().await {
            match answer.message? {
                ServerMessage::Done(Outcome::Stat(counted)) => {
                    loss = loss_of(counted);
                    sum = sum.saturating_add(counted.sent);
                    answered += 1;
                }
                ServerMessage::Failed(failure) => return Err(failure.into_error()),
                _ => {}
            }
        }
        if answered == self.lanes {
            Ok((sum, loss))
        } else {
            Err(TransferError::cut("the answer did not end"))
        }
    }
}

/// The part of what was sent that was lost, where that is known.
pub(crate) fn loss_of(counted: Counted) -> Option<f64> {
    part(counted.lost?, counted.sent)
}

/// What part of the whole that is; nothing is no part of anything.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| (some as f64 / all as f64).min(1.0))
}

#[cfg(test)]
pub(crate) mod tests;
