//! The log: appending to it and reading from it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Crash, Digest, Env, RunId, Timestamp};

use crate::LogKey;
use crate::durable::{self, Lock};
use crate::entry::{Entry, EntryKey, Record};
use crate::error::LedgerError;
use crate::merkle::{Hash, Tree, leaf_hash};
use crate::note::{CHECKPOINT_LIMIT, Checkpoint, Verifier};
use crate::statement::{ENVELOPE_LIMIT, Envelope, Statement, sha256};
use crate::tile::{self, Level, Tile, WIDTH};

/// Bytes of the largest file below `tile/`: 256 entries of 65,535 bytes.
pub(crate) const TILE_LIMIT: u64 = WIDTH * (2 + 65_535);

/// Where an append may be crashed by a test.
type Fault<'a> = &'a dyn Fn(&'static str) -> Result<(), Crash>;

/// Where an appended statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It was added, with this index.
    New(u64),
    /// The log has held this same statement under this key before, with this index. Nothing was written.
    Already(u64),
}

impl Appended {
    /// The entry's index, from 0.
    #[must_use]
    pub fn index(self) -> u64 {
        match self {
            Self::New(index) | Self::Already(index) => index,
        }
    }
}

/// An append-only Merkle log of signed statements in a folder (`docs/formats/log.md`).
///
/// Several handles, in several threads or processes, may be open on one folder and append: each append takes the log's short
/// lock and first catches up with what the others wrote. Reading shows what this handle has seen; [`Log::refresh`] looks
/// again.
#[derive(Debug)]
pub struct Log {
    dir: Utf8PathBuf,
    key: LogKey,
    verifier: Verifier,
    /// The signed note that covers exactly `records` and `tree`.
    note: String,
    tree: Tree,
    records: Vec<Record>,
    index: BTreeMap<EntryKey, u64>,
}

impl Log {
    /// Opens the log in `dir`, or begins one there. What a crash left behind after the checkpoint does not exist.
    ///
    /// Reads every entry bundle once (some hundred bytes an entry) and compares the root with the checkpoint; signatures of
    /// statements, envelopes and hash tiles are [`verify`](crate::verify)'s matter.
    ///
    /// # Errors
    /// [`LedgerError::NoLocks`] on a filesystem without working locks, [`LedgerError::BadCheckpoint`] when the checkpoint is
    /// not this key's, [`LedgerError::Damaged`] when the entries are not those that it covers.
    pub fn open(dir: &Utf8Path, key: LogKey) -> Result<Self, LedgerError> {
        durable::make_folder(dir)?;
        let lock = Lock::take(dir)?;
        lock.prove(dir)?;
        let verifier = key.verifier();
        let mut log = Self {
            dir: dir.to_owned(),
            key,
            verifier,
            note: String::new(),
            tree: Tree::default(),
            records: Vec::new(),
            index: BTreeMap::new(),
        };
        match log.catch_up() {
            // The empty log is signed before the first entry is written, so entries without a checkpoint are a loss.
            Err(LedgerError::CheckpointMissing { .. })
                if !dir.join("tile").exists() && !dir.join("envelopes").exists() =>
            {
                log.sign_checkpoint()?;
            }
            caught_up => caught_up?,
        }
        Ok(log)
    }

    /// Appends a statement under a key.
    ///
    /// The same key with the same statement is [`Appended::Already`], at any clock. `now` is the entry's instant.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`] when the key holds another statement, [`LedgerError::ClockBehind`] when `now` is before the
    /// last entry, [`LedgerError::BadStatement`] for what cannot be signed, and those of [`Log::refresh`]. After any error
    /// the entry may be appended again: it is never there twice.
    pub fn append(
        &mut self,
        key: &EntryKey,
        statement: &Statement,
        now: Timestamp,
    ) -> Result<Appended, LedgerError> {
        self.append_at(key, statement, now, &|_| Ok(()))
    }

    /// [`Log::append`] with the fault points `ledger.envelope`, `ledger.entries`, `ledger.tiles` and `ledger.checkpoint`, each
    /// reached after the thing that it is named for is on disk.
    ///
    /// # Errors
    /// Those of [`Log::append`], and [`LedgerError::Crashed`].
    pub fn append_with(
        &mut self,
        key: &EntryKey,
        statement: &Statement,
        now: Timestamp,
        env: &dyn Env,
    ) -> Result<Appended, LedgerError> {
        self.append_at(key, statement, now, &|point| env.fault(point))
    }

    fn append_at(
        &mut self,
        key: &EntryKey,
        statement: &Statement,
        now: Timestamp,
        fault: Fault<'_>,
    ) -> Result<Appended, LedgerError> {
        key.check()?;
        let envelope = Envelope::sign(statement, &self.key)?.to_json();
        let record = Record {
            key: key.clone(),
            at: now,
            envelope: sha256(envelope.as_bytes()),
        };

        let _lock = Lock::take(&self.dir)?;
        self.catch_up()?;
        if let Some(&index) = self.index.get(key) {
            self.require_same(index, &record, statement)?;
            return Ok(Appended::Already(index));
        }
        if let Some(last) = self.last_instant().filter(|last| now < *last) {
            return Err(LedgerError::ClockBehind { now, last });
        }

        let index = self.len();
        let leaf = record.leaf();
        self.push(record, leaf)?;
        let written = self.write_last(&envelope, fault);
        if written.is_err() {
            // Whether the checkpoint was reached or not, the next look at the disk will tell.
            self.forget_from(index);
            self.note.clear();
        }
        written.map(|()| Appended::New(index))
    }

    /// The statement under a key is said once: the same one is no news, another one is refused.
    fn require_same(
        &self,
        index: u64,
        offered: &Record,
        statement: &Statement,
    ) -> Result<(), LedgerError> {
        let entry = self.entry(index)?;
        let logged = entry.envelope.statement()?;
        match logged.first_difference(statement) {
            None => Ok(()),
            Some(differ) => Err(LedgerError::Conflict {
                key: offered.key.to_string(),
                index,
                logged: sha256(logged.to_text()?.as_bytes()).short(),
                offered: sha256(statement.to_text()?.as_bytes()).short(),
                differ,
            }),
        }
    }

    /// Puts the last record on disk. Everything is synced before the checkpoint that covers it.
    fn write_last(&mut self, envelope: &str, fault: Fault<'_>) -> Result<(), LedgerError> {
        let size = self.len();
        let Some((last, index)) = self.records.last().zip(size.checked_sub(1)) else {
            return Ok(());
        };
        let path = self.dir.join(envelope_path(&last.envelope));
        durable::write(&path, envelope.as_bytes())?;
        fault("ledger.envelope")?;

        let bundle = Tile {
            level: Level::Entries,
            index: index / WIDTH,
            width: index % WIDTH + 1,
        };
        durable::write(&self.dir.join(bundle.path()), &self.bundle_bytes(&bundle)?)?;
        fault("ledger.entries")?;

        for tile in tile::changed_hash_tiles(size) {
            durable::write(&self.dir.join(tile.path()), &self.hash_bytes(&tile))?;
        }
        fault("ledger.tiles")?;

        self.sign_checkpoint()?;
        fault("ledger.checkpoint")?;

        for full in tile::changed_hash_tiles(size)
            .chain([bundle])
            .filter(|tile| tile.width == WIDTH)
        {
            // Partial tiles may go once the full one is there. One that stays does no harm: it is verified like the others.
            let _ = fs_err::remove_dir_all(self.dir.join(format!("{}.p", full.path())));
        }
        Ok(())
    }

    fn bundle_bytes(&self, tile: &Tile) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = Vec::new();
        let start = usize::try_from(tile.start()).unwrap_or(usize::MAX);
        for record in self.records.iter().skip(start) {
            let text = record.to_text();
            if !tile::push_entry(&mut bytes, text.as_bytes()) {
                return Err(LedgerError::EntryTooLarge {
                    key: record.key.to_string(),
                    bytes: text.len(),
                });
            }
        }
        Ok(bytes)
    }

    fn hash_bytes(&self, tile: &Tile) -> Vec<u8> {
        let row = match tile.level {
            Level::Entries => 0,
            Level::Hashes(level) => 8 * u32::from(level),
        };
        (tile.start()..tile.end())
            .filter_map(|item| self.tree.subtree(row, item))
            .flatten()
            .collect()
    }

    fn sign_checkpoint(&mut self) -> Result<(), LedgerError> {
        let size = self.len();
        let root = self.tree.root(size).unwrap_or_default();
        let note = Checkpoint::new(self.key.origin(), size, root).sign(&self.key);
        durable::write(&self.dir.join("checkpoint"), note.as_bytes())?;
        self.note = note;
        Ok(())
    }

    /// Looks for entries that other handles have appended.
    ///
    /// # Errors
    /// [`LedgerError::RolledBack`] when entries that this handle has seen are gone, [`LedgerError::BadCheckpoint`],
    /// [`LedgerError::CheckpointMissing`] and [`LedgerError::Damaged`].
    pub fn refresh(&mut self) -> Result<(), LedgerError> {
        self.catch_up()
    }

    fn catch_up(&mut self) -> Result<(), LedgerError> {
        let note = read_checkpoint(&self.dir)?.ok_or_else(|| LedgerError::CheckpointMissing {
            dir: self.dir.clone(),
        })?;
        if note == self.note {
            return Ok(());
        }
        let checkpoint = Checkpoint::verify(&note, &self.verifier)?;
        let had = self.len();
        if checkpoint.size < had {
            return Err(LedgerError::RolledBack {
                had,
                has: checkpoint.size,
            });
        }
        let mut loaded = self.load_up_to(checkpoint.size);
        if loaded.is_ok() && self.tree.root(checkpoint.size) != Some(*checkpoint.root.bytes()) {
            loaded = Err(match checkpoint.size {
                size if size == had => LedgerError::RolledBack { had, has: size },
                _ => LedgerError::Damaged {
                    file: "tile/entries".into(),
                    what: "its entries are not those that the checkpoint covers".to_owned(),
                },
            });
        }
        match loaded {
            Ok(()) => self.note = note,
            Err(_) => self.forget_from(had),
        }
        loaded
    }

    fn load_up_to(&mut self, size: u64) -> Result<(), LedgerError> {
        let first = self.len() / WIDTH;
        for tile in (first..size.div_ceil(WIDTH)).map(|index| Tile {
            level: Level::Entries,
            index,
            width: (size - index * WIDTH).min(WIDTH),
        }) {
            let damaged = |file: Utf8PathBuf, what: String| LedgerError::Damaged { file, what };
            let (found, bytes) = read_tile(&self.dir, &tile)?
                .ok_or_else(|| damaged(tile.path(), "the file is missing".to_owned()))?;
            let (entries, problem) = tile::read_bundle(&bytes, found.width);
            if let Some(problem) = problem {
                return Err(damaged(found.path(), problem.to_owned()));
            }
            for (index, bytes) in (tile.start()..tile.end()).zip(entries) {
                if index < self.len() {
                    continue;
                }
                Record::read(bytes)
                    .and_then(|record| {
                        self.push(record, leaf_hash(bytes))
                            .map_err(|error| match error {
                                LedgerError::Damaged { what, .. } => what,
                                error => error.to_string(),
                            })
                    })
                    .map_err(|what| damaged(found.path(), format!("entry {index}: {what}")))?;
            }
        }
        Ok(())
    }

    /// Adds a record in memory, keeping one entry a key and instants in order.
    fn push(&mut self, record: Record, leaf: Hash) -> Result<(), LedgerError> {
        let damaged = |what: String| LedgerError::Damaged {
            file: "tile/entries".into(),
            what,
        };
        if let Some(other) = self.index.get(&record.key) {
            return Err(damaged(format!("its key is that of entry {other} too")));
        }
        if self.last_instant().is_some_and(|last| record.at < last) {
            return Err(damaged(
                "its instant is before the entry ahead of it".to_owned(),
            ));
        }
        self.index.insert(record.key.clone(), self.len());
        self.tree.push(leaf);
        self.records.push(record);
        Ok(())
    }

    fn forget_from(&mut self, len: u64) {
        self.tree.truncate(len);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        for record in self.records.drain(len.min(self.records.len())..) {
            self.index.remove(&record.key);
        }
    }

    /// Number of entries seen.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether no entry was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The last entry's instant. While the clock is before it nothing may be cleared.
    #[must_use]
    pub fn last_instant(&self) -> Option<Timestamp> {
        self.records.last().map(|record| record.at)
    }

    /// The log's public half.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signed checkpoint that covers the entries seen: what to give away, so that later others can tell whether the log
    /// still holds them ([`verify_since`](crate::verify_since)).
    #[must_use]
    pub fn checkpoint_text(&self) -> &str {
        &self.note
    }

    /// The keys seen, in order, with index and instant. Touches no file.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = (u64, &EntryKey, Timestamp)> {
        self.records
            .iter()
            .enumerate()
            .map(|(index, record)| (index as u64, &record.key, record.at))
    }

    /// The index of a key's entry. Touches no file.
    #[must_use]
    pub fn index_of(&self, key: &EntryKey) -> Option<u64> {
        self.index.get(key).copied()
    }

    /// The keys of one run's stages, in order.
    pub fn keys_of_run(&self, run: &RunId) -> impl Iterator<Item = &EntryKey> {
        self.keys()
            .map(|(_, key, _)| key)
            .filter(|key| key.run().as_ref() == Some(run))
    }

    /// The entry of a key; `None` when there is none.
    ///
    /// # Errors
    /// Those of [`Log::entries`].
    pub fn find(&self, key: &EntryKey) -> Result<Option<(u64, Entry)>, LedgerError> {
        self.index_of(key)
            .map(|index| Ok((index, self.entry(index)?)))
            .transpose()
    }

    /// All entries seen, in order, with their indexes. Each envelope is read from its file when asked for, and is the one that
    /// the checkpoint covers.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] for an entry whose envelope is missing or changed; those after it are still given.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Result<(u64, Entry), LedgerError>> {
        (0..self.len()).map(|index| Ok((index, self.entry(index)?)))
    }

    fn entry(&self, index: u64) -> Result<Entry, LedgerError> {
        let (record, json) = self.entry_text(index)?;
        Ok(Entry {
            key: record.key.clone(),
            at: record.at,
            envelope: Envelope::from_json(&json)?,
        })
    }

    /// An entry's record and the text of its envelope, which has the digest that the record names.
    pub(crate) fn entry_text(&self, index: u64) -> Result<(&Record, String), LedgerError> {
        let record = usize::try_from(index)
            .ok()
            .and_then(|index| self.records.get(index))
            .ok_or_else(|| LedgerError::NoEntry {
                what: index.to_string(),
            })?;
        let file = envelope_path(&record.envelope);
        let damaged = |what: &str| LedgerError::Damaged {
            file: file.clone(),
            what: format!("the envelope of entry {index} {what}"),
        };
        let json = durable::read(&self.dir.join(&file), ENVELOPE_LIMIT)?
            .ok_or_else(|| damaged("is missing"))?;
        if sha256(&json) != record.envelope {
            return Err(damaged("was changed"));
        }
        let json = String::from_utf8(json).map_err(|_| damaged("is not UTF-8 text"))?;
        Ok((record, json))
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn key(&self) -> &LogKey {
        &self.key
    }
}

/// Where an envelope stands below the log's folder.
pub(crate) fn envelope_path(digest: &Digest) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("envelopes/{digest}.json"))
}

/// The text of `checkpoint`; `None` when there is no such file.
pub(crate) fn read_checkpoint(dir: &Utf8Path) -> Result<Option<String>, LedgerError> {
    let path = dir.join("checkpoint");
    durable::read(&path, CHECKPOINT_LIMIT)?
        .map(|bytes| {
            String::from_utf8(bytes).map_err(|_| LedgerError::Damaged {
                file: "checkpoint".into(),
                what: "it is not UTF-8 text".to_owned(),
            })
        })
        .transpose()
}

/// A tile's bytes, or those of the full tile at its place, which starts with the same items: a partial one may go as soon as
/// the full one is there.
pub(crate) fn read_tile(
    dir: &Utf8Path,
    tile: &Tile,
) -> Result<Option<(Tile, Vec<u8>)>, LedgerError> {
    for tile in [*tile, tile.full()] {
        if let Some(bytes) = durable::read(&dir.join(tile.path()), TILE_LIMIT)? {
            return Ok(Some((tile, bytes)));
        }
    }
    Ok(None)
}
