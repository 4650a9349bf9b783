//! What fuzz targets do with arbitrary bytes: everything here that reads what somebody else wrote. A harness fails by
//! panicking; bytes that are refused are no failure.

use crate::manifest::Manifest;
use crate::protocol::client::{ClientLane, Event};
use crate::protocol::message::{BaseBlock, Item, Request};
use crate::protocol::server::{Effect, ServerLane};
use crate::store::partial;
use crate::ticket::Ticket;
use crate::{Codec, scan};
use causeway_domain::Digest;

/// What an agent says to a caller that asked everything. However the bytes are cut, it means the same.
pub fn agent_says(data: &[u8]) {
    let hear = |parts: [&[u8]; 2]| -> (Vec<Event>, bool) {
        let (mut lane, _hello) = ClientLane::new(None);
        let path = || "runs".to_owned();
        let item = Item {
            path: path(),
            size: 100,
            offset: 0,
            len: 3,
            base: Some(BaseBlock {
                blake3: Digest::new([0; 32]),
                offset: 0,
                size: 100,
            }),
        };
        let manifest = Request::Manifest {
            path: path(),
            rule: scan::Rule::Everything,
            fresh: false,
        };
        let read = Request::Read {
            root: path(),
            codec: Codec::Auto,
            items: vec![item.clone(), item],
        };
        let put = Request::Put {
            path: path(),
            len: 10,
        };
        for request in [
            Request::List { path: path() },
            manifest,
            read,
            put,
            Request::Stat,
        ] {
            lane.ask(request);
        }
        let mut events = Vec::new();
        let broken = parts
            .into_iter()
            .any(|part| lane.on_bytes(part, &mut events).is_err());
        (events, broken)
    };
    let (one, other) = data.split_at(data.len() / 2);
    assert_eq!(hear([data, &[]]), hear([one, other]));
}

/// What a caller says to an agent. However the bytes are cut, it means the same; a manifest that is taken is in its one form.
pub fn caller_says(data: &[u8]) {
    let hear = |parts: [&[u8]; 2]| -> (Vec<Effect>, bool) {
        let mut lane = ServerLane::new(None, true);
        let mut effects = Vec::new();
        let broken = parts
            .into_iter()
            .any(|part| lane.on_bytes(part, &mut effects).is_err());
        (effects, broken)
    };
    let (one, other) = data.split_at(data.len() / 2);
    assert_eq!(hear([data, &[]]), hear([one, other]));
}

/// A manifest, binary and as JSON: what is read is written as the same.
pub fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::decode(data) {
        assert_eq!(manifest.encode(), data);
    }
    if let Ok(manifest) = Manifest::from_json(data) {
        let again = manifest.to_json().map(|json| Manifest::from_json(&json));
        assert!(matches!(again, Ok(Ok(again)) if again == manifest));
        let bytes = manifest.encode();
        assert!(Manifest::decode(&bytes).is_ok_and(|read| read.digest() == manifest.digest()));
    }
}

/// A ticket.
pub fn ticket(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(ticket) = Ticket::parse(text, "a ticket") {
        let again = Ticket::parse(&ticket.to_text(), "again");
        assert!(again.is_ok_and(|again| again.to_text() == ticket.to_text()));
    }
}

/// The journal of a partial file; and one that names what the bytes say, which is read back.
pub fn journal(data: &[u8]) {
    let found = partial::read_journal(data);
    assert!(found.len() <= data.len() / 48);
    let claims = data.chunks_exact(44).filter_map(partial::Claim::read);
    let claims: Vec<_> = claims.collect();
    let mut journal = partial::header(&Digest::new([7; 32]), 1);
    for claim in &claims {
        journal.extend(claim.record());
    }
    assert_eq!(partial::read_journal(&journal), claims);
}
