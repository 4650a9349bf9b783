//! Memory, time and money of a run on a fleet.
//!
//! A [`Workload`] (model, tokens, batch, number format) and a [`Fleet`] (accelerator or processors, nodes, price) give an
//! [`Estimate`]: whether it fits, how long it takes, what it costs. Each figure is an interval with its source, or an
//! unknown with the reason; what is assumed is in the notes. The formulas are stated where they are computed, the share
//! of the peak comes from published runs (`catalog/mfu.json`; `docs/formats/catalog.md`).
//!
//! It refuses to know names of models (only their shape counts), files, the network and the clock, and what is lawful.
//! It does not search for the fastest parallel layout: it asks whether the smallest one fits.
//!
//! Read first: [`Workload`], [`Fleet`], [`Estimate`].
//!
//! ```
//! use causeway_domain::{Params, Tokens, UsdPerHour};
//! use causeway_estimate::{Fits, Fleet, Hardware, MfuTable, Workload, estimate};
//! use causeway_market::Accelerators;
//!
//! let chips = Accelerators::builtin().unwrap();
//! let workload = Workload::of_parameters(Params::new(70e9), Params::new(70e9), Tokens::new(1.4e12), 4096);
//! let fleet = Fleet {
//!     hardware: Hardware::Accelerators { part: chips.find("H100").unwrap(), per_node: 8 },
//!     nodes: 1,
//!     node_memory: None,
//!     price_per_node_hour: Some("19.20".parse::<UsdPerHour>().unwrap()),
//!     declared_tokens_per_second: None,
//! };
//! let answer = estimate(&workload, &fleet, &MfuTable::builtin().unwrap()).unwrap();
//! assert!(matches!(answer.fits, Fits::No { .. })); // 1.1 TB of training state, 0.6 TB of memory
//! assert!(answer.hours.known().unwrap().mid.get() > 50_000.0);
//! ```

mod error;
mod estimate;
mod fleet;
mod hf_config;
mod interval;
mod memory;
mod mfu;
mod model;
mod money;
mod workload;

pub use error::EstimateError;
pub use estimate::{Estimate, Fits, estimate};
pub use fleet::{Fleet, Hardware};
pub use interval::Interval;
pub use memory::{Layout, Memory, Sharding};
pub use mfu::{Basis, Choice, Mfu, MfuTable};
pub use model::{Extras, FeedForward, ModelShape};
pub use money::cost;
pub use workload::{Optimizer, Precision, Workload};
