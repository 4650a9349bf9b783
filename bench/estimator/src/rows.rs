//! Published runs: the question, which the estimator sees, and the answer, which it does not.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use causeway_estimate::runs::{Run, read};
use causeway_market::Accelerators;

/// A run with its published throughput.
pub struct Row {
    pub run: Run,
    /// Family of models: rows of one family share more than chance.
    pub family: String,
    /// Tokens per second and chip.
    pub truth: f64,
    /// Every column, for groups and baselines.
    pub columns: BTreeMap<String, String>,
}

impl Row {
    pub fn column(&self, name: &str) -> &str {
        self.columns.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> f64 {
        self.column(name).parse().unwrap_or(f64::NAN)
    }

    /// Natural logarithm of truth over estimate.
    pub fn residual(&self, estimate: f64) -> f64 {
        (self.truth / estimate).ln()
    }
}

/// The rows of a table that may be calibrated on: those marked `info` are left out.
pub fn rows(text: &str, chips: &Accelerators) -> Result<Vec<Row>> {
    let runs = read(text, chips).map_err(|error| anyhow!("{error}"))?;
    let columns: Vec<BTreeMap<String, String>> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()?;
    runs.into_iter()
        .zip(columns)
        .filter(|(_, columns)| columns.get("use").is_none_or(|word| word != "info"))
        .map(|(run, columns)| {
            let truth = columns.get("truth_tok_s_chip").context("no truth")?;
            Ok(Row {
                truth: truth.parse().with_context(|| run.id.clone())?,
                family: columns.get("family").cloned().unwrap_or_default(),
                run,
                columns,
            })
        })
        .collect()
}

/// Rows of each family.
pub fn families<'a>(rows: &[&'a Row]) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut families: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        families.entry(&row.family).or_default().push(row);
    }
    families
}

/// A quantile of values with weights, between the values that lie around it.
pub fn quantile(mut values: Vec<(f64, f64)>, at: f64) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|(_, weight)| weight).sum();
    let mut below = 0.0;
    let mut before: Option<(f64, f64)> = None;
    for (value, weight) in values {
        // A value stands in the middle of its weight.
        let here = (below + weight / 2.0) / total;
        if here >= at {
            return match before {
                Some((share, last)) if here > share => {
                    last + (value - last) * (at - share) / (here - share)
                }
                _ => value,
            };
        }
        before = Some((here, value));
        below += weight;
    }
    before.map_or(f64::NAN, |(_, value)| value)
}

/// The quantile of a plain list, as the scorer's script takes it.
pub fn percentile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = last as f64 * at;
    let low = place.floor() as usize;
    let high = (low + 1).min(last);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}
