//! Price lists and own offers, and the estimator alone.

use crate::home::Home;

const HEADER: &str = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice\n";
const GOOD: &str = "box,H100,8,128,1600,20.5,eu-north1,,9\n";

#[test]
fn bad_rows_are_refused_at_their_place_or_left_out_when_that_is_asked_for() {
    let home = Home::new();
    let list = format!("{HEADER}{GOOD}x,H100,8,1,1,nan,eu-north1,,\ny,H100,8,1,1,-3,eu-north1,,\n");
    home.write("lists/nebius/vms.csv", &list);
    let refused = home.causeway(&["offers", "import", "lists"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    for word in ["vms.csv:3:14", "vms.csv:4:14", "not a number", "--skip-bad"] {
        assert!(refused.stderr.contains(word), "{word} in {refused}");
    }
    let before = home
        .causeway(&["offers", "list", "--accelerator", "H100", "--json"])
        .json();
    let imported = home.causeway(&["offers", "import", "lists", "--skip-bad"]);
    assert_eq!(imported.code, Some(0), "{imported}");
    assert!(imported.stdout.contains("nebius: 1 offers"), "{imported}");
    let after = home
        .causeway(&["offers", "list", "--accelerator", "H100", "--json"])
        .json();
    let count = |list: &serde_json::Value| {
        let offers = list["offers"].as_array().unwrap();
        offers
            .iter()
            .filter(|offer| offer["provider"] == "nebius")
            .count()
    };
    assert_eq!(after["offers"][0]["part"], "H100-SXM-80GB");
    assert_eq!(
        (count(&before), count(&after)),
        (2, 1),
        "the list takes the place of the built-in one"
    );
    // A file without the columns of a price list is left out beside one that has them, and alone it is an error.
    home.write("mixed/nebius/vms.csv", &format!("{HEADER}{GOOD}"));
    home.write("mixed/verda/vms.csv", "InstanceType,Price\nx,1\n");
    let mixed = |more: &[&str]| {
        home.causeway(&[&["offers", "import", "mixed", "--state", "other"], more].concat())
    };
    let refused = mixed(&[]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("vms.csv:1:1"), "{refused}");
    let rest = mixed(&["--skip-bad"]);
    assert_eq!(rest.code, Some(0), "{rest}");
    assert!(rest.stdout.contains("nebius: 1 offers"), "{rest}");
    assert!(rest.stderr.contains("vms.csv is left out"), "{rest}");
    std::fs::remove_dir_all(home.path("mixed/nebius")).unwrap();
    assert_eq!(mixed(&["--skip-bad"]).code, Some(2));
    // Read from the cache the second time, and the same.
    assert!(home.path(".causeway/offers/offers.cache").exists());
    assert_eq!(
        home.causeway(&["offers", "list", "--accelerator", "H100", "--json"])
            .json(),
        after
    );
    // A damaged cache is no harm.
    home.write(".causeway/offers/offers.cache", "cwoffers and no more");
    assert_eq!(
        home.causeway(&["offers", "list", "--accelerator", "H100", "--json"])
            .json(),
        after
    );

    home.write("next.csv", "");
    home.write(
        "next/nebius.csv",
        &format!("{HEADER}{}", GOOD.replace("20.5", "25")),
    );
    let changed = home.causeway(&["offers", "diff", "next"]);
    assert!(
        changed
            .stdout
            .contains("$20.50/h -> $25.00/h on demand, +22 %"),
        "{changed}"
    );
}

#[test]
fn an_offers_file_is_checked_and_priced() {
    let home = Home::new();
    home.write(
        "own.yaml",
        "format: causeway/offers/1
source: {by: quote 117, on: 2026-11-02}
offers:
  - {provider: straits, instance: hgx, country: MY, accelerator: H100, accelerators_per_node: 8, on_demand: 23.60, reserved: [{months: 1, upfront: 1000, per_hour: 14.20}]}
",
    );
    let imported = home.causeway(&["offers", "import", "own.yaml"]);
    assert_eq!(imported.code, Some(0), "{imported}");
    let listed = home.causeway(&["offers", "list", "--country", "MY"]);
    assert!(
        listed.stdout.contains("23.60")
            && listed.stdout.contains("quote 117")
            && listed
                .stdout
                .contains("reserved for 1 month: $1000.00 upfront"),
        "{listed}"
    );
    home.write(
        "own.yaml",
        "format: causeway/offers/1\noffers:\n  - {provider: straits, on_demand: 1}\n",
    );
    let refused = home.causeway(&["offers", "import", "own.yaml"]);
    assert_eq!(refused.code, Some(2), "{refused}");
}

#[test]
fn one_fleet_is_estimated_and_a_table_of_runs() {
    let home = Home::new();
    let words = [
        "estimate",
        "--parameters",
        "7e9",
        "--tokens",
        "1e12",
        "--accelerator",
        "H100",
        "--nodes",
        "16",
        "--price",
        "24",
        "--country",
        "FI",
    ];
    let one = home.causeway(&words);
    assert_eq!(one.code, Some(0), "{one}");
    for word in [
        "layout",
        "not certain",
        "bound by compute",
        "money",
        "kg CO2e",
        "four times in five",
    ] {
        assert!(one.stdout.contains(word), "{word} in {one}");
    }
    assert!(
        one.stdout.contains("not counted: storage, egress, people"),
        "{one}"
    );
    let hours = |more: &[&str]| {
        let run = home.causeway(&[&words[..], more, &["--json"]].concat());
        assert_eq!(run.code, Some(0), "{run}");
        run.json()["estimate"]["hours"]["known"][0]["mid"]
            .as_f64()
            .unwrap()
    };
    let written = hours(&["--kind", "reinforcement", "--rollout", "60%"]);
    assert!((written / hours(&["--kind", "fine-tune"]) - 2.5).abs() < 1e-6);
    let silent = home.causeway(&[&words[..], &["--kind", "reinforcement"]].concat());
    assert_eq!(silent.code, Some(2), "{silent}");
    assert!(silent.stderr.contains("--rollout"), "{silent}");
    let priced = home.causeway(
        &[
            &words[..],
            &["--storage", "0.02", "--egress", "0.09", "--people", "50"],
        ]
        .concat(),
    );
    for part in ["storage $", "egress $", "people $"] {
        assert!(priced.stdout.contains(part), "{part} in {priced}");
    }
    let unknown = home.causeway(&[
        "estimate",
        "--parameters",
        "7e9",
        "--tokens",
        "1e12",
        "--accelerator",
        "H10O",
    ]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.stderr.contains("did you mean `H100`"), "{unknown}");

    let table = "id,model,params_total_b,params_active_b,layers,hidden,heads,kv_heads,ffn,vocab,arch,seq_len,global_batch_seqs,chip,chips,precision\n";
    let row = |model: &str| {
        format!(
            "{table}a,{model},6.7,6.7,32,4096,32,32,11008,32000,dense,2048,512,A100-80GB,64,bf16\n"
        )
    };
    home.write("runs.csv", &row("Llama"));
    let answers = home.causeway(&["estimate", "--runs", "runs.csv", "-o", "out.csv"]);
    assert_eq!(answers.code, Some(0), "{answers}");
    let said = std::fs::read_to_string(home.path("out.csv")).unwrap();
    assert!(
        said.starts_with("id,tok_s_chip,tok_s_chip_low,tok_s_chip_high,mem_gib,fits,bound_by\na,"),
        "{said}"
    );
    // A name is nothing that the answer turns on.
    home.write("runs.csv", &row("Something else"));
    home.causeway(&["estimate", "--runs", "runs.csv", "-o", "other.csv"]);
    assert_eq!(
        std::fs::read_to_string(home.path("other.csv")).unwrap(),
        said
    );
    home.write("runs.csv", &row("Llama").replace(",64,", ",many,"));
    let bad = home.causeway(&["estimate", "--runs", "runs.csv"]);
    assert_eq!(bad.code, Some(2), "{bad}");
}
