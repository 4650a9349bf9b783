//! A list in memory: what several rows say about one party, put together.

use std::collections::BTreeMap;

use causeway_domain::Date;

use super::{
    Address, Certainty, Doubt, DoubtKind, Item, Kind, ListVersion, More, Record, Relationship,
    UNKNOWN_LIST, Unread,
};

/// A list to screen against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreeningList {
    /// Which list it is.
    pub version: ListVersion,
    /// Its parties by id.
    pub records: BTreeMap<String, Record>,
    /// Who owns whom, by the record's id.
    pub relationships: BTreeMap<String, Relationship>,
    /// Rows that can't be read: a list with one of these clears nobody for certain.
    pub unread: Vec<Unread>,
    /// Ids that the publisher gave up, with the ids that took their place.
    merged: BTreeMap<String, String>,
}

/// A list that is being put together.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    records: BTreeMap<String, Record>,
    relationships: BTreeMap<String, Relationship>,
    more: BTreeMap<String, Vec<More>>,
    closed: BTreeMap<String, Option<Date>>,
    unread: Vec<Unread>,
}

impl Gathering {
    /// Takes the next item, in the order of the file.
    pub(super) fn take(&mut self, item: Item) {
        match item {
            Item::Party(record) => self.party(*record),
            Item::More(more) => self.more.entry(more.party.clone()).or_default().push(*more),
            Item::Relationship(relationship) => self.relationship(*relationship),
            Item::Closed(closed) => {
                let before =
                    |on: Option<Date>| closed.asserted_on.is_none() || on <= closed.asserted_on;
                if self
                    .records
                    .get(&closed.id)
                    .is_some_and(|record| before(record.asserted_on))
                {
                    self.records.remove(&closed.id);
                }
                if self
                    .relationships
                    .get(&closed.id)
                    .is_some_and(|relationship| before(relationship.asserted_on))
                {
                    self.relationships.remove(&closed.id);
                }
                self.closed.insert(closed.id, closed.asserted_on);
            }
            Item::Unread(unread) => self.unread.push(unread),
        }
    }

    /// Whether a statement is older than the one that closed its record.
    fn is_closed(&self, id: &str, asserted_on: Option<Date>) -> bool {
        let closed = self.closed.get(id).copied().flatten();
        matches!((asserted_on, closed), (Some(stated), Some(closed)) if stated < closed)
    }

    fn party(&mut self, mut record: Record) {
        if record.replaces && self.is_closed(&record.id, record.asserted_on) {
            return;
        }
        match self.records.get_mut(&record.id) {
            None => {
                self.records.insert(record.id.clone(), record);
            }
            Some(known) if record.replaces => {
                if record.asserted_on >= known.asserted_on {
                    *known = record;
                }
            }
            // The same row twice says nothing new.
            Some(known) if known.origin.hash == record.origin.hash => {}
            Some(known) => {
                // Two different rows with one id are two claims: what either says is kept.
                record.doubts.push(Doubt::new(
                    DoubtKind::Twice,
                    format!(
                        "the id `{}` stands in lines {} and {}",
                        record.id, known.origin.line, record.origin.line
                    ),
                ));
                known.countries.extend(record.countries);
                known.born_or_founded.extend(record.born_or_founded);
                known.topics.extend(record.topics);
                known.weak.extend(record.weak);
                known.target |= record.target;
                known.add(More {
                    party: record.id,
                    names: record.names,
                    addresses: record.addresses,
                    identifiers: record.identifiers,
                    listings: record.listings,
                    exceptions: record.exceptions,
                    notes: record.notes,
                    doubts: record.doubts,
                    origin: record.origin,
                });
            }
        }
    }

    fn relationship(&mut self, relationship: Relationship) {
        if relationship.replaces && self.is_closed(&relationship.id, relationship.asserted_on) {
            return;
        }
        match self.relationships.get_mut(&relationship.id) {
            Some(known) if relationship.replaces => {
                if relationship.asserted_on >= known.asserted_on {
                    *known = relationship;
                }
            }
            Some(known) => {
                let fresh = relationship
                    .edges
                    .into_iter()
                    .filter(|edge| !known.edges.contains(edge))
                    .collect::<Vec<_>>();
                known.edges.extend(fresh);
                known.doubts.extend(relationship.doubts);
            }
            None => {
                self.relationships
                    .insert(relationship.id.clone(), relationship);
            }
        }
    }

    /// Puts together what rows say about parties of other rows.
    pub(super) fn finish(mut self, version: ListVersion) -> ScreeningList {
        let merged: BTreeMap<String, String> = self
            .records
            .values()
            .flat_map(|record| {
                record
                    .merged_ids
                    .iter()
                    .map(|old| (old.clone(), record.id.clone()))
            })
            .collect();
        for (party, more) in std::mem::take(&mut self.more) {
            let id = merged.get(&party).unwrap_or(&party);
            if let Some(record) = self.records.get_mut(id) {
                more.into_iter().for_each(|more| record.add(more));
                continue;
            }
            // An entry about a party that the list does not introduce: it is one with what the entry says.
            let Some(origin) = more.first().map(|more| more.origin) else {
                continue;
            };
            let mut record = Record::new(id, Kind::Unstated, origin);
            record.doubts.push(Doubt::new(
                DoubtKind::Dangling,
                format!("rows speak of `{id}`, and no row introduces it"),
            ));
            more.into_iter().for_each(|more| record.add(more));
            self.records.insert(record.id.clone(), record);
        }
        self.addresses();
        for record in self.records.values_mut() {
            if record.target && record.listings.is_empty() {
                record.doubts.push(Doubt::new(
                    DoubtKind::UnknownList,
                    format!(
                        "the source marks it as a target ({}) and states no entry of a list",
                        record.topics.join(", ")
                    ),
                ));
            }
        }
        ScreeningList {
            version,
            records: self.records,
            relationships: self.relationships,
            unread: self.unread,
            merged,
        }
    }

    /// Gives parties the addresses that are records of their own.
    fn addresses(&mut self) {
        let wanted: Vec<(String, Vec<String>)> = self
            .records
            .values()
            .filter(|record| !record.address_records.is_empty())
            .map(|record| (record.id.clone(), record.address_records.clone()))
            .collect();
        for (id, addresses) in wanted {
            let found: Vec<Option<Vec<Address>>> = addresses
                .iter()
                .map(|address| {
                    self.records
                        .get(address)
                        .map(|record| record.addresses.clone())
                })
                .collect();
            let Some(record) = self.records.get_mut(&id) else {
                continue;
            };
            for (address, found) in addresses.iter().zip(found) {
                match found {
                    Some(found) => found
                        .into_iter()
                        .for_each(|address| record.address(address)),
                    None => record.doubts.push(Doubt::new(
                        DoubtKind::Dangling,
                        format!("its address `{address}` is no record of the list"),
                    )),
                }
            }
        }
    }
}

impl ScreeningList {
    /// A list from items in the order of its files.
    #[must_use]
    pub fn gather(version: ListVersion, items: impl IntoIterator<Item = Item>) -> Self {
        let mut gathering = Gathering::default();
        items.into_iter().for_each(|item| gathering.take(item));
        gathering.finish(version)
    }

    /// The id that stands for this one now: the publisher may have merged records.
    #[must_use]
    pub fn current<'i>(&'i self, id: &'i str) -> &'i str {
        self.merged.get(id).map_or(id, String::as_str)
    }

    /// Whether this list can say that a party is on the list `word`: it has at least one entry of it.
    #[must_use]
    pub fn covers(&self, word: &str) -> bool {
        self.version.counts.listings.contains_key(word)
    }

    /// Its records that are entries, in force on a day or perhaps so.
    pub fn entries(&self, day: Date) -> impl Iterator<Item = &Record> {
        self.records.values().filter(move |record| {
            record.target
                || record
                    .listings
                    .iter()
                    .any(|listing| listing.holds(day) > Certainty::No)
        })
    }

    /// Whether some entry stands on a list that nobody here knows.
    #[must_use]
    pub fn has_unknown_lists(&self) -> bool {
        self.version.counts.listings.contains_key(UNKNOWN_LIST)
    }
}
