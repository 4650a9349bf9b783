//! Stretches of a file that were never written. They read as zeros and take no disk: they are neither read nor written here,
//! and a block of zeros does not cross a link, since its hash says what it is.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use causeway_domain::Digest;

use crate::manifest::Block;

/// As long as the longest block.
static ZEROS: [u8; 4 << 20] = [0; 4 << 20];
/// Bytes that are read at once.
const BUFFER: usize = 1 << 20;
/// In a block that is written, zeros are looked for in pieces of this size.
const GRAIN: u64 = 64 << 10;
/// A shorter block is no page of any disk.
const MIN_LEN: u32 = 4096;
/// So many lengths of blocks are looked at, and [`USUAL`]: whoever names more of them, as a file that is cut by its content
/// does, costs no more than hashing these, 256 MiB at most.
const MAX_LENGTHS: usize = 64;
/// Lengths of blocks in files that are not cut by their content, and of holes in those that are.
const USUAL: [u32; 3] = [1 << 20, 2 << 20, 4 << 20];

/// So many zeros, up to the longest block.
pub(crate) fn zeros(len: u32) -> &'static [u8] {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    ZEROS.get(..len).unwrap_or(&ZEROS)
}

/// Whether a block may become a hole.
pub(crate) fn is_zeros(bytes: &[u8]) -> bool {
    bytes.len() >= MIN_LEN as usize && ZEROS.get(..bytes.len()) == Some(bytes)
}

/// BLAKE3 of blocks of zeros, each length computed once.
#[derive(Debug, Default)]
pub(crate) struct ZeroBlocks(HashMap<u32, Digest>);

impl ZeroBlocks {
    /// Of so many zeros.
    pub(crate) fn digest(&mut self, len: u32) -> Digest {
        *self
            .0
            .entry(len)
            .or_insert_with(|| Digest::new(*blake3::hash(zeros(len)).as_bytes()))
    }

    /// Whether a block is known to be zeros: one that is not may be some, too.
    pub(crate) fn knows(&mut self, block: &Block) -> bool {
        block.len >= MIN_LEN
            && (self.0.contains_key(&block.len)
                || self.0.len() < MAX_LENGTHS
                || USUAL.contains(&block.len))
            && self.digest(block.len) == block.blake3
    }
}

/// Where a file has data.
pub(crate) struct Holes<'f> {
    file: &'f File,
    /// Where holes are looked for no more: the length of the file, or less.
    end: u64,
    /// From here on there is nothing before `data`.
    from: u64,
    /// A stretch of data, empty when there is none up to the end.
    data: Range<u64>,
}

impl<'f> Holes<'f> {
    /// Of the first `end` bytes.
    pub(crate) const fn of(file: &'f File, end: u64) -> Self {
        Self {
            file,
            end,
            from: 0,
            data: 0..0,
        }
    }

    /// The first data at or behind `at`; empty, and at the end, when there is none.
    pub(crate) fn next(&mut self, at: u64) -> io::Result<Range<u64>> {
        if at < self.from || at >= self.data.end {
            self.data = self.look(at)?;
            self.from = at;
        }
        Ok(self.data.start.max(at)..self.data.end.max(at))
    }

    /// Whether these bytes were never written.
    pub(crate) fn cover(&mut self, range: &Range<u64>) -> io::Result<bool> {
        Ok(self.next(range.start)?.start >= range.end)
    }

    #[cfg(target_os = "linux")]
    fn look(&self, at: u64) -> io::Result<Range<u64>> {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        let begin = match seek(self.file, SeekFrom::Data(at)) {
            Ok(begin) => begin.min(self.end),
            Err(Errno::NXIO) => self.end,
            // A filesystem that does not know its holes has none.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(at..self.end),
            Err(error) => return Err(error.into()),
        };
        if begin >= self.end {
            return Ok(self.end..self.end);
        }
        match seek(self.file, SeekFrom::Hole(begin)) {
            Ok(end) => Ok(begin..end.min(self.end)),
            // It became shorter meanwhile: whoever reads sees it.
            Err(Errno::NXIO) => Ok(begin..self.end),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn look(&self, at: u64) -> io::Result<Range<u64>> {
        Ok(at..self.end)
    }
}

/// Writes bytes at their place. Zeros among them are not written where the file has a hole.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut holes = Holes::of(file, offset.saturating_add(bytes.len() as u64));
    let (mut at, mut begin) = (0, 0);
    while at < bytes.len() {
        let place = offset.saturating_add(at as u64);
        let len = usize::try_from(GRAIN - place % GRAIN).unwrap_or(usize::MAX);
        let end = at.saturating_add(len).min(bytes.len());
        let is_hole = is_zeros(bytes.get(at..end).unwrap_or_default())
            && holes.cover(&(place..offset.saturating_add(end as u64)))?;
        if is_hole {
            write_part(file, bytes, begin..at, offset)?;
            begin = end;
        }
        at = end;
    }
    write_part(file, bytes, begin..at, offset)
}

fn write_part(file: &File, bytes: &[u8], part: Range<usize>, offset: u64) -> io::Result<()> {
    let place = offset.saturating_add(part.start as u64);
    file.write_all_at(bytes.get(part).unwrap_or_default(), place)
}

/// The next bytes of a file.
pub(crate) enum Piece<'b> {
    Data(&'b [u8]),
    /// Zeros that lie in a hole.
    Hole(&'b [u8]),
}

impl<'b> Piece<'b> {
    pub(crate) const fn bytes(&self) -> &'b [u8] {
        match self {
            Self::Data(bytes) | Self::Hole(bytes) => bytes,
        }
    }
}

/// Gives the bytes of a file from `from` up to `to` or its end, in order, with where each piece begins. Where it ended.
pub(crate) fn pieces(
    file: &File,
    from: u64,
    to: u64,
    mut each: impl FnMut(u64, Piece<'_>) -> io::Result<()>,
) -> io::Result<u64> {
    let to = to.min(file.metadata()?.len());
    let mut holes = Holes::of(file, to);
    let mut buffer = Vec::new();
    let mut at = from;
    while at < to {
        let data = holes.next(at)?;
        if at < data.start {
            let len = u32::try_from(data.start - at).unwrap_or(u32::MAX);
            let bytes = zeros(len);
            each(at, Piece::Hole(bytes))?;
            at += bytes.len() as u64;
            continue;
        }
        let most = usize::try_from(data.end - at).map_or(BUFFER, |left| left.min(BUFFER));
        if buffer.len() < most {
            buffer.resize(most, 0);
        }
        let read = match file.read_at(buffer.get_mut(..most).unwrap_or_default(), at) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        each(at, Piece::Data(buffer.get(..read).unwrap_or_default()))?;
        at += read as u64;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn holes_are_found_and_read_as_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        let size = (40 << 20) + 77;
        file.set_len(size).unwrap();
        file.write_all_at(b"some data", 20 << 20).unwrap();
        file.sync_all().unwrap();
        if file.metadata().unwrap().blocks() * 512 > 1 << 20 {
            eprintln!("skipped: holes_are_found_and_read_as_zeros: this filesystem has no holes");
            return;
        }
        let (mut read, mut hole) = (Vec::new(), 0);
        let end = pieces(&file, 3, u64::MAX, |at, piece| {
            assert_eq!(at, 3 + read.len() as u64);
            read.extend_from_slice(piece.bytes());
            if let Piece::Hole(bytes) = piece {
                hole += bytes.len();
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(end, size);
        assert!(hole > 39 << 20, "{hole}");
        assert_eq!(read, std::fs::read(&path).unwrap()[3..]);

        let mut holes = Holes::of(&file, size);
        assert!(holes.cover(&(0..1 << 20)).unwrap());
        assert!(!holes.cover(&(19 << 20..21 << 20)).unwrap());
        assert!(holes.cover(&(21 << 20..size)).unwrap());
        // Backwards, too.
        assert!(!holes.cover(&(0..size)).unwrap());
    }

    #[test]
    fn zeros_of_a_block_stay_a_hole_and_overwrite_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        let mut options = File::options();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        file.set_len(16 << 20).unwrap();
        let mut block = vec![0; 3 << 20];
        block[1 << 20] = 1;
        for before in [0, 9] {
            file.write_all_at(&[before; 100], (2 << 20) + 5000).unwrap();
            write_at(&file, &block, (1 << 20) + 77).unwrap();
            let mut read = vec![7; block.len()];
            file.read_exact_at(&mut read, (1 << 20) + 77).unwrap();
            assert_eq!(read, block);
        }
        write_at(&file, &[3; 10], (16 << 20) - 10).unwrap();
        file.sync_all().unwrap();
        let used = file.metadata().unwrap().blocks() * 512;
        assert!(used < 1 << 20, "{used}");
    }

    #[test]
    fn zeros_are_known_by_their_hash_and_lengths_are_not_without_end() {
        let mut known = ZeroBlocks::default();
        let block = |len: u32| Block {
            len,
            blake3: Digest::new(*blake3::hash(&vec![0; len as usize]).as_bytes()),
        };
        assert!(known.knows(&block(4 << 20)) && known.knows(&block(4097)));
        let mut other = block(5000);
        other.len = 5001;
        assert!(!known.knows(&other) && !known.knows(&block(100)));
        for len in 0..2000 {
            known.knows(&Block {
                len: MIN_LEN + len,
                blake3: Digest::new([0; 32]),
            });
        }
        assert_eq!(known.0.len(), MAX_LENGTHS);
        assert!(is_zeros(&[0; 4096]) && !is_zeros(&[0; 4095]) && !is_zeros(&[1; 4096]));
    }
}
