//! Published figures (`tests/data/SOURCE.md`).

use std::collections::BTreeMap;

use causeway_domain::{Bytes, Params, Tokens};
use causeway_estimate::{
    Extras, FeedForward, Fits, Fleet, Hardware, Layout, Memory, MfuTable, ModelShape, Precision,
    Sharding, Workload, estimate,
};
use causeway_market::Accelerators;

type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column]
        .parse()
        .unwrap_or_else(|_| panic!("{column} of {} is `{}`", row["id"], row[column]))
}

fn count(row: &Row, column: &str) -> u32 {
    row[column]
        .parse()
        .unwrap_or_else(|_| panic!("{column} of {} is `{}`", row["id"], row[column]))
}

/// Chips of a run; 1 where the row does not say: throughput is per chip, so the number drops out.
fn chips_of(row: &Row) -> u32 {
    if row["chips"].is_empty() {
        1
    } else {
        count(row, "chips")
    }
}

/// Only what the row says: widths that it does not give are set so that they do not count.
fn shape(row: &Row, ffn: u32, vocab: u32) -> ModelShape {
    let extras = Extras::default();
    let (layers, hidden) = (count(row, "layers"), count(row, "hidden"));
    let ffn = FeedForward::Plain { width: ffn };
    ModelShape {
        model_type: String::new(),
        layers,
        hidden,
        heads: 1,
        kv_heads: 1,
        head_dim: hidden,
        ffn,
        vocab,
        tied: true,
        positions: 0,
        max_sequence: None,
        extras,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// In sample: the table of MFU was made from these rows among others, so this bounds the model's spread and guards the
/// formula, the peaks and the look-up; it does not measure how well an unseen family is met.
#[test]
fn the_median_run_is_met_within_a_quarter_and_most_lie_in_the_interval() {
    let chips = Accelerators::builtin().unwrap();
    let table = MfuTable::builtin().unwrap();
    let name = |label: &str| match label {
        "A100-40GB" => "A100-SXM-40GB".to_owned(),
        "A100-80GB" => "A100-SXM-80GB".to_owned(),
        // The rows do not say which variant; B2 is the one that the family name stands for.
        "Ascend910B" => "Ascend910B2".to_owned(),
        other => other.to_owned(),
    };
    let mut errors = Vec::new();
    let mut inside = 0;
    let runs = rows(include_str!("../data/runs.csv"));
    for row in &runs {
        let part = chips.find(&name(&row["chip"])).unwrap();
        let tokens = 1e12;
        let workload = Workload {
            params_total: Params::new(number(row, "params_total_b") * 1e9),
            params_active: Params::new(number(row, "params_active_b") * 1e9),
            precision: match row["precision"].as_str() {
                "bf16" => Precision::Bf16,
                "fp16" => Precision::Fp16,
                "fp8" | "mxfp8" => Precision::Fp8,
                other => panic!("{other}"),
            },
            ..Workload::of_shape(shape(row, 1, 1), Tokens::new(tokens), count(row, "seq_len"))
        };
        let sparse = row["arch"] == "moe";
        let workload = if sparse {
            Workload {
                shape: None,
                ..workload
            }
        } else {
            workload
        };
        assert_eq!(workload.is_sparse(), sparse, "{}", row["id"]);
        let fleet = Fleet {
            hardware: Hardware::Accelerators { part, per_node: 1 },
            nodes: chips_of(row),
            node_memory: None,
            price_per_node_hour: None,
            declared_tokens_per_second: None,
        };
        let answer = estimate(&workload, &fleet, &table).unwrap();
        let hours = answer.hours.known().unwrap();
        let rate = |hours: f64| tokens / (hours * 3600.0 * f64::from(chips_of(row)));
        let truth = number(row, "truth_tok_s_chip");
        errors.push((rate(hours.mid.get()) - truth).abs() / truth);
        inside += usize::from(rate(hours.high.get()) <= truth && truth <= rate(hours.low.get()));
    }
    let middle = median(errors.clone());
    assert!(errors.len() > 50, "{} rows", errors.len());
    assert!(middle < 0.25, "median error {middle:.3}");
    assert!(
        inside * 10 >= errors.len() * 7,
        "{inside} of {} rows inside their interval",
        errors.len()
    );
}

fn layout(row: &Row) -> Layout {
    let (tensor, pipeline) = (count(row, "tp"), count(row, "pp"));
    let sharding = if row["sharding"] == "zero1" {
        Sharding::Zero1
    } else {
        Sharding::Zero0
    };
    Layout {
        data: count(row, "chips") / (tensor * pipeline),
        tensor,
        pipeline,
        sharding,
        micro_batch: count(row, "micro_batch"),
        recompute: true,
    }
}

fn needed_gib(row: &Row) -> f64 {
    let params = Params::new(number(row, "params_total_b") * 1e9);
    let shape = shape(row, count(row, "ffn"), count(row, "vocab"));
    let workload = Workload {
        params_total: params,
        params_active: params,
        ..Workload::of_shape(shape, Tokens::new(1.0), count(row, "seq_len"))
    };
    Memory::of(&workload, &layout(row), true).total().get() as f64 / Bytes::gib(1).get() as f64
}

#[test]
fn measured_memory_is_met_roughly_and_never_fits_what_cannot() {
    let mut errors = Vec::new();
    let mut far = 0;
    for row in rows(include_str!("../data/memory.csv")) {
        let (needed, card) = (needed_gib(&row), number(&row, "chip_mem_gib"));
        if row["fits"] == "no" {
            assert!(
                needed > 0.94 * card,
                "{}: {needed:.0} GiB are said to fit into {card}",
                row["id"]
            );
        } else {
            let measured = number(&row, "peak_gib");
            assert!(
                needed <= 1.1 * measured,
                "{}: {needed:.0} GiB, measured {measured}",
                row["id"]
            );
            errors.push((needed - measured).abs() / measured);
            // What `Fits::Yes` leaves room for.
            far += usize::from(measured > 1.53 * needed);
        }
    }
    assert_eq!((errors.len(), far), (25, 1));
    let middle = median(errors);
    assert!(middle < 0.25, "median error {middle:.3}");
}

#[test]
fn the_smallest_layout_is_below_every_measured_one() {
    for row in rows(include_str!("../data/memory.csv"))
        .iter()
        .filter(|row| row["fits"] == "yes")
    {
        let params = Params::new(number(row, "params_total_b") * 1e9);
        let shape = shape(row, count(row, "ffn"), count(row, "vocab"));
        let workload = Workload {
            params_total: params,
            params_active: params,
            ..Workload::of_shape(shape, Tokens::new(1e9), count(row, "seq_len"))
        };
        let chips = Accelerators::builtin().unwrap();
        let part = chips.find("A100-80GB").unwrap();
        let hardware = Hardware::Accelerators { part, per_node: 8 };
        let fleet = Fleet {
            hardware,
            nodes: count(row, "chips") / 8,
            node_memory: None,
            price_per_node_hour: None,
            declared_tokens_per_second: None,
        };
        let answer = estimate(&workload, &fleet, &MfuTable::builtin().unwrap()).unwrap();
        assert_eq!(answer.fits, Fits::Yes, "{}: it ran", row["id"]);
    }
}
