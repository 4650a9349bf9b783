//! Files as objects: on a static server of this test's own, and in a bucket of a real S3 server.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_transfer::{
    CarrierKind, Codec, Connector, Dest, Objects, Patience, Placement, Summary, TransferError,
    pull, push_objects, scan,
};

use crate::world::{World, noise};

fn connector(address: &str) -> Connector {
    let objects = Arc::new(Objects::at(address, &environment()).unwrap());
    Connector::objects(objects).with_patience(Patience {
        give_up: Duration::from_secs(5),
        ..Patience::default()
    })
}

async fn pull_from(world: &World, address: &str) -> Result<Summary, TransferError> {
    fs_err::remove_dir_all(world.home()).ok();
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    pull(
        &connector(address),
        "",
        dest,
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
}

/// Writes the list that a place of objects needs.
fn list(directory: &Utf8Path) {
    let manifest = scan(directory).unwrap().manifest;
    fs_err::create_dir_all(directory.join(".causeway")).unwrap();
    fs_err::write(directory.join(".causeway/manifest"), manifest.encode()).unwrap();
}

/// Serves a directory over HTTP, on a thread for each connection. Of the first requests for blocks some are cut in the middle.
fn static_server(root: Utf8PathBuf, ranges: bool, cuts: u32) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let left = Arc::new(AtomicU32::new(cuts));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (root, left) = (root.clone(), Arc::clone(&left));
            std::thread::spawn(move || {
                while answer(stream.as_ref().unwrap(), &root, ranges, &left).is_some() {}
            });
        }
    });
    address
}

/// Answers one request; `None` when the connection is over.
fn answer(
    mut stream: &std::net::TcpStream,
    root: &Utf8Path,
    ranges: bool,
    cuts: &AtomicU32,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path: String = percent_encoding::percent_decode_str(target)
        .decode_utf8()
        .unwrap()
        .into();
    let Ok(bytes) = fs_err::read(root.join(path.trim_start_matches('/'))) else {
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .ok()?;
        return Some(());
    };
    let range = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let value = value
            .strip_prefix("bytes=")
            .filter(|_| name.eq_ignore_ascii_case("range"))?;
        let (first, last) = value.split_once('-')?;
        Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
    });
    let (status, part) = match range.filter(|_| ranges) {
        Some((first, last)) => {
            let last = last.min(bytes.len() - 1);
            let extra = format!(
                "206 Partial Content\r\nContent-Range: bytes {first}-{last}/{}",
                bytes.len()
            );
            (extra, &bytes[first..=last])
        }
        None => ("200 OK".to_owned(), bytes.as_slice()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
        part.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    if method == "HEAD" {
        return Some(());
    }
    let is_block = range.is_some() && part.len() > 100_000;
    if is_block
        && cuts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    {
        stream.write_all(&part[..part.len() / 2]).ok()?;
        return None;
    }
    stream.write_all(part).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_static_server_will_do() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 20 << 20));
    world.write("run/ä b%20?#&;.txt", &noise(9, 1000));
    let address = static_server(world.site(), true, 3);
    let place = format!("http://{address}/run");
    let error = pull_from(&world, &place).await.unwrap_err();
    assert!(matches!(error, TransferError::NoManifest { .. }), "{error}");
    list(&world.site().join("run"));
    let summary = pull_from(&world, &place).await.unwrap();
    fs_err::remove_dir_all(world.site().join("run/.causeway")).unwrap();
    world.assert_home_is("run");
    assert_eq!(summary.carrier, CarrierKind::Https);
    assert_eq!(summary.why, format!("{place} answered"));
    assert!(summary.wire_bytes > summary.raw_bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_can_not_be_read_in_ranges_is_told() {
    let world = World::with_run();
    list(&world.site().join("run"));
    let address = static_server(world.site(), false, 0);
    let error = pull_from(&world, &format!("http://{address}/run"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().to_lowercase().contains("range"),
        "{error}"
    );
    assert!(!world.home().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changed_there_is_told() {
    let world = World::with_run();
    list(&world.site().join("run"));
    world.write("run/model.bin", &noise(7, (5 << 20) + 4321));
    let address = static_server(world.site(), true, 0);
    let error = pull_from(&world, &format!("http://{address}/run"))
        .await
        .unwrap_err();
    assert!(error.is_change(), "{error}");
    assert!(!world.home().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_nobody_vouches_for_is_not_asked_again() {
    let world = World::with_run();
    // An agent's certificate is its own: only its ticket makes it trusted.
    let running = crate::quic::start(&world).await;
    let place = format!("https://{}/files/run", crate::tcp::address(&running));
    let error = pull_from(&world, &place).await.unwrap_err();
    assert!(
        matches!(&error, TransferError::Bucket { why, .. } if why.contains("certificate")),
        "{error}"
    );
}

/// What the environment says of the server that `tests/services/s3-up` started.
fn environment() -> Vec<(String, String)> {
    std::env::vars()
        .filter(|(name, _)| name.starts_with("AWS_"))
        .collect()
}

/// A bucket of its own on that server; `None`, told by name, when there is none.
fn bucket(test: &str, versions: bool) -> Option<String> {
    let all = environment();
    let endpoint = all.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL");
    let Some((_, endpoint)) = endpoint.filter(|_| std::env::var_os("CAUSEWAY_TEST_S3").is_some())
    else {
        // Past the capture of the test runner: nobody should take a skipped test for a passed one.
        let why = "CAUSEWAY_TEST_S3 and AWS_ENDPOINT_URL are not set; `. <(tests/services/s3-up)` sets them";
        let told = format!("skipped: {test}: {why}\n");
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        return None;
    };
    let host = endpoint.strip_prefix("http://").unwrap();
    let name = format!("{test}-{}", std::process::id());
    let put = |target: String, body: &str| {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let request = format!(
            "PUT {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    put(format!("/{name}"), "");
    if versions {
        let enabled = r#"<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>"#;
        put(format!("/{name}?versioning"), enabled);
    }
    Some(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_pushed_to_and_pulled_from() {
    let Some(bucket) = bucket("a-bucket", false) else {
        return;
    };
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 40 << 20));
    world.write("run/ä b%20?#&;.txt", &noise(9, 1000));
    let place = format!("s3://{bucket}/models/one");
    let error = pull_from(&world, &place).await.unwrap_err();
    assert!(matches!(error, TransferError::NoManifest { .. }), "{error}");
    let objects = Objects::at(&place, &environment()).unwrap();
    let local = world.site().join("run");
    let put = |env: Arc<crate::world::TestEnv>| push_objects_with(&objects, &local, env);
    // Killed in the middle of it.
    world.env.crash_at("transfer.file", 3);
    let error = put(world.env.clone()).await.unwrap_err();
    assert!(matches!(error, TransferError::Crash(_)), "{error}");
    let summary = put(world.env.clone()).await.unwrap();
    assert!(
        summary.reused_bytes > 0 && summary.wire_bytes < summary.raw_bytes,
        "{summary:?}"
    );
    let summary = pull_from(&world, &place).await.unwrap();
    world.assert_home_is("run");
    assert_eq!(summary.carrier, CarrierKind::S3);
    let again = put(world.env.clone()).await.unwrap();
    assert_eq!((again.wire_bytes, again.reused_bytes), (0, again.raw_bytes));
    let slow = Objects::at(&format!("s3://{bucket}/models/slow"), &environment()).unwrap();
    let (slow, begin) = (slow.limited("30MB/s".parse().unwrap()), Instant::now());
    push_objects_with(&slow, &local, world.env.clone())
        .await
        .unwrap();
    let least = again.raw_bytes as f64 / 30e6 * 0.9;
    assert!(
        begin.elapsed().as_secs_f64() > least,
        "{:?}",
        begin.elapsed()
    );
    let error = pull_from(&world, "s3://no-such-bucket-here/x")
        .await
        .unwrap_err();
    assert!(!error.is_cut(), "{error}");
}

async fn push_objects_with(
    objects: &Objects,
    local: &Utf8Path,
    env: Arc<crate::world::TestEnv>,
) -> Result<Summary, TransferError> {
    push_objects(objects, local, &*env, |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_keep_what_a_manifest_names() {
    let Some(bucket) = bucket("versions", true) else {
        return;
    };
    let world = World::with_run();
    let place = format!("s3://{bucket}/run");
    let objects = Objects::at(&place, &environment()).unwrap();
    let local = world.site().join("run");
    push_objects_with(&objects, &local, world.env.clone())
        .await
        .unwrap();
    let first = world.base.join("first");
    fs_err::create_dir_all(&first).unwrap();
    for file in ["model.bin", "config.json"] {
        fs_err::copy(local.join(file), first.join(file)).unwrap();
    }
    // A push that was killed before its manifest: the objects are new, the list is not.
    world.write("run/model.bin", &noise(7, (5 << 20) + 4321));
    world.env.crash_at("transfer.placing", 1);
    let error = push_objects_with(&objects, &local, world.env.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Crash(_)), "{error}");
    pull_from(&world, &place).await.unwrap();
    for file in ["model.bin", "config.json"] {
        assert_eq!(
            fs_err::read(world.home().join(file)).unwrap(),
            fs_err::read(first.join(file)).unwrap()
        );
    }
    push_objects_with(&objects, &local, world.env.clone())
        .await
        .unwrap();
    pull_from(&world, &place).await.unwrap();
    world.assert_home_is("run");
}
