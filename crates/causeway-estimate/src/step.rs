//! How long one optimizer step takes, part by part.
//!
//! Step = (arithmetic + memory traffic + exposed links + starts) of a micro-batch on the mean stage, times micro-batches,
//! plus the pipeline's bubble, what replicas exchange, and the optimizer. Arithmetic and memory traffic add up instead of
//! hiding behind each other: products are kept apart from what moves bytes only, which runs between them.

use crate::anatomy::Anatomy;
use crate::card::{Card, Maker};
use crate::coefficients::Coefficients;
use crate::layout::{Layout, Recompute, Sharding};
use crate::links::Exposed;

/// What is done in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Batch {
    /// Tokens of a sequence.
    pub(crate) sequence: f64,
    /// Sequences of a step.
    pub(crate) global: f64,
    /// Whether the step has this many sequences, or the nearest number that fills the micro-batches.
    pub(crate) given: bool,
    /// IEEE half: software from before fused attention.
    pub(crate) half: bool,
    /// Backward pass against the forward pass: 2 when all weights are trained, 1 when none of the large ones is, 0 when
    /// nothing is.
    pub(crate) backward: f64,
    /// Share of the weights that is trained.
    pub(crate) trained: f64,
}

/// Seconds of one step, part by part. They add up to [`Seconds::total`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Seconds {
    pub(crate) compute: f64,
    pub(crate) memory: f64,
    pub(crate) scale_up: f64,
    pub(crate) scale_out: f64,
    pub(crate) bubble: f64,
    pub(crate) optimizer: f64,
    /// Starts of kernels, waiting for the slowest, the allocator.
    pub(crate) overhead: f64,
    /// Sequences of the step.
    pub(crate) sequences: f64,
}

impl Seconds {
    pub(crate) fn total(&self) -> f64 {
        self.compute
            + self.memory
            + self.scale_up
            + self.scale_out
            + self.bubble
            + self.optimizer
            + self.overhead
    }

    /// Seconds for one sequence: what layouts are compared by.
    pub(crate) fn each(&self) -> f64 {
        self.total() / self.sequences
    }
}

/// Rows of a tile of a product of matrices.
const TILE: f64 = 128.0;
/// Elements of a product that all units of an accelerator make at once: 108 tiles of 128 x 256 (A100).
const WAVE: f64 = 108.0 * 128.0 * 256.0;
/// Fused attention computes its scores again on the way back: 2.5 times the forward pass instead of 2 (2205.14135).
const FUSED_BACKWARD: f64 = 2.5;
/// Bytes of weights, gradients, master weights and moments that an optimizer step reads and writes for a parameter.
const OPTIMIZER_BYTES: f64 = 30.0;
/// Bytes read and written for a parameter when gradients are added up in float32.
const ACCUMULATE_BYTES: f64 = 8.0;

/// Arithmetic and memory traffic. Seconds of one chip.
#[derive(Debug, Clone, Copy, Default)]
struct Pass {
    compute: f64,
    memory: f64,
}

/// One layer, one micro-batch, there and back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) compute: f64,
    pub(crate) memory: f64,
    pub(crate) links: Exposed,
    pub(crate) launch: f64,
}

impl Layer {
    pub(crate) fn total(&self) -> f64 {
        self.compute + self.memory + self.links.up + self.links.out + self.launch
    }
}

/// Everything that a step's time depends on beside the layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model<'a> {
    pub(crate) anatomy: &'a Anatomy,
    pub(crate) card: &'a Card,
    pub(crate) batch: &'a Batch,
    pub(crate) by: &'a Coefficients,
}

impl Model<'_> {
    fn ceiling(&self, measured: Option<f64>) -> f64 {
        let best = measured.unwrap_or(match self.card.maker {
            Maker::Google => self.by.ceiling_tpu,
            Maker::Huawei => self.by.ceiling_ascend,
            Maker::Nvidia | Maker::Other => self.by.ceiling_other,
        });
        (best * self.by.sustained).min(1.0)
    }

    /// FLOP/s of linear layers.
    fn rate(&self) -> f64 {
        let fp8 = if self.card.fp8 {
            self.by.fp8.min(1.0)
        } else {
            1.0
        };
        self.card.peak * self.ceiling(self.card.measured) * fp8
    }

    /// FLOP/s of products that stay in 16 bits.
    fn rate16(&self) -> f64 {
        self.card.peak16 * self.ceiling(self.card.measured16)
    }

    /// Whether attention scores are written out. Runs in IEEE half, and runs that recompute all layers beside tensor
    /// parallelism, on accelerators before 8-bit floats are those of the software before fused attention: full
    /// recomputation was its remedy for kept scores.
    pub(crate) fn unfused(&self, layout: &Layout) -> bool {
        self.card.before_fp8
            && self.card.maker == Maker::Nvidia
            && (self.batch.half || (layout.recompute == Recompute::Full && layout.tensor > 1))
    }

    /// Whether the software fuses small operations, hides tensor-parallel communication and interleaves stages: that of
    /// the accelerators with 8-bit floats, unless weights or gradients are sharded operation by operation (FSDP).
    pub(crate) fn fused(&self, layout: &Layout) -> bool {
        !eager(layout) && !self.card.before_fp8
    }

    /// Whether norms and residuals are divided over the tensor-parallel shards, too.
    pub(crate) fn sequence_parallel(&self, layout: &Layout) -> bool {
        !(self.unfused(layout) && layout.recompute == Recompute::Full)
    }

    fn elementwise(&self, layout: &Layout) -> f64 {
        self.by.elementwise
            * if self.fused(layout) {
                self.by.fused
            } else {
                1.0
            }
    }

    pub(crate) fn tensor_exposed(&self, layout: &Layout) -> f64 {
        if self.fused(layout) {
            self.by.tensor_exposed_fused
        } else {
            self.by.tensor_exposed
        }
    }

    /// Tokens of a micro-batch that one context-parallel shard has.
    pub(crate) fn tokens(&self, layout: &Layout) -> f64 {
        f64::from(layout.micro_batch) * self.batch.sequence / f64::from(layout.context)
    }

    /// Micro-batches of a step.
    pub(crate) fn batches(&self, layout: &Layout) -> f64 {
        let each = f64::from(layout.data) * f64::from(layout.micro_batch);
        (self.batch.global / each).ceil().max(1.0)
    }

    /// Sequences that a step of this layout has.
    pub(crate) fn sequences(&self, layout: &Layout) -> f64 {
        if self.batch.given {
            self.batch.global
        } else {
            self.batches(layout) * f64::from(layout.data) * f64::from(layout.micro_batch)
        }
    }

    /// Share of the time of a step's micro-batches that a pipeline adds by filling and draining.
    pub(crate) fn bubble(&self, layout: &Layout) -> f64 {
        let by = if self.fused(layout) {
            self.by.bubble_interleaved
        } else {
            self.by.bubble
        };
        by * (f64::from(layout.pipeline) - 1.0) / self.batches(layout)
    }

    /// One layer, one micro-batch. Does not depend on the number of stages or replicas.
    pub(crate) fn layer(&self, layout: &Layout) -> Layer {
        let by = self.by;
        let tokens = self.tokens(layout);
        let unfused = self.unfused(layout);
        let (linear, core) = self.forward(layout, tokens, unfused);
        let again = match layout.recompute {
            Recompute::None | Recompute::Selective => 0.0,
            Recompute::Full if self.card.maker == Maker::Google => by.tpu_recompute,
            Recompute::Full => 1.0,
        };
        let selective = layout.recompute == Recompute::Selective;
        let core_again = if selective && unfused { 1.0 } else { again };
        // Norms, activation functions and permutations again: about a third of a layer's traffic.
        let memory_again = if selective && !unfused { 0.3 } else { again };
        let backward = self.batch.backward;
        let core_backward = backward * if unfused { 1.0 } else { FUSED_BACKWARD / 2.0 };
        let compute = self.anatomy.correction() * linear.compute * (1.0 + backward + again)
            + core.compute * (1.0 + core_backward + core_again);
        let memory = linear.memory * (1.0 + backward + memory_again)
            + core.memory * (1.0 + backward + core_again);
        let experts = if self.anatomy.is_sparse() {
            by.expert_launch
        } else {
            0.0
        };
        // The coefficients count a forward pass and a backward pass of twice its work.
        let launch = 1e-3 * (by.layer_launch + experts) * (1.0 + backward + 1.5 * again) / 3.0;
        Layer {
            compute,
            memory,
            links: self.layer_links(layout, tokens, again, compute + memory),
            launch,
        }
    }

    /// A whole step under a layout, given its layer.
    pub(crate) fn step_of(&self, layout: &Layout, layer: &Layer) -> Seconds {
        let (a, by) = (self.anatomy, self.by);
        let stages = f64::from(layout.pipeline);
        let tokens = self.tokens(layout);
        let batches = self.batches(layout);
        // The fullest stage decides, as far as nobody balanced them; the output projection sits on the last one.
        let mean = a.layers / stages;
        let layers = mean + by.imbalance.min(1.0) * (mean.ceil() - mean);
        let lone = if stages > 1.0 { 0.5 } else { 1.0 };
        let head_share = 1.0 / stages + by.imbalance.min(1.0) * (lone - 1.0 / stages);
        let head = self.head(layout, tokens);
        let compute = layers * layer.compute + head.compute * head_share;
        let mut memory = layers * layer.memory + head.memory * head_share;
        if layout.sharding != Sharding::Zero3 && batches > 1.0 && self.batch.backward > 1.0 {
            let early = self.unfused(layout) && layout.sharding == Sharding::Zero1;
            let moved = ACCUMULATE_BYTES + if early { by.early_zero1 } else { 0.0 };
            memory += moved * a.local_params(layout) / self.card.hbm;
        }
        let up = layers * layer.links.up;
        let out = layers * layer.links.out + self.stage_links(layout, tokens);
        let launch = layers * layer.launch;
        let replicas = self.replica_links(layout, batches, compute + memory);
        let one = compute + memory + up + out + launch;
        let mut seconds = Seconds {
            compute: compute * batches,
            memory: memory * batches,
            scale_up: up * batches + replicas.up,
            scale_out: out * batches + replicas.out,
            bubble: one * batches * self.bubble(layout),
            optimizer: self.optimizer(layout),
            overhead: launch * batches + by.step_overhead,
            sequences: self.sequences(layout),
        };
        let doublings = (f64::from(layout.shards()) / 8.0).max(1.0).log2();
        seconds.overhead += seconds.total() * by.straggler * doublings;
        seconds
    }

    /// Forward pass of a layer without attention's core, and the core.
    fn forward(&self, layout: &Layout, tokens: f64, unfused: bool) -> (Pass, Pass) {
        let (a, by) = (self.anatomy, self.by);
        let tensor = f64::from(layout.tensor);
        let (queries, keys) = (a.heads * a.head_dim, a.kv_heads * a.head_dim);
        let weights = a.dense_layer_params();
        // Columns of a layer's mean product: three to four products of one width on one side.
        let columns = weights / a.hidden / 3.5 / tensor;
        let mut compute = 2.0 * tokens * weights / tensor / self.rate()
            * (1.0 + by.wave * WAVE / (tokens * columns));
        let ffn_moved = if a.ffn > 0.0 {
            2.0 * a.hidden + a.ffn_matrices * a.ffn / tensor
        } else {
            0.0
        };
        let mut moved = 2.0
            * (weights / tensor
                + tokens * (2.0 * a.hidden + 2.0 * (queries + keys) / tensor + ffn_moved));
        // 24 bytes a width for two norms and two residuals; 4 a feed-forward width for its function, 6 with a gate.
        let whole = if self.sequence_parallel(layout) {
            tensor
        } else {
            1.0
        };
        let gate = if a.ffn_matrices > 2.5 { 6.0 } else { 4.0 };
        let mut touched = tokens * (24.0 * a.hidden / whole + gate * a.ffn / tensor);
        if a.is_sparse() {
            let expert = f64::from(layout.expert);
            let apart = layout.expert > 1;
            let copies = tokens * a.per_token / tensor;
            let local = (a.experts / expert).max(1.0);
            let rows = (copies / local * if apart { 1.0 } else { tensor }).max(1.0);
            let weights = 3.0 * a.hidden * a.expert_ffn;
            compute += 2.0 * copies * weights * (1.0 + by.wave.min(1.0) * TILE / rows)
                / (self.rate() * by.grouped.min(1.0));
            moved += 2.0
                * (local * weights / if apart { 1.0 } else { tensor }
                    + copies * (2.0 * a.hidden + 3.0 * a.expert_ffn));
            // Sorting copies to experts and back: 16 bytes a width.
            touched += copies * (16.0 * a.hidden + 6.0 * a.expert_ffn);
        }
        if self.card.fp8 {
            // Each operand is read in 16 bits and written in 8, as it is and transposed.
            touched += tokens * 4.0 * (2.0 * a.hidden + (queries + a.ffn) / tensor);
        }
        let linear = Pass {
            compute,
            memory: (by.gemm_bytes.min(1.0) * moved + self.elementwise(layout) * touched)
                / self.card.hbm,
        };
        let scores = tokens * self.batch.sequence * a.heads / tensor;
        let core = if unfused {
            // All scores are computed, half of them are masked.
            Pass {
                compute: 4.0 * scores * a.head_dim / self.rate16(),
                memory: by.score_bytes * scores / self.card.hbm,
            }
        } else {
            let rate = 1.0 / (1.0 / self.rate16() + 1.0 / (by.attention_reuse * self.card.hbm));
            Pass {
                compute: 2.0 * scores * a.head_dim / rate,
                memory: 0.0,
            }
        };
        (linear, core)
    }

    /// Output projection and loss, there and back. Without a backward pass only the last token's scores are needed.
    fn head(&self, layout: &Layout, tokens: f64) -> Pass {
        let a = self.anatomy;
        let tensor = f64::from(layout.tensor);
        if self.batch.backward <= 0.0 {
            return Pass::default();
        }
        let passes = 1.0 + self.batch.backward;
        Pass {
            compute: 2.0 * passes * tokens * a.embedding_params() / tensor / self.rate16(),
            // 8 bytes a score and pass: written in 16 bits, read and written in 32 by the loss.
            memory: self.elementwise(layout) * passes * tokens * 8.0 * a.vocab
                / tensor
                / self.card.hbm,
        }
    }

    fn optimizer(&self, layout: &Layout) -> f64 {
        if self.batch.backward <= 0.0 {
            return 0.0;
        }
        let divided = if layout.sharding == Sharding::Zero0 {
            1.0
        } else {
            f64::from(layout.data) * f64::from(layout.context)
        };
        OPTIMIZER_BYTES * self.batch.trained * self.anatomy.local_params(layout)
            / divided
            / self.card.hbm
    }
}

/// Weights or gradients are sharded operation by operation, as FSDP does.
pub(crate) fn eager(layout: &Layout) -> bool {
    match layout.sharding {
        Sharding::Zero3 => true,
        Sharding::Zero2 => layout.pipeline == 1,
        Sharding::Zero0 | Sharding::Zero1 => false,
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
