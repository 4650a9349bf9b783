//! Bringing files to a bucket: the objects first, what belongs together last.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Env;
use futures_util::stream::{self, StreamExt as _};
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
    PutResult, UpdateVersion,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::listed::{State, States};
use super::{MANIFEST, OBJECTS, Objects, SIGNATURES, failed, head, signature_of, unfit};
use crate::beneath::{Beneath, Stamp};
use crate::carrier::CarrierKind;
use crate::coming::blocking;
use crate::error::TransferError;
use crate::limit::{Allowed, Limited, pause_in_words};
use crate::manifest::{FileEntry, Manifest, Shape};
use crate::progress::{Meter, Progress, Stage, Summary};
use crate::scan::scan;
use crate::signature::ManifestSignature;

/// Files that are looked at or put at once.
const FILES: usize = 16;
/// Bytes of files that are in memory at once.
const BUDGET: usize = 96 << 20;
/// The same where a limit is to be kept: what is under way when a pause begins is still sent.
const BUDGET_LIMITED: usize = 32 << 20;
/// How often it is looked what the limit says.
const LOOK: Duration = Duration::from_millis(250);
/// The least bytes of a part; a file that is no longer is put whole.
const PART: u64 = 16 << 20;
/// Most parts of one object: S3 allows 10,000.
const PARTS: u64 = 9000;
/// Where an object says which file it is: BLAKE3 of its bytes, in hex.
const DIGEST: &str = "causeway-blake3";

/// Brings a local file or directory to a bucket: each file as an object under its path, large ones in parts side by side, and
/// the manifest once all of them are there. What the bucket has of an earlier try, with the same length and digest, is not sent
/// again; other objects below the prefix stay. A manifest that somebody else wrote meanwhile is not overwritten.
///
/// A large file that was broken off begins anew, and what the store holds of its parts it keeps until a rule of the bucket
/// (`AbortIncompleteMultipartUpload`) removes it.
///
/// # Errors
/// [`TransferError`]; until the end of it a bucket says what it said before.
pub async fn push_objects(
    objects: &Objects,
    local: &Utf8Path,
    env: &dyn Env,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Summary, TransferError> {
    if objects.kind != CarrierKind::S3 {
        return Err(TransferError::Bucket {
            place: objects.place.clone(),
            why: "it is only read over HTTPS: push to `s3://BUCKET/PREFIX`".to_owned(),
        });
    }
    let mut meter = Meter::new(&progress);
    meter.stage(Stage::Listing);
    let from: Utf8PathBuf = local.to_owned();
    let (scanned, tree) = blocking(move || {
        let scanned = scan(&from)?;
        let base = match scanned.manifest.shape() {
            Shape::Directory => from.as_path(),
            Shape::File => from.parent().unwrap_or(Utf8Path::new("")),
        };
        let tree = Beneath::open(base).map_err(TransferError::io(format!("opening `{base}`")))?;
        Ok((scanned, tree))
    })
    .await?;
    let manifest = &scanned.manifest;
    refuse_own(manifest)?;
    meter.total = manifest.bytes();
    meter.stage(Stage::Connecting);
    let (tell, mut told) = unbounded_channel();
    let limited = objects.limit.clone().map(Limited::new);
    let budget = if limited.is_some() {
        BUDGET_LIMITED
    } else {
        BUDGET
    };
    let putting = Putting {
        objects,
        store: (objects.open)(
            limited
                .as_ref()
                .map(|limited| Arc::clone(&limited.throttle)),
        )?,
        tree: Arc::new(tree),
        budget: Arc::new(Semaphore::new(budget >> 10)),
        most: budget,
        limited: limited.as_ref(),
        env,
        tell,
    };
    let before = putting.manifest_before().await?;
    meter.stage(Stage::Moving);
    let mut files = std::pin::pin!(
        stream::iter(manifest.files())
            .map(|file| putting.file(file))
            .buffer_unordered(FILES)
    );
    let mut states = Vec::with_capacity(manifest.files().len());
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            biased;
            _ = look.tick(), if limited.is_some() => {
                if let Some(Allowed::Later(clock, pause)) = putting.allowed() {
                    let why = pause_in_words(clock);
                    meter.stage(Stage::Waiting { why, pause });
                }
            }
            Some(sent) = told.recv() => {
                meter.moved(sent);
                meter.wire += sent;
                meter.done += sent;
                meter.stage(Stage::Moving);
            }
            put = files.next() => match put {
                Some(put) => {
                    let Put { state, reused } = put?;
                    meter.done += reused;
                    states.push(state);
                    meter.stage(Stage::Moving);
                }
                None => break,
            }
        }
    }
    while let Ok(sent) = told.try_recv() {
        meter.moved(sent);
        meter.wire += sent;
        meter.done += sent;
    }
    meter.stage(Stage::Placing);
    env.fault("transfer.placing")?;
    states.sort_by(|left, right| left.path.cmp(&right.path));
    let signs = objects.signs.as_ref();
    let signed = signs.map(|signer| signer.sign(&manifest.digest(), &objects.place));
    putting
        .publish(manifest, signed.as_ref(), states, before)
        .await?;
    env.fault("transfer.published")?;
    let raw = manifest.bytes();
    Ok(Summary {
        files: manifest.files().len() as u64,
        raw_bytes: raw,
        wire_bytes: meter.wire,
        sent_bytes: meter.wire,
        reused_bytes: raw.saturating_sub(meter.received),
        codec_saved_bytes: 0,
        difference_saved_bytes: 0,
        loss: None,
        rtt_seconds: None,
        seconds: meter.started.elapsed().as_secs_f64(),
        carrier: objects.kind,
        why: format!("{objects} answered"),
        manifest: manifest.digest(),
        signed,
        skipped: scanned.skipped,
    })
}

/// What lies in `.causeway` is ours.
fn refuse_own(manifest: &Manifest) -> Result<(), TransferError> {
    match manifest.files().iter().find(|file| {
        [MANIFEST, OBJECTS].contains(&file.path.as_str()) || file.path.starts_with(SIGNATURES)
    }) {
        Some(file) => Err(TransferError::BadPath {
            path: file.path.clone(),
            why: "a bucket keeps its own list there: leave it out".to_owned(),
        }),
        None => Ok(()),
    }
}

/// A file that is there.
struct Put {
    state: State,
    /// Bytes of it that did not have to be sent.
    reused: u64,
}

struct Putting<'a> {
    objects: &'a Objects,
    store: Arc<dyn ObjectStore>,
    tree: Arc<Beneath>,
    budget: Arc<Semaphore>,
    /// All of the budget, in bytes.
    most: usize,
    limited: Option<&'a Limited>,
    env: &'a dyn Env,
    /// Told of bytes that are there.
    tell: UnboundedSender<u64>,
}

/// The part of a file that every answer is about.
fn state(file: &FileEntry, version: Option<String>, etag: Option<String>) -> State {
    State {
        path: file.path.clone(),
        version,
        etag,
    }
}

/// What says later that an object is this file.
fn attributes(file: &FileEntry) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(
        Attribute::Metadata(DIGEST.into()),
        file.blake3.to_string().into(),
    );
    attributes
}

impl Putting<'_> {
    fn failed(&self, error: &object_store::Error) -> TransferError {
        match failed(&self.objects.place, error) {
            // Its own tries are over; the next call goes on.
            TransferError::Unreachable { why } => TransferError::Cut { why },
            error => error,
        }
    }

    /// What the limit says now, if there is one.
    fn allowed(&self) -> Option<Allowed> {
        self.limited.map(|limited| limited.update(self.env))
    }

    async fn budget(&self, bytes: u64) -> Result<OwnedSemaphorePermit, TransferError> {
        // In a pause nothing is begun; what is under way comes to its end.
        while matches!(self.allowed(), Some(Allowed::Later(..))) {
            sleep(LOOK).await;
        }
        // A part that is larger than all of it has it alone.
        let kib = usize::try_from(bytes.div_ceil(1024))
            .unwrap_or(usize::MAX)
            .min(self.most >> 10);
        Arc::clone(&self.budget)
            .acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX))
            .await
            .map_err(TransferError::cut)
    }

    /// How the manifest is there before, so that nobody else's is overwritten.
    async fn manifest_before(&self) -> Result<PutMode, TransferError> {
        let path = self
            .objects
            .object(MANIFEST)
            .map_err(|error| self.failed(&error))?;
        match self.store.get_opts(&path, head()).await {
            Ok(found) => Ok(PutMode::Update(UpdateVersion {
                e_tag: found.meta.e_tag,
                version: None,
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(PutMode::Create),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Sees to it that a file is there.
    async fn file(&self, file: &FileEntry) -> Result<Put, TransferError> {
        let path = self
            .objects
            .object(&file.path)
            .map_err(|error| unfit(&self.objects.place, &error))?;
        match self.store.get_opts(&path, head()).await {
            Ok(found) => {
                let digest = found.attributes.get(&Attribute::Metadata(DIGEST.into()));
                let is_same = found.meta.size == file.size
                    && digest.is_some_and(|digest| digest.as_ref() == file.blake3.to_string());
                if is_same {
                    return Ok(Put {
                        state: state(file, found.meta.version, found.meta.e_tag),
                        reused: file.size,
                    });
                }
            }
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(self.failed(&error)),
        }
        let (tree, name) = (Arc::clone(&self.tree), file.path.clone());
        let opened = blocking(move || {
            let (file, stamp) = tree
                .file(&name)
                .map_err(|_| TransferError::Changing { path: name.clone() })?;
            Ok((file, stamp))
        });
        let (handle, stamp) = opened.await?;
        let reading = Reading {
            handle: Arc::new(handle),
            stamp,
            hasher: blake3::Hasher::new(),
            at: 0,
        };
        let put = if file.size <= PART {
            self.whole(&path, file, reading).await?
        } else {
            self.parts(&path, file, reading).await?
        };
        self.env.fault("transfer.file")?;
        Ok(Put {
            state: state(file, put.version, put.e_tag),
            reused: 0,
        })
    }

    async fn whole(
        &self,
        path: &object_store::path::Path,
        file: &FileEntry,
        reading: Reading,
    ) -> Result<PutResult, TransferError> {
        let _permit = self.budget(file.size).await?;
        let (reading, bytes) = reading.next(file, file.size).await?;
        reading.is_still(file)?;
        let options = PutOptions {
            attributes: attributes(file),
            ..PutOptions::default()
        };
        let put = self.store.put_opts(path, bytes.into(), options).await;
        let put = put.map_err(|error| self.failed(&error))?;
        self.tell.send(file.size).ok();
        self.env.fault("transfer.block")?;
        Ok(put)
    }

    async fn parts(
        &self,
        path: &object_store::path::Path,
        file: &FileEntry,
        reading: Reading,
    ) -> Result<PutResult, TransferError> {
        let options = PutMultipartOptions {
            attributes: attributes(file),
            ..PutMultipartOptions::default()
        };
        let mut upload = self
            .store
            .put_multipart_opts(path, options)
            .await
            .map_err(|error| self.failed(&error))?;
        let put = self.upload(&mut upload, file, reading).await;
        match &put {
            // As if killed: nothing is tidied up.
            Ok(_) | Err(TransferError::Crash(_)) => {}
            Err(_) => {
                upload.abort().await.ok();
            }
        }
        put
    }

    async fn upload(
        &self,
        upload: &mut Box<dyn MultipartUpload>,
        file: &FileEntry,
        mut reading: Reading,
    ) -> Result<PutResult, TransferError> {
        // All of one length but the last, as some stores want it.
        let part = PART.max(file.size.div_ceil(PARTS).next_multiple_of(1 << 20));
        let mut parts: JoinSet<object_store::Result<u64>> = JoinSet::new();
        while reading.at < file.size {
            let len = part.min(file.size - reading.at);
            let permit = self.budget(len).await?;
            let bytes;
            (reading, bytes) = reading.next(file, len).await?;
            let sending = upload.put_part(bytes.into());
            parts.spawn(async move {
                let sent = sending.await;
                drop(permit);
                sent.map(|()| len)
            });
            while let Some(sent) = parts.try_join_next() {
                self.sent(sent)?;
            }
        }
        while let Some(sent) = parts.join_next().await {
            self.sent(sent)?;
        }
        reading.is_still(file)?;
        upload.complete().await.map_err(|error| self.failed(&error))
    }

    fn sent(
        &self,
        sent: Result<object_store::Result<u64>, tokio::task::JoinError>,
    ) -> Result<(), TransferError> {
        let sent = sent
            .map_err(TransferError::cut)?
            .map_err(|error| self.failed(&error))?;
        self.tell.send(sent).ok();
        self.env.fault("transfer.block")?;
        Ok(())
    }

    /// Writes what belongs together: the signature, the states, then the manifest.
    async fn publish(
        &self,
        manifest: &Manifest,
        signed: Option<&ManifestSignature>,
        states: Vec<State>,
        before: PutMode,
    ) -> Result<(), TransferError> {
        let object = |path: &str| {
            let object = self.objects.object(path);
            object.map_err(|error| unfit(&self.objects.place, &error))
        };
        if let Some(signed) = signed {
            let path = object(&signature_of(manifest.digest()))?;
            let bytes = serde_json::to_vec(&signed).map_err(TransferError::cut)?;
            let put = self
                .store
                .put_opts(&path, bytes.into(), PutOptions::default());
            put.await.map_err(|error| self.failed(&error))?;
        }
        let states = States::new(self.objects.bucket.clone(), manifest.digest(), states);
        let states = serde_json::to_vec(&states).map_err(TransferError::cut)?;
        let path = object(OBJECTS)?;
        let put = self
            .store
            .put_opts(&path, states.into(), PutOptions::default());
        put.await.map_err(|error| self.failed(&error))?;
        let (path, encoded) = (object(MANIFEST)?, Bytes::from(manifest.encode()));
        let put = |mode| {
            let options = PutOptions {
                mode,
                ..PutOptions::default()
            };
            self.store.put_opts(&path, encoded.clone().into(), options)
        };
        use object_store::Error;
        let result = match put(before).await {
            // A store that can't compare just writes.
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                put(PutMode::Overwrite).await
            }
            result => result,
        };
        match result {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(TransferError::Bucket {
                    place: self.objects.place.clone(),
                    why: "somebody else wrote its manifest meanwhile; all files are there, so push once more".to_owned(),
                })
            }
            Err(error) => Err(self.failed(&error)),
        }
    }
}

/// A file that is read from its beginning to its end.
struct Reading {
    handle: Arc<File>,
    stamp: Stamp,
    hasher: blake3::Hasher,
    at: u64,
}

impl Reading {
    /// The next bytes.
    async fn next(mut self, file: &FileEntry, len: u64) -> Result<(Self, Bytes), TransferError> {
        let changing = TransferError::Changing {
            path: file.path.clone(),
        };
        blocking(move || {
            let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
            if self.handle.read_exact_at(&mut bytes, self.at).is_err() {
                return Err(changing);
            }
            self.hasher.update(&bytes);
            self.at += len;
            Ok((self, bytes.into()))
        })
        .await
    }

    /// Whether what was read is the file that was listed.
    fn is_still(&self, file: &FileEntry) -> Result<(), TransferError> {
        let is_same = *self.hasher.finalize().as_bytes() == *file.blake3.bytes()
            && Stamp::now(&self.handle).is_ok_and(|now| now == self.stamp);
        if is_same {
            Ok(())
        } else {
            Err(TransferError::Changing {
                path: file.path.clone(),
            })
        }
    }
}
