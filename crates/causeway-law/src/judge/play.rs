//! The policies of a slice, each worked out as far as the facts tell.

use std::collections::{BTreeMap, BTreeSet};

use causeway_parties::Certainty;

use crate::atoms::{Answers, Atoms, Solved};
use crate::candidates::Candidate;
use crate::law::Policy;
use crate::scene::{Scene, Slot};
use crate::table::Table;
use crate::{ActKind, Effect, Outcome, Packs, Settings};

/// A policy that is satisfied, or may be.
pub(super) struct Played<'p> {
    pub(super) policy: &'p Policy,
    pub(super) index: usize,
    pub(super) effect: Effect,
    pub(super) permit: bool,
    pub(super) table: Option<Table>,
    /// The unknowns that are too many to try.
    pub(super) looks_at: BTreeSet<Slot>,
    pub(super) always: bool,
    pub(super) sometimes: bool,
}

impl Played<'_> {
    /// Whether the answer can turn on it.
    pub(super) fn decides(&self) -> bool {
        self.permit || self.effect.outcome() > Outcome::Allow || self.effect == Effect::Obligation
    }

    pub(super) fn is_open(&self) -> bool {
        self.sometimes != self.always
    }
}

/// The policies of the slice that are satisfied, or may be; and the values at which the unknowns were tried.
pub(super) struct Play<'p> {
    pub(super) all: Vec<Played<'p>>,
    pub(super) candidates: BTreeMap<Slot, Vec<Candidate>>,
}

pub(super) fn play<'p>(
    packs: &'p Packs,
    settings: &Settings,
    scene: &Scene<'_>,
    kind: ActKind,
) -> Play<'p> {
    let law = &packs.law;
    let mut on = vec![false; law.packs.len()];
    for pack in &settings.packs {
        if let Some(place) = law
            .packs
            .id(pack.as_str())
            .and_then(|pack| on.get_mut(usize::from(pack)))
        {
            *place = true;
        }
    }
    let answers = Answers::new(scene);
    let mut all: Vec<Played<'p>> = Vec::new();
    let mut open = false;
    for index in scene.epoch.slice(kind) {
        let index = usize::from(*index);
        let (Some(policy), Some(rule)) = (law.policies.get(index), packs.rules.get(index)) else {
            continue;
        };
        if !on
            .get(usize::from(policy.pack))
            .copied()
            .unwrap_or_default()
        {
            continue;
        }
        let determined =
            scene.act.determined.contains(&rule.info.id) && rule.info.jurisdiction != "base";
        let Some(effect) = policy.effect(settings, &rule.info.id, determined) else {
            continue;
        };
        let holds = answers.holds(&policy.formula);
        if holds == Certainty::No {
            continue;
        }
        open |= holds == Certainty::Open;
        let permit = policy.effect.is_none();
        all.push(Played {
            policy,
            index,
            effect,
            permit,
            table: None,
            looks_at: BTreeSet::new(),
            always: holds == Certainty::Yes,
            // A permit that is not certain permits nothing.
            sometimes: holds == Certainty::Yes || !permit,
        });
    }
    let mut candidates = BTreeMap::new();
    if open {
        let formulas = all
            .iter()
            .filter(|one| !one.always)
            .map(|one| &one.policy.formula);
        let atoms = Atoms::new(&answers, formulas);
        for one in all.iter_mut().filter(|one| !one.always) {
            match atoms.solve(&one.policy.formula) {
                Solved::Fixed(satisfied) => {
                    one.always = satisfied;
                    one.sometimes = satisfied;
                }
                Solved::Table(table) => {
                    one.always = table.always();
                    one.sometimes = table.sometimes();
                    one.table = Some(table);
                }
                Solved::TooMany(slots) => one.looks_at = slots,
            }
        }
        candidates = atoms.candidates;
        all.retain(|one| one.sometimes);
    }
    Play { all, candidates }
}
