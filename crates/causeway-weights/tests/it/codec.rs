//! Encoded blocks: there and back, by every set of instructions and by a second decoder; and whatever is not one is refused.

use std::io::Write as _;
use std::process::Command;

use causeway_weights::Dtype;
use causeway_weights::codec::{
    Base, CodecError, Decoder, Effort, Element, Encoder, Instructions, MAX_LENGTH, Method, describe,
};
use proptest::prelude::*;

const ELEMENTS: [Element; 7] = [
    Element::Bf16,
    Element::F16,
    Element::F32,
    Element::F8E4m3,
    Element::F8E5m2,
    Element::I8,
    Element::Opaque,
];

/// What a block looks like.
#[derive(Debug, Clone, Copy)]
enum Look {
    Random,
    Constant,
    /// Two values, one of them rare.
    Skewed,
    /// Floats about zero, as weights are.
    Weights,
    /// Weights of channels that come in turns, each of its own scale, and now and then one that is huge.
    Channels,
    /// Every bit pattern in turn.
    Counting,
}

const LOOKS: [Look; 6] = [
    Look::Random,
    Look::Constant,
    Look::Skewed,
    Look::Weights,
    Look::Channels,
    Look::Counting,
];

/// Chance that is the same everywhere (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

fn weight(chance: &mut Chance) -> f32 {
    // Twelve halves of a byte: nearly normal.
    let sum: i64 = (0..6).map(|_| (chance.next() >> 44) as i64).sum();
    (sum - 6 * (1 << 19)) as f32 / (1 << 24) as f32
}

fn block(look: Look, element: Element, length: usize, seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed);
    let mut bytes: Vec<u8> = match look {
        Look::Random => (0..length).map(|_| chance.next() as u8).collect(),
        Look::Constant => vec![seed as u8; length],
        Look::Skewed => (0..length)
            .map(|_| {
                if chance.next().is_multiple_of(50) {
                    0x80
                } else {
                    7
                }
            })
            .collect(),
        Look::Counting => (0..length as u32 / 4 + 1)
            .flat_map(u32::to_le_bytes)
            .collect(),
        Look::Weights | Look::Channels => (0..length as u32)
            .flat_map(|number| {
                let scale = match look {
                    Look::Weights => 1.0,
                    _ if number % 2_001 == 5 => 1e12 * (1 << (number / 2_001 % 64 / 2)) as f32,
                    _ => (-(number as f32 % 64.0) / 8.0).floor().exp2(),
                };
                let bits = (weight(&mut chance) * scale).to_bits();
                match element {
                    Element::F32 => bits.to_le_bytes().to_vec(),
                    Element::Bf16 | Element::F16 => ((bits >> 16) as u16).to_le_bytes().to_vec(),
                    _ => vec![(bits >> 23) as u8],
                }
            })
            .take(length)
            .collect(),
    };
    bytes.truncate(length);
    bytes
}

/// A later checkpoint: some elements moved by a few steps of their last place.
fn moved(base: &[u8], element: Element, seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed);
    let width = match element {
        Element::F32 => 4,
        Element::Bf16 | Element::F16 => 2,
        _ => 1,
    };
    let mut block = base.to_vec();
    for word in block.chunks_exact_mut(width) {
        if chance.next().is_multiple_of(3) {
            word[0] = word[0]
                .wrapping_add((chance.next() % 5) as u8)
                .wrapping_sub(2);
        }
    }
    block
}

fn decoded(encoded: &[u8], length: usize, base: Option<Base<'_>>) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0xaa; 3];
    Decoder::default().decode(encoded, length, base, &mut out)?;
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// There and back, at any length and alignment; the same bytes from all instructions; never much longer.
    #[test]
    fn comes_back(
        element in proptest::sample::select(ELEMENTS.to_vec()),
        look in proptest::sample::select(LOOKS.to_vec()),
        length in prop_oneof![0_usize..200, 4_000_usize..9_000, 0_usize..70_000],
        shift in 0_usize..65,
        seed in any::<u64>(),
        small in any::<bool>(),
        with_base in 0..3,
    ) {
        let effort = if small { Effort::Small } else { Effort::Fast };
        let buffer = block(look, element, length + shift, seed);
        let block = &buffer[shift..];
        let before = match with_base {
            0 => None,
            1 => Some(moved(block, element, seed)),
            _ => Some(self::block(Look::Random, element, length, seed ^ 1)),
        };
        let base = before.as_deref().map(|bytes| Base { bytes, hash: blake3::hash(bytes) });

        let encoded = Encoder::with(Instructions::Portable).encode(block, element, base, effort).to_vec();
        prop_assert!(encoded.len() <= length + 2);
        // Buffers that hold another block's leavings, and an encoded block that begins anywhere.
        let mut out = vec![1; seed as usize % 1000];
        let mut placed = vec![0; shift];
        placed.extend(&encoded);
        for instructions in Instructions::available() {
            let mut encoder = Encoder::with(instructions);
            encoder.encode(&buffer, element, None, effort);
            prop_assert_eq!(encoder.encode(block, element, base, effort), &encoded);
            let mut decoder = Decoder::with(instructions);
            for _ in 0..2 {
                decoder.decode(&placed[shift..], length, base, &mut out).unwrap();
                prop_assert!(out == block, "{:?} decodes to other bytes", instructions);
            }
        }
        let described = describe(&encoded).unwrap();
        prop_assert_eq!(described.length, length as u64);
        prop_assert_eq!(described.base.is_some(), described.method == Method::Difference);
    }

    /// Damage gives an error or other bytes of the same length, whatever the instructions.
    #[test]
    fn damage_is_survived(
        element in proptest::sample::select(ELEMENTS.to_vec()),
        look in proptest::sample::select(LOOKS.to_vec()),
        length in 1_usize..9_000,
        seed in any::<u64>(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
        with_base in any::<bool>(),
    ) {
        let block = block(look, element, length, seed);
        let before = moved(&block, element, seed);
        let base = with_base.then(|| Base { bytes: &before, hash: blake3::hash(&before) });
        let mut encoded = Encoder::default().encode(&block, element, base, Effort::Small).to_vec();
        for (place, byte) in damage {
            let place = place.index(encoded.len());
            encoded[place] = byte;
        }
        if let Some(cut) = cut {
            encoded.truncate(cut.index(encoded.len()));
        }
        let mut results = Instructions::available().map(|instructions| {
            let mut out = Vec::new();
            Decoder::with(instructions).decode(&encoded, length, base, &mut out).map(|()| out)
        });
        let first = results.next().unwrap();
        if let Ok(out) = &first {
            prop_assert_eq!(out.len(), length);
        }
        prop_assert!(results.all(|other| other == first));
    }

    /// Bytes out of nowhere.
    #[test]
    fn noise_is_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), length in 0_usize..5_000) {
        if let [version, method, element, ..] = bytes.as_mut_slice() {
            (*version, *method, *element) = (1, *method % 4, *element % 8);
        }
        if let Some(field) = bytes.get_mut(3..7) {
            field.copy_from_slice(&(length as u32).to_le_bytes());
        }
        let _ = decoded(&bytes, length, None);
        let _ = describe(&bytes);
    }
}

/// Blocks that show every method and coding.
fn vectors() -> Vec<(Element, Vec<u8>, Option<Vec<u8>>)> {
    let mut vectors = Vec::new();
    for (number, element) in (0_u64..).zip(ELEMENTS) {
        for (look, length) in LOOKS
            .into_iter()
            .zip([1_000, 3_001, 4_002, 14_003, 60_005, 2_007])
        {
            let before = block(look, element, length, number);
            let after = moved(&before, element, number + 100);
            vectors.push((element, before.clone(), None));
            vectors.push((element, after, Some(before)));
        }
    }
    // A few bytes that are too rare for a table, alone and in contexts: beside 1.0 the difference is 0 or 1, beside 2^-120 it
    // is anything up to 7.
    let mut chance = Chance(5);
    let mut bytes = vec![7; 30_000];
    for number in 0..20 {
        bytes[1_000 * number + 13] = 20 + number as u8;
    }
    vectors.push((Element::Opaque, bytes, None));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for number in 0..50_000_u16 {
        let (base, up) = match number % 2 {
            0 => (0x3f80, chance.next() as u16 % 2),
            _ => (0x0380, chance.next() as u16 % 8),
        };
        let rare = if number % 2_001 == 5 {
            20 + number / 2_000
        } else {
            0
        };
        before.extend(u16::to_le_bytes(base));
        after.extend((base + up + rare).to_le_bytes());
    }
    vectors.push((Element::Bf16, after, Some(before)));
    // Two tensors in one block: tables by place.
    let mut both = block(Look::Weights, Element::Bf16, 10_001, 8);
    both.extend(block(Look::Skewed, Element::Bf16, 10_000, 8));
    vectors.push((Element::Bf16, both, None));
    vectors
}

/// Equal blocks give equal bytes on every machine and in every later version that writes version 1: this hash never changes
/// with `VERSION` unchanged, unless the encoder chooses better; then blocks encoded before must still decode.
#[test]
fn encoding_is_deterministic() {
    let mut hasher = blake3::Hasher::new();
    for (element, block, before) in vectors() {
        let base = before.as_deref().map(|bytes| Base {
            bytes,
            hash: blake3::hash(bytes),
        });
        for effort in [Effort::Fast, Effort::Small] {
            hasher.update(Encoder::default().encode(&block, element, base, effort));
        }
    }
    assert_eq!(
        hasher.finalize().to_string(),
        "68104d10960eb13d2ee998afa9f302199464f85325c5d320a1805273f62684fb"
    );
}

/// Decodes `N.encoded` for each N below the count, and says which one differs from `N.block`.
const PYTHON: &str = r#"
import sys
folder, tests, *hashes = sys.argv[1:]
sys.path.insert(0, tests)
sys.dont_write_bytecode = True
import decode
def read(name):
    with open(f"{folder}/{name}", "rb") as file:
        return file.read()
for number, hash in enumerate(hashes):
    block, base = read(f"{number}.block"), read(f"{number}.base")
    decoded = decode.decode(read(f"{number}.encoded"), len(block), base, bytes.fromhex(hash))
    assert decoded == block, f"vector {number}"
print(len(hashes))
"#;

/// The description is enough: a decoder in Python, written from it, gives the same bytes.
#[test]
fn python_decodes() {
    let found = Command::new("python3").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        // Past the capture of the test runner: nobody should take a skipped test for a passed one.
        writeln!(std::io::stderr(), "skipped: python_decodes: no python3").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/codec");
    let mut python = Command::new("python3");
    python.args(["-c", PYTHON]).arg(folder.path()).arg(tests);
    let mut codings = std::collections::BTreeMap::new();
    let vectors = vectors();
    let both = |vector| [(vector, Effort::Fast), (vector, Effort::Small)];
    let tried: Vec<_> = vectors.iter().flat_map(both).collect();
    for (number, &((element, block, before), effort)) in tried.iter().enumerate() {
        let base = before.as_deref().map(|bytes| Base {
            bytes,
            hash: blake3::hash(bytes),
        });
        let mut encoder = Encoder::default();
        let encoded = encoder.encode(block, *element, base, effort);
        let base = base.map_or(&[][..], |base| base.bytes);
        for (name, bytes) in [("encoded", encoded), ("block", block), ("base", base)] {
            fs_err::write(folder.path().join(format!("{number}.{name}")), bytes).unwrap();
        }
        python.arg(blake3::hash(base).to_string());
        for coding in codings_of(encoded) {
            *codings.entry(coding).or_insert(0) += 1;
        }
    }
    // Every coding is there: raw, constant, one table and contexts, both without and with escapes; and contexts from everywhere.
    // Averages have escapes of their own kind.
    let alone = [0, 1, 2, 6].map(|coding| (coding, None));
    let in_contexts = [(3, 0), (3, 253), (7, 253), (3, 254), (3, 255), (7, 255)];
    let in_contexts = in_contexts.map(|(coding, source)| (coding, Some(source)));
    for coding in alone.into_iter().chain(in_contexts) {
        assert!(codings.contains_key(&coding), "{coding:?} of {codings:?}");
    }
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(output.stdout, format!("{}\n", tried.len()).as_bytes());
}

/// How the planes of an encoded block are coded, and where contexts come from.
fn codings_of(encoded: &[u8]) -> Vec<(u8, Option<u8>)> {
    let described = describe(encoded).unwrap();
    let mut place = match described.method {
        Method::Planes => 7,
        Method::Difference => 39,
        _ => return Vec::new(),
    };
    let width = [2, 2, 4, 1, 1, 1, 1][usize::from(encoded[2])];
    let mut codings = Vec::new();
    for _ in 0..width {
        let coding = encoded[place];
        let number = |place: usize| {
            let field: [u8; 4] = encoded[place..place + 4].try_into().unwrap();
            u32::from_le_bytes(field) as usize
        };
        let source = match coding {
            3 => Some(place + 5),
            7 => Some(place + 10 + number(place + 6)),
            _ => None,
        };
        codings.push((coding, source.map(|source| encoded[source])));
        place += match coding {
            0 => 1 + described.length as usize / width,
            1 => 2,
            _ => 5 + number(place + 1),
        };
    }
    codings
}

/// Channels of their own scale: even little effort finds that out, in a block that is long enough for a sample.
#[test]
fn channels_are_told_by_what_came_before() {
    let block = block(Look::Channels, Element::Bf16, 600_001, 3);
    let mut sizes = Vec::new();
    for effort in [Effort::Fast, Effort::Small] {
        let encoded = Encoder::default()
            .encode(&block, Element::Bf16, None, effort)
            .to_vec();
        let [exponents, _] = codings_of(&encoded)[..] else {
            panic!("two planes");
        };
        assert_eq!(exponents.1, Some(253), "{effort:?}");
        for instructions in Instructions::available() {
            let mut encoder = Encoder::with(instructions);
            assert!(encoder.encode(&block, Element::Bf16, None, effort) == encoded);
            let mut out = Vec::new();
            let mut decoder = Decoder::with(instructions);
            decoder
                .decode(&encoded, block.len(), None, &mut out)
                .unwrap();
            assert!(out == block, "{instructions:?}");
        }
        sizes.push(encoded.len());
    }
    // The same weights in disorder have nothing before them that tells.
    let mut chance = Chance(4);
    let mut weights: Vec<[u8; 2]> = block.as_chunks().0.to_vec();
    for place in (1..weights.len()).rev() {
        weights.swap(place, chance.next() as usize % (place + 1));
    }
    let mut encoder = Encoder::default();
    let one_table = encoder.encode(weights.as_flattened(), Element::Bf16, None, Effort::Fast);
    assert_eq!(codings_of(one_table)[0].1, None);
    assert!(
        sizes[0] < one_table.len() * 19 / 20 && sizes[1] <= sizes[0],
        "{sizes:?} of {}",
        one_table.len()
    );
}

#[test]
fn another_base_is_refused() {
    let before = block(Look::Weights, Element::Bf16, 20_000, 1);
    let block = moved(&before, Element::Bf16, 2);
    let base = Base {
        bytes: &before,
        hash: blake3::hash(&before),
    };
    let encoded = Encoder::default()
        .encode(&block, Element::Bf16, Some(base), Effort::Fast)
        .to_vec();
    let described = describe(&encoded).unwrap();
    assert_eq!(
        (described.method, described.base),
        (Method::Difference, Some(base.hash))
    );
    assert_eq!(decoded(&encoded, block.len(), Some(base)).unwrap(), block);

    let missing = decoded(&encoded, block.len(), None);
    assert_eq!(missing, Err(CodecError::BaseMissing { needs: base.hash }));
    let other = Base {
        bytes: &block,
        hash: blake3::hash(&block),
    };
    let differs = decoded(&encoded, block.len(), Some(other));
    assert_eq!(
        differs,
        Err(CodecError::BaseDiffers {
            needs: base.hash,
            given: other.hash
        })
    );
    let shorter = Base {
        bytes: &before[2..],
        hash: base.hash,
    };
    let length = decoded(&encoded, block.len(), Some(shorter));
    assert_eq!(
        length,
        Err(CodecError::BaseLength {
            needs: 20_000,
            given: 19_998
        })
    );
}

#[test]
fn what_is_wrong_is_said() {
    let block = block(Look::Weights, Element::Bf16, 20_001, 1);
    let encoded = Encoder::default()
        .encode(&block, Element::Bf16, None, Effort::Small)
        .to_vec();
    assert!(encoded.len() < 15_000);
    let with = |place: usize, byte: u8| {
        let mut changed = encoded.clone();
        changed[place] = byte;
        decoded(&changed, block.len(), None)
            .unwrap_err()
            .to_string()
    };
    assert_said(&[
        (
            with(0, 2),
            "an encoded block has version 2, this program reads version 1",
        ),
        (
            with(1, 3),
            "an encoded block is damaged: its method is unknown",
        ),
        (
            with(2, 7),
            "an encoded block is damaged: its element type is unknown",
        ),
        (with(3, 0), "an encoded block holds 19968 bytes, not 20001"),
        (
            with(7, 9),
            "an encoded block is damaged: a plane's coding is unknown",
        ),
    ]);
    let mut longer = encoded.clone();
    longer.push(0);
    let mut out = vec![1];
    let wrong = Decoder::default().decode(&longer, block.len(), None, &mut out);
    assert_eq!(
        wrong,
        Err(CodecError::Damaged {
            why: "bytes follow its end"
        })
    );
    assert!(out.is_empty());
    let mut decoder = Decoder::default();
    for cut in (0..200).chain((200..encoded.len()).step_by(97)) {
        let short = decoder.decode(&encoded[..cut], block.len(), None, &mut out);
        assert!(short.is_err(), "cut at {cut}");
    }
    for length in [0, 1, 20_000, 20_002] {
        assert!(decoded(&encoded, length, None).is_err());
    }
    let too_long = decoded(&encoded, MAX_LENGTH + 1, None);
    assert_eq!(
        too_long,
        Err(CodecError::TooLong {
            expected: MAX_LENGTH as u64 + 1
        })
    );
    let raw = decoded(&[1, 0, 5, 5], 3, None);
    assert_eq!(
        raw,
        Err(CodecError::Length {
            found: 2,
            expected: 3
        })
    );
}

fn assert_said(cases: &[(String, &str)]) {
    for (said, expected) in cases {
        assert_eq!(said, expected);
    }
}

#[test]
fn tables_must_add_up() {
    // bf16, two elements; the upper plane: one table, whose frequencies are 0x0fff for the first byte and then the ones given.
    let encoded = |table: &[u8]| {
        let mut encoded = vec![1, 1, 0, 4, 0, 0, 0, 2];
        let length = table.len() as u32 + 256;
        encoded.extend(length.to_le_bytes());
        encoded.extend(table);
        encoded.extend([0, 0x80, 0, 0].repeat(64));
        encoded.extend([1, 9]);
        encoded
    };
    // Both coders are in slot 0 and stay there: 0x8000 is 8 in slot 0, 4095 · 8 is below 2^15, and so a word is missing.
    let missing = decoded(&encoded(&[0x8f, 0xff, 1]), 4, None);
    assert_eq!(
        missing,
        Err(CodecError::Damaged {
            why: "a plane ends too early"
        })
    );
    for table in [
        &[0x8f, 0xff, 2][..],
        &[0x90, 0x00],
        &[0x80, 0x00, 0x8f, 0xff, 1],
        &[0x8f, 0xff, 0, 255, 1],
        &[1; 256],
    ] {
        let wrong = decoded(&encoded(table), 4, None);
        let why = "its frequencies do not add up";
        assert_eq!(wrong, Err(CodecError::Damaged { why }), "{table:?}");
    }
}

#[test]
fn gains_are_kept() {
    let weights = block(Look::Weights, Element::Bf16, 1 << 20, 7);
    let zeros = vec![0; 1 << 20];
    let size = |block: &[u8], base: Option<&[u8]>, effort| {
        let base = base.map(|bytes| Base {
            bytes,
            hash: blake3::hash(bytes),
        });
        Encoder::default()
            .encode(block, Element::Bf16, base, effort)
            .len()
    };
    assert_eq!(size(&zeros, None, Effort::Fast), 11);
    assert_eq!(size(&weights, Some(&weights), Effort::Fast), 43);
    let (fast, small) = (
        size(&weights, None, Effort::Fast),
        size(&weights, None, Effort::Small),
    );
    assert!(small <= fast && fast < (1 << 20) * 2 / 3, "{small}, {fast}");
    let near = moved(&weights, Element::Bf16, 1);
    let (fast, small) = (
        size(&near, Some(&weights), Effort::Fast),
        size(&near, Some(&weights), Effort::Small),
    );
    assert!(small <= fast && fast < (1 << 20) / 10, "{small}, {fast}");
}

#[test]
fn element_types_are_those_of_safetensors() {
    let pairs = [
        (Dtype::BF16, Element::Bf16),
        (Dtype::F16, Element::F16),
        (Dtype::F32, Element::F32),
        (Dtype::F8_E4M3, Element::F8E4m3),
        (Dtype::F8_E5M2, Element::F8E5m2),
        (Dtype::I8, Element::I8),
        (Dtype::U8, Element::Opaque),
        (Dtype::F64, Element::Opaque),
        (Dtype::I64, Element::Opaque),
    ];
    for (dtype, element) in pairs {
        assert_eq!(Element::from(dtype), element, "{dtype:?}");
    }
}
