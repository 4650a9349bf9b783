//! The API that Hugging Face clients speak, read-only.
//!
//! [`router`] answers the requests that `huggingface_hub` 2.4.0 was seen to send for `hf download`, `snapshot_download`,
//! `hf_hub_download`, `model_info`, `list_repo_*`, `get_paths_info` and `from_pretrained`; `docs/formats/registry.md` lists
//! them. Every answer about files carries `X-Repo-Commit`, without which the client stops. No redirects, no Xet, no uploads.

mod auth;
mod body;
mod files;
mod info;
mod page;
mod range;
mod refusal;
mod served;
mod target;
mod tree;

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use causeway_domain::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::error::RegistryError;
use crate::registry::Registry;
use refusal::Refusal;
use served::Served;
use target::{Ask, RepoAsk, Target};

/// How long running downloads may go on after a shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// Largest body of a `paths-info` request: 10,000 paths of 100 bytes.
const MAX_FORM: usize = 1 << 20;
const TOO_LARGE: Refusal = Refusal::BadRequest("the body is cut off or larger than 1 MiB");

/// How a registry is offered.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// What every caller must show as `Authorization: Bearer`. Without one, only requests that name this machine itself as
    /// their host are answered, so that a web page elsewhere can't read models through a visitor's browser.
    pub token: Option<Secret>,
    /// How clients reach this server when a proxy stands before it: `https://models.example.org`. Default: the request's host.
    pub public_url: Option<String>,
    /// Entries of a file tree in one answer; more follow by `Link`. The Hub's own figure is 1000.
    pub page_size: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            token: None,
            public_url: None,
            page_size: 1000,
        }
    }
}

/// Refuses to listen where other machines can reach the models without a token.
///
/// # Errors
/// [`RegistryError::TokenNeeded`] for an address that is not loopback; [`RegistryError::WeakToken`] for a token that an HTTP
/// header can't hold, or that is shorter than 16 characters where others can reach it.
pub fn check_listen(addr: SocketAddr, token: Option<&Secret>) -> Result<(), RegistryError> {
    let local = addr.ip().to_canonical().is_loopback();
    let Some(token) = token.map(Secret::reveal) else {
        return if local {
            Ok(())
        } else {
            Err(RegistryError::TokenNeeded { addr })
        };
    };
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(RegistryError::WeakToken {
            why: "it must be visible ASCII characters without blanks",
        });
    }
    if !local && token.len() < 16 {
        return Err(RegistryError::WeakToken {
            why: "it has fewer than 16 characters, and other machines can try some",
        });
    }
    Ok(())
}

/// The routes. A fallback takes every path, so nest or merge it as the fallback service of another router.
pub fn router(registry: Arc<Registry>, options: ServeOptions) -> Router {
    Router::new()
        .fallback(answer)
        .with_state(Arc::new(Served::new(registry, options)))
}

/// Answers on `listener` until `shutdown` is done; downloads then running have 10 s to finish.
///
/// # Errors
/// [`RegistryError::Io`] when the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RegistryError> {
    let (asked, mut asking) = tokio::sync::watch::channel(false);
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        asked.send_replace(true);
    });
    let drained = async {
        match asking.wait_for(|asked| *asked).await {
            Ok(_) => tokio::time::sleep(DRAIN).await,
            // The server ended by itself, and says so in the other branch.
            Err(_) => std::future::pending::<()>().await,
        }
    };
    tokio::select! {
        done = server.into_future() => done.map_err(RegistryError::io("answering clients")),
        () = drained => Ok(()),
    }
}

async fn answer(State(served): State<Arc<Served>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let response = respond(&served, &parts, body)
        .await
        .unwrap_or_else(IntoResponse::into_response);
    tracing::debug!(method = %parts.method, path = parts.uri.path(), status = response.status().as_u16(), "answered");
    response
}

async fn respond(served: &Arc<Served>, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let target = target::parse(parts.uri.path());
    auth::check(
        &served.options,
        &parts.headers,
        matches!(target, Ok(Target::Repo(_))),
    )?;
    let target = target?;

    let posts = matches!(&target, Target::Repo(asks) if asks.iter().any(|ask| matches!(ask.ask, Ask::PathsInfo { .. })));
    match (posts, &parts.method) {
        (true, &Method::POST) | (false, &Method::GET | &Method::HEAD) => {}
        (true, _) => return Err(Refusal::Method { allow: "POST" }),
        (false, _) => return Err(Refusal::Method { allow: "GET, HEAD" }),
    }
    match target {
        Target::Page => page::index(served, parts).await,
        Target::Health => Ok("ok\n".into_response()),
        Target::WhoAmI => Ok(axum::Json(whoami()).into_response()),
        Target::List => info::list(served, parts).await,
        Target::OtherRepo => Err(Refusal::RepoNotFound),
        Target::Unknown => Err(Refusal::NotFound),
        Target::Repo(asks) => {
            let RepoAsk { repo, ask } = served.choose(asks).await?;
            let model = repo.parse().map_err(|_| Refusal::RepoNotFound)?;
            match ask {
                Ask::Info { revision } => info::model(served, parts, model, revision).await,
                Ask::Tree { revision, folder } => {
                    tree::listing(served, parts, model, revision, folder).await
                }
                Ask::Refs => info::refs(served, model).await,
                Ask::Commits { revision } => info::commits(served, model, revision).await,
                Ask::PathsInfo { revision } => {
                    if body.size_hint().lower() > MAX_FORM as u64 {
                        return Err(TOO_LARGE);
                    }
                    let bytes = axum::body::to_bytes(body, MAX_FORM)
                        .await
                        .map_err(|_| TOO_LARGE)?;
                    tree::paths_info(served, parts, model, revision, &bytes).await
                }
                Ask::File { revision, path } => {
                    files::file(served, parts, model, revision, path).await
                }
            }
        }
    }
}

/// There are no accounts: whoever may ask is the one reader.
fn whoami() -> Value {
    json!({
        "type": "user",
        "id": "causeway",
        "name": "causeway",
        "fullname": "Causeway registry",
        "isPro": false,
        "canPay": false,
        "orgs": [],
        "auth": {"type": "access_token", "accessToken": {"displayName": "registry token", "role": "read"}},
    })
}

/// A JSON answer about one revision.
fn json_of(commit: &str, value: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/json"),
        ("x-repo-commit", commit),
    ];
    (StatusCode::OK, headers, value.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_goes_without_a_token() {
        let strong = Secret::new("0123456789abcdef");
        for local in [
            "127.0.0.1:80",
            "127.8.8.8:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            check_listen(local.parse().unwrap(), None).unwrap();
            check_listen(local.parse().unwrap(), Some(&Secret::new("short"))).unwrap();
        }
        for open in [
            "0.0.0.0:80",
            "[::]:80",
            "192.168.1.5:80",
            "[::ffff:10.0.0.1]:80",
        ] {
            let addr = open.parse().unwrap();
            assert!(
                matches!(
                    check_listen(addr, None),
                    Err(RegistryError::TokenNeeded { .. })
                ),
                "{open}"
            );
            assert!(
                matches!(
                    check_listen(addr, Some(&Secret::new("short"))),
                    Err(RegistryError::WeakToken { .. })
                ),
                "{open}"
            );
            check_listen(addr, Some(&strong)).unwrap();
        }
        for bad in [
            "",
            "two words of sufficient length",
            "ümlaut-ümlaut-ümlaut",
            "line\nbreak-in-a-header",
        ] {
            assert!(
                check_listen("127.0.0.1:80".parse().unwrap(), Some(&Secret::new(bad))).is_err(),
                "{bad:?}"
            );
        }
    }
}
