//! The path from a task to a deployed model, its journal, and going on after a crash.
//!
//! [`path::drive`] reads as the product does: plan, clear, stage, train, bring home, admit, deploy. Its stages are types, so
//! that only a `Cleared<Planned>` is staged and launched. A run killed anywhere goes on where it was: an intent is written
//! before a stage and its outcome after it ([`Journal`]); what the log says about a finished stage wins.
//!
//! It refuses to know what the terminal looks like ([`Reporter`] is told events), how bytes travel, what is lawful, and how
//! an engine starts processes: those are rooms of their own.
//!
//! Read first: [`path`], [`Driver`], [`Workspace`].
//!
//! ```
//! use causeway_run::{System, Workspace};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = camino::Utf8Path::from_path(folder.path()).ok_or("the folder's name is not UTF-8")?;
//! let workspace = Workspace::open(&folder.join(".causeway"), System::default().into())?;
//! assert!(workspace.journal.runs()?.is_empty());
//! assert!(workspace.log.is_empty());
//! # Ok(())
//! # }
//! ```

mod admit;
pub mod approvals;
mod catalogs;
mod driver;
mod env;
mod error;
mod events;
pub mod files;
mod home;
pub mod impact;
mod journal;
pub mod kyc;
pub mod launch;
pub mod path;
pub mod screening;
pub mod site;
mod solver;
mod stage;
mod state;
mod train;
mod workspace;

pub use admit::{AdmitRecord, AdmittedFile, DeployRecord, Deployed};
pub use catalogs::{Found, catalogs, list_bytes, market, read_list, read_own};
pub use driver::{Driver, Outcome, STAGE_FAULTS};
pub use env::System;
pub use error::RunError;
pub use events::{Event, Reporter, Silent, StageName};
pub use files::Files;
pub use home::HomeRecord;
pub use journal::{Journal, RunRow, StageRow, Status};
pub use launch::Launch;
pub use solver::Solver;
pub use stage::{Shipped, StageRecord};
pub use state::{Lock, State};
pub use train::{Attempt, TrainRecord, output_path, stop};
pub use workspace::{ORIGIN, Workspace, check_packs, packs, predicate_type, signable};
