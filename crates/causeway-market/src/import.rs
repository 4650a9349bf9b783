//! SkyPilot's price lists: CSV read by header name, because the order of columns differs by cloud.

use causeway_domain::{Bytes, Country, Date, Fact, UsdPerHour};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::{MarketError, Offer, OfferSource, Regions};

/// What an import gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    /// The offers, in the order of the file.
    pub offers: Vec<Offer>,
    /// Lines that were left out, and why. Lines count from 1; the header is line 1.
    pub skipped: Vec<(u64, String)>,
}

/// Reads one price list of SkyPilot (`vms.csv`).
///
/// `cloud` is the cloud's name (SkyPilot: the folder of the file), `file_name` what messages and sources call the file,
/// `date` the day of its prices. Rows with a price that is no amount, or an accelerator without a whole count, are left
/// out and reported; a row without any price is kept, because it still says what exists.
///
/// # Errors
/// [`MarketError::Header`] or [`MarketError::MissingColumn`] when the first line is not the header of a price list.
pub fn import_csv(
    cloud: &str,
    file_name: &str,
    text: &str,
    regions: &Regions,
    date: Option<Date>,
) -> Result<Import, MarketError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = |error: csv::Error| MarketError::Header {
        file: file_name.to_owned(),
        why: error.to_string(),
    };
    let columns = Columns::of(reader.headers().map_err(header)?, file_name)?;
    let mut import = Import::default();
    let mut row = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                import.skipped.push((line, error.to_string()));
                continue;
            }
        }
        let line = row.position().map_or(line, csv::Position::line);
        match columns.offer(&row, cloud, file_name, regions, date) {
            Ok(offer) => import.offers.push(offer),
            Err(why) => import.skipped.push((line, why)),
        }
    }
    Ok(import)
}

/// Where each column stands.
struct Columns {
    instance: usize,
    accelerator: usize,
    count: usize,
    price: usize,
    region: usize,
    spot: Option<usize>,
    vcpus: Option<usize>,
    memory: Option<usize>,
    gpu_info: Option<usize>,
    zone: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord, file: &str) -> Result<Self, MarketError> {
        let find = |name: &str| {
            header
                .iter()
                .position(|column| column.eq_ignore_ascii_case(name))
        };
        let need = |column: &'static str| {
            find(column).ok_or(MarketError::MissingColumn {
                file: file.to_owned(),
                column,
            })
        };
        Ok(Self {
            instance: need("InstanceType")?,
            accelerator: need("AcceleratorName")?,
            count: need("AcceleratorCount")?,
            price: need("Price")?,
            region: need("Region")?,
            spot: find("SpotPrice"),
            vcpus: find("vCPUs"),
            memory: find("MemoryGiB"),
            gpu_info: find("GpuInfo"),
            zone: find("AvailabilityZone"),
        })
    }

    fn offer(
        &self,
        row: &csv::StringRecord,
        cloud: &str,
        file: &str,
        regions: &Regions,
        date: Option<Date>,
    ) -> Result<Offer, String> {
        let cell = |index: usize| row.get(index).filter(|text| !text.is_empty());
        let maybe = |index: Option<usize>| index.and_then(cell);
        let region = cell(self.region).map(str::to_owned);
        let country: Fact<Country> = region.as_deref().map_or_else(
            || Fact::unknown(format!("{file} names no region")),
            |region| regions.country(cloud, region),
        );
        let accelerator = match cell(self.accelerator) {
            Some(name) => Some((name.to_owned(), count(cell(self.count), name)?)),
            None => None,
        };
        Ok(Offer {
            provider: cloud.to_owned(),
            source: OfferSource::Catalog {
                file: file.to_owned(),
                date,
            },
            instance_type: cell(self.instance).map(str::to_owned),
            accelerator_memory: accelerator
                .as_ref()
                .and_then(|_| maybe(self.gpu_info))
                .and_then(gpu_memory),
            accelerator,
            vcpus: maybe(self.vcpus)
                .map(|text| amount("vCPUs", text))
                .transpose()?,
            memory: maybe(self.memory).map(gib).transpose()?,
            on_demand: cell(self.price)
                .map(|text| amount("Price", text))
                .transpose()?
                .map(UsdPerHour::new),
            spot: maybe(self.spot)
                .map(|text| amount("SpotPrice", text))
                .transpose()?
                .map(UsdPerHour::new),
            region,
            zone: maybe(self.zone).map(str::to_owned),
            country,
        })
    }
}

/// A number that is not negative; `1e-3` as well as `0.001`. `nan` and `inf` are no amounts.
fn amount(column: &str, text: &str) -> Result<Decimal, String> {
    let number = text
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(text));
    match number {
        Ok(number) if number.is_zero() => Ok(Decimal::ZERO),
        Ok(number) if number.is_sign_positive() => Ok(number.normalize()),
        Ok(_) => Err(format!("`{column}` is `{text}`: it can't be negative")),
        Err(_) => Err(format!("`{column}` is `{text}`: not a number")),
    }
}

/// `8`, `8.0`: both are seen. A share of a card (`0.5`) is no offer for training.
fn count(text: Option<&str>, name: &str) -> Result<u32, String> {
    let Some(text) = text else {
        return Err(format!("`AcceleratorCount` is empty beside `{name}`"));
    };
    let number = amount("AcceleratorCount", text)?;
    let whole = number
        .is_integer()
        .then(|| number.to_u32())
        .flatten()
        .filter(|count| *count > 0);
    whole.ok_or_else(|| {
        format!("`AcceleratorCount` is `{text}`: not a whole number of accelerators")
    })
}

fn gib(text: &str) -> Result<Bytes, String> {
    let bytes = amount("MemoryGiB", text)?
        .checked_mul(Decimal::from(1u64 << 30))
        .and_then(|bytes| bytes.round().to_u64());
    bytes
        .map(Bytes::new)
        .ok_or_else(|| format!("`MemoryGiB` is `{text}`: too large"))
}

/// Memory of one card out of a `GpuInfo` cell: `{'Gpus': [{..., 'MemoryInfo': {'SizeInMiB': 81920}}]}` in Python's
/// quoting or JSON's. Only this number is wanted, so it is looked for and nothing else is parsed.
///
/// RunPod's list prints GB under that name (80 for an 80 GB card); no card has less than 1 GiB. The total beside it is
/// not used: Lambda's list does not multiply it by the count.
fn gpu_memory(text: &str) -> Option<Bytes> {
    let (_, rest) = text.split_once("SizeInMiB")?;
    let rest = rest
        .trim_start_matches(['\'', '"'])
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    match digits.parse::<u64>().ok()? {
        0 => None,
        gb @ 1..1024 => Some(Bytes::new(gb * 1_000_000_000)),
        mib => mib.checked_mul(1 << 20).map(Bytes::new),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::builtin;

    const HEADER: &str = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region,AvailabilityZone,GpuInfo\n";

    fn import(rows: &str) -> Import {
        import_csv(
            "nebius",
            "t.csv",
            &format!("{HEADER}{rows}"),
            &Regions::builtin().unwrap(),
            None,
        )
        .unwrap()
    }

    #[test]
    fn the_three_lists_import_whole() {
        let regions = Regions::builtin().unwrap();
        let mut counts = Vec::new();
        for (cloud, file, text) in builtin::PRICE_LISTS {
            let import =
                import_csv(cloud, file, text, &regions, Some(builtin::PRICES_READ)).unwrap();
            assert_eq!(import.skipped, [], "{file}");
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
                None
            ]
        );
        assert_eq!(offers[1].accelerator, Some(("B300".to_owned(), 1)));
    }

    #[test]
    fn empty_prices_zones_and_exponents() {
        let offers = import(
            "a,,0,4.0,16,,0.0098,eu-north1,eu-north1-a,\nb,,,4,16,1e-1,,elsewhere,,\nc,,,,,,,,,\n",
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
            offers[1].country,
            Fact::unknown("the table of regions does not list region `elsewhere` of `nebius`")
        );
        assert_eq!(offers[2].country, Fact::unknown("t.csv names no region"));
    }

    #[test]
    fn bad_rows_are_left_out_with_line_and_reason() {
        let found = import(
            "a,,0,4,16,-1,,eu-north1,,\nb,,0,4,16,nan,,eu-north1,,\nc,H100,,4,16,1,,eu-north1,,\nd,H100,0.5,4,16,1,,eu-north1,,\n\"e\n\",H100,1,x,16,1,,eu-north1,,\ng,,0,4,16,1,,eu-north1,,\n",
        );
        assert_eq!(found.offers.len(), 1);
        assert_eq!(
            found.skipped,
            [
                (2, "`Price` is `-1`: it can't be negative".to_owned()),
                (3, "`Price` is `nan`: not a number".to_owned()),
                (4, "`AcceleratorCount` is empty beside `H100`".to_owned()),
                (
                    5,
                    "`AcceleratorCount` is `0.5`: not a whole number of accelerators".to_owned()
                ),
                (6, "`vCPUs` is `x`: not a number".to_owned()),
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_price_list_is_an_error() {
        let regions = Regions::default();
        let error = import_csv("c", "t.csv", "InstanceType,Price\n", &regions, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: the header has no column `AcceleratorName`"
        );
        assert!(import_csv("c", "t.csv", "", &regions, None).is_err());
        let marked = format!("\u{feff}{HEADER}");
        assert_eq!(
            import_csv("c", "t.csv", &marked, &regions, None).unwrap(),
            Import::default()
        );
    }

    #[test]
    fn an_offer_survives_json() {
        for offer in
            import("a,H100,8,1,1,2.5,1,eu-north1,z,{'SizeInMiB': 81920}\nb,,,,,,,,,\n").offers
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
            let regions = Regions::default();
            let _ = import_csv("c", "t.csv", &text, &regions, None);
            let import = import_csv("c", "t.csv", &format!("{HEADER}{text}"), &regions, None).unwrap();
            for offer in import.offers {
                prop_assert!(offer.on_demand.is_none_or(|price| price.get() >= Decimal::ZERO));
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
            let import = import_csv("nebius", "t.csv", &text, &Regions::default(), None).unwrap();
            prop_assert_eq!(import.skipped.len(), 0);
            let offer = &import.offers[0];
            prop_assert_eq!(offer.on_demand.unwrap().get(), Decimal::from(price));
            prop_assert_eq!(&offer.accelerator, &Some(("H100".to_owned(), 8)));
            prop_assert_eq!(offer.region.as_deref(), Some("eu-north1"));
        }
    }
}
