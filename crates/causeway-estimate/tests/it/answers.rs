//! What an estimate says and refuses to say.

use causeway_domain::{Bytes, Fact, Params, Tokens, Usd, UsdPerHour};
use causeway_estimate::{
    BoundBy, Calibration, Estimate, EstimateError, Fits, Fleet, Hardware, ModelShape, Precision,
    Workload, estimate,
};
use causeway_market::{Accelerator, Accelerators, Term};
use proptest::prelude::*;

const LLAMA_7B: &str = r#"{"model_type":"llama","num_hidden_layers":32,"hidden_size":4096,"num_attention_heads":32,"intermediate_size":11008,"vocab_size":32000}"#;
const TINY: &str = r#"{"model_type":"llama","num_hidden_layers":4,"hidden_size":128,"num_attention_heads":4,"intermediate_size":344,"vocab_size":2048,"tie_word_embeddings":true}"#;

fn chip(name: &str) -> Accelerator {
    Accelerators::builtin().unwrap().find(name).unwrap().clone()
}

fn of(config: &str, tokens: f64, sequence: u32) -> Workload {
    Workload::of_shape(
        ModelShape::from_hf_config(config).unwrap(),
        Tokens::new(tokens),
        sequence,
    )
}

fn fleet(hardware: Hardware<'_>, nodes: u32) -> Fleet<'_> {
    Fleet::new(hardware, nodes)
}

fn ask(workload: &Workload, fleet: &Fleet<'_>) -> Estimate {
    estimate(workload, fleet, &Calibration::builtin().unwrap()).unwrap()
}

fn why<T>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Unknown(why) => why,
        Fact::Known(..) => panic!("known"),
    }
}

#[test]
fn llama_2_7b_is_near_its_published_bill() {
    // Model card: 184,320 A100-80GB hours for 2 T tokens.
    let part = chip("A100-80GB");
    let workload = Workload {
        global_batch: Some(1024),
        ..of(LLAMA_7B, 2e12, 4096)
    };
    let plan = Fleet {
        term: Some(Term::OnDemand("10.32".parse().unwrap())),
        ..fleet(
            Hardware::Accelerators {
                part: &part,
                per_node: 8,
            },
            16,
        )
    };
    let answer = ask(&workload, &plan);
    assert_eq!(answer.fits, Fits::Yes);
    let hours = answer.gpu_hours.known().unwrap();
    assert!(
        hours.low.get() < 184_320.0 && 184_320.0 < hours.high.get(),
        "{hours}"
    );
    assert_eq!(answer.bound_by, BoundBy::Compute);
    let (wall, cost) = (answer.hours.known().unwrap(), answer.cost.known().unwrap());
    assert!((wall.mid.get() * 128.0 - hours.mid.get()).abs() < 1e-6);
    assert!(cost.low < cost.mid && cost.mid < cost.high);
    assert_eq!(
        cost.mid,
        Usd::new(
            ("10.32".parse::<UsdPerHour>().unwrap() * wall.mid).get()
                * rust_decimal::Decimal::from(16)
        )
    );
    let Fact::Known(_, source) = &answer.hours else {
        panic!()
    };
    let text = source.to_string();
    assert!(
        text.starts_with("cost model of a step on 128 x A100-SXM-80GB"),
        "{text}"
    );
}

#[test]
fn what_cannot_fit_never_fits() {
    let part = chip("A100-80GB");
    let alone = ask(
        &of(LLAMA_7B, 1e9, 4096),
        &fleet(
            Hardware::Accelerators {
                part: &part,
                per_node: 1,
            },
            1,
        ),
    );
    let Fits::No { why } = &alone.fits else {
        panic!("108 GB of state on one card of 80 GB: {:?}", alone.fits)
    };
    assert!(
        why.contains("on each accelerator") && why.contains("too little"),
        "{why}"
    );
    assert_eq!(alone.bound_by, BoundBy::Memory);
    assert!(
        alone.hours.is_known(),
        "the time is still told, for comparison"
    );
    // State alone is enough to say no, not enough to say yes.
    let by_number = |params: f64| {
        Workload::of_parameters(
            Params::new(params),
            Params::new(params),
            Tokens::new(1e9),
            4096,
        )
    };
    let node = fleet(
        Hardware::Accelerators {
            part: &part,
            per_node: 8,
        },
        1,
    );
    assert!(matches!(ask(&by_number(70e9), &node).fits, Fits::No { .. }));
    let small = ask(&by_number(7e9), &node);
    assert!(
        matches!(&small.fits, Fits::Unknown { why } if why.contains("config.json")),
        "{:?}",
        small.fits
    );
    assert!(
        small
            .notes
            .iter()
            .any(|note| note.contains("guessed from the number of parameters"))
    );
}

#[test]
fn between_yes_and_no_is_a_doubt() {
    let part = chip("A100-40GB");
    let node = fleet(
        Hardware::Accelerators {
            part: &part,
            per_node: 4,
        },
        1,
    );
    // Longer sequences need more: fits, then too close to say, then does not, and never back.
    let mut order = Vec::new();
    for kilo in (1..512).step_by(5) {
        let workload = Workload {
            global_batch: Some(4),
            ..of(LLAMA_7B, 1e9, 1024 * kilo)
        };
        let word = match ask(&workload, &node).fits {
            Fits::Yes => "yes",
            Fits::Unknown { why } => {
                assert!(why.starts_with("tight"), "{why}");
                "tight"
            }
            Fits::No { .. } => "no",
        };
        if order.last() != Some(&word) {
            order.push(word);
        }
    }
    assert_eq!(order, ["yes", "tight", "no"]);
}

#[test]
fn processors_need_a_declared_throughput() {
    let workload = Workload {
        precision: Precision::Fp32,
        ..of(TINY, 4e6, 256)
    };
    let silent = ask(&workload, &fleet(Hardware::Cpu, 1));
    assert!(why(&silent.hours).contains("tokens_per_second"));
    assert!(why(&silent.cost).contains("no price"));
    assert!(matches!(silent.fits, Fits::Unknown { .. }));
    assert_eq!(silent.bound_by, BoundBy::Unknown);
    let priced = Fleet {
        term: Some(Term::OnDemand(UsdPerHour::default())),
        ..fleet(Hardware::Cpu, 1)
    };
    assert!(
        !ask(&workload, &priced).cost.is_known(),
        "no time, no cost: not even of a free machine"
    );

    let declared = Fleet {
        declared_tokens_per_second: Some(100_000.0),
        node_memory: Some(Bytes::gib(4)),
        ..priced
    };
    let answer = ask(&workload, &declared);
    let hours = answer.hours.known().unwrap();
    assert!((hours.mid.get() * 3600.0 - 40.0).abs() < 1e-9);
    assert!(hours.low < hours.mid && hours.mid < hours.high);
    assert_eq!(answer.cost.known().unwrap().high, Usd::default());
    assert_eq!(
        (answer.bound_by, &answer.fits),
        (BoundBy::DeclaredThroughput, &Fits::Yes)
    );
    assert!(why(&answer.gpu_hours).contains("no accelerators"));
    let cramped = Fleet {
        node_memory: Some(Bytes::new(300_000_000)),
        ..declared
    };
    assert!(matches!(ask(&workload, &cramped).fits, Fits::No { .. }));
}

#[test]
fn unknown_chips_and_missing_peaks_are_unknown_times() {
    let workload = of(LLAMA_7B, 1e9, 2048);
    let unlisted = ask(
        &workload,
        &fleet(
            Hardware::Unlisted {
                name: "Zhaoxin-X1",
                per_node: 8,
            },
            2,
        ),
    );
    assert!(why(&unlisted.hours).contains("Zhaoxin-X1"));
    assert!(matches!(&unlisted.fits, Fits::Unknown { why } if why.contains("Zhaoxin-X1")));
    assert!(unlisted.memory_needed > Bytes::default());
    let v100 = chip("V100-32GB");
    let bf16 = ask(
        &workload,
        &fleet(
            Hardware::Accelerators {
                part: &v100,
                per_node: 8,
            },
            1,
        ),
    );
    assert_eq!(
        why(&bf16.hours),
        "no dense bf16 peak is published for V100-SXM2-32GB"
    );
    let fp16 = ask(
        &Workload {
            precision: Precision::Fp16,
            ..workload
        },
        &fleet(
            Hardware::Accelerators {
                part: &v100,
                per_node: 8,
            },
            1,
        ),
    );
    assert!(fp16.hours.is_known());
}

#[test]
fn a_chip_without_a_published_run_says_so_and_is_less_sure() {
    let workload = of(LLAMA_7B, 1e12, 4096);
    let spread = |name: &str| {
        let part = chip(name);
        let answer = ask(
            &workload,
            &fleet(
                Hardware::Accelerators {
                    part: &part,
                    per_node: 8,
                },
                4,
            ),
        );
        let hours = *answer.hours.known().unwrap();
        (
            hours.high.get() / hours.low.get(),
            answer
                .notes
                .iter()
                .any(|note| note.contains("no published run on this chip")),
        )
    };
    let (h100, h100_silent) = spread("H100");
    let (h20, h20_silent) = spread("H20");
    assert!(!h100_silent && h20_silent);
    assert!(h20 > 2.0 * h100);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let part = chip("H100");
    let node = fleet(
        Hardware::Accelerators {
            part: &part,
            per_node: 8,
        },
        1,
    );
    let refuse = |workload: &Workload, fleet: &Fleet<'_>| {
        estimate(workload, fleet, &Calibration::builtin().unwrap())
            .unwrap_err()
            .to_string()
    };
    let good = of(LLAMA_7B, 1e9, 2048);
    assert_eq!(
        refuse(
            &Workload {
                tokens: Tokens::new(f64::NAN),
                ..good.clone()
            },
            &node
        ),
        "number of tokens is NaN: it must be 1 or more"
    );
    assert_eq!(
        refuse(
            &Workload {
                sequence: 0,
                ..good.clone()
            },
            &node
        ),
        "sequence length is 0: it must be 1 or more"
    );
    assert_eq!(
        refuse(&good, &Fleet { nodes: 0, ..node }),
        "number of nodes is 0: it must be 1 or more"
    );
    assert_eq!(
        refuse(
            &good,
            &Fleet {
                declared_tokens_per_second: Some(-1.0),
                ..node
            }
        ),
        "declared throughput is -1: it must be more than 0 tokens per second"
    );
    let inverted = Workload {
        params_active: Params::new(1e12),
        ..good
    };
    assert!(matches!(
        estimate(&inverted, &node, &Calibration::builtin().unwrap()),
        Err(EstimateError::Number { .. })
    ));
}

proptest! {
    #[test]
    fn an_estimate_is_ordered_and_finite(params in 1e6f64..1e13, tokens in 1.0f64..1e15, nodes in 1u32..10_000, sequence in 1u32..200_000) {
        let part = chip("A800");
        let workload = Workload::of_parameters(Params::new(params), Params::new(params), Tokens::new(tokens), sequence);
        let answer = ask(&workload, &fleet(Hardware::Accelerators { part: &part, per_node: 8 }, nodes));
        let hours = answer.hours.known().unwrap();
        prop_assert!(0.0 < hours.low.get() && hours.low <= hours.mid && hours.mid <= hours.high && hours.high.get().is_finite());
        // No layout divides the state further than over every card.
        if 16.0 * params / f64::from(8 * nodes) > 80.0 * f64::from(1 << 30) {
            let no = matches!(answer.fits, Fits::No { .. });
            prop_assert!(no, "{:?}", answer.fits);
        }
    }
}
