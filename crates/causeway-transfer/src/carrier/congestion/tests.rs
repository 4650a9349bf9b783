use std::time::Duration;

use super::KnownPath;
use super::simulator::{Path, World};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One flow alone on a path for a minute.
fn alone(path: Path) -> World {
    let mut world = World::new(path, 7);
    world.flow(Duration::ZERO);
    world.run(seconds(60));
    world
}

/// Payloads can have at most 98.1 % of each of these: 1472 of 1500 bytes.
#[test]
fn a_long_lossy_link_is_full_over_the_whole_minute() {
    for (megabits, round_trip_ms, loss, least) in [
        (100.0, 180, 0.001, 0.94),
        (300.0, 180, 0.001, 0.93),
        (100.0, 180, 0.01, 0.93),
        (300.0, 20, 0.0, 0.96),
    ] {
        let world = alone(Path::new(megabits, round_trip_ms, loss));
        let case = format!("{megabits} Mbit/s, {round_trip_ms} ms, loss {loss}");
        let used = world.use_of_path(0.0, 60.0);
        assert!(used > least, "{case}: {used}: {:?}", world.control(0));
        let standing = world.standing(5.0, 60.0);
        assert!(standing < 0.15, "{case}: standing queue {standing}");
        assert!(
            world.lost(0) < 1.2 * loss + 0.001,
            "{case}: lost {}",
            world.lost(0)
        );
        assert!(world.dropped < 20, "{case}: {} overflowed", world.dropped);
    }
}

#[test]
fn start_up_fills_the_pipe_within_twelve_round_trips() {
    let world = alone(Path::new(300.0, 180, 0.001));
    let used = world.use_of_path(2.2, 2.5);
    assert!(used > 0.85, "{used}");
}

#[test]
fn jitter_of_half_a_round_trip_costs_little() {
    for (round_trip_ms, least) in [(20, 0.85), (180, 0.88)] {
        let mut path = Path::new(100.0, round_trip_ms, 0.001);
        path.jitter = Duration::from_millis(10);
        let used = alone(path).use_of_path(0.0, 60.0);
        assert!(used > least, "{round_trip_ms} ms: {used}");
    }
}

#[test]
fn a_near_path_whose_hosts_are_busy_is_not_slow() {
    // Round trips of a millisecond that the hosts' scheduling makes ten.
    let mut path = Path::new(300.0, 1, 0.0);
    path.jitter = Duration::from_millis(10);
    path.queue = 4 << 20;
    let used = alone(path).use_of_path(1.0, 60.0);
    assert!(used > 0.5, "{used}");
}

#[test]
fn two_flows_come_to_fair_shares_and_a_short_queue() {
    for (round_trip_ms, loss, queue) in [(180, 0.001, 1), (20, 0.0, 1), (40, 0.0, 4)] {
        let mut path = Path::new(100.0, round_trip_ms, loss);
        path.queue *= queue;
        let mut world = World::new(path, 7);
        world.flow(Duration::ZERO);
        world.flow(seconds(10));
        world.run(seconds(70));
        let case = format!("{round_trip_ms} ms, queue {queue}");
        let shares = [0, 1].map(|flow| world.goodput(flow, 40.0, 70.0) / 100e6);
        for share in shares {
            assert!((0.4..0.6).contains(&share), "{case}: {shares:?}");
        }
        let used = world.use_of_path(15.0, 70.0);
        assert!(used > 0.92, "{case}: {used}");
        let standing = world.standing(30.0, 70.0);
        assert!(standing < 0.3, "{case}: standing queue {standing}");
    }
}

#[test]
fn a_short_queue_is_enough_for_one_flow() {
    let mut path = Path::new(100.0, 40, 0.0);
    path.queue /= 8;
    let world = alone(path);
    assert!(world.use_of_path(5.0, 60.0) > 0.94);
    assert!(world.lost(0) < 0.03, "{}", world.lost(0));
}

#[test]
fn a_rate_that_changes_is_followed_within_seconds() {
    for round_trip_ms in [20, 180] {
        let mut world = World::new(Path::new(100.0, round_trip_ms, 0.001), 7);
        world.flow(Duration::ZERO);
        world.run(seconds(10));
        world.path.rate = 50e6;
        world.run(seconds(20));
        let standing = world.standing(13.0, 20.0);
        assert!(
            standing < 0.3,
            "{round_trip_ms} ms: standing queue {standing}"
        );
        let halved = world.use_of_path(13.0, 20.0);
        assert!(halved > 0.92, "{round_trip_ms} ms: {halved}");
        world.path.rate = 100e6;
        world.run(seconds(30));
        let doubled = world.use_of_path(24.0, 30.0);
        assert!(doubled > 0.92, "{round_trip_ms} ms: {doubled}");
    }
}

#[test]
fn after_an_outage_the_rate_is_there_at_once() {
    for round_trip_ms in [20, 180] {
        let mut world = World::new(Path::new(100.0, round_trip_ms, 0.001), 7);
        world.flow(Duration::ZERO);
        world.run(seconds(10));
        world.cut = true;
        world.run(seconds(20));
        world.cut = false;
        world.run(seconds(30));
        let used = world.use_of_path(22.0, 30.0);
        assert!(used > 0.93, "{round_trip_ms} ms: {used}");
    }
}

#[test]
fn an_application_short_of_bytes_does_not_lower_the_rate() {
    let mut world = World::new(Path::new(100.0, 180, 0.001), 7);
    let flow = world.flow(Duration::ZERO);
    world.run(seconds(10));
    world.supply(flow, Some(5e6));
    world.run(seconds(30));
    world.supply(flow, None);
    world.run(seconds(36));
    assert!(world.use_of_path(12.0, 30.0) < 0.06);
    let used = world.use_of_path(30.5, 36.0);
    assert!(used > 0.9, "{used}");
}

#[test]
fn congestion_that_drops_much_makes_it_back_off() {
    let rate = |loss: f64| alone(Path::new(100.0, 40, loss)).goodput(0, 10.0, 60.0);
    let (light, heavy) = (rate(0.01), rate(0.2));
    assert!(heavy < light / 4.0, "{light} and {heavy}");
}

/// What a minute found of a path.
fn found(path: Path) -> Option<KnownPath> {
    alone(path).control(0).found().map(|(_, found)| found)
}

#[test]
fn a_known_path_is_full_after_three_round_trips() {
    for megabits in [100.0, 300.0] {
        let path = Path::new(megabits, 180, 0.001);
        let used = |known| {
            let mut world = World::new(path.clone(), 9);
            world.flow_after(Duration::ZERO, known);
            world.run(seconds(3));
            // What arrives in the second half of the fourth round trip, and over all.
            (world.use_of_path(0.6, 0.7), world.use_of_path(0.0, 3.0))
        };
        let (new, known) = (used(None), used(found(path.clone())));
        assert!(new.0 < 0.3, "{megabits}: {new:?}");
        assert!(known.0 > 0.75, "{megabits}: {known:?}");
        assert!(known.1 > new.1 + 0.1, "{megabits}: {new:?} and {known:?}");
    }
}

#[test]
fn a_path_that_does_less_than_is_known_is_not_flooded_for_long() {
    let known = found(Path::new(300.0, 180, 0.001));
    for queue in [1, 4] {
        let mut path = Path::new(20.0, 180, 0.001);
        path.queue *= queue;
        let mut world = World::new(path, 9);
        world.flow_after(Duration::ZERO, known);
        world.run(seconds(20));
        // The jump is half of 300 Mbit/s for two round trips at most: of what was sent then nine tenths may be lost, no more.
        let most = 0.5 * 300e6 / 8.0 * 0.36 / 1472.0;
        assert!(
            (world.dropped as f64) < most,
            "{queue}: {} dropped",
            world.dropped
        );
        let used = world.use_of_path(5.0, 20.0);
        assert!(used > 0.9, "{queue}: {used}");
        let standing = world.standing(8.0, 20.0);
        assert!(standing < 0.3, "{queue}: {standing}");
    }
}

#[test]
fn another_path_under_the_same_address_is_begun_as_a_new_one() {
    let known = found(Path::new(300.0, 180, 0.001));
    for round_trip_ms in [20, 2000] {
        let run = |known| {
            let mut world = World::new(Path::new(10.0, round_trip_ms, 0.0), 9);
            world.flow_after(Duration::ZERO, known);
            world.run(seconds(10));
            (world.dropped, world.goodput(0, 0.0, 10.0))
        };
        assert_eq!(run(None), run(known), "{round_trip_ms} ms");
    }
}
