//! The program as its users see it: processes, files, lines, exit codes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod program;
mod resume;
mod usage;
