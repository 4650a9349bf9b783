//! Where a cloud's region is, and what power is like there: data, never guesses.

mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use causeway_domain::{Country, Fact, GramsPerKilowattHour, UsdPerKilowattHour};
use serde::Serialize;

use crate::{Coordinates, MarketError};

/// Whose law holds at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Jurisdiction {
    /// The country or territory.
    pub country: Country,
    /// The part of it, where the table names it: an ISO 3166-2 code (`US-VA`). Laws of parts differ; that it is missing says
    /// nothing.
    pub part: Option<String>,
}

impl std::fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.part.as_deref().unwrap_or_else(|| self.country.code()))
    }
}

/// What a kilowatt-hour of the grid emits, on average over a year.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GridCarbon {
    /// Grams of CO2 equivalent per kilowatt-hour.
    pub intensity: GramsPerKilowattHour,
    /// The year, where the source names it.
    pub year: Option<i16>,
    /// What the figure is of: the region itself, a part (`US-VA`), a country.
    pub of: String,
}

/// What is known of a cloud's region.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Whose law holds there.
    pub jurisdiction: Fact<Jurisdiction>,
    /// The city or area, where the source names one.
    pub place: Option<String>,
    /// Where on the map.
    pub coordinates: Fact<Coordinates>,
    /// The grid's carbon: the region's own figure, else its part's, else its country's.
    pub carbon: Fact<GridCarbon>,
    /// What power costs there: the country's figure. A site's contract is better wherever it is stated.
    pub power: Fact<UsdPerKilowattHour>,
}

impl Region {
    /// A region of which nothing is known.
    fn unknown(why: &str) -> Self {
        Self {
            jurisdiction: Fact::unknown(why),
            place: None,
            coordinates: Fact::unknown(why),
            carbon: Fact::unknown(why),
            power: Fact::unknown(why),
        }
    }
}

/// Cloud and region to place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regions {
    /// Lower-case cloud and region.
    known: BTreeMap<(String, String), Region>,
    /// Lower-case cloud to how its regions' names say the country.
    rules: BTreeMap<String, Rule>,
    carbon: BTreeMap<String, Fact<GridCarbon>>,
    power: BTreeMap<String, Fact<UsdPerKilowattHour>>,
}

/// A cloud whose regions' names hold their country.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    before_the_continent: bool,
    source: causeway_domain::Source,
}

impl Regions {
    /// The table built into the program (`catalog/regions.json`).
    ///
    /// # Errors
    /// [`MarketError`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, MarketError> {
        Self::from_json("catalog/regions.json", crate::builtin::REGIONS)
    }

    /// What is known of a region; of one that the table does not list, what its country tells.
    #[must_use]
    pub fn region(&self, cloud: &str, region: &str) -> Region {
        if let Some(known) = self.known.get(&key(cloud, region)) {
            return known.clone();
        }
        match self.country(cloud, region) {
            Fact::Known(country, source) => Region {
                jurisdiction: Fact::Known(
                    Jurisdiction {
                        country,
                        part: None,
                    },
                    source,
                ),
                place: None,
                coordinates: Fact::unknown(format!(
                    "the table of regions does not say where region `{region}` of `{cloud}` is"
                )),
                carbon: self.carbon_of(country, None),
                power: self.power_of(country),
            },
            Fact::Unknown(why) => Region::unknown(&why),
        }
    }

    /// The country in which the machines of a region stand.
    #[must_use]
    pub fn country(&self, cloud: &str, region: &str) -> Fact<Country> {
        if let Some(known) = self.known.get(&key(cloud, region)) {
            return known
                .jurisdiction
                .clone()
                .map(|jurisdiction| jurisdiction.country);
        }
        let by_name = self
            .rules
            .get(&cloud.trim().to_lowercase())
            .and_then(|rule| {
                let name = region.trim();
                let code = if rule.before_the_continent {
                    country_of_place(name)?
                } else {
                    name
                };
                let country = code.parse::<Country>().ok()?;
                // `EU` is a word of rules, not a place where machines stand.
                (country.code() != "EU").then(|| Fact::Known(country, rule.source.clone()))
            });
        by_name.unwrap_or_else(|| {
            Fact::unknown(format!(
                "the table of regions does not list this region of `{cloud}`"
            ))
        })
    }

    /// The grid's carbon in a part of a country, else in the country: for a site that is in no cloud's region.
    #[must_use]
    pub fn carbon_of(&self, country: Country, part: Option<&str>) -> Fact<GridCarbon> {
        part.and_then(|part| self.carbon.get(part))
            .or_else(|| self.carbon.get(country.code()))
            .cloned()
            .unwrap_or_else(|| {
                Fact::unknown(format!(
                    "no table says what power emits in {}",
                    country.name()
                ))
            })
    }

    /// What power costs in a country, all taxes and fees.
    #[must_use]
    pub fn power_of(&self, country: Country) -> Fact<UsdPerKilowattHour> {
        self.power.get(country.code()).cloned().unwrap_or_else(|| {
            Fact::unknown(format!(
                "no table says what power costs in {}",
                country.name()
            ))
        })
    }
}

/// The country in a place's name: `Michigan, US, NA`, where the last word is the continent; `Sweden, SE` in older lists. A
/// lone code that is a continent's too (`NA` is Namibia) settles nothing.
fn country_of_place(name: &str) -> Option<&str> {
    const CONTINENTS: [&str; 7] = ["AF", "AN", "AS", "EU", "NA", "OC", "SA"];
    let words: Vec<&str> = name.split(',').map(str::trim).collect();
    match words.as_slice() {
        [.., code, continent] if words.len() > 2 && CONTINENTS.contains(continent) => Some(code),
        [_, code] if !CONTINENTS.contains(code) => Some(code),
        _ => None,
    }
}

fn key(cloud: &str, region: &str) -> (String, String) {
    (cloud.trim().to_lowercase(), region.trim().to_lowercase())
}
