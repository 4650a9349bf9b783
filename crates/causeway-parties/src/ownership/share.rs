//! What somebody says that a holder has: a figure, a count, a range, or nothing that is known.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Ratio;

/// A share as it was stated. As text: `49.99 %`, `1 of 3`, `25 % to 50 %`, `unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Share {
    /// A percentage.
    Exact(Ratio),
    /// So many shares of so many that were issued.
    Counted {
        /// Shares held.
        held: u128,
        /// Shares issued.
        total: u128,
    },
    /// Between two percentages, both included.
    Between(Ratio, Ratio),
    /// Nobody says.
    Unknown,
}

/// Text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no share: {why}")]
pub struct InvalidShare {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

const FORMS: &str = "write a percentage such as `49.9`, a range such as `25-50`, or `unknown`";

impl Share {
    /// A count of shares.
    ///
    /// # Errors
    /// [`InvalidShare`] when more is held than there is, or there is nothing.
    pub fn counted(held: u128, total: u128) -> Result<Self, InvalidShare> {
        if total == 0 || held > total {
            return Err(InvalidShare {
                text: format!("{held} of {total}"),
                why: "the shares held are between none and all that were issued",
            });
        }
        Ok(Self::Counted { held, total })
    }

    /// Least and most that it can be; `None` when nobody says.
    #[must_use]
    pub fn bounds(&self) -> Option<(Ratio, Ratio)> {
        match self {
            Self::Exact(share) => Some((share.clone(), share.clone())),
            Self::Counted { held, total } => {
                let share = Ratio::of(*held, *total)?;
                Some((share.clone(), share))
            }
            Self::Between(low, high) => Some((low.clone(), high.clone())),
            Self::Unknown => None,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(share) => write!(f, "{share}"),
            Self::Counted { held, total } => write!(f, "{held} of {total}"),
            Self::Between(low, high) => write!(f, "{low} to {high}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        match share {
            // Percent as people read them is cut off; what is kept is not.
            Share::Exact(ratio) => exact(&ratio),
            Share::Between(low, high) => format!("{} to {}", exact(&low), exact(&high)),
            other => other.to_string(),
        }
    }
}

fn exact(ratio: &Ratio) -> String {
    let shown = ratio.to_string();
    if shown.contains('…') {
        format!("{ratio:?}")
    } else {
        shown
    }
}

impl TryFrom<String> for Share {
    type Error = InvalidShare;

    fn try_from(text: String) -> Result<Self, InvalidShare> {
        text.parse()
    }
}

/// Reads what registers and lists write: `60`, `60%`, `60.00 %`, `25-50`, `25 % to 50 %`, `>25`, `>=75`, `<5`, `majority`,
/// `1 of 3`, `1/3`, `unknown`.
///
/// A bound that is excluded (`>25`) is read as included: the range is wider by one point, never narrower. So `>50` can be
/// a half, and a test that asks for more than a half looks at it again.
impl FromStr for Share {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        let wrong = |why| InvalidShare {
            text: text.chars().take(60).collect(),
            why,
        };
        let word = text.trim();
        match word.to_ascii_lowercase().as_str() {
            "unknown" | "?" => return Ok(Self::Unknown),
            "majority" => return Ok(Self::Between(Ratio::percent(50), Ratio::one())),
            _ => {}
        }
        if let Some((held, total)) = word.split_once(" of ") {
            let count = |text: &str| text.trim().parse::<u128>().map_err(|_| wrong(FORMS));
            return Self::counted(count(held)?, count(total)?);
        }
        let part = |text: &str| -> Result<Ratio, InvalidShare> {
            let number = text.trim().trim_end_matches('%').trim_end();
            let share = if number.contains('/') {
                number.parse().map_err(|_| wrong(FORMS))?
            } else {
                Ratio::decimal_percent(number).map_err(|_| wrong(FORMS))?
            };
            if share.is_negative() || share > Ratio::one() {
                return Err(wrong("a share is between 0 and 100 percent"));
            }
            Ok(share)
        };
        let between = |low: Ratio, high: Ratio| {
            if low > high {
                Err(wrong("a range starts with its smaller end"))
            } else if low == high {
                Ok(Self::Exact(low))
            } else {
                Ok(Self::Between(low, high))
            }
        };
        for sign in [">=", ">", "≥", "over ", "more than "] {
            if let Some(rest) = word.strip_prefix(sign) {
                return between(part(rest)?, Ratio::one());
            }
        }
        for sign in ["<=", "<", "≤", "under ", "less than "] {
            if let Some(rest) = word.strip_prefix(sign) {
                return between(Ratio::zero(), part(rest)?);
            }
        }
        for sign in [" to ", "..", "–", "-"] {
            if let Some((low, high)) = word.split_once(sign) {
                return between(part(low)?, part(high)?);
            }
        }
        part(word).map(Self::Exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        text.parse::<Share>()
            .map_or_else(|error| error.to_string(), |share| share.to_string())
    }

    #[test]
    fn the_forms_of_registers_are_read() {
        assert_eq!(read("60"), "60 %");
        assert_eq!(read("60.00 %"), "60 %");
        assert_eq!(read("25-50"), "25 % to 50 %");
        assert_eq!(read("25 % to 50 %"), "25 % to 50 %");
        assert_eq!(read("25 – 50"), "25 % to 50 %");
        assert_eq!(read(">25"), "25 % to 100 %");
        assert_eq!(read("<5"), "0 % to 5 %");
        assert_eq!(read("majority"), "50 % to 100 %");
        assert_eq!(read("1 of 3"), "1 of 3");
        assert_eq!(read("1/3"), "33.3333… % (1/3)");
        assert_eq!(read("unknown"), "unknown");
    }

    #[test]
    fn what_is_no_share_is_refused_and_never_panics() {
        for text in [
            "", "101", "-5", "50-25", "4 of 3", "1 of 0", "half", "--", "-", "1e400", "%",
        ] {
            assert!(text.parse::<Share>().is_err(), "{text}: {}", read(text));
        }
    }

    #[test]
    fn text_gives_back_the_same_share() {
        for text in [
            "60",
            "25-50",
            "1 of 3",
            "1/3",
            "1/7 to 50 %",
            "unknown",
            "0.0000000000001",
        ] {
            let share: Share = text.parse().unwrap();
            let json = serde_json::to_string(&share).unwrap();
            assert_eq!(
                serde_json::from_str::<Share>(&json).unwrap(),
                share,
                "{json}"
            );
        }
    }
}
