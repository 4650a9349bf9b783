//! Acts: what the law looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::{Country, Date, Fact, Timestamp};
use causeway_parties::Register;
use rust_decimal::Decimal;

use crate::approval::OnFile;
use serde::{Deserialize, Serialize};

/// A word that the rules don't know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not {what}")]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// What was expected: `an act`, `a role`.
    pub what: &'static str,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word of the case format.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|known| known.word() == word)
                    .ok_or_else(|| UnknownWord { word: word.to_owned(), what: $what })
            }
        }
    };
}

words! {
    /// What is done. Two compound acts are judged in both halves.
    ActKind, "an act" {
        /// Goods leave a country.
        Export = "export",
        /// Goods of another country's control leave a third country.
        Reexport = "reexport",
        /// Goods change hands inside a country.
        DomesticSale = "domestic_sale",
        /// A provider lets a customer compute on its chips.
        RentIaas = "rent_iaas",
        /// Somebody computes on a chip.
        UseChip = "use_chip",
        /// Data leave a country.
        TransferDataset = "transfer_dataset",
        /// Model weights leave a country.
        TransferWeights = "transfer_weights",
        /// Code or know-how leave a country.
        TransferTechnology = "transfer_technology",
        /// Records are handed to somebody who asks for them.
        EvidenceTransfer = "evidence_transfer",
        /// A service opens to a public.
        PublicLaunch = "public_launch",
        /// A model is placed on a market.
        PlaceOnMarket = "place_on_market",
        /// `export` and `transfer_dataset`.
        ExportAndDataset = "export_and_dataset",
        /// `rent_iaas` and `transfer_dataset`.
        RentAndDataset = "rent_and_dataset",
    }
}

words! {
    /// In what role a party takes part.
    Role, "a role" {
        /// Sends goods.
        Exporter = "exporter",
        /// Sells goods.
        Seller = "seller",
        /// Buys goods.
        Purchaser = "purchaser",
        /// Receives goods.
        Consignee = "consignee",
        /// Uses what is received.
        EndUser = "end_user",
        /// Provides compute; receives data.
        Provider = "provider",
        /// Rents compute.
        Customer = "customer",
        /// Decides on personal data, and sends them.
        Controller = "controller",
        /// A US person who sends data.
        UsPerson = "us_person",
        /// Owns weights, technology or records.
        Owner = "owner",
        /// Runs a service.
        Operator = "operator",
    }
}

/// When an act happens. Law is judged by the day in the rule's own place, so one instant can be two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum When {
    /// An instant: each rule sees the day in its own place.
    Instant(Timestamp),
    /// A day: every rule sees this day.
    Day(Date),
}

impl From<Date> for When {
    fn from(day: Date) -> Self {
        Self::Day(day)
    }
}

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        Self::Instant(at)
    }
}

impl When {
    /// The day in UTC, for people.
    #[must_use]
    pub fn day(self) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Instant(at) => jiff::tz::TimeZone::UTC.to_datetime(at).date(),
        }
    }
}

/// One act: who does what with what, from where to where, when, and what is known about it.
///
/// A fact that nobody stated is unknown: there are no defaults here ([`crate::cases`] has those of case files).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Act {
    /// What is done.
    pub kind: ActKind,
    /// When.
    pub date: When,
    /// Where from; none where nothing is shipped or sent.
    pub from: Option<Country>,
    /// Where to: the destination, the site, the market.
    pub to: Fact<Country>,
    /// What it is done with.
    pub item: Item,
    /// Who takes part.
    pub parties: Vec<ActParty>,
    /// Every party named above and whoever owns one, up to the ultimate parents.
    pub register: Arc<Register>,
    /// Authorisations held whose scope and dates cover this act, in the words of the vocabulary (`BIS_LICENCE`).
    pub authorisations: BTreeSet<String>,
    /// Facts by their names of the vocabulary (`end_use`, `relation`). A name that is not here is unknown: not stated.
    pub facts: BTreeMap<String, Fact<FactValue>>,
    /// Rules that want a person to look, and that a reviewer's signed determination answered for this act. Only a rule whose
    /// own outcome is `needs_review` is answered so.
    pub determined: BTreeSet<String>,
    /// Where authorisations, determined facts and rules come from.
    pub on_file: Vec<OnFile>,
}

impl Act {
    /// An act on a day without parties, item, facts and authorisations: fill in what there is.
    #[must_use]
    pub fn new(kind: ActKind, date: impl Into<When>, to: Fact<Country>) -> Self {
        Self {
            kind,
            date: date.into(),
            from: None,
            to,
            item: Item::default(),
            parties: Vec::new(),
            register: Arc::default(),
            authorisations: BTreeSet::new(),
            facts: BTreeMap::new(),
            determined: BTreeSet::new(),
            on_file: Vec::new(),
        }
    }

    /// Adds a party.
    #[must_use]
    pub fn with(mut self, party: ActParty) -> Self {
        self.parties.push(party);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: Fact<FactValue>) -> Self {
        self.facts.insert(name.to_owned(), value);
        self
    }
}

/// A party in a role. Headquarters, lists and owners are those of the register.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActParty {
    /// In what role.
    pub role: Role,
    /// Its key in [`Act::register`].
    pub id: String,
    /// Where it acts (`in` of the case format).
    pub located: Fact<Country>,
    /// China: whether it runs critical information infrastructure.
    pub ciio: Fact<bool>,
}

impl ActParty {
    /// A party whose CIIO status nobody stated.
    #[must_use]
    pub fn new(role: Role, id: impl Into<String>, located: Fact<Country>) -> Self {
        Self {
            role,
            id: id.into(),
            located,
            ciio: Fact::unknown("not stated"),
        }
    }
}

/// The value of a fact of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// True or false.
    Flag(bool),
    /// A number: a ratio.
    Number(Decimal),
    /// A day.
    Day(Date),
    /// Persons by class of data.
    Persons(BTreeMap<String, u64>),
    /// A word: `civil`, `complete`, `none`.
    Word(String),
}

impl From<&str> for FactValue {
    /// Reads `true`, `false`, a number, a day, else a word.
    fn from(text: &str) -> Self {
        match text {
            "true" => Self::Flag(true),
            "false" => Self::Flag(false),
            _ => text
                .parse()
                .map(Self::Number)
                .or_else(|_| text.parse().map(Self::Day))
                .unwrap_or_else(|_| Self::Word(text.to_owned())),
        }
    }
}

impl std::fmt::Display for FactValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Day(value) => write!(f, "{value}"),
            Self::Word(value) => f.write_str(value),
            Self::Persons(counts) => {
                let parts: Vec<String> = counts
                    .iter()
                    .map(|(class, persons)| format!("{class} {persons}"))
                    .collect();
                f.write_str(&parts.join(", "))
            }
        }
    }
}

/// What an act is done with: one part, or several.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Item {
    /// Chips.
    pub chip: Option<Chip>,
    /// Goods without a controlled chip, in words (EAR99).
    pub other: Option<String>,
    /// Data.
    pub dataset: Option<Dataset>,
    /// Model weights.
    pub weights: Option<Weights>,
    /// A model as a product.
    pub model: Option<Model>,
    /// Code or know-how.
    pub technology: Option<Technology>,
    /// A service.
    pub service: Option<Service>,
    /// Records that somebody asks for.
    pub evidence: Option<Evidence>,
    /// Parts of kinds that the rules don't know: they are never allowed.
    pub unknown: BTreeSet<String>,
}

/// Chips of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chip {
    /// An id of the packs' chip table (`h100-sxm`).
    pub id: Option<String>,
    /// How many.
    pub count: u64,
    /// Figures that outrank the table: the maker's own classification, or a chip that the table lacks. A chip with neither
    /// is wholly unknown.
    pub figures: Option<Figures>,
}

impl Chip {
    /// Chips by their id in the table. An id that the table lacks has unknown figures.
    #[must_use]
    pub fn listed(id: impl Into<String>, count: u64) -> Self {
        Self {
            id: Some(id.into()),
            count,
            figures: None,
        }
    }
}

/// Figures of a chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Total processing performance: the maximum over widths of dense TOPS x bits.
    pub tpp: Fact<Decimal>,
    /// TPP by mm2 of die.
    pub performance_density: Fact<Decimal>,
    /// Whether designed or marketed for data centres.
    pub datacenter: Fact<bool>,
    /// Chip-to-chip and host transfer, both directions, GB/s.
    pub io_total: Fact<Decimal>,
    /// Bandwidth to its DRAM, GB/s.
    pub dram_bandwidth: Fact<Decimal>,
}

/// Data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Dataset {
    /// Persons (devices) by class, in the words of the case format (`cn_ordinary`, `us_personal_health`). A class that is
    /// not named is not in the data: name it with an unknown number where nobody knows.
    pub persons: BTreeMap<String, Fact<u64>>,
    /// China: whether an authority or a catalogue calls it important. Only asked of data that leave China.
    pub important: Option<Fact<bool>>,
    /// Whether it is known what the data are. Unknown: they may be of any class.
    pub classified: Option<Fact<bool>>,
}

/// Model weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weights {
    /// Whether they are kept closed.
    pub closed: Fact<bool>,
    /// Whether they are published.
    pub published: Fact<bool>,
    /// Operations of the training, in total.
    pub train_ops: Fact<Decimal>,
}

/// A model as a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Model {
    /// Whether it is general-purpose (EU AI Act Art. 3(63)).
    pub gpai: Fact<bool>,
    /// Operations of the training, in total.
    pub train_ops: Fact<Decimal>,
}

/// Code or know-how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Technology {
    /// Under which entry of the catalogue its owner classified it; `free` or `unclassified`.
    pub entry: Fact<String>,
    /// In words.
    pub text: String,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Whether it is offered to the public.
    pub public: Fact<bool>,
    /// In words.
    pub text: String,
}

/// Records that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Where they are stored.
    pub stored_in: Fact<Country>,
    /// Who asks: `foreign_court`, `foreign_police`, `foreign_regulator`, `own_auditor`.
    pub requested_by: Fact<String>,
    /// In words.
    pub text: String,
}
