//! A directory that nothing resolved in it can leave.
//!
//! On Linux 5.6 or newer the kernel resolves each path with `RESOLVE_BENEATH`: links within the directory are followed, one
//! that leads out of it is an error, and no race between check and use exists. Elsewhere, and where a sandbox refuses
//! `openat2`, paths are walked part by part and no link is followed at all.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use crate::error::TransferError;
use crate::path;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Beneath {
    dir: OwnedFd,
    /// How people know it: for messages only.
    name: Utf8PathBuf,
}

/// What an entry of a directory is, itself: a link is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    Other,
}

/// What a file is and when it changed: two equal stamps of one path mean that nothing was written between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified: i128,
    pub(crate) changed: i128,
    pub(crate) executable: bool,
}

impl Beneath {
    /// Opens a directory by a path that is trusted: links in it are followed.
    pub(crate) fn open(path: &Utf8Path) -> io::Result<Self> {
        let path = if path.as_str().is_empty() {
            Utf8Path::new(".")
        } else {
            path
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path.as_std_path(), flags, Mode::empty())?;
        Ok(Self {
            dir,
            name: path.to_owned(),
        })
    }

    /// For messages.
    pub(crate) fn shown(&self, relative: &str) -> String {
        if relative.is_empty() {
            self.name.to_string()
        } else {
            self.name.join(relative).into_string()
        }
    }

    fn resolve(&self, relative: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let relative = if relative.is_empty() { "." } else { relative };
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            // EAGAIN: somebody renamed a directory on the way while a `..` of a link was resolved.
            for _ in 0..16 {
                match rustix::fs::openat2(&self.dir, relative, flags, Mode::empty(), resolve) {
                    Err(rustix::io::Errno::AGAIN) => {}
                    Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                        return self.walk(relative, flags);
                    }
                    other => return other.map_err(io::Error::from),
                }
            }
            Err(rustix::io::Errno::AGAIN.into())
        }
        #[cfg(not(target_os = "linux"))]
        self.walk(relative, flags)
    }

    /// Part by part, following nothing.
    fn walk(&self, relative: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let through = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut dir = rustix::fs::openat(&self.dir, ".", through, Mode::empty())?;
        let parts: Vec<&str> = relative
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let Some((last, parents)) = parts.split_last() else {
            return Ok(dir);
        };
        if parts.contains(&"..") {
            return Err(rustix::io::Errno::XDEV.into());
        }
        for part in parents {
            dir = rustix::fs::openat(&dir, *part, through, Mode::empty())?;
        }
        Ok(rustix::fs::openat(
            &dir,
            *last,
            flags | OFlags::NOFOLLOW,
            Mode::empty(),
        )?)
    }

    /// Opens a regular file for reading. A pipe or device is not waited for and is an error.
    pub(crate) fn file(&self, relative: &str) -> io::Result<(File, Stamp)> {
        let file = self.resolve(relative, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let stat = rustix::fs::fstat(&file)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok((File::from(file), Stamp::of(&stat))),
            FileType::Directory => Err(rustix::io::Errno::ISDIR.into()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a file nor a directory",
            )),
        }
    }

    /// The stamp of a regular file in this directory itself, not followed; `None` when it is something else.
    pub(crate) fn stamp(&self, name: &str) -> io::Result<Option<Stamp>> {
        let stat = rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        Ok((kind == FileType::RegularFile).then(|| Stamp::of(&stat)))
    }

    /// Opens a directory below.
    pub(crate) fn directory(&self, relative: &str) -> io::Result<Self> {
        let dir = self.resolve(relative, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Self {
            dir,
            name: self.name.join(relative),
        })
    }

    /// The names in a directory below, with what each is; a name that is not UTF-8 comes as an error with its nearest text.
    pub(crate) fn entries(
        &self,
        relative: &str,
    ) -> io::Result<Vec<(Result<String, String>, Kind)>> {
        let dir = self.resolve(relative, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&dir)? {
            let entry = entry?;
            let raw = entry.file_name();
            if raw == c"." || raw == c".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                // Some filesystems say it only when asked for each file.
                kind = match rustix::fs::statat(&dir, raw, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(rustix::io::Errno::NOENT) => continue,
                    Err(error) => return Err(error.into()),
                };
            }
            let kind = match kind {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Directory,
                FileType::Symlink => Kind::Link,
                _ => Kind::Other,
            };
            let name = raw
                .to_str()
                .map(str::to_owned)
                .map_err(|_| raw.to_string_lossy().into_owned());
            entries.push((name, kind));
        }
        Ok(entries)
    }

    /// Where a link leads, as it says itself.
    pub(crate) fn target(&self, relative: &str) -> io::Result<Vec<u8>> {
        let dir = self.directory(path::parent(relative))?;
        let target = rustix::fs::readlinkat(&dir.dir, path::name(relative), Vec::new())?;
        Ok(target.into_bytes())
    }

    /// Makes a link, which must not exist.
    pub(crate) fn symlink(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.dir, name)?)
    }

    /// What stands at a name in this directory itself, not followed; `None` when nothing does.
    pub(crate) fn kind(&self, name: &str) -> io::Result<Option<Kind>> {
        match rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Directory,
                FileType::Symlink => Kind::Link,
                _ => Kind::Other,
            })),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the directories of a path and opens the last. Existing ones are entered as [`Beneath::directory`] does.
    pub(crate) fn make_directories(&self, relative: &str) -> io::Result<Self> {
        self.make(relative, true)
    }

    /// As [`Beneath::make_directories`]; the caller writes them to disk.
    pub(crate) fn make_directories_unsynced(&self, relative: &str) -> io::Result<Self> {
        self.make(relative, false)
    }

    fn make(&self, relative: &str, sync: bool) -> io::Result<Self> {
        let mut at = self.directory("")?;
        for part in relative.split('/').filter(|part| !part.is_empty()) {
            match rustix::fs::mkdirat(&at.dir, part, Mode::from_raw_mode(0o777)) {
                Ok(()) if sync => at.sync()?,
                Ok(()) => {}
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            at = at.directory(part)?;
        }
        Ok(at)
    }

    /// Makes a new file, which must not exist. `executable` decides the mode, less the process's mask.
    pub(crate) fn create(&self, name: &str, executable: bool) -> io::Result<File> {
        let mode = Mode::from_raw_mode(if executable { 0o777 } else { 0o666 });
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(
            &self.dir, name, flags, mode,
        )?))
    }

    /// Removes a file or link, if there.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.dir, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file outside another name here.
    pub(crate) fn link(&self, from: &Utf8Path, name: &str) -> io::Result<()> {
        Ok(rustix::fs::linkat(
            rustix::fs::CWD,
            from.as_std_path(),
            &self.dir,
            name,
            AtFlags::empty(),
        )?)
    }

    /// Takes a file outside in under a name here; fails across filesystems.
    pub(crate) fn take(&self, from: &Utf8Path, name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(
            rustix::fs::CWD,
            from.as_std_path(),
            &self.dir,
            name,
        )?)
    }

    /// Renames within this directory.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.dir, from, &self.dir, to)?)
    }

    /// Writes the directory's names to disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.dir.as_fd())?)
    }
}

impl AsFd for Beneath {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Stamp {
    pub(crate) fn of(stat: &rustix::fs::Stat) -> Self {
        let nanos = |seconds: i64, nanos: i128| i128::from(seconds) * 1_000_000_000 + nanos;
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanos(stat.st_mtime, i128::from(stat.st_mtime_nsec)),
            changed: nanos(stat.st_ctime, i128::from(stat.st_ctime_nsec)),
            executable: stat.st_mode & 0o100 != 0,
        }
    }

    /// The stamp of an open file now.
    pub(crate) fn now(file: &File) -> io::Result<Self> {
        Ok(Self::of(&rustix::fs::fstat(file)?))
    }
}

/// Says in words why a path below a served directory could not be opened.
pub(crate) fn explain(error: io::Error, shown: &str, relative: &str) -> TransferError {
    let denied = |why: &str| TransferError::Denied {
        path: relative.to_owned(),
        why: why.to_owned(),
    };
    match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => TransferError::NotFound {
            path: relative.to_owned(),
        },
        Some(rustix::io::Errno::XDEV) => {
            denied("a link on the way leads out of the served directory")
        }
        Some(rustix::io::Errno::LOOP) => denied("a link on the way is not followed"),
        Some(rustix::io::Errno::ACCESS) => denied("the agent's user may not read it"),
        _ => TransferError::io(format!("opening `{shown}`"))(error),
    }
}

/// Parent directory (made when missing) and name of a destination on this machine.
pub(crate) fn parent_of(dest: &Utf8Path) -> Result<(Beneath, String), TransferError> {
    let Some(name) = dest.file_name() else {
        return Err(TransferError::Occupied {
            dest: dest.to_string(),
            why: "it has no name of its own".to_owned(),
        });
    };
    path::check(name)?;
    let parent = dest.parent().unwrap_or(Utf8Path::new(""));
    if !parent.as_str().is_empty() {
        crate::durable::create_directories(parent)?;
    }
    let beneath =
        Beneath::open(parent).map_err(TransferError::io(format!("opening `{parent}`")))?;
    Ok((beneath, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn tree() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        fs_err::create_dir_all(base.join("root/sub")).unwrap();
        fs_err::write(base.join("secret"), "secret").unwrap();
        fs_err::write(base.join("root/sub/inside"), "inside").unwrap();
        symlink(base.join("secret"), base.join("root/absolute")).unwrap();
        symlink("../secret", base.join("root/relative")).unwrap();
        symlink("..", base.join("root/up")).unwrap();
        symlink("sub/inside", base.join("root/within")).unwrap();
        symlink("within", base.join("root/twice")).unwrap();
        symlink("loop", base.join("root/loop")).unwrap();
        (dir, base)
    }

    #[test]
    fn no_link_leads_out() {
        let (_keep, base) = tree();
        let root = Beneath::open(&base.join("root")).unwrap();
        for out in [
            "absolute",
            "relative",
            "up/secret",
            "../secret",
            "sub/../../secret",
            "loop",
        ] {
            assert!(root.file(out).is_err(), "{out}");
            assert!(root.walk(out, OFlags::RDONLY).is_err(), "{out}");
        }
        assert!(matches!(
            explain(root.file("relative").unwrap_err(), "", "relative"),
            TransferError::Denied { .. }
        ));
        assert!(matches!(
            explain(root.file("none").unwrap_err(), "", "none"),
            TransferError::NotFound { .. }
        ));
        assert!(root.directory("up").is_err());
    }

    #[test]
    fn links_within_are_followed_by_the_kernel_and_by_nobody_else() {
        let (_keep, base) = tree();
        let root = Beneath::open(&base.join("root")).unwrap();
        assert_eq!(root.file("sub/inside").unwrap().1.size, 6);
        assert!(root.walk("sub/inside", OFlags::RDONLY).is_ok());
        assert!(root.walk("within", OFlags::RDONLY).is_err());
        if cfg!(target_os = "linux") {
            assert_eq!(root.file("twice").unwrap().1.size, 6);
        }
    }

    #[test]
    fn writing_does_not_leave_either() {
        let (_keep, base) = tree();
        let root = Beneath::open(&base.join("root")).unwrap();
        assert!(root.make_directories("up/new").is_err());
        assert!(!base.join("new").exists());
        root.make_directories("a/b")
            .unwrap()
            .create("c", false)
            .unwrap();
        assert!(base.join("root/a/b/c").is_file());
        assert!(
            root.create("relative", false).is_err(),
            "a link is not written through"
        );
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let (_keep, base) = tree();
        let pipe = base.join("root/pipe");
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            pipe.as_std_path(),
            Mode::from_raw_mode(0o600),
        )
        .unwrap();
        let root = Beneath::open(&base.join("root")).unwrap();
        assert!(root.file("pipe").is_err());
        let entries = root.entries("").unwrap();
        assert!(entries.contains(&(Ok("pipe".to_owned()), Kind::Other)));
        assert!(entries.contains(&(Ok("up".to_owned()), Kind::Link)));
    }
}
