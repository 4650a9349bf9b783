//! `causeway explain`: why a plan is lawful or not, as a tree a lawyer can follow.

use camino::Utf8Path;
use causeway_domain::{Fact, RunId};
use causeway_run::launch::{compare, copies, find};
use causeway_run::{RunError, State, files};
use serde_json::json;

use crate::cli::ExplainArgs;
use crate::output::Exit;
use crate::verbs::plan::as_of;
use crate::verbs::{Context, packs};

pub(crate) fn run(context: &Context, args: &ExplainArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let as_run = args
        .subject
        .parse::<RunId>()
        .ok()
        .filter(|_| !Utf8Path::new(&args.subject).exists());
    let mut site = args.site.clone();
    let files = match as_run {
        Some(run) => {
            let workspace = context.existing()?;
            let row = find(&workspace, Some(&run))?;
            site = site.or_else(|| row.site.as_ref().and_then(|site| site.parse().ok()));
            copies(&workspace, &row)?
        }
        None => files::load(
            Utf8Path::new(&args.subject),
            context.organisation.as_deref(),
        )?,
    };
    let packs = packs(args.rules.as_deref())?;
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    let market = causeway_run::market(state.as_ref())?;
    let at = as_of(context, args.as_of)?;
    let comparison = compare(&files, &packs, &market, at, site.as_ref())?;
    let mut candidate = match comparison.choose() {
        Ok(planned) => planned.candidate().clone(),
        Err(why) => match comparison.candidates.first() {
            Some(first) => first.clone(),
            None => {
                return Err(RunError::NoPlace {
                    why,
                    help: "`causeway plan` shows every place and what it lacks".to_owned(),
                });
            }
        },
    };
    if args.full {
        let settings = causeway_plan::settings(&files.organisation);
        let acts = candidate.acts(at);
        for (verdict, act) in candidate.clearance.verdicts.iter_mut().zip(&acts) {
            *verdict = verdict.clone().in_full(&packs, &settings, act);
        }
    }
    let exit = candidate.outcome.into();
    if output.json {
        output.document(&json!({"place": candidate.label, "outcome": candidate.outcome, "clearance": candidate.clearance, "factors": candidate.factors}));
        return Ok(exit);
    }
    let place = match &candidate.country {
        Fact::Known(country, source) => format!("{} (says {source})", country.name()),
        Fact::Unknown(why) => format!("an unknown country: {why}"),
    };
    output.line(format_args!(
        "{} in {place}: {}",
        candidate.label,
        output.outcome(candidate.outcome)
    ));
    output.line(format_args!(
        "rule packs {}, checked against sources up to {}",
        packs.digest().short(),
        packs.horizon()
    ));
    for verdict in &candidate.clearance.verdicts {
        output.line("");
        output.line(causeway_law::explain(verdict).trim_end());
    }
    output.line("\nFactors");
    for (name, factor) in candidate.factors.named() {
        output.line(format_args!(
            "  {name:<9}{:>4.0}  ({:.0} to {:.0})",
            factor.score, factor.low, factor.high
        ));
        for line in &factor.because {
            output.line(format_args!("               {line}"));
        }
    }
    Ok(exit)
}
