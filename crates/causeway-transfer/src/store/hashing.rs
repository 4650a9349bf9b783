//! Hashes of a whole file while its blocks still come: when the last one is here, little is left to read.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8PathBuf;
use causeway_domain::Digest;
use sha2::Digest as _;

use super::Hashes;
use crate::holes;

/// Both hashes of the beginning of a file. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hashing(Arc<Mutex<Beginning>>);

#[derive(Debug, Default)]
struct Beginning {
    blake3: blake3::Hasher,
    sha256: sha2::Sha256,
    /// Bytes that were hashed.
    at: u64,
}

impl Beginning {
    /// Hashes on, up to `to` or the end of the file.
    fn go_on(&mut self, file: &File, to: u64) -> io::Result<()> {
        holes::pieces(file, self.at, to, |_, piece| {
            let bytes = piece.bytes();
            self.blake3.update(bytes);
            self.sha256.update(bytes);
            self.at += bytes.len() as u64;
            Ok(())
        })?;
        Ok(())
    }
}

impl Hashing {
    /// Hashes what is left, and gives the hashes of all.
    pub(crate) fn finish(&self, file: &File) -> io::Result<Hashes> {
        let mut beginning = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beginning.go_on(file, u64::MAX)?;
        Ok(Hashes {
            blake3: Digest::new(*beginning.blake3.finalize().as_bytes()),
            sha256: Digest::new(beginning.sha256.clone().finalize().into()),
        })
    }
}

/// A stretch of verified blocks that can be hashed.
#[derive(Debug)]
pub(crate) struct HashJob {
    pub(crate) hashing: Hashing,
    /// Where the blocks lie.
    pub(crate) data: Utf8PathBuf,
    /// Up to where there is no gap, in bytes.
    pub(crate) to: u64,
}

impl HashJob {
    /// Hashes it. What fails here is read again at the end, and told then.
    pub(crate) fn run(self) {
        let mut beginning = self
            .hashing
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Ok(file) = fs_err::File::open(&self.data) {
            let from = beginning.at;
            beginning.go_on(file.file(), self.to).ok();
            forget_pages(file.file(), from, beginning.at);
        }
    }
}

/// Nobody reads these bytes again soon: they are on disk and hashed. Files that are larger than memory don't push everything
/// else out of the page cache, and the next blocks go into pages that are warm.
fn forget_pages(file: &File, from: u64, to: u64) {
    #[cfg(target_os = "linux")]
    {
        // Advice: where it is refused, nothing is lost.
        if let Some(len) = std::num::NonZeroU64::new(to.saturating_sub(from)) {
            rustix::fs::fadvise(file, from, Some(len), rustix::fs::Advice::DontNeed).ok();
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, from, to);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stretches_give_the_hashes_of_all(
            bytes in proptest::collection::vec(any::<u8>(), 0..5000),
            stretches in proptest::collection::vec(0u64..6000, 0..6),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let data = Utf8PathBuf::from_path_buf(dir.path().join("data")).unwrap();
            fs_err::write(&data, &bytes).unwrap();
            let hashing = Hashing::default();
            for to in stretches {
                HashJob { hashing: hashing.clone(), data: data.clone(), to }.run();
            }
            let file = File::open(&data).unwrap();
            let expected = Hashes {
                blake3: Digest::new(*blake3::hash(&bytes).as_bytes()),
                sha256: Digest::new(sha2::Sha256::digest(&bytes).into()),
            };
            prop_assert_eq!(hashing.finish(&file).unwrap(), expected);
        }
    }
}
