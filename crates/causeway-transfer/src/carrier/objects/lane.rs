//! A lane whose far end is here, and answers with what GETs bring.

use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::{GetOptions, GetRange, GetResult};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, WriteHalf, duplex, split};
use tokio::task::JoinSet;

use super::{MANIFEST, Opened, head, words};
use crate::carrier::Lane;
use crate::protocol::message::{Item, MANIFEST_PART, Request, ServerMessage};
use crate::protocol::outcome::{Code, Counted, Failure, Outcome};
use crate::protocol::server::{Effect, ServerLane};

/// Bytes between this end and the transfer.
const BETWEEN: usize = 512 << 10;
const READ_BUFFER: usize = 64 << 10;
/// GETs of one request that are under way at once: small files would cost a round trip each.
const AT_ONCE: usize = 8;

/// Opens a lane.
pub(super) fn open(opened: Arc<Opened>) -> Lane {
    let (near, far) = duplex(BETWEEN);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        if let Err(error) = serve(opened, far).await {
            tracing::debug!(%error, "a lane of objects ended");
        }
    });
    let (reader, writer) = split(near);
    Lane {
        reader: Box::new(reader),
        writer: Box::new(writer),
        keep: Some(Box::new(tasks)),
    }
}

/// Where answers go: frame by frame, whoever writes one holds the end.
#[derive(Clone)]
struct Answers {
    machine: Arc<Mutex<ServerLane>>,
    home: Arc<tokio::sync::Mutex<WriteHalf<DuplexStream>>>,
}

impl Answers {
    async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.home.lock().await.write_all(bytes).await
    }

    async fn say(&self, id: u32, message: &ServerMessage) -> io::Result<()> {
        let bytes = self
            .machine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(id, message);
        match bytes {
            Some(bytes) => self.write(&bytes).await,
            None => Ok(()),
        }
    }
}

async fn serve(opened: Arc<Opened>, far: DuplexStream) -> io::Result<()> {
    let (mut from_home, to_home) = split(far);
    let answers = Answers {
        machine: Arc::new(Mutex::new(ServerLane::new(None, false))),
        home: Arc::new(tokio::sync::Mutex::new(to_home)),
    };
    let mut tasks: JoinSet<io::Result<()>> = JoinSet::new();
    let (mut buffer, mut effects) = (vec![0; READ_BUFFER], Vec::new());
    loop {
        let read = tokio::select! {
            read = from_home.read(&mut buffer) => read?,
            Some(ended) = tasks.join_next() => {
                ended.map_err(io::Error::other)??;
                continue;
            }
        };
        if read == 0 {
            return Ok(());
        }
        answers
            .machine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .on_bytes(buffer.get(..read).unwrap_or_default(), &mut effects)
            .map_err(|broken| io::Error::other(broken.0))?;
        for effect in effects.drain(..) {
            let (opened, answers) = (Arc::clone(&opened), answers.clone());
            match effect {
                Effect::Send(welcome) => {
                    // A connection is open then, and how long that takes is known. Nothing is answered before.
                    let manifest = opened.objects.object(MANIFEST)?;
                    opened.store.get_opts(&manifest, head()).await?;
                    answers.write(&welcome).await?;
                }
                Effect::Serve { id, request } => {
                    tasks.spawn(async move { answer(&opened, &answers, id, request).await });
                }
                // The lane opens itself, and takes nothing in.
                Effect::Close | Effect::Manifest { .. } | Effect::Block { .. } => {}
            }
        }
    }
}

/// Answers one request. Fails when the lane has to end: asking again may help.
async fn answer(
    opened: &Arc<Opened>,
    answers: &Answers,
    id: u32,
    request: Request,
) -> io::Result<()> {
    let denied = |path: String, why: &str| {
        ServerMessage::Failed(Failure {
            code: Code::Denied,
            path,
            why: why.to_owned(),
        })
    };
    match request {
        Request::Stat => {
            let sent = opened.received.load(Ordering::Relaxed);
            let counted = Counted { sent, lost: None };
            let done = ServerMessage::Done(Outcome::Stat(counted));
            answers.say(id, &done).await
        }
        Request::Manifest { .. } => {
            let bytes = match opened.read_manifest().await {
                Ok(bytes) => bytes,
                Err(error) => return fail(answers, id, MANIFEST, error).await,
            };
            let count = bytes.len() as u64;
            opened.received.fetch_add(count, Ordering::Relaxed);
            for part in bytes.chunks(MANIFEST_PART) {
                answers.say(id, &ServerMessage::Part(part.to_vec())).await?;
            }
            let digest = causeway_domain::Digest::new(*blake3::hash(&bytes).as_bytes());
            let listed = opened.objects.listed().clone();
            let done = Outcome::Manifest {
                digest,
                signature: listed.and_then(|listed| listed.signature().cloned()),
                skipped: Vec::new(),
            };
            answers.say(id, &ServerMessage::Done(done)).await
        }
        Request::Read { items, .. } => read(opened, answers, id, items).await,
        Request::List { path } => {
            let why = "a bucket is pulled, not followed";
            answers.say(id, &denied(path, why)).await
        }
        put @ (Request::Put { .. } | Request::PutLane { .. }) => {
            let path = match put {
                Request::Put { path, .. } => path,
                _ => String::new(),
            };
            let why = "objects are put by `push_objects`, not over a lane";
            answers.say(id, &denied(path, why)).await
        }
        Request::Noise { .. } | Request::Sink => {
            let why = "no agent is there to measure the link with";
            answers.say(id, &denied(String::new(), why)).await
        }
    }
}

/// Says how a request failed; fails itself when asking again may help.
async fn fail(
    answers: &Answers,
    id: u32,
    path: &str,
    error: object_store::Error,
) -> io::Result<()> {
    use object_store::Error;
    let code = match &error {
        Error::NotFound { .. } | Error::Precondition { .. } => Code::Changing,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Code::Denied,
        Error::Generic { .. } | Error::JoinError { .. } => return Err(error.into()),
        _ => Code::Other,
    };
    let failure = Failure {
        code,
        path: path.to_owned(),
        why: words(&error),
    };
    answers.say(id, &ServerMessage::Failed(failure)).await
}

/// Blocks that lie end to end in one object: one GET.
struct Run {
    path: String,
    size: u64,
    range: Range<u64>,
    /// Number and length of each.
    blocks: Vec<(u32, u32)>,
}

fn runs(items: Vec<Item>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (item, number) in items.into_iter().zip(0u32..) {
        let end = item.offset.saturating_add(u64::from(item.len));
        match runs.last_mut() {
            Some(run)
                if run.path == item.path
                    && run.size == item.size
                    && run.range.end == item.offset =>
            {
                run.range.end = end;
                run.blocks.push((number, item.len));
            }
            _ => runs.push(Run {
                path: item.path,
                size: item.size,
                range: item.offset..end,
                blocks: vec![(number, item.len)],
            }),
        }
    }
    runs
}

async fn read(
    opened: &Arc<Opened>,
    answers: &Answers,
    id: u32,
    items: Vec<Item>,
) -> io::Result<()> {
    let gets = stream::iter(runs(items)).map(|run| async move {
        let got = get(opened, &run).await;
        (run, got)
    });
    let mut gets = std::pin::pin!(gets.buffered(AT_ONCE));
    while let Some((run, got)) = gets.next().await {
        let got = match got {
            Ok(got) => got,
            Err(error) => return fail(answers, id, &run.path, error).await,
        };
        if got.meta.size != run.size || got.range != run.range {
            let failure = Failure {
                code: Code::Changing,
                path: run.path,
                why: "it has another length than the manifest says".to_owned(),
            };
            return answers.say(id, &ServerMessage::Failed(failure)).await;
        }
        let mut body = Body {
            stream: got.into_stream(),
            here: Bytes::new(),
        };
        for (number, len) in run.blocks {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            body.begin().await?;
            let frame = ServerMessage::block_head(id, number, false, len);
            let mut home = answers.home.lock().await;
            home.write_all(&frame).await?;
            body.pass(len, &mut home).await?;
            drop(home);
            opened.received.fetch_add(len as u64, Ordering::Relaxed);
        }
    }
    answers.say(id, &ServerMessage::Done(Outcome::Read)).await
}

async fn get(opened: &Opened, run: &Run) -> object_store::Result<GetResult> {
    let listed = opened.listed().await?;
    let path = listed
        .as_ref()
        .map_or(run.path.as_str(), |listed| listed.path(&run.path));
    let state = listed.as_ref().and_then(|listed| listed.state(path));
    let version = state.and_then(|state| state.version.clone());
    let options = GetOptions {
        range: Some(GetRange::Bounded(run.range.clone())),
        // A version does not change.
        if_match: match version {
            Some(_) => None,
            None => state.and_then(|state| state.etag.clone()),
        },
        version,
        ..GetOptions::default()
    };
    let object = opened.objects.object(path)?;
    opened.store.get_opts(&object, options).await
}

/// The body of a GET.
struct Body {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    here: Bytes,
}

impl Body {
    /// Waits until something of it is here.
    async fn begin(&mut self) -> io::Result<()> {
        while self.here.is_empty() {
            self.here = match self.stream.next().await {
                Some(bytes) => bytes?,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        Ok(())
    }

    /// Passes bytes on as they come.
    async fn pass(&mut self, len: usize, out: &mut WriteHalf<DuplexStream>) -> io::Result<()> {
        let mut left = len;
        while left > 0 {
            self.begin().await?;
            let part = self.here.split_to(left.min(self.here.len()));
            out.write_all(&part).await?;
            left -= part.len();
        }
        Ok(())
    }
}
