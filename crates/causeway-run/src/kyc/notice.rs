//! The notice of a large model, from a run's papers.

use std::collections::BTreeSet;

use causeway_domain::{Country, Fact, Timestamp};
use causeway_law::Packs;
use causeway_market::Market;
use causeway_parties::kyc::form::Amount;
use causeway_parties::kyc::observed::Observed;
use causeway_parties::kyc::{Filed, Notice};
use causeway_parties::{PartyKind, Register};
use rust_decimal::Decimal;
use serde_json::Value;

use super::papers::Papers;
use super::records::{day_of, peak, whole};

/// Parameters and tokens of the run's workload, as causeway.yaml states them.
pub(super) fn model_size(papers: Option<&Papers>) -> (Fact<Decimal>, Fact<Decimal>) {
    let Some(papers) = papers else {
        let why = "neither the form nor a run says how large the model is";
        return (Fact::unknown(why), Fact::unknown(why));
    };
    let Fact::Known(organisation, source) = &papers.organisation else {
        let why = "the organisation's file is not there";
        return (Fact::unknown(why), Fact::unknown(why));
    };
    let task = papers.entries.said("plan", "/output/task");
    let name = task.known().and_then(|task| task.as_str());
    let Some((name, workload)) = organisation.workload(name) else {
        let why = format!("{} has no workload of the task", organisation.source.name);
        return (Fact::unknown(why.clone()), Fact::unknown(why));
    };
    let fact = |field: &str, number: Option<f64>| {
        let exact = number.and_then(|number| Amount::parse(&number.to_string()));
        exact.map_or_else(
            || {
                Fact::unknown(format!(
                    "{} does not state `workloads.{name}.{field}`",
                    organisation.source.name
                ))
            },
            |amount| Fact::Known(amount.0, source.clone()),
        )
    };
    (
        fact("parameters", workload.parameters),
        fact("tokens", workload.tokens),
    )
}

/// Who owns a party, up to the top: a line a holding.
pub(super) fn chain(register: &Register, key: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![key.to_owned()];
    while let Some(key) = waiting.pop() {
        if !seen.insert(key.clone()) {
            continue;
        }
        let Some(party) = register.get(&key) else {
            lines.push(format!("{key}: in no register"));
            continue;
        };
        for holding in &party.owners {
            let share = match &holding.share {
                Fact::Known(share, _) => share.to_string(),
                Fact::Unknown(_) => "unknown share".to_owned(),
            };
            let holder = register.get(&holding.holder);
            let name = holder.map_or(holding.holder.as_str(), |holder| holder.name.as_str());
            let place = holder
                .and_then(|holder| holder.headquarters.known())
                .map_or_else(|| "place unknown".to_owned(), ToString::to_string);
            let control = if holding.control { ", control" } else { "" };
            lines.push(format!(
                "{name} ({place}): {share} of {}{control}",
                party.name
            ));
            waiting.push(holding.holder.clone());
        }
        if party.kind == PartyKind::Company && !party.owners_complete {
            lines.push(format!("{}: not every holder is named", party.name));
        }
    }
    lines
}

/// The notice of a run.
#[must_use]
pub fn notice(
    papers: &Papers,
    observed: Option<&Filed<Observed>>,
    market: &Market,
    packs: &Packs,
    at: Timestamp,
) -> Notice {
    let text = |stage: &str, pointer: &str| match papers.entries.said(stage, pointer) {
        Fact::Known(Value::String(text), source) => Fact::Known(text.clone(), source),
        Fact::Known(..) => Fact::unknown("it is no text"),
        Fact::Unknown(why) => Fact::Unknown(why),
    };
    let instant = |pointer: &str| match text("train", pointer) {
        Fact::Known(text, source) => text.parse::<Timestamp>().map_or_else(
            |_| Fact::unknown("the instant can't be read"),
            |at| Fact::Known(at, source),
        ),
        Fact::Unknown(why) => Fact::Unknown(why),
    };
    let (started, ended) = (instant("/output/started"), instant("/output/ended"));
    let hours = match (&started, &ended) {
        (Fact::Known(from, source), Fact::Known(to, _)) => Fact::Known(
            Decimal::from(to.as_second() - from.as_second()) / Decimal::from(3600),
            source.clone(),
        ),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    };
    let (parameters, tokens) = model_size(Some(papers));
    let peak = match papers.entries.planned("chip") {
        Fact::Known(Value::String(chip), _) => peak(market, &chip),
        Fact::Known(..) => Fact::unknown("the chip's name is no text"),
        Fact::Unknown(_) => {
            Fact::unknown("machines without accelerators, or the plan names no chip")
        }
    };
    let utilisation = observed
        .and_then(|observed| {
            let percent = observed.file.telemetry.as_ref()?.utilisation_percent?;
            Some(Fact::stated(
                percent.0 / Decimal::ONE_HUNDRED,
                format!("{}, {}", observed.source.name, observed.file.source),
            ))
        })
        .unwrap_or_else(|| {
            Fact::unknown("nobody states the utilisation that was reached (`--observed FILE`)")
        });
    let (customer, owners) = match (&papers.organisation, &papers.customer()) {
        (Fact::Known(organisation, source), Fact::Known(party, _)) => {
            let register = causeway_plan::register(
                organisation,
                &causeway_plan::Screened::default(),
                jiff::tz::TimeZone::UTC.to_datetime(at).date(),
            );
            let name = register
                .get(party.as_str())
                .map_or_else(|| party.to_string(), |party| party.name.clone());
            (
                Fact::Known(name, source.clone()),
                Fact::Known(chain(&register, party.as_str()), source.clone()),
            )
        }
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => {
            (Fact::unknown(why.clone()), Fact::unknown(why.clone()))
        }
    };
    Notice {
        run: papers.run.to_string(),
        day: day_of(at),
        model: text("admit", "/output/model"),
        from: started.map(day_of),
        to: ended.map(day_of),
        place: place(papers),
        customer,
        owners,
        parameters,
        tokens,
        chips: whole(papers.entries.planned("chips")),
        hours,
        peak,
        utilisation,
        triggers: super::triggers(packs),
    }
}

fn place(papers: &Papers) -> Fact<String> {
    let label = papers.entries.said("plan", "/output/place");
    let operator = papers.entries.planned("operator");
    let country = papers.entries.planned("country");
    match label {
        Fact::Known(label, source) => {
            let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
            let operator = operator.known().map_or_else(|| "unknown".to_owned(), text);
            let country: Option<Country> = country
                .known()
                .and_then(|country| country.as_str()?.parse().ok());
            let country = country.map_or_else(
                || "country unknown".to_owned(),
                |country| format!("{} ({country})", country.name()),
            );
            Fact::Known(format!("{} of {operator}, {country}", text(label)), source)
        }
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}
