//! Known pairs, and what must hold of every comparison.

use std::time::Instant;

use causeway_law::diff::{Answer, Budget, By, Change, Finding, Parting, Prover, Question, Side, compare};
use causeway_law::{Outcome, PackFile, Packs, Posture, Review};

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
    Side::new("folder", Packs::from_files(files).unwrap(), day.parse().unwrap())
}

#[test]
fn a_side_equals_itself() {
    for day in ["2022-10-21", "2025-10-01", "2026-11-24"] {
        let comparison = compare(&on(day), &on(day), None, Budget::default());
        assert!(comparison.is_empty(), "{comparison:?}");
        let proved = Finding::Proved { by: By::Identity, claims: 0 };
        assert_eq!(comparison.b_at_least_a, proved);
        assert_eq!(comparison.a_at_least_b, proved);
        assert_eq!(comparison.coverage.acts, 0);
    }
}

#[test]
fn january_2026_changes_the_review_and_no_outcome() {
    let started = Instant::now();
    let comparison = compare(&on("2026-01-14"), &on("2026-01-15"), None, Budget::default());
    eprintln!("{:?} {:#?}", started.elapsed(), comparison);
    assert_eq!(comparison.rules.len(), 1);
    assert_eq!((comparison.rules[0].id.as_str(), comparison.rules[0].change), ("us-jan2026-review", Change::Added));
    let proved = Finding::Proved { by: By::Identity, claims: 0 };
    assert_eq!(comparison.b_at_least_a, proved);
    assert_eq!(comparison.a_at_least_b, proved);
    let example = &comparison.finer[0];
    assert_eq!(example.parting, Parting::Review);
    assert_eq!((example.a.outcome, example.b.outcome), (Outcome::LicenseRequired, Outcome::LicenseRequired));
    assert_eq!((example.a.review, example.b.review), (Some(Review::PresumptionOfDenial), Some(Review::CaseByCase)));
}

#[test]
fn the_affiliates_rule_begins() {
    let started = Instant::now();
    let comparison = compare(&on("2025-09-28"), &on("2025-09-29"), None, Budget::default());
    eprintln!("{:?} {:#?}", started.elapsed(), comparison);
    let Finding::Refuted { example } = &comparison.a_at_least_b else {
        panic!("{:?}", comparison.a_at_least_b)
    };
    assert_eq!(example.b.outcome, Outcome::LicenseRequired);
    assert!(example.a.outcome < Outcome::LicenseRequired);
    assert_eq!(comparison.b_at_least_a, Finding::Proved { by: By::Identity, claims: 0 });
}

#[test]
fn a_what_if_is_stricter_and_an_act_shows_it() {
    let started = Instant::now();
    let what_if = on("2026-11-24").with_pack("hyp-remote-access".parse().unwrap()).unwrap();
    let comparison = compare(&on("2026-11-24"), &what_if, None, Budget::default());
    eprintln!("{:?} {:#?}", started.elapsed(), comparison);
    assert_eq!(comparison.b_at_least_a, Finding::Proved { by: By::Identity, claims: 0 });
    let Finding::Refuted { example } = &comparison.a_at_least_b else {
        panic!("{:?}", comparison.a_at_least_b)
    };
    assert_eq!(example.b.deciding[0].id, "hyp-remote-access");
    let _ = (Posture::Books, Answer::Holds, Outcome::Allow);
}
