//! Scales: from a value to a place in a picture, and round values to write beside it.

/// A scale: even, or of powers of ten where values lie far apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// On a scale of powers nothing has its own place before the first power.
    zero: bool,
    from: f64,
    to: f64,
}

/// Values this far apart are drawn on a scale of powers.
const FAR: f64 = 30.0;
/// Share of a scale of powers that is kept for nothing.
const ZERO: f64 = 0.06;

impl Axis {
    /// A scale over values that are not negative, from one pixel to another. Without values it goes from 0 to 1.
    pub(super) fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut least, mut most, mut zero) = (f64::INFINITY, 0.0_f64, false);
        for value in values.filter(|value| value.is_finite()) {
            if value > 0.0 {
                least = least.min(value);
                most = most.max(value);
            } else {
                zero = true;
            }
        }
        if least.is_infinite() {
            (least, most) = (1.0, 1.0);
        }
        let log = most / least > FAR;
        let (low, high) = if log {
            (least / 1.4, most * 1.4)
        } else {
            (0.0, most * 1.12)
        };
        Self {
            low,
            high,
            log,
            zero,
            from,
            to,
        }
    }

    /// The value at its far end.
    pub(super) fn end(&self) -> f64 {
        self.high
    }

    /// Whether it is a scale of powers.
    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// Where a value lies.
    pub(super) fn place(&self, value: f64) -> f64 {
        let start = if self.log && self.zero { ZERO } else { 0.0 };
        let share = if !self.log {
            (value - self.low) / (self.high - self.low)
        } else if value <= 0.0 {
            0.0
        } else {
            start + (1.0 - start) * (value / self.low).ln() / (self.high / self.low).ln()
        };
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }

    /// Round values on it, at most about seven.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if !self.log {
            return round_steps(self.low, self.high, 7.0);
        }
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades > 4.0 {
            &[1.0]
        } else if decades > 2.2 {
            &[1.0, 3.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let every = (decades / 7.0).ceil().max(1.0);
        let mut out: Vec<f64> = if self.zero { vec![0.0] } else { Vec::new() };
        let mut power = self.low.log10().floor();
        while power <= self.high.log10() && out.len() < 40 {
            for factor in factors {
                let value = factor * 10_f64.powf(power);
                if value >= self.low && value <= self.high {
                    out.push(value);
                }
            }
            power += if factors.len() == 1 { every } else { 1.0 };
        }
        out
    }
}

/// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, about `wanted` of them.
pub(super) fn round_steps(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let raw = (high - low) / wanted;
    if raw.is_nan() || raw <= 0.0 || !raw.is_finite() {
        return vec![low];
    }
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(power * 10.0);
    let mut out = Vec::new();
    let mut value = (low / step).ceil() * step;
    while value <= high && out.len() < 40 {
        out.push(value);
        value += step;
    }
    out
}

/// Dollars on a scale: `$1.5k`, `$20`, `$0.02`.
pub(super) fn dollars(value: f64) -> String {
    let (value, unit) = if value >= 1e6 {
        (value / 1e6, "M")
    } else if value >= 1e3 {
        (value / 1e3, "k")
    } else {
        (value, "")
    };
    let digits = if value == 0.0 || value >= 10.0 || (value - value.round()).abs() < 1e-9 {
        0
    } else if value >= 1.0 {
        1
    } else {
        // As many as it takes to tell it from nothing.
        [0.01, 0.001, 0.0001, 0.00001]
            .iter()
            .position(|least| value >= *least)
            .map_or(7, |place| place + 2)
    };
    format!("${value:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_values_lie_on_an_even_scale_and_far_ones_on_powers() {
        let near = Axis::over([1.0, 9.0].into_iter(), 0.0, 100.0);
        assert!(!near.is_log());
        assert!(near.place(0.0).abs() < 1e-9 && near.place(9.0) > 80.0);
        let far = Axis::over([1.0, 9_000.0].into_iter(), 0.0, 100.0);
        assert!(far.is_log());
        assert!(
            far.ticks().len() >= 3 && far.ticks().len() < 9,
            "{:?}",
            far.ticks()
        );
        let between = far.place(1.0)..far.place(9_000.0);
        assert!(between.contains(&far.place(95.0)));
    }

    #[test]
    fn nothing_has_a_place_before_the_first_power() {
        let axis = Axis::over([0.0, 1.0, 5_000.0].into_iter(), 0.0, 100.0);
        assert!(axis.place(0.0) < axis.place(1.0) - 2.0);
        assert!((axis.ticks()[0]).abs() < 1e-9);
        for values in [vec![], vec![0.0], vec![f64::NAN], vec![3.0]] {
            let axis = Axis::over(values.into_iter(), 10.0, 20.0);
            assert!((10.0..=20.0).contains(&axis.place(0.0)) && !axis.ticks().is_empty());
        }
    }

    #[test]
    fn money_on_a_scale_is_short() {
        let of: Vec<String> = [0.0, 0.005, 0.02, 2.5, 20.0, 1500.0, 2e6]
            .map(dollars)
            .to_vec();
        assert_eq!(of, ["$0", "$0.005", "$0.02", "$2.5", "$20", "$1.5k", "$2M"]);
    }
}
