//! The inner loops in plain Rust: what the others are held against, and what machines without them run.
#![expect(
    clippy::indexing_slicing,
    reason = "inner loops: every index is masked to the length of the array that it goes into"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "the upper half of a word is shifted out or belongs to the next lane"
)]

use super::super::table::{
    DecodeTables, ENCODE_ENTRIES, EncodeTables, SCALE, SCALE_BITS, TABLE_ENTRIES,
};
use super::{Averages, LANES, LOW, States, WINDOW, popped, pushed};

pub(super) use super::planes::contexts::{averages, classify, exponents2, exponents4};
pub(super) use super::planes::difference::{
    merge1 as merge_difference1, merge2 as merge_difference2, merge4 as merge_difference4,
    split1 as split_difference1, split2 as split_difference2, split4 as split_difference4,
};
pub(super) use super::planes::plain::{merge2, merge4, split2, split4};

const NO_CONTEXTS: [u8; LANES] = [0; LANES];

/// See [`super::Kernels::decode`].
pub(super) fn decode(
    states: &mut States,
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    symbols: &mut [u8],
) -> usize {
    let (groups, _) = symbols.as_chunks_mut::<LANES>();
    let mut done = 0;
    for group in groups {
        if !decode_group::<false>(
            states,
            stream,
            position,
            tables.entries(),
            &NO_CONTEXTS,
            group,
        ) {
            break;
        }
        done += LANES;
    }
    done
}

/// See [`super::Kernels::decode`].
pub(super) fn decode_in_context(
    states: &mut States,
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    contexts: &[u8],
    symbols: &mut [u8],
) -> usize {
    let (groups, _) = symbols.as_chunks_mut::<LANES>();
    let (contexts, _) = contexts.as_chunks::<LANES>();
    let mut done = 0;
    for (group, contexts) in groups.iter_mut().zip(contexts) {
        if !decode_group::<true>(states, stream, position, tables.entries(), contexts, group) {
            break;
        }
        done += LANES;
    }
    done
}

/// See [`super::Kernels::decode`].
pub(super) fn decode_by_averages(
    states: &mut States,
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    averages: &mut Averages,
    symbols: &mut [u8],
) -> usize {
    let (groups, _) = symbols.as_chunks_mut::<LANES>();
    let mut done = 0;
    for group in groups {
        let contexts = averages.contexts();
        let entries = tables.entries();
        if !decode_group::<true>(states, stream, position, entries, &contexts, group) {
            break;
        }
        averages.add(group);
        done += LANES;
    }
    done
}

#[inline(always)]
fn decode_group<const IN_CONTEXT: bool>(
    states: &mut States,
    stream: &[u8],
    position: &mut usize,
    table: &[u32; TABLE_ENTRIES],
    contexts: &[u8; LANES],
    group: &mut [u8; LANES],
) -> bool {
    let Some(window) = stream
        .get(*position..)
        .and_then(|rest| rest.first_chunk::<WINDOW>())
    else {
        return false;
    };
    let words = window.as_chunks::<2>().0;
    let mut taken = 0;
    for ((state, symbol), &context) in states.iter_mut().zip(group).zip(contexts) {
        let mut slot = *state & (SCALE - 1);
        if IN_CONTEXT {
            slot |= u32::from(context) << SCALE_BITS;
        }
        let entry = table[slot as usize & (TABLE_ENTRIES - 1)];
        *symbol = (entry >> 24) as u8;
        let next = popped(*state, entry);
        let word = u32::from(u16::from_le_bytes(words[taken & (LANES - 1)]));
        let short = next < LOW;
        *state = if short { next << 16 | word } else { next };
        taken += usize::from(short);
    }
    *position += 2 * taken;
    true
}

/// See [`super::Kernels::encode`].
pub(super) fn encode(
    states: &mut States,
    stream: &mut [u8],
    position: &mut usize,
    tables: &EncodeTables,
    symbols: &[u8],
) -> usize {
    let (groups, _) = symbols.as_chunks::<LANES>();
    let mut done = 0;
    for group in groups.iter().rev() {
        if !encode_group::<false>(states, stream, position, tables, &NO_CONTEXTS, group) {
            break;
        }
        done += LANES;
    }
    done
}

/// See [`super::Kernels::encode`].
pub(super) fn encode_in_context(
    states: &mut States,
    stream: &mut [u8],
    position: &mut usize,
    tables: &EncodeTables,
    contexts: &[u8],
    symbols: &[u8],
) -> usize {
    let (groups, _) = symbols.as_chunks::<LANES>();
    let (contexts, _) = contexts.as_chunks::<LANES>();
    let mut done = 0;
    for (group, contexts) in groups.iter().zip(contexts).rev() {
        if !encode_group::<true>(states, stream, position, tables, contexts, group) {
            break;
        }
        done += LANES;
    }
    done
}

#[inline(always)]
fn encode_group<const IN_CONTEXT: bool>(
    states: &mut States,
    stream: &mut [u8],
    position: &mut usize,
    tables: &EncodeTables,
    contexts: &[u8; LANES],
    group: &[u8; LANES],
) -> bool {
    let Some(window) = stream
        .get_mut(..*position)
        .and_then(|free| free.last_chunk_mut::<WINDOW>())
    else {
        return false;
    };
    let words = window.as_chunks_mut::<2>().0;
    let mut left = LANES;
    for ((state, &symbol), &context) in states.iter_mut().zip(group).zip(contexts).rev() {
        let mut index = usize::from(symbol);
        if IN_CONTEXT {
            index |= usize::from(context) << 8;
        }
        let step = tables.0[index & (ENCODE_ENTRIES - 1)];
        let mut now = *state;
        // Written in any case; counts only if the place moves on.
        words[(left - 1) & (LANES - 1)] = (now as u16).to_le_bytes();
        let long = now >= (step as u32 & (SCALE - 1)) << 19;
        now = if long { now >> 16 } else { now };
        left -= usize::from(long);
        *state = pushed(now, step);
    }
    *position -= 2 * (LANES - left);
    true
}
