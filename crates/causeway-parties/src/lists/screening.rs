//! A party's names, numbers and addresses against the entries of lists.
//!
//! An equal number of a register settles that the two are one. A name that is like an entry's is never a judgement: it is laid beside the entry for a reviewer, who says whether the two
//! are one; so is an address that is an entry by itself. Until then the party's place on that list is unknown.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Date;
use serde::Serialize;

use super::numbers::{Numbers, contradictions};
use super::words::words_of;
use super::{Entry, Identifier, Judging, Kind, ListedWords, Lists, NameKind, Record};
use crate::Listed;
use crate::addresses::Premises;
use crate::names::{Band, HIT, Index, Kind as NameOf, Name, Weights};

/// Lists, made ready to be searched for a day: by name, by number, by address.
pub struct Searchable {
    lists: Lists,
    day: Date,
    index: Index<Entry>,
    numbers: Numbers,
    /// Entries that are addresses.
    addresses: Vec<(Entry, String, Premises)>,
}

/// Searchable lists, with how old they may be and the words that are asked about.
pub struct Screener<'s> {
    searchable: &'s Searchable,
    lists: &'s Lists,
    judging: Judging,
}

/// Who is screened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screenee<'a> {
    /// The names: the legal one, former ones, those in other scripts.
    pub names: Vec<&'a str>,
    /// Whether it is a natural person; `None` where nobody says.
    pub person: Option<bool>,
    /// Numbers that registers gave it.
    pub identifiers: Vec<Identifier>,
    /// Where it sits.
    pub addresses: Vec<&'a str>,
}

/// By what an entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// A name.
    Name,
    /// The entry is an address, and the party sits there.
    Address,
    /// A number of a register.
    Number,
}

/// An entry that may be the party, or is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The entry.
    pub entry: Entry,
    /// Its digest: what a reviewer's determination is about.
    pub digest: String,
    /// By what it was found; where by several, what says most.
    pub by: FoundBy,
    /// Its name, number or address that is alike.
    pub name: String,
    /// The party's name, number or address that is alike.
    pub sought: String,
    /// In thousandths.
    pub score: u16,
    /// `review` or `hit`.
    pub band: Band,
    /// Word by word, number by number.
    pub why: Vec<String>,
    /// The lists that it stands on, as their sources write them, with what an entry means for a run.
    pub lists: Vec<String>,
    /// Whether it is the same: a reviewer determined so, or an equal number of a register settles it.
    pub same: Option<bool>,
    /// What settles without a reviewer that it is the same: the number, or the entry of the same party.
    pub settled_by: Option<String>,
    /// All that the list says of it.
    pub record: Record,
}

/// What screening says of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screening {
    /// Entries that may be the party, or are, best first.
    pub findings: Vec<Finding>,
    /// The lists of the rule packs that it stands on. A list is open while a finding on it is, or while it is missing or too
    /// old; all are while a finding is open that stands on a list for which the packs have no word.
    pub listed: Listed,
    /// Why the lists are not fit to clear anybody: too old, of an unknown date, with rows that can't be read.
    pub faults: Vec<String>,
}

impl Searchable {
    /// Makes lists ready: every entry that is in force on the day, or perhaps so, with all its names; every number of any
    /// record, for a register may tie a number to an entry.
    #[must_use]
    pub fn new(lists: Lists, day: Date) -> Self {
        let entries = lists.lists().flat_map(|(list, content)| {
            content
                .entries(day)
                .filter(|record| record.kind != Kind::Address)
                .map(move |record| (Entry::new(list, &record.id), names(record)))
        });
        let index = Index::build(Weights::builtin(), entries);
        let addresses = lists
            .lists()
            .flat_map(|(list, content)| {
                content
                    .entries(day)
                    .filter(|record| record.kind == Kind::Address)
                    .map(move |record| (list, record))
            })
            .flat_map(|(list, record)| {
                record.addresses.iter().map(move |address| {
                    (
                        Entry::new(list, &record.id),
                        address.text.clone(),
                        Premises::new(&address.text, address.country),
                    )
                })
            })
            .collect();
        Self {
            index,
            numbers: Numbers::of(&lists),
            addresses,
            lists,
            day,
        }
    }

    /// The lists.
    #[must_use]
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// The number of names and aliases that are searched.
    #[must_use]
    pub fn names(&self) -> usize {
        self.index.len()
    }
}

impl<'s> Screener<'s> {
    /// Judges on the day that the lists were made ready for, whatever day `judging` names.
    #[must_use]
    pub fn new(searchable: &'s Searchable, judging: Judging) -> Self {
        Self {
            searchable,
            lists: &searchable.lists,
            judging: Judging {
                day: searchable.day,
                ..judging
            },
        }
    }

    /// Entries that may be the party by a name, a number or an address, best first, and what that says about the party.
    /// `determined` says what a reviewer found of an entry with this digest.
    ///
    /// An equal LEI, or an equal number in one country's register, settles that the two are the same, unless another number
    /// contradicts it. A name that is alike never settles it, and is at most a [`Band::Review`] where numbers contradict.
    #[must_use]
    pub fn screen(
        &self,
        party: &Screenee<'_>,
        determined: impl Fn(&Entry, &str) -> Option<bool>,
    ) -> Screening {
        let mut found = BTreeMap::new();
        self.by_name(party, &mut found);
        self.by_address(party, &mut found);
        self.by_number(party, &mut found);
        let mut findings: Vec<Finding> = found.into_values().collect();
        for finding in &mut findings {
            let said = determined(&finding.entry, &finding.digest);
            if finding.settled_by.is_some() {
                if said == Some(false) {
                    finding.why.push(
                        "a determination that it is another does not count against an equal number: correct the number, or have the list corrected".to_owned(),
                    );
                }
            } else {
                finding.same = said;
            }
        }
        self.rivals(&mut findings, &determined);
        self.one_party(&mut findings);
        findings.sort_by(|a, b| {
            (b.score, b.by)
                .cmp(&(a.score, a.by))
                .then_with(|| a.entry.cmp(&b.entry))
        });
        let listed = self.listed(&findings);
        let faults = self.lists.open_words(&self.judging);
        Screening {
            findings,
            listed,
            faults: faults
                .into_values()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        }
    }

    fn by_name(&self, party: &Screenee<'_>, found: &mut BTreeMap<Entry, Finding>) {
        let kind = match party.person {
            Some(true) => NameOf::Person,
            Some(false) => NameOf::Entity,
            None => NameOf::Either,
        };
        let own: Vec<_> = party
            .identifiers
            .iter()
            .filter_map(Identifier::key)
            .collect();
        for text in &party.names {
            let sought = Name::new(text, kind);
            // Whatever is not looked at is not clear: no limit.
            for alike in self.searchable.index.search(&sought, usize::MAX) {
                let Some(mut finding) = self.finding(&alike.id, FoundBy::Name) else {
                    continue;
                };
                alike.name.text().clone_into(&mut finding.name);
                (*text).clone_into(&mut finding.sought);
                finding.score = alike.found.score;
                finding.why = alike.found.explain(&sought, &alike.name);
                let theirs = self.searchable.numbers.of_party(self.lists, &alike.id);
                let against = contradictions(&own, &theirs);
                if !against.is_empty() {
                    finding.score = finding.score.min(HIT - 1);
                    finding.why.extend(against);
                }
                keep(found, finding);
            }
        }
    }

    fn by_address(&self, party: &Screenee<'_>, found: &mut BTreeMap<Entry, Finding>) {
        for text in &party.addresses {
            let own = Premises::new(text, None);
            for (entry, theirs, premises) in &self.searchable.addresses {
                let Some(meeting) = own.meets(premises) else {
                    continue;
                };
                let Some(mut finding) = self.finding(entry, FoundBy::Address) else {
                    continue;
                };
                finding.name.clone_from(theirs);
                (*text).clone_into(&mut finding.sought);
                finding.score = meeting.score;
                finding.why = meeting.why;
                keep(found, finding);
            }
        }
    }

    fn by_number(&self, party: &Screenee<'_>, found: &mut BTreeMap<Entry, Finding>) {
        for equal in self
            .searchable
            .numbers
            .search(self.lists, &party.identifiers, party.person)
        {
            let Some(mut finding) = self.finding(&equal.entry, FoundBy::Number) else {
                continue;
            };
            finding.name = equal.theirs;
            finding.sought = equal.own.clone();
            finding.why = equal.why;
            if equal.settles {
                finding.score = 1000;
                finding.same = Some(true);
                finding.settled_by = Some(equal.own);
            } else {
                finding.score = HIT - 1;
            }
            keep(found, finding);
        }
    }

    /// An entry that is in force on the day, or perhaps so; `None` for a record that is no such entry.
    fn finding(&self, entry: &Entry, by: FoundBy) -> Option<Finding> {
        let record = self.lists.get(entry)?;
        let in_force = record.target
            || record
                .listings
                .iter()
                .any(|listing| listing.holds(self.judging.day) > super::Certainty::No);
        in_force.then(|| Finding {
            entry: entry.clone(),
            digest: record.origin.hash.to_string(),
            by,
            name: String::new(),
            sought: String::new(),
            score: 0,
            band: Band::Review,
            why: Vec::new(),
            lists: stands_on(record),
            same: None,
            settled_by: None,
            record: record.clone(),
        })
    }

    /// Entries that share a number with one that is the party, and contradict it: each may be the party, too.
    fn rivals(
        &self,
        findings: &mut Vec<Finding>,
        determined: &impl Fn(&Entry, &str) -> Option<bool>,
    ) {
        let mut more = Vec::new();
        for same in findings.iter().filter(|one| one.same == Some(true)) {
            for (rival, why) in self.lists.rivals(&same.entry) {
                let known = |one: &Finding| one.entry == rival;
                if findings.iter().any(known) || more.iter().any(known) {
                    continue;
                }
                if let Some(mut finding) = self.finding(&rival, FoundBy::Number) {
                    finding.name.clone_from(&finding.record.label);
                    finding.sought = same.entry.to_string();
                    finding.score = HIT - 1;
                    finding.why =
                        vec![format!("it shares a number with {}, and {why}", same.entry)];
                    finding.same = determined(&finding.entry, &finding.digest);
                    more.push(finding);
                }
            }
        }
        findings.append(&mut more);
    }

    /// Entries that numbers tie together are one party: what is settled of one is settled of all, and what contradicts
    /// that is open.
    fn one_party(&self, findings: &mut [Finding]) {
        let same: Vec<Entry> = findings
            .iter()
            .filter(|finding| finding.same == Some(true))
            .map(|finding| finding.entry.clone())
            .collect();
        for finding in findings {
            if finding.same == Some(true) {
                continue;
            }
            let members = self.lists.members(&finding.entry);
            let Some(other) = same.iter().find(|other| members.contains(other)) else {
                continue;
            };
            if finding.same == Some(false) {
                finding.same = None;
                finding.why.push(format!(
                    "determined to be another, while {other}, which shares a number with it, is the same: one of the two is wrong"
                ));
            } else {
                finding.same = Some(true);
                finding.settled_by = Some(format!("{other}, which shares a number with it"));
            }
        }
    }

    /// The entries that are the party, those that numbers tie to them among them.
    fn entries_of(&self, findings: &[Finding]) -> BTreeSet<Entry> {
        findings
            .iter()
            .filter(|finding| finding.same == Some(true))
            .flat_map(|finding| self.lists.members(&finding.entry))
            .collect()
    }

    fn listed(&self, findings: &[Finding]) -> Listed {
        let mut words = ListedWords::default();
        for (word, why) in self.lists.open_words(&self.judging) {
            words.perhaps.entry(word).or_default().insert(why);
        }
        let mut others = BTreeSet::new();
        for finding in findings.iter().filter(|finding| finding.same.is_none()) {
            let question = open(finding);
            let (entry, record) = (&finding.entry, &finding.record);
            words_of(&self.judging, entry, record, Some(&question), &mut words);
            if !outside_the_packs(entry, record).is_empty() {
                others.insert(question);
            }
        }
        for entry in self.entries_of(findings) {
            if let Some(record) = self.lists.get(&entry) {
                words_of(&self.judging, &entry, record, None, &mut words);
                others.extend(outside_the_packs(&entry, record));
            }
        }
        others
            .iter()
            .fold(words.listed(), |listed, why| listed.others_unknown(why))
    }
}

/// Listings that forbid or ask for a review and for which the rule packs have no word: a person decides.
fn outside_the_packs(entry: &Entry, record: &Record) -> Vec<String> {
    record
        .listings
        .iter()
        .filter(|listing| {
            let known = super::known_list(&listing.list);
            listing.effect != super::Effect::Information
                && known.is_none_or(|list| list.pack_word.is_none())
        })
        .map(|listing| {
            format!(
                "{entry} is on {}: the rule packs have no word for it",
                listing.as_written
            )
        })
        .collect()
}

fn stands_on(record: &Record) -> Vec<String> {
    record
        .listings
        .iter()
        .map(|listing| {
            let means = super::known_list(&listing.list).map_or_else(
                || "a list that nobody here knows: a person must look".to_owned(),
                |known| known.means.clone(),
            );
            format!("{}: {means}", listing.as_written)
        })
        .collect()
}

/// What is open about a finding, and who closes it.
fn open(finding: &Finding) -> String {
    let alike = match finding.by {
        FoundBy::Name => "is like",
        FoundBy::Number => "is equal to",
        FoundBy::Address => "is at",
    };
    format!(
        "`{}` {alike} `{}` of {} ({}, {}): a reviewer determines whether they are one",
        finding.sought,
        finding.name,
        finding.entry,
        finding.band.word(),
        thousandths(finding.score)
    )
}

/// Keeps one finding an entry: the one that says most, with the reasons of all.
fn keep(found: &mut BTreeMap<Entry, Finding>, mut finding: Finding) {
    finding.band = Band::of(finding.score);
    match found.get_mut(&finding.entry) {
        None => {
            found.insert(finding.entry.clone(), finding);
        }
        Some(known) if known.by == finding.by => {
            if known.score < finding.score {
                *known = finding;
            }
        }
        Some(known) => {
            let stronger = (finding.settled_by.is_some(), finding.score)
                > (known.settled_by.is_some(), known.score);
            if stronger {
                std::mem::swap(known, &mut finding);
            }
            known.why.append(&mut finding.why);
        }
    }
}

/// `0.932`.
#[must_use]
pub fn thousandths(score: u16) -> String {
    format!("{}.{:03}", score / 1000, score % 1000)
}

fn names(record: &Record) -> Vec<Name> {
    let kind = match record.kind {
        Kind::Person => NameOf::Person,
        Kind::Entity => NameOf::Entity,
        _ => NameOf::Either,
    };
    record
        .names
        .iter()
        .map(|listed| {
            let name = Name::new(&listed.text, kind);
            if listed.kind == NameKind::Weak {
                name.weak()
            } else {
                name
            }
        })
        .collect()
}
