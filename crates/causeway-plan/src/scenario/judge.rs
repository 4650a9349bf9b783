//! The law's answers for one plan on other days, and with bills passed.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Date, PackId, Timestamp};
use causeway_law::{Act, ActKind, Outcome, Packs, Settings, Subject, clear};

use super::course::Law;
use crate::acts::Undertaking;

/// Days after today and up to the horizon on which the law may read otherwise, for the acts of a plan.
pub(super) fn known_changes(packs: &Packs, today: Date, horizon: f64) -> Vec<Date> {
    let kinds = BTreeSet::from([
        ActKind::RentIaas,
        ActKind::UseChip,
        ActKind::TransferDataset,
        ActKind::TransferTechnology,
        ActKind::TransferWeights,
    ]);
    packs
        .turning_days(&kinds)
        .into_iter()
        .filter(|day| *day > today && f64::from((*day - today).get_days()) <= horizon)
        .collect()
}

/// A plan's acts that go on once it has begun: what was sent is sent.
struct Begun<'a>(&'a Undertaking);

impl Subject for Begun<'_> {
    fn acts(&self, at: Timestamp) -> Vec<Act> {
        let mut acts = self.0.acts(at);
        acts.retain(|act| {
            !matches!(
                act.kind,
                ActKind::TransferDataset | ActKind::TransferTechnology
            )
        });
        acts
    }
}

/// Judges one plan on other days and with bills passed.
pub(super) struct Judge<'a> {
    pub(super) undertaking: &'a Undertaking,
    pub(super) packs: &'a Packs,
    pub(super) settings: &'a Settings,
    pub(super) at: Timestamp,
    pub(super) stretches: &'a [Date],
    pub(super) bills: &'a [(usize, PackId)],
    pub(super) known: BTreeMap<(usize, u32, bool), Outcome>,
}

impl Law for Judge<'_> {
    fn outcome(&mut self, stretch: usize, passed: u32, begun: bool) -> Outcome {
        let key = (stretch, passed, begun);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let at = stretch
            .checked_sub(1)
            .and_then(|last| self.stretches.get(last))
            .and_then(|day| day.at(12, 0, 0, 0).in_tz("UTC").ok())
            .map_or(self.at, |noon| noon.timestamp());
        let mut settings = self.settings.clone();
        let passed = self
            .bills
            .iter()
            .enumerate()
            .filter(|(bit, _)| passed >> bit & 1 == 1);
        settings
            .packs
            .extend(passed.map(|(_, (_, pack))| pack.clone()));
        let outcome = if begun {
            clear(Begun(self.undertaking), self.packs, &settings, at)
                .clearance()
                .outcome()
        } else {
            clear(self.undertaking.clone(), self.packs, &settings, at)
                .clearance()
                .outcome()
        };
        self.known.insert(key, outcome);
        outcome
    }
}
