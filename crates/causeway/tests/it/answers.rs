//! What the law answers, and that no flag changes it.

use crate::home::Home;

#[test]
fn an_unknown_parent_needs_review_and_is_named() {
    let home = Home::new();
    home.organisation(&[(
        "owners: [{party: founders, share: 100 %}]",
        "owners: [{party: founders, share: unknown}]",
    )]);
    let plan = home.causeway(&["plan", "task.yaml"]);
    assert_eq!(plan.code, Some(4), "{plan}");
    assert!(
        plan.stdout.contains("customer.parent") || plan.stdout.contains("parent"),
        "{plan}"
    );
    let run = home.causeway(&["run", "task.yaml", "--yes"]);
    assert_eq!(run.code, Some(4), "{run}");
    assert_eq!(home.starts(), 0);
}

#[test]
fn what_is_prohibited_is_launched_by_no_flag() {
    let home = Home::new();
    home.organisation(&[
        (
            "headquarters: SG\n    listed: none",
            "headquarters: SG\n    listed: sdn",
        ),
        ("country: MY\n    operator", "country: US\n    operator"),
    ]);
    let plan = home.causeway(&["plan", "task.yaml"]);
    assert_eq!(plan.code, Some(3), "{plan}");
    for words in [
        vec!["run", "task.yaml", "--yes"],
        vec!["run", "task.yaml", "--yes", "--new"],
        vec!["run", "task.yaml", "--yes", "--site", "johor"],
    ] {
        let run = home.causeway(&words);
        assert_eq!(run.code, Some(3), "{words:?}: {run}");
    }
    assert_eq!(home.starts(), 0);
    assert!(
        home.stages()
            .iter()
            .all(|stage| stage.starts_with("plan") || stage.starts_with("clear")),
        "a refusal is on record: {:?}",
        home.stages()
    );
    home.assert_verifies();
}

#[test]
fn an_undeclared_path_may_hold_anything() {
    let home = Home::new();
    home.organisation(&[("code: [model], ", "")]);
    let run = home.causeway(&["run", "task.yaml", "--yes"]);
    assert_eq!(run.code, Some(4), "{run}");
    assert!(run.stderr.contains("does not declare ./model"), "{run}");
}

#[test]
fn without_a_terminal_and_without_yes_the_plan_is_printed_and_nothing_starts() {
    let home = Home::new();
    let run = home.causeway(&["run", "task.yaml"]);
    assert_eq!(run.code, Some(2), "{run}");
    assert!(run.stdout.contains("johor node"), "{run}");
    assert_eq!(home.starts(), 0);
    assert!(home.entries().is_empty());
}

#[test]
fn a_date_asks_and_never_launches() {
    let home = Home::new();
    assert_eq!(
        home.causeway(&["plan", "task.yaml", "--as-of", "2024-01-01"])
            .code,
        Some(0)
    );
    assert_eq!(
        home.causeway(&["run", "task.yaml", "--as-of", "2024-01-01", "--yes"])
            .code,
        Some(2)
    );
}

#[test]
fn explain_cites_and_names_what_is_unknown() {
    let home = Home::new();
    home.organisation(&[("class: none, records: 1", "records: 1")]);
    let run = home.causeway(&["explain", "task.yaml"]);
    assert_eq!(run.code, Some(4), "{run}");
    assert!(run.stdout.contains("datasets.corpus.class"), "{run}");
    assert!(
        run.stdout.contains("CFR") || run.stdout.contains("GDPR"),
        "{run}"
    );
}

#[test]
fn explain_in_full_says_why_other_rules_did_not_speak() {
    let home = Home::new();
    let short = home.causeway(&["explain", "task.yaml"]);
    assert!(
        !short.stdout.contains("rules that did not speak"),
        "{short}"
    );
    let full = home.causeway(&["explain", "task.yaml", "--full"]);
    assert!(full.stdout.contains("rules that did not speak"), "{full}");
    assert!(
        full.stdout.contains("pack hyp-remote-access is off"),
        "{full}"
    );
    let json = home.causeway(&["explain", "task.yaml", "--full", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let passed = &document["clearance"]["verdicts"][0]["passed"];
    assert!(
        passed.as_array().is_some_and(|passed| passed.len() > 5),
        "{passed}"
    );
}

#[test]
fn a_clock_set_from_outside_is_in_every_statement_for_good() {
    let home = Home::new();
    let mut first = home.command(&["run", "task.yaml", "--yes"]);
    assert!(
        first
            .env("CAUSEWAY_TIMESTAMP", "2026-11-20T10:00:00Z")
            .output()
            .unwrap()
            .status
            .success()
    );
    let run = home.causeway(&["run", "task.yaml", "--yes", "--new"]);
    assert_eq!(run.code, Some(0), "{run}");
    let envelopes = home.path(".causeway/log/envelopes");
    let mut seen = 0;
    for entry in walk(&envelopes) {
        let text = std::fs::read_to_string(entry).unwrap();
        let envelope: serde_json::Value = serde_json::from_str(&text).unwrap();
        let payload = base64(envelope["payload"].as_str().unwrap());
        assert!(payload.contains(r#""clock":"simulated""#), "{payload}");
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn a_clock_behind_the_log_clears_nothing() {
    let home = Home::new();
    assert_eq!(home.causeway(&["run", "task.yaml", "--yes"]).code, Some(0));
    let mut behind = home.command(&["run", "task.yaml", "--yes", "--new"]);
    let run = crate::home::Run::of(
        behind
            .env("CAUSEWAY_TIMESTAMP", "2026-01-01T00:00:00Z")
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stderr.contains("the clock says"), "{run}");
    assert_eq!(home.starts(), 1);
}

pub(crate) fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

/// Standard base64, padded; enough for a test.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut held = 0;
    let mut out = Vec::new();
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|known| *known == byte).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn the_plan_is_a_table_with_reasons_and_a_choice() {
    let home = Home::new();
    home.organisation(&[(
        "offers: [{instance: node,",
        "offers: [{instance: small, cpus: 0.5, price_per_hour: 0.5}, {instance: node,",
    )]);
    let words = [
        "plan",
        "task.yaml",
        "--site",
        "johor",
        "--as-of",
        "2026-11-20",
    ];
    let plan = home.causeway(&words);
    assert_eq!(plan.code, Some(0), "{plan}");
    insta::assert_snapshot!(plan.stdout);
}

#[test]
fn scenarios_say_what_may_become_of_a_plan() {
    let home = Home::new();
    home.organisation(&[
        (
            "price_per_hour: 1.20}",
            "price_per_hour: 1.20, tokens_per_second: 10}",
        ),
        ("tokens: 1000,", "tokens: 8.64e6,"),
    ]);
    home.write(
        "futures.yaml",
        "format: causeway/scenarios/1
events:
  flood: {title: the site is lost, lost: {country: MY}, when: {per_year: 18}, assumption: true}
  dearer: {title: prices double, price: {factor: {low: 2, mid: 2, high: 2}}, when: {on: 2026-11-20, probability: 0.5}, source: a list}
scenarios:
  dry: {title: no flood, never: [flood]}
",
    );
    let words = [
        "plan",
        "task.yaml",
        "--site",
        "johor",
        "--as-of",
        "2026-11-20",
        "--scenarios",
        "futures.yaml",
        "--draws",
        "2000",
        "--home-every",
        "6h",
    ];
    let plan = home.causeway(&words);
    assert_eq!(plan.code, Some(0), "{plan}");
    let (_, futures) = plan.stdout.split_once("What may become").unwrap();
    insta::assert_snapshot!(futures);
    let json = home.causeway(&[&words[..], &["--json"]].concat());
    assert_eq!(json.json()["outlook"]["readings"][1]["name"], "dry");

    home.write(
        "bad.yaml",
        "format: causeway/scenarios/1\nevents: {a: {title: a, pack: b, when: {per_year: 1}}}\n",
    );
    let bad = home.causeway(&["plan", "task.yaml", "--scenarios", "bad.yaml"]);
    assert_eq!(bad.code, Some(2), "{bad}");
    assert!(
        bad.stderr
            .contains("nobody says where these numbers come from"),
        "{bad}"
    );
    let missing = home.causeway(&["plan", "task.yaml", "--scenarios", "none.yaml"]);
    assert!(missing.stderr.contains("--scenarios base"), "{missing}");
}

#[test]
fn a_portfolio_gives_each_task_its_place() {
    let home = Home::new();
    home.organisation(&[
        (
            "offers: [{instance: node, cpus: 2, memory: 4 GB, price_per_hour: 1.20}]",
            "offers: [{instance: node, cpus: 2, memory: 4 GB, price_per_hour: 1.20, tokens_per_second: 10}, {instance: quick, cpus: 4, memory: 4 GB, price_per_hour: 5, tokens_per_second: 30}]",
        ),
        ("tokens: 1000,", "tokens: 3.6e6,"),
    ]);
    let task = std::fs::read_to_string(home.path("task.yaml")).unwrap();
    home.write("other.yaml", &task.replace("name: demo", "name: other"));
    home.write(
        "portfolio.yaml",
        "format: causeway/portfolio/1
tasks:
  - {task: task.yaml, deadline: 2026-11-22}
  - {task: other.yaml, worth: 500}
budget: 350
limits: [{country: MY, spend: 300}]
",
    );
    let words = [
        "plan",
        "--portfolio",
        "portfolio.yaml",
        "--as-of",
        "2026-11-20",
    ];
    let plan = home.causeway(&words);
    assert_eq!(plan.code, Some(0), "{plan}");
    insta::assert_snapshot!(plan.stdout);
    let json = home.causeway(&[&words[..], &["--json"]].concat()).json();
    assert_eq!(json["portfolio"]["assignments"][0]["task"], "demo");
    let why = home.causeway(&[&words[..], &["--explain", "total"]].concat());
    assert_eq!(why.code, Some(0), "{why}");
    assert!(
        why.stdout.contains("task demo") && why.stdout.contains("task other"),
        "{why}"
    );
    assert!(why.stdout.contains("a node and hour"), "{why}");
    let both = home.causeway(&[&words[..], &["--html", "page.html"]].concat());
    assert!(both.stderr.contains("cannot be used with"), "{both}");

    home.write(
        "portfolio.yaml",
        "format: causeway/portfolio/1\ntasks: [{task: task.yaml}, {task: other.yaml}]\nbudget: 200\n",
    );
    let short = home.causeway(&words);
    assert_eq!(short.code, Some(2), "{short}");
    assert!(
        short
            .stderr
            .contains("budget: $200.00 is $40.00 too little"),
        "{short}"
    );
    let neither = home.causeway(&["plan"]);
    assert!(neither.stderr.contains("<TASK>"), "{neither}");
}
