//! Memory, time, energy, carbon and money of a run on a fleet.
//!
//! A [`Workload`] (model, tokens, batch, number format, what is done with it) and a [`Fleet`] (accelerator or processors,
//! nodes, links, prices) give an [`Estimate`]: whether it fits and under which parallel layout, how long it takes and where
//! the time goes, what it costs and draws. Each figure is an interval with its source, or an unknown with the reason; what
//! is assumed is in the notes.
//!
//! How: the model becomes plain numbers (`anatomy`), the accelerator too (`card`); `step` and `links` price one optimizer
//! step under a [`Layout`], `footprint` its memory, and `search` takes the fastest layout that fits. The few numbers that
//! no data sheet states are [`Calibration`] (`catalog/efficiency.json`): each has a prior, and was fitted to published runs.
//! [`runs`] answers whole tables.
//!
//! It refuses to know names of models (only their shape counts), files, the network and the clock, and what is lawful.
//!
//! Read first: [`Workload`], [`Fleet`], [`Estimate`].
//!
//! ```
//! use causeway_domain::{Params, Tokens};
//! use causeway_estimate::{Calibration, Fits, Fleet, Hardware, Workload, estimate};
//! use causeway_market::{Accelerators, Term};
//!
//! let chips = Accelerators::builtin().unwrap();
//! let workload = Workload::of_parameters(Params::new(70e9), Params::new(70e9), Tokens::new(1.4e12), 4096);
//! let part = chips.find("H100").unwrap();
//! let fleet = Fleet {
//!     term: Some(Term::OnDemand("19.20".parse().unwrap())),
//!     ..Fleet::new(Hardware::Accelerators { part, per_node: 8 }, 1)
//! };
//! let answer = estimate(&workload, &fleet, &Calibration::builtin().unwrap()).unwrap();
//! assert!(matches!(answer.fits, Fits::No { .. })); // 1 TB of training state, 0.6 TB of memory
//! assert!(answer.hours.known().unwrap().mid.get() > 50_000.0);
//! ```

mod anatomy;
mod bound;
mod calibration;
mod card;
mod coefficients;
mod energy;
mod error;
mod estimate;
mod fleet;
mod footprint;
mod goodput;
mod hf_config;
mod interval;
mod layout;
mod links;
mod memory;
mod mfu;
mod model;
mod money;
mod question;
pub mod runs;
mod search;
mod step;
mod variant;
mod workload;

pub use bound::{BoundBy, Breakdown};
pub use calibration::{Calibration, Seen, Situation, Spread};
pub use coefficients::Prior;
pub use energy::{Energy, carbon};
pub use error::EstimateError;
pub use estimate::{Estimate, Fits, estimate, usual_utilisation};
pub use fleet::{Fleet, Hardware, Rates};
pub use goodput::Goodput;
pub use interval::Interval;
pub use layout::{Layout, Pinned, Recompute, Sharding};
pub use memory::Memory;
pub use mfu::Mfu;
pub use model::{Extras, FeedForward, ModelShape};
pub use money::Bill;
pub use variant::{Cut, cut};
pub use workload::{Kind, Optimizer, Precision, Workload};
