//! `causeway parties`: who takes part, and who stands behind them.

mod owners;

use causeway_run::RunError;

use crate::cli::PartiesVerb;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(context: &Context, verb: &PartiesVerb) -> Result<Exit, RunError> {
    match verb {
        PartiesVerb::Owners(args) => owners::run(context, args),
    }
}
