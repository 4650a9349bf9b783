//! How a fact is written in a user's file.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Date, Fact, Source};

/// A fact as a file states it: a plain value, the word `unknown`, or a value with who says it, on what evidence, when.
///
/// ```yaml
/// headquarters: SG
/// headquarters: unknown
/// headquarters: {value: SG, by: ACRA, evidence: business profile, on: 2026-10-02}
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated<T> {
    /// A value, with its source where one is named.
    Value(T, Option<Source>),
    /// The word `unknown`.
    Unknown,
}

impl<T: Clone> Stated<T> {
    /// The fact: the file itself is the source of a value that names no other. `field` is the field's path, for messages.
    pub fn fact(this: Option<&Self>, file: &str, field: &str) -> Fact<T> {
        match this {
            Some(Self::Value(value, source)) => Fact::Known(
                value.clone(),
                source.clone().unwrap_or_else(|| Source::named(file)),
            ),
            Some(Self::Unknown) => Fact::unknown(format!("{file} says that `{field}` is unknown")),
            None => Fact::unknown(format!("{file} does not state `{field}`")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithSource<T> {
    value: T,
    by: String,
    evidence: Option<String>,
    on: Option<Date>,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Stated<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value == "unknown" {
            return Ok(Self::Unknown);
        }
        let error = serde::de::Error::custom;
        if value.get("value").is_some() {
            if value.get("value").is_some_and(|inner| inner == "unknown") {
                return Ok(Self::Unknown);
            }
            let full: WithSource<T> = serde_json::from_value(value).map_err(error)?;
            let source = Source {
                by: full.by,
                evidence: full.evidence,
                on: full.on,
            };
            return Ok(Self::Value(full.value, Some(source)));
        }
        serde_json::from_value(value)
            .map(|value| Self::Value(value, None))
            .map_err(error)
    }
}

impl<T: JsonSchema> JsonSchema for Stated<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Stated_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut plain = T::json_schema(generator);
        // A format is told that the word `unknown` is fine here; an enum gets it as one more word.
        if let Some(format) = plain
            .get("format")
            .and_then(Value::as_str)
            .map(|format| format!("fact-{format}"))
        {
            plain.insert("format".to_owned(), Value::String(format));
        }
        if let Some(Value::Array(words)) = plain.get_mut("enum") {
            words.push(Value::String("unknown".to_owned()));
        }
        if let Some(Value::Array(words)) = plain.get_mut("oneOf") {
            words.push(serde_json::json!({"const": "unknown", "description": "Nobody knows."}));
        }
        let text = plain.get("format").is_some()
            || plain.get("enum").is_some()
            || plain.get("oneOf").is_some();
        let inner = generator.subschema_for::<T>();
        let full = json_schema!({
            "type": "object",
            "properties": {
                "value": inner,
                "by": {"type": "string", "description": "Who says it: a register, a list, a person"},
                "evidence": {"type": "string", "description": "The document or record"},
                "on": {"type": "string", "format": "date", "description": "The day on which it was stated"},
            },
            "required": ["value", "by"],
            "additionalProperties": false,
        });
        if text {
            json_schema!({"anyOf": [plain, full]})
        } else {
            json_schema!({"anyOf": [plain, {"type": "string", "const": "unknown"}, full]})
        }
    }
}
