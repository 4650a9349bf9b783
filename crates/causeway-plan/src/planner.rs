//! One offer becomes one candidate: its time, its price, the law's answer to its acts, what the factors look at.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::organisation::{Engine, Presence, Site, SiteOffer, Workload as WorkloadFile};
use causeway_domain::{Bytes, Country, Fact, PackId, SiteId, Stated, UsdPerHour};
use causeway_estimate::{
    Calibration, Estimate, Fits, Fleet, Hardware, Interval, Rates, Workload, cut, estimate,
};
use causeway_law::{ActKind, Clearance, Outcome, Posture, Settings, Verdict, clear};
use causeway_market::{CostBasis, Match, PriceKind, Term};
use causeway_parties::{Party, Register};

use crate::acts::Undertaking;
use crate::candidate::{Candidate, Variant};
use crate::factors::{self, DataFacts, Factor, Factors};
use crate::paths::Shipments;
use crate::people::People;
use crate::place::Place;
use crate::plan::Inputs;
use crate::talent;

/// Makes candidates.
pub(crate) struct Planner<'a> {
    pub(crate) inputs: &'a Inputs<'a>,
    pub(crate) shipments: &'a Shipments,
    pub(crate) register: Register,
    pub(crate) workload_file: Option<&'a WorkloadFile>,
    pub(crate) workload: Result<Workload, String>,
    pub(crate) calibration: Calibration,
    pub(crate) people: People,
    pub(crate) settings: Settings,
    pub(crate) bills: BTreeSet<PackId>,
    /// Judgements by what the acts look at.
    pub(crate) known: RefCell<BTreeMap<String, Judged>>,
    /// Estimates without a price, by what time and memory depend on.
    pub(crate) estimates: RefCell<BTreeMap<Machine, Result<Estimated, String>>>,
    /// The talent factor by country and point.
    pub(crate) talents: RefCell<BTreeMap<Spot, Factor>>,
}

/// An estimate, and its accelerator beside the part that it is a variant of.
type Estimated = (Estimate, Option<Variant>);

/// A country and a point in it.
type Spot = (Option<Country>, Option<(u64, u64)>);

/// What an estimate depends on beside the task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Machine {
    accelerator: Option<(Arc<str>, u32)>,
    listed: Option<String>,
    memory: Option<Bytes>,
    link: Option<u64>,
    declared: Option<u64>,
    spot: bool,
}

/// How often a spot node is taken away, an hour, where the offer does not say: an assumption.
pub(crate) const PREEMPTED: f64 = 0.05;

/// One undertaking, judged as the law is read today, as the books read, and as it would be if every pending bill passed.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    clearance: Clearance,
    books: Outcome,
    pub(crate) bills: Outcome,
}

impl Planner<'_> {
    /// A cloud of the price lists is a party, too: one of which little is known.
    pub(crate) fn add_cloud(&mut self, cloud: &str, name: &str, headquarters: &Fact<Country>) {
        let mut party = Party::company(name);
        party.headquarters = headquarters.clone();
        self.register.insert(cloud_key(cloud), party);
    }

    pub(crate) fn candidate(
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
        if let Some(most) = found.offer.quota.filter(|most| *most < nodes) {
            let few = nodes - most;
            infeasible.push(format!(
                "it has {most} node(s), the task asks for {nodes}: {few} too few"
            ));
        }
        let pay = self.pay();
        let rates = Rates {
            storage_gb_month: entry.and_then(|entry| entry.storage_per_gb_month),
            egress_gb: entry.and_then(|entry| entry.egress_per_gb),
            people: pay.as_ref().ok().map(|(pay, _)| *pay),
        };
        let (estimate, variant) = match self.estimate(found, offer) {
            Ok((estimate, variant)) => (Ok(estimate), variant),
            Err(why) => (Err(why), None),
        };
        let (estimate, term) = self.paid(found, estimate, &rates);
        if let Ok(Estimate {
            fits: Fits::No { why },
            ..
        }) = &estimate
        {
            infeasible.push(why.clone());
        }
        let place = Place::of(found.offer, entry, presence, &self.inputs.market.regions);
        let undertaking = Undertaking {
            organisation: Arc::clone(organisation),
            register: Arc::clone(register),
            customer,
            operator: operator.clone(),
            site: site.cloned(),
            country: place.country.clone(),
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
        let placeholder = factors::hardware(None, None, false, "");
        let factors = Factors {
            hardware: placeholder.clone(),
            cost: placeholder,
            risk: factors::risk(outcome, books, bills),
            talent: self.talent(&place),
            data: factors::data(&self.data_facts(
                &place.country,
                entry,
                &operator,
                register,
                &clearance,
            )),
        };
        Candidate {
            label: found.offer.label(),
            alike,
            site: site.cloned(),
            stands_in_for: entry.and_then(|entry| entry.stands_in_for.clone()),
            operator: register
                .get(&operator)
                .map_or(operator, |party| party.name.clone()),
            variant,
            carbon: estimate.as_ref().map_or_else(
                |why| Fact::unknown(why.clone()),
                |estimate| estimate.carbon(&place.grid.clone().map(|grid| grid.intensity)),
            ),
            place,
            accelerator: found
                .offer
                .accelerator
                .as_ref()
                .map(|(name, count)| (name.to_string(), *count)),
            nodes,
            paid: term.map_or(found.kind, |term| term.kind()),
            term,
            price_per_hour: term.map(|term| term.hourly_at_full_use() * nodes),
            offer_source: found.offer.origin(),
            estimate,
            factors,
            score: 0.0,
            outcome,
            clearance,
            infeasible,
            unreachable: self.unreachable(site, entry, presence),
            doubts: found.doubts.clone(),
            answers: found.answers(),
            terms: found.terms().collect(),
            part: found.accelerator.map(|part| part.name.clone()),
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
            rates,
            owned: match &found.offer.cost_basis {
                CostBasis::Owned(parts) => parts.arithmetic(),
                CostBasis::Rented => Vec::new(),
            },
            pay: pay.map(|(_, words)| words),
        }
    }

    /// What the people who watch the run cost an hour, and how that was computed; why it is not counted.
    fn pay(&self) -> Result<(Interval<UsdPerHour>, String), String> {
        let people = self.workload_file.and_then(|workload| workload.people);
        let people = people.ok_or("the workload names no `people` who watch the run")?;
        self.people
            .hourly(&self.inputs.organisation.file.team, people)
    }

    fn talent(&self, place: &Place) -> Factor {
        let point = place.coordinates.known();
        let key = (
            place.country.known().copied(),
            point.map(|at| (at.latitude().to_bits(), at.longitude().to_bits())),
        );
        let mut known = self.talents.borrow_mut();
        let talent = known.entry(key).or_insert_with(|| {
            let team = &self.inputs.organisation.file.team;
            talent::talent(team, &place.country, point, &self.people, self.inputs.at)
        });
        talent.clone()
    }

    /// The estimate on the terms on which the run costs least; where its cost is unknown, on the first.
    fn paid(
        &self,
        found: &Match<'_>,
        estimate: Result<Estimate, String>,
        rates: &Rates,
    ) -> (Result<Estimate, String>, Option<Term>) {
        let nodes = self.inputs.task.num_nodes;
        let first = found.terms().next();
        let estimate = match estimate {
            Ok(estimate) => estimate,
            Err(why) => return (Err(why), first),
        };
        let on = |term: Option<Term>| {
            let billed = estimate.clone().at_prices(nodes, term.as_ref(), rates);
            (billed, term)
        };
        let cheaper = |best: (Estimate, Option<Term>), other: (Estimate, Option<Term>)| {
            let cost = |(estimate, _): &(Estimate, Option<Term>)| {
                estimate.cost.known().map(|cost| cost.mid)
            };
            if cost(&other) < cost(&best) {
                other
            } else {
                best
            }
        };
        let (estimate, term) = found
            .terms()
            .skip(1)
            .map(|term| on(Some(term)))
            .fold(on(first), cheaper);
        (Ok(estimate), term)
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

    fn estimate(&self, found: &Match<'_>, offer: Option<&SiteOffer>) -> Result<Estimated, String> {
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
        let spot = found.kind == PriceKind::Spot;
        let fleet = Fleet {
            node_memory: found.offer.memory,
            node_link: found.offer.scale_out,
            declared_tokens_per_second: offer.and_then(|offer| offer.tokens_per_second),
            preemptions_per_node_hour: spot.then_some(PREEMPTED),
            ..Fleet::new(hardware, self.inputs.task.num_nodes)
        };
        // Offers differ in price more than in anything that time and memory depend on.
        let mut known = self.estimates.borrow_mut();
        let key = Machine {
            accelerator: found.offer.accelerator.clone(),
            listed: found.accelerator.map(|part| part.name.clone()),
            memory: found.offer.memory,
            link: found.offer.scale_out.map(|rate| rate.get().to_bits()),
            declared: fleet.declared_tokens_per_second.map(f64::to_bits),
            spot,
        };
        let estimate = known.entry(key).or_insert_with(|| {
            let mut answer = estimate(workload, &fleet, &self.calibration)
                .map_err(|error| error.to_string())?;
            if spot {
                answer.notes.push(format!(
                    "a spot node is taken away {} times an hour: an assumption, since the offer states no rate",
                    PREEMPTED
                ));
            }
            Ok((answer, self.variant(workload, &fleet)))
        });
        estimate.clone()
    }

    /// Nothing where a site declared its throughput: that is of no model.
    fn variant(&self, workload: &Workload, fleet: &Fleet<'_>) -> Option<Variant> {
        let Hardware::Accelerators { part, .. } = fleet.hardware else {
            return None;
        };
        let of = part.variant_of.as_ref()?;
        let whole = self.inputs.market.accelerators.find(of)?;
        if fleet.declared_tokens_per_second.is_some() {
            return None;
        }
        let cut = cut(workload, fleet, whole, &self.calibration).ok()??;
        Some(Variant {
            of: of.clone(),
            cut,
        })
    }

    fn data_facts(
        &self,
        place: &Fact<Country>,
        entry: Option<&Site>,
        operator: &str,
        register: &Register,
        clearance: &Clearance,
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
        let sent = clearance
            .verdicts
            .iter()
            .filter(|verdict| verdict.kind == ActKind::TransferDataset);
        for verdict in sent {
            if verdict.outcome == Outcome::Allow {
                facts
                    .obligations
                    .extend(verdict.obligations.iter().cloned());
            } else {
                let rules: Vec<&str> = verdict
                    .deciding
                    .iter()
                    .map(|rule| rule.id.as_str())
                    .collect();
                facts.mechanisms.push((verdict.outcome, rules.join(", ")));
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
