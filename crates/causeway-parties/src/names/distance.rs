//! Edit distance with a budget, in halves of an edit.

/// The longest word that is compared letter by letter; longer ones are cut, which only makes them more alike at the end.
const LONGEST: usize = 40;

/// What slips of the pen cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// A brand: every edit counts in full, one in the first letter half as much again (people rarely mistype it, and brands
    /// are told apart by it).
    Brand,
    /// A romanised personal name: vowels are half an edit, as is a doubled letter.
    Personal,
}

/// The number of half edits between two words (insert, delete, replace, swap of neighbours), or nothing when it is over
/// the budget.
pub(super) fn halves(left: &str, right: &str, cost: Cost, budget: u8) -> Option<u8> {
    let (left, right) = (cut(left.as_bytes()), cut(right.as_bytes()));
    let least = if cost == Cost::Personal { 1 } else { 2 };
    if left.len().abs_diff(right.len()) * least > usize::from(budget) {
        return None;
    }
    osa(left, right, cost, budget)
}

fn cut(word: &[u8]) -> &[u8] {
    word.get(..LONGEST).unwrap_or(word)
}

fn vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

fn drop_cost(word: &[u8], at: usize, cost: Cost) -> u8 {
    let (Some(letter), before) = (word.get(at), at.checked_sub(1).and_then(|at| word.get(at)))
    else {
        return 2;
    };
    match cost {
        Cost::Personal if vowel(*letter) || before == Some(letter) => 1,
        Cost::Personal => 2,
        Cost::Brand if at == 0 => 3,
        Cost::Brand => 2,
    }
}

fn replace_cost(from: u8, to: u8, first: bool, cost: Cost) -> u8 {
    match cost {
        _ if from == to => 0,
        Cost::Personal if vowel(from) && vowel(to) => 1,
        Cost::Personal => {
            let pair = (from.min(to), from.max(to));
            if matches!(
                pair,
                (b'c', b'k')
                    | (b'k', b'q')
                    | (b'c', b'q')
                    | (b's', b'z')
                    | (b'j', b'z')
                    | (b'v', b'w')
                    | (b'j', b'y')
                    | (b'i', b'j')
            ) {
                1
            } else {
                2
            }
        }
        Cost::Brand if first => 3,
        Cost::Brand => 2,
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "rows have LONGEST + 1 places and words are cut to LONGEST; this is the innermost loop of all matching"
)]
fn osa(left: &[u8], right: &[u8], cost: Cost, budget: u8) -> Option<u8> {
    let mut rows = [[0_u8; LONGEST + 1]; 3];
    for at in 0..right.len() {
        rows[1][at + 1] = rows[1][at].saturating_add(drop_cost(right, at, cost));
    }
    // rows[1] is the row before, rows[0] the one before that, rows[2] the one being filled.
    for i in 0..left.len() {
        let gone = drop_cost(left, i, cost);
        rows[2][0] = rows[1][0].saturating_add(gone);
        let mut least = rows[2][0];
        for j in 0..right.len() {
            let (from, to) = (left[i], right[j]);
            let replaced =
                rows[1][j].saturating_add(replace_cost(from, to, i == 0 && j == 0, cost));
            let removed = rows[1][j + 1].saturating_add(gone);
            let added = rows[2][j].saturating_add(drop_cost(right, j, cost));
            let mut best = replaced.min(removed).min(added);
            if i > 0 && j > 0 && from == right[j - 1] && left[i - 1] == to && from != to {
                best = best.min(rows[0][j - 1].saturating_add(2));
            }
            rows[2][j + 1] = best;
            least = least.min(best);
        }
        if least > budget {
            return None;
        }
        rows.rotate_left(1);
    }
    let total = rows[1][right.len()];
    (total <= budget).then_some(total)
}

/// One bit a letter: words whose masks differ in many bits can't be a few edits apart.
pub(super) fn mask(word: &str) -> u32 {
    word.bytes().fold(0, |mask, byte| {
        let bit = match byte {
            b'a'..=b'z' => u32::from(byte - b'a'),
            b'0'..=b'9' => 26 + u32::from(byte - b'0') % 5,
            _ => 31,
        };
        mask | 1 << bit
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn costs_follow_the_kind_of_word() {
        assert_eq!(halves("gasprom", "gazprom", Cost::Brand, 4), Some(2));
        assert_eq!(halves("tscale", "nscale", Cost::Brand, 4), Some(3));
        assert_eq!(halves("cambrian", "cambricon", Cost::Brand, 4), Some(4));
        assert_eq!(halves("schloz", "scholz", Cost::Personal, 4), Some(2));
        assert_eq!(halves("husein", "husain", Cost::Personal, 4), Some(1));
        assert_eq!(halves("hassan", "hasan", Cost::Personal, 4), Some(1));
        assert_eq!(halves("messi", "bessi", Cost::Personal, 4), Some(2));
        assert_eq!(halves("gazprom", "rosneft", Cost::Brand, 4), None);
    }

    proptest! {
        #[test]
        fn distance_is_symmetric_and_zero_only_for_equals(a in "[a-e]{0,12}", b in "[a-e]{0,12}") {
            for cost in [Cost::Brand, Cost::Personal] {
                let there = halves(&a, &b, cost, 60);
                prop_assert_eq!(there == Some(0), a == b);
                if cost == Cost::Brand {
                    prop_assert_eq!(there, halves(&b, &a, cost, 60));
                }
                // The mask never throws away what the distance would let pass.
                if let Some(halves) = there {
                    prop_assert!((mask(&a) ^ mask(&b)).count_ones() <= 2 * u32::from(halves));
                }
            }
        }
    }
}
