//! The packs against the cases of `rules/cases`, and the properties of the engine.

mod cases;
mod packs;
mod properties;
