//! The forward pass, as `transformers`' `LlamaForCausalLM` computes it: RMS norm before each part, rotary positions in
//! the half-split form, causal attention, SiLU-gated feed-forward, no biases.

use candle_core::{D, DType, Device, IndexOp as _, Tensor};

use crate::config::LlamaConfig;
use crate::random;
use crate::tensors::Named;
use crate::{Error, Result};

/// A model ready to compute. It shares its weights with the tensors it was built from, so that training which changes
/// those in place is seen here.
#[derive(Debug)]
pub struct Llama {
    config: LlamaConfig,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    head: Tensor,
    rotary: Rotary,
    mask: Tensor,
}

#[derive(Debug)]
struct Layer {
    input_norm: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output: Tensor,
    inner_norm: Tensor,
    gate: Tensor,
    up: Tensor,
    down: Tensor,
}

/// Cosines and sines of the angles by which positions turn pairs of numbers; shape `[positions, head_dim / 2]`.
#[derive(Debug)]
pub struct Rotary {
    cosines: Tensor,
    sines: Tensor,
}

/// First weights, the same on every machine for the same seed: norms are 1, everything else is normal with the
/// deviation that the configuration names.
///
/// # Errors
/// [`Error::Failed`] when a tensor cannot be made.
pub fn first_weights(config: &LlamaConfig, seed: u64) -> Result<Named> {
    let mut weights = Named::new();
    for (place, (name, shape)) in (0_u64..).zip(config.weights()) {
        let count = shape.iter().product();
        let numbers = if shape.len() == 1 {
            vec![1.0; count]
        } else {
            random::normal(&[seed, u64::MAX, place], count, config.initializer_range)
        };
        weights.insert(name, Tensor::from_vec(numbers, shape, &Device::Cpu)?);
    }
    Ok(weights)
}

impl Llama {
    /// Builds the model on the weights given.
    ///
    /// # Errors
    /// [`Error::Failed`] when a weight is missing, has another shape, or is one too many.
    pub fn new(config: &LlamaConfig, weights: &Named) -> Result<Self> {
        let expected = config.weights();
        for (name, shape) in &expected {
            let found = weights.get(name).map(Tensor::dims);
            if found != Some(shape.as_slice()) {
                return Err(Error::failed(
                    format!("weight `{name}`"),
                    format!("expected {shape:?}, found {found:?}"),
                ));
            }
        }
        if let Some(name) = weights
            .keys()
            .find(|name| expected.iter().all(|(known, _)| known != *name))
        {
            return Err(Error::failed(
                format!("weight `{name}`"),
                "the configuration has no such weight",
            ));
        }
        let get = |name: &str| {
            let missing = || Error::failed(format!("weight `{name}`"), "missing");
            weights.get(name).cloned().ok_or_else(missing)
        };
        let layers = (0..config.num_hidden_layers)
            .map(|layer| {
                let part = |part: &str| get(&format!("model.layers.{layer}.{part}.weight"));
                Ok(Layer {
                    input_norm: part("input_layernorm")?,
                    query: part("self_attn.q_proj")?,
                    key: part("self_attn.k_proj")?,
                    value: part("self_attn.v_proj")?,
                    output: part("self_attn.o_proj")?,
                    inner_norm: part("post_attention_layernorm")?,
                    gate: part("mlp.gate_proj")?,
                    up: part("mlp.up_proj")?,
                    down: part("mlp.down_proj")?,
                })
            })
            .collect::<Result<_>>()?;
        let positions = config.max_position_embeddings;
        // Large, not infinite: `0 * infinity` in a backward pass would be NaN.
        let mask: Vec<f32> = (0..positions)
            .flat_map(|row| (0..positions).map(move |seen| if seen > row { -1e9 } else { 0.0 }))
            .collect();
        Ok(Self {
            config: config.clone(),
            embedding: get("model.embed_tokens.weight")?,
            layers,
            norm: get("model.norm.weight")?,
            head: get("lm_head.weight")?,
            rotary: Rotary::new(config.head_dim, positions, config.rope_theta)?,
            mask: Tensor::from_vec(mask, (positions, positions), &Device::Cpu)?,
        })
    }

    /// Logits of the next token at every place. `tokens` is `[rows, length]` of u32; the result is
    /// `[rows * length, vocabulary]` of f32.
    ///
    /// # Errors
    /// [`Error::Failed`] when `length` exceeds the model's positions or a token its vocabulary.
    pub fn logits(&self, tokens: &Tensor) -> Result<Tensor> {
        let (rows, length) = tokens.dims2()?;
        let epsilon = self.config.rms_norm_eps;
        let mut stream = self.embedding.index_select(&tokens.flatten_all()?, 0)?;
        for layer in &self.layers {
            let attended = self.attend(
                layer,
                &rms_norm(&stream, &layer.input_norm, epsilon)?,
                rows,
                length,
            )?;
            stream = (stream + attended)?;
            let normed = rms_norm(&stream, &layer.inner_norm, epsilon)?;
            let gated = (linear(&normed, &layer.gate)?.silu()? * linear(&normed, &layer.up)?)?;
            stream = (stream + linear(&gated, &layer.down)?)?;
        }
        linear(&rms_norm(&stream, &self.norm, epsilon)?, &self.head)
    }

    /// Mean cross-entropy of the targets (`[rows * length]` of u32), in nats a token; a scalar that can be
    /// differentiated.
    ///
    /// # Errors
    /// As [`Llama::logits`].
    pub fn loss(&self, tokens: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let logits = self.logits(tokens)?;
        let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
        let total = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
        let chosen = shifted.gather(&targets.unsqueeze(1)?, 1)?;
        Ok((total - chosen)?.mean_all()?)
    }

    /// Logits after the last of these tokens; of a longer text the last `max_position_embeddings` count.
    ///
    /// # Errors
    /// [`Error::Failed`] when there is no token.
    pub fn next(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        let start = tokens
            .len()
            .saturating_sub(self.config.max_position_embeddings);
        let window = tokens.get(start..).unwrap_or_default();
        let last = window
            .len()
            .checked_sub(1)
            .ok_or_else(|| Error::failed("predicting", "there is no token yet"))?;
        let input = Tensor::from_slice(window, (1, window.len()), &Device::Cpu)?;
        Ok(self.logits(&input)?.i(last)?.to_vec1()?)
    }

    fn attend(&self, layer: &Layer, input: &Tensor, rows: usize, length: usize) -> Result<Tensor> {
        let (heads, size) = (self.config.num_attention_heads, self.config.head_dim);
        let split = |weight: &Tensor| -> Result<Tensor> {
            Ok(linear(input, weight)?
                .reshape((rows, length, heads, size))?
                .transpose(1, 2)?
                .contiguous()?)
        };
        let query = self.rotary.turn(&split(&layer.query)?)?;
        let key = self.rotary.turn(&split(&layer.key)?)?;
        let value = split(&layer.value)?;
        let scale = 1.0 / (size as f64).sqrt();
        let scores = (query.matmul(&key.transpose(2, 3)?.contiguous()?)? * scale)?;
        let mask = self.mask.i((..length, ..length))?;
        let attended = softmax(&scores.broadcast_add(&mask)?)?.matmul(&value)?;
        linear(
            &attended
                .transpose(1, 2)?
                .reshape((rows * length, heads * size))?,
            &layer.output,
        )
    }
}

impl Rotary {
    /// Tables for heads of `size` numbers and this many positions.
    ///
    /// # Errors
    /// [`Error::Failed`] when a tensor cannot be made.
    pub fn new(size: usize, positions: usize, theta: f64) -> Result<Self> {
        let half = size / 2;
        let angles = (0..positions)
            .flat_map(|position| {
                (0..half)
                    .map(move |i| position as f64 * theta.powf(-((2 * i) as f64) / size as f64))
            })
            .collect::<Vec<f64>>();
        let angles = Tensor::from_vec(angles, (positions, half), &Device::Cpu)?;
        Ok(Self {
            cosines: angles.cos()?.to_dtype(DType::F32)?,
            sines: angles.sin()?.to_dtype(DType::F32)?,
        })
    }

    /// Turns `[.., length, size]`. Number `i` pairs with number `i + size / 2` (`rotate_half` of `transformers`), not
    /// with its neighbour as in the paper.
    ///
    /// # Errors
    /// [`Error::Failed`] when there are more places than positions in the tables.
    pub fn turn(&self, input: &Tensor) -> Result<Tensor> {
        let (length, size) = (input.dim(D::Minus2)?, input.dim(D::Minus1)?);
        let (cosines, sines) = (
            self.cosines.narrow(0, 0, length)?,
            self.sines.narrow(0, 0, length)?,
        );
        let first = input.narrow(D::Minus1, 0, size / 2)?;
        let second = input.narrow(D::Minus1, size / 2, size / 2)?;
        let turned_first = (first.broadcast_mul(&cosines)? - second.broadcast_mul(&sines)?)?;
        let turned_second = (second.broadcast_mul(&cosines)? + first.broadcast_mul(&sines)?)?;
        Ok(Tensor::cat(&[turned_first, turned_second], D::Minus1)?)
    }
}

/// `x W^T`: `[n, in]` by a weight of `[out, in]`.
fn linear(input: &Tensor, weight: &Tensor) -> Result<Tensor> {
    Ok(input.matmul(&weight.t()?)?)
}

fn rms_norm(input: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    let size = input.dim(D::Minus1)? as f64;
    let mean_square = (input.sqr()?.sum_keepdim(D::Minus1)? / size)?;
    Ok(input
        .broadcast_div(&(mean_square + epsilon)?.sqrt()?)?
        .broadcast_mul(weight)?)
}

fn softmax(input: &Tensor) -> Result<Tensor> {
    // A constant shift changes neither the result nor the gradient.
    let powers = input
        .broadcast_sub(&input.max_keepdim(D::Minus1)?.detach())?
        .exp()?;
    Ok(powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: &[f32], right: &[f32]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn rotary_pairs_a_number_with_the_one_half_a_head_away() {
        let rotary = Rotary::new(4, 3, 10_000.0).unwrap();
        let input = Tensor::new(&[[[1.0_f32, 2.0, 3.0, 4.0]; 3]], &Device::Cpu).unwrap();
        let turned = rotary
            .turn(&input)
            .unwrap()
            .i((0, 2))
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        // Position 2: the pair (1, 3) turns by 2, the pair (2, 4) by 2 * 10000^(-1/2) = 0.02.
        let ((s, c), (s2, c2)) = (2_f32.sin_cos(), 0.02_f32.sin_cos());
        assert!(
            close(
                &turned,
                &[
                    c - 3.0 * s,
                    2.0 * c2 - 4.0 * s2,
                    3.0 * c + s,
                    4.0 * c2 + 2.0 * s2
                ]
            ),
            "{turned:?}"
        );
        let still = rotary
            .turn(&input)
            .unwrap()
            .i((0, 0))
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert!(close(&still, &[1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn later_tokens_do_not_change_earlier_logits() {
        let config = LlamaConfig::new(16, 2, 2, 8).unwrap();
        let model = Llama::new(&config, &first_weights(&config, 1).unwrap()).unwrap();
        let of = |tokens: [u32; 4]| {
            let logits = model
                .logits(&Tensor::new(&[tokens], &Device::Cpu).unwrap())
                .unwrap();
            logits
                .i(..2)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        assert_eq!(of([1, 2, 3, 4]), of([1, 2, 200, 100]));
        assert_ne!(of([1, 2, 3, 4]), of([1, 7, 3, 4]));
    }

    #[test]
    fn an_untrained_model_is_as_good_as_chance() {
        let config = LlamaConfig::new(16, 1, 2, 8).unwrap();
        let model = Llama::new(&config, &first_weights(&config, 1).unwrap()).unwrap();
        let tokens = Tensor::new(&[[1_u32, 2, 3, 4]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[9_u32, 8, 7, 6], &Device::Cpu).unwrap();
        let loss = model
            .loss(&tokens, &targets)
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!((loss - 256_f32.ln()).abs() < 0.1, "{loss}");
    }

    #[test]
    fn the_gradient_agrees_with_differences() {
        let config = LlamaConfig::new(8, 1, 2, 4).unwrap();
        let weights = first_weights(&config, 3).unwrap();
        let name = "model.layers.0.self_attn.q_proj.weight";
        let tokens = Tensor::new(&[[1_u32, 2, 3, 1]], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[2_u32, 3, 1, 2], &Device::Cpu).unwrap();
        // Larger weights than at the start, so that differences stand out of rounding.
        let loud: Named = weights
            .iter()
            .map(|(name, w)| (name.clone(), (w * 20.0).unwrap()))
            .collect();
        let loss_at = |change: f64| {
            let mut changed = loud.clone();
            changed.insert(name.to_owned(), (&loud[name] + change).unwrap());
            let model = Llama::new(&config, &changed).unwrap();
            f64::from(
                model
                    .loss(&tokens, &targets)
                    .unwrap()
                    .to_scalar::<f32>()
                    .unwrap(),
            )
        };
        let variable = candle_core::Var::from_tensor(&loud[name]).unwrap();
        let mut watched = loud.clone();
        watched.insert(name.to_owned(), variable.as_tensor().clone());
        let loss = Llama::new(&config, &watched)
            .unwrap()
            .loss(&tokens, &targets)
            .unwrap();
        let gradients = loss.backward().unwrap();
        let sum = gradients
            .get(variable.as_tensor())
            .unwrap()
            .sum_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        let difference = (loss_at(1e-2) - loss_at(-1e-2)) / 2e-2;
        assert!(
            (f64::from(sum) - difference).abs() < 2e-3 + 0.02 * difference.abs(),
            "{sum} {difference}"
        );
    }

    #[test]
    fn a_missing_weight_is_named() {
        let config = LlamaConfig::new(8, 1, 2, 4).unwrap();
        let mut weights = first_weights(&config, 1).unwrap();
        weights.remove("lm_head.weight");
        let error = Llama::new(&config, &weights).unwrap_err();
        assert!(error.to_string().contains("lm_head.weight"), "{error}");
    }
}
