//! Holes cross as holes and stay holes.

use std::os::unix::fs::{FileExt, MetadataExt};

use camino::Utf8Path;
use causeway_transfer::{Codec, Dest, Placement, pull, push};

use crate::world::{World, noise, same};

const SIZE: u64 = (64 << 20) + 12_345;

/// 64 MiB, of which 3 MiB and a few bytes were written.
fn sparse(path: &Utf8Path) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(path).unwrap();
    file.set_len(SIZE).unwrap();
    file.write_all_at(&noise(1, 3 << 20), (20 << 20) + 5)
        .unwrap();
    file.write_all_at(b"end", SIZE - 3).unwrap();
    file.sync_all().unwrap();
}

fn on_disk(path: &Utf8Path) -> u64 {
    fs_err::metadata(path).unwrap().blocks() * 512
}

/// Whether this machine's temporary files may have holes.
fn has_holes(path: &Utf8Path, test: &str) -> bool {
    let has = on_disk(path) < 8 << 20;
    if !has {
        println!("skipped: {test}: this filesystem has no holes");
    }
    has
}

#[tokio::test]
async fn a_sparse_file_comes_home_sparse() {
    let world = World::new();
    sparse(&world.site().join("run/sparse.bin"));
    sparse(&world.site().join("run/again.bin"));
    let empty = std::fs::File::create(world.site().join("run/never-written")).unwrap();
    empty.set_len(48 << 20).unwrap();
    let small = std::fs::File::create(world.site().join("run/small-hole")).unwrap();
    small.set_len(900_000).unwrap();
    if !has_holes(
        &world.site().join("run/sparse.bin"),
        "a_sparse_file_comes_home_sparse",
    ) {
        return;
    }
    for how in [Placement::Copy, Placement::Move] {
        let summary = {
            let dest = Dest {
                store: &world.store,
                directory: Some((world.home(), how)),
                base: Vec::new(),
            };
            pull(
                &world.connector(),
                "run",
                dest,
                Codec::Raw,
                &*world.env,
                |_| {},
            )
            .await
            .unwrap()
        };
        world.assert_home_is("run");
        if how == Placement::Copy {
            let crossed = summary.raw_bytes - summary.reused_bytes;
            assert!(
                (3 << 20..9 << 20).contains(&crossed),
                "{crossed} bytes crossed"
            );
        }
        for name in ["sparse.bin", "again.bin", "never-written", "small-hole"] {
            let used = on_disk(&world.home().join(name));
            assert!(used < 8 << 20, "{name} takes {used} bytes, {how:?}");
        }
        assert_eq!(on_disk(&world.home().join("never-written")), 0);
        assert_eq!(on_disk(&world.home().join("small-hole")), 0);
        fs_err::remove_dir_all(world.home()).unwrap();
    }
}

#[tokio::test]
async fn zeros_that_were_written_become_a_hole() {
    let world = World::new();
    let mut bytes = vec![0; 24 << 20];
    bytes[13 << 20] = 1;
    world.write("run/zeros.bin", &bytes);
    let summary = world.pull("run").await.unwrap();
    assert_eq!(fs_err::read(world.home().join("zeros.bin")).unwrap(), bytes);
    assert!(summary.reused_bytes >= 20 << 20, "{summary:?}");
}

#[tokio::test]
async fn a_sparse_file_goes_to_the_site_sparse() {
    let world = World::new();
    let local = world.base.join("local");
    sparse(&local.join("sparse.bin"));
    if !has_holes(
        &local.join("sparse.bin"),
        "a_sparse_file_goes_to_the_site_sparse",
    ) {
        return;
    }
    let connector = world.connector();
    let summary = push(&connector, &local, "in", Codec::Raw, &*world.env, |_| {})
        .await
        .unwrap();
    same(&local, &world.site().join("in"));
    let crossed = summary.raw_bytes - summary.reused_bytes;
    assert!(crossed < 9 << 20, "{crossed} bytes crossed");
    let used = on_disk(&world.site().join("in/sparse.bin"));
    assert!(used < 9 << 20, "{used}");
}
