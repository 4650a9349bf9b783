//! From a case file's text to cases. Every remark points at its line; all of them are collected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::yaml::{self, Content, Dialect, Key, Node as Yaml};
use causeway_domain::{Country, Date, Fact, Place, Problem, Source, SourceFile, near};
use serde_json::Value;

use super::{Case, CaseFile};
use crate::PartyKind;
use crate::ownership::{
    Claim, Edge, EdgeKind, Graph, ListEntry, Node, Ratio, Share, Verdict, default_floor,
};

/// The format that this version reads.
const FORMAT: &str = "causeway-ownership-cases/1";
/// The day of a case that names none, as the format says.
const DEFAULT_DAY: Date = jiff::civil::date(2026, 11, 24);
/// Who says what a case says, for the record.
const BY: &str = "the case";

/// Words of lists in case files and what they are here.
const LISTS: [(&str, &str); 7] = [
    ("US-SDN", "sdn"),
    ("US-SDN-744.8", "sdn_7448"),
    ("US-EL", "entity_list"),
    ("US-MEU", "meu"),
    ("EU", "eu"),
    ("UK", "uk"),
    ("US-DOJ", "doj_designated"),
];

const FILE_KEYS: [&str; 8] = [
    "format",
    "minority_review_pct",
    "owners_complete_default",
    "as_of",
    "verdicts",
    "regimes",
    "notes",
    "cases",
];
const CASE_KEYS: [&str; 11] = [
    "id",
    "title",
    "parties",
    "edges",
    "control",
    "joint_arrangement",
    "as_of",
    "expect",
    "expect_effective",
    "expect_bis_inherits_from",
    "why",
];
const PARTY_KEYS: [&str; 6] = [
    "kind",
    "country",
    "incorporated",
    "lists",
    "owners_complete",
    "name",
];
const EDGE_KEYS: [&str; 11] = [
    "owner", "owned", "pct", "min", "max", "shares", "kind", "how", "start", "end", "source",
];

/// Reads a file of cases.
///
/// # Errors
/// Every problem of the file, each at its place.
pub fn read(source: &Arc<SourceFile>) -> Result<CaseFile, Vec<Problem>> {
    let documents = yaml::read(source, Dialect::Core).map_err(|problem| vec![problem])?;
    let mut reader = Reader {
        source,
        problems: Vec::new(),
        complete: true,
        floor: default_floor(),
        day: DEFAULT_DAY,
    };
    let mut cases = Vec::new();
    for root in &documents {
        cases.extend(reader.file(root));
    }
    if reader.problems.is_empty() {
        Ok(CaseFile { cases })
    } else {
        Err(reader.problems)
    }
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    problems: Vec<Problem>,
    complete: bool,
    floor: Ratio,
    day: Date,
}

fn text(node: &Yaml) -> Option<String> {
    match &node.content {
        Content::Scalar(Value::String(text)) => Some(text.clone()),
        Content::Scalar(Value::Number(number)) => Some(number.to_string()),
        Content::Scalar(Value::Bool(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

fn entries(node: Option<&Yaml>) -> &[(Key, Yaml)] {
    match node.map(|node| &node.content) {
        Some(Content::Map(entries)) => entries,
        _ => &[],
    }
}

fn items(node: Option<&Yaml>) -> &[Yaml] {
    match node.map(|node| &node.content) {
        Some(Content::List(items)) => items,
        _ => &[],
    }
}

fn is_null(node: &Yaml) -> bool {
    matches!(node.content, Content::Scalar(Value::Null))
}

impl Reader<'_> {
    fn error(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.problems
            .push(Problem::error(self.source, place, message).help(help));
    }

    fn keys(&mut self, node: &Yaml, what: &str, known: &[&str]) {
        if !matches!(node.content, Content::Map(_)) {
            return self.error(
                node.place,
                format!("{what} is a mapping, not {}", node.kind()),
                format!("its keys: {}", known.join(", ")),
            );
        }
        for (key, _) in entries(Some(node)) {
            if !known.contains(&key.text.as_str()) {
                let help = near(&key.text, known.iter().copied()).map_or_else(
                    || format!("known keys: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.error(key.place, format!("{what} has no key `{}`", key.text), help);
            }
        }
    }

    fn word(&mut self, node: &Yaml, what: &str) -> Option<String> {
        let found = text(node);
        if found.is_none() {
            self.error(
                node.place,
                format!("{what} is text, not {}", node.kind()),
                "write a word",
            );
        }
        found
    }

    fn flag(&mut self, node: &Yaml, what: &str) -> bool {
        match node.content {
            Content::Scalar(Value::Bool(flag)) => flag,
            _ => {
                self.error(
                    node.place,
                    format!("{what} is true or false"),
                    "write `true` or `false`",
                );
                false
            }
        }
    }

    fn date(&mut self, node: Option<&Yaml>) -> Option<Date> {
        let node = node.filter(|node| !is_null(node))?;
        let found = text(node).and_then(|text| text.parse().ok());
        if found.is_none() {
            self.error(node.place, "this is no day", "write it as `2026-11-24`");
        }
        found
    }

    fn file(&mut self, root: &Yaml) -> Vec<Case> {
        self.keys(root, "a file of cases", &FILE_KEYS);
        match root.get("format").and_then(text).as_deref() {
            Some(FORMAT) => {}
            other => {
                let place = root.get("format").map_or(root.place, |node| node.place);
                self.error(
                    place,
                    format!("the format is `{}`", other.unwrap_or("not stated")),
                    format!("this version reads `{FORMAT}`"),
                );
            }
        }
        if let Some(node) = root.get("minority_review_pct")
            && let Some(floor) = self.percent(node)
        {
            self.floor = floor;
        }
        if let Some(node) = root.get("owners_complete_default") {
            self.complete = self.flag(node, "owners_complete_default");
        }
        if let Some(day) = self.date(root.get("as_of")) {
            self.day = day;
        }
        let mut ids = BTreeSet::new();
        let mut cases = Vec::new();
        for node in items(root.get("cases")) {
            let Some(case) = self.case(node) else {
                continue;
            };
            if !ids.insert(case.id.clone()) {
                self.error(
                    node.place,
                    format!("there are two cases `{}`", case.id),
                    "give each case its own id",
                );
            }
            cases.push(case);
        }
        cases
    }

    fn case(&mut self, node: &Yaml) -> Option<Case> {
        self.keys(node, "a case", &CASE_KEYS);
        let Some(id) = node.get("id").and_then(text) else {
            self.error(node.place, "a case needs an `id`", "write `id: v01`");
            return None;
        };
        let as_of = self.date(node.get("as_of")).unwrap_or(self.day);
        let graph = self.graph(node);
        let expect = self.expect(node, &graph);
        let effective = node.get("expect_effective").map(|node| {
            if text(node).as_deref() == Some("undefined") {
                return None;
            }
            Some(self.shares(node, &graph))
        });
        let inherits = node.get("expect_bis_inherits_from").map(|node| {
            entries(Some(node))
                .iter()
                .map(|(key, from)| {
                    self.party(&graph, &key.text, key.place);
                    let from = items(Some(from)).iter().filter_map(text).collect();
                    (key.text.clone(), from)
                })
                .collect()
        });
        Some(Case {
            id,
            title: node.get("title").and_then(text).unwrap_or_default(),
            graph,
            as_of,
            floor: self.floor.clone(),
            expect,
            effective,
            inherits,
            why: node.get("why").and_then(text).unwrap_or_default(),
        })
    }

    fn graph(&mut self, node: &Yaml) -> Graph {
        let mut graph = Graph::default();
        let mut stated = BTreeMap::new();
        for (key, party) in entries(node.get("parties")) {
            let (party, complete) = self.node(&key.text, party);
            stated.insert(key.text.clone(), complete);
            graph.parties.insert(key.text.clone(), party);
        }
        for edge in items(node.get("edges")) {
            if let Some(edge) = self.edge(edge, &graph) {
                // Only a source that is named can contradict another one; what names none is a block of its own.
                if edge.claims.iter().all(|claim| claim.source.by == BY) {
                    graph.edges.push(edge);
                } else {
                    graph.claim(edge);
                }
            }
        }
        for control in items(node.get("control")) {
            self.keys(
                control,
                "a control",
                &["who", "over", "kind", "start", "end"],
            );
            let who = self.end(control, "who", &graph);
            let over = self.end(control, "over", &graph);
            let (Some(owner), Some(owned)) = (who, over) else {
                continue;
            };
            graph.edges.push(Edge {
                owner,
                owned,
                kind: EdgeKind::Control,
                claims: Vec::new(),
                how: control.get("kind").and_then(text),
                from: self.date(control.get("start")),
                to: self.date(control.get("end")),
            });
        }
        for group in items(node.get("joint_arrangement")) {
            let members: BTreeSet<String> = items(Some(group)).iter().filter_map(text).collect();
            for member in &members {
                self.party(&graph, member, group.place);
            }
            graph.joint.push(members);
        }
        for (key, complete) in stated {
            let owned = graph.edges.iter().any(|edge| {
                edge.owned == key && !matches!(edge.kind, EdgeKind::Control | EdgeKind::Director)
            });
            if let Some(node) = graph.parties.get_mut(&key) {
                // Whoever names no owner at all has said nothing about them: an open register, whatever the default.
                node.owners_complete = complete.unwrap_or(self.complete && owned);
            }
        }
        graph
    }

    fn node(&mut self, key: &str, node: &Yaml) -> (Node, Option<bool>) {
        self.keys(node, "a party", &PARTY_KEYS);
        let kind = match node.get("kind").and_then(text).as_deref() {
            Some("entity" | "company") | None => PartyKind::Company,
            Some("person") => PartyKind::Person,
            Some("state") => PartyKind::State,
            Some("dispersed") => PartyKind::Dispersed,
            Some(other) => {
                self.error(
                    node.get("kind").map_or(node.place, |node| node.place),
                    format!("there is no kind of party `{other}`"),
                    "known kinds: entity, person, state, dispersed",
                );
                PartyKind::Company
            }
        };
        let headquarters = node.get("country").map_or_else(
            || Fact::unknown("the case does not state it"),
            |node| self.country(node),
        );
        let incorporated = node.get("incorporated").map(|node| self.country(node));
        let listings = match node.get("lists") {
            None => Fact::stated(Vec::new(), BY),
            Some(node) if text(node).as_deref() == Some("unknown") => {
                Fact::unknown("the case says so")
            }
            Some(node) => {
                let lists = items(Some(node)).iter().filter_map(|node| self.list(node));
                Fact::stated(lists.collect(), BY)
            }
        };
        let complete = node
            .get("owners_complete")
            .map(|node| self.flag(node, "owners_complete"));
        let node = Node {
            name: node
                .get("name")
                .and_then(text)
                .unwrap_or_else(|| key.to_owned()),
            kind,
            headquarters,
            incorporated,
            listings,
            open_lists: BTreeMap::new(),
            owners_complete: false,
        };
        (node, complete)
    }

    fn country(&mut self, node: &Yaml) -> Fact<Country> {
        match text(node) {
            Some(word) if word == "unknown" => Fact::unknown("the case says so"),
            None if is_null(node) => Fact::unknown("the case says so"),
            word => match word.as_deref().unwrap_or_default().parse::<Country>() {
                Ok(country) => Fact::stated(country, BY),
                Err(error) => {
                    self.error(node.place, error.to_string(), "write a code such as SG");
                    Fact::unknown("the case names no country")
                }
            },
        }
    }

    /// `US-SDN`, or `{list: US-SDN, start: 2024-01-01, end: 2025-01-01}`.
    fn list(&mut self, node: &Yaml) -> Option<ListEntry> {
        let dated = matches!(node.content, Content::Map(_));
        if dated {
            self.keys(node, "a listing", &["list", "start", "end"]);
        }
        let word_node = if dated { node.get("list")? } else { node };
        let word = self.word(word_node, "a list")?;
        let Some((_, list)) = LISTS.iter().find(|(known, _)| *known == word) else {
            let known: Vec<&str> = LISTS.iter().map(|(known, _)| *known).collect();
            self.error(
                word_node.place,
                format!("there is no list `{word}`"),
                format!("known lists: {}", known.join(", ")),
            );
            return None;
        };
        Some(ListEntry {
            list: (*list).to_owned(),
            from: if dated {
                self.date(node.get("start"))
            } else {
                None
            },
            to: if dated {
                self.date(node.get("end"))
            } else {
                None
            },
        })
    }

    fn party(&mut self, graph: &Graph, key: &str, place: Place) -> bool {
        if graph.parties.contains_key(key) {
            return true;
        }
        let known = graph.parties.keys().map(String::as_str);
        let help = near(key, known).map_or_else(
            || "declare it under `parties`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.error(place, format!("unknown party `{key}`"), help);
        false
    }

    fn end(&mut self, node: &Yaml, key: &str, graph: &Graph) -> Option<String> {
        let Some(end) = node.get(key) else {
            self.error(node.place, format!("this needs `{key}`"), "name a party");
            return None;
        };
        let word = self.word(end, key)?;
        self.party(graph, &word, end.place).then_some(word)
    }

    fn edge(&mut self, node: &Yaml, graph: &Graph) -> Option<Edge> {
        self.keys(node, "an edge", &EDGE_KEYS);
        let owner = self.end(node, "owner", graph);
        let owned = self.end(node, "owned", graph);
        let kind = match node.get("kind") {
            None => EdgeKind::Share,
            Some(kind) => {
                let word = self.word(kind, "a kind")?;
                let Some(kind) = EdgeKind::ALL.into_iter().find(|known| known.word() == word)
                else {
                    self.error(
                        kind.place,
                        format!("there is no kind of edge `{word}`"),
                        format!(
                            "known kinds: {}",
                            EdgeKind::ALL.map(EdgeKind::word).join(", ")
                        ),
                    );
                    return None;
                };
                kind
            }
        };
        let share = self.share(node)?;
        let source = node.get("source").and_then(text);
        Some(Edge {
            owner: owner?,
            owned: owned?,
            kind,
            claims: vec![Claim {
                share,
                source: Source::named(source.unwrap_or_else(|| BY.to_owned())),
            }],
            how: node.get("how").and_then(text),
            from: self.date(node.get("start")),
            to: self.date(node.get("end")),
        })
    }

    fn share(&mut self, node: &Yaml) -> Option<Share> {
        if let Some(counts) = node.get("shares") {
            let numbers: Vec<Option<u128>> = items(Some(counts))
                .iter()
                .map(|node| text(node).and_then(|text| text.parse().ok()))
                .collect();
            let share = match numbers.as_slice() {
                [Some(held), Some(total)] => Share::counted(*held, *total).ok(),
                _ => None,
            };
            if share.is_none() {
                self.error(
                    counts.place,
                    "`shares` are the shares held and all that were issued",
                    "write two whole numbers, `[1, 3]`",
                );
            }
            return share;
        }
        let range = (node.get("min"), node.get("max"));
        if let (Some(low), Some(high)) = range {
            let (low, high) = (self.percent(low)?, self.percent(high)?);
            if low > high {
                self.error(
                    node.place,
                    "`min` is more than `max`",
                    "write the smaller one as `min`",
                );
                return None;
            }
            return Some(Share::Between(low, high));
        }
        match node.get("pct") {
            None => Some(Share::Unknown),
            Some(node) if is_null(node) => Some(Share::Unknown),
            Some(node) => {
                let word = self.word(node, "pct")?;
                match word.parse() {
                    Ok(share) => Some(share),
                    Err(error) => {
                        let error: crate::ownership::InvalidShare = error;
                        self.error(node.place, format!("`{word}` is no share"), error.why);
                        None
                    }
                }
            }
        }
    }

    fn percent(&mut self, node: &Yaml) -> Option<Ratio> {
        let found = text(node).and_then(|text| Ratio::decimal_percent(&text).ok());
        let found = found.filter(|share| *share <= Ratio::one());
        if found.is_none() {
            self.error(
                node.place,
                "this is no percentage",
                "write a number from 0 to 100",
            );
        }
        found
    }

    fn expect(
        &mut self,
        node: &Yaml,
        graph: &Graph,
    ) -> BTreeMap<String, BTreeMap<String, Verdict>> {
        let mut expect = BTreeMap::new();
        for (regime, verdicts) in entries(node.get("expect")) {
            let mut parties = BTreeMap::new();
            for (party, verdict) in entries(Some(verdicts)) {
                self.party(graph, &party.text, party.place);
                match text(verdict).and_then(|word| word.parse().ok()) {
                    Some(verdict) => {
                        parties.insert(party.text.clone(), verdict);
                    }
                    None => self.error(
                        verdict.place,
                        "this is no verdict",
                        "write caught, review or clear",
                    ),
                }
            }
            expect.insert(regime.text.clone(), parties);
        }
        expect
    }

    fn shares(&mut self, node: &Yaml, graph: &Graph) -> BTreeMap<String, String> {
        let mut shares = BTreeMap::new();
        for (pair, share) in entries(Some(node)) {
            match pair.text.split_once('>') {
                Some((owner, owned)) => {
                    self.party(graph, owner, pair.place);
                    self.party(graph, owned, pair.place);
                }
                None => self.error(
                    pair.place,
                    format!("`{}` is no pair of parties", pair.text),
                    "write `owner>owned`",
                ),
            }
            // The exact reader takes percent: what is a fraction here is scaled back.
            let number = text(share)
                .and_then(|text| Ratio::decimal_percent(&text).ok())
                .and_then(|share| share.over(&Ratio::percent(1)));
            match number {
                Some(number) => {
                    shares.insert(pair.text.clone(), number.rounded(6));
                }
                None => self.error(share.place, "this is no share", "write `0.25`"),
            }
        }
        shares
    }
}
