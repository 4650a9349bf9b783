//! The smallest changes that would make a candidate lawful, over all its acts together.
//!
//! Another place is another candidate: a declared site or an offer, with its own operator, disclosed as any party is.
//! Another chip, fewer chips and another day are planned anew, so that approvals are matched with what would be done.

use causeway_domain::{Country, Fact, Stated, Timestamp};
use causeway_law::counterfactual::{
    Bounds, Change, Changeable, Counterfactuals, apply, counterfactuals_of, noon,
};
use causeway_law::{
    Act, ActVerdict, Outcome, Packs, Settings, Subject, Tree, Verdict, When, clear,
};
use serde::Serialize;

use crate::acts::Undertaking;
use crate::candidate::{Candidate, Comparison};
use crate::plan::settings;

/// Other candidates of which the changes are looked for.
const OTHERS: usize = 2;
/// Other places that are named in the tree.
const NAMED: usize = 8;

/// What would have to change for a candidate to be allowed.
#[derive(Debug, Clone, Serialize)]
pub struct Advice {
    /// The candidate.
    pub place: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// Other places that are allowed as they are, best first.
    pub elsewhere: Vec<Elsewhere>,
    /// Changes for this place.
    pub changes: Counterfactuals,
    /// Other places that could be used, the best first, each with the changes of one step that it needs.
    pub elsewhere_changed: Vec<ElsewhereChanged>,
}

/// Another place that is allowed.
#[derive(Debug, Clone, Serialize)]
pub struct Elsewhere {
    /// The candidate's label.
    pub place: String,
    /// Who operates it.
    pub operator: String,
    /// Where it is.
    pub country: Option<Country>,
    /// Why it can't be used now, where it can't.
    pub unfit: Option<String>,
}

/// Another place that one change makes allowed.
#[derive(Debug, Clone, Serialize)]
pub struct ElsewhereChanged {
    /// The place.
    pub place: Elsewhere,
    /// The changes.
    pub changes: Counterfactuals,
}

impl Advice {
    /// The advice as a tree.
    #[must_use]
    pub fn tree(&self) -> Tree {
        let mut tree = self.changes.tree();
        tree.text = format!("what would make {} lawful", self.place);
        if self.outcome == Outcome::Allow {
            return tree;
        }
        let places = if self.elsewhere.is_empty() {
            Tree::new("no other place of this comparison is allowed as it is")
        } else {
            let mut node = Tree::new("other places that are allowed as they are")
                .with(self.elsewhere.iter().take(NAMED).map(|other| other.words()));
            if self.elsewhere.len() > NAMED {
                node.push(format!("and {} more", self.elsewhere.len() - NAMED));
            }
            node
        };
        tree.children.insert(0, places);
        for other in &self.elsewhere_changed {
            let mut node = other.changes.tree();
            node.text = format!("or with changes at {}", other.place.words());
            tree.push(node);
        }
        tree
    }
}

impl Elsewhere {
    fn words(&self) -> String {
        let country = self.country.map_or_else(
            || "an unknown country".to_owned(),
            |country| country.name().to_owned(),
        );
        let unfit = self
            .unfit
            .as_ref()
            .map_or_else(String::new, |why| format!("; not usable now: {why}"));
        format!(
            "{} in {country}, operated by {}{unfit}",
            self.place, self.operator
        )
    }
}

impl Candidate {
    /// Its acts, as they would be done at an instant.
    #[must_use]
    pub fn acts(&self, at: Timestamp) -> Vec<Act> {
        self.undertaking.acts(at)
    }
}

impl Comparison {
    /// What would have to change for a candidate of this comparison to be allowed. No day before `not_before` is proposed.
    #[must_use]
    pub fn advice(
        &self,
        candidate: &Candidate,
        packs: &Packs,
        not_before: Option<causeway_domain::Date>,
    ) -> Advice {
        let bounds = Bounds {
            places: Vec::new(),
            homes: homes(&candidate.undertaking),
            not_before,
            ..Bounds::default()
        };
        let others = || {
            self.candidates
                .iter()
                .filter(|other| other.label != candidate.label)
        };
        let of = |candidate: &Candidate, bounds: &Bounds| {
            let plan = Plan {
                settings: settings(&candidate.undertaking.organisation),
                undertaking: &candidate.undertaking,
                packs,
                at: self.at,
            };
            counterfactuals_of(packs, &plan, bounds)
        };
        let changes = of(candidate, &bounds);
        let single = Bounds { pairs: 0, ..bounds };
        let elsewhere_changed = if candidate.outcome == Outcome::Allow {
            Vec::new()
        } else {
            others()
                .filter(|other| other.fit() && other.outcome > Outcome::Allow)
                .take(OTHERS)
                .map(|other| ElsewhereChanged {
                    place: elsewhere(other),
                    changes: of(other, &single),
                })
                .filter(|other| !other.changes.proposals.is_empty())
                .collect()
        };
        Advice {
            place: candidate.label.clone(),
            outcome: candidate.outcome,
            elsewhere: others()
                .filter(|other| other.outcome == Outcome::Allow)
                .map(elsewhere)
                .collect(),
            changes,
            elsewhere_changed,
        }
    }
}

fn elsewhere(candidate: &Candidate) -> Elsewhere {
    Elsewhere {
        place: candidate.label.clone(),
        operator: candidate.operator.clone(),
        country: candidate.place.country.known().copied(),
        unfit: candidate
            .infeasible
            .first()
            .or(candidate.unreachable.as_ref())
            .cloned(),
    }
}

/// Countries that the weights could go home to: where the organisation has people or sites.
fn homes(undertaking: &Undertaking) -> Vec<Country> {
    let file = &undertaking.organisation.file;
    let mut homes: Vec<Country> = file.team.keys().copied().collect();
    for site in file.sites.values() {
        if let Fact::Known(country, _) = Stated::fact(Some(&site.country), "", "") {
            homes.push(country);
        }
    }
    homes.sort_unstable();
    homes.dedup();
    homes
}

/// All acts of a candidate.
struct Plan<'a> {
    undertaking: &'a Undertaking,
    packs: &'a Packs,
    settings: Settings,
    at: Timestamp,
}

impl Changeable for Plan<'_> {
    fn acts(&self, changes: &[Change]) -> Vec<Act> {
        let mut undertaking = self.undertaking.clone();
        let mut at = self.at;
        for change in changes {
            if let Some(day) = change.on()
                && let When::Instant(noon) = noon(day)
            {
                at = noon;
            }
            if let (Some(id), Some((chip, _))) = (change.chip_id(), undertaking.chip.as_mut()) {
                id.clone_into(chip);
                // What the site states of the chips that it has, it does not state of others.
                if let Some(offer) = undertaking.offer.as_mut() {
                    offer.chips_received = None;
                    offer.chips_licence = None;
                    offer.supplier_authorisation = None;
                }
            }
            if let (Some(most), Some((_, count))) = (change.chips(), undertaking.chip.as_mut()) {
                *count = (*count).min(most);
            }
        }
        let planned: Vec<Change> = changes
            .iter()
            .filter(|change| change.on().is_none() && change.chips().is_none())
            .cloned()
            .collect();
        undertaking
            .acts(at)
            .iter()
            .map(|act| apply(&planned, act))
            .collect()
    }

    fn judge(&self, act: &Act) -> ActVerdict {
        let clearance = match clear(Single(act), self.packs, &self.settings, self.at) {
            Verdict::Launchable(cleared) => cleared.into_parts().1,
            Verdict::NeedsReview(_, clearance)
            | Verdict::LicenseRequired(_, clearance)
            | Verdict::Prohibited(_, clearance) => clearance,
        };
        match clearance.verdicts.into_iter().next() {
            Some(verdict) => verdict,
            // Never: one act gives one verdict.
            None => causeway_law::judge(self.packs, &self.settings, act),
        }
    }
}

/// One act of a plan, judged as a plan's acts are.
#[derive(Debug)]
struct Single<'a>(&'a Act);

impl Subject for Single<'_> {
    fn acts(&self, _at: Timestamp) -> Vec<Act> {
        vec![self.0.clone()]
    }
}

#[cfg(test)]
#[path = "counterfactual_tests.rs"]
mod tests;
