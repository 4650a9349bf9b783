//! What the log says was done: start and end, clearances, what was put at the site, what came home and was admitted.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::Organisation;
use causeway_domain::{Country, Digest, Fact, Timestamp};
use causeway_parties::kyc::form::Goods;
use causeway_parties::kyc::records::{Delivered, Moment, Moved, Sent, Timing};
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::papers::{Papers, stated};
use super::{flatten, typed};

pub(super) fn between(started: &Fact<Timestamp>, ended: &Fact<Timestamp>) -> Fact<Decimal> {
    match (started, ended) {
        (Fact::Known(from, source), Fact::Known(to, _)) => {
            let seconds =
                Decimal::from(to.as_millisecond() - from.as_millisecond()) / Decimal::from(1000);
            Fact::Known(seconds / Decimal::from(3600), source.clone())
        }
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    }
}

/// What Causeway itself moved home: weights, checkpoints on the way, and what the job printed.
pub(super) fn sent(papers: &Papers) -> Fact<Vec<Sent>> {
    let Some(home) = papers.entries.newest("home") else {
        return Fact::unknown(format!("{} has no transfer home yet", papers.from()));
    };
    let country: Fact<Country> = flatten(typed(papers.entries.said("home", "/says/to")));
    let one = |what| Sent {
        what,
        country: country.clone(),
        at: home.at,
    };
    Fact::stated(
        vec![
            one(Goods::Weights),
            one(Goods::Checkpoints),
            one(Goods::Logs),
        ],
        format!("{}, entry of stage home", papers.from()),
    )
}

pub(super) fn timing(papers: &Papers, started: &Fact<Timestamp>) -> Fact<Timing> {
    match started {
        Fact::Known(started, source) => Fact::Known(
            Timing {
                cleared: papers
                    .entries
                    .iter()
                    .filter(|entry| {
                        entry.stage == "clear"
                            && entry.predicate.pointer("/output/outcome")
                                == Some(&Value::String("allow".to_owned()))
                    })
                    .map(|entry| entry.at)
                    .collect(),
                started: *started,
            },
            source.clone(),
        ),
        Fact::Unknown(why) => Fact::unknown(why.clone()),
    }
}

pub(super) fn moments(papers: &Papers, started: &Fact<Timestamp>) -> Fact<Vec<Moment>> {
    let staged = papers
        .entries
        .newest("stage")
        .map(|entry| ("staging", entry.at));
    let launched = started.known().map(|at| ("launch", *at));
    let home = papers
        .entries
        .newest("home")
        .map(|entry| ("transfer home", entry.at));
    let all: Vec<Moment> = [staged, launched, home]
        .into_iter()
        .flatten()
        .map(|(what, at)| Moment {
            what: what.to_owned(),
            at,
        })
        .collect();
    if all.is_empty() {
        return Fact::unknown(format!(
            "{} has no launch, staging or transfer yet",
            papers.from()
        ));
    }
    Fact::stated(all, papers.from())
}

pub(super) fn delivered(papers: &Papers) -> Fact<Delivered> {
    let admitted: Fact<Vec<crate::AdmittedFile>> =
        typed(papers.entries.said("admit", "/output/files"));
    match (&papers.manifest, admitted) {
        (Fact::Known(manifest, source), Fact::Known(files, _)) => {
            let admitted: BTreeMap<String, Digest> = files
                .into_iter()
                .map(|file| (file.path, file.blake3))
                .collect();
            Fact::Known(
                Delivered {
                    manifest: manifest.clone(),
                    admitted,
                },
                source.clone(),
            )
        }
        (_, Fact::Unknown(why)) => Fact::Unknown(why),
        (Fact::Unknown(why), _) => Fact::unknown(why.clone()),
    }
}

pub(super) fn moved(papers: &Papers, organisation: &Organisation) -> Fact<Vec<Moved>> {
    let shipments: Fact<Vec<crate::Shipped>> =
        typed(papers.entries.said("stage", "/output/shipments"));
    let (shipments, source) = match shipments {
        Fact::Known(shipments, source) => (shipments, source),
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let names: BTreeSet<String> = shipments
        .into_iter()
        .flat_map(|shipped| shipped.datasets)
        .collect();
    let moved = names
        .into_iter()
        .map(|name| {
            let declared = organisation
                .datasets()
                .iter()
                .find(|(id, _)| id.as_str() == name)
                .map(|(_, dataset)| dataset);
            let field = |field: &str| format!("datasets.{name}.{field}");
            Moved {
                classes: stated(
                    organisation,
                    declared.and_then(|dataset| dataset.class.as_ref()),
                    &field("class"),
                )
                .map(|classes| classes.0),
                records: stated(
                    organisation,
                    declared.and_then(|dataset| dataset.records.as_ref()),
                    &field("records"),
                ),
                dataset: name,
            }
        })
        .collect();
    Fact::Known(moved, source)
}
