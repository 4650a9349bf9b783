//! What of a manifest is still missing here, and taking it in block by block.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use causeway_domain::Digest;

use super::blocks::Place;
use super::finish::{FinishJob, keep_small};
use super::hashing::{HashJob, Hashing};
use super::partial::{self, Claim, Partial};
use super::{Hashes, Store, hash_bytes};
use crate::error::TransferError;
use crate::holes::{Holes, ZeroBlocks, is_zeros, zeros};
use crate::manifest::{Block, FileEntry, Manifest};

/// Most partial files that are open at once.
const MAX_OPEN: usize = 48;
/// Blocks copied from other files before they are synced: at most 64 MiB.
const COPIED_AT_ONCE: usize = 16;
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
    /// Open partial files.
    open: BTreeMap<u32, Partial>,
    /// Bytes of different contents that were here already.
    reused: u64,
}

#[derive(Debug)]
struct Incoming {
    /// Where blocks begin that are not here.
    missing: BTreeSet<u64>,
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
    Home(Digest),
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
    fn missing(missing: BTreeSet<u64>) -> Self {
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
    /// Looks for everything that is here: whole files, blocks of an earlier try, blocks of other files. All of it is hashed
    /// before it counts. `needed` says which entries of the manifest are wanted at all; `progress` is told bytes looked at.
    ///
    /// The second value: files whose blocks all turned out to be here.
    pub(crate) fn begin(
        store: &Store,
        manifest: &Arc<Manifest>,
        needed: &dyn Fn(usize) -> bool,
        progress: &dyn Fn(u64),
    ) -> Result<(Self, Taken), TransferError> {
        let mut intake = Self {
            store: store.clone(),
            manifest: Arc::clone(manifest),
            incoming: BTreeMap::new(),
            places: HashMap::new(),
            open: BTreeMap::new(),
            reused: 0,
        };
        let mut taken = Taken::default();
        let (mut seen, mut zeros) = (HashSet::new(), ZeroBlocks::default());
        let mut small = Vec::new();
        // Of a million files, none of which is here, not each has to be looked for.
        let is_empty = store.is_empty();
        for (index, entry) in manifest.files().iter().enumerate() {
            if !needed(index) || !seen.insert(entry.blake3) {
                continue;
            }
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let found =
                intake.look_for(index, entry, is_empty, &mut zeros, progress, &mut taken)?;
            small.extend(found.map(|bytes| (index, bytes)));
        }
        intake.keep_small(&small, &mut taken)?;
        intake.copy_known_blocks(progress, &mut taken)?;
        intake.reused = taken.bytes;
        Ok((intake, taken))
    }

    /// Gives the bytes of a small file of which none has to be asked for.
    fn look_for(
        &mut self,
        index: u32,
        entry: &FileEntry,
        is_empty: bool,
        zero_blocks: &mut ZeroBlocks,
        progress: &dyn Fn(u64),
        taken: &mut Taken,
    ) -> Result<Option<&'static [u8]>, TransferError> {
        if !is_empty && self.store.has(entry.blake3) {
            match self.store.verify(entry.blake3) {
                Ok(Hashes { sha256, .. }) => {
                    self.incoming.insert(
                        index,
                        Incoming {
                            state: State::Home(sha256),
                            ..Incoming::missing(BTreeSet::new())
                        },
                    );
                    taken.bytes += entry.size;
                    progress(entry.size);
                    return Ok(None);
                }
                Err(TransferError::ChangedInStore { .. }) => self.store.set_aside(entry.blake3)?,
                Err(TransferError::NotInStore { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let have = if is_small(entry) {
            HashSet::new()
        } else {
            self.resume(entry, progress)?
        };
        let (mut missing, mut holes) = (BTreeSet::new(), Vec::new());
        for (offset, block) in entry.blocks_at() {
            if have.contains(&offset) {
                taken.bytes += u64::from(block.len);
            } else if zero_blocks.knows(&block) {
                taken.bytes += u64::from(block.len);
                holes.push((offset, block));
            } else {
                missing.insert(offset);
                self.places
                    .entry(block.blake3)
                    .or_default()
                    .push((index, offset));
            }
        }
        let nothing = missing.is_empty();
        self.incoming.insert(index, Incoming::missing(missing));
        if is_small(entry) {
            return Ok(
                nothing.then(|| holes.first().map_or(&[][..], |(_, block)| zeros(block.len)))
            );
        }
        if !holes.is_empty() {
            self.leave_holes(index, entry, &holes)?;
        }
        if nothing {
            self.complete(index, taken);
        }
        Ok(None)
    }

    /// Blocks of zeros are holes of a partial file, made with it. Where an earlier try left something else, they are written.
    fn leave_holes(
        &mut self,
        index: u32,
        entry: &FileEntry,
        blocks: &[(u64, Block)],
    ) -> Result<(), TransferError> {
        let partial = self.partial(index, entry)?;
        let mut taken: Vec<(Claim, &[u8])> = Vec::new();
        let mut holes = Holes::of(partial.data(), entry.size);
        for (offset, block) in blocks {
            let range = *offset..offset.saturating_add(u64::from(block.len));
            let mut look = || -> std::io::Result<bool> {
                if holes.cover(&range)? {
                    return Ok(true);
                }
                let mut bytes = vec![0; usize::try_from(block.len).unwrap_or_default()];
                partial.data().read_exact_at(&mut bytes, *offset)?;
                Ok(is_zeros(&bytes))
            };
            if !look().map_err(TransferError::io("reading what an earlier try left"))? {
                let claim = Claim {
                    offset: *offset,
                    len: block.len,
                    blake3: block.blake3,
                };
                taken.push((claim, zeros(block.len)));
            }
        }
        if !taken.is_empty() {
            self.partial(index, entry)?.keep(taken.into_iter())?;
        }
        Ok(())
    }

    /// Which blocks of an earlier try are really at their places.
    fn resume(
        &self,
        entry: &FileEntry,
        progress: &dyn Fn(u64),
    ) -> Result<HashSet<u64>, TransferError> {
        let path = self.store.partial(entry.blake3);
        let claimed: HashSet<(u64, Digest)> = partial::claims(&path)
            .into_iter()
            .map(|claim| (claim.offset, claim.blake3))
            .collect();
        let mut have = HashSet::new();
        if claimed.is_empty() {
            return Ok(have);
        }
        let mut file = match fs_err::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(have),
            Err(error) => return Err(TransferError::io("reading what an earlier try left")(error)),
        };
        for (offset, block) in entry.blocks_at() {
            if claimed.contains(&(offset, block.blake3))
                && read_block(&mut file, offset, block.len, &block.blake3).is_some()
            {
                have.insert(offset);
                progress(u64::from(block.len));
            }
        }
        Ok(have)
    }

    /// Copies blocks that lie in other files here.
    fn copy_known_blocks(
        &mut self,
        progress: &dyn Fn(u64),
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let mut known = self.store.find(&self.places)?;
        for path in partial::all(&self.store) {
            for claim in partial::claims(&path)
                .into_iter()
                .filter(|claim| self.places.contains_key(&claim.blake3))
            {
                known.entry(claim.blake3).or_default().push(Place {
                    path: path.clone(),
                    offset: claim.offset,
                    len: claim.len,
                });
            }
        }
        if known.is_empty() {
            return Ok(());
        }
        let mut batch: Vec<(Digest, Vec<u8>)> = Vec::new();
        for wanted in self.wanted() {
            let places = known.remove(&wanted.blake3).unwrap_or_default();
            let bytes = places
                .iter()
                .filter(|place| place.len == wanted.len)
                .find_map(|place| {
                    let mut file = fs_err::File::open(&place.path).ok()?;
                    read_block(&mut file, place.offset, place.len, &wanted.blake3)
                });
            if let Some(bytes) = bytes {
                batch.push((wanted.blake3, bytes));
                progress(u64::from(wanted.len));
            }
            if batch.len() >= COPIED_AT_ONCE {
                self.write_copied(&mut batch, taken)?;
            }
        }
        self.write_copied(&mut batch, taken)
    }

    fn write_copied(
        &mut self,
        batch: &mut Vec<(Digest, Vec<u8>)>,
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let blocks: Vec<(Digest, &[u8])> = batch
            .iter()
            .map(|(digest, bytes)| (*digest, bytes.as_slice()))
            .collect();
        self.write(&blocks, taken)?;
        batch.clear();
        Ok(())
    }

    /// The missing blocks, each different one once, file after file.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let mut wanted = Vec::with_capacity(self.places.len());
        for (index, _) in self
            .incoming
            .iter()
            .filter(|(_, incoming)| !incoming.missing.is_empty())
        {
            let Some(entry) = self.entry(*index) else {
                continue;
            };
            for ((offset, block), number) in entry.blocks_at().zip(0u32..) {
                // A block that belongs to many places is asked for at the first.
                if self
                    .places
                    .get(&block.blake3)
                    .is_some_and(|places| places.first() == Some(&(*index, offset)))
                {
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
                    if missing.is_some_and(|missing| missing.contains(&claim.offset)) {
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
                incoming.missing.remove(&claim.offset);
            }
            match incoming.missing.first() {
                None => self.complete(index, taken),
                Some(&gap) if gap >= incoming.hashed + HASHED_AT_ONCE => {
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
            let Hashes { blake3, sha256 } = hash_bytes(bytes);
            if blake3 != entry.blake3 {
                return Err(TransferError::Inconsistent {
                    path: entry.path.clone(),
                    expected: entry.blake3,
                    found: blake3,
                });
            }
            named.push((blake3, *bytes));
            states.push((*index, State::Home(sha256)));
        }
        if named.is_empty() {
            return Ok(());
        }
        keep_small(&self.store, &named)?;
        taken.small_files += named.len();
        for (index, state) in states {
            if let Some(incoming) = self.incoming.get_mut(&index) {
                incoming.missing.clear();
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
            incoming.state = State::Home(hashes.sha256);
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
                .filter(|(offset, _)| incoming.missing.contains(offset))
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
    }

    pub(crate) const fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Once every file is home: the manifest with SHA-256 filled in, noted in the store. All of it is on disk before that.
    pub(crate) fn seal(&self) -> Result<Manifest, TransferError> {
        let mut sha256 = HashMap::new();
        for (index, incoming) in &self.incoming {
            let Some(entry) = self.entry(*index) else {
                continue;
            };
            match incoming.state {
                State::Home(digest) => sha256.insert(entry.blake3, digest),
                State::Missing | State::Whole => {
                    return Err(TransferError::NotInStore {
                        digest: entry.blake3,
                        store: self.store.dir().to_owned(),
                    });
                }
            };
        }
        self.store.sync_files()?;
        let mut manifest = Manifest::clone(&self.manifest);
        manifest.set_sha256(|blake3| sha256.get(blake3).copied());
        self.store.keep_manifest(&manifest)?;
        Ok(manifest)
    }
}

/// The bytes at a place, if they are the ones.
fn read_block(
    file: &mut fs_err::File,
    offset: u64,
    len: u32,
    expected: &Digest,
) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    file.read_exact(&mut bytes).ok()?;
    (*blake3::hash(&bytes).as_bytes() == *expected.bytes()).then_some(bytes)
}
