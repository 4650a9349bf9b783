//! Both ends together: an agent and a caller in one process, over pipes and over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests: a panic is how they fail, in their helpers too"
)]

mod bench;
mod codec;
mod crash;
mod follow;
mod full;
mod hostile;
mod https;
mod layouts;
mod limit;
mod objects;
mod progress;
mod pull;
mod push;
mod quic;
mod sparse;
mod strangers;
mod tcp;
mod world;
