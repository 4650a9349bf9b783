//! The talent factor: are the people there?

use std::collections::BTreeMap;

use causeway_domain::{Country, Fact, Timestamp};
use causeway_market::Coordinates;

use crate::factors::Factor;
use crate::people::{People, Range, WORKING_HOURS};

/// A shell is as good as one next door up to this round trip, and useless from the other on; milliseconds. An assumption.
const SHELL: (f64, f64) = (50.0, 300.0);
/// A route may be so many times as long as the great circle: an assumption.
const DETOUR: f64 = 2.0;

/// Talent: 40 points for people (half of them for remote work, which the chips do not mind, half for the share of the team in
/// that country), 20 each for working hours that the team shares with the place, for a quick shell, and for what an engineer
/// costs there beside one at home.
pub(crate) fn talent(
    team: &BTreeMap<Country, u32>,
    place: &Fact<Country>,
    point: Option<&Coordinates>,
    people: &People,
    at: Timestamp,
) -> Factor {
    let all: u32 = team.values().sum();
    if all == 0 {
        return Factor::open("no team in causeway.yaml".to_owned());
    }
    let country = match place {
        Fact::Known(country, _) => *country,
        Fact::Unknown(why) => {
            return Factor {
                score: 60.0,
                low: 20.0,
                high: 100.0,
                because: vec![format!("country {why}")],
            };
        }
    };
    let there = team.get(&country).copied().unwrap_or(0);
    let present = 20.0 + 20.0 * f64::from(there) / f64::from(all);
    let mut sum = Sum::default();
    sum.add(
        Range {
            low: present,
            high: present,
        },
        format!(
            "{present:.0} of 40: 20 for remote work + 20 x {there} of {all} people in {country}"
        ),
    );
    // The mean over the team of what holds for each of its countries.
    let mean = |of: &dyn Fn(Country) -> Option<Range>| -> Option<Range> {
        let mut mean = Range {
            low: 0.0,
            high: 0.0,
        };
        for (home, count) in team {
            let Range { low, high } = of(*home)?;
            let share = f64::from(*count) / f64::from(all);
            mean.low += share * low;
            mean.high += share * high;
        }
        Some(mean)
    };
    sum.part(
        mean(&|home| people.shared_hours(home, country, point, at)),
        |hours| 20.0 * hours / WORKING_HOURS,
        |Range { low, high }| {
            format!(
                "{} of 9 working hours shared with the team",
                between(low, high)
            )
        },
        "the time zones of a country are not known",
    );
    let shell =
        |milliseconds: f64| 20.0 * ((SHELL.1 - milliseconds) / (SHELL.1 - SHELL.0)).clamp(0.0, 1.0);
    sum.part(
        mean(&|home| people.round_trip(home, country, point)).map(|range| Range {
            low: range.low,
            high: range.high * DETOUR,
        }),
        shell,
        |Range { low, high }| {
            format!(
                "a shell takes {} ms there and back (light in fibre along a great circle; up to twice that by detours, an assumption), best below {} ms",
                between(low, high),
                SHELL.0
            )
        },
        "the distance is not known",
    );
    let pay = people.wage(country);
    let ratio = pay.as_ref().and_then(|(there, _)| {
        let home = mean(&|home| people.wage(home).map(|(range, _)| range))?;
        Some(Range {
            low: home.low / there.high,
            high: home.high / there.low,
        })
    });
    sum.part(
        ratio,
        |ratio| 20.0 * ratio.min(1.0),
        |range| {
            let (pay, source) = pay.clone().unwrap_or((range, String::new()));
            format!(
                "an engineer costs {} thousand dollars a year there ({source}), {} of that at home",
                between(pay.low / 1000.0, pay.high / 1000.0),
                between(range.low, range.high),
            )
        },
        "what an engineer costs there or at home is not known",
    );
    sum.factor()
}

/// `3`, or `3 to 9`.
fn between(low: f64, high: f64) -> String {
    let digits = usize::from(high < 10.0);
    let (low, high) = (format!("{low:.digits$}"), format!("{high:.digits$}"));
    if low == high {
        low
    } else {
        format!("{low} to {high}")
    }
}

/// Points of the parts of a factor.
#[derive(Default)]
struct Sum {
    low: f64,
    high: f64,
    because: Vec<String>,
}

impl Sum {
    fn add(&mut self, points: Range, because: String) {
        self.low += points.low;
        self.high += points.high;
        self.because.push(because);
    }

    /// A part worth 20 points: what a quantity gives, or anything where it is not known.
    fn part(
        &mut self,
        quantity: Option<Range>,
        points: impl Fn(f64) -> f64,
        words: impl Fn(Range) -> String,
        unknown: &str,
    ) {
        match quantity {
            Some(range) => {
                let (one, other) = (points(range.low), points(range.high));
                let points = Range {
                    low: one.min(other),
                    high: one.max(other),
                };
                let shown = between(points.low, points.high);
                self.add(points, format!("{shown} of 20: {}", words(range)));
            }
            None => self.add(
                Range {
                    low: 0.0,
                    high: 20.0,
                },
                format!("0 to 20 of 20: {unknown}"),
            ),
        }
    }

    fn factor(self) -> Factor {
        Factor {
            score: f64::midpoint(self.low, self.high).clamp(0.0, 100.0),
            low: self.low.clamp(0.0, 100.0),
            high: self.high.clamp(0.0, 100.0),
            because: self.because,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talent_counts_people_where_they_are() {
        let sg: Country = "SG".parse().unwrap();
        let my: Country = "MY".parse().unwrap();
        let team = BTreeMap::from([(sg, 3), (my, 1)]);
        let people = People::builtin().unwrap();
        let at = "2026-11-29T00:00:00Z".parse().unwrap();
        let of = |code: &str| {
            talent(
                &team,
                &Fact::stated(code.parse().unwrap(), "t"),
                None,
                &people,
                at,
            )
        };
        let (home, near, far) = (of("SG"), of("MY"), of("US"));
        assert!(
            home.score > near.score && near.score > far.score,
            "{home:?} {near:?} {far:?}"
        );
        // Three of four people, all hours, no distance; pay that nobody read in a source.
        assert_eq!(
            home.because[0],
            "35 of 40: 20 for remote work + 20 x 3 of 4 people in SG"
        );
        assert!(
            home.because[1].starts_with("20 of 20: 9.0 of 9 working hours"),
            "{:?}",
            home.because
        );
        assert!(home.high > 94.9 && home.doubt() > 0.0);
        assert!(far.because[2].contains("light in fibre"));
        let nowhere = talent(&team, &Fact::unknown("is not known"), None, &people, at);
        assert_eq!((nowhere.low, nowhere.high), (20.0, 100.0));
        // What is not known costs nothing but doubt.
        let cold = of("AQ");
        assert!(cold.doubt() > 0.19 && cold.high >= 40.0, "{cold:?}");
    }
}
