use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_transfer::{CheckpointArrived, Codec, FollowOptions, Links, Selection, Stage, follow};
use tokio::sync::watch;

use crate::world::{World, eventually, noise};

pub(crate) const QUICK: FollowOptions = FollowOptions {
    settle: Duration::from_millis(150),
    poll: Duration::from_millis(30),
    codec: Codec::Auto,
    selection: Selection {
        links: Links::Follow,
        leave_optimizer: false,
    },
};

/// A safetensors file with one tensor of bytes.
fn safetensors(seed: u64, len: usize) -> Vec<u8> {
    let data = noise(seed, len);
    let header = format!(r#"{{"w":{{"dtype":"U8","shape":[{len}],"data_offsets":[0,{len}]}}}}"#);
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        &data,
    ]
    .concat()
}

/// Writes a checkpoint as savers do: into a hidden directory, file after file in pieces, then renamed.
fn save(site: &Utf8PathBuf, name: &str, seed: u64) {
    use std::io::Write;
    let hidden = site.join(format!("ckpt/.{name}"));
    fs_err::create_dir_all(&hidden).unwrap();
    let mut file = fs_err::File::create(hidden.join("model.safetensors")).unwrap();
    for piece in safetensors(seed, 2 << 20).chunks(100_000) {
        file.write_all(piece).unwrap();
    }
    fs_err::write(hidden.join("config.json"), format!("{{\"seed\":{seed}}}")).unwrap();
    fs_err::rename(hidden, site.join(format!("ckpt/{name}"))).unwrap();
}

fn assert_arrived(world: &World, arrived: &CheckpointArrived) {
    let manifest = world.store.manifest(arrived.manifest).unwrap();
    let site = causeway_transfer::scan(&world.site().join("ckpt").join(&arrived.name))
        .unwrap()
        .manifest;
    assert_eq!(manifest.digest(), site.digest(), "{}", arrived.name);
    assert!(world.store.audit(&manifest).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_come_while_they_are_written_and_the_last_one_at_the_end() {
    let world = World::new();
    let (ended, stop) = watch::channel(false);
    let (names, site) = (Arc::new(Mutex::new(Vec::new())), world.site());
    let heard = Arc::clone(&names);
    let seen = Arc::clone(&names);
    let job = std::thread::spawn(move || {
        let wait_for = |count: usize| {
            let limit = std::time::Instant::now() + Duration::from_secs(20);
            while seen.lock().unwrap().len() < count {
                assert!(
                    std::time::Instant::now() < limit,
                    "checkpoint {count} does not come"
                );
                std::thread::yield_now();
            }
        };
        save(&site, "step-1", 1);
        wait_for(1);
        save(&site, "step-2", 2);
        fs_err::create_dir_all(site.join("ckpt/step-9.tmp")).unwrap();
        fs_err::write(site.join("ckpt/step-9.tmp/x"), "x").unwrap();
        wait_for(2);
        // The job ends with its last one just written, and one broken off.
        save(&site, "step-3", 3);
        fs_err::create_dir_all(site.join("ckpt/step-4")).unwrap();
        fs_err::write(
            site.join("ckpt/step-4/model.safetensors"),
            &safetensors(4, 5000)[..3000],
        )
        .unwrap();
        ended.send(true).unwrap();
        ended
    });
    let arrived = follow(
        &world.connector(),
        "ckpt",
        &world.store,
        QUICK,
        stop,
        &*world.env,
        |_| {},
        |one| heard.lock().unwrap().push(one.name.clone()),
    )
    .await
    .unwrap();
    drop(job.join().unwrap());
    let came: Vec<&str> = arrived.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(came, ["step-1", "step-2", "step-3"]);
    assert_eq!(*names.lock().unwrap(), came);
    for one in &arrived {
        assert_arrived(&world, one);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_states_of_the_optimizer_stay_where_that_is_wanted() {
    let world = World::new();
    save(&world.site(), "step-1", 1);
    world.write("ckpt/step-1/optimizer.pt", &noise(2, 5000));
    let (_ended, stop) = watch::channel(true);
    let leaving = FollowOptions {
        selection: Selection {
            leave_optimizer: true,
            ..Selection::default()
        },
        ..QUICK
    };
    let arrived = follow(
        &world.connector(),
        "ckpt",
        &world.store,
        leaving,
        stop,
        &*world.env,
        |_| {},
        |_| {},
    )
    .await
    .unwrap();
    let manifest = world.store.manifest(arrived[0].manifest).unwrap();
    let paths: Vec<&str> = manifest
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["config.json", "model.safetensors"]);
    let left = &arrived[0].summary.skipped;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].path, "optimizer.pt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_is_still_written_is_not_taken() {
    let world = World::new();
    let (ended, stop) = watch::channel(false);
    world.write(
        "ckpt/step-1/model.safetensors",
        &safetensors(1, 9000)[..5000],
    );
    world.write("ckpt/step-1/optimizer.bin", &noise(2, 3000));
    let told = Arc::new(Mutex::new(0));
    let (polls, site) = (Arc::clone(&told), world.site());
    let writer = async {
        let seen = |count| {
            let polls = Arc::clone(&polls);
            move || *polls.lock().unwrap() >= count
        };
        // Long enough to settle, were it whole.
        eventually("it is looked at", seen(12)).await;
        assert_eq!(world.site_env.hits("agent.manifest"), 0);
        fs_err::write(
            site.join("ckpt/step-1/model.safetensors"),
            safetensors(1, 9000),
        )
        .unwrap();
        eventually("it is taken", || world.env.hits("transfer.checkpoint") == 1).await;
        ended.send(true).unwrap();
    };
    let count = move |progress: causeway_transfer::Progress| {
        if matches!(progress.stage, Stage::Waiting { .. }) {
            *told.lock().unwrap() += 1;
        }
    };
    let connector = world.connector();
    let following = follow(
        &connector,
        "ckpt",
        &world.store,
        QUICK,
        stop,
        &*world.env,
        count,
        |_| {},
    );
    let (arrived, ()) = tokio::join!(following, writer);
    let arrived = arrived.unwrap();
    assert_eq!(arrived.len(), 1);
    assert_arrived(&world, &arrived[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ended_without_a_checkpoint_gives_none() {
    let world = World::new();
    let (_ended, stop) = watch::channel(true);
    let arrived = follow(
        &world.connector(),
        "none/yet",
        &world.store,
        QUICK,
        stop,
        &*world.env,
        |_| {},
        |_| {},
    )
    .await
    .unwrap();
    assert!(arrived.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_while_following_are_waited_out() {
    let world = World::new();
    for step in 1..4u64 {
        save(&world.site(), &format!("step-{step}"), step);
    }
    // Every second block, the agent dies.
    let (ended, stop) = watch::channel(false);
    world.site_env.crash_at("agent.block", 2);
    let killer = async {
        for _ in 0..3 {
            eventually("the agent dies", || !world.site_env.is_armed()).await;
            world.site_env.crash_at("agent.block", 2);
        }
        eventually("all came", || world.env.hits("transfer.checkpoint") >= 3).await;
        ended.send(true).unwrap();
    };
    let connector = world.connector();
    let following = follow(
        &connector,
        "ckpt",
        &world.store,
        QUICK,
        stop,
        &*world.env,
        |_| {},
        |_| {},
    );
    let (arrived, ()) = tokio::join!(following, killer);
    let arrived = arrived.unwrap();
    let names: Vec<&str> = arrived.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        ["step-1", "step-2", "step-3"],
        "the newest came first, and stands last"
    );
    arrived.iter().for_each(|one| assert_arrived(&world, one));
    assert!(world.opened.load(Ordering::SeqCst) >= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_killed_after_a_checkpoint_tells_it_again_and_sends_nothing_twice() {
    let world = World::new();
    save(&world.site(), "step-1", 1);
    let (_ended, stop) = watch::channel(true);
    world.env.crash_at("transfer.checkpoint", 1);
    let connector = world.connector();
    let run = || {
        follow(
            &connector,
            "ckpt",
            &world.store,
            QUICK,
            stop.clone(),
            &*world.env,
            |_| {},
            |_| {},
        )
    };
    assert!(matches!(
        run().await,
        Err(causeway_transfer::TransferError::Crash(_))
    ));
    let arrived = run().await.unwrap();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].summary.wire_bytes, 0);
    assert_arrived(&world, &arrived[0]);
}

// On a clock that stands still while anybody works: how busy the machine is does not matter.
#[tokio::test(start_paused = true)]
async fn when_the_job_ends_its_last_checkpoint_goes_before_the_one_that_moves() {
    let world = World::new();
    save(&world.site(), "step-1", 1);
    let (ended, stop) = watch::channel(false);
    let (site, job) = (world.site(), Mutex::new(Some(ended)));
    // With the first block of step-1 the job writes its last checkpoint and ends.
    let told = move |progress: causeway_transfer::Progress| {
        if progress.stage == Stage::Moving
            && progress.done > 0
            && let Some(ended) = job.lock().unwrap().take()
        {
            save(&site, "step-2", 2);
            ended.send(true).unwrap();
        }
    };
    let connector = world.connector().with_limit("40Mbit/s".parse().unwrap());
    let arrived = follow(
        &connector,
        "ckpt",
        &world.store,
        QUICK,
        stop,
        &*world.env,
        told,
        |_| {},
    )
    .await
    .unwrap();
    let names: Vec<&str> = arrived.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["step-2"], "step-1 was on its way");
    assert_arrived(&world, &arrived[0]);
}
