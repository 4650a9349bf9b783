//! Prints how far off the estimator is: in sample, out of family, beside two baselines.
//!
//! `score RUNS.csv MEMORY.csv`, or `score --predict FILE.csv` for the answers to a table, which score.py reads.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use causeway_bench_estimator::fitting::fit;
use causeway_bench_estimator::measure::{coverage, errors, estimates, headline, out_of_family};
use causeway_bench_estimator::rows::{Row, percentile, rows};
use causeway_estimate::Calibration;
use causeway_estimate::runs::{predict, read};
use causeway_market::{Accelerators, NumberFormat};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(runs), Some(memory)) = (arguments.next(), arguments.next()) else {
        return Err(anyhow!(
            "usage: score RUNS.csv MEMORY.csv | score --predict FILE.csv"
        ));
    };
    if runs == "--predict" {
        return answer(&memory);
    }
    let text = std::fs::read_to_string(&runs).context(runs)?;
    let chips = Accelerators::builtin()?;
    let rows = rows(&text, &chips)?;
    let all: Vec<&Row> = rows.iter().collect();
    let outside = out_of_family(&all);
    println!("| estimate | median | 90th percentile | median of family medians |");
    println!("|---|---|---|---|");
    let line = |name: &str, estimates: &[f64]| {
        let (median, high, families) = headline(&all, &errors(&all, estimates));
        println!("| {name} | {median:.1} % | {high:.1} % | {families:.1} % |");
    };
    line("6 N D at 40 % of the bf16 peak", &fixed(&all, &chips));
    line(
        "6 N D at one MFU a chip, same rows",
        &per_chip(&all, &chips),
    );
    line(
        "priors, no row seen",
        &estimates(&all, &Calibration::prior()),
    );
    line("cost model, out of family", &outside);
    line("cost model, all rows seen", &estimates(&all, &fit(&all)));
    for (title, key) in groups() {
        println!("\n| {title} | rows | median | 90th percentile |");
        println!("|---|---|---|---|");
        let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (row, error) in all.iter().zip(errors(&all, &outside)) {
            groups.entry(key(row)).or_default().push(error);
        }
        for (name, errors) in groups {
            println!(
                "| {name} | {} | {:.1} % | {:.1} % |",
                errors.len(),
                100.0 * percentile(&errors, 0.5),
                100.0 * percentile(&errors, 0.9)
            );
        }
    }
    let (share, situations) = coverage(&all);
    println!(
        "\nintervals hold {:.1} % of the rows of unseen families",
        100.0 * share
    );
    for (situation, (inside, of)) in situations {
        println!("  {situation:?}: {inside} of {of}");
    }
    remember(&std::fs::read_to_string(&memory).context(memory)?, &chips)?;
    time(&all)
}

/// Prints the answers to a table of questions.
fn answer(file: &str) -> Result<()> {
    let text = std::fs::read_to_string(file).context(file.to_owned())?;
    let calibration = Calibration::builtin().map_err(|error| anyhow!("{error}"))?;
    let answers = predict(&text, &Accelerators::builtin()?, &calibration)
        .map_err(|error| anyhow!("{error}"))?;
    print!("{answers}");
    Ok(())
}

/// Memory of the rows that publish it.
fn remember(text: &str, chips: &Accelerators) -> Result<()> {
    let calibration = Calibration::builtin().map_err(|error| anyhow!("{error}"))?;
    let truth: Vec<BTreeMap<String, String>> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()?;
    let (mut errors, mut right, mut unsafe_rows, mut all) = (Vec::new(), 0, 0, 0);
    for (run, truth) in read(text, chips)
        .map_err(|error| anyhow!("{error}"))?
        .iter()
        .zip(&truth)
    {
        let answer = run.answer(&calibration);
        if let (Some(needed), Ok(peak)) = (answer.memory, truth["peak_gib"].parse::<f64>()) {
            let needed = needed.get() as f64 / f64::from(1 << 30);
            errors.push((needed - peak).abs() / peak);
        }
        let says = answer.fits.to_string();
        all += 1;
        right += usize::from(says == truth["fits"]);
        unsafe_rows += usize::from(says == "yes" && truth["fits"] == "no");
    }
    println!(
        "\nmemory: median {:.1} %, 90th percentile {:.1} % of {} rows; fits or not: right {right} of {all}, said to fit what cannot {unsafe_rows}",
        100.0 * percentile(&errors, 0.5),
        100.0 * percentile(&errors, 0.9),
        errors.len()
    );
    Ok(())
}

/// Time of an answer, and of the slowest one.
fn time(all: &[&Row]) -> Result<()> {
    let calibration = Calibration::builtin().map_err(|error| anyhow!("{error}"))?;
    let mut micros: Vec<f64> = all
        .iter()
        .map(|row| {
            let start = Instant::now();
            for _ in 0..10 {
                std::hint::black_box(row.run.answer(&calibration));
            }
            start.elapsed().as_secs_f64() * 1e5
        })
        .collect();
    let middle = percentile(&micros, 0.5);
    let free: Vec<f64> = all
        .iter()
        .zip(&micros)
        .filter(|(row, _)| row.column("tp").is_empty())
        .map(|(_, micros)| *micros)
        .collect();
    micros.sort_by(f64::total_cmp);
    println!(
        "time of an answer: median {middle:.1} us; where the layout is searched for median {:.1} us, 90th percentile {:.1} us, slowest {:.1} us",
        percentile(&free, 0.5),
        percentile(&free, 0.9),
        micros.last().copied().unwrap_or(f64::NAN)
    );
    Ok(())
}

fn peak(row: &Row, chips: &Accelerators, format: NumberFormat) -> f64 {
    let part = row.run.accelerator().and_then(|name| chips.find(name));
    let of = |format| {
        part.and_then(|part| part.peak(format))
            .map(|peak| peak.get() * 1e12)
    };
    of(format)
        .or_else(|| of(NumberFormat::Bf16))
        .or_else(|| of(NumberFormat::Fp16))
        .unwrap_or(f64::NAN)
}

fn fixed(all: &[&Row], chips: &Accelerators) -> Vec<f64> {
    all.iter()
        .map(|row| {
            0.4 * peak(row, chips, NumberFormat::Bf16) / (6e9 * row.number("params_active_b"))
        })
        .collect()
}

/// One share of the peak for each chip and number format: the median over families of their medians, of the same rows.
fn per_chip(all: &[&Row], chips: &Accelerators) -> Vec<f64> {
    let format = |row: &Row| {
        if row.column("precision").contains("fp8") {
            NumberFormat::Fp8
        } else {
            NumberFormat::Bf16
        }
    };
    let whole = |row: &Row| peak(row, chips, format(row)) / (6e9 * row.number("params_active_b"));
    let class = |row: &Row| (chip_class(row), format(row));
    let mut shares: BTreeMap<_, BTreeMap<&str, Vec<f64>>> = BTreeMap::new();
    for row in all {
        shares
            .entry(class(row))
            .or_default()
            .entry(&row.family)
            .or_default()
            .push(row.truth / whole(row));
    }
    all.iter()
        .map(|row| {
            let medians: Vec<f64> = shares[&class(row)]
                .values()
                .map(|values| percentile(values, 0.5))
                .collect();
            percentile(&medians, 0.5) * whole(row)
        })
        .collect()
}

fn chip_class(row: &Row) -> String {
    let chip = row.column("chip");
    for class in ["TPU", "Ascend", "H800"] {
        if chip.starts_with(class) {
            return class.to_owned();
        }
    }
    match chip.chars().next() {
        Some('A') => "A100/A800".to_owned(),
        Some('H') => "H100/H200".to_owned(),
        Some('B' | 'G') => "Blackwell".to_owned(),
        _ => chip.to_owned(),
    }
}

type Key = fn(&Row) -> String;

fn groups() -> [(&'static str, Key); 5] {
    [
        ("chip", chip_class),
        ("parameters", |row| {
            let billions = row.number("params_total_b");
            let class = match billions {
                b if b < 3.0 => "below 3 B",
                b if b < 20.0 => "3 to 20 B",
                b if b < 100.0 => "20 to 100 B",
                _ => "100 B and more",
            };
            class.to_owned()
        }),
        ("architecture", |row| row.column("arch").to_owned()),
        ("layout", |row| format!("{:?}", row.run.situation())),
        ("family", |row| row.family.clone()),
    ]
}
