//! Model FLOPs utilisation.

use serde::{Deserialize, Serialize};

/// Model FLOPs utilisation: useful arithmetic over dense peak, 0 to 1. What is recomputed does not count as useful.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mfu(f64);

impl Mfu {
    /// The share, when it is one: more than 0, at most 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share <= 1.0).then_some(Self(share))
    }

    /// The share.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    pub(crate) fn at_most_one(share: f64) -> Self {
        Self(share.clamp(f64::MIN_POSITIVE, 1.0))
    }
}

impl std::fmt::Display for Mfu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.0} %", self.0 * 100.0))
    }
}
