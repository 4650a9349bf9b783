//! The provider's side: who the customer is, what may be asked, and what a run's own records show.
//!
//! - [`Questionnaire`]: the questions as data, with the evidence, what a missing answer does, and how long answers are kept;
//! - [`customer`], [`provider`]: the forms, read with the place of every word; [`blank_form`] writes one to fill;
//! - [`gaps`], [`retention`]: what a form lacks on a day, and until when it is kept;
//! - [`FLAGS`]: red flags, each a pure function over [`Records`]; an unknown fact never clears one, and none decides
//!   anything: it gives a question;
//! - [`check`], [`check_provider`]: all of it together; [`Notice`]: the notice of a large model.
//!
//! Read first: [`Questionnaire`], [`Records`], [`Checked`].

mod check;
mod flags;
pub mod form;
mod gaps;
mod notice;
pub mod observed;
mod questionnaire;
mod read;
pub mod records;
mod retention;
mod write;

pub use check::{
    Answer, Checked, Flagged, Question as ToAsk, SealState, Sheet, check, check_provider,
    questionnaire_digest, red_flags,
};
pub use flags::{FLAGS, Finding, Flag, Seen, Weight, scientific, six_n_d};
pub use gaps::{Form, Gap, gaps};
pub use notice::{Compute, Notice};
pub use questionnaire::{IfMissing, Keep, Question, Questionnaire, Role};
pub use read::{
    Filed, customer, customer_schema, observed, observed_schema, provider, provider_schema, role_of,
};
pub use records::Records;
pub use retention::{Ends, Kept, Retention, retention};
pub use write::{Prefilled, blank_form};
