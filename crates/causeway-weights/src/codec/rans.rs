//! One plane of bytes through 64 interleaved range-coders (rANS): order 0, or a table for each context of a symbol.
//!
//! J. Duda, "Asymmetric numeral systems" (arXiv:1311.2540); interleaving after F. Giesen, "Interleaved entropy coders"
//! (arXiv:1402.3392). Symbol `i` belongs to coder `i % 64`; states have 31 bits, and 16 bits are moved at a time.

use super::error::CodecError;
use super::kernels::{Contexts, Kernels, LANES, LOW, States, WINDOW, popped, pushed};
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

/// Decodes what [`encode`] appended.
///
/// # Errors
///
/// The states are out of range, words are missing or left over, or the coders do not end where every encoder begins.
pub(super) fn decode(
    kernels: Kernels,
    tables: &DecodeTables,
    mut contexts: Contexts<'_>,
    encoded: &[u8],
    symbols: &mut [u8],
) -> Result<(), CodecError> {
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
    let mut stream = reader.0;
    if stream.len() % 2 != 0 {
        return Err(CodecError::Damaged {
            why: "a plane has half a word",
        });
    }
    let mut position = 0;
    let mut groups = |stream: &[u8], position: &mut usize, groups: &mut [u8]| {
        kernels.decode(&mut states, stream, position, tables, &mut contexts, groups)
    };

    let whole = symbols.len() - symbols.len() % LANES;
    let (whole, rest) = symbols.split_at_mut(whole);
    let done = groups(stream, &mut position, whole);
    // Kernels have their window up to the end: the last words are followed by zeros here.
    stream = stream.get(position..).unwrap_or_default();
    let mut tail = [0; 2 * WINDOW];
    for (place, &byte) in tail.iter_mut().zip(stream) {
        *place = byte;
    }
    position = 0;
    let last = whole.get_mut(done..).unwrap_or_default();
    if groups(&tail, &mut position, last) < last.len() {
        return Err(CUT_OFF);
    }
    let of_rest = contexts.of_rest();
    for ((state, symbol), context) in states.iter_mut().zip(rest).zip(of_rest) {
        let slot = usize::from(context) << SCALE_BITS | (*state & (SCALE - 1)) as usize;
        let entry = tables.entries().get(slot).copied().unwrap_or(0);
        *symbol = entry.to_be_bytes()[0];
        *state = popped(*state, entry);
        if *state < LOW {
            let word = tail.get(position..).and_then(<[u8]>::first_chunk);
            *state = *state << 16 | u32::from(u16::from_le_bytes(*word.ok_or(CUT_OFF)?));
            position += 2;
        }
    }
    // More than `tail` holds is more than could be used.
    if position > stream.len() {
        return Err(CUT_OFF);
    }
    if position < stream.len() || states != [LOW; LANES] {
        return Err(CodecError::Damaged {
            why: "a plane does not end where its coders do",
        });
    }
    Ok(())
}
