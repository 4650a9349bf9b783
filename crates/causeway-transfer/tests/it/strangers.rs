//! HTTPS as anybody's client sees it: nothing of ours but the ticket.

use causeway_transfer::Manifest;
use s2n_tls::config::Config;
use s2n_tls::security::Policy;
use s2n_tls_tokio::{TlsConnector, TlsStream};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::quic::{Running, start};
use crate::tcp::address;
use crate::world::{World, noise};

/// Anybody's client: one connection, the certificate of the ticket trusted, nothing of ours.
pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    token: String,
}

pub(crate) struct Got {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Client {
    pub(crate) async fn connect(running: &Running) -> Self {
        Self::offering(running, &["http/1.1"]).await.unwrap()
    }

    async fn offering(
        running: &Running,
        protocols: &[&str],
    ) -> Result<Self, s2n_tls::error::Error> {
        let ticket: Value = serde_json::from_slice(&fs_err::read(&running.file).unwrap()).unwrap();
        let text = |field: &str| ticket[field].as_str().unwrap().to_owned();
        let mut tls = Config::builder();
        tls.set_security_policy(&Policy::from_version("default_tls13").unwrap())
            .unwrap();
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            text("certificate")
        );
        tls.with_system_certs(false)
            .unwrap()
            .trust_pem(pem.as_bytes())
            .unwrap();
        tls.set_application_protocol_preference(protocols).unwrap();
        let socket = TcpStream::connect(address(running)).await.unwrap();
        let stream = TlsConnector::new(tls.build().unwrap())
            .connect("causeway-agent", socket)
            .await?;
        Ok(Self {
            stream,
            token: text("token"),
        })
    }

    async fn ask(&mut self, method: &str, target: &str, more: &str) -> Got {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: causeway-agent\r\nAuthorization: Bearer {}\r\n{more}\r\n",
            self.token
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let mut got = Got {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: Vec::new(),
        };
        let length = got
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        if method != "HEAD" && got.status != 304 {
            got.body = vec![0; length];
            self.stream.read_exact(&mut got.body).await.unwrap();
        }
        got
    }

    pub(crate) async fn get(&mut self, target: &str, more: &str) -> Got {
        self.ask("GET", target, more).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_may_read_files_with_the_token() {
    let world = World::with_run();
    let running = start(&world).await;
    let model = noise(1, (5 << 20) + 4321);
    let mut client = Client::connect(&running).await;
    let whole = client.get("/files/run/model.bin", "").await;
    assert_eq!((whole.status, &whole.body), (200, &model));
    let etag = whole.header("etag").unwrap().to_owned();
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));

    let part = client
        .get("/files/run/model.bin", "Range: bytes=1000-1999\r\n")
        .await;
    assert_eq!(
        (part.status, part.body.as_slice()),
        (206, &model[1000..2000])
    );
    assert_eq!(
        part.header("content-range"),
        Some("bytes 1000-1999/5247201")
    );
    let end = client
        .get("/files/run/model.bin", "Range: bytes=-10\r\n")
        .await;
    assert_eq!(
        (end.status, end.body.as_slice()),
        (206, &model[model.len() - 10..])
    );
    // More than the agent reads at once, and than one block may have.
    let large = client
        .get(
            "/files/run/model.bin",
            "Range: bytes=7-5000000\r\nA-IM: range, causeway\r\n",
        )
        .await;
    assert_eq!(
        (large.status, large.body.as_slice()),
        (206, &model[7..=5_000_000])
    );
    let beyond = client
        .get("/files/run/model.bin", "Range: bytes=5247201-\r\n")
        .await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */5247201"))
    );

    let head = client.ask("HEAD", "/files/run/model.bin", "").await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("5247201"))
    );
    let empty = client.get("/files/run/empty", "").await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));

    let if_range = format!("Range: bytes=0-9\r\nIf-Range: {etag}\r\n");
    assert_eq!(
        client.get("/files/run/model.bin", &if_range).await.status,
        206
    );
    let same = format!("If-None-Match: {etag}\r\n");
    assert_eq!(client.get("/files/run/model.bin", &same).await.status, 304);
    world.write("run/model.bin", &noise(2, 5000));
    let whole = client.get("/files/run/model.bin", &if_range).await;
    assert_eq!(
        (whole.status, whole.body.len()),
        (200, 5000),
        "it changed: the whole of it"
    );
    let only = format!("If-Match: {etag}\r\n");
    assert_eq!(client.get("/files/run/model.bin", &only).await.status, 412);

    let manifest = client.get("/manifest/run", "").await;
    let decoded = Manifest::decode(&manifest.body).unwrap();
    assert_eq!(decoded.file("model.bin").unwrap().size, 5000);
    assert_eq!(
        manifest.header("etag"),
        Some(format!("\"{}\"", decoded.digest()).as_str())
    );
    let list: Value = serde_json::from_slice(&client.get("/list/", "").await.body).unwrap();
    assert_eq!(
        (list[0]["name"].as_str(), list[0]["files"].as_u64()),
        (Some("run"), Some(5))
    );
    let agent: Value = serde_json::from_slice(&client.get("/", "").await.body).unwrap();
    assert!(agent["sent"].as_u64().unwrap() > 10_000_000, "{agent}");

    assert_eq!(
        client.ask("DELETE", "/files/run/empty", "").await.status,
        405
    );
    assert_eq!(client.get("/nothing", "").await.status, 404);
    let wrong = client
        .get(
            "/files/run/model.bin",
            "Range: bytes=0-9\r\nA-IM: causeway;codec=best\r\n",
        )
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_token_nothing_is_said() {
    let world = World::with_run();
    let running = start(&world).await;
    for token in ["", "AAAA", "not base64", &"A".repeat(44)] {
        let mut client = Client::connect(&running).await;
        client.token = token.to_owned();
        let answer = client.get("/files/run/config.json", "").await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer")),
            "{token}"
        );
        assert!(!answer.text().contains("config"));
        assert_eq!(
            client.stream.read(&mut [0; 9]).await.unwrap_or(0),
            0,
            "it is closed"
        );
    }
    let mut silent = Client::offering(&running, &[]).await.unwrap();
    assert_eq!(
        silent.get("/", "").await.status,
        200,
        "HTTP is what is spoken where nothing else was said"
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_show_a_token_is_not_waited_for() {
    let world = World::with_run();
    let running = start(&world).await;
    let mut client = Client::connect(&running).await;
    let begin = tokio::time::Instant::now();
    client
        .stream
        .write_all(b"GET /files/run/config.json HTTP/1.1\r\n")
        .await
        .unwrap();
    client.stream.flush().await.unwrap();
    assert_eq!(client.stream.read(&mut [0; 9]).await.unwrap_or(0), 0);
    let waited = begin.elapsed().as_secs();
    assert!((10..30).contains(&waited), "{waited} s");
}
