//! What a graph says on one day, ready for arithmetic: for each party its holders with bounds for what each has.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Date;
use serde::{Deserialize, Serialize};

use super::{Edge, EdgeKind, Graph, Node, Ratio};

/// Least and most that a holder can have. No `high`: an unknown share, up to all that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) low: Ratio,
    pub(super) high: Option<Ratio>,
}

impl Bounds {
    fn unknown() -> Self {
        Self {
            low: Ratio::zero(),
            high: None,
        }
    }

    /// The hull of all claims of one block.
    fn of(edge: &Edge) -> Self {
        let mut known = edge.claims.iter().filter_map(|claim| claim.share.bounds());
        let Some((mut low, mut high)) = known.next() else {
            return Self::unknown();
        };
        for (other_low, other_high) in known {
            low = low.min(other_low);
            high = high.max(other_high);
        }
        Self {
            low,
            high: Some(high),
        }
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            low: &self.low + &other.low,
            high: match (&self.high, &other.high) {
                (Some(one), Some(other)) => Some(one + other),
                _ => None,
            },
        }
    }

    /// The share of what is left when a party's holding in itself is left out.
    fn without(&self, itself: &Self) -> Self {
        let scale = |share: &Ratio, itself: &Ratio| {
            share
                .over(&(&Ratio::one() - itself))
                .filter(|share| !share.is_negative() && *share <= Ratio::one())
                .unwrap_or_else(Ratio::one)
        };
        Self {
            low: scale(&self.low, &itself.low),
            high: match (&self.high, &itself.high) {
                (Some(share), _) if share.is_zero() => Some(Ratio::zero()),
                (Some(share), Some(itself)) => Some(scale(share, itself)),
                _ => None,
            },
        }
    }
}

/// What one holder has in a party.
#[derive(Debug, Clone, Default)]
pub(super) struct Stake {
    pub(super) capital: Option<Bounds>,
    pub(super) votes: Option<Bounds>,
    /// Control by other means, in words.
    pub(super) levers: BTreeSet<String>,
}

/// A party's holders, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// The party itself: its own shares in itself are never those of somebody who catches it.
    pub(super) itself: usize,
    pub(super) stakes: BTreeMap<usize, Stake>,
    /// Whether the register names everybody who could matter.
    pub(super) complete: bool,
    /// Whether anybody's votes are stated.
    pub(super) split: bool,
}

/// Whether a party's own shares in itself count in the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treasury {
    /// As stated: percentages of all shares.
    Counted,
    /// Left out: percentages of the shares that others hold.
    LeftOut,
}

/// What is held: capital or votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Shares of the capital.
    Capital,
    /// Votes.
    Votes,
}

/// A graph on a day, parties by number.
#[derive(Debug)]
pub(super) struct Day<'g> {
    pub(super) graph: &'g Graph,
    pub(super) keys: Vec<&'g str>,
    pub(super) rows: Vec<Row>,
    /// Who is owned or led by a party, by number.
    below: Vec<BTreeSet<usize>>,
    /// Whether any party holds shares in itself.
    pub(super) treasury: bool,
}

/// What holders of a set have of a party, in sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) low: Ratio,
    pub(super) high: Ratio,
}

impl<'g> Day<'g> {
    /// Reads the edges that stand on a day.
    pub(super) fn new(graph: &'g Graph, day: Date, treasury: Treasury) -> Self {
        let mut keys: BTreeSet<&str> = graph.parties.keys().map(String::as_str).collect();
        for edge in &graph.edges {
            keys.extend([edge.owner.as_str(), edge.owned.as_str()]);
        }
        keys.extend(graph.joint.iter().flatten().map(String::as_str));
        let keys: Vec<&str> = keys.into_iter().collect();
        let number: BTreeMap<&str, usize> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| (*key, index))
            .collect();
        let mut rows: Vec<Row> = keys
            .iter()
            .enumerate()
            .map(|(itself, key)| Row {
                itself,
                complete: graph
                    .parties
                    .get(*key)
                    .is_some_and(|node| node.owners_complete),
                ..Row::default()
            })
            .collect();
        let mut below = vec![BTreeSet::new(); keys.len()];
        for edge in graph.edges.iter().filter(|edge| edge.stands(day)) {
            let (Some(owner), Some(owned)) = (
                number.get(edge.owner.as_str()),
                number.get(edge.owned.as_str()),
            ) else {
                continue;
            };
            if let Some(row) = rows.get_mut(*owned) {
                add(row, *owner, edge);
            }
            if let Some(below) = below.get_mut(*owner) {
                below.insert(*owned);
            }
        }
        let mut any = false;
        for row in &mut rows {
            any |= leave_out(row, treasury);
        }
        Self {
            graph,
            keys,
            rows,
            below,
            treasury: any,
        }
    }

    pub(super) fn key(&self, index: usize) -> &'g str {
        self.keys.get(index).copied().unwrap_or_default()
    }

    pub(super) fn number(&self, key: &str) -> Option<usize> {
        self.keys.binary_search(&key).ok()
    }

    pub(super) fn node(&self, index: usize) -> Option<&'g Node> {
        self.graph.parties.get(self.key(index))
    }

    pub(super) fn below(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        self.below.get(index).into_iter().flatten().copied()
    }

    pub(super) fn names(&self, set: &BTreeSet<usize>) -> BTreeSet<String> {
        set.iter()
            .map(|index| self.key(*index).to_owned())
            .collect()
    }
}

fn add(row: &mut Row, owner: usize, edge: &Edge) {
    let stake = row.stakes.entry(owner).or_default();
    let mut lever = |what: &str| {
        stake
            .levers
            .insert(edge.how.clone().unwrap_or_else(|| what.to_owned()));
    };
    let bounds = match edge.kind {
        EdgeKind::Share | EdgeKind::Votes => Bounds::of(edge),
        EdgeKind::Unknown => Bounds::unknown(),
        EdgeKind::Consolidation => {
            lever("consolidates it in its accounts");
            Bounds::unknown()
        }
        EdgeKind::Control => return lever("controls it by other means than shares"),
        EdgeKind::Director => return lever("sits on its board"),
    };
    let held = if edge.kind == EdgeKind::Votes {
        row.split = true;
        &mut stake.votes
    } else {
        &mut stake.capital
    };
    *held = Some(
        held.take()
            .map_or_else(|| bounds.clone(), |known| known.plus(&bounds)),
    );
}

/// Leaves a party's own shares out of the whole, where that is asked. Whether it has any.
fn leave_out(row: &mut Row, treasury: Treasury) -> bool {
    let index = row.itself;
    let Some(itself) = row
        .stakes
        .get(&index)
        .and_then(|stake| stake.capital.clone())
    else {
        return false;
    };
    if treasury == Treasury::LeftOut {
        if let Some(own) = row.stakes.get_mut(&index) {
            own.capital = None;
        }
        for stake in row.stakes.values_mut() {
            if let Some(capital) = &mut stake.capital {
                *capital = capital.without(&itself);
            }
        }
    }
    true
}

impl Row {
    /// What the holders of a set have at least and at most, in sum, of one measure. `None` where nobody states it.
    ///
    /// At most: all that they can have, and where one of them has an unknown share or the register does not name
    /// everybody, all that others do not have for certain.
    pub(super) fn held(&self, set: &BTreeSet<usize>, measure: Measure) -> Option<Held> {
        if measure == Measure::Votes && !self.split {
            return None;
        }
        let mut low = Ratio::zero();
        let mut high = Ratio::zero();
        let mut others = Ratio::zero();
        let mut open = !self.complete;
        for (holder, stake) in &self.stakes {
            let bounds = match measure {
                Measure::Capital => stake.capital.as_ref(),
                Measure::Votes => stake.votes.as_ref(),
            };
            if !set.contains(holder) || *holder == self.itself {
                if let Some(bounds) = bounds {
                    others = &others + &bounds.low;
                }
                continue;
            }
            match (bounds, measure) {
                (Some(bounds), _) => {
                    low = &low + &bounds.low;
                    match &bounds.high {
                        Some(most) => high = &high + most,
                        None => open = true,
                    }
                }
                // Whoever has shares and no votes that are stated can have the votes of its shares.
                (None, Measure::Votes) => match stake.capital.as_ref().map(|held| &held.high) {
                    Some(Some(most)) => high = &high + most,
                    Some(None) => open = true,
                    None => {}
                },
                (None, Measure::Capital) => {}
            }
        }
        let left = &Ratio::one() - &others;
        let most = if open { left } else { high.min(left) };
        Some(Held {
            high: most.max(low.clone()),
            low,
        })
    }

    /// The worse of capital and votes: most at least, most at most.
    pub(super) fn worst(&self, set: &BTreeSet<usize>) -> Held {
        let measures = [Measure::Capital, Measure::Votes];
        measures
            .into_iter()
            .filter_map(|measure| self.held(set, measure))
            .reduce(|one, other| Held {
                low: one.low.max(other.low),
                high: one.high.max(other.high),
            })
            .unwrap_or_else(|| Held {
                low: Ratio::zero(),
                high: Ratio::one(),
            })
    }

    /// What is certain to be with somebody who is named: more than the whole means that the sources contradict each other.
    pub(super) fn disclosed(&self) -> Ratio {
        let sum = |measure: Measure| -> Ratio {
            let stakes = self.stakes.values();
            stakes
                .filter_map(|stake| match measure {
                    Measure::Capital => stake.capital.as_ref(),
                    Measure::Votes => stake.votes.as_ref(),
                })
                .map(|bounds| &bounds.low)
                .sum()
        };
        sum(Measure::Capital).max(sum(Measure::Votes))
    }
}

/// A set that grew round by round, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) start: BTreeSet<usize>,
    pub(super) rounds: Vec<BTreeSet<usize>>,
    pub(super) all: BTreeSet<usize>,
}

impl Growth {
    /// The round that added a party, from 1.
    pub(super) fn round(&self, index: usize) -> Option<usize> {
        let position = self
            .rounds
            .iter()
            .position(|round| round.contains(&index))?;
        Some(position + 1)
    }
}

impl Day<'_> {
    /// The least set that holds `start` and every company that `caught` says is caught by the set so far.
    ///
    /// Each round sees only what earlier rounds added, so the rounds do not depend on the order of parties. At most as many
    /// rounds as parties. Starting from all would let a loop of companies catch itself.
    pub(super) fn least(
        &self,
        start: BTreeSet<usize>,
        caught: impl Fn(&Row, &BTreeSet<usize>) -> bool,
    ) -> Growth {
        let mut all = start.clone();
        let mut rounds = Vec::new();
        let mut candidates: BTreeSet<usize> = (0..self.rows.len()).collect();
        loop {
            let more: BTreeSet<usize> = candidates
                .iter()
                .copied()
                .filter(|index| !all.contains(index) && self.can_be_owned(*index))
                .filter(|index| self.rows.get(*index).is_some_and(|row| caught(row, &all)))
                .collect();
            if more.is_empty() {
                return Growth { start, rounds, all };
            }
            // Only whoever has a new holder can change.
            candidates = more.iter().flat_map(|index| self.below(*index)).collect();
            all.extend(&more);
            rounds.push(more);
        }
    }

    fn can_be_owned(&self, index: usize) -> bool {
        self.node(index)
            .is_some_and(|node| node.kind == crate::PartyKind::Company)
    }

    /// Companies that nobody outside a closed loop of holdings owns: the greatest set of which each is wholly held by the set.
    pub(super) fn closed_loops(&self) -> BTreeSet<usize> {
        let mut set: BTreeSet<usize> = (0..self.rows.len())
            .filter(|index| self.can_be_owned(*index))
            .collect();
        let mut open: Vec<usize> = set.iter().copied().collect();
        while let Some(index) = open.pop() {
            if !set.contains(&index) {
                continue;
            }
            let inside: Ratio = self
                .rows
                .get(index)
                .into_iter()
                .flat_map(|row| &row.stakes)
                .filter(|(holder, _)| set.contains(holder))
                .filter_map(|(_, stake)| stake.capital.as_ref())
                .map(|bounds| &bounds.low)
                .sum();
            if inside < Ratio::one() {
                set.remove(&index);
                open.extend(self.below(index));
            }
        }
        set
    }
}
