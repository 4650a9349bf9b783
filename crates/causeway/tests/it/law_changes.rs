//! What changes when the law changes: `rules diff` and `impact`.

use crate::home::Home;

/// A rule of the test's own: rented chips of the upper tier need a licence, whoever rents.
const RULE: &str = r#"
@id("xx-rent")
@title("a licence for rented chips of the upper tier")
@citation("Test Act 2026 s.1")
@from("2026-01-01")
@status("in_force")
@outcome("license_required")
@says("ask for a licence")
@verified("seen")
forbid (principal, action == Action::"rent_iaas", resource)
when { context.item.class.contains("3A090.a") }
unless { context.authorisations.contains("BIS_LICENCE") };
"#;

fn folder(home: &Home) {
    home.write(
        "my-rules/xx/jurisdiction.yaml",
        "name: Test\nzone: UTC\nverified_horizon: 2026-07-31\n",
    );
    home.write("my-rules/xx/rules.cedar", RULE);
}

#[test]
fn a_folder_against_the_built_in_packs() {
    let home = Home::new();
    folder(&home);
    let diff = home.causeway(&[
        "rules",
        "diff",
        "builtin@2026-07-01",
        "my-rules@2026-07-01",
        "--no-solver",
    ]);
    assert_eq!(diff.code, Some(0), "{diff}");
    for text in [
        "xx-rent: a licence for rented chips of the upper tier (only in B)",
        "Test Act 2026 s.1",
        "+ license_required for rent_iaas",
        "when item.class has `3A090.a`",
        "unless authorisations has `BIS_LICENCE`",
        "B is at least as strict as A: proved",
        "A is not at least as strict as B",
    ] {
        assert!(diff.stdout.contains(text), "{text}: {diff}");
    }
}

#[test]
fn the_act_that_is_printed_runs_as_cases() {
    let home = Home::new();
    let diff = home.causeway(&[
        "rules",
        "diff",
        "2025-09-28",
        "2025-09-29",
        "--no-solver",
        "--json",
    ]);
    assert_eq!(diff.code, Some(0), "{diff}");
    let json = diff.json();
    let finding = &json["comparison"]["a_at_least_b"];
    assert_eq!(finding["finding"], "refuted", "{diff}");
    assert_eq!(
        json["comparison"]["b_at_least_a"]["finding"], "proved",
        "{diff}"
    );
    home.write("act.yaml", finding["example"]["cases"].as_str().unwrap());
    let test = home.causeway(&["rules", "test", "act.yaml"]);
    assert_eq!(
        (test.code, test.stdout.trim()),
        (Some(0), "2 passed, 0 failed"),
        "{test}"
    );
}

#[test]
fn sides_that_mean_nothing_are_named() {
    let home = Home::new();
    for (side, what) in [
        ("2026-13-01", "there is no pack"),
        ("hyp-remote-acces", "did you mean `hyp-remote-access`"),
        ("posture:strict", "is not a posture"),
        ("no/such/folder", "is no folder"),
    ] {
        let diff = home.causeway(&["rules", "diff", "builtin", side, "--no-solver"]);
        assert_ne!(diff.code, Some(0), "{diff}");
        assert!(
            diff.stderr.replace("\n", " ").contains(what),
            "{side}: {diff}"
        );
    }
    let same = home.causeway(&["rules", "diff", "builtin", "builtin", "--no-solver"]);
    assert!(same.stdout.contains("Nothing differs."), "{same}");
}

#[test]
fn impact_judges_past_runs_again_and_writes_nothing() {
    let home = Home::new();
    folder(&home);
    let before = home.causeway(&["impact"]);
    assert_eq!(before.code, Some(2), "no state yet: {before}");
    assert!(!home.path(".causeway").exists());
    let run = home.causeway(&["run", "task.yaml", "--yes"]);
    assert_eq!(run.code, Some(0), "{run}");
    let entries = home.entries();
    let same = home.causeway(&["impact"]);
    assert_eq!(same.code, Some(0), "{same}");
    assert!(same.stdout.contains("nothing changes"), "{same}");
    // The rule that a rental of any machine needs a licence, in a pack of the user's own.
    home.write(
        "my-rules/xx/rules.cedar",
        &RULE.replace(r#"when { context.item.class.contains("3A090.a") }"#, ""),
    );
    home.organisation(&[]);
    let licence = home.causeway(&["impact", "--rules", "my-rules", "--json"]);
    assert_eq!(licence.code, Some(5), "{licence}");
    let json = licence.json();
    assert_eq!(json["changed"], 1);
    let run = &json["runs"][0];
    assert_eq!(
        (run["old"].as_str(), run["new"].as_str()),
        (Some("allow"), Some("license_required"))
    );
    assert_eq!(run["acts"][0]["deciding"][0]["id"], "xx-rent");
    assert_eq!(
        run["acts"][0]["deciding"][0]["citation"][0],
        "Test Act 2026 s.1"
    );
    assert_eq!(home.entries(), entries, "nothing was written");
    assert_eq!(home.starts(), 1, "nothing was launched");
    let text = home.causeway(&["impact", "--rules", "my-rules"]);
    assert!(
        text.stdout.contains("allow -> license_required")
            && text.stdout.contains("Test Act 2026 s.1"),
        "{text}"
    );
}

#[test]
fn a_run_that_was_never_cleared_is_judged_too() {
    let home = Home::new();
    let crashed = home.with_fault("plan.logged", &["run", "task.yaml", "--yes"]);
    assert_ne!(crashed.code, Some(0));
    let impact = home.causeway(&["impact", "--json"]);
    assert_eq!(impact.code, Some(0), "{impact}");
    let json = impact.json();
    assert_eq!(json["runs"][0]["stage"], "plan");
    assert!(json["runs"][0]["old"].is_null());
    assert_eq!(json["runs"][0]["new"], "allow");
}
