//! Admit, promote, roll back, resolve, verify.

use causeway_domain::ModelName;
use causeway_registry::{Cause, RegistryError};
use serde_json::{Value, json};

use crate::home::{Crashing, Home, at, run, tiny};

#[test]
fn the_same_files_are_one_revision() {
    let home = Home::new();
    let first = home.admit(&tiny(b"one"), 0);
    assert_eq!(
        (first.number, first.created, first.run.clone()),
        (1, at(0), Some(run(1)))
    );
    assert_eq!(
        first
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect::<Vec<_>>(),
        [
            "README.md",
            "config.json",
            "model.safetensors",
            "tokenizer/vocab.json"
        ]
    );
    let before = home.tree();

    let mut shuffled = home.list(&tiny(b"one"));
    shuffled.reverse();
    let again = home
        .registry
        .admit(
            &home.model,
            shuffled,
            Some(&run(2)),
            json!("other"),
            at(9),
            &Crashing::at(""),
        )
        .unwrap();
    assert_eq!(
        again, first,
        "order, run, provenance and time are not content"
    );
    assert_eq!(home.tree(), before, "nothing was written");

    let second = home.admit(&tiny(b"two"), 10);
    assert_eq!(second.number, 2);
    assert_ne!(second.commit, first.commit);
    let models = home.registry.models().unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!(models[0].main.as_deref(), Some(second.commit.as_str()));
    assert_eq!(models[0].production, None);
    assert_eq!(
        models[0]
            .revisions
            .iter()
            .map(|revision| &revision.commit)
            .collect::<Vec<_>>(),
        [&first.commit, &second.commit]
    );
    assert_eq!(
        (models[0].revisions[0].files, models[0].revisions[0].size),
        (4, first.size())
    );
}

#[test]
fn bad_lists_are_refused_and_leave_nothing() {
    let home = Home::new();
    let good = home.store(b"x");
    let missing = causeway_domain::Digest::new([7; 32]);
    let refuse = |files: Vec<(&str, _)>| {
        let files = files
            .into_iter()
            .map(|(path, digest)| (path.to_owned(), digest))
            .collect();
        home.registry
            .admit(
                &home.model,
                files,
                None,
                Value::Null,
                at(0),
                &Crashing::at(""),
            )
            .unwrap_err()
    };
    assert!(matches!(refuse(vec![]), RegistryError::NoFiles { .. }));
    assert!(matches!(
        refuse(vec![("../x", good)]),
        RegistryError::BadPath { .. }
    ));
    assert!(matches!(
        refuse(vec![("a", good), ("a", good)]),
        RegistryError::PathConflict { .. }
    ));
    assert!(
        matches!(refuse(vec![("a", good), ("a.b", good), ("a/b", good)]), RegistryError::PathConflict { path } if path == "a")
    );
    assert!(
        matches!(refuse(vec![("a", good), ("b", missing)]), RegistryError::MissingBytes { path, .. } if path == "b")
    );
    fs_err::write(home.registry.stored(&good), b"y").unwrap();
    assert!(
        matches!(refuse(vec![("a", good)]), RegistryError::ChangedBytes { path, .. } if path == "a")
    );
    let reserved: ModelName = "datasets/x".parse().unwrap();
    let refused = home.registry.admit(
        &reserved,
        vec![("a".to_owned(), good)],
        None,
        Value::Null,
        at(0),
        &Crashing::at(""),
    );
    assert!(matches!(refused, Err(RegistryError::ReservedName { .. })));
    assert!(home.registry.models().unwrap().is_empty());
}

#[test]
fn a_file_above_the_limit_of_clients_is_refused_with_the_reason() {
    let home = Home::new();
    let digest = home.store(b"x");
    // Sparse: it takes no room.
    fs_err::OpenOptions::new()
        .write(true)
        .open(home.registry.stored(&digest))
        .unwrap()
        .set_len(50_000_000_001)
        .unwrap();
    let err = home
        .registry
        .admit(
            &home.model,
            vec![("model.safetensors".to_owned(), digest)],
            None,
            Value::Null,
            at(0),
            &Crashing::at(""),
        )
        .unwrap_err();
    assert_eq!(
        err.to_string(),
        "`model.safetensors` has 50 GB, and Hugging Face clients refuse files above 50 GB over plain HTTP"
    );
    assert!(
        miette::Diagnostic::help(&err)
            .unwrap()
            .to_string()
            .contains("max_shard_size")
    );
}

#[test]
fn production_moves_only_when_told() {
    let home = Home::new();
    let never = home.registry.rollback(&home.model, at(0)).unwrap_err();
    assert!(matches!(never, RegistryError::ModelNotFound { .. }));
    let env = Crashing::at("");
    let first = home.admit(&tiny(b"one"), 0);
    assert!(matches!(
        home.registry.resolve(&home.model, "production"),
        Err(RegistryError::RevisionNotFound { .. })
    ));
    home.registry
        .promote(&home.model, None, at(1), &env)
        .unwrap();
    let second = home.admit(&tiny(b"two"), 2);
    assert_eq!(
        home.registry.resolve(&home.model, "production").unwrap(),
        first
    );
    assert_eq!(
        home.registry
            .resolve(&home.model, "refs/heads/main")
            .unwrap(),
        second
    );

    let moved = home
        .registry
        .promote(&home.model, second.commit.get(..7), at(3), &env)
        .unwrap();
    assert_eq!(
        (moved.from.as_deref(), moved.to.as_str(), moved.at),
        (Some(first.commit.as_str()), second.commit.as_str(), at(3))
    );
    let repeated = home
        .registry
        .promote(&home.model, Some(&second.commit), at(8), &env)
        .unwrap();
    assert_eq!(repeated, moved);

    let back = home.registry.rollback(&home.model, at(9)).unwrap();
    assert_eq!(
        (back.cause, back.to.as_str()),
        (Cause::Rollback, first.commit.as_str())
    );
    assert!(matches!(
        home.registry.rollback(&home.model, at(10)),
        Err(RegistryError::NothingBefore { .. })
    ));
    assert_eq!(
        home.registry.pointers(&home.model).unwrap().history.len(),
        5
    );
    assert_eq!(
        home.registry.resolve(&home.model, "main").unwrap(),
        second,
        "rolling back leaves main"
    );
}

#[test]
fn words_that_are_no_revision_are_refused() {
    let home = Home::new();
    let revision = home.admit(&tiny(b"one"), 0);
    assert_eq!(
        home.registry
            .resolve(&home.model, revision.commit.get(..7).unwrap())
            .unwrap(),
        revision
    );
    let upper = revision.commit.to_uppercase();
    for word in [
        "",
        "v1.0",
        "refs/pr/1",
        revision.commit.get(..6).unwrap(),
        &upper,
        "../../pointers",
        "0000000000000000000000000000000000000000",
    ] {
        assert!(
            matches!(
                home.registry.resolve(&home.model, word),
                Err(RegistryError::RevisionNotFound { .. })
            ),
            "{word}"
        );
    }
    let other: ModelName = "acme/other".parse().unwrap();
    assert!(matches!(
        home.registry.resolve(&other, "main"),
        Err(RegistryError::ModelNotFound { .. })
    ));
    assert!(matches!(
        home.registry
            .promote(&other, None, at(0), &Crashing::at("")),
        Err(RegistryError::ModelNotFound { .. })
    ));
    assert!(
        !home.dir.join("registry/models/acme/other").exists(),
        "asking leaves nothing behind"
    );
}

#[test]
fn names_with_and_without_organisation_never_meet() {
    let home = Home::new();
    let env = Crashing::at("");
    // Each of these would share a path with another if the name were the directory.
    let names = [
        "tiny",
        "tiny/revisions",
        "tiny/lock",
        "tiny/pointers.json",
        "acme/tiny",
    ];
    for name in names {
        let files = home.list(&[("name.txt", name.as_bytes())]);
        home.registry
            .admit(
                &name.parse().unwrap(),
                files,
                None,
                Value::Null,
                at(0),
                &env,
            )
            .unwrap();
    }
    let mut found: Vec<_> = home
        .registry
        .models()
        .unwrap()
        .into_iter()
        .map(|model| model.name.to_string())
        .collect();
    found.sort();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for name in names {
        let revision = home
            .registry
            .resolve(&name.parse().unwrap(), "main")
            .unwrap();
        assert_eq!(revision.files[0].size, name.len() as u64);
    }
}

#[test]
fn a_changed_byte_is_found_and_named() {
    let home = Home::new();
    let first = home.admit(&tiny(b"one"), 0);
    home.admit(&tiny(b"two"), 1);
    assert_eq!(home.registry.verify(&home.model).unwrap(), []);

    // Shared by both revisions, so named twice; one of the first only; one gone.
    let shared = home
        .registry
        .stored(&first.file("tokenizer/vocab.json").unwrap().blake3);
    fs_err::write(&shared, b"{]").unwrap();
    let weights = home
        .registry
        .stored(&first.file("model.safetensors").unwrap().blake3);
    fs_err::remove_file(&weights).unwrap();
    let bad = home.registry.verify(&home.model).unwrap();
    let mut named: Vec<_> = bad.iter().map(|file| file.path.as_str()).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "model.safetensors",
            "tokenizer/vocab.json",
            "tokenizer/vocab.json"
        ]
    );
    let gone = bad
        .iter()
        .find(|file| file.path == "model.safetensors")
        .unwrap();
    assert_eq!(
        (gone.found.as_str(), gone.revision.as_ref(), &gone.stored),
        ("missing", Some(&first.commit), &weights)
    );
    assert!(bad.iter().all(|file| file.found != file.expected));
}

#[test]
fn a_changed_byte_of_the_registry_itself_is_found_and_named() {
    let home = Home::new();
    let revision = home.admit(&tiny(b"one"), 0);
    home.registry
        .promote(&home.model, None, at(1), &Crashing::at(""))
        .unwrap();
    let model = home.dir.join("registry/models/acme/tiny");
    for name in [
        "pointers.json".to_owned(),
        format!("revisions/{}.json", revision.commit),
    ] {
        let file = model.join(&name);
        let good = fs_err::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs_err::write(&file, &bytes).unwrap();
            let bad = home.registry.verify(&home.model).unwrap();
            assert!(
                bad.iter().any(|bad| bad.path == name && bad.stored == file),
                "byte {at} of {name}: {bad:?}"
            );
        }
        assert_eq!(
            home.registry.names().unwrap(),
            std::slice::from_ref(&home.model),
            "the list of names needs no whole file"
        );
        fs_err::write(&file, &good).unwrap();
        assert_eq!(home.registry.verify(&home.model).unwrap(), []);
    }
}

#[test]
fn a_revision_in_the_place_of_another_is_not_believed() {
    let home = Home::new();
    let first = home.admit(&tiny(b"one"), 0);
    let second = home.admit(&tiny(b"two"), 1);
    let dir = home.dir.join("registry/models/acme/tiny/revisions");
    fs_err::copy(
        dir.join(format!("{}.json", first.commit)),
        dir.join(format!("{}.json", second.commit)),
    )
    .unwrap();
    assert!(matches!(
        home.registry.resolve(&home.model, "main"),
        Err(RegistryError::Corrupt { .. })
    ));
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let home = Home::new();
    home.admit(&tiny(b"one"), 0);
    let file = home.dir.join("registry/models/acme/tiny/pointers.json");
    let newer = fs_err::read_to_string(&file)
        .unwrap()
        .replace("causeway-pointers/1", "causeway-pointers/2");
    let body = newer.split(",\"seal\"").next().unwrap().to_owned();
    fs_err::write(
        &file,
        format!("{body},\"seal\":\"{}\"}}\n", blake3::hash(body.as_bytes())),
    )
    .unwrap();
    let before = home.tree();
    let err = home
        .try_admit(&tiny(b"one"), 5, &Crashing::at(""))
        .unwrap_err();
    assert!(
        matches!(err, RegistryError::UnknownFormat { ref found, .. } if found == "causeway-pointers/2"),
        "{err}"
    );
    assert_eq!(home.tree(), before);
}
