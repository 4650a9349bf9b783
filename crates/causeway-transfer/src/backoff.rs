//! When to try again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// As long as a connection is gone for less than this, it is tried for again at once: most cuts are short.
const FRESH: Duration = Duration::from_secs(60);
const LONGEST_FRESH: Duration = Duration::from_millis(250);

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

/// The pause before try number `tries` to connect to an agent that was reached, or tried for, first `gone` ago: at most 250 ms
/// in the first minute.
pub(crate) fn pause_to_connect(tries: u32, gone: Duration, random: u64) -> Duration {
    let pause = pause(tries, random);
    if gone < FRESH {
        pause.min(LONGEST_FRESH)
    } else {
        pause
    }
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

    #[test]
    fn a_short_cut_is_not_slept_through() {
        let second = Duration::from_secs(1);
        assert_eq!(pause_to_connect(0, second, 0), Duration::ZERO);
        assert_eq!(pause_to_connect(1, second, 0), Duration::from_millis(200));
        assert_eq!(
            pause_to_connect(9, second * 59, 0),
            Duration::from_millis(250)
        );
        assert_eq!(pause_to_connect(9, second * 60, 0), second * 10);
    }

    proptest! {
        #[test]
        fn stays_between_three_quarters_and_the_whole(tries in 1u32.., random in any::<u64>()) {
            let (full, some) = (pause(tries, 0), pause(tries, random));
            prop_assert!(some <= full && some >= full.mul_f64(0.74));
        }
    }
}
