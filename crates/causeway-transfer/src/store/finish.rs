//! From verified blocks to a whole file.

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Digest;

use super::hashing::Hashing;
use super::{Hashes, Store, partial};
use crate::durable;
use crate::error::TransferError;
use crate::holes;
use crate::manifest::FileEntry;

/// A file whose blocks are all at their places: what is left to do, which may take as long as reading it. Runs on a thread of
/// its own while other blocks come in.
#[derive(Debug)]
pub(crate) struct FinishJob {
    pub(crate) store: Store,
    pub(crate) entry: FileEntry,
    pub(crate) data: Utf8PathBuf,
    /// What was hashed while blocks came.
    pub(crate) hashing: Hashing,
}

impl FinishJob {
    /// Hashes what is left of the whole, and gives it its name.
    pub(crate) fn run(self) -> Result<Hashes, TransferError> {
        let Self {
            store,
            entry,
            data,
            hashing,
        } = self;
        let doing = || TransferError::io(format!("verifying `{}`", entry.path));
        let file = match fs_err::File::open(&data) {
            Ok(file) => file,
            // Another process brought the same file home meanwhile.
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && store.has(entry.blake3) =>
            {
                return store.verify(entry.blake3);
            }
            Err(error) => return Err(doing()(error)),
        };
        let hashes = hashing.finish(file.file()).map_err(doing())?;
        if hashes.blake3 != entry.blake3 {
            partial::forget(&store, entry.blake3, true);
            // Another process may have taken the partial file that some of the blocks went into, and made the whole of it.
            if store.has(entry.blake3) {
                return store.verify(entry.blake3);
            }
            return Err(TransferError::Inconsistent {
                path: entry.path,
                expected: entry.blake3,
                found: hashes.blake3,
            });
        }
        // First where its blocks lie: a crash after the rename would lose that for good, one before it costs nothing.
        store.index(&entry)?;
        publish(&store, &file, &data, entry.blake3).map_err(doing())?;
        durable::sync_directory(&store.files())?;
        partial::forget(&store, entry.blake3, false);
        Ok(hashes)
    }
}

fn publish(
    store: &Store,
    file: &fs_err::File,
    data: &Utf8PathBuf,
    digest: Digest,
) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.file()
        .set_permissions(std::fs::Permissions::from_mode(0o444))?;
    file.file().sync_all()?;
    match fs_err::rename(data, store.path_of(digest)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && store.has(digest) => Ok(()),
        other => other,
    }
}

/// From so many small files on, one sync of the filesystem stands for a sync of each.
const SYNCED_TOGETHER: usize = 4;

/// Gives small files, whose bytes were verified in memory, their names; what they hold is on disk before. The directory is
/// synced by the caller, once for many.
pub(crate) fn keep_small(store: &Store, files: &[(Digest, &[u8])]) -> Result<(), TransferError> {
    let directory = store.dir().join("partial");
    let temporary: Vec<_> = files
        .iter()
        .map(|(digest, _)| {
            let (process, unique) = (std::process::id(), durable::unique());
            directory.join(format!("{digest}.{process}-{unique}.tmp"))
        })
        .collect();
    let together = durable::SYNCS_FILESYSTEMS && files.len() >= SYNCED_TOGETHER;
    let keep = || -> std::io::Result<()> {
        // Opened before anything is written: what writing back meets is told to this handle.
        let handle = fs_err::File::open(&directory)?;
        for ((_, bytes), temporary) in files.iter().zip(&temporary) {
            write_small(temporary, bytes, !together)?;
        }
        if together {
            durable::sync_filesystem(handle.file())?;
        }
        for ((digest, _), temporary) in files.iter().zip(&temporary) {
            fs_err::rename(temporary, store.path_of(*digest))?;
        }
        Ok(())
    };
    keep().map_err(|error| {
        for temporary in &temporary {
            std::fs::remove_file(temporary).ok();
        }
        TransferError::io(format!("writing into `{directory}`"))(error)
    })
}

fn write_small(path: &Utf8Path, bytes: &[u8], sync: bool) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)?;
    if holes::is_zeros(bytes) {
        file.set_len(bytes.len() as u64)?;
    } else {
        file.write_all(bytes)?;
    }
    if sync {
        file.sync_all()?;
    }
    Ok(())
}
