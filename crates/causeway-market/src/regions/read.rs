//! The table of regions, as its file has it.

use std::collections::BTreeMap;

use causeway_domain::{Country, Date, Fact, GramsPerKilowattHour, Source, UsdPerKilowattHour};
use serde::Deserialize;

use super::{GridCarbon, Jurisdiction, Region, Regions, Rule, key};
use crate::{Coordinates, MarketError, table};

#[derive(Deserialize)]
struct RawRegions {
    date: Option<Date>,
    /// Short names of sources.
    #[serde(default)]
    sources: BTreeMap<String, String>,
    regions: Vec<RawRegion>,
    #[serde(default)]
    rules: Vec<RawRule>,
    #[serde(default)]
    places: Vec<RawPlace>,
}

#[derive(Deserialize)]
struct RawRegion {
    cloud: String,
    region: String,
    country: Option<Country>,
    part: Option<String>,
    place: Option<String>,
    verified: Verified,
    source: String,
    /// The source's own words.
    says: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    coordinates_source: Option<String>,
    carbon_g_per_kwh: Option<f64>,
    carbon_year: Option<i16>,
    carbon_source: Option<String>,
}

#[derive(Deserialize)]
struct RawRule {
    cloud: String,
    country_is: CountryIs,
    verified: Verified,
    source: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum CountryIs {
    TheRegion,
    BeforeTheContinent,
}

/// What power is like in a country or a part of one.
#[derive(Deserialize)]
struct RawPlace {
    place: String,
    carbon_g_per_kwh: Option<f64>,
    carbon_year: Option<i16>,
    carbon_source: Option<String>,
    usd_per_kwh: Option<UsdPerKilowattHour>,
    power_verified: Option<Verified>,
    power_source: Option<String>,
}

/// How sure the table is of a value.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Verified {
    Name,
    Read,
    Memory,
}

impl Verified {
    const fn words(self) -> &'static str {
        match self {
            Self::Name => "read off the published region name",
            Self::Read => "read in the source",
            Self::Memory => "not verified",
        }
    }
}

struct Reader<'a> {
    file: &'a str,
    date: Option<Date>,
    sources: BTreeMap<String, String>,
}

impl Reader<'_> {
    fn source(&self, source: &str, says: Option<&str>, verified: Verified) -> Source {
        let source = self.sources.get(source).map_or(source, String::as_str);
        let says = says.map_or_else(String::new, |says| format!(": `{says}`"));
        Source {
            by: self.file.to_owned(),
            evidence: Some(format!("{source}{says} ({})", verified.words())),
            on: self.date,
        }
    }

    fn broken(&self, why: String) -> MarketError {
        MarketError::Table {
            file: self.file.to_owned(),
            why,
        }
    }

    /// A figure of a grid counts only with its source.
    fn carbon(
        &self,
        of: &str,
        grams: Option<f64>,
        year: Option<i16>,
        source: Option<&str>,
    ) -> Result<Option<Fact<GridCarbon>>, MarketError> {
        let (Some(grams), Some(source)) = (grams, source) else {
            return Ok(None);
        };
        if !(grams.is_finite() && grams >= 0.0) {
            return Err(self.broken(format!("`carbon_g_per_kwh` of `{of}` is {grams}")));
        }
        let carbon = GridCarbon {
            intensity: GramsPerKilowattHour::new(grams),
            year,
            of: of.to_owned(),
        };
        let source = self.source(source, None, Verified::Read);
        Ok(Some(Fact::Known(carbon, source)))
    }

    fn coordinates(&self, entry: &RawRegion) -> Result<Fact<Coordinates>, MarketError> {
        let (Some(latitude), Some(longitude), Some(source)) =
            (entry.latitude, entry.longitude, &entry.coordinates_source)
        else {
            return Ok(Fact::unknown(format!(
                "{} does not say where region `{}` of `{}` is",
                self.file, entry.region, entry.cloud
            )));
        };
        let place = Coordinates::new(latitude, longitude).ok_or_else(|| {
            self.broken(format!(
                "{latitude}, {longitude} is no place on the Earth (region `{}` of `{}`)",
                entry.region, entry.cloud
            ))
        })?;
        // A place from memory has no better coordinates.
        let verified = match entry.verified {
            Verified::Memory => Verified::Memory,
            Verified::Name | Verified::Read => Verified::Read,
        };
        Ok(Fact::Known(
            place,
            self.source(source, entry.place.as_deref(), verified),
        ))
    }
}

impl Regions {
    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages and as the source of its facts.
    ///
    /// # Errors
    /// [`MarketError`] when the text is not such a table.
    pub fn from_json(file: &str, text: &str) -> Result<Self, MarketError> {
        let raw: RawRegions = table::read(file, text, "causeway/regions/1")?;
        let reader = Reader {
            file,
            date: raw.date,
            sources: raw.sources,
        };
        let mut table = Self::default();
        for rule in raw.rules {
            let source = reader.source(&rule.source, None, rule.verified);
            table.rules.insert(
                rule.cloud.to_lowercase(),
                Rule {
                    before_the_continent: rule.country_is == CountryIs::BeforeTheContinent,
                    source,
                },
            );
        }
        for place in raw.places {
            let source = place.carbon_source.as_deref();
            let carbon = reader.carbon(
                &place.place,
                place.carbon_g_per_kwh,
                place.carbon_year,
                source,
            )?;
            if let Some(carbon) = carbon {
                table.carbon.insert(place.place.clone(), carbon);
            }
            if let (Some(price), Some(source), Some(verified)) =
                (place.usd_per_kwh, place.power_source, place.power_verified)
            {
                let source = reader.source(&source, None, verified);
                table.power.insert(place.place, Fact::Known(price, source));
            }
        }
        for entry in raw.regions {
            let region = table.read_region(&reader, &entry)?;
            table.known.insert(key(&entry.cloud, &entry.region), region);
        }
        Ok(table)
    }

    fn read_region(&self, reader: &Reader<'_>, entry: &RawRegion) -> Result<Region, MarketError> {
        let coordinates = reader.coordinates(entry)?;
        let why = || {
            format!(
                "{} gives no country for region `{}` of `{}`",
                reader.file, entry.region, entry.cloud
            )
        };
        let own = reader.carbon(
            &format!("{}/{}", entry.cloud, entry.region),
            entry.carbon_g_per_kwh,
            entry.carbon_year,
            entry.carbon_source.as_deref(),
        )?;
        Ok(match entry.country {
            Some(country) => Region {
                jurisdiction: Fact::Known(
                    Jurisdiction {
                        country,
                        part: entry.part.clone(),
                    },
                    reader.source(&entry.source, entry.says.as_deref(), entry.verified),
                ),
                place: entry.place.clone(),
                coordinates,
                carbon: own.unwrap_or_else(|| self.carbon_of(country, entry.part.as_deref())),
                power: self.power_of(country),
            },
            None => Region {
                coordinates,
                carbon: own.unwrap_or_else(|| Fact::unknown(why())),
                ..Region::unknown(&why())
            },
        })
    }
}
