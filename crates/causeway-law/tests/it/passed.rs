//! Rules that did not speak say why; what an answer rests on is named.

use causeway_law::{ActVerdict, Outcome, cases, judge_in_full};

use crate::acts::PACKS;

fn full(case: &str) -> ActVerdict {
    let case = cases::parse(&format!("[{case}]")).unwrap().remove(0);
    judge_in_full(&PACKS, &case.settings, case.act.as_ref().unwrap())
}

fn why(verdict: &ActVerdict, id: &str) -> String {
    let passed = verdict.passed.iter().find(|passed| passed.id == id);
    assert!(passed.is_some(), "{id} is not among {:?}", verdict.passed);
    passed.unwrap().why.clone()
}

fn export(chip: &str, to: &str, rest: &str) -> ActVerdict {
    full(&format!(
        "{{id: A, date: '2026-03-01', act: export, from: US, to: {to}, item: {{chip: {chip}, count: 8}}, \
         parties: [{{role: exporter, in: US, hq: US}}, {{role: end_user, in: {to}, hq: {to}}}]{rest}}}"
    ))
}

#[test]
fn the_condition_that_failed_is_named() {
    let verdict = export("h20", "SG", "");
    assert_eq!(verdict.outcome, Outcome::Allow);
    let why = |id| why(&verdict, id);
    assert!(
        why("us-acs-3a090a").starts_with("3A090.a: TPP 2368 is below 4800"),
        "{}",
        why("us-acs-3a090a")
    );
    assert_eq!(why("us-acs-2022"), "not after 2023-11-16");
    assert_eq!(why("us-affiliates-50-b"), "not before 2026-11-10");
    assert_eq!(why("hyp-ai-overwatch"), "pack hyp-ai-overwatch is off");
    assert_eq!(
        why("us-mieu"),
        "`end_use` is civil, not military or military_intelligence"
    );
    assert_eq!(
        why("us-russia-belarus"),
        "`to` is in none of RU, BY (it is SG), and no party is \"Russia or Belarus\" (exporter: `in` US is in none of BY, RU, and `hq` US is in none of BY, RU, end_user: `in` SG is in none of BY, RU, and `hq` SG is in none of BY, RU)"
    );
    assert_eq!(why("sg-sgca"), "`from` is not in SG (it is US)");
    let listed = why("us-entity-list");
    assert!(
        listed.contains("end_user: on none of entity_list, meu"),
        "{listed}"
    );
    let affiliate = why("us-affiliates-50-suspended");
    assert!(
        affiliate.contains("not owned 50 % or more by such parties"),
        "{affiliate}"
    );
}

#[test]
fn an_authorisation_that_satisfies_a_rule_is_told_and_counted_as_used() {
    let verdict = export(
        "h100-sxm",
        "CN",
        ", authorisations: [BIS_LICENCE, NAC, MY_STA_PERMIT]",
    );
    assert_eq!(
        why(&verdict, "us-acs-3a090a").split("; ").next(),
        Some("BIS_LICENCE is on file")
    );
    assert_eq!(
        verdict.authorisations_used,
        ["BIS_LICENCE"],
        "{:?}",
        verdict.deciding
    );
    let none = export("h100-sxm", "SG", ", authorisations: [BIS_LICENCE]");
    assert_eq!(none.outcome, Outcome::Allow);
    assert!(none.authorisations_used.is_empty(), "nothing asks for it");
    let open = export("h100-sxm", "CN", "");
    assert!(
        open.passed
            .iter()
            .all(|passed| passed.id != "us-acs-3a090a"),
        "it speaks"
    );
}

#[test]
fn what_is_known_from_memory_is_marked() {
    let verdict = export("h100-sxm", "RU", "");
    assert!(
        verdict
            .from_memory
            .contains(&"us-russia-belarus".to_owned())
            || verdict.from_memory.contains(&"us-acs-3a090a".to_owned()),
        "{:?}",
        verdict.from_memory
    );
    for id in &verdict.from_memory {
        let hit = verdict
            .deciding
            .iter()
            .chain(&verdict.context)
            .find(|hit| hit.id == *id)
            .unwrap();
        assert!(hit.verified.contains("memory"), "{id}: {}", hit.verified);
    }
    assert!(
        causeway_law::explain(&verdict).contains("from memory"),
        "{}",
        causeway_law::explain(&verdict)
    );
}

#[test]
fn every_rule_for_such_acts_speaks_or_says_why_not() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases");
    let mut told = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for case in cases::parse(&text).unwrap() {
            // A case may name an act that nobody knows.
            let Some(act) = case.act.as_ref() else {
                continue;
            };
            let verdict = judge_in_full(&PACKS, &case.settings, act);
            assert!(!verdict.passed.is_empty());
            for passed in &verdict.passed {
                assert!(
                    !passed.why.is_empty() && !passed.title.is_empty(),
                    "{} {}",
                    case.id,
                    passed.id
                );
                assert!(
                    verdict
                        .deciding
                        .iter()
                        .chain(&verdict.context)
                        .all(|hit| hit.id != passed.id),
                    "{} both speaks and does not in {}",
                    passed.id,
                    case.id
                );
                told += 1;
            }
            let text = causeway_law::explain(&verdict);
            assert!(text.contains("rules that did not speak"), "{text}");
        }
    }
    assert!(told > 1000, "{told}");
}
