//! Whether two addresses are of one building, and of one room in it.
//!
//! Some entries of lists are addresses: whoever sits there is covered, whatever the name. [`Premises`] takes an address
//! apart once: street, number, building, block, floor, room, towns. [`Premises::meets`] puts two of them side by side; they
//! meet on street and number, or on the building's name, in towns that don't contradict each other. Another room of the
//! same building is for a reviewer; so is whatever only sounds alike.
//!
//! Addresses in Latin letters and in Han are read, street names across the two. An address that says neither street nor
//! building meets nothing.
//!
//! ```
//! use causeway_parties::addresses::Premises;
//! use causeway_parties::names::Band;
//!
//! let listed = Premises::new("Room 12, 3/F, Sample Industrial Building, 5 Any Street, Kwun Tong", "HK".parse().ok());
//! let same = Premises::new("Rm 12 3rd Floor, Sample Ind. Bldg., No. 5 Any St., Kowloon, Hong Kong", None);
//! let other = Premises::new("7 Any Street, Kwun Tong, Hong Kong", None);
//! assert_eq!(same.meets(&listed).map(|meeting| meeting.band), Some(Band::Hit));
//! assert_eq!(other.meets(&listed), None);
//! ```

mod han;
mod latin;

use causeway_domain::Country;

use crate::names::{Band, HIT, Kind, Name, REVIEW, Relation, Weights, compare};

/// An address, taken apart.
#[derive(Debug, Clone)]
pub struct Premises {
    country: Option<Country>,
    street: Option<Name>,
    numbers: Vec<String>,
    building: Option<Name>,
    block: Option<String>,
    floor: Option<String>,
    unit: Option<String>,
    post_box: Option<String>,
    towns: Option<Name>,
}

/// What a reader of one script finds. Texts are in lower case, numbers without leading zeros.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    street: Option<String>,
    numbers: Vec<String>,
    building: Option<String>,
    block: Option<String>,
    floor: Option<String>,
    unit: Option<String>,
    post_box: Option<String>,
    towns: Vec<String>,
}

/// How two addresses meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// In thousandths; ranks within a band.
    pub score: u16,
    /// [`Band::Hit`]: the same room, or all of a building of which one address is a part. [`Band::Review`]: anything less.
    pub band: Band,
    /// Part by part.
    pub why: Vec<String>,
}

/// Places that are one town, so that a street and a number settle where it is.
const ONE_TOWN: [&str; 5] = ["HK", "MO", "SG", "MC", "GI"];

/// Places whose addresses are written with China as the country, too.
const OF_CHINA: [&str; 3] = ["CN", "HK", "MO"];

impl Premises {
    /// Takes an address apart. `country` is what its source says; else the last part of the text is looked at.
    #[must_use]
    pub fn new(text: &str, country: Option<Country>) -> Self {
        let (parts, written) = if han::is_han(text) {
            han::read(text)
        } else {
            latin::read(text)
        };
        let name = |text: String| Name::new(&text, Kind::Entity);
        let towns = parts.towns.join(" ");
        Self {
            country: country.or(written),
            street: parts.street.map(name),
            numbers: parts.numbers,
            building: parts.building.map(name),
            block: parts.block,
            floor: parts.floor,
            unit: parts.unit,
            post_box: parts.post_box,
            towns: (!towns.is_empty()).then(|| name(towns)),
        }
    }

    /// How this address meets one that is listed; `None` where they are two places, or too little is said to tell.
    #[must_use]
    pub fn meets(&self, listed: &Self) -> Option<Meeting> {
        if !self.shares_country(listed) {
            return None;
        }
        let weights = Weights::builtin();
        let mut why = Vec::new();
        let number = match (self.numbers.as_slice(), listed.numbers.as_slice()) {
            ([], _) | (_, []) => None,
            (one, two) => Some(one.iter().any(|number| two.contains(number))),
        };
        let street = alike(&weights, self.street.as_ref(), listed.street.as_ref());
        let building = alike(&weights, self.building.as_ref(), listed.building.as_ref());
        let at_street = number == Some(true) && street.is_some_and(|alike| alike.score >= REVIEW);
        // A building's name without a street to go with it must be the same, not only alike.
        let at_building = building.is_some_and(|alike| alike.score >= NAMED)
            && number != Some(false)
            && street.is_none_or(|alike| alike.score >= REVIEW);
        let boxed = self.post_box.is_some() && self.post_box == listed.post_box;
        let towns = self.shares_town(&weights, listed);
        let one_town = [self.country, listed.country]
            .iter()
            .flatten()
            .any(|country| ONE_TOWN.contains(&country.code()));
        let placed = match towns {
            Some(shared) => shared || one_town || (at_street && at_building),
            None => at_street || one_town,
        };
        if !placed || !(at_street || at_building || boxed) {
            return None;
        }
        let mut exact = at_street;
        if at_street {
            why.push(format!(
                "the same number, {}, of {}",
                self.numbers.join(", "),
                said(self.street.as_ref(), listed.street.as_ref())
            ));
            exact &= street.is_some_and(|alike| alike.exact);
        }
        if at_building {
            why.push(format!(
                "the same building, {}",
                said(self.building.as_ref(), listed.building.as_ref())
            ));
        }
        if boxed && !at_street && !at_building {
            why.push(format!(
                "the same post office box, {}",
                self.post_box.as_deref().unwrap_or_default()
            ));
        }
        let mut score: u16 = if exact { 1000 } else { HIT - 1 };
        for (what, own, theirs) in [
            ("block", &self.block, &listed.block),
            ("floor", &self.floor, &listed.floor),
            ("room", &self.unit, &listed.unit),
        ] {
            match (own, theirs) {
                (Some(own), Some(theirs)) if own == theirs => {
                    why.push(format!("the same {what}, {own}"));
                }
                (Some(own), Some(theirs)) => {
                    why.push(format!("another {what}: {own} here, {theirs} there"));
                    score = score.min(OTHER_ROOM);
                }
                (None, Some(theirs)) => {
                    why.push(format!("{what} {theirs} there, none stated here"));
                    score = score.min(OPEN_ROOM);
                }
                (Some(own), None) => why.push(format!("{what} {own} here, the whole of it there")),
                (None, None) => {}
            }
        }
        Some(Meeting {
            score,
            band: Band::of(score),
            why,
        })
    }

    fn shares_country(&self, other: &Self) -> bool {
        match (self.country, other.country) {
            (Some(one), Some(two)) => {
                one == two
                    || (OF_CHINA.contains(&one.code())
                        && OF_CHINA.contains(&two.code())
                        && (one.code() == "CN" || two.code() == "CN"))
            }
            _ => true,
        }
    }

    /// Whether one town or district stands in both; `None` where one of them names none.
    fn shares_town(&self, weights: &Weights, other: &Self) -> Option<bool> {
        let (one, two) = (self.towns.as_ref()?, other.towns.as_ref()?);
        Some(compare(weights, one, two).parts.iter().any(|part| {
            matches!(
                part.relation,
                Relation::Same | Relation::Meaning | Relation::Joined | Relation::Reading
            )
        }))
    }
}

/// From this score on, two buildings' names are one.
const NAMED: u16 = 900;
/// The room is known on the list alone.
const OPEN_ROOM: u16 = 900;
/// Two rooms of one building.
const OTHER_ROOM: u16 = 850;

#[derive(Clone, Copy)]
struct Alike {
    score: u16,
    exact: bool,
}

fn alike(weights: &Weights, one: Option<&Name>, two: Option<&Name>) -> Option<Alike> {
    let found = compare(weights, one?, two?);
    Some(Alike {
        score: found.score,
        exact: found
            .parts
            .iter()
            .all(|part| matches!(part.relation, Relation::Same | Relation::Meaning)),
    })
}

fn said(one: Option<&Name>, two: Option<&Name>) -> String {
    let text = |name: Option<&Name>| name.map(|name| name.text().to_owned()).unwrap_or_default();
    let (one, two) = (text(one), text(two));
    if one == two {
        format!("`{one}`")
    } else {
        format!("`{one}`, there `{two}`")
    }
}

/// A number or letter of a room, floor or house, without leading zeros: `012a` is `12a`.
fn code(text: &str) -> String {
    let text = text.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
    let bare = text.trim_start_matches('0');
    if bare.starts_with(|sign: char| sign.is_ascii_digit()) {
        bare.to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
