//! `causeway ledger`: the record, checked to the last byte.

use causeway_domain::RunId;
use causeway_registry::BadFile;
use causeway_run::{RunError, Workspace};
use serde_json::{Value, json};

use crate::cli::LedgerVerb;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(context: &Context, verb: &LedgerVerb) -> Result<Exit, RunError> {
    match verb {
        LedgerVerb::Verify => verify(context),
        LedgerVerb::List { run } => list(context, run.as_ref()),
        LedgerVerb::Key => key(context),
    }
}

/// The log by its own key, and every model by what the log says was admitted. The log is read before it is opened for
/// appending, so that a changed byte is reported and not stumbled over.
fn verify(context: &Context) -> Result<Exit, RunError> {
    let output = context.output;
    let state = existing_state(context)?;
    let key = causeway_ledger::LogKey::load(&state.log_key(), causeway_run::ORIGIN)?;
    let report = causeway_ledger::verify(&state.log(), &key.verifier())?;
    let mut models: Vec<(String, Vec<BadFile>)> = Vec::new();
    let mut unrecorded = Vec::new();
    let store = causeway_transfer::Store::open(&state.store())?;
    let registry = causeway_registry::Registry::open(&state.registry(), &store.files())?;
    for name in registry.names()? {
        models.push((name.to_string(), registry.verify(&name)?));
    }
    if report.is_clean() {
        unrecorded = unlike_the_log(&context.workspace()?)?;
    }
    let damaged: usize = models.iter().map(|(_, bad)| bad.len()).sum();
    let clean = report.is_clean() && damaged == 0 && unrecorded.is_empty();
    let exit = if clean { Exit::Done } else { Exit::Failed };
    if output.json {
        let models: Vec<Value> = models
            .iter()
            .map(|(name, bad)| json!({"model": name, "damaged": bad}))
            .collect();
        output.document(
            &json!({"ok": clean, "log": report, "models": models, "unlike_the_log": unrecorded}),
        );
        return Ok(exit);
    }
    for problem in &report.problems {
        output.line(format_args!(
            "{} log: {problem}",
            output.paint("changed:", "31")
        ));
    }
    for (name, bad) in &models {
        for file in bad {
            output.line(format_args!(
                "{} model {name}: {file}",
                output.paint("changed:", "31")
            ));
        }
    }
    for line in &unrecorded {
        output.line(format_args!("{} {line}", output.paint("changed:", "31")));
    }
    let words = if clean {
        output.paint("ok", "32")
    } else {
        output.paint("not ok", "31")
    };
    output.line(format_args!(
        "{words}: {} log entries, {} model(s), {} problem(s)",
        report.entries,
        models.len(),
        report.problems.len() + damaged + unrecorded.len()
    ));
    Ok(exit)
}

fn existing_state(context: &Context) -> Result<causeway_run::State, RunError> {
    if !causeway_run::State::exists(&context.state) {
        return Err(RunError::Read {
            path: context.state.clone(),
            error: std::io::Error::new(std::io::ErrorKind::NotFound, "it is not there"),
            help: "there is no state directory here yet; `--state DIR` names another".to_owned(),
        });
    }
    causeway_run::State::open(&context.state, false)
}

/// Revisions whose files are not those that the log's admit entries name: a registry rewritten to agree with itself.
fn unlike_the_log(workspace: &Workspace) -> Result<Vec<String>, RunError> {
    let mut admitted = std::collections::BTreeMap::new();
    for (_, entry_key, _) in workspace.log.keys() {
        if let Some(run) = entry_key.run()
            && let Some((_, predicate)) = workspace.logged(&run, causeway_run::StageName::Admit)?
            && let Some(Ok(record)) = predicate
                .get("output")
                .cloned()
                .map(serde_json::from_value::<causeway_run::AdmitRecord>)
        {
            admitted.insert((record.model.to_string(), record.commit.clone()), record);
        }
    }
    let mut unlike = Vec::new();
    for name in workspace.registry.names()? {
        for revision in workspace.registry.revisions(&name)? {
            let Some(record) = admitted.get(&(name.to_string(), revision.commit.clone())) else {
                unlike.push(format!(
                    "model {name}: no entry of the log admits revision {}",
                    revision.commit
                ));
                continue;
            };
            for file in &revision.files {
                if !record
                    .files
                    .iter()
                    .any(|known| known.path == file.path && known.sha256 == file.sha256)
                {
                    unlike.push(format!(
                        "model {name}: `{}` of revision {} is not the file that the log admits",
                        file.path, revision.commit
                    ));
                }
            }
        }
    }
    Ok(unlike)
}

fn list(context: &Context, run: Option<&RunId>) -> Result<Exit, RunError> {
    let output = context.output;
    let workspace = context.existing()?;
    let entries: Vec<_> = workspace
        .log
        .keys()
        .filter(|(_, key, _)| run.is_none_or(|run| key.run().as_ref() == Some(run)))
        .collect();
    if output.json {
        let entries: Vec<Value> = entries
            .iter()
            .map(|(index, key, at)| json!({"index": index, "key": key.as_str(), "at": at}))
            .collect();
        output.document(&json!({ "entries": entries }));
        return Ok(Exit::Done);
    }
    for (index, key, at) in entries {
        output.line(format_args!(
            "{index:>6}  {}  {}",
            at.strftime("%Y-%m-%d %H:%M:%SZ"),
            key.as_str()
        ));
    }
    Ok(Exit::Done)
}

fn key(context: &Context) -> Result<Exit, RunError> {
    let workspace = context.existing()?;
    let key = workspace.log.verifier().to_string();
    if context.output.json {
        context.output.document(&json!({ "key": key }));
    } else {
        context.output.line(key);
    }
    Ok(Exit::Done)
}
