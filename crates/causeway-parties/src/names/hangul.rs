//! Korean syllables and their romanisations.
//!
//! A syllable of Hangul has a code that is a formula of its initial, vowel and final (Unicode, chapter 3.12). Latin
//! spellings (Revised Romanization, McCune-Reischauer, North Korean and customary) are read back into the sounds that they
//! may stand for.

/// What a syllable may sound like: classes of initial and final, and a set of vowels, one bit for each of the 21.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sound {
    initial: u8,
    vowels: u32,
    last: u8,
}

impl Sound {
    /// Whether two spellings may stand for one syllable.
    pub(super) fn may_be(self, other: Self) -> bool {
        self.initial == other.initial && self.last == other.last && self.vowels & other.vowels != 0
    }

    /// A number for each syllable that it may be; two sounds that may be each other share one.
    pub(super) fn each(self) -> impl Iterator<Item = u16> {
        let edges = u16::from(self.initial % 32) * 32 + u16::from(self.last % 32);
        (0..21_u16)
            .filter(move |vowel| self.vowels & 1 << vowel != 0)
            .map(move |vowel| edges * 32 + vowel)
    }
}

/// Classes of the initials in the order of their code; tense and aspirated ones fall together with the plain, as spellings
/// mix them.
const INITIALS: [u8; 19] = *b"kknttlmbbss-jjjktbh";
/// Classes of the finals in the order of their code, as they sound; g is ng.
const FINALS: [u8; 28] = *b"-kkknnntlkmlllplmppttgttktpt";

/// The sound of a syllable of Hangul.
pub(super) fn sound(c: char) -> Option<Sound> {
    let (initial, vowel, last) = jamo(c)?;
    Some(Sound {
        initial: *INITIALS.get(initial)?,
        vowels: 1 << vowel,
        last: *FINALS.get(last)?,
    })
}

fn jamo(c: char) -> Option<(usize, usize, usize)> {
    let code = usize::try_from(u32::from(c).checked_sub(0xac00)?).ok()?;
    (code < 11_172).then_some((code / 588, code % 588 / 28, code % 28))
}

/// Vowel spellings, longest first, with the vowels that each may stand for, in the order of their code:
/// a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i.
const VOWELS: [(&str, &[u8]); 39] = [
    ("yeo", &[6]),
    ("yae", &[3]),
    ("yoo", &[17]),
    ("you", &[6, 17]),
    ("wae", &[10]),
    ("weo", &[14]),
    ("woo", &[13]),
    ("eui", &[19]),
    ("yah", &[2]),
    ("ya", &[2]),
    ("yu", &[17, 6]),
    ("ye", &[7, 6]),
    ("yo", &[12, 6]),
    ("yi", &[20]),
    ("wa", &[9]),
    ("wo", &[14, 8]),
    ("we", &[15, 10]),
    ("wi", &[16]),
    ("wu", &[13]),
    ("ui", &[19]),
    ("eu", &[18]),
    ("eo", &[4]),
    ("ae", &[1]),
    ("ai", &[1]),
    ("ay", &[1]),
    ("ah", &[0]),
    ("oo", &[13]),
    ("ou", &[4, 13]),
    ("oe", &[11]),
    ("oi", &[11]),
    ("oh", &[8]),
    ("ee", &[20]),
    ("ie", &[20]),
    ("uh", &[4]),
    ("a", &[0, 4]),
    ("e", &[5, 1]),
    ("i", &[20]),
    ("o", &[8, 4]),
    ("u", &[13, 18, 4]),
];

const STARTS: [(&str, u8); 21] = [
    ("kk", b'k'),
    ("tt", b't'),
    ("pp", b'b'),
    ("ss", b's'),
    ("jj", b'j'),
    ("ch", b'j'),
    ("sh", b's'),
    ("th", b't'),
    ("ph", b'b'),
    ("k", b'k'),
    ("g", b'k'),
    ("n", b'n'),
    ("d", b't'),
    ("t", b't'),
    ("r", b'l'),
    ("l", b'l'),
    ("m", b'm'),
    ("b", b'b'),
    ("p", b'b'),
    ("s", b's'),
    ("j", b'j'),
];

const ENDS: [(&str, u8); 14] = [
    ("", b'-'),
    ("ng", b'g'),
    ("ck", b'k'),
    ("k", b'k'),
    ("g", b'k'),
    ("n", b'n'),
    ("d", b't'),
    ("t", b't'),
    ("l", b'l'),
    ("r", b'l'),
    ("m", b'm'),
    ("b", b'p'),
    ("p", b'p'),
    ("h", b'-'),
];

/// The sounds that a Latin spelling of one syllable may stand for.
pub(super) fn parse(word: &str) -> Vec<Sound> {
    let mut sounds = Vec::new();
    if word.len() > 6 {
        return sounds;
    }
    let starts = STARTS.iter().copied().chain([("h", b'h'), ("", b'-')]);
    for (start, initial) in starts {
        let Some(rest) = word.strip_prefix(start) else {
            continue;
        };
        // The longest vowel that fits: "yeon" is not "ye" and "on".
        let Some((codes, end)) = VOWELS
            .iter()
            .find_map(|(vowel, codes)| Some((*codes, rest.strip_prefix(*vowel)?)))
        else {
            continue;
        };
        let Some((_, last)) = ENDS.iter().find(|(spelling, _)| *spelling == end) else {
            continue;
        };
        let vowels = codes.iter().fold(0, |all, code| all | 1_u32 << code);
        sounds.push(Sound {
            initial,
            vowels,
            last: *last,
        });
        if !start.is_empty() {
            break;
        }
    }
    sounds
}

/// Whether Latin letters may spell a word of Hangul, syllable by syllable.
pub(super) fn spells(hangul: &str, latin: &str) -> bool {
    let mut chars = hangul.chars();
    let Some(first) = chars.next() else {
        return latin.is_empty();
    };
    let Some(sound) = sound(first) else {
        return false;
    };
    let rest = chars.as_str();
    (1..=latin.len().min(6)).any(|at| {
        let (Some(head), Some(tail)) = (latin.get(..at), latin.get(at..)) else {
            return false;
        };
        parse(head).iter().any(|heard| heard.may_be(sound)) && spells(rest, tail)
    })
}

/// The Revised Romanization, letter by letter, for showing and for indexing.
pub(super) fn romanise(text: &str) -> String {
    const FIRST: [&str; 19] = [
        "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t",
        "p", "h",
    ];
    const MIDDLE: [&str; 21] = [
        "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo",
        "we", "wi", "yu", "eu", "ui", "i",
    ];
    const LAST: [&str; 28] = [
        "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p",
        "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t",
    ];
    let mut latin = String::new();
    for c in text.chars() {
        if let Some((first, middle, last)) = jamo(c) {
            for part in [FIRST.get(first), MIDDLE.get(middle), LAST.get(last)]
                .into_iter()
                .flatten()
            {
                latin.push_str(part);
            }
        }
    }
    latin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_syllable_may_be_each_other() {
        for (hangul, spellings) in [
            ('정', ["jeong", "jong", "chong", "jung"]),
            ('은', ["eun", "un", "un", "eun"]),
            ('성', ["seong", "song", "sung", "sung"]),
            ('철', ["cheol", "chol", "chul", "chol"]),
            ('석', ["seok", "sok", "suk", "seok"]),
        ] {
            let sound = sound(hangul).unwrap();
            for spelling in spellings {
                assert!(
                    parse(spelling).iter().any(|heard| heard.may_be(sound)),
                    "{hangul} {spelling}"
                );
            }
        }
        let yong = parse("yong");
        assert!(
            !parse("jong")
                .iter()
                .any(|one| yong.iter().any(|two| one.may_be(*two)))
        );
        let il = parse("il");
        assert!(
            !parse("un")
                .iter()
                .any(|one| il.iter().any(|two| one.may_be(*two)))
        );
    }

    #[test]
    fn brands_are_spelled() {
        assert!(spells("삼성", "samsung"));
        assert!(!spells("현대", "honda"));
        assert!(spells("대우", "daewoo"));
        assert!(!spells("삼양", "samsung"));
        assert_eq!(romanise("김정은"), "gimjeongeun");
    }
}
