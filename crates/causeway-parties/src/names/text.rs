//! Text to pieces: one script each, lower case, in the letters that names are compared in.

use any_ascii::any_ascii_char;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script as Unicode, UnicodeScript};

use super::simplified::simplify;

/// The scripts that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Script {
    /// Latin letters and digits, with diacritics folded.
    Latin,
    /// Cyrillic, romanised.
    Cyrillic,
    /// Arabic, romanised: consonants only, as it is written.
    Arabic,
    /// Chinese characters, simplified.
    Han,
    /// Hiragana and Katakana.
    Kana,
    /// Korean syllables.
    Hangul,
    /// Any other, romanised.
    Other,
}

impl Script {
    /// Whether text of this script is kept as it is, not romanised.
    pub(super) fn is_native(self) -> bool {
        matches!(self, Self::Han | Self::Kana | Self::Hangul)
    }
}

/// A run of one script between separators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) script: Script,
    /// A dot or slash follows directly: "S.A.", "A/S".
    pub(super) dotted: bool,
    /// A hyphen joins it to the piece before.
    pub(super) hyphened: bool,
    /// Where its last capital follows a small letter, in bytes: "Siemens|AG".
    pub(super) hump: Option<usize>,
}

/// Splits a text. Compatibility forms (full-width, circled, ligatures) are resolved, invisible and direction marks
/// dropped, apostrophes inside words closed up.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut builder = Builder::default();
    if text.is_ascii() {
        for byte in text.bytes() {
            builder.ascii(char::from(byte));
        }
    } else {
        for c in text.nfkc() {
            if c.is_ascii() {
                builder.ascii(c);
            } else {
                builder.other(c);
            }
        }
    }
    builder.close();
    builder.pieces
}

#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
    open: Option<Piece>,
    small: bool,
    hyphen: bool,
}

impl Builder {
    fn ascii(&mut self, c: char) {
        match c {
            'a'..='z' | '0'..='9' => {
                self.start(Script::Latin).text.push(c);
                self.small = c.is_ascii_lowercase();
            }
            'A'..='Z' => {
                let small = self.small;
                let piece = self.start(Script::Latin);
                if small && !piece.text.is_empty() {
                    piece.hump = Some(piece.text.len());
                }
                piece.text.push(c.to_ascii_lowercase());
                self.small = false;
            }
            '\'' | '`' | '"' if self.open.is_some() && c != '"' => {}
            '.' | '/' => {
                if let Some(open) = &mut self.open {
                    open.dotted = true;
                }
                self.close();
            }
            '-' => {
                let joined = self.open.is_some();
                self.close();
                self.hyphen = joined;
            }
            '&' | '+' => {
                self.close();
                self.start(Script::Latin).text.push_str("and");
                self.close();
            }
            _ => self.close(),
        }
    }

    fn other(&mut self, c: char) {
        match c {
            // Apostrophes and the letters that stand for one.
            '\u{2018}'
            | '\u{2019}'
            | '\u{201b}'
            | '\u{2b9}'..='\u{2bf}'
            | '\u{2c8}'
            | '\u{b4}'
            | '\u{60}' => return,
            // Invisible, joining and direction marks, variation selectors, soft hyphen.
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{61c}'
            | '\u{640}' => return,
            '\u{2010}'..='\u{2015}' | '\u{2212}' => return self.ascii('-'),
            // The long vowel mark belongs to the kana before.
            'ー' => {
                if let Some(open) = &mut self.open {
                    open.text.push(c);
                }
                return;
            }
            _ => {}
        }
        let script = match c.script() {
            Unicode::Latin => Script::Latin,
            Unicode::Cyrillic => Script::Cyrillic,
            Unicode::Arabic => Script::Arabic,
            Unicode::Han => Script::Han,
            Unicode::Hiragana | Unicode::Katakana => Script::Kana,
            Unicode::Hangul => Script::Hangul,
            // Combining marks that no letter took up.
            Unicode::Inherited => return,
            _ if c.is_alphanumeric() => Script::Other,
            _ => return self.close(),
        };
        if script == Script::Han {
            self.start(script).text.push(simplify(c));
        } else if script.is_native() {
            // Hiragana and Katakana side by side are two words: さくらインターネット.
            let katakana = c.script() == Unicode::Katakana;
            if let Some(open) = &self.open
                && open.script == Script::Kana
                && open
                    .text
                    .chars()
                    .next()
                    .is_some_and(|first| (first.script() == Unicode::Katakana) != katakana)
            {
                self.close();
            }
            self.start(script).text.push(c);
        } else {
            let small = c.is_lowercase();
            let piece = self.start(script);
            if let Some(letter) = arabic(c) {
                piece.text.push_str(letter);
                return;
            }
            for letter in any_ascii_char(c)
                .chars()
                .filter(char::is_ascii_alphanumeric)
            {
                piece.text.push(letter.to_ascii_lowercase());
            }
            self.small = small;
        }
    }

    fn start(&mut self, script: Script) -> &mut Piece {
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.script != script && !same_word(open, script))
        {
            self.close();
        }
        let hyphened = std::mem::take(&mut self.hyphen);
        if self.open.is_none() {
            self.small = false;
        }
        self.open.get_or_insert_with(|| Piece {
            text: String::with_capacity(12),
            script,
            dotted: false,
            hyphened,
            hump: None,
        })
    }

    fn close(&mut self) {
        if let Some(piece) = self.open.take()
            && !piece.text.is_empty()
        {
            self.pieces.push(piece);
        }
        self.hyphen = false;
    }
}

/// Letters of Arabic and Persian as names are compared: one Latin letter each, those that Latin spellings mix up together.
fn arabic(c: char) -> Option<&'static str> {
    Some(match c {
        'ا' | 'أ' | 'آ' | 'ٱ' | 'ع' | 'ى' => "a",
        'إ' | 'ي' | 'ی' | 'ئ' => "i",
        'و' | 'ؤ' => "u",
        'ب' => "b",
        'پ' => "p",
        'ت' | 'ث' | 'ط' => "t",
        'ج' => "j",
        'چ' => "c",
        'ح' | 'خ' | 'ه' => "h",
        'د' | 'ذ' | 'ض' => "d",
        'ر' => "r",
        'ز' | 'ظ' | 'ژ' => "z",
        'س' | 'ش' | 'ص' => "s",
        'غ' | 'گ' => "g",
        'ف' => "f",
        'ق' | 'ك' | 'ک' => "k",
        'ل' => "l",
        'م' => "m",
        'ن' => "n",
        'ة' | 'ء' => "",
        _ => return None,
    })
}

/// Digits stand inside words of other alphabets.
fn same_word(open: &Piece, script: Script) -> bool {
    !open.script.is_native()
        && !script.is_native()
        && (open.script == Script::Latin) != (script == Script::Latin)
        && open.text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        pieces(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn scripts_are_split_and_letters_folded() {
        assert_eq!(words("ＡＢＣ\u{200b} Ltd"), ["abc", "ltd"]);
        assert_eq!(
            words("さくらインターネット株式会社"),
            ["さくら", "インターネット", "株式会社"]
        );
        assert_eq!(words("騰訊控股有限公司"), ["腾讯控股有限公司"]);
        assert_eq!(words("Société Générale"), ["societe", "generale"]);
        assert_eq!(words("Mu'tassim Ba\u{2019}asyir"), ["mutassim", "baasyir"]);
        assert_eq!(words("Сергей"), ["sergey"]);
        assert_eq!(words("삼성전자㈜"), ["삼성전자", "주"]);
    }

    #[test]
    fn marks_that_matter_are_remembered() {
        let piece = &pieces("SiemensAG")[0];
        assert_eq!((piece.text.as_str(), piece.hump), ("siemensag", Some(7)));
        let dotted: Vec<bool> = pieces("S.A. x").iter().map(|piece| piece.dotted).collect();
        assert_eq!(dotted, [true, true, false]);
        assert!(pieces("Mercedes-Benz")[1].hyphened);
        assert!(!pieces("Mercedes - Benz")[1].hyphened);
    }
}
