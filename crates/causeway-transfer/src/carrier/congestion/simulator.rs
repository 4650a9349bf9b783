//! A bottleneck in virtual time, packet by packet: a tail-drop queue, a rate, random losses, delay and jitter, and flows that
//! share it. The same seed gives the same run.
#![expect(
    clippy::cast_possible_truncation,
    reason = "times and sizes of a model of a minute"
)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::{Controller, KnownPath, Sent};

/// Bytes of a packet of the model, and of its headers below QUIC.
pub(super) const PACKET: u64 = 1472;
const HEADERS: u64 = 28;
/// Timers fire on this grid.
const GRID: u64 = 1_000_000;
/// A receiver acknowledges so many packets at once, or after so long (s2n-quic's settings).
const ACK_PACKETS: usize = 10;
const ACK_DELAY: u64 = 25_000_000;

/// The bottleneck. Times in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// In bits a second.
    pub(super) rate: f64,
    /// One way.
    pub(super) delay: Duration,
    /// Bytes that the queue holds.
    pub(super) queue: u64,
    /// Part of the packets that is lost behind the bottleneck.
    pub(super) loss: f64,
    /// Up to so much later, order kept.
    pub(super) jitter: Duration,
}

impl Path {
    /// With a queue of one bandwidth-delay product.
    pub(super) fn new(megabits: f64, round_trip_ms: u64, loss: f64) -> Self {
        let rate = megabits * 1e6;
        Self {
            rate,
            delay: Duration::from_millis(round_trip_ms) / 2,
            queue: (rate / 8.0 * round_trip_ms as f64 / 1000.0) as u64,
            loss,
            jitter: Duration::ZERO,
        }
    }

    /// Bandwidth-delay product in bytes.
    pub(super) fn product(&self) -> f64 {
        self.rate / 8.0 * 2.0 * self.delay.as_secs_f64()
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A flow may send.
    Wake(usize),
    /// A packet reaches the receiver.
    Arrives(usize, u64),
    /// The receiver has waited long enough.
    AckDue(usize),
    /// An acknowledgement reaches the sender.
    Acked(usize, Vec<u64>),
    /// Nothing came for long.
    Probe(usize, u64),
}

#[derive(Debug)]
struct Flow {
    control: Controller,
    begins: u64,
    /// Bytes a second that the application makes; `None`: as much as there is room for.
    supply: Option<f64>,
    supplied: f64,
    supplied_at: u64,
    next: u64,
    under_way: BTreeMap<u64, Sent>,
    waiting: Vec<u64>,
    ack_timer: bool,
    wake: Option<u64>,
    last_ack: u64,
    last_arrival: u64,
    last_answer: u64,
    sent: u64,
    lost: u64,
    /// Bytes delivered in each tenth of a second.
    delivered: Vec<u64>,
}

/// A path and its flows.
pub(super) struct World {
    pub(super) path: Path,
    flows: Vec<Flow>,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    number: u64,
    /// When the bottleneck has sent what it holds.
    busy_until: u64,
    random: u64,
    pub(super) cut: bool,
    pub(super) dropped: u64,
    /// Bytes in the queue, seen by each packet: in each tenth of a second the least and the most.
    queues: Vec<(u64, u64)>,
}

impl World {
    pub(super) fn new(path: Path, seed: u64) -> Self {
        Self {
            path,
            flows: Vec::new(),
            now: 0,
            events: BinaryHeap::new(),
            number: 0,
            busy_until: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            cut: false,
            dropped: 0,
            queues: Vec::new(),
        }
    }

    /// A flow that begins at a time.
    pub(super) fn flow(&mut self, begins: Duration) -> usize {
        self.flow_after(begins, None)
    }

    /// The same, on a path of which something is known.
    pub(super) fn flow_after(&mut self, begins: Duration, known: Option<KnownPath>) -> usize {
        let index = self.flows.len();
        let begins = begins.as_nanos() as u64;
        self.flows.push(Flow {
            control: Controller::new(PACKET, self.random ^ index as u64).on_path(known),
            begins,
            supply: None,
            supplied: 0.0,
            supplied_at: begins,
            next: 0,
            under_way: BTreeMap::new(),
            waiting: Vec::new(),
            ack_timer: false,
            wake: None,
            last_ack: begins,
            last_arrival: 0,
            last_answer: 0,
            sent: 0,
            lost: 0,
            delivered: Vec::new(),
        });
        self.at(begins, Event::Wake(index));
        self.at(begins + 1_000_000_000, Event::Probe(index, 0));
        index
    }

    /// Bounds what the application of a flow makes, in bits a second.
    pub(super) fn supply(&mut self, flow: usize, rate: Option<f64>) {
        let now = self.now;
        let flow_ = &mut self.flows[flow];
        flow_.supply = rate.map(|rate| rate / 8.0);
        flow_.supplied = 0.0;
        flow_.supplied_at = now;
        self.at(now, Event::Wake(flow));
    }

    fn at(&mut self, time: u64, event: Event) {
        self.number += 1;
        self.events.push(Reverse((time, self.number, event)));
    }

    fn chance(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Runs until a time.
    pub(super) fn run(&mut self, until: Duration) {
        let until = until.as_nanos() as u64;
        while let Some(Reverse((time, _, _))) = self.events.peek() {
            if *time > until {
                break;
            }
            let Some(Reverse((time, _, event))) = self.events.pop() else {
                break;
            };
            self.now = time;
            match event {
                Event::Wake(flow) => {
                    if self.flows[flow].wake.is_none_or(|wake| wake <= time) {
                        self.flows[flow].wake = None;
                        self.send(flow);
                    }
                }
                Event::Arrives(flow, packet) => self.arrives(flow, packet),
                Event::AckDue(flow) => {
                    self.flows[flow].ack_timer = false;
                    self.acknowledge(flow);
                }
                Event::Acked(flow, packets) => {
                    self.acked(flow, &packets);
                    self.send(flow);
                }
                Event::Probe(flow, last_ack) => self.probe(flow, last_ack),
            }
        }
        self.now = until;
    }

    fn send(&mut self, flow: usize) {
        loop {
            let now = self.now;
            let f = &mut self.flows[flow];
            if now < f.begins || f.control.is_limited() {
                return;
            }
            if let Some(supply) = f.supply {
                f.supplied += supply * (now - f.supplied_at) as f64 / 1e9;
                f.supplied_at = now;
                if f.supplied < PACKET as f64 {
                    let wait = ((PACKET as f64 - f.supplied) / supply * 1e9) as u64 + GRID;
                    f.wake = Some(now + wait);
                    self.at(now + wait, Event::Wake(flow));
                    return;
                }
                f.supplied -= PACKET as f64;
            }
            if let Some(departure) = f.control.departure() {
                let departure = departure.as_nanos() as u64;
                if departure > now {
                    let wake = departure.div_ceil(GRID) * GRID;
                    if f.supply.is_some() {
                        f.supplied += PACKET as f64;
                    }
                    if f.wake.is_none_or(|known| known > wake || known < now) {
                        f.wake = Some(wake);
                        self.at(wake, Event::Wake(flow));
                    }
                    return;
                }
            }
            self.transmit(flow);
        }
    }

    fn transmit(&mut self, flow: usize) {
        let now = self.now;
        let f = &mut self.flows[flow];
        let short = f.supply.is_some() && f.supplied < PACKET as f64;
        let sent = f.control.on_sent(Duration::from_nanos(now), PACKET, short);
        let packet = f.next;
        f.next += 1;
        f.sent += PACKET;
        f.under_way.insert(packet, sent);
        let waiting = self.busy_until.saturating_sub(now) as f64 / 1e9 * self.path.rate / 8.0;
        let waiting = waiting as u64;
        let tenth = (now / 100_000_000) as usize;
        if self.queues.len() <= tenth {
            self.queues.resize(tenth + 1, (u64::MAX, 0));
        }
        let (least, most) = self.queues[tenth];
        self.queues[tenth] = (least.min(waiting), most.max(waiting));
        if waiting + PACKET + HEADERS > self.path.queue + 3000 {
            self.dropped += 1;
            return;
        }
        let duration = (PACKET + HEADERS) as f64 * 8.0 / self.path.rate * 1e9;
        self.busy_until = self.busy_until.max(now) + duration as u64;
        if self.chance() < self.path.loss || self.cut {
            return;
        }
        let jitter = self.chance() * self.path.jitter.as_nanos() as f64;
        let arrival = self.busy_until + self.path.delay.as_nanos() as u64 + jitter as u64;
        let f = &mut self.flows[flow];
        f.last_arrival = f.last_arrival.max(arrival);
        let arrival = f.last_arrival;
        self.at(arrival, Event::Arrives(flow, packet));
    }

    fn arrives(&mut self, flow: usize, packet: u64) {
        if self.cut {
            return;
        }
        let tenth = (self.now / 100_000_000) as usize;
        let f = &mut self.flows[flow];
        if f.delivered.len() <= tenth {
            f.delivered.resize(tenth + 1, 0);
        }
        f.delivered[tenth] += PACKET;
        f.waiting.push(packet);
        if f.waiting.len() >= ACK_PACKETS {
            self.acknowledge(flow);
        } else if !f.ack_timer {
            f.ack_timer = true;
            self.at(self.now + ACK_DELAY, Event::AckDue(flow));
        }
    }

    fn acknowledge(&mut self, flow: usize) {
        let packets = std::mem::take(&mut self.flows[flow].waiting);
        if packets.is_empty() || self.cut {
            return;
        }
        let jitter = self.chance() * self.path.jitter.as_nanos() as f64;
        let arrival = self.now + self.path.delay.as_nanos() as u64 + jitter as u64;
        let f = &mut self.flows[flow];
        f.last_answer = f.last_answer.max(arrival);
        let arrival = f.last_answer;
        self.at(arrival, Event::Acked(flow, packets));
    }

    fn acked(&mut self, flow: usize, packets: &[u64]) {
        let now = Duration::from_nanos(self.now);
        let f = &mut self.flows[flow];
        f.last_ack = self.now;
        let (mut bytes, mut newest) = (0, None);
        for packet in packets {
            if let Some(sent) = f.under_way.remove(packet) {
                bytes += PACKET;
                newest = Some((*packet, sent));
            }
        }
        let Some((largest, newest)) = newest else {
            return;
        };
        let lost: Vec<u64> = f
            .under_way
            .range(..largest.saturating_sub(2))
            .map(|(packet, _)| *packet)
            .collect();
        let times: Vec<Duration> = lost.iter().map(|packet| f.under_way[packet].at).collect();
        let outage = times
            .first()
            .zip(times.last())
            .is_some_and(|(first, last)| {
                *last - *first > 4 * 2 * self.path.delay + Duration::from_millis(100)
            });
        for packet in lost {
            f.under_way.remove(&packet);
            f.lost += PACKET;
            f.control.on_lost(now, PACKET, outage);
        }
        f.control.on_acked(now, bytes, &newest);
    }

    /// The probe timeout: a packet leaves whatever the window says.
    fn probe(&mut self, flow: usize, last_ack: u64) {
        if self.flows[flow].last_ack == last_ack && !self.flows[flow].under_way.is_empty() {
            self.transmit(flow);
        }
        let last_ack = self.flows[flow].last_ack;
        self.at(self.now + 500_000_000, Event::Probe(flow, last_ack));
    }

    /// Bits a second that a flow delivered between two times.
    pub(super) fn goodput(&self, flow: usize, from: f64, to: f64) -> f64 {
        let (first, last) = ((from * 10.0) as usize, (to * 10.0) as usize);
        let bytes: u64 = self.flows[flow]
            .delivered
            .iter()
            .skip(first)
            .take(last - first)
            .sum();
        bytes as f64 * 8.0 / (to - from)
    }

    /// Goodput of all flows over the rate of the path.
    pub(super) fn use_of_path(&self, from: f64, to: f64) -> f64 {
        (0..self.flows.len())
            .map(|flow| self.goodput(flow, from, to))
            .sum::<f64>()
            / self.path.rate
    }

    /// The standing queue between two times, over the bandwidth-delay product: the mean of what stays each tenth of a second.
    pub(super) fn standing(&self, from: f64, to: f64) -> f64 {
        let tenths: Vec<f64> = self
            .queues
            .iter()
            .skip((from * 10.0) as usize)
            .take(((to - from) * 10.0) as usize)
            .filter(|(least, _)| *least != u64::MAX)
            .map(|(least, _)| *least as f64)
            .collect();
        tenths.iter().sum::<f64>() / tenths.len().max(1) as f64 / self.path.product()
    }

    /// Lost over sent bytes of a flow.
    pub(super) fn lost(&self, flow: usize) -> f64 {
        self.flows[flow].lost as f64 / self.flows[flow].sent as f64
    }

    /// What a flow thinks, for a failing test to show.
    pub(super) fn control(&self, flow: usize) -> &Controller {
        &self.flows[flow].control
    }
}
