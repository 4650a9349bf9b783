//! Portfolio files: several tasks, one budget.
//!
//! [`parse`] gives a [`File`] that makes sense, or every [`Problem`] of it.

mod file;

use std::sync::Arc;

pub use file::*;

use crate::{Problem, SourceFile, schema};

/// Reads and checks a portfolio file.
///
/// # Errors
/// Every problem of the file, at its place.
pub fn parse(source: &Arc<SourceFile>) -> Result<File, Vec<Problem>> {
    let (root, file) = schema::read_one::<File>(source, "a portfolio file", &json_schema())?;
    let mut problems = Vec::new();
    let mut say = |pointer: &str, message: String, help: &str| {
        let place = root.at(pointer).place;
        problems.push(Problem::error(source, place, message).help(help));
    };
    if file.tasks.is_empty() {
        say(
            "/tasks",
            "there is no task".to_owned(),
            "name at least one: `- task: task.yaml`",
        );
    }
    for (index, task) in file.tasks.iter().enumerate() {
        if file
            .tasks
            .iter()
            .take(index)
            .any(|other| other.task == task.task)
        {
            say(
                &format!("/tasks/{index}/task"),
                format!("`{}` stands here twice", task.task),
                "a second run of it is a copy of the file under another name",
            );
        }
        if task
            .stays_in
            .as_ref()
            .is_some_and(std::collections::BTreeSet::is_empty)
        {
            say(
                &format!("/tasks/{index}/stays_in"),
                "its data may be nowhere".to_owned(),
                "leave `stays_in` out, or name a country",
            );
        }
    }
    for (index, limit) in file.limits.iter().enumerate() {
        let amounts = [
            limit.accelerator_hours.is_some(),
            limit.nodes.is_some(),
            limit.spend.is_some(),
        ];
        if amounts.iter().filter(|given| **given).count() != 1 {
            say(
                &format!("/limits/{index}"),
                "a limit must be of exactly one thing".to_owned(),
                "write one of `accelerator_hours`, `nodes`, `spend`; another limit is another entry",
            );
        }
    }
    if problems.is_empty() {
        Ok(file)
    } else {
        Err(problems)
    }
}

/// The JSON Schema of a portfolio file, as committed for editors.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(File)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<File, Vec<String>> {
        parse(&Arc::new(SourceFile::new("p.yaml", text))).map_err(|problems| {
            problems
                .iter()
                .map(|problem| {
                    let (line, _) = problem.file.line_column(problem.place.offset);
                    format!("{line}: {}", problem.message)
                })
                .collect()
        })
    }

    #[test]
    fn a_whole_file_is_read() {
        let file = of("format: causeway/portfolio/1
tasks:
  - {task: a/task.yaml, deadline: 2027-03-01, worth: 300000, stays_in: [SG, MY]}
  - {task: b/task.yaml}
budget: 900000
limits:
  - {country: MY, accelerator: H100, accelerator_hours: 5e4}
  - {site: johor, nodes: 8}
")
        .unwrap();
        assert_eq!((file.tasks.len(), file.limits.len()), (2, 2));
        assert_eq!(file.limits[0].accelerator_hours, Some(50_000.0));
        assert!(file.tasks[1].worth.is_none());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_its_place() {
        let said = of("format: causeway/portfolio/1
tasks:
  - {task: a.yaml}
  - {task: a.yaml, stays_in: []}
limits:
  - {country: MY}
  - {nodes: 1, spend: 2}
")
        .unwrap_err();
        assert_eq!(
            said,
            [
                "4: `a.yaml` stands here twice",
                "4: its data may be nowhere",
                "6: a limit must be of exactly one thing",
                "7: a limit must be of exactly one thing",
            ]
        );
        assert_eq!(
            of("format: causeway/portfolio/1\ntasks: []\n").unwrap_err(),
            ["2: there is no task"]
        );
        assert!(
            of("format: causeway/portfolio/1\ntasks: [{task: a, dealine: 2027-01-01}]\n").is_err()
        );
    }
}
