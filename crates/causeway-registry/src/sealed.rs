//! JSON files in which every changed byte is found.
//!
//! One object in canonical form (keys sorted by byte, no white space) and a line feed. Its last member, `seal`, is the
//! BLAKE3 of everything before `,"seal"`. The check is made on bytes, before anything is parsed.

use camino::Utf8Path;
use causeway_domain::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::RegistryError;

const SEAL_START: &str = ",\"seal\":\"";
const SEAL_END: &str = "\"}\n";

/// A document that names its format.
pub(crate) trait Sealed: Serialize + DeserializeOwned {
    /// Value of the member `format`, with the version.
    const FORMAT: &'static str;
}

/// The canonical form of a value: keys sorted by byte at every depth, no white space.
pub(crate) fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// The text of the file.
pub(crate) fn write<T: Sealed>(file: &Utf8Path, document: &T) -> Result<String, RegistryError> {
    let corrupt = |why: String| RegistryError::Corrupt {
        file: file.to_owned(),
        why,
    };
    let mut value = serde_json::to_value(document).map_err(|err| corrupt(err.to_string()))?;
    let object = value
        .as_object_mut()
        .ok_or_else(|| corrupt("not an object".to_owned()))?;
    object.insert("format".to_owned(), Value::String(T::FORMAT.to_owned()));
    let text = canonical(value);
    let body = text.strip_suffix('}').unwrap_or(&text);
    let seal = blake3::hash(body.as_bytes()).to_hex();
    Ok(format!("{body}{SEAL_START}{seal}{SEAL_END}"))
}

/// Checks seal and format, then reads the document.
pub(crate) fn read<T: Sealed>(file: &Utf8Path, text: &str) -> Result<T, RegistryError> {
    let corrupt = |why: &str| RegistryError::Corrupt {
        file: file.to_owned(),
        why: why.to_owned(),
    };
    let (body, seal) = text
        .strip_suffix(SEAL_END)
        .and_then(|rest| rest.split_at_checked(rest.len().checked_sub(64)?))
        .and_then(|(rest, seal)| Some((rest.strip_suffix(SEAL_START)?, seal)))
        .ok_or_else(|| {
            // A newer version may seal in another way: say that before saying that the file is damaged.
            let format = serde_json::from_str::<Map<String, Value>>(text)
                .ok()
                .and_then(|object| format_of(&object));
            match format {
                Some(found) if found != T::FORMAT => RegistryError::UnknownFormat {
                    file: file.to_owned(),
                    found,
                    known: T::FORMAT,
                },
                _ => corrupt("it does not end with its seal"),
            }
        })?;
    let seal: Digest = seal
        .parse()
        .map_err(|_| corrupt("its seal is not a digest"))?;
    if *blake3::hash(body.as_bytes()).as_bytes() != *seal.bytes() {
        return Err(corrupt("its bytes do not match its seal"));
    }
    let mut object: Map<String, Value> =
        serde_json::from_str(&format!("{body}}}")).map_err(|err| corrupt(&err.to_string()))?;
    let found = format_of(&object).unwrap_or_default();
    if found != T::FORMAT {
        return Err(RegistryError::UnknownFormat {
            file: file.to_owned(),
            found,
            known: T::FORMAT,
        });
    }
    object.shift_remove("format");
    serde_json::from_value(Value::Object(object)).map_err(|err| corrupt(&err.to_string()))
}

fn format_of(object: &Map<String, Value>) -> Option<String> {
    object
        .get("format")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        zebra: u32,
        words: Value,
    }

    impl Sealed for Note {
        const FORMAT: &'static str = "note/1";
    }

    const FILE: &str = "note.json";

    fn note() -> Note {
        Note {
            zebra: 7,
            words: serde_json::json!({"b": [1, 2.5, "é"], "a": null}),
        }
    }

    #[test]
    fn the_text_is_canonical_and_golden() {
        let text = write(
            Utf8Path::new(FILE),
            &Note {
                zebra: 7,
                words: Value::Null,
            },
        )
        .unwrap();
        let body = r#"{"format":"note/1","words":null,"zebra":7"#;
        assert_eq!(
            text,
            format!("{body},\"seal\":\"{}\"}}\n", blake3::hash(body.as_bytes()))
        );
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "still JSON for everybody else"
        );
    }

    #[test]
    fn another_format_is_refused_as_such() {
        let text = write(Utf8Path::new(FILE), &note())
            .unwrap()
            .replace("note/1", "note/2");
        let (body, _) = text.split_once(SEAL_START).unwrap();
        let resealed = format!(
            "{body}{SEAL_START}{}{SEAL_END}",
            blake3::hash(body.as_bytes())
        );
        for text in [resealed.as_str(), "{\"format\":\"note/2\"}"] {
            let err = read::<Note>(Utf8Path::new(FILE), text).unwrap_err();
            assert!(
                matches!(err, RegistryError::UnknownFormat { ref found, .. } if found == "note/2"),
                "{err}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_changed_byte_is_found(at in 0usize..1000, flip in 1u8..=255) {
            let text = write(Utf8Path::new(FILE), &note()).unwrap();
            prop_assert_eq!(read::<Note>(Utf8Path::new(FILE), &text).unwrap(), note());
            let mut bytes = text.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert!(read::<Note>(Utf8Path::new(FILE), &changed).is_err());
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = read::<Note>(Utf8Path::new(FILE), &text);
        }
    }
}
