//! Check digits of the numbers that registers give to legal entities.

/// Whether 20 letters and digits have the check digits of ISO 17442: read as a number, letters as 10 to 35, it is 1
/// modulo 97 (ISO 7064, MOD 97-10).
#[must_use]
pub fn lei_is_valid(text: &str) -> bool {
    let text = text.trim();
    if text.len() != 20 {
        return false;
    }
    text.chars().try_fold(0_u32, |rest, letter| {
        let value = letter.to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((rest * shift + value) % 97)
    }) == Some(1)
}

/// The 31 signs of GB 32100-2015, in the order of their values: I, O, S, V and Z are none of them.
const USCC: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Whether 18 letters and digits have the check character of GB 32100-2015 (China's Unified Social Credit Code): the values
/// of the signs, each times 3 to the power of its place from 0, and the last one add up to 0 modulo 31.
#[must_use]
pub fn uscc_is_valid(text: &str) -> bool {
    let text = text.trim();
    if text.len() != 18 {
        return false;
    }
    let sum = text
        .chars()
        .enumerate()
        .try_fold((0, 1), |(sum, weight), (place, sign)| {
            let value = USCC.find(sign.to_ascii_uppercase())?;
            let weighed = if place == 17 { value } else { value * weight };
            Some(((sum + weighed) % 31, weight * 3 % 31))
        });
    matches!(sum, Some((0, _)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lei_check_digits() {
        for lei in [
            "5299SYN1000000000049",
            "5299SYN2000000000096",
            "5299SYN3000000000046",
            "5299SYN4000000000093",
        ] {
            assert!(lei_is_valid(lei), "{lei}");
        }
        for lei in [
            "5299SYN1000000000048",
            "5299SYN1000000000094",
            "5299SYN100000000004",
            "5299SYN100000000004é",
            "",
        ] {
            assert!(!lei_is_valid(lei), "{lei}");
        }
    }

    /// The first is the example that is usually given for the standard; the others are invented.
    #[test]
    fn uscc_check_character() {
        for code in [
            "91350100M000100Y43",
            "91330100MA0000001F",
            "91330100ma0000002j",
        ] {
            assert!(uscc_is_valid(code), "{code}");
        }
        for code in [
            "91350100M000100Y44",
            "91330100MA00000001",
            "91330100SYN0000001",
            "91350100M000100Y4",
            "91350100M000100Yé",
            "",
        ] {
            assert!(!uscc_is_valid(code), "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_digit_of_an_lei_is_seen(at in 0_usize..20, digit in 0_u32..10) {
            let good = "5299SYN1000000000049";
            let changed = with(good, at, digit);
            prop_assert_eq!(lei_is_valid(&changed), changed == good);
        }

        #[test]
        fn a_changed_digit_of_a_uscc_is_seen(at in 0_usize..18, digit in 0_u32..10) {
            let good = "91350100M000100Y43";
            let changed = with(good, at, digit);
            prop_assert_eq!(uscc_is_valid(&changed), changed == good);
        }
    }

    fn with(text: &str, at: usize, digit: u32) -> String {
        text.chars()
            .enumerate()
            .map(|(place, sign)| {
                if place == at {
                    char::from_digit(digit, 10).unwrap()
                } else {
                    sign
                }
            })
            .collect()
    }
}
