//! The packs against the cases of `rules/cases`, and the properties of the engine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions around them too"
)]

mod acts;
mod cases;
mod counterfactual;
mod decisions;
mod determined;
mod diff;
mod facts;
mod packs;
mod passed;
mod properties;
mod strictness;
mod timeline;
