//! Models at home: revisions, pointers, and the API that Hugging Face clients speak.
//!
//! A **revision** is a list of files with their digests; its id follows from the list alone, so the same bytes are the same
//! revision whoever admits them and however often. Two **pointers** say which revision a name means: `main` is the newest
//! admitted, `production` the one that [`Registry::promote`] chose and [`Registry::rollback`] takes back. The bytes lie in a
//! content-addressed directory that somebody else fills; the registry reads them and never writes there. The [`server`]
//! answers `hf download`, `snapshot_download` and `from_pretrained` (`HF_ENDPOINT=http://127.0.0.1:PORT`).
//!
//! It refuses to know how the bytes came home, who may decide on a promotion, and what is inside a file. It takes no
//! uploads. Several processes may work on one directory: see [`Registry`].
//!
//! Read first: [`Revision`], [`Registry`], [`server::ServeOptions`].
//!
//! ```
//! use camino::Utf8Path;
//! use causeway_domain::{Crash, Digest, Env, Timestamp};
//! use causeway_registry::Registry;
//!
//! # struct Still;
//! # impl Env for Still {
//! #     fn now(&self) -> Timestamp { Timestamp::UNIX_EPOCH }
//! #     fn random(&self) -> u64 { 0 }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let home = Utf8Path::from_path(home.path()).ok_or("not UTF-8")?;
//! // The store holds each file under its BLAKE3 digest.
//! let digest = Digest::new(*blake3::hash(b"{}").as_bytes());
//! fs_err::create_dir_all(home.join("files"))?;
//! fs_err::write(home.join("files").join(digest.to_string()), b"{}")?;
//!
//! let registry = Registry::open(&home.join("registry"), &home.join("files"))?;
//! let model = "acme/tiny".parse()?;
//! let files = vec![("config.json".to_owned(), digest)];
//! let now = "2026-11-24T13:15:00Z".parse()?;
//! let revision = registry.admit(&model, files, None, serde_json::Value::Null, now, &Still)?;
//! registry.promote(&model, None, now, &Still)?;
//! assert_eq!(registry.resolve(&model, "production")?.commit, revision.commit);
//! assert!(registry.verify(&model)?.is_empty());
//! # Ok(())
//! # }
//! ```

mod durable;
mod error;
mod filepath;
mod git;
mod measure;
mod pointers;
mod registry;
mod revision;
mod sealed;
pub mod server;
mod verify;

pub use error::RegistryError;
pub use pointers::{Cause, Pointer, PointerMove, Pointers};
pub use registry::{FAULT_POINTS, ModelSummary, Registry, RevisionSummary};
pub use revision::{FileRecord, MAX_FILE, Revision};
pub use server::{ServeOptions, check_listen, router, serve};
pub use verify::BadFile;
