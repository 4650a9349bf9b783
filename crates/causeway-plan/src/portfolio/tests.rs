use std::sync::Arc;

use causeway_domain::{SourceFile, portfolio};

use super::*;
use crate::compared::{compared, parsed};

/// Three sites: a cheap slow one, a dear quick one, and one whose operator is not known.
const ORGANISATION: &str = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
  hub: {name: Hub, headquarters: MY, listed: none, owners: [], owners_complete: true}
  shade: {name: Shade}
presences:
  - {entity: acme, provider: hub, account: a, site: slow}
  - {entity: acme, provider: hub, account: a, site: quick}
  - {entity: acme, provider: shade, account: a, site: shady}
sites:
  slow: {country: MY, operator: hub, engine: {local: {directory: s}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 1, tokens_per_second: 1000}]}
  quick: {country: ID, operator: hub, engine: {local: {directory: q}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 4, tokens_per_second: 2000}]}
  shady: {country: MY, operator: shade, engine: {local: {directory: x}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 0.1, tokens_per_second: 1000}]}
home: {country: SG}
workloads: {t: {model: a/m, parameters: 1e5, tokens: 3.6e8, sequence_length: 64, end_use: civil, closed: true}}
";

fn comparison(name: &str) -> Comparison {
    compared(
        &parsed(ORGANISATION),
        &format!("name: {name}\nresources: {{cpus: 2+}}\nrun: x\n"),
    )
}

fn assigned(file: &str) -> Result<Portfolio, NoAssignment> {
    let text = format!("format: causeway/portfolio/1\n{file}");
    let file = portfolio::parse(&Arc::new(SourceFile::new("p.yaml", text))).unwrap();
    let comparisons: Vec<Comparison> = file
        .tasks
        .iter()
        .map(|task| comparison(&task.task))
        .collect();
    let entries: Vec<Entry<'_>> = file
        .tasks
        .iter()
        .zip(&comparisons)
        .map(|(task, comparison)| Entry { task, comparison })
        .collect();
    assign(&file, &entries, 20.0)
}

fn places(portfolio: &Portfolio) -> Vec<&str> {
    let of = |one: &'static str, assignment: &Assignment| {
        assignment
            .place
            .as_ref()
            .is_some_and(|place| place.place.starts_with(one))
            .then_some(one)
    };
    portfolio
        .assignments
        .iter()
        .map(|assignment| {
            of("slow", assignment)
                .or_else(|| of("quick", assignment))
                .unwrap_or("none")
        })
        .collect()
}

#[test]
fn the_cheap_place_goes_to_whom_the_quota_allows() {
    // 100 hours at slow for $100, 50 at quick for $200.
    let portfolio =
        assigned("tasks: [{task: a}, {task: b}]\nlimits: [{site: slow, nodes: 1}]\n").unwrap();
    let mut both = places(&portfolio);
    both.sort_unstable();
    assert_eq!(both, ["quick", "slow"]);
    assert_eq!(portfolio.cost.to_string(), "$300.00");
    assert_eq!(portfolio.gap, Usd::default());
    let [nodes] = &portfolio.limits[..] else {
        panic!()
    };
    assert_eq!(
        (nodes.what.as_str(), nodes.used, nodes.most, nodes.more),
        ("nodes at slow", 1.0, 1.0, 1.0)
    );
    assert_eq!(
        nodes.worth.to_string(),
        "$100.00",
        "one node more saves the dear place"
    );
    // The shady place takes both for $10 each.
    assert_eq!(
        portfolio.price_of_lawfulness.unwrap().to_string(),
        "$280.00"
    );
    assert_eq!(
        portfolio.assignments[0].passed_over,
        ["1 not lawful as they are"]
    );
}

#[test]
fn deadlines_and_residency_choose_the_place() {
    let portfolio =
        assigned("tasks: [{task: a, deadline: 2026-12-02}, {task: b, stays_in: [MY]}]\n").unwrap();
    assert_eq!(places(&portfolio), ["quick", "slow"]);
    let late = assigned("tasks: [{task: a, deadline: 2026-11-30}]\n").unwrap_err();
    assert_eq!(late.reasons.len(), 1);
    assert!(
        late.reasons[0]
            .contains("`a` has no place: 2 too late, the quickest by 18.7 h, 1 not lawful"),
        "{late}"
    );
}

#[test]
fn a_budget_that_is_too_small_says_by_how_much() {
    let short = assigned("tasks: [{task: a}, {task: b}]\nbudget: 150\n").unwrap_err();
    assert_eq!(
        short.reasons,
        ["budget: $150.00 is $50.00 too little for what must be done"]
    );
}

#[test]
fn what_is_worth_less_than_it_costs_is_left_out() {
    let portfolio =
        assigned("tasks: [{task: a, worth: 90}, {task: b, worth: 120}]\nbudget: 110\n").unwrap();
    assert_eq!(places(&portfolio), ["none", "slow"]);
    let [budget] = &portfolio.limits[..] else {
        panic!()
    };
    assert_eq!(
        budget.worth,
        Usd::default(),
        "$11 more would change nothing"
    );
}
