//! `cargo xtask docs`: the documents hold together, and what they show of the two files can be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use causeway_domain::{Problem, SourceFile, organisation, task};

use crate::sources::files;

/// Fails naming every relative link that leads nowhere, every page of the guide that its summary forgot, and every problem of
/// an example: a block whose first line is `# task.yaml` or `# causeway.yaml`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let guide = root.join("docs/src");
    let mut problems = Vec::new();
    let mut links = 0;
    let mut shown_files = 0;
    for document in documents(root)? {
        let text = fs_err::read_to_string(&document)?;
        let shown = document.strip_prefix(root).unwrap_or(&document).display();
        let folder = document.parent().unwrap_or(root);
        for (line, target) in relative_links(&text) {
            links += 1;
            if !folder.join(target).exists() {
                problems.push(format!("{shown}:{line}: `{target}` does not exist"));
            }
        }
        for (line, example) in examples(&text) {
            shown_files += 1;
            for problem in problems_of(&format!("{shown}, example at line {line}"), &example) {
                problems.push(problem.to_string());
            }
        }
    }
    let summary = fs_err::read_to_string(guide.join("SUMMARY.md"))?;
    let listed: Vec<PathBuf> = relative_links(&summary)
        .map(|(_, target)| guide.join(target))
        .collect();
    for page in files(&guide, "md")? {
        if !page.ends_with("SUMMARY.md") && !listed.contains(&page) {
            let shown = page.strip_prefix(root).unwrap_or(&page).display();
            problems.push(format!("{shown} is not in docs/src/SUMMARY.md"));
        }
    }
    if problems.is_empty() {
        println!(
            "{links} relative links lead somewhere, {shown_files} example files are valid, the summary has every page"
        );
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}

/// Documents at the root and everything below `docs`, built books left out.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = files(&root.join("docs"), "md")?;
    found.retain(|path| !path.starts_with(root.join("docs/book")));
    for entry in fs_err::read_dir(root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Line and target of each `[text](target)` outside code blocks that is no address and no place in the same page.
fn relative_links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut code = false;
    text.lines()
        .zip(1..)
        .filter(move |(line, _)| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .flat_map(|(line, number)| {
            line.split("](").skip(1).filter_map(move |rest| {
                let (target, _) = rest.split_once(')')?;
                let path = target.split('#').next().unwrap_or_default();
                (!path.is_empty() && !path.contains("://") && !path.starts_with("mailto:"))
                    .then_some((number, path))
            })
        })
}

/// Line and text of each whole file that a document shows.
fn examples(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (line, number) in text.lines().zip(1..) {
        match (&mut open, line.trim_start().starts_with("```")) {
            (None, true) => open = Some((number + 1, String::new())),
            (None, false) => {}
            (Some(_), true) => found.extend(open.take()),
            (Some((_, block)), false) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    found.retain(|(_, block)| {
        let first = block.lines().next();
        first == Some("# task.yaml") || first == Some("# causeway.yaml")
    });
    found
}

/// Errors and warnings of an example, as a user would see them.
fn problems_of(name: &str, text: &str) -> Vec<Problem> {
    let source = Arc::new(SourceFile::new(name, text));
    if text.starts_with("# task.yaml") {
        task::parse(&source).map_or_else(
            |problems| problems,
            |task| [task.not_run, task.warnings].concat(),
        )
    } else {
        organisation::parse(&source).err().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_read_as_the_program_reads_them() {
        let text = "text\n```yaml\n# task.yaml\nrun: true\n```\n```yaml\nno: example\n```\n";
        assert_eq!(examples(text), [(3, "# task.yaml\nrun: true\n".to_owned())]);
        assert!(problems_of("x", "# task.yaml\nrun: echo\n").is_empty());
        assert_eq!(problems_of("x", "# task.yaml\nrum: echo\n").len(), 1);
        assert!(!problems_of("x", "# causeway.yaml\norganisation: acme\n").is_empty());
    }

    #[test]
    fn only_relative_links_outside_code_count() {
        let text = "a [b](c.md#d) and [e](https://f/g)\n```\n[h](i.md)\n```\n[j](#k) [l](m/n.md) [o](mailto:p@q)\n";
        assert_eq!(
            relative_links(text).collect::<Vec<_>>(),
            [(1, "c.md"), (5, "m/n.md")]
        );
    }
}
