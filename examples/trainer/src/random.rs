//! Random numbers as pure functions of what they are for. There is no state to save: the same seed and the same place
//! give the same number on every machine and after every restart.

/// SplitMix64's finaliser: every input bit moves every output bit (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The random number that belongs to a place, for example `[seed, step, row]`.
#[must_use]
pub fn at(place: &[u64]) -> u64 {
    place.iter().fold(0x243f_6a88_85a3_08d3, |state, &part| {
        mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15)
            ^ mix(part.wrapping_add(0x1319_8a2e_0370_7344)))
    })
}

/// Evenly distributed in `0.0..1.0`.
#[must_use]
pub fn unit(place: &[u64]) -> f64 {
    // 53 bits: all that an f64 can hold exactly.
    (at(place) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Evenly distributed in `0..end`; 0 when `end` is 0.
#[must_use]
pub fn below(place: &[u64], end: usize) -> usize {
    // The high half of the 128-bit product; the bias is below 2^-32 for any text that fits in memory.
    ((u128::from(at(place)) * end as u128) >> 64) as usize
}

/// `count` numbers of a normal distribution with mean 0, by Box and Muller.
#[must_use]
pub fn normal(place: &[u64], count: usize, deviation: f64) -> Vec<f32> {
    let origin = at(place);
    (0..count as u64)
        .map(|i| {
            let radius = (-2.0 * (1.0 - unit(&[origin, i, 0])).ln()).sqrt();
            let angle = std::f64::consts::TAU * unit(&[origin, i, 1]);
            (deviation * radius * angle.cos()) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_every_part_of_the_place() {
        assert_eq!(at(&[1, 2, 3]), at(&[1, 2, 3]));
        for other in [[0, 2, 3], [1, 0, 3], [1, 2, 0], [2, 1, 3], [3, 2, 1]] {
            assert_ne!(at(&[1, 2, 3]), at(&other));
        }
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut seen = [0_u32; 7];
        (0..7000).for_each(|i| seen[below(&[9, i], 7)] += 1);
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
        assert_eq!(below(&[1], 0), 0);
    }

    #[test]
    fn normal_has_the_mean_and_deviation_asked_for() {
        let sample = normal(&[1], 20_000, 0.5);
        let mean = sample.iter().map(|&x| f64::from(x)).sum::<f64>() / 20_000.0;
        let variance = sample
            .iter()
            .map(|&x| (f64::from(x) - mean).powi(2))
            .sum::<f64>()
            / 20_000.0;
        assert!(
            mean.abs() < 0.02 && (variance.sqrt() - 0.5).abs() < 0.01,
            "{mean} {variance}"
        );
    }
}
