//! Syllables of Chinese and Korean names, in their spellings.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::hangul::{self, Sound};
use super::tables::{Map, rows};

/// Numbers of the pinyin syllables that a spelling may stand for: "chang" is zhang or chang. Zero is none.
pub(super) type Chinese = [u16; 6];

struct Syllables {
    /// Spellings of Standard Chinese, Wade-Giles, Cantonese and Hokkien to syllables.
    spellings: Map<Box<str>, Chinese>,
    /// Pinyin alone, and its Wade-Giles spelling.
    pinyin: Map<Box<str>, (u16, Box<str>)>,
    /// Spellings of Chinese surnames, of one syllable or two.
    surnames: HashSet<Box<str>, FixedState>,
    vietnamese: HashSet<Box<str>, FixedState>,
    korean: Map<Box<str>, Vec<char>>,
}

static SYLLABLES: LazyLock<Syllables> = LazyLock::new(load);

fn load() -> Syllables {
    let mut spellings: Map<Box<str>, Chinese> = Map::default();
    let mut pinyin: Map<Box<str>, (u16, Box<str>)> = Map::default();
    let mut all: Map<Box<str>, Vec<Box<str>>> = Map::default();
    for (number, row) in rows(include_str!("../../data/names/syllables.tsv")).enumerate() {
        let number = u16::try_from(number + 1).unwrap_or(u16::MAX);
        let Some(syllable) = row.first() else {
            continue;
        };
        let others: Vec<&str> = row.get(1).map_or_else(Vec::new, |others| {
            others
                .split(' ')
                .filter(|other| !other.is_empty())
                .collect()
        });
        let wade = others
            .iter()
            .find(|other| !other.contains("yu") || syllable.starts_with('y'));
        pinyin.insert(
            (*syllable).into(),
            (number, (*wade.unwrap_or(syllable)).into()),
        );
        for spelling in std::iter::once(syllable).chain(&others) {
            let numbers = spellings.entry((*spelling).into()).or_default();
            if !numbers.contains(&number)
                && let Some(free) = numbers.iter_mut().find(|slot| **slot == 0)
            {
                *free = number;
            }
            all.entry((*syllable).into())
                .or_default()
                .push((*spelling).into());
        }
    }
    let mut surnames = HashSet::default();
    let mut vietnamese = HashSet::default();
    let mut korean: Map<Box<str>, Vec<char>> = Map::default();
    for row in rows(include_str!("../../data/names/surnames.tsv")) {
        match row.as_slice() {
            ["chinese", words] => {
                for word in words.split(' ') {
                    surnames.insert(word.into());
                    surnames.extend(all.get(word).into_iter().flatten().cloned());
                }
            }
            ["vietnamese", words] => vietnamese.extend(words.split(' ').map(Box::from)),
            ["korean", words] => {
                let mut words = words.split(' ');
                let Some(hangul) = words.next().and_then(|word| word.chars().next()) else {
                    continue;
                };
                for word in words {
                    korean.entry(word.into()).or_default().push(hangul);
                }
            }
            _ => {}
        }
    }
    Syllables {
        spellings,
        pinyin,
        surnames,
        vietnamese,
        korean,
    }
}

/// The Chinese syllables that a spelling may stand for.
pub(super) fn chinese(spelling: &str) -> Option<Chinese> {
    SYLLABLES.spellings.get(spelling).copied()
}

/// The Wade-Giles spelling of a pinyin syllable, without apostrophes.
pub(super) fn wade_giles(pinyin: &str) -> Option<&'static str> {
    SYLLABLES.pinyin.get(pinyin).map(|(_, wade)| &**wade)
}

/// The number of a pinyin syllable.
pub(super) fn number(pinyin: &str) -> Option<u16> {
    SYLLABLES.pinyin.get(pinyin).map(|(number, _)| *number)
}

/// Readings of a Han character in pinyin without tones, the commonest first; ü is v.
pub(super) fn readings(c: char) -> Vec<String> {
    use pinyin::ToPinyinMulti;
    let mut readings: Vec<String> = Vec::new();
    for reading in c.to_pinyin_multi().into_iter().flatten() {
        let plain = reading.plain().replace('ü', "v");
        if !readings.contains(&plain) {
            readings.push(plain);
        }
    }
    readings
}

/// One syllable of a personal name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Syllable {
    /// As written: a character of Han or Hangul, or Latin letters.
    pub(super) text: Box<str>,
    pub(super) native: bool,
    pub(super) chinese: Chinese,
    pub(super) korean: Vec<Sound>,
}

/// What languages a name of syllables may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Languages {
    pub(super) chinese: bool,
    pub(super) korean: bool,
    pub(super) vietnamese: bool,
}

impl Languages {
    fn any(self) -> bool {
        self.chinese || self.korean || self.vietnamese
    }
}

/// A personal name as a list of syllables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) syllables: Vec<Syllable>,
    pub(super) languages: Languages,
}

/// How two syllables compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sameness {
    Same,
    /// Two spellings of one syllable.
    Variant,
    Other,
}

impl Spoken {
    /// From Han characters.
    pub(super) fn han(text: &str) -> Self {
        let syllables = text
            .chars()
            .map(|c| {
                let mut chinese = Chinese::default();
                for (slot, reading) in chinese.iter_mut().zip(readings(c)) {
                    *slot = number(&reading).unwrap_or(0);
                }
                Syllable {
                    text: c.to_string().into(),
                    native: true,
                    chinese,
                    korean: Vec::new(),
                }
            })
            .collect();
        Self {
            syllables,
            languages: Languages {
                chinese: true,
                ..Languages::default()
            },
        }
    }

    /// From Hangul.
    pub(super) fn hangul(text: &str) -> Self {
        let mut syllables: Vec<Syllable> = text
            .chars()
            .map(|c| Syllable {
                text: c.to_string().into(),
                native: true,
                chinese: Chinese::default(),
                korean: hangul::sound(c).into_iter().collect(),
            })
            .collect();
        // 류 and 유, 임 and 림: one surname in South and North.
        if let Some(first) = syllables.first_mut() {
            let family: Vec<Sound> = SYLLABLES
                .korean
                .values()
                .filter(|all| all.len() == 1 && all.iter().any(|c| *first.text == *c.to_string()))
                .flat_map(|all| all.iter().filter_map(|c| hangul::sound(*c)))
                .collect();
            for sound in family {
                if !first.korean.contains(&sound) {
                    first.korean.push(sound);
                }
            }
        }
        Self {
            syllables,
            languages: Languages {
                korean: true,
                ..Languages::default()
            },
        }
    }

    /// From Latin words, when they are all syllables and the first or last is a surname of that language.
    pub(super) fn latin(words: &[&str]) -> Option<Self> {
        if words.is_empty() || words.len() > 4 {
            return None;
        }
        let (first, last) = (*words.first()?, *words.last()?);
        let table = &*SYLLABLES;
        let chinese = if table.surnames.contains(first) || table.surnames.contains(last) {
            split_all(words, split_chinese)
        } else {
            None
        };
        let korean = if words.len() > 1
            && (table.korean.contains_key(first) || table.korean.contains_key(last))
        {
            split_all(words, split_korean)
        } else {
            None
        };
        let vietnamese = words.len() > 1
            && (table.vietnamese.contains(first) || table.vietnamese.contains(last))
            && words
                .iter()
                .all(|word| word.len() <= 6 && vowel_groups(word) == 1);
        let languages = Languages {
            chinese: chinese.is_some(),
            korean: korean.is_some(),
            vietnamese,
        };
        if !languages.any() {
            return None;
        }
        let parts = chinese
            .or(korean)
            .unwrap_or_else(|| words.iter().map(|word| (*word).to_owned()).collect());
        if parts.len() > 5 {
            return None;
        }
        let syllables = parts
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let mut sounds = hangul::parse(part);
                let end = at == 0 || at + 1 == parts.len();
                if end && let Some(family) = table.korean.get(part.as_str()) {
                    sounds.extend(family.iter().filter_map(|c| hangul::sound(*c)));
                }
                Syllable {
                    text: part.as_str().into(),
                    native: false,
                    chinese: chinese_of(part),
                    korean: sounds,
                }
            })
            .collect();
        Some(Self {
            syllables,
            languages,
        })
    }
}

fn chinese_of(part: &str) -> Chinese {
    chinese(part).unwrap_or_default()
}

fn split_all(words: &[&str], split: fn(&str) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for word in words {
        parts.extend(split(word)?);
    }
    Some(parts)
}

/// Splits joined given names into as few syllables as possible: zhengfei, jinping. Whole words may have any spelling,
/// parts only pinyin: Wade-Giles is not written together.
fn split_chinese(word: &str) -> Option<Vec<String>> {
    if chinese(word).is_some() {
        return Some(vec![word.to_owned()]);
    }
    split_by(word, &|part| number(part).is_some(), 3)
}

fn split_korean(word: &str) -> Option<Vec<String>> {
    if SYLLABLES.korean.contains_key(word) || !hangul::parse(word).is_empty() {
        return Some(vec![word.to_owned()]);
    }
    split_by(
        word,
        &|part| part.len() > 1 && !hangul::parse(part).is_empty(),
        2,
    )
}

fn split_by(word: &str, known: &dyn Fn(&str) -> bool, most: usize) -> Option<Vec<String>> {
    if known(word) {
        return Some(vec![word.to_owned()]);
    }
    if most <= 1 || !word.is_ascii() {
        return None;
    }
    let mut best: Option<Vec<String>> = None;
    // The longest first syllable first, but never more syllables than needed.
    for at in (1..word.len().min(7)).rev() {
        let (Some(head), Some(tail)) = (word.get(..at), word.get(at..)) else {
            continue;
        };
        if !known(head) {
            continue;
        }
        if let Some(rest) = split_by(tail, known, most - 1)
            && best.as_ref().is_none_or(|best| best.len() > rest.len() + 1)
        {
            let mut parts = vec![head.to_owned()];
            parts.extend(rest);
            best = Some(parts);
        }
    }
    best
}

fn vowel_groups(word: &str) -> usize {
    let mut groups = 0;
    let mut inside = false;
    for c in word.chars() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
        if vowel && !inside {
            groups += 1;
        }
        inside = vowel;
    }
    groups
}

impl Syllable {
    /// Compares two syllables in the languages that both names may be of.
    pub(super) fn compare(&self, other: &Self, languages: Languages) -> Sameness {
        if self.text == other.text {
            return Sameness::Same;
        }
        if self.native && other.native && languages_of(self) == languages_of(other) {
            return Sameness::Other;
        }
        let chinese = languages.chinese && super::tables::share(&self.chinese, &other.chinese);
        let korean = languages.korean
            && self
                .korean
                .iter()
                .any(|left| other.korean.iter().any(|right| left.may_be(*right)));
        if chinese || korean {
            Sameness::Variant
        } else {
            Sameness::Other
        }
    }
}

fn languages_of(syllable: &Syllable) -> bool {
    syllable.korean.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(words: &[&str]) -> Vec<String> {
        Spoken::latin(words).map_or_else(Vec::new, |spoken| {
            spoken
                .syllables
                .iter()
                .map(|one| one.text.to_string())
                .collect()
        })
    }

    #[test]
    fn joined_given_names_are_split() {
        assert_eq!(parts(&["ren", "zhengfei"]), ["ren", "zheng", "fei"]);
        assert_eq!(parts(&["xi", "jinping"]), ["xi", "jin", "ping"]);
        assert_eq!(parts(&["kim", "jong", "un"]), ["kim", "jong", "un"]);
        assert_eq!(parts(&["nguyen", "van", "linh"]), ["nguyen", "van", "linh"]);
        assert!(parts(&["sergey", "lavrov"]).is_empty());
        assert!(parts(&["osama", "bin", "laden"]).is_empty());
    }

    #[test]
    fn spellings_of_one_syllable_meet() {
        for (left, right) in [
            ("tsai", "cai"),
            ("chiang", "jiang"),
            ("wong", "wang"),
            ("tan", "chen"),
            ("hsueh", "xue"),
            ("lui", "lv"),
        ] {
            let (left, right) = (chinese(left).unwrap(), chinese(right).unwrap());
            assert!(super::super::tables::share(&left, &right));
        }
        assert_eq!(wade_giles("zhong"), Some("chung"));
        assert!(readings('重').contains(&"chong".to_owned()));
    }
}
