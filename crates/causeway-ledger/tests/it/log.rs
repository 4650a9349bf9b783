//! Appending and reading.

use causeway_ledger::{Appended, EntryKey, LedgerError, Log, verify, verify_since};

use crate::bench::{Bench, append, at, key, statement};

#[test]
fn what_is_appended_is_found_again() {
    let bench = Bench::with_entries(5);
    let log = bench.open();
    assert_eq!(log.len(), 5);
    assert_eq!(log.last_instant(), Some(at(4)));
    let (index, entry) = log.find(&key(2)).unwrap().unwrap();
    assert_eq!((index, entry.at), (2, at(2)));
    assert_eq!(entry.envelope.verify(log.verifier()).unwrap(), statement(2));
    assert!(log.find(&key(9)).unwrap().is_none());
    let keys: Vec<EntryKey> = log.entries().map(|entry| entry.unwrap().1.key).collect();
    assert_eq!(keys, (0..5).map(key).collect::<Vec<_>>());
    assert_eq!(
        log.keys_of_run(&crate::bench::RUN.parse().unwrap()).count(),
        4
    );
    bench.assert_whole(5);
}

#[test]
fn the_empty_log_is_signed_and_whole() {
    let bench = Bench::new();
    let log = bench.open();
    assert!(log.is_empty() && log.last_instant().is_none());
    assert!(
        log.checkpoint_text()
            .starts_with("acme.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
    );
    bench.assert_whole(0);
}

#[test]
fn saying_the_same_twice_is_no_news_and_saying_another_thing_is_refused() {
    let bench = Bench::with_entries(3);
    let mut log = bench.open();
    // Even when the clock went back since.
    assert_eq!(
        log.append(&key(1), &statement(1), at(0)).unwrap(),
        Appended::Already(1)
    );
    let error = log.append(&key(1), &statement(7), at(9)).unwrap_err();
    let LedgerError::Conflict {
        index: 1,
        differ,
        logged,
        offered,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(differ, "/predicate/nth");
    assert_ne!(logged, offered);
    assert!(
        error
            .to_string()
            .contains("`run/20261124T131500Z-7k3m9q/clear/1`"),
        "{error}"
    );
    bench.assert_whole(3);
}

#[test]
fn nothing_is_appended_while_the_clock_is_behind() {
    let bench = Bench::with_entries(3);
    let mut log = bench.open();
    let error = log.append(&key(3), &statement(3), at(1)).unwrap_err();
    assert!(
        matches!(error, LedgerError::ClockBehind { now, last } if now == at(1) && last == at(2))
    );
    // The same instant is not behind.
    assert_eq!(
        log.append(&key(3), &statement(3), at(2)).unwrap(),
        Appended::New(3)
    );
}

#[test]
fn what_cannot_be_signed_or_keyed_leaves_the_log_as_it_was() {
    let bench = Bench::with_entries(1);
    let mut log = bench.open();
    let mut float = statement(1);
    float.predicate["loss"] = serde_json::json!(2.5);
    let error = log.append(&key(1), &float, at(1)).unwrap_err();
    assert!(
        matches!(error, LedgerError::BadStatement { ref at, .. } if at == "/predicate/loss"),
        "{error}"
    );
    let long = EntryKey::stage(&crate::bench::RUN.parse().unwrap(), &"x".repeat(600), 1);
    let error = log.append(&long, &statement(1), at(1)).unwrap_err();
    assert!(matches!(error, LedgerError::BadEntryKey { .. }), "{error}");
    bench.assert_whole(1);
}

#[test]
fn a_log_grows_over_its_first_full_tile() {
    let bench = Bench::with_255_entries();
    assert!(bench.dir().join("tile/entries/000.p/255").exists());
    assert!(bench.dir().join("tile/0/000.p/1").exists());
    let mut log = bench.open();
    append(&mut log, 255);
    // The full tile stands for all its partial ones, and its root for it one level up.
    assert!(bench.dir().join("tile/entries/000").exists());
    assert!(bench.dir().join("tile/1/000.p/1").exists());
    assert!(!bench.dir().join("tile/entries/000.p").exists());
    assert!(!bench.dir().join("tile/0/000.p").exists());
    (256..259).for_each(|nth| assert_eq!(append(&mut log, nth), Appended::New(nth)));
    assert!(bench.dir().join("tile/entries/001.p/3").exists());
    bench.assert_whole(259);
    assert!(bench.verify().uncovered.is_empty());
    let reopened = bench.open();
    assert_eq!(reopened.len(), 259);
    assert_eq!(reopened.checkpoint_text(), log.checkpoint_text());
    assert_eq!(reopened.find(&key(258)).unwrap().unwrap().0, 258);
}

#[test]
fn handles_in_two_threads_append_to_one_log() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|mine| {
            let bench = &bench;
            scope.spawn(move || {
                let mut log = bench.open();
                for nth in 0..30 {
                    // Every second entry is wanted by both.
                    let nth = if nth % 2 == 0 {
                        nth
                    } else {
                        100 * (mine + 1) + nth
                    };
                    log.append(&key(nth), &statement(nth), at(0)).unwrap();
                }
            })
        });
        // A verifier beside them sees a whole log at every size.
        let mut size = 0;
        while !writers.iter().all(|writer| writer.is_finished()) {
            if bench.dir().join("checkpoint").exists() {
                let report = bench.verify();
                report.require_clean().unwrap();
                assert!(report.size >= size);
                size = report.size;
            }
        }
    });
    bench.assert_whole(45);
}

#[test]
fn a_handle_sees_what_others_append_when_it_looks_again() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.open(), bench.open());
    append(&mut one, 0);
    assert_eq!(two.len(), 0);
    two.refresh().unwrap();
    assert_eq!((two.len(), two.last_instant()), (1, Some(at(0))));
    assert_eq!(append(&mut two, 0), Appended::Already(0));
    assert_eq!(append(&mut two, 1), Appended::New(1));
    assert_eq!(append(&mut one, 2), Appended::New(2));
    assert_eq!(one.len(), 3);
    bench.assert_whole(3);
}

#[test]
fn a_log_that_was_put_back_is_noticed() {
    let bench = Bench::with_entries(2);
    let old = bench.copy();
    let mut log = bench.open();
    append(&mut log, 2);
    let earlier = log.checkpoint_text().to_owned();
    append(&mut log, 3);
    verify_since(&bench.dir(), &bench.verifier(), &earlier)
        .unwrap()
        .require_clean()
        .unwrap();

    // The old state is whole in itself; who has seen more knows better.
    let put_back = |with: &Bench| {
        fs_err::remove_dir_all(bench.dir()).unwrap();
        fs_err::rename(with.dir(), bench.dir()).unwrap();
    };
    put_back(&old.copy());
    bench.assert_whole(2);
    let report = verify_since(&bench.dir(), &bench.verifier(), &earlier).unwrap();
    assert_eq!(report.problems[0].file, "checkpoint");
    assert!(matches!(
        log.refresh(),
        Err(LedgerError::RolledBack { had: 4, has: 2 })
    ));
    assert!(matches!(
        log.append(&key(9), &statement(9), at(9)),
        Err(LedgerError::RolledBack { .. })
    ));

    // As long as before, with another history.
    let mut other = old.open();
    (5..7).for_each(|nth| assert_eq!(append(&mut other, nth), Appended::New(nth - 3)));
    put_back(&old);
    bench.assert_whole(4);
    assert!(matches!(
        log.refresh(),
        Err(LedgerError::RolledBack { had: 4, has: 4 })
    ));
    assert!(
        !verify_since(&bench.dir(), &bench.verifier(), &earlier)
            .unwrap()
            .is_clean()
    );
}

#[test]
fn a_log_is_not_opened_with_another_key_or_without_its_checkpoint() {
    let bench = Bench::with_entries(2);
    let other = Bench::new();
    let error = Log::open(&bench.dir(), other.key()).unwrap_err();
    assert!(
        matches!(error, LedgerError::BadCheckpoint { .. }),
        "{error}"
    );
    assert!(!verify(&bench.dir(), &other.verifier()).unwrap().is_clean());

    fs_err::remove_file(bench.dir().join("checkpoint")).unwrap();
    let error = Log::open(&bench.dir(), bench.key()).unwrap_err();
    assert!(
        matches!(error, LedgerError::CheckpointMissing { .. }),
        "{error}"
    );
    let report = bench.verify();
    assert_eq!(report.problems.len(), 1);
    assert_eq!(
        report.problems[0].to_string(),
        "checkpoint: the file is missing"
    );
    assert!(matches!(
        verify(&other.dir(), &other.verifier()),
        Err(LedgerError::Io { .. })
    ));
    fs_err::create_dir(other.dir()).unwrap();
    assert!(matches!(
        verify(&other.dir(), &other.verifier()),
        Err(LedgerError::NotALog { .. })
    ));
}
