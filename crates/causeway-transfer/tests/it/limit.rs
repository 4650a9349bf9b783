//! A cap on the line, on a clock that stands still between events.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::Utf8Path;
use causeway_domain::{Env, RateLimit, Timestamp};
use causeway_transfer::{
    Codec, Connector, Dest, Patience, Placement, Progress, Stage, Summary, pull, push,
};
use tokio::time::Instant;

use crate::world::{World, noise};

/// Wall clock that goes with the test's.
struct Clock {
    begin: Timestamp,
    began: Instant,
}

impl Clock {
    fn at(begin: &str) -> Self {
        Self {
            begin: begin.parse().unwrap(),
            began: Instant::now(),
        }
    }
}

impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.begin + self.began.elapsed()
    }

    fn random(&self) -> u64 {
        0
    }
}

fn limit(text: &str) -> RateLimit {
    text.parse().unwrap()
}

async fn bring(
    world: &World,
    connector: &Connector,
    path: &str,
    clock: &Clock,
    tell: impl Fn(Progress) + Send + Sync,
) -> Summary {
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    pull(connector, path, dest, Codec::Auto, clock, tell)
        .await
        .unwrap()
}

/// How much longer than its bytes at a rate something took.
fn over(summary: &Summary, bits: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let least = summary.wire_bytes as f64 * 8.0 / bits;
    summary.seconds / least
}

#[tokio::test(start_paused = true)]
async fn a_pull_takes_its_bytes_over_its_limit() {
    for (rate, bits) in [("8Mbit/s", 8e6), ("50Mbit/s", 5e7), ("300kbit/s", 3e5)] {
        let world = World::with_run();
        let connector = world.connector().with_limit(limit(rate));
        let clock = Clock::at("2026-11-25T11:00:00Z");
        let summary = bring(&world, &connector, "run", &clock, |_| {}).await;
        world.assert_home_is("run");
        let over = over(&summary, bits);
        assert!((0.95..1.1).contains(&over), "{rate}: {over}");
        assert_eq!(
            world.opened.load(Ordering::SeqCst),
            1,
            "{rate}: a lane that is held back is not dead"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_silent_since_it_is_held_back_is_not_cut() {
    let world = World::new();
    world.write("log.txt", &noise(3, 60_000));
    // Pieces of 16 KiB, each of which is waited for longer than a lane may be silent.
    let connector = world
        .connector()
        .with_patience(Patience {
            silence: Duration::from_secs(5),
            ..Patience::default()
        })
        .with_limit(limit("8kbit/s"));
    let clock = Clock::at("2026-11-25T11:00:00Z");
    let summary = bring(&world, &connector, "log.txt", &clock, |_| {}).await;
    // A piece is waited for before the next one, so the last is not.
    assert!(
        (48.0..70.0).contains(&summary.seconds),
        "{}",
        summary.seconds
    );
    assert_eq!(world.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_push_takes_its_bytes_over_its_limit() {
    let world = World::new();
    let local = world.base.join("data.bin");
    fs_err::write(&local, noise(9, 5 << 20)).unwrap();
    let connector = world.connector().with_limit(limit("1MB/s"));
    let clock = Clock::at("2026-11-25T11:00:00Z");
    let summary = push(
        &connector,
        &local,
        "in/data.bin",
        Codec::Auto,
        &clock,
        |_| {},
    )
    .await
    .unwrap();
    let over = over(&summary, 8e6);
    assert!((0.95..1.1).contains(&over), "{over}");
    assert_eq!(
        fs_err::read(world.site().join("in/data.bin")).unwrap(),
        fs_err::read(&local).unwrap()
    );
}

/// What was waited for, each once.
fn heard() -> (Arc<Mutex<Vec<String>>>, impl Fn(Progress) + Send + Sync) {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&heard);
    (heard, move |progress: Progress| {
        if let Stage::Waiting { why, .. } = progress.stage {
            let mut told = told.lock().unwrap();
            if !told.contains(&why) {
                told.push(why);
            }
        }
    })
}

const SIX: &str = "06:00: until then the limit allows nothing";

#[tokio::test(start_paused = true)]
async fn a_pull_waits_until_its_window_opens() {
    let world = World::with_run();
    let connector = world.connector().with_limit(limit("00:00-06:00=0"));
    let clock = Clock::at("2026-11-25T05:30:00Z");
    let (heard, tell) = heard();
    let summary = bring(&world, &connector, "run", &clock, tell).await;
    assert!(
        (1800.0..1810.0).contains(&summary.seconds),
        "{}",
        summary.seconds
    );
    assert_eq!(*heard.lock().unwrap(), [SIX]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_the_middle_costs_no_block() {
    let world = World::with_run();
    let connector = world
        .connector()
        .with_limit(limit("00:00-06:00=0, 8Mbit/s"));
    let clock = Clock::at("2026-11-25T23:59:58Z");
    let (heard, tell) = heard();
    let summary = bring(&world, &connector, "run", &clock, tell).await;
    world.assert_home_is("run");
    // Two seconds before, six hours, the rest; what was under way at midnight still came.
    assert!(
        (6.0 * 3600.0..6.0 * 3600.0 + 10.0).contains(&summary.seconds),
        "{}",
        summary.seconds
    );
    assert_eq!(*heard.lock().unwrap(), [SIX]);
    assert_eq!(world.opened.load(Ordering::SeqCst), 2);
    assert_eq!(world.site_env.hits("agent.block"), World::RUN_BLOCKS);
}

#[tokio::test(start_paused = true)]
async fn a_push_pauses_too() {
    let world = World::new();
    let local = world.base.join("data");
    fs_err::create_dir_all(&local).unwrap();
    for file in 0..8 {
        fs_err::write(local.join(format!("{file}")), noise(file, 1 << 20)).unwrap();
    }
    let connector = world
        .connector()
        .with_limit(limit("00:00-06:00=0, 8Mbit/s"));
    let clock = Clock::at("2026-11-25T23:59:58Z");
    let (heard, tell) = heard();
    let summary = push(
        &connector,
        Utf8Path::new(&local),
        "in",
        Codec::Auto,
        &clock,
        tell,
    )
    .await
    .unwrap();
    crate::world::same(&local, &world.site().join("in"));
    assert!(summary.seconds > 6.0 * 3600.0, "{}", summary.seconds);
    assert_eq!(*heard.lock().unwrap(), [SIX]);
    assert_eq!(
        world.site_env.hits("agent.stored"),
        8,
        "none was sent twice"
    );
}

#[tokio::test(start_paused = true)]
async fn the_cap_of_the_hour_is_in_force() {
    let world = World::with_run();
    let connector = world
        .connector()
        .with_limit(limit("12:00-13:00=off, 400kbit/s"));
    let clock = Clock::at("2026-11-25T11:59:40Z");
    let summary = bring(&world, &connector, "run", &clock, |_| {}).await;
    // 20 s at 50 kB/s would be a fifth of it; the rest comes at once at noon.
    assert!(
        (20.0..22.0).contains(&summary.seconds),
        "{}",
        summary.seconds
    );
}
