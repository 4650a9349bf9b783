//! The command line of Causeway.
//!
//! One file a verb under `verbs/`; words in `cli.rs`; printing in `output.rs`. Everything else is in the rooms below.

mod cli;
mod output;
mod reporter;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    verbs::run(cli::Cli::parse()).into()
}
