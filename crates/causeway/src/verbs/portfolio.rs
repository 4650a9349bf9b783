//! `causeway plan --portfolio`: which place each of several tasks gets.

use camino::Utf8Path;
use causeway_domain::portfolio;
use causeway_law::Tree;
use causeway_plan::portfolio::{Entry, Portfolio, Use, assign};
use causeway_plan::{span, trace};
use causeway_run::launch::compare;
use causeway_run::{RunError, State, files};
use serde_json::json;

use crate::cli::PlanArgs;
use crate::output::{Exit, Output};
use crate::verbs::plan::{as_of, explained, records};
use crate::verbs::{Context, packs};

/// Seconds that one search may take; the answer then says how far it may be from the best.
const SECONDS: f64 = 20.0;

pub(crate) fn run(context: &Context, args: &PlanArgs, path: &Utf8Path) -> Result<Exit, RunError> {
    let output = context.output;
    let source = files::text(path, "`--portfolio` names a file of `causeway/portfolio/1`")?;
    let file = portfolio::parse(&source).map_err(|problems| RunError::Files { problems })?;
    let folder = path.parent().unwrap_or_else(|| Utf8Path::new("."));
    let packs = packs(args.rules.as_deref())?;
    let at = as_of(context, args.as_of)?;
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    let market = causeway_run::market(state.as_ref())?;
    let mut comparisons = Vec::new();
    let mut weights = Vec::new();
    for task in &file.tasks {
        let files = files::load(&folder.join(&task.task), context.organisation.as_deref())?;
        let records = records(context, &files)?;
        comparisons.push(compare(
            &files,
            &packs,
            &market,
            at,
            args.site.as_ref(),
            &records,
            false,
        )?);
        weights.push(files.organisation.file.weights);
    }
    let entries: Vec<Entry<'_>> = file
        .tasks
        .iter()
        .zip(&comparisons)
        .map(|(task, comparison)| Entry { task, comparison })
        .collect();
    match assign(&file, &entries, SECONDS) {
        Ok(portfolio) => {
            if let Some(field) = &args.explain {
                let chosen = portfolio.assignments.iter().zip(&comparisons).zip(&weights);
                let trees: Option<Vec<_>> = chosen
                    .filter_map(|((assignment, comparison), weights)| {
                        let place = &assignment.place.as_ref()?.place;
                        let mut all = comparison.candidates.iter();
                        let candidate = all.find(|one| one.name() == *place)?;
                        Some((&assignment.task, candidate, weights))
                    })
                    .map(|(task, candidate, weights)| {
                        let of_place = trace(candidate, field, weights)?;
                        Some(Tree::new(format!("task {task}")).with([of_place]))
                    })
                    .collect();
                explained(output, trees, field)?;
            } else if output.json {
                output.document(&json!({"portfolio": portfolio, "exit": 0}));
            } else {
                output.line(format_args!(
                    "{} tasks on {}",
                    file.tasks.len(),
                    at.strftime("%Y-%m-%d")
                ));
                show(output, &portfolio);
            }
            Ok(Exit::Done)
        }
        Err(why) => Err(RunError::Value {
            what: format!("there is no assignment: {why}"),
        }),
    }
}

fn show(output: Output, portfolio: &Portfolio) {
    let mut table = output.table(&["task", "place", "cost", "at most"], 1);
    for assignment in &portfolio.assignments {
        let row = match &assignment.place {
            Some(place) => [
                assignment.task.clone(),
                place.place.clone(),
                place.cost.to_string(),
                span(place.at_most),
            ],
            None => [
                assignment.task.clone(),
                "left out: no lawful place is worth its cost".to_owned(),
                String::new(),
                String::new(),
            ],
        };
        table.add_row(row);
    }
    output.line(table);
    let proof = if portfolio.gap.get().is_zero() {
        "proved to be the best".to_owned()
    } else {
        format!(
            "the search was cut short: the best may save up to {} more",
            portfolio.gap
        )
    };
    output.line(format_args!("All of it: {}, {proof}", portfolio.cost));
    if let Some(price) = portfolio.price_of_lawfulness {
        output.line(format_args!(
            "Places that are not lawful would be {price} better: that is the price of lawfulness"
        ));
    }
    if !portfolio.limits.is_empty() {
        output.line("\nLimits:");
        for limit in &portfolio.limits {
            output.line(format_args!("  {}", in_words(limit)));
        }
    }
    for assignment in portfolio
        .assignments
        .iter()
        .filter(|one| !one.passed_over.is_empty())
    {
        output.line(format_args!(
            "\nPassed over for {}: {}",
            assignment.task,
            assignment.passed_over.join(", ")
        ));
    }
    for assignment in &portfolio.assignments {
        if let Some(unreachable) = assignment
            .place
            .as_ref()
            .and_then(|place| place.unreachable.as_ref())
        {
            output.line(format_args!("{}: {unreachable}", assignment.task));
        }
    }
    for note in &portfolio.notes {
        output.line(format_args!("note: {note}"));
    }
}

/// `H100 hours in MY: 5000 of 5000; 100 more would be worth $1200.00`.
fn in_words(limit: &Use) -> String {
    let Use {
        what,
        used,
        most,
        more,
        worth,
    } = limit;
    if worth.get().is_zero() {
        format!("{what}: {used:.0} of {most:.0}; more would change nothing")
    } else {
        format!("{what}: {used:.0} of {most:.0}; {more:.0} more would be worth {worth}")
    }
}
