//! Verifying a log's folder: every byte that the checkpoint covers, by the file that holds it.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Digest, Timestamp};

use crate::durable;
use crate::entry::{EntryKey, Record};
use crate::error::LedgerError;
use crate::log::{TILE_LIMIT, envelope_path, read_checkpoint, read_tile};
use crate::merkle::{Hash, Tree, leaf_hash};
use crate::note::{Checkpoint, Verifier};
use crate::report::{Finding, Report};
use crate::statement::{ENVELOPE_LIMIT, Envelope, sha256};
use crate::tile::{self, Level, Tile, WIDTH};

/// Levels that 64-bit sizes can fill.
const LEVELS: u8 = 8;

/// Verifies the log in `dir`: the checkpoint's signature, every entry bundle and hash tile against its root, every envelope's
/// digest and signature, one entry a key, instants in order. Does not stop at the first problem. Writes nothing and takes
/// no lock, so it works on a copy, and beside appends.
///
/// # Errors
/// [`LedgerError::NotALog`] when the folder holds none, [`LedgerError::Io`] when it cannot be listed. Whatever is wrong
/// with the log itself is in the report.
pub fn verify(dir: &Utf8Path, verifier: &Verifier) -> Result<Report, LedgerError> {
    examine(dir, verifier, None)
}

/// [`verify`], and that the log still begins with the entries of an `earlier` checkpoint: nothing was taken back since.
///
/// # Errors
/// Those of [`verify`], and [`LedgerError::BadCheckpoint`] when `earlier` is not this verifier's.
pub fn verify_since(
    dir: &Utf8Path,
    verifier: &Verifier,
    earlier: &str,
) -> Result<Report, LedgerError> {
    let earlier = Checkpoint::verify(earlier, verifier)?;
    examine(dir, verifier, Some(&earlier))
}

fn examine(
    dir: &Utf8Path,
    verifier: &Verifier,
    earlier: Option<&Checkpoint>,
) -> Result<Report, LedgerError> {
    // The checkpoint first: what it covers is on disk before it, so a log that grows meanwhile is still verified whole.
    let note = read_checkpoint(dir);
    let mut files = BTreeSet::new();
    list(dir, Utf8Path::new(""), &mut files)?;
    let tiles: BTreeSet<Tile> = files.iter().filter_map(|file| Tile::parse(file)).collect();
    if matches!(note, Ok(None)) && tiles.is_empty() {
        return Err(LedgerError::NotALog {
            dir: dir.to_owned(),
        });
    }
    let mut examiner = Examiner {
        dir,
        files,
        tiles,
        problems: Vec::new(),
        uncovered: Vec::new(),
    };

    let signed = examiner.checkpoint(note, verifier);
    let size = examiner.size(signed.as_ref());
    let chunks = examiner.chunks(size);
    let reference = examiner.reference(&chunks, size, signed.as_ref());
    examiner.tiles(&reference, size);
    let entries = examiner.entries(&chunks, &reference, verifier);
    if let Some(earlier) = earlier {
        let size = signed.as_ref().map_or(size, |signed| signed.size);
        examiner.since(earlier, &reference, size);
    }

    let Examiner {
        mut problems,
        uncovered,
        ..
    } = examiner;
    problems.sort();
    problems.dedup();
    Ok(Report {
        origin: verifier.name().to_owned(),
        size: signed.as_ref().map_or(size, |signed| signed.size),
        root: signed.map(|signed| signed.root),
        entries,
        problems,
        uncovered,
    })
}

/// Every file below a folder, by its path relative to `dir`.
fn list(
    dir: &Utf8Path,
    below: &Utf8Path,
    files: &mut BTreeSet<Utf8PathBuf>,
) -> Result<(), LedgerError> {
    let folder = dir.join(below);
    let entries = match fs_err::read_dir(&folder) {
        Ok(entries) => entries,
        // A folder of partial tiles may go while it is looked at.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && below != "" => return Ok(()),
        Err(error) => return Err(LedgerError::io("listing", &folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(LedgerError::io("listing", &folder))?;
        let path = below.join(&*entry.file_name().to_string_lossy());
        let kind = entry
            .file_type()
            .map_err(LedgerError::io("listing", &folder))?;
        if kind.is_dir() {
            list(dir, &path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// Up to 256 entries, as the bundle and as the tile of leaf hashes have them. They stand for each other: where one is
/// damaged, the other tells.
struct Chunk {
    bundle: Tile,
    hashes: Tile,
    entries: Vec<Vec<u8>>,
    width: u64,
    by_bundle: Vec<Hash>,
    by_tile: Vec<Hash>,
}

impl Chunk {
    /// Each entry's hash from the bundle or, where it cannot be read, from the tile.
    fn bundle_first(&self) -> Vec<Hash> {
        let rest = self.by_tile.iter().skip(self.by_bundle.len());
        self.by_bundle.iter().chain(rest).copied().collect()
    }

    /// The other way round.
    fn tile_first(&self) -> Vec<Hash> {
        let rest = self.by_bundle.iter().skip(self.by_tile.len());
        self.by_tile.iter().chain(rest).copied().collect()
    }
}

/// One guess at a chunk's leaves; the chunk's number comes first.
type Candidate<'a> = &'a dyn Fn(usize, &Chunk) -> Vec<Hash>;

/// The hashes that files are compared with.
struct Reference {
    tree: Tree,
    /// Whether the signed root is this tree's: then what differs from it is wrong, and nothing else.
    proved: bool,
}

impl Reference {
    fn leaf(&self, index: u64) -> Option<Hash> {
        self.tree.subtree(0, index)
    }
}

struct Examiner<'a> {
    dir: &'a Utf8Path,
    files: BTreeSet<Utf8PathBuf>,
    tiles: BTreeSet<Tile>,
    problems: Vec<Finding>,
    uncovered: Vec<Utf8PathBuf>,
}

impl Examiner<'_> {
    fn found(
        &mut self,
        file: impl Into<Utf8PathBuf>,
        entry: impl Into<Option<u64>>,
        what: impl Into<String>,
    ) {
        self.problems.push(Finding::new(file, entry, what));
    }

    fn checkpoint(
        &mut self,
        note: Result<Option<String>, LedgerError>,
        verifier: &Verifier,
    ) -> Option<Checkpoint> {
        let verified = match note {
            Ok(Some(note)) => Checkpoint::verify(&note, verifier),
            Ok(None) => {
                self.found("checkpoint", None, "the file is missing");
                return None;
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(checkpoint) => Some(checkpoint),
            Err(LedgerError::BadCheckpoint { why, .. }) => {
                self.found("checkpoint", None, why);
                None
            }
            Err(error) => {
                self.found("checkpoint", None, with_source(&error));
                None
            }
        }
    }

    /// How many entries to look at: never more than the files on disk could hold, whatever the checkpoint says.
    fn size(&mut self, signed: Option<&Checkpoint>) -> u64 {
        let reach = |level| {
            let of_level = self.tiles.iter().filter(|tile| tile.level == level);
            of_level.map(Tile::end).max().unwrap_or(0)
        };
        let (bundles, hashes) = (reach(Level::Entries), reach(Level::Hashes(0)));
        let Some(signed) = signed else {
            return bundles.min(hashes);
        };
        let on_disk = bundles.max(hashes);
        if signed.size > on_disk {
            let first = tile::tiles(Level::Entries, signed.size)
                .nth(usize::try_from(on_disk / WIDTH).unwrap_or(usize::MAX))
                .map_or_else(|| "tile/entries".into(), |tile| tile.path());
            let what = format!(
                "the entries {on_disk} to {} are missing",
                signed.size.saturating_sub(1)
            );
            self.found(first, on_disk, what);
        }
        signed.size.min(on_disk)
    }

    fn chunks(&mut self, size: u64) -> Vec<Chunk> {
        tile::tiles(Level::Entries, size)
            .map(|bundle| {
                let hashes = Tile {
                    level: Level::Hashes(0),
                    ..bundle
                };
                // What cannot be read is found again, and named, when every file is looked at.
                let read = |tile| read_tile(self.dir, tile).ok().flatten();
                let width = bundle.width;
                let entries: Vec<Vec<u8>> = read(&bundle)
                    .map(|(found, bytes)| {
                        let (entries, _) = tile::read_bundle(&bytes, found.width);
                        entries.into_iter().map(<[u8]>::to_vec).collect()
                    })
                    .unwrap_or_default();
                let wide = usize::try_from(width).unwrap_or(usize::MAX);
                let by_tile = read(&hashes)
                    .map(|(_, bytes)| split_hashes(&bytes))
                    .unwrap_or_default();
                Chunk {
                    by_bundle: entries
                        .iter()
                        .take(wide)
                        .map(|entry| leaf_hash(entry))
                        .collect(),
                    by_tile: by_tile.into_iter().take(wide).collect(),
                    bundle,
                    hashes,
                    entries,
                    width,
                }
            })
            .collect()
    }

    /// Finds the leaves whose root is signed. Bundle and tile may each be damaged in different places; a full tile's own root
    /// stands in the level above and says which of the two is right.
    fn reference(&mut self, chunks: &[Chunk], size: u64, signed: Option<&Checkpoint>) -> Reference {
        let arbiters: Vec<Option<Hash>> = tile::tiles(Level::Hashes(1), size)
            .flat_map(|tile| {
                let read = read_tile(self.dir, &tile).ok().flatten();
                let hashes = read.map_or_else(Vec::new, |(_, bytes)| split_hashes(&bytes));
                (0..usize::try_from(tile.width).unwrap_or(0))
                    .map(move |place| hashes.get(place).copied())
            })
            .collect();
        let arbitrate = |place: usize, chunk: &Chunk| {
            let arbiter = arbiters.get(place).copied().flatten();
            [chunk.bundle_first(), chunk.tile_first()]
                .into_iter()
                .find(|leaves| arbiter.is_some() && grow(leaves).root(WIDTH) == arbiter)
        };
        let candidates: [Candidate<'_>; 4] = [
            &|_, chunk| chunk.bundle_first(),
            &|_, chunk| chunk.tile_first(),
            &|place, chunk| arbitrate(place, chunk).unwrap_or_else(|| chunk.bundle_first()),
            &|place, chunk| arbitrate(place, chunk).unwrap_or_else(|| chunk.tile_first()),
        ];
        if let Some(signed) = signed.filter(|signed| signed.size == size) {
            for candidate in candidates {
                let mut tree = Tree::default();
                for (place, chunk) in chunks.iter().enumerate() {
                    candidate(place, chunk)
                        .into_iter()
                        .for_each(|leaf| tree.push(leaf));
                }
                if tree.len() == size && tree.root(size) == Some(*signed.root.bytes()) {
                    return Reference { tree, proved: true };
                }
            }
            self.found(
                "checkpoint",
                None,
                "no entries here have the root that it signs",
            );
        }

        // Nothing proves either side, so both are named where they differ, and what they agree on from the start is
        // compared with the rest.
        let mut tree = Tree::default();
        for chunk in chunks {
            let pairs = chunk.by_bundle.iter().zip(&chunk.by_tile);
            for (entry, (bundle, tile)) in (chunk.bundle.start()..).zip(pairs) {
                if bundle != tile {
                    let what = "the entry and its hash in the tile do not agree";
                    self.found(chunk.bundle.path(), entry, what);
                    self.found(chunk.hashes.path(), entry, what);
                } else if tree.len() == entry {
                    tree.push(*bundle);
                }
            }
        }
        Reference {
            tree,
            proved: false,
        }
    }

    /// Compares every file below `tile/`, and names those that should be there and are not.
    fn tiles(&mut self, reference: &Reference, size: u64) {
        for level in std::iter::once(Level::Entries).chain((0..LEVELS).map(Level::Hashes)) {
            for tile in tile::tiles(level, size) {
                if !self.tiles.contains(&tile) && !self.tiles.contains(&tile.full()) {
                    self.found(tile.path(), tile.first_entry(0), "the file is missing");
                }
            }
        }
        let tiles = std::mem::take(&mut self.tiles);
        for tile in &tiles {
            let path = tile.path();
            self.files.remove(&path);
            let covered = tile.level.items(size).saturating_sub(tile.start());
            if tile.width > covered {
                self.uncovered.push(path.clone());
                // A full tile that was made after the checkpoint was read may stand for the partial one.
                let partial = Tile {
                    width: covered,
                    ..*tile
                };
                if tile.width < WIDTH || covered == 0 || tiles.contains(&partial) {
                    continue;
                }
            }
            let bytes = match durable::read(&self.dir.join(&path), TILE_LIMIT) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => {
                    self.found(path, None, with_source(&error));
                    continue;
                }
            };
            match tile.level {
                Level::Entries => self.bundle(tile, &bytes, reference),
                Level::Hashes(level) => self.hashes(tile, level, &bytes, reference),
            }
        }
    }

    fn bundle(&mut self, tile: &Tile, bytes: &[u8], reference: &Reference) {
        let (entries, problem) = tile::read_bundle(bytes, tile.width);
        if let Some(problem) = problem {
            let entry = tile.start() + (entries.len() as u64).min(tile.width - 1);
            self.found(tile.path(), entry, problem);
        }
        for (entry, bytes) in (tile.start()..).zip(entries) {
            if reference
                .leaf(entry)
                .is_some_and(|leaf| leaf != leaf_hash(bytes))
            {
                self.found(tile.path(), entry, "the entry was changed");
            }
        }
    }

    fn hashes(&mut self, tile: &Tile, level: u8, bytes: &[u8], reference: &Reference) {
        if bytes.len() as u64 != 32 * tile.width {
            let what = format!(
                "it has {} bytes and should have {}",
                bytes.len(),
                32 * tile.width
            );
            self.found(tile.path(), None, what);
        }
        for (place, hash) in (0..tile.width).zip(split_hashes(bytes)) {
            let right = reference
                .tree
                .subtree(8 * u32::from(level), tile.start() + place);
            if right.is_some_and(|right| right != hash) {
                let what = format!("hash {place} was changed");
                self.found(tile.path(), tile.first_entry(place), what);
            }
        }
    }

    /// Reads every entry that is as signed, and its envelope. Returns how many are whole.
    fn entries(&mut self, chunks: &[Chunk], reference: &Reference, verifier: &Verifier) -> u64 {
        let mut keys: BTreeMap<EntryKey, u64> = BTreeMap::new();
        let mut last: Option<Timestamp> = None;
        let mut whole = 0;
        let mut named = BTreeSet::new();
        for chunk in chunks {
            let places = (chunk.bundle.start()..chunk.bundle.start() + chunk.width)
                .zip(&chunk.entries)
                .zip(&chunk.by_bundle);
            for ((entry, bytes), leaf) in places {
                if reference.proved && reference.leaf(entry) != Some(*leaf) {
                    continue;
                }
                let before = self.problems.len();
                let file = chunk.bundle.path();
                let record = match Record::read(bytes) {
                    Ok(record) => record,
                    Err(why) => {
                        self.found(file, entry, format!("the entry cannot be read: {why}"));
                        continue;
                    }
                };
                if let Some(other) = keys.insert(record.key.clone(), entry) {
                    let what = format!("its key `{}` is that of entry {other} too", record.key);
                    self.found(file.clone(), entry, what);
                }
                if last.is_some_and(|last| record.at < last) {
                    self.found(file, entry, "its instant is before the entry ahead of it");
                }
                last = last.max(Some(record.at));
                self.envelope(&record.envelope, entry, verifier);
                named.insert(envelope_path(&record.envelope));
                if self.problems.len() == before && reference.proved {
                    whole += 1;
                }
            }
        }
        self.others(&named);
        whole
    }

    fn envelope(&mut self, digest: &Digest, entry: u64, verifier: &Verifier) {
        let file = envelope_path(digest);
        let json = match durable::read(&self.dir.join(&file), ENVELOPE_LIMIT) {
            Ok(Some(json)) => json,
            Ok(None) => return self.found(file, entry, "the file is missing"),
            Err(error) => return self.found(file, entry, with_source(&error)),
        };
        if sha256(&json) != *digest {
            return self.found(file, entry, "it was changed: its digest is not its name");
        }
        let verified = std::str::from_utf8(&json)
            .map_err(|_| "it is not UTF-8 text".to_owned())
            .and_then(|json| {
                let envelope = Envelope::from_json(json).map_err(|error| error.to_string())?;
                envelope.verify(verifier).map_err(|error| error.to_string())
            });
        if let Err(why) = verified {
            self.found(file, entry, why);
        }
    }

    /// Files that no entry names.
    fn others(&mut self, named: &BTreeSet<Utf8PathBuf>) {
        for file in std::mem::take(&mut self.files) {
            if file == "checkpoint" || file == "lock" || named.contains(&file) {
                continue;
            }
            let digest = file
                .as_str()
                .strip_prefix("envelopes/")
                .and_then(|name| name.strip_suffix(".json"))
                .and_then(|name| name.parse::<Digest>().ok());
            match digest
                .map(|digest| (digest, durable::read(&self.dir.join(&file), ENVELOPE_LIMIT)))
            {
                Some((digest, Ok(Some(json)))) if sha256(&json) != digest => {
                    self.found(file, None, "it was changed: its digest is not its name");
                }
                Some((_, Err(error))) => self.found(file, None, with_source(&error)),
                _ => self.uncovered.push(file),
            }
        }
    }

    fn since(&mut self, earlier: &Checkpoint, reference: &Reference, size: u64) {
        let root = reference.tree.root(earlier.size);
        // Where damage hides the entries, the damage is named and this question stays open.
        let known = root.is_some() || size < earlier.size;
        if known && root != Some(*earlier.root.bytes()) {
            let what = format!(
                "the log does not begin with the {} entries that an earlier checkpoint covers",
                earlier.size
            );
            self.found("checkpoint", None, what);
        }
    }
}

fn split_hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, _) = bytes.as_chunks::<32>();
    hashes.to_vec()
}

fn grow(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree
}

/// The error and what the system said: a finding is one line.
fn with_source(error: &LedgerError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
