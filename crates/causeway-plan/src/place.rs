//! Where an offer's machines stand: country, point on the map, grid.

use causeway_domain::organisation::{Presence, Site};
use causeway_domain::{Country, Fact, UsdPerKilowattHour};
use causeway_market::{Coordinates, GridCarbon, Offer, Regions};
use serde::Serialize;

/// Where the machines stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The country.
    pub country: Fact<Country>,
    /// The point: the site's own, else that of its cloud's region.
    pub coordinates: Fact<Coordinates>,
    /// The part of the country, where a table names it: an ISO 3166-2 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What the grid emits: the region's figure, else the country's.
    pub grid: Fact<GridCarbon>,
    /// What power costs there, by the country's figure.
    pub power: Fact<UsdPerKilowattHour>,
}

impl Place {
    pub(crate) fn of(
        offer: &Offer,
        site: Option<&Site>,
        presence: Option<&Presence>,
        regions: &Regions,
    ) -> Self {
        let country = (*offer.country).clone();
        let cloud = match (site, presence) {
            (Some(_), presence) => presence.and_then(|presence| presence.cloud.as_deref()),
            (None, _) => Some(&*offer.provider),
        };
        let listed = cloud
            .zip(offer.region.as_deref())
            .map(|(cloud, region)| regions.region(cloud, region))
            // A table that has the region elsewhere is not about this place.
            .filter(|region| {
                let of_table = region.jurisdiction.known().map(|found| found.country);
                of_table.is_some() && of_table.as_ref() == country.known()
            });
        let stated = site.and_then(|site| site.coordinates).and_then(|degrees| {
            let at = Coordinates::new(degrees.latitude, degrees.longitude)?;
            Some(Fact::stated(at, "the organisation's file"))
        });
        let part = listed.as_ref().and_then(|region| {
            let jurisdiction = region.jurisdiction.known()?;
            jurisdiction.part.clone()
        });
        let (of_region, grid, power) = match (listed, &country) {
            (Some(region), _) => (region.coordinates, region.carbon, region.power),
            (None, Fact::Known(country, _)) => (
                Fact::unknown("neither the site nor a table says where it is"),
                regions.carbon_of(*country, None),
                regions.power_of(*country),
            ),
            (None, Fact::Unknown(why)) => {
                let why = format!("country {why}");
                (
                    Fact::unknown(why.clone()),
                    Fact::unknown(why.clone()),
                    Fact::unknown(why),
                )
            }
        };
        Self {
            country,
            coordinates: stated.unwrap_or(of_region),
            part,
            grid,
            power,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_market::{OfferSource, Read};

    use super::*;

    fn offer(cloud: &str, region: &str, country: &str) -> Offer {
        let read = Arc::new(Read {
            file: "t.csv".into(),
            date: None,
        });
        let country = Arc::new(Fact::stated(country.parse().unwrap(), "test"));
        Offer {
            region: Some(region.into()),
            ..Offer::bare(cloud, OfferSource::Catalog, read, country)
        }
    }

    #[test]
    fn a_region_of_the_table_has_its_own_point_and_grid() {
        let regions = Regions::builtin().unwrap();
        let oregon = Place::of(&offer("aws", "us-west-2", "US"), None, None, &regions);
        let virginia = Place::of(&offer("aws", "us-east-1", "US"), None, None, &regions);
        let longitude = |place: &Place| place.coordinates.known().unwrap().longitude();
        assert!(longitude(&oregon) < -110.0 && longitude(&virginia) > -90.0);
        assert_eq!(oregon.part.as_deref(), Some("US-OR"));
        assert!(oregon.power.is_known());
        assert_ne!(
            oregon.grid.known().unwrap().of,
            virginia.grid.known().unwrap().of
        );
        // The offer says Finland; what the table knows of a place in the US is nothing to it.
        let moved = Place::of(&offer("aws", "us-west-2", "FI"), None, None, &regions);
        assert!(!moved.coordinates.is_known());
        assert_eq!(moved.grid.known().unwrap().of, "FI");
    }
}
