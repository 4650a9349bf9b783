//! What it runs on.

use causeway_domain::{Bytes, UsdPerHour};
use causeway_market::Accelerator;

/// The machines of a plan: equal nodes at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fleet<'a> {
    /// What computes.
    pub hardware: Hardware<'a>,
    /// Nodes.
    pub nodes: u32,
    /// Main memory of a node, when stated.
    pub node_memory: Option<Bytes>,
    /// Price of a node, when stated.
    pub price_per_node_hour: Option<UsdPerHour>,
    /// Throughput that the site measured with this very workload, a node. Unit: tokens per second. Where it is stated it
    /// is the time's only source, whatever the hardware.
    pub declared_tokens_per_second: Option<f64>,
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

impl Fleet<'_> {
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
