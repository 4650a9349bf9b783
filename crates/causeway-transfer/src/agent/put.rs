//! Taking a directory in.
//!
//! What is on its way lies in a store of its own below the root, which no request can name. Blocks are verified and journaled
//! there as at home, so a put that was cut goes on where it was; whole files are then moved to their places.

use std::collections::HashMap;
use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::Digest;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::Agent;
use super::lane::Answers;
use crate::beneath::{Beneath, Kind, explain};
use crate::coming::{Arrived, Coming, blocking};
use crate::error::TransferError;
use crate::manifest::Manifest;
use crate::path;
use crate::protocol::message::{Failure, Outcome, ServerMessage, WANT_PART};
use crate::protocol::payload::Payload;
use crate::pull::BATCH;
use crate::store::intake::Wanted;
use crate::store::{Placement, Placing, Store, present, stage};

/// What a caller sends for a put.
pub(super) enum Incoming {
    Manifest(Result<Manifest, String>),
    Block {
        file: u32,
        block: u32,
        payload: Payload,
        permit: OwnedSemaphorePermit,
    },
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
    let (store, needed) = {
        let (agent, manifest, path) = (Arc::clone(agent), Arc::clone(&manifest), path.to_owned());
        blocking(move || {
            let (store, parent, name) = open(&agent, &path)?;
            let there = present(&manifest, &parent, &name)?;
            Ok((store, there.into_iter().map(|there| !there).collect()))
        })
        .await?
    };
    let mut coming = Coming::begin(&store, Manifest::clone(&manifest), needed, Vec::new()).await?;
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
                let (mut blocks, mut permits) = (Vec::new(), Vec::new());
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
                }
                let count = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                coming.put(blocks).await?;
                drop(permits);
                for _ in 0..count {
                    agent.env.fault("agent.stored")?;
                }
                answers.send(ServerMessage::Stored { blocks: count }, None).await?;
            }
            Some(finished) = coming.finished() => finished?,
        }
    }
    agent.env.fault("agent.placing")?;
    let digest = manifest.digest();
    let staged = {
        let (agent, path) = (Arc::clone(agent), path.to_owned());
        blocking(move || {
            let (store, parent, name) = open(&agent, &path)?;
            stage(
                &Placing {
                    store: &store,
                    how: Placement::Move,
                },
                &manifest,
                parent,
                name,
            )
        })
        .await?
    };
    agent.env.fault("agent.placed")?;
    blocking(move || staged.publish()).await?;
    agent.env.fault("agent.published")?;
    Ok(digest)
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
