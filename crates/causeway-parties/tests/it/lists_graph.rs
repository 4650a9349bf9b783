//! Lists and registers as one graph of parties.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Fact, lei_is_valid};
use causeway_parties::lists::{
    Certainty, Edge, EdgeKind, Entry, Graph, Identifier, Judging, Kind, ListVersion, Listing,
    Lists, Origin, Record, Relationship, Scheme, ScreeningList, Share,
};
use causeway_parties::{Parent, PartyKind, cascade, ultimate_parent};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::lists::{import, now};

pub(crate) fn csl() -> ScreeningList {
    import("csl", &["csl-synthetic.json"])
}

pub(crate) fn ftm() -> ScreeningList {
    import("ftm", &["ftm-synthetic.jsonl"])
}

pub(crate) fn gleif() -> ScreeningList {
    import(
        "gleif",
        &[
            "gleif-lei2-synthetic.csv",
            "gleif-rr-synthetic.csv",
            "gleif-repex-synthetic.csv",
        ],
    )
}

fn judging(day: &str) -> Judging {
    Judging {
        day: day.parse().unwrap(),
        ..Judging::at(now())
    }
}

fn graph(lists: &Lists, day: &str) -> Graph {
    lists.graph(&judging(day), None, &|entry| lists.same_names(entry))
}

/// What every importer must say alike of the firms that it knows: names by which each is found, entries of lists, and
/// who stands above whom.
type Said = (
    BTreeMap<String, BTreeSet<(String, Option<String>)>>,
    BTreeSet<(String, String)>,
);

fn said(list: &ScreeningList, day: &str) -> Said {
    let firms = [
        "Qinglan Computing Technology Co., Ltd.",
        "Harbour Lattice Pte. Ltd.",
        "Sungai Compute Sdn. Bhd.",
    ];
    let label = |id: &str| list.records.get(id).map(|record| record.label.clone());
    let entries = list
        .records
        .values()
        .filter(|record| firms.contains(&record.label.as_str()))
        .map(|record| {
            let listings = record.listings.iter().map(|listing| {
                (
                    listing.list.clone(),
                    listing.listed_on.as_ref().map(ToString::to_string),
                )
            });
            (record.label.clone(), listings.collect())
        })
        .collect();
    let day = day.parse().unwrap();
    let edges = list
        .relationships
        .values()
        .flat_map(|relationship| {
            relationship
                .edges
                .iter()
                .filter(move |edge| edge.holds(day, relationship.asserted_on) == Certainty::Yes)
        })
        .filter(|edge| matches!(edge.kind, EdgeKind::Share | EdgeKind::Consolidation))
        .filter_map(|edge| Some((label(&edge.owner)?, label(&edge.owned)?)))
        .filter(|(owner, owned)| firms.contains(&owner.as_str()) && firms.contains(&owned.as_str()))
        .collect();
    (entries, edges)
}

#[test]
fn three_importers_give_one_graph() {
    let day = "2025-06-01";
    let (csl_entries, csl_edges) = said(&csl(), day);
    let (ftm_entries, ftm_edges) = said(&ftm(), day);
    let (gleif_entries, gleif_edges) = said(&gleif(), day);
    let qinglan = "Qinglan Computing Technology Co., Ltd.";
    assert_eq!(csl_entries[qinglan], ftm_entries[qinglan], "the same entry");
    assert_eq!(
        csl_entries[qinglan],
        BTreeSet::from([("entity_list".to_owned(), Some("2025-03-28".to_owned()))])
    );
    assert!(csl_edges.is_empty(), "a screening list states no owners");
    assert_eq!(
        ftm_entries.keys().collect::<Vec<_>>(),
        gleif_entries.keys().collect::<Vec<_>>()
    );
    assert_eq!(ftm_edges, gleif_edges, "the same parents on that day");
    assert_eq!(ftm_edges.len(), 2);
    // And the same firms: numbers tie the records, and no number contradicts another.
    let lists = Lists::new([csl(), ftm(), gleif()]);
    let joined: Vec<Vec<String>> = lists
        .groups()
        .iter()
        .map(|group| {
            assert!(group.contradictions.is_empty(), "{group:?}");
            group.members.iter().map(Entry::to_string).collect()
        })
        .collect();
    assert_eq!(
        joined,
        [
            ["ftm:syn-harbour", "gleif:5299SYN2000000000096"],
            ["ftm:syn-qinglan", "gleif:5299SYN1000000000049"],
            ["ftm:syn-sungai", "gleif:5299SYN3000000000046"]
        ]
    );
}

#[test]
fn the_joined_graph_is_judged_like_a_register() {
    let lists = Lists::new([csl(), ftm(), gleif()]);
    let graph = graph(&lists, "2026-11-20");
    let on = |key: &str, word: &str| graph.listed[key].on(word);
    assert_eq!(on("ftm:syn-qinglan", "entity_list"), Certainty::Yes);
    assert_eq!(on("csl:syn-el-0001", "entity_list"), Certainty::Yes);
    assert_eq!(on("ftm:syn-harbour", "entity_list"), Certainty::No);
    assert_eq!(on("csl:90001", "sdn"), Certainty::Yes);
    assert_eq!(on("csl:90001", "sdn_7448"), Certainty::Open);
    assert_eq!(
        on("ftm:syn-harbour", "tw_shtc"),
        Certainty::Open,
        "no list holds it"
    );
    let harbour = graph.register.get("ftm:syn-harbour").unwrap();
    let shares: Vec<String> = harbour
        .owners
        .iter()
        .map(|holding| {
            format!(
                "{} {:?} {}",
                holding.holder,
                holding.share.known(),
                holding.control
            )
        })
        .collect();
    assert_eq!(
        shares,
        [format!(
            "ftm:syn-qinglan {:?} true",
            Some(causeway_domain::Percent::new(Decimal::from(60)))
        )],
        "the claim of a share, and consolidation as control"
    );
    assert!(!harbour.owners_complete);
    assert!(
        matches!(&harbour.headquarters, Fact::Unknown(why) if why.contains("CN") && why.contains("lapsed"))
    );
    let sungai = graph.register.get("ftm:syn-sungai").unwrap();
    assert_eq!(sungai.owners.len(), 2);
    assert!(
        sungai
            .owners
            .iter()
            .any(|holding| holding.holder == "ftm:syn-tan" && !holding.share.is_known())
    );
    assert_eq!(
        graph.register.get("ftm:syn-tan").unwrap().kind,
        PartyKind::Person
    );
    assert_eq!(graph.links["ftm:syn-sungai"].len(), 1);
    assert_eq!(graph.links["ftm:syn-qinglan"].len(), 1);
    // Qinglan is listed, holds 60 of Harbour, which holds 50 of Sungai: both are caught.
    let caught = cascade(&graph.register, Decimal::from(50), |party| {
        let key = graph
            .register
            .parties
            .iter()
            .find(|(_, known)| *known == party)
            .map(|(key, _)| key);
        key.map_or(Certainty::Open, |key| graph.listed[key].on("entity_list"))
    });
    assert_eq!(caught.of("ftm:syn-harbour"), Certainty::Yes);
    assert_eq!(caught.of("ftm:syn-sungai"), Certainty::Yes);
    assert_eq!(
        caught.of("csl:90002"),
        Certainty::Open,
        "nobody knows its owners"
    );
    let parent = ultimate_parent(&graph.register, "ftm:syn-sungai", Decimal::from(10));
    assert!(
        matches!(parent, Parent::Unclear { .. }),
        "exactly half: {parent:?}"
    );
}

#[test]
fn entries_without_a_word_of_the_packs_keep_their_meaning() {
    let lists = Lists::new([csl()]);
    let graph = graph(&lists, "2026-11-20");
    let effect = |key: &str| {
        let (_, listing) = &graph.other_listings[key][0];
        (listing.list.clone(), listing.effect)
    };
    use causeway_parties::lists::Effect;
    assert_eq!(
        effect("csl:syn-uvl-0001"),
        ("uvl".to_owned(), Effect::NeedsReview)
    );
    assert_eq!(
        effect("csl:90002"),
        ("cmic".to_owned(), Effect::Information)
    );
    assert!(!graph.other_listings.contains_key("csl:syn-el-0001"));
}

#[test]
fn a_name_alone_leaves_it_open_and_never_settles() {
    // GLEIF knows no entries: that Qinglan has the name of one in the screening list is all there is.
    let lists = Lists::new([csl(), gleif()]);
    let found = graph(&lists, "2026-11-20");
    let qinglan = &found.listed["gleif:5299SYN1000000000049"];
    assert_eq!(qinglan.on("entity_list"), Certainty::Open);
    assert_eq!(qinglan.on("meu"), Certainty::No);
    assert!(qinglan.listed().is_open());
    let why = format!("{:?}", qinglan.perhaps["entity_list"]);
    assert!(why.contains("csl:syn-el-0001"), "{why}");
}

#[test]
fn old_undated_and_unread_lists_clear_nobody() {
    let fresh = csl();
    let harbour = |csl: ScreeningList| {
        let lists = Lists::new([csl, gleif()]);
        graph(&lists, "2026-11-20").listed["gleif:5299SYN2000000000096"].clone()
    };
    assert_eq!(harbour(fresh.clone()).on("entity_list"), Certainty::No);
    let mut old = fresh.clone();
    old.version.date = Some("2026-11-19T11:59:59Z".parse().unwrap());
    let words = harbour(old);
    assert_eq!(words.on("entity_list"), Certainty::Open);
    assert!(
        format!("{:?}", words.perhaps).contains("24 hours old"),
        "{words:?}"
    );
    let mut undated = fresh.clone();
    undated.version.date = None;
    assert_eq!(harbour(undated).on("entity_list"), Certainty::Open);
    let mut unread = fresh;
    unread.unread.push(causeway_parties::lists::Unread {
        why: "broken".to_owned(),
        origin: origin(9),
    });
    assert_eq!(harbour(unread).on("entity_list"), Certainty::Open);
    // An entry stays an entry, however old its list is.
    let mut old = csl();
    old.version.date = None;
    let lists = Lists::new([old]);
    assert_eq!(
        graph(&lists, "2026-11-20").listed["csl:syn-el-0001"].on("entity_list"),
        Certainty::Yes
    );
}

#[test]
fn a_party_in_doubt_is_never_clear() {
    let mut odd = gleif();
    let harbour = odd.records.get_mut("5299SYN2000000000096").unwrap();
    harbour.doubts.push(causeway_parties::lists::Doubt::new(
        causeway_parties::lists::DoubtKind::Encoding,
        "letters were lost",
    ));
    let lists = Lists::new([csl(), odd]);
    let graph = graph(&lists, "2026-11-20");
    let on = |key: &str| graph.listed[key].on("entity_list");
    assert_eq!(on("gleif:5299SYN2000000000096"), Certainty::Open);
    assert_eq!(on("gleif:5299SYN3000000000046"), Certainty::No);
}

#[test]
fn programmes_of_744_8_settle_when_somebody_states_them() {
    let lists = Lists::new([csl()]);
    let with = |programmes: &[&str]| {
        let judging = Judging {
            programmes_7448: Some(programmes.iter().map(|one| (*one).to_owned()).collect()),
            ..judging("2026-11-20")
        };
        let graph = lists.graph(&judging, None, &|_| Vec::new());
        graph.listed["csl:90001"].on("sdn_7448")
    };
    assert_eq!(with(&["RUSSIA-EO14024"]), Certainty::Yes);
    assert_eq!(with(&["ANOTHER"]), Certainty::No);
}

#[test]
fn every_alias_finds_its_entry() {
    let lists = Lists::new([
        csl(),
        ftm(),
        gleif(),
        import("real", &["csl-real-sample.csv"]),
        import(
            "sdn",
            &[
                "ofac-sdn-real-sample.csv",
                "ofac-alt-real-sample.csv",
                "ofac-add-real-sample.csv",
            ],
        ),
    ]);
    let mut tried = 0;
    for (name, list) in lists.lists() {
        for record in list.records.values() {
            for listed in &record.names {
                tried += 1;
                for spelled in [
                    listed.text.clone(),
                    listed.text.to_uppercase(),
                    listed.text.replace(' ', "  "),
                ] {
                    assert!(
                        lists
                            .named(&spelled)
                            .contains(&Entry::new(name, &record.id)),
                        "{spelled} does not find {name}:{}",
                        record.id
                    );
                }
            }
        }
    }
    assert!(tried > 80, "{tried}");
    assert!(lists.named("Nobody Ltd").is_empty());
    assert!(lists.named("").is_empty());
}

#[test]
fn a_chain_is_not_added_to_its_sum() {
    let lists = Lists::new([import("bods", &["bods-multiple-indirect-ownership.json"])]);
    let graph = graph(&lists, "2020-01-01");
    let b = graph.register.get("bods:63e3a8a8946f").unwrap();
    let holders: Vec<&str> = b
        .owners
        .iter()
        .map(|holding| holding.holder.as_str())
        .collect();
    assert_eq!(
        holders,
        ["bods:05fbbfb94b79", "bods:d177864a8b39"],
        "the direct links go through components"
    );
    assert!(
        b.owners.iter().all(
            |holding| holding.share.known().map(|share| share.get()) == Some(Decimal::from(50))
        )
    );
    let c = graph.register.get("bods:d177864a8b39").unwrap();
    assert!(!c.owners[0].share.is_known());
    assert!(c.owners[0].control);

    // Without its chain, the sum stands: held through others, so no share of its own.
    let mut alone = import("bods", &["bods-multiple-indirect-ownership.json"]);
    alone
        .relationships
        .retain(|_, relationship| !relationship.component);
    let graph = graph_of(alone, "2020-01-01");
    let b = graph.register.get("bods:63e3a8a8946f").unwrap();
    assert_eq!(b.owners.len(), 1);
    assert!(matches!(&b.owners[0].share, Fact::Unknown(why) if why.contains("60 %")));
}

fn graph_of(list: ScreeningList, day: &str) -> Graph {
    let lists = Lists::new([list]);
    graph(&lists, day)
}

#[test]
fn joint_ownership_reads_through() {
    let graph = graph_of(import("bods", &["bods-joint-ownership.json"]), "2020-01-01");
    let chrinon = graph.register.get("bods:31c55e425764").unwrap();
    assert_eq!(
        chrinon.owners[0].share.known().unwrap().get(),
        Decimal::from(100)
    );
    let joint = graph.register.get("bods:91b4236a7d89").unwrap();
    assert_eq!(joint.owners.len(), 2);
}

pub(crate) fn origin(line: u64) -> Origin {
    Origin {
        file: 0,
        line,
        hash: [0; 32].into(),
    }
}

fn version(name: &str) -> ListVersion {
    let mut version = ftm().version;
    version.list = name.to_owned();
    version
}

pub(crate) fn company(id: &str, numbers: &[(Scheme, &str, &str)]) -> Record {
    let mut record = Record::new(id, Kind::Entity, origin(1));
    record.identifiers = numbers
        .iter()
        .map(|(scheme, value, country)| Identifier {
            scheme: *scheme,
            value: (*value).to_owned(),
            as_written: String::new(),
            country: country.parse().ok(),
        })
        .collect();
    record
}

pub(crate) fn list(name: &str, records: Vec<Record>, edges: Vec<(&str, Edge)>) -> ScreeningList {
    let items = records
        .into_iter()
        .map(|record| causeway_parties::lists::Item::Party(Box::new(record)))
        .chain(edges.into_iter().map(|(id, edge)| {
            causeway_parties::lists::Item::Relationship(Box::new(Relationship {
                id: id.to_owned(),
                edges: vec![edge],
                component: false,
                sums_up: Vec::new(),
                asserted_on: None,
                replaces: false,
                doubts: Vec::new(),
                origin: origin(2),
            }))
        }));
    ScreeningList::gather(version(name), items)
}

const LEI_A: &str = "5299SYN1000000000049";
const LEI_B: &str = "5299SYN2000000000096";

#[test]
fn contradicting_identifiers_are_a_review_and_no_merger() {
    assert!(lei_is_valid(LEI_A) && lei_is_valid(LEI_B));
    let mut listed = company(
        "x",
        &[
            (Scheme::Registration, "1234567", "SG"),
            (Scheme::Lei, LEI_A, ""),
        ],
    );
    listed
        .listings
        .extend(ftm().records["syn-qinglan"].listings.clone());
    let one = list("one", vec![listed], vec![]);
    let two = list(
        "two",
        vec![company(
            "y",
            &[
                (Scheme::Registration, "12 345-67", "SG"),
                (Scheme::Lei, LEI_B, ""),
            ],
        )],
        vec![],
    );
    let lists = Lists::new([one.clone(), two]);
    let group = &lists.groups()[0];
    assert_eq!(group.contradictions.len(), 1);
    assert_eq!(lists.key(&Entry::new("two", "y")), "two:y");
    let graph = graph(&lists, "2026-11-20");
    assert_eq!(graph.listed["one:x"].on("entity_list"), Certainty::Yes);
    assert_eq!(graph.listed["two:y"].on("entity_list"), Certainty::Open);

    let person = {
        let mut person = company("z", &[(Scheme::Registration, "1234567", "SG")]);
        person.kind = Kind::Person;
        person
    };
    let lists = Lists::new([one.clone(), list("two", vec![person], vec![])]);
    assert_eq!(lists.groups()[0].contradictions.len(), 1);

    // The same number in another country's register is another firm.
    let lists = Lists::new([
        one,
        list(
            "two",
            vec![company("y", &[(Scheme::Registration, "1234567", "MY")])],
            vec![],
        ),
    ]);
    assert!(lists.groups().is_empty());
}

fn edge(share: Share) -> Edge {
    let mut edge = Edge::new("o", "c", EdgeKind::Share);
    edge.share = share;
    edge
}

fn shares(edges: Vec<(&str, Edge)>) -> Vec<(Option<String>, bool)> {
    let records = vec![company("o", &[]), company("c", &[])];
    let graph = graph_of(list("l", records, edges), "2026-11-20");
    let company = graph.register.get("l:c").unwrap();
    company
        .owners
        .iter()
        .map(|holding| {
            (
                holding.share.known().map(ToString::to_string),
                holding.control,
            )
        })
        .collect()
}

#[test]
fn claims_become_holdings_without_a_guess() {
    let read = |text: &str| Share::read(text).unwrap();
    let known = |text: &str| (Some(text.to_owned()), false);
    let open = (None, false);
    assert_eq!(shares(vec![("1", edge(read("60")))]), [known("60 %")]);
    assert_eq!(
        shares(vec![("1", edge(read("60"))), ("2", edge(read("60.0 %")))]),
        [known("60 %")],
        "the same claim twice is no second block"
    );
    assert_eq!(
        shares(vec![("1", edge(read("60"))), ("2", edge(read("75")))]),
        [known("60 %"), open.clone()]
    );
    assert_eq!(
        shares(vec![("1", edge(read("25-50")))]),
        [known("25 %"), open.clone()]
    );
    assert_eq!(
        shares(vec![("1", edge(read("majority")))]),
        [known("50 %"), open.clone()]
    );
    assert_eq!(shares(vec![("1", edge(read("<10")))]), vec![open.clone()]);
    assert_eq!(
        shares(vec![("1", edge(Share::Unstated))]),
        vec![open.clone()]
    );
    let mut begun = edge(read("60"));
    begun.start = Some(causeway_parties::lists::Day::written("2026"));
    assert_eq!(
        shares(vec![("1", begun)]),
        vec![open.clone()],
        "it may have begun later"
    );
    let mut over = edge(read("60"));
    over.end = Some(causeway_parties::lists::Day::written("2026-11-19"));
    assert!(shares(vec![("1", over)]).is_empty());
    let mut votes = edge(read("40"));
    votes.kind = EdgeKind::Votes;
    assert_eq!(
        shares(vec![("1", edge(read("60"))), ("2", votes)]),
        [known("40 %"), open.clone()],
        "votes and capital differ"
    );
    let mut through = edge(read("60"));
    through.direct = Some(false);
    assert_eq!(shares(vec![("1", through)]), vec![open.clone()]);
    let mut consolidated = edge(Share::Unstated);
    consolidated.kind = EdgeKind::Consolidation;
    assert_eq!(shares(vec![("1", consolidated)]), [(None, true)]);
    let mut director = edge(Share::Unstated);
    director.kind = EdgeKind::Director;
    assert!(shares(vec![("1", director)]).is_empty());
}

#[test]
fn only_the_asked_and_what_stands_above_them() {
    let lists = Lists::new([ftm(), csl()]);
    let judging = judging("2026-11-20");
    let only = BTreeSet::from(["ftm:syn-harbour".to_owned()]);
    let graph = lists.graph(&judging, Some(&only), &|entry| lists.same_names(entry));
    let keys: Vec<&String> = graph.register.parties.keys().collect();
    assert_eq!(keys, ["ftm:syn-harbour", "ftm:syn-qinglan"]);
}

#[test]
fn an_entry_that_is_over_gives_nothing() {
    let mut over = ftm();
    let listing: &mut Listing = &mut over.records.get_mut("syn-qinglan").unwrap().listings[0];
    listing.ends_on = Some(causeway_parties::lists::Day::written("2026-10-31"));
    let lists = Lists::new([over]);
    let on = |day: &str| graph(&lists, day).listed["ftm:syn-qinglan"].on("entity_list");
    assert_eq!(on("2025-03-27"), Certainty::No);
    assert_eq!(on("2025-03-28"), Certainty::Yes);
    assert_eq!(on("2026-10-31"), Certainty::Yes);
    assert_eq!(on("2026-11-01"), Certainty::No);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order of lists and of the records in them, the same records are joined.
    #[test]
    fn joining_does_not_depend_on_order(
        numbers in proptest::collection::vec((0_u8..5, proptest::option::of(0_u8..3)), 2..7),
        turn in 0_usize..6,
    ) {
        let lists: Vec<ScreeningList> = numbers
            .iter()
            .enumerate()
            .map(|(index, (number, lei))| {
                let number = format!("REG000{number}");
                let mut ids = vec![(Scheme::Registration, number.as_str(), "SG")];
                let lei = lei.map(|lei| [LEI_A, LEI_B, "5299SYN3000000000046"][usize::from(lei)]);
                ids.extend(lei.map(|lei| (Scheme::Lei, lei, "")));
                list(&format!("l{index}"), vec![company("r", &ids)], vec![])
            })
            .collect();
        let mut turned = lists.clone();
        turned.rotate_left(turn % lists.len());
        let (one, two) = (Lists::new(lists), Lists::new(turned));
        prop_assert_eq!(one.groups(), two.groups());
        let day = "2026-11-20";
        prop_assert_eq!(graph(&one, day), graph(&two, day));
    }
}
