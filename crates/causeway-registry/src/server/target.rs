//! What a request's path asks for.
//!
//! A repository is one or two parts long and may be called like a route (`acme/refs`), so a path can have two readings:
//! all are given, and the first one whose model exists is meant.

use percent_encoding::percent_decode_str;

use super::refusal::Refusal;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The list of models for people.
    Page,
    /// Whether the server is alive.
    Health,
    /// Who the caller is.
    WhoAmI,
    /// All models.
    List,
    /// Something about a model, in one or two readings.
    Repo(Vec<RepoAsk>),
    /// A dataset or space, which this registry does not hold.
    OtherRepo,
    /// Nothing that is served here.
    Unknown,
}

/// One reading of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RepoAsk {
    /// `name` or `org/name`, not checked yet.
    pub(super) repo: String,
    /// What about it.
    pub(super) ask: Ask,
}

/// What is asked about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// The model itself.
    Info { revision: Option<String> },
    /// Files and folders.
    Tree { revision: String, folder: String },
    /// The pointers.
    Refs,
    /// The revisions up to one.
    Commits { revision: String },
    /// Some files and folders.
    PathsInfo { revision: String },
    /// A file's bytes.
    File { revision: String, path: String },
}

/// Reads the raw, percent-encoded path of a request.
pub(super) fn parse(raw: &str) -> Result<Target, Refusal> {
    let mut parts = Vec::new();
    for part in raw.trim_start_matches('/').split('/') {
        let part = percent_decode_str(part)
            .decode_utf8()
            .map_err(|_| Refusal::BadRequest("the path is not UTF-8"))?;
        // Nothing below turns a part into a file name; refused all the same, since nobody honest sends it.
        if part.split(['/', '\\']).any(|piece| piece == "..") || part.contains('\0') {
            return Err(Refusal::BadRequest(
                "the path has a part `..` or a zero byte",
            ));
        }
        parts.push(part.into_owned());
    }
    if parts.len() > 1 && parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    let words: Vec<&str> = parts.iter().map(String::as_str).collect();
    Ok(match words.as_slice() {
        [""] => Target::Page,
        ["healthz"] => Target::Health,
        ["api", "whoami-v2"] => Target::WhoAmI,
        ["api", "models"] => Target::List,
        ["api", "models", rest @ ..] => repo(rest, api),
        ["api", "datasets" | "spaces", _, ..] | ["datasets" | "spaces", _, _, ..] => {
            Target::OtherRepo
        }
        ["api", ..] => Target::Unknown,
        rest => repo(rest, resolve),
    })
}

/// All readings of `rest` as a repository of two parts or one and something about it.
fn repo(rest: &[&str], about: fn(&[&str]) -> Option<Ask>) -> Target {
    let asks: Vec<_> = [2, 1]
        .into_iter()
        .filter_map(|length| rest.split_at_checked(length))
        .filter_map(|(repo, rest)| {
            Some(RepoAsk {
                repo: repo.join("/"),
                ask: about(rest)?,
            })
        })
        .collect();
    if asks.is_empty() {
        Target::Unknown
    } else {
        Target::Repo(asks)
    }
}

/// What stands after `/api/models/{repo}`.
fn api(rest: &[&str]) -> Option<Ask> {
    Some(match rest {
        [] => Ask::Info { revision: None },
        ["revision", revision @ ..] if !revision.is_empty() => Ask::Info {
            revision: Some(revision.join("/")),
        },
        ["tree", revision, folder @ ..] => Ask::Tree {
            revision: (*revision).to_owned(),
            folder: folder.join("/"),
        },
        ["refs"] => Ask::Refs,
        ["commits", revision @ ..] if !revision.is_empty() => Ask::Commits {
            revision: revision.join("/"),
        },
        ["paths-info", revision @ ..] if !revision.is_empty() => Ask::PathsInfo {
            revision: revision.join("/"),
        },
        _ => return None,
    })
}

/// What stands after `/{repo}`.
fn resolve(rest: &[&str]) -> Option<Ask> {
    match rest {
        ["resolve", revision, path @ ..] if !path.is_empty() => Some(Ask::File {
            revision: (*revision).to_owned(),
            path: path.join("/"),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asks(raw: &str) -> Vec<(String, Ask)> {
        match parse(raw).unwrap() {
            Target::Repo(asks) => asks.into_iter().map(|ask| (ask.repo, ask.ask)).collect(),
            other => panic!("{raw}: {other:?}"),
        }
    }

    #[test]
    fn repositories_have_one_or_two_parts() {
        let main = || "main".to_owned();
        assert_eq!(
            asks("/acme/tiny/resolve/main/a/b.json"),
            [(
                "acme/tiny".to_owned(),
                Ask::File {
                    revision: main(),
                    path: "a/b.json".to_owned()
                }
            )]
        );
        assert_eq!(
            asks("/tiny/resolve/main/b.json"),
            [(
                "tiny".to_owned(),
                Ask::File {
                    revision: main(),
                    path: "b.json".to_owned()
                }
            )]
        );
        assert_eq!(
            asks("/api/models/tiny/tree/main/a/b"),
            [(
                "tiny".to_owned(),
                Ask::Tree {
                    revision: main(),
                    folder: "a/b".to_owned()
                }
            )]
        );
        assert_eq!(
            asks("/api/models/acme/refs"),
            [
                ("acme/refs".to_owned(), Ask::Info { revision: None }),
                ("acme".to_owned(), Ask::Refs)
            ],
            "both readings are given"
        );
    }

    #[test]
    fn parts_are_decoded_one_by_one() {
        let expected = Ask::Info {
            revision: Some("refs/pr/1".to_owned()),
        };
        assert_eq!(
            asks("/api/models/acme/tiny/revision/refs%2Fpr%2F1")[0],
            ("acme/tiny".to_owned(), expected.clone())
        );
        assert_eq!(
            asks("/api/models/acme/tiny/revision/refs/pr/1")[0],
            ("acme/tiny".to_owned(), expected)
        );
        let (_, ask) = &asks("/acme/tiny/resolve/refs%2Fpr%2F1/a%20b%3F.txt")[0];
        assert_eq!(
            *ask,
            Ask::File {
                revision: "refs/pr/1".to_owned(),
                path: "a b?.txt".to_owned()
            }
        );
    }

    #[test]
    fn the_rest_is_told_apart() {
        for (raw, target) in [
            ("/", Target::Page),
            ("/healthz", Target::Health),
            ("/api/whoami-v2", Target::WhoAmI),
            ("/api/models", Target::List),
            ("/api/models/", Target::List),
            ("/api/agent-harnesses", Target::Unknown),
            (
                "/api/models/acme/tiny/xet-write-token/main",
                Target::Unknown,
            ),
            ("/api/datasets/acme/words/revision/main", Target::OtherRepo),
            ("/datasets/acme/words/resolve/main/x", Target::OtherRepo),
            ("/favicon.ico", Target::Unknown),
        ] {
            assert_eq!(parse(raw).unwrap(), target, "{raw}");
        }
    }

    #[test]
    fn steps_upward_are_refused_in_every_spelling() {
        for raw in [
            "/acme/tiny/resolve/main/../x",
            "/acme/tiny/resolve/main/%2e%2e/x",
            "/a/b/resolve/main/x%2F..%2Fy",
            "/..%5c",
            "/%00",
            "/%ff",
        ] {
            assert!(matches!(parse(raw), Err(Refusal::BadRequest(_))), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_path_panics_and_no_part_goes_upward(raw in "(/|api|models|resolve|tree|main|%2e|%2f|%|\\.|\\.\\.|\\PC){0,24}") {
            if let Ok(Target::Repo(asks)) = parse(&raw) {
                for ask in asks {
                    prop_assert!(!ask.repo.split('/').any(|part| part == ".."));
                    if let Ask::File { path, .. } = ask.ask {
                        prop_assert!(!path.split('/').any(|part| part == ".."));
                    }
                }
            }
        }
    }
}
