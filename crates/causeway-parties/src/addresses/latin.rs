//! Addresses in Latin letters, and in scripts that are romanised.

use any_ascii::any_ascii;
use causeway_domain::Country;
use unicode_normalization::UnicodeNormalization;

use super::{Parts, code};
use crate::lists::country_named;

const ROOMS: [&str; 14] = [
    "room",
    "rm",
    "unit",
    "flat",
    "suite",
    "ste",
    "office",
    "apt",
    "apartment",
    "shop",
    "workshop",
    "studio",
    "kv",
    "ofis",
];
const FLOORS: [&str; 7] = ["floor", "fl", "flr", "level", "storey", "story", "etazh"];
const BLOCKS: [&str; 8] = [
    "block", "blk", "tower", "phase", "building", "bldg", "korpus", "wing",
];
/// Words behind which a building's name ends, wherever they stand; the first three say nothing more about it.
const BUILDINGS: [&str; 10] = [
    "building", "bldg", "bld", "tower", "towers", "centre", "center", "plaza", "mansion",
    "mansions",
];
/// The same at the end of a part: elsewhere they are words as any other.
const LAST_WORDS: [&str; 7] = [
    "house", "court", "complex", "factory", "arcade", "hub", "park",
];
const NUMBERS: [&str; 6] = ["no", "nos", "number", "nr", "dom", "d"];
/// Words behind a street's name.
const STREETS: [&str; 34] = [
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "av",
    "lane",
    "ln",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "highway",
    "hwy",
    "freeway",
    "expressway",
    "way",
    "quay",
    "square",
    "sq",
    "alley",
    "terrace",
    "crescent",
    "close",
    "path",
    "strasse",
    "str",
    "prospekt",
    "pr-kt",
    "shosse",
    "lu",
    "jie",
    "dadao",
];
/// Words before one.
const STREETS_OF: [&str; 13] = [
    "jalan", "jln", "jl", "lorong", "rue", "calle", "via", "avenida", "soi", "thanon", "ulitsa",
    "ul", "ulica",
];
/// Words of a place's rank: no place's name.
const RANKS: [&str; 22] = [
    "district",
    "province",
    "city",
    "county",
    "town",
    "township",
    "village",
    "zone",
    "area",
    "region",
    "state",
    "sub-district",
    "subdistrict",
    "prefecture",
    "municipality",
    "oblast",
    "krai",
    "republic",
    "of",
    "the",
    "new",
    "special",
];

pub(super) fn read(text: &str) -> (Parts, Option<Country>) {
    let text: String = text.nfkc().collect();
    let mut segments: Vec<&str> = text
        .split([',', ';', '\n', '(', ')', '|'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let country = segments.last().and_then(|last| country_named(last));
    // The name of a place that is one town is its town, too.
    if country.is_some_and(|country| !super::ONE_TOWN.contains(&country.code())) {
        segments.pop();
    }
    let mut reader = Reader::default();
    for segment in segments {
        let ascii = any_ascii(segment).to_lowercase();
        let words: Vec<&str> = ascii
            .split_whitespace()
            .map(|word| word.trim_matches(['.', ':', '"']))
            .filter(|word| !word.is_empty())
            .collect();
        reader.segment(&words);
    }
    (reader.finish(), country)
}

/// Reads part after part between commas.
#[derive(Default)]
struct Reader {
    parts: Parts,
    /// Words that nothing took yet, and those before the last number.
    held: Vec<String>,
    before: Vec<String>,
    /// Numbers that no street took yet.
    numbers: Vec<String>,
    /// The words to come are a street's.
    street_of: bool,
    /// `Komitas 26/114`: a street that does not say that it is one.
    bare: Option<(Vec<String>, Vec<String>)>,
}

impl Reader {
    fn segment(&mut self, words: &[&str]) {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let taken = self.marked(word, words.get(at + 1..).unwrap_or_default());
            if taken > 0 {
                at += taken;
                continue;
            }
            at += 1;
            self.word(word, words.get(at..).unwrap_or_default());
        }
        if self.street_of {
            self.street();
        }
        let held = std::mem::take(&mut self.held);
        let before = std::mem::take(&mut self.before);
        if held.is_empty() && before.is_empty() {
            // A number alone is of the street before it, else of the one to come.
            if self.parts.street.is_some() && self.parts.numbers.is_empty() {
                self.parts.numbers.append(&mut self.numbers);
            }
        } else if !self.numbers.is_empty() && self.parts.street.is_none() && self.bare.is_none() {
            let (street, town) = if before.is_empty() {
                (held, before)
            } else {
                (before, held)
            };
            self.bare = Some((street, std::mem::take(&mut self.numbers)));
            self.town(town);
        } else {
            self.town(before);
            self.town(held);
        }
    }

    fn finish(mut self) -> Parts {
        match self.bare.take() {
            Some((street, numbers)) if self.parts.street.is_none() => {
                self.parts.street = Some(street.join(" "));
                self.parts.numbers = numbers;
            }
            Some((town, _)) => self.town(town),
            None => {}
        }
        self.parts
    }

    fn town(&mut self, words: Vec<String>) {
        let names = words
            .into_iter()
            .filter(|word| !RANKS.contains(&word.as_str()));
        self.parts.towns.extend(names);
    }

    /// What is held is a street's name.
    fn street(&mut self) {
        self.street_of = false;
        let mut name = std::mem::take(&mut self.held);
        let mut before = std::mem::take(&mut self.before);
        if name.is_empty() {
            std::mem::swap(&mut name, &mut before);
        }
        if name.is_empty() && !self.numbers.is_empty() {
            // `Street 5`
            name.push(self.numbers.remove(0));
        }
        if name.is_empty() || self.parts.street.is_some() {
            self.town(name);
        } else {
            self.parts.street = Some(name.join(" "));
            self.parts.numbers.append(&mut self.numbers);
        }
        self.town(before);
    }

    fn number(&mut self, text: &str) {
        if self.street_of && !self.held.is_empty() {
            self.street();
        }
        let found = numbers(text);
        if self.parts.street.is_some() && self.parts.numbers.is_empty() && self.held.is_empty() {
            self.parts.numbers.extend(found);
            return;
        }
        self.numbers.extend(found);
        self.before.append(&mut self.held);
    }

    /// Takes a room, floor, block, post office box or number with the mark before it; gives the words that it took.
    fn marked(&mut self, word: &str, rest: &[&str]) -> usize {
        let next = rest.first().copied();
        if matches!(word, "p.o" | "po" | "gpo" | "p") {
            let skipped = usize::from(next == Some("o"));
            if rest.get(skipped) == Some(&"box") {
                self.parts.post_box = rest.get(skipped + 1).map(|number| code(number));
                return skipped + 3;
            }
        }
        if let Some(floor) = floor(word) {
            self.parts.floor.get_or_insert(floor);
            return 1;
        }
        if (ordinal(word) || word == "ground") && next.is_some_and(|next| FLOORS.contains(&next)) {
            let digits = word.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
            let floor = if digits.is_empty() { "g" } else { digits };
            self.parts.floor.get_or_insert_with(|| code(floor));
            return 2;
        }
        // `#03-12`: floor and room, as Singapore writes it; `#5` is a number.
        if let Some(value) = word.strip_prefix('#') {
            match value.split_once('-') {
                Some((floor, room)) => {
                    self.parts.floor.get_or_insert_with(|| code(floor));
                    self.parts.unit.get_or_insert_with(|| code(room));
                }
                None => self.number(value),
            }
            return 1;
        }
        if let Some(value) = ["no.", "nos.", "no"]
            .iter()
            .find_map(|mark| word.strip_prefix(mark))
            .filter(|value| starts_with_digit(value))
        {
            self.number(value);
            return 1;
        }
        let Some(next) = next else {
            return 0;
        };
        if NUMBERS.contains(&word) && starts_with_digit(next) {
            self.number(next);
            return 2;
        }
        if FLOORS.contains(&word) && is_code(next) {
            self.parts.floor.get_or_insert_with(|| code(next));
            return 2;
        }
        if word.split('/').all(|word| ROOMS.contains(&word)) {
            let numbered = usize::from(NUMBERS.contains(&next));
            if let Some(value) = rest.get(numbered).filter(|value| is_code(value)) {
                self.parts.unit.get_or_insert_with(|| code(value));
                return numbered + 2;
            }
        }
        // `Block B`, `Building 5`; behind a building's name its number is the street's.
        if BLOCKS.contains(&word)
            && is_code(next)
            && (self.held.is_empty() || !BUILDINGS.contains(&word))
        {
            self.parts.block.get_or_insert_with(|| code(next));
            return 2;
        }
        // `5 building`: the fifth of a compound.
        if rest.len() == 1 && matches!(next, "building" | "bldg") && starts_with_digit(word) {
            self.parts.block.get_or_insert_with(|| code(word));
            return 2;
        }
        0
    }

    fn word(&mut self, word: &str, rest: &[&str]) {
        let next_is_street = rest.first().is_some_and(|next| STREETS.contains(next));
        if starts_with_digit(word) && !ordinal(word) {
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            let several = word.contains(['-', '/']);
            // Five digits and more are a postal code; four are one where no street follows.
            let street_follows = rest.iter().any(|next| STREETS.contains(next));
            if several || digits < 4 || (digits == 4 && (street_follows || self.street_of)) {
                self.number(word);
            }
        } else if STREETS_OF.contains(&word) && self.held.is_empty() && !rest.is_empty() {
            self.street_of = true;
        } else if STREETS.contains(&word) && (word != "st" || self.is_street(rest)) {
            self.street();
        } else if BUILDINGS.contains(&word) && !next_is_street && !self.held.is_empty()
            || LAST_WORDS.contains(&word) && rest.is_empty() && !self.held.is_empty()
        {
            if !matches!(word, "building" | "bldg" | "bld") {
                self.held.push(word.to_owned());
            }
            let name = std::mem::take(&mut self.held);
            if self.parts.building.is_none() {
                self.parts.building = Some(name.join(" "));
            } else {
                self.town(name);
            }
        } else if let Some(stem) = ["strasse", "str"]
            .iter()
            .find_map(|end| word.strip_suffix(end))
            .filter(|stem| stem.len() > 3)
        {
            self.held.push(stem.to_owned());
            self.street();
        } else {
            let word = if word == "ind" { "industrial" } else { word };
            self.held.push(word.to_owned());
        }
    }

    /// `St. Petersburg`: a saint stands before a name, a street behind it.
    fn is_street(&self, rest: &[&str]) -> bool {
        !self.held.is_empty() && !rest.iter().any(|next| STREETS.contains(next))
    }
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|sign: char| sign.is_ascii_digit())
}

/// `3/f`, `3f`, `g/f`.
fn floor(word: &str) -> Option<String> {
    let level = word.strip_suffix("/f").or_else(|| {
        word.strip_suffix('f')
            .filter(|level| !level.is_empty() && level.bytes().all(|byte| byte.is_ascii_digit()))
    })?;
    let known = level.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(level, "g" | "lg" | "ug" | "b" | "m");
    (known && !level.is_empty()).then(|| code(level))
}

fn ordinal(word: &str) -> bool {
    let digits = word.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(word.get(digits.len()..), Some("st" | "nd" | "rd" | "th"))
}

/// A room's, floor's or block's mark: it has a digit, or is one or two letters.
fn is_code(word: &str) -> bool {
    let word = word.trim_matches('.');
    let digit = word.bytes().any(|byte| byte.is_ascii_digit()) && word.len() <= 8;
    digit || (word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// `5-7` is 5 and 7; `26/114` stays as it is.
fn numbers(word: &str) -> Vec<String> {
    word.split(['-', '&', '+'])
        .map(code)
        .filter(|number| !number.is_empty())
        .collect()
}
