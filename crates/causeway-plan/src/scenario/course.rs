//! One plan through one future, and through all of them.

use causeway_law::Outcome;

use super::draws::{Asked, Draws};

/// Quantile of the standard normal distribution at 90 %: an interval of four in five reaches so far.
const TEN_PERCENT: f64 = 1.281_551_565_545;
/// Marks an answer of the law that nobody has asked for yet.
const UNASKED: u8 = u8::MAX;

/// What a plan is to chance. Times are days, money is US dollars.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// Length of the run: four times in five not below, the middle, four times in five not above.
    pub(super) days: [f64; 3],
    /// Price of the machines for a day; none where the offer states none.
    pub(super) daily: Option<f64>,
    /// What is paid for them once, when the run begins.
    pub(super) upfront: f64,
    /// What is paid for them in any case once it has begun.
    pub(super) least: f64,
    /// Storage and people, a day.
    pub(super) beside: f64,
    /// What bringing the weights home costs.
    pub(super) egress: f64,
    /// Events that close the place.
    pub(super) lost_by: Vec<usize>,
    /// Events that move its price.
    pub(super) priced_by: Vec<usize>,
    /// Events before which its chip can't be had.
    pub(super) waits_for: Vec<usize>,
}

/// The law's answers, asked for when they are needed.
pub(super) trait Law {
    /// The outcome on a stretch of days (the number of known changes before it), with some of the events that change the
    /// law in force (a bit each), before the run has begun or after.
    fn outcome(&mut self, stretch: usize, passed: u32, begun: bool) -> Outcome;
}

/// The days and events on which the law changes.
pub(super) struct Changes<'a> {
    /// Known days, counted from the start, in order.
    pub(super) days: &'a [f64],
    /// Events that change it; the place in this list is the bit of `passed`.
    pub(super) events: &'a [usize],
}

/// The law's answers for one plan, each asked for once.
pub(super) struct Remembered<'l, L> {
    law: &'l mut L,
    bits: usize,
    known: Vec<u8>,
}

impl<'l, L: Law> Remembered<'l, L> {
    pub(super) fn new(law: &'l mut L, changes: &Changes<'_>) -> Self {
        let bits = changes.events.len();
        Self {
            law,
            bits,
            known: vec![UNASKED; (changes.days.len() + 1) << (bits + 1)],
        }
    }

    fn outcome(&mut self, stretch: usize, passed: u32, begun: bool) -> Outcome {
        const ALL: [Outcome; 4] = [
            Outcome::Allow,
            Outcome::NeedsReview,
            Outcome::LicenseRequired,
            Outcome::Prohibited,
        ];
        let index = (stretch << 1 | usize::from(begun)) << self.bits | passed as usize;
        let known = self.known.get(index).copied().unwrap_or(UNASKED);
        if let Some(outcome) = ALL.get(usize::from(known)) {
            return *outcome;
        }
        let outcome = self.law.outcome(stretch, passed, begun);
        if let Some(place) = self.known.get_mut(index) {
            *place = ALL
                .iter()
                .position(|one| *one == outcome)
                .and_then(|place| u8::try_from(place).ok())
                .unwrap_or(UNASKED);
        }
        outcome
    }
}

/// Why a run did not finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stop {
    /// An event closed the place, or changed the law, or did not come.
    Event(usize),
    /// The law changed on a known day: the number of the stretch that began.
    Stretch(usize),
    /// It was not lawful to begin with.
    Unlawful,
    /// A review or a licence was refused, or nobody says what comes of asking.
    Refused(Outcome),
}

/// How a run went in one draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Walk {
    pub(super) stop: Option<Stop>,
    /// Days from today to the end, or to where it stopped.
    pub(super) end: f64,
    pub(super) spent: f64,
    /// Days waited and worked in vain.
    pub(super) lost_days: f64,
    /// Money spent on work in vain.
    pub(super) lost_money: f64,
}

impl Course {
    /// Length in a draw: a normal deviate on the logarithm, of another width to each side, which gives the interval back.
    fn length(&self, deviate: f64) -> f64 {
        let [low, mid, high] = self.days;
        let spread = if deviate < 0.0 { mid / low } else { high / mid };
        mid * (spread.ln() / TEN_PERCENT * deviate).exp()
    }

    fn factor(&self, draws: &Draws, draw: usize, at: f64) -> f64 {
        self.priced_by
            .iter()
            .filter(|event| time(draws, **event, draw) <= at)
            .filter_map(|event| draws.factors.get(*event)?.get(draw))
            .product()
    }

    /// Goes through one future. `home_every`: days of work between checkpoints that come home. `paid_for` is told of each
    /// stretch of work: its first and last day, and what is paid for it.
    pub(super) fn walk<L: Law>(
        &self,
        draws: &Draws,
        draw: usize,
        changes: &Changes<'_>,
        law: &mut Remembered<'_, L>,
        home_every: f64,
        mut paid_for: impl FnMut(f64, f64, f64),
    ) -> Walk {
        let need = self.length(draws.length.get(draw).copied().unwrap_or_default());
        let daily = self.daily.unwrap_or(0.0);
        let beside = self.beside;
        let (mut at, mut done, mut begun) = (0.0_f64, 0.0_f64, false);
        let mut permitted = Outcome::Allow;
        let mut rented = 0.0;
        let mut walk = Walk {
            stop: None,
            end: 0.0,
            spent: 0.0,
            lost_days: 0.0,
            lost_money: 0.0,
        };
        for event in &self.waits_for {
            at = at.max(time(draws, *event, draw));
            if at.is_infinite() {
                walk.stop = Some(Stop::Event(*event));
                return walk;
            }
        }
        // What is missing to the promise is paid at the end.
        let promised = |walk: &mut Walk, rented: f64, paid_for: &mut dyn FnMut(f64, f64, f64)| {
            let missing = (self.least - rented).max(0.0);
            paid_for(walk.end, walk.end, missing);
            walk.spent += missing;
        };
        loop {
            let paid = daily * self.factor(draws, draw, at) + beside;
            // What is left over once the checkpoints that came home are counted; of an endless time between them, all.
            let in_vain = |done: f64| done % home_every;
            let lost = self
                .lost_by
                .iter()
                .find(|event| time(draws, **event, draw) <= at);
            let stretch = changes.days.partition_point(|day| *day <= at);
            let mut passed = 0_u32;
            let mut latest = (f64::NEG_INFINITY, None);
            for (bit, event) in changes.events.iter().enumerate() {
                let day = time(draws, *event, draw);
                if day <= at {
                    passed |= 1 << bit;
                    if day > latest.0 {
                        latest = (day, Some(*event));
                    }
                }
            }
            let outcome = law.outcome(stretch, passed, begun);
            if lost.is_some() || outcome > permitted {
                let redone = if begun { in_vain(done) } else { 0.0 };
                walk.lost_days += redone;
                walk.lost_money += redone * paid;
                done -= redone;
                let turned = stretch
                    .checked_sub(1)
                    .and_then(|last| changes.days.get(last))
                    .copied()
                    .unwrap_or(f64::NEG_INFINITY);
                let why = match (lost, latest) {
                    (Some(event), _) => Stop::Event(*event),
                    (None, (day, Some(event))) if day >= turned => Stop::Event(event),
                    _ if begun || turned > f64::NEG_INFINITY => Stop::Stretch(stretch),
                    _ => Stop::Unlawful,
                };
                let asked = match outcome {
                    _ if lost.is_some() => None,
                    Outcome::NeedsReview => draws.review.get(draw),
                    Outcome::LicenseRequired => draws.licence.get(draw),
                    Outcome::Allow | Outcome::Prohibited => None,
                };
                match (asked, lost) {
                    (
                        Some(Asked {
                            days,
                            granted: true,
                        }),
                        _,
                    ) => {
                        permitted = outcome;
                        walk.lost_days += days;
                        at += days;
                        continue;
                    }
                    (Some(_), _) => walk.stop = Some(Stop::Refused(outcome)),
                    // What is not lawful yet may be on a day that is known.
                    (None, None) if !begun => {
                        if let Some(next) = changes.days.get(stretch) {
                            walk.lost_days += next - at;
                            at = *next;
                            continue;
                        }
                        walk.stop = Some(why);
                    }
                    _ => walk.stop = Some(why),
                }
                walk.end = at;
                if begun {
                    promised(&mut walk, rented, &mut paid_for);
                }
                return walk;
            }
            if !begun {
                paid_for(at, at, self.upfront);
                walk.spent += self.upfront;
            }
            begun = true;
            let next = self
                .lost_by
                .iter()
                .chain(&self.priced_by)
                .chain(changes.events)
                .map(|event| time(draws, *event, draw))
                .filter(|day| *day > at)
                .chain(changes.days.get(stretch).copied())
                .fold(f64::INFINITY, f64::min);
            let finish = at + (need - done);
            if finish <= next {
                paid_for(at, finish, (need - done) * paid);
                paid_for(finish, finish, self.egress);
                walk.spent += (need - done) * paid;
                walk.end = finish;
                rented += (need - done) * (paid - beside);
                promised(&mut walk, rented, &mut paid_for);
                walk.spent += self.egress;
                return walk;
            }
            paid_for(at, next, (next - at) * paid);
            walk.spent += (next - at) * paid;
            rented += (next - at) * (paid - beside);
            done += next - at;
            at = next;
        }
    }

    /// Goes through all futures.
    pub(super) fn walks<L: Law>(
        &self,
        draws: &Draws,
        changes: &Changes<'_>,
        law: &mut L,
        home_every: f64,
    ) -> Vec<Walk> {
        let mut law = Remembered::new(law, changes);
        (0..draws.count)
            .map(|draw| self.walk(draws, draw, changes, &mut law, home_every, |_, _, _| {}))
            .collect()
    }
}

fn time(draws: &Draws, event: usize, draw: usize) -> f64 {
    draws
        .times
        .get(event)
        .and_then(|times| times.get(draw))
        .copied()
        .unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Table<F>(F);

    impl<F: FnMut(usize, u32, bool) -> Outcome> Law for Table<F> {
        fn outcome(&mut self, stretch: usize, passed: u32, begun: bool) -> Outcome {
            (self.0)(stretch, passed, begun)
        }
    }

    fn draws(times: &[f64], review: Asked) -> Draws {
        Draws {
            count: 1,
            times: times.iter().map(|day| vec![*day]).collect(),
            factors: times.iter().map(|_| vec![2.0]).collect(),
            length: vec![0.0],
            review: vec![review],
            licence: vec![Asked {
                days: 40.0,
                granted: false,
            }],
        }
    }

    const NO: Asked = Asked {
        days: 5.0,
        granted: false,
    };

    fn course() -> Course {
        Course {
            days: [8.0, 10.0, 14.0],
            daily: Some(100.0),
            egress: 7.0,
            ..Course::default()
        }
    }

    fn one(
        course: &Course,
        draws: &Draws,
        changes: &Changes<'_>,
        home_every: f64,
        law: impl FnMut(usize, u32, bool) -> Outcome,
    ) -> Walk {
        course.walks(draws, changes, &mut Table(law), home_every)[0]
    }

    const NONE: Changes<'_> = Changes {
        days: &[],
        events: &[],
    };

    fn allowed(_: usize, _: u32, _: bool) -> Outcome {
        Outcome::Allow
    }

    #[test]
    fn a_quiet_future_costs_what_the_plan_says() {
        let walk = one(&course(), &draws(&[], NO), &NONE, 1.0, allowed);
        let expected = Walk {
            stop: None,
            end: 10.0,
            spent: 1007.0,
            lost_days: 0.0,
            lost_money: 0.0,
        };
        assert_eq!(walk, expected);
    }

    #[test]
    fn a_place_that_is_lost_takes_the_work_since_the_last_checkpoint_home() {
        let mut plan = course();
        plan.lost_by = vec![0];
        let at = |home_every| one(&plan, &draws(&[6.5], NO), &NONE, home_every, allowed);
        let walk = at(4.0);
        assert_eq!(walk.stop, Some(Stop::Event(0)));
        assert_eq!(
            (walk.end, walk.spent, walk.lost_days, walk.lost_money),
            (6.5, 650.0, 2.5, 250.0)
        );
        assert!(at(1.0).lost_money < walk.lost_money);
        assert_eq!(at(f64::INFINITY).lost_money, 650.0, "nothing came home");
        assert_eq!(
            one(&plan, &draws(&[20.0], NO), &NONE, 1.0, allowed).stop,
            None,
            "lost after the end"
        );
    }

    #[test]
    fn a_term_is_paid_whatever_becomes_of_the_run() {
        let reserved = Course {
            daily: Some(0.0),
            upfront: 5000.0,
            beside: 3.0,
            lost_by: vec![0],
            ..course()
        };
        let lost =
            |course: &Course, day: f64| one(course, &draws(&[day], NO), &NONE, 1.0, allowed).spent;
        assert_eq!(lost(&reserved, 4.0), 5012.0);
        assert_eq!(lost(&reserved, 99.0), 5037.0, "ten days and the way home");
        let promised = Course {
            least: 600.0,
            lost_by: vec![0],
            ..course()
        };
        assert_eq!(lost(&promised, 4.0), 600.0);
        assert_eq!(lost(&promised, 99.0), 1007.0);
        assert_eq!(lost(&promised, 0.0), 0.0, "never begun");
    }

    #[test]
    fn a_price_moves_from_its_day_on() {
        let mut plan = course();
        plan.priced_by = vec![0];
        let walk = one(&plan, &draws(&[4.0], NO), &NONE, 1.0, allowed);
        assert_eq!(walk.spent, 400.0 + 6.0 * 200.0 + 7.0);
    }

    #[test]
    fn a_law_that_changes_stops_the_run_or_makes_it_wait() {
        let changes = Changes {
            days: &[],
            events: &[0],
        };
        let law = |_: usize, passed: u32, _: bool| {
            if passed == 0 {
                Outcome::Allow
            } else {
                Outcome::NeedsReview
            }
        };
        let refused = one(&course(), &draws(&[6.5], NO), &changes, 1.0, law);
        assert_eq!(refused.stop, Some(Stop::Refused(Outcome::NeedsReview)));
        let yes = Asked {
            days: 5.0,
            granted: true,
        };
        let granted = one(&course(), &draws(&[6.5], yes), &changes, 1.0, law);
        // Half a day is done again, five are waited.
        assert_eq!((granted.stop, granted.end), (None, 15.5));
        assert_eq!((granted.lost_days, granted.lost_money), (5.5, 50.0));
        assert_eq!(granted.spent, 1057.0);
        let forbidden = one(
            &course(),
            &draws(&[6.5], yes),
            &changes,
            1.0,
            |_, passed, _| {
                if passed == 0 {
                    Outcome::Allow
                } else {
                    Outcome::Prohibited
                }
            },
        );
        assert_eq!(forbidden.stop, Some(Stop::Event(0)));
    }

    #[test]
    fn known_days_count_before_and_during_the_run() {
        let changes = Changes {
            days: &[3.0, 30.0],
            events: &[],
        };
        // Forbidden up to the third day: it begins then.
        let late = one(
            &course(),
            &draws(&[], NO),
            &changes,
            1.0,
            |stretch, _, _| {
                if stretch == 0 {
                    Outcome::Prohibited
                } else {
                    Outcome::Allow
                }
            },
        );
        assert_eq!((late.stop, late.end, late.lost_days), (None, 13.0, 3.0));
        // Forbidden from the third day on, for what is not begun and for what is.
        let cut = one(
            &course(),
            &draws(&[], NO),
            &changes,
            2.0,
            |stretch, _, _| {
                if stretch > 0 {
                    Outcome::Prohibited
                } else {
                    Outcome::Allow
                }
            },
        );
        assert_eq!(
            (cut.stop, cut.end, cut.lost_days),
            (Some(Stop::Stretch(1)), 3.0, 1.0)
        );
        // Only beginning is forbidden then: what runs goes on.
        let begun = one(
            &course(),
            &draws(&[], NO),
            &changes,
            2.0,
            |stretch, _, begun| {
                if stretch > 0 && !begun {
                    Outcome::Prohibited
                } else {
                    Outcome::Allow
                }
            },
        );
        assert_eq!(begun.stop, None);
        let never = one(&course(), &draws(&[], NO), &NONE, 1.0, |_, _, _| {
            Outcome::Prohibited
        });
        assert_eq!(never.stop, Some(Stop::Unlawful));
    }

    #[test]
    fn a_chip_that_is_not_released_is_waited_for() {
        let mut plan = course();
        plan.waits_for = vec![0];
        assert_eq!(
            one(&plan, &draws(&[12.0], NO), &NONE, 1.0, allowed).end,
            22.0
        );
        let never = one(&plan, &draws(&[f64::INFINITY], NO), &NONE, 1.0, allowed);
        assert_eq!(never.stop, Some(Stop::Event(0)));
    }

    #[test]
    fn the_length_gives_the_interval_back() {
        let plan = course();
        assert!((plan.length(0.0) - 10.0).abs() < 1e-9);
        assert!((plan.length(-TEN_PERCENT) - 8.0).abs() < 1e-9);
        assert!((plan.length(TEN_PERCENT) - 14.0).abs() < 1e-9);
    }

    #[test]
    fn the_law_is_asked_once_for_each_reading() {
        let mut asked = 0;
        let mut plan = draws(&[6.5], NO);
        plan.count = 100;
        plan.times = vec![vec![6.5; 100]];
        plan.length = vec![0.0; 100];
        plan.review = vec![NO; 100];
        let changes = Changes {
            days: &[3.0],
            events: &[0],
        };
        let mut law = Table(|_: usize, _: u32, _: bool| {
            asked += 1;
            Outcome::Allow
        });
        course().walks(&plan, &changes, &mut law, 1.0);
        assert_eq!(asked, 3, "day 0, day 3, the event");
    }

    proptest! {
        /// Nothing is lost by bringing checkpoints home twice as often, no more is lost than was spent, and a run ends.
        #[test]
        fn oftener_is_never_worse(
            lost in prop::option::of(0.0..40.0_f64), passed in prop::option::of(0.0..40.0_f64), turns in prop::collection::vec(0.0..40.0_f64, 0..4),
            every in 0.1..9.0_f64, outcomes in prop::collection::vec(0..4_usize, 16), granted: bool, deviate in -3.0..3.0_f64,
        ) {
            let mut turns = turns;
            turns.sort_by(f64::total_cmp);
            let mut plan = course();
            plan.lost_by = vec![0];
            let changes = Changes { days: &turns, events: &[1] };
            let mut future = draws(&[lost.unwrap_or(f64::INFINITY), passed.unwrap_or(f64::INFINITY)], Asked { days: 3.0, granted });
            future.length = vec![deviate];
            let all = [Outcome::Allow, Outcome::NeedsReview, Outcome::LicenseRequired, Outcome::Prohibited];
            let law = |stretch: usize, passed: u32, begun: bool| all[outcomes[(stretch * 4 + passed as usize * 2 + usize::from(begun)) % 16]];
            let rare = one(&plan, &future, &changes, every, law);
            let often = one(&plan, &future, &changes, every / 2.0, law);
            for walk in [rare, often] {
                prop_assert!(walk.end.is_finite() && walk.lost_money <= walk.spent + 1e-6);
                prop_assert!(walk.lost_days >= 0.0 && walk.spent >= 0.0);
            }
            // The first interruption comes at the same time for both.
            if rare.stop.is_some() && rare.end == often.end {
                prop_assert!(often.lost_money <= rare.lost_money + 1e-6);
            }
        }
    }
}
