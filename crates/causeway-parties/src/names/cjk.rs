//! Names in Han, Kana and Hangul, written without spaces: legal forms, industry words and places are taken off both ends
//! by the longest match; what stays in the middle is the brand.

use super::form::Forms;
use super::tables::{Entry, LONGEST_NATIVE, TABLES};
use super::text::Script;
use super::{hangul, kana, letters, syllable};

/// What a part of a name is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Word(Box<str>, Entry),
    Form(Forms),
    Brand(Box<str>),
}

/// Endings of Chinese administrative units: 浙江省, 深圳市.
const UNITS: [&str; 7] = ["特别行政区", "自治区", "自治州", "省", "市", "区", "县"];

/// Words of one character that may end a name; others of one character are too likely a part of a brand.
const SHORT_ENDS: [char; 3] = ['厂', '云', '军'];

/// Takes a run of one script apart.
pub(super) fn parts(text: &str) -> Vec<Part> {
    if let Some(forms) = TABLES.native_forms.get(text) {
        return vec![Part::Form(*forms)];
    }
    if let Some(entry) = TABLES.native.get(text) {
        return vec![Part::Word(text.into(), *entry)];
    }
    let mut rest = text;
    let mut tail = Vec::new();
    while let Some((part, before)) = last(rest) {
        tail.push(part);
        rest = before;
    }
    let mut parts = Vec::new();
    while let Some((part, after)) = first(rest, parts.is_empty()) {
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Brand(rest.into()));
    }
    parts.extend(tail.into_iter().rev());
    // ソフトバンク: a brand that is made of known words, in a script that borrows them.
    let borrowed = text
        .chars()
        .next()
        .is_some_and(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
    if borrowed
        && parts
            .iter()
            .all(|part| matches!(part, Part::Word(_, entry) if !entry.place))
    {
        return vec![Part::Brand(text.into())];
    }
    parts
}

fn find(text: &str, short: bool) -> Option<Part> {
    let one = text.chars().nth(1).is_none();
    if one && !(short && text.starts_with(SHORT_ENDS)) {
        return None;
    }
    if let Some(forms) = TABLES.native_forms.get(text) {
        return Some(Part::Form(*forms));
    }
    TABLES
        .native
        .get(text)
        .map(|entry| Part::Word(text.into(), *entry))
}

fn last(text: &str) -> Option<(Part, &str)> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let skip = starts.len().saturating_sub(LONGEST_NATIVE);
    for at in starts.into_iter().skip(skip) {
        let (Some(before), Some(end)) = (text.get(..at), text.get(at..)) else {
            continue;
        };
        if let Some(part) = find(end, true) {
            // A whole text was looked up before: leave a brand of at least one character, unless nothing is left over.
            return Some((part, before));
        }
    }
    None
}

fn first(text: &str, at_start: bool) -> Option<(Part, &str)> {
    let ends: Vec<usize> = text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .collect();
    for at in ends.into_iter().take(LONGEST_NATIVE).rev() {
        let (Some(start), Some(mut after)) = (text.get(..at), text.get(at..)) else {
            continue;
        };
        let Some(part) = find(start, false) else {
            continue;
        };
        let place = matches!(&part, Part::Word(_, entry) if entry.place);
        // Only places and legal forms open a name; another known word there is more likely a piece of the brand, unless it
        // follows a place (中国电子…).
        if !place && !matches!(part, Part::Form(_)) && at_start && after.chars().nth(1).is_none() {
            continue;
        }
        if place {
            for unit in UNITS {
                after = after.strip_prefix(unit).unwrap_or(after);
            }
        }
        return Some((part, after));
    }
    None
}

/// Latin readings of a brand: all of a short one, the commonest of a long one.
pub(super) fn readings(text: &str, script: Script) -> Vec<Box<str>> {
    match script {
        Script::Kana => {
            let latin = kana::romanise(text);
            let closed = kana::closed(&latin);
            let mut all = vec![latin.into_boxed_str()];
            if *closed != *all.first().map_or("", |one| one) {
                all.push(closed.into());
            }
            all.extend(letters::spelled(text).map(Box::from));
            all
        }
        Script::Hangul => {
            let mut all = vec![hangul::romanise(text).into_boxed_str()];
            all.extend(letters::spelled(text).map(Box::from));
            all
        }
        _ => han_readings(text),
    }
}

/// No more combinations of heteronyms than this.
const MOST_READINGS: usize = 16;

fn han_readings(text: &str) -> Vec<Box<str>> {
    let count = text.chars().count();
    let mut all = vec![String::new()];
    let mut wade = String::new();
    for c in text.chars() {
        let mut readings = syllable::readings(c);
        if readings.is_empty() {
            // A character without a reading (rare ones, kokuji): nothing to compare in Latin.
            return Vec::new();
        }
        wade.push_str(
            readings
                .first()
                .and_then(|one| syllable::wade_giles(one))
                .unwrap_or(""),
        );
        for reading in &mut readings {
            if reading.contains('v') {
                *reading = reading.replace('v', "u");
            }
        }
        if count > 4 || all.len() * readings.len() > MOST_READINGS {
            readings.truncate(1);
        }
        all = all
            .iter()
            .flat_map(|head| readings.iter().map(move |tail| format!("{head}{tail}")))
            .collect();
    }
    if count <= 4 && !all.contains(&wade) {
        all.push(wade);
    }
    all.into_iter().map(String::into_boxed_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let words: Vec<String> = parts(text)
            .into_iter()
            .map(|part| match part {
                Part::Word(word, _) => word.to_string(),
                Part::Form(_) => "*".to_owned(),
                Part::Brand(brand) => format!("[{brand}]"),
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn the_brand_is_what_stays() {
        assert_eq!(shown("浙江大华技术股份有限公司"), "浙江 [大华] 技术 *");
        assert_eq!(shown("依图科技"), "[依图] 科技");
        assert_eq!(
            shown("深圳市大疆创新科技有限公司"),
            "深圳 [大疆] 创新 科技 *"
        );
        assert_eq!(shown("中国电子科技集团"), "中国 电子 科技 集团");
        assert_eq!(shown("삼성전자"), "[삼성] 전자");
        assert_eq!(shown("株式会社"), "*");
        assert_eq!(shown("哈尔滨工业大学"), "哈尔滨 工业大学");
        assert_eq!(shown("重庆长安汽车股份有限公司"), "重庆 [长安] 汽车 *");
    }

    #[test]
    fn heteronyms_give_all_readings() {
        let readings = readings("长城", Script::Han);
        for reading in ["changcheng", "zhangcheng"] {
            assert!(readings.iter().any(|one| **one == *reading), "{readings:?}");
        }
        assert_eq!(&*super::readings("さくら", Script::Kana)[0], "sakura");
    }
}
