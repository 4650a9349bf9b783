//! The parties of an organisation against the lists that were imported.

mod loaded;

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{
    IdentifierScheme, Listing, Organisation, Party, PartyKind, Screening as Policy,
};
use causeway_domain::{Date, Timestamp};
use causeway_law::Approvals;
use causeway_parties::lists::{
    Identifier, Judging, ListVersion, Lists, Scheme, Screenee, Screener, Screening, known_lists,
    pack_words,
};
use jiff::SignedDuration;
use serde::Serialize;

pub(crate) use self::loaded::{Loaded, Read};
use crate::RunError;
use crate::state::State;

/// What screening found.
#[derive(Debug, Clone, Default)]
pub struct Screened {
    /// By party.
    pub parties: BTreeMap<String, Screening>,
    /// What each party is, as a digest: a determination about one of its findings holds while this is the same.
    pub identities: BTreeMap<String, String>,
    /// How old a list may be.
    pub oldest: SignedDuration,
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
    let parties = organisation
        .file
        .parties
        .iter()
        .filter(|(_, party)| party.kind != PartyKind::Dispersed);
    let oldest = SignedDuration::from_hours(i64::from(policy.max_age_hours));
    let judging = Judging {
        oldest,
        ..Judging::at(now)
    };
    let day = judging.day;
    let read = imported(state, policy, day)?;
    let judging = Judging {
        words: covered(read.searchable.lists()),
        ..judging
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
    let screener = Screener::new(&read.searchable, judging);
    let missing: Vec<String> = read
        .missing
        .iter()
        .filter_map(|path| Some(format!("`{}`", path.file_stem()?)))
        .collect();
    let mut screened = Screened {
        oldest,
        versions: read.versions,
        uncovered,
        ..Screened::default()
    };
    for (id, party) in parties {
        let identity = identity(party);
        let mut screening = screener.screen(&screenee(party), |entry, digest| {
            approvals.same(id.as_str(), &identity, &entry.list, &entry.id, digest, day)
        });
        if !missing.is_empty() || screened.versions.is_empty() {
            let why = not_imported(&missing);
            screening.listed = screening.listed.others_unknown(&why);
            screening.faults.insert(0, why);
        }
        screened.parties.insert(id.to_string(), screening);
        screened.identities.insert(id.to_string(), identity);
    }
    Ok(Some(screened))
}

/// The lists that a policy names, ready for a day.
///
/// # Errors
/// When a stored list can't be read.
pub(crate) fn imported(state: &State, policy: &Policy, day: Date) -> Result<Read, RunError> {
    let path = |name: &String| state.lists().join(format!("{name}.jsonl"));
    state
        .loaded()
        .read(policy.lists.iter().map(path).collect(), day)
}

fn not_imported(missing: &[String]) -> String {
    match missing {
        [] => "no list is named: `screening: {lists: [...]}` names those that were imported"
            .to_owned(),
        [list] => format!("list {list} is not imported: `causeway parties import` takes it in"),
        lists => format!(
            "lists {} are not imported: `causeway parties import` takes them in",
            lists.join(", ")
        ),
    }
}

/// What a party is, for determinations about it: BLAKE3, hex, over its kind, names, numbers and addresses. Length-prefixed
/// fields in the order of the file.
#[must_use]
pub fn identity(party: &Party) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"causeway-party/1\n");
    let mut field = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    let mut list = |texts: &mut dyn ExactSizeIterator<Item = &String>| {
        field(&texts.len().to_string());
        texts.for_each(|text| field(text));
    };
    list(&mut [party.name.clone()].iter());
    list(&mut party.other_names.iter());
    list(&mut party.addresses.iter());
    field(match party.kind {
        PartyKind::Company => "company",
        PartyKind::Person => "person",
        PartyKind::State => "state",
        PartyKind::Dispersed => "dispersed",
    });
    for number in &party.identifiers {
        field(number.scheme.word());
        field(&number.value);
        field(number.country.map_or("", |country| country.code()));
    }
    hasher.finalize().to_hex().to_string()
}

/// A party of `causeway.yaml` as it is screened: all its names, numbers and addresses.
fn screenee(party: &Party) -> Screenee<'_> {
    Screenee {
        names: std::iter::once(party.name.as_str())
            .chain(party.other_names.iter().map(String::as_str))
            .collect(),
        person: match party.kind {
            PartyKind::Person => Some(true),
            PartyKind::Company | PartyKind::State | PartyKind::Dispersed => Some(false),
        },
        identifiers: party
            .identifiers
            .iter()
            .map(|number| Identifier {
                scheme: match number.scheme {
                    IdentifierScheme::Lei => Scheme::Lei,
                    IdentifierScheme::Uscc => Scheme::Uscc,
                    IdentifierScheme::Registration => Scheme::Registration,
                    IdentifierScheme::Tax => Scheme::Tax,
                    IdentifierScheme::Imo => Scheme::Imo,
                },
                value: number.value.clone(),
                as_written: number.scheme.word().to_owned(),
                country: number.country,
            })
            .collect(),
        addresses: party.addresses.iter().map(String::as_str).collect(),
    }
}

/// Names that somebody asks about, against every list that was imported, and those lists. Nothing is determined about them.
///
/// # Errors
/// When a stored list can't be read.
pub fn names(
    state: &State,
    now: Timestamp,
    names: &[String],
) -> Result<(Vec<Screening>, Vec<ListVersion>), RunError> {
    let folder = state.lists();
    let nothing = || RunError::Value {
        what: "no list was imported yet: `causeway parties import` takes one in".to_owned(),
    };
    let found = match folder.read_dir_utf8() {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(nothing()),
        Err(error) => return Err(RunError::state(&folder, error)),
    };
    let mut paths = Vec::new();
    for entry in found {
        let entry = entry.map_err(|error| RunError::state(&folder, error))?;
        let path = entry.path();
        if path.extension() == Some("jsonl") && !entry.file_name().starts_with('.') {
            paths.push(path.to_owned());
        }
    }
    if paths.is_empty() {
        return Err(nothing());
    }
    paths.sort_unstable();
    let judging = Judging::at(now);
    let read = state.loaded().read(paths, judging.day)?;
    let judging = Judging {
        words: covered(read.searchable.lists()),
        ..judging
    };
    let screener = Screener::new(&read.searchable, judging);
    let found = names
        .iter()
        .map(|name| {
            let party = Screenee {
                names: vec![name.as_str()],
                ..Screenee::default()
            };
            screener.screen(&party, |_, _| None)
        })
        .collect();
    Ok((found, read.versions))
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

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use camino::{Utf8Path, Utf8PathBuf};
    use causeway_domain::SourceFile;
    use causeway_parties::lists::{FoundBy, ReadAs, detect, read, stored};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("state")).unwrap();
        let state = State::open(&path, false).unwrap();
        (folder, state)
    }

    /// Imports a sample list, as `causeway parties import` does.
    fn import(state: &State, sample: &str, name: &str) {
        let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../causeway-parties/tests/data/lists")
            .join(sample);
        let bytes = fs_err::read(path).unwrap();
        let part = detect(&bytes).unwrap();
        let as_ = ReadAs {
            part,
            file: sample,
            number: 0,
            list: None,
        };
        let mut lines = String::new();
        let report = read(as_, bytes.as_slice(), &mut |item| {
            lines += &stored::item_line(&item);
            lines += "\n";
            ControlFlow::Continue(())
        })
        .unwrap();
        let version = ListVersion::of(name, part.format(), Some(now()), now(), vec![report]);
        fs_err::create_dir_all(state.lists()).unwrap();
        let path = state.lists().join(format!("{name}.jsonl"));
        let text = format!("{}\n{lines}", stored::first_line(&version));
        crate::state::publish(&path, text.as_bytes()).unwrap();
    }

    fn organisation(parties: &str, lists: &str) -> Organisation {
        let text = format!(
            "organisation: acme\nhome: {{country: SG}}\nscreening: {{lists: [{lists}]}}\nparties:\n{parties}\n"
        );
        causeway_domain::organisation::parse(&Arc::new(SourceFile::new("causeway.yaml", text)))
            .unwrap()
    }

    fn screened(state: &State, organisation: &Organisation) -> Screened {
        screen(state, now(), organisation, &Approvals::default())
            .unwrap()
            .unwrap()
    }

    #[test]
    fn names_numbers_and_addresses_of_a_party_are_screened() {
        let (_keep, state) = state();
        import(&state, "csl-synthetic.json", "csl");
        import(&state, "ftm-synthetic.jsonl", "ftm");
        let organisation = organisation(
            "  acme: {name: Acme Research Pte. Ltd.}
  former: {name: Somebody, other_names: [Beishan Supercomputing Center]}
  numbered: {name: Somebody Else, identifiers: [{scheme: registration, value: 91330100-SYN0000001, country: CN}]}
  neighbour: {name: Another One, addresses: [\"Room 12, 3/F, 5 Any Street, Hong Kong\"]}",
            "csl, ftm",
        );
        let found = screened(&state, &organisation);
        let acme = &found.parties["acme"];
        assert!(acme.findings.is_empty());
        assert!(!acme.listed.is_open() && acme.listed.certain().is_empty());
        assert_eq!(found.parties["former"].findings[0].entry.id, "syn-el-0002");
        let numbered = &found.parties["numbered"];
        assert_eq!(numbered.findings[0].by, FoundBy::Number);
        assert_eq!(
            *numbered.listed.certain(),
            BTreeSet::from(["entity_list".to_owned()])
        );
        let neighbour = &found.parties["neighbour"];
        assert_eq!(neighbour.findings[0].by, FoundBy::Address);
        assert!(neighbour.listed.is_open());
    }

    #[test]
    fn a_determination_holds_while_the_party_is_the_same() {
        let (_keep, state) = state();
        import(&state, "csl-synthetic.json", "csl");
        let with = |more: &str| {
            organisation(
                &format!("  acme: {{name: Beishan Supercomputing Center{more}}}"),
                "csl",
            )
        };
        let first = with("");
        let found = screened(&state, &first);
        let finding = &found.parties["acme"].findings[0];
        let text = format!(
            "approval: acme-is-another\nkind: determination\nscope: {{parties: [acme], acts: [], items: [], places: [], from: 2026-11-01, to: 2026-12-01}}\nreason: another\ndecides: {{entry: {{party: acme, identity: {}, list: csl, id: {}, digest: {}, same: false}}}}\n",
            found.identities["acme"], finding.entry.id, finding.digest
        );
        let approval =
            causeway_domain::approval::parse(&Arc::new(SourceFile::new("a.yaml", text))).unwrap();
        let approvals = Approvals {
            signed: vec![causeway_law::Signed {
                approval,
                by: vec!["Alice".to_owned()],
            }],
            ..Approvals::default()
        };
        let clear = |organisation: &Organisation| {
            let found = screen(&state, now(), organisation, &approvals);
            let found = found.unwrap().unwrap();
            !found.parties["acme"].listed.is_open()
        };
        assert!(clear(&first));
        for more in [
            ", other_names: [Another]",
            ", addresses: [\"8 Example Avenue, Wuxi\"]",
            ", kind: state",
            ", identifiers: [{scheme: tax, value: \"12345678\", country: CN}]",
        ] {
            assert!(!clear(&with(more)), "{more}");
        }
        assert!(clear(&with(", headquarters: SG")), "who it is, is the same");
    }

    #[test]
    fn a_list_that_is_not_there_leaves_everybody_open_and_the_others_are_searched() {
        let (_keep, state) = state();
        import(&state, "csl-synthetic.json", "csl");
        let organisation = organisation(
            "  acme: {name: Acme}\n  listed: {name: Beishan Supercomputing Center}",
            "csl, sdn",
        );
        let found = screened(&state, &organisation);
        for screening in found.parties.values() {
            let why = screening.listed.why_open().unwrap();
            assert!(why.starts_with("list `sdn` is not imported"), "{why}");
        }
        assert_eq!(found.parties["listed"].findings.len(), 1);
        assert_eq!(found.versions.len(), 1);
    }

    #[test]
    fn lists_are_read_once_until_a_file_or_the_day_changes() {
        let (_keep, state) = state();
        import(&state, "csl-synthetic.json", "csl");
        let paths = || vec![state.lists().join("csl.jsonl")];
        let read = |day: &str| {
            let day = day.parse().unwrap();
            state.loaded().read(paths(), day).unwrap().searchable
        };
        let first = read("2026-11-20");
        assert!(Arc::ptr_eq(&first, &read("2026-11-20")));
        // Whoever has a copy of the state has what was read, too.
        let other = state.clone();
        let again = other.loaded().read(paths(), "2026-11-20".parse().unwrap());
        assert!(Arc::ptr_eq(&first, &again.unwrap().searchable));
        assert!(!Arc::ptr_eq(&first, &read("2026-11-21")));
        let before = read("2026-11-20");
        import(&state, "ftm-synthetic.jsonl", "csl");
        let after = read("2026-11-20");
        assert!(!Arc::ptr_eq(&before, &after));
        assert_ne!(before.names(), after.names());
        fs_err::remove_file(state.lists().join("csl.jsonl")).unwrap();
        assert_eq!(read("2026-11-20").names(), 0);
    }
}
