//! The agent's port, spoken to with HTTP/1.1: files and ranges of them, manifests and listings, for `curl` and for a home that
//! only HTTPS gets through to. It serves what lanes serve, under the same rules and budgets.

mod body;
mod file;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use causeway_domain::{Crash, Digest};
use headers::authorization::Bearer;
use headers::{Authorization, ContentType, ETag, HeaderMapExt as _};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Agent, Peer};
use crate::carrier::tcp::HttpStream;
use crate::coming::blocking;
use crate::error::TransferError;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::http::{self as form, Greeting, Problem, Target};
use crate::protocol::message::Token;
use crate::protocol::outcome::{Code, Failure};
use crate::scan::{Rule, Skipped};

use body::Body;

/// So long a caller may take to show who it is.
const GREETING: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes: a path of 4095 bytes, each of which may be written as three, and what else is said.
const MAX_HEAD: usize = 32 << 10;
/// Most headers of a request.
const MAX_HEADERS: usize = 64;
/// So long the answer to a caller that takes 202 is waited for: shorter than its patience with a silent connection.
const SOON: Duration = Duration::from_secs(1);
/// Most scans that one caller may leave and come back to.
const MAX_SCANS: usize = 8;

type Answer = Response<Body>;

/// Scans that a caller was told to come back for.
#[derive(Debug, Default)]
pub(super) struct Scans(Mutex<HashMap<(String, Rule, bool), Scanning>>);

type Scanning = JoinHandle<Result<Listed, TransferError>>;

/// A manifest's canonical form, its digest, and what is not in it.
#[derive(Debug)]
struct Listed {
    bytes: Vec<u8>,
    digest: Digest,
    skipped: Vec<Skipped>,
}

/// One connection.
struct Caller {
    agent: Arc<Agent>,
    peer: Peer,
    token: Token,
    congestion: String,
    /// Told when the token was shown.
    let_in: Arc<Notify>,
}

/// Serves a connection until it ends.
pub(super) async fn serve(agent: Arc<Agent>, stream: HttpStream, token: Token, peer: Peer) {
    let HttpStream { stream, congestion } = stream;
    let let_in = Arc::<Notify>::default();
    let (sent, seen) = (Arc::clone(&peer.sent), Arc::clone(&agent));
    let caller = Arc::new(Caller {
        agent,
        peer,
        token,
        congestion,
        let_in: Arc::clone(&let_in),
    });
    let service = service_fn(move |request| {
        let caller = Arc::clone(&caller);
        async move { caller.answer(&request).await }
    });
    let connection = http1::Builder::new()
        // A caller that is known may stay as long as it likes, as on a lane.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        // Blocks are written from where they lie.
        .writev(true)
        .serve_connection(TokioIo::new(stream), service);
    let stranger = async {
        if timeout(GREETING, let_in.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    // A block on a slow link is on its way for a while: an agent that sends is not idle.
    let moving = async {
        let mut before = 0;
        loop {
            tokio::time::sleep(SOON).await;
            let now = sent.load(Ordering::Relaxed);
            if now != before {
                before = now;
                seen.activity.touch();
            }
        }
    };
    tokio::select! {
        () = moving => {}
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "an HTTPS connection ended early");
        },
        () = stranger => {}
    }
}

impl Caller {
    /// Fails only with a crash on purpose, which ends the connection: as one by accident would.
    async fn answer(self: &Arc<Self>, request: &Request<Incoming>) -> Result<Answer, Crash> {
        if !self.is_known(request.headers()) {
            return Ok(stranger());
        }
        self.let_in.notify_one();
        self.agent.activity.touch();
        let head = match *request.method() {
            Method::GET => false,
            Method::HEAD => true,
            _ => {
                let mut answer =
                    problem(StatusCode::METHOD_NOT_ALLOWED, "", "ask with GET or HEAD");
                let allowed = HeaderValue::from_static("GET, HEAD");
                answer.headers_mut().insert(ALLOW, allowed);
                return Ok(answer);
            }
        };
        let uri = request.uri();
        let Some(target) = Target::parse(uri.path(), uri.query()) else {
            let why = "ask for /files/PATH, /manifest/PATH, /list/PATH or /";
            return Ok(problem(StatusCode::NOT_FOUND, uri.path(), why));
        };
        let Ok(turn) = Arc::clone(&self.peer.requests).acquire_owned().await else {
            return Ok(problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "",
                "the agent ends",
            ));
        };
        let (answer, path) = match target {
            Target::Agent => (self.greeting(), String::new()),
            Target::File { path } => (self.file(&path, request.headers(), head).await, path),
            Target::List { path } => (self.list(path.clone()).await, path),
            Target::Manifest { path, rule, fresh } => {
                let may_come_back = request
                    .headers()
                    .get(form::PREFER)
                    .is_some_and(|value| value.as_bytes() == form::RESPOND_ASYNC.as_bytes());
                let asked = (path.clone(), rule, fresh);
                (self.manifest(asked, may_come_back).await, path)
            }
        };
        match answer {
            Ok(answer) => {
                let answer = answer.map(|body| body.holding(turn));
                Ok(if head { without_body(answer) } else { answer })
            }
            Err(TransferError::Crash(crash)) => Err(crash),
            Err(error) => {
                let Failure { code, path, why } = Failure::of(&error, &path);
                let status = match code {
                    // It is not what fails that is asked again, but what was said wrong.
                    Code::Other if matches!(error, TransferError::Protocol { .. }) => {
                        StatusCode::BAD_REQUEST
                    }
                    code => StatusCode::from_u16(form::status_of(code)).unwrap_or_default(),
                };
                Ok(problem(status, &path, &why))
            }
        }
    }

    /// Whether the token of the ticket was shown. Compared in constant time.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let shown = headers
            .typed_get::<Authorization<Bearer>>()
            .and_then(|shown| STANDARD.decode(shown.token()).ok())
            .and_then(|shown| Token::try_from(shown).ok());
        // `blake3::Hash` compares in constant time; the lengths are fixed.
        let same = blake3::Hash::from_bytes(shown.unwrap_or_default())
            == blake3::Hash::from_bytes(self.token);
        shown.is_some() & same
    }

    fn greeting(&self) -> Result<Answer, TransferError> {
        json(&Greeting {
            causeway: PROTOCOL_VERSION,
            sent: self.peer.sent.load(Ordering::Relaxed),
            congestion: self.congestion.clone(),
        })
    }

    async fn list(&self, path: String) -> Result<Answer, TransferError> {
        let _turn = self
            .peer
            .heavy
            .acquire()
            .await
            .map_err(TransferError::cut)?;
        let site = Arc::clone(&self.agent.site);
        let entries = blocking(move || site.list(&path)).await?;
        json(&entries)
    }

    /// The canonical form, or 202 when that takes a while and the caller comes back.
    async fn manifest(
        &self,
        asked: (String, Rule, bool),
        may_come_back: bool,
    ) -> Result<Answer, TransferError> {
        let (path, rule, fresh) = asked;
        let (key, of) = ((path.clone(), rule, fresh), path.clone());
        let known = || {
            self.peer
                .scans
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let left = known().remove(&key);
        let mut scanning = left.unwrap_or_else(|| {
            let (site, heavy) = (Arc::clone(&self.agent.site), Arc::clone(&self.peer.heavy));
            tokio::spawn(async move {
                let _turn = heavy.acquire_owned().await.map_err(TransferError::cut)?;
                blocking(move || {
                    let mut bytes = Vec::new();
                    let (scan, digest) =
                        site.manifest(&path, rule, fresh, &|_, _| {}, |part| bytes.extend(part))?;
                    let skipped = scan.skipped;
                    Ok(Listed {
                        bytes,
                        digest,
                        skipped,
                    })
                })
                .await
            })
        });
        let limit = if may_come_back { SOON } else { Duration::MAX };
        let Ok(scan) = timeout(limit, &mut scanning).await else {
            let mut known = known();
            if known.len() >= MAX_SCANS {
                // Nobody came back for them.
                known.retain(|_, scanning| !scanning.is_finished());
            }
            if known.len() < MAX_SCANS {
                known.insert(key, scanning);
            }
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::ACCEPTED;
            answer
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("0"));
            return Ok(answer);
        };
        let Listed {
            bytes,
            digest,
            skipped,
        } = scan.map_err(TransferError::cut)??;
        self.agent.env.fault("agent.manifest")?;
        let mut answer = Response::new(Body::whole(bytes.into()));
        let headers = answer.headers_mut();
        headers.typed_insert(ContentType::octet_stream());
        headers.typed_insert(tag(&digest.to_string())?);
        let signed = self.agent.signer.sign(&digest, &of);
        if let Ok(value) = HeaderValue::from_str(&form::signature_value(&signed)) {
            headers.insert(form::SIGNED, value);
        }
        for skipped in skipped.iter().take(form::MAX_SKIPPED) {
            if let Ok(value) = HeaderValue::from_str(&form::skipped_value(skipped)) {
                headers.append(form::SKIPPED, value);
            }
        }
        Ok(answer)
    }
}

/// An entity tag of these letters.
fn tag(text: &str) -> Result<ETag, TransferError> {
    format!("\"{text}\"").parse().map_err(TransferError::cut)
}

fn json<T: serde::Serialize>(value: &T) -> Result<Answer, TransferError> {
    let bytes = serde_json::to_vec(value).map_err(TransferError::cut)?;
    let mut answer = Response::new(Body::whole(bytes.into()));
    answer.headers_mut().typed_insert(ContentType::json());
    Ok(answer)
}

fn problem(status: StatusCode, path: &str, why: &str) -> Answer {
    let problem = Problem {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let bytes = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = Response::new(Body::whole(Bytes::from(bytes)));
    *answer.status_mut() = status;
    answer.headers_mut().typed_insert(ContentType::json());
    answer
}

/// Who does not show the token is told so, and not listened to any longer.
fn stranger() -> Answer {
    let why = "show the token of the present ticket: `Authorization: Bearer TOKEN`";
    let mut answer = problem(StatusCode::UNAUTHORIZED, "", why);
    let headers = answer.headers_mut();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// What HEAD is answered: how long it would be, and nothing of it.
fn without_body(mut answer: Answer) -> Answer {
    let length = headers::ContentLength(answer.body().left());
    answer.headers_mut().typed_insert(length);
    answer.map(|_| Body::empty())
}
