//! The workspace as cargo sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The repository's root.
pub(crate) fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask has no folder above it")?
        .to_owned())
}

/// What cargo prints on standard output.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let command = format!("cargo {}", arguments.join(" "));
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(root)
        .output()
        .with_context(|| format!("starting `{command}`"))?;
    ensure!(
        output.status.success(),
        "`{command}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("reading what `{command}` printed"))
}

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Names of its normal and build dependencies, ours and others'.
    pub(crate) dependencies: BTreeSet<String>,
}

/// Our crates by short name: `causeway-run` is `run`.
pub(crate) fn workspace(root: &Path) -> Result<BTreeMap<String, Crate>> {
    let text = cargo(root, &["metadata", "--no-deps", "--format-version", "1"])?;
    read(&serde_json::from_str(&text).context("reading cargo's metadata")?)
}

fn read(metadata: &Value) -> Result<BTreeMap<String, Crate>> {
    let list = |value: &Value, field: &str| -> Result<Vec<Value>> {
        let list = value.get(field).and_then(Value::as_array);
        list.cloned()
            .with_context(|| format!("cargo's metadata has no list `{field}`"))
    };
    let text = |value: &Value, field: &str| -> Result<String> {
        let text = value.get(field).and_then(Value::as_str);
        text.map(str::to_owned)
            .with_context(|| format!("cargo's metadata has no text `{field}`"))
    };
    let mut crates = BTreeMap::new();
    for package in list(metadata, "packages")? {
        let mut dependencies = BTreeSet::new();
        for dependency in list(&package, "dependencies")? {
            if dependency.get("kind").and_then(Value::as_str) != Some("dev") {
                dependencies.insert(short(&text(&dependency, "name")?).to_owned());
            }
        }
        let manifest = PathBuf::from(text(&package, "manifest_path")?);
        let folder = manifest
            .parent()
            .context("a manifest stands in a folder")?
            .to_owned();
        crates.insert(
            short(&text(&package, "name")?).to_owned(),
            Crate {
                folder,
                dependencies,
            },
        );
    }
    Ok(crates)
}

/// Our crates are named without the prefix that they all have.
fn short(name: &str) -> &str {
    name.strip_prefix("causeway-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_dependencies_are_no_arrows() {
        let metadata = serde_json::json!({"packages": [{
            "name": "causeway-law",
            "manifest_path": "/w/crates/causeway-law/Cargo.toml",
            "dependencies": [
                {"name": "causeway-domain", "kind": null},
                {"name": "cc", "kind": "build"},
                {"name": "causeway-market", "kind": "dev"},
            ],
        }]});
        let crates = read(&metadata).unwrap();
        let law = crates.get("law").unwrap();
        assert_eq!(law.folder, Path::new("/w/crates/causeway-law"));
        assert_eq!(
            law.dependencies.iter().collect::<Vec<_>>(),
            ["cc", "domain"]
        );
    }
}
