//! The registry as its callers meet it: on disk and over HTTP on a real port.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod admission;
mod crashes;
mod download;
mod home;
mod metadata;
mod tokens;
