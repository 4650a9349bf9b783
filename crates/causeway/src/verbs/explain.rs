//! `causeway explain`: why a plan is lawful or not, as a tree a lawyer can follow, and what would have to change.

use camino::Utf8Path;
use causeway_domain::{Env, Fact, RunId, SiteId};
use causeway_law::{Packs, Tree};
use causeway_plan::{Candidate, Comparison};
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
    // Advice compares with every other place.
    let only = site;
    let site = only.clone().filter(|_| !args.counterfactual);
    let packs = packs(args.rules.as_deref())?;
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    let market = causeway_run::market(state.as_ref())?;
    let at = as_of(context, args.as_of)?;
    let comparison = compare(
        &files,
        &packs,
        &market,
        at,
        site.as_ref(),
        &crate::verbs::plan::records(context, &files)?,
        false,
    )?;
    let mut candidate = chosen(&comparison, only.as_ref())?;
    if args.full {
        let settings = causeway_plan::settings(&files.organisation);
        let acts = candidate.acts(at);
        for (verdict, act) in candidate.clearance.verdicts.iter_mut().zip(&acts) {
            *verdict = verdict.clone().in_full(&packs, &settings, act);
        }
    }
    let exit = candidate.outcome.into();
    let tree = reasoning(&packs, &comparison, &candidate);
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(context.env.now())
        .date();
    let advice = args
        .counterfactual
        .then(|| comparison.advice(&candidate, &packs, Some(today)));
    if output.json {
        output.document(&json!({"place": candidate.label, "outcome": candidate.outcome, "clearance": candidate.clearance, "factors": candidate.factors, "tree": tree, "counterfactual": advice}));
        return Ok(exit);
    }
    output.tree(&tree);
    output.line(format_args!(
        "\nrule packs {}, checked against sources up to {}",
        packs.digest().short(),
        packs.horizon()
    ));
    if let Some(advice) = advice {
        output.line("");
        output.tree(&advice.tree());
        return Ok(exit);
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

/// The candidate that is explained: of the site that was named, else the best that could be launched, else the best.
fn chosen(comparison: &Comparison, only: Option<&SiteId>) -> Result<Candidate, RunError> {
    if let Some(site) = only {
        let mut there = comparison
            .candidates
            .iter()
            .filter(|candidate| candidate.site.as_ref() == Some(site));
        let first = there.clone().next();
        return there
            .find(|candidate| candidate.fit())
            .or(first)
            .cloned()
            .ok_or_else(|| RunError::NoPlace {
                why: format!("site `{site}` has no offer of the kind that the task asks for"),
                help: "`causeway plan` shows every place and what it lacks".to_owned(),
            });
    }
    match comparison.choose() {
        Ok(planned) => Ok(planned.candidate().clone()),
        Err(why) => comparison
            .candidates
            .first()
            .cloned()
            .ok_or_else(|| RunError::NoPlace {
                why,
                help: "`causeway plan` shows every place and what it lacks".to_owned(),
            }),
    }
}

/// Plan, acts, parties.
fn reasoning(packs: &Packs, comparison: &Comparison, candidate: &Candidate) -> Tree {
    let place = match &candidate.place.country {
        Fact::Known(country, source) => format!("{} (says {source})", country.name()),
        Fact::Unknown(why) => format!("an unknown country: {why}"),
    };
    let acts = candidate.acts(comparison.at);
    let mut tree = Tree::new(format!(
        "{} at {} in {place}: {}",
        comparison.task, candidate.label, candidate.outcome
    ));
    for (act, verdict) in acts.iter().zip(&candidate.clearance.verdicts) {
        tree.push(causeway_law::act_tree(packs, act, verdict));
    }
    tree.push(causeway_law::parties(&acts));
    tree
}
