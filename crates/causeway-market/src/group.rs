//! Offers told apart by what the law and the estimator look at.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::shelf::Class;
use crate::{Market, Match, PriceKind, Request, Shortfall};

/// Matches that no act, estimate or factor tells apart but by price: alike in provider, source, country and region,
/// accelerator and its number, memory, quota, rate between nodes, terms, way of paying, preference, and in what they fall
/// short of.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'m> {
    /// The matches, the cheapest first, one without a price last. Never empty.
    pub matches: Vec<Match<'m>>,
}

impl<'m> Group<'m> {
    /// The cheapest.
    #[must_use]
    pub fn cheapest(&self) -> Option<&Match<'m>> {
        self.matches.first()
    }
}

impl Market {
    /// What [`Market::matching`] gives, in groups; the groups in the order of their cheapest. Every match is in one group.
    #[must_use]
    pub fn grouped(&self, request: &Request) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        // A class may stand on several shelves.
        let mut classes: HashMap<&Class, u32, FixedState> = HashMap::default();
        let mut ids: HashMap<(usize, u32), u32, FixedState> = HashMap::default();
        // Of one class and way of paying: few, one for each set of shortfalls.
        let mut known: HashMap<(u32, PriceKind), Vec<usize>, FixedState> = HashMap::default();
        for found in self.ranked(request) {
            let class = self.shelves.get(found.shelf).map(|shelf| {
                let class = shelf.class_of(found.at);
                *ids.entry((found.shelf, class)).or_insert_with(|| {
                    let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
                    shelf
                        .classes
                        .get(class as usize)
                        .map_or(next, |class| *classes.entry(class).or_insert(next))
                })
            });
            let key = (class.unwrap_or_default(), found.found.kind);
            let alike = known.entry(key).or_default();
            let group = alike.iter().copied().find(|at| {
                groups
                    .get(*at)
                    .and_then(Group::cheapest)
                    .is_some_and(|first| same_answer(first, &found.found))
            });
            match group.and_then(|at| groups.get_mut(at)) {
                Some(group) => group.matches.push(found.found),
                None => {
                    alike.push(groups.len());
                    groups.push(Group {
                        matches: vec![found.found],
                    });
                }
            }
        }
        groups
    }
}

fn same_answer(a: &Match<'_>, b: &Match<'_>) -> bool {
    a.preference == b.preference
        && a.doubts == b.doubts
        && a.shortfalls.len() == b.shortfalls.len()
        && a.shortfalls
            .iter()
            .zip(&b.shortfalls)
            .all(|pair| match pair {
                // The amounts are the prices, in which members may differ.
                (Shortfall::Price { .. }, Shortfall::Price { .. }) => true,
                (a, b) => a == b,
            })
}
