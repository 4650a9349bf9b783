//! Other people's engines behind one trait: a process group here, a host over SSH.
//!
//! A job must survive the death of Causeway and be found again by a [`JobHandle`]; launching it twice must never start two.
//! So a job is controlled by a POSIX `sh` script that runs at the site, the same for every engine, and the engines differ
//! only in how they open a shell there. Nothing is installed at a site and no daemon runs there but the job's own
//! supervisor, a second small script.
//!
//! - **Claim.** Any number of supervisors may be started for an attempt; the one whose `link(2)` of the claim succeeds runs
//!   the job, the others go away.
//! - **Identity.** The claim holds the supervisor's pid *and* its start time and boot: a recycled pid is never taken for
//!   the job. The job's processes carry a mark in their environment, so those that leave the process group are ended too.
//! - **End.** The exit code is recorded by rename and sync. A supervisor that died without one makes the job
//!   [`Lost`](JobState::Lost), never "finished".
//! - **Secrets** travel by standard input into a 0600 file that is deleted once read; no text of the user is ever on a
//!   command line.
//!
//! It refuses to know what a task means, what is lawful, and how bytes are moved: it starts `causeway agent` and hands out
//! its ticket and a byte stream.
//!
//! Read first: [`Backend`], [`JobSpec`], [`JobState`].
//!
//! # A site's directory
//! ```text
//! <directory of the site>/            0700
//!   .causeway/
//!     bin/causeway-<blake3, 12 hex>   the agent's program, brought over ssh
//!     agent-<name>/                   pid, arguments, ticket (0600), log
//!   <the run's own directory>/
//!     .causeway/job-<attempt>/        0700
//!       pid                           the claim: pid, start time, boot, host, instant
//!       spec/                         scripts and environment as launched; secrets.sh is gone once read
//!       log                           output of setup and run
//!       stop                          somebody asked the job to stop
//!       exit                          exit code, phase, whether stopped, instant
//!       supervisor.log                what went wrong before the claim
//! ```
//! The formats of `pid` and `exit` are in `docs/formats/site-directory.md`.
//!
//! # Example
//! ```
//! use std::{collections::BTreeMap, sync::Arc};
//! use causeway_backends::{Backend, Engine, Ground, JobSpec, Local};
//! # struct TestEnv;
//! # impl causeway_domain::Env for TestEnv {
//! #     fn now(&self) -> causeway_domain::Timestamp { causeway_domain::Timestamp::UNIX_EPOCH }
//! #     fn random(&self) -> u64 { 4 }
//! # }
//! # let scratch = tempfile::tempdir().unwrap();
//! # let root = camino::Utf8Path::from_path(scratch.path()).unwrap().to_owned();
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let engine: Engine = Local::new(Ground::new("here".parse()?, root.clone(), Arc::new(TestEnv))).into();
//! let job = engine
//!     .launch(&JobSpec {
//!         run: "20261124T131500Z-7k3m9q".parse()?,
//!         attempt: 1,
//!         name: "hello".to_owned(),
//!         user: None,
//!         directory: root.join("runs/hello"),
//!         workdir: root.join("runs/hello/work"),
//!         setup: None,
//!         run_script: "echo rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES".to_owned(),
//!         envs: BTreeMap::new(),
//!         secrets: BTreeMap::new(),
//!         nodes: 1,
//!         gpus_per_node: 0,
//!         grace_seconds: 10,
//!     })
//!     .await?;
//! assert!(engine.wait(&job).await?.succeeded());
//! let mut output = Vec::new();
//! engine.logs(&job, 0, false, |bytes| output.extend_from_slice(bytes)).await?;
//! assert_eq!(output, b"rank 0 of 1\n");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod agent;
mod answer;
mod backend;
mod error;
mod facts;
mod job;
mod local;
mod place;
mod quote;
mod region;
mod site;
mod spec;
mod ssh;

pub use agent::{AgentConnection, AgentOptions, AgentStream};
pub use backend::{Backend, Engine, FAULT_POINTS};
pub use error::{BackendError, Refusal};
pub use facts::{Gpu, Platform, SiteFacts};
pub use job::{JobHandle, JobReport, JobState, Phase};
pub use local::Local;
pub use place::Ground;
pub use quote::{fits, quote};
pub use region::{Cloud, Region};
pub use spec::{JobSpec, MOST_STAND_INS};
pub use ssh::{Ssh, SshOptions};

#[cfg(test)]
fn test_ground() -> Ground {
    struct Still;
    impl causeway_domain::Env for Still {
        fn now(&self) -> causeway_domain::Timestamp {
            causeway_domain::Timestamp::UNIX_EPOCH
        }
        fn random(&self) -> u64 {
            4
        }
    }
    let mut ground = Ground::new(
        "here".parse().unwrap(),
        "/nowhere".into(),
        std::sync::Arc::new(Still),
    );
    ground.patience = std::time::Duration::ZERO;
    ground
}
