//! Offers held once, with what a request looks them up by.
//!
//! Sixty thousand rows are a few thousand kinds of machine in a few hundred places: what depends on the machine alone is
//! decided once for it, what depends on the place once for that.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use causeway_domain::{Bytes, Country};
use foldhash::fast::FixedState;
use rust_decimal::Decimal;

use crate::{Accelerators, Dialects, Offer, OfferSource};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Some offers that come and go together: a price list's, an offers file's, the sites'.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) offers: Vec<Offer>,
    /// Index in `places` of each offer.
    place_of: Vec<u32>,
    /// Index in `classes` of each offer.
    class_of: Vec<u32>,
    pub(crate) machines: Vec<Machine>,
    /// The first offer of each place.
    places: Vec<u32>,
    pub(crate) classes: Vec<Class>,
    /// Machines by lower-case name of their accelerator, as the source has it.
    by_name: Map<String, Vec<u32>>,
    /// Machines by the part that they are of.
    by_part: Map<u32, Vec<u32>>,
    by_instance: Map<Arc<str>, Vec<u32>>,
    /// Machines without accelerators.
    bare: Vec<u32>,
    /// Machines of sites.
    own: Vec<u32>,
}

/// A kind of machine: offers of it differ in price and place alone.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Index of its accelerator in the table.
    pub(crate) part: Option<u32>,
    /// Indices of its offers.
    pub(crate) offers: Vec<u32>,
}

/// What the law and the estimator tell offers apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    provider: Arc<str>,
    source: OfferSource,
    country: Option<Country>,
    part: Option<u32>,
    /// Name of a part that the table does not list, lower case.
    unlisted: Option<String>,
    count: u32,
    memory: Option<Bytes>,
    quota: Option<u32>,
    scale_out: Option<u64>,
    /// Terms beside the hour's price, in words: what an offer costs on them is known only when the time is.
    terms: Option<String>,
    /// Lower case: where people and power are concerned, regions of one country differ.
    region: Option<Arc<str>>,
}

#[derive(PartialEq, Eq, Hash)]
struct MachineKey<'a> {
    provider: &'a str,
    source: &'a OfferSource,
    instance: Option<&'a str>,
    accelerator: Option<(&'a str, u32)>,
    accelerator_memory: Option<Bytes>,
    vcpus: Option<Decimal>,
    memory: Option<Bytes>,
    quota: Option<u32>,
    scale_out: Option<u64>,
    terms: Option<String>,
}

type PlaceKey<'a> = (&'a str, &'a OfferSource, Option<&'a str>, Option<&'a str>);

fn index(length: usize) -> u32 {
    // A shelf of four thousand million offers would not fit into memory first.
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// An id for each key, in the order in which they are first met.
fn id_of<K: Eq + Hash>(ids: &mut Map<K, u32>, key: K) -> (u32, bool) {
    let next = index(ids.len());
    let id = *ids.entry(key).or_insert(next);
    (id, id == next)
}

impl Shelf {
    pub(crate) fn new(
        offers: Vec<Offer>,
        accelerators: &Accelerators,
        dialects: &Dialects,
    ) -> Self {
        let mut shelf = Self {
            place_of: Vec::with_capacity(offers.len()),
            class_of: Vec::with_capacity(offers.len()),
            machines: Vec::new(),
            places: Vec::new(),
            classes: Vec::new(),
            by_name: Map::default(),
            by_part: Map::default(),
            by_instance: Map::default(),
            bare: Vec::new(),
            own: Vec::new(),
            offers: Vec::new(),
        };
        let mut machines: Map<MachineKey<'_>, u32> = Map::default();
        let mut places: Map<PlaceKey<'_>, u32> = Map::default();
        let mut classes: Map<Class, u32> = Map::default();
        let mut class_by: Map<(u32, u32), u32> = Map::default();
        for (at, offer) in offers.iter().enumerate() {
            let (machine, new) = id_of(&mut machines, machine_key(offer));
            if new {
                let part = part_of(offer, accelerators, dialects);
                shelf.add_machine(machine, offer, part);
            }
            let part = match shelf.machines.get_mut(machine as usize) {
                Some(entry) => {
                    entry.offers.push(index(at));
                    entry.part
                }
                None => None,
            };
            let place = (
                &*offer.provider,
                &offer.source,
                offer.region.as_deref(),
                offer.zone.as_deref(),
            );
            let (place, new) = id_of(&mut places, place);
            if new {
                shelf.places.push(index(at));
            }
            shelf.place_of.push(place);
            let class = *class_by.entry((machine, place)).or_insert_with(|| {
                let class = class(offer, part);
                let (id, new) = id_of(&mut classes, class.clone());
                if new {
                    shelf.classes.push(class);
                }
                id
            });
            shelf.class_of.push(class);
        }
        drop((machines, places));
        shelf.offers = offers;
        shelf
    }

    fn add_machine(&mut self, id: u32, offer: &Offer, part: Option<u32>) {
        self.machines.push(Machine {
            part,
            offers: Vec::new(),
        });
        match &offer.accelerator {
            Some((name, _)) => {
                let name = name.to_ascii_lowercase();
                self.by_name.entry(name).or_default().push(id);
            }
            None => self.bare.push(id),
        }
        if let Some(part) = part {
            self.by_part.entry(part).or_default().push(id);
        }
        if let Some(instance) = &offer.instance_type {
            let instance = Arc::clone(instance);
            self.by_instance.entry(instance).or_default().push(id);
        }
        if matches!(offer.source, OfferSource::Site(_)) {
            self.own.push(id);
        }
    }

    /// Machines that may be of the kind asked for: by the names of accelerators and the parts that they mean, or, where
    /// none is asked for, by their own name or as machines without; the sites' in any case. In order, each once.
    pub(crate) fn machines_for(
        &self,
        wanted: &[(String, Option<u32>)],
        instance: Option<&str>,
    ) -> Vec<u32> {
        let mut found = self.own.clone();
        let mut add = |some: Option<&Vec<u32>>| found.extend(some.into_iter().flatten());
        for (name, part) in wanted {
            add(self.by_name.get(&name.to_ascii_lowercase()));
            add(part.and_then(|part| self.by_part.get(&part)));
        }
        if wanted.is_empty() {
            match instance {
                Some(instance) => add(self.by_instance.get(instance)),
                None => add(Some(&self.bare)),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Which places are wanted, by their first offer.
    pub(crate) fn places_where(&self, wanted: impl Fn(&Offer) -> bool) -> Vec<bool> {
        self.places
            .iter()
            .map(|first| self.offer(*first).is_some_and(&wanted))
            .collect()
    }

    pub(crate) fn offer(&self, at: u32) -> Option<&Offer> {
        self.offers.get(at as usize)
    }

    pub(crate) fn place_of(&self, at: u32) -> usize {
        self.place_of.get(at as usize).map_or(0, |id| *id as usize)
    }

    pub(crate) fn class_of(&self, at: u32) -> u32 {
        self.class_of.get(at as usize).copied().unwrap_or_default()
    }
}

/// Index of the part that an offer is of: what its cloud means by the name, else what the table does.
pub(crate) fn part_of(
    offer: &Offer,
    accelerators: &Accelerators,
    dialects: &Dialects,
) -> Option<u32> {
    let (name, _) = offer.accelerator.as_ref()?;
    let instance = offer.instance_type.as_deref();
    let meant = match offer.source {
        OfferSource::Catalog => dialects.meant(&offer.provider, name, instance),
        // A contract and an owner say what they mean.
        OfferSource::File | OfferSource::Site(_) => None,
    };
    let memory = offer.accelerator_memory;
    match meant {
        None => accelerators.position(name, memory),
        // Only the memory tells them apart, and it is not printed.
        Some([_, _, ..]) if memory.is_none() => None,
        Some(parts) => parts
            .iter()
            .find_map(|part| accelerators.position(part, memory)),
    }
}

fn machine_key(offer: &Offer) -> MachineKey<'_> {
    MachineKey {
        provider: &offer.provider,
        source: &offer.source,
        instance: offer.instance_type.as_deref(),
        accelerator: offer
            .accelerator
            .as_ref()
            .map(|(name, count)| (&**name, *count)),
        accelerator_memory: offer.accelerator_memory,
        vcpus: offer.vcpus,
        memory: offer.memory,
        quota: offer.quota,
        scale_out: offer.scale_out.map(|rate| rate.get().to_bits()),
        terms: terms(offer),
    }
}

fn terms(offer: &Offer) -> Option<String> {
    let words = || offer.terms.iter().map(|term| format!("{term:?}")).collect();
    (!offer.terms.is_empty()).then(words)
}

fn class(offer: &Offer, part: Option<u32>) -> Class {
    let unlisted = match (&offer.accelerator, part) {
        (Some((name, _)), None) => Some(name.to_lowercase()),
        _ => None,
    };
    Class {
        provider: Arc::clone(&offer.provider),
        source: offer.source.clone(),
        country: offer.country.known().copied(),
        part,
        unlisted,
        count: offer.accelerator.as_ref().map_or(0, |(_, count)| *count),
        memory: offer.memory,
        quota: offer.quota,
        scale_out: offer.scale_out.map(|rate| rate.get().to_bits()),
        terms: terms(offer),
        region: offer
            .region
            .as_deref()
            .map(|region| region.to_lowercase().into()),
    }
}
