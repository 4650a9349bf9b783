//! Facts: a value and who says so, or an explicit unknown.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Who states a fact, on what evidence, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Who says it: a party, a register, a list, a file.
    pub by: String,
    /// The evidence, as the one who states it names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The day on which it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Date>,
}

impl Source {
    /// A source that is only named.
    #[must_use]
    pub fn named(by: impl Into<String>) -> Self {
        Self {
            by: by.into(),
            evidence: None,
            on: None,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.by)?;
        if let Some(evidence) = &self.evidence {
            write!(f, ", {evidence}")?;
        }
        if let Some(on) = self.on {
            write!(f, ", {on}")?;
        }
        Ok(())
    }
}

/// Known with its source, or unknown with the reason. Never an `Option`: an unknown fact is never `allow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// The value, and who says so.
    Known(T, Source),
    /// Why nobody knows: the field left out, the word `unknown` written, a source that is silent.
    Unknown(String),
}

impl<T> Fact<T> {
    /// A known value from a source that is only named.
    #[must_use]
    pub fn stated(value: T, by: impl Into<String>) -> Self {
        Self::Known(value, Source::named(by))
    }

    /// An unknown, with why.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// The value, when known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value, _) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Whether the value is known.
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Known(..))
    }

    /// The same fact about another value; an unknown stays unknown.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value, source) => Fact::Known(f(value), source),
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }
}
