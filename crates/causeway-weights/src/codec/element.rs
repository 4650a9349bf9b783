//! What the bytes of a block are.

use std::ops::Range;

use super::{Effort, Encoder};
use crate::{Dtype, Header};

/// Bytes of a block that a guess looks at.
const GUESSED: usize = 64 << 10;

/// What the bytes of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// bfloat16.
    Bf16,
    /// IEEE 754 half precision.
    F16,
    /// IEEE 754 single precision.
    F32,
    /// 8-bit float with 4 bits of exponent and 3 of mantissa.
    F8E4m3,
    /// 8-bit float with 5 bits of exponent and 2 of mantissa.
    F8E5m2,
    /// 8-bit integer.
    I8,
    /// Anything else.
    Opaque,
}

impl From<Dtype> for Element {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::BF16 => Self::Bf16,
            Dtype::F16 => Self::F16,
            Dtype::F32 => Self::F32,
            Dtype::F8_E4M3 => Self::F8E4m3,
            Dtype::F8_E5M2 => Self::F8E5m2,
            Dtype::I8 => Self::I8,
            _ => Self::Opaque,
        }
    }
}

impl Element {
    const ALL: [Self; 7] = [
        Self::Bf16,
        Self::F16,
        Self::F32,
        Self::F8E4m3,
        Self::F8E5m2,
        Self::I8,
        Self::Opaque,
    ];

    /// Its code in an encoded block.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Bf16 => 0,
            Self::F16 => 1,
            Self::F32 => 2,
            Self::F8E4m3 => 3,
            Self::F8E5m2 => 4,
            Self::I8 => 5,
            Self::Opaque => 6,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Its length in bytes.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
            Self::F8E4m3 | Self::F8E5m2 | Self::I8 | Self::Opaque => 1,
        }
    }

    pub(super) fn is_float(self) -> bool {
        !matches!(self, Self::I8 | Self::Opaque)
    }

    /// What most bytes of a file's `range` are, by its header; [`Element::Opaque`] for the header itself.
    #[must_use]
    pub fn of(header: &Header, range: &Range<u64>) -> Self {
        let mut bytes = [0_u64; Self::ALL.len()];
        for tensor in header.tensors_within(range) {
            let covered = tensor
                .range
                .end
                .min(range.end)
                .saturating_sub(tensor.range.start.max(range.start));
            let element = Self::from(tensor.dtype);
            if let Some(sum) = bytes.get_mut(usize::from(element.code())) {
                *sum += covered;
            }
        }
        let most = Self::ALL.into_iter().zip(bytes).max_by_key(|(_, sum)| *sum);
        most.filter(|(_, sum)| *sum > 0)
            .map_or(Self::Opaque, |(element, _)| element)
    }

    /// What the bytes of a block seem to be when no header says it: that as which a part of the block gets smallest. A wrong
    /// guess costs nothing but size.
    pub fn guess(block: &[u8], encoder: &mut Encoder) -> Self {
        let middle = block.len() / 2 / 8 * 8;
        let part = block.get(middle..).unwrap_or_default();
        let part = part.get(..part.len().min(GUESSED)).unwrap_or_default();
        let mut smallest = (part.len() - part.len() / 50, Self::Opaque);
        for element in [Self::Opaque, Self::Bf16, Self::F16, Self::F32] {
            let len = encoder.encode(part, element, None, Effort::Fast).len();
            if len < smallest.0 {
                smallest = (len, element);
            }
        }
        smallest.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;

    #[test]
    fn a_block_is_what_most_of_it_is() {
        let json = br#"{"a":{"dtype":"BF16","shape":[8],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"c":{"dtype":"U8","shape":[9],"data_offsets":[24,33]}}"#;
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(json);
        file.extend_from_slice(&[0; 33]);
        let header = Header::read(&mut file.as_slice(), Utf8Path::new("t")).unwrap();
        let start = header.length();
        let of = |from: u64, to: u64| Element::of(&header, &(start + from..start + to));
        assert_eq!(of(0, 24), Element::Bf16);
        assert_eq!(of(10, 24), Element::F32);
        assert_eq!(of(12, 33), Element::Opaque);
        assert_eq!(Element::of(&header, &(0..start)), Element::Opaque);
    }

    #[expect(clippy::cast_possible_truncation, reason = "any values will do")]
    /// Values like those of weights: many exponents near one, mantissas without order.
    fn weights(count: u32) -> impl Iterator<Item = f32> {
        (0..count).map(|n| {
            let noise = n.wrapping_mul(2_654_435_761) ^ (n << 7).wrapping_mul(40_503);
            (f64::from(noise) / f64::from(u32::MAX) - 0.5) as f32 * 0.1
        })
    }

    #[test]
    fn bytes_without_a_header_are_guessed() {
        let mut encoder = Encoder::default();
        let bf16: Vec<u8> = weights(100_000)
            .flat_map(|value| ((value.to_bits() >> 16) as u16).to_le_bytes())
            .collect();
        let f32: Vec<u8> = weights(100_000).flat_map(f32::to_le_bytes).collect();
        let mut noise = vec![0; 200_000];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        let text = "what a person wrote, ".repeat(9000);
        assert_eq!(Element::guess(&bf16, &mut encoder), Element::Bf16);
        assert_eq!(Element::guess(&f32, &mut encoder), Element::F32);
        assert_eq!(Element::guess(&noise, &mut encoder), Element::Opaque);
        assert_eq!(
            Element::guess(text.as_bytes(), &mut encoder),
            Element::Opaque
        );
        assert_eq!(Element::guess(&[], &mut encoder), Element::Opaque);
    }
}
