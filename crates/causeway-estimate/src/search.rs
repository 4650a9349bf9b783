//! The fastest layout that fits.
//!
//! Every layout of powers of two (stages: every divisor of the chips) is looked at, but for those that can't win: a
//! layout's layers alone, with the bubble, take no less than the best one found so far. What is left out of that bound is
//! never negative, so the answer is that of the full search.

use crate::footprint::{Footprint, Widths};
use crate::layout::{Layout, Pinned, Recompute, Sharding};
use crate::step::{Layer, Model, Seconds, eager};

/// A layout with its time and memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) layout: Layout,
    pub(crate) seconds: Seconds,
    pub(crate) footprint: Footprint,
    pub(crate) fits: bool,
}

/// Share of what a card holds that a run may plan with.
pub(crate) const USABLE: f64 = 0.94;
/// Share from which the allocator begins to stop and clean up.
const TIGHT: f64 = 0.7;
/// Tensor-parallel ways beyond which products get too thin to be looked at.
const MOST_TENSOR: u32 = 8;
/// Stages beyond which pipelines are not looked at.
const MOST_STAGES: u32 = 64;
/// Sequences of the largest micro-batch that is looked at.
const MOST_MICRO: u32 = 32;
/// Tokens of the shortest part of a sequence: shorter sequences are not divided.
const SHORTEST_PART: f64 = 8192.0;

const RECOMPUTE: [Recompute; 3] = [Recompute::None, Recompute::Selective, Recompute::Full];

impl Model<'_> {
    /// Time and memory of one layout.
    pub(crate) fn at(&self, widths: &Widths, layout: Layout) -> Found {
        self.with(widths, layout, &self.layer(&layout))
    }

    fn with(&self, widths: &Widths, layout: Layout, layer: &Layer) -> Found {
        let footprint = Footprint::of(self, widths, &layout);
        let used = footprint.total() / self.card.memory;
        let mut seconds = self.step_of(&layout, layer);
        let full = ((used - TIGHT) / (USABLE - TIGHT)).clamp(0.0, 1.0);
        seconds.overhead += seconds.total() * self.by.pressure * full;
        Found {
            layout,
            seconds,
            footprint,
            fits: used <= USABLE,
        }
    }
}

/// The fastest layout over `chips` that fits, or the one that comes nearest to fitting. `None` only when the given
/// parts ask for more chips than there are, or do not divide them.
pub(crate) fn search(
    model: &Model<'_>,
    widths: &Widths,
    chips: u32,
    pinned: &Pinned,
) -> Option<Found> {
    Search {
        model,
        widths,
        best: None,
        prune: true,
    }
    .run(chips, pinned)
}

struct Search<'a> {
    model: &'a Model<'a>,
    widths: &'a Widths,
    best: Option<Found>,
    prune: bool,
}

impl Search<'_> {
    fn run(mut self, chips: u32, pinned: &Pinned) -> Option<Found> {
        let a = self.model.anatomy;
        let heads = whole(a.heads);
        let domain = whole(self.model.card.domain).min(MOST_TENSOR);
        let stages = stages(pinned, chips, a.layers, self.model.card.maker);
        for tensor in ways(pinned.tensor, domain, |t| {
            heads.is_multiple_of(t) && chips.is_multiple_of(t)
        }) {
            for context in ways(pinned.context, chips / tensor.max(1), |c| {
                (chips / tensor.max(1)).is_multiple_of(c)
                    && self.model.batch.sequence / f64::from(c) >= SHORTEST_PART
            }) {
                let experts = if a.is_sparse() { whole(a.experts) } else { 1 };
                for expert in ways(pinned.expert, experts, |e| experts.is_multiple_of(e)) {
                    for micro_batch in ways(pinned.micro_batch, MOST_MICRO, |b| {
                        f64::from(b) <= self.model.batch.global
                    }) {
                        for recompute in RECOMPUTE {
                            if pinned.recompute.is_some_and(|given| given != recompute)
                                || (self.model.batch.backward <= 0.0
                                    && recompute != Recompute::None)
                            {
                                continue;
                            }
                            let layout = Layout {
                                data: 1,
                                tensor,
                                pipeline: 1,
                                expert,
                                context,
                                sharding: Sharding::Zero1,
                                micro_batch,
                                recompute,
                            };
                            self.spread(chips, &stages, pinned, layout);
                        }
                    }
                }
            }
        }
        self.best
    }

    /// Stages, replicas and sharding for one way to divide a layer.
    fn spread(&mut self, chips: u32, stages: &[u32], pinned: &Pinned, base: Layout) {
        // What a layer costs depends on the sharding only by whether it runs operation by operation.
        let mut layers: [Option<Layer>; 2] = [None, None];
        let across = base.tensor.saturating_mul(base.context);
        for &pipeline in stages {
            let model_ways = across.saturating_mul(pipeline);
            // What is left over when given ways do not divide the chips stays idle: never more shards than there are.
            let leaves_idle = !chips.is_multiple_of(model_ways.max(1));
            if model_ways > chips || (leaves_idle && pinned.pipeline.is_none()) {
                continue;
            }
            let data = chips / model_ways.max(1);
            let group = data.saturating_mul(across);
            if pinned.expert.is_none() && !group.is_multiple_of(base.expert) {
                continue;
            }
            if pinned.micro_batch.is_none()
                && base.micro_batch > 1
                && f64::from(base.micro_batch) * f64::from(data) > self.model.batch.global
            {
                continue;
            }
            for sharding in [
                Sharding::Zero0,
                Sharding::Zero1,
                Sharding::Zero2,
                Sharding::Zero3,
            ] {
                let wanted = match pinned.sharding {
                    Some(given) => given == sharding,
                    // Gathering weights for every micro-batch of a pipeline is not done.
                    None => {
                        sharding == Sharding::Zero1
                            || (sharding == Sharding::Zero3 && pipeline == 1)
                    }
                };
                if !wanted {
                    continue;
                }
                let layout = Layout {
                    data,
                    pipeline,
                    sharding,
                    ..base
                };
                let slot = layers.get_mut(usize::from(eager(&layout)));
                let Some(slot) = slot else { continue };
                let layer = *slot.get_or_insert_with(|| self.model.layer(&layout));
                self.consider(layout, &layer);
            }
        }
    }

    fn consider(&mut self, layout: Layout, layer: &Layer) {
        let model = self.model;
        if self.prune
            && let Some(best) = self.best.as_ref().filter(|best| best.fits)
        {
            let stage = model.anatomy.layers / f64::from(layout.pipeline) * layer.total();
            let least = stage * model.batches(&layout) * (1.0 + model.bubble(&layout))
                / model.sequences(&layout);
            if least > best.seconds.each() {
                return;
            }
        }
        let found = model.with(self.widths, layout, layer);
        let better = match &self.best {
            None => true,
            Some(best) => match (found.fits, best.fits) {
                (true, false) => true,
                (false, true) => false,
                (true, true) => found.seconds.each() < best.seconds.each(),
                (false, false) => found.footprint.total() < best.footprint.total(),
            },
        };
        if better {
            self.best = Some(found);
        }
    }
}

/// The given number of ways, or every power of two up to `most` that is good.
fn ways(pinned: Option<u32>, most: u32, good: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> {
    let most = most.max(1);
    let (first, given) = pinned.map_or((1, false), |given| (given.max(1), true));
    std::iter::successors(Some(first), move |way| {
        way.checked_mul(2).filter(|way| !given && *way <= most)
    })
    .filter(move |way| given || *way == 1 || good(*way))
}

/// Numbers of stages to look at: the divisors of the chips. XLA programs have one stage.
fn stages(pinned: &Pinned, chips: u32, layers: f64, maker: crate::card::Maker) -> Vec<u32> {
    if let Some(given) = pinned.pipeline {
        return vec![given.max(1)];
    }
    let most = if maker == crate::card::Maker::Google {
        1
    } else {
        MOST_STAGES.min(chips).min(whole(layers))
    };
    (1..=most.max(1))
        .filter(|stages| chips.is_multiple_of(*stages))
        .collect()
}

/// A count as an integer; counts are far below 2^32.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and counts are never negative"
)]
pub(crate) fn whole(count: f64) -> u32 {
    count as u32
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
