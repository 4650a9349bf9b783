//! Latin letters as Koreans and Japanese spell them out, and loan words by their consonants.

/// Names of the letters in Hangul and Katakana, longest first.
const NAMES: [(&str, char); 57] = [
    ("더블유", 'w'),
    ("에이치", 'h'),
    ("에이", 'a'),
    ("비", 'b'),
    ("씨", 'c'),
    ("시", 'c'),
    ("디", 'd'),
    ("이", 'e'),
    ("에프", 'f'),
    ("지", 'g'),
    ("아이", 'i'),
    ("제이", 'j'),
    ("케이", 'k'),
    ("엘", 'l'),
    ("엠", 'm'),
    ("엔", 'n'),
    ("오", 'o'),
    ("피", 'p'),
    ("큐", 'q'),
    ("알", 'r'),
    ("에스", 's'),
    ("티", 't'),
    ("유", 'u'),
    ("브이", 'v'),
    ("엑스", 'x'),
    ("와이", 'y'),
    ("제트", 'z'),
    ("ダブリュー", 'w'),
    ("エックス", 'x'),
    ("エイチ", 'h'),
    ("エッチ", 'h'),
    ("エー", 'a'),
    ("エイ", 'a'),
    ("ビー", 'b'),
    ("シー", 'c'),
    ("ディー", 'd'),
    ("デー", 'd'),
    ("イー", 'e'),
    ("エフ", 'f'),
    ("ジー", 'g'),
    ("アイ", 'i'),
    ("ジェー", 'j'),
    ("ジェイ", 'j'),
    ("ケー", 'k'),
    ("ケイ", 'k'),
    ("エル", 'l'),
    ("エム", 'm'),
    ("エヌ", 'n'),
    ("オー", 'o'),
    ("ピー", 'p'),
    ("キュー", 'q'),
    ("アール", 'r'),
    ("エス", 's'),
    ("ティー", 't'),
    ("ユー", 'u'),
    ("ブイ", 'v'),
    ("ワイ", 'y'),
];

/// The letters that a whole word spells out: 에스케이 is SK. Two letters at least.
pub(super) fn spelled(word: &str) -> Option<String> {
    let mut rest = word;
    let mut letters = String::new();
    while !rest.is_empty() {
        let (after, letter) = NAMES
            .iter()
            .filter_map(|(name, letter)| Some((rest.strip_prefix(*name)?, *letter)))
            .min_by_key(|(after, _)| after.len())?;
        letters.push(letter);
        rest = after;
    }
    (letters.len() > 1).then_some(letters)
}

/// What stays of a foreign word when it is written in Kana or Hangul and read back: its consonants, l as r, v as b. Vowels
/// that were put between them drop out: sofutobanku and SoftBank are both sftbnk.
pub(super) fn consonants(latin: &str) -> String {
    let mut out = String::with_capacity(latin.len());
    let bytes = latin.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        let before = at
            .checked_sub(1)
            .and_then(|at| bytes.get(at))
            .copied()
            .unwrap_or(b' ');
        let vowel = |byte: u8| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u');
        let letter = match byte {
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' | b'w' => continue,
            // Silent or part of ch, sh, th, ph.
            b'h' if matches!(before, b'c' | b's' | b't' | b'p' | b'g')
                || (vowel(before) && !vowel(next)) =>
            {
                continue;
            }
            b'p' if next == b'h' => 'f',
            b't' if next == b'h' => 's',
            b'c' if next == b'h' => 'c',
            b'c' if matches!(next, b'e' | b'i' | b'y') => 's',
            b'c' | b'q' => 'k',
            b'x' => {
                out.push_str("ks");
                continue;
            }
            // The r of -er, -ar, -or is not heard.
            b'r' if at + 1 == bytes.len() && matches!(before, b'a' | b'e' | b'o') => continue,
            b'l' => 'r',
            b'v' => 'b',
            b'm' if !vowel(next) && at + 1 < bytes.len() => 'n',
            other => char::from(*other),
        };
        if !out.ends_with(letter) {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_spelled_out() {
        assert_eq!(spelled("에스케이").as_deref(), Some("sk"));
        assert_eq!(spelled("엘지").as_deref(), Some("lg"));
        assert_eq!(spelled("エヌティーティー").as_deref(), Some("ntt"));
        assert_eq!(spelled("삼성"), None);
    }

    #[test]
    fn loan_words_keep_their_consonants() {
        assert_eq!(consonants("sofutobanku"), consonants("softbank"));
        assert_eq!(consonants("panasonikku"), consonants("panasonic"));
        assert_eq!(consonants("orinpasu"), consonants("olympus"));
        assert_eq!(consonants("hainikseu"), consonants("hynix"));
        assert_ne!(consonants("toyota"), consonants("honda"));
    }
}
