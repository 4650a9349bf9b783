//! Puts [`congestion`](super::congestion) into s2n-quic.

use std::time::Duration;

use s2n_quic::provider::congestion_controller::{
    CongestionController, Endpoint, PathInfo, Publisher, RandomGenerator, RttEstimator, Timestamp,
};

use super::congestion::{Controller, Sent};

/// Makes a controller for each path.
#[derive(Debug)]
pub(super) struct Control;

impl Endpoint for Control {
    type CongestionController = Adapter;

    fn new_congestion_controller(&mut self, path: PathInfo<'_>) -> Adapter {
        let mut seed = [0; 8];
        // It spreads probes, no more: without randomness they come at the same distance.
        getrandom::fill(&mut seed).ok();
        Adapter {
            core: Controller::new(path.max_datagram_size.into(), u64::from_le_bytes(seed)),
            began: None,
        }
    }
}

/// A controller whose time begins with its first packet.
#[derive(Debug, Clone)]
pub(super) struct Adapter {
    core: Controller,
    began: Option<Timestamp>,
}

impl Adapter {
    fn time(&mut self, at: Timestamp) -> Duration {
        at.saturating_duration_since(*self.began.get_or_insert(at))
    }
}

fn narrow(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl CongestionController for Adapter {
    type PacketInfo = Sent;

    fn congestion_window(&self) -> u32 {
        narrow(self.core.window())
    }

    fn bytes_in_flight(&self) -> u32 {
        narrow(self.core.in_flight())
    }

    fn is_congestion_limited(&self) -> bool {
        self.core.is_limited()
    }

    fn requires_fast_retransmission(&self) -> bool {
        false
    }

    fn on_packet_sent<Pub: Publisher>(
        &mut self,
        time_sent: Timestamp,
        sent_bytes: usize,
        app_limited: Option<bool>,
        _: &RttEstimator,
        _: &mut Pub,
    ) -> Sent {
        let now = self.time(time_sent);
        // The handshake's packets say nothing: they are few.
        self.core
            .on_sent(now, sent_bytes as u64, app_limited.unwrap_or(true))
    }

    fn on_rtt_update<Pub: Publisher>(
        &mut self,
        _: Timestamp,
        _: Timestamp,
        _: &RttEstimator,
        _: &mut Pub,
    ) {
    }

    fn on_ack<Pub: Publisher>(
        &mut self,
        _: Timestamp,
        bytes_acknowledged: usize,
        newest_acked_packet_info: Sent,
        _: &RttEstimator,
        _: &mut dyn RandomGenerator,
        ack_receive_time: Timestamp,
        _: &mut Pub,
    ) {
        let now = self.time(ack_receive_time);
        self.core
            .on_acked(now, bytes_acknowledged as u64, &newest_acked_packet_info);
    }

    fn on_packet_lost<Pub: Publisher>(
        &mut self,
        lost_bytes: u32,
        _: Sent,
        persistent_congestion: bool,
        _: bool,
        _: &mut dyn RandomGenerator,
        timestamp: Timestamp,
        _: &mut Pub,
    ) {
        let now = self.time(timestamp);
        self.core
            .on_lost(now, lost_bytes.into(), persistent_congestion);
    }

    fn on_explicit_congestion<Pub: Publisher>(&mut self, _: u64, _: Timestamp, _: &mut Pub) {
        self.core.on_marked();
    }

    fn on_mtu_update<Pub: Publisher>(&mut self, max_data_size: u16, _: &mut Pub) {
        self.core.on_packet_size(max_data_size.into());
    }

    fn on_packet_discarded<Pub: Publisher>(&mut self, bytes_sent: usize, _: &mut Pub) {
        self.core.on_discarded(bytes_sent as u64);
    }

    fn earliest_departure_time(&self) -> Option<Timestamp> {
        self.began?.checked_add(self.core.departure()?)
    }

    fn send_quantum(&self) -> Option<usize> {
        usize::try_from(self.core.quantum()).ok()
    }
}
