//! What it runs on.

use causeway_domain::{BitsPerSecond, Bytes, Usd, UsdPerHour};
use causeway_market::{Accelerator, Term};

use crate::{Interval, Pinned};

/// The machines of a plan: equal nodes at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fleet<'a> {
    /// What computes.
    pub hardware: Hardware<'a>,
    /// Nodes.
    pub nodes: u32,
    /// Main memory of a node, when stated.
    pub node_memory: Option<Bytes>,
    /// Rate of a node to other nodes, all its network cards together, when the offer states it. `None`: the accelerator's
    /// usual reference node; clouds differ by eight times.
    pub node_link: Option<BitsPerSecond>,
    /// On what terms a node is paid, when stated.
    pub term: Option<Term>,
    /// Prices of what is not a node.
    pub rates: Rates,
    /// How often a node is taken away, an hour. `None`: it is not rented that way.
    pub preemptions_per_node_hour: Option<f64>,
    /// Throughput that the site measured with this very workload, a node. Unit: tokens per second. Where it is stated it
    /// is the time's only source, whatever the hardware.
    pub declared_tokens_per_second: Option<f64>,
    /// Parts of the layout that are given; the others are chosen.
    pub layout: Pinned,
}

/// Prices of what is not a node. `None`: not stated, the amount is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// Storage of a decimal gigabyte for a month of 730 hours.
    pub storage_gb_month: Option<Usd>,
    /// A decimal gigabyte that leaves the site.
    pub egress_gb: Option<Usd>,
    /// People who watch the run, all together: an hour of their pay, with what an employer pays beside.
    pub people: Option<Interval<UsdPerHour>>,
}

/// What computes in a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hardware<'a> {
    /// Accelerators that the table lists.
    Accelerators {
        /// The part.
        part: &'a Accelerator,
        /// How many a node has.
        per_node: u32,
    },
    /// Accelerators that the table does not list.
    Unlisted {
        /// What the offer calls them.
        name: &'a str,
        /// How many a node has.
        per_node: u32,
    },
    /// Processors only.
    Cpu,
}

impl Hardware<'_> {
    /// Accelerators of a node; 0 for processors only.
    #[must_use]
    pub const fn per_node(self) -> u32 {
        match self {
            Self::Accelerators { per_node, .. } | Self::Unlisted { per_node, .. } => per_node,
            Self::Cpu => 0,
        }
    }
}

impl<'a> Fleet<'a> {
    /// Nodes of which nothing else is stated.
    #[must_use]
    pub fn new(hardware: Hardware<'a>, nodes: u32) -> Self {
        Self {
            hardware,
            nodes,
            node_memory: None,
            node_link: None,
            term: None,
            rates: Rates::default(),
            preemptions_per_node_hour: None,
            declared_tokens_per_second: None,
            layout: Pinned::default(),
        }
    }

    /// Accelerators of all nodes; 0 for processors only.
    #[must_use]
    pub const fn accelerators(&self) -> u32 {
        self.hardware.per_node().saturating_mul(self.nodes)
    }

    /// What the memory is divided over: accelerators, or nodes where there are none.
    #[must_use]
    pub const fn shards(&self) -> u32 {
        match self.hardware {
            Hardware::Cpu => self.nodes,
            Hardware::Accelerators { .. } | Hardware::Unlisted { .. } => self.accelerators(),
        }
    }
}
