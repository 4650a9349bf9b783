//! Both ends against each other, and against anybody.

use causeway_domain::Digest;
use causeway_weights::codec;
use proptest::prelude::*;

use super::client::{ClientLane, Event};
use super::frame::Frame;
use super::message::{BaseBlock, ClientMessage, Entry, Item, Request, ServerMessage};
use super::outcome::{Code, Counted, Failure, Outcome};
use super::payload::Payload;
use super::server::{Effect, MAX_REQUESTS, ServerLane};
use super::{Broken, PROTOCOL_VERSION};
use crate::codec::Codec;
use crate::scan::{Rule, Skipped};
use crate::selection::{Links, Selection};
use crate::signature::{ManifestSignature, SignerKey};

fn serve(lane: &mut ServerLane, bytes: &[u8]) -> Result<Vec<Effect>, Broken> {
    let mut out = Vec::new();
    lane.on_bytes(bytes, &mut out).map(|()| out)
}

fn receive(lane: &mut ClientLane, bytes: &[u8]) -> Result<Vec<Event>, Broken> {
    let mut out = Vec::new();
    lane.on_bytes(bytes, &mut out).map(|()| out)
}

/// A lane on which both have greeted.
fn pair() -> (ClientLane, ServerLane) {
    let (mut client, hello) = ClientLane::new(Some([7; 32]));
    let mut server = ServerLane::new(Some([7; 32]), true);
    let effects = serve(&mut server, &hello).unwrap();
    let [Effect::Send(welcome)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert!(matches!(
        receive(&mut client, welcome).unwrap().as_slice(),
        [Event::Welcome(_)]
    ));
    (client, server)
}

fn item(len: u32) -> Item {
    Item {
        path: "a".to_owned(),
        size: 100,
        offset: 0,
        len,
        base: None,
    }
}

fn read(lens: &[u32]) -> Request {
    Request::Read {
        root: "r".to_owned(),
        codec: Codec::Auto,
        items: lens.iter().map(|len| item(*len)).collect(),
    }
}

#[test]
fn only_the_token_of_the_ticket_opens() {
    for (token, expected, opens) in [
        (Some([1; 32]), Some([1; 32]), true),
        (Some([2; 32]), Some([1; 32]), false),
        (None, Some([1; 32]), false),
        (None, Some([0; 32]), false),
        (None, None, true),
    ] {
        let (_, hello) = ClientLane::new(token);
        let mut server = ServerLane::new(expected, false);
        let effects = serve(&mut server, &hello).unwrap();
        assert_eq!(server.is_greeted(), opens);
        assert_eq!(effects.contains(&Effect::Close), !opens);
        if !opens {
            let ask = ClientMessage::Request(Request::Stat).encode(1);
            assert!(
                serve(&mut server, &ask).unwrap().is_empty(),
                "a closed lane hears nothing"
            );
        }
    }
}

#[test]
fn nothing_is_served_before_the_greeting_and_nothing_large_is_read() {
    let mut server = ServerLane::new(None, true);
    assert!(
        serve(
            &mut server,
            &ClientMessage::Request(Request::Stat).encode(1)
        )
        .is_err()
    );
    let mut server = ServerLane::new(None, true);
    let mut long = Frame::begin(2000);
    long.raw(&[0; 2000]);
    let long = Frame::end(1, 0, long);
    assert!(
        serve(&mut server, &long[..9]).is_err(),
        "refused at the header, before the payload"
    );
    let other = ClientMessage::Hello {
        version: PROTOCOL_VERSION + 1,
        token: None,
    };
    let effects = serve(&mut ServerLane::new(None, true), &other.encode(0)).unwrap();
    assert!(effects.contains(&Effect::Close));
}

#[test]
fn a_caller_has_a_budget() {
    let (mut client, mut server) = pair();
    for _ in 0..MAX_REQUESTS {
        let (_, bytes) = client.ask(Request::Stat);
        serve(&mut server, &bytes).unwrap();
    }
    let (_, one_more) = client.ask(Request::Stat);
    assert!(serve(&mut server, &one_more).is_err());

    let (mut client, mut server) = pair();
    let (id, bytes) = client.ask(Request::Stat);
    serve(&mut server, &bytes).unwrap();
    assert!(
        serve(
            &mut server,
            &ClientMessage::Request(Request::Stat).encode(id)
        )
        .is_err(),
        "a number is used once"
    );
    for request in [
        read(&[(4 << 20) + 1]),
        read(&[]),
        read(&[101]),
        Request::Put {
            path: "x".to_owned(),
            len: u64::MAX,
            key: [0; 16],
        },
    ] {
        let (mut client, mut server) = pair();
        let (_, bytes) = client.ask(request);
        assert!(serve(&mut server, &bytes).is_err());
    }
}

#[test]
fn an_agent_sends_only_what_was_asked_for() {
    let block = |item, len| ServerMessage::Block {
        item,
        payload: Payload::raw(vec![0; len]),
    };
    let done = ServerMessage::Done(Outcome::Read);
    let bad: [(&str, Vec<ServerMessage>); 6] = [
        ("another length", vec![block(0, 9)]),
        ("another item", vec![block(1, 20)]),
        ("twice", vec![block(0, 10), block(0, 10)]),
        (
            "more than asked",
            vec![block(0, 10), block(1, 20), block(2, 10)],
        ),
        ("done too early", vec![block(0, 10), done.clone()]),
        ("another answer", vec![ServerMessage::Part(vec![1])]),
    ];
    for (what, messages) in bad {
        let (mut client, _) = pair();
        let (id, _) = client.ask(read(&[10, 20]));
        let results: Vec<_> = messages
            .iter()
            .map(|message| receive(&mut client, &message.encode(id)).is_ok())
            .collect();
        assert_eq!(results.last(), Some(&false), "{what}");
    }
    let (mut client, _) = pair();
    let (id, _) = client.ask(read(&[10]));
    assert!(
        receive(&mut client, &block(0, 10).encode(id + 1)).is_err(),
        "a request that is not open"
    );
    receive(&mut client, &block(0, 10).encode(id)).unwrap();
    receive(&mut client, &done.encode(id)).unwrap();
    assert!(!client.is_waiting());
    assert!(
        receive(&mut client, &done.encode(id)).is_err(),
        "ended twice"
    );
}

#[test]
fn an_encoded_block_says_its_length_and_no_other_base_than_was_named() {
    let block: Vec<u8> = (0..60_000_u32)
        .flat_map(|n| (n % 7).to_be_bytes())
        .collect();
    let mut before = block.clone();
    before[17] ^= 1;
    let hash = blake3::hash(&before);
    let base = codec::Base {
        bytes: &before,
        hash,
    };
    let len = u32::try_from(block.len()).unwrap();
    let mut encoder = codec::Encoder::default();
    let mut encode = |base| {
        let bytes = encoder
            .encode(&block, codec::Element::Opaque, base, codec::Effort::Small)
            .to_vec();
        Payload {
            encoded: true,
            bytes: bytes.into(),
        }
    };
    let (alone, difference) = (encode(None), encode(Some(base)));
    let mut bytes = alone.bytes.to_vec();
    bytes.resize(block.len() + 3, 0);
    let long = Payload {
        bytes: bytes.into(),
        ..alone.clone()
    };
    let named = BaseBlock {
        blake3: Digest::new(*hash.as_bytes()),
        offset: 0,
        size: u64::from(len),
    };
    let other = BaseBlock {
        blake3: Digest::new([1; 32]),
        ..named
    };
    for (what, len, base, payload, good) in [
        ("by itself", len, None, &alone, true),
        (
            "by itself, though a base was named",
            len,
            Some(named),
            &alone,
            true,
        ),
        ("a difference", len, Some(named), &difference, true),
        ("a difference to nothing", len, None, &difference, false),
        (
            "a difference to another",
            len,
            Some(other),
            &difference,
            false,
        ),
        (
            "of another length",
            len + 1,
            Some(named),
            &difference,
            false,
        ),
        ("longer than the block", len, None, &long, false),
    ] {
        let (mut client, _) = pair();
        let (id, _) = client.ask(Request::Read {
            root: "r".to_owned(),
            codec: Codec::Small,
            items: vec![Item {
                size: u64::from(len),
                base,
                ..item(len)
            }],
        });
        let answer = ServerMessage::Block {
            item: 0,
            payload: payload.clone(),
        };
        assert_eq!(
            receive(&mut client, &answer.encode(id)).is_ok(),
            good,
            "{what}"
        );
    }
}

#[test]
fn a_further_lane_of_a_put_brings_blocks_at_once_and_no_manifest() {
    let (mut client, mut server) = pair();
    let (id, bytes) = client.ask(Request::PutLane { key: [7; 16] });
    let effects = serve(&mut server, &bytes).unwrap();
    assert!(matches!(effects.as_slice(), [Effect::Serve { .. }]));
    let block = ClientMessage::PutBlock {
        file: 0,
        block: 0,
        payload: Payload::raw(vec![1]),
    };
    let effects = serve(&mut server, &block.encode(id)).unwrap();
    assert!(matches!(effects.as_slice(), [Effect::Block { .. }]));
    let over = ServerMessage::Done(Outcome::PutLane);
    let bytes = server.answer(id, &over).unwrap();
    receive(&mut client, &bytes).unwrap();
    let late = serve(&mut server, &block.encode(id)).unwrap();
    assert!(late.is_empty(), "what comes too late is dropped");
    let (id, bytes) = client.ask(Request::PutLane { key: [7; 16] });
    serve(&mut server, &bytes).unwrap();
    let manifest = ClientMessage::PutManifest(vec![1]).encode(id);
    assert!(serve(&mut server, &manifest).is_err());
    let stored = ServerMessage::Stored {
        blocks: vec![(0, 0)],
    };
    assert!(receive(&mut client, &stored.encode(id)).is_err());
}

#[test]
fn a_put_keeps_its_order() {
    let (mut client, mut server) = pair();
    let manifest = crate::manifest::Manifest::new(crate::manifest::Shape::Directory, vec![])
        .unwrap()
        .encode();
    let (id, bytes) = client.ask(Request::Put {
        path: "d".to_owned(),
        len: manifest.len() as u64,
        key: [0; 16],
    });
    serve(&mut server, &bytes).unwrap();
    let block = ClientMessage::PutBlock {
        file: 0,
        block: 0,
        payload: Payload::raw(vec![1]),
    }
    .encode(id);
    let (mut early, mut long) = (pair().1, pair().1);
    for server in [&mut early, &mut long] {
        serve(server, &bytes).unwrap();
    }
    assert!(
        serve(&mut early, &block).is_err(),
        "a block before the manifest"
    );
    let too_long = ClientMessage::PutManifest(vec![0; manifest.len() + 1]).encode(id);
    assert!(serve(&mut long, &too_long).is_err());
    let effects = serve(
        &mut server,
        &ClientMessage::PutManifest(manifest).encode(id),
    )
    .unwrap();
    assert!(matches!(effects.as_slice(), [Effect::Manifest { manifest, .. }] if manifest.is_ok()));
    assert_eq!(serve(&mut server, &block).unwrap().len(), 1);
    let want = |count: u32, last| ServerMessage::Want {
        blocks: (0..count).map(|n| (0, n)).collect(),
        last,
    };
    receive(&mut client, &want(2, false).encode(id)).unwrap();
    receive(&mut client, &want(1, true).encode(id)).unwrap();
    let done = ServerMessage::Done(Outcome::Put {
        digest: Digest::new([0; 32]),
    });
    receive(
        &mut client,
        &ServerMessage::Stored {
            blocks: vec![(0, 0), (0, 1), (1, 0)],
        }
        .encode(id),
    )
    .unwrap();
    assert!(
        receive(
            &mut client,
            &ServerMessage::Stored {
                blocks: vec![(1, 1)],
            }
            .encode(id)
        )
        .is_err()
    );
    receive(&mut client, &done.encode(id)).unwrap();
    server.answer(id, &done).unwrap();
    assert!(
        serve(&mut server, &block).unwrap().is_empty(),
        "what was under way when it ended is not an error"
    );
}

fn text() -> impl Strategy<Value = String> {
    "[a-zé/. ]{0,12}"
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

fn base() -> impl Strategy<Value = Option<BaseBlock>> {
    proptest::option::of((digest(), any::<u64>(), any::<u64>()).prop_map(
        |(blake3, offset, size)| BaseBlock {
            blake3,
            offset,
            size,
        },
    ))
}

fn payload() -> impl Strategy<Value = Payload> {
    (any::<bool>(), proptest::collection::vec(any::<u8>(), 1..50)).prop_map(|(encoded, bytes)| {
        Payload {
            encoded,
            bytes: bytes.into(),
        }
    })
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![
        (any::<u16>(), any::<Option<[u8; 32]>>())
            .prop_map(|(version, token)| ClientMessage::Hello { version, token }),
        text().prop_map(|path| ClientMessage::Request(Request::List { path })),
        (text(), 0u8..3, any::<[bool; 3]>()).prop_map(
            |(path, links, [finished, leave_optimizer, fresh])| {
                let selection = Selection {
                    links: Links::from_code(links).unwrap(),
                    leave_optimizer,
                };
                let rule = Rule {
                    finished,
                    selection,
                };
                ClientMessage::Request(Request::Manifest { path, rule, fresh })
            }
        ),
        (
            text(),
            0u8..4,
            proptest::collection::vec((text(), 0u64..1 << 40, 1u32..60_000, base()), 1..5)
        )
            .prop_map(|(root, codec, items)| {
                let items = items.into_iter().map(|(path, offset, len, base)| Item {
                    path,
                    size: offset + u64::from(len),
                    offset,
                    len,
                    base,
                });
                ClientMessage::Request(Request::Read {
                    root,
                    codec: Codec::from_code(codec).unwrap(),
                    items: items.collect(),
                })
            }),
        (text(), any::<u64>(), any::<[u8; 16]>()).prop_map(|(path, len, key)| {
            ClientMessage::Request(Request::Put { path, len, key })
        }),
        any::<[u8; 16]>().prop_map(|key| ClientMessage::Request(Request::PutLane { key })),
        Just(ClientMessage::Request(Request::Stat)),
        proptest::collection::vec(any::<u8>(), 0..50).prop_map(ClientMessage::PutManifest),
        (any::<u32>(), any::<u32>(), payload()).prop_map(|(file, block, payload)| {
            ClientMessage::PutBlock {
                file,
                block,
                payload,
            }
        }),
    ]
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    let entry = (
        text(),
        any::<bool>(),
        any::<u32>(),
        any::<u64>(),
        any::<u64>(),
        digest(),
        proptest::option::of(text()),
    )
        .prop_map(
            |(name, directory, files, bytes, modified, stamp, incomplete)| Entry {
                name,
                directory,
                files,
                bytes,
                modified,
                stamp,
                incomplete,
            },
        );
    let skipped = (text(), text()).prop_map(|(path, why)| Skipped { path, why });
    prop_oneof![
        (any::<u16>(), any::<bool>(), any::<u16>()).prop_map(
            |(version, writable, max_requests)| ServerMessage::Welcome {
                version,
                writable,
                max_requests
            }
        ),
        text().prop_map(|why| ServerMessage::Refused { why }),
        proptest::collection::vec(entry, 0..4).prop_map(ServerMessage::Entries),
        proptest::collection::vec(any::<u8>(), 0..50).prop_map(ServerMessage::Part),
        (any::<u32>(), payload())
            .prop_map(|(item, payload)| ServerMessage::Block { item, payload }),
        (any::<u64>(), any::<u64>())
            .prop_map(|(done, total)| ServerMessage::Working { done, total }),
        (
            proptest::collection::vec(any::<(u32, u32)>(), 0..9),
            any::<bool>()
        )
            .prop_map(|(blocks, last)| ServerMessage::Want { blocks, last }),
        proptest::collection::vec(any::<(u32, u32)>(), 0..9)
            .prop_map(|blocks| ServerMessage::Stored { blocks }),
        Just(ServerMessage::Done(Outcome::PutLane)),
        text().prop_map(|why| ServerMessage::Waiting { why }),
        Just(ServerMessage::Done(Outcome::Listed)),
        Just(ServerMessage::Done(Outcome::Read)),
        (
            digest(),
            proptest::option::of((text(), any::<[u8; 32]>(), any::<[u8; 32]>())),
            proptest::collection::vec(skipped, 0..3)
        )
            .prop_map(|(digest, signature, skipped)| {
                let signature = signature.map(|(path, key, half)| ManifestSignature {
                    path,
                    key: SignerKey::new(key),
                    signature: [key, half].concat().try_into().unwrap(),
                });
                ServerMessage::Done(Outcome::Manifest {
                    digest,
                    signature,
                    skipped,
                })
            }),
        digest().prop_map(|digest| ServerMessage::Done(Outcome::Put { digest })),
        any::<(u64, Option<u64>)>()
            .prop_map(|(sent, lost)| ServerMessage::Done(Outcome::Stat(Counted { sent, lost }))),
        (
            prop_oneof![
                Just(Code::NotFound),
                Just(Code::Denied),
                Just(Code::Changing),
                Just(Code::Other)
            ],
            text(),
            text()
        )
            .prop_map(|(code, path, why)| ServerMessage::Failed(Failure {
                code,
                path,
                why
            })),
    ]
}

/// A decoded frame of these bytes.
fn frame(bytes: &[u8]) -> Frame {
    let mut decoder = super::frame::Decoder::new();
    decoder.trust();
    decoder.next(&mut &*bytes).unwrap().unwrap()
}

proptest! {
    #[test]
    fn messages_read_back(client in client_message(), server in server_message(), id in any::<u32>()) {
        prop_assert_eq!(ClientMessage::decode(&frame(&client.encode(id))).unwrap(), client);
        prop_assert_eq!(ServerMessage::decode(&frame(&server.encode(id))).unwrap(), server);
    }

    #[test]
    fn no_bytes_panic_and_cuts_do_not_matter(
        messages in proptest::collection::vec((client_message(), 0u32..4), 0..6),
        noise in proptest::collection::vec(any::<u8>(), 0..60),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 0..3),
        greet in any::<bool>(), cut in 1usize..40,
    ) {
        let mut bytes = if greet { ClientLane::new(None).1 } else { Vec::new() };
        bytes.extend(messages.iter().flat_map(|(message, id)| message.encode(*id)));
        bytes.extend(noise);
        for (at, flip) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
        }
        let run = |size: usize| {
            let (mut lane, mut out) = (ServerLane::new(None, true), Vec::new());
            let result = bytes.chunks(size).try_for_each(|chunk| lane.on_bytes(chunk, &mut out));
            (result, out)
        };
        prop_assert_eq!(run(cut), run(bytes.len().max(1)));
    }

    #[test]
    fn no_agent_makes_a_caller_panic(
        messages in proptest::collection::vec((server_message(), 0u32..4), 0..8),
        noise in proptest::collection::vec(any::<u8>(), 0..60),
        flip in any::<(prop::sample::Index, u8)>(),
    ) {
        let (mut client, _) = pair();
        client.ask(read(&[10, 20]));
        client.ask(Request::Put { path: "x".to_owned(), len: 4, key: [0; 16] });
        let mut bytes: Vec<u8> = messages.iter().flat_map(|(message, id)| message.encode(*id)).collect();
        bytes.extend(noise);
        if !bytes.is_empty() {
            let at = flip.0.index(bytes.len());
            bytes[at] ^= flip.1;
        }
        drop(receive(&mut client, &bytes));
    }
}

#[test]
fn noise_is_counted_and_more_than_was_asked_for_is_refused() {
    let (mut caller, mut agent) = pair();
    let mut effects = Vec::new();
    let (id, bytes) = caller.ask(Request::Sink);
    agent.on_bytes(&bytes, &mut effects).unwrap();
    for noise in [vec![1; 1000], vec![2; 500], Vec::new()] {
        let noise = ClientMessage::Noise(noise).encode(id);
        agent.on_bytes(&noise, &mut effects).unwrap();
    }
    let mut events = Vec::new();
    for effect in effects.drain(..) {
        let Effect::Send(bytes) = effect else {
            panic!("{effect:?}")
        };
        caller.on_bytes(&bytes, &mut events).unwrap();
    }
    let last = Event::Answer {
        id,
        message: ServerMessage::Done(Outcome::Sunk { bytes: 1500 }),
        last: true,
    };
    assert_eq!((events.len(), events.pop()), (3, Some(last)));
    assert!(
        agent
            .on_bytes(&ClientMessage::Noise(vec![1]).encode(id), &mut effects)
            .is_err()
    );

    let (id, _) = caller.ask(Request::Noise { bytes: 10 });
    let part = |len| ServerMessage::Part(vec![0; len]).encode(id);
    caller.on_bytes(&part(6), &mut events).unwrap();
    assert!(caller.on_bytes(&part(5), &mut events).is_err());
}
