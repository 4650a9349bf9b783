//! The name of an organisation as weighed words.

use super::cjk::{self, Part};
use super::distance;
use super::form::Forms;
use super::tables::{Entry, Meanings, TABLES};
use super::text::{Piece, Script};

/// What a word of a name tells about who bears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// A word of no table: what the bearer is known by.
    Brand,
    /// A country, region, province or city.
    Place,
    /// A word that many organisations carry: technology, bank, group.
    Industry,
    /// A number, Roman ones included.
    Number,
    /// A part of a person's name.
    Personal,
    /// Connects the parts of a name: bin, al, van, de.
    Particle,
    /// An honorific or rank before a person's name.
    Title,
    /// One letter for a given name.
    Initial,
    /// One syllable of a Chinese, Korean or Vietnamese name.
    Syllable,
}

/// A word of an organisation's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: Box<str>,
    pub(super) script: Script,
    pub(super) class: Class,
    pub(super) meanings: Meanings,
    /// In percent of a brand's.
    pub(super) weight: u8,
    /// Latin readings of a brand in another script.
    pub(super) readings: Box<[Box<str>]>,
    /// Letters that occur, for a quick no.
    pub(super) mask: u32,
    /// Joined to the word before by a hyphen.
    pub(super) hyphened: bool,
}

/// An organisation's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) tokens: Vec<Token>,
    pub(super) forms: Forms,
}

/// No name has more words than this; the rest is cut.
pub(super) const MOST_TOKENS: usize = 24;

impl Words {
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        let pieces = join_initials(split_humps(pieces));
        let mut forms = Forms::default();
        let kept = take_forms(&pieces, &mut forms);
        let mut tokens = tokens(&kept, &mut forms);
        if tokens.is_empty() {
            // The name is nothing but a legal form or stop words: then they are the name.
            tokens = pieces.iter().map(brand).collect();
        }
        tokens.truncate(MOST_TOKENS);
        Self { tokens, forms }
    }
}

/// "SiemensAG": a capital legal form that nobody separated.
fn split_humps(pieces: Vec<Piece>) -> Vec<Piece> {
    if pieces.iter().all(|piece| piece.hump.is_none()) {
        return pieces;
    }
    let mut out = Vec::with_capacity(pieces.len() + 1);
    for mut piece in pieces {
        if let Some(at) = piece.hump
            && piece
                .text
                .get(at..)
                .is_some_and(|end| TABLES.latin_forms.contains_key(end))
        {
            let end = piece.text.split_off(at);
            let form = Piece {
                text: end,
                script: piece.script,
                dotted: piece.dotted,
                hyphened: false,
                hump: None,
            };
            piece.dotted = false;
            out.push(piece);
            out.push(form);
        } else {
            out.push(piece);
        }
    }
    out
}

/// "L.X.C.", "S. A.", "A/S": single letters with dots are one word.
fn join_initials(pieces: Vec<Piece>) -> Vec<Piece> {
    if !pieces
        .iter()
        .any(|piece| piece.dotted && piece.text.len() == 1)
    {
        return pieces;
    }
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut open = false;
    for piece in pieces {
        let letter = piece.text.len() == 1 && !piece.text.starts_with(|c: char| c.is_ascii_digit());
        let dotted = piece.dotted;
        match out.last_mut() {
            Some(last) if open && letter => last.text.push_str(&piece.text),
            _ => out.push(piece),
        }
        open = letter && dotted;
    }
    out
}

/// Takes legal forms off both ends, and clear ones out of the middle ("… Co., Ltd. (Beijing)").
fn take_forms<'a>(pieces: &'a [Piece], forms: &mut Forms) -> Vec<&'a Piece> {
    let mut kept: Vec<&Piece> = Vec::with_capacity(pieces.len());
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        let known = if piece.script.is_native() {
            None
        } else {
            form_at(pieces, at)
        };
        match known {
            Some((found, length))
                if at == 0
                    || at + length == pieces.len()
                    || clear(pieces, at, length)
                    || only_forms(pieces, at + length) =>
            {
                forms.and(found);
                at += length;
            }
            _ => {
                kept.push(piece);
                at += 1;
            }
        }
    }
    kept
}

/// The longest legal form that starts at a word.
fn form_at(pieces: &[Piece], at: usize) -> Option<(Forms, usize)> {
    let first = pieces.get(at)?;
    let longest = TABLES.form_phrases.get(&*first.text).copied().unwrap_or(1);
    let mut key = String::new();
    for length in (2..=longest.max(1)).rev() {
        let Some(words) = pieces.get(at..at + length) else {
            continue;
        };
        key.clear();
        for word in words {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(&word.text);
        }
        if let Some(forms) = TABLES.latin_forms.get(key.as_str()) {
            return Some((*forms, length));
        }
    }
    if let Some(forms) = TABLES.latin_forms.get(&*first.text) {
        return Some((*forms, 1));
    }
    slip(pieces, at)
}

/// A legal form with a slip of the pen in a long word: "joynt stock company", "Aktiengeselschaft".
fn slip(pieces: &[Piece], at: usize) -> Option<(Forms, usize)> {
    let first = pieces.get(at)?;
    if first.text.len() < 5 || TABLES.latin.contains_key(&*first.text) {
        return None;
    }
    let meant = meant(&first.text)?;
    let longest = TABLES.form_phrases.get(meant).copied().unwrap_or(1);
    for length in (2..=longest).rev() {
        let Some(rest) = pieces.get(at + 1..at + length) else {
            continue;
        };
        let mut key = meant.to_owned();
        for word in rest {
            key.push(' ');
            key.push_str(&word.text);
        }
        if let Some(forms) = TABLES.latin_forms.get(key.as_str()) {
            return Some((*forms, length));
        }
    }
    if first.text.len() < 6 {
        return None;
    }
    TABLES.latin_forms.get(meant).map(|forms| (*forms, 1))
}

fn meant(word: &str) -> Option<&'static str> {
    let mask = distance::mask(word);
    TABLES
        .form_words
        .iter()
        .filter(|known| {
            known.len().abs_diff(word.len()) <= 1
                && known.as_bytes().first() == word.as_bytes().first()
        })
        .filter(|known| (distance::mask(known) ^ mask).count_ones() <= 2)
        .find(|known| distance::halves(known, word, distance::Cost::Brand, 2).is_some())
        .map(|known| &**known)
}

/// Forms that are nothing else, wherever they stand.
fn clear(pieces: &[Piece], at: usize, length: usize) -> bool {
    const CLEAR: [&str; 14] = [
        "ltd",
        "limited",
        "llc",
        "gmbh",
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "company",
        "bhd",
        "berhad",
        "jsc",
        "ooo",
        "co",
    ];
    pieces
        .get(at..at + length)
        .into_iter()
        .flatten()
        .any(|piece| CLEAR.contains(&&*piece.text))
}

/// Whether nothing but legal forms follows: "AG & Co. KG".
fn only_forms(pieces: &[Piece], mut at: usize) -> bool {
    while at < pieces.len() {
        match form_at(pieces, at) {
            Some((_, length)) => at += length,
            None => return false,
        }
    }
    true
}

fn brand(piece: &Piece) -> Token {
    let length = piece.text.chars().count();
    Token {
        mask: distance::mask(&piece.text),
        text: piece.text.as_str().into(),
        script: piece.script,
        class: Class::Brand,
        meanings: Meanings::default(),
        weight: match length {
            1 if !piece.script.is_native() => 40,
            2 if !piece.script.is_native() => 70,
            _ => 100,
        },
        readings: match piece.script {
            Script::Cyrillic => stem(&piece.text).map(Box::from).into_iter().collect(),
            script if script.is_native() => cjk::readings(&piece.text, script).into(),
            _ => Box::default(),
        },
        hyphened: piece.hyphened,
    }
}

/// The noun in a Russian adjective of a place or person: Muromskiy is of Murom.
fn stem(text: &str) -> Option<&str> {
    ["skiy", "skaya", "skoe", "skogo", "skoy", "skie"]
        .iter()
        .find_map(|end| text.strip_suffix(end))
        .filter(|stem| stem.len() >= 4)
}

fn known(text: &str, script: Script, entry: &Entry, hyphened: bool) -> Token {
    Token {
        text: text.into(),
        script,
        class: if entry.place {
            Class::Place
        } else {
            Class::Industry
        },
        meanings: entry.meanings,
        weight: entry.weight,
        // 전자 is electronics, and Jeonja to those who spell it.
        readings: if script == Script::Hangul {
            cjk::readings(text, script).into()
        } else {
            Box::default()
        },
        mask: distance::mask(text),
        hyphened,
    }
}

fn tokens(pieces: &[&Piece], forms: &mut Forms) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(pieces.len());
    let mut at = 0;
    let mut key = String::new();
    while let Some(piece) = pieces.get(at) {
        if piece.script.is_native() {
            for part in cjk::parts(&piece.text) {
                match part {
                    Part::Form(found) => forms.and(found),
                    Part::Word(word, entry) => {
                        tokens.push(known(&word, piece.script, &entry, false))
                    }
                    Part::Brand(text) => tokens.push(brand(&Piece {
                        text: text.into(),
                        script: piece.script,
                        dotted: false,
                        hyphened: false,
                        hump: None,
                    })),
                }
            }
            at += 1;
            continue;
        }
        if let Some((entry, length)) = phrase(pieces, at, &mut key) {
            tokens.push(known(&key, piece.script, &entry, piece.hyphened));
            at += length;
            continue;
        }
        at += 1;
        if TABLES.stop.contains(&*piece.text) {
            continue;
        }
        if let Some(entry) = word(&piece.text) {
            tokens.push(known(&piece.text, piece.script, entry, piece.hyphened));
            continue;
        }
        if let Some(number) = number(&piece.text, tokens.is_empty(), at == pieces.len()) {
            tokens.push(Token {
                text: number.into(),
                class: Class::Number,
                weight: 60,
                ..brand(piece)
            });
            continue;
        }
        if TABLES.links.contains(&*piece.text) {
            tokens.push(Token {
                class: Class::Particle,
                weight: 4,
                ..brand(piece)
            });
            continue;
        }
        // "Zhe Jiang", "Bei Jing": a place written apart.
        if let Some(next) = pieces.get(at)
            && !next.script.is_native()
            && piece.text.len() <= 6
            && next.text.len() <= 6
            && word(&next.text).is_none()
        {
            key.clear();
            key.push_str(&piece.text);
            key.push_str(&next.text);
            if let Some(entry) = TABLES.latin.get(key.as_str()).filter(|entry| entry.place) {
                tokens.push(known(&key, piece.script, entry, piece.hyphened));
                at += 1;
                continue;
            }
        }
        tokens.push(brand(piece));
    }
    tokens
}

/// The longest phrase of the tables that starts at a word; its key is left in `key`.
fn phrase(pieces: &[&Piece], at: usize, key: &mut String) -> Option<(Entry, usize)> {
    let longest = *TABLES.phrases.get(&*pieces.get(at)?.text)?;
    for length in (2..=longest).rev() {
        let Some(words) = pieces.get(at..at + length) else {
            continue;
        };
        key.clear();
        for word in words {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(&word.text);
        }
        if let Some(entry) = TABLES.latin.get(key.as_str()) {
            return Some((*entry, length));
        }
    }
    None
}

/// A word of the tables, in the plural or as a Russian adjective of a place, too.
fn word(text: &str) -> Option<&'static Entry> {
    let latin = &TABLES.latin;
    latin.get(text).or_else(|| {
        let stem = text.strip_suffix('s').filter(|stem| stem.len() >= 4)?;
        latin.get(stem)
    })
}

/// A number as digits. Roman ones from two letters up; a single letter only as the last word.
fn number(text: &str, first: bool, last: bool) -> Option<String> {
    let alone = last && !first;
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let trimmed = text.trim_start_matches('0');
        return Some(if trimmed.is_empty() {
            "0".to_owned()
        } else {
            trimmed.to_owned()
        });
    }
    let roman = match text {
        "i" if alone => 1,
        "ii" => 2,
        "iii" => 3,
        "iv" => 4,
        "v" if alone => 5,
        "vi" => 6,
        "vii" => 7,
        "viii" => 8,
        "ix" => 9,
        "x" if alone => 10,
        "xi" if !first => 11,
        "xii" => 12,
        _ => {
            // AR16, B2: letters that count.
            let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
            return (!first && letters.len() <= 2 && letters.len() < text.len())
                .then(|| text.to_owned());
        }
    };
    Some(roman.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::text::pieces;
    use super::*;

    fn shown(text: &str) -> String {
        let words = Words::new(pieces(text));
        let tokens: Vec<String> = words
            .tokens
            .iter()
            .map(|token| match token.class {
                Class::Brand => format!("[{}]", token.text),
                Class::Number => format!("#{}", token.text),
                Class::Place => format!("@{}", token.text),
                _ => token.text.to_string(),
            })
            .collect();
        tokens.join(" ")
    }

    #[test]
    fn words_fall_into_classes() {
        assert_eq!(
            shown("Zhejiang Dahua Technology Co., Ltd."),
            "@zhejiang [dahua] technology"
        );
        assert_eq!(
            shown("Zhe Jiang Da Hua Technology Company Limited"),
            "@zhejiang da [hua] technology"
        );
        assert_eq!(shown("KKR Asian Fund III L.P."), "[kkr] @asian fund #3");
        assert_eq!(
            shown("Bowne Global Solutions Denmark, A/S"),
            "[bowne] global solutions @denmark"
        );
        assert_eq!(shown("L.X.C. Aviation"), "[lxc] aviation");
        assert_eq!(shown("Megaspeed Int'l Private Limited"), "[megaspeed] intl");
        assert_eq!(shown("SiemensAG"), "[siemens]");
        assert_eq!(shown("Siemens Aktiengeselschaft"), "[siemens]");
        assert_eq!(
            shown("Missiles Corporation Joynt Stock Company"),
            "missiles"
        );
        assert_eq!(shown("ООО Ромашка"), "[romashka]");
        assert_eq!(shown("AG"), "[ag]");
        assert_eq!(shown("The"), "[the]");
        assert_eq!(shown("Gulf Data Hub FZ-LLC"), "@gulf data hub");
        assert_eq!(
            shown("Institute of Technology, Beijing"),
            "institute of technology @beijing"
        );
    }
}
