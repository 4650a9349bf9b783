//! What the path delivers: samples of the delivery rate and their recent maximum.
//!
//! Sampling follows draft-cheng-iccrg-delivery-rate-estimation, section 3; the maximum over two probing cycles follows
//! draft-ietf-ccwg-bbr, section 4.5.2.

use std::time::Duration;

use super::as_float;

/// What was known when a packet left; it comes back with its acknowledgement or its loss.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// When it left.
    pub(super) at: Duration,
    /// Bytes that were delivered by then.
    pub(super) delivered: u64,
    /// When the last of those were.
    delivered_at: Duration,
    /// When the flight that it belongs to began.
    first_sent: Duration,
    /// The application had too little to send.
    app_limited: bool,
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// In bytes a second.
    pub(super) rate: f64,
    /// It may be less than the path can do.
    pub(super) app_limited: bool,
}

/// Counts what was delivered.
#[derive(Debug, Clone, Default)]
pub(super) struct Delivery {
    delivered: u64,
    delivered_at: Duration,
    first_sent: Duration,
    /// The application was short of bytes until this much is delivered.
    app_limited_until: Option<u64>,
}

impl Delivery {
    /// Bytes that were delivered in all.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) const fn is_app_limited(&self) -> bool {
        self.app_limited_until.is_some()
    }

    /// A packet leaves while `in_flight` bytes, its own not counted, are under way.
    pub(super) fn on_sent(
        &mut self,
        now: Duration,
        bytes: u64,
        in_flight: u64,
        app_limited: bool,
    ) -> Sent {
        if in_flight == 0 {
            self.first_sent = now;
            self.delivered_at = now;
        }
        if app_limited {
            self.app_limited_until = Some(self.delivered + in_flight + bytes);
        }
        Sent {
            at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent: self.first_sent,
            app_limited: self.app_limited_until.is_some(),
        }
    }

    /// `bytes` were acknowledged, the newest of them in `newest`. No sample when less than `shortest` was observed: so short a
    /// stretch measures bursts, not the path (section 3.3 of the draft: intervals below the minimum RTT are not reliable).
    pub(super) fn on_acked(
        &mut self,
        now: Duration,
        bytes: u64,
        newest: &Sent,
        shortest: Duration,
    ) -> Option<Sample> {
        self.delivered += bytes;
        self.delivered_at = now;
        if self
            .app_limited_until
            .is_some_and(|until| self.delivered > until)
        {
            self.app_limited_until = None;
        }
        self.first_sent = self.first_sent.max(newest.at);
        let sending = newest.at.saturating_sub(newest.first_sent);
        let acking = now.saturating_sub(newest.delivered_at);
        let interval = sending.max(acking);
        if interval.is_zero() || interval < shortest {
            return None;
        }
        let delivered = self.delivered.saturating_sub(newest.delivered);
        Some(Sample {
            rate: as_float(delivered) / interval.as_secs_f64(),
            app_limited: newest.app_limited,
        })
    }

    /// Bytes that will not be delivered: an application-limited stretch ends that much earlier.
    pub(super) fn on_gone(&mut self, bytes: u64) {
        if let Some(until) = &mut self.app_limited_until {
            *until = until.saturating_sub(bytes);
        }
    }
}

/// The highest delivery rate of this probing cycle and the one before, in bytes a second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Highest {
    before: f64,
    current: f64,
}

impl Highest {
    pub(super) const fn rate(self) -> f64 {
        self.before.max(self.current)
    }

    pub(super) fn add(&mut self, sample: Sample) {
        if !sample.app_limited || sample.rate > self.rate() {
            self.current = self.current.max(sample.rate);
        }
    }

    /// The path is congested: it does not do more than this.
    pub(super) const fn cap(&mut self, rate: f64) {
        self.before = self.before.min(rate);
        self.current = self.current.min(rate);
    }

    /// A cycle ends. One without a sample is no news.
    pub(super) fn roll(&mut self) {
        if self.current > 0.0 {
            self.before = std::mem::take(&mut self.current);
        }
    }
}
