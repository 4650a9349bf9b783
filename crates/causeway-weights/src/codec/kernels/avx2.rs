//! The inner loops for AVX2: eight coders in a register, eight registers.
#![expect(
    unsafe_code,
    reason = "vector loads, stores and gathers take pointers; each is inside a slice whose length was just compared"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tables of 256 entries are indexed by 8 bits; lanes are words without a sign"
)]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadl_epi64, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi32,
    _mm256_and_si256, _mm256_blend_epi32, _mm256_blendv_epi8, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmpgt_epi32, _mm256_cvtepu8_epi32,
    _mm256_cvtepu16_epi32, _mm256_extracti128_si256, _mm256_i32gather_epi32,
    _mm256_i32gather_epi64, _mm256_loadu_si256, _mm256_movemask_ps, _mm256_mul_epu32,
    _mm256_mullo_epi32, _mm256_or_si256, _mm256_packus_epi16, _mm256_packus_epi32,
    _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32, _mm256_set1_epi32, _mm256_setr_epi32,
    _mm256_setzero_si256, _mm256_shuffle_ps, _mm256_slli_epi32, _mm256_srli_epi32,
    _mm256_srli_epi64, _mm256_srlv_epi32, _mm256_storeu_si256, _mm256_sub_epi32,
};

use super::super::table::{DecodeTables, EncodeTables, MAX_CONTEXTS, SCALE, SCALE_BITS};
use super::{Averages, LANES, LOW, States, WINDOW};

super::planes::vectorised!("avx2");

/// Coders in a register.
const WIDTH: usize = 8;
/// Registers.
const VECTORS: usize = LANES / WIDTH;

/// By mask of the coders that take a word: for each coder, which of the next words is its.
static TAKE: [[u8; 8]; 256] = lanes(false);
/// By mask of the coders that give a word: those coders, at the upper end.
static GIVE: [[u8; 8]; 256] = lanes(true);

const fn lanes(give: bool) -> [[u8; 8]; 256] {
    let mut table = [[0; 8]; 256];
    let mut mask = 0;
    while mask < 256 {
        let mut lane = 0;
        let mut word = if give {
            8 - (mask as u32).count_ones() as usize
        } else {
            0
        };
        while lane < 8 {
            if mask >> lane & 1 == 1 {
                if give {
                    table[mask][word] = lane as u8;
                } else {
                    table[mask][lane] = word as u8;
                }
                word += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
}

#[target_feature(enable = "avx2")]
fn order(table: &[[u8; 8]; 256], mask: u32) -> __m256i {
    let bytes = &table[(mask & 0xff) as usize];
    // SAFETY: eight bytes are read, from an array of eight.
    let bytes = unsafe { _mm_loadl_epi64(bytes.as_ptr().cast::<__m128i>()) };
    _mm256_cvtepu8_epi32(bytes)
}

#[target_feature(enable = "avx2")]
fn load(states: &States) -> [__m256i; VECTORS] {
    let mut vectors = [_mm256_setzero_si256(); VECTORS];
    for (vector, states) in vectors.iter_mut().zip(states.as_chunks::<WIDTH>().0) {
        // SAFETY: 32 bytes are read, from an array of eight words.
        *vector = unsafe { _mm256_loadu_si256(states.as_ptr().cast::<__m256i>()) };
    }
    vectors
}

#[target_feature(enable = "avx2")]
fn store(vectors: [__m256i; VECTORS], states: &mut States) {
    for (vector, states) in vectors.into_iter().zip(states.as_chunks_mut::<WIDTH>().0) {
        // SAFETY: 32 bytes are written, into an array of eight words.
        unsafe { _mm256_storeu_si256(states.as_mut_ptr().cast::<__m256i>(), vector) };
    }
}

/// Eight bytes as words.
#[target_feature(enable = "avx2")]
fn widened(bytes: &[u8; WIDTH]) -> __m256i {
    // SAFETY: eight bytes are read, from an array of eight.
    let bytes = unsafe { _mm_loadl_epi64(bytes.as_ptr().cast::<__m128i>()) };
    _mm256_cvtepu8_epi32(bytes)
}

/// Contexts as words, each below [`MAX_CONTEXTS`].
#[target_feature(enable = "avx2")]
fn contexts_of(bytes: &[u8; WIDTH]) -> __m256i {
    _mm256_and_si256(widened(bytes), _mm256_set1_epi32(MAX_CONTEXTS as i32 - 1))
}

/// See [`super::Kernels::decode`].
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn decode(
    states: &mut States,
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    symbols: &mut [u8],
) -> usize {
    let (groups, _) = symbols.as_chunks_mut::<LANES>();
    let mut vectors = load(states);
    let mut done = 0;
    for group in groups {
        if !decode_group::<false>(&mut vectors, stream, position, tables, &[0; LANES], group) {
            break;
        }
        done += LANES;
    }
    store(vectors, states);
    done
}

/// See [`super::Kernels::decode`].
#[target_feature(enable = "avx2,popcnt")]
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
    let mut vectors = load(states);
    let mut done = 0;
    for (group, contexts) in groups.iter_mut().zip(contexts) {
        if !decode_group::<true>(&mut vectors, stream, position, tables, contexts, group) {
            break;
        }
        done += LANES;
    }
    store(vectors, states);
    done
}

/// See [`super::Kernels::decode`].
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn decode_by_averages(
    states: &mut States,
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    averages: &mut Averages,
    symbols: &mut [u8],
) -> usize {
    let (groups, _) = symbols.as_chunks_mut::<LANES>();
    let mut vectors = load(states);
    let mut done = 0;
    for group in groups {
        let contexts = averages.contexts();
        if !decode_group::<true>(&mut vectors, stream, position, tables, &contexts, group) {
            break;
        }
        averages.add(group);
        done += LANES;
    }
    store(vectors, states);
    done
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn decode_group<const IN_CONTEXT: bool>(
    vectors: &mut [__m256i; VECTORS],
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    contexts: &[u8; LANES],
    group: &mut [u8; LANES],
) -> bool {
    let Some(window) = stream
        .get(*position..)
        .and_then(|rest| rest.first_chunk::<WINDOW>())
    else {
        return false;
    };
    let entries = tables.entries().as_ptr().cast::<i32>();
    let low_bits = _mm256_set1_epi32(SCALE as i32 - 1);
    let low = _mm256_set1_epi32(LOW as i32);
    let mut taken = 0;
    let mut decoded = [_mm256_setzero_si256(); VECTORS];
    let (contexts, _) = contexts.as_chunks::<WIDTH>();
    for ((vector, decoded), contexts) in vectors.iter_mut().zip(&mut decoded).zip(contexts) {
        let mut slot = _mm256_and_si256(*vector, low_bits);
        if IN_CONTEXT {
            let context = _mm256_slli_epi32::<{ SCALE_BITS as i32 }>(contexts_of(contexts));
            slot = _mm256_or_si256(slot, context);
        }
        // SAFETY: a slot has 12 bits and a context 4, masked just now; there are 2^16 entries.
        let entry = unsafe { _mm256_i32gather_epi32::<4>(entries, slot) };
        *decoded = _mm256_srli_epi32::<24>(entry);
        let next = _mm256_add_epi32(
            _mm256_mullo_epi32(
                _mm256_and_si256(entry, low_bits),
                _mm256_srli_epi32::<{ SCALE_BITS as i32 }>(*vector),
            ),
            _mm256_and_si256(_mm256_srli_epi32::<{ SCALE_BITS as i32 }>(entry), low_bits),
        );
        // States stay below 2^31, so that comparing with signs is right.
        let short = _mm256_cmpgt_epi32(low, next);
        let mask = _mm256_movemask_ps(_mm256_castsi256_ps(short)) as u32;
        // SAFETY: 16 bytes of the window's 128 are read; at most 16 were taken by each of the vectors before, of which
        // there are at most 7.
        let words = unsafe { _mm_loadu_si128(window.as_ptr().add(taken).cast::<__m128i>()) };
        let words = _mm256_permutevar8x32_epi32(_mm256_cvtepu16_epi32(words), order(&TAKE, mask));
        let refilled = _mm256_or_si256(_mm256_slli_epi32::<16>(next), words);
        *vector = _mm256_blendv_epi8(next, refilled, short);
        taken += 2 * mask.count_ones() as usize;
    }
    *position += taken;
    let (halves, _) = group.as_chunks_mut::<32>();
    for (half, [a, b, c, d]) in halves.iter_mut().zip(decoded.as_chunks::<4>().0) {
        let bytes = _mm256_packus_epi16(_mm256_packus_epi32(*a, *b), _mm256_packus_epi32(*c, *d));
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        let bytes = _mm256_permutevar8x32_epi32(bytes, order);
        // SAFETY: 32 bytes are written, into an array of 32.
        unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast::<__m256i>(), bytes) };
    }
    true
}

/// See [`super::Kernels::encode`].
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn encode(
    states: &mut States,
    stream: &mut [u8],
    position: &mut usize,
    tables: &EncodeTables,
    symbols: &[u8],
) -> usize {
    let (groups, _) = symbols.as_chunks::<LANES>();
    let mut vectors = load(states);
    let mut done = 0;
    for group in groups.iter().rev() {
        if !encode_group::<false>(&mut vectors, stream, position, tables, &[0; LANES], group) {
            break;
        }
        done += LANES;
    }
    store(vectors, states);
    done
}

/// See [`super::Kernels::encode`].
#[target_feature(enable = "avx2,popcnt")]
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
    let mut vectors = load(states);
    let mut done = 0;
    for (group, contexts) in groups.iter().zip(contexts).rev() {
        if !encode_group::<true>(&mut vectors, stream, position, tables, contexts, group) {
            break;
        }
        done += LANES;
    }
    store(vectors, states);
    done
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn encode_group<const IN_CONTEXT: bool>(
    vectors: &mut [__m256i; VECTORS],
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
    let steps = tables.0.as_ptr().cast::<i64>();
    let low_bits = _mm256_set1_epi32(SCALE as i32 - 1);
    let halves = _mm256_set1_epi32(0xffff);
    let mut free = WINDOW;
    let (symbols, _) = group.as_chunks::<WIDTH>();
    let (contexts, _) = contexts.as_chunks::<WIDTH>();
    for ((vector, symbols), contexts) in vectors.iter_mut().zip(symbols).zip(contexts).rev() {
        let mut index = widened(symbols);
        if IN_CONTEXT {
            index = _mm256_or_si256(index, _mm256_slli_epi32::<8>(contexts_of(contexts)));
        }
        let (front, back) = (
            _mm256_castsi256_si128(index),
            _mm256_extracti128_si256::<1>(index),
        );
        // SAFETY: a symbol has 8 bits and a context 4; there are 2^12 steps.
        let front = unsafe { _mm256_i32gather_epi64::<8>(steps, front) };
        // SAFETY: as above.
        let back = unsafe { _mm256_i32gather_epi64::<8>(steps, back) };
        let (front, back) = (_mm256_castsi256_ps(front), _mm256_castsi256_ps(back));
        let step = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(front, back));
        let step = _mm256_permute4x64_epi64::<0b11_01_10_00>(step);
        let reciprocal = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(front, back));
        let reciprocal = _mm256_permute4x64_epi64::<0b11_01_10_00>(reciprocal);
        let frequency = _mm256_and_si256(step, low_bits);
        // States and limits stay below 2^31, so that comparing with signs is right.
        let fits = _mm256_cmpgt_epi32(_mm256_slli_epi32::<19>(frequency), *vector);
        let mask = !_mm256_movemask_ps(_mm256_castsi256_ps(fits)) as u32 & 0xff;
        let given =
            _mm256_permutevar8x32_epi32(_mm256_and_si256(*vector, halves), order(&GIVE, mask));
        let given = _mm256_packus_epi32(given, given);
        let given = _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b1000>(given));
        // SAFETY: 16 bytes below `free` are written; it begins at 128 and sank by at most 16 for each of the vectors before,
        // of which there are at most 7. Of the 16, the upper ones are the words given; the rest is overwritten later.
        unsafe {
            _mm_storeu_si128(window.as_mut_ptr().add(free - 16).cast::<__m128i>(), given);
        };
        free -= 2 * mask.count_ones() as usize;
        let now = _mm256_blendv_epi8(_mm256_srli_epi32::<16>(*vector), *vector, fits);
        let even = _mm256_srli_epi64::<32>(_mm256_mul_epu32(now, reciprocal));
        let odd = _mm256_mul_epu32(
            _mm256_srli_epi64::<32>(now),
            _mm256_srli_epi64::<32>(reciprocal),
        );
        let quotient = _mm256_srlv_epi32(
            _mm256_blend_epi32::<0b1010_1010>(even, odd),
            _mm256_srli_epi32::<25>(step),
        );
        let added = _mm256_and_si256(
            _mm256_srli_epi32::<{ SCALE_BITS as i32 }>(step),
            _mm256_set1_epi32(0x1fff),
        );
        let rest = _mm256_sub_epi32(_mm256_set1_epi32(SCALE as i32), frequency);
        *vector = _mm256_add_epi32(
            _mm256_add_epi32(now, added),
            _mm256_mullo_epi32(quotient, rest),
        );
    }
    *position -= WINDOW - free;
    true
}
