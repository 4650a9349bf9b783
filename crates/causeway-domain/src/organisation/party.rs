//! Parties of `causeway.yaml`: who they are, on which lists they stand, who owns them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{OneOrMore, Stated};
use crate::{Country, Date, PartyId, Percent};

/// What a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// A company or another organisation.
    #[default]
    Company,
    /// A natural person; `headquarters` is where the person lives.
    Person,
    /// A state or a body of one.
    State,
    /// Many small holders that nobody can name: the free float of a listed company.
    Dispersed,
}

/// A list that a party can stand on (`listed` of the case format).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Screened, on no list.
    None,
    /// BIS Entity List (15 CFR 744 supp. 4).
    EntityList,
    /// BIS Military End-User List (15 CFR 744 supp. 7).
    Meu,
    /// OFAC SDN list.
    Sdn,
    /// SDN under a programme of 15 CFR 744.8(a)(1).
    #[serde(rename = "sdn_7448")]
    Sdn7448,
    /// Taiwan's Strategic High-Tech Commodities Entity List.
    TwShtc,
    /// The EU's list of persons whose assets are frozen.
    Eu,
    /// The UK Sanctions List, persons whose assets are frozen.
    Uk,
}

impl Listing {
    /// Every list.
    pub const ALL: [Self; 7] = [
        Self::EntityList,
        Self::Meu,
        Self::Sdn,
        Self::Sdn7448,
        Self::TwShtc,
        Self::Eu,
        Self::Uk,
    ];

    /// The word of the case format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::EntityList => "entity_list",
            Self::Meu => "meu",
            Self::Sdn => "sdn",
            Self::Sdn7448 => "sdn_7448",
            Self::TwShtc => "tw_shtc",
            Self::Eu => "eu",
            Self::Uk => "uk",
        }
    }
}

/// One listing, or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "OneOrMore<Listing>")]
pub struct Listings(pub BTreeSet<Listing>);

impl<'de> Deserialize<'de> for Listings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OneOrMore::deserialize(deserializer).map(|list| {
            Self(
                list.items()
                    .into_iter()
                    .filter(|listing| *listing != Listing::None)
                    .collect(),
            )
        })
    }
}

/// A party: who it is, where it is run from, who owns it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Full legal name
    pub name: String,
    /// Former names, names in other scripts, trade names: all are screened
    #[serde(default)]
    pub other_names: Vec<String>,
    /// Numbers that registers gave it: an equal number on a list says more than any name
    #[serde(default)]
    pub identifiers: Vec<PartyIdentifier>,
    /// Where it sits, each on one line: screened against entries that are addresses
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Company, person, state, or dispersed holders
    #[serde(default)]
    pub kind: PartyKind,
    /// Country of the headquarters; of residence for a person
    pub headquarters: Option<Stated<Country>>,
    /// Country of incorporation, where it is another than the headquarters
    pub incorporated: Option<Stated<Country>>,
    /// Lists it stands on after screening: `none`, or their words
    pub listed: Option<Stated<Listings>>,
    /// Who holds shares in it. `[]` with `owners_complete: true` says that nobody does (a person, a state)
    pub owners: Option<Vec<Owner>>,
    /// Whether `owners` names every holder
    #[serde(default)]
    pub owners_complete: bool,
    /// China: whether it runs critical information infrastructure
    pub ciio: Option<Stated<bool>>,
}

/// A number that a register gave to a party.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyIdentifier {
    /// Whose kind of number it is
    pub scheme: IdentifierScheme,
    /// The number, as the register writes it, in quotation marks
    pub value: String,
    /// Country of the register: of a registration or tax number, and of no other
    pub country: Option<Country>,
}

/// The kinds of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierScheme {
    /// Legal Entity Identifier (ISO 17442).
    Lei,
    /// China's Unified Social Credit Code (GB 32100-2015).
    Uscc,
    /// Number in a country's register of companies.
    Registration,
    /// Tax number.
    Tax,
    /// A ship's IMO number.
    Imo,
}

impl IdentifierScheme {
    /// Its word, for messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lei => "LEI",
            Self::Uscc => "USCC",
            Self::Registration => "registration number",
            Self::Tax => "tax number",
            Self::Imo => "IMO number",
        }
    }

    /// Whether its numbers are one country's each.
    #[must_use]
    pub const fn has_country(self) -> bool {
        matches!(self, Self::Registration | Self::Tax)
    }
}

/// A holding in a party. Several entries of one holder are several blocks: they add up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The holder: a key of `parties`. A party that holds shares in itself names itself
    pub party: PartyId,
    /// Its share of the capital
    pub share: Option<Stated<Percent>>,
    /// The same share as other sources state it: the answer is then the range of all
    #[serde(default)]
    pub claims: Vec<Stated<Percent>>,
    /// Its share as a count, in place of `share`: shares held, shares issued
    pub count: Option<Stated<ShareCount>>,
    /// Its share of the votes, where that is another
    pub votes: Option<Stated<Percent>>,
    /// First day of the holding
    #[schemars(with = "Option<DateText>")]
    pub from: Option<Date>,
    /// Last day of the holding
    #[schemars(with = "Option<DateText>")]
    pub to: Option<Date>,
    /// Whether it controls the party by other means than its share: `true`, or how (`appoints the board`, `nominee contract`)
    #[serde(default)]
    pub control: ControlText,
}

impl Owner {
    /// Whether it holds on a day; the first and the last day are included.
    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// Shares held and shares issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareCount {
    /// Shares that the holder has
    pub held: u64,
    /// Shares that were issued
    pub of: u64,
}

/// Control by other means: none, or how. `true` says that there is some and not how.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(with = "FlagOrText")]
pub struct ControlText(pub Option<String>);

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(untagged)]
enum FlagOrText {
    Flag(bool),
    Text(String),
}

impl<'de> Deserialize<'de> for ControlText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(false) => Ok(Self(None)),
            Value::Bool(true) => Ok(Self(Some(
                "controls it by other means than shares".to_owned(),
            ))),
            Value::String(how) => Ok(Self(Some(how))),
            _ => Err(serde::de::Error::custom(
                "control is true, false, or how it controls",
            )),
        }
    }
}

#[derive(JsonSchema)]
#[schemars(extend("format" = "date"))]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct DateText(String);
