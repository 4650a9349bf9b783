//! The parties of an organisation against the lists that were imported.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use causeway_domain::Timestamp;
use causeway_domain::organisation::{Listing, Organisation, PartyKind};
use causeway_law::Approvals;
use causeway_parties::Listed;
use causeway_parties::lists::{
    Judging, ListVersion, Lists, Screenee, Screener, Screening, known_lists, pack_words,
    stored::load,
};
use jiff::SignedDuration;
use serde::Serialize;

use crate::RunError;
use crate::state::State;

/// What screening found.
#[derive(Debug, Clone, Default)]
pub struct Screened {
    /// By party.
    pub parties: BTreeMap<String, Screening>,
    /// The lists, as they were.
    pub versions: Vec<ListVersion>,
    /// The lists of `listed` that none of the imported ones covers, with why.
    pub uncovered: BTreeMap<String, String>,
}

/// A list that was screened against, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListUsed {
    /// Its name.
    pub list: String,
    /// SHA-256 of its files.
    pub sha256: String,
    /// Its date, where somebody says it.
    pub date: Option<String>,
}

impl Screened {
    /// The lists for the record.
    #[must_use]
    pub fn used(&self) -> Vec<ListUsed> {
        self.versions
            .iter()
            .map(|version| ListUsed {
                list: version.list.clone(),
                sha256: version.hash().to_string(),
                date: version.date.map(|date| date.to_string()),
            })
            .collect()
    }

    /// What a plan takes of it.
    #[must_use]
    pub fn listed(&self) -> causeway_plan::Screened {
        causeway_plan::Screened {
            parties: self
                .parties
                .iter()
                .map(|(party, screening)| (party.clone(), screening.listed.clone()))
                .collect(),
            uncovered: self.uncovered.clone(),
        }
    }
}

/// Screens every party of the organisation against the lists that its `screening` names; `None` where it names none.
///
/// # Errors
/// When a stored list can't be read. One that was never imported is no error: it leaves every party's lists unknown.
pub fn screen(
    state: &State,
    now: Timestamp,
    organisation: &Organisation,
    approvals: &Approvals,
) -> Result<Option<Screened>, RunError> {
    let Some(policy) = &organisation.file.screening else {
        return Ok(None);
    };
    let parties = || {
        organisation
            .file
            .parties
            .iter()
            .filter(|(_, party)| party.kind != PartyKind::Dispersed)
    };
    let mut loaded = Vec::new();
    let mut missing = Vec::new();
    for name in &policy.lists {
        let path = state.lists().join(format!("{name}.jsonl"));
        match fs_err::File::open(&path) {
            Ok(file) => loaded.push(load(path.as_str(), BufReader::new(file))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                missing.push(format!("`{name}`"));
            }
            Err(error) => return Err(RunError::state(&path, error)),
        }
    }
    let versions = loaded.iter().map(|list| list.version.clone()).collect();
    if !missing.is_empty() || loaded.is_empty() {
        let why = format!(
            "list {} is not imported: `causeway parties import` takes it in",
            missing.join(", ")
        );
        let unknown = || Screening {
            findings: Vec::new(),
            listed: Listed::unknown(why.clone()),
        };
        return Ok(Some(Screened {
            parties: parties()
                .map(|(id, _)| (id.to_string(), unknown()))
                .collect(),
            versions,
            uncovered: BTreeMap::new(),
        }));
    }
    let lists = Lists::new(loaded);
    let judging = Judging {
        oldest: SignedDuration::from_hours(i64::from(policy.max_age_hours)),
        words: covered(&lists),
        ..Judging::at(now)
    };
    let uncovered = Listing::ALL
        .iter()
        .map(|list| list.word())
        .filter(|word| !judging.words.contains(*word))
        .map(|word| {
            let lists: Vec<&str> = policy.lists.iter().map(String::as_str).collect();
            let why = format!(
                "none of the lists that are screened ({}) holds it, and `listed` does not say",
                lists.join(", ")
            );
            (word.to_owned(), why)
        })
        .collect();
    let day = judging.day;
    let screener = Screener::new(&lists, judging);
    let parties = parties()
        .map(|(id, party)| {
            let names: Vec<&str> = std::iter::once(party.name.as_str())
                .chain(party.other_names.iter().map(String::as_str))
                .collect();
            let person = match party.kind {
                PartyKind::Person => Some(true),
                PartyKind::Company | PartyKind::State | PartyKind::Dispersed => Some(false),
            };
            let screening = screener.screen(&Screenee { names, person }, |entry, digest| {
                approvals.same(id.as_str(), &entry.list, &entry.id, digest, day)
            });
            (id.to_string(), screening)
        })
        .collect();
    Ok(Some(Screened {
        parties,
        versions,
        uncovered,
    }))
}

/// Names that somebody asks about, against every list that was imported. Nothing is determined about them.
///
/// # Errors
/// When a stored list can't be read.
pub fn names(state: &State, now: Timestamp, names: &[String]) -> Result<Vec<Screening>, RunError> {
    let folder = state.lists();
    let mut loaded = Vec::new();
    let found = match folder.read_dir_utf8() {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(RunError::Value {
                what: "no list was imported yet: `causeway parties import` takes one in".to_owned(),
            });
        }
        Err(error) => return Err(RunError::state(&folder, error)),
    };
    for entry in found {
        let entry = entry.map_err(|error| RunError::state(&folder, error))?;
        let path = entry.path();
        if path.extension() == Some("jsonl") && !entry.file_name().starts_with('.') {
            let file = fs_err::File::open(path).map_err(|error| RunError::state(path, error))?;
            loaded.push(load(path.as_str(), BufReader::new(file))?);
        }
    }
    let lists = Lists::new(loaded);
    let judging = Judging {
        words: covered(&lists),
        ..Judging::at(now)
    };
    let screener = Screener::new(&lists, judging);
    Ok(names
        .iter()
        .map(|name| {
            let party = Screenee {
                names: vec![name.as_str()],
                person: None,
            };
            screener.screen(&party, |_, _| None)
        })
        .collect())
}

/// The words of the rule packs that these lists can speak of. About the others the organisation's file says what it says.
fn covered(lists: &Lists) -> BTreeSet<String> {
    pack_words()
        .filter(|word| {
            known_lists()
                .iter()
                .filter(|known| {
                    known.pack_word.as_deref() == Some(word)
                        || known.perhaps.as_deref() == Some(word)
                })
                .any(|known| lists.lists().any(|(_, list)| list.covers(&known.word)))
        })
        .map(str::to_owned)
        .collect()
}
