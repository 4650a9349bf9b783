//! `causeway plan`: the places, compared.

use std::collections::BTreeMap;

use causeway_domain::organisation::Weights;
use causeway_domain::{Env, Fact, Stated, Timestamp};
use causeway_law::Outcome;
use causeway_plan::{
    Affordable, Candidate, Comparison, FIELDS, Trained, affordable, hours_in_words, page, scenario,
    settings, span, trace,
};
use causeway_run::launch::compare;
use causeway_run::{RunError, State, files};
use comfy_table::Cell;
use serde_json::json;

use crate::cli::PlanArgs;
use crate::output::{Exit, Output};
use crate::verbs::{Context, packs, portfolio, scenarios};

/// Candidates shown without `--all`.
const SHOWN: usize = 12;
/// Tokens of a sequence where the organisation's file names none.
const SEQUENCE: u32 = 4096;
/// The column of the place, which gives way.
const PLACE: usize = 1;
/// Candidates of which a field is explained without `--all`.
const EXPLAINED: usize = 3;

pub(crate) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, RunError> {
    if let Some(path) = &args.portfolio {
        return portfolio::run(context, args, path);
    }
    let output = context.output;
    // Either of the two is there: the command line asks for it.
    let task = args.task.as_deref().unwrap_or_else(|| "task.yaml".into());
    let files = files::load(task, context.organisation.as_deref())?;
    let packs = packs(args.rules.as_deref())?;
    let at = as_of(context, args.as_of)?;
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    let market = causeway_run::market(state.as_ref())?;
    let records = records(context, &files)?;
    let mut comparison = compare(
        &files,
        &packs,
        &market,
        at,
        args.site.as_ref(),
        &records,
        args.all,
    )?;
    if let Some(budget) = args.budget {
        let sequence = files
            .organisation
            .workload(Some(&files.task.name))
            .and_then(|(_, workload)| workload.sequence_length)
            .unwrap_or(SEQUENCE);
        let bought = affordable(&comparison, &market.accelerators, sequence, budget)
            .map_err(RunError::Plan)?;
        if let Some(field) = &args.explain {
            buys_why(output, &bought, field, &files.organisation.file.weights)?;
        } else if output.json {
            output.document(&json!({"affordable": bought}));
        } else {
            buys(output, &bought);
        }
        return Ok(if bought.lawful.is_some() {
            Exit::Done
        } else {
            Exit::Failed
        });
    }
    let outlook = scenarios::draw(&args.scenarios, &comparison, &files, &packs)?;
    if let Some(outlook) = &outlook {
        let weights = &files.organisation.file.weights;
        causeway_plan::scenario::weigh(&mut comparison, outlook, weights);
    }
    let exit = exit_of(&comparison);
    if let Some(path) = &args.html {
        let title = format!("Where to train {}", comparison.task);
        let home = match &files.organisation.file.home.country {
            Stated::Value(country, _) => Some(*country),
            Stated::Unknown => None,
        };
        let page = page::render(&page::Page {
            comparison: &comparison,
            outlook: outlook.as_ref(),
            packs: &packs,
            settings: &settings(&files.organisation),
            home,
            title: &title,
        });
        fs_err::write(path, page).map_err(|error| RunError::Write {
            path: path.clone(),
            error,
            help: "the folder must exist and be writable".to_owned(),
        })?;
    }
    if let Some(field) = &args.explain {
        let asked = Asked {
            comparison: &comparison,
            outlook: outlook.as_ref(),
            weights: &files.organisation.file.weights,
            all: args.all,
        };
        explain(output, &asked, field)?;
        return Ok(exit);
    }
    if output.json {
        let chosen = comparison
            .choose()
            .ok()
            .map(|planned| planned.candidate().label.clone());
        let mut document = json!({"plan": comparison, "chosen": chosen, "exit": exit as u8});
        if let (Some(outlook), Some(fields)) = (outlook, document.as_object_mut()) {
            fields.insert("outlook".to_owned(), json!(outlook));
        }
        output.document(&document);
        return Ok(exit);
    }
    for problem in files.task.not_run.iter().chain(&files.task.warnings) {
        output.problem(problem);
    }
    show(output, &comparison, args.all);
    if let Some(outlook) = &outlook {
        scenarios::show(output, outlook);
    }
    Ok(exit)
}

/// What a budget buys.
fn buys(output: Output, bought: &Affordable) {
    let words = |trained: &Trained| {
        let unreachable = trained
            .unreachable
            .as_ref()
            .map_or_else(String::new, |why| format!("; {why}"));
        format!(
            "{} on {} at {}, {} for {}{unreachable}",
            trained.parameters,
            trained.tokens,
            trained.place,
            span(trained.time),
            trained.cost
        )
    };
    match &bought.lawful {
        Some(lawful) => output.line(format_args!(
            "{} trains lawfully: {}",
            bought.budget,
            words(lawful)
        )),
        None => output.line(format_args!(
            "{} trains nothing lawfully at any of {} places with such machines",
            bought.budget, bought.places
        )),
    }
    if let Some(twice) = &bought.for_twice {
        output.line(format_args!("twice the money: {}", words(twice)));
    }
    if let Some(licence) = &bought.with_a_licence {
        output.line(format_args!("one licence more: {}", words(licence)));
    }
    if let Some(review) = &bought.with_a_review {
        output.line(format_args!("one review or fact more: {}", words(review)));
    }
    output.line("A dense model, 20 tokens a parameter (Hoffmann et al. 2022, 2203.15556); expected costs of machines, no egress and no people");
}

/// Where a number of what a budget buys comes from.
fn buys_why(
    output: Output,
    bought: &Affordable,
    field: &str,
    weights: &Weights,
) -> Result<(), RunError> {
    let all = [
        ("lawfully", &bought.lawful),
        ("for twice the money", &bought.for_twice),
        ("with one licence more", &bought.with_a_licence),
        ("with one review or fact more", &bought.with_a_review),
    ];
    if !Trained::fields().any(|known| known == field) {
        let names: Vec<&str> = Trained::fields().collect();
        return Err(RunError::Value {
            what: format!("with --budget the fields are {}", names.join(", ")),
        });
    }
    let trees = all.into_iter().filter_map(|(what, trained)| {
        let tree = trained.as_ref()?.trace(field, weights)?;
        Some(causeway_law::Tree::new(what).with([tree]))
    });
    explained(output, Some(trees.collect()), field)
}

/// Of what a field is explained.
struct Asked<'a> {
    comparison: &'a Comparison,
    outlook: Option<&'a scenario::Outlook>,
    weights: &'a Weights,
    all: bool,
}

/// Where a field of the best candidates comes from.
fn explain(output: Output, asked: &Asked<'_>, field: &str) -> Result<(), RunError> {
    let shown = if asked.all { usize::MAX } else { EXPLAINED };
    let tree = |candidate: &Candidate| {
        trace(candidate, field, asked.weights)
            .or_else(|| scenario::trace(asked.outlook?, &candidate.name(), field))
    };
    let candidates = asked.comparison.candidates.iter().take(shown);
    explained(output, candidates.map(tree).collect(), field)
}

/// Prints where a field comes from; nothing was found where there is no such field.
pub(crate) fn explained(
    output: Output,
    trees: Option<Vec<causeway_law::Tree>>,
    field: &str,
) -> Result<(), RunError> {
    let trees = trees.ok_or_else(|| {
        let names = |fields: &[(&'static str, &str)]| {
            let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            names.join(", ")
        };
        RunError::Value {
            what: format!(
                "there is no field `{field}`; there are {}, and with --scenarios {}",
                names(&FIELDS),
                names(&scenario::FIELDS)
            ),
        }
    })?;
    if output.json {
        output.document(&json!({"explained": trees}));
    } else {
        for tree in &trees {
            output.tree(tree);
        }
    }
    Ok(())
}

/// What is on file at home; nothing where there is no state directory yet.
pub(crate) fn records(
    context: &Context,
    files: &causeway_run::Files,
) -> Result<std::sync::Arc<causeway_plan::Records>, RunError> {
    if !State::exists(&context.state) {
        return Ok(std::sync::Arc::default());
    }
    causeway_run::approvals::records(context.workspace()?.shelf(), &files.organisation, None)
}

/// The instant for which the law is asked: noon UTC of a day that was named, else now.
pub(crate) fn as_of(
    context: &Context,
    day: Option<causeway_domain::Date>,
) -> Result<Timestamp, RunError> {
    match day {
        None => Ok(context.env.now()),
        Some(day) => day
            .at(12, 0, 0, 0)
            .in_tz("UTC")
            .map(|zoned| zoned.timestamp())
            .map_err(|error| RunError::Value {
                what: format!("{day} is no day that can be asked about: {error}"),
            }),
    }
}

/// What the best place that could be launched would give; 1 where there is none.
pub(crate) fn exit_of(comparison: &Comparison) -> Exit {
    match comparison.choose() {
        Ok(planned) => planned.candidate().outcome.into(),
        Err(_) => Exit::Failed,
    }
}

/// The table, the reasons, and the choice.
pub(crate) fn show(output: Output, comparison: &Comparison, all: bool) {
    let listed: Vec<(&Candidate, usize)> = if all {
        let all = comparison.candidates.iter();
        all.map(|candidate| (candidate, candidate.alike)).collect()
    } else {
        comparison.leaders()
    };
    let shown = if all { listed.len() } else { SHOWN };
    let mut table = output.table(
        &[
            "", "place", "in", "chips", "hw", "cost", "risk", "talent", "data", "score", "$/h",
            "total", "time", "verdict",
        ],
        PLACE,
    );
    let chosen = comparison.choose();
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (candidate, alike) in listed.iter().take(shown).copied() {
        let mark = if chosen
            .as_ref()
            .is_ok_and(|planned| planned.candidate().label == candidate.label)
        {
            "*"
        } else {
            ""
        };
        let factor = |factor: &causeway_plan::Factor| {
            if factor.doubt() > 0.99 {
                "?".to_owned()
            } else {
                format!(
                    "{:.0}{}",
                    factor.score,
                    if factor.is_open() { "~" } else { "" }
                )
            }
        };
        let factors = candidate.factors.named().map(|(_, one)| factor(one));
        let chips = candidate.accelerator.as_ref().map_or_else(
            || "cpu".to_owned(),
            |(name, count)| format!("{name}:{count}"),
        );
        let mut row = vec![
            mark.to_owned(),
            match alike {
                0 => candidate.label.clone(),
                _ => format!("{} (+{alike} like it)", candidate.label),
            },
            country(candidate),
            if candidate.nodes > 1 {
                format!("{} x {chips}", candidate.nodes)
            } else {
                chips
            },
        ];
        row.extend(factors);
        row.push(format!("{:.0}", candidate.score));
        row.push(
            candidate
                .price_per_hour
                .map_or_else(|| "?".to_owned(), |price| format!("{:.2}", price.get())),
        );
        row.push(
            candidate
                .cost()
                .map_or_else(|| "?".to_owned(), |cost| cost.to_string()),
        );
        row.push(hours_in_words(candidate));
        let mut cells: Vec<Cell> = row.into_iter().map(Cell::new).collect();
        cells.push(Output::outcome_cell(candidate.outcome));
        table.add_row(cells);
        if let Some(why) = why(candidate) {
            reasons
                .entry(why)
                .or_default()
                .push(candidate.label.as_str());
        }
    }
    output.line(format_args!(
        "Places for `{}` on {}, best first",
        comparison.task,
        comparison.at.strftime("%Y-%m-%d")
    ));
    // Price, machines, then the factors from the last to the first.
    output.fitted(table, PLACE, &[10, 3, 8, 7, 6, 5, 4]);
    if listed.len() > shown {
        output.line(format_args!(
            "and {} more kinds: `--all` shows every offer",
            listed.len() - shown
        ));
    }
    if !reasons.is_empty() {
        output.line("\nWhy not:");
    }
    for (why, labels) in reasons {
        let more = if labels.len() > 2 {
            format!(" and {} more", labels.len() - 2)
        } else {
            String::new()
        };
        output.line(format_args!(
            "  {}{more}:\n      {why}",
            labels
                .iter()
                .take(2)
                .copied()
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    output.line("\nFactors are 0 to 100, more is better; ~ where missing facts or wide estimates leave ten points or more open, ? where nothing is known.");
    match chosen {
        Ok(planned) => {
            let candidate = planned.candidate();
            output.line(format_args!(
                "Best: {} in {}: {}",
                candidate.label,
                country(candidate),
                output.outcome(candidate.outcome)
            ));
            // Block characters where a person looks; a pipe may not know them.
            let ascii = !output.colour;
            output.line(format_args!("  {}", page::bars(&candidate.factors, ascii)));
            if let Ok(estimate) = &candidate.estimate {
                output.line(format_args!("  {}", estimate.bill));
                if let (Some(energy), Some(carbon)) =
                    (estimate.energy.known(), candidate.carbon.known())
                {
                    output.line(format_args!("  {}, {}", energy.energy.mid, carbon.mid));
                }
            }
            if let Some(other) = &candidate.stands_in_for {
                output.line(format_args!("It stands in for {other}; the record says so"));
            }
            if candidate.outcome != Outcome::Allow {
                output.line(causeway_run::path::why_not(&candidate.clearance));
                output.hint("`causeway explain` shows the reasoning, rule by rule");
            }
        }
        Err(why) => output.line(format_args!("No place can run this task now: {why}")),
    }
    if let Some((any, lawful)) = comparison.price_of_lawfulness()
        && let (Some(less), Some(cost)) = (any.cost(), lawful.cost())
    {
        output.line(format_args!(
            "The cheapest lawful place is {} for {cost}; {} would be {less} and is {}: that is the price of lawfulness",
            lawful.label,
            any.label,
            output.outcome(any.outcome)
        ));
    }
}

fn country(candidate: &Candidate) -> String {
    match &candidate.place.country {
        Fact::Known(country, _) => country.to_string(),
        Fact::Unknown(_) => "?".to_owned(),
    }
}

/// Why a candidate is not the one, if there is a reason: every constraint that fails, else what the law says.
fn why(candidate: &Candidate) -> Option<String> {
    if !candidate.infeasible.is_empty() {
        return Some(candidate.infeasible.join("; "));
    }
    if candidate.outcome != Outcome::Allow {
        let reason = causeway_run::path::why_not(&candidate.clearance);
        let short: String = reason.chars().take(220).collect();
        let cut = if short.len() < reason.len() {
            "..."
        } else {
            ""
        };
        return Some(match &candidate.unreachable {
            Some(unreachable) => format!("{unreachable}; {short}{cut}"),
            None => format!("{short}{cut}"),
        });
    }
    candidate.unreachable.clone()
}
