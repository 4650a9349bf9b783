//! Git's object ids, which Hugging Face clients show and compare.
//!
//! Source: the object format of Git (`git help hash-object`, gitformat-pack) and the LFS pointer file
//! (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).

use std::collections::BTreeMap;

use causeway_domain::Digest;
use sha1::{Digest as _, Sha1};

use crate::revision::FileRecord;

/// A hasher of a blob of `size` bytes: feed it the bytes, then [`hex`] it.
pub(crate) fn blob(size: u64) -> Sha1 {
    Sha1::new_with_prefix(format!("blob {size}\0"))
}

/// The id as 40 hex digits.
pub(crate) fn hex(hasher: Sha1) -> String {
    to_hex(&hasher.finalize())
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            use std::fmt::Write;
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What Git itself would hold in place of an LFS file.
pub(crate) fn pointer(sha256: &Digest, size: u64) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n")
}

/// Ids of all folders of a revision, by path; the root is the empty path.
pub(crate) fn trees(files: &[FileRecord]) -> BTreeMap<&str, String> {
    let mut children: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::from([("", Vec::new())]);
    for file in files {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        children.entry(folder).or_default().push(Entry {
            name,
            oid: file.git_oid.clone(),
            tree: false,
        });
        for above in crate::filepath::folders(&file.path) {
            children.entry(above).or_default();
        }
    }
    let mut ids = BTreeMap::new();
    // A folder sorts before everything in it, so from the back each folder's own entries are complete when it comes up.
    while let Some((path, mut entries)) = children.pop_last() {
        entries.sort_by(|a, b| a.key().cmp(b.key()));
        let oid = tree(&entries);
        if !path.is_empty() {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            children.entry(above).or_default().push(Entry {
                name,
                oid: oid.clone(),
                tree: true,
            });
        }
        ids.insert(path, oid);
    }
    ids
}

struct Entry<'a> {
    name: &'a str,
    oid: String,
    tree: bool,
}

impl Entry<'_> {
    /// Git sorts a folder as if its name ended in `/`.
    fn key(&self) -> impl Iterator<Item = u8> {
        self.name.bytes().chain(self.tree.then_some(b'/'))
    }
}

fn tree(entries: &[Entry<'_>]) -> String {
    let mut body = Vec::new();
    for entry in entries {
        body.extend_from_slice(if entry.tree { b"40000 " } else { b"100644 " });
        body.extend_from_slice(entry.name.as_bytes());
        body.push(0);
        body.extend(
            entry
                .oid
                .as_bytes()
                .chunks(2)
                .filter_map(|pair| std::str::from_utf8(pair).ok())
                .filter_map(|pair| u8::from_str_radix(pair, 16).ok()),
        );
    }
    let mut hasher = Sha1::new_with_prefix(format!("tree {}\0", body.len()));
    hasher.update(&body);
    hex(hasher)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: &[u8]) -> FileRecord {
        let mut oid = blob(bytes.len() as u64);
        oid.update(bytes);
        FileRecord {
            path: path.to_owned(),
            size: bytes.len() as u64,
            blake3: Digest::new([0; 32]),
            sha256: Digest::new([0; 32]),
            git_oid: hex(oid),
            lfs: false,
        }
    }

    /// Known answers of `git hash-object` and `git write-tree` (Git 2.47).
    #[test]
    fn ids_are_those_of_git() {
        assert_eq!(
            file("x", b"").git_oid,
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
        );
        assert_eq!(
            file("x", b"hello\n").git_oid,
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
        let files = [
            file("a/b/c", b"hello\n"),
            file("a.txt", b""),
            file("a/z", b""),
            file("b", b"hello\n"),
        ];
        let trees = trees(&files);
        assert_eq!(trees[""], "39052a18a8a24378d012dbeeebb1142cc1c093d7");
        assert_eq!(trees["a"], "f88654aea57dc08d45eefb14b0d9c03a17f8c8e3");
        assert_eq!(trees["a/b"], "435927d2fe872add393f6b83553075ffeb232cba");
        assert_eq!(trees.len(), 3);
    }

    #[test]
    fn a_pointer_file_is_what_git_lfs_writes() {
        let text = pointer(&Digest::new([0xab; 32]), 12345);
        assert_eq!(
            text,
            format!(
                "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n",
                "ab".repeat(32)
            )
        );
    }
}
