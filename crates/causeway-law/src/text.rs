//! Places in the texts of packs: where each policy stands, where a word of it or a key of a data file is.

use std::sync::Arc;

use causeway_domain::yaml::{Content, Dialect, Node, read};
use causeway_domain::{Place, SourceFile};

/// Where each policy of a Cedar text stands: from its first annotation to its semicolon. A text that Cedar does not take
/// gives places too; the last one then runs to the end.
pub(crate) fn policies(text: &str) -> Vec<Place> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied();
    let mut all = Vec::new();
    let mut start = None;
    let mut index = 0;
    while let Some(byte) = at(index) {
        match byte {
            b'/' if at(index + 1) == Some(b'/') => {
                while at(index).is_some_and(|byte| byte != b'\n') {
                    index += 1;
                }
                continue;
            }
            b'"' => {
                start = start.or(Some(index));
                index += 1;
                while let Some(byte) = at(index) {
                    match byte {
                        b'\\' => index += 1,
                        b'"' => break,
                        _ => {}
                    }
                    index += 1;
                }
            }
            b';' => {
                if let Some(offset) = start.take() {
                    all.push(Place {
                        offset,
                        length: index + 1 - offset,
                    });
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => start = start.or(Some(index)),
        }
        index += 1;
    }
    if let Some(offset) = start {
        all.push(Place {
            offset,
            length: text.trim_end().len().saturating_sub(offset),
        });
    }
    all
}

/// The first line of a place: what an underline of a whole policy would be.
pub(crate) fn first_line(text: &str, place: Place) -> Place {
    let slice = inside(text, place);
    Place {
        length: slice.find('\n').unwrap_or(slice.len()),
        ..place
    }
}

/// The text at a place.
pub(crate) fn inside(text: &str, place: Place) -> &str {
    text.get(place.offset..place.offset.saturating_add(place.length))
        .unwrap_or_default()
}

/// Where a piece of text stands inside a place; nothing where it does not.
pub(crate) fn find(text: &str, place: Place, piece: &str) -> Option<Place> {
    let offset = inside(text, place).find(piece)?;
    Some(Place {
        offset: place.offset + offset,
        length: piece.len(),
    })
}

/// The annotation of a policy.
pub(crate) fn annotation(text: &str, policy: Place, key: &str) -> Place {
    let Some(name) = find(text, policy, &format!("@{key}(")) else {
        return first_line(text, policy);
    };
    let rest = Place {
        offset: name.offset,
        length: (policy.offset + policy.length).saturating_sub(name.offset),
    };
    let line = first_line(text, rest);
    let end = inside(text, line)
        .find("\")")
        .map_or(line.length, |end| end + 2);
    Place {
        length: end,
        ..line
    }
}

/// A policy without its annotations.
pub(crate) fn body(text: &str, policy: Place) -> Place {
    let slice = inside(text, policy);
    let start = ["forbid", "permit"]
        .iter()
        .filter_map(|word| slice.find(&format!("\n{word}")))
        .min()
        .map_or(0, |newline| newline + 1);
    Place {
        offset: policy.offset + start,
        length: policy.length.saturating_sub(start),
    }
}

/// A word of a policy in quotation marks; the first line of the policy where it has none such.
pub(crate) fn quoted(text: &str, policy: Place, word: &str) -> Place {
    find(text, policy, &format!("\"{word}\"")).unwrap_or_else(|| first_line(text, policy))
}

/// A data file: its value, and the tree that knows places.
pub(crate) struct Data {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) value: serde_json::Value,
    tree: Option<Node>,
}

impl Data {
    /// Reads YAML or JSON, by the name's ending.
    ///
    /// # Errors
    /// Where the text can't be read.
    pub(crate) fn read(file: &Arc<SourceFile>) -> Result<Self, causeway_domain::Problem> {
        if !file.name.ends_with(".json") {
            let tree = read(file, Dialect::Core)?.into_iter().next();
            return Ok(Self {
                file: Arc::clone(file),
                value: tree.as_ref().map_or(serde_json::Value::Null, Node::to_json),
                tree,
            });
        }
        let value = serde_json::from_str(&file.text).map_err(|error| {
            let before: usize = file
                .text
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let place = Place {
                offset: (before + error.column().saturating_sub(1)).min(file.text.len()),
                length: 1,
            };
            causeway_domain::Problem::error(file, place, error.to_string())
        })?;
        Ok(Self {
            file: Arc::clone(file),
            value,
            tree: None,
        })
    }

    /// The place of a JSON pointer.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        match &self.tree {
            Some(tree) => tree.at(pointer).place,
            // JSON is YAML; where even that fails the file's beginning must do.
            None => read(&self.file, Dialect::Core)
                .ok()
                .and_then(|trees| Some(trees.first()?.at(pointer).place))
                .unwrap_or_default(),
        }
    }

    /// The place of what a message names in backticks, the last word first, below a JSON pointer; the pointer's own place
    /// where the message names nothing that stands there.
    pub(crate) fn place_named(&self, pointer: &str, message: &str) -> Place {
        let owned;
        let tree = match &self.tree {
            Some(tree) => Some(tree),
            None => {
                owned = read(&self.file, Dialect::Core).ok();
                owned.as_ref().and_then(|trees| trees.first())
            }
        };
        let Some(node) = tree.map(|tree| tree.at(pointer)) else {
            return Place::default();
        };
        let mut named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        named.reverse();
        named
            .into_iter()
            .find_map(|named| word(node, named))
            .unwrap_or(node.place)
    }
}

/// The first key or text of a tree that is this word.
fn word(node: &Node, wanted: &str) -> Option<Place> {
    match &node.content {
        Content::Scalar(serde_json::Value::String(text)) => (text == wanted).then_some(node.place),
        Content::Scalar(value) => {
            let text = value.to_string();
            (text == wanted).then_some(node.place)
        }
        Content::List(items) => items.iter().find_map(|item| word(item, wanted)),
        Content::Map(entries) => entries.iter().find_map(|(key, node)| {
            if key.text == wanted {
                Some(key.place)
            } else {
                word(node, wanted)
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_end_at_semicolons_that_are_not_in_strings_or_comments() {
        let text = "// a; b\n@id(\"x; \\\"y\")\nforbid (principal, action, resource); // c;\n\n@id(\"z\")\npermit (principal, action, resource) // d;\nwhen { true };\n";
        let all: Vec<&str> = policies(text)
            .into_iter()
            .map(|place| inside(text, place))
            .collect();
        assert_eq!(
            all,
            [
                "@id(\"x; \\\"y\")\nforbid (principal, action, resource);",
                "@id(\"z\")\npermit (principal, action, resource) // d;\nwhen { true };"
            ]
        );
        let torn = "@id(\"x\") forbid (principal";
        assert_eq!(policies(torn).len(), 1);
        assert_eq!(inside(torn, policies(torn)[0]), torn);
        assert!(policies("// only words; here\n").is_empty());
    }

    #[test]
    fn a_word_of_a_policy_and_its_annotation_have_places() {
        let text = "@id(\"x\")\n@from(\"2026-02-31\") @to(\"\")\nforbid (principal, action, resource) when { context.to.contains(\"D:7\") };";
        let policy = policies(text)[0];
        assert_eq!(
            inside(text, annotation(text, policy, "from")),
            "@from(\"2026-02-31\")"
        );
        assert_eq!(inside(text, quoted(text, policy, "D:7")), "\"D:7\"");
        assert_eq!(inside(text, quoted(text, policy, "D:8")), "@id(\"x\")");
        assert!(inside(text, body(text, policy)).starts_with("forbid (principal"));
    }
}
