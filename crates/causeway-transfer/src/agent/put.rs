//! Taking a directory in.
//!
//! What is on its way lies in a store of its own below the root, which no request can name. Blocks are verified and journaled
//! there as at home, so a put that was cut goes on where it was; whole files are then moved to their places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8Path;
use causeway_domain::Digest;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::Agent;
use super::lane::Answers;
use crate::backoff::pause;
use crate::beneath::{Beneath, Kind, explain};
use crate::coming::{Arrived, Coming, Told, blocking};
use crate::durable;
use crate::error::TransferError;
use crate::manifest::Manifest;
use crate::path;
use crate::protocol::message::{PutKey, ServerMessage, WANT_PART};
use crate::protocol::outcome::{Code, Failure, Outcome};
use crate::protocol::payload::Payload;
use crate::pull::BATCH;
use crate::store::intake::Wanted;
use crate::store::{Placement, Placing, Store, present, stage};

/// What a caller sends for a put.
#[derive(Debug)]
pub(super) enum Incoming {
    Manifest(Result<Manifest, String>),
    Block {
        file: u32,
        block: u32,
        payload: Payload,
        permit: OwnedSemaphorePermit,
    },
}

/// Open puts, for further lanes of their callers.
#[derive(Debug, Default)]
pub(super) struct Puts(Mutex<HashMap<PutKey, mpsc::WeakUnboundedSender<Incoming>>>);

impl Puts {
    /// Notes one; a put is gone when its own lane is.
    pub(super) fn open(&self, key: PutKey, incoming: &mpsc::UnboundedSender<Incoming>) {
        let mut puts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        puts.retain(|_, put| put.upgrade().is_some_and(|put| !put.is_closed()));
        puts.insert(key, incoming.downgrade());
    }

    /// The one of that key.
    pub(super) fn of(&self, key: &PutKey) -> Option<mpsc::UnboundedSender<Incoming>> {
        let puts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        puts.get(key)?.upgrade().filter(|put| !put.is_closed())
    }
}

/// Answers for a further lane of a put, once that is over.
pub(super) async fn serve_lane(
    put: Option<mpsc::UnboundedSender<Incoming>>,
    answers: Answers,
) -> Result<(), TransferError> {
    let message = match put {
        Some(put) => {
            put.closed().await;
            ServerMessage::Done(Outcome::PutLane)
        }
        None => ServerMessage::Failed(Failure {
            code: Code::NotFound,
            path: String::new(),
            why: "the put is over".to_owned(),
        }),
    };
    answers.send(message, None).await
}

/// Serves one put, from its request to its end.
pub(super) async fn serve(
    agent: Arc<Agent>,
    path: String,
    incoming: mpsc::UnboundedReceiver<Incoming>,
    answers: Answers,
) -> Result<(), TransferError> {
    match take(&agent, &path, incoming, &answers).await {
        Ok(digest) => {
            answers
                .send(ServerMessage::Done(Outcome::Put { digest }), None)
                .await
        }
        Err(error @ (TransferError::Crash(_) | TransferError::Cut { .. })) => Err(error),
        Err(error) => {
            answers
                .send(ServerMessage::Failed(Failure::of(&error, &path)), None)
                .await
        }
    }
}

async fn take(
    agent: &Arc<Agent>,
    path: &str,
    mut incoming: mpsc::UnboundedReceiver<Incoming>,
    answers: &Answers,
) -> Result<Digest, TransferError> {
    let gone = || TransferError::cut("the caller hung up");
    if !agent.writable {
        return Err(TransferError::Denied {
            path: path.to_owned(),
            why: "it takes nothing in: start it with `--writable`".to_owned(),
        });
    }
    let manifest = match incoming.recv().await.ok_or_else(gone)? {
        Incoming::Manifest(Ok(manifest)) => Arc::new(manifest),
        Incoming::Manifest(Err(why)) => return Err(TransferError::BadManifest { why }),
        Incoming::Block { .. } => {
            return Err(TransferError::protocol("a block comes before its manifest"));
        }
    };
    let mut room = Room::new(agent, answers);
    let (store, mut coming) = loop {
        match begin(agent, path, &manifest).await {
            Err(error) if error.is_full() => {
                room.wait(&durable::room(
                    agent.site.first_root(),
                    manifest.bytes(),
                    &error,
                ))
                .await?
            }
            begun => break begun?,
        }
    };
    let wanted = coming.wanted();
    for part in wanted.chunks(WANT_PART) {
        let blocks = part
            .iter()
            .map(|wanted| (wanted.file, wanted.block))
            .collect();
        answers
            .send(
                ServerMessage::Want {
                    blocks,
                    last: false,
                },
                None,
            )
            .await?;
    }
    answers
        .send(
            ServerMessage::Want {
                blocks: Vec::new(),
                last: true,
            },
            None,
        )
        .await?;
    let mut wanted: HashMap<(u32, u32), Wanted> = wanted
        .into_iter()
        .map(|wanted| ((wanted.file, wanted.block), wanted))
        .collect();
    let mut batch = Vec::new();
    while !wanted.is_empty() || coming.is_verifying() {
        tokio::select! {
            biased;
            count = incoming.recv_many(&mut batch, BATCH), if !wanted.is_empty() => {
                if count == 0 {
                    return Err(gone());
                }
                let (mut blocks, mut permits, mut stored) = (Vec::new(), Vec::new(), Vec::new());
                for message in batch.drain(..) {
                    let Incoming::Block { file, block, payload, permit } = message else {
                        return Err(TransferError::protocol("a second manifest comes"));
                    };
                    let wanted = wanted.remove(&(file, block)).ok_or_else(|| TransferError::protocol("a block comes that was not wanted"))?;
                    if !matches!(payload.describe(), Ok((len, None)) if len == u64::from(wanted.len)) {
                        return Err(TransferError::protocol("a block has another length than it was asked for with"));
                    }
                    blocks.push(Arrived { wanted, payload, base: None });
                    permits.push(permit);
                    stored.push((file, block));
                }
                if let Err(error) = coming.put(blocks).await {
                    find_room(&mut coming, &store, &mut room, error).await?;
                }
                drop(permits);
                for _ in &stored {
                    agent.env.fault("agent.stored")?;
                }
                answers.send(ServerMessage::Stored { blocks: stored }, None).await?;
            }
            Some(finished) = coming.finished() => {
                if let Err(error) = finished {
                    find_room(&mut coming, &store, &mut room, error).await?;
                }
            }
        }
    }
    agent.env.fault("agent.placing")?;
    let digest = manifest.digest();
    let staged = loop {
        let (agent, path, manifest) = (Arc::clone(agent), path.to_owned(), Arc::clone(&manifest));
        let place = move || {
            let (store, parent, name) = open(&agent, &path)?;
            let placing = Placing {
                store: &store,
                how: Placement::Move,
            };
            stage(&placing, &manifest, parent, name)
        };
        match blocking(place).await {
            Err(error) if error.is_full() => {
                room.wait(&durable::room(store.dir(), 0, &error)).await?
            }
            staged => break staged?,
        }
    };
    agent.env.fault("agent.placed")?;
    blocking(move || staged.publish()).await?;
    agent.env.fault("agent.published")?;
    Ok(digest)
}

/// Looks for what is here.
async fn begin(
    agent: &Arc<Agent>,
    path: &str,
    manifest: &Arc<Manifest>,
) -> Result<(Store, Coming), TransferError> {
    let (store, needed) = {
        let (agent, manifest, path) = (Arc::clone(agent), Arc::clone(manifest), path.to_owned());
        blocking(move || {
            let (store, parent, name) = open(&agent, &path)?;
            let there = present(&manifest, &parent, &name)?;
            Ok((store, there.into_iter().map(|there| !there).collect()))
        })
        .await?
    };
    let coming = Coming::begin(&store, Arc::clone(manifest), needed, None, Told::default()).await?;
    Ok((store, coming))
}

/// Waits for room on the disk, as long as the caller does.
struct Room<'a> {
    agent: &'a Agent,
    answers: &'a Answers,
    tries: u32,
}

impl<'a> Room<'a> {
    const fn new(agent: &'a Agent, answers: &'a Answers) -> Self {
        Self {
            agent,
            answers,
            tries: 0,
        }
    }

    async fn wait(&mut self, why: &str) -> Result<(), TransferError> {
        self.tries = self.tries.saturating_add(1);
        let waiting = ServerMessage::Waiting {
            why: why.to_owned(),
        };
        // Fails once the caller is gone.
        self.answers.send(waiting, None).await?;
        tokio::time::sleep(pause(self.tries, self.agent.env.random())).await;
        Ok(())
    }
}

/// After a failure: waits until what came finds room, if that is what it is about.
async fn find_room(
    coming: &mut Coming,
    store: &Store,
    room: &mut Room<'_>,
    mut error: TransferError,
) -> Result<(), TransferError> {
    while error.is_full() {
        let left = coming.intake().left();
        room.wait(&durable::room(store.dir(), left, &error)).await?;
        match coming.again().await {
            Ok(_) => {
                room.tries = 0;
                return Ok(());
            }
            Err(again) => error = again,
        }
    }
    Err(error)
}

/// The store for what comes in, and where it goes.
fn open(agent: &Agent, path: &str) -> Result<(Store, Beneath, String), TransferError> {
    let (root, tree, below) = agent.site.locate(path)?;
    let name = path::name(&below).to_owned();
    path::check(&name)?;
    if let Some(kind) = tree
        .kind(path::INCOMING)
        .map_err(TransferError::io(format!("looking into `{root}`")))?
        && kind != Kind::Directory
    {
        return Err(TransferError::Denied {
            path: path::INCOMING.to_owned(),
            why: "it is in the way and no directory".to_owned(),
        });
    }
    let above = path::parent(&below);
    let parent = tree
        .make_directories(above)
        .map_err(|error| explain(error, &tree.shown(above), above))?;
    let store = Store::open(Utf8Path::new(root).join(path::INCOMING).as_path())?;
    Ok((store, parent, name))
}
