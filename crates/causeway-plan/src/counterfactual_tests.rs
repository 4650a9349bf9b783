use causeway_market::Market;

use super::*;
use crate::compared::{Asked, parsed};

/// A customer of which a D:5 country is the home, two sites, and nobody has documented anything.
const ORGANISATION: &str = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: CN, listed: none, owners: [], owners_complete: true}
  hub: {name: Hub, headquarters: MY, listed: none, owners: [], owners_complete: true}
  listed: {name: Listed, headquarters: MY, listed: sdn, owners: [], owners_complete: true}
presences: [{entity: acme, provider: hub, account: a, site: near}, {entity: acme, provider: listed, account: b, site: far}]
sites:
  near: {country: MY, operator: hub, engine: {local: {directory: near}}, offers: [{accelerator: H100, accelerators_per_node: 8, cpus: 64, memory: 512 GB, price_per_hour: 1}]}
  far: {country: MY, operator: listed, engine: {local: {directory: far}}, offers: [{accelerator: H100, accelerators_per_node: 8, cpus: 64, memory: 512 GB, price_per_hour: 9}]}
home: {country: SG}
team: {SG: 1}
workloads: {t: {model: a/m, parameters: 1e5, tokens: 3.6e6, sequence_length: 64, end_use: civil, closed: true}}
facts: {provider_us_person: false}
";
const TASK: &str = "resources: {accelerators: H100:8}\nrun: x\n";

fn comparison(organisation: &str, packs: &Packs) -> Comparison {
    Asked {
        at: "2026-11-24T00:00:00Z",
        market: &Market::empty().unwrap(),
        packs,
        every_offer: false,
    }
    .compare(&parsed(organisation), TASK)
}

fn at<'a>(comparison: &'a Comparison, site: &str) -> &'a Candidate {
    comparison
        .candidates
        .iter()
        .find(|one| one.site.as_ref().is_some_and(|id| id.as_str() == site))
        .unwrap()
}

fn today() -> Option<causeway_domain::Date> {
    Some("2026-11-24".parse().unwrap())
}

#[test]
fn what_is_proposed_for_a_plan_allows_every_act_of_it() {
    let packs = Packs::builtin().unwrap();
    let comparison = comparison(ORGANISATION, &packs);
    let near = at(&comparison, "near");
    assert_eq!(near.outcome, Outcome::NeedsReview, "{near:?}");
    let advice = comparison.advice(near, &packs, today());
    assert!(!advice.changes.proposals.is_empty(), "{}", advice.tree());
    let plan = Plan {
        settings: settings(&near.undertaking.organisation),
        undertaking: &near.undertaking,
        packs: &packs,
        at: comparison.at,
    };
    let before = plan.acts(&[]);
    for proposal in &advice.changes.proposals {
        let changes: Vec<Change> = proposal
            .steps
            .iter()
            .map(|step| step.change.clone())
            .collect();
        let after = plan.acts(&changes);
        assert_eq!(after.len(), before.len());
        for (was, is) in before.iter().zip(&after) {
            assert_eq!(plan.judge(is).outcome, Outcome::Allow, "{changes:?}");
            assert_eq!(
                (&is.parties, &is.register, is.from, is.kind),
                (&was.parties, &was.register, was.from, was.kind)
            );
            assert_eq!(
                is.facts.get("prior_12_months"),
                was.facts.get("prior_12_months")
            );
            assert_eq!(is.item.dataset, was.item.dataset);
        }
    }
    let text = advice.tree().to_string();
    assert!(
        text.contains("have a reviewer determine, signed and on file, that it is complete"),
        "{text}"
    );
    assert_eq!(
        comparison.advice(near, &packs, today()).changes,
        advice.changes,
        "the same again"
    );
}

#[test]
fn another_place_is_another_candidate_with_its_own_operator() {
    let packs = Packs::builtin().unwrap();
    let settled = ORGANISATION.replace("headquarters: CN", "headquarters: SG");
    let comparison = comparison(&settled, &packs);
    let far = at(&comparison, "far");
    assert!(far.outcome > Outcome::Allow);
    let advice = comparison.advice(far, &packs, today());
    assert_eq!(
        advice
            .elsewhere
            .iter()
            .map(|other| (other.place.as_str(), other.operator.as_str()))
            .collect::<Vec<_>>(),
        [("near node-1", "Hub")],
        "{}",
        advice.tree()
    );
    assert!(
        advice.changes.proposals.iter().all(|one| one
            .steps
            .iter()
            .all(|step| !matches!(step.change, Change::Place(_)))),
        "a plan moves to a candidate, not to a country"
    );
    let near = at(&comparison, "near");
    assert!(
        comparison
            .advice(near, &packs, today())
            .tree()
            .to_string()
            .contains("none is needed")
    );
}

#[test]
fn other_chips_do_not_inherit_what_was_stated_of_these() {
    let packs = Packs::builtin().unwrap();
    let stated = ORGANISATION.replace(
        "accelerators_per_node: 8, cpus: 64, memory: 512 GB, price_per_hour: 1}",
        "accelerators_per_node: 8, cpus: 64, memory: 512 GB, price_per_hour: 1, chips_licence: shown}",
    );
    let comparison = comparison(&stated, &packs);
    let near = at(&comparison, "near");
    let plan = Plan {
        settings: settings(&near.undertaking.organisation),
        undertaking: &near.undertaking,
        packs: &packs,
        at: comparison.at,
    };
    let licence = |changes: &[Change]| plan.acts(changes)[0].facts.get("chips_licence").cloned();
    assert!(licence(&[]).is_some_and(|fact| fact.is_known()));
    let other = Change::chip(&packs, "a100-sxm-80").unwrap();
    assert!(!licence(std::slice::from_ref(&other)).is_some_and(|fact| fact.is_known()));
    let fewer = Change::fewer(8, 3).unwrap();
    let acts = plan.acts(&[other, fewer, Change::day("2027-01-15".parse().unwrap())]);
    assert_eq!(
        acts[0].item.chip,
        Some(causeway_law::Chip::listed("a100-sxm-80", 3))
    );
    assert_eq!(acts[0].date.day().to_string(), "2027-01-15");
}
