//! The binary: read the arguments, fix the number of threads, run, say how it ended.

use std::process::ExitCode;

use causeway_example_trainer::{Error, arguments, events, run};

fn main() -> ExitCode {
    let outcome = arguments::parse(std::env::args_os()).and_then(|command| {
        fix_threads(command.threads());
        run(&command)
    });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            events::complain(&error);
            ExitCode::from(Error::exit_code(&error))
        }
    }
}

/// Candle and rayon read their number of threads from the environment, once, when first used.
#[expect(
    unsafe_code,
    reason = "setting a variable is unsafe in edition 2024; there is no other way in"
)]
fn fix_threads(threads: usize) {
    for variable in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: called first thing in `main`, before any other thread exists that could read the environment.
        unsafe { std::env::set_var(variable, threads.to_string()) };
    }
}
