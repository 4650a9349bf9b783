//! Bills: what each pack that is not in force would make of the candidates, were it.

use causeway_domain::PackId;
use causeway_law::{Packs, RuleInfo, clear};

use super::View;
use super::standing::Standing;
use crate::candidate::Candidate;

/// A pack that is not in force, and the rules of it that would decide a candidate.
pub(super) struct Bill<'a> {
    pub(super) pack: PackId,
    /// The rules that would decide, by id.
    pub(super) rules: Vec<&'a RuleInfo>,
    /// The candidates that would stand otherwise, by name, and how.
    pub(super) changes: Vec<(String, Standing)>,
}

/// The bills that would decide one of the candidates that are looked at, judged as of today: one at a time, each with the
/// rules that the organisation reads by already.
pub(super) fn bills<'a>(view: &View<'a>) -> Vec<Bill<'a>> {
    let page = view.page;
    let mut packs: Vec<&PackId> = page.packs.rules().map(|rule| &rule.pack).collect();
    packs.sort();
    packs.dedup();
    packs.retain(|pack| !page.settings.packs.contains(*pack));
    packs
        .into_iter()
        .filter_map(|pack| {
            let mut bill = Bill {
                pack: pack.clone(),
                rules: Vec::new(),
                changes: Vec::new(),
            };
            for candidate in &view.shown {
                passed(view, candidate, page.packs, &mut bill);
            }
            bill.rules.sort_by(|a, b| a.id.cmp(&b.id));
            bill.rules.dedup_by(|a, b| a.id == b.id);
            (!bill.rules.is_empty()).then_some(bill)
        })
        .collect()
}

fn passed<'a>(view: &View<'_>, candidate: &Candidate, packs: &'a Packs, bill: &mut Bill<'a>) {
    let page = view.page;
    let mut settings = page.settings.clone();
    settings.packs.insert(bill.pack.clone());
    let verdict = clear(
        candidate.undertaking.clone(),
        packs,
        &settings,
        page.comparison.at,
    );
    let clearance = verdict.clearance();
    let deciding = clearance
        .verdicts
        .iter()
        .flat_map(|verdict| &verdict.deciding);
    for hit in deciding {
        let found = packs
            .rules()
            .find(|rule| rule.id == hit.id && rule.pack == bill.pack);
        bill.rules.extend(found);
    }
    if clearance.outcome() != candidate.outcome {
        bill.changes
            .push((candidate.name(), clearance.outcome().into()));
    }
}
