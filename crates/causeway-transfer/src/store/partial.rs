//! A file on its way: its bytes at their places, and a journal of the blocks that are verified and on disk.
//!
//! Journal: `CWJ1`, digest and size of the file; then a record for each block: offset (8 bytes), length (4), BLAKE3 (32), and
//! the first four bytes of the BLAKE3 of those 44. A record is written after the block's bytes were synced, and counts once
//! it is synced itself. Whoever goes on from a journal hashes the blocks that it names all the same: a disk that lied, or
//! somebody who wrote into the file, costs a block and never a wrong one.

use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Digest;

use super::Store;
use crate::durable;
use crate::error::TransferError;
use crate::wire::{Reader, Writer};

const MAGIC: &[u8; 4] = b"CWJ1";
const HEADER: usize = 4 + 32 + 8;
const RECORD: usize = 8 + 4 + 32 + 4;

/// What a journal says about one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) blake3: Digest,
}

/// An open partial file.
#[derive(Debug)]
pub(crate) struct Partial {
    data: std::fs::File,
    journal: std::fs::File,
    path: Utf8PathBuf,
}

fn journal_of(data: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{data}.journal"))
}

impl Partial {
    /// Opens the partial file of `file` (`size` bytes), and makes it when there is none.
    pub(crate) fn open(store: &Store, file: Digest, size: u64) -> Result<Self, TransferError> {
        let directory = store.dir().join("partial");
        let path = store.partial(file);
        let open = || -> std::io::Result<Self> {
            let mut options = std::fs::OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let data = options.open(&path)?;
            if data.metadata()?.len() != size {
                data.set_len(size)?;
            }
            let mut journal = std::fs::OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(journal_of(&path))?;
            let len = journal.metadata()?.len();
            let whole = whole_records(len);
            if len < HEADER as u64 {
                journal.set_len(0)?;
                let mut header = Writer::default();
                header.raw(MAGIC).digest(&file).u64(size);
                journal.write_all(&header.0)?;
            } else if whole != len {
                journal.set_len(whole)?;
            }
            journal.seek(SeekFrom::End(0))?;
            Ok(Self {
                data,
                journal,
                path: path.clone(),
            })
        };
        let partial = open().map_err(TransferError::io(format!("opening `{path}`")))?;
        durable::sync_directory(&directory)?;
        Ok(partial)
    }

    /// Writes blocks at their places and, once they are on disk, their names into the journal; on disk when this returns.
    pub(crate) fn keep<'b>(
        &mut self,
        blocks: impl Iterator<Item = (Claim, &'b [u8])>,
    ) -> Result<(), TransferError> {
        let mut records = Writer::default();
        let write = || -> std::io::Result<()> {
            for (claim, bytes) in blocks {
                self.data.write_all_at(bytes, claim.offset)?;
                let at = records.0.len();
                records
                    .u64(claim.offset)
                    .u32(claim.len)
                    .digest(&claim.blake3);
                let check = blake3::hash(records.0.get(at..).unwrap_or_default());
                records.raw(check.as_bytes().first_chunk::<4>().unwrap_or(&[0; 4]));
            }
            self.data.sync_data()?;
            // One write: two processes that append never mix their records.
            self.journal.write_all(&records.0)?;
            self.journal.sync_data()
        };
        write().map_err(TransferError::io(format!("writing `{}`", self.path)))
    }

    /// Its bytes.
    pub(crate) const fn data(&self) -> &std::fs::File {
        &self.data
    }

    /// Where its bytes lie.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

const fn whole_records(len: u64) -> u64 {
    len - len.saturating_sub(HEADER as u64) % RECORD as u64
}

/// What the journal beside `data` names; nothing when there is none, or none that can be read.
pub(crate) fn claims(data: &Utf8Path) -> Vec<Claim> {
    let Ok(bytes) = fs_err::read(journal_of(data)) else {
        return Vec::new();
    };
    let mut input = Reader(&bytes);
    if input.take(MAGIC.len()) != Ok(MAGIC) || input.take(HEADER - MAGIC.len()).is_err() {
        return Vec::new();
    }
    let mut claims = Vec::new();
    while let Ok(record) = input.take(RECORD) {
        let mut fields = Reader(record);
        let (Ok(offset), Ok(len), Ok(blake3), Ok(check)) =
            (fields.u64(), fields.u32(), fields.digest(), fields.take(4))
        else {
            break;
        };
        if blake3::hash(record.get(..RECORD - 4).unwrap_or_default())
            .as_bytes()
            .starts_with(check)
        {
            claims.push(Claim {
                offset,
                len,
                blake3,
            });
        }
    }
    claims
}

/// The partial files of a store.
pub(crate) fn all(store: &Store) -> Vec<Utf8PathBuf> {
    let Ok(entries) = store.dir().join("partial").read_dir_utf8() else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.into_path()))
        .filter(|path| path.extension().is_none())
        .collect()
}

/// Takes a partial file's journal away once the file is whole (or worthless).
pub(crate) fn forget(store: &Store, file: Digest, data_too: bool) {
    let data = store.partial(file);
    // What stays behind is garbage that nobody believes.
    std::fs::remove_file(journal_of(&data)).ok();
    if data_too {
        std::fs::remove_file(data).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Utf8Path::from_path(dir.path()).unwrap()).unwrap();
        (dir, store)
    }

    fn claim(offset: u64, bytes: &[u8]) -> Claim {
        Claim {
            offset,
            len: u32::try_from(bytes.len()).unwrap(),
            blake3: Digest::new(*blake3::hash(bytes).as_bytes()),
        }
    }

    #[test]
    fn a_journal_torn_anywhere_names_only_whole_records_and_goes_on() {
        let (_keep, store) = store();
        let file = Digest::new([3; 32]);
        let blocks: Vec<Vec<u8>> = (0..4).map(|n| vec![n; 10]).collect();
        let claims_of: Vec<Claim> = blocks
            .iter()
            .zip(0u64..)
            .map(|(block, n)| claim(n * 10, block))
            .collect();
        let mut partial = Partial::open(&store, file, 40).unwrap();
        partial
            .keep(
                claims_of[..3]
                    .iter()
                    .copied()
                    .zip(blocks.iter().map(Vec::as_slice)),
            )
            .unwrap();
        let path = partial.path().to_owned();
        let journal = fs_err::read(journal_of(&path)).unwrap();
        assert_eq!(claims(&path), claims_of[..3]);
        for end in 0..=journal.len() {
            fs_err::write(journal_of(&path), &journal[..end]).unwrap();
            let whole = end.saturating_sub(HEADER) / RECORD;
            assert_eq!(claims(&path), claims_of[..whole]);
            let mut again = Partial::open(&store, file, 40).unwrap();
            again
                .keep(std::iter::once((claims_of[3], blocks[3].as_slice())))
                .unwrap();
            let now = claims(&path);
            assert_eq!(now[..whole], claims_of[..whole]);
            assert_eq!(now[whole..], claims_of[3..]);
        }
    }

    #[test]
    fn a_changed_record_is_not_a_claim() {
        let (_keep, store) = store();
        let mut partial = Partial::open(&store, Digest::new([3; 32]), 10).unwrap();
        partial
            .keep(std::iter::once((claim(0, &[1; 10]), [1; 10].as_slice())))
            .unwrap();
        let path = partial.path().to_owned();
        let mut journal = fs_err::read(journal_of(&path)).unwrap();
        journal[HEADER + 3] ^= 1;
        fs_err::write(journal_of(&path), journal).unwrap();
        assert!(claims(&path).is_empty());
    }
}
