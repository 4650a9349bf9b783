//! Home's store: files named by their BLAKE3, and what is on its way to become one.
//!
//! ```text
//! format               causeway-store 1
//! files/HEX            whole verified files, read-only, never changed; HEX is their BLAKE3
//! partial/HEX          a file that is on its way, each block at its place
//! partial/HEX.journal  which of its blocks are verified and on disk
//! blocks/XX            where blocks of whole files lie: block, file, offset, length
//! manifests/HEX.json   what came home whole
//! damaged/HEX          a stored file that was found changed, kept for whoever wants to know why
//! trees/HEX            what becomes a directory: small files go straight to their place in it
//! ```
//! A file of one block gets its name at once and is on disk before a manifest that needs it is; a machine that stops meanwhile
//! leaves it torn at worst, and it is hashed before it counts as here.
//!
//! Nothing here is trusted because of where it lies: a block is hashed before it is used again, a file before it is taken as
//! there. Several processes may work on one store: whatever two of them write at one place are the same bytes.

pub(crate) mod blocks;
pub(crate) mod finish;
pub(crate) mod hashing;
pub(crate) mod intake;
pub(crate) mod partial;
mod place;
mod straight;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Digest;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::durable;
use crate::error::TransferError;
use crate::manifest::Manifest;

use hashing::Hashing;
pub use place::Placement;
pub(crate) use place::{Placing, present, stage, stage_straight};
pub(crate) use straight::Straight;

/// What `format` says.
const FORMAT: &str = "causeway-store 1\n";

/// A content-addressed store in a directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    dir: Arc<Utf8Path>,
}

/// A store of one transfer's own. Nobody else opens it as long as this lives.
#[derive(Debug)]
pub struct OwnStore {
    store: Store,
    _lock: std::fs::File,
}

impl OwnStore {
    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Removes it with all that it holds: what was brought is at its place.
    ///
    /// # Errors
    /// [`TransferError::Io`].
    pub fn remove(self) -> Result<(), TransferError> {
        let dir = &self.store.dir;
        std::fs::remove_dir_all(&**dir).map_err(TransferError::io(format!("removing `{dir}`")))
    }
}

/// BLAKE3 and SHA-256 of the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    /// BLAKE3.
    pub blake3: Digest,
    /// SHA-256.
    pub sha256: Digest,
}

/// A file of a manifest that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its path in the manifest.
    pub path: String,
    /// Its name in the store.
    pub blake3: Digest,
    /// What is there in its place; `None` when nothing is.
    pub found: Option<Digest>,
    /// Where the first changed block begins; `None` when nothing is there or the change lies beyond the last block.
    pub offset: Option<u64>,
}

impl Store {
    /// Opens the store at `dir`; makes it when there is none.
    ///
    /// # Errors
    /// [`TransferError::StoreFormat`] when another version made it; then nothing is touched. [`TransferError::Io`].
    pub fn open(dir: &Utf8Path) -> Result<Self, TransferError> {
        let format = dir.join("format");
        match fs_err::read_to_string(&format) {
            Ok(found) if found == FORMAT => {}
            Ok(found) => {
                let found = found.chars().take(80).collect::<String>().trim().to_owned();
                return Err(TransferError::StoreFormat {
                    dir: dir.to_owned(),
                    found,
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                durable::create_directories(dir)?;
                durable::replace(&format, FORMAT.as_bytes(), 0o644, durable::unique())?;
            }
            Err(error) => return Err(TransferError::io("opening the store")(error)),
        }
        for part in ["files", "partial", "blocks", "manifests", "damaged"] {
            durable::create_directories(&dir.join(part))?;
        }
        Ok(Self { dir: dir.into() })
    }

    /// A store where a transfer to `dest` that has none keeps what it has until all of it is there: beside `dest`, and for each
    /// one apart, so that two transfers into one directory do not meet.
    ///
    /// # Errors
    /// As [`Store::open`]; [`TransferError::Occupied`] while another transfer to the same place is under way.
    pub fn beside(dest: &Utf8Path) -> Result<OwnStore, TransferError> {
        let name = dest.file_name().unwrap_or_default();
        let hash = blake3::hash(name.as_bytes()).to_hex();
        let short = hash.get(..16).unwrap_or_default();
        let store = Self::open(&dest.with_file_name(format!(".causeway-pull-{short}")))?;
        let io = || TransferError::io(format!("locking `{}`", store.dir));
        let lock = std::fs::File::open(&*store.dir).map_err(|error| io()(error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(OwnStore { store, _lock: lock }),
            Err(Errno::WOULDBLOCK) => Err(TransferError::Occupied {
                dest: dest.to_string(),
                why: "another transfer brings it just now".to_owned(),
            }),
            Err(error) => Err(io()(error.into())),
        }
    }

    /// The store's directory.
    #[must_use]
    pub fn dir(&self) -> &Utf8Path {
        &self.dir
    }

    /// The directory of whole files: `HEX` of BLAKE3 is a file's name.
    #[must_use]
    pub fn files(&self) -> Utf8PathBuf {
        self.dir.join("files")
    }

    /// Where a whole file lies, if it is here.
    #[must_use]
    pub fn path_of(&self, file: Digest) -> Utf8PathBuf {
        self.dir.join("files").join(file.to_string())
    }

    /// Where a file on its way lies.
    pub(crate) fn partial(&self, file: Digest) -> Utf8PathBuf {
        self.dir.join("partial").join(file.to_string())
    }

    pub(crate) fn is_empty(&self) -> bool {
        let first = self.files().read_dir_utf8().map(|mut files| files.next());
        matches!(first, Ok(None))
    }

    /// Writes all files to disk, whoever wrote them.
    pub(crate) fn sync_files(&self) -> Result<(), TransferError> {
        fs_err::File::open(self.files())
            .and_then(|files| durable::sync_filesystem(files.file()))
            .map_err(TransferError::io("writing the store to disk"))
    }

    /// Whether a whole file is here. Its bytes were verified when it came; [`Store::verify`] looks at them again.
    #[must_use]
    pub fn has(&self, file: Digest) -> bool {
        self.path_of(file).is_file()
    }

    /// Opens a whole file for reading.
    ///
    /// # Errors
    /// [`TransferError::NotInStore`], [`TransferError::Io`].
    pub fn open_file(&self, file: Digest) -> Result<fs_err::File, TransferError> {
        fs_err::File::open(self.path_of(file)).map_err(|error| self.missing(file, error))
    }

    fn missing(&self, digest: Digest, error: std::io::Error) -> TransferError {
        if error.kind() == std::io::ErrorKind::NotFound {
            TransferError::NotInStore {
                digest,
                store: self.dir.to_path_buf(),
            }
        } else {
            TransferError::io("opening a file of the store")(error)
        }
    }

    /// Reads a whole file again and compares it with its name.
    ///
    /// # Errors
    /// [`TransferError::ChangedInStore`] names the file; [`TransferError::NotInStore`], [`TransferError::Io`].
    pub fn verify(&self, file: Digest) -> Result<Hashes, TransferError> {
        let handle = self.open_file(file)?;
        let hashes =
            hash_file(handle.file()).map_err(TransferError::io("reading a file of the store"))?;
        if hashes.blake3 == file {
            Ok(hashes)
        } else {
            Err(TransferError::ChangedInStore {
                stored: self.path_of(file),
                expected: file,
                found: hashes.blake3,
            })
        }
    }

    /// Reads all files of a manifest again and names those that changed, and where.
    ///
    /// # Errors
    /// [`TransferError::Io`] when a file is there and can't be read.
    pub fn audit(&self, manifest: &Manifest) -> Result<Vec<Damage>, TransferError> {
        let mut damages = Vec::new();
        for file in manifest.files() {
            let damage = |found, offset| Damage {
                path: file.path.clone(),
                blake3: file.blake3,
                found,
                offset,
            };
            match self.verify(file.blake3) {
                Ok(_) => {}
                Err(TransferError::NotInStore { .. }) => damages.push(damage(None, None)),
                Err(TransferError::ChangedInStore { found, .. }) => {
                    let mut handle = self.open_file(file.blake3)?;
                    let changed = file.blocks_at().find(|(_, block)| {
                        let mut bytes = vec![0; usize::try_from(block.len).unwrap_or_default()];
                        handle.read_exact(&mut bytes).is_err()
                            || *blake3::hash(&bytes).as_bytes() != *block.blake3.bytes()
                    });
                    damages.push(damage(Some(found), changed.map(|(offset, _)| offset)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(damages)
    }

    /// The manifest of something that came home whole, SHA-256 filled in.
    ///
    /// # Errors
    /// [`TransferError::NotInStore`]; [`TransferError::ChangedInStore`] when it is not the one of its name.
    pub fn manifest(&self, digest: Digest) -> Result<Manifest, TransferError> {
        let path = self.manifest_path(digest);
        let bytes = fs_err::read(&path).map_err(|error| self.missing(digest, error))?;
        let changed = |found| TransferError::ChangedInStore {
            stored: path.clone(),
            expected: digest,
            found,
        };
        // Text that is no manifest at all has been changed too; its own hash says so as well as anything.
        let manifest = Manifest::from_json(&bytes)
            .map_err(|_| changed(Digest::new(*blake3::hash(&bytes).as_bytes())))?;
        match manifest.digest() {
            found if found == digest => Ok(manifest),
            found => Err(changed(found)),
        }
    }

    fn manifest_path(&self, digest: Digest) -> Utf8PathBuf {
        self.dir.join("manifests").join(format!("{digest}.json"))
    }

    /// Notes that all of a manifest is here.
    pub(crate) fn keep_manifest(&self, manifest: &Manifest) -> Result<Digest, TransferError> {
        let digest = manifest.digest();
        let json = manifest
            .to_json()
            .map_err(|error| TransferError::BadManifest {
                why: error.to_string(),
            })?;
        durable::replace(&self.manifest_path(digest), &json, 0o644, durable::unique())?;
        Ok(digest)
    }

    /// Digests of the manifests that were kept last, the newest first, at most `count`.
    pub(crate) fn newest(&self, count: usize) -> Vec<Digest> {
        let Ok(entries) = self.dir.join("manifests").read_dir_utf8() else {
            return Vec::new();
        };
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let digest: Digest = entry.file_name().strip_suffix(".json")?.parse().ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, digest))
            })
            .collect();
        found.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
        found.truncate(count);
        found.into_iter().map(|(_, digest)| digest).collect()
    }

    /// Puts the files of a manifest at `dest`: a directory's files into it, a single file as it (or into it, when it is a
    /// directory). Missing parents are made. A `dest` that is not there, or empty, becomes visible only whole; into a
    /// directory that holds something, file after file is put whole, and what else is there stays. What is already
    /// there with the right bytes is left. Everything is on disk when this returns.
    ///
    /// # Errors
    /// [`TransferError::NotInStore`], [`TransferError::ChangedInStore`], [`TransferError::Occupied`], [`TransferError::Io`].
    pub fn materialise(
        &self,
        manifest: &Manifest,
        dest: &Utf8Path,
        how: Placement,
    ) -> Result<(), TransferError> {
        let (parent, name) = crate::beneath::parent_of(dest)?;
        stage(&Placing { store: self, how }, manifest, parent, name)?.publish()
    }

    /// Moves a file that is not what its name says out of the way.
    pub(crate) fn set_aside(&self, file: Digest) -> Result<(), TransferError> {
        let to = self.dir.join("damaged").join(file.to_string());
        match fs_err::rename(self.path_of(file), to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(TransferError::io("setting a damaged file aside")(error))
            }
            _ => durable::sync_directory(&self.files()),
        }
    }
}

/// Both hashes of a whole file.
pub(crate) fn hash_file(file: &File) -> std::io::Result<Hashes> {
    Hashing::default().finish(file)
}

#[cfg(test)]
mod tests;
