//! A plan from day to day: how many futures have ended by then, and how much money they took.

use causeway_domain::{Hours, Probability, Usd};
use serde::Serialize;

use super::course::{Changes, Course, Law, Remembered, Walk};
use super::draws::Draws;
use super::usd;

/// Times that are looked at, the first and the last included.
const POINTS: u32 = 24;
/// How far past the 95th percentile of the time the last of them lies.
const BEYOND: f64 = 1.1;
/// Futures whose money is followed: the share of those below a twentieth is known to one in a hundred.
const FOLLOWED: usize = 500;

/// How a plan stands at a time, over all futures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// The time, from today.
    pub at: Hours,
    /// Share of the futures in which it has finished by then.
    pub finished: Probability,
    /// Share of the futures in which it has stopped by then.
    pub stopped: Probability,
    /// Money spent by then, from up to five hundred of the futures; none where no price is known, and for plans that are not
    /// among the first four of the first reading or first in the comparison.
    pub money: Option<Band<Usd>>,
}

impl Moment {
    /// Share of the futures in which it runs or waits.
    #[must_use]
    pub fn going(&self) -> Probability {
        Probability::new((1.0 - self.finished.get() - self.stopped.get()).max(0.0))
    }
}

/// The middle, and what nine in ten futures lie between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band<T> {
    /// One in twenty has less.
    pub p5: T,
    /// Half of the futures have less.
    pub p50: T,
    /// One in twenty has more.
    pub p95: T,
}

/// The times up to a little past `days`, with what has ended by then.
pub(super) fn shares(walks: &[Walk], days: f64) -> Vec<Moment> {
    let last = days * BEYOND;
    let step = last / f64::from(POINTS - 1);
    // What ends after one time and up to the next is counted at the next.
    let mut ends = [[0_u32; 2]; POINTS as usize];
    for walk in walks {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float past the range becomes its end, and is then past the table"
        )]
        let place = (walk.end / step - 1e-9).ceil().max(0.0) as usize;
        let kind = usize::from(walk.stop.is_some());
        if let Some(count) = ends.get_mut(place).and_then(|both| both.get_mut(kind)) {
            *count += 1;
        }
    }
    let all = walks.len().max(1) as f64;
    let (mut finished, mut stopped) = (0_u32, 0_u32);
    (0..POINTS)
        .zip(ends)
        .map(|(point, [done, cut])| {
            finished += done;
            stopped += cut;
            Moment {
                at: Hours::new(24.0 * step * f64::from(point)),
                finished: Probability::new(f64::from(finished) / all),
                stopped: Probability::new(f64::from(stopped) / all),
                money: None,
            }
        })
        .collect()
}

/// Fills in the money, from evenly chosen ones of the same futures.
pub(super) fn money<L: Law>(
    course: &Course,
    draws: &Draws,
    changes: &Changes<'_>,
    law: &mut L,
    home_every: f64,
    moments: &mut [Moment],
) {
    if course.daily.is_none() {
        return;
    }
    let mut law = Remembered::new(law, changes);
    let chosen = draws.count.div_ceil(FOLLOWED).max(1);
    let days: Vec<f64> = moments
        .iter()
        .map(|moment| moment.at.get() / 24.0)
        .collect();
    let mut spent: Vec<Vec<f64>> = vec![Vec::with_capacity(FOLLOWED); days.len()];
    for draw in (0..draws.count).step_by(chosen) {
        let mut sums = [0.0; POINTS as usize];
        let paid_for = |from: f64, to: f64, amount: f64| {
            let daily = amount / (to - from);
            for (day, sum) in days.iter().zip(&mut sums) {
                if *day >= to {
                    *sum += amount;
                } else if *day > from {
                    *sum += (day - from) * daily;
                }
            }
        };
        course.walk(draws, draw, changes, &mut law, home_every, paid_for);
        for (all, sum) in spent.iter_mut().zip(sums) {
            all.push(sum);
        }
    }
    for (moment, all) in moments.iter_mut().zip(&mut spent) {
        let mut at = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100).checked_sub(1)?;
            let (_, value, _) = all.select_nth_unstable_by(rank, f64::total_cmp);
            Some(usd(*value))
        };
        moment.money = match (at(5), at(50), at(95)) {
            (Some(p5), Some(p50), Some(p95)) => Some(Band { p5, p50, p95 }),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use causeway_law::Outcome;

    use super::super::course::Stop;
    use super::super::draws::Asked;
    use super::*;

    struct Lawful;

    impl Law for Lawful {
        fn outcome(&mut self, _: usize, _: u32, _: bool) -> Outcome {
            Outcome::Allow
        }
    }

    fn walk(end: f64, stop: bool) -> Walk {
        Walk {
            stop: stop.then_some(Stop::Unlawful),
            end,
            spent: 0.0,
            lost_days: 0.0,
            lost_money: 0.0,
        }
    }

    #[test]
    fn what_has_ended_stays_ended() {
        let walks = [
            walk(0.0, true),
            walk(5.0, false),
            walk(10.0, false),
            walk(99.0, false),
        ];
        let moments = shares(&walks, 10.0);
        assert_eq!(moments.len(), 24);
        let share = |moment: &Moment| {
            (
                moment.finished.get(),
                moment.stopped.get(),
                moment.going().get(),
            )
        };
        assert_eq!(share(&moments[0]), (0.0, 0.25, 0.75));
        let at = |days: f64| {
            moments
                .iter()
                .find(|moment| moment.at.get() >= days * 24.0)
                .unwrap()
        };
        assert_eq!(share(at(5.0)), (0.25, 0.25, 0.5));
        // One lies past the last time.
        assert_eq!(share(&moments[23]), (0.5, 0.25, 0.25));
        assert!((moments[23].at.get() - 264.0).abs() < 1e-9);
        assert!(
            moments
                .windows(2)
                .all(|pair| pair[1].finished >= pair[0].finished)
        );
    }

    #[test]
    fn money_grows_with_the_work_and_ends_with_the_weights_at_home() {
        let course = Course {
            days: [8.0, 10.0, 14.0],
            daily: Some(100.0),
            egress: 7.0,
            ..Course::default()
        };
        let never = Asked {
            days: 0.0,
            granted: false,
        };
        let draws = Draws {
            count: 1,
            times: Vec::new(),
            factors: Vec::new(),
            length: vec![0.0],
            review: vec![never],
            licence: vec![never],
        };
        let changes = Changes {
            days: &[],
            events: &[],
        };
        let mut moments = shares(&[walk(10.0, false)], 10.0);
        money(&course, &draws, &changes, &mut Lawful, 1.0, &mut moments);
        let spent = |moment: &Moment| moment.money.unwrap().p50;
        assert_eq!(spent(&moments[0]), usd(0.0));
        assert_eq!(spent(&moments[23]), usd(1007.0), "as the whole walk says");
        for moment in moments.iter().filter(|moment| moment.at.get() < 240.0) {
            assert_eq!(spent(moment), usd(moment.at.get() / 24.0 * 100.0));
        }
        let free = Course {
            daily: None,
            ..course
        };
        let mut unknown = shares(&[walk(10.0, false)], 10.0);
        money(&free, &draws, &changes, &mut Lawful, 1.0, &mut unknown);
        assert!(
            unknown.iter().all(|moment| moment.money.is_none()),
            "no price is not nothing"
        );
    }
}
