//! What a reviewer's determination of a rule answers, and what not.

use causeway_law::{Act, Outcome, Packs, Settings, cases, judge};

fn act(text: &str) -> Act {
    let text = format!("cases: [{{id: A, date: '2026-11-24', {text}}}]");
    cases::parse(&text).unwrap().remove(0).act.unwrap()
}

fn outcome(act: &Act, determined: &[&str]) -> Outcome {
    let packs = Packs::builtin().unwrap();
    let mut act = act.clone();
    act.determined = determined.iter().map(|id| (*id).to_owned()).collect();
    judge(&packs, &Settings::default(), &act).outcome
}

#[test]
fn a_rule_that_wants_a_look_is_answered_and_no_other() {
    let japan = act(
        "act: export, from: JP, to: DE, item: {other: servers}, parties: [{role: exporter, in: JP, hq: JP}, {role: end_user, in: DE, hq: DE}]",
    );
    assert_eq!(outcome(&japan, &[]), Outcome::NeedsReview);
    assert_eq!(outcome(&japan, &["kr-strategic"]), Outcome::NeedsReview);
    assert_eq!(outcome(&japan, &["jp-fefa"]), Outcome::Allow);
}

#[test]
fn a_licence_is_no_matter_of_a_determination() {
    let chips = act(
        "act: export, from: US, to: CN, item: {chip: h100-sxm, count: 8}, parties: [{role: exporter, in: US, hq: US}, {role: end_user, in: CN, hq: CN}]",
    );
    let rules = ["us-acs-3a090a", "us-acs-hq"];
    assert_eq!(outcome(&chips, &[]), Outcome::LicenseRequired);
    assert_eq!(outcome(&chips, &rules), Outcome::LicenseRequired);
}

#[test]
fn the_program_s_own_rules_are_not_determined_away() {
    let nobody = act(
        "act: export, from: US, to: DE, item: {other: servers}, parties: [{role: exporter, in: US, hq: US}]",
    );
    assert_eq!(outcome(&nobody, &["base-parties"]), Outcome::NeedsReview);
}
