//! Checkpoints on disk. A directory `step-000050` is either whole or not there: it is written under a hidden name,
//! flushed, and renamed into place.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::LlamaConfig;
use crate::optimizer::AdamW;
use crate::tensors::{self, Precision};
use crate::{Error, Result, tokenizer};

/// Published weights, bf16.
pub const MODEL: &str = "model.safetensors";
/// Shape of the model.
pub const CONFIG: &str = "config.json";
/// f32 weights and both moments.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// Where the run stands.
pub const STATE: &str = "trainer_state.json";
/// A checkpoint without one of these is no checkpoint.
const NEEDED: [&str; 4] = [MODEL, CONFIG, OPTIMIZER, STATE];

/// `trainer_state.json`: with the optimizer's tensors, all that the next step depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Version of this file.
    pub version: u32,
    /// Steps done.
    pub step: u64,
    /// Loss of the last of them, in nats a token.
    pub loss: f32,
    /// Tokens seen.
    pub tokens: u64,
    /// What the run was asked to be.
    pub hyperparameters: Hyperparameters,
    /// Where the data and the random numbers stand.
    pub data_order: DataOrder,
}

/// What decides the course of a run; a checkpoint can only be resumed with the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is the option of the same name")]
pub struct Hyperparameters {
    pub batch: usize,
    pub seq: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub seed: u64,
    pub lr: f64,
}

/// The order of the data is a pure function of these; there is no other random state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataOrder {
    /// Name of the function: see [`crate::data::Text::batch`] and [`crate::random::at`].
    pub scheme: String,
    /// Its seed.
    pub seed: u64,
    /// The step (counted from 0) whose batch comes next.
    pub next_step: u64,
    /// Bytes of text.
    pub data_bytes: usize,
    /// [`crate::data::Text::fingerprint`].
    pub data_fnv1a64: String,
}

/// The directory that holds the checkpoints.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
}

/// One whole checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    /// Its directory.
    pub path: PathBuf,
}

impl Store {
    /// Opens the directory, which is made when missing, and removes what an earlier process left half-written.
    ///
    /// # Errors
    /// [`Error::Failed`] when the directory cannot be made or cleaned.
    pub fn open(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).map_err(Error::at("making", directory))?;
        let store = Self {
            directory: directory.to_path_buf(),
        };
        for name in store.names()? {
            if name.starts_with(".step-") && name.contains(".tmp-") {
                let path = store.directory.join(name);
                fs::remove_dir_all(&path).map_err(Error::at("removing", &path))?;
            }
        }
        Ok(store)
    }

    /// The whole checkpoints, oldest first.
    ///
    /// # Errors
    /// [`Error::Failed`] when the directory cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        let whole = |name: &String| {
            let digits = name
                .strip_prefix("step-")
                .filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))?;
            let path = self.directory.join(name);
            let is_whole = NEEDED.iter().all(|file| path.join(file).is_file());
            is_whole.then_some(Checkpoint {
                step: digits.parse().ok()?,
                path,
            })
        };
        let mut found: Vec<_> = self.names()?.iter().filter_map(whole).collect();
        found.sort_by_key(|checkpoint| checkpoint.step);
        Ok(found)
    }

    /// Writes a checkpoint, flushes it to the disk, and moves it into place in one step.
    ///
    /// # Errors
    /// [`Error::Failed`] when something cannot be written; then nothing has appeared under the final name.
    pub fn write(
        &self,
        config: &LlamaConfig,
        optimizer: &AdamW,
        state: &TrainerState,
    ) -> Result<Checkpoint> {
        let name = format!("step-{:06}", state.step);
        let hidden = self.hidden(&name);
        fs::create_dir(&hidden).map_err(Error::at("making", &hidden))?;
        let put = |name: &str, bytes: &[u8]| {
            let path = hidden.join(name);
            let written = File::create(&path).and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            });
            written.map_err(Error::at("writing", &path))
        };
        put(
            MODEL,
            &tensors::encode(&optimizer.masters(), Precision::Bfloat16)?,
        )?;
        put(
            OPTIMIZER,
            &tensors::encode(&optimizer.state(), Precision::Float32)?,
        )?;
        put(CONFIG, &json(config)?)?;
        put(STATE, &json(state)?)?;
        put("tokenizer.json", &json(&tokenizer::tokenizer())?)?;
        put(
            "tokenizer_config.json",
            &json(&tokenizer::tokenizer_config(config.max_position_embeddings))?,
        )?;
        put(
            "generation_config.json",
            &json(&tokenizer::generation_config())?,
        )?;
        sync_directory(&hidden)?;

        let path = self.directory.join(&name);
        if path.exists() {
            // Only a damaged checkpoint is in the way: a whole one would have been resumed from.
            self.remove(&path)?;
        }
        fs::rename(&hidden, &path).map_err(Error::at("moving into place", &path))?;
        sync_directory(&self.directory)?;
        Ok(Checkpoint {
            step: state.step,
            path,
        })
    }

    /// Removes the oldest checkpoints until `keep` are left.
    ///
    /// # Errors
    /// [`Error::Failed`] when one cannot be removed.
    pub fn keep(&self, keep: usize) -> Result<()> {
        let found = self.checkpoints()?;
        let surplus = found.len().saturating_sub(keep);
        found
            .iter()
            .take(surplus)
            .try_for_each(|checkpoint| self.remove(&checkpoint.path))
    }

    /// Removes a checkpoint so that no one ever sees half of it under its name.
    fn remove(&self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = self.hidden(&format!("{name}-old"));
        fs::rename(path, &hidden).map_err(Error::at("removing", path))?;
        fs::remove_dir_all(&hidden).map_err(Error::at("removing", &hidden))
    }

    fn hidden(&self, name: &str) -> PathBuf {
        self.directory
            .join(format!(".{name}.tmp-{}", std::process::id()))
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries =
            fs::read_dir(&self.directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = entries.map_err(Error::at("reading", &self.directory))?;
        Ok(entries
            .iter()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect())
    }
}

impl Checkpoint {
    /// Reads where the run stood.
    ///
    /// # Errors
    /// [`Error::Failed`] when the file is damaged or of another version.
    pub fn state(&self) -> Result<TrainerState> {
        let path = self.path.join(STATE);
        let text = fs::read_to_string(&path).map_err(Error::at("reading", &path))?;
        let wrong = |why: &dyn std::fmt::Display| {
            Error::failed(format!("reading `{}`", path.display()), why)
        };
        let state: TrainerState = serde_json::from_str(&text).map_err(|why| wrong(&why))?;
        if state.version != 1 || state.step != self.step {
            return Err(wrong(&format!(
                "version {} of step {}",
                state.version, state.step
            )));
        }
        Ok(state)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|why| Error::failed("writing JSON", why))?;
    text.push(b'\n');
    Ok(text)
}

/// Makes names in a directory survive a power cut.
fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::at("flushing", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::first_weights;

    fn config() -> LlamaConfig {
        LlamaConfig::new(8, 1, 2, 4).unwrap()
    }

    fn state(step: u64) -> TrainerState {
        TrainerState {
            version: 1,
            step,
            loss: 1.5,
            tokens: 8 * step,
            hyperparameters: Hyperparameters {
                batch: 2,
                seq: 4,
                hidden: 8,
                layers: 1,
                heads: 2,
                seed: 1,
                lr: 0.003,
            },
            data_order: DataOrder {
                scheme: "uniform-windows-1".to_owned(),
                seed: 1,
                next_step: step,
                data_bytes: 9,
                data_fnv1a64: "0".to_owned(),
            },
        }
    }

    fn write(store: &Store, step: u64) -> Checkpoint {
        let optimizer = AdamW::new(&first_weights(&config(), 1).unwrap()).unwrap();
        store.write(&config(), &optimizer, &state(step)).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let written = write(&store, 50);
        assert_eq!(written.path.file_name().unwrap(), "step-000050");
        assert_eq!(store.checkpoints().unwrap(), std::slice::from_ref(&written));
        assert_eq!(written.state().unwrap(), state(50));
        assert_eq!(
            LlamaConfig::read(&written.path.join(CONFIG)).unwrap(),
            config()
        );
    }

    #[test]
    fn leftovers_go_and_incomplete_directories_do_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let stale = directory.path().join(".step-000010.tmp-1");
        fs::create_dir(&stale).unwrap();
        fs::create_dir(directory.path().join("step-000099")).unwrap();
        fs::create_dir(directory.path().join("step-latest")).unwrap();
        let store = Store::open(directory.path()).unwrap();
        assert!(!stale.exists());
        assert_eq!(store.checkpoints().unwrap(), []);
        // The incomplete directory gives way to a whole one.
        write(&store, 99);
        assert_eq!(store.checkpoints().unwrap().len(), 1);
    }

    #[test]
    fn the_newest_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        (1..=4).for_each(|step| drop(write(&store, step)));
        store.keep(2).unwrap();
        let steps: Vec<_> = store
            .checkpoints()
            .unwrap()
            .iter()
            .map(|checkpoint| checkpoint.step)
            .collect();
        assert_eq!(steps, [3, 4]);
        assert_eq!(store.names().unwrap().len(), 2);
    }
}
