//! rf8, rf9, rf15, rf16: how much was ordered, and whether that fits.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::Kyc;
use rust_decimal::Decimal;

use super::{FORM, Finding, Look};
use crate::kyc::form::Item;
use crate::kyc::records::{Order, Records, Trigger};

/// Six operations a parameter and token: forward and backward pass. Source: Kaplan et al. 2020, section 2.1. `None` where
/// the product leaves the range of exact numbers (7.9e28).
#[must_use]
pub fn six_n_d(parameters: Decimal, tokens: Decimal) -> Option<Decimal> {
    Decimal::from(6)
        .checked_mul(parameters)?
        .checked_mul(tokens)
}

pub(super) fn plausible(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    let factor = Decimal::from(kyc.plausible_factor);
    // Whether one number is more than `factor` times the other.
    let far = |a: Decimal, b: Decimal| b.checked_mul(factor).is_some_and(|line| a > line);
    let six = look.take(
        "arithmetic of the stated model (6 x parameters x tokens)",
        &records.planned.six_n_d,
    );
    let capacity = look.take(
        "arithmetic of the planned chips and hours",
        &records.planned.capacity,
    );
    let stated = look
        .answer(records, "C11", |form| form.size.as_ref())
        .and_then(|size| look.part("C11 flop", size.flop.as_ref()));
    if let Some((six, source)) = six {
        look.see(
            format!("the stated model needs {} operations", scientific(*six)),
            &source,
        );
        if *six <= Decimal::ZERO {
            look.lack("the stated model has no size");
        }
        let others = [
            capacity.map(|(flop, source)| ("the planned chips and hours give", *flop, source)),
            stated.map(|flop| ("the form plans", flop.0, FORM.to_owned())),
        ];
        for (what, flop, source) in others.into_iter().flatten() {
            let text = format!("{what} {} operations", scientific(flop));
            if far(flop, *six) || far(*six, flop) {
                look.raise(text, source);
            } else {
                look.see(text, source);
            }
        }
    }
    look.end(
        "what is trained with the rest of the time, or how can it do with so little?",
        format!(
            "plan and model are within a factor of {} of each other",
            kyc.plausible_factor
        ),
    )
}

pub(super) fn overrun(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    let planned = look.take("planned hours", &records.planned.hours);
    let actual = look.take("hours from start to end", &records.actual.hours);
    let line = |amount: Decimal| {
        amount
            .checked_mul(Decimal::ONE_HUNDRED + kyc.overrun.get())
            .map(|amount| amount / Decimal::ONE_HUNDRED)
    };
    let compare = |look: &mut Look, what: &str, done: Decimal, plan: Decimal, source: &str| {
        let text = format!(
            "{what}: {} of {} planned",
            scientific(done),
            scientific(plan)
        );
        match line(plan) {
            Some(line) if done > line => look.raise(text, source),
            Some(_) => look.see(text, source),
            None => look.lack(format!(
                "{what}: the plan is past the range of exact numbers"
            )),
        }
    };
    if let Some((hours, plan)) = &planned.as_ref().zip(actual.as_ref()).map(|(p, a)| (a, p)) {
        if *plan.0 <= Decimal::ZERO {
            look.lack("planned hours: they round to nothing");
        } else {
            look.see(format!("{} hours planned", scientific(*plan.0)), &plan.1);
            compare(&mut look, "hours", *hours.0, *plan.0, &hours.1);
        }
    }
    // Counters are a second source: where nobody states them, the log's hours of the launched chips stand alone.
    if let Some(telemetry) = records.actual.telemetry.known() {
        let source = "counters of the machines, as the provider states them";
        if let Some(done) = telemetry.chip_hours
            && let Some((hours, _)) = planned
            && let Some((chips, _)) = look.take("planned chips", &records.planned.chips)
        {
            match Decimal::from(*chips).checked_mul(*hours) {
                Some(plan) => compare(&mut look, "chip hours", done.0, plan, source),
                None => look.lack("planned chip hours are past the range of exact numbers"),
            }
        }
        if let Some(done) = telemetry.flop
            && let Some((plan, _)) = look.take("planned operations", &records.planned.six_n_d)
        {
            compare(&mut look, "operations", done.0, *plan, source);
        }
    }
    look.end(
        "what ran in the time over the plan?",
        format!("not more than {} over the plan", kyc.overrun),
    )
}

pub(super) fn split(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    let question = "are these orders one undertaking? quantities are added up per ultimate parent";
    let Some((orders, source)) = look.take("orders of the same group", &records.orders) else {
        return look.end(question, "");
    };
    if orders.is_empty() {
        look.lack("orders of the same group: none is on record");
    }
    let mut groups: BTreeMap<&str, Vec<&Order>> = BTreeMap::new();
    for order in orders {
        groups.entry(&order.common).or_default().push(order);
    }
    for (common, orders) in groups {
        let accounts: BTreeSet<&str> = orders.iter().map(|order| order.account.as_str()).collect();
        if accounts.len() < 2 {
            look.see(
                format!("{common}: one account, {}", text(&accounts)),
                &source,
            );
            continue;
        }
        let name = format!("{common}: accounts {}", text(&accounts));
        let mut chips: u64 = 0;
        let mut flop = Decimal::ZERO;
        for order in &orders {
            if let Some((count, _)) =
                look.take(&format!("chips of run {}", order.run), &order.chips)
            {
                chips = chips.saturating_add(*count);
            }
            if let Some((ops, _)) =
                look.take(&format!("operations of run {}", order.run), &order.flop)
            {
                flop = flop.checked_add(*ops).unwrap_or(Decimal::MAX);
            }
        }
        let mut passed = Vec::new();
        if chips > kyc.order_chips {
            passed.push(format!("{chips} chips, over {}", kyc.order_chips));
        }
        if let Some((triggers, _)) = look.take("thresholds of the rule packs", &records.triggers) {
            passed.extend(reached(triggers, flop, records));
        }
        if passed.is_empty() {
            look.see(
                format!(
                    "{name}: {chips} chips, {} operations together",
                    scientific(flop)
                ),
                &source,
            );
        } else {
            look.raise(format!("{name} together: {}", passed.join("; ")), &source);
        }
    }
    look.end(
        question,
        "no two accounts of the group together pass a threshold",
    )
}

fn reached(triggers: &[Trigger], flop: Decimal, records: &Records) -> Vec<String> {
    triggers
        .iter()
        .filter(|trigger| trigger.reached(flop, records.day))
        .map(|trigger| {
            format!(
                "{} operations, {} of {}",
                scientific(flop),
                scientific(trigger.operations),
                trigger.rule
            )
        })
        .collect()
}

fn text(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}

/// A number as people write it: `8.4e22` from a million up, else its digits. At most four figures.
#[must_use]
pub fn scientific(number: Decimal) -> String {
    let rounded = number.round_sf(4).unwrap_or(number).normalize();
    let digits = rounded.trunc().abs().to_string();
    if digits.len() <= 6 {
        return rounded.to_string();
    }
    let exponent = digits.len() - 1;
    let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if rounded.is_sign_negative() { "-" } else { "" };
    format!("{sign}{first}{point}{rest}e{exponent}")
}

pub(super) fn power(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    let question = "where do these chips run, and where does their power come from?";
    let Some((form, source)) = look.take("the provider's form", &records.provider) else {
        return look.end(question, "");
    };
    let mut watts = Some(Decimal::ZERO);
    match Item::of(form.chips.as_ref()) {
        None => look.lack("P3 of the provider's form is not answered"),
        Some(chips) => {
            for one in chips {
                let (Some(model), Some(count)) = (&one.model, one.count) else {
                    look.lack("P3 model and count of the provider's form");
                    continue;
                };
                let Some(fact) = records.watts.get(model) else {
                    look.lack(format!("power of a `{model}`: it is in no table"));
                    continue;
                };
                if let Some((each, source)) = look.take(&format!("power of a `{model}`"), fact) {
                    look.see(format!("{count} x {model}, {each} W each"), source);
                    let all = Decimal::from(count).checked_mul(*each);
                    watts = watts.zip(all).and_then(|(sum, all)| sum.checked_add(all));
                }
            }
        }
    }
    let declared = Item::of(form.power.as_ref()).and_then(|power| power.site_mw);
    let with_overhead = watts
        .and_then(|watts| watts.checked_mul(Decimal::ONE_HUNDRED + kyc.power_overhead.get()))
        .map(|watts| watts / Decimal::ONE_HUNDRED);
    match (declared, with_overhead) {
        (None, _) => look.lack("P4 site_mw of the provider's form is not answered"),
        (_, None) => look.lack("the chips' power is past the range of exact numbers"),
        (Some(site), Some(need)) => {
            let need = (need / Decimal::from(1_000_000)).normalize();
            let text = format!(
                "the chips need {need} MW with {} on top; the site declares {} MW",
                kyc.power_overhead, site.0
            );
            if need > site.0 {
                look.raise(text, source);
            } else {
                look.see(text, source);
            }
        }
    }
    look.end(question, "the declared power carries the declared chips")
}
