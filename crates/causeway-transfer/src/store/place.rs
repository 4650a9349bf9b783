//! From the store to where somebody wants the files.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::Arc;

use causeway_domain::Digest;

use super::straight::Straight;
use super::{Store, hash_file};
use crate::beneath::{Beneath, Kind, explain};
use crate::durable;
use crate::error::TransferError;
use crate::holes::{self, Piece};
use crate::manifest::{FileEntry, Manifest, Shape};
use crate::path;

/// How a file gets from the store to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// A second name of the store's file: no bytes are copied, and the file is read-only. Executables, and places on other
    /// filesystems, get a copy.
    Link,
    /// A copy, verified while it is made, that its owner may change.
    Copy,
    /// The store's file itself, which the store no longer has afterwards.
    Move,
}

/// What placing needs.
pub(crate) struct Placing<'a> {
    pub(crate) store: &'a Store,
    pub(crate) how: Placement,
}

/// Where a manifest's files go.
pub(super) enum Target {
    /// One file, by this name in this directory.
    File(Beneath, String),
    /// Into a directory that holds something.
    Into(Beneath),
    /// Into a new directory, which then takes its place.
    Fresh(String),
}

pub(super) fn target(
    manifest: &Manifest,
    parent: &Beneath,
    name: &str,
) -> Result<Target, TransferError> {
    let io = |error| explain(error, &parent.shown(name), name);
    let occupied = |why: &str| TransferError::Occupied {
        dest: parent.shown(name),
        why: why.to_owned(),
    };
    Ok(match (manifest.shape(), parent.kind(name).map_err(io)?) {
        (Shape::File, None | Some(Kind::File)) => {
            Target::File(parent.directory("").map_err(io)?, name.to_owned())
        }
        (Shape::File, Some(Kind::Directory | Kind::Link)) => {
            let own = manifest
                .files()
                .first()
                .map_or(name, |file| file.path.as_str());
            Target::File(parent.directory(name).map_err(io)?, own.to_owned())
        }
        (Shape::Directory, None) => Target::Fresh(temporary(name, &manifest.digest())),
        (Shape::Directory, Some(Kind::Directory | Kind::Link)) => {
            let there = parent.directory(name).map_err(io)?;
            if there.entries("").map_err(io)?.is_empty()
                && parent.kind(name).map_err(io)? == Some(Kind::Directory)
            {
                Target::Fresh(temporary(name, &manifest.digest()))
            } else {
                Target::Into(there)
            }
        }
        (Shape::Directory, Some(Kind::File)) => {
            return Err(occupied("it is a file, and a directory was asked for"));
        }
        (_, Some(Kind::Other)) => return Err(occupied("it is neither a file nor a directory")),
    })
}

/// The same for the same purpose, so that what a killed process left is gone on with: hidden, and its end says unfinished.
fn temporary(name: &str, what: &Digest) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes()).update(what.bytes());
    format!(
        ".causeway-{}.tmp",
        hasher
            .finalize()
            .to_hex()
            .chars()
            .take(24)
            .collect::<String>()
    )
}

/// When what is placed is written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// Each file before it gets its name: somebody may look for it.
    Each,
    /// All of it once, before the directory that holds it gets its name.
    Together,
}

/// A manifest's files beside their place: [`Staged::publish`] is left.
pub(crate) struct Staged {
    parent: Beneath,
    name: String,
    temporary: Option<Temporary>,
}

/// Where a new directory is filled.
enum Temporary {
    /// Beside its place, under this name.
    Beside(String),
    /// In the store.
    Straight(Arc<Straight>),
}

/// Puts the files of a manifest beside `name` in `parent`, or, where something is there already, at their places: see
/// [`Store::materialise`].
pub(crate) fn stage(
    placing: &Placing<'_>,
    manifest: &Manifest,
    parent: Beneath,
    name: String,
) -> Result<Staged, TransferError> {
    let io = |error| explain(error, &parent.shown(&name), &name);
    let temporary = match target(manifest, &parent, &name)? {
        Target::File(dir, name) => {
            for entry in manifest.files() {
                placing.put(entry, &dir, &name, true, Sync::Each)?;
            }
            dir.sync().map_err(io)?;
            None
        }
        Target::Into(dir) => {
            fill(placing, manifest, &dir, Sync::Each, &[])?;
            None
        }
        Target::Fresh(temporary) => {
            let fresh = parent.make_directories(&temporary).map_err(io)?;
            let sync = if durable::SYNCS_FILESYSTEMS {
                Sync::Together
            } else {
                Sync::Each
            };
            fill(placing, manifest, &fresh, sync, &[])?;
            if sync == Sync::Together {
                durable::sync_filesystem(&fresh).map_err(io)?;
            }
            Some(Temporary::Beside(temporary))
        }
    };
    Ok(Staged {
        parent,
        name,
        temporary,
    })
}

/// The same for a manifest of which a part is in its tree already.
pub(crate) fn stage_straight(
    placing: &Placing<'_>,
    manifest: &Manifest,
    straight: &Arc<Straight>,
    parent: Beneath,
    name: String,
) -> Result<Staged, TransferError> {
    let tree = straight.tree();
    fill(placing, manifest, tree, Sync::Together, straight.placed())?;
    durable::sync_filesystem(tree).map_err(|error| explain(error, &tree.shown(""), &name))?;
    Ok(Staged {
        parent,
        name,
        temporary: Some(Temporary::Straight(Arc::clone(straight))),
    })
}

impl Staged {
    /// Makes them visible, for good.
    pub(crate) fn publish(self) -> Result<(), TransferError> {
        let io = |error| explain(error, &self.parent.shown(&self.name), &self.name);
        // Over nothing, or over an empty directory: anything else fails.
        match &self.temporary {
            Some(Temporary::Beside(temporary)) => {
                self.parent.rename(temporary, &self.name).map_err(io)?;
            }
            Some(Temporary::Straight(straight)) => {
                self.parent.take(straight.at(), &self.name).map_err(io)?;
            }
            None => {}
        }
        self.parent.sync().map_err(io)
    }
}

fn fill(
    placing: &Placing<'_>,
    manifest: &Manifest,
    base: &Beneath,
    sync: Sync,
    placed: &[bool],
) -> Result<(), TransferError> {
    let mut last_use: HashMap<Digest, usize> = HashMap::new();
    for (index, entry) in manifest.files().iter().enumerate() {
        last_use.insert(entry.blake3, index);
    }
    let mut open: Option<(&str, Beneath)> = None;
    for (index, entry) in manifest.files().iter().enumerate() {
        if placed.get(index) == Some(&true) {
            continue;
        }
        let above = path::parent(&entry.path);
        let io = |error| explain(error, &base.shown(above), above);
        let dir = match open.take() {
            Some((path, dir)) if path == above => dir,
            before => {
                if let (Some((_, dir)), Sync::Each) = (before, sync) {
                    dir.sync().map_err(io)?;
                }
                match sync {
                    Sync::Each => base.make_directories(above),
                    Sync::Together => base.make_directories_unsynced(above),
                }
                .map_err(io)?
            }
        };
        placing.put(
            entry,
            &dir,
            path::name(&entry.path),
            last_use.get(&entry.blake3) == Some(&index),
            sync,
        )?;
        open = Some((above, dir));
    }
    for link in manifest.links() {
        let above = path::parent(&link.path);
        let dir = match sync {
            Sync::Each => base.make_directories(above),
            Sync::Together => base.make_directories_unsynced(above),
        };
        let io = |error| explain(error, &base.shown(&link.path), &link.path);
        let dir = dir.map_err(io)?;
        put_link(&dir, path::name(&link.path), &link.target)?;
        if sync == Sync::Each {
            dir.sync().map_err(io)?;
        }
    }
    if sync == Sync::Together {
        return Ok(());
    }
    for dir in open.iter().map(|(_, dir)| dir).chain([base]) {
        dir.sync()
            .map_err(|error| explain(error, &base.shown(""), ""))?;
    }
    Ok(())
}

/// Puts a link at its place.
fn put_link(dir: &Beneath, name: &str, target: &str) -> Result<(), TransferError> {
    let io = |error| explain(error, &dir.shown(name), name);
    match dir.kind(name).map_err(io)? {
        Some(Kind::Directory) => {
            return Err(TransferError::Occupied {
                dest: dir.shown(name),
                why: "it is a directory, and a link was asked for".to_owned(),
            });
        }
        Some(Kind::Link) if dir.target(name).map_err(io)? == target.as_bytes() => return Ok(()),
        _ => {}
    }
    let temporary = temporary(
        name,
        &Digest::new(*blake3::hash(target.as_bytes()).as_bytes()),
    );
    dir.remove(&temporary).map_err(io)?;
    dir.symlink(target, &temporary).map_err(io)?;
    dir.rename(&temporary, name).map_err(io)
}

/// Which entries of a manifest already lie where [`stage`] would put them, or where a killed one left them.
pub(crate) fn present(
    manifest: &Manifest,
    parent: &Beneath,
    name: &str,
) -> Result<Vec<bool>, TransferError> {
    let none = vec![false; manifest.files().len()];
    Ok(match target(manifest, parent, name)? {
        Target::File(dir, name) => manifest
            .files()
            .iter()
            .map(|entry| same(&dir, &name, entry))
            .collect(),
        Target::Into(dir) => manifest
            .files()
            .iter()
            .map(|entry| same(&dir, &entry.path, entry))
            .collect(),
        Target::Fresh(temporary) => match parent.directory(&temporary) {
            Ok(dir) => manifest
                .files()
                .iter()
                .map(|entry| same(&dir, &entry.path, entry))
                .collect(),
            Err(_) => none,
        },
    })
}

/// Whether these very bytes stand there, as a file that is not a link.
pub(super) fn same(dir: &Beneath, path: &str, entry: &FileEntry) -> bool {
    let own = dir
        .directory(path::parent(path))
        .and_then(|above| above.kind(path::name(path)));
    if !matches!(own, Ok(Some(Kind::File))) {
        return false;
    }
    match dir.file(path) {
        Ok((file, stamp)) if stamp.size == entry.size && stamp.executable == entry.executable => {
            hash_file(&file).is_ok_and(|hashes| hashes.blake3 == entry.blake3)
        }
        _ => false,
    }
}

impl Placing<'_> {
    fn put(
        &self,
        entry: &FileEntry,
        dir: &Beneath,
        name: &str,
        last_use: bool,
        sync: Sync,
    ) -> Result<(), TransferError> {
        let io = |error| explain(error, &dir.shown(name), name);
        match dir.kind(name).map_err(io)? {
            None => {}
            Some(Kind::Directory) => {
                return Err(TransferError::Occupied {
                    dest: dir.shown(name),
                    why: "it is a directory, and a file was asked for".to_owned(),
                });
            }
            Some(_) if same(dir, name, entry) => return Ok(()),
            Some(_) => {}
        }
        let stored = self.store.path_of(entry.blake3);
        let temporary = temporary(name, &entry.blake3);
        let remove_old = || dir.remove(&temporary).map_err(io);
        match self.how {
            Placement::Link if !entry.executable => {
                match remove_old().map(|()| dir.link(&stored, &temporary))? {
                    Ok(()) => {
                        dir.rename(&temporary, name).map_err(io)?;
                        // A rename onto another name of the same file does nothing.
                        return dir.remove(&temporary).map_err(io);
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Err(self.store.missing(entry.blake3, error));
                    }
                    // Another filesystem, too many names, or a filesystem without them.
                    Err(_) => {}
                }
            }
            Placement::Move if last_use => {
                let mode = if entry.executable { 0o755 } else { 0o644 };
                match std::fs::set_permissions(&stored, PermissionsExt::from_mode(mode)) {
                    Ok(()) if sync == Sync::Each => {
                        let file = self.store.open_file(entry.blake3)?;
                        file.file().sync_all().map_err(io)?;
                    }
                    Ok(()) => {}
                    Err(error) => return Err(self.store.missing(entry.blake3, error)),
                }
                match dir.take(&stored, name) {
                    Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
                    other => return other.map_err(io),
                }
            }
            Placement::Link | Placement::Copy | Placement::Move => {}
        }
        remove_old()?;
        self.copy(entry, dir, &temporary, sync)?;
        dir.rename(&temporary, name).map_err(io)?;
        if self.how == Placement::Move && last_use {
            fs_err::remove_file(stored).map_err(io)?;
        }
        Ok(())
    }

    /// Copies and verifies what is copied. Holes stay holes.
    fn copy(
        &self,
        entry: &FileEntry,
        dir: &Beneath,
        name: &str,
        sync: Sync,
    ) -> Result<(), TransferError> {
        let from = self.store.open_file(entry.blake3)?;
        let doing = || TransferError::io(format!("copying into `{}`", dir.shown(name)));
        let to = dir.create(name, entry.executable).map_err(doing())?;
        let mut hasher = blake3::Hasher::new();
        let copied = holes::pieces(from.file(), 0, u64::MAX, |at, piece| {
            hasher.update(piece.bytes());
            match piece {
                Piece::Data(bytes) => to.write_all_at(bytes, at),
                Piece::Hole(_) => Ok(()),
            }
        });
        copied.and_then(|size| to.set_len(size)).map_err(doing())?;
        let found = Digest::new(*hasher.finalize().as_bytes());
        if found != entry.blake3 {
            dir.remove(name).map_err(doing())?;
            return Err(TransferError::ChangedInStore {
                stored: self.store.path_of(entry.blake3),
                expected: entry.blake3,
                found,
            });
        }
        match sync {
            Sync::Each => to.sync_all().map_err(doing()),
            Sync::Together => Ok(()),
        }
    }
}
