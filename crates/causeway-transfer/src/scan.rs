//! From a directory to its manifest.

mod blocks;
mod files;
mod list;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Mutex;

use camino::Utf8Path;
use causeway_domain::Digest;

use self::files::Hashing;
pub(crate) use self::list::{Found, Listed, Listing, list};
use crate::beneath::{Beneath, Stamp, explain};
use crate::error::TransferError;
use crate::manifest::{Block, Encoder, FileEntry, Manifest, Shape};
use crate::path;
use crate::protocol::message::MANIFEST_PART;
use crate::selection::Selection;

/// A file whose last change is nearer than this to the moment it was read may change again without its times showing it
/// (they tick every few milliseconds; some filesystems round to seconds): it is hashed again the next time.
const SETTLED_NANOS: i128 = 2_000_000_000;
/// A part of a manifest is given away when it has more bytes.
const FULL_PART: usize = MANIFEST_PART / 2;
/// Most files whose hashes are remembered.
const MAX_REMEMBERED: usize = 100_000;
/// Of so many files it is looked beforehand how long they are: a long one among few is hashed on all threads.
const STAMPS: usize = 10_000;

/// A manifest, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What is moved.
    pub manifest: Manifest,
    /// What is not, and why: the caller tells the user.
    pub skipped: Vec<Skipped>,
}

/// An entry that is not moved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Skipped {
    /// Its path, relative to what was scanned.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Which entries of a directory are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Rule {
    /// A checkpoint: at its top level, hidden and temporary names are left out.
    pub(crate) finished: bool,
    /// What somebody chose of it.
    pub(crate) selection: Selection,
}

impl Rule {
    /// What somebody chose of all below it.
    pub(crate) const fn chosen(selection: Selection) -> Self {
        Self {
            finished: false,
            selection,
        }
    }

    /// The same, of a checkpoint.
    pub(crate) const fn finished(selection: Selection) -> Self {
        Self {
            finished: true,
            selection,
        }
    }
}

/// Hashes of files that did not change since they were read, so that a listing after a cut costs no reading.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<HashMap<Stamp, (Digest, Vec<Block>)>>);

impl Remembered {
    fn get(&self, stamp: &Stamp) -> Option<(Digest, Vec<Block>)> {
        self.0.lock().ok()?.get(stamp).cloned()
    }

    fn keep(&self, stamp: Stamp, entry: &FileEntry, now_nanos: i128) {
        if now_nanos - stamp.modified.max(stamp.changed) < SETTLED_NANOS {
            return;
        }
        if let Ok(mut map) = self.0.lock() {
            if map.len() >= MAX_REMEMBERED {
                map.clear();
            }
            map.insert(stamp, (entry.blake3, entry.blocks.clone()));
        }
    }
}

/// What a scan may use and must tell.
pub(crate) struct Scanning<'a> {
    pub(crate) rule: Rule,
    /// Nanoseconds since 1970 at the start, and hashes of earlier scans; `None` reads every file.
    pub(crate) remembered: Option<(i128, &'a Remembered)>,
    /// Told the bytes that are read and those of all files, 0 where that is not known, after each block.
    pub(crate) progress: &'a (dyn Fn(u64, u64) + Sync),
}

/// Lists and hashes a file, or a directory and all below it. Links that stay below `root` and lead to files are taken as
/// files; other links, devices and names that are not UTF-8 are skipped, with the reason.
///
/// # Errors
/// [`TransferError::Changing`] when a file changes while it is read; [`TransferError::NotFound`], [`TransferError::Io`].
pub fn scan(root: &Utf8Path) -> Result<Scan, TransferError> {
    let scanning = Scanning {
        rule: Rule::default(),
        remembered: None,
        progress: &|_, _| {},
    };
    scan_local(root, &scanning)
}

pub(crate) fn scan_local(root: &Utf8Path, scanning: &Scanning<'_>) -> Result<Scan, TransferError> {
    let open = |path: &Utf8Path| {
        Beneath::open(path).map_err(|error| explain(error, path.as_str(), path.as_str()))
    };
    if root.is_dir() {
        return scan_below(&open(root)?, "", scanning);
    }
    let name = root.file_name().ok_or_else(|| TransferError::NotFound {
        path: root.to_string(),
    })?;
    scan_below(
        &open(root.parent().unwrap_or(Utf8Path::new("")))?,
        name,
        scanning,
    )
}

/// As [`scan`], for a path below an open directory.
pub(crate) fn scan_below(
    tree: &Beneath,
    root: &str,
    scanning: &Scanning<'_>,
) -> Result<Scan, TransferError> {
    scan_telling(tree, root, scanning, &mut ())
}

/// The same; gives the manifest's canonical form away while it is made, in parts of at most a megabyte, and its digest. What was
/// given is worth nothing when this fails.
pub(crate) fn scan_encoding(
    tree: &Beneath,
    root: &str,
    scanning: &Scanning<'_>,
    part: impl FnMut(Vec<u8>),
) -> Result<(Scan, Digest), TransferError> {
    let mut encoding = Encoding {
        encoder: None,
        hasher: blake3::Hasher::new(),
        part,
    };
    let scan = scan_telling(tree, root, scanning, &mut encoding)?;
    if let Some(encoder) = &mut encoding.encoder {
        encoder.links(scan.manifest.links());
    }
    encoding.give(0);
    let digest = Digest::new(*encoding.hasher.finalize().as_bytes());
    Ok((scan, digest))
}

/// Who hears of a manifest while it is made.
trait Listener {
    /// It has so many files, and links or none.
    fn begins(&mut self, _: Shape, _files: usize, _links: bool) {}

    /// The next files, in the manifest's order.
    fn found(&mut self, _: &[FileEntry]) {}
}

impl Listener for () {}

/// Makes the canonical form.
struct Encoding<F> {
    encoder: Option<Encoder>,
    hasher: blake3::Hasher,
    part: F,
}

impl<F: FnMut(Vec<u8>)> Encoding<F> {
    /// Gives away what waits, if that is more.
    fn give(&mut self, least: usize) {
        let Some(encoder) = self.encoder.as_mut().filter(|it| it.len() > least) else {
            return;
        };
        for part in encoder.take().chunks(MANIFEST_PART) {
            self.hasher.update(part);
            (self.part)(part.to_vec());
        }
    }
}

impl<F: FnMut(Vec<u8>)> Listener for Encoding<F> {
    fn begins(&mut self, shape: Shape, files: usize, links: bool) {
        self.encoder = Some(Encoder::new(shape, files, links));
    }

    fn found(&mut self, files: &[FileEntry]) {
        for file in files {
            if let Some(encoder) = &mut self.encoder {
                encoder.file(file);
            }
        }
        self.give(FULL_PART);
    }
}

fn scan_telling(
    tree: &Beneath,
    root: &str,
    scanning: &Scanning<'_>,
    listener: &mut dyn Listener,
) -> Result<Scan, TransferError> {
    let listing = Listing {
        rule: scanning.rule,
        stamps: STAMPS,
    };
    let (shape, listed) = match tree.file(root) {
        Ok((_, stamp)) => {
            let file = Found {
                relative: path::name(root).to_owned(),
                full: root.to_owned(),
                stamp: Some(stamp),
            };
            let listed = Listed {
                files: vec![file],
                ..Listed::default()
            };
            (Shape::File, listed)
        }
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            (Shape::Directory, list(tree, root, listing)?)
        }
        Err(error) => return Err(explain(error, &tree.shown(root), root)),
    };
    let Listed {
        files: mut paths,
        mut links,
        skipped,
    } = listed;
    paths.sort_by(|left, right| left.relative.cmp(&right.relative));
    links.sort_by(|left, right| left.path.cmp(&right.path));
    listener.begins(shape, paths.len(), !links.is_empty());
    let hashing = Hashing::new(tree, scanning, &paths);
    let files = hashing.all(&paths, |entries| listener.found(entries))?;
    Ok(Scan {
        manifest: Manifest::with_links(shape, files, links)?,
        skipped,
    })
}

#[cfg(test)]
mod tests {
    use crate::selection::Links;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use camino::Utf8PathBuf;

    fn scratch() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        (dir, base)
    }

    fn paths(scan: &Scan) -> Vec<&str> {
        scan.manifest
            .files()
            .iter()
            .map(|file| file.path.as_str())
            .collect()
    }

    #[test]
    fn lists_files_in_order_and_says_what_it_leaves() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (_keep, base) = scratch();
        fs_err::create_dir_all(base.join("z/deep")).unwrap();
        fs_err::create_dir_all(base.join(path::INCOMING)).unwrap();
        fs_err::write(base.join(path::INCOMING).join("x"), "never").unwrap();
        fs_err::write(base.join("z/deep/b"), vec![7; (2 << 20) + 5]).unwrap();
        fs_err::write(base.join("z.txt"), "").unwrap();
        fs_err::write(base.join(".hidden"), "h").unwrap();
        fs_err::write(base.join("z/.kept"), "below the top").unwrap();
        fs_err::write(base.join("run.sh"), "#!").unwrap();
        fs_err::set_permissions(base.join("run.sh"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        symlink("z/deep/b", base.join("link")).unwrap();
        symlink("/etc/passwd", base.join("out")).unwrap();
        symlink("z", base.join("dirlink")).unwrap();

        let all = scan(&base).unwrap();
        assert_eq!(
            paths(&all),
            [".hidden", "link", "run.sh", "z.txt", "z/.kept", "z/deep/b"]
        );
        let mut left: Vec<_> = all
            .skipped
            .iter()
            .map(|skipped| skipped.path.as_str())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["dirlink", "out"]);
        assert!(all.manifest.file("run.sh").unwrap().executable);
        let b = all.manifest.file("z/deep/b").unwrap();
        assert_eq!(
            b.blocks.iter().map(|block| block.len).collect::<Vec<_>>(),
            [1 << 20, 1 << 20, 5]
        );
        assert_eq!(all.manifest.file("link").unwrap().blake3, b.blake3);

        let tree = Beneath::open(&base).unwrap();
        let finished = Scanning {
            rule: Rule::finished(Selection::default()),
            remembered: None,
            progress: &|_, _| {},
        };
        assert_eq!(
            paths(&scan_below(&tree, "", &finished).unwrap()),
            ["link", "run.sh", "z.txt", "z/.kept", "z/deep/b"]
        );
    }

    #[test]
    fn one_file_is_a_manifest_of_its_name() {
        let (_keep, base) = scratch();
        fs_err::write(base.join("m.bin"), "abc").unwrap();
        let scan = scan(&base.join("m.bin")).unwrap();
        assert_eq!(scan.manifest.shape(), Shape::File);
        assert_eq!(paths(&scan), ["m.bin"]);
        assert!(matches!(
            super::scan(&base.join("none")),
            Err(TransferError::NotFound { .. })
        ));
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_not_taken() {
        let (_keep, base) = scratch();
        let file = base.join("m.bin");
        fs_err::write(&file, vec![1; 3 << 20]).unwrap();
        let touched = AtomicBool::new(false);
        let change = |_, _| {
            if !touched.swap(true, Ordering::Relaxed) {
                use std::io::Write;
                fs_err::OpenOptions::new()
                    .append(true)
                    .open(&file)
                    .unwrap()
                    .write_all(b"more")
                    .unwrap();
            }
        };
        let scanning = Scanning {
            rule: Rule::default(),
            remembered: None,
            progress: &change,
        };
        assert!(matches!(
            scan_local(&base, &scanning),
            Err(TransferError::Changing { .. })
        ));
        let touched = AtomicBool::new(false);
        let cut = |_, _| {
            if !touched.swap(true, Ordering::Relaxed) {
                fs_err::OpenOptions::new()
                    .write(true)
                    .open(&file)
                    .unwrap()
                    .set_len(1 << 20)
                    .unwrap();
            }
        };
        let scanning = Scanning {
            rule: Rule::default(),
            remembered: None,
            progress: &cut,
        };
        assert!(matches!(
            scan_local(&base, &scanning),
            Err(TransferError::Changing { .. })
        ));
        assert!(scan(&base).is_ok());
    }

    #[test]
    fn what_is_given_while_it_is_made_is_the_canonical_form() {
        let (_keep, base) = scratch();
        for number in 0..9000u32 {
            // Names of 140 bytes: the form has more than one part.
            let name = format!("{number:05}{}", "x".repeat(135));
            fs_err::write(base.join(name), number.to_be_bytes()).unwrap();
        }
        std::os::unix::fs::symlink("00001", base.join("b")).unwrap();
        std::os::unix::fs::symlink("00001", base.join("a")).unwrap();
        let rule = Rule::chosen(Selection {
            links: Links::Keep,
            ..Selection::default()
        });
        let scanning = Scanning {
            rule,
            remembered: None,
            progress: &|_, _| {},
        };
        let mut parts = Vec::new();
        let tree = Beneath::open(&base).unwrap();
        let (scan, digest) = scan_encoding(&tree, "", &scanning, |part| parts.push(part)).unwrap();
        assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= MANIFEST_PART));
        assert_eq!(parts.concat(), scan.manifest.encode());
        assert_eq!(digest, scan.manifest.digest());
        assert_eq!(scan.manifest.links().len(), 2);
    }

    #[test]
    fn many_files_come_in_order_and_one_that_fails_is_told() {
        let (_keep, base) = scratch();
        for number in 0..300u32 {
            fs_err::write(base.join(format!("{number:03}")), number.to_be_bytes()).unwrap();
        }
        let files = scan(&base).unwrap().manifest;
        for (number, file) in (0..300u32).zip(files.files()) {
            assert_eq!(file.path, format!("{number:03}"));
            assert_eq!(
                *file.blake3.bytes(),
                *blake3::hash(&number.to_be_bytes()).as_bytes()
            );
        }
        let gone = AtomicBool::new(false);
        let remove = |_, _| {
            if !gone.swap(true, Ordering::Relaxed) {
                fs_err::remove_file(base.join("299")).unwrap();
            }
        };
        let scanning = Scanning {
            rule: Rule::default(),
            remembered: None,
            progress: &remove,
        };
        assert!(matches!(
            scan_local(&base, &scanning),
            Err(TransferError::Changing { path }) if path == "299"
        ));
    }

    #[test]
    fn a_hash_is_remembered_only_once_the_file_has_settled() {
        let (_keep, base) = scratch();
        fs_err::write(base.join("a"), "one").unwrap();
        let modified = Beneath::open(&base).unwrap().file("a").unwrap().1.modified;
        for (later, kept) in [(1_000_000_000, false), (3_000_000_000, true)] {
            let remembered = Remembered::default();
            let scanning = Scanning {
                rule: Rule::default(),
                remembered: Some((modified + later, &remembered)),
                progress: &|_, _| {},
            };
            let first = scan_local(&base, &scanning).unwrap();
            assert_eq!(remembered.0.lock().unwrap().len(), usize::from(kept));
            assert_eq!(scan_local(&base, &scanning).unwrap(), first);
        }
    }

    #[test]
    fn safetensors_are_cut_at_their_tensors() {
        let (_keep, base) = scratch();
        let data = vec![1u8; 6 << 20];
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![6 << 20], &data)
                .unwrap();
        fs_err::write(
            base.join("m.safetensors"),
            safetensors::serialize([("w", view)], None).unwrap(),
        )
        .unwrap();
        let scan = scan(&base).unwrap();
        let lens: Vec<u32> = scan.manifest.files()[0]
            .blocks
            .iter()
            .map(|block| block.len)
            .collect();
        assert_eq!(lens[1..], [3 << 20, 3 << 20]);
    }
}
