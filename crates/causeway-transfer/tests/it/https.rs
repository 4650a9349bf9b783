//! HTTPS on loopback, as a carrier.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use causeway_transfer::{
    CarrierKind, Codec, Connector, Dest, FAULT_POINTS, Patience, Placement, Ticket, TicketSource,
    TransferError, follow, pull, push,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::quic::{Running, mixed, options, start, start_with};
use crate::strangers::Client;
use crate::tcp::{address, without_udp};
use crate::world::{World, impatient, noise};

fn by_file(running: &Running) -> Connector {
    Connector::https(TicketSource::File(running.file.clone())).with_patience(impatient())
}

async fn pull_encoded(
    world: &World,
    running: &Running,
    codec: Codec,
    path: &str,
) -> causeway_transfer::Summary {
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    pull(&by_file(running), path, dest, codec, &*world.env, |_| {})
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_comes_home_over_https() {
    for codec in [Codec::Raw, Codec::Auto] {
        let world = World::with_run();
        world.write("run/large.bin", &noise(8, 20 << 20));
        world.write("run/ä b%20?#&;.txt", &noise(9, 1000));
        let running = start(&world).await;
        let summary = pull_encoded(&world, &running, codec, "run").await;
        world.assert_home_is("run");
        assert_eq!(summary.carrier, CarrierKind::Https);
        for part in ["HTTPS answered at 127.0.0.1", "https: ", " connections"] {
            assert!(summary.why.contains(part), "{}", summary.why);
        }
        assert!(summary.sent_bytes > summary.wire_bytes, "{summary:?}");
        assert!(
            summary.sent_bytes < summary.wire_bytes * 12 / 10,
            "{summary:?}"
        );
        let again = pull_encoded(&world, &running, codec, "run").await;
        assert_eq!(again.wire_bytes, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_file_and_an_absolute_path_come_home() {
    let world = World::with_run();
    let running = start(&world).await;
    let absolute = world.site().join("run/model.bin");
    pull_encoded(&world, &running, Codec::Auto, absolute.as_str()).await;
    assert_eq!(
        fs_err::read(world.home()).unwrap(),
        fs_err::read(absolute).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_is_told() {
    let world = World::with_run();
    std::os::unix::fs::symlink("/etc/passwd", world.site().join("run/out; link")).unwrap();
    let running = start(&world).await;
    let summary = pull_encoded(&world, &running, Codec::Auto, "run").await;
    let left: Vec<_> = summary
        .skipped
        .iter()
        .map(|left| (left.path.as_str(), left.why.len() > 9))
        .collect();
    assert_eq!(left, [("out; link", true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_cross_encoded_and_as_differences() {
    let world = World::new();
    // Every second byte is the same: half of it can be saved.
    let weights = |seed| -> Vec<u8> {
        noise(seed, 2 << 20)
            .into_iter()
            .flat_map(|byte| [byte, 0x3f])
            .collect()
    };
    let first = weights(1);
    let mut second = first.clone();
    for (index, byte) in second
        .iter_mut()
        .enumerate()
        .filter(|(index, _)| index % 64 == 0)
    {
        *byte ^= u8::try_from(index % 7).unwrap();
    }
    world.write("step-1/model.bin", &first);
    let running = start(&world).await;
    let summary = pull_encoded(&world, &running, Codec::Small, "step-1").await;
    assert!(
        summary.wire_bytes < summary.raw_bytes * 6 / 10,
        "{summary:?}"
    );
    assert!(summary.codec_saved_bytes > 0);
    fs_err::remove_dir_all(world.home()).unwrap();
    world.write("step-2/model.bin", &second);
    let summary = pull_encoded(&world, &running, Codec::Small, "step-2").await;
    world.assert_home_is("step-2");
    assert!(summary.difference_saved_bytes > 0, "{summary:?}");
    assert!(summary.wire_bytes < summary.raw_bytes / 4, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_are_followed_over_https() {
    let world = World::new();
    let running = start(&world).await;
    world.write("ckpt/step-1/model.bin", &noise(1, 3 << 20));
    let (_ended, stop) = tokio::sync::watch::channel(true);
    let arrived = follow(
        &by_file(&running),
        "ckpt",
        &world.store,
        crate::follow::QUICK,
        stop,
        &*world.env,
        |_| {},
        |_| {},
    )
    .await
    .unwrap();
    let arrived: Vec<_> = arrived.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(arrived, ["step-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_to_the_site_over_https() {
    let world = World::with_run();
    let running = start(&world).await;
    let local = world.site().join("run");
    let error = push(
        &by_file(&running),
        &local,
        "copy",
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&error, TransferError::Denied { why, .. } if why.contains("HTTPS")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_another_token_nor_another_key_opens() {
    let world = World::with_run();
    let (one, mut two) = (start(&world).await, options(&world));
    two.ticket_file = Some(world.base.join("two.json"));
    let two = start_with(&world, two).await;
    let (ticket, other) = (
        Ticket::read(&one.file).unwrap(),
        Ticket::read(&two.file).unwrap(),
    );
    let try_with = |ticket: Ticket| {
        let connector = Connector::https(TicketSource::Fixed(ticket)).with_patience(impatient());
        let world = &world;
        async move { world.pull_with(&connector, "run").await }
    };
    let error = try_with(mixed("token", &ticket, &other)).await.unwrap_err();
    assert!(matches!(error, TransferError::Refused { .. }), "{error}");
    let error = try_with(mixed("certificate", &ticket, &other))
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Untrusted { .. }), "{error}");
    assert!(!world.home().exists());
    assert_eq!(world.site_env.hits("agent.manifest"), 0);
    try_with(ticket).await.unwrap();
    world.assert_home_is("run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_out_of_the_root_are_refused() {
    let world = World::with_run();
    let running = start(&world).await;
    fs_err::write(world.base.join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret", world.site().join("link")).unwrap();
    for path in ["/etc", "link"] {
        let error = world.pull_with(&by_file(&running), path).await.unwrap_err();
        assert!(
            matches!(error, TransferError::Denied { .. }),
            "{path}: {error}"
        );
    }
    let error = world
        .pull_with(&by_file(&running), "nothing")
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::NotFound { .. }), "{error}");
    let mut client = Client::connect(&running).await;
    for path in [
        "/files//etc/passwd",
        "/files/link",
        "/files/%2e%2e/secret",
        "/files/run",
        "/files/.causeway-incoming/x",
        "/manifest/%2e%2e",
        "/list//",
    ] {
        let answer = client.get(path, "").await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(problem["why"].as_str().unwrap().len() > 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_side_killed_goes_on_over_https() {
    for point in FAULT_POINTS.into_iter().filter(|point| {
        [
            "transfer.block",
            "transfer.manifest",
            "agent.manifest",
            "agent.block",
        ]
        .contains(point)
    }) {
        for nth in [1, 4] {
            let world = World::with_run();
            let running = start(&world).await;
            let env = if point.starts_with("agent") {
                &world.site_env
            } else {
                &world.env
            };
            env.crash_at(point, nth);
            let first = world.pull_with(&by_file(&running), "run").await;
            if point.starts_with("agent") {
                first.unwrap();
            } else {
                let crashed = matches!(first, Err(TransferError::Crash(_)));
                assert!(crashed || world.env.is_armed(), "{point} {nth}");
                if crashed {
                    assert!(!world.home().exists());
                    world.pull_with(&by_file(&running), "run").await.unwrap();
                }
            }
            world.assert_home_is("run");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_replaced_beside_it() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 30 << 20));
    let running = start(&world).await;
    // The first session's connections stop after some blocks.
    let passing = Arc::new(|number| if number <= 4 { 3 << 20 } else { u64::MAX });
    let (at, opened) = without_udp(address(&running), passing).await;
    let ticket = Ticket::read(&running.file).unwrap().at(vec![at]);
    let connector = Connector::https(TicketSource::Fixed(ticket)).with_patience(impatient());
    let begin = Instant::now();
    world.pull_with(&connector, "run").await.unwrap();
    world.assert_home_is("run");
    assert!(opened.load(Ordering::SeqCst) > 4, "connected anew");
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_is_listed_again() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 30 << 20));
    let running = start(&world).await;
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    let changed = std::sync::Once::new();
    let connector = by_file(&running);
    pull(
        &connector,
        "run",
        dest,
        Codec::Auto,
        &*world.env,
        |progress| {
            if progress.done > 4 << 20 {
                changed.call_once(|| world.write("run/large.bin", &noise(9, 29 << 20)));
            }
        },
    )
    .await
    .unwrap();
    assert!(changed.is_completed());
    world.assert_home_is("run");
}

/// A firewall that lets only HTTPS through: it reads what a caller offers, and drops what is not that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_https_passes_it_is_taken_and_says_so() {
    let world = World::with_run();
    let running = start(&world).await;
    let agent = address(&running);
    let (at, _deaf) = only_https(agent).await;
    let ticket = Ticket::read(&running.file).unwrap().at(vec![at]);
    let connector = Connector::direct(TicketSource::Fixed(ticket)).with_patience(impatient());
    let summary = world.pull_with(&connector, "run").await.unwrap();
    world.assert_home_is("run");
    assert_eq!(summary.carrier, CarrierKind::Https);
    assert!(summary.why.contains("HTTPS answered at"), "{}", summary.why);
    let connector = connector.with_patience(Patience {
        quic: Duration::from_millis(300),
        give_up: Duration::from_millis(500),
        ..impatient()
    });
    let error = push(
        &connector,
        &world.site().join("run"),
        "copy",
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
    .unwrap_err();
    assert!(
        !matches!(error, TransferError::Denied { .. }),
        "a push does not try HTTPS: {error}"
    );
}

async fn only_https(agent: std::net::SocketAddr) -> (std::net::SocketAddr, std::net::UdpSocket) {
    let (listener, deaf) = loop {
        let deaf = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(listener) = tokio::net::TcpListener::bind(deaf.local_addr().unwrap()).await {
            break (listener, deaf);
        }
    };
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut hello = vec![0; 4096];
                let read = near.read(&mut hello).await.unwrap();
                let said = &hello[..read];
                if said.windows(9).any(|part| part == b"causeway/") {
                    return;
                }
                let mut far = TcpStream::connect(agent).await.unwrap();
                far.write_all(said).await.unwrap();
                tokio::io::copy_bidirectional(&mut near, &mut far)
                    .await
                    .ok();
            });
        }
    });
    (at, deaf)
}
