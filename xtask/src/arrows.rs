//! `cargo xtask arrows`: the graph of our crates against the map in ARCHITECTURE.md.
//!
//! The map is the fenced block `arrows`: one line a crate, from the command line down, `name -> names below it`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{metadata, purity};

/// Crates in the longest chain, counted from `causeway` down to `domain`.
const LONGEST: usize = 7;

/// Fails naming every arrow that the map does not have, every line of the map that is not true, a chain that is too
/// long, and whatever a pure crate may not touch.
pub(crate) fn check(root: &Path) -> Result<()> {
    let crates = metadata::workspace(root)?;
    let text = fs_err::read_to_string(root.join("ARCHITECTURE.md"))?;
    let map = Map::read(&text)?;
    let names: BTreeSet<&String> = crates.keys().collect();
    let graph: Graph = crates
        .iter()
        .map(|(name, found)| {
            let ours = found
                .dependencies
                .iter()
                .filter(|dependency| names.contains(dependency));
            (name.clone(), ours.cloned().collect())
        })
        .collect();
    let mut problems = map.compare(&graph);
    let chain = map.longest_chain(&graph);
    if chain.len() > LONGEST {
        problems.push(format!(
            "the chain {} has {} crates, {LONGEST} at most: one of its arrows is in the wrong room",
            chain.join(" -> "),
            chain.len()
        ));
    }
    problems.extend(purity::check(root, &crates)?);
    if problems.is_empty() {
        let arrows: usize = graph.values().map(BTreeSet::len).sum();
        println!(
            "{} crates, {arrows} arrows as mapped, longest chain {} ({}), pure crates are pure",
            graph.len(),
            chain.len(),
            chain.join(" -> ")
        );
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}

/// Crates, and the crates of ours that each depends on.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The map, top first.
#[derive(Debug)]
struct Map {
    rows: Vec<(String, BTreeSet<String>)>,
}

impl Map {
    fn read(document: &str) -> Result<Self> {
        let (_, after) = document
            .split_once("\n```arrows\n")
            .context("ARCHITECTURE.md has no block ```arrows")?;
        let (block, _) = after
            .split_once("\n```")
            .context("the block ```arrows of ARCHITECTURE.md has no end")?;
        let mut rows: Vec<(String, BTreeSet<String>)> = Vec::new();
        for line in block.lines().filter(|line| !line.trim().is_empty()) {
            let (name, below) = line.split_once("->").with_context(|| {
                format!("the map has the line `{line}`: write `crate -> crates below it`")
            })?;
            let name = name.trim().to_owned();
            if rows.iter().any(|(known, _)| *known == name) {
                bail!("the map has two lines for `{name}`");
            }
            rows.push((name, below.split_whitespace().map(str::to_owned).collect()));
        }
        Ok(Self { rows })
    }

    fn row(&self, name: &str) -> Option<&BTreeSet<String>> {
        let row = self.rows.iter().find(|(known, _)| known == name);
        row.map(|(_, below)| below)
    }

    fn height(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|(known, _)| known == name)
    }

    /// What the graph has and the map has not, and the other way round.
    fn compare(&self, graph: &Graph) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, below) in graph {
            let Some(row) = self.row(name) else {
                problems.push(format!(
                    "crate `{name}` is not in the map: give it a line in ARCHITECTURE.md"
                ));
                continue;
            };
            for target in below.difference(row) {
                problems.push(format!(
                    "the arrow {name} -> {target} is not in the map: remove it from `{name}`'s manifest, or put it into ARCHITECTURE.md and say why"
                ));
            }
            for target in row.difference(below) {
                problems.push(format!(
                    "the map has the arrow {name} -> {target}, the manifest has not: remove it from ARCHITECTURE.md"
                ));
            }
        }
        for (index, (name, below)) in self.rows.iter().enumerate() {
            if !graph.contains_key(name) {
                problems.push(format!("the map has crate `{name}`, the workspace has not"));
            }
            for target in below {
                if self.height(target).is_some_and(|height| height <= index) {
                    problems.push(format!(
                        "the arrow {name} -> {target} points up: arrows point down the list only"
                    ));
                }
            }
        }
        problems
    }

    /// The longest way down. Arrows that point up are reported elsewhere and not followed, so this ends.
    fn longest_chain(&self, graph: &Graph) -> Vec<String> {
        let mut chains: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, _) in self.rows.iter().rev() {
            let below = graph.get(name).into_iter().flatten();
            // Lower rows have their chains by now; higher ones have none and count nothing.
            let longest = below
                .filter_map(|target| chains.get(target.as_str()))
                .max_by_key(|chain| chain.len());
            let mut chain = vec![name.clone()];
            chain.extend(longest.into_iter().flatten().cloned());
            chains.insert(name, chain);
        }
        chains
            .into_values()
            .max_by_key(Vec::len)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Map\n\n```arrows\nrun -> plan domain\nplan -> law domain\nlaw -> domain\ndomain ->\n```\n";

    fn graph(rows: &[(&str, &str)]) -> Graph {
        let row = |below: &str| below.split_whitespace().map(str::to_owned).collect();
        rows.iter()
            .map(|(name, below)| ((*name).to_owned(), row(below)))
            .collect()
    }

    const TRUE: [(&str, &str); 4] = [
        ("run", "plan domain"),
        ("plan", "law domain"),
        ("law", "domain"),
        ("domain", ""),
    ];

    #[test]
    fn a_true_map_has_no_problems() {
        let map = Map::read(DOCUMENT).unwrap();
        assert_eq!(map.compare(&graph(&TRUE)), Vec::<String>::new());
        assert_eq!(
            map.longest_chain(&graph(&TRUE)),
            ["run", "plan", "law", "domain"]
        );
    }

    #[test]
    fn every_difference_is_named() {
        let map = Map::read(DOCUMENT).unwrap();
        let found = map.compare(&graph(&[
            ("run", "plan law domain"),
            ("plan", "domain"),
            ("law", "domain"),
            ("domain", "law"),
            ("web", "run"),
        ]));
        let starts = [
            "the arrow domain -> law is not in the map",
            "the map has the arrow plan -> law, the manifest has not",
            "the arrow run -> law is not in the map",
            "crate `web` is not in the map",
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for (problem, start) in found.iter().zip(starts) {
            assert!(problem.starts_with(start), "{problem}");
        }
    }

    #[test]
    fn a_map_that_points_up_is_wrong_even_when_the_manifests_agree() {
        let map = Map::read("\n```arrows\ndomain -> law\nlaw -> domain\n```").unwrap();
        let graph = graph(&[("domain", "law"), ("law", "domain")]);
        assert_eq!(
            map.compare(&graph),
            ["the arrow law -> domain points up: arrows point down the list only"]
        );
        assert_eq!(
            map.longest_chain(&graph),
            ["domain", "law"],
            "a cycle ends too"
        );
    }

    #[test]
    fn a_damaged_map_is_refused() {
        assert!(Map::read("# nothing").is_err());
        assert!(Map::read("\n```arrows\nrun plan\n```").is_err());
        assert!(Map::read("\n```arrows\nrun ->\nrun ->\n```").is_err());
        assert!(Map::read("\n```arrows\nrun ->\n").is_err());
    }
}
