//! Units: a type each, and only the operators that make physical sense.

use std::fmt;
use std::ops::{Add, Div, Mul, Sub};
use std::str::FromStr;
use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Text that is not an amount of the unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: write for example {example}")]
pub struct InvalidUnit {
    /// The unit: `a size`.
    pub what: &'static str,
    /// The text.
    pub text: String,
    /// What would be right.
    pub example: &'static str,
}

/// Size of data. Unit: bytes (not bits).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Bytes(u64);

const DECIMAL_SIZES: [(&str, u64); 6] = [
    ("EB", 1_000_000_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
];
const BINARY_SIZES: [(&str, u64); 5] = [
    ("PiB", 1 << 50),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

impl Bytes {
    /// An amount in bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// An amount in GiB (2^30 bytes).
    #[must_use]
    pub const fn gib(gib: u64) -> Self {
        Self(gib << 30)
    }

    /// The amount in bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Sum that stops at the largest amount.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference that stops at zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Bytes {
    /// Exact where a decimal unit divides the amount to at most one digit, else rounded to one digit: `1.5 GB`, `512 B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = DECIMAL_SIZES
            .iter()
            .find(|(_, size)| self.0 >= *size)
            .map_or_else(
                || format!("{} B", self.0),
                |(unit, size)| {
                    let tenths = u128::from(self.0) * 10 / u128::from(*size);
                    if tenths.is_multiple_of(10) {
                        format!("{} {unit}", tenths / 10)
                    } else {
                        format!("{}.{} {unit}", tenths / 10, tenths % 10)
                    }
                },
            );
        f.pad(&text)
    }
}

impl FromStr for Bytes {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let invalid = || InvalidUnit {
            what: "a size",
            text: text.to_owned(),
            example: "`1.5 TB`, `512 MiB`",
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at_checked(split).ok_or_else(invalid)?;
        let unit = unit.trim();
        let factor = if unit.is_empty() || unit == "B" {
            1
        } else {
            DECIMAL_SIZES
                .iter()
                .chain(&BINARY_SIZES)
                .find(|(name, _)| {
                    name.eq_ignore_ascii_case(unit)
                        || name.trim_end_matches('B').eq_ignore_ascii_case(unit)
                })
                .map(|(_, size)| *size)
                .ok_or_else(invalid)?
        };
        let number: Decimal = number.parse().map_err(|_| invalid())?;
        number
            .checked_mul(Decimal::from(factor))
            .and_then(|n| n.round().to_u64())
            .map(Self)
            .ok_or_else(invalid)
    }
}

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), Add::add)
    }
}

impl Div<BitsPerSecond> for Bytes {
    type Output = Duration;
    /// How long this many bytes take at that rate; the longest duration when the rate is zero.
    fn div(self, rate: BitsPerSecond) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a duration for people; 2^53 bytes are enough digits"
        )]
        let seconds = (self.0 as f64) * 8.0 / rate.0;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

macro_rules! floats {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(f64);

        impl $name {
            /// An amount in this unit.
            #[must_use]
            pub const fn new(amount: f64) -> Self {
                Self(amount)
            }

            /// The amount in this unit.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }
    )*};
}

pub(crate) use floats;

/// Three significant digits, without a trailing `.0`.
pub(crate) fn short(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e6).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let digits = if magnitude >= 100.0 {
        0
    } else if magnitude >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

floats! {
    /// A data rate. Unit: bits per second.
    BitsPerSecond;
    /// Peak or achieved arithmetic of one chip. Unit: 10^12 floating-point operations per second, dense.
    Tflops;
    /// An amount of arithmetic, cumulative. Unit: floating-point operations.
    Flop;
    /// Wall-clock time. Unit: hours.
    Hours;
    /// Chips times hours.
    GpuHours;
    /// Tokens, not batches.
    Tokens;
    /// Parameters of a model.
    Params;
    /// How likely something is, 0 to 1.
    Probability;
    /// Tokens, not batches, for each second.
    TokensPerSecond;
}

impl fmt::Display for Probability {
    /// In percent: `12 %`, `0.4 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        // 99.97 is not 100: what fails once in a thousand fails.
        let digits =
            usize::from((percent > 0.0 && percent < 10.0) || (percent > 99.0 && percent < 100.0));
        let shown = if percent < 100.0 {
            percent.min(99.9)
        } else {
            percent
        };
        f.pad(&format!("{shown:.digits$} %"))
    }
}

macro_rules! shown {
    ($($name:ident($unit:literal);)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!("{} {}", short(self.0), $unit))
            }
        }
    )*};
}

shown! {
    Tflops("TFLOP/s");
    Flop("FLOP");
    Hours("h");
    GpuHours("GPU h");
    Tokens("tokens");
    Params("parameters");
    TokensPerSecond("tokens/s");
}

pub(crate) use shown;

const RATES: [(&str, f64); 4] = [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)];
const BINARY_RATES: [(&str, f64); 4] = [
    ("Ti", 1_099_511_627_776.0),
    ("Gi", 1_073_741_824.0),
    ("Mi", 1_048_576.0),
    ("Ki", 1024.0),
];

impl BitsPerSecond {
    /// The amount in bytes per second.
    #[must_use]
    pub const fn bytes(self) -> f64 {
        self.0 / 8.0
    }
}

impl fmt::Display for BitsPerSecond {
    /// Three digits of the largest unit that fits: `50 Mbit/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, size) = RATES
            .into_iter()
            .find(|(_, size)| self.0 >= *size)
            .unwrap_or(("", 1.0));
        f.pad(&format!("{} {prefix}bit/s", short(self.0 / size)))
    }
}

impl FromStr for BitsPerSecond {
    type Err = InvalidUnit;

    /// `50Mbit/s`, `50 Mbps`, `6MB/s`, `6 MiB/s`: `bit` and `b` are bits, `B` is bytes. A number without a unit is none: some
    /// programs mean kilobytes by it.
    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let invalid = || InvalidUnit {
            what: "a rate",
            text: text.to_owned(),
            example: "`50Mbit/s`, `6MB/s`",
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(invalid)?;
        let (number, unit) = trimmed.split_at_checked(split).ok_or_else(invalid)?;
        let unit = unit.trim();
        let unit = unit
            .strip_suffix("/s")
            .or_else(|| unit.strip_suffix("ps"))
            .ok_or_else(invalid)?;
        let (prefix, bits) = if let Some(prefix) = unit.strip_suffix("bit") {
            (prefix, 1.0)
        } else if let Some(prefix) = unit.strip_suffix('b') {
            (prefix, 1.0)
        } else if let Some(prefix) = unit.strip_suffix('B') {
            (prefix, 8.0)
        } else {
            return Err(invalid());
        };
        let size = RATES
            .iter()
            .chain(&BINARY_RATES)
            .chain(&[("", 1.0)])
            .find(|(name, _)| name.eq_ignore_ascii_case(prefix))
            .map(|(_, size)| *size)
            .ok_or_else(invalid)?;
        let number: f64 = number.parse().map_err(|_| invalid())?;
        Some(number * size * bits)
            .filter(|rate| rate.is_finite())
            .map(Self)
            .ok_or_else(invalid)
    }
}

impl Hours {
    /// As a duration of the standard library.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0 * 3600.0).unwrap_or(Duration::MAX)
    }
}

/// Total processing performance: dense TOPS times bit length, the measure of ECCN 3A090 (15 CFR 774 supp. 1). Exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tpp(pub Decimal);

impl fmt::Display for Tpp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TPP {}", self.0.normalize())
    }
}

/// A share of a whole, exact. `50 %` is `Percent::new(50)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(into = "String")]
#[schemars(with = "String", extend("type" = ["string", "number"], "format" = "percent"))]
pub struct Percent(Decimal);

impl Percent {
    /// From an amount in percent.
    #[must_use]
    pub fn new(percent: impl Into<Decimal>) -> Self {
        Self(percent.into())
    }

    /// The amount in percent: 50 for a half.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} %", self.0.normalize()))
    }
}

impl FromStr for Percent {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let number = text.trim().trim_end_matches('%').trim_end();
        match number.parse::<Decimal>() {
            Ok(value) if value >= Decimal::ZERO && value <= Decimal::ONE_HUNDRED => Ok(Self(value)),
            _ => Err(InvalidUnit {
                what: "a share of 0 to 100 percent",
                text: text.to_owned(),
                example: "`49.9 %`",
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number_text(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A number or text, as text: both are written in files, and neither may be rounded on the way.
pub(crate) fn number_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("expected a number or text")),
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

macro_rules! money {
    ($($(#[$doc:meta])* $name:ident($suffix:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(with = "String", extend("type" = ["string", "number"], "format" = "usd"))]
        pub struct $name(Decimal);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                number_text(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $name {
            /// An amount in US dollars.
            #[must_use]
            pub fn new(dollars: impl Into<Decimal>) -> Self {
                Self(dollars.into())
            }

            /// The amount in US dollars.
            #[must_use]
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl fmt::Display for $name {
            /// Two decimals, as bills have them; more below a cent, so that a price never prints as nothing.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let places: u32 = if self.0.abs() < Decimal::new(1, 2) && !self.0.is_zero() { 6 } else { 2 };
                // A decimal prints cut off, not rounded.
                f.pad(&format!("${:.1$}{2}", self.0.round_dp(places), places as usize, $suffix))
            }
        }

        impl FromStr for $name {
            type Err = InvalidUnit;

            fn from_str(text: &str) -> Result<Self, InvalidUnit> {
                let trimmed = text.trim();
                let number = trimmed.trim_start_matches('$').trim_end_matches($suffix).trim().trim_end_matches("USD").trim();
                number
                    .replace(['_', ','], "")
                    .parse::<Decimal>()
                    .ok()
                    .filter(|value| !value.is_sign_negative())
                    .map(Self)
                    .ok_or_else(|| InvalidUnit { what: "an amount of US dollars", text: text.to_owned(), example: concat!("`2.40`, `$2.40", $suffix, "`") })
            }
        }

        impl Add for $name {
            type Output = Self;
            /// Stops at the largest amount.
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self::default(), Add::add)
            }
        }
    )*};
}

pub(crate) use money;

money! {
    /// An amount of money. Unit: US dollars, exact decimal.
    Usd("");
    /// A price per hour. Unit: US dollars per hour, exact decimal.
    UsdPerHour("/h");
}

impl Mul<Hours> for UsdPerHour {
    type Output = Usd;
    fn mul(self, hours: Hours) -> Usd {
        Usd(Decimal::from_f64_retain(hours.0)
            .and_then(|h| self.0.checked_mul(h))
            .unwrap_or(Decimal::MAX)
            .round_dp(6))
    }
}

impl Mul<u32> for UsdPerHour {
    type Output = Self;
    fn mul(self, count: u32) -> Self {
        Self(
            self.0
                .checked_mul(Decimal::from(count))
                .unwrap_or(Decimal::MAX),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_parse_and_print() {
        for (text, bytes) in [
            ("1.5 TB", 1_500_000_000_000),
            ("512 MiB", 512 << 20),
            ("10", 10),
            ("0.5KiB", 512),
            ("3g", 3_000_000_000),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap().get(), bytes, "{text}");
        }
        for bad in ["", "x", "1.5 XB", "-3 GB", "99999999999999 EB", "1..5 GB"] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad}");
        }
        assert_eq!(Bytes::new(1_500_000).to_string(), "1.5 MB");
        assert_eq!(Bytes::new(999).to_string(), "999 B");
    }

    #[test]
    fn money_is_exact() {
        let price: UsdPerHour = "$2.40/h".parse().unwrap();
        assert_eq!((price * 8).to_string(), "$19.20/h");
        assert_eq!((price * Hours::new(0.5)).to_string(), "$1.20");
        assert!("-1".parse::<Usd>().is_err());
        assert_eq!(Usd::new(Decimal::new(12, 5)).to_string(), "$0.000120");
        assert_eq!(
            Usd::new(Decimal::new(558, 4)).to_string(),
            "$0.06",
            "rounded, not cut off"
        );
    }

    #[test]
    fn shares_stay_exact() {
        assert_eq!(
            "49.99 %".parse::<Percent>().unwrap().get(),
            Decimal::new(4999, 2)
        );
        assert!("101".parse::<Percent>().is_err());
        assert!("-1 %".parse::<Percent>().is_err());
    }

    #[test]
    fn a_rate_gives_a_time() {
        assert_eq!(
            Bytes::new(125_000_000) / BitsPerSecond::new(1e9),
            Duration::from_secs(1)
        );
        assert_eq!(Bytes::new(1) / BitsPerSecond::new(0.0), Duration::MAX);
    }

    #[test]
    fn rates_parse_and_print() {
        for (text, rate) in [
            ("50Mbit/s", 5e7),
            ("1.5 Gbit/s", 1.5e9),
            ("50mbps", 5e7),
            ("6MB/s", 4.8e7),
            ("1 MiB/s", 8_388_608.0),
            ("800bit/s", 800.0),
        ] {
            assert_eq!(text.parse::<BitsPerSecond>().unwrap().get(), rate, "{text}");
        }
        for bad in [
            "", "50", "50M", "fast", "Mbit/s", "-5Mbit/s", "5 Xbit/s", "5 MB",
        ] {
            assert!(bad.parse::<BitsPerSecond>().is_err(), "{bad}");
        }
        assert_eq!(BitsPerSecond::new(5e7).to_string(), "50 Mbit/s");
        assert_eq!(BitsPerSecond::new(1.25e9).to_string(), "1.25 Gbit/s");
        assert_eq!(BitsPerSecond::new(0.0).to_string(), "0 bit/s");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_unit_panic(text in ".{0,24}") {
            let _ = text.parse::<BitsPerSecond>();
            let _ = text.parse::<Bytes>();
            let _ = text.parse::<Percent>();
            let _ = text.parse::<Usd>();
            let _ = text.parse::<UsdPerHour>();
        }

        #[test]
        fn printed_sizes_parse_within_a_tenth(bytes in 0u64..u64::MAX / 2) {
            let back = Bytes::new(bytes).to_string().parse::<Bytes>().unwrap().get();
            prop_assert!(bytes.abs_diff(back) <= bytes / 10);
        }
    }
}
