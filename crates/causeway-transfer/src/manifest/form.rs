//! The canonical form of a manifest (`docs/formats/transfer.md`), made and read piece by piece.

use causeway_domain::Digest;

use super::{Block, FileEntry, LinkEntry, MANIFEST_VERSION, MAX_MANIFEST, Manifest, Shape};
use crate::error::TransferError;
use crate::wire::{Malformed, Reader, Writer};

pub(super) const MAGIC: &[u8; 4] = b"CWMF";

/// The canonical form, made piece by piece: entries come in its order.
pub(crate) struct Encoder(Writer);

impl Encoder {
    /// Of so many files, and of links or none.
    pub(crate) fn new(shape: Shape, files: usize, links: bool) -> Self {
        let mut out = Writer::default();
        out.raw(MAGIC)
            .u32(if links { MANIFEST_VERSION } else { 1 })
            .u8(u8::from(shape == Shape::Directory));
        out.u32(u32::try_from(files).unwrap_or(u32::MAX));
        Self(out)
    }

    pub(crate) fn file(&mut self, file: &FileEntry) {
        let out = &mut self.0;
        out.text(&file.path)
            .u8(u8::from(file.executable))
            .u64(file.size)
            .digest(&file.blake3);
        out.u32(u32::try_from(file.blocks.len()).unwrap_or(u32::MAX));
        for block in &file.blocks {
            out.u32(block.len).digest(&block.blake3);
        }
    }

    /// All of them, behind the files.
    pub(crate) fn links(&mut self, links: &[LinkEntry]) {
        if links.is_empty() {
            return;
        }
        self.0.u32(u32::try_from(links.len()).unwrap_or(u32::MAX));
        for link in links {
            self.0.text(&link.path).text(&link.target);
        }
    }

    /// Bytes that wait.
    pub(crate) const fn len(&self) -> usize {
        self.0.0.len()
    }

    /// What was made since.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0.0)
    }
}

/// Reads the canonical form while it comes, so that little is left to do at its end.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// What came and is not read.
    rest: Vec<u8>,
    len: u64,
    hasher: blake3::Hasher,
    head: Option<Head>,
    files: Vec<FileEntry>,
}

/// What stands before the files.
#[derive(Debug, Clone, Copy)]
struct Head {
    version: u32,
    shape: Shape,
    files: usize,
}

impl Head {
    /// Its bytes.
    const LEN: usize = 4 + 4 + 1 + 4;

    fn read(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        if input.take(MAGIC.len())? != MAGIC {
            return Err(Malformed("it does not begin as one"));
        }
        let version = input.u32()?;
        if !(1..=MANIFEST_VERSION).contains(&version) {
            return Err(Malformed("it is of a version that is not known here"));
        }
        let shape = if input.flag()? {
            Shape::Directory
        } else {
            Shape::File
        };
        let files = usize::try_from(input.u32()?).map_err(|_| Malformed("a count is too large"))?;
        Ok(Self {
            version,
            shape,
            files,
        })
    }
}

fn malformed(Malformed(why): Malformed) -> TransferError {
    TransferError::BadManifest {
        why: why.to_owned(),
    }
}

impl Decoder {
    /// The next bytes.
    ///
    /// # Errors
    /// [`TransferError::BadManifest`].
    pub(crate) fn part(&mut self, part: &[u8]) -> Result<(), TransferError> {
        self.len = self.len.saturating_add(part.len() as u64);
        if self.len > MAX_MANIFEST {
            return Err(malformed(Malformed("it is longer than 256 MiB")));
        }
        self.hasher.update(part);
        self.rest.extend_from_slice(part);
        let bytes = std::mem::take(&mut self.rest);
        let mut input = Reader(&bytes);
        self.read(&mut input).map_err(malformed)?;
        self.rest = input.0.to_vec();
        Ok(())
    }

    /// Takes all that is whole from the input.
    fn read(&mut self, input: &mut Reader<'_>) -> Result<(), Malformed> {
        let head = match self.head {
            Some(head) => head,
            None if input.0.len() < Head::LEN => return Ok(()),
            None => *self.head.insert(Head::read(input)?),
        };
        while self.files.len() < head.files {
            let mut ahead = *input;
            let Some(file) = file(&mut ahead)? else {
                return Ok(());
            };
            self.files.push(file);
            *input = ahead;
        }
        Ok(())
    }

    /// All came: the manifest, and BLAKE3 of what came, which is its digest.
    ///
    /// # Errors
    /// [`TransferError::BadManifest`], [`TransferError::BadPath`].
    pub(crate) fn end(self) -> Result<(Manifest, Digest), TransferError> {
        let early = Malformed("it ends too early");
        let head = self.head.ok_or_else(|| malformed(early))?;
        if self.files.len() < head.files {
            return Err(malformed(early));
        }
        let links = links(head, Reader(&self.rest)).map_err(malformed)?;
        let manifest = Manifest {
            shape: head.shape,
            files: self.files,
            links,
        };
        manifest.check()?;
        let digest = Digest::new(*self.hasher.finalize().as_bytes());
        Ok((manifest, digest))
    }
}

/// The next file; `None` where the input ends within it.
fn file(input: &mut Reader<'_>) -> Result<Option<FileEntry>, Malformed> {
    /// Bytes before a path, between it and the count of blocks, and of that.
    const BESIDE: usize = 2 + 1 + 8 + 32 + 4;
    const BLOCK: usize = 4 + 32;
    let mut ahead = *input;
    if ahead.0.len() < BESIDE {
        return Ok(None);
    }
    let path = usize::from(ahead.u16()?);
    if input.0.len() < path + BESIDE {
        return Ok(None);
    }
    let path = input.text()?.to_owned();
    let executable = input.flag()?;
    let (size, blake3) = (input.u64()?, input.digest()?);
    let blocks = usize::try_from(input.u32()?).map_err(|_| Malformed("a count is too large"))?;
    if blocks
        .checked_mul(BLOCK)
        .is_none_or(|bytes| bytes > input.0.len())
    {
        return Ok(None);
    }
    let blocks = (0..blocks)
        .map(|_| {
            Ok(Block {
                len: input.u32()?,
                blake3: input.digest()?,
            })
        })
        .collect::<Result<_, Malformed>>()?;
    Ok(Some(FileEntry {
        path,
        size,
        executable,
        blake3,
        sha256: None,
        blocks,
    }))
}

/// What follows the files.
fn links(head: Head, mut input: Reader<'_>) -> Result<Vec<LinkEntry>, Malformed> {
    let mut links = Vec::new();
    if head.version > 1 {
        let count = input.count(2 + 2)?;
        if count == 0 {
            return Err(Malformed("it is of the version with links and has none"));
        }
        for _ in 0..count {
            links.push(LinkEntry {
                path: input.text()?.to_owned(),
                target: input.text()?.to_owned(),
            });
        }
    }
    input.end()?;
    Ok(links)
}
