//! `causeway agent` at a site: put there, started, and spoken to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use camino::Utf8PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::BackendError;
use crate::facts::Platform;
use crate::place::{Call, Ended, Opened, Payload, Place, Reader, Writer, ask, last_words, refusal};
use crate::site;

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentOptions {
    /// One agent a name and site; the run's id is a good one. Letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// The program on this machine: usually the one that runs now.
    pub binary: Utf8PathBuf,
    /// What it was built for.
    pub platform: Platform,
    /// The address at which the agent listens there: `0.0.0.0:0`, `127.0.0.1:0`.
    pub listen: String,
    /// More words for its command line, behind ours. Nothing secret: command lines are public at a site.
    pub arguments: Vec<String>,
}

impl AgentOptions {
    /// This program's own binary, listening at any port of every address.
    #[must_use]
    pub fn new(name: impl Into<String>, binary: impl Into<Utf8PathBuf>) -> Self {
        Self {
            name: name.into(),
            binary: binary.into(),
            platform: Platform::current(),
            listen: "0.0.0.0:0".to_owned(),
            arguments: Vec::new(),
        }
    }
}

/// How long bringing the program to the site may take.
const UPLOAD: Duration = Duration::from_mins(30);
/// How long the agent may take to write its ticket, with room for a slow site.
const START: Duration = Duration::from_mins(2);
/// How long an agent that did not start may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Tickets are small.
const LONGEST_TICKET: usize = 64 << 10;

/// An agent that was started: its ticket for a carrier of its own, and a stream over the backend's channel as fallback.
pub struct AgentConnection {
    /// What the agent wrote for whoever connects to it: JSON text. Holds the right to connect: never printed, logged or stored.
    pub ticket_json: Option<Vec<u8>>,
    /// Its process at the site.
    pub pid: Option<u32>,
    /// The program's path at the site.
    pub binary: Utf8PathBuf,
    /// The directories that it serves.
    pub roots: Vec<Utf8PathBuf>,
    arguments: Vec<String>,
}

impl std::fmt::Debug for AgentConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentConnection")
            .field("pid", &self.pid)
            .field("binary", &self.binary)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}

fn root_arguments(roots: &[Utf8PathBuf]) -> Vec<&str> {
    roots
        .iter()
        .flat_map(|root| ["--root", root.as_str()])
        .collect()
}

pub(crate) async fn start(
    place: &impl Place,
    roots: &[Utf8PathBuf],
    options: &AgentOptions,
) -> Result<AgentConnection, BackendError> {
    check(place, roots, options)?;
    let binary = bring(place, options).await?;
    let root = place.ground().root.as_str();
    let starter = format!("{}\n{}", site::COMMON, site::AGENT);
    let size = starter.len().to_string();
    let mut arguments = vec![
        root,
        &options.name,
        &size,
        binary.as_str(),
        "agent",
        "--listen",
        &options.listen,
    ];
    arguments.extend(root_arguments(roots));
    arguments.extend(options.arguments.iter().map(String::as_str));
    let call = Call {
        doing: "starting the agent",
        verb: "agent_start",
        arguments,
        payload: Payload::Bytes(starter.as_bytes()),
        limit: Some(START),
    };
    // A ticket that is not written at once may be seen half written: it is then asked for again.
    let mut tries = 0;
    loop {
        let answer = ask(place, &call).await?;
        let pid = answer.number("pid")?;
        let wrong = answer.wrong("the agent's ticket is not JSON".to_owned());
        let ticket = answer.into_rest();
        if ticket.len() <= LONGEST_TICKET
            && serde_json::from_slice::<serde::de::IgnoredAny>(&ticket).is_ok()
        {
            return Ok(AgentConnection {
                ticket_json: Some(ticket),
                pid,
                binary,
                roots: roots.to_vec(),
                arguments: options.arguments.clone(),
            });
        }
        tries += 1;
        if tries == 5 {
            return Err(wrong);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(crate) async fn stop(place: &impl Place, name: &str) -> Result<(), BackendError> {
    check_name(place, name)?;
    let arguments = vec![place.ground().root.as_str(), name];
    ask(
        place,
        &Call {
            doing: "ending the agent",
            verb: "agent_stop",
            arguments,
            payload: Payload::Nothing,
            limit: Some(START),
        },
    )
    .await
    .map(drop)
}

fn check_name(place: &impl Place, name: &str) -> Result<(), BackendError> {
    let fine = !name.is_empty()
        && name.len() <= 100
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if fine {
        return Ok(());
    }
    Err(BackendError::Job {
        site: place.ground().site.clone(),
        what: format!("`{name}` is not the name of an agent"),
        help: "use letters, digits, `-`, `_` and `.`",
    })
}

fn check(
    place: &impl Place,
    roots: &[Utf8PathBuf],
    options: &AgentOptions,
) -> Result<(), BackendError> {
    check_name(place, &options.name)?;
    let words = roots
        .iter()
        .map(|root| root.as_str())
        .chain([options.listen.as_str()])
        .chain(options.arguments.iter().map(String::as_str));
    match words.into_iter().find(|word| word.contains(['\n', '\0'])) {
        None => Ok(()),
        Some(word) => Err(BackendError::Job {
            site: place.ground().site.clone(),
            what: format!(
                "`{}` can't be on the agent's command line",
                word.escape_debug()
            ),
            help: "write it without line breaks",
        }),
    }
}

/// Sees that the program is at the site; gives its path there.
async fn bring(place: &impl Place, options: &AgentOptions) -> Result<Utf8PathBuf, BackendError> {
    let ground = place.ground();
    if place.is_here() {
        return Ok(options.binary.clone());
    }
    let (digest, size) = digest(place, options.binary.clone()).await?;
    let file = ground.root.join(format!(".causeway/bin/causeway-{digest}"));
    let size = size.to_string();
    let call = Call {
        doing: "looking for the agent's program",
        verb: "present",
        arguments: vec![file.as_str(), &size],
        payload: Payload::Nothing,
        limit: Some(START),
    };
    let answer = ask(place, &call).await?;
    let there = Platform::from_uname(answer.need("os")?, answer.need("machine")?);
    if there != options.platform {
        return Err(BackendError::Platform {
            site: ground.site.clone(),
            binary: options.binary.clone(),
            here: options.platform.to_string(),
            there: there.to_string(),
        });
    }
    let path: Utf8PathBuf = answer.need("file")?.into();
    if !answer.flag("present") {
        tracing::info!(site = %ground.site, %path, size, "bringing the agent's program to the site");
        let call = Call {
            doing: "bringing the agent's program",
            verb: "put",
            payload: Payload::File(&options.binary),
            limit: Some(UPLOAD),
            ..call
        };
        ask(place, &call).await?;
    }
    Ok(path)
}

/// The first 12 hex digits of the file's BLAKE3, and its size.
async fn digest(place: &impl Place, path: Utf8PathBuf) -> Result<(String, u64), BackendError> {
    let failed = |source| BackendError::Binary {
        site: place.ground().site.clone(),
        source,
    };
    let hashing = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        let size = io::copy(&mut fs_err::File::open(&path)?, &mut hasher)?;
        Ok((hasher.finalize().to_hex().chars().take(12).collect(), size))
    });
    hashing
        .await
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)
}

pub(crate) async fn stream(
    place: &impl Place,
    connection: &AgentConnection,
) -> Result<AgentStream, BackendError> {
    /// Written by the script just before it becomes the agent: what follows is the agent's.
    const HEADER: &[u8] = b"stdio\n";
    const DOING: &str = "opening a stream to the agent";

    let ground = place.ground();
    let mut arguments = vec![
        ground.root.as_str(),
        connection.binary.as_str(),
        "agent",
        "--stdio",
    ];
    arguments.extend(root_arguments(&connection.roots));
    arguments.extend(connection.arguments.iter().map(String::as_str));
    let script = site::script("agent_stdio", &arguments);
    let Opened {
        mut stdin,
        mut stdout,
        mut stderr,
        ended,
    } = place.open(&site::reader(script.len()), DOING).await?;
    let mut header = [0; HEADER.len()];
    let opening = async {
        stdin.write_all(script.as_bytes()).await?;
        stdin.flush().await?;
        stdout.read_exact(&mut header).await
    };
    let opened = tokio::time::timeout(START, opening).await;
    if matches!(opened, Ok(Ok(_))) && header == HEADER {
        return Ok(AgentStream {
            stdin: Some(stdin),
            stdout,
            _stderr: stderr,
            _ended: ended,
        });
    }
    drop(stdin);
    let mut said = String::new();
    let _ = tokio::time::timeout(
        LAST_WORDS,
        (&mut stderr).take(16 << 10).read_to_string(&mut said),
    )
    .await;
    let site = ground.site.clone();
    match tokio::time::timeout(LAST_WORDS, ended).await {
        Ok(Ended::Cut(why)) => {
            let said = if said.trim().is_empty() {
                why
            } else {
                last_words(&said)
            };
            Err(BackendError::Unreachable {
                site,
                host: place.host().to_owned(),
                doing: DOING,
                said,
            })
        }
        Ok(Ended::Code(3)) => Err(refusal(&site, DOING, &said)),
        Ok(Ended::Code(code)) => Err(BackendError::Shell {
            site,
            doing: DOING,
            code,
            said: last_words(&said),
        }),
        Err(_) => Err(BackendError::Slow {
            site,
            doing: DOING,
            seconds: START.as_secs(),
        }),
    }
}

/// Bytes to and from an agent over the backend's channel. Shutting it down tells the agent that no more comes; dropping it
/// ends the agent.
pub struct AgentStream {
    stdin: Option<Writer>,
    stdout: Reader,
    /// Held open: the agent's own words go into a log at the site, those of `ssh` stay here.
    _stderr: Reader,
    /// Owns the process: dropped with the stream.
    _ended: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

impl std::fmt::Debug for AgentStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentStream").finish_non_exhaustive()
    }
}

impl AsyncRead for AgentStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(context, buffer)
    }
}

impl AsyncWrite for AgentStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(stdin) = &mut self.stdin {
            std::task::ready!(Pin::new(stdin).poll_flush(context))?;
        }
        // A pipe ends when its writer is closed.
        self.stdin = None;
        Poll::Ready(Ok(()))
    }
}
