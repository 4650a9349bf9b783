//! Checks and generators for developers. `cargo xtask` alone lists them; `.ci/run` runs them all.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool prints"
)]

mod arrows;
mod crates;
mod docs;
mod generate;
mod metadata;
mod purity;
mod sources;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask arrows | crates | docs | generate [--check]
  arrows    dependencies between our crates against the map in ARCHITECTURE.md, and what pure crates may touch
  crates    number of crates that `causeway` is built from, and that it has one TLS provider
  docs      links of the documents, pages that the guide's summary forgot, examples of the two files
  generate  writes the files that are made from code; --check only compares";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> anyhow::Result<()> {
    let root = metadata::root()?;
    match words {
        ["arrows"] => arrows::check(&root),
        ["crates"] => crates::check(&root),
        ["generate"] => generate::write(&root),
        ["generate", "--check"] => generate::check(&root),
        ["docs"] => docs::check(&root),
        _ => anyhow::bail!("{USAGE}"),
    }
}
