use std::os::unix::fs::{PermissionsExt, symlink};

use camino::Utf8PathBuf;
use causeway_transfer::{Codec, Summary, TransferError, push, scan};

use crate::world::{World, noise, same};

fn local(world: &World) -> Utf8PathBuf {
    let local = world.base.join("local");
    fs_err::create_dir_all(local.join("src")).unwrap();
    fs_err::write(local.join("data.bin"), noise(5, (3 << 20) + 7)).unwrap();
    fs_err::write(local.join("src/train.py"), "print()").unwrap();
    fs_err::write(local.join("src/__init__.py"), "").unwrap();
    fs_err::write(local.join("__init__.py"), "").unwrap();
    fs_err::write(local.join(".env"), "A=1").unwrap();
    fs_err::write(local.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs_err::set_permissions(local.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    local
}

async fn run(world: &World, remote: &str) -> Result<Summary, TransferError> {
    push(
        &world.connector(),
        &world.base.join("local"),
        remote,
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
}

#[tokio::test]
async fn a_directory_goes_to_the_site_once_and_its_owner_may_change_it() {
    let world = World::new();
    let local = local(&world);
    let summary = run(&world, "jobs/1/workdir").await.unwrap();
    let there = world.site().join("jobs/1/workdir");
    same(&local, &there);
    assert_eq!(summary.manifest, scan(&local).unwrap().manifest.digest());
    assert_eq!(summary.reused_bytes, 0);
    assert!(summary.wire_bytes > summary.raw_bytes && summary.sent_bytes >= summary.wire_bytes);
    fs_err::write(there.join("data.bin"), "the job writes").unwrap();
    fs_err::write(there.join("output"), "the job makes").unwrap();

    let again = run(&world, "jobs/1/workdir").await.unwrap();
    assert_eq!(
        again.reused_bytes,
        again.raw_bytes - ((3 << 20) + 7),
        "only what differs goes again"
    );
    assert_eq!(
        fs_err::read(there.join("data.bin")).unwrap(),
        noise(5, (3 << 20) + 7)
    );
    assert_eq!(
        fs_err::read_to_string(there.join("output")).unwrap(),
        "the job makes"
    );
    assert_eq!(run(&world, "jobs/1/workdir").await.unwrap().wire_bytes, 0);
    let listed = scan(&world.site()).unwrap();
    assert!(
        listed
            .manifest
            .files()
            .iter()
            .all(|file| !file.path.contains("causeway")),
        "nothing of the agent's own is in the way"
    );
}

#[tokio::test]
async fn one_file_goes_to_its_place() {
    let world = World::new();
    let local = local(&world);
    push(
        &world.connector(),
        &local.join("data.bin"),
        "d/x.bin",
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
    .unwrap();
    assert_eq!(
        fs_err::read(world.site().join("d/x.bin")).unwrap(),
        noise(5, (3 << 20) + 7)
    );
}

#[tokio::test]
async fn an_agent_that_takes_nothing_in_says_so() {
    let world = World::new();
    local(&world);
    let mut options = world.options();
    options.writable = false;
    let env = world.site_env.clone();
    let connector = causeway_transfer::Connector::stream(move || {
        let (here, there) = tokio::io::duplex(64 << 10);
        tokio::spawn(causeway_transfer::agent::serve_stream(
            options.clone(),
            causeway_transfer::ByteStream::both(there),
            env.clone(),
        ));
        std::future::ready(Ok(causeway_transfer::ByteStream::both(here)))
    });
    let error = push(
        &connector,
        &world.base.join("local"),
        "x",
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
    .unwrap_err();
    assert!(matches!(error, TransferError::Denied { .. }), "{error}");
    assert!(!world.site().join("x").exists());
}

#[tokio::test]
async fn nothing_is_written_outside_the_root() {
    let world = World::new();
    local(&world);
    fs_err::create_dir_all(world.base.join("outside")).unwrap();
    symlink("../outside", world.site().join("out")).unwrap();
    symlink("../outside/planted", world.site().join("file")).unwrap();
    for remote in ["out/x", "out", "/etc/x", ".causeway-incoming/files/x"] {
        let error = run(&world, remote).await.unwrap_err();
        assert!(
            matches!(
                error,
                TransferError::Denied { .. } | TransferError::Site { .. }
            ),
            "{remote}: {error}"
        );
    }
    for remote in ["../x", "", "/"] {
        assert!(
            matches!(
                run(&world, remote).await.unwrap_err(),
                TransferError::BadPath { .. }
            ),
            "{remote}"
        );
    }
    assert_eq!(
        fs_err::read_dir(world.base.join("outside"))
            .unwrap()
            .count(),
        0
    );
    // A link at a file's own place is replaced, not written through.
    fs_err::create_dir_all(world.site().join("dir")).unwrap();
    symlink("../../outside/planted", world.site().join("dir/data.bin")).unwrap();
    run(&world, "dir").await.unwrap();
    assert!(!world.base.join("outside/planted").exists());
    assert!(!world.site().join("dir/data.bin").is_symlink());
}
