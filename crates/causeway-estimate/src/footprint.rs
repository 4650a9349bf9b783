//! Memory of the fullest accelerator under a layout.

use crate::card::Maker;
use crate::layout::{Layout, Recompute, Sharding};
use crate::step::Model;

pub(crate) const GIB: f64 = (1u64 << 30) as f64;

/// Bytes that the number format and the optimizer keep for each parameter, mean over trained and frozen ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Widths {
    /// A weight as it is used.
    pub(crate) weight: f64,
    /// A gradient as it is summed up over micro-batches.
    pub(crate) gradient: f64,
    /// Master copy and moments.
    pub(crate) optimizer: f64,
    /// An activation.
    pub(crate) activation: f64,
    /// What activations are kept in, against `activation`: less than 1 where the inputs of products are kept in 8 bits.
    pub(crate) kept: f64,
    /// Runtime and communication buffers of a process that is alone, and of one among others.
    pub(crate) alone: f64,
    pub(crate) among: f64,
}

/// Parts of the fullest accelerator's memory. Unit: bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Footprint {
    pub(crate) states: f64,
    pub(crate) gathered: f64,
    pub(crate) activations: f64,
    pub(crate) logits: f64,
    pub(crate) fixed: f64,
}

/// Lost to fragments of the allocator: 5 to 10 % is usual.
const FRAGMENTATION: f64 = 0.075;
/// A router's uneven load: a fifth more copies than the mean.
const UNEVEN: f64 = 1.2;

impl Footprint {
    /// Sum, with the allocator's loss on all but the fixed part.
    pub(crate) fn total(&self) -> f64 {
        (self.states + self.gathered + self.activations + self.logits) * (1.0 + FRAGMENTATION)
            + self.fixed
    }

    /// The largest part, with its name.
    pub(crate) fn largest(&self) -> (&'static str, f64) {
        [
            ("training state", self.states),
            ("gathered layers", self.gathered),
            ("activations", self.activations),
            ("scores over the vocabulary", self.logits),
            ("runtime", self.fixed),
        ]
        .into_iter()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .unwrap_or(("training state", self.states))
    }

    /// What no choice of micro-batch or recomputation makes smaller.
    pub(crate) fn least(&self) -> f64 {
        self.states + self.fixed / 2.0
    }

    /// Under a layout.
    pub(crate) fn of(model: &Model<'_>, widths: &Widths, layout: &Layout) -> Self {
        let a = model.anatomy;
        let tensor = f64::from(layout.tensor);
        let stages = f64::from(layout.pipeline);
        let data = f64::from(layout.data) * f64::from(layout.context);
        let tokens = model.tokens(layout);
        // The fullest stage: its layers and one embedding. A lone stage has all of them.
        let (layers, embeddings) = if stages > 1.0 {
            ((a.layers / stages).ceil(), 1.0)
        } else {
            (a.layers, a.embeddings)
        };
        let correction = a.excess();
        let dense = (layers * a.dense_layer_params() * correction
            + embeddings * a.embedding_params())
            / tensor;
        // Experts are divided over expert-parallel shards, or like everything else; replicas of an expert are those
        // shards that do not hold other experts.
        let (expert_ways, expert_data) = if layout.expert > 1 {
            let ways = f64::from(layout.expert);
            (ways, (data * tensor / ways).max(1.0))
        } else {
            (tensor, data)
        };
        let experts = layers * a.expert_layer_params() * correction / expert_ways;
        let states = state(widths, layout.sharding, data) * dense
            + state(widths, layout.sharding, expert_data) * experts;
        let gathered = if layout.sharding == Sharding::Zero3 && data > 1.0 {
            let layer = a.dense_layer_params() / tensor + a.expert_layer_params() / expert_ways;
            // Two layers of weights (one in use, one fetched ahead), one of gradients; XLA gathers matrix by matrix.
            let layers = if model.card.maker == Maker::Google {
                widths.weight
            } else {
                2.0 * widths.weight + widths.gradient.min(widths.weight)
            };
            layers * layer.max(a.embedding_params() / tensor)
        } else {
            0.0
        };
        let (kept, working) = layer_activations(model, widths, layout, tokens);
        let logits = if model.batch.backward > 0.0 {
            tokens * a.vocab * (4.0 + widths.activation) / tensor
        } else {
            0.0
        };
        // 1F1B: the first stage holds one micro-batch for each stage; the last one holds one, and the scores. The fuller
        // one counts.
        let (activations, logits) = if stages > 1.0 {
            let first = stages.min(model.batches(layout)) * layers * kept + working;
            let last = layers * kept + working;
            if first >= last + logits {
                (first, 0.0)
            } else {
                (last, logits)
            }
        } else {
            (layers * kept + working, logits)
        };
        Self {
            states,
            gathered,
            activations,
            logits,
            fixed: if layout.shards() > 1 {
                widths.among
            } else {
                widths.alone
            },
        }
    }
}

/// Bytes of state for each parameter (ZeRO, 1910.02054, section 5).
fn state(widths: &Widths, sharding: Sharding, data: f64) -> f64 {
    let Widths {
        weight,
        gradient,
        optimizer,
        ..
    } = *widths;
    match sharding {
        Sharding::Zero0 => weight + gradient + optimizer,
        Sharding::Zero1 => weight + gradient + optimizer / data,
        Sharding::Zero2 => weight + (gradient + optimizer) / data,
        Sharding::Zero3 => (weight + gradient + optimizer) / data,
    }
}

/// Bytes that a layer keeps of a micro-batch, and what the one at work needs beside them.
///
/// Korthikanti et al. (2205.05198), section 4: s b h (10 + 24/t) + 5 a s / h with dropout and kept scores; 2 s b h when
/// recomputed. Without dropout and with fused attention, grouped queries and a gated feed-forward part the 34 becomes
/// 8 (inputs of two norms, of attention and of the feed-forward part) + 4 + 4 k/a + 6 f/h.
fn layer_activations(
    model: &Model<'_>,
    widths: &Widths,
    layout: &Layout,
    tokens: f64,
) -> (f64, f64) {
    let a = model.anatomy;
    let tensor = f64::from(layout.tensor);
    let unfused = model.unfused(layout);
    let whole = if model.sequence_parallel(layout) {
        tensor
    } else {
        1.0
    };
    let unit = tokens * a.hidden * widths.activation / 2.0;
    let outside = if unfused { 10.0 } else { 8.0 };
    let attention = widths.kept * 4.0 * (a.heads + a.kv_heads) * a.head_dim / a.hidden;
    let gate = if a.ffn_matrices > 2.5 { 6.0 } else { 4.0 };
    let ffn = widths.kept * gate * a.ffn / a.hidden;
    let experts = if a.is_sparse() {
        widths.kept * UNEVEN * a.per_token * (4.0 + 6.0 * a.expert_ffn / a.hidden)
    } else {
        0.0
    };
    let scores = if unfused {
        5.0 * a.heads * model.batch.sequence / a.hidden / tensor
    } else {
        0.0
    };
    let full = unit * (outside / whole + (attention + ffn + experts) / tensor + scores);
    if model.batch.backward <= 0.0 {
        return (0.0, full);
    }
    match layout.recompute {
        Recompute::None => (full, 0.0),
        Recompute::Selective if unfused => (full - unit * scores, unit * scores),
        // Norms, activation functions and permutations are done again: half of what is outside, two thirds of the
        // feed-forward part and three fifths of the experts' stay.
        Recompute::Selective => (
            unit * (outside / 2.0 / whole + (attention + 0.67 * ffn + 0.6 * experts) / tensor),
            full,
        ),
        Recompute::Full => (unit * 2.0 / whole, full),
    }
}

#[cfg(test)]
#[path = "footprint_tests.rs"]
mod tests;
