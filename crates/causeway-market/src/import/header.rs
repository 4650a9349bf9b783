//! The first line of a price list: which column is which.

use std::borrow::Cow;

use super::cells::shown;
use super::records::{Cell, Record};
use crate::{Dialects, MarketError};

/// Columns that a list can't do without.
const NEEDED: [&str; 5] = [
    "InstanceType",
    "AcceleratorName",
    "AcceleratorCount",
    "Price",
    "Region",
];
/// Most names that a message lists.
const MOST_SHOWN: usize = 24;

/// Where each column stands.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) instance: usize,
    pub(super) accelerator: usize,
    pub(super) count: usize,
    pub(super) price: usize,
    pub(super) region: usize,
    pub(super) spot: Option<usize>,
    pub(super) vcpus: Option<usize>,
    pub(super) memory: Option<usize>,
    pub(super) gpu_info: Option<usize>,
    pub(super) zone: Option<usize>,
    /// How many cells a row has.
    pub(super) width: usize,
}

impl Header {
    pub(super) fn of(
        record: &Record<'_>,
        cells: &[Cell],
        dialects: &Dialects,
        file: &str,
    ) -> Result<Self, MarketError> {
        let names: Vec<Cow<'_, str>> = cells.iter().map(|cell| record.cell(*cell)).collect();
        // A column under its own name wins over one under an alias; of two alike the first.
        let find = |wanted: &str| {
            names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(wanted))
                .or_else(|| {
                    names
                        .iter()
                        .position(|name| dialects.column(name) == Some(wanted))
                })
        };
        let missing: Vec<&'static str> = NEEDED
            .into_iter()
            .filter(|wanted| find(wanted).is_none())
            .collect();
        let (
            true,
            [
                Some(instance),
                Some(accelerator),
                Some(count),
                Some(price),
                Some(region),
            ],
        ) = (missing.is_empty(), NEEDED.map(find))
        else {
            let mut found: Vec<String> = names
                .iter()
                .take(MOST_SHOWN)
                .map(|name| shown(name))
                .collect();
            if names.len() > MOST_SHOWN {
                found.push(format!("and {} more", names.len() - MOST_SHOWN));
            }
            return Err(MarketError::MissingColumns {
                file: file.to_owned(),
                line: record.line(),
                missing,
                found,
            });
        };
        Ok(Self {
            instance,
            accelerator,
            count,
            price,
            region,
            spot: find("SpotPrice"),
            vcpus: find("vCPUs"),
            memory: find("MemoryGiB"),
            gpu_info: find("GpuInfo"),
            zone: find("AvailabilityZone"),
            width: names.len(),
        })
    }
}
