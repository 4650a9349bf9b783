//! Addresses in Han: from the largest part to the smallest, each named by the character behind it.

use causeway_domain::Country;
use unicode_normalization::UnicodeNormalization;

use super::{Parts, code};
use crate::names::simplify;

/// What stands behind a part, longest first.
const MARKS: [(&str, Mark); 34] = [
    ("号楼", Mark::Block),
    ("号房", Mark::Room),
    ("单元", Mark::Room),
    ("街道", Mark::Town),
    ("大道", Mark::Street),
    ("大街", Mark::Street),
    ("大厦", Mark::Building),
    ("大楼", Mark::Building),
    ("商厦", Mark::Building),
    ("广场", Mark::Building),
    ("中心", Mark::Building),
    ("工业园", Mark::Building),
    ("科技园", Mark::Building),
    ("新区", Mark::Town),
    ("特区", Mark::Town),
    ("园区", Mark::Town),
    ("栋", Mark::Block),
    ("幢", Mark::Block),
    ("座", Mark::Block),
    ("楼", Mark::Floor),
    ("层", Mark::Floor),
    ("室", Mark::Room),
    ("房", Mark::Room),
    ("号", Mark::Number),
    ("路", Mark::Street),
    ("街", Mark::Street),
    ("巷", Mark::Street),
    ("道", Mark::Street),
    ("省", Mark::Town),
    ("市", Mark::Town),
    ("区", Mark::Town),
    ("县", Mark::Town),
    ("镇", Mark::Town),
    ("乡", Mark::Town),
];

/// Places that are written without such a character: countries, and where Hong Kong's streets lie.
const BARE: [&str; 20] = [
    "中华人民共和国",
    "中国",
    "香港",
    "澳门",
    "九龙",
    "新界",
    "观塘",
    "荃湾",
    "葵涌",
    "沙田",
    "湾仔",
    "中环",
    "旺角",
    "尖沙咀",
    "铜锣湾",
    "深水埗",
    "新蒲岗",
    "柴湾",
    "屯门",
    "元朗",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Town,
    Street,
    Number,
    Building,
    Block,
    Floor,
    Room,
}

/// Whether an address is to be read as one in Han.
pub(super) fn is_han(text: &str) -> bool {
    text.chars()
        .any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign))
}

pub(super) fn read(text: &str) -> (Parts, Option<Country>) {
    let text: String = text
        .nfkc()
        .filter(|sign| {
            !sign.is_whitespace() && !matches!(sign, ',' | '、' | '。' | '.' | '(' | ')')
        })
        .flat_map(char::to_lowercase)
        .map(simplify)
        .collect();
    let country = if text.contains("香港") {
        "HK".parse().ok()
    } else if text.contains("澳门") {
        "MO".parse().ok()
    } else if text.starts_with("中国") || text.starts_with("中华人民共和国") {
        "CN".parse().ok()
    } else {
        None
    };
    let mut parts = Parts::default();
    let mut rest = text.as_str();
    let mut held = String::new();
    'next: while let Some(sign) = rest.chars().next() {
        if held.is_empty()
            && let Some(place) = BARE.iter().find(|place| rest.starts_with(**place))
        {
            if !place.starts_with('中') || *place == "中环" {
                parts.towns.push((*place).to_owned());
            }
            rest = rest.get(place.len()..).unwrap_or_default();
            continue;
        }
        if !held.is_empty() {
            for (word, mark) in MARKS {
                if let Some(after) = rest.strip_prefix(word)
                    && parts.put(mark, &held)
                {
                    held.clear();
                    rest = after;
                    continue 'next;
                }
            }
        }
        held.push(sign);
        rest = rest.get(sign.len_utf8()..).unwrap_or_default();
    }
    if held.chars().any(char::is_alphabetic) && parts.building.is_none() {
        parts.building = Some(held);
    }
    (parts, country)
}

impl Parts {
    /// Takes a part with the character behind it; `false` where the two don't go together.
    fn put(&mut self, mark: Mark, held: &str) -> bool {
        match mark {
            Mark::Town => self.towns.push(held.to_owned()),
            Mark::Street => {
                if self.street.is_some() {
                    return false;
                }
                self.street = Some(held.to_owned());
            }
            Mark::Building => {
                if self.building.is_some() {
                    return false;
                }
                self.building = Some(held.to_owned());
            }
            Mark::Number => {
                let Some(number) = number(held) else {
                    return false;
                };
                self.numbers.extend(number.split('-').map(code));
            }
            Mark::Block | Mark::Floor | Mark::Room => {
                let Some(number) = number(held) else {
                    return false;
                };
                let place = match mark {
                    Mark::Block => &mut self.block,
                    Mark::Floor => &mut self.floor,
                    _ => &mut self.unit,
                };
                place.get_or_insert(number);
            }
        }
        true
    }
}

/// A number in digits, with letters (`12a`), one letter (`a座`), or in Han up to ninety-nine.
fn number(text: &str) -> Option<String> {
    let text = text.trim_start_matches('第');
    let digits = text.starts_with(|sign: char| sign.is_ascii_digit())
        && text
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || sign == '-');
    if digits || (text.len() == 1 && text.chars().all(|sign| sign.is_ascii_alphabetic())) {
        return Some(code(text));
    }
    let digit = |sign: char| "一二三四五六七八九".chars().position(|one| one == sign);
    let value = match text.split_once('十') {
        Some((tens, ones)) => {
            let part = |text: &str, empty: usize| match text.chars().next() {
                None => Some(empty),
                Some(sign) if text.chars().count() == 1 => digit(sign).map(|at| at + 1),
                Some(_) => None,
            };
            part(tens, 1)? * 10 + part(ones, 0)?
        }
        None if text.chars().count() == 1 => digit(text.chars().next()?)? + 1,
        None => return None,
    };
    Some(value.to_string())
}
