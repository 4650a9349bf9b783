//! What happens on the path, as a stream of events: terminal, JSON and (later) page are consumers of the same one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use causeway_domain::{BitsPerSecond, Bytes, RunId};
use causeway_transfer::{Progress, Stage};
use serde::Serialize;

/// The stages, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Candidates compared, one chosen.
    Plan,
    /// The chosen plan's acts judged.
    Clear,
    /// Code and datasets at the site.
    Stage,
    /// The job run to its end.
    Train,
    /// The last checkpoint verified at home.
    Home,
    /// A signed revision in the registry.
    Admit,
    /// `production` points at it.
    Deploy,
}

impl StageName {
    /// Every stage, in order.
    pub const ALL: [Self; 7] = [
        Self::Plan,
        Self::Clear,
        Self::Stage,
        Self::Train,
        Self::Home,
        Self::Admit,
        Self::Deploy,
    ];

    /// The word in journal, log and outputs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Clear => "clear",
            Self::Stage => "stage",
            Self::Train => "train",
            Self::Home => "home",
            Self::Admit => "admit",
            Self::Deploy => "deploy",
        }
    }
}

impl std::fmt::Display for StageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began or goes on.
    Run {
        /// Its id.
        run: RunId,
        /// Whether it was there before.
        resumed: bool,
        /// Its name.
        name: String,
    },
    /// A stage began.
    StageBegan {
        /// Which.
        stage: StageName,
    },
    /// A stage ended.
    StageDone {
        /// Which.
        stage: StageName,
        /// What it gave, in a line.
        summary: String,
        /// Whether it was done before this process.
        before: bool,
    },
    /// Something that a person should know.
    Note {
        /// In a line.
        text: String,
    },
    /// Something that a person may have to act on.
    Warning {
        /// In a line.
        text: String,
    },
    /// The job printed something.
    Output {
        /// What.
        text: String,
    },
    /// A checkpoint is home and verified.
    Checkpoint {
        /// Its name.
        name: String,
        /// Its size.
        bytes: Bytes,
        /// What came over the line.
        wire: Bytes,
        /// What the difference to an earlier checkpoint saved on it.
        difference: Bytes,
    },
    /// Bytes move.
    Progress {
        /// What moves.
        what: String,
        /// Done.
        done: Bytes,
        /// In all.
        total: Bytes,
        /// Of the last seconds.
        bits_per_second: BitsPerSecond,
        /// Until the rest is there, at that rate; `None` while nothing moves.
        left_seconds: Option<f64>,
        /// Rate, time left, files, what was saved and what the line is like, for people.
        #[serde(skip)]
        detail: String,
    },
}

impl Event {
    /// What a transfer tells.
    #[must_use]
    pub fn moved(what: &str, progress: &Progress) -> Self {
        Self::Progress {
            what: what.to_owned(),
            done: Bytes::new(progress.done),
            total: Bytes::new(progress.total),
            bits_per_second: progress.rate,
            left_seconds: progress.left.map(|left| left.as_secs_f64()),
            detail: progress.in_words(),
        }
    }
}

/// Notes a wait that a person would wonder about, once: a window of the day, not the seconds to a next try.
#[derive(Debug, Default)]
pub(crate) struct LongWaits(Mutex<String>);

/// A wait that is noted.
const LONG: Duration = Duration::from_secs(30);

impl LongWaits {
    /// The note, if there is one to make.
    pub(crate) fn note(&self, progress: &Progress) -> Option<Event> {
        let Stage::Waiting { why, pause } = &progress.stage else {
            return None;
        };
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *pause < LONG || *noted == *why {
            return None;
        }
        noted.clone_from(why);
        Some(Event::Note {
            text: format!("the transfer waits for {why}"),
        })
    }
}

/// A consumer of events.
pub trait Reporter: Send + Sync {
    /// Called in order, from one task at a time; must not block for long.
    fn report(&self, event: &Event);
}

/// Drops every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: &Event) {}
}
