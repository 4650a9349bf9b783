//! What a link can give: measured, and said in plain words.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_domain::{BitsPerSecond, Env};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::carrier::CarrierKind;
use crate::connector::Connector;
use crate::error::TransferError;
use crate::protocol::message::{ClientMessage, Request, ServerMessage};
use crate::protocol::outcome::Outcome;
use crate::session::{Answers, Session};

/// What is sent at once, in bytes.
pub(crate) const PIECE: usize = 64 << 10;
/// The most that one question asks for, in bytes.
pub(crate) const MOST_NOISE: u32 = 2 << 20;
/// The most that may be on its way to the agent and not acknowledged, in bytes on each lane.
const UNDER_WAY: u64 = 4 << 20;
/// What is asked for first, and sent first, in bytes on each lane.
const FIRST: u64 = 64 << 10;
/// The longest measurement in each direction.
const LONGEST: Duration = Duration::from_secs(10);
/// How often it is looked how much has arrived.
const TICK: Duration = Duration::from_millis(20);
/// Answers that are taken together.
const BATCH: usize = 64;
/// The first part of a measurement, in which a connection comes up to speed, does not count.
const RAMP: f64 = 0.4;

/// What one carrier gives between here and an agent. Bytes that were made for this crossed, and no disk was touched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineReport {
    /// The carrier.
    pub carrier: CarrierKind,
    /// From nothing to the agent's greeting, in seconds.
    pub connect_seconds: f64,
    /// Smoothed round trip, in seconds.
    pub rtt_seconds: f64,
    /// What came from the agent, bytes of the protocol.
    pub down: BitsPerSecond,
    /// What reached the agent.
    pub up: BitsPerSecond,
    /// The part of what the agent sent that was lost, where the carrier tells it.
    pub down_loss: Option<f64>,
    /// The part of what this side sent that was lost, where the carrier tells it.
    pub up_loss: Option<f64>,
    /// Lanes that it was measured with; a transfer opens more when they bring more.
    pub lanes: usize,
    /// How it came to this carrier, and what slows it down on this host.
    pub why: String,
}

/// Measures the connector's way for so long in each direction, at most ten seconds.
///
/// # Errors
/// [`TransferError`], when it does not connect or is cut.
pub async fn bench(
    connector: &Connector,
    each: Duration,
    env: &dyn Env,
) -> Result<LineReport, TransferError> {
    let begin = Instant::now();
    if let Some(limit) = connector.limit() {
        limit.update(env);
    }
    let session = Arc::new(connector.connect(None, true, None).await?);
    let connect_seconds = begin.elapsed().as_secs_f64();
    let rtt_seconds = session.rtt().as_secs_f64();
    let each = each.min(LONGEST);
    let up = up(&session, each).await?;
    let up_loss = session.loss_here();
    let down = down(&session, each).await?;
    let (_, down_loss) = session.sent_there().await?;
    Ok(LineReport {
        carrier: session.kind(),
        connect_seconds,
        rtt_seconds,
        down,
        up,
        down_loss,
        up_loss,
        lanes: session.lanes(),
        why: session.why(),
    })
}

/// Bytes in a stretch of time: those that are counted at its begin are not part of it.
struct Gauge {
    begin: Instant,
    each: Duration,
    first: Option<(Instant, u64)>,
    last: (Instant, u64),
}

impl Gauge {
    fn new(each: Duration) -> Self {
        let begin = Instant::now();
        Self {
            begin,
            each,
            first: None,
            last: (begin, 0),
        }
    }

    fn is_over(&self) -> bool {
        self.begin.elapsed() >= self.each
    }

    /// So many in all, now. What comes after the end does not count.
    fn counted(&mut self, bytes: u64) {
        if self.is_over() {
            return;
        }
        self.last = (Instant::now(), bytes);
        if self.begin.elapsed() >= self.each.mul_f64(RAMP) {
            self.first.get_or_insert(self.last);
        }
    }

    fn rate(&self) -> BitsPerSecond {
        let (since, before) = self.first.unwrap_or((self.begin, 0));
        let (until, bytes) = self.last;
        let span = until.duration_since(since).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let bits = bytes.saturating_sub(before) as f64 * 8.0;
        BitsPerSecond::new(if span > 0.0 { bits / span } else { 0.0 })
    }
}

/// Asks each lane for noise, for more each time, and always for the next before the last has come: what is under way grows
/// with what the link takes, so that little is left over at the end.
pub(crate) async fn down(
    session: &Session,
    each: Duration,
) -> Result<BitsPerSecond, TransferError> {
    let (answers, mut receiver) = mpsc::unbounded_channel();
    let mut windows = vec![FIRST; session.lanes()];
    for lane in 0..windows.len() {
        for _ in 0..2 {
            ask(session, lane, FIRST, &answers).await?;
        }
    }
    let mut gauge = Gauge::new(each);
    let (mut bytes, mut open) = (0, windows.len() * 2);
    while open > 0 {
        let Some(answer) = receiver.recv().await else {
            break;
        };
        let over = gauge.is_over();
        match answer.message? {
            ServerMessage::Part(part) => {
                bytes += part.len() as u64;
                gauge.counted(bytes);
            }
            ServerMessage::Done(_) if over => open -= 1,
            ServerMessage::Done(_) => {
                let Some(window) = windows.get_mut(answer.lane) else {
                    continue;
                };
                *window = (*window * 2).min(MOST_NOISE.into());
                ask(session, answer.lane, *window, &answers).await?;
            }
            ServerMessage::Failed(failure) => return Err(failure.into_error()),
            _ => {}
        }
    }
    Ok(gauge.rate())
}

async fn ask(
    session: &Session,
    lane: usize,
    bytes: u64,
    answers: &Answers,
) -> Result<(), TransferError> {
    let bytes = u32::try_from(bytes).unwrap_or(MOST_NOISE).min(MOST_NOISE);
    let noise = Request::Noise { bytes };
    session.ask(lane, noise, answers.clone()).await?;
    Ok(())
}

/// Sends noise on each lane, ever more under way as more of it arrives.
async fn up(session: &Arc<Session>, each: Duration) -> Result<BitsPerSecond, TransferError> {
    let (noise, taken) = (noise()?, Arc::<AtomicU64>::default());
    let mut gauge = Gauge::new(each);
    let mut sinks = JoinSet::new();
    // A lane that is slow holds up no other.
    for lane in 0..session.lanes() {
        let (session, taken) = (Arc::clone(session), Arc::clone(&taken));
        sinks.spawn(sink(
            session,
            lane,
            noise.clone(),
            gauge.begin + each,
            taken,
        ));
    }
    let mut tick = interval(TICK);
    loop {
        tokio::select! {
            ended = sinks.join_next() => match ended {
                Some(ended) => ended.map_err(TransferError::cut)??,
                None => break,
            },
            _ = tick.tick() => gauge.counted(taken.load(Ordering::Relaxed)),
        }
    }
    Ok(gauge.rate())
}

async fn sink(
    session: Arc<Session>,
    index: usize,
    noise: Vec<u8>,
    end: Instant,
    taken: Arc<AtomicU64>,
) -> Result<(), TransferError> {
    let (answers, mut receiver) = mpsc::unbounded_channel();
    let id = session.ask(index, Request::Sink, answers).await?;
    let (mut window, mut sent, mut there, mut ended) = (FIRST, 0, 0, false);
    let mut batch = Vec::new();
    loop {
        let over = Instant::now() >= end;
        if over && !ended {
            ended = true;
            let last = ClientMessage::Noise(Vec::new());
            session.send(index, id, &last).await?;
        } else if !over && sent - there < window {
            sent += noise.len() as u64;
            let noise = ClientMessage::Noise(noise.clone());
            session.send(index, id, &noise).await?;
        } else if receiver.recv_many(&mut batch, BATCH).await == 0 {
            // An agent that is asked says something twice a second.
            return Ok(());
        }
        batch.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
        for answer in batch.drain(..) {
            let all = match answer.message? {
                ServerMessage::Working { done, .. } => done,
                ServerMessage::Done(Outcome::Sunk { bytes }) => bytes,
                ServerMessage::Failed(failure) => return Err(failure.into_error()),
                _ => 0,
            };
            let new = all.min(sent).saturating_sub(there);
            there += new;
            window = (window + new).min(UNDER_WAY);
            taken.fetch_add(new, Ordering::Relaxed);
        }
    }
}

/// Bytes that no link makes smaller.
pub(crate) fn noise() -> Result<Vec<u8>, TransferError> {
    let mut noise = vec![0; PIECE];
    getrandom::fill(&mut noise).map_err(|error| TransferError::Io {
        doing: "making noise".to_owned(),
        source: error.into(),
    })?;
    Ok(noise)
}

/// How much slower UDP is than TCP when something on the way holds it back.
const POLICED: f64 = 0.5;
/// A loss that one connection of ordinary TCP does not live with over a distance, and a round trip that is one, in seconds.
const LOSSY: f64 = 0.001;
const FAR: f64 = 0.03;

/// What follows from measurements of the carriers, in plain words; of those that failed, why. Pure.
#[must_use]
pub fn advice(measured: &[(CarrierKind, Result<LineReport, String>)]) -> Vec<String> {
    let of = |kind| {
        measured
            .iter()
            .find(|(measured, _)| *measured == kind)
            .map(|(_, report)| report.as_ref())
    };
    let (quic, tcp, stream) = (
        of(CarrierKind::Quic),
        of(CarrierKind::Tcp),
        of(CarrierKind::Stream),
    );
    let mut said = Vec::new();
    let auto = [(quic, "QUIC"), (tcp, "TCP"), (stream, "ssh")]
        .into_iter()
        .find(|(report, _)| matches!(report, Some(Ok(_))));
    said.push(match auto {
        Some((_, name)) => format!("`--carrier auto` takes {name}"),
        None => "no carrier reaches the agent".to_owned(),
    });
    match (quic, tcp) {
        (Some(Err(_)), Some(Ok(_))) => said.push(
            "UDP does not get through: let it pass at the agent's port, and transfers are not held down by losses"
                .to_owned(),
        ),
        (Some(Ok(quic)), Some(Err(_))) => said.push(format!(
            "TCP does not get through; QUIC does, with {}",
            quic.down
        )),
        (Some(Ok(quic)), Some(Ok(tcp))) if quic.down.get() < tcp.down.get() * POLICED => {
            said.push(format!(
                "UDP is slower than TCP here ({} against {}): something on the way may hold it back; `--carrier tcp`",
                quic.down, tcp.down
            ));
        }
        _ => {}
    }
    if let Some(Ok(quic)) = quic
        && quic.rtt_seconds > FAR
        && quic.down_loss.is_some_and(|loss| loss > LOSSY)
    {
        said.push(format!(
            "{:.2} % of the packets are lost on a round trip of {:.0} ms: a single connection of ordinary TCP can't fill this link",
            quic.down_loss.unwrap_or_default() * 100.0,
            quic.rtt_seconds * 1e3
        ));
    }
    if let (Some(Ok(quic)), Some(Ok(tcp))) = (quic, tcp)
        && (quic.up.get() > quic.down.get() * 2.0 && tcp.up.get() > tcp.down.get() * 2.0)
    {
        said.push("the link gives less towards here than away from here".to_owned());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(carrier: CarrierKind, down: f64) -> LineReport {
        LineReport {
            carrier,
            connect_seconds: 0.4,
            rtt_seconds: 0.18,
            down: BitsPerSecond::new(down * 1e6),
            up: BitsPerSecond::new(down * 1e6),
            down_loss: None,
            up_loss: None,
            lanes: 8,
            why: String::new(),
        }
    }

    fn said(quic: Result<LineReport, String>, tcp: Result<LineReport, String>) -> Vec<String> {
        let stream = report(CarrierKind::Stream, 5.0);
        advice(&[
            (CarrierKind::Quic, quic),
            (CarrierKind::Tcp, tcp),
            (CarrierKind::Stream, Ok(stream)),
        ])
    }

    #[test]
    fn advice_follows_from_what_was_measured() {
        let no = || Err("no answer".to_owned());
        let (quic, tcp) = (
            |down| Ok(report(CarrierKind::Quic, down)),
            |down| Ok(report(CarrierKind::Tcp, down)),
        );
        assert_eq!(said(quic(90.0), tcp(80.0)), ["`--carrier auto` takes QUIC"]);
        let blocked = said(no(), tcp(80.0));
        assert_eq!(blocked[0], "`--carrier auto` takes TCP");
        assert!(blocked[1].starts_with("UDP does not get through"));
        let policed = said(quic(20.0), tcp(80.0));
        assert!(
            policed[1].contains("20 Mbit/s against 80 Mbit/s"),
            "{policed:?}"
        );
        assert_eq!(said(no(), no()), ["`--carrier auto` takes ssh"]);
        assert_eq!(
            advice(&[(CarrierKind::Quic, no())]),
            ["no carrier reaches the agent"]
        );
        let lossy = Ok(LineReport {
            down_loss: Some(0.01),
            ..report(CarrierKind::Quic, 90.0)
        });
        assert!(said(lossy, tcp(60.0))[1].starts_with("1.00 % of the packets are lost"));
    }
}
