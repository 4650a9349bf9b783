//! `causeway impact`: what another day, pack or posture would mean for every run.

use causeway_law::{Outcome, Posture};
use causeway_run::impact::{ActImpact, Law, RunImpact, impact};
use causeway_run::{RunError, State};
use serde_json::json;

use crate::cli::{ImpactArgs, PostureChoice};
use crate::output::{Exit, Output};
use crate::verbs::plan::as_of;
use crate::verbs::{Context, packs};

pub(crate) fn run(context: &Context, args: &ImpactArgs) -> Result<Exit, RunError> {
    let output = context.output;
    context.must_exist()?;
    let law = Law {
        packs: packs(args.rules.as_deref())?,
        what_ifs: args.packs.clone(),
        posture: args.posture.map(|choice| match choice {
            PostureChoice::Enforced => Posture::Enforced,
            PostureChoice::Books => Posture::Books,
        }),
        at: as_of(context, args.as_of)?,
    };
    if let Some(pack) = args.packs.iter().find(|pack| !law.packs.has_pack(pack)) {
        return Err(RunError::Value {
            what: format!(
                "there is no pack `{pack}`; `causeway rules list` shows the pack of each rule"
            ),
        });
    }
    let market = causeway_run::market(Some(&State::open(&context.state, false)?))?;
    let all = impact(&context.state, &law, &market)?;
    let exit = exit_of(&all);
    let day = jiff::tz::TimeZone::UTC.to_datetime(law.at).date();
    if output.json {
        output.document(&json!({
            "as_of": day,
            "packs": law.packs.digest(),
            "what_ifs": law.what_ifs,
            "posture": law.posture,
            "runs": all,
            "changed": all.iter().filter(|run| run.changes()).count(),
            "exit": exit as u8,
        }));
        return Ok(exit);
    }
    output.line(format_args!(
        "{} runs judged by the law of {day}, packs {}",
        all.len(),
        law.packs.digest().short()
    ));
    for run in all.iter().filter(|run| args.all || run.changes()) {
        show(output, run);
    }
    let changed = all.iter().filter(|run| run.changes()).count();
    output.line(match changed {
        0 => "nothing changes".to_owned(),
        1 => "1 run changes".to_owned(),
        more => format!("{more} runs change"),
    });
    Ok(exit)
}

/// The strictest new answer of what changes; a run that can't be judged again needs a review.
fn exit_of(all: &[RunImpact]) -> Exit {
    let new = all.iter().flat_map(|run| {
        let unknown = run.unknown.as_ref().map(|_| Outcome::NeedsReview);
        run.acts.iter().map(|act| act.new).chain(unknown)
    });
    new.max().unwrap_or(Outcome::Allow).into()
}

fn show(output: Output, run: &RunImpact) {
    let word = |outcome: Option<Outcome>| {
        outcome.map_or_else(|| "?".to_owned(), |known| output.outcome(known))
    };
    let stage = run.stage.map_or_else(
        || "planned".to_owned(),
        |stage| format!("done up to {stage}"),
    );
    let cleared = match &run.cleared_on {
        Some(day) => format!("cleared on {day}"),
        None => "never cleared".to_owned(),
    };
    output.line(format_args!(
        "\n{} `{}` at {}",
        run.run, run.task, run.place
    ));
    output.line(format_args!(
        "  {stage}, {cleared}: {} -> {}",
        word(run.old),
        word(run.new)
    ));
    if let Some(why) = &run.unknown {
        output.line(format_args!("  can't be compared in whole: {why}"));
    }
    for act in &run.acts {
        output.line(format_args!("  {}", act.about));
        output.line(format_args!(
            "    {} -> {}",
            word(act.old),
            word(Some(act.new))
        ));
        details(output, act);
    }
}

fn details(output: Output, act: &ActImpact) {
    let name =
        |review: Option<causeway_law::Review>| review.map_or("none", causeway_law::Review::word);
    if act.old_review != act.review {
        output.line(format_args!(
            "    review {} -> {}",
            name(act.old_review),
            name(act.review)
        ));
    }
    let missing = |of: &[String], other: &[String]| -> Vec<String> {
        of.iter()
            .filter(|one| !other.contains(one))
            .cloned()
            .collect()
    };
    let (gone, new) = (
        missing(&act.old_obligations, &act.obligations),
        missing(&act.obligations, &act.old_obligations),
    );
    if !gone.is_empty() {
        output.line(format_args!("    no more obliges to: {}", gone.join(", ")));
    }
    if !new.is_empty() {
        output.line(format_args!("    obliges to: {}", new.join(", ")));
    }
    for hit in &act.deciding {
        output.line(format_args!("    {}: {}", hit.id, hit.title));
        for citation in &hit.citation {
            output.line(format_args!("      {citation}"));
        }
    }
    for (fact, why) in &act.open_facts {
        output.line(format_args!("    unknown: {fact} ({why})"));
    }
}
