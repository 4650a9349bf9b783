//! The smallest changes of plan that would give `allow`.
//!
//! A change moves a plan (place, chips, fewer of them, day), puts data under another mechanism, obtains an authorisation, or
//! documents a fact that is open, if it is so. It never changes who a party is: party, owner, headquarters, label, list,
//! residence and role are out of reach of [`Change`], and so are the numbers of persons, what went before, and the origin.
//! What closes a doubt about a party is a reviewer's determination, and is proposed as that.
//!
//! [`counterfactuals`] asks about one act, [`counterfactuals_of`] about whatever is [`Changeable`]: every act of a plan
//! jointly. All changes are tried one at a time, then two at a time within a bound that the answer states, then the papers
//! that are open together. Each proposal was judged, and no part of it is enough.

mod change;
mod days;
mod documents;
mod mechanism;
mod options;
mod search;
mod words;

use causeway_domain::{Country, Date};
use serde::Serialize;

use crate::{Act, ActVerdict, OpenFact, Outcome, Packs, Settings, judge};

pub use change::{Authorisation, Change, Fewer, OtherChip, OtherDay, Place, apply, noon};
pub use documents::{Document, Documentable};
pub use mechanism::Mechanism;

/// How far is looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Places to try, in this order.
    pub places: Vec<Country>,
    /// Homes to try for weights, in this order.
    pub homes: Vec<Country>,
    /// No day before this one is proposed: today, for what is not done yet.
    pub not_before: Option<Date>,
    /// Days to try on each side.
    pub days: usize,
    /// Pairs to try.
    pub pairs: usize,
}

impl Default for Bounds {
    /// Every country, no other home, every day, 16 days on each side, 2,000 pairs.
    fn default() -> Self {
        Self {
            places: Country::all().collect(),
            homes: Vec::new(),
            not_before: None,
            days: 16,
            pairs: 2_000,
        }
    }
}

/// What can be changed and judged: an act, or all acts of a plan.
pub trait Changeable {
    /// The acts with these changes, always the same number in the same order.
    fn acts(&self, changes: &[Change]) -> Vec<Act>;

    /// The verdict of one of them.
    fn judge(&self, act: &Act) -> ActVerdict;
}

struct One<'a> {
    packs: &'a Packs,
    settings: &'a Settings,
    act: &'a Act,
}

impl Changeable for One<'_> {
    fn acts(&self, changes: &[Change]) -> Vec<Act> {
        vec![apply(changes, self.act)]
    }

    fn judge(&self, act: &Act) -> ActVerdict {
        judge(self.packs, self.settings, act)
    }
}

/// The smallest changes that would allow one act.
#[must_use]
pub fn counterfactuals(
    packs: &Packs,
    settings: &Settings,
    act: &Act,
    bounds: &Bounds,
) -> Counterfactuals {
    search::search(
        packs,
        &One {
            packs,
            settings,
            act,
        },
        bounds,
    )
}

/// The smallest changes that would allow every act of something.
#[must_use]
pub fn counterfactuals_of(
    packs: &Packs,
    subject: &dyn Changeable,
    bounds: &Bounds,
) -> Counterfactuals {
    search::search(packs, subject, bounds)
}

/// What would have to change. Without proposals: within the bound, no lawful change of plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counterfactuals {
    /// The outcome as planned.
    pub outcome: Outcome,
    /// Sets of changes, the smallest first; each gives allow, and no part of one does.
    pub proposals: Vec<Proposal>,
    /// Open facts that no change of plan settles: somebody has to find them out.
    pub open: Vec<OpenFact>,
    /// How far was looked.
    pub searched: Searched,
}

/// Changes that together give allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The changes.
    pub steps: Vec<Step>,
    /// What the allow would oblige to.
    pub obligations: Vec<String>,
}

/// A change of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The change.
    pub change: Change,
    /// What somebody would have to do.
    pub says: String,
    /// The rules that it answers to: those that stand against the plan without it.
    pub answers: Vec<Answered>,
    /// What to know before relying on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
}

/// A rule that a change answers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Answered {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it is written.
    pub citation: Vec<String>,
}

/// How far was looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Searched {
    /// Single changes that were tried: all that there are, fewer chips besides.
    pub singles: usize,
    /// Pairs that were tried.
    pub pairs: usize,
    /// Pairs that were not tried because of the bound.
    pub pairs_left_out: usize,
    /// Changes of the largest set of papers that was found.
    pub papers: usize,
    /// Judgements that it took.
    pub judged: usize,
}
