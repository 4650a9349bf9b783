//! Finding the names of a list that are worth comparing.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;

use super::compare::{Band, Match, compare};
use super::person::skeleton;
use super::tables::Map;
use super::text::Script;
use super::words::Class;
use super::{Kind, Name, Weights, letters};

/// A name of the index that a search came upon.
#[derive(Debug, Clone)]
pub struct Found<I> {
    /// What the caller gave the name's bearer.
    pub id: I,
    /// The name or alias that matched best.
    pub name: Name,
    /// How it compares; the sought name is the left one.
    pub found: Match,
}

/// Inverted lists over the names of lists: letters in threes of brands and personal names, words, meanings, syllables.
///
/// A search reads the shortest lists first, ranks the names by how many rare keys they share with what is sought, and
/// compares the best few hundred. Texts are kept, not prepared names: a million names need about 200 MB.
#[derive(Debug)]
pub struct Index<I> {
    weights: Weights,
    bearers: Vec<I>,
    names: Vec<Kept>,
    texts: String,
    /// Where the list of each key starts in `postings`; one more than there are keys.
    starts: Vec<u32>,
    postings: Vec<u32>,
    /// What names share with the one sought: all zero between searches. Kept, for clearing two bytes a name takes longer
    /// than a search; one that runs beside another makes its own.
    shared: Mutex<Vec<u16>>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    bearer: u32,
    start: u32,
    length: u16,
    kind: Kind,
    weak: bool,
}

/// Letters, digits and the edge of a word.
const LETTERS: u32 = 37;
const TRIGRAMS: u32 = LETTERS * LETTERS * LETTERS;
const HASHED: u32 = 1 << 19;
const KEYS: u32 = TRIGRAMS + HASHED;

/// A search reads no more entries of lists than this; common keys come last and are left out first.
const MOST_POSTINGS: usize = 100_000;
/// The number of names that a search compares in full; four times as many, again and again, while every second one is
/// alike: of a thousand entries with one name none is left out.
const CANDIDATES: usize = 160;

impl<I: Clone> Index<I> {
    /// Builds an index: bearers with their names and aliases. `weights` are those that results are compared with.
    ///
    /// Names past four billion bytes of text are left out; no list comes near.
    #[must_use]
    pub fn build<N>(weights: Weights, bearers: impl IntoIterator<Item = (I, N)>) -> Self
    where
        N: IntoIterator<Item = Name>,
    {
        let mut index = Self {
            weights,
            bearers: Vec::new(),
            names: Vec::new(),
            texts: String::new(),
            starts: Vec::new(),
            postings: Vec::new(),
            shared: Mutex::default(),
        };
        let mut keys = Vec::new();
        // One run of keys a name, so that lists can be laid out by counting.
        let mut all: Vec<u32> = Vec::new();
        let mut ends: Vec<u32> = Vec::new();
        for (bearer, names) in bearers {
            let number = count(index.bearers.len());
            index.bearers.push(bearer);
            for name in names {
                let (Ok(start), Ok(length)) = (
                    u32::try_from(index.texts.len()),
                    u16::try_from(name.text().len()),
                ) else {
                    continue;
                };
                index.texts.push_str(name.text());
                index.names.push(Kept {
                    bearer: number,
                    start,
                    length,
                    kind: name.kind(),
                    weak: name.is_weak(),
                });
                keys_of(&name, &mut keys);
                all.extend(&keys);
                ends.push(count(all.len()));
            }
        }
        index.lay_out(&all, &ends);
        index
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "keys are below KEYS, and starts has one place more than there are keys"
    )]
    fn lay_out(&mut self, all: &[u32], ends: &[u32]) {
        let mut starts = vec![0_u32; KEYS as usize + 1];
        for key in all {
            starts[*key as usize + 1] += 1;
        }
        for key in 0..KEYS as usize {
            starts[key + 1] += starts[key];
        }
        let mut next = starts.clone();
        let mut postings = vec![0_u32; all.len()];
        let mut from = 0;
        for (name, end) in ends.iter().enumerate() {
            for key in &all[from as usize..*end as usize] {
                let place = &mut next[*key as usize];
                postings[*place as usize] = count(name);
                *place += 1;
            }
            from = *end;
        }
        self.starts = starts;
        self.postings = postings;
    }

    /// The number of names and aliases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no name in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Bearers whose name is at least a [`Band::Review`] match of a name, best first, at most `limit`; of each the best of
    /// its names.
    #[must_use]
    pub fn search(&self, sought: &Name, limit: usize) -> Vec<Found<I>> {
        let mut most = CANDIDATES;
        let mut best = loop {
            let candidates = self.candidates(sought, most);
            let (alike, best) = self.compared(sought, &candidates);
            if candidates.len() < most || alike * 2 < candidates.len() {
                break best;
            }
            most *= 4;
        };
        best.sort_by(|(one, _, left), (two, _, right)| {
            right.score.cmp(&left.score).then(one.cmp(two))
        });
        best.truncate(limit);
        best.into_iter()
            .filter_map(|(bearer, name, found)| {
                Some(Found {
                    id: self.bearers.get(bearer as usize)?.clone(),
                    name,
                    found,
                })
            })
            .collect()
    }

    /// How many of these names are alike, and their bearers, each with the best of its names.
    fn compared(&self, sought: &Name, candidates: &[u32]) -> (usize, Vec<(u32, Name, Match)>) {
        let mut best: Vec<(u32, Name, Match)> = Vec::new();
        // Where a bearer stands in `best`: with thousands of them, looking for it takes longer than comparing.
        let mut places: Map<u32, usize> = Map::default();
        let mut alike = 0;
        for at in candidates {
            let at = *at;
            let Some(kept) = self.names.get(at as usize) else {
                continue;
            };
            let Some(text) = self
                .texts
                .get(kept.start as usize..kept.start as usize + usize::from(kept.length))
            else {
                continue;
            };
            let name = Name::new(text, kept.kind);
            let name = if kept.weak { name.weak() } else { name };
            let found = compare(&self.weights, sought, &name);
            if found.band == Band::Clear {
                continue;
            }
            alike += 1;
            match places.get(&kept.bearer).and_then(|at| best.get_mut(*at)) {
                Some((_, known, old)) if old.score < found.score => {
                    *known = name;
                    *old = found;
                }
                Some(_) => {}
                None => {
                    places.insert(kept.bearer, best.len());
                    best.push((kept.bearer, name, found));
                }
            }
        }
        (alike, best)
    }

    fn list(&self, key: u32) -> &[u32] {
        let start = self.starts.get(key as usize).copied().unwrap_or(0);
        let end = self.starts.get(key as usize + 1).copied().unwrap_or(start);
        self.postings
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// Names that share the most rare keys with a name, at most so many, in order of their number.
    fn candidates(&self, sought: &Name, most: usize) -> Vec<u32> {
        let mut keys = Vec::new();
        keys_of(sought, &mut keys);
        keys.sort_by_key(|key| self.list(*key).len());
        let mut shared =
            std::mem::take(&mut *self.shared.lock().unwrap_or_else(PoisonError::into_inner));
        shared.resize(self.names.len(), 0);
        let mut touched: Vec<u32> = Vec::new();
        let mut read = 0;
        let names = count(self.names.len()).max(2);
        for key in keys {
            let list = self.list(key);
            read += list.len();
            if read > MOST_POSTINGS && !touched.is_empty() {
                break;
            }
            // How rare the key is, in halvings.
            let rarity = (names / count(list.len()).max(1)).max(1).ilog2() + 1;
            let rarity = u16::try_from(rarity).unwrap_or(1);
            for name in list {
                if let Some(sum) = shared.get_mut(*name as usize) {
                    if *sum == 0 {
                        touched.push(*name);
                    }
                    *sum = sum.saturating_add(rarity);
                }
            }
        }
        let mut names = most_shared(&touched, &mut shared, most);
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = shared;
        names.sort_unstable();
        names
    }
}

/// Sums from here on are not told apart: no name shares so much with another.
const HIGHEST: usize = 1023;

/// Those of the names with the highest sums, at most so many; of equal ones those that were found by rarer keys. Sums are
/// set to zero again.
///
/// Counting how many have each sum takes two looks at each name, and sorting a hundred thousand of them longer than
/// comparing those that are left.
fn most_shared(touched: &[u32], shared: &mut [u16], most: usize) -> Vec<u32> {
    let mut counts = [0_usize; HIGHEST + 1];
    let sum_of = |sum: u16| usize::from(sum).min(HIGHEST);
    for name in touched {
        let sum = shared.get(*name as usize).copied().unwrap_or(0);
        if let Some(count) = counts.get_mut(sum_of(sum)) {
            *count += 1;
        }
    }
    let mut room = most;
    let mut floor = 0;
    for (sum, count) in counts.iter().enumerate().rev() {
        if *count > room {
            floor = sum;
            break;
        }
        room -= count;
    }
    let mut names = Vec::with_capacity(most.min(touched.len()));
    for name in touched {
        let sum = shared.get_mut(*name as usize).map_or(0, std::mem::take);
        match sum_of(sum).cmp(&floor) {
            std::cmp::Ordering::Greater => names.push(*name),
            std::cmp::Ordering::Equal if room > 0 => {
                room -= 1;
                names.push(*name);
            }
            _ => {}
        }
    }
    names
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn hashed(kind: u8, text: &str) -> u32 {
    let hash = FixedState::with_seed(u64::from(kind)).hash_one(text);
    TRIGRAMS + u32::try_from(hash % u64::from(HASHED)).unwrap_or(0)
}

fn numbered(kind: u8, number: u16) -> u32 {
    let hash = FixedState::with_seed(u64::from(kind)).hash_one(number);
    TRIGRAMS + u32::try_from(hash % u64::from(HASHED)).unwrap_or(0)
}

fn letter(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' => u32::from(byte - b'a') + 1,
        b'0'..=b'9' => u32::from(byte - b'0') + 27,
        _ => 0,
    }
}

/// Letters in threes, with the edges of the word.
fn trigrams(word: &str, keys: &mut Vec<u32>) {
    let mut last = (0, 0);
    let mut any = false;
    for byte in word.bytes().chain([0]) {
        let here = if byte == 0 { 0 } else { letter(byte) };
        if any || byte != 0 {
            if any {
                keys.push((last.0 * LETTERS + last.1) * LETTERS + here);
            }
            last = (last.1, here);
            any = true;
        }
    }
}

/// The consonants of a foreign word, which Kana and Hangul keep.
fn borrowed(latin: &str, keys: &mut Vec<u32>) {
    let consonants = letters::consonants(latin);
    if consonants.len() >= 3 {
        keys.push(hashed(8, &consonants));
    }
}

/// The keys of a name, each once.
fn keys_of(name: &Name, keys: &mut Vec<u32>) {
    keys.clear();
    if let Some(words) = &name.words {
        let mut whole = String::new();
        for token in &words.tokens {
            for meaning in token.meanings.iter().filter(|meaning| **meaning != 0) {
                keys.push(numbered(1, *meaning));
            }
            if token.class != Class::Brand {
                // A brand that is also a word of the tables, or one letter off.
                if token.class == Class::Place && !token.script.is_native() {
                    trigrams(&token.text, keys);
                }
                continue;
            }
            keys.push(hashed(2, &token.text));
            if token.script.is_native() {
                for reading in token.readings.iter().take(8) {
                    trigrams(reading, keys);
                    if token.script != Script::Han {
                        borrowed(reading, keys);
                    }
                }
                if let Some(first) = token.readings.first() {
                    whole.push_str(first);
                }
            } else {
                whole.push_str(&token.text);
                borrowed(&token.text, keys);
                for reading in &token.readings {
                    trigrams(reading, keys);
                }
            }
        }
        trigrams(&whole, keys);
        borrowed(&whole, keys);
    }
    if let Some(person) = &name.person {
        for part in person
            .parts
            .iter()
            .filter(|part| part.class == Class::Personal)
        {
            trigrams(&part.folded, keys);
            keys.push(hashed(3, &skeleton(&part.folded)));
            if part.variant != 0 {
                keys.push(numbered(4, part.variant));
            }
        }
        for syllable in person.spoken.iter().flat_map(|spoken| &spoken.syllables) {
            keys.push(hashed(5, &syllable.text));
            for number in syllable.chinese.iter().filter(|number| **number != 0) {
                keys.push(numbered(6, *number));
            }
            for sound in &syllable.korean {
                for vowel in sound.each() {
                    keys.push(numbered(7, vowel));
                }
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index<&'static str> {
        let entity = |text: &str| Name::new(text, Kind::Entity);
        let person = |text: &str| Name::new(text, Kind::Person);
        Index::build(
            Weights::builtin(),
            [
                ("dahua", vec![entity("Zhejiang Dahua Technology Co., Ltd.")]),
                ("samsung", vec![entity("Samsung Electronics Co., Ltd.")]),
                (
                    "smic",
                    vec![
                        entity("Semiconductor Manufacturing International Corporation"),
                        entity("SMIC").weak(),
                    ],
                ),
                ("gazprom", vec![entity("Open Joint Stock Company Gazprom")]),
                ("kim", vec![person("Kim Jong Un")]),
                ("lavrov", vec![person("Sergei Viktorovich Lavrov")]),
                ("ren", vec![person("任正非")]),
                ("bit", vec![entity("Beijing Institute of Technology")]),
            ],
        )
    }

    fn first(text: &str, kind: Kind) -> Option<(&'static str, Band)> {
        let found = index().search(&Name::new(text, kind), 5);
        found.first().map(|found| (found.id, found.found.band))
    }

    #[test]
    fn names_are_found_in_any_script_and_spelling() {
        for (text, kind, id) in [
            ("浙江大华技术股份有限公司", Kind::Entity, "dahua"),
            ("삼성전자(주)", Kind::Entity, "samsung"),
            ("ОАО Газпром", Kind::Entity, "gazprom"),
            ("Gasprom", Kind::Entity, "gazprom"),
            ("김정은", Kind::Person, "kim"),
            ("Kim Chong-un", Kind::Person, "kim"),
            ("Сергей Лавров", Kind::Person, "lavrov"),
            ("Zhengfei Ren", Kind::Person, "ren"),
            ("Jen Cheng-fei", Kind::Person, "ren"),
            ("北京理工大学", Kind::Entity, "bit"),
        ] {
            assert_eq!(first(text, kind).map(|(id, _)| id), Some(id), "{text}");
        }
        assert_eq!(first("Rosneft", Kind::Entity), None);
    }

    #[test]
    fn the_highest_sums_are_kept() {
        let mut sums = vec![0, 7, 3, 7, 2000, 3, 1500, 1];
        let touched = [7, 5, 2, 3, 1, 6, 4];
        let with = |most| most_shared(&touched, &mut sums.clone(), most);
        assert_eq!(with(2), [6, 4]);
        assert_eq!(with(3), [3, 6, 4]);
        assert_eq!(with(5), [5, 3, 1, 6, 4]);
        assert_eq!(with(7), touched);
        assert_eq!(with(90), touched);
        let kept = most_shared(&touched, &mut sums, 1);
        assert_eq!((kept.len(), sums), (1, vec![0; 8]));
    }

    #[test]
    fn of_many_entries_with_one_name_none_is_left_out() {
        let index = Index::build(
            Weights::builtin(),
            (0..900).map(|number| (number, [Name::new("Zhang Wei", Kind::Person)])),
        );
        let found = index.search(&Name::new("Zhang Wei", Kind::Person), usize::MAX);
        assert_eq!(found.len(), 900);
        assert_eq!(
            index
                .search(&Name::new("Wei Zhang", Kind::Person), 20)
                .len(),
            20
        );
    }

    #[test]
    fn an_acronym_given_as_a_weak_alias_is_for_review() {
        assert_eq!(first("SMIC", Kind::Entity), Some(("smic", Band::Review)));
    }
}
