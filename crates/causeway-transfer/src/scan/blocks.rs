//! The hashes of a file, of the whole and of each block: what stands between a question and its first byte. So a long file is
//! read, hashed by blocks and hashed as a whole on three threads, one block behind the other.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{channel, sync_channel};

use camino::Utf8Path;
use causeway_domain::Digest;
use causeway_weights::Header;

use crate::chunks::{self, Chunks};
use crate::holes::{self, Holes, ZeroBlocks};
use crate::manifest::Block;

/// A shorter file is hashed on one thread: starting others takes longer.
const SIDE_BY_SIDE: u64 = 16 << 20;
/// A shorter file is read whether it has holes or not: that takes less than to ask.
const SPARSE: u64 = 64 << 10;
/// Blocks that wait between two threads.
const WAITING: usize = 2;

/// Hashes a file of `size` bytes, whole and block by block. A few blocks are in memory at a time; what lies in a hole is not
/// read. `alone`: other threads have nothing else to do.
pub(super) fn hash_blocks(
    file: &mut File,
    name: &str,
    size: u64,
    alone: bool,
    zeros: &mut ZeroBlocks,
    progress: impl FnMut(u64),
) -> io::Result<(Digest, Vec<Block>)> {
    let header = if name.ends_with(".safetensors") {
        Header::read(file, Utf8Path::new(name)).ok()
    } else {
        None
    };
    let header = header.filter(|header| header.promised() == size);
    let cuts = if header.is_some() || size < chunks::MIN_LENGTH {
        Cuts::At(causeway_weights::blocks(header.as_ref(), size))
    } else {
        Cuts::ByContent(Chunks::of(name))
    };
    let source = Source { file, size, cuts };
    if size < SIDE_BY_SIDE || !alone {
        source.hash_in_turn(zeros, progress)
    } else {
        source.hash_side_by_side(zeros, progress)
    }
}

/// Where a file is cut.
enum Cuts {
    At(Vec<Range<u64>>),
    ByContent(Chunks),
}

/// One block.
enum Piece {
    Data(Vec<u8>),
    /// So many zeros that lie in a hole.
    Hole(u32),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Data(bytes) => bytes,
            Self::Hole(len) => holes::zeros(*len),
        }
    }

    fn block(&self, zeros: &mut ZeroBlocks) -> Block {
        match self {
            Self::Data(bytes) => Block {
                len: len_of(bytes),
                blake3: Digest::new(*blake3::hash(bytes).as_bytes()),
            },
            Self::Hole(len) => Block {
                len: *len,
                blake3: zeros.digest(*len),
            },
        }
    }

    /// Its buffer, for another.
    fn buffer(self) -> Vec<u8> {
        match self {
            Self::Data(bytes) => bytes,
            Self::Hole(_) => Vec::new(),
        }
    }
}

fn len_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// A file to hash.
struct Source<'f> {
    file: &'f File,
    size: u64,
    cuts: Cuts,
}

impl Source<'_> {
    fn hash_in_turn(
        &self,
        zeros: &mut ZeroBlocks,
        mut progress: impl FnMut(u64),
    ) -> io::Result<(Digest, Vec<Block>)> {
        let (mut whole, mut blocks) = (blake3::Hasher::new(), Vec::new());
        // Of a file's only block no second hash is needed.
        let single = matches!(&self.cuts, Cuts::At(cuts) if cuts.len() == 1);
        self.read(|piece| {
            if !single {
                whole.update(piece.bytes());
            }
            let block = piece.block(zeros);
            progress(u64::from(block.len));
            blocks.push(block);
            piece.buffer()
        })?;
        let whole = match blocks.as_slice() {
            [only] => only.blake3,
            _ => Digest::new(*whole.finalize().as_bytes()),
        };
        Ok((whole, blocks))
    }

    fn hash_side_by_side(
        &self,
        zeros: &mut ZeroBlocks,
        mut progress: impl FnMut(u64),
    ) -> io::Result<(Digest, Vec<Block>)> {
        let ended = |_| io::Error::other("a thread that hashes ended");
        std::thread::scope(|scope| {
            let (read, to_cut) = sync_channel::<Piece>(WAITING);
            let (cut, to_sum) = sync_channel::<Piece>(WAITING);
            let (free, buffers) = channel();
            let blocks = scope.spawn(move || {
                let mut blocks = Vec::new();
                for piece in to_cut {
                    blocks.push(piece.block(zeros));
                    if cut.send(piece).is_err() {
                        break;
                    }
                }
                blocks
            });
            let whole = scope.spawn(move || {
                let mut whole = blake3::Hasher::new();
                for piece in to_sum {
                    whole.update(piece.bytes());
                    // Nobody takes the last ones.
                    free.send(piece.buffer()).ok();
                }
                Digest::new(*whole.finalize().as_bytes())
            });
            self.read(|piece| {
                progress(u64::from(len_of(piece.bytes())));
                // A thread that ended is told below.
                read.send(piece).ok();
                buffers.try_recv().unwrap_or_default()
            })?;
            drop(read);
            Ok((whole.join().map_err(ended)?, blocks.join().map_err(ended)?))
        })
    }

    /// Reads block after block. `each` takes one, and gives a buffer for the next.
    fn read(&self, each: impl FnMut(Piece) -> Vec<u8>) -> io::Result<()> {
        match &self.cuts {
            Cuts::At(cuts) => self.read_cuts(cuts, each),
            Cuts::ByContent(chunks) => self.read_chunks(*chunks, each),
        }
    }

    fn read_cuts(
        &self,
        cuts: &[Range<u64>],
        mut each: impl FnMut(Piece) -> Vec<u8>,
    ) -> io::Result<()> {
        let mut holes = Holes::of(self.file, self.size);
        let mut buffer = Vec::new();
        for cut in cuts {
            let len = cut.end - cut.start;
            if self.size >= SPARSE && holes.cover(cut)? {
                each(Piece::Hole(u32::try_from(len).unwrap_or(u32::MAX)));
            } else {
                buffer.resize(usize::try_from(len).unwrap_or_default(), 0);
                self.file.read_exact_at(&mut buffer, cut.start)?;
                buffer = each(Piece::Data(buffer));
            }
        }
        Ok(())
    }

    fn read_chunks(
        &self,
        chunks: Chunks,
        mut each: impl FnMut(Piece) -> Vec<u8>,
    ) -> io::Result<()> {
        let mut holes = Holes::of(self.file, self.size);
        let mut cut_of_zeros = None;
        // What was read from `at` on and is not cut yet.
        let (mut at, mut ahead) = (0, Vec::new());
        while at < self.size {
            let left = usize::try_from(self.size - at).unwrap_or(usize::MAX);
            let most = left.min(chunks::MAX);
            let len = if most == chunks::MAX && holes.cover(&(at..at + most as u64))? {
                ahead.clear();
                let most = u32::try_from(most).unwrap_or(u32::MAX);
                let len = *cut_of_zeros.get_or_insert_with(|| chunks.next(holes::zeros(most)));
                each(Piece::Hole(u32::try_from(len).unwrap_or(u32::MAX)));
                len
            } else {
                let have = ahead.len();
                ahead.resize(most, 0);
                let rest = ahead.get_mut(have..).unwrap_or_default();
                self.file.read_exact_at(rest, at + have as u64)?;
                let len = chunks.next(&ahead);
                let rest = ahead.split_off(len);
                let mut buffer = each(Piece::Data(ahead));
                buffer.clear();
                buffer.extend_from_slice(&rest);
                ahead = buffer;
                len
            };
            at += len as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn three_threads_find_what_one_does(
            stretches in proptest::collection::vec((any::<bool>(), 0usize..(9 << 20)), 1..6),
            seed in any::<u8>(),
            by_content in any::<bool>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let file = File::options().read(true).write(true).create_new(true).open(dir.path().join("file")).unwrap();
            let (mut size, mut bytes) = (0, Vec::new());
            for (data, len) in stretches {
                bytes.resize(len, 0);
                if data {
                    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
                    file.write_all_at(&bytes, size).unwrap();
                }
                size += len as u64;
            }
            file.set_len(size).unwrap();
            let cuts = if by_content {
                Cuts::ByContent(Chunks::of("data.bin"))
            } else {
                Cuts::At(causeway_weights::blocks(None, size))
            };
            let source = Source { file: &file, size, cuts };
            let mut counts = [0, 0];
            let [one, three] = &mut counts;
            let in_turn = source.hash_in_turn(&mut ZeroBlocks::default(), |bytes| *one += bytes).unwrap();
            let side_by_side = source.hash_side_by_side(&mut ZeroBlocks::default(), |bytes| *three += bytes).unwrap();
            prop_assert_eq!(counts, [size, size]);
            prop_assert_eq!(&in_turn, &side_by_side);
            let all = std::fs::read(dir.path().join("file")).unwrap();
            prop_assert_eq!(in_turn.0, Digest::new(*blake3::hash(&all).as_bytes()));
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error_on_three_threads_too() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(dir.path().join("file"))
            .unwrap();
        file.write_all_at(&[1; 4096], (SIDE_BY_SIDE * 2) - 4096)
            .unwrap();
        let error = hash_blocks(
            &mut file,
            "file",
            SIDE_BY_SIDE * 2 + 1,
            true,
            &mut ZeroBlocks::default(),
            |_| {},
        )
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
