//! The list of files that is moved: what, how long, which bytes.

use std::collections::BTreeSet;

use causeway_domain::Digest;
use causeway_weights::MAX_BLOCK;
use serde::{Deserialize, Serialize};

use crate::error::TransferError;
use crate::path;
use crate::wire::{Malformed, Reader, Writer};

/// The version of the canonical form, and of the JSON form beside it.
pub const MANIFEST_VERSION: u32 = 1;
/// The longest canonical form that is read, in bytes. 256 MiB is a file of 29 TB, or two million small files.
pub const MAX_MANIFEST: u64 = 256 << 20;
const MAGIC: &[u8; 4] = b"CWMF";

/// One block of a file: the next `len` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Bytes, 1 to 4 MiB ([`MAX_BLOCK`]).
    pub len: u32,
    /// BLAKE3 of those bytes.
    pub blake3: Digest,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative, `/` between its parts, no `.` or `..`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// BLAKE3 of the whole file: its name in a store.
    pub blake3: Digest,
    /// SHA-256 of the whole file, computed by the receiver from the bytes it verified; not part of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The blocks, end to end.
    pub blocks: Vec<Block>,
}

impl FileEntry {
    /// The blocks with their offsets.
    pub fn blocks_at(&self) -> impl Iterator<Item = (u64, Block)> {
        self.blocks.iter().scan(0u64, |at, block| {
            let offset = *at;
            *at = at.saturating_add(u64::from(block.len));
            Some((offset, *block))
        })
    }
}

/// What was asked for: a directory, or one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// One file: the manifest has one entry, whose path is the file's name.
    File,
    /// A directory: paths are relative to it.
    Directory,
}

/// A checked list of files, sorted by path. Its [`digest`](Manifest::digest) is its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    shape: Shape,
    files: Vec<FileEntry>,
}

impl Manifest {
    /// Checks and sorts. No two entries may need the same place, blocks must cover their file.
    ///
    /// # Errors
    /// [`TransferError::BadManifest`], [`TransferError::BadPath`].
    pub fn new(shape: Shape, mut files: Vec<FileEntry>) -> Result<Self, TransferError> {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let manifest = Self { shape, files };
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), TransferError> {
        let bad = |why: String| Err(TransferError::BadManifest { why });
        if self.shape == Shape::File && self.files.len() != 1 {
            return bad(format!(
                "it names {} files where one was asked for",
                self.files.len()
            ));
        }
        let mut directories: BTreeSet<&str> = BTreeSet::new();
        let mut before: Option<&str> = None;
        let mut total: u64 = 0;
        for file in &self.files {
            path::check(&file.path)?;
            if self.shape == Shape::File && file.path.contains('/') {
                return bad(format!("`{}` is not a file's name", file.path));
            }
            if before.is_some_and(|before| before >= file.path.as_str()) {
                return bad(format!("`{}` is there twice, or not in order", file.path));
            }
            before = Some(&file.path);
            let mut parent = path::parent(&file.path);
            while !parent.is_empty() && directories.insert(parent) {
                parent = path::parent(parent);
            }
            let mut covered: u64 = 0;
            for block in &file.blocks {
                if block.len == 0 || u64::from(block.len) > MAX_BLOCK {
                    return bad(format!(
                        "a block of `{}` has {} bytes",
                        file.path, block.len
                    ));
                }
                covered = covered.saturating_add(u64::from(block.len));
            }
            if covered != file.size {
                return bad(format!(
                    "the blocks of `{}` have {covered} bytes together, the file {}",
                    file.path, file.size
                ));
            }
            match total.checked_add(file.size) {
                Some(sum) if sum <= i64::MAX.unsigned_abs() => total = sum,
                _ => return bad("its files are longer than any disk".to_owned()),
            }
        }
        if let Some(both) = self
            .files
            .iter()
            .find(|file| directories.contains(file.path.as_str()))
        {
            return bad(format!("`{}` is both a file and a directory", both.path));
        }
        Ok(())
    }

    /// The version of the form that [`Manifest::encode`] writes.
    #[must_use]
    pub const fn version(&self) -> u32 {
        MANIFEST_VERSION
    }

    /// A directory or one file.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The files, sorted by path (by bytes).
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The entry with this path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileEntry> {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()
            .and_then(|index| self.files.get(index))
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The canonical form (`docs/formats/transfer.md`): equal manifests have equal bytes. SHA-256 is left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(MAGIC)
            .u32(MANIFEST_VERSION)
            .u8(u8::from(self.shape == Shape::Directory));
        out.u32(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        for file in &self.files {
            out.text(&file.path)
                .u8(u8::from(file.executable))
                .u64(file.size)
                .digest(&file.blake3);
            out.u32(u32::try_from(file.blocks.len()).unwrap_or(u32::MAX));
            for block in &file.blocks {
                out.u32(block.len).digest(&block.blake3);
            }
        }
        out.0
    }

    /// Reads the canonical form; anything else is refused, so what decodes encodes to the same bytes.
    ///
    /// # Errors
    /// [`TransferError::BadManifest`], [`TransferError::BadPath`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TransferError> {
        let manifest = Self::read(bytes).map_err(|Malformed(why)| TransferError::BadManifest {
            why: why.to_owned(),
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(Malformed("it is longer than 256 MiB"));
        }
        let mut input = Reader(bytes);
        if input.take(MAGIC.len())? != MAGIC {
            return Err(Malformed("it does not begin as one"));
        }
        if input.u32()? != MANIFEST_VERSION {
            return Err(Malformed("it is of a version that is not known here"));
        }
        let shape = if input.flag()? {
            Shape::Directory
        } else {
            Shape::File
        };
        // Least bytes of an entry: length of the path, flag, size, digest, count of blocks.
        let count = input.count(2 + 1 + 8 + 32 + 4)?;
        let mut files = Vec::with_capacity(count);
        for _ in 0..count {
            let path = input.text()?.to_owned();
            let executable = input.flag()?;
            let (size, blake3) = (input.u64()?, input.digest()?);
            let blocks = input.count(36)?;
            let blocks = (0..blocks)
                .map(|_| {
                    Ok(Block {
                        len: input.u32()?,
                        blake3: input.digest()?,
                    })
                })
                .collect::<Result<_, Malformed>>()?;
            files.push(FileEntry {
                path,
                size,
                executable,
                blake3,
                sha256: None,
                blocks,
            });
        }
        input.end()?;
        Ok(Self { shape, files })
    }

    /// BLAKE3 of the canonical form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::new(*blake3::hash(&self.encode()).as_bytes())
    }

    /// The JSON form, with SHA-256 where known.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Json {
            version: MANIFEST_VERSION,
            shape: self.shape,
            files: std::borrow::Cow::Borrowed(&self.files),
        })
    }

    /// Reads the JSON form.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, TransferError> {
        let bad = |why: String| TransferError::BadManifest { why };
        let json: Json<'_> =
            serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if json.version != MANIFEST_VERSION {
            return Err(bad(format!("version {} is not known here", json.version)));
        }
        let manifest = Self {
            shape: json.shape,
            files: json.files.into_owned(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Fills in what the receiver computed.
    pub(crate) fn set_sha256(&mut self, of: impl Fn(&Digest) -> Option<Digest>) {
        for file in &mut self.files {
            file.sha256 = of(&file.blake3);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Json<'a> {
    version: u32,
    shape: Shape,
    files: std::borrow::Cow<'a, [FileEntry]>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn entry(path: &str, lens: &[u32]) -> FileEntry {
        let digest = |text: &str| Digest::new(*blake3::hash(text.as_bytes()).as_bytes());
        FileEntry {
            path: path.to_owned(),
            size: lens.iter().map(|len| u64::from(*len)).sum(),
            executable: path.ends_with(".sh"),
            blake3: digest(path),
            sha256: None,
            blocks: lens
                .iter()
                .map(|len| Block {
                    len: *len,
                    blake3: digest(&format!("{path}{len}")),
                })
                .collect(),
        }
    }

    fn directory(files: Vec<FileEntry>) -> Result<Manifest, TransferError> {
        Manifest::new(Shape::Directory, files)
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let mut short = entry("a", &[5]);
        short.size = 6;
        let cases = [
            vec![short],
            vec![entry("a", &[1]), entry("a", &[2])],
            vec![entry("a", &[1]), entry("a/b", &[1])],
            vec![entry("a", &[1]), entry("a-b", &[1]), entry("a/b/c", &[1])],
            vec![entry("a", &[(4 << 20) + 1])],
            vec![entry("a", &[0])],
            vec![entry("../a", &[1])],
            vec![entry("/a", &[1])],
        ];
        for files in cases {
            assert!(directory(files.clone()).is_err(), "{files:?}");
        }
        assert!(Manifest::new(Shape::File, vec![entry("a/b", &[1])]).is_err());
        assert!(Manifest::new(Shape::File, vec![]).is_err());
    }

    #[test]
    fn the_identity_is_of_the_bytes_and_not_of_what_the_receiver_adds() {
        let mut manifest = directory(vec![entry("b", &[3, 4]), entry("a.sh", &[])]).unwrap();
        let digest = manifest.digest();
        manifest.set_sha256(|blake3| Some(*blake3));
        assert_eq!(manifest.digest(), digest);
        let read = Manifest::from_json(&manifest.to_json().unwrap()).unwrap();
        assert_eq!(read, manifest);
        // Golden: version 1 stays readable and keeps its digest.
        assert_eq!(
            digest.to_string(),
            "863d4133b397525f61263033804ea269ed8711446444a93f0d6ab021f59ec9e9"
        );
    }

    #[test]
    fn counts_are_not_believed() {
        let mut bytes = directory(vec![entry("a", &[3])]).unwrap().encode();
        bytes[9..13].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(Manifest::decode(&bytes).is_err());
    }

    prop_compose! {
        fn files()(names in proptest::collection::btree_set("[a-c]{1,3}(/[a-c]{1,2}){0,2}", 0..12), lens in proptest::collection::vec(1u32..2000, 0..4)) -> Vec<FileEntry> {
            names.iter().map(|name| entry(name, &lens)).collect()
        }
    }

    proptest! {
        #[test]
        fn what_is_valid_reads_back(files in files()) {
            if let Ok(manifest) = directory(files) {
                let bytes = manifest.encode();
                prop_assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
            }
        }

        #[test]
        fn any_change_of_a_byte_is_refused_or_another_manifest(files in files(), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
            if let Ok(manifest) = directory(files) {
                let mut bytes = manifest.encode();
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
                if let Ok(other) = Manifest::decode(&bytes) {
                    prop_assert_ne!(other.digest(), manifest.digest());
                    prop_assert_eq!(other.encode(), bytes);
                }
            }
        }

        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), honest in any::<bool>()) {
            if honest {
                let start = [MAGIC.as_slice(), &MANIFEST_VERSION.to_be_bytes()].concat();
                bytes.splice(0..0, start);
            }
            drop(Manifest::decode(&bytes));
        }
    }
}
