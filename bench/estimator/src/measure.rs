//! How far off the estimator is on families that the fit has not seen.

use std::collections::BTreeMap;

use causeway_estimate::{Calibration, Seen, Situation, Spread};

use crate::fitting::fit;
use crate::rows::{Row, families, percentile, quantile};

/// Share of the truth that an interval leaves out below, and above. The rows of other families cluster: a tenth on each
/// side of them holds less than four in five of a new family.
pub const TAIL: f64 = 0.08;
/// Families below which a situation's own residuals are too few: those of all rows are added, and the interval's ends are
/// raised to a power, as for chips with few rows. An assumption.
const FEW_FAMILIES: usize = 4;
const WIDER_FEW: f64 = 1.5;

/// Tokens per second and chip of every row.
pub fn estimates(rows: &[&Row], calibration: &Calibration) -> Vec<f64> {
    rows.iter()
        .map(|row| {
            row.run
                .rate(calibration)
                .map_or(f64::NAN, |(rate, _)| rate.get())
        })
        .collect()
}

/// The same, each row from a fit to the other families.
pub fn out_of_family(rows: &[&Row]) -> Vec<f64> {
    let mut by_id: BTreeMap<&str, f64> = BTreeMap::new();
    for family in families(rows).keys() {
        let others: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| row.family != *family)
            .collect();
        let calibration = fit(&others);
        for row in rows.iter().filter(|row| row.family == *family) {
            let rate = row
                .run
                .rate(&calibration)
                .map_or(f64::NAN, |(rate, _)| rate.get());
            by_id.insert(&row.run.id, rate);
        }
    }
    rows.iter().map(|row| by_id[row.run.id.as_str()]).collect()
}

/// Relative errors as the scorer's script takes them.
pub fn errors(rows: &[&Row], estimates: &[f64]) -> Vec<f64> {
    rows.iter()
        .zip(estimates)
        .map(|(row, estimate)| {
            if *estimate > 0.0 {
                (estimate - row.truth).abs() / row.truth
            } else {
                1.0
            }
        })
        .collect()
}

/// Median over rows, 90th percentile, median of the families' medians. Unit: percent.
pub fn headline(rows: &[&Row], errors: &[f64]) -> (f64, f64, f64) {
    let mut families: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (row, error) in rows.iter().zip(errors) {
        families.entry(&row.family).or_default().push(*error);
    }
    let medians: Vec<f64> = families
        .values()
        .map(|errors| percentile(errors, 0.5))
        .collect();
    (
        100.0 * percentile(errors, 0.5),
        100.0 * percentile(errors, 0.9),
        100.0 * percentile(&medians, 0.5),
    )
}

/// Intervals from residuals of fits that had not seen the row's family; each family counts the same.
pub fn spreads(rows: &[&Row], out_of_family: &[f64]) -> BTreeMap<Situation, Spread> {
    let situations = [
        Situation::DenseGiven,
        Situation::DenseChosen,
        Situation::Sparse,
    ];
    situations
        .into_iter()
        .map(|situation| {
            let of: Vec<(&Row, f64)> = rows
                .iter()
                .zip(out_of_family)
                .filter(|(row, _)| row.run.situation() == situation)
                .map(|(row, estimate)| (*row, row.residual(*estimate)))
                .collect();
            let families: usize = {
                let names: std::collections::BTreeSet<&str> =
                    of.iter().map(|(row, _)| row.family.as_str()).collect();
                names.len()
            };
            let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
            for (row, _) in &of {
                *counts.entry(&row.family).or_default() += 1.0;
            }
            let mut weighted: Vec<(f64, f64)> = of
                .iter()
                .map(|(row, residual)| (*residual, 1.0 / counts[row.family.as_str()].sqrt()))
                .collect();
            if families < FEW_FAMILIES {
                let all = rows.len() as f64;
                weighted.extend(
                    rows.iter()
                        .zip(out_of_family)
                        .map(|(row, estimate)| (row.residual(*estimate), 2.0 / all)),
                );
            }
            let wider = if families < FEW_FAMILIES {
                WIDER_FEW
            } else {
                1.0
            };
            let end = |at| (wider * quantile(weighted.clone(), at)).exp();
            let digits = |value: f64| (value * 1e3).round() / 1e3;
            let spread = Spread {
                low: digits(end(TAIL)).min(1.0),
                high: digits(end(1.0 - TAIL)).max(1.0),
                rows: of.len() as u32,
                families: families as u32,
            };
            (situation, spread)
        })
        .collect()
}

/// Rows and families on each accelerator.
pub fn seen(rows: &[&Row]) -> BTreeMap<String, Seen> {
    let mut names: BTreeMap<String, (u32, std::collections::BTreeSet<&str>)> = BTreeMap::new();
    for row in rows {
        if let Some(name) = row.run.accelerator() {
            let entry = names.entry(name.to_owned()).or_default();
            entry.0 += 1;
            entry.1.insert(&row.family);
        }
    }
    names
        .into_iter()
        .map(|(name, (rows, families))| {
            let families = families.len() as u32;
            (name, Seen { rows, families })
        })
        .collect()
}

/// Everything that a fit gives: coefficients, intervals, chips.
pub fn calibrate(rows: &[&Row], source: &str) -> Calibration {
    let out = out_of_family(rows);
    fit(rows).measured(spreads(rows, &out), seen(rows), source.to_owned())
}

/// Share of rows inside their interval, when neither coefficients nor interval have seen the family.
pub fn coverage(rows: &[&Row]) -> (f64, BTreeMap<Situation, (usize, usize)>) {
    let mut by_situation: BTreeMap<Situation, (usize, usize)> = BTreeMap::new();
    for family in families(rows).keys() {
        let others: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| row.family != *family)
            .collect();
        let calibration = calibrate(&others, "");
        for row in rows.iter().filter(|row| row.family == *family) {
            let inside =
                row.run.answer(&calibration).rate.is_some_and(|rate| {
                    rate.low.get() <= row.truth && row.truth <= rate.high.get()
                });
            let entry = by_situation.entry(row.run.situation()).or_default();
            entry.0 += usize::from(inside);
            entry.1 += 1;
        }
    }
    let (inside, all) = by_situation
        .values()
        .fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    (inside as f64 / all as f64, by_situation)
}
