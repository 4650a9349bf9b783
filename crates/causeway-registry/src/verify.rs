//! Finding changed bytes: in the files of a model and in what the registry says about them.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use causeway_domain::{Digest, ModelName};
use serde::Serialize;

use crate::error::RegistryError;
use crate::measure;
use crate::registry::Registry;

/// A file that is not what was admitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BadFile {
    /// Path in the model; for the registry's own files `revisions/COMMIT.json` or `pointers.json`.
    pub path: String,
    /// Commit of the revision that names the file; none for the registry's own.
    pub revision: Option<String>,
    /// The file on disk.
    pub stored: Utf8PathBuf,
    /// BLAKE3 of the admitted bytes, or what the registry's own file should be.
    pub expected: String,
    /// BLAKE3 of the bytes there, or `missing`, or what is wrong with the registry's own file.
    pub found: String,
}

impl std::fmt::Display for BadFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.path)?;
        if let Some(revision) = &self.revision {
            write!(f, " of revision {revision}")?;
        }
        write!(
            f,
            " (`{}`): expected {}, found {}",
            self.stored, self.expected, self.found
        )
    }
}

impl Registry {
    /// Reads every byte of every revision of a model, the registry's own files included, and names what changed. Bytes that
    /// several revisions share are read once and named for each.
    ///
    /// # Errors
    /// [`RegistryError::ModelNotFound`], [`RegistryError::Io`] when something can't be read; a changed file is no error.
    pub fn verify(&self, model: &ModelName) -> Result<Vec<BadFile>, RegistryError> {
        self.require(model)?;
        let mut bad = Vec::new();
        let mut read: BTreeMap<Digest, Option<Digest>> = BTreeMap::new();

        for commit in self.commits(model)? {
            let file = self.revision_file(model, &commit);
            let Some(revision) = damaged(
                self.read_revision(model, &commit),
                format!("revisions/{commit}.json"),
                file,
                "as it was admitted",
                &mut bad,
            )?
            else {
                continue;
            };
            for record in &revision.files {
                let stored = self.stored(&record.blake3);
                let found = match read.get(&record.blake3) {
                    Some(found) => *found,
                    None => measure::digest(&stored).map_err(RegistryError::io(format!(
                        "reading the bytes of `{}`",
                        record.path
                    )))?,
                };
                read.insert(record.blake3, found);
                if found != Some(record.blake3) {
                    bad.push(BadFile {
                        path: record.path.clone(),
                        revision: Some(commit.clone()),
                        stored,
                        expected: record.blake3.to_string(),
                        found: found
                            .map_or_else(|| "missing".to_owned(), |digest| digest.to_string()),
                    });
                }
            }
        }

        let file = self.pointers_file(model);
        if let Some(pointers) = damaged(
            self.pointers_or_none(model),
            "pointers.json".to_owned(),
            file,
            "as it was written",
            &mut bad,
        )? {
            let commits = self.commits(model)?;
            for commit in pointers
                .main
                .iter()
                .chain(&pointers.production)
                .filter(|commit| !commits.contains(commit))
            {
                bad.push(BadFile {
                    path: format!("revisions/{commit}.json"),
                    revision: None,
                    stored: self.revision_file(model, commit),
                    expected: "the revision that a pointer names".to_owned(),
                    found: "missing".to_owned(),
                });
            }
        }
        bad.sort();
        bad.dedup();
        Ok(bad)
    }
}

/// Turns the finding that a file of the registry is damaged into an entry of the list.
fn damaged<T>(
    read: Result<T, RegistryError>,
    path: String,
    stored: Utf8PathBuf,
    expected: &str,
    bad: &mut Vec<BadFile>,
) -> Result<Option<T>, RegistryError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(RegistryError::Corrupt { why, .. }) => {
            bad.push(BadFile {
                path,
                revision: None,
                stored,
                expected: expected.to_owned(),
                found: why,
            });
            Ok(None)
        }
        Err(other) => Err(other),
    }
}
