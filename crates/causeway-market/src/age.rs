//! How old a price is.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_domain::Date;
use serde::Serialize;

use crate::{Market, OfferSource, Read};

/// The age of a price list on a day that the caller names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// So many days ago.
    Days(u32),
    /// The list names a day that has not come yet.
    Ahead(u32),
    /// Nothing says when.
    Undated,
}

impl Age {
    /// Days after which a price is called old. Prices of rented accelerators move by the week; a month is a choice of
    /// this program, not a figure of a source.
    pub const STALE_AFTER: u32 = 30;

    /// The age on `today` of what was read on `date`.
    #[must_use]
    pub fn of(date: Option<Date>, today: Date) -> Self {
        let Some(date) = date else {
            return Self::Undated;
        };
        // Whole days between two civil days: an i32 at most, whatever the two are.
        let days = today.duration_since(date).as_hours() / 24;
        let count = u32::try_from(days.unsigned_abs()).unwrap_or(u32::MAX);
        if days < 0 {
            Self::Ahead(count)
        } else {
            Self::Days(count)
        }
    }

    /// Whether a reader should be told: older than [`Age::STALE_AFTER`], undated, or from the future.
    #[must_use]
    pub const fn is_stale(self) -> bool {
        match self {
            Self::Days(days) => days > Self::STALE_AFTER,
            Self::Ahead(_) | Self::Undated => true,
        }
    }
}

impl std::fmt::Display for Age {
    /// `read 12 days ago`; `read 41 days ago, older than 30 days`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Days(0) => f.write_str("read today"),
            Self::Days(1) => f.write_str("read yesterday"),
            Self::Days(days) if self.is_stale() => write!(
                f,
                "read {days} days ago, older than {} days",
                Self::STALE_AFTER
            ),
            Self::Days(days) => write!(f, "read {days} days ago"),
            Self::Ahead(1) => f.write_str("dated tomorrow"),
            Self::Ahead(days) => write!(f, "dated {days} days ahead"),
            Self::Undated => f.write_str("undated"),
        }
    }
}

/// What a market holds out of one file of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Whose offers.
    pub provider: Arc<str>,
    /// What kind of source.
    pub source: OfferSource,
    /// The file and the day.
    pub read: Arc<Read>,
    /// How many offers.
    pub offers: usize,
    /// How old they are.
    pub age: Age,
}

impl std::fmt::Display for Reading {
    /// `nebius: 61 offers, catalog/skypilot/nebius/vms.csv, read 41 days ago, older than 30 days`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = if self.offers == 1 { "offer" } else { "offers" };
        write!(
            f,
            "{}: {} {noun}, {}, {}",
            self.provider, self.offers, self.read.file, self.age
        )
    }
}

impl Market {
    /// What the market was read from and how old it is on a day, by provider.
    #[must_use]
    pub fn readings(&self, today: Date) -> Vec<Reading> {
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for offer in self.offers() {
            *counts
                .entry((&offer.provider, &offer.source, &offer.read))
                .or_default() += 1;
        }
        counts
            .into_iter()
            .map(|((provider, source, read), offers)| Reading {
                provider: Arc::clone(provider),
                source: source.clone(),
                read: Arc::clone(read),
                offers,
                age: Age::of(read.date, today),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_says_what_it_was_read_from() {
        let market = Market::builtin().unwrap();
        let lines: Vec<String> = market
            .readings("2027-01-04".parse().unwrap())
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        hyperstack: 25 offers, catalog/skypilot/hyperstack/vms.csv, read 41 days ago, older than 30 days
        nebius: 61 offers, catalog/skypilot/nebius/vms.csv, read 41 days ago, older than 30 days
        verda: 33 offers, catalog/skypilot/verda/vms.csv, read 41 days ago, older than 30 days
        ");
    }

    #[test]
    fn an_age_is_said_and_an_old_one_stands_out() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let words = |date: &str, today: &str| {
            let age = Age::of(Some(day(date)), day(today));
            (age.to_string(), age.is_stale())
        };
        assert_eq!(
            words("2026-11-24", "2026-11-24"),
            ("read today".into(), false)
        );
        assert_eq!(
            words("2026-11-23", "2026-11-24"),
            ("read yesterday".into(), false)
        );
        assert_eq!(
            words("2026-10-25", "2026-11-24"),
            ("read 30 days ago".into(), false)
        );
        assert_eq!(
            words("2026-10-14", "2026-11-24"),
            ("read 41 days ago, older than 30 days".into(), true)
        );
        assert_eq!(
            words("2026-11-26", "2026-11-24"),
            ("dated 2 days ahead".into(), true)
        );
        assert!(Age::of(None, day("2026-11-24")).is_stale());
        assert_eq!(
            Age::of(Some(Date::MIN), Date::MAX),
            Age::Days(7_304_483),
            "the longest span there is"
        );
    }
}
