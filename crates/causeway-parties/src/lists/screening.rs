//! A party's names against the entries of lists.
//!
//! A name that is like an entry's is never a judgement: it is laid beside the entry for a reviewer, who says whether the two
//! are one. Until then the party's place on that list is unknown.

use std::collections::BTreeSet;

use serde::Serialize;

use super::words::words_of;
use super::{Entry, Judging, Kind, ListedWords, Lists, NameKind, Record};
use crate::Listed;
use crate::names::{Band, Index, Kind as NameOf, Match, Name, Weights};

/// The entries that are shown of one party.
const MOST: usize = 20;

/// Lists, made ready to be searched by name.
pub struct Screener<'l> {
    lists: &'l Lists,
    judging: Judging,
    index: Index<Entry>,
}

/// Who is screened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenee<'a> {
    /// The names: the legal one, former ones, those in other scripts.
    pub names: Vec<&'a str>,
    /// Whether it is a natural person; `None` where nobody says.
    pub person: Option<bool>,
}

/// An entry whose name is like the party's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The entry.
    pub entry: Entry,
    /// Its digest: what a reviewer's determination is about.
    pub digest: String,
    /// Its name that is alike.
    pub name: String,
    /// The party's name that is alike.
    pub sought: String,
    /// In thousandths.
    pub score: u16,
    /// `review` or `hit`.
    pub band: Band,
    /// Word by word.
    pub why: Vec<String>,
    /// The lists that it stands on, as their sources write them, with what an entry means for a run.
    pub lists: Vec<String>,
    /// What a reviewer determined: whether it is the same.
    pub same: Option<bool>,
}

/// What screening says of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screening {
    /// Entries with a name like the party's, best first.
    pub findings: Vec<Finding>,
    /// The lists of the rule packs that it stands on. A list is open while a finding on it is, or while it is missing or too
    /// old; all are while a finding is open that stands on a list for which the packs have no word.
    pub listed: Listed,
}

impl<'l> Screener<'l> {
    /// Makes lists ready: every entry that is in force on the day, or perhaps so, with all its names.
    #[must_use]
    pub fn new(lists: &'l Lists, judging: Judging) -> Self {
        let entries = lists.lists().flat_map(|(list, content)| {
            content
                .entries(judging.day)
                .map(move |record| (Entry::new(list, &record.id), names(record)))
        });
        let index = Index::build(Weights::builtin(), entries);
        Self {
            lists,
            judging,
            index,
        }
    }

    /// The number of names and aliases that are searched.
    #[must_use]
    pub fn names(&self) -> usize {
        self.index.len()
    }

    /// Entries with a name like one of the party's, best first, and what that says about the party. `determined` says what a
    /// reviewer found of an entry with this digest.
    #[must_use]
    pub fn screen(
        &self,
        party: &Screenee<'_>,
        determined: impl Fn(&Entry, &str) -> Option<bool>,
    ) -> Screening {
        let kind = match party.person {
            Some(true) => NameOf::Person,
            Some(false) => NameOf::Entity,
            None => NameOf::Either,
        };
        let mut findings: Vec<Finding> = Vec::new();
        for text in &party.names {
            let sought = Name::new(text, kind);
            for found in self.index.search(&sought, MOST) {
                let Some(record) = self.lists.get(&found.id) else {
                    continue;
                };
                let digest = record.origin.hash.to_string();
                let finding = Finding {
                    same: determined(&found.id, &digest),
                    lists: stands_on(record),
                    ..finding(found.id, digest, &sought, &found.name, &found.found)
                };
                match findings
                    .iter_mut()
                    .find(|known| known.entry == finding.entry)
                {
                    Some(known) if known.score >= finding.score => {}
                    Some(known) => *known = finding,
                    None => findings.push(finding),
                }
            }
        }
        findings.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.entry.cmp(&b.entry)));
        let listed = self.listed(&findings);
        Screening { findings, listed }
    }

    fn listed(&self, findings: &[Finding]) -> Listed {
        let mut words = ListedWords::default();
        for (word, why) in self.lists.open_words(&self.judging) {
            words.perhaps.entry(word).or_default().insert(why);
        }
        let mut others = BTreeSet::new();
        for finding in findings {
            let Some(record) = self.lists.get(&finding.entry) else {
                continue;
            };
            let open = match finding.same {
                Some(false) => continue,
                Some(true) => None,
                None => Some(finding.question()),
            };
            words_of(
                &self.judging,
                &finding.entry,
                record,
                open.as_deref(),
                &mut words,
            );
            match open {
                Some(question) if !outside_the_packs(&finding.entry, record).is_empty() => {
                    others.insert(question);
                }
                Some(_) => {}
                None => others.extend(outside_the_packs(&finding.entry, record)),
            }
        }
        others
            .iter()
            .fold(words.listed(), |listed, why| listed.others_unknown(why))
    }
}

impl Finding {
    /// What a reviewer has to say of it.
    fn question(&self) -> String {
        format!(
            "`{}` is like `{}` of {} ({}, {}): a reviewer determines whether they are one",
            self.sought,
            self.name,
            self.entry,
            self.band.word(),
            thousandths(self.score)
        )
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

fn finding(entry: Entry, digest: String, sought: &Name, name: &Name, found: &Match) -> Finding {
    Finding {
        entry,
        digest,
        name: name.text().to_owned(),
        sought: sought.text().to_owned(),
        score: found.score,
        band: found.band,
        why: found.explain(sought, name),
        lists: Vec::new(),
        same: None,
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
