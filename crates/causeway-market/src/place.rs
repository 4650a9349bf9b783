//! Where a cloud's region is, and who a cloud is: data, never guesses.

use std::collections::BTreeMap;

use causeway_domain::{Country, Date, Fact, Source};
use serde::Deserialize;

use crate::{MarketError, table};

/// Cloud and region to country.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Regions {
    /// Lower-case cloud and region to the country and its source.
    known: BTreeMap<(String, String), Fact<Country>>,
}

impl Regions {
    /// The table built into the program (`catalog/regions.json`).
    ///
    /// # Errors
    /// [`MarketError`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, MarketError> {
        Self::from_json("catalog/regions.json", crate::builtin::REGIONS)
    }

    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages and as the source of its facts.
    ///
    /// # Errors
    /// [`MarketError`] when the text is not such a table.
    pub fn from_json(file: &str, text: &str) -> Result<Self, MarketError> {
        let raw: RawRegions = table::read(file, text, "causeway/regions/1")?;
        let known = raw.regions.into_iter().map(|entry| {
            let why = || {
                format!(
                    "{file} gives no country for region `{}` of `{}`",
                    entry.region, entry.cloud
                )
            };
            let fact = entry.country.map_or_else(
                || Fact::Unknown(why()),
                |country| {
                    let evidence = format!("{} ({})", entry.source, entry.verified.words());
                    Fact::Known(
                        country,
                        Source {
                            by: file.to_owned(),
                            evidence: Some(evidence),
                            on: raw.date,
                        },
                    )
                },
            );
            (key(&entry.cloud, &entry.region), fact)
        });
        Ok(Self {
            known: known.collect(),
        })
    }

    /// The country in which the machines of a region stand.
    #[must_use]
    pub fn country(&self, cloud: &str, region: &str) -> Fact<Country> {
        self.known
            .get(&key(cloud, region))
            .cloned()
            .unwrap_or_else(|| {
                Fact::unknown(format!(
                    "the table of regions does not list region `{region}` of `{cloud}`"
                ))
            })
    }
}

fn key(cloud: &str, region: &str) -> (String, String) {
    (cloud.trim().to_lowercase(), region.trim().to_lowercase())
}

#[derive(Deserialize)]
struct RawRegions {
    date: Option<Date>,
    regions: Vec<RawRegion>,
}

#[derive(Deserialize)]
struct RawRegion {
    cloud: String,
    region: String,
    country: Option<Country>,
    verified: Verified,
    source: String,
}

/// How sure the table is of a country.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verified {
    Name,
    Read,
    Memory,
}

impl Verified {
    const fn words(&self) -> &'static str {
        match self {
            Self::Name => "read off the published region name",
            Self::Read => "read in the source",
            Self::Memory => "not verified",
        }
    }
}

/// A cloud whose price list is in the catalog, and what is known of the company behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Name in SkyPilot's files: `nebius`.
    pub cloud: String,
    /// Name for people.
    pub name: String,
    /// Legal entity that operates it.
    pub operator: Fact<String>,
    /// Country of that entity's headquarters.
    pub headquarters: Fact<Country>,
}

/// The table of providers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Providers(Vec<Provider>);

impl Providers {
    /// The table built into the program (`catalog/providers.json`).
    ///
    /// # Errors
    /// [`MarketError`] when the built-in file is damaged.
    pub fn builtin() -> Result<Self, MarketError> {
        Self::from_json("catalog/providers.json", crate::builtin::PROVIDERS)
    }

    /// A table in the format of `docs/formats/catalog.md`. `file` is its name, for messages and as the source of its facts.
    ///
    /// # Errors
    /// [`MarketError`] when the text is not such a table.
    pub fn from_json(file: &str, text: &str) -> Result<Self, MarketError> {
        let raw: RawProviders = table::read(file, text, "causeway/providers/1")?;
        let providers = raw.providers.into_iter().map(|entry| {
            let source = entry.source.map(|evidence| Source {
                by: file.to_owned(),
                evidence: Some(evidence),
                on: raw.date,
            });
            let why = entry
                .why
                .unwrap_or_else(|| format!("{file} names no source"));
            Provider {
                cloud: entry.cloud,
                name: entry.name,
                operator: fact(entry.operator, source.as_ref(), &why),
                headquarters: fact(entry.headquarters, source.as_ref(), &why),
            }
        });
        Ok(Self(providers.collect()))
    }

    /// The provider with this cloud name, ignoring case.
    #[must_use]
    pub fn find(&self, cloud: &str) -> Option<&Provider> {
        self.0
            .iter()
            .find(|provider| provider.cloud.eq_ignore_ascii_case(cloud.trim()))
    }

    /// Every provider.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

/// A value counts only with a source beside it.
fn fact<T>(value: Option<T>, source: Option<&Source>, why: &str) -> Fact<T> {
    match (value, source) {
        (Some(value), Some(source)) => Fact::Known(value, source.clone()),
        _ => Fact::unknown(why),
    }
}

#[derive(Deserialize)]
struct RawProviders {
    date: Option<Date>,
    providers: Vec<RawProvider>,
}

#[derive(Deserialize)]
struct RawProvider {
    cloud: String,
    name: String,
    operator: Option<String>,
    headquarters: Option<Country>,
    source: Option<String>,
    why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_comes_with_its_source_and_how_sure_it_is() {
        let regions = Regions::builtin().unwrap();
        let Fact::Known(country, source) = regions.country("Nebius", "eu-north1") else {
            panic!("unknown")
        };
        assert_eq!(country.code(), "FI");
        assert!(source.to_string().contains("not verified"), "{source}");
        let Fact::Known(country, source) = regions.country("verda", "fin-02") else {
            panic!("unknown")
        };
        assert_eq!(
            (country.code(), source.by.as_str()),
            ("FI", "catalog/regions.json")
        );
        assert!(
            source
                .to_string()
                .contains("read off the published region name"),
            "{source}"
        );
    }

    #[test]
    fn a_region_that_is_not_listed_is_unknown() {
        let regions = Regions::builtin().unwrap();
        let Fact::Unknown(why) = regions.country("nebius", "asia-east1") else {
            panic!("known")
        };
        assert!(
            why.contains("asia-east1") && why.contains("nebius"),
            "{why}"
        );
        let null = r#"{"format":"causeway/regions/1","regions":[{"cloud":"c","region":"r","country":null,"verified":"name","source":"s"}]}"#;
        assert!(
            !Regions::from_json("r.json", null)
                .unwrap()
                .country("c", "r")
                .is_known()
        );
        let bad = null.replace("null", "\"XX\"");
        assert!(
            Regions::from_json("r.json", &bad)
                .unwrap_err()
                .to_string()
                .contains("XX")
        );
    }

    #[test]
    fn an_operator_without_a_source_is_unknown() {
        let providers = Providers::builtin().unwrap();
        assert_eq!(providers.iter().count(), 3);
        assert!(
            providers
                .iter()
                .all(|provider| !provider.operator.is_known() && !provider.headquarters.is_known())
        );
        let text = |source: &str| {
            format!(
                r#"{{"format":"causeway/providers/1","providers":[{{"cloud":"c","name":"C","operator":"C Ltd","headquarters":"SG","source":{source}}}]}}"#
            )
        };
        let with = Providers::from_json("p.json", &text("\"register\"")).unwrap();
        assert_eq!(with.find("C").unwrap().operator.known().unwrap(), "C Ltd");
        let without = Providers::from_json("p.json", &text("null")).unwrap();
        assert!(!without.find("c").unwrap().operator.is_known());
    }
}
