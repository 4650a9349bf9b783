//! Who a cloud is: data, never guesses.

use causeway_domain::{Country, Date, Fact, Source};
use serde::Deserialize;

use crate::{MarketError, table};

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
