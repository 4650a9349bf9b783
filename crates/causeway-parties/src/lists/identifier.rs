//! Numbers that registers give to parties, and which of them settle that two records are one party.

use causeway_domain::{Country, lei_is_valid};
use serde::{Deserialize, Serialize};

use super::{Doubt, DoubtKind};

/// The kind of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Legal Entity Identifier (ISO 17442).
    Lei,
    /// China's Unified Social Credit Code (GB 32100-2015): China's registration number.
    Uscc,
    /// Number in a country's register of companies.
    Registration,
    /// Tax number.
    Tax,
    /// A ship's IMO number.
    Imo,
    /// A bank's BIC.
    Bic,
    /// Any other: `as_written` says which.
    Other,
}

/// A number that a register gave to a party.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    /// Its kind.
    pub scheme: Scheme,
    /// The number, as written.
    pub value: String,
    /// The source's own word for the kind.
    pub as_written: String,
    /// Whose register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
}

/// What makes two records one party when both have it. Ordered, so that it can be a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKey {
    /// A valid LEI.
    Lei(String),
    /// A number in one country's register.
    Register(Country, String),
}

impl std::fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lei(lei) => write!(f, "LEI {lei}"),
            Self::Register(country, number) => write!(f, "{country} registration number {number}"),
        }
    }
}

/// A register number shorter than this settles nothing.
const SHORTEST_NUMBER: usize = 5;

impl Identifier {
    /// A number; in doubt where its check digits are wrong.
    pub(super) fn new(
        scheme: Scheme,
        as_written: impl Into<String>,
        value: impl Into<String>,
        country: Option<Country>,
        doubts: &mut Vec<Doubt>,
    ) -> Self {
        let value = value.into();
        if scheme == Scheme::Lei && !lei_is_valid(&value) {
            doubts.push(Doubt::new(
                DoubtKind::Identifier,
                format!("the check digits of the LEI `{value}` are wrong"),
            ));
        }
        Self {
            scheme,
            value,
            as_written: as_written.into(),
            country,
        }
    }

    /// Its letters and digits, in capitals; `None` for one that is too short, or a filler.
    pub(super) fn plain(&self) -> Option<String> {
        let plain: String = self
            .value
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let plain = match self.scheme {
            Scheme::Imo => plain.trim_start_matches("IMO").to_owned(),
            _ => plain,
        };
        let mut letters = plain.chars();
        let first = letters.next();
        let filler = letters.all(|letter| Some(letter) == first);
        (plain.len() >= SHORTEST_NUMBER && !filler).then_some(plain)
    }

    /// What makes another record with the same key the same party; `None` for a number that settles nothing: of another
    /// kind, of an unknown register, with wrong check digits, a filler.
    #[must_use]
    pub fn key(&self) -> Option<IdentityKey> {
        let plain = self.plain()?;
        match self.scheme {
            Scheme::Lei => lei_is_valid(&self.value).then_some(IdentityKey::Lei(plain)),
            Scheme::Uscc | Scheme::Registration => {
                let country = match self.scheme {
                    Scheme::Uscc => "CN".parse().ok(),
                    _ => self.country,
                };
                country.map(|country| IdentityKey::Register(country, plain))
            }
            Scheme::Tax | Scheme::Imo | Scheme::Bic | Scheme::Other => None,
        }
    }
}

/// The kind of a number by what sources write before it.
pub(super) fn scheme(written: &str) -> Option<Scheme> {
    let plain: String = written
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    Some(match plain.as_str() {
        "lei" | "leicode" | "legalentityidentifier" | "legalentitynumber" => Scheme::Lei,
        "uscc"
        | "usccode"
        | "usccode18"
        | "uscccode"
        | "unifiedsocialcreditcode"
        | "unifiedsocialcreditcodeuscc" => Scheme::Uscc,
        "registrationnumber"
        | "registrationid"
        | "businessregistrationnumber"
        | "publicregistrationnumber"
        | "companynumber"
        | "commercialregistrynumber"
        | "ogrncode"
        | "ogrn" => Scheme::Registration,
        "taxidno" | "taxnumber" | "taxid" | "inncode" | "inn" | "vatnumber" | "vatcode" => {
            Scheme::Tax
        }
        "imo" | "imonumber" | "vesselregistrationidentification" => Scheme::Imo,
        "swiftbic" | "bic" | "bikcode" => Scheme::Bic,
        _ if plain.ends_with("companynumber") => Scheme::Registration,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_a_known_register_settle_who_it_is() {
        let key = |scheme, value: &str, country: Option<&str>| {
            Identifier {
                scheme,
                value: value.to_owned(),
                as_written: String::new(),
                country: country.and_then(|code| code.parse().ok()),
            }
            .key()
        };
        assert_eq!(
            key(Scheme::Registration, "91330100SYN0000001", Some("CN")),
            key(Scheme::Uscc, "9133 0100-SYN0000001", None)
        );
        assert_ne!(
            key(Scheme::Registration, "1234567", Some("SG")),
            key(Scheme::Registration, "1234567", Some("MY"))
        );
        assert_eq!(key(Scheme::Registration, "1234567", None), None);
        assert_eq!(key(Scheme::Registration, "0000000", Some("SG")), None);
        assert_eq!(key(Scheme::Registration, "N/A", Some("SG")), None);
        assert_eq!(key(Scheme::Registration, "有限", Some("CN")), None);
        assert_eq!(key(Scheme::Tax, "1234567", Some("SG")), None);
        assert_eq!(key(Scheme::Lei, "5299SYN1000000000048", None), None);
    }
}
