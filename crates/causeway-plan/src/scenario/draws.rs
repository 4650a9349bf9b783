//! Chance: when each event happens in each draw, how long the run takes, what comes of asking.
//!
//! Every quantity has a generator of its own, seeded by the seed and its name, so that one event more leaves the draws of
//! the others as they were; and all plans meet the same draws, so that they differ by what they are and not by luck.

use causeway_domain::Date;
use causeway_domain::scenario::{Answer, Chance, Scenario, Spread};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

/// Days of a year, for rates.
const YEAR: f64 = 365.25;

/// What happens in each draw.
pub(super) struct Draws {
    pub(super) count: usize,
    /// For each event and draw the day on which it happens, counted from the start; infinite if it does not.
    pub(super) times: Vec<Vec<f64>>,
    /// For each event and draw the factor of its price, where it moves one.
    pub(super) factors: Vec<Vec<f64>>,
    /// How far the run's length is from its middle, in standard deviations.
    pub(super) length: Vec<f64>,
    /// Days until a review ends; `None`: it is refused, or nobody is asked.
    pub(super) review: Vec<Asked>,
    /// The same for a licence.
    pub(super) licence: Vec<Asked>,
}

/// What comes of asking: the days it takes, and whether it is a yes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Asked {
    pub(super) days: f64,
    pub(super) granted: bool,
}

/// An event as far as chance goes.
pub(super) struct Happening<'a> {
    pub(super) name: &'a str,
    pub(super) when: &'a Chance,
    pub(super) factor: Option<Spread>,
}

/// A generator for one quantity. FNV-1a over the name keeps streams apart (<http://www.isthe.com/chongo/tech/comp/fnv/>).
fn generator(seed: u64, name: &str) -> Xoshiro256PlusPlus {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Xoshiro256PlusPlus::seed_from_u64(seed ^ hash)
}

impl Draws {
    /// Draws `count` futures under one scenario. `horizon`: days after which nothing matters.
    pub(super) fn new(
        count: usize,
        seed: u64,
        today: Date,
        horizon: f64,
        events: &[Happening<'_>],
        scenario: &Scenario,
        answers: [Option<&Answer>; 2],
    ) -> Self {
        let mut times = Vec::with_capacity(events.len());
        let mut factors = Vec::with_capacity(events.len());
        for event in events {
            let fate = Fate::of(event.name, scenario);
            let when = When::of(event.when, fate, today, horizon);
            let mut chance = generator(seed, event.name);
            let (mut days, mut moved) = (Vec::with_capacity(count), Vec::new());
            for _ in 0..count {
                // Always two numbers, and a third for the factor: a draw is the same whatever is certain.
                let (whether, at): (f64, f64) = (chance.random(), chance.random());
                days.push(when.day(whether, at));
                if let Some(factor) = event.factor {
                    moved.push(triangle(factor, chance.random()));
                }
            }
            times.push(days);
            factors.push(moved);
        }
        let mut chance = generator(seed, "length of the run");
        let length = (0..count)
            .map(|_| normal(chance.random(), chance.random()))
            .collect();
        let [review, licence] = [("review", 0), ("licence", 1)].map(|(name, index)| {
            let answer = answers.get(index).copied().flatten();
            let mut chance = generator(seed, name);
            (0..count)
                .map(|_| {
                    let (days, yes): (f64, f64) = (chance.random(), chance.random());
                    answer.map_or(NEVER, |answer| Asked {
                        days: triangle(answer.days, days),
                        granted: yes < answer.granted,
                    })
                })
                .collect()
        });
        Self {
            count,
            times,
            factors,
            length,
            review,
            licence,
        }
    }
}

/// Nobody is asked.
const NEVER: Asked = Asked {
    days: 0.0,
    granted: false,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Certain,
    Never,
    Open,
}

impl Fate {
    fn of(event: &str, scenario: &Scenario) -> Self {
        if scenario.certain.contains(event) {
            Self::Certain
        } else if scenario.never.contains(event) {
            Self::Never
        } else {
            Self::Open
        }
    }
}

/// A chance in days from today.
enum When {
    /// Each day of a span as likely; a single day is a span without length.
    Span { share: f64, from: f64, to: f64 },
    /// At a constant rate a day, up to the horizon if it is certain.
    Rate {
        daily: f64,
        before: Option<f64>,
        from: f64,
    },
}

impl When {
    fn of(chance: &Chance, fate: Fate, today: Date, horizon: f64) -> Self {
        let day = |date: Option<Date>| {
            date.map_or(0.0, |date| f64::from((date - today).get_days()).max(0.0))
        };
        let share = match fate {
            Fate::Certain => 1.0,
            Fate::Never => 0.0,
            Fate::Open => chance.probability.unwrap_or(1.0),
        };
        match (chance.on, chance.per_year) {
            (Some(on), _) => Self::Span {
                share,
                from: day(Some(on)),
                to: day(Some(on)),
            },
            (None, Some(_)) if fate == Fate::Never => Self::Span {
                share: 0.0,
                from: 0.0,
                to: 0.0,
            },
            (None, Some(rate)) => Self::Rate {
                daily: rate / YEAR,
                before: (fate == Fate::Certain).then_some(horizon),
                from: day(chance.from),
            },
            (None, None) => Self::Span {
                share,
                from: day(chance.from),
                to: day(chance.to),
            },
        }
    }

    /// `whether` and `at` are even between 0 and 1.
    fn day(&self, whether: f64, at: f64) -> f64 {
        match *self {
            Self::Span { share, from, to } if whether < share => from + at * (to - from),
            Self::Span { .. } => f64::INFINITY,
            Self::Rate {
                daily,
                before,
                from,
            } => {
                // The share of all outcomes that happen before the end, else all of them.
                let reached = before.map_or(1.0, |end| -(-daily * (end - from).max(0.0)).exp_m1());
                if daily > 0.0 && reached > 0.0 {
                    from - (-at * reached).ln_1p() / daily
                } else {
                    f64::INFINITY
                }
            }
        }
    }
}

/// Drawn from the triangle over a spread, by its inverse; `u` is even between 0 and 1.
fn triangle(spread: Spread, u: f64) -> f64 {
    let Spread { low, mid, high } = spread;
    let width = high - low;
    if width <= 0.0 {
        return mid;
    }
    let rising = (mid - low) / width;
    if u < rising {
        low + (u * width * (mid - low)).sqrt()
    } else {
        high - ((1.0 - u) * width * (high - mid)).sqrt()
    }
}

/// A standard normal number from two even ones (Box and Muller 1958).
fn normal(a: f64, b: f64) -> f64 {
    (-2.0 * (-a).ln_1p()).sqrt() * (std::f64::consts::TAU * b).cos()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn chance(text: &str) -> Chance {
        serde_json::from_str(text).unwrap()
    }

    fn days(when: &str, certain: bool, never: bool) -> Vec<f64> {
        let when = chance(when);
        let one =
            |on: bool| -> BTreeSet<String> { on.then(|| "e".to_owned()).into_iter().collect() };
        let scenario = Scenario {
            certain: one(certain),
            never: one(never),
            ..Scenario::default()
        };
        let event = Happening {
            name: "e",
            when: &when,
            factor: None,
        };
        let today = "2027-01-01".parse().unwrap();
        Draws::new(20_000, 7, today, 400.0, &[event], &scenario, [None, None])
            .times
            .remove(0)
    }

    fn share(days: &[f64], test: impl Fn(f64) -> bool) -> f64 {
        days.iter().filter(|day| test(**day)).count() as f64 / days.len() as f64
    }

    #[test]
    fn chances_are_what_the_file_says() {
        let span = r#"{"from":"2027-01-11","to":"2027-01-31","probability":0.25}"#;
        let drawn = days(span, false, false);
        assert!((share(&drawn, f64::is_finite) - 0.25).abs() < 0.01);
        assert!((share(&drawn, |day| day < 20.0) - 0.125).abs() < 0.01);
        assert!(
            drawn
                .iter()
                .all(|day| day.is_infinite() || (10.0..=30.0).contains(day))
        );
        assert!((share(&days(span, true, false), f64::is_finite) - 1.0).abs() < 1e-9);
        assert!(share(&days(span, false, true), f64::is_finite) < 1e-9);

        let rate = r#"{"per_year":1}"#;
        let drawn = days(rate, false, false);
        assert!((share(&drawn, |day| day < YEAR) - (1.0 - (-1.0_f64).exp())).abs() < 0.01);
        let certain = days(rate, true, false);
        assert!(certain.iter().all(|day| (0.0..=400.0).contains(day)));
        assert!(share(&days(rate, false, true), f64::is_finite) < 1e-9);

        let day = days(r#"{"on":"2027-02-01"}"#, false, false);
        assert!(day.iter().all(|day| (day - 31.0).abs() < 1e-9));
        // What was to be by now has happened.
        let past = days(r#"{"on":"2026-02-01"}"#, false, false);
        assert!(past.iter().all(|day| *day == 0.0));
    }

    #[test]
    fn a_triangle_has_its_corners_and_its_mean() {
        let spread = Spread {
            low: 1.0,
            mid: 2.0,
            high: 6.0,
        };
        let all: Vec<f64> = (0..=10_000)
            .map(|n| triangle(spread, f64::from(n) / 10_000.0))
            .collect();
        assert!((all[0] - 1.0).abs() < 1e-9 && (all[10_000] - 6.0).abs() < 1e-9);
        assert!(all.is_sorted());
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 3.0).abs() < 0.01, "{mean}");
        let point = Spread {
            low: 1.5,
            mid: 1.5,
            high: 1.5,
        };
        assert!((triangle(point, 0.3) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn one_event_more_leaves_the_others_as_they_were() {
        let (a, b) = (chance(r#"{"per_year":1}"#), chance(r#"{"per_year":2}"#));
        let event = |name, when| Happening {
            name,
            when,
            factor: None,
        };
        let today: Date = "2027-01-01".parse().unwrap();
        let scenario = Scenario::default();
        let draw = |events: &[Happening<'_>], seed| {
            Draws::new(50, seed, today, 100.0, events, &scenario, [None, None])
        };
        let one = draw(&[event("a", &a)], 1);
        let two = draw(&[event("b", &b), event("a", &a)], 1);
        assert_eq!(one.times[0], two.times[1]);
        assert_eq!(one.length, two.length);
        assert_ne!(one.times[0], draw(&[event("a", &a)], 2).times[0]);
        let mean = one.length.iter().sum::<f64>() / 50.0;
        assert!(mean.abs() < 0.5, "{mean}");
    }
}
