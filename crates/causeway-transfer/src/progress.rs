//! What a person is told while bytes move.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::carrier::CarrierKind;
use crate::protocol::payload::Payload;
use crate::scan::Skipped;

use causeway_domain::{BitsPerSecond, Digest};

/// The rate is that of the last seconds.
const SPAN: Duration = Duration::from_secs(5);

/// Where a transfer is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What it is doing, or waits for.
    pub stage: Stage,
    /// Bytes that are at their destination, of `total`: those that were there already count.
    pub done: u64,
    /// Bytes in all; 0 while that is not known.
    pub total: u64,
    /// Of the last five seconds, verified bytes that came over the link.
    pub rate: BitsPerSecond,
}

/// What a transfer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Trying the carriers.
    Connecting,
    /// The source reads and hashes its files.
    Listing,
    /// Looking for bytes that are at the destination already.
    Comparing,
    /// Blocks cross the link.
    Moving,
    /// Whole files are hashed and named.
    Verifying,
    /// Files are put where they were asked for.
    Placing,
    /// Something has to happen first.
    Waiting {
        /// What: `a connection (no answer within 2.5 s from ...)`.
        why: String,
        /// How long until it is tried again.
        pause: Duration,
    },
}

/// What a transfer did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Files of the manifest.
    pub files: u64,
    /// Bytes of those files.
    pub raw_bytes: u64,
    /// Bytes of block frames that came (for a push: went), before the carrier's own overhead; blocks that had to be sent
    /// twice count twice.
    pub wire_bytes: u64,
    /// All bytes that the sender put on the carrier: with QUIC, whole packets and retransmissions.
    pub sent_bytes: u64,
    /// Bytes of `raw_bytes` that did not have to be sent.
    pub reused_bytes: u64,
    /// Bytes that blocks were shorter on the wire since they were encoded by themselves.
    pub codec_saved_bytes: u64,
    /// Bytes that blocks were shorter on the wire since they were sent as differences to what the receiver had.
    pub difference_saved_bytes: u64,
    /// Seconds from the call to its end.
    pub seconds: f64,
    /// The carrier that the last block came over.
    pub carrier: CarrierKind,
    /// Why that one.
    pub why: String,
    /// Identity of what was moved.
    pub manifest: Digest,
    /// What was not moved, and why.
    pub skipped: Vec<Skipped>,
}

/// Counts, and tells.
pub(crate) struct Meter<'a> {
    tell: &'a (dyn Fn(Progress) + Send + Sync),
    pub(crate) total: u64,
    pub(crate) done: u64,
    recent: VecDeque<(Instant, u64)>,
    pub(crate) wire: u64,
    pub(crate) saved_by_codec: u64,
    pub(crate) saved_by_difference: u64,
    pub(crate) received: u64,
    /// What the agent says that it sent on the present connection, once all blocks are here.
    pub(crate) sent_there: Option<u64>,
    pub(crate) started: Instant,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(tell: &'a (dyn Fn(Progress) + Send + Sync)) -> Self {
        Self {
            tell,
            total: 0,
            done: 0,
            recent: VecDeque::new(),
            wire: 0,
            saved_by_codec: 0,
            saved_by_difference: 0,
            received: 0,
            sent_there: None,
            started: Instant::now(),
        }
    }

    pub(crate) fn stage(&self, stage: Stage) {
        (self.tell)(Progress {
            stage,
            done: self.done,
            total: self.total,
            rate: self.rate(Instant::now()),
        });
    }

    /// A block of `len` bytes crosses, with `frame` bytes around it.
    pub(crate) fn crosses(&mut self, len: u32, payload: &Payload, frame: u64) {
        let wire = payload.bytes.len() as u64;
        self.wire += frame + wire;
        let saved = u64::from(len).saturating_sub(wire);
        match payload.describe() {
            Ok((_, Some(_))) => self.saved_by_difference += saved,
            _ => self.saved_by_codec += saved,
        }
    }

    /// Verified bytes came over the link.
    pub(crate) fn moved(&mut self, bytes: u64) {
        let now = Instant::now();
        self.received += bytes;
        self.recent.push_back((now, bytes));
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > SPAN)
        {
            self.recent.pop_front();
        }
    }

    fn rate(&self, now: Instant) -> BitsPerSecond {
        let recent = self
            .recent
            .iter()
            .filter(|(at, _)| now.duration_since(*at) <= SPAN);
        let bytes: u64 = recent.map(|(_, bytes)| bytes).sum();
        let span = now
            .duration_since(self.started)
            .min(SPAN)
            .as_secs_f64()
            .max(0.1);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        BitsPerSecond::new(bytes as f64 * 8.0 / span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_that_of_the_last_seconds() {
        let tell = |_| {};
        let mut meter = Meter::new(&tell);
        for _ in 0..20 {
            tokio::time::advance(Duration::from_secs(1)).await;
            meter.moved(1000);
        }
        let rate = meter.rate(Instant::now()).get();
        assert!((8000.0..=9600.0).contains(&rate), "{rate}");
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(meter.rate(Instant::now()).get() < 1.0);
    }
}
