//! Where a file of weights may be cut.

use std::ops::Range;

use crate::header::Header;

/// A run of small tensors is closed once it has this many bytes.
pub const MIN_BLOCK: u64 = 1 << 20;
/// The longest block, in bytes.
pub const MAX_BLOCK: u64 = 4 << 20;
/// The block of a file about whose inside nothing is known, in bytes.
pub const OPAQUE_BLOCK: u64 = 1 << 20;
/// Opaque files longer than this are cut into [`MAX_BLOCK`], so that a list of blocks stays small.
const LONG_OPAQUE: u64 = 64 << 30;
/// Cuts inside a tensor keep this alignment, relative to the tensor: whole elements of every type.
const GRAIN: u64 = 64;

/// Cuts a file of `len` bytes into blocks that cover it end to end, none longer than [`MAX_BLOCK`].
///
/// With a header that promises exactly `len` bytes:
/// - the header is a block of its own (or several), so that a changed note in it costs nothing else;
/// - a tensor of [`MIN_BLOCK`] or more begins and ends with a block; one longer than [`MAX_BLOCK`] is cut into equal pieces;
/// - smaller tensors share a block and are never cut. Only such a run before a large tensor, the header and the last block
///   may be shorter than [`MIN_BLOCK`].
///
/// So equal tensors give equal blocks wherever they lie in a file. Without a header, or with one that promises another
/// length: fixed blocks of [`OPAQUE_BLOCK`] (4 MiB above 64 GiB). The result depends on nothing but the arguments: both
/// ends of a transfer, and a later version of this function, must agree only on what a manifest says.
#[must_use]
pub fn blocks(header: Option<&Header>, len: u64) -> Vec<Range<u64>> {
    match header {
        Some(header) if header.promised() == len => aligned(header),
        _ => {
            let size = if len > LONG_OPAQUE {
                MAX_BLOCK
            } else {
                OPAQUE_BLOCK
            };
            let mut cuts = Vec::new();
            pieces(0..len, size, &mut cuts);
            cuts
        }
    }
}

fn aligned(header: &Header) -> Vec<Range<u64>> {
    let mut cuts = Vec::new();
    pieces(0..header.length(), MAX_BLOCK, &mut cuts);
    // The run of small tensors that is open, from `begin` to `end`.
    let (mut begin, mut end) = (header.length(), header.length());
    for tensor in header.tensors() {
        let size = tensor.range.end - tensor.range.start;
        if size >= MIN_BLOCK {
            pieces(begin..end, MAX_BLOCK, &mut cuts);
            let count = size.div_ceil(MAX_BLOCK);
            // At most MAX_BLOCK again after rounding, since MAX_BLOCK is a multiple of the grain.
            let piece = size.div_ceil(count).next_multiple_of(GRAIN);
            pieces(tensor.range.clone(), piece, &mut cuts);
            (begin, end) = (tensor.range.end, tensor.range.end);
        } else {
            end = tensor.range.end;
            // Before the last one the run had less than MIN_BLOCK, and so had the last one: below 2 MiB together.
            if end - begin >= MIN_BLOCK {
                cuts.push(begin..end);
                begin = end;
            }
        }
    }
    pieces(begin..end, MAX_BLOCK, &mut cuts);
    cuts
}

fn pieces(range: Range<u64>, size: u64, cuts: &mut Vec<Range<u64>>) {
    let mut at = range.start;
    while at < range.end {
        let next = at.saturating_add(size).min(range.end);
        cuts.push(at..next);
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;
    use proptest::prelude::*;

    /// A header of `U8` tensors with these sizes.
    fn header(sizes: &[u64]) -> Header {
        let mut json = "{".to_owned();
        let mut at = 0;
        for (index, size) in sizes.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            json += &format!(
                r#"{comma}"t{index}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{at},{}]}}"#,
                at + size
            );
            at += size;
        }
        json += "}";
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        Header::read(&mut bytes.as_slice(), Utf8Path::new("t")).unwrap()
    }

    #[test]
    fn a_large_tensor_gives_the_same_blocks_wherever_it_lies() {
        let lone = header(&[9 << 20]);
        let among = header(&[500, 3 << 20, 77, 9 << 20, 12]);
        let sizes = |header: &Header, index: usize| -> Vec<u64> {
            let tensor = header.tensors()[index].range.clone();
            let cuts = blocks(Some(header), header.promised());
            cuts.into_iter()
                .filter(|cut| cut.start >= tensor.start && cut.end <= tensor.end)
                .map(|cut| cut.end - cut.start)
                .collect()
        };
        assert_eq!(sizes(&lone, 0), sizes(&among, 3));
        assert_eq!(sizes(&lone, 0), [3 << 20, 3 << 20, 3 << 20]);
    }

    #[test]
    fn a_file_that_is_not_whole_is_opaque() {
        let header = header(&[9 << 20]);
        let len = header.promised() - 1;
        assert_eq!(blocks(Some(&header), len), blocks(None, len));
        assert_eq!(
            blocks(None, (2 << 20) + 1).last().unwrap().clone(),
            2 << 20..(2 << 20) + 1
        );
        assert!(blocks(None, 0).is_empty());
        assert_eq!(blocks(None, (64 << 30) + 1)[0], 0..4 << 20);
    }

    proptest! {
        #[test]
        fn blocks_cover_the_file_and_never_cut_a_small_tensor(
            sizes in proptest::collection::vec(prop_oneof![0u64..5000, 900_000u64..1_200_000, 3_900_000u64..13_000_000], 0..40)
        ) {
            let header = header(&sizes);
            let cuts = blocks(Some(&header), header.promised());
            let mut at = 0;
            for cut in &cuts {
                prop_assert_eq!(cut.start, at);
                prop_assert!(cut.end > cut.start && cut.end - cut.start <= MAX_BLOCK);
                at = cut.end;
            }
            prop_assert_eq!(at, header.promised());
            for tensor in header.tensors() {
                let size = tensor.range.end - tensor.range.start;
                for cut in cuts.iter().filter(|cut| cut.start > tensor.range.start && cut.start < tensor.range.end) {
                    prop_assert!(size > MAX_BLOCK, "a tensor of {} is cut", size);
                    prop_assert_eq!((cut.start - tensor.range.start) % GRAIN, 0);
                }
                if size >= MIN_BLOCK {
                    prop_assert!(cuts.iter().any(|cut| cut.start == tensor.range.start));
                }
            }
        }
    }
}
