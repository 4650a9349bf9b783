//! The agent's end of a lane.

use std::collections::BTreeMap;

use super::frame::Decoder;
use super::message::{ClientMessage, Request, ServerMessage, Token};
use super::outcome::Outcome;
use super::payload::Payload;
use super::{Broken, PROTOCOL_VERSION};
use crate::error::TransferError;
use crate::manifest::{MAX_MANIFEST, Manifest};

/// Requests that may be open on one lane.
pub(crate) const MAX_REQUESTS: usize = 32;

/// What the driver has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Put these bytes on the lane.
    Send(Vec<u8>),
    /// Close the lane after what was sent.
    Close,
    /// Serve this; answer with [`ServerLane::answer`].
    Serve { id: u32, request: Request },
    /// The manifest of an open `Put` is whole.
    Manifest {
        id: u32,
        manifest: Box<Result<Manifest, TransferErrorText>>,
    },
    /// A block for an open `Put`.
    Block {
        id: u32,
        file: u32,
        block: u32,
        payload: Payload,
    },
}

/// Why a manifest was refused, comparable.
pub(crate) type TransferErrorText = String;

#[derive(Debug)]
enum Open {
    Simple,
    PutManifest {
        left: u64,
        bytes: Vec<u8>,
    },
    PutBlocks,
    /// Noise that came.
    Sink(u64),
}

impl Open {
    const fn is_put(&self) -> bool {
        matches!(self, Self::PutManifest { .. } | Self::PutBlocks)
    }
}

/// All rules of the agent's end.
#[derive(Debug)]
pub(crate) struct ServerLane {
    decoder: Decoder,
    token: Option<Token>,
    writable: bool,
    greeted: bool,
    closed: bool,
    open: BTreeMap<u32, Open>,
}

impl ServerLane {
    /// `token`: what a caller must show; `None` where the lane itself proves who it is (a child's pipe, `ssh`).
    pub(crate) const fn new(token: Option<Token>, writable: bool) -> Self {
        Self {
            decoder: Decoder::new(),
            token,
            writable,
            greeted: false,
            closed: false,
            open: BTreeMap::new(),
        }
    }

    /// Bytes came.
    ///
    /// # Errors
    /// [`Broken`]: close the lane. What was appended to `out` before still holds.
    pub(crate) fn on_bytes(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<Effect>,
    ) -> Result<(), Broken> {
        while !self.closed {
            let Some(frame) = self.decoder.next(&mut bytes)? else {
                break;
            };
            let message = ClientMessage::decode(&frame)?;
            match message {
                ClientMessage::Hello { version, token } if !self.greeted => {
                    self.greet(version, token, out)
                }
                _ if !self.greeted => return Err(Broken("it asks before it greets")),
                ClientMessage::Hello { .. } => return Err(Broken("it greets twice")),
                ClientMessage::Request(request) => self.begin(frame.request, request, out)?,
                ClientMessage::Noise(noise) => self.noise(frame.request, &noise, out)?,
                ClientMessage::PutManifest(part) => self.manifest_part(frame.request, part, out)?,
                ClientMessage::PutBlock {
                    file,
                    block,
                    payload,
                } => {
                    match self.open.get(&frame.request) {
                        Some(Open::PutBlocks) => out.push(Effect::Block {
                            id: frame.request,
                            file,
                            block,
                            payload,
                        }),
                        Some(_) => return Err(Broken("a block comes before it was asked for")),
                        // Sent before the failure of its request arrived there.
                        None => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn greet(&mut self, version: u16, token: Option<Token>, out: &mut Vec<Effect>) {
        // `blake3::Hash` compares in constant time; the lengths are fixed.
        let shown = blake3::Hash::from_bytes(token.unwrap_or_default());
        let known = match self.token {
            Some(expected) => token.is_some() & (blake3::Hash::from_bytes(expected) == shown),
            None => true,
        };
        let refusal = if !known {
            Some("the token is not the one of the present ticket".to_owned())
        } else if version != PROTOCOL_VERSION {
            Some(format!(
                "it speaks version {version} of the protocol, this agent version {PROTOCOL_VERSION}"
            ))
        } else {
            None
        };
        if let Some(why) = refusal {
            self.closed = true;
            out.extend([
                Effect::Send(ServerMessage::Refused { why }.encode(0)),
                Effect::Close,
            ]);
            return;
        }
        self.greeted = true;
        self.decoder.trust();
        let max_requests = u16::try_from(MAX_REQUESTS).unwrap_or(u16::MAX);
        out.push(Effect::Send(
            ServerMessage::Welcome {
                version: PROTOCOL_VERSION,
                writable: self.writable,
                max_requests,
            }
            .encode(0),
        ));
    }

    fn begin(&mut self, id: u32, request: Request, out: &mut Vec<Effect>) -> Result<(), Broken> {
        if id == 0 || self.open.contains_key(&id) {
            return Err(Broken("a request has the number of another"));
        }
        if self.open.len() >= MAX_REQUESTS {
            return Err(Broken("too many requests are open"));
        }
        let open = match &request {
            Request::Put { len, .. } => {
                if self.open.values().any(Open::is_put) {
                    return Err(Broken("two directories are put on one lane at once"));
                }
                if *len == 0 || *len > MAX_MANIFEST {
                    return Err(Broken("a manifest is empty or longer than allowed"));
                }
                Open::PutManifest {
                    left: *len,
                    bytes: Vec::new(),
                }
            }
            Request::PutLane { .. } => Open::PutBlocks,
            Request::Sink => {
                self.open.insert(id, Open::Sink(0));
                return Ok(());
            }
            _ => Open::Simple,
        };
        self.open.insert(id, open);
        out.push(Effect::Serve { id, request });
        Ok(())
    }

    /// Noise is counted and dropped.
    fn noise(&mut self, id: u32, noise: &[u8], out: &mut Vec<Effect>) -> Result<(), Broken> {
        let Some(Open::Sink(bytes)) = self.open.get_mut(&id) else {
            return Err(Broken("noise comes that nobody asked for"));
        };
        *bytes = bytes.saturating_add(noise.len() as u64);
        let bytes = *bytes;
        let answer = if noise.is_empty() {
            ServerMessage::Done(Outcome::Sunk { bytes })
        } else {
            ServerMessage::Working {
                done: bytes,
                total: 0,
            }
        };
        out.extend(self.answer(id, &answer).map(Effect::Send));
        Ok(())
    }

    fn manifest_part(
        &mut self,
        id: u32,
        part: Vec<u8>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Broken> {
        match self.open.get_mut(&id) {
            Some(open) => {
                let Open::PutManifest { left, bytes } = open else {
                    return Err(Broken("a manifest comes that nobody asked for"));
                };
                let rest = left
                    .checked_sub(part.len() as u64)
                    .ok_or(Broken("a manifest is longer than it said"))?;
                *left = rest;
                bytes.extend(part);
                if rest == 0 {
                    let manifest =
                        Manifest::decode(bytes).map_err(|error: TransferError| error.to_string());
                    *open = Open::PutBlocks;
                    out.push(Effect::Manifest {
                        id,
                        manifest: Box::new(manifest),
                    });
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The bytes of an answer, or nothing when the request is over. [`ServerMessage::Done`] and [`ServerMessage::Failed`] end it.
    pub(crate) fn answer(&mut self, id: u32, message: &ServerMessage) -> Option<Vec<u8>> {
        let last = matches!(message, ServerMessage::Done(_) | ServerMessage::Failed(_));
        let open = if last {
            self.open.remove(&id).is_some()
        } else {
            self.open.contains_key(&id)
        };
        open.then(|| message.encode(id))
    }

    /// A sign of life, while a request is open.
    pub(crate) fn heartbeat(&mut self) -> Option<Vec<u8>> {
        let id = *self.open.keys().next()?;
        self.answer(id, &ServerMessage::Working { done: 0, total: 0 })
    }

    /// Whether the caller was let in.
    pub(crate) const fn is_greeted(&self) -> bool {
        self.greeted
    }
}
