//! Revisions: lists of files, named by their content.

use causeway_domain::{Digest, ModelName, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sealed::{Sealed, canonical};
use crate::{filepath, git};

/// Largest file that a revision may hold: 50 · 10^9 bytes. Hugging Face clients refuse larger ones over plain HTTP
/// (`MAX_HTTP_DOWNLOAD_SIZE` in `huggingface_hub` 2.4.0).
pub const MAX_FILE: u64 = 50_000_000_000;

/// One file of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Relative to the model, parts separated by `/`.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// BLAKE3 of the bytes: their name in the store.
    pub blake3: Digest,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Git's id of what a repository would hold: SHA-1 of `blob <length>\0` and the bytes, or of the pointer file for LFS.
    pub git_oid: String,
    /// A large or binary file, which a Git repository would keep in LFS.
    pub lfs: bool,
}

impl FileRecord {
    /// The entity tag that clients expect, without quotes: SHA-256 for LFS files, else Git's blob id.
    #[must_use]
    pub fn etag(&self) -> String {
        if self.lfs {
            self.sha256.to_string()
        } else {
            self.git_oid.clone()
        }
    }
}

/// A version of a model. Immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The model.
    pub model: ModelName,
    /// 40 hex digits: the start of the SHA-256 of the canonical manifest, which holds paths, sizes and digests.
    /// The same files give the same commit, in any model, whoever admits them.
    pub commit: String,
    /// Sorted by path, byte by byte.
    pub files: Vec<FileRecord>,
    /// When it was first admitted.
    pub created: Timestamp,
    /// The run that first admitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What the admitting party says about its origin. Not part of the commit.
    pub provenance: Value,
    /// Counts the model's revisions from 1.
    pub number: u32,
}

impl Sealed for Revision {
    const FORMAT: &'static str = "causeway-revision/1";
}

impl Revision {
    /// Bytes of all files.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size))
    }

    /// The file with this path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileRecord> {
        let index = self
            .files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()?;
        self.files.get(index)
    }

    /// Whether some file lies below this folder; the root, written as the empty path, always exists.
    #[must_use]
    pub fn has_folder(&self, folder: &str) -> bool {
        folder.is_empty() || self.below(folder).next().is_some()
    }

    /// The files below a folder, at any depth.
    pub(crate) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a FileRecord> {
        self.files.iter().filter(move |file| {
            folder.is_empty()
                || file
                    .path
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Says what in this revision contradicts itself.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(bad) = self.files.iter().find_map(|file| {
            filepath::check(&file.path)
                .err()
                .map(|why| format!("`{}`: {why}", file.path))
        }) {
            return Err(bad);
        }
        if !self.files.is_sorted_by(|a, b| a.path < b.path) {
            return Err("its files are not sorted by path".to_owned());
        }
        let commit = commit_of(&self.files);
        if commit != self.commit {
            return Err(format!(
                "its files give commit {commit}, and it says {}",
                self.commit
            ));
        }
        Ok(())
    }
}

/// The commit of a list of files that is sorted by path.
pub(crate) fn commit_of(files: &[FileRecord]) -> String {
    let files: Vec<Value> = files
        .iter()
        .map(|file| json!({"path": file.path, "size": file.size, "blake3": file.blake3, "sha256": file.sha256}))
        .collect();
    let manifest = canonical(json!({"format": "causeway-manifest/1", "files": files}));
    git::to_hex(
        Sha256::digest(manifest.as_bytes())
            .get(..20)
            .unwrap_or_default(),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record whose digests follow from `seed`.
    pub(crate) fn record(path: &str, seed: u8) -> FileRecord {
        FileRecord {
            path: path.to_owned(),
            size: u64::from(seed),
            blake3: Digest::new([seed; 32]),
            sha256: Digest::new([seed.wrapping_add(1); 32]),
            git_oid: format!("{seed:02x}").repeat(20),
            lfs: false,
        }
    }

    /// A revision of these paths.
    pub(crate) fn revision(paths: &[&str]) -> Revision {
        let files: Vec<_> = paths.iter().map(|path| record(path, 1)).collect();
        Revision {
            model: "acme/tiny".parse().unwrap(),
            commit: commit_of(&files),
            files,
            created: "2026-11-24T13:15:00Z".parse().unwrap(),
            run: None,
            provenance: Value::Null,
            number: 1,
        }
    }

    /// A change of this answer is a change of the format: every client's cache and every signed statement names it.
    #[test]
    fn the_commit_is_golden() {
        // `printf '{"files":[{"blake3":"0101...","path":"a","sha256":"0202...","size":1}],"format":"causeway-manifest/1"}' | sha256sum`
        assert_eq!(
            commit_of(&[record("a", 1)]),
            "87cf9293353936e71010d66dd257084f64d58764"
        );
    }

    #[test]
    fn the_commit_follows_every_part_of_the_content_and_nothing_else() {
        let base = commit_of(&[record("a", 1)]);
        assert_eq!(base.len(), 40);
        assert_ne!(commit_of(&[record("b", 1)]), base);
        assert_ne!(commit_of(&[record("a", 2)]), base);
        assert_ne!(commit_of(&[record("a", 1), record("b", 1)]), base);
        assert_eq!(
            commit_of(&[FileRecord {
                lfs: true,
                ..record("a", 1)
            }]),
            base,
            "follows from the bytes"
        );
    }

    #[test]
    fn folders_are_found_by_their_files() {
        let revision = revision(&["a/b/c", "ab", "z"]);
        assert!(revision.has_folder("") && revision.has_folder("a") && revision.has_folder("a/b"));
        assert!(
            !revision.has_folder("ab")
                && !revision.has_folder("a/b/c")
                && !revision.has_folder("b")
        );
        assert_eq!(revision.file("ab").unwrap().path, "ab");
        assert!(revision.file("a").is_none());
    }

    #[test]
    fn a_revision_that_contradicts_itself_is_found() {
        let good = revision(&["a", "b"]);
        assert_eq!(good.check(), Ok(()));
        let mut swapped = good.clone();
        swapped.files.swap(0, 1);
        let mut grown = good.clone();
        grown.files[0].size += 1;
        let mut escaping = good;
        escaping.files[0].path = "../a".to_owned();
        for bad in [swapped, grown, escaping] {
            assert!(bad.check().is_err());
        }
    }
}
