use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_transfer::{CarrierKind, Codec, Dest, Placement, Stage, TransferError, pull};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{World, noise};

#[tokio::test]
async fn a_directory_comes_home_once() {
    let world = World::with_run();
    let summary = world.pull("run").await.unwrap();
    world.assert_home_is("run");
    let raw = (5 << 20) + 4321 + 2 + 5000 + 70_000;
    assert_eq!(
        (summary.files, summary.raw_bytes, summary.reused_bytes),
        (5, raw, 0)
    );
    assert_eq!(world.site_env.hits("agent.block"), World::RUN_BLOCKS);
    assert_eq!(
        summary.wire_bytes,
        raw + 14 * u64::from(World::RUN_BLOCKS),
        "nine frames of fourteen bytes and their blocks"
    );
    assert!(summary.sent_bytes >= summary.wire_bytes);
    assert_eq!(summary.carrier, CarrierKind::Stream);
    let sealed = world.store.manifest(summary.manifest).unwrap();
    assert!(sealed.files().iter().all(|file| file.sha256.is_some()));
    let signed = summary.signed.unwrap();
    assert_eq!(signed.path(), "run");
    signed.verify(&summary.manifest).unwrap();

    let again = world.pull("run").await.unwrap();
    assert_eq!((again.wire_bytes, again.reused_bytes), (0, raw));
    assert_eq!(again.manifest, summary.manifest);
}

#[tokio::test]
async fn the_next_checkpoint_sends_only_blocks_that_differ() {
    let world = World::with_run();
    world.pull("run").await.unwrap();
    let mut model = noise(1, (5 << 20) + 4321);
    model[(3 << 20) + 1] ^= 1;
    world.write("next/model.bin", &model);
    world.write("next/renamed.json", &noise(2, 5000));
    let summary = world.pull_with(&world.connector(), "next").await.unwrap();
    // Of the one block only the difference.
    assert!(summary.wire_bytes < 1000, "{}", summary.wire_bytes);
    assert_eq!(summary.reused_bytes, (4 << 20) + 4321 + 5000);
}

#[tokio::test]
async fn one_file_goes_to_dest_and_its_parents_are_made() {
    let world = World::with_run();
    let dest = world.base.join("a/b/model");
    let to = Dest {
        store: &world.store,
        directory: Some((dest.clone(), Placement::Link)),
        base: Vec::new(),
    };
    let absolute = world.site().join("run/model.bin");
    pull(
        &world.connector(),
        absolute.as_str(),
        to,
        Codec::Auto,
        &*world.env,
        |_| {},
    )
    .await
    .unwrap();
    assert_eq!(fs_err::read(dest).unwrap(), noise(1, (5 << 20) + 4321));
}

#[tokio::test]
async fn nothing_outside_the_root_is_served_and_what_is_left_is_said() {
    let world = World::with_run();
    fs_err::write(world.base.join("secret"), "secret").unwrap();
    symlink("../../secret", world.site().join("run/stolen")).unwrap();
    symlink("/", world.site().join("slash")).unwrap();
    let own = world.site().join(".causeway-incoming/files");
    let summary = world.pull("run").await.unwrap();
    assert!(!world.home().join("stolen").exists());
    assert_eq!(summary.skipped.len(), 1);
    assert_eq!(summary.skipped[0].path, "stolen");
    for path in [
        "run/stolen",
        "slash/etc/passwd",
        "slash",
        "/etc/passwd",
        ".causeway-incoming",
        own.as_str(),
    ] {
        let error = world.pull(path).await.unwrap_err();
        assert!(
            matches!(error, TransferError::Denied { .. }),
            "{path}: {error}"
        );
    }
    for path in ["../secret", "run/../../secret"] {
        assert!(
            matches!(
                world.pull(path).await.unwrap_err(),
                TransferError::BadPath { .. }
            ),
            "{path}"
        );
    }
    assert!(matches!(
        world.pull("nothing").await.unwrap_err(),
        TransferError::NotFound { .. }
    ));
}

/// A stream that ends after so many bytes from the agent.
fn cut_after(stream: tokio::io::DuplexStream, bytes: u64) -> tokio::io::DuplexStream {
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move {
        let (from_agent, mut to_agent) = tokio::io::split(stream);
        let (mut from_caller, mut to_caller) = tokio::io::split(far);
        let mut limited = from_agent.take(bytes);
        tokio::select! {
            _ = tokio::io::copy(&mut limited, &mut to_caller) => {}
            _ = tokio::io::copy(&mut from_caller, &mut to_agent) => {}
        }
    });
    near
}

#[tokio::test]
async fn a_cut_anywhere_is_gone_on_from_by_itself() {
    let whole = {
        let world = World::with_run();
        world.pull("run").await.unwrap().sent_bytes
    };
    for cut in [
        0,
        10,
        500,
        1500,
        100_000,
        1_100_000,
        2_500_000,
        whole - 1000,
    ] {
        let world = World::with_run();
        let connector = world.connector_through(move |stream, nth| {
            if nth == 1 {
                cut_after(stream, cut)
            } else {
                stream
            }
        });
        let waited = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&waited);
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
            move |progress| {
                if let Stage::Waiting { why, .. } = progress.stage {
                    told.lock().unwrap().push(why);
                }
            },
        )
        .await
        .unwrap();
        world.assert_home_is("run");
        assert_eq!(world.opened.load(Ordering::SeqCst), 2, "cut at {cut}");
        assert!(
            world.site_env.hits("agent.block") <= World::RUN_BLOCKS + 5,
            "at most what was under way is sent again"
        );
        assert_eq!(
            summary.wire_bytes,
            summary.raw_bytes + 14 * u64::from(World::RUN_BLOCKS),
            "what came whole came once"
        );
        assert!(
            waited
                .lock()
                .unwrap()
                .iter()
                .any(|why| why.contains("connection")),
            "it says what it waits for"
        );
    }
}

#[tokio::test]
async fn an_agent_that_falls_silent_is_left() {
    let world = World::with_run();
    let connector = world
        .connector_through(|stream, nth| {
            if nth > 1 {
                return stream;
            }
            // Lets the greeting through, then swallows everything.
            let (near, mut far) = tokio::io::duplex(64 << 10);
            tokio::spawn(async move {
                let mut stream = stream;
                let mut hello = vec![0; 1024];
                let read = far.read(&mut hello).await.unwrap();
                stream.write_all(&hello[..read]).await.unwrap();
                let read = stream.read(&mut hello).await.unwrap();
                far.write_all(&hello[..read]).await.unwrap();
                std::future::pending::<()>().await;
            });
            near
        })
        .with_patience(causeway_transfer::Patience {
            silence: Duration::from_millis(300),
            ..crate::world::impatient()
        });
    world.pull_with(&connector, "run").await.unwrap();
    world.assert_home_is("run");
    assert_eq!(world.opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn patience_ends() {
    let world = World::new();
    let patience = causeway_transfer::Patience {
        give_up: Duration::from_millis(700),
        ..crate::world::impatient()
    };
    let connector = causeway_transfer::Connector::stream(|| async {
        Err(std::io::Error::other("ssh: no route to host"))
    })
    .with_patience(patience);
    let error = world.pull_with(&connector, "run").await.unwrap_err();
    assert!(
        matches!(&error, TransferError::GaveUp { last, .. } if last.contains("no route to host")),
        "{error}"
    );
}

#[tokio::test]
async fn a_source_that_is_written_anew_meanwhile_comes_as_it_is_now() {
    let world = World::with_run();
    let new = noise(9, 3 << 20);
    let (path, bytes) = (world.site().join("run/model.bin"), new.clone());
    let once = Mutex::new(Some(()));
    let dest = Dest {
        store: &world.store,
        directory: Some((world.home(), Placement::Copy)),
        base: Vec::new(),
    };
    pull(
        &world.connector(),
        "run",
        dest,
        Codec::Auto,
        &*world.env,
        move |progress| {
            if progress.stage == Stage::Moving && once.lock().unwrap().take().is_some() {
                fs_err::write(&path, &bytes).unwrap();
            }
        },
    )
    .await
    .unwrap();
    world.assert_home_is("run");
    assert_eq!(fs_err::read(world.home().join("model.bin")).unwrap(), new);
}

#[tokio::test]
async fn small_files_do_not_pay_a_round_trip_each() {
    let world = World::new();
    for number in 0..400 {
        world.write(
            &format!("many/{}/{number}", number % 7),
            &noise(number, 100 + usize::try_from(number).unwrap()),
        );
    }
    let summary = world.pull("many").await.unwrap();
    world.assert_home_is("many");
    assert_eq!(summary.files, 400);
}

#[tokio::test]
async fn a_child_process_is_a_stream() {
    let mut command = tokio::process::Command::new("cat");
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    let open = move || {
        std::future::ready(
            command
                .spawn()
                .and_then(causeway_transfer::ByteStream::child),
        )
    };
    let open = Mutex::new(open);
    let patience = causeway_transfer::Patience {
        give_up: Duration::ZERO,
        ..crate::world::impatient()
    };
    let connector = causeway_transfer::Connector::stream(move || (open.lock().unwrap())())
        .with_patience(patience);
    let world = World::new();
    // `cat` says back what it hears, which no agent does.
    let error = world.pull_with(&connector, "run").await.unwrap_err();
    assert!(matches!(error, TransferError::Protocol { .. }), "{error}");
}
