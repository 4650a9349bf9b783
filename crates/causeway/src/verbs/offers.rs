//! `causeway offers`: price lists.

use causeway_domain::Fact;
use causeway_market::import_csv;
use causeway_run::{RunError, State, catalogs};
use serde_json::json;

use crate::cli::OffersVerb;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(context: &Context, verb: &OffersVerb) -> Result<Exit, RunError> {
    match verb {
        OffersVerb::Import { directory } => import(context, directory),
        OffersVerb::List {
            accelerator,
            country,
        } => list(context, accelerator.as_deref(), *country),
    }
}

fn import(context: &Context, directory: &camino::Utf8Path) -> Result<Exit, RunError> {
    let output = context.output;
    let workspace = context.workspace()?;
    let market = causeway_run::market(None)?;
    let found = catalogs(directory)?;
    if found.is_empty() {
        return Err(RunError::Value {
            what: format!("{directory} has no <cloud>/vms.csv and no <cloud>.csv"),
        });
    }
    let mut done = Vec::new();
    for (cloud, path) in found {
        let text = fs_err::read_to_string(&path).map_err(|error| RunError::Read {
            path: path.clone(),
            error,
            help: "it must be a CSV file in UTF-8".to_owned(),
        })?;
        let import = import_csv(&cloud, path.as_str(), &text, &market.regions, None)?;
        for (line, why) in import.skipped.iter().take(5) {
            output.warn(format_args!("{path}:{line}: {why}"));
        }
        let unplaced = import
            .offers
            .iter()
            .filter(|offer| !offer.country.is_known())
            .count();
        let target = workspace.state.offers().join(format!("{cloud}.csv"));
        fs_err::write(&target, &text).map_err(|error| RunError::Read {
            path: target.clone(),
            error,
            help: "the state directory must be writable".to_owned(),
        })?;
        done.push(json!({"cloud": cloud, "offers": import.offers.len(), "skipped": import.skipped.len(), "country_unknown": unplaced}));
        if !output.json {
            output.line(format_args!("{cloud}: {} offers, {} lines skipped, {unplaced} in regions whose country is not known", import.offers.len(), import.skipped.len()));
        }
    }
    if output.json {
        output.document(&json!({"imported": done}));
    }
    Ok(Exit::Done)
}

fn list(
    context: &Context,
    accelerator: Option<&str>,
    country: Option<causeway_domain::Country>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    let market = causeway_run::market(state.as_ref())?;
    let wanted = accelerator.map(|name| {
        (
            name,
            market.accelerators.find(name).map(|part| part.name.clone()),
        )
    });
    let offers: Vec<_> = market
        .offers
        .iter()
        .filter(|offer| {
            let chip = wanted.as_ref().is_none_or(|(name, known)| {
                let same = market.accelerator_of(offer).map(|part| &part.name);
                offer
                    .accelerator
                    .as_ref()
                    .is_some_and(|(has, _)| has.eq_ignore_ascii_case(name))
                    || (known.is_some() && same == known.as_ref())
            });
            chip && country.is_none_or(|country| offer.country.known() == Some(&country))
        })
        .collect();
    if let Some((name, None)) = &wanted
        && offers.is_empty()
    {
        let near = market
            .accelerators
            .near(name)
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(RunError::Value {
            what: format!("no offer and no table knows the accelerator `{name}`{near}"),
        });
    }
    if output.json {
        output.document(&json!({"offers": offers}));
        return Ok(Exit::Done);
    }
    let mut table = output.table(
        &["place", "in", "chips", "cpus", "$/h", "spot $/h", "source"],
        0,
    );
    for offer in &offers {
        let place = match &offer.country {
            Fact::Known(country, _) => country.to_string(),
            Fact::Unknown(_) => "?".to_owned(),
        };
        let price = |price: Option<causeway_domain::UsdPerHour>| {
            price.map_or_else(String::new, |price| format!("{:.2}", price.get()))
        };
        table.add_row(vec![
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
            offer.source.to_string(),
        ]);
    }
    output.line(table);
    output.line(format_args!("{} offers", offers.len()));
    Ok(Exit::Done)
}
