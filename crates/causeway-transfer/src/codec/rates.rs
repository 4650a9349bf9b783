//! Which effort brings a block over soonest: the link's rate against the encoder's.

use std::collections::HashMap;
use std::time::Duration;

use causeway_weights::codec::{Effort, Element};

use super::Codec;

/// What was sent is looked at together over this long.
const WINDOW: Duration = Duration::from_millis(250);
/// When nothing was sent for longer than this, nothing was to be sent. On a slow link, or one that its user limits, whole
/// blocks go into the carrier's buffer at once, and seconds lie between them.
const PAUSE: Duration = Duration::from_secs(5);
/// How much of a new measurement is believed.
const WEIGHT: f64 = 0.25;
/// A block whose encoding did not get it smaller than this is sent as it is for a while.
const GAIN: f64 = 0.995;
/// What a whole core of the sender's is worth, as a part of the rate: it may have accelerators to feed. Of two efforts that bring
/// a block over nearly as soon the cheaper one is taken.
const CORE: f64 = 0.15;
/// Encoders that work this part of the time hold the link up.
const BUSY: f64 = 0.85;
/// How much faster the link may be than the encoders showed, for each window that they hold it up.
const GROWTH: f64 = 1.1;
/// Of blocks that did not get smaller before, one in so many is tried again: another file may begin.
const RETRY: u32 = 16;

/// What was measured of one effort on one kind of block.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Bytes of blocks that one thread encodes in a second.
    speed: f64,
    /// Length when encoded, of length.
    ratio: f64,
    /// How often it was asked for since it gave nothing.
    passed: u32,
}

impl Measured {
    /// Before the first measurement: roughly what one core does with bf16 (`docs/src/performance.md`).
    const fn assumed(effort: Effort, has_base: bool) -> Self {
        let (speed, ratio) = match (effort, has_base) {
            (Effort::Fast, false) => (1.0e9, 0.67),
            (Effort::Small, false) => (0.35e9, 0.66),
            (Effort::Fast, true) => (0.6e9, 0.30),
            (Effort::Small, true) => (0.3e9, 0.25),
        };
        Self {
            speed,
            ratio,
            passed: 0,
        }
    }
}

/// Rates of one link and of the encoders before it. Pure: told what happened and when.
///
/// What the link takes is seen while encoders are mostly idle: then nothing else holds the bytes up. While they are busy it
/// takes at least what comes, and is thought to take more until it shows otherwise.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Threads that may encode at once.
    threads: f64,
    /// Bytes a second that the link takes, as far as it was ever the bottleneck.
    link: Option<f64>,
    efforts: HashMap<(Element, bool, Effort), Measured>,
    /// Begin of the present window, and bytes sent in it.
    window: (Duration, u64),
    /// How long all threads together encoded in it.
    busy: Duration,
}

impl Rates {
    pub(crate) fn new(threads: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a few dozen at most")]
        let threads = threads.max(1) as f64;
        Self {
            threads,
            link: None,
            efforts: HashMap::new(),
            window: (Duration::ZERO, 0),
            busy: Duration::ZERO,
        }
    }

    /// The effort to take for the next block of `element`s; `None`: as it is.
    pub(crate) fn choose(
        &mut self,
        codec: Codec,
        element: Element,
        has_base: bool,
    ) -> Option<Effort> {
        match codec {
            Codec::Raw => None,
            Codec::Fast => Some(Effort::Fast),
            Codec::Small => Some(self.worthwhile(element, has_base, Effort::Small)),
            Codec::Auto => self.soonest(element, has_base),
        }
    }

    /// The wanted effort, or the quick one while it is known to gain nothing.
    fn worthwhile(&mut self, element: Element, has_base: bool, effort: Effort) -> Effort {
        if self.gains(element, has_base, effort) {
            effort
        } else {
            Effort::Fast
        }
    }

    /// Whether an effort makes such blocks smaller, or it is time to look again.
    fn gains(&mut self, element: Element, has_base: bool, effort: Effort) -> bool {
        let measured = self.measured(element, has_base, effort);
        if measured.ratio < GAIN {
            return true;
        }
        measured.passed += 1;
        measured.passed.is_multiple_of(RETRY)
    }

    fn soonest(&mut self, element: Element, has_base: bool) -> Option<Effort> {
        let Some(link) = self.link else {
            // Nothing is known of the link yet: what costs little.
            return self
                .gains(element, has_base, Effort::Fast)
                .then_some(Effort::Fast);
        };
        let mut best = (link, None);
        for effort in [Effort::Fast, Effort::Small] {
            if !self.gains(element, has_base, effort) {
                continue;
            }
            let threads = self.threads;
            let measured = self.measured(element, has_base, effort);
            if measured.ratio >= GAIN {
                // Nothing but another try tells whether it gains by now.
                return Some(effort);
            }
            let rate = (measured.speed * threads).min(link / measured.ratio);
            let worth = rate / (1.0 + CORE * rate / measured.speed);
            if worth > best.0 {
                best = (worth, Some(effort));
            }
        }
        best.1
    }

    fn measured(&mut self, element: Element, has_base: bool, effort: Effort) -> &mut Measured {
        self.efforts
            .entry((element, has_base, effort))
            .or_insert_with(|| Measured::assumed(effort, has_base))
    }

    /// A block of `len` bytes became `encoded` bytes in `took`.
    pub(crate) fn encoded(
        &mut self,
        kind: (Element, bool, Effort),
        len: usize,
        encoded: usize,
        took: Duration,
    ) {
        self.busy += took;
        // Of very short ones it is the overhead that would be measured.
        if len < 64 << 10 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "rates")]
        let (len, encoded) = (len as f64, encoded as f64);
        let (element, has_base, effort) = kind;
        let measured = self.measured(element, has_base, effort);
        let speed = len / took.as_secs_f64().max(1e-6);
        measured.speed += (speed - measured.speed) * WEIGHT;
        measured.ratio += (encoded / len - measured.ratio) * WEIGHT;
        if measured.ratio < GAIN {
            measured.passed = 0;
        }
    }

    /// At `now`, on a clock that only grows, `bytes` more have been sent.
    pub(crate) fn sent(&mut self, now: Duration, bytes: u64) {
        let (begin, sum) = &mut self.window;
        *sum += bytes;
        let span = now.saturating_sub(*begin);
        if span < WINDOW {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = *sum as f64 / span.as_secs_f64();
        let busy = self.busy.as_secs_f64() / (span.as_secs_f64() * self.threads);
        (self.window, self.busy) = ((now, 0), Duration::ZERO);
        // After a pause nothing is known of the time before it.
        if span > PAUSE {
            return;
        }
        self.link = match self.link {
            Some(link) if busy > BUSY => Some(link.max(rate) * GROWTH),
            None if busy > BUSY => None,
            Some(link) => Some(link + (rate - link) * WEIGHT),
            None => Some(rate),
        };
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up rates"
)]
mod tests {
    use super::*;

    const BF16: (Element, bool) = (Element::Bf16, false);

    /// A link of `mbit`, measured, and encoders of the given speeds (GB/s) that make 0.67 and 0.66 of a block.
    fn rates(mbit: f64, fast: f64, small: f64) -> Rates {
        let mut rates = Rates::new(1);
        for _ in 0..60 {
            for (effort, speed, size) in [
                (Effort::Fast, fast, 670_000),
                (Effort::Small, small, 660_000),
            ] {
                let took = Duration::from_secs_f64(1e6 / (speed * 1e9));
                rates.encoded((BF16.0, BF16.1, effort), 1_000_000, size, took);
            }
        }
        rates.busy = Duration::ZERO;
        for window in 1..60 {
            rates.sent(WINDOW * window, (mbit * 1e6 / 8.0 * 0.25) as u64);
        }
        rates
    }

    #[test]
    fn compression_steps_aside_when_the_link_outruns_it() {
        let choose =
            |mbit, fast, small| rates(mbit, fast, small).choose(Codec::Auto, Element::Bf16, false);
        assert_eq!(choose(100.0, 1.2, 0.4), Some(Effort::Small));
        // 400 MB/s x 8 = 3.2 Gbit/s of blocks; the link would carry 3.8 of them encoded.
        assert_eq!(choose(2500.0, 1.2, 0.4), Some(Effort::Fast));
        assert_eq!(choose(12_000.0, 1.2, 0.4), None);
        assert_eq!(choose(100.0, 0.01, 0.004), None, "a very slow processor");
    }

    #[test]
    fn cores_are_not_spent_on_next_to_nothing() {
        let choose = |mbit, small_ratio: f64| {
            let mut rates = rates(mbit, 1.2, 0.4);
            for _ in 0..60 {
                let (took, size) = (Duration::from_micros(2500), (small_ratio * 1e6) as usize);
                rates.encoded((Element::Bf16, false, Effort::Small), 1_000_000, size, took);
            }
            rates.choose(Codec::Auto, Element::Bf16, false)
        };
        // 0.7 % less to send for an eighth of a core more; on a slow link it costs a twentieth of one.
        assert_eq!(choose(300.0, 0.665), Some(Effort::Fast));
        assert_eq!(choose(100.0, 0.665), Some(Effort::Small));
        assert_eq!(choose(300.0, 0.6), Some(Effort::Small), "a tenth less");
    }

    #[test]
    fn forced_is_forced() {
        let mut fast_link = rates(40_000.0, 1.0, 0.3);
        assert_eq!(
            fast_link.choose(Codec::Small, Element::Bf16, false),
            Some(Effort::Small)
        );
        assert_eq!(
            fast_link.choose(Codec::Fast, Element::Bf16, false),
            Some(Effort::Fast)
        );
        assert_eq!(
            rates(1.0, 1.0, 0.3).choose(Codec::Raw, Element::Bf16, false),
            None
        );
    }

    #[test]
    fn what_does_not_get_smaller_is_tried_now_and_then_only() {
        let mut rates = rates(100.0, 1.0, 0.3);
        let mut tries = 0;
        for _ in 0..1600 {
            if let Some(effort) = rates.choose(Codec::Auto, Element::Opaque, false) {
                tries += 1;
                rates.encoded(
                    (Element::Opaque, false, effort),
                    1 << 20,
                    (1 << 20) + 2,
                    Duration::from_millis(1),
                );
            }
        }
        assert!((50..300).contains(&tries), "{tries}");
        assert_eq!(
            rates.choose(Codec::Auto, Element::Bf16, false),
            Some(Effort::Small),
            "other elements are not meant"
        );
    }

    /// Runs a sender over a link of so many bytes a second for `windows`; gives the effort that it ends with.
    fn run(rates: &mut Rates, link: f64, fast: f64, small: f64, windows: u32) -> Option<Effort> {
        let (mut now, mut last) = (rates.window.0, None);
        for _ in 0..windows {
            last = rates.choose(Codec::Auto, Element::Bf16, false);
            let (speed, ratio) = match last {
                None => (f64::INFINITY, 1.0),
                Some(Effort::Fast) => (fast, 0.67),
                Some(Effort::Small) => (small, 0.66),
            };
            let blocks = (link / ratio).min(speed) * WINDOW.as_secs_f64();
            if let Some(effort) = last {
                let count = (blocks / 1e6).ceil().max(1.0);
                for _ in 0..count as u32 {
                    let took = Duration::from_secs_f64(blocks / count / speed);
                    let len = (blocks / count) as usize;
                    let encoded = (blocks / count * ratio) as usize;
                    rates.encoded((Element::Bf16, false, effort), len, encoded, took);
                }
            }
            now += WINDOW;
            rates.sent(now, (blocks * ratio) as u64);
        }
        last
    }

    #[test]
    fn it_follows_a_link_that_gets_faster_and_slower() {
        let mut rates = Rates::new(1);
        let (fast, small) = (1.2e9, 0.4e9);
        for (link, expected) in [
            (12e6, Some(Effort::Small)),
            (5e9, None),
            (12e6, Some(Effort::Small)),
            (0.6e9, Some(Effort::Fast)),
        ] {
            assert_eq!(run(&mut rates, link, fast, small, 200), expected, "{link}");
        }
    }

    #[test]
    fn a_slow_link_whose_blocks_come_seconds_apart_is_one() {
        let mut rates = Rates::new(2);
        for second in 1..20 {
            rates.sent(Duration::from_secs(second * 2), 2_700_000);
        }
        let link = rates.link.unwrap();
        assert!((1.3e6..1.4e6).contains(&link), "{link}");
        assert_eq!(
            rates.choose(Codec::Auto, Element::Bf16, false),
            Some(Effort::Small)
        );
    }

    #[test]
    fn a_pause_is_not_a_slow_link() {
        let mut rates = Rates::new(2);
        rates.sent(WINDOW * 1000, 1000);
        assert_eq!(rates.link, None);
        assert_eq!(
            rates.choose(Codec::Auto, Element::Bf16, false),
            Some(Effort::Fast)
        );
    }
}
