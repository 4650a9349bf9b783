//! The tables of general knowledge: words, places, legal forms, particles, spellings of names.
//!
//! They are files in `data/names/`, parsed once. `data/names/README.md` says where each comes from.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::form::{Form, Forms};
use super::text;

/// A map for short words, looked up several times a name.
pub(super) type Map<K, V> = HashMap<K, V, FixedState>;
type Set<K> = HashSet<K, FixedState>;

/// What a token is about; equal numbers mean the same thing in any script. Zero is no number.
pub(super) type Meanings = [u16; 6];

/// What a word of the tables stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// A place, and how large: a country says more than a town.
    pub(super) place: bool,
    /// In percent of what a brand weighs.
    pub(super) weight: u8,
    pub(super) meanings: Meanings,
}

impl Entry {
    fn add(&mut self, meaning: u16) {
        if self.meanings.contains(&meaning) {
            return;
        }
        if let Some(free) = self.meanings.iter_mut().find(|slot| **slot == 0) {
            *free = meaning;
        }
    }
}

/// Whether two tokens share a meaning.
pub(super) fn share(left: &Meanings, right: &Meanings) -> bool {
    left.iter()
        .any(|meaning| *meaning != 0 && right.contains(meaning))
}

/// Words, places and legal forms by their spelling.
pub(super) struct Tables {
    /// Words and places in Latin letters; a spelling of several words is joined by spaces.
    pub(super) latin: Map<Box<str>, Entry>,
    /// Words and places in Han, Kana and Hangul.
    pub(super) native: Map<Box<str>, Entry>,
    pub(super) latin_forms: Map<Box<str>, Forms>,
    pub(super) native_forms: Map<Box<str>, Forms>,
    /// First words of spellings with several words, with the number of words of the longest.
    pub(super) phrases: Map<Box<str>, usize>,
    pub(super) form_phrases: Map<Box<str>, usize>,
    /// Long words of legal forms, in which a slip of the pen is forgiven.
    pub(super) form_words: Vec<Box<str>>,
    pub(super) stop: Set<Box<str>>,
    pub(super) links: Set<Box<str>>,
    pub(super) titles: Set<Box<str>>,
    pub(super) particles: Set<Box<str>>,
    /// Number of the name that a spelling is one of.
    pub(super) variants: Map<Box<str>, u16>,
}

/// The most characters that a native word of the tables has.
pub(super) const LONGEST_NATIVE: usize = 14;

pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(Tables::load);

/// Lines of a table without its comments, split at tabs.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

impl Tables {
    fn load() -> Self {
        let mut tables = Self {
            latin: Map::default(),
            native: Map::default(),
            latin_forms: Map::default(),
            native_forms: Map::default(),
            phrases: Map::default(),
            form_phrases: Map::default(),
            form_words: Vec::new(),
            stop: Set::default(),
            links: Set::default(),
            titles: Set::default(),
            particles: Set::default(),
            variants: Map::default(),
        };
        tables.load_words();
        tables.load_places();
        tables.load_forms();
        tables.load_people();
        tables
    }

    fn load_words(&mut self) {
        for (number, row) in rows(include_str!("../../data/names/words.tsv")).enumerate() {
            let [weight, _, spellings] = row.as_slice() else {
                continue;
            };
            let weight = weight.parse().unwrap_or(35);
            let meaning = u16::try_from(number + 1).unwrap_or(u16::MAX);
            for spelling in spellings.split('|') {
                self.word(spelling, false, weight, meaning);
            }
        }
    }

    fn load_places(&mut self) {
        let china = rows(include_str!("../../data/names/places-china.tsv"));
        let world = rows(include_str!("../../data/names/places-world.tsv"));
        for (number, row) in china.chain(world).enumerate() {
            let [kind, han, spellings] = row.as_slice() else {
                continue;
            };
            let weight = match *kind {
                "country" => 55,
                "region" => 35,
                _ => 25,
            };
            let meaning = u16::try_from(number + 10_000).unwrap_or(u16::MAX);
            for spelling in han.split('|').chain(spellings.split('|')) {
                self.word(spelling, true, weight, meaning);
            }
        }
    }

    fn word(&mut self, spelling: &str, place: bool, weight: u8, meaning: u16) {
        let Some((key, native)) = key(spelling) else {
            return;
        };
        if !native {
            phrase(&mut self.phrases, &key);
        }
        let map = if native {
            &mut self.native
        } else {
            &mut self.latin
        };
        map.entry(key)
            .and_modify(|entry| entry.add(meaning))
            .or_insert(Entry {
                place,
                weight,
                meanings: [meaning, 0, 0, 0, 0, 0],
            });
    }

    fn load_forms(&mut self) {
        let mut words: Set<Box<str>> = Set::default();
        for row in rows(include_str!("../../data/names/forms.tsv")) {
            let [family, countries, spellings] = row.as_slice() else {
                continue;
            };
            let Some(family) = Form::of(family) else {
                continue;
            };
            let forms = Forms::new(family, countries);
            for spelling in spellings.split('|') {
                let Some((key, native)) = key(spelling) else {
                    continue;
                };
                let map = if native {
                    &mut self.native_forms
                } else {
                    words.extend(key.split(' ').filter(|word| word.len() >= 5).map(Box::from));
                    phrase(&mut self.form_phrases, &key);
                    &mut self.latin_forms
                };
                map.entry(key)
                    .and_modify(|known| known.merge(forms))
                    .or_insert(forms);
            }
        }
        self.form_words = words.into_iter().collect();
        self.form_words.sort();
    }

    fn load_people(&mut self) {
        for row in rows(include_str!("../../data/names/stop.tsv")) {
            let [kind, words] = row.as_slice() else {
                continue;
            };
            let set = match *kind {
                "title" => &mut self.titles,
                "particle" => &mut self.particles,
                "link" => &mut self.links,
                _ => &mut self.stop,
            };
            set.extend(words.split('|').filter_map(|word| Some(key(word)?.0)));
        }
        for (number, row) in rows(include_str!("../../data/names/variants.tsv")).enumerate() {
            for word in row.iter().flat_map(|line| line.split(' ')) {
                let number = u16::try_from(number + 1).unwrap_or(u16::MAX);
                self.variants.entry(word.into()).or_insert(number);
            }
        }
    }
}

/// A spelling as names are looked up by: its pieces joined by spaces, and whether it is in Han, Kana or Hangul.
fn key(spelling: &str) -> Option<(Box<str>, bool)> {
    let pieces = text::pieces(spelling);
    let native = pieces.first()?.script.is_native();
    let words: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let key = words.join(if native { "" } else { " " });
    Some((key.into(), native))
}

fn phrase(phrases: &mut Map<Box<str>, usize>, key: &str) {
    let words = key.split(' ').count();
    if words > 1
        && let Some(first) = key.split(' ').next()
    {
        let longest = phrases.entry(first.into()).or_default();
        *longest = words.max(*longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_table_is_understood() {
        for row in rows(include_str!("../../data/names/words.tsv")) {
            assert!(row.len() == 3 && row[0].parse::<u8>().is_ok(), "{row:?}");
        }
        for table in [
            include_str!("../../data/names/places-china.tsv"),
            include_str!("../../data/names/places-world.tsv"),
        ] {
            for row in rows(table) {
                assert_eq!(row.len(), 3, "{row:?}");
            }
        }
        for row in rows(include_str!("../../data/names/forms.tsv")) {
            assert!(row.len() == 3 && Form::of(row[0]).is_some(), "{row:?}");
        }
    }

    #[test]
    fn a_word_has_one_meaning_in_all_scripts() {
        let tables = &*TABLES;
        let english = tables.latin["semiconductor"].meanings;
        for native in ["半导体", "반도체", "セミコンダクター"] {
            assert!(share(&english, &tables.native[native].meanings), "{native}");
        }
        assert!(share(
            &tables.latin["chekiang"].meanings,
            &tables.native["浙江"].meanings
        ));
        assert!(!share(
            &tables.latin["shanxi"].meanings,
            &tables.latin["shaanxi"].meanings
        ));
    }
}
