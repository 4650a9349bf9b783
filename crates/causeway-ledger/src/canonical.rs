//! One text for one JSON value: what is hashed and signed.
//!
//! Keys sorted by their bytes, no blanks, shortest escapes, integers only. `json.dumps(value, sort_keys=True,
//! separators=(",", ":"), ensure_ascii=False)` of Python writes the same bytes.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Deeper values are refused: a reader must not need a deep stack.
const DEPTH: usize = 64;

/// What keeps a value from having one text, and the JSON pointer to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotCanonical {
    pub(crate) at: String,
    pub(crate) why: &'static str,
}

/// Refuses floats (their text differs between writers) and deep nesting.
pub(crate) fn check(value: &Value) -> Result<(), NotCanonical> {
    fn walk(value: &Value, at: &mut String, depth: usize) -> Result<(), NotCanonical> {
        let refuse = |at: &str, why| {
            Err(NotCanonical {
                at: at.to_owned(),
                why,
            })
        };
        if depth > DEPTH {
            return refuse(at, "more than 64 levels of nesting");
        }
        let length = at.len();
        match value {
            Value::Number(number) if number.is_f64() => refuse(at, "a floating-point number"),
            Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
                at.truncate(length);
                at.push_str(&format!("/{index}"));
                walk(item, at, depth + 1)
            }),
            Value::Object(map) => map.iter().try_for_each(|(key, item)| {
                at.truncate(length);
                at.push('/');
                at.push_str(&pointer_token(key));
                walk(item, at, depth + 1)
            }),
            _ => Ok(()),
        }
    }
    walk(value, &mut String::new(), 0)
}

fn pointer_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The canonical text.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| key.as_bytes());
            out.push('{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        Value::String(text) => write_string(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads a value whose text must be the canonical one: no blanks, no double keys, no other order.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if let Err(NotCanonical { at, why }) = check(&value) {
        return Err(format!("{why} at `{at}`"));
    }
    if text(&value) != json {
        return Err("its JSON is not in canonical form".to_owned());
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// JSON pointer to the first place (in canonical order) where two values differ.
pub(crate) fn first_difference(a: &Value, b: &Value) -> Option<String> {
    fn walk(a: &Value, b: &Value, at: &str) -> Option<String> {
        match (a, b) {
            (Value::Object(left), Value::Object(right)) => {
                let mut keys: Vec<_> = left.keys().chain(right.keys()).collect();
                keys.sort_unstable();
                keys.dedup();
                keys.into_iter().find_map(|key| {
                    let at = format!("{at}/{}", pointer_token(key));
                    match (left.get(key), right.get(key)) {
                        (Some(left), Some(right)) => walk(left, right, &at),
                        _ => Some(at),
                    }
                })
            }
            (Value::Array(left), Value::Array(right)) => {
                let shorter = left.len().min(right.len());
                left.iter()
                    .zip(right)
                    .enumerate()
                    .find_map(|(index, (left, right))| walk(left, right, &format!("{at}/{index}")))
                    .or_else(|| (left.len() != right.len()).then(|| format!("{at}/{shorter}")))
            }
            _ => (a != b).then(|| at.to_owned()),
        }
    }
    walk(a, b, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn sorts_keys_and_escapes_as_little_as_json_allows() {
        let value =
            json!({"b": [1, -2, null], "a": "é\u{1}\"\\\n\u{7f}", "Z": {"y": true, "x": {}}});
        assert_eq!(
            text(&value),
            "{\"Z\":{\"x\":{},\"y\":true},\"a\":\"é\\u0001\\\"\\\\\\n\u{7f}\",\"b\":[1,-2,null]}"
        );
    }

    #[test]
    fn floats_and_deep_values_are_refused_with_their_place() {
        let refused = check(&json!({"predicate": {"a/b": [1, 0.5]}})).unwrap_err();
        assert_eq!(refused.at, "/predicate/a~1b/1");
        let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
        assert!(check(&deep).is_err());
        let fine = (0..64).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(check(&fine), Ok(()));
    }

    #[test]
    fn other_texts_of_the_same_value_are_refused() {
        assert!(read::<Value>(r#"{"a":1,"b":2}"#).is_ok());
        for bad in [
            r#"{"b":2,"a":1}"#,
            r#"{"a":1, "b":2}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2}
"#,
            r#""\u0041""#,
            "1.0",
            "1e3",
            "-0",
        ] {
            assert!(read::<Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let a = json!({"x": [1, {"y": 2}], "z": 1});
        assert_eq!(first_difference(&a, &a), None);
        assert_eq!(
            first_difference(&a, &json!({"x": [1, {"y": 3}], "z": 2})).unwrap(),
            "/x/1/y"
        );
        assert_eq!(
            first_difference(&a, &json!({"x": [1], "z": 1})).unwrap(),
            "/x/1"
        );
        assert_eq!(
            first_difference(&a, &json!({"x": [1, {"y": 2}]})).unwrap(),
            "/z"
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back(value in values()) {
            prop_assert_eq!(read::<Value>(&text(&value)).unwrap(), value);
        }
    }
}
