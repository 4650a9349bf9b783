//! Plans as chance sees them: how long, at what price, hit by which events.

use causeway_domain::scenario::{File, Place};
use causeway_domain::{Fact, Hours, Usd};
use causeway_estimate::Interval;
use causeway_market::Term;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::course::Course;
use crate::candidate::{Candidate, Comparison};

/// A plan that takes part.
pub(super) struct Entrant<'c> {
    pub(super) candidate: &'c Candidate,
    pub(super) course: Course,
}

impl Entrant<'_> {
    /// What sending one checkpoint home costs.
    pub(super) fn egress(&self) -> Option<Usd> {
        let estimate = self.candidate.estimate.as_ref().ok()?;
        estimate.bill.egress.known().copied()
    }
}

/// The plans that can be drawn for, and how many can't.
pub(super) fn entrants<'c>(
    comparison: &'c Comparison,
    file: &File,
    most: usize,
) -> (Vec<Entrant<'c>>, usize) {
    let mut plans = Vec::new();
    let mut left_out = 0;
    for candidate in &comparison.candidates {
        let course = (candidate.infeasible.is_empty() && plans.len() < most)
            .then(|| course(candidate, file))
            .flatten();
        match course {
            Some(course) => plans.push(Entrant { candidate, course }),
            None => left_out += 1,
        }
    }
    (plans, left_out)
}

fn course(candidate: &Candidate, file: &File) -> Option<Course> {
    let hours = candidate.estimate.as_ref().ok()?.hours.known()?;
    let days = [hours.low, hours.mid, hours.high].map(|hours| hours.get() / 24.0);
    if !days.iter().all(|days| *days > 0.0 && days.is_finite()) {
        return None;
    }
    let is = |wanted: &str| candidate.has_chip(wanted);
    let bill = &candidate.estimate.as_ref().ok()?.bill;
    let machines = bill.nodes.known().map(|nodes| dollars(nodes.mid.get()));
    let of_days = |part: &Fact<Interval<Usd>>| {
        let amount = part.known().map_or(0.0, |part| dollars(part.mid.get()));
        amount / days[1]
    };
    let nodes = f64::from(candidate.nodes);
    // What is paid for each day of work, at the start, and in any case.
    let (daily, upfront, least) = match candidate.term {
        None => (None, 0.0, 0.0),
        Some(Term::OnDemand(price) | Term::Spot(price)) => {
            (Some(24.0 * nodes * dollars(price.get())), 0.0, 0.0)
        }
        Some(Term::Reserved { .. }) => (machines.map(|_| 0.0), machines.unwrap_or_default(), 0.0),
        Some(term @ Term::Committed { hourly, .. }) => {
            let promised = nodes * dollars(term.cost(Hours::new(0.0)).get());
            (Some(24.0 * nodes * dollars(hourly.get())), 0.0, promised)
        }
    };
    let moves = matches!(candidate.term, Some(Term::OnDemand(_) | Term::Spot(_)));
    let mut course = Course {
        days,
        daily,
        upfront,
        least,
        beside: of_days(&bill.storage) + of_days(&bill.people),
        egress: bill
            .egress
            .known()
            .map_or(0.0, |egress| dollars(egress.get())),
        ..Course::default()
    };
    for (index, event) in file.events.values().enumerate() {
        let hit = match &event.lost {
            Some(Place::Site(site)) => candidate.site.as_ref() == Some(site),
            Some(Place::Country(country)) => candidate.place.country.known() == Some(country),
            None => false,
        };
        if hit {
            course.lost_by.push(index);
        }
        // What was agreed for a term stays.
        if moves
            && let Some(price) = &event.price
            && price.accelerator.as_deref().is_none_or(is)
        {
            course.priced_by.push(index);
        }
        if event.released.as_deref().is_some_and(is) {
            course.waits_for.push(index);
        }
    }
    Some(course)
}

pub(super) fn dollars(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(f64::MAX)
}
