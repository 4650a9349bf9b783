//! Bytes against time: pure.

use std::time::Duration;

/// What was not taken while nobody moved anything may be taken at once, for so long.
const BURST: Duration = Duration::from_millis(50);

/// When bytes that moved are paid for. Whoever moved them moves no more until then, and turns come in the order in which they
/// were taken: no lane takes another's share.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Turn(f64);

/// A budget of bytes that fills at a rate. Time is the duration since any fixed instant, told by the caller.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Bytes a second; `None`: no limit.
    rate: Option<f64>,
    /// Bytes that were allowed up to `now`.
    allowed: f64,
    /// Bytes that are paid for or waited for.
    taken: f64,
    now: Duration,
}

impl Bucket {
    pub(super) const fn new() -> Self {
        Self {
            rate: None,
            allowed: 0.0,
            taken: 0.0,
            now: Duration::ZERO,
        }
    }

    pub(super) const fn rate(&self) -> Option<f64> {
        self.rate
    }

    fn advance(&mut self, now: Duration) {
        let past = now.saturating_sub(self.now).as_secs_f64();
        self.now = self.now.max(now);
        match self.rate {
            Some(rate) => self.allowed += rate * past,
            // Nothing is owed.
            None => self.allowed = self.taken,
        }
    }

    /// From now on.
    pub(super) fn set_rate(&mut self, now: Duration, rate: Option<f64>) {
        if self.rate != rate {
            self.advance(now);
            self.rate = rate;
        }
    }

    /// So many bytes moved.
    pub(super) fn take(&mut self, now: Duration, bytes: u64) -> Turn {
        self.advance(now);
        let idle = self.rate.unwrap_or(0.0) * BURST.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "bytes of one read")]
        let bytes = bytes as f64;
        self.taken = self.taken.max(self.allowed - idle) + bytes;
        Turn(self.taken)
    }

    /// How long until a turn comes, if the rate stays.
    pub(super) fn wait(&mut self, now: Duration, turn: Turn) -> Duration {
        self.advance(now);
        match self.rate {
            Some(rate) if turn.0 > self.allowed => {
                Duration::try_from_secs_f64((turn.0 - self.allowed) / rate).unwrap_or(Duration::MAX)
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lane_that_took_waits_and_a_second_one_waits_behind_it() {
        let mut bucket = Bucket::new();
        let second = Duration::from_secs(1);
        bucket.set_rate(Duration::ZERO, Some(1000.0));
        let one = bucket.take(Duration::ZERO, 500);
        let two = bucket.take(Duration::ZERO, 500);
        assert_eq!(bucket.wait(Duration::ZERO, one), second / 2);
        assert_eq!(bucket.wait(Duration::ZERO, two), second);
        assert_eq!(bucket.wait(second, two), Duration::ZERO);
        // Twice as fast from here on: what is still waited for comes sooner.
        let three = bucket.take(second, 1000);
        bucket.set_rate(second, Some(2000.0));
        assert_eq!(bucket.wait(second, three), second / 2);
        bucket.set_rate(second, None);
        assert_eq!(bucket.wait(second, three), Duration::ZERO);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Take(u32),
        Wait(u16),
        Rate(Option<u32>),
    }

    fn a_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1u32..300_000).prop_map(Step::Take),
            3 => (0u16..3000).prop_map(Step::Wait),
            1 => prop::option::of(1000u32..10_000_000).prop_map(Step::Rate),
        ]
    }

    proptest! {
        /// Whoever waits for each turn before it goes on never has more than the rates allowed, of which a pause leaves no more
        /// than the burst; and while there is always something to take, it takes all that they allow.
        #[test]
        fn what_is_taken_is_what_the_rates_allow(steps in prop::collection::vec(a_step(), 1..60), greedy: bool) {
            let mut bucket = Bucket::new();
            let (mut now, mut taken, mut allowed) = (Duration::ZERO, 0.0, 0.0f64);
            let mut rate = 1e6;
            bucket.set_rate(now, Some(rate));
            for step in steps {
                match step {
                    Step::Take(bytes) => {
                        allowed = allowed.min(taken + rate * BURST.as_secs_f64());
                        let turn = bucket.take(now, u64::from(bytes));
                        taken += f64::from(bytes);
                        let wait = bucket.wait(now, turn);
                        // A wait is whole nanoseconds: what one leaves at a high rate is longer at a low one, so a byte is given.
                        prop_assert!(wait <= Duration::from_secs_f64((f64::from(bytes) + 1.0) / rate));
                        now += wait;
                        allowed += rate * wait.as_secs_f64();
                        prop_assert!(taken <= allowed + 1.0, "{taken} of {allowed}");
                        if greedy {
                            prop_assert!(taken + 1.0 >= allowed, "{taken} of {allowed}");
                        }
                    }
                    Step::Wait(ms) if !greedy => {
                        let wait = Duration::from_millis(u64::from(ms));
                        now += wait;
                        allowed += rate * wait.as_secs_f64();
                    }
                    Step::Rate(Some(new)) => {
                        rate = f64::from(new);
                        bucket.set_rate(now, Some(rate));
                    }
                    Step::Wait(_) | Step::Rate(None) => {}
                }
            }
        }

        #[test]
        fn turns_come_in_their_order(takes in prop::collection::vec((0u64..300_000, 0u64..2000), 2..40)) {
            let mut bucket = Bucket::new();
            bucket.set_rate(Duration::ZERO, Some(1e5));
            let (mut now, mut last) = (Duration::ZERO, Turn(f64::MIN));
            for (bytes, ms) in takes {
                let turn = bucket.take(now, bytes);
                prop_assert!(turn >= last);
                last = turn;
                now += Duration::from_millis(ms);
            }
        }
    }
}
