//! The shape of a transformer, and how many parameters it has.

use causeway_domain::Params;
use serde::{Deserialize, Serialize};

/// The feed-forward part of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedForward {
    /// Up and down: 2 h f weights.
    Plain {
        /// Width.
        width: u32,
    },
    /// Gate, up and down (SwiGLU, GeGLU): 3 h f weights.
    Gated {
        /// Width.
        width: u32,
    },
    /// Gated experts behind a router.
    Experts {
        /// Width of one expert.
        width: u32,
        /// Experts of a layer.
        experts: u32,
        /// Experts that a token passes through.
        per_token: u32,
    },
}

/// Which vectors an architecture has beside its matrices. They are small, and counted all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Extras {
    /// Bias of the query, key and value projections.
    pub qkv_bias: bool,
    /// Bias of the attention's output projection.
    pub output_bias: bool,
    /// Bias of the feed-forward matrices.
    pub ffn_bias: bool,
    /// A norm on each query head and key head (Qwen3), `head_dim` weights each.
    pub qk_norm: bool,
    /// Norms of a layer.
    pub norms_per_layer: u32,
    /// Whether a norm has a bias beside its weight (layer norm).
    pub norm_bias: bool,
    /// Norms outside the layers.
    pub outer_norms: u32,
}

/// The shape of a decoder-only transformer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelShape {
    /// `model_type` of the config.json.
    pub model_type: String,
    /// Layers.
    pub layers: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads; equal to `heads` without grouped queries.
    pub kv_heads: u32,
    /// Width of a head.
    pub head_dim: u32,
    /// Feed-forward part.
    pub ffn: FeedForward,
    /// Tokens of the vocabulary, padding included.
    pub vocab: u32,
    /// Whether the output projection is the embedding.
    pub tied: bool,
    /// Learned position embeddings; 0 with rotary or ALiBi positions.
    pub positions: u32,
    /// Longest sequence that the model is made for.
    pub max_sequence: Option<u32>,
    /// Vectors.
    pub extras: Extras,
}

impl ModelShape {
    /// Every parameter.
    #[must_use]
    pub fn params_total(&self) -> Params {
        Params::new(self.outside_layers() + f64::from(self.layers) * self.params_per_layer().get())
    }

    /// Parameters that a token passes through, the embedding included.
    #[must_use]
    pub fn params_active(&self) -> Params {
        let layer = self.attention() + self.layer_norms() + self.feed_forward(true);
        Params::new(self.outside_layers() + f64::from(self.layers) * layer)
    }

    /// Every parameter of one layer.
    #[must_use]
    pub fn params_per_layer(&self) -> Params {
        Params::new(self.attention() + self.layer_norms() + self.feed_forward(false))
    }

    /// Parameters of the embedding alone.
    #[must_use]
    pub fn params_embedding(&self) -> Params {
        Params::new(f64::from(self.vocab) * f64::from(self.hidden))
    }

    /// Whether a token passes through a part of the experts only.
    #[must_use]
    pub const fn is_sparse(&self) -> bool {
        matches!(self.ffn, FeedForward::Experts { experts, per_token, .. } if per_token < experts)
    }

    fn outside_layers(&self) -> f64 {
        let hidden = f64::from(self.hidden);
        let embeddings = if self.tied { 1.0 } else { 2.0 } * self.params_embedding().get();
        embeddings
            + f64::from(self.positions) * hidden
            + f64::from(self.extras.outer_norms) * self.norm(hidden)
    }

    fn norm(&self, width: f64) -> f64 {
        if self.extras.norm_bias {
            2.0 * width
        } else {
            width
        }
    }

    fn layer_norms(&self) -> f64 {
        f64::from(self.extras.norms_per_layer) * self.norm(f64::from(self.hidden))
    }

    fn attention(&self) -> f64 {
        let (hidden, head) = (f64::from(self.hidden), f64::from(self.head_dim));
        let queries = f64::from(self.heads) * head;
        let keys = f64::from(self.kv_heads) * head;
        let mut sum = hidden * (queries + 2.0 * keys) + queries * hidden;
        if self.extras.qkv_bias {
            sum += queries + 2.0 * keys;
        }
        if self.extras.output_bias {
            sum += hidden;
        }
        if self.extras.qk_norm {
            sum += 2.0 * head;
        }
        sum
    }

    fn feed_forward(&self, active: bool) -> f64 {
        let hidden = f64::from(self.hidden);
        match self.ffn {
            FeedForward::Plain { width } => {
                let width = f64::from(width);
                2.0 * hidden * width
                    + if self.extras.ffn_bias {
                        width + hidden
                    } else {
                        0.0
                    }
            }
            FeedForward::Gated { width } => 3.0 * hidden * f64::from(width),
            FeedForward::Experts {
                width,
                experts,
                per_token,
            } => {
                let used = if active { per_token } else { experts };
                f64::from(used) * 3.0 * hidden * f64::from(width) + hidden * f64::from(experts)
            }
        }
    }
}
