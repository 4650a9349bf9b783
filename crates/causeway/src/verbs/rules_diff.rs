//! `causeway rules diff`: what changed between two readings of the law, and which is the stricter.

use std::time::Duration;

use camino::Utf8Path;
use causeway_domain::{Date, PackId};
use causeway_law::diff::{
    Budget, By, Change, Comparison, Example, Finding, Line, Parting, Prover, Said, Side, Whose,
    compare,
};
use causeway_law::{Outcome, Posture};
use causeway_run::{RunError, Solver};
use serde_json::json;

use crate::cli::DiffArgs;
use crate::output::{Exit, Output};
use crate::verbs::plan::as_of;
use crate::verbs::{Context, packs};

pub(crate) fn run(context: &Context, args: &DiffArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(as_of(context, None)?)
        .date();
    let a = side(&args.a, today)?;
    let b = side(&args.b, today)?;
    let (mut solver, why_none) = solver(args)?;
    let budget = Budget {
        acts: args.acts,
        ..Budget::default()
    };
    let prover = solver.as_mut().map(|solver| solver as &mut dyn Prover);
    let comparison = compare(&a, &b, prover, budget);
    let by = solver
        .as_ref()
        .map(|solver| format!("cvc5 {}", solver.version()));
    if output.json {
        output.document(&json!({"comparison": comparison, "solver": by, "no_solver": why_none}));
        return Ok(Exit::Done);
    }
    show(output, &comparison);
    if let Some(why) = why_none
        && [&comparison.b_at_least_a, &comparison.a_at_least_b]
            .iter()
            .any(|finding| matches!(finding, Finding::Open { .. }))
    {
        output.hint(format!(
            "{why}: with one, what the boundary values leave open may be proved"
        ));
    }
    Ok(Exit::Done)
}

/// The solver, or why there is none. One that was named must work.
fn solver(args: &DiffArgs) -> Result<(Option<Solver>, Option<String>), RunError> {
    if args.no_solver {
        return Ok((None, None));
    }
    let limit = Duration::from_secs(args.time);
    match &args.solver {
        Some(binary) => Ok((Some(Solver::start(binary, limit)?), None)),
        None => match Solver::start(Utf8Path::new("cvc5"), limit) {
            Ok(solver) => Ok((Some(solver), None)),
            Err(error) => {
                tracing::debug!(%error, "no solver");
                Ok((None, Some("cvc5 is not on the path".to_owned())))
            }
        },
    }
}

/// A side, as the user names it: parts joined with `+`.
fn side(text: &str, today: Date) -> Result<Side, RunError> {
    let wrong = |what: String| RunError::Value { what };
    // A folder may have a `+` in its name.
    let parts: Vec<&str> = if Utf8Path::new(text).is_dir() {
        vec![text]
    } else {
        text.split('+').map(str::trim).collect()
    };
    let (mut folder, mut day, mut what_ifs, mut posture) = (None, None, Vec::new(), None);
    for part in parts {
        let (rest, at) = match part.rsplit_once('@') {
            Some((rest, at)) if at.parse::<Date>().is_ok() => (rest, at.parse::<Date>().ok()),
            _ => (part, None),
        };
        if at.is_some() {
            day = at;
        }
        if rest == "builtin" {
            continue;
        }
        if let Ok(date) = rest.parse::<Date>() {
            day = Some(date);
        } else if let Some(word) = rest.strip_prefix("posture:") {
            posture = Some(match word {
                "books" => Posture::Books,
                "enforced" => Posture::Enforced,
                _ => {
                    return Err(wrong(format!(
                        "`{word}` is not a posture: `posture:books` or `posture:enforced`"
                    )));
                }
            });
        } else if let Some(pack) = rest.strip_prefix("what-if:") {
            let pack = pack.parse::<PackId>();
            what_ifs.push(pack.map_err(|error| wrong(error.to_string()))?);
        } else if Utf8Path::new(rest).is_dir() {
            if folder.replace(Utf8Path::new(rest)).is_some() {
                return Err(wrong(format!("`{text}` names two folders of packs")));
            }
        } else if let Ok(pack) = rest.parse::<PackId>() {
            what_ifs.push(pack);
        } else {
            return Err(wrong(format!(
                "`{rest}` is no folder, no date, no pack, and neither `builtin` nor `posture:books`"
            )));
        }
    }
    let day = day.unwrap_or(today);
    let mut name = format!("{} on {day}", folder.map_or("builtin", Utf8Path::as_str));
    for pack in &what_ifs {
        name += &format!(" with {pack}");
    }
    if let Some(posture) = posture {
        name += &format!(", posture {}", posture.word());
    }
    let mut side = Side::new(name, packs(folder)?, day);
    for pack in what_ifs {
        side = side.with_pack(pack)?;
    }
    Ok(match posture {
        Some(posture) => side.with_posture(posture),
        None => side,
    })
}

fn show(output: Output, comparison: &Comparison) {
    output.line(format_args!("A: {}", comparison.a));
    output.line(format_args!("B: {}", comparison.b));
    if comparison.is_empty() {
        output.line("\nNothing differs.");
    }
    for (in_force, title) in [
        (true, "Rules that differ"),
        (
            false,
            "Rules that are only written otherwise: not in force on these days, or with the same effect",
        ),
    ] {
        let rules: Vec<_> = comparison
            .rules
            .iter()
            .filter(|rule| rule.in_force == in_force)
            .collect();
        if !rules.is_empty() {
            output.line(format_args!("\n{title}"));
        }
        for rule in rules {
            let word = match rule.change {
                Change::Added => output.paint("only in B", "32"),
                Change::Removed => output.paint("only in A", "31"),
                Change::Changed => "changed".to_owned(),
            };
            output.line(format_args!("  {}: {} ({word})", rule.id, rule.title));
            for citation in &rule.citation {
                output.line(format_args!("      {citation}"));
            }
            lines(output, &rule.lines);
        }
    }
    if !comparison.data.is_empty() {
        output.line("\nData that differ");
    }
    for change in &comparison.data {
        let note = if change.in_force {
            ""
        } else {
            " (not on these days)"
        };
        output.line(format_args!("  {}{note}", change.what));
        lines(output, &change.lines);
    }
    output.line("\nStrictness");
    finding(
        output,
        ("B", "A"),
        &comparison.b_at_least_a,
        comparison.identical,
    );
    finding(
        output,
        ("A", "B"),
        &comparison.a_at_least_b,
        comparison.identical,
    );
    for other in &comparison.finer {
        let what = match other.parting {
            Parting::Review => "the authority looks at a request in another way",
            Parting::Obligations => "an allow obliges to something else",
            Parting::MilderA | Parting::MilderB => "the outcome differs",
        };
        output.line(format_args!("  The outcome is the same and {what}:"));
        example(output, other);
    }
    let coverage = &comparison.coverage;
    if coverage.acts > 0 {
        output.line(format_args!(
            "\n{} acts at boundary values were judged on both sides; {} searches were whole, {} were cut",
            coverage.acts,
            coverage.whole,
            coverage.cut.len()
        ));
        for cut in coverage.cut.iter().take(8) {
            output.line(format_args!("  cut: {cut}"));
        }
        if coverage.cut.len() > 8 {
            output.line(format_args!(
                "  and {} more: `--json` has them",
                coverage.cut.len() - 8
            ));
        }
    }
    if !comparison.not_compared.is_empty() {
        output.line(format_args!(
            "Acts in words that only one side knows are a review on the other, and are not compared: {}",
            comparison.not_compared.join(", ")
        ));
    }
}

fn lines(output: Output, lines: &[Line]) {
    for line in lines {
        let text = match line.whose {
            Whose::A => output.paint(&format!("- {}", line.text), "31"),
            Whose::B => output.paint(&format!("+ {}", line.text), "32"),
            Whose::Both => format!("  {}", line.text),
        };
        output.line(format_args!("    {text}"));
    }
}

fn finding(output: Output, (strict, mild): (&str, &str), finding: &Finding, identical: usize) {
    match finding {
        Finding::Proved { by: By::Identity, .. } => output.line(format_args!(
            "  {strict} is at least as strict as {mild}: proved, every policy that holds an act up in {mild} stands in {strict} ({identical} compared)"
        )),
        Finding::Proved { by: By::Solver, claims } => output.line(format_args!(
            "  {strict} is at least as strict as {mild}: proved by the solver, {claims} claims"
        )),
        Finding::Refuted { example: act } => {
            output.line(format_args!(
                "  {strict} is not at least as strict as {mild}: this act is held up less in {strict}"
            ));
            example(output, act);
        }
        Finding::Open { why } => {
            output.line(format_args!(
                "  whether {strict} is at least as strict as {mild} is open:"
            ));
            for why in why {
                output.line(format_args!("    {why}"));
            }
        }
    }
}

fn example(output: Output, example: &Example) {
    output.line(format_args!("    {}", example.about));
    for (name, said) in [("A", &example.a), ("B", &example.b)] {
        output.line(format_args!("      {name}: {}", in_words(output, said)));
        for hit in said.deciding.iter().take(3) {
            output.line(format_args!(
                "         {}: {}",
                hit.id,
                hit.citation.join("; ")
            ));
        }
    }
    output.line("    as cases, for `causeway rules test`:");
    for line in example.cases.lines() {
        output.line(format_args!("      {line}"));
    }
}

fn in_words(output: Output, said: &Said) -> String {
    let mut text = output.outcome(said.outcome);
    if let Some(review) = said.review {
        text += &format!(", {review}");
    }
    if said.outcome == Outcome::Allow && !said.obligations.is_empty() {
        text += &format!("; obliges to: {}", said.obligations.join(", "));
    }
    text
}
