//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::{Long, Short};

use crate::checkpoint::Hyperparameters;
use crate::{Error, Result};

/// What `--help` prints.
pub const HELP: &str = "\
Trains a small Llama-architecture language model on plain text, on the CPU.

Usage:
  causeway-example-trainer --data PATH --checkpoints DIR [options]
  causeway-example-trainer generate --model DIR --prompt TEXT [options]

Training:
  --data PATH         a file, or a directory of .txt files
  --checkpoints DIR   where step-000050 and so on are written and resumed from
  --steps N           last step [200]
  --save-every N      steps between checkpoints [50]
  --keep N            remove older checkpoints but the newest N [all are kept]
  --log-every N       steps between progress lines [10]
  --batch N           rows in a step [16]
  --seq N             tokens (bytes) in a row; the longest context of the model [64]
  --hidden N          width of the model [128]
  --layers N          layers [2]
  --heads N           attention heads [4]
  --lr X              learning rate after 20 steps of warm-up [0.003]
  --seed N            decides first weights and order of the data [1]
  --threads N         threads that compute [2]

Writing text:
  --model DIR         a checkpoint: model.safetensors and config.json
  --prompt TEXT       what the model goes on from
  --tokens N          bytes to write [200]
  --temperature X     0 takes the likeliest byte each time [0.6]
  --seed N            another number, another text [1]
  --logits            print the 256 logits after the prompt as JSON instead
  --threads N         threads that compute [2]

Environment: SKYPILOT_NODE_RANK, SKYPILOT_NUM_NODES (only rank 0 trains).
Prints one JSON object a line. SIGTERM: one more checkpoint, then exit code 143.
Exit codes: 0 done, 1 failed, 2 bad input, 130 SIGINT, 143 SIGTERM.

Example:
  causeway-example-trainer --data corpus.txt --checkpoints checkpoints
  causeway-example-trainer generate --model checkpoints/step-000200 --prompt 'The bridge '
";

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Train, or go on training.
    Train(TrainOptions),
    /// Write text.
    Generate(GenerateOptions),
}

/// Options of training; each field is the option of its name.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described in `HELP`")]
pub struct TrainOptions {
    pub data: PathBuf,
    pub checkpoints: PathBuf,
    pub steps: u64,
    pub save_every: u64,
    pub log_every: u64,
    pub keep: Option<usize>,
    pub threads: usize,
    pub hyperparameters: Hyperparameters,
}

/// Options of writing text; each field is the option of its name.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described in `HELP`")]
pub struct GenerateOptions {
    pub model: PathBuf,
    pub prompt: String,
    pub tokens: usize,
    pub temperature: f64,
    pub seed: u64,
    pub logits: bool,
    pub threads: usize,
}

impl Command {
    /// Threads that compute.
    #[must_use]
    pub fn threads(&self) -> usize {
        match self {
            Self::Help => 1,
            Self::Train(options) => options.threads,
            Self::Generate(options) => options.threads,
        }
    }
}

/// Reads a command line, program name first.
///
/// # Errors
/// [`Error::Input`], which names the option and what it expects.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut arguments = arguments.into_iter().skip(1).peekable();
    if arguments.peek().is_none() {
        return Err(Error::input(
            "nothing to do: --data and --checkpoints are needed; --help tells more",
        ));
    }
    if arguments.next_if(|first| first == "generate").is_some() {
        parse_generate(&mut lexopt::Parser::from_args(arguments))
    } else {
        parse_train(&mut lexopt::Parser::from_args(arguments))
    }
}

fn parse_train(parser: &mut lexopt::Parser) -> Result<Command> {
    let (mut data, mut checkpoints) = (None, None);
    let mut options = TrainOptions {
        data: PathBuf::new(),
        checkpoints: PathBuf::new(),
        steps: 200,
        save_every: 50,
        log_every: 10,
        keep: None,
        threads: 2,
        hyperparameters: Hyperparameters {
            batch: 16,
            seq: 64,
            hidden: 128,
            layers: 2,
            heads: 4,
            seed: 1,
            lr: 0.003,
        },
    };
    while let Some(argument) = parser.next().map_err(wrong)? {
        let shape = &mut options.hyperparameters;
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("data") => data = Some(path(parser)?),
            Long("checkpoints") => checkpoints = Some(path(parser)?),
            Long("steps") => options.steps = positive(parser, "--steps")?,
            Long("save-every") => options.save_every = positive(parser, "--save-every")?,
            Long("log-every") => options.log_every = positive(parser, "--log-every")?,
            Long("keep") => options.keep = Some(positive(parser, "--keep")?),
            Long("threads") => options.threads = threads(parser)?,
            Long("batch") => shape.batch = positive(parser, "--batch")?,
            Long("seq") => shape.seq = positive(parser, "--seq")?,
            Long("hidden") => shape.hidden = positive(parser, "--hidden")?,
            Long("layers") => shape.layers = positive(parser, "--layers")?,
            Long("heads") => shape.heads = positive(parser, "--heads")?,
            Long("seed") => shape.seed = number(parser, "--seed", "a whole number", |_| true)?,
            Long("lr") => {
                shape.lr = number(parser, "--lr", "a number between 0 and 1", |x| {
                    (0.0..=1.0).contains(x)
                })?
            }
            other => return Err(wrong(other.unexpected())),
        }
    }
    options.data = data.ok_or_else(|| missing("--data"))?;
    options.checkpoints = checkpoints.ok_or_else(|| missing("--checkpoints"))?;
    let shape = &options.hyperparameters;
    for (name, value, most) in [
        ("--batch", shape.batch, 4096),
        ("--seq", shape.seq, 4096),
        ("--hidden", shape.hidden, 4096),
        ("--layers", shape.layers, 64),
    ] {
        if value > most {
            return Err(Error::input(format!(
                "{name} `{value}`: at most {most} in this example"
            )));
        }
    }
    Ok(Command::Train(options))
}

fn parse_generate(parser: &mut lexopt::Parser) -> Result<Command> {
    let (mut model, mut prompt) = (None, None);
    let mut options = GenerateOptions {
        model: PathBuf::new(),
        prompt: String::new(),
        tokens: 200,
        temperature: 0.6,
        seed: 1,
        logits: false,
        threads: 2,
    };
    while let Some(argument) = parser.next().map_err(wrong)? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("model") => model = Some(path(parser)?),
            Long("prompt") => prompt = Some(number(parser, "--prompt", "text", |_: &String| true)?),
            Long("tokens") => options.tokens = positive(parser, "--tokens")?,
            Long("seed") => options.seed = number(parser, "--seed", "a whole number", |_| true)?,
            Long("temperature") => {
                options.temperature =
                    number(parser, "--temperature", "a number from 0 to 10", |x| {
                        (0.0..=10.0).contains(x)
                    })?;
            }
            Long("logits") => options.logits = true,
            Long("threads") => options.threads = threads(parser)?,
            other => return Err(wrong(other.unexpected())),
        }
    }
    options.model = model.ok_or_else(|| missing("--model"))?;
    options.prompt = prompt.ok_or_else(|| missing("--prompt"))?;
    Ok(Command::Generate(options))
}

fn missing(option: &str) -> Error {
    Error::input(format!("{option} is needed; --help tells more"))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn wrong(why: lexopt::Error) -> Error {
    Error::input(format!("{why}; --help lists the options"))
}

fn path(parser: &mut lexopt::Parser) -> Result<PathBuf> {
    parser.value().map(PathBuf::from).map_err(wrong)
}

fn threads(parser: &mut lexopt::Parser) -> Result<usize> {
    number(parser, "--threads", "a whole number from 1 to 256", |n| {
        (1..=256).contains(n)
    })
}

fn positive<N: FromStr + PartialOrd + Default>(
    parser: &mut lexopt::Parser,
    option: &str,
) -> Result<N> {
    number(parser, option, "a whole number above 0", |n| {
        *n > N::default()
    })
}

fn number<N: FromStr>(
    parser: &mut lexopt::Parser,
    option: &str,
    expected: &str,
    accept: impl Fn(&N) -> bool,
) -> Result<N> {
    let given: OsString = parser.value().map_err(wrong)?;
    let given = given.to_string_lossy();
    given
        .parse()
        .ok()
        .filter(accept)
        .ok_or_else(|| Error::input(format!("{option} `{given}`: expected {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(
            std::iter::once("program")
                .chain(line.split_whitespace())
                .map(OsString::from),
        )
    }

    fn complaint(line: &str) -> String {
        let error = parsed(line).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn defaults_are_those_that_help_prints() {
        let Command::Train(options) = parsed("--data d --checkpoints c").unwrap() else {
            panic!("not training")
        };
        let shape = &options.hyperparameters;
        for (option, value) in [
            ("--steps", options.steps.to_string()),
            ("--save-every", options.save_every.to_string()),
            ("--log-every", options.log_every.to_string()),
            ("--batch", shape.batch.to_string()),
            ("--seq", shape.seq.to_string()),
            ("--hidden", shape.hidden.to_string()),
            ("--layers", shape.layers.to_string()),
            ("--heads", shape.heads.to_string()),
            ("--lr", shape.lr.to_string()),
        ] {
            let line = HELP
                .lines()
                .find(|line| line.trim_start().starts_with(&format!("{option} ")))
                .unwrap();
            assert!(
                line.ends_with(&format!("[{value}]")),
                "{option} is {value}, but help says: {line}"
            );
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "--data and --checkpoints are needed"),
            ("--data d", "--checkpoints is needed"),
            (
                "--data d --checkpoints c --steps 0",
                "--steps `0`: expected a whole number above 0",
            ),
            (
                "--data d --checkpoints c --lr fast",
                "--lr `fast`: expected a number between 0 and 1",
            ),
            ("--data d --checkpoints c --hidden 100000", "at most 4096"),
            ("--data d --checkpoints c --step 3", "--step"),
            ("generate --model m", "--prompt is needed"),
        ] {
            assert!(
                complaint(line).contains(part),
                "{line}: {}",
                complaint(line)
            );
        }
    }

    #[test]
    fn generate_takes_text_as_it_is() {
        let line = ["p", "generate", "--model", "m", "--prompt", "a b"].map(OsString::from);
        let Command::Generate(options) = parse(line).unwrap() else {
            panic!("not generating")
        };
        assert_eq!(
            (options.prompt.as_str(), options.tokens, options.logits),
            ("a b", 200, false)
        );
    }
}
