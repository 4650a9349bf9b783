//! Two names, compared: what comes out, and as whose names they are compared.

use serde::Serialize;

use super::organisations::organisations;
use super::persons::persons;
use super::words::Class;
use super::{Kind, Name, Weights};

/// From this score on, in thousandths, a pair goes to a reviewer. `docs/src/screening.md` has the measured precision and
/// recall; the test `names_hold` keeps them.
pub const REVIEW: u16 = 800;

/// From this score on, in thousandths, a pair is a hit: the names agree in every word that tells.
pub const HIT: u16 = 930;

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Another party, as far as the name tells.
    Clear,
    /// Perhaps the same party: somebody has to look.
    Review,
    /// The same name. For a natural person this, too, is for a reviewer to judge: names are shared.
    Hit,
}

impl Band {
    /// The band of a score.
    #[must_use]
    pub fn of(score: u16) -> Self {
        match score {
            HIT.. => Self::Hit,
            REVIEW.. => Self::Review,
            _ => Self::Clear,
        }
    }

    /// Its word: `clear`, `review`, `hit`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Review => "review",
            Self::Hit => "hit",
        }
    }
}

/// How words of two names stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Relation {
    /// The same word.
    Same,
    /// Words of one meaning: technology and 科技, Peking and Beijing.
    Meaning,
    /// The same letters, split into words otherwise.
    Joined,
    /// One is how the other sounds, in another script or romanisation.
    Reading,
    /// A few letters apart; the number is in half edits.
    Spelling(u8),
    /// One letter that stands for a name.
    Initial,
    /// Numbers one step or one digit apart.
    NearNumber,
    /// Only the left name has it.
    LeftOnly,
    /// Only the right name has it.
    RightOnly,
}

/// Words of a name: from the first to before the last, counted among those that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first word.
    pub from: u8,
    /// The word after the last.
    pub to: u8,
}

impl Span {
    pub(super) fn one(at: usize) -> Self {
        Self::many(at, 1)
    }

    pub(super) fn many(at: usize, length: usize) -> Self {
        let from = u8::try_from(at).unwrap_or(u8::MAX);
        Self {
            from,
            to: from.saturating_add(u8::try_from(length).unwrap_or(u8::MAX)),
        }
    }

    pub(super) const NONE: Self = Self { from: 0, to: 0 };
}

/// One line of the explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TokenMatch {
    /// Words of the left name.
    pub left: Span,
    /// Words of the right name.
    pub right: Span,
    /// What kind of word it is.
    #[serde(skip)]
    pub class: Class,
    /// How they stand to each other.
    pub relation: Relation,
    /// How alike they are, in thousandths.
    pub similarity: u16,
    /// How much that counts.
    pub weight: u16,
}

/// How alike two names are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// In thousandths; ranks results within a band.
    pub score: u16,
    /// What the score means.
    pub band: Band,
    /// Whether the parts are those of a person's name.
    pub personal: bool,
    /// Word by word.
    pub parts: Vec<TokenMatch>,
}

impl Match {
    pub(super) fn new(score: u32, cap: u16, personal: bool, parts: Vec<TokenMatch>) -> Self {
        let score = u16::try_from(score).unwrap_or(1000).min(1000).min(cap);
        Self {
            score,
            band: Band::of(score),
            personal,
            parts,
        }
    }

    pub(super) fn capped(mut self, cap: u16) -> Self {
        self.score = self.score.min(cap);
        self.band = Band::of(self.score);
        self
    }
}

/// The best score that is not a hit.
pub(super) const BELOW_HIT: u16 = HIT - 1;
/// The best score that is clear.
pub(super) const BELOW_REVIEW: u16 = REVIEW - 1;

/// Compares two names. The order of the two makes no difference to score and band.
///
/// A name that may be of a person or an organisation is compared as both. A person's name against an organisation's is
/// compared word by word and never more than a review.
#[must_use]
pub fn compare(weights: &Weights, left: &Name, right: &Name) -> Match {
    let persons = match (&left.person, &right.person) {
        (Some(left), Some(right)) => Some(persons(weights, left, right)),
        _ => None,
    };
    let words = match (&left.words, &right.words) {
        (Some(left), Some(right)) => Some(organisations(weights, left, right)),
        _ => None,
    };
    let best = match (persons, words) {
        (Some(persons), Some(words)) if persons.score >= words.score => persons,
        (_, Some(words)) => words,
        (Some(persons), None) => persons,
        (None, None) => {
            let left = Name::new(left.text(), Kind::Entity);
            let right = Name::new(right.text(), Kind::Entity);
            return compare(weights, &left, &right).capped(BELOW_HIT);
        }
    };
    if left.is_weak() || right.is_weak() {
        best.capped(BELOW_HIT)
    } else {
        best
    }
}
