//! The state directory: its format, its locks, its clock, and what lies where.
//!
//! ```text
//! .causeway/
//!   format            "causeway state 1"; another version is refused untouched
//!   clock             "simulated", once a clock was set from outside: for good
//!   keys/log.pem      the log's Ed25519 key, 0600
//!   journal.sqlite    intents, handles, cursors, outbox (may be lost)
//!   log/              facts and decisions (may not)
//!   store/            files by their BLAKE3 hash
//!   registry/         revisions and pointers
//!   offers/           price catalogs imported by hand
//!   lists/            screening lists and registers of owners imported by hand
//!   runs/<RUN>/       the run's copies of both files, the job's log, the driver's lock
//! ```

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::RunId;
use rustix::fs::{FlockOperation, flock};

use crate::RunError;
use crate::screening::Loaded;

/// The format that this program writes and reads.
const FORMAT: &str = "causeway state 1\n";

/// An opened state directory.
#[derive(Debug, Clone)]
pub struct State {
    dir: Utf8PathBuf,
    simulated: bool,
    loaded: Arc<Loaded>,
}

/// A lock that lives as long as this value; the kernel gives it back when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

impl State {
    /// Opens a state directory, making it where there is none. `simulated` marks it for good.
    ///
    /// # Errors
    /// When it has another format, can't be made, or lies on a filesystem without working locks.
    pub fn open(dir: &Utf8Path, simulated: bool) -> Result<Self, RunError> {
        let io = |path: &Utf8Path, error: std::io::Error| RunError::state(path, error);
        fs_err::create_dir_all(dir).map_err(|error| io(dir, error))?;
        for folder in ["keys", "log", "store", "registry", "offers", "runs"] {
            let path = dir.join(folder);
            fs_err::create_dir_all(&path).map_err(|error| io(&path, error))?;
        }
        private(&dir.join("keys"))?;
        let format = dir.join("format");
        match fs_err::read_to_string(&format) {
            Ok(found) if found == FORMAT => {}
            Ok(found) => {
                return Err(RunError::Format {
                    dir: dir.to_owned(),
                    found: found.trim().chars().take(60).collect(),
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                publish(&format, FORMAT.as_bytes())?
            }
            Err(error) => return Err(io(&format, error)),
        }
        check_locks(dir)?;
        let clock = dir.join("clock");
        let marked = fs_err::metadata(&clock).is_ok();
        if simulated && !marked {
            publish(&clock, b"simulated\n")?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            simulated: simulated || marked,
            loaded: Arc::default(),
        })
    }

    /// Whether a directory holds state: asked before anything is made.
    #[must_use]
    pub fn exists(dir: &Utf8Path) -> bool {
        fs_err::metadata(dir.join("format")).is_ok()
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Utf8Path {
        &self.dir
    }

    /// The word for statements: `system`, or `simulated` once a clock was ever set from outside here.
    #[must_use]
    pub const fn clock(&self) -> &'static str {
        if self.simulated {
            "simulated"
        } else {
            "system"
        }
    }

    /// The journal's file.
    #[must_use]
    pub fn journal(&self) -> Utf8PathBuf {
        self.dir.join("journal.sqlite")
    }

    /// The log's directory.
    #[must_use]
    pub fn log(&self) -> Utf8PathBuf {
        self.dir.join("log")
    }

    /// The log's private key.
    #[must_use]
    pub fn log_key(&self) -> Utf8PathBuf {
        self.dir.join("keys").join("log.pem")
    }

    /// The content-addressed store.
    #[must_use]
    pub fn store(&self) -> Utf8PathBuf {
        self.dir.join("store")
    }

    /// The registry's directory.
    #[must_use]
    pub fn registry(&self) -> Utf8PathBuf {
        self.dir.join("registry")
    }

    /// Imported price catalogs.
    #[must_use]
    pub fn offers(&self) -> Utf8PathBuf {
        self.dir.join("offers")
    }

    /// Imported screening lists and registers of owners, one `<list>.jsonl` each.
    #[must_use]
    pub fn lists(&self) -> Utf8PathBuf {
        self.dir.join("lists")
    }

    /// Lists that were read already.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// A run's own folder.
    #[must_use]
    pub fn run(&self, run: &RunId) -> Utf8PathBuf {
        self.dir.join("runs").join(run.as_str())
    }

    /// Becomes the one driver of a run; `None` when another process drives it.
    ///
    /// # Errors
    /// When the lock file can't be made.
    pub fn drive(&self, run: &RunId) -> Result<Option<Lock>, RunError> {
        let folder = self.run(run);
        fs_err::create_dir_all(&folder).map_err(|error| RunError::state(&folder, error))?;
        try_lock(&folder.join("driver"))
    }

    /// Who drives a run, as its lock file says: for messages.
    #[must_use]
    pub fn driver(&self, run: &RunId) -> Option<String> {
        fs_err::read_to_string(self.run(run).join("driver"))
            .ok()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    /// A short lock on the whole directory, for making a run.
    ///
    /// # Errors
    /// When the lock file can't be made or locked.
    pub fn short_lock(&self) -> Result<Lock, RunError> {
        let path = self.dir.join("lock");
        let file = open_lock(&path)?;
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|error| RunError::state(&path, error.into()))?;
        Ok(Lock(file))
    }
}

fn open_lock(path: &Utf8Path) -> Result<File, RunError> {
    File::options()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(|error| RunError::state(path, error))
}

fn try_lock(path: &Utf8Path) -> Result<Option<Lock>, RunError> {
    let mut file = open_lock(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            let text = format!("process {}\n", std::process::id());
            file.set_len(0)
                .and_then(|()| file.write_all(text.as_bytes()))
                .map_err(|error| RunError::state(path, error))?;
            Ok(Some(Lock(file)))
        }
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
        Err(error) => Err(RunError::state(path, error.into())),
    }
}

/// Two handles of one lock file must exclude each other, or every promise about several processes is void.
fn check_locks(dir: &Utf8Path) -> Result<(), RunError> {
    let path = dir.join("lock.probe");
    let (first, second) = (open_lock(&path)?, open_lock(&path)?);
    // Another process may be probing at this moment: wait for it.
    flock(&first, FlockOperation::LockExclusive).map_err(|error| RunError::Locks {
        dir: dir.to_owned(),
        why: error.to_string(),
    })?;
    match flock(&second, FlockOperation::NonBlockingLockExclusive) {
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(()),
        Ok(()) => Err(RunError::Locks {
            dir: dir.to_owned(),
            why: "a lock held once was given a second time".to_owned(),
        }),
        Err(error) => Err(RunError::Locks {
            dir: dir.to_owned(),
            why: error.to_string(),
        }),
    }
}

fn private(path: &Utf8Path) -> Result<(), RunError> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700))
        .map_err(|error| RunError::state(path, error))
}

/// Writes a file whole or not at all: temporary name, fsync, rename, fsync of the folder.
pub(crate) fn publish(path: &Utf8Path, bytes: &[u8]) -> Result<(), RunError> {
    publish_as(path, bytes, None)
}

/// [`publish`], with a mode that stands before the first byte is written.
pub(crate) fn publish_as(
    path: &Utf8Path,
    bytes: &[u8],
    mode: Option<std::fs::Permissions>,
) -> Result<(), RunError> {
    let error = |error: std::io::Error| RunError::state(path, error);
    let temporary = Utf8PathBuf::from(format!("{path}.{}.tmp", std::process::id()));
    let mut file = File::create(&temporary).map_err(error)?;
    if let Some(mode) = mode {
        file.set_permissions(mode).map_err(error)?;
    }
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(error)?;
    fs_err::rename(&temporary, path).map_err(error)?;
    if let Some(parent) = path.parent() {
        // A name alone lies in the working directory.
        let parent = if parent.as_str().is_empty() {
            Utf8Path::new(".")
        } else {
            parent
        };
        File::open(parent)
            .and_then(|folder| folder.sync_all())
            .map_err(error)?;
    }
    Ok(())
}

/// Reads at most `limit` bytes of a file, as text.
pub(crate) fn read_text(path: &Utf8Path, limit: u64) -> Result<String, std::io::Error> {
    let mut text = String::new();
    File::open(path)?
        .take(limit + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("it is larger than {limit} bytes"),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, Utf8PathBuf) {
        let temporary = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(temporary.path().join("state")).unwrap();
        (temporary, path)
    }

    #[test]
    fn a_newer_format_is_refused_untouched() {
        let (_keep, path) = dir();
        State::open(&path, false).unwrap();
        fs_err::write(path.join("format"), "causeway state 2\n").unwrap();
        let before = fs_err::read_dir(&path).unwrap().count();
        assert!(matches!(
            State::open(&path, false),
            Err(RunError::Format { .. })
        ));
        assert_eq!(fs_err::read_dir(&path).unwrap().count(), before);
    }

    #[test]
    fn a_simulated_clock_is_remembered_for_good() {
        let (_keep, path) = dir();
        assert_eq!(State::open(&path, false).unwrap().clock(), "system");
        assert_eq!(State::open(&path, true).unwrap().clock(), "simulated");
        assert_eq!(State::open(&path, false).unwrap().clock(), "simulated");
    }

    #[test]
    fn a_run_has_one_driver() {
        let (_keep, path) = dir();
        let state = State::open(&path, false).unwrap();
        let run = RunId::new("2026-11-24T00:00:00Z".parse().unwrap(), 1);
        let first = state.drive(&run).unwrap();
        assert!(first.is_some());
        assert!(state.drive(&run).unwrap().is_none());
        assert!(state.driver(&run).unwrap().starts_with("process "));
        drop(first);
        assert!(state.drive(&run).unwrap().is_some());
    }
}
