//! Ids: one type each, so that a site is never taken for a party.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {rule}")]
pub struct InvalidId {
    /// What was expected: `site id`, `party id`.
    pub what: &'static str,
    /// The text.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

const NAME_RULE: &str =
    "use 1 to 100 letters, digits, `-`, `_` or `.`, starting with a letter or digit";

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !text.contains("..")
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { what: $what, text: text.to_owned(), rule: NAME_RULE })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// A site of `causeway.yaml`: a place with an operator, a jurisdiction and a way to reach it.
    SiteId = "site id";
    /// A party of `causeway.yaml`: an organisation, a person, a state.
    PartyId = "party id";
    /// A dataset of `causeway.yaml`.
    DatasetId = "dataset id";
    /// An account at a provider, as the provider names it.
    AccountId = "account id";
    /// A rule pack: `default`, `hyp-remote-access`.
    PackId = "pack id";
}

/// A run: made once, sortable by time. `20261124T131500Z-7k3m9q`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// Makes an id from the instant and 64 random bits (30 of which are used).
    #[must_use]
    pub fn new(now: jiff::Timestamp, random: u64) -> Self {
        // No vowels and no look-alikes: ids are read aloud and never spell a word.
        const LETTERS: &[u8; 29] = b"0123456789bcdfghjkmnpqrstvwxz";
        let mut rest = random;
        let tail: String = (0..6)
            .filter_map(|_| {
                let index = usize::try_from(rest % 29).ok()?;
                rest /= 29;
                LETTERS.get(index).copied().map(char::from)
            })
            .collect();
        Self(format!("{}-{tail}", now.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let ok = text.split_once('-').is_some_and(|(time, tail)| {
            time.len() == 16
                && time
                    .chars()
                    .all(|c| c.is_ascii_digit() || c == 'T' || c == 'Z')
                && tail.len() == 6
                && tail
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId {
                what: "run id",
                text: text.to_owned(),
                rule: "run ids look like 20261124T131500Z-7k3m9q; `causeway status` lists them",
            })
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl std::fmt::Debug for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunId({})", self.0)
    }
}

/// A model's name at home: `name` or `org/name`, as Hugging Face clients write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ModelName(String);

impl ModelName {
    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parts: Vec<&str> = text.split('/').collect();
        let ok = (1..=2).contains(&parts.len())
            && parts.iter().all(|part| {
                is_name(part) && !part.ends_with(['-', '.']) && !part.ends_with(".git")
            });
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId {
                what: "model name",
                text: text.to_owned(),
                rule: "write `name` or `org/name` in letters, digits, `-`, `_`, `.`",
            })
        }
    }
}

impl TryFrom<String> for ModelName {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl std::fmt::Debug for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_paths_and_blanks() {
        for bad in [
            "",
            "../x",
            "a b",
            ".hidden",
            "a/b",
            "a..b",
            &"x".repeat(101),
        ] {
            assert!(bad.parse::<SiteId>().is_err(), "{bad}");
        }
        assert_eq!("johor-1".parse::<SiteId>().unwrap().as_str(), "johor-1");
    }

    #[test]
    fn run_ids_sort_by_time_and_parse_back() {
        let early = RunId::new("2026-11-24T13:15:00Z".parse().unwrap(), u64::MAX);
        let late = RunId::new("2026-11-24T13:15:01Z".parse().unwrap(), 0);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<RunId>().unwrap(), early);
    }

    #[test]
    fn model_names_have_at_most_one_slash() {
        assert!("acme/tiny".parse::<ModelName>().is_ok());
        assert!("a/b/c".parse::<ModelName>().is_err());
        assert!("acme/..".parse::<ModelName>().is_err());
    }
}
