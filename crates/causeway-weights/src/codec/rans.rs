//! One plane of bytes through 64 interleaved range-coders (rANS): order 0, or a table for each context of a symbol.
//!
//! J. Duda, "Asymmetric numeral systems" (arXiv:1311.2540); interleaving after F. Giesen, "Interleaved entropy coders"
//! (arXiv:1402.3392). Symbol `i` belongs to coder `i % 64`; states have 31 bits, and 16 bits are moved at a time.

use super::error::CodecError;
use super::kernels::{Kernels, LANES, LOW, States, WINDOW, popped, pushed};
use super::reader::Reader;
use super::table::{DecodeTables, EncodeTables, SCALE, SCALE_BITS};

const CUT_OFF: CodecError = CodecError::Damaged {
    why: "a plane ends too early",
};

/// Appends states and words of `symbols` to `out`. `contexts` is empty or as long as `symbols`. `scratch` is for the words.
pub(super) fn encode(
    kernels: Kernels,
    tables: &EncodeTables,
    contexts: &[u8],
    symbols: &[u8],
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let room = 2 * symbols.len() + WINDOW;
    if scratch.len() < room {
        scratch.resize(room, 0);
    }
    let mut position = scratch.len();
    let mut states = [LOW; LANES];
    let whole = symbols.len() - symbols.len() % LANES;
    let (groups, rest) = symbols.split_at(whole);
    let (group_contexts, rest_contexts) = contexts.split_at(whole.min(contexts.len()));
    for (lane, (state, &symbol)) in states.iter_mut().zip(rest).enumerate().rev() {
        let context = rest_contexts.get(lane).copied().unwrap_or(0);
        let index = usize::from(context) << 8 | usize::from(symbol);
        let step = tables.0.get(index).copied().unwrap_or(0);
        if u64::from(*state) >= (step & u64::from(SCALE - 1)) << 19 {
            // There is room for two bytes a symbol.
            position -= 2;
            let [low, high, ..] = state.to_le_bytes();
            if let Some(place) = scratch
                .get_mut(position..)
                .and_then(<[u8]>::first_chunk_mut)
            {
                *place = [low, high];
            }
            *state >>= 16;
        }
        *state = pushed(*state, step);
    }
    let done = kernels.encode(
        &mut states,
        scratch,
        &mut position,
        tables,
        group_contexts,
        groups,
    );
    debug_assert_eq!(done, whole, "there is room for two bytes a symbol");
    for state in states {
        out.extend(state.to_le_bytes());
    }
    out.extend_from_slice(scratch.get(position..).unwrap_or_default());
}

/// The decoder of one plane, which may be asked for a part at a time.
pub(super) struct Plane<'a> {
    states: States,
    /// Words that are left begin at `position`, in `stream` or, once `in_tail`, in `tail`.
    stream: &'a [u8],
    position: usize,
    /// The last words with zeros behind them, so that kernels have their window up to the end.
    tail: [u8; 2 * WINDOW],
    in_tail: bool,
    /// Where the words in `tail` end.
    end: usize,
}

impl<'a> Plane<'a> {
    /// Begins with what [`encode`] appended.
    ///
    /// # Errors
    ///
    /// The states are out of range, or there is half a word.
    pub(super) fn new(encoded: &'a [u8]) -> Result<Self, CodecError> {
        let mut reader = Reader(encoded);
        let mut states: States = [0; LANES];
        for state in &mut states {
            *state = reader.u32()?;
            if !(LOW..LOW << 16).contains(state) {
                return Err(CodecError::Damaged {
                    why: "a coder's state is out of range",
                });
            }
        }
        let stream = reader.0;
        if stream.len() % 2 != 0 {
            return Err(CodecError::Damaged {
                why: "a plane has half a word",
            });
        }
        Ok(Self {
            states,
            stream,
            position: 0,
            tail: [0; 2 * WINDOW],
            in_tail: false,
            end: 0,
        })
    }

    /// Decodes the next symbols: a multiple of [`LANES`], except at the plane's end. `contexts` is empty or as long.
    ///
    /// # Errors
    ///
    /// The words end too early. Not every such case is found here; [`Plane::finish`] finds the rest.
    pub(super) fn next(
        &mut self,
        kernels: Kernels,
        tables: &DecodeTables,
        contexts: &[u8],
        symbols: &mut [u8],
    ) -> Result<(), CodecError> {
        let whole = symbols.len() - symbols.len() % LANES;
        let (mut groups, rest) = symbols.split_at_mut(whole);
        let (mut group_contexts, rest_contexts) = contexts.split_at(whole.min(contexts.len()));
        loop {
            let stream = if self.in_tail {
                &self.tail
            } else {
                self.stream
            };
            let done = kernels.decode(
                &mut self.states,
                stream,
                &mut self.position,
                tables,
                group_contexts,
                groups,
            );
            groups = groups.get_mut(done..).unwrap_or_default();
            group_contexts = group_contexts.get(done..).unwrap_or_default();
            if groups.is_empty() {
                break;
            }
            if self.in_tail {
                return Err(CUT_OFF);
            }
            self.enter_tail();
        }
        if !rest.is_empty() && !self.in_tail {
            // A window's worth may be left, or more, which `finish` then finds.
            self.enter_tail();
        }
        for (lane, (state, symbol)) in self.states.iter_mut().zip(rest).enumerate() {
            let context = rest_contexts.get(lane).copied().unwrap_or(0);
            let slot = usize::from(context) << SCALE_BITS | (*state & (SCALE - 1)) as usize;
            let entry = tables.entries().get(slot).copied().unwrap_or(0);
            *symbol = entry.to_be_bytes()[0];
            *state = popped(*state, entry);
            if *state < LOW {
                let word = self.tail.get(self.position..).and_then(<[u8]>::first_chunk);
                *state = *state << 16 | u32::from(u16::from_le_bytes(*word.ok_or(CUT_OFF)?));
                self.position += 2;
            }
        }
        Ok(())
    }

    /// Goes over to a copy of the last words.
    fn enter_tail(&mut self) {
        let left = self.stream.get(self.position..).unwrap_or_default();
        // More than fits is more than can be used, and `finish` says so.
        self.end = left.len();
        for (place, &byte) in self.tail.iter_mut().zip(left) {
            *place = byte;
        }
        self.position = 0;
        self.in_tail = true;
    }

    /// # Errors
    ///
    /// Words are missing or left over, or the coders are not where every encoder begins.
    pub(super) fn finish(&self) -> Result<(), CodecError> {
        let end = if self.in_tail {
            self.end
        } else {
            self.stream.len()
        };
        if self.position > end {
            return Err(CUT_OFF);
        }
        if self.position < end || self.states != [LOW; LANES] {
            return Err(CodecError::Damaged {
                why: "a plane does not end where its coders do",
            });
        }
        Ok(())
    }
}
