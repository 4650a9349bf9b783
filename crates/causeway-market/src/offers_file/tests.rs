//! Offers files, good and bad.

use proptest::prelude::*;

use super::*;

const GOOD: &str = "\
format: causeway/offers/1
source: {by: quote 117 of Straits Compute, evidence: offers/117.pdf, on: 2026-11-02}
offers:
  - provider: straits-compute
    instance: hgx
    region: johor
    country: MY
    accelerator: H100-SXM-80GB
    accelerators_per_node: 8
    cpus: 192
    memory: 2 TB
    scale_out: 3200 Gbit/s
    quota: 16
    on_demand: 23.60
    reserved:
      - {months: 12, upfront: 10000, per_hour: 14.20}
    committed:
      - {months: 12, per_hour: 15.10, least_hours: 5000}
  - provider: acme
    instance: own
    country: {value: CN, by: lease, on: 2025-03-01}
    accelerator: Ascend-910B
    accelerators_per_node: 8
    source: {by: finance, on: 2026-10-01}
    owned:
      hardware: {value: 292000, by: invoice 7, on: 2026-01-15}
      months_of_use: {value: 40, by: board minutes}
      power: {value: 10 kW, by: meter}
      price_of_power: {value: 0.12, by: contract}
      pue: {value: 1.25, by: meter}
      staff: {value: 0.5, by: payroll}
";

fn read_text(text: &str) -> Result<OffersFile, Vec<Problem>> {
    let source = Arc::new(SourceFile::new("offers.yaml", text));
    parse(&source, &Accelerators::builtin().unwrap())
}

fn remarks(text: &str) -> String {
    let problems = read_text(text).unwrap_err();
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| match &problem.help {
            Some(help) => format!("{problem} ({help})"),
            None => problem.to_string(),
        })
        .collect();
    lines.join("\n")
}

#[test]
fn quotes_contracts_and_ones_own_clusters_become_offers() {
    let file = read_text(GOOD).unwrap();
    assert_eq!(file.warnings, []);
    let [quote, own] = file.offers.as_slice() else {
        panic!("two offers")
    };
    assert_eq!(quote.label(), "straits-compute/johor hgx");
    assert_eq!(
        quote.origin(),
        "offers.yaml (quote 117 of Straits Compute), 2026-11-02"
    );
    let Fact::Known(country, source) = &*quote.country else {
        panic!("known")
    };
    assert_eq!(
        (country.code(), source.to_string().as_str()),
        (
            "MY",
            "quote 117 of Straits Compute, offers/117.pdf, 2026-11-02"
        )
    );
    let hour = quote.on_demand.map(Term::OnDemand);
    let terms = hour.iter().chain(quote.terms.iter());
    let terms: Vec<String> = terms.map(ToString::to_string).collect();
    insta::assert_snapshot!(terms.join("\n"), @r"
    $23.60/h on demand
    reserved for 12 months: $10000.00 upfront and $14.20/h
    $15.10/h for a promise to pay 5000 h in 12 months
    ");
    assert_eq!(
        (quote.quota, quote.scale_out.unwrap().to_string().as_str()),
        (Some(16), "3.2 Tbit/s")
    );
    assert_eq!(own.on_demand.unwrap().get(), Decimal::from(12));
    let CostBasis::Owned(cost) = &own.cost_basis else {
        panic!("owned")
    };
    assert_eq!(cost.hardware.source.to_string(), "invoice 7, 2026-01-15");
}

#[test]
fn an_offer_without_source_or_day_is_refused() {
    insta::assert_snapshot!(remarks("format: causeway/offers/1\noffers:\n  - {provider: a, on_demand: 1}\n"), @r"offers.yaml:3:5: error: this offer has no source and no day (add `source: {by: ..., on: 2026-11-24}` to it, or to the file)");
    insta::assert_snapshot!(remarks("format: causeway/offers/1\noffers:\n  - {provider: a, on_demand: 1, source: {by: x}}\n"), @r"offers.yaml:3:41: error: `source` lacks `on` (add `on:` the day of its prices)");
}

#[test]
fn what_is_wrong_is_shown_where_it_stands_and_all_at_once() {
    let text = "\
format: causeway/offers/1
source: {by: x, on: 2026-11-02}
offers:
  - {provider: a}
  - {provider: a, accelerator: H100, on_demand: 0}
  - provider: a
    on_demand: 3
    committed: [{months: 1, per_hour: 2}]
    owned:
      hardware: {value: 292000000000, by: i}
      months_of_use: {value: 40, by: b}
      power: {value: 10 kW, by: m}
      price_of_power: {value: 0.12, by: c}
      pue: {value: 0.9, by: m}
      staff: {value: 0.5, by: p}
";
    insta::assert_snapshot!(remarks(text), @r"
    offers.yaml:4:5: error: this offer has no price (add `on_demand`, `spot`, `reserved`, `committed` or `owned`)
    offers.yaml:5:32: error: it is not said how many a machine has (add `accelerators_per_node: 8`)
    offers.yaml:5:49: error: a price of 0 is no price (leave it out; what a machine of one's own costs is said under `owned`)
    offers.yaml:8:17: error: a commitment has one least amount (write `least_spend` or `least_hours`, over all its months)
    offers.yaml:7:16: error: a machine of one's own has the price that `owned` comes to (keep one of the two)
    offers.yaml:14:20: error: a PUE is 1 or more (it is the power of the whole site over the power of its machines)
    offers.yaml:10:7: error: this comes to $10000001.58/h for a machine (look at the units: US dollars, months, kW, US dollars per kWh)
    ");
}

#[test]
fn the_schema_speaks_before() {
    let text = "\
format: causeway/offers/2
offers:
  - {provider: a, on_demand: cheap, memory: much, quota: 0, colour: red}
  - {provider: a, owned: {power: {value: 700}}}
";
    insta::assert_snapshot!(remarks(text), @r"
    offers.yaml:1:9: error: `causeway/offers/2` is not a value of `format` (did you mean `causeway/offers/1`? all: causeway/offers/1)
    offers.yaml:3:30: error: `cheap` is not an amount of US dollars: write for example `2.40`, `$2.40` (write US dollars, for example `2.40`)
    offers.yaml:3:45: error: `much` is not a size: write for example `1.5 TB`, `512 MiB` (write for example `20 GB` or `512 MiB`)
    offers.yaml:3:58: error: `quota` must be at least 1
    offers.yaml:3:61: error: unknown field `colour` in `offers` (known here: provider, instance, region, zone, country, accelerator, accelerators_per_node, cpus, memory, scale_out, quota, on_demand, spot, reserved, committed, owned, source)
    offers.yaml:4:42: error: `value` must be text, not a number
    offers.yaml:4:34: error: `power` lacks `by` (add `by:` who says it: an invoice, a meter, a contract)
    offers.yaml:4:26: error: `owned` lacks `hardware` (add `hardware:` what the machine cost in US dollars, with its share of switches, racks and cables)
    offers.yaml:4:26: error: `owned` lacks `months_of_use` (add `months_of_use:` over how many months it is written off)
    offers.yaml:4:26: error: `owned` lacks `price_of_power` (add `price_of_power:` what a kilowatt-hour costs in US dollars)
    offers.yaml:4:26: error: `owned` lacks `pue` (add `pue:` power of the whole site over power of its machines)
    offers.yaml:4:26: error: `owned` lacks `staff` (add `staff:` what people, space and repairs cost per machine and hour, in US dollars)
    ");
}

#[test]
fn a_round_trip_that_was_measured_is_known_both_ways() {
    let text = "\
format: causeway/offers/1
rtt:
  - {from: home, to: straits-compute/johor, milliseconds: 9.25, by: ping, on: 2026-11-02}
";
    let file = read_text(text).unwrap();
    let Fact::Known(rtt, source) = file.rtt("straits-compute/Johor", "home") else {
        panic!("unknown")
    };
    assert_eq!(
        (rtt, source.to_string().as_str()),
        (Duration::from_micros(9250), "ping, 2026-11-02")
    );
    assert!(!file.rtt("home", "elsewhere").is_known());
}

#[test]
fn a_chip_that_no_table_lists_is_a_warning() {
    let text = GOOD.replace("Ascend-910B", "Ascend-910X");
    let file = read_text(&text).unwrap();
    assert_eq!(file.offers.len(), 2);
    insta::assert_snapshot!(format!("{} ({})", file.warnings[0], file.warnings[0].help.as_ref().unwrap()), @r"offers.yaml:22:18: warning: no table lists the accelerator `Ascend-910X` (did you mean `Ascend-910`?)");
}

proptest! {
    #[test]
    fn no_change_of_a_letter_panics(at in 0usize..GOOD.len(), letter in "[ -~\n]") {
        let mut text = GOOD.to_owned();
        text.replace_range(at..=at, &letter);
        if let Err(problems) = read_text(&text) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.place.offset <= text.len()));
        }
    }
}
