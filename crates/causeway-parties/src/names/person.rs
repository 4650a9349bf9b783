//! A person's name as parts, and as syllables where it is one of syllables.

use super::distance;
use super::kana;
use super::syllable::Spoken;
use super::tables::TABLES;
use super::text::{Piece, Script};
use super::words::Class;

/// A part of a person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) text: Box<str>,
    /// With spelling habits evened out: ph and f, oo and u, doubled letters.
    pub(super) folded: Box<str>,
    pub(super) script: Script,
    pub(super) class: Class,
    /// Number of the name in the table of spellings; zero is none.
    pub(super) variant: u16,
    /// In percent of a rare part's.
    pub(super) weight: u8,
    pub(super) mask: u32,
}

/// A person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) parts: Vec<Given>,
    pub(super) spoken: Option<Spoken>,
}

/// No name has more parts than this; the rest is cut.
const MOST_PARTS: usize = 20;

/// How Arabic "servant of" is written before one of the names of God.
const SERVANT: [&str; 12] = [
    "abdul", "abdel", "abdal", "abdur", "abdol", "abdus", "abdour", "abder", "abdoul", "abdil",
    "abdor", "abd",
];

impl Person {
    pub(super) fn new(pieces: &[Piece]) -> Self {
        if let Some(spoken) = native(pieces) {
            return Self {
                parts: Vec::new(),
                spoken: Some(spoken),
            };
        }
        let mut words: Vec<(String, Script)> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let text = match piece.script {
                Script::Kana => kana::closed(&kana::romanise(&piece.text)),
                _ => piece.text.clone(),
            };
            words.push((text, piece.script));
        }
        let words = compounds(words);
        let mut parts: Vec<Given> = words
            .iter()
            .map(|(text, script)| part(text, *script))
            .collect();
        parts.truncate(MOST_PARTS);
        if !parts.iter().any(|part| part.class == Class::Personal) {
            for part in &mut parts {
                part.class = Class::Personal;
                part.weight = 100;
            }
        }
        let plain: Vec<&str> = parts
            .iter()
            .filter(|part| part.class != Class::Title)
            .map(|part| &*part.text)
            .collect();
        let latin = parts.iter().all(|part| part.script == Script::Latin);
        let spoken = if latin { Spoken::latin(&plain) } else { None };
        Self { parts, spoken }
    }

    /// Number of parts that tell one person from another.
    pub(super) fn telling(&self) -> usize {
        match &self.spoken {
            Some(spoken) => spoken.syllables.len(),
            None => self
                .parts
                .iter()
                .filter(|part| part.class == Class::Personal)
                .count(),
        }
    }
}

/// A name in Han or Hangul alone.
fn native(pieces: &[Piece]) -> Option<Spoken> {
    let script = pieces.first()?.script;
    if !matches!(script, Script::Han | Script::Hangul)
        || pieces.iter().any(|piece| piece.script != script)
    {
        return None;
    }
    let text: String = pieces
        .iter()
        .filter(|piece| !TABLES.titles.contains(&*piece.text))
        .map(|piece| piece.text.as_str())
        .collect();
    let count = text.chars().count();
    if !(1..=6).contains(&count) {
        return None;
    }
    Some(if script == Script::Han {
        Spoken::han(&text)
    } else {
        Spoken::hangul(&text)
    })
}

/// Writes compound names as one: Abd al-Rahman, Abdul Rahman and Abdurrahman; Saif al-Din, Saifuddin.
fn compounds(words: Vec<(String, Script)>) -> Vec<(String, Script)> {
    let mut out: Vec<(String, Script)> = Vec::with_capacity(words.len());
    let mut words = words.into_iter().peekable();
    while let Some((word, script)) = words.next() {
        // The article is written together with its word in Arabic.
        let word = match word.strip_prefix("al") {
            Some(rest) if script == Script::Arabic && rest.len() >= 2 => rest.to_owned(),
            _ => word,
        };
        if SERVANT.contains(&word.as_str()) {
            if word == "abd"
                && let Some((next, _)) = words.peek()
                && article(next)
            {
                words.next();
            }
            if let Some((of, _)) = words.next_if(|(next, _)| next.len() > 2 && !article(next)) {
                let of = if script == Script::Arabic {
                    of.strip_prefix("al").unwrap_or(&of)
                } else {
                    &of
                };
                out.push((format!("abdul{of}"), script));
                continue;
            }
            out.push((word, script));
            continue;
        }
        if let Some(rest) = SERVANT
            .iter()
            .filter(|servant| servant.len() > 3)
            .find_map(|servant| word.strip_prefix(servant))
            .filter(|rest| rest.len() >= 3)
        {
            // "abdurrahman" is abdur and rahman; "abdullah" is a name of its own.
            let name = if word.starts_with("abdulla")
                || word.starts_with("abdalla")
                || word.starts_with("abdella")
            {
                "abdullah".to_owned()
            } else {
                format!("abdul{rest}")
            };
            out.push((name, script));
            continue;
        }
        if matches!(
            word.as_str(),
            "din" | "deen" | "dine" | "eddin" | "eddine" | "uddin" | "aldin" | "addin"
        ) && !out.is_empty()
        {
            if out.len() > 1 && out.last().is_some_and(|(last, _)| article(last)) {
                out.pop();
            }
            if let Some((last, _)) = out.last_mut() {
                last.push_str("aldin");
                continue;
            }
        }
        let faith = [
            "uddin", "eddin", "eddine", "aldin", "addin", "uddeen", "iddin", "udin",
        ];
        if let Some(stem) = faith
            .iter()
            .find_map(|end| word.strip_suffix(end))
            .filter(|stem| stem.len() >= 3)
        {
            out.push((format!("{stem}aldin"), script));
            continue;
        }
        out.push((word, script));
    }
    out
}

fn article(word: &str) -> bool {
    matches!(
        word,
        "al" | "el"
            | "ul"
            | "ud"
            | "ad"
            | "ed"
            | "ur"
            | "ar"
            | "er"
            | "as"
            | "es"
            | "us"
            | "an"
            | "ol"
    )
}

fn part(text: &str, script: Script) -> Given {
    let folded = fold(text);
    let variant = TABLES
        .variants
        .get(text)
        .or_else(|| TABLES.variants.get(&*folded))
        .copied()
        .unwrap_or(0);
    let length = text.len();
    let (class, weight) = if TABLES.particles.contains(text) {
        (Class::Particle, 4)
    } else if TABLES.titles.contains(text) {
        (Class::Title, 4)
    } else if length == 1 {
        (Class::Initial, 20)
    } else if variant != 0 || length == 2 {
        (Class::Personal, 70)
    } else {
        (Class::Personal, 100)
    };
    Given {
        mask: distance::mask(&folded),
        text: text.into(),
        folded,
        script,
        class,
        variant,
        weight,
    }
}

/// Evens out habits of spelling that do not tell people apart.
fn fold(text: &str) -> Box<str> {
    const PAIRS: [(&str, &str); 19] = [
        ("tsch", "c"),
        ("sch", "s"),
        ("tch", "c"),
        ("dj", "j"),
        ("ch", "c"),
        ("sh", "s"),
        ("zh", "z"),
        ("ph", "f"),
        ("ck", "k"),
        ("kh", "h"),
        ("gh", "g"),
        ("th", "t"),
        ("dh", "d"),
        ("ou", "u"),
        ("oo", "u"),
        ("ee", "i"),
        ("ey", "i"),
        ("ei", "i"),
        ("ij", "i"),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((after, to)) = PAIRS
            .iter()
            .find_map(|(from, to)| Some((rest.strip_prefix(*from)?, *to)))
        {
            out.push_str(to);
            rest = after;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or("");
        let c = match c {
            'q' => 'k',
            'w' => 'v',
            other => other,
        };
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    // Slavic and Arabic endings: -y, -j, -i.
    if out.len() > 3 {
        for end in ["ii", "iy", "ej", "y", "j"] {
            if let Some(stem) = out.strip_suffix(end) {
                out = format!("{stem}i");
                break;
            }
        }
    }
    out.into()
}

/// Consonants alone: what Arabic writes.
pub(super) fn skeleton(folded: &str) -> String {
    let mut out = String::new();
    for c in folded.chars() {
        let c = match c {
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'w' | 'v' => continue,
            'p' => 'b',
            'c' | 'q' => 'k',
            'g' => 'j',
            other => other,
        };
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::text::pieces;
    use super::*;

    fn shown(text: &str) -> String {
        let person = Person::new(&pieces(text));
        let parts: Vec<&str> = person
            .parts
            .iter()
            .filter(|part| !matches!(part.class, Class::Particle | Class::Title))
            .map(|part| &*part.text)
            .collect();
        parts.join(" ")
    }

    #[test]
    fn compound_names_are_one_part() {
        for text in [
            "'Abd al-Rahman",
            "Abdul Rahman",
            "ABDURRAHMAN",
            "Abd el Rahman",
        ] {
            assert_eq!(shown(text), "abdulrahman", "{text}");
        }
        for text in [
            "Saif al-Din al-Rawi",
            "SAIF-AL-DIN AL-RAWI",
            "Saifuddin al Rawi",
        ] {
            assert_eq!(shown(text), "saifaldin rawi", "{text}");
        }
        assert_eq!(shown("Dr. Rami Makhlouf"), "rami makhlouf");
        assert_eq!(shown("Abdullah"), "abdullah");
    }

    #[test]
    fn habits_of_spelling_are_evened_out() {
        for (left, right) in [
            ("mahmood", "mahmoud"),
            ("nooristani", "nuristani"),
            ("vuchich", "vucic"),
            ("sergey", "sergei"),
            ("philipp", "filip"),
        ] {
            assert_eq!(fold(left), fold(right));
        }
        assert_eq!(skeleton(&fold("mohammed")), skeleton(&fold("mhmd")));
        assert_eq!(skeleton(&fold("nahyan")), skeleton(&fold("nhyan")));
    }
}
