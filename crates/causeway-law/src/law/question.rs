//! The single questions that policies ask of an act, resolved when packs are loaded: nothing is looked up by its name when
//! an act is judged.

use crate::Role;
use crate::definitions::Field;
use crate::formula::Comparison;

/// A question of a policy. Yes, no, or open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    To(u16),
    From(u16),
    DataFrom(u16),
    StoredIn(u16),
    /// The item has a part of this kind.
    Kind(ItemKind),
    Role(Roles),
    /// An authorisation on file, by its number in the vocabulary.
    Authorisation(u16),
    /// Nobody stated it.
    Unstated(Unstated),
    /// The posture is this one: `books`, else `enforced`.
    Books(bool),
    ItemClass(u16),
    Chip(u16),
    Entry(u16),
    RequestedBy(u16),
    Flag(Flag),
    Seat {
        group: Roles,
        field: Field,
        token: u16,
    },
    Listed {
        group: Roles,
        list: u16,
    },
    PartyClass {
        group: Roles,
        class: u16,
    },
    Fact {
        fact: u16,
        wanted: Wanted,
    },
    /// Nothing can give it.
    Never,
}

/// What of a fact is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wanted {
    /// This word of its values.
    Is(u16),
    Yes,
    Day(Comparison, i64),
}

/// What is asked to be stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Unstated {
    /// `dataset.important`.
    Important,
    Fact(u16),
    /// A name that is no fact: nobody ever states it.
    Always,
}

/// Several roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Roles(u16);

impl Roles {
    pub(crate) fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | 1 << *role as u16))
    }

    pub(crate) const fn has(self, role: Role) -> bool {
        self.0 >> role as u16 & 1 == 1
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The roles of a group of the context.
    pub(crate) fn group(name: &str) -> Self {
        Self::of(match name {
            "recipient" => &[Role::Purchaser, Role::Consignee, Role::EndUser],
            "shipper" => &[Role::Exporter, Role::Seller],
            "holder" => &[Role::Provider, Role::Operator, Role::Owner],
            "user" => &[
                Role::Customer,
                Role::EndUser,
                Role::Purchaser,
                Role::Consignee,
                Role::Owner,
                Role::Operator,
            ],
            "sender" => &[Role::Controller, Role::UsPerson],
            "receiver" => &[
                Role::Provider,
                Role::Customer,
                Role::EndUser,
                Role::Purchaser,
                Role::Consignee,
                Role::Operator,
            ],
            _ => Role::ALL,
        })
    }

    pub(crate) fn words(self) -> Vec<&'static str> {
        Role::ALL
            .iter()
            .filter(|role| self.has(**role))
            .map(|role| role.word())
            .collect()
    }
}

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum $name { $($variant,)* }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(crate) fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word() == word)
            }
        }
    };
}

names! {
    /// A part of an item.
    ItemKind {
        Chip = "chip",
        Other = "other",
        Dataset = "dataset",
        Weights = "weights",
        Model = "model",
        Technology = "technology",
        Service = "service",
        Evidence = "evidence",
        Unknown = "unknown",
    }
}

names! {
    /// A flag of an item; in the order of the letters, which is the order in which open facts are named.
    Flag {
        Closed = "closed",
        Datacenter = "datacenter",
        Gpai = "gpai",
        Important = "important",
        Public = "public",
        Published = "published",
    }
}

names! {
    /// A figure of a chip, or the operations of a training; in the order of the letters.
    Figure {
        DramBandwidth = "dram_bandwidth",
        IoTotal = "io_total",
        PerformanceDensity = "performance_density",
        Tpp = "tpp",
        TrainOps = "train_ops",
    }
}
