//! Another carrier beside one that brings little: some networks slow UDP down on purpose and let TCP pass.
//!
//! What QUIC brings is measured once it is up to speed. Where that stays little, and much is left, TCP is opened beside it and
//! probed for two seconds with noise; it takes over when it brings clearly more. On a link that is slow for everybody it does not:
//! both share it. A link that gives QUIC enough is never probed, since a probe takes from the transfer; nor for a few seconds in
//! which a disk at home keeps everything waiting.

use std::time::Duration;

use causeway_domain::BitsPerSecond;
use tokio::time::{Instant, sleep};

use super::Link;
use crate::bench;
use crate::carrier::{CarrierKind, growth};
use crate::connector::Again;
use crate::error::TransferError;
use crate::session::Session;

/// What is enough: a gigabyte in five minutes and a half.
const ENOUGH: BitsPerSecond = BitsPerSecond::new(25e6);
/// What is left is worth a probe when it takes longer than this.
const LONG: Duration = Duration::from_secs(30);
/// So often in a row it has to bring little.
const SLOW: u32 = 2;
/// And so often where it brought enough before: then it is rather a disk that is slow for a while.
const SLOW_NOW: u32 = 5;
/// How much more the other has to bring.
const CLEARLY: f64 = 1.5;
/// Until a probe that found nothing is made again, twice as long each time.
const REST: Duration = Duration::from_secs(60);

/// How long a probe takes, on a link with this round trip: two seconds, or as long as TCP takes to come up to speed.
fn probe_of(rtt: Duration) -> Duration {
    (rtt * 12).max(Duration::from_secs(2))
}

/// What a session brought so far.
#[derive(Debug, Default)]
struct Brought {
    /// It was enough once.
    enough: bool,
    /// So often in a row it was little.
    little: u32,
}

impl Brought {
    /// Whether another carrier is worth a probe, now that this one brings so much and so many bytes are left.
    #[expect(clippy::cast_precision_loss, reason = "a time")]
    fn is_worth_a_probe(&mut self, brings: BitsPerSecond, left: u64) -> bool {
        let bits = brings.get();
        if bits >= ENOUGH.get() {
            *self = Self {
                enough: true,
                little: 0,
            };
            return false;
        }
        // Where nothing moves at all, it is cut, or the disk here is full.
        self.little = if bits > 0.0 { self.little + 1 } else { 0 };
        let least = if self.enough { SLOW_NOW } else { SLOW };
        self.little >= least && left as f64 * 8.0 / bits > LONG.as_secs_f64()
    }
}

/// Whether the other brings clearly more.
fn is_clearly_more(brings: BitsPerSecond, other: BitsPerSecond) -> bool {
    other.get() > brings.get() * CLEARLY
}

impl Link<'_> {
    /// Returns when another carrier took the place of this one, if that ever is so.
    pub(super) async fn rival(&self, session: &Session) {
        if session.kind() != CarrierKind::Quic || !self.connector.has_rival() {
            return;
        }
        let (mut rest, mut brought) = (REST, Brought::default());
        sleep(growth::settling(session.rtt())).await;
        loop {
            let brings = measure(session, probe_of(session.rtt())).await;
            if !brought.is_worth_a_probe(brings, session.left()) {
                continue;
            }
            match self.probe(session, brings).await {
                Ok(Some(other)) => {
                    let why = other.why();
                    *self.next() = Some(other);
                    session.end(&TransferError::cut(why));
                    return;
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "no other carrier"),
            }
            sleep(rest).await;
            rest *= 2;
        }
    }

    /// TCP, if it brings clearly more than that.
    async fn probe(
        &self,
        session: &Session,
        brings: BitsPerSecond,
    ) -> Result<Option<Session>, TransferError> {
        let again = Again {
            rtt: session.rtt(),
            last: session.kind(),
            tries: 0,
            is_refused: false,
        };
        let (other, address) = self.connector.rival(again).await?;
        let each = probe_of(session.rtt());
        let more = bench::down(&other, each).await?;
        tracing::debug!(%brings, %more, "TCP beside QUIC");
        let seconds = each.as_secs_f64();
        Ok(is_clearly_more(brings, more).then(|| {
            other.because(format!(
                "UDP brought {brings}, TCP {more} in a probe of {seconds:.1} s at {address}"
            ))
        }))
    }
}

/// What a session brings in so long.
async fn measure(session: &Session, time: Duration) -> BitsPerSecond {
    let (begin, before) = (Instant::now(), session.received());
    sleep(time).await;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let bits = (session.received() - before) as f64 * 8.0;
    BitsPerSecond::new(bits / begin.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: f64 = 1e6;

    /// Whether the last of these rates leads to a probe, and none before.
    fn probed(megabits: &[f64], left: u64) -> bool {
        let mut brought = Brought::default();
        let (last, before) = megabits.split_last().unwrap();
        let mut probes =
            |rate: &f64| brought.is_worth_a_probe(BitsPerSecond::new(rate * MBIT), left);
        assert!(!before.iter().any(&mut probes), "{megabits:?}");
        probes(last)
    }

    #[test]
    fn what_is_slow_and_long_is_probed() {
        // 10 Mbit/s: 30 s are 37.5 MB.
        assert!(probed(&[10.0, 10.0], 40_000_000));
        assert!(!probed(&[10.0, 10.0], 35_000_000));
        assert!(!probed(&[10.0, 25.0], u64::MAX));
        assert!(!probed(&[10.0, 0.0, 10.0], u64::MAX));
    }

    #[test]
    fn a_disk_that_is_slow_for_a_while_is_no_reason() {
        let left = u64::MAX;
        assert!(!probed(
            &[270.0, 1.5, 10.0, 24.0, 20.0, 270.0, 1.5, 10.0],
            left
        ));
        // A network that slows it down after a while is one.
        assert!(probed(&[270.0, 5.0, 5.0, 5.0, 5.0, 5.0], left));
    }

    #[test]
    fn what_shares_a_slow_link_does_not_take_over() {
        let more = |quic, tcp| is_clearly_more(BitsPerSecond::new(quic), BitsPerSecond::new(tcp));
        assert!(!more(9.0 * MBIT, 9.4 * MBIT));
        assert!(more(9.0 * MBIT, 14.0 * MBIT));
    }

    #[test]
    fn a_probe_takes_two_seconds_or_twelve_round_trips() {
        assert_eq!(probe_of(Duration::from_millis(20)), Duration::from_secs(2));
        assert_eq!(
            probe_of(Duration::from_millis(300)),
            Duration::from_millis(3600)
        );
    }
}
