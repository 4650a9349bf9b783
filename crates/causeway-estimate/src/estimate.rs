//! The estimate: does it fit, how long, how much.

use causeway_domain::{
    Bytes, Fact, Flop, GpuHours, GramsPerKilowattHour, Hours, KilogramsCo2, Source, Tflops, Tokens,
    TokensPerSecond, Usd,
};
use causeway_market::{Accelerator, Term};
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::energy::carbon;
use crate::error::at_least;
use crate::footprint::Footprint;
use crate::goodput::{FAILURES_PER_CHIP_DAY, UNKNOWN_CHIP};
use crate::question::{Question, smallest};
use crate::search::{Found, USABLE};
use crate::workload::bytes;
use crate::{
    Bill, BoundBy, Breakdown, Calibration, Energy, EstimateError, Fleet, Goodput, Hardware,
    Interval, Kind, Layout, Memory, Mfu, Rates, Situation, Workload,
};

/// How far a declared throughput may be off, to each side.
const DECLARED_SPREAD: f64 = 0.25;
/// Exponent by which the interval widens for kinds of work that no published run is of, and for models of which only the
/// number of parameters is known. Assumptions.
const WIDER_KIND: f64 = 1.5;
const WIDER_GUESS: f64 = 1.25;

/// Whether the run fits into memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fits {
    /// The layout fits, with room for what the formula leaves out.
    Yes,
    /// No layout does.
    No {
        /// How much is missing, and of what.
        why: String,
    },
    /// Not enough is known, or it is too close to say.
    Unknown {
        /// What is missing.
        why: String,
    },
}

impl std::fmt::Display for Fits {
    /// `yes`, `no`, `unknown`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No { .. } => "no",
            Self::Unknown { .. } => "unknown",
        })
    }
}

/// What a run on a fleet needs. Every unknown says why; none is a zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The parallel layout: the given one, or the fastest that fits (the nearest to fitting where none does). Unknown
    /// without accelerators that the table lists.
    pub layout: Fact<Layout>,
    /// Memory of the fullest shard (accelerator, or node without one) under that layout, part by part.
    pub memory: Memory,
    /// The sum of it.
    pub memory_needed: Bytes,
    /// Memory of a shard that a run may plan with: 94 % of what the card holds or the node has.
    pub memory_available: Fact<Bytes>,
    /// Whether it fits.
    pub fits: Fits,
    /// Tokens of the run.
    pub tokens: Tokens,
    /// Arithmetic on one of them.
    pub flops_per_token: Flop,
    /// Arithmetic of the run.
    pub flops: Flop,
    /// Share of the peak that is taken while it trains.
    pub mfu: Fact<Interval<Mfu>>,
    /// Throughput of one accelerator while it trains.
    pub tokens_per_second_per_chip: Fact<Interval<TokensPerSecond>>,
    /// Where the time of a step goes.
    pub step: Fact<Breakdown>,
    /// What failures, checkpoints and preemption leave of the time.
    pub goodput: Fact<Goodput>,
    /// Time from first to last step, failures, checkpoints and preemption included. Excludes queueing and set-up.
    pub hours: Fact<Interval<Hours>>,
    /// Accelerators times hours; unknown for processors only.
    pub gpu_hours: Fact<Interval<GpuHours>>,
    /// Money: the nodes, and what is known of storage, egress and people. [`Estimate::bill`] says which.
    pub cost: Fact<Interval<Usd>>,
    /// Money, part by part.
    pub bill: Bill,
    /// Power and energy. A rented hour already contains it: not to be paid twice.
    pub energy: Fact<Energy>,
    /// What the time is bound by.
    pub bound_by: BoundBy,
    /// Size of a checkpoint from which training can go on.
    pub checkpoint_bytes: Bytes,
    /// Size of the weights that come home.
    pub weights_bytes: Bytes,
    /// What a reader should know: assumptions, what was left out.
    pub notes: Vec<String>,
}

impl Estimate {
    /// Greenhouse gases on a grid; unknown when its factor or the energy is.
    #[must_use]
    pub fn carbon(&self, grid: &Fact<GramsPerKilowattHour>) -> Fact<Interval<KilogramsCo2>> {
        carbon(&self.energy, grid)
    }
}

impl Estimate {
    /// The same run at other prices: only money depends on them.
    #[must_use]
    pub fn at_prices(mut self, nodes: u32, term: Option<&Term>, rates: &Rates) -> Self {
        self.bill = Bill::of(nodes, term, rates, &self.hours, self.checkpoint_bytes);
        self.cost = self.bill.sum();
        self
    }
}

/// Estimates a run on a fleet.
///
/// Time: the cost model of `docs/formats/catalog.md` at the fastest layout that fits, or tokens / declared throughput where
/// the site measured one. Memory: training state (ZeRO, 1910.02054) and activations (2205.05198) under that layout.
///
/// # Errors
/// [`EstimateError::Number`] when a number of the workload or the fleet makes no sense.
pub fn estimate(
    workload: &Workload,
    fleet: &Fleet<'_>,
    calibration: &Calibration,
) -> Result<Estimate, EstimateError> {
    check(workload, fleet)?;
    let mut notes = Vec::new();
    let asked = ask(workload, fleet, calibration);
    let memory = memory(workload, fleet, &asked, &mut notes);
    let time = match fleet.declared_tokens_per_second {
        Some(rate) => declared(workload, fleet, rate, &mut notes),
        None => modelled(workload, fleet, &asked, calibration, &mut notes),
    };
    let bound_by = match &memory.fits {
        Fits::No { .. } => BoundBy::Memory,
        Fits::Yes | Fits::Unknown { .. } => time.bound_by,
    };
    let accelerators = f64::from(fleet.accelerators());
    let gpu_hours = if fleet.accelerators() == 0 {
        Fact::unknown("the nodes have no accelerators")
    } else {
        time.hours
            .clone()
            .map(|hours| hours.map(|h| GpuHours::new(h.get() * accelerators)))
    };
    let energy = match fleet.hardware {
        Hardware::Accelerators { part, .. } => Energy::of(part, fleet.accelerators(), &time.hours),
        Hardware::Unlisted { .. } | Hardware::Cpu => {
            Fact::unknown("no design power of the nodes is known")
        }
    };
    let (checkpoint_bytes, weights_bytes) = (workload.checkpoint_bytes(), workload.weights_bytes());
    let bill = Bill::of(
        fleet.nodes,
        fleet.term.as_ref(),
        &fleet.rates,
        &time.hours,
        checkpoint_bytes,
    );
    Ok(Estimate {
        layout: time.layout,
        memory: Memory::from(&memory.footprint),
        memory_needed: bytes(memory.footprint.total()),
        memory_available: memory.available,
        fits: memory.fits,
        tokens: workload.tokens,
        flops_per_token: workload.flops_per_token(),
        flops: workload.flops(),
        mfu: time.mfu,
        tokens_per_second_per_chip: time.rate,
        step: time.step,
        goodput: time.goodput,
        hours: time.hours,
        gpu_hours,
        cost: bill.sum(),
        bill,
        energy,
        bound_by,
        checkpoint_bytes,
        weights_bytes,
        notes,
    })
}

/// Utilisation of a 7-billion-parameter model on one node of eight, what it is and how sure: for questions that ask how
/// much arithmetic somebody's chips can have done, not for a run.
#[must_use]
pub fn usual_utilisation(part: &Accelerator, calibration: &Calibration) -> Fact<Interval<Mfu>> {
    let params = causeway_domain::Params::new(7e9);
    let tokens = causeway_domain::Tokens::new(1e12);
    let mut workload = Workload::of_parameters(params, params, tokens, 4096);
    if part.peak(causeway_market::NumberFormat::Bf16).is_none() {
        workload.precision = crate::Precision::Fp16;
    }
    let fleet = Fleet::new(Hardware::Accelerators { part, per_node: 8 }, 1);
    match estimate(&workload, &fleet, calibration) {
        Ok(answer) => answer.mfu,
        Err(error) => Fact::unknown(error.to_string()),
    }
}

fn check(workload: &Workload, fleet: &Fleet<'_>) -> Result<(), EstimateError> {
    at_least(
        "number of parameters",
        workload.params_total.get(),
        1.0,
        "1 or more",
    )?;
    at_least(
        "number of active parameters",
        workload.params_active.get(),
        1.0,
        "1 or more",
    )?;
    at_least(
        "number of parameters",
        workload.params_total.get() - workload.params_active.get() + 1.0,
        1.0,
        "no less than the active ones",
    )?;
    at_least("number of tokens", workload.tokens.get(), 1.0, "1 or more")?;
    at_least(
        "sequence length",
        f64::from(workload.sequence),
        1.0,
        "1 or more",
    )?;
    at_least("number of nodes", f64::from(fleet.nodes), 1.0, "1 or more")?;
    if let Some(batch) = workload.global_batch {
        at_least("batch", f64::from(batch), 1.0, "1 or more")?;
    }
    if !matches!(fleet.hardware, Hardware::Cpu) {
        at_least(
            "accelerators of a node",
            f64::from(fleet.hardware.per_node()),
            1.0,
            "1 or more",
        )?;
    }
    if let Some(rate) = fleet.preemptions_per_node_hour {
        at_least("preemptions of a node", rate, 0.0, "0 or more an hour")?;
    }
    if let Some(rate) = fleet.node_link {
        at_least("link of a node", rate.get(), 1.0, "1 bit/s or more")?;
    }
    if let Some(rate) = fleet.declared_tokens_per_second {
        at_least(
            "declared throughput",
            rate,
            f64::MIN_POSITIVE,
            "more than 0 tokens per second",
        )?;
    }
    Ok(())
}

/// The cost model's answer on accelerators that the table lists, or why there is none.
type Asked = Result<(Question, Found), String>;

fn ask(workload: &Workload, fleet: &Fleet<'_>, calibration: &Calibration) -> Asked {
    let Hardware::Accelerators { part, per_node } = fleet.hardware else {
        return Err(match fleet.hardware {
            Hardware::Unlisted { name, .. } => format!(
                "the table of accelerators does not list `{name}`; its peak is not known (or declare `tokens_per_second` of the offer)"
            ),
            _ => "a site without accelerators must declare its throughput (`tokens_per_second` of its offer)".to_owned(),
        });
    };
    let link = fleet
        .node_link
        .map(|rate| rate.bytes() / f64::from(per_node.max(1)));
    let question = Question::new(
        workload,
        part,
        per_node,
        fleet.accelerators(),
        link,
        fleet.layout,
    )?;
    let found = question.best(calibration).ok_or_else(|| {
        format!(
            "the given layout does not divide {} accelerators",
            fleet.accelerators()
        )
    })?;
    Ok((question, found))
}

struct Room {
    footprint: Footprint,
    available: Fact<Bytes>,
    fits: Fits,
}

fn memory(workload: &Workload, fleet: &Fleet<'_>, asked: &Asked, notes: &mut Vec<String>) -> Room {
    if let (Hardware::Accelerators { part, .. }, Ok((question, found))) = (fleet.hardware, asked) {
        notes.push(format!(
            "layout: {}{}",
            found.layout,
            if fleet.layout.is_laid_out() {
                " (given)"
            } else {
                " (the fastest that fits)"
            }
        ));
        let available = Fact::Known(
            bytes(USABLE * question.card.memory),
            Source {
                by: "94 % of the card".to_owned(),
                evidence: Some(format!(
                    "{} has {} ({})",
                    part.name,
                    part.memory,
                    part.sources.join("; ")
                )),
                on: None,
            },
        );
        let mut fits = question.verdict(found);
        if question.anatomy.guessed && fits == Fits::Yes {
            notes.push(
                "memory of activations is guessed: the model's shape is not known".to_owned(),
            );
            fits = Fits::Unknown {
                why: format!(
                    "the training state fits ({} on each accelerator), but without the model's config.json its activations can only be guessed",
                    bytes(found.footprint.states)
                ),
            };
        }
        return Room {
            footprint: found.footprint,
            available,
            fits,
        };
    }
    let cpu = matches!(fleet.hardware, Hardware::Cpu);
    let shard = if cpu { "node" } else { "accelerator" };
    let footprint = smallest(workload, fleet.shards(), !cpu);
    notes.push(format!(
        "memory: ZeRO-3 over {} {shard}{}, one sequence at a time, every layer recomputed, nothing offloaded: the least without 8-bit optimizers or offloading",
        fleet.shards(),
        if fleet.shards() == 1 { "" } else { "s" },
    ));
    let memory = match fleet.hardware {
        Hardware::Cpu => fleet
            .node_memory
            .ok_or_else(|| "the offer does not state the node's memory".to_owned()),
        Hardware::Unlisted { name, .. } => {
            Err(format!("the table of accelerators does not list `{name}`"))
        }
        Hardware::Accelerators { part, .. } => Ok(part.memory),
    };
    match memory {
        Ok(memory) => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "memories are far below 2^53 bytes"
            )]
            let whole = memory.get() as f64;
            let fits = footprint.total() <= USABLE * whole;
            Room {
                fits: crate::question::verdict(&footprint, whole, fits, shard),
                available: Fact::stated(
                    bytes(USABLE * whole),
                    format!("94 % of the {shard}'s memory, as stated"),
                ),
                footprint,
            }
        }
        Err(why) => Room {
            footprint,
            available: Fact::unknown(why.clone()),
            fits: Fits::Unknown { why },
        },
    }
}

struct Time {
    layout: Fact<Layout>,
    mfu: Fact<Interval<Mfu>>,
    rate: Fact<Interval<TokensPerSecond>>,
    step: Fact<Breakdown>,
    goodput: Fact<Goodput>,
    hours: Fact<Interval<Hours>>,
    bound_by: BoundBy,
}

fn declared(workload: &Workload, fleet: &Fleet<'_>, rate: f64, notes: &mut Vec<String>) -> Time {
    notes.push(format!("time from the throughput that the site declares, {rate} tokens/s a node; {:.0} % to each side is an assumption", DECLARED_SPREAD * 100.0));
    if fleet.nodes > 1 {
        notes.push(format!("{} nodes are taken to be {} times as fast as one: an assumption, communication slows them", fleet.nodes, fleet.nodes));
    }
    let mid = workload.tokens.get() / (rate * f64::from(fleet.nodes)) / 3600.0;
    let hours = Interval {
        low: mid / (1.0 + DECLARED_SPREAD),
        mid,
        high: mid / (1.0 - DECLARED_SPREAD),
    }
    .map(Hours::new);
    let why = "the time comes from the declared throughput";
    Time {
        layout: Fact::unknown(why),
        mfu: Fact::unknown(why),
        rate: Fact::unknown(why),
        step: Fact::unknown(why),
        goodput: Fact::unknown(why),
        hours: Fact::Known(hours, Source::named("the site's declared throughput")),
        bound_by: BoundBy::DeclaredThroughput,
    }
}

fn modelled(
    workload: &Workload,
    fleet: &Fleet<'_>,
    asked: &Asked,
    calibration: &Calibration,
    notes: &mut Vec<String>,
) -> Time {
    let (part, question, found) = match (fleet.hardware, asked) {
        (Hardware::Accelerators { part, .. }, Ok((question, found))) => (part, question, found),
        (_, asked) => {
            let why = match asked {
                Err(why) => why.clone(),
                Ok(_) => "the hardware is not known".to_owned(),
            };
            return Time {
                layout: Fact::unknown(why.clone()),
                mfu: Fact::unknown(why.clone()),
                rate: Fact::unknown(why.clone()),
                step: Fact::unknown(why.clone()),
                goodput: Fact::unknown(why.clone()),
                hours: Fact::unknown(why),
                bound_by: BoundBy::Unknown,
            };
        }
    };
    notes.extend(question.assumed.iter().cloned());
    let chips = f64::from(question.chips);
    let spread = spread(workload, part, question, calibration, notes);
    let writing = writing(workload.kind);
    let mid = question.rate(calibration, found) * (1.0 - writing);
    let rate = spread.map(|factor| TokensPerSecond::new(mid * factor));
    let published = calibration.seen(part).rows > 0;
    let failures = FAILURES_PER_CHIP_DAY * if published { 1.0 } else { UNKNOWN_CHIP };
    let preemptions = fleet.preemptions_per_node_hour.unwrap_or(0.0) * f64::from(fleet.nodes);
    let goodput = Goodput::of(chips, workload.checkpoint_bytes(), failures, preemptions);
    let hours = rate.map_inverse(|rate| {
        Hours::new(workload.tokens.get() / (rate.get() * chips) / 3600.0 / goodput.share)
    });
    let peak = question.card.peak;
    let mfu =
        rate.map(|rate| Mfu::at_most_one(rate.get() * workload.flops_per_token().get() / peak));
    let by = format!("cost model of a step on {} x {}", question.chips, part.name);
    let known = calibration.seen(part);
    let evidence = format!(
        "{}; on this chip {} rows of {} model families",
        calibration.source(),
        known.rows,
        known.families
    );
    let source = || Source {
        by: by.clone(),
        evidence: Some(evidence.clone()),
        on: None,
    };
    Time {
        layout: Fact::Known(found.layout, source()),
        mfu: Fact::Known(
            mfu,
            Source {
                by: format!(
                    "the dense peak of {} in {}, {}",
                    part.name,
                    workload.precision,
                    Tflops::new(peak / 1e12)
                ),
                evidence: Some(part.sources.join("; ")),
                on: None,
            },
        ),
        rate: Fact::Known(rate, source()),
        step: Fact::Known(Breakdown::of(&found.seconds), source()),
        goodput: Fact::stated(
            goodput,
            "419 interruptions of 16,384 H100 in 54 days (Llama 3); ten minutes to restart is an assumption",
        ),
        hours: Fact::Known(hours, source()),
        bound_by: BoundBy::of(&found.seconds),
    }
}

/// Share of the time in which the model writes instead of being trained.
fn writing(kind: Kind) -> f64 {
    match kind {
        Kind::Reinforcement { rollout } => {
            (rollout.get().to_f64().unwrap_or(0.0) / 100.0).clamp(0.0, 0.99)
        }
        _ => 0.0,
    }
}

/// Truth over estimate, four times in five; notes say why it is wide.
fn spread(
    workload: &Workload,
    part: &Accelerator,
    question: &Question,
    calibration: &Calibration,
    notes: &mut Vec<String>,
) -> Interval<f64> {
    let situation = Situation::of(question.anatomy.is_sparse(), question.pinned.is_laid_out());
    if calibration.seen(part).rows == 0 {
        notes.push(format!(
            "no published run on this chip ({}): the interval is wide, and failures are taken as twice as frequent",
            part.name
        ));
    }
    let mut wider = 1.0;
    if question.anatomy.guessed {
        wider *= WIDER_GUESS;
        notes.push("layers and widths are guessed from the number of parameters".to_owned());
    }
    if !workload.kind.is_calibrated() {
        wider *= WIDER_KIND;
        notes.push(
            "no published run is of this kind: a simpler model, and a wider interval".to_owned(),
        );
    }
    if workload.global_batch.is_none() {
        notes.push(format!(
            "no batch is stated: {} sequences a step are taken",
            workload.usual_batch(question.chips)
        ));
    }
    let spread = calibration.spread(situation, part);
    Interval {
        low: spread.low.powf(wider),
        mid: 1.0,
        high: spread.high.powf(wider),
    }
}
