//! The assignment as numbers: which choice of each task, so that worth less cost is greatest and no limit is exceeded.
//!
//! A mixed-integer program: x = 1 where a choice is taken, at most one of a task, exactly one where the task must be done.
//! Solved by branch and bound (microlp, through good_lp).

use good_lp::solvers::{ObjectiveDirection, Solution as _, SolutionStatus};
use good_lp::{
    Expression, ProblemVariables, ResolutionError, SolverModel as _, Variable, WithTimeLimit as _,
    constraint, microlp, variable,
};

/// One way to do a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// The number of its task.
    pub(super) task: usize,
    /// US dollars.
    pub(super) cost: f64,
    /// What it takes of each limit.
    pub(super) uses: Vec<f64>,
}

/// Tasks, choices and limits.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    /// What each task is worth, US dollars; none: it must be done.
    pub(super) worth: Vec<Option<f64>>,
    pub(super) choices: Vec<Choice>,
    /// How much there is of each limit.
    pub(super) limits: Vec<f64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The choice of each task.
    pub(super) taken: Vec<Option<usize>>,
    /// Worth of what is done, less its cost.
    pub(super) value: f64,
    /// No assignment has more value than this.
    pub(super) bound: f64,
}

/// Why nothing was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failed {
    /// Tasks that must be done and have no choice at all.
    NoChoice(Vec<usize>),
    /// The limits, and by how much each would have to be raised at least, together, so that all that must be done can be.
    Limits(Vec<(usize, f64)>),
    /// Nothing was found in the time that was given.
    Time,
    /// The solver failed.
    Solver(String),
}

/// One solution.
struct Run {
    taken: Vec<Option<usize>>,
    value: f64,
    /// No better one exists.
    proved: bool,
}

impl Program {
    /// Choices that no other choice of their task is as good as in every respect; of equal ones the first.
    fn undominated(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.choices.len()).collect();
        let cost = |index: usize| self.choices.get(index).map_or(0.0, |choice| choice.cost);
        order.sort_by(|a, b| cost(*a).total_cmp(&cost(*b)));
        let mut kept: Vec<usize> = Vec::new();
        for this in order {
            let Some(choice) = self.choices.get(this) else {
                continue;
            };
            // None that is kept costs more.
            let dominated = kept
                .iter()
                .filter_map(|other| self.choices.get(*other))
                .any(|other| {
                    let uses = other.uses.iter().zip(&choice.uses);
                    other.task == choice.task && uses.clone().all(|(other, this)| other <= this)
                });
            if !dominated {
                kept.push(this);
            }
        }
        kept
    }

    /// The best assignment, searched for at most so many seconds.
    pub(super) fn solve(&self, seconds: f64) -> Result<Found, Failed> {
        let kept = self.undominated();
        let forced =
            || (0..self.worth.len()).filter(|task| matches!(self.worth.get(*task), Some(None)));
        let offered = |task: usize| kept.iter().any(|index| self.task_of(*index) == Some(task));
        let without: Vec<usize> = forced().filter(|task| !offered(*task)).collect();
        if !without.is_empty() {
            return Err(Failed::NoChoice(without));
        }
        match self.run(&kept, true, seconds) {
            Ok(Run { taken, proved, .. }) => {
                let value = self.value(&taken);
                // The search was cut short: no more than what parts of choices would give.
                let relaxed = || match self.run(&kept, false, seconds) {
                    Ok(run) => run.value.max(value),
                    Err(_) => f64::INFINITY,
                };
                Ok(Found {
                    bound: if proved { value } else { relaxed() },
                    taken,
                    value,
                })
            }
            Err(ResolutionError::Infeasible) => Err(self.shortfalls(&kept, seconds)),
            Err(ResolutionError::Other(_)) => Err(Failed::Time),
            Err(error) => Err(Failed::Solver(error.to_string())),
        }
    }

    /// A variable for each choice that is kept.
    fn variables(&self, kept: &[usize], whole: bool) -> (ProblemVariables, Vec<Variable>) {
        let mut variables = ProblemVariables::new();
        let taken = kept
            .iter()
            .map(|_| {
                let between = variable().min(0).max(1);
                variables.add(if whole { between.integer() } else { between })
            })
            .collect();
        (variables, taken)
    }

    /// The choices of a task, and what all of them take of a limit.
    fn of_task(&self, kept: &[usize], taken: &[Variable], task: usize) -> Expression {
        let of = kept.iter().zip(taken);
        of.filter(|(index, _)| self.task_of(**index) == Some(task))
            .map(|(_, taken)| *taken)
            .sum()
    }

    fn use_of(&self, kept: &[usize], taken: &[Variable], limit: usize) -> Expression {
        let of = kept.iter().zip(taken);
        of.filter_map(|(index, taken)| {
            let used = *self.choices.get(*index)?.uses.get(limit)?;
            (used > 0.0).then(|| *taken * used)
        })
        .sum()
    }

    fn run(&self, kept: &[usize], whole: bool, seconds: f64) -> Result<Run, ResolutionError> {
        let (variables, taken) = self.variables(kept, whole);
        let value: Expression = kept
            .iter()
            .zip(&taken)
            .filter_map(|(index, taken)| {
                let choice = self.choices.get(*index)?;
                let worth = self.worth.get(choice.task).copied().flatten();
                Some(*taken * (worth.unwrap_or(0.0) - choice.cost))
            })
            .sum();
        let mut model = variables
            .optimise(ObjectiveDirection::Maximisation, value.clone())
            .using(microlp)
            .with_time_limit(seconds);
        for (task, worth) in self.worth.iter().enumerate() {
            let done = self.of_task(kept, &taken, task);
            model = model.with(match worth {
                None => constraint!(done == 1),
                Some(_) => constraint!(done <= 1),
            });
        }
        for (limit, most) in self.limits.iter().enumerate() {
            let used = self.use_of(kept, &taken, limit);
            model = model.with(constraint!(used <= *most));
        }
        let solution = model.solve()?;
        let mut run = Run {
            taken: vec![None; self.worth.len()],
            value: value.eval_with(&solution),
            proved: matches!(solution.status(), SolutionStatus::Optimal),
        };
        for (index, variable) in kept.iter().zip(&taken) {
            if solution.value(*variable) > 0.5
                && let Some(task) = self.task_of(*index)
                && let Some(place) = run.taken.get_mut(task)
            {
                *place = Some(*index);
            }
        }
        Ok(run)
    }

    /// By how much limits would have to be raised for what must be done: the least sum of shares of the limits.
    fn shortfalls(&self, kept: &[usize], seconds: f64) -> Failed {
        let (mut variables, taken) = self.variables(kept, true);
        let raised: Vec<Variable> = self
            .limits
            .iter()
            .map(|_| variables.add(variable().min(0)))
            .collect();
        let shares: Expression = raised
            .iter()
            .zip(&self.limits)
            .map(|(raised, limit)| *raised * (1.0 / limit.max(1.0)))
            .sum();
        let mut model = variables
            .optimise(ObjectiveDirection::Minimisation, shares)
            .using(microlp)
            .with_time_limit(seconds);
        for (task, worth) in self.worth.iter().enumerate() {
            let done = self.of_task(kept, &taken, task);
            model = model.with(match worth {
                None => constraint!(done == 1),
                Some(_) => constraint!(done <= 0),
            });
        }
        for (limit, (most, raised)) in self.limits.iter().zip(&raised).enumerate() {
            let used = self.use_of(kept, &taken, limit) - *raised;
            model = model.with(constraint!(used <= *most));
        }
        match model.solve() {
            Ok(solution) => {
                let by = raised.iter().map(|raised| solution.value(*raised));
                Failed::Limits(by.enumerate().filter(|(_, by)| *by > 1e-6).collect())
            }
            Err(ResolutionError::Other(_)) => Failed::Time,
            Err(error) => Failed::Solver(error.to_string()),
        }
    }

    fn task_of(&self, choice: usize) -> Option<usize> {
        self.choices.get(choice).map(|choice| choice.task)
    }

    fn value(&self, taken: &[Option<usize>]) -> f64 {
        taken
            .iter()
            .flatten()
            .filter_map(|index| self.choices.get(*index))
            .map(|choice| {
                let worth = self.worth.get(choice.task).copied().flatten();
                worth.unwrap_or(0.0) - choice.cost
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choice(task: usize, cost: f64, uses: &[f64]) -> Choice {
        Choice {
            task,
            cost,
            uses: uses.to_vec(),
        }
    }

    #[test]
    fn the_cheapest_that_fits_together_is_taken() {
        // Both would like the cheap place, which has room for one.
        let program = Program {
            worth: vec![None, None],
            choices: vec![
                choice(0, 10.0, &[1.0]),
                choice(0, 30.0, &[0.0]),
                choice(1, 10.0, &[1.0]),
                choice(1, 14.0, &[0.0]),
            ],
            limits: vec![1.0],
        };
        let found = program.solve(10.0).unwrap();
        assert_eq!(found.taken, [Some(0), Some(3)]);
        assert_eq!((found.value, found.bound), (-24.0, -24.0));
    }

    #[test]
    fn what_is_not_worth_its_cost_is_left_out() {
        let program = Program {
            worth: vec![Some(9.0), Some(11.0)],
            choices: vec![choice(0, 10.0, &[]), choice(1, 10.0, &[])],
            limits: vec![],
        };
        assert_eq!(program.solve(10.0).unwrap().taken, [None, Some(1)]);
    }

    #[test]
    fn what_can_not_be_done_says_by_how_much() {
        let program = Program {
            worth: vec![None, None, Some(100.0)],
            choices: vec![
                choice(0, 60.0, &[60.0, 2.0]),
                choice(1, 70.0, &[70.0, 2.0]),
                choice(2, 5.0, &[5.0, 1.0]),
            ],
            limits: vec![100.0, 4.0],
        };
        assert_eq!(program.solve(10.0), Err(Failed::Limits(vec![(0, 30.0)])));
        let nowhere = Program {
            worth: vec![None, Some(1.0)],
            choices: vec![],
            limits: vec![],
        };
        assert_eq!(nowhere.solve(10.0), Err(Failed::NoChoice(vec![0])));
    }

    /// Every assignment, tried.
    fn by_trying(program: &Program) -> Option<f64> {
        let mut best = None;
        let mut stack = vec![(0, 0.0, vec![0.0; program.limits.len()])];
        while let Some((task, value, used)) = stack.pop() {
            if task == program.worth.len() {
                let fits = used
                    .iter()
                    .zip(&program.limits)
                    .all(|(used, most): (&f64, _)| *used <= most + 1e-9);
                if fits && best.is_none_or(|best| value > best) {
                    best = Some(value);
                }
                continue;
            }
            if program.worth[task].is_some() {
                stack.push((task + 1, value, used.clone()));
            }
            for choice in program.choices.iter().filter(|choice| choice.task == task) {
                let more = used.iter().zip(&choice.uses).map(|(a, b)| a + b).collect();
                stack.push((
                    task + 1,
                    value + program.worth[task].unwrap_or(0.0) - choice.cost,
                    more,
                ));
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The answer is the best of all assignments, and there is none exactly when there is none.
        #[test]
        fn nothing_better_exists(
            worth in prop::collection::vec(prop::option::of(0_u8..60), 1..4),
            choices in prop::collection::vec((0..4_usize, 1_u8..50, prop::collection::vec(0_u8..9, 2)), 0..12),
            limits in prop::collection::vec(0_u8..20, 2),
        ) {
            let tasks = worth.len();
            let program = Program {
                worth: worth.into_iter().map(|worth| worth.map(f64::from)).collect(),
                choices: choices.into_iter().map(|(task, cost, uses)| Choice {
                    task: task % tasks,
                    cost: f64::from(cost),
                    uses: uses.into_iter().map(f64::from).collect(),
                }).collect(),
                limits: limits.into_iter().map(f64::from).collect(),
            };
            match (program.solve(30.0), by_trying(&program)) {
                (Ok(found), Some(best)) => {
                    prop_assert!((found.value - best).abs() < 1e-6, "{} instead of {best}", found.value);
                    prop_assert!(found.bound >= found.value - 1e-6);
                    let mut used = vec![0.0; program.limits.len()];
                    for index in found.taken.iter().flatten() {
                        for (used, more) in used.iter_mut().zip(&program.choices[*index].uses) {
                            *used += more;
                        }
                    }
                    prop_assert!(used.iter().zip(&program.limits).all(|(used, most)| used <= &(most + 1e-6)));
                }
                (Err(Failed::NoChoice(_) | Failed::Limits(_)), None) => {}
                (found, best) => prop_assert!(false, "{found:?}, tried: {best:?}"),
            }
        }
    }
}
