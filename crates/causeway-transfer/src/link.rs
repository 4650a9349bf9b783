//! A connection that comes back.

use std::time::Duration;

use causeway_domain::Env;
use tokio::time::Instant;

use crate::backoff::pause;
use crate::carrier::CarrierKind;
use crate::connector::Connector;
use crate::error::TransferError;
use crate::progress::{Meter, Stage};
use crate::session::Session;

/// How often a ticket that is refused is read again before that is the answer: an agent that starts again needs a moment to
/// write its new one.
const MAX_REFUSALS: u32 = 5;

/// Connects when it has to, and again after a cut, until nothing moved for as long as the caller allows.
pub(crate) struct Link<'a> {
    connector: &'a Connector,
    env: &'a dyn Env,
    session: Option<Session>,
    tries: u32,
    refusals: u32,
    /// When something moved last.
    alive: Instant,
    /// What the last cut said.
    last: String,
    carrier: (CarrierKind, String),
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
            session: None,
            tries: 0,
            refusals: 0,
            alive: Instant::now(),
            last: String::new(),
            carrier: (CarrierKind::Stream, String::new()),
            sent_before: 0,
            sent_here_before: 0,
        }
    }

    /// The open session; connects when there is none.
    ///
    /// # Errors
    /// [`TransferError::GaveUp`]; what connecting again can't change.
    pub(crate) async fn session(&mut self, meter: &Meter<'_>) -> Result<&Session, TransferError> {
        while self.session.is_none() {
            // None right after something moved: a cut costs no more than it has to.
            let wait = pause(self.tries, self.env.random());
            if !self.last.is_empty() {
                let idle = self.alive.elapsed();
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
                tokio::time::sleep(wait).await;
            }
            meter.stage(Stage::Connecting);
            self.tries = self.tries.saturating_add(1);
            match self.connector.connect().await {
                Ok(session) => {
                    tracing::debug!(carrier = %session.kind(), why = session.why(), "connected");
                    self.refusals = 0;
                    self.last.clear();
                    self.carrier = (session.kind(), session.why().to_owned());
                    self.session = Some(session);
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
        self.session
            .as_ref()
            .ok_or_else(|| TransferError::cut("no session"))
    }

    /// The session is over.
    pub(crate) fn lost(&mut self, error: &TransferError) {
        tracing::debug!(%error, "cut");
        self.last = error.to_string();
        if let Some(session) = self.session.take() {
            self.sent_before += session.received();
            self.sent_here_before += session.sent_here();
        }
    }

    /// Something moved, or a question was answered: the agent is there, and patience begins anew.
    pub(crate) fn moved(&mut self) {
        self.alive = Instant::now();
        self.tries = 0;
    }

    /// Waits before something is asked again on a connection that is fine.
    pub(crate) async fn rest(&self, meter: &Meter<'_>, why: &str, tries: u32) {
        let wait: Duration = pause(tries, self.env.random());
        meter.stage(Stage::Waiting {
            why: why.to_owned(),
            pause: wait,
        });
        tokio::time::sleep(wait).await;
    }

    /// The last carrier, and why it was chosen.
    pub(crate) fn carrier(&self) -> (CarrierKind, String) {
        self.carrier.clone()
    }

    /// All that the agent sent, `now` of it on the open connection if that is known already. Of connections that were cut,
    /// what arrived.
    pub(crate) async fn sent_there(&mut self, now: Option<u64>) -> u64 {
        let now = match &self.session {
            Some(_) if now.is_some() => now.unwrap_or_default(),
            // The count is for people: when it can't be had, what arrived stands in for it.
            Some(session) => session
                .sent_there()
                .await
                .unwrap_or_else(|_| session.received()),
            None => 0,
        };
        self.sent_before + now
    }

    /// All that this side sent.
    pub(crate) fn sent_here(&self) -> u64 {
        self.sent_here_before + self.session.as_ref().map_or(0, Session::sent_here)
    }
}
