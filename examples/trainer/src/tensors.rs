//! Named tensors and the safetensors files that hold them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use half::bf16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::{Error, Result};

/// Tensors by name, in the order of their names.
pub type Named = BTreeMap<String, Tensor>;

/// How numbers are stored in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// All bits: what training resumes from.
    Float32,
    /// Rounded to nearest, ties to even: what is published.
    Bfloat16,
}

/// The bytes of a safetensors file. Equal tensors give equal bytes.
///
/// # Errors
/// [`Error::Failed`] when a tensor cannot be read out or the file cannot be formed.
pub fn encode(tensors: &Named, precision: Precision) -> Result<Vec<u8>> {
    let mut blobs = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let numbers = tensor
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        let (kind, bytes) = match precision {
            Precision::Float32 => (
                Dtype::F32,
                numbers
                    .iter()
                    .flat_map(|x| x.to_le_bytes())
                    .collect::<Vec<u8>>(),
            ),
            Precision::Bfloat16 => (
                Dtype::BF16,
                numbers
                    .iter()
                    .flat_map(|&x| bf16::from_f32(x).to_le_bytes())
                    .collect(),
            ),
        };
        blobs.push((name.as_str(), kind, tensor.dims().to_vec(), bytes));
    }
    let failed = |why| Error::failed("forming a safetensors file", why);
    let mut views = Vec::with_capacity(blobs.len());
    for (name, kind, shape, bytes) in &blobs {
        views.push((
            *name,
            TensorView::new(*kind, shape.clone(), bytes).map_err(failed)?,
        ));
    }
    // transformers refuses a file that does not say which framework's layout it has.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// Reads the tensors of a safetensors file as f32.
///
/// # Errors
/// [`Error::Failed`] when the file is missing, damaged, or holds other kinds of numbers than f32 and bf16.
pub fn read(path: &Path) -> Result<Named> {
    let bytes = std::fs::read(path).map_err(Error::at("reading", path))?;
    let failed =
        |why: &dyn std::fmt::Display| Error::failed(format!("reading `{}`", path.display()), why);
    let file = SafeTensors::deserialize(&bytes).map_err(|why| failed(&why))?;
    file.iter()
        .map(|(name, view)| {
            let numbers: Vec<f32> = match view.dtype() {
                Dtype::F32 => view
                    .data()
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&x| f32::from_le_bytes(x))
                    .collect(),
                Dtype::BF16 => view
                    .data()
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&x| bf16::from_le_bytes(x).to_f32())
                    .collect(),
                other => {
                    return Err(failed(&format!(
                        "`{name}` holds {other:?}; only F32 and BF16 are known"
                    )));
                }
            };
            Ok((
                name.to_owned(),
                Tensor::from_vec(numbers, view.shape(), &Device::Cpu)?,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float32_survives_a_round_trip_and_bfloat16_rounds_to_even() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.safetensors");
        // Halfway between two bf16 numbers: 1 + 2^-8 goes down to 1.0, 1 + 3 * 2^-8 up to 1 + 2^-6.
        let numbers = [
            1.0 + 1.0 / 256.0,
            1.0 + 3.0 / 256.0,
            -0.3,
            f32::MIN_POSITIVE,
        ];
        let named = Named::from([("x".to_owned(), Tensor::new(&numbers, &Device::Cpu).unwrap())]);
        let back = |precision| {
            std::fs::write(&path, encode(&named, precision).unwrap()).unwrap();
            read(&path).unwrap()["x"].to_vec1::<f32>().unwrap()
        };
        assert_eq!(back(Precision::Float32), numbers);
        let rounded = back(Precision::Bfloat16);
        assert_eq!(rounded[..2], [1.0, 1.0 + 1.0 / 64.0]);
        assert_eq!(
            encode(&named, Precision::Bfloat16).unwrap(),
            encode(&named, Precision::Bfloat16).unwrap()
        );
    }
}
