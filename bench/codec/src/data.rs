//! Weights to measure on: fp32 from a file, cast, moved on by made-up steps, and cut into blocks as the product cuts.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use causeway_weights::codec::Element;
use causeway_weights::{Dtype, Header, blocks};

/// The fp32 tensors of a file.
pub struct Source {
    tensors: Vec<Vec<f32>>,
}

/// Blocks of the data part of a file, and those of the file before.
pub struct Blocks {
    pub element: Element,
    bytes: Vec<u8>,
    before: Option<Vec<u8>>,
    ranges: Vec<Range<usize>>,
    hashes: Vec<blake3::Hash>,
}

impl Source {
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let name = Utf8Path::from_path(path).context("the path is not UTF-8")?;
        let header = Header::read(&mut bytes.as_slice(), name)?;
        let tensors = header
            .tensors()
            .iter()
            .filter(|tensor| tensor.dtype == Dtype::F32)
            .map(|tensor| {
                let words = bytes[tensor.range.start as usize..tensor.range.end as usize]
                    .as_chunks::<4>()
                    .0;
                words.iter().map(|word| f32::from_le_bytes(*word)).collect()
            })
            .collect();
        Ok(Self { tensors })
    }

    fn cast(&self, element: Element) -> Vec<u8> {
        let values = self.tensors.iter().flatten();
        match element {
            Element::Bf16 => values
                .flat_map(|value| bf16(*value).to_le_bytes())
                .collect(),
            Element::F16 => values.flat_map(|value| f16(*value).to_le_bytes()).collect(),
            _ => values.flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    pub fn blocks(&self, element: Element, before: Option<&Self>) -> Result<Blocks> {
        let (dtype, width) = match element {
            Element::Bf16 => ("BF16", 2),
            Element::F16 => ("F16", 2),
            _ => ("F32", 4),
        };
        let mut place = 0;
        let entries: Vec<String> = self
            .tensors
            .iter()
            .enumerate()
            .map(|(number, tensor)| {
                let (begin, end) = (place, place + tensor.len() * width);
                place = end;
                format!(
                    r#""{number:05}":{{"dtype":"{dtype}","shape":[{}],"data_offsets":[{begin},{end}]}}"#,
                    tensor.len()
                )
            })
            .collect();
        let json = format!("{{{}}}", entries.join(","));
        let mut start = (json.len() as u64).to_le_bytes().to_vec();
        start.extend(json.as_bytes());
        let header = Header::read(&mut start.as_slice(), Utf8Path::new("cast.safetensors"))?;
        let head = start.len();
        let ranges: Vec<Range<usize>> = blocks(Some(&header), header.promised())
            .into_iter()
            .filter(|range| range.start as usize >= head)
            .map(|range| range.start as usize - head..range.end as usize - head)
            .collect();
        let before = before.map(|before| before.cast(element));
        let hashes = before
            .iter()
            .flat_map(|before| {
                ranges
                    .iter()
                    .map(|range| blake3::hash(&before[range.clone()]))
            })
            .collect();
        Ok(Blocks {
            element,
            bytes: self.cast(element),
            before,
            ranges,
            hashes,
        })
    }

    /// The weights some steps of training later: each moved by `rate` x sqrt(10 n) (one step: `rate`) x N(0, 1) cut at 3 x
    /// exp(N(-0.7, 0.8)).
    pub fn stepped(&self, rate: f64, steps: u32) -> Self {
        let far = if steps == 1 {
            rate
        } else {
            rate * (10.0 * f64::from(steps)).sqrt()
        };
        let mut chance = Chance(2026);
        let tensors = self
            .tensors
            .iter()
            .map(|tensor| {
                let moved = |value: &f32| {
                    let (first, second) = chance.normal();
                    let step = far * first.clamp(-3.0, 3.0) * (0.8 * second - 0.7).exp();
                    (f64::from(*value) + step) as f32
                };
                tensor.iter().map(moved).collect()
            })
            .collect();
        Self { tensors }
    }
}

impl Blocks {
    pub fn count(&self) -> usize {
        self.ranges.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn all(&self) -> &[u8] {
        &self.bytes
    }

    pub fn block(&self, number: usize) -> &[u8] {
        &self.bytes[self.ranges[number].clone()]
    }

    pub fn base(&self, number: usize) -> Option<(&[u8], blake3::Hash)> {
        let before = self.before.as_ref()?;
        Some((&before[self.ranges[number].clone()], self.hashes[number]))
    }

    pub fn width(&self) -> usize {
        if self.element == Element::F32 { 4 } else { 2 }
    }

    /// The element at a place of a block as an integer of `8 * width` bits: turned left by one bit, or the zigzag difference of
    /// ordered integers where there is a base.
    pub fn symbol(&self, number: usize, place: usize) -> u32 {
        let width = self.width();
        let top = 1_u32 << (8 * width - 1);
        let mask = top | (top - 1);
        let word = |bytes: &[u8]| {
            let bytes = &bytes[place * width..(place + 1) * width];
            bytes
                .iter()
                .rev()
                .fold(0, |word, &byte| word << 8 | u32::from(byte))
        };
        let ordered = |word: u32| {
            if word & top == 0 {
                word | top
            } else {
                word ^ mask
            }
        };
        let value = word(self.block(number));
        match self.base(number) {
            None => (value << 1 | u32::from(value & top != 0)) & mask,
            Some((base, _)) => {
                let difference = ordered(value).wrapping_sub(ordered(word(base))) & mask;
                let sign = if difference & top == 0 { 0 } else { mask };
                (difference << 1 ^ sign) & mask
            }
        }
    }

    /// What an order-0 coder with perfect tables of the whole file needs for these planes, in % of raw.
    pub fn bound(&self) -> f64 {
        let width = self.width();
        let mut counts = vec![[0_u64; 256]; width];
        for number in 0..self.count() {
            for place in 0..self.block(number).len() / width {
                let bytes = self.symbol(number, place).to_le_bytes();
                for (counts, byte) in counts.iter_mut().zip(bytes) {
                    counts[usize::from(byte)] += 1;
                }
            }
        }
        let bits: f64 = counts
            .iter()
            .map(|counts| {
                let total: u64 = counts.iter().sum();
                counts
                    .iter()
                    .filter(|&&count| count > 0)
                    .map(|&count| -(count as f64) * (count as f64 / total as f64).log2())
                    .sum::<f64>()
            })
            .sum();
        100.0 * bits / 8.0 / self.bytes() as f64
    }
}

/// Rounds to nearest, ties to even; no NaN occurs.
fn bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// Rounds to nearest, ties to even; too large values become infinite.
fn f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let size = bits & 0x7fff_ffff;
    if size >= 0x4780_0000 {
        return sign | 0x7c00;
    }
    // Below 2^-14 the result counts steps of 2^-24, which adding 0.5 rounds to.
    let rounded = if size < 0x3880_0000 {
        (f32::from_bits(size) + 0.5).to_bits() - 0.5_f32.to_bits()
    } else {
        (size - 0x3800_0000 + 0xfff + (size >> 13 & 1)) >> 13
    };
    sign | rounded as u16
}

/// Chance with a fixed seed (splitmix64).
struct Chance(u64);

impl Chance {
    /// In (0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        ((word >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Two independent normal values (Box and Muller).
    fn normal(&mut self) -> (f64, f64) {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        (radius * cosine, radius * sine)
    }
}
