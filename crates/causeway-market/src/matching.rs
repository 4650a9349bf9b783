//! Which offers answer a request, and what the others fall short of.

use std::cmp::Ordering;
use std::collections::HashMap;

use causeway_domain::Bytes;
use foldhash::fast::FixedState;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::shelf::{Machine, Shelf};
use crate::{
    Accelerator, CpuNeed, Market, Match, MemoryNeed, Offer, OfferSource, PriceKind, Request,
    Shortfall,
};

/// A match and where it was found: shelf, and offer of the shelf.
pub(crate) struct Found<'m> {
    pub(crate) shelf: usize,
    pub(crate) at: u32,
    pub(crate) found: Match<'m>,
}

/// What a request asks for, with the parts that its names mean.
struct Asked<'r> {
    request: &'r Request,
    wanted: Vec<(String, Option<u32>)>,
    /// `H100:8 or H200:8`.
    words: String,
    kind: PriceKind,
}

/// What is decided once for a kind of machine.
struct Judged {
    preference: usize,
    shortfalls: Vec<Shortfall>,
    doubts: Vec<String>,
}

impl Market {
    /// Every offer of the kind asked for: those that answer the request, cheapest first, then those that do not, each
    /// with what it falls short of.
    ///
    /// The kind is the accelerator (in any number), or a machine without one; and the place and the machine, where the
    /// request names them. A site's own offers are always of the right kind, so that each site is answered for.
    #[must_use]
    pub fn matching(&self, request: &Request) -> Vec<Match<'_>> {
        self.ranked(request)
            .into_iter()
            .map(|found| found.found)
            .collect()
    }

    pub(crate) fn ranked(&self, request: &Request) -> Vec<Found<'_>> {
        let alternatives = request.alternatives();
        let mut all: Vec<Found<'_>> = Vec::new();
        // An offer is listed once a way of paying, by the alternative that it answers best; the first of equals.
        let mut seen: HashMap<(usize, u32, PriceKind), usize, FixedState> = HashMap::default();
        let several = alternatives.len() > 1;
        for alternative in &alternatives {
            let asked = Asked {
                request: alternative,
                wanted: alternative
                    .accelerators
                    .iter()
                    .map(|(name, _)| (name.clone(), self.accelerators.position(name, None)))
                    .collect(),
                words: words(alternative),
                kind: if alternative.use_spot == Some(true) {
                    PriceKind::Spot
                } else {
                    PriceKind::OnDemand
                },
            };
            for (shelf_at, shelf) in self.shelves.iter().enumerate() {
                self.look(shelf, &asked, &mut |at, found| {
                    let found = Found {
                        shelf: shelf_at,
                        at,
                        found,
                    };
                    if several {
                        let next = all.len();
                        let place = *seen.entry((shelf_at, at, asked.kind)).or_insert(next);
                        if let Some(known) = all.get_mut(place) {
                            if found.found.shortfalls.len() < known.found.shortfalls.len() {
                                *known = found;
                            }
                            return;
                        }
                    }
                    all.push(found);
                });
            }
        }
        all.sort_unstable_by(rank);
        all
    }

    fn look<'m>(
        &'m self,
        shelf: &'m Shelf,
        asked: &Asked<'_>,
        out: &mut impl FnMut(u32, Match<'m>),
    ) {
        let request = asked.request;
        let instance = request.instance_type.as_deref();
        let wanted_place = request
            .infra
            .is_some()
            .then(|| shelf.places_where(|offer| in_place(offer, request)));
        for id in shelf.machines_for(&asked.wanted, instance) {
            let Some(machine) = shelf.machines.get(id as usize) else {
                continue;
            };
            let Some(first) = machine.offers.first().and_then(|at| shelf.offer(*at)) else {
                continue;
            };
            if instance.is_some_and(|wanted| first.instance_type.as_deref() != Some(wanted)) {
                continue;
            }
            let Some(judged) = judge(machine, first, asked) else {
                continue;
            };
            let accelerator = machine.part.and_then(|part| self.accelerators.at(part));
            for &at in &machine.offers {
                let here = wanted_place.as_ref().is_none_or(|wanted| {
                    wanted.get(shelf.place_of(at)).copied().unwrap_or_default()
                });
                if here && let Some(offer) = shelf.offer(at) {
                    out(at, one(offer, accelerator, &judged, asked));
                }
            }
        }
    }
}

/// Fewest shortfalls, preference, price (an unknown one last), name; then the order in which they came.
fn rank(a: &Found<'_>, b: &Found<'_>) -> Ordering {
    let (x, y) = (&a.found, &b.found);
    (x.shortfalls.len(), x.preference)
        .cmp(&(y.shortfalls.len(), y.preference))
        .then_with(|| match (x.price, y.price) {
            (Some(x), Some(y)) => x.cmp(&y),
            (x, y) => y.is_some().cmp(&x.is_some()),
        })
        .then_with(|| x.offer.cmp_label(y.offer))
        .then_with(|| (a.shelf, a.at, x.kind).cmp(&(b.shelf, b.at, y.kind)))
}

fn words(request: &Request) -> String {
    let words: Vec<String> = request
        .accelerators
        .iter()
        .map(|(name, count)| format!("{name}:{count}"))
        .collect();
    words.join(" or ")
}

/// Compares the machine; `None` when it is of another kind.
fn judge(machine: &Machine, first: &Offer, asked: &Asked<'_>) -> Option<Judged> {
    let mut judged = Judged {
        preference: 0,
        shortfalls: Vec::new(),
        doubts: Vec::new(),
    };
    compare_accelerators(machine, first, asked, &mut judged)?;
    compare_cpus(first, asked.request, &mut judged);
    compare_memory(first, asked.request, &mut judged);
    Some(judged)
}

/// Compares the accelerators; `None` when the machine is of another kind.
fn compare_accelerators(
    machine: &Machine,
    first: &Offer,
    asked: &Asked<'_>,
    judged: &mut Judged,
) -> Option<()> {
    let site = matches!(first.source, OfferSource::Site(_));
    let request = asked.request;
    if request.accelerators.is_empty() {
        let spare = first.accelerator.is_some();
        return (!spare || site || request.instance_type.is_some()).then_some(());
    }
    let another = |has: Option<String>| Shortfall::Accelerator {
        asked: asked.words.clone(),
        has,
    };
    let Some((name, has)) = &first.accelerator else {
        judged.shortfalls.push(another(None));
        return site.then_some(());
    };
    // By its name as SkyPilot matches it, or by the part, under whatever name it is sold.
    let same = |(wanted, part): &(String, Option<u32>)| {
        wanted.eq_ignore_ascii_case(name) || (part.is_some() && machine.part == *part)
    };
    let of_kind: Vec<(usize, u32)> = asked
        .wanted
        .iter()
        .zip(&request.accelerators)
        .enumerate()
        .filter(|(_, (wanted, _))| same(wanted))
        .map(|(at, (_, (_, count)))| (at, *count))
        .collect();
    let Some((first_at, count)) = of_kind.first().copied() else {
        judged.shortfalls.push(another(Some(name.to_string())));
        return site.then_some(());
    };
    let exact = of_kind.iter().find(|(_, count)| count == has);
    if exact.is_none() {
        judged.shortfalls.push(Shortfall::AcceleratorCount {
            asked: count,
            has: *has,
        });
    }
    if request.ordered {
        judged.preference = exact.map_or(first_at, |(at, _)| *at);
    }
    Some(())
}

fn compare_cpus(first: &Offer, request: &Request, judged: &mut Judged) {
    let Some(need) = request.cpus else { return };
    let (CpuNeed::Exactly(asked) | CpuNeed::AtLeast(asked)) = need;
    match first.vcpus {
        Some(has) if has < asked || (has > asked && matches!(need, CpuNeed::Exactly(_))) => {
            judged.shortfalls.push(Shortfall::Cpus {
                asked,
                at_least: matches!(need, CpuNeed::AtLeast(_)),
                has,
            });
        }
        Some(_) => {}
        None => judged.doubts.push(format!(
            "the number of CPUs is not stated; the task asks for {asked}"
        )),
    }
}

fn compare_memory(first: &Offer, request: &Request, judged: &mut Judged) {
    let Some(need) = request.memory else { return };
    let asked = match need {
        MemoryNeed::Exactly(bytes) | MemoryNeed::AtLeast(bytes) => Some(bytes),
        MemoryNeed::PerCpu(factor) => first.vcpus.and_then(|cpus| per_cpu(factor, cpus)),
    };
    match (asked, first.memory) {
        (Some(asked), Some(has))
            if has < asked || (has > asked && matches!(need, MemoryNeed::Exactly(_))) =>
        {
            judged.shortfalls.push(Shortfall::Memory {
                asked,
                at_least: !matches!(need, MemoryNeed::Exactly(_)),
                has,
            });
        }
        (Some(_), Some(_)) => {}
        (_, None) => judged
            .doubts
            .push("the memory is not stated; the task asks for some".to_owned()),
        (None, _) => judged
            .doubts
            .push("the number of CPUs is not stated; the task asks for memory per CPU".to_owned()),
    }
}

fn per_cpu(factor: Decimal, cpus: Decimal) -> Option<Bytes> {
    factor
        .checked_mul(cpus)?
        .checked_mul(Decimal::from(1u64 << 30))?
        .round()
        .to_u64()
        .map(Bytes::new)
}

/// One offer of a judged machine: its price is its own.
fn one<'m>(
    offer: &'m Offer,
    accelerator: Option<&'m Accelerator>,
    judged: &Judged,
    asked: &Asked<'_>,
) -> Match<'m> {
    let kind = asked.kind;
    let price = match kind {
        PriceKind::Spot => offer.spot,
        _ => offer.on_demand,
    };
    let mut found = Match {
        offer,
        accelerator,
        preference: judged.preference,
        kind,
        price,
        shortfalls: judged.shortfalls.clone(),
        doubts: judged.doubts.clone(),
    };
    compare_price(asked.request, &mut found);
    found
}

fn compare_price(request: &Request, found: &mut Match<'_>) {
    let lowest = found.terms().map(|term| term.hourly_at_full_use()).min();
    let Some(price) = lowest else {
        match found.offer.source {
            OfferSource::Site(_) if found.kind == PriceKind::OnDemand => {
                found.doubts.push("the site states no price".to_owned());
            }
            _ => found
                .shortfalls
                .push(Shortfall::NotSold { kind: found.kind }),
        }
        return;
    };
    if let Some(cap) = request.max_hourly_cost.filter(|cap| price > *cap) {
        found.shortfalls.push(Shortfall::Price { price, cap });
    }
}

fn in_place(offer: &Offer, request: &Request) -> bool {
    let Some(infra) = &request.infra else {
        return true;
    };
    let same = |wanted: &Option<String>, has: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| {
            wanted == "*" || has.is_some_and(|has| has.eq_ignore_ascii_case(wanted))
        })
    };
    let by_site = match &offer.source {
        OfferSource::Catalog | OfferSource::File => false,
        OfferSource::Site(site) => {
            let cloud = infra.cloud.as_deref();
            let named = cloud.is_some_and(|cloud| cloud.eq_ignore_ascii_case(site.as_str()));
            let pool = cloud.is_some_and(|cloud| cloud.eq_ignore_ascii_case("ssh"))
                && same(&infra.region, Some(site.as_str()));
            pool || (named && same(&infra.region, offer.region.as_deref()))
        }
    };
    by_site
        || (same(&infra.cloud, Some(&offer.provider))
            && same(&infra.region, offer.region.as_deref())
            && same(&infra.zone, offer.zone.as_deref()))
}
