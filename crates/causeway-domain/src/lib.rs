//! The words everybody uses.
//!
//! This room is at the bottom: every other crate of Causeway depends on it and it depends on none of ours. It holds
//! - **ids, units and places** ([`RunId`], [`Bytes`], [`Usd`], [`Country`]): no bare number or string crosses a room;
//! - **facts** ([`Fact`]): a value with who said so, or an explicit unknown with why; never an `Option`;
//! - **the two files a user writes** ([`task::Task`], [`organisation::Organisation`]), parsed with the place of every
//!   word, so that a [`Problem`] can point into the YAML;
//! - **the door** ([`Env`]) through which time, chance and injected faults come in.
//!
//! It refuses to know files, sockets, clocks and environment variables: text comes in as a [`SourceFile`].
//!
//! Read first: [`Fact`], [`Problem`], [`organisation::Organisation`].
//!
//! ```
//! use causeway_domain::{Bytes, Country, Fact};
//!
//! let size: Bytes = "1.5 GB".parse().unwrap();
//! assert_eq!(size.get(), 1_500_000_000);
//! assert_eq!(size.to_string(), "1.5 GB");
//! let place: Country = "sg".parse().unwrap();
//! assert_eq!(place.name(), "Singapore");
//! let parent: Fact<Country> = Fact::unknown("the register names no parent");
//! assert!(parent.known().is_none());
//! ```

pub mod approval;
mod check_digits;
mod country;
mod digest;
mod energy;
mod env;
mod fact;
mod ids;
pub mod organisation;
pub mod portfolio;
mod problem;
mod rate_limit;
pub mod scenario;
pub mod schema;
mod secret;
mod source;
mod stated;
pub mod task;
mod units;
pub mod yaml;

pub use check_digits::{lei_is_valid, uscc_is_valid};
pub use country::{Country, UnknownCountry};
pub use digest::{Digest, InvalidDigest};
pub use energy::{
    GramsPerKilowattHour, KilogramsCo2, Kilometres, KilowattHours, UsdPerKilowattHour, Watts,
};
pub use env::{Crash, Env};
pub use fact::{Fact, Source};
pub use ids::{AccountId, DatasetId, InvalidId, ModelName, PackId, PartyId, RunId, SiteId};
pub use problem::{Problem, Severity, near};
pub use rate_limit::{Cap, InvalidLimit, RateLimit};
pub use secret::Secret;
pub use source::{Place, SourceFile};
pub use stated::Stated;
pub use units::{
    BitsPerSecond, Bytes, Flop, GpuHours, Hours, InvalidUnit, Params, Percent, Probability, Tflops,
    Tokens, TokensPerSecond, Tpp, Usd, UsdPerHour,
};

/// An instant, UTC. Law is judged by the civil day in the rule's own place.
pub use jiff::Timestamp;
/// A civil day.
pub use jiff::civil::Date;
/// Where times of day are meant.
pub use jiff::tz::TimeZone;
