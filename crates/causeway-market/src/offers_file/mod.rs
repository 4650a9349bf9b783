//! An organisation's own offers: `format: causeway/offers/1`.
//!
//! Quotes and contracts that no price list has, reserved and committed terms, quotas, domestic chips, and clusters of
//! one's own at what they cost. The types live here and not in `causeway-domain`, because what they become (offers,
//! terms) are this room's words; the YAML and its places are read by the one module there that talks to the parser.

mod file;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use causeway_domain::yaml::Node;
use causeway_domain::{Fact, Hours, Problem, Source, SourceFile, Stated, Usd, UsdPerHour, schema};
use rust_decimal::Decimal;

use crate::{Accelerators, CostBasis, Least, Offer, OfferSource, OwnedCost, Read, Sourced, Term};
use file::{Committed, Dated, Entry, File, Measured, Owned, Said};

/// A parsed and checked offers file.
#[derive(Debug, Clone, PartialEq)]
pub struct OffersFile {
    /// The offers, in the order of the file. One of an owned machine has its owner's cost as the price on demand.
    pub offers: Vec<Offer>,
    /// Round-trip times that the file states, in its order.
    pub rtts: Vec<MeasuredRtt>,
    /// Remarks on what is valid and may surprise: an accelerator that the table does not list.
    pub warnings: Vec<Problem>,
}

/// A round-trip time that somebody measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredRtt {
    /// One end: a site, or `provider/region`.
    pub from: String,
    /// The other end.
    pub to: String,
    /// There and back.
    pub rtt: Duration,
    /// Who measured it, and when.
    pub source: Source,
}

impl OffersFile {
    /// The measured time between two places, in either direction; the last one of the file where it states several.
    #[must_use]
    pub fn rtt(&self, a: &str, b: &str) -> Fact<Duration> {
        let between = |one: &MeasuredRtt| {
            let is = |x: &str, y: &str| {
                one.from.eq_ignore_ascii_case(x) && one.to.eq_ignore_ascii_case(y)
            };
            is(a, b) || is(b, a)
        };
        match self.rtts.iter().rfind(|one| between(one)) {
            Some(found) => Fact::Known(found.rtt, found.source.clone()),
            None => Fact::unknown(format!(
                "nobody states a round-trip time between {a} and {b}"
            )),
        }
    }
}

/// Reads and checks an offers file. The table of accelerators is for a hint at misspelt names alone.
///
/// # Errors
/// Every problem of the file, at its place; among them an offer without a source or a day, and one without a price.
pub fn parse(
    source: &Arc<SourceFile>,
    accelerators: &Accelerators,
) -> Result<OffersFile, Vec<Problem>> {
    let (root, file) = schema::read_one::<File>(source, "an offers file", &json_schema())?;
    let mut reader = Reader {
        source,
        root: &root,
        accelerators,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    let mut offers = Vec::with_capacity(file.offers.len());
    for (index, entry) in file.offers.into_iter().enumerate() {
        offers.extend(reader.offer(index, entry, file.source.as_ref()));
    }
    let rtts = file.rtt.into_iter().map(measured).collect();
    if reader.errors.is_empty() {
        Ok(OffersFile {
            offers,
            rtts,
            warnings: reader.warnings,
        })
    } else {
        Err(reader.errors)
    }
}

/// The JSON Schema of an offers file, for editors.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(File)
}

fn measured(entry: Measured) -> MeasuredRtt {
    MeasuredRtt {
        from: entry.from,
        to: entry.to,
        rtt: Duration::try_from_secs_f64(entry.milliseconds / 1e3).unwrap_or(Duration::MAX),
        source: Source {
            by: entry.by,
            evidence: entry.evidence,
            on: Some(entry.on),
        },
    }
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    root: &'a Node,
    accelerators: &'a Accelerators,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, pointer: &str, message: impl Into<String>, help: &str) {
        let place = self.root.at(pointer).place;
        self.errors
            .push(Problem::error(self.source, place, message).help(help));
    }

    fn offer(&mut self, index: usize, entry: Entry, all: Option<&Dated>) -> Option<Offer> {
        let here = format!("/offers/{index}");
        let before = self.errors.len();
        let Some(said) = entry.source.as_ref().or(all) else {
            self.error(
                &here,
                "this offer has no source and no day",
                "add `source: {by: ..., on: 2026-11-24}` to it, or to the file",
            );
            return None;
        };
        let source = Source {
            by: said.by.clone(),
            evidence: said.evidence.clone(),
            on: Some(said.on),
        };
        let accelerator = self.accelerator(&here, &entry);
        let terms = self.terms(&here, &entry);
        self.prices(&here, &entry);
        let basis = entry.owned.map(|owned| self.owned(&here, owned));
        if self.errors.len() > before {
            return None;
        }
        let country = match entry.country {
            Some(Stated::Value(country, own)) => {
                Fact::Known(country, own.unwrap_or_else(|| source.clone()))
            }
            other => Stated::fact(
                other.as_ref(),
                &self.source.name,
                &format!("offers.{index}.country"),
            ),
        };
        let read = Read {
            file: Arc::from(format!("{} ({})", self.source.name, said.by)),
            date: Some(said.on),
        };
        let on_demand = basis.as_ref().map(OwnedCost::hourly).or(entry.on_demand);
        Some(Offer {
            instance_type: entry.instance.map(Arc::from),
            accelerator,
            vcpus: entry.cpus.map(|cpus| cpus.0.normalize()),
            memory: entry.memory,
            scale_out: entry.scale_out,
            quota: entry.quota,
            on_demand,
            spot: entry.spot,
            terms: terms.into(),
            cost_basis: basis.map_or(CostBasis::Rented, |cost| CostBasis::Owned(cost.into())),
            region: entry.region.map(Arc::from),
            zone: entry.zone.map(Arc::from),
            ..Offer::bare(
                entry.provider,
                OfferSource::File,
                Arc::new(read),
                Arc::new(country),
            )
        })
    }

    fn accelerator(&mut self, here: &str, entry: &Entry) -> Option<(Arc<str>, u32)> {
        match (&entry.accelerator, entry.accelerators_per_node) {
            (None, None) => None,
            (Some(name), Some(count)) => {
                if self.accelerators.find(name).is_none() {
                    let place = self.root.at(&format!("{here}/accelerator")).place;
                    let message = format!("no table lists the accelerator `{name}`");
                    let help = self.accelerators.near(name).map_or_else(
                        || {
                            "its speed is not known: a plan can't say how long a run takes"
                                .to_owned()
                        },
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.warnings
                        .push(Problem::warning(self.source, place, message).help(help));
                }
                Some((Arc::from(name.as_str()), count))
            }
            (Some(_), None) => {
                self.error(
                    &format!("{here}/accelerator"),
                    "it is not said how many a machine has",
                    "add `accelerators_per_node: 8`",
                );
                None
            }
            (None, Some(_)) => {
                self.error(
                    &format!("{here}/accelerators_per_node"),
                    "it is not said of what",
                    "add `accelerator: NAME`",
                );
                None
            }
        }
    }

    fn prices(&mut self, here: &str, entry: &Entry) {
        if entry.owned.is_some() && entry.on_demand.is_some() {
            self.error(
                &format!("{here}/on_demand"),
                "a machine of one's own has the price that `owned` comes to",
                "keep one of the two",
            );
        }
        let priced = entry.owned.is_some()
            || entry.on_demand.is_some()
            || entry.spot.is_some()
            || !entry.reserved.is_empty()
            || !entry.committed.is_empty();
        if !priced {
            self.error(
                here,
                "this offer has no price",
                "add `on_demand`, `spot`, `reserved`, `committed` or `owned`",
            );
        }
        for (name, price) in [("on_demand", entry.on_demand), ("spot", entry.spot)] {
            if price.is_some_and(|price| price.get().is_zero()) {
                self.error(
                    &format!("{here}/{name}"),
                    "a price of 0 is no price",
                    "leave it out; what a machine of one's own costs is said under `owned`",
                );
            }
        }
    }

    fn terms(&mut self, here: &str, entry: &Entry) -> Vec<Term> {
        let reserved = entry.reserved.iter().map(|term| Term::Reserved {
            months: term.months,
            upfront: term.upfront.unwrap_or_else(|| Usd::new(Decimal::ZERO)),
            hourly: term.per_hour,
        });
        let mut terms: Vec<Term> = reserved.collect();
        for (index, term) in entry.committed.iter().enumerate() {
            let Committed {
                months,
                per_hour,
                least_spend,
                least_hours,
            } = term;
            let least = match (least_spend, least_hours) {
                (Some(money), None) => Least::Spend(*money),
                (None, Some(hours)) => Least::Hours(Hours::new(*hours)),
                _ => {
                    self.error(
                        &format!("{here}/committed/{index}"),
                        "a commitment has one least amount",
                        "write `least_spend` or `least_hours`, over all its months",
                    );
                    continue;
                }
            };
            terms.push(Term::Committed {
                months: *months,
                hourly: *per_hour,
                least,
            });
        }
        terms
    }

    fn owned(&mut self, here: &str, owned: Owned) -> OwnedCost {
        fn part<T, U>(said: &Said<T>, value: U) -> Sourced<U> {
            Sourced {
                value,
                source: said.source(),
            }
        }
        if owned.pue.value.0 < Decimal::ONE {
            self.error(
                &format!("{here}/owned/pue/value"),
                "a PUE is 1 or more",
                "it is the power of the whole site over the power of its machines",
            );
        }
        let cost = OwnedCost {
            hardware: part(&owned.hardware, owned.hardware.value),
            months_of_use: part(&owned.months_of_use, owned.months_of_use.value.0),
            power: part(&owned.power, owned.power.value.0),
            price_of_power: part(&owned.price_of_power, owned.price_of_power.value),
            pue: part(&owned.pue, owned.pue.value.0),
            staff: part(&owned.staff, owned.staff.value),
        };
        // Beyond this the decimals end; no machine costs that.
        if cost.hourly() > UsdPerHour::new(1_000_000) {
            self.error(
                &format!("{here}/owned"),
                format!("this comes to {} for a machine", cost.hourly()),
                "look at the units: US dollars, months, kW, US dollars per kWh",
            );
        }
        cost
    }
}
