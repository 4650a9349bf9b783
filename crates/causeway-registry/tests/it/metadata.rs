//! What clients learn about models without downloading them.

use causeway_registry::ServeOptions;
use serde_json::{Value, json};

use crate::home::{Crashing, Home, at, tiny};

#[test]
fn a_model_card_has_what_model_info_reads() {
    let home = Home::new();
    home.admit(&tiny(b"one"), 0);
    let second = home.admit(&tiny(b"two"), 60);
    let server = home.serve(ServeOptions::default());
    let short = server.get("/api/models/acme/tiny");
    let long = server.get("/api/models/acme/tiny/revision/main");
    assert_eq!(short.json(), long.json(), "both spellings are in use");
    let card = short.json();
    for (name, expected) in [
        ("id", json!("acme/tiny")),
        ("modelId", json!("acme/tiny")),
        ("author", json!("acme")),
        ("sha", json!(second.commit)),
        ("private", json!(false)),
        ("gated", json!(false)),
        ("disabled", json!(false)),
        (
            "tags",
            json!(["transformers", "safetensors", "llama", "causeway"]),
        ),
        ("pipeline_tag", json!("text-generation")),
        ("library_name", json!("transformers")),
        ("createdAt", json!("2026-11-24T13:15:00.000Z")),
        ("lastModified", json!("2026-11-24T13:16:00.000Z")),
    ] {
        assert_eq!(card[name], expected, "{name}");
    }
    assert_eq!(card["siblings"][0], json!({"rfilename": "README.md"}));
    let blobs = server.get("/api/models/acme/tiny?blobs=true").json();
    let weights = second.file("model.safetensors").unwrap();
    assert_eq!(
        blobs["siblings"][2],
        json!({
            "rfilename": "model.safetensors", "size": 3, "blobId": weights.git_oid,
            "lfs": {"sha256": weights.sha256, "size": 3, "pointerSize": 126},
        })
    );
    assert!(blobs["siblings"][0].get("lfs").is_none());
}

#[test]
fn a_model_that_is_no_transformer_says_so_by_saying_less() {
    let home = Home::new();
    home.admit(&[("weights.txt", b"1")], 0);
    let server = home.serve(ServeOptions::default());
    let card = server.get("/api/models/acme/tiny").json();
    assert_eq!(card["tags"], json!(["causeway"]));
    assert!(card.get("library_name").is_none() && card.get("pipeline_tag").is_none());
    home.admit(&[("config.json", b"not json")], 1);
    assert_eq!(
        server.get("/api/models/acme/tiny").json()["tags"],
        json!(["causeway"])
    );
}

#[test]
fn parameters_are_counted_once_by_type() {
    let file = |dtype: &str, elements: usize, width: usize| {
        let bytes = elements * width;
        let json = format!(
            r#"{{"w":{{"dtype":"{dtype}","shape":[{elements}],"data_offsets":[0,{bytes}]}}}}"#
        );
        [
            &(json.len() as u64).to_le_bytes(),
            json.as_bytes(),
            &vec![0; bytes],
        ]
        .concat()
    };
    let (first, second) = (file("BF16", 5, 2), file("F32", 3, 4));
    let home = Home::new();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("model-00001-of-00002.safetensors", &first),
        ("model-00002-of-00002.safetensors", &second),
        ("checkpoint-1/model.safetensors", &first),
        ("optimizer.safetensors", &second),
    ];
    home.admit(&files, 0);
    let server = home.serve(ServeOptions::default());
    let card = || server.get("/api/models/acme/tiny").json();
    assert_eq!(
        card()["safetensors"],
        json!({"parameters": {"BF16": 5, "F32": 3}, "total": 8})
    );
    assert!(
        server.get("/api/models").json()[0]
            .get("safetensors")
            .is_none()
    );
    files.push(("model.safetensors", b"no header"));
    home.admit(&files, 1);
    assert!(
        card().get("safetensors").is_none(),
        "a count that leaves a file out would be wrong"
    );
}

#[test]
fn lists_follow_their_query() {
    let home = Home::new();
    let env = Crashing::at("");
    for (second, name) in ["acme/small", "acme/large", "other/small", "solo"]
        .into_iter()
        .enumerate()
    {
        let files = home.list(&[("a", name.as_bytes())]);
        home.registry
            .admit(
                &name.parse().unwrap(),
                files,
                None,
                Value::Null,
                at(second as i64),
                &env,
            )
            .unwrap();
    }
    let server = home.serve(ServeOptions::default());
    let names = |query: &str| -> Vec<String> {
        let list = server.get(&format!("/api/models{query}")).json();
        list.as_array()
            .unwrap()
            .iter()
            .map(|card| card["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(""),
        ["solo", "other/small", "acme/large", "acme/small"]
    );
    assert_eq!(names("?author=acme"), ["acme/large", "acme/small"]);
    assert_eq!(names("?search=SMALL&limit=1"), ["other/small"]);
}

#[test]
fn a_long_tree_is_paged_and_each_page_is_of_one_revision() {
    let home = Home::new();
    let names: Vec<String> = (0..7)
        .map(|index| format!("d {}/f{index}.txt", index % 2))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), b"x".as_slice()))
        .collect();
    let first = home.admit(&files, 0);
    let server = home.serve(ServeOptions {
        page_size: 4,
        ..ServeOptions::default()
    });

    let mut paths = Vec::new();
    let mut page = server.get("/api/models/acme/tiny/tree/main?recursive=true&expand=false");
    loop {
        assert_eq!(page.header("x-repo-commit"), first.commit);
        let list = page.json();
        assert!(list.as_array().unwrap().len() <= 4);
        paths.extend(
            list.as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["path"].as_str().unwrap().to_owned()),
        );
        let link = page.header("link").to_owned();
        if link.is_empty() {
            break;
        }
        let next = link
            .strip_prefix('<')
            .unwrap()
            .strip_suffix(">; rel=\"next\"")
            .unwrap();
        assert!(
            next.starts_with(&format!(
                "http://{}/api/models/acme/tiny/tree/{}?",
                server.addr, first.commit
            )),
            "absolute, by commit: {next}"
        );
        // Main moves on between two pages.
        home.admit(&tiny(b"other"), 1);
        page = server.get(next);
    }
    let mut expected = names;
    expected.extend(["d 0".to_owned(), "d 1".to_owned()]);
    expected.sort();
    assert_eq!(paths, expected);

    let folder = server.get(&format!(
        "/api/models/acme/tiny/tree/{}/d%200?limit=2",
        first.commit
    ));
    assert_eq!(folder.json().as_array().unwrap().len(), 2);
    assert!(
        folder.header("link").contains("/d%200?recursive=false"),
        "{}",
        folder.header("link")
    );
}

#[test]
fn a_tree_entry_has_what_repo_file_reads() {
    let home = Home::new();
    let revision = home.admit(&tiny(b"one"), 0);
    let server = home.serve(ServeOptions::default());
    let tree = server
        .get("/api/models/acme/tiny/tree/main?recursive=false&expand=True")
        .json();
    let weights = revision.file("model.safetensors").unwrap();
    let last = json!({"id": revision.commit, "title": format!("revision 1 from run {}", revision.run.as_ref().unwrap()), "date": "2026-11-24T13:15:00.000Z"});
    assert_eq!(
        tree[2],
        json!({
            "type": "file", "path": "model.safetensors", "size": 3, "oid": weights.git_oid,
            "lfs": {"oid": weights.sha256, "size": 3, "pointerSize": 126}, "lastCommit": last,
        })
    );
    assert_eq!(
        (&tree[3]["type"], &tree[3]["path"], &tree[3]["size"]),
        (&json!("directory"), &json!("tokenizer"), &json!(0))
    );
    assert_eq!(tree.as_array().unwrap().len(), 4);
}

#[test]
fn paths_info_answers_forms_and_json_alike() {
    let home = Home::new();
    home.admit(&tiny(b"one"), 0);
    let server = home.serve(ServeOptions::default());
    let ask = |kind: &str, body: &str| {
        server.ask(
            "POST",
            "/api/models/acme/tiny/paths-info/main",
            &[("content-type", kind)],
            body,
        )
    };
    let form = ask(
        "application/x-www-form-urlencoded",
        "paths=config.json&paths=tokenizer&paths=nowhere&expand=false",
    );
    let list = form.json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(
        (&list[0]["path"], &list[1]["type"]),
        (&json!("config.json"), &json!("directory"))
    );
    assert_eq!(
        ask(
            "application/json",
            r#"{"paths": ["config.json", "tokenizer", "nowhere"], "expand": false}"#
        )
        .json(),
        list
    );
    assert_eq!(ask("application/json", "{").status, 400);
    // Announced and never sent: refused by its length alone.
    let request = "POST /api/models/acme/tiny/paths-info/main HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2000000\r\n\r\n";
    let (status, _) = server.raw(request);
    assert_eq!(status, 400);
}

#[test]
fn pointers_are_branches_and_revisions_are_commits() {
    let home = Home::new();
    let first = home.admit(&tiny(b"one"), 0);
    let server = home.serve(ServeOptions::default());
    let refs = || server.get("/api/models/acme/tiny/refs").json();
    assert_eq!(
        refs()["branches"],
        json!([{"name": "main", "ref": "refs/heads/main", "targetCommit": first.commit}])
    );
    home.registry
        .promote(&home.model, None, at(1), &Crashing::at(""))
        .unwrap();
    let second = home.admit(&tiny(b"two"), 2);
    let both = json!([
        {"name": "main", "ref": "refs/heads/main", "targetCommit": second.commit},
        {"name": "production", "ref": "refs/heads/production", "targetCommit": first.commit},
    ]);
    assert_eq!(refs()["branches"], both);
    assert_eq!(
        (&refs()["tags"], &refs()["converts"]),
        (&json!([]), &json!([]))
    );
    let commits = |revision: &str| -> Vec<Value> {
        let list = server
            .get(&format!("/api/models/acme/tiny/commits/{revision}"))
            .json();
        list.as_array()
            .unwrap()
            .iter()
            .map(|commit| commit["id"].clone())
            .collect()
    };
    assert_eq!(commits("main"), [json!(second.commit), json!(first.commit)]);
    assert_eq!(commits("production"), [json!(first.commit)]);
}

#[test]
fn people_get_a_page() {
    let home = Home::new();
    let server = home.serve(ServeOptions::default());
    assert!(
        String::from_utf8(server.get("/").body)
            .unwrap()
            .contains("No model was admitted yet")
    );
    home.admit(&tiny(b"one"), 0);
    let page = server.get("/");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    let command = format!("HF_ENDPOINT=http://{} hf download acme/tiny", server.addr);
    assert!(String::from_utf8(page.body).unwrap().contains(&command));
    assert_eq!(server.get("/healthz").body, b"ok\n");
}
