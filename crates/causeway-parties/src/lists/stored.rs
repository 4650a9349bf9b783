//! Imported lists on disk: one JSON object a line, keys sorted. The first line is the [`ListVersion`], each line after it an
//! [`Item`]. Described in `docs/formats/lists.md`.

use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::each_line;
use super::{Item, ListError, ListVersion, ScreeningList};

/// The number of this form.
pub const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct First {
    causeway_list: u64,
    #[serde(flatten)]
    version: ListVersion,
}

/// The first line, without its end.
#[must_use]
pub fn first_line(version: &ListVersion) -> String {
    line(&First {
        causeway_list: VERSION,
        version: version.clone(),
    })
}

/// The line of an item, without its end.
#[must_use]
pub fn item_line(item: &Item) -> String {
    line(item)
}

fn line(value: &impl Serialize) -> String {
    // Records hold texts, numbers and flags: nothing that JSON can't say.
    let mut value = serde_json::to_value(value).unwrap_or_default();
    sort(&mut value);
    value.to_string()
}

fn sort(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.sort_keys();
            map.values_mut().for_each(sort);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// Reads a stored list, handing out its items one by one, and gives its version.
///
/// # Errors
/// When the file can't be read or is not what this program wrote. A newer form is refused.
pub fn read(
    file: &str,
    mut input: impl BufRead,
    take: &mut dyn FnMut(Item),
) -> Result<ListVersion, ListError> {
    let mut version: Option<ListVersion> = None;
    each_line(file, &mut input, |raw, ended| {
        let wrong = |why: String| ListError::Stored {
            file: file.to_owned(),
            line: raw.line,
            why,
        };
        if !ended {
            return Err(wrong("its last line was cut off".to_owned()));
        }
        if version.is_none() {
            let first: First =
                serde_json::from_slice(raw.bytes).map_err(|error| wrong(error.to_string()))?;
            if first.causeway_list != VERSION {
                return Err(wrong(format!(
                    "it has form {}, this program reads form {VERSION}",
                    first.causeway_list
                )));
            }
            version = Some(first.version);
        } else {
            take(serde_json::from_slice(raw.bytes).map_err(|error| wrong(error.to_string()))?);
        }
        Ok(())
    })?;
    version.ok_or_else(|| ListError::Stored {
        file: file.to_owned(),
        line: 1,
        why: "it is empty".to_owned(),
    })
}

/// Reads the first line alone.
///
/// # Errors
/// As [`read`].
pub fn read_version(file: &str, mut input: impl BufRead) -> Result<ListVersion, ListError> {
    let mut first = Vec::new();
    std::io::Read::take(&mut input, super::LONGEST_RECORD)
        .read_until(b'\n', &mut first)
        .map_err(|error| ListError::Read {
            file: file.to_owned(),
            line: 1,
            error,
        })?;
    read(file, first.as_slice(), &mut |_| {})
}

/// Reads a stored list into memory.
///
/// # Errors
/// As [`read`].
pub fn load(file: &str, input: impl BufRead) -> Result<ScreeningList, ListError> {
    let mut gathering = super::gather::Gathering::default();
    let version = read(file, input, &mut |item| gathering.take(item))?;
    Ok(gathering.finish(version))
}
