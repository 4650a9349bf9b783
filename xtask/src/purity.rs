//! What a room may touch: manifests and sources of the crates that are kept away from the world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::metadata::Crate;
use crate::sources::{self, Named};

/// Rooms with the same limits.
struct Limits {
    /// In words, for messages.
    what: &'static str,
    rooms: &'static [&'static str],
    /// Crates that may not be normal or build dependencies.
    dependencies: &'static [&'static str],
    /// Paths that may not be named outside tests.
    paths: &'static [&'static [&'static str]],
}

const PURE: Limits = Limits {
    what: "a pure crate touches no files, network, clock, environment or process",
    rooms: &["plan", "estimate", "market", "law", "parties", "domain"],
    dependencies: &[
        "async-std",
        "axum",
        "chrono",
        "fs-err",
        "getrandom",
        "hyper",
        "openssh",
        "reqwest",
        "rusqlite",
        "rustix",
        "s2n-quic",
        "socket2",
        "tempfile",
        "tokio",
        "ureq",
        "walkdir",
    ],
    paths: &[
        &["std", "fs"],
        &["std", "net"],
        &["std", "env"],
        &["std", "process"],
        &["std", "os"],
        &["thread", "sleep"],
        &["Timestamp", "now"],
        &["Zoned", "now"],
        &["SystemTime", "now"],
        &["Instant", "now"],
    ],
};

const FILES_ONLY: Limits = Limits {
    what: "this crate reads and writes files and touches nothing else",
    rooms: &["weights", "ledger"],
    dependencies: &[
        "async-std",
        "axum",
        "hyper",
        "openssh",
        "reqwest",
        "rusqlite",
        "s2n-quic",
        "socket2",
        "tokio",
        "ureq",
    ],
    paths: &[
        &["std", "net"],
        &["std", "env"],
        &["std", "process"],
        &["thread", "sleep"],
        &["Timestamp", "now"],
        &["Zoned", "now"],
        &["SystemTime", "now"],
        &["Instant", "now"],
    ],
};

/// Every dependency and path that a room may not have, with its place.
pub(crate) fn check(root: &Path, crates: &BTreeMap<String, Crate>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for limits in [&PURE, &FILES_ONLY] {
        for room in limits.rooms {
            let found = crates.get(*room).with_context(|| {
                format!("xtask/src/purity.rs names the crate `{room}`, the workspace has none")
            })?;
            for dependency in limits.dependencies {
                if found.dependencies.contains(*dependency) {
                    problems.push(format!(
                        "`{room}` depends on `{dependency}`: {}",
                        limits.what
                    ));
                }
            }
            for (file, named) in named_in(&found.folder.join("src"), limits.paths)? {
                let shown = file.strip_prefix(root).unwrap_or(&file);
                problems.push(format!(
                    "{}:{}: `{}`: {}",
                    shown.display(),
                    named.line,
                    named.path,
                    limits.what
                ));
            }
        }
    }
    Ok(problems)
}

/// Banned paths in the Rust files of a folder, files of test modules left out.
fn named_in(folder: &Path, banned: &[&[&str]]) -> Result<Vec<(PathBuf, Named)>> {
    let mut found = Vec::new();
    let mut tests: Vec<PathBuf> = Vec::new();
    for file in sources::files(folder, "rs")? {
        let text = fs_err::read_to_string(&file)?;
        let scan = sources::scan(&text, banned)
            .with_context(|| format!("reading {} as Rust", file.display()))?;
        tests.extend(
            scan.test_modules
                .iter()
                .map(|name| module_path(&file, name)),
        );
        found.extend(scan.named.into_iter().map(|named| (file.clone(), named)));
    }
    found.retain(|(file, _)| {
        !tests
            .iter()
            .any(|module| file.with_extension("") == *module || file.starts_with(module))
    });
    Ok(found)
}

/// Where a file's child module lives, without `.rs`: `a/lib.rs` has `a/x`, `a/b.rs` has `a/b/x`.
fn module_path(file: &Path, module: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default();
    let folder = if ["lib", "main", "mod"].iter().any(|root| stem == *root) {
        file.parent().unwrap_or(file).to_owned()
    } else {
        file.with_extension("")
    };
    folder.join(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_crate_would_not_pass_as_pure_and_its_tests_are_not_asked() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let found = named_in(&here, PURE.paths).unwrap();
        let in_file = |name: &str| {
            found
                .iter()
                .filter(|(file, _)| file.ends_with(name))
                .map(|(_, named)| named.path.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(in_file("main.rs"), ["std::process", "std::env"]);
        assert_eq!(in_file("metadata.rs"), ["std::process"]);
        assert_eq!(in_file("purity.rs"), Vec::<&str>::new());
    }

    #[test]
    fn child_modules_are_found_where_rust_finds_them() {
        assert_eq!(
            module_path(Path::new("src/lib.rs"), "tests"),
            Path::new("src/tests")
        );
        assert_eq!(
            module_path(Path::new("src/task/mod.rs"), "tests"),
            Path::new("src/task/tests")
        );
        assert_eq!(
            module_path(Path::new("src/yaml.rs"), "tests"),
            Path::new("src/yaml/tests")
        );
    }
}
