//! What may lawfully be done, and why.
//!
//! A plan is unfolded into [`Act`]s: a rental here, a transfer of a dataset there. [`judge`] holds one act against dated
//! rule packs ([`Packs`]: Cedar policies and the data beside them) and answers with an [`ActVerdict`]: the outcome, the
//! rules that decide it with their citations, the obligations of an allow, and the facts that nobody stated although the
//! answer turns on them. [`clear`] judges every act of a [`Subject`]; only what is lawful in whole becomes a [`Cleared`],
//! and only a `Cleared` can be launched. [`diff`] compares two readings of the law: what changed, and which is the stricter.
//!
//! This room refuses to know files, clocks and networks: packs come in as texts, time as an argument. It never guesses:
//! an unknown fact is tried at every value that the rules tell apart, and an error of any kind is a review, not an allow.
//!
//! Read first: [`Act`], [`ActVerdict`], [`Verdict`].
//!
//! ```
//! use causeway_law::{Outcome, Packs, Settings, cases};
//!
//! let packs = Packs::builtin()?;
//! let text = "cases: [{id: A, date: '2026-11-24', act: export, from: US, to: AE, item: {chip: h100-sxm, count: 8},
//!   parties: [{role: exporter, in: US, hq: US}, {role: end_user, in: AE, hq: AE}]}]";
//! for case in cases::parse(text)? {
//!     let verdict = causeway_law::judge(&packs, &case.settings, &case.act.unwrap());
//!     assert_eq!(verdict.outcome, Outcome::LicenseRequired);
//!     assert_eq!(verdict.deciding[0].id, "us-acs-3a090a");
//! }
//! # let _ = Settings::default();
//! # Ok::<(), causeway_law::LawError>(())
//! ```

mod act;
mod atoms;
mod builtin;
mod candidates;
pub mod cases;
mod cedar;
mod clearance;
mod definitions;
pub mod diff;
mod disclosure;
mod error;
mod explain;
mod groups;
mod judge;
mod packs;
mod scene;
mod settings;
mod slips;
mod table;
mod verdict;
mod vocabulary;

pub use act::{
    Act, ActKind, ActParty, Chip, Dataset, Evidence, FactValue, Figures, Item, Model, Role,
    Service, Technology, UnknownWord, Weights, When,
};
pub use clearance::{Clearance, Cleared, Subject, Verdict, clear};
pub use error::LawError;
pub use explain::explain;
pub use judge::judge;
pub use packs::{PackFile, Packs, RuleInfo, Status};
pub use settings::{Posture, Settings};
pub use verdict::{ActVerdict, Effect, OpenFact, Outcome, Review, RuleHit};
