//! What is told while bytes move.

use std::sync::{Arc, Mutex};

use causeway_transfer::{CarrierKind, Codec, Dest, Placement, Progress, Stage, pull, push};

use crate::world::World;

type Heard = Arc<Mutex<Vec<Progress>>>;

fn heard() -> (Heard, impl Fn(Progress) + Send + Sync) {
    let heard = Heard::default();
    let told = Arc::clone(&heard);
    (heard, move |progress| told.lock().unwrap().push(progress))
}

/// Each file was told whole once, with all of its bytes, and the counts go up to the end.
fn assert_told(heard: &Heard, bytes: u64) {
    let heard = heard.lock().unwrap();
    let mut whole: Vec<(&str, u64)> = Vec::new();
    for progress in heard.iter() {
        for part in &progress.whole {
            assert_eq!(part.done, part.total);
            whole.push((&part.path, part.total));
        }
        assert_eq!(progress.files_done, whole.len() as u64);
        for part in &progress.moving {
            assert!(part.done <= part.total, "{part:?}");
            assert!(
                !whole.iter().any(|(path, _)| *path == part.path),
                "{part:?}"
            );
        }
    }
    whole.sort_unstable();
    let names: Vec<&str> = whole.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        names,
        [
            "config.json",
            "copy.json",
            "deep/er/tokenizer.json",
            "empty",
            "log.txt",
            "model.bin"
        ]
    );
    assert_eq!(whole.iter().map(|(_, len)| len).sum::<u64>(), bytes);
    let last = heard.last().unwrap();
    assert_eq!((last.files_done, last.files_total), (6, 6));
    let moving = heard
        .iter()
        .filter(|progress| progress.stage == Stage::Moving);
    let seen = moving.flat_map(|progress| &progress.moving);
    assert!(
        seen.clone()
            .any(|part| part.path == "model.bin" && part.done > 0 && part.done < part.total),
        "the large file was seen on its way"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pull_tells_each_file_and_what_is_left() {
    let world = World::with_run();
    // The same content twice crosses once.
    world.write("run/copy.json", b"{}");
    let connector = world.connector().with_limit("8Mbit/s".parse().unwrap());
    let (heard, tell) = heard();
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    let summary = pull(&connector, "run", dest, Codec::Raw, &*world.env, tell)
        .await
        .unwrap();
    assert_told(&heard, summary.raw_bytes);
    let heard = heard.lock().unwrap();
    let half = heard
        .iter()
        .find(|progress| progress.stage == Stage::Moving && progress.done > 3 << 20)
        .unwrap();
    // At a megabyte a second.
    let left = half.left.unwrap().as_secs_f64();
    let rest = (half.total - half.done) as f64 / 1e6;
    assert!(
        (0.7 * rest..1.4 * rest).contains(&left),
        "{left} s for {rest} MB"
    );
    let line = half.line.unwrap();
    assert_eq!((line.carrier, line.loss), (CarrierKind::Stream, None));
    assert!(half.crossed.wire_bytes >= half.done - half.crossed.reused_bytes);
    assert_eq!(summary.loss, None, "a pipe tells nothing of losses");
}

#[tokio::test(start_paused = true)]
async fn a_push_tells_each_file_too() {
    let world = World::with_run();
    world.write("run/copy.json", b"{}");
    let connector = world.connector().with_limit("8Mbit/s".parse().unwrap());
    let (heard, tell) = heard();
    let local = world.site().join("run");
    let summary = push(&connector, &local, "in", Codec::Raw, &*world.env, tell)
        .await
        .unwrap();
    assert_told(&heard, summary.raw_bytes);
}
