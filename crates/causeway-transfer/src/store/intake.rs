//! What of a manifest is still missing here, and taking it in block by block.

mod begin;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use causeway_domain::Digest;
use sha2::Digest as _;

use super::finish::{FinishJob, keep_small};
use super::hashing::{HashJob, Hashing};
use super::partial::{Claim, Partial};
use super::straight::Straight;
use super::{Hashes, Store};
use crate::error::TransferError;
use crate::manifest::{FileEntry, Manifest};

/// Most partial files that are open at once.
const MAX_OPEN: usize = 48;
/// A file is hashed on when this many bytes more have come without a gap; so little is left to hash at its end.
const HASHED_AT_ONCE: u64 = 16 << 20;
/// And no more of it by one job.
const MOST_HASHED_AT_ONCE: u64 = 256 << 20;

/// A block to ask for: where the source has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Index of the file in the manifest.
    pub(crate) file: u32,
    /// Index of the block in the file.
    pub(crate) block: u32,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) blake3: Digest,
}

/// A manifest on its way home. Blocking: lives on threads that may wait for a disk.
#[derive(Debug)]
pub(crate) struct Intake {
    store: Store,
    manifest: Arc<Manifest>,
    /// One for each different content, by the index of its first entry in the manifest.
    incoming: BTreeMap<u32, Incoming>,
    /// Where each missing block belongs: index of the file, offset.
    places: HashMap<Digest, Vec<(u32, u64)>>,
    /// Whether any belongs to several places: as a rule none does, and to look for each takes a while.
    shared: bool,
    /// Open partial files.
    open: BTreeMap<u32, Partial>,
    /// Bytes of different contents that were here already.
    reused: u64,
    /// Where small files go, if not into the store.
    straight: Option<Straight>,
    /// Of small files that go there: entries with the same bytes as an earlier one, by that one's index.
    twins: HashMap<u32, Vec<u32>>,
}

/// Where blocks of a file begin that are not here. Most of a million files have one.
#[derive(Debug, Default)]
enum Missing {
    #[default]
    None,
    Only(u64),
    Several(BTreeSet<u64>),
}

impl Missing {
    fn insert(&mut self, offset: u64) {
        match self {
            Self::None => *self = Self::Only(offset),
            Self::Only(other) => *self = Self::Several(BTreeSet::from([*other, offset])),
            Self::Several(offsets) => {
                offsets.insert(offset);
            }
        }
    }

    fn remove(&mut self, offset: u64) {
        match self {
            Self::Only(other) if *other == offset => *self = Self::None,
            Self::Several(offsets) => {
                offsets.remove(&offset);
            }
            Self::None | Self::Only(_) => {}
        }
    }

    fn contains(&self, offset: u64) -> bool {
        match self {
            Self::None => false,
            Self::Only(other) => *other == offset,
            Self::Several(offsets) => offsets.contains(&offset),
        }
    }

    fn first(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Only(offset) => Some(*offset),
            Self::Several(offsets) => offsets.first().copied(),
        }
    }
}

#[derive(Debug)]
struct Incoming {
    missing: Missing,
    state: State,
    /// Once there is something to hash.
    hashing: Option<Hashing>,
    /// Up to where a job was made to hash it.
    hashed: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Missing,
    /// All blocks are here; a [`FinishJob`] has to run.
    Whole,
    /// With SHA-256, if it is in the store.
    Home(Option<Digest>),
}

/// What a batch of blocks led to.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Blocks now on disk.
    pub(crate) blocks: usize,
    /// Bytes of the manifest's different contents that they filled.
    pub(crate) bytes: u64,
    /// Small files that are home now.
    pub(crate) small_files: usize,
    /// Files whose last block this was.
    pub(crate) jobs: Vec<(u32, FinishJob)>,
    /// Stretches that can be hashed meanwhile.
    pub(crate) hashing: Vec<HashJob>,
}

impl Incoming {
    fn missing(missing: Missing) -> Self {
        Self {
            missing,
            state: State::Missing,
            hashing: None,
            hashed: 0,
        }
    }
}

fn entry_of(manifest: &Manifest, index: u32) -> Option<&FileEntry> {
    manifest.files().get(usize::try_from(index).ok()?)
}

fn bytes_of(claims: &[(Claim, &[u8])]) -> u64 {
    claims.iter().map(|(claim, _)| u64::from(claim.len)).sum()
}

fn is_small(entry: &FileEntry) -> bool {
    entry.blocks.len() <= 1
}

impl Intake {
    fn is_placed(&self, index: u32) -> bool {
        let straight = self.straight.as_ref();
        straight.is_some_and(|straight| straight.has(index))
    }

    /// The missing blocks, each different one once, file after file.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::with_capacity(self.places.len());
        for (index, incoming) in self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.missing.first().is_some())
        {
            let Some(entry) = self.entry(*index) else {
                continue;
            };
            for ((offset, block), number) in entry.blocks_at().zip(0u32..) {
                // A block that belongs to many places is asked for at the first.
                let is_first = || {
                    let places = self.places.get(&block.blake3);
                    places.is_some_and(|places| places.first() == Some(&(*index, offset)))
                };
                if incoming.missing.contains(offset) && (!self.shared || is_first()) {
                    wanted.push(Wanted {
                        file: *index,
                        block: number,
                        offset,
                        len: block.len,
                        blake3: block.blake3,
                    });
                }
            }
        }
        wanted
    }

    fn entry(&self, index: u32) -> Option<&FileEntry> {
        entry_of(&self.manifest, index)
    }

    /// Takes blocks that came: verifies each, writes it to every place that it belongs to, journals it. A block that is not
    /// missing (any more) is ignored. What `taken` says holds even when this fails; what is not on disk is still missing then.
    pub(crate) fn put(
        &mut self,
        blocks: &[(Wanted, impl AsRef<[u8]>)],
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        for (wanted, bytes) in blocks {
            if *blake3::hash(bytes.as_ref()).as_bytes() != *wanted.blake3.bytes() {
                let path = self
                    .entry(wanted.file)
                    .map_or_else(String::new, |entry| entry.path.clone());
                return Err(TransferError::Mismatch {
                    path,
                    offset: wanted.offset,
                });
            }
        }
        let blocks: Vec<(Digest, &[u8])> = blocks
            .iter()
            .map(|(wanted, bytes)| (wanted.blake3, bytes.as_ref()))
            .collect();
        self.write(&blocks, taken)
    }

    /// Writes verified blocks: per file one sync for the whole batch; for small files one when all are here.
    fn write(
        &mut self,
        blocks: &[(Digest, &[u8])],
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let mut by_file: BTreeMap<u32, Vec<(Claim, &[u8])>> = BTreeMap::new();
        for (digest, bytes) in blocks {
            let Some(places) = self.places.remove(digest) else {
                continue;
            };
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            for (file, offset) in places {
                let claim = Claim {
                    offset,
                    len,
                    blake3: *digest,
                };
                by_file.entry(file).or_default().push((claim, bytes));
            }
            taken.blocks += 1;
        }
        let written = self.write_files(&by_file, taken);
        if written.is_err() {
            for (file, claims) in by_file {
                let missing = self.incoming.get(&file).map(|incoming| &incoming.missing);
                for (claim, _) in claims {
                    if missing.is_some_and(|missing| missing.contains(claim.offset)) {
                        let places = self.places.entry(claim.blake3).or_default();
                        places.push((file, claim.offset));
                    }
                }
            }
        }
        written
    }

    fn write_files(
        &mut self,
        by_file: &BTreeMap<u32, Vec<(Claim, &[u8])>>,
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let manifest = Arc::clone(&self.manifest);
        let mut small = Vec::new();
        for (&index, claims) in by_file {
            let Some(entry) = entry_of(&manifest, index) else {
                continue;
            };
            if is_small(entry) {
                small.extend(claims.first().map(|(_, bytes)| (index, *bytes)));
                continue;
            }
            self.partial(index, entry)?.keep(claims.iter().copied())?;
            taken.bytes += bytes_of(claims);
            let Some(incoming) = self.incoming.get_mut(&index) else {
                continue;
            };
            for (claim, _) in claims {
                incoming.missing.remove(claim.offset);
            }
            match incoming.missing.first() {
                None => self.complete(index, taken),
                Some(gap) if gap >= incoming.hashed + HASHED_AT_ONCE => {
                    incoming.hashed = gap.min(incoming.hashed + MOST_HASHED_AT_ONCE);
                    taken.hashing.push(HashJob {
                        hashing: incoming.hashing.get_or_insert_default().clone(),
                        data: self.store.partial(entry.blake3),
                        to: incoming.hashed,
                    });
                }
                Some(_) => {}
            }
        }
        self.keep_small(&small, taken)?;
        taken.bytes += small
            .iter()
            .map(|(_, bytes)| bytes.len() as u64)
            .sum::<u64>();
        Ok(())
    }

    /// Small files are home with their bytes.
    fn keep_small(
        &mut self,
        files: &[(u32, &[u8])],
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let (mut named, mut states) = (Vec::with_capacity(files.len()), Vec::new());
        for (index, bytes) in files {
            let Some(entry) = self.entry(*index) else {
                continue;
            };
            // Of one block the hash was looked at when it came.
            let blake3 = match entry.blocks.first() {
                Some(block) => block.blake3,
                None => Digest::new(*blake3::hash(bytes).as_bytes()),
            };
            if blake3 != entry.blake3 {
                return Err(TransferError::Inconsistent {
                    path: entry.path.clone(),
                    expected: entry.blake3,
                    found: blake3,
                });
            }
            named.push((blake3, *bytes));
            let in_store = self.straight.is_none();
            let sha256 = in_store.then(|| Digest::new(sha2::Sha256::digest(bytes).into()));
            states.push((*index, State::Home(sha256)));
        }
        if named.is_empty() {
            return Ok(());
        }
        match &mut self.straight {
            Some(straight) => {
                for (index, bytes) in files {
                    let twins = self.twins.get(index).into_iter().flatten();
                    for index in std::iter::once(index).chain(twins) {
                        if let Some(entry) = entry_of(&self.manifest, *index) {
                            straight.write(*index, entry, bytes)?;
                        }
                    }
                }
            }
            None => keep_small(&self.store, &named)?,
        }
        taken.small_files += named.len();
        for (index, state) in states {
            if let Some(incoming) = self.incoming.get_mut(&index) {
                incoming.missing = Missing::None;
                incoming.state = state;
            }
        }
        Ok(())
    }

    fn partial(&mut self, index: u32, entry: &FileEntry) -> Result<&mut Partial, TransferError> {
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(&index) {
            self.open.pop_first();
        }
        match self.open.entry(index) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(free) => {
                Ok(free.insert(Partial::open(&self.store, entry.blake3, entry.size)?))
            }
        }
    }

    /// All blocks of a file are at their places; a job is left.
    fn complete(&mut self, index: u32, taken: &mut Taken) {
        let Some(entry) = self.entry(index).cloned() else {
            return;
        };
        self.open.remove(&index);
        if let Some(incoming) = self.incoming.get_mut(&index) {
            incoming.state = State::Whole;
            let job = FinishJob {
                store: self.store.clone(),
                data: self.store.partial(entry.blake3),
                entry,
                hashing: incoming.hashing.clone().unwrap_or_default(),
            };
            taken.jobs.push((index, job));
        }
    }

    /// Notes that a job ended well.
    pub(crate) fn finished(&mut self, index: u32, hashes: Hashes) {
        if let Some(incoming) = self.incoming.get_mut(&index) {
            incoming.state = State::Home(Some(hashes.sha256));
        }
    }

    /// Bytes of different contents that are needed, and of those that were here when this began.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let total = self
            .incoming
            .keys()
            .filter_map(|index| self.entry(*index))
            .map(|entry| entry.size)
            .sum();
        (total, self.reused)
    }

    /// Bytes of different contents that are not here yet.
    pub(crate) fn left(&self) -> u64 {
        let missing = |(index, incoming): (&u32, &Incoming)| -> u64 {
            let blocks = self
                .entry(*index)
                .into_iter()
                .flat_map(FileEntry::blocks_at);
            blocks
                .filter(|(offset, _)| incoming.missing.contains(*offset))
                .map(|(_, block)| u64::from(block.len))
                .sum()
        };
        self.incoming.iter().map(missing).sum()
    }

    /// Whether a file is whole here and verified. Of several with the same content, the first is meant.
    pub(crate) fn is_home(&self, index: u32) -> bool {
        self.incoming
            .get(&index)
            .is_some_and(|incoming| matches!(incoming.state, State::Home(_)))
            || self.is_placed(index)
    }

    /// The tree that small files went into.
    pub(crate) const fn take_straight(&mut self) -> Option<Straight> {
        self.straight.take()
    }

    pub(crate) const fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Once every file is home: the manifest with SHA-256 filled in, noted in the store. All of it is on disk before that. Where
    /// the store keeps nothing, since all of it goes into a tree, that is left to who places the tree.
    pub(crate) fn seal(&self) -> Result<Arc<Manifest>, TransferError> {
        let mut sha256 = HashMap::new();
        for (index, incoming) in &self.incoming {
            let Some(entry) = self.entry(*index) else {
                continue;
            };
            match incoming.state {
                State::Home(digest) => sha256.extend(digest.map(|digest| (entry.blake3, digest))),
                State::Missing | State::Whole => {
                    return Err(TransferError::NotInStore {
                        digest: entry.blake3,
                        store: self.store.dir().to_owned(),
                    });
                }
            };
        }
        if self.straight.is_some() {
            return Ok(Arc::clone(&self.manifest));
        }
        self.store.sync_files()?;
        let mut manifest = Manifest::clone(&self.manifest);
        manifest.set_sha256(|blake3| sha256.get(blake3).copied());
        self.store.keep_manifest(&manifest)?;
        Ok(Arc::new(manifest))
    }
}
