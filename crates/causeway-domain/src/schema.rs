//! Checks a [`Node`] against the JSON Schema that is generated from our own types.
//!
//! The same schema completes words in an editor and checks them here, so the two can't disagree. All remarks of a file
//! are collected; each points at its word and says what to write instead. Only what `schemars` emits for our types is
//! understood: `$ref`, `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `const`, `anyOf`,
//! `oneOf`, `allOf`, `minimum`, `maximum`, `minItems`, and our own `format` names.

use std::sync::Arc;

use schemars::Schema;
use serde_json::{Map, Value};

use crate::yaml::{Content, Dialect, Node, read};
use crate::{
    BitsPerSecond, Bytes, Country, Date, ModelName, Percent, Place, Problem, SourceFile, Usd,
    Watts, near,
};

/// Collects every way in which `node` is not what `schema` says.
#[must_use]
pub fn check(file: &Arc<SourceFile>, node: &Node, schema: &Schema) -> Vec<Problem> {
    let mut check = Check {
        file,
        root: schema.as_value(),
        problems: Vec::new(),
    };
    check.node(node, schema.as_value(), "");
    check.problems
}

/// Reads a file of one document into its type; `what` names such a file in messages (`a scenario file`). The tree comes with
/// it, for the places of later remarks.
///
/// # Errors
/// Every problem of the file, at its place: no YAML, more than one document, not what the schema says.
pub fn read_one<T: serde::de::DeserializeOwned>(
    source: &Arc<SourceFile>,
    what: &str,
    schema: &Schema,
) -> Result<(Node, T), Vec<Problem>> {
    let mut documents = read(source, Dialect::Core).map_err(|problem| vec![problem])?;
    if let Some(second) = documents.get(1) {
        let message = format!("{what} has one document");
        return Err(vec![
            Problem::error(source, second.place, message)
                .help("remove the `---` and what is below it"),
        ]);
    }
    let Some(root) = documents.pop() else {
        let message = format!("{what} has one document, and this is empty");
        return Err(vec![Problem::error(source, Place::default(), message)]);
    };
    let problems = check(source, &root, schema);
    if !problems.is_empty() {
        return Err(problems);
    }
    match serde_json::from_value(root.to_json()) {
        Ok(file) => Ok((root, file)),
        Err(error) => {
            let message = format!("{what} can't be read: {error}");
            Err(vec![Problem::error(source, root.place, message)])
        }
    }
}

struct Check<'a> {
    file: &'a Arc<SourceFile>,
    root: &'a Value,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut current = schema;
        // A chain of references is as long as our own types nest: never near this.
        for _ in 0..16 {
            let Some(target) = current.get("$ref").and_then(Value::as_str) else {
                break;
            };
            match self.root.pointer(target.trim_start_matches('#')) {
                Some(found) => current = found,
                None => break,
            }
        }
        current
    }

    fn node(&mut self, node: &Node, schema: &'a Value, name: &str) {
        let schema = self.resolve(schema);
        let Some(object) = schema.as_object() else {
            return;
        };
        if let Some(Value::Array(all)) = object.get("allOf") {
            for part in all {
                self.node(node, part, name);
            }
        }
        if let Some(Value::Array(branches)) = object.get("anyOf").or_else(|| object.get("oneOf")) {
            return self.branches(node, branches, object, name);
        }
        if !self.kind_fits(node, object) {
            let wanted = describe(object);
            let problem = Problem::error(
                self.file,
                node.place,
                format!("{} must be {wanted}, not {}", quoted(name), node.kind()),
            );
            self.problems.push(match example(object, name) {
                Some(example) => problem.help(example),
                None => problem,
            });
            return;
        }
        self.words(node, object, name);
        match &node.content {
            Content::Map(_) => self.map(node, object, name),
            Content::List(items) => {
                if let Some(item) = object.get("items") {
                    for node in items {
                        self.node(node, item, name);
                    }
                }
                if object
                    .get("minItems")
                    .and_then(Value::as_u64)
                    .is_some_and(|least| (items.len() as u64) < least)
                {
                    self.problems.push(Problem::error(
                        self.file,
                        node.place,
                        format!("{} must not be empty", quoted(name)),
                    ));
                }
            }
            Content::Scalar(value) => self.scalar(node, value, object, name),
        }
    }

    /// Tries the branches of an `anyOf`; the remarks are those of the branch that came closest.
    fn branches(
        &mut self,
        node: &Node,
        branches: &'a [Value],
        object: &'a Map<String, Value>,
        name: &str,
    ) {
        let mut words = Vec::new();
        branches
            .iter()
            .for_each(|branch| self.collect_words(branch, &mut words));
        let mut best: Option<Vec<Problem>> = None;
        let mut kinds = Vec::new();
        for branch in branches {
            let resolved = self.resolve(branch);
            let nested = resolved
                .get("anyOf")
                .or_else(|| resolved.get("oneOf"))
                .is_some();
            let fits = nested
                || resolved
                    .as_object()
                    .is_some_and(|schema| self.kind_fits(node, schema));
            if !fits {
                if let Some(schema) = resolved.as_object() {
                    kinds.push(describe(schema));
                }
                continue;
            }
            let mut inner = Check {
                file: self.file,
                root: self.root,
                problems: Vec::new(),
            };
            inner.node(node, branch, name);
            if inner.problems.is_empty() {
                return;
            }
            if best
                .as_ref()
                .is_none_or(|known| inner.problems.len() < known.len())
            {
                best = Some(inner.problems);
            }
        }
        match best {
            Some(problems) => self.problems.extend(problems),
            None if !words.is_empty()
                && matches!(node.content, Content::Scalar(Value::String(_))) =>
            {
                match &node.content {
                    Content::Scalar(Value::String(word)) if self.takes_fields(object, word) => {
                        let why = format!("`{word}` of {} takes fields", quoted(name));
                        let problem = Problem::error(self.file, node.place, why);
                        let help = object.get("description").and_then(Value::as_str);
                        self.problems.push(match help {
                            Some(help) => problem.help(help.replace('\n', " ")),
                            None => problem,
                        });
                    }
                    _ => self.unknown_word(node, &words, name),
                }
            }
            None => {
                kinds.dedup();
                let wanted = object
                    .get("description")
                    .and_then(Value::as_str)
                    .and_then(first_sentence);
                let problem = Problem::error(
                    self.file,
                    node.place,
                    format!(
                        "{} must be {}, not {}",
                        quoted(name),
                        kinds.join(" or "),
                        node.kind()
                    ),
                );
                self.problems.push(match wanted {
                    Some(text) => problem.help(text),
                    None => problem,
                });
            }
        }
    }

    fn kind_fits(&self, node: &Node, schema: &'a Map<String, Value>) -> bool {
        if let Some(constant) = schema.get("const") {
            return matches!(&node.content, Content::Scalar(value) if value == constant);
        }
        let Some(kinds) = schema.get("type") else {
            return true;
        };
        let one = |kind: &str| match (&node.content, kind) {
            (Content::Map(_), "object")
            | (Content::List(_), "array")
            | (Content::Scalar(Value::Null), "null") => true,
            (Content::Scalar(Value::Bool(_)), "boolean")
            | (Content::Scalar(Value::String(_)), "string") => true,
            (Content::Scalar(Value::Number(number)), "integer") => {
                number.is_i64() || number.is_u64()
            }
            (Content::Scalar(Value::Number(_)), "number") => true,
            // `name:` with nothing behind it is an empty mapping to everybody who writes YAML.
            _ => false,
        };
        match kinds {
            Value::String(kind) => one(kind),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(one),
            _ => true,
        }
    }

    /// Whether a word is an alternative of a schema that is written as a mapping with fields.
    fn takes_fields(&self, schema: &Map<String, Value>, word: &str) -> bool {
        let branches = schema.get("anyOf").or_else(|| schema.get("oneOf"));
        let mut branches = branches.and_then(Value::as_array).into_iter().flatten();
        branches.any(|branch| {
            let properties = self.resolve(branch).get("properties");
            properties.is_some_and(|known| known.get(word).is_some())
        })
    }

    /// The words that a schema takes: `enum`, `const`, and the alternatives of an enum with documented variants.
    fn collect_words(&self, schema: &'a Value, words: &mut Vec<&'a str>) {
        let schema = self.resolve(schema);
        words.extend(schema.get("const").and_then(Value::as_str));
        words.extend(
            schema
                .get("enum")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        );
        for branch in schema
            .get("anyOf")
            .or_else(|| schema.get("oneOf"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.collect_words(branch, words);
        }
    }

    fn words(&mut self, node: &Node, schema: &'a Map<String, Value>, name: &str) {
        let Some(Value::Array(words)) = schema.get("enum") else {
            return;
        };
        let Content::Scalar(value) = &node.content else {
            return;
        };
        if !words.contains(value) {
            let known: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            self.unknown_word(node, &known, name);
        }
    }

    fn unknown_word(&mut self, node: &Node, known: &[&str], name: &str) {
        let Content::Scalar(value) = &node.content else {
            return;
        };
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let all = known.join(", ");
        let help = near(&text, known.iter().copied()).map_or_else(
            || format!("one of: {all}"),
            |word| format!("did you mean `{word}`? all: {all}"),
        );
        self.problems.push(
            Problem::error(
                self.file,
                node.place,
                format!("`{text}` is not a value of {}", quoted(name)),
            )
            .help(help),
        );
    }

    fn map(&mut self, node: &Node, schema: &'a Map<String, Value>, name: &str) {
        let Content::Map(entries) = &node.content else {
            return;
        };
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let more = schema.get("additionalProperties");
        for (key, value) in entries {
            if let Some(property) = properties.and_then(|known| known.get(&key.text)) {
                self.node(value, property, &key.text);
            } else if let Some(more) = more.filter(|more| more.is_object()) {
                if let Some(format) = schema
                    .get("propertyNames")
                    .and_then(|names| names.get("format"))
                    .and_then(Value::as_str)
                    && let Some(problem) = wrong_format(format, &Value::String(key.text.clone()))
                {
                    self.problems
                        .push(Problem::error(self.file, key.place, problem.0).help(problem.1));
                }
                self.node(value, more, &key.text);
            } else if more == Some(&Value::Bool(false)) {
                let known: Vec<&str> = properties
                    .unwrap_or(&empty)
                    .keys()
                    .map(String::as_str)
                    .collect();
                let whole = if name.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", quoted(name))
                };
                let help = near(&key.text, known.iter().copied()).map_or_else(
                    || format!("known here: {}", known.join(", ")),
                    |word| format!("did you mean `{word}`?"),
                );
                self.problems.push(
                    Problem::error(
                        self.file,
                        key.place,
                        format!("unknown field `{}`{whole}", key.text),
                    )
                    .label("not known")
                    .help(help),
                );
            }
        }
        for wanted in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !entries.iter().any(|(key, _)| key.text == wanted) {
                let whole = if name.is_empty() {
                    "this file".to_owned()
                } else {
                    quoted(name)
                };
                let description = properties
                    .and_then(|known| known.get(wanted))
                    .and_then(|property| {
                        property
                            .get("description")
                            .or_else(|| self.resolve(property).get("description"))
                    })
                    .and_then(Value::as_str)
                    .and_then(first_sentence);
                let problem =
                    Problem::error(self.file, node.place, format!("{whole} lacks `{wanted}`"));
                self.problems.push(match description {
                    Some(text) => problem.help(format!(
                        "add `{wanted}:` {}{}",
                        text.get(..1).unwrap_or_default().to_lowercase(),
                        text.get(1..).unwrap_or_default()
                    )),
                    None => problem.help(format!("add `{wanted}: ...`")),
                });
            }
        }
    }

    fn scalar(&mut self, node: &Node, value: &Value, schema: &'a Map<String, Value>, name: &str) {
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && let Some((message, help)) = wrong_format(format, value)
        {
            self.problems
                .push(Problem::error(self.file, node.place, message).help(help));
        }
        if let Some(number) = value.as_f64() {
            let least = schema
                .get("minimum")
                .and_then(Value::as_f64)
                .filter(|least| number < *least);
            let most = schema
                .get("maximum")
                .and_then(Value::as_f64)
                .filter(|most| number > *most);
            if let Some(limit) = least {
                self.problems.push(Problem::error(
                    self.file,
                    node.place,
                    format!("{} must be at least {limit}", quoted(name)),
                ));
            }
            if let Some(limit) = most {
                self.problems.push(Problem::error(
                    self.file,
                    node.place,
                    format!("{} must be at most {limit}", quoted(name)),
                ));
            }
        }
    }
}

/// What is wrong with a value of one of our formats, and what to write instead.
fn wrong_format(format: &str, value: &Value) -> Option<(String, String)> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) if format == "country" => {
            return Some((
                format!("`{flag}` is not a country code"),
                "quote the code, for example `\"NO\"`".to_owned(),
            ));
        }
        _ => return None,
    };
    if text == "unknown" && format.starts_with("fact-") {
        return None;
    }
    match format.trim_start_matches("fact-") {
        "country" => text.parse::<Country>().err().map(|error| {
            let help = Country::named(&text).map_or_else(
                || "write an ISO 3166 code such as SG, MY, US".to_owned(),
                |place| format!("write `{place}` for {}", place.name()),
            );
            (error.to_string(), help)
        }),
        "percent" => text.parse::<Percent>().err().map(|error| {
            (
                error.to_string(),
                "write for example `49.9 %` or `49.9`".to_owned(),
            )
        }),
        "usd" => text.parse::<Usd>().err().map(|error| {
            (
                error.to_string(),
                "write US dollars, for example `2.40`".to_owned(),
            )
        }),
        "size" => text.parse::<Bytes>().err().map(|error| {
            (
                error.to_string(),
                "write for example `20 GB` or `512 MiB`".to_owned(),
            )
        }),
        "watts" => text.parse::<Watts>().err().map(|error| {
            (
                error.to_string(),
                "write for example `10.2 kW` or `700 W`".to_owned(),
            )
        }),
        "rate" => text.parse::<BitsPerSecond>().err().map(|error| {
            (
                error.to_string(),
                "write for example `400 Gbit/s`".to_owned(),
            )
        }),
        "rate-limit" => text
            .parse::<crate::RateLimit>()
            .err()
            .map(|error| (error.to_string(), error.help())),
        "date" => text.parse::<Date>().err().map(|_| {
            (
                format!("`{text}` is not a day"),
                "write it as 2026-11-24".to_owned(),
            )
        }),
        "model-name" => text.parse::<ModelName>().err().map(|error| {
            (
                error.to_string(),
                "for example `acme/tiny-llama`".to_owned(),
            )
        }),
        "id" => text
            .parse::<crate::PartyId>()
            .err()
            .map(|error| (format!("`{text}` can't be an id"), error.rule.to_owned())),
        "amount" => text.replace('_', "").parse::<f64>().err().map(|_| {
            (
                format!("`{text}` is not a number"),
                "write for example `3e24` or `1200000`".to_owned(),
            )
        }),
        _ => None,
    }
}

fn quoted(name: &str) -> String {
    if name.is_empty() {
        "this file".to_owned()
    } else {
        format!("`{name}`")
    }
}

fn first_sentence(text: &str) -> Option<String> {
    let line = text.split("\n\n").next()?.replace('\n', " ");
    Some(line.split(". ").next()?.trim_end_matches('.').to_owned())
}

fn describe(schema: &Map<String, Value>) -> String {
    if let Some(constant) = schema.get("const") {
        return format!(
            "`{}`",
            constant
                .as_str()
                .map_or_else(|| constant.to_string(), str::to_owned)
        );
    }
    let word = |kind: &str| match kind {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "nothing",
    };
    match schema.get("type") {
        Some(Value::String(kind)) => word(kind).to_owned(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .map(word)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "something else".to_owned(),
    }
}

fn example(schema: &Map<String, Value>, name: &str) -> Option<String> {
    match schema.get("type").and_then(Value::as_str)? {
        "array" => Some(format!(
            "write `{name}: [a, b]`, or one item a line behind `- `"
        )),
        "object" => Some(format!("write the fields of `{name}` indented beneath it")),
        "integer" => Some(format!("write `{name}: 1`")),
        "boolean" => Some(format!("write `{name}: true`")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Dialect, read};
    use schemars::{JsonSchema, schema_for};

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Demo {
        /// The place, as an ISO code.
        country: Country,
        count: Option<u32>,
        colour: Colour,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Colour {
        Red,
        Green,
    }

    fn problems(text: &str) -> Vec<String> {
        let file = Arc::new(SourceFile::new("t.yaml", text));
        let node = read(&file, Dialect::Core).unwrap().remove(0);
        check(&file, &node, &schema_for!(Demo))
            .iter()
            .map(|p| format!("{p} | {}", p.help.clone().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn every_problem_of_a_file_is_reported_with_its_remedy() {
        let found = problems("contry: SG\ncount: many\ncolour: gren\n");
        assert_eq!(
            found,
            [
                "t.yaml:1:1: error: unknown field `contry` | did you mean `country`?",
                "t.yaml:2:8: error: `count` must be a whole number or nothing, not text | ",
                "t.yaml:3:9: error: `gren` is not a value of `colour` | did you mean `green`? all: red, green",
                "t.yaml:1:1: error: this file lacks `country` | add `country:` the place, as an ISO code",
            ]
        );
    }

    #[test]
    fn a_country_written_as_a_name_is_told_its_code() {
        let found = problems("country: Malaysia\ncolour: red\n");
        assert_eq!(
            found,
            [
                "t.yaml:1:10: error: `Malaysia` is not an ISO 3166 two-letter country code | write `MY` for Malaysia"
            ]
        );
        assert!(problems("country: MY\ncolour: red\n").is_empty());
    }
}
