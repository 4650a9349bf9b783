//! Parties and the edges between them, as they were stated: each claim with its source, each fact with its days.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, Fact, Source};
use serde::{Deserialize, Serialize};

use super::Share;
use crate::{PartyKind, Register};

/// Who holds what in whom, as sources state it. The evidence that verdicts are made from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Graph {
    /// The parties by key.
    pub parties: BTreeMap<String, Node>,
    /// What ties one to another.
    pub edges: Vec<Edge>,
    /// Groups whose members use their rights together by a joint arrangement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<BTreeSet<String>>,
}

/// A party of a [`Graph`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, for people.
    pub name: String,
    /// What it is.
    pub kind: PartyKind,
    /// Country of the headquarters; of residence for a person.
    pub headquarters: Fact<Country>,
    /// Country of incorporation, where it is another than the headquarters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incorporated: Option<Fact<Country>>,
    /// The lists on which screening found it; none: screened, on no list.
    pub listings: Fact<Vec<ListEntry>>,
    /// Where `listings` is known: lists of which it does not speak, with why. The party may stand on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open_lists: BTreeMap<String, String>,
    /// Whether the edges name every holder that could matter. A party about whose owners nobody says anything is incomplete.
    pub owners_complete: bool,
}

impl Node {
    /// A company of which nothing is known but the name.
    #[must_use]
    pub fn company(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: PartyKind::Company,
            headquarters: Fact::unknown("not stated"),
            incorporated: None,
            listings: Fact::unknown("not screened"),
            open_lists: BTreeMap::new(),
            owners_complete: false,
        }
    }

    /// Where it is at home in the law's sense: incorporated, else headquartered.
    #[must_use]
    pub fn home(&self) -> &Fact<Country> {
        self.incorporated.as_ref().unwrap_or(&self.headquarters)
    }
}

/// A party's entry on a list, with its days.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListEntry {
    /// The list, in the words of the rule packs (`entity_list`), `eu` or `uk`.
    pub list: String,
    /// First day on the list; since ever where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day on the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl ListEntry {
    /// An entry without days.
    #[must_use]
    pub fn on(list: impl Into<String>) -> Self {
        Self {
            list: list.into(),
            from: None,
            to: None,
        }
    }

    /// Whether it stands on a day; first and last day are included.
    #[must_use]
    pub fn stands(&self, day: Date) -> bool {
        holds(self.from, self.to, day)
    }
}

/// What an edge is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// A share of the capital.
    Share,
    /// A share of the votes.
    Votes,
    /// Control by other means: appoints the board, a contract, a trust.
    Control,
    /// The owner consolidates it in its accounts (a parent of GLEIF): control, and a share that nobody states.
    Consolidation,
    /// The owner sits on its board.
    Director,
    /// A tie of a kind that nobody states: a share that is unknown.
    Unknown,
}

impl EdgeKind {
    /// The word of files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Votes => "votes",
            Self::Control => "control",
            Self::Consolidation => "consolidation",
            Self::Director => "director",
            Self::Unknown => "unknown",
        }
    }

    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Share,
        Self::Votes,
        Self::Control,
        Self::Consolidation,
        Self::Director,
        Self::Unknown,
    ];
}

/// What one source says of a share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The share.
    pub share: Share,
    /// Who says so, on what evidence, when.
    pub source: Source,
}

/// One block of shares, votes or other ties. Blocks of one holder add up; the claims of one block do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The holder: a key of [`Graph::parties`]. A key that is not there is a holder that nobody knows.
    pub owner: String,
    /// What it holds a part of.
    pub owned: String,
    /// What it is about.
    pub kind: EdgeKind,
    /// What sources say of its size. Where they differ, the answer is the range of all that they say.
    pub claims: Vec<Claim>,
    /// How it controls, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// First day; since ever where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl Edge {
    /// A block without days, stated by one source.
    #[must_use]
    pub fn new(
        owner: impl Into<String>,
        owned: impl Into<String>,
        kind: EdgeKind,
        share: Share,
        source: Source,
    ) -> Self {
        Self {
            owner: owner.into(),
            owned: owned.into(),
            kind,
            claims: vec![Claim { share, source }],
            how: None,
            from: None,
            to: None,
        }
    }

    /// Whether it stands on a day; first and last day are included.
    #[must_use]
    pub fn stands(&self, day: Date) -> bool {
        holds(self.from, self.to, day)
    }

    /// Whether the sources of its claims say different things.
    #[must_use]
    pub fn disputed(&self) -> bool {
        let mut known = self.claims.iter().filter_map(|claim| claim.share.bounds());
        let first = known.next();
        known.any(|bounds| Some(bounds) != first)
    }
}

fn holds(from: Option<Date>, to: Option<Date>, day: Date) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

impl Graph {
    /// Adds a claim of another source to the block that it is about (same holder, party, kind and days), else a new block.
    pub fn claim(&mut self, edge: Edge) {
        let same = self.edges.iter_mut().find(|known| {
            (&known.owner, &known.owned, known.kind) == (&edge.owner, &edge.owned, edge.kind)
                && (known.from, known.to) == (edge.from, edge.to)
                && !known
                    .claims
                    .iter()
                    .any(|known| edge.claims.iter().any(|claim| claim.source == known.source))
        });
        match same {
            Some(known) => known.claims.extend(edge.claims),
            None => self.edges.push(edge),
        }
    }

    /// The part that can matter for a party: itself, and everybody above it by edges that stand on a day.
    #[must_use]
    pub fn above(&self, key: &str, day: Date) -> Self {
        let mut holders: BTreeMap<&str, Vec<&Edge>> = BTreeMap::new();
        for edge in self.edges.iter().filter(|edge| edge.stands(day)) {
            holders.entry(&edge.owned).or_default().push(edge);
        }
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![key];
        while let Some(current) = open.pop() {
            if !keys.insert(current) {
                continue;
            }
            let above = holders.get(current).into_iter().flatten();
            open.extend(above.map(|edge| edge.owner.as_str()));
            // Whoever uses rights together with a holder is a holder's holder for this purpose.
            for group in self.joint.iter().filter(|group| group.contains(current)) {
                open.extend(group.iter().map(String::as_str));
            }
        }
        Self {
            parties: self
                .parties
                .iter()
                .filter(|(key, _)| keys.contains(key.as_str()))
                .map(|(key, node)| (key.clone(), node.clone()))
                .collect(),
            edges: self
                .edges
                .iter()
                .filter(|edge| edge.stands(day) && keys.contains(edge.owned.as_str()))
                .cloned()
                .collect(),
            joint: self
                .joint
                .iter()
                .filter(|group| group.iter().any(|member| keys.contains(member.as_str())))
                .cloned()
                .collect(),
        }
    }

    /// A party's name for people; its key where nobody knows it.
    #[must_use]
    pub fn name<'a>(&'a self, key: &'a str) -> &'a str {
        self.parties.get(key).map_or(key, |node| &node.name)
    }
}

/// The evidence that a [`Register`] still has: one source a share, no days, no votes.
impl From<&Register> for Graph {
    fn from(register: &Register) -> Self {
        let mut graph = Self::default();
        for (key, party) in &register.parties {
            let node = Node {
                name: party.name.clone(),
                kind: party.kind,
                headquarters: party.headquarters.clone(),
                incorporated: party.incorporated.clone(),
                listings: party
                    .listed
                    .whole()
                    .map(|lists| lists.into_iter().map(ListEntry::on).collect()),
                open_lists: BTreeMap::new(),
                owners_complete: party.owners_complete,
            };
            graph.parties.insert(key.clone(), node);
            for holding in &party.owners {
                let (share, source) = match &holding.share {
                    Fact::Known(share, source) => (
                        share.get().to_string().parse().unwrap_or(Share::Unknown),
                        source.clone(),
                    ),
                    Fact::Unknown(why) => (Share::Unknown, Source::named(why.clone())),
                };
                let edge =
                    |kind| Edge::new(&holding.holder, key, kind, share.clone(), source.clone());
                graph.edges.push(edge(EdgeKind::Share));
                if holding.control {
                    graph.edges.push(edge(EdgeKind::Control));
                }
            }
        }
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(owner: &str, owned: &str, share: &str, by: &str) -> Edge {
        Edge::new(
            owner,
            owned,
            EdgeKind::Share,
            share.parse().unwrap(),
            Source::named(by),
        )
    }

    #[test]
    fn other_sources_are_claims_and_the_same_source_is_another_block() {
        let mut graph = Graph::default();
        graph.claim(edge("X", "A", "49", "registry"));
        graph.claim(edge("X", "A", "51", "annual report"));
        graph.claim(edge("X", "A", "10", "registry"));
        assert_eq!(graph.edges.len(), 2);
        assert!(graph.edges[0].disputed() && !graph.edges[1].disputed());
    }

    #[test]
    fn what_is_above_leaves_out_the_rest_and_ends_in_loops() {
        let mut graph = Graph::default();
        for key in ["X", "A", "B", "C"] {
            graph.parties.insert(key.to_owned(), Node::company(key));
        }
        graph.edges = vec![
            edge("X", "A", "60", "t"),
            edge("B", "A", "40", "t"),
            edge("A", "B", "50", "t"),
            edge("A", "C", "50", "t"),
            Edge {
                to: Some("2020-01-01".parse().unwrap()),
                ..edge("C", "A", "1", "t")
            },
        ];
        let above = graph.above("A", "2026-01-01".parse().unwrap());
        assert_eq!(above.parties.keys().collect::<Vec<_>>(), ["A", "B", "X"]);
        assert_eq!(above.edges.len(), 3);
    }
}
