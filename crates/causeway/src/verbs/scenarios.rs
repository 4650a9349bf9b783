//! `causeway plan --scenarios`: what becomes of the plans.

use causeway_domain::{Hours, Usd};
use causeway_law::Packs;
use causeway_plan::scenario::{BASE, Outlook, Prospect, Reading, Sampling, Spread, outlook};
use causeway_plan::{Comparison, settings, span};
use causeway_run::{Files, RunError, files};

use crate::cli::ScenarioArgs;
use crate::output::Output;

/// Plans of a reading that are shown.
const SHOWN: usize = 8;
/// Plans that are drawn for.
const PLANS: usize = 200;

/// Draws the futures of a file, `base` for the built-in one.
pub(crate) fn draw(
    args: &ScenarioArgs,
    comparison: &Comparison,
    files: &Files,
    packs: &Packs,
) -> Result<Option<Outlook>, RunError> {
    let Some(path) = &args.scenarios else {
        return Ok(None);
    };
    let source = if path == "base" {
        std::sync::Arc::new(causeway_domain::SourceFile::new(
            "catalog/scenarios/base.yaml",
            BASE,
        ))
    } else {
        files::text(path, "`--scenarios base` draws the built-in ones")?
    };
    let file = causeway_domain::scenario::parse(&source)
        .map_err(|problems| RunError::Files { problems })?;
    let sampling = Sampling {
        draws: args.draws,
        seed: args.seed,
        plans: PLANS,
        home_every: Hours::new(args.home_every),
    };
    outlook(
        comparison,
        &file,
        packs,
        &settings(&files.organisation),
        sampling,
    )
    .map(Some)
    .map_err(|why| RunError::Value {
        what: format!("{}: {why}", source.name),
    })
}

/// A table a reading, the robust plan, what checkpoints are worth, and what to know.
pub(crate) fn show(output: Output, outlook: &Outlook) {
    output.line(format_args!(
        "\nWhat may become of them: {} futures, seed {}, a checkpoint home every {}",
        outlook.draws,
        outlook.seed,
        span(outlook.home_every)
    ));
    for reading in &outlook.readings {
        output.line(format_args!("\n{}: {}", reading.name, reading.title));
        if reading.prospects.is_empty() {
            output.line("no place that could run the task has a known time");
            continue;
        }
        // What is lost, then the middles, then money.
        output.fitted(table(output, reading), 0, &[6, 7, 2, 4, 3]);
        if reading.prospects.len() > SHOWN {
            output.line(format_args!(
                "and {} more: `--json` has them",
                reading.prospects.len() - SHOWN
            ));
        }
    }
    match &outlook.robust {
        Some(robust) => output.line(format_args!(
            "\nRobust: {}: it finishes in {} of the futures at worst ({})",
            robust.place, robust.finishes, robust.worst
        )),
        None => output.line("\nRobust: none. Every place fails for sure in one of these readings"),
    }
    if !outlook.checkpoints.is_empty() {
        output.line("\nWhat is lost when checkpoints come home so often (mean; one in twenty loses more than):");
        let mut table = output.table(
            &["place", "every", "money", "time", "95 %", "95 %", "to send"],
            0,
        );
        let dollars = |amount: Option<Usd>| {
            amount.map_or_else(|| "?".to_owned(), |amount| amount.to_string())
        };
        for one in &outlook.checkpoints {
            table.add_row([
                one.place.clone(),
                one.every.map_or_else(|| "the end".to_owned(), span),
                dollars(one.money_lost),
                span(one.time_lost),
                dollars(one.p95.money_lost),
                span(one.p95.time_lost),
                dollars(one.egress),
            ]);
        }
        output.fitted(table, 0, &[4, 5, 6]);
    }
    for note in &outlook.notes {
        output.line(format_args!("note: {note}"));
    }
}

fn table(output: Output, reading: &Reading) -> comfy_table::Table {
    let mut table = output.table(
        &[
            "place",
            "finishes",
            "$ half",
            "$ 95 %",
            "time half",
            "95 %",
            "lost $ 95 %",
            "lost 95 %",
            "stops by",
        ],
        0,
    );
    for prospect in reading.prospects.iter().take(SHOWN) {
        table.add_row(row(prospect));
    }
    table
}

fn row(prospect: &Prospect) -> [String; 9] {
    let unknown = || "?".to_owned();
    let [half, most] = prospect.money.map_or_else(
        || [unknown(), unknown()],
        |Spread { p50, p95 }| [p50.to_string(), p95.to_string()],
    );
    let [time, longest] = prospect.time.map_or_else(
        || [unknown(), unknown()],
        |Spread { p50, p95 }| [span(p50), span(p95)],
    );
    let stops: Vec<String> = prospect
        .stopped
        .iter()
        .take(2)
        .map(|(why, share)| format!("{why} {share}"))
        .collect();
    [
        prospect.place.clone(),
        prospect.finishes.to_string(),
        half,
        most,
        time,
        longest,
        prospect
            .money_lost
            .map_or_else(unknown, |lost| lost.p95.to_string()),
        span(prospect.time_lost.p95),
        stops.join(", "),
    ]
}
