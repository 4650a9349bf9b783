//! `causeway parties`: who they are, who owns them, on which lists they stand.

mod import;
mod owners;
mod pairs;
mod screen;

use causeway_run::RunError;

use crate::cli::PartiesVerb;
use crate::output::Exit;
use crate::verbs::Context;

pub(crate) fn run(context: &Context, verb: &PartiesVerb) -> Result<Exit, RunError> {
    match verb {
        PartiesVerb::Owners(args) => owners::run(context, args),
        PartiesVerb::Import(args) => import::import(context, args),
        PartiesVerb::Lists => import::lists(context),
        PartiesVerb::Screen(args) => screen::run(context, args),
    }
}
