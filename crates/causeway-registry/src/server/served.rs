//! What all requests share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::http::{HeaderMap, header};
use causeway_domain::{Digest, ModelName};

use super::ServeOptions;
use super::refusal::Refusal;
use super::target::RepoAsk;
use crate::error::RegistryError;
use crate::registry::Registry;
use crate::revision::Revision;

/// How many revisions stay in memory: a download asks for one of them once a file.
const RECENT: usize = 16;

/// Registry, options and the revisions asked for lately.
pub(super) struct Served {
    pub(super) registry: Arc<Registry>,
    pub(super) options: ServeOptions,
    /// What is not sent any more.
    pub(super) damaged: Damaged,
    /// Newest first. Revisions are immutable, so none goes stale.
    recent: Mutex<VecDeque<Arc<Revision>>>,
}

/// Files of the store that were found to hold other bytes than their name says, with the instant of their last change.
///
/// Without this memory a client would go on behind the cut with a range, which can't be checked, and end with a whole file
/// of wrong bytes. A file that is repaired has a new instant.
#[derive(Debug, Clone, Default)]
pub(super) struct Damaged(Arc<Mutex<BTreeMap<Digest, SystemTime>>>);

impl Damaged {
    pub(super) fn note(&self, digest: Digest, changed: SystemTime) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest, changed);
    }

    pub(super) fn has(&self, digest: &Digest, changed: SystemTime) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            == Some(&changed)
    }
}

impl Served {
    pub(super) fn new(registry: Arc<Registry>, options: ServeOptions) -> Self {
        Self {
            registry,
            options,
            damaged: Damaged::default(),
            recent: Mutex::new(VecDeque::new()),
        }
    }

    /// Runs work that reads the disk on a thread for it.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let served = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&served)).await {
            Ok(done) => Ok(done?),
            Err(err) => Err(Refusal::internal(&err)),
        }
    }

    /// The reading of a path whose model exists; the first when none does.
    pub(super) async fn choose(
        self: &Arc<Self>,
        mut asks: Vec<RepoAsk>,
    ) -> Result<RepoAsk, Refusal> {
        if asks.len() == 1 {
            return asks.pop().ok_or(Refusal::NotFound);
        }
        self.blocking(move |served| {
            let exists = |ask: &RepoAsk| {
                ask.repo
                    .parse()
                    .is_ok_and(|model| served.registry.exists(&model).unwrap_or(false))
            };
            let index = asks.iter().position(exists).unwrap_or_default();
            Ok(asks.into_iter().nth(index))
        })
        .await?
        .ok_or(Refusal::NotFound)
    }

    /// The revision that a client's word means.
    pub(super) async fn revision(
        self: &Arc<Self>,
        model: ModelName,
        revision: String,
    ) -> Result<Arc<Revision>, Refusal> {
        self.blocking(move |served| served.read(&model, &revision))
            .await
    }

    /// As [`Self::revision`], on a thread that may block.
    pub(super) fn read(
        &self,
        model: &ModelName,
        revision: &str,
    ) -> Result<Arc<Revision>, RegistryError> {
        let commit = self.registry.commit(model, revision)?;
        if let Some(known) = self
            .recent()
            .iter()
            .find(|known| known.commit == commit && known.model == *model)
        {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(self.registry.read_revision(model, &commit)?);
        let mut recent = self.recent();
        recent.push_front(Arc::clone(&read));
        recent.truncate(RECENT);
        Ok(read)
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Revision>>> {
        // A list of immutable values is whole whatever a panicking holder did.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the caller reaches this server, without a slash at the end.
    pub(super) fn base(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.options.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let plain = |host: &&str| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
        };
        host.filter(plain)
            .map(|host| format!("http://{host}"))
            .unwrap_or_default()
    }
}
