//! Where people are: the hours that two places share, how far a shell is, what an engineer costs.
//!
//! Zones and the coordinates of their principal cities are those of the IANA time zone database (`catalog/zone.tab`,
//! public domain); pay is `catalog/wages.json`.

use std::collections::BTreeMap;

use causeway_domain::{Country, Timestamp, UsdPerHour};
use causeway_estimate::Interval;
use causeway_market::{Coordinates, rtt_at_least};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::PlanError;

const ZONES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../catalog/zone.tab"
));
const WAGES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../catalog/wages.json"
));

/// Hours of a working day, 9 to 18 by the clock of the place.
pub(crate) const WORKING_HOURS: f64 = 9.0;
/// Pay that nobody read in a source may be off by so much, to each side: an assumption.
const UNREAD: f64 = 0.3;

/// Least and greatest of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Range {
    fn over(values: impl Iterator<Item = f64>) -> Option<Self> {
        values.fold(None, |range: Option<Self>, value| {
            Some(range.map_or(
                Self {
                    low: value,
                    high: value,
                },
                |range| Self {
                    low: range.low.min(value),
                    high: range.high.max(value),
                },
            ))
        })
    }
}

/// A time zone of a country.
#[derive(Debug, Clone)]
struct Zone {
    /// Its principal city.
    at: Coordinates,
    name: String,
}

impl Zone {
    /// Hours ahead of UTC at an instant, and in winter.
    fn offset(&self, at: Timestamp) -> Option<(f64, f64)> {
        let zone = jiff::tz::TimeZone::get(&self.name).ok()?;
        let now = zone.to_offset_info(at);
        let hours = f64::from(now.offset().seconds()) / 3600.0;
        Some((hours, hours - f64::from(u8::from(now.dst().is_dst()))))
    }
}

/// The zones that a point may be in. Borders of zones are in no table here: the zone of the nearest principal city, and the
/// one whose clock is nearest to the sun's.
fn around<'z>(
    zones: &'z [Zone],
    point: &Coordinates,
    at: Timestamp,
) -> impl Iterator<Item = &'z Zone> {
    let nearest =
        |away: &dyn Fn(&Zone) -> f64| zones.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
    let by_city = nearest(&|zone| zone.at.distance(point).get());
    // The sun moves fifteen degrees an hour.
    let sun = point.longitude() / 15.0;
    let by_sun = nearest(&|zone| {
        zone.offset(at)
            .map_or(f64::INFINITY, |(_, winter)| (winter - sun).abs())
    });
    by_city.into_iter().chain(by_sun)
}

/// Pay, as one source has it.
#[derive(Debug, Clone, Deserialize)]
struct Wage {
    country: Country,
    usd_per_year: f64,
    source: String,
    verified: String,
}

#[derive(Deserialize)]
struct Wages {
    wages: Vec<Wage>,
    overhead: Overhead,
}

/// What an employer pays in all for a unit of base pay.
#[derive(Debug, Clone, Deserialize)]
struct Overhead {
    low: f64,
    high: f64,
    source: String,
}

/// The tables.
#[derive(Debug, Clone)]
pub(crate) struct People {
    zones: BTreeMap<Country, Vec<Zone>>,
    wages: BTreeMap<Country, Vec<Wage>>,
    overhead: Overhead,
}

/// Hours of a year: pay goes on by night.
const YEAR: f64 = 8_766.0;

impl People {
    /// The built-in tables.
    ///
    /// # Errors
    /// [`PlanError::Table`] when one is damaged.
    pub(crate) fn builtin() -> Result<Self, PlanError> {
        let damaged = |file: &str, why: String| PlanError::Table {
            file: file.to_owned(),
            why,
        };
        let mut zones: BTreeMap<Country, Vec<Zone>> = BTreeMap::new();
        for line in ZONES.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let (Some(code), Some(at), Some(name)) = (fields.next(), fields.next(), fields.next())
            else {
                return Err(damaged(
                    "catalog/zone.tab",
                    format!("`{line}`: a field is missing"),
                ));
            };
            // A code that we do not list is no place that anybody can name.
            let Ok(country) = code.parse() else { continue };
            let at = coordinates(at)
                .ok_or_else(|| damaged("catalog/zone.tab", format!("`{at}` is no place")))?;
            zones.entry(country).or_default().push(Zone {
                at,
                name: name.to_owned(),
            });
        }
        let table: Wages = serde_json::from_str(WAGES)
            .map_err(|error| damaged("catalog/wages.json", error.to_string()))?;
        let mut wages: BTreeMap<Country, Vec<Wage>> = BTreeMap::new();
        for wage in table.wages {
            wages.entry(wage.country).or_default().push(wage);
        }
        Ok(Self {
            zones,
            wages,
            overhead: table.overhead,
        })
    }

    /// Hours of a working day that people of a country share with a place at an instant: over their zones, which may be
    /// several, and the zones that the point may be in, all of its country's where it is not known.
    pub(crate) fn shared_hours(
        &self,
        home: Country,
        place: Country,
        point: Option<&Coordinates>,
        at: Timestamp,
    ) -> Option<Range> {
        if home == place {
            return Some(Range {
                low: WORKING_HOURS,
                high: WORKING_HOURS,
            });
        }
        let (homes, places) = (self.zones.get(&home)?, self.zones.get(&place)?);
        let offset = |zone: &Zone| zone.offset(at).map(|(offset, _)| offset);
        let one: Vec<f64> = homes.iter().filter_map(offset).collect();
        let other: Vec<f64> = match point {
            Some(point) => around(places, point, at).filter_map(offset).collect(),
            None => places.iter().filter_map(offset).collect(),
        };
        let shared = one.iter().flat_map(|a| {
            other.iter().map(move |b| {
                let apart = (a - b).abs();
                (WORKING_HOURS - apart.min(24.0 - apart)).max(0.0)
            })
        });
        Range::over(shared)
    }

    /// Least time of a round trip from a country to a place, milliseconds: light in fibre along a great circle from the
    /// principal cities of the country's zones to the point, or to those of its country. No line is quicker.
    pub(crate) fn round_trip(
        &self,
        home: Country,
        place: Country,
        point: Option<&Coordinates>,
    ) -> Option<Range> {
        let (homes, places) = (self.zones.get(&home)?, self.zones.get(&place)?);
        if home == place {
            return Some(Range {
                low: 0.0,
                high: 0.0,
            });
        }
        let ends: Vec<&Coordinates> = match point {
            Some(point) => vec![point],
            None => places.iter().map(|zone| &zone.at).collect(),
        };
        let trip =
            |a: &Coordinates, b: &Coordinates| 1e3 * rtt_at_least(a.distance(b)).as_secs_f64();
        Range::over(
            homes
                .iter()
                .flat_map(|home| ends.iter().map(move |end| trip(&home.at, end))),
        )
    }

    /// What so many people cost their employer for each hour of the calendar, at the mean pay of a team, and from what that
    /// was computed; why not, where it can't be.
    pub(crate) fn hourly(
        &self,
        team: &BTreeMap<Country, u32>,
        people: f64,
    ) -> Result<(Interval<UsdPerHour>, String), String> {
        let all: u32 = team.values().sum();
        if all == 0 {
            return Err(
                "no team in causeway.yaml: where the people are paid is not known".to_owned(),
            );
        }
        let (mut low, mut high) = (0.0, 0.0);
        for (home, count) in team {
            let Some((pay, _)) = self.wage(*home) else {
                return Err(format!(
                    "what an engineer costs in {} is not known",
                    home.name()
                ));
            };
            let share = f64::from(*count) / f64::from(all);
            low += share * pay.low;
            high += share * pay.high;
        }
        let Overhead {
            low: least,
            high: most,
            source,
        } = &self.overhead;
        let hour = |yearly: f64| {
            let amount = Decimal::from_f64_retain(people * yearly / YEAR);
            UsdPerHour::new(amount.unwrap_or(Decimal::MAX).round_dp(4))
        };
        let (low, high) = (low * least, high * most);
        let pay = Interval {
            low: hour(low),
            mid: hour(f64::midpoint(low, high)),
            high: hour(high),
        };
        let words = format!(
            "{people} people x {:.0} to {:.0} thousand dollars a year (pay of the team's countries, catalog/wages.json, x {least} to {most}: {source}), by night too",
            low / 1000.0,
            high / 1000.0
        );
        Ok((pay, words))
    }

    /// An engineer's pay, US dollars a year, and what is said of its source.
    pub(crate) fn wage(&self, country: Country) -> Option<(Range, String)> {
        let all = self.wages.get(&country)?;
        let read: Vec<&Wage> = all.iter().filter(|wage| wage.verified == "read").collect();
        if read.is_empty() {
            let range = Range::over(all.iter().map(|wage| wage.usd_per_year))?;
            let wide = Range {
                low: range.low * (1.0 - UNREAD),
                high: range.high * (1.0 + UNREAD),
            };
            return Some((wide, "not verified".to_owned()));
        }
        let sources: Vec<&str> = read.iter().map(|wage| wage.source.as_str()).collect();
        let range = Range::over(read.iter().map(|wage| wage.usd_per_year))?;
        Some((range, sources.join("; ")))
    }
}

/// ISO 6709 in degrees, minutes and perhaps seconds: `+0131+10351`, `-342436-0585300`.
fn coordinates(text: &str) -> Option<Coordinates> {
    let second = text.get(1..)?.find(['+', '-'])? + 1;
    let (latitude, longitude) = text.split_at_checked(second)?;
    Coordinates::new(degrees(latitude, 2)?, degrees(longitude, 3)?)
}

fn degrees(text: &str, digits: usize) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let number = text.get(1..)?;
    let part = |from: usize, to: usize| number.get(from..to)?.parse::<f64>().ok();
    let seconds = match number.len().checked_sub(digits)? {
        2 => 0.0,
        4 => part(digits + 2, digits + 4)?,
        _ => return None,
    };
    let whole = part(0, digits)? + part(digits, digits + 2)? / 60.0 + seconds / 3600.0;
    Some(sign * whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        code.parse().unwrap()
    }

    #[test]
    fn every_row_is_read() {
        let people = People::builtin().unwrap();
        assert!(people.zones.len() > 230, "{}", people.zones.len());
        for zones in people.zones.values().flatten() {
            assert!(
                jiff::tz::TimeZone::get(&zones.name).is_ok(),
                "{}",
                zones.name
            );
        }
    }

    #[test]
    fn hours_are_those_of_the_clocks_of_the_day() {
        let people = People::builtin().unwrap();
        let winter: Timestamp = "2026-11-29T00:00:00Z".parse().unwrap();
        let summer: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        let shared = |a, b, at| {
            people
                .shared_hours(country(a), country(b), None, at)
                .unwrap()
        };
        assert_eq!(
            shared("SG", "MY", winter),
            Range {
                low: 9.0,
                high: 9.0
            }
        );
        assert_eq!(
            shared("SG", "FI", winter),
            Range {
                low: 3.0,
                high: 3.0
            }
        );
        assert_eq!(
            shared("SG", "FI", summer),
            Range {
                low: 4.0,
                high: 4.0
            }
        );
        // From Hawaii, six hours behind... to the east coast, thirteen.
        let us = shared("SG", "US", winter);
        assert!(us.low == 0.0 && us.high > 2.0, "{us:?}");
        let dallas = Coordinates::new(32.8, -96.8).unwrap();
        let hours = people.shared_hours(country("SG"), country("US"), Some(&dallas), winter);
        // Six hours behind UTC, or seven; fourteen or fifteen behind Singapore.
        assert_eq!(
            hours,
            Some(Range {
                low: 0.0,
                high: 0.0
            })
        );
    }

    #[test]
    fn a_round_trip_is_no_shorter_than_light() {
        let people = People::builtin().unwrap();
        let sg_fi = people
            .round_trip(country("SG"), country("FI"), None)
            .unwrap();
        // 9,270 km.
        assert!((sg_fi.low - 92.7).abs() < 1.0, "{sg_fi:?}");
        assert_eq!(
            people
                .round_trip(country("SG"), country("SG"), None)
                .unwrap()
                .high,
            0.0
        );
        let johor = Coordinates::new(1.49, 103.74).unwrap();
        let near = people
            .round_trip(country("SG"), country("MY"), Some(&johor))
            .unwrap();
        assert!(near.low == near.high && near.high < 1.0, "{near:?}");
        let buenos_aires = coordinates("-342436-0585300").unwrap();
        let near = Coordinates::new(-34.41, -58.8833).unwrap();
        assert!(buenos_aires.distance(&near).get() < 1.0);
        assert_eq!(coordinates("here"), None);
    }

    #[test]
    fn pay_has_its_source_or_is_wide() {
        let people = People::builtin().unwrap();
        let (us, source) = people.wage(country("US")).unwrap();
        assert_eq!((us.low, us.high), (127_301.0, 145_000.0));
        assert!(source.contains("SalaryExpert"));
        let (sg, source) = people.wage(country("SG")).unwrap();
        assert!(sg.high / sg.low > 1.8 && source == "not verified");
        assert!(people.wage(country("AQ")).is_none());
        let team = BTreeMap::from([(country("US"), 3)]);
        let (pay, words) = people.hourly(&team, 2.0).unwrap();
        // Two people at 127,301 x 1.3 and 145,000 x 1.5 a year.
        assert_eq!(
            (pay.low.to_string(), pay.high.to_string()),
            ("$37.76/h".to_owned(), "$49.62/h".to_owned())
        );
        assert!(words.contains("9cv9.com"), "{words}");
        assert!(people.hourly(&BTreeMap::new(), 2.0).is_err());
    }
}
