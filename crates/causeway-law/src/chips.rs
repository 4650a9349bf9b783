//! The chip table.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::definitions::decimal;

/// A chip of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChipRow {
    pub(crate) name: String,
    pub(crate) tpp: Option<Decimal>,
    pub(crate) die_area: Option<Decimal>,
    pub(crate) io_total: Option<Decimal>,
    pub(crate) dram_bandwidth: Option<Decimal>,
    pub(crate) datacenter: Option<bool>,
}

/// Reads a row: its id and figures.
///
/// # Errors
/// What is missing, in words.
pub(crate) fn read(row: &Value) -> Result<(String, ChipRow), String> {
    let id = row
        .get("id")
        .and_then(Value::as_str)
        .ok_or("a chip needs `id`")?
        .to_owned();
    let figure = |key: &str| row.get(key).and_then(decimal);
    // The unrounded maximum over widths outranks the printed figure.
    let widths = row
        .get("tpp_by_bits")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(decimal)
        .max();
    let figures = ChipRow {
        name: row
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or(&id)
            .to_owned(),
        tpp: widths.or_else(|| figure("tpp")),
        die_area: figure("die_area_mm2").filter(|area| *area > Decimal::ZERO),
        io_total: figure("io_total_gb_s"),
        dram_bandwidth: figure("memory_bandwidth_gb_s"),
        datacenter: row.get("datacenter_marketed").and_then(Value::as_bool),
    };
    Ok((id, figures))
}
