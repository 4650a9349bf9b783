//! Several tasks, one budget: which place each task gets, and what another dollar or chip-hour would change.
//!
//! Only lawful places take part. The assignment is proved to be the best one, or says how far it may be from it.

mod solve;

use causeway_domain::portfolio::{File, Limit, Task};
use causeway_domain::{Fact, Hours, Usd};
use causeway_law::Outcome;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Serialize;

use self::solve::{Choice, Failed, Found, Program};
use crate::candidate::{Candidate, Comparison, span};

/// Accelerator-hours more, of which the worth is told.
const MORE_HOURS: f64 = 100.0;
/// Share of an amount of money more, of which the worth is told.
const MORE_MONEY: f64 = 0.1;

/// A task and the places for it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// What the file says of it.
    pub task: &'a Task,
    /// Its places.
    pub comparison: &'a Comparison,
}

/// Which place each task gets.
#[derive(Debug, Clone, Serialize)]
pub struct Portfolio {
    /// The tasks, in the order of the file.
    pub assignments: Vec<Assignment>,
    /// What all of it costs.
    pub cost: Usd,
    /// No assignment is better by more than this: zero where it is proved to be the best.
    pub gap: Usd,
    /// The limits: how much is used, and what more would give.
    pub limits: Vec<Use>,
    /// What the best assignment would cost if the law were not asked, for comparison alone; none where that costs no less.
    pub price_of_lawfulness: Option<Usd>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What becomes of one task.
#[derive(Debug, Clone, Serialize)]
pub struct Assignment {
    /// The task's name.
    pub task: String,
    /// Its place; none: it is left out.
    pub place: Option<Placed>,
    /// Places that could not take part, and why, the most frequent reason first.
    pub passed_over: Vec<String>,
}

/// A task's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// The candidate's name.
    pub place: String,
    /// Expected cost.
    pub cost: Usd,
    /// In nine of ten cases it takes no longer.
    pub at_most: Hours,
    /// Why Causeway can't reach it yet, where it can't.
    pub unreachable: Option<String>,
}

/// A limit, how much of it is used, and what more of it would give.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// Of what: `budget`, `H100 hours in MY`.
    pub what: String,
    /// How much is used.
    pub used: f64,
    /// How much there is.
    pub most: f64,
    /// How much more was tried.
    pub more: f64,
    /// What that would be worth: money saved, or worth of tasks that could then be done. Zero: the limit does not bind.
    pub worth: Usd,
}

/// Why there is no assignment: which constraint fails, and by how much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{}", reasons.join("; "))]
#[diagnostic(help(
    "raise a limit, move a deadline, or give a task a `worth` so that it may be left out"
))]
pub struct NoAssignment {
    /// The reasons, a sentence each.
    pub reasons: Vec<String>,
}

/// What a limit is of.
#[derive(Debug, Clone, Copy)]
enum Measure {
    Money(f64),
    AcceleratorHours(f64),
    Nodes(f64),
}

struct Bound<'f> {
    what: String,
    measure: Measure,
    /// None: the budget, of everything.
    at: Option<&'f Limit>,
}

/// Assigns the tasks of a portfolio file, in at most so many seconds for each search.
///
/// # Errors
/// [`NoAssignment`] where what must be done can't be.
pub fn assign(file: &File, entries: &[Entry<'_>], seconds: f64) -> Result<Portfolio, NoAssignment> {
    let bounds = bounds(file);
    let lawful = Field::of(entries, &bounds, true);
    let found = lawful
        .program
        .solve(seconds)
        .map_err(|failed| lawful.explain(failed, entries, &bounds))?;
    let limits = bounds
        .iter()
        .enumerate()
        .map(|(index, bound)| lawful.use_of(index, bound, &found, seconds))
        .collect();
    let assignments: Vec<Assignment> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| Assignment {
            task: entry.comparison.task.clone(),
            place: found
                .taken
                .get(index)
                .copied()
                .flatten()
                .and_then(|choice| lawful.candidates.get(choice))
                .and_then(|candidate| placed(candidate)),
            passed_over: lawful.passed_over.get(index).cloned().unwrap_or_default(),
        })
        .collect();
    let cost = assignments
        .iter()
        .filter_map(|assignment| assignment.place.as_ref())
        .map(|place| place.cost)
        .fold(Usd::default(), |sum, cost| sum + cost);
    let any = Field::of(entries, &bounds, false);
    let price_of_lawfulness = any
        .program
        .solve(seconds)
        .ok()
        .map(|other| other.value - found.value)
        .filter(|less| *less > 0.005)
        .map(usd);
    let mut notes = vec![
        "a task is in time where it ends before its deadline in nine of ten cases, begun now"
            .to_owned(),
    ];
    if file.limits.iter().any(|limit| limit.nodes.is_some()) {
        notes.push("nodes are counted as if all tasks ran at once".to_owned());
    }
    Ok(Portfolio {
        assignments,
        cost,
        gap: usd(found.bound - found.value),
        limits,
        price_of_lawfulness,
        notes,
    })
}

fn usd(amount: f64) -> Usd {
    Usd::new(
        Decimal::from_f64_retain(amount)
            .unwrap_or(Decimal::MAX)
            .round_dp(2),
    )
}

fn dollars(amount: Usd) -> f64 {
    amount.get().to_f64().unwrap_or(f64::MAX)
}

fn placed(candidate: &Candidate) -> Option<Placed> {
    Some(Placed {
        place: candidate.name(),
        cost: candidate.cost()?,
        at_most: longest(candidate)?,
        unreachable: candidate.unreachable.clone(),
    })
}

/// In nine of ten cases it takes no longer.
fn longest(candidate: &Candidate) -> Option<Hours> {
    let hours = candidate.estimate.as_ref().ok()?.hours.known()?;
    Some(hours.high)
}

fn bounds(file: &File) -> Vec<Bound<'_>> {
    let budget = file.budget.map(|budget| Bound {
        what: "budget".to_owned(),
        measure: Measure::Money(dollars(budget)),
        at: None,
    });
    let limits = file.limits.iter().filter_map(|limit| {
        let (noun, measure) = match (limit.accelerator_hours, limit.nodes, limit.spend) {
            (Some(hours), _, _) => ("hours", Measure::AcceleratorHours(hours)),
            (_, Some(nodes), _) => ("nodes", Measure::Nodes(f64::from(nodes))),
            (_, _, Some(spend)) => ("spending", Measure::Money(dollars(spend))),
            (None, None, None) => return None,
        };
        let mut what = match &limit.accelerator {
            Some(accelerator) => format!("{accelerator} {noun}"),
            None if matches!(measure, Measure::AcceleratorHours(_)) => {
                "accelerator hours".to_owned()
            }
            None => noun.to_owned(),
        };
        if let Some(site) = &limit.site {
            what.push_str(&format!(" at {site}"));
        }
        if let Some(country) = limit.country {
            what.push_str(&format!(" in {country}"));
        }
        Some(Bound {
            what,
            measure,
            at: Some(limit),
        })
    });
    budget.into_iter().chain(limits).collect()
}

impl Bound<'_> {
    const fn most(&self) -> f64 {
        match self.measure {
            Measure::Money(most) | Measure::AcceleratorHours(most) | Measure::Nodes(most) => most,
        }
    }

    /// How much more is tried, to say what it would be worth.
    fn step(&self) -> f64 {
        match self.measure {
            Measure::Money(most) => most * MORE_MONEY,
            Measure::AcceleratorHours(_) => MORE_HOURS,
            Measure::Nodes(_) => 1.0,
        }
    }

    fn amount(&self, amount: f64) -> String {
        match self.measure {
            Measure::Money(_) => usd(amount).to_string(),
            Measure::AcceleratorHours(_) => format!("{amount:.0} h"),
            Measure::Nodes(_) => format!("{amount:.0}"),
        }
    }

    /// What a candidate takes of it. A place of which the country is not known counts wherever a country is named.
    fn taken_by(&self, candidate: &Candidate, cost: f64, hours: Hours) -> f64 {
        if let Some(limit) = self.at {
            let elsewhere = limit.site.is_some() && candidate.site != limit.site
                || limit.country.is_some_and(|wanted| {
                    matches!(&candidate.place.country, Fact::Known(country, _) if *country != wanted)
                })
                || limit.accelerator.as_ref().is_some_and(|wanted| !candidate.has_chip(wanted));
            if elsewhere {
                return 0.0;
            }
        }
        match self.measure {
            Measure::Money(_) => cost,
            Measure::AcceleratorHours(_) => {
                let each = candidate
                    .accelerator
                    .as_ref()
                    .map_or(0, |(_, count)| *count);
                f64::from(each) * f64::from(candidate.nodes) * hours.get()
            }
            Measure::Nodes(_) => f64::from(candidate.nodes),
        }
    }
}

/// The choices and what they are of.
struct Field<'a> {
    program: Program,
    candidates: Vec<&'a Candidate>,
    /// For each task why places could not take part.
    passed_over: Vec<Vec<String>>,
}

impl<'a> Field<'a> {
    fn of(entries: &[Entry<'a>], bounds: &[Bound<'_>], lawful: bool) -> Self {
        let mut field = Self {
            program: Program {
                worth: entries
                    .iter()
                    .map(|entry| entry.task.worth.map(dollars))
                    .collect(),
                choices: Vec::new(),
                limits: bounds.iter().map(Bound::most).collect(),
            },
            candidates: Vec::new(),
            passed_over: Vec::new(),
        };
        for (task, entry) in entries.iter().enumerate() {
            let mut reasons = Reasons::default();
            let left = hours_left(entry);
            for candidate in &entry.comparison.candidates {
                let Some((cost, hours)) = reasons.admits(candidate, entry.task, left, lawful)
                else {
                    continue;
                };
                let cost = dollars(cost);
                field.program.choices.push(Choice {
                    task,
                    cost,
                    uses: bounds
                        .iter()
                        .map(|bound| bound.taken_by(candidate, cost, hours))
                        .collect(),
                });
                field.candidates.push(candidate);
            }
            field.passed_over.push(reasons.words());
        }
        field
    }

    fn use_of(&self, index: usize, bound: &Bound<'_>, found: &Found, seconds: f64) -> Use {
        let used = found
            .taken
            .iter()
            .flatten()
            .filter_map(|choice| self.program.choices.get(*choice)?.uses.get(index))
            .sum();
        let mut raised = self.program.clone();
        if let Some(limit) = raised.limits.get_mut(index) {
            *limit += bound.step();
        }
        let worth = raised
            .solve(seconds)
            .map_or(0.0, |other| (other.value - found.value).max(0.0));
        Use {
            what: bound.what.clone(),
            used,
            most: bound.most(),
            more: bound.step(),
            worth: usd(worth),
        }
    }

    fn explain(&self, failed: Failed, entries: &[Entry<'_>], bounds: &[Bound<'_>]) -> NoAssignment {
        let reasons = match failed {
            Failed::NoChoice(tasks) => tasks
                .into_iter()
                .filter_map(|task| {
                    let name = &entries.get(task)?.comparison.task;
                    let why = self.passed_over.get(task)?;
                    Some(if why.is_empty() {
                        format!("`{name}` has no place: no offer is of the kind that it asks for")
                    } else {
                        format!("`{name}` has no place: {}", why.join(", "))
                    })
                })
                .collect(),
            Failed::Limits(short) => short
                .into_iter()
                .filter_map(|(limit, by)| {
                    let bound = bounds.get(limit)?;
                    Some(format!(
                        "{}: {} is {} too little for what must be done",
                        bound.what,
                        bound.amount(bound.most()),
                        bound.amount(by)
                    ))
                })
                .collect(),
            Failed::Time => vec!["no assignment was found in time: allow more seconds".to_owned()],
            Failed::Solver(why) => vec![format!("the solver failed: {why}")],
        };
        NoAssignment { reasons }
    }
}

/// Hours from the comparison's instant to the end of the deadline's day, UTC.
fn hours_left(entry: &Entry<'_>) -> Option<f64> {
    let end = entry.task.deadline?.tomorrow().ok()?;
    let end = end.at(0, 0, 0, 0).in_tz("UTC").ok()?.timestamp();
    Some((end.as_second() - entry.comparison.at.as_second()) as f64 / 3600.0)
}

/// Why places can't take part, counted.
#[derive(Default)]
struct Reasons {
    unable: usize,
    unlawful: usize,
    elsewhere: usize,
    unpriced: usize,
    untimed: usize,
    late: usize,
    /// By how many hours the quickest of those is late.
    least_late: Option<f64>,
}

impl Reasons {
    /// Cost and expected time of a place that can take part.
    fn admits(
        &mut self,
        candidate: &Candidate,
        task: &Task,
        left: Option<f64>,
        lawful: bool,
    ) -> Option<(Usd, Hours)> {
        let place = candidate.place.country.known();
        // Those that nothing tells from it, and that cost no less, are passed over with it.
        let count = 1 + candidate.alike;
        if !candidate.infeasible.is_empty() {
            self.unable += count;
        } else if lawful && candidate.outcome != Outcome::Allow {
            self.unlawful += count;
        } else if let Some(stays) = &task.stays_in
            && place.is_none_or(|place| !stays.contains(place))
        {
            self.elsewhere += count;
        } else {
            let Some((hours, most)) = candidate.hours().zip(longest(candidate)) else {
                self.untimed += count;
                return None;
            };
            if let Some(late) = left
                .map(|left| most.get() - left)
                .filter(|late| *late > 0.0)
            {
                self.late += count;
                self.least_late = Some(self.least_late.map_or(late, |least| least.min(late)));
                return None;
            }
            let Some(cost) = candidate.cost() else {
                self.unpriced += count;
                return None;
            };
            return Some((cost, hours));
        }
        None
    }

    fn words(&self) -> Vec<String> {
        let late = self.least_late.map_or_else(String::new, |hours| {
            format!("too late, the quickest by {}", span(Hours::new(hours)))
        });
        let mut all = vec![
            (self.unable, "unable to run it"),
            (self.unlawful, "not lawful as they are"),
            (self.elsewhere, "where its data may not be"),
            (self.untimed, "of unknown time"),
            (self.unpriced, "without a price"),
            (self.late, late.as_str()),
        ];
        all.retain(|(count, _)| *count > 0);
        all.sort_by(|(a, _), (b, _)| b.cmp(a));
        all.into_iter()
            .map(|(count, why)| format!("{count} {why}"))
            .collect()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
