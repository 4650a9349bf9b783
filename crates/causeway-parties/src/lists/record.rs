//! A party as a list or register describes it.

use std::collections::BTreeSet;

use causeway_domain::{Country, Date, Digest};
use serde::{Deserialize, Serialize};
use unicode_script::{Script, UnicodeScript};

use super::{Identifier, Listing, Relationship};

/// What a party is, as far as the source says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A natural person.
    Person,
    /// A company or another organisation.
    Entity,
    /// A state or a body of one.
    State,
    /// An address that is listed by itself: it is matched on the address, not on a name.
    Address,
    /// A ship.
    Vessel,
    /// Anything else: an aircraft, or what nobody here knows.
    Other,
    /// The source leaves it open: an entity or a person. Normal for the lists of BIS and State.
    #[default]
    Unstated,
}

/// How a name belongs to a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// The name of the record.
    Primary,
    /// Another name in use, or the same in another language or script.
    Alias,
    /// A broad name, a nickname, an acronym: many others have it.
    Weak,
    /// A name that it had before.
    Former,
}

/// A name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListedName {
    /// As written.
    pub text: String,
    /// How it belongs to the party.
    pub kind: NameKind,
    /// Script, ISO 15924 (`Latn`, `Hani`, `Cyrl`, `Jpan`, `Kore`); `Zyyy` where there is no letter, `Zsym` where several
    /// scripts mix.
    pub script: String,
    /// Language, where the source says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
}

impl ListedName {
    /// A name with its script.
    #[must_use]
    pub fn new(text: impl Into<String>, kind: NameKind) -> Self {
        let text = text.into();
        Self {
            script: script(&text),
            text,
            kind,
            lang: None,
        }
    }
}

fn script(text: &str) -> String {
    let mut found: Vec<Script> = Vec::new();
    for script in text.chars().map(|letter| letter.script()) {
        let none = matches!(script, Script::Common | Script::Inherited | Script::Unknown);
        if !none && !found.contains(&script) {
            found.push(script);
        }
    }
    let only = |allowed: &[Script]| found.iter().all(|script| allowed.contains(script));
    match found.first() {
        None => "Zyyy",
        Some(script) if found.len() == 1 => script.short_name(),
        _ if only(&[Script::Han, Script::Hiragana, Script::Katakana]) => "Jpan",
        _ if only(&[Script::Han, Script::Hangul]) => "Kore",
        _ => "Zsym",
    }
    .to_owned()
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Address {
    /// As written, its parts joined by commas.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The country, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
}

/// A source says that there is nobody to name, or that it won't name anybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exception {
    /// What is left out: GLEIF's category, BODS's interest.
    pub category: String,
    /// Why, in the source's own word: `NATURAL_PERSONS`, `NO_KNOWN_PERSON`, `NON_PUBLIC`.
    pub reason: String,
    /// What else the source says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Where a record stands: enough for an auditor to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Number of the file within the import, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub file: u32,
    /// Line of its first byte, from 1.
    pub line: u64,
    /// BLAKE3 of the record's bytes as they stand in the file: a line without its end, a JSON element, a CSV row without
    /// its end.
    pub hash: Digest,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Why something is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtKind {
    /// A kind of record that nobody here knows.
    UnknownKind,
    /// A list that nobody here knows.
    UnknownList,
    /// A value that is none of those that the format has.
    UnknownValue,
    /// A field that the format must have is missing.
    Missing,
    /// A field of another type than the format says.
    WrongType,
    /// Letters that were lost or misread.
    Encoding,
    /// A share that can't be read.
    Share,
    /// A date that can't be read.
    Date,
    /// An identifier whose check digits are wrong.
    Identifier,
    /// A licence requirement that a person must read.
    Requirement,
    /// The entry reaches further than its name: successors, subsidiaries.
    Reach,
    /// A text that was cut off at the format's limit.
    Cut,
    /// It speaks of a party that the list does not have.
    Dangling,
    /// The same id twice.
    Twice,
    /// Sources contradict each other.
    Contradiction,
    /// A row that can't be read at all.
    Unread,
}

impl DoubtKind {
    /// The word of reports and of the stored form.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnknownKind => "unknown_kind",
            Self::UnknownList => "unknown_list",
            Self::UnknownValue => "unknown_value",
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
            Self::Encoding => "encoding",
            Self::Share => "share",
            Self::Date => "date",
            Self::Identifier => "identifier",
            Self::Requirement => "requirement",
            Self::Reach => "reach",
            Self::Cut => "cut",
            Self::Dangling => "dangling",
            Self::Twice => "twice",
            Self::Contradiction => "contradiction",
            Self::Unread => "unread",
        }
    }
}

/// Something that a person must look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Doubt {
    /// Why, as a class.
    pub kind: DoubtKind,
    /// Why, in words.
    pub why: String,
}

impl Doubt {
    /// A doubt.
    #[must_use]
    pub fn new(kind: DoubtKind, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
        }
    }
}

/// A party as a list or register describes it. Its entries are empty where the source is a register of owners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id within the list.
    pub id: String,
    /// What to call it in messages: the first name, or what the source calls a record without a name.
    pub label: String,
    /// What it is.
    #[serde(default)]
    pub kind: Kind,
    /// The source's own word for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind_as_written: Option<String>,
    /// Its names, the primary one first. Empty for an entry that is an address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<ListedName>,
    /// Countries that it is linked to: of its addresses, nationality, place of registration.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<Country>,
    /// Under whose law it is formed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<Country>,
    /// Country of the headquarters, of residence for a person: only where the source calls it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headquarters: Option<Country>,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Addresses that are records of their own (FollowTheMoney), by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address_records: Vec<String>,
    /// Numbers that registers gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
    /// Days of birth or founding, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub born_or_founded: Vec<String>,
    /// Its entries on lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listing>,
    /// What the source won't or can't name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// Tags of risk that the source gives (FollowTheMoney `topics`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Whether the source marks it as a party to screen against (FollowTheMoney `target`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub target: bool,
    /// Ids of records that the publisher merged into this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_ids: Vec<String>,
    /// What else the source says, prose: remarks, links that are no ownership.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why the evidence is weak: a registration that lapsed, data that only the party itself vouches for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weak: Vec<String>,
    /// When the source stated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted_on: Option<Date>,
    /// Whether a later statement with this id takes the place of this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// What is in doubt. A party in doubt is never clear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Where it stands.
    pub origin: Origin,
}

impl Record {
    /// A record of which nothing is known but its id.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: Kind, origin: Origin) -> Self {
        let id = id.into();
        Self {
            label: id.clone(),
            id,
            kind,
            kind_as_written: None,
            names: Vec::new(),
            countries: BTreeSet::new(),
            jurisdiction: None,
            headquarters: None,
            addresses: Vec::new(),
            address_records: Vec::new(),
            identifiers: Vec::new(),
            born_or_founded: Vec::new(),
            listings: Vec::new(),
            exceptions: Vec::new(),
            topics: Vec::new(),
            target: false,
            merged_ids: Vec::new(),
            notes: Vec::new(),
            weak: Vec::new(),
            asserted_on: None,
            replaces: false,
            doubts: Vec::new(),
            origin,
        }
    }

    /// Adds a name that is not there yet; the first primary one becomes the label.
    pub fn name(&mut self, name: ListedName) {
        if name.text.is_empty() || self.names.iter().any(|known| known.text == name.text) {
            return;
        }
        if name.kind == NameKind::Primary && self.label == self.id {
            self.label.clone_from(&name.text);
        }
        self.names.push(name);
    }

    /// Adds an address that is not there yet, and its country.
    pub fn address(&mut self, address: Address) {
        self.countries.extend(address.country);
        let says_something = !address.text.is_empty() || address.country.is_some();
        if says_something && !self.addresses.contains(&address) {
            self.addresses.push(address);
        }
    }

    /// Takes over what another record of the list says about the same party.
    pub fn add(&mut self, more: More) {
        for name in more.names {
            self.name(name);
        }
        for address in more.addresses {
            self.address(address);
        }
        self.identifiers.extend(more.identifiers);
        self.listings.extend(more.listings);
        self.exceptions.extend(more.exceptions);
        self.notes.extend(more.notes);
        self.doubts.extend(more.doubts);
    }

    /// Whether it is an entry to screen against, not a party that is only there as an owner or an address of another.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        !self.listings.is_empty() || self.target
    }
}

/// What a record of its own says about a party that another record introduces: an entry on a list (FollowTheMoney
/// `Sanction`), an alias (OFAC's alt.csv), an exception (GLEIF).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// The party's id within the list.
    pub party: String,
    /// Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<ListedName>,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
    /// Entries on lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listing>,
    /// What the source won't or can't name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// What else it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What is in doubt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Where it stands.
    pub origin: Origin,
}

impl More {
    /// Nothing yet about this party.
    #[must_use]
    pub fn about(party: impl Into<String>, origin: Origin) -> Self {
        Self {
            party: party.into(),
            names: Vec::new(),
            addresses: Vec::new(),
            identifiers: Vec::new(),
            listings: Vec::new(),
            exceptions: Vec::new(),
            notes: Vec::new(),
            doubts: Vec::new(),
            origin,
        }
    }
}

/// A statement that a record is over (BODS `recordStatus: closed`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The record's id.
    pub id: String,
    /// When it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted_on: Option<Date>,
    /// Where it stands.
    pub origin: Origin,
}

/// A row that can't be read: nothing of it is lost but what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Why.
    pub why: String,
    /// Where it stands.
    pub origin: Origin,
}

/// What a reader hands out, one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A party.
    Party(Box<Record>),
    /// More about a party.
    More(Box<More>),
    /// Who owns whom.
    Relationship(Box<Relationship>),
    /// A record is over.
    Closed(Closed),
    /// A row that can't be read.
    Unread(Unread),
}

impl Item {
    /// What is in doubt.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        match self {
            Self::Party(record) => &record.doubts,
            Self::More(more) => &more.doubts,
            Self::Relationship(relationship) => &relationship.doubts,
            Self::Closed(_) | Self::Unread(_) => &[],
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        match self {
            Self::Party(record) => &record.origin,
            Self::More(more) => &more.origin,
            Self::Relationship(relationship) => &relationship.origin,
            Self::Closed(closed) => &closed.origin,
            Self::Unread(unread) => &unread.origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_names() {
        for (text, code) in [
            ("Qinglan Computing", "Latn"),
            ("青澜计算技术有限公司", "Hani"),
            ("ООО Северная Звезда", "Cyrl"),
            ("株式会社さくら", "Jpan"),
            ("삼성전자 주식회사", "Hang"),
            ("ТНК Trade", "Zsym"),
            ("123", "Zyyy"),
        ] {
            assert_eq!(
                ListedName::new(text, NameKind::Primary).script,
                code,
                "{text}"
            );
        }
    }
}
