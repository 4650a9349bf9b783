//! Bytes over HTTP: tags, ranges, errors, hostile paths.

use causeway_registry::ServeOptions;
use proptest::prelude::*;

use crate::home::{Crashing, Home, at, tiny};

const WEIGHTS: &[u8] = b"0123456789";

#[test]
fn a_file_comes_with_all_that_clients_ask_for() {
    let home = Home::new();
    let revision = home.admit(&tiny(WEIGHTS), 0);
    let server = home.serve(ServeOptions::default());
    let weights = revision.file("model.safetensors").unwrap();
    for path in [
        "/acme/tiny/resolve/main/model.safetensors".to_owned(),
        format!("/acme/tiny/resolve/{}/model.safetensors", revision.commit),
    ] {
        let head = server.head(&path);
        assert_eq!(head.status, 200);
        assert_eq!(
            head.header("x-repo-commit"),
            revision.commit,
            "the commit, never the name"
        );
        assert_eq!(head.header("etag"), format!("\"{}\"", weights.sha256));
        assert_eq!(
            (head.header("content-length"), head.header("accept-ranges")),
            ("10", "bytes")
        );
        assert_eq!(
            (
                head.header("x-xet-hash"),
                head.header("location"),
                head.header("link")
            ),
            ("", "", "")
        );
        assert!(head.body.is_empty());
        let get = server.get(&path);
        assert_eq!((get.status, get.body.as_slice()), (200, WEIGHTS));
        assert_eq!(
            (get.header("content-length"), get.header("etag")),
            ("10", head.header("etag"))
        );
    }
    let config = server.head("/acme/tiny/resolve/main/config.json");
    assert_eq!(
        config.header("etag"),
        format!("\"{}\"", revision.file("config.json").unwrap().git_oid),
        "not LFS: Git's id"
    );
    assert_eq!(
        server
            .get("/acme/tiny/resolve/main/tokenizer%2Fvocab.json")
            .body,
        b"{}"
    );
    assert_eq!(
        server
            .get("/acme/tiny/resolve/refs%2Fheads%2Fmain/tokenizer/vocab.json")
            .body,
        b"{}"
    );
}

#[test]
fn ranges_and_conditions() {
    let home = Home::new();
    let revision = home.admit(&tiny(WEIGHTS), 0);
    let server = home.serve(ServeOptions::default());
    let path = "/acme/tiny/resolve/main/model.safetensors";
    let get = |range: &str| server.ask("GET", path, &[("range", range)], "");

    let part = get("bytes=2-4");
    assert_eq!(
        (part.status, part.body.as_slice()),
        (206, b"234".as_slice())
    );
    assert_eq!(
        (part.header("content-range"), part.header("content-length")),
        ("bytes 2-4/10", "3")
    );
    assert_eq!(
        (part.header("x-repo-commit"), part.header("etag").len()),
        (revision.commit.as_str(), 66)
    );
    assert_eq!(get("bytes=7-").body, b"789");
    assert_eq!(get("bytes=-1").body, b"9");
    assert_eq!(
        get("bytes=0-100000").header("content-range"),
        "bytes 0-9/10",
        "as safetensors metadata is read"
    );
    let many = get("bytes=0-1,3-4");
    assert_eq!((many.status, many.body.as_slice()), (200, WEIGHTS));

    let behind = get("bytes=10-");
    assert_eq!(
        (
            behind.status,
            behind.header("content-range"),
            behind.header("x-repo-commit")
        ),
        (416, "bytes */10", revision.commit.as_str())
    );
    let head = server.ask("HEAD", path, &[("range", "bytes=2-4")], "");
    assert_eq!((head.status, head.header("content-length")), (200, "10"));

    let etag = server.head(path).header("etag").to_owned();
    for method in ["GET", "HEAD"] {
        let known = server.ask(method, path, &[("if-none-match", &etag)], "");
        assert_eq!((known.status, known.body.len()), (304, 0));
        assert_eq!(
            (known.header("etag"), known.header("x-repo-commit")),
            (etag.as_str(), revision.commit.as_str())
        );
    }
    assert_eq!(
        server
            .ask("GET", path, &[("if-none-match", "\"other\"")], "")
            .status,
        200
    );
    assert_eq!(
        server
            .ask(
                "GET",
                path,
                &[("range", "bytes=2-4"), ("if-range", &etag)],
                ""
            )
            .status,
        206
    );
    assert_eq!(
        server
            .ask(
                "GET",
                path,
                &[("range", "bytes=2-4"), ("if-range", "\"other\"")],
                ""
            )
            .status,
        200
    );
}

#[test]
fn empty_and_large_files_arrive_whole() {
    let home = Home::new();
    let large: Vec<u8> = (0..3_000_001u32).map(|index| (index % 251) as u8).collect();
    home.admit(&[("empty.txt", b""), ("large.bin", &large)], 0);
    let server = home.serve(ServeOptions::default());
    let empty = server.get("/acme/tiny/resolve/main/empty.txt");
    assert_eq!(
        (
            empty.status,
            empty.header("content-length"),
            empty.body.len()
        ),
        (200, "0", 0)
    );
    assert_eq!(
        server
            .ask(
                "GET",
                "/acme/tiny/resolve/main/empty.txt",
                &[("range", "bytes=0-")],
                ""
            )
            .status,
        416
    );
    assert!(server.get("/acme/tiny/resolve/main/large.bin").body == large);
    let rest = server.ask(
        "GET",
        "/acme/tiny/resolve/main/large.bin",
        &[("range", "bytes=1500000-")],
        "",
    );
    assert!(rest.status == 206 && rest.body == large[1_500_000..]);
}

#[test]
fn errors_carry_the_codes_that_clients_look_for() {
    let home = Home::new();
    let revision = home.admit(&tiny(WEIGHTS), 0);
    let server = home.serve(ServeOptions::default());
    let missing = server.head("/acme/tiny/resolve/main/chat_template.jinja");
    assert_eq!(missing.code(), (404, "EntryNotFound"));
    assert_eq!(
        missing.header("x-repo-commit"),
        revision.commit,
        "so that the miss is cached"
    );
    let missing = server.get("/acme/tiny/resolve/main/tokenizer");
    assert_eq!(
        (missing.code(), missing.header("x-repo-commit")),
        ((404, "EntryNotFound"), revision.commit.as_str()),
        "a folder is no file"
    );
    for (path, code) in [
        ("/acme/tiny/resolve/v2/config.json", "RevisionNotFound"),
        (
            "/acme/tiny/resolve/production/config.json",
            "RevisionNotFound",
        ),
        (
            "/api/models/acme/tiny/revision/refs%2Fpr%2F1",
            "RevisionNotFound",
        ),
        ("/acme/other/resolve/main/config.json", "RepoNotFound"),
        ("/tiny/resolve/main/config.json", "RepoNotFound"),
        ("/api/models/acme/other", "RepoNotFound"),
        ("/api/models/other", "RepoNotFound"),
        ("/api/models/a..b", "RepoNotFound"),
        ("/api/models/acme/other/tree/main", "RepoNotFound"),
        ("/api/models/acme/other/refs", "RepoNotFound"),
        ("/api/datasets/acme/words/revision/main", "RepoNotFound"),
        ("/datasets/acme/words/resolve/main/x", "RepoNotFound"),
        ("/api/models/acme/tiny/tree/main/nowhere", "EntryNotFound"),
        ("/api/agent-harnesses", ""),
        ("/api/models/acme/tiny/xet-write-token/main", ""),
        ("/favicon.ico", ""),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.code(), (404, code), "{path}");
        assert!(
            !answer.header("x-error-message").is_empty() && answer.json()["error"].is_string(),
            "{path}"
        );
    }
    assert_eq!(
        server.ask("POST", "/api/repos/create", &[], "{}").status,
        405
    );
    assert_eq!(
        server
            .ask("POST", "/acme/tiny/resolve/main/config.json", &[], "{}")
            .status,
        405
    );
    assert_eq!(
        server
            .ask("GET", "/api/models/acme/tiny/paths-info/main", &[], "")
            .header("allow"),
        "POST"
    );
}

#[test]
fn a_file_that_is_not_what_was_admitted_is_not_sent() {
    let home = Home::new();
    let revision = home.admit(&tiny(WEIGHTS), 0);
    let server = home.serve(ServeOptions::default());
    let path = "/acme/tiny/resolve/main/model.safetensors";
    let stored = home
        .registry
        .stored(&revision.file("model.safetensors").unwrap().blake3);
    fs_err::write(&stored, b"longer than it was").unwrap();
    for answer in [server.head(path), server.get(path)] {
        assert_eq!(answer.status, 500);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            !text.contains(home.dir.as_str()),
            "no path of this machine is told: {text}"
        );
    }
    let other = server.get("/acme/tiny/resolve/main/config.json");
    assert_eq!(other.status, 200, "the others still are");

    // As long as before, with one byte changed.
    fs_err::write(&stored, b"0123456780").unwrap();
    assert_eq!(server.get(path).status, 500);
}

#[test]
fn a_large_file_with_a_changed_byte_never_arrives_whole() {
    let home = Home::new();
    let good = vec![7; 1_000_000];
    let revision = home.admit(&[("large.bin", &good)], 0);
    let server = home.serve(ServeOptions::default());
    let path = "/acme/tiny/resolve/main/large.bin";
    let stored = home.registry.stored(&revision.files[0].blake3);
    let mut changed = good.clone();
    changed[3] = 8;
    fs_err::write(&stored, &changed).unwrap();
    // It is on its way before the change is seen: then the last bytes never come.
    let cut = server.try_ask("GET", path, &[], "").unwrap_err();
    assert!(!cut.to_string().is_empty());
    // Nor does a client that goes on behind the cut get them.
    assert_eq!(
        server
            .ask("GET", path, &[("range", "bytes=900000-")], "")
            .status,
        500
    );
    fs_err::remove_file(&stored).unwrap();
    home.store(&good);
    assert!(
        server.get(path).body == good,
        "a repaired file is sent again"
    );
}

#[test]
fn a_repository_named_like_a_route_is_found() {
    let home = Home::new();
    let env = Crashing::at("");
    for name in ["acme/refs", "acme/resolve", "solo", "resolve"] {
        let files = home.list(&[("name.txt", name.as_bytes())]);
        home.registry
            .admit(
                &name.parse().unwrap(),
                files,
                None,
                serde_json::Value::Null,
                at(0),
                &env,
            )
            .unwrap();
    }
    let server = home.serve(ServeOptions::default());
    for name in ["acme/refs", "acme/resolve", "solo", "resolve"] {
        assert_eq!(
            server.get(&format!("/{name}/resolve/main/name.txt")).body,
            name.as_bytes(),
            "{name}"
        );
        assert_eq!(
            server.get(&format!("/api/models/{name}")).json()["id"],
            name
        );
        assert_eq!(
            server.get(&format!("/api/models/{name}/refs")).json()["branches"][0]["name"],
            "main",
            "{name}"
        );
        assert_eq!(
            server.get(&format!("/api/models/{name}/tree/main")).json()[0]["path"],
            "name.txt",
            "{name}"
        );
    }
}

/// A GET of a path that no HTTP library would send.
fn raw(server: &crate::home::Server, path: &str) -> (u16, Vec<u8>) {
    server.raw(&format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    ))
}

#[test]
fn no_path_leaves_the_registry() {
    let home = Home::new();
    home.admit(&tiny(WEIGHTS), 0);
    fs_err::write(home.dir.join("secret"), "TOP-SECRET").unwrap();
    fs_err::write(home.dir.join("registry/secret"), "TOP-SECRET").unwrap();
    let server = home.serve(ServeOptions::default());
    for path in [
        "/acme/tiny/resolve/main/../../secret",
        "/acme/tiny/resolve/..%2f..%2fsecret/x",
        "/%2e%2e/%2e%2e/resolve/main/secret",
        "/../secret",
    ] {
        assert_eq!(raw(&server, path).0, 400, "{path}");
    }
    let word = prop_oneof![
        "[a-z]{1,4}",
        "(\\.|%2e|%2E|/|%2f|\\\\|%5c|%00|%0d%0a|%c3%a9|%ff|%){1,4}",
        Just("acme".to_owned()),
        Just("tiny".to_owned()),
        Just("resolve".to_owned()),
        Just("main".to_owned()),
        Just("api/models".to_owned()),
        Just("secret".to_owned()),
        Just("tree".to_owned()),
        Just("pointers.json".to_owned()),
    ];
    let paths =
        proptest::collection::vec(word, 0..8).prop_map(|words| format!("/{}", words.join("/")));
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest::test_runner::TestRunner::new(config)
        .run(&paths, |path| {
            let (status, answer) = raw(&server, &path);
            prop_assert!(
                [200, 400, 404, 405].contains(&status),
                "{} gives {}",
                path,
                status
            );
            let text = String::from_utf8_lossy(&answer);
            prop_assert!(
                !text.contains("TOP-SECRET") && !text.contains("\"history\""),
                "{}",
                path
            );
            Ok(())
        })
        .unwrap();
}
