//! The shape of the model, in the words of `transformers`' `LlamaConfig`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::tokenizer::VOCABULARY;
use crate::{Error, Result};

/// What `config.json` says. Fields and meanings are those of `transformers`' `LlamaConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// Always `["LlamaForCausalLM"]`.
    pub architectures: Vec<String>,
    /// Always `llama`.
    pub model_type: String,
    /// Kind of the numbers in `model.safetensors`.
    pub torch_dtype: String,
    /// Number of tokens: 256, one for each byte.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width between the two halves of the feed-forward part.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Attention heads of a layer.
    pub num_attention_heads: usize,
    /// Equal to the attention heads: no grouped queries here.
    pub num_key_value_heads: usize,
    /// Hidden size over heads.
    pub head_dim: usize,
    /// Longest input in tokens; the length trained on.
    pub max_position_embeddings: usize,
    /// Always `silu`.
    pub hidden_act: String,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// No biases in the attention.
    pub attention_bias: bool,
    /// No biases in the feed-forward part.
    pub mlp_bias: bool,
    /// No dropout.
    pub attention_dropout: f64,
    /// Deviation of the first weights.
    pub initializer_range: f64,
    /// Input and output embeddings are different tensors.
    pub tie_word_embeddings: bool,
    /// No token begins a text: bytes only.
    pub bos_token_id: Option<u32>,
    /// No token ends a text.
    pub eos_token_id: Option<u32>,
    /// No token fills a row.
    pub pad_token_id: Option<u32>,
    /// For `generate` of `transformers`.
    pub use_cache: bool,
}

impl LlamaConfig {
    /// The shape that the command line asks for. The feed-forward width is 8/3 of the hidden size, up to a multiple of 32.
    ///
    /// # Errors
    /// [`Error::Input`] when the hidden size does not split into heads of an even size.
    pub fn new(hidden: usize, layers: usize, heads: usize, length: usize) -> Result<Self> {
        if heads == 0 || hidden == 0 || !hidden.is_multiple_of(2 * heads) {
            return Err(Error::input(format!(
                "--hidden {hidden} must be a multiple of twice --heads {heads}, so that every head has an even size"
            )));
        }
        Ok(Self {
            architectures: vec!["LlamaForCausalLM".to_owned()],
            model_type: "llama".to_owned(),
            torch_dtype: "bfloat16".to_owned(),
            vocab_size: VOCABULARY,
            hidden_size: hidden,
            intermediate_size: (hidden * 8 / 3).next_multiple_of(32),
            num_hidden_layers: layers,
            num_attention_heads: heads,
            num_key_value_heads: heads,
            head_dim: hidden / heads,
            max_position_embeddings: length,
            hidden_act: "silu".to_owned(),
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            attention_bias: false,
            mlp_bias: false,
            attention_dropout: 0.0,
            initializer_range: 0.02,
            tie_word_embeddings: false,
            bos_token_id: None,
            eos_token_id: None,
            pad_token_id: None,
            use_cache: true,
        })
    }

    /// Reads `config.json` of a model that this program wrote.
    ///
    /// # Errors
    /// [`Error::Input`] when the file is missing or describes something else.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong =
            |why: &dyn std::fmt::Display| Error::input(format!("`{}`: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|why| wrong(&why))?;
        let config: Self = serde_json::from_str(&text).map_err(|why| wrong(&why))?;
        let made_here = Self::new(
            config.hidden_size,
            config.num_hidden_layers,
            config.num_attention_heads,
            config.max_position_embeddings,
        );
        if made_here.is_ok_and(|ours| ours == config) {
            Ok(config)
        } else {
            Err(wrong(
                &"not a model of this program; load it with transformers",
            ))
        }
    }

    /// Name and shape of every weight, as `transformers` names them.
    #[must_use]
    pub fn weights(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner, tokens) = (self.hidden_size, self.intermediate_size, self.vocab_size);
        let mut weights = vec![("model.embed_tokens.weight".to_owned(), vec![tokens, hidden])];
        for layer in 0..self.num_hidden_layers {
            let parts = [
                ("input_layernorm", vec![hidden]),
                ("post_attention_layernorm", vec![hidden]),
                ("self_attn.q_proj", vec![hidden, hidden]),
                ("self_attn.k_proj", vec![hidden, hidden]),
                ("self_attn.v_proj", vec![hidden, hidden]),
                ("self_attn.o_proj", vec![hidden, hidden]),
                ("mlp.gate_proj", vec![inner, hidden]),
                ("mlp.up_proj", vec![inner, hidden]),
                ("mlp.down_proj", vec![hidden, inner]),
            ];
            weights.extend(
                parts.map(|(part, shape)| (format!("model.layers.{layer}.{part}.weight"), shape)),
            );
        }
        weights.push(("model.norm.weight".to_owned(), vec![hidden]));
        weights.push(("lm_head.weight".to_owned(), vec![tokens, hidden]));
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_shape_has_467584_weights() {
        let weights = LlamaConfig::new(128, 2, 4, 64).unwrap().weights();
        let count: usize = weights
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(count, 467_584);
        assert_eq!(weights.len(), 2 * 9 + 3);
    }

    #[test]
    fn heads_must_have_an_even_size() {
        for (hidden, heads) in [(128, 0), (0, 4), (126, 4), (12, 4)] {
            assert!(
                LlamaConfig::new(hidden, 1, heads, 8).is_err(),
                "{hidden} {heads}"
            );
        }
        assert!(LlamaConfig::new(16, 1, 4, 8).is_ok());
    }
}
