//! `causeway transfer bench`: what a link can give.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_backends::{Backend, Engine};
use causeway_domain::Env;
use causeway_run::{RunError, site};
use causeway_transfer::{CarrierKind, Connector, LineReport, advice, bench};
use serde_json::json;

use crate::cli::BenchArgs;
use crate::output::{Exit, Output};
use crate::verbs::transfer::{known_site, ticket};
use crate::verbs::{Context, block_on, own_binary};

/// What was measured of a carrier, or why it could not be.
type Measured = (CarrierKind, Result<LineReport, String>);

pub(crate) fn run(context: &Context, args: &BenchArgs) -> Result<Exit, RunError> {
    let measured = block_on(measure(context, args))?;
    let said = advice(&measured);
    let any = measured.iter().any(|(_, report)| report.is_ok());
    show(context.output, &measured, &said);
    Ok(if any { Exit::Done } else { Exit::Failed })
}

async fn measure(context: &Context, args: &BenchArgs) -> Result<Vec<Measured>, RunError> {
    let each = Duration::from_secs(args.seconds);
    let env = context.env.as_ref();
    let mut measured = Vec::new();
    let place = match &args.site {
        Some(site) => Some(Place::open(context, args, site).await?),
        None => None,
    };
    // HTTPS is TCP's connections, with more around each block.
    for (kind, carriers) in [
        (CarrierKind::Quic, site::Carriers::Quic),
        (CarrierKind::Tcp, site::Carriers::Tcp),
        (CarrierKind::Stream, site::Carriers::Stream),
    ] {
        let connector = match (&place, &args.way.ticket_file, kind) {
            (Some(place), ..) => place.connector(carriers).await?,
            (None, Some(file), CarrierKind::Quic) => Connector::quic(ticket(file, &args.way)?),
            (None, Some(file), CarrierKind::Tcp) => Connector::tcp(ticket(file, &args.way)?),
            // A ticket opens no ssh.
            _ => continue,
        };
        context.output.say(format_args!(
            "measuring {kind} for {} s in each direction",
            args.seconds
        ));
        let report = bench(&connector, each, env)
            .await
            .map_err(|error| error.to_string());
        measured.push((kind, report));
    }
    if let Some(place) = place {
        place.close().await;
    }
    Ok(measured)
}

/// A site, with an agent that serves an empty directory there.
struct Place {
    engine: Arc<Engine>,
    root: Utf8PathBuf,
    agent: String,
}

impl Place {
    async fn open(context: &Context, args: &BenchArgs, place: &str) -> Result<Self, RunError> {
        let env: Arc<dyn Env> = context.env.clone();
        let (engine, root) = match known_site(context, place)? {
            Some(known) => site::engine(&known.id, &known.entry, &known.folder, env)?,
            None => (
                site::destination(place, args.way.ssh_config.as_deref(), env)?,
                Utf8PathBuf::from(".causeway-agent"),
            ),
        };
        // Nothing is served: what is measured touches no disk.
        let root = engine.prepare(&root.join(".causeway/bench")).await?;
        Ok(Self {
            engine: Arc::new(engine),
            root,
            agent: format!("bench-{:016x}", context.env.random()),
        })
    }

    async fn connector(&self, carriers: site::Carriers) -> Result<Connector, RunError> {
        let binary = own_binary()?;
        site::connect(
            &self.engine,
            &self.root,
            &self.agent,
            &binary,
            false,
            carriers,
        )
        .await
    }

    /// The agent need not wait for its idle time; one that can't be told ends by itself.
    async fn close(self) {
        self.engine.stop_agent(&self.agent).await.ok();
    }
}

fn show(output: Output, measured: &[Measured], said: &[String]) {
    if output.json {
        let carriers: Vec<_> = measured
            .iter()
            .map(|(kind, report)| match report {
                Ok(report) => json!({"carrier": kind, "report": report}),
                Err(error) => json!({"carrier": kind, "error": error}),
            })
            .collect();
        output.document(&json!({"carriers": carriers, "advice": said}));
        return;
    }
    let header = ["carrier", "connects", "rtt", "home", "there", "lost", ""];
    let mut table = output.table(&header, 6);
    let percent = |loss: Option<f64>| {
        loss.map_or_else(|| "?".to_owned(), |loss| format!("{:.2} %", loss * 100.0))
    };
    for (kind, report) in measured {
        let name = match kind {
            CarrierKind::Stream => "ssh".to_owned(),
            kind => kind.to_string(),
        };
        table.add_row(match report {
            Ok(report) => vec![
                name,
                format!("{:.0} ms", report.connect_seconds * 1e3),
                format!("{:.0} ms", report.rtt_seconds * 1e3),
                report.down.to_string(),
                report.up.to_string(),
                percent(report.down_loss),
                report.why.clone(),
            ],
            Err(error) => {
                let mut row = vec![name];
                row.resize(6, "-".to_owned());
                row.push(error.clone());
                row
            }
        });
    }
    output.line(table);
    for advice in said {
        output.line(advice);
    }
}
