//! Lists of parties and registers of owners, read into one kind of record.
//!
//! Readers take any [`std::io::BufRead`] and hand out [`Item`]s one by one; nothing here opens a file or knows the time.
//! - [`detect`] says what a file is, [`read`] reads it: FollowTheMoney JSON lines, the US Consolidated Screening List (JSON,
//!   CSV, TSV), OFAC's SDN files, GLEIF level 1 and 2, BODS 0.4.
//! - [`ListVersion`] records which list it was: date, hash of the files, what came out; [`ListVersion::freshness`] says
//!   whether it may still be used.
//! - [`stored`] is the compact form on disk; [`ScreeningList`] is a list in memory.
//! - [`Lists`] are all lists to screen against, with records of one party joined by their identifiers;
//!   [`Lists::graph`] gives them as a [`crate::Register`].
//!
//! Two rules hold everywhere. Nothing is dropped in silence: what can't be understood is kept and marked by a [`Doubt`].
//! And nothing is guessed: a range stays a range, a date without a day leaves open what it leaves open.
//!
//! ```
//! use std::ops::ControlFlow;
//! use causeway_parties::lists::{Item, ReadAs, detect, read};
//!
//! let text = r#"{"id": "x", "schema": "Company", "properties": {"name": ["Example Ltd"]}}"#;
//! let part = detect(text.as_bytes()).unwrap();
//! let mut parties = Vec::new();
//! let report = read(ReadAs { part, file: "x.jsonl", number: 0, list: None }, text.as_bytes(), &mut |item| {
//!     if let Item::Party(record) = item {
//!         parties.push(record);
//!     }
//!     ControlFlow::Continue(())
//! }).unwrap();
//! assert_eq!((report.counts.rows, report.counts.in_doubt), (1, 0));
//! assert_eq!(parties[0].label, "Example Ltd");
//! ```

mod bods;
mod csl;
mod day;
mod edge;
mod error;
mod ftm;
mod gather;
mod gleif;
mod graph;
mod identifier;
mod input;
mod joined;
mod json;
mod known;
mod listing;
mod numbers;
mod ofac;
mod reading;
mod record;
mod screening;
mod share;
pub mod stored;
mod text;
mod version;
mod words;

pub use day::{Day, holds};
pub use edge::{Edge, EdgeKind, Relationship};
pub use error::ListError;
pub use gather::ScreeningList;
pub use graph::Graph;
pub use identifier::{Identifier, IdentityKey, Scheme};
pub use input::LONGEST_RECORD;
pub use joined::{Entry, Joined, Lists};
pub use known::{KnownList, known_list, known_lists, pack_words};
pub use listing::{Effect, Items, Listing, UNKNOWN_LIST};
pub use reading::{Counts, FileReport, Format, InDoubt, Part, ReadAs, SHOWN, detect, read};
pub use record::{
    Address, Closed, Doubt, DoubtKind, Exception, Item, Kind, ListedName, More, NameKind, Origin,
    Record, Unread,
};
pub use screening::{Finding, FoundBy, Screenee, Screener, Screening, Searchable, thousandths};
pub use share::Share;
pub(crate) use text::country as country_named;
pub use version::{Freshness, ListFile, ListVersion};
pub use words::{Judging, ListedWords, Screened};

pub use crate::Certainty;
