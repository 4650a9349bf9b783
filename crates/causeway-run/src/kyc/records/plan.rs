//! How much was planned: chips, hours, operations, power, and the last day on which something is to be transferred.

use std::collections::BTreeMap;

use causeway_domain::{Date, Fact};
use causeway_estimate::{Calibration, usual_utilisation};
use causeway_market::{Market, NumberFormat};
use causeway_parties::kyc::form::Item;
use causeway_parties::kyc::records::Planned;
use causeway_parties::kyc::six_n_d;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde_json::Value;

use super::{NO_RUN, Sources, day_of, exact, whole};

pub(super) fn watts(sources: &Sources<'_>) -> BTreeMap<String, Fact<Decimal>> {
    let chips = sources
        .provider
        .and_then(|form| Item::of(form.file.chips.as_ref()));
    let mut watts = BTreeMap::new();
    for model in chips
        .into_iter()
        .flatten()
        .filter_map(|chip| chip.model.as_ref())
    {
        let part = sources.market.accelerators.find(model);
        let fact = match part.and_then(|part| Decimal::from_f64(part.tdp?.get())) {
            Some(each) => Fact::stated(each, "catalog/accelerators.json"),
            None => Fact::unknown("the table of accelerators has no design power of it"),
        };
        watts.insert(model.clone(), fact);
    }
    watts
}

/// Dense peak of an accelerator in bf16, operations a second.
pub(in crate::kyc) fn peak(market: &Market, chip: &str) -> Fact<Decimal> {
    let part = market.accelerators.find(chip);
    let tflops = part.and_then(|part| part.peak(NumberFormat::Bf16));
    tflops
        .and_then(|tflops| Decimal::from_f64(tflops.get()))
        .and_then(|tflops| tflops.checked_mul(Decimal::from(1_000_000_000_000_u64)))
        .map_or_else(
            || {
                Fact::unknown(format!(
                    "the table of accelerators has no bf16 peak of `{chip}`"
                ))
            },
            |peak| Fact::stated(peak, "catalog/accelerators.json, dense bf16"),
        )
}

pub(super) fn planned(sources: &Sources<'_>) -> Planned {
    let size = sources
        .form
        .and_then(|form| Item::of(form.file.size.as_ref()));
    let papers = |field: &str| {
        sources.papers.map_or_else(
            || Fact::unknown(NO_RUN),
            |papers| papers.entries.planned(field),
        )
    };
    let form = |name: &str| Fact::unknown(format!("C11 of the form does not state `{name}`"));
    let or = |first: Fact<Decimal>, second: Fact<Decimal>| {
        if first.is_known() { first } else { second }
    };
    let chips = match whole(papers("chips")) {
        Fact::Unknown(why) => size.and_then(|size| size.chips).map_or_else(
            || Fact::unknown(why),
            |chips| Fact::stated(chips, "C11 of the form"),
        ),
        known => known,
    };
    let stated_hours = size.and_then(|size| size.hours).map_or_else(
        || form("hours"),
        |hours| Fact::stated(hours.0, "C11 of the form"),
    );
    let hours = or(exact(papers("hours")), stated_hours);
    let chip = match papers("chip") {
        Fact::Known(Value::String(chip), _) => Some(chip),
        _ => size.and_then(|size| size.chip.clone()),
    };
    Planned {
        capacity: capacity(sources.market, chip.as_deref(), &chips, &hours),
        six_n_d: stated_model(sources),
        last_transfer: last_transfer(sources, &hours),
        chips,
        hours,
    }
}

/// 6 x parameters x tokens of the model that the form states, else of the one in causeway.yaml.
fn stated_model(sources: &Sources<'_>) -> Fact<Decimal> {
    let size = sources
        .form
        .and_then(|form| Item::of(form.file.size.as_ref()));
    if let Some((parameters, tokens)) = size.and_then(|size| size.parameters.zip(size.tokens)) {
        return six_n_d(parameters.0, tokens.0).map_or_else(
            || Fact::unknown("6 x parameters x tokens is past the range of exact numbers"),
            |flop| Fact::stated(flop, "C11 of the form, 6 x parameters x tokens"),
        );
    }
    let (parameters, tokens) = super::super::notice::model_size(sources.papers);
    match (parameters, tokens) {
        (Fact::Known(parameters, source), Fact::Known(tokens, _)) => six_n_d(parameters, tokens)
            .map_or_else(
                || Fact::unknown("6 x parameters x tokens is past the range of exact numbers"),
                |flop| Fact::Known(flop, source),
            ),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::Unknown(why),
    }
}

/// Chips x hours x peak x a usual utilisation.
fn capacity(
    market: &Market,
    chip: Option<&str>,
    chips: &Fact<u64>,
    hours: &Fact<Decimal>,
) -> Fact<Decimal> {
    let (chips, hours) = match (chips, hours) {
        (Fact::Known(0, _), _) => {
            return Fact::unknown("machines without accelerators have no published peak");
        }
        (Fact::Known(chips, _), Fact::Known(hours, _)) => (Decimal::from(*chips), *hours),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => return Fact::unknown(why.clone()),
    };
    let Some(part) = chip.and_then(|chip| market.accelerators.find(chip)) else {
        return Fact::unknown("the chip is not named, or in no table");
    };
    let peak = match peak(market, &part.name) {
        Fact::Known(peak, _) => peak,
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let share = Calibration::builtin()
        .ok()
        .and_then(|calibration| usual_utilisation(part, &calibration).known().copied())
        .and_then(|share| Decimal::from_f64(share.mid.get()));
    share
        .and_then(|share| {
            chips
                .checked_mul(hours)?
                .checked_mul(Decimal::from(3600))?
                .checked_mul(peak)?
                .checked_mul(share)
        })
        .map_or_else(
            || Fact::unknown("chips x hours x peak is past the range of exact numbers"),
            |flop| {
                Fact::stated(
                    flop,
                    format!(
                        "chips x hours x peak of {} x the utilisation that a model of 7 billion parameters has on 8 of them",
                        part.name
                    ),
                )
            },
        )
}

/// The day of the last transfer: the last one on record, or the end of the planned time where that is later.
fn last_transfer(sources: &Sources<'_>, hours: &Fact<Decimal>) -> Fact<Date> {
    let Some(papers) = sources.papers else {
        let until = sources
            .form
            .and_then(|form| form.file.contract.as_ref()?.until);
        return until.map_or_else(
            || Fact::unknown(NO_RUN),
            |day| Fact::stated(day.0, "the end of the contract in the form"),
        );
    };
    let done = papers.entries.newest("home").map(|entry| day_of(entry.at));
    let planned = papers.entries.newest("plan").and_then(|entry| {
        use rust_decimal::prelude::ToPrimitive;
        let seconds = hours
            .known()?
            .checked_mul(Decimal::from(3600))?
            .ceil()
            .to_i64()?;
        entry
            .at
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .ok()
            .map(day_of)
    });
    match (done, planned) {
        (Some(done), planned) => Fact::stated(
            planned.map_or(done, |planned| planned.max(done)),
            papers.from(),
        ),
        (None, Some(planned)) => Fact::stated(planned, "the plan's hours after its day"),
        (None, None) => {
            Fact::unknown("nothing was transferred yet, and the plan's hours are unknown")
        }
    }
}
