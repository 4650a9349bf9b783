//! What is trained: a model, tokens, a batch, a number format.

use causeway_domain::organisation::PrecisionWord;
use causeway_domain::{Bytes, Flop, Params, Percent, Tokens};
use causeway_market::NumberFormat;
use serde::{Deserialize, Serialize};

use crate::{ModelShape, Recompute};

/// Number format of the training's matrix products.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Mixed precision, bfloat16 with float32 master weights.
    #[default]
    Bf16,
    /// Mixed precision, half with float32 master weights.
    Fp16,
    /// 8-bit products; master weights and activations as in bf16.
    Fp8,
    /// float32 throughout; runs as TF32 on matrix units that have it.
    Fp32,
}

impl Precision {
    /// The format whose dense peak bounds the run.
    #[must_use]
    pub const fn number_format(self) -> NumberFormat {
        match self {
            Self::Bf16 => NumberFormat::Bf16,
            Self::Fp16 => NumberFormat::Fp16,
            Self::Fp8 => NumberFormat::Fp8,
            Self::Fp32 => NumberFormat::Tf32,
        }
    }

    /// Bytes of one weight as it is used and one activation as it is kept. fp8 training keeps both in 16 bits.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Bf16 | Self::Fp16 | Self::Fp8 => 2,
            Self::Fp32 => 4,
        }
    }

    /// Bytes of a master copy of each weight beside the one in use.
    const fn master_bytes(self) -> u32 {
        match self {
            Self::Bf16 | Self::Fp16 | Self::Fp8 => 4,
            Self::Fp32 => 0,
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
            Self::Fp8 => "fp8",
            Self::Fp32 => "fp32",
        })
    }
}

impl From<PrecisionWord> for Precision {
    fn from(word: PrecisionWord) -> Self {
        match word {
            PrecisionWord::Bf16 => Self::Bf16,
            PrecisionWord::Fp16 => Self::Fp16,
            PrecisionWord::Fp8 => Self::Fp8,
            PrecisionWord::Fp32 => Self::Fp32,
        }
    }
}

/// Optimizer, by what it keeps for each parameter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Adam or AdamW: two float32 moments.
    #[default]
    Adam,
    /// Adam with moments in 8 bits.
    Adam8bit,
    /// One float32 moment: SGD with momentum, Muon.
    Momentum,
}

impl Optimizer {
    /// Bytes of moments for each parameter.
    #[must_use]
    pub const fn moment_bytes(self) -> u32 {
        match self {
            Self::Adam => 8,
            Self::Adam8bit => 2,
            Self::Momentum => 4,
        }
    }
}

/// What a run does with the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All weights from the start.
    #[default]
    PreTrain,
    /// All weights of a trained model (SFT).
    FineTune,
    /// Low-rank adapters beside frozen weights in 16 bits (2106.09685).
    Lora {
        /// Rank of each adapter.
        rank: u32,
    },
    /// Low-rank adapters beside frozen weights in 4 bits (2305.14314).
    Qlora {
        /// Rank of each adapter.
        rank: u32,
    },
    /// Reinforcement learning: all weights are trained on what the model itself writes.
    Reinforcement {
        /// Share of the time that writing takes.
        rollout: Percent,
    },
    /// A forward pass over the tokens: scoring, embedding, filtering.
    Throughput,
}

impl Kind {
    /// Backward pass against the forward pass: weights and activations each cost what the forward pass does.
    pub(crate) const fn backward(self) -> f64 {
        match self {
            Self::PreTrain | Self::FineTune | Self::Reinforcement { .. } => 2.0,
            Self::Lora { .. } | Self::Qlora { .. } => 1.0,
            Self::Throughput => 0.0,
        }
    }

    /// Whether published runs were of this kind; the others are modelled more simply.
    #[must_use]
    pub const fn is_calibrated(self) -> bool {
        matches!(self, Self::PreTrain | Self::FineTune)
    }
}

/// One training run, independent of where it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Every parameter of the model.
    pub params_total: Params,
    /// Parameters that a token passes through: fewer than all in a mixture of experts.
    pub params_active: Params,
    /// Layers, widths and vocabulary, when a config.json says them. Without, attention and activations are not counted.
    pub shape: Option<ModelShape>,
    /// Length of a training sequence. Unit: tokens.
    pub sequence: u32,
    /// Tokens to train on, all epochs together.
    pub tokens: Tokens,
    /// What is done with the model.
    pub kind: Kind,
    /// Which activations are computed again. `None`: what is fastest.
    pub recompute: Option<Recompute>,
    /// Sequences of one optimizer step, over all chips. `None`: see [`Workload::usual_batch`].
    pub global_batch: Option<u32>,
    /// Number format.
    pub precision: Precision,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Format of the weights that come home.
    pub weights: Precision,
}

impl Workload {
    /// A model whose shape is known.
    #[must_use]
    pub fn of_shape(shape: ModelShape, tokens: Tokens, sequence: u32) -> Self {
        Self {
            shape: Some(shape.clone()),
            ..Self::of_parameters(
                shape.params_total(),
                shape.params_active(),
                tokens,
                sequence,
            )
        }
    }

    /// A model of which only the number of parameters is known.
    #[must_use]
    pub const fn of_parameters(
        total: Params,
        active: Params,
        tokens: Tokens,
        sequence: u32,
    ) -> Self {
        Self {
            params_total: total,
            params_active: active,
            shape: None,
            sequence,
            tokens,
            kind: Kind::PreTrain,
            recompute: None,
            global_batch: None,
            precision: Precision::Bf16,
            optimizer: Optimizer::Adam,
            weights: Precision::Bf16,
        }
    }

    /// Whether a token passes through a part of the model only.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        self.shape.as_ref().map_or_else(
            || self.params_active.get() < 0.99 * self.params_total.get(),
            ModelShape::is_sparse,
        )
    }

    /// Arithmetic on one token, nothing recomputed.
    ///
    /// Formula: 6 N_active + 6 L h s: causal attention, each token sees half of the sequence on average (Kaplan et al.
    /// 2020, section 2.1; PaLM, 2204.02311, appendix B, counts the full 12 L h s). The second term needs the shape.
    /// Adapters need no gradients of the frozen weights: two thirds of it; a forward pass is a third.
    #[must_use]
    pub fn flops_per_token(&self) -> Flop {
        let attention = self.shape.as_ref().map_or(0.0, |shape| {
            6.0 * f64::from(shape.layers)
                * f64::from(shape.heads)
                * f64::from(shape.head_dim)
                * f64::from(self.sequence)
        });
        let passes = (1.0 + self.kind.backward()) / 3.0;
        Flop::new((6.0 * self.params_active.get() + attention) * passes)
    }

    /// Arithmetic of the whole run.
    #[must_use]
    pub fn flops(&self) -> Flop {
        self.flops_per_token() * self.tokens.get()
    }

    /// Bytes of training state for each parameter: weight, gradient, master copy, moments. Adam in bf16: 2 + 2 + 4 + 8 =
    /// 16 (ZeRO, 1910.02054, section 3.1); in float32 4 + 4 + 8 = 16.
    #[must_use]
    pub const fn state_bytes_per_param(&self) -> u32 {
        2 * self.precision.bytes() + self.precision.master_bytes() + self.optimizer.moment_bytes()
    }

    /// Size of a checkpoint from which training can go on: weights, master copy and moments of what is trained, no
    /// gradients. Adam in bf16: 14 bytes for each parameter; adapters are a small share of all.
    #[must_use]
    pub fn checkpoint_bytes(&self) -> Bytes {
        let per_param =
            self.precision.bytes() + self.precision.master_bytes() + self.optimizer.moment_bytes();
        bytes(self.trained_params() * f64::from(per_param))
    }

    fn trained_params(&self) -> f64 {
        self.params_total.get() * crate::question::trained_share(self)
    }

    /// Sequences of a step where none are stated, on a number of chips: 32,768 tokens a chip, between 256 k and 4 M
    /// tokens, and no less than 8,192 a chip. An assumption, near what published runs do.
    #[must_use]
    pub fn usual_batch(&self, chips: u32) -> u32 {
        let chips = f64::from(chips);
        let tokens = (32_768.0 * chips)
            .clamp(262_144.0, 4_194_304.0)
            .max(8_192.0 * chips);
        crate::search::whole((tokens / f64::from(self.sequence.max(1))).round().max(1.0))
    }

    /// Size of the weights that come home: of what was trained.
    #[must_use]
    pub fn weights_bytes(&self) -> Bytes {
        bytes(self.trained_params() * f64::from(self.weights.bytes()))
    }
}

/// Whole bytes; stops at the largest amount.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and a size is never negative here"
)]
pub(crate) fn bytes(amount: f64) -> Bytes {
    Bytes::new(amount.max(0.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn llama_7b() -> ModelShape {
        let config = r#"{"model_type":"llama","num_hidden_layers":32,"hidden_size":4096,"num_attention_heads":32,"intermediate_size":11008,"vocab_size":32000}"#;
        ModelShape::from_hf_config(config).unwrap()
    }

    #[test]
    fn states_are_sixteen_bytes_and_checkpoints_fourteen() {
        let mut workload = Workload::of_parameters(
            Params::new(70.6e9),
            Params::new(70.6e9),
            Tokens::new(1e12),
            4096,
        );
        assert_eq!(workload.state_bytes_per_param(), 16);
        assert_eq!(workload.checkpoint_bytes(), Bytes::new(988_400_000_000));
        assert_eq!(workload.weights_bytes(), Bytes::new(141_200_000_000));
        workload.precision = Precision::Fp32;
        assert_eq!(
            (
                workload.state_bytes_per_param(),
                workload.checkpoint_bytes()
            ),
            (16, Bytes::new(847_200_000_000))
        );
        workload.optimizer = Optimizer::Adam8bit;
        workload.precision = Precision::Fp8;
        assert_eq!(workload.state_bytes_per_param(), 10);
    }

    #[test]
    fn flops_are_six_n_d_and_causal_attention() {
        let plain =
            Workload::of_parameters(Params::new(7e9), Params::new(7e9), Tokens::new(2e12), 4096);
        assert!((plain.flops().get() - 8.4e22).abs() < 1e16);
        let shaped = Workload::of_shape(llama_7b(), Tokens::new(1.0), 4096);
        let attention = shaped.flops_per_token().get() - 6.0 * shaped.params_active.get();
        assert!((attention - 6.0 * 32.0 * 4096.0 * 4096.0).abs() < 1.0);
    }

    #[test]
    fn a_part_of_the_parameters_is_a_sparse_model() {
        assert!(!Workload::of_shape(llama_7b(), Tokens::new(1.0), 1).is_sparse());
        assert!(
            Workload::of_parameters(Params::new(235e9), Params::new(22e9), Tokens::new(1.0), 1)
                .is_sparse()
        );
    }
}
