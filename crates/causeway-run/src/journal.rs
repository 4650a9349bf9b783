//! The journal: intents, handles, cursors and the outbox, in SQLite.
//!
//! It may be lost; what the log says wins. One migration number (`user_version`); an unknown one is refused untouched.

use std::fs::File;
use std::time::Duration;

use camino::Utf8Path;
use causeway_domain::{Digest, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RunError;

const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE run (
  id TEXT PRIMARY KEY,
  task_digest TEXT NOT NULL,
  organisation_digest TEXT NOT NULL,
  task_path TEXT NOT NULL,
  organisation_path TEXT NOT NULL,
  name TEXT NOT NULL,
  site TEXT,
  created TEXT NOT NULL,
  status TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX run_by_files ON run (task_digest, organisation_digest);
CREATE TABLE stage (
  run TEXT NOT NULL REFERENCES run (id),
  stage TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  started TEXT NOT NULL,
  done TEXT,
  output TEXT,
  PRIMARY KEY (run, stage, attempt)
) STRICT;
CREATE TABLE outbox (
  run TEXT NOT NULL,
  stage TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  statement TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (run, stage, attempt)
) STRICT;
CREATE TABLE note (
  run TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, name)
) STRICT;
";

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Some stage is to be done: `causeway resume` goes on.
    Unfinished,
    /// Deployed.
    Done,
    /// Ended by an error that going on can't mend by itself.
    Failed,
    /// Stopped by somebody.
    Stopped,
}

impl Status {
    /// The word in the journal and in outputs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "done" => Self::Done,
            "failed" => Self::Failed,
            "stopped" => Self::Stopped,
            _ => Self::Unfinished,
        }
    }
}

/// A run, as the journal knows it.
#[derive(Debug, Clone, Serialize)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// BLAKE3 of the task file.
    pub task: Digest,
    /// BLAKE3 of the organisation file.
    pub organisation: Digest,
    /// Where the task file was.
    pub task_path: String,
    /// Where the organisation file was.
    pub organisation_path: String,
    /// The task's name.
    pub name: String,
    /// The site that was chosen.
    pub site: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// Why, in words, where it failed or stopped.
    pub detail: String,
}

/// A stage of a run, as the journal knows it.
#[derive(Debug, Clone, Serialize)]
pub struct StageRow {
    /// `plan`, `clear`, `stage`, `train`, `home`, `admit`, `deploy`.
    pub stage: String,
    /// From 1.
    pub attempt: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub done: Option<Timestamp>,
}

/// A statement that waits to be appended to the log.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// The stage.
    pub stage: String,
    /// The attempt.
    pub attempt: u32,
    /// The statement, JSON.
    pub statement: String,
    /// The instant that it speaks of.
    pub at: Timestamp,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    db: Connection,
}

impl Journal {
    /// Opens or makes the journal.
    ///
    /// # Errors
    /// When SQLite can't open it, or it has an unknown version.
    pub fn open(path: &Utf8Path) -> Result<Self, RunError> {
        // Until this returns: SQLite calls no busy handler for who changes the mode of a new database beside another.
        let _one_at_a_time = lock_folder(path)?;
        let mut db = Connection::open(path)?;
        db.busy_timeout(Duration::from_secs(20))?;
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version > VERSION {
            return Err(RunError::Format {
                dir: path.to_owned(),
                found: format!("journal version {version}"),
            });
        }
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        if version < VERSION {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have made the tables between the question and the lock.
            let version: i64 =
                transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if version < VERSION {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
            }
            transaction.commit()?;
        }
        Ok(Self { db })
    }

    /// Writes a new run.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn insert(&self, run: &RunRow) -> Result<(), RunError> {
        self.db.execute(
            "INSERT INTO run (id, task_digest, organisation_digest, task_path, organisation_path, name, site, created, status, detail) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
            params![
                run.id.as_str(),
                run.task.to_string(),
                run.organisation.to_string(),
                run.task_path,
                run.organisation_path,
                run.name,
                run.site,
                run.created.to_string(),
                run.status.word(),
                run.detail
            ],
        )?;
        Ok(())
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// When SQLite refuses or a row can't be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, RunError> {
        self.select("SELECT * FROM run ORDER BY id DESC", params![])
    }

    /// One run.
    ///
    /// # Errors
    /// As [`Journal::runs`].
    pub fn run(&self, id: &RunId) -> Result<Option<RunRow>, RunError> {
        Ok(self
            .select("SELECT * FROM run WHERE id = ?1", params![id.as_str()])?
            .pop())
    }

    /// The newest unfinished run of these two files.
    ///
    /// # Errors
    /// As [`Journal::runs`].
    pub fn unfinished(
        &self,
        task: &Digest,
        organisation: &Digest,
    ) -> Result<Option<RunRow>, RunError> {
        Ok(self
            .select(
                "SELECT * FROM run WHERE task_digest = ?1 AND organisation_digest = ?2 AND status = 'unfinished' ORDER BY id DESC LIMIT 1",
                params![task.to_string(), organisation.to_string()],
            )?
            .pop())
    }

    /// Unfinished runs of the same task path whose files have changed since.
    ///
    /// # Errors
    /// As [`Journal::runs`].
    pub fn left_behind(
        &self,
        task_path: &str,
        task: &Digest,
        organisation: &Digest,
    ) -> Result<Vec<RunRow>, RunError> {
        self.select(
            "SELECT * FROM run WHERE task_path = ?1 AND status = 'unfinished' AND (task_digest <> ?2 OR organisation_digest <> ?3) ORDER BY id DESC",
            params![task_path, task.to_string(), organisation.to_string()],
        )
    }

    fn select(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<RunRow>, RunError> {
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query(values)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            let text = |column: &str| row.get::<_, String>(column);
            runs.push(RunRow {
                id: parse(&text("id")?)?,
                task: parse(&text("task_digest")?)?,
                organisation: parse(&text("organisation_digest")?)?,
                task_path: text("task_path")?,
                organisation_path: text("organisation_path")?,
                name: text("name")?,
                site: row.get("site")?,
                created: parse(&text("created")?)?,
                status: Status::parse(&text("status")?),
                detail: text("detail")?,
            });
        }
        Ok(runs)
    }

    /// Sets where a run stands.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_status(&self, run: &RunId, status: Status, detail: &str) -> Result<(), RunError> {
        self.db.execute(
            "UPDATE run SET status = ?2, detail = ?3 WHERE id = ?1",
            params![run.as_str(), status.word(), detail],
        )?;
        Ok(())
    }

    /// Records the site that was chosen.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_site(&self, run: &RunId, site: &str) -> Result<(), RunError> {
        self.db.execute(
            "UPDATE run SET site = ?2 WHERE id = ?1",
            params![run.as_str(), site],
        )?;
        Ok(())
    }

    /// The stages of a run, in the order in which they began.
    ///
    /// # Errors
    /// When SQLite refuses or a row can't be read.
    pub fn stages(&self, run: &RunId) -> Result<Vec<StageRow>, RunError> {
        let mut statement = self.db.prepare(
            "SELECT stage, attempt, started, done FROM stage WHERE run = ?1 ORDER BY rowid",
        )?;
        let mut rows = statement.query(params![run.as_str()])?;
        let mut stages = Vec::new();
        while let Some(row) = rows.next()? {
            let done: Option<String> = row.get(3)?;
            stages.push(StageRow {
                stage: row.get(0)?,
                attempt: row.get(1)?,
                started: parse(&row.get::<_, String>(2)?)?,
                done: done.map(|text| parse(&text)).transpose()?,
            });
        }
        Ok(stages)
    }

    /// The newest finished attempt of a stage and what it gave.
    ///
    /// # Errors
    /// When SQLite refuses or the output can't be read.
    pub fn finished<T: DeserializeOwned>(
        &self,
        run: &RunId,
        stage: &str,
    ) -> Result<Option<(u32, T)>, RunError> {
        let row: Option<(u32, String)> = self
            .db
            .query_row(
                "SELECT attempt, output FROM stage WHERE run = ?1 AND stage = ?2 AND done IS NOT NULL ORDER BY attempt DESC LIMIT 1",
                params![run.as_str(), stage],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        row.map(|(attempt, output)| Ok((attempt, decode(&output)?)))
            .transpose()
    }

    /// Writes the intent: this stage begins. Beginning it again changes nothing.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn begin(
        &self,
        run: &RunId,
        stage: &str,
        attempt: u32,
        now: Timestamp,
    ) -> Result<(), RunError> {
        self.db.execute(
            "INSERT OR IGNORE INTO stage (run, stage, attempt, started) VALUES (?1,?2,?3,?4)",
            params![run.as_str(), stage, attempt, now.to_string()],
        )?;
        Ok(())
    }

    /// Writes the outcome and, in the same transaction, puts the statement into the outbox.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn finish<T: Serialize>(
        &mut self,
        run: &RunId,
        stage: &str,
        attempt: u32,
        output: &T,
        statement: &str,
        now: Timestamp,
    ) -> Result<(), RunError> {
        let output = encode(output)?;
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO stage (run, stage, attempt, started, done, output) VALUES (?1,?2,?3,?4,?4,?5)
             ON CONFLICT (run, stage, attempt) DO UPDATE SET done = excluded.done, output = excluded.output WHERE stage.done IS NULL",
            params![run.as_str(), stage, attempt, now.to_string(), output],
        )?;
        transaction.execute(
            "INSERT OR IGNORE INTO outbox (run, stage, attempt, statement, at) VALUES (?1,?2,?3,?4,?5)",
            params![run.as_str(), stage, attempt, statement, now.to_string()],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// What waits to be appended, oldest first.
    ///
    /// # Errors
    /// When SQLite refuses or a row can't be read.
    pub fn outbox(&self) -> Result<Vec<Waiting>, RunError> {
        let mut statement = self
            .db
            .prepare("SELECT run, stage, attempt, statement, at FROM outbox ORDER BY at, rowid")?;
        let mut rows = statement.query([])?;
        let mut waiting = Vec::new();
        while let Some(row) = rows.next()? {
            waiting.push(Waiting {
                run: parse(&row.get::<_, String>(0)?)?,
                stage: row.get(1)?,
                attempt: row.get(2)?,
                statement: row.get(3)?,
                at: parse(&row.get::<_, String>(4)?)?,
            });
        }
        Ok(waiting)
    }

    /// Takes an appended statement out of the outbox.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn appended(&self, waiting: &Waiting) -> Result<(), RunError> {
        self.db.execute(
            "DELETE FROM outbox WHERE run = ?1 AND stage = ?2 AND attempt = ?3",
            params![waiting.run.as_str(), waiting.stage, waiting.attempt],
        )?;
        Ok(())
    }

    /// Keeps a small value under a name: a job's handle, a cursor.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_note<T: Serialize>(
        &self,
        run: &RunId,
        name: &str,
        value: &T,
    ) -> Result<(), RunError> {
        self.db.execute("INSERT INTO note (run, name, value) VALUES (?1,?2,?3) ON CONFLICT (run, name) DO UPDATE SET value = excluded.value", params![run.as_str(), name, encode(value)?])?;
        Ok(())
    }

    /// Reads a value back.
    ///
    /// # Errors
    /// When SQLite refuses or the value can't be read.
    pub fn note<T: DeserializeOwned>(
        &self,
        run: &RunId,
        name: &str,
    ) -> Result<Option<T>, RunError> {
        let text: Option<String> = self
            .db
            .query_row(
                "SELECT value FROM note WHERE run = ?1 AND name = ?2",
                params![run.as_str(), name],
                |row| row.get(0),
            )
            .optional()?;
        text.map(|text| decode(&text)).transpose()
    }
}

fn encode<T: Serialize>(value: &T) -> Result<String, RunError> {
    serde_json::to_string(value).map_err(|error| RunError::Journal {
        what: error.to_string(),
    })
}

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, RunError> {
    serde_json::from_str(text).map_err(|error| RunError::Journal {
        what: error.to_string(),
    })
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, RunError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| RunError::Journal {
        what: error.to_string(),
    })
}

/// Locks the folder of a file; dropped, it is free.
fn lock_folder(path: &Utf8Path) -> Result<File, RunError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    let lock = || {
        let folder = File::open(folder)?;
        rustix::io::retry_on_intr(|| flock(&folder, FlockOperation::LockExclusive))?;
        Ok(folder)
    };
    lock().map_err(|error: std::io::Error| RunError::state(folder, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &RunId) -> RunRow {
        RunRow {
            id: id.clone(),
            task: Digest::new([1; 32]),
            organisation: Digest::new([2; 32]),
            task_path: "task.yaml".to_owned(),
            organisation_path: "causeway.yaml".to_owned(),
            name: "t".to_owned(),
            site: None,
            created: "2026-11-24T00:00:00Z".parse().unwrap(),
            status: Status::Unfinished,
            detail: String::new(),
        }
    }

    fn open() -> (tempfile::TempDir, Journal, RunId) {
        let dir = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(dir.path().join("journal.sqlite")).unwrap();
        let journal = Journal::open(&path).unwrap();
        let run = RunId::new("2026-11-24T00:00:00Z".parse().unwrap(), 1);
        journal.insert(&row(&run)).unwrap();
        (dir, journal, run)
    }

    #[test]
    fn several_processes_may_make_it_at_once() {
        for _ in 0..60 {
            let dir = tempfile::tempdir().unwrap();
            let path =
                camino::Utf8PathBuf::from_path_buf(dir.path().join("journal.sqlite")).unwrap();
            std::thread::scope(|scope| {
                let opening: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| Journal::open(&path).map(drop)))
                    .collect();
                for one in opening {
                    one.join().unwrap().unwrap();
                }
            });
        }
    }

    #[test]
    fn an_outcome_and_its_statement_are_one_transaction_and_never_change() {
        let (_dir, mut journal, run) = open();
        let now: Timestamp = "2026-11-24T00:00:01Z".parse().unwrap();
        journal.begin(&run, "train", 1, now).unwrap();
        assert!(journal.finished::<u32>(&run, "train").unwrap().is_none());
        journal.finish(&run, "train", 1, &7_u32, "{}", now).unwrap();
        journal
            .finish(&run, "train", 1, &8_u32, "{\"other\":1}", now)
            .unwrap();
        assert_eq!(
            journal.finished::<u32>(&run, "train").unwrap(),
            Some((1, 7))
        );
        let outbox = journal.outbox().unwrap();
        assert_eq!((outbox.len(), outbox[0].statement.as_str()), (1, "{}"));
        journal.appended(&outbox[0]).unwrap();
        assert!(journal.outbox().unwrap().is_empty());
    }

    #[test]
    fn the_same_files_find_their_unfinished_run() {
        let (_dir, journal, run) = open();
        let found = journal
            .unfinished(&Digest::new([1; 32]), &Digest::new([2; 32]))
            .unwrap()
            .unwrap();
        assert_eq!(found.id, run);
        assert!(
            journal
                .unfinished(&Digest::new([3; 32]), &Digest::new([2; 32]))
                .unwrap()
                .is_none()
        );
        assert_eq!(
            journal
                .left_behind("task.yaml", &Digest::new([3; 32]), &Digest::new([2; 32]))
                .unwrap()
                .len(),
            1
        );
        journal.set_status(&run, Status::Done, "").unwrap();
        assert!(
            journal
                .unfinished(&Digest::new([1; 32]), &Digest::new([2; 32]))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn an_unknown_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(dir.path().join("journal.sqlite")).unwrap();
        Journal::open(&path)
            .unwrap()
            .db
            .pragma_update(None, "user_version", 99)
            .unwrap();
        assert!(matches!(Journal::open(&path), Err(RunError::Format { .. })));
    }
}
