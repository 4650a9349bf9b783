//! Memory of one shard: training state, activations, buffers.

use causeway_domain::Bytes;

use crate::workload::bytes;
use crate::{FeedForward, ModelShape, Precision, Workload};

/// What of the training state the data-parallel replicas divide among them (ZeRO, 1910.02054, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// How a model is laid over shards (accelerators, or nodes where there are none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Replicas that each work on other sequences.
    pub data: u32,
    /// Shards that divide each layer among them.
    pub tensor: u32,
    /// Shards that divide the layers among them.
    pub pipeline: u32,
    /// What replicas divide.
    pub sharding: Sharding,
    /// Sequences that a replica works on at once.
    pub micro_batch: u32,
    /// Whether each layer's activations are computed again on the way back.
    pub recompute: bool,
}

impl Layout {
    /// The layout that needs the least memory without offloading: ZeRO-3 over every shard, one sequence at a time, all
    /// layers recomputed. Where the batch has fewer sequences than there are shards, the rest divide each layer.
    #[must_use]
    pub fn smallest(shards: u32, global_batch: Option<u32>) -> Self {
        let shards = shards.max(1);
        let tensor = shards.div_ceil(global_batch.unwrap_or(shards).clamp(1, shards));
        // What is left over when they do not divide stays idle: never more shards than there are.
        let data = (shards / tensor).max(1);
        Self {
            data,
            tensor,
            pipeline: 1,
            sharding: Sharding::Zero3,
            micro_batch: 1,
            recompute: true,
        }
    }
}

/// Parts of a shard's memory. Unit: bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Weights, gradients, master weights, moments.
    pub states: f64,
    /// Layers gathered for use under ZeRO-3: two of weights (one in use, one fetched ahead), one of gradients.
    pub gathered: f64,
    /// What the forward pass keeps for the way back.
    pub activations: f64,
    /// Scores over the vocabulary.
    pub logits: f64,
    /// Runtime and communication buffers.
    pub fixed: f64,
}

/// Lost to fragments of the allocator: 5 to 10 % is usual.
const FRAGMENTATION: f64 = 0.05;
/// Runtime context and communication buffers of an accelerator: 1 to 2.5 GiB is usual.
const FIXED_ACCELERATOR: f64 = 1.5 * GIB;
/// A process on a node without accelerators.
const FIXED_CPU: f64 = 0.5 * GIB;
const GIB: f64 = (1u64 << 30) as f64;

impl Memory {
    /// Sum, with the allocator's loss on all but the fixed part.
    #[must_use]
    pub fn total(&self) -> Bytes {
        let live = self.states + self.gathered + self.activations + self.logits;
        bytes(live * (1.0 + FRAGMENTATION) + self.fixed)
    }

    /// Memory of the fullest shard under a layout. Activations, gathered layers and logits are zero when the workload has
    /// no shape: the sum is then a lower bound.
    #[must_use]
    pub fn of(workload: &Workload, layout: &Layout, accelerator: bool) -> Self {
        let tensor = f64::from(layout.tensor.max(1));
        let state = fullest_stage(workload, layout.pipeline.max(1)) / tensor
            * state_bytes(workload, layout);
        let fixed = if accelerator {
            FIXED_ACCELERATOR
        } else {
            FIXED_CPU
        };
        let Some(shape) = &workload.shape else {
            return Self {
                states: state,
                gathered: 0.0,
                activations: 0.0,
                logits: 0.0,
                fixed,
            };
        };
        let width = f64::from(workload.precision.bytes());
        let unit = shape
            .params_per_layer()
            .get()
            .max(shape.params_embedding().get())
            / tensor;
        let gathered = if layout.sharding == Sharding::Zero3 && layout.data > 1 {
            3.0 * unit * width
        } else {
            0.0
        };
        let tokens = f64::from(workload.sequence) * f64::from(layout.micro_batch.max(1));
        Self {
            states: state,
            gathered,
            activations: activations(shape, workload.precision, layout, tokens),
            logits: tokens * f64::from(shape.vocab) * (4.0 + width) / tensor,
            fixed,
        }
    }
}

/// Parameters of the stage that has most: its share of the layers and an embedding.
fn fullest_stage(workload: &Workload, stages: u32) -> f64 {
    match &workload.shape {
        _ if stages == 1 => workload.params_total.get(),
        None => workload.params_total.get() / f64::from(stages),
        Some(shape) => {
            f64::from(shape.layers.div_ceil(stages)) * shape.params_per_layer().get()
                + shape.params_embedding().get()
        }
    }
}

/// Bytes of state for each parameter that a shard of one replica holds.
fn state_bytes(workload: &Workload, layout: &Layout) -> f64 {
    let weight = f64::from(workload.precision.bytes());
    let gradient = weight;
    let rest = f64::from(workload.state_bytes_per_param()) - weight - gradient;
    let data = f64::from(layout.data.max(1));
    match layout.sharding {
        Sharding::Zero0 => weight + gradient + rest,
        Sharding::Zero1 => weight + gradient + rest / data,
        Sharding::Zero2 => weight + (gradient + rest) / data,
        Sharding::Zero3 => (weight + gradient + rest) / data,
    }
}

/// Activations of the fullest shard. Korthikanti et al. (2205.05198), section 4: s b h (10 + 24/t) bytes a layer in 16
/// bits, attention scores not kept (flash attention); 2 s b h a layer when recomputed, and one layer's working set. The
/// 34 becomes 12 + 4 k/a + 6 f/h without dropout, with grouped queries and a gated feed-forward part. Under 1F1B the first
/// stage holds one micro-batch for each stage.
fn activations(shape: &ModelShape, precision: Precision, layout: &Layout, tokens: f64) -> f64 {
    let (hidden, heads) = (f64::from(shape.hidden), f64::from(shape.heads));
    let attention = 6.0 * (heads * f64::from(shape.head_dim) / hidden)
        + 4.0 * f64::from(shape.kv_heads) * f64::from(shape.head_dim) / hidden;
    let coefficient = match shape.ffn {
        FeedForward::Plain { width } => 4.0 + 11.0 + 3.0 + 4.0 * f64::from(width) / hidden,
        FeedForward::Gated { width } => 4.0 + attention + 2.0 + 6.0 * f64::from(width) / hidden,
        // Each token is copied to its experts; a fifth more for uneven load.
        FeedForward::Experts {
            width, per_token, ..
        } => 4.0 + attention + 1.2 * f64::from(per_token) * (2.0 + 6.0 * f64::from(width) / hidden),
    };
    let scale = f64::from(precision.bytes()) / 2.0;
    let tensor = f64::from(layout.tensor.max(1));
    let layer = tokens * hidden * scale * coefficient * (10.0 + 24.0 / tensor) / 34.0;
    // The first of p stages holds p micro-batches of L / p layers: L layers' worth, whatever p is.
    let layers = f64::from(shape.layers);
    if layout.recompute {
        layers * 2.0 * tokens * hidden * scale + layer
    } else {
        layers * layer
    }
}

#[cfg(test)]
mod tests {
    use causeway_domain::Tokens;
    use proptest::prelude::*;

    use super::*;

    fn workload() -> Workload {
        let config = r#"{"model_type":"llama","num_hidden_layers":32,"hidden_size":4096,"num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,"vocab_size":128256}"#;
        Workload::of_shape(
            ModelShape::from_hf_config(config).unwrap(),
            Tokens::new(1e12),
            8192,
        )
    }

    #[test]
    fn the_coefficient_of_llama_3_is_thirty_four() {
        // Activations of one layer without recomputation, in units of s b h: 34 for Llama-3-8B.
        let shape = workload().shape.unwrap();
        let layout = Layout {
            data: 1,
            tensor: 1,
            pipeline: 1,
            sharding: Sharding::Zero0,
            micro_batch: 1,
            recompute: false,
        };
        let unit = activations(&shape, Precision::Bf16, &layout, 8192.0) / (32.0 * 8192.0 * 4096.0);
        assert!((unit - 34.0).abs() < 0.5, "{unit}");
    }

    #[test]
    fn a_batch_smaller_than_the_fleet_divides_layers() {
        assert_eq!(
            Layout::smallest(64, Some(16)),
            Layout {
                data: 16,
                tensor: 4,
                ..Layout::smallest(64, None)
            }
        );
        let uneven = Layout::smallest(10, Some(4));
        assert_eq!((uneven.data, uneven.tensor), (3, 3));
        assert_eq!(Layout::smallest(8, None).data, 8);
        assert_eq!(Layout::smallest(0, Some(0)), Layout::smallest(1, None));
    }

    proptest! {
        #[test]
        fn more_sharding_never_needs_more_state(data in 1u32..4096) {
            let state = |sharding| Memory::of(&workload(), &Layout { data, sharding, ..Layout::smallest(1, None) }, true).states;
            prop_assert!(state(Sharding::Zero0) >= state(Sharding::Zero1));
            prop_assert!(state(Sharding::Zero1) >= state(Sharding::Zero2));
            prop_assert!(state(Sharding::Zero2) >= state(Sharding::Zero3));
            prop_assert!((state(Sharding::Zero3) * f64::from(data) - 16.0 * workload().params_total.get()).abs() < 1e3);
        }

        #[test]
        fn a_layout_never_uses_more_shards_than_there_are(shards in 1u32..20_000, batch in prop::option::of(1u32..5_000)) {
            let layout = Layout::smallest(shards, batch);
            prop_assert!(layout.data * layout.tensor <= shards);
            prop_assert!(batch.is_none_or(|batch| layout.data <= batch));
            let state = Memory::of(&workload(), &layout, true).states;
            prop_assert!(state >= 0.999_999 * 16.0 * workload().params_total.get() / f64::from(shards));
        }

        #[test]
        fn longer_sequences_and_bigger_batches_need_more(sequence in 1u32..100_000, micro_batch in 1u32..64) {
            let total = |sequence, micro_batch| {
                Memory::of(&Workload { sequence, ..workload() }, &Layout { micro_batch, ..Layout::smallest(8, None) }, true).total()
            };
            prop_assert!(total(sequence, micro_batch) < total(sequence + 1, micro_batch));
            prop_assert!(total(sequence, micro_batch) < total(sequence, micro_batch + 1));
        }
    }
}
