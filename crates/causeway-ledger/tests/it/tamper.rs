//! Other people's hands: whatever they change is found and named.

use std::sync::LazyLock;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_ledger::{Appended, LedgerError, Log, Report};
use proptest::prelude::*;

use crate::bench::{Bench, append};

static SMALL: LazyLock<Bench> = LazyLock::new(|| Bench::with_entries(4));
static LARGE: LazyLock<Bench> = LazyLock::new(|| {
    let bench = Bench::with_255_entries();
    let mut log = bench.open();
    (255..258).for_each(|nth| assert_eq!(append(&mut log, nth), Appended::New(nth)));
    bench
});

#[track_caller]
fn assert_names_only(report: &Report, file: &Utf8Path) {
    assert!(!report.is_clean(), "{file}: nothing was found");
    for problem in &report.problems {
        assert_eq!(problem.file, file, "{problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn one_changed_bit_is_found_and_its_file_alone_is_named(file: prop::sample::Index, place: prop::sample::Index, bit in 0u8..8) {
        let bench = SMALL.copy();
        let files: Vec<Utf8PathBuf> = bench.files().into_iter().filter(|file| file != "lock").collect();
        let file = file.get(&files);
        bench.change(file, |bytes| {
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
        });
        assert_names_only(&bench.verify(), file);
    }

    #[test]
    fn cut_and_lengthened_files_are_named(file: prop::sample::Index, place: prop::sample::Index, longer: bool) {
        let bench = SMALL.copy();
        let files: Vec<Utf8PathBuf> = bench.files().into_iter().filter(|file| file != "lock").collect();
        let file = file.get(&files);
        bench.change(file, |bytes| if longer { bytes.push(0) } else { bytes.truncate(place.index(bytes.len())) });
        assert_names_only(&bench.verify(), file);
    }
}

#[test]
fn a_missing_file_is_named() {
    for file in SMALL.files() {
        // Partial tiles of sizes gone by are not needed by anybody who has the present ones.
        if file == "lock" || ["1", "2", "3"].contains(&file.file_name().unwrap()) {
            continue;
        }
        let bench = SMALL.copy();
        fs_err::remove_file(bench.dir().join(&file)).unwrap();
        assert_names_only(&bench.verify(), &file);
    }
}

#[test]
fn in_a_log_of_several_tiles_the_entry_is_named_too() {
    // Entry 200's record begins somewhere in the full bundle; entries have 150 bytes or so.
    for (file, place, entry) in [
        ("tile/entries/000", 20_000, 100..200),
        ("tile/entries/001.p/2", 250, 257..258),
        ("tile/0/000", 32 * 77 + 5, 77..78),
        ("tile/0/001.p/1", 3, 256..257),
        ("tile/1/000.p/1", 9, 0..1),
    ] {
        let bench = LARGE.copy();
        bench.change(file.into(), |bytes| bytes[place] ^= 0x10);
        let report = bench.verify();
        assert_names_only(&report, file.into());
        let named = report.problems[0].entry.unwrap();
        assert!(entry.contains(&named), "{file}: {named}");
    }
}

#[test]
fn damage_in_bundle_and_tile_at_different_places_is_told_apart() {
    let bench = LARGE.copy();
    bench.change("tile/entries/001.p/2".into(), |bytes| bytes[20] ^= 1);
    bench.change("tile/0/000".into(), |bytes| bytes[32 * 9] ^= 1);
    let named: Vec<String> = bench
        .verify()
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        named,
        [
            "tile/0/000, entry 9: hash 9 was changed",
            "tile/entries/001.p/2, entry 256: the entry was changed"
        ]
    );
}

#[test]
fn several_problems_are_all_found() {
    let bench = SMALL.copy();
    let envelope = bench
        .files()
        .into_iter()
        .find(|file| file.starts_with("envelopes"))
        .unwrap();
    fs_err::remove_file(bench.dir().join(&envelope)).unwrap();
    bench.change("checkpoint".into(), |bytes| bytes[0] ^= 1);
    bench.change("tile/0/000.p/2".into(), |bytes| bytes[0] ^= 1);
    let report = bench.verify();
    let files: Vec<&str> = report
        .problems
        .iter()
        .map(|problem| problem.file.as_str())
        .collect();
    assert_eq!(files, ["checkpoint", envelope.as_str(), "tile/0/000.p/2"]);
    assert!(matches!(
        report.require_clean(),
        Err(LedgerError::Problems { count: 3, .. })
    ));
}

#[test]
fn rewriting_entry_and_hashes_together_does_not_help() {
    use sha2::{Digest as _, Sha256};
    let bench = SMALL.copy();
    // Someone moves entry 3 to another hour, in every file that holds it, with hashes to match.
    let bundle = bench.dir().join("tile/entries/000.p/4");
    let text = fs_err::read(&bundle).unwrap();
    let place = text
        .windows(8)
        .rposition(|window| window == b"13:15:03")
        .unwrap();
    bench.change("tile/entries/000.p/4".into(), |bytes| {
        bytes[place..place + 8].copy_from_slice(b"14:15:03")
    });
    let bytes = fs_err::read(&bundle).unwrap();
    let mut rest = bytes.as_slice();
    let mut entry = rest;
    while let [high, low, after @ ..] = rest {
        (entry, rest) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
    }
    let leaf = Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize();
    bench.change("tile/0/000.p/4".into(), |bytes| {
        bytes[96..128].copy_from_slice(&leaf)
    });

    let report = bench.verify();
    assert_eq!(report.entries, 0);
    assert_eq!(
        report.problems[0].to_string(),
        "checkpoint: no entries here have the root that it signs"
    );
    let error = Log::open(&bench.dir(), bench.key()).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

#[test]
fn a_damaged_log_is_not_appended_to() {
    let bench = SMALL.copy();
    bench.change("tile/entries/000.p/4".into(), |bytes| bytes[30] ^= 1);
    let error = Log::open(&bench.dir(), bench.key()).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

#[test]
fn a_changed_envelope_is_not_read_as_an_entry() {
    let bench = SMALL.copy();
    for file in bench
        .files()
        .iter()
        .filter(|file| file.starts_with("envelopes"))
    {
        bench.change(file, |bytes| bytes[40] ^= 1);
    }
    let log = bench.open();
    assert!(
        log.entries()
            .all(|entry| matches!(entry, Err(LedgerError::Damaged { .. })))
    );
}
