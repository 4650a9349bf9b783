//! What HTTP/1.1 says of the same things: targets, headers, failures. `docs/formats/transfer.md` has them all.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_domain::Digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::Broken;
use super::message::BaseBlock;
use super::outcome::{Code, Failure};
use crate::codec::Codec;
use crate::path;
use crate::scan::{Rule, Skipped};
use crate::selection::{Links, Selection};
use crate::signature::ManifestSignature;

/// What a path keeps as it is: the unreserved of RFC 3986, and `/`.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The instance manipulation (RFC 3229) that encodes a block.
const MANIPULATION: &str = "causeway";
/// Header of RFC 3229: which manipulations the caller takes.
pub(crate) const A_IM: &str = "a-im";
/// Header of RFC 3229: which manipulations were applied.
pub(crate) const IM: &str = "im";
/// Status of RFC 3229 for an answer that was manipulated.
pub(crate) const IM_USED: u16 = 226;
/// What `IM` says of an encoded block.
pub(crate) const ENCODED: &str = "range, causeway";
/// Header of RFC 7240: a caller that takes 202 for an answer while the agent still reads.
pub(crate) const PREFER: &str = "prefer";
/// Its value.
pub(crate) const RESPOND_ASYNC: &str = "respond-async";
/// Header of a manifest: an entry that is not in it, and why.
pub(crate) const SKIPPED: &str = "causeway-skipped";
/// Header of a manifest: the agent's public key and its signature, in base64, with `;` between.
pub(crate) const SIGNED: &str = "causeway-signature";
/// Most left-out entries, so that a head stays short.
pub(crate) const MAX_SKIPPED: usize = 50;

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/`: the agent itself.
    Agent,
    /// `/files/PATH`: the bytes of a file.
    File { path: String },
    /// `/manifest/PATH`: the manifest of a file or directory.
    Manifest {
        path: String,
        rule: Rule,
        fresh: bool,
    },
    /// `/list/PATH`: the entries of a directory.
    List { path: String },
}

impl Target {
    /// From the path and the query of a request; `None` when it names nothing.
    pub(crate) fn parse(target: &str, query: Option<&str>) -> Option<Self> {
        let target = target.strip_prefix('/')?;
        let (kind, path) = target.split_once('/').unwrap_or((target, ""));
        let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
        let asks =
            |word: &str| query.is_some_and(|query| query.split('&').any(|part| part == word));
        Some(match kind {
            "" if path.is_empty() => Self::Agent,
            "files" => Self::File { path },
            "manifest" => Self::Manifest {
                path,
                rule: Rule {
                    finished: asks("finished"),
                    selection: Selection {
                        links: match (asks("links=refuse"), asks("links=keep")) {
                            (true, _) => Links::Refuse,
                            (false, true) => Links::Keep,
                            (false, false) => Links::Follow,
                        },
                        leave_optimizer: asks("leave=optimizer"),
                    },
                },
                fresh: asks("fresh"),
            },
            "list" => Self::List { path },
            _ => return None,
        })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let encoded = |path| utf8_percent_encode(path, KEPT);
        match self {
            Self::Agent => f.write_char('/'),
            Self::File { path } => write!(f, "/files/{}", encoded(path)),
            Self::List { path } => write!(f, "/list/{}", encoded(path)),
            Self::Manifest { path, rule, fresh } => {
                write!(f, "/manifest/{}", encoded(path))?;
                let selection = rule.selection;
                let words = [
                    (rule.finished, "finished"),
                    (selection.links == Links::Refuse, "links=refuse"),
                    (selection.links == Links::Keep, "links=keep"),
                    (selection.leave_optimizer, "leave=optimizer"),
                    (*fresh, "fresh"),
                ];
                let asked = words.iter().filter(|(asked, _)| *asked);
                for ((_, word), before) in
                    asked.zip(std::iter::once('?').chain(std::iter::repeat('&')))
                {
                    write!(f, "{before}{word}")?;
                }
                Ok(())
            }
        }
    }
}

/// How a block may be encoded: what `A-IM` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manipulation {
    pub(crate) codec: Codec,
    /// So many parts of the path name what is asked for as a whole; bases are looked for beside it.
    pub(crate) parts: usize,
    pub(crate) base: Option<BaseBlock>,
}

impl Manipulation {
    /// From the header's value; `None` when it does not ask for this manipulation.
    pub(crate) fn parse(value: &str) -> Result<Option<Self>, Broken> {
        const WRONG: Broken = Broken("`A-IM` asks for an encoding in a way that is not known here");
        let mut parameters = value
            .split(',')
            .map(|manipulation| manipulation.split(';').map(str::trim))
            .find_map(|mut words| (words.next() == Some(MANIPULATION)).then_some(words));
        let Some(parameters) = &mut parameters else {
            return Ok(None);
        };
        let (mut codec, mut parts) = (Codec::Auto, usize::MAX);
        let (mut blake3, mut offset, mut size) = (None, None, None);
        for parameter in parameters {
            let (name, value) = parameter.split_once('=').ok_or(WRONG)?;
            let number = || value.parse::<u64>().map_err(|_| WRONG);
            match name {
                "codec" => codec = Codec::from_name(value).ok_or(WRONG)?,
                "parts" => parts = usize::try_from(number()?).map_err(|_| WRONG)?,
                "base" => blake3 = Some(value.parse::<Digest>().map_err(|_| WRONG)?),
                "at" => offset = Some(number()?),
                "of" => size = Some(number()?),
                _ => return Err(WRONG),
            }
        }
        let base = match (blake3, offset, size) {
            (Some(blake3), Some(offset), Some(size)) => Some(BaseBlock {
                blake3,
                offset,
                size,
            }),
            (None, None, None) => None,
            _ => return Err(WRONG),
        };
        Ok(Some(Self { codec, parts, base }))
    }

    /// Splits a cleaned path where what is asked for as a whole ends.
    pub(crate) fn split<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let offset = usize::from(path.starts_with('/'));
        let mut ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .filter(|at| *at > 0);
        let Some(wanted) = self.parts.checked_sub(1) else {
            return if offset == 0 { ("", path) } else { (path, "") };
        };
        match ends.nth(wanted) {
            Some(at) => path
                .split_at_checked(at)
                .map_or((path, ""), |(root, rest)| {
                    (root, rest.strip_prefix('/').unwrap_or(rest))
                }),
            None => (path, ""),
        }
    }

    /// How many parts a path has.
    pub(crate) fn parts_of(path: &str) -> usize {
        path.split('/').filter(|part| !part.is_empty()).count()
    }
}

impl std::fmt::Display for Manipulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { codec, parts, base } = self;
        write!(f, "{ENCODED};codec={codec};parts={parts}")?;
        match base {
            Some(BaseBlock {
                blake3,
                offset,
                size,
            }) => write!(f, ";base={blake3};at={offset};of={size}"),
            None => Ok(()),
        }
    }
}

/// What `/` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// The protocol's version.
    pub(crate) causeway: u16,
    /// Bytes that were sent on this connection, TLS records whole.
    pub(crate) sent: u64,
    /// What the agent's host sends with.
    pub(crate) congestion: String,
}

/// What failed, as the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) why: String,
}

/// The status of a failure.
pub(crate) const fn status_of(code: Code) -> u16 {
    match code {
        Code::NotFound => 404,
        Code::Denied => 403,
        Code::Changing => 409,
        Code::Other => 500,
    }
}

/// The failure that a status and a body mean.
pub(crate) fn failure(status: u16, body: &[u8], path: &str) -> Failure {
    let code = match status {
        404 => Code::NotFound,
        401 | 403 => Code::Denied,
        409 | 412 | 416 => Code::Changing,
        _ => Code::Other,
    };
    let problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
        path: path.to_owned(),
        why: format!("HTTP status {status}"),
    });
    Failure {
        code,
        path: problem.path,
        why: problem.why,
    }
}

/// An entry that was left out, as a header's value.
pub(crate) fn skipped_value(skipped: &Skipped) -> String {
    let encoded = |text| utf8_percent_encode(text, KEPT);
    format!("{};{}", encoded(&skipped.path), encoded(&skipped.why))
}

/// The same, read.
pub(crate) fn skipped(value: &str) -> Option<Skipped> {
    let decoded = |text| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        Some(text.into_owned())
    };
    let (path, why) = value.split_once(';')?;
    Some(Skipped {
        path: decoded(path)?,
        why: decoded(why)?,
    })
}

/// A signature as a header's value. What it is of stands in the request.
pub(crate) fn signature_value(signed: &ManifestSignature) -> String {
    format!("{};{}", signed.key, STANDARD.encode(signed.signature))
}

/// The same, read.
pub(crate) fn signature(value: &str, path: &str) -> Option<ManifestSignature> {
    let (key, signature) = value.split_once(';')?;
    Some(ManifestSignature {
        path: path.to_owned(),
        key: key.parse().ok()?,
        signature: STANDARD.decode(signature).ok()?.try_into().ok()?,
    })
}

/// The path of an item below a root, either of which may be empty.
pub(crate) fn full(root: &str, below: &str) -> String {
    path::join(root, below)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signature::SignerKey;

    fn targets() -> impl Strategy<Value = Target> {
        let path = "[a-zA-Z0-9äß%?#&; ./_-]{0,30}";
        prop_oneof![
            Just(Target::Agent),
            path.prop_map(|path| Target::File { path }),
            path.prop_map(|path| Target::List { path }),
            (path, any::<bool>(), 0u8..3, any::<bool>(), any::<bool>()).prop_map(
                |(path, finished, links, leave_optimizer, fresh)| {
                    let selection = Selection {
                        links: Links::from_code(links).unwrap_or_default(),
                        leave_optimizer,
                    };
                    let rule = Rule {
                        finished,
                        selection,
                    };
                    Target::Manifest { path, rule, fresh }
                }
            ),
        ]
    }

    fn manipulations() -> impl Strategy<Value = Manipulation> {
        let base =
            (any::<[u8; 32]>(), any::<u64>(), any::<u64>()).prop_map(|(hash, offset, size)| {
                BaseBlock {
                    blake3: Digest::new(hash),
                    offset,
                    size,
                }
            });
        (0u8..4, 0usize..9, proptest::option::of(base)).prop_map(|(code, parts, base)| {
            let codec = Codec::from_code(code).unwrap();
            Manipulation { codec, parts, base }
        })
    }

    proptest! {
        #[test]
        fn reads_the_targets_that_it_writes(target in targets()) {
            let written = target.to_string();
            prop_assert!(written.is_ascii() && !written.contains(' '));
            let (path, query) = match written.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (written.as_str(), None),
            };
            prop_assert_eq!(Target::parse(path, query), Some(target));
        }

        #[test]
        fn reads_the_wishes_that_it_writes(wish in manipulations()) {
            prop_assert_eq!(Manipulation::parse(&wish.to_string()).unwrap(), Some(wish));
        }

        #[test]
        fn nothing_that_a_caller_writes_breaks_it(text in "[ -~]{0,80}") {
            Target::parse(&text, Some(&text));
            Manipulation::parse(&text).ok();
            skipped(&text);
            signature(&text, "");
        }

        #[test]
        fn a_signature_crosses(path in ".{0,40}", key in any::<[u8; 32]>(), half in any::<[u8; 32]>()) {
            let signed = ManifestSignature {
                path: path.clone(),
                key: SignerKey::new(key),
                signature: [key, half].concat().try_into().unwrap(),
            };
            prop_assert_eq!(signature(&signature_value(&signed), &path), Some(signed));
        }

        #[test]
        fn what_was_left_out_crosses(path in ".{1,40}", why in ".{0,40}") {
            let left = Skipped { path, why };
            prop_assert_eq!(skipped(&skipped_value(&left)), Some(left));
        }
    }

    #[test]
    fn a_wish_that_is_not_understood_is_told() {
        assert_eq!(Manipulation::parse("range, gzip").unwrap(), None);
        for wrong in [
            "causeway;codec=best",
            "causeway;base=12",
            "causeway;at=1",
            "causeway;x",
        ] {
            assert!(Manipulation::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_split_where_the_whole_ends() {
        for (root, below) in [
            ("runs/step-400", "model.bin"),
            ("runs", "deep/model.bin"),
            ("model.bin", ""),
            ("", "model.bin"),
            ("/data/runs/step-400", "deep/model.bin"),
            ("/data/model.bin", ""),
        ] {
            let wish = Manipulation {
                codec: Codec::Auto,
                parts: Manipulation::parts_of(root),
                base: None,
            };
            assert_eq!(wish.split(&full(root, below)), (root, below));
        }
    }
}
