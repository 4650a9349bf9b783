//! When to try again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// The pause before try number `tries` (from 0): none before the first, then 200 ms doubling up to 10 s, each shortened by up
/// to a quarter at random so that callers which were cut at one instant do not come back at one.
pub(crate) fn pause(tries: u32, random: u64) -> Duration {
    let Some(doublings) = tries.checked_sub(1) else {
        return Duration::ZERO;
    };
    let full = FIRST
        .saturating_mul(1u32.checked_shl(doublings.min(20)).unwrap_or(u32::MAX))
        .min(LONGEST);
    let quarter = u64::try_from(full.as_millis()).unwrap_or(u64::MAX) / 4;
    full - Duration::from_millis(random % (quarter + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_and_stops() {
        let full: Vec<u128> = (0..9).map(|tries| pause(tries, 0).as_millis()).collect();
        assert_eq!(full, [0, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    }

    proptest! {
        #[test]
        fn stays_between_three_quarters_and_the_whole(tries in 1u32.., random in any::<u64>()) {
            let (full, some) = (pause(tries, 0), pause(tries, random));
            prop_assert!(some <= full && some >= full.mul_f64(0.74));
        }
    }
}
