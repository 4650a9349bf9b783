//! What an organisation has on file when it plans: approvals, and the data that its runs moved before.
//!
//! Quantities and persons are added up per ultimate parent over all runs and over the window that a rule names: another
//! run, another site or another account does not begin to count anew. A dataset id stands for one set of persons.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Timestamp};
use causeway_law::Approvals;
use causeway_parties::{Listed, Parent, Register, ultimate_parent};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The stake from which a minority over a free float may control a party, as the headquarters test takes it.
const CONTROL_FLOOR: rust_decimal::Decimal = rust_decimal::Decimal::TEN;

/// What is on file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// Approvals whose signatures fit, with what other runs used of them.
    pub approvals: Approvals,
    /// Data that other runs were cleared to move.
    pub moves: Vec<Move>,
    /// What screening found, where the organisation screens.
    pub screened: Screened,
}

/// What screening an organisation's parties against imported lists found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Screened {
    /// By party: a name that is like an entry's and that no reviewer looked at leaves that entry's lists open.
    pub parties: BTreeMap<String, Listed>,
    /// The lists that no imported one covers, with why: of these screening says nothing.
    pub uncovered: BTreeMap<String, String>,
}

/// A dataset that a run was cleared to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When it was cleared.
    pub at: Timestamp,
    /// The dataset's id.
    pub dataset: String,
    /// The ultimate parent of the party that sends; the party itself where its parent is unclear.
    pub sender: String,
    /// The same of the party that receives.
    pub receiver: String,
    /// Where from.
    pub from: Option<Country>,
    /// Persons by class, where their number is known.
    pub persons: BTreeMap<String, u64>,
}

/// The party at the top of the chain of majorities; the party itself where that is unclear.
pub(crate) fn top(register: &Register, party: &str) -> String {
    match ultimate_parent(register, party, CONTROL_FLOOR) {
        Parent::Known { chain, .. } => chain.last().cloned(),
        Parent::Unclear { .. } => None,
    }
    .unwrap_or_else(|| party.to_owned())
}

/// Persons of other datasets that went to the same receiver in the twelve months before an instant, by class
/// (28 CFR 202.205: aggregated over transactions with the same counterparty in the preceding 12 months).
pub(crate) fn twelve_months(
    moves: &[Move],
    dataset: &str,
    receiver: &str,
    at: Timestamp,
) -> BTreeMap<String, u64> {
    let day = TimeZone::UTC.to_datetime(at).date();
    let since = day.checked_sub(jiff::Span::new().years(1)).unwrap_or(day);
    add(moves.iter().filter(|one| {
        one.dataset != dataset
            && one.receiver == receiver
            && TimeZone::UTC.to_datetime(one.at).date() >= since
    }))
}

/// Persons of other datasets that a sender moved out of China since 1 January, by class (CAC provisions of 2024-03-22,
/// Art. 5, 7 and 8: counted from 1 January of the year; China's own days).
pub(crate) fn since_january(
    moves: &[Move],
    dataset: &str,
    sender: &str,
    from: Country,
    at: Timestamp,
) -> BTreeMap<String, u64> {
    let china = TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC);
    let year = china.to_datetime(at).date().year();
    add(moves.iter().filter(|one| {
        one.dataset != dataset
            && one.sender == sender
            && one.from == Some(from)
            && china.to_datetime(one.at).date().year() == year
    }))
}

/// Each dataset once, with the most persons that it ever had.
fn add<'a>(moves: impl Iterator<Item = &'a Move>) -> BTreeMap<String, u64> {
    let mut largest: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in moves {
        for (class, persons) in &one.persons {
            let known = largest.entry((&one.dataset, class)).or_default();
            *known = (*known).max(*persons);
        }
    }
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for ((_, class), persons) in largest {
        let sum = all.entry(class.to_owned()).or_default();
        *sum = sum.saturating_add(persons);
    }
    all
}

/// The items of an act in the words of an approval's scope.
pub(crate) fn items(act: &causeway_law::Act, dataset: Option<&str>) -> BTreeSet<String> {
    let item = &act.item;
    let mut items = BTreeSet::new();
    if let Some(chip) = &item.chip {
        items.insert(chip.id.clone().unwrap_or_else(|| "chip".to_owned()));
    }
    for (there, word) in [
        (item.other.is_some(), "machines"),
        (item.weights.is_some(), "weights"),
        (item.technology.is_some(), "technology"),
        (
            item.dataset.is_some() && dataset.is_none(),
            "undeclared data",
        ),
    ] {
        if there {
            items.insert(word.to_owned());
        }
    }
    items.extend(dataset.map(str::to_owned));
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(at: &str, dataset: &str, receiver: &str, persons: u64) -> Move {
        Move {
            at: at.parse().unwrap(),
            dataset: dataset.to_owned(),
            sender: "acme".to_owned(),
            receiver: receiver.to_owned(),
            from: "CN".parse().ok(),
            persons: BTreeMap::from([("us_biometric".to_owned(), persons)]),
        }
    }

    #[test]
    fn twelve_months_hold_other_sets_to_the_same_receiver() {
        let moves = [
            moved("2025-11-24T00:00:00Z", "a", "hub", 1),
            moved("2025-11-23T23:59:59Z", "b", "hub", 10),
            moved("2026-10-01T00:00:00Z", "c", "hub", 100),
            moved("2026-10-02T00:00:00Z", "c", "hub", 60),
            moved("2026-10-01T00:00:00Z", "d", "other", 1000),
            moved("2026-10-01T00:00:00Z", "this", "hub", 10_000),
        ];
        let at = "2026-11-24T12:00:00Z".parse().unwrap();
        let sum = twelve_months(&moves, "this", "hub", at);
        assert_eq!(sum.get("us_biometric"), Some(&101));
    }

    #[test]
    fn january_begins_in_china() {
        let moves = [
            moved("2025-12-31T15:59:59Z", "a", "hub", 1),
            moved("2025-12-31T16:00:00Z", "b", "x", 10),
        ];
        let at = "2026-11-24T12:00:00Z".parse().unwrap();
        let sum = since_january(&moves, "this", "acme", "CN".parse().unwrap(), at);
        assert_eq!(sum.get("us_biometric"), Some(&10));
    }
}
