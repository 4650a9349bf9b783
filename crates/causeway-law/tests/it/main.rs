//! The packs against the cases of `rules/cases`, and the properties of the engine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions around them too"
)]

mod cases;
mod diff;
mod packs;
mod properties;
