//! AdamW (Loshchilov and Hutter, 2019), with its moments in the open so that a checkpoint can hold them.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

use crate::tensors::Named;
use crate::{Error, Result};

/// Decay of the mean of gradients.
const BETA1: f64 = 0.9;
/// Decay of the mean of squared gradients.
const BETA2: f64 = 0.95;
const EPSILON: f64 = 1e-8;
/// Pull of matrices towards zero; norms are left alone.
const WEIGHT_DECAY: f64 = 0.1;
/// Steps over which the learning rate rises to its full value.
const WARM_UP: u64 = 20;

/// Weights in training (f32 "masters") with both moments of each.
#[derive(Debug)]
pub struct AdamW {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    master: Var,
    mean: Tensor,
    square: Tensor,
}

impl AdamW {
    /// Begins at these weights, with moments of zero.
    ///
    /// # Errors
    /// [`Error::Failed`] when a tensor cannot be copied.
    pub fn new(weights: &Named) -> Result<Self> {
        let slots = weights
            .iter()
            .map(|(name, weight)| {
                Ok(Slot {
                    name: name.clone(),
                    master: Var::from_tensor(weight)?,
                    mean: weight.zeros_like()?,
                    square: weight.zeros_like()?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { slots })
    }

    /// The weights, shared with the optimizer: a step changes them in place.
    #[must_use]
    pub fn masters(&self) -> Named {
        self.slots
            .iter()
            .map(|slot| (slot.name.clone(), slot.master.as_tensor().clone()))
            .collect()
    }

    /// Learning rate of a step counted from 1: a linear rise, then constant. It does not depend on the last step, so a
    /// run may be prolonged later without having become another run.
    #[must_use]
    pub fn rate(peak: f64, step: u64) -> f64 {
        peak * (step.min(WARM_UP) as f64 / WARM_UP as f64)
    }

    /// One step (counted from 1) down the gradients.
    ///
    /// # Errors
    /// [`Error::Failed`] when a weight has no gradient.
    pub fn step(&mut self, gradients: &GradStore, step: u64, peak: f64) -> Result<()> {
        let rate = Self::rate(peak, step);
        let (unbias1, unbias2) = (
            1.0 / (1.0 - BETA1.powf(step as f64)),
            1.0 / (1.0 - BETA2.powf(step as f64)),
        );
        for slot in &mut self.slots {
            let missing = || Error::failed(format!("weight `{}`", slot.name), "has no gradient");
            let gradient = gradients.get(slot.master.as_tensor()).ok_or_else(missing)?;
            slot.mean = ((&slot.mean * BETA1)? + (gradient * (1.0 - BETA1))?)?;
            slot.square = ((&slot.square * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
            let direction =
                ((&slot.mean * unbias1)? / ((&slot.square * unbias2)?.sqrt()? + EPSILON)?)?;
            let decay = if slot.master.rank() > 1 {
                1.0 - rate * WEIGHT_DECAY
            } else {
                1.0
            };
            slot.master
                .set(&((slot.master.as_detached_tensor() * decay)? - (direction * rate)?)?)?;
        }
        Ok(())
    }

    /// Everything that the next step depends on: `master.NAME`, `mean.NAME`, `square.NAME`.
    #[must_use]
    pub fn state(&self) -> Named {
        let parts = |slot: &Slot| {
            [
                (
                    format!("master.{}", slot.name),
                    slot.master.as_detached_tensor(),
                ),
                (format!("mean.{}", slot.name), slot.mean.clone()),
                (format!("square.{}", slot.name), slot.square.clone()),
            ]
        };
        self.slots.iter().flat_map(parts).collect()
    }

    /// The inverse of [`AdamW::state`]: puts back what a checkpoint holds.
    ///
    /// # Errors
    /// [`Error::Failed`] when a part is missing or has another shape.
    pub fn restore(&mut self, state: &Named) -> Result<()> {
        for slot in &mut self.slots {
            let part = |part: &str| {
                let name = format!("{part}.{}", slot.name);
                let found = state
                    .get(&name)
                    .filter(|tensor| tensor.shape() == slot.master.shape());
                found.cloned().ok_or_else(|| {
                    Error::failed(format!("optimizer state `{name}`"), "missing or misshapen")
                })
            };
            let (master, mean, square) = (part("master")?, part("mean")?, part("square")?);
            slot.master.set(&master)?;
            (slot.mean, slot.square) = (mean, square);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn one(numbers: &[f32]) -> Named {
        Named::from([(
            "w".to_owned(),
            Tensor::from_slice(numbers, (1, numbers.len()), &Device::Cpu).unwrap(),
        )])
    }

    /// One step on the loss `sum(w^2)`, whose gradient is `2 w`.
    fn step(optimizer: &mut AdamW, number: u64) {
        let loss = optimizer.masters()["w"].sqr().unwrap().sum_all().unwrap();
        optimizer
            .step(&loss.backward().unwrap(), number, 0.1)
            .unwrap();
    }

    fn numbers(optimizer: &AdamW, part: &str) -> Vec<f32> {
        optimizer.state()[part]
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    #[test]
    fn two_steps_agree_with_the_formula() {
        let mut optimizer = AdamW::new(&one(&[1.0])).unwrap();
        let (mut weight, mut mean, mut square) = (1.0_f64, 0.0, 0.0);
        for number in 1..=2_u32 {
            step(&mut optimizer, u64::from(number));
            let (gradient, rate) = (2.0 * weight, 0.1 * f64::from(number) / 20.0);
            mean = 0.9 * mean + 0.1 * gradient;
            square = 0.95 * square + 0.05 * gradient * gradient;
            let (n, m) = (
                mean / (1.0 - 0.9_f64.powf(f64::from(number))),
                1.0 - 0.95_f64.powf(f64::from(number)),
            );
            weight = weight * (1.0 - rate * 0.1) - rate * n / ((square / m).sqrt() + 1e-8);
        }
        assert!((f64::from(numbers(&optimizer, "master.w")[0]) - weight).abs() < 1e-6);
        assert!((f64::from(numbers(&optimizer, "mean.w")[0]) - mean).abs() < 1e-6);
        assert!((f64::from(numbers(&optimizer, "square.w")[0]) - square).abs() < 1e-6);
    }

    #[test]
    fn a_restored_optimizer_goes_on_bit_for_bit() {
        let mut whole = AdamW::new(&one(&[1.0, -3.0, 0.2])).unwrap();
        (1..=5).for_each(|number| step(&mut whole, number));
        let saved: Named = whole
            .state()
            .iter()
            .map(|(name, t)| (name.clone(), t.copy().unwrap()))
            .collect();
        (6..=9).for_each(|number| step(&mut whole, number));
        let mut resumed = AdamW::new(&one(&[0.0, 0.0, 0.0])).unwrap();
        resumed.restore(&saved).unwrap();
        (6..=9).for_each(|number| step(&mut resumed, number));
        for part in ["master.w", "mean.w", "square.w"] {
            assert_eq!(numbers(&whole, part), numbers(&resumed, part), "{part}");
        }
    }

    #[test]
    fn misshapen_state_is_refused() {
        let mut optimizer = AdamW::new(&one(&[1.0])).unwrap();
        let other = AdamW::new(&one(&[1.0, 2.0])).unwrap();
        assert!(
            optimizer
                .restore(&other.state())
                .unwrap_err()
                .to_string()
                .contains("master.w")
        );
    }

    #[test]
    fn the_rate_rises_and_stays() {
        assert!(AdamW::rate(1.0, 1) > 0.0 && AdamW::rate(1.0, 1) < AdamW::rate(1.0, 10));
        assert_eq!(AdamW::rate(1.0, 20), AdamW::rate(1.0, 100_000));
    }
}
