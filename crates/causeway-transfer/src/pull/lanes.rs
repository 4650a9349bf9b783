//! What is asked for, in which order, and how much at once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::Wish;
use crate::codec::{Base, Bases};
use crate::coming::{Arrived, blocking};
use crate::error::TransferError;
use crate::manifest::{FileEntry, Manifest};
use crate::protocol::message::{Item, MAX_ITEMS, Request, ServerMessage};
use crate::session::{Answer, Answers, Session};
use crate::store::intake::Wanted;

/// Blocks that are on their way on one lane, or here and not yet on disk: what a killed process loses of each.
const BLOCKS_A_LANE: usize = 2;
/// Small blocks may be more, up to this many bytes a lane, so that a round trip is not paid for each small file.
const SMALL_BYTES_A_LANE: u64 = 2 << 20;
/// Blocks that are made ready ahead of the lanes.
const READY: usize = 64;
/// Small ones may be more, up to this many bytes together.
const READY_SMALL: usize = 8192;
const READY_BYTES: u64 = 8 << 20;

/// A block to ask for.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) wanted: Wanted,
    pub(super) base: Option<Base>,
}

/// Blocks to ask for, in order.
pub(super) struct Queue {
    pub(super) wanted: VecDeque<Wanted>,
    pub(super) ready: VecDeque<Ready>,
    pub(super) bases: Arc<Bases>,
}

impl Queue {
    /// Sees to it that some blocks are ready. Gives those that turned out to be here.
    pub(super) async fn prepare(
        &mut self,
        manifest: &Arc<Manifest>,
    ) -> Result<Vec<Arrived>, TransferError> {
        if self.ready.len() > READY / 2 || self.wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut bytes = 0;
        let count = self.wanted.iter().take(READY_SMALL).zip(0..);
        let count = count
            .take_while(|(wanted, count)| {
                bytes += u64::from(wanted.len);
                *count < READY || bytes <= READY_BYTES
            })
            .count();
        let next = self.wanted.drain(..count);
        if self.bases.is_empty() {
            self.ready
                .extend(next.map(|wanted| Ready { wanted, base: None }));
            return Ok(Vec::new());
        }
        let (next, bases): (Vec<Wanted>, _) = (next.collect(), Arc::clone(&self.bases));
        let manifest = Arc::clone(manifest);
        let (ready, here) = blocking(move || {
            let (mut ready, mut here) = (Vec::new(), Vec::new());
            for wanted in next {
                let base = file_of(&manifest, wanted.file)
                    .and_then(|file| bases.of(file, wanted.block, wanted.offset));
                match base {
                    Some(base) if base.block.blake3 == wanted.blake3 => match base.read() {
                        Some(bytes) => here.push(Arrived::here(wanted, bytes)),
                        None => ready.push(Ready { wanted, base: None }),
                    },
                    base => ready.push(Ready { wanted, base }),
                }
            }
            Ok((ready, here))
        })
        .await?;
        self.ready.extend(ready);
        Ok(here)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.ready.is_empty()
    }
}

pub(super) fn file_of(manifest: &Manifest, index: u32) -> Option<&FileEntry> {
    manifest.files().get(usize::try_from(index).ok()?)
}

/// What is under way on each lane.
pub(super) struct Lanes {
    blocks: Vec<usize>,
    bytes: Vec<u64>,
    requests: Vec<usize>,
    max_requests: usize,
    /// The blocks that each open question still owes, in order.
    pub(super) owed: HashMap<(usize, u32), VecDeque<Ready>>,
    pub(super) answers: Answers,
}

impl Lanes {
    pub(super) fn new(session: &Session, answers: Answers) -> Self {
        let count = session.lanes();
        let max_requests = usize::from(session.welcome().max_requests);
        Self {
            blocks: vec![0; count],
            bytes: vec![0; count],
            requests: vec![0; count],
            max_requests,
            owed: HashMap::new(),
            answers,
        }
    }

    /// More lanes are open.
    fn widen(&mut self, count: usize) {
        self.blocks.resize(count, 0);
        self.bytes.resize(count, 0);
        self.requests.resize(count, 0);
    }

    /// Asks for as much as may be under way.
    pub(super) async fn ask(
        &mut self,
        session: &Session,
        wish: &Wish<'_>,
        manifest: &Manifest,
        ready: &mut VecDeque<Ready>,
    ) -> Result<(), TransferError> {
        self.widen(session.lanes());
        // What a limit lets through later is not asked for now, and comes on all lanes alike.
        let most = session
            .throttle()
            .and_then(|throttle| throttle.under_way(session.rtt()))
            .unwrap_or(u64::MAX);
        let blocks_a_lane = if most == u64::MAX { BLOCKS_A_LANE } else { 1 };
        for lane in 0..self.blocks.len() {
            if self.bytes.iter().sum::<u64>() >= most {
                break;
            }
            let (Some(blocks), Some(bytes), Some(requests)) = (
                self.blocks.get_mut(lane),
                self.bytes.get_mut(lane),
                self.requests.get_mut(lane),
            ) else {
                continue;
            };
            if *requests >= self.max_requests {
                continue;
            }
            let (mut items, mut owed) = (Vec::new(), VecDeque::new());
            while let Some(next) = ready.pop_front() {
                let len = next.wanted.len;
                let fits = *blocks < blocks_a_lane || *bytes + u64::from(len) <= SMALL_BYTES_A_LANE;
                if !fits || items.len() >= MAX_ITEMS {
                    ready.push_front(next);
                    break;
                }
                *blocks += 1;
                *bytes += u64::from(len);
                let Some(file) = file_of(manifest, next.wanted.file) else {
                    continue;
                };
                let single = manifest.shape() == crate::manifest::Shape::File;
                let path = if single {
                    String::new()
                } else {
                    file.path.clone()
                };
                items.push(Item {
                    path,
                    size: file.size,
                    offset: next.wanted.offset,
                    len,
                    base: next.base.as_ref().map(|base| base.block),
                });
                owed.push_back(next);
            }
            if items.is_empty() {
                continue;
            }
            *requests += 1;
            let request = Request::Read {
                root: wish.path.to_owned(),
                codec: wish.codec,
                items,
            };
            let id = session.ask(lane, request, self.answers.clone()).await?;
            self.owed.insert((lane, id), owed);
        }
        Ok(())
    }

    /// The block that an answer brings, if it brings one.
    pub(super) fn take(
        &mut self,
        answer: Answer,
    ) -> Result<Option<(usize, Arrived)>, TransferError> {
        let Answer {
            lane,
            id,
            message,
            last,
        } = answer;
        let owed = self.owed.get_mut(&(lane, id)).and_then(VecDeque::pop_front);
        if last {
            self.owed.remove(&(lane, id));
            if let Some(requests) = self.requests.get_mut(lane) {
                *requests = requests.saturating_sub(1);
            }
        }
        match message? {
            ServerMessage::Block { payload, .. } => {
                // The lane checked that it was asked for, and its length.
                let Ready { wanted, base } = owed.ok_or_else(|| {
                    TransferError::protocol("a block comes that was not asked for")
                })?;
                let arrived = Arrived {
                    wanted,
                    payload,
                    base,
                };
                Ok(Some((lane, arrived)))
            }
            other => {
                if let (Some(owed), false) = (owed, last) {
                    self.owed.entry((lane, id)).or_default().push_front(owed);
                }
                match other {
                    ServerMessage::Failed(failure) => Err(failure.into_error()),
                    _ => Ok(None),
                }
            }
        }
    }

    pub(super) fn landed(&mut self, lane: usize, len: u64) {
        if let (Some(blocks), Some(bytes)) = (self.blocks.get_mut(lane), self.bytes.get_mut(lane)) {
            *blocks = blocks.saturating_sub(1);
            *bytes = bytes.saturating_sub(len);
        }
    }
}
