//! Tests of the crate from outside.
#![cfg(test)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "takes bytes of larger numbers on purpose"
)]

mod codec;
