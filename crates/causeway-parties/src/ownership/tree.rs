//! The owners of a party as a tree of lines, up to whoever nobody owns.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, Fact};
use serde::Serialize;

use super::{Edge, EdgeKind, Graph, Node};
use crate::PartyKind;

/// One party at one place of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// The lines that lead to it, for a terminal: `│  ├─ `.
    pub rail: String,
    /// The party.
    pub key: String,
    /// What it holds in the party below, one entry a block: `60 %`, `votes 70 %`, `control: appoints the board`.
    pub holds: Vec<String>,
    /// Who says so.
    pub sources: Vec<String>,
    /// Where its owners are not repeated: they stand at an earlier line, or it is below itself.
    pub seen: Option<Seen>,
}

/// Why a branch ends although the party has owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Its owners are shown at an earlier line.
    Above,
    /// It is owned by itself through others.
    Loop,
}

impl Seen {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Above => "see above",
            Self::Loop => "closes a loop",
        }
    }
}

/// The tree of a party's owners on a day, the party itself first. Each party's owners are shown once.
#[must_use]
pub fn tree(graph: &Graph, party: &str, day: Date) -> Vec<Branch> {
    let mut owners: BTreeMap<&str, BTreeMap<&str, Vec<&Edge>>> = BTreeMap::new();
    for edge in graph.edges.iter().filter(|edge| edge.stands(day)) {
        let of = owners.entry(&edge.owned).or_default();
        of.entry(&edge.owner).or_default().push(edge);
    }
    let mut walk = Walk {
        owners,
        shown: BTreeSet::new(),
        way: Vec::new(),
        lines: Vec::new(),
    };
    walk.visit(party, String::new(), "", &[]);
    walk.lines
}

struct Walk<'g> {
    owners: BTreeMap<&'g str, BTreeMap<&'g str, Vec<&'g Edge>>>,
    shown: BTreeSet<String>,
    way: Vec<String>,
    lines: Vec<Branch>,
}

impl<'g> Walk<'g> {
    fn visit(&mut self, key: &str, rail: String, below: &str, edges: &[&'g Edge]) {
        let above = self.owners.get(key).cloned().unwrap_or_default();
        let seen = if self.way.iter().any(|on| on == key) {
            Some(Seen::Loop)
        } else if !above.is_empty() && self.shown.contains(key) {
            Some(Seen::Above)
        } else {
            None
        };
        self.lines.push(Branch {
            rail,
            key: key.to_owned(),
            holds: edges.iter().map(|edge| holding(edge)).collect(),
            sources: sources(edges),
            seen,
        });
        // A chain of owners as long as this is nobody's register; the verdicts do not depend on the tree.
        if seen.is_some() || self.way.len() >= 64 {
            return;
        }
        self.shown.insert(key.to_owned());
        self.way.push(key.to_owned());
        let last = above.len().saturating_sub(1);
        for (position, (owner, edges)) in above.into_iter().enumerate() {
            let (branch, rail) = if position == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.visit(
                owner,
                format!("{below}{branch}"),
                &format!("{below}{rail}"),
                &edges,
            );
        }
        self.way.pop();
    }
}

/// One block in words.
pub(super) fn holding(edge: &Edge) -> String {
    let size = || {
        let mut sizes: Vec<String> = Vec::new();
        for claim in &edge.claims {
            let size = claim.share.to_string();
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        if sizes.is_empty() || sizes == ["unknown"] {
            return "unknown share".to_owned();
        }
        sizes.join(" or ")
    };
    let how = |word: &str| {
        edge.how
            .as_ref()
            .map_or_else(|| word.to_owned(), |how| format!("{word}: {how}"))
    };
    match edge.kind {
        EdgeKind::Share => size(),
        EdgeKind::Votes => format!("votes {}", size()),
        EdgeKind::Control => how("control"),
        EdgeKind::Director => how("on the board"),
        EdgeKind::Consolidation => "in its accounts, share unknown".to_owned(),
        EdgeKind::Unknown => "unknown share".to_owned(),
    }
}

fn sources(edges: &[&Edge]) -> Vec<String> {
    let mut sources: Vec<String> = Vec::new();
    for claim in edges.iter().flat_map(|edge| &edge.claims) {
        let source = claim.source.to_string();
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

impl Node {
    /// Kind and place in words: `company, Singapore`; `person, place unknown`.
    #[must_use]
    pub fn place_in_words(&self) -> String {
        let kind = match self.kind {
            PartyKind::Company => "company",
            PartyKind::Person => "person",
            PartyKind::State => "state",
            PartyKind::Dispersed => return "dispersed holders".to_owned(),
        };
        let name = |place: &Fact<Country>| {
            place
                .known()
                .map_or("place unknown", |country| country.name())
                .to_owned()
        };
        let home = match &self.incorporated {
            Some(home) if home.known() != self.headquarters.known() => {
                format!(", incorporated in {}", name(home))
            }
            _ => String::new(),
        };
        format!("{kind}, {}{home}", name(&self.headquarters))
    }

    /// List status in words on a day: `on entity_list`, `perhaps on sdn`, `on no list`, `not screened`.
    #[must_use]
    pub fn lists_in_words(&self, day: Date) -> String {
        if self.kind == PartyKind::Dispersed {
            return "on no list".to_owned();
        }
        match &self.listings {
            Fact::Unknown(_) => "not screened".to_owned(),
            Fact::Known(entries, _) => {
                let on: BTreeSet<&str> = entries
                    .iter()
                    .filter(|entry| entry.stands(day))
                    .map(|entry| entry.list.as_str())
                    .collect();
                let open: Vec<&str> = self
                    .open_lists
                    .keys()
                    .map(String::as_str)
                    .filter(|list| !on.contains(list))
                    .collect();
                let on: Vec<&str> = on.into_iter().collect();
                match (on.is_empty(), open.is_empty()) {
                    (true, true) => "on no list".to_owned(),
                    (false, true) => format!("on {}", on.join(", ")),
                    (true, false) => format!("perhaps on {}", open.join(", ")),
                    (false, false) => {
                        format!("on {}, perhaps on {}", on.join(", "), open.join(", "))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_domain::Source;

    use super::*;

    #[test]
    fn owners_are_shown_once_and_loops_end() {
        let mut graph = Graph::default();
        for (owner, owned, share) in [
            ("x", "a", "60"),
            ("b", "a", "40"),
            ("a", "b", "50"),
            ("x", "b", "unknown"),
            ("f", "x", "100"),
        ] {
            let share = share.parse().unwrap();
            let source = Source::named("t");
            graph
                .edges
                .push(Edge::new(owner, owned, EdgeKind::Share, share, source));
        }
        let lines: Vec<String> = tree(&graph, "a", "2026-01-01".parse().unwrap())
            .iter()
            .map(|line| {
                let seen = line.seen.map_or(String::new(), |seen| format!(" {seen:?}"));
                format!("{}{} {}{seen}", line.rail, line.key, line.holds.join(", "))
            })
            .collect();
        assert_eq!(
            lines,
            [
                "a ",
                "├─ b 40 %",
                "│  ├─ a 50 % Loop",
                "│  └─ x unknown share",
                "│     └─ f 100 %",
                "└─ x 60 % Above",
            ]
        );
    }
}
