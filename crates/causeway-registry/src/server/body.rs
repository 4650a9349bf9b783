//! A part of a file as the body of an answer, read from disk as the caller takes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use axum::body::{Bytes, HttpBody};
use causeway_domain::Digest;
use http_body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::served::Damaged;

/// Read at once. Larger reads gain nothing on a loopback link; each download holds two of them.
pub(super) const CHUNK: usize = 256 << 10;

/// The next `left` bytes of a file.
pub(super) struct FileBody {
    file: File,
    left: u64,
    chunk: Vec<u8>,
    check: Option<Check>,
}

/// What a whole file must be.
pub(super) struct Check {
    expected: Digest,
    changed: SystemTime,
    damaged: Damaged,
    hasher: blake3::Hasher,
}

impl Check {
    /// The BLAKE3 of all bytes to come, when the file was last changed, and where to note that the bytes are others.
    pub(super) fn new(expected: Digest, changed: SystemTime, damaged: Damaged) -> Self {
        Self {
            expected,
            changed,
            damaged,
            hasher: blake3::Hasher::new(),
        }
    }

    fn fails(&self) -> bool {
        let fails = *self.hasher.finalize().as_bytes() != *self.expected.bytes();
        if fails {
            self.damaged.note(self.expected, self.changed);
        }
        fails
    }
}

impl FileBody {
    /// `file` stands at the first byte. With a `check`, the last chunk is held back unless the bytes are right: a caller
    /// gets the admitted bytes or a download that is visibly short, never changed bytes that look whole.
    pub(super) fn new(mut file: File, left: u64, check: Option<Check>) -> Self {
        file.set_max_buf_size(CHUNK);
        Self {
            file,
            left,
            chunk: Vec::new(),
            check,
        }
    }

    fn cut(&mut self, why: &'static str) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.left = 0;
        tracing::error!(
            why,
            "a download was cut: `causeway models verify` names the file"
        );
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, why))))
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(this.left).unwrap_or(CHUNK).min(CHUNK);
        this.chunk.resize(length, 0);
        let mut buffer = ReadBuf::new(&mut this.chunk);
        ready!(Pin::new(&mut this.file).poll_read(context, &mut buffer))?;
        let filled = buffer.filled().len();
        if filled == 0 {
            return this.cut("a file of the store became shorter while it was read");
        }
        let mut chunk = std::mem::take(&mut this.chunk);
        chunk.truncate(filled);
        this.left = this.left.saturating_sub(filled as u64);
        if let Some(check) = &mut this.check {
            check.hasher.update(&chunk);
            if this.left == 0 && check.fails() {
                return this.cut("the bytes of a file in the store changed");
            }
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};

    async fn body(bytes: &[u8], left: u64) -> Result<Bytes, axum::Error> {
        checked(bytes, left, None).await
    }

    async fn checked(bytes: &[u8], left: u64, check: Option<Check>) -> Result<Bytes, axum::Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs_err::write(&path, bytes).unwrap();
        let file = File::open(&path).await.unwrap();
        to_bytes(Body::new(FileBody::new(file, left, check)), usize::MAX).await
    }

    #[tokio::test]
    async fn long_files_arrive_whole_and_longer_ones_are_cut_to_size() {
        let bytes: Vec<u8> = (0..3 * CHUNK + 7)
            .map(|index| index.to_le_bytes()[index % 2])
            .collect();
        assert_eq!(body(&bytes, bytes.len() as u64).await.unwrap(), bytes);
        assert_eq!(body(&bytes, 10).await.unwrap(), &bytes[..10]);
        assert!(body(&bytes, 0).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_ends_in_an_error() {
        let err = body(b"short", 6).await.unwrap_err();
        assert!(err.to_string().contains("became shorter"), "{err}");
    }

    #[tokio::test]
    async fn changed_bytes_are_never_sent_to_the_end() {
        let mut bytes = vec![7; 2 * CHUNK + 5];
        let (digest, damaged) = (
            Digest::new(*blake3::hash(&bytes).as_bytes()),
            Damaged::default(),
        );
        let changed = SystemTime::UNIX_EPOCH;
        let check = || Some(Check::new(digest, changed, damaged.clone()));
        assert_eq!(
            checked(&bytes, bytes.len() as u64, check()).await.unwrap(),
            bytes
        );
        bytes[3] = 8;
        let err = checked(&bytes, bytes.len() as u64, check())
            .await
            .unwrap_err();
        assert!(err.to_string().contains("changed"), "{err}");
        assert!(damaged.has(&digest, changed));
        assert!(
            !damaged.has(&digest, changed + std::time::Duration::from_secs(1)),
            "repaired since"
        );
    }
}
