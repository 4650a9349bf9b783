//! Offers and accelerators: what can be rented where, for how much.
//!
//! This room reads price lists (SkyPilot's CSV in every cloud's dialect, [`import_csv`]) and an organisation's own offers
//! ([`offers_file`]), the table of accelerators, and the tables that say where a region is and who a cloud is. Then it
//! answers which offers are of the kind that a task asks for, and why the others are not ([`Market::matching`]), in groups
//! that law and estimate don't tell apart ([`Market::grouped`]); how old a price is ([`Age`]); and what changed between two
//! readings ([`diff()`]). What has been read is kept as columns ([`cache`]). The built-in data is the folder `catalog/`; all
//! formats are in `docs/formats/`.
//!
//! It refuses to know files, the network and the clock (bytes come in, values go out), and it judges nothing: whether an
//! offer may lawfully be used is the law's question, how long a run takes on it is the estimator's. What a table does not
//! say is an unknown, never a guess, and never a zero.
//!
//! Sixty thousand offers are a few thousand kinds of machine in a few hundred places. Texts and facts are shared between
//! rows, a market is shelves that its copies share, and what depends on a machine alone is decided once for it.
//!
//! Read first: [`Offer`], [`Market`], [`Accelerator`].
//!
//! ```
//! use causeway_market::{Market, Request};
//!
//! let market = Market::builtin().unwrap();
//! let request = Request { accelerators: vec![("H100".into(), 8)], ..Request::default() };
//! let best = &market.matching(&request)[0];
//! assert!(best.answers());
//! assert_eq!(best.offer.label(), "hyperstack/CANADA-1 n3-H100-SXM5x8");
//! assert_eq!(best.price.unwrap().to_string(), "$19.20/h");
//! assert_eq!(best.accelerator.unwrap().legal_id.as_deref(), Some("h100-sxm"));
//! assert_eq!(best.offer.age("2026-12-24".parse().unwrap()).to_string(), "read 30 days ago");
//! ```

mod accelerator;
mod age;
mod builtin;
pub mod cache;
mod dialect;
mod diff;
mod distance;
mod error;
mod group;
mod import;
mod market;
mod matches;
mod matching;
mod offer;
pub mod offers_file;
mod provider;
mod regions;
mod request;
mod shelf;
mod table;
mod terms;
mod texts;

pub use accelerator::{Accelerator, Accelerators, NumberFormat};
pub use age::{Age, Reading};
pub use dialect::Dialects;
pub use diff::{Change, What, diff};
pub use distance::{Coordinates, rtt_at_least};
pub use error::MarketError;
pub use group::Group;
pub use import::{BadRow, Import, LONGEST_RECORD, MOST_BAD_ROWS, PriceList, import_csv};
pub use market::Market;
pub use matches::{Match, PriceKind, Shortfall};
pub use offer::{Offer, OfferSource, Read};
pub use provider::{Provider, Providers};
pub use regions::{GridCarbon, Jurisdiction, Region, Regions};
pub use request::{CpuNeed, Infra, MemoryNeed, Request};
pub use terms::{CostBasis, Least, OwnedCost, Sourced, Term};
