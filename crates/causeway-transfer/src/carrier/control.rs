//! Puts [`congestion`](super::congestion) into s2n-quic.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use s2n_quic::provider::congestion_controller::{
    CongestionController, Endpoint, PathInfo, Publisher, RandomGenerator, RttEstimator, Timestamp,
};
use s2n_quic::provider::event::events::SocketAddress;

use super::congestion::{Controller, KnownPath, Sent};

/// What is known of a path is of no use after so long: networks change over a day.
const LIFE: Duration = Duration::from_secs(3600);
/// Most addresses whose paths are remembered.
const MAX_PATHS: usize = 1024;

/// What connections found of the paths to their callers, by address.
#[derive(Debug, Default)]
struct Paths(HashMap<IpAddr, (KnownPath, Instant)>);

impl Paths {
    fn known(&self, address: IpAddr, now: Instant) -> Option<KnownPath> {
        let (known, at) = self.0.get(&address)?;
        (now.saturating_duration_since(*at) < LIFE).then_some(*known)
    }

    fn learn(&mut self, address: IpAddr, found: KnownPath, now: Instant) {
        if self.0.len() >= MAX_PATHS && !self.0.contains_key(&address) {
            let oldest = self.0.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(address, (found, now));
    }
}

type SharedPaths = Arc<Mutex<Paths>>;

/// Makes a controller for each path; each tells later ones of the same endpoint what it found.
#[derive(Debug, Default)]
pub(super) struct Control {
    paths: SharedPaths,
}

impl Endpoint for Control {
    type CongestionController = Adapter;

    fn new_congestion_controller(&mut self, path: PathInfo<'_>) -> Adapter {
        let mut seed = [0; 8];
        // It spreads probes, no more: without randomness they come at the same distance.
        getrandom::fill(&mut seed).ok();
        let core = Controller::new(path.max_datagram_size.into(), u64::from_le_bytes(seed));
        let address = address_of(&path.remote_address);
        let known = address.and_then(|address| lock(&self.paths).known(address, Instant::now()));
        Adapter {
            core: core.on_path(known),
            began: None,
            address,
            paths: Arc::clone(&self.paths),
            told: 0,
        }
    }
}

/// A controller whose time begins with its first packet.
#[derive(Debug, Clone)]
pub(super) struct Adapter {
    core: Controller,
    began: Option<Timestamp>,
    address: Option<IpAddr>,
    paths: SharedPaths,
    /// How often it told what it found.
    told: u32,
}

fn address_of(address: &SocketAddress<'_>) -> Option<IpAddr> {
    match address {
        SocketAddress::IpV4 { ip, .. } => Some(IpAddr::from(**ip)),
        SocketAddress::IpV6 { ip, .. } => Some(IpAddr::from(**ip)),
        _ => None,
    }
}

fn lock(paths: &SharedPaths) -> std::sync::MutexGuard<'_, Paths> {
    paths.lock().unwrap_or_else(PoisonError::into_inner)
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
        if let Some((times, found)) = self.core.found()
            && times != self.told
        {
            self.told = times;
            if let Some(address) = self.address {
                lock(&self.paths).learn(address, found, Instant::now());
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_remembered_for_an_hour_and_the_oldest_go() {
        let found = |control: &Controller| control.found().map(|(_, found)| found);
        let mut control = Controller::new(1472, 1);
        let mut now = Duration::ZERO;
        // A window a round trip of 100 ms, until that is what the path does.
        while found(&control).is_none() {
            let mut sent = Vec::new();
            while !control.is_limited() && sent.len() < 100 {
                sent.push(control.on_sent(now, 1472, false));
            }
            now += Duration::from_millis(100);
            for packet in sent {
                control.on_acked(now, 1472, &packet);
            }
        }
        let (found, begin) = (found(&control).unwrap(), Instant::now());
        let address =
            |number: u16| IpAddr::from([10, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]]);
        let mut paths = Paths::default();
        for number in 0..=1024 {
            paths.learn(
                address(number),
                found,
                begin + Duration::from_secs(number.into()),
            );
        }
        let known = |paths: &Paths, number, seconds| {
            paths.known(address(number), begin + Duration::from_secs(seconds))
        };
        assert_eq!(known(&paths, 0, 1025), None);
        assert_eq!(known(&paths, 1, 1025), Some(found));
        assert_eq!(known(&paths, 1, 3601), None);
        assert_eq!(known(&paths, 1024, 3601), Some(found));
    }
}
