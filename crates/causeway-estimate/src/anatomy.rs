//! What the costs need to know of a model, as plain numbers.

use crate::layout::Layout;
use crate::{FeedForward, ModelShape};

/// Sizes of a decoder-only transformer. Counts and widths; `params_*` in parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Anatomy {
    pub(crate) layers: f64,
    pub(crate) hidden: f64,
    pub(crate) heads: f64,
    pub(crate) kv_heads: f64,
    pub(crate) head_dim: f64,
    /// Width of the dense feed-forward part; 0 where experts stand in its place.
    pub(crate) ffn: f64,
    /// Matrices of a feed-forward part: 3 gated, 2 plain.
    pub(crate) ffn_matrices: f64,
    pub(crate) vocab: f64,
    /// Embedding matrices: 1 when the output projection is the embedding.
    pub(crate) embeddings: f64,
    /// Experts of a layer; 0 in a dense model.
    pub(crate) experts: f64,
    pub(crate) per_token: f64,
    pub(crate) expert_ffn: f64,
    pub(crate) params_total: f64,
    pub(crate) params_active: f64,
    /// Whether layers and widths were derived from the number of parameters only.
    pub(crate) guessed: bool,
}

/// What is known of a model from a table's row or by hand. `None`: not published.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Known {
    pub(crate) params_total: f64,
    pub(crate) params_active: f64,
    pub(crate) layers: Option<f64>,
    pub(crate) hidden: Option<f64>,
    pub(crate) heads: Option<f64>,
    pub(crate) kv_heads: Option<f64>,
    pub(crate) ffn: Option<f64>,
    pub(crate) vocab: Option<f64>,
    pub(crate) experts: Option<f64>,
    pub(crate) per_token: Option<f64>,
}

/// Layers of a model are about a hundredth of its width (GPT-3 128, Llama-2-7B 128, -70B 102): for models of which only
/// the number of parameters is known.
const WIDTH_PER_LAYER: f64 = 110.0;
/// Key and value heads of models that group them, where the number is not published: that of most.
const GROUPS: f64 = 8.0;
/// How far experts may exceed the published number of parameters before their width is not believed.
const MOST_EXCESS: f64 = 1.25;
/// Vocabulary where none is published: that of the Llama family.
const VOCABULARY: f64 = 32_000.0;

impl Anatomy {
    /// Fills what is not published from what is: the number of parameters decides between a gated and a plain
    /// feed-forward part and between one and two embedding matrices.
    pub(crate) fn of(known: &Known) -> Self {
        let total = known.params_total.max(1.0);
        let active = known.params_active.clamp(1.0, total);
        // In a mixture the part that every token passes through has the usual proportions.
        let hidden = known.hidden.unwrap_or_else(|| {
            let width = (active * WIDTH_PER_LAYER / 12.0).cbrt();
            ((width / 128.0).round() * 128.0).max(64.0)
        });
        let layers = known
            .layers
            .unwrap_or_else(|| (active / (12.0 * hidden * hidden)).round().max(1.0));
        let heads = known
            .heads
            .unwrap_or_else(|| (hidden / 128.0).round().max(1.0));
        let kv_heads = known.kv_heads.unwrap_or(heads).min(heads);
        let vocab = known.vocab.unwrap_or(VOCABULARY);
        let sparse = match known.experts {
            Some(experts) => experts > 1.0 && active < total,
            None => active < 0.9 * total,
        };
        let base = Self {
            layers,
            hidden,
            heads,
            kv_heads,
            head_dim: hidden / heads,
            ffn: 0.0,
            ffn_matrices: 3.0,
            vocab,
            embeddings: 2.0,
            experts: 0.0,
            per_token: 0.0,
            expert_ffn: 0.0,
            params_total: total,
            params_active: active,
            guessed: known.layers.is_none() || known.hidden.is_none(),
        };
        if sparse {
            base.with_experts(known)
        } else {
            base.with_dense_ffn(known)
        }
    }

    /// A model whose shape is known. `active`: parameters that a token passes through.
    pub(crate) fn of_shape(shape: &ModelShape, total: f64, active: f64) -> Self {
        let base = Self {
            layers: f64::from(shape.layers),
            hidden: f64::from(shape.hidden),
            heads: f64::from(shape.heads),
            kv_heads: f64::from(shape.kv_heads),
            head_dim: f64::from(shape.head_dim),
            ffn: 0.0,
            ffn_matrices: 3.0,
            vocab: f64::from(shape.vocab),
            embeddings: if shape.tied { 1.0 } else { 2.0 },
            experts: 0.0,
            per_token: 0.0,
            expert_ffn: 0.0,
            params_total: total,
            params_active: active,
            guessed: false,
        };
        match shape.ffn {
            FeedForward::Plain { width } => Self {
                ffn: f64::from(width),
                ffn_matrices: 2.0,
                ..base
            },
            FeedForward::Gated { width } => Self {
                ffn: f64::from(width),
                ..base
            },
            FeedForward::Experts {
                width,
                experts,
                per_token,
            } => Self {
                experts: f64::from(experts),
                per_token: f64::from(per_token),
                expert_ffn: f64::from(width),
                ..base
            },
        }
    }

    fn with_dense_ffn(self, known: &Known) -> Self {
        let width = known.ffn.unwrap_or(4.0 * self.hidden);
        // Where only the query heads are published, the number tells whether keys and values are grouped by eight, too.
        let grouped = known.heads.is_some() && known.kv_heads.is_none() && self.heads > GROUPS;
        let mut best = (f64::INFINITY, self);
        for kv_heads in [Some(self.kv_heads), grouped.then_some(GROUPS)] {
            let Some(kv_heads) = kv_heads else { continue };
            for ffn_matrices in [2.0, 3.0] {
                for embeddings in [1.0, 2.0] {
                    let candidate = Self {
                        kv_heads,
                        ffn: width,
                        ffn_matrices,
                        embeddings,
                        ..self
                    };
                    let off = (candidate.counted() - self.params_total).abs();
                    if off < best.0 {
                        best = (off, candidate);
                    }
                }
            }
        }
        best.1
    }

    fn with_experts(self, known: &Known) -> Self {
        let experts = known.experts.unwrap_or(8.0).max(2.0);
        let layers = self.layers;
        let outside = self.embeddings * self.vocab * self.hidden;
        let three = 3.0 * self.hidden;
        let idle_layer = (self.params_total - self.params_active) / layers;
        // A width that makes more than the whole model is that of dense layers, or of experts in some layers only: then
        // the idle part of the model says how wide experts are, as if every layer had them.
        let width = known
            .ffn
            .filter(|width| layers * experts * three * width < MOST_EXCESS * self.params_total);
        // Where it is not published, the idle part also says how many experts a token passes through.
        let told = width.map(|width| (experts - idle_layer / (three * width)).round());
        let per_token = known.per_token.or(told).unwrap_or(2.0).clamp(1.0, experts);
        let idle = idle_layer / (experts - per_token).max(1.0);
        let expert_ffn = width.unwrap_or_else(|| (idle / three).max(1.0));
        let always = ((self.params_active - outside) / layers - per_token * three * expert_ffn)
            .max(self.hidden * self.hidden);
        // Heads may be wider than hidden / heads (Qwen3: 128); what every token passes through says how wide.
        let head_dim = (always / (2.0 * self.hidden * (self.heads + self.kv_heads)))
            .clamp(64.0, 256.0)
            .max(self.hidden / self.heads / 2.0);
        let attention = 2.0 * self.hidden * head_dim * (self.heads + self.kv_heads);
        Self {
            head_dim,
            experts,
            per_token,
            expert_ffn,
            ffn: ((always - attention) / three).max(0.0),
            ..self
        }
    }

    /// Weights of the attention of a layer.
    pub(crate) fn attention_params(&self) -> f64 {
        2.0 * self.hidden * self.head_dim * (self.heads + self.kv_heads)
    }

    /// Weights of a layer that every token passes through.
    pub(crate) fn dense_layer_params(&self) -> f64 {
        self.attention_params() + self.ffn_matrices * self.hidden * self.ffn
    }

    /// Weights of all experts of a layer, the router's left out: they are few.
    pub(crate) fn expert_layer_params(&self) -> f64 {
        self.experts * 3.0 * self.hidden * self.expert_ffn
    }

    /// One embedding matrix.
    pub(crate) fn embedding_params(&self) -> f64 {
        self.vocab * self.hidden
    }

    pub(crate) fn is_sparse(&self) -> bool {
        self.experts > 1.0
    }

    /// Parameters by the formula; `params_total` by what was published.
    pub(crate) fn counted(&self) -> f64 {
        self.layers * (self.dense_layer_params() + self.expert_layer_params())
            + self.embeddings * self.embedding_params()
    }

    /// What the published number of parameters is against the formula's, over the layers: for state, where the number
    /// counts and not the shape.
    pub(crate) fn excess(&self) -> f64 {
        let outside = self.embeddings * self.embedding_params();
        let layers = (self.counted() - outside).max(1.0);
        ((self.params_total - outside) / layers).max(0.01)
    }

    /// The same for products, kept near 1: of those the shape says more than the sum.
    pub(crate) fn correction(&self) -> f64 {
        self.excess().clamp(0.7, 1.4)
    }

    /// Parameters that one chip of one replica has, mean over the stages.
    pub(crate) fn local_params(&self, layout: &Layout) -> f64 {
        let (tensor, expert) = (f64::from(layout.tensor), f64::from(layout.expert));
        let experts = self.layers * self.expert_layer_params() * self.excess();
        let rest = (self.params_total - experts).max(0.0);
        let spread = if layout.expert > 1 { expert } else { tensor };
        (rest / tensor + experts / spread) / f64::from(layout.pipeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn billions(total: f64, active: f64) -> Known {
        Known {
            params_total: total * 1e9,
            params_active: active * 1e9,
            ..Known::default()
        }
    }

    fn near(value: f64, expected: f64, share: f64) {
        assert!((value / expected - 1.0).abs() < share, "{value} {expected}");
    }

    #[test]
    fn the_number_of_parameters_tells_gates_and_embeddings() {
        let llama = Anatomy::of(&Known {
            layers: Some(32.0),
            hidden: Some(4096.0),
            heads: Some(32.0),
            kv_heads: Some(32.0),
            ffn: Some(11008.0),
            vocab: Some(32_000.0),
            ..billions(6.738, 6.738)
        });
        assert!(llama.ffn_matrices > 2.5 && llama.embeddings > 1.5);
        near(llama.correction(), 1.0, 0.001);
        let gpt3 = Anatomy::of(&Known {
            layers: Some(96.0),
            hidden: Some(12288.0),
            heads: Some(96.0),
            kv_heads: Some(96.0),
            ffn: Some(49152.0),
            vocab: Some(50257.0),
            ..billions(174.6, 174.6)
        });
        assert!(gpt3.ffn_matrices < 2.5 && gpt3.embeddings < 1.5);
        near(gpt3.counted(), 174.6e9, 0.002);
    }

    #[test]
    fn heads_of_a_mixture_are_as_wide_as_its_active_part_says() {
        // Qwen3-235B-A22B: 64 heads of 128 on a width of 4096.
        let qwen = Anatomy::of(&Known {
            layers: Some(94.0),
            hidden: Some(4096.0),
            heads: Some(64.0),
            kv_heads: Some(4.0),
            ffn: Some(1536.0),
            vocab: Some(151_936.0),
            experts: Some(128.0),
            per_token: Some(8.0),
            ..billions(235.0, 22.0)
        });
        near(qwen.head_dim, 128.0, 0.05);
        near(qwen.counted(), 235e9, 0.02);
    }

    #[test]
    fn what_is_not_published_is_told_by_the_numbers() {
        let llama_3 = Known {
            layers: Some(32.0),
            hidden: Some(4096.0),
            heads: Some(32.0),
            ffn: Some(14336.0),
            vocab: Some(128_256.0),
            ..billions(8.03, 8.03)
        };
        let told = Anatomy::of(&llama_3);
        near(told.kv_heads, 8.0, 1e-9);
        assert!(told.ffn_matrices > 2.5 && told.embeddings > 1.5);
        let llama_2 = Known {
            ffn: Some(11008.0),
            vocab: Some(32_000.0),
            ..billions(6.738, 6.738)
        };
        near(
            Anatomy::of(&Known {
                layers: Some(32.0),
                hidden: Some(4096.0),
                heads: Some(32.0),
                ..llama_2
            })
            .kv_heads,
            32.0,
            1e-9,
        );
        let mixtral = Known {
            layers: Some(32.0),
            hidden: Some(4096.0),
            heads: Some(32.0),
            kv_heads: Some(8.0),
            ffn: Some(14336.0),
            vocab: Some(32_000.0),
            experts: Some(8.0),
            ..billions(46.7, 12.88)
        };
        near(Anatomy::of(&mixtral).per_token, 2.0, 1e-9);
        // Experts in every other layer count as half as wide ones in all.
        let every_other = Known {
            per_token: Some(2.0),
            layers: Some(64.0),
            ..mixtral
        };
        near(Anatomy::of(&every_other).expert_ffn, 7168.0, 0.02);
    }

    #[test]
    fn a_bare_number_becomes_a_usual_shape() {
        let bare = Anatomy::of(&billions(175.0, 175.0));
        assert!(bare.guessed);
        near(bare.counted(), 175e9, 0.2);
        assert!((60.0..140.0).contains(&bare.layers), "{}", bare.layers);
        assert!(!bare.is_sparse() && Anatomy::of(&billions(47.0, 13.0)).is_sparse());
    }
}
