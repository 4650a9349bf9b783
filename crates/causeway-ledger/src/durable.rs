//! Files that are there as a whole or not at all, and stay when the power goes.

use std::io::{self, Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::LedgerError;

/// Reads a file of at most `limit` bytes; `None` when there is none.
pub(crate) fn read(path: &Utf8Path, limit: u64) -> Result<Option<Vec<u8>>, LedgerError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(LedgerError::io("opening", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(LedgerError::io("reading", path))?;
    if bytes.len() as u64 > limit {
        return Err(LedgerError::FileTooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(Some(bytes))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Writes a file under another name, syncs it, renames it, syncs the folder. Folders are made as needed.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    make_folder(folder)?;
    let draft = Utf8PathBuf::from(format!("{path}.tmp"));
    File::create(&draft)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs_err::rename(&draft, path))
        .map_err(LedgerError::io("writing", path))?;
    sync_folder(folder)
}

/// Makes a folder and those above it; each new name is synced in the folder that holds it.
pub(crate) fn make_folder(folder: &Utf8Path) -> Result<(), LedgerError> {
    if folder.as_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_str().is_empty());
    if let Some(above) = above {
        make_folder(above)?;
    }
    match fs_err::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(LedgerError::io("making the folder", folder))?,
    }
    sync_folder(above.unwrap_or(Utf8Path::new(".")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Utf8Path) -> Result<(), LedgerError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(LedgerError::io("syncing the folder", folder))
}

/// The short lock of a log: held while one entry is appended, free when dropped or when its process dies.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock `dir/lock`. Appends are short, so nobody holds it for long.
    pub(crate) fn take(dir: &Utf8Path) -> Result<Self, LedgerError> {
        let file = Self::file(dir)?;
        rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
            .map_err(|errno| Self::failed(dir, errno))?;
        Ok(Self { _file: file })
    }

    /// With this lock held: asks for it a second time. Where both get it, locks do not work.
    pub(crate) fn prove(&self, dir: &Utf8Path) -> Result<(), LedgerError> {
        let second = Self::file(dir)?;
        match flock(&second, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(()),
            Ok(()) => Err(LedgerError::NoLocks {
                dir: dir.to_owned(),
            }),
            Err(errno) => Err(Self::failed(dir, errno)),
        }
    }

    fn file(dir: &Utf8Path) -> Result<File, LedgerError> {
        let path = dir.join("lock");
        fs_err::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(LedgerError::io("opening the lock", &path))
    }

    fn failed(dir: &Utf8Path, errno: Errno) -> LedgerError {
        match errno {
            Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL => LedgerError::NoLocks {
                dir: dir.to_owned(),
            },
            errno => LedgerError::io("locking", &dir.join("lock"))(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_written_file_is_whole_and_leaves_no_draft() {
        let (_folder, dir) = folder();
        let path = dir.join("a/b/file");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"two");
        assert!(matches!(
            read(&path, 2),
            Err(LedgerError::FileTooLarge { limit: 2, .. })
        ));
        assert!(read(&dir.join("none"), 2).unwrap().is_none());
        assert!(read(&path.join("below"), 2).unwrap().is_none());
        assert_eq!(fs_err::read_dir(dir.join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_has_one_holder() {
        let (_folder, dir) = folder();
        let lock = Lock::take(&dir).unwrap();
        lock.prove(&dir).unwrap();
        drop(lock);
        Lock::take(&dir).unwrap();
    }
}
