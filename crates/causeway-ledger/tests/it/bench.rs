//! A folder with a log in it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_ledger::{
    Appended, EntryKey, Log, LogKey, Report, Statement, Subject, Verifier, sha256, verify,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub(crate) const RUN: &str = "20261124T131500Z-7k3m9q";

/// A temporary folder with a key and a log.
pub(crate) struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        Self {
            _folder: folder,
            root,
        }
    }

    pub(crate) fn with_entries(count: u64) -> Self {
        let bench = Self::new();
        let mut log = bench.open();
        (0..count).for_each(|nth| assert_eq!(append(&mut log, nth), Appended::New(nth)));
        bench
    }

    /// One entry short of a full tile. Made once for all tests.
    pub(crate) fn with_255_entries() -> Self {
        static BASE: LazyLock<Bench> = LazyLock::new(|| Bench::with_entries(255));
        BASE.copy()
    }

    /// The same log and key in a folder of its own.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        for file in files(&self.root) {
            let to = copy.root.join(&file);
            fs_err::create_dir_all(to.parent().unwrap()).unwrap();
            // Permissions go with it: the key stays 0600.
            fs_err::copy(self.root.join(&file), to).unwrap();
        }
        copy
    }

    pub(crate) fn dir(&self) -> Utf8PathBuf {
        self.root.join("log")
    }

    pub(crate) fn key(&self) -> LogKey {
        LogKey::open_or_create(&self.root.join("key.pem"), "acme.example/log").unwrap()
    }

    pub(crate) fn verifier(&self) -> Verifier {
        self.key().verifier()
    }

    pub(crate) fn open(&self) -> Log {
        Log::open(&self.dir(), self.key()).unwrap()
    }

    pub(crate) fn verify(&self) -> Report {
        verify(&self.dir(), &self.verifier()).unwrap()
    }

    /// Verifies that the log is whole and has so many entries.
    #[track_caller]
    pub(crate) fn assert_whole(&self, entries: u64) {
        let report = self.verify();
        report.require_clean().unwrap();
        assert_eq!((report.size, report.entries), (entries, entries));
    }

    /// The log's files, relative to its folder.
    pub(crate) fn files(&self) -> BTreeSet<Utf8PathBuf> {
        files(&self.dir())
    }

    pub(crate) fn change(&self, file: &Utf8Path, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.dir().join(file);
        let mut bytes = fs_err::read(&path).unwrap();
        change(&mut bytes);
        fs_err::write(&path, bytes).unwrap();
    }
}

fn files(root: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Utf8PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

/// Stages of the one run first, then things that are none.
pub(crate) fn key(nth: u64) -> EntryKey {
    match nth {
        0..4 => EntryKey::stage(
            &RUN.parse().unwrap(),
            ["plan", "clear", "train", "admit"][usize::try_from(nth).unwrap()],
            1,
        ),
        nth => EntryKey::named(format!("promote/acme/tiny/{nth}")).unwrap(),
    }
}

pub(crate) fn statement(nth: u64) -> Statement {
    Statement {
        subject: vec![Subject::sha256("task.yaml", sha256(b"run: train"))],
        predicate_type: "https://example.com/stage/v1".to_owned(),
        predicate: json!({"nth": nth, "site": "johor-1"}),
    }
}

pub(crate) fn at(nth: u64) -> Timestamp {
    let start: Timestamp = "2026-11-24T13:15:00Z".parse().unwrap();
    start + SignedDuration::from_secs(i64::try_from(nth).unwrap())
}

pub(crate) fn append(log: &mut Log, nth: u64) -> Appended {
    log.append(&key(nth), &statement(nth), at(nth)).unwrap()
}
