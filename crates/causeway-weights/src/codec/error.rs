//! What can be wrong with an encoded block.

use super::MAX_LENGTH;

/// Why an encoded block could not be decoded. Nothing is handed out in that case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum CodecError {
    /// It was written by another version of the codec.
    #[error("an encoded block has version {found}, this program reads version {read}", read = super::VERSION)]
    #[diagnostic(
        code(causeway::weights::codec::version),
        help("use the same version of causeway on both sides")
    )]
    Version {
        /// Its first byte.
        found: u8,
    },
    /// The bytes are not what an encoder writes.
    #[error("an encoded block is damaged: {why}")]
    #[diagnostic(
        code(causeway::weights::codec::damaged),
        help("ask for the block again")
    )]
    Damaged {
        /// What does not fit.
        why: &'static str,
    },
    /// It holds another number of bytes than the manifest says.
    #[error("an encoded block holds {found} bytes, not {expected}")]
    #[diagnostic(
        code(causeway::weights::codec::length),
        help("ask for the block again, with the manifest that it belongs to")
    )]
    Length {
        /// What it says of itself, in bytes.
        found: u64,
        /// What the caller knows, in bytes.
        expected: u64,
    },
    /// The caller expects more than any block has.
    #[error("a block of {expected} bytes is longer than any block: at most {MAX_LENGTH}")]
    #[diagnostic(
        code(causeway::weights::codec::too_long),
        help("check the manifest: blocks have at most 4 MiB")
    )]
    TooLong {
        /// What the caller expects, in bytes.
        expected: u64,
    },
    /// It is a difference, and no base was given.
    #[error("an encoded block is a difference to block {needs}, which is not at hand")]
    #[diagnostic(
        code(causeway::weights::codec::base_missing),
        help("ask for the block without a base")
    )]
    BaseMissing {
        /// BLAKE3 of the base that it needs.
        needs: blake3::Hash,
    },
    /// It is a difference to another block than the one given.
    #[error("an encoded block is a difference to block {needs}, not to {given}")]
    #[diagnostic(
        code(causeway::weights::codec::base_differs),
        help("ask for the block without a base")
    )]
    BaseDiffers {
        /// BLAKE3 of the base that it needs.
        needs: blake3::Hash,
        /// BLAKE3 of the base given.
        given: blake3::Hash,
    },
    /// The base given has another length than the block.
    #[error("the base of an encoded block has {given} bytes, not {needs}")]
    #[diagnostic(
        code(causeway::weights::codec::base_length),
        help("ask for the block without a base")
    )]
    BaseLength {
        /// The block's length, in bytes.
        needs: u64,
        /// The base's length, in bytes.
        given: u64,
    },
}
