//! Evidence packs in a stranger's hands.

use causeway_ledger::{
    Attachment, Evidence, EvidenceReport, LedgerError, Subject, export_evidence, sha256,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::bench::{Bench, RUN, append, at, key, statement};

fn attachments() -> Vec<Attachment> {
    [
        ("task.yaml", "run: train"),
        ("rules/us/ear.cedar", "forbid(principal, action, resource);"),
    ]
    .map(|(name, text)| Attachment {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    })
    .to_vec()
}

fn pack(bench: &Bench) -> Evidence {
    export_evidence(
        &bench.open(),
        &RUN.parse().unwrap(),
        &[key(6)],
        &attachments(),
    )
    .unwrap()
}

fn verify(bench: &Bench, json: &str) -> Result<EvidenceReport, LedgerError> {
    let report = Evidence::from_json(json)?.verify(&bench.verifier())?;
    report.require_clean()?;
    Ok(report)
}

/// Changes the pack as somebody would who has no key but knows the format.
fn edited(json: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(json).unwrap();
    edit(&mut value);
    let sorted: std::collections::BTreeMap<String, Value> = match value {
        Value::Object(map) => map.into_iter().collect(),
        other => panic!("{other}"),
    };
    serde_json::to_string(&sorted).unwrap()
}

#[test]
fn a_pack_proves_a_run_offline() {
    let bench = Bench::with_entries(11);
    let json = pack(&bench).to_json();
    assert_eq!(json, pack(&bench).to_json());
    let evidence = Evidence::from_json(&json).unwrap();
    assert_eq!(evidence, pack(&bench));
    assert_eq!(*evidence.claimed_verifier(), bench.verifier());
    assert_eq!(evidence.attachment("task.yaml").unwrap(), b"run: train");

    let report = verify(&bench, &json).unwrap();
    assert_eq!(
        (report.origin.as_str(), report.size),
        ("acme.example/log", 11)
    );
    let indexes: Vec<u64> = report.entries.iter().map(|entry| entry.index).collect();
    assert_eq!(indexes, [0, 1, 2, 3, 6]);
    assert_eq!(report.entries[4].statement, statement(6));
    assert_eq!(report.entries[4].at, at(6));
    // The task is a subject of every statement, the rule pack of none.
    let logged: Vec<(&str, &[u64])> = report
        .attachments
        .iter()
        .map(|file| (file.name.as_str(), file.logged_by.as_slice()))
        .collect();
    assert_eq!(
        logged,
        [
            ("rules/us/ear.cedar", &[][..]),
            ("task.yaml", &[0, 1, 2, 3, 6])
        ]
    );
    assert_eq!(
        edited(&json, |_| {}),
        json,
        "the edits below change nothing but what they say"
    );
}

#[test]
fn a_pack_of_a_log_of_several_tiles_verifies() {
    let bench = Bench::with_255_entries();
    let mut log = bench.open();
    (255..258).for_each(|nth| assert_eq!(append(&mut log, nth).index(), nth));
    let evidence =
        export_evidence(&log, &RUN.parse().unwrap(), &[key(255), key(256)], &[]).unwrap();
    assert_eq!(
        verify(&bench, &evidence.to_json()).unwrap().entries.len(),
        6
    );
}

#[test]
fn a_pack_of_another_log_is_refused() {
    let bench = Bench::with_entries(7);
    let error = pack(&bench).verify(&Bench::new().verifier()).unwrap_err();
    assert!(matches!(error, LedgerError::OtherKey { .. }), "{error}");
}

#[test]
fn what_cannot_be_packed_is_named() {
    let bench = Bench::with_entries(7);
    let log = bench.open();
    let run = RUN.parse().unwrap();
    let other = "20261124T131500Z-bbbbbb".parse().unwrap();
    assert!(matches!(
        export_evidence(&log, &other, &[], &[]),
        Err(LedgerError::NoEntry { .. })
    ));
    assert!(matches!(
        export_evidence(&log, &run, &[key(9)], &[]),
        Err(LedgerError::NoEntry { .. })
    ));
    for name in ["", "../x", "/etc/passwd", "a//b", "a\\b", "a\nb"] {
        let bad = Attachment {
            name: name.to_owned(),
            bytes: Vec::new(),
        };
        let error = export_evidence(&log, &run, &[], &[bad]).unwrap_err();
        assert!(
            matches!(error, LedgerError::BadAttachment { .. }),
            "{error}"
        );
    }
    let twice = [attachments(), attachments()].concat();
    assert!(matches!(
        export_evidence(&log, &run, &[], &twice),
        Err(LedgerError::BadAttachment { .. })
    ));
}

#[test]
fn whatever_is_taken_out_or_put_in_or_swapped_is_found() {
    let bench = Bench::with_entries(7);
    let json = pack(&bench).to_json();
    let edits: [(&str, fn(&mut Value)); 9] = [
        ("contents", |pack| {
            pack["entries"].as_array_mut().unwrap().remove(1);
        }),
        ("contents", |pack| {
            pack["attachments"].as_array_mut().unwrap().remove(0);
        }),
        ("contents", |pack| {
            let attachment = &mut pack["attachments"][1];
            attachment["bytes"] = "ZXZpbA==".into();
            attachment["sha256"] = sha256(b"evil").to_string().into();
        }),
        ("attachments/task.yaml", |pack| {
            pack["attachments"][1]["bytes"] = "ZXZpbA==".into();
        }),
        ("entries/1/envelope", |pack| {
            let other = pack["entries"][2]["envelope"].clone();
            pack["entries"][1]["envelope"] = other;
        }),
        ("entries/1/proof", |pack| {
            let other = pack["entries"][2]["proof"].clone();
            pack["entries"][1]["proof"] = other;
        }),
        ("entries/2/record", |pack| {
            pack["entries"].as_array_mut().unwrap().swap(2, 3);
        }),
        ("entries/1/record", |pack| {
            let other = pack["entries"][0]["record"].clone();
            pack["entries"][1]["record"] = other;
        }),
        ("entries/1/proof", |pack| {
            let text = pack["entries"][1]["record"].as_str().unwrap();
            pack["entries"][1]["record"] = text.replace("13:15:01", "13:15:02").into();
        }),
    ];
    for (place, edit) in edits {
        let evidence = Evidence::from_json(&edited(&json, edit)).unwrap();
        let report = evidence.verify(&bench.verifier()).unwrap();
        let named: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(
            named.iter().any(|problem| problem.starts_with(place)),
            "{place}: {named:#?}"
        );
    }
}

#[test]
fn another_checkpoint_of_the_same_log_is_found() {
    let bench = Bench::with_entries(7);
    let json = pack(&bench).to_json();
    let mut log = bench.open();
    append(&mut log, 7);
    let newer = log.checkpoint_text().to_owned();
    let error = verify(
        &bench,
        &edited(&json, |pack| pack["checkpoint"] = newer.into()),
    )
    .unwrap_err();
    assert!(matches!(error, LedgerError::Problems { .. }), "{error}");
}

#[test]
fn other_versions_and_other_texts_are_refused() {
    let bench = Bench::with_entries(7);
    let json = pack(&bench).to_json();
    for other in [
        edited(&json, |pack| pack["v"] = 2.into()),
        edited(&json, |pack| pack["format"] = "other".into()),
        edited(&json, |pack| pack["more"] = 1.into()),
        json.replacen(':', ": ", 1),
        format!("{json}\n"),
        String::new(),
    ] {
        let error = Evidence::from_json(&other).unwrap_err();
        assert!(matches!(error, LedgerError::BadEvidence { .. }), "{error}");
    }
}

#[test]
fn a_digest_inside_a_predicate_binds_an_attachment() {
    let bench = Bench::with_entries(4);
    let mut log = bench.open();
    let mut said = statement(4);
    said.subject = vec![Subject::blake3("model", sha256(b"model"))];
    said.predicate["packs"] =
        serde_json::json!([{"sha256": sha256(&attachments()[1].bytes).to_string()}]);
    log.append(&key(4), &said, at(4)).unwrap();
    let evidence = export_evidence(&log, &RUN.parse().unwrap(), &[key(4)], &attachments()).unwrap();
    let report = verify(&bench, &evidence.to_json()).unwrap();
    assert_eq!(report.attachments[0].logged_by, [4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn one_changed_bit_is_found(place: prop::sample::Index, bit in 0u8..8) {
        static BENCH: std::sync::LazyLock<(Bench, String)> = std::sync::LazyLock::new(|| {
            let bench = Bench::with_entries(7);
            let json = pack(&bench).to_json();
            (bench, json)
        });
        let (bench, json) = &*BENCH;
        let mut bytes = json.clone().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(verify(bench, &text).is_err());
        }
    }
}
