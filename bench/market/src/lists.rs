//! Price lists of any length out of the three that the catalog holds.

use anyhow::Result;

/// One list: the cloud and its text.
pub struct List {
    /// The cloud.
    pub cloud: &'static str,
    /// CSV with the header of that cloud's list.
    pub text: Vec<u8>,
}

const SAMPLES: [(&str, &str); 3] = [
    (
        "hyperstack",
        include_str!("../../../catalog/skypilot/hyperstack/vms.csv"),
    ),
    (
        "nebius",
        include_str!("../../../catalog/skypilot/nebius/vms.csv"),
    ),
    (
        "verda",
        include_str!("../../../catalog/skypilot/verda/vms.csv"),
    ),
];
/// Regions of a list: half of the rows stand in their sample's own, the others in made-up ones, whose country nobody knows.
/// The columns and quotings are the samples' own.
const REGIONS: u64 = 25;
/// Sizes of each of a sample's machines.
const SIZES: u64 = 100;

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Three lists with `rows` rows in all. Each row is a sample's, under one of 100 names, in its own region or one of 25 made-up
/// ones, in one of 3 zones, at a price within a fifth of the sample's.
pub fn lists(rows: usize, seed: u64) -> Result<Vec<List>> {
    let mut random = Random(seed);
    let mut lists = Vec::new();
    for (at, (cloud, sample)) in SAMPLES.into_iter().enumerate() {
        let mut reader = csv::Reader::from_reader(sample.as_bytes());
        let header = reader.headers()?.clone();
        let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>()?;
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header.iter().chain(["AvailabilityZone"]))?;
        let share = rows / SAMPLES.len() + usize::from(at < rows % SAMPLES.len());
        for _ in 0..share {
            let record = &records[usize::try_from(random.next() % records.len() as u64)?];
            let (size, region, zone) = (
                random.next() % SIZES,
                random.next() % REGIONS,
                random.next() % 3,
            );
            let own = random.next() % 2 == 0;
            let factor = 0.8 + 0.4 * ((random.next() % 1000) as f64 / 1000.0);
            let cells = header.iter().zip(record).map(|(name, cell)| match name {
                "InstanceType" => format!("{cell}-s{size}"),
                "Region" if own => cell.to_owned(),
                "Region" => format!("{cell}-{region}"),
                "Price" | "SpotPrice" => cell
                    .parse::<f64>()
                    .map_or(String::new(), |price| format!("{:.4}", price * factor)),
                _ => cell.to_owned(),
            });
            let zone = format!("zone-{zone}");
            writer.write_record(cells.chain([zone]))?;
        }
        lists.push(List {
            cloud,
            text: writer.into_inner()?,
        });
    }
    Ok(lists)
}
