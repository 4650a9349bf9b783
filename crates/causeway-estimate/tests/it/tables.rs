//! Tables of runs: names are never looked at, columns are found by name, bad rows are named.

use causeway_estimate::{Calibration, EstimateError, runs};
use causeway_market::Accelerators;
use proptest::prelude::*;

use crate::published::{MEMORY, RUNS, predict, predict_text};

const HEADER: &str = "id,family,model,params_total_b,params_active_b,layers,hidden,heads,kv_heads,ffn,vocab,experts,experts_per_token,seq_len,global_batch_seqs,micro_batch,chip,chips,precision,tp,pp,cp,ep,sharding,act_recompute,kind";
const LLAMA: &str =
    "a,F,M,6.74,6.74,32,4096,32,32,11008,32000,,,4096,1024,,H100,64,bf16,,,,,,,bench";

fn error(text: &str) -> EstimateError {
    runs::predict(
        text,
        &Accelerators::builtin().unwrap(),
        &Calibration::builtin().unwrap(),
    )
    .unwrap_err()
}

#[test]
fn a_run_is_known_by_its_features_alone() {
    for text in [RUNS, MEMORY] {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headers = reader.headers().unwrap().clone();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&headers).unwrap();
        for (line, record) in reader.records().enumerate() {
            let record = record.unwrap();
            let fields = headers.iter().zip(&record).map(|(name, field)| match name {
                "family" | "model" => format!("renamed-{line}"),
                // Nor is anything that tells the answer.
                "truth_tok_s_chip" | "tok_s_chip" | "tflops_chip" | "mfu_pct" | "hfu_pct"
                | "chip_hours" | "days" | "notes" | "source" | "peak_gib" | "use" => String::new(),
                _ => field.to_owned(),
            });
            writer.write_record(fields).unwrap();
        }
        let renamed = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(predict_text(text), predict_text(&renamed));
    }
}

#[test]
fn the_order_of_columns_does_not_matter() {
    let turn = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(",");
    let straight = format!("{HEADER}\n{LLAMA}\n");
    let turned = format!("{}\n{}\n", turn(HEADER), turn(LLAMA));
    assert_eq!(predict_text(&straight), predict_text(&turned));
    let marked = format!("\u{feff}{straight}");
    assert_eq!(
        predict_text(&straight),
        predict_text(&marked),
        "byte order mark"
    );
    let none = straight.replace("32000,,,4096", "32000,0,0,4096");
    assert_eq!(predict_text(&straight), predict_text(&none), "no experts");
}

#[test]
fn an_answer_in_full() {
    let answer = predict_text(&format!("{HEADER}\n{LLAMA}\n"));
    let mut lines = answer.lines();
    assert_eq!(
        lines.next(),
        Some("id,tok_s_chip,tok_s_chip_low,tok_s_chip_high,mem_gib,fits,bound_by")
    );
    let row = predict(&format!("{HEADER}\n{LLAMA}\n")).remove(0);
    let number = |column: &str| row[column].parse::<f64>().unwrap();
    assert!(
        (7_000.0..14_000.0).contains(&number("tok_s_chip")),
        "{row:?}"
    );
    assert!(number("tok_s_chip_low") < number("tok_s_chip"));
    assert!(number("tok_s_chip") < number("tok_s_chip_high"));
    assert_eq!(
        (row["fits"].as_str(), row["bound_by"].as_str()),
        ("yes", "compute")
    );
}

#[test]
fn bad_rows_are_named_with_line_and_column() {
    let text = format!(
        "{HEADER}\n{LLAMA}\n{}\n",
        LLAMA.replace("4096,1024", "4096,many")
    );
    assert_eq!(
        error(&text).to_string(),
        "line 3, column `global_batch_seqs`: `many` is not a number of more than 0 and at most 16777216"
    );
    let text = format!("{HEADER}\n{}\n", LLAMA.replace("bf16", "bf61"));
    assert_eq!(
        error(&text).to_string(),
        "line 2, column `precision`: `bf61` is none of bf16, fp16, fp8, mxfp8, fp32"
    );
    let text = format!("{HEADER}\n{}\n", LLAMA.replacen("6.74,6.74", ",6.74", 1));
    assert_eq!(
        error(&text).to_string(),
        "line 2, column `params_total_b`: it is empty"
    );
    let short = error(&format!("{HEADER}\n{LLAMA}\na,b\n")).to_string();
    assert!(short.starts_with("line 3, "), "{short}");
}

#[test]
fn a_format_that_a_chip_lacks_runs_in_one_that_it_has() {
    let rate = |chip: &str, precision: &str| {
        let row = LLAMA.replace("H100", chip).replace("bf16", precision);
        let answer = predict(&format!("{HEADER}\n{row}\n")).remove(0);
        answer["tok_s_chip"].parse::<f64>().unwrap()
    };
    assert_eq!(rate("V100", "bf16"), rate("V100", "fp16"));
    assert_eq!(rate("TPUv4", "fp32"), rate("TPUv4", "bf16"));
    assert_eq!(rate("A100-80GB", "fp8"), rate("A100-80GB", "bf16"));
    assert!(rate("H100", "fp8") > 1.2 * rate("H100", "bf16"));
}

#[test]
fn an_unknown_chip_is_an_unknown_answer_and_not_a_zero() {
    let row = predict(&format!("{HEADER}\n{}\n", LLAMA.replace("H100", "abacus"))).remove(0);
    assert_eq!(row["tok_s_chip"], "");
    assert_eq!(
        (row["fits"].as_str(), row["bound_by"].as_str()),
        ("unknown", "unknown")
    );
}

#[test]
fn an_id_with_a_comma_stays_one_field() {
    let row = predict(&format!(
        "{HEADER}\n{}\n",
        LLAMA.replacen("a,", "\"a, \"\"b\"\"\",", 1)
    ));
    assert_eq!(row[0]["id"], "a, \"b\"");
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (1u32..200).prop_map(|n| n.to_string()),
        (1e-3f64..1e6).prop_map(|n| n.to_string()),
        Just("0".to_owned()),
        Just("nan".to_owned()),
        "[a-z0-9.]{0,8}",
    ]
}

proptest! {
    #[test]
    fn no_row_makes_it_panic(fields in prop::collection::vec(field(), 21), chip in 0usize..60, precision in 0usize..4, text in "\\PC{0,80}") {
        let chips = Accelerators::builtin().unwrap();
        let calibration = Calibration::builtin().unwrap();
        let name = &chips.iter().nth(chip).unwrap().name;
        let precision = ["bf16", "fp16", "fp8", "fp32"][precision];
        let mut row: Vec<&str> = fields.iter().map(String::as_str).collect();
        row.insert(16, name);
        row.insert(18, precision);
        row.extend(["zero1", "full", "run"]);
        let row = row.join(",");
        let answer = runs::predict(&format!("{HEADER}\n{row}\n"), &chips, &calibration);
        if let Ok(answer) = answer {
            prop_assert!(!answer.contains("NaN") && !answer.contains("inf"), "{row}\n{answer}");
        }
        let _ = runs::predict(&text, &chips, &calibration);
        let _ = runs::predict(&format!("{HEADER}\n{text}"), &chips, &calibration);
    }

    #[test]
    fn any_sensible_row_has_an_answer(
        billions in 0.01f64..2_000.0, layers in 1u32..200, heads in 1u32..200, sequence in 1u32..100_000,
        chips in 1u32..20_000, batch in prop::option::of(1u32..10_000), experts in prop::option::of(2u32..512),
    ) {
        let (hidden, batch) = (heads * 128, batch.map_or(String::new(), |b| b.to_string()));
        let (active, experts) = match experts {
            Some(experts) => (billions / 4.0, experts.to_string()),
            None => (billions, String::new()),
        };
        let row = format!("a,F,M,{billions},{active},{layers},{hidden},{heads},{heads},,32000,{experts},,{sequence},{batch},,A100-80GB,{chips},bf16,,,,,,,bench");
        let answer = predict(&format!("{HEADER}\n{row}\n")).remove(0);
        let rate: f64 = answer["tok_s_chip"].parse().unwrap();
        prop_assert!(rate >= 0.0 && rate.is_finite());
        prop_assert!(answer["mem_gib"].parse::<f64>().unwrap() > 0.0);
        // No layout divides 16 bytes of state for each parameter further than over every card.
        if 16.0 * billions * 1e9 / f64::from(chips) > 85.0 * f64::from(1 << 30) {
            prop_assert_eq!(answer["fits"].as_str(), "no");
        }
    }
}
