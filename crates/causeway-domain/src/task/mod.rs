//! `task.yaml`: a SkyPilot task, unchanged.
//!
//! Every word of SkyPilot's file is known. What Causeway does not run yet is kept as a warning ([`Task::not_run`]):
//! `check` shows it, `run` refuses. A word that SkyPilot does not know is an error with a hint.
//! Words and forms: SkyPilot 0.14.1's own schema and loader.

mod file;
mod resources;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

pub use file::{File, json_schema};
pub use resources::{AtLeast, Infra, Resources};

use crate::yaml::{Content, Dialect, Node, read};
use crate::{Place, Problem, Secret, SourceFile, schema};

/// A checked task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name; the file's stem where none is written.
    pub name: String,
    /// What is synced to the site as the job's working directory.
    pub workdir: Option<Workdir>,
    /// Number of nodes, at least 1.
    pub num_nodes: u32,
    /// What the job needs.
    pub resources: Resources,
    /// Local files and folders to be put at paths of the site.
    pub mounts: Vec<Mount>,
    /// Commands that prepare a node.
    pub setup: Option<String>,
    /// Commands that run the job.
    pub run: Option<String>,
    /// Variables; `None` must be given at launch.
    pub envs: BTreeMap<String, Option<String>>,
    /// Secrets; `None` must be given at launch.
    pub secrets: BTreeMap<String, Option<Secret>>,
    /// What the file asks for and Causeway does not do: warnings of `check`, refusals of `run`.
    pub not_run: Vec<Problem>,
    /// Remarks that stop nothing.
    pub warnings: Vec<Problem>,
    /// The text, for messages and digests.
    pub source: Arc<SourceFile>,
    root: Node,
}

/// The working directory of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workdir {
    /// A folder beside the task.
    Path(String),
    /// A git repository: valid, not run yet.
    Git,
}

/// A local path that is put at a path of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The path at the site.
    pub target: String,
    /// The local path, relative to the task's folder.
    pub source: String,
    /// Where the source is named in the file.
    pub place: Place,
}

impl Task {
    /// The file's text with the values of its secrets taken out: what may be kept. Secrets are asked for again.
    #[must_use]
    pub fn text_without_secrets(&self) -> String {
        let mut places: Vec<Place> = self
            .secrets
            .iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| self.root.at(&format!("/secrets/{name}")).place)
            .collect();
        places.sort();
        let mut text = self.source.text.clone();
        for place in places.into_iter().rev() {
            if text.is_char_boundary(place.offset)
                && text.is_char_boundary(place.offset + place.length)
            {
                text.replace_range(place.offset..place.offset + place.length, "null");
            }
        }
        text
    }

    /// A remark about the value at a JSON pointer.
    #[must_use]
    pub fn problem_at(&self, pointer: &str, message: impl Into<String>) -> Problem {
        Problem::error(&self.source, self.root.at(pointer).place, message)
    }
}

/// Fields of a task that Causeway does not run, with what to do instead.
const NOT_RUN: [(&str, &str); 9] = [
    (
        "service",
        "Causeway trains; it does not serve replicas. SkyPilot runs this with `sky serve up`",
    ),
    ("pool", "worker pools are not run yet"),
    (
        "volumes",
        "volumes are not mounted yet; put the data under `file_mounts` as a local path",
    ),
    (
        "volume_mounts",
        "volumes are not mounted yet; put the data under `file_mounts` as a local path",
    ),
    (
        "config",
        "SkyPilot's own configuration has no effect on Causeway's engines",
    ),
    (
        "managed_secrets",
        "secrets come from the environment or `--secret`",
    ),
    (
        "event_callback",
        "events are read with `causeway status --json`",
    ),
    (
        "api_server_access",
        "a task can't call SkyPilot's API server from here",
    ),
    (
        "file_mounts_mapping",
        "SkyPilot writes this field itself; remove it",
    ),
];

/// Fields that are hints: nothing is lost when they have no effect.
const HINTS: [&str; 2] = ["inputs", "outputs"];

/// Reads and checks a task file.
///
/// # Errors
/// Every problem of the file, at its place. Warnings are in the task.
pub fn parse(source: &Arc<SourceFile>) -> Result<Task, Vec<Problem>> {
    let documents = read(source, Dialect::SkyPilot).map_err(|problem| vec![problem])?;
    let (header, body) = split(&documents);
    let mut problems = Vec::new();
    if let Some(header) = header {
        problems.extend(schema::check(source, header, &file::header_schema()));
    }
    let json_schema = json_schema();
    let mut tasks = Vec::new();
    for node in body {
        let before = problems.len();
        problems.extend(schema::check(source, node, &json_schema));
        if problems.len() == before {
            match one(source, node) {
                Ok(task) => tasks.push(task),
                Err(found) => problems.extend(found),
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let several = tasks.len();
    let Some(mut task) = tasks.into_iter().next() else {
        return Err(vec![
            Problem::error(source, Place::default(), "this file has no task")
                .help("write at least `run: |` with the commands of the job"),
        ]);
    };
    let name = header.and_then(|node| node.get("name")).map(Node::to_json);
    if let Some(Value::String(name)) = name {
        task.name = name;
    }
    if let Some(header) = header.filter(|node| {
        node.get("execution")
            .is_some_and(|node| node.to_json() == "parallel")
    }) {
        let problem = Problem::warning(
            source,
            header.at("/execution").place,
            "job groups are valid and not run by Causeway yet",
        );
        task.not_run.push(
            problem
                .label("a job group")
                .help("run the tasks one by one"),
        );
    } else if several > 1 {
        let place = body.get(1).map(|node| node.place).unwrap_or_default();
        let problem = Problem::warning(
            source,
            place,
            format!("a pipeline of {several} tasks is valid and not run by Causeway yet"),
        );
        task.not_run.push(
            problem
                .label("the second task")
                .help("run the tasks one by one"),
        );
    }
    Ok(task)
}

/// A first document that only names the whole (SkyPilot: pipeline or job group), and the tasks behind it.
fn split(documents: &[Node]) -> (Option<&Node>, &[Node]) {
    const HEADER: [&str; 4] = ["name", "execution", "primary_tasks", "termination_delay"];
    match documents.split_first() {
        Some((first, rest)) if !rest.is_empty() => match &first.content {
            Content::Map(entries)
                if !entries.is_empty()
                    && entries
                        .iter()
                        .all(|(key, _)| HEADER.contains(&key.text.as_str())) =>
            {
                (Some(first), rest)
            }
            // `---` at the top of a file makes an empty first document.
            Content::Scalar(Value::Null) => split(rest),
            _ => (None, documents),
        },
        _ => (None, documents),
    }
}

fn one(source: &Arc<SourceFile>, root: &Node) -> Result<Task, Vec<Problem>> {
    let file: File = serde_json::from_value(root.to_json()).map_err(|error| {
        vec![Problem::error(
            source,
            root.place,
            format!("this task can't be read: {error}"),
        )]
    })?;
    let mut reader = Reader {
        source,
        root,
        problems: Vec::new(),
        not_run: Vec::new(),
        warnings: Vec::new(),
    };
    let envs = reader.envs(&file);
    let secrets = reader.secrets(&file);
    let workdir = reader.workdir(&file, &envs);
    let mounts = reader.mounts(&file, &envs);
    let resources = match resources::read(&file, source, root) {
        Ok((resources, not_run, warnings)) => {
            reader.not_run.extend(not_run);
            reader.warnings.extend(warnings);
            resources
        }
        Err(problems) => {
            reader.problems.extend(problems);
            Resources::default()
        }
    };
    for (word, help) in NOT_RUN {
        if root
            .get(word)
            .is_some_and(|node| node.to_json() != Value::Null)
            && let Some(place) = root.key_place(word)
        {
            reader.not_run.push(
                Problem::warning(
                    source,
                    place,
                    format!("`{word}` is valid and not run by Causeway yet"),
                )
                .help(help),
            );
        }
    }
    for word in HINTS {
        if let Some(place) = root.key_place(word) {
            reader.warnings.push(Problem::warning(
                source,
                place,
                format!("`{word}` is a hint for SkyPilot's optimizer and has no effect here"),
            ));
        }
    }
    if file.run.as_deref().is_none_or(|run| run.trim().is_empty())
        && file.service.is_none()
        && file.pool.is_none()
    {
        reader.warnings.push(Problem::warning(
            source,
            root.place,
            "this task has no `run`: it prepares nodes and ends",
        ));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let stem = source
        .name
        .rsplit('/')
        .next()
        .unwrap_or(&source.name)
        .split('.')
        .next()
        .unwrap_or("task");
    Ok(Task {
        name: file
            .name
            .clone()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| stem.to_owned()),
        workdir,
        num_nodes: file.num_nodes.unwrap_or(1),
        resources,
        mounts,
        setup: file.setup.filter(|text| !text.trim().is_empty()),
        run: file.run.filter(|text| !text.trim().is_empty()),
        envs,
        secrets,
        not_run: reader.not_run,
        warnings: reader.warnings,
        source: Arc::clone(source),
        root: root.clone(),
    })
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    root: &'a Node,
    problems: Vec<Problem>,
    not_run: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    fn envs(&mut self, file: &File) -> BTreeMap<String, Option<String>> {
        let mut envs = BTreeMap::new();
        for (name, value) in file.envs.iter().flatten() {
            self.variable_name("envs", name);
            envs.insert(name.clone(), scalar(value));
        }
        envs
    }

    fn secrets(&mut self, file: &File) -> BTreeMap<String, Option<Secret>> {
        let mut secrets = BTreeMap::new();
        match &file.secrets {
            Some(Value::Object(map)) => {
                for (name, value) in map {
                    self.variable_name("secrets", name);
                    let value = scalar(value);
                    if value.as_ref().is_some_and(|value| value.contains('\n')) {
                        let place = self.root.at(&format!("/secrets/{name}")).place;
                        let message = format!("the secret `{name}` has several lines");
                        self.not_run
                            .push(Problem::warning(self.source, place, message).help(format!(
                                "write `{name}: null` and give it at launch: `--secret {name}`"
                            )));
                    }
                    secrets.insert(name.clone(), value.map(Secret::new));
                }
            }
            Some(Value::Array(names)) => {
                for name in names.iter().filter_map(Value::as_str) {
                    self.variable_name("secrets", name);
                    secrets.insert(name.to_owned(), None);
                }
            }
            _ => {}
        }
        secrets
    }

    fn variable_name(&mut self, section: &str, name: &str) {
        let good = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !good {
            let place = self
                .root
                .get(section)
                .and_then(|node| node.key_place(name))
                .unwrap_or(self.root.at(&format!("/{section}")).place);
            self.problems.push(
                Problem::error(
                    self.source,
                    place,
                    format!("`{name}` can't be the name of an environment variable"),
                )
                .help("use letters, digits and `_`, not starting with a digit"),
            );
        }
    }

    fn workdir(&mut self, file: &File, envs: &BTreeMap<String, Option<String>>) -> Option<Workdir> {
        match &file.workdir {
            Some(Value::String(path)) => Some(Workdir::Path(substitute(path, envs))),
            Some(Value::Object(_)) => {
                let place = self.root.at("/workdir").place;
                self.not_run.push(
                    Problem::warning(
                        self.source,
                        place,
                        "a workdir from git is valid and not run by Causeway yet",
                    )
                    .help("clone the repository and write its path: `workdir: ./repo`"),
                );
                Some(Workdir::Git)
            }
            _ => None,
        }
    }

    fn mounts(&mut self, file: &File, envs: &BTreeMap<String, Option<String>>) -> Vec<Mount> {
        let mut mounts = Vec::new();
        for (target, value) in file.file_mounts.iter().flatten() {
            let pointer = format!(
                "/file_mounts/{}",
                target.replace('~', "~0").replace('/', "~1")
            );
            let place = self.root.at(&pointer).place;
            match value {
                Value::String(text) if !text.contains("://") => {
                    mounts.push(Mount {
                        target: substitute(target, envs),
                        source: substitute(text, envs),
                        place,
                    });
                }
                _ => {
                    let what = match value {
                        Value::String(url) => format!("`{}`", substitute(url, envs)),
                        _ => "a bucket".to_owned(),
                    };
                    let message = format!(
                        "mounting {what} at `{target}` is valid and not run by Causeway yet"
                    );
                    self.not_run.push(
                        Problem::warning(self.source, place, message)
                            .help("copy it to a local folder and name that folder here"),
                    );
                }
            }
        }
        mounts
    }
}

/// A scalar as SkyPilot's loader makes it a string: numbers and booleans as written, nothing as `None`.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(if *flag { "True" } else { "False" }.to_owned()),
        other => Some(other.to_string()),
    }
}

/// Replaces `$NAME` and `${NAME}` by the task's own variables, as SkyPilot does in mounts and paths. Others stay.
#[must_use]
pub fn substitute(text: &str, envs: &BTreeMap<String, Option<String>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, tail, whole) = match after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some((name, tail)) => (name, tail, format!("${{{name}}}")),
            None => {
                let end = after
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
                (name, tail, format!("${name}"))
            }
        };
        match envs.get(name).and_then(Option::as_ref) {
            Some(value) => out.push_str(value),
            None => out.push_str(&whole),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
