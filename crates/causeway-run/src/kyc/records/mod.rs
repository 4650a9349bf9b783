//! From papers, forms and observations to the facts that the checks look at. Nothing is guessed: what is not there is
//! unknown, with where it was looked for.

mod course;
mod parties;
mod plan;

use causeway_domain::organisation::Kyc;
use causeway_domain::{Country, Date, Fact, Timestamp};
use causeway_law::Packs;
use causeway_market::Market;
use causeway_parties::kyc::form::{Customer, Item, Provider};
use causeway_parties::kyc::observed::Observed;
use causeway_parties::kyc::records::{Actual, Hosts};
use causeway_parties::kyc::{Filed, Records, SealState};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::lists::Lists;
use super::packs;
use super::papers::Papers;
use super::seal::seal_state;

pub(super) use plan::peak;

/// What a check is made from.
pub struct Sources<'a> {
    /// The run.
    pub papers: Option<&'a Papers>,
    /// The customer's form.
    pub form: Option<&'a Filed<Customer>>,
    /// The provider's form.
    pub provider: Option<&'a Filed<Provider>>,
    /// What a provider observed.
    pub observed: Option<&'a Filed<Observed>>,
    /// Rule packs.
    pub packs: &'a Packs,
    /// Accelerators.
    pub market: &'a Market,
    /// What the imported lists say; unknown where none was imported.
    pub lists: &'a Fact<Lists>,
    /// The lines of the checks.
    pub kyc: &'a Kyc,
    /// The instant of the check.
    pub at: Timestamp,
}

pub(in crate::kyc) const NO_RUN: &str =
    "no run was given (`--run RUN`, or `--evidence FILE --key KEY`)";
const NO_FORM: &str = "no form was given";
const NOT_OBSERVED: &str = "not in the run's own records; `--observed FILE` can state it";

/// A whole number of a statement.
pub(in crate::kyc) fn whole(fact: Fact<Value>) -> Fact<u64> {
    flat(fact, |value| value.as_u64(), "a whole number")
}

/// An exact number of a statement, written as text.
pub(in crate::kyc) fn exact(fact: Fact<Value>) -> Fact<Decimal> {
    flat(
        fact,
        |value| causeway_parties::kyc::form::Amount::parse(value.as_str()?).map(|amount| amount.0),
        "an exact number",
    )
}

fn flat<T>(fact: Fact<Value>, read: impl Fn(&Value) -> Option<T>, what: &str) -> Fact<T> {
    match fact {
        Fact::Known(value, source) => match read(&value) {
            Some(read) => Fact::Known(read, source),
            None => Fact::unknown(format!("`{value}` is not {what}")),
        },
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}

fn typed<T: DeserializeOwned>(fact: Fact<&Value>) -> Fact<T> {
    match fact {
        Fact::Known(value, source) => serde_json::from_value(value.clone()).map_or_else(
            |error| Fact::unknown(format!("the record can't be read: {error}")),
            |value| Fact::Known(value, source),
        ),
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}

fn flatten<T>(fact: Fact<Fact<T>>) -> Fact<T> {
    match fact {
        Fact::Known(inner, _) => inner,
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}

/// The UTC day of an instant.
pub(in crate::kyc) fn day_of(at: Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

/// Every fact that the checks look at.
#[must_use]
pub fn records(sources: &Sources<'_>) -> Records {
    let day = day_of(sources.at);
    let mut records = Records::unknown(day, NO_RUN);
    records.form = match sources.form {
        Some(form) => Fact::stated(form.file.clone(), form.source.name.clone()),
        None => Fact::unknown(NO_FORM),
    };
    records.provider = match sources.provider {
        Some(form) => provider(form),
        None => Fact::unknown("no provider's form was given (`--provider FILE`)"),
    };
    records.triggers = Fact::stated(packs::triggers(sources.packs), "the rule packs");
    records.embargoed = packs::embargoed(sources.packs, day);
    match sources.lists {
        Fact::Known(lists, source) => {
            records.lists = if lists.faults.is_empty() {
                Fact::Known(lists.in_words(), source.clone())
            } else {
                Fact::unknown(lists.faults.join("; "))
            };
            records.listed_addresses = if lists.faults.is_empty() || !lists.addresses.is_empty() {
                Fact::Known(lists.addresses.clone(), source.clone())
            } else {
                Fact::unknown(lists.faults.join("; "))
            };
        }
        Fact::Unknown(why) => {
            records.lists = Fact::unknown(why.clone());
            records.listed_addresses = Fact::unknown(why.clone());
        }
    }
    records.watts = plan::watts(sources);
    seen(&mut records, sources);
    records.planned = plan::planned(sources);
    of_form(&mut records, sources);
    if let Some(papers) = sources.papers {
        of_papers(&mut records, sources, papers);
    }
    records
}

/// What a provider's form says, with who signed it. One that was changed after it was signed says nothing.
fn provider(form: &Filed<Provider>) -> Fact<Provider> {
    let name = &form.source.name;
    let source = match seal_state(form, form.file.seal.as_ref(), None) {
        Ok(SealState::Missing) => format!("{name}, which nobody signed"),
        Ok(SealState::Fits { key } | SealState::Known { key }) => {
            format!("{name}, signed by {key}")
        }
        Ok(SealState::Broken { why }) => return Fact::unknown(format!("{name}: {why}")),
        Err(error) => return Fact::unknown(format!("{name}: {error}")),
    };
    Fact::stated(form.file.clone(), source)
}

/// What a provider observed.
fn seen(records: &mut Records, sources: &Sources<'_>) {
    fn part<T: Clone>(
        observed: Option<&Filed<Observed>>,
        select: impl Fn(&Observed) -> Option<&T>,
    ) -> Fact<T> {
        let Some(observed) = observed else {
            return Fact::unknown(NOT_OBSERVED);
        };
        match select(&observed.file) {
            Some(value) => Fact::stated(
                value.clone(),
                format!("{}, {}", observed.source.name, observed.file.source),
            ),
            None => Fact::unknown(format!("{} does not state it", observed.source.name)),
        }
    }
    let observed = sources.observed;
    records.access = part(observed, |seen| seen.access.as_ref());
    records.egress = part(observed, |seen| seen.egress.as_ref());
    records.watched = part(observed, |seen| seen.watched.as_ref());
    records.at_address = part(observed, |seen| seen.parties_at_address.as_ref());
    records.actual.telemetry = part(observed, |seen| seen.telemetry.as_ref());
}

/// What the form alone says of the parties.
fn of_form(records: &mut Records, sources: &Sources<'_>) {
    let Some(form) = sources.form else { return };
    let of = |id: &str, country: Option<Country>| {
        country.map_or_else(
            || Fact::unknown(format!("{id} of the form does not say")),
            |country| Fact::stated(country, format!("{id} of the form")),
        )
    };
    let places = Item::of(form.file.places.as_ref());
    records.entity = of(
        "C3",
        places.and_then(|places| places.registered.as_ref()?.country),
    );
    records.headquarters = of("C3", places.and_then(|places| places.headquarters));
    records.parent = of(
        "C5",
        Item::of(form.file.owners.as_ref())
            .and_then(|owners| owners.ultimate_parent.as_ref()?.headquarters),
    );
}

fn of_papers(records: &mut Records, sources: &Sources<'_>, papers: &Papers) {
    let at = |stage: &str| papers.entries.newest(stage).map(|entry| entry.at);
    if let (Fact::Known(organisation, _), Fact::Known(customer, _)) =
        (&papers.organisation, papers.customer())
    {
        parties::of_parties(records, sources, papers, organisation, &customer);
    } else if let Fact::Unknown(why) = &papers.organisation {
        for fact in [
            &mut records.entity,
            &mut records.headquarters,
            &mut records.parent,
        ] {
            if !fact.is_known() {
                *fact = Fact::unknown(why.clone());
            }
        }
    }
    records.transferred = at("home").map_or_else(
        || Fact::unknown(format!("{} has no transfer of weights yet", papers.from())),
        |at| Fact::stated(day_of(at), papers.from()),
    );
    let started: Fact<Timestamp> = typed(papers.entries.said("train", "/output/started"));
    let ended: Fact<Timestamp> = typed(papers.entries.said("train", "/output/ended"));
    let telemetry = records.actual.telemetry.clone();
    records.actual = Actual {
        hours: course::between(&started, &ended),
        telemetry,
    };
    records.sent = course::sent(papers);
    records.timing = course::timing(papers, &started);
    records.moments = course::moments(papers, &started);
    records.delivered = course::delivered(papers);
    records.hosts = match (&papers.task, &papers.output) {
        (Fact::Known(task, _), Fact::Known(output, source)) => Fact::Known(
            Hosts {
                spec: super::hosts::of(&task.text),
                seen: super::hosts::of(output),
            },
            source.clone(),
        ),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    };
    records.orders = papers.orders.clone();
}
