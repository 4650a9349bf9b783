//! The inner loops for AVX-512: sixteen coders in a register, four registers.
#![expect(
    unsafe_code,
    reason = "vector loads, stores and gathers take pointers; each is inside a slice whose length was just compared"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "lanes are words without a sign"
)]

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_setzero_si128, _mm_storeu_si128,
    _mm256_loadu_si256, _mm256_mask_storeu_epi16, _mm256_set_m128i, _mm512_add_epi16,
    _mm512_add_epi32, _mm512_and_si512, _mm512_castsi256_si512, _mm512_castsi512_si128,
    _mm512_castsi512_si256, _mm512_cmpge_epu32_mask, _mm512_cmplt_epu32_mask, _mm512_cvtepi16_epi8,
    _mm512_cvtepi32_epi8, _mm512_cvtepi32_epi16, _mm512_cvtepu8_epi16, _mm512_cvtepu8_epi32,
    _mm512_cvtepu16_epi32, _mm512_extracti32x4_epi32, _mm512_extracti64x4_epi64,
    _mm512_i32gather_epi32, _mm512_i32gather_epi64, _mm512_inserti64x4, _mm512_loadu_si512,
    _mm512_mask_blend_epi8, _mm512_mask_blend_epi32, _mm512_mask_or_epi32, _mm512_mask_srli_epi32,
    _mm512_maskz_compress_epi32, _mm512_maskz_expand_epi32, _mm512_movepi8_mask, _mm512_mul_epu32,
    _mm512_mullo_epi32, _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_permutex2var_epi32,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_slli_epi16,
    _mm512_slli_epi32, _mm512_srli_epi16, _mm512_srli_epi32, _mm512_srli_epi64, _mm512_srlv_epi32,
    _mm512_storeu_si512, _mm512_sub_epi16, _mm512_sub_epi32,
};

use super::super::table::{DecodeTables, EncodeTables, MAX_CONTEXTS, SCALE, SCALE_BITS};
use super::{Averages, LANES, LOW, States, WINDOW};

super::planes::vectorised!("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2");

/// Coders in a register.
const WIDTH: usize = 16;
/// Registers.
const VECTORS: usize = LANES / WIDTH;

#[target_feature(enable = "avx512f")]
fn load(states: &States) -> [__m512i; VECTORS] {
    let mut vectors = [_mm512_setzero_si512(); VECTORS];
    for (vector, states) in vectors.iter_mut().zip(states.as_chunks::<WIDTH>().0) {
        // SAFETY: 64 bytes are read, from an array of sixteen words.
        *vector = unsafe { _mm512_loadu_si512(states.as_ptr().cast::<__m512i>()) };
    }
    vectors
}

#[target_feature(enable = "avx512f")]
fn store(vectors: [__m512i; VECTORS], states: &mut States) {
    for (vector, states) in vectors.into_iter().zip(states.as_chunks_mut::<WIDTH>().0) {
        // SAFETY: 64 bytes are written, into an array of sixteen words.
        unsafe { _mm512_storeu_si512(states.as_mut_ptr().cast::<__m512i>(), vector) };
    }
}

/// Sixteen bytes as words.
#[target_feature(enable = "avx512f")]
fn widened(bytes: &[u8; WIDTH]) -> __m512i {
    // SAFETY: 16 bytes are read, from an array of 16.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()) };
    _mm512_cvtepu8_epi32(bytes)
}

/// Contexts, each below [`MAX_CONTEXTS`].
#[target_feature(enable = "avx512f")]
fn contexts_of(words: __m512i) -> __m512i {
    _mm512_and_si512(words, _mm512_set1_epi32(MAX_CONTEXTS as i32 - 1))
}

/// See [`super::Kernels::decode`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
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
        let none = [_mm_setzero_si128(); VECTORS];
        let Some(decoded) = decode_group::<false>(&mut vectors, stream, position, tables, none)
        else {
            break;
        };
        write(decoded, group);
        done += LANES;
    }
    store(vectors, states);
    done
}

/// See [`super::Kernels::decode`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
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
        let contexts = read(contexts);
        let Some(decoded) = decode_group::<true>(&mut vectors, stream, position, tables, contexts)
        else {
            break;
        };
        write(decoded, group);
        done += LANES;
    }
    store(vectors, states);
    done
}

/// See [`super::Kernels::decode`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")]
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
    // All in registers: what one group stores as bytes the next can't load as words at once.
    let mut context_of = [_mm512_setzero_si512(); 4];
    for (vector, contexts) in context_of
        .iter_mut()
        .zip(averages.contexts.as_chunks::<64>().0)
    {
        // SAFETY: 64 bytes are read, from an array of 64.
        *vector = unsafe { _mm512_loadu_si512(contexts.as_ptr().cast::<__m512i>()) };
    }
    let mut lanes = [_mm512_setzero_si512(); 2];
    for (vector, lanes) in lanes.iter_mut().zip(averages.lanes.as_chunks::<32>().0) {
        // SAFETY: 64 bytes are read, from an array of 32 half words.
        *vector = unsafe { _mm512_loadu_si512(lanes.as_ptr().cast::<__m512i>()) };
    }
    let mut done = 0;
    for group in groups {
        let [low, high] = lanes;
        let average = _mm512_inserti64x4::<1>(
            _mm512_castsi256_si512(_mm512_cvtepi16_epi8(_mm512_srli_epi16::<8>(low))),
            _mm512_cvtepi16_epi8(_mm512_srli_epi16::<8>(high)),
        );
        let [a, b, c, d] = context_of;
        let contexts = quarters(_mm512_mask_blend_epi8(
            _mm512_movepi8_mask(average),
            _mm512_permutex2var_epi8(a, average, b),
            _mm512_permutex2var_epi8(c, average, d),
        ));
        let Some(decoded) = decode_group::<true>(&mut vectors, stream, position, tables, contexts)
        else {
            break;
        };
        write(decoded, group);
        let [a, b, c, d] = decoded;
        for (average, [a, b]) in lanes.iter_mut().zip([[a, b], [c, d]]) {
            let symbols = _mm512_cvtepu8_epi16(_mm256_set_m128i(b, a));
            *average = _mm512_add_epi16(
                _mm512_sub_epi16(*average, _mm512_srli_epi16::<2>(*average)),
                _mm512_slli_epi16::<6>(symbols),
            );
        }
        done += LANES;
    }
    for (vector, lanes) in lanes
        .into_iter()
        .zip(averages.lanes.as_chunks_mut::<32>().0)
    {
        // SAFETY: 64 bytes are written, into an array of 32 half words.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast::<__m512i>(), vector) };
    }
    store(vectors, states);
    done
}

/// The sixteens of bytes.
#[target_feature(enable = "avx512f")]
fn quarters(bytes: __m512i) -> [__m128i; VECTORS] {
    [
        _mm512_castsi512_si128(bytes),
        _mm512_extracti32x4_epi32::<1>(bytes),
        _mm512_extracti32x4_epi32::<2>(bytes),
        _mm512_extracti32x4_epi32::<3>(bytes),
    ]
}

#[target_feature(enable = "avx512f")]
fn read(bytes: &[u8; LANES]) -> [__m128i; VECTORS] {
    // SAFETY: 64 bytes are read, from an array of 64.
    quarters(unsafe { _mm512_loadu_si512(bytes.as_ptr().cast::<__m512i>()) })
}

#[target_feature(enable = "avx512f")]
fn write(decoded: [__m128i; VECTORS], group: &mut [u8; LANES]) {
    for (decoded, symbols) in decoded.into_iter().zip(group.as_chunks_mut::<WIDTH>().0) {
        // SAFETY: 16 bytes are written, into an array of 16.
        unsafe { _mm_storeu_si128(symbols.as_mut_ptr().cast::<__m128i>(), decoded) };
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
fn decode_group<const IN_CONTEXT: bool>(
    vectors: &mut [__m512i; VECTORS],
    stream: &[u8],
    position: &mut usize,
    tables: &DecodeTables,
    contexts: [__m128i; VECTORS],
) -> Option<[__m128i; VECTORS]> {
    let window = stream.get(*position..)?.first_chunk::<WINDOW>()?;
    let entries = tables.entries().as_ptr().cast::<i32>();
    let low_bits = _mm512_set1_epi32(SCALE as i32 - 1);
    let low = _mm512_set1_epi32(LOW as i32);
    let mut taken = 0;
    let mut decoded = [_mm_setzero_si128(); VECTORS];
    for ((vector, symbols), contexts) in vectors.iter_mut().zip(&mut decoded).zip(contexts) {
        let mut slot = _mm512_and_si512(*vector, low_bits);
        if IN_CONTEXT {
            let context = contexts_of(_mm512_cvtepu8_epi32(contexts));
            let context = _mm512_slli_epi32::<SCALE_BITS>(context);
            slot = _mm512_or_si512(slot, context);
        }
        // SAFETY: a slot has 12 bits and a context 4, masked just now; there are 2^16 entries.
        let entry = unsafe { _mm512_i32gather_epi32::<4>(slot, entries) };
        *symbols = _mm512_cvtepi32_epi8(_mm512_srli_epi32::<24>(entry));
        let next = _mm512_add_epi32(
            _mm512_mullo_epi32(
                _mm512_and_si512(entry, low_bits),
                _mm512_srli_epi32::<SCALE_BITS>(*vector),
            ),
            _mm512_and_si512(_mm512_srli_epi32::<SCALE_BITS>(entry), low_bits),
        );
        let short = _mm512_cmplt_epu32_mask(next, low);
        // SAFETY: 32 bytes of the window's 128 are read; at most 32 were taken by each of the vectors before, of which there
        // are at most 3.
        let words = unsafe { _mm256_loadu_si256(window.as_ptr().add(taken).cast::<__m256i>()) };
        let words = _mm512_maskz_expand_epi32(short, _mm512_cvtepu16_epi32(words));
        *vector = _mm512_mask_or_epi32(next, short, _mm512_slli_epi32::<16>(next), words);
        taken += 2 * short.count_ones() as usize;
    }
    *position += taken;
    Some(decoded)
}

/// See [`super::Kernels::encode`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
fn encode_group<const IN_CONTEXT: bool>(
    vectors: &mut [__m512i; VECTORS],
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
    let even_words = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd_words = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    let low_bits = _mm512_set1_epi32(SCALE as i32 - 1);
    let mut free = WINDOW;
    let (symbols, _) = group.as_chunks::<WIDTH>();
    let (contexts, _) = contexts.as_chunks::<WIDTH>();
    for ((vector, symbols), contexts) in vectors.iter_mut().zip(symbols).zip(contexts).rev() {
        let mut index = widened(symbols);
        if IN_CONTEXT {
            index = _mm512_or_si512(
                index,
                _mm512_slli_epi32::<8>(contexts_of(widened(contexts))),
            );
        }
        let (front, back) = (
            _mm512_castsi512_si256(index),
            _mm512_extracti64x4_epi64::<1>(index),
        );
        // SAFETY: a symbol has 8 bits and a context 4; there are 2^12 steps.
        let front = unsafe { _mm512_i32gather_epi64::<8>(front, steps) };
        // SAFETY: as above.
        let back = unsafe { _mm512_i32gather_epi64::<8>(back, steps) };
        let step = _mm512_permutex2var_epi32(front, even_words, back);
        let reciprocal = _mm512_permutex2var_epi32(front, odd_words, back);
        let frequency = _mm512_and_si512(step, low_bits);
        let long = _mm512_cmpge_epu32_mask(*vector, _mm512_slli_epi32::<19>(frequency));
        let given = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(long, *vector));
        let count = long.count_ones();
        free -= 2 * count as usize;
        // SAFETY: `count` words are written at `free`, which begins at 128 and sinks by at most 32 for each of four vectors.
        unsafe {
            _mm256_mask_storeu_epi16(
                window.as_mut_ptr().add(free).cast::<i16>(),
                ((1_u32 << count) - 1) as u16,
                given,
            );
        };
        let now = _mm512_mask_srli_epi32::<16>(*vector, long, *vector);
        let even = _mm512_srli_epi64::<32>(_mm512_mul_epu32(now, reciprocal));
        let odd = _mm512_mul_epu32(
            _mm512_srli_epi64::<32>(now),
            _mm512_srli_epi64::<32>(reciprocal),
        );
        let quotient = _mm512_srlv_epi32(
            _mm512_mask_blend_epi32(0b1010_1010_1010_1010, even, odd),
            _mm512_srli_epi32::<25>(step),
        );
        let added = _mm512_and_si512(
            _mm512_srli_epi32::<SCALE_BITS>(step),
            _mm512_set1_epi32(0x1fff),
        );
        let rest = _mm512_sub_epi32(_mm512_set1_epi32(SCALE as i32), frequency);
        *vector = _mm512_add_epi32(
            _mm512_add_epi32(now, added),
            _mm512_mullo_epi32(quotient, rest),
        );
    }
    *position -= WINDOW - free;
    true
}
