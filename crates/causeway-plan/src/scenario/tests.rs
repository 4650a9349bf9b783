use std::sync::Arc;

use causeway_domain::{SourceFile, organisation::Organisation, scenario};

use super::*;
use crate::compared::{compared, parsed};
use crate::settings;

/// A firm of Singapore with a parent in China, which the bill is about, and one whose parent is in Singapore.
fn organisation(parent: &str) -> Arc<Organisation> {
    let text = format!(
        "
organisation: acme
parties:
  acme: {{name: Acme, headquarters: SG, listed: none, owners: [{{party: top, share: 100 %}}], owners_complete: true}}
  top: {{name: Top, headquarters: {parent}, listed: none, owners: [], owners_complete: true}}
  hub: {{name: Hub, headquarters: MY, listed: none, owners: [], owners_complete: true}}
presences: [{{entity: acme, provider: hub, account: a, site: near}}, {{entity: acme, provider: hub, account: a, site: far}}]
sites:
  near: {{country: MY, operator: hub, engine: {{local: {{directory: near}}}}, offers: [{{cpus: 2, memory: 8 GB, price_per_hour: 10, tokens_per_second: 1000}}]}}
  far: {{country: ID, operator: hub, engine: {{local: {{directory: far}}}}, offers: [{{cpus: 2, memory: 8 GB, price_per_hour: 12, tokens_per_second: 1000}}]}}
home: {{country: SG}}
workloads: {{t: {{model: a/m, parameters: 1e5, tokens: 8.64e8, sequence_length: 64, end_use: civil, closed: true}}}}
"
    );
    parsed(&text)
}

fn outlook_of(parent: &str, file: &str, draws: usize) -> Result<Outlook, String> {
    drawn(parent, file, draws).map(|(outlook, _)| outlook)
}

fn drawn(parent: &str, file: &str, draws: usize) -> Result<(Outlook, Comparison), String> {
    let organisation = organisation(parent);
    let packs = Packs::builtin().unwrap();
    let comparison = compared(&organisation, "resources: {cpus: 2+}\nrun: x\n");
    let file = scenario::parse(&Arc::new(SourceFile::new("s.yaml", file))).unwrap();
    let sampling = Sampling {
        draws,
        seed: 1,
        plans: 200,
        home_every: Hours::new(24.0),
    };
    let settings = settings(&organisation);
    let outlook = outlook(&comparison, &file, &packs, &settings, sampling)?;
    Ok((outlook, comparison))
}

fn of<'o>(outlook: &'o Outlook, reading: &str, place: &str) -> &'o Prospect {
    let reading = outlook
        .readings
        .iter()
        .find(|one| one.name == reading)
        .unwrap();
    reading
        .prospects
        .iter()
        .find(|prospect| prospect.place.starts_with(place))
        .unwrap()
}

const LOST: &str = "format: causeway/scenarios/1
events:
  flood: {title: the site is flooded, lost: {site: near}, when: {per_year: 18.2625}, assumption: true}
  dearer: {title: prices double, price: {factor: {low: 2, mid: 2, high: 2}}, when: {on: 2026-11-29, probability: 0.5}, source: a list}
scenarios:
  dry: {title: no flood, never: [flood]}
  wet: {title: a flood for sure, certain: [flood]}
";

#[test]
fn a_place_that_may_be_lost_is_weighed_against_one_that_costs_more() {
    let outlook = outlook_of("SG", LOST, 20_000).unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near");
    // Ten days at a rate of 1/20 a day.
    let survives = (-0.5_f64).exp();
    assert!(
        (near.finishes.get() - survives).abs() < 0.02,
        "{}",
        near.finishes
    );
    assert!(near.error.get() < 0.005);
    assert_eq!(near.stopped.len(), 1);
    assert_eq!(near.stopped[0].0, "flood");
    let far = of(&outlook, AS_IT_MAY_COME, "far");
    assert_eq!(far.finishes, Probability::new(1.0));
    assert!(far.stopped.is_empty());
    // Half of the futures cost twice as much.
    let money = far.money.unwrap();
    assert!(
        money.p95.get() > Decimal::from(5_500) && money.p50 < money.p95,
        "{money:?}"
    );
    assert_eq!(outlook.readings[0].prospects[0].place, far.place);

    let dry = outlook
        .readings
        .iter()
        .find(|one| one.name == "dry")
        .unwrap();
    assert!(
        dry.prospects[0].place.starts_with("near"),
        "cheaper, and it is safe there"
    );
    // It comes while some plan may still run: not always in time for this one.
    assert!(of(&outlook, "wet", "near").finishes.get() < 0.25);
    let robust = outlook.robust.unwrap();
    assert!(robust.place.starts_with("far"));
    assert_eq!(robust.finishes, Probability::new(1.0));
}

#[test]
fn risk_comes_from_the_futures() {
    let (outlook, mut comparison) = drawn("SG", LOST, 5_000).unwrap();
    assert!(
        comparison.candidates[0].label.starts_with("near"),
        "cheaper"
    );
    let only_risk = Weights {
        hardware: 0.0,
        cost: 0.0,
        risk: 1.0,
        talent: 0.0,
        data: 0.0,
    };
    weigh(&mut comparison, &outlook, &only_risk);
    assert!(comparison.candidates[0].label.starts_with("far"), "safer");
    let near = &comparison.candidates[1].factors.risk;
    assert!(
        (near.score - 60.7).abs() < 2.5 && near.low < 25.0,
        "{near:?}"
    );
    assert!((near.high - 100.0).abs() < 1e-9, "no flood where it is dry");
    assert!(
        near.because.iter().any(|line| line.contains("dry"))
            && near.because.iter().any(|line| line.contains("flood"))
    );
}

#[test]
fn checkpoints_that_come_home_often_lose_less() {
    let outlook = outlook_of("SG", LOST, 5_000).unwrap();
    let near: Vec<&Cadence> = outlook
        .checkpoints
        .iter()
        .filter(|one| one.place.starts_with("near"))
        .collect();
    assert_eq!(near.len(), 5);
    assert!(near[0].every.is_none());
    assert!(
        near.windows(2)
            .all(|pair| pair[1].money_lost < pair[0].money_lost)
    );
    // Half of the time between two checkpoints, in the futures in which it is lost.
    let daily = near
        .iter()
        .find(|one| one.every == Some(Hours::new(24.0)))
        .unwrap();
    let expected = 12.0 * (1.0 - (-0.5_f64).exp());
    assert!(
        (daily.time_lost.get() - expected).abs() < 0.3,
        "{}",
        daily.time_lost
    );
}

/// Whether the provider is a US person is not stated: with this bill that is a review.
const BILL: &str = "format: causeway/scenarios/1
events:
  bill: {title: 'customer identification for US IaaS', pack: us-iaas-kyc-nprm, when: {on: 2026-12-04}, assumption: true}
";

#[test]
fn a_bill_that_asks_nothing_of_a_plan_does_not_stop_it() {
    let chips_alone = BILL.replace("us-iaas-kyc-nprm", "hyp-remote-access");
    let outlook = outlook_of("SG", &chips_alone, 100).unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near");
    assert_eq!(near.finishes, Probability::new(1.0), "{:?}", near.stopped);
}

#[test]
fn a_bill_that_passes_stops_the_run_or_makes_it_ask() {
    let outlook = outlook_of("SG", BILL, 100).unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near");
    assert_eq!(near.finishes, Probability::new(0.0));
    assert_eq!(
        near.stopped,
        [("no review".to_owned(), Probability::new(1.0))]
    );
    // The bill passes at midnight, after five whole days of work.
    assert_eq!(near.time_lost.p50, Hours::new(0.0));

    let answered = format!(
        "{BILL}answers: {{review: {{days: {{low: 2, mid: 2, high: 2}}, granted: 1, assumption: true}}}}\n"
    );
    let outlook = outlook_of("SG", &answered, 100).unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near");
    assert_eq!(near.finishes, Probability::new(1.0));
    assert_eq!(near.time_lost.p50, Hours::new(48.0));
}

#[test]
fn same_seed_same_answer_and_assumptions_are_named() {
    let json = |outlook: &Outlook| serde_json::to_string(outlook).unwrap();
    let (one, two) = (
        outlook_of("SG", LOST, 500).unwrap(),
        outlook_of("SG", LOST, 500).unwrap(),
    );
    assert_eq!(json(&one), json(&two));
    assert!(
        one.notes[0].contains("flood") && !one.notes[0].contains("dearer"),
        "{:?}",
        one.notes
    );
    assert!(
        one.notes
            .iter()
            .any(|note| note.contains("asking for a licence"))
    );
}

#[test]
fn an_unknown_pack_is_named_with_those_that_there_are() {
    let error = outlook_of("SG", &BILL.replace("us-iaas-kyc-nprm", "us-nothing"), 10).unwrap_err();
    assert!(
        error.contains("`bill`")
            && error.contains("us-nothing")
            && error.contains("hyp-remote-access"),
        "{error}"
    );
}

#[test]
fn the_built_in_file_is_read_and_every_number_in_it_is_marked() {
    let outlook = outlook_of("SG", BASE, 200).unwrap();
    assert_eq!(outlook.readings.len(), 3);
    assert!(
        outlook.notes[0].contains("remote-access"),
        "{:?}",
        outlook.notes
    );
}

#[test]
fn percentiles_are_by_nearest_rank() {
    assert_eq!(quantiles(vec![]), None);
    assert_eq!(quantiles(vec![3.0]), Some((3.0, 3.0)));
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    assert_eq!(quantiles(hundred), Some((50.0, 95.0)));
}

#[test]
fn from_day_to_day_a_plan_comes_to_where_it_ends() {
    let outlook = outlook_of("SG", LOST, 5_000).unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near");
    let certain = of(&outlook, "wet", "near");
    assert!(certain.moments.iter().all(|moment| moment.money.is_none()));
    let last = near.moments.last().unwrap();
    assert!((last.finished.get() - near.finishes.get()).abs() < 0.05);
    assert!(last.stopped.get() > 0.3);
    let money = last.money.unwrap();
    assert!(money.p5 < money.p50 && money.p50 < money.p95, "{money:?}");
    for pair in near.moments.windows(2) {
        assert!(pair[1].stopped >= pair[0].stopped && pair[1].at.get() > pair[0].at.get());
        assert!(pair[1].money.unwrap().p50 >= pair[0].money.unwrap().p50);
    }
}

#[test]
fn a_number_of_an_outlook_says_what_it_rests_on() {
    let outlook = outlook_of("SG", LOST, 200).unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near").place.clone();
    for (field, _) in FIELDS {
        let said = format!("{:?}", trace(&outlook, &near, field).unwrap());
        for word in ["the site is flooded", "18.2625 times a year", "seed 1"] {
            assert!(said.contains(word), "{field}: {word} in {said}");
        }
    }
    let finishes = format!("{:?}", trace(&outlook, &near, "finishes").unwrap());
    assert!(
        finishes.contains("of 200 futures, standard error"),
        "{finishes}"
    );
    assert!(finishes.contains(": flood"), "{finishes}");
    assert!(trace(&outlook, &near, "colour").is_none());
}

#[test]
fn what_a_place_without_a_price_loses_is_not_known() {
    let file = scenario::parse(&Arc::new(SourceFile::new("s.yaml", LOST))).unwrap();
    let text = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
presences: [{entity: acme, provider: acme, account: a, site: near}]
sites:
  near: {country: SG, operator: acme, engine: {local: {directory: near}}, egress_per_gb: 2, offers: [{cpus: 2, memory: 64 GB, tokens_per_second: 1000}]}
home: {country: SG}
workloads: {t: {model: a/m, parameters: 1e9, tokens: 8.64e8, sequence_length: 64, end_use: civil, closed: true}}
";
    let organisation = parsed(text);
    let comparison = compared(&organisation, "resources: {cpus: 2+}\nrun: x\n");
    let sampling = Sampling {
        draws: 100,
        seed: 1,
        plans: 200,
        home_every: Hours::new(24.0),
    };
    let packs = Packs::builtin().unwrap();
    let outlook = outlook(
        &comparison,
        &file,
        &packs,
        &settings(&organisation),
        sampling,
    )
    .unwrap();
    let near = of(&outlook, AS_IT_MAY_COME, "near");
    assert_eq!((near.money, near.money_lost), (None, None));
    let often: Vec<(Option<f64>, String)> = outlook
        .checkpoints
        .iter()
        .map(|one| (one.every.map(Hours::get), one.egress.unwrap().to_string()))
        .collect();
    // Fourteen gigabytes at two dollars, from a run of ten days: once, twice, daily.
    assert_eq!(often[0], (None, "$28.00".to_owned()));
    assert_eq!(often[1], (Some(168.0), "$56.00".to_owned()));
    assert_eq!(often[2], (Some(24.0), "$280.00".to_owned()));
    assert!(
        outlook
            .checkpoints
            .iter()
            .all(|one| one.money_lost.is_none())
    );
}
