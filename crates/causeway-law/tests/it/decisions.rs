//! The decision in short and the verdict in words are one; Cedar agrees; an unknown is all of its values at once.

use causeway_domain::{Country, Fact};
use causeway_law::{
    Act, ActKind, Decision, FactValue, Outcome, Posture, Settings, cases, decide, judge, reference,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::acts::{PACKS, acts, hide, known};

/// Every way to read the law: both postures, with and without the what-ifs.
fn settings() -> impl Strategy<Value = Settings> {
    let packs = [
        "default",
        "hyp-remote-access",
        "hyp-ai-overwatch",
        "us-iaas-kyc-nprm",
    ];
    (any::<bool>(), 1..=packs.len()).prop_map(move |(books, count)| Settings {
        posture: if books {
            Posture::Books
        } else {
            Posture::Enforced
        },
        packs: packs[..count]
            .iter()
            .map(|pack| pack.parse().unwrap())
            .collect(),
        ..Settings::default()
    })
}

fn same(settings: &Settings, act: &Act) -> Result<(), TestCaseError> {
    let Decision {
        outcome,
        deciding,
        review,
        obligations,
    } = decide(&PACKS, settings, act);
    let verdict = judge(&PACKS, settings, act);
    prop_assert_eq!(outcome, verdict.outcome);
    prop_assert_eq!(review, verdict.review);
    prop_assert_eq!(obligations, verdict.obligations);
    let short: Vec<_> = deciding
        .iter()
        .map(|ruling| (ruling.rule, ruling.effect, ruling.certain))
        .collect();
    let long: Vec<_> = verdict
        .deciding
        .iter()
        .map(|hit| (hit.id.as_str(), hit.outcome, hit.certain))
        .collect();
    prop_assert_eq!(short, long);
    Ok(())
}

/// The answer over every value of what is unknown, from the answers for each.
fn over(answers: &[(Outcome, Vec<&str>)]) -> Outcome {
    let outcomes = || answers.iter().map(|(outcome, _)| *outcome);
    let (mild, strict) = (outcomes().min().unwrap(), outcomes().max().unwrap());
    let one = answers
        .iter()
        .all(|(_, obligations)| *obligations == answers[0].1);
    match (mild, strict) {
        (Outcome::Allow, Outcome::Allow) if one => Outcome::Allow,
        (mild, strict) if mild == strict => mild.max(Outcome::NeedsReview),
        (mild, _) => mild.max(Outcome::NeedsReview),
    }
}

/// Facts of which every value is written here.
const WHOLE: &[(&str, &[&str])] = &[
    (
        "end_use",
        &["civil", "military", "wmd", "military_intelligence"],
    ),
    ("red_flags", &["none", "open", "resolved"]),
    ("kyc", &["complete", "incomplete"]),
    ("provider_us_person", &["true", "false"]),
    (
        "relation",
        &["vendor", "employment", "investment", "data_brokerage"],
    ),
    ("cisa_security_requirements", &["in_place", "absent"]),
    ("data_compliance_programme", &["in_place", "absent"]),
    ("onward_clause", &["present", "absent"]),
    ("restricted_activity", &["none", "suspected", "known"]),
    ("designated", &["false", "true"]),
    ("dpf", &["certified", "not_certified"]),
    ("scc", &["signed", "none"]),
    ("tia", &["sound", "unsound"]),
    ("is_informed", &["yes", "no"]),
    ("jan2026_certifications", &["complete", "absent"]),
    ("chips_licence", &["shown", "none_needed", "absent"]),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn words_add_nothing(act in acts(), settings in settings(), first in any::<Index>(), second in any::<Index>()) {
        same(&settings, &act)?;
        let one = hide(&act, first);
        same(&settings, &one)?;
        same(&settings, &hide(&one, second))?;
    }

    #[test]
    fn cedar_agrees_on_every_policy(act in acts(), settings in settings()) {
        match reference::Question::new(&PACKS, &settings, &act) {
            Ok(question) => prop_assert_eq!(question.disagreements(), Vec::<String>::new()),
            // A random act leaves something open: the owners of a holder, a sale's export.
            Err(error) => prop_assert!(error.to_string().contains("turns on an unknown fact"), "{}", error),
        }
    }

    #[test]
    fn an_unknown_fact_is_all_of_its_values(act in acts(), settings in settings(), one in select(WHOLE), two in select(WHOLE)) {
        prop_assume!(one.0 != two.0 && act.kind != ActKind::DomesticSale);
        let mut open = act.clone();
        let mut answers = Vec::new();
        for value in one.1 {
            for other in two.1 {
                let mut act = act.clone();
                act.facts.insert(one.0.to_owned(), known(FactValue::from(*value)));
                act.facts.insert(two.0.to_owned(), known(FactValue::from(*other)));
                let decision = decide(&PACKS, &settings, &act);
                answers.push((decision.outcome, decision.obligations));
            }
        }
        // What the act asks besides must be known: the values' own answers would be open too.
        prop_assume!(reference::Question::new(&PACKS, &settings, &act).is_ok());
        for (name, _) in [one, two] {
            open.facts.insert((*name).to_owned(), Fact::unknown("hidden"));
        }
        let decision = decide(&PACKS, &settings, &open);
        let expected = over(&answers);
        if decision.outcome != expected {
            // Obligations that turn on a fact make a review of an allow.
            prop_assert_eq!(decision.outcome, Outcome::NeedsReview);
            prop_assert_eq!(expected, Outcome::Allow);
        }
        // Whoever says `allow` where a value says otherwise is wrong.
        if answers.iter().any(|(outcome, _)| *outcome != Outcome::Allow) {
            prop_assert_ne!(decision.outcome, Outcome::Allow);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn an_unknown_destination_is_every_country_at_once(act in acts(), settings in settings()) {
        let mut open = act.clone();
        open.to = Fact::unknown("hidden");
        let open = decide(&PACKS, &settings, &open);
        for country in Country::all() {
            let mut there = act.clone();
            there.to = known(country);
            let there = decide(&PACKS, &settings, &there);
            prop_assert!(open.outcome != Outcome::Allow || there.outcome == Outcome::Allow, "{country}");
            prop_assert!(open.outcome <= Outcome::NeedsReview || there.outcome >= open.outcome, "{country}");
        }
    }
}

#[test]
fn every_case_is_decided_as_it_is_judged_and_cedar_agrees() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases");
    let (mut asked, mut put) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for case in cases::parse(&text).unwrap() {
            // A case may name an act that nobody knows.
            let Some(act) = case.act.as_ref() else {
                continue;
            };
            same(&case.settings, act).unwrap();
            asked += 1;
            if let Ok(question) = reference::Question::new(&PACKS, &case.settings, act) {
                assert_eq!(
                    question.disagreements(),
                    Vec::<String>::new(),
                    "{}",
                    case.id
                );
                put += 1;
            }
        }
    }
    assert!(put * 2 > asked, "{put} of {asked} could be put to Cedar");
}

#[test]
fn a_value_of_one_open_fact_says_what_is_left_at_best() {
    let text = "cases: [{id: A, date: '2026-11-24', act: rent_iaas, to: MY, item: {chip: h100-sxm, count: 8}, parties: [{role: provider, in: MY, hq: MY}, {role: customer, in: CN, hq: CN}], facts: {end_use: civil, kyc: unknown, red_flags: unknown}}]";
    let act = causeway_law::cases::parse(text).unwrap().remove(0);
    let verdict = causeway_law::judge(&PACKS, &Settings::default(), &act.act.unwrap());
    assert_eq!(verdict.outcome, Outcome::NeedsReview);
    let kyc = verdict.open_facts.iter().find(|open| open.fact == "kyc");
    let given: Vec<String> = kyc.unwrap().gives.iter().map(ToString::to_string).collect();
    assert_eq!(
        given,
        [
            "complete: needs_review while other facts are open, allow at best once they are known",
            "incomplete: needs_review"
        ]
    );
}
