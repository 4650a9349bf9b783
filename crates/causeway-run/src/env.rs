//! The real door to time, chance and injected faults.

use causeway_domain::{Crash, Env, TimeZone, Timestamp};

/// Time and randomness of the system; fixed ones for tests; crashes on demand.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// A clock set from outside: it marks the state directory as simulated.
    pub now: Option<Timestamp>,
    /// Where the process ends itself with SIGKILL: a fault point, and how often it is passed before.
    pub crash_at: Option<(String, u32)>,
    passed: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl System {
    /// From the settings that tests give: `CAUSEWAY_TIMESTAMP` and `CAUSEWAY_FAULT` (`point` or `point:2` for the second pass).
    #[must_use]
    pub fn new(now: Option<Timestamp>, fault: Option<&str>) -> Self {
        let crash_at = fault.map(|text| match text.rsplit_once(':') {
            Some((point, count)) => (point.to_owned(), count.parse().unwrap_or(1)),
            None => (text.to_owned(), 1),
        });
        Self {
            now,
            crash_at,
            passed: std::sync::Arc::default(),
        }
    }
}

impl Env for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one door through which time comes in"
    )]
    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }

    fn random(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
    }

    /// A real SIGKILL: no destructor runs, nothing is flushed, as when the machine loses the process.
    fn fault(&self, point: &'static str) -> Result<(), Crash> {
        if let Some((wanted, pass)) = &self.crash_at
            && wanted == point
            && self
                .passed
                .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
                + 1
                == *pass
        {
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
            return Err(Crash { point });
        }
        Ok(())
    }
}
