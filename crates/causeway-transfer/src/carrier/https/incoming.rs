//! Answers of HTTP/1.1, as they come.

use std::io;

use headers::{ContentLength, HeaderMapExt as _};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 256 << 10;
/// Most headers of an answer.
const MAX_HEADERS: usize = 128;
const READ_BUFFER: usize = 256 << 10;

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(super) headers: HeaderMap,
    /// Bytes of its body.
    pub(super) len: u64,
}

/// What comes on a connection: answers one behind the other.
pub(super) struct Incoming<R> {
    stream: R,
    /// What was read, of which `taken` bytes are done with.
    buffer: Vec<u8>,
    taken: usize,
}

fn wrong(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The head at the beginning of some bytes, and its length; `None` when there is more of it to come.
pub(crate) fn parse(bytes: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response
        .parse(bytes)
        .map_err(|_| wrong("an answer is not HTTP/1.1"))?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    let mut map = HeaderMap::with_capacity(response.headers.len());
    for header in response.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value);
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    let head = Head {
        status: response.code.unwrap_or_default(),
        len: map
            .typed_get::<ContentLength>()
            .map(|length| length.0)
            .ok_or_else(|| wrong("an answer does not say how long it is"))?,
        headers: map,
    };
    Ok(Some((head, length)))
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) const fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            taken: 0,
        }
    }

    fn here(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.buffer.len());
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        }
    }

    /// Reads more. Fails at the end.
    async fn more(&mut self) -> io::Result<()> {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.reserve(READ_BUFFER);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next head.
    pub(super) async fn head(&mut self) -> io::Result<Head> {
        loop {
            if !self.here().is_empty()
                && let Some((head, length)) = parse(self.here())?
            {
                self.take(length);
                return Ok(head);
            }
            if self.here().len() > MAX_HEAD {
                return Err(wrong("the head of an answer is too long"));
            }
            self.more().await?;
        }
    }

    /// The body that follows a head.
    pub(super) async fn body(&mut self, head: &Head, limit: u64) -> io::Result<Vec<u8>> {
        if head.len > limit {
            return Err(wrong("an answer is too long"));
        }
        let mut body = Vec::new();
        self.pass(head.len, &mut body).await?;
        Ok(body)
    }

    /// Passes bytes of a body on, as they come.
    pub(super) async fn pass(
        &mut self,
        len: u64,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let mut left = len;
        while left > 0 {
            if self.here().is_empty() {
                self.more().await?;
            }
            let count = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(self.here().len());
            out.write_all(self.here().get(..count).unwrap_or_default())
                .await?;
            self.take(count);
            left -= count as u64;
        }
        Ok(())
    }

    /// Drops bytes of a body.
    pub(super) async fn skip(&mut self, len: u64) -> io::Result<()> {
        self.pass(len, &mut tokio::io::sink()).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All answers in some bytes that come in such pieces: status, length of the body.
    fn read(bytes: &[u8], piece: usize) -> Vec<(u16, Vec<u8>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut builder = tokio_pieces(bytes, piece);
            let mut answers = Vec::new();
            let mut incoming = Incoming::new(&mut builder);
            while let Ok(head) = incoming.head().await {
                let Ok(body) = incoming.body(&head, 1 << 20).await else {
                    break;
                };
                answers.push((head.status, body));
            }
            answers
        })
    }

    /// A reader that gives so many bytes at once.
    fn tokio_pieces(bytes: &[u8], piece: usize) -> impl AsyncRead + Unpin {
        struct Pieces(Vec<u8>, usize);
        impl AsyncRead for Pieces {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                out: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                let count = self.1.min(self.0.len()).min(out.remaining());
                out.put_slice(&self.0.drain(..count).collect::<Vec<_>>());
                std::task::Poll::Ready(Ok(()))
            }
        }
        Pieces(bytes.to_vec(), piece.max(1))
    }

    #[test]
    fn answers_are_read_one_behind_the_other() {
        let bytes = b"HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nabcHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        for piece in [1, 2, 7, 1000] {
            assert_eq!(
                read(bytes, piece),
                [(206, b"abc".to_vec()), (404, Vec::new())]
            );
        }
    }

    #[test]
    fn what_does_not_say_its_length_is_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap().is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
            read(&bytes, piece);
            read(&[b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes].concat(), piece);
        }
    }
}
