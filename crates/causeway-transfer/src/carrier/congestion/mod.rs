//! Congestion control of the QUIC carrier: a model of the path, in the family of BBR (draft-ietf-ccwg-bbr).
//!
//! Sends at the rate at which the path delivers, measured, and keeps about one bandwidth-delay product under way. Five things
//! differ from the draft, all of them for one purpose, a long lossy link that is full from its tenth round trip on:
//!
//! - A random loss is not congestion. A round's losses count when they are more than 6 % of it, or when they are more than
//!   a fiftieth (the draft's `BBRLossThresh`) and clearly above what the path loses anyway and the queue stands.
//! - Losses of the path itself are made up for, up to a fiftieth, so that the bottleneck is full before the loss happens.
//! - Start-up ends at the first round whose shortest round trip shows a queue (as HyStart++, RFC 9406), not when the rate did
//!   not grow for three rounds: a queue of one bandwidth-delay product does not overflow.
//! - What an earlier connection found of the path is jumped to, half of it, once the round trip says that it is that path
//!   ([`KnownPath`]).
//! - Probes are small, a fifth for one round trip, and grow only while the rate grows with them. Each is drained, which also
//!   refreshes the minimum round trip: `ProbeRTT` is for paths on which somebody else keeps the queue.
//!
//! Pure: time is the duration since the connection began, bytes are counted by the caller; no clock, no library of QUIC.

mod known;
mod pacer;
mod rate;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use known::KnownPath;
use pacer::Pacer;
pub(crate) use rate::Sent;
use rate::{Delivery, Highest};

/// Packets that may leave before anything is known. RFC 9002 says 10, since they leave at once; these are paced over a round
/// trip, and content networks begin with as many (Rüth et al., "Large-Scale Scanning of TCP's Initial Window", IMC 2017, found 10
/// to 100 and more).
const INITIAL_PACKETS: u64 = 100;
/// Least packets under way, from draft-ietf-ccwg-bbr (`BBRMinPipeCwnd`).
const LEAST_PACKETS: u64 = 4;
/// From draft-ietf-ccwg-bbr (`BBRStartupPacingGain`): doubles the rate each round.
const STARTUP_GAIN: f64 = 2.77;
/// From draft-ietf-ccwg-bbr (`BBRDrainPacingGain`).
const DRAIN_GAIN: f64 = 0.5;
/// Window over bandwidth-delay product: room to double in start-up.
const STARTUP_WINDOW: f64 = 2.0;
/// The same afterwards: the pacing holds the queue; the window only bounds what happens when acknowledgements stop.
const WINDOW: f64 = 1.5;
/// Size of the first probe; each that finds more doubles the next, up to the last.
const PROBE: f64 = 0.2;
const LARGEST_PROBE: f64 = 1.0;
/// Growth of the rate that a probe must find to go on, as part of the probe.
const FOUND: f64 = 0.5;
/// Rate, over the model's, at which a queue is drained after a probe.
const DOWN: f64 = 0.85;
/// A queue that stands takes this off the rate, per round trip of it, and at most that: several flows, each of which
/// measured its own best moment, agree on a short queue.
const STANDING: f64 = 0.5;
const MOST_STANDING: f64 = 0.3;
/// A queue longer than this, in minimum round trips, between probes says that the model's rate is too high.
const LONG_QUEUE: f64 = 0.25;
/// Round trips shorter than this are taken for as long when a queue is measured by them.
const NEAR: Duration = Duration::from_millis(40);
/// And shorter than this when it is asked how much may be under way: hosts take that long to answer when they are busy.
const LEAST: Duration = Duration::from_millis(5);
/// Rounds between probes: at least, and how many more at most.
const CRUISE_ROUNDS: u64 = 4;
const CRUISE_SPREAD: u64 = 4;
/// A minimum round trip older than this is measured anew.
const MIN_RTT_LIFE: Duration = Duration::from_secs(10);
/// How long, at least, the queue is kept empty to measure it (draft-ietf-ccwg-bbr, `BBRProbeRTTDuration`).
const PROBE_RTT: Duration = Duration::from_millis(200);
/// A round with more losses than this, as a part, is congested whatever the path loses by itself.
const HEAVY_LOSS: f64 = 0.06;
/// Losses below this, as a part, never are congestion; also the most that is made up for.
const LIGHT_LOSS: f64 = 0.02;
/// What a congested round leaves of the rate, at least (draft-ietf-ccwg-bbr, `BBRBeta`).
const BACK_OFF: f64 = 0.7;

/// Exact below 2^53.
pub(super) fn as_float(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "windows are positive and bounded here"
)]
fn as_bytes(bytes: f64) -> u64 {
    bytes.min(f64::from(u32::MAX)) as u64
}

/// What it is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Doubles the rate each round until a queue shows.
    Startup,
    /// Lets the queue of start-up go.
    Drain,
    /// Sends at the rate of the model for so many rounds.
    Cruise { rounds: u64 },
    /// Sends faster by a part, until a time.
    Up {
        probe: f64,
        from: f64,
        until: Duration,
    },
    /// Waits for the acknowledgements of what it sent faster, for so many rounds.
    Look { probe: f64, from: f64, rounds: u64 },
    /// Drains the queue of a probe, until a time at the latest.
    Down { until: Duration },
    /// Keeps the queue empty to see the path's own round trip, until a time.
    ProbeRtt { until: Duration, shortest: Duration },
}

/// What one round trip showed.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    /// The shortest round trip of it.
    shortest: Option<Duration>,
    began: Duration,
    acked: u64,
    lost: u64,
    /// Samples of it that the application did not limit.
    full: bool,
}

impl Round {
    fn loss(&self) -> f64 {
        let all = self.acked + self.lost;
        if all == 0 {
            return 0.0;
        }
        as_float(self.lost) / as_float(all)
    }
}

/// The controller of one path.
#[derive(Debug, Clone)]
pub(crate) struct Controller {
    packet: u64,
    state: State,
    delivery: Delivery,
    highest: Highest,
    pacer: Pacer,
    in_flight: u64,
    min_rtt: Option<Duration>,
    min_rtt_at: Duration,
    /// The round under way, and how much must be delivered before the next one begins.
    round: Round,
    round_ends: u64,
    /// Rounds without growth in start-up, and the rate they are compared with.
    flat_rounds: u32,
    flat_rate: f64,
    /// The queue that stood through the last whole round, in minimum round trips; 0 when it is too short to tell.
    queue: f64,
    /// Smoothed part of packets that the path loses.
    path_loss: f64,
    /// Acknowledgements that came in bunches, in bytes over what the rate explains: this and the last stretch of rounds.
    bunch: [u64; 2],
    bunch_rounds: u32,
    bunch_began: Duration,
    bunch_acked: u64,
    random: u64,
    /// What an earlier connection found.
    known: Option<KnownPath>,
    /// How often the rate of the path was settled: at the end of start-up and of each probe.
    settled: u32,
}

impl Controller {
    /// For packets of `packet` bytes; `seed` spreads the probes of several flows.
    pub(crate) fn new(packet: u64, seed: u64) -> Self {
        Self {
            packet,
            state: State::Startup,
            delivery: Delivery::default(),
            highest: Highest::default(),
            pacer: Pacer::default(),
            in_flight: 0,
            min_rtt: None,
            min_rtt_at: Duration::ZERO,
            round: Round::default(),
            round_ends: 0,
            flat_rounds: 0,
            flat_rate: 0.0,
            queue: 0.0,
            path_loss: 0.0,
            bunch: [0; 2],
            bunch_rounds: 0,
            bunch_began: Duration::ZERO,
            bunch_acked: 0,
            random: seed | 1,
            known: None,
            settled: 0,
        }
    }

    /// On a path of which something may be known.
    pub(crate) fn on_path(self, known: Option<KnownPath>) -> Self {
        Self { known, ..self }
    }

    /// What the next connection should know of the path, and how often that was settled so far.
    pub(crate) fn found(&self) -> Option<(u32, KnownPath)> {
        let rtt = self.min_rtt.filter(|_| self.settled > 0)?;
        Some((self.settled, KnownPath::new(self.highest.rate(), rtt)))
    }

    /// The rate that start-up jumps to, in bytes a second, and the bytes that may be under way with it.
    fn jump(&self) -> Option<(f64, f64)> {
        self.known?.jump(self.min_rtt?)
    }

    /// Bytes under way.
    pub(crate) const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// The size of a packet, in bytes, changed.
    pub(crate) const fn on_packet_size(&mut self, packet: u64) {
        self.packet = packet;
    }

    /// Bytes that may be under way.
    pub(crate) fn window(&self) -> u64 {
        let least = LEAST_PACKETS * self.packet;
        let Some(product) = self.product() else {
            return INITIAL_PACKETS * self.packet;
        };
        let (gain, room) = match self.state {
            State::Startup => {
                let jump = self.jump().map_or(0.0, |(_, window)| window);
                let window = as_bytes((product * STARTUP_WINDOW).max(jump));
                return window.max(INITIAL_PACKETS * self.packet);
            }
            State::ProbeRtt { .. } => (0.5, 0),
            State::Up { probe, .. } | State::Look { probe, .. } => {
                (WINDOW.max(1.25 + probe), self.bunches())
            }
            _ => (WINDOW, self.bunches()),
        };
        (as_bytes(product * gain) + room + self.quantum()).max(least)
    }

    /// No packet fits into the window.
    pub(crate) fn is_limited(&self) -> bool {
        self.window().saturating_sub(self.in_flight) < self.packet
    }

    /// The earliest time at which the next packet may leave; `None`: now.
    pub(crate) fn departure(&self) -> Option<Duration> {
        self.min_rtt.map(|_| self.pacer.departure())
    }

    /// Bytes that leave together: a millisecond's, at least two packets, at most 64 KiB (draft-ietf-ccwg-bbr, section 4.6.3).
    pub(crate) fn quantum(&self) -> u64 {
        as_bytes(self.pacing_rate() / 1000.0).clamp(2 * self.packet, 64 << 10)
    }

    /// A packet leaves. Packets that hold acknowledgements alone are of 0 bytes.
    pub(crate) fn on_sent(&mut self, now: Duration, bytes: u64, app_limited: bool) -> Sent {
        let sent = self
            .delivery
            .on_sent(now, bytes, self.in_flight, app_limited && bytes > 0);
        if bytes > 0 {
            self.in_flight += bytes;
            let rate = self.pacing_rate();
            self.pacer.on_sent(now, bytes, rate);
        }
        sent
    }

    /// `bytes` were acknowledged; `newest` is the last sent packet of them.
    pub(crate) fn on_acked(&mut self, now: Duration, bytes: u64, newest: &Sent) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.see_round_trip(now, now.saturating_sub(newest.at));
        let shortest = self.min_rtt.unwrap_or_default() / 2;
        let sample = self.delivery.on_acked(now, bytes, newest, shortest);
        self.see_bunch(now, bytes);
        self.round.acked += bytes;
        if let Some(sample) = sample {
            self.highest.add(sample);
            self.round.full |= !sample.app_limited;
        }
        let ended = (newest.delivered >= self.round_ends).then(|| {
            self.round_ends = self.delivery.delivered();
            let next = Round {
                began: now,
                ..Round::default()
            };
            std::mem::replace(&mut self.round, next)
        });
        if let Some(round) = &ended {
            self.judge(now, round);
        }
        self.advance(now, ended.as_ref());
    }

    /// A packet is lost. `outage`: nothing came through for long (persistent congestion, RFC 9002, section 7.6): that says
    /// nothing about the rate.
    pub(crate) fn on_lost(&mut self, now: Duration, bytes: u64, outage: bool) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.delivery.on_gone(bytes);
        if outage {
            self.min_rtt_at = now;
        } else {
            self.round.lost += bytes;
        }
    }

    /// A packet is no longer waited for, and was not lost.
    pub(crate) fn on_discarded(&mut self, bytes: u64) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.delivery.on_gone(bytes);
    }

    /// The path marks congestion (ECN, RFC 3168): the rate falls as after a congested round.
    pub(crate) fn on_marked(&mut self) {
        self.highest.cap(self.highest.rate() * BACK_OFF);
    }

    /// Bandwidth-delay product, in bytes; of a near path that of [`LEAST`].
    fn product(&self) -> Option<f64> {
        let rate = self.highest.rate();
        (rate > 0.0).then_some(rate * self.min_rtt?.max(LEAST).as_secs_f64())
    }

    fn bunches(&self) -> u64 {
        self.bunch.iter().copied().max().unwrap_or_default()
    }

    fn pacing_rate(&self) -> f64 {
        let model = self.highest.rate() / (1.0 - self.path_loss.min(LIGHT_LOSS));
        match self.state {
            State::Startup => {
                let rtt = self.min_rtt.unwrap_or(Duration::from_millis(1));
                let first = as_float(INITIAL_PACKETS * self.packet) / rtt.as_secs_f64().max(0.001);
                let jump = self.jump().map_or(0.0, |(rate, _)| rate);
                (STARTUP_GAIN * model.max(first)).max(jump)
            }
            State::Drain => DRAIN_GAIN * model,
            State::Up { probe, .. } => model * (1.0 + probe),
            State::Down { .. } => DOWN * model,
            State::Cruise { .. } => model * (1.0 - (STANDING * self.queue).min(MOST_STANDING)),
            State::Look { .. } | State::ProbeRtt { .. } => model,
        }
    }

    fn see_round_trip(&mut self, now: Duration, rtt: Duration) {
        if rtt.is_zero() {
            return;
        }
        if let State::ProbeRtt { shortest, .. } = &mut self.state {
            *shortest = (*shortest).min(rtt);
        }
        let known = self.min_rtt.unwrap_or(Duration::MAX);
        self.min_rtt = Some(known.min(rtt));
        // What is this near is the same: the queue was empty.
        if rtt <= known.saturating_add(known / 32) {
            self.min_rtt_at = now;
        }
        self.round.shortest = Some(
            self.round
                .shortest
                .map_or(rtt, |shortest| shortest.min(rtt)),
        );
    }

    /// Acknowledgements beyond what the rate explains (draft-ietf-ccwg-bbr, section 4.5.5).
    fn see_bunch(&mut self, now: Duration, bytes: u64) {
        let elapsed = now.saturating_sub(self.bunch_began).as_secs_f64();
        let expected = as_bytes(self.highest.rate() * elapsed);
        if self.bunch_acked <= expected {
            self.bunch_began = now;
            self.bunch_acked = bytes;
        } else {
            self.bunch_acked += bytes;
            let extra = self.bunch_acked - expected;
            let most = self.product().map_or(0, as_bytes);
            if let Some(current) = self.bunch.first_mut() {
                *current = (*current).max(extra.min(most));
            }
        }
    }

    /// What a whole round says about queue and losses.
    fn judge(&mut self, now: Duration, round: &Round) {
        self.bunch_rounds += 1;
        if self.bunch_rounds >= 10 {
            self.bunch_rounds = 0;
            let [current, _] = self.bunch;
            self.bunch = [0, current];
        }
        let min_rtt = self.min_rtt.unwrap_or_default();
        let queue = round.shortest.unwrap_or_default().saturating_sub(min_rtt);
        // On a near path it is the hosts' scheduling that takes milliseconds, no queue.
        let measure = min_rtt.max(NEAR);
        self.queue = if queue > measure / 16 {
            queue.as_secs_f64() / measure.as_secs_f64()
        } else {
            0.0
        };
        let loss = round.loss();
        let many = round.lost >= 4 * self.packet;
        let heavy = loss > HEAVY_LOSS;
        let standing = loss > LIGHT_LOSS.max(2.0 * self.path_loss) && self.queue > 0.0;
        let took = now.saturating_sub(round.began).as_secs_f64();
        let delivered = as_float(round.acked) / took.max(0.001);
        let cruising = matches!(self.state, State::Cruise { .. });
        if many && (heavy || standing) && self.state != State::Startup {
            self.highest
                .cap(delivered.max(BACK_OFF * self.highest.rate()));
        } else if cruising && self.queue > LONG_QUEUE && round.full {
            // The rate of the path fell, or others took their share: what comes through now is what there is.
            self.highest
                .cap(delivered.max(BACK_OFF * self.highest.rate()));
        } else if self.queue == 0.0 && round.acked > 0 {
            // Weighted by packets: a round of few says little.
            let weight = (as_float(round.acked) / as_float(2000 * self.packet)).min(0.25);
            self.path_loss += weight * (loss - self.path_loss);
        }
    }

    fn advance(&mut self, now: Duration, ended: Option<&Round>) {
        let drained = self
            .product()
            .is_some_and(|product| as_float(self.in_flight) <= product);
        let rtt = self.min_rtt.unwrap_or_default();
        match self.state {
            State::Startup => {
                if let Some(round) = ended
                    && self.is_full(round)
                {
                    self.state = State::Drain;
                    self.flat_rounds = 0;
                    self.settled += 1;
                }
            }
            State::Drain => {
                if ended.is_some() {
                    self.flat_rounds += 1;
                }
                if self.flat_rounds >= 1 && (drained || self.flat_rounds > 4) {
                    self.probe(now, PROBE);
                }
            }
            State::Cruise { rounds } => {
                if ended.is_some() {
                    self.state = State::Cruise {
                        rounds: rounds.saturating_sub(1),
                    };
                    // Nothing to learn while the application is short of bytes.
                    if rounds <= 1 && !self.delivery.is_app_limited() {
                        self.probe(now, PROBE);
                    }
                }
            }
            State::Up { probe, from, until } => {
                if now >= until {
                    self.state = State::Look {
                        probe,
                        from,
                        rounds: 1,
                    };
                    self.round_ends = self.delivery.delivered() + self.in_flight;
                }
            }
            State::Look {
                probe,
                from,
                rounds,
            } => {
                if ended.is_some() {
                    let found = self.highest.rate() > from * (1.0 + FOUND * probe);
                    if found && self.queue < LONG_QUEUE {
                        self.probe(now, (2.0 * probe).min(LARGEST_PROBE));
                    } else if rounds <= 1 {
                        self.state = State::Down {
                            until: now + 2 * rtt,
                        };
                    }
                }
            }
            State::Down { until } => {
                if drained || now >= until {
                    self.settled = self.settled.saturating_add(1);
                    self.highest.roll();
                    self.cruise();
                }
            }
            State::ProbeRtt { until, shortest } => {
                if now >= until {
                    self.min_rtt = Some(shortest);
                    self.min_rtt_at = now;
                    self.cruise();
                }
            }
        }
        let old = now.saturating_sub(self.min_rtt_at) > MIN_RTT_LIFE;
        if old && !matches!(self.state, State::ProbeRtt { .. } | State::Startup) {
            // What is seen while the queue is kept empty is the path's own.
            let current = self.round.shortest.unwrap_or(rtt);
            self.state = State::ProbeRtt {
                until: now + PROBE_RTT.max(current + rtt),
                shortest: current,
            };
        }
    }

    fn cruise(&mut self) {
        // xorshift64 (Marsaglia, 2003): spreads the probes of flows that share a queue.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.state = State::Cruise {
            rounds: CRUISE_ROUNDS + self.random % CRUISE_SPREAD,
        };
    }

    fn probe(&mut self, now: Duration, probe: f64) {
        self.state = State::Up {
            probe,
            from: self.highest.rate(),
            until: now + self.min_rtt.unwrap_or_default(),
        };
    }

    /// Start-up found the end of the path.
    fn is_full(&mut self, round: &Round) -> bool {
        if !round.full {
            return false;
        }
        let lossy = round.loss() > HEAVY_LOSS && round.lost >= 8 * self.packet;
        let rate = self.highest.rate();
        if rate >= self.flat_rate * 1.25 {
            self.flat_rate = rate;
            self.flat_rounds = 0;
        } else {
            self.flat_rounds += 1;
        }
        self.queue > 0.125 || lossy || self.flat_rounds >= 3
    }
}
