//! What one connection tells the next of a path: start-up is six round trips and more of a long link, a second that a small
//! checkpoint does not have.
//!
//! From draft-ietf-tsvwg-careful-resume: half of what was found is jumped to, once a round trip of this connection says that the
//! path is the same; what is sent then is paced. When the path does less by now, the losses or the queue of that round end
//! start-up, and the rate is what came through.

use std::time::Duration;

/// The part of the earlier rate that is jumped to (the draft's jump window: half of the saved one).
const JUMP: f64 = 0.5;
/// Round trips of the same path: at least this part of the earlier one, at most so many of it (the same draft: 1/2 and 10).
const SHORTEST: u32 = 2;
const LONGEST: u32 = 10;

/// What was found of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct KnownPath {
    /// In bytes a second.
    rate: f64,
    /// The shortest round trip.
    rtt: Duration,
}

impl KnownPath {
    pub(super) const fn new(rate: f64, rtt: Duration) -> Self {
        Self { rate, rtt }
    }

    /// The rate to begin with, in bytes a second, and the bytes that may be under way with it, if this is a round trip of the same
    /// path.
    pub(super) fn jump(self, rtt: Duration) -> Option<(f64, f64)> {
        let same = rtt >= self.rtt / SHORTEST && rtt <= self.rtt.saturating_mul(LONGEST);
        same.then(|| {
            let rate = JUMP * self.rate;
            (rate, rate * self.rtt.min(rtt).as_secs_f64())
        })
    }
}
