//! The whole run: take up the newest checkpoint, step, save, stop when told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::{Device, Tensor};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::arguments::TrainOptions;
use crate::checkpoint::{Checkpoint, DataOrder, Hyperparameters, OPTIMIZER, Store, TrainerState};
use crate::config::LlamaConfig;
use crate::data::Text;
use crate::events::{Event, emit, rounded};
use crate::model::{Llama, first_weights};
use crate::optimizer::AdamW;
use crate::{Error, ExitCode, Result, tensors};

/// Name of the function that orders the data; changes whenever [`Text::batch`] gives other batches.
const SCHEME: &str = "uniform-windows-1";

/// Trains as the options say. Returns 0 when the last step is done, 143 (or 130) after SIGTERM (or SIGINT).
///
/// # Errors
/// [`Error::Input`] for options, data or checkpoints that do not fit together; [`Error::Failed`] for the rest.
pub fn train(options: &TrainOptions) -> Result<ExitCode> {
    if this_node_is_idle()? {
        return Ok(0);
    }
    let signals = Signals::listen()?;
    let asked = &options.hyperparameters;
    let config = LlamaConfig::new(asked.hidden, asked.layers, asked.heads, asked.seq)?;
    let text = Text::read(&options.data)?;
    text.batch(asked.seed, 0, 1, asked.seq)?;
    let store = Store::open(&options.checkpoints)?;
    let mut run = Run::new(options, &config, text)?;
    let mut newest = run.resume(&store)?;
    if let Some(done) = newest
        .as_ref()
        .filter(|checkpoint| checkpoint.step >= options.steps)
    {
        run.say_done(done);
        return Ok(0);
    }

    let model = Llama::new(&config, &run.optimizer.masters())?;
    loop {
        run.step(&model)?;
        let (signal, last) = (signals.received(), run.state.step >= options.steps);
        if last || run.state.step % options.log_every == 0 || run.state.step == 1 {
            run.say_step();
        }
        if last || run.state.step % options.save_every == 0 || signal.is_some() {
            let written = store.write(&config, &run.optimizer, &run.state)?;
            emit(&Event::Checkpoint {
                path: &shown(&written.path),
                step: written.step,
            });
            options.keep.map_or(Ok(()), |keep| store.keep(keep))?;
            newest = Some(written);
        }
        match (last, &newest, signal) {
            (true, Some(done), _) => {
                run.say_done(done);
                return Ok(0);
            }
            (_, _, Some((name, code))) => {
                emit(&Event::Interrupted {
                    step: run.state.step,
                    signal: name,
                });
                return Ok(code);
            }
            _ => {}
        }
    }
}

/// A run in progress.
struct Run {
    text: Text,
    optimizer: AdamW,
    state: TrainerState,
    began: Instant,
    tokens_before: u64,
}

impl Run {
    fn new(options: &TrainOptions, config: &LlamaConfig, text: Text) -> Result<Self> {
        let asked = &options.hyperparameters;
        let data_order = DataOrder {
            scheme: SCHEME.to_owned(),
            seed: asked.seed,
            next_step: 0,
            data_bytes: text.len(),
            data_fnv1a64: text.fingerprint(),
        };
        emit(&Event::Start {
            parameters: config
                .weights()
                .iter()
                .map(|(_, shape)| shape.iter().product::<usize>())
                .sum(),
            data_bytes: text.len(),
            tokens_per_step: asked.batch * asked.seq,
            steps: options.steps,
            threads: options.threads,
        });
        Ok(Self {
            text,
            optimizer: AdamW::new(&first_weights(config, asked.seed)?)?,
            state: TrainerState {
                version: 1,
                step: 0,
                loss: 0.0,
                tokens: 0,
                hyperparameters: asked.clone(),
                data_order,
            },
            began: Instant::now(),
            tokens_before: 0,
        })
    }

    /// Takes up the newest checkpoint that can be read. A checkpoint of another run is the user's to sort out.
    fn resume(&mut self, store: &Store) -> Result<Option<Checkpoint>> {
        for checkpoint in store.checkpoints()?.into_iter().rev() {
            let path = shown(&checkpoint.path);
            let read = checkpoint
                .state()
                .and_then(|state| Ok((state, tensors::read(&checkpoint.path.join(OPTIMIZER))?)));
            match read {
                Ok((state, tensors)) => {
                    self.same_run(&state, &path)?;
                    self.optimizer.restore(&tensors)?;
                    self.tokens_before = state.tokens;
                    self.state = state;
                    emit(&Event::Resumed {
                        step: self.state.step,
                        path: &path,
                    });
                    return Ok(Some(checkpoint));
                }
                Err(why) => emit(&Event::Skipped {
                    path: &path,
                    reason: &why.to_string(),
                }),
            }
        }
        Ok(None)
    }

    fn same_run(&self, found: &TrainerState, path: &str) -> Result<()> {
        let other = |what: &str, found: &dyn std::fmt::Display, asked: &dyn std::fmt::Display| {
            Err(Error::input(format!(
                "`{path}` was made with {what} {found}, not {asked}: pass the same, or another --checkpoints directory"
            )))
        };
        let (made, asked) = (&found.hyperparameters, &self.state.hyperparameters);
        if let Some((what, made, asked)) = differences(made, asked).into_iter().next() {
            return other(what, &made, &asked);
        }
        let order = DataOrder {
            next_step: found.step,
            ..self.state.data_order.clone()
        };
        if found.data_order.scheme != order.scheme {
            return other("data order", &found.data_order.scheme, &order.scheme);
        }
        if found.data_order != order {
            let of = |order: &DataOrder| {
                format!(
                    "{} bytes (fnv1a64 {})",
                    order.data_bytes, order.data_fnv1a64
                )
            };
            return other("--data of", &of(&found.data_order), &of(&order));
        }
        Ok(())
    }

    fn step(&mut self, model: &Llama) -> Result<()> {
        let asked = &self.state.hyperparameters;
        let shape = (asked.batch, asked.seq);
        let batch = self
            .text
            .batch(asked.seed, self.state.step, asked.batch, asked.seq)?;
        let inputs = Tensor::from_vec(batch.inputs, shape, &Device::Cpu)?;
        let targets = Tensor::from_vec(batch.targets, shape.0 * shape.1, &Device::Cpu)?;
        let loss = model.loss(&inputs, &targets)?;
        let value = loss.to_scalar::<f32>()?;
        let number = self.state.step + 1;
        if !value.is_finite() {
            return Err(Error::failed(
                format!("step {number}"),
                format!(
                    "the loss is {value}; start again with a smaller --lr than {}",
                    asked.lr
                ),
            ));
        }
        self.optimizer.step(&loss.backward()?, number, asked.lr)?;
        self.state.loss = value;
        self.state.tokens += (shape.0 * shape.1) as u64;
        self.state.step = number;
        self.state.data_order.next_step = number;
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn say_step(&self) {
        let seconds = self.seconds();
        emit(&Event::Step {
            step: self.state.step,
            loss: self.state.loss,
            tokens: self.state.tokens,
            tokens_per_second: rounded(
                (self.state.tokens - self.tokens_before) as f64 / seconds.max(1e-9),
                0,
            ),
            seconds: rounded(seconds, 3),
        });
    }

    fn say_done(&self, checkpoint: &Checkpoint) {
        emit(&Event::Done {
            step: self.state.step,
            loss: self.state.loss,
            path: &shown(&checkpoint.path),
            seconds: rounded(self.seconds(), 3),
        });
    }
}

/// The options in which a checkpoint differs from what is asked: name, made with, asked for.
fn differences(
    made: &Hyperparameters,
    asked: &Hyperparameters,
) -> Vec<(&'static str, String, String)> {
    let pairs = [
        ("--batch", made.batch.to_string(), asked.batch.to_string()),
        ("--seq", made.seq.to_string(), asked.seq.to_string()),
        (
            "--hidden",
            made.hidden.to_string(),
            asked.hidden.to_string(),
        ),
        (
            "--layers",
            made.layers.to_string(),
            asked.layers.to_string(),
        ),
        ("--heads", made.heads.to_string(), asked.heads.to_string()),
        ("--seed", made.seed.to_string(), asked.seed.to_string()),
        ("--lr", made.lr.to_string(), asked.lr.to_string()),
    ];
    pairs
        .into_iter()
        .filter(|(_, made, asked)| made != asked)
        .collect()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Whether another node trains. This example does not divide its work; it says so rather than train the same model
/// several times.
fn this_node_is_idle() -> Result<bool> {
    let (rank, nodes) = (
        variable("SKYPILOT_NODE_RANK", 0)?,
        variable("SKYPILOT_NUM_NODES", 1)?,
    );
    if rank > 0 {
        let message = "this example trains on one node only, rank 0; nothing to do here";
        emit(&Event::Idle {
            rank,
            nodes,
            message,
        });
        return Ok(true);
    }
    if nodes > 1 {
        let message = format!(
            "this example trains on one node only: {} of {nodes} nodes are not used",
            nodes - 1
        );
        emit(&Event::Note { message: &message });
    }
    Ok(false)
}

fn variable(name: &str, default: u32) -> Result<u32> {
    match std::env::var(name) {
        Ok(text) => text.trim().parse().map_err(|_| {
            Error::input(format!(
                "{name}=`{text}`: expected a whole number, for example 0"
            ))
        }),
        Err(std::env::VarError::NotPresent) => Ok(default),
        Err(why) => Err(Error::input(format!("{name}: {why}"))),
    }
}

/// The signals that ask for an end. A step is never cut short: it takes a fraction of a second.
struct Signals {
    terminate: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
}

impl Signals {
    fn listen() -> Result<Self> {
        let signals = Self {
            terminate: Arc::default(),
            interrupt: Arc::default(),
        };
        for (number, flag) in [(SIGTERM, &signals.terminate), (SIGINT, &signals.interrupt)] {
            signal_hook::flag::register(number, Arc::clone(flag))
                .map_err(|why| Error::failed("listening for signals", why))?;
        }
        Ok(signals)
    }

    /// Name of the signal received and the exit code that tells of it (128 plus its number).
    fn received(&self) -> Option<(&'static str, ExitCode)> {
        if self.terminate.load(Ordering::Relaxed) {
            Some(("SIGTERM", 143))
        } else if self.interrupt.load(Ordering::Relaxed) {
            Some(("SIGINT", 130))
        } else {
            None
        }
    }
}
