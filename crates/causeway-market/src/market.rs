//! The market: every offer, and which of them answer a request.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use causeway_domain::{Bytes, UsdPerHour};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    Accelerator, Accelerators, CpuNeed, MarketError, MemoryNeed, Offer, OfferSource, Providers,
    Regions, Request, builtin, import_csv,
};

/// Offers and the tables they are read with.
#[derive(Debug, Clone, PartialEq)]
pub struct Market {
    /// Every offer: of the price lists, then of the sites.
    pub offers: Vec<Offer>,
    /// The accelerators.
    pub accelerators: Accelerators,
    /// Cloud and region to country.
    pub regions: Regions,
    /// Who the clouds are.
    pub providers: Providers,
}

impl Market {
    /// The catalog built into the program: three of SkyPilot's price lists and the tables beside them.
    ///
    /// # Errors
    /// [`MarketError`] when a built-in file is damaged; a row that can't be read is damage too.
    pub fn builtin() -> Result<Self, MarketError> {
        let mut market = Self::empty()?;
        for (cloud, file, text) in builtin::PRICE_LISTS {
            let import = import_csv(
                cloud,
                file,
                text,
                &market.regions,
                Some(builtin::PRICES_READ),
            )?;
            if let Some((line, why)) = import.skipped.first() {
                return Err(MarketError::Table {
                    file: file.to_owned(),
                    why: format!("line {line}: {why}"),
                });
            }
            market.offers.extend(import.offers);
        }
        Ok(market)
    }

    /// The built-in tables without any offer: for an organisation that brings its own price lists.
    ///
    /// # Errors
    /// [`MarketError`] when a built-in file is damaged.
    pub fn empty() -> Result<Self, MarketError> {
        Ok(Self {
            offers: Vec::new(),
            accelerators: Accelerators::builtin()?,
            regions: Regions::builtin()?,
            providers: Providers::builtin()?,
        })
    }

    /// The same market with more offers: a site's own, or another price list's.
    #[must_use]
    pub fn with_offers(mut self, offers: impl IntoIterator<Item = Offer>) -> Self {
        self.offers.extend(offers);
        self
    }

    /// The accelerator that an offer is of; `None` for a machine without, and for a part that the table does not list.
    #[must_use]
    pub fn accelerator_of(&self, offer: &Offer) -> Option<&Accelerator> {
        let (name, _) = offer.accelerator.as_ref()?;
        self.accelerators.identify(name, offer.accelerator_memory)
    }

    /// Every offer of the kind asked for: those that answer the request, cheapest first, then those that do not, each
    /// with what it falls short of.
    ///
    /// The kind is the accelerator (in any number), or a machine without one; and the place and the machine, where the
    /// request names them. A site's own offers are always of the right kind, so that each site is answered for.
    #[must_use]
    pub fn matching(&self, request: &Request) -> Vec<Match<'_>> {
        let mut best: BTreeMap<(usize, PriceKind), Match<'_>> = BTreeMap::new();
        for alternative in request.alternatives() {
            for (index, offer) in self.offers.iter().enumerate() {
                let Some(found) = self.try_offer(offer, &alternative) else {
                    continue;
                };
                let key = (index, found.kind);
                if best
                    .get(&key)
                    .is_none_or(|known| found.shortfalls.len() < known.shortfalls.len())
                {
                    best.insert(key, found);
                }
            }
        }
        let mut matches: Vec<Match<'_>> = best.into_values().collect();
        matches.sort_by_cached_key(|found| {
            let price = found.price.map(UsdPerHour::get);
            (
                found.shortfalls.len(),
                found.preference,
                Reverse(price.map(Reverse)),
                found.offer.label(),
            )
        });
        matches
    }

    /// `None` when the offer is of another kind.
    fn try_offer<'m>(&'m self, offer: &'m Offer, request: &Request) -> Option<Match<'m>> {
        if !in_place(offer, request) || !is_machine(offer, request) {
            return None;
        }
        let kind = if request.use_spot == Some(true) {
            PriceKind::Spot
        } else {
            PriceKind::OnDemand
        };
        let mut found = Match {
            offer,
            accelerator: self.accelerator_of(offer),
            preference: 0,
            kind,
            price: if kind == PriceKind::Spot {
                offer.spot
            } else {
                offer.on_demand
            },
            shortfalls: Vec::new(),
            doubts: Vec::new(),
        };
        self.compare_accelerators(request, &mut found)?;
        compare_machine(request, &mut found);
        compare_price(request, &mut found);
        Some(found)
    }

    /// Compares the accelerators; `None` when the offer is of another kind.
    fn compare_accelerators(&self, request: &Request, found: &mut Match<'_>) -> Option<()> {
        let site = matches!(found.offer.source, OfferSource::Site(_));
        if request.accelerators.is_empty() {
            let spare = found.offer.accelerator.is_some();
            return (!spare || site || request.instance_type.is_some()).then_some(());
        }
        let asked = || {
            request
                .accelerators
                .iter()
                .map(|(name, count)| format!("{name}:{count}"))
                .collect::<Vec<_>>()
                .join(" or ")
        };
        let Some((name, has)) = &found.offer.accelerator else {
            found.shortfalls.push(Shortfall::Accelerator {
                asked: asked(),
                has: None,
            });
            return site.then_some(());
        };
        let same = |wanted: &str| {
            wanted.eq_ignore_ascii_case(name)
                || found.accelerator.is_some_and(|part| {
                    self.accelerators
                        .find(wanted)
                        .is_some_and(|other| other.name == part.name)
                })
        };
        let of_kind: Vec<(usize, u32)> = request
            .accelerators
            .iter()
            .enumerate()
            .filter(|(_, (wanted, _))| same(wanted))
            .map(|(index, (_, count))| (index, *count))
            .collect();
        let Some((first, count)) = of_kind.first().copied() else {
            found.shortfalls.push(Shortfall::Accelerator {
                asked: asked(),
                has: Some(name.clone()),
            });
            return site.then_some(());
        };
        let exact = of_kind.iter().find(|(_, count)| count == has);
        if exact.is_none() {
            found.shortfalls.push(Shortfall::AcceleratorCount {
                asked: count,
                has: *has,
            });
        }
        if request.ordered {
            found.preference = exact.map_or(first, |(index, _)| *index);
        }
        Some(())
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
        OfferSource::Catalog { .. } => false,
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

fn is_machine(offer: &Offer, request: &Request) -> bool {
    request
        .instance_type
        .as_ref()
        .is_none_or(|wanted| offer.instance_type.as_ref() == Some(wanted))
}

fn compare_machine(request: &Request, found: &mut Match<'_>) {
    let offer = found.offer;
    if let Some(need) = request.cpus {
        let (CpuNeed::Exactly(asked) | CpuNeed::AtLeast(asked)) = need;
        match offer.vcpus {
            Some(has) if has < asked || (has > asked && matches!(need, CpuNeed::Exactly(_))) => {
                found.shortfalls.push(Shortfall::Cpus {
                    asked,
                    at_least: matches!(need, CpuNeed::AtLeast(_)),
                    has,
                });
            }
            Some(_) => {}
            None => found.doubts.push(format!(
                "the number of CPUs is not stated; the task asks for {asked}"
            )),
        }
    }
    let Some(need) = request.memory else { return };
    let asked = match need {
        MemoryNeed::Exactly(bytes) | MemoryNeed::AtLeast(bytes) => Some(bytes),
        MemoryNeed::PerCpu(factor) => offer.vcpus.and_then(|cpus| per_cpu(factor, cpus)),
    };
    match (asked, offer.memory) {
        (Some(asked), Some(has))
            if has < asked || (has > asked && matches!(need, MemoryNeed::Exactly(_))) =>
        {
            found.shortfalls.push(Shortfall::Memory {
                asked,
                at_least: !matches!(need, MemoryNeed::Exactly(_)),
                has,
            });
        }
        (Some(_), Some(_)) => {}
        (_, None) => found
            .doubts
            .push("the memory is not stated; the task asks for some".to_owned()),
        (None, _) => found
            .doubts
            .push("the number of CPUs is not stated; the task asks for memory per CPU".to_owned()),
    }
}

fn per_cpu(factor: Decimal, cpus: Decimal) -> Option<Bytes> {
    use rust_decimal::prelude::ToPrimitive as _;
    factor
        .checked_mul(cpus)?
        .checked_mul(Decimal::from(1u64 << 30))?
        .round()
        .to_u64()
        .map(Bytes::new)
}

fn compare_price(request: &Request, found: &mut Match<'_>) {
    let Some(price) = found.price else {
        match found.offer.source {
            OfferSource::Site(_) if found.kind == PriceKind::OnDemand => {
                found.doubts.push("the site states no price".to_owned())
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

/// How a machine is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// By the hour, kept until given back.
    OnDemand,
    /// By the hour, may be taken away at any time.
    Spot,
}

impl std::fmt::Display for PriceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::OnDemand => "on demand",
            Self::Spot => "spot",
        })
    }
}

/// An offer of the kind asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Match<'m> {
    /// The offer.
    pub offer: &'m Offer,
    /// Its accelerator in the table; `None` also when the table does not list it.
    #[serde(skip)]
    pub accelerator: Option<&'m Accelerator>,
    /// Place of its accelerator in a request that states an order of preference, else 0.
    pub preference: usize,
    /// How it would be paid.
    pub kind: PriceKind,
    /// Price of one machine, paid that way.
    pub price: Option<UsdPerHour>,
    /// What it falls short of; empty when it answers the request.
    pub shortfalls: Vec<Shortfall>,
    /// What could not be compared because the offer does not state it.
    pub doubts: Vec<String>,
}

impl Match<'_> {
    /// Whether the offer answers the request, as far as it states what was asked.
    #[must_use]
    pub const fn answers(&self) -> bool {
        self.shortfalls.is_empty()
    }
}

/// One thing in which an offer falls short of a request. `Display` says it for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    /// No accelerator, or another one.
    Accelerator {
        /// What the request asks for, alternatives joined by `or`.
        asked: String,
        /// What the machine has.
        has: Option<String>,
    },
    /// Another number of accelerators in a machine.
    AcceleratorCount {
        /// Asked for.
        asked: u32,
        /// In the machine.
        has: u32,
    },
    /// Another number of CPUs.
    Cpus {
        /// Asked for.
        asked: Decimal,
        /// Whether more would do.
        at_least: bool,
        /// In the machine.
        has: Decimal,
    },
    /// Another amount of main memory.
    Memory {
        /// Asked for.
        asked: Bytes,
        /// Whether more would do.
        at_least: bool,
        /// In the machine.
        has: Bytes,
    },
    /// Not sold that way.
    NotSold {
        /// The way.
        kind: PriceKind,
    },
    /// Dearer than the request allows.
    Price {
        /// Price of a machine.
        price: UsdPerHour,
        /// The most it may cost.
        cap: UsdPerHour,
    },
}

impl std::fmt::Display for Shortfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gib = |bytes: &Bytes| {
            let gib = Decimal::from(bytes.get()) / Decimal::from(1u64 << 30);
            format!("{} GiB", gib.round_dp(1).normalize())
        };
        let words = |at_least: &bool| if *at_least { "at least " } else { "exactly " };
        match self {
            Self::Accelerator {
                asked,
                has: Some(has),
            } => write!(f, "has {has}, the task asks for {asked}"),
            Self::Accelerator { asked, has: None } => {
                write!(f, "has no accelerator, the task asks for {asked}")
            }
            Self::AcceleratorCount { asked, has: 1 } => {
                write!(f, "has 1 accelerator, the task asks for {asked}")
            }
            Self::AcceleratorCount { asked, has } => {
                write!(f, "has {has} accelerators, the task asks for {asked}")
            }
            Self::Cpus {
                asked,
                at_least,
                has,
            } => write!(
                f,
                "has {} CPUs, the task asks for {}{}",
                has.normalize(),
                words(at_least),
                asked.normalize()
            ),
            Self::Memory {
                asked,
                at_least,
                has,
            } => write!(
                f,
                "has {} of memory, the task asks for {}{}",
                gib(has),
                words(at_least),
                gib(asked)
            ),
            Self::NotSold {
                kind: PriceKind::OnDemand,
            } => f.write_str("is not sold on demand"),
            Self::NotSold {
                kind: PriceKind::Spot,
            } => f.write_str("is not sold as spot"),
            Self::Price { price, cap } => write!(f, "costs {price}, above the limit of {cap}"),
        }
    }
}
