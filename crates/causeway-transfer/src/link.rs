//! A connection that comes back.

mod rival;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_domain::Env;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::backoff::{pause, pause_to_connect};
use crate::carrier::CarrierKind;
use crate::carrier::growth::{self, Step};
use crate::connector::{Again, Connector};
use crate::error::TransferError;
use crate::limit::{Allowed, Limited, pause_in_words};
use crate::progress::{Meter, SentThere, Stage};
use crate::protocol::message::Request;
use crate::session::Session;

/// How often a ticket that is refused is read again before that is the answer: an agent that starts again needs a moment to
/// write its new one.
const MAX_REFUSALS: u32 = 5;
/// So long an agent that is starting may take to write its ticket. Later on one that is gone is waited for like the agent.
const APPEARS: Duration = Duration::from_secs(5);
/// How often it is looked whether a session is silent.
const TICK: Duration = Duration::from_millis(100);
/// So long what was asked for before a pause may still come.
const DRAIN: Duration = Duration::from_secs(30);
/// So long, beside three round trips, a count is waited for once everything is here.
const COUNT: Duration = Duration::from_secs(1);
/// How often a pause is told, and the clock looked at.
const PAUSE: Duration = Duration::from_secs(60);

/// Connects when it has to, and again after a cut, until nothing moved for as long as the caller allows.
pub(crate) struct Link<'a> {
    connector: &'a Connector,
    env: &'a dyn Env,
    /// Something is to go there.
    puts: bool,
    /// What is asked with the greeting of the next connection.
    first: Option<Request>,
    session: Option<Arc<Session>>,
    /// What took the place of a session that is silent.
    next: Mutex<Option<Session>>,
    tries: u32,
    refusals: u32,
    /// When something moved last.
    alive: Instant,
    /// Since when a disk is full.
    full: Option<(Instant, u32)>,
    /// What the last cut said.
    last: String,
    carrier: (CarrierKind, String),
    /// The round trip of the last connection.
    rtt: Option<Duration>,
    /// Bytes that the agent put on connections that are over.
    sent_before: u64,
    /// Bytes that this side put on them.
    sent_here_before: u64,
}

impl<'a> Link<'a> {
    pub(crate) fn new(connector: &'a Connector, env: &'a dyn Env) -> Self {
        Self {
            connector,
            env,
            puts: false,
            first: None,
            session: None,
            next: Mutex::default(),
            tries: 0,
            refusals: 0,
            alive: Instant::now(),
            full: None,
            last: String::new(),
            carrier: (CarrierKind::Stream, String::new()),
            rtt: None,
            sent_before: 0,
            sent_here_before: 0,
        }
    }

    /// For what brings something to the site.
    pub(crate) fn putting(self) -> Self {
        Self { puts: true, ..self }
    }

    /// What the next connection asks with its greeting, a round trip before anything else can be asked.
    pub(crate) fn ask_first(&mut self, first: Option<Request>) {
        self.first = first;
    }

    /// The open session; connects when there is none.
    ///
    /// # Errors
    /// [`TransferError::GaveUp`]; what connecting again can't change.
    pub(crate) async fn session(
        &mut self,
        meter: &Meter<'_>,
    ) -> Result<Arc<Session>, TransferError> {
        loop {
            self.pause(meter).await;
            if let Some(session) = &self.session {
                return Ok(Arc::clone(session));
            }
            let next = self.next().take();
            if let Some(next) = next {
                self.stands(next);
                continue;
            }
            // None right after something moved: a cut costs no more than it has to.
            let idle = self.alive.elapsed();
            let wait = if self.refusals == 0 && self.connector.is_direct() {
                pause_to_connect(self.tries, idle, self.env.random())
            } else {
                pause(self.tries, self.env.random())
            };
            if !self.last.is_empty() {
                if idle + wait > self.connector.patience().give_up {
                    return Err(TransferError::GaveUp {
                        after: idle,
                        last: self.last.clone(),
                    });
                }
                meter.stage(Stage::Waiting {
                    why: format!("a connection ({})", self.last),
                    pause: wait,
                });
                sleep(wait).await;
            }
            meter.stage(Stage::Connecting);
            let again = self.rtt.map(|rtt| Again {
                rtt,
                last: self.carrier.0,
                tries: self.tries,
                is_refused: self.refusals > 0,
            });
            self.tries = self.tries.saturating_add(1);
            let first = self.first.clone();
            match self.connector.connect(again, self.puts, first).await {
                Ok(session) => self.stands(session),
                Err(error @ TransferError::NoTicket { .. })
                    if again.is_none() && self.alive.elapsed() >= APPEARS =>
                {
                    return Err(error);
                }
                Err(error) if error.is_cut() => self.last = error.to_string(),
                Err(error @ (TransferError::Refused { .. } | TransferError::Untrusted { .. }))
                    if self.connector.may_change() && self.refusals < MAX_REFUSALS =>
                {
                    self.refusals += 1;
                    self.last = error.to_string();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits while the limit says that nothing may move. No connection is held meanwhile.
    async fn pause(&mut self, meter: &Meter<'_>) {
        while let Some(Allowed::Later(clock, left)) =
            self.connector.limit().map(|limit| limit.update(self.env))
        {
            self.lost(&TransferError::cut("the limit pauses it"));
            drop(self.next().take());
            let why = pause_in_words(clock);
            meter.stage(Stage::Waiting { why, pause: left });
            sleep(left.min(PAUSE)).await;
            // It was no failure.
            self.last.clear();
            self.moved();
        }
    }

    fn next(&self) -> std::sync::MutexGuard<'_, Option<Session>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stands(&mut self, session: Session) {
        tracing::debug!(carrier = %session.kind(), why = session.why(), "connected");
        self.refusals = 0;
        self.last.clear();
        self.session = Some(Arc::new(session));
    }

    /// The session is over.
    pub(crate) fn lost(&mut self, error: &TransferError) {
        tracing::debug!(%error, "cut");
        self.last = error.to_string();
        if let Some(session) = self.session.take() {
            self.carrier = (session.kind(), session.why());
            self.rtt = Some(session.rtt());
            self.sent_before += session.received();
            self.sent_here_before += session.sent_here();
        }
    }

    /// Does something over a session, and when that falls silent connects anew beside it. The new connection takes its place
    /// once it stands, and the work ends with a cut; when the old one speaks first, it is kept.
    pub(crate) async fn watched<T>(&self, session: &Session, work: impl Future<Output = T>) -> T {
        let limited = async {
            if let Some(limit) = self.connector.limit() {
                keep(limit, self.env, session).await;
            }
        };
        beside(beside(work, self.replace(session)), limited).await
    }

    /// The same for what fetches on all lanes: more of them are opened as long as they bring more, and another carrier takes
    /// over when it does.
    pub(crate) async fn growing<T>(&self, session: &Session, work: impl Future<Output = T>) -> T {
        let chores = async {
            tokio::join!(grow(session), self.rival(session));
        };
        self.watched(session, beside(work, chores)).await
    }

    /// The same for what puts on all lanes.
    pub(crate) async fn putting_on<T>(
        &self,
        session: &Session,
        work: impl Future<Output = T>,
    ) -> T {
        self.watched(session, beside(work, grow(session))).await
    }

    /// Returns when another session took the place of this one, or when none can.
    async fn replace(&self, session: &Session) {
        if !self.connector.is_direct() {
            return;
        }
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tries = 0;
        loop {
            tick.tick().await;
            if !session.is_silent() {
                tries = 0;
                continue;
            }
            let again = Again {
                rtt: session.rtt(),
                last: session.kind(),
                tries,
                is_refused: false,
            };
            tries += 1;
            let speaks = async {
                loop {
                    tick.tick().await;
                    if !session.is_silent() {
                        return;
                    }
                }
            };
            tokio::select! {
                new = self.connector.connect(Some(again), self.puts, None) => match new {
                    Ok(new) => {
                        *self.next() = Some(new);
                        session.end(&TransferError::cut("it was silent, and a new connection stands"));
                        return;
                    }
                    // The next one is tried at once: it took its time already, or a tick does.
                    Err(error) if error.is_cut() => tracing::debug!(%error, "not yet connected anew"),
                    Err(error) => {
                        session.end(&TransferError::cut(error));
                        return;
                    }
                },
                () = speaks => tracing::debug!("the silent connection speaks again"),
            }
        }
    }

    /// Something moved, or a question was answered: the agent is there, and patience begins anew.
    pub(crate) fn moved(&mut self) {
        self.alive = Instant::now();
        self.tries = 0;
        self.full = None;
    }

    /// Waits before something is written again to a disk that is full.
    ///
    /// # Errors
    /// The one that said so, once nothing could be written for as long as the caller allows.
    pub(crate) async fn room(
        &mut self,
        meter: &Meter<'_>,
        why: String,
        error: TransferError,
    ) -> Result<(), TransferError> {
        let (since, tries) = self.full.get_or_insert_with(|| (Instant::now(), 0));
        *tries = tries.saturating_add(1);
        let pause = pause(*tries, self.env.random());
        if since.elapsed() + pause > self.connector.patience().give_up {
            return Err(error);
        }
        meter.stage(Stage::Waiting { why, pause });
        sleep(pause).await;
        Ok(())
    }

    /// Waits before something is asked again on a connection that is fine.
    pub(crate) async fn rest(&self, meter: &Meter<'_>, why: &str, tries: u32) {
        let wait: Duration = pause(tries, self.env.random());
        meter.stage(Stage::Waiting {
            why: why.to_owned(),
            pause: wait,
        });
        sleep(wait).await;
    }

    /// The last carrier, and why it was chosen.
    pub(crate) fn carrier(&self) -> (CarrierKind, String) {
        match &self.session {
            Some(session) => (session.kind(), session.why()),
            None => self.carrier.clone(),
        }
    }

    /// All that the agent sent; of connections that were cut, what arrived. Tells the meter what of it was lost.
    pub(crate) async fn sent_there(&self, meter: &mut Meter<'_>) -> u64 {
        let now = match &self.session {
            Some(session) => {
                let counting = match meter.sent_there.take() {
                    Some(SentThere::Known(sent)) => return self.sent_before + sent,
                    Some(SentThere::Asked(counting)) => Some(counting),
                    None => None,
                };
                let count = async {
                    match counting {
                        Some(counting) => counting.answer().await,
                        None => session.sent_there().await,
                    }
                };
                match timeout(session.rtt() * 3 + COUNT, count).await {
                    Ok(Ok((sent, loss))) => {
                        meter.line = Some(session.line(loss));
                        sent
                    }
                    // The count is for people: when it can't be had, what arrived stands in for it.
                    _ => session.received(),
                }
            }
            None => 0,
        };
        self.sent_before + now
    }

    /// All that this side sent.
    pub(crate) fn sent_here(&self) -> u64 {
        self.sent_here_before
            + self
                .session
                .as_ref()
                .map_or(0, |session| session.sent_here())
    }
}

/// Keeps the cap of the hour in force, and ends what a pause finds under way if it does not end by itself.
async fn keep(limit: &Limited, env: &dyn Env, session: &Session) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut paused: Option<Instant> = None;
    loop {
        tick.tick().await;
        match limit.update(env) {
            Allowed::Now => paused = None,
            Allowed::Later(..) => {
                if paused.get_or_insert_with(Instant::now).elapsed() > DRAIN {
                    session.end(&TransferError::cut("the limit pauses it"));
                    return;
                }
            }
        }
    }
}

/// Does the work, and the chore as long as the work lasts.
async fn beside<T>(work: impl Future<Output = T>, chore: impl Future<Output = ()>) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = chore => {}
    }
    work.await
}

/// Opens more lanes as long as they bring more.
async fn grow(session: &Session) {
    let mut before = None;
    while session.lanes() < session.max_lanes() {
        sleep(growth::settling(session.rtt())).await;
        let (begin, brought) = (Instant::now(), session.brought());
        sleep(growth::measuring(session.rtt())).await;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = (session.brought() - brought) as f64 / begin.elapsed().as_secs_f64();
        match growth::next(before, rate, session.lanes(), session.max_lanes()) {
            Step::Add(more) => {
                before = Some(rate);
                if let Err(error) = session.grow(more).await {
                    tracing::debug!(%error, "no more lanes");
                    return;
                }
                tracing::debug!(lanes = session.lanes(), rate, "more lanes");
            }
            Step::Stay => {}
            Step::Stop => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::connector::TicketSource;
    use crate::session::tests::{Spoken, over};

    struct Still;

    impl Env for Still {
        fn now(&self) -> causeway_domain::Timestamp {
            causeway_domain::Timestamp::UNIX_EPOCH
        }

        fn random(&self) -> u64 {
            0
        }
    }

    /// Asks on each lane there is, so that its far end speaks.
    async fn keep_asking(session: &Session) {
        let (answers, _receiver) = tokio::sync::mpsc::unbounded_channel();
        let mut asked = 0;
        loop {
            let lanes = session.lanes();
            for lane in asked..lanes {
                let stat = Request::Stat;
                session.ask(lane, stat, answers.clone()).await.unwrap();
            }
            asked = lanes;
            sleep(TICK).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_are_added_until_they_bring_nothing_more() {
        // A link that 24 lanes fill.
        let session = over(Spoken::new(4, 64, Arc::new(|lane| lane < 24))).await;
        let begin = Instant::now();
        tokio::select! {
            () = keep_asking(&session) => {}
            () = grow(&session) => {}
        }
        // 4, 8, 16 and 32 bring more than before; 48 as much as 32.
        assert_eq!(session.lanes(), 48);
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{:?}",
            begin.elapsed()
        );

        let full = over(Spoken::new(4, 64, Arc::new(|_| true))).await;
        tokio::select! {
            () = keep_asking(&full) => {}
            () = grow(&full) => {}
        }
        assert_eq!(full.lanes(), 64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_that_is_not_there_is_told_within_seconds() {
        let begin = Instant::now();
        let file = camino::Utf8PathBuf::from("no/such/ticket.json");
        let connector = Connector::direct(TicketSource::File(file.clone()));
        let (mut link, meter) = (Link::new(&connector, &Still), Meter::new(&|_| {}));
        let error = link.session(&meter).await.map(|_| ()).unwrap_err();
        assert!(
            matches!(&error, TransferError::NoTicket { file: said } if *said == file),
            "{error}"
        );
        let took = begin.elapsed();
        assert!(took >= APPEARS && took < APPEARS * 3, "{took:?}");
    }

    /// A connector whose ticket never comes, and how often it was asked for.
    fn unreachable() -> (Connector, Arc<AtomicU32>) {
        let asked = Arc::<AtomicU32>::default();
        let count = Arc::clone(&asked);
        let source = TicketSource::Fetch(Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::pending())
        }));
        (Connector::direct(source), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_session_that_speaks_again_first_is_kept() {
        let speaks = Arc::new(AtomicBool::new(true));
        let says = Arc::clone(&speaks);
        let session = over(Spoken::new(
            1,
            1,
            Arc::new(move |_| says.load(Ordering::SeqCst)),
        ))
        .await;
        let (connector, asked) = unreachable();
        let link = Link::new(&connector, &Still);
        let story = async {
            sleep(Duration::from_secs(20)).await;
            assert_eq!(
                asked.load(Ordering::SeqCst),
                0,
                "nothing is done beside what speaks"
            );
            speaks.store(false, Ordering::SeqCst);
            sleep(Duration::from_secs(5)).await;
            assert_eq!(asked.load(Ordering::SeqCst), 1, "a new one is tried beside");
            speaks.store(true, Ordering::SeqCst);
            sleep(Duration::from_secs(20)).await;
            assert!(!session.is_silent());
            assert_eq!(asked.load(Ordering::SeqCst), 1, "and given up");
            let (answers, _receiver) = tokio::sync::mpsc::unbounded_channel();
            session.ask(0, Request::Stat, answers).await.unwrap();
        };
        tokio::select! {
            () = keep_asking(&session) => {}
            () = link.watched(&session, story) => {}
        }
        assert!(link.next().is_none());
    }
}
