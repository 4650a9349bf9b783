//! How a model is laid over the accelerators of a fleet.

use serde::{Deserialize, Serialize};

/// What of the training state the data-parallel replicas divide among them (ZeRO, 1910.02054, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharding {
    /// Nothing: each replica holds all of it.
    Zero0,
    /// Master weights and moments.
    Zero1,
    /// Gradients too.
    Zero2,
    /// Weights too (FSDP): each layer is gathered when it is used.
    Zero3,
}

/// Which activations are computed again on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// None.
    None,
    /// The attention scores only (Korthikanti et al., 2205.05198, section 5).
    Selective,
    /// Every layer but its input.
    Full,
}

/// A complete parallel layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Replicas that each work on other sequences.
    pub data: u32,
    /// Shards that divide each layer among them.
    pub tensor: u32,
    /// Stages that divide the layers among them.
    pub pipeline: u32,
    /// Shards that divide the experts among them; they are taken from `data` and `tensor`, not beside them.
    pub expert: u32,
    /// Shards that divide each sequence among them.
    pub context: u32,
    /// What replicas divide.
    pub sharding: Sharding,
    /// Sequences that a replica works on at once.
    pub micro_batch: u32,
    /// What is computed again.
    pub recompute: Recompute,
}

impl Layout {
    /// Shards that the layout uses.
    #[must_use]
    pub const fn shards(&self) -> u32 {
        self.data
            .saturating_mul(self.tensor)
            .saturating_mul(self.pipeline)
            .saturating_mul(self.context)
    }
}

impl std::fmt::Display for Layout {
    /// `dp 8, tp 4, pp 2, zero1, micro-batch 1, full recomputation`; what is 1 or nothing is left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dp {}", self.data)?;
        for (word, ways) in [
            ("tp", self.tensor),
            ("pp", self.pipeline),
            ("cp", self.context),
            ("ep", self.expert),
        ] {
            if ways > 1 {
                write!(f, ", {word} {ways}")?;
            }
        }
        f.write_str(match self.sharding {
            Sharding::Zero0 => "",
            Sharding::Zero1 => ", zero1",
            Sharding::Zero2 => ", zero2",
            Sharding::Zero3 => ", zero3",
        })?;
        write!(f, ", micro-batch {}", self.micro_batch)?;
        f.write_str(match self.recompute {
            Recompute::None => "",
            Recompute::Selective => ", selective recomputation",
            Recompute::Full => ", full recomputation",
        })
    }
}

/// The parts of a layout that are given; the others are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pinned {
    /// Tensor-parallel ways.
    pub tensor: Option<u32>,
    /// Pipeline stages.
    pub pipeline: Option<u32>,
    /// Expert-parallel ways.
    pub expert: Option<u32>,
    /// Context-parallel ways.
    pub context: Option<u32>,
    /// Sharding of the state.
    pub sharding: Option<Sharding>,
    /// Sequences that a replica works on at once.
    pub micro_batch: Option<u32>,
    /// What is computed again.
    pub recompute: Option<Recompute>,
}

impl Pinned {
    /// Whether the division of the model over chips is given: tensor and pipeline ways, or sharded weights in their place.
    #[must_use]
    pub const fn is_laid_out(&self) -> bool {
        (self.tensor.is_some() && self.pipeline.is_some())
            || matches!(self.sharding, Some(Sharding::Zero3))
    }
}
