//! What lies below a directory.

use std::io::ErrorKind;

use super::{Rule, Skipped};
use crate::beneath::{Beneath, Kind, Stamp, explain};
use crate::error::TransferError;
use crate::manifest::LinkEntry;
use crate::path;
use crate::selection::{Links, is_training_state};

/// Deepest directory that is entered.
const MAX_DEPTH: usize = 128;
/// Most files of one manifest.
const MAX_FILES: usize = 2_000_000;

/// A regular file, or a link to one.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its path from what is scanned.
    pub(crate) relative: String,
    /// Its path from the tree.
    pub(crate) full: String,
    /// As it was listed; of many files not each is asked for it, since it is opened soon.
    pub(crate) stamp: Option<Stamp>,
}

/// What of a directory is listed, and how much is said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) rule: Rule,
    /// Of so many files the stamps are wanted.
    pub(crate) stamps: usize,
}

/// What lies below a directory.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The regular files, as a rule in the order of their paths.
    pub(crate) files: Vec<Found>,
    /// The links that come as such.
    pub(crate) links: Vec<LinkEntry>,
    pub(crate) skipped: Vec<Skipped>,
}

/// A directory that is being listed.
struct Level {
    relative: String,
    here: Beneath,
    entries: std::vec::IntoIter<(Result<String, String>, Kind)>,
}

impl Level {
    fn enter(tree: &Beneath, root: &str, relative: String) -> Result<Self, TransferError> {
        let full = path::join(root, &relative);
        let io = |error| explain(error, &tree.shown(&full), &full);
        let here = tree.directory(&full).map_err(io)?;
        let mut entries = here.entries("").map_err(io)?;
        // As the paths of what lies below it would be sorted.
        entries.sort_by(|(left, of_left), (right, of_right)| {
            let (Ok(left) | Err(left), Ok(right) | Err(right)) = (left, right);
            let slash = |kind: &Kind| (*kind == Kind::Directory).then_some(b'/');
            let left = left.bytes().chain(slash(of_left));
            left.cmp(right.bytes().chain(slash(of_right)))
        });
        Ok(Self {
            relative,
            here,
            entries: entries.into_iter(),
        })
    }
}

/// What lies below `root`.
pub(crate) fn list(tree: &Beneath, root: &str, listing: Listing) -> Result<Listed, TransferError> {
    let Listing { rule, stamps } = listing;
    let selection = rule.selection;
    let mut listed = Listed::default();
    let mut open = vec![Level::enter(tree, root, String::new())?];
    loop {
        let depth = open.len();
        let Some(level) = open.last_mut() else { break };
        let Some((name, kind)) = level.entries.next() else {
            open.pop();
            continue;
        };
        let Listed {
            files,
            links,
            skipped,
        } = &mut listed;
        let mut skip = |name: &str, why: &str| {
            skipped.push(Skipped {
                path: path::join(&level.relative, name),
                why: why.to_owned(),
            });
        };
        let name = match name {
            Ok(name) if name == path::INCOMING => continue,
            Ok(name) => name,
            Err(nearest) => {
                skip(&nearest, "its name is not UTF-8");
                continue;
            }
        };
        let is_at_top = level.relative.is_empty();
        if rule.finished && is_at_top && path::unfinished(&name) && name != path::DCP_METADATA {
            skip(&name, "its name says that its writer is not done with it");
            continue;
        }
        if selection.leave_optimizer && is_training_state(&name, kind == Kind::Directory) {
            skip(&name, "only going on with the training needs it");
            continue;
        }
        let relative = path::join(&level.relative, &name);
        if path::check(&relative).is_err() {
            skip(&name, "its path is too long");
            continue;
        }
        match kind {
            Kind::Directory if depth > MAX_DEPTH => {
                skip(&name, "it lies deeper than 128 directories")
            }
            Kind::Directory => open.push(Level::enter(tree, root, relative)?),
            Kind::Other => skip(&name, "it is neither a file nor a directory"),
            Kind::Link if selection.links == Links::Refuse => skip(&name, "it is a link"),
            Kind::Link if selection.links == Links::Keep => {
                let full = path::join(root, &relative);
                let target = tree.target(&full).map(String::from_utf8);
                match target {
                    Ok(Ok(target)) if path::check_target(&relative, &target).is_ok() => {
                        links.push(LinkEntry {
                            path: relative,
                            target,
                        });
                    }
                    Ok(_) => skip(&name, "it is a link that leads out of the directory"),
                    Err(error) => return Err(explain(error, &tree.shown(&full), &full)),
                }
            }
            Kind::File | Kind::Link => {
                let full = path::join(root, &relative);
                // Most are files, and need not be opened for this.
                let own = match kind {
                    Kind::File if files.len() >= stamps => Some(None),
                    Kind::File => level.here.stamp(&name).ok().flatten().map(Some),
                    _ => None,
                };
                let opened = || tree.file(&full).map(|(_, stamp)| Some(stamp));
                match own.map_or_else(opened, Ok) {
                    Ok(stamp) => files.push(Found {
                        relative,
                        full,
                        stamp,
                    }),
                    Err(error) if kind == Kind::Link && error.kind() == ErrorKind::IsADirectory => {
                        skip(&name, "it is a link to a directory");
                    }
                    Err(_) if kind == Kind::Link => skip(
                        &name,
                        "it is a link that leads nowhere, or out of the directory",
                    ),
                    // It was there a moment ago.
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Err(TransferError::Changing { path: full });
                    }
                    Err(error) => return Err(explain(error, &tree.shown(&full), &full)),
                }
            }
        }
        if listed.files.len() + listed.links.len() > MAX_FILES {
            return Err(TransferError::BadManifest {
                why: format!("`{}` holds more than {MAX_FILES} files", tree.shown(root)),
            });
        }
    }
    Ok(listed)
}
