//! A site for one test: this machine, or the sshd that the environment names.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_backends::{Engine, Ground, JobSpec, Local, Ssh, SshOptions};
use causeway_domain::{Crash, Env, RunId, Timestamp};

/// Time stands still; chance counts; one fault point may be armed.
#[derive(Default)]
pub(crate) struct TestEnv {
    pub(crate) count: AtomicU64,
    pub(crate) crash_at: Option<&'static str>,
}

impl Env for TestEnv {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn random(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn fault(&self, point: &'static str) -> Result<(), Crash> {
        if self.crash_at == Some(point) {
            Err(Crash { point })
        } else {
            Ok(())
        }
    }
}

/// How tests reach the sshd that the environment names.
#[derive(Debug, Clone)]
pub(crate) struct Sshd {
    pub(crate) config: Utf8PathBuf,
    pub(crate) host: String,
}

/// The sshd of the environment; says that the test is skipped, and why, when there is none.
pub(crate) fn sshd(test: &str) -> Option<Sshd> {
    #[expect(
        clippy::disallowed_methods,
        reason = "which services a test may use is said by its environment"
    )]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let found = variable("CAUSEWAY_TEST_SSH").and_then(|_| {
        Some(Sshd {
            config: variable("CAUSEWAY_TEST_SSH_CONFIG")?.into(),
            host: variable("CAUSEWAY_TEST_SSH_HOST")?,
        })
    });
    if found.is_none() {
        // Past the capture of the test runner: nobody should take a skipped test for a passed one.
        let why = "CAUSEWAY_TEST_SSH, _CONFIG and _HOST are not set; `. <(tests/services/sshd-up)` sets them";
        writeln!(std::io::stderr(), "skipped: {test}: {why}").unwrap();
    }
    found
}

/// One test's site, with a root of its own that goes away with it.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) root: Utf8PathBuf,
    pub(crate) sshd: Option<Sshd>,
    pub(crate) scratch: tempfile::TempDir,
}

impl Site {
    pub(crate) fn local() -> Self {
        Self::make(None)
    }

    pub(crate) fn ssh(sshd: Sshd) -> Self {
        Self::make(Some(sshd))
    }

    fn make(sshd: Option<Sshd>) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root: Utf8PathBuf = sh_at(
            sshd.as_ref(),
            "d=$(mktemp -d) && mkdir \"$d/site\" && echo \"$d/site\"",
        )
        .trim()
        .into();
        let engine = engine(sshd.as_ref(), &root, &scratch, TestEnv::default());
        Self {
            engine,
            root,
            sshd,
            scratch,
        }
    }

    /// Another engine for the same site, as another process would have it.
    pub(crate) fn another(&self, env: TestEnv) -> Engine {
        engine(self.sshd.as_ref(), &self.root, &self.scratch, env)
    }

    /// Runs a script at the site, past the engine.
    pub(crate) fn sh(&self, script: &str) -> String {
        sh_at(self.sshd.as_ref(), script)
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, path: &Utf8Path) -> bool {
        !self.sh(&format!("ls -d '{path}' 2>/dev/null")).is_empty()
    }

    /// A job of a fresh run whose own directory is below the root.
    pub(crate) fn job(&self, run_script: &str) -> JobSpec {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let run = RunId::new(
            "2026-11-24T13:15:00Z".parse().unwrap(),
            NEXT.fetch_add(1, Ordering::Relaxed),
        );
        let directory = self.root.join("runs").join(run.as_str());
        JobSpec {
            run,
            attempt: 1,
            name: "tiny".to_owned(),
            user: None,
            workdir: directory.join("work"),
            directory,
            setup: None,
            run_script: run_script.to_owned(),
            envs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            nodes: 1,
            gpus_per_node: 0,
            grace_seconds: 5,
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A test that failed may leave jobs, which their mark names, and agents, which have a file.
        let (root, above) = (&self.root, self.root.parent().unwrap());
        self.sh(&format!(
            "for p in $(grep -lsF 'CAUSEWAY_JOB={root}/' /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3) $(cut -d' ' -f1 '{root}'/.causeway/agent-*/pid 2>/dev/null); do kill -s KILL $p; done; rm -rf '{above}'"
        ));
    }
}

fn engine(
    sshd: Option<&Sshd>,
    root: &Utf8Path,
    scratch: &tempfile::TempDir,
    env: TestEnv,
) -> Engine {
    let mut ground = Ground::new("somewhere".parse().unwrap(), root.to_owned(), Arc::new(env));
    ground.patience = Duration::from_secs(20);
    match sshd {
        None => Local::new(ground).into(),
        Some(sshd) => Ssh::new(ground, options(sshd, scratch)).into(),
    }
}

pub(crate) fn options(sshd: &Sshd, scratch: &tempfile::TempDir) -> SshOptions {
    SshOptions {
        config: Some(sshd.config.clone()),
        control_directory: Some(Utf8PathBuf::from_path_buf(scratch.path().to_owned()).unwrap()),
        ..SshOptions::new(sshd.host.clone())
    }
}

fn sh_at(sshd: Option<&Sshd>, script: &str) -> String {
    let mut command = match sshd {
        None => Command::new("sh"),
        Some(sshd) => {
            let mut command = Command::new("ssh");
            command.args([
                "-F",
                sshd.config.as_str(),
                "-o",
                "BatchMode=yes",
                sshd.host.as_str(),
                "sh",
            ]);
            command
        }
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let limited = async {
        tokio::time::timeout(Duration::from_mins(2), future)
            .await
            .expect("the test took longer than two minutes")
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(limited)
}

/// Waits until a condition holds, at most 20 s.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Each test once for this machine and once over SSH.
macro_rules! on_every_engine {
    ($($name:ident),* $(,)?) => {
        mod on_this_machine {
            $(#[test] fn $name() { $crate::site::block_on(super::$name(&$crate::site::Site::local())); })*
        }
        mod over_ssh {
            $(#[test] fn $name() {
                if let Some(sshd) = $crate::site::sshd(concat!(module_path!(), "::", stringify!($name))) {
                    $crate::site::block_on(super::$name(&$crate::site::Site::ssh(sshd)));
                }
            })*
        }
    };
}
pub(crate) use on_every_engine;
