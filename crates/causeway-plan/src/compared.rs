//! One task compared, for the tests of this room: everything but what a test is about stands still.

use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::organisation::{self, Organisation};
use causeway_domain::{SourceFile, task};
use causeway_law::Packs;
use causeway_market::Market;

use crate::{Comparison, Inputs, plan};

pub(crate) fn parsed(organisation: &str) -> Arc<Organisation> {
    Arc::new(
        organisation::parse(&Arc::new(SourceFile::new("causeway.yaml", organisation))).unwrap(),
    )
}

/// The day that these tests stand on, where they name no other.
pub(crate) const TODAY: &str = "2026-11-29T00:00:00Z";

/// `every_offer`: the search without groups.
pub(crate) struct Asked<'a> {
    pub(crate) at: &'a str,
    pub(crate) market: &'a Market,
    pub(crate) packs: &'a Packs,
    pub(crate) every_offer: bool,
}

impl Asked<'_> {
    pub(crate) fn compare(&self, organisation: &Arc<Organisation>, task: &str) -> Comparison {
        let task = task::parse(&Arc::new(SourceFile::new("t.yaml", task))).unwrap();
        let folder = Utf8Path::new("/home");
        plan(&Inputs {
            task: &task,
            task_folder: folder,
            organisation,
            organisation_folder: folder,
            market: self.market,
            config: None,
            packs: self.packs,
            at: self.at.parse().unwrap(),
            site: None,
            records: &Arc::default(),
            every_offer: self.every_offer,
        })
        .unwrap()
    }
}

/// By the built-in packs, with the places of the organisation and no price list.
pub(crate) fn compared(organisation: &Arc<Organisation>, task: &str) -> Comparison {
    Asked {
        at: TODAY,
        market: &Market::empty().unwrap(),
        packs: &Packs::builtin().unwrap(),
        every_offer: false,
    }
    .compare(organisation, task)
}
