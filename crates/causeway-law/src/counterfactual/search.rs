//! The search: one change, then two, then what papers can settle. Every answer was judged.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::options::options;
use super::{Answered, Bounds, Change, Changeable, Counterfactuals, Proposal, Searched, Step};
use crate::{Act, ActVerdict, Outcome, Packs, RuleHit};

/// Changes of one kind that are tried two at a time: those that give different answers.
const OF_A_KIND: usize = 6;
/// Changes that are tried together with every paper.
const WITH_PAPERS: usize = 8;
/// Papers of one proposal: their subsets are all judged.
const PAPERS: usize = 6;

struct Search<'a> {
    subject: &'a dyn Changeable,
    options: Vec<Change>,
    known: RefCell<BTreeMap<String, Rc<ActVerdict>>>,
    judged: Cell<usize>,
}

/// What stands against a plan: outcome, rules and open facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    outcome: Outcome,
    against: BTreeSet<String>,
}

impl Standing {
    fn of(verdicts: &[Rc<ActVerdict>]) -> Self {
        let mut against = BTreeSet::new();
        for (index, verdict) in verdicts.iter().enumerate() {
            against.extend(
                against_it(verdict).map(|hit| {
                    format!("{index} {} {} {}", hit.id, hit.outcome.word(), hit.certain)
                }),
            );
            against.extend(
                verdict
                    .open_facts
                    .iter()
                    .map(|open| format!("{index} {}", open.fact)),
            );
        }
        Self {
            outcome: worst(verdicts),
            against,
        }
    }
}

fn worst(verdicts: &[Rc<ActVerdict>]) -> Outcome {
    verdicts
        .iter()
        .map(|verdict| verdict.outcome)
        .max()
        .unwrap_or(Outcome::NeedsReview)
}

/// The rules that keep an act from being allowed: those that decide, and those that would if these did not.
fn against_it(verdict: &ActVerdict) -> impl Iterator<Item = &RuleHit> {
    let behind = verdict
        .context
        .iter()
        .filter(|hit| hit.outcome.outcome() > Outcome::Allow);
    verdict
        .deciding
        .iter()
        .chain(behind)
        .filter(|_| verdict.outcome > Outcome::Allow)
}

impl Search<'_> {
    fn changes(&self, set: &[usize]) -> Vec<Change> {
        set.iter()
            .filter_map(|index| self.options.get(*index).cloned())
            .collect()
    }

    fn judge(&self, index: usize, act: &Act) -> Rc<ActVerdict> {
        // Nothing that is changed is in the register, and it is long.
        let rest = Act {
            register: Arc::default(),
            ..act.clone()
        };
        let key = serde_json::to_string(&(index, rest)).ok();
        if let Some(known) = key
            .as_ref()
            .and_then(|key| self.known.borrow().get(key).cloned())
        {
            return known;
        }
        self.judged.set(self.judged.get() + 1);
        let verdict = Rc::new(self.subject.judge(act));
        if let Some(key) = key {
            self.known.borrow_mut().insert(key, Rc::clone(&verdict));
        }
        verdict
    }

    fn verdicts_of(&self, changes: &[Change]) -> Vec<Rc<ActVerdict>> {
        self.subject
            .acts(changes)
            .iter()
            .enumerate()
            .map(|(index, act)| self.judge(index, act))
            .collect()
    }

    fn verdicts(&self, set: &[usize]) -> Vec<Rc<ActVerdict>> {
        self.verdicts_of(&self.changes(set))
    }

    /// Whether every act is allowed. Stops at the first that is not.
    fn allows_all(&self, changes: &[Change]) -> bool {
        let acts = self.subject.acts(changes);
        !acts.is_empty()
            && acts
                .iter()
                .enumerate()
                .all(|(index, act)| self.judge(index, act).outcome == Outcome::Allow)
    }

    fn allows(&self, set: &[usize]) -> bool {
        self.allows_all(&self.changes(set))
    }

    /// Whether a part of a set, without the whole, is enough.
    fn has_enough_in_a_part(&self, set: &[usize]) -> bool {
        let whole = (1_u32 << set.len()) - 1;
        (0..whole).any(|mask| {
            let part: Vec<usize> = set
                .iter()
                .enumerate()
                .filter(|(bit, _)| mask & (1 << bit) != 0)
                .map(|(_, index)| *index)
                .collect();
            self.allows(&part)
        })
    }

    fn proposal(&self, changes: Vec<Change>, horizon: causeway_domain::Date) -> Proposal {
        let all = self.verdicts_of(&changes);
        let steps = changes
            .iter()
            .enumerate()
            .map(|(index, change)| {
                let mut without = changes.clone();
                let _this = without.remove(index);
                step(change, &self.verdicts_of(&without), horizon)
            })
            .collect();
        let mut obligations: Vec<String> = Vec::new();
        for name in all.iter().flat_map(|verdict| &verdict.obligations) {
            if !obligations.contains(name) {
                obligations.push(name.clone());
            }
        }
        Proposal { steps, obligations }
    }
}

fn step(change: &Change, without: &[Rc<ActVerdict>], horizon: causeway_domain::Date) -> Step {
    let mut answers: Vec<Answered> = Vec::new();
    for hit in without.iter().flat_map(|verdict| against_it(verdict)) {
        if !answers.iter().any(|known| known.id == hit.id) {
            answers.push(Answered {
                id: hit.id.clone(),
                title: hit.title.clone(),
                citation: hit.citation.clone(),
            });
        }
    }
    let review = without
        .iter()
        .flat_map(|verdict| against_it(verdict))
        .filter_map(|hit| hit.review)
        .max();
    let caveat = match change {
        Change::Authorisation(_) => review
            .map(|review| format!("a request would meet a {}", review.word().replace('_', " "))),
        Change::Place(_) => Some(
            "what is there stays there: a later move is an act of its own, judged by itself"
                .to_owned(),
        ),
        Change::Chip(_) => {
            Some("whether the place has such chips is not looked at here".to_owned())
        }
        Change::Count(_) => {
            Some("splitting one undertaking changes nothing: its parts are added up".to_owned())
        }
        Change::Date(_) if change.on().is_some_and(|day| day > horizon) => Some(format!(
            "the packs were checked against sources up to {horizon}: check the law of that day again"
        )),
        Change::Date(_) => Some("an authorisation on file must cover that day, too".to_owned()),
        Change::Document(_) | Change::Mechanism(_) => None,
    };
    Step {
        says: change.says(),
        change: change.clone(),
        answers,
        caveat,
    }
}

pub(super) fn search(packs: &Packs, subject: &dyn Changeable, bounds: &Bounds) -> Counterfactuals {
    let acts = subject.acts(&[]);
    let search = Search {
        subject,
        options: options(packs, &acts, bounds),
        known: RefCell::default(),
        judged: Cell::new(0),
    };
    let verdicts = search.verdicts(&[]);
    let base = Standing::of(&verdicts);
    let mut searched = Searched {
        singles: search.options.len(),
        ..Searched::default()
    };
    if base.outcome == Outcome::Allow || acts.is_empty() {
        return Counterfactuals {
            outcome: base.outcome,
            proposals: Vec::new(),
            open: Vec::new(),
            searched,
        };
    }

    // One change.
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut useful: Vec<usize> = Vec::new();
    let mut standings: BTreeMap<usize, Standing> = BTreeMap::new();
    for index in 0..search.options.len() {
        let standing = Standing::of(&search.verdicts(&[index]));
        if standing.outcome == Outcome::Allow {
            found.push(vec![index]);
        } else {
            if standing != base {
                useful.push(index);
            }
            standings.insert(index, standing);
        }
    }
    let mut proposals: Vec<Vec<Change>> = nearest_days(&search, &found)
        .into_iter()
        .map(|set| search.changes(&set))
        .collect();
    proposals.extend(fewer(&search, &acts, &base).map(|change| vec![change]));

    // Two, of which one does something by itself.
    let pool = pool(&search, &standings, &useful);
    for (position, one) in pool.iter().enumerate() {
        for two in pool.iter().skip(position + 1) {
            let fits = match (search.options.get(*one), search.options.get(*two)) {
                (Some(one), Some(two)) => one.goes_with(two),
                _ => false,
            };
            if !fits || !(useful.contains(one) || useful.contains(two)) {
                continue;
            }
            if searched.pairs >= bounds.pairs {
                searched.pairs_left_out += 1;
                continue;
            }
            searched.pairs += 1;
            if search.allows(&[*one, *two]) {
                found.push(vec![*one, *two]);
                proposals.push(search.changes(&[*one, *two]));
            }
        }
    }

    // Papers together: what is open may be many facts.
    let mut bases: Vec<Vec<usize>> = vec![Vec::new()];
    if found.is_empty() {
        bases.extend(
            pool.iter()
                .filter(|index| !is_paper(&search, **index))
                .take(WITH_PAPERS)
                .map(|index| vec![*index]),
        );
    }
    for base in bases {
        if let Some(set) = papers(&search, &base)
            && !found
                .iter()
                .any(|known| known.iter().all(|index| set.contains(index)))
        {
            searched.papers = searched.papers.max(set.len());
            proposals.push(search.changes(&set));
            found.push(set);
        }
    }

    let horizon = packs.horizon();
    let mut open = Vec::new();
    for fact in verdicts.iter().flat_map(|verdict| &verdict.open_facts) {
        let settled = search.options.iter().any(
            |change| matches!(change, Change::Document(document) if document.fact().name() == fact.fact),
        );
        if !settled && !open.contains(fact) {
            open.push(fact.clone());
        }
    }
    let proposals = proposals
        .into_iter()
        .map(|changes| search.proposal(changes, horizon))
        .collect();
    searched.judged = search.judged.get();
    Counterfactuals {
        outcome: base.outcome,
        proposals,
        open,
        searched,
    }
}

fn is_paper(search: &Search<'_>, index: usize) -> bool {
    matches!(search.options.get(index), Some(Change::Document(_)))
}

/// Of the days only the nearest on each side.
fn nearest_days(search: &Search<'_>, found: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let planned = search.subject.acts(&[]).first().map(|act| act.date.day());
    let mut seen = BTreeSet::new();
    found
        .iter()
        .filter(|set| {
            let day = set
                .first()
                .and_then(|index| search.options.get(*index))
                .and_then(Change::on);
            match day {
                Some(day) => seen.insert(Some(day) > planned),
                None => true,
            }
        })
        .cloned()
        .collect()
}

/// The most chips that give allow, where the answer turns on their number: what was used before is in the acts, and counted.
fn fewer(search: &Search<'_>, acts: &[Act], base: &Standing) -> Option<Change> {
    let planned = acts
        .iter()
        .filter_map(|act| act.item.chip.as_ref())
        .map(|chip| chip.count)
        .max()?;
    let one = [Change::fewer(planned, 1)?];
    if Standing::of(&search.verdicts_of(&one)) == *base || !search.allows_all(&one) {
        return None;
    }
    let (mut enough, mut too_many) = (1, planned);
    while too_many - enough > 1 {
        let middle = enough + (too_many - enough) / 2;
        if search.allows_all(&[Change::fewer(planned, middle)?]) {
            enough = middle;
        } else {
            too_many = middle;
        }
    }
    Change::fewer(planned, enough)
}

/// What is tried two at a time: of places, chips and days those that answer differently; papers, mechanisms and
/// authorisations all.
fn pool(
    search: &Search<'_>,
    standings: &BTreeMap<usize, Standing>,
    useful: &[usize],
) -> Vec<usize> {
    let mut counts: BTreeMap<&str, BTreeSet<&Standing>> = BTreeMap::new();
    standings
        .iter()
        .filter(|(index, standing)| {
            let Some(change) = search.options.get(**index) else {
                return false;
            };
            match change {
                Change::Place(_) | Change::Chip(_) | Change::Date(_) => {
                    let seen = counts.entry(change.kind()).or_default();
                    useful.contains(index) && seen.len() < OF_A_KIND && seen.insert(standing)
                }
                _ => true,
            }
        })
        .map(|(index, _)| *index)
        .collect()
}

/// The smallest set of papers that gives allow on top of `base`: all of them, then without each that is not needed.
fn papers(search: &Search<'_>, base: &[usize]) -> Option<Vec<usize>> {
    let mut facts = BTreeSet::new();
    let mut set: Vec<usize> = base.to_vec();
    for (index, change) in search.options.iter().enumerate() {
        if let Change::Document(document) = change
            && facts.insert(document.fact())
        {
            set.push(index);
        }
    }
    set.sort_unstable();
    if !search.allows(&set) {
        return None;
    }
    for index in set.clone().into_iter().rev() {
        let without: Vec<usize> = set.iter().copied().filter(|kept| *kept != index).collect();
        if search.allows(&without) {
            set = without;
        }
    }
    (set.len() <= PAPERS + base.len() && !search.has_enough_in_a_part(&set)).then_some(set)
}
