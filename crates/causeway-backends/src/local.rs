//! This machine as a site: processes of their own session in a directory of their own.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use tokio::process::Command;

use crate::BackendError;
use crate::place::{Ended, Ground, Opened, Place};

/// A site that is a directory of this machine. Jobs are sessions of their own: neither a hang-up nor the end of Causeway
/// reaches them.
#[derive(Debug, Clone)]
pub struct Local {
    ground: Ground,
}

impl Local {
    /// A site on this machine.
    #[must_use]
    pub const fn new(ground: Ground) -> Self {
        Self { ground }
    }
}

impl Place for Local {
    fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn open(&self, program: &str, _doing: &'static str) -> Result<Opened, BackendError> {
        let failed = |source| BackendError::Program {
            site: self.ground.site.clone(),
            program: "sh",
            source,
        };
        let mut child = Command::new("sh")
            .args(["-c", program])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for Causeway, which then decides: it must not cut a launch in two.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let missing = || failed(std::io::Error::other("its standard streams are missing"));
        Ok(Opened {
            stdin: Box::new(child.stdin.take().ok_or_else(missing)?),
            stdout: Box::new(child.stdout.take().ok_or_else(missing)?),
            stderr: Box::new(child.stderr.take().ok_or_else(missing)?),
            ended: Box::pin(async move {
                match child.wait().await {
                    // As shells count: 128 + the signal that ended it.
                    Ok(status) => Ended::Code(
                        status
                            .code()
                            .or_else(|| Some(128 + status.signal()?))
                            .unwrap_or(-1),
                    ),
                    Err(error) => Ended::Cut(error.to_string()),
                }
            }),
        })
    }

    fn was_reached(&self) -> bool {
        true
    }

    fn host(&self) -> &str {
        "this machine"
    }

    fn is_here(&self) -> bool {
        true
    }
}
