//! Candidates, compared.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::organisation::{
    Engine, Organisation, Presence, Site, SiteOffer, Workload as WorkloadFile,
};
use causeway_domain::task::Task;
use causeway_domain::{
    Bytes, Country, Fact, PackId, Params, Problem, SiteId, Stated, Timestamp, Tokens, Usd,
    UsdPerHour,
};
use causeway_estimate::{
    Calibration, Estimate, Fits, Fleet, Hardware, Interval, ModelShape, Precision, Workload,
    estimate,
};
use causeway_law::{Clearance, Outcome, Packs, Posture, Settings, Verdict, clear};
use causeway_market::{Market, Match, Offer, OfferSource, Read, Request};
use causeway_parties::{Party, Register};
use rust_decimal::Decimal;

use crate::acts::Undertaking;
use crate::candidate::{Candidate, Comparison, rank};
use crate::factors::{self, DataFacts, Factors};
use crate::paths::{Shipments, shipments};
use crate::people::People;
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
    if let Some(precision) = file.precision {
        workload.precision = Precision::from(precision);
    }
    Ok(Ok(workload))
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    shipments: &'a Shipments,
    register: Register,
    workload_file: Option<&'a WorkloadFile>,
    workload: Result<Workload, String>,
    calibration: Calibration,
    people: People,
    settings: Settings,
    bills: BTreeSet<PackId>,
    /// Judgements by what the acts look at.
    known: RefCell<BTreeMap<String, Judged>>,
    /// Estimates without a price, by what time and memory depend on.
    estimates: RefCell<BTreeMap<Machine, Result<Estimate, String>>>,
}

/// What an estimate depends on beside the task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Machine {
    accelerator: Option<(Arc<str>, u32)>,
    listed: Option<String>,
    memory: Option<Bytes>,
    link: Option<u64>,
    declared: Option<u64>,
}

/// One undertaking, judged as the law is read today, as the books read, and as it would be if every pending bill passed.
#[derive(Debug, Clone)]
struct Judged {
    clearance: Clearance,
    books: Outcome,
    bills: Outcome,
}

impl Planner<'_> {
    /// A cloud of the price lists is a party, too: one of which little is known.
    fn add_cloud(&mut self, cloud: &str, name: &str, headquarters: &Fact<Country>) {
        let mut party = Party::company(name);
        party.headquarters = headquarters.clone();
        self.register.insert(cloud_key(cloud), party);
    }

    fn candidate(
        &self,
        found: &Match<'_>,
        alike: usize,
        site: Option<&SiteId>,
        entry: Option<&Site>,
        offer: Option<&SiteOffer>,
        register: &Arc<Register>,
    ) -> Candidate {
        let organisation = self.inputs.organisation;
        let nodes = self.inputs.task.num_nodes;
        let presence = self.presence(site, &found.offer.provider);
        let customer = presence.map_or_else(
            || organisation.file.organisation.to_string(),
            |presence| presence.entity.to_string(),
        );
        let operator = match (entry, presence) {
            (Some(entry), _) => entry.operator.to_string(),
            (None, Some(presence)) => presence.provider.to_string(),
            (None, None) => cloud_key(&found.offer.provider),
        };
        let mut infeasible: Vec<String> =
            found.shortfalls.iter().map(ToString::to_string).collect();
        if let Some(offer) = offer
            && offer.nodes < nodes
        {
            infeasible.push(format!(
                "it has {} node(s), the task asks for {nodes}",
                offer.nodes
            ));
        }
        let price_per_hour = found.price.map(|price| price * nodes);
        let estimate = self.estimate(found, offer);
        if let Ok(Estimate {
            fits: Fits::No { why },
            ..
        }) = &estimate
        {
            infeasible.push(why.clone());
        }
        let egress = self.egress(entry, estimate.as_ref().ok());
        let undertaking = Undertaking {
            organisation: Arc::clone(organisation),
            register: Arc::clone(register),
            customer,
            operator: operator.clone(),
            site: site.cloned(),
            country: (*found.offer.country).clone(),
            chip: found.offer.accelerator.as_ref().map(|(name, count)| {
                let id = found
                    .accelerator
                    .and_then(|part| part.legal_id.clone())
                    .unwrap_or_else(|| name.to_string());
                (id, u64::from(*count) * u64::from(nodes))
            }),
            offer: offer.cloned(),
            datasets: self.shipments.datasets(),
            undeclared: self.shipments.undeclared.clone(),
            sends_code: self.shipments.code,
            workload: self.workload_file.cloned(),
            train_ops: self
                .workload
                .as_ref()
                .ok()
                .map(|workload| workload.flops().get()),
            records: Arc::clone(self.inputs.records),
        };
        let Judged {
            clearance,
            books,
            bills,
        } = self.judged(&undertaking);
        let outcome = clearance.outcome();
        let place = &*found.offer.country;
        let placeholder = factors::hardware(None, None, "");
        let factors = Factors {
            hardware: placeholder.clone(),
            cost: placeholder,
            risk: factors::risk(outcome, books, bills),
            talent: factors::talent(&organisation.file.team, place, &self.people, self.inputs.at),
            data: factors::data(&self.data_facts(place, entry, &operator, register)),
        };
        Candidate {
            label: found.offer.label(),
            alike,
            site: site.cloned(),
            stands_in_for: entry.and_then(|entry| entry.stands_in_for.clone()),
            operator: register
                .get(&operator)
                .map_or(operator, |party| party.name.clone()),
            country: place.clone(),
            accelerator: found
                .offer
                .accelerator
                .as_ref()
                .map(|(name, count)| (name.to_string(), *count)),
            nodes,
            paid: found.kind,
            price_per_hour,
            offer_source: found.offer.origin(),
            estimate,
            egress,
            factors,
            score: 0.0,
            outcome,
            clearance,
            infeasible,
            unreachable: self.unreachable(site, entry, presence),
            doubts: found.doubts.clone(),
            answers: found.answers(),
            chip_names: found
                .offer
                .accelerator
                .iter()
                .map(|(name, _)| name.to_string())
                .chain(
                    found
                        .accelerator
                        .into_iter()
                        .flat_map(|part| part.names().map(str::to_owned)),
                )
                .collect(),
            undertaking,
        }
    }

    fn presence(&self, site: Option<&SiteId>, provider: &str) -> Option<&Presence> {
        self.inputs
            .organisation
            .file
            .presences
            .iter()
            .find(|presence| match site {
                Some(site) => presence.site.as_ref() == Some(site),
                None => presence
                    .cloud
                    .as_deref()
                    .is_some_and(|cloud| cloud.eq_ignore_ascii_case(provider)),
            })
    }

    fn unreachable(
        &self,
        site: Option<&SiteId>,
        entry: Option<&Site>,
        presence: Option<&Presence>,
    ) -> Option<String> {
        match (site, entry, presence) {
            (Some(_), Some(entry), Some(_)) => match &entry.engine {
                Engine::Local(_) | Engine::Ssh(_) => None,
            },
            (Some(site), _, None) => Some(format!(
                "no presence: causeway.yaml names no account of yours at site `{site}`"
            )),
            (None, _, None) => {
                Some("no presence: a price list, and no account of yours".to_owned())
            }
            _ => {
                Some("no site: this account has no machine that causeway can reach yet".to_owned())
            }
        }
    }

    /// The three judgements of an undertaking. Offers of one place that differ in what no act looks at (price, CPUs) are
    /// judged once.
    fn judged(&self, undertaking: &Undertaking) -> Judged {
        let Undertaking {
            customer,
            operator,
            site,
            country,
            chip,
            offer,
            ..
        } = undertaking;
        let facts = offer.as_ref().map(|offer| {
            (
                &offer.chips_received,
                &offer.chips_licence,
                &offer.supplier_authorisation,
            )
        });
        let key = format!("{:?}", (customer, operator, site, country, chip, facts));
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let mut passed = self.settings.clone();
        passed.packs.extend(self.bills.iter().cloned());
        let judged = Judged {
            clearance: self.judge(undertaking, &self.settings),
            books: self
                .judge(
                    undertaking,
                    &Settings {
                        posture: Posture::Books,
                        ..self.settings.clone()
                    },
                )
                .outcome(),
            bills: self.judge(undertaking, &passed).outcome(),
        };
        self.known.borrow_mut().insert(key, judged.clone());
        judged
    }

    fn judge(&self, undertaking: &Undertaking, settings: &Settings) -> Clearance {
        match clear(
            undertaking.clone(),
            self.inputs.packs,
            settings,
            self.inputs.at,
        ) {
            Verdict::Launchable(cleared) => cleared.into_parts().1,
            Verdict::NeedsReview(_, clearance)
            | Verdict::LicenseRequired(_, clearance)
            | Verdict::Prohibited(_, clearance) => clearance,
        }
    }

    fn estimate(&self, found: &Match<'_>, offer: Option<&SiteOffer>) -> Result<Estimate, String> {
        let workload = self.workload.as_ref().map_err(Clone::clone)?;
        let hardware = match (&found.offer.accelerator, found.accelerator) {
            (Some((_, count)), Some(part)) => Hardware::Accelerators {
                part,
                per_node: *count,
            },
            (Some((name, count)), None) => Hardware::Unlisted {
                name,
                per_node: *count,
            },
            (None, _) => Hardware::Cpu,
        };
        let nodes = self.inputs.task.num_nodes;
        let fleet = Fleet {
            node_memory: found.offer.memory,
            node_link: found.offer.scale_out,
            declared_tokens_per_second: offer.and_then(|offer| offer.tokens_per_second),
            ..Fleet::new(hardware, nodes)
        };
        // Offers differ in price more than in anything that time and memory depend on.
        let mut known = self.estimates.borrow_mut();
        let key = Machine {
            accelerator: found.offer.accelerator.clone(),
            listed: found.accelerator.map(|part| part.name.clone()),
            memory: found.offer.memory,
            link: found.offer.scale_out.map(|rate| rate.get().to_bits()),
            declared: fleet.declared_tokens_per_second.map(f64::to_bits),
        };
        let estimate = known.entry(key).or_insert_with(|| {
            estimate(workload, &fleet, &self.calibration).map_err(|error| error.to_string())
        });
        estimate
            .clone()
            .map(|estimate| estimate.at_price(nodes, found.price))
    }

    fn egress(&self, entry: Option<&Site>, estimate: Option<&Estimate>) -> Option<Usd> {
        let price = entry?.egress_per_gb?;
        let gigabytes =
            Decimal::from(estimate?.checkpoint_bytes.get()) / Decimal::from(1_000_000_000_u64);
        Some(Usd::new((price.get() * gigabytes).round_dp(6)))
    }

    fn data_facts(
        &self,
        place: &Fact<Country>,
        entry: Option<&Site>,
        operator: &str,
        register: &Register,
    ) -> DataFacts {
        let organisation = self.inputs.organisation;
        let mut facts = DataFacts::default();
        for id in self.shipments.datasets() {
            let Some(dataset) = organisation.datasets().get(&id) else {
                continue;
            };
            let stays = matches!((&dataset.origin, place), (Some(Stated::Value(origin, _)), Fact::Known(place, _)) if origin == place);
            if !stays {
                facts.moved.push(id.to_string());
            }
            if !matches!(&dataset.class, Some(Stated::Value(classes, _)) if classes.0.is_empty()) {
                facts.sensitive.push(id.to_string());
            }
        }
        facts.encrypted = match entry.and_then(|entry| entry.encrypted_at_rest.as_ref()) {
            Some(Stated::Value(value, _)) => Some(*value),
            Some(Stated::Unknown) | None => None,
        };
        facts.third_law = match (
            register
                .get(operator)
                .and_then(|party| party.headquarters.known()),
            place,
        ) {
            (Some(headquarters), Fact::Known(place, _)) => Some(headquarters != place),
            _ => None,
        };
        facts
    }
}

fn cloud_key(cloud: &str) -> String {
    format!("cloud:{}", cloud.to_lowercase())
}

/// The factors that need the others: speed and price are measured against the best feasible place.
fn compare(candidates: &mut [Candidate], organisation: &Organisation) {
    let feasible = || {
        candidates
            .iter()
            .filter(|candidate| candidate.infeasible.is_empty())
    };
    let fastest = feasible()
        .filter_map(Candidate::hours)
        .min_by(|a, b| a.get().total_cmp(&b.get()));
    let cheapest = feasible().filter_map(Candidate::cost).min();
    let budget = &organisation.file.budget;
    for candidate in candidates {
        let why = |what: &Fact<Interval<Usd>>| match what {
            Fact::Unknown(why) => why.clone(),
            Fact::Known(..) => String::new(),
        };
        let (time_unknown, cost_unknown) = match &candidate.estimate {
            Ok(estimate) => (
                match &estimate.hours {
                    Fact::Unknown(why) => why.clone(),
                    Fact::Known(..) => String::new(),
                },
                why(&estimate.cost),
            ),
            Err(why) => (why.clone(), why.clone()),
        };
        candidate.factors.hardware = factors::hardware(candidate.hours(), fastest, &time_unknown);
        candidate.factors.cost = factors::cost(candidate.cost(), cheapest, &cost_unknown);
        candidate.score = candidate.factors.total(&organisation.file.weights);
        if let (Some(cost), Some(total)) = (candidate.cost(), budget.total)
            && cost > total
        {
            candidate
                .infeasible
                .push(format!("it would cost {cost}, the budget is {total}"));
        }
        if let (Some(price), Some(cap)) = (candidate.price_per_hour, budget.per_hour)
            && price.get() > cap.get()
        {
            candidate
                .infeasible
                .push(format!("it costs {price}, the budget is {cap} an hour"));
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
