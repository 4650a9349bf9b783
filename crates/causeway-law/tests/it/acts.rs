//! Random acts, and the same with facts taken away.

use std::sync::{Arc, LazyLock};

use causeway_domain::{Country, Date, Fact, Percent};
use causeway_law::{Act, ActKind, ActParty, Chip, Dataset, FactValue, Item, Packs, Role, Weights};
use causeway_parties::{Holding, Listed, Party, Register};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rust_decimal::Decimal;

pub(crate) static PACKS: LazyLock<Packs> = LazyLock::new(|| Packs::builtin().unwrap());

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
pub(crate) const LISTS: &[&[&str]] = &[
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
pub(crate) const FACTS: &[(&str, &[&str])] = &[
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

pub(crate) fn country(code: &str) -> Country {
    code.parse().unwrap()
}

pub(crate) fn known<T>(value: T) -> Fact<T> {
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
pub(crate) fn hide(act: &Act, which: Index) -> Act {
    let mut act = act.clone();
    let mut register = (*act.register).clone();
    let keys: Vec<String> = act.facts.keys().cloned().collect();
    let spots = keys.len() + 1 + 6 * 4 + 2;
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
                3 => register.parties.get_mut(&key).unwrap().listed = Listed::unknown("hidden"),
                4 => {
                    let party = register.parties.get_mut(&key).unwrap();
                    match party.owners.first_mut() {
                        Some(holding) => holding.share = Fact::unknown("hidden"),
                        None => party.owners_complete = false,
                    }
                }
                5 => {
                    let listed = &mut register.parties.get_mut(&key).unwrap().listed;
                    let list = ["sdn", "sdn_7448", "entity_list", "meu"][which.index(4)];
                    let certain = listed.certain().iter().filter(|on| *on != list).cloned();
                    *listed = Listed::on(certain.collect::<Vec<_>>(), listed.source().clone());
                    *listed = listed.clone().perhaps(list, "hidden");
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
