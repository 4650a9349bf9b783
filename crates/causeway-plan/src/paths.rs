//! Which declared datasets a task sends, which of its paths are code, and what nobody declared.

use std::collections::BTreeSet;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use causeway_domain::organisation::{Organisation, Workload};
use causeway_domain::task::{Task, Workdir};
use causeway_domain::{DatasetId, Problem};

/// Something that is put at the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Where it lies here, absolute.
    pub source: Utf8PathBuf,
    /// Where it goes, relative to the workdir; empty for the workdir itself.
    pub target: Utf8PathBuf,
    /// The datasets that it carries.
    pub datasets: BTreeSet<DatasetId>,
}

/// What a task sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shipments {
    /// Each thing that is put at the site, the workdir first.
    pub all: Vec<Shipment>,
    /// Paths that are neither a declared dataset nor code, as the task names them.
    pub undeclared: Vec<String>,
    /// Whether any code is sent.
    pub code: bool,
}

impl Shipments {
    /// Every dataset that is sent.
    #[must_use]
    pub fn datasets(&self) -> BTreeSet<DatasetId> {
        self.all
            .iter()
            .flat_map(|shipment| shipment.datasets.iter().cloned())
            .collect()
    }
}

/// Resolves `.` and `..` by name: nothing is looked up.
#[must_use]
pub fn normal(folder: &Utf8Path, path: &str) -> Utf8PathBuf {
    let mut out = Utf8PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                out.pop();
            }
            other => out.push(other.as_str()),
        }
    }
    out
}

/// Sorts a task's paths. Both folders are absolute.
///
/// # Errors
/// A problem for each target that does not lie inside the workdir.
pub(crate) fn shipments(
    task: &Task,
    task_folder: &Utf8Path,
    organisation: &Organisation,
    organisation_folder: &Utf8Path,
    workload: Option<&Workload>,
) -> Result<Shipments, Vec<Problem>> {
    let datasets: Vec<(&DatasetId, Utf8PathBuf)> = organisation
        .datasets()
        .iter()
        .map(|(id, dataset)| (id, normal(organisation_folder, &dataset.path)))
        .collect();
    let code: Vec<Utf8PathBuf> = workload
        .iter()
        .flat_map(|workload| &workload.code)
        .map(|path| normal(organisation_folder, path))
        .collect();
    // A dataset travels with a path that holds it, and a path inside a dataset is a part of it.
    let carried = |path: &Utf8Path| {
        datasets
            .iter()
            .filter(|(_, data)| path.starts_with(data) || data.starts_with(path))
            .map(|(id, _)| (*id).clone())
            .collect::<BTreeSet<_>>()
    };
    let mut out = Shipments::default();
    let mut problems = Vec::new();
    if let Some(Workdir::Path(path)) = &task.workdir {
        let source = normal(task_folder, path);
        out.code = true;
        out.all.push(Shipment {
            datasets: carried(&source),
            source,
            target: Utf8PathBuf::new(),
        });
    }
    for mount in &task.mounts {
        let source = normal(task_folder, &mount.source);
        let inside = !mount.target.starts_with(['/', '~'])
            && !Utf8Path::new(&mount.target)
                .components()
                .any(|part| part == Utf8Component::ParentDir);
        if !inside {
            problems.push(
                Problem::error(&task.source, mount.place, format!("`{}` does not lie inside the working directory at the site", mount.target))
                    .help("causeway puts files inside the workdir only: write a relative target such as `data`"),
            );
        }
        let is_code = code.iter().any(|path| source.starts_with(path));
        let is_data = datasets.iter().any(|(_, path)| source.starts_with(path));
        out.code |= is_code;
        if !is_code && !is_data {
            out.undeclared.push(mount.source.clone());
        }
        out.all.push(Shipment {
            datasets: carried(&source),
            source,
            target: normal(Utf8Path::new(""), &mount.target),
        });
    }
    if problems.is_empty() {
        Ok(out)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_domain::{SourceFile, organisation, task};

    use super::*;

    fn of(mounts: &str, workdir: &str) -> Result<Shipments, Vec<Problem>> {
        let task = task::parse(&Arc::new(SourceFile::new(
            "task.yaml",
            format!("{workdir}file_mounts: {{{mounts}}}\nrun: x\n"),
        )))
        .unwrap();
        let text = "organisation: a\nparties: {a: {name: A}}\nhome: {country: SG}\ndatasets: {corpus: {path: data/corpus}}\nworkloads: {task: {model: a/m, code: [bin]}}\n";
        let organisation =
            organisation::parse(&Arc::new(SourceFile::new("causeway.yaml", text))).unwrap();
        let workload = organisation
            .workload(Some("task"))
            .map(|(_, workload)| workload.clone());
        shipments(
            &task,
            Utf8Path::new("/repo/task"),
            &organisation,
            Utf8Path::new("/repo"),
            workload.as_ref(),
        )
    }

    #[test]
    fn parts_and_wholes_of_a_dataset_are_the_dataset() {
        for mount in ["d: ../data/corpus", "d: ../data/corpus/part.txt"] {
            let found = of(mount, "").unwrap();
            assert_eq!(found.datasets().len(), 1, "{mount}");
            assert!(found.undeclared.is_empty() && !found.code, "{mount}");
        }
        let found = of("d: ../data", "").unwrap();
        assert_eq!(
            found.undeclared,
            ["../data"],
            "a folder that holds more than the dataset is not declared by it"
        );
        assert_eq!(found.datasets().len(), 1);
    }

    #[test]
    fn a_workdir_that_holds_a_dataset_carries_it() {
        let found = of("", "workdir: ..\n").unwrap();
        assert!(found.code);
        assert_eq!(found.datasets().len(), 1);
        assert_eq!(found.all[0].source, "/repo");
    }

    #[test]
    fn what_nobody_declared_is_named_and_code_is_code() {
        let found = of("bin/x: ../bin/x, y: ./secret", "").unwrap();
        assert!(found.code);
        assert_eq!(found.undeclared, ["./secret"]);
    }

    #[test]
    fn targets_stay_inside_the_workdir() {
        for target in ["/data", "~/data", "a/../../b"] {
            assert!(
                of(&format!("{target}: ../data/corpus"), "").is_err(),
                "{target}"
            );
        }
    }
}
