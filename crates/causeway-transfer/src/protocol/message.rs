//! What frames say.

use causeway_domain::Digest;
use causeway_weights::MAX_BLOCK;
use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::outcome::{Failure, Outcome};
use super::payload::Payload;
use super::{Broken, kind};
use crate::bench::MOST_NOISE;
use crate::codec::Codec;
use crate::scan::Rule;
use crate::selection::{Links, Selection};
use crate::wire::{Reader, Writer};

/// Most blocks of one `Read`.
pub(crate) const MAX_ITEMS: usize = 256;
/// Most bytes that one `Read` asks for.
pub(crate) const MAX_READ: u64 = 16 << 20;
/// Most entries of one listing.
pub(crate) const MAX_ENTRIES: usize = 10_000;
/// Bytes of a manifest in one frame.
pub(crate) const MANIFEST_PART: usize = 1 << 20;
/// Blocks in one `Want`.
pub(crate) const WANT_PART: usize = 100_000;
const MAGIC: &[u8; 8] = b"causeway";

/// A token: 32 random bytes that only the agent and those whom it gave its ticket know.
pub(crate) type Token = [u8; 32];

/// What tells a put from others: 16 random bytes of the caller's.
pub(crate) type PutKey = [u8; 16];

/// One block to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Relative to the `root` of the `Read`; empty when that is the file.
    pub(crate) path: String,
    /// The size that the file had when it was listed.
    pub(crate) size: u64,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    /// A block that the caller holds and of which the site may have the bytes, too.
    pub(crate) base: Option<BaseBlock>,
}

/// A block of an earlier file, of the same length as the one that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BaseBlock {
    pub(crate) blake3: Digest,
    /// Where it begins in its file.
    pub(crate) offset: u64,
    /// The size of its file.
    pub(crate) size: u64,
}

/// What a caller asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The entries of a directory.
    List { path: String },
    /// The manifest of a file or directory; `fresh`: read every file again.
    Manifest {
        path: String,
        rule: Rule,
        fresh: bool,
    },
    /// Blocks, answered in this order.
    Read {
        root: String,
        codec: Codec,
        items: Vec<Item>,
    },
    /// Here comes a manifest of `len` bytes, then the blocks that you want of it.
    Put { path: String, len: u64, key: PutKey },
    /// Here come more blocks of an open put.
    PutLane { key: PutKey },
    /// How much did you send on this carrier?
    Stat,
    /// So many bytes that nobody needs: what can this link give?
    Noise { bytes: u32 },
    /// Here comes noise, until there is none.
    Sink,
}

/// From caller to agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientMessage {
    Hello {
        version: u16,
        token: Option<Token>,
    },
    Request(Request),
    PutManifest(Vec<u8>),
    /// Bytes for an open [`Request::Sink`]; none end it.
    Noise(Vec<u8>),
    PutBlock {
        file: u32,
        block: u32,
        payload: Payload,
    },
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) directory: bool,
    pub(crate) files: u32,
    pub(crate) bytes: u64,
    /// The newest change below it, nanoseconds since 1970.
    pub(crate) modified: u64,
    /// Names, sizes and times of all files below it, in one digest.
    pub(crate) stamp: Digest,
    /// Why it is not whole: files that are shorter than their headers promise, shards that are not there.
    pub(crate) incomplete: Option<String>,
}

/// From agent to caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerMessage {
    Welcome {
        version: u16,
        writable: bool,
        max_requests: u16,
    },
    Refused {
        why: String,
    },
    Entries(Vec<Entry>),
    Part(Vec<u8>),
    Block {
        item: u32,
        payload: Payload,
    },
    /// Still at it; also sent when nothing else was for a while.
    Working {
        done: u64,
        total: u64,
    },
    /// Blocks of a put manifest that are wanted: index of the file, index of the block.
    Want {
        blocks: Vec<(u32, u32)>,
        last: bool,
    },
    /// These blocks are on disk here: index of the file, index of the block.
    Stored {
        blocks: Vec<(u32, u32)>,
    },
    /// A put waits: for room on the disk there.
    Waiting {
        why: String,
    },
    Done(Outcome),
    Failed(Failure),
}

/// Blocks of a put manifest: how many, and of each the index of its file and its own.
fn write_blocks(out: &mut Writer, blocks: &[(u32, u32)]) {
    out.u32(u32::try_from(blocks.len()).unwrap_or(u32::MAX));
    for (file, block) in blocks {
        out.u32(*file).u32(*block);
    }
}

fn read_blocks(input: &mut Reader<'_>) -> Result<Vec<(u32, u32)>, Broken> {
    let count = input.count(8)?;
    let blocks = (0..count).map(|_| Ok((input.u32()?, input.u32()?)));
    blocks.collect()
}

/// Bytes of a frame's payload beside those of a part or a block.
const BESIDE: usize = 9;

impl ClientMessage {
    /// How long the payload of its frame will be, where that is long.
    fn room(&self) -> usize {
        match self {
            Self::PutManifest(part) | Self::Noise(part) => part.len(),
            Self::PutBlock { payload, .. } => BESIDE + payload.bytes.len(),
            _ => 0,
        }
    }

    pub(crate) fn encode(&self, request: u32) -> Vec<u8> {
        let mut out = Frame::begin(self.room());
        let kind = match self {
            Self::Hello { version, token } => {
                out.raw(MAGIC)
                    .u16(*version)
                    .u8(u8::from(token.is_some()))
                    .raw(token.as_ref().map_or(&[], Token::as_slice));
                kind::HELLO
            }
            Self::Request(Request::List { path }) => {
                out.text(path);
                kind::LIST
            }
            Self::Request(Request::Manifest { path, rule, fresh }) => {
                out.text(path);
                out.u8(u8::from(rule.finished))
                    .u8(rule.selection.links.code())
                    .u8(u8::from(rule.selection.leave_optimizer))
                    .u8(u8::from(*fresh));
                kind::MANIFEST
            }
            Self::Request(Request::Read { root, codec, items }) => {
                out.text(root)
                    .u8(codec.code())
                    .u32(u32::try_from(items.len()).unwrap_or(u32::MAX));
                for item in items {
                    out.text(&item.path)
                        .u64(item.size)
                        .u64(item.offset)
                        .u32(item.len)
                        .u8(u8::from(item.base.is_some()));
                    if let Some(base) = &item.base {
                        out.digest(&base.blake3).u64(base.offset).u64(base.size);
                    }
                }
                kind::READ
            }
            Self::Request(Request::Put { path, len, key }) => {
                out.text(path).u64(*len).raw(key);
                kind::PUT
            }
            Self::Request(Request::PutLane { key }) => {
                out.raw(key);
                kind::PUT_LANE
            }
            Self::Request(Request::Stat) => kind::STAT,
            Self::Request(Request::Noise { bytes }) => {
                out.u32(*bytes);
                kind::NOISE
            }
            Self::Request(Request::Sink) => kind::SINK,
            Self::Noise(noise) => {
                out.raw(noise);
                kind::SINK_NOISE
            }
            Self::PutManifest(part) => {
                out.raw(part);
                kind::PUT_MANIFEST
            }
            Self::PutBlock {
                file,
                block,
                payload,
            } => {
                out.u32(*file).u32(*block);
                payload.write(&mut out);
                kind::PUT_BLOCK
            }
        };
        Frame::end(kind, request, out)
    }

    pub(crate) fn decode(frame: &Frame) -> Result<Self, Broken> {
        let mut input = Reader(&frame.payload);
        let message = match frame.kind {
            kind::HELLO => {
                if input.take(MAGIC.len())? != MAGIC {
                    return Err(Broken("it does not speak this protocol"));
                }
                let version = input.u16()?;
                let token = if input.flag()? {
                    Token::try_from(input.take(32)?).ok()
                } else {
                    None
                };
                Self::Hello { version, token }
            }
            kind::LIST => Self::Request(Request::List {
                path: input.text()?.to_owned(),
            }),
            kind::MANIFEST => {
                let path = input.text()?.to_owned();
                let unknown = Broken("a request chooses in a way that is not known here");
                let rule = Rule {
                    finished: input.flag()?,
                    selection: Selection {
                        links: Links::from_code(input.u8()?).ok_or(unknown)?,
                        leave_optimizer: input.flag()?,
                    },
                };
                Self::Request(Request::Manifest {
                    path,
                    rule,
                    fresh: input.flag()?,
                })
            }
            kind::READ => {
                let root = input.text()?.to_owned();
                let codec = Codec::from_code(input.u8()?).ok_or(Broken(
                    "a request asks for an encoding that is not known here",
                ))?;
                let count = input.count(2 + 8 + 8 + 4 + 1)?;
                if count == 0 || count > MAX_ITEMS {
                    return Err(Broken("a request asks for no block, or for too many"));
                }
                let mut items = Vec::with_capacity(count);
                let mut total: u64 = 0;
                for _ in 0..count {
                    let item = Item {
                        path: input.text()?.to_owned(),
                        size: input.u64()?,
                        offset: input.u64()?,
                        len: input.u32()?,
                        base: if input.flag()? {
                            Some(BaseBlock {
                                blake3: input.digest()?,
                                offset: input.u64()?,
                                size: input.u64()?,
                            })
                        } else {
                            None
                        },
                    };
                    let end = item.offset.checked_add(u64::from(item.len));
                    if item.len == 0
                        || u64::from(item.len) > MAX_BLOCK
                        || end.is_none_or(|end| end > item.size)
                    {
                        return Err(Broken("a request asks for bytes that no block can have"));
                    }
                    total += u64::from(item.len);
                    items.push(item);
                }
                if total > MAX_READ {
                    return Err(Broken("a request asks for more than 16 MiB"));
                }
                Self::Request(Request::Read { root, codec, items })
            }
            kind::PUT => Self::Request(Request::Put {
                path: input.text()?.to_owned(),
                len: input.u64()?,
                key: input.array()?,
            }),
            kind::PUT_LANE => Self::Request(Request::PutLane {
                key: input.array()?,
            }),
            kind::STAT => Self::Request(Request::Stat),
            kind::NOISE => {
                let bytes = input.u32()?;
                if bytes == 0 || bytes > MOST_NOISE {
                    return Err(Broken("a request asks for no noise, or for too much"));
                }
                Self::Request(Request::Noise { bytes })
            }
            kind::SINK => Self::Request(Request::Sink),
            kind::SINK_NOISE => return Ok(Self::Noise(frame.payload.to_vec())),
            kind::PUT_MANIFEST => return Ok(Self::PutManifest(frame.payload.to_vec())),
            kind::PUT_BLOCK => {
                return Ok(Self::PutBlock {
                    file: input.u32()?,
                    block: input.u32()?,
                    payload: Payload::read(frame, input)?,
                });
            }
            _ => return Err(Broken("a frame of a kind that callers do not send")),
        };
        input.end()?;
        Ok(message)
    }
}

impl ServerMessage {
    /// Bytes of a `Block` frame beside the block's own.
    pub(crate) const BLOCK_OVERHEAD: u64 = super::frame::HEADER as u64 + 5;

    /// How long the payload of its frame will be, where that is long.
    fn room(&self) -> usize {
        match self {
            Self::Part(part) => part.len(),
            Self::Block { payload, .. } => BESIDE + payload.bytes.len(),
            _ => 0,
        }
    }

    /// What stands on a lane before the bytes of a block, for one that is passed on as it comes.
    pub(crate) fn block_head(request: u32, item: u32, encoded: bool, len: usize) -> Vec<u8> {
        let mut out = Frame::head(kind::BLOCK, request, len.saturating_add(5)).to_vec();
        out.extend_from_slice(&item.to_be_bytes());
        out.push(u8::from(encoded));
        out
    }

    pub(crate) fn encode(&self, request: u32) -> Vec<u8> {
        let mut out = Frame::begin(self.room());
        let kind = match self {
            Self::Welcome {
                version,
                writable,
                max_requests,
            } => {
                out.raw(MAGIC)
                    .u16(*version)
                    .u8(u8::from(*writable))
                    .u16(*max_requests);
                kind::WELCOME
            }
            Self::Refused { why } => {
                out.text(why);
                kind::REFUSED
            }
            Self::Entries(entries) => {
                out.u32(u32::try_from(entries.len()).unwrap_or(u32::MAX));
                for entry in entries {
                    out.text(&entry.name)
                        .u8(u8::from(entry.directory))
                        .u32(entry.files)
                        .u64(entry.bytes)
                        .u64(entry.modified);
                    out.digest(&entry.stamp)
                        .u8(u8::from(entry.incomplete.is_some()));
                    if let Some(why) = &entry.incomplete {
                        out.text(why);
                    }
                }
                kind::ENTRIES
            }
            Self::Part(part) => {
                out.raw(part);
                kind::PART
            }
            Self::Block { item, payload } => {
                out.u32(*item);
                payload.write(&mut out);
                kind::BLOCK
            }
            Self::Working { done, total } => {
                out.u64(*done).u64(*total);
                kind::WORKING
            }
            Self::Want { blocks, last } => {
                out.u8(u8::from(*last));
                write_blocks(&mut out, blocks);
                kind::WANT
            }
            Self::Stored { blocks } => {
                write_blocks(&mut out, blocks);
                kind::STORED
            }
            Self::Waiting { why } => {
                out.text(why);
                kind::WAITING
            }
            Self::Done(outcome) => {
                outcome.write(&mut out);
                kind::DONE
            }
            Self::Failed(failure) => {
                failure.write(&mut out);
                kind::FAILED
            }
        };
        Frame::end(kind, request, out)
    }

    pub(crate) fn decode(frame: &Frame) -> Result<Self, Broken> {
        let mut input = Reader(&frame.payload);
        let message = match frame.kind {
            kind::WELCOME => {
                if input.take(MAGIC.len())? != MAGIC {
                    return Err(Broken("it does not speak this protocol"));
                }
                Self::Welcome {
                    version: input.u16()?,
                    writable: input.flag()?,
                    max_requests: input.u16()?,
                }
            }
            kind::REFUSED => Self::Refused {
                why: input.text()?.to_owned(),
            },
            kind::ENTRIES => {
                let count = input.count(2 + 1 + 4 + 8 + 8 + 32 + 1)?;
                let mut entries = Vec::with_capacity(count);
                for _ in 0..count {
                    entries.push(Entry {
                        name: input.text()?.to_owned(),
                        directory: input.flag()?,
                        files: input.u32()?,
                        bytes: input.u64()?,
                        modified: input.u64()?,
                        stamp: input.digest()?,
                        incomplete: if input.flag()? {
                            Some(input.text()?.to_owned())
                        } else {
                            None
                        },
                    });
                }
                Self::Entries(entries)
            }
            kind::PART => return Ok(Self::Part(frame.payload.to_vec())),
            kind::BLOCK => {
                return Ok(Self::Block {
                    item: input.u32()?,
                    payload: Payload::read(frame, input)?,
                });
            }
            kind::WORKING => Self::Working {
                done: input.u64()?,
                total: input.u64()?,
            },
            kind::WANT => {
                let last = input.flag()?;
                let blocks = read_blocks(&mut input)?;
                Self::Want { blocks, last }
            }
            kind::STORED => Self::Stored {
                blocks: read_blocks(&mut input)?,
            },
            kind::WAITING => Self::Waiting {
                why: input.text()?.to_owned(),
            },
            kind::DONE => Self::Done(Outcome::read(&mut input)?),
            kind::FAILED => Self::Failed(Failure::read(&mut input)?),
            _ => return Err(Broken("a frame of a kind that agents do not send")),
        };
        input.end()?;
        Ok(message)
    }
}
