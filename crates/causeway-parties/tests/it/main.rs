//! Tests of this room as others use it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions around them too"
)]

mod lists;
mod lists_bad;
mod lists_graph;
