use causeway_domain::SourceFile;
use causeway_law::Outcome;

use super::*;
use crate::compared::{Asked, TODAY, compared, parsed};

const ORGANISATION: &str = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
  hub: {name: Hub, headquarters: MY, listed: none, owners: [], owners_complete: true}
presences: [{entity: acme, provider: hub, account: a, site: near}, {entity: acme, provider: hub, account: a, site: dear}]
sites:
  near: {country: MY, operator: hub, engine: {local: {directory: near}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 1, tokens_per_second: 1000}]}
  dear: {country: MY, operator: hub, engine: {local: {directory: dear}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 9, tokens_per_second: 2000}]}
  stranger: {country: MY, operator: hub, engine: {local: {directory: other}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 1}]}
home: {country: SG}
workloads: {t: {model: a/m, parameters: 1e5, tokens: 3.6e6, sequence_length: 64, end_use: civil, closed: true}}
";

fn comparison(organisation: &str, task: &str) -> Comparison {
    compared(&parsed(organisation), task)
}

fn find<'a>(comparison: &'a Comparison, site: &str) -> &'a Candidate {
    comparison
        .candidates
        .iter()
        .find(|candidate| {
            candidate
                .site
                .as_ref()
                .is_some_and(|id| id.as_str() == site)
        })
        .unwrap()
}

const TASK: &str = "resources: {cpus: 2+}\nrun: x\n";

#[test]
fn the_best_is_lawful_reachable_and_weighed_and_the_others_say_why() {
    let comparison = comparison(ORGANISATION, TASK);
    assert_eq!(
        comparison.choose().unwrap().site().unwrap().as_str(),
        "near"
    );
    let (near, dear) = (find(&comparison, "near"), find(&comparison, "dear"));
    assert_eq!(near.cost().unwrap().to_string(), "$1.00");
    assert!(
        (near.factors.hardware.score - 50.0).abs() < 1e-9,
        "half as fast as the fastest"
    );
    assert!((dear.factors.hardware.score - 100.0).abs() < 1e-9);
    let stranger = find(&comparison, "stranger");
    assert!(
        stranger
            .unreachable
            .as_ref()
            .unwrap()
            .contains("no account of yours")
    );
}

#[test]
fn weights_change_the_choice() {
    let fast =
        format!("{ORGANISATION}weights: {{hardware: 9, cost: 0, risk: 0, talent: 0, data: 0}}\n");
    assert_eq!(
        comparison(&fast, TASK)
            .choose()
            .unwrap()
            .site()
            .unwrap()
            .as_str(),
        "dear"
    );
}

#[test]
fn a_budget_makes_a_place_infeasible_and_keeps_it_listed() {
    let poor = format!("{ORGANISATION}budget: {{total: 2}}\n");
    let comparison = comparison(&poor, TASK);
    assert_eq!(
        find(&comparison, "dear").infeasible,
        ["it would cost $4.50, the budget is $2.00: $2.50 too much"]
    );
    assert!(find(&comparison, "near").infeasible.is_empty());
}

#[test]
fn more_nodes_than_there_are_is_a_reason() {
    let comparison = comparison(
        ORGANISATION,
        "num_nodes: 3\nresources: {cpus: 2+}\nrun: x\n",
    );
    assert!(comparison.choose().is_err());
    assert_eq!(
        find(&comparison, "near").infeasible,
        ["it has 1 node(s), the task asks for 3: 2 too few"]
    );
}

#[test]
fn an_unlawful_place_loses_to_a_lawful_one_whatever_it_costs() {
    let listed = ORGANISATION.replace(
        "  hub: {name: Hub,",
        "  shady: {name: Shady, headquarters: KP, listed: none, owners: [], owners_complete: true}\n  hub: {name: Hub,",
    );
    let listed = listed.replace(
        "near: {country: MY, operator: hub",
        "near: {country: KP, operator: shady",
    );
    let comparison = comparison(&listed, TASK);
    assert_eq!(
        comparison.choose().unwrap().site().unwrap().as_str(),
        "dear"
    );
    assert_eq!(find(&comparison, "near").outcome, Outcome::Prohibited);
}

#[test]
fn facts_that_only_a_determination_settles_stay_unknown_when_stated() {
    let stated =
        format!("{ORGANISATION}facts: {{kyc: complete, red_flags: resolved, relation: vendor}}\n");
    let organisation = parsed(&stated);
    let comparison = compared(&organisation, TASK);
    let acts = find(&comparison, "near").undertaking.acts(comparison.at);
    let known = |name: &str| acts[0].facts.get(name).is_some_and(Fact::is_known);
    assert!(!known("kyc") && !known("red_flags") && known("relation"));
    assert_eq!(settings(&organisation).packs.len(), 1);
}

#[test]
fn a_plan_is_the_same_whenever_it_is_made_from_the_same() {
    let labels = |comparison: &Comparison| -> Vec<String> {
        comparison
            .candidates
            .iter()
            .map(|one| format!("{} {:.3}", one.label, one.score))
            .collect()
    };
    assert_eq!(
        labels(&comparison(ORGANISATION, TASK)),
        labels(&comparison(ORGANISATION, TASK))
    );
}

#[test]
fn every_field_says_where_it_comes_from() {
    let priced = ORGANISATION.replace(
        "price_per_hour: 9,",
        "price_per_hour: {value: 9, by: a price list, evidence: page 3, on: 2026-11-01},",
    );
    let comparison = comparison(&priced, TASK);
    let weights = causeway_domain::organisation::Weights::default();
    for candidate in &comparison.candidates {
        for (field, _) in crate::FIELDS {
            let tree = crate::trace(candidate, field, &weights).unwrap();
            assert!(tree.text.starts_with(field), "{}", tree.text);
            assert!(
                !tree.children.is_empty(),
                "{field} of {} says nothing",
                candidate.label
            );
        }
    }
    let dear = find(&comparison, "dear");
    let lines = |field| format!("{:?}", crate::trace(dear, field, &weights).unwrap());
    for field in ["price", "total"] {
        let said = lines(field);
        assert!(
            said.contains("a price list") && said.contains("page 3") && said.contains("2026-11-01"),
            "{said}"
        );
    }
    assert!(
        lines("score").contains("hardware x weight 1 of 5"),
        "{}",
        lines("score")
    );
    assert!(
        lines("time").contains("declared throughput"),
        "{}",
        lines("time")
    );
    assert!(crate::trace(dear, "colour", &weights).is_none());
}

/// Price lists in which machines differ in name, zone and price, and some in what law or estimate look at.
fn listed(rows: &[(u8, u8, u8, u16)]) -> Market {
    let mut text = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region,AvailabilityZone\n".to_owned();
    for (number, (chip, memory, region, cents)) in rows.iter().enumerate() {
        let chip = ["H100", "A100-80GB", "B200"][usize::from(chip % 3)];
        let memory = 512 << (memory % 2);
        let region = ["us-west-2", "us-east-1", "eu-west-1"][usize::from(region % 3)];
        text.push_str(&format!(
            "m{number},{chip},8,64,{memory},{}.{:02},,{region},z{number}\n",
            10 + cents / 100,
            cents % 100
        ));
    }
    let market = Market::empty().unwrap();
    let list = causeway_market::PriceList {
        cloud: "aws",
        file: "list.csv",
        bytes: text.as_bytes(),
        date: None,
    };
    let import = causeway_market::import_csv(&list, &market.regions, &market.dialects).unwrap();
    market.with_offers(import.whole("list.csv").unwrap().offers)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]

    /// One of each kind stands for all of them: the search over every offer finds the same best, at the same score.
    #[test]
    fn grouping_changes_nothing(rows in proptest::collection::vec((0_u8..3, 0_u8..2, 0_u8..3, 0_u16..2000), 1..25)) {
        let team = format!("{ORGANISATION}team: {{SG: 2, GB: 1}}\n");
        let (organisation, market, packs) = (parsed(&team), listed(&rows), Packs::builtin().unwrap());
        let of = |every_offer| {
            Asked { at: TODAY, market: &market, packs: &packs, every_offer }
                .compare(&organisation, "resources: {accelerators: {H100: 8, A100-80GB: 8, B200: 8}}\nrun: x\n")
        };
        let (every, grouped) = (of(true), of(false));
        proptest::prop_assert_eq!(every.candidates.len(), grouped.candidates.iter().map(|one| 1 + one.alike).sum::<usize>());
        let best = |comparison: &Comparison| {
            let one = &comparison.candidates[0];
            (one.label.clone(), one.score.to_bits(), one.outcome, one.cost())
        };
        proptest::prop_assert_eq!(best(&every), best(&grouped));
        // Each of them is among the others, the same in everything.
        for one in &grouped.candidates {
            let same = every.candidates.iter().find(|other| other.label == one.label).unwrap();
            proptest::prop_assert_eq!(same.score.to_bits(), one.score.to_bits());
            proptest::prop_assert_eq!(&same.estimate, &one.estimate);
            proptest::prop_assert_eq!(&same.carbon, &one.carbon);
        }
    }
}

#[test]
fn what_the_law_costs_is_the_difference_to_the_cheapest_lawful_place() {
    let shady = ORGANISATION.replace(
        "  hub: {name: Hub,",
        "  shade: {name: Shade}\n  hub: {name: Hub,",
    ).replace(
        "  stranger: {country: MY, operator: hub, engine: {local: {directory: other}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 1}]}",
        "  stranger: {country: MY, operator: shade, engine: {local: {directory: other}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 0.1, tokens_per_second: 1000}]}",
    );
    let comparison = comparison(&shady, TASK);
    let (any, lawful) = comparison.price_of_lawfulness().unwrap();
    assert_eq!(
        (any.outcome, lawful.outcome),
        (Outcome::NeedsReview, Outcome::Allow)
    );
    assert!(any.label.starts_with("stranger") && lawful.label.starts_with("near"));
    assert!(
        self::comparison(ORGANISATION, TASK)
            .price_of_lawfulness()
            .is_none()
    );
}

#[test]
fn people_storage_and_egress_are_part_of_the_cost_where_their_prices_are_known() {
    let staffed = ORGANISATION
        .replace(
            "  near: {country: MY, operator: hub, engine: {local: {directory: near}},",
            "  near: {country: MY, operator: hub, engine: {local: {directory: near}}, egress_per_gb: 1000, storage_per_gb_month: 730,",
        )
        .replace("tokens: 3.6e6,", "tokens: 3.6e6, people: 2,")
        + "team: {US: 1}\n";
    let comparison = comparison(&staffed, TASK);
    let near = find(&comparison, "near");
    let bill = &near.estimate.as_ref().unwrap().bill;
    let part = |fact: &Fact<Interval<Usd>>| fact.known().unwrap().mid.to_string();
    assert_eq!(part(&bill.nodes), "$1.00");
    // 1.4 MB at a thousand dollars a GB; twice that, kept for an hour of a month of 730.
    assert_eq!(bill.egress.known().unwrap().to_string(), "$1.40");
    assert_eq!(bill.storage.known().unwrap().mid.to_string(), "$0.002800");
    // One hour of two people: 2 x (127,301 x 1.3 + 145,000 x 1.5) / 2 / 8,766 h.
    assert_eq!(part(&bill.people), "$43.69");
    assert_eq!(near.cost().unwrap().to_string(), "$46.09");
    let weights = causeway_domain::organisation::Weights::default();
    let people = format!("{:?}", crate::trace(near, "people", &weights).unwrap());
    assert!(
        people.contains("9cv9.com") && people.contains("2 people"),
        "{people}"
    );
    // Half as long, half the pay.
    let dear = find(&comparison, "dear").estimate.as_ref().unwrap();
    assert_eq!(part(&dear.bill.people), "$21.85");
    assert_eq!(dear.bill.unknown(), ["storage", "egress"]);
}

#[test]
fn the_shell_of_a_site_is_as_far_as_its_own_point() {
    let at = |point: &str| {
        let organisation = ORGANISATION.replace(
            "  near: {country: MY, operator: hub,",
            &format!("  near: {{country: US, operator: hub, {point}"),
        ) + "team: {JP: 1}\n";
        let comparison = comparison(&organisation, TASK);
        find(&comparison, "near").factors.talent.clone()
    };
    let seattle = at("coordinates: {latitude: 47.6, longitude: -122.3},");
    let somewhere = at("");
    // Tokyo and Seattle are seven hours apart the short way round; a table without borders leaves room for eight.
    assert!(
        seattle.because[1].contains("1.0 to 2.0 of 9 working hours"),
        "{:?}",
        seattle.because
    );
    assert!(
        seattle.doubt() + 0.1 < somewhere.doubt(),
        "{seattle:?} {somewhere:?}"
    );
}

const CONTRACT: &str = "\
format: causeway/offers/1
source: {by: a quote, evidence: q.pdf, on: 2026-11-02}
offers:
  - provider: straits
    instance: hgx
    country: MY
    accelerator: H100-SXM-80GB
    accelerators_per_node: 8
    cpus: 192
    memory: 2 TB
    quota: 2
    on_demand: 24
    reserved: [{months: 1, upfront: 1000, per_hour: 10}]
    committed: [{months: 1, per_hour: 20, least_hours: 500}]
";

/// A model of a billion parameters on so many tokens, at the offers of a file.
fn contracted(tokens: &str, task: &str, file: &str) -> Comparison {
    let source = Arc::new(SourceFile::new("offers.yaml", file));
    let market = Market::empty().unwrap();
    let offers = causeway_market::offers_file::parse(&source, &market.accelerators).unwrap();
    let market = market.with_offers(offers.offers);
    let packs = Packs::builtin().unwrap();
    let organisation = ORGANISATION.replace(
        "parameters: 1e5, tokens: 3.6e6, sequence_length: 64",
        &format!("parameters: 1e9, tokens: {tokens}, sequence_length: 4096"),
    );
    let asked = Asked {
        at: TODAY,
        market: &market,
        packs: &packs,
        every_offer: false,
    };
    asked.compare(&parsed(&organisation), task)
}

const EIGHT: &str = "resources: {accelerators: 'H100:8'}\nrun: x\n";

#[test]
fn a_run_is_paid_on_the_terms_on_which_it_costs_least() {
    let weights = causeway_domain::organisation::Weights::default();
    let of = |tokens: &str, file: &str| {
        let comparison = contracted(tokens, EIGHT, file);
        let one = comparison
            .candidates
            .into_iter()
            .find(|one| one.label.starts_with("straits"))
            .unwrap();
        let said = format!("{:?}", crate::trace(&one, "price", &weights).unwrap());
        (one, said)
    };
    let (short, said) = of("1e10", CONTRACT);
    assert_eq!(short.paid, PriceKind::OnDemand);
    assert!(
        said.contains("reserved for 1 month: $1000.00 upfront"),
        "{said}"
    );
    assert!(short.infeasible.is_empty(), "{:?}", short.infeasible);
    // 540 hours: 24 an hour is 12,960, the promise 10,800, the month 8,300 whatever is used.
    let (long, _) = of("9e11", CONTRACT);
    assert_eq!(
        long.paid,
        PriceKind::Reserved { months: 1 },
        "{:?}",
        long.hours()
    );
    assert_eq!(long.cost().unwrap().to_string(), "$8300.00");
    let costs = long.costs().unwrap();
    assert_eq!(costs.low, costs.mid, "paid, used or not");
    // Without a price by the hour the machine can be had all the same.
    let (only, said) = of("1e10", &CONTRACT.replace("    on_demand: 24\n", ""));
    assert!(only.infeasible.is_empty(), "{:?}", only.infeasible);
    assert!(said.contains("quote"), "{said}");
    assert_eq!(only.paid, PriceKind::Reserved { months: 1 });
}

#[test]
fn a_quota_that_is_too_small_says_by_how_much() {
    let comparison = contracted(
        "1e10",
        "num_nodes: 5\nresources: {accelerators: 'H100:8'}\nrun: x\n",
        CONTRACT,
    );
    let one = comparison
        .candidates
        .iter()
        .find(|one| one.label.starts_with("straits"))
        .unwrap();
    assert!(
        one.infeasible
            .iter()
            .any(|why| why.contains('5') && why.contains('2')),
        "{:?}",
        one.infeasible
    );
}

#[test]
fn a_spot_node_is_taken_away_now_and_then() {
    let spot = CONTRACT.replace("    on_demand: 24\n", "    on_demand: 24\n    spot: 10\n");
    let task = "resources: {accelerators: 'H100:8', use_spot: true}\nrun: x\n";
    let comparison = contracted("2.3e11", task, &spot);
    let one = comparison
        .candidates
        .iter()
        .find(|one| one.label.starts_with("straits"))
        .unwrap();
    assert_eq!(one.paid, PriceKind::Spot);
    let estimate = one.estimate.as_ref().unwrap();
    assert!(estimate.goodput.known().unwrap().preemption > 0.0);
    assert!(
        estimate
            .notes
            .iter()
            .any(|note| note.contains("an assumption")),
        "{:?}",
        estimate.notes
    );
}

#[test]
fn what_is_done_with_the_model_counts() {
    let hours = |kind: &str| {
        let organisation = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
presences: [{entity: acme, provider: acme, account: a, site: own}]
sites:
  own: {country: SG, operator: acme, engine: {local: {directory: own}}, offers: [{accelerator: H100, accelerators_per_node: 8, price_per_hour: 20}]}
home: {country: SG}
workloads: {t: {model: a/m, kind: KIND, parameters: 1e9, tokens: 1e9, sequence_length: 4096, end_use: civil, closed: true}}
";
        let comparison = comparison(&organisation.replace("KIND", kind), EIGHT);
        find(&comparison, "own").hours().unwrap().get()
    };
    let full = hours("fine_tune");
    assert!(hours("{lora: {rank: 16}}") < full);
    assert!((hours("{reinforcement: {rollout: 60 %}}") / full - 2.5).abs() < 1e-6);
    assert!(hours("throughput") < 0.5 * full);
}

#[test]
fn one_of_a_kind_stands_for_the_others_of_its_cloud_and_country() {
    // Three regions, two of them in one country; two of the four offers in that country are of one kind in one region.
    let rows = [
        (0, 0, 0, 100),
        (0, 0, 0, 300),
        (0, 0, 1, 200),
        (1, 0, 1, 200),
        (0, 0, 2, 50),
    ];
    let (organisation, packs) = (parsed(ORGANISATION), Packs::builtin().unwrap());
    let market = listed(&rows);
    let asked = Asked {
        at: TODAY,
        market: &market,
        packs: &packs,
        every_offer: false,
    };
    let comparison = asked.compare(
        &organisation,
        "resources: {accelerators: {H100: 8, A100-80GB: 8}}\nrun: x\n",
    );
    let told: Vec<(&str, usize)> = comparison
        .leaders()
        .into_iter()
        .filter(|(one, _)| one.site.is_none())
        .map(|(one, others)| (one.label.as_str(), others))
        .collect();
    let mut told = told;
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("aws/eu-west-1 m4", 0),
            ("aws/us-east-1 m3", 0),
            ("aws/us-west-2 m0", 2)
        ]
    );
    assert_eq!(
        comparison.leaders().len(),
        3 + 3,
        "sites stand for themselves"
    );
}

#[test]
fn what_does_not_fit_has_no_time_and_no_price_and_says_by_how_much() {
    let comparison = contracted("1e10", EIGHT, CONTRACT);
    assert!(comparison.candidates.iter().any(|one| one.cost().is_some()));
    let large = ORGANISATION.replace(
        "parameters: 1e5, tokens: 3.6e6, sequence_length: 64",
        "parameters: 7e11, tokens: 1e12, sequence_length: 4096",
    );
    let source = Arc::new(SourceFile::new("offers.yaml", CONTRACT));
    let market = Market::empty().unwrap();
    let offers = causeway_market::offers_file::parse(&source, &market.accelerators).unwrap();
    let (market, packs) = (market.with_offers(offers.offers), Packs::builtin().unwrap());
    let asked = Asked {
        at: TODAY,
        market: &market,
        packs: &packs,
        every_offer: false,
    };
    let comparison = asked.compare(&parsed(&large), EIGHT);
    let one = comparison
        .candidates
        .iter()
        .find(|one| one.label.starts_with("straits"))
        .unwrap();
    assert_eq!((one.cost(), one.hours()), (None, None));
    assert!(
        one.infeasible[0].contains("GiB too little"),
        "{:?}",
        one.infeasible
    );
    assert!(one.factors.hardware.because[0].contains("GiB too little"));
    assert_eq!(crate::hours_in_words(one), "unknown");
}

#[test]
fn operations_before_this_run_count_and_are_unknown_where_nobody_states_them() {
    let ops = |more: &str| {
        let organisation = ORGANISATION.replace("model: a/m,", &format!("model: a/m, {more}"));
        let comparison = comparison(&organisation, TASK);
        let acts = find(&comparison, "near").bare(comparison.at);
        let weights = acts.into_iter().find_map(|one| one.act.item.weights);
        let ops = weights.unwrap().train_ops;
        ops.known().map(ToString::to_string)
    };
    // 6 x 1e5 parameters x 3.6e6 tokens.
    assert_eq!(ops("").as_deref(), Some("2160000000000"));
    assert_eq!(ops("kind: fine_tune,"), None);
    assert_eq!(
        ops("kind: fine_tune, base_train_ops: 1e13,").as_deref(),
        Some("12160000000000")
    );
    // A forward pass adds nothing.
    assert_eq!(
        ops("kind: throughput, base_train_ops: 1e13,").as_deref(),
        Some("10000000000000")
    );
    assert_eq!(
        ops("base_train_ops: 1e13,").as_deref(),
        Some("12160000000000"),
        "a run that goes on"
    );
}

#[test]
fn a_variant_says_what_was_taken_away_from_it() {
    let cut = CONTRACT.replace("accelerator: H100-SXM-80GB", "accelerator: H800");
    let comparison = contracted(
        "1e10",
        "resources: {accelerators: 'H800:8'}\nrun: x\n",
        &cut,
    );
    let one = comparison
        .candidates
        .iter()
        .find(|one| one.label.starts_with("straits"))
        .unwrap();
    let variant = one.variant.as_ref().unwrap();
    assert_eq!(variant.of, "H100-SXM-80GB");
    assert!(
        variant.cut.left <= 1.0 && variant.cut.left > 0.5,
        "{variant}"
    );
    let said = one.factors.hardware.because.join("; ");
    assert!(said.contains("a variant of H100-SXM-80GB"), "{said}");
    let whole = contracted("1e10", EIGHT, CONTRACT);
    assert!(whole.candidates.iter().all(|one| one.variant.is_none()));
}
