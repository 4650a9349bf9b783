//! Encoders that are at hand, each with the memory that it works in.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use causeway_domain::Digest;
use causeway_weights::codec::{self, Element, Encoder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Codec, Rates};
use crate::error::TransferError;
use crate::protocol::payload::Payload;

/// As many encoders as there are threads to run them; their memory goes when nobody holds the pool.
pub(crate) struct Encoders {
    threads: Arc<Semaphore>,
    free: Mutex<Weak<Mutex<Vec<Encoder>>>>,
}

/// Permission to encode: what it holds goes back when it is dropped.
pub(crate) struct Turn {
    pool: Arc<Mutex<Vec<Encoder>>>,
    _permit: OwnedSemaphorePermit,
}

/// A block to send.
pub(crate) struct Job<'a> {
    pub(crate) block: Vec<u8>,
    /// What the file's header says of it; `None` when there is none.
    pub(crate) element: Option<Element>,
    /// The bytes of its base, which have this hash.
    pub(crate) base: Option<(Vec<u8>, Digest)>,
    pub(crate) codec: Codec,
    pub(crate) rates: &'a Mutex<Rates>,
}

/// Threads that encode at once.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Encoders {
    pub(crate) fn new() -> Self {
        Self {
            threads: Arc::new(Semaphore::new(threads())),
            free: Mutex::default(),
        }
    }

    /// Waits until a thread may encode.
    pub(crate) async fn turn(&self) -> Result<Turn, TransferError> {
        let permit = Arc::clone(&self.threads)
            .acquire_owned()
            .await
            .map_err(TransferError::cut)?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = free.upgrade().unwrap_or_else(|| {
            let pool = Arc::default();
            *free = Arc::downgrade(&pool);
            pool
        });
        Ok(Turn {
            pool,
            _permit: permit,
        })
    }
}

impl Turn {
    /// The block as it crosses. For a thread that may work for a while.
    pub(crate) fn encode(&self, job: Job<'_>) -> Payload {
        let mut encoder = self.lock().pop().unwrap_or_default();
        let payload = encode(&mut encoder, job);
        self.lock().push(encoder);
        payload
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Encoder>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(encoder: &mut Encoder, job: Job<'_>) -> Payload {
    let Job {
        block,
        element,
        base,
        codec,
        rates,
    } = job;
    let rates = || rates.lock().unwrap_or_else(PoisonError::into_inner);
    let element = match element {
        _ if codec == Codec::Raw => return Payload::raw(block),
        Some(element) => element,
        None => Element::guess(&block, encoder),
    };
    let base = base.as_ref().map(|(bytes, hash)| codec::Base {
        bytes,
        hash: blake3::Hash::from_bytes(*hash.bytes()),
    });
    let Some(effort) = rates().choose(codec, element, base.is_some()) else {
        return Payload::raw(block);
    };
    let begin = Instant::now();
    let encoded = encoder.encode(&block, element, base, effort);
    let took = begin.elapsed();
    rates().encoded(
        (element, base.is_some(), effort),
        block.len(),
        encoded.len(),
        took,
    );
    if encoded.len() < block.len() {
        Payload {
            encoded: true,
            bytes: encoded.to_vec().into(),
        }
    } else {
        Payload::raw(block)
    }
}
