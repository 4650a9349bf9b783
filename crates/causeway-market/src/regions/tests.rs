//! The built-in table, and what a table may not say.

use super::*;

fn known<T: Clone>(fact: &Fact<T>) -> (T, String) {
    let Fact::Known(value, source) = fact else {
        panic!("unknown")
    };
    (value.clone(), source.to_string())
}

#[test]
fn a_country_comes_with_its_source_and_how_sure_it_is() {
    let regions = Regions::builtin().unwrap();
    let (country, source) = known(&regions.country("Nebius", "eu-north1"));
    assert_eq!(country.code(), "FI");
    assert!(source.contains("not verified"), "{source}");
    let (country, source) = known(&regions.country("verda", "fin-02"));
    assert_eq!(country.code(), "FI");
    assert!(
        source.starts_with("catalog/regions.json")
            && source.contains("read off the published region name"),
        "{source}"
    );
    let (_, source) = known(&regions.country("aws", "us-east-1"));
    assert_eq!(
        source,
        "catalog/regions.json, PyPI botocore 1.44.8, botocore/data/endpoints.json: `US East (N. Virginia)` (read in the source), 2026-11-29"
    );
}

#[test]
fn a_region_that_is_not_listed_is_unknown() {
    let regions = Regions::builtin().unwrap();
    let Fact::Unknown(why) = regions.country("nebius", "asia-east1") else {
        panic!("known")
    };
    assert!(why.contains("nebius"), "{why}");
    assert_eq!(
        regions.country("nebius", "elsewhere"),
        Fact::unknown(why),
        "unknown alike: judged once"
    );
    let all = regions.region("nebius", "asia-east1");
    assert!(!all.jurisdiction.is_known() && !all.carbon.is_known() && !all.coordinates.is_known());
    let null = r#"{"format":"causeway/regions/1","regions":[{"cloud":"c","region":"r","country":null,"verified":"name","source":"s"}]}"#;
    let table = Regions::from_json("r.json", null).unwrap();
    assert!(!table.country("c", "r").is_known());
    let bad = null.replace("null", "\"XX\"");
    let error = Regions::from_json("r.json", &bad).unwrap_err();
    assert!(error.to_string().contains("XX"));
    let nowhere = null.replace(
        "null",
        "\"SG\",\"latitude\":91,\"longitude\":0,\"coordinates_source\":\"s\"",
    );
    assert_eq!(
        Regions::from_json("r.json", &nowhere)
            .unwrap_err()
            .to_string(),
        "r.json: 91, 0 is no place on the Earth (region `r` of `c`)"
    );
}

#[test]
fn names_that_hold_the_country_are_read_and_others_are_not() {
    let regions = Regions::builtin().unwrap();
    let code = |cloud: &str, region: &str| {
        regions
            .country(cloud, region)
            .known()
            .map(|country| country.code())
    };
    assert_eq!(code("runpod", "IS"), Some("IS"));
    assert_eq!(code("vast", "Michigan, US, NA"), Some("US"));
    assert_eq!(code("vast", ", CN, AS"), Some("CN"), "not American Samoa");
    assert_eq!(code("vast", "Sweden, SE"), Some("SE"));
    for unsettled in ["SE", "Michigan, NA", "Oceania-XX", "US, NA, XX", ""] {
        assert_eq!(code("vast", unsettled), None, "{unsettled}");
    }
    assert_eq!(code("lium", "RU"), Some("RU"));
    assert_eq!(code("cudo", "no-kristiansand-1"), Some("NO"));
    assert_eq!(code("runpod", "EU"), None, "the Union is no country");
    assert_eq!(code("lambda", "asia-south-1"), None);
    assert!(regions.region("runpod", "IS").carbon.is_known());
}

#[test]
fn carbon_is_of_the_region_the_part_or_the_country() {
    let regions = Regions::builtin().unwrap();
    let of = |cloud: &str, region: &str| {
        let (carbon, source) = known(&regions.region(cloud, region).carbon);
        (carbon.of, carbon.intensity.get(), carbon.year, source)
    };
    let (place, grams, year, source) = of("gcp", "europe-west9");
    assert_eq!(
        (place.as_str(), grams, year),
        ("gcp/europe-west9", 34.0, None)
    );
    assert!(source.contains("impact.csv"), "{source}");
    let (place, grams, year, source) = of("aws", "us-east-1");
    assert_eq!((place.as_str(), grams, year), ("US-VA", 244.8, Some(2023)));
    assert!(source.contains("eGRID2023"), "{source}");
    let (place, grams, year, _) = of("oci", "ap-singapore-1");
    assert_eq!((place.as_str(), grams, year), ("SG", 470.783, Some(2023)));
}

#[test]
fn a_price_of_power_from_memory_says_so() {
    let regions = Regions::builtin().unwrap();
    let (price, source) = known(&regions.power_of("SG".parse().unwrap()));
    assert_eq!(price.to_string(), "$0.22/kWh");
    assert!(source.contains("not verified"), "{source}");
    assert!(!regions.power_of("TD".parse().unwrap()).is_known());
}

#[test]
fn every_cloud_of_the_table_has_places_and_most_have_coordinates() {
    let regions = Regions::builtin().unwrap();
    let of = |cloud: &str| {
        let rows = || {
            regions
                .known
                .iter()
                .filter(|((name, _), _)| name == cloud)
                .map(|(_, region)| region)
        };
        let placed = rows().filter(|region| region.coordinates.is_known());
        (rows().count(), placed.count())
    };
    assert_eq!(of("aws"), (39, 31));
    assert_eq!(of("azure"), (49, 49));
    assert_eq!(of("gcp"), (40, 39));
    assert_eq!(of("oci"), (54, 54));
    for region in regions.known.values() {
        let (jurisdiction, _) = known(&region.jurisdiction);
        if let Some(part) = &jurisdiction.part {
            assert!(part.starts_with(jurisdiction.country.code()), "{part}");
        }
        assert!(region.carbon.is_known(), "{jurisdiction}");
    }
}

#[test]
fn places_are_as_far_apart_as_maps_say() {
    let regions = Regions::builtin().unwrap();
    let at = |cloud: &str, region: &str| known(&regions.region(cloud, region).coordinates).0;
    let far = at("aws", "ap-southeast-1").distance(&at("aws", "eu-central-1"));
    assert!((10_200.0..10_330.0).contains(&far.get()), "{far}");
    let near = at("oci", "ap-singapore-1").distance(&at("azure", "southeastasia"));
    assert!(near.get() < 5.0, "{near}");
}
