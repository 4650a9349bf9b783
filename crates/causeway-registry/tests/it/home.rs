//! A registry in a temporary directory, a server over it, and a plain HTTP client.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Crash, Digest, Env, ModelName, RunId, Timestamp};
use causeway_registry::{Registry, RegistryError, Revision, ServeOptions, router, serve};
use serde_json::{Value, json};

/// An instant a number of seconds after the first.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::new(1_795_526_100 + second, 0).unwrap()
}

pub(crate) fn run(number: u64) -> RunId {
    RunId::new(at(0), number)
}

/// The files of a small model; `weights` makes it one of several.
pub(crate) fn tiny(weights: &'static [u8]) -> Vec<(&'static str, &'static [u8])> {
    vec![
        (
            "config.json",
            br#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}"#,
        ),
        ("README.md", b"# Tiny\n"),
        ("tokenizer/vocab.json", b"{}"),
        ("model.safetensors", weights),
    ]
}

/// Crashes at one point, once; at none if the point is empty.
pub(crate) struct Crashing(Mutex<&'static str>);

impl Crashing {
    pub(crate) fn at(point: &'static str) -> Self {
        Self(Mutex::new(point))
    }

    pub(crate) fn crashed(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

impl Env for Crashing {
    fn now(&self) -> Timestamp {
        at(0)
    }

    fn random(&self) -> u64 {
        4
    }

    fn fault(&self, point: &'static str) -> Result<(), Crash> {
        let mut armed = self.0.lock().unwrap();
        if *armed == point {
            *armed = "";
            return Err(Crash { point });
        }
        Ok(())
    }
}

pub(crate) struct Home {
    _keep: tempfile::TempDir,
    pub(crate) dir: Utf8PathBuf,
    pub(crate) registry: Arc<Registry>,
    pub(crate) model: ModelName,
}

impl Home {
    pub(crate) fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
        fs_err::create_dir(dir.join("files")).unwrap();
        let registry = Arc::new(Registry::open(&dir.join("registry"), &dir.join("files")).unwrap());
        Self {
            _keep: keep,
            dir,
            registry,
            model: "acme/tiny".parse().unwrap(),
        }
    }

    /// A second registry over the same directory, as another process has it.
    pub(crate) fn open_again(&self) -> Registry {
        Registry::open(&self.dir.join("registry"), &self.dir.join("files")).unwrap()
    }

    /// Puts bytes into the store.
    pub(crate) fn store(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::new(*blake3::hash(bytes).as_bytes());
        fs_err::write(self.registry.stored(&digest), bytes).unwrap();
        digest
    }

    pub(crate) fn list(&self, files: &[(&str, &[u8])]) -> Vec<(String, Digest)> {
        files
            .iter()
            .map(|(path, bytes)| ((*path).to_owned(), self.store(bytes)))
            .collect()
    }

    pub(crate) fn admit(&self, files: &[(&str, &[u8])], second: i64) -> Revision {
        self.try_admit(files, second, &Crashing::at("")).unwrap()
    }

    pub(crate) fn try_admit(
        &self,
        files: &[(&str, &[u8])],
        second: i64,
        env: &dyn Env,
    ) -> Result<Revision, RegistryError> {
        self.registry.admit(
            &self.model,
            self.list(files),
            Some(&run(1)),
            json!({"note": "test"}),
            at(second),
            env,
        )
    }

    pub(crate) fn serve(&self, options: ServeOptions) -> Server {
        Server::start(Arc::clone(&self.registry), options)
    }

    /// Every file below the registry's directory, with its text.
    pub(crate) fn tree(&self) -> BTreeMap<Utf8PathBuf, String> {
        let mut files = BTreeMap::new();
        walk(&self.dir.join("registry"), &mut files);
        files
    }
}

fn walk(dir: &Utf8Path, files: &mut BTreeMap<Utf8PathBuf, String>) {
    for entry in dir.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            walk(entry.path(), files);
        } else {
            files.insert(
                entry.path().to_owned(),
                fs_err::read_to_string(entry.path()).unwrap(),
            );
        }
    }
}

/// A server on a free loopback port, stopped when dropped.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(registry: Arc<Registry>, options: ServeOptions) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (ready, address) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                let stop = async {
                    let _ = stopped.await;
                };
                serve(listener, router(registry, options), stop)
                    .await
                    .unwrap();
            });
        });
        Self {
            addr: address.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn head(&self, path: &str) -> Answer {
        self.ask("HEAD", path, &[], "")
    }

    /// Sends bytes as they are; gives the status and all that came back until the server closed.
    pub(crate) fn raw(&self, request: &str) -> (u16, Vec<u8>) {
        let mut stream = std::net::TcpStream::connect(self.addr).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let status = String::from_utf8_lossy(&answer)
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        (status, answer)
    }

    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.try_ask(method, path, headers, body).unwrap()
    }

    /// One request on a connection of its own; fails when the answer is cut off.
    pub(crate) fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let url = if path.starts_with("http://") {
            path.to_owned()
        } else {
            format!("http://{}{path}", self.addr)
        };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            "" => agent.run(request.body(()).unwrap())?,
            body => agent.run(request.body(body.to_owned()).unwrap())?,
        };
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body: response.body_mut().read_to_vec()?,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|err| panic!("{err}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Status and error code, as a client looks at them.
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.header("x-error-code"))
    }
}
