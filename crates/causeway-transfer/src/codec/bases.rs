//! Files at home that differences may be taken from: an earlier checkpoint of the same run, as a rule.
//!
//! A difference pays when the site has the same earlier bytes. So home names the block that it would decode against, and the
//! site looks for it; whoever does not find it sends the block as if there were none. Both ends hash a base before they use
//! it, so one that changed costs a block that is sent again, and never a wrong byte.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Digest;
use causeway_weights::{Header, blocks};

use crate::chunks;
use crate::error::TransferError;
use crate::manifest::{FileEntry, Manifest, Shape};
use crate::protocol::message::BaseBlock;
use crate::store::Store;

/// Shorter blocks are not worth the words.
const MIN_LEN: u32 = 16 << 10;
/// So many manifests of the store are looked through for an earlier checkpoint, the newest first.
const LOOKED_AT: usize = 32;

/// For files of a manifest, what is here in their place.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    files: HashMap<String, Arc<BaseFile>>,
}

#[derive(Debug)]
struct BaseFile {
    path: Utf8PathBuf,
    size: u64,
    /// Where its blocks begin, their lengths, and their hashes where known.
    blocks: Vec<(u64, u32, Option<Digest>)>,
    /// It is not what it was.
    spoilt: AtomicBool,
}

/// A block that is here.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) block: BaseBlock,
    len: u32,
    file: Arc<BaseFile>,
}

impl Bases {
    /// Looks for bases of a manifest's files: in the named directories (or files) first, then among what came home before.
    ///
    /// # Errors
    /// [`TransferError::NotFound`] when a named one is not there.
    pub(crate) fn gather(
        store: &Store,
        manifest: &Manifest,
        named: &[Utf8PathBuf],
    ) -> Result<Self, TransferError> {
        let mut bases = Self::default();
        for base in named {
            if !base.exists() {
                return Err(TransferError::NoBase { path: base.clone() });
            }
        }
        for file in manifest.files() {
            if !file.blocks.iter().any(|block| block.len >= MIN_LEN) {
                continue;
            }
            let found = named
                .iter()
                .find_map(|base| in_directory(base, manifest.shape(), file));
            if let Some(found) = found {
                bases.files.insert(file.path.clone(), Arc::new(found));
            }
        }
        if bases.files.is_empty() {
            bases.add_stored(store, manifest);
        }
        Ok(bases)
    }

    /// The newest manifest that has files with the same paths and sizes, and other bytes.
    fn add_stored(&mut self, store: &Store, manifest: &Manifest) {
        for earlier in store.newest(LOOKED_AT) {
            let Ok(earlier) = store.manifest(earlier) else {
                continue;
            };
            for file in manifest.files() {
                let alike = earlier
                    .file(&file.path)
                    .filter(|before| before.size == file.size && before.blake3 != file.blake3);
                if let Some(before) = alike
                    && before.blocks.iter().any(|block| block.len >= MIN_LEN)
                {
                    let blocks = before
                        .blocks_at()
                        .map(|(offset, block)| (offset, block.len, Some(block.blake3)))
                        .collect();
                    let found = BaseFile {
                        path: store.path_of(before.blake3),
                        size: before.size,
                        blocks,
                        spoilt: AtomicBool::new(false),
                    };
                    self.files.insert(file.path.clone(), Arc::new(found));
                }
            }
            if !self.files.is_empty() {
                return;
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What is here in place of a file's block: the one with the same number where both are cut alike, else the one that
    /// begins at the same place; where content decides about cuts, the bytes at the same place.
    pub(crate) fn of(&self, file: &FileEntry, number: u32, offset: u64) -> Option<Base> {
        let base = self.files.get(&file.path)?;
        let number = usize::try_from(number).ok()?;
        let wanted = file.blocks.get(number)?;
        if wanted.len < MIN_LEN || base.spoilt.load(Ordering::Relaxed) {
            return None;
        }
        let same_number = (base.blocks.len() == file.blocks.len())
            .then(|| base.blocks.get(number))
            .flatten();
        let same_place = || {
            let at = base
                .blocks
                .binary_search_by_key(&offset, |(begin, ..)| *begin)
                .ok()?;
            base.blocks.get(at)
        };
        let cut_alike = same_number
            .filter(|(_, len, _)| *len == wanted.len)
            .or_else(|| same_place().filter(|(_, len, _)| *len == wanted.len));
        let is_opaque = base.size >= chunks::MIN_LENGTH && !file.path.ends_with(".safetensors");
        let end = offset.checked_add(u64::from(wanted.len))?;
        let (begin, len, known) = match cut_alike {
            Some(block) => *block,
            None if is_opaque && base.size == file.size && end <= base.size => {
                (offset, wanted.len, None)
            }
            None => return None,
        };
        let blake3 = match known {
            Some(known) => known,
            None => Digest::new(*blake3::hash(&base.read(begin, len)?).as_bytes()),
        };
        Some(Base {
            block: BaseBlock {
                blake3,
                offset: begin,
                size: base.size,
            },
            len,
            file: Arc::clone(base),
        })
    }
}

/// The file of a directory that stands for `file`: the one with its path; for a single file whatever was named.
fn in_directory(base: &Utf8Path, shape: Shape, file: &FileEntry) -> Option<BaseFile> {
    let path = match (shape, base.is_dir()) {
        (Shape::File, false) => base.to_owned(),
        (_, true) => base.join(&file.path),
        (Shape::Directory, false) => return None,
    };
    let size = fs_err::metadata(&path)
        .ok()
        .filter(std::fs::Metadata::is_file)?
        .len();
    let header = path
        .extension()
        .filter(|extension| *extension == "safetensors")
        .and_then(|_| Header::open(&path).ok());
    let blocks = blocks(header.as_ref(), size)
        .into_iter()
        .map(|range| {
            let len = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
            (range.start, len, None)
        })
        .collect();
    Some(BaseFile {
        path,
        size,
        blocks,
        spoilt: AtomicBool::new(false),
    })
}

impl BaseFile {
    fn read(&self, offset: u64, len: u32) -> Option<Vec<u8>> {
        let file = fs_err::File::open(&self.path).ok()?;
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        file.file().read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }
}

impl Base {
    /// Its bytes, if they are still those that were named. Otherwise nothing more of its file is named.
    pub(crate) fn read(&self) -> Option<Vec<u8>> {
        let bytes = self.file.read(self.block.offset, self.len);
        let same =
            bytes.filter(|bytes| *blake3::hash(bytes).as_bytes() == *self.block.blake3.bytes());
        if same.is_none() {
            self.file.spoilt.store(true, Ordering::Relaxed);
        }
        same
    }
}
