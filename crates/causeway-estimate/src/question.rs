//! A workload on accelerators as the cost model sees it.

use causeway_market::Accelerator;

use crate::anatomy::{Anatomy, Known};
use crate::calibration::Calibration;
use crate::card::{Card, card};
use crate::coefficients::Coefficients;
use crate::footprint::{Footprint, GIB, Widths};
use crate::layout::{Layout, Pinned, Recompute, Sharding};
use crate::search::{Found, search};
use crate::step::{Batch, Model};
use crate::{Fits, Kind, Precision, Workload};

/// Bytes of a frozen weight in 4 bits with its scales, quantised twice (QLoRA, 2305.14314, section 3).
const QUANTISED: f64 = 0.516;
/// What 8-bit training keeps of the inputs of products, against 16 bits: not all of them are kept in 8.
const KEPT_IN_8_BITS: f64 = 0.7;
/// Runtime context, alone; with communication buffers (0.5 to 1 GiB, and 0.5 to 2); a process without accelerators.
const ALONE: f64 = 0.75 * GIB;
const AMONG: f64 = 2.0 * GIB;
const PROCESS: f64 = 0.5 * GIB;
/// Memory that is between fitting and not fitting: measured peaks lie within this factor of the formula.
const SURE_NOT: f64 = 1.15;

/// Everything that time and memory depend on but the coefficients.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) anatomy: Anatomy,
    pub(crate) card: Card,
    pub(crate) batch: Batch,
    pub(crate) widths: Widths,
    pub(crate) chips: u32,
    pub(crate) pinned: Pinned,
    /// What was assumed because it is not published.
    pub(crate) assumed: Vec<String>,
}

impl Question {
    pub(crate) fn new(
        workload: &Workload,
        part: &Accelerator,
        per_node: u32,
        chips: u32,
        scale_out: Option<f64>,
        pinned: Pinned,
    ) -> Result<Self, String> {
        let (card, assumed) = card(part, workload.precision, per_node, chips, scale_out)?;
        let anatomy = anatomy(workload);
        let pinned = Pinned {
            recompute: pinned.recompute.or(workload.recompute),
            ..pinned
        };
        Ok(Self {
            anatomy,
            card,
            batch: batch(workload, &anatomy, chips),
            widths: widths(workload, &anatomy, &card),
            chips,
            pinned,
            assumed,
        })
    }

    pub(crate) fn model<'a>(&'a self, by: &'a Coefficients) -> Model<'a> {
        Model {
            anatomy: &self.anatomy,
            card: &self.card,
            batch: &self.batch,
            by,
        }
    }

    /// The fastest layout that fits.
    pub(crate) fn best(&self, calibration: &Calibration) -> Option<Found> {
        search(
            &self.model(&calibration.by),
            &self.widths,
            self.chips,
            &self.pinned,
        )
    }

    /// Time and memory at a layout.
    pub(crate) fn at(&self, calibration: &Calibration, layout: Layout) -> Found {
        self.model(&calibration.by).at(&self.widths, layout)
    }

    /// Tokens per second and chip of what was found, at the layout that people choose.
    pub(crate) fn rate(&self, calibration: &Calibration, found: &Found) -> f64 {
        let seconds = &found.seconds;
        let good = if self.pinned.is_laid_out() {
            1.0
        } else {
            calibration.by.chosen.min(1.0)
        };
        good * seconds.sequences * self.batch.sequence / (seconds.total() * f64::from(self.chips))
    }

    pub(crate) fn verdict(&self, found: &Found) -> Fits {
        verdict(
            &found.footprint,
            self.card.memory,
            found.fits,
            "accelerator",
        )
    }
}

/// Whether a footprint fits into what a card or a node holds.
pub(crate) fn verdict(footprint: &Footprint, card: f64, fits: bool, shard: &str) -> Fits {
    let (needed, gib) = (footprint.total(), |bytes: f64| bytes / GIB);
    if fits {
        Fits::Yes
    } else if footprint.least() > card {
        Fits::No {
            why: format!(
                "training state alone takes {:.1} GiB on each {shard} of {:.1}: {:.1} GiB too little",
                gib(footprint.least()),
                gib(card),
                gib(footprint.least() - card)
            ),
        }
    } else if needed > SURE_NOT * card {
        let (largest, amount) = footprint.largest();
        Fits::No {
            why: format!(
                "needs {:.1} GiB on each {shard} ({largest} {:.1}) of {:.1}: {:.1} GiB too little",
                gib(needed),
                gib(amount),
                gib(card),
                gib(needed - card)
            ),
        }
    } else {
        Fits::Unknown {
            why: format!(
                "tight: {:.1} GiB on each {shard} of {:.1} by the formula, and measured peaks lie up to 15 % from the formula",
                gib(needed),
                gib(card)
            ),
        }
    }
}

fn anatomy(workload: &Workload) -> Anatomy {
    let (total, active) = (workload.params_total.get(), workload.params_active.get());
    match &workload.shape {
        Some(shape) => Anatomy::of_shape(shape, total, active),
        None => Anatomy::of(&Known {
            params_total: total,
            params_active: active,
            ..Known::default()
        }),
    }
}

/// Share of all weights that is trained, and so what a run has to show for itself.
pub(crate) fn trained_share(workload: &Workload) -> f64 {
    trained(workload.kind, &anatomy(workload))
}

fn trained(kind: Kind, a: &Anatomy) -> f64 {
    match kind {
        Kind::PreTrain | Kind::FineTune | Kind::Reinforcement { .. } => 1.0,
        Kind::Throughput => 0.0,
        Kind::Lora { rank } | Kind::Qlora { rank } => {
            // An adapter of rank r beside a matrix has r (in + out) weights; experts usually have none.
            let (queries, keys) = (a.heads * a.head_dim, a.kv_heads * a.head_dim);
            let attention = 2.0 * (a.hidden + queries) + 2.0 * (a.hidden + keys);
            let ffn = if a.ffn > 0.0 {
                a.ffn_matrices * (a.hidden + a.ffn)
            } else {
                0.0
            };
            (f64::from(rank) * a.layers * (attention + ffn) / a.params_total).min(1.0)
        }
    }
}

fn batch(workload: &Workload, a: &Anatomy, chips: u32) -> Batch {
    Batch {
        sequence: f64::from(workload.sequence),
        global: f64::from(
            workload
                .global_batch
                .unwrap_or_else(|| workload.usual_batch(chips)),
        ),
        given: workload.global_batch.is_some(),
        half: workload.precision == Precision::Fp16,
        backward: workload.kind.backward(),
        trained: trained(workload.kind, a),
    }
}

/// Gradients are summed up in 32 bits on accelerators before 8-bit floats, in 16 on later ones and in IEEE half: the
/// defaults of the software of their published runs.
fn widths(workload: &Workload, a: &Anatomy, card: &Card) -> Widths {
    let weight = f64::from(workload.precision.bytes());
    let trained = trained(workload.kind, a);
    let gradient = match workload.precision {
        Precision::Fp32 => 4.0,
        Precision::Fp16 => 2.0,
        Precision::Bf16 | Precision::Fp8 if card.before_fp8 => 4.0,
        Precision::Bf16 | Precision::Fp8 => 2.0,
    };
    let optimizer = f64::from(workload.state_bytes_per_param()) - 2.0 * weight;
    let frozen = match workload.kind {
        Kind::Qlora { .. } => QUANTISED,
        _ => weight,
    };
    let adapters = matches!(workload.kind, Kind::Lora { .. } | Kind::Qlora { .. });
    Widths {
        weight: frozen + if adapters { weight * trained } else { 0.0 },
        gradient: gradient * trained,
        optimizer: optimizer * trained,
        activation: weight,
        kept: if card.fp8 { KEPT_IN_8_BITS } else { 1.0 },
        alone: ALONE,
        among: AMONG,
    }
}

/// Memory of a node of processors, or of accelerators of which nothing is known: the layout that needs the least without
/// offloading (ZeRO-3 over every shard, one sequence at a time, all layers recomputed; where the batch has fewer sequences
/// than there are shards, the rest divide each layer).
pub(crate) fn smallest(workload: &Workload, shards: u32, accelerator: bool) -> Footprint {
    let shards = shards.max(1);
    let tensor = shards.div_ceil(workload.global_batch.unwrap_or(shards).clamp(1, shards));
    let layout = Layout {
        data: (shards / tensor).max(1),
        tensor,
        pipeline: 1,
        expert: 1,
        context: 1,
        sharding: Sharding::Zero3,
        micro_batch: 1,
        recompute: Recompute::Full,
    };
    let card = Card {
        peak: 1.0,
        peak16: 1.0,
        measured: None,
        measured16: None,
        maker: crate::card::Maker::Other,
        before_fp8: false,
        fp8: false,
        hbm: 1.0,
        memory: 0.0,
        scale_up: 1.0,
        domain: 1.0,
        scale_out: 1.0,
    };
    let anatomy = anatomy(workload);
    let batch = batch(workload, &anatomy, shards);
    let mut widths = widths(workload, &anatomy, &card);
    if !accelerator {
        widths.alone = PROCESS;
        widths.among = PROCESS;
    }
    let model = Model {
        anatomy: &anatomy,
        card: &card,
        batch: &batch,
        by: &Coefficients::PRIOR,
    };
    Footprint::of(&model, &widths, &layout)
}
