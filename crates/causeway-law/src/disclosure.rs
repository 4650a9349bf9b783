//! What is asked of a plan whatever it consists of: owners up to the ultimate parent, and what data are.
//!
//! The packs ask for a fact only where a rule turns on it, and that is what a case file tests. A plan is more than its
//! cases: it is launched, and what no rule asks for today a rule may ask for tomorrow. So a party whose ultimate parent
//! nobody knows, and data of which nobody says what they are, are looked at by a person first.

use causeway_domain::Fact;
use causeway_parties::{Parent, ultimate_parent};
use rust_decimal::Decimal;

use crate::{Act, ActVerdict, Effect, OpenFact, Outcome, RuleHit};

/// Smallest share over a free float that may control: the floor of the headquarters test.
const CONTROL_FLOOR: Decimal = Decimal::TEN;

/// Adds what is not disclosed to the verdict of an act: an allow becomes a review, a stricter answer stays.
pub(crate) fn require(act: &Act, mut verdict: ActVerdict) -> ActVerdict {
    let parents = parents(act);
    let data = data(act);
    for (id, title, open) in [
        (
            "base-ultimate-parent",
            "owners are disclosed up to the ultimate parent",
            parents,
        ),
        (
            "base-data-class",
            "what data are is stated before they move",
            data,
        ),
    ] {
        let new: Vec<OpenFact> = open
            .into_iter()
            .filter(|fact| {
                !verdict
                    .open_facts
                    .iter()
                    .any(|known| known.fact == fact.fact)
            })
            .collect();
        if new.is_empty() {
            continue;
        }
        let hit = RuleHit {
            id: id.to_owned(),
            title: title.to_owned(),
            citation: vec!["ARCHITECTURE.md, invariants".to_owned()],
            outcome: Effect::NeedsReview,
            review: None,
            says: "state the fact with its source".to_owned(),
            verified: "Causeway's own rule".to_owned(),
            certain: true,
        };
        if verdict.outcome <= Outcome::NeedsReview {
            verdict.outcome = Outcome::NeedsReview;
            verdict.obligations.clear();
            verdict.deciding.push(hit);
        } else {
            verdict.context.push(hit);
        }
        verdict.open_facts.extend(new);
    }
    verdict
}

fn open(fact: String, why: &str) -> OpenFact {
    OpenFact {
        fact,
        why: why.to_owned(),
        gives: Vec::new(),
    }
}

fn parents(act: &Act) -> Vec<OpenFact> {
    act.parties
        .iter()
        .filter_map(
            |party| match ultimate_parent(&act.register, &party.id, CONTROL_FLOOR) {
                Parent::Known { .. } => None,
                // Also where all that it can be sit in one country: who it is, is what is asked.
                Parent::Unclear { why, .. } => Some(open(format!("{}.parent", party.role), &why)),
            },
        )
        .collect()
}

fn data(act: &Act) -> Vec<OpenFact> {
    let classified = act
        .item
        .dataset
        .as_ref()
        .and_then(|dataset| dataset.classified.as_ref());
    match classified {
        Some(Fact::Unknown(why)) => vec![open("dataset.class".to_owned(), why)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use causeway_domain::{Country, Percent};
    use causeway_parties::{Holding, Party, Register};

    use super::*;
    use crate::{ActKind, ActParty, Dataset, Role};

    fn sg() -> Country {
        "SG".parse().unwrap()
    }

    fn verdict(act: &Act, outcome: Outcome) -> ActVerdict {
        ActVerdict {
            kind: act.kind,
            about: String::new(),
            outcome,
            deciding: Vec::new(),
            context: Vec::new(),
            review: None,
            obligations: vec!["record_kyc".to_owned()],
            open_facts: Vec::new(),
            authorisations_used: Vec::new(),
            from_memory: Vec::new(),
            passed: Vec::new(),
            as_of: act.date.day(),
            packs: causeway_domain::Digest::new([0; 32]),
        }
    }

    fn act(share: Fact<Percent>) -> Act {
        let mut register = Register::default();
        register.insert(
            "a",
            Party::company("A")
                .based(sg())
                .on_lists([])
                .owned([Holding::new("b", share)]),
        );
        register.insert("b", Party::company("B").based(sg()).on_lists([]).owned([]));
        let day: causeway_domain::Date = "2026-11-24".parse().unwrap();
        let mut act = Act::new(ActKind::RentIaas, day, Fact::stated(sg(), "t"));
        act.register = Arc::new(register);
        act.with(ActParty::new(Role::Customer, "a", Fact::stated(sg(), "t")))
    }

    #[test]
    fn an_unknown_parent_is_looked_at_whatever_is_done() {
        let known = act(Fact::stated(Percent::new(Decimal::from(60)), "t"));
        assert_eq!(
            require(&known, verdict(&known, Outcome::Allow)).outcome,
            Outcome::Allow
        );
        let unknown = act(Fact::unknown("not stated"));
        let answer = require(&unknown, verdict(&unknown, Outcome::Allow));
        assert_eq!(answer.outcome, Outcome::NeedsReview);
        assert_eq!(answer.open_facts[0].fact, "customer.parent");
        assert!(answer.obligations.is_empty(), "only an allow obliges");
    }

    #[test]
    fn a_stricter_answer_stays() {
        let unknown = act(Fact::unknown("not stated"));
        let answer = require(&unknown, verdict(&unknown, Outcome::Prohibited));
        assert_eq!(
            (answer.outcome, answer.context.len()),
            (Outcome::Prohibited, 1)
        );
    }

    #[test]
    fn data_of_an_unknown_class_are_looked_at() {
        let mut act = act(Fact::stated(Percent::new(Decimal::from(60)), "t"));
        act.item.dataset = Some(Dataset {
            persons: BTreeMap::new(),
            important: None,
            classified: Some(Fact::unknown("not stated")),
        });
        assert_eq!(
            require(&act, verdict(&act, Outcome::Allow)).open_facts[0].fact,
            "dataset.class"
        );
    }
}
