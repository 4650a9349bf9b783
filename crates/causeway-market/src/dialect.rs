//! How price lists differ by cloud: names of columns, what a cloud means by an accelerator's name, rows that are added up.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{MarketError, table};

/// The table of dialects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dialects {
    /// Plain form of an alias to our name of the column.
    columns: BTreeMap<String, String>,
    clouds: BTreeMap<String, Cloud>,
    /// Lower-case cloud and name to what they mean, the first that fits.
    parts: BTreeMap<(String, String), Vec<Meaning>>,
}

/// What one cloud's list does differently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cloud {
    /// `SizeInMiB` is the memory of all cards of a machine.
    pub(crate) memory_is_total: bool,
    /// Machine to the accelerators that it always has: lower-case name as the list has it, and number.
    pub(crate) hosts: BTreeMap<String, (String, u32)>,
    /// Beginnings of names of accelerators whose row has the price of the whole machine.
    pub(crate) whole: Vec<String>,
}

impl Cloud {
    /// Whether accelerators are rows of their own, to be added to a machine's.
    pub(crate) fn adds_up(&self) -> bool {
        !self.hosts.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    /// Which machines: `Standard_NC*`, `*pcie*`; all when absent.
    instance: Option<String>,
    /// The part; several where memory tells them apart; none where the name does not settle it.
    parts: Vec<String>,
}

impl Dialects {
    /// The table built into the program (`catalog/dialects.json`).
    ///
    /// # Errors
    /// [`MarketError`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, MarketError> {
        Self::from_json("catalog/dialects.json", crate::builtin::DIALECTS)
    }

    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages.
    ///
    /// # Errors
    /// [`MarketError`] when the text is not such a table.
    pub fn from_json(file: &str, text: &str) -> Result<Self, MarketError> {
        let raw: RawDialects = table::read(file, text, "causeway/dialects/1")?;
        let mut dialects = Self::default();
        for (column, aliases) in raw.columns {
            for alias in aliases {
                dialects.columns.insert(plain(&alias), column.clone());
            }
            dialects.columns.insert(plain(&column), column);
        }
        for cloud in raw.clouds {
            let hosts = cloud.hosts.into_iter().flat_map(|(name, by_count)| {
                by_count.into_iter().flat_map(move |(count, machines)| {
                    let name = name.to_lowercase();
                    machines
                        .into_iter()
                        .map(move |machine| (machine, (name.clone(), count)))
                })
            });
            let entry = Cloud {
                memory_is_total: cloud.gpu_memory == GpuMemory::Total,
                hosts: hosts.collect(),
                whole: cloud.whole,
            };
            dialects.clouds.insert(cloud.cloud.to_lowercase(), entry);
        }
        for entry in raw.accelerators {
            dialects
                .parts
                .entry((entry.cloud.to_lowercase(), entry.name.to_lowercase()))
                .or_default()
                .push(Meaning {
                    instance: entry.instance.map(|pattern| pattern.to_lowercase()),
                    parts: entry.part.into_iter().chain(entry.parts).collect(),
                });
        }
        Ok(dialects)
    }

    /// Our name of a column by its header: case, blanks, `_` and `-` do not count.
    pub(crate) fn column(&self, header: &str) -> Option<&str> {
        self.columns.get(&plain(header)).map(String::as_str)
    }

    pub(crate) fn cloud(&self, cloud: &str) -> Cloud {
        self.clouds
            .get(&cloud.to_lowercase())
            .cloned()
            .unwrap_or_default()
    }

    /// What a cloud means by an accelerator's name: `None` when the table says nothing of it; the part, or several that the
    /// memory of a card tells apart; an empty list when the name does not settle the part.
    #[must_use]
    pub fn meant(&self, cloud: &str, name: &str, instance: Option<&str>) -> Option<&[String]> {
        let meanings = self
            .parts
            .get(&(cloud.to_lowercase(), name.to_lowercase()))?;
        let instance = instance.unwrap_or_default().to_lowercase();
        meanings
            .iter()
            .find(|meaning| {
                meaning
                    .instance
                    .as_ref()
                    .is_none_or(|pattern| fits(pattern, &instance))
            })
            .map(|meaning| meaning.parts.as_slice())
    }

    /// Every part that the table names, for a check against the table of accelerators.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts
            .values()
            .flatten()
            .flat_map(|meaning| meaning.parts.iter().map(String::as_str))
    }
}

/// `*` at either end stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let inner = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => text.contains(inner),
        (true, false) => text.ends_with(inner),
        (false, true) => text.starts_with(inner),
        (false, false) => text == inner,
    }
}

/// A header without case, blanks, `_` and `-`.
fn plain(header: &str) -> String {
    header
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[derive(Deserialize)]
struct RawDialects {
    columns: BTreeMap<String, Vec<String>>,
    clouds: Vec<RawCloud>,
    accelerators: Vec<RawName>,
}

#[derive(Deserialize)]
struct RawCloud {
    cloud: String,
    #[serde(default)]
    gpu_memory: GpuMemory,
    #[serde(default)]
    hosts: BTreeMap<String, BTreeMap<u32, Vec<String>>>,
    #[serde(default)]
    whole: Vec<String>,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum GpuMemory {
    #[default]
    Card,
    Total,
}

#[derive(Deserialize)]
struct RawName {
    cloud: String,
    name: String,
    instance: Option<String>,
    part: Option<String>,
    #[serde(default)]
    parts: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Accelerators;

    #[test]
    fn a_cloud_may_mean_another_part_or_leave_it_open() {
        let dialects = Dialects::builtin().unwrap();
        let meant = |cloud, name, instance| {
            dialects
                .meant(cloud, name, instance)
                .map(|parts| parts.join(" or "))
        };
        let known = |parts: &str| Some(parts.to_owned());
        assert_eq!(meant("RunPod", "h100", None), known("H100-PCIe-80GB"));
        assert_eq!(meant("nebius", "H100", None), None);
        assert_eq!(meant("shadeform", "H100", Some("x")), known(""));
        assert_eq!(
            meant("vast", "H100", Some("8x-H100_NVL-32-65536")),
            known("H100-NVL-94GB")
        );
        assert_eq!(
            meant("vast", "A100", Some("1x-A100_SXM4-32-65536")),
            known("A100-SXM-40GB or A100-SXM-80GB")
        );
        assert_eq!(
            meant("lambda", "H100", Some("gpu_1x_h100_pcie")),
            known("H100-PCIe-80GB")
        );
        let azure = |instance| meant("azure", "H100", Some(instance));
        assert_eq!(azure("Standard_NC40ads_H100_v5"), known(""));
        assert_eq!(azure("Standard_ND96isr_H100_v5"), None);
    }

    #[test]
    fn every_part_that_it_names_is_in_the_table_of_accelerators() {
        let accelerators = Accelerators::builtin().unwrap();
        let dialects = Dialects::builtin().unwrap();
        for part in dialects.parts() {
            assert_eq!(accelerators.find(part).unwrap().name, part);
        }
        assert!(dialects.parts().count() >= 9);
    }

    #[test]
    fn columns_are_found_in_any_spelling() {
        let dialects = Dialects::builtin().unwrap();
        for header in [
            "InstanceType",
            "instance_type",
            "Instance Type",
            "INSTANCE-TYPE",
        ] {
            assert_eq!(dialects.column(header), Some("InstanceType"), "{header}");
        }
        assert_eq!(dialects.column("zone"), Some("AvailabilityZone"));
        assert_eq!(dialects.column("UpstreamCloudId"), None);
    }
}
