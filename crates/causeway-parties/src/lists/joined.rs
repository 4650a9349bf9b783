//! All lists to screen against, with records of one party joined by what identifies it.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;
use serde::{Deserialize, Serialize};

use super::{IdentityKey, Kind, Record, Screened, ScreeningList};

/// A record of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The list's name.
    pub list: String,
    /// The record's id within it.
    pub id: String,
}

impl Entry {
    /// A record of a list.
    #[must_use]
    pub fn new(list: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            list: list.into(),
            id: id.into(),
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.list, self.id)
    }
}

/// Records that identifiers tie together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The records, sorted.
    pub members: Vec<Entry>,
    /// What ties them.
    pub by: BTreeSet<IdentityKey>,
    /// Where their identifiers contradict each other. Then they are not taken as one party, and each of them may be any
    /// other: a person decides.
    pub contradictions: Vec<String>,
}

/// Lists to screen against.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    lists: BTreeMap<String, ScreeningList>,
    groups: Vec<Joined>,
    group_of: BTreeMap<Entry, usize>,
    names: BTreeMap<String, Vec<Entry>>,
}

impl Lists {
    /// Joins lists. A name that is there twice gets a number.
    ///
    /// Records become one party when they share a valid LEI or a number in one country's register (China's USCC is one);
    /// names never join. The answer does not depend on the order of the lists.
    #[must_use]
    pub fn new(lists: impl IntoIterator<Item = ScreeningList>) -> Self {
        let mut all = Self::default();
        for list in lists {
            let mut name = list.version.list.clone();
            for number in 2.. {
                if !all.lists.contains_key(&name) {
                    break;
                }
                name = format!("{}#{number}", list.version.list);
            }
            all.lists.insert(name, list);
        }
        all.join();
        for (name, list) in &all.lists {
            for record in list.records.values() {
                for listed in &record.names {
                    all.names
                        .entry(plain(&listed.text))
                        .or_default()
                        .push(Entry::new(name, &record.id));
                }
            }
        }
        all.names.remove("");
        all
    }

    fn join(&mut self) {
        let mut holders: BTreeMap<IdentityKey, Vec<Entry>> = BTreeMap::new();
        for (name, list) in &self.lists {
            for record in list.records.values() {
                for key in record.identifiers.iter().filter_map(|number| number.key()) {
                    holders
                        .entry(key)
                        .or_default()
                        .push(Entry::new(name, &record.id));
                }
            }
        }
        // Records are tied by every number that two of them have: components of that graph.
        let mut component: BTreeMap<Entry, usize> = BTreeMap::new();
        let mut components: Vec<(BTreeSet<Entry>, BTreeSet<IdentityKey>)> = Vec::new();
        for (key, entries) in holders {
            let distinct: BTreeSet<Entry> = entries.into_iter().collect();
            if distinct.len() < 2 {
                continue;
            }
            let (mut members, mut keys) = (BTreeSet::new(), BTreeSet::from([key]));
            for entry in distinct {
                match component.get(&entry).copied() {
                    Some(index) => {
                        if let Some((old, old_keys)) = components.get_mut(index) {
                            members.append(old);
                            keys.append(old_keys);
                        }
                    }
                    None => {
                        members.insert(entry);
                    }
                }
            }
            for member in &members {
                component.insert(member.clone(), components.len());
            }
            components.push((members, keys));
        }
        components.retain(|(members, _)| !members.is_empty());
        components.sort();
        for (members, by) in components {
            let members: Vec<Entry> = members.into_iter().collect();
            let records: Vec<&Record> =
                members.iter().filter_map(|entry| self.get(entry)).collect();
            let group = Joined {
                contradictions: contradictions(&records),
                members,
                by,
            };
            for member in &group.members {
                self.group_of.insert(member.clone(), self.groups.len());
            }
            self.groups.push(group);
        }
    }

    /// The lists by name.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &ScreeningList)> {
        self.lists.iter().map(|(name, list)| (name.as_str(), list))
    }

    /// A list by name.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&ScreeningList> {
        self.lists.get(name)
    }

    /// A record.
    #[must_use]
    pub fn get(&self, entry: &Entry) -> Option<&Record> {
        self.lists.get(&entry.list)?.records.get(&entry.id)
    }

    /// Records that share identifiers, those that contradict each other too.
    #[must_use]
    pub fn groups(&self) -> &[Joined] {
        &self.groups
    }

    /// The records of one party, this one among them: more than one where identifiers join them.
    #[must_use]
    pub fn members(&self, entry: &Entry) -> Vec<Entry> {
        match self.group(entry) {
            Some(group) if group.contradictions.is_empty() => group.members.clone(),
            _ => vec![entry.clone()],
        }
    }

    /// Records that share an identifier with this one and contradict it, with where.
    #[must_use]
    pub fn rivals(&self, entry: &Entry) -> Vec<(Entry, String)> {
        match self.group(entry) {
            Some(group) if !group.contradictions.is_empty() => group
                .members
                .iter()
                .filter(|member| *member != entry)
                .map(|member| (member.clone(), group.contradictions.join("; ")))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn group(&self, entry: &Entry) -> Option<&Joined> {
        self.group_of
            .get(entry)
            .and_then(|index| self.groups.get(*index))
    }

    /// The key of a party: its first record, written `list:id`.
    #[must_use]
    pub fn key(&self, entry: &Entry) -> String {
        self.members(entry).first().unwrap_or(entry).to_string()
    }

    /// Records that have this name, letter case, space and punctuation aside.
    #[must_use]
    pub fn named(&self, name: &str) -> &[Entry] {
        self.names.get(&plain(name)).map_or(&[], Vec::as_slice)
    }

    /// Entries of lists that have one of a record's names, letter case, space and punctuation aside: the least that a
    /// screening must find. The record itself and its party's other records are left out.
    #[must_use]
    pub fn same_names(&self, entry: &Entry) -> Vec<Screened> {
        let own = self.members(entry);
        let mut found = BTreeMap::new();
        for name in self.get(entry).into_iter().flat_map(|record| &record.names) {
            for other in self.named(&name.text) {
                if !own.contains(other) && self.get(other).is_some_and(Record::is_listed) {
                    found
                        .entry(other.clone())
                        .or_insert_with(|| format!("`{}` is a name of {other}", name.text));
                }
            }
        }
        found
            .into_iter()
            .map(|(entry, why)| Screened { entry, why })
            .collect()
    }
}

/// A name without letter case, space and punctuation.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Where records that share an identifier can't be one party: two LEIs, two numbers in one register, a person and a
/// company.
fn contradictions(records: &[&Record]) -> Vec<String> {
    let mut found = Vec::new();
    let keys = |record: &Record| -> BTreeSet<IdentityKey> {
        record
            .identifiers
            .iter()
            .filter_map(|number| number.key())
            .collect()
    };
    let leis: BTreeSet<IdentityKey> = records
        .iter()
        .flat_map(|record| keys(record))
        .filter(|key| matches!(key, IdentityKey::Lei(_)))
        .collect();
    if leis.len() > 1 {
        let list: Vec<String> = leis.iter().map(ToString::to_string).collect();
        found.push(format!("they have different LEIs: {}", list.join(", ")));
    }
    let numbers = |record: &Record| -> BTreeMap<Country, BTreeSet<String>> {
        let mut all: BTreeMap<Country, BTreeSet<String>> = BTreeMap::new();
        for key in keys(record) {
            if let IdentityKey::Register(country, number) = key {
                all.entry(country).or_default().insert(number);
            }
        }
        all
    };
    let mut registers: BTreeSet<Country> = BTreeSet::new();
    let all: Vec<_> = records.iter().map(|record| numbers(record)).collect();
    for (index, one) in all.iter().enumerate() {
        for other in all.iter().skip(index + 1) {
            registers.extend(
                one.iter()
                    .filter(|(country, numbers)| {
                        other
                            .get(country)
                            .is_some_and(|others| others.is_disjoint(numbers))
                    })
                    .map(|(country, _)| *country),
            );
        }
    }
    for country in registers {
        found.push(format!(
            "they have different registration numbers in {country}"
        ));
    }
    let person = records.iter().any(|record| record.kind == Kind::Person);
    let other = records
        .iter()
        .any(|record| matches!(record.kind, Kind::Entity | Kind::State | Kind::Vessel));
    if person && other {
        found.push("one is a person, another is not".to_owned());
    }
    found
}
