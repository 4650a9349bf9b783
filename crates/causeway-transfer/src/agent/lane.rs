//! One lane of the agent: a reader, a writer, and a task for each open request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::put::{self, Incoming};
use super::site::Found;
use super::{Agent, Peer};
use crate::bench::noise;
use crate::carrier::Lane;
use crate::codec::Job;
use crate::coming::blocking;
use crate::error::TransferError;
use crate::protocol::message::{Item, Request, ServerMessage, Token};
use crate::protocol::outcome::{Failure, Outcome};
use crate::protocol::server::{Effect, ServerLane};

/// So long a caller may take to show who it is.
const GREETING: Duration = Duration::from_secs(10);
/// So long nothing is sent while a request is open, before a sign of life is.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// So long a lane that ends may take to say what it had to.
const FAREWELL: Duration = Duration::from_secs(2);
/// Parts of a manifest that wait to be sent.
const PARTS: usize = 4;
/// Entries in one frame of a listing.
const ENTRIES: usize = 500;
/// Small blocks are read and sent together, up to so many bytes: a turn of a thread each would cost more than they do.
const READ_TOGETHER: usize = 256 << 10;
const READ_BUFFER: usize = 256 << 10;
/// What is written at once, so that the link's rate is seen within a block that takes long.
const PIECE: usize = 64 << 10;
/// Before a caller has shown who it is: more than a greeting.
const GREETING_BUFFER: usize = 2 << 10;

/// Bytes for the lane, and what they take of the caller's budget until they are written.
type Outgoing = (Vec<u8>, Option<OwnedSemaphorePermit>);

/// Where a request's answers go.
#[derive(Clone)]
pub(super) struct Answers {
    id: u32,
    machine: Arc<Mutex<ServerLane>>,
    out: mpsc::Sender<Outgoing>,
}

impl Answers {
    /// Fails when the lane is gone.
    pub(super) async fn send(
        &self,
        message: ServerMessage,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<(), TransferError> {
        self.send_all(&[message], permit).await
    }

    async fn send_all(
        &self,
        messages: &[ServerMessage],
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<(), TransferError> {
        let mut bytes = Vec::new();
        for message in messages {
            let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
            let frame = machine
                .answer(self.id, message)
                .ok_or_else(|| TransferError::cut("the request is over"))?;
            if bytes.is_empty() {
                bytes = frame;
            } else {
                bytes.extend_from_slice(&frame);
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.out
            .send((bytes, permit))
            .await
            .map_err(|_| TransferError::cut("the lane is closed"))
    }
}

/// The next items that are read in one go: one, or as many as have [`READ_TOGETHER`] bytes. With their bytes.
fn together(
    items: &mut std::iter::Peekable<impl Iterator<Item = (Item, u32)>>,
) -> (Vec<(Item, u32)>, usize) {
    let (mut group, mut bytes) = (Vec::new(), 0usize);
    while let Some((item, number)) = items.next_if(|(item, _)| {
        let len = usize::try_from(item.len).unwrap_or(usize::MAX);
        group.is_empty() || bytes.saturating_add(len) <= READ_TOGETHER
    }) {
        bytes = bytes.saturating_add(usize::try_from(item.len).unwrap_or(usize::MAX));
        group.push((item, number));
    }
    (group, bytes)
}

/// Takes part of a caller's budget for some bytes; waits until it is there.
pub(super) async fn reserve(
    budget: &Arc<Semaphore>,
    bytes: usize,
) -> Result<OwnedSemaphorePermit, TransferError> {
    let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    Arc::clone(budget)
        .acquire_many_owned(kib)
        .await
        .map_err(|_| TransferError::cut("the lane is closed"))
}

/// Serves a lane until it ends. Whether it ended well: the caller was let in and broke no rule.
pub(super) async fn serve(agent: Arc<Agent>, lane: Lane, token: Option<Token>, peer: Peer) -> bool {
    let machine = Arc::new(Mutex::new(ServerLane::new(token, agent.writable)));
    let (out, queue) = mpsc::channel::<Outgoing>(4);
    let Lane {
        mut reader,
        writer,
        keep: _keep,
    } = lane;
    let mut writing = tokio::task::JoinSet::new();
    writing.spawn(write(
        Arc::clone(&agent),
        Arc::clone(&machine),
        writer,
        queue,
        peer.clone(),
    ));
    let mut tasks: JoinSet<Result<(), TransferError>> = JoinSet::new();
    let mut puts: HashMap<u32, mpsc::UnboundedSender<Incoming>> = HashMap::new();
    let mut buffer = vec![0; GREETING_BUFFER];
    let mut well = true;
    'lane: loop {
        let greeted = machine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_greeted();
        let limit = if greeted { Duration::MAX } else { GREETING };
        if greeted && buffer.len() < READ_BUFFER {
            buffer.resize(READ_BUFFER, 0);
        }
        let read = tokio::select! {
            read = timeout(limit, reader.read(&mut buffer)) => match read {
                Ok(Ok(0)) => break,
                Ok(Ok(read)) => read,
                Ok(Err(_)) => break,
                Err(_) => { well = false; break }
            },
            Some(ended) = tasks.join_next() => {
                // Only a crash on purpose ends a lane from inside: as one by accident would.
                if matches!(ended, Ok(Err(TransferError::Crash(_)))) { well = false; break }
                continue;
            }
        };
        agent.activity.touch();
        let mut effects = Vec::new();
        let result = machine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .on_bytes(buffer.get(..read).unwrap_or_default(), &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(bytes) => {
                    if out.send((bytes, None)).await.is_err() {
                        break 'lane;
                    }
                }
                Effect::Close => {
                    well = false;
                    break 'lane;
                }
                Effect::Serve { id, request } => {
                    let turn = Arc::clone(&peer.requests).acquire_owned().await;
                    let answers = Answers {
                        id,
                        machine: Arc::clone(&machine),
                        out: out.clone(),
                    };
                    match request {
                        Request::Put { path, key, .. } => {
                            let (incoming, receiver) = mpsc::unbounded_channel();
                            agent.puts.open(key, &incoming);
                            puts.insert(id, incoming);
                            let put = put::serve(Arc::clone(&agent), path, receiver, answers);
                            tasks.spawn(holding(turn, put));
                        }
                        Request::PutLane { key } => {
                            let put = agent.puts.of(&key);
                            puts.extend(put.clone().map(|put| (id, put)));
                            tasks.spawn(holding(turn, put::serve_lane(put, answers)));
                        }
                        request => {
                            let answer = answer(Arc::clone(&agent), request, answers, peer.clone());
                            tasks.spawn(holding(turn, answer));
                        }
                    }
                }
                Effect::Manifest { id, manifest } => {
                    if let Some(put) = puts.get(&id) {
                        put.send(Incoming::Manifest(*manifest)).ok();
                    }
                }
                Effect::Block {
                    id,
                    file,
                    block,
                    payload,
                } => {
                    // Nothing more is read from a caller that sends faster than this disk writes.
                    let Ok(permit) = reserve(&peer.bytes, payload.bytes.len()).await else {
                        break 'lane;
                    };
                    if let Some(put) = puts.get(&id) {
                        put.send(Incoming::Block {
                            file,
                            block,
                            payload,
                            permit,
                        })
                        .ok();
                    }
                }
            }
        }
        if let Err(broken) = result {
            tracing::warn!(why = broken.0, "a caller broke the protocol");
            well = false;
            break;
        }
        puts.retain(|_, put| !put.is_closed());
    }
    drop(out);
    tasks.shutdown().await;
    // What was said before the end still goes out; a caller that does not read it is not waited for.
    timeout(FAREWELL, writing.join_next()).await.ok();
    well
}

/// Keeps something until a request is answered.
async fn holding<T>(what: impl Send, request: impl Future<Output = T>) -> T {
    let answered = request.await;
    drop(what);
    answered
}

async fn write(
    agent: Arc<Agent>,
    machine: Arc<Mutex<ServerLane>>,
    mut writer: Box<dyn AsyncWrite + Send + Unpin>,
    mut queue: mpsc::Receiver<Outgoing>,
    peer: Peer,
) {
    loop {
        let (bytes, permit) = match timeout(HEARTBEAT, queue.recv()).await {
            Ok(Some(outgoing)) => outgoing,
            Ok(None) => break,
            Err(_) => match machine
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .heartbeat()
            {
                Some(bytes) => (bytes, None),
                None => continue,
            },
        };
        for piece in bytes.chunks(PIECE) {
            if writer.write_all(piece).await.is_err() {
                return;
            }
            agent.activity.touch();
            let count = piece.len() as u64;
            if peer.counts {
                peer.sent.fetch_add(count, Ordering::Relaxed);
            }
            peer.rates
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .sent(agent.started.elapsed(), count);
        }
        if queue.is_empty() && writer.flush().await.is_err() {
            return;
        }
        drop(permit);
    }
    writer.shutdown().await.ok();
}

async fn answer(
    agent: Arc<Agent>,
    request: Request,
    answers: Answers,
    peer: Peer,
) -> Result<(), TransferError> {
    let path = match &request {
        Request::List { path } | Request::Manifest { path, .. } | Request::Put { path, .. } => {
            path.clone()
        }
        Request::Read { root, .. } => root.clone(),
        Request::PutLane { .. } | Request::Stat | Request::Noise { .. } | Request::Sink => {
            String::new()
        }
    };
    match work(&agent, request, &answers, &peer).await {
        Ok(outcome) => answers.send(ServerMessage::Done(outcome), None).await,
        Err(error @ (TransferError::Crash(_) | TransferError::Cut { .. })) => Err(error),
        Err(error) => {
            answers
                .send(ServerMessage::Failed(Failure::of(&error, &path)), None)
                .await
        }
    }
}

async fn work(
    agent: &Arc<Agent>,
    request: Request,
    answers: &Answers,
    peer: &Peer,
) -> Result<Outcome, TransferError> {
    let site = Arc::clone(&agent.site);
    match request {
        Request::List { path } => {
            let _turn = peer.heavy.acquire().await.map_err(TransferError::cut)?;
            let entries = blocking(move || site.list(&path)).await?;
            for part in entries.chunks(ENTRIES) {
                answers
                    .send(ServerMessage::Entries(part.to_vec()), None)
                    .await?;
            }
            Ok(Outcome::Listed)
        }
        Request::Manifest { path, rule, fresh } => {
            let _turn = peer.heavy.acquire().await.map_err(TransferError::cut)?;
            let (parts, mut ready) = mpsc::channel(PARTS);
            let asked = path.clone();
            let so_far = Arc::<(AtomicU64, AtomicU64)>::default();
            let read = Arc::clone(&so_far);
            let scanning = blocking(move || {
                let progress = |done, total| {
                    read.0.store(done, Ordering::Relaxed);
                    read.1.store(total, Ordering::Relaxed);
                };
                site.manifest(&asked, rule, fresh, &progress, |part| {
                    // Where nobody takes them any more, the lane is gone.
                    parts.blocking_send(part).ok();
                })
            });
            let sending = async {
                loop {
                    let message = match timeout(HEARTBEAT, ready.recv()).await {
                        Ok(Some(part)) => ServerMessage::Part(part),
                        Ok(None) => return Ok::<_, TransferError>(()),
                        Err(_) => ServerMessage::Working {
                            done: so_far.0.load(Ordering::Relaxed),
                            total: so_far.1.load(Ordering::Relaxed),
                        },
                    };
                    answers.send(message, None).await?;
                }
            };
            let (scanned, sent) = tokio::join!(scanning, sending);
            let (scan, digest) = scanned?;
            sent?;
            agent.env.fault("agent.manifest")?;
            Ok(Outcome::Manifest {
                signature: Some(agent.signer.sign(&digest, &path)),
                digest,
                skipped: scan.skipped,
            })
        }
        Request::Read { root, codec, items } => {
            let mut items = items.into_iter().zip(0u32..).peekable();
            while items.peek().is_some() {
                let (group, bytes) = together(&mut items);
                let permit = reserve(&peer.bytes, bytes).await?;
                let turn = agent.encoders.turn().await?;
                let (site, root) = (Arc::clone(&site), root.clone());
                let rates = Arc::clone(&peer.rates);
                let (blocks, failed) = blocking(move || {
                    let mut blocks = Vec::with_capacity(group.len());
                    for (item, number) in group {
                        let found = match site.read(&root, &item) {
                            Ok(found) => found,
                            Err(error) => return Ok((blocks, Some(error))),
                        };
                        let Found {
                            block,
                            element,
                            base,
                        } = found;
                        let payload = turn.encode(Job {
                            block,
                            element,
                            base,
                            codec,
                            rates: &rates,
                        });
                        blocks.push(ServerMessage::Block {
                            item: number,
                            payload,
                        });
                    }
                    Ok((blocks, None))
                })
                .await?;
                for _ in &blocks {
                    agent.env.fault("agent.block")?;
                }
                answers.send_all(&blocks, Some(permit)).await?;
                if let Some(error) = failed {
                    return Err(error);
                }
            }
            Ok(Outcome::Read)
        }
        Request::Stat => Ok(Outcome::Stat(peer.counted())),
        Request::Noise { bytes } => {
            let noise = noise()?;
            let mut left = usize::try_from(bytes).unwrap_or_default();
            while left > 0 {
                let piece = noise.get(..left.min(noise.len())).unwrap_or_default();
                left -= piece.len();
                let permit = reserve(&peer.bytes, piece.len()).await?;
                answers
                    .send(ServerMessage::Part(piece.to_vec()), Some(permit))
                    .await?;
            }
            Ok(Outcome::Noise)
        }
        Request::Put { .. } | Request::PutLane { .. } | Request::Sink => {
            Err(TransferError::protocol("it is served elsewhere"))
        }
    }
}
