//! Kinds of work, money, energy and failures.

use causeway_domain::{Fact, GramsPerKilowattHour, Percent, Tokens, Usd};
use causeway_estimate::{
    Calibration, Estimate, Fits, Fleet, Hardware, Interval, Kind, ModelShape, Rates, Workload,
    estimate, usual_utilisation,
};
use causeway_market::{Accelerator, Accelerators, Term};

const LLAMA_70B: &str = r#"{"model_type":"llama","num_hidden_layers":80,"hidden_size":8192,"num_attention_heads":64,"num_key_value_heads":8,"intermediate_size":28672,"vocab_size":32000}"#;
const LLAMA_7B: &str = r#"{"model_type":"llama","num_hidden_layers":32,"hidden_size":4096,"num_attention_heads":32,"intermediate_size":11008,"vocab_size":32000}"#;

fn chip(name: &str) -> Accelerator {
    Accelerators::builtin().unwrap().find(name).unwrap().clone()
}

fn of(config: &str, kind: Kind) -> Workload {
    Workload {
        kind,
        global_batch: Some(64),
        ..Workload::of_shape(
            ModelShape::from_hf_config(config).unwrap(),
            Tokens::new(1e9),
            4096,
        )
    }
}

fn ask(workload: &Workload, fleet: &Fleet<'_>) -> Estimate {
    estimate(workload, fleet, &Calibration::builtin().unwrap()).unwrap()
}

fn node(part: &Accelerator, cards: u32) -> Fleet<'_> {
    Fleet::new(
        Hardware::Accelerators {
            part,
            per_node: cards,
        },
        1,
    )
}

fn hours(answer: &Estimate) -> f64 {
    answer.hours.known().unwrap().mid.get()
}

#[test]
fn adapters_need_less_memory_and_a_third_less_time() {
    let part = chip("H100");
    let full = ask(&of(LLAMA_70B, Kind::FineTune), &node(&part, 8));
    let lora = ask(&of(LLAMA_70B, Kind::Lora { rank: 16 }), &node(&part, 8));
    let qlora = ask(&of(LLAMA_70B, Kind::Qlora { rank: 16 }), &node(&part, 1));
    assert!(
        matches!(full.fits, Fits::No { .. }),
        "a terabyte of state: {:?}",
        full.fits
    );
    assert_eq!(lora.fits, Fits::Yes);
    assert_eq!(qlora.fits, Fits::Yes, "{}", qlora.memory_needed);
    assert!(lora.notes.iter().any(|note| note.contains("simpler model")));

    let small = |kind| ask(&of(LLAMA_7B, kind), &node(&part, 8));
    let (full, lora) = (small(Kind::FineTune), small(Kind::Lora { rank: 16 }));
    let share = hours(&lora) / hours(&full);
    assert!((0.5..0.85).contains(&share), "{share}");
    let width = |answer: &Estimate| {
        let hours = answer.hours.known().unwrap();
        hours.high.get() / hours.low.get()
    };
    assert!(width(&lora) > width(&full));
    // Adapters of rank 16 are half a percent of the weights, and all that comes home.
    let share = lora.checkpoint_bytes.get() * 1000 / full.checkpoint_bytes.get();
    assert!((2..10).contains(&share), "{share} per mille");
    assert_eq!(
        small(Kind::Throughput).checkpoint_bytes.get(),
        0,
        "nothing is trained"
    );
    assert_eq!(hours(&full), hours(&small(Kind::PreTrain)));
}

#[test]
fn writing_takes_its_share_and_reading_takes_a_third() {
    let part = chip("H100");
    let ask = |kind| ask(&of(LLAMA_7B, kind), &node(&part, 8));
    let train = hours(&ask(Kind::FineTune));
    let written = hours(&ask(Kind::Reinforcement {
        rollout: Percent::new(60),
    }));
    assert!((written / train - 2.5).abs() < 1e-9, "{}", written / train);
    let read = ask(Kind::Throughput);
    assert!((0.2..0.4).contains(&(hours(&read) / train)));
    assert_eq!(read.fits, Fits::Yes);
    assert!(read.memory.states < ask(Kind::FineTune).memory.states);
}

#[test]
fn money_has_parts_and_the_unknown_ones_are_named() {
    let part = chip("H100");
    let workload = of(LLAMA_7B, Kind::PreTrain);
    let bare = Fleet {
        term: Some(Term::OnDemand("20".parse().unwrap())),
        ..node(&part, 8)
    };
    let answer = ask(&workload, &bare);
    assert_eq!(answer.bill.unknown(), ["storage", "egress", "people"]);
    assert_eq!(answer.bill.nodes, answer.cost, "the rest is unknown");
    let priced = Fleet {
        rates: Rates {
            storage_gb_month: Some("0.02".parse::<Usd>().unwrap()),
            egress_gb: Some("0.10".parse::<Usd>().unwrap()),
            people: Some(Interval::exact("100".parse().unwrap())),
        },
        ..bare
    };
    assert_eq!(
        answer.bill.to_string().split("; ").last(),
        Some("not counted: storage, egress, people")
    );
    let bill = ask(&workload, &priced).bill;
    assert!(!bill.to_string().contains("not counted"));
    assert!(bill.unknown().is_empty());
    // 94.3 GB of weights, master copy and moments at ten cents.
    assert_eq!(bill.egress.known().unwrap().to_string(), "$9.43");
    let sum = bill.sum().known().unwrap().mid;
    let parts = [&bill.nodes, &bill.storage, &bill.people].map(|part| part.known().unwrap().mid);
    assert_eq!(
        sum,
        parts.into_iter().sum::<Usd>() + *bill.egress.known().unwrap()
    );
    let (nodes, people) = (
        bill.nodes.known().unwrap().mid,
        bill.people.known().unwrap().mid,
    );
    assert!(people.get() > nodes.get() * rust_decimal::Decimal::from(4));
}

#[test]
fn failures_and_preemption_cost_time() {
    let part = chip("H100");
    let workload = Workload {
        global_batch: Some(2048),
        ..of(LLAMA_70B, Kind::PreTrain)
    };
    let fleet = |nodes, preemptions| Fleet {
        preemptions_per_node_hour: preemptions,
        ..Fleet::new(
            Hardware::Accelerators {
                part: &part,
                per_node: 8,
            },
            nodes,
        )
    };
    let goodput = |fleet: &Fleet<'_>| *ask(&workload, fleet).goodput.known().unwrap();
    let small = goodput(&fleet(8, None));
    assert!(small.share > 0.98, "{small:?}");
    // Llama 3 on 16,384: more than 90 % effective, by their own count.
    let large = goodput(&fleet(2048, None));
    assert!((0.85..0.97).contains(&large.share), "{large:?}");
    let spot = goodput(&fleet(8, Some(0.05)));
    assert!(spot.share < small.share && spot.checkpoint_interval < small.checkpoint_interval);
}

#[test]
fn carbon_needs_a_grid() {
    let part = chip("H100");
    let answer = ask(&of(LLAMA_7B, Kind::PreTrain), &node(&part, 8));
    assert!(
        !answer
            .carbon(&Fact::unknown("no factor of this grid"))
            .is_known()
    );
    let grid = Fact::stated(GramsPerKilowattHour::new(400.0), "test");
    let carbon = answer.carbon(&grid);
    let energy = answer.energy.known().unwrap().energy;
    assert!((carbon.known().unwrap().mid.get() - 0.4 * energy.mid.get()).abs() < 1e-9);
}

#[test]
fn the_usual_utilisation_of_a_chip_is_wide_without_a_run() {
    let calibration = Calibration::builtin().unwrap();
    let of = |name: &str| {
        *usual_utilisation(&chip(name), &calibration)
            .known()
            .unwrap()
    };
    let (h100, h20) = (of("H100"), of("H20"));
    assert!((0.3..0.5).contains(&h100.mid.get()), "{h100}");
    assert!(h20.high.get() / h20.low.get() > h100.high.get() / h100.low.get());
    assert!(of("V100").mid.get() > 0.1, "in its only 16-bit format");
}

#[test]
fn an_answer_as_it_reads() {
    let part = chip("H800");
    let workload = Workload {
        tokens: Tokens::new(1e12),
        global_batch: Some(1024),
        ..of(LLAMA_70B, Kind::PreTrain)
    };
    let fleet = Fleet::new(
        Hardware::Accelerators {
            part: &part,
            per_node: 8,
        },
        32,
    );
    let answer = ask(&workload, &fleet);
    let text = format!(
        "layout {}\nfits {}, {} of {}\n{} a chip, MFU {}\n{}\nbound by {}\ngoodput {:.3}, a checkpoint every {}\n{} and {}\n{}",
        answer.layout.known().unwrap(),
        answer.fits,
        answer.memory_needed,
        answer.memory_available.known().unwrap(),
        answer.tokens_per_second_per_chip.known().unwrap().mid,
        answer.mfu.known().unwrap(),
        answer.step.known().unwrap(),
        answer.bound_by,
        answer.goodput.known().unwrap().share,
        answer.goodput.known().unwrap().checkpoint_interval,
        answer.hours.known().unwrap(),
        answer.energy.known().unwrap().energy.mid,
        answer.notes.join("\n"),
    );
    insta::assert_snapshot!(text);
}
