//! A small Llama-architecture language model, trained on plain text on the CPU.
//!
//! It exists so that Causeway's quickstart has something real to train: the loss falls within a minute, checkpoints
//! resume bit for bit, and `transformers` loads what comes out. It knows nothing of Causeway; the only thing it takes
//! from its surroundings is the pair of variables `SKYPILOT_NODE_RANK` and `SKYPILOT_NUM_NODES`.
//!
//! Read [`training::train`] first (the whole run, top to bottom), then [`model::Llama`] and [`checkpoint::Store`].

pub mod arguments;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod error;
pub mod events;
pub mod generation;
pub mod model;
pub mod optimizer;
pub mod random;
pub mod tensors;
pub mod tokenizer;
pub mod training;

pub use error::{Error, Result};

/// What the process says to its parent: 0 done, 1 failed, 2 bad input, 143 ended by SIGTERM after a checkpoint.
pub type ExitCode = u8;

/// Runs one command and returns the exit code.
///
/// # Errors
/// [`Error`], which knows the exit code it stands for.
pub fn run(command: &arguments::Command) -> Result<ExitCode> {
    match command {
        arguments::Command::Help => {
            events::line(arguments::HELP.trim_end());
            Ok(0)
        }
        arguments::Command::Train(options) => training::train(options),
        arguments::Command::Generate(options) => generation::generate(options).map(|()| 0),
    }
}
