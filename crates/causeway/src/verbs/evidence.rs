//! `causeway evidence`: what a stranger needs to verify a run, and the stranger's own check.

use std::collections::BTreeMap;

use camino::Utf8Path;
use causeway_domain::RunId;
use causeway_ledger::{Attachment, EntryKey, Evidence, Finding, Verifier, export_evidence};
use causeway_run::launch::find;
use causeway_run::{HomeRecord, RunError, StageName};
use serde_json::json;

use crate::cli::EvidenceArgs;
use crate::output::Exit;
use crate::verbs::{Context, packs};

pub(crate) fn run(context: &Context, args: &EvidenceArgs) -> Result<Exit, RunError> {
    match (&args.key, args.verify, &args.output) {
        (Some(key), true, _) => verify(context, Utf8Path::new(&args.subject), key),
        (_, false, Some(output)) => export(context, &args.subject, output, args.rules.as_deref()),
        _ => Err(RunError::Value {
            what: "say where to write it with `-o FILE`, or verify one with `--verify --key KEY`"
                .to_owned(),
        }),
    }
}

fn export(
    context: &Context,
    run: &str,
    path: &Utf8Path,
    rules: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let output = context.output;
    let mut workspace = context.existing()?;
    let run: RunId = run
        .parse()
        .map_err(|error: causeway_domain::InvalidId| RunError::UnknownRun { run: error.text })?;
    let row = find(&workspace, Some(&run))?;
    let folder = workspace.state.run(&run);
    let mut attachments = Vec::new();
    for name in ["task.yaml", "causeway.yaml"] {
        let file = folder.join(name);
        let bytes = fs_err::read(&file).map_err(|error| RunError::Read {
            path: file,
            error,
            help: "the run's own copies of its files must be in the state directory".to_owned(),
        })?;
        attachments.push(Attachment {
            name: name.to_owned(),
            bytes,
        });
    }
    let recorded = causeway_run::kyc::record(
        &mut workspace,
        &row,
        &packs(rules)?,
        &causeway_run::market(None)?,
    )?;
    if let Some(recorded) = &recorded {
        attachments.extend(recorded.attachments.iter().cloned());
    }
    let model = workspace
        .logged(&run, StageName::Admit)?
        .and_then(|(_, predicate)| {
            predicate
                .pointer("/output/model")
                .and_then(|model| model.as_str().map(str::to_owned))
        });
    let also: Vec<EntryKey> = workspace
        .log
        .keys()
        .filter(|(_, key, _)| {
            model.as_ref().is_some_and(|model| {
                key.as_str().starts_with(&format!("promote/{model}/"))
                    || key.as_str().starts_with(&format!("rollback/{model}/"))
            })
        })
        .map(|(_, key, _)| key.clone())
        .collect();
    let evidence = export_evidence(&workspace.log, &run, &also, &attachments)?;
    fs_err::write(path, evidence.to_json()).map_err(|error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "name a file that can be written".to_owned(),
    })?;
    let key = workspace.log.verifier().to_string();
    if output.json {
        let kyc = recorded.as_ref().map(|recorded| &recorded.checked);
        output.document(&json!({"run": row.id, "file": path, "key": key, "kyc": kyc}));
    } else {
        output.line(format_args!("wrote {path}"));
        if let Some(recorded) = &recorded {
            output.line(format_args!(
                "with the customer's form: {}, {} question(s)",
                recorded.checked.answer,
                recorded.checked.questions.len()
            ));
        }
        output.line(format_args!("give the key by another way:  {key}"));
        output.hint(format_args!(
            "causeway evidence {path} --verify --key '{key}'"
        ));
    }
    Ok(Exit::Done)
}

fn verify(context: &Context, path: &Utf8Path, key: &str) -> Result<Exit, RunError> {
    let output = context.output;
    let text = fs_err::read_to_string(path).map_err(|error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "name a file that `causeway evidence RUN -o FILE` wrote".to_owned(),
    })?;
    let verifier: Verifier = key.parse()?;
    let mut report = Evidence::from_json(&text)?.verify(&verifier)?;
    let (mut agents, mut unsigned) = (BTreeMap::new(), Vec::new());
    for entry in &report.entries {
        match HomeRecord::of_entry(&entry.key, &entry.statement.predicate) {
            Ok(Some((record, Some(agent)))) => {
                agents.insert(entry.index, (record.manifest, agent));
            }
            Ok(_) => {}
            Err(error) => unsigned.push(Finding {
                file: "entries".into(),
                entry: Some(entry.index),
                what: error.to_string(),
            }),
        }
    }
    report.problems.extend(unsigned);
    let clean = report.is_clean();
    if output.json {
        output.document(&json!({
            "ok": clean,
            "origin": report.origin,
            "size": report.size,
            "entries": report.entries.iter().map(|entry| json!({"index": entry.index, "key": entry.key, "at": entry.at, "agent": agents.get(&entry.index).map(|(_, agent)| agent)})).collect::<Vec<_>>(),
            "attachments": report.attachments,
            "problems": report.problems,
        }));
    } else {
        for problem in &report.problems {
            output.line(format_args!("{} {problem}", output.paint("changed:", "31")));
        }
        for entry in &report.entries {
            output.line(format_args!(
                "proved  {}  {}",
                entry.at.strftime("%Y-%m-%d %H:%M:%SZ"),
                entry.key
            ));
            if let Some((manifest, agent)) = agents.get(&entry.index) {
                output.line(format_args!(
                    "          manifest {}, signed by the site's agent {agent}",
                    manifest.short()
                ));
            }
        }
        for attachment in &report.attachments {
            output.line(format_args!("file    {}", attachment.name));
        }
        output.line(if clean {
            output.paint("ok", "32")
        } else {
            output.paint("not ok", "31")
        });
    }
    Ok(if clean { Exit::Done } else { Exit::Failed })
}
