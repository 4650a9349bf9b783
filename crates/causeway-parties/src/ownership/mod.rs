//! Ownership under five tests of the law, with the arithmetic that gave each verdict.
//!
//! A [`Graph`] holds what sources state: parties, list entries with days, blocks of shares and votes with every claim that
//! was made of them, control by other means. [`assess`] judges all of it by one [`Regime`] on one day; [`look_through`] gives
//! the economic interest of every owner, which is another sum and decides nothing; [`OwnershipRecord`] keeps both with all
//! that they were made from, and [`recheck`] redoes it.
//!
//! Two sets are kept: `low`, what is owned for certain, and `high`, what can be owned with every unknown at its worst. In the
//! lower set: caught. Only in the upper: review. A verdict is never `clear` because data are missing.
//! Sources: OFAC FAQ 398 to 401; 15 CFR part 744 supp. 8; 28 CFR 202.211; Council Best Practices; OFSI general guidance.
//!
//! ```
//! use causeway_domain::{Date, Fact, Source};
//! use causeway_parties::ownership::{Edge, EdgeKind, Graph, ListEntry, Node, Verdict, assess, default_floor, regimes};
//!
//! let screened = |lists: &[&str]| Fact::stated(lists.iter().map(|list| ListEntry::on(*list)).collect(), "screening");
//! let mut graph = Graph::default();
//! graph.parties.insert("x".to_owned(), Node { listings: screened(&["sdn"]), ..Node::company("X") });
//! graph.parties.insert("a".to_owned(), Node { listings: screened(&[]), owners_complete: true, ..Node::company("A") });
//! graph.edges.push(Edge::new("x", "a", EdgeKind::Share, "50 %".parse().unwrap(), Source::named("register")));
//! let day: Date = "2026-11-24".parse().unwrap();
//! let ofac = &regimes()[0];
//! assert_eq!(assess(&graph, ofac, day, &default_floor()).verdict("a"), Verdict::Caught);
//! ```

pub mod cases;
mod drawing;
mod graph;
mod look_through;
mod ratio;
mod reading;
mod record;
mod regime;
mod share;
mod standing;
mod tree;
mod verdict;
mod words;

pub use drawing::svg;
pub use graph::{Claim, Edge, EdgeKind, Graph, ListEntry, Node};
pub use look_through::{
    Interest, LookThrough, ShareTable, direct_shares, interest, look_through, solves,
};
pub use ratio::{InvalidRatio, Ratio};
pub use record::{OwnershipRecord, RecordError, recheck};
pub use regime::{Aggregation, Control, Exempt, Phase, Regime, Standing, default_floor, regimes};
pub use share::{InvalidShare, Share};
pub use standing::{Measure, Treasury};
pub use tree::{Branch, Seen, tree};
pub use verdict::{
    Arithmetic, Assessment, Finding, Part, Reason, Sets, Standpoint, Verdict, Waves, assess,
};
