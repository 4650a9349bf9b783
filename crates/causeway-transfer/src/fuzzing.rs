//! What fuzz targets do with arbitrary bytes: everything here that reads what somebody else wrote. A harness fails by
//! panicking; bytes that are refused are no failure.

use crate::carrier::https::incoming;
use crate::manifest::Manifest;
use crate::protocol::client::{ClientLane, Event};
use crate::protocol::http::{
    Manipulation, Target, failure, signature, signature_value, skipped, skipped_value,
};
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
            rule: scan::Rule::default(),
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
            key: [0; 16],
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

/// What HTTP carries, a line each: a request's target, its `A-IM`, an answer's `causeway-skipped` or `causeway-signature`; then an answer. What is
/// understood is written as what means the same.
pub fn http(data: &[u8]) {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let mut text = || std::str::from_utf8(line()).unwrap_or_default();
    let (target, manipulation, left) = (text(), text(), text());
    let parse = |target: &str| match target.split_once('?') {
        Some((path, query)) => Target::parse(path, Some(query)),
        None => Target::parse(target, None),
    };
    if let Some(target) = parse(target) {
        assert_eq!(parse(&target.to_string()), Some(target));
    }
    if let Ok(Some(manipulation)) = Manipulation::parse(manipulation) {
        let again = Manipulation::parse(&manipulation.to_string());
        assert!(matches!(again, Ok(Some(again)) if again == manipulation));
        let (root, below) = manipulation.split("/data/runs/step-1/a");
        assert!(!root.is_empty() || !below.is_empty());
    }
    if let Some(signed) = signature(left, "runs") {
        assert_eq!(signature(&signature_value(&signed), "runs"), Some(signed));
    }
    if let Some(left) = skipped(left) {
        assert_eq!(skipped(&skipped_value(&left)), Some(left));
    }
    let answer = line();
    if let Ok(Some((head, length))) = incoming::parse(answer) {
        let (_, body) = answer.split_at(length);
        assert!(!failure(head.status, body, "runs").why.is_empty() || !body.is_empty());
    }
}
