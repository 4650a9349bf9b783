//! Where a number of a plan comes from: the arithmetic and the facts, each with its source.

use causeway_domain::organisation::Weights;
use causeway_domain::{Fact, Source, Stated, Usd};
use causeway_law::Tree;

use crate::candidate::{Candidate, span};
use crate::factors::Factor;

/// What can be asked about, with what it is.
pub const FIELDS: [(&str, &str); 13] = [
    ("score", "the weighted mean of the factors"),
    ("hardware", "the first factor"),
    ("cost", "the second factor"),
    ("risk", "the third factor"),
    ("talent", "the fourth factor"),
    ("data", "the fifth factor"),
    ("price", "what all nodes cost an hour"),
    ("total", "what the run costs"),
    ("time", "how long the run takes"),
    ("memory", "whether it fits"),
    ("chips", "what computes"),
    ("country", "where the machines stand"),
    ("verdict", "what the law says"),
];

/// Where a field of a candidate comes from; nothing if there is no such field.
#[must_use]
pub fn trace(candidate: &Candidate, field: &str, weights: &Weights) -> Option<Tree> {
    let (name, what) = FIELDS.iter().find(|(name, _)| *name == field)?;
    let head =
        |value: String| Tree::new(format!("{name} of {}: {value} ({what})", candidate.name()));
    let factor =
        |factor: &Factor| head(points(factor)).with(factor.because.iter().map(String::as_str));
    Some(match *name {
        "hardware" => factor(&candidate.factors.hardware),
        "cost" => factor(&candidate.factors.cost),
        "risk" => factor(&candidate.factors.risk),
        "talent" => factor(&candidate.factors.talent),
        "data" => factor(&candidate.factors.data),
        "score" => head(format!("{:.0}", candidate.score)).with(score(candidate, weights)),
        "price" => head(price(candidate)).with(price_sources(candidate)),
        "total" => total(candidate, head),
        "time" => time(candidate, head),
        "memory" => memory(candidate, head),
        "chips" => chips(candidate, head),
        "country" => {
            let (value, source) = known(&candidate.country);
            head(value).with([source])
        }
        _ => verdict(candidate, head),
    })
}

/// `84`, or `84 (70 to 98)`.
fn points(factor: &Factor) -> String {
    if factor.doubt() > 0.0 {
        format!(
            "{:.0} ({:.0} to {:.0})",
            factor.score, factor.low, factor.high
        )
    } else {
        format!("{:.0}", factor.score)
    }
}

fn said(source: &Source) -> String {
    format!("source: {source}")
}

/// A fact's value and where it is from, or why it is unknown.
fn known<T: std::fmt::Display>(fact: &Fact<T>) -> (String, String) {
    match fact {
        Fact::Known(value, source) => (value.to_string(), said(source)),
        Fact::Unknown(why) => ("unknown".to_owned(), why.clone()),
    }
}

fn score(candidate: &Candidate, weights: &Weights) -> Vec<Tree> {
    let all = [
        weights.hardware,
        weights.cost,
        weights.risk,
        weights.talent,
        weights.data,
    ];
    let sum: f64 = all.iter().sum();
    candidate
        .factors
        .named()
        .into_iter()
        .zip(all)
        .map(|((name, factor), weight)| {
            let share = if sum > 0.0 { weight / sum } else { 0.2 };
            Tree::new(format!(
                "{:.1} = {} of {name} x weight {weight} of {sum}",
                share * factor.score,
                points(factor)
            ))
            .with(factor.because.iter().map(String::as_str))
        })
        .collect()
}

fn price(candidate: &Candidate) -> String {
    candidate
        .price_per_hour
        .map_or_else(|| "unknown".to_owned(), |price| price.to_string())
}

fn price_sources(candidate: &Candidate) -> Vec<String> {
    let nodes = candidate.nodes;
    let mut lines = vec![format!(
        "{nodes} node{}, paid {}",
        if nodes == 1 { "" } else { "s" },
        candidate.paid
    )];
    let stated = candidate
        .undertaking
        .offer
        .as_ref()
        .and_then(|offer| offer.price_per_hour.as_ref());
    match stated {
        Some(Stated::Value(price, source)) => {
            lines.push(format!("{price} a node and hour"));
            if let Some(source) = source {
                lines.push(said(source));
            }
        }
        Some(Stated::Unknown) => {
            lines.push("the organisation's file says that the price is unknown".to_owned())
        }
        None => {}
    }
    lines.push(format!("read in: {}", candidate.offer_source));
    lines
}

fn total(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let shown = |amount: Option<Usd>| {
        amount.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
    };
    let mut tree = head(shown(candidate.cost()));
    match &candidate.estimate {
        Ok(estimate) => {
            let (machines, source) = match &estimate.cost {
                Fact::Known(cost, source) => (
                    format!(
                        "{}, four times in five {} to {}",
                        cost.mid, cost.low, cost.high
                    ),
                    said(source),
                ),
                Fact::Unknown(why) => ("unknown".to_owned(), why.clone()),
            };
            tree.push(Tree::new(format!("machines: {machines}")).with([source]));
            tree.push(
                Tree::new(format!("price: {}", price(candidate))).with(price_sources(candidate)),
            );
            tree.push(time(candidate, |value| Tree::new(format!("time: {value}"))));
            tree.push(match candidate.egress {
                Some(egress) => format!(
                    "egress: {egress} for the last checkpoint of {}",
                    estimate.checkpoint_bytes
                ),
                None => "egress: not counted, the site states no price".to_owned(),
            });
        }
        Err(why) => tree.push(why.as_str()),
    }
    tree
}

fn time(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    match candidate
        .estimate
        .as_ref()
        .map(|estimate| (&estimate.hours, &estimate.notes))
    {
        Ok((Fact::Known(hours, source), notes)) => head(format!(
            "{}, four times in five {} to {}",
            span(hours.mid),
            span(hours.low),
            span(hours.high)
        ))
        .with([said(source)])
        .with(notes.iter().map(String::as_str)),
        Ok((Fact::Unknown(why), notes)) => head("unknown".to_owned())
            .with([why.as_str()])
            .with(notes.iter().map(String::as_str)),
        Err(why) => head("unknown".to_owned()).with([why.as_str()]),
    }
}

fn memory(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    match &candidate.estimate {
        Ok(estimate) => {
            let (available, source) = known(&estimate.memory_available);
            head(format!(
                "{} needed, {available} can be used",
                estimate.memory_needed
            ))
            .with([source])
            .with(candidate.infeasible.iter().map(String::as_str))
            .with(estimate.notes.iter().map(String::as_str))
        }
        Err(why) => head("unknown".to_owned()).with([why.as_str()]),
    }
}

fn chips(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let nodes = candidate.nodes;
    let value = match &candidate.accelerator {
        Some((name, count)) => format!("{nodes} x {name}:{count}"),
        None => format!("{nodes} x processors alone"),
    };
    let mut tree = head(value).with([format!("read in: {}", candidate.offer_source)]);
    if let Some((id, count)) = &candidate.undertaking.chip {
        tree.push(format!("the law's table has it as `{id}`, {count} of them"));
    }
    tree
}

fn verdict(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let mut tree = head(candidate.outcome.to_string());
    for act in &candidate.clearance.verdicts {
        let rules = act.deciding.iter().map(|rule| {
            Tree::new(format!("{}: {}", rule.id, rule.says)).with([
                rule.citation.join("; "),
                format!("verified: {}", rule.verified),
            ])
        });
        let open = act
            .open_facts
            .iter()
            .map(|open| Tree::new(format!("unknown: {} ({})", open.fact, open.why)));
        let line = Tree::new(format!(
            "{}: {}, judged for {}",
            act.about, act.outcome, act.as_of
        ));
        tree.push(line.with(rules).with(open));
    }
    tree.push("`causeway explain` shows every rule, and what would change the answer");
    tree
}
