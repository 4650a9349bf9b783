//! Proofs by cvc5. Where it is not there, these tests say so and pass: `./test` installs it, or names what was skipped.

use std::time::Duration;

use camino::Utf8Path;
use causeway_law::diff::{Budget, By, Comparison, Finding, Side, compare};
use causeway_law::{Outcome, PackFile, Packs};
use causeway_run::{RunError, Solver};

const DEFINITIONS: &str = include_str!("../../../../rules/us/definitions.yaml");

/// Neither side is searched: what is not proved stays open.
const NO_SEARCH: Budget = Budget {
    acts_a_policy: 0,
    acts: 0,
};

fn solver() -> Option<Solver> {
    match Solver::start(Utf8Path::new("cvc5"), Duration::from_secs(60)) {
        Ok(solver) => Some(solver),
        Err(RunError::Solver { why, .. }) => {
            eprintln!("skipped: cvc5: {why}");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn side(files: &[(&str, String)]) -> Side {
    let files = files
        .iter()
        .map(|(path, text)| PackFile {
            path: (*path).to_owned(),
            text: text.clone(),
        })
        .collect();
    let packs = Packs::from_files(files).unwrap();
    Side::new("folder", packs, "2026-07-01".parse().unwrap())
}

fn proved(finding: &Finding) -> bool {
    matches!(finding, Finding::Proved { .. })
}

fn with_rule(text: &str) -> Side {
    let annotations =
        r#"@id("xx-rule") @title("a rule of the test") @status("in_force") @verified("seen")"#;
    side(&[
        (
            "xx/jurisdiction.yaml",
            "name: Test\nzone: UTC\nverified_horizon: 2026-07-31\n".to_owned(),
        ),
        ("xx/rules.cedar", format!("{annotations}\n{text}")),
    ])
}

fn asked(a: &Side, b: &Side, budget: Budget) -> Option<Comparison> {
    let mut solver = solver()?;
    let comparison = compare(a, b, Some(&mut solver), budget);
    Some(comparison)
}

/// What a rule asks for follows from another rule: only with what is known of countries (China is in D:5 and in no A:5) and
/// of classes is that a proof.
#[test]
fn a_rule_that_follows_from_others_makes_nothing_stricter() {
    let redundant = with_rule(
        r#"@outcome("license_required")
           forbid (principal, action == Action::"export", resource)
           when { context.to.contains("CN") && context.item.class.contains("3A090.a") }
           unless { context.authorisations.containsAny(["BIS_LICENCE", "NAC"]) };"#,
    );
    let Some(comparison) = asked(&side(&[]), &redundant, NO_SEARCH) else {
        return;
    };
    assert_eq!(
        comparison.b_at_least_a,
        Finding::Proved {
            by: By::Identity,
            claims: 0
        }
    );
    assert!(
        matches!(comparison.a_at_least_b, Finding::Proved { by: By::Solver, claims } if claims > 0),
        "{:?}",
        comparison.a_at_least_b
    );
}

#[test]
fn a_rule_that_asks_for_more_is_not_proved_to_follow() {
    // No exception for NAC: stricter than the rule beside it.
    let more = with_rule(
        r#"@outcome("license_required")
           forbid (principal, action == Action::"export", resource)
           when { context.to.contains("CN") && context.item.class.contains("3A090.b") }
           unless { context.authorisations.contains("BIS_LICENCE") };"#,
    );
    let Some(comparison) = asked(&side(&[]), &more, Budget::default()) else {
        return;
    };
    assert!(proved(&comparison.b_at_least_a));
    // The search may not reach an act that shows it; then the answer is open, and says why.
    match &comparison.a_at_least_b {
        Finding::Refuted { example } => {
            assert!(example.a.outcome < Outcome::LicenseRequired);
            assert_eq!(example.b.outcome, Outcome::LicenseRequired);
        }
        Finding::Open { why } => assert!(!why.is_empty()),
        Finding::Proved { .. } => panic!("{:?}", comparison.a_at_least_b),
    }
}

/// A class that only grows makes rules stricter that ask for it and nothing else: the thresholds are compared exactly, and
/// the solver is told.
#[test]
fn a_lower_threshold_is_proved_stricter() {
    let class = "  - class: AI OVERWATCH top tier\n    is: {measure: tpp, ge: 4800}";
    assert!(DEFINITIONS.contains(class));
    let rule = r#"@id("xx-rule") @title("a rule of the test") @status("in_force") @verified("seen")
        @outcome("license_required")
        forbid (principal, action == Action::"export", resource)
        when { context.item.class.contains("AI OVERWATCH top tier") };"#;
    let with = |threshold: &str| {
        side(&[
            (
                "xx/jurisdiction.yaml",
                "name: Test\nzone: UTC\nverified_horizon: 2026-07-31\n".to_owned(),
            ),
            ("xx/rules.cedar", rule.to_owned()),
            (
                "us/definitions.yaml",
                DEFINITIONS.replace(class, &class.replace("4800", threshold)),
            ),
        ])
    };
    let Some(comparison) = asked(&with("4800"), &with("2400"), Budget::default()) else {
        return;
    };
    assert!(
        matches!(
            comparison.b_at_least_a,
            Finding::Proved { by: By::Solver, .. }
        ),
        "{:?}",
        comparison.b_at_least_a
    );
    let Finding::Refuted { example } = &comparison.a_at_least_b else {
        panic!("{:?}", comparison.a_at_least_b)
    };
    assert_eq!(
        (example.a.outcome < example.b.outcome, example.b.outcome),
        (true, Outcome::LicenseRequired)
    );
}

#[test]
fn a_program_that_is_no_solver_is_refused() {
    for binary in ["/bin/true", "/nonexistent/cvc5"] {
        let refused = Solver::start(Utf8Path::new(binary), Duration::from_secs(5));
        assert!(matches!(refused, Err(RunError::Solver { .. })), "{binary}");
    }
}
