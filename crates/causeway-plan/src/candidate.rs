//! Candidates: what is known about each place, and which is the best.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_domain::{Fact, Hours, KilogramsCo2, SiteId, Timestamp, Usd, UsdPerHour};
use causeway_estimate::{Cut, Estimate, Fits, Interval, Rates};
use causeway_law::{Act, Clearance, Described, Outcome, Subject};
use causeway_market::{PriceKind, Term};
use serde::Serialize;

use crate::acts::Undertaking;
use crate::factors::Factors;
use crate::paths::Shipments;
use crate::place::Place;
use crate::records::{Move, Records};

/// One place where the task could run, and everything that is known about that.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// `johor two-cores`, `nebius/eu-north1 gpu-h100-sxm_8gpu`.
    pub label: String,
    /// Offers that neither law nor estimate tells from it, and that cost no less: not looked at by themselves.
    pub alike: usize,
    /// The site of `causeway.yaml`, where it is one.
    pub site: Option<SiteId>,
    /// What the site stands in for, where it does.
    pub stands_in_for: Option<String>,
    /// The operator: a party's name, or the cloud's.
    pub operator: String,
    /// Where the machines stand.
    #[serde(flatten)]
    pub place: Place,
    /// Accelerators of a node.
    pub accelerator: Option<(String, u32)>,
    /// Nodes.
    pub nodes: u32,
    /// How it is paid: of all terms of the offer the one on which the run costs least.
    pub paid: PriceKind,
    /// The terms, a node.
    pub term: Option<Term>,
    /// Price of all nodes; on other terms than by the hour, with every hour of them used.
    pub price_per_hour: Option<UsdPerHour>,
    /// Where price and machine were read.
    pub offer_source: String,
    /// Time, memory, money; why not, where the workload is not described.
    pub estimate: Result<Estimate, String>,
    /// What was taken away from the part that its accelerator is a variant of, where it is one.
    pub variant: Option<Variant>,
    /// What the energy emits.
    pub carbon: Fact<Interval<KilogramsCo2>>,
    /// The five factors.
    pub factors: Factors,
    /// Weighted mean of the factors, 0 to 100.
    pub score: f64,
    /// The strictest act's outcome.
    pub outcome: Outcome,
    /// The judgement act by act.
    pub clearance: Clearance,
    /// Why it can't run the task; empty when it can.
    pub infeasible: Vec<String>,
    /// Why Causeway can't reach it, where it can't.
    pub unreachable: Option<String>,
    /// What could not be compared.
    pub doubts: Vec<String>,
    /// Whether its machines are what the task asks for, whether or not the model fits.
    #[serde(skip)]
    pub(crate) answers: bool,
    /// All terms on which its nodes can be had.
    #[serde(skip)]
    pub(crate) terms: Vec<Term>,
    /// Its accelerator in the table, where that lists it.
    #[serde(skip)]
    pub(crate) part: Option<String>,
    /// Every name of its accelerator.
    #[serde(skip)]
    pub(crate) chip_names: Vec<String>,
    #[serde(skip)]
    pub(crate) undertaking: Undertaking,
    /// Prices of what is not a node.
    #[serde(skip)]
    pub(crate) rates: Rates,
    /// What an owner's hour is added up from; empty where the machines are rented.
    #[serde(skip)]
    pub(crate) owned: Vec<String>,
    /// What the people who watch the run cost, in words.
    #[serde(skip)]
    pub(crate) pay: Result<String, String>,
}

impl Candidate {
    /// Whether its accelerator goes by this name, in its price list or anywhere.
    #[must_use]
    pub fn has_chip(&self, name: &str) -> bool {
        self.chip_names
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Its acts with the words for what they are done with, before any approval.
    #[must_use]
    pub fn bare(&self, at: Timestamp) -> Vec<Described> {
        self.undertaking.bare(at)
    }

    /// Its label, and whether it is spot: no two candidates of a comparison have one name.
    #[must_use]
    pub fn name(&self) -> String {
        match self.paid {
            PriceKind::Spot => format!("{} (spot)", self.label),
            PriceKind::OnDemand | PriceKind::Reserved { .. } | PriceKind::Committed { .. } => {
                self.label.clone()
            }
        }
    }

    /// Whether it could be launched, were it lawful.
    #[must_use]
    pub fn fit(&self) -> bool {
        self.infeasible.is_empty() && self.unreachable.is_none()
    }

    /// Expected cost: machines, and what is known of storage, egress and people.
    #[must_use]
    pub fn cost(&self) -> Option<Usd> {
        self.costs().map(|cost| cost.mid)
    }

    /// The cost with its interval; nothing for what does not fit into memory.
    #[must_use]
    pub fn costs(&self) -> Option<Interval<Usd>> {
        self.runs()?.cost.known().copied()
    }

    /// The time with its interval; nothing for what does not fit into memory.
    #[must_use]
    pub fn time(&self) -> Option<Interval<Hours>> {
        self.runs()?.hours.known().copied()
    }

    /// The estimate of a run that is not known to be impossible.
    fn runs(&self) -> Option<&Estimate> {
        let estimate = self.estimate.as_ref().ok()?;
        (!matches!(estimate.fits, Fits::No { .. })).then_some(estimate)
    }

    /// Expected time.
    #[must_use]
    pub fn hours(&self) -> Option<Hours> {
        self.time().map(|hours| hours.mid)
    }
}

/// A variant beside its whole: the part's name, and what of its throughput is left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    /// The part that it was cut from.
    pub of: String,
    /// What is left, and what costs the rest.
    #[serde(flatten)]
    pub cut: Cut,
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a variant of {}: {}", self.of, self.cut)
    }
}

/// Every candidate, best first.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The task's name.
    pub task: String,
    /// The instant for which the law was asked.
    pub at: Timestamp,
    /// The candidates, best first; infeasible and unlawful ones stay listed.
    pub candidates: Vec<Candidate>,
    /// What is sent to the site.
    #[serde(skip)]
    pub shipments: Shipments,
}

/// The chosen plan. Only a `Cleared<Planned>` can be launched.
#[derive(Debug, Clone)]
pub struct Planned {
    candidate: Candidate,
    shipments: Shipments,
    task: String,
}

impl Planned {
    /// The candidate that was chosen.
    #[must_use]
    pub const fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// What is sent to the site.
    #[must_use]
    pub const fn shipments(&self) -> &Shipments {
        &self.shipments
    }

    /// The task's name.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }

    /// The site; always there, since only reachable candidates are chosen.
    #[must_use]
    pub const fn site(&self) -> Option<&SiteId> {
        self.candidate.site.as_ref()
    }

    /// The same plan with what is on file now.
    #[must_use]
    pub fn with_records(mut self, records: Arc<Records>) -> Self {
        self.candidate.undertaking.records = records;
        self
    }

    /// Its acts with the words for what they are done with, and what approvals give them.
    #[must_use]
    pub fn described(&self, at: Timestamp) -> Vec<Described> {
        self.candidate.undertaking.described(at)
    }

    /// The data that it moves.
    #[must_use]
    pub fn moves(&self, at: Timestamp) -> Vec<Move> {
        self.candidate.undertaking.moves(at)
    }
}

impl Subject for Planned {
    fn acts(&self, at: Timestamp) -> Vec<Act> {
        self.candidate.undertaking.acts(at)
    }
}

impl Subject for Undertaking {
    fn acts(&self, at: Timestamp) -> Vec<Act> {
        Self::acts(self, at)
    }
}

impl Comparison {
    /// What a candidate consists of, to be judged and not to be launched, by the candidate's label.
    #[must_use]
    pub fn undertaking(&self, label: &str) -> Option<impl Subject + use<>> {
        self.candidates
            .iter()
            .find(|candidate| candidate.label == label)
            .map(|candidate| candidate.undertaking.clone())
    }

    /// The candidates with what is much like an earlier one left out, each with the number of offers that it stands for
    /// beside itself: of a cloud's machines with one accelerator in one country, paid alike and standing alike before the
    /// law, the best. Sites stand for themselves.
    #[must_use]
    pub fn leaders(&self) -> Vec<(&Candidate, usize)> {
        let mut leaders: Vec<(&Candidate, usize)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for candidate in &self.candidates {
            let Candidate {
                operator,
                place,
                part,
                accelerator,
                paid,
                outcome,
                infeasible,
                ..
            } = candidate;
            let chips = part
                .as_ref()
                .or(accelerator.as_ref().map(|(name, _)| name))
                .map(|name| (name, accelerator.as_ref().map(|(_, count)| count)));
            // The amounts of reasons are each offer's own.
            let fit = infeasible.len();
            let key = format!(
                "{:?}",
                (operator, place.country.known(), chips, paid, outcome, fit)
            );
            let next = leaders.len();
            let at = match candidate.site {
                None => *known.entry(key).or_insert(next),
                Some(_) => next,
            };
            match leaders.get_mut(at) {
                Some((_, others)) => *others += 1 + candidate.alike,
                None => leaders.push((candidate, candidate.alike)),
            }
        }
        leaders
    }

    /// The cheapest place that could run the task, and the cheapest that is lawful as it is, both with their cost: what keeping
    /// to the law costs. Nothing where they are one, or where a price is missing.
    #[must_use]
    pub fn price_of_lawfulness(&self) -> Option<(&Candidate, &Candidate)> {
        let cheapest = |lawful: bool| {
            self.candidates
                .iter()
                .filter(|one| one.infeasible.is_empty() && one.cost().is_some())
                .filter(|one| !lawful || one.outcome == Outcome::Allow)
                .min_by_key(|one| one.cost())
        };
        let (any, lawful) = (cheapest(false)?, cheapest(true)?);
        (any.cost() < lawful.cost()).then_some((any, lawful))
    }

    /// The best place that can be reached and can run the task: a lawful one, else the one whose outcome is mildest.
    ///
    /// # Errors
    /// Why no place is fit.
    pub fn choose(&self) -> Result<Planned, String> {
        let best = self
            .candidates
            .iter()
            .filter(|candidate| candidate.fit())
            .min_by(|a, b| rank(a, b));
        match best {
            Some(candidate) => Ok(Planned {
                candidate: candidate.clone(),
                shipments: self.shipments.clone(),
                task: self.task.clone(),
            }),
            None if self.candidates.is_empty() => {
                Err("no offer is of the kind that the task asks for".to_owned())
            }
            None => {
                let why = |candidate: &Candidate| {
                    let constraints = candidate.infeasible.join("; ");
                    if constraints.is_empty() {
                        candidate.unreachable.clone().unwrap_or_default()
                    } else {
                        constraints
                    }
                };
                let all: Vec<String> = self
                    .candidates
                    .iter()
                    .take(3)
                    .map(|candidate| format!("{}: {}", candidate.label, why(candidate)))
                    .collect();
                Err(all.join("; "))
            }
        }
    }
}

/// Fit before unfit, lawful before the rest, then by score, then by cost.
pub(crate) fn rank(a: &Candidate, b: &Candidate) -> Ordering {
    b.fit()
        .cmp(&a.fit())
        .then(a.outcome.cmp(&b.outcome))
        .then(a.infeasible.len().min(1).cmp(&b.infeasible.len().min(1)))
        .then(b.score.total_cmp(&a.score))
        .then_with(|| a.cost().cmp(&b.cost()))
        .then_with(|| a.label.cmp(&b.label))
}

/// The hours of a candidate, for people: `3.2 h (2.1 to 5.0)`, or why they are unknown.
#[must_use]
pub fn hours_in_words(candidate: &Candidate) -> String {
    candidate.hours().map_or_else(|| "unknown".to_owned(), span)
}

/// A time as people say it.
#[must_use]
pub fn span(hours: Hours) -> String {
    let hours = hours.get();
    if hours < 1.0 / 60.0 {
        format!("{:.0} s", hours * 3600.0)
    } else if hours < 1.0 {
        format!("{:.0} min", hours * 60.0)
    } else if hours < 48.0 {
        format!("{hours:.1} h")
    } else {
        format!("{:.1} days", hours / 24.0)
    }
}
