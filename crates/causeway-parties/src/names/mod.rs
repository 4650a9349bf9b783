//! Whether two names are of one party.
//!
//! A [`Name`] is prepared once: cleaned, split by script, its words told apart (brand, place, industry, legal form, number),
//! personal names into parts or syllables. [`compare`] puts two of them side by side word by word and gives a score in
//! thousandths, a [`Band`], and the reason for each word. [`Index`] finds the names of a list that are worth comparing.
//!
//! What decides is what is rare. A brand that differs is another party, whatever else agrees; a legal form never decides
//! between two companies; numbers that differ are never a hit. A syllable that differs in a Chinese, Korean or Vietnamese
//! name is another person. An acronym finds what is known by it as an alias, and nothing else.
//!
//! A result is never a judgement on a natural person: [`Band::Hit`] and [`Band::Review`] are both for a reviewer, who has
//! the list's entry beside them. Nothing in here knows lists or identifiers; all arithmetic is in integers.
//!
//! ```
//! use causeway_parties::names::{Band, Kind, Name, Weights, compare};
//!
//! let weights = Weights::builtin();
//! let listed = Name::new("Zhejiang Dahua Technology Co., Ltd.", Kind::Entity);
//! let han = Name::new("浙江大华技术股份有限公司", Kind::Entity);
//! let sister = Name::new("Zhejiang Dahua Textile Co., Ltd.", Kind::Entity);
//! assert_eq!(compare(&weights, &han, &listed).band, Band::Review);
//! assert_eq!(compare(&weights, &sister, &listed).band, Band::Clear);
//! ```

mod cjk;
mod compare;
mod distance;
mod explain;
mod form;
mod hangul;
mod index;
mod kana;
mod letters;
mod name;
mod organisations;
mod person;
mod persons;
mod simplified;
mod syllable;
mod tables;
mod text;
mod weights;
mod words;

pub use compare::{Band, HIT, Match, REVIEW, Relation, Span, TokenMatch, compare};
pub use index::{Found, Index};
pub use name::{Kind, Name};
pub(crate) use simplified::simplify;
pub use text::Script;
pub use weights::Weights;
pub use words::Class;
