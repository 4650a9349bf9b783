//! An answer with how sure it is.

use serde::{Deserialize, Serialize};

/// Low, middle and high. The ends are meant to hold the truth four times in five (10th to 90th percentile).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval<T> {
    /// Four times in five not below.
    pub low: T,
    /// As likely above as below.
    pub mid: T,
    /// Four times in five not above.
    pub high: T,
}

impl<T> Interval<T> {
    /// The same interval of another quantity, for a function that keeps the order.
    #[must_use]
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Interval<U> {
        Interval {
            low: f(self.low),
            mid: f(self.mid),
            high: f(self.high),
        }
    }

    /// For a function that turns the order round (more efficiency, less time).
    #[must_use]
    pub fn map_inverse<U>(self, mut f: impl FnMut(T) -> U) -> Interval<U> {
        Interval {
            low: f(self.high),
            mid: f(self.mid),
            high: f(self.low),
        }
    }
}

impl<T: Copy> Interval<T> {
    /// An exact value.
    pub const fn exact(value: T) -> Self {
        Self {
            low: value,
            mid: value,
            high: value,
        }
    }
}

impl<T: std::fmt::Display> std::fmt::Display for Interval<T> {
    /// `18 h (12 h to 30 h)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} to {})", self.mid, self.low, self.high)
    }
}
