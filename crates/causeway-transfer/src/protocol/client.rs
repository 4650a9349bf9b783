//! The caller's end of a lane.

use std::collections::BTreeMap;

use causeway_domain::Digest;

use super::frame::Decoder;
use super::message::{ClientMessage, Entry, MAX_ENTRIES, Request, ServerMessage, Token};
use super::outcome::Outcome;
use super::{Broken, PROTOCOL_VERSION};
use crate::manifest::MAX_MANIFEST;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Let in.
    Welcome(Welcome),
    /// Turned away; the lane is over.
    Refused(String),
    /// An answer to an open request; `last` ends it.
    Answer {
        id: u32,
        message: ServerMessage,
        last: bool,
    },
}

/// What the agent allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) writable: bool,
    pub(crate) max_requests: u16,
}

/// What an open request may still be answered.
#[derive(Debug)]
enum Expect {
    List {
        entries: usize,
    },
    Manifest {
        bytes: u64,
    },
    /// Of each block its length, and the base that it may need.
    Read {
        blocks: Vec<(u32, Option<Digest>)>,
        next: usize,
    },
    Put {
        wanted: Wanted,
    },
    PutLane,
    Stat,
    Noise {
        left: u64,
    },
    Sink,
}

#[derive(Debug)]
enum Wanted {
    /// `Want` may come.
    Open { blocks: u64 },
    /// All said; that many may be acknowledged.
    Said { left: u64 },
}

/// All rules of the caller's end: an answer that was not asked for, or is larger than what was, is an error before it is kept.
#[derive(Debug)]
pub(crate) struct ClientLane {
    decoder: Decoder,
    greeted: bool,
    open: BTreeMap<u32, Expect>,
    next: u32,
}

impl ClientLane {
    /// A new lane, and the bytes that open it.
    pub(crate) fn new(token: Option<Token>) -> (Self, Vec<u8>) {
        let hello = ClientMessage::Hello {
            version: PROTOCOL_VERSION,
            token,
        };
        let lane = Self {
            decoder: Decoder::new(),
            greeted: false,
            open: BTreeMap::new(),
            next: 1,
        };
        (lane, hello.encode(0))
    }

    /// Opens a request: its number, and the bytes to send.
    pub(crate) fn ask(&mut self, request: Request) -> (u32, Vec<u8>) {
        let id = self.next;
        self.next = self.next.checked_add(1).unwrap_or(1);
        let expect = match &request {
            Request::List { .. } => Expect::List { entries: 0 },
            Request::Manifest { .. } => Expect::Manifest { bytes: 0 },
            Request::Read { items, .. } => Expect::Read {
                blocks: items
                    .iter()
                    .map(|item| (item.len, item.base.map(|base| base.blake3)))
                    .collect(),
                next: 0,
            },
            Request::Put { .. } => Expect::Put {
                wanted: Wanted::Open { blocks: 0 },
            },
            Request::PutLane { .. } => Expect::PutLane,
            Request::Stat => Expect::Stat,
            Request::Noise { bytes } => Expect::Noise {
                left: u64::from(*bytes),
            },
            Request::Sink => Expect::Sink,
        };
        self.open.insert(id, expect);
        (id, ClientMessage::Request(request).encode(id))
    }

    /// Whether an answer is waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.greeted || !self.open.is_empty()
    }

    /// Bytes came.
    ///
    /// # Errors
    /// [`Broken`]: close the lane.
    pub(crate) fn on_bytes(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        while let Some(frame) = self.decoder.next(&mut bytes)? {
            let message = ServerMessage::decode(&frame)?;
            match message {
                ServerMessage::Welcome {
                    version,
                    writable,
                    max_requests,
                } if !self.greeted && frame.request == 0 => {
                    if version != PROTOCOL_VERSION {
                        return Err(Broken("it speaks another version of the protocol"));
                    }
                    self.greeted = true;
                    self.decoder.trust();
                    out.push(Event::Welcome(Welcome {
                        writable,
                        max_requests: max_requests.max(1),
                    }));
                }
                ServerMessage::Refused { why } if !self.greeted => out.push(Event::Refused(why)),
                _ if !self.greeted => return Err(Broken("it answers before it greets")),
                message => {
                    let last = self.check(frame.request, &message)?;
                    if last {
                        self.open.remove(&frame.request);
                    }
                    out.push(Event::Answer {
                        id: frame.request,
                        message,
                        last,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether this answer was asked for, and whether it is the last.
    fn check(&mut self, id: u32, message: &ServerMessage) -> Result<bool, Broken> {
        let expect = self
            .open
            .get_mut(&id)
            .ok_or(Broken("it answers what was not asked"))?;
        match (expect, message) {
            (_, ServerMessage::Working { .. }) => Ok(false),
            (Expect::Put { .. }, ServerMessage::Waiting { .. }) => Ok(false),
            (_, ServerMessage::Failed(_)) => Ok(true),
            (Expect::List { entries }, ServerMessage::Entries(more)) => {
                *entries = entries.saturating_add(more.len());
                if *entries > MAX_ENTRIES
                    || more.iter().any(|entry: &Entry| {
                        crate::path::check(&entry.name).is_err() || entry.name.contains('/')
                    })
                {
                    return Err(Broken("a listing is too long or holds what is no name"));
                }
                Ok(false)
            }
            (Expect::List { .. }, ServerMessage::Done(Outcome::Listed)) => Ok(true),
            (Expect::Manifest { bytes }, ServerMessage::Part(part)) => {
                *bytes = bytes.saturating_add(part.len() as u64);
                if *bytes > MAX_MANIFEST {
                    Err(Broken("a manifest is longer than allowed"))
                } else {
                    Ok(false)
                }
            }
            (Expect::Manifest { .. }, ServerMessage::Done(Outcome::Manifest { .. })) => Ok(true),
            (Expect::Read { blocks, next }, ServerMessage::Block { item, payload }) => {
                let unasked = Broken("a block comes that was not asked for");
                let (len, base) = *blocks.get(*next).ok_or(unasked)?;
                let (length, needs) = payload.describe()?;
                let known = needs.is_none() || needs == base;
                if u32::try_from(*next) != Ok(*item) || length != u64::from(len) || !known {
                    return Err(unasked);
                }
                *next += 1;
                Ok(false)
            }
            (Expect::Read { blocks, next }, ServerMessage::Done(Outcome::Read))
                if *next == blocks.len() =>
            {
                Ok(true)
            }
            (Expect::Put { wanted }, ServerMessage::Want { blocks, last }) => {
                let Wanted::Open { blocks: count } = wanted else {
                    return Err(Broken("it wants more than it said"));
                };
                let count = count.saturating_add(blocks.len() as u64);
                *wanted = if *last {
                    Wanted::Said { left: count }
                } else {
                    Wanted::Open { blocks: count }
                };
                Ok(false)
            }
            (
                Expect::Put {
                    wanted: Wanted::Said { left },
                },
                ServerMessage::Stored { blocks },
            ) => {
                *left = left
                    .checked_sub(blocks.len() as u64)
                    .ok_or(Broken("it stored more than it wanted"))?;
                Ok(false)
            }
            (
                Expect::Put {
                    wanted: Wanted::Said { left: 0 },
                },
                ServerMessage::Done(Outcome::Put { .. }),
            ) => Ok(true),
            (Expect::Noise { left }, ServerMessage::Part(part)) => {
                *left = left
                    .checked_sub(part.len() as u64)
                    .ok_or(Broken("more noise comes than was asked for"))?;
                Ok(false)
            }
            (Expect::PutLane, ServerMessage::Done(Outcome::PutLane))
            | (Expect::Stat, ServerMessage::Done(Outcome::Stat(_)))
            | (Expect::Noise { left: 0 }, ServerMessage::Done(Outcome::Noise))
            | (Expect::Sink, ServerMessage::Done(Outcome::Sunk { .. })) => Ok(true),
            _ => Err(Broken("an answer does not fit its question")),
        }
    }
}
