//! `causeway models`, `promote`, `rollback`: what is at home, and what is in production.

use causeway_ledger::{EntryKey, Statement, Subject};
use causeway_registry::PointerMove;
use causeway_run::{RunError, Workspace, predicate_type};
use serde_json::json;

use crate::cli::{PromoteArgs, RollbackArgs};
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn list(context: &Context) -> Result<Exit, RunError> {
    let output = context.output;
    let workspace = context.existing()?;
    let models = workspace.registry.models()?;
    if output.json {
        output.document(&json!({ "models": models }));
        return Ok(Exit::Done);
    }
    if models.is_empty() {
        output.line("no models yet");
        return Ok(Exit::Done);
    }
    let short = |commit: &str| commit.chars().take(12).collect::<String>();
    let mut table = output.table(&["model", "revision", "admitted", "size", "run", ""], 0);
    for model in &models {
        for revision in &model.revisions {
            let mut pointers = Vec::new();
            if model.main.as_deref() == Some(revision.commit.as_str()) {
                pointers.push("main");
            }
            if model.production.as_deref() == Some(revision.commit.as_str()) {
                pointers.push("production");
            }
            table.add_row(vec![
                model.name.to_string(),
                short(&revision.commit),
                revision.created.strftime("%Y-%m-%d %H:%M").to_string(),
                causeway_domain::Bytes::new(revision.size).to_string(),
                revision
                    .run
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                pointers.join(", "),
            ]);
        }
    }
    output.line(table);
    Ok(Exit::Done)
}

pub(crate) fn promote(context: &Context, args: &PromoteArgs) -> Result<Exit, RunError> {
    let mut workspace = context.existing()?;
    let moved = workspace.registry.promote(
        &args.model,
        args.revision.as_deref(),
        workspace.now()?,
        context.env.as_ref(),
    )?;
    record(
        context,
        &mut workspace,
        "promote",
        args.model.as_str(),
        &moved,
    )
}

pub(crate) fn rollback(context: &Context, args: &RollbackArgs) -> Result<Exit, RunError> {
    let mut workspace = context.existing()?;
    let moved = workspace.registry.rollback(&args.model, workspace.now()?)?;
    record(
        context,
        &mut workspace,
        "rollback",
        args.model.as_str(),
        &moved,
    )
}

/// A moved pointer is a fact: it goes into the log under its own instant, so that repeating it adds nothing.
fn record(
    context: &Context,
    workspace: &mut Workspace,
    verb: &str,
    model: &str,
    moved: &PointerMove,
) -> Result<Exit, RunError> {
    let output = context.output;
    let name: causeway_domain::ModelName =
        model
            .parse()
            .map_err(|error: causeway_domain::InvalidId| RunError::Value {
                what: error.to_string(),
            })?;
    let revision = workspace.registry.resolve(&name, &moved.to)?;
    let statement = Statement {
        subject: revision
            .files
            .iter()
            .map(|file| Subject::sha256(format!("{model}/{}", file.path), file.sha256))
            .collect(),
        predicate_type: predicate_type(verb),
        predicate: json!({"model": model, "move": moved, "clock": workspace.state.clock()}),
    };
    let key = EntryKey::named(format!("{verb}/{model}/{}", moved.at))?;
    let index = workspace.append(&key, &statement)?;
    if output.json {
        output.document(&json!({"model": model, "move": moved, "entry": index}));
    } else {
        output.line(format_args!(
            "production of {model} is {} (log entry {index})",
            moved.to.chars().take(12).collect::<String>()
        ));
    }
    Ok(Exit::Done)
}
