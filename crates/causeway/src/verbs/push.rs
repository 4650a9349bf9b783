//! `causeway push`: bring a file or directory to a site, by hand.

use camino::Utf8Path;
use causeway_ledger::LogKey;
use causeway_run::{RunError, files};
use causeway_transfer::{ManifestSigner, Objects, Summary, push, push_objects};

use crate::cli::PushArgs;
use crate::output::Exit;
use crate::verbs::transfer::{Moved, Purpose, Shown, finish, limit, objects, way};
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
        if args.sign_key.is_some() {
            return Err(RunError::Value {
                what: "`--sign-key` is for buckets: what an agent takes in, it verifies against what you send"
                    .to_owned(),
            });
        }
        let way = way(context, &args.how, &args.target, Purpose::Push, None).await?;
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

/// The name in keys that sign manifests of buckets.
const SIGNER: &str = "causeway.local/manifest";

/// The key in a file, which is made at first need.
fn signer(path: &Utf8Path) -> Result<ManifestSigner, RunError> {
    LogKey::open_or_create(path, SIGNER)?;
    let pem = fs_err::read_to_string(path).map_err(|error| RunError::Read {
        path: path.to_owned(),
        error,
        help: "name a file that you can read".to_owned(),
    })?;
    Ok(ManifestSigner::from_pem(&pem, path.as_str())?)
}

/// To a bucket, as plain objects. What such a store has no counterpart for is refused, not ignored.
async fn to_objects(
    context: &Context,
    args: &PushArgs,
    source: &Utf8Path,
) -> Result<Summary, RunError> {
    if args.how.way.ticket_file.is_some() {
        return Err(RunError::Value {
            what: "a bucket needs no `--ticket-file`: its keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        });
    }
    let mut objects = objects(&args.how, &args.target)?;
    if let Some(limit) = limit(&args.how.limit)? {
        objects = objects.limited(limit);
    }
    if let Some(path) = &args.sign_key {
        objects = objects.signing(signer(path)?);
    }
    let shown = Shown::new(context.output);
    Ok(
        push_objects(&objects, source, context.env.as_ref(), |progress| {
            shown.progress(&progress);
        })
        .await?,
    )
}
