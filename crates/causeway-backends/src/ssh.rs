//! A host that the user's own `ssh` reaches: their configuration, jump hosts, agents and known hosts hold.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use tokio::sync::OnceCell;

use crate::BackendError;
use crate::place::{Ended, Ground, Opened, Place, last_words};
use crate::quote::quote;

/// How to reach a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshOptions {
    /// Anything that `ssh` takes: a name of its configuration, `user@host`, `ssh://user@host:port`.
    pub host: String,
    /// In place of `~/.ssh/config`.
    pub config: Option<Utf8PathBuf>,
    /// Where the socket of the shared connection is made. A short path: sockets hold about 100 characters. Default: the
    /// directory for temporary files.
    pub control_directory: Option<Utf8PathBuf>,
    /// How long the first answer may take.
    pub connect_timeout: Duration,
}

impl SshOptions {
    /// A destination with the user's configuration.
    #[must_use]
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            config: None,
            control_directory: None,
            connect_timeout: Duration::from_secs(20),
        }
    }
}

/// A site behind `ssh`: one connection, shared by every call, made at the first one and again after a cut.
pub struct Ssh {
    ground: Ground,
    options: SshOptions,
    /// The present connection. A cell is filled once; a broken one is replaced by an empty cell.
    current: Mutex<Arc<OnceCell<Arc<Session>>>>,
    reached: AtomicBool,
}

/// An idle shared connection ends after this long, so that a killed Causeway leaves none behind for good. Seconds.
const IDLE_SECONDS: usize = 600;
/// The other end is asked for a sign of life this often; `ssh` gives up after three silent ones.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

impl Ssh {
    /// A site on a host. Connects at the first call.
    #[must_use]
    pub fn new(ground: Ground, options: SshOptions) -> Self {
        Self {
            ground,
            options,
            current: Mutex::default(),
            reached: AtomicBool::new(false),
        }
    }

    /// How the host is reached.
    #[must_use]
    pub const fn options(&self) -> &SshOptions {
        &self.options
    }

    fn cell(&self) -> Arc<OnceCell<Arc<Session>>> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The shared connection; another one when it is gone. Asked before each use: with a dead one `ssh` would try to reach
    /// a host of its own accord.
    async fn session(&self, doing: &'static str) -> Result<Arc<Session>, BackendError> {
        let cell = self.cell();
        let session = cell.get_or_try_init(|| self.connect(doing)).await?;
        if session.check().await.is_ok() {
            return Ok(Arc::clone(session));
        }
        let fresh = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            // Another call may have replaced it in the meantime.
            if Arc::ptr_eq(&current, &cell) {
                *current = Arc::default();
            }
            Arc::clone(&current)
        };
        fresh.get_or_try_init(|| self.connect(doing)).await.cloned()
    }

    async fn connect(&self, doing: &'static str) -> Result<Arc<Session>, BackendError> {
        let host = &self.options.host;
        if host.is_empty()
            || host.starts_with('-')
            || host.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(self.destination("it is not the name of a host".to_owned()));
        }
        let settings = self.settings().await?;
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(settings.known_hosts)
            .connect_timeout(self.options.connect_timeout)
            .control_persist(std::num::NonZeroUsize::new(IDLE_SECONDS).map_or(
                ControlPersist::ClosedAfterInitialConnection,
                ControlPersist::IdleFor,
            ))
            .control_directory(
                self.options
                    .control_directory
                    .clone()
                    .map_or_else(std::env::temp_dir, Into::into),
            );
        if !settings.keeps_alive {
            builder.server_alive_interval(SIGN_OF_LIFE);
        }
        if let Some(config) = &self.options.config {
            builder.config_file(config);
        }
        tracing::debug!(site = %self.ground.site, host, "connecting");
        // `ssh` keeps its own time; this is for one that hangs in a proxy command or a login.
        match tokio::time::timeout(self.options.connect_timeout * 3, builder.connect(host)).await {
            Ok(Ok(session)) => {
                self.reached.store(true, Ordering::Relaxed);
                Ok(Arc::new(session))
            }
            Ok(Err(error)) => Err(self.explain(doing, &error)),
            Err(_) => Err(BackendError::Unreachable {
                site: self.ground.site.clone(),
                host: host.clone(),
                doing,
                said: "it does not finish the login".to_owned(),
            }),
        }
    }

    /// What the user's configuration says of the host, as `ssh -G` prints it. The library sets the check of host keys on
    /// the command line, where it would win over the configuration: so the configuration's own word is passed on.
    async fn settings(&self) -> Result<Settings, BackendError> {
        let mut command = tokio::process::Command::new("ssh");
        if let Some(config) = &self.options.config {
            command.arg("-F").arg(config);
        }
        let output = command
            .args(["-G", "--", self.options.host.as_str()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| BackendError::Program {
                site: self.ground.site.clone(),
                program: "ssh",
                source,
            })?;
        if !output.status.success() {
            return Err(self.destination(last_words(&String::from_utf8_lossy(&output.stderr))));
        }
        Ok(Settings::read(&String::from_utf8_lossy(&output.stdout)))
    }

    fn destination(&self, said: String) -> BackendError {
        BackendError::Destination {
            site: self.ground.site.clone(),
            host: self.options.host.clone(),
            said,
        }
    }

    fn explain(&self, doing: &'static str, error: &openssh::Error) -> BackendError {
        let said =
            std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        let (site, host) = (self.ground.site.clone(), self.options.host.clone());
        match complaint(&said) {
            Complaint::UnknownKey => BackendError::HostKey {
                site,
                problem: "is not known",
                help: format!(
                    "compare its fingerprint with what the site's operator tells you, then accept it once by hand: `ssh {host}`"
                ),
                host,
            },
            Complaint::ChangedKey => BackendError::HostKey {
                site,
                problem: "has changed",
                help: format!(
                    "somebody may stand between you and the site: ask its operator; only if the machine was rebuilt, `ssh-keygen -R {host}` forgets the old key"
                ),
                host,
            },
            Complaint::Login => BackendError::Login {
                site,
                host,
                said: last_words(&said),
            },
            Complaint::Destination => BackendError::Destination {
                site,
                host,
                said: last_words(&said),
            },
            Complaint::Network => BackendError::Unreachable {
                site,
                host,
                doing,
                said: last_words(&said),
            },
        }
    }
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ssh")
            .field("ground", &self.ground)
            .field("host", &self.options.host)
            .finish_non_exhaustive()
    }
}

impl Place for Ssh {
    fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn open(&self, program: &str, doing: &'static str) -> Result<Opened, BackendError> {
        let session = self.session(doing).await?;
        let failed = |error: &openssh::Error| self.explain(doing, error);
        let mut child = Session::to_raw_command(
            Arc::clone(&session),
            format!("exec sh -c {}", quote(program)),
        )
        .stdin(openssh::Stdio::piped())
        .stdout(openssh::Stdio::piped())
        .stderr(openssh::Stdio::piped())
        .spawn()
        .await
        .map_err(|error| failed(&error))?;
        let missing = || failed(&openssh::Error::Disconnected);
        Ok(Opened {
            stdin: Box::new(child.stdin().take().ok_or_else(missing)?),
            stdout: Box::new(child.stdout().take().ok_or_else(missing)?),
            stderr: Box::new(child.stderr().take().ok_or_else(missing)?),
            ended: Box::pin(async move {
                match child.wait().await {
                    Ok(status) => status.code().map_or_else(
                        || Ended::Cut(format!("ssh was ended: {status}")),
                        Ended::Code,
                    ),
                    // The library reads 127 as "not found"; our scripts never end so, the login shell may.
                    Err(openssh::Error::Remote(error))
                        if error.kind() == std::io::ErrorKind::NotFound =>
                    {
                        Ended::Code(127)
                    }
                    Err(error) => Ended::Cut(
                        std::error::Error::source(&error)
                            .map_or_else(|| error.to_string(), ToString::to_string),
                    ),
                }
            }),
        })
    }

    fn was_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    fn host(&self) -> &str {
        &self.options.host
    }

    fn is_here(&self) -> bool {
        false
    }
}

/// The part of `ssh -G` that we look at.
#[derive(Debug)]
struct Settings {
    known_hosts: KnownHosts,
    keeps_alive: bool,
}

impl Settings {
    fn read(text: &str) -> Self {
        let value = |key: &str| {
            text.lines()
                .find_map(|line| {
                    line.split_once(' ')
                        .filter(|(known, _)| known.eq_ignore_ascii_case(key))
                })
                .map(|(_, value)| value.trim())
        };
        Self {
            known_hosts: match value("stricthostkeychecking") {
                Some("accept-new") => KnownHosts::Add,
                Some("no" | "off" | "false") => KnownHosts::Accept,
                // `ask` can't be answered here: the error says how to.
                _ => KnownHosts::Strict,
            },
            keeps_alive: value("serveraliveinterval").is_some_and(|seconds| seconds != "0"),
        }
    }
}

/// What `ssh` complains of.
#[derive(Debug, PartialEq, Eq)]
enum Complaint {
    UnknownKey,
    ChangedKey,
    Login,
    Destination,
    Network,
}

/// `ssh` has one exit code for all: its words tell them apart (OpenSSH 8 to 10, `sshconnect.c`, `sshconnect2.c`, `readconf.c`).
fn complaint(said: &str) -> Complaint {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&[
        "IDENTIFICATION HAS CHANGED",
        "Offending key",
        "REVOKED HOST KEY",
    ]) {
        Complaint::ChangedKey
    } else if says(&["Host key verification failed", "host key is known for"]) {
        Complaint::UnknownKey
    } else if says(&[
        "Permission denied (",
        "Too many authentication failures",
        "Permission denied, please try again",
    ]) {
        Complaint::Login
    } else if says(&[
        "Could not resolve hostname",
        "Bad configuration option",
        "Can't open user config file",
        "terminating, ",
        "Bad port",
    ]) {
        Complaint::Destination
    } else {
        Complaint::Network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_word_on_host_keys_holds() {
        for (text, expected) in [
            ("user x\nstricthostkeychecking accept-new\n", "Add"),
            ("stricthostkeychecking false\n", "Accept"),
            ("stricthostkeychecking true\n", "Strict"),
            ("stricthostkeychecking ask\n", "Strict"),
            ("", "Strict"),
        ] {
            assert_eq!(
                format!("{:?}", Settings::read(text).known_hosts),
                expected,
                "{text}"
            );
        }
        assert!(Settings::read("serveraliveinterval 30\n").keeps_alive);
        assert!(!Settings::read("serveraliveinterval 0\n").keeps_alive);
    }

    #[test]
    fn complaints_are_told_apart() {
        for (said, expected) in [
            (
                "No ED25519 host key is known for [127.0.0.1]:12222 and you have requested strict checking.\nHost key verification failed.",
                Complaint::UnknownKey,
            ),
            (
                "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
                Complaint::ChangedKey,
            ),
            (
                "causeway-ci@127.0.0.1: Permission denied (publickey).",
                Complaint::Login,
            ),
            (
                "Could not resolve hostname nowhere: Name or service not known",
                Complaint::Destination,
            ),
            (
                "connect to host 127.0.0.1 port 1: Connection refused",
                Complaint::Network,
            ),
            (
                "connect to host 10.0.0.1 port 22: Connection timed out",
                Complaint::Network,
            ),
        ] {
            assert_eq!(complaint(said), expected, "{said}");
        }
    }

    #[test]
    fn a_destination_is_never_an_option() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for host in ["-oProxyCommand=touch /tmp/x", "", "a b", "a\nb"] {
            let ssh = Ssh::new(crate::test_ground(), SshOptions::new(host));
            let error = runtime.block_on(ssh.session("a test")).unwrap_err();
            assert!(matches!(error, BackendError::Destination { .. }), "{error}");
        }
    }
}
