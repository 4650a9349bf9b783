//! Lists in memory: read and indexed once for a state directory, and again when a file or the day changes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8PathBuf;
use causeway_domain::Date;
use causeway_parties::lists::{ListVersion, Lists, Searchable, stored::load};

use crate::RunError;

/// The lists that were read last. A clearance judges more than once, and reading and indexing are what takes time.
#[derive(Default)]
pub(crate) struct Loaded(Mutex<Option<Kept>>);

struct Kept {
    files: BTreeMap<Utf8PathBuf, Stamp>,
    day: Date,
    lists: Read,
}

/// Lists that are ready, and which they are.
#[derive(Clone)]
pub(crate) struct Read {
    pub(crate) searchable: Arc<Searchable>,
    pub(super) versions: Vec<ListVersion>,
    /// Files that are not there.
    pub(super) missing: Vec<Utf8PathBuf>,
}

/// What tells one state of a file from another: an import puts a new file in the old one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Loaded {
    /// These files, ready for a day. One that is not there is no error.
    ///
    /// # Errors
    /// When a file can't be read.
    pub(super) fn read(&self, paths: Vec<Utf8PathBuf>, day: Date) -> Result<Read, RunError> {
        let mut files = BTreeMap::new();
        let mut opened = Vec::new();
        let mut missing = Vec::new();
        for path in paths {
            match fs_err::File::open(&path) {
                Ok(file) => {
                    // Of the file that is read, not of one that took its place meanwhile.
                    let data = file
                        .metadata()
                        .map_err(|error| RunError::state(&path, error))?;
                    let stamp = Stamp {
                        device: data.dev(),
                        inode: data.ino(),
                        size: data.size(),
                        changed: (data.ctime(), data.ctime_nsec()),
                    };
                    files.insert(path.clone(), stamp);
                    opened.push((path, file));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing.push(path),
                Err(error) => return Err(RunError::state(&path, error)),
            }
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && kept.files == files
            && kept.day == day
        {
            return Ok(Read {
                missing,
                ..kept.lists.clone()
            });
        }
        let mut lists = Vec::new();
        for (path, file) in opened {
            lists.push(load(path.as_str(), BufReader::new(file))?);
        }
        let lists = Read {
            versions: lists.iter().map(|list| list.version.clone()).collect(),
            searchable: Arc::new(Searchable::new(Lists::new(lists), day)),
            missing,
        };
        *kept = Some(Kept {
            files,
            day,
            lists: lists.clone(),
        });
        Ok(lists)
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loaded")
    }
}
