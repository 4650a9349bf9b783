//! A process that dies in the middle of an append.

use causeway_domain::{Crash, Env};
use causeway_ledger::{Appended, LedgerError};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::bench::{Bench, append, at, key, statement};

const POINTS: [&str; 4] = [
    "ledger.envelope",
    "ledger.entries",
    "ledger.tiles",
    "ledger.checkpoint",
];

struct CrashAt(&'static str);

impl Env for CrashAt {
    fn now(&self) -> Timestamp {
        at(0)
    }

    fn random(&self) -> u64 {
        0
    }

    fn fault(&self, point: &'static str) -> Result<(), Crash> {
        assert!(
            POINTS.contains(&point),
            "a point that this test does not know: {point}"
        );
        if point == self.0 {
            return Err(Crash { point });
        }
        Ok(())
    }
}

/// Crashes the append of entry `size` at every point, and goes on in every way.
fn crash_at_every_point(base: &Bench, size: u64) {
    for point in POINTS {
        let crashed = || {
            let bench = base.copy();
            let mut log = bench.open();
            let error = log
                .append_with(&key(size), &statement(size), at(size), &CrashAt(point))
                .unwrap_err();
            assert!(
                matches!(&error, LedgerError::Crashed(crash) if crash.point == point),
                "{error}"
            );
            assert_eq!(log.len(), size);
            (bench, log)
        };
        let reached = point == "ledger.checkpoint";
        let expected = if reached {
            Appended::Already(size)
        } else {
            Appended::New(size)
        };

        // As it lies there: the entry is either whole or not there.
        let (bench, _) = crashed();
        bench.assert_whole(size + u64::from(reached));

        // A new process repeats it.
        let (bench, _) = crashed();
        assert_eq!(append(&mut bench.open(), size), expected, "{point}");
        bench.assert_whole(size + 1);

        // The same handle repeats it.
        let (bench, mut log) = crashed();
        assert_eq!(append(&mut log, size), expected, "{point}");
        assert_eq!(append(&mut log, size), Appended::Already(size));
        assert_eq!(append(&mut log, size + 1), Appended::New(size + 1));
        bench.assert_whole(size + 2);

        // Another entry comes first: what the crash left is written over.
        let (bench, _) = crashed();
        let mut log = bench.open();
        assert_eq!(
            append(&mut log, size + 5),
            Appended::New(size + u64::from(reached))
        );
        bench.assert_whole(size + 1 + u64::from(reached));
    }
}

#[test]
fn a_crash_leaves_an_entry_or_none() {
    crash_at_every_point(&Bench::with_entries(0), 0);
    crash_at_every_point(&Bench::with_entries(3), 3);
}

#[test]
fn a_crash_around_a_full_tile_leaves_an_entry_or_none() {
    let base = Bench::with_255_entries();
    let point = "ledger.tiles";
    for (point, expected) in [
        (point, Appended::New(255)),
        ("ledger.checkpoint", Appended::Already(255)),
    ] {
        let bench = base.copy();
        let crashed =
            bench
                .open()
                .append_with(&key(255), &statement(255), at(255), &CrashAt(point));
        assert!(crashed.is_err());
        let mut log = bench.open();
        assert_eq!(append(&mut log, 255), expected);
        assert_eq!(append(&mut log, 256), Appended::New(256));
        bench.assert_whole(257);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two handles append in any order, each say what the other has said before, die at any point and come back.
    #[test]
    fn any_order_of_appends_and_crashes_leaves_each_entry_once(
        steps in proptest::collection::vec((0..2usize, 0..6u64, proptest::option::of(0..POINTS.len()), any::<bool>()), 1..14),
    ) {
        let bench = Bench::new();
        let mut handles = [bench.open(), bench.open()];
        let mut held: Vec<u64> = Vec::new();
        for (who, nth, crash, comes_back) in steps {
            let appended = match crash {
                Some(point) => handles[who].append_with(&key(nth), &statement(nth), at(0), &CrashAt(POINTS[point])),
                None => handles[who].append(&key(nth), &statement(nth), at(0)),
            };
            let known = held.iter().position(|other| *other == nth);
            match (appended, known) {
                (Ok(Appended::Already(index)), Some(place)) => prop_assert_eq!(index, place as u64),
                (Ok(Appended::New(index)), None) => {
                    prop_assert!(crash.is_none());
                    prop_assert_eq!(index, held.len() as u64);
                    held.push(nth);
                }
                (Err(LedgerError::Crashed(_)), None) => {
                    if crash == Some(3) {
                        held.push(nth);
                    }
                    if comes_back {
                        handles[who] = bench.open();
                    }
                }
                (outcome, known) => prop_assert!(false, "{outcome:?} though it was at {known:?}"),
            }
        }
        bench.assert_whole(held.len() as u64);
        let log = bench.open();
        let keys: Vec<_> = log.keys().map(|(_, key, _)| key.clone()).collect();
        prop_assert_eq!(keys, held.into_iter().map(key).collect::<Vec<_>>());
    }
}

#[test]
fn garbage_after_the_checkpoint_is_not_there_and_is_written_over() {
    let bench = Bench::with_entries(3);
    let garbage = [
        "tile/entries/000.p/4",
        "tile/entries/000.p/4.tmp",
        "tile/0/000.p/4",
        "tile/0/000",
        "tile/1/000.p/1",
        "checkpoint.tmp",
        "envelopes/.tmp",
    ];
    for file in garbage {
        let path = bench.dir().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, b"half an ent").unwrap();
    }
    let report = bench.verify();
    report.require_clean().unwrap();
    assert_eq!((report.size, report.uncovered.len()), (3, garbage.len()));

    let mut log = bench.open();
    assert_eq!(log.len(), 3);
    append(&mut log, 3);
    bench.assert_whole(4);
}
