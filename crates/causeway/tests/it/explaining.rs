//! What `causeway explain` prints.

use crate::home::{Home, Run};

const DAY: [&str; 2] = ["--as-of", "2026-11-20"];

fn explain(home: &Home, words: &[&str]) -> Run {
    let all: Vec<&str> = ["explain", "task.yaml"]
        .iter()
        .chain(&DAY)
        .chain(words)
        .copied()
        .collect();
    let mut command = home.command(&all);
    command.env("CAUSEWAY_TIMESTAMP", "2026-11-20T10:00:00Z");
    Run::of(command.output().unwrap())
}

/// A customer whose home is a country under control: nothing about it is on file yet.
fn under_control() -> Home {
    let home = Home::new();
    home.organisation(&[
        (
            "headquarters: SG\n    listed: none",
            "headquarters: CN\n    listed: none",
        ),
        (
            "kind: person, headquarters: SG",
            "kind: person, headquarters: CN",
        ),
    ]);
    home
}

#[test]
fn the_reasoning_is_a_tree_of_acts_rules_facts_and_owners() {
    let run = explain(&under_control(), &[]);
    assert_eq!(run.code, Some(4), "{run}");
    for part in [
        "(says causeway.yaml)",
        "written in: ",
        "parties, and who owns them",
        "ultimate parent: The founders (`founders`), China (CN)",
        "WARNING: part of this rule was not seen in a source",
    ] {
        // A line may break anywhere between two words.
        let flat = run.stdout.replace(['│', '├', '└', '─'], " ");
        let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "`{part}`: {run}");
    }
    let widest = run
        .stdout
        .lines()
        .take_while(|line| !line.starts_with("Factors"))
        .map(|line| line.chars().count())
        .max();
    assert!(widest <= Some(100), "{widest:?}: {run}");
}

#[test]
fn advice_names_papers_reviewers_and_rules_and_nobody_else() {
    let home = under_control();
    let run = explain(&home, &["--counterfactual"]);
    assert_eq!(run.code, Some(4), "{run}");
    assert!(
        run.stdout.contains("what would make johor node lawful"),
        "{run}"
    );
    let json = explain(&home, &["--counterfactual", "--json"]).json();
    let proposals = json["counterfactual"]["changes"]["proposals"]
        .as_array()
        .unwrap();
    assert!(!proposals.is_empty(), "{json}");
    for step in proposals
        .iter()
        .flat_map(|proposal| proposal["steps"].as_array().unwrap())
    {
        assert!(
            [
                "document",
                "mechanism",
                "chip",
                "count",
                "date",
                "authorisation"
            ]
            .contains(&step["change"]["kind"].as_str().unwrap()),
            "{step}"
        );
        assert!(!step["answers"].as_array().unwrap().is_empty(), "{step}");
    }
    assert!(json["tree"]["children"].as_array().unwrap().len() > 2);
}

#[test]
fn what_is_allowed_needs_no_change() {
    let home = Home::new();
    let run = explain(&home, &["--counterfactual"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stdout.contains("none is needed"), "{run}");
    assert!(
        explain(&home, &["--json"]).json()["counterfactual"].is_null(),
        "asked for only by the flag"
    );
}

#[test]
fn a_party_on_a_list_stays_on_it() {
    let home = Home::new();
    home.organisation(&[
        (
            "headquarters: SG\n    listed: none",
            "headquarters: SG\n    listed: sdn",
        ),
        ("country: MY\n    operator", "country: US\n    operator"),
    ]);
    let run = explain(&home, &["--counterfactual", "--site", "johor"]);
    assert_eq!(run.code, Some(3), "{run}");
    assert!(
        run.stdout
            .contains("no other place of this comparison is allowed as it is"),
        "{run}"
    );
    let advice = &run.stdout[run.stdout.find("what would make").unwrap()..];
    for never in ["listed:", "headquarters:", "owners:"] {
        assert!(!advice.contains(never), "{advice}");
    }
    let unknown = explain(&home, &["--counterfactual", "--site", "nowhere"]);
    assert_ne!(unknown.code, Some(0), "{unknown}");
    assert!(unknown.stderr.contains("nowhere"), "{unknown}");
}
