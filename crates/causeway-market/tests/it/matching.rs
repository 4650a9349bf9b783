//! Requests against the built-in market.

use causeway_domain::{Bytes, Country, Fact, UsdPerHour};
use causeway_market::{
    CpuNeed, Infra, Market, Match, MemoryNeed, Offer, OfferSource, PriceKind, Read, Request,
    Shortfall,
};
use rust_decimal::Decimal;

fn market() -> Market {
    Market::builtin().unwrap()
}

fn gpus(wanted: &[(&str, u32)]) -> Request {
    Request {
        accelerators: wanted
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
        ..Request::default()
    }
}

fn infra(cloud: Option<&str>, region: Option<&str>) -> Option<Infra> {
    Some(Infra {
        cloud: cloud.map(str::to_owned),
        region: region.map(str::to_owned),
        zone: None,
    })
}

/// One line a match: label, price, how it falls short.
fn lines(matches: &[Match<'_>]) -> Vec<String> {
    let price = |found: &Match<'_>| {
        found
            .price
            .map_or_else(|| "-".to_owned(), |price| price.to_string())
    };
    let short = |found: &Match<'_>| {
        found
            .shortfalls
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    matches
        .iter()
        .map(|found| {
            format!("{} {} {}", found.offer.label(), price(found), short(found))
                .trim_end()
                .to_owned()
        })
        .collect()
}

fn usd(text: &str) -> UsdPerHour {
    text.parse().unwrap()
}

fn site(price: Option<&str>) -> Offer {
    let read = Read {
        file: "causeway.yaml".into(),
        date: None,
    };
    let country = Fact::stated("MY".parse::<Country>().unwrap(), "causeway.yaml");
    Offer {
        vcpus: Some(Decimal::from(2)),
        on_demand: price.map(usd),
        ..Offer::bare(
            "straits-compute",
            OfferSource::Site("johor-1".parse().unwrap()),
            read.into(),
            country.into(),
        )
    }
}

#[test]
fn the_catalog_is_whole_and_every_accelerator_in_it_is_known() {
    let market = market();
    assert_eq!(market.len(), 25 + 61 + 33);
    for offer in market.offers() {
        assert_eq!(
            market.accelerator_of(offer).is_some(),
            offer.accelerator.is_some(),
            "{}",
            offer.label()
        );
    }
    let v100 = market
        .offers()
        .find(|offer| offer.instance_type.as_deref() == Some("1V100.6V"))
        .unwrap();
    assert_eq!(market.accelerator_of(v100).unwrap().name, "V100-SXM2-16GB");
}

#[test]
fn eight_h100_are_found_under_every_name_and_other_counts_say_so() {
    let market = market();
    let matches = market.matching(&gpus(&[("H100", 8)]));
    insta::assert_snapshot!(lines(&matches).join("\n"), @"
    hyperstack/CANADA-1 n3-H100-SXM5x8 $19.20/h
    hyperstack/US-1 n3-H100-SXM5x8 $19.20/h
    nebius/eu-north1 gpu-h100-sxm_8gpu-128vcpu-1600gb $23.60/h
    verda/FIN-02 1H100.80S.32V $2.29/h has 1 accelerator, the task asks for 8
    nebius/eu-north1 gpu-h100-sxm_1gpu-16vcpu-200gb $2.95/h has 1 accelerator, the task asks for 8
    ");
    let pcie = market.matching(&gpus(&[("H100-80G-PCIe", 8)]));
    assert_eq!(lines(&pcie)[0], "hyperstack/CANADA-1 n3-H100x8 $15.20/h");
    assert!(
        pcie.iter()
            .all(|found| found.accelerator.unwrap().legal_id.as_deref() == Some("h100-pcie"))
    );
}

#[test]
fn spot_is_a_price_of_its_own() {
    let market = market();
    let spot = market.matching(&Request {
        use_spot: Some(true),
        ..gpus(&[("H100", 8)])
    });
    assert_eq!(spot[0].kind, PriceKind::Spot);
    assert_eq!(
        lines(&spot)[0],
        "nebius/eu-north1 gpu-h100-sxm_8gpu-128vcpu-1600gb $10.00/h"
    );
    assert!(spot.iter().any(|found| found.shortfalls
        == [Shortfall::NotSold {
            kind: PriceKind::Spot
        }]));
    let on_demand = market.matching(&gpus(&[("B200", 2)]));
    assert!(on_demand.iter().any(|found| found.shortfalls
        == [Shortfall::NotSold {
            kind: PriceKind::OnDemand
        }]));
}

#[test]
fn a_limit_of_price_keeps_the_dearer_listed() {
    let market = market();
    let capped = market.matching(&Request {
        max_hourly_cost: Some(usd("20")),
        ..gpus(&[("H100", 8)])
    });
    assert_eq!(capped.len(), market.matching(&gpus(&[("H100", 8)])).len());
    assert_eq!(capped.iter().filter(|found| found.answers()).count(), 2);
    assert!(lines(&capped).contains(&"nebius/eu-north1 gpu-h100-sxm_8gpu-128vcpu-1600gb $23.60/h costs $23.60/h, $3.60/h above the limit of $20.00/h".to_owned()));
    let exact = market.matching(&Request {
        max_hourly_cost: Some(usd("19.20")),
        ..gpus(&[("H100", 8)])
    });
    assert!(
        exact[0].answers(),
        "a price equal to the limit is within it"
    );
}

#[test]
fn an_order_of_preference_outranks_the_price_and_a_set_does_not() {
    let market = market();
    let wanted = [("H200", 8), ("H100", 8)];
    let set = market.matching(&gpus(&wanted));
    assert_eq!(set[0].price, Some(usd("19.20")));
    let ordered = market.matching(&Request {
        ordered: true,
        ..gpus(&wanted)
    });
    assert_eq!(ordered[0].price, Some(usd("28.00")));
    let answers = |matches: &[Match<'_>]| matches.iter().filter(|found| found.answers()).count();
    assert_eq!(answers(&set), answers(&ordered));
}

#[test]
fn alternatives_are_laid_over_the_request() {
    let market = market();
    let request = Request {
        any_of: vec![
            Request {
                infra: infra(Some("verda"), None),
                ..gpus(&[("A100-80GB", 1)])
            },
            Request {
                infra: infra(Some("hyperstack"), None),
                use_spot: Some(true),
                ..Request::default()
            },
            Request {
                infra: infra(Some("nebius"), Some("*")),
                ..Request::default()
            },
        ],
        ..gpus(&[("H100", 1)])
    };
    let matches = market.matching(&request);
    let answers: Vec<String> = lines(&matches)
        .into_iter()
        .zip(&matches)
        .filter(|(_, found)| found.answers())
        .map(|(line, _)| line)
        .collect();
    assert_eq!(
        answers,
        [
            "verda/FIN-01 1A100.22V $1.29/h",
            "verda/FIN-03 1A100.22V $1.29/h",
            "nebius/eu-north1 gpu-h100-sxm_1gpu-16vcpu-200gb $2.95/h"
        ]
    );
    let twice = Request {
        any_of: vec![gpus(&[("H100", 1)]), gpus(&[("H100", 8)])],
        ..Request::default()
    };
    let matches = market.matching(&twice);
    let labels: std::collections::BTreeSet<_> =
        matches.iter().map(|found| found.offer.label()).collect();
    assert_eq!(
        labels.len(),
        matches.len(),
        "an offer is listed once, by the alternative that it answers best"
    );
    assert!(matches.iter().all(Match::answers));
}

#[test]
fn a_cpu_job_asks_for_cpus_and_memory() {
    let market = market();
    let request = Request {
        cpus: Some(CpuNeed::AtLeast(Decimal::from(8))),
        memory: Some(MemoryNeed::AtLeast(Bytes::gib(32))),
        ..Request::default()
    };
    let matches = market.matching(&request);
    assert_eq!(
        (matches[0].offer.label().as_str(), matches[0].price),
        ("verda/FIN-01 CPU.8V.32G", Some(usd("0.0558")))
    );
    assert!(
        matches
            .iter()
            .all(|found| found.offer.accelerator.is_none())
    );
    assert_eq!(matches.iter().filter(|found| !found.answers()).count(), 8);
    assert_eq!(
        lines(&matches).last().unwrap().split_once("/h ").unwrap().1,
        "has 4 CPUs, the task asks for at least 8; has 16 GiB of memory, the task asks for at least 32 GiB"
    );
    let exact = market.matching(&Request {
        cpus: Some(CpuNeed::Exactly(Decimal::from(80))),
        ..Request::default()
    });
    assert_eq!(exact.iter().filter(|found| found.answers()).count(), 1);
    let ratio = market.matching(&Request {
        memory: Some(MemoryNeed::PerCpu(Decimal::from(5))),
        ..Request::default()
    });
    assert!(
        ratio.iter().all(|found| !found.answers()),
        "all of these have 4 GiB a CPU"
    );
}

#[test]
fn each_site_is_answered_for() {
    let market = market().with_offers([site(None)]);
    let cpu = market.matching(&Request::default());
    let own = cpu
        .iter()
        .find(|found| matches!(found.offer.source, OfferSource::Site(_)))
        .unwrap();
    assert!(own.answers());
    assert_eq!(
        (own.price, own.doubts.as_slice()),
        (None, ["the site states no price".to_owned()].as_slice())
    );
    assert!(
        std::ptr::eq(
            cpu.iter().rfind(|found| found.answers()).unwrap().offer,
            own.offer
        ),
        "an unknown price comes after every known one"
    );

    let gpu = market.matching(&gpus(&[("H100", 8)]));
    let own = gpu
        .iter()
        .find(|found| matches!(found.offer.source, OfferSource::Site(_)))
        .unwrap();
    assert_eq!(
        own.shortfalls[0].to_string(),
        "has no accelerator, the task asks for H100:8"
    );

    let memory = market.matching(&Request {
        memory: Some(MemoryNeed::AtLeast(Bytes::gib(4))),
        infra: infra(Some("johor-1"), None),
        ..Request::default()
    });
    assert_eq!(memory.len(), 1);
    assert!(
        memory[0]
            .doubts
            .contains(&"the memory is not stated; the task asks for some".to_owned())
    );
    for (cloud, region, found) in [
        ("ssh", Some("johor-1"), 1),
        ("ssh", Some("other"), 0),
        ("straits-compute", None, 1),
        ("nebius", Some("eu-west1"), 12),
        ("aws", None, 0),
    ] {
        let request = Request {
            infra: infra(Some(cloud), region),
            ..Request::default()
        };
        assert_eq!(market.matching(&request).len(), found, "{cloud} {region:?}");
    }
}

#[test]
fn a_machine_can_be_asked_for_by_name() {
    let market = market();
    let request = Request {
        instance_type: Some("gpu-h200-sxm_8gpu-128vcpu-1600gb".to_owned()),
        ..Request::default()
    };
    assert_eq!(market.matching(&request).len(), 3);
}

#[test]
fn offers_are_listed_by_accelerator_and_country() {
    let market = market();
    let count = |name: Option<&str>, country: Option<&str>| {
        let country = country.map(|code| code.parse::<Country>().unwrap());
        market.listed(name, country).map(|offers| offers.len())
    };
    assert_eq!(count(None, None).unwrap(), market.len());
    assert_eq!(count(Some("H100-SXM"), None), count(Some("h100"), None));
    assert!(count(Some("H100"), Some("FI")).unwrap() >= 2);
    assert_eq!(
        count(Some("Ascend910B"), None).unwrap(),
        0,
        "known, and not sold"
    );
    let error = count(Some("H10O"), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no offer and no table knows the accelerator `H10O`"
    );
    assert!(format!("{error:?}").contains("did you mean `H100`?"));
}

#[test]
fn a_name_that_a_cloud_uses_for_another_part_is_that_part() {
    let read = |cloud: &str| Read {
        file: format!("{cloud}.csv").into(),
        date: None,
    };
    let offer = |cloud: &str, name: &str, instance: &str| Offer {
        accelerator: Some((name.into(), 8)),
        instance_type: Some(instance.into()),
        on_demand: Some(usd("20")),
        ..Offer::bare(
            cloud,
            OfferSource::Catalog,
            read(cloud).into(),
            Fact::unknown("not listed").into(),
        )
    };
    let market = Market::empty().unwrap().with_offers([
        offer("runpod", "H100", "8x_H100_SECURE"),
        offer("shadeform", "H100", "hyperstack_H100"),
        offer("vast", "H100", "8x-H100_SXM-32-65536"),
        offer("vast", "A100", "8x-A100_SXM4-32-65536"),
        offer("azure", "H100", "Standard_ND96isr_H100_v5"),
        offer("azure", "H100", "Standard_NC80adis_H100_v5"),
    ]);
    let parts: Vec<_> = market
        .offers()
        .map(|offer| market.accelerator_of(offer).map(|part| part.name.as_str()))
        .collect();
    assert_eq!(
        parts,
        [
            Some("H100-PCIe-80GB"),
            None,
            Some("H100-SXM-80GB"),
            None,
            Some("H100-SXM-80GB"),
            None
        ],
        "of 40 or 80 GB, and the list does not say which, is unlisted"
    );
    // As SkyPilot: the name asked for is the name sold, whatever the part.
    assert_eq!(market.matching(&gpus(&[("H100", 8)])).len(), 5);
    let pcie = market.matching(&gpus(&[("H100-80G-PCIe", 8)]));
    assert_eq!(lines(&pcie), ["runpod 8x_H100_SECURE $20.00/h"]);
}
