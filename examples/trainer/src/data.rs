//! The text: found, read, and cut into windows whose order is a pure function of seed and step.

use std::fs;
use std::path::{Path, PathBuf};

use crate::random;
use crate::{Error, Result};

/// All the text, as bytes, in the order of the file names.
#[derive(Debug)]
pub struct Text {
    bytes: Vec<u8>,
}

/// Inputs and targets of one step, row after row; a target is the byte after its input.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// `rows * length` tokens.
    pub inputs: Vec<u32>,
    /// `rows * length` tokens.
    pub targets: Vec<u32>,
}

impl Text {
    /// Reads a file, or every `.txt` file in a directory and below.
    ///
    /// # Errors
    /// [`Error::Input`] when the path is missing or unreadable, or holds no `.txt` file.
    pub fn read(path: &Path) -> Result<Self> {
        let named =
            |why: std::io::Error| Error::input(format!("--data `{}`: {why}", path.display()));
        let mut files = Vec::new();
        if fs::metadata(path).map_err(named)?.is_dir() {
            collect(path, &mut files).map_err(named)?;
            files.sort();
            if files.is_empty() {
                return Err(Error::input(format!(
                    "--data `{}`: no .txt file in this directory",
                    path.display()
                )));
            }
        } else {
            files.push(path.to_path_buf());
        }
        let mut bytes = Vec::new();
        for file in &files {
            let text = fs::read(file)
                .map_err(|why| Error::input(format!("--data: `{}`: {why}", file.display())))?;
            bytes.extend_from_slice(&text);
        }
        Ok(Self { bytes })
    }

    /// Text from memory.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// FNV-1a, 64 bits, as hex: tells "the same text as before" from "other text". Not a cryptographic hash.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = self
            .bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        format!("{hash:016x}")
    }

    /// The batch that belongs to a step (counted from 0): each row a window at a random place.
    ///
    /// # Errors
    /// [`Error::Input`] when the text is shorter than one window and its last target.
    pub fn batch(&self, seed: u64, step: u64, rows: usize, length: usize) -> Result<Batch> {
        let too_short = || {
            Error::input(format!(
                "--data holds {} bytes; --seq {length} needs at least {}",
                self.len(),
                length + 1
            ))
        };
        let starts = self
            .len()
            .checked_sub(length)
            .filter(|&starts| starts > 0)
            .ok_or_else(too_short)?;
        let mut batch = Batch {
            inputs: Vec::with_capacity(rows * length),
            targets: Vec::with_capacity(rows * length),
        };
        for row in 0..rows as u64 {
            let start = random::below(&[seed, step, row], starts);
            let window = self
                .bytes
                .get(start..=start + length)
                .ok_or_else(too_short)?;
            batch
                .inputs
                .extend(window.iter().take(length).map(|&byte| u32::from(byte)));
            batch
                .targets
                .extend(window.iter().skip(1).map(|&byte| u32::from(byte)));
        }
        Ok(batch)
    }
}

/// Adds the `.txt` files of a directory and of those below; links to directories are not followed.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "txt") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Text {
        Text::from_bytes((0..=255).cycle().take(1000).collect())
    }

    #[test]
    fn order_is_a_function_of_seed_and_step() {
        let of = |seed, step| text().batch(seed, step, 4, 16).unwrap();
        assert_eq!(of(1, 7), of(1, 7));
        assert_ne!(of(1, 7), of(1, 8));
        assert_ne!(of(1, 7), of(2, 7));
    }

    #[test]
    fn targets_are_inputs_one_later() {
        let batch = text().batch(3, 0, 2, 16).unwrap();
        assert_eq!(batch.inputs.len(), 32);
        assert!(
            batch
                .inputs
                .iter()
                .zip(&batch.targets)
                .all(|(&input, &target)| (input + 1) % 256 == target)
        );
    }

    #[test]
    fn the_shortest_text_has_one_window() {
        assert!(Text::from_bytes(vec![1; 16]).batch(1, 0, 1, 16).is_err());
        assert!(Text::from_bytes(vec![1; 17]).batch(1, 0, 1, 16).is_ok());
        assert!(Text::from_bytes(Vec::new()).batch(1, 0, 1, 16).is_err());
    }

    #[test]
    fn a_directory_is_read_in_the_order_of_names() {
        let directory = tempfile::tempdir().unwrap();
        for (name, body) in [("b.txt", "two"), ("a.txt", "one"), ("c.md", "not this")] {
            fs::write(directory.path().join(name), body).unwrap();
        }
        let read = Text::read(directory.path()).unwrap();
        assert_eq!(read.bytes, b"onetwo");
        assert_ne!(
            read.fingerprint(),
            Text::from_bytes(b"twoone".to_vec()).fingerprint()
        );
    }

    #[test]
    fn an_empty_directory_is_bad_input() {
        let directory = tempfile::tempdir().unwrap();
        let error = Text::read(directory.path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("no .txt file"), "{error}");
    }
}
