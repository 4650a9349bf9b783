//! Accelerators: what a chip can do, under which names it is sold, and which entry of the law's table it is.

use std::collections::BTreeMap;

use causeway_domain::{BitsPerSecond, Bytes, Date, Tflops, Watts};
use serde::{Deserialize, Serialize};

use crate::MarketError;
use crate::table;

/// A number format of an accelerator's matrix units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberFormat {
    /// bfloat16.
    Bf16,
    /// IEEE half precision.
    Fp16,
    /// 8-bit floats (E4M3, E5M2).
    Fp8,
    /// 4-bit floats with block scales.
    Fp4,
    /// float32 operands rounded to TensorFloat-32 on the matrix units.
    Tf32,
    /// 8-bit integers. Unit: TOP/s.
    Int8,
}

impl std::fmt::Display for NumberFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
            Self::Fp8 => "fp8",
            Self::Fp4 => "fp4",
            Self::Tf32 => "tf32",
            Self::Int8 => "int8",
        })
    }
}

/// One accelerator part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accelerator {
    /// Causeway's name of the part: `H100-SXM-80GB`.
    pub name: String,
    /// Names that mean this part and no other (`H100-80G-SXM5`).
    pub aliases: Vec<String>,
    /// Names of a family (`H100`) that are taken as this part.
    pub generic_aliases: Vec<String>,
    /// Who makes it.
    pub vendor: String,
    /// Peak per number format, dense (no sparsity). A format that is missing is not supported or not published.
    pub tflops_dense: BTreeMap<NumberFormat, Tflops>,
    /// Memory as sold (decimal GB); 1 to 3 % less is usable.
    pub memory: Bytes,
    /// Rate of the memory.
    pub memory_bandwidth: Option<BitsPerSecond>,
    /// Rate to its peers inside the scale-up domain, one direction, sum over links.
    pub scale_up: Option<BitsPerSecond>,
    /// Accelerators in one scale-up domain (NVLink, HCCS, ...); 1 where there is none.
    pub scale_up_domain: Option<u32>,
    /// Rate to other nodes in the usual reference node. Clouds differ by 8x: ask the offer.
    pub scale_out: Option<BitsPerSecond>,
    /// Design power.
    pub tdp: Option<Watts>,
    /// The part of which this one is a variant.
    pub variant_of: Option<String>,
    /// Id in the chip table of the rule packs; `None` where the part is not certainly one of them.
    pub legal_id: Option<String>,
    /// What a reader of the figures should know.
    pub note: String,
    /// Where the figures come from.
    pub sources: Vec<String>,
    /// Whether a search for published training runs on it found none.
    pub no_training_data: bool,
}

impl Accelerator {
    /// Dense peak in a number format, when the part supports it and the figure is published.
    #[must_use]
    pub fn peak(&self, format: NumberFormat) -> Option<Tflops> {
        self.tflops_dense.get(&format).copied()
    }

    /// Whether the name in a catalog names a family and not this part alone: `H100`, which is sold as SXM and as PCIe.
    #[must_use]
    pub fn is_generic(&self, name: &str) -> bool {
        self.generic_aliases
            .iter()
            .any(|alias| alias.eq_ignore_ascii_case(name.trim()))
    }

    /// Every name of the part: its own, its aliases, the family names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.aliases)
            .chain(&self.generic_aliases)
            .map(String::as_str)
    }
}

/// The table of accelerators.
#[derive(Debug, Clone, PartialEq)]
pub struct Accelerators {
    date: Option<Date>,
    parts: Vec<Accelerator>,
    /// Lower-case name or alias to index in `parts`.
    names: BTreeMap<String, usize>,
}

impl Accelerators {
    /// The table built into the program (`catalog/accelerators.json`).
    ///
    /// # Errors
    /// [`MarketError`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, MarketError> {
        Self::from_json("catalog/accelerators.json", crate::builtin::ACCELERATORS)
    }

    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages.
    ///
    /// # Errors
    /// [`MarketError`] when the text is not such a table, or two parts share a name.
    pub fn from_json(file: &str, text: &str) -> Result<Self, MarketError> {
        let raw: RawTable = table::read(file, text, "causeway/accelerators/1")?;
        let silent = raw.no_training_data_found;
        let mut parts: Vec<Accelerator> = Vec::with_capacity(raw.accelerators.len());
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for item in raw.accelerators {
            let no_training_data = silent.contains(&item.name);
            let part = item
                .finish(no_training_data)
                .map_err(|why| MarketError::Table {
                    file: file.to_owned(),
                    why,
                })?;
            for name in part.names() {
                if let Some(first) = names.insert(name.to_lowercase(), parts.len()) {
                    let first = parts
                        .get(first)
                        .map_or(part.name.as_str(), |other| &other.name);
                    return Err(MarketError::Duplicate {
                        file: file.to_owned(),
                        name: name.to_owned(),
                        first: first.to_owned(),
                        second: part.name.clone(),
                    });
                }
            }
            parts.push(part);
        }
        Ok(Self {
            date: raw.date,
            parts,
            names,
        })
    }

    /// The part with this name or alias, ignoring case.
    #[must_use]
    pub fn find(&self, name_or_alias: &str) -> Option<&Accelerator> {
        self.names
            .get(&name_or_alias.trim().to_lowercase())
            .and_then(|index| self.parts.get(*index))
    }

    /// The part that a catalog means by a name and the memory it prints for one card.
    ///
    /// A family name with a memory that contradicts the part it stands for (`A100` with 80 GB) is looked for among the
    /// parts whose names begin with it; where none has that memory the answer is `None`, not the nearest.
    #[must_use]
    pub fn identify(&self, name: &str, memory: Option<Bytes>) -> Option<&Accelerator> {
        self.position(name, memory).and_then(|at| self.at(at))
    }

    /// Index of the part that [`Accelerators::identify`] gives.
    pub(crate) fn position(&self, name: &str, memory: Option<Bytes>) -> Option<u32> {
        let index = self.names.get(&name.trim().to_lowercase()).copied()?;
        let part = self.parts.get(index)?;
        let found = match memory {
            None => Some(index),
            Some(memory) if same_memory(part.memory, memory) => Some(index),
            Some(memory) if part.is_generic(name) => {
                let prefix = format!("{}-", name.trim().to_lowercase());
                self.parts.iter().position(|other| {
                    other.name.to_lowercase().starts_with(&prefix)
                        && same_memory(other.memory, memory)
                })
            }
            Some(_) => None,
        };
        found.and_then(|index| u32::try_from(index).ok())
    }

    /// The part at an index of [`Accelerators::position`].
    pub(crate) fn at(&self, index: u32) -> Option<&Accelerator> {
        self.parts.get(index as usize)
    }

    /// The known name nearest to a misspelt one.
    #[must_use]
    pub fn near(&self, name: &str) -> Option<&str> {
        causeway_domain::near(name, self.parts.iter().flat_map(Accelerator::names))
    }

    /// Every part, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &Accelerator> {
        self.parts.iter()
    }

    /// How many parts there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether the table is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The day of the table.
    #[must_use]
    pub const fn date(&self) -> Option<Date> {
        self.date
    }
}

/// Catalogs print MiB of what is usable, tables print GB as sold: within an eighth is the same card. The nearest pair
/// of one family is 80 and 94 GB (H100, H100 NVL).
fn same_memory(sold: Bytes, printed: Bytes) -> bool {
    sold.get().abs_diff(printed.get()) <= sold.get() / 8
}

#[derive(Deserialize)]
struct RawTable {
    date: Option<Date>,
    #[serde(default)]
    no_training_data_found: Vec<String>,
    accelerators: Vec<RawAccelerator>,
}

/// As the file has it; keys that only people read are left out.
#[derive(Deserialize)]
struct RawAccelerator {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    generic_aliases: Vec<String>,
    legal_id: Option<String>,
    vendor: String,
    tflops_dense: BTreeMap<NumberFormat, Option<f64>>,
    memory_gb: f64,
    memory_bw_gbs: Option<f64>,
    scale_up_gbs_one_way: Option<f64>,
    scale_up_domain: Option<u32>,
    scale_out_gbit_per_chip: Option<f64>,
    tdp_w: Option<f64>,
    variant_of: Option<String>,
    #[serde(default)]
    note: String,
    sources: Vec<String>,
}

impl RawAccelerator {
    fn finish(self, no_training_data: bool) -> Result<Accelerator, String> {
        let name = self.name;
        let positive = |what: &str, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(value)
            } else {
                Err(format!(
                    "`{what}` of `{name}` is {value}; it must be more than 0"
                ))
            }
        };
        let rate = |what: &str, value: Option<f64>, bits: f64| {
            value
                .map(|v| positive(what, v).map(|v| BitsPerSecond::new(v * bits)))
                .transpose()
        };
        let memory = positive("memory_gb", self.memory_gb)?;
        if memory > 1e6 {
            return Err(format!(
                "`memory_gb` of `{name}` is {memory}; the unit is GB"
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above: between 0 and 10^15"
        )]
        let memory = Bytes::new((memory * 1e9).round() as u64);
        let mut tflops_dense = BTreeMap::new();
        for (format, value) in self.tflops_dense {
            if let Some(value) = value {
                tflops_dense.insert(format, Tflops::new(positive("tflops_dense", value)?));
            }
        }
        Ok(Accelerator {
            memory_bandwidth: rate("memory_bw_gbs", self.memory_bw_gbs, 8e9)?,
            scale_up: rate("scale_up_gbs_one_way", self.scale_up_gbs_one_way, 8e9)?,
            scale_out: rate("scale_out_gbit_per_chip", self.scale_out_gbit_per_chip, 1e9)?,
            tdp: self
                .tdp_w
                .map(|v| positive("tdp_w", v).map(Watts::new))
                .transpose()?,
            aliases: self.aliases,
            generic_aliases: self.generic_aliases,
            vendor: self.vendor,
            tflops_dense,
            memory,
            scale_up_domain: self.scale_up_domain,
            variant_of: self.variant_of,
            legal_id: self.legal_id,
            note: self.note,
            sources: self.sources,
            no_training_data,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Accelerators {
        Accelerators::builtin().unwrap()
    }

    #[test]
    fn every_chip_has_a_peak_a_memory_and_a_source() {
        let table = table();
        assert_eq!(table.len(), 60);
        for part in table.iter() {
            assert!(!part.tflops_dense.is_empty(), "{}", part.name);
            assert!(
                (16_000_000_000..=300_000_000_000).contains(&part.memory.get()),
                "{}",
                part.name
            );
            assert!(!part.sources.is_empty(), "{}", part.name);
        }
        assert!(table.find("H20").unwrap().no_training_data);
        assert!(!table.find("H100").unwrap().no_training_data);
    }

    #[test]
    fn catalog_names_find_their_part() {
        let table = table();
        for (name, part, legal) in [
            ("H100", "H100-SXM-80GB", Some("h100-sxm")),
            ("h100-80g-sxm5", "H100-SXM-80GB", Some("h100-sxm")),
            ("H100-80G-PCIe", "H100-PCIe-80GB", Some("h100-pcie")),
            ("A100", "A100-SXM-40GB", None),
            ("A100-80GB", "A100-SXM-80GB", Some("a100-sxm-80")),
            ("A100-80G-PCIe", "A100-PCIe-80GB", Some("a100-pcie-80")),
            ("Ascend910B", "Ascend910B2", Some("ascend-910b")),
            (" L40S ", "L40S-48GB", Some("l40s")),
        ] {
            let found = table
                .find(name)
                .unwrap_or_else(|| panic!("{name} is not known"));
            assert_eq!(
                (found.name.as_str(), found.legal_id.as_deref()),
                (part, legal),
                "{name}"
            );
        }
        assert!(table.find("H100").unwrap().is_generic("h100"));
        assert!(!table.find("H100").unwrap().is_generic("H100-80G-SXM5"));
    }

    #[test]
    fn memory_tells_parts_of_a_family_apart() {
        let table = table();
        let name = |name: &str, mib: u64| {
            table
                .identify(name, Some(Bytes::new(mib << 20)))
                .map(|part| part.name.as_str())
        };
        assert_eq!(name("A100", 40960), Some("A100-SXM-40GB"));
        assert_eq!(name("A100", 81920), Some("A100-SXM-80GB"));
        assert_eq!(name("V100", 16384), Some("V100-SXM2-16GB"));
        assert_eq!(name("V100", 32768), Some("V100-SXM2-32GB"));
        assert_eq!(name("H200", 144_384), Some("H200-SXM-141GB"));
        assert_eq!(name("B300", 268_288), Some("B300-SXM-270GB"));
        // A memory that no part of the family has: unknown rather than the nearest.
        assert_eq!(name("H100", 204_800), None);
        assert_eq!(name("H100-80G-SXM5", 40960), None);
        assert_eq!(table.identify("H100", None).unwrap().name, "H100-SXM-80GB");
    }

    #[test]
    fn slips_are_named() {
        assert_eq!(table().near("H10O"), Some("H100"));
        assert_eq!(table().near("A100-80G"), Some("A100-80G"));
        assert_eq!(table().near("abacus-of-wood"), None);
    }

    fn broken(change: impl Fn(&mut serde_json::Value)) -> MarketError {
        let mut value = serde_json::json!({"format": "causeway/accelerators/1", "accelerators": [
            {"name": "A", "aliases": ["x"], "vendor": "V", "tflops_dense": {"bf16": 1.0}, "memory_gb": 8, "sources": ["s"]},
            {"name": "B", "vendor": "V", "tflops_dense": {"bf16": 1.0}, "memory_gb": 8, "sources": ["s"]},
        ]});
        assert_eq!(
            Accelerators::from_json("t.json", &value.to_string())
                .unwrap()
                .len(),
            2
        );
        change(&mut value);
        Accelerators::from_json("t.json", &value.to_string()).unwrap_err()
    }

    #[test]
    fn bad_tables_are_refused_with_the_reason() {
        let message = |change: fn(&mut serde_json::Value)| broken(change).to_string();
        assert_eq!(
            message(|v| v["accelerators"][1]["aliases"] = serde_json::json!(["X"])),
            "t.json: the name `X` is claimed by both `A` and `B`"
        );
        assert_eq!(
            message(|v| v["format"] = "causeway/accelerators/2".into()),
            "t.json: format is `causeway/accelerators/2`, expected `causeway/accelerators/1`"
        );
        assert_eq!(
            message(|v| v["accelerators"][0]["memory_gb"] = (-1).into()),
            "t.json: `memory_gb` of `A` is -1; it must be more than 0"
        );
        assert!(
            message(|v| v["accelerators"][0]["tflops_dense"] = serde_json::json!({"bf61": 1}))
                .contains("bf61")
        );
    }

    #[test]
    fn a_name_that_a_part_has_twice_is_refused_too() {
        let error = broken(|v| v["accelerators"][0]["aliases"] = serde_json::json!(["a"]));
        assert_eq!(
            error.to_string(),
            "t.json: the name `a` is claimed by both `A` and `A`"
        );
    }
}
