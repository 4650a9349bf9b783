//! Texts as they stand in files: cleaned, and looked at for letters that were lost.

use causeway_domain::Country;

use super::{Doubt, DoubtKind};

/// A text without the space around it; `None` when nothing is left. Marks letters that were lost on the way.
pub(super) fn clean(text: &str, doubts: &mut Vec<Doubt>) -> Option<String> {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
    if text.is_empty() {
        return None;
    }
    if let Some(why) = lost_letters(text) {
        let start: String = text.chars().take(60).collect();
        doubts.push(Doubt::new(DoubtKind::Encoding, format!("`{start}`: {why}")));
    }
    Some(text.to_owned())
}

/// Bytes as text. What is no UTF-8 becomes the replacement character, and is in doubt through [`clean`].
pub(super) fn decode(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// What Windows-1252 has where Latin-1 has control letters.
const WINDOWS_1252: &str = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";

fn lost_letters(text: &str) -> Option<&'static str> {
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied().unwrap_or(' ');
        match letter {
            '\u{fffd}' => return Some("holds bytes that are no UTF-8"),
            '\u{80}'..='\u{9f}' => return Some("holds control letters of a misread encoding"),
            // UTF-8 that was read as Latin-1 or Windows-1252: a lead byte's letter before a trail byte's.
            'Ã' | 'Â' | 'Ð' | 'Ñ'
                if matches!(next, '\u{80}'..='\u{bf}') || WINDOWS_1252.contains(next) =>
            {
                return Some("looks like UTF-8 that was read in another encoding");
            }
            'â' if next == '€' => {
                return Some("looks like UTF-8 that was read in another encoding");
            }
            '?' if before.is_alphabetic() && next.is_alphabetic() => {
                return Some("a `?` stands inside a word: a letter was lost");
            }
            '\0'..='\u{8}' | '\u{e}'..='\u{1f}' => return Some("holds control letters"),
            _ => {}
        }
        before = letter;
    }
    None
}

/// The parts of a text that `separator` divides, cleaned, without the `and` before the last.
pub(super) fn parts<'t>(text: &'t str, separator: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(separator)
        .map(str::trim)
        .map(|part| part.strip_prefix("and ").map_or(part, str::trim))
        .filter(|part| !part.is_empty())
}

/// The country that a source writes as a code or an English name.
pub(crate) fn country(text: &str) -> Option<Country> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| Country::named(text))
        .or_else(|| {
            let code = match text.to_ascii_lowercase().as_str() {
                // Names that OFAC, BIS and FollowTheMoney write for places that ISO's short names call otherwise.
                "czech republic" => "CZ",
                "macao" => "MO",
                "burma" => "MM",
                "turkey" => "TR",
                "korea, north" | "dprk" => "KP",
                "korea, south" | "republic of korea" => "KR",
                "uae" => "AE",
                "uk" => "GB",
                "russian federation" => "RU",
                "viet nam" => "VN",
                "the gambia" | "gambia, the" => "GM",
                "ivory coast" | "cote d'ivoire" => "CI",
                _ => return None,
            };
            code.parse().ok()
        })
}

/// The same, in doubt where nobody here knows it.
pub(super) fn country_or_doubt(text: &str, doubts: &mut Vec<Doubt>) -> Option<Country> {
    let found = country(text);
    if found.is_none() {
        let start: String = text.chars().take(60).collect();
        doubts.push(Doubt::new(
            DoubtKind::UnknownValue,
            format!("no country is known as `{start}`"),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_letters_are_seen_and_right_ones_are_not() {
        for text in [
            "Soci\u{fffd}t\u{fffd}",
            "SociÃ©tÃ© GÃ©nÃ©rale",
            "Al?Rashid Trading",
            "â€œquotedâ€\u{9d}",
            "a\u{0}b",
        ] {
            assert!(lost_letters(text).is_some(), "{text}");
        }
        for text in [
            "Société Générale",
            "São Paulo",
            "Who? Ltd",
            "青澜计算技术有限公司",
            "Ñandú",
            "Ángel Âge",
            "?",
        ] {
            assert_eq!(lost_letters(text), None, "{text}");
        }
    }

    #[test]
    fn countries_by_code_and_name() {
        for (text, code) in [
            ("cn", "CN"),
            ("Iran", "IR"),
            ("Czech Republic", "CZ"),
            ("UK", "GB"),
            (" Russia ", "RU"),
        ] {
            assert_eq!(country(text).unwrap().code(), code);
        }
        assert_eq!(country("Atlantis"), None);
    }

    #[test]
    fn parts_lose_the_and() {
        let found: Vec<&str> = parts("A; B ;; and C", ";").collect();
        assert_eq!(found, ["A", "B", "C"]);
    }
}
