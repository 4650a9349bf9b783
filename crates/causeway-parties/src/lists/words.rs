//! On which lists a party stands, word by word, and what leaves a word open.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Date, Source, Timestamp};
use jiff::SignedDuration;

use super::{
    Certainty, Entry, Freshness, KnownList, ListVersion, Lists, Record, known_list, known_lists,
    pack_words,
};
use crate::Listed;

/// What a judgement of lists takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judging {
    /// The day whose entries and holdings count.
    pub day: Date,
    /// Now: lists are as old as this says.
    pub now: Timestamp,
    /// How old a list may be; [`ListVersion::USUAL_AGE`] for a launch.
    pub oldest: SignedDuration,
    /// The words of the rule packs that are asked about.
    pub words: BTreeSet<String>,
    /// The sanctions programmes that 15 CFR 744.8(a)(1) names, where somebody states them from the text in force. Without
    /// them every SDN may be one of that section.
    pub programmes_7448: Option<BTreeSet<String>>,
}

impl Judging {
    /// Every word of the rule packs, on the day of `now` (UTC), with the usual age.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            day: jiff::tz::TimeZone::UTC.to_datetime(now).date(),
            now,
            oldest: ListVersion::USUAL_AGE,
            words: pack_words().map(str::to_owned).collect(),
            programmes_7448: None,
        }
    }
}

/// An entry that screening found for a party, not by an identifier: it may be the same party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screened {
    /// The entry.
    pub entry: Entry,
    /// Why it may be the same.
    pub why: String,
}

/// On which lists of the rule packs a party stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedWords {
    /// On these for certain, with the entries.
    pub certain: BTreeMap<String, BTreeSet<Entry>>,
    /// Perhaps on these, with why.
    pub perhaps: BTreeMap<String, BTreeSet<String>>,
}

impl ListedWords {
    /// Whether it stands on a list.
    #[must_use]
    pub fn on(&self, word: &str) -> Certainty {
        if self.certain.contains_key(word) {
            Certainty::Yes
        } else if self.perhaps.contains_key(word) {
            Certainty::Open
        } else {
            Certainty::No
        }
    }

    fn put(&mut self, word: &str, certainty: Certainty, entry: &Entry, why: &str) {
        match certainty {
            Certainty::Yes => {
                self.certain
                    .entry(word.to_owned())
                    .or_default()
                    .insert(entry.clone());
            }
            Certainty::Open => {
                self.perhaps
                    .entry(word.to_owned())
                    .or_default()
                    .insert(why.to_owned());
            }
            Certainty::No => {}
        }
    }

    /// The same as a register of parties holds it.
    #[must_use]
    pub fn listed(&self) -> Listed {
        let entries: BTreeSet<String> = self
            .certain
            .values()
            .flatten()
            .map(Entry::to_string)
            .collect();
        let evidence = entries.into_iter().collect::<Vec<_>>().join(", ");
        let source = Source {
            by: "imported lists".to_owned(),
            evidence: (!evidence.is_empty()).then_some(evidence),
            on: None,
        };
        let open = self
            .perhaps
            .iter()
            .flat_map(|(word, why)| why.iter().map(move |why| (word, why)));
        open.fold(
            Listed::on(self.certain.keys().cloned(), source),
            |listed, (word, why)| listed.perhaps(word, why),
        )
    }
}

impl Lists {
    /// The words for which no imported list is fit to say that a party is not on it, with why.
    pub(super) fn open_words(&self, judging: &Judging) -> BTreeMap<String, String> {
        let mut open = BTreeMap::new();
        for word in &judging.words {
            let gives = |list: &KnownList| {
                list.pack_word.as_deref() == Some(word) || list.perhaps.as_deref() == Some(word)
            };
            let mut faults = Vec::new();
            let mut covered = false;
            for (name, list) in self.lists() {
                if !known_lists()
                    .iter()
                    .any(|known| gives(known) && list.covers(&known.word))
                {
                    continue;
                }
                match list.version.freshness(judging.now, judging.oldest) {
                    Freshness::Fresh { .. } if list.unread.is_empty() => covered = true,
                    Freshness::Fresh { .. } => faults.push(format!(
                        "{} rows of `{name}` can't be read",
                        list.unread.len()
                    )),
                    Freshness::Old { age } => faults.push(format!(
                        "`{name}` is {} hours old, {} are allowed",
                        age.as_hours(),
                        judging.oldest.as_hours()
                    )),
                    Freshness::Unknown => {
                        faults.push(format!("nobody says how old `{name}` is"));
                    }
                }
            }
            if !covered {
                if faults.is_empty() {
                    faults.push("no imported list holds it".to_owned());
                }
                open.insert(word.clone(), faults.join("; "));
            }
        }
        open
    }
}

/// The words that a record's entries give. With `perhaps`, the record may be another party: nothing is certain.
pub(super) fn words_of(
    judging: &Judging,
    entry: &Entry,
    record: &Record,
    perhaps: Option<&str>,
    words: &mut ListedWords,
) {
    let limit = if perhaps.is_some() {
        Certainty::Open
    } else {
        Certainty::Yes
    };
    let said = |why: String| perhaps.map_or(why, str::to_owned);
    if record.target && record.listings.is_empty() {
        for word in &judging.words {
            let why = said(format!(
                "{entry} is a target of a list that it does not name"
            ));
            words.put(word, Certainty::Open, entry, &why);
        }
    }
    for listing in &record.listings {
        let holds = listing.holds(judging.day).min(limit);
        let dated = || {
            said(format!(
                "whether {entry} is in force on {} is not clear",
                judging.day
            ))
        };
        let Some(known) = known_list(&listing.list) else {
            for word in &judging.words {
                let why = said(format!(
                    "{entry} is on `{}`, a list that nobody here knows",
                    listing.as_written
                ));
                words.put(word, holds.min(Certainty::Open), entry, &why);
            }
            continue;
        };
        if let Some(word) = &known.pack_word {
            words.put(word, holds, entry, &dated());
        }
        let Some(word) = &known.perhaps else {
            continue;
        };
        match &judging.programmes_7448 {
            Some(named) if listing.programmes.iter().any(|one| named.contains(one)) => {
                words.put(word, holds, entry, &dated());
            }
            // An entry without a programme may stand under any.
            Some(_) if !listing.programmes.is_empty() => {}
            _ => {
                let why = said(format!(
                    "whether 15 CFR 744.8(a)(1) names a programme of {entry} ({}) is not stated",
                    listing.programmes.join(", ")
                ));
                words.put(word, holds.min(Certainty::Open), entry, &why);
            }
        }
    }
}
