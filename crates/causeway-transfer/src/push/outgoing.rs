//! Which block goes next, and on which lane.

use std::collections::{HashMap, VecDeque};

use crate::error::TransferError;
use crate::manifest::Manifest;

/// What may be sent and not yet on disk at the site, on all lanes: blocks, and bytes of them.
const BLOCKS_UNDER_WAY: usize = 16;
const SMALL_BYTES_UNDER_WAY: u64 = 16 << 20;
/// And at least on each lane.
const BLOCKS_A_LANE: usize = 2;
const SMALL_BYTES_A_LANE: u64 = 2 << 20;

/// Index of a file in the manifest, and of a block in the file.
pub(super) type BlockOf = (u32, u32);

/// Blocks that the agent wants, and those under way.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) wanted: VecDeque<BlockOf>,
    /// Nothing more will be wanted.
    pub(super) said: bool,
    under_way: HashMap<BlockOf, UnderWay>,
    lanes: Vec<Load>,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    lane: usize,
    len: u64,
}

/// What is under way on one lane.
#[derive(Debug, Default, Clone, Copy)]
struct Load {
    blocks: usize,
    bytes: u64,
}

/// A block to send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) lane: usize,
    pub(super) block: BlockOf,
    pub(super) len: u64,
}

pub(super) fn len_of(manifest: &Manifest, (file, block): BlockOf) -> Result<u64, TransferError> {
    let found = || {
        let file = manifest.files().get(usize::try_from(file).ok()?)?;
        file.blocks.get(usize::try_from(block).ok()?)
    };
    found()
        .map(|block| u64::from(block.len))
        .ok_or_else(unknown)
}

pub(super) fn unknown() -> TransferError {
    TransferError::protocol("the agent wants a block that is not in the manifest")
}

impl Outgoing {
    /// The next block to send, if one may be sent now: not while `most` bytes are under way. It goes on the lane of `lanes` that
    /// has least to do. Nothing is sent before all is wanted that will be.
    pub(super) fn next(
        &mut self,
        lanes: usize,
        most: u64,
        manifest: &Manifest,
    ) -> Result<Option<Next>, TransferError> {
        let lanes = lanes.max(1);
        self.lanes
            .resize(lanes.max(self.lanes.len()), Load::default());
        let bytes: u64 = self.lanes.iter().map(|load| load.bytes).sum();
        let may = self.said && bytes < most;
        let Some(block) = self.wanted.front().copied().filter(|_| may) else {
            return Ok(None);
        };
        let len = len_of(manifest, block)?;
        let (blocks_a_lane, small_a_lane) = (
            (BLOCKS_UNDER_WAY / lanes).max(BLOCKS_A_LANE),
            (SMALL_BYTES_UNDER_WAY / lanes as u64).max(SMALL_BYTES_A_LANE),
        );
        let least = self.lanes.iter_mut().enumerate();
        let least = least.min_by_key(|(_, load)| (load.bytes, load.blocks));
        let Some((lane, load)) = least
            .filter(|(_, load)| load.blocks < blocks_a_lane || load.bytes + len <= small_a_lane)
        else {
            return Ok(None);
        };
        self.wanted.pop_front();
        load.blocks += 1;
        load.bytes += len;
        self.under_way.insert(block, UnderWay { lane, len });
        Ok(Some(Next { lane, block, len }))
    }

    /// A block is on disk there: its length.
    ///
    /// # Errors
    /// [`TransferError::Protocol`] when it was not sent.
    pub(super) fn stored(&mut self, block: BlockOf) -> Result<u64, TransferError> {
        let UnderWay { lane, len } = self
            .under_way
            .remove(&block)
            .ok_or_else(|| TransferError::protocol("the agent stored a block that was not sent"))?;
        if let Some(load) = self.lanes.get_mut(lane) {
            load.blocks = load.blocks.saturating_sub(1);
            load.bytes = load.bytes.saturating_sub(len);
        }
        Ok(len)
    }

    /// Something is wanted, and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.said && !self.wanted.is_empty() && self.under_way.is_empty()
    }

    pub(super) fn is_over(&self) -> bool {
        self.said && self.wanted.is_empty() && self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use causeway_domain::Digest;

    use super::*;
    use crate::manifest::{Block, FileEntry, Shape};

    fn manifest(len: u32, count: u32) -> Manifest {
        let blake3 = Digest::new([0; 32]);
        let file = FileEntry {
            path: "a".to_owned(),
            size: u64::from(len) * u64::from(count),
            executable: false,
            blake3,
            sha256: None,
            blocks: (0..count).map(|_| Block { len, blake3 }).collect(),
        };
        Manifest::new(Shape::File, vec![file]).unwrap()
    }

    fn wanting(manifest: &Manifest) -> Outgoing {
        let count = u32::try_from(manifest.files()[0].blocks.len()).unwrap();
        Outgoing {
            wanted: (0..count).map(|block| (0, block)).collect(),
            said: true,
            ..Outgoing::default()
        }
    }

    /// How many go on each lane before any is stored.
    fn spread(len: u32, lanes: usize, most: u64) -> Vec<usize> {
        let manifest = manifest(len, 3000);
        let (mut outgoing, mut counts) = (wanting(&manifest), vec![0; lanes]);
        while let Some(next) = outgoing.next(lanes, most, &manifest).unwrap() {
            counts[next.lane] += 1;
        }
        counts
    }

    #[test]
    fn blocks_are_spread_over_the_lanes() {
        assert_eq!(spread(4 << 20, 1, u64::MAX), [16]);
        assert_eq!(spread(4 << 20, 8, u64::MAX), [2; 8]);
        assert_eq!(spread(4 << 20, 16, u64::MAX), [2; 16]);
        assert_eq!(
            spread(16 << 10, 8, u64::MAX),
            [128; 8],
            "2 MiB of small ones"
        );
        let limited: usize = spread(1 << 20, 8, 3 << 20).iter().sum();
        assert_eq!(limited, 3);
    }

    #[test]
    fn what_is_stored_makes_room_on_its_lane() {
        let manifest = manifest(4 << 20, 40);
        let mut outgoing = wanting(&manifest);
        let mut sent = Vec::new();
        while let Some(next) = outgoing.next(8, u64::MAX, &manifest).unwrap() {
            sent.push(next);
        }
        let third = sent[3];
        assert_eq!(outgoing.stored(third.block).unwrap(), 4 << 20);
        assert!(outgoing.stored(third.block).is_err(), "once");
        let next = outgoing.next(8, u64::MAX, &manifest).unwrap().unwrap();
        assert_eq!(next.lane, third.lane);
        assert!(!outgoing.is_over() && !outgoing.is_idle());
    }

    #[test]
    fn nothing_goes_before_all_is_wanted_or_while_it_is_paused() {
        let manifest = manifest(1000, 2);
        let mut outgoing = wanting(&manifest);
        assert_eq!(outgoing.next(1, 0, &manifest).unwrap(), None);
        outgoing.said = false;
        assert_eq!(outgoing.next(1, u64::MAX, &manifest).unwrap(), None);
        outgoing.said = true;
        outgoing.wanted.push_front((7, 0));
        assert!(outgoing.next(1, u64::MAX, &manifest).is_err());
    }
}
