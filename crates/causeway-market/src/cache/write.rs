//! Writing: texts, figures and facts once each, in tables; rows as columns of their numbers.

use std::collections::HashMap;

use causeway_domain::{Date, Fact, Source};
use foldhash::fast::FixedState;
use rust_decimal::Decimal;

use crate::{CostBasis, Least, Offer, OfferSource, OwnedCost, Sourced, Term};

/// Entries of one table, each once, in the order in which they were met.
#[derive(Default)]
struct Table {
    ids: HashMap<Vec<u8>, u32, FixedState>,
    bytes: Vec<u8>,
}

impl Table {
    fn id(&mut self, entry: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(entry) {
            return *id;
        }
        let id = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.insert(entry.to_vec(), id);
        self.bytes.extend(entry);
        id
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(
            u32::try_from(self.ids.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        out.extend(&self.bytes);
    }
}

#[derive(Default)]
struct Tables {
    texts: Table,
    decimals: Table,
    integers: Table,
    sources: Table,
    facts: Table,
    reads: Table,
    kinds: Table,
    terms: Table,
    owned: Table,
}

/// An id that may be missing: 0, or the id and one.
fn maybe(id: Option<u32>) -> u32 {
    id.map_or(0, |id| id.saturating_add(1))
}

impl Tables {
    fn text(&mut self, text: &str) -> u32 {
        let mut entry = Vec::with_capacity(text.len() + 4);
        entry.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        entry.extend(text.as_bytes());
        self.texts.id(&entry)
    }

    fn decimal(&mut self, number: Decimal) -> u32 {
        let mut entry = [0; 17];
        let (mantissa, scale) = entry.split_at_mut(16);
        mantissa.copy_from_slice(&number.mantissa().to_le_bytes());
        scale.fill(u8::try_from(number.scale()).unwrap_or(u8::MAX));
        self.decimals.id(&entry)
    }

    fn integer(&mut self, number: u64) -> u32 {
        self.integers.id(&number.to_le_bytes())
    }

    fn source(&mut self, source: &Source) -> u32 {
        let by = self.text(&source.by);
        let evidence = maybe(source.evidence.as_deref().map(|text| self.text(text)));
        let mut entry = Vec::new();
        entry.extend(by.to_le_bytes());
        entry.extend(evidence.to_le_bytes());
        entry.extend(date(source.on));
        self.sources.id(&entry)
    }

    fn fact(&mut self, offer: &Offer) -> u32 {
        let mut entry = Vec::new();
        match &*offer.country {
            Fact::Known(country, source) => {
                entry.push(1);
                entry.extend(self.text(country.code()).to_le_bytes());
                entry.extend(self.source(source).to_le_bytes());
            }
            Fact::Unknown(why) => {
                entry.push(0);
                entry.extend(self.text(why).to_le_bytes());
            }
        }
        self.facts.id(&entry)
    }

    fn read(&mut self, offer: &Offer) -> u32 {
        let mut entry = self.text(&offer.read.file).to_le_bytes().to_vec();
        entry.extend(date(offer.read.date));
        self.reads.id(&entry)
    }

    fn kind(&mut self, offer: &Offer) -> u32 {
        let mut entry = Vec::new();
        match &offer.source {
            OfferSource::Catalog => entry.push(0),
            OfferSource::File => entry.push(1),
            OfferSource::Site(site) => {
                entry.push(2);
                entry.extend(self.text(site.as_str()).to_le_bytes());
            }
        }
        self.kinds.id(&entry)
    }

    fn terms(&mut self, terms: &[Term]) -> u32 {
        let mut entry = u32::try_from(terms.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes()
            .to_vec();
        for term in terms {
            let mut put = |tag: u8, months: u32, ids: [u32; 2]| {
                entry.push(tag);
                entry.extend(months.to_le_bytes());
                for id in ids {
                    entry.extend(id.to_le_bytes());
                }
            };
            match *term {
                Term::OnDemand(hourly) => put(0, 0, [self.decimal(hourly.get()), 0]),
                Term::Spot(hourly) => put(1, 0, [self.decimal(hourly.get()), 0]),
                Term::Reserved {
                    months,
                    upfront,
                    hourly,
                } => put(
                    2,
                    months,
                    [self.decimal(hourly.get()), self.decimal(upfront.get())],
                ),
                Term::Committed {
                    months,
                    hourly,
                    least: Least::Spend(money),
                } => put(
                    3,
                    months,
                    [self.decimal(hourly.get()), self.decimal(money.get())],
                ),
                Term::Committed {
                    months,
                    hourly,
                    least: Least::Hours(hours),
                } => put(
                    4,
                    months,
                    [
                        self.decimal(hourly.get()),
                        self.integer(hours.get().to_bits()),
                    ],
                ),
            }
        }
        self.terms.id(&entry)
    }

    fn owned(&mut self, cost: &OwnedCost) -> u32 {
        fn by<T>(tables: &mut Tables, value: u32, part: &Sourced<T>, entry: &mut Vec<u8>) {
            entry.extend(value.to_le_bytes());
            entry.extend(tables.source(&part.source).to_le_bytes());
        }
        let mut entry = Vec::new();
        let value = self.decimal(cost.hardware.value.get());
        by(self, value, &cost.hardware, &mut entry);
        by(
            self,
            cost.months_of_use.value,
            &cost.months_of_use,
            &mut entry,
        );
        let value = self.integer(cost.power.value.get().to_bits());
        by(self, value, &cost.power, &mut entry);
        let value = self.decimal(cost.price_of_power.value.get());
        by(self, value, &cost.price_of_power, &mut entry);
        let value = self.decimal(cost.pue.value);
        by(self, value, &cost.pue, &mut entry);
        let value = self.decimal(cost.staff.value.get());
        by(self, value, &cost.staff, &mut entry);
        self.owned.id(&entry)
    }

    /// The numbers of a row, in the order of the columns.
    fn row(&mut self, offer: &Offer) -> [u32; super::read::COLUMNS] {
        let text =
            |tables: &mut Self, text: Option<&str>| maybe(text.map(|text| tables.text(text)));
        let decimal = |tables: &mut Self, number: Option<Decimal>| {
            maybe(number.map(|number| tables.decimal(number)))
        };
        let integer = |tables: &mut Self, number: Option<u64>| {
            maybe(number.map(|number| tables.integer(number)))
        };
        let name = offer.accelerator.as_ref().map(|(name, _)| &**name);
        let count = offer
            .accelerator
            .as_ref()
            .map(|(_, count)| u64::from(*count));
        [
            maybe(Some(self.text(&offer.provider))),
            self.kind(offer),
            self.read(offer),
            text(self, offer.instance_type.as_deref()),
            text(self, name),
            integer(self, count),
            integer(self, offer.accelerator_memory.map(|memory| memory.get())),
            decimal(self, offer.vcpus),
            integer(self, offer.memory.map(|memory| memory.get())),
            integer(self, offer.scale_out.map(|rate| rate.get().to_bits())),
            decimal(self, offer.on_demand.map(|price| price.get())),
            decimal(self, offer.spot.map(|price| price.get())),
            maybe((!offer.terms.is_empty()).then(|| self.terms(&offer.terms))),
            integer(self, offer.quota.map(u64::from)),
            maybe(match &offer.cost_basis {
                CostBasis::Rented => None,
                CostBasis::Owned(cost) => Some(self.owned(cost)),
            }),
            text(self, offer.region.as_deref()),
            text(self, offer.zone.as_deref()),
            self.fact(offer),
        ]
    }
}

/// A day: year, month, day; no day is all zeros.
fn date(date: Option<Date>) -> [u8; 4] {
    let Some(date) = date else { return [0; 4] };
    let [low, high] = date.year().to_le_bytes();
    let [month] = date.month().to_le_bytes();
    let [day] = date.day().to_le_bytes();
    [low, high, month, day]
}

pub(super) fn body<'a>(offers: impl IntoIterator<Item = &'a Offer>) -> Vec<u8> {
    let mut tables = Tables::default();
    let rows: Vec<_> = offers.into_iter().map(|offer| tables.row(offer)).collect();
    let mut out = Vec::new();
    for table in [
        &tables.texts,
        &tables.decimals,
        &tables.integers,
        &tables.sources,
        &tables.facts,
        &tables.reads,
        &tables.kinds,
        &tables.terms,
        &tables.owned,
    ] {
        table.put(&mut out);
    }
    out.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
    for column in 0..super::read::COLUMNS {
        let values = rows
            .iter()
            .map(|row| row.get(column).copied().unwrap_or_default());
        let largest = values.clone().max().unwrap_or_default();
        let width: usize = match largest {
            0 => 0,
            1..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        out.push(u8::try_from(width).unwrap_or_default());
        for value in values {
            out.extend(value.to_le_bytes().iter().take(width));
        }
    }
    out
}
