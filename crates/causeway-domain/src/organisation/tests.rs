use super::*;
use crate::Country;

const GOOD: &str = "
organisation: acme
parties:
  acme:
    name: Acme AI Pte. Ltd.
    headquarters: SG
    listed: none
    owners: [{party: founders, share: 100 %}]
    owners_complete: true
  founders: {name: The founders, kind: person, headquarters: {value: SG, by: ACRA, on: 2026-10-01}, listed: none, owners: [], owners_complete: true}
  hub: {name: Hub Cloud Sdn. Bhd., headquarters: unknown}
presences: [{entity: acme, provider: hub, account: acme-01, site: johor}]
sites:
  johor:
    country: MY
    operator: hub
    engine: {local: {directory: ./site}}
    offers: [{instance: cpu-2, cpus: 2, memory: 8 GB, price_per_hour: 0.10}]
datasets:
  corpus: {path: data, class: none, records: 12, origin: SG}
team: {SG: 3, NO: 1}
home: {country: SG}
workloads:
  quickstart: {model: acme/tiny, tokens: 3e5, parameters: 470_000, end_use: civil}
facts: {relation: vendor, scc: signed}
";

fn read_text(text: &str) -> Result<Organisation, Vec<String>> {
    parse(&Arc::new(SourceFile::new("causeway.yaml", text))).map_err(|problems| {
        problems
            .iter()
            .map(|p| format!("{p} | {}", p.help.clone().unwrap_or_default()))
            .collect()
    })
}

#[test]
fn a_good_file_gives_facts_with_sources() {
    let organisation = read_text(GOOD).unwrap();
    let id: PartyId = "founders".parse().unwrap();
    let Fact::Known(country, source) =
        organisation.party_fact(&id, "headquarters", |party| party.headquarters.as_ref())
    else {
        panic!("known")
    };
    assert_eq!(
        (country, source.to_string()),
        (
            "SG".parse::<Country>().unwrap(),
            "ACRA, 2026-10-01".to_owned()
        )
    );
    let hub: PartyId = "hub".parse().unwrap();
    let Fact::Unknown(why) =
        organisation.party_fact(&hub, "headquarters", |party| party.headquarters.as_ref())
    else {
        panic!("unknown")
    };
    assert_eq!(
        why,
        "causeway.yaml says that `parties.hub.headquarters` is unknown"
    );
    let Fact::Unknown(why) = organisation.party_fact(&hub, "listed", |party| party.listed.as_ref())
    else {
        panic!("unknown")
    };
    assert_eq!(why, "causeway.yaml does not state `parties.hub.listed`");
    assert_eq!(
        organisation.workload(Some("quickstart")).unwrap().1.tokens,
        Some(3e5)
    );
    assert_eq!(organisation.file.team.len(), 2, "NO is Norway");
}

#[test]
fn several_errors_come_at_once_with_places_and_remedies() {
    let text = GOOD
        .replace("operator: hub", "operator: hubb")
        .replace("headquarters: SG\n", "headquarters: Singapore\n")
        .replace("share: 100 %", "share: 120 %");
    assert_eq!(
        read_text(&text).unwrap_err(),
        [
            "causeway.yaml:6:19: error: `Singapore` is not an ISO 3166 two-letter country code | write `SG` for Singapore",
            "causeway.yaml:8:39: error: `120 %` is not a share of 0 to 100 percent: write for example `49.9 %` | write for example `49.9 %` or `49.9`",
        ]
    );
    let text = GOOD
        .replace("operator: hub", "operator: hubb")
        .replace("site: johor", "site: johr");
    assert_eq!(
        read_text(&text).unwrap_err(),
        [
            "causeway.yaml:12:67: error: unknown site `johr` | did you mean `johor`?",
            "causeway.yaml:16:15: error: unknown party `hubb` | did you mean `hub`?",
        ]
    );
}

#[test]
fn shares_above_the_whole_are_an_error() {
    let text = GOOD.replace(
        "[{party: founders, share: 100 %}]",
        "[{party: founders, share: 60 %}, {party: hub, share: 40.1}]",
    );
    assert_eq!(
        read_text(&text).unwrap_err(),
        [
            "causeway.yaml:8:13: error: the owners of `acme` hold 100.1 % together | shares of one party add up to 100 % at most"
        ]
    );
}

#[test]
fn holdings_may_follow_one_another_and_add_up_day_by_day() {
    let with = |owners: &str| {
        read_text(&GOOD.replace("[{party: founders, share: 100 %}]", owners))
            .map(|_| Vec::new())
            .unwrap_or_else(|problems| problems)
    };
    assert_eq!(
        with(
            "[{party: founders, share: 100 %, to: 2025-12-31}, {party: hub, share: 100 %, from: 2026-01-01}]"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        with(
            "[{party: founders, share: 100 %, to: 2026-01-01}, {party: hub, share: 1 %, from: 2026-01-01}]"
        ),
        [
            "causeway.yaml:8:13: error: the owners of `acme` hold 101 % together from 2026-01-01 on | shares of one party add up to 100 % at most"
        ]
    );
    assert_eq!(
        with(
            "[{party: founders, share: 50 %, votes: 60 %}, {party: hub, share: 50 %, votes: 60 %}]"
        ),
        [
            "causeway.yaml:8:13: error: the owners of `acme` have votes of 120 % together | shares of one party add up to 100 % at most"
        ]
    );
    assert_eq!(
        with("[{party: founders, count: {held: 3, of: 2}, share: 5 %, from: 2026-01-02, to: 2026-01-01}]").len(),
        3
    );
    let good = "[{party: founders, share: 40 %, claims: [{value: 45 %, by: a report}], control: appoints the board}, {party: hub, count: {held: 1, of: 3}, control: true}, {party: acme, share: 5 %}]";
    let file = read_text(&GOOD.replace("[{party: founders, share: 100 %}]", good)).unwrap();
    let id: PartyId = "acme".parse().unwrap();
    let owners = file.party(&id).unwrap().owners.as_ref().unwrap();
    assert_eq!(owners[0].claims.len(), 1);
    assert_eq!(owners[0].control.0.as_deref(), Some("appoints the board"));
    assert!(owners[1].control.0.is_some() && owners[2].control.0.is_none());
}

#[test]
fn numbers_of_registers_are_checked_where_they_stand() {
    let with = |identity: &str| {
        let text = GOOD.replace(
            "    name: Acme AI Pte. Ltd.\n",
            &format!("    name: Acme AI Pte. Ltd.\n    {identity}\n"),
        );
        read_text(&text)
    };
    let good = "identifiers: [{scheme: lei, value: 5299SYN1000000000049}, {scheme: uscc, value: 91330100MA0000001F}, {scheme: registration, value: \"202400001Z\", country: SG}, {scheme: imo, value: IMO 9074729}]";
    let organisation = with(good).unwrap();
    let acme: PartyId = "acme".parse().unwrap();
    let numbers = &organisation.party(&acme).unwrap().identifiers;
    assert_eq!(numbers.len(), 4);
    assert_eq!(numbers[2].country.map(|country| country.code()), Some("SG"));
    for (identity, problem) in [
        (
            "identifiers: [{scheme: lei, value: 5299SYN1000000000048}]",
            "causeway.yaml:6:40: error: the check digits of the LEI `5299SYN1000000000048` are wrong | copy it from the register: 20 letters and digits (ISO 17442)",
        ),
        (
            "identifiers: [{scheme: uscc, value: 91330100MA0000002F}]",
            "causeway.yaml:6:41: error: the check character of the USCC `91330100MA0000002F` is wrong | copy it from the business licence: 18 letters and digits (GB 32100-2015); an older number of China's register is `scheme: registration, country: CN`",
        ),
        (
            "identifiers: [{scheme: registration, value: 202400001Z}]",
            "causeway.yaml:6:19: error: this registration number of `acme` is of no country's register | add `country:`: a number means nothing without its register",
        ),
        (
            "identifiers: [{scheme: lei, value: 5299SYN1000000000049, country: SG}]",
            "causeway.yaml:6:71: error: a LEI is no country's, and this one says SG | leave `country` out",
        ),
        (
            "identifiers: [{scheme: imo, value: 12-34}]",
            "causeway.yaml:6:40: error: `12-34` is no IMO number | write its seven digits",
        ),
        (
            "identifiers: [{scheme: tax, value: \"-\", country: SG}]",
            "causeway.yaml:6:40: error: this tax number of `acme` is empty | write the number, or leave the entry out",
        ),
        (
            "addresses: [\"1 Fusionopolis Way, Singapore\", \",\"]",
            "causeway.yaml:6:50: error: this address of `acme` is empty | write it on one line, its country last",
        ),
    ] {
        assert_eq!(with(identity).unwrap_err(), [problem]);
    }
    // Digits alone are a number in YAML: refused, so that none is lost.
    let problems =
        with("identifiers: [{scheme: registration, value: 3632365, country: GB}]").unwrap_err();
    assert!(
        problems[0].starts_with("causeway.yaml:6:49: error: "),
        "{problems:?}"
    );
    let zeros =
        with("identifiers: [{scheme: registration, value: 03632365, country: GB}]").unwrap();
    let number = &zeros.party(&acme).unwrap().identifiers[0];
    assert_eq!(number.value, "03632365");
}

#[test]
fn an_empty_file_says_what_it_lacks() {
    let problems = read_text("").unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].contains("lacks `organisation`"), "{problems:?}");
}

#[test]
fn unknown_words_get_a_hint() {
    let text = GOOD.replace("team:", "teem:");
    assert_eq!(
        read_text(&text).unwrap_err(),
        ["causeway.yaml:21:1: error: unknown field `teem` | did you mean `team`?"]
    );
    let text = GOOD.replace("listed: none\n", "listed: entity_lst\n");
    assert!(
        read_text(&text).unwrap_err()[0].contains("did you mean `entity_list`?"),
        "{:?}",
        read_text(&text)
    );
}

#[test]
fn no_mutation_of_a_good_file_panics() {
    let mut seed = 7_u64;
    for _ in 0..300 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut text = GOOD.to_owned().into_bytes();
        let at = usize::try_from(seed >> 33).unwrap() % text.len();
        text[at] = b" :{}[]-\n\"'&*#%0a"[usize::try_from(seed >> 20).unwrap() % 16];
        let _ = read_text(&String::from_utf8(text).unwrap());
    }
}

#[test]
fn a_limit_is_read_or_its_mistake_is_pointed_at() {
    let limited = |limit: &str| read_text(&format!("{GOOD}transfer: {{limit: \"{limit}\"}}\n"));
    let organisation = limited("08:00-18:00=20Mbit/s, 100Mbit/s").unwrap();
    let limit = organisation.file.transfer.limit.unwrap();
    assert_eq!(limit.to_string(), "08:00-18:00=20 Mbit/s, 100 Mbit/s");
    assert_eq!(
        limited("08:00-18:00=20").unwrap_err(),
        [
            "causeway.yaml:26:19: error: `20` is not a rate: write for example `50Mbit/s`, `6MB/s` | \
             write a rate (`50Mbit/s`), or rates by the time of day (`08:00-18:00=20Mbit/s, 100Mbit/s`); `0` pauses, `off` is no limit"
        ]
    );
    assert_eq!(
        read_text(&format!("{GOOD}transfer: {{limit: 0}}\n")).unwrap_err(),
        [
            "causeway.yaml:26:19: error: with this limit nothing ever moves | leave it out, or add a window: `0, 20:00-06:00=off`"
        ]
    );
}

#[test]
fn a_kind_that_takes_fields_says_how_it_is_written() {
    let with = |kind: &str| {
        read_text(&GOOD.replace(
            "model: acme/tiny,",
            &format!("model: acme/tiny, kind: {kind},"),
        ))
    };
    let file = with("{lora: {rank: 16}}").unwrap().file;
    let kind = file.workloads["quickstart"].kind;
    assert_eq!(kind, WorkKind::Lora(Adapters { rank: 16 }));
    let bare = with("lora").unwrap_err().join("\n");
    assert!(
        bare.contains("`lora` of `kind` takes fields") && bare.contains("{lora: {rank: 16}}"),
        "{bare}"
    );
    let none = with("fine_tun").unwrap_err().join("\n");
    assert!(none.contains("did you mean `fine_tune`"), "{none}");
    let zero = with("{lora: {rank: 0}}").unwrap_err().join("\n");
    assert!(zero.contains("at least 1"), "{zero}");
}
