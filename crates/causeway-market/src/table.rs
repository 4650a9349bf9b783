//! Reading a JSON table of the catalog: its format line first, then its content.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::MarketError;

#[derive(Deserialize)]
struct FormatLine {
    format: String,
}

/// The table, when its `format` is the expected one.
pub(crate) fn read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    expected: &'static str,
) -> Result<T, MarketError> {
    let broken = |error: serde_json::Error| MarketError::Table {
        file: file.to_owned(),
        why: error.to_string(),
    };
    let line: FormatLine = serde_json::from_str(text).map_err(broken)?;
    if line.format != expected {
        return Err(MarketError::Format {
            file: file.to_owned(),
            found: line.format,
            expected,
        });
    }
    serde_json::from_str(text).map_err(broken)
}
