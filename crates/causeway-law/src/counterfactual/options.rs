//! Every change that could be made to a plan, in the order in which it is told: papers first, authorisations last.

use std::collections::BTreeSet;

use causeway_domain::{Date, Fact};

use super::days::other_days;
use super::documents::{Document, Documentable};
use super::mechanism::Mechanism;
use super::{Bounds, Change};
use crate::explain::looks_at;
use crate::{Act, ActKind, Packs};

/// What is asked of acts of these kinds.
struct Asked {
    facts: BTreeSet<String>,
    authorisations: BTreeSet<String>,
}

fn asked(packs: &Packs, kinds: &BTreeSet<ActKind>) -> Asked {
    let mut asked = Asked {
        facts: BTreeSet::new(),
        authorisations: BTreeSet::new(),
    };
    for rule in packs
        .rules
        .iter()
        .filter(|rule| !rule.kinds.is_disjoint(kinds))
    {
        asked
            .facts
            .extend(looks_at(packs, rule).into_iter().map(str::to_owned));
        if let Some(mention) = rule.mentions.get("authorisations") {
            asked.authorisations.extend(mention.words.iter().cloned());
        }
    }
    // This one is asked before any policy.
    if kinds.contains(&ActKind::DomesticSale) {
        asked
            .facts
            .insert(Documentable::ExportPlanned.name().to_owned());
    }
    asked
}

/// All of them but fewer chips, whose number only a search finds.
pub(super) fn options(packs: &Packs, acts: &[Act], bounds: &Bounds) -> Vec<Change> {
    let Some(first) = acts.first() else {
        return Vec::new();
    };
    let day = first.date.day();
    let mut kinds: BTreeSet<ActKind> = acts.iter().map(|act| act.kind).collect();
    if kinds.contains(&ActKind::DomesticSale) {
        kinds.insert(ActKind::Export);
    }
    let asked = asked(packs, &kinds);
    let mut all = Vec::new();
    documents(packs, acts, &asked, &mut all);
    mechanisms(packs, acts, &asked, day, bounds, &mut all);
    let here = acts
        .iter()
        .map(|act| act.to.known())
        .collect::<BTreeSet<_>>();
    all.extend(
        bounds
            .places
            .iter()
            .filter(|place| !here.contains(&Some(*place)))
            .map(|place| Change::place(*place)),
    );
    chips(packs, acts, &mut all);
    all.extend(
        other_days(packs, &kinds, day, bounds.not_before, bounds.days)
            .into_iter()
            .map(Change::day),
    );
    all.extend(
        asked
            .authorisations
            .iter()
            .filter(|name| !acts.iter().all(|act| act.authorisations.contains(*name)))
            .filter_map(|name| Change::authorisation(packs, name, day)),
    );
    all
}

/// Facts that are open now, and those that a move would open.
fn documents(packs: &Packs, acts: &[Act], asked: &Asked, all: &mut Vec<Change>) {
    for document in Document::all(packs) {
        let fact = document.fact();
        let takes = packs
            .vocabulary
            .facts
            .get(fact.name())
            .is_some_and(|spec| spec.takes(&crate::FactValue::from(document.value())));
        let moved =
            Documentable::OF_CHIPS.contains(&fact) || Documentable::OF_PLACES.contains(&fact);
        let open = acts.iter().any(|act| match act.facts.get(fact.name()) {
            None | Some(Fact::Unknown(_)) => true,
            Some(Fact::Known(known, _)) => {
                moved || document.over().contains(&known.to_string().as_str())
            }
        });
        if takes && open && asked.facts.contains(fact.name()) {
            all.push(Change::Document(document));
        }
    }
}

fn mechanisms(
    packs: &Packs,
    acts: &[Act],
    asked: &Asked,
    day: Date,
    bounds: &Bounds,
    all: &mut Vec<Change>,
) {
    for mechanism in Mechanism::SAFEGUARDS {
        let wanting = mechanism.facts().first().is_some_and(|(fact, _, over)| {
            asked.facts.contains(fact.name())
                && acts.iter().any(|act| {
                    matches!(act.facts.get(fact.name()), Some(Fact::Known(known, _)) if over.contains(&known.to_string().as_str()))
                })
        });
        if wanting {
            all.push(Change::Mechanism(*mechanism));
        }
    }
    for mechanism in Mechanism::FILINGS {
        let Some(name) = mechanism.held() else {
            continue;
        };
        let exists = packs
            .vocabulary
            .authorisations
            .get(name)
            .is_some_and(|known| known.exists(day));
        let held = acts.iter().all(|act| act.authorisations.contains(name));
        if exists && !held && asked.authorisations.contains(name) {
            all.push(Change::Mechanism(*mechanism));
        }
    }
    for act in acts
        .iter()
        .filter(|act| act.kind == ActKind::TransferWeights)
    {
        all.extend(
            bounds
                .homes
                .iter()
                .filter(|home| act.to.known() != Some(*home))
                .map(|home| Change::Mechanism(Mechanism::Home(*home))),
        );
    }
}

/// The chips of the table, the strongest first.
fn chips(packs: &Packs, acts: &[Act], all: &mut Vec<Change>) {
    let planned: BTreeSet<&str> = acts
        .iter()
        .filter_map(|act| act.item.chip.as_ref())
        .map(|chip| match (&chip.id, &chip.figures) {
            (Some(id), None) => id.as_str(),
            _ => "",
        })
        .collect();
    if planned.is_empty() {
        return;
    }
    let mut table: Vec<(&String, _)> = packs
        .chips
        .iter()
        .filter(|(id, row)| row.tpp.is_some() && !planned.contains(id.as_str()))
        .map(|(id, row)| (id, row.tpp))
        .collect();
    table.sort_by(|(one, strong), (other, weak)| weak.cmp(strong).then(one.cmp(other)));
    all.extend(
        table
            .into_iter()
            .filter_map(|(id, _)| Change::chip(packs, id)),
    );
}
