//! The estimator against published runs: reading them, fitting to them, measuring the error.
//!
//! `fit` writes `catalog/efficiency.json`; `score` prints the error table. Both are deterministic: no randomness, rows and
//! families in the order of their names.

pub mod fitting;
pub mod measure;
pub mod rows;
