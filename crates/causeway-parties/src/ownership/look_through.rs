//! The economic interest of each party in each: products along chains, sums over chains, loops as a linear system.

use std::collections::BTreeMap;

use causeway_domain::Date;
use serde::{Deserialize, Serialize};

use super::standing::{Day, Stake};
use super::{Graph, Ratio, Treasury};

/// Shares by owner and owned: `S[owner][owned]`. Pairs without a share are left out.
pub type ShareTable = BTreeMap<String, BTreeMap<String, Ratio>>;

/// Look-through shares, `S = A + A S`, so `S = (I - A)^-1 A` for the matrix `A` of direct shares. They disclose ultimate
/// owners; no fifty percent rule multiplies shares, so no verdict is made from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookThrough {
    /// With every share at its least.
    pub least: Interest,
    /// With every share at its most: an unknown one is all that others do not have. The same as `least` where all is known.
    pub most: Interest,
}

impl LookThrough {
    /// What an owner has of a party through all chains, in words: `≈38.59 to 39.62 %`.
    #[must_use]
    pub fn in_words(&self, owner: &str, owned: &str) -> String {
        match (self.least.of(owner, owned), self.most.of(owner, owned)) {
            (Some(least), Some(most)) if least == most => least.about(),
            (Some(least), Some(most)) => {
                let (least, most) = (least.about(), most.min(Ratio::one()).about());
                let least = least.trim_end_matches(" %");
                match most.strip_prefix('≈') {
                    Some(most) => format!("≈{} to {most}", least.trim_start_matches('≈')),
                    None => format!("{least} to {most}"),
                }
            }
            (Some(least), None) => format!("{} or more", least.about()),
            (None, _) => "undefined: a closed loop".to_owned(),
        }
    }
}

/// A table, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interest {
    /// The shares.
    Table(ShareTable),
    /// `I - A` has no inverse that makes sense: a closed loop that nobody outside owns.
    Undefined,
}

impl Interest {
    /// What an owner has of a party through all chains. `None` where the table is undefined.
    #[must_use]
    pub fn of(&self, owner: &str, owned: &str) -> Option<Ratio> {
        match self {
            Self::Table(table) => Some(
                table
                    .get(owner)
                    .and_then(|row| row.get(owned))
                    .cloned()
                    .unwrap_or_else(Ratio::zero),
            ),
            Self::Undefined => None,
        }
    }
}

/// Look-through shares on a day.
#[must_use]
pub fn look_through(graph: &Graph, day: Date) -> LookThrough {
    let least = interest(&direct_shares(graph, day, false));
    let most = interest(&direct_shares(graph, day, true));
    LookThrough { least, most }
}

/// The matrix `A`: direct shares of the capital on a day, at their least or their most.
#[must_use]
pub fn direct_shares(graph: &Graph, day: Date, most: bool) -> ShareTable {
    let day = Day::new(graph, day, Treasury::Counted);
    let mut table = ShareTable::new();
    for (index, row) in day.rows.iter().enumerate() {
        let low = |stake: &Stake| {
            stake
                .capital
                .as_ref()
                .map_or_else(Ratio::zero, |bounds| bounds.low.clone())
        };
        let named = row
            .stakes
            .values()
            .fold(Ratio::zero(), |sum, stake| &sum + &low(stake));
        for (holder, stake) in &row.stakes {
            let Some(bounds) = &stake.capital else {
                continue;
            };
            let share = if most {
                // Nobody can have what others have for certain.
                let left = &(&Ratio::one() - &named) + &bounds.low;
                let share = bounds.high.clone().unwrap_or_else(Ratio::one).min(left);
                share.max(bounds.low.clone())
            } else {
                bounds.low.clone()
            };
            if !share.is_zero() {
                table
                    .entry(day.key(*holder).to_owned())
                    .or_default()
                    .insert(day.key(index).to_owned(), share);
            }
        }
    }
    table
}

/// `S` from `A`, exactly: each party in turn is eliminated as a waypoint (Kleene's closure, which is Gauss's elimination
/// without what is zero). A waypoint whose way back to itself is whole has nobody outside that owns it.
#[must_use]
pub fn interest(direct: &ShareTable) -> Interest {
    let mut table = direct.clone();
    let waypoints: Vec<String> = direct.keys().cloned().collect();
    for waypoint in &waypoints {
        let Some(onward) = table.get(waypoint).cloned() else {
            continue;
        };
        let back = onward.get(waypoint).cloned().unwrap_or_else(Ratio::zero);
        // Not below zero: a matrix of shares has an inverse that is nowhere negative exactly when every pivot is positive.
        let pivot = &Ratio::one() - &back;
        if pivot.is_zero() || pivot.is_negative() {
            return Interest::Undefined;
        }
        let Some(times) = Ratio::one().over(&pivot) else {
            return Interest::Undefined;
        };
        for row in table.values_mut() {
            let Some(into) = row.get(waypoint).cloned() else {
                continue;
            };
            let factor = &into * &times;
            for (owned, share) in &onward {
                let way = &factor * share;
                let sum = row.entry(owned.clone()).or_insert_with(Ratio::zero);
                *sum = &*sum + &way;
            }
        }
    }
    Interest::Table(table)
}

/// Whether `S = A + A S` holds: how a checker who has both tables finds out without any elimination.
#[must_use]
pub fn solves(direct: &ShareTable, table: &ShareTable) -> bool {
    let mut right = direct.clone();
    for (owner, row) in direct {
        for (between, share) in row {
            for (owned, rest) in table.get(between).into_iter().flatten() {
                let sum = right
                    .entry(owner.clone())
                    .or_default()
                    .entry(owned.clone())
                    .or_insert_with(Ratio::zero);
                *sum = &*sum + &(share * rest);
            }
        }
    }
    right == *table
        && table
            .values()
            .flat_map(BTreeMap::values)
            .all(|share| !share.is_negative())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(edges: &[(&str, &str, u32)]) -> ShareTable {
        let mut table = ShareTable::new();
        for (owner, owned, percent) in edges {
            table
                .entry((*owner).to_owned())
                .or_default()
                .insert((*owned).to_owned(), Ratio::percent(*percent));
        }
        table
    }

    #[test]
    fn chains_multiply_ways_add_and_loops_are_solved() {
        let of = |edges: &[(&str, &str, u32)], owner: &str, owned: &str| {
            interest(&table(edges))
                .of(owner, owned)
                .map(|share| share.rounded(6))
        };
        let five = [
            ("X", "A", 50),
            ("A", "B", 50),
            ("B", "C", 50),
            ("C", "D", 50),
            ("D", "E", 50),
        ];
        assert_eq!(of(&five, "X", "E").as_deref(), Some("0.03125"));
        let cross = [("X", "A", 60), ("B", "A", 40), ("A", "B", 50)];
        assert_eq!(of(&cross, "X", "A").as_deref(), Some("0.75"));
        assert_eq!(of(&cross, "A", "A").as_deref(), Some("0.25"));
        let own = [("X", "A", 50), ("A", "A", 20)];
        assert_eq!(of(&own, "X", "A").as_deref(), Some("0.625"), "own shares");
        let closed = [("A", "B", 100), ("B", "A", 100), ("X", "C", 10)];
        assert_eq!(of(&closed, "X", "C"), None);
        let own = [("A", "A", 100)];
        assert_eq!(of(&own, "A", "A"), None);
    }

    #[test]
    fn more_than_the_whole_in_a_loop_is_undefined_too() {
        let wrong = [("A", "B", 100), ("B", "A", 90), ("B", "B", 20)];
        assert_eq!(interest(&table(&wrong)), Interest::Undefined);
    }

    proptest! {
        /// The table solves the equation that defines it, whatever the loops, and the order of elimination does not matter.
        #[test]
        fn the_table_solves_its_equation(cells in proptest::collection::vec(proptest::option::weighted(0.5, 1u32..=24), 25)) {
            let names = ["a", "b", "c", "d", "e"];
            let renamed = ["e", "c", "a", "b", "d"];
            let build = |names: &[&str; 5]| {
                let mut table = ShareTable::new();
                for (cell, share) in cells.iter().enumerate() {
                    if let Some(share) = share {
                        table.entry(names[cell / 5].to_owned()).or_default().insert(names[cell % 5].to_owned(), Ratio::percent(*share));
                    }
                }
                table
            };
            let one = build(&names);
            let Interest::Table(found) = interest(&one) else {
                // Five holders of at most 24 % each can't be whole: at most 120 %, only in a full column.
                prop_assert!(cells.iter().flatten().count() > 4);
                return Ok(());
            };
            prop_assert!(solves(&one, &found));
            let Interest::Table(other) = interest(&build(&renamed)) else { return Err(TestCaseError::fail("undefined in another order")); };
            for (owner, first) in names.iter().zip(renamed) {
                for (owned, second) in names.iter().zip(renamed) {
                    let here = found.get(*owner).and_then(|row| row.get(*owned));
                    let there = other.get(first).and_then(|row| row.get(second));
                    prop_assert_eq!(here, there);
                }
            }
        }
    }
}
