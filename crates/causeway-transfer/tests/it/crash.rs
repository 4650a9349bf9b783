//! Killed at every point on either side, once and again: the end is whole, and what was verified is not sent twice.

use causeway_transfer::{Codec, FAULT_POINTS, TransferError, push, scan};

use crate::world::{World, same};

/// What may be under way on the one lane of a stream when it dies: two blocks, or small ones up to two MiB.
const UNDER_WAY: u32 = 5;

#[tokio::test]
async fn a_caller_killed_at_any_point_goes_on() {
    for point in FAULT_POINTS
        .into_iter()
        .filter(|point| point.starts_with("transfer.") && *point != "transfer.checkpoint")
    {
        for nth in [1, 2, 4, 8] {
            let world = World::with_run();
            world.env.crash_at(point, nth);
            let first = world.pull("run").await;
            if world.env.is_armed() {
                assert!(first.is_ok(), "{point} is passed fewer than {nth} times");
                assert!(nth > 1, "{point} is never passed");
                continue;
            }
            assert!(
                matches!(first, Err(TransferError::Crash(_))),
                "{point} {nth}"
            );
            if point != "transfer.published" {
                assert!(
                    !world.home().exists(),
                    "{point}: nothing is visible before it is whole"
                );
            }
            let journaled = world.env.hits("transfer.block");
            let summary = world.pull("run").await.unwrap();
            world.assert_home_is("run");
            let again = world
                .site_env
                .hits("agent.block")
                .saturating_sub(World::RUN_BLOCKS);
            assert!(
                again <= UNDER_WAY,
                "{point} {nth}: {again} blocks were sent twice"
            );
            // A block that was being written when the caller died may be journaled after the count above: then nothing is
            // left to send, too.
            assert!(
                journaled < World::RUN_BLOCKS || summary.wire_bytes == 0,
                "{point} {nth}: everything was there, and something was sent"
            );
            assert!(
                world
                    .store
                    .audit(&world.store.manifest(summary.manifest).unwrap())
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

#[tokio::test]
async fn what_was_journaled_is_not_on_the_wire_again() {
    let world = World::with_run();
    world.env.crash_at("transfer.block", 5);
    world.pull("run").await.unwrap_err();
    // The batch of the fifth block is on disk whole; nothing else is.
    let before = world.site_env.hits("agent.block");
    let summary = world.pull("run").await.unwrap();
    let asked = world.site_env.hits("agent.block") - before;
    assert!(asked <= World::RUN_BLOCKS - 5, "{asked}");
    assert_eq!(
        summary.wire_bytes,
        summary.raw_bytes - summary.reused_bytes + 14 * u64::from(asked)
    );
}

#[tokio::test]
async fn an_agent_killed_at_any_point_is_found_again() {
    for point in ["agent.manifest", "agent.block"] {
        for nth in [1, 3, 9] {
            let world = World::with_run();
            world.site_env.crash_at(point, nth);
            world.pull("run").await.unwrap();
            world.assert_home_is("run");
            let again = world
                .site_env
                .hits("agent.block")
                .saturating_sub(World::RUN_BLOCKS);
            assert!(
                again <= UNDER_WAY,
                "{point} {nth}: {again} blocks were sent twice"
            );
        }
    }
}

#[tokio::test]
async fn a_push_killed_on_either_side_goes_on() {
    for point in FAULT_POINTS {
        for nth in [1, 4] {
            let world = World::with_run();
            fs_err::rename(world.site().join("run"), world.base.join("local")).unwrap();
            let local = world.base.join("local");
            let connector = world.connector();
            let run = || {
                push(
                    &connector,
                    &local,
                    "in/data",
                    Codec::Auto,
                    &*world.env,
                    |_| {},
                )
            };
            if point.starts_with("agent.") {
                // The caller is still there: it connects again by itself.
                world.site_env.crash_at(point, nth);
                run().await.unwrap();
            } else {
                world.env.crash_at(point, nth);
                if run().await.is_ok() {
                    assert!(world.env.is_armed());
                    continue;
                }
            }
            let summary = run().await.unwrap();
            same(&local, &world.site().join("in/data"));
            assert_eq!(scan(&local).unwrap().manifest.digest(), summary.manifest);
            let stored = world.site_env.hits("agent.stored");
            assert!(
                stored <= World::RUN_BLOCKS + 16,
                "{point} {nth}: {stored} blocks were stored"
            );
            let names: Vec<_> = fs_err::read_dir(world.site().join("in")).unwrap().collect();
            assert_eq!(names.len(), 1, "{point} {nth}: nothing temporary is left");
        }
    }
}
