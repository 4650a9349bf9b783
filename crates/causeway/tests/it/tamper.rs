//! A changed byte anywhere in the log or the model is found and named.

use std::os::unix::fs::PermissionsExt;

use crate::answers::walk;
use crate::home::Home;

fn change(path: &std::path::Path, at: usize) -> Vec<u8> {
    let before = std::fs::read(path).unwrap();
    let mut bytes = before.clone();
    bytes[at] ^= 1;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(path, bytes).unwrap();
    before
}

#[test]
fn every_file_of_log_registry_and_model() {
    let home = Home::new();
    assert_eq!(
        home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"])
            .code,
        Some(0)
    );
    let model = home.causeway(&["models", "--json"]).json();
    let commit = model["models"][0]["main"].as_str().unwrap().to_owned();
    let mut files: Vec<_> = walk(&home.path(".causeway/log"))
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name != "lock"))
        .collect();
    files.push(crate::home::find(
        &home.path(".causeway/registry"),
        &format!("{commit}.json"),
    ));
    files.push(crate::home::find(
        &home.path(".causeway/registry"),
        "pointers.json",
    ));
    let store = home.path(".causeway/store/files");
    for name in ["model.safetensors", "config.json"] {
        let hash = blake3_of(&home, name);
        files.push(store.join(hash));
    }
    for file in files {
        let length = usize::try_from(std::fs::metadata(&file).unwrap().len()).unwrap();
        for at in [0, length / 2, length - 1] {
            let before = change(&file, at);
            let verified = home.causeway(&["ledger", "verify"]);
            assert_eq!(
                verified.code,
                Some(1),
                "byte {at} of {}: {verified}",
                file.display()
            );
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(
                verified.stdout.contains(name) || verified.stderr.contains(name),
                "byte {at} of {}: {verified}",
                file.display()
            );
            std::fs::write(&file, before).unwrap();
        }
    }
    home.assert_verifies();
}

fn blake3_of(home: &Home, name: &str) -> String {
    let models = walk(&home.path(".causeway/registry"));
    for file in models.iter().filter(|file| {
        file.parent()
            .is_some_and(|parent| parent.ends_with("revisions"))
    }) {
        let revision: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let found = revision.to_string();
        let records = revision["files"]
            .as_array()
            .or_else(|| revision["content"]["files"].as_array())
            .unwrap_or_else(|| panic!("{found}"));
        for record in records {
            if record["path"] == name {
                return record["blake3"].as_str().unwrap().to_owned();
            }
        }
    }
    panic!("no {name}");
}
