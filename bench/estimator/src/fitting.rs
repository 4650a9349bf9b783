//! Fits the coefficients: the most likely ones, given their priors and the rows.
//!
//! Gauss-Newton on logarithms, errors beyond [`ROBUST`] counted linearly (Huber), each family of models with the same weight
//! however many rows it has. The layout of each row is chosen anew in every round and held while derivatives are taken.

use causeway_estimate::{Calibration, Layout};

use crate::rows::{Row, families};

/// Standard deviation of a family's error about the model, in logarithms.
const NOISE: f64 = 0.15;
/// Error from which a row counts linearly.
const ROBUST: f64 = 0.12;
const ROUNDS: usize = 8;
/// Step of the derivatives and longest step of a round, in logarithms.
const DERIVATIVE: f64 = 0.02;
const LONGEST: f64 = 0.3;

/// The fitted coefficients, without intervals.
pub fn fit(rows: &[&Row]) -> Calibration {
    let priors = Calibration::priors();
    let free: Vec<usize> = (0..priors.len())
        .filter(|index| priors[*index].spread > 0.0)
        .collect();
    let prior: Vec<f64> = free.iter().map(|index| priors[*index].value.ln()).collect();
    let spread: Vec<f64> = free.iter().map(|index| priors[*index].spread).collect();
    let names: Vec<&str> = free.iter().map(|index| priors[*index].name).collect();
    let at = |x: &[f64]| {
        names
            .iter()
            .zip(x)
            .fold(Calibration::prior(), |calibration, (name, value)| {
                calibration.with(name, value.exp())
            })
    };
    let family = families(rows);
    let weight: Vec<f64> = rows
        .iter()
        .map(|row| 1.0 / family[row.family.as_str()].len() as f64)
        .collect();
    let mut x = prior.clone();
    for _ in 0..ROUNDS {
        let calibration = at(&x);
        let found: Vec<Option<(f64, Layout)>> = rows
            .iter()
            .map(|row| row.run.rate(&calibration))
            .map(|found| found.map(|(rate, layout)| (rate.get(), layout)))
            .collect();
        let size = free.len();
        let (mut matrix, mut vector) = (vec![vec![0.0; size]; size], vec![0.0; size]);
        let moved: Vec<Calibration> = (0..size)
            .map(|k| {
                let mut y = x.clone();
                y[k] += DERIVATIVE;
                at(&y)
            })
            .collect();
        for ((row, found), weight) in rows.iter().zip(&found).zip(&weight) {
            let Some((rate, layout)) = found else {
                continue;
            };
            let error = -row.residual(*rate);
            let scale = weight * (ROBUST / error.abs().max(1e-9)).min(1.0) / (NOISE * NOISE);
            let slope: Vec<f64> = moved
                .iter()
                .map(|moved| {
                    let there = row.run.rate_at(moved, layout);
                    let there = there.map_or(*rate, |rate| rate.get());
                    (there / rate).ln() / DERIVATIVE
                })
                .collect();
            for k in 0..size {
                vector[k] -= scale * slope[k] * error;
                for l in 0..size {
                    matrix[k][l] += scale * slope[k] * slope[l];
                }
            }
        }
        for k in 0..size {
            let precision = 1.0 / (spread[k] * spread[k]);
            matrix[k][k] += precision;
            vector[k] -= precision * (x[k] - prior[k]);
        }
        for (value, step) in x.iter_mut().zip(solve(matrix, vector)) {
            *value += step.clamp(-LONGEST, LONGEST);
        }
    }
    // Four digits: more would only be noise of the rows, and differ between machines.
    names
        .iter()
        .zip(&x)
        .fold(Calibration::prior(), |calibration, (name, value)| {
            let digits: f64 = format!("{:.3e}", value.exp()).parse().unwrap_or(1.0);
            calibration.with(name, digits)
        })
}

/// Solves a small dense system; the matrix is symmetric and positive, by its priors.
fn solve(mut matrix: Vec<Vec<f64>>, mut vector: Vec<f64>) -> Vec<f64> {
    let size = vector.len();
    for i in 0..size {
        let pivot = (i..size)
            .max_by(|a, b| matrix[*a][i].abs().total_cmp(&matrix[*b][i].abs()))
            .unwrap_or(i);
        matrix.swap(i, pivot);
        vector.swap(i, pivot);
        for row in i + 1..size {
            let factor = matrix[row][i] / matrix[i][i];
            for column in i..size {
                matrix[row][column] -= factor * matrix[i][column];
            }
            vector[row] -= factor * vector[i];
        }
    }
    for i in (0..size).rev() {
        for column in i + 1..size {
            vector[i] -= matrix[i][column] * vector[column];
        }
        vector[i] /= matrix[i][i];
    }
    vector
}
