//! `causeway push`: bring a file or directory to a site, by hand.

use camino::Utf8Path;
use causeway_run::{RunError, files};
use causeway_transfer::{Objects, Summary, push, push_objects};

use crate::cli::PushArgs;
use crate::output::Exit;
use crate::verbs::transfer::{Moved, Purpose, Shown, finish, objects, way};
use crate::verbs::{Context, block_on};

pub(crate) fn run(context: &Context, args: &PushArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let source = files::absolute(&args.source)?;
    if !source.exists() {
        return Err(RunError::Read {
            path: args.source.clone(),
            error: std::io::Error::from(std::io::ErrorKind::NotFound),
            help: "name the file or directory to bring to the site".to_owned(),
        });
    }
    let summary = block_on(async {
        if Objects::is_address(&args.target) {
            return to_objects(context, args, &source).await;
        }
        let way = way(context, &args.how, &args.target, Purpose::Push).await?;
        let shown = Shown::new(output);
        Ok(push(
            &way.connector,
            &source,
            &way.path,
            args.how.codec.into(),
            context.env.as_ref(),
            |progress| shown.progress(&progress),
        )
        .await?)
    })?;
    let moved = Moved {
        destination: &args.target,
        purpose: Purpose::Push,
        // What comes in is not what leaves; home's own bill is not known.
        egress_per_gb: None,
    };
    finish(output, &summary, &moved);
    Ok(Exit::Done)
}

/// To a bucket, as plain objects. What such a store has no counterpart for is refused, not ignored.
async fn to_objects(
    context: &Context,
    args: &PushArgs,
    source: &Utf8Path,
) -> Result<Summary, RunError> {
    if !args.how.limit.is_empty() {
        return Err(RunError::Value {
            what: "a push to a bucket has no `--limit` yet".to_owned(),
        });
    }
    if args.how.way.ticket_file.is_some() {
        return Err(RunError::Value {
            what: "a bucket needs no `--ticket-file`: its keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        });
    }
    let objects = objects(&args.how, &args.target)?;
    let shown = Shown::new(context.output);
    Ok(
        push_objects(&objects, source, context.env.as_ref(), |progress| {
            shown.progress(&progress);
        })
        .await?,
    )
}
