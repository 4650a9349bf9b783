//! What trainers write besides safetensors: distributed checkpoints, optimizer states, links.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_transfer::{
    Codec, Dest, FollowOptions, Links, Placement, Selection, Stage, Summary, TransferError, follow,
    pull_selected,
};
use tokio::sync::watch;

use crate::world::{World, eventually, noise};

async fn pull(world: &World, path: &str, selection: Selection) -> Result<Summary, TransferError> {
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    let connector = world.connector();
    pull_selected(
        &connector,
        path,
        selection,
        dest,
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
}

fn left(summary: &Summary) -> Vec<&str> {
    let mut left: Vec<&str> = summary
        .skipped
        .iter()
        .map(|skipped| skipped.path.as_str())
        .collect();
    left.sort_unstable();
    left
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<String> = world
        .home()
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_distributed_checkpoint_is_taken_once_its_metadata_is_there() {
    let world = World::new();
    let (ended, stop) = watch::channel(false);
    let shards = ["__0_0.distcp", "__1_0.distcp"];
    for (shard, seed) in shards.iter().zip(1..) {
        world.write(&format!("ckpt/step-1/{shard}"), &noise(seed, 2 << 20));
        world.write(&format!("ckpt/step-2/{shard}"), &noise(seed + 7, 2 << 20));
    }
    world.write("ckpt/step-1/.metadata", &noise(9, 3000));
    world.write("ckpt/step-2/.metadata.tmp", &noise(9, 3000));
    let came = Arc::new(Mutex::new(Vec::new()));
    let (heard, seen) = (Arc::clone(&came), Arc::clone(&came));
    let polls = AtomicUsize::new(0);
    let polls = &polls;
    let options = FollowOptions {
        settle: Duration::from_millis(50),
        poll: Duration::from_millis(20),
        ..FollowOptions::default()
    };
    let site: Utf8PathBuf = world.site().join("ckpt/step-2");
    let job = async move {
        eventually("the whole one", || seen.lock().unwrap().len() == 1).await;
        // It looks again, and again after the other would have settled.
        let begin = polls.load(Ordering::Relaxed);
        eventually("looking again", || {
            polls.load(Ordering::Relaxed) > begin + 5
        })
        .await;
        assert_eq!(*seen.lock().unwrap(), ["step-1"]);
        fs_err::rename(site.join(".metadata.tmp"), site.join(".metadata")).unwrap();
        eventually("the other one", || seen.lock().unwrap().len() == 2).await;
        ended.send(true).unwrap();
        ended
    };
    let connector = world.connector();
    let follows = follow(
        &connector,
        "ckpt",
        &world.store,
        options,
        stop,
        &*world.env,
        |progress| {
            if matches!(progress.stage, Stage::Waiting { .. }) {
                polls.fetch_add(1, Ordering::Relaxed);
            }
        },
        |one| heard.lock().unwrap().push(one.name.clone()),
    );
    let (arrived, _ended) = tokio::join!(follows, job);
    let arrived = arrived.unwrap();
    let manifest = world.store.manifest(arrived[0].manifest).unwrap();
    let names: Vec<&str> = manifest
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(names, [".metadata", "__0_0.distcp", "__1_0.distcp"]);
}

#[tokio::test]
async fn the_state_of_the_optimizer_is_left_when_that_is_asked_for() {
    let world = World::new();
    world.write("run/model.safetensors", &noise(1, 70_000));
    world.write("run/optimizer.pt", &noise(2, 140_000));
    world.write("run/rng_state_0.pth", &noise(3, 500));
    world.write(
        "run/global_step4/zero_pp_rank_0_mp_rank_00_optim_states.pt",
        &noise(4, 5000),
    );
    world.write(
        "run/global_step4/mp_rank_00_model_states.pt",
        &noise(5, 5000),
    );
    world.write("run/optimizer_0/__0_0.distcp", &noise(6, 5000));
    let selection = Selection {
        leave_optimizer: true,
        ..Selection::default()
    };
    let summary = pull(&world, "run", selection).await.unwrap();
    assert_eq!(
        left(&summary),
        [
            "global_step4/zero_pp_rank_0_mp_rank_00_optim_states.pt",
            "optimizer.pt",
            "optimizer_0",
            "rng_state_0.pth",
        ]
    );
    assert_eq!(summary.raw_bytes, 75_000);
    assert_eq!(names(&world), ["global_step4", "model.safetensors"]);
    let all = pull(&world, "run", Selection::default()).await.unwrap();
    assert!(all.skipped.is_empty());
    world.assert_home_is("run");
}

#[tokio::test]
async fn links_are_followed_refused_or_kept_and_never_lead_out() {
    let world = World::new();
    world.write("run/blobs/a", &noise(1, 5000));
    fs_err::create_dir_all(world.site().join("run/snapshots/x")).unwrap();
    symlink(
        "../../blobs/a",
        world.site().join("run/snapshots/x/model.bin"),
    )
    .unwrap();
    symlink("snapshots/x", world.site().join("run/latest")).unwrap();
    symlink("../../secret", world.site().join("run/out")).unwrap();
    fs_err::write(world.base.join("secret"), "secret").unwrap();
    let with = |links| Selection {
        links,
        leave_optimizer: false,
    };
    let followed = pull(&world, "run", with(Links::Follow)).await.unwrap();
    assert_eq!(left(&followed), ["latest", "out"]);
    assert_eq!(followed.files, 2);
    fs_err::remove_dir_all(world.home()).unwrap();

    let refused = pull(&world, "run", with(Links::Refuse)).await.unwrap();
    assert_eq!(left(&refused), ["latest", "out", "snapshots/x/model.bin"]);
    assert_eq!(names(&world), ["blobs"]);
    fs_err::remove_dir_all(world.home()).unwrap();

    // Twice: the second finds the links there.
    for _ in 0..2 {
        let kept = pull(&world, "run", with(Links::Keep)).await.unwrap();
        assert_eq!(left(&kept), ["out"]);
        assert_eq!(kept.files, 1);
        let link = world.home().join("latest");
        assert_eq!(link.read_link_utf8().unwrap(), "snapshots/x");
        assert_eq!(
            fs_err::read(link.join("model.bin")).unwrap(),
            noise(1, 5000)
        );
        let sealed = world.store.manifest(kept.manifest).unwrap();
        assert_eq!((sealed.version(), sealed.links().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_byte_put_in_front_costs_a_block_and_not_the_file() {
    let world = World::new();
    let bytes = noise(1, 24 << 20);
    world.write("first/shard.jsonl", &bytes);
    world.write("second/shard.jsonl", &[b"x", bytes.as_slice()].concat());
    pull(&world, "first", Selection::default()).await.unwrap();
    let summary = pull(&world, "second", Selection::default()).await.unwrap();
    world.assert_home_is("second");
    let crossed = summary.raw_bytes - summary.reused_bytes;
    assert!(crossed <= 4 << 20, "{crossed} bytes crossed again");
}

#[tokio::test]
async fn the_next_checkpoint_of_opaque_files_crosses_as_a_difference() {
    let world = World::new();
    let mut bytes = noise(1, 17 << 20);
    world.write("step-1/model.bin", &bytes);
    for byte in bytes.iter_mut().step_by(100_000) {
        *byte ^= 1;
    }
    world.write("step-2/model.bin", &bytes);
    pull(&world, "step-1", Selection::default()).await.unwrap();
    let summary = pull(&world, "step-2", Selection::default()).await.unwrap();
    world.assert_home_is("step-2");
    assert!(summary.wire_bytes < 1 << 20, "{summary:?}");
}
