//! Small files that are written where they will be, rather than into the store first.
//!
//! A file of one block is verified in memory, so nothing of it has to wait in the store until it is whole. Where a manifest goes
//! into a new directory and the store keeps nothing of it afterwards, it is written into the tree that becomes that directory: of
//! a million files each is made once, and none is renamed.
//!
//! The tree grows in the store and is locked while somebody fills it. What a killed transfer left in it is hashed before it
//! counts, and what the manifest does not name is removed.

use std::collections::HashSet;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock, fstat};

use super::Store;
use super::place::{Target, same, target};
use crate::beneath::{Beneath, Kind, explain};
use crate::durable;
use crate::error::TransferError;
use crate::holes;
use crate::manifest::{FileEntry, Manifest};
use crate::path;

/// A tree that becomes a directory.
#[derive(Debug)]
pub(crate) struct Straight {
    /// Locked as long as it is open.
    tree: Beneath,
    at: Utf8PathBuf,
    /// Which entries of the manifest are there.
    placed: Vec<bool>,
    /// The directory that was written into last, and its path.
    open: Option<(String, Beneath)>,
}

impl Straight {
    /// The tree for a manifest that goes to `name` in `parent`. `None` where that is not a new directory, where another process
    /// fills the tree, or where it can't be moved there at once.
    pub(crate) fn begin(
        store: &Store,
        manifest: &Manifest,
        parent: &Beneath,
        name: &str,
    ) -> Result<Option<Self>, TransferError> {
        if !durable::SYNCS_FILESYSTEMS
            || !matches!(target(manifest, parent, name)?, Target::Fresh(_))
        {
            return Ok(None);
        }
        let trees = store.dir().join("trees");
        durable::create_directories(&trees)?;
        let io = TransferError::io(format!("looking into `{trees}`"));
        let same_filesystem = || -> std::io::Result<bool> {
            Ok(fstat(parent)?.st_dev == fstat(&Beneath::open(&trees)?)?.st_dev)
        };
        if !same_filesystem().map_err(io)? {
            return Ok(None);
        }
        let at = trees.join(blake3::hash(name.as_bytes()).to_hex().as_str());
        durable::create_directories(&at)?;
        let io = |error| TransferError::io(format!("opening `{at}`"))(error);
        let tree = Beneath::open(&at).map_err(io)?;
        match flock(&tree, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(io(error.into())),
        }
        // Whoever had it locked may have moved it away meanwhile.
        match Beneath::open(&at).and_then(|now| Ok(fstat(&now)?.st_ino)) {
            Ok(inode) if inode == fstat(&tree).map_err(|error| io(error.into()))?.st_ino => {}
            _ => return Ok(None),
        }
        let mut straight = Self {
            tree,
            at,
            placed: vec![false; manifest.files().len()],
            open: None,
        };
        straight.resume(manifest)?;
        Ok(Some(straight))
    }

    /// Keeps what an earlier try left and the manifest names; removes the rest.
    fn resume(&mut self, manifest: &Manifest) -> Result<(), TransferError> {
        let io = |error| explain(error, &self.tree.shown(""), "");
        if self.tree.entries("").map_err(io)?.is_empty() {
            return Ok(());
        }
        let links = manifest.links().iter().map(|link| link.path.as_str());
        let named = manifest.files().iter().map(|file| file.path.as_str());
        let named: HashSet<&str> = named.chain(links).collect();
        let mut directories = HashSet::new();
        for path in &named {
            let mut above = path::parent(path);
            while !above.is_empty() && directories.insert(above) {
                above = path::parent(above);
            }
        }
        self.sweep("", &named, &directories).map_err(io)?;
        for (entry, placed) in manifest.files().iter().zip(&mut self.placed) {
            *placed = same(&self.tree, &entry.path, entry);
        }
        Ok(())
    }

    fn sweep(
        &self,
        below: &str,
        named: &HashSet<&str>,
        directories: &HashSet<&str>,
    ) -> std::io::Result<()> {
        for (name, kind) in self.tree.entries(below)? {
            let known = name.as_deref().map(|name| path::join(below, name));
            match (known.as_deref(), kind) {
                (Ok(path), Kind::Directory) if directories.contains(path) => {
                    self.sweep(path, named, directories)?;
                }
                (Ok(path), Kind::File | Kind::Link) if named.contains(path) => {}
                (Ok(path), Kind::Directory) => std::fs::remove_dir_all(self.at.join(path))?,
                (Ok(path), _) => std::fs::remove_file(self.at.join(path))?,
                // Nothing of ours has such a name.
                (Err(_), _) => {
                    return Err(std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        "a name in it is not UTF-8",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Writes a file whose bytes were verified.
    pub(crate) fn write(
        &mut self,
        index: u32,
        entry: &FileEntry,
        bytes: &[u8],
    ) -> Result<(), TransferError> {
        let above = path::parent(&entry.path);
        let dir = match self.open.take() {
            Some((path, dir)) if path == above => dir,
            _ => {
                let made = self.tree.make_directories_unsynced(above);
                made.map_err(|error| explain(error, &self.tree.shown(above), above))?
            }
        };
        let name = path::name(&entry.path);
        let create = || match dir.create(name, entry.executable) {
            // Half of one, from a try that found no room or was killed.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                dir.remove(name)?;
                dir.create(name, entry.executable)
            }
            created => created,
        };
        let write = || -> std::io::Result<()> {
            let mut file = create()?;
            if holes::is_zeros(bytes) {
                file.set_len(bytes.len() as u64)
            } else {
                file.write_all(bytes)
            }
        };
        let doing = || format!("writing `{}`", dir.shown(name));
        write().map_err(|error| TransferError::io(doing())(error))?;
        if let Some(placed) = usize::try_from(index)
            .ok()
            .and_then(|index| self.placed.get_mut(index))
        {
            *placed = true;
        }
        self.open = Some((above.to_owned(), dir));
        Ok(())
    }

    /// Whether an entry of the manifest is there.
    pub(crate) fn has(&self, index: u32) -> bool {
        usize::try_from(index).is_ok_and(|index| self.placed.get(index) == Some(&true))
    }

    /// For each entry of the manifest whether it is there.
    pub(crate) fn placed(&self) -> &[bool] {
        &self.placed
    }

    pub(super) const fn tree(&self) -> &Beneath {
        &self.tree
    }

    pub(super) fn at(&self) -> &Utf8Path {
        &self.at
    }
}
