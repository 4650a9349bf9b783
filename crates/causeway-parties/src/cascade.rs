//! The fifty percent rules: a least fixpoint, with bounds for what is unknown.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Party, PartyKind, Register};

/// Yes, no, or open because a fact is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Not so, whatever the unknown facts are.
    No,
    /// It turns on an unknown fact.
    Open,
    /// So, whatever the unknown facts are.
    Yes,
}

impl From<bool> for Certainty {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

/// What is caught by ownership, as two sets: certain, and possible with the unknown facts at their worst.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Cascade {
    /// Caught for certain: the least fixpoint over what is known.
    pub low: BTreeSet<String>,
    /// Caught with every unknown at its worst. Holds `low`.
    pub high: BTreeSet<String>,
    /// Rounds until `low` stood still.
    pub rounds: usize,
    known: BTreeSet<String>,
}

impl Cascade {
    /// Whether a party is caught. A party that the register lacks is open.
    #[must_use]
    pub fn of(&self, key: &str) -> Certainty {
        if self.low.contains(key) {
            Certainty::Yes
        } else if self.high.contains(key) || !self.known.contains(key) {
            Certainty::Open
        } else {
            Certainty::No
        }
    }
}

/// Which parties are caught: those of which `is` holds, and every company of which parties caught so far hold `at_least`
/// percent or more in sum. A party that is caught passes its whole stake on; below the line it passes nothing.
///
/// Persons, states and free floats are never caught by ownership. The answer is the smallest such set (starting from all
/// would let a closed loop of companies catch itself) and does not depend on any order.
/// Source: OFAC FAQ 398 to 401; 15 CFR 744 supp. 8; 28 CFR 202.211.
pub fn cascade(
    register: &Register,
    at_least: Decimal,
    is: impl Fn(&Party) -> Certainty,
) -> Cascade {
    let start = |floor: Certainty| -> BTreeSet<String> {
        register
            .parties
            .iter()
            .filter(|(_, party)| is(party) >= floor)
            .map(|(key, _)| key.clone())
            .collect()
    };
    let (low, rounds) = fixpoint(register, start(Certainty::Yes), |party, caught| {
        stake(party, caught) >= at_least
    });
    let (high, _) = fixpoint(register, start(Certainty::Open), |party, caught| {
        worst(register, party, caught) >= at_least
    });
    Cascade {
        low,
        high,
        rounds,
        known: register.parties.keys().cloned().collect(),
    }
}

/// Adds companies until nothing changes; each round sees only what earlier rounds added, so that the number of rounds
/// does not depend on the order of keys. At most as many rounds as there are parties.
fn fixpoint(
    register: &Register,
    mut caught: BTreeSet<String>,
    owned: impl Fn(&Party, &BTreeSet<String>) -> bool,
) -> (BTreeSet<String>, usize) {
    let mut rounds = 0;
    loop {
        let more: Vec<String> = register
            .parties
            .iter()
            .filter(|(key, party)| {
                party.kind == PartyKind::Company && !caught.contains(*key) && owned(party, &caught)
            })
            .map(|(key, _)| key.clone())
            .collect();
        if more.is_empty() {
            return (caught, rounds);
        }
        rounds += 1;
        caught.extend(more);
    }
}

/// What the caught hold for certain, percent.
fn stake(party: &Party, caught: &BTreeSet<String>) -> Decimal {
    party
        .owners
        .iter()
        .filter(|holding| caught.contains(&holding.holder))
        .filter_map(|holding| holding.share.known())
        .map(|share| share.get())
        .sum()
}

/// What the caught may hold at the worst, percent: their known shares, those of holders that the register lacks, and the
/// undisclosed rest where a holder of unknown share may be caught or the register is incomplete.
fn worst(register: &Register, party: &Party, caught: &BTreeSet<String>) -> Decimal {
    let may = |holder: &str| caught.contains(holder) || !register.parties.contains_key(holder);
    let mut held = Decimal::ZERO;
    let mut disclosed = Decimal::ZERO;
    let mut open = !party.owners_complete;
    for holding in &party.owners {
        match holding.share.known() {
            Some(share) => {
                disclosed += share.get();
                if may(&holding.holder) {
                    held += share.get();
                }
            }
            None => open |= may(&holding.holder),
        }
    }
    if open {
        held + (Decimal::ONE_HUNDRED - disclosed).max(Decimal::ZERO)
    } else {
        held
    }
}

/// Holders of a kind with a stake from a floor up, directly or behind a holder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Flags {
    /// Holders that are there for certain.
    pub certain: BTreeSet<String>,
    /// Why there may be more: unknown shares, unscreened holders, incomplete registers.
    pub possible: BTreeSet<String>,
}

impl Flags {
    /// Whether there is such a holder.
    #[must_use]
    pub fn any(&self) -> Certainty {
        match (self.certain.is_empty(), self.possible.is_empty()) {
            (false, _) => Certainty::Yes,
            (true, false) => Certainty::Open,
            (true, true) => Certainty::No,
        }
    }
}

/// Holders of `key` of which `is` holds, with a stake of `floor` percent or more at each link up to them, with control by
/// other means, or with a share that nobody knows. The law gives no number for a "significant minority"; the floor is the caller's policy.
pub fn flagged_holders(
    register: &Register,
    key: &str,
    floor: Decimal,
    is: impl Fn(&Party) -> Certainty,
) -> Flags {
    let mut flags = Flags::default();
    // A holder reached for certain is walked again even when it was reached by an open link before.
    let mut seen: BTreeSet<(String, bool)> = BTreeSet::new();
    let mut open = vec![(key.to_owned(), true)];
    while let Some((current, certain)) = open.pop() {
        if !seen.insert((current.clone(), certain)) {
            continue;
        }
        let Some(party) = register.get(&current) else {
            flags
                .possible
                .insert(format!("`{current}` is not in the register"));
            continue;
        };
        if matches!(
            party.kind,
            PartyKind::Person | PartyKind::State | PartyKind::Dispersed
        ) {
            continue;
        }
        let disclosed: Decimal = party
            .owners
            .iter()
            .filter_map(|holding| holding.share.known())
            .map(|share| share.get())
            .sum();
        if !party.owners_complete && Decimal::ONE_HUNDRED - disclosed >= floor {
            flags.possible.insert(format!(
                "the register of `{}` does not name every holder",
                party.name
            ));
        }
        for holding in &party.owners {
            let link = match holding.share.known() {
                Some(share) if share.get() >= floor => Certainty::Yes,
                _ if holding.control => Certainty::Yes,
                Some(_) => Certainty::No,
                None => Certainty::Open,
            };
            if link == Certainty::No {
                continue;
            }
            match register.get(&holding.holder).map(&is) {
                // Of a holder of that kind even an unknown share is a flag; a link further up that nobody knows is not.
                Some(Certainty::Yes) if certain => {
                    flags.certain.insert(holding.holder.clone());
                }
                Some(Certainty::Yes) => {
                    flags.possible.insert(format!(
                        "a share on the way to `{}` is unknown",
                        holding.holder
                    ));
                }
                Some(Certainty::Open) => {
                    flags
                        .possible
                        .insert(format!("`{}` is not screened", holding.holder));
                }
                Some(Certainty::No) | None => {}
            }
            let sure = certain && link == Certainty::Yes;
            open.push((holding.holder.clone(), sure));
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use causeway_domain::{Fact, Percent};
    use proptest::prelude::*;

    use super::*;
    use crate::Holding;

    fn percent(text: &str) -> Fact<Percent> {
        if text == "?" {
            Fact::unknown("nobody knows")
        } else {
            Fact::stated(Percent::new(text.parse::<Decimal>().unwrap()), "test")
        }
    }

    /// `X` is on a list; the others are not. `A: X 50, B 10`.
    fn register(lines: &[&str]) -> Register {
        let mut register = Register::default();
        register.insert("X", Party::company("X").on_lists(["sdn"]).owned([]));
        register.insert("Y", Party::company("Y").on_lists(["sdn"]).owned([]));
        register.insert("N", Party::company("N").on_lists([]).owned([]));
        for line in lines {
            let (name, owners) = line.split_once(": ").unwrap();
            let holdings = owners.split(", ").map(|owner| {
                let (holder, share) = owner.split_once(' ').unwrap();
                Holding::new(holder, percent(share))
            });
            register.insert(name, Party::company(name).on_lists([]).owned(holdings));
        }
        register
    }

    fn sdn(party: &Party) -> Certainty {
        party.on_any(&["sdn"])
    }

    fn caught(lines: &[&str]) -> String {
        let result = cascade(&register(lines), Decimal::from(50), sdn);
        result
            .low
            .into_iter()
            .filter(|key| key != "X" && key != "Y")
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn structures_of_the_guidance() {
        assert_eq!(caught(&["A: X 50", "B: A 50"]), "A B");
        assert_eq!(caught(&["A: X 50", "B: X 50", "C: A 25, B 25"]), "A B C");
        assert_eq!(caught(&["A: X 50", "B: X 10, A 40"]), "A B");
        assert_eq!(caught(&["A: X 50", "B: X 25", "C: A 25, B 25"]), "A");
        assert_eq!(caught(&["A: X 25", "B: X 25", "C: A 50, B 50"]), "");
        assert_eq!(caught(&["A: X 99", "B: A 49"]), "A");
        assert_eq!(
            caught(&["A: X 60, B 40", "B: A 50"]),
            "A B",
            "a cycle fed from outside"
        );
        assert_eq!(
            caught(&["A: X 30, B 60", "B: A 40"]),
            "",
            "a cycle does not catch itself"
        );
        assert_eq!(
            caught(&["A: B 100", "B: A 100"]),
            "",
            "a closed loop does not catch itself"
        );
        assert_eq!(caught(&["A: X 25, Y 25"]), "A", "two holders add up");
        assert_eq!(caught(&["A: X 49.99"]), "");
    }

    #[test]
    fn six_decimals_that_add_to_fifty_are_fifty() {
        let mut register = Register::default();
        let mut holdings = Vec::new();
        for (index, share) in ["1.9", "3.6", "15.9", "15.9", "11.4", "1.3"]
            .iter()
            .enumerate()
        {
            register.insert(
                format!("X{index}"),
                Party::company("X").on_lists(["sdn"]).owned([]),
            );
            holdings.push(Holding::new(format!("X{index}"), percent(share)));
        }
        register.insert("A", Party::company("A").on_lists([]).owned(holdings));
        assert_eq!(
            cascade(&register, Decimal::from(50), sdn).of("A"),
            Certainty::Yes
        );
    }

    #[test]
    fn unknown_shares_and_registers_open_the_upper_bound() {
        let of =
            |lines: &[&str], key: &str| cascade(&register(lines), Decimal::from(50), sdn).of(key);
        assert_eq!(of(&["A: X ?"], "A"), Certainty::Open);
        assert_eq!(
            of(&["A: X ?, N 60"], "A"),
            Certainty::No,
            "at most 40 is left for X"
        );
        assert_eq!(of(&["A: X ?, N 50"], "A"), Certainty::Open);
        assert_eq!(of(&["A: N ?"], "A"), Certainty::No, "N is screened");
        assert_eq!(of(&["A: Z 60"], "A"), Certainty::Open, "nobody knows Z");
        let mut open = register(&[]);
        open.insert("A", Party::company("A").on_lists([]));
        assert_eq!(
            cascade(&open, Decimal::from(50), sdn).of("A"),
            Certainty::Open,
            "no owners named is not no owners"
        );
        open.insert(
            "A",
            Party {
                owners_complete: false,
                ..Party::company("A")
                    .on_lists([])
                    .owned([Holding::new("N", percent("60"))])
            },
        );
        assert_eq!(
            cascade(&open, Decimal::from(50), sdn).of("A"),
            Certainty::No,
            "60 of 100 are clean"
        );
        assert_eq!(
            cascade(&open, Decimal::from(50), sdn).of("nobody"),
            Certainty::Open
        );
    }

    #[test]
    fn red_flags_start_at_the_floor_and_look_behind_holders() {
        let flags = |lines: &[&str]| flagged_holders(&register(lines), "A", Decimal::TEN, sdn);
        assert_eq!(flags(&["A: X 10"]).any(), Certainty::Yes);
        assert_eq!(flags(&["A: X 9.99"]).any(), Certainty::No);
        assert_eq!(
            flags(&["A: X ?"]).any(),
            Certainty::Yes,
            "of a listed holder even an unknown share"
        );
        assert_eq!(flags(&["A: B 40", "B: X 30"]).any(), Certainty::Yes);
        assert_eq!(flags(&["A: B ?", "B: X 30"]).any(), Certainty::Open);
        assert_eq!(flags(&["A: B 5", "B: X 30"]).any(), Certainty::No);
        assert_eq!(
            flags(&["A: B 40, C ?", "B: A 60", "C: X 30"]).any(),
            Certainty::Open,
            "loops end"
        );
    }

    /// Edges of a small graph: owner, owned, share in steps of 5 (none: no edge).
    fn graphs() -> impl Strategy<Value = (Vec<Option<i64>>, Vec<bool>)> {
        (
            proptest::collection::vec(proptest::option::weighted(0.4, 1i64..=12), 25),
            proptest::collection::vec(proptest::bool::weighted(0.3), 5),
        )
    }

    fn build(edges: &[Option<i64>], listed: &[bool]) -> Register {
        let mut register = Register::default();
        for owned in 0..5usize {
            let holdings = (0..5usize)
                .filter(|owner| *owner != owned)
                .filter_map(|owner| {
                    let share = edges[owner * 5 + owned]? * 5;
                    Some(Holding::new(
                        owner.to_string(),
                        Fact::stated(Percent::new(Decimal::from(share)), "test"),
                    ))
                });
            let lists: &[&str] = if listed[owned] { &["sdn"] } else { &[] };
            register.insert(
                owned.to_string(),
                Party::company(owned.to_string())
                    .on_lists(lists.iter().copied())
                    .owned(holdings),
            );
        }
        register
    }

    /// The law's cascade and the ownership tests are two programs for one rule.
    fn agrees_with_the_tests(register: &Register) {
        use crate::ownership::{Graph, assess, default_floor, regimes};
        let found = cascade(register, Decimal::from(50), sdn);
        let day = "2026-11-24".parse().unwrap();
        let ofac = &regimes()[0];
        let sets = &assess(&Graph::from(register), ofac, day, &default_floor()).readings[0];
        let all = |waves: &crate::ownership::Waves| -> BTreeSet<String> {
            waves
                .start
                .iter()
                .chain(waves.rounds.iter().flatten())
                .cloned()
                .collect()
        };
        assert_eq!(all(&sets.low[0]), found.low);
        assert_eq!(sets.low[0].rounds.len(), found.rounds);
        assert_eq!(all(&sets.high), found.high);
    }

    proptest! {
        /// The caught set is the smallest set that holds the listed parties and is closed under "half held by the set".
        #[test]
        fn low_is_the_smallest_closed_set((edges, listed) in graphs()) {
            let register = build(&edges, &listed);
            let found = cascade(&register, Decimal::from(50), sdn);
            let closed = |mask: usize| (0..5).all(|j| {
                let held: i64 = (0..5).filter(|i| *i != j && mask & (1 << i) != 0).filter_map(|i| edges[i * 5 + j]).map(|s| s * 5).sum();
                mask & (1 << j) != 0 || !listed[j] && held < 50
            });
            let smallest = (0..32usize).filter(|mask| closed(*mask)).fold(31, |all, mask| all & mask);
            let expected: BTreeSet<String> = (0..5usize).filter(|j| smallest & (1 << j) != 0).map(|j| j.to_string()).collect();
            prop_assert_eq!(&found.low, &expected);
            prop_assert_eq!(&found.high, &found.low, "with everything known the bounds meet");
            agrees_with_the_tests(&register);
        }

        /// Whatever an unknown share turns out to be, the answer lies between the bounds.
        #[test]
        fn bounds_hold_every_value_of_an_unknown((edges, listed) in graphs(), hidden in 0usize..25, value in 0i64..=12) {
            prop_assume!(edges[hidden].is_some() && hidden / 5 != hidden % 5);
            let rest: i64 = (0..5).filter(|i| *i != hidden / 5 && *i != hidden % 5).filter_map(|i| edges[i * 5 + hidden % 5]).map(|s| s * 5).sum();
            prop_assume!(rest + value * 5 <= 100);
            let mut known = edges.clone();
            known[hidden] = (value > 0).then_some(value);
            let truth = cascade(&build(&known, &listed), Decimal::from(50), sdn);
            let mut open = build(&edges, &listed);
            let owned = open.parties.get_mut(&(hidden % 5).to_string()).unwrap();
            for holding in &mut owned.owners {
                if holding.holder == (hidden / 5).to_string() {
                    holding.share = Fact::unknown("hidden");
                }
            }
            let bounds = cascade(&open, Decimal::from(50), sdn);
            prop_assert!(bounds.low.is_subset(&truth.low));
            prop_assert!(truth.low.is_subset(&bounds.high));
            agrees_with_the_tests(&open);
        }
    }
}
