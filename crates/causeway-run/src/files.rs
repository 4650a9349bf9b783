//! The user's two files, found, read and checked.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::organisation::{self, Organisation};
use causeway_domain::task::{self, Task};
use causeway_domain::{Digest, Problem, SourceFile};

use crate::RunError;
use crate::state::read_text;

/// Largest task or organisation file that is read: 4 MiB.
const LIMIT: u64 = 4 << 20;

/// A task and its organisation, with where they are.
#[derive(Debug, Clone)]
pub struct Files {
    /// The task.
    pub task: Task,
    /// The organisation.
    pub organisation: Organisation,
    /// The folder that the task's paths are relative to.
    pub task_folder: Utf8PathBuf,
    /// The folder that the organisation's paths are relative to.
    pub organisation_folder: Utf8PathBuf,
    /// Absolute path of the task file.
    pub task_path: Utf8PathBuf,
    /// Absolute path of the organisation file.
    pub organisation_path: Utf8PathBuf,
}

impl Files {
    /// BLAKE3 of the task file.
    #[must_use]
    pub fn task_digest(&self) -> Digest {
        digest(&self.task.source.text)
    }

    /// BLAKE3 of the organisation file.
    #[must_use]
    pub fn organisation_digest(&self) -> Digest {
        digest(&self.organisation.source.text)
    }
}

/// BLAKE3 of a text.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest::new(*blake3::hash(text.as_bytes()).as_bytes())
}

/// Reads a file as the user named it.
///
/// # Errors
/// [`RunError::Read`] when it is not there, too large, or not UTF-8.
pub fn source(path: &Utf8Path) -> Result<Arc<SourceFile>, RunError> {
    text(
        path,
        "`causeway init` writes a commented pair of files to start from",
    )
}

/// The same for another file that a user writes. `missing`: what to do when it is not there.
///
/// # Errors
/// As [`source`].
pub fn text(path: &Utf8Path, missing: &str) -> Result<Arc<SourceFile>, RunError> {
    let text = read_text(path, LIMIT).map_err(|error| {
        let help = if error.kind() == std::io::ErrorKind::NotFound {
            missing
        } else {
            "it must be a text file in UTF-8"
        };
        RunError::Read {
            path: path.to_owned(),
            error,
            help: help.to_owned(),
        }
    })?;
    Ok(Arc::new(SourceFile::new(path.as_str(), text)))
}

/// Writes a file that is not there yet.
///
/// # Errors
/// [`RunError::Write`] when something is there, or the folder can't be written.
pub fn write_new(path: &Utf8Path, text: &str) -> Result<(), RunError> {
    use std::io::Write as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| RunError::Write {
            path: path.to_owned(),
            help: match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    "it is there and is not overwritten: name a file that is not there yet"
                }
                _ => "its folder must be there and writable",
            }
            .to_owned(),
            error,
        })
}

/// The organisation file of a task: the one that was named, else the nearest `causeway.yaml` in its folder or above.
///
/// # Errors
/// [`RunError::NoOrganisation`] when there is none.
pub fn find_organisation(
    named: Option<&Utf8Path>,
    task: &Utf8Path,
) -> Result<Utf8PathBuf, RunError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let folder = absolute(task)?
        .parent()
        .map(Utf8Path::to_owned)
        .unwrap_or_default();
    let found = folder
        .ancestors()
        .map(|folder| folder.join("causeway.yaml"))
        .find(|path| path.is_file());
    found.map(|path| relative_to_here(&path)).ok_or_else(|| {
        // One under another name is a guess that a person may make, and this program may not.
        let here = fs_err::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
            .filter(|name| task.file_name() != Some(name));
        let mut here: Vec<String> = here.collect();
        here.sort();
        let beside = if here.is_empty() {
            String::new()
        } else {
            format!("; beside the task there are {}", here.join(", "))
        };
        RunError::NoOrganisation {
            folder: folder.clone(),
            help: format!(
                "write one with `causeway init`, or name it with `--organisation FILE`{beside}"
            ),
        }
    })
}

/// A path below the working directory is shown as the user would write it.
fn relative_to_here(path: &Utf8Path) -> Utf8PathBuf {
    let here = std::env::current_dir()
        .ok()
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
    here.and_then(|here| path.strip_prefix(&here).ok().map(Utf8Path::to_owned))
        .unwrap_or_else(|| path.to_owned())
}

/// An absolute path, with `.` and `..` resolved by name.
///
/// # Errors
/// [`RunError::Read`] when the working directory is gone or is not UTF-8.
pub fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, RunError> {
    camino::absolute_utf8(path).map_err(|error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "run from a folder that exists".to_owned(),
    })
}

/// Reads and checks both files.
///
/// # Errors
/// [`RunError::Files`] with every problem of both, or [`RunError::Read`].
pub fn load(task_path: &Utf8Path, organisation: Option<&Utf8Path>) -> Result<Files, RunError> {
    let task_source = source(task_path)?;
    let organisation_path = find_organisation(organisation, task_path)?;
    let organisation_source = source(&organisation_path)?;
    parse(
        &task_source,
        &organisation_source,
        task_path,
        &organisation_path,
    )
}

/// Checks both texts; the paths say what their relative paths are relative to.
///
/// # Errors
/// [`RunError::Files`] with every problem of both.
pub fn parse(
    task_source: &Arc<SourceFile>,
    organisation_source: &Arc<SourceFile>,
    task_path: &Utf8Path,
    organisation_path: &Utf8Path,
) -> Result<Files, RunError> {
    let (task, organisation) = match (
        task::parse(task_source),
        organisation::parse(organisation_source),
    ) {
        (Ok(task), Ok(organisation)) => (task, organisation),
        (task, organisation) => {
            let mut problems: Vec<Problem> = task.err().unwrap_or_default();
            problems.extend(organisation.err().unwrap_or_default());
            return Err(RunError::Files { problems });
        }
    };
    let (task_path, organisation_path) = (absolute(task_path)?, absolute(organisation_path)?);
    let folder = |path: &Utf8Path| path.parent().map(Utf8Path::to_owned).unwrap_or_default();
    Ok(Files {
        task,
        organisation,
        task_folder: folder(&task_path),
        organisation_folder: folder(&organisation_path),
        task_path,
        organisation_path,
    })
}

/// Puts a text in place of a file of the user's: whole or not at all. Who may read it stays as it was, and a link goes on
/// pointing at the file.
///
/// # Errors
/// [`RunError::Write`] when the file can't be written.
pub fn replace(path: &Utf8Path, text: &str) -> Result<(), RunError> {
    let refused = |error: std::io::Error| RunError::Write {
        path: path.to_owned(),
        error,
        help: "the file and its folder must be writable".to_owned(),
    };
    let target = path.canonicalize_utf8().map_err(refused)?;
    let mode = fs_err::metadata(&target).map_err(refused)?.permissions();
    crate::state::publish_as(&target, text.as_bytes(), Some(mode)).map_err(|error| match error {
        RunError::State { error, .. } => refused(error),
        other => other,
    })
}
