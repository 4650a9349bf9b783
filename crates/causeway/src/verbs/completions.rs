//! `causeway completions`.

use causeway_run::RunError;
use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(_: &Context, args: &CompletionsArgs) -> Result<Exit, RunError> {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "causeway",
        &mut std::io::stdout(),
    );
    Ok(Exit::Done)
}
