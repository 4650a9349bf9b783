//! The block protocol, without I/O: bytes in, events and bytes out.
//!
//! A **lane** is one ordered, reliable stream of bytes in each direction: a QUIC stream, the standard input and output of an
//! `ssh` session, a pipe. Both ends speak [frames](frame) on it. The caller opens with `Hello` and asks; the agent answers.
//! Several requests may be open on a lane, and several lanes on a carrier; nothing depends on their order.
//! `docs/formats/transfer.md` has every byte.
//!
//! [`server::ServerLane`] and [`client::ClientLane`] hold all rules: who may say what when, how much, how long. Neither
//! allocates what the other side only promises; both end with an error, never a panic, on anything that is not the protocol.

pub(crate) mod client;
pub(crate) mod frame;
pub(crate) mod http;
mod kind;
pub(crate) mod message;
pub(crate) mod outcome;
pub(crate) mod payload;
pub(crate) mod server;

/// The version that both ends must speak.
pub const PROTOCOL_VERSION: u16 = 4;

/// The other side broke a rule; the text says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) &'static str);

impl From<crate::wire::Malformed> for Broken {
    fn from(malformed: crate::wire::Malformed) -> Self {
        Self(malformed.0)
    }
}

#[cfg(test)]
mod tests;
