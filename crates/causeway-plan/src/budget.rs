//! The largest model that a budget trains lawfully.
//!
//! Compute-optimal scaling: a dense model of N parameters is trained on 20 N tokens (Hoffmann et al. 2022, 2203.15556, table 3:
//! parameters and tokens grow alike, about 20 tokens a parameter). At each place the largest N is taken whose expected cost
//! is within the budget and that fits into memory.

use causeway_domain::organisation::Weights;
use causeway_domain::{Fact, Hours, Params, Tokens, Usd};
use causeway_estimate::{Calibration, Estimate, Fits, Fleet, Hardware, Rates, Workload, estimate};
use causeway_law::{Outcome, Tree};
use causeway_market::{Accelerators, Term};
use serde::Serialize;

use crate::PlanError;
use crate::candidate::{Candidate, Comparison};
use crate::planner::PREEMPTED;
use crate::trace::trace;

/// Tokens for each parameter.
const TOKENS_PER_PARAMETER: f64 = 20.0;
/// Sizes that are tried: a million to a hundred trillion parameters.
const SIZES: (f64, f64) = (1e6, 1e14);
/// Halvings of the logarithm of the size: the last one is less than a thousandth.
const HALVINGS: u32 = 16;

/// What a budget buys.
#[derive(Debug, Clone, Serialize)]
pub struct Affordable {
    /// The budget.
    pub budget: Usd,
    /// The largest model that a lawful place trains for it; none where no lawful place has a price and a chip that the table lists.
    pub lawful: Option<Trained>,
    /// The same for twice the money.
    pub for_twice: Option<Trained>,
    /// The largest model among places that lack nothing but an authorisation, where that is larger.
    pub with_a_licence: Option<Trained>,
    /// The largest model among places that lack nothing but a review or a fact, where that is larger.
    pub with_a_review: Option<Trained>,
    /// Places that were looked at.
    pub places: usize,
}

/// What can be asked about a model that a budget trains, beside `parameters`: fields of the plan that trains it.
const OF_PLAN: [&str; 10] = [
    "price",
    "total",
    "time",
    "throughput",
    "memory",
    "energy",
    "carbon",
    "chips",
    "country",
    "verdict",
];

/// A model and where it is trained.
#[derive(Debug, Clone, Serialize)]
pub struct Trained {
    /// The candidate's name.
    pub place: String,
    /// Its size.
    pub parameters: Params,
    /// Tokens that it is trained on.
    pub tokens: Tokens,
    /// Expected cost of the machines.
    pub cost: Usd,
    /// Expected time.
    pub time: Hours,
    /// Why Causeway can't reach the place yet, where it can't.
    pub unreachable: Option<String>,
    #[serde(skip)]
    estimate: Box<Estimate>,
    #[serde(skip)]
    term: Term,
    /// The place with this model in place of the task's.
    #[serde(skip)]
    plan: Option<Box<Candidate>>,
}

impl Trained {
    /// Names of what [`Trained::trace`] answers.
    pub fn fields() -> impl Iterator<Item = &'static str> {
        std::iter::once("parameters").chain(OF_PLAN)
    }

    /// Where a number of it comes from; nothing where there is no such field.
    #[must_use]
    pub fn trace(&self, field: &str, weights: &Weights) -> Option<Tree> {
        let plan = self.plan.as_deref()?;
        let of_plan = |field| trace(plan, field, weights);
        if field != "parameters" {
            return OF_PLAN.contains(&field).then(|| of_plan(field))?;
        }
        let head = Tree::new(format!(
            "parameters at {}: {} on {}",
            self.place, self.parameters, self.tokens
        ));
        let why = [
            "20 tokens a parameter (Hoffmann et al. 2022, 2203.15556, table 3)",
            "the largest that fits into memory and whose machines cost no more than the budget",
        ];
        Some(
            head.with(why)
                .with(of_plan("total"))
                .with(of_plan("memory")),
        )
    }

    /// The same with the plan that its numbers come from.
    fn planned(mut self, candidate: &Candidate) -> Self {
        let grid = candidate.place.grid.clone().map(|grid| grid.intensity);
        self.plan = Some(Box::new(Candidate {
            carbon: self.estimate.carbon(&grid),
            estimate: Ok((*self.estimate).clone()),
            paid: self.term.kind(),
            price_per_hour: Some(self.term.hourly_at_full_use() * candidate.nodes),
            term: Some(self.term),
            rates: Rates::default(),
            pay: Err("a budget is asked for machines alone".to_owned()),
            variant: None,
            infeasible: Vec::new(),
            ..candidate.clone()
        }));
        self
    }
}

/// The largest models that a budget trains at the places of a comparison. Only places whose machines answer the task are
/// looked at; whether the task's own model fits there does not count.
///
/// # Errors
/// A damaged built-in table.
pub fn affordable(
    comparison: &Comparison,
    chips: &Accelerators,
    sequence: u32,
    budget: Usd,
) -> Result<Affordable, PlanError> {
    let calibration = Calibration::builtin()?;
    let best = |outcome: Outcome, budget: Usd| -> Option<Trained> {
        comparison
            .candidates
            .iter()
            .filter(|candidate| candidate.outcome == outcome && candidate.answers)
            .filter_map(|candidate| {
                let found = largest(candidate, chips, &calibration, sequence, budget)?;
                Some((found, candidate))
            })
            .reduce(|best, other| {
                let more = other.0.parameters.get() > best.0.parameters.get();
                if more { other } else { best }
            })
            .map(|(trained, candidate)| trained.planned(candidate))
    };
    let lawful = best(Outcome::Allow, budget);
    let more = |other: &Trained| {
        lawful
            .as_ref()
            .is_none_or(|lawful| other.parameters.get() > lawful.parameters.get())
    };
    Ok(Affordable {
        budget,
        for_twice: best(Outcome::Allow, budget + budget),
        with_a_licence: best(Outcome::LicenseRequired, budget).filter(more),
        with_a_review: best(Outcome::NeedsReview, budget).filter(more),
        places: comparison
            .candidates
            .iter()
            .filter(|one| one.answers)
            .count(),
        lawful,
    })
}

/// The largest model that one place trains for the money.
fn largest(
    candidate: &Candidate,
    chips: &Accelerators,
    calibration: &Calibration,
    sequence: u32,
    budget: Usd,
) -> Option<Trained> {
    let (name, per_node) = candidate.accelerator.as_ref()?;
    let part = chips.find(name).or_else(|| {
        candidate
            .chip_names
            .iter()
            .find_map(|name| chips.find(name))
    })?;
    let nodes = candidate.nodes;
    let fleet = |term| Fleet {
        term: Some(term),
        preemptions_per_node_hour: matches!(term, Term::Spot(_)).then_some(PREEMPTED),
        ..Fleet::new(
            Hardware::Accelerators {
                part,
                per_node: *per_node,
            },
            nodes,
        )
    };
    let trained = |size: f64, term: Term| -> Option<Trained> {
        let params = Params::new(size);
        let tokens = Tokens::new(TOKENS_PER_PARAMETER * size);
        let workload = Workload::of_parameters(params, params, tokens, sequence);
        let answer = estimate(&workload, &fleet(term), calibration).ok()?;
        let (Fact::Known(cost, _), Fact::Known(hours, _)) = (&answer.cost, &answer.hours) else {
            return None;
        };
        let within = cost.mid <= budget && !matches!(answer.fits, Fits::No { .. });
        let (cost, time) = (cost.mid, hours.mid);
        within.then(|| Trained {
            place: candidate.name(),
            parameters: params,
            tokens,
            cost,
            time,
            unreachable: candidate.unreachable.clone(),
            estimate: Box::new(answer),
            term,
            plan: None,
        })
    };
    let on = |term: Term| -> Option<Trained> {
        let (mut low, mut high) = (SIZES.0.ln(), SIZES.1.ln());
        let mut best = trained(SIZES.0, term)?;
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            match trained(middle.exp(), term) {
                Some(found) => {
                    best = found;
                    low = middle;
                }
                None => high = middle,
            }
        }
        Some(best)
    };
    let all = candidate.terms.iter().filter_map(|term| on(*term));
    all.reduce(larger)
}

fn larger(one: Trained, other: Trained) -> Trained {
    if other.parameters.get() > one.parameters.get() {
        other
    } else {
        one
    }
}

#[cfg(test)]
mod tests {
    use causeway_market::Market;
    use rust_decimal::Decimal;

    use super::*;
    use crate::compared::{compared, parsed};

    const ORGANISATION: &str = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
  hub: {name: Hub, headquarters: MY, listed: none, owners: [], owners_complete: true}
  shade: {name: Shade}
presences:
  - {entity: acme, provider: hub, account: a, site: dear}
  - {entity: acme, provider: hub, account: a, site: fair}
  - {entity: acme, provider: shade, account: a, site: shady}
sites:
  dear: {country: MY, operator: hub, engine: {local: {directory: d}}, offers: [{accelerator: H100, accelerators_per_node: 8, price_per_hour: 48}]}
  fair: {country: MY, operator: hub, engine: {local: {directory: f}}, offers: [{accelerator: H100, accelerators_per_node: 8, price_per_hour: 24}]}
  shady: {country: MY, operator: shade, engine: {local: {directory: s}}, offers: [{accelerator: H100, accelerators_per_node: 8, price_per_hour: 6}]}
home: {country: SG}
";

    fn bought(budget: &str) -> Affordable {
        let comparison = compared(
            &parsed(ORGANISATION),
            "resources: {accelerators: 'H100:8'}\nrun: x\n",
        );
        affordable(
            &comparison,
            &Market::empty().unwrap().accelerators,
            4096,
            budget.parse().unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn the_cheapest_lawful_place_trains_the_largest_model() {
        let answer = bought("10000");
        let lawful = answer.lawful.unwrap();
        assert!(lawful.place.starts_with("fair"), "{lawful:?}");
        // $10,000 buys 3,333 hours of an H100; at 40 % of 989 TFLOP/s that is 4.7e21 FLOP, and 6 N 20 N = C gives N = 6.3e9.
        let size = lawful.parameters.get();
        assert!((4e9..9e9).contains(&size), "{size:.2e}");
        assert!((lawful.tokens.get() / size - 20.0).abs() < 1e-6);
        assert!(
            lawful.cost.get() <= Decimal::from(10_000) && lawful.cost.get() > Decimal::from(9_900)
        );
        // Compute grows with the square of the size.
        let twice = answer.for_twice.unwrap().parameters.get() / size;
        assert!((1.3..1.5).contains(&twice), "{twice}");
        let review = answer.with_a_review.unwrap();
        assert!(review.place.starts_with("shady") && review.parameters.get() > 1.5 * size);
        assert!(answer.with_a_licence.is_none());
        assert_eq!(answer.places, 3);
    }

    #[test]
    fn no_money_buys_nothing() {
        assert!(bought("0").lawful.is_none());
    }
}
