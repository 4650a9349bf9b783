//! A lane whose far end is here: one task asks the agent, one passes its answers on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use headers::{ContentRange, HeaderMapExt as _};
use hyper::header::ETAG;
use tokio::io::{
    AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::incoming::{Head, Incoming};
use super::{Asking, MAX_WORDS};
use crate::carrier::Lane;
use crate::carrier::tcp::Stream;
use crate::codec::Codec;
use crate::manifest::MAX_MANIFEST;
use crate::protocol::http::{
    A_IM, Greeting, IM_USED, Manipulation, PREFER, RESPOND_ASYNC, SIGNED, SKIPPED, Target, failure,
    full, signature, skipped,
};
use crate::protocol::message::{Entry, Item, MANIFEST_PART, Request, ServerMessage};
use crate::protocol::outcome::{Code, Counted, Failure, MAX_SKIPPED, Outcome};
use crate::protocol::server::{Effect, ServerLane};

/// Bytes between both tasks and the transfer.
const BETWEEN: usize = 512 << 10;
const READ_BUFFER: usize = 64 << 10;
/// The longest listing, in bytes.
const MAX_LIST: u64 = 32 << 20;
const TAKES_NOTHING: &str = "over HTTPS an agent takes nothing in";
/// Entries in one frame of a listing.
const ENTRIES: usize = 500;

/// What the next answer is for, in the order in which it was asked.
#[derive(Debug)]
enum Owed {
    Greeting {
        welcome: Vec<u8>,
    },
    Stat {
        id: u32,
    },
    List {
        id: u32,
        path: String,
    },
    Manifest {
        id: u32,
        target: Target,
    },
    Block {
        id: u32,
        number: u32,
        item: Item,
        /// The last of its request.
        last: bool,
    },
    /// Nothing was asked: HTTPS has no counterpart for it.
    Denied {
        id: u32,
        path: String,
        why: &'static str,
    },
}

type Machine = Arc<Mutex<ServerLane>>;

fn wrong(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// The lane that a connection is.
pub(super) fn open(stream: Stream, asking: Asking) -> Lane {
    let (near, far) = duplex(BETWEEN);
    let (from_agent, to_agent) = split(stream);
    let (from_home, to_home) = split(far);
    let machine: Machine = Arc::new(Mutex::new(ServerLane::new(None, false)));
    let (owed, owes) = unbounded_channel();
    let (again, repeats) = unbounded_channel();
    let mut tasks = JoinSet::new();
    let questions = Questions {
        asking,
        owed,
        out: String::new(),
    };
    let asks = questions.ask(from_home, to_agent, repeats, Arc::clone(&machine));
    tasks.spawn(async move {
        if let Err(error) = asks.await {
            tracing::debug!(%error, "an HTTPS lane can't ask any more");
        }
    });
    let mut answers = Answers {
        agent: Incoming::new(from_agent),
        home: to_home,
        machine,
        again,
        over: None,
    };
    tasks.spawn(async move {
        if let Err(error) = answers.pass(owes).await {
            tracing::debug!(%error, "an HTTPS lane ended");
        }
        answers.home.shutdown().await.ok();
    });
    let (reader, writer) = split(near);
    Lane {
        reader: Box::new(reader),
        writer: Box::new(writer),
        keep: Some(Box::new(tasks)),
    }
}

/// What is asked of the agent.
struct Questions {
    asking: Asking,
    owed: UnboundedSender<Owed>,
    /// What is written next.
    out: String,
}

impl Questions {
    async fn ask(
        mut self,
        mut home: ReadHalf<DuplexStream>,
        mut agent: WriteHalf<Stream>,
        mut repeats: UnboundedReceiver<Owed>,
        machine: Machine,
    ) -> io::Result<()> {
        let mut buffer = vec![0; READ_BUFFER];
        let mut effects = Vec::new();
        loop {
            tokio::select! {
                read = home.read(&mut buffer) => {
                    let read = read?;
                    if read == 0 {
                        return Ok(());
                    }
                    machine
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .on_bytes(buffer.get(..read).unwrap_or_default(), &mut effects)
                        .map_err(|broken| wrong(broken.0))?;
                    for effect in effects.drain(..) {
                        self.put(effect);
                    }
                }
                Some(owed) = repeats.recv() => {
                    if let Owed::Manifest { target, .. } = &owed {
                        self.manifest(target);
                    }
                    self.owe(owed);
                }
            }
            agent.write_all(self.out.as_bytes()).await?;
            agent.flush().await?;
            self.out.clear();
        }
    }

    fn owe(&self, owed: Owed) {
        // Who passes answers on may have ended; then nobody waits for this one.
        self.owed.send(owed).ok();
    }

    fn put(&mut self, effect: Effect) {
        match effect {
            Effect::Send(welcome) => {
                self.asking
                    .get(&mut self.out, &Target::Agent, format_args!(""));
                self.owe(Owed::Greeting { welcome });
            }
            Effect::Serve { id, request } => self.request(id, request),
            // The lane opens itself, and takes nothing in.
            Effect::Close | Effect::Manifest { .. } | Effect::Block { .. } => {}
        }
    }

    fn request(&mut self, id: u32, request: Request) {
        match request {
            Request::Stat => {
                self.asking
                    .get(&mut self.out, &Target::Agent, format_args!(""));
                self.owe(Owed::Stat { id });
            }
            Request::List { path } => {
                let target = Target::List { path: path.clone() };
                self.asking.get(&mut self.out, &target, format_args!(""));
                self.owe(Owed::List { id, path });
            }
            Request::Manifest { path, rule, fresh } => {
                let target = Target::Manifest { path, rule, fresh };
                self.manifest(&target);
                self.owe(Owed::Manifest { id, target });
            }
            Request::Read { root, codec, items } => {
                let count = items.len();
                for ((item, number), at) in items.into_iter().zip(0u32..).zip(1..) {
                    self.block(&root, codec, &item);
                    self.owe(Owed::Block {
                        id,
                        number,
                        item,
                        last: at == count,
                    });
                }
            }
            Request::Put { path, .. } => self.owe(Owed::Denied {
                id,
                path,
                why: TAKES_NOTHING,
            }),
            Request::PutLane { .. } => self.owe(Owed::Denied {
                id,
                path: String::new(),
                why: TAKES_NOTHING,
            }),
            Request::Noise { .. } | Request::Sink => self.owe(Owed::Denied {
                id,
                path: String::new(),
                why: "a link is measured with QUIC, TCP and ssh",
            }),
        }
    }

    fn manifest(&mut self, target: &Target) {
        let more = format_args!("{PREFER}: {RESPOND_ASYNC}\r\n");
        self.asking.get(&mut self.out, target, more);
    }

    fn block(&mut self, root: &str, codec: Codec, item: &Item) {
        let target = Target::File {
            path: full(root, &item.path),
        };
        let (first, last) = (
            item.offset,
            item.offset + u64::from(item.len.saturating_sub(1)),
        );
        let (asking, out) = (&self.asking, &mut self.out);
        if codec == Codec::Raw {
            asking.get(
                out,
                &target,
                format_args!("Range: bytes={first}-{last}\r\n"),
            );
            return;
        }
        let wish = Manipulation {
            codec,
            parts: Manipulation::parts_of(root),
            base: item.base,
        };
        asking.get(
            out,
            &target,
            format_args!("Range: bytes={first}-{last}\r\n{A_IM}: {wish}\r\n"),
        );
    }
}

/// What the agent answers.
struct Answers {
    agent: Incoming<ReadHalf<Stream>>,
    home: WriteHalf<DuplexStream>,
    machine: Machine,
    /// What has to be asked again.
    again: UnboundedSender<Owed>,
    /// The request that failed last: what still comes for it is dropped.
    over: Option<u32>,
}

impl Answers {
    async fn pass(&mut self, mut owes: UnboundedReceiver<Owed>) -> io::Result<()> {
        while let Some(owed) = owes.recv().await {
            if let Owed::Denied { id, path, why } = owed {
                let (code, why) = (Code::Denied, why.to_owned());
                self.fail(id, Failure { code, path, why }).await?;
                continue;
            }
            let head = self.agent.head().await?;
            match owed {
                Owed::Greeting { welcome } => match head.status {
                    200 => {
                        self.agent.skip(head.len).await?;
                        self.home.write_all(&welcome).await?;
                    }
                    status => {
                        let body = self.agent.body(&head, MAX_WORDS).await?;
                        let why = failure(status, &body, "").why;
                        let refused = ServerMessage::Refused { why }.encode(0);
                        return self.home.write_all(&refused).await;
                    }
                },
                Owed::Block {
                    id,
                    number,
                    item,
                    last,
                } => self.block(&head, id, number, &item, last).await?,
                Owed::Manifest { id, target } => match head.status {
                    200 => self.manifest(&head, id, &target).await?,
                    202 => {
                        self.agent.skip(head.len).await?;
                        let working = ServerMessage::Working { done: 0, total: 0 };
                        self.say(id, &working).await?;
                        self.again.send(Owed::Manifest { id, target }).ok();
                    }
                    _ => self.failed(&head, id, "").await?,
                },
                Owed::List { id, .. } if head.status == 200 => {
                    let body = self.agent.body(&head, MAX_LIST).await?;
                    let entries: Vec<Entry> = serde_json::from_slice(&body)?;
                    for part in entries.chunks(ENTRIES) {
                        self.say(id, &ServerMessage::Entries(part.to_vec())).await?;
                    }
                    self.say(id, &ServerMessage::Done(Outcome::Listed)).await?;
                }
                Owed::Stat { id } if head.status == 200 => {
                    let body = self.agent.body(&head, MAX_WORDS).await?;
                    let Greeting { sent, .. } = serde_json::from_slice(&body)?;
                    let counted = Counted { sent, lost: None };
                    let done = ServerMessage::Done(Outcome::Stat(counted));
                    self.say(id, &done).await?;
                }
                Owed::List { id, path } => self.failed(&head, id, &path).await?,
                Owed::Stat { id } => self.failed(&head, id, "").await?,
                Owed::Denied { .. } => {}
            }
        }
        Ok(())
    }

    /// Tells the transfer, unless the request is over.
    async fn say(&mut self, id: u32, message: &ServerMessage) -> io::Result<()> {
        let bytes = self
            .machine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(id, message);
        match bytes {
            Some(bytes) => self.home.write_all(&bytes).await,
            None => Ok(()),
        }
    }

    async fn fail(&mut self, id: u32, failure: Failure) -> io::Result<()> {
        self.over = Some(id);
        self.say(id, &ServerMessage::Failed(failure)).await
    }

    /// The agent's words become a failure.
    async fn failed(&mut self, head: &Head, id: u32, path: &str) -> io::Result<()> {
        let body = self.agent.body(head, MAX_WORDS).await?;
        self.fail(id, failure(head.status, &body, path)).await
    }

    async fn block(
        &mut self,
        head: &Head,
        id: u32,
        number: u32,
        item: &Item,
        last: bool,
    ) -> io::Result<()> {
        if self.over == Some(id) {
            return self.agent.skip(head.len).await;
        }
        let encoded = match head.status {
            206 => false,
            IM_USED => true,
            // A whole file of another length, for a range that it no longer has.
            200 => {
                self.agent.skip(head.len).await?;
                return self.fail(id, changed(item)).await;
            }
            404 => {
                self.agent.skip(head.len).await?;
                // It was there when it was listed.
                return self.fail(id, changed(item)).await;
            }
            _ => return self.failed(head, id, &item.path).await,
        };
        let range = head.headers.typed_get::<ContentRange>();
        let last_byte = item.offset + u64::from(item.len.saturating_sub(1));
        let is_same = range.as_ref().is_some_and(|range| {
            range.bytes_range() == Some((item.offset, last_byte))
                && range.bytes_len() == Some(item.size)
        });
        if !is_same {
            self.agent.skip(head.len).await?;
            return self.fail(id, changed(item)).await;
        }
        if !encoded && head.len != u64::from(item.len) {
            return Err(wrong("an answer is longer than its range"));
        }
        let len = usize::try_from(head.len).unwrap_or(usize::MAX);
        let frame = ServerMessage::block_head(id, number, encoded, len);
        self.home.write_all(&frame).await?;
        self.agent.pass(head.len, &mut self.home).await?;
        if last {
            self.say(id, &ServerMessage::Done(Outcome::Read)).await?;
        }
        Ok(())
    }

    async fn manifest(&mut self, head: &Head, id: u32, target: &Target) -> io::Result<()> {
        if head.len > MAX_MANIFEST {
            return Err(wrong("a manifest is longer than allowed"));
        }
        let digest = head
            .headers
            .get(ETAG)
            .and_then(|tag| tag.to_str().ok()?.trim_matches('"').parse().ok())
            .ok_or_else(|| wrong("a manifest comes without its digest"))?;
        let signature = match target {
            Target::Manifest { path, .. } => head
                .headers
                .get(SIGNED)
                .and_then(|signed| signature(signed.to_str().ok()?, path)),
            _ => None,
        };
        let left = head.headers.get_all(SKIPPED).iter();
        let skipped = left
            .filter_map(|value| skipped(value.to_str().ok()?))
            .take(MAX_SKIPPED)
            .collect();
        let mut left = head.len;
        while left > 0 {
            let count = left.min(MANIFEST_PART as u64);
            let mut part = Vec::new();
            self.agent.pass(count, &mut part).await?;
            self.say(id, &ServerMessage::Part(part)).await?;
            left -= count;
        }
        let done = ServerMessage::Done(Outcome::Manifest {
            digest,
            signature,
            skipped,
        });
        self.say(id, &done).await
    }
}

fn changed(item: &Item) -> Failure {
    Failure {
        code: Code::Changing,
        path: item.path.clone(),
        why: "it is not what it was".to_owned(),
    }
}
