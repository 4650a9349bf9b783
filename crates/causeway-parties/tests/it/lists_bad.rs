//! Files that are broken, cut off, or nothing at all.

use std::ops::ControlFlow;

use causeway_parties::lists::{
    DoubtKind, FileReport, ListError, Part, ReadAs, detect, read, stored,
};
use proptest::prelude::*;

use crate::lists::{items, sample};

const PARTS: [Part; 13] = [
    Part::FtmLines,
    Part::CslJson,
    Part::CslCsv,
    Part::CslTsv,
    Part::OfacNames,
    Part::OfacAliases,
    Part::OfacAddresses,
    Part::OfacComments,
    Part::GleifEntities,
    Part::GleifRelationships,
    Part::GleifExceptions,
    Part::BodsArray,
    Part::BodsLines,
];

const SAMPLES: [(&str, Part); 9] = [
    ("ftm-synthetic.jsonl", Part::FtmLines),
    ("csl-synthetic.json", Part::CslJson),
    ("csl-real-sample.csv", Part::CslCsv),
    ("ofac-sdn-real-sample.csv", Part::OfacNames),
    ("ofac-alt-real-sample.csv", Part::OfacAliases),
    ("gleif-lei2-synthetic.csv", Part::GleifEntities),
    ("gleif-rr-synthetic.csv", Part::GleifRelationships),
    ("bods-joint-ownership.json", Part::BodsArray),
    ("bods-multiple-indirect-ownership.json", Part::BodsArray),
];

fn tried(bytes: &[u8], part: Part) -> Result<FileReport, ListError> {
    let as_ = ReadAs {
        part,
        file: "bad",
        number: 0,
        list: None,
    };
    read(as_, bytes, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn a_file_cut_in_the_middle_of_a_record_is_an_error() {
    for (name, part) in SAMPLES {
        let bytes = sample(name);
        let whole = tried(&bytes, part).unwrap().counts.rows;
        // Within the last record: its last quotation mark is past, or its last bracket still to come.
        let trimmed = bytes.trim_ascii_end();
        for cut in [trimmed.len() - 2, trimmed.len() - 10] {
            match tried(&bytes[..cut], part) {
                Err(ListError::Truncated { line, .. }) => assert!(line > 1, "{name}"),
                Err(other) => panic!("{name}: {other:?}"),
                Ok(report) => panic!("{name}: {} of {whole} rows", report.counts.rows),
            }
        }
    }
}

#[test]
fn encodings_are_said_or_marked() {
    let bytes = sample("csl-real-sample.csv");
    let text = String::from_utf8(bytes.clone()).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert!(matches!(
        tried(&utf16, Part::CslCsv),
        Err(ListError::Encoding { what: "UTF-16", .. })
    ));
    assert!(matches!(
        tried(b"\x1f\x8b\x08\x00", Part::FtmLines),
        Err(ListError::Encoding { .. })
    ));
    for (name, part) in SAMPLES {
        let plain = sample(name);
        let marked: Vec<u8> = [0xef, 0xbb, 0xbf]
            .into_iter()
            .chain(plain.clone())
            .collect();
        assert_eq!(detect(&marked), Some(part), "{name}");
        let (marked, plain) = (tried(&marked, part).unwrap(), tried(&plain, part).unwrap());
        assert_eq!(
            marked.counts, plain.counts,
            "{name}: a byte order mark changes nothing"
        );
        assert_ne!(
            marked.sha256, plain.sha256,
            "{name}: and belongs to the file"
        );
    }
    let latin = text.replace("ROSNEFT", "ROSN\u{1}FT").into_bytes();
    let latin: Vec<u8> = latin
        .into_iter()
        .map(|byte| if byte == 1 { 0xc9 } else { byte })
        .collect();
    let report = tried(&latin, Part::CslCsv).unwrap();
    let row = report
        .counts
        .shown
        .iter()
        .find(|row| row.line == 5)
        .unwrap();
    assert_eq!(row.why[0].kind, DoubtKind::Encoding);
    let usual = tried(text.as_bytes(), Part::CslCsv)
        .unwrap()
        .counts
        .in_doubt;
    for misread in ["ROSNÃ‰FT", "ROSNÃ©FT", "ROSNï¿½FT\u{fffd}", "ROSN?FT"] {
        let text = text.replace("ROSNEFT", misread);
        let found = tried(text.as_bytes(), Part::CslCsv)
            .unwrap()
            .counts
            .in_doubt;
        assert_eq!(found, usual + 1, "{misread}");
    }
}

#[test]
fn another_format_is_said() {
    for (part, text) in [
        (Part::CslCsv, "a,b\n1,2\n"),
        (Part::CslJson, "{\"total\": 7}"),
        (Part::GleifEntities, "LEI,Name\nx,y\n"),
        (Part::OfacNames, "1,2,3\n"),
    ] {
        let error = tried(text.as_bytes(), part).unwrap_err();
        assert!(
            matches!(error, ListError::AnotherFormat { .. }),
            "{error:?}"
        );
    }
    // Nothing at all is no rows: a report that says so, and a list that covers nothing.
    for part in PARTS {
        match tried(b"", part) {
            Ok(report) => assert_eq!(report.counts.rows, 0),
            Err(error) => assert!(matches!(error, ListError::Truncated { .. }), "{error:?}"),
        }
    }
}

#[test]
fn wrong_types_are_doubts_about_a_field() {
    let text = r#"{"results": [{"id": {}, "source": ["Entity List (EL)"], "name": 7, "addresses": "here", "alt_names": {"a": 1}, "programs": [[1]]},
 17, "x", null, {"source": "Entity List (EL)", "name": "Good Ltd"}]}"#;
    let (all, report) = items(text.as_bytes(), Part::CslJson, 0);
    assert_eq!(report.counts.rows, 5);
    assert_eq!(report.counts.parties, 2, "{all:?}");
    assert_eq!(report.counts.unread, 3);
    assert_eq!(report.counts.in_doubt, 5, "the last has no id");
    assert!(
        all[0]
            .doubts()
            .iter()
            .filter(|doubt| doubt.kind == DoubtKind::WrongType)
            .count()
            >= 4
    );
}

#[test]
fn a_long_field_is_kept_and_an_endless_one_given_up() {
    let name = "x".repeat(1_000_000);
    let text = format!("source,name\nEntity List (EL),{name}\n");
    let report = tried(text.as_bytes(), Part::CslCsv).unwrap();
    assert_eq!(report.counts.parties, 1);
    let endless = format!("source,name\nEntity List (EL),\"{}", "x".repeat(17 << 20));
    assert!(matches!(
        tried(endless.as_bytes(), Part::CslCsv),
        Err(ListError::TooLong { line: 2, .. })
    ));
}

#[test]
fn the_taker_can_stop() {
    let bytes = sample("ftm-synthetic.jsonl");
    let as_ = ReadAs {
        part: Part::FtmLines,
        file: "f",
        number: 0,
        list: None,
    };
    let mut taken = 0;
    let stopped = read(as_, bytes.as_slice(), &mut |_| {
        taken += 1;
        ControlFlow::Break(())
    });
    assert!(matches!(stopped, Err(ListError::Stopped)));
    assert_eq!(taken, 1);
}

#[test]
fn a_stored_list_that_was_changed_is_refused() {
    let refused = |text: &str| match stored::load("s", text.as_bytes()) {
        Err(ListError::Stored { line, .. }) => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(""), 1);
    assert_eq!(refused("{\"causeway_list\": 1}\n"), 1);
    let list = crate::lists::import("ftm", &["ftm-synthetic.jsonl"]);
    let first = stored::first_line(&list.version) + "\n";
    assert_eq!(
        refused(&first.replace("\"causeway_list\":1", "\"causeway_list\":2")),
        1
    );
    assert_eq!(refused(&(first.clone() + "{\"party\": {}}\n")), 2);
    assert_eq!(
        refused(&(first.clone() + "{\"unread\": {\"why\": \"x\"")),
        2
    );
    assert!(stored::load("s", first.as_bytes()).is_ok());
}

#[test]
fn the_stored_form_has_sorted_keys_and_its_golden_line() {
    let list = crate::lists::import("ftm", &["ftm-synthetic.jsonl"]);
    let line = stored::first_line(&list.version);
    assert!(
        line.starts_with("{\"causeway_list\":1,\"counts\":{"),
        "{line}"
    );
    let (all, _) = items(&sample("ftm-synthetic.jsonl"), Part::FtmLines, 0);
    assert_eq!(
        stored::item_line(&all[5]),
        include_str!("../data/lists/stored-edge.json").trim_end()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = detect(&bytes);
        for part in PARTS {
            let _ = tried(&bytes, part);
        }
        let _ = stored::load("s", bytes.as_slice());
    }

    #[test]
    fn structured_noise_never_panics(text in "[\\[\\]{}\",:0-9a-z\\n\\- ]{0,200}") {
        for part in PARTS {
            let _ = tried(text.as_bytes(), part);
        }
    }

    /// A sample with some bytes changed: read, refused or in doubt, and every row that is left is counted.
    #[test]
    fn changed_samples_never_panic(
        which in 0..SAMPLES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, part) = SAMPLES[which];
        let mut bytes = sample(name);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(report) = tried(&bytes, part) {
            let counts = &report.counts;
            let aside: u64 = counts.aside.values().sum();
            prop_assert!(counts.parties + counts.additions + counts.edges + counts.unread + aside + 20 >= counts.rows);
            prop_assert_eq!(report.bytes, bytes.len() as u64);
        }
    }
}
