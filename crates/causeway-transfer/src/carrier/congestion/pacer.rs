//! When the next packet may leave.

use std::time::Duration;

use super::as_float;

/// How much sending may lag behind its schedule and catch up: timers fire up to a millisecond late, and a wake-up that is
/// late must not cost rate (RFC 9002, section 7.7, allows such bursts).
const SLACK: Duration = Duration::from_millis(4);

#[derive(Debug, Clone, Default)]
pub(super) struct Pacer {
    next: Duration,
}

impl Pacer {
    /// A packet left; `rate` in bytes a second.
    pub(super) fn on_sent(&mut self, now: Duration, bytes: u64, rate: f64) {
        let earliest = now.saturating_sub(SLACK);
        self.next =
            self.next.max(earliest) + Duration::from_secs_f64(as_float(bytes) / rate.max(1.0));
    }

    /// The earliest time at which the next packet may leave.
    pub(super) const fn departure(&self) -> Duration {
        self.next
    }
}
