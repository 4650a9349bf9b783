//! The hashes of many files, on several threads: of a million small ones most of the time is the kernel's, opening them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use causeway_domain::Digest;

use super::blocks::hash_blocks;
use super::{Found, MAX_REMEMBERED, Scanning};
use crate::beneath::{Beneath, Stamp, explain};
use crate::error::TransferError;
use crate::holes::ZeroBlocks;
use crate::manifest::FileEntry;

/// Most files that a thread takes at once.
const TOGETHER: usize = 64;
/// As often at least each thread takes some: the last ones keep no thread waiting for long.
const TURNS: usize = 8;
/// A file that has more than this part of all bytes is hashed on several threads itself.
const LARGE: u64 = 4;
/// More threads than this wait for the disk.
const MOST_THREADS: usize = 4;

/// Hashes files, several at once.
pub(super) struct Hashing<'a> {
    tree: &'a Beneath,
    scanning: &'a Scanning<'a>,
    /// Bytes that were read.
    done: AtomicU64,
    /// Bytes of all files; 0 where that is not known.
    total: u64,
    /// Whether hashes are kept: more of them than are remembered push each other out.
    keeps: bool,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(tree: &'a Beneath, scanning: &'a Scanning<'a>, found: &[Found]) -> Self {
        Self {
            tree,
            scanning,
            done: AtomicU64::new(0),
            total: found
                .iter()
                .map(|found| Some(found.stamp?.size))
                .sum::<Option<u64>>()
                .unwrap_or_default(),
            keeps: found.len() <= MAX_REMEMBERED,
        }
    }

    /// In this order. `each` hears of them in this order, too, as soon as those before are there.
    pub(super) fn all(
        &self,
        found: &[Found],
        mut each: impl FnMut(&[FileEntry]),
    ) -> Result<Vec<FileEntry>, TransferError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = threads.min(MOST_THREADS).min(found.len()).max(1);
        let together = (found.len() / (threads * TURNS)).clamp(1, TOGETHER);
        let next = AtomicUsize::new(0);
        let mut files = Vec::with_capacity(found.len());
        std::thread::scope(|scope| {
            let (parts, ready) = channel();
            let threads: Vec<_> = (0..threads)
                .map(|_| {
                    let (parts, next) = (parts.clone(), &next);
                    scope.spawn(move || self.some(found, next, together, &parts))
                })
                .collect();
            drop(parts);
            let mut early = BTreeMap::new();
            for (at, part) in ready {
                early.insert(at, part);
                while let Some(part) = early.remove(&files.len()) {
                    each(&part);
                    files.extend(part);
                }
            }
            threads.into_iter().try_for_each(|thread| {
                let ended = |_| TransferError::Io {
                    doing: "a thread that hashes ended".to_owned(),
                    source: std::io::ErrorKind::Other.into(),
                };
                thread.join().map_err(ended).flatten()
            })
        })?;
        Ok(files)
    }

    /// What is next, and what is next then, until nothing is: parts of the whole, each with where it begins.
    fn some(
        &self,
        found: &[Found],
        next: &AtomicUsize,
        together: usize,
        parts: &Sender<(usize, Vec<FileEntry>)>,
    ) -> Result<(), TransferError> {
        let mut zeros = ZeroBlocks::default();
        loop {
            let at = next.fetch_add(together, Ordering::Relaxed);
            let rest = found.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            let entries = rest
                .iter()
                .take(together)
                .map(|found| self.one(found, &mut zeros))
                .collect::<Result<_, _>>();
            let entries = entries.inspect_err(|_| {
                // The others need not go on.
                next.store(found.len(), Ordering::Relaxed);
            })?;
            parts.send((at, entries)).ok();
        }
    }

    fn one(&self, found: &Found, zeros: &mut ZeroBlocks) -> Result<FileEntry, TransferError> {
        let Found { relative, full, .. } = found;
        let tree = self.tree;
        let (mut file, stamp) = tree.file(full).map_err(|error| match error.kind() {
            ErrorKind::NotFound => TransferError::Changing { path: full.clone() },
            _ => explain(error, &tree.shown(full), full),
        })?;
        let mut entry = FileEntry {
            path: relative.clone(),
            size: stamp.size,
            executable: stamp.executable,
            blake3: Digest::new([0; 32]),
            sha256: None,
            blocks: Vec::new(),
        };
        let tell = |bytes| {
            let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
            (self.scanning.progress)(done, self.total);
        };
        let remembered = self.scanning.remembered.filter(|_| self.keeps);
        let known = remembered.and_then(|(_, remembered)| remembered.get(&stamp));
        if let Some((blake3, blocks)) = known {
            (entry.blake3, entry.blocks) = (blake3, blocks);
            tell(stamp.size);
            return Ok(entry);
        }
        let is_large = stamp.size.saturating_mul(LARGE) > self.total;
        let reading = || TransferError::io(format!("reading `{}`", tree.shown(full)));
        let read = |error: std::io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => TransferError::Changing { path: full.clone() },
            _ => reading()(error),
        };
        (entry.blake3, entry.blocks) =
            hash_blocks(&mut file, full, stamp.size, is_large, zeros, tell).map_err(read)?;
        if Stamp::now(&file).map_err(|error| reading()(error))? != stamp {
            return Err(TransferError::Changing { path: full.clone() });
        }
        if let Some((now, remembered)) = remembered {
            remembered.keep(stamp, &entry, now);
        }
        Ok(entry)
    }
}
