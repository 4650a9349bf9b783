//! What share of an accelerator's peak published runs reached.

use std::collections::BTreeMap;

use causeway_market::Accelerator;
use serde::{Deserialize, Serialize};

use crate::{EstimateError, Interval, Precision};

const BUILTIN: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../catalog/mfu.json"
));

/// Model FLOPs utilisation: useful arithmetic over dense peak, 0 to 1. What is recomputed does not count as useful.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mfu(f64);

impl Mfu {
    /// The share, when it is one: more than 0, at most 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share <= 1.0).then_some(Self(share))
    }

    /// The share.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl std::fmt::Display for Mfu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.0} %", self.0 * 100.0))
    }
}

/// How well founded a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Median and 10th to 90th percentile of published runs on this accelerator.
    Runs,
    /// Too few published runs on this accelerator for a spread: the interval is widened.
    FewRuns,
    /// Published runs on a related accelerator, widened.
    Related,
    /// No published run: a wide default.
    Assumption,
}

/// The MFU taken for an accelerator, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The share.
    pub mfu: Interval<Mfu>,
    /// How well founded it is.
    pub basis: Basis,
    /// Where it comes from, in words.
    pub source: String,
}

/// The table of MFU.
#[derive(Debug, Clone, PartialEq)]
pub struct MfuTable {
    /// By accelerator, whether sparse, and precision.
    entries: BTreeMap<(String, bool, Precision), Entry>,
    related: BTreeMap<String, Related>,
    dense: Interval<Mfu>,
    sparse: Interval<Mfu>,
    why: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    family: String,
    mfu: Interval<Mfu>,
    few: bool,
    rows: u32,
    models: Vec<String>,
}

impl MfuTable {
    /// The table built into the program (`catalog/mfu.json`, made from published runs by `catalog/derive_mfu.py`).
    ///
    /// # Errors
    /// [`EstimateError::MfuTable`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, EstimateError> {
        Self::from_json("catalog/mfu.json", BUILTIN)
    }

    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages.
    ///
    /// # Errors
    /// [`EstimateError::MfuTable`] when the text is not such a table.
    pub fn from_json(file: &str, text: &str) -> Result<Self, EstimateError> {
        let wrong = |why: String| EstimateError::MfuTable {
            file: file.to_owned(),
            why,
        };
        let raw: RawTable = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if raw.format != "causeway/mfu/1" {
            return Err(wrong(format!(
                "format is `{}`, expected `causeway/mfu/1`",
                raw.format
            )));
        }
        let mut entries = BTreeMap::new();
        for entry in raw.entries {
            let mfu = entry.span.check().ok_or_else(|| {
                wrong(format!(
                    "the MFU of `{}` must be ordered shares of 0 to 1",
                    entry.family
                ))
            })?;
            for accelerator in entry.accelerators {
                let key = (
                    accelerator.to_lowercase(),
                    entry.arch == Arch::Moe,
                    entry.precision,
                );
                let value = Entry {
                    family: entry.family.clone(),
                    mfu,
                    few: entry.basis == RawBasis::FewRows,
                    rows: entry.rows,
                    models: entry.models.clone(),
                };
                if entries.insert(key, value).is_some() {
                    return Err(wrong(format!(
                        "`{accelerator}` stands twice with the same architecture and precision"
                    )));
                }
            }
        }
        let related = raw
            .related
            .into_iter()
            .map(|link| (link.accelerator.to_lowercase(), link))
            .collect();
        let default = |span: Span| {
            span.check().ok_or_else(|| {
                wrong("the MFU of `assumption` must be ordered shares of 0 to 1".to_owned())
            })
        };
        Ok(Self {
            entries,
            related,
            dense: default(raw.assumption.dense)?,
            sparse: default(raw.assumption.moe)?,
            why: raw.assumption.why,
        })
    }

    /// The MFU for a part: from runs on it, else from runs on a related part, else the wide default.
    #[must_use]
    pub fn choose(&self, part: &Accelerator, sparse: bool, precision: Precision) -> Choice {
        let entry = |name: &str| self.entries.get(&(name.to_lowercase(), sparse, precision));
        if let Some(entry) = entry(&part.name) {
            return entry.choice();
        }
        if let Some(link) = self.related.get(&part.name.to_lowercase())
            && let Some(entry) = entry(&link.r#as)
        {
            let Choice { mfu, source, .. } = entry.choice();
            let mfu = Interval {
                low: Mfu(mfu.low.0 * 0.75),
                mid: Mfu(mfu.mid.0 * 0.95),
                high: mfu.high,
            };
            let source = format!(
                "{source}; taken over from {} ({}), no published run on this chip",
                link.r#as, link.why
            );
            return Choice {
                mfu,
                basis: Basis::Related,
                source,
            };
        }
        let kind = if sparse {
            "mixture-of-experts"
        } else {
            "dense"
        };
        let others = self
            .entries
            .keys()
            .any(|(name, ..)| *name == part.name.to_lowercase());
        let source = if others {
            format!(
                "assumption: no published {kind} {precision} run on this chip; a wide interval around what other chips reach"
            )
        } else {
            format!("assumption: {}", self.why)
        };
        Choice {
            mfu: if sparse { self.sparse } else { self.dense },
            basis: Basis::Assumption,
            source,
        }
    }
}

impl Entry {
    fn choice(&self) -> Choice {
        let runs = if self.rows == 1 {
            "1 published run".to_owned()
        } else {
            format!("{} published runs", self.rows)
        };
        let spread = if self.few {
            "interval widened by assumption"
        } else {
            "median, 10th and 90th percentile"
        };
        Choice {
            mfu: self.mfu,
            basis: if self.few {
                Basis::FewRuns
            } else {
                Basis::Runs
            },
            source: format!(
                "{runs} on {} of {} ({spread})",
                self.family,
                self.models.join(", ")
            ),
        }
    }
}

#[derive(Deserialize)]
struct RawTable {
    format: String,
    entries: Vec<RawEntry>,
    related: Vec<Related>,
    assumption: RawAssumption,
}

#[derive(Deserialize)]
struct RawEntry {
    family: String,
    accelerators: Vec<String>,
    arch: Arch,
    precision: Precision,
    #[serde(flatten)]
    span: Span,
    basis: RawBasis,
    rows: u32,
    models: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Related {
    accelerator: String,
    r#as: String,
    why: String,
}

#[derive(Deserialize)]
struct RawAssumption {
    dense: Span,
    moe: Span,
    why: String,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Arch {
    Dense,
    Moe,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum RawBasis {
    Rows,
    FewRows,
}

#[derive(Clone, Copy, Deserialize)]
struct Span {
    low: f64,
    mid: f64,
    high: f64,
}

impl Span {
    fn check(self) -> Option<Interval<Mfu>> {
        let ordered = self.low <= self.mid && self.mid <= self.high;
        let span = Interval {
            low: Mfu::new(self.low)?,
            mid: Mfu::new(self.mid)?,
            high: Mfu::new(self.high)?,
        };
        ordered.then_some(span)
    }
}

#[cfg(test)]
mod tests {
    use causeway_market::Accelerators;

    use super::*;

    fn choose(name: &str, sparse: bool, precision: Precision) -> Choice {
        let chips = Accelerators::builtin().unwrap();
        MfuTable::builtin()
            .unwrap()
            .choose(chips.find(name).unwrap(), sparse, precision)
    }

    #[test]
    fn every_name_of_the_table_is_a_known_accelerator() {
        let chips = Accelerators::builtin().unwrap();
        let table = MfuTable::builtin().unwrap();
        let known = |name: &str| {
            chips
                .iter()
                .any(|part| part.name.eq_ignore_ascii_case(name))
        };
        assert!(table.entries.keys().all(|(name, ..)| known(name)));
        assert!(
            table
                .related
                .iter()
                .all(|(name, link)| known(name) && known(&link.r#as))
        );
        assert!(table.entries.len() > 20);
    }

    #[test]
    fn runs_then_relatives_then_a_wide_default() {
        let a100 = choose("A100-80GB", false, Precision::Bf16);
        assert_eq!((a100.basis, a100.mfu.mid), (Basis::Runs, Mfu(0.362)));
        assert!(
            a100.source.starts_with("115 published runs on A100"),
            "{}",
            a100.source
        );
        let few = choose("TPUv5p", false, Precision::Bf16);
        assert_eq!(few.basis, Basis::FewRuns);
        let related = choose("A100-80G-PCIe", false, Precision::Bf16);
        assert_eq!(related.basis, Basis::Related);
        assert!(related.mfu.low < a100.mfu.low && related.mfu.mid < a100.mfu.mid);
        assert!(
            related.source.contains("no published run on this chip"),
            "{}",
            related.source
        );
        for silent in ["H20", "MI300X", "Gaudi3", "RTX-PRO-6000"] {
            let choice = choose(silent, false, Precision::Bf16);
            assert_eq!(choice.basis, Basis::Assumption, "{silent}");
            assert!(
                choice.source.contains("no published run on this chip"),
                "{}",
                choice.source
            );
            assert!(choice.mfu.high.0 / choice.mfu.low.0 > 3.0, "{silent}");
        }
    }

    #[test]
    fn kind_and_precision_are_told_apart() {
        let dense = choose("H100", false, Precision::Bf16);
        let sparse = choose("H100", true, Precision::Bf16);
        let fp8 = choose("H100", false, Precision::Fp8);
        assert!(sparse.mfu.mid < dense.mfu.mid && fp8.mfu.mid < dense.mfu.mid);
        let fp32 = choose("H100", false, Precision::Fp32);
        assert_eq!(fp32.basis, Basis::Assumption);
        assert!(
            fp32.source
                .contains("no published dense fp32 run on this chip"),
            "{}",
            fp32.source
        );
    }

    #[test]
    fn bad_tables_are_refused() {
        let entry = r#"{"family":"F","accelerators":["A"],"arch":"dense","precision":"bf16","low":0.2,"mid":0.3,"high":0.4,"basis":"rows","rows":9,"models":["m"]}"#;
        let table = |entries: &str| {
            let text = format!(
                r#"{{"format":"causeway/mfu/1","entries":[{entries}],"related":[],"assumption":{{"dense":{{"low":0.1,"mid":0.2,"high":0.3}},"moe":{{"low":0.1,"mid":0.2,"high":0.3}},"why":"w"}}}}"#
            );
            MfuTable::from_json("m.json", &text)
        };
        assert!(table(entry).is_ok());
        assert!(
            table(&format!("{entry},{entry}"))
                .unwrap_err()
                .to_string()
                .contains("stands twice")
        );
        for bad in ["\"mid\":0.5", "\"mid\":1.5", "\"mid\":-1", "\"mid\":0"] {
            assert!(table(&entry.replace("\"mid\":0.3", bad)).is_err(), "{bad}");
        }
        assert!(MfuTable::from_json("m.json", &BUILTIN.replace("mfu/1", "mfu/2")).is_err());
    }
}
