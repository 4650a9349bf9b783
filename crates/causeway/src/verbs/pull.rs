//! `causeway pull` and `causeway agent`: bring any directory home, by hand.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use causeway_domain::Env;
use causeway_run::{RunError, State, files};
use causeway_transfer::{Dest, OwnStore, Placement, Store, agent::serve, pull_selected};

use crate::cli::{AgentArgs, PullArgs};
use crate::output::Exit;
use crate::verbs::transfer::{Moved, Purpose, Shown, finish, way};
use crate::verbs::{Context, block_on};

pub(crate) fn run(context: &Context, args: &PullArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let destination = files::absolute(&args.destination)?;
    if destination.exists() {
        return Err(RunError::Read {
            path: args.destination.clone(),
            error: std::io::Error::from(std::io::ErrorKind::AlreadyExists),
            help: "a pull never overwrites: name another place, or move this one away".to_owned(),
        });
    }
    let parent = destination
        .parent()
        .map(Utf8Path::to_owned)
        .unwrap_or_default();
    fs_err::create_dir_all(&parent).map_err(|error| RunError::Read {
        path: parent.clone(),
        error,
        help: "name a place that can be written".to_owned(),
    })?;
    // A home has a store, and what is in it is not fetched again; without one nothing but the destination is left behind.
    let own = if State::exists(&context.state) {
        None
    } else {
        Some(Store::beside(&destination)?)
    };
    let (store, placement) = match &own {
        Some(own) => (own.store().clone(), Placement::Move),
        None => {
            let folder = State::open(&context.state, false)?.store();
            (Store::open(&folder)?, Placement::Copy)
        }
    };
    let (summary, price) = block_on(async {
        let way = way(
            context,
            &args.how,
            &args.source,
            Purpose::Pull,
            args.signer.as_deref(),
        )
        .await?;
        let shown = Shown::new(output);
        let dest = Dest {
            store: &store,
            directory: Some((destination.clone(), placement)),
            base: args.base.clone(),
        };
        let summary = pull_selected(
            &way.connector,
            &way.path,
            args.selection(),
            dest,
            args.how.codec.into(),
            context.env.as_ref(),
            |progress| shown.progress(&progress),
        )
        .await?;
        Ok((summary, way.egress_per_gb))
    })?;
    if let Some(Err(error)) = own.map(OwnStore::remove) {
        output.warn(format_args!("{error}"));
    }
    let moved = Moved {
        destination: args.destination.as_str(),
        purpose: Purpose::Pull,
        egress_per_gb: price,
    };
    finish(output, &summary, &moved);
    Ok(Exit::Done)
}

pub(crate) fn agent(context: &Context, args: AgentArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let options = causeway_transfer::agent::AgentOptions {
        roots: args.root,
        listen: args.listen,
        ticket_file: args.ticket_file,
        stdio: args.stdio,
        writable: args.writable,
        idle_timeout: Duration::from_secs(args.idle),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| RunError::Value {
            what: format!("the async runtime can't start: {error}"),
        })?;
    let stdio = options.stdio;
    let env: Arc<dyn Env> = context.env.clone();
    let ended = runtime.block_on(serve(options, env, |ticket| {
        if let Some(ticket) = ticket {
            for address in ticket.addresses() {
                output.say(format_args!("listening on {address}"));
            }
        }
    }));
    // The runtime's reader of standard input can't be waited for.
    runtime.shutdown_background();
    let ended = ended?;
    if !stdio {
        output.say(format_args!("ended: {ended:?}"));
    }
    Ok(Exit::Done)
}
