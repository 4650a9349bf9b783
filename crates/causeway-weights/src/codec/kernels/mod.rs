//! The inner loops: one portable form of each, and forms for instruction sets that give the same bytes.
//!
//! This folder holds the only `unsafe` code of the workspace.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod planes;
mod portable;

use super::Element;
use super::table::{DecodeTables, EncodeTables, SCALE, SCALE_BITS};

/// Symbols are dealt to this many coders in turn.
pub(super) const LANES: usize = 64;
/// A coder's state lies in `LOW..LOW << 16`, and is `LOW` before the first symbol is encoded.
pub(super) const LOW: u32 = 1 << 15;
/// What a group of [`LANES`] symbols takes from or adds to the stream at most, in bytes: kernels need that much room.
pub(super) const WINDOW: usize = 2 * LANES;

/// States of all coders.
pub(super) type States = [u32; LANES];

/// A state after a symbol, whose step is given, is put in, for which it has room.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a step is a pair of words")]
pub(super) fn pushed(state: u32, step: u64) -> u32 {
    let (step, reciprocal) = (step as u32, (step >> 32) as u32);
    let product = u64::from(state) * u64::from(reciprocal);
    let quotient = (product >> 32) as u32 >> (step >> 25);
    state
        .wrapping_add(step >> SCALE_BITS & 0x1fff)
        .wrapping_add(quotient.wrapping_mul(SCALE - (step & (SCALE - 1))))
}

/// A state after its symbol, whose entry is given, is taken out; below [`LOW`] if it needs another word.
#[inline(always)]
pub(super) fn popped(state: u32, entry: u32) -> u32 {
    (entry & (SCALE - 1))
        .wrapping_mul(state >> SCALE_BITS)
        .wrapping_add(entry >> SCALE_BITS & (SCALE - 1))
}

/// An average, in 256ths, after another symbol: a quarter of it is new.
#[inline(always)]
pub(super) fn averaged(average: u16, symbol: u8) -> u16 {
    // At most 65535 - 16383 + 16320.
    average - (average >> 2) + (u16::from(symbol) << 6)
}

/// The averages of what each coder decoded, and the contexts that follow from them.
pub(super) struct Averages {
    lanes: [u16; LANES],
    /// The context of each average, in whole symbols.
    contexts: [u8; 256],
}

impl Averages {
    /// Before the first symbol. `firsts` are the first averages of each context but the first.
    pub(super) fn new(firsts: &[u8]) -> Self {
        let context = |average: u8| firsts.iter().map(|&first| u8::from(average >= first)).sum();
        Self {
            lanes: [0; LANES],
            contexts: std::array::from_fn(|average| {
                context(u8::try_from(average).unwrap_or(u8::MAX))
            }),
        }
    }

    /// The context of each coder's next symbol.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "a byte indexes 256 entries")]
    pub(super) fn contexts(&self) -> [u8; LANES] {
        self.lanes
            .map(|average| self.contexts[usize::from(average >> 8)])
    }

    #[inline(always)]
    fn add(&mut self, symbols: &[u8; LANES]) {
        for (average, &symbol) in self.lanes.iter_mut().zip(symbols) {
            *average = averaged(*average, symbol);
        }
    }
}

/// Which table each symbol uses.
pub(super) enum Contexts<'a> {
    /// The first one.
    One,
    /// As long as what is decoded.
    Given(&'a [u8]),
    /// By what was decoded before.
    Averaged(Box<Averages>),
}

impl Contexts<'_> {
    /// Those of the last symbols, fewer than [`LANES`].
    pub(super) fn of_rest(&self) -> [u8; LANES] {
        let mut contexts = [0; LANES];
        match self {
            Self::One => {}
            Self::Given(given) => {
                for (context, &given) in contexts.iter_mut().zip(*given) {
                    *context = given;
                }
            }
            Self::Averaged(averages) => contexts = averages.contexts(),
        }
        contexts
    }
}

/// The planes of a block, the highest first; those that its elements don't have are empty.
pub(super) type Planes<'a> = [&'a [u8]; 4];

/// Which instructions the codec's inner loops use. All give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Instructions {
    /// What every machine has.
    Portable,
    /// AVX2 (x86-64).
    Avx2,
    /// AVX-512 with F, BW, VL, VBMI and VBMI2 (x86-64).
    Avx512,
}

impl Instructions {
    /// Those that this machine has, the slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::Portable, Self::Avx2, Self::Avx512]
            .into_iter()
            .filter(|instructions| instructions.here())
    }

    fn here(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.here()
                    && std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512vbmi")
                    && std::is_x86_feature_detected!("avx512vbmi2")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

/// The inner loops for one set of instructions that this machine has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernels(Instructions);

impl Default for Kernels {
    fn default() -> Self {
        Self(
            Instructions::available()
                .max()
                .unwrap_or(Instructions::Portable),
        )
    }
}

/// Calls the form of an inner loop that fits.
macro_rules! dispatch {
    ($self:ident, $name:ident ( $($argument:expr),* )) => {
        match $self.0 {
            Instructions::Portable => portable::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => {
                #[expect(unsafe_code, reason = "the one way to call a function that needs AVX2")]
                // SAFETY: the value is made by `Kernels::new` and `default` alone, which ask the machine for the features.
                unsafe {
                    avx2::$name($($argument),*)
                }
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => {
                #[expect(unsafe_code, reason = "the one way to call a function that needs AVX-512")]
                // SAFETY: the value is made by `Kernels::new` and `default` alone, which ask the machine for the features.
                unsafe {
                    avx512::$name($($argument),*)
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            Instructions::Avx2 | Instructions::Avx512 => portable::$name($($argument),*),
        }
    };
}

impl Kernels {
    /// Those for `wanted`, or the portable ones when the machine does not have these instructions.
    pub(super) fn new(wanted: Instructions) -> Self {
        Self(if wanted.here() {
            wanted
        } else {
            Instructions::Portable
        })
    }

    /// Decodes whole groups into `symbols` while [`WINDOW`] bytes of `stream` are left from `position` on. Gives the symbols
    /// decoded, a multiple of [`LANES`]; `contexts` are those of what follows, then.
    pub(super) fn decode(
        self,
        states: &mut States,
        stream: &[u8],
        position: &mut usize,
        tables: &DecodeTables,
        contexts: &mut Contexts<'_>,
        symbols: &mut [u8],
    ) -> usize {
        match contexts {
            Contexts::One => dispatch!(self, decode(states, stream, position, tables, symbols)),
            Contexts::Given(contexts) => {
                let done = dispatch!(
                    self,
                    decode_in_context(states, stream, position, tables, contexts, symbols)
                );
                *contexts = contexts.get(done..).unwrap_or_default();
                done
            }
            Contexts::Averaged(averages) => dispatch!(
                self,
                decode_by_averages(states, stream, position, tables, averages, symbols)
            ),
        }
    }

    /// Encodes whole groups from the end of `symbols` on, writing below `position`, while [`WINDOW`] bytes are free there. The
    /// number of symbols is a multiple of [`LANES`]. Gives the symbols encoded.
    pub(super) fn encode(
        self,
        states: &mut States,
        stream: &mut [u8],
        position: &mut usize,
        tables: &EncodeTables,
        contexts: &[u8],
        symbols: &[u8],
    ) -> usize {
        if contexts.is_empty() {
            dispatch!(self, encode(states, stream, position, tables, symbols))
        } else {
            dispatch!(
                self,
                encode_in_context(states, stream, position, tables, contexts, symbols)
            )
        }
    }

    /// Elements to planes, which lie end to end in `planes`.
    pub(super) fn split_plain(self, element: Element, block: &[u8], planes: &mut [u8]) {
        match element.width() {
            4 => dispatch!(self, split4(block, quarters_mut(planes))),
            2 => dispatch!(self, split2(block, halves_mut(planes))),
            _ => planes.copy_from_slice(block),
        }
    }

    /// The inverse of [`Kernels::split_plain`].
    pub(super) fn merge_plain(self, element: Element, planes: Planes<'_>, block: &mut [u8]) {
        let [first, second, ..] = planes;
        match element.width() {
            4 => dispatch!(self, merge4(planes, block)),
            2 => dispatch!(self, merge2([first, second], block)),
            _ => block.copy_from_slice(first),
        }
    }

    /// Differences of elements to planes, which lie end to end in `planes`.
    pub(super) fn split_difference(
        self,
        element: Element,
        block: &[u8],
        base: &[u8],
        planes: &mut [u8],
    ) {
        let float = element.is_float();
        match element.width() {
            4 => dispatch!(self, split_difference4(block, base, quarters_mut(planes))),
            2 => dispatch!(self, split_difference2(block, base, halves_mut(planes))),
            _ => dispatch!(self, split_difference1(block, base, float, planes)),
        }
    }

    /// The inverse of [`Kernels::split_difference`].
    pub(super) fn merge_difference(
        self,
        element: Element,
        planes: Planes<'_>,
        base: &[u8],
        block: &mut [u8],
    ) {
        let float = element.is_float();
        let [first, second, ..] = planes;
        match element.width() {
            4 => dispatch!(self, merge_difference4(planes, base, block)),
            2 => dispatch!(self, merge_difference2([first, second], base, block)),
            _ => dispatch!(self, merge_difference1(first, base, float, block)),
        }
    }

    /// The top byte of each element, floats rotated.
    pub(super) fn exponents(self, element: Element, block: &[u8], plane: &mut [u8]) {
        match element.width() {
            4 => dispatch!(self, exponents4(block, plane)),
            2 => dispatch!(self, exponents2(block, plane)),
            _ => {
                let turn = u32::from(element.is_float());
                for (plane, byte) in plane.iter_mut().zip(block) {
                    *plane = byte.rotate_left(turn);
                }
            }
        }
    }

    /// What the symbols before each one, in its lane, were on average: see [`averaged`].
    pub(super) fn averages(self, plane: &[u8], averages: &mut [u8]) {
        dispatch!(self, averages(plane, averages));
    }

    /// The context of each byte: how many of `firsts` it reaches.
    pub(super) fn classify(self, bytes: &[u8], firsts: &[u8], contexts: &mut [u8]) {
        dispatch!(self, classify(bytes, firsts, contexts));
    }
}

fn halves_mut(planes: &mut [u8]) -> [&mut [u8]; 2] {
    planes.split_at_mut(planes.len() / 2).into()
}

fn quarters_mut(planes: &mut [u8]) -> [&mut [u8]; 4] {
    let [first, second] = halves_mut(planes);
    let ([a, b], [c, d]) = (halves_mut(first), halves_mut(second));
    [a, b, c, d]
}
