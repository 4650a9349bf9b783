//! What may lawfully be done, and why.
//!
//! A plan is unfolded into [`Act`]s: a rental here, a transfer of a dataset there. [`judge`] holds one act against dated
//! rule packs ([`Packs`]: Cedar policies and the data beside them) and answers with an [`ActVerdict`]: the outcome, the
//! rules that decide it with their citations, the obligations of an allow, and the facts that nobody stated although the
//! answer turns on them. [`decide`] is the same without words, for those who judge many acts; [`judge_in_full`] says also
//! why the other rules did not speak. [`clear`] judges every act of a [`Subject`]; only what is lawful in whole becomes a [`Cleared`],
//! and only a `Cleared` can be launched.
//!
//! This room refuses to know files, clocks and networks: packs come in as texts, time as an argument. It never guesses:
//! an unknown fact is tried at every value that the rules tell apart, and an error of any kind is a review, not an allow.
//! Packs have an age: an allow for a day past the day up to which they were checked obliges to look again.
//! [`Packs::check`] says everything that is wrong with a folder of packs, each at its line; [`Packs::detail`] has a rule in full.
//! Cedar parses and checks the policies; they are judged by as formulas, and [`mod@reference`] holds both against each other.
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
mod approval;
mod atoms;
mod bits;
mod builtin;
mod candidates;
pub mod cases;
mod cedar;
mod chips;
mod clearance;
pub mod counterfactual;
mod dangling;
mod definitions;
mod detail;
pub mod diff;
mod disclosure;
mod error;
mod explain;
mod formula;
mod groups;
mod horizon;
mod judge;
mod law;
mod load;
mod packs;
mod passed;
mod reader;
pub mod reference;
mod rule;
mod scene;
mod settings;
mod slips;
mod syntax;
mod table;
mod text;
mod verdict;
mod vocabulary;

pub use act::{
    Act, ActKind, ActParty, Chip, Dataset, Evidence, FactValue, Figures, Item, Model, Role,
    Service, Technology, UnknownWord, Weights, When,
};
pub use approval::{Approvals, Described, OnFile, Signed, Unfit, Used, facts_of, needed, scope_of};
pub use clearance::{Clearance, Cleared, Subject, Verdict, clear};
pub use detail::{Event, RuleDetail, RulePart, SatisfiedBy, Standing, Threshold};
pub use error::LawError;
pub use explain::{Tree, act_tree, explain, parties, verdict_tree};
pub use groups::GroupChange;
pub use judge::{decide, judge, judge_in_full};
pub use packs::{PackFile, PackVersion, Packs, RuleInfo, Status, Verified};
pub use settings::{Posture, Settings};
pub use verdict::{
    ActVerdict, Decision, Effect, Given, OpenFact, Outcome, PassedOver, Review, RuleHit, Ruling,
};
