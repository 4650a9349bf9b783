//! The data built into the program: the folder `catalog/` of the repository.

macro_rules! catalog {
    ($path:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../catalog/",
            $path
        ))
    };
}

pub(crate) const ACCELERATORS: &str = catalog!("accelerators.json");
pub(crate) const REGIONS: &str = catalog!("regions.json");
pub(crate) const DIALECTS: &str = catalog!("dialects.json");
pub(crate) const PROVIDERS: &str = catalog!("providers.json");

/// Day on which the built-in price lists were read (catalog/skypilot/SOURCE.md).
pub(crate) const PRICES_READ: causeway_domain::Date = jiff::civil::date(2026, 11, 24);

/// The built-in price lists: cloud, file, text.
pub(crate) const PRICE_LISTS: [(&str, &str, &str); 3] = [
    (
        "hyperstack",
        "catalog/skypilot/hyperstack/vms.csv",
        catalog!("skypilot/hyperstack/vms.csv"),
    ),
    (
        "nebius",
        "catalog/skypilot/nebius/vms.csv",
        catalog!("skypilot/nebius/vms.csv"),
    ),
    (
        "verda",
        "catalog/skypilot/verda/vms.csv",
        catalog!("skypilot/verda/vms.csv"),
    ),
];
