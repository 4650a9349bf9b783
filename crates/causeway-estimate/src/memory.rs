//! Memory of one shard, part by part.

use causeway_domain::Bytes;
use serde::Serialize;

use crate::footprint::Footprint;
use crate::workload::bytes;

/// Parts of the memory of the fullest shard (accelerator, or node where there are none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Weights, gradients, master weights, moments.
    pub states: Bytes,
    /// Layers gathered for use where weights are sharded: two of weights, one of gradients.
    pub gathered: Bytes,
    /// What the forward pass keeps for the way back, and the working set of the layer at work.
    pub activations: Bytes,
    /// Scores over the vocabulary.
    pub logits: Bytes,
    /// Runtime and communication buffers.
    pub fixed: Bytes,
    /// All of it, with the allocator's fragments.
    pub total: Bytes,
}

impl From<&Footprint> for Memory {
    fn from(footprint: &Footprint) -> Self {
        Self {
            states: bytes(footprint.states),
            gathered: bytes(footprint.gathered),
            activations: bytes(footprint.activations),
            logits: bytes(footprint.logits),
            fixed: bytes(footprint.fixed),
            total: bytes(footprint.total()),
        }
    }
}
