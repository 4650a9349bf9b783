//! Where a number of a plan comes from: the arithmetic and the facts, each with its source.

use causeway_domain::organisation::Weights;
use causeway_domain::{Fact, Source, Stated, Usd};
use causeway_estimate::Interval;
use causeway_law::Tree;
use rust_decimal::Decimal;

use crate::candidate::{Candidate, hours_in_words, span};
use crate::factors::Factor;

/// What can be asked about, with what it is.
pub const FIELDS: [(&str, &str); 19] = [
    ("score", "the weighted mean of the factors"),
    ("hardware", "the first factor"),
    ("cost", "the second factor"),
    ("risk", "the third factor"),
    ("talent", "the fourth factor"),
    ("data", "the fifth factor"),
    ("price", "what all nodes cost an hour"),
    ("total", "what the run costs"),
    ("storage", "two checkpoints, kept while it runs"),
    ("egress", "the last checkpoint's way home"),
    ("people", "who watch it"),
    ("time", "how long the run takes"),
    ("throughput", "tokens of an accelerator"),
    ("memory", "whether it fits"),
    ("energy", "at the meter of the building"),
    ("carbon", "what the energy emits"),
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
        "storage" => storage(candidate, head),
        "egress" => egress(candidate, head),
        "people" => people(candidate, head),
        "time" => time(candidate, head),
        "throughput" => throughput(candidate, head),
        "memory" => memory(candidate, head),
        "energy" => energy(candidate, head),
        "carbon" => carbon(candidate, head),
        "chips" => chips(candidate, head),
        "country" => {
            let (value, source) = known(&candidate.place.country);
            let (point, of_point) = match &candidate.place.coordinates {
                Fact::Known(at, source) => (
                    format!("{:.2} north, {:.2} east", at.latitude(), at.longitude()),
                    said(source),
                ),
                Fact::Unknown(why) => ("unknown".to_owned(), why.clone()),
            };
            let part = candidate.place.part.as_deref();
            let part = part.map(|part| Tree::new(format!("part of it: {part}")));
            head(value)
                .with([Tree::new(source)])
                .with(part)
                .with([Tree::new(format!("point: {point}")).with([of_point])])
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
    match (stated, candidate.term) {
        (Some(Stated::Value(price, source)), _) => {
            lines.push(format!("{price} a node and hour"));
            if let Some(source) = source {
                lines.push(said(source));
            }
        }
        (Some(Stated::Unknown), _) => {
            lines.push("the organisation's file says that the price is unknown".to_owned());
        }
        (None, Some(term)) => lines.push(format!("a node: {term}")),
        (None, None) => {}
    }
    if candidate.owned.is_empty() {
        lines.push(format!("read in: {}", candidate.offer_source));
    } else {
        lines.extend(candidate.owned.iter().cloned());
    }
    let others = candidate
        .terms
        .iter()
        .filter(|term| Some(**term) != candidate.term);
    lines.extend(others.map(|term| {
        let whole = candidate.time().map(|hours| {
            let all = term.cost(hours.mid).get().saturating_mul(nodes.into());
            format!(": {} for this run", Usd::new(all))
        });
        format!("or, a node: {term}{}", whole.unwrap_or_default())
    }));
    lines
}

/// An amount with its interval and its source, or why it is unknown.
fn amount<T: std::fmt::Display + PartialEq>(fact: &Fact<Interval<T>>) -> (String, String) {
    match fact {
        Fact::Known(value, source) if value.low == value.high => {
            (value.mid.to_string(), said(source))
        }
        Fact::Known(value, source) => (
            format!(
                "{}, four times in five {} to {}",
                value.mid, value.low, value.high
            ),
            said(source),
        ),
        Fact::Unknown(why) => ("unknown".to_owned(), why.clone()),
    }
}

fn total(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let estimate = match &candidate.estimate {
        Ok(estimate) => estimate,
        Err(why) => return head("unknown".to_owned()).with([why.as_str()]),
    };
    let (sum, _) = amount(&estimate.cost);
    let (machines, why) = amount(&estimate.bill.nodes);
    let of_machines = Tree::new(format!("machines: {machines}"));
    let of_machines = if estimate.bill.nodes.is_known() {
        of_machines.with([
            Tree::new(format!("price: {}", price(candidate))).with(price_sources(candidate)),
            time(candidate, |value| Tree::new(format!("x time: {value}"))),
        ])
    } else {
        of_machines.with([why])
    };
    let part = |name: &'static str| move |value: String| Tree::new(format!("{name}: {value}"));
    head(sum).with([
        of_machines,
        storage(candidate, part("storage")),
        egress(candidate, part("egress")),
        people(candidate, part("people")),
    ])
}

/// A part of the bill that counts only where its price is known.
fn counted<T>(fact: &Fact<T>, value: String) -> String {
    if fact.is_known() {
        value
    } else {
        "not counted".to_owned()
    }
}

fn storage(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let Ok(estimate) = &candidate.estimate else {
        return head("not counted".to_owned()).with(["nothing is estimated"]);
    };
    let fact = &estimate.bill.storage;
    let (value, source) = amount(fact);
    let tree = head(counted(fact, value));
    match candidate.rates.storage_gb_month {
        Some(price) if fact.is_known() => tree.with([
            format!(
                "2 checkpoints of {} x {price} a GB and month x {}",
                estimate.checkpoint_bytes,
                hours_in_words(candidate)
            ),
            "price: the site's `storage_per_gb_month`".to_owned(),
        ]),
        _ => tree.with([source]),
    }
}

fn egress(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let Ok(estimate) = &candidate.estimate else {
        return head("not counted".to_owned()).with(["nothing is estimated"]);
    };
    let (value, source) = known(&estimate.bill.egress);
    let tree = head(counted(&estimate.bill.egress, value));
    if estimate.bill.egress.is_known() {
        tree.with([source, "price: the site's `egress_per_gb`".to_owned()])
    } else {
        tree.with([source])
    }
}

fn people(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let fact = candidate
        .estimate
        .as_ref()
        .map(|estimate| &estimate.bill.people);
    match (fact, &candidate.pay) {
        (Ok(fact @ Fact::Known(..)), Ok(words)) => {
            head(amount(fact).0).with([words.clone(), format!("x {}", hours_in_words(candidate))])
        }
        (_, Err(why)) => head("not counted".to_owned()).with([why.as_str()]),
        _ => head("not counted".to_owned()).with(["the time is not known"]),
    }
}

fn time(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let estimate = match &candidate.estimate {
        Ok(estimate) => estimate,
        Err(why) => return head("unknown".to_owned()).with([why.as_str()]),
    };
    let Fact::Known(hours, source) = &estimate.hours else {
        let (_, why) = amount(&estimate.hours);
        return head("unknown".to_owned())
            .with([why])
            .with(estimate.notes.iter().map(String::as_str));
    };
    let mut tree = head(format!(
        "{}, four times in five {} to {}",
        span(hours.mid),
        span(hours.low),
        span(hours.high)
    ));
    if let (Some(rate), Some(goodput), Some((_, each))) = (
        estimate.tokens_per_second_per_chip.known(),
        estimate.goodput.known(),
        &candidate.accelerator,
    ) {
        let chips = u64::from(*each) * u64::from(candidate.nodes);
        tree.push(format!(
            "{} / ({chips} accelerators x {}) / {:.1} % of the time is progress",
            estimate.tokens,
            rate.mid,
            100.0 * goodput.share
        ));
        tree.push(throughput(candidate, |value| {
            Tree::new(format!("throughput: {value}"))
        }));
        tree.push(
            Tree::new(format!(
                "goodput: a checkpoint every {} takes {}, an interruption every {}",
                span(goodput.checkpoint_interval),
                span(goodput.checkpoint_time),
                span(goodput.between_interruptions)
            ))
            .with([known_source(&estimate.goodput)]),
        );
    } else {
        tree.push(said(source));
    }
    tree.with(estimate.notes.iter().map(String::as_str))
}

fn known_source<T>(fact: &Fact<T>) -> String {
    match fact {
        Fact::Known(_, source) => said(source),
        Fact::Unknown(why) => why.clone(),
    }
}

fn throughput(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let estimate = match &candidate.estimate {
        Ok(estimate) => estimate,
        Err(why) => return head("unknown".to_owned()).with([why.as_str()]),
    };
    let (value, source) = amount(&estimate.tokens_per_second_per_chip);
    let mut tree = head(format!("{value} for each accelerator"));
    if let Fact::Known(mfu, peak) = &estimate.mfu {
        tree.push(
            Tree::new(format!(
                "{} of the peak / {} a token",
                mfu.mid, estimate.flops_per_token
            ))
            .with([format!("peak: {peak}")]),
        );
    }
    if let Some(step) = estimate.step.known() {
        tree.push(format!("of a step {step}; bound by {}", estimate.bound_by));
    }
    tree = tree.with(candidate.variant.as_ref().map(ToString::to_string));
    tree.push(source);
    tree
}

fn energy(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let energy = match &candidate.estimate {
        Ok(estimate) => &estimate.energy,
        Err(why) => return head("unknown".to_owned()).with([why.as_str()]),
    };
    match energy {
        Fact::Known(known, source) => {
            let (value, _) = amount(&energy.clone().map(|energy| energy.energy));
            let mut tree = head(value).with([
                format!(
                    "{} for the building x {}",
                    known.site.mid,
                    hours_in_words(candidate)
                ),
                format!("{} for each accelerator", known.chip),
                said(source),
            ]);
            if let Fact::Known(price, source) = &candidate.place.power {
                let bought = Decimal::from_f64_retain(known.energy.mid.get())
                    .and_then(|energy| energy.checked_mul(price.get()));
                let bought = Usd::new(bought.unwrap_or(Decimal::MAX).round_dp(2));
                tree.push(
                    Tree::new(format!(
                        "bought at {price} it would be {bought}; a rented hour contains it, so it is not counted again"
                    ))
                    .with([said(source)]),
                );
            }
            tree
        }
        Fact::Unknown(why) => head("unknown".to_owned()).with([why.as_str()]),
    }
}

fn carbon(candidate: &Candidate, head: impl Fn(String) -> Tree) -> Tree {
    let (value, why) = amount(&candidate.carbon);
    let tree = head(value);
    match (&candidate.carbon, &candidate.place.grid) {
        (Fact::Known(..), Fact::Known(grid, source)) => tree.with([
            energy(candidate, |value| Tree::new(format!("energy: {value}"))),
            Tree::new(format!(
                "x {} in {}{}",
                grid.intensity,
                grid.of,
                grid.year
                    .map_or_else(String::new, |year| format!(", {year}"))
            ))
            .with([said(source)]),
        ]),
        _ => tree.with([why]),
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
