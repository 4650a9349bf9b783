//! Kinds of frames, as they stand on a lane.

pub(super) const HELLO: u8 = 0x01;
pub(super) const LIST: u8 = 0x02;
pub(super) const MANIFEST: u8 = 0x03;
pub(super) const READ: u8 = 0x04;
pub(super) const PUT: u8 = 0x05;
pub(super) const PUT_MANIFEST: u8 = 0x06;
pub(super) const PUT_BLOCK: u8 = 0x07;
pub(super) const STAT: u8 = 0x08;
pub(super) const NOISE: u8 = 0x0b;
pub(super) const SINK: u8 = 0x0c;
pub(super) const SINK_NOISE: u8 = 0x0d;
pub(super) const PUT_LANE: u8 = 0x0e;
pub(super) const WELCOME: u8 = 0x81;
pub(super) const REFUSED: u8 = 0x82;
pub(super) const ENTRIES: u8 = 0x83;
pub(super) const PART: u8 = 0x84;
pub(super) const BLOCK: u8 = 0x85;
pub(super) const WORKING: u8 = 0x86;
pub(super) const WANT: u8 = 0x87;
pub(super) const STORED: u8 = 0x88;
pub(super) const DONE: u8 = 0x89;
pub(super) const FAILED: u8 = 0x8a;
pub(super) const WAITING: u8 = 0x8b;
