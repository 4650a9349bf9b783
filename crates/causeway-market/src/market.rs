//! The market: every offer, and the tables that they are read with.

use std::sync::Arc;

use causeway_domain::Country;

use crate::shelf::{Shelf, part_of};
use crate::{
    Accelerator, Accelerators, Dialects, MarketError, Offer, PriceList, Providers, Regions,
    builtin, import_csv,
};

/// Offers and the tables they are read with. A copy shares all of it.
#[derive(Clone)]
pub struct Market {
    // INVARIANT: shelves name parts by their place in `accelerators`, so that table is chosen before the first offer
    // (`Market::of_tables`) and never exchanged after.
    pub(crate) shelves: Vec<Arc<Shelf>>,
    /// The accelerators.
    pub accelerators: Arc<Accelerators>,
    /// Cloud and region to country.
    pub regions: Arc<Regions>,
    /// Who the clouds are.
    pub providers: Arc<Providers>,
    /// How the price lists differ by cloud.
    pub dialects: Arc<Dialects>,
}

impl Market {
    /// The catalog built into the program: three of SkyPilot's price lists and the tables beside them.
    ///
    /// # Errors
    /// [`MarketError`] when a built-in file is damaged; a row that can't be read is damage too.
    pub fn builtin() -> Result<Self, MarketError> {
        let mut market = Self::empty()?;
        for (cloud, file, text) in builtin::PRICE_LISTS {
            let list = PriceList {
                cloud,
                file,
                bytes: text.as_bytes(),
                date: Some(builtin::PRICES_READ),
            };
            let import = import_csv(&list, &market.regions, &market.dialects)?.whole(file)?;
            market = market.with_offers(import.offers);
        }
        Ok(market)
    }

    /// The built-in tables without any offer: for an organisation that brings its own price lists.
    ///
    /// # Errors
    /// [`MarketError`] when a built-in file is damaged.
    pub fn empty() -> Result<Self, MarketError> {
        Ok(Self::of_tables(
            Accelerators::builtin()?,
            Regions::builtin()?,
            Providers::builtin()?,
            Dialects::builtin()?,
        ))
    }

    /// A market without any offer over tables of the caller's own.
    #[must_use]
    pub fn of_tables(
        accelerators: Accelerators,
        regions: Regions,
        providers: Providers,
        dialects: Dialects,
    ) -> Self {
        Self {
            shelves: Vec::new(),
            accelerators: Arc::new(accelerators),
            regions: Arc::new(regions),
            providers: Arc::new(providers),
            dialects: Arc::new(dialects),
        }
    }

    /// The same market with more offers: a site's own, or another price list's. What it held is shared, not copied.
    #[must_use]
    pub fn with_offers(mut self, offers: impl IntoIterator<Item = Offer>) -> Self {
        let offers: Vec<Offer> = offers.into_iter().collect();
        if !offers.is_empty() {
            let shelf = Shelf::new(offers, &self.accelerators, &self.dialects);
            self.shelves.push(Arc::new(shelf));
        }
        self
    }

    /// The same market with a cloud's price list in place of what it held of that cloud's.
    #[must_use]
    pub fn with_list(mut self, cloud: &str, offers: impl IntoIterator<Item = Offer>) -> Self {
        let of_list = |offer: &Offer| {
            offer.source == crate::OfferSource::Catalog
                && offer.provider.eq_ignore_ascii_case(cloud)
        };
        let mut kept = Vec::with_capacity(self.shelves.len());
        for shelf in std::mem::take(&mut self.shelves) {
            let gone = shelf.offers.iter().filter(|offer| of_list(offer)).count();
            if gone == 0 {
                kept.push(shelf);
            } else if gone < shelf.offers.len() {
                let rest = shelf.offers.iter().filter(|offer| !of_list(offer));
                let rest = rest.cloned().collect();
                kept.push(Arc::new(Shelf::new(
                    rest,
                    &self.accelerators,
                    &self.dialects,
                )));
            }
        }
        self.shelves = kept;
        self.with_offers(offers)
    }

    /// Every offer, in the order in which they came.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.shelves.iter().flat_map(|shelf| shelf.offers.iter())
    }

    /// A digest of the built-in tables and of this program's version: what a list becomes depends on both.
    #[must_use]
    pub fn tables_digest(&self) -> causeway_domain::Digest {
        let mut hasher = blake3::Hasher::new();
        for text in [
            env!("CARGO_PKG_VERSION"),
            builtin::ACCELERATORS,
            builtin::REGIONS,
            builtin::DIALECTS,
            builtin::PROVIDERS,
        ] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        causeway_domain::Digest::new(*hasher.finalize().as_bytes())
    }

    /// How many offers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.offers.len()).sum()
    }

    /// Whether there is no offer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Offers of an accelerator, under any of its names and under the one that their source uses, and in a country; all
    /// where neither is named.
    ///
    /// # Errors
    /// [`MarketError::UnknownAccelerator`] when no offer has it and no table lists it.
    pub fn listed(
        &self,
        accelerator: Option<&str>,
        country: Option<Country>,
    ) -> Result<Vec<&Offer>, MarketError> {
        let wanted = accelerator.map(|name| (name, self.accelerators.position(name, None)));
        let is = |offer: &Offer| {
            wanted.is_none_or(|(name, part)| {
                let named = offer
                    .accelerator
                    .as_ref()
                    .is_some_and(|(has, _)| has.eq_ignore_ascii_case(name));
                named
                    || (part.is_some()
                        && part_of(offer, &self.accelerators, &self.dialects) == part)
            })
        };
        let of_kind: Vec<&Offer> = self.offers().filter(|offer| is(offer)).collect();
        if let Some((name, None)) = wanted
            && of_kind.is_empty()
        {
            return Err(MarketError::UnknownAccelerator {
                name: name.to_owned(),
                near: self
                    .accelerators
                    .near(name)
                    .map(|near| format!("did you mean `{near}`?")),
            });
        }
        let here =
            |offer: &&Offer| country.is_none_or(|country| offer.country.known() == Some(&country));
        Ok(of_kind.into_iter().filter(here).collect())
    }

    /// The accelerator that an offer is of; `None` for a machine without, for a part that the table does not list, and for
    /// a name that the offer's cloud uses for several parts.
    #[must_use]
    pub fn accelerator_of(&self, offer: &Offer) -> Option<&Accelerator> {
        part_of(offer, &self.accelerators, &self.dialects).and_then(|at| self.accelerators.at(at))
    }
}

impl std::fmt::Debug for Market {
    /// Counts: nobody reads sixty thousand rows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market")
            .field("offers", &self.len())
            .field("accelerators", &self.accelerators.len())
            .finish_non_exhaustive()
    }
}
