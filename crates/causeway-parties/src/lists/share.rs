//! Shares as sources state them: exact, between bounds, or not at all.

use causeway_domain::Percent;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A share of a whole. A range stays a range.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// This much.
    Exact(Percent),
    /// Somewhere between.
    Range {
        /// The least it can be.
        min: Percent,
        /// The most it can be.
        max: Percent,
        /// Whether it is more than `min`, not `min` itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        above: bool,
        /// Whether it is less than `max`, not `max` itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        below: bool,
    },
    /// The source states no share.
    #[default]
    Unstated,
}

impl Share {
    /// Between bounds; one point where both are the same.
    #[must_use]
    pub fn between(min: Percent, above: bool, max: Percent, below: bool) -> Self {
        if min == max && !above && !below {
            return Self::Exact(min);
        }
        Self::Range {
            min,
            max,
            above,
            below,
        }
    }

    /// Reads `60`, `60%`, `60.00 %`, `0,5 %` (a decimal comma), `25-50`, `25 to 50`, `>25`, `>=25`, `<10`, `more than 25`,
    /// `majority`. Exact: no digit is rounded. `None` for anything else, and for more than 100.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let full = Percent::new(Decimal::ONE_HUNDRED);
        let none = Percent::new(Decimal::ZERO);
        match text.as_str() {
            "majority" | "a majority" | "majority shareholder" => {
                return Some(Self::between(
                    Percent::new(Decimal::from(50)),
                    true,
                    full,
                    false,
                ));
            }
            "minority" => {
                return Some(Self::between(
                    none,
                    false,
                    Percent::new(Decimal::from(50)),
                    true,
                ));
            }
            _ => {}
        }
        for (words, above) in [
            (">=", false),
            ("≥", false),
            ("at least ", false),
            (">", true),
            ("more than ", true),
            ("over ", true),
        ] {
            if let Some(rest) = text.strip_prefix(words) {
                return Some(Self::between(percent(rest)?, above, full, false));
            }
        }
        for (words, below) in [
            ("<=", false),
            ("≤", false),
            ("up to ", false),
            ("<", true),
            ("less than ", true),
            ("under ", true),
        ] {
            if let Some(rest) = text.strip_prefix(words) {
                return Some(Self::between(none, false, percent(rest)?, below));
            }
        }
        for between in ["-", "–", "—", " to "] {
            if let Some((low, high)) = text.split_once(between) {
                let (low, high) = (percent(low)?, percent(high)?);
                return (low <= high).then(|| Self::between(low, false, high, false));
            }
        }
        percent(&text).map(Self::Exact)
    }

    /// The least it can be, percent.
    #[must_use]
    pub fn least(&self) -> Decimal {
        match self {
            Self::Exact(share) | Self::Range { min: share, .. } => share.get(),
            Self::Unstated => Decimal::ZERO,
        }
    }
}

/// A number of percent, from 0 to 100.
pub(super) fn percent(text: &str) -> Option<Percent> {
    let number = text.trim().trim_end_matches('%').trim_end();
    let number = match number.split_once(',') {
        Some((whole, part)) if !number.contains('.') && !part.contains(',') => {
            format!("{whole}.{part}")
        }
        _ => number.to_owned(),
    };
    let plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    // `from_str_exact` refuses digits that it would have to round away.
    let value = Decimal::from_str_exact(&number)
        .ok()
        .filter(|_| plain && !number.is_empty())?;
    (value <= Decimal::ONE_HUNDRED).then(|| Percent::new(value))
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(share) => share.fmt(f),
            Self::Range {
                min,
                max,
                above,
                below,
            } => {
                let from = if *above { "more than " } else { "" };
                let to = if *below { "less than " } else { "" };
                write!(f, "{from}{min} to {to}{max}")
            }
            Self::Unstated => f.write_str("not stated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        Share::read(text).map_or_else(|| "?".to_owned(), |share| share.to_string())
    }

    #[test]
    fn reads_the_ways_in_which_a_share_is_written() {
        for (text, says) in [
            ("60", "60 %"),
            ("60%", "60 %"),
            ("60.00 %", "60 %"),
            ("49,99 %", "49.99 %"),
            ("0.1", "0.1 %"),
            ("25-50", "25 % to 50 %"),
            ("25 % – 50 %", "25 % to 50 %"),
            ("75 to 100", "75 % to 100 %"),
            (">25", "more than 25 % to 100 %"),
            (">= 25%", "25 % to 100 %"),
            ("< 10", "0 % to less than 10 %"),
            ("majority", "more than 50 % to 100 %"),
            ("Majority", "more than 50 % to 100 %"),
            ("50-50", "50 %"),
        ] {
            assert_eq!(read(text), says, "{text}");
        }
        for text in [
            "",
            "%",
            "some",
            "101",
            "-5",
            "50-25",
            "1e2",
            "0x10",
            "60 percent",
            "1,000,000",
            "1.2.3",
            "1_0",
            "+5",
            "25-",
            "5.00000000000000000000000000000000001",
        ] {
            assert_eq!(read(text), "?", "{text}");
        }
    }

    #[test]
    fn just_below_half_is_not_half() {
        let close = Share::read("49.999999999999999999").unwrap();
        assert!(close.least() < Decimal::from(50));
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_within_a_whole(text in ".{0,24}") {
            if let Some(share) = Share::read(&text) {
                prop_assert!(share.least() >= Decimal::ZERO && share.least() <= Decimal::ONE_HUNDRED);
            }
        }
    }
}
