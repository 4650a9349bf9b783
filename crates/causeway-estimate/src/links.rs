//! What communication costs: alpha-beta for each collective.
//!
//! A ring all-reduce of S bytes over n takes 2 (n - 1) alpha + 2 S (n - 1) / n / B, an all-gather or a reduce-scatter
//! half of it, an all-to-all (n - 1) alpha + S (n - 1) / n / B.

use crate::layout::{Layout, Sharding};
use crate::step::Model;

/// Share of a link's rate that collectives reach: 70 to 90 % is usual.
const REACHED: f64 = 0.8;
/// Seconds to start a hop inside the scale-up domain (1 to 3 microseconds), and across (5 to 10).
const ALPHA_UP: f64 = 2e-6;
const ALPHA_OUT: f64 = 8e-6;
/// Hops of the longest ring: larger groups form trees.
const LONGEST_RING: f64 = 63.0;
/// Domains that a token's experts lie in at most: routers of models that spread experts over more are limited to four
/// nodes (DeepSeek-V3, 2412.19437, section 2.1.2).
const MOST_VISITED: f64 = 4.0;
/// Accelerators of a domain from which weights are divided inside it and copied across (pods, racks).
const LARGE_DOMAIN: f64 = 64.0;
/// Share of a micro-batch's time that is its backward pass: two of three.
const BACKWARD: f64 = 2.0 / 3.0;

/// A ring all-reduce of `bytes` over `n` at `rate` bytes/s and `alpha` seconds a hop. Seconds.
pub(crate) fn all_reduce(bytes: f64, n: f64, rate: f64, alpha: f64) -> f64 {
    2.0 * reduce_scatter(bytes, n, rate, alpha)
}

/// Half of a ring all-reduce: a reduce-scatter or an all-gather. Seconds.
pub(crate) fn reduce_scatter(bytes: f64, n: f64, rate: f64, alpha: f64) -> f64 {
    if n <= 1.0 {
        return 0.0;
    }
    (n - 1.0).min(LONGEST_RING) * alpha + bytes * (n - 1.0) / n / rate
}

/// Exposed communication: inside the domain, across. Seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Exposed {
    pub(crate) up: f64,
    pub(crate) out: f64,
}

impl Model<'_> {
    fn up_rate(&self) -> f64 {
        self.card.scale_up * REACHED
    }

    fn out_rate(&self) -> f64 {
        self.card.scale_out * REACHED
    }

    /// Of one layer and micro-batch. `again`: share of the forward pass that is computed again; `busy`: seconds of the
    /// layer's own work, behind which context parallelism hides.
    pub(crate) fn layer_links(
        &self,
        layout: &Layout,
        tokens: f64,
        again: f64,
        busy: f64,
    ) -> Exposed {
        let (a, card) = (self.anatomy, self.card);
        let (tensor, expert) = (f64::from(layout.tensor), f64::from(layout.expert));
        let passes = 1.0 + self.batch.backward.min(1.0) + again;
        let mut exposed = Exposed::default();
        if tensor > 1.0 {
            // An all-reduce after attention and one after the feed-forward part; experts have their all-to-all instead.
            let reduces = passes * if layout.expert > 1 { 1.0 } else { 2.0 };
            let shown = reduces * self.tensor_exposed(layout);
            let volume = 2.0 * tokens * a.hidden;
            let inside = tensor.min(card.domain);
            exposed.up += shown * all_reduce(volume, inside, self.up_rate(), ALPHA_UP);
            let across = (tensor / card.domain).ceil();
            exposed.out += shown * all_reduce(volume / inside, across, self.out_rate(), ALPHA_OUT);
        }
        if expert > 1.0 {
            // Dispatch and combine, forward and backward.
            let shown = 2.0 * passes * self.by.expert_exposed;
            // Copies go out in 8 bits where products are, and come back in 16.
            let width = if card.fp8 { 1.5 } else { 2.0 };
            let row = width * a.hidden * tokens / tensor;
            let inside = expert.min(card.domain);
            let domains = (expert / card.domain).ceil().max(1.0);
            exposed.up += shown
                * (row * a.per_token * (inside - 1.0) / inside / self.up_rate()
                    + inside * ALPHA_UP);
            if domains > 1.0 {
                // A token goes once to each other domain that has one of its experts.
                let visited = ((domains - 1.0) * (1.0 - (1.0 - 1.0 / domains).powf(a.per_token)))
                    .min(MOST_VISITED);
                exposed.out += shown * (row * visited / self.out_rate() + domains * ALPHA_OUT);
            }
        }
        let context = f64::from(layout.context);
        if context > 1.0 {
            // A ring of keys and values, hidden behind attention when the sequence is long.
            let hops = (context - 1.0) * (passes + 1.0);
            let bytes = hops * 4.0 * tokens * a.kv_heads * a.head_dim / tensor;
            let inside = tensor * context <= card.domain;
            let rate = if inside {
                self.up_rate()
            } else {
                self.out_rate()
            };
            let seconds = (bytes / rate - 0.5 * busy).max(self.by.data_exposed * bytes / rate);
            if inside {
                exposed.up += seconds;
            } else {
                exposed.out += seconds;
            }
        }
        exposed
    }

    /// Hand-over of a micro-batch's activations between stages, to the next and back.
    pub(crate) fn stage_links(&self, layout: &Layout, tokens: f64) -> f64 {
        if layout.pipeline <= 1 {
            return 0.0;
        }
        let ways = 1.0 + self.batch.backward.min(1.0);
        self.tensor_exposed(layout) * ways * 2.0 * tokens * self.anatomy.hidden / self.out_rate()
    }

    /// Between replicas, for a whole step of `batches` micro-batches of `busy` seconds.
    pub(crate) fn replica_links(&self, layout: &Layout, batches: f64, busy: f64) -> Exposed {
        let card = self.card;
        let group = f64::from(layout.data) * f64::from(layout.context);
        if group <= 1.0 || self.batch.backward <= 0.0 {
            return Exposed::default();
        }
        let bytes = 2.0 * self.anatomy.local_params(layout);
        // Replicas of one shard that share a domain: what tensor parallelism leaves of it.
        let inside = (card.domain / f64::from(layout.tensor)).clamp(1.0, group);
        let across = (group / inside).ceil().max(1.0);
        let up = |bytes: f64| reduce_scatter(bytes, inside, self.up_rate(), ALPHA_UP);
        let out = |bytes: f64| reduce_scatter(bytes / inside, across, self.out_rate(), ALPHA_OUT);
        let shown = |seconds: f64, room: f64| (self.by.data_exposed * seconds).max(seconds - room);
        let trained = bytes * self.batch.trained;
        if layout.sharding != Sharding::Zero3 {
            // Gradients reduced and weights gathered once, behind the last backward pass.
            let all = 2.0 * (up(trained) + out(trained));
            let share = shown(all, BACKWARD * busy) / all;
            return Exposed {
                up: 2.0 * up(trained) * share,
                out: 2.0 * out(trained) * share,
            };
        }
        // Weights gathered twice and gradients reduced for every micro-batch; the slower level decides. In a large
        // domain that stays inside, and gradients cross once a step.
        let hybrid = card.domain >= LARGE_DOMAIN;
        let each_up = 2.0 * up(bytes) + up(trained);
        let each_out = if hybrid {
            0.0
        } else {
            2.0 * out(bytes) + out(trained)
        };
        let hidden = batches * shown(each_up.max(each_out), busy);
        let mut exposed = if each_up >= each_out {
            Exposed {
                up: hidden,
                out: 0.0,
            }
        } else {
            Exposed {
                up: 0.0,
                out: hidden,
            }
        };
        if hybrid {
            exposed.out += shown(2.0 * out(trained), BACKWARD * busy);
        }
        exposed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_the_textbook_formula() {
        // 1 GB over 8 at 100 GB/s with 2 us a hop: 14 us + 2 x 7/8 x 10 ms.
        let seconds = all_reduce(1e9, 8.0, 100e9, 2e-6);
        assert!((seconds - (28e-6 + 17.5e-3)).abs() < 1e-12, "{seconds}");
        assert!((reduce_scatter(1e9, 8.0, 100e9, 2e-6) * 2.0 - seconds).abs() < 1e-15);
        assert!(all_reduce(1e9, 1.0, 100e9, 2e-6).abs() < f64::EPSILON);
    }
}
