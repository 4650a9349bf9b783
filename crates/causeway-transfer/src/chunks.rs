//! Where a file is cut whose inside is not known: where its content says, so that bytes put in or taken out in front cost the
//! blocks around them and not all that follow.
//!
//! FastCDC (Xia et al., IEEE TPDS 2020: gear hash) from 1 MiB on, up to 2 MiB: small blocks, since a killed transfer loses those
//! that are under way. What lies before the least length is not looked through, which would take longer than hashing it. A file
//! shorter than [`MIN_LENGTH`] is cut every MiB.

use fastcdc::v2020::{FastCDC, Normalization};

/// From this length on content decides.
pub(crate) const MIN_LENGTH: u64 = 16 << 20;
/// No cut is looked for before it.
const SKIPPED: usize = 512 << 10;
/// The least length of the chunker behind that, and how far from there on a cut lies on average.
const UNIT: usize = 512 << 10;
/// The longest block; as many bytes are looked at for the next cut.
pub(crate) const MAX: usize = 2 << 20;
/// In a file of tensors, which lie at multiples of this (`torch.save` and GGUF see to it), a block begins at one: an encoder
/// that finds elements cut in two finds nothing.
const GRAIN: usize = 64;

/// How a file's cuts are found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunks {
    grain: usize,
}

impl Chunks {
    /// For a file of this name.
    pub(crate) fn of(name: &str) -> Self {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let tensors = ["bin", "ckpt", "distcp", "gguf", "pt", "pth", "safetensors"];
        Self {
            grain: if tensors.contains(&extension) {
                GRAIN
            } else {
                1
            },
        }
    }

    /// How long the block is that begins with these bytes: [`MAX`] of them, or all that are left of the file.
    pub(crate) fn next(self, bytes: &[u8]) -> usize {
        let Some(looked) = bytes.get(SKIPPED..) else {
            return bytes.len();
        };
        let level = Normalization::Level0;
        let chunker = FastCDC::with_level(looked, UNIT, UNIT, MAX - SKIPPED, level);
        let cut = SKIPPED + chunker.cut(0, looked.len()).1;
        if cut < bytes.len() {
            cut - cut % self.grain
        } else {
            cut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: usize = SKIPPED + UNIT;

    fn noise(seed: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new()
            .update(&[seed])
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    }

    fn cuts(chunks: Chunks, mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut cuts = Vec::new();
        while !bytes.is_empty() {
            let (block, rest) = bytes.split_at(chunks.next(&bytes[..bytes.len().min(MAX)]));
            cuts.push(block);
            bytes = rest;
        }
        cuts
    }

    #[test]
    fn what_is_put_in_front_changes_no_later_block() {
        for (name, more) in [
            ("data.jsonl", 1),
            ("model.bin", GRAIN),
            ("model.bin", 3 * GRAIN),
        ] {
            let bytes = noise(1, 48 << 20);
            let longer = [noise(2, more), bytes.clone()].concat();
            let (before, after) = (
                cuts(Chunks::of(name), &bytes),
                cuts(Chunks::of(name), &longer),
            );
            let same = after.iter().filter(|block| before.contains(block)).count();
            assert!(
                same + 2 >= before.len(),
                "{name}: {same} of {}",
                before.len()
            );
        }
    }

    #[test]
    fn cuts_are_within_their_limits_and_stay_what_they_are() {
        let bytes = noise(1, 20 << 20);
        let lens = |name| -> Vec<usize> {
            let cuts = cuts(Chunks::of(name), &bytes);
            cuts.iter().map(|block| block.len()).collect()
        };
        let free = lens("data.jsonl");
        assert_eq!(free.iter().sum::<usize>(), bytes.len());
        let (_, whole) = free.split_last().unwrap();
        assert!(
            whole.iter().all(|len| (MIN..=MAX).contains(len)),
            "{free:?}"
        );
        let aligned = lens("model.gguf");
        let (_, whole) = aligned.split_last().unwrap();
        assert!(
            whole.iter().all(|len| len % GRAIN == 0 && *len >= MIN),
            "{aligned:?}"
        );
        // Golden: a version that cuts elsewhere finds nothing of what came home before.
        assert_eq!(
            free,
            [
                1_477_740, 1_123_033, 1_898_383, 1_814_947, 1_298_450, 1_385_255, 1_249_313,
                1_070_863, 1_427_414, 1_449_512, 1_384_652, 1_261_655, 1_860_071, 1_249_194,
                1_021_038
            ]
        );
        // Zeros are cut as far apart as can be.
        assert_eq!(cuts(Chunks::of("x"), &vec![0; 9 << 20])[0].len(), MAX);
        assert_eq!(Chunks::of("x").next(&[]), 0);
        assert_eq!(Chunks::of("x").next(&[1; 100]), 100);
    }
}
