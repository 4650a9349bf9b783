//! Frequencies of symbols: made from counts, priced, written, read, and laid out for the coder.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::error::CodecError;
use super::reader::Reader;

/// Frequencies add up to `1 << SCALE_BITS`.
pub(super) const SCALE_BITS: u32 = 12;
/// What frequencies add up to.
pub(super) const SCALE: u32 = 1 << SCALE_BITS;
/// The most contexts that a plane has.
pub(super) const MAX_CONTEXTS: usize = 16;
/// Fractions of a bit that costs are counted in.
pub(super) const BIT: u64 = 1 << 16;

/// How often each byte occurs.
pub(super) type Counts = [u32; 256];

/// `log2` of 0 to [`SCALE`] in [`BIT`]s; integers, so that every machine chooses the same encoding. `log2(0)` is 0 here.
static LOG2: [u32; SCALE as usize + 1] = log2_table();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn log2_table() -> [u32; SCALE as usize + 1] {
    let mut table = [0; SCALE as usize + 1];
    let mut value = 1;
    while value <= SCALE {
        let whole = value.ilog2();
        // In [1, 2) with 31 binary digits; squaring it shifts the next digit of the logarithm before the point.
        let mut mantissa = (value as u64) << (31 - whole);
        let mut log = whole;
        let mut digit = 0;
        while digit < 16 {
            mantissa = (mantissa * mantissa) >> 31;
            log <<= 1;
            if mantissa >= 1 << 32 {
                mantissa >>= 1;
                log |= 1;
            }
            digit += 1;
        }
        table[value as usize] = log;
        value += 1;
    }
    table
}

/// `log2` of a frequency, in [`BIT`]s.
fn log2_of_frequency(frequency: u32) -> u64 {
    LOG2.get(frequency as usize).copied().unwrap_or(0).into()
}

/// `log2` of any count, in [`BIT`]s, by interpolation between 12 leading digits.
fn log2(count: u32) -> u64 {
    if count < SCALE {
        return log2_of_frequency(count);
    }
    let shift = count.ilog2() - (SCALE_BITS - 1);
    let below = count >> shift;
    let (low, high) = (log2_of_frequency(below), log2_of_frequency(below + 1));
    let rest = u64::from(count - (below << shift));
    low + (((high - low) * rest) >> shift) + u64::from(shift) * BIT
}

/// A lower bound of what an order-0 coder with perfect frequencies needs, plus about what the table needs; in [`BIT`]s.
pub(super) fn entropy(counts: &Counts) -> u64 {
    let (mut total, mut sum, mut present) = (0_u32, 0_u64, 0_u64);
    // Exponents are few, and lie together.
    let runs = counts.as_chunks::<16>().0.iter();
    for run in runs.filter(|run| **run != [0; 16]) {
        for &count in run {
            total += count;
            sum += u64::from(count) * log2(count);
            present += u64::from(count > 0);
        }
    }
    u64::from(total) * log2(total) - sum + present * 10 * BIT
}

/// Adds the bytes of `plane` to counts. Four tables, since equal neighbours would wait for each other's store.
#[expect(clippy::indexing_slicing, reason = "a byte indexes 256 entries")]
pub(super) fn count(plane: &[u8]) -> Counts {
    let mut tables = [[0_u32; 256]; 4];
    let (chunks, rest) = plane.as_chunks::<8>();
    for chunk in chunks {
        let [a, b, c, d, e, f, g, h] = *chunk;
        tables[0][usize::from(a)] += 1;
        tables[1][usize::from(b)] += 1;
        tables[2][usize::from(c)] += 1;
        tables[3][usize::from(d)] += 1;
        tables[0][usize::from(e)] += 1;
        tables[1][usize::from(f)] += 1;
        tables[2][usize::from(g)] += 1;
        tables[3][usize::from(h)] += 1;
    }
    let [mut sum, b, c, d] = tables;
    for (((sum, b), c), d) in sum.iter_mut().zip(b).zip(c).zip(d) {
        *sum += b + c + d;
    }
    for &byte in rest {
        sum[usize::from(byte)] += 1;
    }
    sum
}

/// How often each byte occurs beside each byte of a source.
pub(super) struct JointCounts([Box<[Counts; 256]>; 2]);

impl Default for JointCounts {
    fn default() -> Self {
        let zeros = || Box::new([[0; 256]; 256]);
        Self([zeros(), zeros()])
    }
}

impl JointCounts {
    /// Counts anew: the bytes of the source that there are, and what occurs beside each. The slices are of equal length.
    #[expect(clippy::indexing_slicing, reason = "bytes index 256 entries")]
    pub(super) fn count(
        &mut self,
        source: &[u8],
        plane: &[u8],
    ) -> impl Iterator<Item = (u8, &Counts)> {
        // Two tables, since equal neighbours would wait for each other's store.
        let [even, odd] = &mut self.0;
        // Compilers have instructions for these, and none for `min` of references.
        let least = source.iter().fold(u8::MAX, |least, &byte| least.min(byte));
        let most = source.iter().fold(0, |most, &byte| most.max(byte));
        let there = usize::from(least)..=usize::from(most);
        even[there.clone()].fill([0; 256]);
        odd[there.clone()].fill([0; 256]);
        let (sources, rest_of_source) = source.as_chunks::<2>();
        let (pairs, rest) = plane.as_chunks::<2>();
        for ([source, next_source], [symbol, next]) in sources.iter().zip(pairs) {
            even[usize::from(*source)][usize::from(*symbol)] += 1;
            odd[usize::from(*next_source)][usize::from(*next)] += 1;
        }
        for (source, symbol) in rest_of_source.iter().zip(rest) {
            even[usize::from(*source)][usize::from(*symbol)] += 1;
        }
        let sums = &mut even[there.clone()];
        let odd = odd[there].as_flattened();
        for (sum, count) in sums.as_flattened_mut().iter_mut().zip(odd) {
            *sum += count;
        }
        (least..=most)
            .zip(&*sums)
            .filter(|(_, counts)| **counts != [0; 256])
    }
}

/// Frequencies of the 256 bytes: they add up to [`SCALE`], and none is [`SCALE`] itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Frequencies([u16; 256]);

impl Frequencies {
    /// The frequencies that code `counts` in the fewest bits, nearly. A byte that occurs has at least 1. With only one byte
    /// (or none), another one gets 1 too.
    pub(super) fn of(counts: &Counts) -> Self {
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let present = counts.iter().filter(|&&count| count > 0).count();
        let mut counts = *counts;
        if present < 2 {
            let mut spare = 2 - present;
            for count in counts.iter_mut().filter(|count| **count == 0) {
                if spare == 0 {
                    break;
                }
                *count = 1;
                spare -= 1;
            }
        }
        let total = total.max(1);
        let mut frequencies = [0_u16; 256];
        let mut sum = 0_i64;
        for (frequency, &count) in frequencies.iter_mut().zip(&counts) {
            if count > 0 {
                let exact = (u64::from(count) * u64::from(SCALE) + total / 2) / total;
                let kept = exact.clamp(1, u64::from(SCALE) - 1);
                *frequency = u16::try_from(kept).unwrap_or(1);
                sum += i64::from(*frequency);
            }
        }
        let surplus = sum - i64::from(SCALE);
        // Bits that a step of one symbol loses (negative: gains), the cheapest first.
        let price = |frequency: u16, count: u32| {
            let frequency = u32::from(frequency);
            let then = if surplus > 0 {
                frequency.checked_sub(1)?
            } else {
                frequency + 1
            };
            let possible = count > 0 && then > 0 && then < SCALE;
            let lost =
                log2_of_frequency(frequency).cast_signed() - log2_of_frequency(then).cast_signed();
            possible.then_some(lost * i64::from(count))
        };
        let mut steps = BinaryHeap::new();
        if surplus != 0 {
            let priced = frequencies.iter().zip(&counts).enumerate();
            steps.extend(priced.filter_map(|(symbol, (&frequency, &count))| {
                Some(Reverse((price(frequency, count)?, symbol)))
            }));
        }
        for _ in 0..surplus.unsigned_abs() {
            let Some(mut cheapest) = steps.peek_mut() else {
                break;
            };
            let Reverse((_, symbol)) = *cheapest;
            let (Some(frequency), Some(&count)) = (frequencies.get_mut(symbol), counts.get(symbol))
            else {
                break;
            };
            if surplus > 0 {
                *frequency -= 1;
            } else {
                *frequency += 1;
            }
            match price(*frequency, count) {
                Some(price) => *cheapest = Reverse((price, symbol)),
                None => {
                    PeekMut::pop(cheapest);
                }
            }
        }
        Self(frequencies)
    }

    /// What coding `counts` with these frequencies needs, the table apart; in [`BIT`]s.
    pub(super) fn cost(&self, counts: &Counts) -> u64 {
        let scale = u64::from(SCALE_BITS) * BIT;
        self.0
            .iter()
            .zip(counts)
            .map(|(&frequency, &count)| {
                u64::from(count) * (scale - log2_of_frequency(u32::from(frequency)))
            })
            .sum()
    }

    /// Appends the table: see `docs/formats/codec.md`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut left = SCALE;
        let mut zeros = 0_u16;
        for &frequency in &self.0 {
            if left == 0 {
                break;
            }
            if frequency == 0 {
                zeros += 1;
                continue;
            }
            if let Some(run) = zeros.checked_sub(1) {
                out.extend([0, u8::try_from(run).unwrap_or(u8::MAX)]);
                zeros = 0;
            }
            let [high, low] = frequency.to_be_bytes();
            if frequency < 0x80 {
                out.push(low);
            } else {
                out.extend([0x80 | high, low]);
            }
            left -= u32::from(frequency);
        }
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// The bytes end early, or the frequencies don't add up.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        const SUM: CodecError = CodecError::Damaged {
            why: "its frequencies do not add up",
        };
        let mut frequencies = [0_u16; 256];
        let mut places = frequencies.iter_mut();
        let mut left = SCALE;
        while left > 0 {
            let first = from.byte()?;
            if first == 0 {
                let run = usize::from(from.byte()?);
                places.nth(run).ok_or(SUM)?;
                continue;
            }
            let frequency = if first < 0x80 {
                u16::from(first)
            } else {
                u16::from_be_bytes([first & 0x7f, from.byte()?])
            };
            if frequency == 0 || u32::from(frequency) >= SCALE {
                return Err(SUM);
            }
            left = left.checked_sub(frequency.into()).ok_or(SUM)?;
            *places.next().ok_or(SUM)? = frequency;
        }
        Ok(Self(frequencies))
    }
}

/// What a decoder looks up by context and slot. An entry has the frequency in bits 0 to 11, slot minus first slot of the
/// symbol in bits 12 to 23, the symbol in bits 24 to 31.
pub(super) struct DecodeTables(Box<[u32; TABLE_ENTRIES]>);

/// Entries of all contexts' tables.
pub(super) const TABLE_ENTRIES: usize = MAX_CONTEXTS << SCALE_BITS;

impl Default for DecodeTables {
    fn default() -> Self {
        // By way of a vector: an array of this size does not go over the stack.
        let zeros = vec![0; TABLE_ENTRIES].into_boxed_slice();
        Self(
            zeros
                .try_into()
                .unwrap_or_else(|_| Box::new([0; TABLE_ENTRIES])),
        )
    }
}

impl DecodeTables {
    /// Lays out the table of one context.
    pub(super) fn set(&mut self, context: usize, frequencies: &Frequencies) {
        let mut slots = self.0.iter_mut().skip(context << SCALE_BITS);
        for (symbol, &frequency) in (0_u32..).zip(&frequencies.0) {
            let frequency = u32::from(frequency);
            for offset in 0..frequency {
                if let Some(slot) = slots.next() {
                    *slot = symbol << 24 | offset << SCALE_BITS | frequency;
                }
            }
        }
    }

    pub(super) fn entries(&self) -> &[u32; TABLE_ENTRIES] {
        &self.0
    }
}

/// What an encoder looks up by context and symbol: steps. A step has the frequency in bits 0 to 11, what is added to a state in
/// bits 12 to 24, a shift in bits 25 to 28, and in the upper half `ceil(2^(32 + shift) / frequency)`: multiplying with that,
/// taking the upper 32 bits and shifting divides exactly below 2^31.
pub(super) struct EncodeTables(pub(super) Box<[u64; ENCODE_ENTRIES]>);

/// Entries of all contexts' symbols.
pub(super) const ENCODE_ENTRIES: usize = MAX_CONTEXTS << 8;

impl Default for EncodeTables {
    fn default() -> Self {
        Self(Box::new([0; ENCODE_ENTRIES]))
    }
}

impl EncodeTables {
    /// Lays out the symbols of one context. Those without frequency are coded as `escape`.
    pub(super) fn set(&mut self, context: usize, frequencies: &Frequencies, escape: Option<u8>) {
        let (tables, _) = self.0.as_chunks_mut::<256>();
        let Some(steps) = tables.get_mut(context) else {
            return;
        };
        let mut first = 0_u32;
        for (step, &frequency) in steps.iter_mut().zip(&frequencies.0) {
            let frequency = u32::from(frequency);
            let (reciprocal, low) = match frequency {
                0 => (0, 0),
                // The quotient comes out as the dividend less one; what is added makes up for it.
                1 => (u64::from(u32::MAX), (first + SCALE - 1) << SCALE_BITS | 1),
                _ => {
                    let shift = 32 - (frequency - 1).leading_zeros();
                    (
                        (1_u64 << (31 + shift)).div_ceil(frequency.into()),
                        (shift - 1) << 25 | first << SCALE_BITS | frequency,
                    )
                }
            };
            *step = reciprocal << 32 | u64::from(low);
            first += frequency;
        }
        let instead = escape.and_then(|escape| steps.get(usize::from(escape)).copied());
        if let Some(instead) = instead {
            for (step, &frequency) in steps.iter_mut().zip(&frequencies.0) {
                if frequency == 0 {
                    *step = instead;
                }
            }
        }
    }
}

/// Takes symbols that are too rare for a table out of `counts`, which are those of each context, and counts them as one byte,
/// the escape, that stands for nothing else. Gives that byte and how many symbols it stands for, or nothing if that would
/// not pay.
///
/// In a table a rare symbol costs 12 bits, a byte of the table and a slot that the others lack, which is 1/2839 bit for each
/// of them; escaped it costs a byte and what the escape costs, about 12 bits.
pub(super) fn escape(counts: &mut [Counts]) -> Option<(u8, u64)> {
    let mut kept_anywhere = [false; 256];
    let mut kinds = 0;
    let mut rare = Vec::with_capacity(counts.len());
    for counts in &*counts {
        let limit = 1 + counts.iter().map(|&count| u64::from(count)).sum::<u64>() / (8 * 2839);
        let is_rare = counts.map(|count| count > 0 && u64::from(count) < limit);
        for ((kept, &rare), &count) in kept_anywhere.iter_mut().zip(&is_rare).zip(counts) {
            *kept |= count > 0 && !rare;
            kinds += u32::from(rare);
        }
        rare.push(is_rare);
    }
    let free = kept_anywhere.iter().position(|&kept| !kept)?;
    // One rare symbol more or less in each context: nothing is gained.
    if kinds < 2 + u32::try_from(counts.len()).unwrap_or(u32::MAX) {
        return None;
    }
    let mut escaped = 0;
    for (counts, rare) in counts.iter_mut().zip(rare) {
        let mut sum = 0;
        for (count, _) in counts.iter_mut().zip(rare).filter(|(_, rare)| *rare) {
            sum += std::mem::take(count);
        }
        if let Some(count) = counts.get_mut(free) {
            *count = sum;
        }
        escaped += u64::from(sum);
    }
    Some((u8::try_from(free).unwrap_or(u8::MAX), escaped))
}

/// Which bytes have a frequency somewhere.
pub(super) fn kept(frequencies: &[Frequencies]) -> [bool; 256] {
    let mut kept = [false; 256];
    for frequencies in frequencies {
        for (kept, &frequency) in kept.iter_mut().zip(&frequencies.0) {
            *kept |= frequency > 0;
        }
    }
    kept
}

/// Makes `out` the symbols of `plane`, with `escape` in the place of those that are not kept.
#[expect(clippy::indexing_slicing, reason = "a byte indexes 256 entries")]
pub(super) fn replace(escape: u8, kept: &[bool; 256], plane: &[u8], out: &mut Vec<u8>) {
    let mut instead = [escape; 256];
    for ((symbol, instead), _) in (0_u8..=255)
        .zip(&mut instead)
        .zip(kept)
        .filter(|(_, kept)| **kept)
    {
        *instead = symbol;
    }
    out.clear();
    out.extend(plane.iter().map(|&symbol| instead[usize::from(symbol)]));
}

/// Appends the symbols of `plane` where [`replace`] put `escape`.
pub(super) fn replaced(escape: u8, kept: &[u8], plane: &[u8], out: &mut Vec<u8>) {
    for (kept, plane) in kept.chunks(64).zip(plane.chunks(64)) {
        // All of them: one that is found early would make the loop a slow one.
        if kept
            .iter()
            .fold(false, |any, &symbol| any | (symbol == escape))
        {
            let pairs = kept.iter().zip(plane).filter(|(kept, _)| **kept == escape);
            out.extend(pairs.map(|(_, symbol)| symbol));
        }
    }
}

/// Appends the symbols that `escape` stands for: those without frequency in their context, and the escape itself.
#[expect(clippy::indexing_slicing, reason = "the index is masked")]
pub(super) fn escaped(
    escape: u8,
    frequencies: &[Frequencies],
    contexts: &[u8],
    plane: &[u8],
    out: &mut Vec<u8>,
) {
    let mut apart = vec![0_u8; ENCODE_ENTRIES];
    for (apart, frequencies) in apart.chunks_exact_mut(256).zip(frequencies) {
        for ((symbol, apart), &frequency) in (0_u8..=255).zip(apart).zip(&frequencies.0) {
            *apart = u8::from(frequency == 0 || symbol == escape);
        }
    }
    let apart: &[u8; ENCODE_ENTRIES] = match apart.first_chunk() {
        Some(apart) => apart,
        None => return,
    };
    let index = |context: u8, symbol: u8| {
        (usize::from(context) << 8 | usize::from(symbol)) & (ENCODE_ENTRIES - 1)
    };
    if contexts.is_empty() {
        for symbols in plane.chunks(64) {
            let any = symbols
                .iter()
                .fold(0, |any, &symbol| any | apart[index(0, symbol)]);
            if any != 0 {
                out.extend(
                    symbols
                        .iter()
                        .filter(|&&symbol| apart[index(0, symbol)] != 0),
                );
            }
        }
    } else {
        for (symbols, contexts) in plane.chunks(64).zip(contexts.chunks(64)) {
            let pairs = || symbols.iter().zip(contexts);
            let any = pairs().fold(0, |any, (&symbol, &context)| {
                any | apart[index(context, symbol)]
            });
            if any != 0 {
                let escaped =
                    pairs().filter(|(symbol, context)| apart[index(**context, **symbol)] != 0);
                out.extend(escaped.map(|(symbol, _)| symbol));
            }
        }
    }
}
