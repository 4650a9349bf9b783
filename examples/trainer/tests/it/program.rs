//! Runs the binary in a directory of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// A temporary directory with a text in it.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

/// How a process ended: exit code, events on stdout, text on stderr.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    pub(crate) errors: String,
}

/// A process that is still training.
pub(crate) struct Training {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text: String = (0..400)
            .map(|n| format!("stone {} of {} lies in the tide; ", n * n % 97, n % 11))
            .collect();
        std::fs::write(directory.path().join("text.txt"), text).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command for a very small model with its checkpoints in `name`; `more` is split at spaces.
    pub(crate) fn command(&self, name: &str, more: &str) -> Command {
        let shape = "--batch 4 --seq 16 --hidden 16 --layers 2 --heads 2 --save-every 10 --log-every 1 --threads 2";
        let mut command = program();
        command
            .arg("--data")
            .arg(self.path("text.txt"))
            .arg("--checkpoints")
            .arg(self.path(name));
        command.args(shape.split(' ')).args(more.split_whitespace());
        command
    }

    pub(crate) fn train(&self, name: &str, more: &str) -> Ended {
        ended(&self.command(name, more).output().unwrap())
    }

    pub(crate) fn start(&self, name: &str, more: &str) -> Training {
        let mut child = self
            .command(name, more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Training { child, out }
    }

    /// Names in a directory, sorted.
    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Training {
    /// Reads on until an event of this kind has come.
    pub(crate) fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(
                self.out.read_line(&mut line).unwrap() > 0,
                "ended without `{kind}`"
            );
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// Sends a signal and waits for the end; the events are those that were not read before.
    pub(crate) fn signal(mut self, name: &str) -> Ended {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
        let events = self
            .out
            .lines()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        Ended {
            code: self.child.wait().unwrap().code(),
            events,
            errors: String::new(),
        }
    }
}

impl Ended {
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.events
            .iter()
            .map(|event| event["event"].as_str().unwrap())
            .collect()
    }

    pub(crate) fn event(&self, kind: &str) -> &Value {
        self.events
            .iter()
            .find(|event| event["event"] == kind)
            .unwrap_or_else(|| panic!("no `{kind}`: {}", self.errors))
    }
}

/// The binary, with nothing of SkyPilot's in its environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway-example-trainer"));
    command
        .env_remove("SKYPILOT_NODE_RANK")
        .env_remove("SKYPILOT_NUM_NODES");
    command
}

pub(crate) fn ended(output: &Output) -> Ended {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    Ended {
        code: output.status.code(),
        events: text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
        errors: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// Every file of a checkpoint must be the same byte for byte.
pub(crate) fn assert_same(left: &Path, right: &Path) {
    let mut count = 0;
    for entry in std::fs::read_dir(left).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |side: &Path| std::fs::read(side.join(&name)).unwrap();
        assert!(
            read(left) == read(right),
            "{} differs between {} and {}",
            name.display(),
            left.display(),
            right.display()
        );
        count += 1;
    }
    assert_eq!(count, 7, "files of a checkpoint");
}
