//! What lies beside the files: the manifest, and for which states of the objects it was written.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_domain::Digest;
use object_store::GetOptions;
use serde::{Deserialize, Serialize};

use super::{MANIFEST, OBJECTS, Opened, signature_of};
use crate::carrier::CarrierKind;
use crate::manifest::{MAX_MANIFEST, Manifest, Shape};
use crate::signature::ManifestSignature;

/// The version of `.causeway/objects.json`.
const VERSION: u32 = 1;

/// One object, as it was when the manifest was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// As in the manifest.
    pub(super) path: String,
    /// The store's version of it, where it keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// The store's tag of its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
}

/// `.causeway/objects.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct States {
    version: u32,
    /// The bucket that the states are of: in a copy elsewhere they mean nothing.
    bucket: String,
    /// The manifest that they belong to.
    manifest: Digest,
    objects: Vec<State>,
}

impl States {
    pub(super) const fn new(bucket: String, manifest: Digest, objects: Vec<State>) -> Self {
        Self {
            version: VERSION,
            bucket,
            manifest,
            objects,
        }
    }
}

/// The manifest of a place, read.
#[derive(Debug)]
pub(super) struct Listed {
    /// The one file, where it is no directory.
    single: Option<String>,
    states: HashMap<String, State>,
    signature: Option<ManifestSignature>,
}

impl Listed {
    /// The path of what a request names: nothing, where it is the one file.
    pub(super) fn path<'a>(&'a self, asked: &'a str) -> &'a str {
        match &self.single {
            Some(single) if asked.is_empty() => single,
            _ => asked,
        }
    }

    /// Whose word the manifest is, where somebody gave it.
    pub(super) fn signature(&self) -> Option<&ManifestSignature> {
        self.signature.as_ref()
    }

    pub(super) fn state(&self, path: &str) -> Option<&State> {
        self.states.get(path)
    }
}

impl Opened {
    /// A whole object, which is not longer than any manifest.
    async fn whole(&self, path: &str) -> object_store::Result<Vec<u8>> {
        let path = self.objects.object(path)?;
        let got = self.store.get_opts(&path, GetOptions::default()).await?;
        if got.meta.size > MAX_MANIFEST {
            return Err(object_store::Error::Generic {
                store: "objects",
                source: format!("`{path}` is longer than any manifest").into(),
            });
        }
        Ok(got.bytes().await?.into())
    }

    /// Reads the manifest: its bytes, which are verified by whoever asked.
    pub(super) async fn read_manifest(&self) -> object_store::Result<Vec<u8>> {
        let bytes = self.whole(MANIFEST).await?;
        if let Ok(manifest) = Manifest::decode(&bytes) {
            let single = match manifest.shape() {
                Shape::File => manifest.files().first().map(|file| file.path.clone()),
                Shape::Directory => None,
            };
            let digest = manifest.digest();
            let (states, signature) = tokio::join!(self.states(digest), self.signature(digest));
            let listed = Listed {
                single,
                states,
                signature,
            };
            *self.objects.listed() = Some(Arc::new(listed));
        }
        Ok(bytes)
    }

    /// What the last manifest said; reads it when this process has not.
    pub(super) async fn listed(&self) -> object_store::Result<Option<Arc<Listed>>> {
        let known = self.objects.listed().clone();
        if known.is_some() {
            return Ok(known);
        }
        self.read_manifest().await?;
        Ok(self.objects.listed().clone())
    }

    async fn signature(&self, manifest: Digest) -> Option<ManifestSignature> {
        let bytes = self.whole(&signature_of(manifest)).await.ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The states that belong to a manifest. None where they are of another, or of another place: hashes tell the truth.
    async fn states(&self, manifest: Digest) -> HashMap<String, State> {
        if self.objects.kind != CarrierKind::S3 {
            return HashMap::new();
        }
        let states = match self.whole(OBJECTS).await {
            Ok(bytes) => serde_json::from_slice::<States>(&bytes).ok(),
            Err(_) => None,
        };
        let is_ours = |states: &States| {
            states.version == VERSION
                && states.bucket == self.objects.bucket
                && states.manifest == manifest
        };
        let states = states.filter(is_ours).map(|states| states.objects);
        states
            .unwrap_or_default()
            .into_iter()
            .map(|state| (state.path.clone(), state))
            .collect()
    }
}
