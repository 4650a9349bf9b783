//! A bucket in memory.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use camino::Utf8PathBuf;
use causeway_domain::{Crash, Env, Timestamp};
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::*;
use crate::codec::Codec;
use crate::connector::{Connector, Patience};
use crate::progress::Summary;
use crate::pull::{Dest, pull};
use crate::store::{Placement, Store};

/// Crashes at a point once, when it is asked to.
#[derive(Default)]
struct Fragile {
    crash: Mutex<Option<(&'static str, u32)>>,
    hits: Mutex<HashMap<&'static str, u32>>,
}

impl Env for Fragile {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn random(&self) -> u64 {
        0
    }

    fn fault(&self, point: &'static str) -> Result<(), Crash> {
        let mut hits = self.hits.lock().unwrap();
        let hits = hits.entry(point).or_default();
        *hits += 1;
        let mut crash = self.crash.lock().unwrap();
        if *crash == Some((point, *hits)) {
            *crash = None;
            return Err(Crash { point });
        }
        Ok(())
    }
}

struct World {
    _keep: tempfile::TempDir,
    base: Utf8PathBuf,
    memory: Arc<InMemory>,
    objects: Arc<Objects>,
    env: Fragile,
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_be_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

impl World {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
        let memory = Arc::new(InMemory::new());
        let world = Self {
            _keep: keep,
            base,
            objects: Arc::new(Objects::within(memory.clone(), "models/one")),
            memory,
            env: Fragile::default(),
        };
        // More than two parts, and the last one short.
        world.write("model.bin", &noise(1, (33 << 20) + 4321));
        world.write("deep/er/to #1?.json", &noise(2, 5000));
        world.write("empty", b"");
        for number in 0..40 {
            world.write(&format!("small/{number}"), &noise(number, 900));
        }
        world
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.base.join("source").join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    async fn push(&self) -> Result<Summary, TransferError> {
        push_objects(&self.objects, &self.base.join("source"), &self.env, |_| {}).await
    }

    async fn pull(&self, objects: &Arc<Objects>) -> Result<Summary, TransferError> {
        let store = Store::open(&self.base.join("store")).unwrap();
        let home = self.base.join("home");
        fs_err::remove_dir_all(&home).ok();
        let dest = Dest {
            store: &store,
            directory: Some((home, Placement::Copy)),
            base: Vec::new(),
        };
        let connector = Connector::objects(Arc::clone(objects)).with_patience(Patience {
            give_up: Duration::from_secs(3),
            ..Patience::default()
        });
        pull(&connector, "", dest, Codec::Auto, &self.env, |_| {}).await
    }

    fn assert_home(&self) {
        let scan = |name: &str| crate::scan::scan(&self.base.join(name)).unwrap().manifest;
        assert_eq!(scan("home"), scan("source"));
    }

    async fn object(&self, path: &str) -> Vec<u8> {
        let path = Path::parse(path).unwrap();
        self.memory
            .get(&path)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .to_vec()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_there_as_they_are_and_come_home() {
    let world = World::new();
    let summary = world.push().await.unwrap();
    assert_eq!((summary.files, summary.reused_bytes), (43, 0));
    assert_eq!(summary.wire_bytes, summary.raw_bytes);
    assert_eq!(world.object("models/one/small/7").await, noise(7, 900));
    let summary = world.pull(&world.objects).await.unwrap();
    world.assert_home();
    assert_eq!(summary.carrier, CarrierKind::S3);
    assert!(summary.wire_bytes > summary.raw_bytes && summary.sent_bytes >= summary.raw_bytes);
    let again = world.pull(&world.objects).await.unwrap();
    assert_eq!(again.wire_bytes, 0);
    let again = world.push().await.unwrap();
    assert_eq!((again.wire_bytes, again.reused_bytes), (0, again.raw_bytes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_file_goes_and_comes() {
    let world = World::new();
    let file = world.base.join("source/model.bin");
    push_objects(&world.objects, &file, &world.env, |_| {})
        .await
        .unwrap();
    // Another process, that has not read the manifest.
    let objects = Arc::new(Objects::within(world.memory.clone(), "models/one"));
    world.pull(&objects).await.unwrap();
    assert_eq!(
        fs_err::read(world.base.join("home")).unwrap(),
        fs_err::read(file).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_was_killed_goes_on_and_is_not_seen_before_its_end() {
    for (point, nth) in [
        ("transfer.block", 1),
        ("transfer.block", 30),
        ("transfer.file", 5),
        ("transfer.placing", 1),
    ] {
        let world = World::new();
        *world.env.crash.lock().unwrap() = Some((point, nth));
        let error = world.push().await.unwrap_err();
        assert!(matches!(error, TransferError::Crash(_)), "{point}: {error}");
        let error = world.pull(&world.objects).await.unwrap_err();
        assert!(
            matches!(error, TransferError::NoManifest { .. }),
            "{point}: {error}"
        );
        let summary = world.push().await.unwrap();
        if nth > 4 || point == "transfer.placing" {
            assert!(
                summary.reused_bytes > 0,
                "{point} {nth}: what is there is not sent again"
            );
        }
        world.pull(&world.objects).await.unwrap();
        world.assert_home();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_was_overwritten_is_not_mixed_in() {
    let world = World::new();
    world.push().await.unwrap();
    let model = Path::parse("models/one/model.bin").unwrap();
    // Of the same length: neither its size nor its path tells.
    let other = noise(9, (33 << 20) + 4321);
    world
        .memory
        .put(&model, PutPayload::from(other))
        .await
        .unwrap();
    let error = world.pull(&world.objects).await.unwrap_err();
    assert!(error.is_change(), "{error}");
    assert!(!world.base.join("home").exists());
    let summary = world.push().await.unwrap();
    assert_eq!(
        summary.wire_bytes,
        (33 << 20) + 4321,
        "that one alone is put again"
    );
    world.pull(&world.objects).await.unwrap();
    world.assert_home();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_somebody_else_wrote_meanwhile_stays() {
    let world = World::new();
    world.push().await.unwrap();
    world.write("small/1", b"another");
    let (memory, written) = (Arc::clone(&world.memory), AtomicU32::new(0));
    let meddle = |progress: crate::progress::Progress| {
        if progress.stage == crate::progress::Stage::Placing
            && written.fetch_add(1, Ordering::SeqCst) == 0
        {
            let manifest = Path::parse("models/one/.causeway/manifest").unwrap();
            futures_util::FutureExt::now_or_never(memory.put(&manifest, "theirs".into()))
                .unwrap()
                .unwrap();
        }
    };
    let source = world.base.join("source");
    let error = push_objects(&world.objects, &source, &world.env, meddle)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");
    assert_eq!(
        world.object("models/one/.causeway/manifest").await,
        b"theirs"
    );
}

#[tokio::test]
async fn what_is_no_such_place_is_told() {
    for wrong in [
        "s3://",
        "ftp://host/x",
        "http://example.com/x",
        "http://localhost.example.com/x",
        "s3:///x",
    ] {
        assert!(
            matches!(Objects::at(wrong, &[]), Err(TransferError::Bucket { .. })),
            "{wrong}"
        );
    }
    for right in [
        "s3://bucket",
        "s3://bucket/a/b/",
        "https://host/x",
        "http://127.0.0.1:80/x",
        "http://[::1]:80/x",
        "http://localhost/x",
    ] {
        assert!(Objects::at(right, &[]).is_ok(), "{right}");
    }
    assert_eq!(
        Objects::at("s3://bucket/a/b/", &[])
            .unwrap()
            .prefix
            .as_ref(),
        "a/b"
    );
    let world = World::new();
    world.write(".causeway/manifest", b"x");
    assert!(matches!(
        world.push().await,
        Err(TransferError::BadPath { .. })
    ));
    let static_server = Objects::at("https://host/x", &[]).unwrap();
    let error = push_objects(
        &static_server,
        &world.base.join("source"),
        &world.env,
        |_| {},
    )
    .await;
    assert!(matches!(error, Err(TransferError::Bucket { .. })));
}

#[tokio::test]
async fn a_bucket_is_taken_at_the_word_of_who_filled_it() {
    let world = World::new();
    let (filler, other) = (
        ManifestSigner::make().unwrap(),
        ManifestSigner::make().unwrap(),
    );
    let within = || Objects::within(world.memory.clone(), "models/one");
    // Nobody's word: whoever wants one is told.
    assert_eq!(world.push().await.unwrap().signed, None);
    let wanting = |key| Arc::new(within().signed_by(key));
    let error = world.pull(&wanting(filler.key())).await.unwrap_err();
    assert!(matches!(error, TransferError::Unsigned { .. }), "{error}");
    assert_eq!(world.pull(&world.objects).await.unwrap().signed, None);

    let signing = within().signing(filler.clone());
    let source = world.base.join("source");
    let pushed = push_objects(&signing, &source, &world.env, |_| {}).await;
    let signed = pushed.unwrap().signed.unwrap();
    assert_eq!(
        (signed.path(), signed.key()),
        ("s3://test/models/one", filler.key())
    );
    let summary = world.pull(&wanting(filler.key())).await.unwrap();
    assert_eq!(summary.signed, Some(signed));
    world.assert_home();
    // The states may be those of a push that was broken off since.
    let states = Path::parse(format!("models/one/{OBJECTS}")).unwrap();
    world.memory.delete(&states).await.unwrap();
    world.pull(&wanting(filler.key())).await.unwrap();
    let error = world.pull(&wanting(other.key())).await.unwrap_err();
    assert!(matches!(error, TransferError::Unsigned { .. }), "{error}");
}
