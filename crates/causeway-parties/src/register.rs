//! Parties and holdings.

use std::collections::BTreeMap;

use causeway_domain::{Country, Fact, Percent, Source};
use serde::{Deserialize, Serialize};

use crate::{Certainty, Listed};

/// What a party is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// A company or another organisation.
    #[default]
    Company,
    /// A natural person; the headquarters is where the person lives. Nobody owns one.
    Person,
    /// A state or a body of one. Nobody owns one.
    State,
    /// Many small holders that nobody can name: a free float. On no list, nobody's parent.
    Dispersed,
}

/// A holding in a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The holder: a key of the register. A key that the register lacks is an unknown holder.
    pub holder: String,
    /// Its share, percent of the whole.
    pub share: Fact<Percent>,
    /// Whether it controls the party by other means than its share.
    #[serde(default)]
    pub control: bool,
}

impl Holding {
    /// A holding without control by other means.
    #[must_use]
    pub fn new(holder: impl Into<String>, share: Fact<Percent>) -> Self {
        Self {
            holder: holder.into(),
            share,
            control: false,
        }
    }
}

/// A party as a register knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its name, for messages.
    pub name: String,
    /// What it is.
    pub kind: PartyKind,
    /// Country of the headquarters; of residence for a person.
    pub headquarters: Fact<Country>,
    /// Country of incorporation, where it is another than the headquarters.
    pub incorporated: Option<Fact<Country>>,
    /// The lists on which it stands.
    pub listed: Listed,
    /// Who holds shares in it.
    pub owners: Vec<Holding>,
    /// Whether `owners` names every holder that could matter. If not, what is left of 100 % may belong to anybody.
    pub owners_complete: bool,
    /// Headquarters of the ultimate parent, where somebody stated it in place of owners.
    pub parent: Option<Fact<Country>>,
}

impl Party {
    /// A company of which nothing is known but the name.
    #[must_use]
    pub fn company(name: impl Into<String>) -> Self {
        let unknown = "not stated";
        Self {
            name: name.into(),
            kind: PartyKind::Company,
            headquarters: Fact::unknown(unknown),
            incorporated: None,
            listed: Listed::unknown(unknown),
            owners: Vec::new(),
            owners_complete: false,
            parent: None,
        }
    }

    /// With a complete register of owners.
    #[must_use]
    pub fn owned(mut self, owners: impl IntoIterator<Item = Holding>) -> Self {
        self.owners = owners.into_iter().collect();
        self.owners_complete = true;
        self
    }

    /// Screened, on these lists.
    #[must_use]
    pub fn on_lists<'a>(mut self, lists: impl IntoIterator<Item = &'a str>) -> Self {
        self.listed = Listed::on(lists, Source::named("screening"));
        self
    }

    /// With its headquarters.
    #[must_use]
    pub fn based(mut self, country: Country) -> Self {
        self.headquarters = Fact::stated(country, "the register");
        self
    }

    /// Whether it stands on any of these lists. A free float stands on none.
    #[must_use]
    pub fn on_any(&self, lists: &[&str]) -> Certainty {
        if self.kind == PartyKind::Dispersed {
            return Certainty::No;
        }
        lists
            .iter()
            .map(|list| self.listed.stands_on(list))
            .max()
            .unwrap_or(Certainty::No)
    }
}

/// Parties by key, with who owns whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Register {
    /// The parties.
    pub parties: BTreeMap<String, Party>,
}

impl Register {
    /// Adds or replaces a party.
    pub fn insert(&mut self, key: impl Into<String>, party: Party) {
        self.parties.insert(key.into(), party);
    }

    /// A party by key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Party> {
        self.parties.get(key)
    }
}
