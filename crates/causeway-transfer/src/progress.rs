//! What a person is told while bytes move.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::carrier::CarrierKind;
use crate::manifest::Manifest;
use crate::protocol::payload::Payload;
use crate::scan::Skipped;
use crate::session::Counting;
use crate::signature::ManifestSignature;

use causeway_domain::{BitsPerSecond, Bytes, Digest};

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
    /// How long the rest takes at that rate; `None` while nothing moves, or nothing is left.
    pub left: Option<Duration>,
    /// Files that are whole and verified, of `files_total`.
    pub files_done: u64,
    /// Files in all; 0 while that is not known.
    pub files_total: u64,
    /// Files of which a part is there, in the order of the manifest; the first eight. Files that are neither named here nor
    /// whole wait.
    pub moving: Vec<FilePart>,
    /// Files that became whole since the last time that anything was told.
    pub whole: Vec<FilePart>,
    /// What crossed, and what did not have to.
    pub crossed: Crossed,
    /// The connection; `None` while there is none.
    pub line: Option<Line>,
}

impl Progress {
    /// What a person wants to see beside a bar: `41.2 Mbit/s, 80 s left, 3 of 12 files, 40 MB saved, quic 181 ms, 0.1 % lost`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut words = Vec::new();
        if let Stage::Moving = self.stage {
            words.push(self.rate.to_string());
        }
        if let Some(left) = self.left {
            words.push(format!("{} left", in_time(left)));
        }
        if self.files_total > 1 {
            words.push(format!("{} of {} files", self.files_done, self.files_total));
        }
        let saved = self.crossed.reused_bytes
            + self.crossed.codec_saved_bytes
            + self.crossed.difference_saved_bytes;
        if saved > 0 {
            words.push(format!("{} saved", Bytes::new(saved)));
        }
        if let Some(line) = &self.line {
            words.push(format!("{} {:.0} ms", line.carrier, line.rtt_seconds * 1e3));
            if let Some(loss) = line.loss {
                words.push(format!("{:.1} % lost", loss * 100.0));
            }
        }
        words.join(", ")
    }
}

fn in_time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Listing => f.write_str("listing"),
            Self::Comparing => f.write_str("comparing"),
            Self::Moving => f.write_str("moving"),
            Self::Verifying => f.write_str("verifying"),
            Self::Placing => f.write_str("placing"),
            Self::Waiting { why, .. } => write!(f, "waiting for {why}"),
        }
    }
}

/// A file, and how much of it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilePart {
    /// Its path in the manifest.
    pub path: String,
    /// Bytes of it that are there.
    pub done: u64,
    /// Its size in bytes.
    pub total: u64,
}

/// Bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Crossed {
    /// Bytes of block frames that crossed.
    pub wire_bytes: u64,
    /// Bytes that are at their destination and did not cross.
    pub reused_bytes: u64,
    /// As [`Summary::codec_saved_bytes`], so far.
    pub codec_saved_bytes: u64,
    /// As [`Summary::difference_saved_bytes`], so far.
    pub difference_saved_bytes: u64,
}

/// What a connection tells of its path.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Line {
    /// What carries it.
    pub carrier: CarrierKind,
    /// Smoothed round trip, in seconds.
    pub rtt_seconds: f64,
    /// The part of the sent bytes that was lost on the way; `None` where the carrier does not tell: TCP and ssh keep it to
    /// themselves.
    pub loss: Option<f64>,
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
    /// The part of the bytes on the last connection that was lost on the way, where the carrier tells it (QUIC).
    pub loss: Option<f64>,
    /// Smoothed round trip of the last connection, in seconds.
    pub rtt_seconds: Option<f64>,
    /// Seconds from the call to its end.
    pub seconds: f64,
    /// The carrier that the last block came over.
    pub carrier: CarrierKind,
    /// Why that one.
    pub why: String,
    /// Identity of what was moved.
    pub manifest: Digest,
    /// Whose word the manifest is: the agent's, whose key the ticket holds, or that of who filled a bucket, if he gave it.
    pub signed: Option<ManifestSignature>,
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
    /// What the agent sent on the present connection, once all blocks are here.
    pub(crate) sent_there: Option<SentThere>,
    pub(crate) started: Instant,
    pub(crate) line: Option<Line>,
    pub(crate) files: Files,
    /// Of `files`, whole ones that were not told yet.
    untold: Mutex<Vec<FilePart>>,
}

/// What the agent sent on a connection.
#[derive(Debug)]
pub(crate) enum SentThere {
    /// In bytes.
    Known(u64),
    /// It was asked.
    Asked(Counting),
}

/// Which files are there, and how far.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Of each file the bytes that are not there; nothing of one that is whole.
    left: Vec<Option<u64>>,
    whole: u64,
    /// Those of which a part is there.
    moving: BTreeSet<u32>,
    manifest: Option<Arc<Manifest>>,
}

impl Files {
    /// At the begin: these blocks are not there.
    pub(crate) fn new(manifest: &Arc<Manifest>, missing: impl Iterator<Item = (u32, u64)>) -> Self {
        let mut files = Self {
            left: vec![Some(0); manifest.files().len()],
            whole: 0,
            moving: BTreeSet::new(),
            manifest: Some(Arc::clone(manifest)),
        };
        for (file, len) in missing {
            if let Some(Some(left)) = files.of(file) {
                *left += len;
            }
        }
        for (entry, index) in manifest.files().iter().zip(0u32..) {
            if matches!(files.of(index), Some(Some(left)) if *left > 0 && *left < entry.size) {
                files.moving.insert(index);
            }
        }
        files
    }

    fn of(&mut self, file: u32) -> Option<&mut Option<u64>> {
        self.left.get_mut(usize::try_from(file).ok()?)
    }

    /// Bytes of a file came.
    pub(crate) fn landed(&mut self, file: u32, len: u64) {
        if let Some(Some(left)) = self.of(file) {
            *left = left.saturating_sub(len);
            self.moving.insert(file);
        }
    }

    /// What came of it was of no use.
    pub(crate) fn lost(&mut self, file: u32, len: u64) {
        if let Some(Some(left)) = self.of(file) {
            *left += len;
        }
    }

    /// It is whole: told once.
    fn whole(&mut self, file: u32) -> Option<FilePart> {
        self.of(file)?.take()?;
        self.moving.remove(&file);
        self.whole += 1;
        let part = self.part(file)?;
        Some(FilePart {
            done: part.total,
            ..part
        })
    }

    fn part(&self, file: u32) -> Option<FilePart> {
        let index = usize::try_from(file).ok()?;
        let entry = self.manifest.as_ref()?.files().get(index)?;
        let left = self.left.get(index).copied().flatten().unwrap_or(0);
        Some(FilePart {
            path: entry.path.clone(),
            done: entry.size.saturating_sub(left),
            total: entry.size,
        })
    }

    /// Those that may have become whole: nothing of them is missing.
    pub(crate) fn candidates(&self) -> Vec<u32> {
        let ready = |file: &u32| {
            usize::try_from(*file).is_ok_and(|file| self.left.get(file) == Some(&Some(0)))
        };
        self.moving.iter().copied().filter(ready).collect()
    }

    /// Those that nothing is missing of.
    pub(crate) fn complete(&self) -> Vec<u32> {
        let left = self.left.iter().zip(0u32..);
        left.filter(|(left, _)| **left == Some(0))
            .map(|(_, file)| file)
            .collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.left.len()).unwrap_or(u32::MAX)
    }
}

/// Files that are told of as moving.
const TOLD: usize = 8;

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
            line: None,
            files: Files::default(),
            untold: Mutex::default(),
        }
    }

    /// These files are whole.
    pub(crate) fn whole(&mut self, files: impl IntoIterator<Item = u32>) {
        let untold = self
            .untold
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        untold.extend(files.into_iter().filter_map(|file| self.files.whole(file)));
    }

    pub(crate) fn stage(&self, stage: Stage) {
        let rate = self.rate(Instant::now());
        let rest = self.total.saturating_sub(self.done);
        let whole =
            std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        (self.tell)(Progress {
            left: (rest > 0 && rate.get() > 0.0).then(|| Bytes::new(rest) / rate),
            // Nothing is connected then.
            line: self
                .line
                .filter(|_| !matches!(stage, Stage::Waiting { .. } | Stage::Connecting)),
            stage,
            done: self.done,
            total: self.total,
            rate,
            files_done: self.files.whole,
            files_total: self.files.left.len() as u64,
            moving: self
                .files
                .moving
                .iter()
                .take(TOLD)
                .filter_map(|file| self.files.part(*file))
                .collect(),
            whole,
            crossed: Crossed {
                wire_bytes: self.wire,
                reused_bytes: self.done.saturating_sub(self.received),
                codec_saved_bytes: self.saved_by_codec,
                difference_saved_bytes: self.saved_by_difference,
            },
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
    use crate::manifest::Block;

    #[test]
    fn a_person_reads_what_is_known_and_nothing_else() {
        let mut progress = Progress {
            stage: Stage::Connecting,
            done: 0,
            total: 0,
            rate: BitsPerSecond::new(0.0),
            left: None,
            files_done: 0,
            files_total: 0,
            moving: Vec::new(),
            whole: Vec::new(),
            crossed: Crossed::default(),
            line: None,
        };
        assert_eq!(progress.in_words(), "");
        progress.stage = Stage::Moving;
        progress.rate = BitsPerSecond::new(41.2e6);
        progress.left = Some(Duration::from_secs(80));
        (progress.files_done, progress.files_total) = (3, 12);
        progress.crossed.codec_saved_bytes = 40_000_000;
        progress.line = Some(Line {
            carrier: CarrierKind::Quic,
            rtt_seconds: 0.1812,
            loss: Some(0.001),
        });
        assert_eq!(
            progress.in_words(),
            "41.2 Mbit/s, 80 s left, 3 of 12 files, 40 MB saved, quic 181 ms, 0.1 % lost"
        );
    }

    /// A file of so many blocks of 10 bytes.
    fn file(path: &str, blocks: u32) -> crate::manifest::FileEntry {
        let block = Block {
            len: 10,
            blake3: Digest::new([1; 32]),
        };
        crate::manifest::FileEntry {
            path: path.to_owned(),
            executable: false,
            size: u64::from(blocks) * 10,
            blake3: Digest::new([2; 32]),
            sha256: None,
            blocks: (0..blocks).map(|_| block).collect(),
        }
    }

    #[test]
    fn a_file_waits_moves_and_is_whole_once() {
        let files = vec![file("a", 2), file("b", 3), file("c", 1), file("d", 0)];
        let manifest = Arc::new(Manifest::new(crate::manifest::Shape::Directory, files).unwrap());
        // One block of `b` was here.
        let missing = [(0, 10), (0, 10), (1, 10), (1, 10), (2, 10)];
        let mut files = Files::new(&manifest, missing.into_iter());
        let part = |path: &str, done, total| FilePart {
            path: path.to_owned(),
            done,
            total,
        };
        let moving = |files: &Files| {
            let parts = files.moving.iter().filter_map(|file| files.part(*file));
            parts.collect::<Vec<_>>()
        };
        assert_eq!(moving(&files), [part("b", 10, 30)]);
        assert_eq!(files.complete(), [3]);
        assert_eq!(files.whole(3), Some(part("d", 0, 0)));
        files.landed(0, 10);
        assert_eq!(moving(&files), [part("a", 10, 20), part("b", 10, 30)]);
        files.landed(0, 10);
        files.lost(0, 10);
        assert!(files.candidates().is_empty());
        files.landed(0, 10);
        assert_eq!(files.candidates(), [0]);
        assert_eq!(files.whole(0), Some(part("a", 20, 20)));
        assert_eq!(files.whole(0), None, "told once");
        assert_eq!((files.whole, moving(&files)), (2, vec![part("b", 10, 30)]));
        assert_eq!(files.all().filter_map(|file| files.whole(file)).count(), 2);
    }

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
