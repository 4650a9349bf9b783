//! Kana to Latin letters (Hepburn).

/// The Latin reading of Hiragana or Katakana. Long vowels are written once, as customary in names.
pub(super) fn romanise(text: &str) -> String {
    let mut latin = String::new();
    let mut doubled = false;
    for c in text.chars().map(hiragana) {
        if c == 'っ' {
            doubled = true;
            continue;
        }
        if c == 'ー' {
            continue;
        }
        if let Some(small) = small(c) {
            glide(&mut latin, small);
            continue;
        }
        let Some(syllable) = syllable(c) else {
            continue;
        };
        if std::mem::take(&mut doubled) {
            latin.extend(
                syllable
                    .chars()
                    .next()
                    .map(|first| if first == 'c' { 't' } else { first }),
            );
        }
        latin.push_str(syllable);
    }
    latin
}

/// The same text with long vowels closed up: "toukyou" and "tokyo" are both written.
pub(super) fn closed(latin: &str) -> String {
    latin
        .replace("ou", "o")
        .replace("oo", "o")
        .replace("uu", "u")
}

fn hiragana(c: char) -> char {
    match u32::from(c) {
        code @ 0x30a1..=0x30f6 => char::from_u32(code - 0x60).unwrap_or(c),
        _ => c,
    }
}

fn small(c: char) -> Option<&'static str> {
    Some(match c {
        'ゃ' => "ya",
        'ゅ' => "yu",
        'ょ' => "yo",
        'ぁ' => "a",
        'ぃ' => "i",
        'ぅ' => "u",
        'ぇ' => "e",
        'ぉ' => "o",
        _ => return None,
    })
}

/// A small kana takes the place of the vowel before it: ki + ya is kya, shi + yo is sho, fu + a is fa.
fn glide(latin: &mut String, small: &str) {
    latin.pop();
    let sibilant = latin.ends_with("sh") || latin.ends_with("ch") || latin.ends_with('j');
    latin.push_str(if sibilant {
        small.trim_start_matches('y')
    } else {
        small
    });
}

fn syllable(c: char) -> Option<&'static str> {
    const ROWS: &str = "あa いi うu えe おo かka きki くku けke こko がga ぎgi ぐgu げge ごgo さsa しshi すsu せse そso ざza じji ずzu ぜze ぞzo \
        たta ちchi つtsu てte とto だda ぢji づzu でde どdo なna にni ぬnu ねne のno はha ひhi ふfu へhe ほho ばba びbi ぶbu べbe ぼbo \
        ぱpa ぴpi ぷpu ぺpe ぽpo まma みmi むmu めme もmo やya ゆyu よyo らra りri るru れre ろro わwa ゐi ゑe をo んn ゔvu";
    ROWS.split_ascii_whitespace()
        .find_map(|row| row.strip_prefix(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kana_is_read() {
        for (kana, latin) in [
            ("さくら", "sakura"),
            ("トヨタ", "toyota"),
            ("きょうと", "kyouto"),
            ("ソフトバンク", "sofutobanku"),
            ("ファナック", "fanakku"),
            ("ニッポン", "nippon"),
            ("しょうわ", "shouwa"),
        ] {
            assert_eq!(romanise(kana), latin);
        }
        assert_eq!(closed("kyouto"), "kyoto");
    }
}
