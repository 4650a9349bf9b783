//! What must hold whatever the coefficients are: more of anything never hurts, less never helps.

use causeway_domain::{BitsPerSecond, Tokens};
use causeway_estimate::{
    Calibration, Estimate, Fleet, Hardware, ModelShape, Pinned, Precision, Sharding, Workload,
    estimate,
};
use causeway_market::{Accelerator, Accelerators};
use proptest::prelude::*;

fn config(layers: u32, heads: u32, kv: u32) -> String {
    let (hidden, ffn) = (heads * 128, heads * 344);
    format!(
        r#"{{"model_type":"llama","num_hidden_layers":{layers},"hidden_size":{hidden},"num_attention_heads":{heads},"num_key_value_heads":{kv},"intermediate_size":{ffn},"vocab_size":32000}}"#
    )
}

fn workload(layers: u32, heads: u32, sequence: u32) -> Workload {
    let shape = ModelShape::from_hf_config(&config(layers, heads, heads)).unwrap();
    Workload::of_shape(shape, Tokens::new(1e12), sequence)
}

fn chip(name: &str) -> Accelerator {
    Accelerators::builtin().unwrap().find(name).unwrap().clone()
}

fn ask(workload: &Workload, fleet: &Fleet<'_>) -> Estimate {
    estimate(workload, fleet, &Calibration::builtin().unwrap()).unwrap()
}

fn on(part: &Accelerator, nodes: u32) -> Fleet<'_> {
    Fleet::new(Hardware::Accelerators { part, per_node: 8 }, nodes)
}

/// Tokens per second and chip.
fn rate(workload: &Workload, fleet: &Fleet<'_>) -> f64 {
    let answer = ask(workload, fleet);
    answer.tokens_per_second_per_chip.known().unwrap().mid.get()
}

fn scaled(part: &Accelerator, change: impl Fn(&mut Accelerator)) -> Accelerator {
    let mut part = part.clone();
    change(&mut part);
    part
}

fn times(rate: Option<BitsPerSecond>, factor: f64) -> Option<BitsPerSecond> {
    rate.map(|rate| rate * factor)
}

const NEARLY: f64 = 1.0 - 1e-9;

#[test]
fn an_export_variant_is_never_faster_and_the_thinner_link_costs_something() {
    for (full, cut) in [("H100", "H800"), ("A100-80GB", "A800")] {
        let (full, cut) = (chip(full), chip(cut));
        let mut felt = false;
        for (layers, heads) in [(16, 16), (32, 32), (80, 64), (96, 96)] {
            for nodes in [1, 4, 32, 128] {
                for precision in [Precision::Bf16, Precision::Fp8] {
                    let workload = Workload {
                        global_batch: Some(2048),
                        precision,
                        ..workload(layers, heads, 4096)
                    };
                    let (a, b) = (
                        rate(&workload, &on(&full, nodes)),
                        rate(&workload, &on(&cut, nodes)),
                    );
                    assert!(
                        b <= a,
                        "{} {layers} layers on {nodes} nodes: {b} > {a}",
                        cut.name
                    );
                    felt |= b < 0.995 * a;
                }
            }
        }
        assert!(felt, "{}: nothing felt the thinner link", cut.name);
    }
}

#[test]
fn a_given_tensor_parallel_layout_pays_for_the_thinner_link() {
    let workload = Workload {
        global_batch: Some(1024),
        ..workload(80, 64, 4096)
    };
    let laid = |part| Fleet {
        layout: Pinned {
            tensor: Some(8),
            pipeline: Some(4),
            ..Pinned::default()
        },
        ..on(part, 16)
    };
    let (h100, h800) = (chip("H100"), chip("H800"));
    let (a, b) = (ask(&workload, &laid(&h100)), ask(&workload, &laid(&h800)));
    let share = |answer: &Estimate| answer.step.known().unwrap().scale_up;
    assert!(share(&b) > 1.5 * share(&a), "{} {}", share(&a), share(&b));
}

#[test]
fn h20_is_slower_where_compute_binds_and_wastes_less_of_itself() {
    let workload = Workload {
        global_batch: Some(1024),
        ..workload(80, 64, 4096)
    };
    let (h100, h20) = (chip("H100"), chip("H20"));
    let (a, b) = (
        ask(&workload, &on(&h100, 16)),
        ask(&workload, &on(&h20, 16)),
    );
    let rate = |answer: &Estimate| answer.tokens_per_second_per_chip.known().unwrap().mid.get();
    let mfu = |answer: &Estimate| answer.mfu.known().unwrap().mid.get();
    assert!(rate(&b) < 0.35 * rate(&a));
    assert!(mfu(&b) > mfu(&a));
}

#[test]
fn a_long_pipeline_with_few_micro_batches_waits() {
    let part = chip("A100-80GB");
    let share = |batch| {
        let workload = Workload {
            global_batch: Some(batch),
            ..workload(64, 64, 2048)
        };
        let fleet = Fleet {
            layout: Pinned {
                tensor: Some(8),
                pipeline: Some(16),
                micro_batch: Some(1),
                ..Pinned::default()
            },
            ..on(&part, 16)
        };
        ask(&workload, &fleet).step.known().unwrap().bubble
    };
    // (p - 1) / m: 15 of 16 micro-batches, then of 512.
    assert!(share(16) > 0.3, "{}", share(16));
    assert!(share(512) < 0.04, "{}", share(512));
}

#[test]
fn a_given_layout_is_the_layout() {
    let part = chip("H100");
    let pinned = Pinned {
        tensor: Some(4),
        pipeline: Some(2),
        context: Some(1),
        expert: Some(1),
        sharding: Some(Sharding::Zero1),
        micro_batch: Some(2),
        recompute: Some(causeway_estimate::Recompute::Selective),
    };
    let fleet = Fleet {
        layout: pinned,
        ..on(&part, 8)
    };
    let answer = ask(&workload(32, 32, 4096), &fleet);
    assert_eq!(
        answer.layout.known().unwrap().to_string(),
        "dp 8, tp 4, pp 2, zero1, micro-batch 2, selective recomputation"
    );
    let impossible = Fleet {
        layout: Pinned {
            pipeline: Some(128),
            ..pinned
        },
        ..on(&part, 1)
    };
    assert!(!ask(&workload(32, 32, 4096), &impossible).hours.is_known());
}

fn parts() -> impl Strategy<Value = Accelerator> {
    prop::sample::select(vec![
        "A100-80GB",
        "A800",
        "H100",
        "H800",
        "H20",
        "L20",
        "B200",
        "GB200",
        "MI300X",
        "MI308X",
        "Ascend910B",
        "Ascend910C",
        "TPUv5e",
        "RTX-4090",
    ])
    .prop_map(|name: &str| chip(name))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn more_of_a_chip_is_never_slower(part in parts(), layers in 2u32..100, heads in 1u32..100, nodes in 1u32..200, batch in 1u32..5_000, factor in 1.0f64..10.0) {
        let workload = Workload { global_batch: Some(batch), ..workload(layers, heads, 4096) };
        let base = rate(&workload, &on(&part, nodes));
        let changes: [fn(&mut Accelerator, f64); 4] = [
            |part, factor| part.scale_up = times(part.scale_up, factor),
            |part, factor| part.scale_out = times(part.scale_out, factor),
            |part, factor| part.memory_bandwidth = times(part.memory_bandwidth, factor),
            |part, factor| {
                for peaks in [&mut part.tflops_dense, &mut part.matmul_ceiling] {
                    for peak in peaks.values_mut() {
                        *peak = *peak * factor;
                    }
                }
            },
        ];
        let fits = |part: &Accelerator| ask(&workload, &on(part, nodes)).fits == causeway_estimate::Fits::Yes;
        prop_assume!(fits(&part));
        for (index, change) in changes.iter().enumerate() {
            // Stacked memory is told by its rate: the amount must not change with it.
            if index == 2 && part.memory_bandwidth.is_some_and(|rate| rate.bytes() < 1.1e12) {
                continue;
            }
            let better = scaled(&part, |part| change(part, factor));
            let there = rate(&workload, &on(&better, nodes));
            prop_assert!(there >= NEARLY * base, "change {index} of {}: {there} < {base}", part.name);
        }
    }

    #[test]
    fn more_chips_lose_little_at_the_same_batch_each(layers in 8u32..64, heads in 8u32..64, nodes in 1u32..64, each in 1u32..8) {
        let part = chip("H100");
        let of = |nodes: u32| {
            let workload = Workload { global_batch: Some(8 * nodes * each * 8), ..workload(layers, heads, 2048) };
            ask(&workload, &on(&part, nodes))
        };
        let (one, two) = (of(nodes), of(2 * nodes));
        prop_assume!(one.fits == causeway_estimate::Fits::Yes);
        let rate = |answer: &Estimate| answer.tokens_per_second_per_chip.known().unwrap().mid.get();
        // The first step out of a node adds the network; each later doubling adds waiting only.
        let least = if nodes == 1 { 0.75 } else { 0.93 };
        prop_assert!(rate(&two) >= least * rate(&one), "{} {}", rate(&one), rate(&two));
        // Twice the chips are faster together.
        prop_assert!(2.0 * rate(&two) > rate(&one));
    }

    #[test]
    fn a_faster_network_of_the_offer_is_never_slower(nodes in 2u32..100, gigabits in 1.0f64..3_200.0, factor in 1.0f64..20.0) {
        let part = chip("A100-80GB");
        let workload = Workload { global_batch: Some(1024), ..workload(32, 32, 2048) };
        let with = |gigabits: f64| rate(&workload, &Fleet { node_link: Some(BitsPerSecond::new(gigabits * 1e9)), ..on(&part, nodes) });
        prop_assert!(with(gigabits * factor) >= NEARLY * with(gigabits));
    }
}
