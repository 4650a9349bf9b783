//! A job as text: what the launcher needs, and the files that it becomes at the site.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::Utf8PathBuf;
use causeway_domain::{RunId, Secret, SiteId};

use crate::BackendError;
use crate::quote::{fits, is_variable, quote};

/// What the launcher needs to know of one attempt. All text is final: nothing in it is substituted any more.
///
/// Paths that start with `~/`, or with no `/`, are in the home directory at the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// The run.
    pub run: RunId,
    /// From 1. A recovery of the run is a new attempt.
    pub attempt: u32,
    /// The task's name, for `SKYPILOT_TASK_ID`.
    pub name: String,
    /// Who launched, for `SKYPILOT_USER`; the account at the site when unknown.
    pub user: Option<String>,
    /// The run's own directory at the site, below the site's directory.
    pub directory: Utf8PathBuf,
    /// Where setup and run start; made when missing.
    pub workdir: Utf8PathBuf,
    /// Shell text that prepares the machine. When it fails, `run_script` is not started.
    pub setup: Option<String>,
    /// Shell text of the job, for bash where there is one.
    pub run_script: String,
    /// Environment variables of both.
    pub envs: BTreeMap<String, String>,
    /// Environment variables that nobody is shown: they travel by standard input into a 0600 file that is deleted once read.
    pub secrets: BTreeMap<String, Secret>,
    /// Nodes. On one machine more than one means as many processes that stand in for machines.
    pub nodes: u32,
    /// GPUs a node, 0 without.
    pub gpus_per_node: u32,
    /// How long a job may take to end after it was told to, before it is killed. Seconds.
    pub grace_seconds: u32,
}

/// The most nodes that are stood in for by processes of one machine.
pub const MOST_STAND_INS: u32 = 64;

/// Variables that shells make read-only: exporting one ends the shell.
const READ_ONLY: [&str; 6] = [
    "UID",
    "EUID",
    "PPID",
    "BASHOPTS",
    "SHELLOPTS",
    "BASH_VERSINFO",
];

impl JobSpec {
    /// `SKYPILOT_TASK_ID`: the same over all attempts of the run.
    ///
    /// SkyPilot's documented format is `sky-<timestamp>_<cluster-name>_<task-id>`; the run id's random letters stand where
    /// SkyPilot has microseconds, and the task's name where it has the cluster's.
    #[must_use]
    pub fn task_id(&self) -> String {
        let (time, tail) = self
            .run
            .as_str()
            .split_once('-')
            .unwrap_or((self.run.as_str(), "0"));
        let mut stamp = String::new();
        for (index, digit) in time.chars().filter(char::is_ascii_digit).enumerate() {
            if matches!(index, 4 | 6 | 8 | 10 | 12) {
                stamp.push('-');
            }
            stamp.push(digit);
        }
        format!("sky-{stamp}-{tail}_{}_1", self.name)
    }

    /// The files of the staging directory, in the order in which they are sent.
    ///
    /// # Errors
    /// [`BackendError::Job`] when a name or a text can't be given to a shell.
    pub(crate) fn files(&self, site: &SiteId) -> Result<Vec<(&'static str, String)>, BackendError> {
        self.check(site)?;
        let mut files = vec![
            (
                "job.sh",
                format!("{}\n{}", crate::site::COMMON, crate::site::JOB),
            ),
            ("config.sh", self.config()),
            (
                "env-run.sh",
                self.environment("NODE_IPS", "NODE_RANK", "NUM_GPUS_PER_NODE"),
            ),
        ];
        if let Some(setup) = &self.setup {
            files.push((
                "env-setup.sh",
                self.environment(
                    "SETUP_NODE_IPS",
                    "SETUP_NODE_RANK",
                    "SETUP_NUM_GPUS_PER_NODE",
                ),
            ));
            files.push(("setup.sh", setup.clone()));
        }
        files.push(("run.sh", self.run_script.clone()));
        if !self.secrets.is_empty() {
            files.push((
                "secrets.sh",
                exports(
                    self.secrets
                        .iter()
                        .map(|(name, secret)| (name.as_str(), secret.reveal())),
                ),
            ));
        }
        Ok(files)
    }

    fn check(&self, site: &SiteId) -> Result<(), BackendError> {
        let wrong = |what: String, help: &'static str| {
            Err(BackendError::Job {
                site: site.clone(),
                what,
                help,
            })
        };
        for name in self.envs.keys().chain(self.secrets.keys()) {
            if !is_variable(name) {
                return wrong(
                    format!("`{name}` is not the name of an environment variable"),
                    "use letters, digits and `_`, not starting with a digit",
                );
            }
            if READ_ONLY.contains(&name.as_str()) {
                return wrong(
                    format!("the shell does not let `{name}` be set"),
                    "choose another name",
                );
            }
        }
        if let Some(name) = self
            .envs
            .keys()
            .find(|name| self.secrets.contains_key(*name))
        {
            return wrong(
                format!("`{name}` is in `envs` and in `secrets`"),
                "keep it in one of them",
            );
        }
        let secrets = self
            .secrets
            .iter()
            .map(|(name, secret)| (name.as_str(), secret.reveal()));
        let texts = [
            ("setup", self.setup.as_deref().unwrap_or_default()),
            ("run", &self.run_script),
            ("name", &self.name),
        ];
        let envs = self
            .envs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some((name, _)) = texts
            .into_iter()
            .chain(envs)
            .chain(secrets)
            .find(|(_, text)| !fits(text))
        {
            return wrong(
                format!("`{name}` holds a NUL character"),
                "remove it: no shell can carry it",
            );
        }
        for path in [&self.directory, &self.workdir] {
            if path.as_str().is_empty() || path.as_str().contains(['\n', '\0']) {
                return wrong(
                    format!("`{path}` is not a path"),
                    "write a path without line breaks",
                );
            }
        }
        if self.nodes == 0 || self.nodes > MOST_STAND_INS {
            return wrong(
                format!("{} nodes can't be processes of one machine", self.nodes),
                "1 to 64 nodes can; for more choose a site with an engine for several machines",
            );
        }
        Ok(())
    }

    fn config(&self) -> String {
        let workdir = if self.workdir.is_absolute() {
            quote(self.workdir.as_str())
        } else {
            let below = self.workdir.as_str();
            let below = below
                .strip_prefix("~/")
                .unwrap_or(if below == "~" { "" } else { below });
            format!("\"$HOME\"/{}", quote(below))
        };
        format!(
            "nodes={}\ngpus={}\ngrace={}\nworkdir={workdir}\n",
            self.nodes, self.gpus_per_node, self.grace_seconds
        )
    }

    /// Reads `$1` (rank), `$2` (account) and `$3` (GPUs of the rank) of the supervisor's `start`.
    fn environment(&self, ips: &str, rank: &str, gpus: &str) -> String {
        let mut text = exports(
            self.envs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let addresses = vec!["127.0.0.1"; usize::try_from(self.nodes).unwrap_or(1)].join("\n");
        let user = self
            .user
            .as_deref()
            .map_or_else(|| "\"$2\"".to_owned(), quote);
        let task = quote(&self.task_id());
        let _ = write!(
            text,
            "export SKYPILOT_{ips}={}\nexport SKYPILOT_{rank}=\"$1\"\nexport SKYPILOT_{gpus}={}\n\
             export SKYPILOT_NUM_NODES={}\nexport SKYPILOT_TASK_ID={task}\nexport SKYPILOT_USER={user}\n",
            quote(&addresses),
            self.gpus_per_node,
            self.nodes
        );
        if self.nodes > 1 && self.gpus_per_node > 0 {
            // Machines have GPUs of their own; processes of one machine share theirs out.
            text.push_str("export CUDA_VISIBLE_DEVICES=\"$3\"\n");
        }
        text
    }
}

fn exports<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "export {name}={}", quote(value));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> JobSpec {
        JobSpec {
            run: "20261124T131500Z-7k3m9q".parse().unwrap(),
            attempt: 1,
            name: "tiny".to_owned(),
            user: None,
            directory: "/site/runs/x".into(),
            workdir: "~/work dir".into(),
            setup: None,
            run_script: "true".to_owned(),
            envs: BTreeMap::from([("A".to_owned(), "it's".to_owned())]),
            secrets: BTreeMap::from([("TOKEN".to_owned(), Secret::new("hush"))]),
            nodes: 2,
            gpus_per_node: 4,
            grace_seconds: 10,
        }
    }

    fn file(files: &[(&'static str, String)], name: &str) -> String {
        files
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
            .clone()
    }

    #[test]
    fn the_task_id_is_that_of_skypilot_and_stays_over_attempts() {
        let first = spec();
        assert_eq!(first.task_id(), "sky-2026-11-24-13-15-00-7k3m9q_tiny_1");
        assert_eq!(
            JobSpec {
                attempt: 2,
                ..spec()
            }
            .task_id(),
            first.task_id()
        );
    }

    #[test]
    fn secrets_are_in_their_own_file_and_in_no_debug_text() {
        let site: SiteId = "s".parse().unwrap();
        let files = spec().files(&site).unwrap();
        for (name, text) in &files {
            assert_eq!(text.contains("hush"), *name == "secrets.sh", "{name}");
        }
        assert!(!format!("{:?}", spec()).contains("hush"));
    }

    #[test]
    fn files_quote_and_name_what_the_phase_has() {
        let site: SiteId = "s".parse().unwrap();
        let files = JobSpec {
            setup: Some("echo".to_owned()),
            ..spec()
        }
        .files(&site)
        .unwrap();
        let run = file(&files, "env-run.sh");
        assert!(run.contains("export A='it'\\''s'\n"), "{run}");
        assert!(
            run.contains("export SKYPILOT_NODE_IPS='127.0.0.1\n127.0.0.1'\n"),
            "{run}"
        );
        assert!(run.contains("CUDA_VISIBLE_DEVICES=\"$3\""));
        assert!(file(&files, "env-setup.sh").contains("export SKYPILOT_SETUP_NODE_RANK=\"$1\"\n"));
        assert!(file(&files, "config.sh").contains("workdir=\"$HOME\"/'work dir'\n"));
    }

    #[test]
    fn what_no_shell_can_carry_is_refused() {
        let site: SiteId = "s".parse().unwrap();
        let with = |name: &str, value: &str| JobSpec {
            envs: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            ..spec()
        };
        for bad in [
            with("A-B", "x"),
            with("A;id", "x"),
            with("UID", "0"),
            with("TOKEN", "x"),
            with("A", "x\0y"),
            JobSpec { nodes: 0, ..spec() },
            JobSpec {
                nodes: 65,
                ..spec()
            },
            JobSpec {
                directory: "a\nb".into(),
                ..spec()
            },
        ] {
            let error = bad.files(&site).unwrap_err();
            assert!(matches!(error, BackendError::Job { .. }), "{error}");
        }
    }
}
