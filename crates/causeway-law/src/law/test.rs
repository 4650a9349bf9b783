//! Conditions of definitions, with every name resolved.

use causeway_domain::Date;
use rust_decimal::Decimal;

use super::question::{Figure, Flag, Roles};
use crate::bits::Bits;
use crate::definitions::{Comparison, Field};

/// A quantity of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Measure {
    Figure(Figure),
    /// Persons of a class of data.
    Persons(u16),
    /// A fact that is a number.
    Fact(u16),
}

/// A condition on an item or a party.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Class(u16),
    Measure {
        measure: Measure,
        comparison: Comparison,
        value: Decimal,
    },
    Flag {
        flag: Flag,
        is: bool,
    },
    /// A chip of the table, by words.
    Chip(Bits),
    Lines(Lines),
    /// A fact that is a flag.
    Fact(u16),
    Country {
        field: Field,
        tokens: Bits,
    },
    Listed(Bits),
    Role(Roles),
    Ciio,
    OwnedBy {
        by: Box<Self>,
        at_least: Decimal,
        number: u16,
    },
    Holder {
        by: Box<Self>,
        from: Decimal,
        number: u16,
    },
    /// Nothing can give it.
    Never,
}

/// Persons over lines by class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lines {
    /// Class of data, its line, and whether it counts.
    pub(crate) lines: Vec<(u16, Decimal, bool)>,
    /// Every line, ascending, each once.
    pub(crate) thresholds: Vec<Decimal>,
}

/// A definition that holds on some days.
#[derive(Debug, Clone)]
pub(crate) struct Dated {
    pub(crate) jurisdiction: String,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) test: Test,
}
