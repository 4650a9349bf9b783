//! Traditional and Japanese forms of Han characters to the simplified form that they are compared in.

use std::sync::LazyLock;

use super::tables::{Map, rows};

static SIMPLIFIED: LazyLock<Map<char, char>> = LazyLock::new(|| {
    rows(include_str!("../../data/names/simplified.tsv"))
        .filter_map(|row| match row.as_slice() {
            [from, to] => Some((from.chars().next()?, to.chars().next()?)),
            _ => None,
        })
        .collect()
});

/// The simplified form, or the character itself.
pub(crate) fn simplify(c: char) -> char {
    SIMPLIFIED.get(&c).copied().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_and_japanese_forms_meet() {
        assert_eq!(simplify('華'), '华');
        assert_eq!(simplify('電'), '电');
        assert_eq!(simplify('気'), '气');
        assert_eq!(simplify('气'), '气');
        assert_eq!(simplify('中'), '中');
    }
}
