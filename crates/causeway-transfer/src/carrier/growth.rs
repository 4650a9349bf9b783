//! How many connections are worth having, decided from what they bring.

use std::time::Duration;

/// Less than this much more, as a share of the rate before, and a step brought nothing.
const WORTH: f64 = 1.05;
/// Most lanes that are added at once.
const MAX_STEP: usize = 16;

/// What to do after a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Open that many more, then measure again.
    Add(usize),
    /// Nothing can be said: measure again.
    Stay,
    /// It is enough.
    Stop,
}

/// What the next step is. `before` is the rate with fewer lanes, `None` before the first step; `after` that with `lanes`; both
/// in bytes a second. Doubles, by at most 16 at a time, until a step brings less than 5 %.
pub(crate) fn next(before: Option<f64>, after: f64, lanes: usize, max: usize) -> Step {
    if lanes >= max {
        return Step::Stop;
    }
    // Nothing moved: a cut, or the caller's disk.
    if after <= 0.0 {
        return Step::Stay;
    }
    match before {
        Some(before) if after < before * WORTH => Step::Stop,
        _ => Step::Add(lanes.clamp(1, MAX_STEP).min(max - lanes)),
    }
}

/// How long new lanes may take to come up to speed: slow start doubles once a round trip.
pub(crate) fn settling(rtt: Duration) -> Duration {
    (rtt * 6).max(Duration::from_secs(1))
}

/// How long a rate is measured.
pub(crate) fn measuring(rtt: Duration) -> Duration {
    (rtt * 10).max(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_while_a_step_brings_five_percent() {
        assert_eq!(next(None, 1e6, 4, 64), Step::Add(4));
        assert_eq!(next(Some(1e6), 1.9e6, 8, 64), Step::Add(8));
        assert_eq!(next(Some(1.9e6), 1.94e6, 16, 64), Step::Stop);
        assert_eq!(next(Some(1e6), 0.5e6, 8, 64), Step::Stop);
    }

    #[test]
    fn never_passes_the_most() {
        assert_eq!(next(Some(1e6), 2e6, 32, 64), Step::Add(16));
        assert_eq!(next(Some(1e6), 2e6, 60, 64), Step::Add(4));
        assert_eq!(next(Some(1e6), 2e6, 64, 64), Step::Stop);
        assert_eq!(next(None, 1e6, 8, 8), Step::Stop);
    }

    #[test]
    fn a_pause_says_nothing_about_lanes() {
        assert_eq!(next(None, 0.0, 4, 64), Step::Stay);
        assert_eq!(next(Some(1e6), 0.0, 8, 64), Step::Stay);
    }

    #[test]
    fn from_one_with_ever_more_it_gets_to_the_most() {
        let (mut lanes, mut before, mut steps) = (1, None, Vec::new());
        while let Step::Add(more) = next(before, (lanes * 1000) as f64, lanes, 64) {
            before = Some((lanes * 1000) as f64);
            lanes += more;
            steps.push(lanes);
        }
        assert_eq!(steps, [2, 4, 8, 16, 32, 48, 64]);
    }

    #[test]
    fn a_long_link_is_measured_for_longer() {
        let (short, long) = (Duration::from_millis(1), Duration::from_millis(300));
        assert_eq!(
            (settling(short), measuring(short)),
            (Duration::from_secs(1), Duration::from_secs(2))
        );
        assert_eq!(
            (settling(long), measuring(long)),
            (Duration::from_millis(1800), Duration::from_secs(3))
        );
    }
}
