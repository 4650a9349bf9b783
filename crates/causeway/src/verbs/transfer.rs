//! What `pull`, `push` and `transfer` share: the way to an agent, progress, the summary.

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_backends::Backend;
use causeway_domain::organisation::{Organisation, Site};
use causeway_domain::{Bytes, Env, RateLimit, SiteId, Usd};
use causeway_run::{RunError, files, site};
use causeway_transfer::{
    CarrierKind, Connector, Objects, Patience, Progress, Summary, Ticket, TicketSource,
};
use rust_decimal::Decimal;
use serde_json::json;

use crate::cli::{CarrierChoice, MoveArgs, WayArgs};
use crate::output::Output;
use crate::verbs::{Context, own_binary};

/// How long a transfer by hand tries to reach a site on which nothing moves.
const GIVE_UP: Duration = Duration::from_secs(60);

/// What a way is wanted for: what the agent there serves, and may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To bring something home.
    Pull,
    /// To bring something there.
    Push,
}

/// A way to an agent.
pub(crate) struct Way {
    pub(crate) connector: Connector,
    /// What is meant there, as the agent names it.
    pub(crate) path: String,
    /// What the site takes for data that leaves it, where `causeway.yaml` says so.
    pub(crate) egress_per_gb: Option<Usd>,
}

/// The way to `SITE:PATH`, or to a path of the agent whose ticket was given. `signer`: whose word a bucket is taken at.
pub(crate) async fn way(
    context: &Context,
    args: &MoveArgs,
    place: &str,
    purpose: Purpose,
    signer: Option<&str>,
) -> Result<Way, RunError> {
    if signer.is_some() && (args.way.ticket_file.is_some() || !Objects::is_address(place)) {
        return Err(RunError::Value {
            what: "`--signer` is for buckets and static servers: an agent's key comes with its ticket, or over ssh"
                .to_owned(),
        });
    }
    let given = limit(&args.limit)?;
    let (way, of_organisation) = match &args.way.ticket_file {
        Some(file) => (by_ticket(file, args, place)?, None),
        None if Objects::is_address(place) => (by_objects(args, place, signer)?, None),
        None => over_ssh(context, args, place, purpose).await?,
    };
    // Somebody waits: a mistyped place is told soon. A transfer that moves is never ended by this.
    let mut connector = way.connector.with_patience(Patience {
        give_up: GIVE_UP,
        ..Patience::default()
    });
    if let Some(limit) = given.or(of_organisation) {
        connector = connector.with_limit(limit);
    }
    Ok(Way { connector, ..way })
}

/// The limit that was given, in one flag or several.
pub(crate) fn limit(given: &[String]) -> Result<Option<RateLimit>, RunError> {
    if given.is_empty() {
        return Ok(None);
    }
    let value = |what: String| RunError::Value {
        what: format!("--limit: {what}"),
    };
    let limit: RateLimit = given.join(",").parse().map_err(|error| {
        let error: causeway_domain::InvalidLimit = error;
        value(format!("{error}; {}", error.help()))
    })?;
    if limit.is_always_paused() {
        return Err(value("with this limit nothing ever moves".to_owned()));
    }
    Ok(Some(limit))
}

/// The ticket that was given, and where its agent is looked for.
pub(crate) fn ticket(file: &Utf8Path, way: &WayArgs) -> Result<TicketSource, RunError> {
    let Some(at) = &way.at else {
        return Ok(TicketSource::File(file.to_owned()));
    };
    let addresses: Vec<_> = at
        .to_socket_addrs()
        .map_err(|error| RunError::Value {
            what: format!("`{at}` is no address: {error}"),
        })?
        .collect();
    // A file that is none is told at once; an agent that starts again writes another.
    Ticket::read(file)?;
    Ok(TicketSource::FileAt(file.to_owned(), addresses))
}

fn by_ticket(file: &Utf8Path, args: &MoveArgs, path: &str) -> Result<Way, RunError> {
    let ticket = ticket(file, &args.way)?;
    let connector = match args.carrier {
        CarrierChoice::Auto => Connector::direct(ticket),
        CarrierChoice::Quic => Connector::quic(ticket),
        CarrierChoice::Tcp => Connector::tcp(ticket),
        CarrierChoice::Https => Connector::https(ticket),
        CarrierChoice::Ssh | CarrierChoice::S3 => {
            return Err(RunError::Value {
                what: "a ticket opens QUIC, TCP and HTTPS; HOST:PATH without one goes over ssh, s3://BUCKET/PREFIX to a bucket"
                    .to_owned(),
            });
        }
    };
    Ok(Way {
        connector,
        path: path.to_owned(),
        egress_per_gb: None,
    })
}

/// A bucket, or a static server: nothing of ours runs there.
pub(crate) fn objects(args: &MoveArgs, place: &str) -> Result<Objects, RunError> {
    let is_bucket = place.starts_with("s3://");
    match args.carrier {
        CarrierChoice::Auto => {}
        CarrierChoice::S3 if is_bucket => {}
        CarrierChoice::Https if !is_bucket => {}
        _ => {
            return Err(RunError::Value {
                what: format!("`{place}` says by itself how it is reached: leave `--carrier` out"),
            });
        }
    }
    // Keys, region and endpoint are said where every program for buckets looks for them.
    let environment: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Objects::at(place, &environment)?)
}

fn by_objects(args: &MoveArgs, place: &str, signer: Option<&str>) -> Result<Way, RunError> {
    let objects = objects(args, place)?;
    let objects = match signer {
        Some(key) => objects.signed_by(key.parse().map_err(|_| RunError::Value {
            what: format!(
                "`--signer {key}` is no public key: 32 bytes in base64, as `causeway push --sign-key FILE` prints it"
            ),
        })?),
        None => objects,
    };
    Ok(Way {
        connector: Connector::objects(Arc::new(objects)),
        path: String::new(),
        egress_per_gb: None,
    })
}

/// With the limit of the organisation, where the place is a site of one.
async fn over_ssh(
    context: &Context,
    args: &MoveArgs,
    place: &str,
    purpose: Purpose,
) -> Result<(Way, Option<RateLimit>), RunError> {
    let Some((host, path)) = place
        .split_once(':')
        .filter(|(host, path)| !host.is_empty() && !path.is_empty())
    else {
        return Err(RunError::Value {
            what: format!("`{place}` is not SITE:PATH; with `--ticket-file` a bare path will do"),
        });
    };
    let env: Arc<dyn Env> = context.env.clone();
    let known = known_site(context, host)?;
    let (engine, root) = match &known {
        Some(known) => {
            let (engine, root) = site::engine(&known.id, &known.entry, &known.folder, env)?;
            (engine, root.join(path))
        }
        None => (
            site::destination(host, args.way.ssh_config.as_deref(), env)?,
            Utf8PathBuf::from(path),
        ),
    };
    // The agent sees the thing that moves and nothing beside it: its root is the folder that holds it.
    let name = root
        .file_name()
        .ok_or_else(|| RunError::Value {
            what: format!("`{path}` names no file or directory"),
        })?
        .to_owned();
    let mut folder = root
        .parent()
        .filter(|parent| !parent.as_str().is_empty())
        .map_or_else(|| Utf8PathBuf::from("."), Utf8Path::to_owned);
    if purpose == Purpose::Push {
        folder = engine.prepare(&folder).await?;
    }
    let engine = Arc::new(engine);
    let word = match purpose {
        Purpose::Pull => "pull",
        Purpose::Push => "push",
    };
    let agent = format!("{word}-{:016x}", context.env.random());
    let carriers = match args.carrier {
        CarrierChoice::Auto => site::Carriers::All,
        CarrierChoice::Quic => site::Carriers::Quic,
        CarrierChoice::Tcp => site::Carriers::Tcp,
        CarrierChoice::Https => site::Carriers::Https,
        CarrierChoice::Ssh => site::Carriers::Stream,
        CarrierChoice::S3 => {
            return Err(RunError::Value {
                what: format!("`{host}` is no bucket: `s3://BUCKET/PREFIX` is"),
            });
        }
    };
    let writable = purpose == Purpose::Push;
    let connector =
        site::connect(&engine, &folder, &agent, &own_binary()?, writable, carriers).await?;
    let way = Way {
        connector,
        path: name,
        egress_per_gb: known.as_ref().and_then(|known| known.entry.egress_per_gb),
    };
    Ok((
        way,
        known.and_then(|known| known.organisation.file.transfer.limit),
    ))
}

/// A site of the nearest causeway.yaml.
pub(crate) struct Known {
    pub(crate) id: SiteId,
    pub(crate) entry: Site,
    /// The folder that its paths are relative to.
    pub(crate) folder: Utf8PathBuf,
    organisation: Organisation,
}

/// The site that a word names, if it does.
pub(crate) fn known_site(context: &Context, place: &str) -> Result<Option<Known>, RunError> {
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
    let Some(entry) = organisation.file.sites.get(&id).cloned() else {
        return Ok(None);
    };
    Ok(Some(Known {
        id,
        entry,
        folder,
        organisation,
    }))
}

/// The summary: what moved, against the plain bytes and against what is billed.
pub(crate) fn finish(output: Output, summary: &Summary, moved: &Moved<'_>) {
    let egress = moved
        .egress_per_gb
        .map(|price| egress(price, summary.sent_bytes));
    if output.json {
        let mut value = serde_json::to_value(summary).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("event".to_owned(), json!("done"));
            map.insert("destination".to_owned(), json!(moved.destination));
            if let Some(egress) = egress {
                map.insert("egress_usd".to_owned(), json!(egress));
            }
        }
        output.event(&value);
        return;
    }
    for skipped in &summary.skipped {
        output.warn(format_args!("`{}` was left: {}", skipped.path, skipped.why));
    }
    output.line(in_words(summary, moved, egress));
}

/// What [`finish`] has to know beside the summary.
pub(crate) struct Moved<'a> {
    pub(crate) destination: &'a str,
    pub(crate) purpose: Purpose,
    pub(crate) egress_per_gb: Option<Usd>,
}

/// Providers bill by 10^9 bytes.
fn egress(per_gb: Usd, bytes: u64) -> Usd {
    let gb = Decimal::from(bytes) / Decimal::from(1_000_000_000);
    Usd::new((per_gb.get() * gb).round_dp(6))
}

fn in_words(summary: &Summary, moved: &Moved<'_>, egress: Option<Usd>) -> String {
    let bytes = Bytes::new;
    let (here, sender) = match moved.purpose {
        Purpose::Pull => ("were here", "the site"),
        Purpose::Push => ("were there", "home"),
    };
    let carrier = match summary.carrier {
        CarrierKind::Quic => "QUIC",
        CarrierKind::Tcp => "TCP",
        CarrierKind::Https => "HTTPS",
        CarrierKind::S3 => "S3",
        CarrierKind::Stream => "ssh",
    };
    let saved: String = [
        (here, summary.reused_bytes),
        ("less by encoding", summary.codec_saved_bytes),
        ("less by difference", summary.difference_saved_bytes),
    ]
    .into_iter()
    .filter(|(_, saved)| *saved > 0)
    .map(|(how, saved)| format!(", {} {how}", bytes(saved)))
    .collect();
    let mut text = format!(
        "{}: {} file(s), {}, every byte verified; {} over the line by {carrier}{saved}; {:.1} s",
        moved.destination,
        summary.files,
        bytes(summary.raw_bytes),
        bytes(summary.wire_bytes),
        summary.seconds
    );
    text += &format!("\n  {} left {sender}", bytes(summary.sent_bytes));
    #[expect(clippy::cast_precision_loss, reason = "percent for people")]
    if summary.raw_bytes > 0 {
        let share = summary.sent_bytes as f64 * 100.0 / summary.raw_bytes as f64;
        text += &format!(", {share:.1} % of the plain bytes");
    }
    if let (Some(cost), Some(price)) = (egress, moved.egress_per_gb) {
        text += &format!(": {cost} of egress at {price} per GB");
    }
    if let Some(loss) = summary.loss {
        text += &format!("; {:.2} % lost on the way", loss * 100.0);
    }
    if let Some(signed) = &summary.signed {
        text += &format!(
            "\n  manifest {}, signed by {}",
            summary.manifest.short(),
            signed.key()
        );
    }
    text
}

/// Progress of one transfer.
pub(crate) struct Shown {
    output: Output,
    bar: Option<indicatif::ProgressBar>,
}

impl Shown {
    pub(crate) fn new(output: Output) -> Self {
        let style = indicatif::ProgressStyle::with_template(
            "  {prefix:<10} {bar:24} {bytes}/{total_bytes} {wide_msg}",
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

    pub(crate) fn progress(&self, progress: &Progress) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_prefix(progress.stage.to_string());
                bar.set_message(progress.in_words());
            }
            None if self.output.json => self.events(progress),
            None => {}
        }
    }

    fn events(&self, progress: &Progress) {
        for file in &progress.whole {
            self.output.event(&json!({
                "event": "file", "path": file.path, "bytes": file.total, "state": "whole",
            }));
        }
        self.output.event(&json!({
            "event": "progress",
            "stage": progress.stage.to_string(),
            "done": progress.done,
            "total": progress.total,
            "bits_per_second": progress.rate.get(),
            "left_seconds": progress.left.map(|left| left.as_secs_f64()),
            "files_done": progress.files_done,
            "files_total": progress.files_total,
            "moving": progress.moving,
            "crossed": progress.crossed,
            "line": progress.line,
        }));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
