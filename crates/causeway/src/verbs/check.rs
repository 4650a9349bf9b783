//! `causeway check`: validate task and organisation files.

use causeway_domain::{Problem, Severity, organisation, task};
use causeway_run::{RunError, files};
use serde_json::{Value, json};

use crate::cli::CheckArgs;
use crate::output::{Exit, problem_json};
use crate::verbs::Context;

pub(crate) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let mut checked: Vec<(String, Vec<Problem>)> = Vec::new();
    for file in &args.files {
        let source = files::source(file)?;
        let problems = match task::parse(&source) {
            Ok(task) => task.not_run.into_iter().chain(task.warnings).collect(),
            Err(problems) => problems,
        };
        checked.push((file.to_string(), problems));
        if args.task_only {
            continue;
        }
        let path = files::find_organisation(context.organisation.as_deref(), file)?;
        if checked.iter().any(|(name, _)| *name == path.as_str()) {
            continue;
        }
        let source = files::source(&path)?;
        checked.push((
            path.to_string(),
            organisation::parse(&source).err().unwrap_or_default(),
        ));
    }
    let failed = |problems: &[Problem]| {
        problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    };
    let exit = if checked.iter().any(|(_, problems)| failed(problems)) {
        Exit::Usage
    } else {
        Exit::Done
    };
    if output.json {
        let files: Vec<Value> = checked.iter().map(|(file, problems)| json!({"file": file, "ok": !failed(problems), "problems": problems.iter().map(problem_json).collect::<Vec<_>>()})).collect();
        output.document(&json!({ "files": files }));
        return Ok(exit);
    }
    for (file, problems) in &checked {
        for problem in problems {
            output.problem(problem);
        }
        let errors = problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count();
        let warnings = problems.len() - errors;
        let verdict = if errors == 0 {
            output.paint("ok", "32")
        } else {
            output.paint("not ok", "31")
        };
        output.line(match (errors, warnings) {
            (0, 0) => format!("{file}: {verdict}"),
            (0, _) => format!("{file}: {verdict}, {warnings} warning(s)"),
            _ => format!("{file}: {verdict}, {errors} error(s), {warnings} warning(s)"),
        });
    }
    Ok(exit)
}
