//! The bytes of a block between a frame and a file.

use bytes::Bytes;
use causeway_domain::Digest;
use causeway_weights::{MAX_BLOCK, codec};

use super::Broken;
use super::frame::Frame;
use crate::wire::{Reader, Writer};

const RAW: u8 = 0;
const ENCODED: u8 = 1;
/// How much longer than the block an encoded one may be.
const LONGER: u64 = 2;

/// A block's bytes as they cross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// Encoded (`docs/formats/codec.md`), or the bytes themselves.
    pub(crate) encoded: bool,
    pub(crate) bytes: Bytes,
}

impl Payload {
    /// The bytes themselves.
    pub(crate) fn raw(bytes: impl Into<Bytes>) -> Self {
        Self {
            encoded: false,
            bytes: bytes.into(),
        }
    }

    /// The length of the block, and the base that it needs, as it says itself: not more than what an encoder makes of it.
    pub(crate) fn describe(&self) -> Result<(u64, Option<Digest>), Broken> {
        if !self.encoded {
            return Ok((self.bytes.len() as u64, None));
        }
        let described = codec::describe(&self.bytes)
            .map_err(|_| Broken("a block is encoded in a way that is not known here"))?;
        if self.bytes.len() as u64 > described.length.saturating_add(LONGER) {
            return Err(Broken("an encoded block is longer than the block"));
        }
        let base = described.base.map(|hash| Digest::new(*hash.as_bytes()));
        Ok((described.length, base))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(u8::from(self.encoded)).raw(&self.bytes);
    }

    /// What `input`, the rest of that frame, says; the bytes stay where they are.
    pub(super) fn read(frame: &Frame, mut input: Reader<'_>) -> Result<Self, Broken> {
        let encoded = match input.u8()? {
            RAW => false,
            ENCODED => true,
            _ => return Err(Broken("a block is written in a way that is not known here")),
        };
        if input.0.is_empty() || input.0.len() as u64 > MAX_BLOCK {
            return Err(Broken("a block is empty or longer than 4 MiB"));
        }
        Ok(Self {
            encoded,
            bytes: frame.payload.slice_ref(input.0),
        })
    }
}
