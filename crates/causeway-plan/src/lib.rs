//! Which place is best for a task, and what doing it there consists of.
//!
//! [`plan`] lays a task, an organisation and a market beside each other: every offer of the right kind becomes a
//! [`Candidate`] with its time, its price, the [`Factors`] of the mission and the law's answer to each of its acts.
//! Infeasible and unlawful ones stay listed with the reason. [`Comparison::choose`] gives the [`Planned`] that
//! `causeway_law::clear` may turn into a `Cleared<Planned>`, the only thing that is ever launched.
//!
//! [`page::render`] writes a comparison as one page of HTML with pictures, and [`page::bars`] the factors as small bars.
//!
//! It refuses to know files, the network and the clock. It never proposes another party, owner or headquarters.
//!
//! Read first: [`Inputs`], [`Candidate`], [`Planned`].
//!
//! ```
//! use causeway_domain::Hours;
//!
//! assert_eq!(causeway_plan::span(Hours::new(0.5)), "30 min");
//! assert_eq!(causeway_plan::span(Hours::new(60.0)), "2.5 days");
//! ```

mod acts;
mod budget;
mod candidate;
#[cfg(test)]
mod compared;
mod counterfactual;
mod error;
mod factors;
pub mod page;
mod paths;
mod people;
mod place;
mod plan;
mod planner;
pub mod portfolio;
mod records;
mod register;
mod request;
pub mod scenario;
mod talent;
mod trace;

pub use budget::{Affordable, Trained, affordable};
pub use candidate::{Candidate, Comparison, Planned, Variant, hours_in_words, span};
pub use counterfactual::{Advice, Elsewhere, ElsewhereChanged};
pub use error::PlanError;
pub use factors::{Factor, Factors};
pub use paths::{Shipment, Shipments, normal};
pub use place::Place;
pub use plan::{Inputs, plan, settings};
pub use records::{Move, Records, Screened};
pub use register::{graph, place_in_words, register};
pub use request::request;
pub use trace::{FIELDS, trace};
