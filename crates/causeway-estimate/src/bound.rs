//! What a run's time is bound by.

use serde::{Deserialize, Serialize};

use crate::step::Seconds;

/// The largest part of the time, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundBy {
    /// Products of matrices.
    Compute,
    /// Memory: its rate, or it does not fit at all.
    Memory,
    /// Links inside the scale-up domain.
    ScaleUp,
    /// Links between domains.
    ScaleOut,
    /// Stages that wait while a pipeline fills and drains.
    Bubble,
    /// The site's own measurement: nothing was computed.
    DeclaredThroughput,
    /// Nothing is known of the time.
    Unknown,
}

impl BoundBy {
    pub(crate) fn of(seconds: &Seconds) -> Self {
        [
            (Self::Compute, seconds.compute),
            (Self::Memory, seconds.memory + seconds.optimizer),
            (Self::ScaleUp, seconds.scale_up),
            (Self::ScaleOut, seconds.scale_out),
            (Self::Bubble, seconds.bubble),
        ]
        .into_iter()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map_or(Self::Unknown, |(part, _)| part)
    }
}

impl std::fmt::Display for BoundBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Compute => "compute",
            Self::Memory => "memory",
            Self::ScaleUp => "scale-up links",
            Self::ScaleOut => "scale-out links",
            Self::Bubble => "pipeline bubble",
            Self::DeclaredThroughput => "declared throughput",
            Self::Unknown => "unknown",
        })
    }
}

/// Where the time of a step goes, as shares of it. They add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Products of matrices.
    pub compute: f64,
    /// Memory traffic of everything else.
    pub memory: f64,
    /// Links inside the scale-up domain, as far as they are not hidden.
    pub scale_up: f64,
    /// Links between domains, as far as they are not hidden.
    pub scale_out: f64,
    /// The pipeline filling and draining.
    pub bubble: f64,
    /// The optimizer's own step.
    pub optimizer: f64,
    /// Starts of kernels, waiting for the slowest, the allocator.
    pub overhead: f64,
}

impl Breakdown {
    pub(crate) fn of(seconds: &Seconds) -> Self {
        let total = seconds.total();
        Self {
            compute: seconds.compute / total,
            memory: seconds.memory / total,
            scale_up: seconds.scale_up / total,
            scale_out: seconds.scale_out / total,
            bubble: seconds.bubble / total,
            optimizer: seconds.optimizer / total,
            overhead: seconds.overhead / total,
        }
    }

    /// The parts with their names, largest first.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        let mut parts = [
            ("compute", self.compute),
            ("memory traffic", self.memory),
            ("scale-up links", self.scale_up),
            ("scale-out links", self.scale_out),
            ("pipeline bubble", self.bubble),
            ("optimizer", self.optimizer),
            ("overhead", self.overhead),
        ];
        parts.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        parts
    }
}

impl std::fmt::Display for Breakdown {
    /// `compute 75 %, overhead 10 %, ...`: parts of at least half a percent, largest first.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self
            .parts()
            .into_iter()
            .filter(|(_, share)| *share >= 0.005);
        for (index, (name, share)) in shown.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {:.0} %", 100.0 * share)?;
        }
        Ok(())
    }
}
