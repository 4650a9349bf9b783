//! `causeway parties`: whose names they bear.

mod screen;

use causeway_run::RunError;

use crate::cli::PartiesVerb;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(context: &Context, verb: &PartiesVerb) -> Result<Exit, RunError> {
    match verb {
        PartiesVerb::Screen(args) => screen::run(context, args),
    }
}
