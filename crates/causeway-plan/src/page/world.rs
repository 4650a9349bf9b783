//! The world for the map: outlines of land, a point for each country, the projection, great circles.

use std::collections::BTreeMap;

use causeway_domain::Country;
use serde::Deserialize;

/// `catalog/world.json`.
const WORLD: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../catalog/world.json"
));

/// Half of the projected world's width.
pub(super) const HALF_WIDTH: f64 = 2.706_629_9;

/// Longitude and latitude in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

/// Outlines and points.
#[derive(Debug, Deserialize)]
pub(super) struct World {
    pub(super) source: String,
    pub(super) licence: String,
    countries: BTreeMap<String, [i32; 2]>,
    land: Vec<Vec<i32>>,
}

impl World {
    /// The built-in one; none for a build whose tests failed.
    pub(super) fn builtin() -> Option<Self> {
        serde_json::from_str(WORLD).ok()
    }

    /// A country's point; none for a few small territories that the outlines lack.
    pub(super) fn point(&self, country: Country) -> Option<Place> {
        self.countries
            .get(country.code())
            .map(|[x, y]| tenths(*x, *y))
    }

    /// Each outline, projected.
    pub(super) fn outlines(&self) -> impl Iterator<Item = Vec<(f64, f64)>> {
        self.land.iter().map(|ring| {
            ring.as_chunks::<2>()
                .0
                .iter()
                .map(|[x, y]| project(tenths(*x, *y)))
                .collect()
        })
    }
}

fn tenths(x: i32, y: i32) -> Place {
    Place {
        longitude: f64::from(x) / 10.0,
        latitude: f64::from(y) / 10.0,
    }
}

/// The Equal Earth projection: areas are true. In units of the sphere's radius, y upwards.
///
/// Source: Savric, Patterson and Jenny 2019, "The Equal Earth map projection", equations 9 and 10.
pub(super) fn project(place: Place) -> (f64, f64) {
    const A: [f64; 4] = [1.340_264, -0.081_106, 0.000_893, 0.003_796];
    let [a1, a2, a3, a4] = A;
    let theta = (3_f64.sqrt() / 2.0 * place.latitude.to_radians().sin()).asin();
    let squared = theta * theta;
    let sixth = squared * squared * squared;
    let slope = 9.0 * a4 * sixth * squared + 7.0 * a3 * sixth + 3.0 * a2 * squared + a1;
    (
        2.0 * 3_f64.sqrt() * place.longitude.to_radians() * theta.cos() / (3.0 * slope),
        theta * (a4 * sixth * squared + a3 * sixth + a2 * squared + a1),
    )
}

/// Points of the shortest way over the sphere, both ends included. Between antipodes any way is the shortest: this takes one.
pub(super) fn great_circle(from: Place, to: Place, steps: u32) -> Vec<Place> {
    let vector = |place: Place| {
        let (longitude, latitude) = (place.longitude.to_radians(), place.latitude.to_radians());
        [
            latitude.cos() * longitude.cos(),
            latitude.cos() * longitude.sin(),
            latitude.sin(),
        ]
    };
    let (a, b) = (vector(from), vector(to));
    let cosine: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let angle = cosine.clamp(-1.0, 1.0).acos();
    (0..=steps)
        .map(|step| {
            let share = f64::from(step) / f64::from(steps.max(1));
            let (p, q) = if angle.sin().abs() < 1e-9 {
                (1.0 - share, share)
            } else {
                (
                    ((1.0 - share) * angle).sin() / angle.sin(),
                    (share * angle).sin() / angle.sin(),
                )
            };
            let [x, y, z] = [0, 1, 2].map(|axis| {
                let of = |vector: [f64; 3]| vector.get(axis).copied().unwrap_or_default();
                p * of(a) + q * of(b)
            });
            Place {
                longitude: y.atan2(x).to_degrees(),
                latitude: z.atan2(x.hypot(y)).to_degrees(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(longitude: f64, latitude: f64) -> Place {
        Place {
            longitude,
            latitude,
        }
    }

    #[test]
    fn the_built_in_world_has_land_and_nearly_every_country() {
        let world = World::builtin().unwrap();
        assert!(world.land.len() > 50 && world.land.iter().all(|ring| ring.len() % 2 == 0));
        assert!(WORLD.len() < 40_000, "{}", WORLD.len());
        let without: Vec<&str> = Country::all()
            .filter(|country| world.point(*country).is_none())
            .map(|country| country.name())
            .collect();
        assert!(without.len() <= 15, "{without:?}");
        let singapore = world.point("SG".parse().unwrap()).unwrap();
        assert!(
            (singapore.longitude - 103.8).abs() < 0.5 && (singapore.latitude - 1.35).abs() < 0.5
        );
        assert!(world.licence.contains("public domain"));
        for outline in world.outlines() {
            assert!(
                outline
                    .iter()
                    .all(|(x, y)| x.abs() <= HALF_WIDTH + 1e-6 && y.abs() < 1.32)
            );
        }
    }

    #[test]
    fn the_projection_has_its_published_corners() {
        let (x, y) = project(place(180.0, 0.0));
        assert!((x - HALF_WIDTH).abs() < 1e-4 && y.abs() < 1e-9, "{x}");
        let (_, north) = project(place(0.0, 90.0));
        assert!((north - 1.317_36).abs() < 1e-4, "{north}");
    }

    #[test]
    fn great_circles_bend_towards_the_pole_and_end_where_they_should() {
        let way = great_circle(place(0.0, 50.0), place(90.0, 50.0), 10);
        let close = |a: Place, b: Place| {
            (a.longitude - b.longitude).abs() < 1e-6 && (a.latitude - b.latitude).abs() < 1e-6
        };
        assert!(close(way[0], place(0.0, 50.0)) && close(way[10], place(90.0, 50.0)));
        assert!(way[5].latitude > 57.0, "{:?}", way[5]);
        let still = great_circle(place(10.0, 10.0), place(10.0, 10.0), 4);
        assert!(still.iter().all(|one| close(*one, place(10.0, 10.0))));
    }
}
