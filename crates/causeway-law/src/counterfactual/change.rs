//! Changes of plan, and nothing else.
//!
//! INVARIANT: no [`Change`] can say who a party is. Its contents are private to this file, it is made by the constructors
//! here only, and it acts on an act through [`Levers`], which borrow the place, the chips, the day, the authorisations and
//! the facts of [`Documentable`]; parties, roles, registers, origins, numbers of persons and what went before are out of
//! its reach.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, Fact};
use serde::Serialize;

use super::documents::{Document, Documentable};
use super::mechanism::Mechanism;
use crate::{Act, ActKind, Chip, FactValue, Packs, When};

/// Another destination, site or market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Place(Country);

/// Another chip of the packs' table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherChip {
    id: String,
    name: String,
}

/// At most so many chips in the whole undertaking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fewer(u64);

/// Another day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OtherDay(Date);

/// An authorisation of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Authorisation(String);

/// One change of plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "to", rename_all = "snake_case")]
pub enum Change {
    /// An open fact is documented, or determined by a reviewer: if it is so.
    Document(Document),
    /// Data move under another mechanism.
    Mechanism(Mechanism),
    /// It is done at another place.
    Place(Place),
    /// It is done with another chip.
    Chip(OtherChip),
    /// It is done with fewer chips in all.
    Count(Fewer),
    /// It is done on another day.
    Date(OtherDay),
    /// An authorisation is obtained.
    Authorisation(Authorisation),
}

impl Change {
    /// Another place.
    #[must_use]
    pub const fn place(country: Country) -> Self {
        Self::Place(Place(country))
    }

    /// Another chip; none where the table lacks it.
    #[must_use]
    pub fn chip(packs: &Packs, id: &str) -> Option<Self> {
        let name = packs.chip_name(id)?.to_owned();
        Some(Self::Chip(OtherChip {
            id: id.to_owned(),
            name,
        }))
    }

    /// Fewer chips than planned; none where that is not fewer, or nothing is left.
    #[must_use]
    pub const fn fewer(planned: u64, chips: u64) -> Option<Self> {
        if chips == 0 || chips >= planned {
            return None;
        }
        Some(Self::Count(Fewer(chips)))
    }

    /// Another day.
    #[must_use]
    pub const fn day(day: Date) -> Self {
        Self::Date(OtherDay(day))
    }

    /// An authorisation; none where the vocabulary lacks it, it does not exist on the day, or it is a mechanism for data.
    #[must_use]
    pub fn authorisation(packs: &Packs, name: &str, day: Date) -> Option<Self> {
        let exists = packs
            .vocabulary
            .authorisations
            .get(name)
            .is_some_and(|known| known.exists(day));
        (exists
            && !Mechanism::FILINGS
                .iter()
                .any(|one| one.held() == Some(name)))
        .then(|| Self::Authorisation(Authorisation(name.to_owned())))
    }

    /// The country that it moves to, where it moves.
    #[must_use]
    pub const fn moves_to(&self) -> Option<Country> {
        match self {
            Self::Place(Place(country)) | Self::Mechanism(Mechanism::Home(country)) => {
                Some(*country)
            }
            _ => None,
        }
    }

    /// The chip's id, where it is another chip.
    #[must_use]
    pub fn chip_id(&self) -> Option<&str> {
        match self {
            Self::Chip(chip) => Some(&chip.id),
            _ => None,
        }
    }

    /// How many chips at most, where it is fewer.
    #[must_use]
    pub const fn chips(&self) -> Option<u64> {
        match self {
            Self::Count(Fewer(chips)) => Some(*chips),
            _ => None,
        }
    }

    /// The day, where it is another.
    #[must_use]
    pub const fn on(&self) -> Option<Date> {
        match self {
            Self::Date(OtherDay(day)) => Some(*day),
            _ => None,
        }
    }

    /// The word of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Document(_) => "document",
            Self::Mechanism(_) => "mechanism",
            Self::Place(_) => "place",
            Self::Chip(_) => "chip",
            Self::Count(_) => "count",
            Self::Date(_) => "date",
            Self::Authorisation(_) => "authorisation",
        }
    }

    /// What somebody would have to do.
    #[must_use]
    pub fn says(&self) -> String {
        match self {
            Self::Document(document) => document.says(),
            Self::Mechanism(mechanism) => mechanism.says(),
            Self::Place(Place(country)) => {
                format!("do it in {} ({country}) instead", country.name())
            }
            Self::Chip(chip) => format!("use {} instead", chip.name),
            Self::Count(Fewer(chips)) => format!(
                "use at most {chips} chips in the whole undertaking, with all that its owners use before and beside it"
            ),
            Self::Date(OtherDay(day)) => format!("do it on {day}"),
            Self::Authorisation(Authorisation(name)) => {
                format!("obtain {name} for exactly this, before it is done")
            }
        }
    }

    /// The thing alone, for a list of alternatives: `Japan (JP)`, `L20`, `2027-01-15`.
    #[must_use]
    pub fn thing(&self) -> String {
        match self {
            Self::Place(Place(country)) | Self::Mechanism(Mechanism::Home(country)) => {
                format!("{} ({country})", country.name())
            }
            Self::Chip(chip) => chip.name.clone(),
            Self::Count(Fewer(chips)) => chips.to_string(),
            Self::Date(OtherDay(day)) => day.to_string(),
            Self::Authorisation(Authorisation(name)) => name.clone(),
            Self::Document(_) | Self::Mechanism(_) => self.says(),
        }
    }

    /// Whether both can be made at once.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Document(one), Self::Document(two)) => one.fact() != two.fact(),
            (Self::Mechanism(Mechanism::Home(_)), Self::Mechanism(Mechanism::Home(_))) => false,
            (Self::Mechanism(_), Self::Mechanism(_)) => true,
            (Self::Authorisation(_), Self::Authorisation(_)) => true,
            _ => std::mem::discriminant(self) != std::mem::discriminant(other),
        }
    }

    /// What moves the plan comes before what is documented of the moved plan.
    const fn rank(&self) -> u8 {
        match self {
            Self::Place(_) => 0,
            Self::Chip(_) => 1,
            Self::Count(_) => 2,
            Self::Date(_) => 3,
            Self::Mechanism(Mechanism::Home(_)) => 4,
            Self::Mechanism(_) => 5,
            Self::Document(_) => 6,
            Self::Authorisation(_) => 7,
        }
    }
}

/// The act with these changes.
///
/// What was stated of the old place or the old chips is unknown of the new ones, and an authorisation covers the place, the
/// chips and the days that it was given for: those held are not counted after a move.
#[must_use]
pub fn apply(changes: &[Change], act: &Act) -> Act {
    let mut act = act.clone();
    let mut ordered: Vec<&Change> = changes.iter().collect();
    ordered.sort_by_key(|change| change.rank());
    for change in ordered {
        Levers::of(&mut act).pull(change);
    }
    act
}

/// What a change can touch of an act.
struct Levers<'a> {
    kind: ActKind,
    to: &'a mut Fact<Country>,
    chip: Option<&'a mut Chip>,
    date: &'a mut When,
    authorisations: &'a mut BTreeSet<String>,
    facts: Facts<'a>,
}

impl<'a> Levers<'a> {
    /// Every field is named, so that whoever adds one to acts decides here whether advice may touch it.
    fn of(act: &'a mut Act) -> Self {
        let Act {
            kind,
            date,
            from: _,
            to,
            item,
            parties: _,
            register: _,
            authorisations,
            facts,
        } = act;
        Self {
            kind: *kind,
            to,
            chip: item.chip.as_mut(),
            date,
            authorisations,
            facts: Facts(facts),
        }
    }

    fn pull(mut self, change: &Change) {
        match change {
            Change::Place(Place(country)) => self.go_to(*country),
            Change::Mechanism(Mechanism::Home(country)) => {
                if self.kind == ActKind::TransferWeights {
                    self.go_to(*country);
                }
            }
            Change::Chip(other) => {
                if let Some(chip) = self.chip {
                    chip.id = Some(other.id.clone());
                    chip.figures = None;
                    self.facts.forget(Documentable::OF_CHIPS);
                    self.facts.unsay("china_share_of_us_shipments");
                    self.facts.unsay("jan2026_certifications");
                    self.authorisations.clear();
                }
            }
            Change::Count(Fewer(chips)) => {
                if let Some(chip) = self.chip {
                    chip.count = chip.count.min(*chips);
                }
            }
            Change::Date(OtherDay(day)) => {
                *self.date = match self.date {
                    When::Day(_) => When::Day(*day),
                    When::Instant(_) => noon(*day),
                };
                self.authorisations.clear();
            }
            Change::Mechanism(mechanism) => {
                for (fact, value, over) in mechanism.facts() {
                    self.facts.state(*fact, value, over);
                }
                self.authorisations
                    .extend(mechanism.held().map(str::to_owned));
            }
            Change::Document(document) => {
                self.facts
                    .state(document.fact(), document.value(), document.over());
            }
            Change::Authorisation(Authorisation(name)) => {
                self.authorisations.insert(name.clone());
            }
        }
    }

    fn go_to(&mut self, country: Country) {
        *self.to = Fact::stated(country, PROPOSED);
        self.facts.forget(Documentable::OF_PLACES);
        if matches!(
            self.kind,
            ActKind::RentIaas | ActKind::UseChip | ActKind::RentAndDataset
        ) {
            // The chips that stand there are other chips.
            self.facts.forget(Documentable::OF_CHIPS);
        }
        self.authorisations.clear();
    }
}

/// Noon UTC of a day: the same day everywhere from UTC-12 to UTC+11, so in the place of every jurisdiction of the packs.
#[must_use]
pub fn noon(day: Date) -> When {
    jiff::tz::TimeZone::UTC
        .to_timestamp(day.at(12, 0, 0, 0))
        .map_or(When::Day(day), When::Instant)
}

const PROPOSED: &str = "the proposed change";
const MOVED: &str = "stated of the plan before the change";

/// The facts that a change can state or forget; no others.
struct Facts<'a>(&'a mut BTreeMap<String, Fact<FactValue>>);

impl Facts<'_> {
    /// States a fact that is unknown, or whose value is one of `over`.
    fn state(&mut self, fact: Documentable, value: &str, over: &[&str]) {
        let free = match self.0.get(fact.name()) {
            None | Some(Fact::Unknown(_)) => true,
            Some(Fact::Known(known, _)) => over.contains(&known.to_string().as_str()),
        };
        if free {
            self.0.insert(
                fact.name().to_owned(),
                Fact::stated(FactValue::from(value), PROPOSED),
            );
        }
    }

    fn forget(&mut self, facts: &[Documentable]) {
        for fact in facts {
            self.unsay(fact.name());
        }
    }

    /// Makes unknown what was known.
    fn unsay(&mut self, name: &str) {
        if let Some(fact) = self.0.get_mut(name) {
            *fact = Fact::unknown(MOVED);
        }
    }
}
