//! What must hold of every act: an unknown never loosens an answer, order does not matter, nothing is dropped in silence.

use std::sync::Arc;

use causeway_domain::{Date, Fact, PartyId, Source, Timestamp};
use causeway_law::{
    Act, ActKind, ActParty, ActVerdict, Chip, FactValue, Outcome, PackFile, Packs, Role, Settings,
    When, judge,
};
use causeway_parties::{Listed, Party, Register};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::acts::{FACTS, PACKS, acts, country, hide, known};

fn ask(act: &Act) -> ActVerdict {
    judge(&PACKS, &Settings::default(), act)
}

/// What an answer over unknown facts must never be, given the answer with the facts known.
fn check(open: &ActVerdict, truth: &ActVerdict) -> Result<(), TestCaseError> {
    if open.outcome == Outcome::Allow {
        prop_assert_eq!(
            truth.outcome,
            Outcome::Allow,
            "an allow that a fact takes back: {:?}",
            truth.deciding.first()
        );
        for obligation in &truth.obligations {
            prop_assert!(
                open.obligations.contains(obligation),
                "{} is missing",
                obligation
            );
        }
    }
    if open.outcome > Outcome::NeedsReview {
        prop_assert!(
            truth.outcome >= open.outcome,
            "{} was said to be certain, yet {}",
            open.outcome,
            truth.outcome
        );
    }
    prop_assert!(
        open.outcome <= truth.outcome.max(Outcome::NeedsReview),
        "stricter than any value: {} for {}",
        open.outcome,
        truth.outcome
    );
    if open.outcome == Outcome::NeedsReview && truth.outcome != Outcome::NeedsReview {
        prop_assert!(
            !open.open_facts.is_empty(),
            "a review because of an unknown names it"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn an_unknown_fact_never_loosens_the_answer(act in acts(), first in any::<Index>(), second in any::<Index>()) {
        let truth = ask(&act);
        prop_assert_eq!(&ask(&act), &truth, "pure");
        let one = hide(&act, first);
        check(&ask(&one), &truth)?;
        let two = hide(&one, second);
        check(&ask(&two), &truth)?;
    }

    #[test]
    fn the_order_of_parties_and_owners_does_not_matter(act in acts(), swap in any::<Index>()) {
        let mut other = act.clone();
        let by = swap.index(other.parties.len());
        other.parties.rotate_left(by);
        let mut register = (*other.register).clone();
        for party in register.parties.values_mut() {
            party.owners.reverse();
        }
        other.register = Arc::new(register);
        let (one, other) = (ask(&act), ask(&other));
        prop_assert_eq!(one.outcome, other.outcome);
        prop_assert_eq!(one.review, other.review);
        prop_assert_eq!(&one.obligations, &other.obligations);
        let ids = |verdict: &ActVerdict| verdict.deciding.iter().map(|hit| hit.id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&one), ids(&other));
    }

    #[test]
    fn more_lists_and_more_rules_never_loosen(act in acts()) {
        let truth = ask(&act);
        let mut listed = act.clone();
        let mut register = (*listed.register).clone();
        for party in register.parties.values_mut() {
            party.listed = Listed::on(["entity_list", "sdn"], Source::named("test"));
        }
        listed.register = Arc::new(register);
        prop_assert!(ask(&listed).outcome >= truth.outcome);
        let books = Settings { posture: causeway_law::Posture::Books, packs: ["default", "hyp-remote-access", "hyp-ai-overwatch"].iter().map(|pack| pack.parse().unwrap()).collect(), ..Settings::default() };
        prop_assert!(judge(&PACKS, &books, &act).outcome >= truth.outcome.min(Outcome::LicenseRequired) || truth.outcome == Outcome::NeedsReview);
    }
}

proptest! {
    // Everything unknown: the most work that there is.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stated_is_never_allowed_more_than_something(act in acts()) {
        let truth = ask(&act);
        let mut bare = act.clone();
        bare.facts.clear();
        check(&ask(&bare), &truth)?;
        bare.register = Arc::default();
        bare.to = Fact::unknown("hidden");
        let open = ask(&bare);
        prop_assert!(open.outcome != Outcome::Allow, "nobody is known, nothing is stated");
    }
}

#[test]
fn the_order_of_rules_does_not_matter() {
    // The same packs with every rule file under a name that sorts the other way round.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut files = Vec::new();
    for jurisdiction in ["us", "cn", "eu"] {
        for entry in std::fs::read_dir(folder.join(jurisdiction)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if let Some(stem) = name.strip_suffix(".cedar") {
                let first = 'z' as u32 - stem.chars().next().unwrap() as u32 + 'a' as u32;
                files.push(PackFile {
                    path: format!("{jurisdiction}/{name}"),
                    text: String::new(),
                });
                let renamed = format!(
                    "{jurisdiction}/{}-{stem}.cedar",
                    char::from_u32(first).unwrap()
                );
                files.push(PackFile {
                    path: renamed,
                    text: std::fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    let other = Packs::from_files(files).unwrap();
    assert_ne!(other.digest(), PACKS.digest());
    let text = std::fs::read_to_string(folder.join("cases/visible.yaml")).unwrap();
    for case in causeway_law::cases::parse(&text).unwrap() {
        let act = case.act.as_ref().unwrap();
        let (one, two) = (
            judge(&PACKS, &case.settings, act),
            judge(&other, &case.settings, act),
        );
        assert_eq!(
            (one.outcome, one.review, &one.open_facts),
            (two.outcome, two.review, &two.open_facts),
            "{}",
            case.id
        );
        let ids = |verdict: &ActVerdict| {
            verdict
                .deciding
                .iter()
                .map(|hit| hit.id.clone())
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(ids(&one), ids(&two), "{}", case.id);
    }
}

#[test]
fn one_instant_is_two_days() {
    let mut register = Register::default();
    register.insert(
        "x",
        Party::company("x")
            .based(country("CN"))
            .on_lists([])
            .owned([]),
    );
    let at = |instant: &str| {
        let when: Timestamp = instant.parse().unwrap();
        let mut act = Act::new(ActKind::Export, When::Instant(when), known(country("SG")))
            .with(ActParty::new(Role::EndUser, "x", known(country("SG"))));
        act.from = Some(country("US"));
        act.item.chip = Some(Chip::listed("h100-sxm", 8));
        act.register = Arc::new(register.clone());
        for (name, values) in FACTS {
            act.facts
                .insert((*name).to_owned(), known(FactValue::from(values[0])));
        }
        act.facts
            .insert("is_informed".to_owned(), known(FactValue::from("no")));
        ask(&act).outcome
    };
    assert_eq!(
        at("2023-11-17T04:59:59Z"),
        Outcome::Allow,
        "still the 16th in Washington"
    );
    assert_eq!(at("2023-11-17T05:00:00Z"), Outcome::LicenseRequired);
}

#[test]
fn many_unknown_parties_stay_bounded_and_are_named() {
    let mut act = Act::new(
        ActKind::Export,
        "2026-11-24".parse::<Date>().unwrap(),
        Fact::unknown("hidden"),
    );
    for index in 0..8 {
        act = act.with(ActParty::new(
            Role::EndUser,
            format!("p{index}"),
            Fact::unknown("hidden"),
        ));
    }
    act.item.chip = Some(Chip {
        id: None,
        count: 8,
        figures: None,
    });
    let started = std::time::Instant::now();
    let verdict = ask(&act);
    assert_eq!(verdict.outcome, Outcome::NeedsReview);
    assert!(
        verdict
            .open_facts
            .iter()
            .any(|open| open.fact.contains("parent"))
    );
    assert!(started.elapsed().as_secs() < 60, "bounded work");
}

#[test]
fn unknown_packs_and_parties_are_reviews() {
    let party: PartyId = "x".parse().unwrap();
    let act = Act::new(
        ActKind::RentIaas,
        "2026-11-24".parse::<Date>().unwrap(),
        known(country("SG")),
    )
    .with(ActParty::new(
        Role::Provider,
        party.as_str(),
        known(country("SG")),
    ));
    assert_eq!(ask(&act).outcome, Outcome::NeedsReview);
    let none = Settings {
        packs: Default::default(),
        ..Settings::default()
    };
    assert_eq!(
        judge(&PACKS, &none, &act).outcome,
        Outcome::NeedsReview,
        "without packs nothing is permitted"
    );
}
