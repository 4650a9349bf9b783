//! Elements to planes of bytes and back: plain loops that compilers turn into vector code for the instructions in force.

/// The bits of a float with its sign below the mantissa: the top bits are the exponent.
macro_rules! rotated {
    ($word:expr) => {
        $word.rotate_left(1)
    };
}

/// Ordered integers of float bits: `a < b` as floats when it is so as integers.
macro_rules! ordered {
    ($word:expr, $signed:ty, $unsigned:ty) => {{
        let word: $unsigned = $word;
        word ^ ((word as $signed >> (<$signed>::BITS - 1)) as $unsigned
            | 1 << (<$signed>::BITS - 1))
    }};
}

/// The inverse of [`ordered`].
macro_rules! unordered {
    ($word:expr, $signed:ty, $unsigned:ty) => {{
        let word: $unsigned = $word;
        word ^ ((!word as $signed >> (<$signed>::BITS - 1)) as $unsigned
            | 1 << (<$signed>::BITS - 1))
    }};
}

/// Small differences of either sign to small numbers: 0, -1, 1, -2, 2 … to 0, 1, 2, 3, 4 …
macro_rules! zigzag {
    ($word:expr, $signed:ty, $unsigned:ty) => {{
        let word: $unsigned = $word;
        word << 1 ^ (word as $signed >> (<$signed>::BITS - 1)) as $unsigned
    }};
}

/// The inverse of [`zigzag`].
macro_rules! unzigzag {
    ($word:expr, $unsigned:ty) => {{
        let word: $unsigned = $word;
        word >> 1 ^ (word & 1).wrapping_neg()
    }};
}

/// What is done with the elements of a block.
///
/// Each function works on as many elements as the shortest slice has.
pub(super) mod plain {
    /// Two-byte floats, rotated, to their upper and lower bytes.
    #[inline(always)]
    pub(in super::super) fn split2(block: &[u8], [high, low]: [&mut [u8]; 2]) {
        for ((word, high), low) in block.as_chunks::<2>().0.iter().zip(high).zip(low) {
            [*low, *high] = rotated!(u16::from_le_bytes(*word)).to_le_bytes();
        }
    }

    /// The inverse of [`split2`].
    #[inline(always)]
    pub(in super::super) fn merge2([high, low]: [&[u8]; 2], out: &mut [u8]) {
        for ((word, high), low) in out.as_chunks_mut::<2>().0.iter_mut().zip(high).zip(low) {
            *word = u16::from_le_bytes([*low, *high])
                .rotate_right(1)
                .to_le_bytes();
        }
    }

    /// Four-byte floats, rotated, to their four bytes, the top one first.
    #[inline(always)]
    pub(in super::super) fn split4(block: &[u8], [a, b, c, d]: [&mut [u8]; 4]) {
        let words = block.as_chunks::<4>().0;
        for ((((word, a), b), c), d) in words.iter().zip(a).zip(b).zip(c).zip(d) {
            let word = rotated!(u32::from_le_bytes(*word));
            [*a, *b, *c, *d] = word.to_be_bytes();
        }
    }

    /// The inverse of [`split4`].
    #[inline(always)]
    pub(in super::super) fn merge4([a, b, c, d]: [&[u8]; 4], out: &mut [u8]) {
        let words = out.as_chunks_mut::<4>().0;
        for ((((word, a), b), c), d) in words.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *word = u32::from_be_bytes([*a, *b, *c, *d])
                .rotate_right(1)
                .to_le_bytes();
        }
    }
}

/// What is done with the elements of a block and those of its base.
pub(super) mod difference {
    /// Differences of one-byte elements.
    #[inline(always)]
    pub(in super::super) fn split1(block: &[u8], base: &[u8], float: bool, plane: &mut [u8]) {
        for ((word, base), plane) in block.iter().zip(base).zip(plane) {
            let difference = if float {
                ordered!(*word, i8, u8).wrapping_sub(ordered!(*base, i8, u8))
            } else {
                word.wrapping_sub(*base)
            };
            *plane = zigzag!(difference, i8, u8);
        }
    }

    /// The inverse of [`split1`].
    #[inline(always)]
    pub(in super::super) fn merge1(plane: &[u8], base: &[u8], float: bool, out: &mut [u8]) {
        for ((word, base), plane) in out.iter_mut().zip(base).zip(plane) {
            let difference = unzigzag!(*plane, u8);
            *word = if float {
                unordered!(ordered!(*base, i8, u8).wrapping_add(difference), i8, u8)
            } else {
                base.wrapping_add(difference)
            };
        }
    }

    /// Differences of two-byte floats, to their upper and lower bytes.
    #[inline(always)]
    pub(in super::super) fn split2(block: &[u8], base: &[u8], [high, low]: [&mut [u8]; 2]) {
        let words = block.as_chunks::<2>().0.iter().zip(base.as_chunks::<2>().0);
        for (((word, base), high), low) in words.zip(high).zip(low) {
            let word = ordered!(u16::from_le_bytes(*word), i16, u16);
            let base = ordered!(u16::from_le_bytes(*base), i16, u16);
            [*low, *high] = zigzag!(word.wrapping_sub(base), i16, u16).to_le_bytes();
        }
    }

    /// The inverse of [`split2`].
    #[inline(always)]
    pub(in super::super) fn merge2([high, low]: [&[u8]; 2], base: &[u8], out: &mut [u8]) {
        let words = out.as_chunks_mut::<2>().0.iter_mut();
        for (((word, base), high), low) in words.zip(base.as_chunks::<2>().0).zip(high).zip(low) {
            let difference = unzigzag!(u16::from_le_bytes([*low, *high]), u16);
            let base = ordered!(u16::from_le_bytes(*base), i16, u16);
            *word = unordered!(base.wrapping_add(difference), i16, u16).to_le_bytes();
        }
    }

    /// Differences of four-byte floats, to their four bytes, the top one first.
    #[inline(always)]
    pub(in super::super) fn split4(block: &[u8], base: &[u8], [a, b, c, d]: [&mut [u8]; 4]) {
        let words = block.as_chunks::<4>().0.iter().zip(base.as_chunks::<4>().0);
        for (((((word, base), a), b), c), d) in words.zip(a).zip(b).zip(c).zip(d) {
            let word = ordered!(u32::from_le_bytes(*word), i32, u32);
            let base = ordered!(u32::from_le_bytes(*base), i32, u32);
            let word = zigzag!(word.wrapping_sub(base), i32, u32);
            [*a, *b, *c, *d] = word.to_be_bytes();
        }
    }

    /// The inverse of [`split4`].
    #[inline(always)]
    pub(in super::super) fn merge4([a, b, c, d]: [&[u8]; 4], base: &[u8], out: &mut [u8]) {
        let words = out
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip(base.as_chunks::<4>().0);
        for (((((word, base), a), b), c), d) in words.zip(a).zip(b).zip(c).zip(d) {
            let difference = unzigzag!(u32::from_be_bytes([*a, *b, *c, *d]), u32);
            let base = ordered!(u32::from_le_bytes(*base), i32, u32);
            *word = unordered!(base.wrapping_add(difference), i32, u32).to_le_bytes();
        }
    }
}

/// What contexts are taken from.
pub(super) mod contexts {
    use super::super::{LANES, averaged};

    /// The upper bytes of rotated two-byte floats.
    #[inline(always)]
    pub(in super::super) fn exponents2(block: &[u8], plane: &mut [u8]) {
        for (word, plane) in block.as_chunks::<2>().0.iter().zip(plane) {
            [*plane, _] = rotated!(u16::from_le_bytes(*word)).to_be_bytes();
        }
    }

    /// The top bytes of rotated four-byte floats.
    #[inline(always)]
    pub(in super::super) fn exponents4(block: &[u8], plane: &mut [u8]) {
        for (word, plane) in block.as_chunks::<4>().0.iter().zip(plane) {
            [*plane, ..] = rotated!(u32::from_le_bytes(*word)).to_be_bytes();
        }
    }

    /// What the symbols before each one, in its lane, were on average.
    #[inline(always)]
    pub(in super::super) fn averages(plane: &[u8], averages: &mut [u8]) {
        let mut lanes = [0; LANES];
        let (groups, rest) = plane.as_chunks::<LANES>();
        let (of_groups, of_rest) = averages.as_chunks_mut::<LANES>();
        for (group, averages) in groups.iter().zip(&mut *of_groups) {
            for ((lane, &symbol), average) in lanes.iter_mut().zip(group).zip(averages) {
                [*average, _] = u16::to_be_bytes(*lane);
                *lane = averaged(*lane, symbol);
            }
        }
        for (average, lane) in of_rest.iter_mut().zip(lanes).take(rest.len()) {
            [*average, _] = lane.to_be_bytes();
        }
    }

    /// How many of `firsts` each byte reaches.
    #[inline(always)]
    pub(in super::super) fn classify(bytes: &[u8], firsts: &[u8], classes: &mut [u8]) {
        let (whole, rest) = bytes.as_chunks::<64>();
        let (whole_classes, rest_classes) = classes.as_chunks_mut::<64>();
        for (bytes, classes) in whole.iter().zip(&mut *whole_classes) {
            // Of a fixed length, so that the sums stay in registers.
            let mut sums = [0; 64];
            for &first in firsts {
                for (sum, &byte) in sums.iter_mut().zip(bytes) {
                    *sum += u8::from(byte >= first);
                }
            }
            *classes = sums;
        }
        // The source may go on behind the last class.
        let behind = whole.get(whole_classes.len()..).unwrap_or_default();
        let rest = behind.as_flattened().iter().chain(rest);
        for (class, &byte) in rest_classes.iter_mut().zip(rest) {
            *class = firsts.iter().map(|&first| u8::from(byte >= first)).sum();
        }
    }
}

/// Forms of the loops above for the given instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! vectorised {
    ($features:literal: $($module:ident::$from:ident as $name:ident ( $($argument:ident: $type:ty),* );)*) => {
        $(
            #[doc = concat!("The portable loop, compiled for `", $features, "`.")]
            #[target_feature(enable = $features)]
            pub(super) fn $name($($argument: $type),*) {
                super::planes::$module::$from($($argument),*);
            }
        )*
    };
    ($features:literal) => {
        super::planes::vectorised! { $features:
            plain::split2 as split2(block: &[u8], planes: [&mut [u8]; 2]);
            plain::split4 as split4(block: &[u8], planes: [&mut [u8]; 4]);
            plain::merge2 as merge2(planes: [&[u8]; 2], block: &mut [u8]);
            plain::merge4 as merge4(planes: [&[u8]; 4], block: &mut [u8]);
            difference::split1 as split_difference1(block: &[u8], base: &[u8], float: bool, plane: &mut [u8]);
            difference::split2 as split_difference2(block: &[u8], base: &[u8], planes: [&mut [u8]; 2]);
            difference::split4 as split_difference4(block: &[u8], base: &[u8], planes: [&mut [u8]; 4]);
            difference::merge1 as merge_difference1(plane: &[u8], base: &[u8], float: bool, block: &mut [u8]);
            difference::merge2 as merge_difference2(planes: [&[u8]; 2], base: &[u8], block: &mut [u8]);
            difference::merge4 as merge_difference4(planes: [&[u8]; 4], base: &[u8], block: &mut [u8]);
            contexts::exponents2 as exponents2(block: &[u8], plane: &mut [u8]);
            contexts::exponents4 as exponents4(block: &[u8], plane: &mut [u8]);
            contexts::averages as averages(plane: &[u8], averages: &mut [u8]);
            contexts::classify as classify(bytes: &[u8], firsts: &[u8], classes: &mut [u8]);
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use vectorised;
