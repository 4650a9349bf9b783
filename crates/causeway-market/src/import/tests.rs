//! Price lists, good and bad.

use proptest::prelude::*;

use causeway_domain::{Bytes, Fact, UsdPerHour};
use rust_decimal::Decimal;

use super::*;
use crate::builtin;

const HEADER: &str = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region,AvailabilityZone,GpuInfo\n";

fn read(cloud: &str, bytes: &[u8]) -> Result<Import, MarketError> {
    let list = PriceList {
        cloud,
        file: "t.csv",
        bytes,
        date: None,
    };
    import_csv(
        &list,
        &Regions::builtin().unwrap(),
        &Dialects::builtin().unwrap(),
    )
}

fn import(rows: &str) -> Import {
    read("nebius", format!("{HEADER}{rows}").as_bytes()).unwrap()
}

fn bad(rows: &[BadRow]) -> Vec<(u64, u64, &str)> {
    rows.iter()
        .map(|row| (row.line, row.column, row.why.as_str()))
        .collect()
}

#[test]
fn the_three_lists_import_whole() {
    let mut counts = Vec::new();
    for (cloud, file, text) in builtin::PRICE_LISTS {
        let import = read(cloud, text.as_bytes()).unwrap();
        assert_eq!(import.bad, [], "{file}");
        assert_eq!(import.offers.len(), text.lines().count() - 1, "{file}");
        let gpus = import
            .offers
            .iter()
            .filter(|offer| offer.accelerator.is_some())
            .count();
        let spot = import
            .offers
            .iter()
            .filter(|offer| offer.spot.is_some())
            .count();
        let priced = import
            .offers
            .iter()
            .filter(|offer| offer.on_demand.is_some())
            .count();
        assert!(
            import.offers.iter().all(|offer| offer.country.is_known()
                && offer.vcpus.is_some()
                && offer.memory.is_some()),
            "{file}"
        );
        assert!(
            import
                .offers
                .iter()
                .all(|offer| offer.accelerator.is_some() == offer.accelerator_memory.is_some()),
            "{file}"
        );
        counts.push((cloud, import.offers.len(), gpus, priced, spot));
    }
    assert_eq!(
        counts,
        [
            ("hyperstack", 25, 25, 25, 0),
            ("nebius", 61, 21, 61, 8),
            ("verda", 33, 22, 28, 27)
        ]
    );
}

#[test]
fn both_quotings_of_gpu_info_are_read() {
    let rows = concat!(
        "a,H100,8,1,1,2,,eu-north1,,\"{'Gpus': [{'Name': 'H100', 'Manufacturer': None, 'Count': 8, 'MemoryInfo': {'SizeInMiB': 81920}}], 'TotalGpuMemoryInMiB': 655360}\"\n",
        "b,B300,1.0,1,1,2,,eu-north1,,\"{\"\"Gpus\"\": [{\"\"MemoryInfo\"\": {\"\"SizeInMiB\"\": 268288}}]}\"\n",
        "c,A40,1,1,1,2,,eu-north1,,{'SizeInMiB': 48}\n",
        "d,A40,1,1,1,2,,eu-north1,,nothing\n",
        "e,H100,1,1,1,2,,eu-north1,,\"{'gpus': [{'memoryinfo': {'sizeinmib': 81559}}]}\"\n",
    );
    let offers = import(rows).offers;
    let memory: Vec<_> = offers
        .iter()
        .map(|offer| offer.accelerator_memory.map(Bytes::get))
        .collect();
    assert_eq!(
        memory,
        [
            Some(81920 << 20),
            Some(268_288 << 20),
            Some(48_000_000_000),
            None,
            Some(81_559 << 20),
        ]
    );
    assert_eq!(offers[1].accelerator, Some(("B300".into(), 1)));
}

#[test]
fn empty_prices_zones_and_exponents() {
    let offers = import(
        "a,,0,4.0,16,,0.0098,eu-north1,eu-north1-a,\nb,,,4,16,1e-1,,elsewhere,,\nc,,,,,0,,,,\n",
    )
    .offers;
    assert_eq!(offers.len(), 3);
    assert_eq!(
        (
            offers[0].on_demand,
            offers[0].spot.unwrap().to_string().as_str()
        ),
        (None, "$0.009800/h")
    );
    assert_eq!(offers[0].zone.as_deref(), Some("eu-north1-a"));
    assert_eq!(offers[0].memory, Some(Bytes::gib(16)));
    assert_eq!(offers[1].on_demand.unwrap().get(), Decimal::new(1, 1));
    assert_eq!(
        *offers[1].country,
        Fact::unknown("the table of regions does not list this region of `nebius`")
    );
    assert_eq!(*offers[2].country, Fact::unknown("t.csv names no region"));
}

#[test]
fn bad_rows_are_left_out_with_line_column_and_reason() {
    let found = import(
        "a,,0,4,16,-1,,eu-north1,,\nb,,0,4,16,nan,,eu-north1,,\nc,H100,,4,16,1,,eu-north1,,\nd,H100,1.5,4,16,1,,eu-north1,,\n\"e\n\",H100,1,x,16,1,,eu-north1,,\ng,,0,4,16,1,,eu-north1,,\nh,,0,4\n,,,,,,,eu-north1,,\ni,,0,4,16,inf,,eu-north1,,\n",
    );
    assert_eq!(found.offers.len(), 1);
    assert_eq!(
        bad(&found.bad),
        [
            (2, 11, "`Price` is `-1`: it can't be negative"),
            (3, 11, "`Price` is `nan`: not a number"),
            (4, 8, "`AcceleratorCount` is empty beside `H100`"),
            (
                5,
                8,
                "`AcceleratorCount` is `1.5`: not a whole number of accelerators"
            ),
            (7, 10, "`vCPUs` is `x`: not a number"),
            (9, 1, "the row has 4 cells, the header 10"),
            (10, 1, "the row names neither a machine nor an accelerator"),
            (11, 11, "`Price` is `inf`: not a number"),
        ]
    );
    let error = found.whole("t.csv").unwrap_err();
    insta::assert_snapshot!(error, @r"
    t.csv:2:11: `Price` is `-1`: it can't be negative
    t.csv:3:11: `Price` is `nan`: not a number
    t.csv:4:8: `AcceleratorCount` is empty beside `H100`
    t.csv:5:8: `AcceleratorCount` is `1.5`: not a whole number of accelerators
    t.csv:7:10: `vCPUs` is `x`: not a number
    t.csv: 3 more such rows
    ");
}

#[test]
fn a_file_that_is_no_price_list_is_an_error() {
    let message = |bytes: &[u8]| read("c", bytes).unwrap_err().to_string();
    assert_eq!(
        message(b"InstanceType,Price\n"),
        "t.csv:1:1: the header has no column `AcceleratorName`, `AcceleratorCount`, `Region`; it has `InstanceType`, `Price`"
    );
    assert_eq!(
        message(b"InstanceType;Price\n1;2\n"),
        "t.csv:1:1: the header has no column `InstanceType`, `AcceleratorName`, `AcceleratorCount`, `Price`, `Region`; it has `InstanceType;Price`"
    );
    assert_eq!(message(b""), "t.csv:1: not a header: the file is empty");
    assert_eq!(
        message(b"\xff\xfeI\0"),
        "t.csv:1: not a header: the text is UTF-16, not UTF-8"
    );
    assert_eq!(
        message(b"Instance\xe9,Price\n"),
        "t.csv:1: not a header: column 9: not UTF-8: byte 0xe9 stands here"
    );
    assert!(message("x,".repeat(400_000).as_bytes()).len() < 1000);
    let marked = format!("\u{feff}{HEADER}");
    assert_eq!(read("c", marked.as_bytes()).unwrap(), Import::default());
}

#[test]
fn a_row_in_another_encoding_and_a_line_without_end_cost_themselves_alone() {
    let mut bytes = format!("{HEADER}a,,0,4,16,1,,eu-north1,,\n").into_bytes();
    bytes.extend(b"b,,0,4,16,1,,M\xfcnchen,,\n");
    bytes.extend(std::iter::repeat_n(b'9', 3 << 20));
    bytes.extend(b"\nc,,0,4,16,1,,eu-north1,,\n");
    let found = read("nebius", &bytes).unwrap();
    assert_eq!(found.offers.len(), 2);
    assert_eq!(
        bad(&found.bad),
        [
            (3, 15, "not UTF-8: byte 0xfc stands here"),
            (4, 1, "the line is longer than 1 MiB"),
        ]
    );
}

#[test]
fn reasons_are_kept_for_so_many_rows_and_the_rest_counted() {
    let rows = "x\n".repeat(MOST_BAD_ROWS + 7);
    let found = import(&rows);
    assert_eq!(
        (found.bad.len(), found.bad_rows),
        (MOST_BAD_ROWS, MOST_BAD_ROWS + 7)
    );
}

#[test]
fn a_share_of_a_card_is_no_offer_and_no_mistake() {
    let found = import("a,L4,0.5,4,16,1,,eu-north1,,\n");
    assert_eq!((found.shares_of_a_card, found.bad_rows), (1, 0));
    assert!(found.offers.is_empty());
}

#[test]
fn what_was_left_out_and_is_not_known_is_told() {
    let found = import("a,L4,0.5,4,16,1,,eu-north1,,\nb,,0,4,16,,,elsewhere,,\nc\n");
    assert_eq!(
        found.notes(),
        [
            "1 rows can't be read",
            "1 rows left out: a share of a card",
            "1 offers in regions whose country is not known",
            "1 offers without a price",
        ]
    );
}

#[test]
fn a_price_of_nothing_is_no_price() {
    let offers = import("a,H100,8,4,16,0.0,0,eu-north1,,\n").offers;
    assert_eq!((offers[0].on_demand, offers[0].spot), (None, None));
}

#[test]
fn zones_have_spot_prices_of_their_own() {
    let rows = "a,,0,4,16,2,0.5,r,r-a,\na,,0,4,16,2,0.7,r,r-b,\na,,0,4,16,2,,r,r-c,\n";
    let found = import(rows).offers;
    let zones: Vec<_> = found
        .iter()
        .map(|offer| {
            let spot = offer.spot.map(|price| price.to_string());
            (offer.zone.as_deref().unwrap(), spot)
        })
        .collect();
    assert_eq!(
        zones,
        [
            ("r-a", Some("$0.50/h".to_owned())),
            ("r-b", Some("$0.70/h".to_owned())),
            ("r-c", None)
        ]
    );
}

/// GCP: cards and machines are rows of their own, a row a zone.
#[test]
fn machines_and_their_accelerators_are_added_up() {
    let header = "InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,AvailabilityZone,Price,SpotPrice\n";
    let rows = concat!(
        "a2-highgpu-8g,96,680,,,,us-central1,us-central1-a,5.0,2.0\n",
        "a2-highgpu-8g,96,680,,,,us-central1,us-central1-b,5.0,\n",
        "n1-standard-8,8,30,,,,us-central1,us-central1-a,0.38,0.1\n",
        "a4-highgpu-8g,224,3968,,,,us-central1,us-central1-a,0,0\n",
        ",,,A100,8,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}\",us-central1,us-central1-a,20.0,9.5\n",
        ",,,T4,1,,us-central1,us-central1-a,0.35,0.1\n",
        ",,,B200,8,,us-central1,us-central1-a,80,\n",
        "TPU-VM,,,tpu-v6e-8,1,,us-central1,us-central1-a,21.6,\n",
        ",,,tpu-v5p-8,1,,us-central1,us-central1-a,16.8,\n",
    );
    let found = read("gcp", format!("{header}{rows}").as_bytes()).unwrap();
    let lines: Vec<String> = found
        .offers
        .iter()
        .map(|offer| {
            let price = |price: Option<UsdPerHour>| {
                price.map_or_else(|| "-".to_owned(), |price| price.get().to_string())
            };
            format!(
                "{} {:?} {} {}",
                offer.label(),
                offer.accelerator,
                price(offer.on_demand),
                price(offer.spot)
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    gcp/us-central1 a2-highgpu-8g Some(("A100", 8)) 25 11.5
    gcp/us-central1 n1-standard-8 None 0.38 0.1
    gcp/us-central1 a4-highgpu-8g Some(("B200", 8)) 80 -
    gcp/us-central1 TPU-VM Some(("tpu-v6e-8", 1)) 21.6 -
    gcp/us-central1 Some(("tpu-v5p-8", 1)) 16.8 -
    "#);
    assert_eq!(
        (
            found.parts_without_a_machine,
            found.machines_without_their_part
        ),
        (1, 1),
        "the T4, which goes into any machine; the zone without an A100"
    );
}

#[test]
fn memory_of_all_cards_is_divided_where_a_list_prints_that() {
    let header = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,HostingType\n";
    let row = "8x,H100,8,64,1024,\"{'Gpus': [{'Name': 'H100', 'MemoryInfo': {'SizeInMiB': 655360}}]}\",16,8,\"Sweden, SE, EU\",1\n";
    let found = read("vast", format!("{header}{row}").as_bytes()).unwrap();
    assert_eq!(
        found.offers[0].accelerator_memory,
        Some(Bytes::new(81920 << 20))
    );
    assert_eq!(found.offers[0].region.as_deref(), Some("Sweden, SE, EU"));
}

/// The header that each cloud's fetcher writes is read, and a row of it.
#[test]
fn every_dialect_is_read() {
    let table: serde_json::Value = serde_json::from_str(builtin::DIALECTS).unwrap();
    let clouds = table["clouds"].as_array().unwrap();
    assert!(clouds.len() >= 25);
    for entry in clouds {
        let cloud = entry["cloud"].as_str().unwrap();
        let columns = entry["columns"].as_str().unwrap();
        let cell = |name: &str| match name {
            "InstanceType" => "machine",
            "AcceleratorName" => "L40S",
            "AcceleratorCount" => "4.0",
            "vCPUs" => "64.0",
            "MemoryGiB" => "512",
            "Price" => "8.5",
            "Region" => "r",
            _ => "",
        };
        let row: Vec<&str> = columns.split(',').map(cell).collect();
        let text = format!("{columns}\n{}\n", row.join(","));
        let found = read(cloud, text.as_bytes())
            .unwrap()
            .whole("t.csv")
            .unwrap();
        assert_eq!(found.offers.len(), 1, "{cloud}");
        assert_eq!(found.offers[0].on_demand.unwrap().to_string(), "$8.50/h");
        assert_eq!(found.offers[0].memory, Some(Bytes::gib(512)), "{cloud}");
    }
}

#[test]
fn an_offer_survives_json() {
    for offer in import("a,H100,8,1,1,2.5,1,eu-north1,z,{'SizeInMiB': 81920}\nb,,,,,,,,,\n").offers
    {
        let text = serde_json::to_string(&offer).unwrap();
        assert_eq!(
            serde_json::from_str::<Offer>(&text).unwrap(),
            offer,
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_import_panic(text in "\\PC{0,200}|[\"',.\n0-9eE{}:-]{0,200}") {
        let _ = read("gcp", text.as_bytes());
        let import = read("gcp", format!("{HEADER}{text}").as_bytes()).unwrap();
        for offer in import.offers {
            prop_assert!(offer.on_demand.is_none_or(|price| price.get() > Decimal::ZERO));
            prop_assert!(offer.accelerator.is_none_or(|(_, count)| count > 0));
        }
    }

    #[test]
    fn the_order_of_columns_does_not_matter(order in Just(HEADER.trim_end().split(',').collect::<Vec<_>>()).prop_shuffle(), price in 0u32..100_000) {
        let cell = |name: &str| match name {
            "InstanceType" => "box".to_owned(),
            "AcceleratorName" => "H100".to_owned(),
            "AcceleratorCount" => "8.0".to_owned(),
            "Price" => format!("{price}"),
            "Region" => "eu-north1".to_owned(),
            "vCPUs" => "16".to_owned(),
            "MemoryGiB" => "200".to_owned(),
            _ => String::new(),
        };
        let row: Vec<String> = order.iter().map(|name| cell(name)).collect();
        let text = format!("{}\n{}\n", order.join(","), row.join(","));
        let import = read("nebius", text.as_bytes()).unwrap();
        prop_assert_eq!(import.bad_rows, 0);
        let offer = &import.offers[0];
        prop_assert_eq!(offer.on_demand.unwrap().get(), Decimal::from(price));
        prop_assert_eq!(&offer.accelerator, &Some(("H100".into(), 8)));
        prop_assert_eq!(offer.region.as_deref(), Some("eu-north1"));
    }
}
