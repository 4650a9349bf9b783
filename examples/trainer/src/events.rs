//! What the program says: one JSON object a line on stdout, errors on stderr.

use std::io::Write as _;

use serde::Serialize;

use crate::Error;

/// One line of the training report.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// The run begins (or begins again).
    Start {
        /// Number of trained weights.
        parameters: usize,
        /// Bytes of text found.
        data_bytes: usize,
        /// Tokens in one step: batch times sequence.
        tokens_per_step: usize,
        /// Number of the last step.
        steps: u64,
        /// Threads that compute.
        threads: usize,
    },
    /// A checkpoint was found and taken up.
    Resumed {
        /// Steps already done.
        step: u64,
        /// The checkpoint.
        path: &'a str,
    },
    /// A checkpoint could not be read and an older one is tried.
    Skipped {
        /// The checkpoint.
        path: &'a str,
        /// Why it cannot be used.
        reason: &'a str,
    },
    /// Progress.
    Step {
        /// Steps done, counted from 1.
        step: u64,
        /// Mean cross-entropy of this step's batch, in nats a token.
        loss: f32,
        /// Tokens seen since step 0, earlier processes included.
        tokens: u64,
        /// Rate of this process, pauses for checkpoints included.
        tokens_per_second: f64,
        /// Seconds since this process began to train.
        seconds: f64,
    },
    /// A checkpoint is complete and in place.
    Checkpoint {
        /// Its directory.
        path: &'a str,
        /// Steps done.
        step: u64,
    },
    /// A signal ended the run; the checkpoint before this line is where it goes on.
    Interrupted {
        /// Steps done.
        step: u64,
        /// Name of the signal.
        signal: &'a str,
    },
    /// This node has nothing to do.
    Idle {
        /// `SKYPILOT_NODE_RANK`.
        rank: u32,
        /// `SKYPILOT_NUM_NODES`.
        nodes: u32,
        /// Why, in words.
        message: &'a str,
    },
    /// Something that the reader should know and that stops nothing.
    Note {
        /// In words.
        message: &'a str,
    },
    /// The last step is done.
    Done {
        /// Steps done.
        step: u64,
        /// Loss of the last step.
        loss: f32,
        /// The last checkpoint.
        path: &'a str,
        /// Seconds since this process began to train.
        seconds: f64,
    },
}

/// Prints an event as one line, at once.
pub fn emit(event: &Event<'_>) {
    match serde_json::to_string(event) {
        Ok(text) => line(&text),
        Err(why) => complain(&Error::failed("printing an event", why)),
    }
}

/// Prints a line on stdout. A reader that has gone away is no reason to stop training.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Prints an error on stderr.
pub fn complain(error: &Error) {
    drop(writeln!(std::io::stderr().lock(), "error: {error}"));
}

/// Rounds to `digits` decimals, so that a line stays short.
#[must_use]
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
