//! Objects: a bucket that speaks S3, or any server that answers ranges over HTTPS, with nothing of ours running there.
//!
//! The files lie under their paths, for everybody to read; beside them `.causeway/manifest` says what belongs together, and
//! `.causeway/objects.json` which state of each object it was written for. Both ends of a lane are here: what a transfer asks
//! becomes ranged GETs. This module is the only one that knows `object_store`.

mod client;
mod lane;
mod listed;
mod put;
#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_domain::{Digest, RateLimit};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ClientOptions, GetOptions, ObjectStore, RetryConfig};

use super::{BoxFuture, Carrier, CarrierKind, Lane};
use crate::error::TransferError;
use crate::limit::Throttle;
use crate::protocol::message::Token;
use crate::signature::{ManifestSigner, SignerKey};

use listed::Listed;
pub use put::push_objects;

/// Lanes to begin with: what the servers send with is not known, and each has two requests under way.
const LANES: usize = 16;
/// Most lanes of one session.
const MAX_LANES: usize = 64;
/// So long, and so often, a request is made again before the session counts as cut.
const RETRY: (Duration, usize) = (Duration::from_secs(20), 4);
/// Where a machine of a cloud is told its role (Amazon's instance metadata service).
const METADATA: &str = "169.254.169.254";
/// What rustls says of a server whose certificate nobody vouches for.
const UNTRUSTED: &str = "invalid peer certificate";
/// Where the manifest lies.
const MANIFEST: &str = ".causeway/manifest";
/// Where the states of the objects lie.
const OBJECTS: &str = ".causeway/objects.json";
/// Where signatures lie, each under the digest of its manifest: a push that is broken off leaves that of the one before.
const SIGNATURES: &str = ".causeway/signatures/";

/// Opens a store. What is sent to it pays out of the budget that is given.
type Open =
    dyn Fn(Option<Arc<Throttle>>) -> Result<Arc<dyn ObjectStore>, TransferError> + Send + Sync;

/// A prefix of a bucket (`s3://BUCKET/PREFIX`), or a directory of a static server (`https://HOST/PREFIX`).
pub struct Objects {
    place: String,
    kind: CarrierKind,
    /// The name of the bucket.
    bucket: String,
    prefix: Path,
    open: Box<Open>,
    /// The most that a push takes of the line.
    limit: Option<RateLimit>,
    /// Who has to have signed the manifest.
    signer: Option<SignerKey>,
    /// Signs what is pushed.
    signs: Option<ManifestSigner>,
    /// What the manifest said when it was read last.
    listed: Mutex<Option<Arc<Listed>>>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Objects").field(&self.place).finish()
    }
}

impl std::fmt::Display for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

impl Objects {
    /// Whether an address is one of objects.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        ["s3://", "https://", "http://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
    }

    /// From its address: `s3://BUCKET/PREFIX` or `https://HOST/PREFIX`. Keys and region of a bucket, and another endpoint than
    /// Amazon's, are said by the usual variables among `environment`, names and values: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`. Unencrypted HTTP is spoken to an
    /// endpoint that says `http://`, and to this machine.
    ///
    /// # Errors
    /// [`TransferError::Bucket`] when it is no such address.
    pub fn at(address: &str, environment: &[(String, String)]) -> Result<Self, TransferError> {
        let wrong = |why: &str| TransferError::Bucket {
            place: address.to_owned(),
            why: why.to_owned(),
        };
        let place = address.trim_end_matches('/').to_owned();
        if let Some(rest) = place.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong("it names no bucket"));
            }
            let prefix = Path::parse(prefix).map_err(|error| wrong(&error.to_string()))?;
            let (bucket, shown) = (bucket.to_owned(), place.clone());
            let mut builder = AmazonS3Builder::new();
            for (name, value) in environment {
                // Some of the environment's are of other programs.
                if let Some(key) = name
                    .starts_with("AWS_")
                    .then(|| name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>())
                    .and_then(Result::ok)
                {
                    builder = builder.with_config(key, value);
                }
            }
            let builder = builder.with_bucket_name(&bucket);
            let open = move |throttle| {
                let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
                let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
                let connector = client::Connector {
                    plain: is_plain,
                    throttle,
                };
                let store = builder
                    .clone()
                    .with_client_options(ClientOptions::new().with_allow_http(is_plain))
                    .with_http_connector(connector)
                    .with_retry(retry())
                    .build()
                    .map_err(|error| unfit(&shown, &error))?;
                Ok(Arc::new(store) as Arc<dyn ObjectStore>)
            };
            return Ok(Self {
                place,
                kind: CarrierKind::S3,
                bucket,
                prefix,
                open: Box::new(open),
                limit: None,
                signer: None,
                signs: None,
                listed: Mutex::default(),
            });
        }
        let is_plain = match place.split_once("://") {
            Some(("https", _)) => false,
            Some(("http", rest)) if is_here(rest) => true,
            Some(("http", _)) => return Err(wrong("it is not encrypted: `https://` is")),
            _ => {
                return Err(wrong(
                    "it is neither `s3://BUCKET/PREFIX` nor `https://HOST/PREFIX`",
                ));
            }
        };
        let shown = place.clone();
        let open = move |throttle| {
            let connector = client::Connector {
                plain: is_plain,
                throttle,
            };
            let store = HttpBuilder::new()
                .with_url(&shown)
                .with_client_options(ClientOptions::new().with_allow_http(is_plain))
                .with_http_connector(connector)
                .with_retry(retry())
                .build()
                .map_err(|error| unfit(&shown, &error))?;
            Ok(Arc::new(store) as Arc<dyn ObjectStore>)
        };
        Ok(Self {
            place,
            kind: CarrierKind::Https,
            bucket: String::new(),
            prefix: Path::default(),
            open: Box::new(open),
            limit: None,
            signer: None,
            signs: None,
            listed: Mutex::default(),
        })
    }

    /// Takes a manifest only if that key has signed it.
    #[must_use]
    pub fn signed_by(self, signer: SignerKey) -> Self {
        Self {
            signer: Some(signer),
            ..self
        }
    }

    /// Takes no more of the line for what is pushed.
    #[must_use]
    pub fn limited(self, limit: RateLimit) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Signs the manifests that are pushed.
    #[must_use]
    pub fn signing(self, signer: ManifestSigner) -> Self {
        Self {
            signs: Some(signer),
            ..self
        }
    }

    /// A bucket in memory, or one that fails when a test wants it to.
    #[cfg(test)]
    fn within(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self {
            place: format!("s3://test/{prefix}"),
            kind: CarrierKind::S3,
            bucket: "test".to_owned(),
            prefix: Path::parse(prefix).unwrap_or_default(),
            open: Box::new(move |_| Ok(Arc::clone(&store))),
            limit: None,
            signer: None,
            signs: None,
            listed: Mutex::default(),
        }
    }

    /// The object of a path below the prefix.
    fn object(&self, path: &str) -> Result<Path, object_store::Error> {
        let full = crate::path::join(self.prefix.as_ref(), path);
        Ok(Path::parse(full)?)
    }

    fn listed(&self) -> std::sync::MutexGuard<'_, Option<Arc<Listed>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, and looks whether a manifest is there.
    pub(crate) async fn connect(self: &Arc<Self>) -> Result<ObjectsCarrier, TransferError> {
        let store = (self.open)(None)?;
        let manifest = self
            .object(MANIFEST)
            .map_err(|error| unfit(&self.place, &error))?;
        store
            .get_opts(&manifest, head())
            .await
            .map_err(|error| match error {
                object_store::Error::NotFound { .. } => TransferError::NoManifest {
                    place: self.place.clone(),
                },
                error => failed(&self.place, &error),
            })?;
        Ok(ObjectsCarrier(Arc::new(Opened {
            objects: Arc::clone(self),
            store,
            received: AtomicU64::new(0),
        })))
    }
}

/// Where the signature of a manifest lies.
fn signature_of(manifest: Digest) -> String {
    format!("{SIGNATURES}{manifest}.json")
}

/// Whether the host of an address is this machine.
fn is_here(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback())
}

fn retry() -> RetryConfig {
    RetryConfig {
        retry_timeout: RETRY.0,
        max_retries: RETRY.1,
        ..RetryConfig::default()
    }
}

/// Asks what an object is, and for nothing of it.
fn head() -> GetOptions {
    GetOptions {
        head: true,
        ..GetOptions::default()
    }
}

/// An error with its causes, as far as they are not said in it already.
fn words(error: &object_store::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

fn unfit(place: &str, error: &object_store::Error) -> TransferError {
    TransferError::Bucket {
        place: place.to_owned(),
        why: words(error),
    }
}

/// Whether asking again may help decides what a failure is.
fn failed(place: &str, error: &object_store::Error) -> TransferError {
    match error {
        object_store::Error::Generic { .. } if words(error).contains(METADATA) => {
            TransferError::Bucket {
                place: place.to_owned(),
                why: "no keys are set, and no role of this machine is there to take their place"
                    .to_owned(),
            }
        }
        object_store::Error::Generic { .. } | object_store::Error::JoinError { .. } => {
            let why = words(error);
            if why.contains(UNTRUSTED) {
                return unfit(place, error);
            }
            TransferError::Unreachable { why }
        }
        error => unfit(place, error),
    }
}

/// An open connection to a place.
struct Opened {
    objects: Arc<Objects>,
    store: Arc<dyn ObjectStore>,
    /// Bytes of bodies that came.
    received: AtomicU64,
}

/// Lanes that are answered by GETs.
pub(crate) struct ObjectsCarrier(Arc<Opened>);

impl Carrier for ObjectsCarrier {
    fn kind(&self) -> CarrierKind {
        self.0.objects.kind
    }

    fn lanes(&self) -> usize {
        LANES
    }

    fn max_lanes(&self) -> usize {
        MAX_LANES
    }

    fn signer(&self) -> Option<SignerKey> {
        self.0.objects.signer
    }

    fn is_agent(&self) -> bool {
        false
    }

    fn token(&self) -> Option<Token> {
        None
    }

    /// What is asked is not counted: it is a few hundred bytes for each block.
    fn sent(&self) -> Option<u64> {
        Some(0)
    }

    fn open(&self) -> BoxFuture<'_, io::Result<Lane>> {
        let lane = lane::open(Arc::clone(&self.0));
        Box::pin(async { Ok(lane) })
    }
}
