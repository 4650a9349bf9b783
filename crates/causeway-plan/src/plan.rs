//! Candidates, compared.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::organisation::{
    Organisation, Site, SiteOffer, WorkKind, Workload as WorkloadFile,
};
use causeway_domain::task::Task;
use causeway_domain::{
    Country, Fact, Hours, Params, Problem, SiteId, Stated, Timestamp, Tokens, Usd, UsdPerHour,
};
use causeway_estimate::{
    Calibration, Estimate, Fits, Interval, Kind, ModelShape, Precision, Workload,
};
use causeway_law::{Packs, Posture, Settings};
use causeway_market::{Market, Match, Offer, OfferSource, PriceKind, Read, Request};
use rust_decimal::Decimal;

use crate::candidate::{Candidate, Comparison, rank};
use crate::factors;
use crate::paths::shipments;
use crate::people::People;
use crate::planner::Planner;
use crate::records::Records;
use crate::{PlanError, register, request};

/// What a plan is made from. Nothing else is looked at.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The task.
    pub task: &'a Task,
    /// The folder that the task's paths are relative to, absolute.
    pub task_folder: &'a Utf8Path,
    /// The organisation.
    pub organisation: &'a Arc<Organisation>,
    /// The folder that the organisation's paths are relative to, absolute.
    pub organisation_folder: &'a Utf8Path,
    /// Price lists and tables. Offers of the organisation's sites are added here.
    pub market: &'a Market,
    /// Text of the workload's `config.json`, when it names one.
    pub config: Option<&'a str>,
    /// Rule packs.
    pub packs: &'a Packs,
    /// The instant for which the law is asked.
    pub at: Timestamp,
    /// Consider this site alone.
    pub site: Option<&'a SiteId>,
    /// Approvals on file, and what runs moved before.
    pub records: &'a Arc<Records>,
    /// Look at every offer, not only at the cheapest of those that neither law nor estimate tells apart. The best is the same.
    pub every_offer: bool,
}

/// How the organisation reads the law.
#[must_use]
pub fn settings(organisation: &Organisation) -> Settings {
    let law = &organisation.file.law;
    let mut settings = Settings {
        posture: match law.posture {
            causeway_domain::organisation::PostureWord::Enforced => Posture::Enforced,
            causeway_domain::organisation::PostureWord::Books => Posture::Books,
        },
        pack_confirms: law.confirms.iter().cloned().collect(),
        max_pack_age_days: law.max_pack_age_days,
        ..Settings::default()
    };
    settings.packs.extend(law.packs.iter().cloned());
    settings
}

/// Compares every place where the task could run.
///
/// # Errors
/// The task's targets, the workload's model, or a damaged table. That a place is unfit or unlawful is in the answer.
pub fn plan(inputs: &Inputs<'_>) -> Result<Comparison, PlanError> {
    let organisation = inputs.organisation;
    let workload_file = organisation
        .workload(Some(&inputs.task.name))
        .map(|(_, workload)| workload);
    let shipments = shipments(
        inputs.task,
        inputs.task_folder,
        organisation,
        inputs.organisation_folder,
        workload_file,
    )
    .map_err(|problems: Vec<Problem>| PlanError::Paths { problems })?;
    let mut planner = Planner {
        inputs,
        shipments: &shipments,
        register: register::register(
            organisation,
            &inputs.records.screened,
            jiff::tz::TimeZone::UTC.to_datetime(inputs.at).date(),
        ),
        workload_file,
        workload: workload(inputs, workload_file)?,
        calibration: Calibration::builtin()?,
        people: People::builtin()?,
        settings: settings(organisation),
        bills: inputs.packs.rules().map(|rule| rule.pack.clone()).collect(),
        known: RefCell::default(),
        estimates: RefCell::default(),
        talents: RefCell::default(),
    };
    let (offers, by_label) = site_offers(organisation);
    let market = inputs.market.clone().with_offers(offers);
    for provider in market.providers.iter() {
        planner.add_cloud(&provider.cloud, &provider.name, &provider.headquarters);
    }
    let register = Arc::new(std::mem::take(&mut planner.register));
    let request = request::request(inputs.task);
    let mut candidates = Vec::new();
    for (found, alike) in looked_at(&market, &request, inputs.every_offer) {
        let site = match &found.offer.source {
            OfferSource::Site(site) => Some(site),
            OfferSource::Catalog | OfferSource::File => None,
        };
        if inputs.site.is_some_and(|wanted| site != Some(wanted)) {
            continue;
        }
        let entry = site.and_then(|site| organisation.file.sites.get(site));
        let offer = site.and_then(|site| {
            by_label
                .get(&(
                    site.clone(),
                    found
                        .offer
                        .instance_type
                        .as_deref()
                        .unwrap_or_default()
                        .to_owned(),
                ))
                .copied()
        });
        candidates.push(planner.candidate(&found, alike, site, entry, offer, &register));
    }
    compare(&mut candidates, organisation);
    candidates.sort_by(rank);
    Ok(Comparison {
        task: inputs.task.name.clone(),
        at: inputs.at,
        candidates,
        shipments,
    })
}

/// The offers that are looked at, each with how many others neither law nor estimate tells from it and that cost no less.
/// Sites are looked at offer by offer: each states facts of its own.
fn looked_at<'m>(market: &'m Market, request: &Request, every: bool) -> Vec<(Match<'m>, usize)> {
    if every {
        return market
            .matching(request)
            .into_iter()
            .map(|found| (found, 0))
            .collect();
    }
    market
        .grouped(request)
        .into_iter()
        .flat_map(|group| {
            let of_site = |found: &Match<'_>| matches!(found.offer.source, OfferSource::Site(_));
            let apart = group.cheapest().is_some_and(of_site);
            let alike = if apart { 0 } else { group.matches.len() - 1 };
            let looked_at = if apart { group.matches.len() } else { 1 };
            group
                .matches
                .into_iter()
                .take(looked_at)
                .map(move |found| (found, alike))
        })
        .collect()
}

type OfferIndex<'a> = BTreeMap<(SiteId, String), &'a SiteOffer>;

/// The sites' own offers in the market's words.
fn site_offers(organisation: &Organisation) -> (Vec<Offer>, OfferIndex<'_>) {
    let mut offers = Vec::new();
    let mut index = BTreeMap::new();
    let read = Arc::new(Read {
        file: Arc::from(organisation.source.name.as_str()),
        date: None,
    });
    for (id, site) in &organisation.file.sites {
        let country = Arc::new(site_country(organisation, id, site));
        let bare = Offer::bare(
            site.operator.as_str(),
            OfferSource::Site(id.clone()),
            Arc::clone(&read),
            country,
        );
        for (position, offer) in site.offers.iter().enumerate() {
            let instance = offer
                .instance
                .clone()
                .unwrap_or_else(|| format!("node-{}", position + 1));
            index.insert((id.clone(), instance.clone()), offer);
            offers.push(Offer {
                instance_type: Some(instance.into()),
                accelerator: offer
                    .accelerator
                    .as_deref()
                    .map(|name| (name.into(), offer.accelerators_per_node)),
                vcpus: offer
                    .cpus
                    .and_then(Decimal::from_f64_retain)
                    .map(|cpus| cpus.normalize()),
                memory: offer.memory,
                quota: Some(offer.nodes),
                on_demand: match &offer.price_per_hour {
                    Some(Stated::Value(price, _)) => Some(UsdPerHour::new(price.get())),
                    Some(Stated::Unknown) | None => None,
                },
                region: site.region.as_deref().map(Arc::from),
                ..bare.clone()
            });
        }
    }
    (offers, index)
}

fn site_country(organisation: &Organisation, id: &SiteId, site: &Site) -> Fact<Country> {
    Stated::fact(
        Some(&site.country),
        &organisation.source.name,
        &format!("sites.{id}.country"),
    )
}

fn workload(
    inputs: &Inputs<'_>,
    file: Option<&WorkloadFile>,
) -> Result<Result<Workload, String>, PlanError> {
    let name = &inputs.organisation.source.name;
    let Some(file) = file else {
        return Ok(Err(format!(
            "{name} describes no workload for task `{}`",
            inputs.task.name
        )));
    };
    let shape = match inputs.config {
        Some(text) => {
            Some(
                ModelShape::from_hf_config(text).map_err(|error| PlanError::Workload {
                    task: inputs.task.name.clone(),
                    why: error.to_string(),
                })?,
            )
        }
        None => None,
    };
    let (Some(tokens), Some(sequence)) = (file.tokens, file.sequence_length) else {
        return Ok(Err(format!(
            "{name} does not state `tokens` and `sequence_length` of this workload"
        )));
    };
    let tokens = Tokens::new(tokens);
    let mut workload = match (shape, file.parameters) {
        (Some(shape), _) => Workload::of_shape(shape, tokens, sequence),
        (None, Some(parameters)) => Workload::of_parameters(
            Params::new(parameters),
            Params::new(parameters),
            tokens,
            sequence,
        ),
        (None, None) => {
            return Ok(Err(format!(
                "{name} states neither `config` nor `parameters` of this workload"
            )));
        }
    };
    workload.global_batch = file.batch;
    workload.kind = match file.kind {
        WorkKind::PreTrain => Kind::PreTrain,
        WorkKind::FineTune => Kind::FineTune,
        WorkKind::Lora(adapters) => Kind::Lora {
            rank: adapters.rank,
        },
        WorkKind::Qlora(adapters) => Kind::Qlora {
            rank: adapters.rank,
        },
        WorkKind::Reinforcement(writing) => Kind::Reinforcement {
            rollout: writing.rollout,
        },
        WorkKind::Throughput => Kind::Throughput,
    };
    if let Some(precision) = file.precision {
        workload.precision = Precision::from(precision);
    }
    Ok(Ok(workload))
}

/// What others are measured against.
struct Best {
    name: String,
    time: Option<Interval<Hours>>,
    cost: Option<Interval<Usd>>,
    chips: Option<String>,
    by_the_hour: bool,
}

/// Whether its money grows with its time as that of others does.
fn by_the_hour(candidate: &Candidate) -> bool {
    matches!(candidate.paid, PriceKind::OnDemand | PriceKind::Spot)
}

impl Best {
    fn of(candidate: &Candidate) -> Self {
        Self {
            name: candidate.name(),
            time: candidate.time(),
            cost: candidate.costs(),
            chips: chips(candidate),
            by_the_hour: by_the_hour(candidate),
        }
    }
}

/// The part that a candidate's time was modelled on; nothing where a site declared its throughput or no table has the part.
fn chips(candidate: &Candidate) -> Option<String> {
    let estimate = candidate.estimate.as_ref().ok()?;
    let modelled = estimate.layout.is_known() && estimate.step.is_known();
    modelled.then(|| candidate.part.clone()).flatten()
}

/// The factors that need the others: speed and price are measured against the best feasible place.
fn compare(candidates: &mut [Candidate], organisation: &Organisation) {
    let feasible = || {
        candidates
            .iter()
            .filter(|candidate| candidate.infeasible.is_empty())
    };
    let fastest = feasible()
        .filter(|one| one.time().is_some())
        .min_by(|a, b| {
            let hours = |one: &Candidate| one.hours().map_or(f64::INFINITY, Hours::get);
            hours(a).total_cmp(&hours(b))
        })
        .map(Best::of);
    let cheapest = feasible()
        .filter(|one| one.cost().is_some())
        .min_by_key(|one| one.cost())
        .map(Best::of);
    let budget = &organisation.file.budget;
    for candidate in candidates {
        fn why<T>(what: &Fact<T>) -> String {
            match what {
                Fact::Unknown(why) => why.clone(),
                Fact::Known(..) => String::new(),
            }
        }
        let (time_unknown, cost_unknown) = match &candidate.estimate {
            Ok(Estimate {
                fits: Fits::No { why },
                ..
            }) => (why.clone(), why.clone()),
            Ok(estimate) => (why(&estimate.hours), why(&estimate.cost)),
            Err(why) => (why.clone(), why.clone()),
        };
        let (name, part) = (candidate.name(), chips(candidate));
        let alike = |best: Option<&Best>| {
            best.is_some_and(|best| best.name == name || (part.is_some() && best.chips == part))
        };
        candidate.factors.hardware = factors::hardware(
            candidate.time(),
            fastest.as_ref().and_then(|best| best.time),
            alike(fastest.as_ref()),
            &time_unknown,
        );
        let variant = candidate.variant.as_ref().map(ToString::to_string);
        candidate.factors.hardware.because.extend(variant);
        candidate.factors.cost = factors::cost(
            candidate.costs(),
            cheapest.as_ref().and_then(|best| best.cost),
            alike(cheapest.as_ref())
                && cheapest.as_ref().is_some_and(|best| {
                    best.name == name || (best.by_the_hour && by_the_hour(candidate))
                }),
            &cost_unknown,
        );
        candidate.score = candidate.factors.total(&organisation.file.weights);
        if let (Some(cost), Some(total)) = (candidate.cost(), budget.total)
            && cost > total
        {
            candidate.infeasible.push(format!(
                "it would cost {cost}, the budget is {total}: {} too much",
                Usd::new(cost.get() - total.get())
            ));
        }
        if let (Some(price), Some(cap)) = (candidate.price_per_hour, budget.per_hour)
            && price.get() > cap.get()
        {
            candidate.infeasible.push(format!(
                "it costs {price}, the budget is {cap} an hour: {} too much",
                UsdPerHour::new(price.get() - cap.get())
            ));
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
