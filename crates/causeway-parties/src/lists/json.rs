//! JSON read with patience: a field of the wrong type is a doubt about that field, not the end of the record, and numbers
//! keep every digit.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::clean;
use super::{Doubt, DoubtKind};

/// The fields of an object, unparsed.
pub(super) struct Object<'j> {
    fields: Vec<(String, &'j RawValue)>,
}

impl<'j> Object<'j> {
    /// Reads an object; `Err` says why the text is none.
    pub(super) fn read(text: &'j str, doubts: &mut Vec<Doubt>) -> Result<Self, String> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = deserializer
            .deserialize_map(Fields)
            .and_then(|fields| deserializer.end().map(|()| fields))
            .map_err(|error| error.to_string())?;
        let mut names: Vec<&String> = fields.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [a, b] = pair
                && a == b
            {
                doubts.push(Doubt::new(
                    DoubtKind::Twice,
                    format!("the field `{a}` is there twice"),
                ));
            }
        }
        Ok(Self { fields })
    }

    /// A field that is there and not null. Of a field that is there twice, the last.
    pub(super) fn get(&self, name: &str) -> Option<&'j RawValue> {
        self.fields
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| *value)
            .filter(|value| value.get() != "null")
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// A field that is an object.
    pub(super) fn object(&self, name: &str, doubts: &mut Vec<Doubt>) -> Option<Object<'j>> {
        let value = self.get(name)?;
        if !value.get().starts_with('{') {
            wrong(name, "an object", doubts);
            return None;
        }
        Object::read(value.get(), doubts).ok()
    }

    /// A field that is a list of objects, or one object.
    pub(super) fn objects(&self, name: &str, doubts: &mut Vec<Doubt>) -> Vec<Object<'j>> {
        let Some(value) = self.get(name) else {
            return Vec::new();
        };
        if value.get().starts_with('{') {
            return Object::read(value.get(), doubts).into_iter().collect();
        }
        let mut found = Vec::new();
        for element in elements(value).unwrap_or_else(|| {
            wrong(name, "a list", doubts);
            Vec::new()
        }) {
            match Object::read(element.get(), doubts) {
                Ok(object) => found.push(object),
                Err(_) => wrong(name, "a list of objects", doubts),
            }
        }
        found
    }

    /// A field that is one text or number, cleaned.
    pub(super) fn text(&self, name: &str, doubts: &mut Vec<Doubt>) -> Option<String> {
        let value = self.get(name)?;
        let found = scalar(value);
        if found.is_none() {
            wrong(name, "a text", doubts);
        }
        clean(&found?, doubts)
    }

    /// A field that is a list of texts or numbers, or one of them, cleaned.
    pub(super) fn texts(&self, name: &str, doubts: &mut Vec<Doubt>) -> Vec<String> {
        let Some(value) = self.get(name) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for element in elements(value).unwrap_or_else(|| vec![value]) {
            if element.get() == "null" {
                continue;
            }
            match scalar(element) {
                Some(text) => found.extend(clean(&text, doubts)),
                None => wrong(name, "a list of texts", doubts),
            }
        }
        found
    }

    /// A field that is true or false.
    pub(super) fn flag(&self, name: &str, doubts: &mut Vec<Doubt>) -> Option<bool> {
        match self.get(name)?.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                wrong(name, "true or false", doubts);
                None
            }
        }
    }
}

fn wrong(name: &str, expected: &str, doubts: &mut Vec<Doubt>) {
    doubts.push(Doubt::new(
        DoubtKind::WrongType,
        format!("`{name}` is not {expected}"),
    ));
}

fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    value
        .get()
        .starts_with('[')
        .then(|| serde_json::from_str(value.get()).ok())
        .flatten()
}

/// A text, or the digits of a number as they stand there.
fn scalar(value: &RawValue) -> Option<String> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        // Half of a surrogate pair is no letter: what stands there is kept and marked by the replacement character.
        b'"' => Some(serde_json::from_str(raw).unwrap_or_else(|_| format!("\u{fffd}{raw}"))),
        b'{' | b'[' => None,
        _ => Some(raw.to_owned()),
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_doubts_and_numbers_keep_their_digits() {
        let mut doubts = Vec::new();
        let object = Object::read(
            r#"{"a": 49.99999999999999999999, "b": ["x", 7, null, {}], "c": [1], "d": {"e": 1}, "f": "yes", "a2": "\ud800", "n": null}"#,
            &mut doubts,
        )
        .unwrap();
        assert_eq!(
            object.text("a", &mut doubts).unwrap(),
            "49.99999999999999999999"
        );
        assert!(doubts.is_empty());
        assert_eq!(object.texts("b", &mut doubts), ["x", "7"]);
        assert_eq!(object.text("c", &mut doubts), None);
        assert!(object.object("a", &mut doubts).is_none());
        assert_eq!(object.objects("d", &mut doubts).len(), 1);
        assert_eq!(object.flag("f", &mut doubts), None);
        assert!(object.get("n").is_none());
        let kinds: Vec<DoubtKind> = doubts.iter().map(|doubt| doubt.kind).collect();
        assert_eq!(kinds, [DoubtKind::WrongType; 4]);
        assert!(object.text("a2", &mut doubts).is_some());
        assert_eq!(doubts.last().unwrap().kind, DoubtKind::Encoding);
    }

    #[test]
    fn a_field_twice_is_a_doubt_and_depth_is_no_danger() {
        let mut doubts = Vec::new();
        Object::read(r#"{"a": 1, "a": 2}"#, &mut doubts).unwrap();
        assert_eq!(doubts.len(), 1);
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let object = Object::read(&deep, &mut doubts).unwrap();
        assert!(object.texts("a", &mut doubts).is_empty());
        assert!(Object::read("[]", &mut doubts).is_err());
        assert!(Object::read("{} x", &mut doubts).is_err());
    }
}
