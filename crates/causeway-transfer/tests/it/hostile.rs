//! An agent and whoever reaches it.

use std::time::Duration;

use causeway_transfer::ByteStream;
use causeway_transfer::agent::{Ended, serve_stream};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::World;

/// What the agent answers to these bytes before it hangs up, or 100 ms of silence.
async fn answer(world: &World, bytes: &[u8]) -> Vec<u8> {
    let (mut here, there) = tokio::io::duplex(1 << 20);
    let agent = tokio::spawn(serve_stream(
        world.options(),
        ByteStream::both(there),
        world.site_env.clone(),
    ));
    // The agent may hang up in the middle.
    here.write_all(bytes).await.ok();
    here.shutdown().await.ok();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        here.read_to_end(&mut answer).await.ok();
        agent.await.unwrap().unwrap()
    });
    assert_eq!(ended.await.expect("the agent ends"), Ended::InputClosed);
    answer
}

/// The greeting of protocol version 4, without a token.
const HELLO: &[u8] = b"\0\0\0\x0b\x01\0\0\0\0causeway\0\x04\0";

fn frame(kind: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(id.to_be_bytes());
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn golden_greeting_of_version_4() {
    let world = World::new();
    assert_eq!(
        answer(&world, HELLO).await,
        b"\0\0\0\x0d\x81\0\0\0\0causeway\0\x04\x01\0\x20"
    );
    let refused = answer(&world, b"\0\0\0\x0b\x01\0\0\0\0causeway\0\x01\0").await;
    assert_eq!(refused[4], 0x82);
    assert!(answer(&world, b"GET / HTTP/1.1\r\n\r\n").await.is_empty());
}

#[tokio::test]
async fn requests_that_climb_are_answered_and_denied() {
    let world = World::with_run();
    fs_err::write(world.base.join("secret"), "top secret").unwrap();
    for path in ["../secret", "run/../../secret", "/etc/passwd", "run/\0"] {
        let mut read = Vec::new();
        for text in [path, ""] {
            if text.is_empty() {
                // No codec, one block.
                read.push(1);
                read.extend(1u32.to_be_bytes());
            }
            read.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            read.extend(text.as_bytes());
        }
        read.extend(10u64.to_be_bytes());
        read.extend(0u64.to_be_bytes());
        read.extend(10u32.to_be_bytes());
        read.push(0);
        let answer = answer(&world, &[HELLO.to_vec(), frame(4, 1, &read)].concat()).await;
        assert!(
            !String::from_utf8_lossy(&answer).contains("top secret"),
            "{path:?}"
        );
    }
}

#[test]
fn no_bytes_harm_an_agent() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = World::with_run();
    proptest!(ProptestConfig::with_cases(200), |(
        frames in proptest::collection::vec((1u8..10, 0u32..3, proptest::collection::vec(any::<u8>(), 0..60)), 0..6),
        tail in proptest::collection::vec(any::<u8>(), 0..30),
    )| {
        let mut bytes = HELLO.to_vec();
        for (kind, id, payload) in frames {
            bytes.extend(frame(kind, id, &payload));
        }
        bytes.extend(tail);
        runtime.block_on(answer(&world, &bytes));
    });
    let names: Vec<_> = fs_err::read_dir(world.site())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| name == "run" || name == ".causeway-incoming"),
        "{names:?}"
    );
}
