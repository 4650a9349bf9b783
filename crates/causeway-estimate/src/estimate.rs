//! The estimate: does it fit, how long, how much.

use causeway_domain::{Bytes, Fact, Flop, GpuHours, Hours, Source, Usd};
use serde::Serialize;

use crate::error::at_least;
use crate::workload::bytes;
use crate::{
    Basis, EstimateError, Fleet, Hardware, Interval, Layout, Memory, Mfu, MfuTable, Workload, cost,
};

/// Share of a card's memory that a run may plan with.
const USABLE: f64 = 0.94;
/// Measured runs took 1.2 to 1.5 times what the formula says (24 of 25 rows of `tests/data/memory.csv`): only what fits
/// with that is said to fit.
const HEADROOM: f64 = 1.5;
/// How far a declared throughput may be off, to each side.
const DECLARED_SPREAD: f64 = 0.25;

/// Whether the run fits into memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fits {
    /// A layout exists that fits, with room for what the formula leaves out.
    Yes,
    /// Even the smallest layout does not.
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

/// What a run on a fleet needs. Every unknown says why; none is a zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Memory of the fullest shard (accelerator, or node without one) under the smallest layout. Without the model's shape
    /// a lower bound: state and runtime only.
    pub memory_needed: Bytes,
    /// Memory of a shard that a run may plan with: 94 % of the card or the node.
    pub memory_available: Fact<Bytes>,
    /// Whether it fits.
    pub fits: Fits,
    /// Arithmetic of the run.
    pub flops: Flop,
    /// Share of the peak that is taken.
    pub mfu: Fact<Interval<Mfu>>,
    /// Time from first to last step. Excludes queueing, set-up, failures and preemption.
    pub hours: Fact<Interval<Hours>>,
    /// Accelerators times hours; unknown for processors only.
    pub gpu_hours: Fact<Interval<GpuHours>>,
    /// Price times nodes times hours. Excludes storage, egress and people.
    pub cost: Fact<Interval<Usd>>,
    /// What the time is bound by: `compute`, `declared throughput`, `memory` (it does not fit) or `unknown`.
    pub bound_by: &'static str,
    /// Size of a checkpoint from which training can go on.
    pub checkpoint_bytes: Bytes,
    /// Size of the weights that come home.
    pub weights_bytes: Bytes,
    /// What a reader should know: assumptions, what was left out.
    pub notes: Vec<String>,
}

/// Estimates a run on a fleet.
///
/// Memory: 16 bytes of state a parameter (Adam, mixed precision) and activations under [`Layout::smallest`]. Time: FLOPs
/// / (accelerators x dense peak x MFU), or tokens / declared throughput where the site measured one.
///
/// # Errors
/// [`EstimateError::Number`] when a number of the workload or the fleet makes no sense.
pub fn estimate(
    workload: &Workload,
    fleet: &Fleet<'_>,
    mfu: &MfuTable,
) -> Result<Estimate, EstimateError> {
    check(workload, fleet)?;
    let mut notes = Vec::new();
    let (memory_needed, memory_available, fits) = memory(workload, fleet, &mut notes);
    let (mfu, hours, mut bound_by) = time(workload, fleet, mfu, &mut notes);
    if matches!(fits, Fits::No { .. }) {
        bound_by = "memory";
    }
    let accelerators = f64::from(fleet.accelerators());
    let gpu_hours = if fleet.accelerators() == 0 {
        Fact::unknown("the nodes have no accelerators")
    } else {
        hours
            .clone()
            .map(|hours| hours.map(|h| GpuHours::new(h.get() * accelerators)))
    };
    let cost = match fleet.price_per_node_hour {
        Some(price) => hours
            .clone()
            .map(|hours| hours.map(|h| cost(price, fleet.nodes, h))),
        None => Fact::unknown("the offer states no price"),
    };
    Ok(Estimate {
        memory_needed,
        memory_available,
        fits,
        flops: workload.flops(),
        mfu,
        hours,
        gpu_hours,
        cost,
        bound_by,
        checkpoint_bytes: workload.checkpoint_bytes(),
        weights_bytes: workload.weights_bytes(),
        notes,
    })
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

fn memory(
    workload: &Workload,
    fleet: &Fleet<'_>,
    notes: &mut Vec<String>,
) -> (Bytes, Fact<Bytes>, Fits) {
    let cpu = matches!(fleet.hardware, Hardware::Cpu);
    let shard = if cpu { "node" } else { "accelerator" };
    let layout = Layout::smallest(fleet.shards(), workload.global_batch);
    let needed = Memory::of(workload, &layout, !cpu).total();
    let usable = |memory: Bytes| share(memory, USABLE);
    let available = match fleet.hardware {
        Hardware::Accelerators { part, .. } => Fact::Known(
            usable(part.memory),
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
        ),
        Hardware::Unlisted { name, .. } => {
            Fact::unknown(format!("the table of accelerators does not list `{name}`"))
        }
        Hardware::Cpu => match fleet.node_memory {
            Some(memory) => Fact::stated(
                usable(memory),
                "94 % of the node's memory, as the offer states it",
            ),
            None => Fact::unknown("the offer does not state the node's memory"),
        },
    };
    notes.push(format!(
        "memory: {} bytes of state a parameter, ZeRO-3 over {} {shard}{}, one sequence at a time, every layer recomputed, nothing offloaded: less is not possible without 8-bit optimizers or offloading",
        workload.state_bytes_per_param(),
        fleet.shards(),
        if fleet.shards() == 1 { "" } else { "s" },
    ));
    if let Some(batch) = workload.global_batch.filter(|_| layout.tensor > 1) {
        notes.push(format!(
            "a batch of {batch} sequences is smaller than {} {shard}s: each layer is divided over {} of them",
            fleet.shards(),
            layout.tensor
        ));
    }
    let fits = match available.known() {
        Some(available) if needed > *available => Fits::No {
            why: format!(
                "needs {needed} on each {shard}, {available} can be used: {} too little",
                needed.saturating_sub(*available)
            ),
        },
        Some(_) if workload.shape.is_none() => {
            notes.push(
                "memory of activations is not counted: the model's shape is not known".to_owned(),
            );
            Fits::Unknown {
                why: format!(
                    "the training state fits ({needed} on each {shard}), but without the model's config.json its activations can't be counted"
                ),
            }
        }
        Some(available) if share(needed, HEADROOM) > *available => Fits::Unknown {
            why: format!(
                "tight: {needed} on each {shard} by the formula, {available} can be used, and measured runs took up to {HEADROOM} times the formula"
            ),
        },
        Some(_) => Fits::Yes,
        None => Fits::Unknown {
            why: unknown_why(&available),
        },
    };
    (needed, available, fits)
}

fn unknown_why<T>(fact: &Fact<T>) -> String {
    match fact {
        Fact::Unknown(why) => why.clone(),
        Fact::Known(..) => String::new(),
    }
}

fn share(memory: Bytes, share: f64) -> Bytes {
    #[expect(
        clippy::cast_precision_loss,
        reason = "memories are far below 2^53 bytes"
    )]
    let amount = memory.get() as f64;
    bytes(amount * share)
}

type Time = (Fact<Interval<Mfu>>, Fact<Interval<Hours>>, &'static str);

fn time(workload: &Workload, fleet: &Fleet<'_>, table: &MfuTable, notes: &mut Vec<String>) -> Time {
    notes.push(if workload.shape.is_some() {
        "arithmetic: 6 N D and causal attention, 6 L h s a token".to_owned()
    } else {
        "arithmetic: 6 N D; attention is left out, the model's shape is not known".to_owned()
    });
    if let Some(rate) = fleet.declared_tokens_per_second {
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
        let mfu = Fact::unknown("the time comes from the declared throughput");
        return (
            mfu,
            Fact::Known(hours, Source::named("the site's declared throughput")),
            "declared throughput",
        );
    }
    let unknown = |why: String| (Fact::unknown(why.clone()), Fact::unknown(why), "unknown");
    let part = match fleet.hardware {
        Hardware::Cpu => return unknown("a site without accelerators must declare its throughput (`tokens_per_second` of its offer)".to_owned()),
        Hardware::Unlisted { name, .. } => {
            return unknown(format!("the table of accelerators does not list `{name}`; its peak is not known (or declare `tokens_per_second` of the offer)"));
        }
        Hardware::Accelerators { part, .. } => part,
    };
    let format = workload.precision.number_format();
    let Some(peak) = part.peak(format) else {
        return unknown(format!(
            "no dense {format} peak is published for {}",
            part.name
        ));
    };
    let choice = table.choose(part, workload.is_sparse(), workload.precision);
    match choice.basis {
        Basis::Runs => {}
        Basis::FewRuns => notes.push(format!(
            "few published runs on {}: the interval is widened",
            part.name
        )),
        Basis::Related | Basis::Assumption => notes.push(format!(
            "no published run on this chip ({}) that compares: {}",
            part.name, choice.source
        )),
    }
    let rate = f64::from(fleet.accelerators()) * peak.get() * 1e12;
    let hours = choice
        .mfu
        .map_inverse(|mfu| Hours::new(workload.flops().get() / (rate * mfu.get()) / 3600.0));
    let source = Source {
        by: format!(
            "FLOPs / ({} x {peak} dense {format} x MFU)",
            fleet.accelerators()
        ),
        evidence: Some(format!("MFU {}: {}", choice.mfu, choice.source)),
        on: None,
    };
    (
        Fact::stated(choice.mfu, choice.source),
        Fact::Known(hours, source),
        "compute",
    )
}
