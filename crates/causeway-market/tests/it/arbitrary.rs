//! Offers and requests of few words, so that they meet.

use std::sync::Arc;

use causeway_domain::{
    BitsPerSecond, Bytes, Country, Date, Fact, Hours, Source, Usd, UsdPerHour, Watts,
};
use causeway_market::{
    CostBasis, CpuNeed, Infra, Least, MemoryNeed, Offer, OfferSource, OwnedCost, Read, Request,
    Sourced, Term,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Arc<str>> {
    select(words).prop_map(Arc::from)
}

fn price() -> impl Strategy<Value = UsdPerHour> {
    (1i64..400, 0u32..3).prop_map(|(units, scale)| UsdPerHour::new(Decimal::new(units, scale)))
}

fn source() -> impl Strategy<Value = Source> {
    (select(&["invoice", "meter"][..]), option::of(0i16..3)).prop_map(|(by, day)| Source {
        by: by.to_owned(),
        evidence: day.map(|day| format!("page {day}")),
        on: day.map(|day| Date::new(2026, 1, 1 + i8::try_from(day).unwrap()).unwrap()),
    })
}

fn sourced<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Sourced<T>> {
    (value, source()).prop_map(|(value, source)| Sourced { value, source })
}

fn owned() -> impl Strategy<Value = CostBasis> {
    (
        sourced((1i64..400_000).prop_map(Usd::new)),
        sourced(1u32..80),
        sourced((0u32..20_000).prop_map(|watts| Watts::new(f64::from(watts)))),
        sourced(select(&["0.1", "0.085"][..]).prop_map(|text| text.parse().unwrap())),
        sourced((100i64..200).prop_map(|pue| Decimal::new(pue, 2))),
        sourced(price()),
    )
        .prop_map(
            |(hardware, months_of_use, power, price_of_power, pue, staff)| {
                CostBasis::Owned(Arc::new(OwnedCost {
                    hardware,
                    months_of_use,
                    power,
                    price_of_power,
                    pue,
                    staff,
                }))
            },
        )
}

fn term() -> impl Strategy<Value = Term> {
    let reserved =
        (1u32..37, 0i64..9000, price()).prop_map(|(months, upfront, hourly)| Term::Reserved {
            months,
            upfront: Usd::new(upfront),
            hourly,
        });
    let least = prop_oneof![
        (1i64..9000).prop_map(|usd| Least::Spend(Usd::new(usd))),
        (1u32..9000).prop_map(|hours| Least::Hours(Hours::new(f64::from(hours)))),
    ];
    let committed =
        (1u32..37, price(), least).prop_map(|(months, hourly, least)| Term::Committed {
            months,
            hourly,
            least,
        });
    prop_oneof![reserved, committed]
}

/// An offer.
pub(crate) fn offer() -> impl Strategy<Value = Offer> {
    let site = select(&["johor-1", "oslo-2"][..]);
    let source = prop_oneof![
        6 => Just(OfferSource::Catalog),
        2 => Just(OfferSource::File),
        1 => site.prop_map(|site| OfferSource::Site(site.parse().unwrap())),
    ];
    let read = (word(&["a.csv", "b.csv"]), option::of(1i8..28)).prop_map(|(file, day)| {
        Arc::new(Read {
            file,
            date: day.map(|day| Date::new(2026, 10, day).unwrap()),
        })
    });
    let country = prop_oneof![
        select(&["MY", "NO", "US"][..]).prop_map(|code| Fact::Known(
            code.parse::<Country>().unwrap(),
            Source::named("regions.json")
        )),
        Just(Fact::unknown("not listed")),
    ];
    let names = word(&["H100", "h100-80g-sxm5", "A100", "L4", "Nobody-9000"]);
    let machine = (
        option::of(word(&["m1", "m2", "m3"])),
        option::weighted(0.8, (names, select(&[1u32, 8][..]))),
        option::of(select(&[40u64, 80][..]).prop_map(|gb| Bytes::new(gb * 1_000_000_000))),
        option::of(select(&[4u32, 8, 96][..]).prop_map(Decimal::from)),
        option::of(select(&[16u64, 64][..]).prop_map(Bytes::gib)),
        option::of(select(&[1e11, 4e11][..]).prop_map(BitsPerSecond::new)),
        option::of(1u32..3),
    );
    let money = (
        option::of(price()),
        option::of(price()),
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(term(), 1..3)],
        prop_oneof![6 => Just(CostBasis::Rented), 1 => owned()],
    );
    let place = (
        word(&["aws", "nebius", "verda"]),
        option::of(word(&["r1", "r2"])),
        option::of(word(&["a", "b"])),
        country,
    );
    (source, read, machine, money, place).prop_map(|(source, read, machine, money, place)| {
        let (instance_type, accelerator, accelerator_memory, vcpus, memory, scale_out, quota) =
            machine;
        let (on_demand, spot, terms, cost_basis) = money;
        let (provider, region, zone, country) = place;
        Offer {
            instance_type,
            accelerator_memory: accelerator_memory.filter(|_| accelerator.is_some()),
            accelerator,
            vcpus,
            memory,
            scale_out,
            quota,
            on_demand,
            spot,
            terms: terms.into(),
            cost_basis,
            region,
            zone,
            ..Offer::bare(provider, source, read, Arc::new(country))
        }
    })
}

fn one_request() -> impl Strategy<Value = Request> {
    let names = select(&["H100", "H100-SXM", "A100-80GB", "l4", "nobody-9000"][..]);
    let accelerators = prop::collection::vec(
        (names.prop_map(str::to_owned), select(&[1u32, 8][..])),
        0..3,
    );
    let cpus = prop_oneof![
        Just(CpuNeed::Exactly(Decimal::from(8))),
        Just(CpuNeed::AtLeast(Decimal::from(8))),
    ];
    let memory = prop_oneof![
        Just(MemoryNeed::Exactly(Bytes::gib(64))),
        Just(MemoryNeed::AtLeast(Bytes::gib(64))),
        Just(MemoryNeed::PerCpu(Decimal::from(4))),
    ];
    let infra = (
        option::of(select(&["aws", "NEBIUS", "johor-1", "ssh", "*"][..])),
        option::of(select(&["r1", "r2", "johor-1"][..])),
        option::weighted(0.1, Just("a")),
    )
        .prop_map(|(cloud, region, zone)| Infra {
            cloud: cloud.map(str::to_owned),
            region: region.map(str::to_owned),
            zone: zone.map(str::to_owned),
        });
    (
        accelerators,
        any::<bool>(),
        option::weighted(0.3, cpus),
        option::weighted(0.3, memory),
        option::of(any::<bool>()),
        option::weighted(0.3, infra),
        option::weighted(0.2, select(&["m1", "m2"][..])),
        option::weighted(0.3, price()),
    )
        .prop_map(
            |(accelerators, ordered, cpus, memory, use_spot, infra, instance, cap)| Request {
                accelerators,
                ordered,
                cpus,
                memory,
                use_spot,
                infra,
                instance_type: instance.map(str::to_owned),
                max_hourly_cost: cap,
                any_of: Vec::new(),
            },
        )
}

/// A request, with and without alternatives.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    (one_request(), prop::collection::vec(one_request(), 0..3))
        .prop_map(|(base, any_of)| Request { any_of, ..base })
}
