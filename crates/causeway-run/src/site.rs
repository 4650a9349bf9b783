//! The way to a site: its engine, its directories, and the agent that moves bytes.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_backends::{AgentOptions, Backend, Engine, Ground, Local, Ssh, SshOptions};
use causeway_domain::organisation::{Engine as EngineFile, Site};
use causeway_domain::{Env, RateLimit, RunId, SiteId};
use causeway_transfer::{ByteStream, Connector, Ticket, TicketFetch, TicketSource, TransferError};

use crate::RunError;

/// An agent ends by itself after this long without a peer. Seconds.
const AGENT_IDLE: &str = "900";

/// A site that can be reached, and a run's directories on it.
#[derive(Debug, Clone)]
pub struct Way {
    /// The site.
    pub site: SiteId,
    /// Its engine.
    pub engine: Arc<Engine>,
    /// The run's own directory there.
    pub directory: Utf8PathBuf,
    /// Where the job runs.
    pub workdir: Utf8PathBuf,
    /// Where its checkpoints are.
    pub checkpoints: Utf8PathBuf,
    /// Most that its transfers take of the line.
    pub limit: Option<RateLimit>,
    binary: Utf8PathBuf,
}

/// The engine of a site of `causeway.yaml`.
///
/// # Errors
/// When a local directory has no absolute path.
pub fn engine(
    id: &SiteId,
    site: &Site,
    organisation_folder: &Utf8Path,
    env: Arc<dyn Env>,
) -> Result<(Engine, Utf8PathBuf), RunError> {
    let (root, ssh) = match &site.engine {
        EngineFile::Local(local) => (
            causeway_plan::normal(organisation_folder, &local.directory),
            None,
        ),
        EngineFile::Ssh(ssh) => {
            let mut options = SshOptions::new(&ssh.host);
            options.config = ssh
                .config
                .as_ref()
                .map(|path| causeway_plan::normal(organisation_folder, path));
            (Utf8PathBuf::from(&ssh.directory), Some(options))
        }
    };
    let mut ground = Ground::new(id.clone(), root.clone(), env);
    ground.metadata_url.clone_from(&site.metadata_url);
    let engine = match ssh {
        Some(options) => Ssh::new(ground, options).into(),
        None => Local::new(ground).into(),
    };
    Ok((engine, root))
}

/// Any destination that `ssh` knows, as a site of its own.
///
/// # Errors
/// Never in practice: the name given to it is an id.
pub fn destination(
    host: &str,
    config: Option<&Utf8Path>,
    env: Arc<dyn Env>,
) -> Result<Engine, RunError> {
    let site: SiteId = "destination"
        .parse()
        .map_err(|error: causeway_domain::InvalidId| RunError::Value {
            what: error.to_string(),
        })?;
    let mut options = SshOptions::new(host);
    options.config = config.map(Utf8Path::to_owned);
    Ok(Ssh::new(Ground::new(site, ".causeway-agent".into(), env), options).into())
}

impl Way {
    /// The way to a run's directories at a site.
    ///
    /// # Errors
    /// As [`engine`].
    pub fn new(
        run: &RunId,
        id: &SiteId,
        site: &Site,
        organisation_folder: &Utf8Path,
        checkpoints: &str,
        binary: &Utf8Path,
        env: Arc<dyn Env>,
    ) -> Result<Self, RunError> {
        let (engine, root) = engine(id, site, organisation_folder, env)?;
        let directory = root.join("runs").join(run.as_str());
        let workdir = directory.join("workdir");
        let checkpoints = workdir.join(checkpoints);
        Ok(Self {
            site: id.clone(),
            engine: Arc::new(engine),
            directory,
            workdir,
            checkpoints,
            limit: None,
            binary: binary.to_owned(),
        })
    }

    /// Makes the run's directories and takes their absolute paths.
    ///
    /// # Errors
    /// When the site can't be reached or they can't be made.
    pub async fn prepare(&mut self) -> Result<(), RunError> {
        self.directory = self.engine.prepare(&self.directory).await?;
        self.workdir = self.engine.prepare(&self.workdir).await?;
        self.checkpoints = self.engine.prepare(&self.checkpoints).await?;
        Ok(())
    }

    /// Starts an agent over the run's directory, or finds the living one, and gives the ways to it: QUIC or TCP by its ticket,
    /// a stream over the engine's own channel as fallback. Paths of the transfer are relative to the run's directory.
    ///
    /// # Errors
    /// When the agent can't be started.
    pub async fn connect(&self, run: &RunId) -> Result<Connector, RunError> {
        let connector = connect(
            &self.engine,
            &self.directory,
            run.as_str(),
            &self.binary,
            true,
            Carriers::All,
        )
        .await?;
        Ok(match &self.limit {
            Some(limit) => connector.with_limit(limit.clone()),
            None => connector,
        })
    }

    /// A path below the run's directory, as the transfer names it.
    #[must_use]
    pub fn relative(&self, path: &Utf8Path) -> String {
        path.strip_prefix(&self.directory)
            .unwrap_or(path)
            .to_string()
    }
}

/// By which ways bytes may travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriers {
    /// QUIC where it connects, else TCP, else the engine's own channel.
    All,
    /// QUIC only.
    Quic,
    /// TLS over TCP only.
    Tcp,
    /// HTTPS only.
    Https,
    /// The engine's own channel only.
    Stream,
}

/// Starts an agent over a directory at a site and gives the ways to it. An agent that died since is started again when
/// the next connection asks for its ticket.
///
/// # Errors
/// When the agent can't be started.
pub async fn connect(
    engine: &Arc<Engine>,
    root: &Utf8Path,
    name: &str,
    binary: &Utf8Path,
    writable: bool,
    carriers: Carriers,
) -> Result<Connector, RunError> {
    let mut options = AgentOptions::new(name, binary);
    options.arguments = vec!["--idle".to_owned(), AGENT_IDLE.to_owned()];
    if writable {
        options.arguments.push("--writable".to_owned());
    }
    if matches!(**engine, Engine::Local(_)) {
        options.listen = "127.0.0.1:0".to_owned();
    }
    let roots = [root.to_owned()];
    let connection = Arc::new(engine.start_agent(&roots, &options).await?);
    let (asked, streamed) = (Arc::clone(engine), Arc::clone(engine));
    let fetch: TicketFetch = Box::new(move || {
        let (engine, roots, options) = (Arc::clone(&asked), roots.clone(), options.clone());
        Box::pin(async move {
            let started = engine
                .start_agent(&roots, &options)
                .await
                .map_err(|error| unreachable(&error))?;
            let json = started.ticket_json.unwrap_or_default();
            Ticket::parse(&String::from_utf8_lossy(&json), "the agent's ticket")
        })
    });
    let open = move || {
        let (engine, connection) = (Arc::clone(&streamed), Arc::clone(&connection));
        async move {
            let stream = engine
                .agent_stream(&connection)
                .await
                .map_err(std::io::Error::other)?;
            Ok(ByteStream::both(stream))
        }
    };
    let ticket = TicketSource::Fetch(fetch);
    Ok(match carriers {
        Carriers::All => Connector::direct(ticket).or_stream(open),
        Carriers::Quic => Connector::quic(ticket),
        Carriers::Tcp => Connector::tcp(ticket),
        Carriers::Https => Connector::https(ticket),
        Carriers::Stream => Connector::stream(open),
    })
}

fn unreachable(error: &causeway_backends::BackendError) -> TransferError {
    TransferError::Unreachable {
        why: error.to_string(),
    }
}
