//! What ours is held against.

use anyhow::{Context as _, Result, anyhow};
use pco::ChunkConfig;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, ParamSwitch};

use crate::Codec;
use crate::data::Blocks;

/// One of them.
pub struct Peer {
    name: &'static str,
    shape: Shape,
    coder: Coder,
}

/// What is done before coding.
#[derive(Clone, Copy)]
enum Shape {
    Plain,
    Planes,
    /// Planes of rotated elements, or of differences.
    Symbols,
}

enum Coder {
    Zstd(Compressor<'static>, Decompressor<'static>),
    Pco,
}

fn zstd(level: i32, huffman: bool) -> Result<Coder> {
    let mut compressor = Compressor::new(level)?;
    if huffman {
        compressor.set_parameter(CParameter::LiteralCompressionMode(ParamSwitch::Enable))?;
    }
    Ok(Coder::Zstd(compressor, Decompressor::new()?))
}

impl Peer {
    fn boxed(name: &'static str, shape: Shape, coder: Result<Coder>) -> Option<Box<dyn Codec>> {
        match coder {
            Ok(coder) => Some(Box::new(Self { name, shape, coder })),
            Err(error) => {
                eprintln!("{name}: {error}");
                None
            }
        }
    }

    /// For one checkpoint.
    pub fn all() -> Vec<Box<dyn Codec>> {
        [
            Self::boxed("zstd -1", Shape::Plain, zstd(1, false)),
            Self::boxed("zstd -3", Shape::Plain, zstd(3, false)),
            Self::boxed("planes + zstd -1", Shape::Planes, zstd(1, false)),
            Self::boxed(
                "planes + rot + zstd -100 with Huffman",
                Shape::Symbols,
                zstd(-100, true),
            ),
            Self::boxed("pco level 8", Shape::Plain, Ok(Coder::Pco)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// For a checkpoint and the one before.
    pub fn differences() -> Vec<Box<dyn Codec>> {
        [
            Self::boxed(
                "difference + planes + zstd -1",
                Shape::Symbols,
                zstd(1, false),
            ),
            Self::boxed("difference + pco level 8", Shape::Symbols, Ok(Coder::Pco)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The block's elements, changed as `shape` says, top byte first in planes or little-endian for pco.
fn shaped(blocks: &Blocks, number: usize, shape: Shape) -> Vec<u16> {
    let block = blocks.block(number).as_chunks::<2>().0;
    let words = block.iter().map(|word| u16::from_le_bytes(*word));
    match (shape, blocks.base(number)) {
        (Shape::Symbols, None) => words.map(|word| word.rotate_left(1)).collect(),
        (Shape::Symbols, Some((base, _))) => words
            .zip(base.as_chunks::<2>().0)
            .map(|(word, base)| {
                let difference = ordered16(word).wrapping_sub(ordered16(u16::from_le_bytes(*base)));
                difference << 1 ^ (difference as i16 >> 15) as u16
            })
            .collect(),
        _ => words.collect(),
    }
}

fn unshaped(blocks: &Blocks, number: usize, shape: Shape, words: Vec<u16>, out: &mut Vec<u8>) {
    out.clear();
    match (shape, blocks.base(number)) {
        (Shape::Symbols, None) => {
            out.extend(
                words
                    .iter()
                    .flat_map(|word| word.rotate_right(1).to_le_bytes()),
            );
        }
        (Shape::Symbols, Some((base, _))) => {
            out.extend(
                words
                    .iter()
                    .zip(base.as_chunks::<2>().0)
                    .flat_map(|(word, base)| {
                        let difference = word >> 1 ^ (word & 1).wrapping_neg();
                        let word = ordered16(u16::from_le_bytes(*base)).wrapping_add(difference);
                        let mask = (!word as i16 >> 15) as u16 | 0x8000;
                        (word ^ mask).to_le_bytes()
                    }),
            );
        }
        _ => out.extend(words.iter().flat_map(|word| word.to_le_bytes())),
    }
}

fn shaped32(blocks: &Blocks, number: usize, shape: Shape) -> Vec<u32> {
    let block = blocks.block(number).as_chunks::<4>().0;
    let words = block.iter().map(|word| u32::from_le_bytes(*word));
    match (shape, blocks.base(number)) {
        (Shape::Symbols, None) => words.map(|word| word.rotate_left(1)).collect(),
        (Shape::Symbols, Some((base, _))) => words
            .zip(base.as_chunks::<4>().0)
            .map(|(word, base)| {
                let difference = ordered32(word).wrapping_sub(ordered32(u32::from_le_bytes(*base)));
                difference << 1 ^ (difference as i32 >> 31) as u32
            })
            .collect(),
        _ => words.collect(),
    }
}

fn unshaped32(blocks: &Blocks, number: usize, shape: Shape, words: Vec<u32>, out: &mut Vec<u8>) {
    out.clear();
    match (shape, blocks.base(number)) {
        (Shape::Symbols, None) => {
            out.extend(
                words
                    .iter()
                    .flat_map(|word| word.rotate_right(1).to_le_bytes()),
            );
        }
        (Shape::Symbols, Some((base, _))) => {
            out.extend(
                words
                    .iter()
                    .zip(base.as_chunks::<4>().0)
                    .flat_map(|(word, base)| {
                        let difference = word >> 1 ^ (word & 1).wrapping_neg();
                        let word = ordered32(u32::from_le_bytes(*base)).wrapping_add(difference);
                        let mask = (!word as i32 >> 31) as u32 | 1 << 31;
                        (word ^ mask).to_le_bytes()
                    }),
            );
        }
        _ => out.extend(words.iter().flat_map(|word| word.to_le_bytes())),
    }
}

fn ordered16(word: u16) -> u16 {
    word ^ ((word as i16 >> 15) as u16 | 0x8000)
}

fn ordered32(word: u32) -> u32 {
    word ^ ((word as i32 >> 31) as u32 | 1 << 31)
}

impl Codec for Peer {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn encode(&mut self, blocks: &Blocks, number: usize, out: &mut Vec<u8>) -> Result<()> {
        let config = ChunkConfig::default().with_compression_level(8);
        let wide = blocks.width() == 4;
        match (&mut self.coder, self.shape) {
            (Coder::Pco, shape) if wide => {
                let words = shaped32(blocks, number, shape);
                out.extend(pco::standalone::simple_compress(&words, &config)?);
            }
            (Coder::Pco, shape) => {
                let words = shaped(blocks, number, shape);
                out.extend(pco::standalone::simple_compress(&words, &config)?);
            }
            (Coder::Zstd(zstd, _), Shape::Plain) => {
                out.extend(zstd.compress(blocks.block(number))?)
            }
            (Coder::Zstd(zstd, _), shape) => {
                let planes: Vec<Vec<u8>> = if wide {
                    let words = shaped32(blocks, number, shape);
                    let plane = |shift| words.iter().map(|word| (word >> shift) as u8).collect();
                    [24, 16, 8, 0].into_iter().map(plane).collect()
                } else {
                    let words = shaped(blocks, number, shape);
                    let plane = |shift| words.iter().map(|word| (word >> shift) as u8).collect();
                    [8, 0].into_iter().map(plane).collect()
                };
                for plane in planes {
                    let coded = zstd.compress(&plane)?;
                    let raw = coded.len() > plane.len() - plane.len() / 100;
                    let coded = if raw { plane } else { coded };
                    out.extend((coded.len() as u32).to_le_bytes());
                    out.push(raw.into());
                    out.extend(coded);
                }
            }
        }
        Ok(())
    }

    fn decode(
        &mut self,
        blocks: &Blocks,
        number: usize,
        encoded: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let wide = blocks.width() == 4;
        let length = blocks.block(number).len();
        match (&mut self.coder, self.shape) {
            (Coder::Pco, shape) if wide => {
                let words = pco::standalone::simple_decompress::<u32>(encoded)?;
                unshaped32(blocks, number, shape, words, out);
            }
            (Coder::Pco, shape) => {
                let words = pco::standalone::simple_decompress::<u16>(encoded)?;
                unshaped(blocks, number, shape, words, out);
            }
            (Coder::Zstd(_, zstd), Shape::Plain) => {
                out.resize(length, 0);
                zstd.decompress_to_buffer(encoded, out.as_mut_slice())?;
            }
            (Coder::Zstd(_, zstd), shape) => {
                let count = length / blocks.width();
                let mut rest = encoded;
                let mut planes = Vec::new();
                for _ in 0..blocks.width() {
                    let (head, after) = rest.split_first_chunk::<5>().context("short")?;
                    let [a, b, c, d, raw] = *head;
                    let size = u32::from_le_bytes([a, b, c, d]) as usize;
                    let (coded, after) = after
                        .split_at_checked(size)
                        .ok_or_else(|| anyhow!("short"))?;
                    rest = after;
                    planes.push(if raw == 1 {
                        coded.to_vec()
                    } else {
                        zstd.decompress(coded, count)?
                    });
                }
                if let [high, low] = planes.as_slice() {
                    let words = high
                        .iter()
                        .zip(low)
                        .map(|(high, low)| u16::from_be_bytes([*high, *low]));
                    unshaped(blocks, number, shape, words.collect(), out);
                } else if let [a, b, c, d] = planes.as_slice() {
                    let words = a.iter().zip(b).zip(c).zip(d);
                    let words = words.map(|(((a, b), c), d)| u32::from_be_bytes([*a, *b, *c, *d]));
                    unshaped32(blocks, number, shape, words.collect(), out);
                }
            }
        }
        Ok(())
    }
}
