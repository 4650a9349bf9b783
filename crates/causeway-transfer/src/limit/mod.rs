//! A cap on what a transfer takes of the line.
//!
//! Each lane at home pays for what it reads and writes out of one budget, whatever carries it, and reads no more until that
//! is paid: the receive windows fill, and the sender stops. Which cap is in force is the [`Link`](crate::link::Link)'s to say.

mod bucket;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use causeway_domain::{Cap, Env, RateLimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use bucket::{Bucket, Turn};

/// What a lane moves at once: the bytes of this long at the cap, within bounds.
const PIECE: Duration = Duration::from_millis(20);
const LEAST_PIECE: usize = 16 << 10;
const MOST_PIECE: usize = 256 << 10;
/// How long a lane sleeps at most before it looks whether the cap is another one.
const LOOK: Duration = Duration::from_millis(250);
/// What may be asked for and not here, in time at the cap: it bounds what a host takes up ahead of the budget.
const AHEAD: f64 = 4.0;
/// What may be under way in a carrier's own windows, in time at the cap.
const WINDOW: f64 = 1.0;
/// The least of these windows, in bytes.
const LEAST_WINDOW: u64 = 256 << 10;

/// A limit, and the budget that all transfers over one connector share.
#[derive(Debug, Clone)]
pub(crate) struct Limited {
    pub(crate) limit: RateLimit,
    pub(crate) throttle: Arc<Throttle>,
}

/// What is allowed now.
pub(crate) enum Allowed {
    Now,
    /// Nothing, until a time of day here (none: ever) that is so far away.
    Later(Option<String>, Duration),
}

/// What a pause is waited for until then.
pub(crate) fn pause_in_words(until: Option<String>) -> String {
    until.map_or_else(
        || "another limit: this one allows nothing".to_owned(),
        |clock| format!("{clock}: until then the limit allows nothing"),
    )
}

impl Limited {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            throttle: Arc::new(Throttle::new()),
        }
    }

    /// Puts the cap of this instant into force. A pause does not hold up what is under way: that is for the caller to end.
    pub(crate) fn update(&self, env: &dyn Env) -> Allowed {
        let now = env.now();
        let (cap, until) = self.limit.at(now, &env.zone());
        let mut state = self.throttle.lock();
        state.paused = cap == Cap::Paused;
        let at = state.clock();
        match cap {
            Cap::Paused => {
                let wait = until
                    .as_ref()
                    .map(|until| until.timestamp().duration_since(now));
                let wait = wait.and_then(|wait| Duration::try_from(wait).ok());
                let clock = until.map(|until| until.strftime("%H:%M").to_string());
                return Allowed::Later(clock, wait.unwrap_or(Duration::MAX));
            }
            Cap::At(rate) => state.bucket.set_rate(at, Some(rate.bytes())),
            Cap::Unlimited => state.bucket.set_rate(at, None),
        }
        Allowed::Now
    }

    /// What a carrier's windows should hold at most, in bytes; `None` where the limit is none at some time of the day.
    pub(crate) fn window(&self) -> Option<u64> {
        match self.limit.most() {
            Cap::Unlimited => None,
            Cap::At(rate) => Some(whole(rate.bytes() * WINDOW).max(LEAST_WINDOW)),
            Cap::Paused => Some(LEAST_WINDOW),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of bytes; a larger one than fits is the largest"
)]
const fn whole(bytes: f64) -> u64 {
    bytes as u64
}

/// The budget of all lanes.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<State>);

#[derive(Debug)]
struct State {
    bucket: Bucket,
    began: Instant,
    paused: bool,
    /// Until when some lane waits for its turn.
    held: Instant,
}

impl State {
    fn clock(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Throttle {
    fn new() -> Self {
        let began = Instant::now();
        Self(Mutex::new(State {
            bucket: Bucket::new(),
            began,
            paused: false,
            held: began,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more is to be asked for.
    pub(crate) fn is_paused(&self) -> bool {
        self.lock().paused
    }

    /// Until when some lane waited for its turn, and so was silent by itself.
    pub(crate) fn held_until(&self) -> Instant {
        self.lock().held
    }

    /// How many bytes may be asked for and not here; `None`: as many as the lanes take.
    pub(crate) fn under_way(&self, rtt: Duration) -> Option<u64> {
        let rate = self.lock().bucket.rate()?;
        Some(whole(rate * (AHEAD + rtt.as_secs_f64())))
    }

    /// How much a lane moves at once; `None`: all that there is.
    fn piece(&self) -> Option<usize> {
        let rate = self.lock().bucket.rate()?;
        let piece = usize::try_from(whole(rate * PIECE.as_secs_f64())).unwrap_or(MOST_PIECE);
        Some(piece.clamp(LEAST_PIECE, MOST_PIECE))
    }

    fn take(&self, bytes: usize) -> Turn {
        let mut state = self.lock();
        let now = state.clock();
        state.bucket.take(now, bytes as u64)
    }

    fn wait(&self, turn: Turn) -> Duration {
        let mut state = self.lock();
        let now = state.clock();
        let wait = state.bucket.wait(now, turn);
        if let Some(until) = Instant::now().checked_add(wait) {
            state.held = state.held.max(until);
        }
        wait
    }
}

/// One direction of a lane that pays for what it moves.
pub(crate) struct Paced<T> {
    inner: T,
    throttle: Option<Arc<Throttle>>,
    turn: Option<Turn>,
    sleep: Pin<Box<Sleep>>,
}

impl<T> Paced<T> {
    pub(crate) fn new(inner: T, throttle: Option<Arc<Throttle>>) -> Self {
        Self {
            inner,
            throttle,
            turn: None,
            sleep: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// Waits until what moved last is paid; gives how much may move now.
    pub(crate) fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        let Some(throttle) = &self.throttle else {
            return Poll::Ready(None);
        };
        while let Some(turn) = self.turn {
            let wait = throttle.wait(turn);
            if wait.is_zero() {
                self.turn = None;
            } else {
                self.sleep.as_mut().reset(Instant::now() + wait.min(LOOK));
                ready!(self.sleep.as_mut().poll(context));
            }
        }
        Poll::Ready(throttle.piece())
    }

    /// So much moved.
    pub(crate) fn moved(&mut self, bytes: usize) {
        if let Some(throttle) = self.throttle.as_ref().filter(|_| bytes > 0) {
            self.turn = Some(throttle.take(bytes));
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let piece = ready!(self.poll_turn(context));
        let before = buffer.filled().len();
        match piece.filter(|piece| *piece < buffer.remaining()) {
            None => ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?,
            Some(piece) => {
                let mut part = ReadBuf::new(buffer.initialize_unfilled_to(piece));
                ready!(Pin::new(&mut self.inner).poll_read(context, &mut part))?;
                let read = part.filled().len();
                buffer.advance(read);
            }
        }
        let read = buffer.filled().len() - before;
        self.moved(read);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let piece = ready!(self.poll_turn(context)).unwrap_or(usize::MAX);
        let bytes = bytes.get(..piece).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        self.moved(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
