//! One way to read a graph under one test: the two sets, and from them every party's finding.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, Fact};

use super::standing::{Day, Growth, Row, Stake};
use super::verdict::{Arithmetic, Finding, Part, Reason, Sets, Standpoint, Verdict, Waves};
use super::{Aggregation, Control, Graph, Measure, Node, Phase, Ratio, Regime, Standing, Treasury};
use crate::{Certainty, PartyKind};

/// What a reading found.
pub(super) struct Reading {
    pub(super) sets: Sets,
    pub(super) findings: BTreeMap<String, Finding>,
    pub(super) inherits: BTreeMap<String, BTreeSet<String>>,
    /// Whether a party holds shares in itself.
    pub(super) treasury: bool,
}

/// Why a party counts by itself, or can.
struct Own {
    certain: Vec<Reason>,
    open: Option<String>,
}

impl Own {
    fn certainty(&self) -> Certainty {
        match (self.certain.is_empty(), &self.open) {
            (false, _) => Certainty::Yes,
            (true, Some(_)) => Certainty::Open,
            (true, None) => Certainty::No,
        }
    }
}

/// Whether a party counts by itself: by a list, or by its place.
fn own(node: Option<&Node>, regime: &Regime, day: Date) -> Own {
    let mut own = Own {
        certain: Vec::new(),
        open: None,
    };
    let Some(node) = node else {
        own.open = Some("nobody says who it is".to_owned());
        return own;
    };
    if node.kind == PartyKind::Dispersed {
        return own;
    }
    match &node.listings {
        Fact::Known(entries, _) => {
            let on: BTreeSet<String> = entries
                .iter()
                .filter(|entry| entry.stands(day) && regime.lists.contains(&entry.list))
                .map(|entry| entry.list.clone())
                .collect();
            let open: Vec<String> = node
                .open_lists
                .iter()
                .filter(|(list, _)| regime.lists.contains(*list) && !on.contains(*list))
                .map(|(list, why)| format!("whether it is on {list} is unknown: {why}"))
                .collect();
            if !open.is_empty() {
                own.open = Some(open.join("; "));
            }
            if !on.is_empty() {
                own.certain.push(Reason::Listed(on.into_iter().collect()));
            }
        }
        Fact::Unknown(why) if !regime.lists.is_empty() => {
            own.open = Some(format!("its list status is unknown: {why}"));
        }
        Fact::Unknown(_) => {}
    }
    seat(node, regime, &mut own);
    own
}

fn seat(node: &Node, regime: &Regime, own: &mut Own) {
    if regime.countries.is_empty() {
        return;
    }
    let places = [Some(&node.headquarters), node.incorporated.as_ref()];
    let mut inside = BTreeSet::new();
    for place in places.into_iter().flatten() {
        match place {
            Fact::Known(country, _) if regime.countries.contains(country) => {
                inside.insert(country.code().to_owned());
            }
            Fact::Known(..) => {}
            Fact::Unknown(why) if exempt(node, regime).is_none() => {
                own.open
                    .get_or_insert_with(|| format!("its place is unknown: {why}"));
            }
            Fact::Unknown(_) => {}
        }
    }
    if inside.is_empty() {
        return;
    }
    let inside: Vec<String> = inside.into_iter().collect();
    if exempt(node, regime).is_some() {
        own.open = Some(format!(
            "it is organised where the test does not reach and headquartered in {}",
            inside.join(", ")
        ));
    } else {
        own.certain.push(Reason::Seated(inside));
    }
}

/// Whether the test does not reach a company because of its home.
fn exempt<'r>(node: &Node, regime: &'r Regime) -> Option<&'r super::Exempt> {
    let home: &Country = node.home().known()?;
    regime
        .exempt
        .as_ref()
        .filter(|exempt| node.kind == PartyKind::Company && exempt.home == *home)
}

struct Judge<'a, 'g> {
    day: &'a Day<'g>,
    regime: &'a Regime,
    phase: &'a Phase,
    floor: &'a Ratio,
    own: Vec<Own>,
    low: Vec<Growth>,
    /// All of `low`.
    certain: BTreeSet<usize>,
    high: Growth,
    loops: BTreeSet<usize>,
}

/// Reads a graph under one test.
pub(super) fn read(
    graph: &Graph,
    regime: &Regime,
    date: Date,
    floor: &Ratio,
    treasury: Treasury,
) -> Reading {
    let day = Day::new(graph, date, treasury);
    let phase = regime.phase(date);
    let own: Vec<Own> = (0..day.keys.len())
        .map(|index| own(day.node(index), regime, date))
        .collect();
    let from = |floor: Certainty| -> BTreeSet<usize> {
        own.iter()
            .enumerate()
            .filter(|(_, own)| own.certainty() >= floor)
            .map(|(index, _)| index)
            .collect()
    };
    let reached = |share: &Ratio, more_than: bool| {
        if more_than {
            *share > regime.threshold
        } else {
            *share >= regime.threshold
        }
    };
    let counts = from(Certainty::Yes);
    let low: Vec<Growth> = starts(&day, regime, &counts)
        .into_iter()
        .map(|start| {
            day.least(start, |row, set| {
                reached(&row.worst(set).low, phase.more_than)
            })
        })
        .collect();
    let mut certain = counts.clone();
    for growth in &low {
        certain.extend(growth.rounds.iter().flatten());
    }
    // The upper set adds up everybody and takes the threshold itself: what a stricter test leaves out is looked at.
    let mut start = from(Certainty::Open);
    start.extend(low.iter().flat_map(|growth| &growth.start));
    let high = day.least(start, |row, set| {
        reached(&row.worst(set).high, false)
            || regime.control == Control::Test
                && row
                    .stakes
                    .iter()
                    .any(|(holder, stake)| set.contains(holder) && !stake.levers.is_empty())
    });
    let judge = Judge {
        loops: day.closed_loops(),
        day: &day,
        regime,
        phase: &phase,
        floor,
        own,
        low,
        certain,
        high,
    };
    let findings = (0..day.keys.len())
        .filter_map(|index| Some((day.key(index).to_owned(), judge.finding(index)?)))
        .collect();
    Reading {
        findings,
        inherits: judge.inherits(&counts),
        sets: Sets {
            treasury,
            low: judge.low.iter().map(|growth| waves(&day, growth)).collect(),
            high: waves(&day, &judge.high),
        },
        treasury: day.treasury,
    }
}

/// Where the lower set starts: with all that count, or, where shares are not added, with each of them or each joint
/// arrangement that one of them is part of (its members' rights are read together).
fn starts(day: &Day<'_>, regime: &Regime, counts: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
    if regime.aggregation == Aggregation::All {
        return vec![counts.clone()];
    }
    let mut starts: Vec<BTreeSet<usize>> = Vec::new();
    let mut joined: BTreeSet<usize> = BTreeSet::new();
    for group in &day.graph.joint {
        let group: BTreeSet<usize> = group.iter().filter_map(|key| day.number(key)).collect();
        if group.is_disjoint(counts) {
            continue;
        }
        joined.extend(&group);
        if !starts.contains(&group) {
            starts.push(group);
        }
    }
    let alone = counts.difference(&joined).map(|one| BTreeSet::from([*one]));
    starts.extend(alone);
    starts
}

fn waves(day: &Day<'_>, growth: &Growth) -> Waves {
    Waves {
        start: day.names(&growth.start),
        rounds: growth.rounds.iter().map(|round| day.names(round)).collect(),
    }
}

fn simple(verdict: Verdict, reasons: Vec<Reason>) -> Finding {
    Finding {
        verdict,
        reasons,
        arithmetic: None,
    }
}

impl Judge<'_, '_> {
    /// The finding about a party of the graph.
    fn finding(&self, index: usize) -> Option<Finding> {
        let node = self.day.node(index)?;
        let own = self.own.get(index)?;
        let row = self.day.rows.get(index)?;
        if !own.certain.is_empty() {
            let by_list = own
                .certain
                .iter()
                .any(|reason| matches!(reason, Reason::Listed(_)));
            // A list entry stands by itself; a place counts by the test alone.
            if by_list || self.phase.standing == Standing::InForce {
                return Some(simple(Verdict::Caught, own.certain.clone()));
            }
            let reasons = [own.certain.clone(), vec![Reason::NotInForce]].concat();
            return Some(simple(Verdict::Review, reasons));
        }
        let unscreened = own.open.clone().map(Reason::Unscreened);
        if node.kind != PartyKind::Company {
            return Some(match unscreened {
                Some(reason) => simple(Verdict::Review, vec![reason]),
                None => simple(Verdict::Clear, Vec::new()),
            });
        }
        Some(self.company(index, node, row, unscreened))
    }

    fn company(&self, index: usize, node: &Node, row: &Row, unscreened: Option<Reason>) -> Finding {
        let round = self
            .low
            .iter()
            .filter_map(|growth| growth.round(index))
            .min();
        let arithmetic = Some(self.arithmetic(index, row, round.is_some()));
        let exempt = exempt(node, self.regime);
        let reached = exempt.map(|exempt| Reason::Exempt(exempt.says.clone()));
        let finding = |verdict, reasons| Finding {
            verdict,
            reasons,
            arithmetic,
        };
        if exempt.is_some_and(|exempt| exempt.clear) {
            let verdict = if unscreened.is_some() {
                Verdict::Review
            } else {
                Verdict::Clear
            };
            return finding(verdict, unscreened.into_iter().chain(reached).collect());
        }
        if let Some(round) = round {
            let mut reasons = vec![Reason::Owned { round }];
            if exempt.is_none() && self.phase.standing == Standing::InForce {
                return finding(Verdict::Caught, reasons);
            }
            if self.phase.standing == Standing::Flag {
                reasons.push(Reason::NotInForce);
            }
            reasons.extend(reached);
            return finding(Verdict::Review, reasons);
        }
        let mut reasons: Vec<Reason> = unscreened.into_iter().collect();
        reasons.extend(self.doubts(index, row));
        if reasons.is_empty() {
            return finding(Verdict::Clear, reached.into_iter().collect());
        }
        reasons.extend(reached);
        finding(Verdict::Review, reasons)
    }

    /// Why a company that is not caught is looked at.
    fn doubts(&self, index: usize, row: &Row) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let worst = row.worst(&self.high.all);
        if worst.high >= self.regime.threshold {
            // The sum of those that count for certain is as large, and still the test does not catch.
            if row.worst(&self.certain).low >= self.regime.threshold {
                reasons.push(Reason::AtTheLine);
            } else {
                reasons.push(Reason::CanReach);
            }
        }
        let named = named(row, &self.high.all);
        if named >= *self.floor {
            reasons.push(Reason::Minority {
                share: named,
                floor: self.floor.clone(),
            });
        }
        for (holder, stake) in &row.stakes {
            if !self.high.all.contains(holder) || *holder == row.itself {
                continue;
            }
            let key = self.day.key(*holder);
            let because = self.standpoint(*holder, &self.certain);
            if open(stake) {
                reasons.push(Reason::UnknownShare {
                    holder: key.to_owned(),
                    because,
                });
            }
            reasons.extend(stake.levers.iter().map(|how| Reason::Controlled {
                by: key.to_owned(),
                because,
                how: how.clone(),
            }));
        }
        if self.loops.contains(&index) {
            reasons.push(Reason::ClosedLoop);
        }
        let disclosed = row.disclosed();
        if disclosed > Ratio::one() {
            reasons.push(Reason::Contradiction(disclosed));
        }
        reasons
    }

    fn standpoint(&self, holder: usize, certain: &BTreeSet<usize>) -> Standpoint {
        let counts = self
            .own
            .get(holder)
            .is_some_and(|own| !own.certain.is_empty());
        match (counts, certain.contains(&holder)) {
            (true, _) => Standpoint::Counts,
            (false, true) => Standpoint::Owned,
            (false, false) => Standpoint::Possible,
        }
    }

    /// The sum, of capital or votes, whichever is worse.
    fn arithmetic(&self, index: usize, row: &Row, owned: bool) -> Arithmetic {
        // Where shares are not added up over persons, the sum is that of the person or group that has the most.
        let mut certain = &self.certain;
        let mut best = Ratio::zero();
        if self.regime.aggregation == Aggregation::One {
            for growth in &self.low {
                let low = row.worst(&growth.all).low;
                if low > best || owned && growth.round(index).is_some() && low >= best {
                    best = low;
                    certain = &growth.all;
                }
            }
        }
        // What was caught in a round was caught by what earlier rounds had caught, not by itself.
        let sum = |measure| {
            let low = row.held(certain, measure)?.low;
            let high = row.held(&self.high.all, measure)?.high;
            Some((low, high, measure))
        };
        let capital = sum(Measure::Capital);
        let votes = sum(Measure::Votes);
        let (low, high, measure) = match (capital, votes) {
            (Some(capital), Some(votes)) if (&votes.0, &votes.1) > (&capital.0, &capital.1) => {
                votes
            }
            (Some(capital), _) => capital,
            (None, Some(votes)) => votes,
            (None, None) => (Ratio::zero(), Ratio::one(), Measure::Capital),
        };
        let parts = row
            .stakes
            .iter()
            .filter(|(holder, _)| self.high.all.contains(holder) && **holder != row.itself)
            .filter_map(|(holder, stake)| {
                let bounds = match measure {
                    Measure::Capital => stake.capital.as_ref(),
                    Measure::Votes => stake.votes.as_ref().or(stake.capital.as_ref()),
                }?;
                if bounds.high.as_ref().is_some_and(Ratio::is_zero) {
                    return None;
                }
                Some(Part {
                    holder: self.day.key(*holder).to_owned(),
                    because: self.standpoint(*holder, certain),
                    low: bounds.low.clone(),
                    high: bounds.high.clone(),
                })
            })
            .collect();
        let disclosed: Ratio = row
            .stakes
            .values()
            .filter_map(|stake| match measure {
                Measure::Capital => stake.capital.as_ref(),
                Measure::Votes => stake.votes.as_ref(),
            })
            .map(|bounds| &bounds.low)
            .sum();
        Arithmetic {
            measure,
            parts,
            low,
            high,
            undisclosed: (&Ratio::one() - &disclosed).max(Ratio::zero()),
        }
    }

    /// The parties that count behind each company that is owned as the test asks, whether or not the test applies today.
    fn inherits(&self, counts: &BTreeSet<usize>) -> BTreeMap<String, BTreeSet<String>> {
        let owned: BTreeSet<usize> = self
            .low
            .iter()
            .flat_map(|growth| growth.rounds.iter().flatten())
            .copied()
            .collect();
        let mut behind: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        let mut open: Vec<usize> = counts.iter().chain(&owned).copied().collect();
        while let Some(index) = open.pop() {
            let mut roots: BTreeSet<usize> = BTreeSet::new();
            let row = self.day.rows.get(index);
            for (holder, stake) in row.into_iter().flat_map(|row| &row.stakes) {
                let some = |bounds: &super::standing::Bounds| {
                    bounds.high.as_ref().is_none_or(|high| !high.is_zero())
                };
                let holds = stake.capital.as_ref().is_some_and(some)
                    || stake.votes.as_ref().is_some_and(some);
                if !holds || *holder == index {
                    continue;
                }
                if counts.contains(holder) {
                    roots.insert(*holder);
                }
                // A loop leads back to the party itself, which inherits nothing from itself.
                let above = behind.get(holder).into_iter().flatten();
                roots.extend(above.filter(|root| **root != index));
            }
            let known = behind.entry(index).or_default();
            let before = known.len();
            known.extend(roots);
            if known.len() > before {
                let below = self.day.below(index);
                open.extend(below.filter(|below| owned.contains(below) || counts.contains(below)));
            }
        }
        owned
            .iter()
            .filter(|index| !counts.contains(index))
            .map(|index| {
                let roots = behind.remove(index).unwrap_or_default();
                (self.day.key(*index).to_owned(), self.day.names(&roots))
            })
            .collect()
    }
}

/// What holders of a set have by name: their shares at most, without what nobody disclosed.
fn named(row: &Row, set: &BTreeSet<usize>) -> Ratio {
    let most = |bounds: &super::standing::Bounds| {
        bounds.high.clone().unwrap_or_else(|| bounds.low.clone())
    };
    let sum = |of: fn(&Stake) -> Option<&super::standing::Bounds>| -> Ratio {
        row.stakes
            .iter()
            .filter(|(holder, _)| set.contains(holder) && **holder != row.itself)
            .filter_map(|(_, stake)| of(stake).map(most))
            .fold(Ratio::zero(), |sum, share| &sum + &share)
    };
    sum(|stake| stake.capital.as_ref()).max(sum(|stake| stake.votes.as_ref()))
}

fn open(stake: &Stake) -> bool {
    [&stake.capital, &stake.votes]
        .into_iter()
        .flatten()
        .any(|bounds| bounds.high.is_none())
}
