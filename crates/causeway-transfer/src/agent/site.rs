//! What the agent reads. Blocking.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Digest, Env};
use causeway_weights::codec::Element;
use causeway_weights::{Completeness, Header, MAX_INDEX, ShardIndex, WeightsError};

use super::bases::Bases;
use crate::beneath::{Beneath, Kind, Stamp, explain};
use crate::error::TransferError;
use crate::path;
use crate::protocol::message::{Entry, Item, MAX_ENTRIES};
use crate::scan::{
    Found as FoundFile, Listed, Listing, Remembered, Rule, Scan, Scanning, list, scan_encoding,
};
use crate::selection::Selection;

/// Most directories whose completeness is remembered.
const MAX_CHECKED: usize = 10_000;
/// Most files whose headers are held.
const MAX_HEADERS: usize = 16;

/// The served directories.
pub(super) struct Site {
    roots: Vec<(Utf8PathBuf, Beneath)>,
    remembered: Remembered,
    /// What was found about a directory with a stamp.
    checked: Mutex<HashMap<Digest, Option<String>>>,
    /// Headers of files that are being read.
    headers: Mutex<HashMap<Stamp, Option<Arc<Header>>>>,
    bases: Bases,
    env: Arc<dyn Env>,
}

/// A block that was asked for, and what an encoder may know of it.
pub(super) struct Found {
    pub(super) block: Vec<u8>,
    /// `None`: no header says it.
    pub(super) element: Option<Element>,
    /// The base that the caller named, with its hash, if it is here.
    pub(super) base: Option<(Vec<u8>, Digest)>,
}

impl Site {
    pub(super) fn open(roots: &[Utf8PathBuf], env: Arc<dyn Env>) -> Result<Self, TransferError> {
        let mut opened = Vec::new();
        for root in roots {
            let path = root.canonicalize_utf8().map_err(TransferError::io(format!(
                "opening the served directory `{root}`"
            )))?;
            let tree = Beneath::open(&path).map_err(TransferError::io(format!(
                "opening the served directory `{root}`"
            )))?;
            opened.push((path, tree));
        }
        if opened.is_empty() {
            return Err(TransferError::Denied {
                path: String::new(),
                why: "it was given no directory to serve (`--root`)".to_owned(),
            });
        }
        Ok(Self {
            roots: opened,
            remembered: Remembered::default(),
            checked: Mutex::default(),
            headers: Mutex::default(),
            bases: Bases::default(),
            env,
        })
    }

    /// The root that a path lies in, and the path below it.
    pub(super) fn locate(
        &self,
        path: &str,
    ) -> Result<(&Utf8Path, &Beneath, String), TransferError> {
        let (root, tree, below) = if path.starts_with('/') {
            let asked = Utf8PathBuf::from(format!("/{}", path::clean(path)?));
            let inside = self.roots.iter().find_map(|(root, tree)| {
                Some((root, tree, asked.strip_prefix(root).ok()?.to_string()))
            });
            inside.ok_or_else(|| TransferError::Denied {
                path: path.to_owned(),
                why: "it lies outside the served directories".to_owned(),
            })?
        } else {
            let (root, tree) = self.roots.first().ok_or_else(|| TransferError::NotFound {
                path: path.to_owned(),
            })?;
            (root, tree, path::clean(path)?)
        };
        if below.split('/').next() == Some(path::INCOMING) {
            return Err(TransferError::Denied {
                path: below,
                why: "it is the agent's own".to_owned(),
            });
        }
        Ok((root, tree, below))
    }

    /// The directory whose disk what is put comes to.
    pub(super) fn first_root(&self) -> &Utf8Path {
        self.roots
            .first()
            .map_or(Utf8Path::new("/"), |(root, _)| root)
    }

    /// `part` is given the canonical form while it is made: see [`scan_encoding`]; `progress` as in [`Scanning`].
    pub(super) fn manifest(
        &self,
        path: &str,
        rule: Rule,
        fresh: bool,
        progress: &(dyn Fn(u64, u64) + Sync),
        part: impl FnMut(Vec<u8>),
    ) -> Result<(Scan, Digest), TransferError> {
        let (_, tree, below) = self.locate(path)?;
        let now = self.env.now().as_nanosecond();
        let remembered = (!fresh).then_some((now, &self.remembered));
        let scanning = Scanning {
            rule,
            remembered,
            progress,
        };
        scan_encoding(tree, &below, &scanning, part)
    }

    /// One block, if the file still has the size that it was listed with.
    pub(super) fn read(&self, root: &str, item: &Item) -> Result<Found, TransferError> {
        let (_, tree, below) = self.locate(root)?;
        if !item.path.is_empty() {
            path::check(&item.path)?;
        }
        let full = path::join(&below, &item.path);
        let changing = || TransferError::Changing { path: full.clone() };
        let (mut file, stamp) = tree.file(&full).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => changing(),
            _ => explain(error, &tree.shown(&full), &full),
        })?;
        if stamp.size != item.size {
            return Err(changing());
        }
        let mut bytes = vec![0; usize::try_from(item.len).unwrap_or_default()];
        let read = file
            .seek(SeekFrom::Start(item.offset))
            .and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => changing(),
            _ => TransferError::io(format!("reading `{}`", tree.shown(&full)))(error),
        })?;
        let base = item.base.and_then(|base| {
            let bytes = self.bases.find(tree, &below, &item.path, &base, item.len)?;
            Some((bytes, base.blake3))
        });
        Ok(Found {
            element: self.element(&mut file, &stamp, &full, item),
            block: bytes,
            base,
        })
    }

    /// What the file's header says of a block; `None` when it has none.
    fn element(
        &self,
        file: &mut std::fs::File,
        stamp: &Stamp,
        full: &str,
        item: &Item,
    ) -> Option<Element> {
        if !full.ends_with(".safetensors") {
            return None;
        }
        let known = || self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(stamp).cloned();
        let header = match before {
            Some(header) => header,
            None => {
                file.rewind().ok()?;
                let header = Header::read(file, Utf8Path::new(full)).ok();
                let header = header
                    .filter(|header| header.promised() == stamp.size)
                    .map(Arc::new);
                let mut known = known();
                if known.len() >= MAX_HEADERS {
                    known.clear();
                }
                known.insert(*stamp, header.clone());
                header
            }
        };
        let end = item.offset.saturating_add(u64::from(item.len));
        Some(Element::of(&*header?, &(item.offset..end)))
    }

    /// The entries of a directory, each with what a follower needs to see whether it stands still and is whole.
    pub(super) fn list(&self, path: &str) -> Result<Vec<Entry>, TransferError> {
        let (_, tree, below) = self.locate(path)?;
        let mut names = tree
            .entries(&below)
            .map_err(|error| explain(error, &tree.shown(&below), &below))?;
        names.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut entries = Vec::new();
        for (name, kind) in names {
            let Ok(name) = name else { continue };
            if name == path::INCOMING || path::check(&name).is_err() || entries.len() >= MAX_ENTRIES
            {
                continue;
            }
            let full = path::join(&below, &name);
            let entry = match kind {
                Kind::Directory => directory(tree, &full, &name, |stamp, files| {
                    self.incomplete(tree, &full, stamp, files)
                }),
                Kind::File | Kind::Link => file(tree, &full, &name),
                Kind::Other => None,
            };
            entries.extend(entry);
        }
        Ok(entries)
    }

    fn incomplete(
        &self,
        tree: &Beneath,
        directory: &str,
        stamp: Digest,
        files: &[FoundFile],
    ) -> Option<String> {
        let known = self
            .checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&stamp)
            .cloned();
        known.unwrap_or_else(|| {
            let found = incomplete(tree, directory, files);
            let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            if checked.len() >= MAX_CHECKED {
                checked.clear();
            }
            checked.insert(stamp, found.clone());
            found
        })
    }
}

fn nanos(time: i128) -> u64 {
    u64::try_from(time).unwrap_or_default()
}

fn directory(
    tree: &Beneath,
    full: &str,
    name: &str,
    incomplete: impl FnOnce(Digest, &[FoundFile]) -> Option<String>,
) -> Option<Entry> {
    let mut entry = Entry {
        name: name.to_owned(),
        directory: true,
        files: 0,
        bytes: 0,
        modified: 0,
        stamp: Digest::new([0; 32]),
        incomplete: None,
    };
    let listing = Listing {
        rule: Rule::finished(Selection::default()),
        stamps: usize::MAX,
    };
    match list(tree, full, listing) {
        Ok(Listed { mut files, .. }) => {
            files.sort_by(|left, right| left.relative.cmp(&right.relative));
            let mut hasher = blake3::Hasher::new();
            hasher.update(full.as_bytes());
            let of = |found: &FoundFile| {
                found
                    .stamp
                    .map_or((0, 0, 0), |stamp| (stamp.size, stamp.modified, stamp.inode))
            };
            for found in &files {
                let (size, modified, inode) = of(found);
                let relative = &found.relative;
                hasher
                    .update(&[0])
                    .update(relative.as_bytes())
                    .update(&[0])
                    .update(&size.to_be_bytes());
                hasher
                    .update(&modified.to_be_bytes())
                    .update(&inode.to_be_bytes());
            }
            entry.stamp = Digest::new(*hasher.finalize().as_bytes());
            entry.files = u32::try_from(files.len()).unwrap_or(u32::MAX);
            entry.bytes = files.iter().map(|found| of(found).0).sum();
            entry.modified = files
                .iter()
                .map(|found| nanos(of(found).1))
                .max()
                .unwrap_or_default();
            entry.incomplete = incomplete(entry.stamp, &files);
        }
        Err(TransferError::NotFound { .. }) => return None,
        Err(error) => entry.incomplete = Some(error.to_string()),
    }
    Some(entry)
}

fn file(tree: &Beneath, full: &str, name: &str) -> Option<Entry> {
    // A link that leads out, or to a directory, is not served; so it is not listed.
    let (_, stamp) = tree.file(full).ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(full.as_bytes())
        .update(&stamp.size.to_be_bytes())
        .update(&stamp.modified.to_be_bytes());
    Some(Entry {
        name: name.to_owned(),
        directory: false,
        files: 1,
        bytes: stamp.size,
        modified: nanos(stamp.modified),
        stamp: Digest::new(*hasher.finalize().as_bytes()),
        incomplete: None,
    })
}

/// Why a checkpoint is not whole, as far as its files say.
fn incomplete(tree: &Beneath, directory: &str, files: &[FoundFile]) -> Option<String> {
    files.iter().find_map(|found| {
        let (mut handle, stamp) = match tree.file(&found.full) {
            Ok(opened) => opened,
            Err(error) => return Some(format!("`{}`: {error}", found.relative)),
        };
        let shown = Utf8Path::new(&found.relative);
        if found.relative.ends_with(path::DCP_SHARD) {
            let metadata = path::join(path::parent(&found.relative), path::DCP_METADATA);
            let is_here = files.iter().any(|file| file.relative == metadata);
            return (!is_here)
                .then(|| format!("`{metadata}` is not there, which is written after `{shown}`"));
        }
        if found.relative.ends_with(".safetensors") {
            return match Header::read(&mut handle, shown) {
                Ok(header) => match header.completeness(stamp.size) {
                    Completeness::Complete => None,
                    Completeness::Short { have, promised } => {
                        Some(format!("`{shown}` has {have} of {promised} bytes"))
                    }
                    Completeness::Long { have, promised } => Some(format!(
                        "`{shown}` has {have} bytes, its header says {promised}"
                    )),
                },
                Err(error @ WeightsError::Io { .. } | error @ WeightsError::ShortHeader { .. }) => {
                    Some(error.to_string())
                }
                // Somebody's own format under this name: bytes like any others.
                Err(_) => None,
            };
        }
        if [".safetensors.index.json", ".bin.index.json"]
            .iter()
            .any(|end| found.relative.ends_with(end))
        {
            let mut bytes = Vec::new();
            if let Err(error) = handle.take(MAX_INDEX + 1).read_to_end(&mut bytes) {
                return Some(format!("`{shown}`: {error}"));
            }
            return match ShardIndex::parse(&bytes, shown) {
                Ok(index) => {
                    let beside = |shard: &str| path::join(path::parent(&found.relative), shard);
                    let here =
                        |shard: &&str| files.iter().any(|file| file.relative == beside(shard));
                    let missing = index.shards().into_iter().find(|shard| !here(shard));
                    missing.map(|shard| {
                        format!("`{shard}` is not there, and `{shown}` of `{directory}` names it")
                    })
                }
                Err(error) => Some(error.to_string()),
            };
        }
        None
    })
}
