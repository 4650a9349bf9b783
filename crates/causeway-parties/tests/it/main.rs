//! The room as its callers use it: files in, verdicts out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod lists;
mod lists_bad;
mod lists_graph;
mod names;
mod ownership;
mod screening;
