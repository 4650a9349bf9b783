//! The five ways in which a place can stand: four are the law's, the fifth is that the task can't run there.

use causeway_law::Outcome;

use crate::candidate::Candidate;

/// How a place stands, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Allowed,
    NeedsReview,
    LicenceRequired,
    Prohibited,
    CannotRun,
}

impl Standing {
    pub(super) const ALL: [Self; 5] = [
        Self::Allowed,
        Self::NeedsReview,
        Self::LicenceRequired,
        Self::Prohibited,
        Self::CannotRun,
    ];

    /// A place where the task can't run stands so, unless the law forbids it anyway: that stays true on better machines.
    pub(super) fn of(candidate: &Candidate) -> Self {
        match Self::from(candidate.outcome) {
            Self::Prohibited => Self::Prohibited,
            _ if !candidate.infeasible.is_empty() => Self::CannotRun,
            standing => standing,
        }
    }

    /// Colours of Okabe and Ito 2008, "Color Universal Design": told apart with each of the three common kinds of colour
    /// blindness. The last is none of theirs: a grey, for what is empty.
    pub(super) const fn colour(self) -> &'static str {
        match self {
            Self::Allowed => "#009E73",
            Self::NeedsReview => "#E69F00",
            Self::LicenceRequired => "#0072B2",
            Self::Prohibited => "#D55E00",
            Self::CannotRun => "#6E6E6E",
        }
    }

    /// A light tint of the colour, under dark words.
    pub(super) const fn tint(self) -> &'static str {
        match self {
            Self::Allowed => "#dff1ea",
            Self::NeedsReview => "#fbefd5",
            Self::LicenceRequired => "#dcebf5",
            Self::Prohibited => "#f8e3d6",
            Self::CannotRun => "#f3f3f1",
        }
    }

    /// The sign as a letter, for tables; pictures draw the same shape.
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Allowed => "\u{25cf}",
            Self::NeedsReview => "\u{25c6}",
            Self::LicenceRequired => "\u{25a0}",
            Self::Prohibited => "\u{2715}",
            Self::CannotRun => "\u{25cb}",
        }
    }

    /// Its class in the page's style.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::NeedsReview => "review",
            Self::LicenceRequired => "licence",
            Self::Prohibited => "prohibited",
            Self::CannotRun => "unable",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::NeedsReview => "needs review",
            Self::LicenceRequired => "licence required",
            Self::Prohibited => "prohibited",
            Self::CannotRun => "cannot run",
        }
    }

    /// So many of them, in a sentence that has begun with all of them.
    pub(super) fn of_them(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Allowed => ("is allowed", "are allowed"),
            Self::NeedsReview => ("needs review", "need review"),
            Self::LicenceRequired => ("takes a licence", "take a licence"),
            Self::Prohibited => ("is prohibited", "are prohibited"),
            Self::CannotRun => ("cannot run the task", "cannot run the task"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }

    /// What a change of the law that leads here does to a place.
    pub(super) const fn does(self) -> &'static str {
        match self {
            Self::Allowed => "allow it",
            Self::NeedsReview => "put it under review",
            Self::LicenceRequired => "ask a licence for it",
            Self::Prohibited => "prohibit it",
            Self::CannotRun => "keep it from running",
        }
    }

    /// What the words mean.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Allowed => "nothing forbids it, and every fact that counts is known",
            Self::NeedsReview => "a fact is missing, or a person must decide",
            Self::LicenceRequired => "an authorisation is missing",
            Self::Prohibited => "forbidden, and nothing lifts it",
            Self::CannotRun => {
                "the law aside, the task does not run there: too small, too few, too dear"
            }
        }
    }
}

impl From<Outcome> for Standing {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::Allowed,
            Outcome::NeedsReview => Self::NeedsReview,
            Outcome::LicenseRequired => Self::LicenceRequired,
            Outcome::Prohibited => Self::Prohibited,
        }
    }
}
