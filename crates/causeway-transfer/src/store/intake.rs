//! What of a manifest is still missing here, and taking it in block by block.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use causeway_domain::Digest;

use super::blocks::Place;
use super::finish::{FinishJob, keep_small};
use super::hashing::{HashJob, Hashing};
use super::partial::{self, Claim, Partial};
use super::{Hashes, Store, hash_all};
use crate::durable;
use crate::error::TransferError;
use crate::manifest::{FileEntry, Manifest};

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
    hashing: Hashing,
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
            hashing: Hashing::default(),
            hashed: 0,
        }
    }
}

fn entry_of(manifest: &Manifest, index: u32) -> Option<&FileEntry> {
    manifest.files().get(usize::try_from(index).ok()?)
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
        let mut seen = HashSet::new();
        for (index, entry) in manifest.files().iter().enumerate() {
            if !needed(index) || !seen.insert(entry.blake3) {
                continue;
            }
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            intake.look_for(index, entry, progress, &mut taken)?;
        }
        intake.copy_known_blocks(progress, &mut taken)?;
        if taken.small_files > 0 {
            durable::sync_directory(&store.files())?;
        }
        intake.reused = taken.bytes;
        Ok((intake, taken))
    }

    fn look_for(
        &mut self,
        index: u32,
        entry: &FileEntry,
        progress: &dyn Fn(u64),
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        if self.store.has(entry.blake3) {
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
                    return Ok(());
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
        let mut missing = BTreeSet::new();
        for (offset, block) in entry.blocks_at() {
            if have.contains(&offset) {
                taken.bytes += u64::from(block.len);
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
        if nothing {
            self.complete(index, &[], taken)?;
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
    /// missing (any more) is ignored.
    pub(crate) fn put(&mut self, blocks: &[(Wanted, Vec<u8>)]) -> Result<Taken, TransferError> {
        for (wanted, bytes) in blocks {
            if *blake3::hash(bytes).as_bytes() != *wanted.blake3.bytes() {
                let path = self
                    .entry(wanted.file)
                    .map_or_else(String::new, |entry| entry.path.clone());
                return Err(TransferError::Mismatch {
                    path,
                    offset: wanted.offset,
                });
            }
        }
        let mut taken = Taken::default();
        let blocks: Vec<(Digest, &[u8])> = blocks
            .iter()
            .map(|(wanted, bytes)| (wanted.blake3, bytes.as_slice()))
            .collect();
        self.write(&blocks, &mut taken)?;
        if taken.small_files > 0 {
            durable::sync_directory(&self.store.files())?;
        }
        Ok(taken)
    }

    /// Writes verified blocks: per file one sync for the whole batch.
    fn write(
        &mut self,
        blocks: &[(Digest, &[u8])],
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let manifest = Arc::clone(&self.manifest);
        let mut by_file: BTreeMap<u32, Vec<(Claim, &[u8])>> = BTreeMap::new();
        for (digest, bytes) in blocks {
            let Some(places) = self.places.remove(digest) else {
                continue;
            };
            taken.blocks += 1;
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            for (file, offset) in places {
                by_file.entry(file).or_default().push((
                    Claim {
                        offset,
                        len,
                        blake3: *digest,
                    },
                    bytes,
                ));
            }
        }
        for (index, claims) in by_file {
            let Some(entry) = entry_of(&manifest, index) else {
                continue;
            };
            taken.bytes += claims
                .iter()
                .map(|(claim, _)| u64::from(claim.len))
                .sum::<u64>();
            let offsets: Vec<u64> = claims.iter().map(|(claim, _)| claim.offset).collect();
            let small = is_small(entry);
            if small {
                self.complete(
                    index,
                    claims.first().map_or(&[], |(_, bytes)| *bytes),
                    taken,
                )?;
            } else {
                self.partial(index, entry)?.keep(claims.into_iter())?;
            }
            if let Some(incoming) = self.incoming.get_mut(&index) {
                for offset in offsets {
                    incoming.missing.remove(&offset);
                }
                match incoming.missing.first() {
                    None if !small => self.complete(index, &[], taken)?,
                    Some(&gap) if gap >= incoming.hashed + HASHED_AT_ONCE => {
                        incoming.hashed = gap.min(incoming.hashed + MOST_HASHED_AT_ONCE);
                        taken.hashing.push(HashJob {
                            hashing: incoming.hashing.clone(),
                            data: self.store.partial(entry.blake3),
                            to: incoming.hashed,
                        });
                    }
                    _ => {}
                }
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

    /// A small file is home with its bytes; a large one needs a job.
    fn complete(
        &mut self,
        index: u32,
        bytes: &[u8],
        taken: &mut Taken,
    ) -> Result<(), TransferError> {
        let Some(entry) = self.entry(index).cloned() else {
            return Ok(());
        };
        let state = if is_small(&entry) {
            let Hashes { blake3, sha256 } =
                hash_all(&mut &*bytes).map_err(TransferError::io("hashing"))?;
            if blake3 != entry.blake3 {
                return Err(TransferError::Inconsistent {
                    path: entry.path,
                    expected: entry.blake3,
                    found: blake3,
                });
            }
            keep_small(&self.store, blake3, bytes)?;
            taken.small_files += 1;
            State::Home(sha256)
        } else {
            self.open.remove(&index);
            let hashing = self.incoming.get(&index).map(|one| one.hashing.clone());
            taken.jobs.push((
                index,
                FinishJob {
                    store: self.store.clone(),
                    data: self.store.partial(entry.blake3),
                    entry,
                    hashing: hashing.unwrap_or_default(),
                },
            ));
            State::Whole
        };
        if let Some(incoming) = self.incoming.get_mut(&index) {
            incoming.state = state;
        }
        Ok(())
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

    /// Whether a file is whole here and verified. Of several with the same content, the first is meant.
    pub(crate) fn is_home(&self, index: u32) -> bool {
        self.incoming
            .get(&index)
            .is_some_and(|incoming| matches!(incoming.state, State::Home(_)))
    }

    pub(crate) const fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Once every file is home: the manifest with SHA-256 filled in, noted in the store.
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
