//! The log as its users meet it: in a folder, with crashes, other writers and other people's hands.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "everything here is a test, the functions around them too"
)]

mod bench;
mod crash;
mod evidence;
mod log;
mod tamper;
