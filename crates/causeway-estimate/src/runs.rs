//! Many runs at once: a table of runs in, a table of answers out.
//!
//! Columns are found by name, whatever their order; names of models and families are carried through or ignored, never
//! looked at. A row asks for memory when the table has the column `chip_mem_gib`, else for throughput.

use std::collections::BTreeMap;

use causeway_domain::{Bytes, Params, Tokens, TokensPerSecond};
use causeway_market::{Accelerator, Accelerators};

use crate::anatomy::{Anatomy, Known};
use crate::footprint::GIB;
use crate::question::{Question, verdict};
use crate::search::{Found, USABLE, whole};
use crate::workload::bytes;
use crate::{
    BoundBy, Calibration, EstimateError, Fits, Interval, Layout, Pinned, Precision, Recompute,
    Sharding, Situation, Workload,
};

/// Columns of the answer.
pub const ANSWER: &str = "id,tok_s_chip,tok_s_chip_low,tok_s_chip_high,mem_gib,fits,bound_by";
/// Chips of a run that does not say how many: a middling fleet.
const CHIPS: u32 = 512;
/// Accelerators of a node where the domain does not say more: the usual eight.
const NODE: u32 = 8;
/// Length of a sequence where none is published.
const SEQUENCE: u32 = 2048;
/// Column by which a table of memory questions is known.
const MEMORY_COLUMN: &str = "chip_mem_gib";

/// Answers a table of runs. Text in, text out; the header is [`ANSWER`].
///
/// # Errors
/// [`EstimateError::Row`] with line and column of the first field that can't be read.
pub fn predict(
    csv: &str,
    chips: &Accelerators,
    calibration: &Calibration,
) -> Result<String, EstimateError> {
    let mut out = format!("{ANSWER}\n");
    for run in read(csv, chips)? {
        let answer = run.answer(calibration);
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.4}"));
        let rate = answer.rate;
        out.push_str(&quoted(&run.id));
        for field in [
            number(rate.map(|rate| rate.mid.get())),
            number(rate.map(|rate| rate.low.get())),
            number(rate.map(|rate| rate.high.get())),
            number(answer.memory.map(gib)),
            answer.fits.to_string(),
            answer.bound_by.to_string(),
        ] {
            out.push(',');
            out.push_str(&field);
        }
        out.push('\n');
    }
    Ok(out)
}

/// One row as a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id, as written.
    pub id: String,
    /// The accelerator, when the table lists it.
    part: Option<Accelerator>,
    question: Result<Question, String>,
    /// A whole run, failures and restarts included, rather than some good minutes.
    whole_run: bool,
    memory_only: bool,
    /// What the card holds, when the row says it. Unit: bytes.
    card: Option<f64>,
}

/// The answer to one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Throughput of one chip; `None` for questions of memory and unknown chips.
    pub rate: Option<Interval<TokensPerSecond>>,
    /// Memory of the fullest accelerator.
    pub memory: Option<Bytes>,
    /// Whether it fits.
    pub fits: Fits,
    /// What the time is bound by.
    pub bound_by: BoundBy,
}

/// Reads a table of runs.
///
/// # Errors
/// [`EstimateError::Row`] with line and column of the first field that can't be read.
pub fn read(csv: &str, chips: &Accelerators) -> Result<Vec<Run>, EstimateError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(false)
        .from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let columns: BTreeMap<String, usize> = reader
        .headers()
        .map_err(|error| unreadable(&error))?
        .iter()
        .enumerate()
        .map(|(index, name)| (name.trim().to_owned(), index))
        .collect();
    let memory_only = columns.contains_key(MEMORY_COLUMN);
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|error| unreadable(&error))?;
            Row {
                line: record.position().map_or(0, csv::Position::line),
                columns: &columns,
                record: &record,
            }
            .run(chips, memory_only)
        })
        .collect()
}

fn unreadable(error: &csv::Error) -> EstimateError {
    EstimateError::Row {
        line: error.position().map_or(1, csv::Position::line),
        column: "all".to_owned(),
        why: error.to_string(),
    }
}

/// In GiB, as the tables write memory.
fn gib(memory: Bytes) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "memories are far below 2^53 bytes"
    )]
    let bytes = memory.get() as f64;
    bytes / GIB
}

/// A field as CSV writes it.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

struct Row<'a> {
    line: u64,
    columns: &'a BTreeMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    /// The field of a column; empty when it or the column is not there.
    fn text(&self, column: &str) -> &str {
        self.columns
            .get(column)
            .and_then(|index| self.record.get(*index))
            .map_or("", str::trim)
    }

    fn bad(&self, column: &str, why: String) -> EstimateError {
        EstimateError::Row {
            line: self.line,
            column: column.to_owned(),
            why,
        }
    }

    /// A number of more than 0 and at most `most`; `None` when the field is empty.
    fn number(&self, column: &str, most: f64) -> Result<Option<f64>, EstimateError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(number) if number > 0.0 && number <= most => Ok(Some(number)),
            _ => Err(self.bad(
                column,
                format!("`{text}` is not a number of more than 0 and at most {most}"),
            )),
        }
    }

    /// A number that may be written as 0 where there is none.
    fn unless_zero(&self, column: &str, most: f64) -> Result<Option<f64>, EstimateError> {
        if self.text(column) == "0" {
            return Ok(None);
        }
        self.number(column, most)
    }

    fn count(&self, column: &str) -> Result<Option<u32>, EstimateError> {
        match self.number(column, 16_777_216.0)? {
            Some(number) if number.fract() == 0.0 => Ok(Some(whole(number))),
            Some(number) => Err(self.bad(column, format!("`{number}` is not a whole number"))),
            None => Ok(None),
        }
    }

    /// A size of a batch: published ones are tokens over a length now and then, and not whole.
    fn batch(&self, column: &str) -> Result<Option<u32>, EstimateError> {
        let number = self.number(column, 16_777_216.0)?;
        Ok(number.map(|number| whole(number.round()).max(1)))
    }

    fn precision(&self) -> Result<Precision, EstimateError> {
        let word = self.text("precision").to_lowercase();
        match word.as_str() {
            // 4-bit products are priced as 8-bit ones: no model of them is calibrated.
            word if word.contains("fp8") || word.contains("fp4") => Ok(Precision::Fp8),
            word if word.contains("bf16") => Ok(Precision::Bf16),
            word if word.contains("fp16") || word.contains("half") => Ok(Precision::Fp16),
            word if word.contains("32") => Ok(Precision::Fp32),
            "" => Ok(Precision::Bf16),
            _ => Err(self.bad(
                "precision",
                format!("`{word}` is none of bf16, fp16, fp8, mxfp8, fp32"),
            )),
        }
    }

    /// The word for the sharding of the state; words that are not known leave it open.
    fn sharding(&self) -> Option<Sharding> {
        let word = self.text("sharding").to_lowercase();
        match word.as_str() {
            "" => None,
            "dp" | "ddp" | "zero0" => Some(Sharding::Zero0),
            word if word.starts_with("none") => Some(Sharding::Zero0),
            word if word.contains("zero1") || word.contains("distopt") => Some(Sharding::Zero1),
            word if word.contains("zero2") || word.contains("shard_grad") => Some(Sharding::Zero2),
            word if word.contains("fsdp") || word.contains("zero3") => Some(Sharding::Zero3),
            _ => None,
        }
    }

    fn recompute(&self) -> Option<Recompute> {
        match self.text("act_recompute").to_lowercase().as_str() {
            "none" => Some(Recompute::None),
            "selective" => Some(Recompute::Selective),
            "full" | "offload" => Some(Recompute::Full),
            _ => None,
        }
    }

    fn pinned(&self, sparse: bool) -> Result<Pinned, EstimateError> {
        let (tensor, pipeline) = (self.count("tp")?, self.count("pp")?);
        // A row that publishes its layout leaves out what it does not use; a mixture's experts may be anywhere.
        let laid_out = tensor.is_some() && pipeline.is_some();
        let one = laid_out.then_some(1);
        Ok(Pinned {
            tensor,
            pipeline,
            context: self.count("cp")?.or(one),
            expert: self.count("ep")?.or(if sparse { None } else { one }),
            sharding: self.sharding(),
            micro_batch: self.batch("micro_batch")?,
            recompute: self.recompute(),
        })
    }

    fn known(&self) -> Result<Known, EstimateError> {
        let most = 1e7;
        let Some(total) = self.number("params_total_b", 1e6)? else {
            return Err(self.bad("params_total_b", "it is empty".to_owned()));
        };
        let total = total * 1e9;
        let active = self
            .number("params_active_b", 1e6)?
            .map_or(total, |active| (active * 1e9).min(total));
        Ok(Known {
            params_total: total,
            params_active: active,
            layers: self.number("layers", most)?,
            hidden: self.number("hidden", most)?,
            heads: self.number("heads", most)?,
            kv_heads: self.number("kv_heads", most)?,
            ffn: self.number("ffn", most)?,
            vocab: self.number("vocab", 1e9)?,
            // Dense models are written with no experts, or with none.
            experts: self.unless_zero("experts", most)?,
            per_token: self.unless_zero("experts_per_token", most)?,
        })
    }

    fn run(&self, chips: &Accelerators, memory_only: bool) -> Result<Run, EstimateError> {
        let anatomy = Anatomy::of(&self.known()?);
        let pinned = self.pinned(anatomy.is_sparse())?;
        let ways = [pinned.tensor, pinned.pipeline, pinned.context]
            .into_iter()
            .fold(1_u32, |ways, way| ways.saturating_mul(way.unwrap_or(1)));
        // A layout of more chips than the row has is that of one replica: the answer is for each chip all the same.
        let count = match self.count("chips")? {
            Some(count) => count.max(ways),
            None => CHIPS.checked_next_multiple_of(ways).unwrap_or(ways),
        };
        let mut workload = Workload::of_parameters(
            Params::new(anatomy.params_total),
            Params::new(anatomy.params_active),
            Tokens::new(1.0),
            self.count("seq_len")?.unwrap_or(SEQUENCE),
        );
        workload.global_batch = self.batch("global_batch_seqs")?;
        workload.precision = self.precision()?;
        let card = self.number(MEMORY_COLUMN, 1e6)?.map(|gib| gib * GIB);
        let name = self.text("chip");
        let part = chips.find(name).cloned();
        let question = match &part {
            None => Err(format!("the table of accelerators does not list `{name}`")),
            Some(part) => {
                // A chip without the row's format runs it in its widest 16-bit one.
                let formats = [workload.precision, Precision::Bf16, Precision::Fp16];
                let has = |format: &Precision| part.peak(format.number_format()).is_some();
                if workload.precision != Precision::Fp8
                    && let Some(format) = formats.into_iter().find(has)
                {
                    workload.precision = format;
                }
                Question::new(&workload, part, NODE.min(count), count, None, pinned).map(
                    |mut question| {
                        question.anatomy = anatomy;
                        if let Some(card) = card {
                            question.card.memory = card;
                        }
                        question
                    },
                )
            }
        };
        Ok(Run {
            id: self.text("id").to_owned(),
            part,
            question,
            whole_run: self.text("kind") == "run",
            memory_only,
            card,
        })
    }
}

impl Run {
    /// Time and memory by the cost model, and how sure they are.
    #[must_use]
    pub fn answer(&self, calibration: &Calibration) -> Answer {
        let unknown = |why: &str| Answer {
            rate: None,
            memory: None,
            fits: Fits::Unknown {
                why: why.to_owned(),
            },
            bound_by: BoundBy::Unknown,
        };
        let (question, part) = match (&self.question, &self.part) {
            (Ok(question), Some(part)) => (question, part),
            (Err(why), _) => return unknown(why),
            (Ok(_), None) => return unknown("the chip is not known"),
        };
        let Some(found) = question.best(calibration) else {
            return unknown("the given layout does not divide the chips");
        };
        let fits = match self.card {
            Some(card) => verdict(
                &found.footprint,
                card,
                found.footprint.total() <= USABLE * card,
                "accelerator",
            ),
            None => question.verdict(&found),
        };
        let rate = (!self.memory_only).then(|| {
            let mid = self.rate_of(question, calibration, &found);
            calibration
                .spread(self.situation(), part)
                .map(|factor| TokensPerSecond::new(mid * factor))
        });
        Answer {
            rate,
            memory: Some(bytes(found.footprint.total())),
            bound_by: match fits {
                Fits::No { .. } => BoundBy::Memory,
                Fits::Yes | Fits::Unknown { .. } => BoundBy::of(&found.seconds),
            },
            fits,
        }
    }

    fn rate_of(&self, question: &Question, calibration: &Calibration, found: &Found) -> f64 {
        let goodput = if self.whole_run {
            calibration.by.goodput.min(1.0)
        } else {
            1.0
        };
        goodput * question.rate(calibration, found)
    }

    /// Tokens per second and chip, at the layout that is fastest under this calibration, with that layout. For fitting.
    #[must_use]
    pub fn rate(&self, calibration: &Calibration) -> Option<(TokensPerSecond, Layout)> {
        let question = self.question.as_ref().ok()?;
        let found = question.best(calibration)?;
        let rate = self.rate_of(question, calibration, &found);
        Some((TokensPerSecond::new(rate), found.layout))
    }

    /// Tokens per second and chip at a layout. For fitting.
    #[must_use]
    pub fn rate_at(&self, calibration: &Calibration, layout: &Layout) -> Option<TokensPerSecond> {
        let question = self.question.as_ref().ok()?;
        let found = question.at(calibration, *layout);
        let rate = self.rate_of(question, calibration, &found);
        Some(TokensPerSecond::new(rate))
    }

    /// What decides how far off the answer is.
    #[must_use]
    pub fn situation(&self) -> Situation {
        match &self.question {
            Ok(question) => {
                Situation::of(question.anatomy.is_sparse(), question.pinned.is_laid_out())
            }
            Err(_) => Situation::DenseChosen,
        }
    }

    /// The accelerator's name in the table of accelerators.
    #[must_use]
    pub fn accelerator(&self) -> Option<&str> {
        self.part.as_ref().map(|part| part.name.as_str())
    }
}
