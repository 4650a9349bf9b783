//! What published runs say: the coefficients of the cost model, and how far off it is.

use std::collections::BTreeMap;

use causeway_market::Accelerator;
use serde::{Deserialize, Serialize};

use crate::coefficients::{Coefficients, PRIORS, Prior};
use crate::{EstimateError, Interval};

const BUILTIN: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../catalog/efficiency.json"
));
const FORMAT: &str = "causeway/efficiency/1";

/// The fitted cost model (`catalog/efficiency.json`, described in `docs/formats/catalog.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub(crate) by: Coefficients,
    spreads: BTreeMap<Situation, Spread>,
    seen: BTreeMap<String, Seen>,
    source: String,
}

/// What decides how far off an estimate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Situation {
    /// A dense model at a layout that was given.
    DenseGiven,
    /// A dense model whose layout was chosen.
    DenseChosen,
    /// A mixture of experts.
    Sparse,
}

impl Situation {
    /// The situation of a model that is `sparse`, at a layout that was `given`.
    #[must_use]
    pub const fn of(sparse: bool, given: bool) -> Self {
        match (sparse, given) {
            (true, _) => Self::Sparse,
            (false, true) => Self::DenseGiven,
            (false, false) => Self::DenseChosen,
        }
    }
}

/// How far the truth lies from an estimate of a family that the fit has not seen, four times in five.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Truth over estimate, low end.
    pub low: f64,
    /// Truth over estimate, high end.
    pub high: f64,
    /// Rows behind it.
    pub rows: u32,
    /// Families behind it.
    pub families: u32,
}

/// Published rows on one accelerator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Rows.
    pub rows: u32,
    /// Families of models.
    pub families: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    format: String,
    about: String,
    source: String,
    coefficients: Vec<Fitted>,
    intervals: BTreeMap<Situation, Spread>,
    accelerators: BTreeMap<String, Seen>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fitted {
    name: String,
    value: f64,
    prior: f64,
    spread: f64,
    rows: u32,
    meaning: String,
    source: String,
}

/// Rows on one accelerator below which intervals are widened.
const FEW: u32 = 8;
/// By how much they are, and by how much where no run is published. Exponents of the interval's ends; assumptions.
const WIDER_FEW: f64 = 1.5;
const WIDER_NONE: f64 = 2.5;

impl Calibration {
    /// The one built into the program.
    ///
    /// # Errors
    /// [`EstimateError::Table`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, EstimateError> {
        Self::from_json("catalog/efficiency.json", BUILTIN)
    }

    /// Before any run is seen: the priors, and an interval of half to twice.
    #[must_use]
    pub fn prior() -> Self {
        let wide = Spread {
            low: 0.5,
            high: 2.0,
            rows: 0,
            families: 0,
        };
        Self {
            by: Coefficients::PRIOR,
            spreads: [
                Situation::DenseGiven,
                Situation::DenseChosen,
                Situation::Sparse,
            ]
            .into_iter()
            .map(|situation| (situation, wide))
            .collect(),
            seen: BTreeMap::new(),
            source: "no published run".to_owned(),
        }
    }

    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages.
    ///
    /// # Errors
    /// [`EstimateError::Table`] when the text is not such a table, or lacks a coefficient.
    pub fn from_json(file: &str, text: &str) -> Result<Self, EstimateError> {
        let bad = |why: String| EstimateError::Table {
            file: file.to_owned(),
            why,
        };
        let table: Table = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        if table.format != FORMAT {
            return Err(bad(format!(
                "format is `{}`, expected `{FORMAT}`",
                table.format
            )));
        }
        let mut calibration = Self::prior();
        let mut missing: Vec<&str> = PRIORS.iter().map(|prior| prior.name).collect();
        for fitted in &table.coefficients {
            if !(fitted.value.is_finite() && fitted.value > 0.0) {
                return Err(bad(format!(
                    "`{}` is {}; it must be more than 0",
                    fitted.name, fitted.value
                )));
            }
            match calibration.by.get_mut(&fitted.name) {
                Some(value) => *value = fitted.value,
                None => return Err(bad(format!("no coefficient is named `{}`", fitted.name))),
            }
            missing.retain(|name| *name != fitted.name);
        }
        if let Some(name) = missing.first() {
            return Err(bad(format!("the coefficient `{name}` is missing")));
        }
        for (situation, spread) in table.intervals {
            if !(0.0 < spread.low
                && spread.low <= 1.0
                && spread.high >= 1.0
                && spread.high.is_finite())
            {
                return Err(bad(format!(
                    "the interval {} to {} does not hold 1",
                    spread.low, spread.high
                )));
            }
            calibration.spreads.insert(situation, spread);
        }
        calibration.seen = table.accelerators;
        calibration.source = table.source;
        Ok(calibration)
    }

    /// The table as text. `rows`: how many rows each coefficient was fitted on.
    ///
    /// # Errors
    /// [`EstimateError::Table`] when a number has no JSON form.
    pub fn to_json(&self, about: &str, rows: u32) -> Result<String, EstimateError> {
        let table = Table {
            format: FORMAT.to_owned(),
            about: about.to_owned(),
            source: self.source.clone(),
            coefficients: PRIORS
                .iter()
                .map(|prior| Fitted {
                    name: prior.name.to_owned(),
                    value: self.by.get(prior.name).unwrap_or(prior.value),
                    prior: prior.value,
                    spread: prior.spread,
                    rows: if prior.spread > 0.0 { rows } else { 0 },
                    meaning: prior.meaning.to_owned(),
                    source: prior.source.to_owned(),
                })
                .collect(),
            intervals: self.spreads.clone(),
            accelerators: self.seen.clone(),
        };
        serde_json::to_string_pretty(&table).map_err(|error| EstimateError::Table {
            file: "catalog/efficiency.json".to_owned(),
            why: error.to_string(),
        })
    }

    /// What is known of each coefficient before any run is seen.
    #[must_use]
    pub const fn priors() -> &'static [Prior] {
        PRIORS
    }

    /// The value of a coefficient.
    #[must_use]
    pub fn coefficient(&self, name: &str) -> Option<f64> {
        self.by.get(name)
    }

    /// The same calibration with another value of a coefficient; unchanged when there is none of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        if let Some(slot) = self.by.get_mut(name) {
            *slot = value;
        }
        self
    }

    /// The same calibration with what a fit found out: how far off it is, and which accelerators it saw.
    #[must_use]
    pub fn measured(
        mut self,
        spreads: BTreeMap<Situation, Spread>,
        seen: BTreeMap<String, Seen>,
        source: String,
    ) -> Self {
        self.spreads.extend(spreads);
        self.seen = seen;
        self.source = source;
        self
    }

    /// Published rows on this accelerator; none where it is not in the table.
    #[must_use]
    pub fn seen(&self, part: &Accelerator) -> Seen {
        self.seen.get(&part.name).copied().unwrap_or(Seen {
            rows: 0,
            families: 0,
        })
    }

    /// Where the calibration comes from, in words.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Truth over estimate, four times in five.
    #[must_use]
    pub fn spread(&self, situation: Situation, part: &Accelerator) -> Interval<f64> {
        let spread = self.spreads.get(&situation).copied().unwrap_or(Spread {
            low: 0.5,
            high: 2.0,
            rows: 0,
            families: 0,
        });
        let wider = match self.seen(part).rows {
            0 => WIDER_NONE,
            rows if rows < FEW => WIDER_FEW,
            _ => 1.0,
        };
        Interval {
            low: spread.low.powf(wider),
            mid: 1.0,
            high: spread.high.powf(wider),
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_market::Accelerators;

    use super::*;

    #[test]
    fn the_builtin_table_is_whole_and_goes_round() {
        let builtin = Calibration::builtin().unwrap();
        let again =
            Calibration::from_json("again", &builtin.to_json("about", 260).unwrap()).unwrap();
        assert_eq!(builtin, again);
        for prior in Calibration::priors() {
            let off = (builtin.coefficient(prior.name).unwrap() / prior.value)
                .ln()
                .abs();
            assert!(
                off <= 3.0 * prior.spread + 1e-9,
                "{} left its prior",
                prior.name
            );
        }
    }

    #[test]
    fn a_chip_without_a_run_is_less_sure() {
        let (table, chips) = (
            Calibration::builtin().unwrap(),
            Accelerators::builtin().unwrap(),
        );
        let width = |name: &str| {
            let spread = table.spread(Situation::DenseGiven, chips.find(name).unwrap());
            (spread.high / spread.low).ln()
        };
        assert!(width("H20") > 2.0 * width("H100"));
        assert_eq!(table.seen(chips.find("H20").unwrap()).rows, 0);
        assert!(width("H800") > width("H100"), "few rows on H800");
        // Every part with a row is one that the table of accelerators lists.
        assert!(table.seen.keys().all(|name| chips.find(name).is_some()));
    }

    #[test]
    fn bad_tables_are_refused_with_the_reason() {
        let why = |text: &str| {
            Calibration::from_json("t.json", text)
                .unwrap_err()
                .to_string()
        };
        let good = Calibration::prior().to_json("", 0).unwrap();
        assert!(Calibration::from_json("t.json", &good).is_ok());
        assert_eq!(
            why(&good.replace("efficiency/1", "efficiency/2")),
            "t.json: format is `causeway/efficiency/2`, expected `causeway/efficiency/1`"
        );
        assert_eq!(
            why(&good.replace("\"straggler\"", "\"stragler\"")),
            "t.json: no coefficient is named `stragler`"
        );
        assert_eq!(
            why(&good.replacen("\"value\": 0.88", "\"value\": -1", 1)),
            "t.json: `sustained` is -1; it must be more than 0"
        );
        assert!(why("[]").starts_with("t.json: "));
    }
}
