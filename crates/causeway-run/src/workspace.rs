//! Everything at home, opened once a process: state, journal, log, registry, store.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::{Env, Problem, RunId, SourceFile, Timestamp};
use causeway_law::{PackFile, Packs};
use causeway_ledger::{Appended, EntryKey, LedgerError, Log, LogKey, Statement};
use causeway_registry::Registry;
use causeway_transfer::Store;
use serde_json::Value;

use crate::events::StageName;
use crate::journal::Journal;
use crate::state::{State, read_text};
use crate::{RunError, env::System};

/// The log's name in its checkpoints. A log of one organisation's machine has no address of its own.
pub const ORIGIN: &str = "causeway.local/log";

/// Type URI of the statements of a stage; the stage's word follows.
const PREDICATE: &str = "https://causeway.local/statement/";

/// How often an append is tried again when another process appended between the reading of the clock and the lock.
const CLOCK_TRIES: u32 = 20;

/// Largest file of a folder of rule packs that is read.
const PACK_LIMIT: u64 = 256 << 20;

/// Everything at home.
#[derive(Debug)]
pub struct Workspace {
    /// The state directory.
    pub state: State,
    /// Time, chance and faults.
    pub env: Arc<System>,
    /// Intents.
    pub journal: Journal,
    /// Facts.
    pub log: Log,
    /// Models.
    pub registry: Arc<Registry>,
    /// Bytes.
    pub store: Store,
}

impl Workspace {
    /// Opens what is at home, making it where there is none, and appends what a crash left in the outbox.
    ///
    /// # Errors
    /// When a part can't be opened or was written by another version.
    pub fn open(dir: &Utf8Path, env: Arc<System>) -> Result<Self, RunError> {
        let state = State::open(dir, env.now.is_some())?;
        let journal = Journal::open(&state.journal())?;
        let key = LogKey::open_or_create(&state.log_key(), ORIGIN)?;
        let log = Log::open(&state.log(), key)?;
        let store = Store::open(&state.store())?;
        let registry = Arc::new(Registry::open(&state.registry(), &store.files())?);
        let mut workspace = Self {
            state,
            env,
            journal,
            log,
            registry,
            store,
        };
        workspace.drain()?;
        Ok(workspace)
    }

    /// The present instant; never before the log's last entry.
    ///
    /// # Errors
    /// [`RunError::ClockBehind`]: nothing is cleared then.
    pub fn now(&self) -> Result<Timestamp, RunError> {
        let now = self.env.now();
        match self.log.last_instant() {
            Some(last) if now < last => Err(RunError::ClockBehind { now, last }),
            _ => Ok(now),
        }
    }

    /// Appends what waits in the outbox. Repeating it appends nothing twice.
    ///
    /// # Errors
    /// When the log refuses; the outbox then still holds the statement.
    pub fn drain(&mut self) -> Result<(), RunError> {
        for waiting in self.journal.outbox()? {
            let statement = Statement::parse(&waiting.statement)?;
            self.append(
                &EntryKey::stage(&waiting.run, &waiting.stage, waiting.attempt),
                &statement,
            )?;
            self.journal.appended(&waiting)?;
        }
        Ok(())
    }

    /// Appends a statement now.
    ///
    /// # Errors
    /// When the log refuses.
    pub fn append(&mut self, key: &EntryKey, statement: &Statement) -> Result<u64, RunError> {
        let mut tries = 0;
        loop {
            match self
                .log
                .append_with(key, statement, self.env.now(), self.env.as_ref())
            {
                Ok(Appended::New(index) | Appended::Already(index)) => return Ok(index),
                // Another process appended between our look at the clock and the lock: look again. A clock that is
                // really behind stays behind.
                Err(LedgerError::ClockBehind { .. }) if tries < CLOCK_TRIES => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the log says that a stage gave: the newest attempt's output.
    ///
    /// # Errors
    /// When an entry can't be read.
    pub fn logged(&self, run: &RunId, stage: StageName) -> Result<Option<(u32, Value)>, RunError> {
        let mut newest = None;
        for attempt in 1.. {
            let Some(statement) = self.statement(&EntryKey::stage(run, stage.word(), attempt))?
            else {
                break;
            };
            newest = Some((attempt, statement.predicate));
        }
        Ok(newest)
    }

    /// The statement under a key.
    ///
    /// # Errors
    /// When the entry can't be read.
    pub fn statement(&self, key: &EntryKey) -> Result<Option<Statement>, RunError> {
        match self.log.find(key)? {
            Some((_, entry)) => Ok(Some(entry.envelope.statement()?)),
            None => Ok(None),
        }
    }
}

/// The type URI of a stage's statement.
#[must_use]
pub fn predicate_type(stage: &str) -> String {
    format!("{PREDICATE}{stage}/v1")
}

/// A value that can be signed: numbers that are not whole become text, since their digits differ between programs.
#[must_use]
pub fn signable(value: Value) -> Value {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            Value::String(number.to_string())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(signable).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (key, signable(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The rule packs: the built-in ones, with a folder of the user's own that replaces or adds.
///
/// # Errors
/// When the folder can't be read; [`RunError::Files`] with everything that is wrong when a file of it is no pack.
pub fn packs(folder: Option<&Utf8Path>) -> Result<Packs, RunError> {
    let Some(folder) = folder else {
        return Ok(Packs::builtin()?);
    };
    let files = pack_files(folder)?;
    Packs::from_files(files.clone()).map_err(|error| {
        let mut problems = problems(folder, files);
        problems.retain(|problem| problem.severity == causeway_domain::Severity::Error);
        if problems.is_empty() {
            return error.into();
        }
        RunError::Files { problems }
    })
}

/// Everything that is wrong with a folder of rule packs, laid over the built-in ones; files are named as the user finds them.
///
/// # Errors
/// When the folder can't be read.
pub fn check_packs(folder: &Utf8Path) -> Result<Vec<Problem>, RunError> {
    Ok(problems(folder, pack_files(folder)?))
}

fn problems(folder: &Utf8Path, files: Vec<PackFile>) -> Vec<Problem> {
    let own: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
    Packs::check(files)
        .into_iter()
        .map(|problem| {
            if !own.contains(&problem.file.name) {
                return problem;
            }
            let name = folder.join(&problem.file.name);
            let file = Arc::new(SourceFile::new(name, &problem.file.text));
            Problem { file, ..problem }
        })
        .collect()
}

/// The files of a folder of rule packs.
fn pack_files(folder: &Utf8Path) -> Result<Vec<PackFile>, RunError> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    let read = |path: &Utf8Path, error: std::io::Error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "name a folder of rule packs: `DIR/us/rules.cedar`".to_owned(),
    };
    while let Some(directory) = waiting.pop() {
        for entry in directory
            .read_dir_utf8()
            .map_err(|error| read(&directory, error))?
        {
            let entry = entry.map_err(|error| read(&directory, error))?;
            let path = entry.path().to_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if matches!(path.extension(), Some("cedar" | "yaml" | "json")) {
                let text = read_text(&path, PACK_LIMIT).map_err(|error| read(&path, error))?;
                let name = path
                    .strip_prefix(folder)
                    .unwrap_or(&path)
                    .as_str()
                    .to_owned();
                files.push(PackFile { path: name, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_no_fractions() {
        let value = signable(serde_json::json!({"a": [1.5, 2, {"b": 0.1}], "c": "x"}));
        assert_eq!(
            value,
            serde_json::json!({"a": ["1.5", 2, {"b": "0.1"}], "c": "x"})
        );
    }
}
