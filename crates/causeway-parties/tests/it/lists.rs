//! The sample files of every format, from bytes to records.

use std::ops::ControlFlow;
use std::path::Path;

use causeway_domain::{Digest, Timestamp};
use causeway_parties::Certainty;
use causeway_parties::lists::{
    DoubtKind, EdgeKind, FileReport, Item, Items, Kind, ListVersion, NameKind, Part, ReadAs,
    Record, Scheme, ScreeningList, Share, detect, read, stored,
};

pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/lists")
            .join(name),
    )
    .unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub(crate) fn items(bytes: &[u8], part: Part, number: u32) -> (Vec<Item>, FileReport) {
    let mut all = Vec::new();
    let as_ = ReadAs {
        part,
        file: "sample",
        number,
        list: None,
    };
    let report = read(as_, bytes, &mut |item| {
        all.push(item);
        ControlFlow::Continue(())
    })
    .unwrap();
    (all, report)
}

/// Imports sample files as one list, written to its stored form and read back.
pub(crate) fn import(list: &str, names: &[&str]) -> ScreeningList {
    let mut all = Vec::new();
    let mut reports = Vec::new();
    for (number, name) in (0..).zip(names) {
        let bytes = sample(name);
        let part = detect(&bytes).unwrap_or_else(|| panic!("{name} is not recognised"));
        let (items, report) = items(&bytes, part, number);
        all.extend(items);
        reports.push(report);
    }
    let format = reports[0].part.format();
    let version = ListVersion::of(list, format, Some(now()), now(), reports);
    let mut text = stored::first_line(&version) + "\n";
    for item in &all {
        text += &stored::item_line(item);
        text += "\n";
    }
    let back = stored::load("stored", text.as_bytes()).unwrap();
    assert_eq!(back, ScreeningList::gather(version.clone(), all));
    assert_eq!(
        stored::read_version("stored", text.as_bytes()).unwrap(),
        version
    );
    back
}

fn names(record: &Record, kind: NameKind) -> Vec<&str> {
    record
        .names
        .iter()
        .filter(|name| name.kind == kind)
        .map(|name| name.text.as_str())
        .collect()
}

fn doubts(record: &Record) -> Vec<DoubtKind> {
    record.doubts.iter().map(|doubt| doubt.kind).collect()
}

#[test]
fn files_are_recognised_by_what_they_hold() {
    for (name, part) in [
        ("ftm-synthetic.jsonl", Part::FtmLines),
        ("csl-synthetic.json", Part::CslJson),
        ("csl-real-sample.csv", Part::CslCsv),
        ("ofac-sdn-real-sample.csv", Part::OfacNames),
        ("ofac-alt-real-sample.csv", Part::OfacAliases),
        ("ofac-add-real-sample.csv", Part::OfacAddresses),
        ("gleif-lei2-synthetic.csv", Part::GleifEntities),
        ("gleif-rr-synthetic.csv", Part::GleifRelationships),
        ("gleif-repex-synthetic.csv", Part::GleifExceptions),
        ("bods-joint-ownership.json", Part::BodsArray),
    ] {
        assert_eq!(detect(&sample(name)), Some(part), "{name}");
    }
    assert_eq!(detect(b"PK\x03\x04"), None);
    assert_eq!(detect(b"name,country\nx,y\n"), None);
    assert_eq!(detect(b""), None);
}

#[test]
fn the_real_sample_of_the_consolidated_screening_list() {
    let bytes = sample("csl-real-sample.csv");
    let (_, report) = items(&bytes, Part::CslCsv, 0);
    assert_eq!(report.bytes, bytes.len() as u64);
    assert_eq!(report.counts.rows, 7);
    assert_eq!(report.counts.parties, 7);
    let words: Vec<(&str, u64)> = report
        .counts
        .listings
        .iter()
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    assert_eq!(
        words,
        [
            ("entity_list", 1),
            ("isn", 1),
            ("meu", 1),
            ("ssi", 3),
            ("uvl", 1)
        ]
    );
    // The successors of line 2 and the flat footnote of line 7 are left to a person.
    let shown: Vec<(u64, DoubtKind)> = report
        .counts
        .shown
        .iter()
        .map(|row| (row.line, row.why[0].kind))
        .collect();
    assert_eq!(shown, [(2, DoubtKind::Reach), (7, DoubtKind::Requirement)]);

    let list = import("csl", &["csl-real-sample.csv"]);
    let cetc = &list.records["99ed1b052fdb09695fae1ba87516d8a0882b0df04652e07aeb5ce7be"];
    assert_eq!(cetc.kind, Kind::Unstated, "an empty type is normal");
    assert_eq!(cetc.names.len(), 9);
    assert!(names(cetc, NameKind::Weak).contains(&"CETC 13"));
    assert!(names(cetc, NameKind::Alias).contains(&"CETC Research Institute 13"));
    assert_eq!(cetc.addresses.len(), 3);
    let listing = &cetc.listings[0];
    assert_eq!(listing.items, Some(Items::All));
    assert_eq!(listing.footnotes.iter().copied().collect::<Vec<_>>(), [3]);
    assert_eq!(listing.citations, ["83 FR 37423", "87 FR 77505"]);
    let isn = &list.records["233a4d725770c81fb561ffe3842c14010c2201971d6be62eca1e613b"];
    assert_eq!(
        names(isn, NameKind::Primary),
        ["Sinobright Import and Export Company"]
    );
    let rosneft = &list.records["18300"];
    assert_eq!(rosneft.kind, Kind::Entity);
    assert!(
        rosneft
            .identifiers
            .iter()
            .any(|number| { number.scheme == Scheme::Registration && number.value == "C122790" })
    );
    let tnk = &list.records["28603"];
    assert_eq!(
        tnk.listings[0].programmes,
        ["VENEZUELA-EO13850", "UKRAINE-EO13662"]
    );
    assert!(tnk.identifiers.iter().any(|number| {
        number.value == "CH-660.0.559.011-2"
            && number.country.is_some_and(|country| country.code() == "CH")
    }));
    assert!(tnk.countries.iter().any(|country| country.code() == "CH"));
}

#[test]
fn the_order_and_separator_of_columns_do_not_matter() {
    let bytes = sample("csl-real-sample.csv");
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let mut tabs = csv::WriterBuilder::new()
        .delimiter(b'\t')
        .from_writer(Vec::new());
    let header = reader.headers().unwrap().clone();
    let turned = |row: &csv::StringRecord| -> Vec<String> {
        row.iter()
            .rev()
            .map(|field| if field == "_id" { "id" } else { field }.to_owned())
            .collect()
    };
    tabs.write_record(turned(&header)).unwrap();
    for row in reader.records() {
        tabs.write_record(turned(&row.unwrap())).unwrap();
    }
    let tabs = tabs.into_inner().unwrap();
    assert_eq!(detect(&tabs), Some(Part::CslTsv));
    let plain = |bytes: &[u8], part| -> Vec<Record> {
        items(bytes, part, 0)
            .0
            .into_iter()
            .map(|item| match item {
                Item::Party(record) => Record {
                    origin: causeway_parties::lists::Origin {
                        file: 0,
                        line: 0,
                        hash: Digest::new([0; 32]),
                    },
                    ..*record
                },
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(plain(&tabs, Part::CslTsv), plain(&bytes, Part::CslCsv));
}

#[test]
fn the_synthetic_consolidated_screening_list() {
    let list = import("csl", &["csl-synthetic.json"]);
    assert_eq!(list.records.len(), 7);
    let qinglan = &list.records["syn-el-0001"];
    assert_eq!(
        qinglan.listings[0]
            .footnotes
            .iter()
            .copied()
            .collect::<Vec<_>>(),
        [4]
    );
    assert_eq!(qinglan.origin.line, 4);
    assert!(qinglan.doubts.is_empty());
    let address = &list.records["syn-el-0003"];
    assert_eq!(address.kind, Kind::Address);
    assert!(
        address.names.is_empty(),
        "an address is matched as an address"
    );
    assert_eq!(address.label, "Address 7");
    let meu = &list.records["syn-meu-0001"];
    assert_eq!(meu.listings[0].items, Some(Items::Listed));
    assert_eq!(names(meu, NameKind::Weak), ["HARI"]);
    assert_eq!(
        names(meu, NameKind::Alias),
        ["Hongqiao Aero Research Institute"]
    );
    assert_eq!(
        list.version.counts.in_doubt, 0,
        "{:?}",
        list.version.counts.shown
    );
    let scripts: Vec<&str> = qinglan
        .names
        .iter()
        .map(|name| name.script.as_str())
        .collect();
    assert_eq!(scripts, ["Latn", "Latn", "Hani", "Latn"]);
}

#[test]
fn the_hash_beside_a_record_is_that_of_its_bytes() {
    let bytes = sample("ftm-synthetic.jsonl");
    let (all, report) = items(&bytes, Part::FtmLines, 0);
    let text = String::from_utf8(bytes.clone()).unwrap();
    for (item, line) in all.iter().zip(text.lines()) {
        let digest: Digest = (*blake3::hash(line.as_bytes()).as_bytes()).into();
        assert_eq!(item.origin().hash, digest);
    }
    // As `sha256sum` prints it.
    assert_eq!(report.sha256.to_string(), sha256(&bytes));
    // A CSV row's bytes are those between its ends.
    let bytes = sample("csl-real-sample.csv");
    let (all, _) = items(&bytes, Part::CslCsv, 0);
    let text = String::from_utf8(bytes).unwrap();
    let second = text.lines().nth(2).unwrap();
    let digest: Digest = (*blake3::hash(second.trim().as_bytes()).as_bytes()).into();
    assert_eq!(all[1].origin().hash, digest);
    assert_eq!(all[1].origin().line, 3);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(bytes).into();
    Digest::new(digest).to_string()
}

#[test]
fn ofacs_three_files_are_one_list() {
    let list = import(
        "sdn",
        &[
            "ofac-add-real-sample.csv",
            "ofac-alt-real-sample.csv",
            "ofac-sdn-real-sample.csv",
        ],
    );
    assert_eq!(list.records.len(), 13);
    assert_eq!(list.version.counts.rows, 13 + 9 + 18);
    let hesa = &list.records["11195"];
    assert_eq!(hesa.kind, Kind::Entity);
    assert_eq!(
        hesa.listings[0].programmes,
        ["NPWMD", "IFSR", "IRAN-CON-ARMS-EO"]
    );
    assert_eq!(hesa.listings[0].list, "sdn");
    assert_eq!(names(hesa, NameKind::Alias).len(), 4);
    assert_eq!(names(hesa, NameKind::Weak).len(), 9);
    assert!(names(hesa, NameKind::Weak).contains(&"SHAHIN CO."));
    assert_eq!(hesa.addresses.len(), 5);
    assert!(hesa.identifiers.iter().any(|number| {
        number.scheme == Scheme::Registration
            && number.value == "26740"
            && number.country.is_some_and(|country| country.code() == "IR")
    }));
    assert!(
        hesa.notes
            .iter()
            .any(|note| note.starts_with("Linked To: ")),
        "a link is no ownership"
    );
    let makran = &list.records["40716"];
    assert_eq!(makran.kind, Kind::Vessel);
    assert!(
        makran
            .identifiers
            .iter()
            .any(|number| number.scheme == Scheme::Imo && number.value == "9486910")
    );
    let uk = &list.records["19709"].identifiers[0];
    assert_eq!(uk.country.unwrap().code(), "GB");
    let suex = &list.records["33151"];
    assert_eq!(doubts(suex), [DoubtKind::Cut]);
    let dialog = &list.records["50544"];
    assert_eq!(dialog.born_or_founded, ["21 Jul 2020"]);
    assert_eq!(
        names(dialog, NameKind::Weak),
        ["DIALOGUE REGIONS", "DIALOG REGIONY", "DIALOGUE"]
    );
}

#[test]
fn what_another_file_adds_needs_no_order_and_is_never_lost() {
    let alone = import("sdn", &["ofac-alt-real-sample.csv"]);
    let record = &alone.records["19709"];
    assert_eq!(doubts(record), [DoubtKind::Dangling]);
    assert_eq!(
        record.names[0].text,
        "AIRCRAFT AVIONICS PARTS AND SUPPORT LTD."
    );
}

#[test]
fn gleif_parents_are_consolidation_and_weak_evidence_is_marked() {
    let list = import(
        "gleif",
        &[
            "gleif-rr-synthetic.csv",
            "gleif-lei2-synthetic.csv",
            "gleif-repex-synthetic.csv",
        ],
    );
    assert_eq!(list.records.len(), 3);
    assert_eq!(list.version.counts.in_doubt, 0);
    let harbour = &list.records["5299SYN2000000000096"];
    assert_eq!(harbour.weak, ["the registration of its LEI lapsed"]);
    assert_eq!(harbour.headquarters.unwrap().code(), "CN");
    let sungai = &list.records["5299SYN3000000000046"];
    assert_eq!(sungai.weak, ["supplied by the party alone"]);
    let reasons: Vec<&str> = sungai
        .exceptions
        .iter()
        .map(|exception| exception.reason.as_str())
        .collect();
    assert_eq!(reasons, ["NATURAL_PERSONS", "NO_KNOWN_PERSON"]);
    assert_eq!(list.relationships.len(), 3);
    for relationship in list.relationships.values() {
        let edge = &relationship.edges[0];
        assert_eq!(
            (edge.kind, &edge.share),
            (EdgeKind::Consolidation, &Share::Unstated)
        );
    }
    let over = &list.relationships["5299SYN3000000000046 IS_DIRECTLY_CONSOLIDATED_BY 5299SYN2000000000096"];
    let on = |day: &str| over.edges[0].holds(day.parse().unwrap(), over.asserted_on);
    assert_eq!(on("2025-12-31"), Certainty::Yes);
    assert_eq!(on("2026-01-01"), Certainty::No);
    assert_eq!(on("2024-05-09"), Certainty::No);
}

#[test]
fn a_wrong_check_digit_is_a_doubt_and_the_party_stays() {
    let text = String::from_utf8(sample("gleif-lei2-synthetic.csv")).unwrap();
    let text = text.replace("5299SYN1000000000049", "5299SYN1000000000048");
    let (all, report) = items(text.as_bytes(), Part::GleifEntities, 0);
    assert_eq!(all.len(), 3);
    assert_eq!(report.counts.in_doubt, 1);
    assert_eq!(report.counts.shown[0].line, 2);
    assert_eq!(all[0].doubts()[0].kind, DoubtKind::Identifier);
}

#[test]
fn ownership_and_sanctions_of_follow_the_money() {
    let list = import("ftm", &["ftm-synthetic.jsonl"]);
    assert_eq!(list.records.len(), 5, "four parties and an address");
    assert_eq!(
        list.version.counts.in_doubt, 0,
        "{:?}",
        list.version.counts.shown
    );
    let qinglan = &list.records["syn-qinglan"];
    assert_eq!(names(qinglan, NameKind::Weak), ["QLC"]);
    assert_eq!(qinglan.addresses[0].text, "No. 1 Synthetic Road, Hangzhou");
    let listing = &qinglan.listings[0];
    assert_eq!(listing.list, "entity_list");
    assert_eq!(listing.policy.as_deref(), Some("Presumption of denial"));
    assert_eq!(listing.items, Some(Items::All));
    assert_eq!(listing.citations, ["90 FR 00001"]);
    let share = |id: &str| list.relationships[id].edges[0].share.to_string();
    assert_eq!(share("syn-own1"), "60 %");
    assert_eq!(share("syn-own2"), "50 %");
    let counted = &list.relationships["syn-own3"].edges[0];
    assert_eq!(counted.share, Share::Unstated);
    assert_eq!(counted.shares.unwrap().to_string(), "500000");
    assert_eq!(
        list.relationships["syn-dir1"].edges[0].kind,
        EdgeKind::Director
    );
    assert_eq!(
        list.relationships["syn-link1"].edges[0].kind,
        EdgeKind::Link
    );
}

#[test]
fn unknown_kinds_lists_and_shares_are_kept_and_marked() {
    let text = r#"{"id": "a", "schema": "Starship", "properties": {"name": ["Odd One"]}}
{"id": "b", "schema": "Company", "properties": {"name": ["B Ltd"], "country": ["zz"], "topics": ["sanction"]}, "target": true}
{"id": "s", "schema": "Sanction", "properties": {"entity": ["a"], "program": ["A List Nobody Knows"], "startDate": ["some day"]}}
{"id": "o", "schema": "Ownership", "properties": {"owner": ["a"], "asset": ["b"], "percentage": ["most of it"]}}
{"id": "p", "schema": "Position", "properties": {"name": ["Minister"]}}
not json at all
{"schema": "Company"}
"#;
    let (all, report) = items(text.as_bytes(), Part::FtmLines, 0);
    assert_eq!(report.counts.rows, 7);
    assert_eq!(report.counts.in_doubt, 6);
    assert_eq!(report.counts.unread, 2);
    assert_eq!(report.counts.aside["Position"], 1);
    let lines: Vec<u64> = report.counts.shown.iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 6, 7]);
    let version = ListVersion::of("x", Part::FtmLines.format(), None, now(), vec![report]);
    let list = ScreeningList::gather(version, all);
    let odd = &list.records["a"];
    assert_eq!(odd.kind, Kind::Other);
    assert_eq!(odd.listings[0].list, "unknown");
    assert_eq!(
        doubts(odd),
        [
            DoubtKind::UnknownKind,
            DoubtKind::UnknownList,
            DoubtKind::Date
        ]
    );
    assert_eq!(
        doubts(&list.records["b"]),
        [DoubtKind::UnknownValue, DoubtKind::UnknownList],
        "a target without an entry is a doubt"
    );
    assert_eq!(list.unread.len(), 2);
}

#[test]
fn bods_keeps_what_is_current() {
    let record = |id: &str, status: &str, day: &str, name: &str| {
        format!(
            r#"{{"statementId": "{id}{day}", "recordId": "{id}", "recordStatus": "{status}", "recordType": "entity", "statementDate": "{day}", "publicationDetails": {{"bodsVersion": "0.4"}}, "recordDetails": {{"entityType": {{"type": "registeredEntity"}}, "name": "{name}"}}}}"#
        )
    };
    let rows = [
        record("a", "new", "2020-01-01", "Old"),
        record("a", "updated", "2021-01-01", "New"),
        record("a", "updated", "2020-06-01", "Late"),
        record("b", "new", "2020-01-01", "Gone"),
        record("b", "closed", "2021-01-01", "Gone"),
        record("b", "updated", "2020-12-31", "Gone before"),
        record("c", "odd", "2020-01-01", "C"),
    ];
    for (text, part) in [
        (rows.join("\n") + "\n", Part::BodsLines),
        (format!("[{}]", rows.join(",\n")), Part::BodsArray),
    ] {
        assert_eq!(detect(text.as_bytes()), Some(part));
        let (all, report) = items(text.as_bytes(), part, 0);
        assert_eq!(report.counts.in_doubt, 1);
        let version = ListVersion::of("x", part.format(), None, now(), vec![report]);
        let list = ScreeningList::gather(version, all);
        let found: Vec<&str> = list
            .records
            .values()
            .map(|record| record.label.as_str())
            .collect();
        assert_eq!(found, ["New", "C"]);
    }
}

#[test]
fn bods_shares_keep_their_bounds_and_every_digit() {
    let statement = |share: &str| {
        format!(
            r#"{{"statementId": "s", "recordId": "r", "recordStatus": "new", "recordType": "relationship", "recordDetails": {{"subject": "a", "interestedParty": "b", "interests": [{{"type": "shareholding", "share": {share}}}]}}}}"#
        ) + "\n"
    };
    for (share, says) in [
        (
            r#"{"exact": 49.99999999999999999999}"#,
            "49.99999999999999999999 %",
        ),
        (r#"{"minimum": 25, "maximum": 50}"#, "25 % to 50 %"),
        (
            r#"{"exclusiveMinimum": 25, "maximum": 50}"#,
            "more than 25 % to 50 %",
        ),
        (r#"{"minimum": 75}"#, "75 % to 100 %"),
        (r#"{"exclusiveMaximum": 10}"#, "0 % to less than 10 %"),
        ("{}", "not stated"),
    ] {
        let (all, report) = items(statement(share).as_bytes(), Part::BodsLines, 0);
        let Item::Relationship(relationship) = &all[0] else {
            panic!("{all:?}")
        };
        assert_eq!(relationship.edges[0].share.to_string(), says);
        assert_eq!(report.counts.in_doubt, 0);
    }
    for share in [
        r#"{"exact": 101}"#,
        r#"{"minimum": 60, "maximum": 50}"#,
        "7",
    ] {
        let (_, report) = items(statement(share).as_bytes(), Part::BodsLines, 0);
        assert_eq!(report.counts.in_doubt, 1, "{share}");
    }
}

#[test]
fn somebody_whom_nobody_names_is_an_unknown_holder() {
    let text = r#"{"statementId": "s", "recordId": "r", "recordStatus": "new", "recordType": "relationship", "recordDetails": {"subject": "a", "interestedParty": {"reason": "subjectExemptFromDisclosure", "description": "listed"}, "interests": [{"type": "shareholding", "share": {"exact": 30}}]}}
"#;
    let (all, report) = items(text.as_bytes(), Part::BodsLines, 0);
    assert_eq!(report.counts.in_doubt, 0);
    let [Item::More(more), Item::Relationship(relationship)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(more.exceptions[0].reason, "subjectExemptFromDisclosure");
    assert_eq!(relationship.edges[0].owner, "unspecified:r");
}
