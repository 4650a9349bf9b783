//! The list of files that is moved: what, how long, which bytes.

mod form;

use std::collections::HashSet;

use causeway_domain::Digest;
use causeway_weights::MAX_BLOCK;
use serde::{Deserialize, Serialize};

use crate::error::TransferError;
use crate::path;

pub(crate) use form::{Decoder, Encoder};

/// The newest version of the canonical form, and of the JSON form beside it: the one of manifests that name links. Those
/// without are of version 1.
pub const MANIFEST_VERSION: u32 = 2;
/// The longest canonical form that is read, in bytes. 256 MiB is a file of 29 TB, or two million small files.
pub const MAX_MANIFEST: u64 = 256 << 20;

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

/// One symbolic link, which stays within the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEntry {
    /// As a file's.
    pub path: String,
    /// What it says: relative to where it lies.
    pub target: String,
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
    links: Vec<LinkEntry>,
}

impl Manifest {
    /// Checks and sorts. No two entries may need the same place, blocks must cover their file.
    ///
    /// # Errors
    /// [`TransferError::BadManifest`], [`TransferError::BadPath`].
    pub fn new(shape: Shape, files: Vec<FileEntry>) -> Result<Self, TransferError> {
        Self::with_links(shape, files, Vec::new())
    }

    /// The same, of a directory that has links, too.
    ///
    /// # Errors
    /// As [`Manifest::new`]; [`TransferError::BadPath`] when a link leads out of the directory.
    pub fn with_links(
        shape: Shape,
        mut files: Vec<FileEntry>,
        mut links: Vec<LinkEntry>,
    ) -> Result<Self, TransferError> {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        links.sort_by(|left, right| left.path.cmp(&right.path));
        let manifest = Self {
            shape,
            files,
            links,
        };
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
        let mut directories: HashSet<&str> = HashSet::new();
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
            let mut parent = path::parent(&file.path);
            // As a rule the one before lies in the same directory.
            let is_known = before.is_some_and(|before| path::parent(before) == parent);
            while !is_known && !parent.is_empty() && directories.insert(parent) {
                parent = path::parent(parent);
            }
            before = Some(&file.path);
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
        if self.shape == Shape::File && !self.links.is_empty() {
            return bad("it names links where one file was asked for".to_owned());
        }
        let mut before: Option<&str> = None;
        for link in &self.links {
            path::check(&link.path)?;
            path::check_target(&link.path, &link.target)?;
            let is_twice = before.is_some_and(|before| before >= link.path.as_str());
            if is_twice || self.file(&link.path).is_some() {
                return bad(format!("`{}` is there twice, or not in order", link.path));
            }
            before = Some(&link.path);
            let mut parent = path::parent(&link.path);
            while !parent.is_empty() && directories.insert(parent) {
                parent = path::parent(parent);
            }
        }
        let files = self.files.iter().map(|file| &file.path);
        let mut all = files.chain(self.links.iter().map(|link| &link.path));
        if let Some(both) = all.find(|path| directories.contains(path.as_str())) {
            return bad(format!("`{both}` is both a file and a directory"));
        }
        Ok(())
    }

    /// The version of the form that [`Manifest::encode`] writes.
    #[must_use]
    pub const fn version(&self) -> u32 {
        if self.links.is_empty() {
            1
        } else {
            MANIFEST_VERSION
        }
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

    /// The symbolic links, sorted by path.
    #[must_use]
    pub fn links(&self) -> &[LinkEntry] {
        &self.links
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
        let mut encoder = Encoder::new(self.shape, self.files.len(), !self.links.is_empty());
        for file in &self.files {
            encoder.file(file);
        }
        encoder.links(&self.links);
        encoder.take()
    }

    /// Reads the canonical form; anything else is refused, so what decodes encodes to the same bytes.
    ///
    /// # Errors
    /// [`TransferError::BadManifest`], [`TransferError::BadPath`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TransferError> {
        let mut decoder = Decoder::default();
        decoder.part(bytes)?;
        Ok(decoder.end()?.0)
    }

    /// BLAKE3 of the canonical form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::new(*blake3::hash(&self.encode()).as_bytes())
    }

    /// The JSON form, with SHA-256 where known.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Json {
            version: self.version(),
            shape: self.shape,
            files: std::borrow::Cow::Borrowed(&self.files),
            links: std::borrow::Cow::Borrowed(&self.links),
        })
    }

    /// Reads the JSON form.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, TransferError> {
        let bad = |why: String| TransferError::BadManifest { why };
        let json: Json<'_> =
            serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let manifest = Self {
            shape: json.shape,
            files: json.files.into_owned(),
            links: json.links.into_owned(),
        };
        if json.version != manifest.version() {
            return Err(bad(format!("version {} is not known here", json.version)));
        }
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
    #[serde(default, skip_serializing_if = "<[LinkEntry]>::is_empty")]
    links: std::borrow::Cow<'a, [LinkEntry]>,
}

#[cfg(test)]
mod tests {
    use super::form::MAGIC;
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

    fn link(path: &str, target: &str) -> LinkEntry {
        LinkEntry {
            path: path.to_owned(),
            target: target.to_owned(),
        }
    }

    #[test]
    fn links_are_part_of_the_identity_and_stay_within() {
        let with = |links| Manifest::with_links(Shape::Directory, vec![entry("a/b", &[3])], links);
        let plain = with(vec![]).unwrap();
        let linked = with(vec![link("z", "a/b"), link("a/c", "../z")]).unwrap();
        assert_eq!((plain.version(), linked.version()), (1, 2));
        assert_ne!(plain.digest(), linked.digest());
        assert_eq!(Manifest::decode(&linked.encode()).unwrap(), linked);
        assert_eq!(
            Manifest::from_json(&linked.to_json().unwrap()).unwrap(),
            linked
        );
        // Golden: version 2 stays readable and keeps its digest.
        assert_eq!(
            linked.digest().to_string(),
            "7477f7e155191ceed0b44be094fa50b03e08b9c5fb7518f1ae6756f5d048b542"
        );
        for bad in [
            vec![link("a/b", "c")],
            vec![link("a", "b")],
            vec![link("a/b/c", "d")],
            vec![link("z", "../z")],
            vec![link("z", "/etc/passwd")],
            vec![link("z", "a"), link("z", "a")],
            vec![link("z", "a"), link("z/y", "a")],
        ] {
            assert!(with(bad.clone()).is_err(), "{bad:?}");
        }
        let mut bytes = linked.encode();
        let end = bytes.len() - linked.links().len() * 4 - "za/ba/c../z".len();
        bytes[end - 4..end].copy_from_slice(&0u32.to_be_bytes());
        bytes.truncate(end);
        assert!(Manifest::decode(&bytes).is_err(), "one form for one thing");
    }

    #[test]
    fn it_is_read_while_it_comes() {
        let files = vec![
            entry("a.sh", &[3]),
            entry("b/c", &[]),
            entry("b/d", &[5, 6, 7]),
        ];
        let links = vec![link("z", "a.sh"), link("b/y", "../z")];
        let manifest = Manifest::with_links(Shape::Directory, files, links).unwrap();
        let bytes = manifest.encode();
        for piece in [1, 2, 7, 40, 1000] {
            let mut decoder = Decoder::default();
            for part in bytes.chunks(piece) {
                decoder.part(part).unwrap();
            }
            assert_eq!(
                decoder.end().unwrap(),
                (manifest.clone(), manifest.digest())
            );
        }
        for end in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let result = decoder.part(&bytes[..end]).and_then(|()| decoder.end());
            assert!(result.is_err(), "{end} bytes");
        }
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
        fn what_is_valid_reads_back(files in files(), links in files()) {
            let links = links.iter().map(|file| link(&file.path, "x")).collect();
            if let Ok(manifest) = Manifest::with_links(Shape::Directory, files, links) {
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
