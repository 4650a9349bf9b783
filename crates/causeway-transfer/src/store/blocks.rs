//! Where blocks of whole files lie, so that a block that came home once is never asked for again.
//!
//! 256 files, chosen by the first byte of a block's digest, of records that are only ever appended: block digest (32 bytes),
//! file digest (32), offset (8), length (4). A lookup reads each file that it needs once and holds only what it looks for.
//! Nothing here is believed: whoever uses a place hashes its bytes first. So records are not synced one by one, and a lost
//! or torn one costs nothing but a block that is sent again.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};

use camino::Utf8PathBuf;
use causeway_domain::Digest;

use super::Store;
use crate::error::TransferError;
use crate::manifest::FileEntry;
use crate::wire::{Reader, Writer};

const RECORD: usize = 32 + 32 + 8 + 4;

/// A place in a file where a block should lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: Utf8PathBuf,
    pub(crate) offset: u64,
    pub(crate) len: u32,
}

impl Store {
    fn shard(&self, byte: u8) -> Utf8PathBuf {
        self.dir().join("blocks").join(format!("{byte:02x}"))
    }

    /// Notes where the blocks of a file lie. A file of one block is found by its own name instead.
    pub(crate) fn index(&self, file: &FileEntry) -> Result<(), TransferError> {
        if file.blocks.len() < 2 {
            return Ok(());
        }
        let mut shards: BTreeMap<u8, Writer> = BTreeMap::new();
        for (offset, block) in file.blocks_at() {
            let shard = shards.entry(block.blake3.bytes()[0]).or_default();
            shard
                .digest(&block.blake3)
                .digest(&file.blake3)
                .u64(offset)
                .u32(block.len);
        }
        for (byte, records) in shards {
            let append = || -> std::io::Result<()> {
                let mut file = fs_err::OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(self.shard(byte))?;
                // A torn record at the end would put all later ones out of step.
                let torn = file.metadata()?.len() % RECORD as u64;
                if torn != 0 {
                    file.write_all(&vec![0; RECORD - usize::try_from(torn).unwrap_or_default()])?;
                }
                file.write_all(&records.0)
            };
            append().map_err(TransferError::io("noting where blocks lie"))?;
        }
        Ok(())
    }

    /// Where blocks with these digests may lie in whole files.
    pub(crate) fn find<V>(
        &self,
        wanted: &HashMap<Digest, V>,
    ) -> Result<HashMap<Digest, Vec<Place>>, TransferError> {
        let mut shards: Vec<u8> = wanted.keys().map(|digest| digest.bytes()[0]).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut found: HashMap<Digest, Vec<Place>> = HashMap::new();
        for byte in shards {
            let file = match fs_err::File::open(self.shard(byte)) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(TransferError::io("reading where blocks lie")(error)),
            };
            let mut reader = std::io::BufReader::with_capacity(RECORD << 10, file);
            let mut record = [0; RECORD];
            while reader.read_exact(&mut record).is_ok() {
                let mut input = Reader(&record);
                let (Ok(block), Ok(file), Ok(offset), Ok(len)) =
                    (input.digest(), input.digest(), input.u64(), input.u32())
                else {
                    break;
                };
                if wanted.contains_key(&block) {
                    found.entry(block).or_default().push(Place {
                        path: self.path_of(file),
                        offset,
                        len,
                    });
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Block;
    use camino::Utf8Path;

    #[test]
    fn a_torn_record_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Utf8Path::from_path(dir.path()).unwrap()).unwrap();
        let block = |tail: u8| {
            let mut bytes = [tail; 32];
            bytes[0] = 7;
            Block {
                len: 10,
                blake3: Digest::new(bytes),
            }
        };
        let file = |name: u8, blocks: Vec<Block>| FileEntry {
            path: "f".to_owned(),
            size: 0,
            executable: false,
            blake3: Digest::new([name; 32]),
            sha256: None,
            blocks,
        };
        store.index(&file(1, vec![block(1), block(2)])).unwrap();
        let shard = store.shard(7);
        let len = fs_err::metadata(&shard).unwrap().len();
        fs_err::OpenOptions::new()
            .write(true)
            .open(&shard)
            .unwrap()
            .set_len(len - 5)
            .unwrap();
        store.index(&file(2, vec![block(3), block(1)])).unwrap();
        let wanted = HashMap::from([
            (block(1).blake3, ()),
            (block(3).blake3, ()),
            (block(9).blake3, ()),
        ]);
        let found = store.find(&wanted).unwrap();
        assert_eq!(found[&block(1).blake3].len(), 2);
        assert_eq!(
            found[&block(3).blake3][0].path,
            store.path_of(Digest::new([2; 32]))
        );
        assert_eq!(found[&block(1).blake3][1].offset, 10);
        assert!(!found.contains_key(&block(9).blake3));
    }
}
