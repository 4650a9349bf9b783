//! What an answer to a request consists of.

use causeway_domain::{Bytes, UsdPerHour};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::terms::in_months;
use crate::{Accelerator, Offer, Term};

/// How a machine is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// By the hour, kept until given back.
    OnDemand,
    /// By the hour, may be taken away at any time.
    Spot,
    /// For a fixed time, used or not.
    Reserved {
        /// For how long.
        months: u32,
    },
    /// By the hour, for a promise to use a least amount.
    Committed {
        /// For how long.
        months: u32,
    },
}

impl std::fmt::Display for PriceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnDemand => f.pad("on demand"),
            Self::Spot => f.pad("spot"),
            Self::Reserved { months } => f.pad(&format!("reserved for {}", in_months(*months))),
            Self::Committed { months } => f.pad(&format!("committed for {}", in_months(*months))),
        }
    }
}

/// An offer of the kind asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Match<'m> {
    /// The offer.
    pub offer: &'m Offer,
    /// Its accelerator in the table; `None` also when the table does not list it.
    #[serde(skip)]
    pub accelerator: Option<&'m Accelerator>,
    /// Place of its accelerator in a request that states an order of preference, else 0.
    pub preference: usize,
    /// How it would be paid: on demand or spot. Its offer's other terms stand beside that.
    pub kind: PriceKind,
    /// Price of one machine, paid that way.
    pub price: Option<UsdPerHour>,
    /// What it falls short of; empty when it answers the request.
    pub shortfalls: Vec<Shortfall>,
    /// What could not be compared because the offer does not state it.
    pub doubts: Vec<String>,
}

impl Match<'_> {
    /// The terms on which the machine can be had for the request: the price of the match, and, where spot is not asked for,
    /// what the offer has beside.
    pub fn terms(&self) -> impl Iterator<Item = Term> + '_ {
        let by_the_hour = self.price.map(|price| match self.kind {
            PriceKind::Spot => Term::Spot(price),
            _ => Term::OnDemand(price),
        });
        let beside = (self.kind != PriceKind::Spot).then_some(&self.offer.terms);
        let beside = beside.into_iter().flat_map(|terms| terms.iter().copied());
        by_the_hour.into_iter().chain(beside)
    }

    /// Whether the offer answers the request, as far as it states what was asked.
    #[must_use]
    pub const fn answers(&self) -> bool {
        self.shortfalls.is_empty()
    }
}

/// One thing in which an offer falls short of a request. `Display` says it for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    /// No accelerator, or another one.
    Accelerator {
        /// What the request asks for, alternatives joined by `or`.
        asked: String,
        /// What the machine has.
        has: Option<String>,
    },
    /// Another number of accelerators in a machine.
    AcceleratorCount {
        /// Asked for.
        asked: u32,
        /// In the machine.
        has: u32,
    },
    /// Another number of CPUs.
    Cpus {
        /// Asked for.
        asked: Decimal,
        /// Whether more would do.
        at_least: bool,
        /// In the machine.
        has: Decimal,
    },
    /// Another amount of main memory.
    Memory {
        /// Asked for.
        asked: Bytes,
        /// Whether more would do.
        at_least: bool,
        /// In the machine.
        has: Bytes,
    },
    /// Not sold that way.
    NotSold {
        /// The way.
        kind: PriceKind,
    },
    /// Dearer than the request allows.
    Price {
        /// Price of a machine.
        price: UsdPerHour,
        /// The most it may cost.
        cap: UsdPerHour,
    },
}

impl std::fmt::Display for Shortfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gib = |bytes: &Bytes| {
            let gib = Decimal::from(bytes.get()) / Decimal::from(1u64 << 30);
            format!("{} GiB", gib.round_dp(1).normalize())
        };
        let words = |at_least: &bool| if *at_least { "at least " } else { "exactly " };
        match self {
            Self::Accelerator {
                asked,
                has: Some(has),
            } => write!(f, "has {has}, the task asks for {asked}"),
            Self::Accelerator { asked, has: None } => {
                write!(f, "has no accelerator, the task asks for {asked}")
            }
            Self::AcceleratorCount { asked, has: 1 } => {
                write!(f, "has 1 accelerator, the task asks for {asked}")
            }
            Self::AcceleratorCount { asked, has } => {
                write!(f, "has {has} accelerators, the task asks for {asked}")
            }
            Self::Cpus {
                asked,
                at_least,
                has,
            } => write!(
                f,
                "has {} CPUs, the task asks for {}{}",
                has.normalize(),
                words(at_least),
                asked.normalize()
            ),
            Self::Memory {
                asked,
                at_least,
                has,
            } => write!(
                f,
                "has {} of memory, the task asks for {}{}",
                gib(has),
                words(at_least),
                gib(asked)
            ),
            Self::NotSold {
                kind: PriceKind::Spot,
            } => f.write_str("is not sold as spot"),
            Self::NotSold { kind } => write!(f, "is not sold {kind}"),
            Self::Price { price, cap } => write!(
                f,
                "costs {price}, {} above the limit of {cap}",
                UsdPerHour::new(price.get() - cap.get())
            ),
        }
    }
}
