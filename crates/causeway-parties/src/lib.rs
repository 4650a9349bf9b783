//! Who owns whom, exactly.
//!
//! This room answers three different questions about a [`Register`] of parties and holdings, and keeps them apart:
//! - [`ultimate_parent`]: where the party at the top of the chain of majorities has its headquarters (the US headquarters
//!   test); exactly half, control by a minority and unknown shares stay open, with the answers that are possible;
//! - [`cascade`]: which parties are owned 50 % or more, in sum, by parties of a given kind (the fifty percent rules), with
//!   a lower and an upper bound where shares or registers are unknown;
//! - [`flagged_holders`]: which parties of a kind hold a stake from a floor up, directly or behind a holder (a red flag).
//!
//! For these three, what counts as listed is a predicate of the caller. [`ownership`] knows the five ownership tests of the
//! law as dated data, and answers for people: verdicts with their arithmetic, look-through shares, a tree, a picture, and a
//! record that a checker can redo. No floating point number decides anything: shares are exact, and so are sums.
//!
//! [`kyc`] is the provider's side: questionnaire, evidence, retention and red flags.
//!
//! [`lists`] reads screening lists and registers of owners by streaming; [`names`] compares names across scripts,
//! [`addresses`] addresses.
//!
//! Read first: [`Register`], [`Cascade`], [`ownership::OwnershipRecord`].
//!
//! ```
//! use causeway_domain::{Fact, Percent};
//! use causeway_parties::{Certainty, Holding, Party, Register, cascade};
//! use rust_decimal::Decimal;
//!
//! let mut register = Register::default();
//! register.insert("X", Party::company("X").on_lists(["sdn"]));
//! let half = Fact::stated(Percent::new(Decimal::from(50)), "the register");
//! register.insert("A", Party::company("A").on_lists([]).owned([Holding::new("X", half)]));
//! let owned = cascade(&register, Decimal::from(50), |party| party.on_any(&["sdn"]));
//! assert_eq!(owned.of("A"), Certainty::Yes);
//! ```

pub mod addresses;
mod cascade;
pub mod kyc;
mod listed;
pub mod lists;
pub mod names;
pub mod ownership;
mod parent;
mod register;

pub use cascade::{Cascade, Certainty, Flags, cascade, flagged_holders};
pub use listed::Listed;
pub use parent::{Parent, ultimate_parent};
pub use register::{Holding, Party, PartyKind, Register};
