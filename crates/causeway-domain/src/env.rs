//! Time, chance and injected faults: one door.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What drivers and stages ask of the outside world besides I/O.
///
/// Pure rooms do not hold an `Env`: they take `now` or a seed as an argument. The real one lives in `causeway-run`.
pub trait Env: Send + Sync {
    /// The present instant, UTC.
    fn now(&self) -> Timestamp;

    /// Where the clock on the wall hangs: times of day that a user writes are meant in it.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }

    /// 64 random bits: for ids, jitter and retry schedules; never for keys.
    fn random(&self) -> u64;

    /// A named point where a test may crash this process (or this task). Production does nothing.
    ///
    /// # Errors
    /// [`Crash`] when a test asked for a crash here that is returned instead of ending the process.
    fn fault(&self, _point: &'static str) -> Result<(), Crash> {
        Ok(())
    }
}

/// A crash injected by a test at a named point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("crashed on purpose at `{point}`")]
pub struct Crash {
    /// The fault point.
    pub point: &'static str,
}
