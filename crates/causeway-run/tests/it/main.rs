//! The parts of a run that need another program.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod solver;
