//! `cargo xtask crates`: how much `causeway` is built from.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};

use crate::metadata::cargo;

/// Crates that `causeway` with default features may be built from, ours included.
const MOST: usize = 450;

/// Crates that may not be among them, with why.
const NOT: [(&str, &str); 2] = [
    (
        "ring",
        "one TLS provider, aws-lc: the crate that brings `ring` has a feature for aws-lc or for none",
    ),
    ("openssl-sys", "one TLS provider, aws-lc"),
];

/// Counts the normal and build dependencies of the command line on this machine's target.
pub(crate) fn check(root: &Path) -> Result<()> {
    let tree = [
        "tree",
        "--package",
        "causeway",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ];
    let crates = read(&cargo(root, &tree)?);
    for (name, why) in NOT {
        if crates.iter().any(|(found, _)| found == name) {
            bail!("`{name}` is in the tree: {why} (`cargo tree -p causeway -i {name}` says who)");
        }
    }
    let ours = crates
        .iter()
        .filter(|(name, _)| name == "causeway" || name.starts_with("causeway-"))
        .count();
    if crates.len() > MOST {
        bail!(
            "`causeway` is built from {} crates, {MOST} at most: put what a user can do without behind a feature",
            crates.len()
        );
    }
    println!(
        "{} crates in the tree of `causeway` ({ours} ours), {MOST} at most; one TLS provider",
        crates.len()
    );
    Ok(())
}

/// Names and versions; a crate that `cargo tree` shows twice counts once.
fn read(tree: &str) -> BTreeSet<(String, String)> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_a_version() {
        let tree = "causeway v0.1.0 (/w)\nsyn v2.0.1\nserde_derive v1.0.2 (proc-macro)\nsyn v2.0.1 (*)\nsyn v3.0.0\n\n";
        assert_eq!(read(tree).len(), 4);
    }
}
