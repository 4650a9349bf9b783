//! YAML with places: the one module that talks to the parser.
//!
//! A file becomes a tree of [`Node`]s, each with its [`Place`]; [`Node::to_json`] gives what serde reads, and
//! [`Node::at`] finds the place of a JSON pointer again, so that checks made on plain types still point into the file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use crate::{Place, Problem, SourceFile};

/// Deepest nesting; deeper files are refused. Far above anything written by hand.
const MAX_DEPTH: usize = 64;
/// Most nodes of a file, aliases counted each time they are used: a bomb of aliases ends here.
const MAX_NODES: usize = 200_000;

/// How plain words are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// YAML 1.2: only `true` and `false` are booleans, so that `NO` stays the code of Norway.
    Core,
    /// As SkyPilot's loader (PyYAML, YAML 1.1) reads them: `yes`, `no`, `on`, `off` are booleans too.
    SkyPilot,
}

/// A node of a document and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The place of a scalar, or of a collection's first line.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A scalar, resolved by the dialect.
    Scalar(Value),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The key's text.
    pub text: String,
    /// Its place.
    pub place: Place,
}

impl Node {
    /// The value for a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(entries) => entries
                .iter()
                .find(|(k, _)| k.text == key)
                .map(|(_, node)| node),
            Content::Scalar(_) | Content::List(_) => None,
        }
    }

    /// The node at a JSON pointer, or the nearest one above it that exists.
    #[must_use]
    pub fn at(&self, pointer: &str) -> &Self {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &node.content {
                Content::Map(_) => node.get(&part),
                Content::List(items) => part
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index)),
                Content::Scalar(_) => None,
            };
            match next {
                Some(found) => node = found,
                None => break,
            }
        }
        node
    }

    /// The place of a key, for remarks about the key and not its value.
    #[must_use]
    pub fn key_place(&self, key: &str) -> Option<Place> {
        match &self.content {
            Content::Map(entries) => entries
                .iter()
                .find(|(k, _)| k.text == key)
                .map(|(k, _)| k.place),
            Content::Scalar(_) | Content::List(_) => None,
        }
    }

    /// The plain value, for serde.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The kind in words, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.content {
            Content::Scalar(Value::Null) => "nothing",
            Content::Scalar(Value::Bool(_)) => "a boolean",
            Content::Scalar(Value::Number(_)) => "a number",
            Content::Scalar(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }
}

/// Reads every document of a file. An empty file has one document: an empty mapping.
///
/// # Errors
/// A [`Problem`] at the place where the text stops being YAML, where a key stands twice, or where it nests too deep.
pub fn read(file: &Arc<SourceFile>, dialect: Dialect) -> Result<Vec<Node>, Problem> {
    let mut reader = Reader {
        file,
        dialect,
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    // Another crate of the program may turn the parser's comments on: here they are never wanted.
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut events = Parser::new_from_str_with_options(&file.text, options);
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next(&mut events)? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            other => documents.push(reader.node(other, span, &mut events, 0)?),
        }
    }
    if documents.is_empty() {
        documents.push(Node {
            place: Place::default(),
            content: Content::Map(Vec::new()),
        });
    }
    Ok(documents)
}

struct Reader<'a> {
    file: &'a Arc<SourceFile>,
    dialect: Dialect,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

type Events<'a> = Parser<'a, granit_parser::StrInput<'a>>;

impl<'a> Reader<'a> {
    fn next(&self, events: &mut Events<'a>) -> Result<Option<(Event<'a>, Span)>, Problem> {
        match events.next() {
            None => Ok(None),
            Some(Ok(pair)) => Ok(Some(pair)),
            Some(Err(error)) => {
                let offset = error
                    .marker()
                    .byte_offset()
                    .unwrap_or(self.file.text.len())
                    .min(self.file.text.len());
                let place = Place {
                    offset,
                    length: usize::from(offset < self.file.text.len()),
                };
                Err(Problem::error(self.file, place, format!("this is not YAML: {}", error.info()))
                    .help("look for a missing colon, a tab in the indentation, or an unclosed quote on this line or the one above"))
            }
        }
    }

    fn place(&self, span: Span) -> Place {
        let offset = span
            .start
            .byte_offset()
            .unwrap_or(0)
            .min(self.file.text.len());
        let end = span
            .end
            .byte_offset()
            .unwrap_or(offset)
            .clamp(offset, self.file.text.len());
        let text = self.file.text.get(offset..end).unwrap_or_default();
        // A long value is underlined on its first line only.
        let length = text.split('\n').next().unwrap_or_default().trim_end().len();
        Place { offset, length }
    }

    fn node(
        &mut self,
        event: Event<'a>,
        span: Span,
        events: &mut Events<'a>,
        depth: usize,
    ) -> Result<Node, Problem> {
        let place = self.place(span);
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(Problem::error(self.file, place, format!("this file nests deeper than {MAX_DEPTH} levels or has more than {MAX_NODES} values"))
                .help("a task or organisation file of this size is not one that somebody wrote: look at its anchors and aliases"));
        }
        match event {
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err(Problem::error(
                        self.file,
                        place,
                        "this alias names no anchor above it",
                    ));
                };
                self.nodes += count(&node);
                Ok(Node {
                    place,
                    content: node.content,
                })
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.as_ref().is_some_and(|tag| tag.suffix() == "str");
                let value = if style == ScalarStyle::Plain && !is_text {
                    plain(&text, self.dialect)
                } else {
                    Value::String(text.into_owned())
                };
                let node = Node {
                    place,
                    content: Content::Scalar(value),
                };
                self.keep(anchor, &node);
                Ok(node)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                while let Some((event, span)) = self.next(events)? {
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, span, events, depth + 1)?);
                }
                let node = Node {
                    place,
                    content: Content::List(items),
                };
                self.keep(anchor, &node);
                Ok(node)
            }
            Event::MappingStart(_, anchor, _) => {
                let node = Node {
                    place,
                    content: Content::Map(self.entries(events, depth)?),
                };
                self.keep(anchor, &node);
                Ok(node)
            }
            _ => Err(Problem::error(
                self.file,
                place,
                "this YAML can't be read here",
            )),
        }
    }

    fn entries(
        &mut self,
        events: &mut Events<'a>,
        depth: usize,
    ) -> Result<Vec<(Key, Node)>, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<(Key, Node)> = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some((event, span)) = self.next(events)? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let place = self.place(span);
            let text = match event {
                Event::Scalar(text, ..) => text.into_owned(),
                _ => {
                    return Err(
                        Problem::error(self.file, place, "a key must be a plain word")
                            .help("write `key: value`"),
                    );
                }
            };
            let Some((event, span)) = self.next(events)? else {
                break;
            };
            let node = self.node(event, span, events, depth + 1)?;
            let key = Key { text, place };
            if key.text == "<<" {
                match node.content {
                    Content::Map(inner) => merged.extend(inner),
                    Content::List(maps) => {
                        merged.extend(maps.into_iter().flat_map(|map| match map.content {
                            Content::Map(inner) => inner,
                            Content::Scalar(_) | Content::List(_) => Vec::new(),
                        }))
                    }
                    Content::Scalar(_) => {
                        return Err(Problem::error(
                            self.file,
                            place,
                            "`<<` merges mappings, and this is none",
                        ));
                    }
                }
                continue;
            }
            if !seen.insert(key.text.clone()) {
                let message = format!("`{}` stands here twice", key.text);
                return Err(Problem::error(self.file, place, message)
                    .label("the second time")
                    .help("keep one of the two"));
            }
            entries.push((key, node));
        }
        for (key, node) in merged {
            if seen.insert(key.text.clone()) {
                entries.push((key, node));
            }
        }
        Ok(entries)
    }

    fn keep(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }
}

fn count(node: &Node) -> usize {
    match &node.content {
        Content::Scalar(_) => 1,
        Content::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Content::Map(entries) => 1 + entries.iter().map(|(_, node)| count(node)).sum::<usize>(),
    }
}

/// Resolves a plain scalar. A number that JSON could not print back with the same value stays text, so that exact
/// decimals are never rounded on the way.
fn plain(text: &str, dialect: Dialect) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if dialect == Dialect::SkyPilot {
        match text {
            "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
            "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Value::Bool(false),
            _ => {}
        }
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Value::String(text.to_owned());
    }
    let leading_zero =
        digits.len() > 1 && digits.starts_with('0') && digits.chars().all(|c| c.is_ascii_digit());
    if leading_zero {
        return Value::String(text.to_owned());
    }
    let grouped = if dialect == Dialect::SkyPilot {
        digits.replace('_', "")
    } else {
        digits.to_owned()
    };
    let signed = if text.starts_with('-') {
        format!("-{grouped}")
    } else {
        grouped
    };
    if let Ok(integer) = signed.parse::<i64>() {
        return Value::Number(integer.into());
    }
    if let Ok(integer) = signed.parse::<u64>() {
        return Value::Number(integer.into());
    }
    let float_shape = digits
        .chars()
        .all(|c| c.is_ascii_digit() || ".eE+-_".contains(c))
        && digits.contains(['.', 'e', 'E']);
    if float_shape
        && let Ok(float) = signed.parse::<f64>()
        && float.is_finite()
        && let Some(number) = Number::from_f64(float)
        && digits.chars().filter(char::is_ascii_digit).count() <= 15
    {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str, dialect: Dialect) -> Value {
        read(&Arc::new(SourceFile::new("t.yaml", text)), dialect).unwrap()[0].to_json()
    }

    #[test]
    fn norway_is_not_false_in_our_own_file_and_is_in_skypilots() {
        assert_eq!(one("a: NO", Dialect::Core)["a"], "NO");
        assert_eq!(one("a: no", Dialect::SkyPilot)["a"], false);
    }

    #[test]
    fn numbers_that_would_be_rounded_stay_text() {
        assert_eq!(one("a: 49.99", Dialect::Core)["a"].to_string(), "49.99");
        assert_eq!(
            one("a: 33.33333333333333333333", Dialect::Core)["a"],
            "33.33333333333333333333"
        );
        assert_eq!(one("a: 010", Dialect::Core)["a"], "010");
        assert_eq!(one("a: 1.2.3", Dialect::Core)["a"], "1.2.3");
        assert_eq!(one("a: 3e24", Dialect::Core)["a"].as_f64(), Some(3e24));
    }

    #[test]
    fn a_key_written_twice_is_shown_where_it_stands() {
        let file = Arc::new(SourceFile::new("t.yaml", "a: 1\nb: 2\na: 3\n"));
        let problem = read(&file, Dialect::Core).unwrap_err();
        assert_eq!(problem.line_column(), (3, 1));
    }

    #[test]
    fn anchors_and_merges_resolve_and_bombs_end() {
        let value = one("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", Dialect::SkyPilot);
        assert_eq!(value["y"], serde_json::json!({"b": 3, "a": 1}));
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{before}]\n");
        }
        assert!(read(&Arc::new(SourceFile::new("t.yaml", bomb)), Dialect::Core).is_err());
    }

    #[test]
    fn pointers_find_places_and_stop_at_the_nearest_parent() {
        let file = Arc::new(SourceFile::new(
            "t.yaml",
            "sites:\n  hub:\n    country: MY\n",
        ));
        let root = &read(&file, Dialect::Core).unwrap()[0];
        assert_eq!(
            file.line_column(root.at("/sites/hub/country").place.offset),
            (3, 14)
        );
        assert_eq!(root.at("/sites/hub/operator"), root.at("/sites/hub"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~\n\u{e9}]{0,120}") {
            let file = Arc::new(SourceFile::new("t.yaml", text));
            if let Err(problem) = read(&file, Dialect::SkyPilot) {
                prop_assert!(problem.place.offset <= file.text.len());
            }
        }
    }
}
