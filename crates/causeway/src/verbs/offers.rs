//! `causeway offers`: price lists and offers of one's own.

use std::collections::BTreeSet;

use camino::Utf8Path;
use causeway_domain::{Country, Date, Env as _, Fact, UsdPerHour};
use causeway_market::{Market, Offer, OfferSource, diff};
use causeway_run::{Found, RunError, State, catalogs, list_bytes, read_list, read_own};
use serde_json::json;

use crate::cli::OffersVerb;
use crate::output::Exit;
use crate::verbs::Context;

/// Bad rows of a file that are shown.
const SHOWN: usize = 5;

pub(crate) fn run(context: &Context, verb: &OffersVerb) -> Result<Exit, RunError> {
    match verb {
        OffersVerb::Import { path, skip_bad } => import(context, path, *skip_bad),
        OffersVerb::Diff { path } => changes(context, path),
        OffersVerb::List {
            accelerator,
            country,
        } => list(context, accelerator.as_deref(), *country),
    }
}

fn today(context: &Context) -> Date {
    jiff::tz::TimeZone::UTC
        .to_datetime(context.env.now())
        .date()
}

fn market(context: &Context) -> Result<Market, RunError> {
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    causeway_run::market(state.as_ref())
}

fn found(path: &Utf8Path) -> Result<Vec<Found>, RunError> {
    let found = catalogs(path)?;
    if found.is_empty() {
        return Err(RunError::Value {
            what: format!("{path} has no <cloud>/vms.csv, no <cloud>.csv and no offers file"),
        });
    }
    Ok(found)
}

/// What was read of one file.
struct Imported {
    what: String,
    offers: usize,
    bad_rows: usize,
    notes: Vec<String>,
    bytes: Vec<u8>,
}

fn import_one(
    context: &Context,
    market: &Market,
    one: &Found,
    skip_bad: bool,
) -> Result<Imported, RunError> {
    let output = context.output;
    let file = one.path();
    let bytes = list_bytes(file)?;
    match one {
        Found::List { cloud, .. } => {
            let mut import = read_list(market, cloud, file, &bytes, Some(today(context)))?;
            if !skip_bad {
                import = import.whole(file.as_str())?;
            }
            for bad in import.bad.iter().take(SHOWN) {
                output.warn(format_args!(
                    "{file}:{}:{}: {}",
                    bad.line, bad.column, bad.why
                ));
            }
            Ok(Imported {
                what: cloud.clone(),
                offers: import.offers.len(),
                bad_rows: import.bad_rows,
                notes: import.notes(),
                bytes,
            })
        }
        Found::Own { .. } => {
            let (offers, warnings) = read_own(market, file)?;
            for warning in &warnings {
                output.problem(warning);
            }
            Ok(Imported {
                what: one.kept_as(),
                offers: offers.len(),
                bad_rows: 0,
                notes: Vec::new(),
                bytes,
            })
        }
    }
}

/// `skip_bad`: a row that can't be read is left out, and so is a file of which nothing can be; the rest is imported.
fn import(context: &Context, path: &Utf8Path, skip_bad: bool) -> Result<Exit, RunError> {
    let output = context.output;
    let workspace = context.workspace()?;
    let market = Market::empty()?;
    // Everything is read before anything is kept.
    let mut kept = Vec::new();
    let mut done = Vec::new();
    let mut left_out = Vec::new();
    let found = found(path)?;
    let last = found.len();
    for one in found {
        let file = one.path();
        let imported = match import_one(context, &market, &one, skip_bad) {
            Ok(imported) => imported,
            // Where nothing is left, it is an error.
            Err(error) if skip_bad && left_out.len() + 1 < last => {
                output.warn(format_args!("{file} is left out"));
                left_out.push(json!({"from": file, "why": error.to_string()}));
                output.error(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        if !output.json {
            output.line(format_args!(
                "{}: {} offers",
                imported.what, imported.offers
            ));
            for note in &imported.notes {
                output.line(format_args!("  {note}"));
            }
        }
        done.push(
            json!({"from": file, "what": imported.what, "offers": imported.offers, "bad_rows": imported.bad_rows, "notes": imported.notes}),
        );
        kept.push((one.kept_as(), imported.bytes));
    }
    for (name, bytes) in kept {
        let target = workspace.state.offers().join(name);
        fs_err::write(&target, bytes).map_err(|error| RunError::Write {
            path: target.clone(),
            error,
            help: "the state directory must be writable".to_owned(),
        })?;
    }
    if output.json {
        output.document(&json!({"imported": done, "left_out": left_out}));
    }
    Ok(Exit::Done)
}

fn changes(context: &Context, path: &Utf8Path) -> Result<Exit, RunError> {
    let output = context.output;
    let market = market(context)?;
    let mut clouds = BTreeSet::new();
    let mut own = false;
    let mut after = Vec::new();
    for one in found(path)? {
        match &one {
            Found::List { cloud, path } => {
                clouds.insert(cloud.clone());
                let bytes = list_bytes(path)?;
                after.extend(read_list(&market, cloud, path, &bytes, Some(today(context)))?.offers);
            }
            Found::Own { path } => {
                own = true;
                after.extend(read_own(&market, path)?.0);
            }
        }
    }
    let before: Vec<Offer> = market
        .offers()
        .filter(|offer| match offer.source {
            OfferSource::Catalog => clouds.contains(&offer.provider.to_lowercase()),
            OfferSource::File => own,
            OfferSource::Site(_) => false,
        })
        .cloned()
        .collect();
    let changes = diff(&before, &after);
    if output.json {
        output.document(&json!({"changes": changes}));
        return Ok(Exit::Done);
    }
    for change in &changes {
        output.line(change);
    }
    output.line(format_args!(
        "{} changes between {} offers and {}",
        changes.len(),
        before.len(),
        after.len()
    ));
    Ok(Exit::Done)
}

/// An offer, and what the table of accelerators calls its part.
#[derive(serde::Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    offer: &'a Offer,
    part: Option<&'a str>,
}

fn list(
    context: &Context,
    accelerator: Option<&str>,
    country: Option<Country>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let market = market(context)?;
    let today = today(context);
    let offers = market.listed(accelerator, country)?;
    if output.json {
        let listed: Vec<Listed<'_>> = offers
            .iter()
            .map(|offer| Listed {
                offer,
                part: market.accelerator_of(offer).map(|part| part.name.as_str()),
            })
            .collect();
        output.document(&json!({"offers": listed}));
        return Ok(Exit::Done);
    }
    let other_terms = offers.iter().any(|offer| !offer.terms.is_empty());
    let mut header = vec!["place", "in", "chips", "cpus", "$/h", "spot $/h", "source"];
    if other_terms {
        header.push("or");
    }
    let mut table = output.table(&header, 0);
    for offer in &offers {
        let place = match &*offer.country {
            Fact::Known(country, _) => country.to_string(),
            Fact::Unknown(_) => "?".to_owned(),
        };
        let price = |price: Option<UsdPerHour>| {
            price.map_or_else(String::new, |price| format!("{:.2}", price.get()))
        };
        let mut row = vec![
            offer.label(),
            place,
            offer.accelerator.as_ref().map_or_else(
                || "cpu".to_owned(),
                |(name, count)| format!("{name}:{count}"),
            ),
            offer
                .vcpus
                .map_or_else(String::new, |cpus| cpus.normalize().to_string()),
            price(offer.on_demand),
            price(offer.spot),
            offer.origin(),
        ];
        if other_terms {
            let terms: Vec<String> = offer.terms.iter().map(ToString::to_string).collect();
            row.push(terms.join("; "));
        }
        table.add_row(row);
    }
    // Other terms, where it was read, processors.
    output.fitted(table, 0, &[7, 6, 3]);
    output.line(format_args!("{} offers", offers.len()));
    for reading in market.readings(today) {
        output.line(format_args!("  {reading}"));
    }
    let stale = offers
        .iter()
        .filter(|offer| offer.age(today).is_stale())
        .count();
    if stale > 0 {
        output.warn(format_args!(
            "{stale} of them are older than {} days, or undated: `causeway offers import` takes newer ones",
            causeway_market::Age::STALE_AFTER
        ));
    }
    Ok(Exit::Done)
}
