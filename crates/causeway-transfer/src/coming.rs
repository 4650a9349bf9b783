//! A manifest on its way in: blocks are decoded, verified and on disk; files are finished behind them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use causeway_weights::codec::{self, CodecError, Decoder};
use tokio::task::JoinSet;

use crate::codec::Base;
use crate::error::TransferError;
use crate::manifest::Manifest;
use crate::protocol::payload::Payload;
use crate::scan::Skipped;
use crate::signature::ManifestSignature;
use crate::store::finish::FinishJob;
use crate::store::intake::{Intake, Taken, Wanted};
use crate::store::{Hashes, Store, Straight};

/// A block that came.
pub(crate) struct Arrived {
    pub(crate) wanted: Wanted,
    pub(crate) payload: Payload,
    /// What it may be a difference to.
    pub(crate) base: Option<Base>,
}

impl Arrived {
    /// It was here.
    pub(crate) fn here(wanted: Wanted, bytes: Vec<u8>) -> Self {
        Self {
            wanted,
            payload: Payload::raw(bytes),
            base: None,
        }
    }
}

/// A manifest that is coming in. Outlives the connections that bring it.
pub(crate) struct Coming {
    pub(crate) intake: Arc<Mutex<Intake>>,
    decoder: Arc<Mutex<Decoder>>,
    jobs: JoinSet<(u32, FinishJob, Result<Hashes, TransferError>)>,
    /// Verified blocks that found no room.
    homeless: Vec<(Wanted, Bytes)>,
    /// Jobs that found none.
    stuck: Vec<(u32, FinishJob)>,
    /// What the manifest came with, where it came from a site.
    pub(crate) told: Told,
}

/// What is said of a manifest beside it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told {
    pub(crate) signature: Option<ManifestSignature>,
    /// What is not in it.
    pub(crate) skipped: Vec<Skipped>,
}

/// Runs what may wait for a disk on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TransferError> + Send + 'static,
) -> Result<T, TransferError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(TransferError::Io {
            doing: "a thread of the transfer ended".to_owned(),
            source: std::io::Error::other(error),
        }),
    }
}

impl Coming {
    /// Looks for what is here already: see [`Intake::begin`].
    pub(crate) async fn begin(
        store: &Store,
        manifest: Arc<Manifest>,
        needed: Vec<bool>,
        straight: Option<Straight>,
        told: Told,
    ) -> Result<Self, TransferError> {
        let store = store.clone();
        let begin = move || {
            let needed = |index: usize| needed.get(index).copied().unwrap_or(true);
            Intake::begin(&store, &manifest, &needed, straight, &|_| {})
        };
        let (intake, taken) = blocking(begin).await?;
        let mut coming = Self {
            intake: Arc::new(Mutex::new(intake)),
            decoder: Arc::default(),
            jobs: JoinSet::new(),
            homeless: Vec::new(),
            stuck: Vec::new(),
            told,
        };
        coming.start(taken.jobs);
        Ok(coming)
    }

    /// Takes blocks in, on disk when this returns. Gives those again whose base is not here any more.
    ///
    /// # Errors
    /// [`TransferError::Mismatch`], [`TransferError::Protocol`] when what came is no encoding of such a block.
    /// [`TransferError::DiskFull`]: the blocks are kept for [`Coming::again`].
    pub(crate) async fn put(
        &mut self,
        arrived: Vec<Arrived>,
    ) -> Result<(Taken, Vec<Wanted>), TransferError> {
        let decoder = Arc::clone(&self.decoder);
        let (blocks, again) = blocking(move || {
            let (mut blocks, mut again) = (Vec::with_capacity(arrived.len()), Vec::new());
            {
                let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
                for one in arrived {
                    let wanted = one.wanted;
                    match decode(&mut decoder, one)? {
                        Some(bytes) => blocks.push((wanted, bytes)),
                        None => again.push(wanted),
                    }
                }
            }
            Ok((blocks, again))
        })
        .await?;
        self.homeless.extend(blocks);
        let taken = self.again().await?;
        Ok((taken, again))
    }

    /// Tries again what found no room.
    ///
    /// # Errors
    /// As [`Coming::put`].
    pub(crate) async fn again(&mut self) -> Result<Taken, TransferError> {
        let stuck = std::mem::take(&mut self.stuck);
        self.start(stuck);
        let blocks = std::mem::take(&mut self.homeless);
        if blocks.is_empty() {
            return Ok(Taken::default());
        }
        let intake = Arc::clone(&self.intake);
        let (mut taken, blocks, result) = blocking(move || {
            let mut taken = Taken::default();
            let mut intake = intake.lock().unwrap_or_else(PoisonError::into_inner);
            let result = intake.put(&blocks, &mut taken);
            Ok((taken, blocks, result))
        })
        .await?;
        for job in taken.hashing.drain(..) {
            // Nobody waits for it: the end of the file does.
            drop(tokio::task::spawn_blocking(move || job.run()));
        }
        self.start(std::mem::take(&mut taken.jobs));
        match result {
            Ok(()) => Ok(taken),
            Err(error) => {
                if error.is_full() {
                    self.homeless = blocks;
                }
                Err(error)
            }
        }
    }

    /// Bytes of blocks that wait for room.
    pub(crate) fn homeless(&self) -> u64 {
        let lens = self
            .homeless
            .iter()
            .map(|(wanted, _)| u64::from(wanted.len));
        lens.sum()
    }

    fn start(&mut self, jobs: Vec<(u32, FinishJob)>) {
        for (index, job) in jobs {
            self.jobs.spawn_blocking(move || {
                let result = job.run();
                (index, job, result)
            });
        }
    }

    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        self.intake().wanted()
    }

    pub(crate) fn intake(&self) -> std::sync::MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next file that is whole; `None` when no job runs.
    pub(crate) async fn finished(&mut self) -> Option<Result<(), TransferError>> {
        let joined = self.jobs.join_next().await?;
        Some(match joined {
            Ok((index, _, Ok(hashes))) => {
                self.intake().finished(index, hashes);
                Ok(())
            }
            Ok((index, job, Err(error))) => {
                if error.is_full() {
                    self.stuck.push((index, job));
                }
                Err(error)
            }
            Err(error) => Err(TransferError::Io {
                doing: "verifying a file".to_owned(),
                source: std::io::Error::other(error),
            }),
        })
    }

    pub(crate) fn is_verifying(&self) -> bool {
        !self.jobs.is_empty()
    }
}

/// The block itself; `None` when the base that it needs is not what it was.
fn decode(decoder: &mut Decoder, arrived: Arrived) -> Result<Option<Bytes>, TransferError> {
    let Arrived {
        wanted,
        payload,
        base,
    } = arrived;
    if !payload.encoded {
        return Ok(Some(payload.bytes));
    }
    let broken = |error: CodecError| TransferError::protocol(format!("a block: {error}"));
    let needs = codec::describe(&payload.bytes).map_err(broken)?.base;
    let bytes = match base.filter(|_| needs.is_some()) {
        Some(base) => match base.read() {
            Some(bytes) => Some((bytes, base.block.blake3)),
            None => return Ok(None),
        },
        None => None,
    };
    let base = bytes.as_ref().map(|(bytes, hash)| codec::Base {
        bytes,
        hash: blake3::Hash::from_bytes(*hash.bytes()),
    });
    let len = usize::try_from(wanted.len).unwrap_or(usize::MAX);
    let mut block = Vec::with_capacity(len);
    decoder
        .decode(&payload.bytes, len, base, &mut block)
        .map_err(broken)?;
    Ok(Some(block.into()))
}
