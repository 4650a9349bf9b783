//! `cargo xtask generate`: documents that are made from code, and committed so that editors and readers have them.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use causeway_domain::{approval, organisation, portfolio, scenario, task};
use causeway_parties::kyc;

/// A file that code makes: its path below the root, and what must stand in it.
type Document = (&'static str, String);

/// Every generated file. A new one (the reference of the command line, say) is a line here.
fn documents(root: &Path) -> Result<Vec<Document>> {
    Ok(vec![
        ("crates/causeway-law/src/builtin.rs", builtin_packs(root)?),
        (
            "docs/schema/task.schema.json",
            pretty(&task::json_schema()).context("the schema of task.yaml")?,
        ),
        (
            "docs/schema/causeway.schema.json",
            pretty(&organisation::json_schema()).context("the schema of causeway.yaml")?,
        ),
        (
            "docs/schema/approval.schema.json",
            pretty(&approval::json_schema()).context("the schema of an approval")?,
        ),
        (
            "docs/schema/offers.schema.json",
            pretty(&causeway_market::offers_file::json_schema())
                .context("the schema of an offers file")?,
        ),
        (
            "docs/schema/portfolio.schema.json",
            pretty(&portfolio::json_schema()).context("the schema of portfolio.yaml")?,
        ),
        (
            "docs/schema/scenarios.schema.json",
            pretty(&scenario::json_schema()).context("the schema of scenarios.yaml")?,
        ),
        (
            "docs/schema/customer.schema.json",
            pretty(&kyc::customer_schema()).context("the schema of customer.yaml")?,
        ),
        (
            "docs/schema/provider.schema.json",
            pretty(&kyc::provider_schema()).context("the schema of provider.yaml")?,
        ),
        (
            "docs/schema/observed.schema.json",
            pretty(&kyc::observed_schema()).context("the schema of observed.yaml")?,
        ),
    ])
}

/// The list of files that the law is built from: all of `rules/` but what stands beside the packs.
fn builtin_packs(root: &Path) -> Result<String> {
    let rules = root.join("rules");
    let mut names = Vec::new();
    for folder in fs_err::read_dir(&rules)? {
        let folder = folder?.path();
        if !folder.is_dir() || folder.ends_with("cases") || folder.ends_with("facts") {
            continue;
        }
        for file in fs_err::read_dir(&folder)? {
            let file = file?.path();
            let is_pack = file.extension().is_some_and(|ending| {
                ["cedar", "yaml", "json"]
                    .iter()
                    .any(|known| ending == *known)
            });
            if is_pack {
                let name = file.strip_prefix(&rules)?.to_str();
                names.push(name.context("a file of rules/ is not UTF-8")?.to_owned());
            }
        }
    }
    names.sort();
    let mut text = "//! The packs that are built in. Made by `cargo xtask generate` from the files of `rules/`: add a file there, and run it.\n\n\
        /// Path from `rules/`, and text.\n\
        #[rustfmt::skip]\n\
        pub(crate) const FILES: &[(&str, &str)] = &[\n"
        .to_owned();
    for name in names {
        writeln!(
            text,
            "    (\"{name}\", include_str!(\"../../../rules/{name}\")),"
        )?;
    }
    text.push_str("];\n");
    Ok(text)
}

fn pretty(value: &impl serde::Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Writes what is missing or differs.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (path, text) in documents(root)? {
        let file = root.join(path);
        if difference(&file, &text)?.is_some() {
            if let Some(folder) = file.parent() {
                fs_err::create_dir_all(folder)?;
            }
            fs_err::write(&file, text)?;
            println!("wrote {path}");
        } else {
            println!("{path} is up to date");
        }
    }
    Ok(())
}

/// Fails naming every file that differs, and where.
pub(crate) fn check(root: &Path) -> Result<()> {
    let documents = documents(root)?;
    let count = documents.len();
    let mut stale = Vec::new();
    for (path, text) in documents {
        if let Some(what) = difference(&root.join(path), &text)? {
            stale.push(format!("{path} {what}"));
        }
    }
    if stale.is_empty() {
        println!("{count} generated files are up to date");
        return Ok(());
    }
    bail!(
        "{}\nrun `cargo xtask generate` and commit what it writes",
        stale.join("\n")
    )
}

/// How a file differs from what it must hold.
fn difference(file: &Path, text: &str) -> Result<Option<String>> {
    if !file.exists() {
        return Ok(Some("does not exist".to_owned()));
    }
    let found = fs_err::read_to_string(file)?;
    if found == text {
        return Ok(None);
    }
    let same = found.lines().zip(text.lines());
    let line = same.take_while(|(old, new)| old == new).count() + 1;
    Ok(Some(format!(
        "differs from line {line} on: `{}` should be `{}`",
        found.lines().nth(line - 1).unwrap_or_default().trim(),
        text.lines().nth(line - 1).unwrap_or_default().trim()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_whole_and_made_the_same_twice() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let first = documents(root).unwrap();
        assert_eq!(first, documents(root).unwrap());
        for (path, text) in first
            .into_iter()
            .filter(|(path, _)| path.ends_with(".json"))
        {
            let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(
                schema.get("properties").is_some(),
                "{path} has no properties"
            );
            assert!(
                schema.get("title").is_some(),
                "{path} has no title for editors"
            );
        }
    }

    #[test]
    fn a_difference_names_its_line() {
        let missing = Path::new("no/such/file");
        assert_eq!(
            difference(missing, "x").unwrap().as_deref(),
            Some("does not exist")
        );
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let text = fs_err::read_to_string(&file).unwrap();
        assert_eq!(difference(&file, &text).unwrap(), None);
        let changed = text.replacen("name = \"xtask\"", "name = \"other\"", 1);
        let what = difference(&file, &changed).unwrap().unwrap();
        assert!(what.starts_with("differs from line 2 on"), "{what}");
    }
}
