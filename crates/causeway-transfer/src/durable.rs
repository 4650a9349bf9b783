//! Files and directories that are whole or not there, whenever the machine stops.

use std::io::Write;
use std::os::fd::AsFd;

use camino::Utf8Path;

use crate::error::TransferError;

/// Makes a directory and those above it; each new one is on disk when this returns.
pub(crate) fn create_directories(dir: &Utf8Path) -> Result<(), TransferError> {
    if dir.as_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().unwrap_or(Utf8Path::new(""));
    create_directories(above)?;
    match fs_err::create_dir(dir) {
        Ok(()) => sync_directory(above),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(TransferError::io("making a directory")(error)),
    }
}

/// Writes a directory's names to disk.
pub(crate) fn sync_directory(dir: &Utf8Path) -> Result<(), TransferError> {
    let dir = if dir.as_str().is_empty() {
        Utf8Path::new(".")
    } else {
        dir
    };
    fs_err::File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(TransferError::io("writing a directory to disk"))
}

/// Writes all that was written in a filesystem to disk: for many files, one wait instead of one for each.
///
/// # Errors
/// Also those of writing back that Linux met since the directory was opened.
pub(crate) fn sync_filesystem(dir: impl AsFd) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(dir)?;
    #[cfg(not(target_os = "linux"))]
    rustix::fs::fsync(dir)?;
    Ok(())
}

/// Whether [`sync_filesystem`] stands in for a sync of each file.
pub(crate) const SYNCS_FILESYSTEMS: bool = cfg!(target_os = "linux");

/// Replaces `file` by these bytes: afterwards it is the old one or the new one, whole. `mode` in Unix bits.
///
/// `unique` makes the temporary name this caller's own: two writers of one file both end whole, the later one stays.
pub(crate) fn replace(
    file: &Utf8Path,
    bytes: &[u8],
    mode: u32,
    unique: u64,
) -> Result<(), TransferError> {
    use std::os::unix::fs::OpenOptionsExt;
    let name = file.file_name().unwrap_or_default();
    let parent = file.parent().unwrap_or(Utf8Path::new(""));
    let temporary = parent.join(format!(".{name}.{}-{unique}.tmp", std::process::id()));
    let write = || -> std::io::Result<()> {
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The mode is there before the first byte is: a ticket is never readable by others, not for a moment.
        let mut handle = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        handle.write_all(bytes)?;
        handle.sync_all()?;
        fs_err::rename(&temporary, file)
    };
    write().map_err(TransferError::io(format!("writing `{file}`")))?;
    sync_directory(parent)
}

/// A number that no other call in this process gets.
pub(crate) fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
