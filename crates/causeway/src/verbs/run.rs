//! `causeway run` and `causeway resume`: the whole path.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

use causeway_domain::{Secret, Usd};
use causeway_law::Outcome;
use causeway_run::launch::{self, compare, copies, find, make, runnable, unfinished};
use causeway_run::{Event, Files, Launch, Reporter, RunError, RunRow, Workspace, files, path};
use serde_json::json;

use crate::cli::{ResumeArgs, RunArgs};
use crate::output::Exit;
use crate::reporter::Terminal;
use crate::verbs::{Context, block_on, own_binary, packs, plan, told_to_end};

pub(crate) fn run(context: &Context, args: RunArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let files = files::load(&args.choice.task, context.organisation.as_deref())?;
    let envs = pairs("env", &args.envs)?;
    let secrets = secrets(&files, &args.secrets)?;
    runnable(&files, &envs, &secrets)?;
    let packs = packs(args.choice.rules.as_deref())?;
    let mut workspace = context.workspace()?;
    let market = causeway_run::market(Some(&workspace.state))?;
    let comparison = compare(
        &files,
        &packs,
        &market,
        workspace.now()?,
        args.choice.site.as_ref(),
        &causeway_run::approvals::records(workspace.shelf(), &files.organisation, None)?,
        false,
    )?;
    let before = if args.new {
        None
    } else {
        unfinished(&workspace, &files)?
    };
    if !output.json {
        for problem in &files.task.warnings {
            output.problem(problem);
        }
        plan::show(output, &comparison, false);
    }
    let planned = comparison.choose().map_err(|why| RunError::NoPlace {
        why,
        help: "`causeway plan` shows every place and what it lacks".to_owned(),
    })?;
    if planned.candidate().outcome == Outcome::Allow
        && before.is_none()
        && !agreed(context, &args, planned.candidate().cost())?
    {
        if output.json {
            output.document(
                &json!({"plan": comparison, "launched": false, "exit": Exit::Usage as u8}),
            );
        }
        output.hint("nothing was launched; `--yes` launches this plan");
        return Ok(Exit::Usage);
    }
    let reporter: Arc<dyn Reporter> = Arc::new(Terminal::new(output));
    let (row, resumed) = match before {
        Some(row) => {
            reporter.report(&Event::Note { text: format!("run {} of the same files is unfinished: going on with it (`--new` starts another)", row.id) });
            (row, true)
        }
        None => (make(&workspace, &files, reporter.as_ref())?, false),
    };
    let launch = Launch {
        envs,
        secrets,
        binary: own_binary()?,
        site: args.choice.site,
        packs,
        market,
        reporter,
    };
    drive(context, &mut workspace, row, launch, resumed)
}

pub(crate) fn resume(context: &Context, args: ResumeArgs) -> Result<Exit, RunError> {
    let mut workspace = context.existing()?;
    let row = find(&workspace, args.run.as_ref())?;
    let files = copies(&workspace, &row)?;
    let secrets = secrets(&files, &args.secrets)?;
    let envs: BTreeMap<String, String> =
        workspace.journal.note(&row.id, "envs")?.unwrap_or_default();
    let market = causeway_run::market(Some(&workspace.state))?;
    let reporter: Arc<dyn Reporter> = Arc::new(Terminal::new(context.output));
    let launch = Launch {
        envs,
        secrets,
        binary: own_binary()?,
        site: None,
        packs: packs(args.rules.as_deref())?,
        market,
        reporter,
    };
    drive(context, &mut workspace, row, launch, true)
}

fn drive(
    context: &Context,
    workspace: &mut Workspace,
    row: RunRow,
    launch: Launch,
    resumed: bool,
) -> Result<Exit, RunError> {
    let output = context.output;
    let id = row.id.clone();
    if !launch.envs.is_empty() {
        workspace.journal.set_note(&id, "envs", &launch.envs)?;
    }
    let ended = block_on(async {
        tokio::select! {
            ended = launch::drive(workspace, row, launch, resumed) => ended.map(Some),
            () = told_to_end() => Ok(None),
        }
    });
    match ended {
        Ok(Some(deployed)) => {
            report(context, &deployed);
            Ok(Exit::Done)
        }
        Ok(None) => {
            output.warn(format_args!("interrupted: the job goes on at its site; `causeway resume {id}` goes on here, `causeway stop {id}` stops it"));
            Ok(Exit::Interrupted)
        }
        Err(
            error
            @ (RunError::ClearanceLost { outcome, .. } | RunError::NotCleared { outcome, .. }),
        ) => {
            output.error(error);
            Ok(outcome.into())
        }
        Err(error) => {
            let exit = output.error(error);
            let status = workspace.journal.run(&id)?.map(|row| row.status);
            if status == Some(causeway_run::Status::Unfinished) {
                output.hint(format_args!("`causeway resume {id}` goes on where it was"));
                return Ok(Exit::Interrupted);
            }
            Ok(exit)
        }
    }
}

/// The launch question. `--yes` answers it and no other.
fn agreed(context: &Context, args: &RunArgs, cost: Option<Usd>) -> Result<bool, RunError> {
    if args.yes {
        return Ok(true);
    }
    if context.output.json || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let cost = cost.map_or_else(|| "an unknown amount".to_owned(), |cost| cost.to_string());
    let mut stderr = std::io::stderr().lock();
    let asked =
        write!(stderr, "Launch this plan, for about {cost}? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    asked
        .and_then(|()| std::io::stdin().lock().read_line(&mut answer))
        .map_err(|error| RunError::Value {
            what: format!("the answer can't be read: {error}"),
        })?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// `NAME=VALUE`, or `NAME` to take it from the environment.
fn pairs(kind: &'static str, given: &[String]) -> Result<BTreeMap<String, String>, RunError> {
    given
        .iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => from_environment(text)
                .map(|value| (text.clone(), value))
                .ok_or_else(|| RunError::MissingValue {
                    kind,
                    name: text.clone(),
                }),
        })
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the user names a variable of the environment, at the command line's edge"
)]
fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Secrets that were given, and those of the task that the environment has.
fn secrets(files: &Files, given: &[String]) -> Result<BTreeMap<String, Secret>, RunError> {
    let mut secrets: BTreeMap<String, Secret> = pairs("secret", given)?
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    for (name, value) in &files.task.secrets {
        if secrets.contains_key(name) {
            continue;
        }
        // A value that stands in the file is not kept in the run's copy of it.
        if let Some(value) = value {
            secrets.insert(name.clone(), value.clone());
        } else if let Some(value) = from_environment(name) {
            secrets.insert(name.clone(), Secret::new(value));
        }
    }
    Ok(secrets)
}

/// Where it trained, why that was lawful, what it cost, and the command that loads the model.
fn report(context: &Context, deployed: &path::Deployed) {
    let output = context.output;
    let command = format!(
        "HF_ENDPOINT=http://127.0.0.1:8077 hf download {}",
        deployed.model
    );
    if output.json {
        output.event(&json!({"event": "done", "deployed": deployed, "load": command}));
        return;
    }
    let cost = deployed.train.cost.map_or_else(
        || "unknown: the offer states no price".to_owned(),
        |cost| cost.to_string(),
    );
    output.line(format_args!(
        "\n{} revision {} is in production",
        output.paint(deployed.model.as_str(), "1"),
        deployed.commit.chars().take(12).collect::<String>()
    ));
    output.line(format_args!("  trained at   {}", deployed.place));
    if let Some(other) = &deployed.stands_in_for {
        output.line(format_args!(
            "               a stand-in for {other}: the machine itself is not there"
        ));
    }
    output.line(format_args!(
        "  lawful since {}",
        deployed.lawful.join("\n               ")
    ));
    if !deployed.obligations.is_empty() {
        output.line(format_args!(
            "  obliges to   {}",
            deployed.obligations.join(", ")
        ));
    }
    output.line(format_args!("  cost         {cost}"));
    output.line(format_args!(
        "  model        {}, files verified against their hashes",
        causeway_domain::Bytes::new(deployed.bytes)
    ));
    output.line(format_args!(
        "  record       causeway ledger verify; causeway evidence {} -o evidence.json",
        deployed.run
    ));
    output.line(format_args!("\nLoad it:  causeway serve &  {command}"));
}
