//! Rust sources as tokens: which paths they name outside their tests. Comments and strings are no code.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A banned path that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Line, from 1.
    pub(crate) line: usize,
    /// The part that is banned, as `std::fs`.
    pub(crate) path: String,
}

/// What a file shows.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Banned paths outside tests.
    pub(crate) named: Vec<Named>,
    /// Modules in files of their own that exist in tests only.
    pub(crate) test_modules: Vec<String>,
}

/// All files of a folder with an extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Looks for banned paths, also inside `use std::{..}` and macro calls. Items under `#[cfg(test)]` are skipped.
pub(crate) fn scan(source: &str, banned: &[&[&str]]) -> Result<Scan> {
    let tokens = TokenStream::from_str(source).map_err(|error| anyhow!("{error}"))?;
    let mut scan = Scan::default();
    walk(tokens, banned, &mut scan);
    Ok(scan)
}

fn walk(tokens: TokenStream, banned: &[&[&str]], scan: &mut Scan) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            TokenTree::Punct(mark) if mark.as_char() == '#' && is_test_attribute(after) => {
                skip_item(after, scan)
            }
            TokenTree::Ident(_) => {
                let mut path = Vec::new();
                read_path(rest, &mut path, banned, scan)
            }
            TokenTree::Group(group) => {
                walk(group.stream(), banned, scan);
                after
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => after,
        };
    }
}

/// `[cfg(test)]`, `[cfg(all(test, ..))]`; not `[cfg(not(test))]`.
fn is_test_attribute(after: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(attribute)) = after.first() else {
        return false;
    };
    let words = words(attribute.stream());
    words.first().is_some_and(|word| word == "cfg")
        && words.iter().any(|word| word == "test")
        && !words.iter().any(|word| word == "not")
}

fn words(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(word) => vec![word.to_string()],
            TokenTree::Group(group) => words(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => Vec::new(),
        })
        .collect()
}

/// Past the item behind a test attribute: to its `;`, or its block.
fn skip_item<'t>(tokens: &'t [TokenTree], scan: &mut Scan) -> &'t [TokenTree] {
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        if let (TokenTree::Ident(word), Some(TokenTree::Ident(name)), Some(TokenTree::Punct(end))) =
            (first, after.first(), after.get(1))
            && *word == "mod"
            && end.as_char() == ';'
        {
            scan.test_modules.push(name.to_string());
        }
        rest = after;
        match first {
            TokenTree::Punct(mark) if mark.as_char() == ';' => break,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    rest
}

/// Reads `a::b::c` or `a::{b, c::d}` from the first word on and gives what is behind it. `path` holds what stands before.
fn read_path<'t>(
    tokens: &'t [TokenTree],
    path: &mut Vec<String>,
    banned: &[&[&str]],
    scan: &mut Scan,
) -> &'t [TokenTree] {
    let mut rest = tokens;
    let mut line = 0;
    while let Some((TokenTree::Ident(word), after)) = rest.split_first() {
        line = word.span().start().line;
        path.push(word.to_string());
        rest = after;
        let Some(behind) = behind_colons(after) else {
            break;
        };
        rest = behind;
        if let Some((TokenTree::Group(tree), behind)) = behind.split_first()
            && tree.delimiter() == Delimiter::Brace
        {
            let inner: Vec<TokenTree> = tree.stream().into_iter().collect();
            let mut inside = inner.as_slice();
            while let Some((first, after)) = inside.split_first() {
                inside = match first {
                    TokenTree::Ident(_) => read_path(inside, &mut path.clone(), banned, scan),
                    _ => after,
                };
            }
            return behind;
        }
    }
    for ban in banned {
        if path
            .windows(ban.len())
            .any(|window| window.iter().zip(*ban).all(|(word, banned)| word == banned))
        {
            scan.named.push(Named {
                line,
                path: ban.join("::"),
            });
        }
    }
    rest
}

fn behind_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [TokenTree::Punct(first), TokenTree::Punct(second), rest @ ..]
            if first.as_char() == ':' && second.as_char() == ':' =>
        {
            Some(rest)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANNED: [&[&str]; 3] = [&["std", "fs"], &["std", "env"], &["Timestamp", "now"]];

    fn named(source: &str) -> Vec<(usize, String)> {
        let scan = scan(source, &BANNED).unwrap();
        scan.named
            .into_iter()
            .map(|named| (named.line, named.path))
            .collect()
    }

    #[test]
    fn paths_are_found_in_every_form() {
        let fs = |line| vec![(line, "std::fs".to_owned())];
        assert_eq!(named("use std::fs;"), fs(1));
        assert_eq!(named("use std::fs::File;"), fs(1));
        assert_eq!(named("use std::{io::{self, Read}, fs as f};"), fs(1));
        assert_eq!(
            named("use std::{\n  collections::BTreeMap,\n  fs::{self, File},\n};").len(),
            2
        );
        assert_eq!(named("\nfn f() { ::std::fs::read(\"x\"); }"), fs(2));
        assert_eq!(named("fn f() -> Vec<std::fs::File> { vec![] }"), fs(1));
        assert_eq!(
            named("fn f() { format!(\"{:?}\", std::fs::read(1)) }"),
            fs(1)
        );
        assert_eq!(
            named("fn f() { jiff::Timestamp::now() }"),
            [(1, "Timestamp::now".to_owned())]
        );
        assert_eq!(named("fn f() { std::env::var(\"A\") }").len(), 1);
    }

    #[test]
    fn comments_strings_and_other_words_are_not() {
        for fine in [
            "// std::fs::read",
            "//! std::fs::read\n/// Timestamp::now\nfn f() {}",
            "fn f() { g(\"std::fs::read\") }",
            "use crate::env; fn f(e: env::Env) { e.now(); Timestamp::nower() }",
            "use std::{io, fmt}; fn fs() {}",
            "use std::io; use my::fs;",
        ] {
            assert_eq!(named(fine), [], "{fine}");
        }
    }

    #[test]
    fn tests_may_read_files_and_what_follows_them_may_not() {
        let source = "
            #[cfg(test)]
            #[expect(dead_code, reason = \"x\")]
            mod tests { use std::fs; fn f() { std::env::var(\"A\"); } }
            #[cfg(test)]
            use std::fs;
            #[cfg(not(test))]
            use std::env;
            fn after() { std::fs::read(\"x\"); }
            #[cfg(test)]
            mod golden;
        ";
        let scan = scan(source, &BANNED).unwrap();
        assert_eq!(scan.test_modules, ["golden"]);
        let lines: Vec<usize> = scan.named.iter().map(|named| named.line).collect();
        assert_eq!(lines, [8, 9]);
    }
}
