//! A site with an agent, a home with a store, and an environment that can crash.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Crash, Env, Timestamp};
use causeway_transfer::agent::{AgentOptions, serve_stream};
use causeway_transfer::{
    ByteStream, Codec, Connector, Dest, Patience, Placement, Store, Summary, TransferError, pull,
    scan,
};

/// Counts fault points, and crashes at one of them once.
pub(crate) struct TestEnv {
    now: Timestamp,
    crash: Mutex<Option<(&'static str, u32)>>,
    hits: Mutex<BTreeMap<&'static str, u32>>,
}

impl TestEnv {
    pub(crate) fn new() -> Arc<Self> {
        Self::at("1970-01-01T00:00:00Z")
    }

    /// With a clock that stands at this instant.
    pub(crate) fn at(now: &str) -> Arc<Self> {
        Arc::new(Self {
            now: now.parse().unwrap(),
            crash: Mutex::new(None),
            hits: Mutex::default(),
        })
    }

    /// Crashes at the `nth` (from 1) time that `point` is passed from now on.
    pub(crate) fn crash_at(&self, point: &'static str, nth: u32) {
        *self.crash.lock().unwrap() = Some((point, nth));
    }

    pub(crate) fn hits(&self, point: &'static str) -> u32 {
        self.hits.lock().unwrap().get(point).copied().unwrap_or(0)
    }

    /// Whether the crash that was asked for has not come.
    pub(crate) fn is_armed(&self) -> bool {
        self.crash.lock().unwrap().is_some()
    }
}

impl Env for TestEnv {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> u64 {
        0
    }

    fn fault(&self, point: &'static str) -> Result<(), Crash> {
        *self.hits.lock().unwrap().entry(point).or_default() += 1;
        let mut crash = self.crash.lock().unwrap();
        if let Some((wanted, left)) = crash.as_mut()
            && *wanted == point
        {
            *left -= 1;
            if *left == 0 {
                *crash = None;
                return Err(Crash { point });
            }
        }
        Ok(())
    }
}

/// Bytes that repeat nowhere.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new()
        .update(&seed.to_be_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

pub(crate) struct World {
    _keep: tempfile::TempDir,
    pub(crate) base: Utf8PathBuf,
    pub(crate) store: Store,
    /// The caller's.
    pub(crate) env: Arc<TestEnv>,
    /// The agent's.
    pub(crate) site_env: Arc<TestEnv>,
    /// How often the stream was opened.
    pub(crate) opened: Arc<AtomicU32>,
}

impl World {
    pub(crate) fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(keep.path().canonicalize().unwrap()).unwrap();
        fs_err::create_dir_all(base.join("site")).unwrap();
        let store = Store::open(&base.join("store")).unwrap();
        Self {
            _keep: keep,
            base,
            store,
            env: TestEnv::new(),
            site_env: TestEnv::new(),
            opened: Arc::default(),
        }
    }

    /// With a directory `run` of one large and several small files: 9 blocks.
    pub(crate) fn with_run() -> Self {
        let world = Self::new();
        world.write("run/model.bin", &noise(1, (5 << 20) + 4321));
        world.write("run/config.json", b"{}");
        world.write("run/deep/er/tokenizer.json", &noise(2, 5000));
        world.write("run/empty", b"");
        world.write("run/log.txt", &noise(3, 70_000));
        world
    }

    pub(crate) const RUN_BLOCKS: u32 = 9;

    pub(crate) fn site(&self) -> Utf8PathBuf {
        self.base.join("site")
    }

    pub(crate) fn home(&self) -> Utf8PathBuf {
        self.base.join("home")
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.site().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    pub(crate) fn options(&self) -> AgentOptions {
        AgentOptions {
            roots: vec![self.site()],
            listen: None,
            ticket_file: None,
            stdio: true,
            writable: true,
            idle_timeout: Duration::from_secs(60),
        }
    }

    /// A connector whose stream leads to an agent that is started for it.
    pub(crate) fn connector(&self) -> Connector {
        self.connector_through(|stream, _| stream)
    }

    /// The same, with something between: told which connection this is, from 1.
    pub(crate) fn connector_through(
        &self,
        between: impl Fn(tokio::io::DuplexStream, u32) -> tokio::io::DuplexStream
        + Send
        + Sync
        + 'static,
    ) -> Connector {
        Connector::stream(self.opener(between)).with_patience(impatient())
    }

    pub(crate) fn opener(
        &self,
        between: impl Fn(tokio::io::DuplexStream, u32) -> tokio::io::DuplexStream
        + Send
        + Sync
        + 'static,
    ) -> impl Fn() -> std::future::Ready<std::io::Result<ByteStream>> + Send + Sync + 'static {
        let (options, env, opened) = (
            self.options(),
            Arc::clone(&self.site_env),
            Arc::clone(&self.opened),
        );
        move || {
            let nth = opened.fetch_add(1, Ordering::SeqCst) + 1;
            let (here, there) = tokio::io::duplex(256 << 10);
            tokio::spawn(serve_stream(
                options.clone(),
                ByteStream::both(there),
                env.clone(),
            ));
            std::future::ready(Ok(ByteStream::both(between(here, nth))))
        }
    }

    pub(crate) async fn pull_with(
        &self,
        connector: &Connector,
        path: &str,
    ) -> Result<Summary, TransferError> {
        let dest = Dest {
            store: &self.store,
            directory: Some((self.home(), Placement::Copy)),
            base: Vec::new(),
        };
        pull(connector, path, dest, Codec::Auto, &*self.env, |_| {}).await
    }

    pub(crate) async fn pull(&self, path: &str) -> Result<Summary, TransferError> {
        self.pull_with(&self.connector(), path).await
    }

    /// The home directory holds what the site's directory holds, and nothing else does.
    pub(crate) fn assert_home_is(&self, path: &str) {
        same(&self.home(), &self.site().join(path));
    }
}

pub(crate) fn same(left: &Utf8Path, right: &Utf8Path) {
    let (left, right) = (scan(left).unwrap(), scan(right).unwrap());
    assert_eq!(left.manifest, right.manifest);
}

/// Tests do not wait long.
pub(crate) fn impatient() -> Patience {
    Patience {
        quic: Duration::from_millis(2500),
        silence: Duration::from_secs(10),
        give_up: Duration::from_secs(20),
    }
}

/// Waits for a condition, at most 20 s.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = tokio::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(tokio::time::Instant::now() < limit, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
