//! The index of a sharded model: `model.safetensors.index.json`.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use serde::Deserialize;

use crate::error::WeightsError;

/// The longest index that is read, in bytes: the largest published ones have a few MB.
pub const MAX_INDEX: u64 = 64 << 20;

/// Which tensor lies in which shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIndex {
    weight_map: BTreeMap<String, String>,
    total_size: Option<u64>,
}

#[derive(Deserialize)]
struct File {
    weight_map: BTreeMap<String, String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    /// Some writers note a float here: then it is no statement that could be checked.
    #[serde(default)]
    total_size: serde_json::Value,
}

impl ShardIndex {
    /// Reads an index from its bytes. `file` is the name for errors.
    ///
    /// # Errors
    /// [`WeightsError::BrokenIndex`] when it is no index, names no shard, or names one outside its own directory.
    pub fn parse(bytes: &[u8], file: &Utf8Path) -> Result<Self, WeightsError> {
        let broken = |why: String| WeightsError::BrokenIndex {
            file: file.to_owned(),
            why,
        };
        if bytes.len() as u64 > MAX_INDEX {
            return Err(broken(format!("it is longer than {MAX_INDEX} bytes")));
        }
        let read: File =
            serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
        if read.weight_map.is_empty() {
            return Err(broken("`weight_map` names no tensor".to_owned()));
        }
        for shard in read.weight_map.values() {
            if shard.is_empty() || shard.contains(['/', '\\', '\0']) || shard.starts_with('.') {
                return Err(broken(format!(
                    "shard `{shard}` is not the name of a file beside it"
                )));
            }
        }
        Ok(Self {
            weight_map: read.weight_map,
            total_size: read.metadata.total_size.as_u64(),
        })
    }

    /// Reads an index file.
    ///
    /// # Errors
    /// As [`ShardIndex::parse`], and [`WeightsError::Io`].
    pub fn open(path: &Utf8Path) -> Result<Self, WeightsError> {
        use std::io::Read;
        let io = |source| WeightsError::Io {
            file: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        fs_err::File::open(path)
            .map_err(io)?
            .take(MAX_INDEX + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        Self::parse(&bytes, path)
    }

    /// The files that must be there, beside the index.
    #[must_use]
    pub fn shards(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }

    /// The shard of a tensor.
    #[must_use]
    pub fn shard_of(&self, tensor: &str) -> Option<&str> {
        self.weight_map.get(tensor).map(String::as_str)
    }

    /// The tensors that must lie in this shard.
    pub fn tensors_in<'a>(&'a self, shard: &'a str) -> impl Iterator<Item = &'a str> {
        self.weight_map
            .iter()
            .filter(move |(_, file)| file.as_str() == shard)
            .map(|(tensor, _)| tensor.as_str())
    }

    /// Bytes of all tensors together, where the writer noted a whole number.
    #[must_use]
    pub const fn total_size(&self) -> Option<u64> {
        self.total_size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ShardIndex, WeightsError> {
        ShardIndex::parse(
            text.as_bytes(),
            Utf8Path::new("ckpt/model.safetensors.index.json"),
        )
    }

    #[test]
    fn names_the_shards_that_must_be_there() {
        let index = parse(
            r#"{"metadata":{"total_size":12,"extra":1},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors","c":"model-00001-of-00002.safetensors"}}"#,
        )
        .unwrap();
        assert_eq!(index.shards().len(), 2);
        assert_eq!(
            index.shard_of("b"),
            Some("model-00002-of-00002.safetensors")
        );
        assert_eq!(
            index
                .tensors_in("model-00001-of-00002.safetensors")
                .collect::<Vec<_>>(),
            ["a", "c"]
        );
        assert_eq!(index.total_size(), Some(12));
        assert_eq!(
            parse(r#"{"metadata":{"total_size":1e3},"weight_map":{"a":"x"}}"#)
                .unwrap()
                .total_size(),
            None
        );
    }

    #[test]
    fn a_shard_outside_the_directory_is_refused_by_name() {
        for shard in ["../x", "/etc/passwd", "", "a/b", ".hidden"] {
            let error = parse(&format!(r#"{{"weight_map":{{"a":"{shard}"}}}}"#)).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("ckpt/model.safetensors.index.json")
            );
        }
        assert!(parse("{}").is_err());
        assert!(parse(r#"{"weight_map":{}}"#).is_err());
    }
}
