//! Numbers of registers: whose they are, and where they contradict each other.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;

use super::{Entry, Identifier, IdentityKey, Kind, Lists, Record};

/// Every number of every record.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Those that settle who somebody is.
    keys: BTreeMap<IdentityKey, Vec<Entry>>,
    /// The others, without spaces and signs.
    plain: BTreeMap<String, Vec<(Entry, Identifier)>>,
}

/// A number that a party and an entry have in common.
#[derive(Debug)]
pub(super) struct Equal {
    /// The entry.
    pub(super) entry: Entry,
    /// The party's number, with its kind.
    pub(super) own: String,
    /// The same as the list has it.
    pub(super) theirs: String,
    /// Whether it settles that the two are one.
    pub(super) settles: bool,
    /// What ties the two, and what speaks against it.
    pub(super) why: Vec<String>,
}

/// A number of another kind than the party's must have this many signs: a short one is somebody else's by chance.
const TELLING: usize = 7;

impl Numbers {
    pub(super) fn of(lists: &Lists) -> Self {
        let mut numbers = Self::default();
        for (name, list) in lists.lists() {
            for record in list.records.values() {
                for number in &record.identifiers {
                    let entry = Entry::new(name, &record.id);
                    match number.key() {
                        Some(key) => numbers.keys.entry(key).or_default().push(entry),
                        None => {
                            if let Some(plain) = number.plain() {
                                let with = (entry, number.clone());
                                numbers.plain.entry(plain).or_default().push(with);
                            }
                        }
                    }
                }
            }
        }
        numbers
    }

    /// The numbers of an entry and of the records that are the same party.
    pub(super) fn of_party(&self, lists: &Lists, entry: &Entry) -> Vec<IdentityKey> {
        lists
            .members(entry)
            .iter()
            .filter_map(|member| lists.get(member))
            .flat_map(|record| record.identifiers.iter().filter_map(Identifier::key))
            .collect()
    }

    /// Records that share a number with a party, and those that are one with them. `person` says whether the party is a
    /// natural person.
    pub(super) fn search(
        &self,
        lists: &Lists,
        own: &[Identifier],
        person: Option<bool>,
    ) -> Vec<Equal> {
        let keys: Vec<IdentityKey> = own.iter().filter_map(Identifier::key).collect();
        let mut found: BTreeMap<Entry, Equal> = BTreeMap::new();
        for key in &keys {
            for holder in self.keys.get(key).into_iter().flatten() {
                let members = lists.members(holder);
                let mut against = contradictions(&keys, &self.of_party(lists, holder));
                let records: Vec<&Record> =
                    members.iter().filter_map(|one| lists.get(one)).collect();
                against.extend(another_kind(person, &records));
                let rivals = lists.rivals(holder);
                against.extend(rivals.iter().map(|(rival, why)| {
                    format!("{rival} shares a number with {holder}, and {why}")
                }));
                for entry in members.iter().chain(rivals.iter().map(|(rival, _)| rival)) {
                    let tie = if entry == holder {
                        format!("{key} is its number, too")
                    } else {
                        format!("{key} is that of {holder}, which shares a number with it")
                    };
                    let equal = found.entry(entry.clone()).or_insert_with(|| Equal {
                        entry: entry.clone(),
                        own: key.to_string(),
                        theirs: key.to_string(),
                        settles: true,
                        why: Vec::new(),
                    });
                    equal.settles &= against.is_empty();
                    for why in std::iter::once(tie).chain(against.iter().cloned()) {
                        if !equal.why.contains(&why) {
                            equal.why.push(why);
                        }
                    }
                }
            }
        }
        for number in own {
            let Some(plain) = number.plain() else {
                continue;
            };
            for (entry, theirs) in self.plain.get(&plain).into_iter().flatten() {
                let apart = matches!((number.country, theirs.country), (Some(one), Some(two)) if one != two);
                let telling = number.scheme == theirs.scheme || plain.len() >= TELLING;
                if apart || !telling {
                    continue;
                }
                found.entry(entry.clone()).or_insert_with(|| Equal {
                    entry: entry.clone(),
                    own: written(number),
                    theirs: written(theirs),
                    settles: false,
                    why: vec![format!(
                        "{} is the same as its {}: a number of this kind settles nothing by itself",
                        written(number),
                        written(theirs)
                    )],
                });
            }
        }
        found.into_values().collect()
    }
}

fn written(number: &Identifier) -> String {
    let country = number
        .country
        .map_or_else(String::new, |country| format!(" ({country})"));
    format!("{} {}{country}", number.as_written, number.value)
}

/// Where a party's numbers and an entry's can't be of one party: both have a number of one kind and register, and none of
/// them is equal.
///
/// China's older numbers of registration and its USCC stand in one register, and are told apart by their length.
pub(super) fn contradictions(own: &[IdentityKey], theirs: &[IdentityKey]) -> Vec<String> {
    let mut found = Vec::new();
    let kinds: BTreeSet<Option<(Country, usize)>> = own.iter().map(register).collect();
    for kind in kinds {
        let of_kind = |keys: &[IdentityKey]| -> BTreeSet<IdentityKey> {
            keys.iter()
                .filter(|key| register(key) == kind)
                .cloned()
                .collect()
        };
        let (own, theirs) = (of_kind(own), of_kind(theirs));
        if !theirs.is_empty() && own.is_disjoint(&theirs) {
            let list = |keys: &BTreeSet<IdentityKey>| {
                let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
                texts.join(", ")
            };
            found.push(format!(
                "the numbers contradict: {} here, {} there",
                list(&own),
                list(&theirs)
            ));
        }
    }
    found
}

/// The register of a number; `None` for the LEI.
fn register(key: &IdentityKey) -> Option<(Country, usize)> {
    match key {
        IdentityKey::Lei(_) => None,
        IdentityKey::Register(country, number) if country.code() == "CN" => {
            Some((*country, number.len()))
        }
        IdentityKey::Register(country, _) => Some((*country, 0)),
    }
}

fn another_kind(person: Option<bool>, records: &[&Record]) -> Option<String> {
    let is = |kind: &dyn Fn(Kind) -> bool| records.iter().any(|record| kind(record.kind));
    match person {
        Some(true) if is(&|kind| matches!(kind, Kind::Entity | Kind::State | Kind::Vessel)) => {
            Some("the party is a person, the entry is none".to_owned())
        }
        Some(false) if is(&|kind| kind == Kind::Person) => {
            Some("the entry is a person, the party is none".to_owned())
        }
        _ => None,
    }
}
