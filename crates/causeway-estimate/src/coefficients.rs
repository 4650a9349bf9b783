//! The few numbers of the cost model that no data sheet states, each with its prior.

use serde::Serialize;

/// What is known of a coefficient before any run is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prior {
    /// Name in `catalog/efficiency.json`.
    pub name: &'static str,
    /// Value before any run is seen.
    pub value: f64,
    /// Standard deviation of its logarithm: how far a fit may take it. 0: it is not fitted.
    pub spread: f64,
    /// What it is, with its unit.
    pub meaning: &'static str,
    /// Where the prior comes from.
    pub source: &'static str,
}

macro_rules! coefficients {
    ($($name:ident: $prior:literal, $spread:literal, $meaning:literal, $source:literal;)*) => {
        /// The fitted numbers, all above zero.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub(crate) struct Coefficients { $(#[doc = $meaning] pub(crate) $name: f64,)* }

        /// Every coefficient, in the order of the struct.
        pub(crate) const PRIORS: &[Prior] = &[$(Prior { name: stringify!($name), value: $prior, spread: $spread, meaning: $meaning, source: $source },)*];

        impl Coefficients {
            /// Before any run is seen.
            pub(crate) const PRIOR: Self = Self { $($name: $prior,)* };

            pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut f64> {
                match name { $(stringify!($name) => Some(&mut self.$name),)* _ => None }
            }

            pub(crate) fn get(&self, name: &str) -> Option<f64> {
                match name { $(stringify!($name) => Some(self.$name),)* _ => None }
            }
        }
    };
}

coefficients! {
    sustained: 0.88, 0.08, "share of the best measured product of matrices that a training run sustains", "assumption: products of a run are smaller and less regular than the best of a search, which is what the measured ceiling is";
    ceiling_tpu: 0.92, 0.08, "best product of matrices of a TPU as a share of the peak, where none is measured", "assumption: XLA's products are within a tenth of the peak";
    ceiling_ascend: 0.75, 0.12, "best product of matrices of an Ascend as a share of the peak, where none is measured", "assumption: below the 80 to 87 % of H100 and A100";
    ceiling_other: 0.80, 0.0, "best product of matrices of any other chip as a share of the peak, where none is measured", "assumption: that of H100 (stas00/ml-engineering), not fitted";
    fp8: 0.85, 0.12, "rate of 8-bit products in training against their best measured one", "assumption: scaling factors cost a part";
    wave: 0.5, 0.3, "share of the last wave of tiles of a product that is idle", "a uniformly filled last wave is half empty";
    gemm_bytes: 0.5, 0.3, "share of a product's own memory traffic that is not hidden behind its arithmetic", "assumption";
    elementwise: 1.0, 0.25, "memory traffic of norms, residuals, activation functions and loss against a count of unfused reads and writes", "count of 40 bytes a token and width forward, the low end of 40 to 60 for unfused code";
    fused: 0.6, 0.25, "the same where the software fuses small operations", "assumption";
    attention_reuse: 200.0, 0.25, "fused attention: FLOP for each byte/s of memory bandwidth, beside the limit of products", "gives the published rates of FlashAttention-2 on A100 and H100 (2307.08691)";
    score_bytes: 13.0, 0.25, "unfused attention: bytes moved for each score in a forward pass", "count of reads and writes of a 16-bit score through product, softmax, dropout and product";
    layer_launch: 0.1, 0.4, "milliseconds between kernels, for each layer and micro-batch, forward and backward", "about 40 kernels, 2 microseconds each";
    expert_launch: 0.6, 0.4, "milliseconds of routing, permutation and waiting, for each layer with experts and micro-batch", "assumption";
    grouped: 0.75, 0.15, "rate of grouped products over experts against one large product", "assumption";
    tensor_exposed: 0.6, 0.3, "share of tensor-parallel communication that is not hidden", "30 to 90 % of it is hidden inside a domain";
    tensor_exposed_fused: 0.35, 0.3, "the same where the software splits products to hide it", "30 to 90 % of it is hidden inside a domain";
    expert_exposed: 0.7, 0.25, "share of the experts' all-to-all that is not hidden", "assumption";
    data_exposed: 0.4, 0.4, "least share of data-parallel communication that is not hidden", "assumption";
    bubble: 0.85, 0.2, "pipeline bubble against (p - 1) / m", "1 for 1F1B, less when interleaved (2104.04473)";
    bubble_interleaved: 0.4, 0.3, "the same where the software interleaves stages", "(p - 1) / (v m) with v of 2 to 4 (2104.04473)";
    imbalance: 0.5, 0.4, "share of the uneven load of pipeline stages that costs time", "assumption: half of it is balanced away";
    early_zero1: 60.0, 0.4, "bytes moved for each parameter and micro-batch by optimizer sharding of the software before fused attention", "assumption";
    step_overhead: 0.06, 0.5, "seconds of a step that no part explains: data, clipping, logs", "assumption";
    straggler: 0.012, 0.4, "share of the step lost for each doubling of the chips above 8", "assumption: 10 to 15 % from one node to thousands of chips";
    pressure: 0.15, 0.4, "share of the step lost to the allocator when memory is full to the brim", "assumption";
    tpu_recompute: 0.3, 0.4, "share of a layer that full recomputation computes again under XLA", "assumption: its policies keep the projections";
    goodput: 0.93, 0.04, "throughput of a whole run against its own good minutes", "0.90 BLOOM, 0.94 GPT-NeoX, about 0.9 Llama 3 (2407.21783)";
    chosen: 0.95, 0.08, "throughput of runs whose layout is not published against the best layout", "assumption";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coefficient_has_a_prior_a_meaning_and_a_source() {
        let mut all = Coefficients::PRIOR;
        for prior in PRIORS {
            assert!(prior.value > 0.0 && prior.spread >= 0.0, "{}", prior.name);
            assert!(!prior.meaning.is_empty() && !prior.source.is_empty());
            assert_eq!(all.get(prior.name), Some(prior.value));
            *all.get_mut(prior.name).unwrap() = 2.0 * prior.value;
            assert_eq!(all.get(prior.name), Some(2.0 * prior.value));
        }
        assert_eq!(all.get("mfu"), None);
    }
}
