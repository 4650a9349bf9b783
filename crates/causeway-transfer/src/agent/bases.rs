//! Finding, at the site, the block that a caller holds already.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::beneath::{Beneath, Kind};
use crate::path;
use crate::protocol::message::BaseBlock;

/// Most directories beside the one that is asked for that are looked into.
const MAX_BESIDE: usize = 1000;
/// Most files of the right size of which a block is read.
const MAX_READ: usize = 64;
/// Most answers that are remembered.
const MAX_KNOWN: usize = 10_000;
/// So long nothing is looked for again after it was not found: each block of a file would look otherwise.
const NOT_FOUND: Duration = Duration::from_secs(10);

/// Where the bases of files lie, as far as they were found.
///
/// An earlier checkpoint lies beside the one that is asked for: in a directory with another name, under the same path; a
/// single file may also have it in its own directory. Of those with the right size the one is taken whose block has the
/// right hash.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// For a file and the size of its base: where the base lies, or since when it is known to be nowhere.
    known: Mutex<HashMap<(String, u64), Result<String, Instant>>>,
}

impl Bases {
    /// The bytes of a base of `len` bytes, for the file at `relative` below `root` (which is the file when `relative` is
    /// empty); hashed.
    pub(super) fn find(
        &self,
        tree: &Beneath,
        root: &str,
        relative: &str,
        base: &BaseBlock,
        len: u32,
    ) -> Option<Vec<u8>> {
        let file = path::join(root, relative);
        let key = (file.clone(), base.size);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known().get(&key).cloned();
        match place {
            Some(Err(since)) if since.elapsed() < NOT_FOUND => return None,
            Some(Ok(place)) => {
                if let Some(bytes) = read(tree, &place, base, len) {
                    return Some(bytes);
                }
            }
            _ => {}
        }
        let found = candidates(tree, root, relative, base.size)
            .into_iter()
            .filter(|candidate| *candidate != file)
            .find_map(|candidate| Some((read(tree, &candidate, base, len)?, candidate)));
        let mut known = known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        match found {
            Some((bytes, place)) => {
                known.insert(key, Ok(place));
                Some(bytes)
            }
            None => {
                known.insert(key, Err(Instant::now()));
                None
            }
        }
    }
}

/// Files of this size that may be an earlier state of the one that is asked for, those that changed last first.
fn candidates(tree: &Beneath, root: &str, relative: &str, size: u64) -> Vec<String> {
    let mut places = Vec::new();
    let names = |directory: &str, kind: Kind| {
        let entries = tree.entries(directory).unwrap_or_default();
        let named = entries.into_iter().filter(move |entry| entry.1 == kind);
        named.filter_map(|(name, _)| name.ok()).take(MAX_BESIDE)
    };
    // What is asked for has to have something beside it.
    if root.is_empty() {
        return Vec::new();
    }
    let (beside, below) = if relative.is_empty() {
        let directory = path::parent(root);
        places.extend(names(directory, Kind::File).map(|name| path::join(directory, &name)));
        (directory, path::name(root))
    } else {
        (root, relative)
    };
    if !beside.is_empty() {
        let parent = path::parent(beside);
        let others = names(parent, Kind::Directory).filter(|name| name != path::INCOMING);
        places.extend(others.map(|name| path::join(&path::join(parent, &name), below)));
    }
    let mut found: Vec<_> = places
        .into_iter()
        .filter_map(|place| {
            let (_, stamp) = tree.file(&place).ok()?;
            (stamp.size == size).then_some((stamp.modified, place))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    found.truncate(MAX_READ);
    found.into_iter().map(|(_, place)| place).collect()
}

/// The block, if the file has it where the caller says.
fn read(tree: &Beneath, place: &str, base: &BaseBlock, len: u32) -> Option<Vec<u8>> {
    let (file, stamp) = tree.file(place).ok()?;
    let end = base.offset.checked_add(u64::from(len))?;
    if stamp.size != base.size || end > stamp.size {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    file.read_exact_at(&mut bytes, base.offset).ok()?;
    (*blake3::hash(&bytes).as_bytes() == *base.blake3.bytes()).then_some(bytes)
}
