//! Ownership cases, and what holds for every graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::{Date, Fact, Source, SourceFile};
use causeway_parties::PartyKind;
use causeway_parties::ownership::cases::{self, CaseFile};
use causeway_parties::ownership::{
    Edge, EdgeKind, Graph, Interest, ListEntry, Node, OwnershipRecord, Ratio, Regime, Share,
    Verdict, assess, default_floor, recheck, regimes, svg, tree,
};
use proptest::prelude::*;

fn file(name: &str) -> CaseFile {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    cases::read(&Arc::new(SourceFile::new(name, text)))
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn all_pass(name: &str, least: usize) {
    let file = file(name);
    assert!(file.cases.len() >= least);
    let mut failures = Vec::new();
    for case in &file.cases {
        let result = cases::run(case, &regimes());
        for failure in &result.failures {
            failures.push(format!("{} {}: {failure}", case.id, case.title));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn the_24_cases_pass() {
    all_pass("ownership-cases.json", 24);
}

#[test]
fn our_own_edge_cases_pass() {
    all_pass("ownership-edges.json", 30);
}

#[test]
fn a_wrong_expectation_fails_with_the_arithmetic() {
    let path = format!(
        "{}/tests/data/ownership-cases.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replacen("\"A\": \"caught\"", "\"A\": \"clear\"", 1);
    let file = cases::read(&Arc::new(SourceFile::new("cases.json", text))).unwrap();
    let result = cases::run(&file.cases[0], &regimes());
    assert_eq!(
        result.failures,
        ["ofac A: expected clear, got caught: X (counts) 50 %; 50 % or more is caught (round 1)"]
    );
}

#[test]
fn bad_files_are_remarked_at_their_lines() {
    let text = r#"{"format": "causeway-ownership-cases/1", "cases": [
{"id": "a", "parties": {"X": {"lists": ["US-SND"]}, "A": {"kind": "firm", "country": "XX"}},
 "edges": [{"owner": "X", "owned": "B", "pct": "50"},
           {"owner": "X", "owned": "A", "pct": "150"},
           {"owner": "X", "owned": "A", "shares": [3, 2], "knd": "share"}],
 "as_of": "tomorrow",
 "expect": {"ofac": {"A": "maybe"}}}]}"#;
    let problems = cases::read(&Arc::new(SourceFile::new("bad.json", text))).unwrap_err();
    let found: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.line_column().0, problem.message))
        .collect();
    assert_eq!(
        found,
        [
            "6: this is no day",
            "2: there is no list `US-SND`",
            "2: there is no kind of party `firm`",
            "2: `XX` is not an ISO 3166 two-letter country code",
            "3: unknown party `B`",
            "4: `150` is no share",
            "5: an edge has no key `knd`",
            "5: `shares` are the shares held and all that were issued",
            "7: this is no verdict",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever a case file holds, reading it ends, and says something where it does not fit.
    #[test]
    fn no_case_file_panics(at in 0usize..20_000, junk in "[\\[\\]{}:,\"0-9a-z\u{0}é-]{0,6}") {
        let path = format!("{}/tests/data/ownership-cases.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let broken = format!("{}{junk}{}", text.get(..at).unwrap(), text.get(at..).unwrap());
        if let Ok(file) = cases::read(&Arc::new(SourceFile::new("broken.json", broken))) {
            for case in &file.cases {
                prop_assert_eq!(cases::run(case, &regimes()).assessments.len(), 5);
            }
        }
    }
}

// What holds for every graph.

const COUNT: usize = 5;

fn day() -> Date {
    "2026-11-24".parse().unwrap()
}

fn key(index: usize) -> String {
    format!("p{index}")
}

/// Shares in steps of 5 percent, lists of each party.
#[derive(Debug, Clone)]
struct Plain {
    shares: Vec<Option<u32>>,
    listed: Vec<bool>,
}

impl Plain {
    fn share(&self, owner: usize, owned: usize) -> u32 {
        if owner == owned {
            return 0;
        }
        self.shares[owner * COUNT + owned].unwrap_or(0) * 5
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for index in 0..COUNT {
            let lists = if self.listed[index] {
                ["sdn", "entity_list", "eu", "uk"]
                    .map(ListEntry::on)
                    .to_vec()
            } else {
                Vec::new()
            };
            graph.parties.insert(
                key(index),
                Node {
                    headquarters: Fact::stated("SG".parse().unwrap(), "t"),
                    listings: Fact::stated(lists, "t"),
                    owners_complete: true,
                    ..Node::company(key(index))
                },
            );
        }
        for owner in 0..COUNT {
            for owned in 0..COUNT {
                let share = self.share(owner, owned);
                if share > 0 {
                    graph
                        .edges
                        .push(edge(owner, owned, Share::Exact(Ratio::percent(share))));
                }
            }
        }
        graph
    }
}

fn edge(owner: usize, owned: usize, share: Share) -> Edge {
    Edge::new(
        key(owner),
        key(owned),
        EdgeKind::Share,
        share,
        Source::named("t"),
    )
}

/// Graphs whose columns are at most 100 %.
fn plain() -> impl Strategy<Value = Plain> {
    (
        proptest::collection::vec(proptest::option::weighted(0.4, 1u32..=12), COUNT * COUNT),
        proptest::collection::vec(proptest::bool::weighted(0.3), COUNT),
    )
        .prop_map(|(mut shares, listed)| {
            for owned in 0..COUNT {
                let mut left = 20;
                for owner in 0..COUNT {
                    let cell = &mut shares[owner * COUNT + owned];
                    *cell = cell
                        .map(|share| share.min(left))
                        .filter(|share| *share > 0 && owner != owned);
                    left -= cell.unwrap_or(0);
                }
            }
            Plain { shares, listed }
        })
}

fn regime(id: &str) -> Regime {
    regimes()
        .into_iter()
        .find(|regime| regime.id == id)
        .unwrap()
}

fn caught(graph: &Graph, id: &str) -> BTreeSet<String> {
    let assessment = assess(graph, &regime(id), day(), &default_floor());
    assessment
        .findings
        .iter()
        .filter(|(_, finding)| finding.verdict == Verdict::Caught)
        .map(|(key, _)| key.clone())
        .collect()
}

/// The smallest set that holds `start` and is closed under "held by the set as `enough` asks": by trying all sets.
fn smallest(plain: &Plain, start: usize, enough: impl Fn(u32) -> bool) -> usize {
    let closed = |set: usize| {
        (0..COUNT).all(|owned| {
            let held: u32 = (0..COUNT)
                .filter(|owner| set & (1 << owner) != 0)
                .map(|owner| plain.share(owner, owned))
                .sum();
            set & (1 << owned) != 0 || !enough(held)
        })
    };
    (0..1 << COUNT)
        .filter(|set| set & start == start && closed(*set))
        .fold((1 << COUNT) - 1, |all, set| all & set)
}

fn keys(set: usize) -> BTreeSet<String> {
    (0..COUNT)
        .filter(|index| set & (1 << index) != 0)
        .map(key)
        .collect()
}

proptest! {
    #[test]
    fn the_caught_set_is_the_smallest_closed_one(plain in plain()) {
        let listed = (0..COUNT).filter(|index| plain.listed[*index]).fold(0, |set, index| set | 1 << index);
        let graph = plain.graph();
        let expected = keys(smallest(&plain, listed, |held| held >= 50));
        for id in ["ofac", "bis", "eu"] {
            prop_assert_eq!(&caught(&graph, id), &expected, "{}", id);
        }
        // The UK: for each person alone, more than a half at each link.
        let alone = (0..COUNT)
            .filter(|index| plain.listed[*index])
            .fold(0, |set, index| set | smallest(&plain, 1 << index, |held| held > 50));
        prop_assert_eq!(caught(&graph, "uk"), keys(alone));
    }

    /// The order of edges and the names of parties change nothing.
    #[test]
    fn order_does_not_matter(plain in plain(), seed in any::<u64>()) {
        let graph = plain.graph();
        let mut shuffled = graph.clone();
        let mut state = seed | 1;
        for index in (1..shuffled.edges.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = usize::try_from(state >> 33).unwrap() % (index + 1);
            shuffled.edges.swap(index, other);
        }
        let renamed = |key: &str| format!("q{}", 9 - key.strip_prefix('p').unwrap().parse::<usize>().unwrap());
        let mut other = Graph::default();
        for (name, node) in &graph.parties {
            other.parties.insert(renamed(name), node.clone());
        }
        for edge in &graph.edges {
            other.edges.push(Edge { owner: renamed(&edge.owner), owned: renamed(&edge.owned), ..edge.clone() });
        }
        for regime in regimes() {
            let one = assess(&graph, &regime, day(), &default_floor());
            prop_assert_eq!(&one, &assess(&shuffled, &regime, day(), &default_floor()));
            let two = assess(&other, &regime, day(), &default_floor());
            for (name, finding) in &one.findings {
                prop_assert_eq!(finding.verdict, two.verdict(&renamed(name)), "{} {}", regime.id, name);
            }
        }
    }

    /// What is hidden can only make an answer less sure: caught stays true, and clear is never caught once it is known.
    #[test]
    fn more_facts_never_make_an_answer_wrong(
        plain in plain(),
        hidden in proptest::collection::vec(0usize..COUNT * COUNT, 1..4),
        open in proptest::collection::vec(any::<bool>(), COUNT),
        unscreened in proptest::collection::vec(proptest::bool::weighted(0.2), COUNT),
        spread in 0u32..6,
    ) {
        let truth = plain.graph();
        let mut known = plain.graph();
        for cell in hidden {
            let (owner, owned) = (cell / COUNT, cell % COUNT);
            for edge in &mut known.edges {
                if edge.owner == key(owner) && edge.owned == key(owned) {
                    let share = plain.share(owner, owned);
                    edge.claims[0].share = if spread == 0 {
                        Share::Unknown
                    } else {
                        Share::Between(Ratio::percent(share.saturating_sub(spread * 4)), Ratio::percent((share + spread * 3).min(100)))
                    };
                }
            }
        }
        for index in 0..COUNT {
            let node = known.parties.get_mut(&key(index)).unwrap();
            if unscreened[index] {
                node.listings = Fact::unknown("hidden");
            }
            if open[index] {
                // An open register leaves out its last holder.
                node.owners_complete = false;
                let last = known.edges.iter().rposition(|edge| edge.owned == key(index));
                if let Some(last) = last {
                    known.edges.remove(last);
                }
            }
        }
        for regime in regimes() {
            let sure = assess(&truth, &regime, day(), &default_floor());
            let unsure = assess(&known, &regime, day(), &default_floor());
            for (name, finding) in &unsure.findings {
                match finding.verdict {
                    Verdict::Caught => prop_assert_eq!(sure.verdict(name), Verdict::Caught, "{} {}", regime.id, name),
                    Verdict::Clear => prop_assert_ne!(sure.verdict(name), Verdict::Caught, "{} {}", regime.id, name),
                    Verdict::Review => {}
                }
            }
            for sets in &unsure.readings {
                let high: BTreeSet<&String> = sets.high.start.iter().chain(sets.high.rounds.iter().flatten()).collect();
                for low in &sets.low {
                    prop_assert!(low.start.iter().chain(low.rounds.iter().flatten()).all(|key| high.contains(key)));
                }
            }
        }
    }

    /// A further list entry, or a larger share of a party that counts, never makes a verdict milder.
    #[test]
    fn more_that_counts_is_never_milder(plain in plain(), who in 0usize..COUNT) {
        let before = plain.graph();
        let mut more = plain.clone();
        more.listed[who] = true;
        let after = more.graph();
        for regime in regimes() {
            let before = assess(&before, &regime, day(), &default_floor());
            let after = assess(&after, &regime, day(), &default_floor());
            for (name, finding) in &before.findings {
                prop_assert!(after.verdict(name) >= finding.verdict, "{} {}", regime.id, name);
            }
        }
    }

    /// A record holds what it takes to redo it, and a changed one does not hold.
    #[test]
    fn records_redo_and_changes_show(plain in plain(), change in 0u32..5) {
        let record = OwnershipRecord::new(&plain.graph(), "p0", day(), regimes(), default_floor(), BTreeMap::new());
        let text = serde_json::to_string(&record).unwrap();
        let read: OwnershipRecord = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert!(recheck(&read).is_ok());
        let mut changed = read;
        match change {
            0 => {
                let finding = changed.assessments[0].findings.get_mut("p0").unwrap();
                finding.verdict = if finding.verdict == Verdict::Clear { Verdict::Caught } else { Verdict::Clear };
            }
            1 => changed.look_through.least = Interest::Undefined,
            2 => { changed.regimes[0].threshold = Ratio::percent(5); changed.floor = Ratio::percent(1); changed.graph.edges.push(edge(1, 0, Share::Exact(Ratio::percent(7)))); }
            3 => changed.assessments[4].readings.clear(),
            _ => changed.format = "causeway-ownership/9".to_owned(),
        }
        let same = changed == record;
        prop_assert!(same || recheck(&changed).is_err());
    }

    /// Pictures and trees of any graph are drawn, with every name escaped.
    #[test]
    fn any_graph_is_drawn(plain in plain(), name in "[<&>\"'\u{0}\u{7}a-z 中Я]{0,60}") {
        let mut graph = plain.graph();
        graph.parties.get_mut("p0").unwrap().name = name;
        let record = OwnershipRecord::new(&graph, "p0", day(), regimes(), default_floor(), BTreeMap::new());
        let picture = svg(&record);
        let mut depth = 0_i32;
        let mut rest = picture.as_str();
        while let Some(at) = rest.find('<') {
            let (inside, after) = rest.get(at + 1..).unwrap().split_once('>').unwrap();
            depth += if inside.starts_with('/') { -1 } else if inside.ends_with('/') { 0 } else { 1 };
            rest = after;
        }
        prop_assert_eq!(depth, 0);
        prop_assert!(!picture.chars().any(|letter| letter.is_control() && letter != '\n'));
        prop_assert!(!tree(&graph, "p0", day()).is_empty());
    }
}

#[test]
fn a_person_and_a_float_are_never_owned() {
    let mut graph = Graph::default();
    let listed = Fact::stated(vec![ListEntry::on("sdn")], "t");
    let clean = Fact::stated(Vec::new(), "t");
    for (name, kind, listings) in [
        ("x", PartyKind::Company, &listed),
        ("p", PartyKind::Person, &clean),
        ("f", PartyKind::Dispersed, &Fact::unknown("nobody can")),
        ("s", PartyKind::State, &clean),
    ] {
        let node = Node {
            kind,
            listings: listings.clone(),
            ..Node::company(name)
        };
        graph.parties.insert(name.to_owned(), node);
        if name != "x" {
            let share = Share::Exact(Ratio::one());
            let source = Source::named("t");
            graph
                .edges
                .push(Edge::new("x", name, EdgeKind::Share, share, source));
        }
    }
    let found = assess(&graph, &regime("ofac"), day(), &default_floor());
    for name in ["p", "f", "s"] {
        assert_eq!(found.verdict(name), Verdict::Clear, "{name}");
    }
}
