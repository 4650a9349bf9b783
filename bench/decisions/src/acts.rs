//! The acts that are decided: those of the visible cases, and the same with facts taken away.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use causeway_domain::Fact;
use causeway_law::{Act, Packs, Settings, cases, reference};

/// An act and how the law is read for it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) settings: Settings,
    pub(crate) act: Act,
}

/// Every visible case in which no policy turns on an unknown fact.
pub(crate) fn known(root: &Path, packs: &Packs) -> Result<Vec<Asked>> {
    let path = root.join("rules/cases/visible.yaml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let all = cases::parse(&text)?.into_iter().filter_map(|case| {
        Some(Asked {
            id: case.id,
            settings: case.settings,
            act: case.act?,
        })
    });
    Ok(all
        .filter(|asked| reference::Question::new(packs, &asked.settings, &asked.act).is_ok())
        .collect())
}

/// A small generator with a fixed seed: the same acts in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// The same acts, four times over, each with so many facts unknown: the destination, where a party sits, its lists, its
/// owners' register, or one of the facts that the act states.
pub(crate) fn with_unknowns(known: &[Asked], unknowns: usize) -> Vec<Asked> {
    let mut dice = Dice(0x5EED_CA05);
    let mut all = Vec::new();
    for asked in known.iter().cycle().take(known.len() * 4) {
        let mut asked = asked.clone();
        for _ in 0..unknowns {
            hide(&mut asked.act, &mut dice);
        }
        all.push(asked);
    }
    all
}

fn hide(act: &mut Act, dice: &mut Dice) {
    let facts: Vec<String> = act.facts.keys().cloned().collect();
    let parties: Vec<String> = act.register.parties.keys().cloned().collect();
    let spot = dice.throw(facts.len() + 1 + 3 * parties.len());
    if let Some(name) = facts.get(spot) {
        act.facts.insert(name.clone(), Fact::unknown("hidden"));
        return;
    }
    let spot = spot - facts.len();
    let mut register = (*act.register).clone();
    let party = parties
        .get(spot.saturating_sub(1) / 3)
        .and_then(|key| register.parties.get_mut(key));
    match (spot, party) {
        (0, _) | (_, None) => act.to = Fact::unknown("hidden"),
        (spot, Some(party)) => match (spot - 1) % 3 {
            0 => party.headquarters = Fact::unknown("hidden"),
            1 => party.listed = causeway_parties::Listed::unknown("hidden"),
            _ => party.owners_complete = false,
        },
    }
    act.register = Arc::new(register);
}
