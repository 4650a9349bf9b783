//! Fits the coefficients to a table of published runs and writes them.
//!
//! `fit RUNS.csv OUT.json`

use anyhow::{Context, Result, anyhow};
use causeway_bench_estimator::measure::calibrate;
use causeway_bench_estimator::rows::{Row, families, rows};
use causeway_market::Accelerators;

const ABOUT: &str = "Coefficients of the estimator's cost model, fitted to published runs. Made by bench/estimator/run fit; do not edit by hand. docs/formats/catalog.md says what they mean.";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err(anyhow!("usage: fit RUNS.csv OUT.json"));
    };
    let text = std::fs::read_to_string(&from).context(from)?;
    let chips = Accelerators::builtin()?;
    let rows = rows(&text, &chips)?;
    let all: Vec<&Row> = rows.iter().collect();
    let source = format!(
        "{} published runs and benchmarks of {} model families",
        all.len(),
        families(&all).len()
    );
    let calibration = calibrate(&all, &source);
    let json = calibration
        .to_json(ABOUT, all.len() as u32)
        .map_err(|error| anyhow!("{error}"))?;
    std::fs::write(&to, json + "\n").context(to)?;
    Ok(())
}
