//! Exact numbers: shares are fractions, and nothing is ever rounded before it is compared.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};
use std::str::FromStr;

use num_bigint::BigInt;
use num_rational::BigRational;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest number that is read, in characters. A share has far fewer; a table of a large loop has at most some hundreds.
const LONGEST: usize = 4096;
/// Decimal places of a percentage that are shown before it is cut off with `…`.
const SHOWN: usize = 4;

/// An exact fraction of a whole: `1/2` is a half. As text `1/2`; [`fmt::Display`] shows percent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(BigRational);

/// Text that is no number of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an exact number")]
pub struct InvalidRatio(pub String);

impl Ratio {
    /// Nothing.
    #[must_use]
    pub fn zero() -> Self {
        Self::whole(0)
    }

    /// The whole.
    #[must_use]
    pub fn one() -> Self {
        Self::whole(1)
    }

    fn whole(number: i64) -> Self {
        Self(BigRational::from_integer(BigInt::from(number)))
    }

    /// So many of so many. `None` of a whole of nothing.
    #[must_use]
    pub fn of(part: u128, whole: u128) -> Option<Self> {
        (whole != 0).then(|| Self(BigRational::new(BigInt::from(part), BigInt::from(whole))))
    }

    /// So many percent, a whole number.
    #[must_use]
    pub fn percent(percent: u32) -> Self {
        Self(BigRational::new(BigInt::from(percent), BigInt::from(100)))
    }

    /// A decimal number of percent, `49.99`, taken exactly.
    ///
    /// # Errors
    /// [`InvalidRatio`] for anything but digits with at most one point.
    pub fn decimal_percent(text: &str) -> Result<Self, InvalidRatio> {
        let number: BigRational = decimal(text).ok_or_else(|| InvalidRatio(text.to_owned()))?;
        Ok(Self(number / BigRational::from_integer(BigInt::from(100))))
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::zero()
    }

    /// Whether it is below nothing: no share is, a wrong table may be.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        *self < Self::zero()
    }

    /// How often `other` goes into it. `None` when `other` is nothing.
    #[must_use]
    pub fn over(&self, other: &Self) -> Option<Self> {
        (!other.is_zero()).then(|| Self(&self.0 / &other.0))
    }

    /// The fraction as a decimal with so many places, half rounded up: for showing, never for comparing.
    #[must_use]
    pub fn rounded(&self, places: u32) -> String {
        let scale = BigInt::from(10).pow(places);
        let half = BigRational::new(BigInt::from(1), BigInt::from(2));
        let scaled = (&self.0 * BigRational::from_integer(scale) + half).floor();
        point(&scaled.to_integer(), places as usize)
    }

    /// Percent with two places at most, `≈` before it where that is not exact: for pictures and tables.
    #[must_use]
    pub fn about(&self) -> String {
        let percent = Self(&self.0 * BigRational::from_integer(BigInt::from(100)));
        let shown = percent.rounded(2);
        if self.exact_percent().as_deref() == Some(shown.as_str()) {
            format!("{shown} %")
        } else {
            format!("≈{shown} %")
        }
    }

    /// Percent, exact where the decimal ends within twelve places.
    fn exact_percent(&self) -> Option<String> {
        let mut percent = &self.0 * BigRational::from_integer(BigInt::from(100));
        for places in 0..=12 {
            if percent.is_integer() {
                return Some(point(&percent.to_integer(), places));
            }
            percent *= BigRational::from_integer(BigInt::from(10));
        }
        None
    }
}

/// Writes an integer with a point before its last places, without needless zeros.
fn point(number: &BigInt, places: usize) -> String {
    let text = number.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = padded.split_at(padded.len() - places);
    let part = part.trim_end_matches('0');
    if part.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{part}")
    }
}

fn decimal(text: &str) -> Option<BigRational> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let ends = !whole.is_empty() && (!part.is_empty() || !text.contains('.'));
    if !ends || !digits(whole) || !digits(part) || text.len() > 60 {
        return None;
    }
    let number: BigInt = format!("{whole}{part}").parse().ok()?;
    let places = u32::try_from(part.len()).ok()?;
    Some(BigRational::new(number, BigInt::from(10).pow(places)))
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.exact_percent().map_or_else(
            || {
                let percent = Self(&self.0 * BigRational::from_integer(BigInt::from(100)));
                let cut = {
                    let scale = BigInt::from(10).pow(4);
                    let scaled = (&percent.0 * BigRational::from_integer(scale)).floor();
                    point(&scaled.to_integer(), SHOWN)
                };
                let fraction = self.0.to_string();
                if fraction.len() <= 5 {
                    format!("{cut}… % ({fraction})")
                } else {
                    format!("{cut}… %")
                }
            },
            |exact| format!("{exact} %"),
        );
        f.pad(&text)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// `1/2`, or `1`.
impl FromStr for Ratio {
    type Err = InvalidRatio;

    fn from_str(text: &str) -> Result<Self, InvalidRatio> {
        let wrong = || InvalidRatio(text.chars().take(40).collect());
        if text.len() > LONGEST {
            return Err(wrong());
        }
        let (part, whole) = text.split_once('/').unwrap_or((text, "1"));
        let integer = |text: &str| text.parse::<BigInt>().map_err(|_| wrong());
        let (part, whole) = (integer(part)?, integer(whole)?);
        if whole <= BigInt::from(0) {
            return Err(wrong());
        }
        Ok(Self(BigRational::new(part, whole)))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Add for &Ratio {
    type Output = Ratio;

    fn add(self, other: Self) -> Ratio {
        Ratio(&self.0 + &other.0)
    }
}

impl Sub for &Ratio {
    type Output = Ratio;

    fn sub(self, other: Self) -> Ratio {
        Ratio(&self.0 - &other.0)
    }
}

impl Mul for &Ratio {
    type Output = Ratio;

    fn mul(self, other: Self) -> Ratio {
        Ratio(&self.0 * &other.0)
    }
}

impl<'a> Sum<&'a Ratio> for Ratio {
    fn sum<I: Iterator<Item = &'a Self>>(items: I) -> Self {
        items.fold(Self::zero(), |sum, item| &sum + item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Ratio {
        Ratio::decimal_percent(text).unwrap()
    }

    #[test]
    fn decimals_are_taken_exactly() {
        let six = ["1.9", "3.6", "15.9", "15.9", "11.4", "1.3"].map(percent);
        assert_eq!(six.iter().sum::<Ratio>(), Ratio::percent(50));
        assert!(percent("49.999999999999999999") < Ratio::percent(50));
        assert_eq!(
            &Ratio::of(1, 3).unwrap() + &Ratio::of(1, 6).unwrap(),
            Ratio::percent(50)
        );
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e2", "1,5", "0x1", "½"] {
            assert!(Ratio::decimal_percent(text).is_err(), "{text}");
        }
        assert!(Ratio::decimal_percent(&"1".repeat(100)).is_err());
        for text in ["1/0", "1/-2", "a", "1/2/3", ""] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }

    #[test]
    fn people_see_percent_and_files_hold_fractions() {
        assert_eq!(percent("50").to_string(), "50 %");
        assert_eq!(percent("49.990").to_string(), "49.99 %");
        assert_eq!(percent("0.05").to_string(), "0.05 %");
        assert_eq!(Ratio::of(1, 3).unwrap().to_string(), "33.3333… % (1/3)");
        assert_eq!(Ratio::of(1, 3).unwrap().about(), "≈33.33 %");
        assert_eq!(Ratio::of(1, 4).unwrap().about(), "25 %");
        assert_eq!(Ratio::of(15, 38).unwrap().rounded(6), "0.394737");
        assert_eq!(Ratio::of(3, 4).unwrap().rounded(6), "0.75");
        let third = Ratio::of(1, 3).unwrap();
        let text = serde_json::to_string(&third).unwrap();
        assert_eq!(text, "\"1/3\"");
        assert_eq!(serde_json::from_str::<Ratio>(&text).unwrap(), third);
    }
}
