//! Frames: length of the payload (4 bytes, big-endian), kind (1), request (4), payload.

use bytes::Bytes;

use super::Broken;
use crate::wire::Writer;

/// Bytes before the payload.
pub(crate) const HEADER: usize = 9;
/// The longest payload: a block of 4 MiB and the numbers before it.
pub(crate) const MAX_PAYLOAD: usize = (4 << 20) + 64;
/// The longest payload before the caller has shown its token.
pub(crate) const MAX_GREETING: usize = 1024;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) request: u32,
    pub(crate) payload: Bytes,
}

impl Frame {
    /// Begins a frame: room for its header, then `len` bytes or so. Its payload is written behind that.
    pub(crate) fn begin(len: usize) -> Writer {
        let mut bytes = Vec::with_capacity(HEADER + len);
        bytes.extend_from_slice(&[0; HEADER]);
        Writer(bytes)
    }

    /// The frame's bytes on a lane, from what [`Frame::begin`] began.
    pub(crate) fn end(kind: u8, request: u32, begun: Writer) -> Vec<u8> {
        let mut bytes = begun.0;
        let len = bytes.len() - HEADER;
        if let Some(header) = bytes.first_chunk_mut::<HEADER>() {
            *header = Self::head(kind, request, len);
        }
        bytes
    }

    /// What stands before a payload of that many bytes.
    pub(crate) fn head(kind: u8, request: u32, len: usize) -> [u8; HEADER] {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let ([a, b, c, d], [e, f, g, h]) = (len.to_be_bytes(), request.to_be_bytes());
        [a, b, c, d, kind, e, f, g, h]
    }
}

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    header: [u8; HEADER],
    have: usize,
    payload: Vec<u8>,
}

impl Decoder {
    /// For a lane on which nobody has shown who it is.
    pub(crate) const fn new() -> Self {
        Self {
            limit: MAX_GREETING,
            header: [0; HEADER],
            have: 0,
            payload: Vec::new(),
        }
    }

    /// From now on payloads may have [`MAX_PAYLOAD`] bytes.
    pub(crate) const fn trust(&mut self) {
        self.limit = MAX_PAYLOAD;
    }

    /// Takes from `input` up to the end of a frame; `None` when the input ended before.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Broken> {
        while self.have < HEADER {
            let Some((byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            if let Some(place) = self.header.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            *input = rest;
        }
        let [a, b, c, d, kind, e, f, g, h] = self.header;
        let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if len > self.limit {
            return Err(Broken("a frame is longer than allowed"));
        }
        if self.payload.capacity() == 0 {
            self.payload.reserve_exact(len);
        }
        let (taken, rest) = input.split_at(input.len().min(len - self.payload.len()));
        self.payload.extend_from_slice(taken);
        *input = rest;
        if self.payload.len() < len {
            return Ok(None);
        }
        self.have = 0;
        Ok(Some(Frame {
            kind,
            request: u32::from_be_bytes([e, f, g, h]),
            payload: std::mem::take(&mut self.payload).into(),
        }))
    }
}
