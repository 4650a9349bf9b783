//! Parties against lists: by name, by number, by address, and what that says about them.

use std::collections::BTreeSet;

use causeway_parties::lists::{
    Entry, Finding, FoundBy, Identifier, Judging, Kind, ListedName, Lists, NameKind, Record,
    Scheme, Screenee, Screener, Screening, ScreeningList, Searchable,
};
use causeway_parties::names::Band;

use crate::lists::{import, now};
use crate::lists_graph::{company, csl, ftm, gleif, list, origin};

fn judging() -> Judging {
    Judging {
        words: ["entity_list".to_owned()].into(),
        ..Judging::at(now())
    }
}

fn searchable(lists: impl IntoIterator<Item = ScreeningList>) -> Searchable {
    Searchable::new(Lists::new(lists), judging().day)
}

fn number(scheme: Scheme, value: &str, country: &str) -> Identifier {
    Identifier {
        scheme,
        value: value.to_owned(),
        as_written: "number".to_owned(),
        country: country.parse().ok(),
    }
}

fn named(name: &str) -> Screenee<'_> {
    Screenee {
        names: vec![name],
        person: Some(false),
        ..Screenee::default()
    }
}

fn with_numbers(numbers: Vec<Identifier>) -> Screenee<'static> {
    Screenee {
        person: Some(false),
        identifiers: numbers,
        ..Screenee::default()
    }
}

fn screen(searchable: &Searchable, party: &Screenee<'_>) -> Screening {
    Screener::new(searchable, judging()).screen(party, |_, _| None)
}

fn listed(screening: &Screening) -> Option<BTreeSet<&str>> {
    let listed = &screening.listed;
    (!listed.is_open()).then(|| listed.certain().iter().map(String::as_str).collect())
}

fn of<'s>(screening: &'s Screening, entry: &str) -> Option<&'s Finding> {
    screening
        .findings
        .iter()
        .find(|finding| finding.entry.to_string() == entry)
}

fn samples() -> Vec<ScreeningList> {
    vec![
        csl(),
        import("csl-real", &["csl-real-sample.csv"]),
        import(
            "sdn",
            &[
                "ofac-sdn-real-sample.csv",
                "ofac-alt-real-sample.csv",
                "ofac-add-real-sample.csv",
            ],
        ),
        ftm(),
        gleif(),
    ]
}

fn entries(searchable: &Searchable) -> Vec<(Entry, &Record)> {
    searchable
        .lists()
        .lists()
        .flat_map(|(name, list)| {
            list.entries(judging().day)
                .map(move |record| (Entry::new(name, &record.id), record))
        })
        .collect()
}

#[test]
fn every_name_of_every_sample_finds_its_entry() {
    let searchable = searchable(samples());
    let mut names = 0;
    for (entry, record) in entries(&searchable) {
        for listed in &record.names {
            names += 1;
            for person in [None, Some(record.kind == Kind::Person)] {
                let party = Screenee {
                    names: vec![&listed.text],
                    person,
                    ..Screenee::default()
                };
                let found = screen(&searchable, &party);
                let finding = found.findings.iter().find(|one| one.entry == entry);
                let finding =
                    finding.unwrap_or_else(|| panic!("`{}` finds no {entry}", listed.text));
                assert_eq!(finding.by, FoundBy::Name);
                assert!(finding.band >= Band::Review && !finding.why.is_empty());
            }
        }
    }
    assert!(names > 60, "{names}");
}

#[test]
fn every_number_of_every_sample_finds_its_entry() {
    let searchable = searchable(samples());
    let mut numbers = 0;
    for (entry, record) in entries(&searchable) {
        for theirs in &record.identifiers {
            let Some(band) = theirs.key().map(|_| Band::Hit).or_else(|| {
                let letters = theirs.value.chars().filter(char::is_ascii_alphanumeric);
                (letters.count() >= 5).then_some(Band::Review)
            }) else {
                continue;
            };
            numbers += 1;
            let found = screen(&searchable, &with_numbers(vec![theirs.clone()]));
            let finding = of(&found, &entry.to_string())
                .unwrap_or_else(|| panic!("{theirs:?} finds no {entry}"));
            assert_eq!(
                (finding.by, finding.band),
                (FoundBy::Number, band),
                "{theirs:?}"
            );
            assert_eq!(finding.same.is_some(), band == Band::Hit);
        }
    }
    assert!(numbers > 12, "{numbers}");
}

#[test]
fn an_equal_number_settles_who_it_is_without_a_reviewer() {
    let searchable = searchable([ftm(), csl()]);
    let lei = || number(Scheme::Lei, "5299SYN1000000000049", "");
    for identifier in [
        lei(),
        number(Scheme::Registration, "9133 0100 SYN0 000001", "CN"),
        number(Scheme::Uscc, "91330100syn0000001", ""),
    ] {
        let found = screen(&searchable, &with_numbers(vec![identifier]));
        let finding = of(&found, "ftm:syn-qinglan").unwrap();
        assert_eq!((finding.band, finding.score), (Band::Hit, 1000));
        assert!(finding.settled_by.is_some());
        assert_eq!(listed(&found), Some(["entity_list"].into()), "{found:?}");
    }
    // A name leaves it open, and a number beside it settles it.
    let mut party = named("Qinglan Computing Technology Co., Ltd.");
    let by_name = screen(&searchable, &party);
    assert_eq!(listed(&by_name), None);
    party.identifiers = vec![lei()];
    let by_both = screen(&searchable, &party);
    let finding = of(&by_both, "ftm:syn-qinglan").unwrap();
    assert_eq!(finding.by, FoundBy::Number);
    assert!(
        finding.why.iter().any(|why| why.contains("LEI 5299SYN1")),
        "{finding:?}"
    );
    assert!(
        finding
            .why
            .iter()
            .any(|why| why.contains("qinglan = qinglan")),
        "{finding:?}"
    );
    // No reviewer can say that it is another.
    let screener = Screener::new(&searchable, judging());
    let denied = screener.screen(&with_numbers(vec![lei()]), |_, _| Some(false));
    assert_eq!(listed(&denied), Some(["entity_list"].into()));
    assert!(
        of(&denied, "ftm:syn-qinglan")
            .unwrap()
            .why
            .iter()
            .any(|why| why.contains("does not count"))
    );
    // A number that is on no list says nothing.
    let clear = screen(
        &searchable,
        &with_numbers(vec![number(Scheme::Lei, "5299SYN2000000000096", "")]),
    );
    assert_eq!(
        (clear.findings.len(), listed(&clear)),
        (0, Some(BTreeSet::new()))
    );
}

#[test]
fn a_name_with_another_number_is_a_review_and_says_so() {
    let searchable = searchable([ftm()]);
    let mut party = named("Qinglan Computing Technology Co., Ltd.");
    assert_eq!(
        of(&screen(&searchable, &party), "ftm:syn-qinglan")
            .unwrap()
            .band,
        Band::Hit
    );
    party.identifiers = vec![number(Scheme::Lei, "5299SYN2000000000096", "")];
    let found = screen(&searchable, &party);
    let finding = of(&found, "ftm:syn-qinglan").unwrap();
    assert_eq!(finding.band, Band::Review);
    let contradiction =
        "the numbers contradict: LEI 5299SYN2000000000096 here, LEI 5299SYN1000000000049 there";
    assert!(
        finding.why.iter().any(|why| why == contradiction),
        "{finding:?}"
    );
    assert_eq!(listed(&found), None);
    // Another number of another register contradicts nothing, nor does an older number of China's.
    for harmless in [
        number(Scheme::Registration, "202400001Z", "SG"),
        number(Scheme::Registration, "330100000012345", "CN"),
        number(Scheme::Tax, "12345678", "CN"),
    ] {
        party.identifiers = vec![harmless];
        assert_eq!(
            of(&screen(&searchable, &party), "ftm:syn-qinglan")
                .unwrap()
                .band,
            Band::Hit
        );
    }
    // One number equal, another not: a person decides.
    let found = screen(
        &searchable,
        &with_numbers(vec![
            number(Scheme::Lei, "5299SYN1000000000049", ""),
            number(Scheme::Registration, "91330100SYN0000002", "CN"),
        ]),
    );
    let finding = of(&found, "ftm:syn-qinglan").unwrap();
    assert_eq!((finding.band, finding.same), (Band::Review, None));
    // So does it where a person has a company's number.
    let mut person = with_numbers(vec![number(Scheme::Lei, "5299SYN1000000000049", "")]);
    person.person = Some(true);
    assert_eq!(
        of(&screen(&searchable, &person), "ftm:syn-qinglan")
            .unwrap()
            .band,
        Band::Review
    );
}

#[test]
fn numbers_of_other_kinds_are_for_a_reviewer() {
    let mut vessel = company(
        "ship",
        &[
            (Scheme::Imo, "IMO 9074729", ""),
            (Scheme::Tax, "771234567", "RU"),
        ],
    );
    vessel
        .listings
        .extend(ftm().records["syn-qinglan"].listings.clone());
    let searchable = searchable([list("one", vec![vessel], vec![])]);
    for (identifier, found) in [
        (number(Scheme::Imo, "9074729", ""), true),
        (number(Scheme::Tax, "77 1234 567", "RU"), true),
        (number(Scheme::Registration, "771234567", "RU"), true),
        (number(Scheme::Tax, "771234567", "KZ"), false),
        (number(Scheme::Tax, "771234568", "RU"), false),
    ] {
        let screening = screen(&searchable, &with_numbers(vec![identifier.clone()]));
        let finding = of(&screening, "one:ship");
        assert_eq!(finding.is_some(), found, "{identifier:?}");
        assert!(
            finding.is_none_or(|finding| finding.band == Band::Review && finding.same.is_none())
        );
        assert_eq!(listed(&screening).is_none(), found);
    }
}

fn on_entity_list(mut record: Record, name: &str) -> Record {
    record.name(ListedName::new(name, NameKind::Primary));
    record
        .listings
        .extend(ftm().records["syn-qinglan"].listings.clone());
    record
}

fn on_meu(record: Record, name: &str) -> Record {
    let mut record = on_entity_list(record, name);
    for listing in &mut record.listings {
        listing.list = "meu".to_owned();
    }
    record
}

#[test]
fn records_that_numbers_join_are_one_party() {
    const LEI: &str = "5299SYN1000000000049";
    let tied = company("tied", &[(Scheme::Registration, "1234567", "SG")]);
    let register = company(
        "r",
        &[
            (Scheme::Registration, "1234567", "SG"),
            (Scheme::Lei, LEI, ""),
        ],
    );
    let entry = on_entity_list(tied, "Harbour Lattice Pte. Ltd.");
    let searchable = searchable([
        list("one", vec![entry], vec![]),
        list("register", vec![register], vec![]),
    ]);
    // The list does not have the LEI; the register ties it to the number that the list has.
    let found = screen(
        &searchable,
        &with_numbers(vec![number(Scheme::Lei, LEI, "")]),
    );
    assert_eq!(listed(&found), Some(["entity_list"].into()));
    assert!(
        of(&found, "one:tied").unwrap().why[0].contains("register:r"),
        "{found:?}"
    );
    assert_eq!(found.findings.len(), 1, "a register is no list: {found:?}");
}

#[test]
fn what_a_reviewer_says_of_an_entry_holds_for_those_tied_to_it() {
    let tied = |id: &str| company(id, &[(Scheme::Registration, "1234567", "SG")]);
    let apart = company(
        "apart",
        &[
            (Scheme::Registration, "1234567", "SG"),
            (Scheme::Registration, "7654321", "MY"),
        ],
    );
    let searchable = searchable([
        list(
            "one",
            vec![on_entity_list(tied("a"), "Harbour Lattice Pte. Ltd.")],
            vec![],
        ),
        list("two", vec![on_meu(apart, "Port Grid")], vec![]),
    ]);
    let screener = Screener::new(&searchable, judging());
    let party = named("Harbour Lattice Pte. Ltd.");
    let said = |same: bool| {
        screener.screen(&party, move |entry, _| {
            (entry.list == "one").then_some(same)
        })
    };
    // `Port Grid` is nothing like the party's name: it is found through the number, as one of the same party.
    assert_eq!(listed(&said(true)), Some(["entity_list", "meu"].into()));
    assert_eq!(listed(&said(false)), Some(BTreeSet::new()));
    // Both names; determined once the same, once another: one of the two is wrong.
    let both = Screenee {
        names: vec!["Harbour Lattice Pte. Ltd.", "Port Grid"],
        ..Screenee::default()
    };
    let torn = screener.screen(&both, |entry, _| Some(entry.list == "one"));
    // The strict side until it is put right: the number ties the two.
    assert_eq!(listed(&torn), Some(["entity_list", "meu"].into()));
    assert_eq!(of(&torn, "two:apart").unwrap().same, None);
    assert!(
        of(&torn, "two:apart")
            .unwrap()
            .why
            .last()
            .unwrap()
            .contains("one of the two is wrong")
    );
}

#[test]
fn an_entry_that_shares_a_number_with_the_party_and_contradicts_it_is_open() {
    let a = company(
        "a",
        &[
            (Scheme::Registration, "1234567", "SG"),
            (Scheme::Lei, "5299SYN1000000000049", ""),
        ],
    );
    let b = company(
        "b",
        &[
            (Scheme::Registration, "1234567", "SG"),
            (Scheme::Lei, "5299SYN2000000000096", ""),
        ],
    );
    let searchable = searchable([
        list(
            "one",
            vec![on_entity_list(a, "Harbour Lattice Pte. Ltd.")],
            vec![],
        ),
        list("two", vec![on_meu(b, "Port Grid")], vec![]),
    ]);
    let screener = Screener::new(&searchable, judging());
    let party = named("Harbour Lattice Pte. Ltd.");
    let found = screener.screen(&party, |entry, _| (entry.list == "one").then_some(true));
    let rival = of(&found, "two:b").unwrap();
    assert_eq!(
        (rival.by, rival.band, rival.same),
        (FoundBy::Number, Band::Review, None)
    );
    assert_eq!(listed(&found), None);
    let closed = screener.screen(&party, |entry, _| Some(entry.list == "one"));
    assert_eq!(listed(&closed), Some(["entity_list"].into()));
}

#[test]
fn entries_that_are_addresses_are_found_by_address_alone() {
    let searchable = searchable([csl()]);
    let at = |address: &'static str| {
        screen(
            &searchable,
            &Screenee {
                addresses: vec![address],
                ..named("Harbour Lattice")
            },
        )
    };
    let same =
        at("Flat 12, 3rd Floor, Sample Industrial Bldg, No. 5 Any St., Kwun Tong, Hong Kong");
    let finding = of(&same, "csl:syn-el-0003").unwrap();
    assert_eq!(
        (finding.by, finding.band, finding.same),
        (FoundBy::Address, Band::Hit, None)
    );
    assert_eq!(listed(&same), None, "a reviewer determines it");
    let neighbour = at("Room 15, 4/F, 5 Any Street, Kwun Tong, Hong Kong");
    assert_eq!(
        of(&neighbour, "csl:syn-el-0003").unwrap().band,
        Band::Review
    );
    let other = at("Room 12, 3/F, 6 Any Street, Kwun Tong, Hong Kong");
    assert_eq!(
        (other.findings.len(), listed(&other)),
        (0, Some(BTreeSet::new()))
    );
    // The address of a listed party is no identity, and `Address 7` is no name.
    assert!(at("No. 1 Synthetic Road, Hangzhou, CN").findings.is_empty());
    for name in [
        "Address 7",
        "Room 12, 3/F, Sample Industrial Building",
        "Address",
    ] {
        assert!(
            screen(&searchable, &named(name)).findings.is_empty(),
            "{name}"
        );
    }
    let screener = Screener::new(&searchable, judging());
    let party = Screenee {
        addresses: vec!["Room 12, 3/F, 5 Any Street, Hong Kong"],
        ..named("Harbour Lattice")
    };
    let determined = screener.screen(&party, |_, _| Some(true));
    assert_eq!(listed(&determined), Some(["entity_list"].into()));
}

/// Every entry that is like the party is one that a reviewer has to look at, however many there are.
#[test]
fn of_many_alike_entries_none_is_dropped() {
    let many = (0..40).map(|number| {
        on_entity_list(
            Record::new(format!("p{number:02}"), Kind::Person, origin(number + 1)),
            "Zhang Wei",
        )
    });
    let searchable = searchable([list("one", many.collect(), vec![])]);
    let screener = Screener::new(&searchable, judging());
    let party = Screenee {
        names: vec!["Zhang Wei"],
        person: Some(true),
        ..Screenee::default()
    };
    let found = screener.screen(&party, |entry, _| {
        (entry.id.as_str() < "p20").then_some(false)
    });
    assert_eq!(found.findings.len(), 40);
    assert!(
        found
            .findings
            .iter()
            .all(|finding| finding.band == Band::Review)
    );
    assert_eq!(listed(&found), None, "twenty are open");
    let closed = screener.screen(&party, |_, _| Some(false));
    assert_eq!(listed(&closed), Some(BTreeSet::new()));
}
