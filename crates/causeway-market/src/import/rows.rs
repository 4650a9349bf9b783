//! From rows to offers: texts shared, prices read, machines and their accelerators added up where a list keeps them apart.

use std::borrow::Cow;
use std::cell::Cell as StdCell;
use std::collections::HashMap;
use std::sync::Arc;

use causeway_domain::{Bytes, Country, Fact, UsdPerHour};
use foldhash::fast::FixedState;
use rust_decimal::Decimal;

use super::cells::{Count, amount, count, gib, gpu_memory};
use super::header::Header;
use super::records::{Cell, Record};
use super::{BadRow, Import, PriceList};
use crate::dialect::Cloud;
use crate::texts::Texts;
use crate::{Offer, OfferSource, Read, Regions};

/// One price list on its way to offers.
pub(super) struct Rows<'a> {
    header: Header,
    regions: &'a Regions,
    cloud: Cloud,
    blank: Offer,
    texts: Texts,
    countries: HashMap<Arc<str>, Arc<Fact<Country>>, FixedState>,
    nowhere: Arc<Fact<Country>>,
    /// Rows of accelerators that are added to a machine's.
    parts: Vec<Row>,
    rows: Vec<Row>,
    shares: usize,
}

/// An offer whose prices may still be the list's zeros.
struct Row {
    offer: Offer,
    on_demand: Option<Decimal>,
    spot: Option<Decimal>,
}

/// Why a row gives no offer.
enum No {
    Share,
    Bad(Cell, String),
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        list: &PriceList<'_>,
        header: Header,
        regions: &'a Regions,
        cloud: Cloud,
    ) -> Self {
        let mut texts = Texts::default();
        let read = Read {
            file: texts.share(list.file),
            date: list.date,
        };
        let nowhere = Arc::new(Fact::unknown(format!("{} names no region", list.file)));
        let blank = Offer::bare(
            texts.share(list.cloud),
            OfferSource::Catalog,
            Arc::new(read),
            Arc::clone(&nowhere),
        );
        Self {
            header,
            regions,
            cloud,
            blank,
            texts,
            countries: HashMap::default(),
            nowhere,
            parts: Vec::new(),
            rows: Vec::new(),
            shares: 0,
        }
    }

    /// Takes one row in.
    pub(super) fn add(&mut self, record: &Record<'_>, cells: &[Cell]) -> Result<(), BadRow> {
        let first = cells.first().copied();
        let bad = |cell: Option<Cell>, why: String| {
            let (line, column) = cell.map_or((record.line(), 1), |cell| record.place(cell));
            BadRow { line, column, why }
        };
        if cells.len() != self.header.width {
            let why = format!(
                "the row has {} cells, the header {}",
                cells.len(),
                self.header.width
            );
            return Err(bad(first, why));
        }
        match self.row(record, cells) {
            Ok(row) => {
                let part = self.cloud.adds_up()
                    && row.offer.instance_type.is_none()
                    && row.offer.accelerator.is_some()
                    && !self.is_whole(&row.offer);
                if part {
                    self.parts.push(row);
                } else {
                    self.rows.push(row);
                }
                Ok(())
            }
            Err(No::Share) => {
                self.shares += 1;
                Ok(())
            }
            Err(No::Bad(cell, why)) => Err(bad(Some(cell), why)),
        }
    }

    fn is_whole(&self, offer: &Offer) -> bool {
        offer.accelerator.as_ref().is_some_and(|(name, _)| {
            let name = name.to_lowercase();
            self.cloud
                .whole
                .iter()
                .any(|beginning| name.starts_with(beginning))
        })
    }

    fn row(&mut self, record: &Record<'_>, cells: &[Cell]) -> Result<Row, No> {
        let blank = Cell::default();
        let at = |index: usize| cells.get(index).copied().unwrap_or(blank);
        let text = |index: usize| -> Option<Cow<'_, str>> {
            Some(record.cell(at(index))).filter(|text| !text.is_empty())
        };
        let header = &self.header;
        let price = |index: Option<usize>, column: &str| -> Result<Option<Decimal>, No> {
            let Some(index) = index else { return Ok(None) };
            text(index)
                .map(|text| amount(column, &text))
                .transpose()
                .map_err(|why| No::Bad(at(index), why))
        };
        let on_demand = price(Some(header.price), "Price")?;
        let spot = price(header.spot, "SpotPrice")?;
        let vcpus = price(header.vcpus, "vCPUs")?;
        let memory = header
            .memory
            .and_then(|index| text(index).map(|text| (index, text)))
            .map(|(index, text)| gib(&text).map_err(|why| No::Bad(at(index), why)))
            .transpose()?;
        let accelerator = match text(header.accelerator) {
            None => None,
            Some(name) => {
                let number = count(text(header.count).as_deref(), &name)
                    .map_err(|why| No::Bad(at(header.count), why))?;
                match number {
                    Count::Whole(number) => Some((self.texts.share(&name), number)),
                    Count::Share => return Err(No::Share),
                }
            }
        };
        let instance_type = text(header.instance).map(|name| self.texts.share(&name));
        if accelerator.is_none() && instance_type.is_none() {
            return Err(No::Bad(
                at(header.instance),
                "the row names neither a machine nor an accelerator".to_owned(),
            ));
        }
        let accelerator_memory: Option<Bytes> = accelerator.as_ref().and_then(|(_, number)| {
            let cards = if self.cloud.memory_is_total {
                *number
            } else {
                1
            };
            gpu_memory(&text(header.gpu_info?)?, cards)
        });
        let region = text(header.region).map(|name| self.texts.share(&name));
        let zone = header
            .zone
            .and_then(&text)
            .map(|name| self.texts.share(&name));
        let country = self.country(region.as_ref());
        Ok(Row {
            offer: Offer {
                instance_type,
                accelerator,
                accelerator_memory,
                vcpus,
                memory,
                region,
                zone,
                country,
                ..self.blank.clone()
            },
            on_demand,
            spot,
        })
    }

    fn country(&mut self, region: Option<&Arc<str>>) -> Arc<Fact<Country>> {
        let Some(region) = region else {
            return Arc::clone(&self.nowhere);
        };
        if let Some(known) = self.countries.get(region) {
            return Arc::clone(known);
        }
        let fact = Arc::new(self.regions.country(&self.blank.provider, region));
        self.countries.insert(Arc::clone(region), Arc::clone(&fact));
        fact
    }

    /// The offers, in the order of the file.
    pub(super) fn finish(self, import: &mut Import) {
        import.shares_of_a_card = self.shares;
        let mut parts: HashMap<_, (&Row, StdCell<bool>), FixedState> = HashMap::default();
        for part in &self.parts {
            if let Some((name, count)) = &part.offer.accelerator {
                let place = (part.offer.region.as_deref(), part.offer.zone.as_deref());
                parts.insert(
                    (name.to_lowercase(), *count, place),
                    (part, StdCell::new(false)),
                );
            }
        }
        import.offers.reserve(self.rows.len());
        for mut row in self.rows {
            let host = row
                .offer
                .instance_type
                .as_deref()
                .and_then(|machine| self.cloud.hosts.get(machine))
                .filter(|_| row.offer.accelerator.is_none());
            if let Some((name, count)) = host {
                let place = (row.offer.region.as_deref(), row.offer.zone.as_deref());
                let Some((part, used)) = parts.get(&(name.clone(), *count, place)) else {
                    import.machines_without_their_part += 1;
                    continue;
                };
                used.set(true);
                row.on_demand = sum(row.on_demand, part.on_demand);
                row.spot = sum(row.spot, part.spot);
                row.offer.accelerator.clone_from(&part.offer.accelerator);
                row.offer.accelerator_memory = part.offer.accelerator_memory;
            }
            row.offer.on_demand = stated(row.on_demand);
            row.offer.spot = stated(row.spot);
            import.offers.push(row.offer);
        }
        // A part may be in several machines (L4); what is counted is what no machine has.
        import.parts_without_a_machine = parts.values().filter(|(_, used)| !used.get()).count();
    }
}

fn sum(machine: Option<Decimal>, part: Option<Decimal>) -> Option<Decimal> {
    machine?.checked_add(part?)
}

/// Nobody rents a machine for nothing: SkyPilot's fetchers write 0 where a price is not known (IBM, Azure's newest).
fn stated(price: Option<Decimal>) -> Option<UsdPerHour> {
    price.filter(|price| !price.is_zero()).map(UsdPerHour::new)
}
