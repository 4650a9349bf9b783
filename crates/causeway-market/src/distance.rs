//! How far two places are apart, and how fast a question and its answer can be at best.

use std::time::Duration;

use causeway_domain::Kilometres;
use serde::Serialize;

/// Mean radius of the Earth. Unit: kilometres. Source: R1 of the Geodetic Reference System 1980 (Moritz 2000).
const EARTH_RADIUS: f64 = 6_371.008_8;
/// Speed of light in glass fibre, taken as two thirds of that in vacuum (299,792.458 km/s, by definition of the metre).
const LIGHT_IN_FIBRE: f64 = 299_792.458 * 2.0 / 3.0;

/// A place on the Earth. Unit: degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

impl Coordinates {
    /// A place, when the numbers are one: latitude in -90..=90, longitude in -180..=180.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let within = |value: f64, most: f64| value.is_finite() && value.abs() <= most;
        (within(latitude, 90.0) && within(longitude, 180.0)).then_some(Self {
            latitude,
            longitude,
        })
    }

    /// Degrees north, south negative.
    #[must_use]
    pub const fn latitude(&self) -> f64 {
        self.latitude
    }

    /// Degrees east, west negative.
    #[must_use]
    pub const fn longitude(&self) -> f64 {
        self.longitude
    }

    /// The great circle between two places: a sphere's, within 0.6 % of the Earth's own.
    ///
    /// Formula: haversine, 2 R asin(sqrt(sin²(dφ/2) + cos φ1 cos φ2 sin²(dλ/2))).
    #[must_use]
    pub fn distance(&self, other: &Self) -> Kilometres {
        let [from, to] = [self.latitude.to_radians(), other.latitude.to_radians()];
        let north = (to - from) / 2.0;
        let east = (other.longitude - self.longitude).to_radians() / 2.0;
        let half = north.sin().powi(2) + from.cos() * to.cos() * east.sin().powi(2);
        Kilometres::new(2.0 * EARTH_RADIUS * half.sqrt().min(1.0).asin())
    }
}

/// The least time in which an answer can come over a distance: light in straight fibre, there and back. A bound and no
/// estimate: cables are no great circles, and what stands at their ends takes time too.
#[must_use]
pub fn rtt_at_least(distance: Kilometres) -> Duration {
    Duration::try_from_secs_f64(2.0 * distance.get() / LIGHT_IN_FIBRE).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates::new(latitude, longitude).unwrap()
    }

    #[test]
    fn known_distances_and_their_bound() {
        // A quarter of the circumference, and half of it: exact on a sphere.
        let quarter = at(0.0, 0.0).distance(&at(0.0, 90.0)).get();
        assert!((quarter - EARTH_RADIUS * std::f64::consts::FRAC_PI_2).abs() < 1e-6);
        let half = at(0.0, -180.0).distance(&at(0.0, 0.0)).get();
        assert!((half - EARTH_RADIUS * std::f64::consts::PI).abs() < 1e-6);
        let rtt = rtt_at_least(Kilometres::new(1000.0)).as_secs_f64();
        assert!((rtt - 0.010_006_9).abs() < 1e-6, "{rtt}");
    }

    #[test]
    fn what_is_no_place_is_none() {
        for (latitude, longitude) in [(91.0, 0.0), (0.0, 181.0), (f64::NAN, 0.0)] {
            assert_eq!(Coordinates::new(latitude, longitude), None);
        }
    }

    proptest! {
        #[test]
        fn there_is_as_far_as_back_and_a_detour_is_no_shorter(
            a in (-90.0..=90.0, -180.0..=180.0),
            b in (-90.0..=90.0, -180.0..=180.0),
            c in (-90.0..=90.0, -180.0..=180.0),
        ) {
            let [a, b, c] = [a, b, c].map(|(latitude, longitude)| at(latitude, longitude));
            let direct = a.distance(&b).get();
            prop_assert!((direct - b.distance(&a).get()).abs() < 1e-6);
            prop_assert!(direct <= a.distance(&c).get() + c.distance(&b).get() + 1e-6);
            prop_assert!((0.0..=EARTH_RADIUS * std::f64::consts::PI + 1e-6).contains(&direct));
        }
    }
}
