//! A full disk is waited out, on either side.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_transfer::{
    Codec, Dest, Patience, Placement, Progress, Stage, Store, TransferError, pull, push,
};

use crate::world::{World, impatient, noise, same};

/// A filesystem in memory.
struct Disk(Utf8PathBuf);

impl Disk {
    /// `None` where this process may not mount.
    fn mount(at: &Utf8Path, size: &str, test: &str) -> Option<Self> {
        fs_err::create_dir_all(at).unwrap();
        let mounted = Self::call(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], at);
        if !mounted {
            eprintln!("skipped: {test}: mounting takes root");
        }
        mounted.then(|| Self(at.to_owned()))
    }

    fn grow(&self, size: &str) {
        assert!(Self::call(
            &["-o", &format!("remount,size={size}")],
            &self.0
        ));
    }

    fn call(options: &[&str], at: &Utf8Path) -> bool {
        let mut command = Command::new("mount");
        command
            .args(options)
            .arg(at)
            .stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// Makes room once it is said a second time that it is missing.
struct Relief {
    disk: Disk,
    said: AtomicU32,
    done: AtomicBool,
}

impl Relief {
    fn of(disk: Disk) -> Arc<Self> {
        Arc::new(Self {
            disk,
            said: AtomicU32::new(0),
            done: AtomicBool::new(false),
        })
    }

    fn hear(&self, progress: &Progress) {
        if let Stage::Waiting { why, .. } = &progress.stage {
            assert!(
                why.contains("room ") && why.contains("disk is full"),
                "{why}"
            );
            if self.said.fetch_add(1, Ordering::SeqCst) == 1 {
                self.disk.grow("64m");
                self.done.store(true, Ordering::SeqCst);
            }
        }
    }
}

fn write_run(world: &World, at: &str) {
    world.write(&format!("{at}/model.bin"), &noise(1, 9 << 20));
    for number in 0..100 {
        world.write(
            &format!("{at}/small/{number}"),
            &noise(100 + number, 20_000),
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_home_is_waited_out() {
    for size in ["1m", "4m", "10m"] {
        let world = World::new();
        let folder = world.base.join("disk");
        let Some(disk) = Disk::mount(&folder, size, "a_full_disk_at_home_is_waited_out") else {
            return;
        };
        write_run(&world, "run");
        let relief = Relief::of(disk);
        let store = Store::open(&folder.join("store")).unwrap();
        let dest = Dest {
            store: &store,
            directory: Some((folder.join("home"), Placement::Move)),
            base: Vec::new(),
        };
        let heard = Arc::clone(&relief);
        let connector = world.connector();
        pull(
            &connector,
            "run",
            dest,
            Codec::Raw,
            &*world.env,
            move |progress| {
                heard.hear(&progress);
            },
        )
        .await
        .unwrap();
        assert!(relief.done.load(Ordering::SeqCst), "{size} was enough");
        same(&folder.join("home"), &world.site().join("run"));
        // What was verified before it was full is not asked for again, only what was under way then.
        let sent = world.site_env.hits("agent.block");
        assert!(sent < 109 + 120, "{sent} blocks for 109, {size}");
    }
}

#[tokio::test]
async fn a_disk_that_stays_full_ends_the_patience_and_nothing_is_lost() {
    let world = World::new();
    let folder = world.base.join("disk");
    let test = "a_disk_that_stays_full_ends_the_patience_and_nothing_is_lost";
    let Some(disk) = Disk::mount(&folder, "4m", test) else {
        return;
    };
    write_run(&world, "run");
    let store = Store::open(&folder.join("store")).unwrap();
    let dest = || Dest {
        store: &store,
        directory: Some((folder.join("home"), Placement::Move)),
        base: Vec::new(),
    };
    let connector = world.connector().with_patience(Patience {
        give_up: Duration::from_millis(500),
        ..impatient()
    });
    let error = pull(&connector, "run", dest(), Codec::Raw, &*world.env, |_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::DiskFull { .. }), "{error}");
    assert!(!folder.join("home").exists());
    disk.grow("64m");
    let summary = pull(&connector, "run", dest(), Codec::Raw, &*world.env, |_| {})
        .await
        .unwrap();
    assert!(summary.reused_bytes > 1 << 20, "{summary:?}");
    same(&folder.join("home"), &world.site().join("run"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_the_site_is_waited_out_and_said() {
    let world = World::new();
    let test = "a_full_disk_at_the_site_is_waited_out_and_said";
    let Some(disk) = Disk::mount(&world.site(), "4m", test) else {
        return;
    };
    let local = world.base.join("local");
    fs_err::create_dir_all(&local).unwrap();
    fs_err::write(local.join("data.bin"), noise(1, 9 << 20)).unwrap();
    for number in 0..50 {
        fs_err::write(local.join(number.to_string()), noise(50 + number, 20_000)).unwrap();
    }
    let relief = Relief::of(disk);
    let heard = Arc::clone(&relief);
    let connector = world.connector();
    push(
        &connector,
        &local,
        "in",
        Codec::Raw,
        &*world.env,
        move |progress| {
            heard.hear(&progress);
        },
    )
    .await
    .unwrap();
    assert!(relief.done.load(Ordering::SeqCst));
    same(&local, &world.site().join("in"));
}
