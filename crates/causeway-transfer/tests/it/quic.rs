//! Real sockets on loopback.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use causeway_transfer::agent::{AgentOptions, Ended, serve};
use causeway_transfer::{
    CarrierKind, Codec, Connector, Dest, Patience, Placement, Stage, Ticket, TicketSource,
    TransferError, pull,
};
use tokio::task::JoinHandle;

use crate::world::{World, eventually, impatient, noise};

pub(crate) struct Running {
    agent: JoinHandle<Result<Ended, TransferError>>,
    pub(crate) file: Utf8PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.agent.abort();
    }
}

pub(crate) fn options(world: &World) -> AgentOptions {
    AgentOptions {
        listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
        ticket_file: Some(world.base.join("ticket.json")),
        stdio: false,
        ..world.options()
    }
}

pub(crate) async fn start_with(world: &World, options: AgentOptions) -> Running {
    let file = options.ticket_file.clone().unwrap();
    let (started, is_started) = tokio::sync::oneshot::channel();
    let env = world.site_env.clone();
    let agent = tokio::spawn(serve(options, env, move |ticket| {
        started.send(ticket.is_some()).unwrap()
    }));
    assert!(is_started.await.unwrap());
    Running { agent, file }
}

pub(crate) async fn start(world: &World) -> Running {
    start_with(world, options(world)).await
}

fn by_file(running: &Running) -> Connector {
    Connector::quic(TicketSource::File(running.file.clone())).with_patience(impatient())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_comes_home_over_quic() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 40 << 20));
    let running = start(&world).await;
    let summary = world.pull_with(&by_file(&running), "run").await.unwrap();
    world.assert_home_is("run");
    assert_eq!(summary.carrier, CarrierKind::Quic);
    assert!(summary.why.contains("127.0.0.1"), "{}", summary.why);
    let loss = summary.loss.unwrap();
    assert!((0.0..0.5).contains(&loss), "{loss}");
    assert!(summary.rtt_seconds.unwrap() < 1.0, "{summary:?}");
    assert!(
        summary.sent_bytes > summary.wire_bytes,
        "packets have headers: {summary:?}"
    );
    assert!(
        summary.sent_bytes < summary.wire_bytes * 12 / 10,
        "{summary:?}"
    );
    let again = world.pull_with(&by_file(&running), "run").await.unwrap();
    assert_eq!(again.wire_bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_goes_to_the_site_over_quic() {
    let world = World::with_run();
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
    assert!(summary.sent_bytes > summary.wire_bytes && summary.wire_bytes > summary.raw_bytes);
}

/// A ticket with one of its fields from another.
pub(crate) fn mixed(field: &str, ticket: &Ticket, other: &Ticket) -> Ticket {
    let parse =
        |ticket: &Ticket| serde_json::from_str::<serde_json::Value>(&ticket.to_text()).unwrap();
    let (mut ticket, other) = (parse(ticket), parse(other));
    ticket[field] = other[field].clone();
    Ticket::parse(&ticket.to_string(), "mixed").unwrap()
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
        let connector = Connector::quic(TicketSource::Fixed(ticket)).with_patience(impatient());
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
async fn blocked_udp_costs_less_than_three_seconds() {
    let world = World::with_run();
    let running = start(&world).await;
    let deaf = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ticket = Ticket::read(&running.file)
        .unwrap()
        .at(vec![deaf.local_addr().unwrap()]);
    let begin = Instant::now();
    let connector = Connector::quic(TicketSource::Fixed(ticket.clone()))
        .or_stream(world.opener(|stream, _| stream))
        .with_patience(impatient());
    let connected = Mutex::new(None);
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
    assert_eq!(summary.carrier, CarrierKind::Stream);
    assert!(
        summary.why.contains("no answer within 2.5 s"),
        "{}",
        summary.why
    );

    let patience = Patience {
        quic: Duration::from_millis(200),
        give_up: Duration::from_millis(500),
        ..impatient()
    };
    let alone = Connector::quic(TicketSource::Fixed(ticket)).with_patience(patience);
    let error = world.pull_with(&alone, "run").await.unwrap_err();
    assert!(
        matches!(&error, TransferError::GaveUp { last, .. } if last.contains("no answer")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_starts_again_is_found_by_its_new_ticket() {
    let world = World::with_run();
    world.write("run/large.bin", &noise(8, 30 << 20));
    let first = start(&world).await;
    let old = fs_err::read_to_string(&first.file).unwrap();
    let connector = by_file(&first);
    // Dies in the middle of a block, and its successor takes its place.
    world.site_env.crash_at("agent.block", 12);
    let succession = async {
        eventually("the agent is killed", || !world.site_env.is_armed()).await;
        first.agent.abort();
        start(&world).await
    };
    let (result, second) = tokio::join!(world.pull_with(&connector, "run"), succession);
    result.unwrap();
    world.assert_home_is("run");
    assert_ne!(fs_err::read_to_string(&second.file).unwrap(), old);
    let blocks = World::RUN_BLOCKS + 30;
    assert!(
        world.site_env.hits("agent.block") <= blocks + 32,
        "{}",
        world.site_env.hits("agent.block")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_agent_ends_and_takes_its_ticket_away() {
    let world = World::with_run();
    let mut options = options(&world);
    options.idle_timeout = Duration::from_millis(1500);
    let mut running = start_with(&world, options).await;
    world.pull_with(&by_file(&running), "run").await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), &mut running.agent)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(ended, Ended::Idle);
    assert!(!running.file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_callers_are_served_at_once() {
    let world = Arc::new(World::with_run());
    let running = start(&world).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (world, file) = (Arc::clone(&world), running.file.clone());
        tasks.spawn(async move {
            let store = causeway_transfer::Store::open(&world.base.join(format!("store-{number}")))
                .unwrap();
            let connector = Connector::quic(TicketSource::File(file)).with_patience(impatient());
            let dest = causeway_transfer::Dest {
                store: &store,
                directory: None,
                base: Vec::new(),
            };
            causeway_transfer::pull(&connector, "run", dest, Codec::Auto, &*world.env, |_| {})
                .await
                .unwrap()
                .manifest
        });
    }
    let digests = tasks.join_all().await;
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
}
