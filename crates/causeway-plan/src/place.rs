//! Where an offer's machines stand: country, point on the map, grid.

use causeway_domain::organisation::{Presence, Site};
use causeway_domain::{Country, Fact};
use causeway_market::{Coordinates, GridCarbon, Offer, Regions};
use serde::Serialize;

/// Where the machines stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The country.
    pub country: Fact<Country>,
    /// The point: the site's own, else that of its cloud's region.
    pub coordinates: Fact<Coordinates>,
    /// What the grid emits: the region's figure, else the country's.
    pub grid: Fact<GridCarbon>,
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
        let (of_region, grid) = match listed {
            Some(region) => (region.coordinates, region.carbon),
            None => (
                Fact::unknown("neither the site nor a table says where it is"),
                match &country {
                    Fact::Known(country, _) => regions.carbon_of(*country, None),
                    Fact::Unknown(why) => Fact::unknown(format!("country {why}")),
                },
            ),
        };
        Self {
            country,
            coordinates: stated.unwrap_or(of_region),
            grid,
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
