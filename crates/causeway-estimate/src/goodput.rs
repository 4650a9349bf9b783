//! What failures, checkpoints and preemption leave of a run's time.

use causeway_domain::{Bytes, Hours};
use serde::Serialize;

/// The share of the time that is progress, and what the rest goes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Goodput {
    /// Progress, 0 to 1.
    pub share: f64,
    /// Time between checkpoints (Daly's optimum).
    pub checkpoint_interval: Hours,
    /// How long training stands still for one.
    pub checkpoint_time: Hours,
    /// Mean time between interruptions of the whole run.
    pub between_interruptions: Hours,
    /// Share lost to saving.
    pub saving: f64,
    /// Share lost to work that is done again after an interruption.
    pub repeated: f64,
    /// Share lost to detecting, restarting and loading.
    pub restarting: f64,
    /// Of the two above, what failures cost.
    pub failures: f64,
    /// Of the two above, what preemption costs.
    pub preemption: f64,
}

/// Failures of one accelerator and day: 419 unplanned interruptions of 16,384 H100 in 54 days (Llama 3, 2407.21783).
pub(crate) const FAILURES_PER_CHIP_DAY: f64 = 419.0 / (16_384.0 * 54.0);
/// How much more often other accelerators fail: no rate is published for them. An assumption.
pub(crate) const UNKNOWN_CHIP: f64 = 2.0;
/// Detecting, restarting and loading take ten minutes. An assumption.
const RESTART: f64 = 600.0;
/// Copy of the state to the host, during which training stands still: a PCIe 4.0 slot at four fifths, and five seconds
/// to stop everybody. An assumption.
const HOST_COPY: f64 = 25e9;
const STOP: f64 = 5.0;
/// Progress below which a plan is not meant: interruptions come faster than checkpoints.
const LEAST: f64 = 0.05;

impl Goodput {
    /// Of a run on `chips` accelerators that together save `checkpoint`, each interrupted `per_chip_day` times a day by
    /// failures, and all of them `preemptions` times an hour by the provider.
    #[must_use]
    pub(crate) fn of(chips: f64, checkpoint: Bytes, per_chip_day: f64, preemptions: f64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "checkpoints are far below 2^53 bytes"
        )]
        let bytes = checkpoint.get() as f64;
        let save = STOP + bytes / chips.max(1.0) / HOST_COPY;
        let failing = chips.max(1.0) * per_chip_day / 86_400.0;
        let per_second = failing + preemptions.max(0.0) / 3_600.0;
        let between = 1.0 / per_second.max(1e-12);
        let interval = daly(save, between);
        let saving = save / interval;
        let repeated = interval / (2.0 * between);
        let restarting = RESTART / between;
        let failures = (repeated + restarting) * failing * between;
        Self {
            share: (1.0 - saving - repeated - restarting).max(LEAST),
            checkpoint_interval: Hours::new(interval / 3_600.0),
            checkpoint_time: Hours::new(save / 3_600.0),
            between_interruptions: Hours::new(between / 3_600.0),
            saving,
            repeated,
            restarting,
            failures,
            preemption: repeated + restarting - failures,
        }
    }
}

/// Seconds between checkpoints that lose the least (Young 1974): `save` seconds each, `between` seconds between
/// interruptions.
pub(crate) fn young(save: f64, between: f64) -> f64 {
    (2.0 * save * between).sqrt()
}

/// Young's interval to higher order (Daly 2006, equation 37); the mean time between interruptions where saving takes
/// half of it or more.
pub(crate) fn daly(save: f64, between: f64) -> f64 {
    if save >= 2.0 * between {
        return between;
    }
    let ratio = save / (2.0 * between);
    young(save, between) * (1.0 + ratio.sqrt() / 3.0 + ratio / 9.0) - save
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn llama_3_fails_as_published() {
        // 4.7e-4 a chip and day: 50,700 hours a chip, 49.5 hours for 1,024, 3.1 for 16,384.
        assert!((FAILURES_PER_CHIP_DAY - 4.7e-4).abs() < 5e-6);
        let between = |chips| {
            Goodput::of(chips, Bytes::new(1 << 40), FAILURES_PER_CHIP_DAY, 0.0)
                .between_interruptions
                .get()
        };
        assert!((between(1.0) - 50_700.0).abs() < 100.0, "{}", between(1.0));
        assert!((between(1_024.0) - 49.5).abs() < 0.1);
        assert!((between(16_384.0) - 3.1).abs() < 0.02);
    }

    #[test]
    fn the_worked_example_loses_eleven_percent() {
        // n = 16,384, M = 3.1 h, C = 20 s, R = 10 min: 11 minutes; 3.0 + 3.0 + 5.4 %.
        let between = 3.1 * 3_600.0;
        let interval = young(20.0, between);
        assert!((interval / 60.0 - 11.1).abs() < 0.1, "{interval}");
        assert!((20.0 / interval - 0.030).abs() < 5e-4);
        assert!((interval / (2.0 * between) - 0.030).abs() < 5e-4);
        assert!((RESTART / between - 0.054).abs() < 5e-4);
        assert!((daly(20.0, between) / interval - 1.0).abs() < 0.03);
    }

    proptest! {
        #[test]
        fn more_interruptions_leave_less(chips in 1.0f64..20_000.0, preemptions in 0.0f64..5.0, gigabytes in 1u64..20_000) {
            let of = |chips, preemptions| Goodput::of(chips, Bytes::new(gigabytes * 1_000_000_000), FAILURES_PER_CHIP_DAY, preemptions);
            let some = of(chips, preemptions);
            prop_assert!((LEAST..=1.0).contains(&some.share));
            prop_assert!(of(chips, preemptions + 0.1).share <= some.share);
            prop_assert!(some.checkpoint_interval.get() > 0.0);
            let parts = some.saving + some.repeated + some.restarting;
            prop_assert!(some.share >= 1.0 - parts - 1e-12);
            prop_assert!((some.failures + some.preemption - some.repeated - some.restarting).abs() < 1e-9);
            prop_assert!(of(chips, 0.0).preemption.abs() < 1e-9);
        }

        #[test]
        fn no_other_interval_loses_less(save in 1.0f64..100.0, hours in 1.0f64..1_000.0, off in 0.2f64..5.0) {
            let between = hours * 3_600.0;
            let lost = |interval: f64| save / interval + interval / (2.0 * between);
            let best = young(save, between);
            prop_assert!(lost(best) <= lost(best * off) * (1.0 + 1e-9));
        }
    }
}
