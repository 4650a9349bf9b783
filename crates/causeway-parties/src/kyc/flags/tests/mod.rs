//! Each flag raised, clear and unknown; and that no flag is ever cleared by what is missing.

mod answers;
mod lines;
mod missing;
mod world;
