//! What weights are: safetensors headers, tensor-aligned blocks, sharded checkpoints.
//!
//! Three questions are answered here, each over bytes or one file, none with more than the header in memory:
//! - **what is in it** ([`Header`], [`Inspection`]): tensors, parameters, element types, bytes;
//! - **is it whole** ([`complete`], [`ShardIndex`]): does the file hold what its header promises, and which shards must be
//!   there;
//! - **where may it be cut** ([`blocks`]): 1 to 4 MiB blocks that begin and end where tensors do.
//!
//! And [`codec`] makes such a block smaller, without loss, alone or given an earlier one.
//!
//! It refuses to know how bytes travel, what a model does, and Python pickles: everything that is not safetensors is opaque.
//!
//! Read first: [`Header`], [`blocks`], [`ShardIndex`], [`codec`].
//!
//! ```
//! use camino::Utf8Path;
//! use causeway_weights::{Header, blocks};
//!
//! let json = br#"{"w":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}"#;
//! let mut file = (json.len() as u64).to_le_bytes().to_vec();
//! file.extend_from_slice(json);
//! file.extend_from_slice(&[0; 8]);
//!
//! let header = Header::read(&mut file.as_slice(), Utf8Path::new("model.safetensors"))?;
//! assert_eq!(header.inspection().parameters, 4);
//! assert_eq!(header.promised(), file.len() as u64);
//! assert_eq!(blocks(Some(&header), file.len() as u64).len(), 2); // the header, the tensor
//! # Ok::<(), causeway_weights::WeightsError>(())
//! ```

mod blocks;
pub mod codec;
mod error;
mod header;
mod shards;

pub use blocks::{MAX_BLOCK, MIN_BLOCK, OPAQUE_BLOCK, blocks};
pub use error::WeightsError;
pub use header::{Completeness, Header, Inspection, MAX_HEADER, Tensor, complete};
pub use shards::{MAX_INDEX, ShardIndex};

/// The element type of a tensor, as the `safetensors` format names it.
pub use safetensors::Dtype;
