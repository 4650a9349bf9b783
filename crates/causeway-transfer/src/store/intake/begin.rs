//! What of a manifest is here already, wherever it came from.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use causeway_domain::Digest;

use super::super::blocks::Place;
use super::super::partial::{self, Claim};
use super::super::straight::Straight;
use super::super::{Hashes, Store};
use super::{Incoming, Intake, Missing, State, Taken, is_small};
use crate::error::TransferError;
use crate::holes::{Holes, ZeroBlocks, is_zeros, zeros};
use crate::manifest::{Block, FileEntry, Manifest};

/// Blocks copied from other files before they are synced: at most 64 MiB.
const COPIED_AT_ONCE: usize = 16;

impl Intake {
    /// Looks for everything that is here: whole files, blocks of an earlier try, blocks of other files. All of it is hashed
    /// before it counts. `needed` says which entries of the manifest are wanted at all; `progress` is told bytes looked at. Small
    /// files go into the store, or into a tree that becomes their directory; what is in that is not asked for.
    ///
    /// The second value: files whose blocks all turned out to be here.
    pub(crate) fn begin(
        store: &Store,
        manifest: &Arc<Manifest>,
        needed: &dyn Fn(usize) -> bool,
        straight: Option<Straight>,
        progress: &dyn Fn(u64),
    ) -> Result<(Self, Taken), TransferError> {
        let mut intake = Self {
            store: store.clone(),
            manifest: Arc::clone(manifest),
            incoming: BTreeMap::new(),
            places: HashMap::with_capacity(manifest.files().len()),
            shared: false,
            open: BTreeMap::new(),
            reused: 0,
            straight,
            twins: HashMap::new(),
        };
        let mut taken = Taken::default();
        let mut zeros = ZeroBlocks::default();
        let mut seen = HashMap::with_capacity(manifest.files().len());
        let mut small = Vec::new();
        // Of a million files, none of which is here, not each has to be looked for.
        let is_empty = store.is_empty();
        for ((number, entry), index) in manifest.files().iter().enumerate().zip(0u32..) {
            if !needed(number) || intake.is_placed(index) {
                continue;
            }
            let first = *seen.entry(entry.blake3).or_insert(index);
            if first != index {
                if intake.straight.is_some() {
                    intake.twins.entry(first).or_default().push(index);
                }
                continue;
            }
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
                            state: State::Home(Some(sha256)),
                            ..Incoming::missing(Missing::None)
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
        let (mut missing, mut holes) = (Missing::None, Vec::new());
        for (offset, block) in entry.blocks_at() {
            if have.contains(&offset) {
                taken.bytes += u64::from(block.len);
            } else if zero_blocks.knows(&block) {
                taken.bytes += u64::from(block.len);
                holes.push((offset, block));
            } else {
                missing.insert(offset);
                // Of a million files each block belongs to one.
                let places = self.places.entry(block.blake3);
                let places = places.or_insert_with(|| Vec::with_capacity(1));
                self.shared |= !places.is_empty();
                places.push((index, offset));
            }
        }
        let nothing = missing.first().is_none();
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
