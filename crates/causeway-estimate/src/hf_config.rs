//! A model's shape out of a `config.json` of Hugging Face.
//!
//! The names of the fields and their defaults are those of the `transformers` library's configuration classes, one class
//! a model type. A type that is not listed is refused: a wrong count would be worse than none.

use serde_json::{Map, Value};

use crate::{EstimateError, Extras, FeedForward, ModelShape};

/// Largest value of any count in a config: well above every published model, well below where products lose digits.
const MOST: u64 = 1 << 24;

/// Layer norms with biases, biases on every matrix: the GPT-2 generation.
const BIASED: Extras = Extras {
    qkv_bias: true,
    output_bias: true,
    ffn_bias: true,
    qk_norm: false,
    norms_per_layer: 2,
    norm_bias: true,
    outer_norms: 1,
};
/// Root-mean-square norms, no biases: the Llama generation.
const PLAIN: Extras = Extras {
    qkv_bias: false,
    output_bias: false,
    ffn_bias: false,
    qk_norm: false,
    norms_per_layer: 2,
    norm_bias: false,
    outer_norms: 1,
};

/// Model types and how each departs from the field names of Llama.
const KNOWN: [&str; 12] = [
    "bloom",
    "gemma",
    "gemma2",
    "gpt2",
    "gpt_neox",
    "llama",
    "mistral",
    "mixtral",
    "phi3",
    "qwen2",
    "qwen3",
    "qwen3_moe",
];

impl ModelShape {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`EstimateError`] when the text is no config.json, lacks a number, or is of a model type that is not counted here.
    pub fn from_hf_config(json: &str) -> Result<Self, EstimateError> {
        let value: Value = serde_json::from_str(json).map_err(|error| EstimateError::Config {
            why: error.to_string(),
        })?;
        let Value::Object(fields) = value else {
            return Err(EstimateError::Config {
                why: "it is not an object".to_owned(),
            });
        };
        let config = Config(fields);
        let model_type = config.text("model_type")?;
        match model_type {
            "gpt2" => config.gpt2(),
            "gpt_neox" => config.gpt_neox(),
            "bloom" => config.bloom(),
            known if KNOWN.contains(&known) => config.llama(known),
            other => Err(EstimateError::ModelType {
                model_type: other.to_owned(),
                known: KNOWN.join(", "),
            }),
        }
    }
}

struct Config(Map<String, Value>);

impl Config {
    fn text(&self, field: &'static str) -> Result<&str, EstimateError> {
        self.0
            .get(field)
            .and_then(Value::as_str)
            .ok_or_else(|| EstimateError::ConfigField {
                field,
                why: "a text is expected".to_owned(),
            })
    }

    /// A count of 1 or more that may be missing or null.
    fn maybe(&self, field: &'static str) -> Result<Option<u32>, EstimateError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number @ 1..=MOST) => Ok(u32::try_from(number).ok()),
                _ => Err(EstimateError::ConfigField {
                    field,
                    why: format!("`{value}` is not a whole number of 1 to {MOST}"),
                }),
            },
        }
    }

    fn need(&self, field: &'static str) -> Result<u32, EstimateError> {
        self.maybe(field)?
            .ok_or_else(|| EstimateError::ConfigField {
                field,
                why: "it is not there".to_owned(),
            })
    }

    fn flag(&self, field: &str, default: bool) -> bool {
        self.0
            .get(field)
            .and_then(Value::as_bool)
            .unwrap_or(default)
    }

    /// Width of a head when the file does not say it: the hidden width divided by the heads.
    fn head_dim(
        &self,
        hidden: u32,
        heads: u32,
        heads_field: &'static str,
    ) -> Result<u32, EstimateError> {
        if let Some(width) = self.maybe("head_dim")? {
            return Ok(width);
        }
        if hidden.is_multiple_of(heads) {
            Ok(hidden / heads)
        } else {
            Err(EstimateError::ConfigField {
                field: heads_field,
                why: format!("{heads} heads do not divide a width of {hidden}"),
            })
        }
    }

    fn llama(&self, model_type: &str) -> Result<ModelShape, EstimateError> {
        let hidden = self.need("hidden_size")?;
        let heads = self.need("num_attention_heads")?;
        let ffn = match model_type {
            "mixtral" => FeedForward::Experts {
                width: self.need("intermediate_size")?,
                experts: self.need("num_local_experts")?,
                per_token: self.need("num_experts_per_tok")?,
            },
            "qwen3_moe" => {
                if self.maybe("decoder_sparse_step")?.unwrap_or(1) != 1
                    || self
                        .0
                        .get("mlp_only_layers")
                        .and_then(Value::as_array)
                        .is_some_and(|l| !l.is_empty())
                {
                    return Err(EstimateError::ConfigField {
                        field: "decoder_sparse_step",
                        why: "models with layers of both kinds are not counted".to_owned(),
                    });
                }
                FeedForward::Experts {
                    width: self.need("moe_intermediate_size")?,
                    experts: self.need("num_experts")?,
                    per_token: self.need("num_experts_per_tok")?,
                }
            }
            _ => FeedForward::Gated {
                width: self.need("intermediate_size")?,
            },
        };
        if let FeedForward::Experts {
            experts, per_token, ..
        } = ffn
            && per_token > experts
        {
            return Err(EstimateError::ConfigField {
                field: "num_experts_per_tok",
                why: format!("{per_token} of {experts} experts"),
            });
        }
        let bias = self.flag("attention_bias", false);
        let extras = match model_type {
            "qwen2" => Extras {
                qkv_bias: true,
                ..PLAIN
            },
            "qwen3" | "qwen3_moe" => Extras {
                qk_norm: true,
                qkv_bias: bias,
                output_bias: bias,
                ..PLAIN
            },
            "gemma2" => Extras {
                norms_per_layer: 4,
                qkv_bias: bias,
                output_bias: bias,
                ..PLAIN
            },
            _ => Extras {
                qkv_bias: bias,
                output_bias: bias,
                ..PLAIN
            },
        };
        Ok(ModelShape {
            model_type: model_type.to_owned(),
            layers: self.need("num_hidden_layers")?,
            hidden,
            heads,
            kv_heads: self.maybe("num_key_value_heads")?.unwrap_or(heads),
            head_dim: self.head_dim(hidden, heads, "num_attention_heads")?,
            ffn,
            vocab: self.need("vocab_size")?,
            tied: self.flag("tie_word_embeddings", model_type.starts_with("gemma")),
            positions: 0,
            max_sequence: self.maybe("max_position_embeddings")?,
            extras,
        })
    }

    fn gpt2(&self) -> Result<ModelShape, EstimateError> {
        let (hidden, heads) = (self.need("n_embd")?, self.need("n_head")?);
        let positions = self.need("n_positions")?;
        Ok(ModelShape {
            model_type: "gpt2".to_owned(),
            layers: self.need("n_layer")?,
            hidden,
            heads,
            kv_heads: heads,
            head_dim: self.head_dim(hidden, heads, "n_head")?,
            ffn: FeedForward::Plain {
                width: self.maybe("n_inner")?.unwrap_or(hidden.saturating_mul(4)),
            },
            vocab: self.need("vocab_size")?,
            tied: self.flag("tie_word_embeddings", true),
            positions,
            max_sequence: Some(positions),
            extras: BIASED,
        })
    }

    fn gpt_neox(&self) -> Result<ModelShape, EstimateError> {
        let (hidden, heads) = (self.need("hidden_size")?, self.need("num_attention_heads")?);
        Ok(ModelShape {
            model_type: "gpt_neox".to_owned(),
            layers: self.need("num_hidden_layers")?,
            hidden,
            heads,
            kv_heads: heads,
            head_dim: self.head_dim(hidden, heads, "num_attention_heads")?,
            ffn: FeedForward::Plain {
                width: self.need("intermediate_size")?,
            },
            vocab: self.need("vocab_size")?,
            tied: self.flag("tie_word_embeddings", false),
            positions: 0,
            max_sequence: self.maybe("max_position_embeddings")?,
            extras: BIASED,
        })
    }

    fn bloom(&self) -> Result<ModelShape, EstimateError> {
        // Older files of BLOOM say `n_embed`, newer ones `hidden_size`; both are read by transformers.
        let hidden = match self.maybe("hidden_size")? {
            Some(hidden) => hidden,
            None => self.need("n_embed")?,
        };
        let heads = match self.maybe("n_head")? {
            Some(heads) => heads,
            None => self.need("num_attention_heads")?,
        };
        Ok(ModelShape {
            model_type: "bloom".to_owned(),
            layers: self.need("n_layer")?,
            hidden,
            heads,
            kv_heads: heads,
            head_dim: self.head_dim(hidden, heads, "n_head")?,
            ffn: FeedForward::Plain {
                width: hidden.saturating_mul(4),
            },
            vocab: self.need("vocab_size")?,
            tied: true,
            positions: 0,
            max_sequence: self.maybe("seq_length")?,
            // One norm after the embedding, one after the last layer.
            extras: Extras {
                outer_norms: 2,
                ..BIASED
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn llama(model_type: &str, sizes: [u64; 6], more: &str) -> String {
        let [layers, hidden, heads, kv, ffn, vocab] = sizes;
        format!(
            r#"{{"model_type":"{model_type}","num_hidden_layers":{layers},"hidden_size":{hidden},"num_attention_heads":{heads},"num_key_value_heads":{kv},"intermediate_size":{ffn},"vocab_size":{vocab}{more}}}"#
        )
    }

    /// Counts as the models' own files have them (sum of all tensors of the published safetensors).
    #[test]
    fn published_models_are_counted_to_the_last_parameter() {
        let cases = [
            (llama("llama", [32, 4096, 32, 32, 11008, 32000], ""), 6_738_415_616_u64),
            (llama("llama", [32, 4096, 32, 8, 14336, 128_256], ""), 8_030_261_248),
            (llama("mistral", [32, 4096, 32, 8, 14336, 32000], ""), 7_241_732_096),
            (llama("qwen2", [24, 896, 14, 2, 4864, 151_936], r#","tie_word_embeddings":true"#), 494_032_768),
            (llama("qwen3", [28, 1024, 16, 8, 3072, 151_936], r#","head_dim":128,"tie_word_embeddings":true"#), 596_049_920),
            (llama("gemma", [18, 2048, 8, 1, 16384, 256_000], r#","head_dim":256"#), 2_506_172_416),
            (llama("gemma2", [26, 2304, 8, 4, 9216, 256_000], r#","head_dim":256"#), 2_614_341_888),
            (llama("phi3", [32, 3072, 32, 32, 8192, 32064], ""), 3_821_079_552),
            (llama("mixtral", [32, 4096, 32, 8, 14336, 32000], r#","num_local_experts":8,"num_experts_per_tok":2"#), 46_702_792_704),
            (
                llama("qwen3_moe", [48, 2048, 32, 4, 6144, 151_936], r#","head_dim":128,"num_experts":128,"num_experts_per_tok":8,"moe_intermediate_size":768"#),
                30_532_122_624,
            ),
            (r#"{"model_type":"gpt2","n_layer":12,"n_embd":768,"n_head":12,"n_positions":1024,"vocab_size":50257}"#.to_owned(), 124_439_808),
            (llama("gpt_neox", [6, 512, 8, 8, 2048, 50304], ""), 70_426_624),
            (r#"{"model_type":"bloom","n_layer":24,"hidden_size":1024,"n_head":16,"vocab_size":250880}"#.to_owned(), 559_214_592),
        ];
        for (config, expected) in cases {
            let shape = ModelShape::from_hf_config(&config).unwrap();
            assert_eq!(
                format!("{:.0}", shape.params_total().get()),
                expected.to_string(),
                "{config}"
            );
        }
    }

    #[test]
    fn a_mixture_of_experts_is_active_in_part() {
        let mixtral = ModelShape::from_hf_config(&llama(
            "mixtral",
            [32, 4096, 32, 8, 14336, 32000],
            r#","num_local_experts":8,"num_experts_per_tok":2"#,
        ))
        .unwrap();
        assert!(mixtral.is_sparse());
        assert_eq!(
            format!("{:.0}", mixtral.params_active().get()),
            "12879925248"
        );
        let dense =
            ModelShape::from_hf_config(&llama("llama", [2, 64, 4, 4, 128, 1000], "")).unwrap();
        assert_eq!(
            (dense.is_sparse(), dense.params_active()),
            (false, dense.params_total())
        );
    }

    #[test]
    fn what_cannot_be_counted_is_refused_with_the_field() {
        let message = |config: &str| ModelShape::from_hf_config(config).unwrap_err().to_string();
        assert_eq!(
            message("[]"),
            "the model's config.json can't be read: it is not an object"
        );
        assert_eq!(
            message(r#"{"model_type":"deepseek_v3"}"#),
            "models of type `deepseek_v3` can't be counted from config.json yet"
        );
        assert_eq!(
            message("{}"),
            "the model's config.json has no usable `model_type`: a text is expected"
        );
        let zero = llama("llama", [0, 64, 4, 4, 128, 1000], "");
        assert_eq!(
            message(&zero),
            "the model's config.json has no usable `num_hidden_layers`: `0` is not a whole number of 1 to 16777216"
        );
        assert_eq!(
            message(&llama("llama", [2, 65, 4, 4, 128, 1000], "")),
            "the model's config.json has no usable `num_attention_heads`: 4 heads do not divide a width of 65"
        );
        let three_of_two = llama(
            "mixtral",
            [2, 64, 4, 4, 128, 1000],
            r#","num_local_experts":2,"num_experts_per_tok":3"#,
        );
        assert_eq!(
            message(&three_of_two),
            "the model's config.json has no usable `num_experts_per_tok`: 3 of 2 experts"
        );
        let both = r#","num_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":64,"mlp_only_layers":[0]"#;
        assert!(
            message(&llama("qwen3_moe", [2, 64, 4, 4, 128, 1000], both)).contains("both kinds")
        );
    }

    proptest! {
        #[test]
        fn no_config_makes_it_panic(sizes in prop::array::uniform6(any::<u64>()), kind in 0usize..KNOWN.len(), text in "\\PC{0,40}") {
            let _ = ModelShape::from_hf_config(&text);
            if let Ok(shape) = ModelShape::from_hf_config(&llama(KNOWN[kind], sizes, "")) {
                prop_assert!(shape.params_total().get().is_finite());
            }
        }

        #[test]
        fn more_of_anything_is_more_parameters(layers in 1u64..200, heads in 1u64..64, ffn in 1u64..50_000, vocab in 1u64..300_000) {
            let count = |layers: u64, heads: u64, ffn: u64, vocab: u64| {
                ModelShape::from_hf_config(&llama("llama", [layers, heads * 64, heads, heads, ffn, vocab], "")).unwrap().params_total().get()
            };
            let base = count(layers, heads, ffn, vocab);
            prop_assert!(base < count(layers + 1, heads, ffn, vocab));
            prop_assert!(base < count(layers, heads + 1, ffn, vocab));
            prop_assert!(base < count(layers, heads, ffn + 1, vocab));
            prop_assert!(base < count(layers, heads, ffn, vocab + 1));
        }
    }
}
