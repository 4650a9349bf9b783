//! `causeway pull` and `causeway agent`: bring any directory home, by hand.

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Env, SiteId};
use causeway_run::{RunError, State, files, site};
use causeway_transfer::{
    CarrierKind, Connector, Dest, Objects, Patience, Placement, Progress, Stage, Store, Summary,
    Ticket, TicketSource, agent::serve, pull,
};
use serde_json::json;

use crate::cli::{AgentArgs, CarrierChoice, PullArgs};
use crate::output::{Exit, Output};
use crate::verbs::{Context, block_on, own_binary};

/// A pull without a state directory keeps what it has beside its destination until all of it is there.
const BESIDE: &str = ".causeway-pull";
/// How long a pull by hand tries to reach a site on which nothing moves.
const GIVE_UP: Duration = Duration::from_secs(60);

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
    let (folder, placement) = if State::exists(&context.state) {
        (State::open(&context.state, false)?.store(), Placement::Copy)
    } else {
        (parent.join(BESIDE), Placement::Move)
    };
    let store = Store::open(&folder)?;
    let summary = block_on(async {
        let (connector, path) = connector(context, args).await?;
        // Somebody waits: a mistyped place is told soon. A transfer that moves is never ended by this.
        let connector = connector.with_patience(Patience {
            give_up: GIVE_UP,
            ..Patience::default()
        });
        let shown = Shown::new(output);
        let dest = Dest {
            store: &store,
            directory: Some((destination.clone(), placement)),
            base: args.base.clone(),
        };
        Ok(pull(
            &connector,
            &path,
            dest,
            args.codec.into(),
            context.env.as_ref(),
            |progress| shown.progress(&progress),
        )
        .await?)
    })?;
    if placement == Placement::Move {
        // Only what this pull needed: another one beside it has its own journal in there, and keeps it.
        let _ = fs_err::remove_dir_all(&folder);
    }
    finish(output, &summary, &args.destination);
    Ok(Exit::Done)
}

async fn connector(context: &Context, args: &PullArgs) -> Result<(Connector, String), RunError> {
    if let Some(file) = &args.ticket_file {
        let ticket = match &args.at {
            Some(at) => {
                let addresses: Vec<_> = at
                    .to_socket_addrs()
                    .map_err(|error| RunError::Value {
                        what: format!("`{at}` is no address: {error}"),
                    })?
                    .collect();
                // A file that is none is told at once; an agent that starts again writes another.
                Ticket::read(file)?;
                TicketSource::FileAt(file.clone(), addresses)
            }
            None => TicketSource::File(file.clone()),
        };
        let connector = match args.carrier {
            CarrierChoice::Auto => Connector::direct(ticket),
            CarrierChoice::Quic => Connector::quic(ticket),
            CarrierChoice::Tcp => Connector::tcp(ticket),
            CarrierChoice::Https => Connector::https(ticket),
            CarrierChoice::Ssh | CarrierChoice::S3 => {
                return Err(RunError::Value {
                    what: "a ticket opens QUIC, TCP and HTTPS; `causeway pull HOST:PATH` goes over ssh"
                        .to_owned(),
                });
            }
        };
        return Ok((connector, args.source.clone()));
    }
    if Objects::is_address(&args.source) {
        return Ok((objects(args)?, String::new()));
    }
    let Some((place, path)) = args
        .source
        .split_once(':')
        .filter(|(place, path)| !place.is_empty() && !path.is_empty())
    else {
        return Err(RunError::Value {
            what: format!(
                "`{}` is not SITE:PATH; with `--ticket-file` a bare path will do",
                args.source
            ),
        });
    };
    let env: Arc<dyn Env> = context.env.clone();
    let (engine, root) = match known_site(context, place)? {
        Some((id, entry, folder)) => {
            let (engine, root) = site::engine(&id, &entry, &folder, env)?;
            (engine, root.join(path))
        }
        None => (
            site::destination(place, args.ssh_config.as_deref(), env)?,
            Utf8PathBuf::from(path),
        ),
    };
    // The agent sees the thing that is pulled and nothing beside it: its root is the folder that holds it.
    let name = root
        .file_name()
        .ok_or_else(|| RunError::Value {
            what: format!("`{path}` names no file or directory"),
        })?
        .to_owned();
    let folder = root
        .parent()
        .filter(|parent| !parent.as_str().is_empty())
        .map_or_else(|| Utf8PathBuf::from("."), Utf8Path::to_owned);
    let engine = Arc::new(engine);
    let agent = format!("pull-{:016x}", context.env.random());
    let carriers = match args.carrier {
        CarrierChoice::Auto => site::Carriers::All,
        CarrierChoice::Quic => site::Carriers::Quic,
        CarrierChoice::Tcp => site::Carriers::Tcp,
        CarrierChoice::Https => site::Carriers::Https,
        CarrierChoice::Ssh => site::Carriers::Stream,
        CarrierChoice::S3 => {
            return Err(RunError::Value {
                what: format!("`{place}` is no bucket: `causeway pull s3://BUCKET/PREFIX` is"),
            });
        }
    };
    let connector =
        site::connect(&engine, &folder, &agent, &own_binary()?, false, carriers).await?;
    Ok((connector, name))
}

/// A bucket, or a static server: nothing of ours runs there.
fn objects(args: &PullArgs) -> Result<Connector, RunError> {
    let is_bucket = args.source.starts_with("s3://");
    match args.carrier {
        CarrierChoice::Auto => {}
        CarrierChoice::S3 if is_bucket => {}
        CarrierChoice::Https if !is_bucket => {}
        _ => {
            return Err(RunError::Value {
                what: format!(
                    "`{}` says by itself how it is read: leave `--carrier` out",
                    args.source
                ),
            });
        }
    }
    let objects = Objects::at(&args.source, &environment())?;
    Ok(Connector::objects(Arc::new(objects)))
}

/// What this process was told, as far as it is text.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// A site of the nearest causeway.yaml, if the word is one.
fn known_site(
    context: &Context,
    place: &str,
) -> Result<Option<(SiteId, causeway_domain::organisation::Site, Utf8PathBuf)>, RunError> {
    let Ok(id) = place.parse::<SiteId>() else {
        return Ok(None);
    };
    let Ok(path) =
        files::find_organisation(context.organisation.as_deref(), Utf8Path::new("task.yaml"))
    else {
        return Ok(None);
    };
    let source = files::source(&path)?;
    let organisation = causeway_domain::organisation::parse(&source)
        .map_err(|problems| RunError::Files { problems })?;
    let folder = files::absolute(&path)?
        .parent()
        .map(Utf8Path::to_owned)
        .unwrap_or_default();
    Ok(organisation
        .file
        .sites
        .get(&id)
        .map(|entry| (id, entry.clone(), folder)))
}

fn finish(output: Output, summary: &Summary, destination: &Utf8Path) {
    if output.json {
        let mut value = serde_json::to_value(summary).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("event".to_owned(), json!("done"));
            map.insert("destination".to_owned(), json!(destination));
        }
        output.event(&value);
        return;
    }
    let bytes = causeway_domain::Bytes::new;
    for skipped in &summary.skipped {
        output.warn(format_args!("{skipped:?}"));
    }
    let carrier = match summary.carrier {
        CarrierKind::Quic => "QUIC",
        CarrierKind::Tcp => "TCP",
        CarrierKind::Https => "HTTPS",
        CarrierKind::S3 => "S3",
        CarrierKind::Stream => "ssh",
    };
    let saved: String = [
        ("were here", summary.reused_bytes),
        ("less by encoding", summary.codec_saved_bytes),
        ("less by difference", summary.difference_saved_bytes),
    ]
    .into_iter()
    .filter(|(_, saved)| *saved > 0)
    .map(|(how, saved)| format!(", {} {how}", bytes(saved)))
    .collect();
    output.line(format_args!(
        "{destination}: {} file(s), {}, every byte verified; {} over the line by {carrier}{saved}; {:.1} s",
        summary.files,
        bytes(summary.raw_bytes),
        bytes(summary.wire_bytes),
        summary.seconds
    ));
}

/// Progress of one pull.
struct Shown {
    output: Output,
    bar: Option<indicatif::ProgressBar>,
}

impl Shown {
    fn new(output: Output) -> Self {
        let style = indicatif::ProgressStyle::with_template(
            "  {msg:<12} {bar:24} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
        );
        let bar = (output.terminal && !output.json).then(|| {
            let bar = indicatif::ProgressBar::new(0);
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        Self { output, bar }
    }

    fn progress(&self, progress: &Progress) {
        let stage = match &progress.stage {
            Stage::Connecting => "connecting".to_owned(),
            Stage::Listing => "listing".to_owned(),
            Stage::Comparing => "comparing".to_owned(),
            Stage::Moving => "moving".to_owned(),
            Stage::Verifying => "verifying".to_owned(),
            Stage::Placing => "placing".to_owned(),
            Stage::Waiting { why, .. } => format!("waiting for {why}"),
            _ => String::new(),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_message(stage);
            }
            None if self.output.json => self.output.event(&json!({"event": "progress", "stage": stage, "done": progress.done, "total": progress.total, "bits_per_second": progress.rate.get()})),
            None => {}
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
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
