//! Plans against what may happen: bills that pass, places that are lost, prices that move.
//!
//! Each plan goes through the same drawn futures. Whenever the law may read otherwise, on a known day or because a bill has
//! passed, the plan's acts are judged again as of that day: before the run has begun all of them, afterwards those that go
//! on. What stops being allowed stops, or waits for an answer if the file says what comes of asking. Nothing here launches.

mod course;
mod draws;
mod entrants;
mod judge;
mod premises;
mod series;

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::Weights;
use causeway_domain::scenario::{File, Scenario};
use causeway_domain::{Date, Hours, Probability, Usd};
use causeway_law::{Outcome, Packs, Settings};
use rust_decimal::Decimal;
use serde::Serialize;

use self::course::{Changes, Stop, Walk};
use self::draws::{Draws, Happening};
use self::entrants::{Entrant, dollars, entrants};
use self::judge::{Judge, known_changes};
pub use self::premises::{FIELDS, Premise, trace};
pub use self::series::{Band, Moment};
use crate::candidate::{Comparison, rank};
use crate::factors::Factor;

/// The built-in scenario file: the bills of the rule packs.
pub const BASE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../catalog/scenarios/base.yaml"
));
/// The name of the reading in which every event has its own chance.
pub const AS_IT_MAY_COME: &str = "as it may come";
/// Plans whose checkpoints are looked at.
const COMPARED: usize = 3;
/// Plans of the first reading whose money is followed from day to day, beside the first of the comparison.
const FOLLOWED: usize = 4;
/// The most events that change the law: each may have passed or not, and every combination may be asked for.
const MOST_BILLS: usize = 10;
/// Shares of futures that differ by less are equal: about what 10,000 draws can tell.
const EQUAL: f64 = 0.01;

/// How futures are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    /// Futures.
    pub draws: usize,
    /// Where chance begins: the same seed gives the same answer.
    pub seed: u64,
    /// Plans that are looked at, the best first.
    pub plans: usize,
    /// Hours of work between two checkpoints that come home.
    pub home_every: Hours,
}

/// What becomes of the plans.
#[derive(Debug, Clone, Serialize)]
pub struct Outlook {
    /// Futures that were drawn.
    pub draws: usize,
    /// The seed.
    pub seed: u64,
    /// Hours of work between two checkpoints that come home.
    pub home_every: Hours,
    /// The readings: the first has every event with its own chance.
    pub readings: Vec<Reading>,
    /// The plan that does best where it does worst.
    pub robust: Option<Robust>,
    /// What may happen, how likely that is, and who says so.
    pub premises: Vec<Premise>,
    /// What bringing checkpoints home more often is worth, for the best plans of the first reading.
    pub checkpoints: Vec<Cadence>,
    /// Chances that are nobody's but the file's author's, and other things that a reader must know.
    pub notes: Vec<String>,
}

/// A reading of the future.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Its name in the file.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// The plans, best first.
    pub prospects: Vec<Prospect>,
}

/// What becomes of one plan.
#[derive(Debug, Clone, Serialize)]
pub struct Prospect {
    /// The candidate's label.
    pub place: String,
    /// Share of the futures in which it finishes, lawful all the way.
    pub finishes: Probability,
    /// Standard error of that share, from the number of draws.
    pub error: Probability,
    /// Money spent where it finishes; none where no price is known or it never does.
    pub money: Option<Spread<Usd>>,
    /// Time from today to the end, where it finishes.
    pub time: Option<Spread<Hours>>,
    /// Money spent on work in vain, over all futures; none where no price is known.
    pub money_lost: Option<Spread<Usd>>,
    /// Time waited and worked in vain, over all futures.
    pub time_lost: Spread<Hours>,
    /// Why it stops, with the share of all futures; the most frequent first.
    pub stopped: Vec<(String, Probability)>,
    /// How it stands from day to day.
    pub moments: Vec<Moment>,
}

/// The middle and what one in twenty exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread<T> {
    /// Half of the futures have less.
    pub p50: T,
    /// One in twenty has more.
    pub p95: T,
}

/// The plan that does best where it does worst.
#[derive(Debug, Clone, Serialize)]
pub struct Robust {
    /// The candidate's label.
    pub place: String,
    /// Its smallest share over the readings.
    pub finishes: Probability,
    /// The reading in which that is so.
    pub worst: String,
}

/// What is lost when checkpoints come home so often.
#[derive(Debug, Clone, Serialize)]
pub struct Cadence {
    /// The candidate's label.
    pub place: String,
    /// Hours of work between two checkpoints that come home; none: only the last one does.
    pub every: Option<Hours>,
    /// What it costs to send that many checkpoints home from a run that nothing interrupts; none where the site states no price.
    pub egress: Option<Usd>,
    /// Mean money spent on work in vain; none where no price is known.
    pub money_lost: Option<Usd>,
    /// Mean time waited and worked in vain.
    pub time_lost: Hours,
    /// One in twenty futures loses more.
    pub p95: Spread95,
}

/// What one in twenty exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread95 {
    /// Money; none where no price is known.
    pub money_lost: Option<Usd>,
    /// Time.
    pub time_lost: Hours,
}

/// Lays plans and a scenario file beside each other. `settings`: how the organisation reads the law.
///
/// Plans that can't run the task, or of which nobody knows how long they take, are left out and counted in the notes.
///
/// # Errors
/// A pack that does not exist, or more than ten events that change the law; the message names the event.
pub fn outlook(
    comparison: &Comparison,
    file: &File,
    packs: &Packs,
    settings: &Settings,
    sampling: Sampling,
) -> Result<Outlook, String> {
    let today = jiff::tz::TimeZone::UTC.to_datetime(comparison.at).date();
    let names: Vec<&str> = file.events.keys().map(String::as_str).collect();
    let happenings: Vec<Happening<'_>> = file
        .events
        .iter()
        .map(|(name, event)| Happening {
            name,
            when: &event.when,
            factor: event.price.as_ref().map(|price| price.factor),
        })
        .collect();
    let mut bills = Vec::new();
    for (index, (name, event)) in file.events.iter().enumerate() {
        let Some(pack) = &event.pack else { continue };
        if !packs.has_pack(pack) {
            let all: BTreeSet<&str> = packs.rules().map(|rule| rule.pack.as_str()).collect();
            let all: Vec<&str> = all.into_iter().collect();
            return Err(format!(
                "event `{name}`: there is no rule pack `{pack}`; there are {}",
                all.join(", ")
            ));
        }
        bills.push((index, pack.clone()));
    }
    if bills.len() > MOST_BILLS {
        return Err(format!(
            "{} events change the law, {MOST_BILLS} can be combined: leave some out",
            bills.len()
        ));
    }
    let (plans, left_out) = entrants(comparison, file, sampling.plans);
    let horizon = plans
        .iter()
        .map(|plan| plan.course.days[2])
        .fold(1.0, f64::max);
    let changes = known_changes(packs, today, horizon);
    let days: Vec<f64> = changes
        .iter()
        .map(|day| f64::from((*day - today).get_days()))
        .collect();
    let events: Vec<usize> = bills.iter().map(|(index, _)| *index).collect();
    let changing = Changes {
        days: &days,
        events: &events,
    };
    let mut laws: Vec<Judge<'_>> = plans
        .iter()
        .map(|plan| Judge {
            undertaking: &plan.candidate.undertaking,
            packs,
            settings,
            at: comparison.at,
            stretches: &changes,
            bills: &bills,
            known: BTreeMap::new(),
        })
        .collect();
    let home_every = (sampling.home_every.get() / 24.0).max(f64::MIN_POSITIVE);

    let first = (
        AS_IT_MAY_COME,
        "every event with its own chance",
        Scenario::default(),
    );
    let mut readings = Vec::new();
    let mut checkpoints = Vec::new();
    let named = file.scenarios.iter().map(|(name, scenario)| {
        let title = scenario.title.as_deref().unwrap_or(name);
        (name.as_str(), title, scenario.clone())
    });
    for (name, title, scenario) in std::iter::once(first).chain(named) {
        let answers = [file.answers.review.as_ref(), file.answers.licence.as_ref()];
        let draws = Draws::new(
            sampling.draws,
            sampling.seed,
            today,
            horizon,
            &happenings,
            &scenario,
            answers,
        );
        let mut prospects: Vec<(usize, Prospect)> = plans
            .iter()
            .zip(&mut laws)
            .enumerate()
            .map(|(index, (plan, law))| {
                let walks = plan.course.walks(&draws, &changing, law, home_every);
                (index, prospect(plan, &walks, &names, &changes))
            })
            .collect();
        prospects.sort_by(|(_, a), (_, b)| better(a, b));
        for (place, (index, prospect)) in prospects.iter_mut().enumerate() {
            // The first in the comparison, too, wherever it comes here.
            if readings.is_empty()
                && (place < FOLLOWED || *index == 0)
                && let (Some(plan), Some(law)) = (plans.get(*index), laws.get_mut(*index))
            {
                let moments = &mut prospect.moments;
                series::money(&plan.course, &draws, &changing, law, home_every, moments);
            }
        }
        if readings.is_empty() {
            for (index, prospect) in prospects.iter().take(COMPARED) {
                if let (Some(plan), Some(law)) = (plans.get(*index), laws.get_mut(*index))
                    && prospect.finishes.get() > 0.0
                {
                    checkpoints.extend(cadences(plan, &draws, &changing, law));
                }
            }
        }
        readings.push(Reading {
            name: name.to_owned(),
            title: title.to_owned(),
            prospects: prospects
                .into_iter()
                .map(|(_, prospect)| prospect)
                .collect(),
        });
    }
    Ok(Outlook {
        draws: sampling.draws,
        seed: sampling.seed,
        home_every: sampling.home_every,
        robust: robust(&readings),
        premises: premises::premises(file),
        readings,
        checkpoints,
        notes: notes(file, left_out, &plans),
    })
}

/// Takes risk from drawn futures: the share in which a plan finishes lawfully, between its worst and its best reading; and
/// ranks anew. Plans that were not drawn for keep what they have.
pub fn weigh(comparison: &mut Comparison, outlook: &Outlook, weights: &Weights) {
    let Some(first) = outlook.readings.first() else {
        return;
    };
    for prospect in &first.prospects {
        let shares = || {
            let of = outlook.readings.iter().filter_map(|reading| {
                let same = |other: &&Prospect| other.place == prospect.place;
                Some((&reading.name, reading.prospects.iter().find(same)?.finishes))
            });
            of.map(|(name, share)| (name, 100.0 * share.get()))
        };
        let Some(candidate) = comparison
            .candidates
            .iter_mut()
            .find(|candidate| candidate.name() == prospect.place)
        else {
            continue;
        };
        let score = 100.0 * prospect.finishes.get();
        candidate.factors.risk = Factor {
            score,
            low: shares().map(|(_, share)| share).fold(score, f64::min),
            high: shares().map(|(_, share)| share).fold(score, f64::max),
            because: shares()
                .map(|(name, share)| {
                    format!(
                        "{share:.1} of 100 futures end lawfully ({name}; {} draws, seed {})",
                        outlook.draws, outlook.seed
                    )
                })
                .chain(
                    prospect
                        .stopped
                        .iter()
                        .map(|(why, share)| format!("- {share}: {why}")),
                )
                .collect(),
        };
        candidate.score = candidate.factors.total(weights);
    }
    comparison.candidates.sort_by(rank);
}

/// More futures in which it finishes, then less money where it costs much.
fn better(a: &Prospect, b: &Prospect) -> std::cmp::Ordering {
    let steps = |prospect: &Prospect| (prospect.finishes.get() / EQUAL).round();
    let money = |prospect: &Prospect| prospect.money.map(|money| money.p95);
    steps(b)
        .total_cmp(&steps(a))
        // No price comes after any.
        .then_with(|| money(a).is_none().cmp(&money(b).is_none()))
        .then_with(|| money(a).cmp(&money(b)))
        .then_with(|| a.place.cmp(&b.place))
}

fn prospect(plan: &Entrant<'_>, walks: &[Walk], names: &[&str], changes: &[Date]) -> Prospect {
    let count = walks.len().max(1) as f64;
    let ended: Vec<&Walk> = walks.iter().filter(|walk| walk.stop.is_none()).collect();
    let share = ended.len() as f64 / count;
    let mut stops: BTreeMap<Stop, usize> = BTreeMap::new();
    for stop in walks.iter().filter_map(|walk| walk.stop) {
        *stops.entry(stop).or_default() += 1;
    }
    let mut stopped: Vec<(String, Probability)> = stops
        .into_iter()
        .map(|(stop, times)| {
            let words = match stop {
                Stop::Event(event) => names.get(event).copied().unwrap_or("?").to_owned(),
                Stop::Stretch(stretch) => {
                    let day = stretch.checked_sub(1).and_then(|last| changes.get(last));
                    day.map_or_else(
                        || "the law".to_owned(),
                        |day| format!("the law from {day} on"),
                    )
                }
                Stop::Unlawful => "not lawful".to_owned(),
                Stop::Refused(Outcome::LicenseRequired) => "no licence".to_owned(),
                Stop::Refused(_) => "no review".to_owned(),
            };
            (words, Probability::new(times as f64 / count))
        })
        .collect();
    stopped.sort_by(|(a_words, a), (b_words, b)| {
        b.get()
            .total_cmp(&a.get())
            .then_with(|| a_words.cmp(b_words))
    });
    let of = |select: fn(&Walk) -> f64, walks: &mut dyn Iterator<Item = &Walk>| {
        quantiles(walks.map(select).collect())
    };
    let priced = plan.course.daily.is_some();
    let time = of(|walk| walk.end, &mut ended.iter().copied());
    Prospect {
        place: plan.candidate.name(),
        finishes: Probability::new(share),
        error: Probability::new((share * (1.0 - share) / count).sqrt()),
        money: of(|walk| walk.spent, &mut ended.iter().copied())
            .filter(|_| priced)
            .map(in_dollars),
        moments: series::shares(walks, time.map_or(plan.course.days[2], |(_, p95)| p95)),
        time: time.map(in_hours),
        money_lost: of(|walk| walk.lost_money, &mut walks.iter())
            .filter(|_| priced)
            .map(in_dollars),
        time_lost: in_hours(of(|walk| walk.lost_days, &mut walks.iter()).unwrap_or_default()),
        stopped,
    }
}

/// The middle and the 95th percentile (nearest rank); none of nothing.
fn quantiles(mut values: Vec<f64>) -> Option<(f64, f64)> {
    let rank = |share: usize| (values.len() * share).div_ceil(100).checked_sub(1);
    let (middle, high) = (rank(50)?, rank(95)?);
    let (_, p95, _) = values.select_nth_unstable_by(high, f64::total_cmp);
    let p95 = *p95;
    let (_, p50, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some((*p50, p95))
}

fn usd(amount: f64) -> Usd {
    Usd::new(
        Decimal::from_f64_retain(amount)
            .unwrap_or(Decimal::MAX)
            .round_dp(2),
    )
}

fn in_dollars((p50, p95): (f64, f64)) -> Spread<Usd> {
    Spread {
        p50: usd(p50),
        p95: usd(p95),
    }
}

fn in_hours((p50, p95): (f64, f64)) -> Spread<Hours> {
    Spread {
        p50: Hours::new(24.0 * p50),
        p95: Hours::new(24.0 * p95),
    }
}

/// What is lost with checkpoints that come home rarely and often.
fn cadences(
    plan: &Entrant<'_>,
    draws: &Draws,
    changes: &Changes<'_>,
    law: &mut Judge<'_>,
) -> Vec<Cadence> {
    [None, Some(168.0), Some(24.0), Some(6.0), Some(1.0)]
        .into_iter()
        .filter(|every| every.is_none_or(|hours| hours / 24.0 < plan.course.days[1]))
        .map(|every| {
            let days = every.map_or(f64::INFINITY, |hours| hours / 24.0);
            let walks = plan.course.walks(draws, changes, law, days);
            let mean = |select: fn(&Walk) -> f64| {
                walks.iter().map(select).sum::<f64>() / walks.len().max(1) as f64
            };
            let high = |select: fn(&Walk) -> f64| {
                quantiles(walks.iter().map(select).collect()).map_or(0.0, |(_, p95)| p95)
            };
            let priced = plan.course.daily.is_some();
            let money = |amount: f64| priced.then(|| usd(amount));
            let sent = (plan.course.days[1] / days).ceil().max(1.0);
            let egress = plan
                .egress()
                .map(|egress| usd(sent * dollars(egress.get())));
            Cadence {
                place: plan.candidate.name(),
                every: every.map(Hours::new),
                egress,
                money_lost: money(mean(|walk| walk.lost_money)),
                time_lost: Hours::new(24.0 * mean(|walk| walk.lost_days)),
                p95: Spread95 {
                    money_lost: money(high(|walk| walk.lost_money)),
                    time_lost: Hours::new(24.0 * high(|walk| walk.lost_days)),
                },
            }
        })
        .collect()
}

/// The plan whose smallest share over all readings is greatest; of equals the one that stands highest in the first reading.
fn robust(readings: &[Reading]) -> Option<Robust> {
    let first = readings.first()?;
    first
        .prospects
        .iter()
        .filter_map(|prospect| {
            let (worst, share) = readings
                .iter()
                .filter_map(|reading| {
                    let same = |other: &&Prospect| other.place == prospect.place;
                    Some((&reading.name, reading.prospects.iter().find(same)?.finishes))
                })
                .min_by(|(_, a), (_, b)| a.get().total_cmp(&b.get()))?;
            Some(Robust {
                place: prospect.place.clone(),
                finishes: share,
                worst: worst.clone(),
            })
        })
        .filter(|robust| robust.finishes.get() > 0.0)
        .reduce(|best, other| {
            let ahead = other.finishes.get() > best.finishes.get() + EQUAL;
            if ahead { other } else { best }
        })
}

fn notes(file: &File, left_out: usize, plans: &[Entrant<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let assumed: Vec<&str> = file
        .events
        .iter()
        .filter(|(_, event)| event.assumption)
        .map(|(name, _)| name.as_str())
        .collect();
    if !assumed.is_empty() {
        notes.push(format!(
            "the chances of {} are assumptions of the file's author, no source",
            assumed.join(", ")
        ));
    }
    for (name, answer) in [
        ("a review", &file.answers.review),
        ("a licence", &file.answers.licence),
    ] {
        match answer {
            None => notes.push(format!(
                "nobody says what comes of asking for {name}: a plan that needs one stops"
            )),
            Some(answer) if answer.assumption => notes.push(format!(
                "what comes of asking for {name} is an assumption of the file's author"
            )),
            Some(_) => {}
        }
    }
    if left_out > 0 {
        let places = if left_out == 1 {
            "place is"
        } else {
            "places are"
        };
        notes.push(format!(
            "{left_out} {places} left out: unable to run the task, of unknown length, or beyond the number of plans looked at"
        ));
    }
    let unpriced = plans
        .iter()
        .filter(|plan| plan.course.daily.is_none())
        .count();
    if unpriced > 0 {
        notes.push(format!(
            "{unpriced} places state no price: their money is not known"
        ));
    }
    notes
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
