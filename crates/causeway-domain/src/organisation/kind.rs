//! What a run does with a model. Doc comments here are the descriptions in the JSON Schema and in error messages.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Percent;

/// What is done with the model: `pre_train`, `fine_tune`, `{lora: {rank: 16}}`, `{qlora: {rank: 16}}`,
/// `{reinforcement: {rollout: 60 %}}`, `throughput`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkKind {
    /// All weights, from the start.
    #[default]
    PreTrain,
    /// All weights of a trained model.
    FineTune,
    /// Low-rank adapters beside frozen weights.
    Lora(Adapters),
    /// Low-rank adapters beside frozen weights in 4 bits.
    Qlora(Adapters),
    /// All weights, on what the model itself writes.
    Reinforcement(Rollout),
    /// A forward pass over the tokens: scoring, embedding, filtering.
    Throughput,
}

/// Adapters of a fine-tuning run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adapters {
    /// Rank of each adapter
    #[schemars(range(min = 1))]
    pub rank: u32,
}

/// How reinforcement learning spends its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Share of the time in which the model writes instead of being trained
    pub rollout: Percent,
}
