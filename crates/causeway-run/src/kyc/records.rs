//! From papers, forms and observations to the facts that the checks look at. Nothing is guessed: what is not there is
//! unknown, with where it was looked for.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{Kyc, Listing, Organisation};
use causeway_domain::{Country, Date, Digest, Fact, PartyId, Timestamp};
use causeway_estimate::{MfuTable, Precision};
use causeway_law::Packs;
use causeway_market::{Market, NumberFormat};
use causeway_parties::kyc::form::{Customer, Goods, Item, Provider};
use causeway_parties::kyc::observed::Observed;
use causeway_parties::kyc::records::{
    Actual, Dated, Delivered, Hosts, Match, Moment, Moved, Owned, Planned, Screened, Sent, Timing,
    Trigger,
};
use causeway_parties::kyc::{Filed, Records, six_n_d};
use causeway_parties::{Parent, Register, cascade, flagged_holders, ultimate_parent};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::papers::{Papers, stated};
use super::{hosts, packs};

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
    /// Thresholds of training compute.
    pub triggers: &'a [Trigger],
    /// The lines of the checks.
    pub kyc: &'a Kyc,
    /// The instant of the check.
    pub at: Timestamp,
}

const NO_RUN: &str = "no run was given (`--run RUN`, or `--evidence FILE --key KEY`)";
const NO_FORM: &str = "no form was given";
const NOT_OBSERVED: &str = "not in the run's own records; `--observed FILE` can state it";

/// A whole number of a statement.
pub(super) fn whole(fact: Fact<Value>) -> Fact<u64> {
    flat(fact, |value| value.as_u64(), "a whole number")
}

/// An exact number of a statement, written as text.
pub(super) fn exact(fact: Fact<Value>) -> Fact<Decimal> {
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
pub(super) fn day_of(at: Timestamp) -> Date {
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
        Some(form) => Fact::stated(form.file.clone(), form.source.name.clone()),
        None => Fact::unknown("no provider's form was given (`--provider FILE`)"),
    };
    records.triggers = Fact::stated(sources.triggers.to_vec(), "the rule packs");
    records.embargoed = packs::embargoed(day);
    records.watts = watts(sources);
    seen(&mut records, sources);
    records.planned = planned(sources);
    of_form(&mut records, sources);
    if let Some(papers) = sources.papers {
        of_papers(&mut records, sources, papers);
    }
    records
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

fn watts(sources: &Sources<'_>) -> BTreeMap<String, Fact<Decimal>> {
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
        let fact = match part.and_then(|part| Decimal::from_f64(part.tdp_watts?)) {
            Some(each) => Fact::stated(each, "catalog/accelerators.json"),
            None => Fact::unknown("the table of accelerators has no design power of it"),
        };
        watts.insert(model.clone(), fact);
    }
    watts
}

/// Dense peak of an accelerator in bf16, operations a second.
pub(super) fn peak(market: &Market, chip: &str) -> Fact<Decimal> {
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

fn planned(sources: &Sources<'_>) -> Planned {
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
    let (parameters, tokens) = super::notice::model_size(sources.papers);
    match (parameters, tokens) {
        (Fact::Known(parameters, source), Fact::Known(tokens, _)) => six_n_d(parameters, tokens)
            .map_or_else(
                || Fact::unknown("6 x parameters x tokens is past the range of exact numbers"),
                |flop| Fact::Known(flop, source),
            ),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::Unknown(why),
    }
}

/// Chips x hours x peak x the utilisation that published runs reached on that chip.
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
    let share = MfuTable::builtin()
        .ok()
        .map(|table| table.choose(part, false, Precision::Bf16).mfu.mid.get())
        .and_then(Decimal::from_f64);
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
                        "chips x hours x peak of {} x utilisation of published runs",
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
        of_parties(records, sources, papers, organisation, &customer);
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
        hours: between(&started, &ended),
        telemetry,
    };
    records.sent = sent(papers);
    records.timing = timing(papers, &started);
    records.moments = moments(papers, &started);
    records.delivered = delivered(papers);
    records.hosts = match (&papers.task, &papers.output) {
        (Fact::Known(task, _), Fact::Known(output, source)) => Fact::Known(
            Hosts {
                spec: hosts::of(&task.text),
                seen: hosts::of(output),
            },
            source.clone(),
        ),
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    };
    records.orders = papers.orders.clone();
}

fn between(started: &Fact<Timestamp>, ended: &Fact<Timestamp>) -> Fact<Decimal> {
    match (started, ended) {
        (Fact::Known(from, source), Fact::Known(to, _)) => {
            let seconds =
                Decimal::from(to.as_millisecond() - from.as_millisecond()) / Decimal::from(1000);
            Fact::Known(seconds / Decimal::from(3600), source.clone())
        }
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    }
}

/// What Causeway itself moved home: weights, checkpoints on the way, and what the job printed.
fn sent(papers: &Papers) -> Fact<Vec<Sent>> {
    let Some(home) = papers.entries.newest("home") else {
        return Fact::unknown(format!("{} has no transfer home yet", papers.from()));
    };
    let country: Fact<Country> = flatten(typed(papers.entries.said("home", "/says/to")));
    let one = |what| Sent {
        what,
        country: country.clone(),
        at: home.at,
    };
    Fact::stated(
        vec![
            one(Goods::Weights),
            one(Goods::Checkpoints),
            one(Goods::Logs),
        ],
        format!("{}, entry of stage home", papers.from()),
    )
}

fn timing(papers: &Papers, started: &Fact<Timestamp>) -> Fact<Timing> {
    match started {
        Fact::Known(started, source) => Fact::Known(
            Timing {
                cleared: papers
                    .entries
                    .iter()
                    .filter(|entry| {
                        entry.stage == "clear"
                            && entry.predicate.pointer("/output/outcome")
                                == Some(&Value::String("allow".to_owned()))
                    })
                    .map(|entry| entry.at)
                    .collect(),
                started: *started,
            },
            source.clone(),
        ),
        Fact::Unknown(why) => Fact::unknown(why.clone()),
    }
}

fn moments(papers: &Papers, started: &Fact<Timestamp>) -> Fact<Vec<Moment>> {
    let staged = papers
        .entries
        .newest("stage")
        .map(|entry| ("staging", entry.at));
    let launched = started.known().map(|at| ("launch", *at));
    let home = papers
        .entries
        .newest("home")
        .map(|entry| ("transfer home", entry.at));
    let all: Vec<Moment> = [staged, launched, home]
        .into_iter()
        .flatten()
        .map(|(what, at)| Moment {
            what: what.to_owned(),
            at,
        })
        .collect();
    if all.is_empty() {
        return Fact::unknown(format!(
            "{} has no launch, staging or transfer yet",
            papers.from()
        ));
    }
    Fact::stated(all, papers.from())
}

fn delivered(papers: &Papers) -> Fact<Delivered> {
    let admitted: Fact<Vec<crate::AdmittedFile>> =
        typed(papers.entries.said("admit", "/output/files"));
    match (&papers.manifest, admitted) {
        (Fact::Known(manifest, source), Fact::Known(files, _)) => {
            let admitted: BTreeMap<String, Digest> = files
                .into_iter()
                .map(|file| (file.path, file.blake3))
                .collect();
            Fact::Known(
                Delivered {
                    manifest: manifest.clone(),
                    admitted,
                },
                source.clone(),
            )
        }
        (_, Fact::Unknown(why)) => Fact::Unknown(why),
        (Fact::Unknown(why), _) => Fact::unknown(why.clone()),
    }
}

/// Words of every list of the organisation's file.
fn every_list() -> Vec<&'static str> {
    [
        Listing::EntityList,
        Listing::Meu,
        Listing::Sdn,
        Listing::Sdn7448,
        Listing::TwShtc,
    ]
    .map(Listing::word)
    .to_vec()
}

/// Who takes part and who owns them, as the organisation's file states it.
fn of_parties(
    records: &mut Records,
    sources: &Sources<'_>,
    papers: &Papers,
    organisation: &Organisation,
    customer: &PartyId,
) {
    let file = organisation.source.name.clone();
    let register = causeway_plan::register(
        organisation,
        &causeway_plan::Screened::default(),
        jiff::tz::TimeZone::UTC.to_datetime(sources.at).date(),
    );
    let site = papers
        .entries
        .said("plan", "/output/site")
        .known()
        .and_then(|site| site.as_str().map(str::to_owned));
    let site = organisation
        .file
        .sites
        .iter()
        .find(|(id, _)| Some(id.as_str()) == site.as_deref());
    records.screening = Fact::stated(screened(organisation, &register), file.clone());
    let takes_part: BTreeSet<&str> = std::iter::once(customer.as_str())
        .chain(site.map(|(_, site)| site.operator.as_str()))
        .collect();
    records.ownership = Fact::stated(
        takes_part
            .iter()
            .map(|key| owned(&register, key, sources.kyc))
            .collect(),
        format!("owners and lists of {file}"),
    );
    let party = register.get(customer.as_str());
    if let Some(party) = party {
        records.headquarters = party.headquarters.clone();
        // A place of incorporation is written only where it is another than the headquarters.
        records.entity = party
            .incorporated
            .clone()
            .unwrap_or_else(|| party.headquarters.clone());
    }
    let top = ultimate_parent(&register, customer.as_str(), sources.kyc.stake.get());
    records.parent = match (top.country(), &top) {
        (Some(country), _) => Fact::stated(country, format!("owners in {file}")),
        (None, Parent::Unclear { why, .. }) => Fact::unknown(why.clone()),
        (None, Parent::Known { .. }) => Fact::unknown("the ultimate parent is unclear"),
    };
    records.moved = moved(papers, organisation);
    // The log names what was used; the last days stand in the approvals.
    records.licences = match papers.entries.said("clear", "/output/uses").known() {
        Some(uses) if uses.as_object().is_some_and(serde_json::Map::is_empty) => {
            Fact::stated(Vec::new(), "the clear entry of the log")
        }
        Some(_) => Fact::unknown(
            "the run rests on approvals: `causeway approvals list` shows their last days",
        ),
        None => Fact::unknown("the log has no clear entry of this run"),
    };
    records.versions = versions(papers, sources.packs, organisation);
    records.changes = super::changes::between(papers, sources.form, organisation, customer, &top);
}

fn screened(organisation: &Organisation, register: &Register) -> Vec<Screened> {
    register
        .parties
        .iter()
        .filter(|(_, party)| party.kind != causeway_parties::PartyKind::Dispersed)
        .map(|(key, party)| Screened {
            party: party.name.clone(),
            matches: party.listed.whole().map(|lists| {
                lists
                    .into_iter()
                    .map(|list| Match {
                        entry: format!(
                            "`{list}`, parties.{key}.listed of {}",
                            organisation.source.name
                        ),
                        hit: true,
                        listed_on: None,
                    })
                    .collect()
            }),
        })
        .collect()
}

fn owned(register: &Register, key: &str, kyc: &Kyc) -> Owned {
    let lists = every_list();
    let on_a_list = |party: &causeway_parties::Party| party.on_any(&lists);
    let holders = flagged_holders(register, key, kyc.stake.get(), on_a_list);
    let name = |key: &str| {
        register
            .get(key)
            .map_or_else(|| key.to_owned(), |party| party.name.clone())
    };
    Owned {
        party: name(key),
        regime: "50 % of listed parties in sum".to_owned(),
        caught: cascade(register, Decimal::from(50), on_a_list).of(key),
        holders: holders.certain.iter().map(|key| name(key)).collect(),
        possible: holders.possible,
    }
}

fn moved(papers: &Papers, organisation: &Organisation) -> Fact<Vec<Moved>> {
    let shipments: Fact<Vec<crate::Shipped>> =
        typed(papers.entries.said("stage", "/output/shipments"));
    let (shipments, source) = match shipments {
        Fact::Known(shipments, source) => (shipments, source),
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let names: BTreeSet<String> = shipments
        .into_iter()
        .flat_map(|shipped| shipped.datasets)
        .collect();
    let moved = names
        .into_iter()
        .map(|name| {
            let declared = organisation
                .datasets()
                .iter()
                .find(|(id, _)| id.as_str() == name)
                .map(|(_, dataset)| dataset);
            let field = |field: &str| format!("datasets.{name}.{field}");
            Moved {
                classes: stated(
                    organisation,
                    declared.and_then(|dataset| dataset.class.as_ref()),
                    &field("class"),
                )
                .map(|classes| classes.0),
                records: stated(
                    organisation,
                    declared.and_then(|dataset| dataset.records.as_ref()),
                    &field("records"),
                ),
                dataset: name,
            }
        })
        .collect();
    Fact::Known(moved, source)
}

/// The rules that the run was cleared by, and the screening of each party.
fn versions(papers: &Papers, packs: &Packs, organisation: &Organisation) -> Fact<Vec<Dated>> {
    let used: Fact<Digest> = typed(papers.entries.said("clear", "/output/packs"));
    let rules = match used {
        Fact::Known(digest, source) if digest == packs.digest() => {
            Fact::Known(packs.horizon(), source)
        }
        Fact::Known(digest, _) => Fact::unknown(format!(
            "the run was cleared by packs {}, which are not those of this program",
            digest.short()
        )),
        Fact::Unknown(why) => Fact::Unknown(why),
    };
    let mut all = vec![Dated {
        what: "rule packs, checked up to".to_owned(),
        list: false,
        day: rules,
    }];
    for (id, party) in &organisation.file.parties {
        if party.kind == causeway_domain::organisation::PartyKind::Dispersed {
            continue;
        }
        let listed = organisation.party_fact(id, "listed", |party| party.listed.as_ref());
        let day = match listed {
            Fact::Known(_, source) => source.on.map_or_else(
                || {
                    Fact::unknown(format!(
                        "parties.{id}.listed states no day: write `{{value: none, by: WHO, on: DAY}}`"
                    ))
                },
                |on| Fact::Known(on, source.clone()),
            ),
            Fact::Unknown(why) => Fact::Unknown(why),
        };
        all.push(Dated {
            what: format!("screening of {}", party.name),
            list: true,
            day,
        });
    }
    Fact::stated(all, papers.from())
}
