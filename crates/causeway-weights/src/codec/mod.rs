//! A lossless codec for blocks of weights: what [`crate::blocks`] cuts gets a third smaller as bf16, and much smaller where the
//! block of an earlier checkpoint is at hand.
//!
//! The smallest of these is chosen for each block, and the encoded block says which: the bytes as they are; *planes*
//! (elements rotated so that exponents are bytes of their own, each plane of bytes coded alone); the *difference* to a base
//! block, named by its BLAKE3, in integers that have the floats' order, in planes too. Planes go through rANS coders of our own.
//! `docs/formats/codec.md` describes every byte.
//!
//! It refuses to know where blocks come from and whether decoded bytes are the right ones: that is the manifest's.
//!
//! ```
//! use causeway_weights::codec::{Base, Decoder, Effort, Element, Encoder};
//!
//! let before: Vec<u8> = (0..40_000_u32).flat_map(|n| ((0x3c00 + n % 700) as u16).to_le_bytes()).collect();
//! let mut block = before.clone();
//! block[10] ^= 1;
//! let base = Base { bytes: &before, hash: blake3::hash(&before) };
//!
//! let mut encoder = Encoder::default();
//! let alone = encoder.encode(&block, Element::Bf16, None, Effort::Small).len();
//! let encoded = encoder.encode(&block, Element::Bf16, Some(base), Effort::Small);
//! assert!(alone < 80_000 && encoded.len() < alone / 10);
//!
//! let mut decoded = Vec::new();
//! Decoder::default().decode(encoded, block.len(), Some(base), &mut decoded)?;
//! assert_eq!(decoded, block);
//! # Ok::<(), causeway_weights::codec::CodecError>(())
//! ```

mod choice;
mod decode;
mod element;
mod encode;
mod error;
mod kernels;
mod rans;
mod reader;
mod table;

pub use decode::{Decoder, describe};
pub use element::Element;
pub use encode::Encoder;
pub use error::CodecError;
pub use kernels::Instructions;

/// The version of encoded blocks, their first byte.
pub const VERSION: u8 = 1;
/// The longest block that is decoded, in bytes: far more than [`crate::MAX_BLOCK`], and little enough to hold.
pub const MAX_LENGTH: usize = 64 << 20;

const METHOD_RAW: u8 = 0;
const METHOD_PLANES: u8 = 1;
const METHOD_DIFFERENCE: u8 = 2;

const CODING_RAW: u8 = 0;
const CODING_CONSTANT: u8 = 1;
const CODING_ORDER_0: u8 = 2;
const CODING_IN_CONTEXTS: u8 = 3;
/// Added to one of the last two: one byte stands for symbols that are given apart.
const CODING_ESCAPING: u8 = 4;

/// Contexts come from what the symbol's coder had before, on average.
const SOURCE_AVERAGE: u8 = 0xfd;
/// Contexts come from a symbol's own place.
const SOURCE_PLACE: u8 = 0xfe;
/// Contexts come from the base's exponents. Any other source is the number of an earlier plane.
const SOURCE_BASE: u8 = 0xff;

/// How many of `count` symbols have the same place: the smallest power of two that gives at most 256 places.
fn run_of_places(count: usize) -> usize {
    let mut run = 1;
    while count.div_ceil(run) > 256 {
        run *= 2;
    }
    run
}

/// The place of each of `count` symbols.
fn places(count: usize, places: &mut Vec<u8>) {
    let run = run_of_places(count);
    places.clear();
    for place in 0..=u8::MAX {
        places.resize(count.min(places.len() + run), place);
    }
}

/// How long an encoder tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// One table a plane, or a few by place or by what came before, and only planes that get 1 % smaller: for fast links.
    Fast,
    /// Everything that saves a byte: for slow links.
    Small,
}

/// An earlier block that a difference is taken from.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// BLAKE3 of `bytes`. Taken at its word: whoever read the bytes has compared them.
    pub hash: blake3::Hash,
}

/// How a block is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// As it is.
    Raw,
    /// Planes of its elements.
    Planes,
    /// Planes of the difference to a base.
    Difference,
}

/// What an encoded block says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// How it is encoded.
    pub method: Method,
    /// Length of the block that it holds, in bytes.
    pub length: u64,
    /// BLAKE3 of the base that it needs.
    pub base: Option<blake3::Hash>,
}
