//! What must hold of every act: an unknown never loosens an answer, order does not matter, nothing is dropped in silence.

use std::sync::{Arc, LazyLock};

use causeway_domain::{Country, Date, Fact, PartyId, Percent, Timestamp};
use causeway_law::{
    Act, ActKind, ActParty, ActVerdict, Chip, Dataset, FactValue, Item, Outcome, PackFile, Packs,
    Role, Settings, Weights, When, judge,
};
use causeway_parties::{Holding, Party, Register};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rust_decimal::Decimal;

static PACKS: LazyLock<Packs> = LazyLock::new(|| Packs::builtin().unwrap());

const PLACES: &[&str] = &[
    "US", "CN", "HK", "MO", "SG", "MY", "AE", "IR", "RU", "DE", "KH", "CY", "IL", "TW",
];
const CHIPS: &[&str] = &[
    "h100-sxm",
    "rtx-4090",
    "l40",
    "l20",
    "h20",
    "ascend-910c",
    "mi308x",
    "tpu-v5e",
];
const LISTS: &[&[&str]] = &[
    &[],
    &[],
    &[],
    &["entity_list"],
    &["sdn"],
    &["tw_shtc"],
    &["meu", "sdn_7448"],
];
const DAYS: &[&str] = &[
    "2022-11-01",
    "2023-12-01",
    "2025-10-15",
    "2026-01-20",
    "2026-03-01",
    "2026-11-24",
];
const FACTS: &[(&str, &[&str])] = &[
    (
        "end_use",
        &["civil", "military", "wmd", "military_intelligence"],
    ),
    ("red_flags", &["none", "open", "resolved"]),
    ("kyc", &["complete", "incomplete"]),
    ("provider_us_person", &["true", "false"]),
    ("is_informed", &["yes", "no"]),
    ("chips_received", &["2023-11-16", "2025-01-01"]),
    ("chips_licence", &["shown", "absent"]),
    ("supplier_authorisation", &["shown", "absent"]),
    ("restricted_activity", &["none", "known"]),
    ("relation", &["vendor", "data_brokerage"]),
    ("cisa_security_requirements", &["in_place", "absent"]),
    ("data_compliance_programme", &["in_place", "absent"]),
    ("onward_clause", &["present", "absent"]),
    ("designated", &["false", "true"]),
    ("prior_12_months", &["none"]),
    ("dpf", &["certified", "not_certified"]),
    ("scc", &["signed", "none"]),
    ("tia", &["sound", "unsound"]),
    ("collected_abroad", &["false", "true"]),
    ("domestic_added", &["false", "true"]),
    ("jan2026_certifications", &["complete", "absent"]),
    ("china_share_of_us_shipments", &["0.4", "0.6"]),
    ("export_planned", &["false", "true"]),
    ("foundry_presumption", &["none", "overcome", "stands"]),
    ("site_fp64_pflops", &["0", "100"]),
    ("site_fp32_pflops", &["0", "200"]),
    ("site_volume_cubic_feet", &["41600", "50000"]),
];

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn known<T>(value: T) -> Fact<T> {
    Fact::stated(value, "test")
}

prop_compose! {
    fn parties()(
        places in proptest::collection::vec((select(PLACES), select(PLACES)), 4),
        lists in proptest::collection::vec(select(LISTS), 5),
        shares in proptest::collection::vec(proptest::option::weighted(0.6, select(&[9u32, 30, 50, 60][..])), 2),
        holder in select(PLACES),
    ) -> (Vec<(&'static str, &'static str)>, Register) {
        let mut register = Register::default();
        register.insert("holder", Party::company("holder").based(country(holder)).on_lists(lists[4].iter().copied()).owned([]));
        for (index, (_, hq)) in places.iter().enumerate() {
            let share = shares.get(index).copied().flatten().map(|share| Holding::new("holder", known(Percent::new(Decimal::from(share)))));
            register.insert(format!("p{index}"), Party::company(format!("p{index}")).based(country(hq)).on_lists(lists[index].iter().copied()).owned(share));
        }
        (places, register)
    }
}

prop_compose! {
    pub(crate) fn acts()(
        kind in select(ActKind::ALL),
        day in select(DAYS),
        from in select(PLACES),
        to in select(PLACES),
        chip in select(CHIPS),
        persons in proptest::collection::vec(select(&[0u64, 1, 101, 20_000, 150_000, 2_000_000][..]), 4),
        ops in select(&["3e24", "2e26"][..]),
        (places, register) in parties(),
        facts in proptest::collection::vec(any::<Index>(), FACTS.len()),
        held in proptest::sample::subsequence(&["BIS_LICENCE", "NAC", "ACA", "DCVEU", "CN_SCC_FILED", "DOJ_LICENCE"][..], 0..=1),
    ) -> Act {
        let mut item = Item::default();
        let data = matches!(kind, ActKind::TransferDataset | ActKind::ExportAndDataset | ActKind::RentAndDataset);
        if data {
            let classes = ["cn_ordinary", "us_human_genomic", "us_personal_health", "eu_personal"];
            let persons = classes.iter().zip(&persons).map(|(class, persons)| ((*class).to_owned(), known(*persons))).collect();
            item.dataset = Some(Dataset { persons, important: Some(known(false)), classified: None });
        }
        if kind == ActKind::TransferWeights {
            item.weights = Some(Weights { closed: known(true), published: known(false), train_ops: known(Decimal::from_scientific(ops).unwrap()) });
        } else if kind != ActKind::TransferDataset {
            item.chip = Some(Chip::listed(chip, 8));
        }
        let roles = match kind {
            ActKind::RentIaas | ActKind::UseChip => [Role::Provider, Role::Customer, Role::Operator, Role::Owner],
            ActKind::TransferDataset | ActKind::RentAndDataset => [Role::Provider, Role::Customer, Role::Controller, Role::UsPerson],
            ActKind::TransferWeights => [Role::Owner, Role::EndUser, Role::EndUser, Role::Owner],
            _ => [Role::EndUser, Role::Purchaser, Role::Exporter, Role::Controller],
        };
        let parties = roles.iter().zip(&places).enumerate().map(|(index, (role, (place, _)))| {
            ActParty { ciio: known(index == 3), ..ActParty::new(*role, format!("p{index}"), known(country(place))) }
        }).collect();
        let facts = FACTS.iter().zip(facts).map(|((name, values), index)| ((*name).to_owned(), known(FactValue::from(*index.get(values))))).collect();
        Act {
            from: Some(country(from)),
            item,
            parties,
            register: Arc::new(register),
            facts,
            authorisations: held.iter().map(|word| (*word).to_owned()).collect(),
            ..Act::new(kind, day.parse::<Date>().unwrap(), known(country(to)))
        }
    }
}

/// The same act with one fact made unknown.
fn hide(act: &Act, which: Index) -> Act {
    let mut act = act.clone();
    let mut register = (*act.register).clone();
    let keys: Vec<String> = act.facts.keys().cloned().collect();
    let spots = keys.len() + 1 + 5 * 4 + 2;
    match which.index(spots) {
        0 => act.to = Fact::unknown("hidden"),
        spot if spot <= keys.len() => {
            act.facts
                .insert(keys[spot - 1].clone(), Fact::unknown("hidden"));
        }
        spot => {
            let spot = spot - keys.len() - 1;
            let party = spot % 4;
            let key = format!("p{party}");
            match spot / 4 {
                0 => act.parties[party].located = Fact::unknown("hidden"),
                1 => act.parties[party].ciio = Fact::unknown("hidden"),
                2 => register.parties.get_mut(&key).unwrap().headquarters = Fact::unknown("hidden"),
                3 => register.parties.get_mut(&key).unwrap().listed = Fact::unknown("hidden"),
                4 => {
                    let party = register.parties.get_mut(&key).unwrap();
                    match party.owners.first_mut() {
                        Some(holding) => holding.share = Fact::unknown("hidden"),
                        None => party.owners_complete = false,
                    }
                }
                _ => match &mut act.item.dataset {
                    Some(dataset) => {
                        dataset
                            .persons
                            .insert("us_human_genomic".to_owned(), Fact::unknown("hidden"));
                    }
                    None => {
                        act.item.chip = Some(Chip {
                            id: None,
                            count: 8,
                            figures: None,
                        })
                    }
                },
            }
        }
    }
    act.register = Arc::new(register);
    act
}

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
            party.listed = known(["entity_list".to_owned(), "sdn".to_owned()].into());
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
