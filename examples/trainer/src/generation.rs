//! Text from a trained model.

use crate::arguments::GenerateOptions;
use crate::checkpoint::{CONFIG, MODEL};
use crate::config::LlamaConfig;
use crate::model::Llama;
use crate::{Error, Result, events, random, tensors, tokenizer};

/// Prints the prompt and what the model writes after it; with `--logits` instead the numbers after the prompt, as JSON.
///
/// # Errors
/// [`Error::Input`] when the directory holds no model of this program or the prompt is empty.
pub fn generate(options: &GenerateOptions) -> Result<()> {
    if options.prompt.is_empty() {
        return Err(Error::input(
            "--prompt is empty; give the model at least one letter to go on from",
        ));
    }
    let config = LlamaConfig::read(&options.model.join(CONFIG))?;
    let model = Llama::new(&config, &tensors::read(&options.model.join(MODEL))?)?;
    let mut tokens = tokenizer::encode(&options.prompt);
    if options.logits {
        let text = serde_json::to_string(&model.next(&tokens)?);
        events::line(&text.map_err(|why| Error::failed("printing logits", why))?);
        return Ok(());
    }
    for place in 0..options.tokens {
        let logits = model.next(&tokens)?;
        tokens.push(choose(
            &logits,
            options.temperature,
            random::unit(&[options.seed, place as u64]),
        ));
    }
    let bytes: Vec<u8> = tokens
        .iter()
        .filter_map(|&token| u8::try_from(token).ok())
        .collect();
    events::line(&String::from_utf8_lossy(&bytes));
    Ok(())
}

/// The likeliest token at temperature 0 (the first of equals), else the one into whose share `point` (`0.0..1.0`) falls.
fn choose(logits: &[f32], temperature: f64, point: f64) -> u32 {
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let share = |&logit: &f32| (f64::from(logit - best) / temperature).exp();
    let mut left = point * logits.iter().map(share).sum::<f64>();
    let chosen = logits.iter().position(|logit| {
        if temperature <= 0.0 {
            return *logit >= best;
        }
        left -= share(logit);
        left < 0.0
    });
    u32::try_from(chosen.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_zero_takes_the_likeliest() {
        assert_eq!(choose(&[0.0, 3.0, 1.0, 3.0], 0.0, 0.99), 1);
    }

    #[test]
    fn shares_follow_the_logits() {
        let logits = [0.0, 3_f32.ln()];
        assert_eq!(choose(&logits, 1.0, 0.24), 0);
        assert_eq!(choose(&logits, 1.0, 0.26), 1);
        assert_eq!(choose(&logits, 1.0, 0.999_999), 1);
    }
}
