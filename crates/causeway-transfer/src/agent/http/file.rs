//! Files and ranges of them.

use std::fs::File;
use std::ops::{Bound, Range};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, PoisonError};

use causeway_weights::MAX_BLOCK;
use headers::{
    AcceptRanges, ContentRange, ContentType, ETag, HeaderMapExt as _, IfMatch, IfNoneMatch, IfRange,
};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::body::{Body, Held, Sink};
use super::{Answer, Caller, problem, tag};
use crate::agent::lane::reserve;
use crate::agent::site::{Found, Site};
use crate::beneath::{Stamp, explain};
use crate::codec::{Codec, Job};
use crate::coming::blocking;
use crate::error::TransferError;
use crate::protocol::http::{self as form, Manipulation};
use crate::protocol::message::Item;

/// Bytes that are read at once.
const PART: u64 = 1 << 20;

/// A file that is being read.
struct Opened {
    file: File,
    stamp: Stamp,
    /// Its path below its root.
    path: String,
}

/// The bytes that were asked for.
enum Span {
    Whole,
    Part(Range<u64>),
    Beyond,
}

impl Caller {
    /// Bytes left for the caller, or never will.
    pub(super) fn wrote(&self, count: u64) {
        self.agent.activity.touch();
        self.peer
            .rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sent(self.agent.started.elapsed(), count);
    }

    /// A file, or a range of it.
    pub(super) async fn file(
        self: &Arc<Self>,
        path: &str,
        headers: &HeaderMap,
        head: bool,
    ) -> Result<Answer, TransferError> {
        let (site, asked) = (Arc::clone(&self.agent.site), path.to_owned());
        let opened = blocking(move || open(&site, &asked)).await?;
        let etag = etag(&opened.stamp)?;
        let size = opened.stamp.size;
        if let Some(wanted) = headers.typed_get::<IfMatch>()
            && !wanted.precondition_passes(&etag)
        {
            let why = "it is not what it was";
            return Ok(problem(StatusCode::PRECONDITION_FAILED, &opened.path, why));
        }
        if let Some(known) = headers.typed_get::<IfNoneMatch>()
            && !known.precondition_passes(&etag)
        {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer.headers_mut().typed_insert(etag);
            return Ok(answer);
        }
        let (status, range) = match span(headers, &etag, size) {
            Span::Whole => (StatusCode::OK, 0..size),
            Span::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Span::Beyond => {
                let why = format!("it has {size} bytes");
                let mut answer = problem(StatusCode::RANGE_NOT_SATISFIABLE, &opened.path, &why);
                let all = ContentRange::unsatisfied_bytes(size);
                answer.headers_mut().typed_insert(all);
                return Ok(answer);
            }
        };
        let wish = match headers.get(form::A_IM).map(HeaderValue::to_str) {
            Some(Ok(value)) => {
                Manipulation::parse(value).map_err(|broken| TransferError::protocol(broken.0))?
            }
            _ => None,
        };
        let is_block =
            status == StatusCode::PARTIAL_CONTENT && range.end - range.start <= MAX_BLOCK;
        let mut answer = match wish.filter(|wish| is_block && !head && wish.codec != Codec::Raw) {
            Some(wish) => self.block(path, wish, &range, size).await?,
            None => {
                let (caller, range) = (Arc::clone(self), range.clone());
                let len = range.end - range.start;
                let mut answer = Response::new(Body::coming(len, |sink| async move {
                    if let Err(error) = caller.read(opened, range, &sink).await {
                        sink.send(Err(error)).await.ok();
                    }
                }));
                *answer.status_mut() = status;
                answer
            }
        };
        let headers = answer.headers_mut();
        headers.typed_insert(etag);
        headers.typed_insert(AcceptRanges::bytes());
        headers.typed_insert(ContentType::octet_stream());
        if status == StatusCode::PARTIAL_CONTENT
            && let Ok(range) = ContentRange::bytes(range, size)
        {
            headers.typed_insert(range);
        }
        Ok(answer)
    }

    /// A block, encoded where that is sooner.
    async fn block(
        self: &Arc<Self>,
        path: &str,
        wish: Manipulation,
        range: &Range<u64>,
        size: u64,
    ) -> Result<Answer, TransferError> {
        let len = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
        let permit = reserve(&self.peer.bytes, usize::try_from(len).unwrap_or(usize::MAX)).await?;
        let turn = self.agent.encoders.turn().await?;
        let cleaned = crate::path::clean_or_absolute(path)?;
        let (root, below) = wish.split(&cleaned);
        let root = root.to_owned();
        let item = Item {
            path: below.to_owned(),
            size,
            offset: range.start,
            len,
            base: wish.base,
        };
        let (site, rates) = (Arc::clone(&self.agent.site), Arc::clone(&self.peer.rates));
        let payload = blocking(move || {
            let Found {
                block,
                element,
                base,
            } = site.read(&root, &item)?;
            Ok(turn.encode(Job {
                block,
                element,
                base,
                codec: wish.codec,
                rates: &rates,
            }))
        })
        .await?;
        self.agent.env.fault("agent.block")?;
        let bytes = Held::share(payload.bytes, Arc::clone(self), permit);
        let mut answer = Response::new(Body::whole(bytes));
        *answer.status_mut() = if payload.encoded {
            let applied = HeaderValue::from_static(form::ENCODED);
            answer.headers_mut().insert(form::IM, applied);
            StatusCode::from_u16(form::IM_USED).unwrap_or_default()
        } else {
            StatusCode::PARTIAL_CONTENT
        };
        Ok(answer)
    }

    /// Reads a range part by part, as long as the file stays what it was.
    async fn read(
        self: &Arc<Self>,
        opened: Opened,
        range: Range<u64>,
        sink: &Sink,
    ) -> Result<(), TransferError> {
        let opened = Arc::new(opened);
        let mut offset = range.start;
        while offset < range.end {
            let len = PART.min(range.end - offset);
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let permit = reserve(&self.peer.bytes, len).await?;
            let file = Arc::clone(&opened);
            let bytes = blocking(move || file.part(offset, len)).await?;
            self.agent.env.fault("agent.block")?;
            let part = Held::share(bytes.into(), Arc::clone(self), permit);
            if sink.send(Ok(part)).await.is_err() {
                return Ok(());
            }
            offset += len as u64;
        }
        Ok(())
    }
}

impl Opened {
    fn part(&self, offset: u64, len: usize) -> Result<Vec<u8>, TransferError> {
        let mut bytes = vec![0; len];
        let read = self.file.read_exact_at(&mut bytes, offset);
        let after = Stamp::now(&self.file);
        // The ones of two instants would be mixed.
        if read.is_err() || !after.is_ok_and(|after| after == self.stamp) {
            return Err(TransferError::Changing {
                path: self.path.clone(),
            });
        }
        Ok(bytes)
    }
}

fn open(site: &Site, path: &str) -> Result<Opened, TransferError> {
    let (_, tree, below) = site.locate(path)?;
    let (file, stamp) = tree.file(&below).map_err(|error| match error.kind() {
        std::io::ErrorKind::IsADirectory => TransferError::Denied {
            path: below.clone(),
            why: "it is a directory: ask for /list/ or /manifest/, then for its files".to_owned(),
        },
        _ => explain(error, &tree.shown(&below), &below),
    })?;
    Ok(Opened {
        file,
        stamp,
        path: below,
    })
}

/// Changes when the file does: it is made of all that tells one state of a file from another.
fn etag(stamp: &Stamp) -> Result<ETag, TransferError> {
    let mut hasher = blake3::Hasher::new();
    for number in [stamp.device, stamp.inode, stamp.size] {
        hasher.update(&number.to_be_bytes());
    }
    for time in [stamp.modified, stamp.changed] {
        hasher.update(&time.to_be_bytes());
    }
    tag(hasher.finalize().to_hex().get(..32).unwrap_or_default())
}

/// The one range that is asked for. Several at once, which are rare, are answered with the whole, as the standard allows.
fn span(headers: &HeaderMap, etag: &ETag, size: u64) -> Span {
    let Some(range) = headers.typed_get::<headers::Range>() else {
        return Span::Whole;
    };
    if let Some(condition) = headers.typed_get::<IfRange>()
        && condition.is_modified(Some(etag), None)
    {
        return Span::Whole;
    }
    let mut ranges = range.satisfiable_ranges(size);
    let (Some((Bound::Included(start), end)), None) = (ranges.next(), ranges.next()) else {
        return Span::Whole;
    };
    let end = match end {
        Bound::Included(last) if last < start => return Span::Whole,
        Bound::Included(last) => last.saturating_add(1).min(size),
        Bound::Excluded(end) => end.min(size),
        Bound::Unbounded => size,
    };
    if start < end {
        Span::Part(start..end)
    } else {
        Span::Beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, condition: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("range", range.parse().unwrap());
        if let Some(condition) = condition {
            headers.insert("if-range", condition.parse().unwrap());
        }
        match span(&headers, &"\"now\"".parse().unwrap(), 1000) {
            Span::Whole => "whole".to_owned(),
            Span::Part(range) => format!("{range:?}"),
            Span::Beyond => "beyond".to_owned(),
        }
    }

    #[test]
    fn a_range_is_what_the_standard_says() {
        for (range, means) in [
            ("bytes=0-99", "0..100"),
            ("bytes=999-", "999..1000"),
            ("bytes=-1", "999..1000"),
            ("bytes=0-5000", "0..1000"),
            ("bytes=1000-", "beyond"),
            ("bytes=18446744073709551615-", "beyond"),
            ("bytes=-0", "beyond"),
            ("bytes=5-4", "whole"),
            ("bytes=0-1,5-9", "whole"),
            ("bytes=-2000", "whole"),
            ("bytes=x", "whole"),
            ("lines=0-1", "whole"),
        ] {
            assert_eq!(asked(range, None), means, "{range}");
        }
        assert_eq!(asked("bytes=0-99", Some("\"now\"")), "0..100");
        assert_eq!(asked("bytes=0-99", Some("\"before\"")), "whole");
        assert_eq!(asked("bytes=0-99", Some("W/\"now\"")), "whole");
    }
}
