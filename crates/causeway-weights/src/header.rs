//! The header of a safetensors file.
//!
//! Format: eight bytes, the length `n` of the header, little-endian; `n` bytes of JSON from tensor name to element type,
//! shape and offsets; then the tensors' bytes, end to end. Source: <https://github.com/huggingface/safetensors#format>.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use camino::Utf8Path;
use causeway_domain::Bytes;
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde::{Deserialize, Serialize};

use crate::error::WeightsError;

/// The longest header that is read, in bytes: the limit of the reference implementation (100 MB).
pub const MAX_HEADER: u64 = 100_000_000;
/// The bytes of the length field.
const LENGTH_FIELD: u64 = 8;

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its dimensions; none for a scalar.
    pub shape: Vec<u64>,
    /// Where its bytes lie, from the beginning of the file.
    pub range: Range<u64>,
}

/// A parsed header. Its tensors are in the order of the file, lie end to end, and fit the shapes that they state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    length: u64,
    tensors: Vec<Tensor>,
    metadata: BTreeMap<String, String>,
}

/// What a file holds, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inspection {
    /// Tensors.
    pub tensors: u64,
    /// Elements of all tensors together.
    pub parameters: u64,
    /// Elements by their type (`BF16`, `F32`).
    pub dtypes: BTreeMap<String, u64>,
    /// The length of the file that the header promises, header included.
    pub bytes: u64,
}

/// Whether a file holds the bytes that its header promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Exactly those.
    Complete,
    /// Fewer: it is still being written, or was cut off.
    Short {
        /// Bytes there.
        have: u64,
        /// Bytes promised.
        promised: u64,
    },
    /// More: something was appended, or the file was not cut when it was written anew.
    Long {
        /// Bytes there.
        have: u64,
        /// Bytes promised.
        promised: u64,
    },
}

impl Header {
    /// Reads the header at the beginning of `reader`, and no byte after it. `file` is the name for errors.
    ///
    /// # Errors
    /// [`WeightsError::ShortHeader`] when the input ends too early; [`WeightsError::HeaderTooLarge`] before anything of that
    /// size is allocated; [`WeightsError::BrokenHeader`] when tensors overlap, leave holes or do not fit their shapes.
    pub fn read(reader: &mut impl Read, file: &Utf8Path) -> Result<Self, WeightsError> {
        let io = |source| WeightsError::Io {
            file: file.to_owned(),
            source,
        };
        let mut first = Vec::new();
        reader
            .by_ref()
            .take(LENGTH_FIELD)
            .read_to_end(&mut first)
            .map_err(io)?;
        let short = |have: usize, promised: u64| WeightsError::ShortHeader {
            file: file.to_owned(),
            have: Bytes::new(have as u64),
            promised: Bytes::new(promised),
        };
        let Ok(field) = <[u8; 8]>::try_from(first.as_slice()) else {
            return Err(short(first.len(), LENGTH_FIELD));
        };
        let length = u64::from_le_bytes(field);
        if length > MAX_HEADER {
            return Err(WeightsError::HeaderTooLarge {
                file: file.to_owned(),
                promised: Bytes::new(length),
                limit: Bytes::new(MAX_HEADER),
            });
        }
        // The vector grows with what really comes, never with what is promised.
        let mut json = Vec::new();
        reader
            .by_ref()
            .take(length)
            .read_to_end(&mut json)
            .map_err(io)?;
        if (json.len() as u64) < length {
            return Err(short(json.len() + first.len(), LENGTH_FIELD + length));
        }
        Self::parse(&json).map_err(|why| WeightsError::BrokenHeader {
            file: file.to_owned(),
            why,
        })
    }

    /// Reads the header of a file.
    ///
    /// # Errors
    /// As [`Header::read`], and [`WeightsError::Io`] when the file can't be opened.
    pub fn open(path: &Utf8Path) -> Result<Self, WeightsError> {
        let mut file = fs_err::File::open(path).map_err(|source| WeightsError::Io {
            file: path.to_owned(),
            source,
        })?;
        Self::read(&mut file, path)
    }

    fn parse(json: &[u8]) -> Result<Self, String> {
        // Checks that tensors lie end to end from 0 and that offsets, shapes and types agree, without overflow.
        let metadata: Metadata = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let length = LENGTH_FIELD + json.len() as u64;
        let mut tensors = Vec::with_capacity(metadata.offset_keys().len());
        for name in metadata.offset_keys() {
            let Some(info) = metadata.info(&name) else {
                continue;
            };
            let (begin, end) = info.data_offsets;
            let range = length
                .checked_add(begin as u64)
                .zip(length.checked_add(end as u64));
            let (begin, end) =
                range.ok_or_else(|| format!("tensor `{name}` lies beyond any file"))?;
            let shape = info
                .shape
                .iter()
                .map(|dimension| *dimension as u64)
                .collect();
            tensors.push(Tensor {
                name,
                dtype: info.dtype,
                shape,
                range: begin..end,
            });
        }
        let metadata = metadata
            .metadata()
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        Ok(Self {
            length,
            tensors,
            metadata,
        })
    }

    /// The bytes before the first tensor: length field and header.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The tensors, in the order of the file.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensors that have bytes in a range of the file.
    pub(crate) fn tensors_within(&self, range: &Range<u64>) -> &[Tensor] {
        let first = self
            .tensors
            .partition_point(|tensor| tensor.range.end <= range.start);
        let last = self
            .tensors
            .partition_point(|tensor| tensor.range.start < range.end);
        self.tensors.get(first..last).unwrap_or_default()
    }

    /// What the writer noted under `__metadata__`.
    #[must_use]
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The length of the whole file, in bytes.
    #[must_use]
    pub fn promised(&self) -> u64 {
        self.tensors
            .last()
            .map_or(self.length, |tensor| tensor.range.end)
    }

    /// The numbers.
    #[must_use]
    pub fn inspection(&self) -> Inspection {
        let mut inspection = Inspection {
            tensors: self.tensors.len() as u64,
            bytes: self.promised(),
            ..Inspection::default()
        };
        for tensor in &self.tensors {
            // The product was checked against the offsets when the header was parsed.
            let elements = tensor.shape.iter().fold(1u64, |product, dimension| {
                product.saturating_mul(*dimension)
            });
            inspection.parameters = inspection.parameters.saturating_add(elements);
            let of_type = inspection
                .dtypes
                .entry(tensor.dtype.to_string())
                .or_default();
            *of_type = of_type.saturating_add(elements);
        }
        inspection
    }

    /// Whether a file of `have` bytes with this header is whole.
    #[must_use]
    pub fn completeness(&self, have: u64) -> Completeness {
        let promised = self.promised();
        match have.cmp(&promised) {
            std::cmp::Ordering::Equal => Completeness::Complete,
            std::cmp::Ordering::Less => Completeness::Short { have, promised },
            std::cmp::Ordering::Greater => Completeness::Long { have, promised },
        }
    }
}

/// Whether the safetensors file at `path` holds all the bytes that its header promises. A file that ends inside its header
/// is [`Completeness::Short`].
///
/// # Errors
/// [`WeightsError::Io`]; [`WeightsError::BrokenHeader`] or [`WeightsError::HeaderTooLarge`] when this is no safetensors file.
pub fn complete(path: &Utf8Path) -> Result<Completeness, WeightsError> {
    let io = |source| WeightsError::Io {
        file: path.to_owned(),
        source,
    };
    let mut file = fs_err::File::open(path).map_err(io)?;
    match Header::read(&mut file, path) {
        // Asked after the header was read: a writer that appends meanwhile can only have come nearer to the end.
        Ok(header) => Ok(header.completeness(file.metadata().map_err(io)?.len())),
        Err(WeightsError::ShortHeader { have, promised, .. }) => Ok(Completeness::Short {
            have: have.get(),
            promised: promised.get(),
        }),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(json: &str, data: usize) -> Vec<u8> {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Header, WeightsError> {
        Header::read(&mut &*bytes, Utf8Path::new("x.safetensors"))
    }

    const TWO: &str = r#"{"b":{"dtype":"F32","shape":[3],"data_offsets":[8,20]},"a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},"__metadata__":{"format":"pt"}}"#;

    #[test]
    fn tensors_come_in_the_order_of_the_file() {
        let header = read(&file(TWO, 20)).unwrap();
        let names: Vec<_> = header
            .tensors()
            .iter()
            .map(|tensor| tensor.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(
            header.tensors()[1].range,
            header.length() + 8..header.length() + 20
        );
        assert_eq!(header.metadata()["format"], "pt");
        let inspection = header.inspection();
        assert_eq!((inspection.tensors, inspection.parameters), (2, 7));
        assert_eq!(
            inspection.dtypes,
            BTreeMap::from([("BF16".to_owned(), 4), ("F32".to_owned(), 3)])
        );
        assert_eq!(inspection.bytes, header.length() + 20);
    }

    #[test]
    fn what_the_reference_writes_is_read_back() {
        let data = [0u8; 24];
        let view = safetensors::tensor::TensorView::new(Dtype::F16, vec![3, 4], &data).unwrap();
        let bytes = safetensors::serialize([("w", view)], None).unwrap();
        let header = read(&bytes).unwrap();
        assert_eq!(header.promised(), bytes.len() as u64);
        assert_eq!(header.tensors()[0].shape, [3, 4]);
    }

    #[test]
    fn a_file_cut_off_anywhere_is_short_and_never_broken() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path())
            .unwrap()
            .join("m.safetensors");
        let bytes = file(TWO, 20);
        for end in 0..bytes.len() {
            fs_err::write(&path, &bytes[..end]).unwrap();
            assert!(
                matches!(complete(&path).unwrap(), Completeness::Short { have, .. } if have == end as u64)
            );
        }
        fs_err::write(&path, &bytes).unwrap();
        assert_eq!(complete(&path).unwrap(), Completeness::Complete);
        fs_err::write(&path, file(TWO, 21)).unwrap();
        assert!(matches!(
            complete(&path).unwrap(),
            Completeness::Long { .. }
        ));
    }

    #[test]
    fn lies_in_the_header_are_refused_by_name() {
        let overlap = r#"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}}"#;
        let shape =
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}}"#;
        let far = r#"{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}"#;
        for json in [
            overlap,
            shape,
            far,
            "[]",
            "{",
            r#"{"a":{"dtype":"F99","shape":[],"data_offsets":[0,0]}}"#,
        ] {
            let error = read(&file(json, 12)).unwrap_err();
            assert!(
                matches!(error, WeightsError::BrokenHeader { .. }),
                "{json}: {error}"
            );
            assert!(error.to_string().contains("x.safetensors"));
        }
        assert!(matches!(
            read(&u64::MAX.to_le_bytes()),
            Err(WeightsError::HeaderTooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(length in 0u64..200, tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend(tail);
            drop(read(&bytes));
        }

        #[test]
        fn no_offsets_panic(begin in any::<u64>(), end in any::<u64>(), dimension in any::<u64>()) {
            let json = format!(r#"{{"a":{{"dtype":"F4","shape":[{dimension}],"data_offsets":[{begin},{end}]}}}}"#);
            if let Ok(header) = read(&file(&json, 0)) {
                prop_assert!(header.promised() >= header.length());
            }
        }
    }
}
