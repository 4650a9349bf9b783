//! TLS over TCP on loopback, and choosing it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use causeway_transfer::agent::AgentOptions;
use causeway_transfer::{
    CarrierKind, Codec, Connector, Dest, Placement, Stage, Ticket, TicketSource, TransferError,
    pull,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::quic::{Running, mixed, options, start, start_with};
use crate::world::{World, impatient, noise};

fn by_file(running: &Running) -> Connector {
    Connector::tcp(TicketSource::File(running.file.clone())).with_patience(impatient())
}

pub(crate) fn address(running: &Running) -> SocketAddr {
    Ticket::read(&running.file).unwrap().addresses()[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_comes_home_over_tcp() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 40 << 20));
    let running = start(&world).await;
    let summary = world.pull_with(&by_file(&running), "run").await.unwrap();
    world.assert_home_is("run");
    assert_eq!(summary.carrier, CarrierKind::Tcp);
    for part in ["TCP answered at 127.0.0.1", "tcp: ", " connections"] {
        assert!(summary.why.contains(part), "{}", summary.why);
    }
    assert!(
        summary.sent_bytes > summary.wire_bytes,
        "records have headers: {summary:?}"
    );
    assert!(
        summary.sent_bytes < summary.wire_bytes * 12 / 10,
        "{summary:?}"
    );
    let again = world.pull_with(&by_file(&running), "run").await.unwrap();
    assert_eq!(again.wire_bytes, 0);
    // A connection's count is its own: the pull before is not in it.
    assert!(again.sent_bytes < 1 << 20, "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_goes_to_the_site_over_tcp() {
    let world = World::with_run();
    // Enough for every lane.
    world.write("run/large.bin", &noise(8, 80 << 20));
    let running = start(&world).await;
    let local = world.site().join("run");
    let summary = causeway_transfer::push(
        &by_file(&running),
        &local,
        "copy",
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
    .unwrap();
    crate::world::same(&local, &world.site().join("copy"));
    assert_eq!(summary.carrier, CarrierKind::Tcp);
    assert!(summary.sent_bytes > summary.wire_bytes && summary.wire_bytes > summary.raw_bytes);
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
        let connector = Connector::tcp(TicketSource::Fixed(ticket)).with_patience(impatient());
        let world = &world;
        async move { world.pull_with(&connector, "run").await }
    };
    let error = try_with(mixed("token", &ticket, &other)).await.unwrap_err();
    assert!(matches!(error, TransferError::Refused { .. }), "{error}");
    let begin = Instant::now();
    let error = try_with(mixed("certificate", &ticket, &other))
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Untrusted { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(2), "told at once");
    assert!(!world.home().exists());
    assert_eq!(world.site_env.hits("agent.manifest"), 0);
    try_with(ticket).await.unwrap();
    world.assert_home_is("run");
}

/// What stands between, on one connection: how many bytes from the agent pass before nothing does.
pub(crate) type Passing = Arc<dyn Fn(u32) -> u64 + Send + Sync>;

/// Forwards TCP to an agent, from a port at which UDP is heard and never answered.
pub(crate) async fn without_udp(
    agent: SocketAddr,
    passing: Passing,
) -> (SocketAddr, Arc<AtomicU32>) {
    let (listener, deaf) = loop {
        let deaf = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        if let Ok(listener) = TcpListener::bind(deaf.local_addr().unwrap()).await {
            break (listener, deaf);
        }
    };
    let (at, opened) = (listener.local_addr().unwrap(), Arc::<AtomicU32>::default());
    let count = Arc::clone(&opened);
    tokio::spawn(async move {
        let _deaf = deaf;
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let left = passing(count.fetch_add(1, Ordering::SeqCst) + 1);
            tokio::spawn(async move {
                let far = TcpStream::connect(agent).await.unwrap();
                let (mut from_near, mut to_near) = near.into_split();
                let (from_far, mut to_far) = far.into_split();
                let there = tokio::io::copy(&mut from_near, &mut to_far);
                let mut limited = from_far.take(left);
                let back = async {
                    tokio::io::copy(&mut limited, &mut to_near).await.ok();
                    if limited.limit() == 0 {
                        // Neither bytes nor an end: a link that was cut.
                        std::future::pending::<()>().await;
                    }
                    to_near.shutdown().await.ok();
                };
                tokio::join!(there, back).0.ok();
            });
        }
    });
    (at, opened)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_udp_is_blocked_tcp_is_taken_and_says_so() {
    let world = World::with_run();
    let running = start(&world).await;
    let (at, _) = without_udp(address(&running), Arc::new(|_| u64::MAX)).await;
    let ticket = Ticket::read(&running.file).unwrap().at(vec![at]);
    let connector = Connector::direct(TicketSource::Fixed(ticket))
        .or_stream(world.opener(|stream, _| stream))
        .with_patience(impatient());
    let (begin, connected) = (Instant::now(), Mutex::new(None));
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    let summary = pull(
        &connector,
        "run",
        dest,
        Codec::Auto,
        &*world.env,
        |progress| {
            if progress.stage == Stage::Listing {
                connected
                    .lock()
                    .unwrap()
                    .get_or_insert_with(|| begin.elapsed());
            }
        },
    )
    .await
    .unwrap();
    let connected = connected.into_inner().unwrap().unwrap();
    assert!(connected < Duration::from_secs(3), "{connected:?}");
    world.assert_home_is("run");
    assert_eq!(summary.carrier, CarrierKind::Tcp);
    let why = format!("UDP: no answer within 2.5 s from {at}; TCP answered at {at}");
    assert!(summary.why.starts_with(&why), "{}", summary.why);
    assert_eq!(world.opened.load(Ordering::SeqCst), 0, "no log-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_both_pass_quic_is_taken() {
    let world = World::with_run();
    let running = start(&world).await;
    let connector =
        Connector::direct(TicketSource::File(running.file.clone())).with_patience(impatient());
    let summary = world.pull_with(&connector, "run").await.unwrap();
    assert_eq!(summary.carrier, CarrierKind::Quic);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_replaced_beside_it() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 30 << 20));
    let running = start(&world).await;
    // The first 16 connections, which are the first session at most, stop after some blocks.
    let lanes = Arc::new(|number| if number <= 4 { 3 << 20 } else { u64::MAX });
    let (at, opened) = without_udp(address(&running), lanes).await;
    let ticket = Ticket::read(&running.file).unwrap().at(vec![at]);
    let connector = Connector::tcp(TicketSource::Fixed(ticket)).with_patience(impatient());
    let begin = Instant::now();
    world.pull_with(&connector, "run").await.unwrap();
    world.assert_home_is("run");
    assert!(opened.load(Ordering::SeqCst) > 4, "connected anew");
    // One that waited for the 10 s of its patience would not be done.
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_shake_hands_is_dropped() {
    let world = World::with_run();
    let running = start(&world).await;
    let begin = tokio::time::Instant::now();
    let mut mute = TcpStream::connect(address(&running)).await.unwrap();
    let mut nothing = [0; 16];
    // Closed, with or without a reset.
    assert_eq!(mute.read(&mut nothing).await.unwrap_or(0), 0);
    let waited = begin.elapsed().as_secs();
    assert!((10..30).contains(&waited), "{waited} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_no_tls_is_dropped_and_others_are_served() {
    let world = World::with_run();
    let running = start(&world).await;
    let mut mute = Vec::new();
    for _ in 0..60 {
        mute.push(TcpStream::connect(address(&running)).await.unwrap());
    }
    let mut stranger = TcpStream::connect(address(&running)).await.unwrap();
    stranger
        .write_all(
            &[
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(),
                &noise(4, 20_000),
            ]
            .concat(),
        )
        .await
        .unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stranger.read_to_end(&mut answer));
    read.await.expect("it is closed long before 10 s").ok();
    assert!(answer.len() < 64, "an alert at most");
    world.pull_with(&by_file(&running), "run").await.unwrap();
    world.assert_home_is("run");
}

#[tokio::test]
async fn a_port_that_tcp_does_not_get_is_an_error_with_the_address() {
    let world = World::with_run();
    let taken = loop {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        if UdpSocket::bind(taken.local_addr().unwrap()).is_ok() {
            break taken;
        }
    };
    let at = taken.local_addr().unwrap();
    let options = AgentOptions {
        listen: Some(at),
        ..options(&world)
    };
    let env = world.site_env.clone();
    let error = causeway_transfer::agent::serve(options, env, |_| {})
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&format!("{at} with TCP")),
        "{error}"
    );
}
