//! What must hold of every proposal: it gives allow, no part of it does, and nobody becomes another.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use causeway_domain::{Country, Fact};
use causeway_law::counterfactual::{
    Bounds, Change, Changeable, Counterfactuals, Document, Documentable, apply, counterfactuals,
    counterfactuals_of,
};
use causeway_law::{
    Act, ActVerdict, Chip, FactValue, Outcome, PackFile, Packs, Settings, When, cases, judge,
};
use proptest::prelude::*;

static PACKS: LazyLock<Packs> = LazyLock::new(|| Packs::builtin().unwrap());

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

/// Small enough for a debug build.
fn bounds() -> Bounds {
    Bounds {
        places: ["SG", "JP", "US", "CN", "DE"].map(country).to_vec(),
        days: 3,
        pairs: 40,
        ..Bounds::default()
    }
}

/// Facts that say who a party is, or that count what went before.
const NEVER: [&str; 4] = [
    "designated",
    "provider_us_person",
    "prior_12_months",
    "china_share_of_us_shipments",
];

/// Whether only a plan was changed.
fn same_parties(act: &Act, changed: &Act) -> Result<(), TestCaseError> {
    prop_assert_eq!(changed.kind, act.kind);
    prop_assert_eq!(changed.from, act.from);
    prop_assert_eq!(&changed.parties, &act.parties, "party, role, place, CIIO");
    prop_assert_eq!(
        &changed.register,
        &act.register,
        "owners, headquarters, lists"
    );
    let without_chip = |act: &Act| {
        let mut item = act.item.clone();
        item.chip = None;
        item
    };
    prop_assert_eq!(
        without_chip(changed),
        without_chip(act),
        "persons, weights, technology"
    );
    prop_assert_eq!(changed.item.chip.is_some(), act.item.chip.is_some());
    if let (Some(was), Some(is)) = (&act.item.chip, &changed.item.chip) {
        prop_assert!(is.count <= was.count);
    }
    for (name, was) in &act.facts {
        let is = &changed.facts[name];
        let documentable = Documentable::ALL.iter().any(|fact| fact.name() == name);
        prop_assert!(
            is == was || !is.is_known() || (documentable && !NEVER.contains(&name.as_str())),
            "{} became {:?}",
            name,
            is
        );
        if name == "prior_12_months" || name == "designated" || name == "provider_us_person" {
            prop_assert_eq!(is, was);
        }
    }
    for name in changed.facts.keys() {
        prop_assert!(act.facts.contains_key(name) || !NEVER.contains(&name.as_str()));
    }
    Ok(())
}

fn check(act: &Act, settings: &Settings, answer: &Counterfactuals) -> Result<(), TestCaseError> {
    let outcome = |changes: &[Change]| judge(&PACKS, settings, &apply(changes, act)).outcome;
    prop_assert_eq!(answer.outcome, outcome(&[]));
    if answer.outcome == Outcome::Allow {
        prop_assert!(answer.proposals.is_empty());
    }
    let mut smallest = 0;
    for proposal in &answer.proposals {
        let changes: Vec<Change> = proposal
            .steps
            .iter()
            .map(|step| step.change.clone())
            .collect();
        prop_assert!(changes.len() >= smallest.min(2), "smallest first");
        smallest = changes.len();
        let changed = apply(&changes, act);
        let verdict = judge(&PACKS, settings, &changed);
        prop_assert_eq!(verdict.outcome, Outcome::Allow, "{:?}", changes);
        prop_assert_eq!(&verdict.obligations, &proposal.obligations);
        same_parties(act, &changed)?;
        for mask in 0..(1_u32 << changes.len()) - 1 {
            let part: Vec<Change> = changes
                .iter()
                .enumerate()
                .filter(|(bit, _)| mask & (1 << bit) != 0)
                .map(|(_, change)| change.clone())
                .collect();
            prop_assert_ne!(
                outcome(&part),
                Outcome::Allow,
                "a part is enough: {:?} of {:?}",
                part,
                changes
            );
        }
        for step in &proposal.steps {
            prop_assert!(
                !step.answers.is_empty(),
                "a change that answers to nothing: {:?}",
                step
            );
            if let Change::Document(document) = &step.change
                && ["resolved", "complete"].contains(&document.value())
            {
                prop_assert!(document.is_determined() && step.says.contains("reviewer determine"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_proposal_gives_allow_is_minimal_and_changes_nobody(act in crate::properties::acts(), open in proptest::sample::subsequence(vec!["end_use", "kyc", "red_flags", "chips_licence", "scc", "relation"], 0..4)) {
        let mut act = act;
        for name in open {
            act.facts.insert(name.to_owned(), Fact::unknown("hidden"));
        }
        let settings = Settings::default();
        let answer = counterfactuals(&PACKS, &settings, &act, &bounds());
        check(&act, &settings, &answer)?;
        prop_assert_eq!(&counterfactuals(&PACKS, &settings, &act, &bounds()), &answer, "the same again");
    }
}

fn all_cases() -> Vec<cases::Case> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| cases::parse(&std::fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

#[test]
fn every_case_that_is_not_allowed_gets_advice_that_holds() {
    let few = Bounds {
        pairs: 12,
        days: 2,
        ..bounds()
    };
    let (mut asked, mut advised) = (0, 0);
    for case in all_cases() {
        let Some(act) = &case.act else { continue };
        let answer = counterfactuals(&PACKS, &case.settings, act, &few);
        if let Err(error) = check(act, &case.settings, &answer) {
            panic!("{}: {error}", case.id);
        }
        if answer.outcome > Outcome::Allow {
            asked += 1;
            advised += usize::from(!answer.proposals.is_empty());
        }
    }
    println!("{advised} of {asked} cases that are not allowed have a lawful change of plan");
    assert!(asked > 100 && advised * 2 > asked, "{advised} of {asked}");
}

fn case(text: &str) -> (Act, Settings) {
    let case = cases::parse(&format!("[{{id: A, date: '2026-11-24', {text}}}]"))
        .unwrap()
        .remove(0);
    (case.act.unwrap(), case.settings)
}

fn ask(text: &str) -> Counterfactuals {
    let (act, settings) = case(text);
    counterfactuals(&PACKS, &settings, &act, &bounds())
}

/// Each proposal as `kind thing + kind thing`.
fn short(answer: &Counterfactuals) -> Vec<String> {
    answer
        .proposals
        .iter()
        .map(|proposal| {
            proposal
                .steps
                .iter()
                .map(|step| match &step.change {
                    Change::Document(document) => {
                        format!("{}={}", document.fact().name(), document.value())
                    }
                    other => format!("{} {}", other.kind(), other.thing()),
                })
                .collect::<Vec<_>>()
                .join(" + ")
        })
        .collect()
}

#[test]
fn a_chip_under_control_has_other_places_chips_and_licences() {
    let answer = ask(
        "act: export, from: US, to: AE, item: {chip: h100-sxm, count: 8}, parties: [{role: exporter, in: US, hq: US}, {role: end_user, in: AE, hq: AE}]",
    );
    let all = short(&answer);
    for expected in [
        "place Singapore (SG)",
        "authorisation BIS_LICENCE",
        "chip L20",
    ] {
        assert!(
            all.iter().any(|one| one.starts_with(expected)),
            "{expected}: {all:?}"
        );
    }
    assert!(
        !all.iter()
            .any(|one| one == "place China (CN)" || one.starts_with("chip H200")),
        "{all:?}"
    );
    let licence = &answer
        .proposals
        .iter()
        .find(|one| one.steps[0].change.kind() == "authorisation")
        .unwrap()
        .steps[0];
    assert_eq!(licence.answers[0].id, "us-acs-3a090a");
    assert!(licence.answers[0].citation[0].contains("88 FR 73458"));
    assert!(
        licence
            .caveat
            .as_ref()
            .unwrap()
            .contains("presumption of approval")
    );
}

#[test]
fn the_headquarters_of_a_party_is_no_lever() {
    let answer = ask(
        "act: export, from: US, to: SG, item: {chip: h100-sxm, count: 8}, parties: [{role: exporter, in: US, hq: US}, {role: end_user, in: SG, hq: SG, parent: CN}]",
    );
    let all = short(&answer);
    assert!(
        all.iter().any(|one| one == "authorisation BIS_LICENCE"),
        "{all:?}"
    );
    assert!(
        !all.iter()
            .any(|one| one.starts_with("place") && !one.contains("United States")),
        "the test follows the party: {all:?}"
    );
}

#[test]
fn data_have_mechanisms_and_an_unsound_assessment_stays() {
    let data = "act: transfer_dataset, from: DE, to: MY, item: {dataset: {eu_personal: 1}}, parties: [{role: controller, in: DE, hq: DE}, {role: provider, in: MY, hq: MY}]";
    let all = short(&ask(data));
    assert!(
        all.iter()
            .any(|one| one.starts_with("mechanism sign standard contractual clauses")),
        "{all:?}"
    );
    assert!(all.contains(&"place Japan (JP)".to_owned()), "{all:?}");
    let unsound = short(&ask(&format!(
        "{data}, facts: {{scc: signed, tia: unsound}}"
    )));
    assert!(
        unsound
            .iter()
            .all(|one| !one.contains("clauses") && (!one.contains("tia") || one.contains("place"))),
        "an assessment of another place is another assessment: {unsound:?}"
    );
    let filing = short(&ask(
        "act: transfer_dataset, from: CN, to: SG, item: {dataset: {cn_ordinary: 100000}}, parties: [{role: controller, in: CN, hq: CN}]",
    ));
    assert!(
        filing.iter().any(|one| one.contains("CN_SCC_FILED"))
            && filing.iter().any(|one| one.contains("CN_CERTIFIED")),
        "{filing:?}"
    );
}

#[test]
fn papers_that_are_open_together_are_found_together() {
    let answer = ask(
        "act: rent_iaas, to: MY, item: {chip: h100-sxm, count: 8}, facts: {end_use: unknown, kyc: unknown, red_flags: unknown}, parties: [{role: provider, in: MY, hq: MY}, {role: customer, in: CN, hq: CN}]",
    );
    let all = short(&answer);
    let papers = answer
        .proposals
        .iter()
        .find(|one| one.steps.len() == 3)
        .unwrap_or_else(|| panic!("{all:?}"));
    assert_eq!(
        papers
            .steps
            .iter()
            .map(|step| step.change.kind())
            .collect::<BTreeSet<_>>(),
        BTreeSet::from(["document"])
    );
    let kyc = papers
        .steps
        .iter()
        .find(|step| step.says.contains("KYC"))
        .unwrap();
    assert!(
        kyc.says.contains("have a reviewer determine"),
        "{}",
        kyc.says
    );
}

#[test]
fn who_owns_a_party_is_to_be_found_out_not_changed() {
    let answer = ask(
        "act: export, from: US, to: SG, item: {chip: h100-sxm, count: 8}, parties: [{role: exporter, in: US, hq: US}, {role: end_user, in: SG, hq: SG, parent: unknown}]",
    );
    assert_eq!(answer.outcome, Outcome::NeedsReview);
    assert!(
        answer
            .open
            .iter()
            .any(|open| open.fact == "end_user.parent"),
        "{:?}",
        answer.open
    );
    let text = answer.tree().to_string();
    assert!(
        text.contains("open, and to be found out: no change of plan settles it"),
        "{text}"
    );
}

#[test]
fn where_nothing_helps_it_says_so() {
    let rule = r#"@id("own-1") @title("own rule") @status("in_force") @verified("ours") @outcome("prohibited")
forbid (principal, action == Action::"use_chip", resource);"#;
    let packs = Packs::from_files(vec![PackFile {
        path: "us/own.cedar".to_owned(),
        text: rule.to_owned(),
    }])
    .unwrap();
    let (act, settings) = case(
        "act: use_chip, to: SG, item: {chip: l20, count: 8}, parties: [{role: operator, in: SG, hq: SG}]",
    );
    let answer = counterfactuals(&packs, &settings, &act, &bounds());
    assert_eq!(
        (answer.outcome, answer.proposals.len()),
        (Outcome::Prohibited, 0)
    );
    assert!(answer.searched.singles > 10);
    assert!(
        answer
            .tree()
            .to_string()
            .contains("no lawful change of this plan gives allow")
    );
}

#[test]
fn a_move_forgets_what_was_stated_of_the_old_place_and_chips() {
    let (act, _) = case(
        "act: rent_iaas, to: MY, item: {chip: h100-sxm, count: 8}, authorisations: [BIS_LICENCE], facts: {chips_licence: shown, tia: sound, china_share_of_us_shipments: 0.1}, parties: [{role: provider, in: MY, hq: CN}, {role: customer, in: SG, hq: SG}]",
    );
    let chip = apply(&[Change::chip(&PACKS, "h200-sxm").unwrap()], &act);
    assert!(!chip.facts["chips_licence"].is_known());
    assert!(!chip.facts["china_share_of_us_shipments"].is_known());
    assert!(chip.authorisations.is_empty());
    assert!(chip.facts["tia"].is_known());
    let place = apply(&[Change::place(country("SG"))], &act);
    assert!(!place.facts["chips_licence"].is_known() && !place.facts["tia"].is_known());
    // Whatever the order: the document is about the new chips.
    let shown = Change::Document(Document::new(Documentable::ChipsLicence, "shown").unwrap());
    let both = apply(&[shown, Change::chip(&PACKS, "h200-sxm").unwrap()], &act);
    assert!(both.facts["chips_licence"].is_known());
}

#[test]
fn what_is_known_is_not_stated_anew() {
    let (act, _) = case(
        "act: rent_iaas, to: MY, item: {chip: h100-sxm, count: 8}, facts: {end_use: military, red_flags: open}, parties: [{role: provider, in: MY, hq: MY}, {role: customer, in: CN, hq: CN}]",
    );
    let document = |fact, value| Change::Document(Document::new(fact, value).unwrap());
    let stated = apply(
        &[
            document(Documentable::EndUse, "civil"),
            document(Documentable::RedFlags, "none"),
        ],
        &act,
    );
    assert_eq!(stated.facts, act.facts);
    let determined = apply(&[document(Documentable::RedFlags, "resolved")], &act);
    assert_eq!(
        determined.facts["red_flags"].known(),
        Some(&FactValue::Word("resolved".to_owned()))
    );
}

#[test]
fn days_before_the_first_are_not_proposed() {
    let (act, settings) = case(
        "act: export, from: US, to: SG, item: {chip: h100-sxm, count: 8}, parties: [{role: exporter, in: US, hq: US}, {role: end_user, in: SG, hq: CN}]",
    );
    let days = |not_before: Option<&str>| {
        let bounds = Bounds {
            places: Vec::new(),
            days: 40,
            pairs: 0,
            not_before: not_before.map(|day| day.parse().unwrap()),
            ..Bounds::default()
        };
        counterfactuals(&PACKS, &settings, &act, &bounds)
            .proposals
            .iter()
            .filter_map(|one| one.steps[0].change.on())
            .map(|day| day.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(days(None), ["2023-11-16"], "the last day before the test");
    assert!(days(Some("2026-11-24")).is_empty());
}

/// A rule on quantities as an organisation's own: so many chips per ultimate parent, with what was used before.
struct Counted {
    act: Act,
    before: u64,
    line: u64,
}

impl Changeable for Counted {
    fn acts(&self, changes: &[Change]) -> Vec<Act> {
        vec![apply(changes, &self.act)]
    }

    fn judge(&self, act: &Act) -> ActVerdict {
        let mut verdict = judge(&PACKS, &Settings::default(), act);
        let count = act.item.chip.as_ref().map_or(0, |chip| chip.count);
        if self.before + count > self.line {
            verdict.outcome = Outcome::LicenseRequired;
        }
        verdict
    }
}

#[test]
fn fewer_is_proposed_only_where_the_whole_falls_under_the_line() {
    let (act, _) = case(
        "act: use_chip, to: SG, item: {chip: l20, count: 1000}, parties: [{role: operator, in: SG, hq: SG}]",
    );
    let fewer = |before: u64| {
        let counted = Counted {
            act: act.clone(),
            before,
            line: 500,
        };
        let bounds = Bounds {
            places: Vec::new(),
            pairs: 0,
            ..Bounds::default()
        };
        let answer = counterfactuals_of(&PACKS, &counted, &bounds);
        let proposal = answer
            .proposals
            .iter()
            .find(|one| one.steps[0].change.chips().is_some());
        proposal.map(|one| {
            let step = &one.steps[0];
            assert!(step.says.contains("in the whole undertaking"));
            assert!(step.caveat.as_ref().unwrap().contains("splitting"));
            step.change.chips().unwrap()
        })
    };
    assert_eq!(fewer(0), Some(500));
    assert_eq!(fewer(120), Some(380), "what was used before is counted");
    assert_eq!(fewer(500), None, "nothing is left");
    assert!(Change::fewer(8, 8).is_none() && Change::fewer(8, 0).is_none());
}

#[test]
fn an_instant_moves_to_noon_of_the_other_day() {
    let (mut act, _) = case(
        "act: export, from: US, to: SG, item: {chip: l20, count: 1}, parties: [{role: end_user, in: SG, hq: SG}]",
    );
    act.date = When::Instant("2026-11-24T23:30:00Z".parse().unwrap());
    let moved = apply(&[Change::day("2027-01-15".parse().unwrap())], &act);
    assert_eq!(
        moved.date,
        When::Instant("2027-01-15T12:00:00Z".parse().unwrap())
    );
}

#[test]
fn figures_of_the_maker_are_not_carried_to_another_chip() {
    let (mut act, _) = case(
        "act: export, from: US, to: SG, item: {chip: l20, count: 1}, parties: [{role: end_user, in: SG, hq: SG}]",
    );
    let figures = causeway_law::Figures {
        tpp: Fact::stated(1.into(), "the maker"),
        performance_density: Fact::stated(1.into(), "the maker"),
        datacenter: Fact::stated(false, "the maker"),
        io_total: Fact::stated(1.into(), "the maker"),
        dram_bandwidth: Fact::stated(1.into(), "the maker"),
    };
    act.item.chip = Some(Chip {
        figures: Some(figures),
        ..Chip::listed("l20", 4)
    });
    let changed = apply(&[Change::chip(&PACKS, "h100-sxm").unwrap()], &act);
    assert_eq!(changed.item.chip, Some(Chip::listed("h100-sxm", 4)));
}
