//! The weight codec beside zstd and pco, in one run: sizes in % of raw, GB/s of one core. All work on the same blocks, which
//! are cut where the product cuts them; every result is decoded and compared before anything is measured.

mod data;
mod peers;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use causeway_weights::codec::{Base, Decoder, Effort, Element, Encoder, Instructions};

use crate::data::{Blocks, Source};
use crate::peers::Peer;

/// Rounds of each codec; all take turns, so that a busy moment of the machine hits all alike.
const ROUNDS: usize = 5;

/// Seconds that this thread has run. On a machine that others use too, what a core can do shows here and not on the clock.
fn busy() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A codec under measurement.
trait Codec {
    fn name(&self) -> String;
    /// Encodes block `number` into `out`.
    fn encode(&mut self, blocks: &Blocks, number: usize, out: &mut Vec<u8>) -> Result<()>;
    /// Decodes it into `out`.
    fn decode(
        &mut self,
        blocks: &Blocks,
        number: usize,
        encoded: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()>;
}

struct Ours {
    effort: Effort,
    instructions: Instructions,
    encoder: Encoder,
    decoder: Decoder,
}

impl Ours {
    fn new(effort: Effort, instructions: Instructions) -> Box<Self> {
        Box::new(Self {
            effort,
            instructions,
            encoder: Encoder::with(instructions),
            decoder: Decoder::with(instructions),
        })
    }
}

fn base(blocks: &Blocks, number: usize) -> Option<Base<'_>> {
    let (bytes, hash) = blocks.base(number)?;
    Some(Base { bytes, hash })
}

impl Codec for Ours {
    fn name(&self) -> String {
        format!("causeway {:?}, {:?}", self.effort, self.instructions).to_lowercase()
    }

    fn encode(&mut self, blocks: &Blocks, number: usize, out: &mut Vec<u8>) -> Result<()> {
        let base = base(blocks, number);
        let encoded = self
            .encoder
            .encode(blocks.block(number), blocks.element, base, self.effort);
        out.extend_from_slice(encoded);
        Ok(())
    }

    fn decode(
        &mut self,
        blocks: &Blocks,
        number: usize,
        encoded: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let length = blocks.block(number).len();
        self.decoder
            .decode(encoded, length, base(blocks, number), out)?;
        Ok(())
    }
}

struct Row {
    size: usize,
    encode: Vec<f64>,
    decode: Vec<f64>,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(
    title: &str,
    blocks: &Blocks,
    mut codecs: Vec<Box<dyn Codec>>,
    rounds: usize,
) -> Result<()> {
    // For a profiler and for quick tries: the codecs, and the data, whose names have these words in them.
    let words: Vec<String> = std::env::args().skip(2).collect();
    codecs.retain(|codec| {
        let name = format!("{title}, {}", codec.name());
        words.iter().all(|word| name.contains(word.as_str()))
    });
    if codecs.is_empty() {
        return Ok(());
    }
    let codecs = &mut codecs;
    let raw = blocks.bytes();
    let mut rows: Vec<Row> = Vec::new();
    for codec in codecs.iter_mut() {
        let mut size = 0;
        let mut decoded = Vec::new();
        for number in 0..blocks.count() {
            let mut encoded = Vec::new();
            codec.encode(blocks, number, &mut encoded)?;
            codec.decode(blocks, number, &encoded, &mut decoded)?;
            ensure!(
                decoded == blocks.block(number),
                "{}: other bytes",
                codec.name()
            );
            size += encoded.len();
        }
        rows.push(Row {
            size,
            encode: Vec::new(),
            decode: Vec::new(),
        });
    }
    // Small sources are gone through several times.
    let times = (16_000_000 / raw).max(1);
    let mut encoded = vec![Vec::with_capacity(9 << 20); blocks.count()];
    let mut decoded = Vec::new();
    for _ in 0..rounds {
        for (codec, row) in codecs.iter_mut().zip(&mut rows) {
            let mut started = busy();
            for _ in 0..times {
                for (number, encoded) in encoded.iter_mut().enumerate() {
                    encoded.clear();
                    codec.encode(blocks, number, encoded)?;
                }
            }
            let gigabytes = (raw * times) as f64 / 1e9;
            row.encode.push(gigabytes / (busy() - started));
            started = busy();
            for _ in 0..times {
                for (number, encoded) in encoded.iter().enumerate() {
                    codec.decode(blocks, number, encoded, &mut decoded)?;
                }
            }
            row.decode.push(gigabytes / (busy() - started));
        }
    }
    println!(
        "\n### {title}: {:.1} MB in {} blocks; ideal order 0: {:.2} %\n",
        raw as f64 / 1e6,
        blocks.count(),
        blocks.bound()
    );
    println!("| codec | % of raw | encode GB/s | decode GB/s |\n|---|---|---|---|");
    for (codec, row) in codecs.iter().zip(&mut rows) {
        println!(
            "| {} | {:.2} | {:.2} | {:.2} |",
            codec.name(),
            100.0 * row.size as f64 / raw as f64,
            median(&mut row.encode),
            median(&mut row.decode)
        );
    }
    Ok(())
}

fn ours(all: bool) -> Vec<Box<dyn Codec>> {
    let best = Instructions::available()
        .max()
        .unwrap_or(Instructions::Portable);
    let mut codecs: Vec<Box<dyn Codec>> = Vec::new();
    for effort in [Effort::Fast, Effort::Small] {
        for instructions in Instructions::available().filter(|&one| all || one == best) {
            codecs.push(Ours::new(effort, instructions));
        }
    }
    codecs
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let work = arguments
        .next()
        .context("usage: causeway-bench-codec DIR [WORD...]")?;
    let work = Path::new(&work);
    println!(
        "GB/s of raw bytes; seconds are those of this thread on its core, not of the clock; median of {ROUNDS} rounds"
    );

    let mut minilm = None;
    for name in ["minilm", "crepe", "chgnet"] {
        let source = Source::read(&work.join(format!("{name}.safetensors")))?;
        let blocks = source.blocks(Element::Bf16, None)?;
        std::fs::write(work.join(format!("{name}.bf16")), blocks.all())?;
        let mut codecs = ours(true);
        codecs.extend(Peer::all());
        measure(&format!("{name}, bf16"), &blocks, codecs, ROUNDS)?;
        if name == "minilm" {
            minilm = Some(source);
        }
    }
    let minilm = minilm.context("no source")?;
    for (name, element) in [("fp16", Element::F16), ("fp32", Element::F32)] {
        let blocks = minilm.blocks(element, None)?;
        let mut codecs = ours(false);
        codecs.extend(Peer::all());
        measure(&format!("minilm, {name}"), &blocks, codecs, 3)?;
    }
    for (title, rate, steps) in [
        ("1 step, lr 2e-5", 2e-5, 1),
        ("100 steps, lr 2e-5", 2e-5, 100),
        ("1000 steps, lr 3e-4", 3e-4, 1000),
    ] {
        let later = minilm.stepped(rate, steps);
        let blocks = later.blocks(Element::Bf16, Some(&minilm))?;
        let mut codecs = ours(false);
        codecs.extend(Peer::differences());
        measure(
            &format!("minilm after {title}, bf16, given the one before"),
            &blocks,
            codecs,
            3,
        )?;
    }
    let later = minilm.stepped(2e-5, 100);
    let blocks = later.blocks(Element::F32, Some(&minilm))?;
    let mut codecs = ours(false);
    codecs.extend(Peer::differences());
    measure(
        "minilm after 100 steps, lr 2e-5, fp32, given the one before",
        &blocks,
        codecs,
        3,
    )
}
