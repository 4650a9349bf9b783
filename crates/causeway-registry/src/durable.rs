//! Files that are whole or not there, and the lock under which they change.

use std::fs::TryLockError;
use std::io::Write;
use std::time::Duration;

use camino::Utf8Path;
use causeway_domain::Crash;

use crate::error::RegistryError;

/// How often and how long apart a lock is tried: 20 s in all. It is held for a few small writes.
const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(10);

/// An exclusive lock between processes and between threads; gone when dropped or when the process dies.
#[derive(Debug)]
pub(crate) struct Lock(
    #[expect(
        dead_code,
        reason = "held for its lock, which closing the file releases"
    )]
    fs_err::File,
);

impl Lock {
    /// Waits for the lock of `file`, at most 20 s.
    pub(crate) fn take(file: &Utf8Path) -> Result<Self, RegistryError> {
        let handle = fs_err::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(file)
            .map_err(RegistryError::io("taking a lock of the registry"))?;
        for _ in 0..TRIES {
            match handle.file().try_lock() {
                Ok(()) => return Ok(Self(handle)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(source))
                    if source.kind() == std::io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(source)) => {
                    return Err(RegistryError::NoLocks {
                        file: file.to_owned(),
                        source,
                    });
                }
            }
        }
        Err(RegistryError::Busy {
            file: file.to_owned(),
            seconds: u64::from(TRIES) * 10 / 1000,
        })
    }
}

/// Makes a directory and those above it; each that is new is on disk when this returns.
pub(crate) fn create_dirs(dir: &Utf8Path) -> Result<(), RegistryError> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent().filter(|above| !above.as_str().is_empty()) {
        create_dirs(above)?;
    }
    match fs_err::create_dir(dir) {
        Ok(()) => {}
        Err(err) if err.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => {}
        Err(err) => return Err(RegistryError::io("making a directory of the registry")(err)),
    }
    sync_dir(
        dir.parent()
            .filter(|above| !above.as_str().is_empty())
            .unwrap_or(Utf8Path::new(".")),
    )
}

/// Replaces `file` by `text`: afterwards it is the old one or the new one, whole, whenever the machine stops.
///
/// Call it under the directory's [`Lock`]: the temporary name is fixed, so that a crash leaves at most one such file and the
/// next write takes it over. `written` runs before the new file becomes visible.
pub(crate) fn replace(
    file: &Utf8Path,
    text: &str,
    written: impl FnOnce() -> Result<(), Crash>,
) -> Result<(), RegistryError> {
    let temporary = file.with_extension("json.tmp");
    let write = || {
        let mut handle = fs_err::File::create(&temporary)?;
        handle.write_all(text.as_bytes())?;
        handle.sync_all()
    };
    write().map_err(RegistryError::io("writing a file of the registry"))?;
    written()?;
    fs_err::rename(&temporary, file)
        .map_err(RegistryError::io("writing a file of the registry"))?;
    sync_dir(file.parent().unwrap_or(Utf8Path::new(".")))
}

fn sync_dir(dir: &Utf8Path) -> Result<(), RegistryError> {
    fs_err::File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(RegistryError::io(
            "writing a directory of the registry to disk",
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8PathBuf;

    fn scratch() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        (dir, path)
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_file() {
        let (_keep, dir) = scratch();
        let file = dir.join("a/b/x.json");
        create_dirs(file.parent().unwrap()).unwrap();
        replace(&file, "old", || Ok(())).unwrap();
        let crash = replace(&file, "new", || Err(Crash { point: "here" }));
        assert!(matches!(crash, Err(RegistryError::Crash(_))));
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "old");
        replace(&file, "newer", || Ok(())).unwrap();
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "newer");
        assert_eq!(
            fs_err::read_dir(dir.join("a/b")).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn one_holder_at_a_time() {
        let (_keep, dir) = scratch();
        let file = dir.join("lock");
        let counter = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let _lock = Lock::take(&file).unwrap();
                        let inside = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(inside, 0);
                        counter.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
