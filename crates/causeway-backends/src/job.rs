//! A job at a site: the handle by which it is found again, and what became of it.

use camino::Utf8PathBuf;
use causeway_domain::{Bytes, RunId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::BackendError;
use crate::answer::Answer;

/// By what a job is found again, after any crash: goes into the journal.
///
/// Site, run, attempt and directory are enough; `pid` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHandle {
    /// The site.
    pub site: SiteId,
    /// The run.
    pub run: RunId,
    /// From 1.
    pub attempt: u32,
    /// The run's own directory at the site; absolute once the site has been asked.
    pub directory: Utf8PathBuf,
    /// The supervisor's process, which leads the job's process group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// What a job does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum JobState {
    /// The site knows nothing of this attempt.
    NotStarted,
    /// Its supervisor lives.
    Running,
    /// It ended by itself.
    Exited {
        /// Its exit code; 128 + n when signal n ended it. Of several nodes: the first that is not 0.
        code: i32,
        /// What ended.
        phase: Phase,
    },
    /// Its supervisor died without leaving an exit code: killed, or the machine was restarted. Processes of the job may
    /// live on until it is stopped or another attempt is launched.
    Lost {
        /// What is known of it.
        why: String,
    },
    /// It was ended by [`stop`](crate::Backend::stop).
    Stopped,
}

/// The two texts of a task that run at a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// `setup`; `run` was not started.
    Setup,
    /// `run`.
    Run,
}

/// A job's state with its dates, by the site's own clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// What it does.
    pub state: JobState,
    /// When it was started. Seconds are exact, the clock is the site's.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Size of the log so far.
    pub log: Bytes,
}

impl JobState {
    /// Whether it will change no more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        !matches!(self, Self::NotStarted | Self::Running)
    }

    /// Whether `run` ended with exit code 0.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(
            self,
            Self::Exited {
                code: 0,
                phase: Phase::Run
            }
        )
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotStarted => f.write_str("not started"),
            Self::Running => f.write_str("running"),
            Self::Exited {
                code,
                phase: Phase::Run,
            } => write!(f, "exited with code {code}"),
            Self::Exited {
                code,
                phase: Phase::Setup,
            } => write!(f, "setup exited with code {code}"),
            Self::Lost { why } => write!(f, "lost: {why}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl JobHandle {
    /// The handle of an attempt that may or may not have been launched: its state says which.
    #[must_use]
    pub const fn new(site: SiteId, run: RunId, attempt: u32, directory: Utf8PathBuf) -> Self {
        Self {
            site,
            run,
            attempt,
            directory,
            pid: None,
        }
    }

    /// The job's own directory at the site: log, exit code, scripts.
    #[must_use]
    pub fn job_directory(&self) -> Utf8PathBuf {
        self.directory
            .join(format!(".causeway/job-{}", self.attempt))
    }
}

/// What the site says of a job.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) pid: Option<u32>,
    pub(crate) directory: Utf8PathBuf,
    pub(crate) report: JobReport,
}

impl Record {
    /// # Errors
    /// [`BackendError::Answer`]; [`BackendError::Refused`] when only another machine can tell.
    pub(crate) fn read(answer: &Answer) -> Result<Self, BackendError> {
        let pid: Option<u32> = answer.number("pid")?;
        Ok(Self {
            pid: pid.filter(|pid| *pid != 0),
            directory: answer.need("directory")?.into(),
            report: JobReport {
                state: state(answer, pid)?,
                started: instant(answer, "since")?.filter(|_| pid != Some(0)),
                ended: instant(answer, "until")?,
                log: Bytes::new(answer.number("log")?.unwrap_or(0)),
            },
        })
    }
}

fn state(answer: &Answer, pid: Option<u32>) -> Result<JobState, BackendError> {
    let Some(pid) = pid else {
        return Ok(JobState::NotStarted);
    };
    if let Some(code) = answer.number("code")? {
        if answer.flag("stopped") {
            return Ok(JobState::Stopped);
        }
        let phase = if answer.get("phase") == Some("setup") {
            Phase::Setup
        } else {
            Phase::Run
        };
        return Ok(JobState::Exited { code, phase });
    }
    if pid == 0 {
        return Ok(JobState::Stopped);
    }
    if answer.flag("alive") {
        return Ok(JobState::Running);
    }
    match answer.need("machine")? {
        "other" => Err(answer.elsewhere()),
        _ if answer.flag("stop") => Ok(JobState::Stopped),
        "rebooted" => Ok(JobState::Lost {
            why: "the machine was restarted while it ran".to_owned(),
        }),
        _ => {
            let left = match answer.number::<u64>("left")?.unwrap_or(0) {
                0 => String::new(),
                1 => "; one of its processes lives on".to_owned(),
                n => format!("; {n} of its processes live on"),
            };
            Ok(JobState::Lost {
                why: format!(
                    "its supervisor (process {pid}) was killed and left no exit code{left}"
                ),
            })
        }
    }
}

fn instant(answer: &Answer, key: &str) -> Result<Option<Timestamp>, BackendError> {
    let seconds: Option<i64> = answer.number(key)?;
    seconds
        .map(|seconds| {
            Timestamp::from_second(seconds)
                .map_err(|_| answer.wrong(format!("`{key}={seconds}` is not an instant")))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    fn record(lines: &str) -> Result<Record, BackendError> {
        let text = format!("{lines}\ndirectory=/d\nend=1\n").replace(' ', "\n");
        Record::read(
            &Answer::read(
                &"s".parse().unwrap(),
                "a test",
                text.trim_start().as_bytes(),
            )
            .unwrap(),
        )
    }

    fn state_of(lines: &str) -> JobState {
        record(lines).unwrap().report.state
    }

    #[test]
    fn every_record_has_one_meaning() {
        assert_eq!(state_of("x=1"), JobState::NotStarted);
        assert_eq!(state_of("pid=7 alive=1 machine=same"), JobState::Running);
        assert_eq!(
            state_of("pid=7 alive=1 machine=same stop=1"),
            JobState::Running,
            "it still ends"
        );
        let done = "pid=7 machine=same phase=run stopped=0";
        assert_eq!(
            state_of(&format!("{done} alive=1 code=0")),
            JobState::Exited {
                code: 0,
                phase: Phase::Run
            }
        );
        assert_eq!(
            state_of(&format!("{done} alive=0 code=137 stop=1")),
            JobState::Exited {
                code: 137,
                phase: Phase::Run
            }
        );
        assert_eq!(
            state_of("pid=7 alive=0 machine=other code=3 phase=setup stopped=0"),
            JobState::Exited {
                code: 3,
                phase: Phase::Setup
            }
        );
        assert_eq!(
            state_of("pid=7 alive=0 machine=same code=0 phase=run stopped=1"),
            JobState::Stopped
        );
        assert_eq!(
            state_of("pid=7 alive=0 machine=same left=0 stop=1"),
            JobState::Stopped
        );
        assert_eq!(state_of("pid=0 alive=0 machine=same"), JobState::Stopped);
        assert!(
            matches!(state_of("pid=7 alive=0 machine=same left=2"), JobState::Lost { why } if why.contains("2 of its processes"))
        );
        assert!(
            matches!(state_of("pid=7 alive=0 machine=rebooted left=0"), JobState::Lost { why } if why.contains("restarted"))
        );
    }

    #[test]
    fn another_machine_is_asked_there_and_never_taken_for_lost() {
        let error = record("pid=7 alive=0 machine=other left=0 host=node7").unwrap_err();
        assert!(
            matches!(
                error,
                BackendError::Refused {
                    refusal: Refusal::Elsewhere,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("node7"));
    }

    #[test]
    fn a_handle_survives_the_journal() {
        let handle = JobHandle::new(
            "s".parse().unwrap(),
            "20261124T131500Z-7k3m9q".parse().unwrap(),
            2,
            "/d".into(),
        );
        let text = serde_json::to_string(&handle).unwrap();
        assert_eq!(serde_json::from_str::<JobHandle>(&text).unwrap(), handle);
        assert_eq!(handle.job_directory(), "/d/.causeway/job-2");
    }
}
