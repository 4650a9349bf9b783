//! Known pairs, and what must hold of every comparison.

use causeway_law::diff::{Budget, By, Change, Comparison, Finding, Parting, Side, Whose, compare};
use causeway_law::{Effect, Outcome, PackFile, Packs, Posture, Review, cases};
use proptest::prelude::*;

const PROVED: Finding = Finding::Proved {
    by: By::Identity,
    claims: 0,
};

fn on(day: &str) -> Side {
    Side::new(day, Packs::builtin().unwrap(), day.parse().unwrap())
}

fn with(files: &[(&str, &str)], day: &str) -> Side {
    let files = files
        .iter()
        .map(|(path, text)| PackFile {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    Side::new(
        "folder",
        Packs::from_files(files).unwrap(),
        day.parse().unwrap(),
    )
}

fn alone(a: &Side, b: &Side) -> Comparison {
    let budget = Budget {
        acts_a_policy: 200,
        acts: 400,
    };
    compare(a, b, None, budget)
}

/// The act of an example gives on each side what is said, read from its own text.
fn holds(example: &causeway_law::diff::Example, a: &Side, b: &Side) {
    let read = cases::parse(&example.cases).unwrap();
    assert_eq!(read.len(), 2);
    for (case, side) in read.iter().zip([a, b]) {
        let result = cases::run(side.packs(), case);
        assert!(result.passed, "{}: {}", case.id, result.why);
    }
}

#[test]
fn a_side_equals_itself() {
    for day in ["2022-10-21", "2025-10-01", "2026-11-24"] {
        let comparison = alone(&on(day), &on(day));
        assert!(comparison.is_empty(), "{comparison:?}");
        assert_eq!(comparison.b_at_least_a, PROVED);
        assert_eq!(comparison.a_at_least_b, PROVED);
        assert_eq!(comparison.coverage.acts, 0);
        assert!(comparison.identical > 10);
    }
}

#[test]
fn january_2026_changes_the_review_and_no_outcome() {
    let (a, b) = (on("2026-01-14"), on("2026-01-15"));
    let comparison = alone(&a, &b);
    let rule = &comparison.rules[0];
    assert_eq!(
        (rule.id.as_str(), rule.change, rule.in_force),
        ("us-jan2026-review", Change::Added, true)
    );
    assert!(rule.citation[0].starts_with("91 FR 1684"));
    assert_eq!(comparison.rules.len(), 1, "{:#?}", comparison.rules);
    assert_eq!(comparison.data[0].what, "item class `January 2026 numbers`");
    assert!(comparison.data[0].lines[0].text.contains("tpp < 21000"));
    // No outcome changes: a licence it was and is.
    assert_eq!(comparison.b_at_least_a, PROVED);
    assert_eq!(comparison.a_at_least_b, PROVED);
    let example = comparison
        .finer
        .iter()
        .find(|example| example.parting == Parting::Review)
        .unwrap();
    assert_eq!(example.a.review, Some(Review::PresumptionOfDenial));
    assert_eq!(example.b.review, Some(Review::CaseByCase));
    holds(example, &a, &b);
}

#[test]
fn the_affiliates_rule_begins() {
    let (a, b) = (on("2025-09-28"), on("2025-09-29"));
    let comparison = alone(&a, &b);
    let Finding::Refuted { example } = &comparison.a_at_least_b else {
        panic!("{:?}", comparison.a_at_least_b)
    };
    assert!(example.a.outcome < Outcome::LicenseRequired);
    assert_eq!(example.b.outcome, Outcome::LicenseRequired);
    assert_eq!(example.b.deciding[0].id, "us-affiliates-50-a");
    holds(example, &a, &b);
    assert_eq!(comparison.b_at_least_a, PROVED);
    // The other way round the same is said of the other side.
    let back = alone(&b, &a);
    assert_eq!(back.a_at_least_b, PROVED);
    assert!(matches!(back.b_at_least_a, Finding::Refuted { .. }));
}

#[test]
fn a_what_if_is_stricter_and_an_act_shows_it() {
    let a = on("2026-11-24");
    let b = on("2026-11-24")
        .with_pack("hyp-remote-access".parse().unwrap())
        .unwrap();
    let comparison = alone(&a, &b);
    assert_eq!(comparison.rules.len(), 1);
    assert_eq!(comparison.b_at_least_a, PROVED);
    let Finding::Refuted { example } = &comparison.a_at_least_b else {
        panic!("{:?}", comparison.a_at_least_b)
    };
    assert_eq!(example.b.deciding[0].id, "hyp-remote-access");
    assert_eq!(example.b.deciding[0].outcome, Effect::LicenseRequired);
    holds(example, &a, &b);
    let unknown = on("2026-11-24").with_pack("hyp-remote-acces".parse().unwrap());
    assert!(unknown.is_err());
}

#[test]
fn what_stands_in_the_books_is_stricter() {
    let a = on("2026-11-24");
    let b = on("2026-11-24").with_posture(Posture::Books);
    let comparison = alone(&a, &b);
    assert!(
        comparison
            .rules
            .iter()
            .any(|rule| rule.id == "us-diffusion-chips" && rule.change == Change::Changed)
    );
    let Finding::Refuted { example } = &comparison.a_at_least_b else {
        panic!("{:?}", comparison.a_at_least_b)
    };
    holds(example, &a, &b);
}

const DEFINITIONS: &str = include_str!("../../../../rules/us/definitions.yaml");

#[test]
fn a_threshold_that_moves_is_found_on_its_line() {
    let from = "- class: 3A090.a\n    from: 2023-11-17\n    is:\n      any:\n        - {measure: tpp, ge: 4800}";
    assert!(DEFINITIONS.contains(from));
    let text = DEFINITIONS.replace(from, &from.replace("4800", "6000"));
    let (a, b) = (
        on("2026-11-24"),
        with(&[("us/definitions.yaml", &text)], "2026-11-24"),
    );
    let comparison = alone(&a, &b);
    assert_eq!(comparison.data[0].what, "item class `3A090.a`");
    let lines = &comparison.data[0].lines;
    assert!(
        lines
            .iter()
            .any(|line| line.whose == Whose::A && line.text.contains("tpp >= 4800")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.whose == Whose::B && line.text.contains("tpp >= 6000")),
        "{lines:?}"
    );
    // Chips between the lines are let through by B alone.
    let Finding::Refuted { example } = &comparison.b_at_least_a else {
        panic!("{:?}", comparison.b_at_least_a)
    };
    assert!(example.b.outcome < example.a.outcome);
    holds(example, &a, &b);
}

#[test]
fn a_country_that_leaves_a_group_is_named() {
    let (a, b) = (on("2026-02-02"), on("2026-02-03"));
    let comparison = alone(&a, &b);
    let group = comparison
        .data
        .iter()
        .find(|change| change.what == "group D:5")
        .unwrap();
    assert_eq!(group.lines[0].text, "KH (Cambodia), sources differ");
    let Finding::Refuted { example } = &comparison.b_at_least_a else {
        panic!("{:?}", comparison.b_at_least_a)
    };
    assert!(example.cases.contains("KH"), "{}", example.cases);
    holds(example, &a, &b);
}

/// A condition of a policy, from a small grammar.
fn condition() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        prop::sample::select(vec!["CN", "D:5", "A:5", "US", "MO"])
            .prop_map(|word| format!("context.to.contains(\"{word}\")")),
        prop::sample::select(vec!["3A090.a", "3A090.b", "NAC and ACA item"])
            .prop_map(|word| format!("context.item.class.contains(\"{word}\")")),
        prop::sample::select(vec!["D:5 or Macau party", "on a BIS list", "US person"])
            .prop_map(|word| format!("context.any.class.contains(\"{word}\")")),
        prop::sample::select(vec!["civil", "military"])
            .prop_map(|word| format!("context.facts.end_use == \"{word}\"")),
        Just("context.authorisations.contains(\"BIS_LICENCE\")".to_owned()),
    ];
    prop::collection::vec((atom, any::<bool>()), 1..4).prop_map(|atoms| {
        atoms
            .into_iter()
            .map(|(atom, not)| if not { format!("!({atom})") } else { atom })
            .collect::<Vec<_>>()
            .join(" && ")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Whatever is forbidden beside the rest: nothing gets looser, and what is said to be stricter is.
    #[test]
    fn a_forbid_more_is_never_looser(
        condition in condition(),
        effect in prop::sample::select(vec!["needs_review", "license_required", "prohibited"]),
        act in prop::sample::select(vec!["export", "rent_iaas", "transfer_weights"]),
    ) {
        let text = format!(
            "@id(\"xx-rule\") @title(\"t\") @status(\"in_force\") @verified(\"seen\") @outcome(\"{effect}\")\n\
             forbid (principal, action == Action::\"{act}\", resource) when {{ {condition} }};"
        );
        let a = on("2026-07-01");
        let b = with(
            &[
                ("xx/jurisdiction.yaml", "name: Test\nzone: UTC\nverified_horizon: 2026-07-31\n"),
                ("xx/rules.cedar", &text),
            ],
            "2026-07-01",
        );
        let budget = Budget { acts_a_policy: 12, acts: 12 };
        let comparison = compare(&a, &b, None, budget);
        prop_assert_eq!(&comparison.b_at_least_a, &PROVED);
        prop_assert_eq!(&comparison.rules[0].id, "xx-rule");
        match &comparison.a_at_least_b {
            Finding::Refuted { example } => {
                prop_assert!(example.a.outcome < example.b.outcome);
                holds(example, &a, &b);
            }
            Finding::Open { .. } => {}
            Finding::Proved { .. } => prop_assert!(false, "a new rule is not on the other side"),
        }
        let back = compare(&b, &a, None, budget);
        prop_assert_eq!(&back.a_at_least_b, &PROVED);
    }
}
