//! `causeway status` and `causeway stop`.

use causeway_run::launch::find;
use causeway_run::{RunError, RunRow, Status, Workspace};
use serde_json::{Value, json};

use crate::cli::{StatusArgs, StopArgs};
use crate::output::Exit;
use crate::verbs::{Context, block_on};

pub(crate) fn run(context: &Context, args: &StatusArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let workspace = context.existing()?;
    if let Some(id) = &args.run {
        let row = find(&workspace, Some(id))?;
        return one(context, &workspace, &row);
    }
    let rows = workspace.journal.runs()?;
    if output.json {
        let runs = rows
            .iter()
            .map(|row| in_json(&workspace, row))
            .collect::<Result<Vec<_>, _>>()?;
        output.document(&json!({ "runs": runs }));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output.line("no runs yet");
        return Ok(Exit::Done);
    }
    let mut table = output.table(&["run", "task", "site", "stage", "status", ""], 5);
    for row in &rows {
        let stages = workspace.journal.stages(&row.id)?;
        let last = stages
            .last()
            .map(|stage| stage.stage.clone())
            .unwrap_or_default();
        table.add_row(vec![
            row.id.to_string(),
            row.name.clone(),
            row.site.clone().unwrap_or_default(),
            last,
            status(&workspace, row),
            row.detail.chars().take(60).collect(),
        ]);
    }
    output.line(table);
    Ok(Exit::Done)
}

fn status(workspace: &Workspace, row: &RunRow) -> String {
    let driven =
        row.status == Status::Unfinished && matches!(workspace.state.drive(&row.id), Ok(None));
    if driven {
        "running".to_owned()
    } else {
        row.status.word().to_owned()
    }
}

fn in_json(workspace: &Workspace, row: &RunRow) -> Result<Value, RunError> {
    Ok(
        json!({"run": row, "status": status(workspace, row), "stages": workspace.journal.stages(&row.id)?}),
    )
}

fn one(context: &Context, workspace: &Workspace, row: &RunRow) -> Result<Exit, RunError> {
    let output = context.output;
    if output.json {
        output.document(&in_json(workspace, row)?);
        return Ok(Exit::Done);
    }
    output.line(format_args!(
        "run {} of `{}`: {}",
        row.id,
        row.name,
        status(workspace, row)
    ));
    if !row.detail.is_empty() {
        output.line(format_args!("  {}", row.detail));
    }
    output.line(format_args!(
        "  task {}\n  organisation {}",
        row.task_path, row.organisation_path
    ));
    if let Some(site) = &row.site {
        output.line(format_args!("  site {site}"));
    }
    for stage in workspace.journal.stages(&row.id)? {
        let attempt = if stage.attempt > 1 {
            format!(" (attempt {})", stage.attempt)
        } else {
            String::new()
        };
        match stage.done {
            Some(done) => output.line(format_args!(
                "  {:<6} done {}{attempt}",
                stage.stage,
                done.strftime("%Y-%m-%d %H:%M:%SZ")
            )),
            None => output.line(format_args!(
                "  {:<6} begun {}{attempt}",
                stage.stage,
                stage.started.strftime("%Y-%m-%d %H:%M:%SZ")
            )),
        }
    }
    Ok(Exit::Done)
}

pub(crate) fn stop(context: &Context, args: &StopArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let workspace = context.existing()?;
    let row = find(&workspace, Some(&args.run))?;
    let state = block_on(causeway_run::stop(&workspace, &row))?;
    if row.status == Status::Unfinished {
        workspace
            .journal
            .set_status(&row.id, Status::Stopped, "stopped")?;
    }
    if output.json {
        output.document(&json!({"run": row.id, "job": state}));
    } else {
        output.line(format_args!("run {}: the job is over", row.id));
        output.hint(format_args!(
            "`causeway resume {}` goes on from its last checkpoint",
            row.id
        ));
    }
    Ok(Exit::Done)
}
