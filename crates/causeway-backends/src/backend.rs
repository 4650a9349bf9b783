//! What an engine can do, and how the control script does it.

use std::future::Future;
use std::time::Duration;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::agent::{self, AgentConnection, AgentOptions, AgentStream};
use crate::facts::SiteFacts;
use crate::job::{JobHandle, JobReport, JobState, Record};
use crate::place::{Call, Payload, Place, Retry, Sink, ask, once};
use crate::region::{self, Cloud, Region};
use crate::spec::JobSpec;
use crate::{BackendError, local::Local, ssh::Ssh};

/// The fault points of this room, in the order in which a launch passes them: before anything is sent, after the site has
/// confirmed that the job is claimed, just before the handle is given back to be journaled.
pub const FAULT_POINTS: [&str; 3] = ["launch.intent", "launch.started", "launch.recorded"];

/// How long a short call may take.
const SHORT: Duration = Duration::from_mins(1);
/// How long removing a directory may take: weights are many and large.
const LONG: Duration = Duration::from_mins(30);

/// An engine at one site. Every call may be repeated: nothing is done twice, and after a restart a [`JobHandle`] is
/// enough to go on.
///
/// Paths at the site are absolute, or in the home directory there (`~/x`, `x`).
pub trait Backend: Send + Sync {
    /// Asks the site what it is and, where it looks like a cloud's machine, where it is.
    ///
    /// # Errors
    /// [`BackendError`] when the site can't be asked. A metadata service that is silent is no error.
    fn probe(&self) -> impl Future<Output = Result<SiteFacts, BackendError>> + Send;

    /// Makes a directory, and those above it, for the owner alone; gives its absolute path. One that exists keeps its mode.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when it can't be made or written.
    fn prepare(
        &self,
        directory: &Utf8Path,
    ) -> impl Future<Output = Result<Utf8PathBuf, BackendError>> + Send;

    /// Starts the attempt, or finds the one that was started before: one job per run and attempt, however often and from
    /// wherever this is called.
    ///
    /// # Errors
    /// [`BackendError::Job`] for a description that no shell can carry, [`BackendError::Refused`] when another attempt of
    /// the run still runs or the job can't be started.
    fn launch(
        &self,
        spec: &JobSpec,
    ) -> impl Future<Output = Result<JobHandle, BackendError>> + Send;

    /// What the job does, with its dates.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when only another machine can tell; never a guess.
    fn report(
        &self,
        handle: &JobHandle,
    ) -> impl Future<Output = Result<JobReport, BackendError>> + Send;

    /// What the job does.
    ///
    /// # Errors
    /// As [`report`](Backend::report).
    fn state(
        &self,
        handle: &JobHandle,
    ) -> impl Future<Output = Result<JobState, BackendError>> + Send {
        async { Ok(self.report(handle).await?.state) }
    }

    /// Waits at the site until the job is over or was never started. Connections that are cut are made again.
    ///
    /// # Errors
    /// As [`report`](Backend::report); [`BackendError::Unreachable`] when patience ends.
    fn wait(
        &self,
        handle: &JobHandle,
    ) -> impl Future<Output = Result<JobState, BackendError>> + Send;

    /// Gives the job's output from byte `from` to `sink`, in pieces as they come; returns the offset behind the last byte.
    /// With `follow` it goes on until the job is over. A cut connection continues at the next byte.
    ///
    /// # Errors
    /// [`BackendError`] when the site can't be asked. No output yet is none.
    fn logs(
        &self,
        handle: &JobHandle,
        from: u64,
        follow: bool,
        sink: impl FnMut(&[u8]) + Send,
    ) -> impl Future<Output = Result<u64, BackendError>> + Send;

    /// Ends every process of the job: TERM, then KILL after `grace`. An attempt that was not started can't be started any more.
    ///
    /// # Errors
    /// As [`report`](Backend::report).
    fn stop(
        &self,
        handle: &JobHandle,
        grace: Duration,
    ) -> impl Future<Output = Result<JobState, BackendError>> + Send;

    /// Starts `causeway agent` at the site, or finds the living one of that name that was started the same way.
    ///
    /// # Errors
    /// [`BackendError::Platform`], [`BackendError::Refused`] when it does not start or gives no ticket.
    fn start_agent(
        &self,
        roots: &[Utf8PathBuf],
        options: &AgentOptions,
    ) -> impl Future<Output = Result<AgentConnection, BackendError>> + Send;

    /// Opens a stream to an agent of its own over the backend's channel (`causeway agent --stdio --root DIR`): the way home
    /// when the agent's own carrier is blocked. May be called any number of times.
    ///
    /// # Errors
    /// [`BackendError`] when the site can't be reached or the program does not start.
    fn agent_stream(
        &self,
        agent: &AgentConnection,
    ) -> impl Future<Output = Result<AgentStream, BackendError>> + Send;

    /// Ends the agent of that name, if there is one.
    ///
    /// # Errors
    /// [`BackendError`] when the site can't be asked.
    fn stop_agent(&self, name: &str) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Removes a directory below the site's own, symbolic links followed. One that is not there is no error.
    ///
    /// # Errors
    /// [`BackendError::Outside`], [`BackendError::Refused`] when a job runs in it.
    fn remove(&self, directory: &Utf8Path)
    -> impl Future<Output = Result<(), BackendError>> + Send;
}

/// Every engine that Causeway has.
#[derive(Debug)]
pub enum Engine {
    /// Processes of this machine.
    Local(Local),
    /// A host behind `ssh`.
    Ssh(Ssh),
}

impl From<Local> for Engine {
    fn from(local: Local) -> Self {
        Self::Local(local)
    }
}

impl From<Ssh> for Engine {
    fn from(ssh: Ssh) -> Self {
        Self::Ssh(ssh)
    }
}

impl Place for Engine {
    fn ground(&self) -> &crate::Ground {
        match self {
            Self::Local(local) => local.ground(),
            Self::Ssh(ssh) => ssh.ground(),
        }
    }

    async fn open(
        &self,
        program: &str,
        doing: &'static str,
    ) -> Result<crate::place::Opened, BackendError> {
        match self {
            Self::Local(local) => local.open(program, doing).await,
            Self::Ssh(ssh) => ssh.open(program, doing).await,
        }
    }

    fn was_reached(&self) -> bool {
        match self {
            Self::Local(local) => local.was_reached(),
            Self::Ssh(ssh) => ssh.was_reached(),
        }
    }

    fn host(&self) -> &str {
        match self {
            Self::Local(local) => local.host(),
            Self::Ssh(ssh) => ssh.host(),
        }
    }

    fn is_here(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

fn short<'a>(doing: &'static str, verb: &'static str, arguments: Vec<&'a str>) -> Call<'a> {
    Call {
        doing,
        verb,
        arguments,
        payload: Payload::Nothing,
        limit: Some(SHORT),
    }
}

impl<P: Place> Backend for P {
    async fn probe(&self) -> Result<SiteFacts, BackendError> {
        let ground = self.ground();
        let answer = ask(
            self,
            &short(
                "asking the site what it is",
                "probe",
                vec![ground.root.as_str()],
            ),
        )
        .await?;
        let region = locate(self, region::looks_like(&answer)).await?;
        SiteFacts::read(&answer, region)
    }

    async fn prepare(&self, directory: &Utf8Path) -> Result<Utf8PathBuf, BackendError> {
        let answer = ask(
            self,
            &short("making a directory", "prepare", vec![directory.as_str()]),
        )
        .await?;
        Ok(answer.need("directory")?.into())
    }

    async fn launch(&self, spec: &JobSpec) -> Result<JobHandle, BackendError> {
        let ground = self.ground();
        let files = spec.files(&ground.site)?;
        ground.env.fault("launch.intent")?;
        let attempt = spec.attempt.to_string();
        let sizes: Vec<String> = files
            .iter()
            .map(|(_, text)| text.len().to_string())
            .collect();
        let mut arguments = vec![spec.directory.as_str(), &attempt];
        let mut payload = Vec::new();
        for ((name, text), size) in files.iter().zip(&sizes) {
            arguments.extend([*name, size.as_str()]);
            payload.extend_from_slice(text.as_bytes());
        }
        let call = Call {
            payload: Payload::Bytes(&payload),
            ..short("launching the job", "launch", arguments)
        };
        let answer = ask(self, &call).await?;
        ground.env.fault("launch.started")?;
        let record = Record::read(&answer)?;
        let handle = JobHandle {
            pid: record.pid,
            ..JobHandle::new(
                ground.site.clone(),
                spec.run.clone(),
                spec.attempt,
                record.directory,
            )
        };
        ground.env.fault("launch.recorded")?;
        Ok(handle)
    }

    async fn report(&self, handle: &JobHandle) -> Result<JobReport, BackendError> {
        let attempt = handle.attempt.to_string();
        let answer = ask(
            self,
            &short(
                "asking what the job does",
                "state",
                vec![handle.directory.as_str(), &attempt],
            ),
        )
        .await?;
        Ok(Record::read(&answer)?.report)
    }

    async fn wait(&self, handle: &JobHandle) -> Result<JobState, BackendError> {
        let attempt = handle.attempt.to_string();
        let call = Call {
            payload: Payload::Held,
            limit: None,
            ..short(
                "waiting for the job",
                "await_end",
                vec![handle.directory.as_str(), &attempt],
            )
        };
        let answer = ask(self, &call).await?;
        Ok(Record::read(&answer)?.report.state)
    }

    async fn logs(
        &self,
        handle: &JobHandle,
        from: u64,
        follow: bool,
        sink: impl FnMut(&[u8]) + Send,
    ) -> Result<u64, BackendError> {
        let attempt = handle.attempt.to_string();
        let mut output = Output {
            header: LOG_HEADER,
            next: from,
            sink,
        };
        let mut retry = Retry::new(self);
        loop {
            let offset = output.next.to_string();
            let call = Call {
                payload: if follow {
                    Payload::Held
                } else {
                    Payload::Nothing
                },
                limit: None,
                ..short(
                    "reading the log",
                    "logs",
                    vec![
                        handle.directory.as_str(),
                        &attempt,
                        &offset,
                        if follow { "1" } else { "0" },
                    ],
                )
            };
            output.header = LOG_HEADER;
            retry.begin();
            match once(self, &call, &mut output).await {
                Ok(()) if output.header.is_empty() => return Ok(output.next),
                Ok(()) => {
                    let (site, doing) = (self.ground().site.clone(), call.doing);
                    return Err(BackendError::Answer {
                        site,
                        doing,
                        what: "it is empty".to_owned(),
                    });
                }
                Err(error) => retry.after(error, output.header.is_empty()).await?,
            }
        }
    }

    async fn stop(&self, handle: &JobHandle, grace: Duration) -> Result<JobState, BackendError> {
        let (attempt, seconds) = (handle.attempt.to_string(), grace.as_secs().to_string());
        let call = Call {
            limit: Some(SHORT + grace),
            ..short(
                "stopping the job",
                "stop",
                vec![handle.directory.as_str(), &attempt, &seconds],
            )
        };
        Ok(Record::read(&ask(self, &call).await?)?.report.state)
    }

    async fn start_agent(
        &self,
        roots: &[Utf8PathBuf],
        options: &AgentOptions,
    ) -> Result<AgentConnection, BackendError> {
        agent::start(self, roots, options).await
    }

    async fn agent_stream(&self, agent: &AgentConnection) -> Result<AgentStream, BackendError> {
        agent::stream(self, agent).await
    }

    async fn stop_agent(&self, name: &str) -> Result<(), BackendError> {
        agent::stop(self, name).await
    }

    async fn remove(&self, directory: &Utf8Path) -> Result<(), BackendError> {
        let ground = self.ground();
        // The site looks where the path really leads; what is wrong by its text alone is not even sent.
        let climbs = directory
            .components()
            .any(|component| component == Utf8Component::ParentDir);
        if climbs || directory.as_str().is_empty() || ground.root.starts_with(directory) {
            return Err(BackendError::Outside {
                site: ground.site.clone(),
                directory: directory.to_owned(),
                root: ground.root.clone(),
            });
        }
        let call = Call {
            limit: Some(LONG),
            ..short(
                "removing a directory",
                "remove",
                vec![ground.root.as_str(), directory.as_str()],
            )
        };
        ask(self, &call).await.map(drop)
    }
}

/// The line before a log's bytes: without it there was no answer.
const LOG_HEADER: &[u8] = b"log\n";

struct Output<F> {
    /// What of the header is still to come.
    header: &'static [u8],
    /// The offset behind the last byte given on.
    next: u64,
    sink: F,
}

impl<F: FnMut(&[u8]) + Send> Sink for Output<F> {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while let (Some((wanted, header)), Some((byte, rest))) =
            (self.header.split_first(), bytes.split_first())
        {
            if wanted != byte {
                return Err("it does not start as a log does".to_owned());
            }
            (self.header, bytes) = (header, rest);
        }
        if !bytes.is_empty() {
            self.next += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            (self.sink)(bytes);
        }
        Ok(())
    }
}

/// Asks the metadata service. Its silence is an answer: nobody at the machine can tell.
async fn locate(place: &impl Place, looks_like: Option<Cloud>) -> Result<Region, BackendError> {
    let url = place
        .ground()
        .metadata_url
        .as_deref()
        .map(|url| url.trim_end_matches('/'));
    let (clouds, why): (&[Cloud], _) = match (looks_like, url) {
        (Some(cloud), _) => (
            &[cloud],
            format!("it looks like a machine of {cloud}, but the metadata service gave no region"),
        ),
        (None, Some(url)) => (
            &Cloud::ALL,
            format!("the metadata service at {url} gave no region"),
        ),
        (None, None) => (
            &[],
            "it does not look like a cloud's machine, so no metadata service was asked".to_owned(),
        ),
    };
    for cloud in clouds {
        let base = url.unwrap_or_else(|| cloud.service());
        match ask(
            place,
            &short(
                "asking where the machine is",
                "metadata",
                vec![cloud.as_str(), base],
            ),
        )
        .await
        {
            Ok(answer) => {
                if let Some(found) = region::read(*cloud, &answer) {
                    return Ok(found);
                }
            }
            Err(BackendError::Refused { said, .. }) => return Ok(Region::Declared { why: said }),
            Err(error) => return Err(error),
        }
    }
    Ok(Region::Declared { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_starts_behind_its_header_however_it_is_cut() {
        for piece in 1..9 {
            let mut got = Vec::new();
            let mut output = Output {
                header: LOG_HEADER,
                next: 5,
                sink: |bytes: &[u8]| got.extend_from_slice(bytes),
            };
            for bytes in b"log\nlog\nx".chunks(piece) {
                output.take(bytes).unwrap();
            }
            assert_eq!(output.next, 10);
            assert_eq!(got, b"log\nx", "pieces of {piece}");
        }
        let mut output = Output {
            header: LOG_HEADER,
            next: 0,
            sink: |_: &[u8]| panic!("not a log"),
        };
        assert!(output.take(b"lol").is_err());
    }
}
